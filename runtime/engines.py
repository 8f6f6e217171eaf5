"""The engines that run an exported graph, each behind one function that opens a file.

Out comes `Opened`: the shapes of the inputs by their names, those of the outputs in their order,
and a function from batches to outputs that any thread may call. An engine is imported when it is
used.
"""

import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from pose_activity.artifacts.names import shown

Batches = Mapping[str, np.ndarray]  # by the names of the inputs
Run = Callable[[Batches], tuple[np.ndarray, ...]]
Shape = tuple[int | None, ...]  # None where any length will do
Opened = tuple[dict[str, Shape], tuple[Shape, ...], Run]

# Two threads that enter its bindings for the first time at once wait for each other forever: one
# holds Python's lock and wants a static table's, the other the other way round.
_ENTERING_OPENVINO = threading.Lock()


def import_openvino() -> Any:
    """Imports openvino without its telemetry.

    It would write a client id into the home folder and report usage; without the package
    `openvino_telemetry` it takes a stub that does nothing.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    sys.modules.setdefault("openvino_telemetry", cast(Any, None))
    import openvino

    return openvino


def open_onnxruntime(path: Path, precision: str, threads: int, streams: int) -> Opened:
    """Opens a graph in ONNX Runtime; the arguments are those of `runtime.graph.load`.

    Raises:
        RuntimeError: it cannot be opened.
    """
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    options.intra_op_num_threads = threads // streams
    options.inter_op_num_threads = 1
    # A plan of the memory is kept for each shape, and pictures have many shapes: a quarter of the
    # process's memory.
    options.enable_mem_pattern = False
    cuda = ("CUDAExecutionProvider", {"use_tf32": "0"})  # without this it rounds f32 to 10 bits
    there = onnxruntime.get_available_providers()
    providers = [cuda] if cuda[0] in there else []
    try:
        # It opens no name that is not UTF-8.
        graph = os.fspath(path) if shown(path) == str(path) else path.read_bytes()
        session = onnxruntime.InferenceSession(
            graph, options, providers=[*providers, "CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own exceptions derive from Exception only
        raise RuntimeError(str(error)) from error

    def run(batches: Batches) -> tuple[np.ndarray, ...]:
        return tuple(np.asarray(output) for output in session.run(None, dict(batches)))

    def shape_of(value: Any) -> Shape:
        return tuple(n if isinstance(n, int) else None for n in value.shape)

    inputs = {node.name: shape_of(node) for node in session.get_inputs()}
    return inputs, tuple(map(shape_of, session.get_outputs())), run


def open_openvino(path: Path, precision: str, threads: int, streams: int) -> Opened:
    """Opens a graph in OpenVINO; see `open_onnxruntime`."""
    openvino = import_openvino()
    settings: dict[str, Any] = {
        # Without the hint openvino calculates in bf16 on CPUs that can: joints move by up to 2 px.
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": str(streams),
        # Two graphs whose streams are pinned to the same core would wait for each other.
        "ENABLE_CPU_PINNING": False,
    }
    compiled = openvino.Core().compile_model(os.fspath(path), "CPU", settings)
    # A tensor may have more names, of nodes that were folded into it; its node keeps the first.
    names = [port.node.friendly_name for port in compiled.inputs]
    own = threading.local()

    def infer(batches: Batches) -> tuple[np.ndarray, ...]:
        ordered = [batches[name] for name in names]
        answers = own.request.infer(ordered, share_inputs=True, share_outputs=True)
        return tuple(np.array(output) for output in answers.values())

    def run(batches: Batches) -> tuple[np.ndarray, ...]:
        if hasattr(own, "request"):
            return infer(batches)
        with _ENTERING_OPENVINO:
            own.request = compiled.create_infer_request()
            return infer(batches)

    def shape_of(value: Any) -> Shape:
        return tuple(None if n.is_dynamic else n.get_length() for n in value.partial_shape)

    inputs = dict(zip(names, map(shape_of, compiled.inputs), strict=True))
    return inputs, tuple(map(shape_of, compiled.outputs)), run


def import_onnxruntime() -> Any:
    """Imports onnxruntime without its telemetry; raises ModuleNotFoundError where it is missing."""
    # Its official builds report their use to Microsoft and keep a device id in the home folder.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    return onnxruntime
