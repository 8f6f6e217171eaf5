"""The files that each step of a run on pictures leaves as its result; see `training.own_files`."""

from pose_activity.training.own_files import REPORT, TRAINED, TRAINED_POSES

FILES = {
    "annotations": (
        *("samples.jsonl", "stage1.jsonl", "cleaning.json", "cleaning.png", "cleaned.coco.json"),
        *("rejections.csv", "duplicates.csv", "near_duplicates.csv"),
        *("train.txt", "val.txt", "test.txt"),
    ),
    "stage1": ("pose.onnx", "pose.json", "metrics.json", *TRAINED_POSES),
    "cache": ("index.parquet", "recipe.json", "poses.parquet", "unmatched.csv"),
    "stage2": (
        *("classifier.onnx", "classifier.json", "augmentations.png", *TRAINED),
        *("head.npz", "held_out.parquet", "changed_answers.csv"),  # of stage2.linear
    ),
    "report": (*REPORT, "metrics_val.json", "label_suspects.csv"),
}
