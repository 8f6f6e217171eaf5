"""Penn Action: a folder of `.mat` files, one per video, in; one `Clip` per file out.

Each file holds x, y and visibility `(T, 13)`, the action, a flag train, nframes and dimensions.
Coordinates are handed on as they are in the file.

Source: Zhang, Zhu and Derpanis, "From Actemes to Action: A Strongly-supervised Representation for
Detailed Action Understanding", ICCV 2013, and the data set's README.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.clips import Clip, check_names_once, steady_times, with_utf8_names
from pose_activity.annotations.convert import as_keypoints
from pose_activity.annotations.images import find_files
from pose_activity.annotations.names import check_names
from pose_activity.annotations.readers.matlab import load_mat
from pose_activity.annotations.skeleton import PENN13

_NEEDED = ("x", "y", "visibility", "action")
# Pixels. A joint outside the picture or hidden altogether is at (0.75, 0.75), scaled with the
# video: up to 1.53 in the real files, which have no hidden joint between that and 10.
_NOWHERE = 2.0


def read_penn_action(
    labels: Path, *, fps: float, on_note: Callable[[str], None] | None = None
) -> list[Clip]:
    """Reads a folder of label files.

    A visible joint has v = 1, a hidden one 0.5; one that both is hidden and is within 2 px of the
    upper left corner, where the data set puts joints that it does not know, is missing.

    Args:
        labels: The folder `labels` of the data set; files may be deeper inside.
        fps: Frames per second; the files do not say.
        on_note: Called with a note on what was fixed.

    Returns:
        PENN13 clips, sorted by path and named after it ("0001"): `source` the `.mat` file, `label`
        the action, `split` "train" or "test" by the file's flag (None without one), `group`
        and `span` None.

    Raises:
        ValueError: no such folder, no `.mat` file in it, a damaged one, or arrays of other shapes.
    """
    if not labels.is_dir():
        raise ValueError(f"{labels}: there is no such folder. Give Penn Action's folder labels.")
    paths = find_files(labels, {".mat"})
    if not paths:
        raise ValueError(f"{labels}: must hold one .mat file per video. It holds none.")
    clips = [_read(path, labels, fps, on_note) for path in with_utf8_names(paths, on_note)]
    check_names_once(labels, clips)
    check_names(labels, (clip.label for clip in clips))
    return clips


def _read(path: Path, root: Path, fps: float, on_note: Callable[[str], None] | None) -> Clip:
    content = load_mat(path, [*_NEEDED, "train", "nframes"])
    missing = [name for name in _NEEDED if name not in content]
    if missing:
        raise ValueError(
            f"{path}: must hold the variables {', '.join(_NEEDED)}. Missing: {', '.join(missing)}"
        )
    x, y, visible = (_table(path, name, content[name]) for name in _NEEDED[:3])
    frames = _whole(path, "nframes", content.get("nframes", len(x)))
    if not len(x) == len(y) == len(visible) == frames:
        raise ValueError(
            f"{path}: x, y and visibility must have a row for each of the nframes frames. "
            f"Received: {len(x)}, {len(y)} and {len(visible)}, nframes {frames}"
        )
    v = np.where(visible > 0, 1.0, np.where((x <= _NOWHERE) & (y <= _NOWHERE), 0.0, 0.5))
    return Clip(
        name=path.relative_to(root).with_suffix("").as_posix(),
        source=path,
        label=_action(path, content["action"]),
        split=_split(path, content.get("train")),
        skeleton=PENN13,
        keypoints=as_keypoints(np.stack([x, y, v], axis=-1), str(path), on_note),
        times=steady_times(len(x), fps),
    )


def _table(path: Path, name: str, value: Any) -> np.ndarray:
    table = np.asarray(value)
    if table.dtype.kind not in "fiub" or table.ndim not in (1, 2) or table.shape[-1] != len(PENN13):
        raise ValueError(
            f"{path}: {name} must be numbers (frames, {len(PENN13)}). "
            f"Received: {table.dtype} {table.shape}"
        )
    return table.reshape(-1, len(PENN13))  # one frame alone came as a vector


def _action(path: Path, value: Any) -> str:
    action = value.strip() if isinstance(value, str) else ""
    if not action:
        raise ValueError(f"{path}: action must be a text. Received: {value!r}")
    return action


def _split(path: Path, flag: Any) -> str | None:
    """Returns the split that the flag names: 1 is train, -1 or 0 test."""
    if flag is None:
        return None
    return "train" if _whole(path, "train", flag) == 1 else "test"


def _whole(path: Path, name: str, value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ValueError(f"{path}: {name} must be one whole number. Received: {value!r}") from None
