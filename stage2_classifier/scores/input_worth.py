"""What each input is worth to a classifier: its answers without it, and with another picture's.

In come the answers of a classifier to N pictures, and a function that answers without a part of
them; out come accuracies, how many answers change, and paired intervals. A plane that is ignored
changes none. Knows no files.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.cache.framing import PAD
from pose_activity.cache.planes import CHANNELS, FOUND, JOINTS, PERSON, Recipe
from pose_activity.cache.record import Arrays, Input, as_input, by_name, stack
from pose_activity.stage2_classifier.scores.resampling import Interval, paired_difference

LEAST_CHANGED = 0.01  # share of the answers; a part that changes fewer is hardly looked at
_BLANK = {"rgb": PAD, "heatmap": 0, "parts": 0, "rgb_person": 0}
_ALL_OF_STAGE1 = "all that stage 1 finds"

Classify = Callable[[Input], np.ndarray]
# A part, and whose part each picture has instead (N,), or None for nothing -> (N,) class ids.
Without = Callable[["Part", np.ndarray | None], np.ndarray]


@dataclass(frozen=True)
class Piece:
    """Channels of one array, and the value that stands for nothing in them."""

    array: str
    start: int
    stop: int
    blank: int


@dataclass(frozen=True)
class Part:
    """What is taken away together.

    Attributes:
        name: For people.
        pieces: Where it is.
        of_stage1: Whether it shows what stage 1 found.
    """

    name: str
    pieces: tuple[Piece, ...]
    of_stage1: bool


@dataclass(frozen=True)
class Worth:
    """What a part is worth.

    Attributes:
        part: Its name.
        of_stage1: Whether it shows what stage 1 found.
        replaced_by: "nothing" (grey pixels, an empty heatmap), or what another "picture" has.
        accuracy: Of the answers without it.
        gain: Accuracy with it minus that without it.
        interval: 95 %, of the gain, by a paired bootstrap.
        changed: Share of the answers that change.
    """

    part: str
    of_stage1: bool
    replaced_by: Literal["nothing", "another picture's"]
    accuracy: float
    gain: float
    interval: Interval
    changed: float

    def as_json(self) -> dict[str, Any]:
        """Returns JSON values."""
        return asdict(self)


def parts_of(recipe: Recipe) -> list[Part]:
    """Returns what can be taken away: planes, views and joints, and all that stage 1 finds.

    Nothing for a recipe with one plane alone.
    """
    views = recipe.views
    several, found = len(views) > 1, list[Part]()
    for name, view in views.items():
        start, planes = 0, list[Part]()
        for plane in view.planes:
            piece = Piece(name, start, start + CHANNELS[plane], _BLANK[plane])
            title = f"{name}: {plane}" if several else plane
            planes.append(Part(title, (piece,), plane != "rgb"))
            start += CHANNELS[plane]
        if several:
            pieces = tuple(piece for part in planes for piece in part.pieces)
            if name == PERSON:
                pieces += (Piece(FOUND, 0, 1, 0),)
            found.append(Part(name, pieces, name == PERSON))
        found += planes if len(planes) > 1 or not several else []
    if JOINTS in recipe.arrays:
        size = recipe.arrays[JOINTS].shape[-1]
        found.append(Part(JOINTS, (Piece(JOINTS, 0, size, 0),), True))
    stage1 = [part for part in found if part.of_stage1]
    if len(stage1) > 1:
        pieces = tuple(dict.fromkeys(piece for part in stage1 for piece in part.pieces))
        found.append(Part(_ALL_OF_STAGE1, pieces, True))
    return found if len(found) > 1 else []


def blank(recipe: Recipe) -> Arrays:
    """Returns the arrays of a picture that shows nothing, as where every part is taken away."""
    arrays = {name: np.zeros(spec.shape, spec.dtype) for name, spec in recipe.arrays.items()}
    for name, view in recipe.views.items():
        start = 0
        for plane in view.planes:
            arrays[name][..., start : start + CHANNELS[plane]] = _BLANK[plane]
            start += CHANNELS[plane]
    return arrays


def by_classifying(
    classify: Classify,
    load: Callable[[int], Input],
    count: int,
    on_progress: ProgressCallback | None = None,
) -> Without:
    """Returns a function that classifies `count` pictures anew, one by one.

    Args:
        classify: Takes a batch of arrays, as a classifier does; returns `(1, C)` probabilities.
        load: Returns the arrays of a picture by its number, without a batch dimension: an array,
            or a dict of them.
        count: Number of pictures.
        on_progress: Called with (answers given, answers to give, name of the part) for each part
            anew.
    """

    def without(part: Part, partner: np.ndarray | None) -> np.ndarray:
        found = np.empty(count, int)
        for i in range(count):
            found[i] = class_without(classify, load, part, partner, i)
            if on_progress:
                on_progress(i + 1, count, part.name)
        return found

    return without


def class_without(
    classify: Classify,
    load: Callable[[int], Input],
    part: Part,
    partner: np.ndarray | None,
    picture: int,
) -> int:
    """Classifies one picture without a part; returns its class id. See `by_classifying`."""
    other = None if partner is None else by_name(load(int(partner[picture])))
    return int(classify(_without(load(picture), part, other))[0].argmax())


def changes(
    parts: Sequence[Part], count: int, seed: int = 0
) -> list[tuple[Part, np.ndarray | None]]:
    """Returns what `measure` asks for, in order: each part replaced by nothing, then by another's.

    Args:
        parts: What is taken away.
        count: Number of pictures.
        seed: Of who gets whose.
    """
    order = np.random.default_rng(seed).permutation(count)
    partner = np.empty(count, int)
    partner[order] = np.roll(order, 1)  # a cycle: nobody gets their own
    return [(part, whose) for part in parts for whose in (None, partner)]


def measure(
    without: Without,
    *,
    answers: np.ndarray,
    labels: np.ndarray,
    clusters: np.ndarray,
    parts: Sequence[Part],
    seed: int = 0,
) -> list[Worth]:
    """Compares the answers to N pictures with those without each part; two passes for each.

    Args:
        without: Answers without a part: `by_classifying`, or from kept features.
        answers: `(N,)` int class ids: what the classifier says with everything.
        labels: `(N,)` int class ids.
        clusters: `(N,)` int: answers of the same number depend on each other.
        parts: What is taken away.
        seed: Of who gets whose.

    Returns:
        Two rows for each part. None for fewer than two pictures.
    """
    count = len(labels)
    if count < 2:
        return []
    rows = []
    for part, partner in changes(parts, count, seed):
        changed = without(part, partner)
        right = (answers == labels).astype(float), (changed == labels).astype(float)
        gain, interval = paired_difference(*right, clusters=clusters)
        rows.append(
            Worth(
                part=part.name,
                of_stage1=part.of_stage1,
                replaced_by="nothing" if partner is None else "another picture's",
                accuracy=float(right[1].mean()),
                gain=gain,
                interval=interval,
                changed=float((changed != answers).mean()),
            )
        )
    return rows


def ignored_stage1(rows: Sequence[Worth]) -> float | None:
    """Returns the largest share of answers that taking away what stage 1 found changes.

    None where that is `LEAST_CHANGED` or more, or stage 1 has no part in the answers.
    """
    changed = [row.changed for row in rows if row.of_stage1]
    return max(changed) if changed and max(changed) < LEAST_CHANGED else None


def _without(arrays: Input, part: Part, other: Arrays | None) -> Input:
    """Returns a batch of one picture without a part, or with that of another one."""
    found = {name: array.copy() for name, array in by_name(arrays).items()}
    for piece in part.pieces:
        channels = slice(piece.start, piece.stop)
        blank = piece.blank if other is None else other[piece.array][..., channels]
        found[piece.array][..., channels] = blank
    return stack([as_input(found)])
