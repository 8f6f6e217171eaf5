"""Pose graphs that are used again: another model's, and exports in the user's cache folder."""

from pathlib import Path

import pytest

from pose_activity.stage1_pose import kept_graph
from pose_activity.stage1_pose.predict import GRAPH, SIDECAR
from tests.inference.motion_model import write_pose


def test_a_graph_is_kept_and_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_pose(tmp_path / "stage1")
    weights = tmp_path / "yolo.pt"
    weights.write_bytes(b"some weights")
    place = kept_graph.place_of(weights, size=640, skeleton="coco17")
    assert place.is_relative_to(tmp_path / "cache" / "pose-activity")
    assert not kept_graph.take(place, tmp_path / "run")
    assert kept_graph.keep(tmp_path / "stage1", place)
    assert kept_graph.take(place, tmp_path / "run")
    for name in (GRAPH, SIDECAR):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "stage1" / name).read_bytes()


def test_what_it_was_made_from_decides_the_place(tmp_path: Path) -> None:
    weights, others = tmp_path / "yolo.pt", tmp_path / "others" / "yolo.pt"
    others.parent.mkdir()
    weights.write_bytes(b"some weights")
    others.write_bytes(b"other weights")
    places = {
        kept_graph.place_of(file, size=size, skeleton=skeleton)
        for file, size, skeleton in (
            *((weights, 640, "coco17"), (weights, 320, "coco17")),
            *((weights, 640, "mpii16"), (others, 640, "coco17")),
        )
    }
    assert len(places) == 4


def test_a_damaged_graph_is_not_taken(tmp_path: Path) -> None:
    write_pose(tmp_path / "kept")
    (tmp_path / "kept" / GRAPH).write_bytes(b"half")
    assert not kept_graph.take(tmp_path / "kept", tmp_path / "run")
    with pytest.raises(ValueError):
        kept_graph.copy(tmp_path / "kept", tmp_path / "run")


def test_a_place_that_cannot_be_written_to_is_no_error(tmp_path: Path) -> None:
    write_pose(tmp_path / "stage1")
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    assert not kept_graph.keep(tmp_path / "stage1", tmp_path / "file" / "graphs")
