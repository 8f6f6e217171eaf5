"""MPII Human Pose: the official RELEASE `.mat` file in, one `Sample` per entry out.

Coordinates are handed on as they are in the file, negative ones too: fixing them is the cleaner's
work. Picture sizes are not in the file, so `Sample.size` is None. No picture is opened here.

Source: Andriluka et al., "2D Human Pose Estimation: New Benchmark and State of the Art Analysis",
CVPR 2014, and the README of mpii_human_pose_v1_u12.
"""

from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.names import check_names
from pose_activity.annotations.readers.matlab import load_mat
from pose_activity.annotations.skeleton import MPII16
from pose_activity.annotations.types import Sample

# MPII's evaluation toolkit: headSize = SC_BIAS * norm([x2 - x1, y2 - y1]), SC_BIAS = 0.6.
_HEAD_OF_DIAGONAL = 0.6
# MPII made upper neck and head top from the head rectangle, 0.8 diagonals apart (its first labelled
# person: rectangle 627, 100, 706, 198; joints 637.02, 189.82 and 695.98, 108.18).
_DIAGONALS_NECK_TO_TOP = 0.8


def read_mpii(annotations: Path, images: Path | None) -> Iterator[Sample]:
    """Reads MPII's RELEASE file.

    Persons without annotated points are left out; an entry without any such person is a Sample
    with no people. A flagged visible joint has v = 1, a flagged hidden one v = 0.5, one with
    coordinates but no flag v = 1. Three entries name pictures that no download of MPII holds
    (002878268.jpg, 013401523.jpg, 040348287.jpg); the cleaner drops them.

    Args:
        annotations: `mpii_human_pose_v1_u12_1.mat` or a file of its layout.
        images: Folder of the pictures; None leaves bare file names in `Sample.image`.

    Yields:
        One MPII16 Sample per entry, in the file's order: boxes all zero, `size` and `split` None,
        `activity` the category name or None, `group` the video or None.

    Raises:
        ValueError: the file is missing, damaged or of another layout, or two activities differ in
            upper and lower case only.
    """
    release = _load_release(annotations)
    entries, acts = _as_list(_field(release, "annolist")), _as_list(_field(release, "act"))
    if acts and len(acts) != len(entries):
        raise ValueError(
            f"{annotations}: RELEASE.annolist and RELEASE.act must have the same length. "
            f"Received: {len(entries)} and {len(acts)}. Download the file again."
        )
    check_names(annotations, (_text(_field(act, "cat_name")) for act in acts))
    for i, entry in enumerate(entries):
        name = _text(_field(_field(entry, "image"), "name"))
        if name is None:
            raise ValueError(f"{annotations}: entry {i} of RELEASE.annolist names no image.")
        try:
            people = _read_people(entry)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{annotations}: entry {i} ({name}): {error}") from None
        yield _make_sample(
            Path(name) if images is None else images / name,
            people,
            activity=_text(_field(acts[i], "cat_name")) if acts else None,
            video=_number(_field(entry, "vididx")),
        )


def _load_release(path: Path) -> Any:
    if not path.is_file():
        raise ValueError(
            f"{path}: there is no such file. Download mpii_human_pose_v1_u12_2.zip from MPII, "
            "unpack it and give the path of the .mat file in it."
        )
    content = load_mat(path, ["RELEASE"])
    annolist = _field(content.get("RELEASE"), "annolist")
    if annolist is None:
        raise ValueError(
            f"{path}: MPII's file holds a struct RELEASE with the field annolist; this one does "
            "not. Give the path of mpii_human_pose_v1_u12_1.mat."
        )
    return content["RELEASE"]


def _read_people(entry: Any) -> list[tuple[np.ndarray, float]]:
    """Returns keypoints `(K, 3)` and the head size of each person that has annotated points."""
    people = []
    for rect in _as_list(_field(entry, "annorect")):
        points = _as_list(_field(_field(rect, "annopoints"), "point"))
        if points:
            keypoints = _read_keypoints(points)
            people.append((keypoints, _head_size(rect, keypoints)))
    return people


def _read_keypoints(points: list[Any]) -> np.ndarray:
    keypoints = np.zeros((len(MPII16), 3), np.float32)
    for point in points:
        x, y, joint = (_number(_field(point, name)) for name in ("x", "y", "id"))
        if x is None or y is None:
            continue
        if joint is None or joint not in range(len(MPII16)):
            raise ValueError(f"a joint id must be a whole number in 0..15. Received: {joint}")
        visible = _number(_field(point, "is_visible"))
        keypoints[int(joint)] = x, y, 0.5 if visible == 0 else 1
    return keypoints


def _head_size(rect: Any, keypoints: np.ndarray) -> float:
    x1, y1, x2, y2 = (_number(_field(rect, name)) or 0.0 for name in ("x1", "y1", "x2", "y2"))
    if x1 != x2 and y1 != y2:
        return _HEAD_OF_DIAGONAL * float(np.hypot(x2 - x1, y2 - y1))
    neck, top = (keypoints[MPII16.index(joint)] for joint in ("upper_neck", "head_top"))
    if not (neck[2] and top[2]):
        return 0.0
    return _HEAD_OF_DIAGONAL / _DIAGONALS_NECK_TO_TOP * float(np.hypot(*(top - neck)[:2]))


def _make_sample(
    image: Path,
    people: list[tuple[np.ndarray, float]],
    *,
    activity: str | None,
    video: float | None,
) -> Sample:
    return Sample(
        image=image,
        size=None,
        skeleton=MPII16,
        boxes=np.zeros((len(people), 4), np.float32),
        keypoints=np.array([k for k, _ in people], np.float32).reshape(-1, len(MPII16), 3),
        head_sizes=np.array([head for _, head in people], np.float32),
        activity=activity,
        group=None if video is None else f"video-{video:.0f}",
    )


# MATLAB has no missing value: a field may be absent, an empty array, a scalar or an array, and
# scipy's squeeze_me turns a 1x1 array into its element. These four read all of that.


def _field(struct: Any, name: str) -> Any:
    return getattr(struct, name, None)


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value.ravel()) if isinstance(value, np.ndarray) else [value]


def _text(value: Any) -> str | None:
    items = _as_list(value)
    text = str(items[0]).strip() if len(items) == 1 else ""
    return text or None


def _number(value: Any) -> float | None:
    if isinstance(value, float | int):
        return float(value) if isfinite(value) else None
    items = _as_list(value)
    if not items or not str(items[0]).strip():
        return None
    number = float(items[0])
    return number if isfinite(number) else None
