"""People and clips are never cut."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from pose_activity.annotations.parts import PARTS15
from pose_activity.annotations.readers.people3d import split_of
from pose_activity.annotations.splitting.split_parts import (
    fill_given_parts,
    keep_given_parts,
    split_parts,
)
from pose_activity.annotations.types import PartSample

PEOPLE = [f"{sex}{number:02d}" for sex in ("man", "woman") for number in range(29, 41)]
SAMPLES = [
    PartSample(Path(f"{person}/camera{camera}.npz"), Path("m"), PARTS15, frame=frame, group=person)
    for person in PEOPLE
    for camera in (1, 2)
    for frame in range(3)
]
SIZES = {"train": 0.7, "val": 0.15, "test": 0.15, "seed": 0}


def people_of(samples):
    found = defaultdict(set)
    for sample in samples:
        found[sample.split].add(sample.group)
    return found


def test_people_are_on_one_side():
    done, notes = split_parts(SAMPLES, **SIZES)
    people = people_of(done)
    assert sum(map(len, people.values())) == len(PEOPLE) and {*people} == {"train", "val", "test"}
    assert 2 <= len(people["val"]) <= 5 and notes
    assert (
        done == split_parts(SAMPLES, **SIZES)[0] != split_parts(SAMPLES, **{**SIZES, "seed": 1})[0]
    )


def test_the_official_test_stays():
    given = [replace(sample, split=split_of(sample.group or "")) for sample in SAMPLES]
    done, notes = fill_given_parts(given, **SIZES)
    people = people_of(done)
    assert people["test"] == {f"{sex}{n}" for sex in ("man", "woman") for n in range(34, 41)}
    assert 1 <= len(people["val"]) < len(people["train"]) == 10 - len(people["val"])
    assert "There is no given val" in notes[0] and not keep_given_parts(done)


def test_images_without_a_group_and_with_copies():
    alone = [PartSample(Path(f"{n}.jpg"), Path("m"), PARTS15) for n in range(20)]
    together = [[sample.source for sample in alone[:6]]]
    done, _ = split_parts(alone, **SIZES, together=together)
    assert len({sample.split for sample in done[:6]}) == 1
    with pytest.raises(ValueError, match="no images to split"):
        split_parts([], **SIZES)
    with pytest.raises(ValueError, match="split: given needs labels that name the split"):
        keep_given_parts(alone)
