"""The report's files."""

import json

import cv2
import numpy as np
import pytest

from stage2_classifier import report
from stage2_classifier.evaluate import Report, evaluate
from stage2_classifier.history import Epoch, History

HISTORY = History(
    tuple(
        Epoch(
            i, "head" if i < 2 else "fine_tune", 1e-3, 2.0 - i / 4, i / 5, 2.1 - i / 5, i / 6, 30.0
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


@pytest.mark.parametrize("classes", [2, 40])
def test_writes_four_files(tmp_path, classes):
    scores = _report(classes)
    report.write(scores, HISTORY, tmp_path / "report", title="Run X", facts={"model": "lite0"})
    assert sorted(p.name for p in (tmp_path / "report").iterdir()) == [
        "confusion.png",
        "curves.png",
        "metrics.json",
        "report.md",
    ]
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text())
    assert Report.from_json(metrics) == scores


def test_the_text_names_split_figures_and_facts(tmp_path):
    scores = _report(6)
    report.write(scores, HISTORY, tmp_path, title="Run X", facts={"model": "lite0 | 240x320"})
    text = (tmp_path / "report.md").read_text()
    assert text.startswith("# Run X\n\n30 images of the split **test**, 6 classes.")
    assert f"| accuracy | {scores.accuracy:.4f} |" in text
    assert r"| model | lite0 \| 240x320 |" in text
    assert all(f"| {name} |" in text for name in scores.per_class)
    assert "4 epochs in 2.0 minutes. Kept: epoch 4 (fine_tune), validation loss 1.5000" in text


def test_names_the_worst_confusion_first(tmp_path):
    labels = np.array([0, 0, 0, 1, 2, 2])
    probabilities = np.eye(3)[[2, 2, 0, 1, 1, 2]]
    scores = evaluate(probabilities, labels, classes=["run", "sit", "walk"], split="test")
    report.write(scores, History(), tmp_path)
    table = (tmp_path / "report.md").read_text().split("## Most frequent confusions")[1]
    assert table.index("| run | walk | 2 |") < table.index("| walk | sit | 1 |")


def test_without_a_history_there_are_no_curves(tmp_path):
    report.write(_report(3), History(), tmp_path)
    assert not (tmp_path / "curves.png").exists()
    assert "curves.png" not in (tmp_path / "report.md").read_text()


def test_a_perfect_report_has_no_confusions(tmp_path):
    scores = evaluate(np.eye(2), np.arange(2), classes=["a", "b"], split="test")
    report.write(scores, History(), tmp_path)
    assert "## Most frequent confusions\n\nNone." in (tmp_path / "report.md").read_text()


def test_the_picture_grows_with_the_classes(tmp_path):
    heights = []
    for classes in (6, 20, 40):
        report.write(_report(classes), HISTORY, tmp_path / str(classes))
        heights.append(cv2.imread(str(tmp_path / str(classes) / "confusion.png")).shape[0])  # type: ignore[union-attr]
    assert 400 < heights[0] < heights[1] < heights[2] < 3000
