"""Which part of a name is the frame's number: the one that changes from name to name.

`000012_cam1.jpg` and `cam1_000012.jpg` are both frame 12 of a video if the others say cam1 too.
No file is opened.
"""

import re
from collections.abc import Callable, Sequence

from pose_activity.annotations.text import preview

_DIGITS = re.compile(r"(\d+)")
_SUFFIX = re.compile(r"\.[A-Za-z]\w*$")


def number_frames(where: str, names: Sequence[str], *, advice: str) -> dict[str, int]:
    """Finds the frame's number in each name.

    Names may differ in one number alone, or in several that are all different in every name (a
    frame's number and its time): then the one that rises slowest counts.

    Args:
        where: What they are from, for the messages.
        names: Of frames, with or without a suffix and folders, each once.
        advice: What to do if they are of several videos.

    Returns:
        Name -> frame.

    Raises:
        ValueError: a name without a number, names of several videos, or a frame twice.
    """
    parts = {name: _DIGITS.split(_SUFFIX.sub("", name)) for name in names}
    without = [name for name in names if len(parts[name]) == 1]
    if without:
        raise ValueError(
            f"{where}: each frame must have its number in its name, as '12.jpg' has. "
            f"Received: {preview([repr(name) for name in without])}"
        )
    _refuse_several(where, parts, lambda part: tuple(part[::2]), advice)
    columns = list(zip(*(part[1::2] for part in parts.values()), strict=True))
    changing = [i for i, column in enumerate(columns) if len({*column}) > 1]
    numbers = {i: [int(text) for text in columns[i]] for i in changing}
    if any(len({*numbers[i]}) < len(names) for i in changing) and len(changing) > 1:
        frame = max(changing, key=lambda i: (len({*numbers[i]}), i))
        others = [2 * i + 1 for i in changing if i != frame]
        _refuse_several(where, parts, lambda part: tuple(part[i] for i in others), advice)
    frame = _slowest(numbers) if changing else _longest(columns)
    found = {name: int(part[2 * frame + 1]) for name, part in parts.items()}
    _refuse_twice(where, found)
    return found


def _slowest(numbers: dict[int, list[int]]) -> int:
    return min(numbers, key=lambda i: (max(numbers[i]) - min(numbers[i]), -i))


def _longest(columns: Sequence[tuple[str, ...]]) -> int:
    """Returns which number of a single name is most like a frame's: the longest, else the last."""
    return max(range(len(columns)), key=lambda i: (len(columns[i][0]), i))


def _refuse_several(
    where: str, parts: dict[str, list[str]], video_of: Callable[[list[str]], object], advice: str
) -> None:
    first: dict[object, str] = {}
    for name, part in parts.items():
        first.setdefault(video_of(part), repr(name))
    if len(first) > 1:
        raise ValueError(
            f"{where}: must hold the frames of one video, whose names differ in the frame's number "
            f"alone. Received: {preview([*first.values()])}. {advice}"
        )


def _refuse_twice(where: str, found: dict[str, int]) -> None:
    names: dict[int, str] = {}
    for name, number in found.items():
        if names.setdefault(number, name) != name:
            raise ValueError(
                f"{where}: each frame must come once. Received frame {number} twice: "
                f"{names[number]!r} and {name!r}."
            )
