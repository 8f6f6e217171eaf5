"""Real MPII photos through the rooms, where there are any."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.cleaning.clean import clean
from pose_activity.annotations.images import find_images, read_size
from pose_activity.annotations.readers.yolo import read_yolo, write_yolo
from pose_activity.annotations.splitting.split import split
from pose_activity.annotations.types import Sample
from pose_activity.stage1_pose.predict import letterbox
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


def test_photos_of_every_size_pass_stage_1(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos of which ultralytics' way back is not its letterbox's: they stopped the README's run.

    Their short side falls on a multiple of the stride without being the same share of the picture's
    as the long side is.
    """
    monkeypatch.setenv("POSE_ACTIVITY_WEIGHTS", str(data_dir / "weights"))
    for activity in ("climbing", "cooking"):
        (tmp_path / "photos" / activity).mkdir(parents=True)
        folder = data_dir / "stanford40" / "train" / activity
        odd = [path for path in find_images(folder) if _falls_on_the_stride(path)]
        for path in (odd + find_images(folder))[:6]:
            shutil.copy(path, tmp_path / "photos" / activity)
    changed = [f"data.images={tmp_path / 'photos'}", f"run_dir={tmp_path / 'run'}"]
    settings = [part for item in changed for part in ("--set", item)]
    for step in ("annotations", "stage1"):
        done = call("train.py", step, "--config", "configs/folder.yaml", *settings)
        assert done.returncode == 0, done.stdout + done.stderr
    sidecar = json.loads((tmp_path / "run" / "stage1" / "pose.json").read_text("utf-8"))
    assert sidecar["parity_images"] == 8 and sidecar["parity_px"] < 0.02
    assert sidecar["parity_people"] >= 8


def _falls_on_the_stride(path: Path) -> bool:
    width, height = read_size(path)
    place = letterbox((width, height), 640)
    padded = place.inner_wh != place.input_hw[::-1]
    return not padded and place.inner_wh[0] / width != place.inner_wh[1] / height


@pytest.mark.slow
def test_the_readmes_run_on_200_photos_of_4_activities(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSE_ACTIVITY_WEIGHTS", str(data_dir / "weights"))
    names = ("climbing", "cooking", "playing_guitar", "riding_a_bike")
    for name in names:
        shutil.copytree(data_dir / "stanford40" / "train" / name, tmp_path / "photos" / name)
    changed = [f"data.images={tmp_path / 'photos'}", f"run_dir={tmp_path / 'run'}"]
    changed += ["stage2.epochs=2", "stage2.fine_tune_epochs=0"]
    settings = [part for item in changed for part in ("--set", item)]
    done = call("train.py", "all", "--config", "configs/folder.yaml", *settings)
    assert done.returncode == 0, done.stdout + done.stderr
    metrics = json.loads((tmp_path / "run" / "report" / "metrics.json").read_text("utf-8"))
    assert metrics["accuracy"] > 0.5, "a guess is right in a quarter"


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
