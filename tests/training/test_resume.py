"""A training that was asked for otherwise begins anew; what is not its own stays."""

from pathlib import Path

import pytest

from pose_activity.artifacts.manifest import StaleError
from pose_activity.training.resume import resume_or_restart


def test_only_the_other_trainings_files_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "states").mkdir()
    names = ["states/003.keras", "history.csv", "classifier.keras", "thesis.docx", "training.json"]
    for name in names:
        (tmp_path / name).touch()

    def train() -> str:
        if (tmp_path / "training.json").exists():
            raise StaleError("seed: 0 -> 1")
        return "trained"

    assert resume_or_restart(train, tmp_path) == "trained"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]
    assert "restarting: seed: 0 -> 1" in capsys.readouterr().out


def test_a_training_that_fits_goes_on(tmp_path: Path) -> None:
    (tmp_path / "training.json").touch()
    assert resume_or_restart(lambda: 7, tmp_path) == 7
    assert (tmp_path / "training.json").exists()
