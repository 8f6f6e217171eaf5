"""Scores pose weights with ultralytics' own validator. One of the few files that import torch."""

import tempfile
from pathlib import Path
from typing import Any

from pose_activity.stage1_pose import ultralytics_env


def validate(
    pose_weights: Path,
    data_yaml: Path,
    *,
    split: str,
    image_size: int,
    pose: float = 12.0,
    batch: int = 16,
    workers: int = 0,
    device: str | None = None,
    threads: int | None = None,
) -> dict[str, float]:
    """Measures weights on one split of a YOLO data set.

    Args:
        pose_weights: A `.pt` file.
        data_yaml: The data set.
        split: "train", "val" or "test".
        image_size: Longer side in pixels.
        pose: Weight of the joints' loss, as in `fit`.
        batch: Pictures a step.
        workers: Processes that load pictures.
        device: See `fit`.
        threads: CPU threads of torch; None leaves its choice.

    Returns:
        `box_map50, box_map50_95, pose_map50, pose_map50_95` in [0, 1] and `pose_loss`, the
        keypoint loss that results.csv calls val/pose_loss: averaged over batches.

    Raises:
        FileNotFoundError: one of the two files is missing.
    """
    for path in (pose_weights, data_yaml):
        if not path.is_file():
            raise FileNotFoundError(f"There is no {path}. Train stage 1 first.")
    ultralytics_env.prepare()
    import torch
    from ultralytics import YOLO

    with tempfile.TemporaryDirectory(prefix="pose-activity-val-") as folder:
        model = YOLO(pose_weights, task="pose")
        if threads:
            model.add_callback("on_val_start", lambda _: torch.set_num_threads(threads))
        validator = _run(
            model,
            data=str(data_yaml.resolve()),
            split=split,
            imgsz=image_size,
            batch=batch,
            workers=workers,
            device=device,
            project=folder,
            plots=False,
            verbose=False,
        )
    metrics = validator.metrics
    return {
        "box_map50": float(metrics.box.map50),
        "box_map50_95": float(metrics.box.map),
        "pose_map50": float(metrics.pose.map50),
        "pose_map50_95": float(metrics.pose.map),
        "pose_loss": _pose_loss(YOLO(pose_weights, task="pose").model, validator, pose),
    }


def _run(model: Any, **settings: Any) -> Any:
    """Runs `model.val` and returns the validator, which holds the data loader too."""
    kept = []
    model.add_callback("on_val_end", kept.append)
    model.val(**settings)
    return kept[0]


def _pose_loss(model: Any, validator: Any, pose: float) -> float:
    """A second pass: ultralytics calculates validation losses during training only."""
    import torch
    from ultralytics.cfg import get_cfg

    model.to(validator.device).eval()
    model.args = get_cfg(overrides={"pose": pose})
    losses = []
    with torch.inference_mode():
        for batch in validator.dataloader:
            batch = validator.preprocess(batch)
            losses.append(float(model.loss(batch)[1]["pose_loss"]))
    return sum(losses) / len(losses)
