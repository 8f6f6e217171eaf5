"""What one round of a pose training has done, for a progress bar and for TensorBoard.

A training in this process tells it by callbacks of ultralytics; one in other processes by its table
alone. The log is always that table: what results.csv says of each epoch.
"""

import csv
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_activity.artifacts.progress import ProgressCallback

if TYPE_CHECKING:
    from pose_activity.artifacts.events import EventLog


class RoundProgress:
    """Reports and logs one round."""

    def __init__(
        self,
        table: Path,
        *,
        epochs: int,
        before: int,
        report: ProgressCallback,
        log: "EventLog | None",
    ) -> None:
        """Takes where it is told.

        Args:
            table: The round's results.csv.
            epochs: Of the round.
            before: Epochs of the rounds before.
            report: Called with (epochs done, epochs of the round, text).
            log: None for none.
        """
        self._table, self._epochs, self._before = table, epochs, before
        self._report, self._log = report, log
        self._logged = self._steps = 0

    def add_callbacks(self, model: Any) -> None:
        """Lets a training in this process report its steps and epochs."""
        model.add_callback("on_train_epoch_start", self._begin_epoch)
        model.add_callback("on_train_batch_end", self._end_step)
        model.add_callback("on_fit_epoch_end", self._end_epoch)

    def look(self) -> None:
        """Reports and logs what the table says."""
        self.follow()
        if rows := _rows_of(self._table):
            self._report(len(rows), self._epochs, _score_line(rows[-1]))

    def follow(self) -> None:
        """Logs the rows of the table that are not in the log yet."""
        if self._log is None:
            return
        rows = _rows_of(self._table)
        for row in rows[self._logged :]:
            at = time.time() - (rows[-1]["time"] - row["time"])
            values = {name: value for name, value in row.items() if name not in ("epoch", "time")}
            self._log.scalars(self._before + int(row["epoch"]), values, at=at)
        self._logged = len(rows)

    def _begin_epoch(self, _: Any) -> None:
        self._steps = 0

    def _end_step(self, trainer: Any) -> None:
        self._steps += 1
        text = f"epoch {trainer.epoch + 1}, step {self._steps}/{len(trainer.train_loader)}"
        self._report(trainer.epoch, trainer.epochs, text)

    def _end_epoch(self, trainer: Any) -> None:
        # ultralytics calls once more, with the next epoch's number, after its final validation.
        done = min(trainer.epoch + 1, trainer.epochs)
        self._report(done, trainer.epochs, _score_line(trainer.metrics))
        self.follow()


def _rows_of(table: Path) -> list[dict[str, float]]:
    """Returns the whole rows of results.csv, which another process may be writing."""
    if not table.exists():
        return []
    text = table.read_text(encoding="utf-8")
    lines = text[: text.rfind("\n") + 1].splitlines()
    return [{k.strip(): float(v) for k, v in row.items()} for row in csv.DictReader(lines)]


def _score_line(metrics: Mapping[str, float]) -> str:
    return f"pose mAP50 {metrics.get('metrics/mAP50(P)', 0.0):.3f}"
