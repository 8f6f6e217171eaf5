"""History: CSV both ways, and which epoch is best."""

import pytest

from pose_activity.learning.history import Epoch, History


def _history(*val_losses: float, phases: str = "") -> History:
    names = {"h": "head", "f": "fine_tune"}
    rows = enumerate(zip(val_losses, phases or "h" * len(val_losses), strict=True))
    return History(
        tuple(Epoch(i, names[p], 1e-3, 1.0, 0.1 + 0.2, loss, 0.5, 1.5) for i, (loss, p) in rows)
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
    history = History(tuple(Epoch(i, "train", 1e-3, 1.0, 0.5, None, None, 1.5) for i in range(3)))
    assert (history.best.epoch, history.waited()) == (2, 0)
    history.write(tmp_path / "history.csv")
    assert History.read(tmp_path / "history.csv") == history


def test_which_epoch_is_kept(tmp_path):
    _history(2, 1, 3).write(tmp_path / "history.csv")
    assert History.read(tmp_path / "history.csv").kept.epoch == 1
    assert History.read(tmp_path / "history.csv", checkpoint="last").kept.epoch == 2
