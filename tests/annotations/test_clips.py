"""Clips are checked where they are born, and come back from their file as they went in."""

import os
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pose_activity.annotations.clip_files import read_clips, write_clips
from pose_activity.annotations.clips import Clip, check_names_once, steady_times
from pose_activity.annotations.skeleton import COCO17, custom_skeleton


def _clip(frames: int = 4, **fields: object) -> Clip:
    points = np.random.default_rng(0).uniform(0.1, 1, (frames, 17, 3)).astype(np.float32)
    given = {
        "name": "anna/walk",
        "source": Path("walk.mp4"),
        "skeleton": COCO17,
        "keypoints": points,
        "times": steady_times(frames, 25),
    } | fields
    return Clip(**given)  # type: ignore[arg-type]


class TestBirth:
    def test_without_keypoints(self):
        clip = Clip("anna/walk.mp4", Path("walk.mp4"), span=(0, 75), label="anna")
        assert clip.keypoints is None and clip.times is None
        with pytest.raises(ValueError, match="walk.mp4: has no keypoints yet. Find its poses"):
            _ = clip.valid

    def test_no_frame_at_all(self):
        assert _clip(0).valid.shape == (0,)

    def test_frames_without_a_person_are_not_valid(self):
        points = np.zeros((3, 17, 3), np.float32)
        points[1, 5] = 7, 8, 0.01
        assert _clip(3, keypoints=points).valid.tolist() == [False, True, False]

    def test_times_need_not_be_even(self):
        assert _clip(times=np.array([0.5, 0.6, 2, 2.001])).times is not None

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"name": " "}, r"must have a name.* Received: ' '"),
            (
                {"name": os.fsdecode(b"bad\xff")},
                r"in valid Unicode. Received: 'bad\\udcff'. Rename",
            ),
            ({"span": (5, 5)}, r"0 <= first < stop. Received: \(5, 5\)"),
            ({"span": (-1, 5)}, "0 <= first < stop"),
            ({"times": None}, "anna/walk: skeleton, keypoints and times must be given together"),
            ({"keypoints": None}, "must be given together"),
            ({"skeleton": None}, "must be given together"),
            ({"keypoints": np.zeros((4, 17, 2), np.float32)}, r"must be float32 \(4, 17, 3\)"),
            ({"keypoints": np.zeros((4, 17, 3))}, "Received: float64"),
            ({"keypoints": np.full((4, 17, 3), np.nan, np.float32)}, "keypoints must be finite"),
            ({"keypoints": np.full((4, 17, 3), 2, np.float32)}, r"must be in \[0, 1\]"),
            ({"times": np.arange(3.0)}, r"times must be float64 \(4,\). Received: float64 \(3,\)"),
            ({"times": np.arange(4)}, r"times must be float64 \(4,\). Received: int64"),
            ({"times": np.array([0.0, 1, 1, 2])}, "must be finite and rise from frame to frame"),
            ({"times": np.array([0.0, 1, np.nan, 2])}, "must be finite and rise"),
        ],
    )
    def test_a_clip_refuses(self, change: dict, message: str):
        with pytest.raises(ValueError, match=message):
            replace(_clip(), **change)

    def test_a_missing_joint_is_nowhere(self):
        points = np.ones((4, 17, 3), np.float32)
        points[2, 3, 2] = 0
        with pytest.raises(ValueError, match=r"anna/walk: a missing keypoint \(v = 0\)"):
            _clip(keypoints=points)


def test_steady_times():
    assert steady_times(3, 50, first=10).tolist() == [0.2, 0.22, 0.24]
    for fps in (0, -25, np.nan, np.inf):
        with pytest.raises(ValueError, match="fps must be a positive number .* Received: "):
            steady_times(3, fps)


def test_names_come_once():
    check_names_once(Path("x"), [_clip(), _clip(name="other")])
    with pytest.raises(ValueError, match=r"x: each clip .* Received: 'anna/walk' \(2 times\)"):
        check_names_once(Path("x"), [_clip(), _clip(name="other"), _clip()])


class TestFile:
    def test_clips_come_back_bit_for_bit(self, tmp_path: Path):
        dog = custom_skeleton("dog", ["nose", "tail"], [("nose", "tail")])
        points = np.full((2, 2, 3), 1 / 3, np.float32)
        points[0, 0] = 3.4e38, -1e-30, 1
        clips = [
            _clip(span=(3, 9), label="Größe 日本", group="g", split="val"),
            Clip("ä/b c.mp4", Path("/abs/b c.mp4")),
            _clip(0, name="empty", label=""),
            _clip(2, name="dog", skeleton=dog, keypoints=points, times=np.array([1 / 3, 1e9])),
        ]
        write_clips(tmp_path / "new" / "clips.parquet", clips)
        back = read_clips(tmp_path / "new" / "clips.parquet")
        for one, two in zip(clips, back, strict=True):
            for field in fields(Clip):
                a, b = getattr(one, field.name), getattr(two, field.name)
                if isinstance(a, np.ndarray):
                    assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
                else:
                    assert a == b and type(a) is type(b)

    def test_no_clips(self, tmp_path: Path):
        write_clips(tmp_path / "clips.parquet", [])
        assert read_clips(tmp_path / "clips.parquet") == []

    def test_a_write_that_is_refused_leaves_the_old_file(self, tmp_path: Path):
        path = tmp_path / "clips.parquet"
        write_clips(path, [_clip()])
        before = path.read_bytes()
        with pytest.raises(ValueError, match="a name of its own"):
            write_clips(path, [_clip(), _clip()])
        with pytest.raises(ValueError, match=r"must be valid Unicode. Received: '/bad\\udcff'"):
            write_clips(path, [_clip(source=Path(os.fsdecode(b"/bad\xff")))])
        assert path.read_bytes() == before and os.listdir(tmp_path) == ["clips.parquet"]

    def test_no_file(self, tmp_path: Path):
        with pytest.raises(ValueError, match="no such file. Run the step `annotations` first"):
            read_clips(tmp_path / "absent.parquet")

    def test_a_damaged_file(self, tmp_path: Path):
        path = tmp_path / "clips.parquet"
        write_clips(path, [_clip()])
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(ValueError, match="not a Parquet file, or a damaged one .* Delete it"):
            read_clips(path)

    def test_another_table(self, tmp_path: Path):
        path = tmp_path / "clips.parquet"
        pq.write_table(pa.table({"image": ["a.jpg"]}), path)
        with pytest.raises(ValueError, match=r"columns name, source, first.* Received: image"):
            read_clips(path)
