"""A model with two views made by hand: it names the colour of the person, red or blue, or nobody.

Its pose graph is that of `motion_model`, which finds a red and a blue rectangle. Its classifier has
three inputs by name, and a map of each view: how much redder than blue each 8x8 pixels are.
"""

import json
from dataclasses import replace
from pathlib import Path

from pose_activity.cache.options import PersonView
from pose_activity.cache.planes import PoseModelId, Recipe
from tests.inference.motion_model import SIZE, vouch, write_graph, write_pose

CLASSES = ("red", "blue", "nobody")
RECIPE = Recipe(("rgb",), width=32, height=24, person_view=PersonView(size=16))

# A logit per class: the person's mean red, its mean blue, and 1,000 where nobody was found; and a
# share of the picture's, so that each input counts.
_CLASSIFIER = """
<ir_version: 8, opset_import: ["" : 17]>
views (float[B,24,32,3] picture, float[B,16,16,3] person, float[B,1] found)
    => (float[B,3] probabilities, float[B,3,4] activation_map, float[B,2,2] activation_map_person) {
    to_logits = Constant <value = float[3,3] {0.05, 0, 0, 0, 0, 0, 0, 0.05, 0}> ()
    a_little = Constant <value = float[3,3] {0.001, 0, 0, 0, 0, 0, 0, 0.001, 0}> ()
    never = Constant <value = float[1,3] {0, 0, -1000}> ()
    much = Constant <value = float[1,3] {0, 0, 1000}> ()
    redder = Constant <value = float[1,3,1,1] {1, 0, -1}> ()
    one_channel = Constant <value = int64[1] {1}> ()
    of_person = ReduceMean <axes = [1, 2], keepdims = 0> (person)
    of_picture = ReduceMean <axes = [1, 2], keepdims = 0> (picture)
    first = MatMul (of_person, to_logits)
    second = MatMul (of_picture, a_little)
    both = Add (first, second)
    nobody = MatMul (found, never)
    seen = Add (both, nobody)
    logits = Add (seen, much)
    probabilities = Softmax <axis = 1> (logits)
    picture_planes = Transpose <perm = [0, 3, 1, 2]> (picture)
    person_planes = Transpose <perm = [0, 3, 1, 2]> (person)
    picture_weighted = Mul (picture_planes, redder)
    person_weighted = Mul (person_planes, redder)
    picture_sum = ReduceSum <keepdims = 1> (picture_weighted, one_channel)
    person_sum = ReduceSum <keepdims = 1> (person_weighted, one_channel)
    picture_map = AveragePool <kernel_shape = [8, 8], strides = [8, 8]> (picture_sum)
    person_map = AveragePool <kernel_shape = [8, 8], strides = [8, 8]> (person_sum)
    activation_map = Squeeze (picture_map, one_channel)
    activation_map_person = Squeeze (person_map, one_channel)
}
"""


def write_classifier(folder: Path, recipe: Recipe = RECIPE, **sidecar: object) -> Path:
    """Writes classifier.onnx and classifier.json; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    sha256 = write_graph(folder / "classifier.onnx", _CLASSIFIER)
    values = {"classes": CLASSES, "recipe": recipe.as_json(), "sha256": sha256, **sidecar}
    (folder / "classifier.json").write_text(json.dumps(values), encoding="utf-8")
    return folder


def write_model(folder: Path) -> Path:
    """Writes the run folder of a model with two views; returns it."""
    pose = write_pose(folder / "stage1")
    recipe = replace(RECIPE, pose=PoseModelId(sha256=pose, size=SIZE[0]))
    write_classifier(folder / "stage2", recipe)
    vouch(folder)
    return folder
