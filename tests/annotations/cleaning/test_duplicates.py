"""Copies of pictures: found by content, kept on one side of a split, and told."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from pose_activity.annotations.cleaning.duplicates import (
    describe_duplicates,
    find_duplicates,
    find_same_clips,
    find_same_rows,
    write_duplicates,
)
from pose_activity.annotations.clips import Clip, steady_times
from pose_activity.annotations.label_table import table_of_samples
from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.splitting.split import split
from pose_activity.annotations.types import Sample

Make = Callable[..., Sample]


def write(folder: Path, **contents: bytes) -> dict[str, Path]:
    paths = {name: folder / f"{name}.jpg" for name in contents}
    for name, data in contents.items():
        paths[name].write_bytes(data)
    return paths


def test_found_by_content_against_every_pair(tmp_path: Path):
    texts = {f"p{i}": bytes([i % 7]) * (i % 3 + 1) for i in range(40)}
    paths = write(tmp_path, **texts)
    found = find_duplicates([*paths.values(), tmp_path / "absent.jpg", paths["p0"]])
    same = {a: {b for b in texts if texts[a] == texts[b]} for a in texts}
    expected = {frozenset(names) for names in same.values() if len(names) > 1}
    assert {frozenset(path.stem for path in paths) for paths in found} == expected
    assert found == sorted(found) and all(paths == sorted(paths) for paths in found)


def test_only_files_of_one_size_are_read(tmp_path: Path):
    read: list[str] = []
    paths = write(tmp_path, a=b"1", b=b"22", c=b"33", d=b"444")
    found = find_duplicates(paths.values(), on_progress=lambda *now: read.append(now[2]))
    assert found == [] and read == ["b.jpg", "c.jpg"]


def test_copies_stay_together_with_their_groups(make_sample: Make):
    samples = [make_sample(f"{i:02}.jpg", group=f"g{i // 2}") for i in range(40)]
    copies = [[samples[1].image, samples[10].image], [samples[11].image, samples[30].image]]
    roles = {f"g{n}" for n in (0, 5, 15)}
    for seed in range(10):
        done, _ = split(samples, train=0.5, val=0.3, test=0.2, seed=seed, together=copies)
        assert len({s.split for s in done if s.group in roles}) == 1
        shuffled, _ = split(
            samples[::-1], train=0.5, val=0.3, test=0.2, seed=seed, together=copies[::-1]
        )
        assert {s.image: s.split for s in done} == {s.image: s.split for s in shuffled}


def test_what_is_said(make_sample: Make):
    one = make_sample("one.jpg", activity="run", split="train")
    two = replace(one, image=Path("two.jpg"), split="test", activity="sit")
    three = replace(one, image=Path("three.jpg"))
    notes = describe_duplicates(
        [[one.image, three.image, two.image]], table_of_samples([one, two, three])
    )
    assert notes[0] == (
        "copies of other pictures: 2 (one.jpg = three.jpg = two.jpg). See duplicates.csv."
    )
    assert "one.jpg (run) = three.jpg (run) = two.jpg (sit)" in notes[1]
    assert notes[2].startswith("WARNING: pictures in more than one split: 1 (one.jpg (train)")
    assert len(describe_duplicates([[one.image, three.image]], table_of_samples([one, three]))) == 1
    assert describe_duplicates([], table_of_samples([one])) == []


def test_the_list(tmp_path: Path, make_sample: Make):
    one = make_sample("a, b.jpg", activity="run", split="train")
    two = replace(one, image=Path("two.jpg"), group="g", split=None)
    write_duplicates(tmp_path / "x.csv", [[one.image, two.image]], table_of_samples([one, two]))
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["set", "image", "activity", "group", "split"],
        ["1", "a, b.jpg", "run", "", "train"],
        ["1", "two.jpg", "run", "g", ""],
    ]


def test_clips_of_the_same_video(tmp_path: Path):
    paths = write(tmp_path, a=b"film", b=b"film", c=b"else")
    spans = {
        "a_0": ("a", (0, 10)), "a_1": ("a", (9, 20)), "a_2": ("a", (20, 30)),
        "b_0": ("b", (25, 40)), "b_1": ("b", (40, 50)), "c": ("c", None), "c_0": ("c", (0, 50)),
    }  # fmt: skip
    clips = [Clip(name, paths[video], span) for name, (video, span) in spans.items()]
    frames = {n: {(v in "ab", f) for f in range(*(s or (0, 99)))} for n, (v, s) in spans.items()}
    alike = {frozenset(n for n in spans if frames[n] & frames[m]) for m in spans}
    found = find_same_clips(clips[::-1])
    assert {frozenset(names) for names in found} == {names for names in alike if len(names) > 1}
    assert found == [["a_0", "a_1"], ["a_2", "b_0"], ["c", "c_0"]]
    whole = Clip("b", paths["b"])
    assert find_same_clips([*clips[:5], whole]) == [["a_0", "a_1", "a_2", "b", "b_0", "b_1"]]


def test_clips_with_the_same_joints():
    rng = np.random.default_rng(0)

    def clip(name: str, joints: np.ndarray) -> Clip:
        return Clip(
            name,
            Path("all.npz"),
            skeleton=COCO17,
            keypoints=joints.astype(np.float32),
            times=steady_times(len(joints), 25),
        )

    one = rng.uniform(1, 9, (6, 17, 3)) * [1, 1, 0.1]
    other = one.copy()
    other[3, 4, 0] += 1
    nobody = np.zeros((6, 17, 3))
    clips = [clip("b", one), clip("a", one), clip("c", other), clip("d", one[:5])]
    assert find_same_clips([*clips, clip("x", nobody), clip("y", nobody)]) == [["a", "b"]]


def test_rows_with_the_same_numbers():
    vectors = np.array([[1, 0], [1, -0.0], [2, 0], [0, 0], [0, 0]], np.float32)
    assert find_same_rows(list("abcde"), vectors) == [["a", "b"]]
