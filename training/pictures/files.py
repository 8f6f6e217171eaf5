"""The files that each step of a run on pictures leaves as its result; see `training.own_files`."""

from pose_activity.training.own_files import REPORT, TRAINED, TRAINED_POSES

HELD_OUT = "held_out.parquet"  # answers of linear heads to what they did not learn from
LEARNING_CURVE = "learning_curve.json"  # of linear heads, on val
LINEAR = "linear"  # in the folder of stage 2: the classifier that fine-tuning started from
FILES = {
    "annotations": (
        *("samples.jsonl", "stage1.jsonl", "cleaning.json", "cleaning.png", "cleaned.coco.json"),
        *("rejections.csv", "duplicates.csv", "near_duplicates.csv"),
        *("train.txt", "val.txt", "test.txt"),
    ),
    "stage1": (
        *("pose.onnx", "pose.json", "parts.onnx", "parts.json", "metrics.json"),
        *TRAINED_POSES,
    ),
    "cache": ("index.parquet", "recipe.json", "poses.parquet", "unmatched.csv"),
    "stage2": (
        *("classifier.onnx", "classifier.json", "augmentations.png", *TRAINED),
        *(
            "head.npz",
            "exported_head.npz",
            HELD_OUT,
            "changed_answers.csv",
            LEARNING_CURVE,
        ),  # of stage2.linear
        f"{LINEAR}/*",
    ),
    "report": (*REPORT, "metrics_val.json", "label_suspects.csv"),
}
