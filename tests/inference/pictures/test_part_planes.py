"""A classifier of body parts alone, from the pixels to the answer: graphs made by hand."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity.annotations.parts import PASCAL7
from pose_activity.annotations.videos import Frame
from pose_activity.artifacts.manifest import sha256_file
from pose_activity.cache import store
from pose_activity.cache.parts import PartsRecipe
from pose_activity.cache.planes import PoseModelId, Recipe
from pose_activity.cache.record import stack
from pose_activity.cache.tensor_spec import TensorSpec
from pose_activity.inference.package import files_of, write_package
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.stage1_parts import maps
from pose_activity.stage1_parts import predict as parts
from tests.inference.motion_model import SIZE, picture, vouch, write_graph, write_pose

CLASSES = ("red", "blue", "nobody")
RED, BLUE = (20, 30), (110, 30)
PICTURES = {"red": picture(red=RED), "blue": picture(blue=BLUE), "nobody": picture()}
PARTS = PartsRecipe(width=40, height=32, scheme=PASCAL7)
RECIPE = Recipe(("parts",), width=32, height=24, people="most_prominent")

# What is red is a torso, what is blue a head.
_PARTS = """
<ir_version: 8, opset_import: ["" : 17]>
parts (float[B,32,40,3] planes) => (float[B,32,40,7] probabilities) {
    kernel = Constant <value = float[3,7] {KERNEL}> ()
    bias = Constant <value = float[7] {BIAS}> ()
    mixed = MatMul (planes, kernel)
    logits = Add (mixed, bias)
    probabilities = Softmax <axis = 3> (logits)
}
"""
_CLASSIFIER = """
<ir_version: 8, opset_import: ["" : 17]>
activity (float[B,24,32,6] planes) => (float[B,3] probabilities) {
    kernel = Constant <value = float[6,3] {KERNEL}> ()
    bias = Constant <value = float[3] {0, 0, 3}> ()
    shown = ReduceMean <axes = [1, 2], keepdims = 0> (planes)
    mixed = MatMul (shown, kernel)
    logits = Add (mixed, bias)
    probabilities = Softmax <axis = 1> (logits)
}
"""


def write_parts(folder: Path, recipe: PartsRecipe = PARTS) -> str:
    """Writes parts.onnx and parts.json; returns the graph's sha256."""
    folder.mkdir(parents=True, exist_ok=True)
    kernel, bias = np.zeros((3, 7)), np.zeros(7)
    kernel[0, 2], kernel[2, 2], kernel[0, 1], kernel[2, 1] = 0.1, -0.1, -0.1, 0.1
    bias[0] = 8
    sha256 = write_graph(folder / "parts.onnx", _PARTS, KERNEL=kernel.ravel(), BIAS=bias)
    values = {"recipe": recipe.as_json(), "sha256": sha256, "temperature": 1.0, "weights": [1] * 7}
    (folder / "parts.json").write_text(json.dumps(values), encoding="utf-8")
    return sha256


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The run folder of a picture model whose planes are parts."""
    write_parts(tmp_path / "parts")
    pose = write_pose(tmp_path / "run" / "stage1")
    maps.copy(tmp_path / "parts", tmp_path / "run" / "stage1")
    network = parts.load(tmp_path / "run" / "stage1", engine="onnxruntime", threads=1)
    recipe = replace(RECIPE, pose=PoseModelId(pose, size=SIZE[0]), parts=network.sha256)
    kernel = np.zeros((6, 3))
    kernel[1, 0] = kernel[0, 1] = 1
    (tmp_path / "run" / "stage2").mkdir()
    graph = tmp_path / "run" / "stage2" / "classifier.onnx"
    sha256 = write_graph(graph, _CLASSIFIER, KERNEL=kernel.ravel())
    values = {"classes": CLASSES, "recipe": recipe.as_json(), "sha256": sha256}
    graph.with_suffix(".json").write_text(json.dumps(values), encoding="utf-8")
    vouch(tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.png" for name in PICTURES]
    for path in paths:
        cv2.imwrite(str(path), PICTURES[path.stem][..., ::-1])
    return paths


def load(folder: Path) -> PicturePredictor:
    return PicturePredictor(folder, engine="onnxruntime", threads=2)


def test_maps_are_where_the_body_is(tmp_path):
    write_parts(tmp_path)
    network = parts.load(tmp_path, engine="onnxruntime", threads=1)
    found = maps.find(network, picture(red=RED, blue=BLUE), None)
    assert found.size == SIZE and found.planes.shape == (32, 40, 6)
    torso, head = found.planes[..., 1] > 127, found.planes[..., 0] > 127
    for shown, (x, y) in ((torso, RED), (head, BLUE)):
        rows, columns = np.nonzero(shown)
        assert abs(rows.mean() * 4 - (y + 34)) < 4 and abs(columns.mean() * 4 - (x + 10)) < 4
    wide = maps.find(network, picture(red=RED)[:64], None)
    assert wide.planes.shape == (16, 40, 6), "what the letterbox added is cut off"


def test_the_answer_is_of_the_parts(model, photos):
    answers = load(model).answers(map(Frame.of_picture, photos))
    rows = [row for answer in answers for row in answer.rows]
    assert {row.image.stem: row.ranking[0][0] for row in rows} == {name: name for name in PICTURES}


def test_parts_of_others_are_not_seen(model, tmp_path):
    """The larger of two is the one; the other one's parts change nothing."""
    predictor = load(model)
    both = picture(red=RED)
    cv2.rectangle(both, (120, 60), (135, 95), (20, 30, 230), cv2.FILLED)
    for name, pixels in (("alone", picture(red=RED)), ("both", both)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), pixels[..., ::-1])
    alone, both = (
        predictor.answer(Frame.of_picture(tmp_path / f"{name}.png")).rows[0]
        for name in ("alone", "both")
    )
    assert both.poses is not None and len(both.poses.boxes) == 2
    assert np.array_equal(alone.probabilities, both.probabilities)


