"""Vectors in, one class out, by plain numbers: `linear.json` and `linear.npz`, numpy alone.

Holds what `vectors.fit.fit` learned with scikit-learn and predicts as scikit-learn does, without it
and without pickles. A classifier is the mean of one or more members. A member prepares a vector
(length 1 if asked, then minus `mean`, over `scale`), may replace it by its RBF kernel
exp(-gamma |x - s|^2) with each support vector s, and takes weighted sums of that: the margins.
They become probabilities by the member's link.

Why not ONNX by skl2onnx (1.20 was tried): in float64, which keeps published accuracies exact, it
refuses linear support vector machines and predicts differently for one-vs-rest RBF machines.
OpenVINO cannot read its graphs (ai.onnx.ml), and a fitted temperature or a mean of members is not
in them.

A support vector machine's margins are not probabilities. Their softmax ranks the classes as the
margins do and sums to 1; it is a confidence only after a temperature was fitted.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args
from zipfile import BadZipFile

import numpy as np

from pose_activity.annotations.text import preview
from pose_activity.artifacts import atomic, manifest
from pose_activity.runtime import calibrate

NUMBERS, SIDECAR = "linear.npz", "linear.json"
FORMAT = "linear-1"
Link = Literal["sigmoid", "softmax"]

_ARRAYS = ("mean", "scale", "weights", "bias", "support")
_PLAIN = ("gamma", "unit", "link", "temperature")


@dataclass(frozen=True, eq=False)
class Member:
    """One fitted machine for vectors of D numbers and C classes; all arrays float64.

    Attributes:
        mean: `(D,)`, subtracted.
        scale: `(D,)`, divided by; positive.
        weights: `(C, D)`, or `(C, S)` on the kernel with S support vectors.
        bias: `(C,)`.
        support: `(S, D)` prepared support vectors, or None: no kernel.
        gamma: Of the kernel; 0 without one.
        unit: Whether a vector is first divided by its length (one of length 0 stays).
        link: "sigmoid": each class alone, then divided by their sum (scikit-learn's one-vs-rest);
            "softmax": exp(margin) over their sum.
        temperature: The probabilities become softmax(log p / temperature); 1 changes nothing.
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    support: np.ndarray | None = None
    gamma: float = 0.0
    unit: bool = False
    link: Link = "softmax"
    temperature: float = 1.0

    def __post_init__(self) -> None:
        wrong = _wrong_arrays(self)
        if self.link not in get_args(Link):
            wrong.append(f"link {self.link!r}, which is none of {get_args(Link)}")
        if not isinstance(self.unit, bool):
            wrong.append(f"unit {self.unit!r}, which is neither true nor false")
        if not 0 < self.temperature < np.inf:
            wrong.append(f"temperature {self.temperature}, which is not positive")
        if not 0 <= self.gamma < np.inf:
            wrong.append(f"gamma {self.gamma}, which is negative")
        if wrong:
            raise ValueError(f"A member's numbers must fit together. Received: {preview(wrong)}")

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Name -> array, of those that are there."""
        every = {name: getattr(self, name) for name in _ARRAYS}
        return {name: array for name, array in every.items() if array is not None}

    def margins(self, vectors: np.ndarray) -> np.ndarray:
        """Returns `(N, C)` float64, higher for likelier classes, of `(N, D)` float64 vectors."""
        prepared = self.prepare(vectors)
        if self.support is not None:
            prepared = np.exp(-self.gamma * _squared_distances(prepared, self.support))
        return prepared @ self.weights.T + self.bias

    def prepare(self, vectors: np.ndarray) -> np.ndarray:
        """Returns the `(N, D)` float64 vectors as the machine sees them."""
        return ((to_unit(vectors) if self.unit else vectors) - self.mean) / self.scale

    def probabilities(self, vectors: np.ndarray) -> np.ndarray:
        """Returns `(N, C)` float64; a row sums to 1."""
        margins = self.margins(vectors)
        if self.link == "sigmoid":
            logs = -np.logaddexp(0, -margins)
            parts = np.exp(logs - logs.max(1, keepdims=True))  # far from every class: still a sum
        else:
            parts = np.exp(margins - margins.max(1, keepdims=True))
        return calibrate.apply(parts / parts.sum(1, keepdims=True), self.temperature)


class Linear:
    """A classifier of vectors.

    Attributes:
        classes: Names in the order of the outputs.
        dimension: D, how many numbers a vector has.
        members: Their probabilities are averaged.
    """

    def __init__(self, classes: Iterable[str], members: Iterable[Member]) -> None:
        """Puts members together.

        Raises:
            ValueError: no members, fewer than two classes or one of them twice, or members that
                have other classes or take vectors of another size.
        """
        self.classes, self.members = tuple(classes), tuple(members)
        if len(self.classes) < 2 or len({*self.classes}) < len(self.classes):
            raise ValueError(
                "There must be two classes or more, each once. "
                f"Received: {preview([*self.classes])}"
            )
        sizes = sorted({(len(member.bias), len(member.mean)) for member in self.members})
        if len(sizes) != 1 or sizes[0][0] != len(self.classes):
            raise ValueError(
                f"Members must answer with {len(self.classes)} classes, from vectors of one size. "
                f"Received (classes, size): {sizes or 'no members'}"
            )
        self.dimension = sizes[0][1]

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Classifies vectors.

        Args:
            vectors: `(N, D)` real and finite; N may be 0.

        Returns:
            `(N, classes)` float32; a row sums to 1. See the file's header for what they mean.

        Raises:
            ValueError: another shape, or numbers that are not finite.
        """
        exact = checked(vectors, self.dimension)
        if not len(exact):
            return np.zeros((0, len(self.classes)), np.float32)
        every = [member.probabilities(exact) for member in self.members]
        return np.mean(every, axis=0).astype(np.float32)

    def ids(self, labels: Sequence[str]) -> np.ndarray:
        """Returns `(N,)` int: each label's place among the classes.

        Raises:
            ValueError: a label that is not a class.
        """
        place = {name: i for i, name in enumerate(self.classes)}
        unknown = sorted({*labels} - {*place})
        if unknown:
            raise ValueError(
                f"Labels must be classes of this classifier: {preview([*self.classes])}. Received: "
                f"{preview([repr(label) for label in unknown])}. Leave them out, or fit with them."
            )
        return np.array([place[label] for label in labels], int)


def average(classifiers: Sequence[Linear]) -> Linear:
    """Returns the classifier whose prediction is the mean of all members' probabilities.

    Raises:
        ValueError: none, or their classes or vectors differ.
    """
    classes = {classifier.classes for classifier in classifiers}
    if len(classes) != 1:
        raise ValueError(
            "Classifiers that are averaged must have the same classes in the same order. "
            f"Received: {sorted(classes) or 'none'}"
        )
    members = (member for classifier in classifiers for member in classifier.members)
    return Linear(classes.pop(), members)


def save(folder: Path, classifier: Linear) -> None:
    """Writes `linear.npz`, then `linear.json` with its sha256; each whole or not at all."""
    arrays = {
        f"{i}.{name}": array
        for i, member in enumerate(classifier.members)
        for name, array in member.arrays.items()
    }
    with atomic.replacing(folder / NUMBERS) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)
    members = [{name: getattr(m, name) for name in _PLAIN} for m in classifier.members]
    sidecar = {
        "format": FORMAT,
        "classes": classifier.classes,
        "dimension": classifier.dimension,
        "members": members,
        "sha256": manifest.sha256_file(folder / NUMBERS),
    }
    atomic.write_json(folder / SIDECAR, sidecar)


