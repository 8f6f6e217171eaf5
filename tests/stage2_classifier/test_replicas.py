"""Two workers with half of every batch each learn what one learns from the whole batches."""

import json
from pathlib import Path

import pytest

from tests.stage2_classifier.conftest import Child

TOLERANCE = 1e-4  # sums in another order, over six epochs


@pytest.mark.slow
def test_the_loss_curve_is_that_of_one_worker(
    child: Child, cache_folder: Path, tmp_path: Path
) -> None:
    curves = []
    for replicas in (1, 2):
        done = child("train_replicas", cache_folder, tmp_path / str(replicas), replicas, fresh=True)
        curves.append(json.loads(done.stdout.splitlines()[-1]))
    alone, together = curves
    assert len(alone) == len(together) == 6
    for one, two in zip(alone, together, strict=True):
        assert two == pytest.approx(one, abs=TOLERANCE)
    assert alone[-1]["loss"] < 0.9 * alone[0]["loss"]
    assert all((tmp_path / name / "classifier.keras").exists() for name in "12")
