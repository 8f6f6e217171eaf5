"""Splits of clips: the rules for pictures hold, and people can be kept for the test alone."""

from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pose_activity.annotations.clips import Clip
from pose_activity.annotations.label_table import table_of_clips
from pose_activity.annotations.splitting import split as splits
from pose_activity.annotations.splitting.split import split
from pose_activity.annotations.types import Sample

_USUAL: dict[str, Any] = {"train": 0.7, "val": 0.15, "test": 0.15}


def _clip(name: str, label: str | None = "anna", **fields: Any) -> Clip:
    return Clip(name, Path("videos") / name, label=label, **fields)


def _with_splits(clips: list[Clip], function: Any, options: Any) -> tuple[list[Clip], list[str]]:
    done, notes = function(table_of_clips(clips), **options)
    return [replace(c, split=name) for c, name in zip(clips, done.splits, strict=True)], notes


def split_clips(clips: list[Clip], **options: Any) -> tuple[list[Clip], list[str]]:
    return _with_splits(clips, splits.split_clips, options)


def fill_given_clips(clips: list[Clip], **options: Any) -> tuple[list[Clip], list[str]]:
    return _with_splits(clips, splits.fill_given_clips, options)


def keep_given_clips(clips: list[Clip]) -> list[str]:
    return splits.keep_given_clips(table_of_clips(clips))


def _people(people: int = 20, videos: int = 6, pieces: int = 2) -> list[Clip]:
    """Each video of a person is a group of pieces."""
    return [
        _clip(f"p{p:02}/{v}_{k}", f"p{p:02}", group=f"p{p:02}/{v}")
        for p in range(people)
        for v in range(videos)
        for k in range(pieces)
    ]


def _sides(clips: list[Clip], by: str) -> dict[Any, set[str | None]]:
    sides: dict[Any, set[str | None]] = defaultdict(set)
    for clip in clips:
        sides[getattr(clip, by)].add(clip.split)
    return sides


class TestSplit:
    def test_groups_stay_whole_and_labels_are_spread(self):
        clips = _people()
        done, notes = split_clips(clips, train=0.5, val=0.25, test=0.25, seed=3)
        assert Counter(c.split for c in done) == {"train": 120, "val": 60, "test": 60}
        assert all(len(sides) == 1 for sides in _sides(done, "group").values())
        assert all(len(sides) == 3 for sides in _sides(done, "label").values()) and not notes
        assert [c.name for c in done] == [c.name for c in clips] and clips[0].split is None

    def test_it_is_the_split_of_pictures(self, make_sample: Any):
        clips = _people(7, 5, 3)
        samples: list[Sample] = [
            make_sample(c.name, activity=c.label, group=c.group) for c in clips
        ]
        one, _ = split_clips(clips, **_USUAL, seed=5)
        two, _ = split(samples, **_USUAL, seed=5)
        assert [clip.split for clip in one] == [sample.split for sample in two]

    def test_notes_speak_of_clips(self):
        clips = [*_people(1, 1, 8), _clip("b/1", "ben"), _clip("b/2", "ben")]
        _, notes = split_clips(clips, train=5, val=5, test=0, seed=0)
        assert notes == [
            "train has 8 clips instead of 5, since no group may be cut.",
            "val has 2 clips instead of 5, since no group may be cut.",
            "The label 'ben' (2 clips) has none in train. Add clips, or more groups.",
            "The label 'p00' (8 clips) has none in val. Add clips, or more groups.",
        ]

    def test_errors_speak_of_clips(self):
        with pytest.raises(ValueError, match="must not exceed the 2 clips"):
            split_clips([_clip("a"), _clip("b")], train=3, val=0, test=0, seed=0)
        with pytest.raises(ValueError, match="Each clip must be listed once. Received: a 2 times"):
            split_clips([_clip("a"), _clip("a")], **_USUAL, seed=0)
        with pytest.raises(ValueError, match="There are no clips to split"):
            split_clips([], **_USUAL, seed=0)


