"""`train.py search` on a small table of vectors, as a user calls it; and what it leaves."""

import importlib
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.readers.feature_table import FeatureTable, write_features
from pose_activity.artifacts import csv_text
from pose_activity.learning.history import Epoch, History
from pose_activity.stage2_classifier.vectors import linear
from pose_activity.training import kinds
from pose_activity.training.search import _Watch
from tests.commands import call

SPACE = (
    "{stage2.linear.C: {low: 0.01, high: 10.0, log: true}, "
    "stage2.linear.kind: {choices: [svm, logistic]}}"
)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The configuration of a finished search of two trials, and what it printed."""
    folder = tmp_path_factory.mktemp("search")
    rng, ids = np.random.default_rng(1), np.arange(90) % 3
    vectors = rng.normal(size=(3, 6))[ids] + rng.normal(size=(90, 6))
    splits = tuple(("train", "val", "test")[i // 3 % 3] for i in range(90))
    labels = tuple("abc"[i] for i in ids)
    write_features(
        folder / "f.csv", FeatureTable(vectors.astype(np.float32), labels, splits=splits)
    )
    (folder / "x.yaml").write_text(
        f"run_dir: {folder / 'run'}\nclips: {{format: features, path: {folder / 'f.csv'}}}\n"
        f"split: given\nstage2: {{linear: {{kind: logistic}}}}\nsearch: {{space: {SPACE}}}\n",
        encoding="utf-8",
    )
    done = call("train.py", "search", "--config", folder / "x.yaml", "--trials", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    yield folder / "x.yaml", done.stdout


def rows_of(run: Path) -> list[dict[str, str]]:
    with (run / "search" / "search.csv").open(newline="", encoding="utf-8") as file:
        heads, *rows = csv_text.read(file)
    return [dict(zip(heads, row, strict=True)) for row in rows]


def test_the_table_says_what_each_trial_scores_on_val(searched: tuple[Path, str]) -> None:
    run = searched[0].with_name("run")
    rows = rows_of(run)
    assert {row["trial"] for row in rows} == {"trial_0", "trial_1"}
    assert rows[0]["accuracy"] >= rows[1]["accuracy"]
    table = kinds.kind_of(kinds.load(searched[0]))
    for row in rows:
        trial = run / "search" / row["trial"]
        classifier = linear.load(trial / "stage2")
        features = table.module("report").read_features(trial / "annotations/features.parquet")
        val = [i for i, split in enumerate(features.splits or ()) if split == "val"]
        answers = classifier(features.vectors[val])
        truth = classifier.ids([features.labels[i] for i in val])
        assert row["accuracy"] == f"{(answers.argmax(1) == truth).mean():.4f}"
        assert row["loss"] == f"{-np.log(answers[np.arange(len(val)), truth]).mean():.4f}"
        assert row["val"] == "30" and not (trial / "report").exists()


def test_what_is_the_same_is_not_made_again(searched: tuple[Path, str]) -> None:
    run = searched[0].with_name("run")
    assert searched[1].count("making") == 3  # annotations once, stage2 in each trial
    for trial in ("trial_0", "trial_1"):
        shared = run / "search" / trial / "annotations" / "features.parquet"
        assert shared.samefile(run / "annotations" / "features.parquet")


def test_the_best_settings_are_printed_and_written(searched: tuple[Path, str]) -> None:
    path, printed = searched
    best = rows_of(path.with_name("run"))[0]
    line = next(line for line in printed.splitlines() if line.startswith("best: "))
    settings = [word for word in shlex.split(line)[1:] if word != "--set"]
    asked = kinds.load(path, settings).model_copy(update={"search": None})
    assert kinds.load(path.with_name("run") / "search" / "best.yaml") == asked
    assert settings == [f"{k}={best[k]}" for k in ("stage2.linear.C", "stage2.linear.kind")]
    assert settings[0] in printed and "train.py all --config" in printed


def test_the_first_trial_is_the_configuration_itself(searched: tuple[Path, str]) -> None:
    first = next(row for row in rows_of(searched[0].with_name("run")) if row["trial"] == "trial_0")
    assert (first["stage2.linear.C"], first["stage2.linear.kind"]) == ("1.0", "logistic")


def test_a_second_call_has_nothing_to_do_and_status_knows_it(searched: tuple[Path, str]) -> None:
    run = searched[0].with_name("run")
    before = (run / "search" / "trial_1" / "stage2" / "manifest.json").stat().st_mtime_ns
    done = call("train.py", "search", "--config", searched[0], "--trials", "2")
    assert done.returncode == 0 and "making" not in done.stdout
    after = (run / "search" / "trial_1" / "stage2" / "manifest.json").stat().st_mtime_ns
    assert before == after
    shown = call("train.py", "status", "--run", run).stdout
    assert "2 trials of a search (2 done)" in " ".join(shown.split())


def test_a_wrong_space_is_refused_before_anything_is_made(
    searched: tuple[Path, str], tmp_path: Path
) -> None:
    settings = (
        "--set",
        f"run_dir={tmp_path / 'run'}",
        "--set",
        "search.space={stage2.linear.kinds: {choices: [svm]}}",
    )
    done = call("train.py", "search", "--config", searched[0], *settings)
    assert done.returncode == 2 and "Did you mean 'kind'?" in done.stdout + done.stderr
    assert not (tmp_path / "run").exists()


def test_without_optuna_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("search", "search_study"):
        monkeypatch.delitem(sys.modules, f"pose_activity.training.{name}")
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r"A search needs Optuna: .*pip install '\.\[search\]'"):
        importlib.import_module("pose_activity.training.search")


@pytest.mark.parametrize(
    ("metric", "told"), [("accuracy", [(0, 0.5), (1, 0.25)]), ("macro_f1", [])]
)
def test_epochs_are_told_once_until_they_are_hopeless(
    tmp_path: Path, metric: str, told: list
) -> None:
    heard = []

    def stops(epoch: int, figure: float) -> bool:
        heard.append((epoch, figure))
        return figure < 0.4

    epochs = [
        Epoch(i, "head", 1e-3, {"loss": 1.0, "val_accuracy": v}, 1.0)
        for i, v in enumerate((0.5, 0.25, 0.1))
    ]
    watch = _Watch(tmp_path / "history.csv", metric, stops)
    assert not watch()
    for n in (1, 1, 3):
        History(tuple(epochs[:n])).write(tmp_path / "history.csv")
        stopped = watch()
    assert heard == told and stopped == bool(told)
    assert watch.stopped.startswith("accuracy 0.2500 on val after epoch 2") == bool(told)
