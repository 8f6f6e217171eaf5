"""Pictures into `Poses`: letterbox, graph, decode, non-maximum suppression; numpy and OpenCV only.

In come `(H, W, 3)` uint8 RGB pictures, out come `Poses` in their pixels. The arithmetic is that of
ultralytics' `predict` (rectangular letterbox, no test-time augmentation), so results equal it; but
for its way back to the picture, which is up to a pixel off where the resized picture's short side
is a multiple of 32: ours is the letterbox's own inverse. Coordinates live in two spaces:
*picture* pixels and *input* pixels (the letterboxed graph input).
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pose_activity.annotations.boxes import iou as overlaps
from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.types import Poses, no_people
from pose_activity.runtime.graph import Graph
from pose_activity.runtime.graph import load as load_graph
from pose_activity.stage1_pose.options import PoseFilter

GRAPH, SIDECAR = "pose.onnx", "pose.json"
STRIDE = 32  # of YOLOv8's coarsest feature map
_PAD = 114
_BATCH = 8
_MOST_CANDIDATES = 30_000  # ultralytics' max_nms


@dataclass(frozen=True)
class Letterbox:
    """How an image is placed in the graph's input.

    Attributes:
        inner_wh: Size of the resized picture in input pixels.
        offset: (x, y) of its upper left corner in the input.
        input_hw: (height, width) of the input, multiples of 32.
    """

    inner_wh: tuple[int, int]
    offset: tuple[int, int]
    input_hw: tuple[int, int]


class PosePredictor:
    """Finds people and their joints; made by `load`.

    Attributes:
        graph: The loaded graph.
        skeleton: Of the poses it returns.
        size: The longer side of the graph's input, in pixels.
        sha256: Of the graph file.
    """

    def __init__(
        self,
        graph: Graph,
        *,
        skeleton: Skeleton,
        size: int,
        sha256: str,
        keep: PoseFilter | None = None,
    ) -> None:
        self.skeleton = skeleton
        self.size = size
        self.sha256 = sha256
        self.graph = graph
        self._keep = keep or PoseFilter()

    def __call__(self, images: Sequence[np.ndarray], paths: Sequence[Path]) -> list[Poses]:
        """Finds the people in some pictures.

        Args:
            images: `(H, W, 3)` uint8 RGB each; sizes may differ.
            paths: Where they come from; copied into the `Poses`.

        Returns:
            One `Poses` per picture, in order; the people by falling score.
        """
        if len(images) != len(paths):
            raise ValueError(
                f"There must be a path per image. Received: {len(images)} and {len(paths)}"
            )
        places = [letterbox(_size_wh(image), self.size) for image in images]
        of_shape: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i, place in enumerate(places):
            of_shape[place.input_hw].append(i)
        found: dict[int, Poses] = {}
        for indices in of_shape.values():
            for start in range(0, len(indices), _BATCH):
                chunk = indices[start : start + _BATCH]
                batch = np.stack([to_input(images[i], places[i]) for i in chunk])
                for i, raw in zip(chunk, self.graph(batch)[0], strict=True):
                    found[i] = self._decode(raw, places[i], _size_wh(images[i]), paths[i])
        return [found[i] for i in range(len(images))]

    def _decode(
        self, raw: np.ndarray, place: Letterbox, size_wh: tuple[int, int], path: Path
    ) -> Poses:
        boxes, scores, keypoints = decode(raw, **self._keep.arguments())
        if not len(boxes):
            boxes, keypoints, scores = no_people(self.skeleton)
        boxes = to_picture(boxes.reshape(-1, 2, 2), place, size_wh).reshape(-1, 4)
        keypoints[..., :2] = to_picture(keypoints[..., :2], place, size_wh)
        keypoints[keypoints[..., 2] == 0] = 0
        return Poses(path, size_wh, self.skeleton, boxes, scores, keypoints)


def load(
    folder: Path,
    *,
    engine: str = "auto",
    precision: str = "f32",
    threads: int | None = None,
    streams: int = 1,
    keep: PoseFilter | None = None,
) -> PosePredictor:
    """Loads the pose graph that `stage1_pose.export` wrote.

    Args:
        folder: Holds pose.onnx and pose.json.
        engine: See `runtime.graph.load`.
        precision: See `runtime.graph.load`.
        threads: See `runtime.graph.load`.
        streams: See `runtime.graph.load`.
        keep: Which of the people it finds are kept; None for the usual ones.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: pose.json is damaged, or pose.onnx is not the file it describes, or finds
            another number of joints.
    """
    sidecar = read_sidecar(folder)
    graph = load_graph(
        folder / GRAPH,
        engine=engine,
        precision=precision,
        threads=threads,
        streams=streams,
        sha256=sidecar["sha256"],
    )
    skeleton = Skeleton.from_json(sidecar["skeleton"])
    check_joints(graph, skeleton)
    return PosePredictor(
        graph,
        skeleton=skeleton,
        size=sidecar["size"],
        sha256=sidecar["sha256"],
        keep=keep,
    )


def check_joints(graph: Graph, skeleton: Skeleton) -> None:
    """Refuses a graph that finds other joints than a skeleton has.

    Raises:
        ValueError: the numbers differ.
    """
    rows = graph.output_shapes[0][1]
    if rows is None:  # an .onnx file may leave it open
        rows = graph(np.zeros((1, 3, STRIDE, STRIDE), np.float32))[0].shape[1]
    joints = (rows - 5) / 3
    if joints != len(skeleton):
        raise ValueError(
            f"{graph.path} finds {joints:g} joints a person, but its skeleton {skeleton.name!r} "
            f"has {len(skeleton)}. Export it with its own skeleton."
        )


def read_sidecar(folder: Path) -> dict:
    """Returns what pose.json says about pose.onnx: `skeleton, size, sha256, ...`.

    `skeleton` is for `Skeleton.from_json`.
    """
    path = folder / SIDECAR
    if not path.is_file():
        raise FileNotFoundError(f"There is no {path}. Run the stage1 step first.")
    try:
        sidecar = json.loads(path.read_text(encoding="utf-8"))
        size, digest = sidecar["size"], sidecar["sha256"]
        Skeleton.from_json(sidecar["skeleton"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error!r}). Run the stage1 step again.") from None
    if not isinstance(size, int) or not isinstance(digest, str):
        raise ValueError(
            f"{path} must hold a whole size and a sha256. Received: {size!r}, {digest!r}"
        )
    return sidecar


def letterbox(size_wh: tuple[int, int], size: int) -> Letterbox:
    """Fits a picture into the smallest input that is a multiple of 32 and at most `size` long.

    Source: ultralytics.data.augment.LetterBox(auto=True).
    """
    width, height = size_wh
    ratio = min(size / height, size / width)
    inner_w, inner_h = max(round(width * ratio), 1), max(round(height * ratio), 1)
    pad_w, pad_h = (size - inner_w) % STRIDE, (size - inner_h) % STRIDE
    return Letterbox(
        inner_wh=(inner_w, inner_h),
        offset=(round(pad_w / 2 - 0.1), round(pad_h / 2 - 0.1)),
        input_hw=(inner_h + pad_h, inner_w + pad_w),
    )


def to_input(image: np.ndarray, place: Letterbox) -> np.ndarray:
    """Turns `(H, W, 3)` uint8 RGB into the graph's `(3, h, w)` float32 in 0..1, padded grey."""
    if _size_wh(image) != place.inner_wh:
        image = cv2.resize(image, place.inner_wh, interpolation=cv2.INTER_LINEAR)
    frame = np.full((*place.input_hw, 3), _PAD, np.uint8)
    (x, y), (width, height) = place.offset, place.inner_wh
    frame[y : y + height, x : x + width] = image
    return frame.transpose(2, 0, 1).astype(np.float32) / 255