class TestUnseen:
    def test_whole_people_are_for_the_test(self):
        done, notes = split_clips(_people(), **_USUAL, seed=1, open_set=True)
        by_label = _sides(done, "label")
        unseen = [label for label, sides in by_label.items() if "test" in sides]
        assert len(unseen) == 3 and all(by_label[label] == {"test"} for label in unseen)
        assert all(by_label[label] == {"train", "val"} for label in {*by_label} - {*unseen})
        # 3 of 20 people and the others' 204 clips in the proportion 0.7 to 0.15: nothing is left.
        counts = Counter(clip.split for clip in done)
        assert counts == {"test": 36, "train": 168, "val": 36} and not notes

    def test_another_seed_gives_other_people(self):
        def chosen(seed: int) -> frozenset[str | None]:
            done, _ = split_clips(_people(), **_USUAL, seed=seed, open_set=True)
            return frozenset(clip.label for clip in done if clip.split == "test")

        assert chosen(1) == chosen(1) and len({chosen(seed) for seed in range(8)}) > 4

    def test_a_number_of_people(self):
        done, _ = split_clips(_people(), train=0.5, val=0.5, test=8, seed=1, open_set=True)
        counts = Counter(clip.split for clip in done)
        assert counts == {"test": 8 * 12, "train": 6 * 12, "val": 6 * 12}

    def test_without_val(self):
        done, _ = split_clips(_people(), train=0.75, val=0.0, test=0.25, seed=1, open_set=True)
        assert Counter(clip.split for clip in done) == {"test": 5 * 12, "train": 15 * 12}

    def test_people_of_one_scene_stay_together(self):
        clips = [
            _clip(f"{scene}/{who}/{i}", who, group=f"{scene}")
            for scene, both in enumerate((("a", "b"), ("c", "d"), ("e", "f"), ("g", "h")))
            for who in both
            for i in range(3)
        ]
        done, notes = split_clips(clips, train=0.5, val=0.0, test=3, seed=0, open_set=True)
        assert all(len(sides) == 1 for sides in _sides(done, "group").values())
        assert len({clip.label for clip in done if clip.split == "test"}) == 2
        assert notes[0] == "test has 2 labels instead of 3, since no group may be cut."

    def test_clips_without_a_label_are_not_for_the_test(self):
        clips = [*_people(4), *(_clip(f"x{i}", None) for i in range(6))]
        done, _ = split_clips(clips, train=0.5, val=0.25, test=0.25, seed=0, open_set=True)
        assert "test" not in _sides(done, "label")[None]

    @pytest.mark.parametrize("test", [0.0, 0, 1.0, 4, -1])
    def test_a_test_that_leaves_or_takes_nothing(self, test: float | int):
        with pytest.raises(ValueError, match="takes some labels and leaves some.*of 4 labels"):
            split_clips(_people(4), train=0.5, val=0.2, test=test, seed=0, open_set=True)

    def test_everybody_in_one_scene(self):
        clips = [_clip(f"{who}{i}", who, group="here") for who in "abcd" for i in range(3)]
        with pytest.raises(
            ValueError, match="tie the 4 labels together into 1 sets, of which none"
        ):
            split_clips(clips, train=0.5, val=0.2, test=0.3, seed=0, open_set=True)


class TestGiven:
    def test_what_is_noted(self):
        clips = [
            _clip("a_0", split="train", group="a"),
            _clip("a_3", split="test", group="a"),
            _clip("b_0", "ben", split="train"),
            _clip("c"),
        ]
        notes = keep_given_clips(clips)
        assert notes[0] == "1 clips are in no split: their labels name none."
        assert notes[1].startswith("1 groups are in more than one split ('a'): scores will look")
        assert notes[2].startswith("The label 'ben' (1 clips) has none in test.")

    @pytest.mark.parametrize("names", [("test",), (None,), ("train", "dev"), ()])
    def test_what_cannot_be_kept(self, names: tuple[str | None, ...]):
        clips = [_clip(str(i), split=name) for i, name in enumerate(names)]
        with pytest.raises(ValueError, match="the split of each clip.* with some for train. Rec"):
            keep_given_clips(clips)


class TestCopies:
    def test_they_stay_together(self):
        clips = _people(6, 4, 1)
        copies = [[clips[0].name, clips[7].name, clips[20].name]]
        for seed in range(8):
            done, _ = split_clips(clips, **_USUAL, seed=seed, together=copies)
            assert len({done[i].split for i in (0, 7, 20)}) == 1

    def test_people_with_a_common_clip_are_both_seen_or_both_unseen(self):
        clips = _people(8, 3, 1)
        copies = [[clips[0].name, clips[3].name], [clips[3].name, clips[23].name]]
        for seed in range(8):
            done, _ = split_clips(
                clips, train=0.5, val=0.0, test=0.5, seed=seed, open_set=True, together=copies
            )
            sides = _sides(done, "label")
            assert sides["p00"] == sides["p01"] == sides["p07"]

    def test_given_splits_are_filled(self):
        clips = [_clip(f"{i}", split="test" if i < 4 else "train") for i in range(20)]
        copies = [["5", "6", "7"]]
        done, notes = fill_given_clips(clips, **_USUAL, seed=0, together=copies)
        assert Counter(c.split for c in done) == {"train": 13, "val": 3, "test": 4}
        assert [c.split for c in done[:4]] == ["test"] * 4
        assert len({c.split for c in done[5:8]}) == 1
        assert notes[0] == "There is no given val: of the 16 clips of train, 3 for val were taken."
        same, _ = fill_given_clips(clips, train=0.7, val=0.0, test=0.3, seed=0)
        assert [c.split for c in same] == [c.split for c in clips]
