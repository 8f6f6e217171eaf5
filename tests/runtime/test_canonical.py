"""The same network is written the same, and calculates what it did."""

import random
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pose_activity.runtime import graph
from pose_activity.runtime.canonical import canonical

FLOAT = TensorProto.FLOAT


def network(seed: int) -> onnx.ModelProto:
    """relu(x @ a + b) - (x @ a) + b, then three times through a loop; shuffled and named by `seed`.

    A node and a constant that nothing needs are there too.
    """
    rng = random.Random(seed)
    names = [f"name{i}" for i in range(20)]
    rng.shuffle(names)
    a, b, product, total, bent, less, first, trips, going, dead, unused, inner = names[:12]
    step, kept, more, old, more_in = names[12:17]
    body = helper.make_graph(
        [
            helper.make_node("Mul", [old, inner], [step], name=names[17]),
            helper.make_node("Add", [step, first], [kept]),  # `first` is captured from outside
            helper.make_node("Identity", [more_in], [more]),
        ],
        names[18],
        [
            helper.make_tensor_value_info("trip", TensorProto.INT64, []),
            helper.make_tensor_value_info(more_in, TensorProto.BOOL, []),
            helper.make_tensor_value_info(old, FLOAT, [f"unk__{seed}", 3]),
        ],
        [
            helper.make_tensor_value_info(more, TensorProto.BOOL, []),
            helper.make_tensor_value_info(kept, FLOAT, [f"unk__{seed}", 3]),
        ],
        [numpy_helper.from_array(np.array([[0.5, -1, 2]], np.float32), inner)],
    )
    loop = helper.make_node("Loop", [trips, going, first], ["y"], body=body)
    nodes = [
        helper.make_node("MatMul", ["x", a], [product]),
        helper.make_node("Add", [product, b], [total]),
        helper.make_node("Relu", [total], [bent], name=f"relu{seed}"),
        helper.make_node("Sub", [bent, product], [less]),
        helper.make_node("Add", [less, b], [first]),
        loop,
        helper.make_node("Exp", ["x"], [dead]),
    ]
    values = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    constants = [
        numpy_helper.from_array(values, a),
        numpy_helper.from_array(np.array([1, 2, 3], np.float32), b),
        numpy_helper.from_array(np.array(3, np.int64), trips),
        numpy_helper.from_array(np.array(True), going),
        numpy_helper.from_array(np.array([seed], np.float32), unused),
    ]
    order = [[0, 1, 2, 3, 4, 5, 6], [6, 0, 1, 2, 3, 4, 5], [0, 6, 1, 2, 3, 4, 5]][seed % 3]
    rng.shuffle(constants)
    made = helper.make_graph(
        [nodes[i] for i in order],
        f"made by {seed}",
        [helper.make_tensor_value_info("x", FLOAT, [f"unk__{seed}", 4])],
        [helper.make_tensor_value_info("y", FLOAT, [f"unk__{seed}", 3])],
        constants,
        doc_string=f"seed {seed}",
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 2)]
    model = helper.make_model(made, opset_imports=opsets if seed % 2 else opsets[::-1])
    model.ir_version = 8
    model.metadata_props.add(key="made", value=str(seed))
    return model


@pytest.mark.parametrize("seed", range(1, 6))
def test_names_and_order_leave_no_trace(seed: int):
    first, other = network(0), network(seed)
    assert first.SerializeToString() != other.SerializeToString()
    assert canonical(first).SerializeToString() == canonical(other).SerializeToString()


def test_it_calculates_the_same_and_is_valid(tmp_path: Path):
    model = canonical(network(3))
    onnx.checker.check_model(model, full_check=True)
    onnx.save(network(3), tmp_path / "old.onnx")
    onnx.save(model, tmp_path / "new.onnx")
    x = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    ((old,), (new,)) = (
        graph.load(tmp_path / f"{name}.onnx", engine="onnxruntime", threads=1)(x)
        for name in ("old", "new")
    )
    np.testing.assert_array_equal(new, old)
    assert np.ptp(new) > 1


def test_what_the_network_is_stays():
    model = canonical(network(0))
    assert [end.name for end in (*model.graph.input, *model.graph.output)] == ["x", "y"]
    assert [node.op_type for node in model.graph.node][:2] == ["MatMul", "Add"]
    assert "Exp" not in {node.op_type for node in model.graph.node}
    assert len(model.graph.initializer) == 4
    assert canonical(model) == model
    other = network(0)
    other.graph.node[3].op_type = "Mul"
    assert canonical(other).SerializeToString() != model.SerializeToString()


def test_a_name_that_stays_is_given_to_nothing_else():
    model = network(0)
    for node in model.graph.node:
        node.input[:] = ["v1" if name == "x" else name for name in node.input]
    model.graph.input[0].name = "v1"
    made = [name for node in canonical(model).graph.node for name in node.output]
    assert "v1" not in made and len({*made}) == len(made)


def test_a_network_deeper_than_python_calls_itself():
    nodes = [helper.make_node("Relu", [f"a{i}"], [f"a{i + 1}"]) for i in range(5000)]
    ends = [helper.make_tensor_value_info(name, FLOAT, [1]) for name in ("a0", "a5000")]
    model = helper.make_model(helper.make_graph(nodes, "deep", ends[:1], ends[1:]))
    assert len(canonical(model).graph.node) == 5000
