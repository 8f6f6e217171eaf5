"""Fits classifiers of vectors with scikit-learn, and scores them on vectors held back.

Vectors and their labels in, `linear.Linear` out: plain numbers that need no scikit-learn any more.
Knows nothing of files, clips or encoders.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from pose_activity.annotations.text import preview
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.runtime import calibrate
from pose_activity.stage2_classifier.options import LinearOptions
from pose_activity.stage2_classifier.vectors.linear import Linear, Member, checked, to_unit

_USUAL = LinearOptions()
_MOST_ROUNDS = 20_000  # of a solver, before scikit-learn warns that it stopped too early


@dataclass(frozen=True, eq=False)
class Held:
    """What classifiers predicted for vectors that they had not learned from.

    Attributes:
        classes: Names in the order of the columns.
        probabilities: `(N, C)` float32, each row by the classifier of the other folds.
        ids: `(N,)` int, the right classes.
        folds: `(N,)` int, the fold in which each was held back.
    """

    classes: tuple[str, ...]
    probabilities: np.ndarray
    ids: np.ndarray
    folds: np.ndarray

    @property
    def accuracy(self) -> float:
        """Share of the vectors whose most probable class is right."""
        return float((self.probabilities.argmax(1) == self.ids).mean())


def fit(
    vectors: np.ndarray,
    labels: Sequence[str],
    options: LinearOptions = _USUAL,
    *,
    groups: Sequence[str] | None = None,
    seed: int = 0,
) -> Linear:
    """Fits one classifier.

    Args:
        vectors: `(N, D)` real and finite; never changed.
        labels: N class names, two or more of them; the classes are their sorted names.
        options: Of which kind, and how it is fitted.
        groups: N names; a group is in one of the calibration's folds only. None: each vector for
            itself.
        seed: Of the folds, and of liblinear's order of coordinates.

    Returns:
        The classifier.

    Raises:
        ValueError: shapes that do not fit, numbers that are not finite, or fewer than two classes.
    """
    exact, gamma = _check(vectors, labels), options.gamma
    prepared = to_unit(exact) if options.l2_normalize else exact
    mean, scale = np.zeros(exact.shape[1]), np.ones(exact.shape[1])
    if options.standardise:
        scaler = StandardScaler().fit(prepared)
        mean, scale = np.asarray(scaler.mean_), np.asarray(scaler.scale_)
        prepared = (prepared - mean) / scale
    if options.kind == "rbf" and gamma is None:
        gamma = 1 / (prepared.shape[1] * prepared.var()) if prepared.var() > 0 else 1.0
    machine = _machine(replace(options, gamma=gamma), seed)
    machine.fit(prepared, np.asarray(labels, dtype=str))
    preparation = {"mean": mean, "scale": scale, "unit": options.l2_normalize}
    member = _member(options.kind, machine, prepared, gamma, **preparation)
    if options.calibration_folds:
        held = cross_validate(
            vectors,
            labels,
            replace(options, gamma=gamma, calibration_folds=0),
            folds=options.calibration_folds,
            groups=groups,
            seed=seed,
        )
        temperature = calibrate.temperature(held.probabilities, held.ids)
        member = replace(member, temperature=temperature)
    return Linear(machine.classes_.tolist(), [member])


def cross_validate(
    vectors: np.ndarray,
    labels: Sequence[str],
    options: LinearOptions = _USUAL,
    *,
    folds: int = 5,
    groups: Sequence[str] | None = None,
    seed: int = 0,
    on_progress: ProgressCallback | None = None,
) -> Held:
    """Fits on all folds but one and classifies that one, in turns; folds have classes alike.

    Args:
        vectors: As for `fit`.
        labels: As for `fit`.
        options: As for `fit`.
        folds: Number of folds, 2 or more.
        groups: N names of scenes, or people; a group is in one fold only. None: each vector for
            itself.
        seed: Another seed gives other folds. Also given to `fit`.
        on_progress: Told (folds done, folds, accuracy on the last one).

    Returns:
        The prediction for every vector.

    Raises:
        ValueError: as `fit`; or a class in fewer groups (without groups: vectors) than there are
            folds, so that a fold would be without it.
    """
    exact = _check(vectors, labels)
    texts = np.asarray(labels, dtype=str)
    own = None if groups is None else np.asarray(groups, dtype=str)
    _check_folds(texts, np.arange(len(texts)).astype(str) if own is None else own, folds)
    splitter = StratifiedKFold if own is None else StratifiedGroupKFold
    parts = splitter(folds, shuffle=True, random_state=seed).split(exact, texts, own)
    classes, ids = np.unique(texts, return_inverse=True)
    probabilities = np.zeros((len(texts), len(classes)), np.float32)
    fold_of = np.zeros(len(texts), int)
    for fold, (learned, held) in enumerate(parts):
        inner = None if own is None else own[learned].tolist()
        classifier = fit(exact[learned], texts[learned].tolist(), options, groups=inner, seed=seed)
        columns = np.searchsorted(classes, classifier.classes)
        probabilities[np.ix_(held, columns)] = classifier(exact[held])
        fold_of[held] = fold
        if on_progress:
            right = probabilities[held].argmax(1) == ids[held]
            on_progress(fold + 1, folds, f"accuracy {right.mean():.3f}")
    return Held(tuple(classes.tolist()), probabilities, ids, fold_of)


def _machine(options: LinearOptions, seed: int) -> Any:
    kind, C, gamma, shrinkage = options.kind, options.C, options.gamma, options.shrinkage
    if kind == "logistic":
        inner = LogisticRegression(solver="liblinear", C=C, random_state=seed)
        return OneVsRestClassifier(inner)
    if kind == "softmax":
        return LogisticRegression(C=C, max_iter=_MOST_ROUNDS)
    if kind == "svm":
        return LinearSVC(C=C, max_iter=_MOST_ROUNDS, random_state=seed)
    if kind == "rbf":
        return OneVsRestClassifier(SVC(C=C, gamma=gamma))  # type: ignore[arg-type]
    if kind == "ridge":
        return RidgeClassifier(alpha=1 / C, class_weight="balanced")
    shrunk = "auto" if shrinkage is None else shrinkage
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrunk)


def _member(
    kind: str, machine: Any, prepared: np.ndarray, gamma: float | None, **preparation: Any
) -> Member:
    """Takes the numbers out of a fitted machine; two classes get a row each."""
    if kind == "rbf":
        weights, bias, support = _kernel_numbers(machine.estimators_, prepared)
        preparation |= {"support": support, "gamma": gamma}
    elif kind == "logistic":
        weights = np.concatenate([one.coef_ for one in machine.estimators_])
        bias = np.concatenate([one.intercept_ for one in machine.estimators_])
    else:
        weights, bias = np.atleast_2d(machine.coef_), np.atleast_1d(machine.intercept_)
    link = "sigmoid" if kind == "logistic" else "softmax"
    if len(bias) == 1:  # one row decides between two classes; a softmax sees the difference
        part = 1.0 if link == "sigmoid" else 0.5
        weights, bias = np.concatenate([-weights, weights]), np.concatenate([-bias, bias])
        weights, bias = part * weights, part * bias
    return Member(weights=weights, bias=bias, link=link, **preparation)


def _kernel_numbers(
    machines: Sequence[SVC], prepared: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns weights, bias and support vectors of one-vs-rest machines over all their vectors."""
    weights = np.zeros((len(machines), len(prepared)))
    for row, machine in zip(weights, machines, strict=True):
        row[machine.support_] = machine.dual_coef_[0]
    used = weights.any(0)
    bias = np.concatenate([machine.intercept_ for machine in machines])
    return weights[:, used], bias, prepared[used]


def _check(vectors: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    exact = checked(vectors)
    if len(exact) != len(labels):
        raise ValueError(
            f"labels must name one class per vector, {len(exact)} in all. Received: {len(labels)}"
        )
    classes = sorted({*labels})
    if len(classes) < 2:
        raise ValueError(f"There must be two classes or more. Received: {classes}. Add another.")
    return exact


def _check_folds(labels: np.ndarray, groups: np.ndarray, folds: int) -> None:
    if folds < 2:
        raise ValueError(f"There must be two folds or more. Received: {folds}")
    if len(groups) != len(labels):
        raise ValueError(
            f"groups must name one per vector, {len(labels)} in all. Received: {len(groups)}"
        )
    where: dict[str, set[str]] = defaultdict(set)
    for label, group in zip(labels.tolist(), groups.tolist(), strict=True):
        where[label].add(group)
    few = [
        f"{name!r} ({len(found)})" for name, found in sorted(where.items()) if len(found) < folds
    ]
    if few:
        raise ValueError(
            f"Each class must be in {folds} groups (vectors, without groups), one per "
            f"fold. Received: {preview(few)}. Take fewer folds, or leave the classes out."
        )
