"""An exported graph, run on an engine that this machine has.

In goes a numpy batch, or several by the names of the graph's inputs; out comes a tuple of numpy
arrays. Knows nothing of images or people.
Engines are imported only when a graph is loaded. Precision is stated, never silent:

    f32     what was trained; the default
    bf16    the same file, calculated in bfloat16: openvino, on CPUs that have it
    int8    NAME_int8.xml and .bin beside NAME.onnx, made by `runtime.quantise`: openvino
"""

import importlib.util
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pose_activity.artifacts.commands import command
from pose_activity.artifacts.manifest import sha256_file
from pose_activity.runtime.engines import (
    Batches,
    Run,
    Shape,
    import_onnxruntime,
    import_openvino,
    open_onnxruntime,
    open_openvino,
)

# "auto" takes the first that is installed and has the precision. In f32 ONNX Runtime is as fast as
# OpenVINO, with half of its memory and start-up time (`benchmarks/inference.py`).
ENGINES = ("onnxruntime", "openvino")
PRECISIONS = ("f32", "bf16", "int8")

# Engine -> the process that loaded a graph first. A fork copies none of the engine's threads, and
# what waits for them waits forever.
_AT_HOME: dict[str, int] = {}


class GraphError(ValueError):
    """A graph cannot be loaded or fed; the message says which and why."""


class Graph:
    """A loaded graph: `graph(batch)` runs it, from any number of Python threads at once.

    Attributes:
        path: The file.
        engine: "openvino" or "onnxruntime".
        precision: One of `PRECISIONS`.
        inputs: Name -> one entry per axis of the batch; None where any length will do.
        output_shapes: The same of each output; None where the length is free, or is not known.
    """

    def __init__(
        self,
        path: Path,
        *,
        engine: str,
        precision: str,
        inputs: Mapping[str, Shape],
        output_shapes: tuple[Shape, ...],
        run: Run,
    ) -> None:
        self.path = path
        self.engine = engine
        self.precision = precision
        self.inputs = dict(inputs)
        self.output_shapes = output_shapes
        self._run = run
        self._process = os.getpid()

    @property
    def input_shape(self) -> Shape:
        """Of the one input; raises GraphError where there are several."""
        if len(self.inputs) != 1:
            raise GraphError(f"{self.path} must have one input. Received: {[*self.inputs]}")
        return next(iter(self.inputs.values()))

    def __call__(self, batch: np.ndarray | Batches) -> tuple[np.ndarray, ...]:
        """Runs the graph.

        Args:
            batch: Its one input, or all inputs by their names; of the graph's own dtypes and
                shapes.

        Returns:
            Its outputs, in order; the arrays belong to the caller.

        Raises:
            GraphError: other inputs, another number of axes or another fixed length.
            RuntimeError: a fork of the process that loaded it asks, and openvino cannot answer.
        """
        if self.engine == "openvino" and self._process != os.getpid():
            raise _forked(self.path, self.engine, "answer")
        batches = batch if isinstance(batch, Mapping) else dict.fromkeys(self.inputs, batch)
        several = len(self.inputs) > 1
        if batches.keys() != self.inputs.keys() or (several and batches is not batch):
            received = [*batch] if isinstance(batch, Mapping) else "an array"
            raise GraphError(
                f"{self.path} takes arrays by the names {[*self.inputs]}. Received: {received}"
            )
        for name, wanted in self.inputs.items():
            if not _fits(batches[name].shape, wanted):
                raise GraphError(
                    f"{self.path} takes a batch{f' {name!r}' if several else ''} of shape "
                    f"{wanted} (None: any length). Received: {batches[name].shape}"
                )
        return self._run({name: np.ascontiguousarray(batches[name]) for name in self.inputs})


def _fits(shape: tuple[int, ...], wanted: Shape) -> bool:
    return len(shape) == len(wanted) and all(
        length in (None, given) for length, given in zip(wanted, shape, strict=True)
    )