def test_prediction_sees_what_training_stored(model, photos, tmp_path):
    """Bit for bit: the answers of the stored arrays are those of the pictures."""
    predictor = load(model)
    rows = [row for a in predictor.answers(map(Frame.of_picture, photos)) for row in a.rows]
    network = parts.load(model / "stage1", engine="onnxruntime", threads=1)
    specs = [
        TensorSpec(
            row.image,
            "red",
            "val",
            row.poses,
            find_parts=lambda image, poses: maps.find(network, image, poses),
        )
        for row in rows
    ]
    cache, _ = store.build(
        tmp_path / "cache", specs, recipe=predictor.recipe, classes=CLASSES, inputs={}
    )
    for row, entry in zip(rows, cache.entries, strict=True):
        (answer,) = predictor.classifier(stack([cache.load(entry, verify=True).x]))
        assert np.array_equal(answer, row.probabilities)


def test_a_package_has_the_parts_network(model, photos, tmp_path):
    write_package(tmp_path / "model", files_of(model), card="", about={})
    assert {"parts.onnx", "parts.json"} <= {path.name for path in (tmp_path / "model").iterdir()}
    (row,) = load(tmp_path / "model").answer(Frame.of_picture(photos[0])).rows
    assert row.ranking[0][0] == "red"


def test_another_parts_network_is_refused(model):
    stage1 = model / "stage1"
    graph, sidecar = stage1 / "parts.onnx", stage1 / "parts.json"
    graph.write_bytes(graph.read_bytes().replace(b"parts", b"other"))  # the graph's own name
    vouch(model)
    with pytest.raises(
        ValueError, match=r"parts\.onnx is not the graph that parts\.json describes"
    ):
        load(model)
    described = json.loads(sidecar.read_text(encoding="utf-8"))
    described["sha256"] = sha256_file(graph)
    sidecar.write_text(json.dumps(described), encoding="utf-8")
    vouch(model)
    with pytest.raises(ValueError, match="must be the one that the classifier was trained with"):
        load(model)


def test_what_is_copied_must_be_a_network(tmp_path):
    with pytest.raises(FileNotFoundError, match="parts.onnx is missing"):
        maps.copy(tmp_path, tmp_path / "run")
