"""MPII's RELEASE file with every irregularity that the official one has."""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from pose_activity.annotations.names import MPII_ACTIVITIES
from pose_activity.annotations.readers.mpii import read_mpii
from pose_activity.annotations.skeleton import MPII16
from pose_activity.annotations.types import Sample

_EMPTY = np.zeros((0, 0))
_HEAD = {"x1": 627.0, "y1": 100.0, "x2": 706.0, "y2": 198.0}


def _structs(items: list[dict[str, Any]]) -> np.ndarray:
    """Returns a MATLAB struct array; a field that an item lacks is an empty array in it."""
    names = list(dict.fromkeys(name for item in items for name in item))
    array = np.empty(len(items), [(name, object) for name in names])
    for i, item in enumerate(items):
        for name in names:
            array[i][name] = item.get(name, _EMPTY)
    return array


def _points(*points: dict[str, Any]) -> dict[str, Any]:
    return {"point": _structs(list(points))}


def _point(joint: str, x: float, y: float, **flag: Any) -> dict[str, Any]:
    return {"x": x, "y": y, "id": MPII16.index(joint), **flag}


def _write(path: Path, entries: list[dict[str, Any]], acts: list[Any] | None = None) -> Path:
    names = {"image": [{"name": f"{i:09}.jpg"} for i in range(len(entries))]}
    annolist = _structs([{"image": names["image"][i]} | entry for i, entry in enumerate(entries)])
    release: dict[str, Any] = {"annolist": annolist, "img_train": np.ones(len(entries))}
    if acts is not None:
        release["act"] = _structs([{"act_name": _EMPTY, "cat_name": a, "act_id": -1} for a in acts])
    savemat(path, {"RELEASE": release})
    return path


def _read_one(tmp_path: Path, entry: dict[str, Any], act: Any = "running") -> Sample:
    (sample,) = read_mpii(_write(tmp_path / "r.mat", [entry], [act]), None)
    return sample


def _joint(sample: Sample, name: str, person: int = 0) -> list[float]:
    return sample.keypoints[person, MPII16.index(name)].tolist()


class TestPeople:
    @pytest.mark.parametrize(
        "annorect",
        [
            _EMPTY,
            {"x1": 1.0},
            {"annopoints": _EMPTY, **_HEAD},
            {"annopoints": {"point": _EMPTY}, **_HEAD},
            _structs([{"annopoints": _EMPTY}, {"scale": 2.0}]),
        ],
        ids=["empty", "without annopoints", "empty annopoints", "empty point", "several"],
    )
    def test_nobody_with_points(self, tmp_path: Path, annorect: Any):
        sample = _read_one(tmp_path, {"annorect": annorect})
        assert sample.boxes.shape == (0, 4) and sample.keypoints.shape == (0, 16, 3)
        assert sample.activity == "running"

    def test_no_field_annorect(self, tmp_path: Path):
        assert len(_read_one(tmp_path, {}).boxes) == 0

    def test_one_struct(self, tmp_path: Path):
        rect = {"annopoints": _points(_point("pelvis", 5, 6), _point("thorax", 7, 8)), **_HEAD}
        sample = _read_one(tmp_path, {"annorect": rect})
        assert len(sample.boxes) == 1 and not sample.boxes.any()
        assert _joint(sample, "thorax") == [7, 8, 1]
        assert (sample.keypoints[..., 2] > 0).sum() == 2

    def test_an_array_keeps_those_with_points(self, tmp_path: Path):
        rects = [
            {"annopoints": _points(_point("pelvis", 1, 2)), **_HEAD},
            {"scale": 3.0},
            {"annopoints": _points(_point("pelvis", 3, 4), _point("thorax", 3, 1)), **_HEAD},
        ]
        sample = _read_one(tmp_path, {"annorect": _structs(rects)})
        assert [_joint(sample, "pelvis", i) for i in range(2)] == [[1, 2, 1], [3, 4, 1]]

    def test_one_point_instead_of_an_array(self, tmp_path: Path):
        rect = {"annopoints": {"point": _point("head_top", 9.25, -3.5, is_visible="0")}}
        sample = _read_one(tmp_path, {"annorect": rect})
        assert _joint(sample, "head_top") == [9.25, -3.5, 0.5]

    @pytest.mark.parametrize(
        ("flag", "v"),
        [(1, 1.0), (0, 0.5), ("1", 1.0), ("0", 0.5), (_EMPTY, 1.0), ("", 1.0), (True, 1.0)],
        ids=repr,
    )
    def test_visibility_flags(self, tmp_path: Path, flag: Any, v: float):
        points = _points(_point("pelvis", 5, 6, is_visible=flag), _point("thorax", 7, 8))
        sample = _read_one(tmp_path, {"annorect": {"annopoints": points}})
        assert _joint(sample, "pelvis") == [5, 6, v]

    def test_a_joint_without_coordinates_is_missing(self, tmp_path: Path):
        points = _points(_point("pelvis", np.nan, 6), {"x": 1, "id": 3}, _point("thorax", 7, 8))
        sample = _read_one(tmp_path, {"annorect": {"annopoints": points}})
        assert np.flatnonzero(sample.keypoints[0, :, 2]).tolist() == [MPII16.index("thorax")]

    @pytest.mark.parametrize("joint", [16, -1, 2.5, _EMPTY], ids=repr)
    def test_an_impossible_joint_id_is_refused(self, tmp_path: Path, joint: Any):
        points = _points({"x": 1, "y": 1, "id": joint})
        with pytest.raises(ValueError, match=r"entry 0 \(000000000\.jpg\): a joint id must be"):
            _read_one(tmp_path, {"annorect": {"annopoints": points}})

    def test_a_text_as_coordinate_is_refused(self, tmp_path: Path):
        points = _points({"x": "left", "y": 1, "id": 3})
        with pytest.raises(ValueError, match=r"entry 0 .* could not convert"):
            _read_one(tmp_path, {"annorect": {"annopoints": points}})