def load(
    path: Path,
    *,
    engine: str = "auto",
    precision: str = "f32",
    threads: int | None = None,
    streams: int = 1,
    sha256: str | None = None,
) -> Graph:
    """Loads a graph.

    Args:
        path: A `.onnx` file, for int8 too.
        engine: "onnxruntime", "openvino", or "auto": onnxruntime for f32, openvino for others.
        precision: One of `PRECISIONS`; the lower ones are faster and move joints by a few pixels.
        threads: CPU threads of all streams together; None takes one per core.
        streams: Calls that may run at the same time; each has threads / streams threads. With one
            thread per stream, a result is bit for bit the same whatever runs beside it.
        sha256: The digest that the file must have; None accepts any.

    Raises:
        FileNotFoundError: the file is missing.
        GraphError: an altered or damaged file.
        ValueError: unknown engine or precision, one that engine or CPU does not have, or fewer
            than one thread per stream.
        ModuleNotFoundError: the engine is not installed.
        RuntimeError: this process is a fork of one that has loaded a graph.
    """
    threads = cpu_count() if threads is None else threads
    if not 1 <= streams <= threads:
        raise ValueError(
            f"threads must be at least 1, and each stream needs one. "
            f"Received: threads={threads}, streams={streams}"
        )
    chosen = choose(engine, precision)
    _check_file(path, sha256)
    if precision == "int8":
        path = _find_twin(path)
    _check_fork(path, chosen, threads // streams)
    open_file = open_openvino if chosen == "openvino" else open_onnxruntime
    try:
        inputs, outputs, run = open_file(path, precision, threads, streams)
    except (RuntimeError, ValueError, TypeError) as error:
        raise GraphError(f"{path}: {chosen} cannot load it. Export it again. ({error})") from error
    return Graph(
        path, engine=chosen, precision=precision, inputs=inputs, output_shapes=outputs, run=run
    )


def _check_fork(path: Path, engine: str, threads: int) -> None:
    """Refuses a load that would never end; onnxruntime with one thread does end."""
    at_home = _AT_HOME.setdefault(engine, os.getpid()) == os.getpid()
    if not at_home and (engine == "openvino" or threads > 1):
        raise _forked(path, engine, "load")


def _forked(path: Path, engine: str, what: str) -> RuntimeError:
    return RuntimeError(
        f"{path}: {engine} cannot {what} in a process that was forked from one that had loaded a "
        "graph: it would wait forever. Load the model only in the new process, started by "
        "multiprocessing.get_context('spawn')."
    )


def cpu_count() -> int:
    """Returns how many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def devices(engine: str) -> list[str]:
    """Returns the devices that an engine could use here, by its own names; `load` uses the CPU.

    Raises:
        ModuleNotFoundError: the engine is not installed.
    """
    if choose(engine, "f32") == "openvino":
        return list(import_openvino().Core().available_devices)
    return list(import_onnxruntime().get_available_providers())


def has_bf16() -> bool:
    """Returns whether this CPU calculates in bfloat16 natively; needs openvino."""
    return "BF16" in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def choose(engine: str, precision: str) -> str:
    """Returns the engine that `load` uses for what was asked.

    Raises:
        ValueError: unknown engine or precision, or one that engine or CPU does not have.
        ModuleNotFoundError: the engine is not installed.
    """
    if engine not in ("auto", *ENGINES):
        raise ValueError(f"engine must be 'auto' or one of {ENGINES}. Received: {engine!r}")
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {PRECISIONS}. Received: {precision!r}")
    if engine == "onnxruntime" and precision != "f32":
        raise ValueError(
            "onnxruntime runs a graph in f32 only; use engine 'openvino' for another precision. "
            f"Received: precision={precision!r}"
        )
    chosen = _first_installed(ENGINES if engine == "auto" else (engine,), precision)
    if precision == "bf16" and not has_bf16():
        raise ValueError(
            "precision 'bf16' needs a CPU with bf16 instructions (emulated they are slower than "
            "f32), and this one has none. Use f32 or int8."
        )
    return chosen


def _first_installed(engines: tuple[str, ...], precision: str) -> str:
    installed = [name for name in ENGINES if importlib.util.find_spec(name) is not None]
    wanted = engines if precision == "f32" else ("openvino",)
    for name in wanted:
        if name in installed:
            return name
    raise ModuleNotFoundError(
        f"The engine {wanted[0]!r} is not installed. Run: pip install {wanted[0]}. "
        f"Installed engines: {installed or 'none'}"
    )


def _check_file(path: Path, sha256: str | None) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"There is no graph at {path}. Export the model first.")
    if sha256 is None:
        return
    found = sha256_file(path)
    if found != sha256:
        raise GraphError(
            f"{path} was altered after it was exported; export it again. "
            f"sha256 should be {sha256}. Received: {found}"
        )


def twin_of(path: Path, suffix: str = ".xml") -> Path:
    """Returns the path of a graph's int8 twin; its `.bin` and `.json` are beside it."""
    return path.with_name(f"{path.stem}_int8{suffix}")


def int8_is_of(path: Path) -> bool:
    """Returns whether an f32 graph has an int8 twin that was made from it as it is now."""
    described = twin_of(path, ".json")
    if not described.is_file():
        return False
    return json.loads(described.read_text(encoding="utf-8"))["sha256"].get(
        path.name
    ) == sha256_file(path)


def kept_convolutions(path: Path) -> tuple[int, int] | None:
    """Returns how many first and last convolutions of a graph's int8 twin are f32, if it says so.

    Raises:
        FileNotFoundError: there is no twin.
    """
    described = json.loads(twin_of(path, ".json").read_text(encoding="utf-8"))
    kept = described.get("kept_convolutions")
    return kept and (kept["first"], kept["last"])


def _find_twin(path: Path) -> Path:
    """Returns the `.xml` file of a graph's int8 twin after comparing all checksums."""
    described = twin_of(path, ".json")
    if not described.is_file():
        again = command("train", "precision int8 --run RUN")
        raise FileNotFoundError(f"There is no int8 graph beside {path}. Make it: {again}")
    for name, digest in json.loads(described.read_text(encoding="utf-8"))["sha256"].items():
        if Path(name).name == name:
            _check_file(path.with_name(name), digest)
    return twin_of(path)
