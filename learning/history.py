"""What a training went through, epoch by epoch: plain numbers, CSV both ways.

The validation figures in it are for choices (when to stop, which epoch to keep), not for headlines.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from pose_activity.artifacts import atomic, csv_text

ENDED_EARLY = "ended_early.json"
# What a training leaves in its folder, see `phases`. What it was asked for is removed last: as long
# as it is there, nobody takes the rest for something else.
TRAINING_FILES = ("classifier.keras", "states", "history.csv", ENDED_EARLY, "training.json")


@dataclass(frozen=True)
class Epoch:
    """One pass over the training tensors.

    Attributes:
        epoch: Counted from 0 over all phases.
        phase: Pictures: "head" (backbone frozen) or "fine_tune". Sequences: "train".
        learning_rate: The optimizer's, after the epoch.
        loss: Mean training cross-entropy, with augmentation and dropout.
        accuracy: On the training tensors, likewise.
        val_loss: Mean cross-entropy on the validation tensors; None where there are none.
        val_accuracy: On the validation tensors; None where there are none.
        seconds: Wall time.
    """

    epoch: int
    phase: str
    learning_rate: float
    loss: float
    accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    seconds: float


@dataclass(frozen=True)
class History:
    """All epochs of a training, in order; may be empty.

    Attributes:
        epochs: One after the other.
        checkpoint: Whose weights the training keeps: the "best" epoch's or the "last" one's.
    """

    epochs: tuple[Epoch, ...] = ()
    checkpoint: Literal["best", "last"] = "best"

    @property
    def kept(self) -> Epoch:
        """The epoch whose weights are kept."""
        return self.best if self.checkpoint == "best" else self.epochs[-1]

    @property
    def best(self) -> Epoch:
        """The epoch with the lowest validation loss (the earliest of several).

        The last one where nothing was validated.
        """
        judged = [(epoch.val_loss, epoch) for epoch in self.epochs if epoch.val_loss is not None]
        return min(judged, key=lambda pair: pair[0])[1] if judged else self.epochs[-1]

    def of_phase(self, phase: str) -> "History":
        """Returns the epochs of one phase."""
        return replace(self, epochs=tuple(e for e in self.epochs if e.phase == phase))

    def waited(self) -> int:
        """Returns how many epochs came after the best one."""
        return self.epochs[-1].epoch - self.best.epoch if self.epochs else 0

    def write(self, path: Path) -> None:
        """Writes a CSV file, whole or not at all."""
        names = [field.name for field in fields(Epoch)]
        rows = [asdict(epoch).values() for epoch in self.epochs]
        atomic.write_text(path, csv_text.as_text([names, *rows]))

    @classmethod
    def read(cls, path: Path, *, checkpoint: Literal["best", "last"] = "best") -> "History":
        """Reads what `write` wrote; a missing file is an empty history.

        Args:
            path: The file.
            checkpoint: What the training was asked to keep; the file does not tell.
        """
        if not path.exists():
            return cls(checkpoint=checkpoint)
        with path.open(newline="", encoding="utf-8") as file:
            names, *rows = csv_text.read(file)
        epochs = (_epoch_of(dict(zip(names, row, strict=True))) for row in rows)
        return cls(tuple(epochs), checkpoint)


def early_end(folder: Path) -> dict[str, str]:
    """Returns what to say where a training was ended by hand: one row, or none."""
    path = folder / ENDED_EARLY
    if not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return {"finished_early": f"after {found['epochs']} of {found['planned']} epochs"}


def _epoch_of(row: Mapping[str, str]) -> Epoch:
    plain = {"epoch": int(row["epoch"]), "phase": row["phase"]}
    rest = {name: float(text) if text else None for name, text in row.items() if name not in plain}
    values: dict[str, Any] = {**plain, **rest}
    return Epoch(**values)
