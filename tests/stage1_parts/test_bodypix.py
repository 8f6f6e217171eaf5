"""BodyPix' graph read, and asked as it is. The graph is made here, with few channels."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pose_activity.annotations.parts import TREE
from pose_activity.stage1_parts import bodypix_graph
from pose_activity.stage1_parts.untrained import BodyPix, ids_of


def write_graph(path, *, parts=24, width=4):
    """Writes a graph of BodyPix' layout: NHWC, 27 convolutions, heads of 1 and 24 channels."""
    rng = np.random.default_rng(0)
    nodes = [helper.make_node("Transpose", ["input"], ["t"], perm=[0, 3, 1, 2])]
    ends = (("low", 0.0), ("high", 6.0))
    arrays = [numpy_helper.from_array(np.array(end, np.float32), name) for name, end in ends]
    last, count = "t", 0

    def convolve(source, shape, name, **options):
        nonlocal count
        count += 1
        kernel, bias = rng.normal(0, 0.5, shape), rng.normal(0, 0.1, shape[0])
        for suffix, array in (("k", kernel), ("b", bias)):
            arrays.append(numpy_helper.from_array(array.astype(np.float32), f"{suffix}{count}"))
        inputs = [source, f"k{count}", f"b{count}"]
        plain = name if name.startswith("raw") else f"{name}_plain"
        nodes.append(helper.make_node("Conv", inputs, [plain], auto_pad="SAME_UPPER", **options))
        if plain != name:
            nodes.append(helper.make_node("Clip", [plain, "low", "high"], [name]))

    convolve(last, (width, 3, 3, 3), "x0", strides=[2, 2])
    last = "x0"
    for number, stride in enumerate(bodypix_graph.STRIDES):
        convolve(last, (width, 1, 3, 3), f"d{number}", strides=[stride] * 2, group=width)
        convolve(f"d{number}", (width, width, 1, 1), f"p{number}")
        last = f"p{number}"
    outputs = []
    for channels, name in ((1, "segments"), (parts, "part_heatmaps")):
        convolve(last, (channels, width, 1, 1), f"raw_{name}")
        nodes.append(helper.make_node("Transpose", [f"raw_{name}"], [name], perm=[0, 2, 3, 1]))
        shape = [1, "h", "w", channels]
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, "H", "W", 3])]
    graph = helper.make_graph(nodes, "bodypix", inputs, outputs, arrays)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


def test_every_part_of_the_tree_is_one_of_the_24():
    assert {*bodypix_graph.PARTS} == {*TREE[1:]}
    matrix = bodypix_graph.merge_matrix()
    assert matrix.shape == (24, 15) and (matrix.sum(axis=1) == 1).all()
    assert matrix[:, TREE.index("left_upper_arm")].nonzero()[0].tolist() == [2, 3]
    assert matrix[:, TREE.index("right_foot")].nonzero()[0].tolist() == [23]


def test_kernels_are_read_in_the_order_of_keras_axes(tmp_path):
    weights = bodypix_graph.read_weights(write_graph(tmp_path / "small.onnx"))
    assert weights.stem.kernel.shape == (3, 3, 3, 4) and len(weights.blocks) == 13
    deep, point = weights.blocks[0]
    assert deep.kernel.shape == (3, 3, 4, 1) and point.kernel.shape == (1, 1, 4, 4)
    assert weights.heads["parts"].kernel.shape == (1, 1, 4, 24)
    assert weights.heads["person"].bias.shape == (1,)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.onnx").write_text("no graph", encoding="utf-8")
    with pytest.raises(ValueError, match="not an ONNX file"):
        bodypix_graph.read_weights(tmp_path / "text.onnx")
    other = write_graph(tmp_path / "other.onnx", parts=23)
    with pytest.raises(ValueError, match="BodyPix' MobileNetV1 graph"):
        bodypix_graph.read_weights(other)
    with pytest.raises(ValueError, match="a person and 24 parts"):
        BodyPix(other, threads=1)


def test_asked_as_it_is_it_answers_for_every_pixel(tmp_path):
    model = BodyPix(write_graph(tmp_path / "small.onnx"), longer=65, threads=1)
    image = np.random.default_rng(1).integers(0, 256, (50, 40, 3)).astype(np.uint8)
    probabilities = model(image)
    assert probabilities.shape == (50, 40, 15) and probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-5)


def test_a_person_who_is_likely_gets_the_likeliest_part():
    probabilities = np.zeros((1, 2, 15), np.float32)
    probabilities[0, 0, [0, 3, 8]] = 0.4, 0.35, 0.25
    probabilities[0, 1, [0, 3, 8]] = 0.6, 0.3, 0.1
    assert ids_of(probabilities).tolist() == [[3, 0]]
