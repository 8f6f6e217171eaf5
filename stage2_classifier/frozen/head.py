"""A linear classifier of vectors as plain numbers: what `fit` finds and `compose` puts in a graph.

Vectors are standardised, weighted and summed; a softmax over the sums are the probabilities.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from pose_activity.artifacts import atomic

FILE = "head.npz"
EXPORTED = "exported_head.npz"  # the one that is in the graph beside it


@dataclass(frozen=True, eq=False)
class LinearHead:
    """A softmax over weighted sums of D standardised numbers, for C classes; all arrays float32.

    Attributes:
        mean: `(D,)`, subtracted.
        scale: `(D,)`, divided by; positive.
        kernel: `(D, C)`.
        bias: `(C,)`.
    """

    mean: np.ndarray
    scale: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray

    def __post_init__(self) -> None:
        size, classes = self.kernel.shape
        wanted = {"mean": (size,), "scale": (size,), "bias": (classes,)}
        found = {name: getattr(self, name).shape for name in wanted}
        if found != wanted:
            raise ValueError(
                f"The arrays of a head must fit its kernel {self.kernel.shape}: {wanted}. "
                f"Received: {found}"
            )
        arrays = [getattr(self, field.name) for field in fields(self)]
        if not all(np.isfinite(array).all() for array in arrays) or (self.scale <= 0).any():
            raise ValueError(
                "The numbers of a head must be finite, and its scale positive. Fit it again."
            )

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Returns `(N, C)` float32 of `(N, D)` vectors; a row sums to 1."""
        logits = ((vectors - self.mean) / self.scale).astype(np.float64) @ self.kernel + self.bias
        powers = np.exp(logits - logits.max(1, keepdims=True))
        return (powers / powers.sum(1, keepdims=True)).astype(np.float32)

    def folded(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the kernel `(D, C)` and bias `(C,)` that answer alike without standardisation."""
        kernel = self.kernel / self.scale[:, None]
        return kernel, self.bias - self.mean @ kernel


def save(folder: Path, head: LinearHead, name: str = FILE) -> None:
    """Writes a file of a folder, whole or not at all."""
    arrays = {field.name: getattr(head, field.name) for field in fields(head)}
    with atomic.replacing(folder / name) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)


def load(folder: Path, name: str = FILE) -> LinearHead:
    """Loads what `save` wrote.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged.
    """
    path = folder / name
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return LinearHead(**{field.name: arrays[field.name] for field in fields(LinearHead)})
    except (ValueError, LookupError, TypeError, EOFError, BadZipFile) as error:
        raise ValueError(f"{path} is damaged ({error!r}). Run the stage2 step again.") from None
