"""What a training went through, epoch by epoch: plain numbers, CSV both ways.

The validation figures in it are for choices (when to stop, which epoch to keep), not for headlines.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isnan, nan
from pathlib import Path
from typing import Any, Literal

from pose_activity.artifacts import atomic, csv_text

ENDED_EARLY = "ended_early.json"
# What a training leaves in its folder, see `phases`. What it was asked for is removed last: as long
# as it is there, nobody takes the rest for something else.
TRAINING_FILES = ("classifier.keras", "states", "history.csv", ENDED_EARLY, "training.json")


VALIDATION = "val_"  # before the name of a metric: on the validation tensors
_BEFORE, _AFTER = ("epoch", "phase", "learning_rate"), ("seconds",)  # the metrics' columns


@dataclass(frozen=True)
class Monitor:
    """By which metric the best epoch is known.

    Attributes:
        metric: A key of `Epoch.metrics`.
        best: Which of its values is the best one.
    """

    metric: str
    best: Literal["lowest", "highest"]


LOSS = Monitor(f"{VALIDATION}loss", "lowest")


@dataclass(frozen=True)
class Epoch:
    """One pass over the training tensors.

    Attributes:
        epoch: Counted from 0 over all phases.
        phase: Pictures: "head" (backbone frozen) or "fine_tune". Sequences: "train".
        learning_rate: The optimizer's, after the epoch.
        metrics: "loss", and by their names what the network measures besides, in [0, 1]: on the
            training tensors, with augmentation and dropout. The same under "val_NAME" on the
            validation tensors; missing where there are none.
        seconds: Wall time.
    """

    epoch: int
    phase: str
    learning_rate: float
    metrics: Mapping[str, float]
    seconds: float

    def row(self) -> dict[str, Any]:
        """Returns all of it, by the names of the columns."""
        before, after = ({n: getattr(self, n) for n in names} for names in (_BEFORE, _AFTER))
        return before | dict(self.metrics) | after


@dataclass(frozen=True)
class History:
    """All epochs of a training, in order; may be empty.

    Attributes:
        epochs: One after the other.
        checkpoint: Whose weights the training keeps: the "best" epoch's or the "last" one's.
        monitor: Tells which is the best.
    """

    epochs: tuple[Epoch, ...] = ()
    checkpoint: Literal["best", "last"] = "best"
    monitor: Monitor = LOSS

    @property
    def kept(self) -> Epoch:
        """The epoch whose weights are kept."""
        return self.best if self.checkpoint == "best" else self.epochs[-1]

    @property
    def best(self) -> Epoch:
        """The epoch with the monitor's best value (the earliest of several).

        The last one where nothing was validated.
        """
        metric = self.monitor.metric
        judged = [epoch for epoch in self.epochs if metric in epoch.metrics]
        choose = min if self.monitor.best == "lowest" else max
        return choose(judged, key=lambda e: e.metrics[metric]) if judged else self.epochs[-1]

    @property
    def chosen_by(self) -> str:
        """The metric that chose the kept epoch, for people; "" where it is the loss, or none is."""
        unusual = self.checkpoint == "best" and self.monitor != LOSS
        return title_of(self.monitor.metric.removeprefix(VALIDATION)) if unusual else ""

    def metrics(self) -> list[str]:
        """Returns the names of all metrics but those of validation, in order."""
        names = {name: None for epoch in self.epochs for name in epoch.metrics}
        return [name for name in names if not name.startswith(VALIDATION)]

    def curve(self, metric: str) -> list[float] | None:
        """Returns a metric's value in each epoch, NaN where it is missing; None if it always is."""
        values = [epoch.metrics.get(metric, nan) for epoch in self.epochs]
        return None if all(map(isnan, values)) else values

    def of_phase(self, phase: str) -> "History":
        """Returns the epochs of one phase."""
        return replace(self, epochs=tuple(e for e in self.epochs if e.phase == phase))

    def waited(self) -> int:
        """Returns how many epochs came after the best one."""
        return self.epochs[-1].epoch - self.best.epoch if self.epochs else 0

    def write(self, path: Path) -> None:
        """Writes a CSV file, whole or not at all; a metric that an epoch lacks is an empty cell."""
        metrics = {name: None for epoch in self.epochs for name in epoch.metrics}
        names = [*_BEFORE, *metrics, *_AFTER]
        rows = [[epoch.row().get(name) for name in names] for epoch in self.epochs]
        atomic.write_text(path, csv_text.as_text([names, *rows]))

    @classmethod
    def read(
        cls, path: Path, *, checkpoint: Literal["best", "last"] = "best", monitor: Monitor = LOSS
    ) -> "History":
        """Reads what `write` wrote; a missing file is an empty history.

        Args:
            path: The file.
            checkpoint: What the training was asked to keep; the file does not tell.
            monitor: What it was asked to choose by, likewise.
        """
        if not path.exists():
            return cls((), checkpoint, monitor)
        with path.open(newline="", encoding="utf-8") as file:
            names, *rows = csv_text.read(file)
        epochs = (_epoch_of(dict(zip(names, row, strict=True))) for row in rows)
        return cls(tuple(epochs), checkpoint, monitor)


def title_of(metric: str) -> str:
    """Returns a metric's name for people."""
    return {"macro_f1": "macro F1", "miou": "mean IoU"}.get(metric, metric.replace("_", " "))


def early_end(folder: Path) -> dict[str, str]:
    """Returns what to say where a training was ended by hand: one row, or none."""
    path = folder / ENDED_EARLY
    if not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return {"finished_early": f"after {found['epochs']} of {found['planned']} epochs"}


def _epoch_of(row: Mapping[str, str]) -> Epoch:
    numbers = {name: float(text) for name, text in row.items() if text and name != "phase"}
    own = {name: numbers.pop(name) for name in ("learning_rate", "seconds")}
    return Epoch(int(numbers.pop("epoch")), row["phase"], metrics=numbers, **own)
