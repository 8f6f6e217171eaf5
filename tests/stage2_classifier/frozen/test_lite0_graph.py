"""Lite0's graph from the weight file alone, compared with the Keras network of the same weights."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from pose_activity.runtime import graph
from pose_activity.stage2_classifier.frozen import lite0_graph
from pose_activity.stage2_classifier.models.images.lite0_layout import blocks, source_name
from pose_activity.stage2_classifier.models.images.lite0_weights import (
    package_file,
    read_state_dict,
)

SIZES = ((64, 96), (33, 47))  # padding differs between even and odd sides


def test_it_answers_as_keras_does(child, tmp_path: Path) -> None:
    onnx.save(lite0_graph.build(read_state_dict(package_file())), tmp_path / "backbone.onnx")
    run = graph.load(tmp_path / "backbone.onnx", engine="onnxruntime", threads=1)
    rng = np.random.default_rng(0)
    images = {str(i): rng.uniform(0, 255, (2, *s, 3)) for i, s in enumerate(SIZES)}
    np.savez(tmp_path / "images.npz", allow_pickle=False, **images)
    child("ask_lite0", tmp_path)
    with np.load(tmp_path / "features.npz", allow_pickle=False) as expected:
        for name, image in images.items():
            (got,) = run(image.astype(np.float32))
            assert got.shape == expected[name].shape
            np.testing.assert_allclose(got, expected[name], atol=1e-4)


def test_the_same_weights_are_the_same_bytes() -> None:
    state = read_state_dict(package_file())
    once, twice = (lite0_graph.build(state).SerializeToString() for _ in range(2))
    assert once == twice
    onnx.checker.check_model(onnx.load_from_string(once), full_check=True)


def test_other_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="must be EfficientNet-Lite0's"):
        lite0_graph.build({"conv1.weight": np.zeros((64, 3, 7, 7), np.float32)})


def test_the_blocks_are_the_published_ones() -> None:
    found = list(blocks())
    assert len(found) == 16
    assert [block.filters for block in found if not block.residual] == [
        *(16, 24, 40, 80, 112, 192, 320)
    ]
    assert source_name("block3_depth_norm") == "_blocks.3._bn1"
