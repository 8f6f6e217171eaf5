"""Graphs from the weight files alone, compared with Keras networks of the same weights."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from pose_activity.backbones.lite_layout import LITES, blocks, source_name
from pose_activity.backbones.lite_weights import package_file, read_state_dict
from pose_activity.runtime import graph
from pose_activity.stage2_classifier.frozen import lite_graph

SIZES = ((64, 96), (33, 47))  # padding differs between even and odd sides


@pytest.mark.parametrize(
    "models",  # Lite1 has the blocks of Lite2 in the widths of Lite0
    [
        ("efficientnet_lite0", "efficientnet_lite2"),
        pytest.param(tuple(LITES), marks=pytest.mark.slow),
    ],
)
def test_they_answer_as_keras_does(child, tmp_path: Path, models: tuple[str, ...]) -> None:
    rng = np.random.default_rng(0)
    images = {str(i): rng.uniform(0, 255, (2, *s, 3)) for i, s in enumerate(SIZES)}
    np.savez(tmp_path / "images.npz", allow_pickle=False, **images)
    child("ask_lite", tmp_path, *models)
    with np.load(tmp_path / "features.npz", allow_pickle=False) as file:
        expected = dict(file)
    for model in models:
        path = tmp_path / f"{model}.onnx"
        onnx.save(lite_graph.build(model, read_state_dict(package_file(model))), path)
        run = graph.load(path, engine="onnxruntime", threads=1)
        for name, image in images.items():
            (got,) = run(image.astype(np.float32))
            assert got.shape == expected[f"{model} {name}"].shape
            np.testing.assert_allclose(got, expected[f"{model} {name}"], atol=1e-4)


def test_the_same_weights_are_the_same_bytes() -> None:
    state = read_state_dict(package_file("efficientnet_lite0"))
    once, twice = (
        lite_graph.build("efficientnet_lite0", state).SerializeToString() for _ in range(2)
    )
    assert once == twice
    onnx.checker.check_model(onnx.load_from_string(once), full_check=True)


def test_other_weights_are_refused() -> None:
    foreign = {"conv1.weight": np.zeros((64, 3, 7, 7), np.float32)}
    larger = read_state_dict(package_file("efficientnet_lite1"))
    for state in (foreign, larger):
        with pytest.raises(ValueError, match="must be those of efficientnet_lite2, with _"):
            lite_graph.build("efficientnet_lite2", state)


@pytest.mark.parametrize(
    ("model", "count", "filters"),
    [
        ("efficientnet_lite0", 16, (16, 24, 40, 80, 112, 192, 320)),
        ("efficientnet_lite1", 21, (16, 24, 40, 80, 112, 192, 320)),
        ("efficientnet_lite2", 21, (16, 24, 48, 88, 120, 208, 352)),
    ],
)
def test_the_blocks_are_the_published_ones(
    model: str, count: int, filters: tuple[int, ...]
) -> None:
    found = list(blocks(model))
    assert len(found) == count
    assert tuple(block.filters for block in found if not block.residual) == filters


def test_layers_have_the_published_names() -> None:
    assert source_name("block3_depth_norm") == "_blocks.3._bn1"
