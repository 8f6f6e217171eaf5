"""History: CSV both ways, and which epoch is best."""

import pytest

from pose_activity.learning.history import Epoch, History, Monitor, title_of


def _history(*val_losses: float, phases: str = "") -> History:
    names = {"h": "head", "f": "fine_tune"}
    rows = enumerate(zip(val_losses, phases or "h" * len(val_losses), strict=True))
    fixed = {"loss": 1.0, "accuracy": 0.1 + 0.2, "val_accuracy": 0.5}
    return History(
        tuple(Epoch(i, names[p], 1e-3, {**fixed, "val_loss": v}, 1.5) for i, (v, p) in rows)
    )


@pytest.mark.parametrize("history", [History(), _history(0.1 + 0.2, 1 / 3, phases="hf")])
def test_csv_both_ways(tmp_path, history):
    history.write(tmp_path / "history.csv")
    assert History.read(tmp_path / "history.csv") == history


def test_a_missing_file_is_an_empty_history(tmp_path):
    assert History.read(tmp_path / "none.csv") == History()


@pytest.mark.parametrize(
    ("losses", "best", "waited"), [((3, 2, 1), 2, 0), ((1, 2, 3), 0, 2), ((2, 1, 1), 1, 1)]
)
def test_best_and_waited(losses, best, waited):
    history = _history(*losses)
    assert (history.best.epoch, history.waited()) == (best, waited)


def test_of_phase():
    history = _history(1, 2, 3, 4, phases="hhff")
    assert [epoch.epoch for epoch in history.of_phase("fine_tune").epochs] == [2, 3]
    assert history.of_phase("fine_tune").waited() == 1
    assert History().waited() == 0


def test_without_validation_the_last_epoch_is_best_and_nothing_waits(tmp_path):
    history = History(tuple(Epoch(i, "train", 1e-3, {"loss": 1.0}, 1.5) for i in range(3)))
    assert (history.best.epoch, history.waited()) == (2, 0)
    history.write(tmp_path / "history.csv")
    assert History.read(tmp_path / "history.csv") == history


def test_which_epoch_is_kept(tmp_path):
    _history(2, 1, 3).write(tmp_path / "history.csv")
    assert History.read(tmp_path / "history.csv").kept.epoch == 1
    assert History.read(tmp_path / "history.csv", checkpoint="last").kept.epoch == 2


def test_the_monitor_says_which_epoch_is_best():
    scores = (0.2, 0.8, 0.8, 0.5)
    epochs = [
        Epoch(i, "train", 1e-3, {"loss": 1.0, "val_loss": 3.0 - i, "val_mean_iou": v}, 1.5)
        for i, v in enumerate(scores)
    ]
    history = History(tuple(epochs), monitor=Monitor("val_mean_iou", "highest"))
    assert (history.best.epoch, history.waited(), history.chosen_by) == (1, 2, "mean iou")
    assert (History(tuple(epochs)).best.epoch, History(tuple(epochs)).chosen_by) == (3, "")


def test_metrics_that_some_epochs_lack(tmp_path):
    rows = [{"loss": 2.0}, {"loss": 1.0, "macro_f1": 0.5, "val_macro_f1": 0.25}]
    history = History(tuple(Epoch(i, "train", 1e-3, row, 1.5) for i, row in enumerate(rows)))
    assert history.metrics() == ["loss", "macro_f1"]
    first, second = history.curve("macro_f1") or []
    assert first != first and second == 0.5  # not a number
    assert history.curve("val_loss") is None
    history.write(tmp_path / "history.csv")
    assert History.read(tmp_path / "history.csv") == history


def test_a_file_of_an_older_version(tmp_path):
    (tmp_path / "history.csv").write_text(
        "epoch,phase,learning_rate,loss,accuracy,val_loss,val_accuracy,seconds\n"
        "0,train,0.001,2.5,0.25,,,1.5\n",
        encoding="utf-8",
    )
    (epoch,) = History.read(tmp_path / "history.csv").epochs
    assert epoch == Epoch(0, "train", 0.001, {"loss": 2.5, "accuracy": 0.25}, 1.5)
    assert [*epoch.row()] == ["epoch", "phase", "learning_rate", "loss", "accuracy", "seconds"]


def test_titles():
    assert [title_of(name) for name in ("loss", "macro_f1", "top_3")] == [
        "loss",
        "macro F1",
        "top 3",
    ]
