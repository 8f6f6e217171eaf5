"""A linear classifier of vectors as plain numbers: what `fit` finds and `compose` puts in a graph.

Vectors are standardised, weighted and summed; a softmax over the sums are the probabilities. Where
the last numbers of a vector are joints, what these alone say is added to the sums.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from pose_activity.artifacts import atomic
from pose_activity.stage2_classifier.frozen.joint_scores import JointScores

_OF_JOINTS = "joints."  # begins the name of an array of the joints' scores in a file

FILE = "head.npz"
EXPORTED = "exported_head.npz"  # the one that is in the graph beside it


@dataclass(frozen=True, eq=False)
class LinearHead:
    """A softmax over weighted sums of D standardised numbers, for C classes; all arrays float32.

    It takes vectors of D numbers, and of those of the joints after them where it has scores.

    Attributes:
        mean: `(D,)`, subtracted.
        scale: `(D,)`, divided by; positive.
        kernel: `(D, C)`.
        bias: `(C,)`.
        joints: What is added to the sums, a score of the joints; None: nothing.
    """

    mean: np.ndarray
    scale: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray
    joints: JointScores | None = None

    def __post_init__(self) -> None:
        size, classes = self.kernel.shape
        wanted = {"mean": (size,), "scale": (size,), "bias": (classes,)}
        found = {name: getattr(self, name).shape for name in wanted}
        if found != wanted:
            raise ValueError(
                f"The arrays of a head must fit its kernel {self.kernel.shape}: {wanted}. "
                f"Received: {found}"
            )
        arrays = [*_arrays(self).values()]
        if not all(np.isfinite(array).all() for array in arrays) or (self.scale <= 0).any():
            raise ValueError(
                "The numbers of a head must be finite, and its scale positive. Fit it again."
            )

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Returns `(N, C)` float32 of `(N, D)` vectors, or longer ones; a row sums to 1."""
        size = len(self.mean)
        standard = (vectors[:, :size] - self.mean) / self.scale
        logits = standard.astype(np.float64) @ self.kernel + self.bias
        if self.joints:
            logits += self.joints(vectors[:, size:])
        powers = np.exp(logits - logits.max(1, keepdims=True))
        return (powers / powers.sum(1, keepdims=True)).astype(np.float32)

    @property
    def rounding(self) -> float:
        """By how much probabilities may differ where another program adds up the joints' scores.

        Hundreds of float32 terms of both signs, much larger than their sum.
        """
        if self.joints is None:
            return 0.0
        terms = np.abs(self.joints.kernel).sum(0).max()  # no kernel is above 1
        return float(np.finfo(np.float32).eps * terms)

    def folded(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the kernel `(D, C)` and bias `(C,)` that sum up alike without standardisation."""
        kernel = self.kernel / self.scale[:, None]
        return kernel, self.bias - self.mean @ kernel


def save(folder: Path, head: LinearHead, name: str = FILE) -> None:
    """Writes a file of a folder, whole or not at all."""
    arrays = _arrays(head)
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
            of_joints = {
                name.removeprefix(_OF_JOINTS): arrays[name]
                for name in arrays.files
                if name.startswith(_OF_JOINTS)
            }
            own = {name: arrays[name] for name in ("mean", "scale", "kernel", "bias")}
            return LinearHead(**own, joints=JointScores(**of_joints) if of_joints else None)
    except (ValueError, LookupError, TypeError, EOFError, BadZipFile) as error:
        raise ValueError(f"{path} is damaged ({error!r}). Run the stage2 step again.") from None


def _arrays(head: LinearHead) -> dict[str, np.ndarray]:
    """Returns all arrays by their names in a file."""
    own = {name: getattr(head, name) for name in ("mean", "scale", "kernel", "bias")}
    scores = head.joints
    if scores is None:
        return own
    return own | {_OF_JOINTS + field.name: getattr(scores, field.name) for field in fields(scores)}
