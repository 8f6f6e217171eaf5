"""A graph's int8 twin, by post-training quantisation (NNCF).

Takes an f32 `.onnx` graph and typical batches, and writes `NAME.xml` and `NAME.bin`, which
`runtime.graph.load(..., precision="int8")` runs. How much an output changes depends on the network:
compare its outputs with the f32 graph's before using it.
"""

import logging
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np

from pose_activity.artifacts.atomic import write_json
from pose_activity.artifacts.manifest import sha256_file
from pose_activity.runtime.engines import Batches, import_openvino
from pose_activity.runtime.graph import twin_of

_CONVOLUTIONS = ("Convolution", "GroupConvolution")


def quantise(
    path: Path,
    batches: Iterable[np.ndarray | Batches],
    *,
    keep_first: int = 0,
    keep_last: int = 0,
) -> Path:
    """Writes an int8 graph beside an f32 one.

    Weights become int8 symmetrically per channel, activations per tensor.
    Source: github.com/openvinotoolkit/nncf, post-training quantisation.

    Args:
        path: The f32 graph, `.onnx`.
        batches: What the graph takes, 100 to 300 of them, of the training images; several inputs
            by their names.
        keep_first: How many convolutions, counted from each input, stay in f32: what is rounded
            there is rounded for the whole network.
        keep_last: How many convolutions on the longest way to an output stay in f32, from the
            output; it is they that say how many pixels and what probability.

    Returns:
        The `.xml` file; its description, `.json`, is written last.

    Raises:
        ModuleNotFoundError: openvino or nncf is not installed.
        ValueError: no batch is given.
    """
    samples = list(batches)
    if not samples:
        raise ValueError("Quantisation needs batches to measure ranges on. Received: none")
    with _without_frameworks():
        nncf, openvino = _import_nncf(), import_openvino()
        # Unlike `read_model`, this folds batch normalisation into the convolutions.
        model = openvino.convert_model(os.fspath(path))
        small = nncf.quantize(
            model,
            nncf.Dataset([_in_order(model, batch) for batch in samples]),
            subset_size=len(samples),
            preset=nncf.QuantizationPreset.MIXED,
            ignored_scope=nncf.IgnoredScope(
                names=sorted(
                    {*_first_convolutions(model, keep_first), *_last_convolutions(model, keep_last)}
                )
            ),
        )
    out = twin_of(path)
    out.with_suffix(".json").unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".tmp-") as folder:
        written = Path(folder) / out.name
        # f16 weights in the parts that stay f32 would round them once more.
        openvino.save_model(small, os.fspath(written), compress_to_fp16=False)
        for suffix in (".bin", ".xml"):
            written.with_suffix(suffix).replace(out.with_suffix(suffix))
    files = (path, out, out.with_suffix(".bin"))
    digests = {file.name: sha256_file(file) for file in files}
    kept = {"first": keep_first, "last": keep_last}
    write_json(out.with_suffix(".json"), {"sha256": digests, "kept_convolutions": kept})
    return out


def _in_order(model: Any, batch: np.ndarray | Batches) -> Any:
    """Returns several arrays in the order of the model's inputs, and one as it is."""
    if not isinstance(batch, Mapping):
        return batch
    return [batch[port.node.friendly_name] for port in model.inputs]


def _first_convolutions(model: Any, count: int) -> list[str]:
    """Returns the names of the first convolutions behind each of the inputs."""
    inputs_of: dict[str, frozenset[str]] = {}  # node -> what it is calculated from
    counted, found = Counter[str](), list[str]()
    for node in model.get_ordered_ops():
        name, kind = node.get_friendly_name(), node.get_type_name()
        before = (value.get_node().get_friendly_name() for value in node.input_values())
        own = frozenset({name}) if kind == "Parameter" else frozenset[str]()
        inputs_of[name] = own.union(*(inputs_of[node] for node in before))
        if kind in _CONVOLUTIONS and any(counted[i] < count for i in inputs_of[name]):
            counted.update(inputs_of[name])
            found.append(name)
    return found


def _last_convolutions(model: Any, count: int) -> set[str]:
    """Returns the names of those that have fewer than `count` others between them and an output."""
    behind: dict[str, int] = {}  # node -> convolutions on the longest way from it to an output
    found = set[str]()
    for node in reversed(model.get_ordered_ops()):
        name = node.get_friendly_name()
        users = [
            port.get_node() for output in node.outputs() for port in output.get_target_inputs()
        ]
        steps = max((behind[user.get_friendly_name()] for user in users), default=0)
        counts = node.get_type_name() in _CONVOLUTIONS
        behind[name] = steps + counts
        if counts and steps < count:
            found.add(name)
    return found


@contextmanager
def _without_frameworks() -> Iterator[None]:
    """Hides torch and TensorFlow, which NNCF imports if installed and does not need."""
    hidden = [name for name in ("torch", "tensorflow") if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = cast(Any, None)
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def _import_nncf() -> Any:
    import_openvino()  # whose telemetry NNCF shares
    try:
        import nncf
    except ModuleNotFoundError as error:
        if error.name != "nncf":
            raise
        raise ModuleNotFoundError(
            "int8 graphs are made by NNCF, which is not installed. Run: pip install nncf"
        ) from None
    nncf.set_log_level(logging.ERROR)
    return nncf
