"""Fixtures for all rooms."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from pose_activity.annotations.cleaning.clean import Cleaned, clean
from pose_activity.annotations.readers.mpii import read_mpii
from pose_activity.annotations.types import Sample
from pose_activity.configs.sections import STEPS
from tests.commands import train_tiny
from tests.forkserver import close_servers

# Rooms whose tests share costly fixtures that no other room's need.
ROOMS = ("annotations", "stage1_pose", "stage2_classifier")
# Costly fixtures of several rooms -> the process that has them.
SHARED = {
    "tiny_run": "tiny_run",
    "mpii_release": "annotations",
    "mpii_cleaned": "annotations",
}
LONGEST = ("stage2_classifier", "tiny_run", "stage1_pose", "annotations")


class RoomScheduling(LoadScopeScheduling):
    """Gives a process whole rooms, all files that share a costly fixture, or else single files."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope_of(nodeid.partition("::")[0])


@cache
def _scope_of(file: str) -> str:
    room = file.split("/")[1]
    if room in ROOMS:
        return room
    text = (Path(__file__).parents[1] / file).read_text(encoding="utf-8")
    return next((scope for name, scope in SHARED.items() if name in text), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> RoomScheduling:
    """Serves `pytest -n`; without it, tests run in one process as ever."""
    config.option.loadscopereorder = False  # by the number of tests, which tells little
    return RoomScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts what takes longest first, so that in the end no process waits for another one."""

    def place(item: pytest.Item) -> int:
        scope = _scope_of(item.nodeid.partition("::")[0])
        return LONGEST.index(scope) if scope in LONGEST else len(LONGEST)

    items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def user_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps what runs and Keras keep for later ones away from the user's own; ends fork servers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("home") / "keras"))
        patch.setenv("NO_ALBUMENTATIONS_UPDATE", "1")
        # Other tests use the cores meanwhile: torch's threads must not spin while they wait.
        patch.setenv("OMP_WAIT_POLICY", "PASSIVE")
        yield
        close_servers()


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
def mpii_cleaned(mpii_release: list[Sample]) -> Cleaned:
    """What the cleaner makes of all of them, as it is set by default, without their files."""
    return clean(mpii_release, check_images=False)


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that went through all steps of `train.py` on drawn pictures."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    for step in STEPS:
        done = train_tiny(folder, step)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder
