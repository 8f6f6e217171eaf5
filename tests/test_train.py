"""The whole way on drawn pictures, and what a second call does."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.images import load_rgb, write_image
from pose_activity.annotations.sample_files import read_samples
from pose_activity.artifacts import manifest
from pose_activity.cache.store import open_cache
from pose_activity.training.file_digest import MEMORY
from tests.commands import call, copy_of, drawn_in, train_tiny

ROOT = Path(__file__).resolve().parent.parent
START = """
import os, sys
sys.path.insert(0, "")
from pathlib import Path
from tests import commands
def replace(script, *arguments, fresh):
    command = [sys.executable, script, *map(str, arguments)]
    os.execv(sys.executable, command)
commands.call = replace
commands.train_tiny(Path(sys.argv[1]), "stage2", *sys.argv[2:])
"""  # becomes the process that `train_tiny` would wait for
STEPS = ("annotations", "stage1", "cache", "stage2", "report")


def test_every_step_vouches_for_its_folder(tiny_run: Path) -> None:
    for step in STEPS:
        found = manifest.read(tiny_run / step)
        assert found is not None and found["outputs"], step
        assert manifest.altered(tiny_run / step, found) == []
        if step == "report":
            there = {path.name for path in (tiny_run / step).iterdir()}
            assert {*found["outputs"], manifest.NAME} == there
    for name in (
        "config.yaml",
        "versions.json",
        "annotations/cleaning.json",
        "annotations/cleaning.png",
        "annotations/rejections.csv",
        "stage1/pose.onnx",
        "stage1/metrics.json",
        "cache/poses.parquet",
        "stage2/classifier.onnx",
        "report/report.html",
        "report/report.md",
        "report/predictions.parquet",
        "report/per_class.csv",
        "report/confusion.png",
        "report/curves.png",
    ):
        assert (tiny_run / name).stat().st_size > 0, name


def test_the_cleaner_found_what_was_injected(tiny_run: Path) -> None:
    cleaning = json.loads((tiny_run / "annotations" / "cleaning.json").read_text(encoding="utf-8"))
    faults = {
        k: len(v)
        for k, v in json.loads((tiny_run / "data/faults.json").read_text(encoding="utf-8")).items()
    }
    rules = cleaning["rules"]
    assert rules["negative"] == faults["negative_joint"]
    assert rules["outside"] == faults["outside_joint"]
    assert rules["no_annotations"] == faults["no_annorect"] + faults["empty_annopoints"]
    assert rules["empty_activity"] == faults["no_activity"]
    assert rules["unreadable"] == faults["empty_file"] + faults["truncated_file"]
    assert rules["missing_file"] == faults["missing_file"]
    assert rules["head_padding"] == faults["no_head_top"]
    assert rules["ankle_padding"] == faults["no_ankles"]
    gone = ("no_annotations", "empty_activity", "unreadable", "missing_file")
    assert cleaning["kept"] == cleaning["entries"] - sum(rules[rule] for rule in gone)


def test_metrics_have_the_documented_keys(tiny_run: Path) -> None:
    metrics = json.loads((tiny_run / "report" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["split"] == "test"
    assert metrics["n"] == len(open_cache(tiny_run / "cache").of_split("test"))
    assert {"accuracy", "weighted_precision", "weighted_recall", "per_class"} <= set(metrics)
    stage1 = json.loads((tiny_run / "stage1" / "metrics.json").read_text(encoding="utf-8"))
    names = "box_map50 box_map50_95 pose_map50 pose_map50_95 pose_loss pckh50 pckh50_per_joint"
    assert set(names.split()) <= set(stage1)


def test_stage_1_may_have_a_split_of_its_own(tiny_run: Path) -> None:
    samples = read_samples(tiny_run / "annotations" / "stage1.jsonl")
    counts = Counter(sample.split for sample in samples)
    assert (counts["train"], counts["val"], counts[None]) == (18, 7, len(samples) - 25)
    pictures = (tiny_run / "stage1" / "dataset" / "images").rglob("*.jpg")
    assert Counter(path.parent.name for path in pictures) == {"train": 18, "val": 7}
    assert (
        json.loads((tiny_run / "stage1" / "metrics.json").read_text(encoding="utf-8"))["split"]
        == "val"
    )


def test_an_image_keeps_its_role_and_clips_are_not_cut(tiny_run: Path) -> None:
    samples = read_samples(tiny_run / "annotations" / "samples.jsonl")
    roles = {sample.image: sample.split for sample in samples}
    cached = {entry.source: entry.split for entry in open_cache(tiny_run / "cache").entries}
    assert cached == roles
    groups: dict[str | None, set[str | None]] = {}
    for sample in samples:
        groups.setdefault(sample.group, set()).add(sample.split)
    assert all(len(splits) == 1 for splits in groups.values())
    for split in ("train", "val", "test"):
        listed = (
            (tiny_run / "annotations" / f"{split}.txt").read_text(encoding="utf-8").split("\n")[:-1]
        )
        assert listed == [str(image) for image, role in roles.items() if role == split]


def test_a_second_call_does_nothing(tiny_run: Path) -> None:
    def times() -> dict[Path, int]:
        files = (path for path in tiny_run.rglob("*") if path.is_file())
        return {path: path.stat().st_mtime_ns for path in files if path.name != MEMORY}

    before = times()
    for step in ("annotations", "cache", "report"):
        done = train_tiny(tiny_run, step)
        assert done.returncode == 0 and "up to date" in done.stdout, done.stdout
    assert before == times()


def test_a_step_on_a_stale_one_is_refused_with_the_key(tiny_run: Path) -> None:
    done = train_tiny(tiny_run, "stage2", "--set", "cache.width=96")
    assert done.returncode == 2
    assert "recipe.width: 64 -> 96" in done.stdout and "train.py cache" in done.stdout


def test_another_recipe_asks_stage_1_nothing(tiny_run: Path, tmp_path: Path) -> None:
    copy = copy_of(tiny_run, tmp_path)
    poses = (copy / "cache" / "poses.parquet").stat().st_mtime_ns
    change = ("--set", "cache.heatmap.style=gaussian")
    done = train_tiny(copy, "cache", *change, *drawn_in(tiny_run))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "recipe.heatmap.style: 'skeleton' -> 'gaussian'" in done.stdout
    assert (copy / "cache" / "poses.parquet").stat().st_mtime_ns == poses
    assert open_cache(copy / "cache").recipe.heatmap.style == "gaussian"


def test_stage_1_is_exported_and_measured_anew_without_training_anew(
    tiny_run: Path, tmp_path: Path
) -> None:
    """PCKh is of the poses that are used; what went wrong after a training costs no training."""
    copy = copy_of(tiny_run, tmp_path)
    best = copy / "stage1" / "best.pt"
    trained, before = best.stat().st_mtime_ns, manifest.read(copy / "stage1")
    weights = best.read_bytes()
    change = ("--set", "stage1.predict.confidence=0.0001", "--set", "stage1.export_size=96")
    done = train_tiny(copy, "stage1", *change, *drawn_in(tiny_run))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "recipe.predict.confidence: 0.25 -> 0.0001" in done.stdout
    assert "trained before" in done.stdout and "epoch 1" not in done.stdout
    assert best.read_bytes() == weights
    assert json.loads((copy / "stage1" / "pose.json").read_text(encoding="utf-8"))["size"] == 96
    after = manifest.read(copy / "stage1")
    assert before and after and after["counts"]["pckh50"] != before["counts"]["pckh50"]
    (copy / "stage1" / "manifest.json").unlink()
    (copy / "stage1" / "pose.onnx").unlink()
    done = train_tiny(copy, "stage1", *drawn_in(tiny_run))
    assert done.returncode == 0, done.stdout + done.stderr
    again = manifest.read(copy / "stage1")
    assert again and again["counts"] == before["counts"]
    assert again["outputs"] == before["outputs"], "the same weights give the same graph, bit by bit"
    assert best.stat().st_mtime_ns == trained


def test_a_new_split_makes_later_steps_stale(tiny_run: Path, tmp_path: Path) -> None:
    copy = copy_of(tiny_run, tmp_path)
    change = ("--set", "split.train=0.5", "--set", "split.val=0.3", *drawn_in(tiny_run))
    assert train_tiny(copy, "annotations", *change).returncode == 0
    done = train_tiny(copy, "report", *change)
    assert done.returncode == 2, done.stdout + done.stderr
    # Stage 1 takes none of the pictures that stage 2 holds out, so it is the first that differs.
    assert "Step 'stage1' does not fit: inputs.learned" in done.stdout


def test_a_missing_tensor_is_made_again(tiny_run: Path, tmp_path: Path) -> None:
    copy = copy_of(tiny_run, tmp_path)
    gone = min((copy / "cache" / "tensors").glob("*.npy"))
    before = gone.read_bytes()
    gone.unlink()
    done = train_tiny(copy, "cache", *drawn_in(tiny_run))
    assert done.returncode == 0 and f"{gone.name}: missing" in done.stdout, done.stdout
    assert gone.read_bytes() == before


def test_without_its_pictures_a_finished_cache_stays(tiny_run: Path, tmp_path: Path) -> None:
    copy = copy_of(tiny_run, tmp_path)
    elsewhere = ("--set", "data.images=nowhere")
    done = train_tiny(copy, "cache", *drawn_in(tiny_run), *elsewhere)
    assert done.returncode == 2 and "data.images: no such folder: nowhere" in done.stdout
    assert open_cache(copy / "cache").entries == open_cache(tiny_run / "cache").entries


@pytest.fixture
def test_picture(tiny_run: Path) -> Iterator[Path]:
    """A picture of the test split that stage 1's own split does not use; given back as it was."""
    samples = read_samples(tiny_run / "annotations" / "samples.jsonl")
    used = read_samples(tiny_run / "annotations" / "stage1.jsonl")
    roles = {sample.image for sample in used if sample.split}
    picture = next(s.image for s in samples if s.split == "test" and s.image not in roles)
    before, state = picture.read_bytes(), picture.stat()
    yield picture
    picture.write_bytes(before)
    os.utime(picture, ns=(state.st_atime_ns, state.st_mtime_ns))


def test_a_touched_picture_makes_nothing_again(
    tiny_run: Path, tmp_path: Path, test_picture: Path
) -> None:
    os.utime(test_picture)
    copy = copy_of(tiny_run, tmp_path)
    for step in STEPS:
        done = train_tiny(copy, step, *drawn_in(tiny_run))
        assert done.returncode == 0 and "up to date" in done.stdout, done.stdout


def test_a_changed_test_picture_trains_nothing_again(
    tiny_run: Path, tmp_path: Path, test_picture: Path
) -> None:
    copy = copy_of(tiny_run, tmp_path)
    networks = ("stage1/best.pt", "stage1/pose.onnx", "stage2/classifier.onnx")
    before = {name: (copy / name).stat().st_mtime_ns for name in networks}
    scores = (copy / "report" / "predictions.parquet").read_bytes()
    write_image(test_picture, np.ascontiguousarray(load_rgb(test_picture)[:, ::-1]))
    done = train_tiny(copy, "all", *drawn_in(tiny_run))
    assert done.returncode == 0, done.stdout + done.stderr
    made = [line for line in done.stdout.splitlines() if line.startswith(("making", "up to date"))]
    assert [line.split()[0] for line in made] == ["making", "up", "making", "up", "making"], made
    assert before == {name: (copy / name).stat().st_mtime_ns for name in networks}
    assert (copy / "report" / "predictions.parquet").read_bytes() != scores


def test_the_old_result_stays_where_the_new_one_fails(tiny_run: Path, tmp_path: Path) -> None:
    copy = copy_of(tiny_run, tmp_path)
    (copy / "stage2" / "thesis.docx").write_text("theirs", encoding="utf-8")
    names = ("stage2/classifier.onnx", "stage2/history.csv", "stage2/thesis.docx")
    before = {name: (copy / name).read_bytes() for name in names}
    wrong = ("--set", "stage2.learning_rate=1e30")
    done = train_tiny(copy, "stage2", *drawn_in(tiny_run), *wrong, fresh=True)
    assert done.returncode == 2 and "The loss must stay finite" in done.stdout, done.stdout
    assert done.stderr == "", "TensorFlow's start-up lines are in the log"
    assert (copy / "logs" / "tensorflow.txt").is_file()
    assert before == {name: (copy / name).read_bytes() for name in names}
    done = train_tiny(copy, "stage2", *drawn_in(tiny_run))
    assert done.returncode == 0 and "up to date" in done.stdout, done.stdout


def test_a_training_that_is_stopped_can_be_finished(tiny_run: Path, tmp_path: Path) -> None:
    copy = copy_of(tiny_run, tmp_path)
    long = (*drawn_in(tiny_run), "--set", "stage2.epochs=2000", "--set", "stage2.patience=2000")
    history = copy / "stage2" / ".new" / "history.csv"
    nothing = train_tiny(copy, "stage2", *long, "--finish")
    assert nothing.returncode == 2, nothing.stdout
    assert "holds a training that was asked for otherwise: epochs: 1 -> 2000" in nothing.stdout
    command = [sys.executable, "-c", START, str(copy), *long]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, **pipes, cwd=ROOT) as process:
        end = time.monotonic() + 240
        while not history.exists() or len(history.read_text(encoding="utf-8").splitlines()) < 3:
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 130, out
    assert "resumes after the last whole epoch" in out and "--finish" in out
    done = train_tiny(copy, "stage2", *long, "--finish")
    assert done.returncode == 0, done.stdout + done.stderr
    epochs = len((copy / "stage2" / "history.csv").read_text(encoding="utf-8").splitlines()) - 1
    found = manifest.read(copy / "stage2")
    assert found and found["counts"]["finished_early"] == f"after {epochs} of 2000 epochs"
    assert not history.exists() and not (copy / "stage2" / "states").exists()
    again = train_tiny(copy, "stage2", *long)
    assert again.returncode == 0 and "up to date" in again.stdout
    shown = call("train.py", "status", "--run", copy)
    assert f"finished early after {epochs} of 2000 epochs" in shown.stdout, shown.stdout


