"""What train.py writes into a run folder; it lists in manifests, and removes, nothing else.

A step's result is what its kind says (`FILES` in `training/KIND/files.py`), and is listed in its
manifest. Beside it are intermediate files (`RESTS`), which no manifest lists and which may be
removed. Other files in a run folder, such as a server's log or notes, are not train.py's and stay.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pose_activity.artifacts import manifest
from pose_activity.artifacts.lock import NAME as LOCK
from pose_activity.learning.history import TRAINING_FILES
from pose_activity.training.kinds import KINDS

TENSORS = ("tensors/*.npy", "tensors/*.txt")
POSE_STATES = ("states/*.pt", "states/*.json", "round*/weights/*.pt")
STATES = ("states/*.keras", "states/best.weights.h5")
DATASET = (
    *("dataset/data.yaml", "dataset/images/*/*"),
    *("dataset/labels/*/*", "dataset/labels/*.cache"),
)
LOGS = ("logs/*/events.out.tfevents.*", "logs/tensorflow.txt")
INT8 = ("*_int8.xml", "*_int8.bin", "*_int8.json")  # of `train.py precision`; each names its graph

INSPECTED = "images.parquet"  # what is known of the labelled pictures' files

_PART = (
    *(manifest.NAME, LOCK, "index.parquet", "recipe.json", "poses.parquet", "unmatched.csv"),
    *("clips.parquet", "left_out.csv"),
)
PARTS = tuple(  # of a step that is made shard by shard, until they are merged
    f"parts/part-*/{name}" for name in (*_PART, *TENSORS, "watched/*.parquet", "watched/asked.json")
)

REPORT_PART = ("*.npy", "features.parquet")  # of a report that is made shard by shard

RESTS = {  # step -> patterns below its folder, of what may be removed while the result stays
    "annotations": ("cleaning_dry_run.json", INSPECTED),
    "stage1": ("judged.parquet", "start/judged.parquet", *POSE_STATES, *DATASET),
    "cache": (*TENSORS, "features.parquet", "watched/*.parquet", "watched/asked.json", *PARTS),
    "stage2": STATES,
    "report": tuple(f"parts/part-*/{name}" for name in (manifest.NAME, LOCK, *REPORT_PART)),
}
# Results that several kinds leave:
TRAINED_POSES = (
    *("best.pt", "fitted.json", "start/pose.onnx", "start/pose.json"),
    *(f"round*/{name}" for name in ("args.yaml", "*.csv", "*.png", "*.jpg")),
)
TRAINED = tuple(name for name in TRAINING_FILES if name != "states")
REPORT = (
    *("metrics.json", "predictions.parquet", "report.md", "report.html"),
    *("per_class.csv", "confusion.png", "curves.png"),
)


def patterns_of(step: str) -> list[str]:
    """Returns patterns, below a step's folder, of all that the step writes in any kind of run."""
    results = (pattern for kind in KINDS for pattern in kind.module("files").FILES[step])
    return [*dict.fromkeys([*results, *RESTS[step]])]


def files_of(folder: Path, patterns: Iterable[str]) -> Iterator[Path]:
    """Yields the files below `folder` that match a pattern; links are not followed."""
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            inner = path.relative_to(folder).parts[:-1]
            linked = any(folder.joinpath(*inner[: i + 1]).is_symlink() for i in range(len(inner)))
            if not linked and (path.is_file() or path.is_symlink()):
                yield path


def prune(folder: Path, files: Iterable[Path]) -> None:
    """Removes the folders below `folder` that held these files and are empty now."""
    parents = {parent for file in files for parent in file.parents if folder in parent.parents}
    for parent in sorted(parents, key=lambda path: -len(path.parts)):
        if parent.is_dir() and not parent.is_symlink() and not any(parent.iterdir()):
            parent.rmdir()


def files_of_step(folder: Path, step: str) -> list[Path]:
    """Returns the files in a step's folder that the step wrote, its manifest first."""
    own = [*files_of(folder, patterns_of(step))]
    return [path for path in (folder / manifest.NAME,) if path.is_file()] + own
