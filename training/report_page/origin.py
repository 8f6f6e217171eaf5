"""The last section: how to make the run again, from what, with which versions, in what time."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pose_activity.artifacts import manifest
from pose_activity.training.report_page.facts import (
    Block,
    Code,
    Column,
    Heading,
    Prose,
    Section,
    SideBySide,
    Table,
    pairs,
)
from pose_activity.training.runs import CONFIG, VERSIONS


def origin_section(run_dir: Path, steps: Sequence[str]) -> Section:
    """Returns what a run folder tells of its origin.

    Args:
        run_dir: The run.
        steps: The finished ones are told of.
    """
    config = (run_dir / CONFIG).read_text(encoding="utf-8")
    again: list[Block] = [
        Heading("Make this run again"),
        Prose(
            "With the same inputs and versions, this command makes the same run in another folder."
        ),
        Code("Command", command(run_dir)),
        Code("Configuration", config, summary="The whole configuration"),
    ]
    inputs = Table(
        "Inputs", [Column(n, "name") for n in ("step", "file", "sha256")], digests(run_dir, steps)
    )
    times = timings(run_dir, steps)
    total = sum(seconds for _, seconds in times) or 1
    rows = [
        (step, f"{s / 60:.1f} min" if s >= 60 else f"{s:.1f} s", [s / total]) for step, s in times
    ]
    columns = (Column("step"), Column("time"), Column(form="bars"))
    made = json.loads((run_dir / VERSIONS).read_text(encoding="utf-8"))
    blocks = [
        *again,
        *([Heading("Inputs and graphs"), inputs] if inputs.rows else []),
        SideBySide(
            [
                [Heading("Time per step"), Table("Time per step", columns, rows)],
                [Heading("Versions"), pairs("Versions", version_rows(made), "name")],
            ]
        ),
    ]
    return Section("origin", "Origin", "Recipe, inputs, versions", blocks)


def command(run_dir: Path) -> str:
    """Returns the command that makes a run again, in a folder beside it."""
    config, again = run_dir / CONFIG, run_dir.with_name(f"{run_dir.name}_again")
    return shlex.join(
        ["python", "train.py", "all", "--config", str(config), "--set", f"run_dir={again}"]
    )


def digests(run_dir: Path, steps: Sequence[str]) -> list[tuple[str, str, str]]:
    """Returns (step, name, sha256) of what the finished steps read, and of their graphs."""
    rows = []
    for step in steps:
        found = manifest.read(run_dir / step) or {"inputs": {}, "outputs": {}}
        graphs = {k: v for k, v in found["outputs"].items() if k.endswith(".onnx")}
        rows += [(step, name, sha256) for name, sha256 in (found["inputs"] | graphs).items()]
    return rows


def timings(run_dir: Path, steps: Sequence[str]) -> list[tuple[str, float]]:
    """Returns (step, seconds) of the finished steps."""
    found = {step: manifest.read(run_dir / step) for step in steps}
    return [(step, known["seconds"]) for step, known in found.items() if known]


def minutes(run_dir: Path, steps: Sequence[str]) -> dict[str, str]:
    """Returns what each step took, for a table of texts."""
    known = dict(timings(run_dir, steps))
    return {
        f"minutes for {step}": f"{known[step] / 60:.1f}" if step in known else "?" for step in steps
    }


def version_rows(versions: dict[str, Any]) -> list[tuple[str, str]]:
    """Returns (name, text) of what a run wrote down about where it was made."""
    packages = versions["packages"].items()
    return [
        *(
            (name.replace("_", " "), str(v or "unknown"))
            for name, v in versions.items()
            if name != "packages"
        ),
        *((name, v or "not installed") for name, v in packages),
    ]
