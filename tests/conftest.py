"""Fixtures for all rooms."""

import os
from pathlib import Path

import pytest

from pose_activity.annotations.readers.mpii import read_mpii
from pose_activity.annotations.types import Sample
from tests.commands import train_tiny

# Rooms whose tests share costly fixtures that no other room's need.
ROOMS = ("stage2_classifier", "stage1_pose")


def group_of(item: pytest.Item) -> str:
    """Names the tests that share costly fixtures with this one: these, its room's or its file's."""
    if "tiny_run" in getattr(item, "fixturenames", ()):
        return "tiny_run"
    file = item.path.relative_to(item.config.rootpath).as_posix()
    room = file.split("/")[1]
    return room if room in ROOMS else file


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Serves `pytest -n N --dist loadgroup`: a process takes whole groups, the long ones first."""
    if not hasattr(config, "workerinput"):
        return  # tests run in one process, in the order of the files
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item)))
    place = {"tiny_run": 0} | {room: number for number, room in enumerate(ROOMS, 1)}
    items.sort(key=lambda item: place.get(group_of(item), len(place)))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with real data; tests that need it skip where there is none."""
    folder = os.environ.get("POSE_ACTIVITY_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real data needed: set POSE_ACTIVITY_DATA to its folder")
    return Path(folder)


@pytest.fixture(scope="session")
def mpii_release(data_dir: Path) -> list[Sample]:
    """All samples of the rebuilt MPII file, as read; names without a folder."""
    return list(read_mpii(data_dir / "mpii" / "mpii_release_rebuilt.mat", None))


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that went through all steps of `train.py` on drawn pictures."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    done = train_tiny(folder, "all")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