class TestHeadSize:
    # The first labelled person of the official file: both ways must give the same length.
    NECK = _point("upper_neck", 637.0201, 189.8183)
    TOP = _point("head_top", 695.9799, 108.1817)

    def _size(self, tmp_path: Path, rect: dict[str, Any], *points: dict[str, Any]) -> float:
        return float(
            _read_one(tmp_path, {"annorect": {"annopoints": _points(*points), **rect}}).head_sizes[
                0
            ]
        )

    def test_from_the_rectangle(self, tmp_path: Path):
        expected = 0.6 * np.hypot(79, 98)
        assert self._size(tmp_path, _HEAD, self.NECK, self.TOP) == pytest.approx(expected)

    @pytest.mark.parametrize("rect", [{}, _HEAD | {"x2": 627.0}, {"x1": _EMPTY, "y1": 3.0}])
    def test_from_the_neck_when_there_is_no_rectangle(self, tmp_path: Path, rect: dict[str, Any]):
        expected = 0.6 * np.hypot(79, 98)
        size = self._size(tmp_path, rect, self.NECK, self.TOP)
        assert size == pytest.approx(expected, rel=1e-4)

    def test_unknown(self, tmp_path: Path):
        assert self._size(tmp_path, {}, self.NECK) == 0


class TestEntries:
    def test_activities_groups_and_names(self, tmp_path: Path):
        entries = [{"vididx": 12}, {"vididx": _EMPTY}, {}]
        path = _write(tmp_path / "r.mat", entries, ["running", _EMPTY, "inactivity quiet/light"])
        samples = list(read_mpii(path, Path("photos")))
        assert [s.activity for s in samples] == ["running", None, "inactivity quiet/light"]
        assert [s.group for s in samples] == ["video-12", None, None]
        assert samples[2].image == Path("photos/000000002.jpg")
        assert all(s.size is None and s.split is None for s in samples)

    def test_no_activities_at_all(self, tmp_path: Path):
        (sample,) = read_mpii(_write(tmp_path / "r.mat", [{}]), None)
        assert sample.activity is None and sample.image == Path("000000000.jpg")

    def test_activities_of_another_file(self, tmp_path: Path):
        path = _write(tmp_path / "r.mat", [{}, {}], ["running"])
        with pytest.raises(ValueError, match="must have the same length. Received: 2 and 1"):
            list(read_mpii(path, None))

    def test_an_entry_without_image(self, tmp_path: Path):
        path = _write(tmp_path / "r.mat", [{}, {"image": _EMPTY}], ["running", "running"])
        with pytest.raises(ValueError, match=r"entry 1 of RELEASE\.annolist names no image"):
            list(read_mpii(path, None))


