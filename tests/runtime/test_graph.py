"""A graph runs the same on every engine, and says clearly why it does not."""

import hashlib
import importlib.util
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pose_activity.runtime import graph
from pose_activity.runtime.canonical import canonical

ROOT = Path(__file__).resolve().parents[2]
WEIGHT = np.arange(12, dtype=np.float32).reshape(4, 3) / 7


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """X (any, 4) -> x @ WEIGHT and -x."""
    path = tmp_path_factory.mktemp("graph") / "linear ü.onnx"
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])
    z = helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 4])
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Neg", ["x"], ["z"])]
    body = helper.make_graph(nodes, "linear", [x], [y, z], [numpy_helper.from_array(WEIGHT, "w")])
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, path)
    return path


def need(engine: str) -> str:
    if importlib.util.find_spec(engine) is None:
        pytest.skip(f"{engine} is not installed")
    return engine


@pytest.mark.parametrize("engine", graph.ENGINES)
@pytest.mark.parametrize("count", [1, 5])
def test_every_engine_calculates_it(linear: Path, engine: str, count: int):
    loaded = graph.load(linear, engine=need(engine), threads=1)
    batch = np.random.default_rng(0).normal(size=(count, 4)).astype(np.float32)
    product, negative = loaded(batch)
    np.testing.assert_allclose(product, batch @ WEIGHT, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(negative, -batch)
    assert loaded.engine == engine and loaded.input_shape == (None, 4)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs z (any, 4), a (any, 2, 2) and kept (any, 1) -> z @ WEIGHT + kept * sum(a), kept, a.

    An input is an output as well, through a node that engines fold away; names are not in order.
    """
    path = tmp_path_factory.mktemp("graph") / "two.onnx"

    def value(name: str, *shape: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])

    nodes = [
        helper.make_node("MatMul", ["z", "w"], ["product"]),
        helper.make_node("ReduceSum", ["a", "axes"], ["sums"], keepdims=0),
        helper.make_node("Unsqueeze", ["sums", "last"], ["column"]),
        helper.make_node("Mul", ["kept", "column"], ["added"]),
        helper.make_node("Add", ["product", "added"], ["answer"]),
        helper.make_node("Identity", ["kept"], ["again"]),
        helper.make_node("Identity", ["a"], ["copied"]),
    ]
    constants = [
        numpy_helper.from_array(WEIGHT, "w"),
        numpy_helper.from_array(np.array([1, 2]), "axes"),
        numpy_helper.from_array(np.array([1]), "last"),
    ]
    inputs = [value("z", 4), value("kept", 1), value("a", 2, 2)]
    outputs = [value("answer", 3), value("again", 1), value("copied", 2, 2)]
    body = helper.make_graph(nodes, "two", inputs, outputs, constants)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(canonical(model), path)
    return path


def three_arrays(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shapes = {"a": (2, 2), "z": (4,), "kept": (1,)}  # in another order than the graph's
    return {n: rng.normal(size=(count, *shape)).astype(np.float32) for n, shape in shapes.items()}


@pytest.mark.parametrize("engine", graph.ENGINES)
@pytest.mark.parametrize("count", [1, 5])
def test_several_inputs_go_by_their_names(two: Path, engine: str, count: int):
    loaded = graph.load(two, engine=need(engine), threads=1)
    assert loaded.inputs == {"z": (None, 4), "kept": (None, 1), "a": (None, 2, 2)}
    given = three_arrays(count)
    answer, again, copied = loaded(given)
    expected = given["z"] @ WEIGHT + given["kept"] * given["a"].sum(axis=(1, 2))[:, None]
    np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(again, given["kept"])
    np.testing.assert_array_equal(copied, given["a"])
    strided = {name: np.asfortranarray(np.repeat(a, 2, axis=0))[::2] for name, a in given.items()}
    np.testing.assert_array_equal(loaded(strided)[0], answer)


@pytest.mark.parametrize("engine", graph.ENGINES)
def test_several_inputs_are_checked_by_their_names(two: Path, engine: str):
    loaded, given = graph.load(two, engine=need(engine)), three_arrays(2)
    names = r"two.onnx takes arrays by the names \['z', 'kept', 'a'\]. Received: "
    with pytest.raises(graph.GraphError, match=names + "an array"):
        loaded(given["z"])
    with pytest.raises(graph.GraphError, match=names + r"\['z'\]"):
        loaded({"z": given["z"]})
    with pytest.raises(graph.GraphError, match=r"a batch 'a' of shape \(None, 2, 2\).*\(2, 4\)"):
        loaded({**given, "a": given["z"]})
    with pytest.raises(graph.GraphError, match="two.onnx must have one input. Received: "):
        _ = loaded.input_shape


@pytest.mark.parametrize("engine", graph.ENGINES)
def test_one_input_may_be_named(linear: Path, engine: str):
    loaded, batch = graph.load(linear, engine=need(engine)), np.ones((2, 4), np.float32)
    np.testing.assert_array_equal(loaded({"x": batch})[0], loaded(batch)[0])
    with pytest.raises(graph.GraphError, match=r"by the names \['x'\]. Received: \['y'\]"):
        loaded({"y": batch})


@pytest.mark.skipif(not graph.has_bf16(), reason="this CPU has no bf16")
def test_several_inputs_in_bf16(two: Path):
    need("openvino")
    given = three_arrays(3)
    exact, rounded = (graph.load(two, precision=p)(given)[0] for p in ("f32", "bf16"))
    assert np.abs(rounded - exact).max() < 0.1


@pytest.mark.parametrize("engine", graph.ENGINES)
def test_results_belong_to_the_caller(linear: Path, engine: str):
    loaded = graph.load(linear, engine=need(engine))
    first = loaded(np.ones((2, 4), np.float32))[0]
    kept = first.copy()
    loaded(np.zeros((2, 4), np.float32))
    np.testing.assert_array_equal(first, kept)


def test_a_strided_batch_is_taken(linear: Path):
    batch = np.ones((4, 6), np.float32).T[:, ::-1]
    assert graph.load(linear)(batch)[0].shape == (6, 3)


@pytest.mark.parametrize("installed", [("onnxruntime", "openvino"), ("openvino",)])
def test_auto_takes_the_first_that_is_installed(
    linear: Path, monkeypatch: pytest.MonkeyPatch, installed: tuple[str, ...]
):
    need(installed[0])
    monkeypatch.setattr(
        graph.importlib.util, "find_spec", lambda name: name if name in installed else None
    )
    assert graph.load(linear).engine == installed[0]


def test_an_engine_that_is_not_installed(linear: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(graph.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="'openvino' is not installed. Run: pip install"):
        graph.load(linear, engine="openvino")
    with pytest.raises(ModuleNotFoundError, match="pip install onnxruntime"):
        graph.load(linear)
    with pytest.raises(ModuleNotFoundError, match="pip install openvino"):
        graph.load(linear, precision="int8")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"engine": "tensorrt"}, r"engine must be 'auto' or one of .*Received: 'tensorrt'"),
        ({"precision": "f16"}, r"precision must be one of .*Received: 'f16'"),
        ({"threads": 0}, r"threads must be at least 1.*Received: threads=0"),
        ({"threads": 1, "streams": 2}, r"each stream needs one.*threads=1, streams=2"),
        ({"engine": "onnxruntime", "precision": "bf16"}, r"f32 only.*Received: precision='bf16'"),
        ({"sha256": "0" * 64}, r"was altered after it was exported.*Received: [0-9a-f]{64}"),
    ],
)
def test_wrong_options_are_named(linear: Path, wrong: dict, message: str):
    with pytest.raises(ValueError, match=message):
        graph.load(linear, **wrong)


def test_the_right_digest_is_accepted(linear: Path):
    graph.load(linear, sha256=hashlib.sha256(linear.read_bytes()).hexdigest())


def test_a_missing_file(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"no graph at .*pose\.onnx\. Export"):
        graph.load(tmp_path / "pose.onnx")


@pytest.mark.parametrize("engine", graph.ENGINES)
def test_a_damaged_file(linear: Path, tmp_path: Path, engine: str):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(linear.read_bytes()[:40])
    with pytest.raises(graph.GraphError, match=f"{engine} cannot load it. Export it again"):
        graph.load(broken, engine=need(engine))


@pytest.mark.parametrize("shape", [(4,), (2, 5), (1, 2, 4)])
def test_a_batch_of_another_shape(linear: Path, shape: tuple[int, ...]):
    with pytest.raises(graph.GraphError, match=r"shape \(None, 4\).*Received: \("):
        graph.load(linear)(np.zeros(shape, np.float32))


@pytest.mark.parametrize("engine", graph.ENGINES)
def test_loading_leaves_nothing_in_the_home_folder(linear: Path, tmp_path: Path, engine: str):
    script = (
        "import sys; from pathlib import Path; from pose_activity.runtime.graph import load;"
        f"load(Path(sys.argv[1]), engine={need(engine)!r});"
        "assert not {'torch', 'tensorflow', 'keras', 'ultralytics'} & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(linear)],
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", graph.ENGINES)
def test_calls_side_by_side_do_not_mix(linear: Path, engine: str):
    loaded = graph.load(linear, engine=need(engine), threads=2, streams=2)
    batches = np.random.default_rng(1).normal(size=(200, 3, 4)).astype(np.float32)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda batch: loaded(batch)[1], batches))
    np.testing.assert_array_equal(np.stack(answers), -batches)


def test_a_cpu_without_bf16(linear: Path, monkeypatch: pytest.MonkeyPatch):
    need("openvino")
    monkeypatch.setattr(graph, "has_bf16", lambda: False)
    with pytest.raises(ValueError, match="this one has none. Use f32 or int8"):
        graph.load(linear, precision="bf16")


def test_bf16_is_calculated_where_there_is_some(linear: Path):
    need("openvino")
    if not graph.has_bf16():
        pytest.skip("a CPU with bf16 instructions is needed")
    batch = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    loaded = graph.load(linear, precision="bf16")
    assert loaded.precision == "bf16"
    np.testing.assert_allclose(loaded(batch)[0], batch @ WEIGHT, rtol=0.05, atol=0.05)


def test_a_lower_precision_needs_openvino(linear: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        graph.importlib.util, "find_spec", lambda name: name if name == "onnxruntime" else None
    )
    with pytest.raises(ModuleNotFoundError, match="'openvino' is not installed"):
        graph.load(linear, precision="int8")


@pytest.mark.parametrize("engine", graph.ENGINES)
def test_every_engine_sees_the_cpu(engine: str):
    assert any("CPU" in device for device in graph.devices(need(engine)))
    with pytest.raises(ValueError, match="engine must be 'auto' or one of"):
        graph.devices("abacus")


FORK = """
import os, sys
import numpy as np
from pathlib import Path
from pose_activity.runtime import graph
from pose_activity.runtime.canonical import canonical

engine, threads, path = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
batch = np.ones((2, 4), np.float32)
loaded = graph.load(path, engine=engine, threads=threads)
loaded(batch)
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
for what in (lambda: loaded(batch), lambda: graph.load(path, engine=engine, threads=threads)):
    try:
        print(type(what()).__name__, flush=True)
    except RuntimeError as error:
        print(error, flush=True)
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize(
    ("engine", "threads", "answer", "load"),
    [
        ("openvino", 2, "cannot answer in a process that was forked", "cannot load in a process"),
        ("openvino", 1, "get_context('spawn')", "cannot load in a process"),
        ("onnxruntime", 1, "tuple", "Graph"),
        ("onnxruntime", 2, "tuple", "cannot load in a process"),
    ],
)
def test_a_fork_is_told_instead_of_waiting_for_ever(
    linear: Path, engine: str, threads: int, answer: str, load: str
):
    command = [sys.executable, "-c", FORK, need(engine), str(threads), str(linear)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert answer in first and load in second


@pytest.mark.parametrize("engine", graph.ENGINES)
@pytest.mark.skipif(os.name == "nt", reason="names there are Unicode")
def test_a_folder_whose_name_is_not_utf8(linear: Path, tmp_path: Path, engine: str):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.onnx"))
    path.write_bytes(linear.read_bytes())
    loaded = graph.load(path, engine=need(engine), threads=1)
    assert loaded(np.ones((1, 4), np.float32))[0].shape == (1, 3)