def load(folder: Path) -> Linear:
    """Loads what `save` wrote.

    Raises:
        FileNotFoundError: one of the two files is missing.
        ValueError: the files do not belong together, or are damaged.
    """
    for name in (NUMBERS, SIDECAR):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder / name} is missing. Fit and save the classifier.")
    try:
        sidecar = json.loads((folder / SIDECAR).read_text(encoding="utf-8"))
        classes, expected = sidecar["classes"], sidecar["sha256"]
        if sidecar["format"] != FORMAT:
            raise ValueError(f"format {sidecar['format']!r} is not {FORMAT!r}")
        if not all(isinstance(name, str) for name in classes):
            raise ValueError(f"classes {classes} are not all texts")
        if manifest.sha256_file(folder / NUMBERS) != expected:
            raise ValueError(f"{NUMBERS} is not the file that it describes")
        with (folder / NUMBERS).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            members = [_member(i, one, arrays) for i, one in enumerate(sidecar["members"])]
        classifier = Linear(classes, members)
        if classifier.dimension != sidecar["dimension"]:
            raise ValueError(f"dimension {sidecar['dimension']} is not {classifier.dimension}")
    except (ValueError, LookupError, TypeError, AttributeError, EOFError, BadZipFile) as error:
        raise ValueError(
            f"{folder / SIDECAR} is damaged ({error!r}). Fit and save the classifier again."
        ) from None
    return classifier


