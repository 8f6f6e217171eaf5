"""A report that was made without its images is made again when they are back, and only then."""

from pathlib import Path

import pytest

from pose_activity.artifacts import manifest
from pose_activity.training.lost_images import count_missing, found_again
from pose_activity.training.runs import open_run
from pose_activity.training.steps import steps_of
from tests.commands import copy_of


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    files = [tmp_path / name for name in "abc"]
    for file in files:
        file.touch()
    return files


def finish(folder: Path, files: list[Path]) -> None:
    manifest.write(folder, recipe={}, inputs={}, counts=count_missing(files))


def test_one_that_saw_every_image_stays_without_them(tmp_path: Path, images: list[Path]) -> None:
    finish(tmp_path, images)
    images[0].unlink()
    assert found_again(tmp_path, lambda: images) == []


def test_one_that_missed_some_waits_for_them(tmp_path: Path, images: list[Path]) -> None:
    for file in images[:2]:
        file.unlink()
    finish(tmp_path, [*images, *images])
    assert found_again(tmp_path, lambda: images) == []
    images[0].touch()
    (line,) = found_again(tmp_path, lambda: images)
    assert line == "1 images were missing, and are there again"
    finish(tmp_path, images)
    assert found_again(tmp_path, lambda: images) == []


def test_an_unfinished_one_lacks_nothing(tmp_path: Path) -> None:
    assert found_again(tmp_path, list) == []


def test_the_step_of_a_run_on_pictures_asks(tiny_run: Path, tmp_path: Path) -> None:
    run = open_run(copy_of(tiny_run, tmp_path), None, ())
    report = steps_of(run, look_only=True)[-1]
    assert report.lost_files() == []
    folder = run.run_dir / "report"
    found = manifest.read_finished(folder)
    manifest.write(
        folder,
        recipe=found["recipe"],
        inputs=found["inputs"],
        counts={**found["counts"], "missing_images": 4},
    )
    assert report.lost_files() == ["4 images were missing, and are there again"]
