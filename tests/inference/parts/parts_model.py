"""A model of body parts made by hand: red pixels are torso, blue ones head, all else background.

With a stage 1 its pose graph is that of `motion_model`, which finds a red and a blue rectangle.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pose_activity.annotations.parts import PARTS9, PartScheme
from pose_activity.cache.parts import PartsRecipe
from pose_activity.cache.planes import PoseModelId
from tests.inference.motion_model import SIZE, vouch, write_graph, write_pose

RECIPE = PartsRecipe(width=64, height=48, scheme=PARTS9)
RED, BLUE, GREY = (230, 20, 20), (20, 20, 230), (90, 90, 90)


_GRAPH = """
<ir_version: 8, opset_import: ["" : 17]>
parts (float[B,48,64,CHANNELS] planes) => (float[B,48,64,9] probabilities) {
    weights = Constant <value = float[CHANNELS,9] {WEIGHTS}> ()
    bias = Constant <value = float[9] {BIAS}> ()
    product = MatMul (planes, weights)
    logits = Add (product, bias)
    probabilities = Softmax <axis = 3> (logits)
}
"""


def write_parts(
    folder: Path, recipe: PartsRecipe = RECIPE, preferred: Sequence[float] = (1.0,) * 9
) -> Path:
    """Writes parts.onnx and parts.json; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    torso, head = (PARTS9.index(name) for name in ("torso", "head"))
    channels = recipe.shape[2]  # bones, if it has them, weigh nothing
    weights, bias = np.zeros((channels, 9)), np.full(9, -20.0)
    weights[[0, 2], torso], weights[[0, 2], head] = (0.1, -0.1), (-0.1, 0.1)
    bias[[0, torso, head]] = 5, 0, 0
    numbers = {"WEIGHTS": weights.ravel(), "BIAS": bias}
    graph = _GRAPH.replace("CHANNELS", str(channels))
    sha256 = write_graph(folder / "parts.onnx", graph, **numbers)
    about = {
        "kind": "parts",
        "recipe": recipe.as_json(),
        "sha256": sha256,
        "temperature": 1.0,
        "weights": [*preferred],
        "parity": 0.0,
    }
    (folder / "parts.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


def write_model(folder: Path, *, pose: bool = False, recipe: PartsRecipe = RECIPE) -> Path:
    """Writes a run folder; returns it."""
    if pose:
        sha256 = write_pose(folder / "stage1")
        recipe = replace(recipe, pose=PoseModelId(sha256, size=SIZE[0]))
    else:
        (folder / "stage1").mkdir(parents=True)
    write_parts(folder / "stage2", recipe)
    vouch(folder)
    return folder


def scene(size: tuple[int, int] = (128, 96), scheme: PartScheme = PARTS9) -> tuple:
    """Returns a grey picture with a red and a blue rectangle, and its mask."""
    image = np.full((size[1], size[0], 3), GREY, np.uint8)
    mask = np.zeros(image.shape[:2], np.uint8)
    for (left, top, right, bottom), colour, part in (
        ((16, 24, 48, 88), RED, "torso"),
        ((80, 24, 96, 56), BLUE, "head"),
    ):
        image[top:bottom, left:right] = colour
        mask[top:bottom, left:right] = scheme.index(part)
    return image, mask