def _member(number: int, plain: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Member:
    found = {name: f"{number}.{name}" for name in _ARRAYS if f"{number}.{name}" in arrays}
    numbers = {name: arrays[key] for name, key in found.items()}
    return Member(**numbers, **{name: plain[name] for name in _PLAIN})


def checked(vectors: np.ndarray, dimension: int | None = None) -> np.ndarray:
    """Returns vectors as float64.

    Raises:
        ValueError: not `(N, dimension)` (None: any D of 1 or more), or not real and finite.
    """
    vectors = np.asarray(vectors)
    wanted = "D" if dimension is None else dimension
    fits = vectors.ndim == 2 and vectors.shape[1] and dimension in (None, vectors.shape[1])
    if not fits or vectors.dtype.kind not in "fiub":
        raise ValueError(
            f"vectors must be real numbers, (N, {wanted}). Received: {vectors.dtype} "
            f"{vectors.shape}. Make them with the encoder that the classifier was fitted on."
        )
    exact = vectors.astype(np.float64)
    wrong = np.flatnonzero(~np.isfinite(exact).all(1))
    if len(wrong):
        raise ValueError(
            f"vectors must be finite. Received: NaN or infinite in {len(wrong)} of {len(exact)} "
            f"rows: {preview([str(row) for row in wrong])}. Leave them out."
        )
    return exact


def to_unit(vectors: np.ndarray) -> np.ndarray:
    """Returns `(N, D)` vectors of length 1; those of length 0 stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def _squared_distances(vectors: np.ndarray, others: np.ndarray) -> np.ndarray:
    squares = (vectors**2).sum(1)[:, None] + (others**2).sum(1) - 2 * vectors @ others.T
    return np.maximum(squares, 0)  # rounding may bring 0 below 0


def _wrong_arrays(member: Member) -> list[str]:
    """Returns what does not fit, in words."""
    flat = [name for name in ("mean", "bias") if getattr(member, name).ndim != 1]
    if flat:
        return [f"{name} of shape {getattr(member, name).shape}" for name in flat]
    size, classes = len(member.mean), len(member.bias)
    inputs = size if member.support is None else len(member.support)
    wanted = {"scale": (size,), "weights": (classes, inputs), "support": (inputs, size)}
    wrong = [
        f"{name} {array.shape} instead of {wanted[name]}"
        for name, array in member.arrays.items()
        if array.shape != wanted.get(name, array.shape)
    ]
    odd = [name for name, array in member.arrays.items() if not np.isfinite(array).all()]
    wrong += [f"{name} with NaN or infinite numbers" for name in odd]
    return wrong + ["a scale that is not positive"] * bool((member.scale <= 0).any())
