"""The step `annotations` on clips: copies, and folders that are called like splits."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pose_activity.annotations.clip_files import read_clips
from pose_activity.annotations.readers.feature_table import (
    FeatureTable,
    read_features,
    write_features,
)
from pose_activity.configs.clips import ClipRun
from pose_activity.training import kinds
from pose_activity.training.clips.labels import make_annotations, try_annotations
from pose_activity.training.clips.steps import CLIPS, FEATURES

CONFIG = """
run_dir: {folder}/run
clips: {{format: {format}, path: {path}}}
split: {{train: 0.6, val: 0.2, test: 0.2}}
sequence: {{skeleton: coco17}}
"""


def load(folder: Path, kind: str, path: Path, *settings: str) -> ClipRun:
    (folder / "x.yaml").write_text(
        CONFIG.format(folder=folder, format=kind, path=path), encoding="utf-8"
    )
    run = kinds.load(folder / "x.yaml", settings)
    assert isinstance(run, ClipRun)
    return run


def make(run: ClipRun) -> Path:
    folder = run.run_dir / "annotations"
    folder.mkdir(parents=True, exist_ok=True)
    make_annotations(run, folder)
    return folder / (FEATURES if run.has_features else CLIPS)


def videos(root: Path, *names: str, **same: str) -> Path:
    """Writes files that differ, but for those that `same` names as copies: copy=original."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(same.get(name, name).rjust(40).encode())
    return root


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_copies_of_a_video_stay_together(tmp_path: Path, capsys: pytest.CaptureFixture):
    names = [f"{label}/{i}.mp4" for label in ("run", "sit") for i in range(10)]
    copies = {"run/9.mp4": "run/0.mp4", "sit/5.mp4": "run/0.mp4"}
    root = videos(tmp_path / "videos", *names, **copies)
    for seed in range(5):
        run = load(tmp_path, "videos", root, f"seed={seed}")
        sides = {clip.name: clip.split for clip in read_clips(make(run))}
        assert len({sides[name] for name in ("run/0.mp4", "run/9.mp4", "sit/5.mp4")}) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "copies of other clips: 2 (run/0.mp4 = run/9.mp4 = sit/5.mp4). See dupl" in said
    assert "clips with more than one label: 1 (run/0.mp4 (run) = run/9.mp4 (run) = sit" in said
    rows = rows_of(tmp_path / "run/annotations/duplicates.csv")
    assert [row[1:3] for row in rows[1:]] == [
        ["run/0.mp4", "run"],
        ["run/9.mp4", "run"],
        ["sit/5.mp4", "sit"],
    ]


def test_copies_across_given_splits_are_told(tmp_path: Path, capsys: pytest.CaptureFixture):
    names = ["train/a/1.mp4", "train/b/2.mp4", "test/a/3.mp4", "test/b/4.mp4"]
    root = videos(tmp_path / "videos", *names, **{"test/b/4.mp4": "train/a/1.mp4"})
    try_annotations(load(tmp_path, "videos", root, "split=given"), strict=True)
    said = " ".join(capsys.readouterr().out.split())
    assert "WARNING: clips in more than one split: 1 (test/b/4.mp4 (test) = train/a/1" in said


@pytest.mark.parametrize("kind", ["archive", "features"])
def test_the_same_numbers_stay_together(tmp_path: Path, kind: str):
    rng = np.random.default_rng(0)
    arrays = {f"{p}_{i}": rng.uniform(1, 9, (5, 17, 3)) for p in ("anna", "ben") for i in range(12)}
    arrays |= {"anna_7": arrays["anna_0"], "ben_3": arrays["anna_0"]}
    for seed in range(5):
        if kind == "archive":
            np.savez(tmp_path / "a.npz", allow_pickle=False, **arrays)
            settings = ["clips.label_pattern='(?P<label>[a-z]+)_'", f"seed={seed}"]
            run = load(tmp_path, "poses", tmp_path / "a.npz", *settings)
            sides: dict[str, Any] = {clip.name: clip.split for clip in read_clips(make(run))}
        else:
            vectors = np.array([a.ravel() for a in arrays.values()], np.float32)
            labels, names = tuple(name.split("_")[0] for name in arrays), tuple(arrays)
            write_features(tmp_path / "f.csv", FeatureTable(vectors, labels, names))
            run = load(
                tmp_path, "features", tmp_path / "f.csv", "stage2={linear: {}}", f"seed={seed}"
            )
            table = read_features(make(run))
            sides = dict(zip(table.names or (), table.splits or (), strict=True))
        assert len({sides[name] for name in ("anna_0", "anna_7", "ben_3")}) == 1


def test_folders_called_like_splits_are_the_splits(tmp_path: Path, capsys: pytest.CaptureFixture):
    names = [f"{s}/{label}/{i}.mp4" for s in ("Train", "test") for label in "ab" for i in range(10)]
    run = load(tmp_path, "videos", videos(tmp_path / "videos", *names))
    clips = read_clips(make(run))
    assert {clip.label for clip in clips} == {"a", "b"}
    assert all((clip.split == "test") == clip.name.startswith("test/") for clip in clips)
    assert sum(clip.split == "val" for clip in clips) == 5, "0.2 / 0.8 of 20"
    said = " ".join(capsys.readouterr().out.split())
    assert "taken for the splits: Train (train), test (test)" in said
    assert "There is no given val: of the 20 clips of train, 5 for val were taken." in said


def test_people_of_a_gallery_that_training_sees_are_refused(tmp_path: Path) -> None:
    names = [
        f"{split}/{who}/{i}.mp4" for split in ("train", "test") for who in "ab" for i in (1, 2)
    ]
    root = videos(tmp_path / "videos", *names)
    run = load(tmp_path, "videos", root, "split=given", "report.gallery=1.mp4")
    with pytest.raises(
        ValueError, match="must not be among those of train. Received in both: a, b"
    ):
        make(run)
