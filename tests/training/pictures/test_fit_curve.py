"""The learning curve of a linear head."""

import json
from pathlib import Path

import numpy as np

from pose_activity.stage2_classifier.frozen.fit import fit_head
from pose_activity.training.pictures.fit_curve import write_curve


def draw(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng, ids = np.random.default_rng(seed), np.arange(n) % 3
    means = np.random.default_rng(9).normal(0, 1, (3, 20))
    return (means[ids] + rng.normal(0, 2, (n, 20))).astype(np.float32), ids


def curve(folder: Path, held_out: int) -> float:
    """Writes it; returns the accuracy of the head that learned from all."""
    (vectors, ids), (others, truth) = draw(120, 0), draw(held_out, 1)
    head = fit_head(vectors, ids, classes=3, C=0.01)
    write_curve(
        folder,
        vectors,
        ids,
        held_out=others,
        held_out_ids=truth,
        classes=3,
        groups=[str(i // 2) for i in range(120)],
        joints=0,
        head=head,
        C=0.01,
        joint_weight=0.0,
        seed=0,
        threads=2,
    )
    return float((head.probabilities(others).argmax(1) == truth).mean()) if held_out else 0.0


def test_the_curve_is_of_parts_of_train_on_val(tmp_path: Path) -> None:
    whole = curve(tmp_path, 90)
    points = json.loads((tmp_path / "learning_curve.json").read_text(encoding="utf-8"))
    sizes = [point["n"] for point in points]
    assert sizes == sorted(sizes) and sizes[-1] == 120 and len(points) == 5
    assert 0.4 < points[0]["accuracy"] < points[-1]["accuracy"] == whole


def test_without_a_val_split_there_is_none(tmp_path: Path) -> None:
    curve(tmp_path, 0)
    assert [*tmp_path.iterdir()] == []
