"""The part of a network that makes features, as a graph of its own: `backbone.onnx`.

The graph takes float32 "image" `(B, H, W, 3)` in 0..255, H and W free, and answers with "features"
`(B, h, w, D)`. For the networks that are built in Keras; an EfficientNet-Lite's is written
without it, see `frozen.lite_graph`.
"""

from pathlib import Path

import onnx

from pose_activity.backbones import registry
from pose_activity.learning.onnx_export import convert


def export(model: str, weights: Path | None, path: Path) -> None:
    """Writes the graph.

    Args:
        model: A key of `registry.MODELS`.
        weights: The file that it starts from, or None: random weights.
        path: The file to write.

    Raises:
        ValueError: there is no such model, or its weights do not fit.
    """
    network = registry.build_backbone(model, height=None, width=None, weights=weights)
    convert(network, path, ("features",))
    graph = onnx.load(path)
    (image,) = graph.graph.input
    for node in graph.graph.node:
        node.input[:] = ["image" if name == image.name else name for name in node.input]
    image.name = "image"
    onnx.save(graph, path)
