"""The report's files."""

import csv
import dataclasses
import json
import time

import cv2
import numpy as np
import pytest

from pose_activity.learning.history import Epoch, History
from pose_activity.stage2_classifier.scores import score_files
from pose_activity.stage2_classifier.scores.evaluate import Report, evaluate

HISTORY = History(
    tuple(
        Epoch(
            i,
            "head" if i < 2 else "fine_tune",
            1e-3,
            {"loss": 2 - i / 4, "accuracy": i / 5, "val_loss": 2.1 - i / 5, "val_accuracy": i / 6},
            30.0,
        )
        for i in range(4)
    )
)


def _report(classes: int) -> Report:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), 5)
    probabilities = rng.random((len(labels), classes))
    probabilities[np.arange(len(labels)), labels] += 0.5
    names = [f"activity number {i}" for i in range(classes)]
    return evaluate(probabilities, labels, classes=names, split="test")


def test_writes_five_files(tmp_path):
    scores = _report(12)
    score_files.write(scores, HISTORY, tmp_path / "report", title="Run X", facts={"model": "lite0"})
    assert sorted(p.name for p in (tmp_path / "report").iterdir()) == [
        "confusion.png",
        "curves.png",
        "metrics.json",
        "per_class.csv",
        "report.md",
    ]
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text(encoding="utf-8"))
    assert Report.from_json(metrics) == scores


def test_the_text_names_split_figures_and_facts(tmp_path):
    scores = _report(6)
    score_files.write(scores, HISTORY, tmp_path, title="Run X", facts={"model": "lite0 | 240x320"})
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# Run X\n\n30 images of the split **test**, 6 classes.")
    assert f"| accuracy | {scores.accuracy:.4f} |" in text
    assert r"| model | lite0 \| 240x320 |" in text
    assert all(f"| {name} |" in text for name in scores.per_class)
    assert "4 epochs in 2.0 minutes. Kept: epoch 4 (fine_tune), validation loss 1.5000" in text


def test_names_the_worst_confusion_first(tmp_path):
    labels = np.array([0, 0, 0, 1, 2, 2])
    probabilities = np.eye(3)[[2, 2, 0, 1, 1, 2]]
    scores = evaluate(probabilities, labels, classes=["run", "sit", "walk"], split="test")
    score_files.write(scores, History(), tmp_path)
    table = (
        (tmp_path / "report.md").read_text(encoding="utf-8").split("## Most frequent confusions")[1]
    )
    assert table.index("| run | walk | 2 |") < table.index("| walk | sit | 1 |")


def test_without_a_history_there_are_no_curves(tmp_path):
    score_files.write(_report(3), History(), tmp_path)
    assert not (tmp_path / "curves.png").exists()
    assert "curves.png" not in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_a_perfect_report_has_no_confusions(tmp_path):
    scores = evaluate(np.eye(2), np.arange(2), classes=["a", "b"], split="test")
    score_files.write(scores, History(), tmp_path)
    assert "## Most frequent confusions\n\nNone." in (tmp_path / "report.md").read_text(
        encoding="utf-8"
    )


def test_the_picture_grows_with_the_classes(tmp_path):
    heights = []
    for classes in (6, 16, 24):
        score_files.write(_report(classes), HISTORY, tmp_path / str(classes))
        heights.append(cv2.imread(str(tmp_path / str(classes) / "confusion.png")).shape[0])  # type: ignore[union-attr]
    assert 400 < heights[0] < heights[1] < heights[2] < 1500


def test_the_csv_holds_every_class(tmp_path):
    scores = _report(5)
    score_files.write(scores, History(), tmp_path)
    with (tmp_path / "per_class.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == list(scores.per_class)
    for row, found in zip(rows, scores.per_class.values(), strict=True):
        assert {key: float(row[key]) for key in found} == pytest.approx(found, abs=1e-4)


def test_any_name_of_a_class(tmp_path):
    names = ["a$b$c", "a|b", "a_very_long_name_" * 9]
    scores = evaluate(np.eye(3)[[0, 0, 1]], np.arange(3), classes=names, split="test")
    score_files.write(scores, History(), tmp_path)
    assert (tmp_path / "confusion.png").stat().st_size


def test_ten_thousand_classes(tmp_path):
    """Bounded time, picture and text; nothing is lost in the CSV."""
    rng = np.random.default_rng(0)
    classes, images = 10_000, 12_000
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, images - classes)])
    names = [f"class {i}" for i in range(classes)]
    confusion: dict[str, dict[str, int]] = {}
    for label, answer in zip(labels, rng.permutation(labels), strict=True):
        row = confusion.setdefault(names[label], {})
        row[names[answer]] = row.get(names[answer], 0) + 1
    row = {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 1}
    scores = dataclasses.replace(
        _report(3), n=images, confusion=confusion, per_class={name: row for name in names}
    )
    started = time.process_time()
    score_files.write(scores, History(), tmp_path)
    assert time.process_time() - started < 20
    assert max(cv2.imread(str(tmp_path / "confusion.png")).shape) < 3000  # type: ignore[union-attr]
    assert len((tmp_path / "report.md").read_text(encoding="utf-8")) < 20_000
    assert "The 100 of 10000 classes with the most mistakes" in (tmp_path / "report.md").read_text(
        encoding="utf-8"
    )
    assert len((tmp_path / "per_class.csv").read_text(encoding="utf-8").splitlines()) == classes + 1
