"""`train.py compare`: what the reports of finished runs hold, side by side; nothing is measured."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from pose_activity.annotations.readers.feature_table import FeatureTable, write_features
from pose_activity.configs.sections import Run
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training import compare as comparison
from pose_activity.training import kinds
from pose_activity.training.compare import FIGURES, compare, row_of
from pose_activity.training.steps import run_step, steps_of

FEATURES = """
run_dir: {folder}/{name}
clips: {{format: features, path: {folder}/features.csv}}
split: given
stage2: {{linear: {{kind: {kind}}}}}
"""
PHOTOS = """
run_dir: {folder}/pho|tos
data: {{format: folder, images: {folder}}}
stage1: {{train: false, weights: own.pt}}
"""
REPORT = {"accuracy": 1.0, "macro_f1": 2 / 3, "n": 12, "split": "test", "per_class": {}}
RUNS = {"one": "logistic", "two": "lda"}


def load(folder: Path, text: str, **values: str) -> Run:
    path = folder / "x.yaml"
    path.write_text(text.format(folder=folder, **values), encoding="utf-8")
    return kinds.load(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs on one table of features, whose classes overlap."""
    folder = tmp_path_factory.mktemp("compared")
    rng, ids = np.random.default_rng(0), np.arange(90) % 3
    vectors = (rng.normal(size=(3, 4))[ids] + rng.normal(size=(90, 4))).astype(np.float32)
    labels, splits = tuple("abc"[i] for i in ids), ("test",) * 30 + ("train",) * 60
    write_features(folder / "features.csv", FeatureTable(vectors, labels, splits=splits))
    for run in runs_of(folder):
        for step in steps_of(run):
            run_step(run, step.name)
    return folder


def runs_of(folder: Path) -> list[Run]:
    return [load(folder, FEATURES, name=name, kind=kind) for name, kind in RUNS.items()]


def rows_in(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def photos(tmp_path: Path) -> Run:
    """A run on pictures that has a report and nothing else."""
    run = load(tmp_path, PHOTOS)
    (run.run_dir / "report").mkdir(parents=True)
    (run.run_dir / "report" / "metrics.json").write_text(json.dumps(REPORT), encoding="utf-8")
    return run


def test_a_row_for_each_run_in_the_order_given(folder: Path, tmp_path: Path) -> None:
    compare(runs_of(folder)[::-1], tmp_path / "new" / "table")
    rows = rows_in(tmp_path / "new" / "table" / "comparison.csv")
    assert [row["run"] for row in rows] == ["two", "one"]
    assert [row["model"] for row in rows] == ["lda", "logistic"]
    for row in rows:
        answers = Predictions.read(folder / row["run"] / "report" / "predictions.parquet")
        scores = {
            "accuracy": accuracy_score(answers.labels, answers.guesses),
            "macro_f1": f1_score(answers.labels, answers.guesses, average="macro"),
        }
        assert {name: row[name] for name in scores} == {k: f"{v:.4f}" for k, v in scores.items()}
        assert float(row["accuracy"]) < 1
        assert (row["split"], row["n"], row["left_out"]) == ("test", "30", "0")
        assert row["poses"] == "features: features.csv"
        assert row["rank1"] == row["rank5"] == row["mean_average_precision"] == ""


def test_the_table_for_people_leaves_out_columns_that_are_empty(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compare(runs_of(folder), tmp_path)
    text = (tmp_path / "comparison.md").read_text(encoding="utf-8")
    heads, _, first, second, *_ = text.splitlines()
    names = [cell.strip() for cell in heads.strip("|").split("|")]
    rows = rows_in(tmp_path / "comparison.csv")
    assert names == [name for name in rows[0] if any(row[name] for row in rows)]
    assert set(rows[0]) - set(names) >= {"rank1", "rank5", "mean_average_precision"}
    for text, row in zip((first, second), rows, strict=True):
        cells = [cell.strip() for cell in text.strip("|").split("|")]
        assert cells == [row[name] for name in names]
    printed = capsys.readouterr().out
    assert "one" in printed and "logistic" in printed and rows[0]["accuracy"] in printed
    assert "rank1" not in printed and "comparison.md" in printed


def test_each_run_is_compared_with_the_first_on_the_same_answers(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "two" / "report" / "predictions.parquet"
    whole = Predictions.read(path)
    try:
        other = whole.probabilities[:, [1, 2, 0]]
        mixed = np.where(np.arange(30)[:, None] < 10, other, whole.probabilities)
        replace(whole, probabilities=mixed).write(path)
        compare_any(folder, tmp_path)
        rows = rows_in(tmp_path / "differing_answers.csv")
        assert len(rows) == 10 and {row["run"] for row in rows} == {"two"}
        text = (tmp_path / "comparison.md").read_text(encoding="utf-8")
        assert "Beside one, on the same pictures (paired bootstrap):" in text
        assert "| 10 of 30 |" in text
        fewer = {name: getattr(whole, name)[:20] for name in ("images", "persons", "labels")}
        replace(whole, **fewer, probabilities=whole.probabilities[:20], groups=None).write(path)
        capsys.readouterr()
        compare_any(folder, tmp_path)
        note = "one and two: Only answers to the same pictures can be compared."
        printed = " ".join(capsys.readouterr().out.split())
        assert note in printed and note in (tmp_path / "comparison.md").read_text(encoding="utf-8")
    finally:
        whole.write(path)


def compare_any(folder: Path, out: Path) -> None:
    """Compares the runs without asking whether their files are as they were made."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "require", lambda run, steps: None)
        compare(runs_of(folder), out)


def test_runs_of_different_kinds_share_a_table(
    folder: Path, photos: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "require", lambda run, steps: None)
    compare([photos, runs_of(folder)[0]], tmp_path / "table")
    first, second = rows_in(tmp_path / "table" / "comparison.csv")
    assert (first["run"], first["model"]) == ("pho|tos", "efficientnet_lite0")
    assert (first["accuracy"], first["macro_f1"], first["n"]) == ("1.0000", "0.6667", "12")
    assert first["left_out"] == "" and second["left_out"] == "0"
    assert (tmp_path / "table" / "comparison.md").read_text(encoding="utf-8").count(
        "pho\\|tos"
    ) == 1


def test_poses_are_named_only_where_they_are_used(photos: Run, tmp_path: Path) -> None:
    assert row_of(photos)["poses"] == "own.pt"
    rgb = "cache: {{planes: [rgb]}}\nstage2: {{train_adapter: true}}\n"
    assert row_of(load(tmp_path, PHOTOS + rgb))["poses"] == "none"


def test_figures_that_no_report_has_are_none(photos: Run) -> None:
    row = row_of(photos)
    assert {name for name in FIGURES if row[name] is not None} == {"accuracy", "macro_f1"}


def test_an_unfinished_run_is_refused_and_nothing_written(folder: Path, tmp_path: Path) -> None:
    unmade = load(folder, FEATURES, name="three", kind="svm")
    with pytest.raises(ValueError, match="Step 'annotations' is not finished.*train.py annot"):
        compare([*runs_of(folder), unmade], tmp_path / "table")
    assert not (tmp_path / "table").exists()


def test_a_stale_run_is_refused_with_the_key(folder: Path, tmp_path: Path) -> None:
    changed = load(folder, FEATURES, name="one", kind="lda")
    with pytest.raises(ValueError, match=r"Step 'stage2' does not fit: .*'logistic' -> 'lda'"):
        compare([changed], tmp_path)