def test_drawing_never_deletes_what_it_did_not_draw(tmp_path: Path) -> None:
    photo = tmp_path / "tiny" / "data" / "holiday.jpg"
    photo.parent.mkdir(parents=True)
    photo.touch()
    done = train_tiny(tmp_path / "tiny", "annotations")
    assert done.returncode == 2 and "holds other files" in done.stdout
    assert photo.exists()


def test_an_empty_split_is_refused_at_once(tmp_path: Path) -> None:
    change = ("--set", "split={train: 0.99, val: 0.005, test: 0.005}")
    done = train_tiny(tmp_path / "tiny", "annotations", *change)
    assert done.returncode == 2 and "No picture for test" in done.stdout, done.stdout


def test_dry_run_needs_no_pictures(tmp_path: Path, tiny_run: Path) -> None:
    config = tmp_path / "dry.yaml"
    config.write_text(
        f"run_dir: {tmp_path}/run\n"
        f"data: {{format: mpii, annotations: {tiny_run}/data/release.mat, images: nowhere}}\n",
        encoding="utf-8",
    )
    done = call("train.py", "annotations", "--config", str(config), "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr
    rules = json.loads(
        (tmp_path / "run" / "annotations" / "cleaning.json").read_text(encoding="utf-8")
    )["rules"]
    assert rules["outside"] == rules["unreadable"] == "not checked"
    assert rules["negative"] == 2
    assert call("train.py", "annotations", "--config", str(config)).returncode == 2


def test_strict_makes_rejections_an_error(tmp_path: Path, tiny_run: Path) -> None:
    config = tmp_path / "strict.yaml"
    data = tiny_run / "data"
    config.write_text(
        f"run_dir: {tmp_path}/run\n"
        f"data: {{format: mpii, annotations: {data}/release.mat, images: {data}/images}}\n",
        encoding="utf-8",
    )
    done = call("train.py", "annotations", "--config", str(config), "--strict")
    assert done.returncode == 2 and "9 rejections, see" in done.stdout
    assert (
        len((tmp_path / "run/annotations/rejections.csv").read_text(encoding="utf-8").splitlines())
        == 10
    )


def test_a_missing_step_is_named(tmp_path: Path) -> None:
    config = tmp_path / "x.yaml"
    config.write_text(
        f"run_dir: {tmp_path}/run\n"
        f"data: {{format: folder, images: {tmp_path}}}\n"
        "stage1: {train: false}\n",
        encoding="utf-8",
    )
    done = call("train.py", "report", "--config", str(config))
    assert done.returncode == 2
    assert "Step 'annotations' is not finished. Run: python train.py annotations" in done.stdout


@pytest.mark.parametrize("command", ["train.py", "infer.py"])
def test_help_shows_an_example(command: str) -> None:
    done = call(command, "--help")
    assert done.returncode == 0 and f"Example: python {command}" in " ".join(done.stdout.split())
