"""Splits of images with part masks: by person, clip or scene, never through one of them.

A sample's group decides; the arithmetic is `allocate`'s. No file is opened.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from pose_activity.annotations.label_table import LabelTable
from pose_activity.annotations.splitting.allocate import (
    PICTURES,
    allocate,
    fill_from_train,
    notes_of_given,
)
from pose_activity.annotations.types import PartSample


def split_parts(
    samples: Sequence[PartSample],
    *,
    train: float | int,
    val: float | int,
    test: float | int,
    seed: int,
    together: Iterable[Sequence[Path]] = (),
) -> tuple[list[PartSample], list[str]]:
    """Gives every sample its split, as `split.split` does.

    Args:
        samples: Of one data set. A sample without a group is a group of its own.
        train: A float is a fraction of the samples in [0, 1], an int a number of samples.
        val: As `train`.
        test: As `train`.
        seed: Another seed gives another split.
        together: Sets of images (see `PartSample.source`) that must not be cut either.

    Returns:
        The samples in their order with `split` set, and notes on what the split could not do.

    Raises:
        ValueError: what `split.split` refuses.
    """
    sizes = {"train": train, "val": val, "test": test}
    return _done(samples, allocate(_table(samples), PICTURES, seed, together, **sizes))


def fill_given_parts(
    samples: Sequence[PartSample],
    *,
    train: float | int,
    val: float | int,
    test: float | int,
    seed: int,
    together: Iterable[Sequence[Path]] = (),
) -> tuple[list[PartSample], list[str]]:
    """Keeps the split that a data set comes with; one that it lacks is taken from train.

    So of 3DPeople characters 34 to 40 stay the test, and val is some of the others.
    """
    sizes = {"train": train, "val": val, "test": test}
    return _done(samples, fill_from_train(_table(samples), PICTURES, seed, together, **sizes))


def keep_given_parts(samples: Sequence[PartSample]) -> list[str]:
    """Checks the split that a data set comes with, as `split.keep_given` does; returns notes."""
    return notes_of_given(_table(samples), PICTURES, ("train", "val"))


def _table(samples: Sequence[PartSample]) -> LabelTable:
    return LabelTable(
        names=tuple(sample.source for sample in samples),
        labels=(None,) * len(samples),
        groups=tuple(sample.group for sample in samples),
        splits=tuple(sample.split for sample in samples),
    )


def _done(
    samples: Sequence[PartSample], split: tuple[LabelTable, list[str]]
) -> tuple[list[PartSample], list[str]]:
    table, notes = split
    return [replace(s, split=name) for s, name in zip(samples, table.splits, strict=True)], notes
