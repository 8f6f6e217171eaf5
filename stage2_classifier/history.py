"""What a training went through, epoch by epoch: plain numbers, CSV both ways.

The validation figures in it are for choices (when to stop, which epoch to keep), not for headlines.
"""

import csv
import io
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from artifacts import atomic


@dataclass(frozen=True)
class Epoch:
    """One pass over the training images.

    Attributes:
        epoch: Counted from 0 over both phases.
        phase: "head" (backbone frozen) or "fine_tune".
        learning_rate: Adam's.
        loss: Mean training cross-entropy, with augmentation and dropout.
        accuracy: On the training images, likewise.
        val_loss: Mean cross-entropy on the validation images.
        val_accuracy: On the validation images.
        seconds: Wall time.
    """

    epoch: int
    phase: str
    learning_rate: float
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float


@dataclass(frozen=True)
class History:
    """All epochs of a training, in order; may be empty."""

    epochs: tuple[Epoch, ...] = ()

    @property
    def best(self) -> Epoch:
        """The epoch with the lowest validation loss (the earliest of several)."""
        return min(self.epochs, key=lambda epoch: epoch.val_loss)

    def of_phase(self, phase: str) -> "History":
        """Returns the epochs of one phase."""
        return History(tuple(epoch for epoch in self.epochs if epoch.phase == phase))

    def waited(self) -> int:
        """Returns how many epochs came after the best one."""
        return self.epochs[-1].epoch - self.best.epoch if self.epochs else 0

    def write(self, path: Path) -> None:
        """Writes a CSV file, whole or not at all."""
        text = io.StringIO()
        names = [field.name for field in fields(Epoch)]
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in self.epochs)
        atomic.write_text(path, text.getvalue())

    @classmethod
    def read(cls, path: Path) -> "History":
        """Reads what `write` wrote; a missing file is an empty history."""
        if not path.exists():
            return cls()
        with path.open(newline="") as file:
            rows = [
                {field.name: field.type(row[field.name]) for field in fields(Epoch)}  # type: ignore[operator]
                for row in csv.DictReader(file)
            ]
        return cls(tuple(Epoch(**row) for row in rows))
