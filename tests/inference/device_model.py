"""Hand-made models as packages that a browser can answer with; see `view_model`, `motion_model`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np

from pose_activity.annotations.synthetic import parts
from pose_activity.inference.package import files_of, kind_of, write_package
from pose_activity.training import on_device
from tests.inference import motion_model, view_model


def package_colours(folder: Path) -> Path:
    """Packages the model that names the colour of the person; returns the package."""
    return _package(view_model.write_model(folder / "run"), folder / "model")


def package_walkers(folder: Path) -> Path:
    """Packages the model that names in which direction people walk; it can be live."""
    recipe = replace(motion_model.RECIPE, rate=10.0)
    return _package(motion_model.write_model(folder / "run", recipe), folder / "model")


def _package(run: Path, out: Path) -> Path:
    kind = kind_of(run)
    predictor = kind.load(run, engine="onnxruntime", threads=1)
    (out.parent / "made").mkdir()
    with pictures_of_rectangles():
        made = on_device.write(out.parent / "made", predictor, kind)
    write_package(out, files_of(run) + made, card="", about={})
    return out


@contextmanager
def pictures_of_rectangles() -> Iterator[None]:
    """Lets samples show what these models know, in place of drawn people."""
    with mock.patch.object(parts, "draw", _draw):
        yield


def _draw(size: tuple[int, int], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x, y = int(rng.integers(0, 120)), int(rng.integers(0, 40))
    image = motion_model.picture(**{"red" if rng.random() < 0.5 else "blue": (x, y)})
    return image, np.zeros(image.shape[:2], np.uint8)