class TestBrokenFiles:
    def test_absent(self, tmp_path: Path):
        with pytest.raises(ValueError, match=r"there is no such file. Download mpii_human_pose"):
            list(read_mpii(tmp_path / "absent.mat", None))

    @pytest.mark.parametrize("kept", [0, 60, 128, 140, 300, 0.5, 0.9, -1], ids=str)
    def test_truncated(self, tmp_path: Path, kept: float):
        path = _write(tmp_path / "r.mat", [{"annorect": {"x1": i}} for i in range(20)], None)
        data = path.read_bytes()
        path.write_bytes(data[: int(kept * len(data)) if isinstance(kept, float) else kept])
        with pytest.raises(ValueError, match=r"r\.mat: (not a MATLAB file|MPII's file holds)"):
            list(read_mpii(path, None))

    def test_flipped_bytes_in_a_compressed_file(self, tmp_path: Path):
        savemat(tmp_path / "r.mat", {"RELEASE": np.arange(5000.0)}, do_compression=True)
        data = bytearray((tmp_path / "r.mat").read_bytes())
        data[1000:1100] = bytes(100)
        (tmp_path / "r.mat").write_bytes(data)
        with pytest.raises(ValueError, match="not a MATLAB file, or a damaged one"):
            list(read_mpii(tmp_path / "r.mat", None))

    def test_text(self, tmp_path: Path):
        path = tmp_path / "r.mat"
        path.write_text("<html>404 not found</html>" * 50, encoding="utf-8")
        with pytest.raises(ValueError, match="not a MATLAB file, or a damaged one"):
            list(read_mpii(path, None))

    def test_another_layout(self, tmp_path: Path):
        savemat(tmp_path / "r.mat", {"other": 1})
        with pytest.raises(ValueError, match="a struct RELEASE with the field annolist"):
            list(read_mpii(tmp_path / "r.mat", None))

    def test_matlab_7_3(self, tmp_path: Path):
        header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
        (tmp_path / "r.mat").write_bytes(header + bytes(1000))
        with pytest.raises(ValueError, match="MATLAB 7.3 .* with the option -v7"):
            list(read_mpii(tmp_path / "r.mat", None))


class TestRealFile:
    def test_counts(self, mpii_release: list[Sample]):
        with_joints = [s for s in mpii_release if len(s.boxes)]
        assert len(mpii_release) == 24_987 and len(with_joints) == 17_372
        assert sum(s.activity is not None for s in with_joints) == 17_331
        k = np.concatenate([s.keypoints for s in mpii_release])
        assert ((k[..., :2] < 0).any(-1) & (k[..., 2] > 0)).sum() == 251
        assert {s.activity for s in with_joints} == {*MPII_ACTIVITIES, None}

    def test_categories_of_the_published_table(self, mpii_release: list[Sample], data_dir: Path):
        with (data_dir / "mpii" / "mpii_image_labels.csv").open(encoding="utf-8") as file:
            table = {row["image"]: row["category"] for row in csv.DictReader(file)}
        wrong = Counter(
            (s.activity or "", table[s.image.name])
            for s in mpii_release
            if s.image.name in table and (s.activity or "") != table[s.image.name]
        )
        assert not wrong

    def test_joints_of_the_published_conversion(self, mpii_release: list[Sample], data_dir: Path):
        by_name = {s.image.name: s for s in mpii_release}
        for row in json.loads(
            (data_dir / "mpii" / "images_5" / "test_mpii.json").read_text(encoding="utf-8")
        ):
            keypoints = by_name[row["image"]].keypoints[0]
            seen = np.array(row["joints_vis"]) > 0
            np.testing.assert_allclose(
                keypoints[seen, :2], np.array(row["joints"])[seen], atol=1e-4
            )
            assert not keypoints[~seen].any()
