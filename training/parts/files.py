"""The files that each step of a run on body parts leaves; see `training.own_files`."""

from pose_activity.stage1_parts.predict import GRAPH, SIDECAR
from pose_activity.training.own_files import TRAINED

IMAGES = "images.csv"  # of the report: a row for each image
FILES = {
    "annotations": (
        *(
            "samples.jsonl",
            "masks/*.png",
            "images/*.png",
            "cleaning.json",
            "cleaning.png",
            "rejections.csv",
        ),
        *("train.txt", "val.txt", "test.txt"),
    ),
    "stage1": ("pose.onnx", "pose.json"),
    "cache": ("index.parquet", "recipe.json", "poses.parquet"),
    "stage2": (GRAPH, SIDECAR, *TRAINED),
    "report": ("metrics.json", IMAGES, "report.md", "report.html", "per_class.csv"),
}
