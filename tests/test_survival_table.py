"""The table of docs/survival.md: whatever was stopped came back, and ended the same."""

import json
from pathlib import Path

from benchmarks.survival_cases import CASES

ROOT = Path(__file__).resolve().parents[1]
STEPS = {f"{name}/{step.name}" for name, case in CASES.items() for step in case.steps}


def test_every_step_that_was_stopped_ended_as_if_it_had_not_been() -> None:
    text = (ROOT / "benchmarks/results/survival.json").read_text(encoding="utf-8")
    steps = json.loads(text)["steps"]
    assert {*steps} <= STEPS
    for name, found in steps.items():
        assert found["tried"] == found["survived"] == found["identical"], name
