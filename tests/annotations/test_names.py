"""Names of activities: which cannot be told apart, also from what a prediction says."""

from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest

from pose_activity.annotations.names import STATES, check_names
from pose_activity.annotations.readers.feature_table import read_features
from pose_activity.annotations.readers.folder import read_folder
from pose_activity.annotations.readers.openpose import read_pose_folder
from pose_activity.annotations.readers.pose_archives import read_flat_archive, read_pose_archive
from pose_activity.annotations.readers.table import read_table
from pose_activity.annotations.readers.video_folder import read_video_folder
from pose_activity.inference.results import UNKNOWN, Result


def test_states_are_those_of_predictions():
    assert Result.status.fget is not None
    statuses = {*get_args(get_type_hints(Result.status.fget)["return"])} - {"ok"}
    assert {*STATES} == statuses | {UNKNOWN}


@pytest.mark.parametrize("name", ["unknown", "Nobody", "ERROR", " error\t", "unkno\u0077n"])
def test_a_state_is_no_activity(name: str):
    with pytest.raises(ValueError, match="x: an activity must not be called unknown, nob"):
        check_names(Path("x"), ["run", name])
    check_names(Path("x"), ["run", f"{name} 2", "top3", "ok", None])


def test_spaces_do_not_make_another_name():
    with pytest.raises(ValueError, match="Received: 'run' and 'run '. Merge"):
        check_names(Path("x"), ["run", "run "])


@pytest.mark.parametrize(
    "reader", ["folder", "table", "videos", "openpose", "archive", "flat", "features"]
)
def test_every_reader_refuses_a_state(tmp_path: Path, reader: str):
    with pytest.raises(ValueError, match="Received: 'Unknown'. Rename it"):
        READERS[reader](tmp_path)


def _folder(root: Path, ending: str) -> Path:
    for label in ("run", "Unknown"):
        (root / label).mkdir()
        (root / label / f"a{ending}").write_text("[]", encoding="utf-8")
    return root


def _text(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def _archive(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, allow_pickle=False, **arrays)
    return path


def _flat(folder: Path) -> list:
    arrays = {}
    for split, label in (("train", "run"), ("test", "Unknown")):
        arrays[f"s_{split}_poses"] = np.ones((2, 15, 2))
        arrays[f"s_{split}_lengths"] = np.array([2])
        arrays[f"s_{split}_labels"] = np.array([label])
    return read_flat_archive(_archive(folder / "a.npz", **arrays), prefix="s", fps=25)


READERS = {
    "folder": lambda root: read_folder(_folder(root, ".jpg")),
    "table": lambda root: read_table(
        _text(root / "t.csv", "image,activity\na.jpg,run\nb.jpg,Unknown\n"), root
    ),
    "videos": lambda root: read_video_folder(_folder(root, ".mp4")),
    "openpose": lambda root: read_pose_folder(_folder(root, ".json"), fps=25),
    "archive": lambda root: read_pose_archive(
        _archive(root / "a.npz", run_1=np.ones((2, 17, 3)), Unknown_1=np.ones((2, 17, 3))),
        fps=25,
        label_pattern="(?P<label>.+)_",
    ),
    "flat": _flat,
    "features": lambda root: read_features(_text(root / "t.csv", "0,label\n1,run\n2,Unknown\n")),
}
