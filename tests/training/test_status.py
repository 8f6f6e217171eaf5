"""Each state of a step with its reason; and that asking changes nothing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pose_activity.artifacts import manifest
from pose_activity.artifacts.lock import locked
from pose_activity.configs import sections
from pose_activity.training import own_files
from pose_activity.training.runs import bytes_below, open_run
from pose_activity.training.status import StepStatus, show, step_statuses
from tests.commands import call, copy_of


def judge(run: Path, *overrides: str) -> dict[str, StepStatus]:
    return {found.step: found for found in step_statuses(open_run(run, None, overrides))}


def states(found: dict[str, StepStatus]) -> list[str]:
    return [found[step].state for step in sections.STEPS]


@pytest.fixture
def run(tiny_run: Path, tmp_path: Path) -> Path:
    return copy_of(tiny_run, tmp_path)


@pytest.fixture
def without_data(tiny_run: Path) -> Iterator[Path]:
    """The tiny run while labels and pictures, which lie outside the steps, are gone."""
    away = (tiny_run / "data").rename(tiny_run / "away")
    yield tiny_run
    away.rename(tiny_run / "data")


def test_a_finished_run_is_done_and_stays_untouched(tiny_run: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in tiny_run.rglob("*")}
    done = call("train.py", "status", "--run", tiny_run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "`train.py all` would do nothing" in done.stdout
    assert before == {path: path.stat().st_mtime_ns for path in tiny_run.rglob("*")}


def test_what_a_manifest_says_is_told(tiny_run: Path) -> None:
    found = judge(tiny_run)["report"]
    made = json.loads((tiny_run / "report" / "manifest.json").read_text(encoding="utf-8"))
    assert (found.seconds, found.counts) == (made["seconds"], made["counts"])
    files = [path for path in (tiny_run / "report").rglob("*") if path.is_file()]
    assert found.size == sum(path.stat().st_size for path in files) == bytes_below(files[0].parent)


def test_every_file_is_listed_by_its_step_or_a_rest(tiny_run: Path) -> None:
    for step in sections.STEPS:
        folder = tiny_run / step
        found = manifest.read(folder)
        there = {path for path in folder.rglob("*") if path.is_file()}
        rests = {*own_files.files_of(folder, own_files.RESTS[step])}
        assert found is not None
        assert {folder / name for name in found["outputs"]} == there - rests - {
            folder / manifest.NAME
        }


def test_a_changed_key_makes_its_step_and_all_after_it_stale(run: Path) -> None:
    found = judge(run, "stage2.dropout=0.5")
    assert states(found) == ["done", "done", "done", "stale", "stale"]
    assert found["stage2"].why == ("recipe.dropout: 0.2 -> 0.5",)
    assert found["report"].why == ("stage2 is not done",)


def test_another_configuration_is_named_on_the_command_line(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(
        (run / "config.yaml").read_text(encoding="utf-8").replace("batch: 32", "batch: 16"),
        encoding="utf-8",
    )
    done = call("train.py", "status", "--run", run, "--config", other)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "stage2: recipe.batch: 32 -> 16" in done.stdout
    assert "`train.py all` would make: stage2, report." in done.stdout


def test_sources_that_are_gone_are_named_and_not_compared(
    without_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = judge(without_data)
    assert states(found) == ["done"] * 5
    assert [name.split(" (")[0] for name in found["annotations"].notes] == ["labels", "images"]
    assert "data.images: none of 51 pictures is there" in found["cache"].notes[0]
    assert show(open_run(without_data))
    assert "not compared, since it is gone: labels" in capsys.readouterr().out


def test_weights_that_are_gone_are_never_downloaded(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSE_ACTIVITY_WEIGHTS", str(tmp_path / "none"))
    found = judge(run, "stage1.weights=nobody-has-this.pt", "stage1.fit.freeze=0")["stage1"]
    assert "No pose weights 'nobody-has-this.pt'" in found.notes[0]
    assert not (tmp_path / "none").exists()


def test_an_unfinished_step_is_missing(run: Path) -> None:
    (run / "cache" / manifest.NAME).unlink()
    found = judge(run)
    assert states(found) == ["done", "done", "missing", "stale", "stale"]
    assert found["cache"].why == ("started, not finished",)
    assert "cache is not done" in found["stage2"].why


def test_a_step_that_was_never_made_is_missing(run: Path) -> None:
    (run / "report").rename(run / "elsewhere")
    found = judge(run)["report"]
    assert (found.state, found.why, found.size) == ("missing", ("never made",), 0)


def test_what_an_earlier_step_lost_is_told_there(run: Path) -> None:
    (run / "stage1").rename(run / "elsewhere")
    found = judge(run)
    assert states(found) == ["done", "missing", "stale", "stale", "stale"]
    assert "stage1 is not done" in found["cache"].why


def test_altered_and_missing_outputs_are_named(run: Path) -> None:
    (run / "annotations" / "samples.jsonl").unlink()
    (run / "report" / "metrics.json").write_text("{}", encoding="utf-8")
    found = judge(run)
    assert "samples.jsonl: missing" in " ".join(found["annotations"].why)
    assert found["report"].why[0] == "metrics.json: altered since it was written"


def test_a_missing_tensor_leaves_later_steps_alone(run: Path) -> None:
    gone = min((run / "cache" / "tensors").glob("*.npy"))
    gone.unlink()
    found = judge(run)
    assert states(found) == ["done", "done", "stale", "done", "done"]
    assert found["cache"].why == (f"{gone.name}: missing",)


def test_a_damaged_manifest_is_a_reason_not_a_crash(run: Path) -> None:
    (run / "stage2" / manifest.NAME).write_text("{half", encoding="utf-8")
    found = judge(run)["stage2"]
    assert found.state == "stale" and "is not a manifest" in found.why[0]


def test_a_step_may_not_be_needed(run: Path) -> None:
    found = judge(run, "cache.planes=[rgb]", "stage1={train: false, weights: x.pt}")
    assert found["stage1"].state == "not needed"


def test_missing_paths_are_what_would_be_asked_for(
    without_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "plain.yaml"
    text = (without_data / "config.yaml").read_text(encoding="utf-8")
    config.write_text(
        text[text.index("data:") :].join([f"run_dir: {without_data}\n", ""]), encoding="utf-8"
    )
    show(open_run(without_data, config))
    out = capsys.readouterr().out
    assert "`train.py all` would first ask for: data.annotations: no such file" in out


def test_a_working_process_is_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with locked(run):
        show(open_run(run))
    assert "another process works on this run now" in capsys.readouterr().out


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"without config\.yaml and versions\.json"):
        open_run(tmp_path)
    done = call("train.py", "status", "--run", tmp_path / "nowhere")
    assert done.returncode == 2 and "--run must be a folder that train.py wrote" in done.stdout
    assert not (tmp_path / "nowhere").exists()
