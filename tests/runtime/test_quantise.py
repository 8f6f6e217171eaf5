"""An int8 twin answers nearly as its f32 graph, and vouches for itself."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pose_activity.runtime import graph
from pose_activity.runtime.engines import import_openvino

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from pose_activity.runtime.quantise import quantise
rng = np.random.default_rng(0)
batches = (rng.normal(size=(1, 3, 8, 8)).astype(np.float32) for _ in range(50))
quantise(Path(sys.argv[1]), batches, keep_first=int(sys.argv[2]), keep_last=int(sys.argv[3]))
assert not {"torch", "tensorflow", "keras"} & set(sys.modules)
"""
pytestmark = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("openvino", "nncf")),
    reason="openvino and nncf are needed",
)


@pytest.fixture(scope="module")
def convolutions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """X (n, 3, 8, 8) through three 3x3 convolutions with 8 filters each."""
    path = tmp_path_factory.mktemp("quantise") / "three.onnx"
    rng = np.random.default_rng(1)
    nodes, weights, name, channels = [], [], "x", 3
    for layer in range(3):
        kernel = rng.normal(size=(8, channels, 3, 3)).astype(np.float32) / channels
        weights.append(numpy_helper.from_array(kernel, f"w{layer}"))
        nodes.append(helper.make_node("Conv", [name, f"w{layer}"], [f"c{layer}"], pads=[1] * 4))
        nodes.append(helper.make_node("Relu", [f"c{layer}"], [f"y{layer}"]))
        name, channels = f"y{layer}", 8
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])
    y = helper.make_tensor_value_info("y2", TensorProto.FLOAT, ["n", 8, 8, 8])
    body = helper.make_graph(nodes, "three", [x], [y], weights)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, path)
    return path


def make_twin(path: Path, keep_first: int, keep_last: int = 0) -> None:
    command = [sys.executable, "-c", SCRIPT, str(path), str(keep_first), str(keep_last)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def twin(convolutions: Path) -> Path:
    make_twin(convolutions, 0)
    return graph.twin_of(convolutions)


def test_it_answers_nearly_as_f32(convolutions: Path, twin: Path):
    batch = np.random.default_rng(2).normal(size=(4, 3, 8, 8)).astype(np.float32)
    (exact,) = graph.load(convolutions, engine="openvino")(batch)
    loaded = graph.load(convolutions, precision="int8")
    assert loaded.precision == "int8" and loaded.path == twin
    (rounded,) = loaded(batch)
    # Three layers of 8 bits: about one per cent each, extreme values (clipped) more than most.
    error = np.sqrt(np.mean((rounded - exact) ** 2) / np.mean(exact**2))
    assert 0 < error < 0.05, "some rounding, but not much"


def test_its_weights_are_int8(twin: Path):
    assert '"i8"' in twin.read_text(encoding="utf-8")
    assert graph.int8_is_of(twin.with_name("three.onnx"))


@pytest.mark.parametrize("kept", [(3, 0), (0, 3), (1, 2)])
def test_first_and_last_layers_can_stay_exact(
    convolutions: Path, tmp_path: Path, kept: tuple[int, int]
):
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(convolutions.read_bytes())
    make_twin(copy, *kept)
    assert graph.kept_convolutions(copy) == kept
    batch = np.ones((1, 3, 8, 8), np.float32)
    (exact,) = graph.load(copy, engine="openvino")(batch)
    (near,) = graph.load(copy, precision="int8")(batch)
    np.testing.assert_allclose(near, exact, rtol=1e-5)


def test_an_altered_twin_is_refused(twin: Path, tmp_path: Path):
    for path in twin.parent.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = tmp_path / "three_int8.bin"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(graph.GraphError, match=r"three_int8\.bin was altered"):
        graph.load(tmp_path / "three.onnx", precision="int8")


def test_a_twin_of_another_graph_is_refused(twin: Path, tmp_path: Path):
    for path in twin.parent.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "three.onnx").write_bytes(b"exported anew")
    assert not graph.int8_is_of(tmp_path / "three.onnx")
    with pytest.raises(graph.GraphError, match=r"three\.onnx was altered"):
        graph.load(tmp_path / "three.onnx", precision="int8")


def test_no_twin(tmp_path: Path):
    (tmp_path / "a.onnx").write_bytes(b"x")
    with pytest.raises(FileNotFoundError, match="no int8 graph beside .*train.py precision int8"):
        graph.load(tmp_path / "a.onnx", precision="int8")


def test_nothing_to_measure_on(convolutions: Path):
    from pose_activity.runtime.quantise import quantise

    with pytest.raises(ValueError, match="needs batches to measure ranges on"):
        quantise(convolutions, [])


TWO_INPUTS = """
import sys
from pathlib import Path
import numpy as np
from pose_activity.runtime.quantise import quantise
rng = np.random.default_rng(0)
shapes = {"flag": (1, 1), "small": (1, 3, 8, 8), "large": (1, 3, 16, 16)}
quantise(Path(sys.argv[1]), (
    {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    for _ in range(30)
))
"""
SEVERAL = {"large": (3, 16, 16), "small": (3, 8, 8), "flag": (1,)}


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Large and small go through the same two convolutions, their means are joined with a flag."""
    path, rng = tmp_path_factory.mktemp("several") / "several.onnx", np.random.default_rng(1)
    kernels = [
        numpy_helper.from_array(rng.normal(size=(c, 3, 3, 3)).astype(np.float32) / 3, f"w{c}")
        for c in (3, 8)
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
        for name, shape in SEVERAL.items()
    ]
    nodes = []
    for name in ("large", "small"):
        nodes.append(helper.make_node("Conv", [name, "w3"], [f"{name}_1"], name=f"{name}_1"))
        nodes.append(helper.make_node("Relu", [f"{name}_1"], [f"{name}_r"]))
        nodes.append(helper.make_node("Conv", [f"{name}_r", "w8"], [f"{name}_2"], name=f"{name}_2"))
        nodes.append(helper.make_node("GlobalAveragePool", [f"{name}_2"], [f"{name}_p"]))
        nodes.append(helper.make_node("Flatten", [f"{name}_p"], [f"{name}_v"]))
    nodes.append(helper.make_node("Concat", ["large_v", "small_v", "flag"], ["y"], axis=1))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 17])
    body = helper.make_graph(nodes, "several", inputs, [y], kernels)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, path)
    return path


def test_a_graph_with_several_inputs(several: Path):
    command = [sys.executable, "-c", TWO_INPUTS, str(several)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    rng = np.random.default_rng(2)
    batch = {n: rng.normal(size=(4, *shape)).astype(np.float32) for n, shape in SEVERAL.items()}
    (exact,) = graph.load(several, engine="openvino")(batch)
    loaded = graph.load(several, precision="int8")
    assert {*loaded.inputs} == {*SEVERAL}
    (rounded,) = loaded(batch)
    for part in (slice(0, 8), slice(8, 16), slice(16, 17)):  # of large, of small, the flag
        error = np.mean((rounded[:, part] - exact[:, part]) ** 2) / np.mean(exact[:, part] ** 2)
        assert 0 <= error < 0.05**2
    assert np.abs(rounded - exact)[:, :16].max() > 0


@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_the_first_layers_of_each_input_can_stay_exact(several: Path, count: int):
    from pose_activity.runtime.quantise import _first_convolutions

    model = import_openvino().convert_model(str(several))
    expected = {f"{name}_{i}" for name in ("large", "small") for i in (1, 2) if i <= count}
    assert {*_first_convolutions(model, count)} == expected
