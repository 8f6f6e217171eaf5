"""The command `phone` refuses what it has no network of; nothing here imports TensorFlow."""

from pathlib import Path
from typing import Any

import pytest

from pose_activity.training import kinds
from pose_activity.training.phone import write_phone
from pose_activity.training.pictures import phone


def load(config: str, folder: Path) -> Any:
    return kinds.load(Path("configs") / f"{config}.yaml", (f"run_dir={folder}",))


def test_networks_of_clips_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="for runs on parts and pictures.*trained on clips"):
        write_phone(load("demo_gait", tmp_path), tmp_path / "out")


def test_a_run_that_is_not_finished(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'annotations' is not finished"):
        write_phone(load("demo_parts", tmp_path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_linear_classifier_is_no_network(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Train with stage2.linear: null"):
        phone.network_of(load("demo_quick", tmp_path), tmp_path)
