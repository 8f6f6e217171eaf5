"""The entries of a COCO keypoint file: one category or one annotation in, checked values out.

Part of `annotations.readers.coco`, which says what the values mean. What is wrong is collected in
`Mistakes`, so that all of it is reported at once. Knows nothing of files and pictures.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.skeleton import Skeleton, custom_skeleton

_SHOWN = 10
_FIRST_PIXEL = 1.5  # a fraction of a place that is a little outside the picture is above 1
_NOTHING = object()
_LARGEST = float(np.finfo(np.float32).max)


@dataclass
class Mistakes:
    """Collects the mistakes in a file, so that all of them are reported at once."""

    path: Path
    found: list[str] = field(default_factory=list)

    def add(self, where: str, what: str) -> None:
        """Notes one mistake."""
        self.found.append(f"{where}: {what}")

    def raise_any(self) -> None:
        """Raises ValueError if there are mistakes: how many, and the first ten."""
        if self.found:
            more = len(self.found) - _SHOWN
            shown = [*self.found[:_SHOWN], *([f"and {more:,} more"] if more > 0 else [])]
            raise ValueError(
                f"{self.path}: {len(self.found):,} mistakes in this COCO file. Fix them:\n  - "
                + "\n  - ".join(shown)
            )


@dataclass(frozen=True)
class Person:
    """One annotation.

    Attributes:
        image: Its image's id.
        box: x1 y1 x2 y2 in pixels; all zero without a box.
        keypoints: `(K, 3)` float32 as in `Sample`.
        head_size: Pixels; 0 where unknown.
        activity: Its activity or None.
        has_activity: Whether the file names its activity, or says that it has none.
    """

    image: Any
    box: tuple[float, float, float, float]
    keypoints: np.ndarray
    head_size: float
    activity: str | None
    has_activity: bool


def read_categories(
    entries: Sequence[Mapping[str, Any]], mistakes: Mistakes, report: Callable[[str], None]
) -> tuple[Skeleton, dict[Any, str]]:
    """Reads the categories that have joints.

    Returns:
        Their skeleton, and their id -> name.

    Raises:
        ValueError: there is none, they have different joints, or one is wrong.
    """
    with_joints = []
    for number, entry in enumerate(entries):
        where = f"categories[{number}]"
        lacking = [key for key in ("id", "name") if not isinstance(entry.get(key), int | str)]
        if lacking:
            mistakes.add(where, f"missing keys: {', '.join(lacking)}")
        elif entry.get("keypoints"):
            with_joints.append((where, entry))
    for key in ("id", "name"):
        counts = Counter(str(entry[key]) for _, entry in with_joints)
        for value, count in counts.items():
            if count > 1:
                mistakes.add("categories", f"the {key} {value!r} comes {count} times")
    mistakes.raise_any()
    if not with_joints:
        raise ValueError(
            f"{mistakes.path}: no category lists its `keypoints`, so nobody has joints. For "
            "pictures with an activity alone use data.format: table or folder."
        )
    made = [_read_skeleton(where, entry, mistakes) for where, entry in with_joints]
    mistakes.raise_any()
    skeletons = {skeleton.joints: skeleton for skeleton in made if skeleton}
    if len(skeletons) > 1:
        raise ValueError(
            f"{mistakes.path}: all categories with joints must have the same ones. "
            f"Received: {[list(joints) for joints in skeletons]}. Make a file for each."
        )
    (skeleton,) = skeletons.values()
    if not skeleton.pairs:
        report(
            "No left and right joints were found in the joints' names, so pictures are not "
            "mirrored in training stage 1. Name them like left_eye and right_eye if there are."
        )
    return skeleton, {entry["id"]: str(entry["name"]) for _, entry in with_joints}


def _read_skeleton(where: str, entry: Mapping[str, Any], mistakes: Mistakes) -> Skeleton | None:
    joints = entry["keypoints"]
    try:
        bones = [(joints[a - 1], joints[b - 1]) for a, b in _numbered(entry, "skeleton", joints)]
        pairs = [(joints[a - 1], joints[b - 1]) for a, b in _numbered(entry, "pairs", joints)]
        return custom_skeleton(
            str(entry["name"]), [str(j) for j in joints], bones, pairs if "pairs" in entry else None
        )
    except (TypeError, ValueError) as error:
        mistakes.add(where, str(error))
        return None


def _numbered(entry: Mapping[str, Any], key: str, joints: Sequence[str]) -> list[Any]:
    """Returns pairs of joint numbers, counted from 1."""
    pairs = entry.get(key) or []
    numbers = range(1, len(joints) + 1)
    if any(a not in numbers or b not in numbers for a, b in pairs):
        raise ValueError(f"`{key}` counts joints from 1 to {len(joints)}. Received: {pairs}")
    return pairs


class People:
    """Reads annotations, and counts what it leaves out."""

    def __init__(
        self,
        skeleton: Skeleton,
        names: Mapping[Any, str],
        *,
        categories: set[Any],
        images: set[Any],
        mistakes: Mistakes,
    ) -> None:
        self._skeleton, self._names = skeleton, names
        self._categories, self._images = categories, images
        self._mistakes = mistakes
        self._other_categories: set[Any] = set()
        self._counts: Counter[str] = Counter()

    def read(self, where: str, entry: Mapping[str, Any]) -> Person | None:
        """Returns the person in an annotation; None if there is none, or a mistake."""
        lacking = [key for key in ("image_id", "category_id") if key not in entry]
        if lacking:
            self._mistakes.add(where, f"missing keys: {', '.join(lacking)}")
            return None
        try:
            for key, known in (("image", self._images), ("category", self._categories)):
                number = entry[f"{key}_id"]
                if not isinstance(number, int | str) or number not in known:
                    raise ValueError(f"there is no {key} with the id {number!r}")
            if entry["category_id"] not in self._names:
                self._counts["other"] += 1
                self._other_categories.add(entry["category_id"])
                return None
            if entry.get("iscrowd"):
                self._counts["crowd"] += 1
                return None
            return self._person(entry)
        except (TypeError, ValueError) as error:
            self._mistakes.add(where, str(error))
            return None

    def _person(self, entry: Mapping[str, Any]) -> Person:
        keypoints = np.zeros((len(self._skeleton), 3), np.float32)
        values = entry.get("keypoints")
        if values and not (entry.get("num_keypoints") == 0 and _all_zero(values)):
            keypoints = _read_keypoints(values, self._skeleton)
        self._counts["jointless"] += not keypoints.any()
        self._counts["uncounted"] += entry.get("num_keypoints") == 0 and bool(keypoints.any())
        (head,) = numbers("head_size", [entry.get("head_size") or 0], 1)
        activity = entry.get("activity", _NOTHING)
        category = self._names[entry["category_id"]] if len(self._names) > 1 else None
        return Person(
            image=entry["image_id"],
            box=_read_box(entry.get("bbox")),
            keypoints=keypoints,
            head_size=head,
            activity=category if activity is _NOTHING else text("activity", activity),
            has_activity=activity is not _NOTHING or category is not None,
        )

    def notes(self) -> Iterator[str]:
        """Yields a sentence about each kind of annotation that was not taken as it is."""
        if self._counts["other"]:
            yield (
                f"{self._counts['other']:,} annotations are of categories without joints (ids "
                f"{sorted(self._other_categories, key=str)[:5]}): left out."
            )
        if self._counts["crowd"]:
            yield (
                f"{self._counts['crowd']:,} annotations are of crowds (iscrowd): left out. The "
                "people in them count as background."
            )
        if self._counts["uncounted"]:
            yield (
                f"{self._counts['uncounted']:,} annotations say num_keypoints: 0 but hold joints: "
                "the joints are taken."
            )
        if self._counts["jointless"]:
            yield f"{self._counts['jointless']:,} people have a box but no joints."


def _read_keypoints(values: Any, skeleton: Skeleton) -> np.ndarray:
    table = np.array(numbers("keypoints", values, 3 * len(skeleton)), np.float32).reshape(-1, 3)
    if not np.isin(table[:, 2], (0, 1, 2)).all():
        wrong = sorted({float(v) for v in table[:, 2]} - {0.0, 1.0, 2.0})
        raise ValueError(f"a joint's v is 0, 1 or 2. Received: {wrong}")
    table[table[:, 2] == 0] = 0
    _check_pixels("keypoints", table[table[:, 2] > 0, :2])
    table[:, 2] /= 2
    return table


def _all_zero(values: Any) -> bool:
    return isinstance(values, list) and not any(values)


def _check_pixels(key: str, places: np.ndarray) -> None:
    """Refuses several places `(N, 2)` that all are in the picture's first pixel: fractions.

    A file does not say what they are fractions of (the picture, or a crop), so they are not
    scaled.
    """
    if len(places) > 1 and np.all(places > -1) and np.all(places < _FIRST_PIXEL):
        raise ValueError(
            f"`{key}` must be in pixels. Received: {places[:3].round(4).tolist()}, which are "
            "fractions. Multiply x by the picture's width and y by its height"
        )


def _read_box(value: Any) -> tuple[float, float, float, float]:
    """Returns x1 y1 x2 y2; all zero for a box without an area."""
    if not value:
        return (0.0, 0.0, 0.0, 0.0)
    x, y, width, height = numbers("bbox", value, 4)
    if width <= 0 or height <= 0:
        return (0.0, 0.0, 0.0, 0.0)
    _check_pixels("bbox", np.array([(x, y), (x + width, y + height)]))
    return (x, y, x + width, y + height)


def numbers(key: str, values: Any, count: int) -> list[float]:
    """Returns `values` if it is a list of `count` finite numbers, else raises ValueError."""
    if not isinstance(values, list) or len(values) != count:
        got = len(values) if isinstance(values, list) else repr(values)
        raise ValueError(f"`{key}` must hold {count} numbers. Received: {got}")
    if any(
        isinstance(v, bool) or not isinstance(v, int | float) or not abs(v) <= _LARGEST
        for v in values
    ):
        raise ValueError(f"`{key}` must hold finite numbers. Received: {values}")
    return [float(value) for value in values]


def text(key: str, value: Any) -> str | None:
    """Returns a text, None for an empty one, and raises ValueError for anything else."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str):
        raise ValueError(f"`{key}` must be a text. Received: {value!r}")
    return value
