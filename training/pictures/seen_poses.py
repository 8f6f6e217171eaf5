"""How much better stage 1's poses are on pictures that it was trained on than on new ones.

Stage 2 learns from the former and is used on the latter. Reads stage 1's metrics.json.
"""

from collections.abc import Mapping
from typing import Any

from pose_activity.stage1_pose.regression import FIGURES

MOST_GAP = 0.02  # from which a warning says so


def seen_rows(metrics: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """Returns (figure, its value on train, its value on held-out pictures)."""
    seen = metrics.get("seen", {})
    return [
        (text, seen[name], metrics[name])
        for name, text in FIGURES.items()
        if seen.get(name) is not None and metrics.get(name) is not None
    ]


def seen_note(metrics: Mapping[str, Any]) -> str | None:
    """Returns a warning where the poses that stage 2 learns from are better than it will get."""
    rows = [row for row in seen_rows(metrics) if row[1] - row[2] > MOST_GAP]
    if not rows:
        return None
    gaps = ", ".join(f"{text} {seen:.3f} and {new:.3f}" for text, seen, new in rows)
    return (
        f"WARNING: Poses are better on {metrics['seen']['n']:,} pictures that stage 1 was trained "
        f"on than on those of {metrics['split']}: {gaps}. Where stage 2 is trained on the same "
        "pictures, it expects better poses than it will get: train stage 1 on fewer of them "
        "(stage1.split), or keep the pretrained poses (stage1.train: false)"
    )
