"""Write, read, equal."""

import csv
import json
import os
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.sample_files import (
    count_rejections,
    digest_of_roles,
    read_samples,
    write_rejections,
    write_samples,
)
from pose_activity.annotations.skeleton import custom_skeleton
from pose_activity.annotations.types import Rejection, Sample

Make = Callable[..., Sample]


def _assert_equal(one: Sample, two: Sample) -> None:
    for field in fields(Sample):
        a, b = getattr(one, field.name), getattr(two, field.name)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        else:
            assert a == b and type(a) is type(b)


@pytest.mark.parametrize(
    "image", ["a.jpg", "/abs/b c.jpg", "ordner/Größe 日本.png", 'qu"ote\\,\n.png', b"bad\xff.jpg"]
)
def test_samples_come_back_bit_for_bit(tmp_path: Path, make_sample: Make, image: str | bytes):
    rng = np.random.default_rng(0)
    people = rng.normal(0, 1000, (3, 16, 3)).astype(np.float32)
    people[..., 2] = rng.uniform(0.001, 1, (3, 16))
    people[0, 0] = (1e-30, 3.4e38, 1 / 3)
    full = replace(
        make_sample(os.fsdecode(image), *people, size=(640, 480), group="video-1", split="val"),
        boxes=rng.normal(0, 1000, (3, 4)).astype(np.float32),
        head_sizes=rng.uniform(0, 90, 3).astype(np.float32),
    )
    dog = custom_skeleton("dog", ["nose", "tail"], [("nose", "tail")])
    full = replace(full, activities=("run", None, "sit"))
    points = np.ones((1, 2, 3), np.float32)
    bare = replace(
        make_sample("none.jpg", people[0], activity=None), skeleton=dog, keypoints=points
    )
    write_samples(tmp_path / "new" / "samples.jsonl", [full, bare])
    one, two = read_samples(tmp_path / "new" / "samples.jsonl")
    _assert_equal(one, full)
    _assert_equal(two, bare)


def test_nothing_comes_back_too(tmp_path: Path):
    write_samples(tmp_path / "samples.jsonl", [])
    assert read_samples(tmp_path / "samples.jsonl") == []


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, make_sample: Make):
    path = tmp_path / "samples.jsonl"
    write_samples(path, [make_sample("a.jpg")])
    before = path.read_bytes()

    def broken():
        yield make_sample("b.jpg")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_samples(path, broken())
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["samples.jsonl"]


@pytest.mark.parametrize(
    "line", ["{", "{}", "[1]", '{"image": "a.jpg", "skeleton": "mpii99"}'], ids=str
)
def test_a_damaged_line_is_named(tmp_path: Path, make_sample: Make, line: str):
    path = tmp_path / "samples.jsonl"
    write_samples(path, [make_sample("a.jpg")])
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"samples\.jsonl, line 2: not a sample \(.*\)\. Delete"):
        read_samples(path)


def test_no_file(tmp_path: Path):
    with pytest.raises(ValueError, match="no such file. Run the step `annotations` first"):
        read_samples(tmp_path / "absent.jsonl")


def test_rejections_as_csv(tmp_path: Path):
    rejections = [
        Rejection(Path("a, b.jpg"), "unreadable", 'it says "no"\nand more'),
        Rejection(Path(os.fsdecode(b"bad\xff.jpg")), "missing_file", "Größe"),
    ]
    write_rejections(tmp_path / "rejected.csv", rejections)
    with (tmp_path / "rejected.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {"image": "a, b.jpg", "rule": "unreadable", "detail": 'it says "no"\nand more'},
        {"image": "bad\\xff.jpg", "rule": "missing_file", "detail": "Größe"},
    ]
    assert count_rejections(tmp_path / "rejected.csv") == 2


def test_no_rejection_is_a_formula(tmp_path: Path):
    rejection = Rejection(Path("=HYPERLINK(1).jpg"), "unreadable", "+1, @x")
    write_rejections(tmp_path / "x.csv", [rejection])
    _, line = (tmp_path / "x.csv").read_text(encoding="utf-8").splitlines()
    assert line == "'=HYPERLINK(1).jpg,unreadable,\"'+1, @x\""
    assert count_rejections(tmp_path / "x.csv") == 1


def test_samples_are_digested_by_their_roles(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"

    def write(test: str) -> None:
        rows = [{"image": "a", "split": "train"}, {"image": test, "split": "test"}]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    write("b")
    learned, judged = digest_of_roles(path, ("train", "val")), digest_of_roles(path, ("test",))
    write("c")
    assert digest_of_roles(path, ("train", "val")) == learned
    assert digest_of_roles(path, ("test",)) != judged