def to_picture(points: np.ndarray, place: Letterbox, size_wh: tuple[int, int]) -> np.ndarray:
    """Takes `(..., 2)` input pixels to picture pixels, clipped to the picture."""
    size = np.array(size_wh, np.float32)
    gain = np.array(place.inner_wh, np.float32) / size
    points = (points - np.array(place.offset, np.float32)) / gain
    return np.clip(points, 0, size).astype(np.float32)


def decode(
    raw: np.ndarray, *, confidence: float, iou: float, max_people: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads one picture's graph output.

    Args:
        raw: `(5 + 3 K, anchors)` float32: box centre x, y, width, height; score; K times x, y, v.
        confidence: A candidate is kept above this score.
        iou: See `suppress`.
        max_people: At most so many are kept.

    Returns:
        `(N, 4)` xyxy boxes, `(N,)` scores and `(N, K, 3)` keypoints in input pixels, by falling
        score; float32.
    """
    rows = raw[:, raw[4] > confidence].T.astype(np.float32)
    rows = rows[np.argsort(-rows[:, 4], kind="stable")[:_MOST_CANDIDATES]]
    half = rows[:, 2:4] / 2
    boxes = np.concatenate([rows[:, :2] - half, rows[:, :2] + half], axis=1)
    keep = suppress(boxes, iou=iou)[:max_people]
    keypoints = rows[keep, 5:].reshape(len(keep), (raw.shape[0] - 5) // 3, 3)
    return boxes[keep], rows[keep, 4], keypoints


def suppress(boxes: np.ndarray, *, iou: float) -> np.ndarray:
    """Greedy non-maximum suppression.

    Args:
        boxes: `(N, 4)` xyxy, by falling score.
        iou: A box is dropped when a kept, stronger one overlaps it by more than this.

    Returns:
        Indices of the kept boxes, rising.
    """
    left = np.arange(len(boxes))
    keep = []
    while len(left):
        first, left = left[0], left[1:]
        keep.append(first)
        left = left[overlaps(boxes[[first]], boxes[left])[0] <= iou]
    return np.array(keep, int)


def _size_wh(image: np.ndarray) -> tuple[int, int]:
    return image.shape[1], image.shape[0]
