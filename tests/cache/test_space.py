"""A cache says how much disk space it takes, and refuses to start where it cannot fit."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from pose_activity.cache import space, store
from pose_activity.cache.planes import Recipe
from pose_activity.cache.record import CacheError
from pose_activity.cache.tensor_spec import TensorSpec

RECIPE = Recipe(planes=("rgb",), width=64, height=32)


@pytest.fixture
def sources(tmp_path: Path) -> list[TensorSpec]:
    for n in range(3):
        cv2.imwrite(str(tmp_path / f"{n}.png"), np.full((32, 64, 3), n, np.uint8))
    return [TensorSpec(tmp_path / f"{n}.png", "x", "train", None) for n in range(3)]


def build(folder: Path, sources: list[TensorSpec], tensors: store.Tensors = "disk") -> list[str]:
    said: list[str] = []
    options = {"recipe": RECIPE, "classes": ["x"], "inputs": {}, "on_size": said.append}
    store.build(folder, sources, tensors=tensors, **options)
    return said


def disk_of(monkeypatch: pytest.MonkeyPatch, free: float) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=int(free)))


def test_it_is_said_as_a_person_says_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    disk_of(monkeypatch, 57e9)
    found = space.space_of(tmp_path, Recipe(width=640, height=480), tensors=3625, there=0)
    assert str(found) == "3,625 tensors, 4.5 GB; 57.0 GB free"


@pytest.mark.parametrize("tensors", store.STORES)
def test_what_is_said_is_about_what_is_written(
    tmp_path: Path, sources: list[TensorSpec], tensors: store.Tensors
) -> None:
    build(tmp_path / "cache", sources, tensors)
    files = [path for path in (tmp_path / "cache" / "tensors").iterdir() if path.is_file()]
    written = sum(path.stat().st_size for path in files)
    found = space.space_of(tmp_path, RECIPE, tensors=3, there=0)
    assert written <= found.needed <= written + 3 * 8192


@pytest.mark.parametrize("tensors", store.STORES)
def test_what_cannot_fit_is_refused_before_anything_is_drawn(
    tmp_path: Path,
    sources: list[TensorSpec],
    tensors: store.Tensors,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk_of(monkeypatch, 40e3)
    monkeypatch.setattr(TensorSpec, "draw", lambda *_: pytest.fail("was drawn"))
    with pytest.raises(CacheError, match=r"3 tensors, 43\.0 kB; 40\.0 kB free\. Free some space"):
        build(tmp_path / "cache", sources, tensors)
    assert not (tmp_path / "cache" / "tensors").exists()


@pytest.mark.parametrize("tensors", store.STORES)
def test_what_is_there_needs_no_more_space(
    tmp_path: Path,
    sources: list[TensorSpec],
    tensors: store.Tensors,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert build(tmp_path / "cache", sources[:2], tensors)[0].startswith("2 tensors, 28.7 kB; ")
    disk_of(monkeypatch, 15e3)
    (said,) = build(tmp_path / "cache", sources, tensors)
    assert said == "3 tensors, 2 of them from before, 43.0 kB; 15.0 kB free"
