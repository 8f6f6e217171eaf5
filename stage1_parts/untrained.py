"""Body parts without any training: BodyPix' own graph, its 24 parts merged into the tree's 15.

`cache.bones.draw_parts` is the other way without training. numpy, OpenCV and ONNX Runtime only.
"""

from pathlib import Path

import cv2
import numpy as np

from pose_activity.runtime import graph
from pose_activity.stage1_parts.bodypix_graph import OFFSET, PARTS, SCALE, merge_matrix

_LONGER = 513  # side of the input at which it was best, in pixels
_STEP = 16  # sides are multiples of it, plus 1


class BodyPix:
    """Finds parts with the published graph.

    Attributes:
        graph: The loaded graph.
        longer: The longer side of its input, in pixels.
    """

    def __init__(self, path: Path, *, longer: int = _LONGER, threads: int | None = None) -> None:
        """Loads the graph.

        Args:
            path: BodyPix' ONNX file, see `bodypix_graph`.
            longer: See above.
            threads: See `runtime.graph.load`.

        Raises:
            ValueError: it is no such graph.
        """
        self.graph = graph.load(path, engine="onnxruntime", threads=threads)
        self.longer = longer
        channels = [shape[-1] for shape in self.graph.output_shapes]
        if len(PARTS) not in channels or 1 not in channels:
            raise ValueError(
                f"{path} must answer with a person and {len(PARTS)} parts, as BodyPix does. "
                f"Received: outputs of {channels} channels."
            )
        self._outputs = channels.index(1), channels.index(len(PARTS))

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Finds the parts of an image.

        Args:
            image: `(h, w, 3)` uint8 RGB.

        Returns:
            `(h, w, 15)` float32 probabilities of `annotations.parts.TREE`; a pixel's sum to 1.
        """
        height, width = image.shape[:2]
        ratio = self.longer / max(height, width)
        size = tuple(1 + _STEP * max(1, round(side * ratio / _STEP)) for side in (width, height))
        pixels = cv2.resize(image, size).astype(np.float32) * np.float32(SCALE) + np.float32(OFFSET)
        answers = self.graph(pixels[None])
        person, parts = (answers[index][0] for index in self._outputs)
        person = _enlarged(person, (width, height))
        parts = _enlarged(parts, (width, height))
        parts = np.exp(parts - parts.max(axis=-1, keepdims=True))
        parts /= parts.sum(axis=-1, keepdims=True)
        person = 1 / (1 + np.exp(-person[..., None]))
        merged = person * (parts @ merge_matrix())
        merged[..., :1] = 1 - person
        return merged


def ids_of(probabilities: np.ndarray) -> np.ndarray:
    """Returns `(h, w)` uint8: a part where a person is likelier than none, the likeliest one.

    Not the largest of all 15: the background may be so, where a person is likely and the part is
    unclear.
    """
    parts = probabilities[..., 1:].argmax(axis=-1) + 1
    return np.where(probabilities[..., 0] > 0.5, 0, parts).astype(np.uint8)


def _enlarged(array: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    return cv2.resize(np.ascontiguousarray(array), size_wh, interpolation=cv2.INTER_LINEAR)
