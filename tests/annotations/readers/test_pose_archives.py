"""`.npz` archives of pose sequences, in both layouts."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pose_activity.annotations.readers.pose_archives import read_flat_archive, read_pose_archive
from pose_activity.annotations.skeleton import BODY25, COCO17, JHMDB15, MPII16

_LABEL = r"(?P<label>person\d+)_"


def _save(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def _poses(frames: int, columns: int = 4, joints: int = 17) -> np.ndarray:
    poses = np.random.default_rng(frames).uniform(0.4, 1, (frames, joints, columns))
    return poses.astype(np.float32)


class TestOneArrayPerClip:
    def test_names_say_the_rest(self, tmp_path: Path):
        arrays = {f"person{p}_walking_d1_{k}": _poses(5 + k) for p in (1, 2) for k in (0, 3)}
        notes: list[str] = []
        clips = read_pose_archive(
            _save(tmp_path / "a.npz", **arrays),
            fps=25,
            label_pattern=_LABEL,
            group_pattern=r"(?P<group>person1_.*_d\d)",
            test_pattern="_3$",
            on_note=notes.append,
        )
        assert [(c.name, c.label, c.group, c.split) for c in clips] == [
            ("person1_walking_d1_0", "person1", "person1_walking_d1", "train"),
            ("person1_walking_d1_3", "person1", "person1_walking_d1", "test"),
            ("person2_walking_d1_0", "person2", None, "train"),
            ("person2_walking_d1_3", "person2", None, "test"),
        ]
        assert "2 of 4 names hold no group." in notes[0]
        for clip, array in zip(clips, arrays.values(), strict=True):
            assert clip.skeleton is COCO17 and clip.times is not None
            assert np.array_equal(clip.keypoints, array[..., :3])  # type: ignore[arg-type]
            assert clip.times.tolist() == [i / 25 for i in range(len(array))]

    def test_frames_of_low_score_are_empty(self, tmp_path: Path):
        poses = _poses(5)
        poses[:, :, 3] = np.array([0.5, 0.3, 0.29, np.nan, np.inf])[:, None]
        path = _save(tmp_path / "a.npz", clip=poses)
        (clip,) = read_pose_archive(path, fps=25, min_score=0.3)
        assert clip.valid.tolist() == [True, True, False, False, True]
        (clip,) = read_pose_archive(path, fps=25)
        assert clip.valid.tolist() == [True, True, True, False, True]

    @pytest.mark.parametrize(("joints", "skeleton"), [(16, MPII16), (15, JHMDB15), (25, BODY25)])
    def test_the_number_of_joints_says_the_skeleton(
        self, tmp_path: Path, joints: int, skeleton: Any
    ):
        path = _save(tmp_path / "a.npz", clip=_poses(2, 3, joints), none=_poses(0, 3, joints))
        one, other = read_pose_archive(path, fps=25)
        assert one.skeleton is other.skeleton is skeleton and len(other.valid) == 0
        assert (one.label, one.group, one.split) == (None, None, None)

    def test_numbers_that_are_not_finite(self, tmp_path: Path):
        poses = _poses(2, 3)
        poses[0, 4, 0], poses[1, 5, 2] = np.nan, np.inf
        notes: list[str] = []
        path = _save(tmp_path / "a.npz", clip=poses)
        (clip,) = read_pose_archive(path, fps=25, on_note=notes.append)
        assert clip.keypoints is not None
        assert not clip.keypoints[0, 4].any() and not clip.keypoints[1, 5].any()
        assert "a.npz, clip: 2 joints hold numbers that are not finite" in notes[0]

    @pytest.mark.parametrize(
        ("array", "more", "message"),
        [
            (np.zeros((3, 17)), {}, r"clip: must be numbers \(frames, joints, 3 or 4\). Received"),
            (np.zeros((3, 17, 2)), {}, r"3 or 4\). Received: float64 \(3, 17, 2\)"),
            (np.array(["a"]), {}, r"Received: <U1 \(1,\)"),
            (np.zeros((3, 20, 3)), {}, "17 .coco17.*Received: 20. Name the skeleton"),
            (np.zeros((3, 16, 3)), {"skeleton": COCO17}, "coco17 has 17 joints. Received: 16"),
            (np.zeros((3, 17, 3)), {"min_score": 0.3}, "min_score needs a fourth column"),
            (np.zeros((3, 17, 3)), {"fps": 0}, "fps must be a positive number"),
            (np.array([None]), {}, "not an .npz file of plain arrays, or a damaged one"),
        ],
        ids=["flat", "columns", "text", "joints", "skeleton", "score", "fps", "objects"],
    )
    def test_arrays_that_are_no_clips(
        self, tmp_path: Path, array: np.ndarray, more: dict[str, Any], message: str
    ):
        path = _save(tmp_path / "a.npz", clip=array)
        given: dict[str, Any] = {"fps": 25} | more
        with pytest.raises(ValueError, match=message):
            read_pose_archive(path, **given)

    @pytest.mark.parametrize(
        ("patterns", "message"),
        [
            ({"label_pattern": r"person\d+"}, "label_pattern must have a group named 'label', as"),
            ({"group_pattern": "(?P<label>x)"}, "group_pattern must have a group named 'group'"),
            ({"label_pattern": "("}, r"label_pattern must be a regular expression \("),
            ({"test_pattern": "["}, r"test_pattern must be a regular expression \("),
            ({"label_pattern": "(?P<label>b)_0"}, "found in each name.* Not found in: 'a_0', 'a_1"),
            ({"label_pattern": "(?P<label>b?)"}, "found in each name.* Not found in: 'a_0', 'a_1"),
            ({"test_pattern": "_7"}, r"Pattern: '_7'. Found in 0 of 3, such as 'a_0', 'a_1', 'b_0"),
            ({"val_pattern": "_"}, "val_pattern must be found in some names .*Found in 3 of 3"),
            ({"val_pattern": "b", "test_pattern": "_0"}, "must not share names. Received: 'b_0'"),
        ],
    )
    def test_bad_patterns(self, tmp_path: Path, patterns: dict[str, Any], message: str):
        path = _save(tmp_path / "a.npz", a_0=_poses(1), a_1=_poses(1), b_0=_poses(1))
        with pytest.raises(ValueError, match=message):
            read_pose_archive(path, fps=25, **patterns)

    def test_labels_that_differ_in_case_only(self, tmp_path: Path):
        path = _save(tmp_path / "a.npz", Anna_0=_poses(1), anna_1=_poses(1))
        with pytest.raises(ValueError, match="Received: 'Anna' and 'anna'"):
            read_pose_archive(path, fps=25, label_pattern="(?P<label>[Aa]nna)")

    def test_train_val_and_test(self, tmp_path: Path):
        path = _save(tmp_path / "a.npz", a_0=_poses(1), a_1=_poses(1), a_2=_poses(1))
        clips = read_pose_archive(path, fps=25, val_pattern="_1", test_pattern="_2")
        assert [clip.split for clip in clips] == ["train", "val", "test"]


class TestFiles:
    def test_no_file(self, tmp_path: Path):
        with pytest.raises(ValueError, match="no such file. Give the path of the .npz file"):
            read_pose_archive(tmp_path / "a.npz", fps=25)

    def test_an_empty_archive(self, tmp_path: Path):
        with pytest.raises(ValueError, match="the archive is empty. It must hold one array"):
            read_pose_archive(_save(tmp_path / "a.npz"), fps=25)

    @pytest.mark.parametrize("damage", ["cut", "bits", "text", "empty", "npy"])
    def test_damaged(self, tmp_path: Path, damage: str):
        path = tmp_path / "a.npz"
        np.savez_compressed(path, clip=_poses(30))
        data = path.read_bytes()
        broken = {
            "cut": data[: len(data) // 2],
            "bits": data[:300] + bytes(200) + data[500:],
            "text": b"hello",
            "empty": b"",
        }
        if damage == "npy":
            with path.open("wb") as file:
                np.save(file, _poses(3))
        else:
            path.write_bytes(broken[damage])
        with pytest.raises(ValueError, match=r"a\.npz: not an \.npz file .* numpy\.savez"):
            read_pose_archive(path, fps=25)


class TestFlat:
    def _arrays(self, **change: Any) -> dict[str, Any]:
        arrays = {
            f"one_{split}_{part}": value
            for split, frames in (("train", 5), ("test", 3))
            for part, value in (
                ("poses", _poses(frames, 2, 15)),
                ("lengths", np.array([2, frames - 2])),
                ("labels", np.array(["walk", "run"])),
            )
        }
        return arrays | change

    def test_clips_behind_each_other(self, tmp_path: Path):
        arrays = self._arrays()
        clips = read_flat_archive(_save(tmp_path / "a.npz", **arrays), prefix="one", fps=10)
        assert [(c.name, c.label, c.split, len(c.valid)) for c in clips] == [
            ("one/train/0000", "walk", "train", 2),
            ("one/train/0001", "run", "train", 3),
            ("one/test/0000", "walk", "test", 2),
            ("one/test/0001", "run", "test", 1),
        ]
        assert clips[1].skeleton is JHMDB15 and clips[1].keypoints is not None
        assert np.array_equal(clips[1].keypoints[..., :2], arrays["one_train_poses"][2:])
        assert (clips[1].keypoints[..., 2] == 1).all()

    def test_joints_at_the_origin_and_clips_without_frames(self, tmp_path: Path):
        arrays = self._arrays(one_train_lengths=np.array([5, 0]), one_train_labels=np.arange(2))
        arrays["one_train_poses"][1, 3] = 0
        arrays["one_train_poses"][1, 4, 0] = np.nan
        notes: list[str] = []
        path = _save(tmp_path / "a.npz", **arrays)
        first, none, *_ = read_flat_archive(path, prefix="one", fps=10, on_note=notes.append)
        assert first.keypoints is not None and first.keypoints[1, :, 2].tolist().count(0) == 2
        assert len(none.valid) == 0 and (first.label, none.label) == ("0", "1")
        assert "1 joints are at (0, 0): missing" in notes[0] and "not finite" in notes[1]

    def test_with_confidence(self, tmp_path: Path):
        arrays = self._arrays(one_test_poses=_poses(3, 3, 15))
        clip = read_flat_archive(_save(tmp_path / "a.npz", **arrays), prefix="one", fps=10)[2]
        assert np.array_equal(clip.keypoints, arrays["one_test_poses"][:2])  # type: ignore[arg-type]

    def test_a_split_without_clips(self, tmp_path: Path):
        none = {
            "poses": np.zeros((0, 15, 2)),
            "lengths": np.zeros(0, int),
            "labels": np.zeros(0, int),
        }
        arrays = self._arrays(**{f"one_test_{part}": value for part, value in none.items()})
        clips = read_flat_archive(_save(tmp_path / "a.npz", **arrays), prefix="one", fps=10)
        assert {clip.split for clip in clips} == {"train"}

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (
                {"one_train_lengths": np.array([2, 2])},
                "number of frames .*, 5. Received a sum of 4",
            ),
            ({"one_train_lengths": np.array([6, -1])}, "whole numbers .clips,., none negative"),
            ({"one_train_lengths": np.array([2.0, 3])}, "whole numbers .* Received: float64"),
            ({"one_test_labels": np.array(["walk"])}, r"one_test_labels: .* Received: <U4 \(1,\)"),
            ({"one_test_labels": np.zeros(2)}, "texts or whole numbers .2,.* Received: float64"),
            ({"one_train_poses": np.zeros((5, 15, 4))}, r"joints, 2 or 3\). Received: float64"),
            ({"one_train_poses": np.zeros((5, 12, 2))}, "one_train_poses: .* Received: 12"),
        ],
    )
    def test_what_does_not_fit(self, tmp_path: Path, change: dict[str, Any], message: str):
        path = _save(tmp_path / "a.npz", **self._arrays(**change))
        with pytest.raises(ValueError, match=r"a\.npz.*" + message):
            read_flat_archive(path, prefix="one", fps=10)

    def test_another_prefix(self, tmp_path: Path):
        path = _save(tmp_path / "a.npz", **self._arrays())
        with pytest.raises(
            ValueError, match="Missing: two_train_poses.* It holds: one_train_poses"
        ):
            read_flat_archive(path, prefix="two", fps=10)


class TestReal:
    def test_kth(self, data_dir: Path):
        """Counts as the data's own description gives them."""
        path = data_dir / "sequences" / "kth_walking_persons01-12.npz"
        clips = read_pose_archive(
            path,
            fps=25,
            label_pattern=_LABEL,
            group_pattern=r"(?P<group>person\d+_walking_d\d)",
            test_pattern="_3$",
            min_score=0.3,
        )
        assert len(clips) == 180 and len({clip.label for clip in clips}) == 12
        assert len({clip.group for clip in clips}) == 48 - 3  # three of them are not there
        kept = [clip for clip in clips if clip.valid.sum() >= 50]
        assert len(kept) == 173
        assert Counter(clip.split for clip in kept) == {"train": 130, "test": 43}
        across = Counter("_d4_" in clip.name for clip in kept)
        assert across == {False: 125, True: 48}

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_jhmdb(self, data_dir: Path, number: int):
        path, prefix = data_dir / "sequences" / "jhmdb_poses.npz", f"split{number}"
        clips = read_flat_archive(path, prefix=prefix, fps=30)
        assert len(clips) == 609 and len({clip.label for clip in clips}) == 14
        assert all(clip.skeleton is JHMDB15 and clip.valid.all() for clip in clips)
        # People stand: their heads are above their feet nearly everywhere (y grows downward).
        points = np.concatenate([clip.keypoints for clip in clips if clip.keypoints is not None])
        face, ankle = JHMDB15.index("face"), JHMDB15.index("left_ankle")
        assert (points[:, face, 1] < points[:, ankle, 1]).mean() > 0.9
