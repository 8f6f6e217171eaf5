"""What each step of train.py writes: all that is ever removed from a run folder.

Other files in a run folder, such as a server's log or notes, are somebody else's and stay.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pose_activity.artifacts import manifest
from pose_activity.learning.history import TRAINING_FILES

_ROUNDS = tuple(f"round*/{name}" for name in ("args.yaml", "*.csv", "*.png", "*.jpg"))
_GRAPHS = ("start/pose.onnx", "start/pose.json", "start/judged.parquet")

TENSORS = ("tensors/*.npy", "tensors/*.txt")
ROUND_WEIGHTS = ("round*/weights/*.pt",)
STATES = ("states/*.keras", "states/best.weights.h5")
DATASET = (
    *("dataset/data.yaml", "dataset/images/*/*"),
    *("dataset/labels/*/*", "dataset/labels/*.cache"),
)
EVENTS = ("logs/*/events.out.tfevents.*",)
INT8 = ("*_int8.xml", "*_int8.bin", "*_int8.json")  # of `train.py precision`; each names its graph

STEP_FILES = {  # step -> patterns below its folder, of what the step itself writes
    "annotations": (
        *("samples.jsonl", "stage1.jsonl", "clips.parquet", "features.parquet"),
        *("cleaning.json", "cleaning_dry_run.json", "cleaning.png", "cleaned.coco.json"),
        *("rejections.csv", "duplicates.csv", "train.txt", "val.txt", "test.txt"),
    ),
    "stage1": (
        *("pose.onnx", "pose.json", "track.json", "metrics.json", "judged.parquet"),
        *("fitted.json", "best.pt", *_ROUNDS, *ROUND_WEIGHTS, *_GRAPHS, *DATASET),
    ),
    "cache": (
        *("index.parquet", "recipe.json", "poses.parquet", "clips.parquet", *TENSORS),
        *("unmatched.csv", "left_out.csv", "watched/*.parquet", "watched/asked.json"),
    ),
    "stage2": (
        *("classifier.onnx", "classifier.json", "linear.npz", "linear.json", "features.parquet"),
        *("pose_files.json", "augmentations.png", *TRAINING_FILES, *STATES),
    ),
    "report": (
        *("metrics.json", "metrics_val.json", "retrieval.json", "predictions.parquet"),
        *("report.md", "report.html", "per_class.csv", "confusion.png", "curves.png"),
    ),
}


def files_of(folder: Path, patterns: Iterable[str]) -> Iterator[Path]:
    """Yields the files below `folder` that fit a pattern; none that a link leads to."""
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            inner = path.relative_to(folder).parts[:-1]
            linked = any(folder.joinpath(*inner[: i + 1]).is_symlink() for i in range(len(inner)))
            if not linked and (path.is_file() or path.is_symlink()):
                yield path


def prune(folder: Path, files: Iterable[Path]) -> None:
    """Removes the folders below `folder` that these files lay in, where nothing is left in them."""
    parents = {parent for file in files for parent in file.parents if folder in parent.parents}
    for parent in sorted(parents, key=lambda path: -len(path.parts)):
        if parent.is_dir() and not parent.is_symlink() and not any(parent.iterdir()):
            parent.rmdir()


def files_of_step(folder: Path, step: str) -> list[Path]:
    """Returns the files in a step's folder that the step wrote, its manifest first."""
    own = [*files_of(folder, STEP_FILES[step])]
    return [path for path in (folder / manifest.NAME,) if path.is_file()] + own
