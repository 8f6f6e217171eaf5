"""A model of motion made by hand, and videos that it understands.

Its pose graph finds a red and a blue rectangle; their joints lie on it at `PLACES`. Its classifier
says "to the right" or "to the left" by how the joints drift. Both are real graphs with real
sidecars, so that everything around them is real as well.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnx.parser

from pose_activity.artifacts import manifest
from pose_activity.artifacts.manifest import sha256_file
from pose_activity.cache.planes import PoseModelId
from pose_activity.cache.sequence_recipe import SequenceRecipe
from tests.inference.drawn_videos import LOSSLESS

SIZE = (160, 128)
CLASSES = ("to the right", "to the left")
# Where the 17 joints lie on the rectangle: nose ... ankles.
PLACES = np.array(
    [
        *[(0.5, 0.06), (0.55, 0.04), (0.45, 0.04), (0.6, 0.05), (0.4, 0.05)],
        *[(0.8, 0.2), (0.2, 0.2), (0.9, 0.35), (0.1, 0.35), (0.95, 0.5), (0.05, 0.5)],
        *[(0.65, 0.5), (0.35, 0.5), (0.7, 0.75), (0.3, 0.75), (0.7, 0.97), (0.3, 0.97)],
    ]
)
RECIPE = SequenceRecipe(
    skeleton="coco17", frames=10, windows="sliding", stride=5, centre="clip", scale="clip"
)

_POSE = """
<ir_version: 8, opset_import: ["" : 17]>
pose (float[B,3,H,W] images) => (float[B,56,2] output0) {
    i0 = Constant <value = int64 {0}> ()
    i1 = Constant <value = int64 {1}> ()
    i2 = Constant <value = int64 {2}> ()
    i3 = Constant <value = int64 {3}> ()
    a1 = Constant <value = int64[1] {1}> ()
    a2 = Constant <value = int64[1] {2}> ()
    half = Constant <value = float {0.5}> ()
    one = Constant <value = float {1}> ()
    sure = Constant <value = float {0.9}> ()
    fx = Constant <value = float[17,1] {FX}> ()
    fy = Constant <value = float[17,1] {FY}> ()
    ones = Constant <value = float[17,1] {ONES}> ()
    joints_shape = Constant <value = int64[3] {0, 51, 2}> ()
    red = Gather <axis = 1> (images, i0)
    blue = Gather <axis = 1> (images, i2)
    more = Sub (red, blue)
    less = Neg (more)
    more1 = Unsqueeze (more, a1)
    less1 = Unsqueeze (less, a1)
    both = Concat <axis = 1> (more1, less1)
    there = Greater (both, half)
    mask = Cast <to = 1> (there)
    columns = ReduceMax <axes = [2], keepdims = 0> (mask)
    rows = ReduceMax <axes = [3], keepdims = 0> (mask)
    seen = ReduceMax <axes = [2, 3], keepdims = 0> (mask)
    score = Mul (seen, sure)
    shape = Shape (images)
    w = Gather (shape, i3)
    h = Gather (shape, i2)
    wf = Cast <to = 1> (w)
    hf = Cast <to = 1> (h)
    xi = Range (i0, w, i1)
    yi = Range (i0, h, i1)
    xs = Cast <to = 1> (xi)
    ys = Cast <to = 1> (yi)
    xs1 = Add (xs, one)
    ys1 = Add (ys, one)
    xr = Sub (wf, xs)
    yr = Sub (hf, ys)
    right = Mul (columns, xs1)
    left = Mul (columns, xr)
    low = Mul (rows, ys1)
    high = Mul (rows, yr)
    x2 = ReduceMax <axes = [2], keepdims = 0> (right)
    xl = ReduceMax <axes = [2], keepdims = 0> (left)
    y2 = ReduceMax <axes = [2], keepdims = 0> (low)
    yl = ReduceMax <axes = [2], keepdims = 0> (high)
    x1 = Sub (wf, xl)
    y1 = Sub (hf, yl)
    bw = Sub (x2, x1)
    bh = Sub (y2, y1)
    bw2 = Mul (bw, half)
    bh2 = Mul (bh, half)
    cx = Add (x1, bw2)
    cy = Add (y1, bh2)
    cx_ = Unsqueeze (cx, a1)
    cy_ = Unsqueeze (cy, a1)
    bw_ = Unsqueeze (bw, a1)
    bh_ = Unsqueeze (bh, a1)
    x1_ = Unsqueeze (x1, a1)
    y1_ = Unsqueeze (y1, a1)
    score_ = Unsqueeze (score, a1)
    dx = Mul (fx, bw_)
    dy = Mul (fy, bh_)
    jx = Add (x1_, dx)
    jy = Add (y1_, dy)
    jv = Mul (ones, score_)
    jx_ = Unsqueeze (jx, a2)
    jy_ = Unsqueeze (jy, a2)
    jv_ = Unsqueeze (jv, a2)
    stacked = Concat <axis = 2> (jx_, jy_, jv_)
    joints = Reshape (stacked, joints_shape)
    output0 = Concat <axis = 1> (cx_, cy_, bw_, bh_, score_, joints)
}
"""
# A line through time: the mean joint's x, weighted from -1 for the first frame to 1 for the last.
_CLASSIFIER = """
<ir_version: 8, opset_import: ["" : 17]>
motion (float[B,10,17,3] sequences) => (float[B,2] probabilities, float[B,2] embedding) {
    i0 = Constant <value = int64 {0}> ()
    x = Gather <axis = 3> (sequences, i0)
    at = ReduceMean <axes = [2], keepdims = 0> (x)
    line = Constant <value = float[10,2] {LINE}> ()
    embedding = MatMul (at, line)
    probabilities = Softmax <axis = 1> (embedding)
}
"""
# The same line, through how bright a frame's maps are.
_MAPS_CLASSIFIER = """
<ir_version: 8, opset_import: ["" : 17]>
motion (float[B,10,16,12,17] sequences) => (float[B,2] probabilities, float[B,2] embedding) {
    at = ReduceMean <axes = [2, 3, 4], keepdims = 0> (sequences)
    line = Constant <value = float[10,2] {LINE}> ()
    embedding = MatMul (at, line)
    probabilities = Softmax <axis = 1> (embedding)
}
"""


def write_model(folder: Path, recipe: SequenceRecipe = RECIPE, **sidecar: object) -> Path:
    """Writes the run folder of a model of motion.

    Args:
        folder: Gets `stage1` and `stage2`.
        recipe: Of 10 frames, of 17 joints and 3 channels or 16x12 maps of 17 joints; told whose
            poses it sees.
        **sidecar: More values for classifier.json.
    """
    (folder / "stage2").mkdir(parents=True)
    pose = write_pose(folder / "stage1")
    line = np.linspace(-1, 1, 10)
    stage2 = write_graph(
        folder / "stage2" / "classifier.onnx",
        _MAPS_CLASSIFIER if recipe.kind == "maps" else _CLASSIFIER,
        LINE=np.column_stack([line, -line]).ravel(),
    )
    seen = replace(recipe, pose=PoseModelId(sha256=pose, size=SIZE[0]))
    values = {"kind": "sequence", "classes": CLASSES, "recipe": seen.as_json(), "sha256": stage2}
    (folder / "stage2" / "classifier.json").write_text(
        json.dumps({**values, **sidecar}), encoding="utf-8"
    )
    vouch(folder)
    return folder


def write_pose(folder: Path) -> str:
    """Writes the graph that finds the rectangles, with its sidecar; returns its sha256."""
    folder.mkdir(parents=True)
    places = {"FX": PLACES[:, 0], "FY": PLACES[:, 1], "ONES": np.ones(17)}
    pose = write_graph(folder / "pose.onnx", _POSE, **places)
    described = {"skeleton": "coco17", "size": SIZE[0], "sha256": pose}
    (folder / "pose.json").write_text(json.dumps(described), encoding="utf-8")
    return pose


def vouch(folder: Path) -> None:
    """Declares both stages of a run folder finished, as they are."""
    for stage in ("stage1", "stage2"):
        there = sorted((folder / stage).iterdir())
        files = [path for path in there if path.is_file() and path.name != manifest.NAME]
        manifest.write(folder / stage, recipe={}, inputs={}, outputs=files)


def write_graph(path: Path, text: str, **numbers: np.ndarray) -> str:
    """Writes a graph of text in which NAMES are numbers; returns its sha256."""
    for name, values in numbers.items():
        listed = ", ".join(f"{value:.6f}" for value in values)
        text = text.replace(f"{{{name}}}", f"{{{listed}}}")
    model = onnx.parser.parse_model(text)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return sha256_file(path)


def picture(red: tuple[int, int] | None = None, blue: tuple[int, int] | None = None) -> np.ndarray:
    """Returns a frame with rectangles of 24x72 whose upper left corners are at (x, y); RGB."""
    image = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    for corner, colour in ((red, (230, 30, 20)), (blue, (20, 30, 230))):
        if corner is not None:
            x, y = corner
            cv2.rectangle(image, (x, y), (x + 23, y + 71), colour, cv2.FILLED)
    return image


def crossing(frames: int = 30) -> list[np.ndarray]:
    """Returns frames in which red walks to the right and blue to the left, past each other."""
    return [picture((5 + 4 * i, 20), (125 - 4 * i, 36)) for i in range(frames)]


def write_film(path: Path, frames: Sequence[np.ndarray], *, fps: float = 10) -> Path:
    """Writes RGB frames into a video that loses nothing."""
    code = cv2.VideoWriter.fourcc(*LOSSLESS)
    writer = cv2.VideoWriter(str(path), code, fps, SIZE)
    assert writer.isOpened()
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def write_uneven(path: Path, frames: Sequence[np.ndarray], milliseconds: Sequence[int]) -> Path:
    """Writes a Matroska video whose frames are shown at given times."""
    write_film(path, frames, fps=25)
    data = bytearray(path.read_bytes())
    left = list(milliseconds)
    _set_times(data, 0, len(data), left)
    assert not left, "a block a frame was expected"
    path.write_bytes(data)
    return path


# Of Matroska's EBML, RFC 9559.
_SEGMENT, _CLUSTER, _TIMESTAMP, _BLOCK = 0x18538067, 0x1F43B675, 0xE7, 0xA3


def _set_times(data: bytearray, start: int, stop: int, left: list[int]) -> None:
    cluster = 0  # when it begins
    while start < stop:
        name, start = _number(data, start, keep_marker=True)
        size, start = _number(data, start, keep_marker=False)
        end = min(start + size, stop)
        if name in (_SEGMENT, _CLUSTER):
            _set_times(data, start, end, left)
        elif name == _TIMESTAMP:
            cluster = int.from_bytes(data[start:end])
        elif name == _BLOCK:  # since then, behind the track's number
            data[start + 1 : start + 3] = (left.pop(0) - cluster).to_bytes(2, signed=True)
        start = end


def _number(data: bytearray, at: int, *, keep_marker: bool) -> tuple[int, int]:
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length])
    return value if keep_marker else value & ~(1 << (7 * length)), at + length
