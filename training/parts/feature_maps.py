"""What chosen convolutions of an exported network see of one image: the graph itself is asked.

In comes a graph and planes, out come names with channels; nothing is trained, and no TensorFlow.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import onnx

from pose_activity.runtime.graph import load

_CHANNELS = 8  # of a layer that are shown: those that vary the most
_TILE = 96  # pixels of the longer side


def feature_maps(
    graph: Path, planes: np.ndarray, layers: int | Sequence[str]
) -> list[tuple[str, np.ndarray]]:
    """Returns the outputs of some convolutions.

    Args:
        graph: `parts.onnx`.
        planes: `(H, W, C)` uint8.
        layers: Texts, each of which is in the name of a convolution's output; or a number of
            convolutions, evenly spread from the picture to the answer.

    Returns:
        Name -> `(channels, h, w)` float32, in the order of the graph.

    Raises:
        ValueError: a text is in no name.
    """
    model = onnx.load(str(graph))
    convolutions = (node for node in model.graph.node if node.op_type == "Conv")
    names: list[str] = [str(node.output[0]) for node in convolutions]
    wanted = _chosen(names, layers)
    if not wanted:
        return []
    model.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in wanted
    )
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / graph.name
        onnx.save(model, str(path))
        run = load(path, engine="onnxruntime", threads=1)
        found = run(planes[None].astype(np.float32))[-len(wanted) :]
    return [(name, array[0]) for name, array in zip(wanted, found, strict=True)]


def _chosen(names: list[str], layers: int | Sequence[str]) -> list[str]:
    if isinstance(layers, int):
        places = np.linspace(0, len(names) - 1, min(layers, len(names))).round().astype(int)
        return [*dict.fromkeys(names[place] for place in places.tolist())]
    found = {text: [name for name in names if text in name] for text in layers}
    missing = [text for text, matching in found.items() if not matching]
    if missing:
        raise ValueError(
            f"report.layers must be parts of names of convolutions. Received: {missing}. "
            f"There are: {', '.join(names)}"
        )
    wanted = {matching[-1] for matching in found.values()}
    return [str(name) for name in names if name in wanted]


def draw_maps(channels: np.ndarray) -> np.ndarray:
    """Draws the channels that vary the most side by side, each from its least to its most.

    Args:
        channels: `(channels, h, w)` float32.

    Returns:
        `(h, w * n, 3)` uint8 RGB.
    """
    order = np.argsort(-channels.std(axis=(1, 2)), kind="stable")[:_CHANNELS]
    tiles = []
    for channel in channels[order]:
        low, high = np.percentile(channel, [1, 99])
        grey = np.clip((channel - low) / max(float(high - low), 1e-9), 0, 1)
        scale = _TILE / max(channel.shape)
        size = tuple(max(1, round(side * scale)) for side in channel.shape[::-1])
        small = cv2.resize((255 * grey).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        tiles.append(cv2.copyMakeBorder(small, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=255))
    return cv2.applyColorMap(np.hstack(tiles), cv2.COLORMAP_VIRIDIS)[..., ::-1].copy()
