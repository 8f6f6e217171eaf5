"""The label files of a YOLO pose data set that others made: text lines in, arrays out.

A line is a person: class, box centre x y w h, K times x y [v], all positions fractions of the
picture. v is 0 missing, 1 hidden, 2 visible. Files that ultralytics wrote for its own predictions
(`save_txt`) are read, too: there v is a confidence, and the box's confidence and the number of a
track may follow. `annotations.readers.yolo_files` finds the pictures.

Source: ultralytics.data.utils.verify_image_label, ultralytics.engine.results.Results.save_txt.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pose_activity.annotations.readers.yolo_files import Description
from pose_activity.artifacts.text import read_utf8

_TOLERANCE = 0.01  # ultralytics allows it too
_SHOWN = 10


@dataclass(frozen=True, eq=False)
class _Lines:
    """What one file says: `(N, 5 + 3 K)` float64, and whether it is a prediction's."""

    table: np.ndarray
    predicted: bool


def read_labels(
    data_yaml: Path,
    labels: Sequence[Path],
    found: Description,
    on_note: Callable[[str], None] | None = None,
) -> list[np.ndarray]:
    """Reads label files.

    Where v is a confidence, every joint with v > 0 counts as visible, as in ultralytics' training;
    but not one at exactly (0, 0), where ultralytics used to put joints that it was not sure of.

    Args:
        data_yaml: For the messages.
        labels: A missing file means an image without people.
        found: What data.yaml says.
        on_note: Called with a note on how many files hold predictions.

    Returns:
        A table `(N, 5 + 3 K)` float64 per file, v 0, 1 or 2; a missing joint is all zero.

    Raises:
        ValueError: wrong files; all are counted, and the first ten named with their mistakes.
    """
    read, wrong = [], []
    for label in labels:
        try:
            read.append(_read(label, found))
        except ValueError as error:
            said = str(error)
            wrong.append(said if said.startswith(str(label)) else f"{label}: {said}")
    if wrong:
        more = [f"and {len(wrong) - _SHOWN:,} more"] if len(wrong) > _SHOWN else []
        raise ValueError(
            f"{data_yaml}: {len(wrong):,} label files hold lines that are not persons. Fix or "
            "remove them:\n  - " + "\n  - ".join([*wrong[:_SHOWN], *more])
        )
    predicted = sum(lines.predicted for lines in read)
    if predicted and on_note:
        on_note(
            f"{data_yaml}: {predicted:,} label files hold predictions: where v is a confidence, "
            "joints with v > 0 count as visible."
        )
    return [lines.table for lines in read]


def _read(label: Path, found: Description) -> _Lines:
    joints, numbers = len(found.skeleton), found.numbers
    text = read_utf8(label) if label.is_file() else ""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    width = 5 + numbers * joints
    ends = [row[width:] for row in rows]
    if any(len(row) not in range(width, width + 3) for row in rows):
        raise ValueError(f"a line holds {width} numbers. Received: {_lengths(rows)}")
    try:
        given = np.array([row[:width] for row in rows], np.float64).reshape(len(rows), width)
        behind = [[float(value) for value in end] for end in ends]
    except ValueError as error:
        raise ValueError(f"a line holds numbers only ({error})") from None
    odd = [end for end in behind if not _is_score_or_track(end)]
    if odd:
        raise ValueError(
            f"a line holds {width} numbers, and at most a confidence in 0..1 and the number of a "
            f"track after them. Received after them: {odd[:3]}"
        )
    _check_fractions(given[:, 1:5])
    if (given[:, 3:5] < 0).any():
        raise ValueError(f"a box is not negative. Received: w h {given[:, 3:5].min(axis=0)}")
    classes = given[:, 0]
    if not np.isin(classes, range(len(found.names))).all():
        raise ValueError(
            f"a line starts with the number of its class, 0..{len(found.names) - 1}. "
            f"Received: {np.unique(classes).tolist()}"
        )
    points, confident = _joints(given[:, 5:].reshape(len(rows), joints, numbers))
    table = np.concatenate([given[:, :5], points.reshape(len(rows), 3 * joints)], axis=1)
    return _Lines(table, confident or any(behind))


def _lengths(rows: Sequence[Sequence[str]]) -> str:
    lengths = list(map(len, rows))
    return f"{lengths[:5]}" + (f" and {len(lengths) - 5:,} more" if len(lengths) > 5 else "")


def _is_score_or_track(end: Sequence[float]) -> bool:
    """Returns whether the numbers after a person are a confidence, a track's number, or both."""
    score, track = end[:1], end[1:]
    if len(end) == 1 and end[0] > 1:
        score, track = [], end
    return all(0 <= s <= 1 for s in score) and all(t >= 1 and t.is_integer() for t in track)


def _joints(given: np.ndarray) -> tuple[np.ndarray, bool]:
    """Returns joints `(N, K, 3)` with v of 0, 1 or 2, and whether v was a confidence."""
    if given.shape[2] == 2:  # ultralytics: negative is missing, all else visible.
        v = np.where((given >= 0).all(axis=2), 2.0, 0.0)
        confident = False
    else:
        v = given[..., 2]
        confident = not np.isin(v, (0, 1, 2)).all()
        if confident and not ((v >= 0) & (v <= 1)).all():
            raise ValueError(
                f"v is 0, 1 or 2. Received: {np.unique(v)[:9].tolist()}. (Or all of a file's are "
                "confidences in 0..1.)"
            )
        if confident:
            v = np.where((v > 0) & given[..., :2].any(axis=2), 2.0, 0.0)
    points = np.concatenate([given[..., :2], v[..., None]], axis=2)
    points = np.where(points[..., 2:] > 0, points, 0)
    _check_fractions(points[..., :2])
    return points, confident


def _check_fractions(places: np.ndarray) -> None:
    wrong = places[~((places >= -_TOLERANCE) & (places <= 1 + _TOLERANCE))]
    if wrong.size:
        raise ValueError(
            f"positions are fractions of the picture, 0..1. Received: {wrong[:5].tolist()}"
        )
