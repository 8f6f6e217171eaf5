"""Which image is for training, which for choosing, which for the final figures.

Every activity is spread over the three splits in proportion, and a group (a video, a scene) is
never cut: on MPII's sports photos a split that cut clips showed 12 points of accuracy too many.
The result depends on the seed and on the set of samples, not on their order. No picture is opened.
A data set's own split can be kept instead (`keep_given`). Clips, and rows of features, are split as
images are.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pose_activity.annotations.label_table import LabelTable, table_of_samples
from pose_activity.annotations.splitting.allocate import (
    CLIPS,
    PICTURES,
    Key,
    allocate,
    fill_from_train,
    keys_of,
    notes_of_given,
    with_splits_of,
)
from pose_activity.annotations.types import SPLITS, Sample


def split(
    samples: Sequence[Sample],
    *,
    train: float | int,
    val: float | int,
    test: float | int,
    seed: int,
    together: Iterable[Sequence[Path]] = (),
) -> tuple[list[Sample], list[str]]:
    """Gives every sample its split.

    Groups are allocated in seeded order, large ones first, each to the split that is furthest from
    its share of the group's activities and has room (where none has, to the one with most room
    left). An activity with one group goes to train.

    Args:
        samples: Of one data set. A sample without a group is a group of its own.
        train: A float is a fraction of the samples in [0, 1], an int a number of samples.
        val: As `train`.
        test: As `train`.
        seed: Another seed gives another split.
        together: Sets of images that must not be cut either (copies of one picture); each becomes
            one group with the groups of its images.

    Returns:
        The samples in their order with `split` set; "train", "val" or "test", or None for those
        that the sizes leave over. And notes: sentences about what the split could not do.

    Raises:
        ValueError: no samples, an image twice, or sizes that are negative, leave train empty or
            ask for more than there is.
    """
    sizes = {"train": train, "val": val, "test": test}
    done, notes = allocate(_by_activity(samples), PICTURES, seed, together, **sizes)
    return _with_splits(samples, done), notes


def split_clips(
    clips: LabelTable,
    *,
    train: float | int,
    val: float | int,
    test: float | int,
    seed: int,
    open_set: bool = False,
    together: Iterable[Sequence[str]] = (),
) -> tuple[LabelTable, list[str]]:
    """Gives every clip its split, as `split` does for images; labels are spread evenly.

    Args:
        clips: Of one data set. A clip without a group is a group of its own.
        train: A float is a fraction of the clips in [0, 1], an int a number of clips.
        val: As `train`.
        test: As `train`; with `open_set` a fraction or a number of the labels.
        seed: Another seed gives another split.
        open_set: Whole labels go to test, with all their clips: people who are never seen in
            training. Labels that share a group stay together. The other labels' clips are train
            and val, in the proportion of these two if they are fractions.
        together: Sets of names of clips that must not be cut either (copies of one clip).

    Returns:
        The clips in their final split, and notes, as `split` returns them.

    Raises:
        ValueError: what `split` refuses; a name twice; with `open_set` fewer than two labels, a
            test that leaves none or takes none, or groups that tie all labels together.
    """
    if not open_set:
        return allocate(clips, CLIPS, seed, together, train=train, val=val, test=test)
    copies = [*together]
    taken, notes = _unseen_labels(clips, test, seed, copies)
    rest = clips.take(i for i, label in enumerate(clips.labels) if label not in taken)
    fraction = 1 - test if isinstance(test, float) else 1.0
    train, val = (min(1.0, s / fraction) if isinstance(s, float) else s for s in (train, val))
    seen, more = allocate(rest, CLIPS, seed, copies, train=train, val=val, test=0)
    return with_splits_of(clips.with_splits(["test"] * len(clips)), seen), notes + more


def keep_given_clips(clips: LabelTable) -> list[str]:
    """Checks the split that a data set of clips comes with, as `keep_given` does for images.

    Raises:
        ValueError: a name twice, no clip for train, or an unknown name of a split.
    """
    return notes_of_given(clips, CLIPS, ("train",))


def keep_given(samples: Sequence[Sample]) -> list[str]:
    """Checks the split that a data set comes with.

    Returns:
        Notes: images without a split, groups on both sides, activities missing from a split.

    Raises:
        ValueError: an image twice, no image for train or val, or an unknown name of a split.
    """
    return notes_of_given(_by_activity(samples), PICTURES, ("train", "val"))


def fill_given(
    samples: Sequence[Sample],
    *,
    train: float | int,
    val: float | int,
    test: float | int,
    seed: int,
    together: Iterable[Sequence[Path]] = (),
) -> tuple[list[Sample], list[str]]:
    """Keeps the split that a data set comes with; one that it lacks is taken from train.

    Args:
        samples: Of one data set.
        train: Size of train, in proportion to which fractions are taken from it.
        val: Size of val, where the data set has none: a fraction or a number of samples. 0: none.
        test: As `val`.
        seed: Another seed takes other samples.
        together: As for `split`; ties hold among the samples of train.

    Returns:
        The samples in their order with their final split, and notes as `keep_given` and `split`
        make them.

    Raises:
        ValueError: what `keep_given` refuses, but for an empty val, or more than train has.
    """
    sizes = {"train": train, "val": val, "test": test}
    done, notes = fill_from_train(_by_activity(samples), PICTURES, seed, together, **sizes)
    return _with_splits(samples, done), notes


def fill_given_clips(
    clips: LabelTable,
    *,
    train: float | int,
    val: float | int,
    test: float | int,
    seed: int,
    together: Iterable[Sequence[str]] = (),
) -> tuple[LabelTable, list[str]]:
    """Keeps the split that clips come with and fills it up, as `fill_given` does for images."""
    return fill_from_train(clips, CLIPS, seed, together, train=train, val=val, test=test)


def roles_in_both(stage1: Iterable[Sample], stage2: Iterable[Sample]) -> dict[tuple[str, str], int]:
    """Counts the images of two splits of one data set by (split in stage 1, split in stage 2)."""
    role_of = {sample.image: sample.split for sample in stage1}
    roles = ((role_of.get(sample.image), sample.split) for sample in stage2)
    return dict(Counter((one, two) for one, two in roles if one and two))


def without_held_out(
    samples: Sequence[Sample],
    held_out: Iterable[Sample],
    *,
    together: Iterable[Sequence[Path]] = (),
) -> list[Sample]:
    """Returns the samples that share no group and no content with those held out.

    Args:
        samples: Of one data set.
        held_out: Some of them.
        together: Sets of images that are copies of one picture.
    """
    keys = keys_of(table_of_samples(samples), together)
    images = {sample.image for sample in held_out}
    closed = {key for sample, key in zip(samples, keys, strict=True) if sample.image in images}
    return [sample for sample, key in zip(samples, keys, strict=True) if key not in closed]


def with_groups_of(
    samples: Sequence[Sample], together: Iterable[Sequence[Path]], *, root: Path
) -> list[Sample]:
    """Returns the samples with one group for images that must stay together, for later steps.

    Args:
        samples: Of one data set.
        together: Sets of images. Their group is that of one of them; where none has one, the name
            of the first image.
        root: That name starts here.
    """
    tied = [*together]
    names = {image for images in tied for image in images}
    keys = keys_of(table_of_samples(samples), tied)
    return [
        replace(sample, group=_relative(key, root) if nameless else key)
        if sample.image in names or (sample.group is not None and sample.group != key)
        else sample
        for sample, (nameless, key) in zip(samples, keys, strict=True)
    ]


def _relative(name: str, root: Path) -> str:
    path = Path(name)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else name


def count_activities(samples: Iterable[Sample]) -> dict[str, Counter[str | None]]:
    """Returns activity -> split -> number of images, activities in the order of their names.

    An image without an activity of its own counts for that of the first person in it who has one.
    """
    counts: dict[str, Counter[str | None]] = defaultdict(Counter)
    for sample in samples:
        activity = _activity_of(sample)
        if activity is not None:
            counts[activity][sample.split] += 1
    return dict(sorted(counts.items()))


def average_joints(samples: Sequence[Sample]) -> list[dict[str, str | float]]:
    """Counts labelled joints.

    Returns:
        One row per joint, and last the row "all joints": `joint`, and for each split that has
        images the average number of joints with v > 0 per image (over all persons in it). Samples
        must share one skeleton; those without a split are left out.
    """
    by_split = {name: [s for s in samples if s.split == name] for name in SPLITS}
    means = {
        name: np.mean([(s.keypoints[..., 2] > 0).sum(0) for s in inside], axis=0)
        for name, inside in by_split.items()
        if inside
    }
    joints = next((sample.skeleton.joints for sample in samples), ())
    rows: list[dict[str, str | float]] = [
        {"joint": joint} | {name: float(mean[k]) for name, mean in means.items()}
        for k, joint in enumerate(joints)
    ]
    return [*rows, {"joint": "all joints"} | {n: float(mean.sum()) for n, mean in means.items()}]


def _activity_of(sample: Sample) -> str | None:
    """Returns what a sample is counted as: its activity, else that of a person in it."""
    return sample.activity or next(filter(None, sample.activities or ()), None)


def _by_activity(samples: Sequence[Sample]) -> LabelTable:
    return replace(table_of_samples(samples), labels=tuple(map(_activity_of, samples)))


def _with_splits(samples: Sequence[Sample], done: LabelTable) -> list[Sample]:
    return [replace(s, split=split) for s, split in zip(samples, done.splits, strict=True)]


def _unseen_labels(
    clips: LabelTable, test: float | int, seed: int, together: Sequence[Sequence[str]]
) -> tuple[set[str], list[str]]:
    """Chooses the labels that are for test alone; those that share a group go together."""
    sets = _tied_labels(clips, together)
    count = sum(map(len, sets))
    wanted = test if isinstance(test, int) else max(1, round(count * test))
    if not 0 < test or not wanted < count:
        raise ValueError(
            "open_set needs a test that takes some labels and leaves some: a fraction in (0, 1) or "
            f"a number. Received: test {test!r}, of {count} labels"
        )
    taken: set[str] = set()
    for i in np.random.default_rng(seed).permutation(len(sets)):
        if len(taken) + len(sets[i]) <= wanted:
            taken |= sets[i]
    if not taken:
        raise ValueError(
            f"open_set: groups tie the {count} labels together into {len(sets)} sets, of "
            f"which none has at most {wanted}. Give smaller groups, or drop open_set."
        )
    if len(taken) == wanted:
        return taken, []
    return taken, [f"test has {len(taken)} labels instead of {wanted}, since no group may be cut."]


def _tied_labels(clips: LabelTable, together: Sequence[Sequence[str]]) -> list[set[str]]:
    """Returns the labels, in sets that share no group, sorted."""
    by_group: dict[Key, set[str]] = defaultdict(set)
    for label, key in zip(clips.labels, keys_of(clips, together), strict=True):
        by_group[key] |= {label} if label else set()
    sets: list[set[str]] = []
    for labels in filter(None, by_group.values()):
        tied = [one for one in sets if one & labels]
        sets = [one for one in sets if not one & labels] + [labels.union(*tied)]
    return sorted(sets, key=min)
