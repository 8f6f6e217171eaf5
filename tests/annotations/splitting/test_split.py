"""Splits: sizes, proportions, groups, seeds."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pose_activity.annotations.splitting.split import (
    average_joints,
    count_activities,
    fill_given,
    keep_given,
    roles_in_both,
    split,
    without_held_out,
)
from pose_activity.annotations.types import Sample

Make = Callable[..., Sample]
_USUAL: dict[str, Any] = {"train": 0.7, "val": 0.15, "test": 0.15}


@pytest.fixture
def samples(make_sample: Make) -> list[Sample]:
    """400 images: 200 of walking, 120 of running, 60 of dancing, 20 of knitting."""
    sizes = {"walking": 200, "running": 120, "dancing": 60, "knitting": 20}
    return [
        make_sample(f"{name}/{i:03}.jpg", activity=name)
        for name, size in sizes.items()
        for i in range(size)
    ]


@pytest.fixture
def grouped(samples: list[Sample]) -> list[Sample]:
    """The same in videos of 1 to 9 images, of which some show two activities."""
    rng = np.random.default_rng(0)
    videos = np.repeat(np.arange(400), rng.integers(1, 10, 400))
    return [replace(s, group=f"video-{videos[i]}") for i, s in enumerate(samples)]


def _roles(samples: list[Sample]) -> dict[str, str | None]:
    return {str(sample.image): sample.split for sample in samples}


def _table(samples: list[Sample]) -> dict[str | None, Counter]:
    table: dict[str | None, Counter] = defaultdict(Counter)
    for sample in samples:
        table[sample.activity][sample.split] += 1
    return table


class TestSizes:
    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            (_USUAL, [280, 60, 60, 0]),
            ({"train": 240, "val": 100, "test": 60}, [240, 100, 60, 0]),
            ({"train": 200, "val": 50, "test": 0}, [200, 50, 0, 150]),
            ({"train": 0.5, "val": 40, "test": 0.25}, [200, 40, 100, 60]),
            ({"train": 1.0, "val": 0.0, "test": 0.0}, [400, 0, 0, 0]),
            ({"train": 0.8, "val": 0.1, "test": 0.1}, [320, 40, 40, 0]),
        ],
    )
    def test_fractions_and_counts(self, samples: list[Sample], wanted: dict, expected: list):
        done, notes = split(samples, **wanted, seed=0)
        counts = Counter(s.split for s in done)
        assert [counts[name] for name in ("train", "val", "test", None)] == expected
        asked = sum(expected[:3])
        left = f"{expected[3]} images are in no split: the sizes ask for {asked}."
        assert notes == ([left] if expected[3] else [])

    @pytest.mark.parametrize("n", range(3, 40))
    def test_fractions_that_sum_to_one_leave_nothing_over(self, make_sample: Make, n: int):
        done, _ = split([make_sample(f"{i}.jpg") for i in range(n)], **_USUAL, seed=0)
        assert None not in {s.split for s in done}

    @pytest.mark.parametrize(
        ("wanted", "message"),
        [
            ({"train": 1.5}, r"train must be a fraction in \[0, 1\].* Received: 1\.5"),
            ({"val": -1}, "val must be a fraction .* Received: -1"),
            ({"test": True}, "test must be a fraction .* Received: True"),
            ({"test": float("nan")}, "test must be a fraction .* Received: nan"),
            ({"train": 0.9}, "must not exceed the 400 images. Received: .* = .* images"),
            ({"train": 500}, "must not exceed the 400 images"),
            ({"train": 0}, "train must not be empty"),
            ({"train": 0.0}, "train must not be empty"),
        ],
    )
    def test_impossible_sizes(self, samples: list[Sample], wanted: dict, message: str):
        with pytest.raises(ValueError, match=message):
            split(samples, **_USUAL | wanted, seed=0)

    def test_no_samples(self):
        with pytest.raises(ValueError, match="There are no images to split"):
            split([], **_USUAL, seed=0)

    def test_an_image_twice(self, samples: list[Sample]):
        with pytest.raises(ValueError, match=r"listed once. Received: walking.000\.jpg 2 times"):
            split([*samples, samples[0]], **_USUAL, seed=0)


class TestProportions:
    @pytest.mark.parametrize("seed", range(5))
    def test_every_activity_is_spread(self, samples: list[Sample], seed: int):
        done, _ = split(samples, **_USUAL, seed=seed)
        for activity, counts in _table(done).items():
            for name, part in _USUAL.items():
                expected = part * counts.total()
                assert abs(counts[name] - expected) <= 1.5, (activity, name)

    def test_everything_but_the_split_stays(self, samples: list[Sample]):
        done, _ = split(samples, **_USUAL, seed=0)
        for before, after in zip(samples, done, strict=True):
            assert before.split is None and before.image == after.image
            assert before.keypoints is after.keypoints and before.activity == after.activity

    @pytest.mark.parametrize("count", [1, 2, 3])
    def test_small_activities_go_to_train_first(
        self, samples: list[Sample], make_sample: Make, count: int
    ):
        rare = [make_sample(f"rare/{i}.jpg", activity="rare") for i in range(count)]
        done, notes = split([*samples, *rare], **_USUAL, seed=0)
        assert _table(done)["rare"]["train"] >= 1
        if count == 1:
            assert notes == [
                "The activity 'rare' (1 images) has none in val and test. "
                "Add images, or more groups."
            ]

    def test_an_activity_with_one_group_is_trained_on(self, grouped: list[Sample]):
        one = [replace(s, group="g") if s.activity == "knitting" else s for s in grouped]
        for seed in range(5):
            done, notes = split(one, **_USUAL, seed=seed)
            assert _table(done)["knitting"] == Counter(train=20)
            assert any("'knitting' (20 images) has none in val and test" in n for n in notes)


class TestGroups:
    @pytest.mark.parametrize("seed", range(5))
    def test_no_group_is_cut(self, grouped: list[Sample], seed: int):
        done, _ = split(grouped, **_USUAL, seed=seed)
        roles = defaultdict(set)
        for sample in done:
            roles[sample.group].add(sample.split)
        assert len(roles) > 50 and all(len(names) == 1 for names in roles.values())

    @pytest.mark.parametrize("seed", range(5))
    def test_proportions_hold_roughly(self, grouped: list[Sample], seed: int):
        done, _ = split(grouped, **_USUAL, seed=seed)
        for counts in _table(done).values():
            for name, part in _USUAL.items():
                assert abs(counts[name] - part * counts.total()) <= 9

    def test_a_size_that_cannot_be_met_is_noted(self, samples: list[Sample]):
        halves = [replace(s, group=str(i % 2)) for i, s in enumerate(samples)]
        done, notes = split(halves, train=0.75, val=0.25, test=0.0, seed=0)
        assert Counter(s.split for s in done) == {"train": 200, "val": 200}
        assert notes[0] == "train has 200 images instead of 300, since no group may be cut."

    def test_a_group_named_like_a_file_is_not_that_file(self, make_sample: Make):
        samples = [make_sample("a.jpg"), make_sample("b.jpg", group="a.jpg")]
        done, _ = split(samples, train=1, val=1, test=0, seed=0)
        assert {s.split for s in done} == {"train", "val"}


class TestSeed:
    def test_order_does_not_matter(self, grouped: list[Sample]):
        expected, _ = split(grouped, **_USUAL, seed=3)
        shuffled = random.Random(0).sample(grouped, len(grouped))
        got, _ = split(shuffled, **_USUAL, seed=3)
        assert _roles(got) == _roles(expected)
        assert [s.image for s in got] == [s.image for s in shuffled]

    def test_another_seed_is_another_split(self, samples: list[Sample]):
        one, two = (split(samples, **_USUAL, seed=seed)[0] for seed in (0, 1))
        assert _roles(one) != _roles(two)


def test_average_joints_by_hand(make_sample: Make, person: np.ndarray):
    legless = person.copy()
    legless[:2] = 0
    hidden = person.copy()
    hidden[:, 2] = 0.5
    rows = average_joints(
        [
            make_sample("a.jpg", person, hidden, split="train"),
            make_sample("b.jpg", legless, split="train"),
            make_sample("c.jpg", legless, split="test"),
            make_sample("d.jpg", person),
        ]
    )
    assert rows[0] == {"joint": "right_ankle", "train": 1.0, "test": 0.0}
    assert rows[9] == {"joint": "head_top", "train": 1.5, "test": 1.0}
    assert rows[-1] == {"joint": "all joints", "train": 23.0, "test": 14.0} and len(rows) == 17


def test_average_joints_of_nothing():
    assert average_joints([]) == [{"joint": "all joints"}]


class TestGiven:
    def test_what_is_noted(self, make_sample: Make):
        samples = [
            make_sample("a.jpg", split="train", group="g"),
            make_sample("b.jpg", split="val", group="g", activity="sitting"),
            make_sample("c.jpg"),
        ]
        notes = keep_given(samples)
        assert notes[0] == "1 images are in no split: their labels name none."
        assert notes[1].startswith("1 groups are in more than one split ('g'): scores will look")
        assert "The activity 'sitting' (1 images) has none in train." in notes[2]

    def test_nothing_to_note(self, make_sample: Make):
        assert (
            keep_given([make_sample(f"{s}.jpg", split=s) for s in ("train", "val", "test")]) == []
        )

    @pytest.mark.parametrize("splits", [(None, None), ("train", None), ("train", "dev"), ("val",)])
    def test_what_cannot_be_kept(self, make_sample: Make, splits: tuple):
        with pytest.raises(ValueError, match="split: given needs labels that name.*Received: {"):
            keep_given([make_sample(f"{i}.jpg", split=name) for i, name in enumerate(splits)])

    def test_an_image_twice(self, make_sample: Make):
        with pytest.raises(ValueError, match="listed once"):
            keep_given([make_sample("a.jpg", split="train"), make_sample("a.jpg", split="val")])


def test_people_stand_in_where_the_picture_has_no_activity(make_sample: Make, person: np.ndarray):
    names = ["run"] * 30 + ["sit"] * 30
    samples = [
        replace(make_sample(f"{i}.jpg", person, activity=None), activities=(name,))
        for i, name in enumerate(names)
    ]
    done, _ = split(samples, train=0.5, val=0.5, test=0.0, seed=0)
    assert Counter(s.activities for s in done if s.split == "val") == {("run",): 15, ("sit",): 15}


def test_ten_thousand_activities(make_sample: Make):
    """No quadratic loop (it takes about a second), and no flood of notes."""
    samples = [make_sample(f"{i:05}.jpg", activity=f"class {i}") for i in range(10_000)]
    done, notes = split(samples, **_USUAL, seed=0)
    assert Counter(s.split for s in done) == {"train": 10_000}, "one picture can only be trained on"
    assert len(notes) == 4 and "10,000 activities have no image in one split" in notes[3]
    assert "'class 0', 'class 1', 'class 10', 'class 100', 'class 1000' and 9,995 more" in notes[3]


class TestFillGiven:
    @pytest.mark.parametrize(
        ("given", "taken"),
        [
            (("train", "test"), {"val": 0.15 / 0.85}),
            (("train", "val"), {"test": 0.15 / 0.85}),
            (("train",), {"val": 0.15, "test": 0.15}),
            (("train", "val", "test"), {}),
        ],
    )
    def test_what_is_missing_comes_from_train(
        self, samples: list[Sample], given: tuple[str, ...], taken: dict[str, float]
    ):
        before = [replace(s, split=given[i % len(given)]) for i, s in enumerate(samples)]
        after, notes = fill_given(before, **_USUAL, seed=3)
        pool = sum(s.split == "train" for s in before)
        counts = Counter(s.split for s in after)
        for name, share in taken.items():
            assert counts[name] == pytest.approx(pool * share, abs=1)
        assert all(
            a.split == b.split for a, b in zip(after, before, strict=True) if b.split != "train"
        )
        assert [s.image for s in after] == [s.image for s in before]
        told = [note for note in notes if note.startswith("There is no given")]
        assert len(told) == bool(taken) and all(f"of the {pool} images of train" in n for n in told)
        again, _ = fill_given(before[::-1], **_USUAL, seed=3)
        assert _roles(again) == _roles(after)

    def test_groups_and_copies_stay_whole(self, grouped: list[Sample]):
        before = [replace(s, split="test" if s.group == "video-1" else "train") for s in grouped]
        copies = [[before[0].image, before[-1].image]]
        after, _ = fill_given(before, **_USUAL, seed=0, together=copies)
        sides = defaultdict(set)
        for sample in after:
            sides[sample.group].add(sample.split)
        assert max(map(len, sides.values())) == 1
        assert after[0].split == after[-1].split

    def test_numbers_and_none(self, samples: list[Sample]):
        before = [replace(s, split="train") for s in samples]
        after, _ = fill_given(before, train=1, val=30, test=0, seed=0)
        assert Counter(s.split for s in after) == {"train": 370, "val": 30}
        with pytest.raises(ValueError, match="train must not be empty"):
            fill_given(before, train=1, val=400, test=0, seed=0)


def test_roles_in_both(samples: list[Sample]):
    one = [replace(s, split=("train", "val", None)[i % 3]) for i, s in enumerate(samples[:30])]
    two = [replace(s, split=("train", "test")[i % 2]) for i, s in enumerate(samples[:30])]
    assert roles_in_both(one, two[::-1]) == {
        ("train", "train"): 5, ("train", "test"): 5, ("val", "train"): 5, ("val", "test"): 5,
    }  # fmt: skip


def test_nothing_of_what_is_held_out_is_left(make_sample: Make):
    a, b, c, d, e = (
        make_sample(f"{name}.jpg", group=group)
        for name, group in (("a", "g"), ("b", "g"), ("c", None), ("d", None), ("e", "h"))
    )
    left = without_held_out([a, b, c, d, e], [a, c], together=[[c.image, d.image]])
    assert [sample.image.stem for sample in left] == ["e"]


def test_activities_are_counted(make_sample: Make):
    one = make_sample("a", activity="run", split="train")
    two = make_sample("b", activity=None)
    counts = count_activities([one, replace(one, split="test"), replace(one, activity="cook"), two])
    assert counts == {"cook": {"train": 1}, "run": {"train": 1, "test": 1}}
    assert list(counts) == ["cook", "run"]
