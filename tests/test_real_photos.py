"""Real MPII photos through the rooms, where there are any."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from annotations.clean import clean
from annotations.images import find_images
from annotations.split import split
from annotations.types import Sample
from stage1_pose.yolo_dataset import read_yolo, write_yolo
from tests.commands import call


def test_five_photos_become_a_yolo_data_set(
    data_dir: Path, mpii_release: list[Sample], tmp_path: Path
) -> None:
    folder = data_dir / "mpii" / "images_5"
    names = {path.name for path in find_images(folder)}
    known = [sample for sample in mpii_release if sample.image.name in names]
    present = [replace(sample, image=folder / sample.image) for sample in known]
    cleaned = clean(present, root=folder)
    samples, _ = split(cleaned.kept, train=3, val=2, test=0, seed=0)
    assert len(samples) == 5
    data = write_yolo(samples, tmp_path / "yolo", skeleton=samples[0].skeleton)
    back = {sample.image.name: sample for sample in read_yolo(data)}
    for sample in samples:
        (again,) = (s for name, s in back.items() if sample.image.stem in name)
        assert (again.split, again.size) == (sample.split, sample.size)
        np.testing.assert_allclose(again.boxes, sample.boxes, atol=0.01)
        np.testing.assert_allclose(again.keypoints, sample.keypoints, atol=0.01)


@pytest.mark.slow
def test_all_steps_on_79_photos_of_20_categories(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSE_ACTIVITY_WEIGHTS", str(data_dir / "weights"))
    photos = data_dir / "mpii" / "images_79"
    settings = {
        "run_dir": tmp_path / "run",
        "data.images": photos,
        "cache.width": 96,
        "cache.height": 96,
        "stage2.epochs": 1,
        "stage2.fine_tune_epochs": 0,
    }
    changed = [part for item in settings.items() for part in ("--set", "=".join(map(str, item)))]
    done = call("train.py", "all", "--config", "configs/folder.yaml", *changed)
    assert done.returncode == 0, done.stdout + done.stderr
    out = tmp_path / "rows.csv"
    done = call("infer.py", photos, "--run", tmp_path / "run", "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 79 and {row["status"] for row in rows} == {"ok"}
    categories = {path.name for path in photos.iterdir() if path.is_dir()}
    assert len(categories) == 20 and {row["activity"] for row in rows} <= categories
    assert np.mean([int(row["n_people"]) > 0 for row in rows]) > 0.9, "poses are found"
