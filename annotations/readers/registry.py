"""Every format of labels: which reader reads it, what it needs, and what it can give.

A reader is a function, imported when it is first used, so that importing this table costs
nothing. `PICTURES` give `Sample`s, `CLIPS` give `Clip`s (or a `FeatureTable`), `PARTS` give
`RawParts`. To add a format, write one file beside this one and one entry here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

PATTERNS = frozenset({"label_pattern", "group_pattern", "val_pattern", "test_pattern"})


@dataclass(frozen=True)
class Reader:
    """One format.

    Attributes:
        function: "module.function" in this folder. Its arguments by position are paths: of images
            the file with the labels, if there is one, and the folder of the images; of clips the
            one file or folder.
        file: What the file with the labels is, for a message; None: a folder is read.
        options: The named arguments that it takes; each is the key of a configuration, or
            `on_note` or `on_unread`, which are called with what was left out or guessed.
        groups: Where groups come from, for a message; None: it knows none.
        files: "module.function" in this folder that lists, from the same paths, every file that the
            labels name; None: it may be any image in the folder.
        has_joints: Whether people have keypoints.
        needs_people: Whether an image without people is of no use.
        has_splits: Whether an item may name its split.
        knows_images: Whether the labels say which folder the images are in.
        keeps_splits: Whether splits that its items name (by their folders, or by the data set's own
            division) are kept and filled up where sizes are given, too.
    """

    function: str
    file: str | None = None
    options: frozenset[str] = frozenset()
    groups: str | None = None
    files: str | None = None
    has_joints: bool = True
    needs_people: bool = False
    has_splits: bool = True
    knows_images: bool = False
    keeps_splits: bool = False

    def read(self, *paths: Path | None, **options: Any) -> Any:
        """Reads labels with those of the options that the function takes."""
        taken = {name: value for name, value in options.items() if name in self.options}
        return load(self.function)(*paths, **taken)

    def list_files(self, *paths: Path | None) -> list[Path] | None:
        """Returns every file that the labels name, or None if that is unknown."""
        return [*load(self.files)(*paths)] if self.files else None


def load(function: str) -> Callable[..., Any]:
    """Imports a function of this folder, named "module.function"."""
    module, _, name = function.partition(".")
    return getattr(import_module(f"{__package__}.{module}"), name)


_NOTES = frozenset({"on_note"})
PICTURES = {
    "mpii": Reader(
        "mpii.read_mpii",
        file="MPII's RELEASE .mat file",
        groups="groups come from vididx",
        needs_people=True,
        has_splits=False,
    ),
    "lsp": Reader(
        "lsp.read_lsp",
        file="Leeds Sports Pose's joints.mat",
        needs_people=True,
        keeps_splits=True,
    ),
    "folder": Reader(
        "folder.read_folder",
        options=_NOTES | {"group_pattern", "on_unread"},
        groups="groups come from group_pattern",
        has_joints=False,
        keeps_splits=True,
    ),
    "coco": Reader(
        "coco.read_coco",
        file="a COCO keypoint .json file",
        options=_NOTES,
        groups="groups come from the key group of an image",
    ),
    "yolo": Reader(
        "yolo.read_yolo",
        file="the data.yaml of a YOLO pose data set",
        options=_NOTES,
        files="yolo.files_of",
        knows_images=True,
    ),
    "table": Reader(
        "table.read_table",
        file="a .csv or .parquet file with the columns image and activity",
        options=_NOTES,
        groups="groups come from the column group",
        has_joints=False,
    ),
}
CLIPS = {
    "videos": Reader(
        "video_folder.read_video_folder",
        options=_NOTES | PATTERNS | {"ranges", "lists", "fold"},
        has_joints=False,
        keeps_splits=True,
    ),
    "openpose": Reader(
        "openpose.read_pose_folder",
        options=_NOTES | PATTERNS | {"fps"},
        keeps_splits=True,
    ),
    "poses": Reader(
        "pose_archives.read_archive",
        file="an .npz archive of pose sequences",
        options=_NOTES | PATTERNS | {"prefix", "skeleton", "fps", "min_score"},
    ),
    "penn_action": Reader("penn_action.read_penn_action", options=_NOTES | {"fps"}),
    "features": Reader(
        "feature_table.read_features",
        file="a .csv or .parquet table of features",
        has_joints=False,
    ),
}
_PART_OPTIONS = _NOTES | {"scheme", "group_pattern"}
PARTS = {
    "masks": Reader(
        "part_folder.read_part_folder",
        options=_PART_OPTIONS | {"colours", "tolerance", "on_unread"},
        groups="groups come from group_pattern",
        has_joints=False,
        keeps_splits=True,
    ),
    "people3d": Reader(
        "people3d.read_people3d",
        options=_NOTES | {"colours", "tolerance", "every"},
        has_joints=False,
        keeps_splits=True,
    ),
    "archives": Reader(
        "part_archives.read_part_archives",
        options=_PART_OPTIONS | {"every"},
        has_joints=False,
        keeps_splits=True,
    ),
}
