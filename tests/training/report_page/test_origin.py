"""The section that says how a run is made again."""

import json
import shlex
from pathlib import Path

from pose_activity.artifacts import manifest
from pose_activity.training.report_page import origin, text


def _finished(folder: Path) -> Path:
    (folder / "stage2").mkdir(parents=True)
    graph, history = folder / "stage2" / "classifier.onnx", folder / "stage2" / "history.csv"
    graph.write_bytes(b"graph")
    history.write_bytes(b"history")
    manifest.write(
        folder / "stage2",
        recipe={},
        inputs={"tensors": "ab" * 32},
        outputs=[graph, history],
        seconds=90.0,
    )
    (folder / "config.yaml").write_text("seed: 3\n", encoding="utf-8")
    made = {"python": "3.11.0", "git_commit": None, "packages": {"keras": "3.15.1"}}
    (folder / "versions.json").write_text(json.dumps(made), encoding="utf-8")
    return folder


def test_command_inputs_versions_and_times(tmp_path: Path) -> None:
    run = _finished(tmp_path / "my run")
    found = text.write_sections([origin.origin_section(run, ["cache", "stage2"])])
    graph = manifest.sha256_file(run / "stage2" / "classifier.onnx")
    for line in (
        f"    {origin.command(run)}",
        "    seed: 3",
        f"| stage2 | tensors | {'ab' * 32} |",
        f"| stage2 | classifier.onnx | {graph} |",
        "| stage2 | 1.5 min |",
        "| git commit | unknown |",
        "| keras | 3.15.1 |",
    ):
        assert line in found.splitlines(), line
    assert "history.csv" not in found
    assert origin.minutes(run, ["cache", "stage2"]) == {
        "minutes for cache": "?",
        "minutes for stage2": "1.5",
    }


def test_the_command_is_one_for_a_shell(tmp_path: Path) -> None:
    parts = shlex.split(origin.command(tmp_path / "my run"))
    assert parts[:4] == ["python", "train.py", "all", "--config"]
    assert parts[4:] == [
        str(tmp_path / "my run" / "config.yaml"),
        "--set",
        f"run_dir={tmp_path / 'my run_again'}",
    ]
