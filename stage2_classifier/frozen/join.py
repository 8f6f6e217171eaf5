"""Several frozen backbones as one: a graph whose features are those of all, side by side.

Two networks of one family err in different places, and their features together are worth more than
those of a larger one. To everything else the joined graph is a backbone like any other.
"""

from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import helper
from onnx.compose import add_prefix

from pose_activity.artifacts import atomic
from pose_activity.artifacts.manifest import sha256_file, sha256_json
from pose_activity.artifacts.user_cache import kept_graphs
from pose_activity.runtime.canonical import canonical

_VERSION = 1  # another one where the same graphs would be joined in another way


def find(paths: Sequence[Path], *, folder: Path | None = None) -> Path:
    """Returns the joined graph of some; the only one itself. Made once and kept, as these are.

    Args:
        paths: Graphs from `backbone.find`, in the order of their features.
        folder: Where graphs are kept; None: in the user's cache folder.

    Raises:
        ValueError: see `join`.
    """
    if len(paths) == 1:
        return paths[0]
    made_of = [_VERSION, *map(sha256_file, paths)]
    joined = (folder or kept_graphs()) / f"joined-{sha256_json(made_of)[:16]}.onnx"
    if not joined.is_file():
        with atomic.replacing(joined) as temporary:
            onnx.save(join([onnx.load(path) for path in paths]), temporary)
    return joined


def join(backbones: Sequence[onnx.ModelProto]) -> onnx.ModelProto:
    """Concatenates what graphs make of the same image.

    Args:
        backbones: From "image" float32 `(B, H, W, 3)`, H and W free, to "features"
            `(B, h, w, D_i)`; h and w are alike in all of them.

    Returns:
        A graph from "image" to "features" `(B, h, w, sum of D_i)`.

    Raises:
        ValueError: the graphs are in different versions of ONNX.
    """
    first = backbones[0]
    versions = [(model.ir_version, [*model.opset_import]) for model in backbones]
    if any(version != versions[0] for version in versions):
        found = [(ir, [opset.version for opset in opsets]) for ir, opsets in versions]
        raise ValueError(
            f"Backbones that are joined must be in one version of ONNX. Received: {found}"
        )
    parts = [
        add_prefix(model, f"{number}/", rename_inputs=False).graph
        for number, model in enumerate(backbones)
    ]
    features = [part.output[0] for part in parts]
    nodes = [node for part in parts for node in part.node]
    nodes.append(helper.make_node("Concat", [one.name for one in features], ["features"], axis=3))
    size = sum(one.type.tensor_type.shape.dim[3].dim_value for one in features)
    shape = ["batch", "rows", "columns", size]
    output = helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, shape)
    constants = [constant for part in parts for constant in part.initializer]
    graph = helper.make_graph(nodes, "backbone", [*first.graph.input], [output], constants)
    model = helper.make_model(graph, opset_imports=first.opset_import, ir_version=first.ir_version)
    return canonical(model)
