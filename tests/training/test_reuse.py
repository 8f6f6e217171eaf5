"""A step is taken over only where it would be the same; the other run keeps what it has."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from pose_activity.artifacts import manifest
from pose_activity.configs.sections import Run
from pose_activity.training.reuse import take_over
from pose_activity.training.steps import Counts, MadeFrom, Step, run_step

FILES = ("index.parquet", "recipe.json")
WRITTEN = (*FILES, "poses.parquet", "tensors/a.npy")


class Toy:
    """A run of one step, a cache."""

    def __init__(self, run_dir: Path, asked: dict[str, Any], images: str = "1") -> None:
        self.run = Run(run_dir=run_dir)
        self.step = Step(
            *("cache", lambda: asked, dict, self.make, FILES),
            external_inputs={"images": lambda: images},
        )

    def make(self, folder: Path, asked: MadeFrom) -> Counts:
        for name in WRITTEN:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(f"{asked.recipe}", encoding="utf-8")
        return {}

    @property
    def folder(self) -> Path:
        return self.run.run_dir / "cache"

    def there(self) -> set[str]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix() for path in files}


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    toy = Toy(tmp_path / "base", {"width": 64, "pose": "n"})
    monkeypatch.setattr("pose_activity.training.steps.steps_of", lambda run: [toy.step])
    run_step(toy.run, "cache")
    return toy


def test_the_same_step_is_linked_with_all_that_it_left(base: Toy, tmp_path: Path) -> None:
    trial = Toy(tmp_path / "trial", {"width": 64, "pose": "n"})
    assert take_over(trial.run, trial.step, [base.run.run_dir]) == base.run.run_dir
    assert trial.there() == {*WRITTEN, manifest.NAME} == base.there()
    asked = trial.step.made_from()
    assert not manifest.why_stale(trial.folder, recipe=asked.recipe, inputs=asked.inputs)
    for name in WRITTEN:
        assert os.path.samefile(trial.folder / name, base.folder / name)


@pytest.mark.parametrize(("width", "images"), [(96, "1"), (64, "2")])
def test_another_step_takes_only_what_checks_itself(
    base: Toy, tmp_path: Path, width: int, images: str
) -> None:
    trial = Toy(tmp_path / "trial", {"width": width, "pose": "n"}, images)
    assert take_over(trial.run, trial.step, [base.run.run_dir]) is None
    assert trial.there() == {"poses.parquet"}


def test_the_most_similar_run_gives_what_can_be_used(base: Toy, tmp_path: Path) -> None:
    shutil.copytree(base.run.run_dir, tmp_path / "other")
    path = tmp_path / "other" / "cache" / manifest.NAME
    path.write_text(
        path.read_text(encoding="utf-8").replace('"pose": "n"', '"pose": "s"'), encoding="utf-8"
    )
    trial = Toy(tmp_path / "trial", {"width": 96, "pose": "n"})
    sources = [tmp_path / "other", base.run.run_dir]
    assert take_over(trial.run, trial.step, sources) is None
    assert os.path.samefile(trial.folder / "poses.parquet", base.folder / "poses.parquet")


def test_a_damaged_step_is_not_taken_over(base: Toy, tmp_path: Path) -> None:
    (base.folder / "index.parquet").write_text("altered", encoding="utf-8")
    trial = Toy(tmp_path / "trial", {"width": 64, "pose": "n"})
    assert take_over(trial.run, trial.step, [base.run.run_dir]) is None
    assert manifest.NAME not in trial.there()


def test_a_folder_that_a_killed_search_left_half_is_completed(base: Toy, tmp_path: Path) -> None:
    trial = Toy(tmp_path / "trial", {"width": 64, "pose": "n"})
    trial.folder.mkdir(parents=True)
    os.link(base.folder / "recipe.json", trial.folder / "recipe.json")
    assert take_over(trial.run, trial.step, [base.run.run_dir])
    assert trial.there() == base.there()


def test_disks_without_links_get_copies(
    base: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    trial = Toy(tmp_path / "trial", {"width": 64, "pose": "n"})
    assert take_over(trial.run, trial.step, [base.run.run_dir])
    assert trial.there() == base.there()
    assert not os.path.samefile(trial.folder / "recipe.json", base.folder / "recipe.json")
