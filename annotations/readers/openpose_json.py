"""OpenPose's and AlphaPose's JSON into people per frame, as they are in the files.

The layouts are named in `annotations.readers.openpose`. Joints are not interpreted here.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.readers.frame_numbers import number_frames
from pose_activity.artifacts.text import read_utf8

_FRAME_END = "_keypoints.json"
_FRAME_FILE = re.compile(rf".*\d.*{re.escape(_FRAME_END)}", re.DOTALL)
# Names that are not frame numbers (a time stamp each) would make a clip of hardly anything but
# holes.
_MOST_HOLES, _FEW_FRAMES = 100, 10_000


@dataclass(frozen=True, eq=False)
class Person:
    """One person in one frame.

    Attributes:
        joints: `(K, 3)` float64: x, y, confidence as they are in the file.
        track: Who it is, where the program followed people; else None.
    """

    joints: np.ndarray
    track: int | None


Frames = dict[int, list[Person]]  # by the frame's number


def is_frame_file(path: Path) -> bool:
    """Returns whether a name is that of OpenPose's file of one frame."""
    return _FRAME_FILE.fullmatch(path.name) is not None


def read_frames(path: Path) -> Frames:
    """Reads a folder with a file per frame, or one file with all frames.

    Returns:
        The people of each frame that is mentioned, at least one frame; a frame may have nobody.

    Raises:
        ValueError: no such file, a damaged one, another layout, a frame twice, names without frame
            numbers, or numbers that are almost all missing.
    """
    frames = _read_folder(path) if path.is_dir() else _read_file(path)
    first, last = min(frames), max(frames)
    if last - first + 1 > max(_FEW_FRAMES, _MOST_HOLES * len(frames)):
        raise ValueError(
            f"{path}: frames must be numbered one by one. Received {len(frames):,} between "
            f"{first} and {last}. Are they times? Rename them to 0, 1, 2, ..."
        )
    return frames


def _read_folder(path: Path) -> Frames:
    """Reads a folder with a file per frame."""
    files = {
        file.name.removesuffix(_FRAME_END): file
        for file in sorted(path.iterdir())
        if is_frame_file(file)
    }
    if not files:
        raise ValueError(
            f"{path}: must hold a file per frame, NAME_000000000012_keypoints.json. It holds none."
        )
    advice = "Move each video's files to a folder of its own."
    numbers = number_frames(str(path), [*files], advice=advice)
    return {
        number: _people(files[name], "the frame", _load(files[name]))
        for name, number in numbers.items()
    }


def _read_file(path: Path) -> Frames:
    """Reads one file with all frames, in either of AlphaPose's layouts."""
    content = _load(path)
    people: dict[str, list[Person]] = {}
    if isinstance(content, dict) and "people" not in content:
        people = {name: _people(path, name, entry) for name, entry in content.items()}
    elif isinstance(content, list):
        for i, entry in enumerate(content):
            person = _person(path, f"entry {i}", entry, "keypoints")
            frame = people.setdefault(_image_name(path, entry.get("image_id")), [])
            frame += [person] if len(person.joints) else []
    else:
        raise ValueError(
            f"{path}: must be AlphaPose's list of people or object of frames. Received: one frame "
            "of OpenPose, or something else. Give the folder that holds all frames."
        )
    if not people:
        raise ValueError(f"{path}: must hold at least one frame. It holds none.")
    advice = "Write a file for each video."
    numbers = number_frames(str(path), [*people], advice=advice)
    return {numbers[name]: found for name, found in people.items()}


def _load(path: Path) -> Any:
    text = read_utf8(path)
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path}: not JSON, or a damaged file ({error}). Write it again."
        ) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Makes an object, of which JSON's own reader would silently keep a name's last value."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a name in it comes twice")
    return content


def _image_name(path: Path, name: Any) -> str:
    if not isinstance(name, str | int):
        raise ValueError(
            f'{path}: each person must have "image_id", the frame\'s name or number. '
            f"Received: {name!r}"
        )
    return str(name)


def _people(path: Path, where: str, entry: Any) -> list[Person]:
    people = entry.get("people") if isinstance(entry, dict) else None
    if not isinstance(people, list):
        raise ValueError(f'{path}, {where}: must be an object with a list "people".')
    found = [_person(path, where, person, "pose_keypoints_2d") for person in people]
    return [person for person in found if len(person.joints)]


def _person(path: Path, where: str, entry: Any, field: str) -> Person:
    values = entry.get(field) if isinstance(entry, dict) else None
    try:
        joints = np.array(values, np.float64).reshape(-1, 3)
    except (TypeError, ValueError):
        raise ValueError(
            f'{path}, {where}: each person must have "{field}", a list of numbers x, y, c, x, y, '
            f"c, .... Received: {str(values)[:60]}"
        ) from None
    return Person(joints, _track(entry.get("idx")))


def _track(idx: Any) -> int | None:
    """Returns AlphaPose's number of a person: older versions put it into a list."""
    while isinstance(idx, list) and idx:
        idx = idx[0]
    return int(idx) if isinstance(idx, int | float) and np.isfinite(idx) else None
