"""What each kind removes, what it never touches, and that the rest still works."""

import shutil
from pathlib import Path
from typing import get_args

import pytest

from pose_activity import train
from pose_activity.annotations.videos import Frame
from pose_activity.artifacts.lock import locked
from pose_activity.cache.store import open_cache
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.training import clean
from pose_activity.training.runs import bytes_below, open_run
from pose_activity.training.status import step_statuses
from tests.commands import call, copy_of, drawn_in, train_tiny

FILES = (
    "config.yaml versions.json predictions.csv data/picture.jpg logs/stage2/events.out.tfevents.1 "
    "annotations/manifest.json annotations/samples.jsonl "
    "stage1/manifest.json stage1/pose.onnx stage1/best.pt stage1/metrics.json "
    "stage1/round1/results.csv stage1/round1/weights/last.pt stage1/dataset/images/train/a.jpg "
    "cache/manifest.json cache/poses.parquet cache/tensors/a.npy cache/tensors/a.txt "
    "stage2/manifest.json stage2/classifier.onnx stage2/classifier.keras "
    "stage2/history.csv stage2/training.json stage2/states/003.keras "
    "report/manifest.json report/metrics.json "
    "search/search.csv search/best.yaml search/study.db "
    "search/trial_0/config.yaml search/trial_0/stage2/manifest.json "
    "search/trial_0/cache/tensors/a.npy"
).split()
REMOVED = {
    "tensors": {"cache/tensors/a.npy", "cache/tensors/a.txt"},
    "logs": {"logs/stage2/events.out.tfevents.1"},
    "states": {"stage1/round1/weights/last.pt", "stage2/states/003.keras"},
    "dataset": {"stage1/dataset/images/train/a.jpg"},
    "search": {
        "search/trial_0/config.yaml",
        "search/trial_0/stage2/manifest.json",
        "search/trial_0/cache/tensors/a.npy",
    },
    "all": set(FILES) - {"predictions.csv", "data/picture.jpg"},
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder that looks like a run."""
    for name in FILES:
        path = tmp_path / "run" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("ten bytes.", encoding="utf-8")
    return tmp_path / "run"


def yes(question: str) -> bool:
    return True


def files_of(run: Path) -> set[str]:
    found = (path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())
    return {*found} - {".lock"}


@pytest.mark.parametrize("kind", clean.KINDS)
def test_a_kind_removes_its_own_and_counts_bytes(run: Path, kind: str) -> None:
    before = bytes_below(run)
    freed = clean.clean(run, kind, agree=yes)
    assert files_of(run) == set(FILES) - REMOVED[kind]
    assert freed == before - bytes_below(run) == 10 * len(REMOVED[kind])


def test_what_a_trial_shares_with_the_run_frees_nothing(run: Path) -> None:
    shared = run / "search/trial_0/cache/tensors/a.npy"
    shared.unlink()
    shared.hardlink_to(run / "cache/tensors/a.npy")
    assert clean.clean(run, "search", agree=yes) == 20 and not shared.exists()
    assert (run / "cache/tensors/a.npy").read_text(encoding="utf-8") == "ten bytes."


def test_an_unfinished_training_begins_anew(run: Path) -> None:
    (run / "stage2" / "classifier.keras").unlink()
    clean.clean(run, "states", agree=yes)
    left = {path.name for path in (run / "stage2").iterdir()}
    assert left == {"manifest.json", "classifier.onnx"}  # no history without its states


def test_nothing_goes_without_a_yes(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = []
    clean.clean(run, "all", agree=lambda question: bool(asked.append(question)))
    assert files_of(run) == set(FILES)
    assert asked == [f"Remove {10 * len(REMOVED['all'])} bytes?"]
    assert "cache" in capsys.readouterr().out


@pytest.mark.parametrize("kind", clean.KINDS)
def test_what_others_put_there_stays(
    run: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = (
        "logs/server.log logs/stage2/server.log logs/thesis.docx logs/stage2/profile/trace.json "
        "cache/tensors/notes.md cache/manifest.json.bak stage1/round1/weights/README "
        "stage1/dataset/mine.zip stage2/states/notes.docx stage2/mine.onnx report/thesis.docx "
        "annotations/labels.xlsx deploy.sh .hidden/key search/notes.txt search/trial_0/mine.txt"
    ).split()
    for name in theirs:
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text("theirs", encoding="utf-8")
    clean.clean(run, kind, agree=yes)
    assert files_of(run) == (set(FILES) | {*theirs}) - REMOVED[kind]
    assert "kept, since train.py did not write them" in " ".join(capsys.readouterr().out.split())


def test_a_step_that_is_made_again_is_a_rest_of_a_training(run: Path) -> None:
    for name in ("stage2/.new/states/004.keras", "report/.new/metrics.json"):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text("half", encoding="utf-8")
    clean.clean(run, "tensors", agree=yes)
    assert (run / "stage2/.new/states/004.keras").exists()
    clean.clean(run, "states", agree=yes)
    assert not (run / "stage2/.new").exists() and (run / "report/.new").exists()
    clean.clean(run, "all", agree=yes)
    assert files_of(run) == {"predictions.csv", "data/picture.jpg"}


def test_without_a_kind_sizes_are_shown(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert clean.clean(run, None, agree=yes) == 0
    assert files_of(run) == set(FILES)
    shown = capsys.readouterr().out
    assert all(kind in shown for kind in clean.KINDS)


def test_an_emptied_run_goes_whole(run: Path) -> None:
    (run / "predictions.csv").unlink()
    shutil.rmtree(run / "data")
    clean.clean(run, "all", agree=yes)
    assert not run.exists()


def test_nothing_to_remove_is_said(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clean.clean(run, "logs", agree=yes)
    assert clean.clean(run, "logs", agree=yes) == 0
    assert "nothing to remove" in capsys.readouterr().out


def test_links_and_what_they_lead_to_stay(run: Path, tmp_path: Path) -> None:
    elsewhere = (run / "cache" / "tensors").rename(tmp_path / "big disk")
    (run / "cache" / "tensors").symlink_to(elsewhere)
    assert clean.clean(run, "tensors", agree=yes) == 0
    assert sorted(path.name for path in elsewhere.iterdir()) == ["a.npy", "a.txt"]
    clean.clean(run, "all", agree=yes)
    assert sorted(path.name for path in elsewhere.iterdir()) == ["a.npy", "a.txt"]


def test_what_killed_processes_left_goes_too(run: Path) -> None:
    for name in ("cache/.old-tensors/a.npy", "stage2/.tmp-x.keras", ".old-stage2/half"):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text("half", encoding="utf-8")
    clean.clean(run, "dataset", agree=yes)
    assert files_of(run) == set(FILES) - REMOVED["dataset"]


@pytest.mark.parametrize("after", range(1, len(REMOVED["all"]) - 1))
def test_killed_while_removing_no_step_looks_finished(
    run: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    removed = []

    def die(path: Path) -> None:
        if len(removed) == after:
            raise KeyboardInterrupt
        removed.append(path.unlink())

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(clean, "remove", die)
        clean.clean(run, "all", agree=yes)
    assert after < 5 or not list(run.glob("*/manifest.json"))
    assert (run / "config.yaml").is_file()
    clean.clean(run, "all", agree=yes)
    assert files_of(run) == {"predictions.csv", "data/picture.jpg"}


def test_only_an_idle_run_is_cleaned(run: Path, tmp_path: Path) -> None:
    with locked(run), pytest.raises(BlockingIOError, match="in use by another process"):
        clean.clean(run, "tensors", agree=yes)
    with pytest.raises(ValueError, match=r"a folder that train\.py wrote.*without config\.yaml"):
        clean.clean(tmp_path, "all", agree=yes)
    with pytest.raises(ValueError, match=r"--what must be one of tensors, .*Received: 'scores'"):
        clean.clean(run, "scores", agree=yes)
    assert files_of(run) == set(FILES)


def test_the_program_itself_is_no_run(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clean, "PROJECT", run / "program")
    with pytest.raises(ValueError, match="holds this program itself"):
        clean.clean(run, "all", agree=yes)


def test_tensors_can_be_done_without_and_made_again(tiny_run: Path, tmp_path: Path) -> None:
    run = copy_of(tiny_run, tmp_path)
    done = call("train.py", "clean", "--run", run, "--what", "tensors", "--yes")
    assert done.returncode == 0 and "freed" in done.stdout, done.stdout + done.stderr
    entries = open_cache(run / "cache").entries
    (row,) = PicturePredictor(run).answer(Frame.of_picture(entries[0].source)).rows
    assert row.error is None and row.ranking
    found = {standing.step: standing for standing in step_statuses(open_run(run))}
    assert [s.state for s in found.values()] == ["done", "done", "stale", "done", "done"]
    assert len(found["cache"].why) == 2 * len(entries)
    assert train_tiny(run, "cache", *drawn_in(tiny_run)).returncode == 0
    assert all(standing.state == "done" for standing in step_statuses(open_run(run)))


def test_of_a_real_run_nothing_stays(tiny_run: Path, tmp_path: Path) -> None:
    """The list of what the steps write is complete."""
    run = copy_of(tiny_run, tmp_path)
    done = call("train.py", "clean", "--run", run, "--what", "all", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not run.exists(), sorted(run.rglob("*"))


def test_the_command_line_knows_the_kinds() -> None:
    assert get_args(train.What) == tuple(clean.KINDS)
