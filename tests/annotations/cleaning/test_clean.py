"""The cleaner: every rule by hand, then the real file."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from pose_activity.annotations.cleaning.clean import RULES, Cleaned, clean
from pose_activity.annotations.cleaning.rules import boxes_from_joints, drop_negative, drop_outside
from pose_activity.annotations.images import ImageError, find_images
from pose_activity.annotations.skeleton import COCO17, MPII16
from pose_activity.annotations.types import Sample, no_people

Make = Callable[..., Sample]
Write = Callable[..., Path]


def _set(person: np.ndarray, **joints: tuple[float, float, float]) -> np.ndarray:
    person = person.copy()
    for name, value in joints.items():
        person[MPII16.index(name)] = value
    return person


_GONE = (0.0, 0.0, 0.0)


class TestJointRules:
    def test_negative_against_a_slow_loop(self):
        rng = np.random.default_rng(0)
        keypoints = rng.uniform(-20, 100, (5, 16, 3)).astype(np.float32)
        keypoints[..., 2] = rng.choice([0, 0.5, 1], (5, 16))
        keypoints[keypoints[..., 2] == 0] = 0
        expected, counts = keypoints.copy(), np.zeros(5, int)
        for n in range(5):
            for k in range(16):
                if keypoints[n, k, 2] > 0 and (keypoints[n, k, 0] < 0 or keypoints[n, k, 1] < 0):
                    expected[n, k] = 0
                    counts[n] += 1
        before = keypoints.copy()
        got, got_counts = drop_negative(keypoints)
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(got_counts, counts)
        np.testing.assert_array_equal(keypoints, before)

    @pytest.mark.parametrize(
        ("xy", "lost"),
        [((99.9, 49.9), 0), ((100, 10), 1), ((10, 50), 1), ((0, 0), 0), ((500, 500), 1)],
    )
    def test_outside_begins_at_width_and_height(self, xy: tuple, lost: int):
        keypoints = np.array([[(*xy, 1)]], np.float32)
        got, counts = drop_outside(keypoints, (100, 50))
        assert counts.tolist() == [lost] and got.any() != bool(lost)

    def test_nobody(self):
        _, keypoints, _ = no_people(MPII16)
        assert drop_negative(keypoints)[0].shape == (0, 16, 3)
        assert boxes_from_joints(keypoints, MPII16, padding=0.1)[0].shape == (0, 4)


class TestBoxes:
    def _box(self, person: np.ndarray, **options) -> list[float]:
        return boxes_from_joints(person[None], MPII16, padding=0.1, **options)[0][0].tolist()

    def test_minimum_and_maximum(self, person: np.ndarray):
        assert self._box(person) == [10, 20, 90, 120]

    def test_hidden_joints_count_missing_ones_do_not(self, person: np.ndarray):
        hidden = _set(person, right_wrist=(3, 75, 0.5), left_wrist=_GONE)
        assert self._box(hidden) == [3, 20, 85, 120]

    def test_upper_edge_without_head_top(self, person: np.ndarray):
        # Joints now span y = 38..120: a tenth of 82 is added above.
        assert self._box(_set(person, head_top=_GONE)) == pytest.approx([10, 29.8, 90, 120])

    def test_lower_edge_without_both_ankles(self, person: np.ndarray):
        one = _set(person, left_ankle=_GONE)
        assert self._box(one) == [10, 20, 90, 120]
        # Knees at y = 95: a tenth of 75 is added below.
        both = _set(one, right_ankle=_GONE)
        assert self._box(both) == pytest.approx([10, 20, 90, 102.5])

    def test_padding_is_clipped_to_the_picture(self, person: np.ndarray):
        both = _set(person, left_ankle=_GONE, right_ankle=_GONE)
        assert self._box(both, size=(85, 99)) == [10, 20, 85, 99]

    def test_one_joint_gets_a_pixel(self):
        person = np.zeros((16, 3), np.float32)
        person[6] = 30, 40, 1
        assert self._box(person) == [29.5, 39.5, 30.5, 40.5]

    def test_no_joint_no_box(self):
        assert self._box(np.zeros((16, 3), np.float32)) == [0, 0, 0, 0]

    def test_a_skeleton_without_head_top_is_padded_above(self):
        keypoints = np.zeros((1, 17, 3), np.float32)
        keypoints[0, [0, 15]] = [(50, 40, 1), (60, 140, 1)]
        boxes, raised, lowered = boxes_from_joints(keypoints, COCO17, padding=0.2)
        assert boxes[0].tolist() == [50, 20, 60, 140]
        assert raised.tolist() == [True] and lowered.tolist() == [False]


@pytest.fixture
def faulty(person: np.ndarray, make_sample: Make, write_picture: Write) -> list[Sample]:
    """One sample per rule; pictures are 100 x 140 pixels."""
    (empty := write_picture("empty.jpg")).write_bytes(b"")
    ghost = np.zeros_like(person)
    beyond = person + np.array([0, 200, 0], np.float32)
    no_feet = _set(person, left_ankle=_GONE, right_ankle=_GONE)
    return [
        make_sample(write_picture("good.jpg"), person),
        make_sample(write_picture("negative.jpg"), _set(person, left_wrist=(-4, 9, 1))),
        make_sample(write_picture("outside.jpg"), _set(person, left_wrist=(100, 9, 1)), person),
        make_sample(write_picture("headless.jpg"), _set(person, head_top=_GONE)),
        make_sample(write_picture("no_feet.jpg"), no_feet),
        make_sample(write_picture("ghost.jpg"), person, ghost),
        make_sample(write_picture("beyond.jpg"), beyond),
        make_sample(write_picture("nobody.jpg")),
        make_sample(write_picture("lazy.jpg"), person, activity=None),
        make_sample(write_picture("blank.jpg"), person, activity=" "),
        make_sample(empty, person),
        make_sample(empty.with_name("absent.jpg"), person),
        make_sample(write_picture("lonely.jpg"), person, activity="knitting"),
    ]


@pytest.fixture
def cleaned(faulty: list[Sample], tmp_path: Path) -> Cleaned:
    return clean(iter(faulty), root=tmp_path)


class TestClean:
    def test_kept(self, cleaned: Cleaned):
        assert [s.image.stem for s in cleaned.kept] == [
            "good", "negative", "outside", "headless", "no_feet", "ghost", "lonely",
        ]  # fmt: skip
        assert all(s.size == (100, 140) and s.boxes.any(1).all() for s in cleaned.kept)
        assert [len(s.boxes) for s in cleaned.kept] == [1, 1, 2, 1, 1, 1, 1]

    def test_rejected(self, cleaned: Cleaned):
        assert {(r.image.stem, r.rule) for r in cleaned.rejected} == {
            ("ghost", "no_visible_joints"),
            ("beyond", "no_visible_joints"),
            ("nobody", "no_annotations"),
            ("lazy", "empty_activity"),
            ("blank", "empty_activity"),
            ("empty", "unreadable"),
            ("absent", "missing_file"),
        }
        detail = {r.image.stem: r.detail for r in cleaned.rejected}
        assert detail["ghost"] == "person 1 has no joint left"
        assert "the file is empty" in detail["empty"]

    def test_report(self, cleaned: Cleaned):
        report = cleaned.report
        assert json.loads(json.dumps(report)) == report
        assert {k: v for k, v in report.items() if k not in ("rules", "touched")} == {
            "entries": 13, "with_keypoints": 12, "with_activity": 10, "kept": 7,
        }  # fmt: skip
        assert report["rules"] == {
            "other_format": 0,
            "negative": 1,
            "no_annotations": 1,
            "empty_activity": 2,
            "missing_file": 1,
            "unreadable": 1,
            "damaged": 0,
            "other_size": 0,
            "outside": 1 + 16,
            "box_outside": 0,
            "duplicate": 0,
            "no_visible_joints": 2,
            "box_from_joints": 8,
            "head_padding": 1,
            "ankle_padding": 1,
            "several_pictures": 0,
            "single_image_activity": 1,
        }
        assert tuple(report["rules"]) == RULES
        assert report["touched"]["outside"] == ["outside.jpg", "beyond.jpg"]
        assert report["touched"]["single_image_activity"] == ["lonely.jpg"]

    def test_what_is_damaged_or_cut_off_is_rejected(
        self, person: np.ndarray, make_sample: Make, tmp_path: Path
    ):
        files = {"half.tif": 0.7, "half.bmp": 0.7, "half.gif": 0.7, "grey.jpg": None}
        samples = []
        for name, kept in files.items():
            sample = make_sample(tmp_path / name, person)
            noise = np.random.default_rng(0).integers(0, 255, (140, 100, 3), np.uint8)
            data = cv2.imencode(sample.image.suffix, cv2.GaussianBlur(noise, (5, 5), 1))[
                1
            ].tobytes()
            middle = len(data) // 2
            damaged = data[:middle] + bytes(300) + data[middle + 300 :]
            sample.image.write_bytes(data[: int(kept * len(data))] if kept else damaged)
            samples.append(sample)
        result = clean(samples)
        rules = {r.image.name: r.rule for r in result.rejected}
        assert rules == dict.fromkeys(files, "unreadable") | {"grey.jpg": "damaged"}
        assert result.report["rules"]["unreadable"] == 3 and result.report["rules"]["damaged"] == 1
        assert any("a part of its data is lost" in r.detail for r in result.rejected)

    def test_a_file_with_several_pictures_is_kept_and_noted(
        self, person: np.ndarray, make_sample: Make, tmp_path: Path
    ):
        sample = make_sample(tmp_path / "waving.gif", person)
        frames = [Image.new("RGB", (100, 140), colour) for colour in ("red", "blue")]
        frames[0].save(sample.image, save_all=True, append_images=frames[1:])
        result = clean([sample])
        assert len(result.kept) == 1 and result.report["rules"]["several_pictures"] == 1
        assert result.notes[0] == (
            "1 file holds several pictures, of which the first is taken: waving.gif."
        )

    def test_what_is_not_read_has_a_rejection_each_and_is_counted(self, tmp_path: Path):
        unread = [tmp_path / f"{i}.HEIC" for i in range(40)] + [tmp_path / "a.cr2"]
        result = clean([], unread=unread, root=tmp_path)
        assert [r.image for r in result.rejected] == unread
        assert {r.rule for r in result.rejected} == {"other_format"}
        assert result.rejected[0].detail == (
            "pictures of this kind (.heic) are not read. Convert it to JPEG"
        )
        assert result.report["rules"]["other_format"] == 41 and result.report["entries"] == 0
        assert result.notes == ["41 files are not read: .heic 40, .cr2 1. Convert them to JPEG."]

    def test_a_single_image_is_noted(self, cleaned: Cleaned):
        (note,) = cleaned.notes
        assert "'knitting' has one image" in note and "lonely.jpg" in note

    def test_cases_show_before_and_after(self, cleaned: Cleaned):
        cases = {(case.rule, case.before.image.stem): case for case in cleaned.cases}
        head = cases["head_padding", "headless"]
        assert head.after and head.before.boxes[0, 1] == 38
        assert head.after.boxes[0, 1] == pytest.approx(29.8)
        lost = cases["negative", "negative"]
        assert lost.after and lost.before.boxes[0, 0] == -4 and lost.after.boxes[0, 0] == 10
        assert cases["no_visible_joints", "beyond"].after is None
        assert cases["empty_activity", "lazy"].after is None
        assert len(cases["empty_activity", "lazy"].before.boxes) == 0

    def test_cases_are_a_few_per_rule(self, faulty: list[Sample]):
        cases = clean(faulty, cases_per_rule=2).cases
        assert max(sum(c.rule == rule for c in cases) for rule in RULES) == 2

    def test_inputs_stay_as_they_are(self, faulty: list[Sample], tmp_path: Path):
        def state() -> list:
            arrays = [s.keypoints.tobytes() + s.boxes.tobytes() for s in faulty]
            files = [hashlib.sha256(p.read_bytes()).hexdigest() for p in find_images(tmp_path)]
            return [*arrays, *files]

        before = state()
        clean(faulty)
        assert state() == before

    def test_cleaning_twice_changes_nothing(self, cleaned: Cleaned):
        again = clean(cleaned.kept)
        assert not again.rejected
        for one, two in zip(cleaned.kept, again.kept, strict=True):
            np.testing.assert_array_equal(one.boxes, two.boxes)
            np.testing.assert_array_equal(one.keypoints, two.keypoints)

    def test_dry_run(self, faulty: list[Sample]):
        report = clean(faulty, check_images=False).report
        unchecked = {rule for rule, count in report["rules"].items() if count == "not checked"}
        unsized = {"outside", "box_outside", "other_size"}
        assert unchecked == {"missing_file", "unreadable", "damaged", "several_pictures"} | unsized
        assert report["rules"]["negative"] == 1 and report["kept"] == 10

    def test_a_dry_run_uses_sizes_that_are_known(self, faulty: list[Sample]):
        sized = [replace(sample, size=(100, 140)) for sample in faulty]
        result = clean(sized, check_images=False)
        assert result.report["rules"]["outside"] == 17 and result.kept[0].size == (100, 140)

    def test_boxes_of_the_data_set_are_kept(self, person: np.ndarray, make_sample: Make):
        sample = make_sample("a.jpg", _set(person, head_top=_GONE))
        sample = replace(sample, boxes=np.array([[1, 2, 3, 4]], np.float32))
        result = clean([sample], check_images=False)
        assert result.kept[0].boxes.tolist() == [[1, 2, 3, 4]]
        assert result.report["rules"]["head_padding"] == 0

    def test_without_joints_where_none_are_needed(self, make_sample: Make, write_picture: Write):
        samples = [make_sample(write_picture(f"{i}.png"), activity="run") for i in range(3)]
        result = clean(samples, need_keypoints=False)
        assert len(result.kept) == 3 and not result.rejected
        assert result.report["with_keypoints"] == 0 and result.report["with_activity"] == 3

    def test_a_person_with_a_box_needs_no_joint(self, make_sample: Make, write_picture: Write):
        ghost = np.zeros((16, 3), np.float32)
        sample = make_sample(write_picture("a.jpg"), ghost, ghost)
        sample = replace(sample, boxes=np.array([[1, 2, 30, 40], [0, 0, 0, 0]], np.float32))
        (kept,) = clean([replace(sample, activities=("run", "sit"))]).kept
        assert kept.boxes.tolist() == [[1, 2, 30, 40]] and kept.activities == ("run",)

    def test_boxes_are_cut_at_the_edge(
        self, person: np.ndarray, make_sample: Make, write_picture: Write
    ):
        sample = make_sample(write_picture("a.jpg"), person, person, person)
        boxes = [[-5, 10, 60, 150], [200, 0, 300, 50], [0, 0, 100, 140]]
        result = clean([replace(sample, boxes=np.array(boxes, np.float32))])
        assert result.kept[0].boxes.tolist() == [[0, 10, 60, 140], [10, 20, 90, 120], boxes[2]]
        assert result.report["rules"]["box_outside"] == 2

    def test_labels_of_another_size(
        self, person: np.ndarray, make_sample: Make, write_picture: Write
    ):
        turned = make_sample(write_picture("turned.jpg"), person, size=(140, 100))
        nobody = make_sample(write_picture("nobody.jpg"), size=(140, 100))
        result = clean([turned, nobody], need_keypoints=False)
        assert [s.image.name for s in result.kept] == ["nobody.jpg"]
        assert result.rejected[0].rule == "other_size"
        assert (
            "for 140x100 pixels, but the upright picture has 100x140" in result.rejected[0].detail
        )

    @pytest.mark.parametrize(
        ("need", "kept"), [("picture", "a"), ("person", "ab"), ("none", "abc")]
    )
    def test_whose_activity_is_needed(
        self, person: np.ndarray, make_sample: Make, need: Any, kept: str
    ):
        one = make_sample("a.jpg", person)
        two = replace(one, image=Path("b.jpg"), activity=None, activities=("run",))
        three = replace(one, image=Path("c.jpg"), activity=None)
        result = clean([one, two, three], need_activity=need, check_images=False)
        assert "".join(sample.image.stem for sample in result.kept) == kept
        details = [rejection.detail for rejection in result.rejected]
        assert ("its people do different things" in " ".join(details)) == (need == "picture")

    def test_many_lonely_activities_are_one_note(self, make_sample: Make):
        samples = [make_sample(f"{i}.jpg", activity=f"class {i}") for i in range(10_000)]
        result = clean(samples, need_keypoints=False, check_images=False)
        assert len(result.notes) == 1
        assert result.notes[0].startswith(
            "10,000 activities have one image each: 'class 0', 'class"
        )
        assert "and 9,995 more" in result.notes[0]

    def test_the_size_is_that_of_the_upright_picture(
        self, person: np.ndarray, make_sample: Make, tmp_path: Path
    ):
        from PIL import Image

        exif = Image.Exif()
        exif[0x0112] = 6
        Image.new("RGB", (140, 100)).save(tmp_path / "turned.jpg", exif=exif)
        result = clean([make_sample(tmp_path / "turned.jpg", person)])
        assert result.kept[0].size == (100, 140) and result.report["rules"]["outside"] == 0

    def test_nothing(self):
        result = clean([])
        assert not result.kept and result.report["entries"] == 0

    def test_progress(self, faulty: list[Sample]):
        calls: list[tuple[int, int, str]] = []
        clean(faulty, on_progress=lambda *call: calls.append(call))
        assert calls[0] == (1, 0, "good.jpg") and len(calls) == len(faulty)

    def test_threads_change_nothing(self, person: np.ndarray, make_sample: Make, tmp_path: Path):
        samples = []
        for i in range(20):
            (tmp_path / f"{i}.jpg").touch()
            samples.append(make_sample(tmp_path / f"{i}.jpg", person))

        def read_size(path: Path) -> tuple[int, int]:
            time.sleep(0.002 * (20 - int(path.stem)))  # the first ones take longest
            if int(path.stem) % 3 == 0:
                raise ImageError(f"{path}: broken")
            return 100, 100

        one, many = (clean(samples, read_size=read_size, threads=n) for n in (1, 4))
        assert [s.image for s in many.kept] == [s.image for s in one.kept]
        assert many.rejected == one.rejected and many.report == one.report

    @pytest.mark.parametrize("padding", [-0.1, float("nan")])
    def test_padding_is_checked(self, padding: float):
        with pytest.raises(ValueError, match=r"padding must be a fraction.* Received: (-0\.1|nan)"):
            clean([], padding=padding)


def test_the_real_file(mpii_cleaned: Cleaned):
    result = mpii_cleaned
    counts = {key: value for key, value in result.report.items() if isinstance(value, int)}
    assert counts == {
        "entries": 24_987,
        "with_keypoints": 17_372,
        "with_activity": 17_331,
        "kept": 17_331,
    }
    rules = result.report["rules"]
    assert rules["negative"] == 251
    assert rules["no_annotations"] == 24_987 - 17_372 and rules["empty_activity"] == 41
    assert len(result.rejected) == 24_987 - 17_331
    assert all((s.boxes[:, 2:] > s.boxes[:, :2]).all() for s in result.kept)


def test_the_real_photos(data_dir: Path, mpii_release: list[Sample]):
    folder = data_dir / "mpii" / "images_5"
    names = {path.name for path in find_images(folder)}
    present = [replace(s, image=folder / s.image) for s in mpii_release if s.image.name in names]
    result = clean(present, root=folder)
    assert len(result.kept) == 5 and result.report["rules"]["outside"] == 0
    assert set(result.report["touched"]["box_from_joints"]) == names
    for sample in result.kept:
        assert sample.size
        assert (sample.boxes >= 0).all() and (sample.boxes[:, 2:] <= np.array(sample.size)).all()


def test_a_person_listed_twice_is_one(person: np.ndarray, make_sample: Make, write_picture: Write):
    other = person + np.array([1, 0, 0], np.float32)
    twice = make_sample(write_picture("a.jpg"), person, other, person, np.zeros_like(person), other)
    named = replace(make_sample(write_picture("b.jpg"), person, person), activities=("run", "sit"))
    done = clean([twice, named])
    assert [len(sample.boxes) for sample in done.kept] == [2, 2]
    np.testing.assert_array_equal(done.kept[0].keypoints, [person, other])
    rejected = [(r.image.name, r.rule, r.detail) for r in done.rejected]
    why = "is listed twice, with the same numbers"
    assert rejected == [
        ("a.jpg", "no_visible_joints", "person 3 has no joint left"),
        ("a.jpg", "duplicate", f"person 2 {why}"),
        ("a.jpg", "duplicate", f"person 4 {why}"),
    ]
    assert (done.report["rules"]["duplicate"], done.report["rules"]["box_from_joints"]) == (2, 4)
    (case,) = [case for case in done.cases if case.rule == "duplicate"]
    assert case.after is None and len(case.before.boxes) == 1


def test_boxes_without_joints_are_compared_too(make_sample: Make, write_picture: Write):
    sample = make_sample(write_picture("a.jpg"), *np.zeros((3, 16, 3), np.float32))
    boxes = np.array([[1, 2, 30, 40], [1, 2, 30, 40], [1, 2, 30, 41]], np.float32)
    done = clean([replace(sample, boxes=boxes)])
    np.testing.assert_array_equal(done.kept[0].boxes, boxes[[0, 2]])
    assert [r.rule for r in done.rejected] == ["duplicate"]
