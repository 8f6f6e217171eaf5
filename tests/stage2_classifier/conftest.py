"""A drawn cache, and child processes for what needs TensorFlow or torch: neither enters pytest."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses
from pose_activity.cache import store
from pose_activity.cache.options import PersonView, Style
from pose_activity.cache.planes import Recipe
from pose_activity.cache.tensor_spec import TensorSpec
from tests.forkserver import fresh_process, server
from tests.stage2_classifier.walkers import build_cache

CHILDREN = Path(__file__).parent / "children"
CLASSES = ("jumping", "reading", "walking")
SPLITS = ("train",) * 8 + ("val",) * 3 + ("test",) * 2

Child = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="session")
def child() -> Child:
    """Runs `children/NAME.py` with arguments; fails with its output where it does not end well."""

    def run(
        name: str, *arguments: object, check: bool = True, fresh: bool = False, **environment: str
    ) -> subprocess.CompletedProcess:
        start = fresh_process if fresh else server("tensorflow").run
        done = start(CHILDREN / f"{name}.py", *arguments, **environment)
        assert not check or done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory) -> Path:
    """A finished cache of 64x64 tensors: 3 classes, told apart by colour and by the figure."""
    folder = tmp_path_factory.mktemp("drawn")
    rng = np.random.default_rng(0)
    sources = []
    for class_id, name in enumerate(CLASSES):
        for number, split in enumerate(SPLITS):
            image = rng.integers(0, 120, (64, 64, 3), dtype=np.uint8)
            image[..., class_id] += 100
            path = folder / f"{name}{number}.png"
            cv2.imwrite(str(path), image)
            sources.append(TensorSpec(path, name, split, _poses(path, class_id, rng)))
    recipe = Recipe(width=64, height=64, heatmap=Style(bone_width=2, joint_radius=2))
    store.build(folder / "cache", sources, recipe=recipe, classes=CLASSES, inputs={})
    # Beside it, of the same pictures.
    asked = {"recipe": recipe, "classes": CLASSES, "inputs": {}, "tensors": "memory_map"}
    store.build(folder / "memory_map", sources, **asked)
    person = PersonView(("rgb", "heatmap"), 48, heatmap=recipe.heatmap)
    two_views = replace(recipe, person_view=person)
    store.build(folder / "two_views", sources, **{**asked, "recipe": two_views})
    return folder / "cache"


@pytest.fixture(scope="session")
def tiny(child, cache_folder, tmp_path_factory) -> dict[str, Any]:
    """What `children/train_tiny.py` saw, and `folder`, where it wrote."""
    folder = tmp_path_factory.mktemp("tiny")
    child("train_tiny", cache_folder, folder)
    return {**json.loads((folder / "facts.json").read_text(encoding="utf-8")), "folder": folder}


@pytest.fixture(scope="session")
def lite0(child, cache_folder, tmp_path_factory) -> Path:
    """The folder of a whole training of the default model, exported."""
    folder = tmp_path_factory.mktemp("lite0")
    child("train_lite0", cache_folder, folder)
    return folder


@pytest.fixture(scope="session")
def walkers_cache(tmp_path_factory) -> Path:
    """A finished cache of windows of three walkers."""
    return build_cache(tmp_path_factory.mktemp("walkers") / "cache")


@pytest.fixture(scope="session")
def walked(child, walkers_cache, tmp_path_factory) -> dict[str, Any]:
    """What `children/train_sequences.py` saw, and `folder`, where it wrote."""
    folder = tmp_path_factory.mktemp("walked")
    child("train_sequences", walkers_cache, folder)
    return {**json.loads((folder / "facts.json").read_text(encoding="utf-8")), "folder": folder}


def _poses(path: Path, class_id: int, rng: np.random.Generator) -> Poses:
    keypoints = np.ones((1, len(COCO17), 3), np.float32)
    keypoints[0, :, :2] = rng.uniform(8 + 8 * class_id, 40 + 8 * class_id, (len(COCO17), 2))
    box = np.array([[8, 8, 60, 60]], np.float32)
    return Poses(path, (64, 64), COCO17, box, np.ones(1, np.float32), keypoints)
