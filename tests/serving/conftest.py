"""One server of a model of pictures for the tests of this room that leave it as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.inference import motion_model, view_model
from tests.serving.running import Running, running


@pytest.fixture(scope="session")
def pictures_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of pictures, which names the colour of the person."""
    return view_model.write_model(tmp_path_factory.mktemp("models") / "colours")


@pytest.fixture(scope="session")
def clips_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of clips, which names the direction of each person."""
    return motion_model.write_model(tmp_path_factory.mktemp("models") / "motion")


@pytest.fixture(scope="session")
def server(pictures_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of the model of pictures."""
    with running(pictures_model, tmp_path_factory.mktemp("server"), threads=2) as found:
        yield found


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of 30 frames: red and blue walk past each other."""
    path = tmp_path_factory.mktemp("films") / "crossing.avi"
    return motion_model.write_film(path, motion_model.crossing())
