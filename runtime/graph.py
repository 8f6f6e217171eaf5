"""An exported ONNX graph, run on the fastest engine this machine has.

In goes one numpy batch, out comes a tuple of numpy arrays. Knows nothing of images or people. The
only file that imports an inference engine, and only when a graph is loaded.
"""

import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np

ENGINES = ("openvino", "onnxruntime")  # "auto" takes the first that is installed
PRECISIONS = ("f32", "bf16", "f16")

Run = Callable[[np.ndarray], tuple[np.ndarray, ...]]


class GraphError(ValueError):
    """A graph cannot be loaded or fed; the message says which and why."""


class Graph:
    """A loaded graph: `graph(batch)` runs it. Use one object per thread.

    Attributes:
        path: The `.onnx` file.
        engine: "openvino" or "onnxruntime".
        input_shape: One entry per axis of the batch; None where any length will do.
    """

    def __init__(
        self, path: Path, engine: str, input_shape: tuple[int | None, ...], run: Run
    ) -> None:
        self.path = path
        self.engine = engine
        self.input_shape = input_shape
        self._run = run

    def __call__(self, batch: np.ndarray) -> tuple[np.ndarray, ...]:
        """Runs the graph.

        Args:
            batch: Its one input, of the graph's own dtype and `input_shape`.

        Returns:
            Its outputs, in order; the arrays belong to the caller.

        Raises:
            GraphError: another number of axes or another fixed length.
        """
        fits = len(batch.shape) == len(self.input_shape) and all(
            wanted in (None, length)
            for wanted, length in zip(self.input_shape, batch.shape, strict=True)
        )
        if not fits:
            raise GraphError(
                f"{self.path} takes a batch of shape {self.input_shape} (None: any length). "
                f"Received: {batch.shape}"
            )
        return self._run(np.ascontiguousarray(batch))


def load(
    path: Path,
    *,
    engine: str = "auto",
    precision: str = "f32",
    threads: int | None = None,
    sha256: str | None = None,
) -> Graph:
    """Loads an ONNX graph with one input.

    Args:
        path: A `.onnx` file.
        engine: "openvino", "onnxruntime", or "auto": openvino where it is installed.
        precision: "f32"; openvino can also calculate in "bf16" or "f16", which is faster and moves
            joints by up to some pixels.
        threads: CPU threads; None leaves the choice to the engine.
        sha256: Digest that the file must have; None accepts any.

    Raises:
        FileNotFoundError: there is no such file.
        GraphError: an altered or damaged file.
        ValueError: unknown engine or precision, or fewer than one thread.
        ModuleNotFoundError: the engine is not installed.
    """
    _check_options(engine, precision, threads)
    chosen = _choose(engine)
    _check_file(path, sha256)
    open_graph = _open_openvino if chosen == "openvino" else _open_onnxruntime
    if chosen == "onnxruntime" and precision != "f32":
        raise ValueError(
            f"onnxruntime runs a graph in f32 only; take engine 'openvino' for another precision. "
            f"Received: precision={precision!r}"
        )
    try:
        shape, run = open_graph(path, precision, threads)
    except (RuntimeError, ValueError, TypeError) as error:
        raise GraphError(f"{path}: {chosen} cannot load it. Export it again. ({error})") from error
    return Graph(path, chosen, shape, run)


def _check_options(engine: str, precision: str, threads: int | None) -> None:
    if engine not in ("auto", *ENGINES):
        raise ValueError(f"engine must be 'auto' or one of {ENGINES}. Received: {engine!r}")
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {PRECISIONS}. Received: {precision!r}")
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be at least 1, or None. Received: {threads}")


def _choose(engine: str) -> str:
    installed = [name for name in ENGINES if importlib.util.find_spec(name) is not None]
    wanted = ENGINES if engine == "auto" else (engine,)
    for name in wanted:
        if name in installed:
            return name
    raise ModuleNotFoundError(
        f"The engine {engine!r} is not installed. Run: pip install {wanted[-1]}. "
        f"Installed engines: {installed or 'none'}"
    )


def _check_file(path: Path, sha256: str | None) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"There is no graph at {path}. Export the model first.")
    if sha256 is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise GraphError(
            f"{path} was altered after it was exported; export it again. "
            f"sha256 should be {sha256}. Received: {found}"
        )


def _open_onnxruntime(
    path: Path, precision: str, threads: int | None
) -> tuple[tuple[int | None, ...], Run]:
    # Its official builds report their use to Microsoft and keep a device id in the home folder.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(
            os.fspath(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own exceptions derive from Exception only
        raise RuntimeError(str(error)) from error
    (node,) = session.get_inputs()

    def run(batch: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(np.asarray(output) for output in session.run(None, {node.name: batch}))

    return tuple(n if isinstance(n, int) else None for n in node.shape), run


def _open_openvino(
    path: Path, precision: str, threads: int | None
) -> tuple[tuple[int | None, ...], Run]:
    # openvino would write a client id into the home folder and report its use while it is imported;
    # without this package it takes a stub that does nothing.
    sys.modules.setdefault("openvino_telemetry", cast(Any, None))
    import openvino

    # Without the hint openvino calculates in bf16 on CPUs that can: joints move by up to 2 px.
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision}
    if threads:
        settings["INFERENCE_NUM_THREADS"] = threads
    compiled = openvino.Core().compile_model(os.fspath(path), "CPU", settings)
    (node,) = compiled.inputs
    shape = tuple(None if n.is_dynamic else n.get_length() for n in node.partial_shape)

    def run(batch: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(np.array(output) for output in compiled(batch).values())

    return shape, run
