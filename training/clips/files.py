"""The files that each step of a run on clips leaves as its result; see `training.own_files`."""

from pose_activity.training.own_files import REPORT, TRAINED

FILES = {
    "annotations": (
        *("clips.parquet", "features.parquet", "rejections.csv", "duplicates.csv"),
        *("train.txt", "val.txt", "test.txt"),
    ),
    "stage1": ("pose.onnx", "pose.json", "track.json"),
    "cache": ("index.parquet", "recipe.json", "clips.parquet", "left_out.csv"),
    "stage2": (
        *("classifier.onnx", "classifier.json", "linear.npz", "linear.json", "features.parquet"),
        *("pose_files.json", *TRAINED),
    ),
    "report": (*REPORT, "retrieval.json"),
}
