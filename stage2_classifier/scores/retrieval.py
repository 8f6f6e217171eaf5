"""Retrieval of people by the nearest vectors: rank-1, rank-5 and mean average precision.

In come `(N, D)` vectors with the person that each shows; a probe is compared by cosine distance
with every vector of its gallery. Arithmetic on arrays: knows nothing of models, clips or files.
Source of the measures: Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV 2015.

Vectors at the same distance (equal to 9 decimals) are ordered against us: those of other people
come first. A figure so never depends on the order of the rows, and a model that gives everybody
the same vector scores as it deserves.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pose_activity.annotations.text import preview

_DECIMALS = 9  # below this, differences of distances are rounding


@dataclass(frozen=True)
class Retrieval:
    """How well people are found again; plain numbers, means over the probes that count.

    Attributes:
        rank1: Share of probes whose nearest vector shows the same person.
        rank5: Share of probes with the same person among the five nearest.
        mean_ap: Mean over probes of the average precision: the mean, over the gallery's vectors of
            the probe's person, of the share of right ones among those up to it.
        probes: Number of probes that count.
        left_out: Number of probes whose person their gallery does not hold: nothing right could
            be found, so they count in no mean.
        absent: The people of those probes, sorted, each once.
    """

    rank1: float
    rank5: float
    mean_ap: float
    probes: int
    left_out: int
    absent: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Returns JSON values."""
        return asdict(self) | {"absent": list(self.absent)}


def retrieve(
    gallery: np.ndarray,
    gallery_people: Sequence[str],
    probes: np.ndarray,
    probe_people: Sequence[str],
) -> Retrieval:
    """Looks for each probe's person in one gallery.

    Args:
        gallery: `(G, D)` real numbers of any length but 0; they need not be normalised.
        gallery_people: G names.
        probes: `(P, D)`, likewise. None of them should be in the gallery too.
        probe_people: P names.

    Returns:
        The figures.

    Raises:
        ValueError: shapes that do not fit, numbers that are not finite, a vector of length 0, or
            no probe whose person is in the gallery.
    """
    _check("gallery", gallery, gallery_people)
    _check("probes", probes, probe_people)
    if gallery.shape[1] != probes.shape[1]:
        raise ValueError(
            "gallery and probes must have vectors of one size. "
            f"Received: {gallery.shape} and {probes.shape}. Embed both with the same model."
        )
    hidden = np.zeros((len(probes), len(gallery)), bool)
    return _figures(probes, probe_people, gallery, gallery_people, hidden)


def leave_one_out(
    vectors: np.ndarray, people: Sequence[str], *, groups: Sequence[str] | None = None
) -> Retrieval:
    """Looks for each vector's person among all the other vectors.

    Args:
        vectors: `(N, D)` as for `retrieve`.
        people: N names.
        groups: N names of scenes, or clips; a probe's gallery is then without all vectors of its
            own group (windows of one clip find one another too easily). None: only the probe
            itself is left out.

    Returns:
        The figures.

    Raises:
        ValueError: as `retrieve`, or another number of groups.
    """
    _check("vectors", vectors, people)
    if groups is not None and len(groups) != len(vectors):
        raise ValueError(
            f"groups must name one per vector, {len(vectors)} in all. Received: {len(groups)}"
        )
    own = np.arange(len(vectors)) if groups is None else np.asarray(groups)
    return _figures(vectors, people, vectors, people, own[:, None] == own)


def _check(name: str, vectors: np.ndarray, people: Sequence[str]) -> None:
    if vectors.ndim != 2 or len(vectors) != len(people):
        raise ValueError(
            f"{name} must be (N, D) with N people. Received: {vectors.shape} and {len(people)}"
        )
    wrong = ~np.isfinite(vectors).all(1) | ~vectors.any(1)
    if wrong.any():
        rows = preview([str(row) for row in np.flatnonzero(wrong)])
        raise ValueError(
            f"{name} must be finite and not all 0, or they have no direction. Received: "
            f"{wrong.sum()} of {len(vectors)} that are not: rows {rows}. Leave them out."
        )


def _figures(
    probes: np.ndarray,
    probe_people: Sequence[str],
    gallery: np.ndarray,
    gallery_people: Sequence[str],
    hidden: np.ndarray,
) -> Retrieval:
    """Ranks; `hidden` `(P, G)` marks what is not in a probe's gallery."""
    # Compared as objects, since numpy's own texts lose blanks and NULs at their ends.
    names = np.array([*probe_people, *gallery_people], dtype=object)
    same = names[: len(probes), None] == names[None, len(probes) :]
    same = same.astype(bool) & ~hidden
    counts = same.any(1)
    absent = tuple(sorted({*names[: len(probes)][~counts]}))
    if not counts.any():
        raise ValueError(
            "At least one probe's person must be in the gallery. "
            f"Received: {len(probes)} probes of {preview(list(absent))}, none of them there."
        )
    distances = np.where(hidden, np.inf, _distances(probes, gallery))[counts]
    order = np.lexsort((same[counts], distances), axis=1)  # others first where distances are equal
    right = np.take_along_axis(same[counts], order, axis=1)
    shares = right.cumsum(1) / np.arange(1, right.shape[1] + 1)
    precisions = (shares * right).sum(1) / right.sum(1)
    return Retrieval(
        rank1=float(right[:, 0].mean()),
        rank5=float(right[:, :5].any(1).mean()),
        mean_ap=float(precisions.mean()),
        probes=int(counts.sum()),
        left_out=int((~counts).sum()),
        absent=absent,
    )


def _distances(probes: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Returns `(P, G)` cosine distances, rounded so that what is equal compares equal."""
    return np.round(1 - _directions(probes) @ _directions(gallery).T, _DECIMALS)


def _directions(vectors: np.ndarray) -> np.ndarray:
    exact = vectors.astype(np.float64)
    exact /= np.abs(exact).max(1, keepdims=True)  # squares of tiny or huge numbers stay numbers
    return exact / np.linalg.norm(exact, axis=1, keepdims=True)
