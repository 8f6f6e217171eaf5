"""What each choice of the recipe for photos is worth, on the features of a frozen backbone.

    python benchmarks/ablations.py PHOTOS [--weights yolov8n-pose.pt] [--only person_heatmap]

PHOTOS as for `accuracy.py`. A row is what the backbone looks at (`looks.Look`), and perhaps the
joints as numbers; a linear head is fitted on four fifths of the photos and answers the rest, in
turns. That is done where only the first half of the classes is there, by name, and where only the
last one is: a choice should win on their mean. Each row differs in one thing from another one, its
`against`. Written of each row: `halves`, the two accuracies, and `accuracy`, their mean; the paired
differences from `against` on the same photos with their 95 % intervals, `gain_halves` and `gain`.
Folds are dealt three times, and a photo's answers averaged. No mirror images are learned from, but
in the row of that name. The penalty's strength is chosen on the first deal's answers, alike in
every row. Vectors are kept in --work: the command continues where it was stopped.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks import heads  # noqa: E402
from benchmarks.looks import (  # noqa: E402
    PERSON,
    PICTURE,
    Look,
    Photos,
    find_vectors,
    joint_numbers,
    mirrored,
    read_photos,
)
from benchmarks.sequences import merge, read  # noqa: E402
from pose_activity.annotations.types import Poses  # noqa: E402
from pose_activity.cache import joint_numbers as product_numbers  # noqa: E402
from pose_activity.cache.options import Style  # noqa: E402
from pose_activity.cache.people import POLICIES  # noqa: E402
from pose_activity.runtime.progress import progress_bar  # noqa: E402
from pose_activity.stage2_classifier.frozen.layout import POOLINGS  # noqa: E402
from pose_activity.stage2_classifier.scores.resampling import paired_difference  # noqa: E402

DEFAULT = "default"
DEALS = 3
Joined = Literal["", "beside", "late linear", "late network", "late kernel", "alone"]


@dataclass(frozen=True)
class Row:
    """What is learned from.

    Attributes:
        looks: What the backbone looks at.
        against: The row that differs in one thing.
        pooling: Of `frozen.layout.POOLINGS`.
        mirror: Whether mirror images are learned from as well.
        joints: How the joints of the person, relative to the body, join as numbers: "beside" the
            features; by a classifier of their own whose answers are mixed in "late", a linear one
            a small network with dropout, or the "kernel" of `frozen.joint_scores`; that network
            "alone"; or not.
    """

    looks: tuple[Look, ...]
    against: str = DEFAULT
    pooling: tuple[str, ...] = POOLINGS
    mirror: bool = False
    joints: Joined = ""


_TWO = (PICTURE, PERSON)
_BLOB, _ALL_JOINTS = Style(style="gaussian", sigma=6.0), Style(min_confidence=0.0)
_SMALL = replace(PICTURE, width=320, height=240)
_LINES = replace(_SMALL, shows="heatmap")  # the heatmap of the whole picture
_OWN_LINES = replace(PERSON, shows="heatmap", width=224, height=224)  # of the person, in the square
_PARTS = tuple(Look(part, 128, 128) for part in ("head", "left_hand", "right_hand"))


def _person(**changes: Any) -> tuple[Look, ...]:
    return (PICTURE, replace(PERSON, **changes))


def _square(size: int) -> tuple[Look, ...]:
    return _person(width=size, height=size)


def _beside_picture(**changes: Any) -> Row:
    return Row((PICTURE, replace(_LINES, **changes)), against="picture")


def _beside_both(**changes: Any) -> Row:
    return Row((*_TWO, replace(_OWN_LINES, **changes)))


ROWS: Mapping[str, Row] = {
    DEFAULT: Row(_TWO, against="picture"),
    "picture": Row((PICTURE,)),
    "person": Row((PERSON,)),
    "mean": Row(_TWO, pooling=("mean",)),
    "max": Row(_TWO, pooling=("max",)),
    "mirror": Row(_TWO, mirror=True),
    # Pixels
    "picture_320x240": Row((_SMALL,), against="picture"),
    "person_224": Row(_square(224)),
    # Who is in the square, and how much around
    "person_margin_0": Row(_person(margin=0.0)),
    "person_margin_30": Row(_person(margin=0.3)),
    "person_largest": Row(_person(people="largest")),
    "person_top_score": Row(_person(people="top_score")),
    "person_centre": Row(_person(people="centre")),
    "square_around_everyone": Row(_person(area="everyone", people="all")),
    "second_person": Row((*_TWO, Look("second", 224, 224))),
    # The heatmap beside the whole picture
    "picture_heatmap": _beside_picture(),
    "picture_heatmap_most_prominent": _beside_picture(drawn="most_prominent"),
    "picture_heatmap_centre_and_farthest": _beside_picture(drawn="centre_and_farthest"),
    "picture_heatmap_all_joints": _beside_picture(style=_ALL_JOINTS),
    "picture_heatmap_by_person": _beside_picture(drawn="most_prominent", colours="people"),
    "picture_heatmap_by_part": _beside_picture(colours="parts"),
    "picture_gaussian": _beside_picture(style=_BLOB),
    "picture_gaussian_unweighted": _beside_picture(style=_BLOB, weighted=False),
    "picture_320x240_drawn": Row((replace(_SMALL, shows="drawn"),), against="picture_320x240"),
    # The heatmap in the square around the person
    "picture_and_heatmap_of_person": Row((PICTURE, _OWN_LINES), against="picture"),
    "person_heatmap": _beside_both(),
    "person_heatmap_by_part": _beside_both(colours="parts"),
    "person_gaussian": _beside_both(style=_BLOB),
    "person_drawn": Row(_person(shows="drawn")),
    # The heatmap alone
    "heatmap_alone": Row((_LINES,)),
    "heatmap_by_part_alone": Row((replace(_LINES, colours="parts"),), against="heatmap_alone"),
    "gaussian_alone": Row((replace(_LINES, style=_BLOB),), against="heatmap_alone"),
    "person_heatmap_alone": Row((_OWN_LINES,), against="heatmap_alone"),
    # Joints as numbers
    "joints_alone": Row((), joints="alone"),
    "joints_beside": Row(_TWO, joints="beside"),
    "joints_late_linear": Row(_TWO, joints="late linear"),
    "joints_late_network": Row(_TWO, joints="late network"),
    "picture_joints_late_network": Row((PICTURE,), against="picture", joints="late network"),
    "joints_late_kernel": Row(_TWO, joints="late kernel"),
    "picture_joints_late_kernel": Row((PICTURE,), against="picture", joints="late kernel"),
    # Parts of the person
    "features_at_joints": Row((*_TWO, replace(PERSON, at_joints=True))),
    "head": Row((*_TWO, *_PARTS[:1])),
    "hands": Row((*_TWO, *_PARTS[1:])),
    "head_and_hands": Row((*_TWO, *_PARTS)),
}


def main(
    photos: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    weights: Annotated[str, typer.Option(help="Stage 1's.")] = "yolov8n-pose.pt",
    only: Annotated[list[str] | None, typer.Option(help=f"Some of: {', '.join(ROWS)}.")] = None,
    threads: Annotated[int, typer.Option(min=1)] = 2,
    work: Annotated[Path, typer.Option(help="Where vectors are kept.")] = Path("runs/ablations"),
    out: Annotated[Path, typer.Option()] = HERE / "results" / "ablations.json",
) -> None:
    """Measures, writes the figures beside those that are there, and prints a table."""
    unknown = sorted({*(only or ())} - {*ROWS})
    if unknown:
        raise typer.BadParameter(f"--only takes some of {[*ROWS]}. Received: {unknown}")
    read(out)  # a file that cannot be added to is refused now, not after the work
    names = [*(only or ROWS)]
    needed = [*dict.fromkeys([*(ROWS[name].against for name in names), *names])]
    there = read_photos(photos, weights, work, threads)
    vectors = find_vectors([*_looks(needed)], there, work, threads)
    right: dict[str, dict[str, np.ndarray]] = {}
    halves = _halves(there)
    with progress_bar("heads", Console()) as show:
        for done, name in enumerate(needed, 1):
            right[name] = {key: _right(ROWS[name], half, vectors) for key, half in halves.items()}
            new = [row for row in names if name in (row, ROWS[row].against)]
            whole = [row for row in new if {row, ROWS[row].against} <= {*right}]
            merge(out, {row: _figures(row, right, halves) for row in whole})
            show(done, len(needed), name)
    Console().print(as_table({name: read(out)[name] for name in names}))


def _looks(names: list[str]) -> Iterator[Look]:
    """Yields what is looked at in some rows, each once."""
    rows = [ROWS[name] for name in names]
    plain = [look for row in rows for look in row.looks]
    yield from dict.fromkeys(
        [*plain, *(m for row in rows if row.mirror for m in mirrored(row.looks))]
    )


@dataclass(frozen=True, eq=False)
class Half:
    """The photos of half of the classes.

    Attributes:
        which: Indices of the photos.
        ids: Their class ids, counted anew.
        clusters: Which of them are of one scene.
        deals: Over folds.
        joints: `(N, D)` numbers of the joints, and those of the mirror images.
        numbers: `(N, 2, D)`, those that the default recipe reads.
        found: `(N, 1)` float32: whether there is a person.
    """

    which: np.ndarray
    ids: np.ndarray
    clusters: np.ndarray
    deals: list[heads.Deal]
    joints: list[np.ndarray]
    numbers: np.ndarray
    found: np.ndarray

    @classmethod
    def of(cls, photos: Photos, which: np.ndarray) -> "Half":
        """Takes some photos."""
        ids = np.unique(photos.ids[which], return_inverse=True)[1].ravel()
        groups, poses = ([values[i] for i in which] for values in (photos.groups, photos.poses))
        return cls(
            which,
            ids,
            photos.clusters[which],
            [heads.deal(ids, groups, seed) for seed in range(DEALS)],
            [np.stack([joint_numbers(p, mirrored=side) for p in poses]) for side in (False, True)],
            np.stack([_numbers(p) for p in poses]),
            np.array([[len(p.boxes) > 0] for p in poses], np.float32),
        )

    @cached_property
    def by_network(self) -> list[np.ndarray]:
        """What small networks answer to the joints alone."""
        return [heads.network(self.joints, self.ids, deal) for deal in self.deals]


def _numbers(poses: Poses) -> np.ndarray:
    chosen = POLICIES["most_prominent"](poses)
    return product_numbers.make(poses, int(chosen[0]) if len(chosen) else None)


def _halves(photos: Photos) -> dict[str, Half]:
    first = photos.ids < len(photos.classes) // 2
    return {
        "first": Half.of(photos, np.flatnonzero(first)),
        "last": Half.of(photos, np.flatnonzero(~first)),
    }


def _right(row: Row, half: Half, vectors: Mapping[Look, np.ndarray]) -> np.ndarray:
    """Returns the share of the deals in which each photo was answered right, `(N,)`."""
    answers = half.by_network if row.joints == "alone" else _by_features(row, half, vectors)
    if row.joints == "late linear":
        answers = heads.mixed(answers, heads.linear(half.joints, half.ids, half.deals), half.ids)
    if row.joints == "late kernel":
        alone = [heads.kernel(half.numbers, half.ids, deal) for deal in half.deals]
        answers = heads.mixed(answers, alone, half.ids)
    if row.joints == "late network":
        answers = heads.mixed(answers, half.by_network, half.ids)
    return np.mean([answer.argmax(1) == half.ids for answer in answers], axis=0)


def _by_features(row: Row, half: Half, vectors: Mapping[Look, np.ndarray]) -> list[np.ndarray]:
    sides = []
    for joints, looks in zip(half.joints, (row.looks, [*mirrored(row.looks)]), strict=True):
        if sides and not row.mirror:
            break
        blocks = [_pooled(vectors[look][half.which], row.pooling) for look in looks]
        numbers = [joints] if row.joints == "beside" else []
        sides.append(np.concatenate([*blocks, *numbers, half.found], axis=1))
    return heads.linear(sides, half.ids, half.deals)


def _pooled(vectors: np.ndarray, pooling: tuple[str, ...]) -> np.ndarray:
    """Returns the blocks of a vector that are used."""
    size = vectors.shape[1] // len(POOLINGS)
    blocks = [vectors[:, i * size : (i + 1) * size] for i in range(len(POOLINGS))]
    if pooling == POOLINGS:
        return vectors
    return np.concatenate([blocks[POOLINGS.index(name)] for name in pooling], axis=1)


def _figures(
    name: str, right: Mapping[str, Mapping[str, np.ndarray]], halves: Mapping[str, Half]
) -> dict[str, Any]:
    """Returns the figures of a row, see the head of the file."""
    against = ROWS[name].against
    pairs = [(right[name][key], right[against][key], half.clusters) for key, half in halves.items()]
    together = [np.concatenate(arrays) for arrays in zip(*pairs, strict=True)]
    return {
        "accuracy": float(np.mean([own.mean() for own, *_ in pairs])),
        "halves": [float(own.mean()) for own, *_ in pairs],
        "against": against,
        "gain": _gain(*together),
        "gain_halves": [_gain(*pair) for pair in pairs],
        "command": f"python benchmarks/ablations.py PHOTOS --only {name}",
    }


def _gain(own: np.ndarray, other: np.ndarray, clusters: np.ndarray) -> dict[str, Any]:
    value, interval = paired_difference(own, other, clusters=clusters, resamples=2000)
    return {"difference": value, "interval": interval}


def as_table(results: dict[str, dict[str, Any]]) -> Table:
    """Returns the figures in per cent and points."""
    table = Table("row", "accuracy", "halves", "against", "gain", "gain of each half")
    for name, found in results.items():
        low, high = found["gain"]["interval"]
        each = [f"{100 * half['difference']:+.1f}" for half in found["gain_halves"]]
        table.add_row(
            name,
            f"{100 * found['accuracy']:.1f}",
            " / ".join(f"{100 * half:.1f}" for half in found["halves"]),
            found["against"],
            f"{100 * found['gain']['difference']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]",
            " / ".join(each),
        )
    return table


if __name__ == "__main__":
    typer.run(main)
