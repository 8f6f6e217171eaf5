"""The step stage2 of a run with fine_tune: which of both classifiers is kept."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

DRAWN = Path(__file__).with_name("fine_tune_drawn.py")


@pytest.mark.slow
def test_keeps_the_better_of_both(tmp_path):
    command = [sys.executable, DRAWN, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    *said, last = done.stdout.splitlines()
    linear, tuned = json.loads(last)
    assert (linear["kept"], linear["same graph"], linear["head"]) == ("linear", True, True)
    assert (tuned["kept"], tuned["same graph"], tuned["head"]) == ("fine_tuned", False, False)
    assert tuned["moved"] < 1e-4, "as the start, at a rate that gains nothing"
    assert linear["val_accuracy"] == linear["linear_val_accuracy"] == tuned["val_accuracy"]
    assert tuned["linear_val_accuracy"] == -1
    text = "".join(said)
    assert "the linear classifier is kept" in text and "the fine-tuned network is kept" in text
