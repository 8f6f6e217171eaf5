"""How well a run's network does on the val split: for choices, never for headlines."""

from pose_activity.configs.parts import PartsRun
from pose_activity.stage1_parts import predict
from pose_activity.training.parts.judge import judge
from pose_activity.training.parts.report import history_of


def figures(run: PartsRun) -> dict[str, float]:
    """Judges the exported network on val; the loss is that of the kept epoch."""
    found, _, _ = judge(run, predict.load(run.run_dir / "stage2", threads=run.threads), "val")
    loss = history_of(run).kept.metrics.get("val_loss", float("nan"))
    return {
        "accuracy": found.pixel_accuracy,
        "miou": found.miou,
        "loss": loss,
        "n": found.images,
    }
