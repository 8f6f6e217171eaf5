"""OpenPose's and AlphaPose's JSON, with every hole and fault that real ones have."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pose_activity.annotations.readers.openpose import read_openpose, read_pose_folder
from pose_activity.annotations.skeleton import BODY25, COCO17, OPENPOSE18


def _values(x: float, joints: int = 18, confidence: float = 0.5) -> list[float]:
    """One person whose joint k is at (x + k, 10 k)."""
    return [n for k in range(joints) for n in (x + k, 10.0 * k, confidence)]


def _frame(*people: list[float]) -> dict[str, Any]:
    return {"version": 1.3, "people": [{"pose_keypoints_2d": values} for values in people]}


def _entry(name: Any, values: list[float], **more: Any) -> dict[str, Any]:
    return {"image_id": name, "category_id": 1, "keypoints": values, "score": 2.9} | more


def _write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def _write_frames(folder: Path, frames: dict[int, Any], video: str = "walk") -> Path:
    for number, content in frames.items():
        _write(folder / f"{video}_{number:012}_keypoints.json", content)
    return folder


class TestLayouts:
    @pytest.mark.parametrize("skeleton", [OPENPOSE18, BODY25])
    def test_a_folder_with_a_file_per_frame(self, tmp_path: Path, skeleton: Any):
        frames = {i: _frame(_values(3 * i, len(skeleton))) for i in range(4)}
        clip = read_openpose(_write_frames(tmp_path / "walk", frames), fps=25)
        assert (clip.name, clip.source, clip.span) == ("walk", tmp_path / "walk", (0, 4))
        assert clip.skeleton is skeleton and clip.keypoints is not None and clip.times is not None
        assert clip.keypoints[2, 3].tolist() == [9, 30, 0.5]
        assert clip.times.tolist() == [0, 0.04, 0.08, 0.12]
        assert (clip.label, clip.group, clip.split) == (None, None, None)

    def test_files_without_the_name_of_a_video(self, tmp_path: Path):
        for i in range(2):
            _write(tmp_path / f"{i:012}_keypoints.json", _frame(_values(i)))
        assert read_openpose(tmp_path, fps=25).span == (0, 2)

    def test_alphapose_in_openposes_order(self, tmp_path: Path):
        # The order of the file is that of the text "10.jpg" < "9.jpg"; time's is 9, 10.
        content = {"10.jpg": _frame(_values(10)), "9.jpg": _frame(_values(9))}
        clip = read_openpose(_write(tmp_path / "a.json", content), fps=10, name="anna/a")
        assert clip.name == "anna/a" and clip.span == (9, 11)
        assert clip.keypoints is not None and clip.keypoints[:, 0, 0].tolist() == [9, 10]
        assert clip.times is not None and clip.times.tolist() == [0.9, 1.0]

    def test_alphapose_own_list(self, tmp_path: Path):
        content = [_entry("frame_2.png", _values(2, 17)), _entry("frame_1.png", _values(1, 17))]
        clip = read_openpose(_write(tmp_path / "a.json", content), fps=25)
        assert clip.skeleton is COCO17 and clip.span == (1, 3)
        assert clip.keypoints is not None and clip.keypoints[:, 0, 0].tolist() == [1, 2]

    @pytest.mark.parametrize(
        "name", ["{:06}_cam1.jpg", "cam1_{}.jpg", "video_12fps_{:012}.png", "a1/b2/{}_of_20.jpg"]
    )
    def test_the_number_that_changes_is_the_frame(self, tmp_path: Path, name: str):
        content = [_entry(name.format(i), _values(i, 17)) for i in range(12, 32)]
        own = read_openpose(_write(tmp_path / "a.json", content), fps=25)
        people = {name.format(i): _frame(_values(i)) for i in range(12, 32)}
        other = read_openpose(_write(tmp_path / "b.json", people), fps=25)
        for clip in (own, other):
            assert clip.span == (12, 32) and clip.keypoints is not None
            assert clip.keypoints[:, 0, 0].tolist() == [*range(12, 32)]

    @pytest.mark.parametrize("name", ["cam1_{:012}", "{}_cam1", "video_12fps_{:012}"])
    def test_a_file_per_frame_with_other_numbers(self, tmp_path: Path, name: str):
        for i in range(9, 12):
            _write(tmp_path / "anna/x" / f"{name.format(i)}_keypoints.json", _frame(_values(i)))
        (clip,) = read_pose_folder(tmp_path, fps=25)
        assert clip.span == (9, 12) and clip.name == "anna/x"

    @pytest.mark.parametrize(
        "videos", [("cam1_", "cam2_"), ("anna/", "ben/"), ("a", "b"), ("S1_v2_", "S2_v1_")]
    )
    def test_two_videos_in_a_list_are_refused_with_their_names(
        self, tmp_path: Path, videos: tuple[str, str]
    ):
        content = [_entry(f"{v}{i:04}.jpg", _values(i, 17)) for v in videos for i in range(3)]
        first = ", ".join(repr(f"{video}0000.jpg") for video in videos)
        with pytest.raises(ValueError, match=rf"of one video.*: {first}. Write a file for each"):
            read_openpose(_write(tmp_path / "a.json", content), fps=25)

    def test_an_entry_without_joints_is_nobody(self, tmp_path: Path):
        content = [_entry(1, _values(1, 17)), _entry("2.jpg", [])]
        clip = read_openpose(_write(tmp_path / "a.json", content), fps=25)
        assert clip.skeleton is COCO17 and clip.valid.tolist() == [True, False]


class TestHoles:
    def test_missing_frames_are_rows_without_a_person(self, tmp_path: Path):
        content = {f"{i}.jpg": _frame(_values(i)) for i in (10, 11, 14)}
        notes: list[str] = []
        path = _write(tmp_path / "a.json", content)
        clip = read_openpose(path, fps=25, on_note=notes.append)
        assert clip.span == (10, 15) and clip.valid.tolist() == [True, True, False, False, True]
        assert clip.times is not None and clip.times[4] == 14 / 25
        assert len(notes) == 1 and "2 of 5 frames are not mentioned (12, 13): rows" in notes[0]

    def test_nobody_in_some_frames(self, tmp_path: Path):
        frames = {0: _frame(), 1: _frame(_values(5)), 2: _frame([]), 3: _frame()}
        notes: list[str] = []
        clip = read_openpose(_write_frames(tmp_path, frames), fps=25, on_note=notes.append)
        assert clip.valid.tolist() == [False, True, False, False] and not notes

    def test_nobody_in_any_frame(self, tmp_path: Path):
        notes: list[str] = []
        frames = {0: _frame(), 1: _frame()}
        clip = read_openpose(_write_frames(tmp_path, frames), fps=25, on_note=notes.append)
        assert not clip.valid.any() and clip.skeleton is OPENPOSE18 and len(clip.valid) == 2
        assert "there is no person in any of 2 frames" in notes[0]

    def test_joints_that_were_not_found(self, tmp_path: Path):
        values = _values(5)
        values[:3] = 70, 80, 0
        values[3:6] = 70, None, 0.9  # type: ignore[list-item]
        values[6:9] = float("nan"), 80, 0.9
        values[11] = 1.25
        notes: list[str] = []
        path = _write_frames(tmp_path, {0: _frame(values)})
        clip = read_openpose(path, fps=25, on_note=notes.append)
        assert clip.keypoints is not None
        assert not clip.keypoints[0, :3].any() and clip.keypoints[0, 3, 2] == 1
        assert "2 joints hold numbers that are not finite: missing" in notes[0]
        assert "1 confidences above 1, up to 1.25, count as 1" in notes[1]


class TestSeveralPeople:
    PEOPLE = {i: _frame(_values(500 - i), _values(20 + 3 * i, confidence=0.9)) for i in range(5)}

    def test_one_is_followed(self, tmp_path: Path):
        notes: list[str] = []
        path = _write_frames(tmp_path, self.PEOPLE)
        clip = read_openpose(path, fps=25, on_note=notes.append)
        assert clip.keypoints is not None
        assert clip.keypoints[:, 0, 0].tolist() == [20, 23, 26, 29, 32]
        assert "5 of 5 frames show several people; one is followed, in 5 frames" in notes[0]

    def test_a_caller_chooses(self, tmp_path: Path):
        seen = []

        def first(people: Sequence[np.ndarray]) -> list[int | None]:
            seen.extend(frame.shape for frame in people)
            return [0, 0, None, 0, 0]

        clip = read_openpose(_write_frames(tmp_path, self.PEOPLE), fps=25, choose=first)
        assert seen == [(2, 18, 3)] * 5
        assert clip.keypoints is not None
        assert clip.keypoints[:, 0, 0].tolist() == [500, 499, 0, 497, 496]

    @pytest.mark.parametrize("wrap", [lambda i: i, lambda i: [i], lambda i: [[float(i)]]])
    def test_numbered_people(self, tmp_path: Path, wrap: Any):
        # The two change places from one frame to the next; their numbers do not.
        content = [
            _entry(f"{i}.jpg", _values(500 * (i % 2 == k), 17, 0.3 + k / 5), idx=wrap(7 + k))
            for i in range(4)
            for k in range(2)
        ]
        clip = read_openpose(_write(tmp_path / "a.json", content), fps=25)
        assert clip.keypoints is not None
        assert clip.keypoints[:, 0, 0].tolist() == [0, 500, 0, 500]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"not JSON, or a damaged file \(.*\)\. Write it again"),
        ("", "not JSON, or a damaged file"),
        pytest.param("[" * 100_000, "not JSON, or a damaged file", id="deep"),
        ('{"1.jpg": {"people": []}, "1.jpg": {"people": []}}', "a name in it comes twice"),
        ("3", "must be AlphaPose's list of people or object of frames"),
        (_frame(_values(1)), "Received: one frame of OpenPose.* Give the folder"),
        ([], "must hold at least one frame. It holds none"),
        ({}, "must hold at least one frame"),
        ({"walk.jpg": _frame()}, r"its number in its name.* Received: 'walk\.jpg'"),
        (
            [_entry(None, _values(1, 17))],
            'must have "image_id", the frame.s name or number. Received: None',
        ),
        ([3], 'entry 0: each person must have "keypoints"'),
        ({"1.jpg": _frame(), "01.jpg": _frame()}, "Received frame 1 twice"),
        ({"1.jpg": 3}, r'1\.jpg: must be an object with a list "people"'),
        ({"1.jpg": {"people": {}}}, 'must be an object with a list "people"'),
        ({"1.jpg": {"people": [3]}}, 'each person must have "pose_keypoints_2d".* Received: None'),
        ({"1.jpg": _frame([1, 2])}, r"a list of numbers x, y, c, .* Received: \[1, 2\]"),
        ({"1.jpg": _frame(["a", 1, 2])}, r"a list of numbers.* Received: \['a', 1, 2\]"),  # type: ignore[list-item]
        ({"1.jpg": _frame(_values(1, 26))}, r"17 \(coco17\), 18 .* Received: 26"),
        (
            {"1.jpg": _frame(_values(1, 18), _values(1, 25))},
            r"the same number of joints. Received: \[18, 25\]",
        ),
        ({f"{i}.jpg": _frame() for i in (5, 17_000_000)}, "2 between 5 and 17000000. Are they tim"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: Any, message: str):
    path = _write(tmp_path / "a.json", content)
    with pytest.raises(ValueError, match=r"a\.json.*" + message):
        read_openpose(path, fps=25)


def test_a_folder_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(ValueError, match=r"absent\.json: cannot be opened \(No such file"):
        read_openpose(tmp_path / "absent.json", fps=25)
    with pytest.raises(ValueError, match="must hold a file per frame, NAME_0.* It holds none"):
        read_openpose(tmp_path, fps=25)
    _write_frames(tmp_path, {0: _frame(), 1: "{"})
    with pytest.raises(ValueError, match=r"walk_000000000001_keypoints\.json: not JSON"):
        read_openpose(tmp_path, fps=25)
    _write_frames(tmp_path, {1: _frame()}, video="run")
    with pytest.raises(ValueError, match="frames of one video.*: 'run_0+1', 'walk_0+0'. Move each"):
        read_openpose(tmp_path, fps=25)


class TestManyVideos:
    def test_a_folder_per_class(self, tmp_path: Path):
        _write(tmp_path / "anna" / "a.json", {"1.jpg": _frame(_values(1))})
        _write_frames(tmp_path / "anna" / "b", {i: _frame(_values(i)) for i in range(3)})
        _write(tmp_path / "Ben" / "deep" / "c.json", {"1.jpg": _frame(_values(1))})
        clips = read_pose_folder(tmp_path, fps=25, group_pattern="(?P<group>anna/.)")
        assert [(c.name, c.label, c.group) for c in clips] == [
            ("Ben/deep/c.json", "Ben", None),
            ("anna/a.json", "anna", "anna/a"),
            ("anna/b", "anna", "anna/b"),
        ]
        assert [len(clip.valid) for clip in clips] == [1, 1, 3]

    def test_the_class_in_the_name(self, tmp_path: Path):
        for name in ("S1_a", "S1_b", "S2_a"):
            _write(tmp_path / f"{name}.json", {"1.jpg": _frame(_values(1))})
        clips = read_pose_folder(
            tmp_path, fps=25, label_pattern=r"(?P<label>S\d)_", test_pattern="_b"
        )
        assert [(clip.label, clip.split) for clip in clips] == [
            ("S1", "train"),
            ("S1", "test"),
            ("S2", "train"),
        ]

    def test_clips_of_nobody_have_the_skeleton_of_the_others(self, tmp_path: Path):
        _write(tmp_path / "x" / "a.json", {"1.jpg": _frame(), "4.jpg": _frame()})
        _write(tmp_path / "x" / "b.json", {"1.jpg": _frame(_values(1, 25))})
        one, other = read_pose_folder(tmp_path, fps=25)
        assert one.skeleton is other.skeleton is BODY25 and not one.valid.any()
        assert one.keypoints is not None and one.keypoints.shape == (4, 25, 3)

    def test_several_skeletons(self, tmp_path: Path):
        _write(tmp_path / "x" / "a.json", {"1.jpg": _frame(_values(1, 25))})
        _write(tmp_path / "x" / "b.json", {"1.jpg": _frame(_values(1, 18))})
        with pytest.raises(ValueError, match="one skeleton. Received: openpose18, openpose25"):
            read_pose_folder(tmp_path, fps=25)

    def test_folders_that_cannot_be_read(self, tmp_path: Path):
        with pytest.raises(ValueError, match="absent: there is no such folder. Give the one with"):
            read_pose_folder(tmp_path / "absent", fps=25, label_pattern="(?P<label>x)")
        with pytest.raises(ValueError, match=r"must hold \.json files of poses. It holds none"):
            read_pose_folder(tmp_path, fps=25, label_pattern="(?P<label>x)")
        (tmp_path / "anna").mkdir()
        with pytest.raises(ValueError, match="at least one pose file. Empty: anna"):
            read_pose_folder(tmp_path, fps=25)
        _write(tmp_path / "a.json", {"1.jpg": _frame()})
        with pytest.raises(ValueError, match="pose files must be in a sub-folder named after the"):
            read_pose_folder(tmp_path, fps=25)


class TestGahu:
    """AlphaPose's answers on two real videos."""

    def test_the_numbers_of_the_file(self, data_dir: Path):
        path = data_dir / "clips" / "S040_T2_L.json"
        notes: list[str] = []
        clip = read_openpose(path, fps=25, on_note=notes.append)
        assert clip.skeleton is OPENPOSE18 and clip.span is not None and clip.keypoints is not None
        content = json.loads(path.read_text(encoding="utf-8"))
        assert clip.span == (10, 68) and len(content) == 56 == clip.valid.sum()
        assert "2 of 58 frames are not mentioned (35, 51)" in notes[0]
        assert "5 of 58 frames show several people" in notes[1]  # the same one, found twice
        for name, frame in content.items():
            row = clip.keypoints[int(name.removesuffix(".jpg")) - 10]
            poses = [np.array(p["pose_keypoints_2d"], np.float32) for p in frame["people"]]
            surest = max(poses, key=lambda values: values[2::3].mean())
            assert np.array_equal(row.ravel(), surest)

    @pytest.mark.parametrize("name", ["S040_T2_L", "S041_T3_R"])
    def test_frames_lie_in_the_video_they_are_of(self, data_dir: Path, name: str):
        clip = read_openpose(data_dir / "clips" / f"{name}.json", fps=25)
        video = cv2.VideoCapture(str(data_dir / "clips" / f"{name}.mp4"))
        frames, width, height = (
            video.get(what)
            for what in (
                cv2.CAP_PROP_FRAME_COUNT,
                cv2.CAP_PROP_FRAME_WIDTH,
                cv2.CAP_PROP_FRAME_HEIGHT,
            )
        )
        video.release()
        assert clip.span is not None and clip.keypoints is not None and clip.span[1] <= frames
        found = clip.keypoints[clip.keypoints[..., 2] > 0]
        assert (found[:, :2] > -0.1 * width).all() and (found[:, 0] < 1.1 * width).all()
        assert (found[:, 1] < 1.1 * height).all()


def test_folders_of_splits(tmp_path: Path):
    _write_frames(tmp_path / "train/anna/walk", {0: _frame(_values(1))})
    _write(tmp_path / "test/anna/b.json", {"0.jpg": _frame(_values(9))})
    notes: list[str] = []
    clips = read_pose_folder(tmp_path, fps=25, on_note=notes.append)
    assert [(c.name, c.label, c.split) for c in clips] == [
        ("train/anna/walk", "anna", "train"),
        ("test/anna/b.json", "anna", "test"),
    ]
    assert notes[0].endswith("are taken for the splits: train (train), test (test).")
