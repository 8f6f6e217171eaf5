"""The configuration of Leeds Sports Pose, on a miniature in its layout."""

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from pose_activity.annotations.readers import lsp
from pose_activity.annotations.sample_files import read_samples
from pose_activity.annotations.skeleton import LSP14
from pose_activity.configs.pictures import PictureRun
from pose_activity.training import kinds
from pose_activity.training.pictures.labels import make_annotations, try_annotations

CONFIG = Path(__file__).resolve().parents[3] / "configs" / "lsp.yaml"
TRAIN, PICTURES = 27, 31


def test_lsp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lsp, "_TRAIN", TRAIN)
    rng = np.random.default_rng(0)
    joints = rng.uniform(5, 60, (3, 14, PICTURES))
    joints[2] = rng.integers(0, 2, (14, PICTURES))
    savemat(tmp_path / "joints.mat", {"joints": joints})
    (tmp_path / "images").mkdir()
    for i in range(PICTURES):
        picture = rng.integers(0, 255, (64, 64, 3), np.uint8)
        cv2.imwrite(str(tmp_path / "images" / f"im{i + 1:04d}.jpg"), picture)
    places = (f"run_dir={tmp_path / 'run'}", f"data.annotations={tmp_path / 'joints.mat'}")
    run = kinds.load(CONFIG, [*places, f"data.images={tmp_path / 'images'}"])
    assert isinstance(run, PictureRun)
    try_annotations(run, strict=True)
    folder = tmp_path / "run" / "annotations"
    make_annotations(run, folder)
    samples = read_samples(folder / "samples.jsonl")
    assert {sample.skeleton for sample in samples} == {LSP14}
    held_out = {s.image.name for s in samples if s.split == "test"}
    assert held_out == {f"im{i:04d}.jpg" for i in range(TRAIN + 1, PICTURES + 1)}
    assert Counter(sample.split for sample in samples) == {"train": 24, "val": 3, "test": 4}
