"""Classifiers of vectors; each photo is answered by one that had not learned of it.

In come `(N, D)` float32 and `(N,)` class ids, out go `(N, classes)` float32 probabilities, one
array for each deal of the folds.
"""

from collections.abc import Sequence

import numpy as np
import scipy.special
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits

from pose_activity.runtime import calibrate
from pose_activity.stage2_classifier.frozen import joint_scores, softmax

FOLDS = 5
STRENGTHS = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
SHARES = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)  # of the second classifier, where two are mixed
_LEAST_GAIN = 0.01  # of the loss, in nats: as `frozen.fit` has it
_ROUGH = 1e-4  # relative change of the loss at which a fit ends

_STEEP = 7.0  # what scores of joints are multiplied by; `mixed` calibrates them as well
_HIDDEN, _EPOCHS = 128, 40  # of the small network of joints

Deal = list[tuple[np.ndarray, np.ndarray]]  # of each fold, what is learned from, and answered


def deal(ids: np.ndarray, groups: Sequence[str], seed: int) -> Deal:
    """Deals the photos over folds; those of one group are on one side."""
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    return [*folds.split(np.zeros((len(ids), 1)), ids, np.asarray(groups))]


def linear(rows: list[np.ndarray], ids: np.ndarray, deals: Sequence[Deal]) -> list[np.ndarray]:
    """Returns `(N, classes)` float32 for each deal: answers of heads that had not learned of them.

    Args:
        rows: `(N, D)`, and perhaps those of the mirror images, with half the weight each.
        ids: `(N,)` class ids.
        deals: Over whose folds; the penalty's strength is chosen on the answers to the first.
    """
    with threadpool_limits(1, "blas"):  # so small that threads only wait for each other
        return _linear(rows, ids, deals)


def _linear(rows: list[np.ndarray], ids: np.ndarray, deals: Sequence[Deal]) -> list[np.ndarray]:
    times, count, classes = len(rows), len(ids), int(ids.max()) + 1
    turned = _turned(np.concatenate(rows)).reshape(times, count, -1)

    def answer(C: float, deal: Deal, starts: list) -> np.ndarray:
        answers = np.zeros((count, classes), np.float32)
        for number, (learned, held) in enumerate(deal):
            shown = turned[:, learned].reshape(times * len(learned), -1)
            starts[number] = softmax.fit(
                shown,
                np.tile(ids[learned], times),
                classes=classes,
                C=C,
                weights=np.full(len(shown), 1 / times),
                start=starts[number],
                tolerance=_ROUGH,
            )
            answers[held] = softmax.probabilities(turned[0][held], starts[number])
        return answers

    starts: list = [None] * FOLDS
    best, C, least = np.zeros(0), STRENGTHS[0], np.inf
    for strength in STRENGTHS:
        answers = answer(strength, deals[0], starts)
        found = loss(answers, ids)
        if found > least - _LEAST_GAIN:
            break
        best, C, least = answers, strength, found
    return [best, *(answer(C, deal, [None] * FOLDS) for deal in deals[1:])]


def _turned(vectors: np.ndarray) -> np.ndarray:
    """Returns standardised vectors in a space of no more axes than vectors: fits are the same."""
    scale = vectors.std(0, dtype=np.float64)
    even = (vectors - vectors.mean(0, dtype=np.float64)) / np.where(scale > 0, scale, 1)
    even = even.astype(np.float32)
    if even.shape[0] >= even.shape[1]:
        return even
    squares, axes = np.linalg.eigh(even @ even.T)
    return axes * np.sqrt(np.maximum(squares, 0))


def network(joints: list[np.ndarray], ids: np.ndarray, deal: Deal) -> np.ndarray:
    """Returns `(N, classes)`: answers of a small network to the joints, mirror images learned."""
    import torch

    torch.set_num_threads(1)
    classes, answers = int(ids.max()) + 1, np.zeros((len(ids), int(ids.max()) + 1), np.float32)
    for number, (learned, held) in enumerate(deal):
        torch.manual_seed(number)
        shown = np.concatenate([side[learned] for side in joints])
        mean, scale = shown.mean(0), shown.std(0) + 1e-6
        rows, asked = (torch.from_numpy((x - mean) / scale) for x in (shown, joints[0][held]))
        names = torch.from_numpy(np.tile(ids[learned], 2))
        nn = torch.nn
        network = nn.Sequential(
            *(nn.Linear(shown.shape[1], _HIDDEN), nn.ReLU(), nn.Dropout(0.5)),
            *(nn.Linear(_HIDDEN, _HIDDEN), nn.ReLU(), nn.Dropout(0.5)),
            nn.Linear(_HIDDEN, classes),
        )
        optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.01)
        for _ in range(_EPOCHS):
            for batch in torch.randperm(len(rows)).split(128):
                optimizer.zero_grad()
                nn.functional.cross_entropy(network(rows[batch]), names[batch]).backward()
                optimizer.step()
        with torch.no_grad():
            answers[held] = network.eval()(asked).softmax(1).numpy()
    return answers


def kernel(numbers: np.ndarray, ids: np.ndarray, deal: Deal) -> np.ndarray:
    """Returns `(N, classes)`: answers to the joints alone of what `stage2.linear` joins late.

    Args:
        numbers: `(N, 2, D)`, see `cache.joint_numbers`.
        ids: `(N,)` class ids.
        deal: Over whose folds.
    """
    rows, classes = numbers.reshape(len(numbers), -1), int(ids.max()) + 1
    answers = np.zeros((len(ids), classes), np.float32)
    for learned, held in deal:
        scores = joint_scores.fit(rows[learned], ids[learned], classes=classes)
        answers[held] = scipy.special.softmax(_STEEP * scores(rows[held]), axis=1)
    return answers


def mixed(first: list[np.ndarray], second: list[np.ndarray], ids: np.ndarray) -> list[np.ndarray]:
    """Returns p q^w of calibrated answers p and q; w is chosen on the first deal's."""
    first, second = (
        [calibrate.apply(one, calibrate.temperature(side[0], ids)) for one in side]
        for side in (first, second)
    )

    def mix(share: float, number: int) -> np.ndarray:
        powers = first[number].astype(np.float64) * np.maximum(second[number], 1e-12) ** share
        return (powers / powers.sum(1, keepdims=True)).astype(np.float32)

    share = min(SHARES, key=lambda share: loss(mix(share, 0), ids))
    return [mix(share, number) for number in range(len(first))]


def loss(answers: np.ndarray, ids: np.ndarray) -> float:
    """Returns the mean cross-entropy of answers, calibrated by one temperature."""
    calibrated = calibrate.apply(answers, calibrate.temperature(answers, ids))
    right = calibrated[np.arange(len(ids)), ids]
    return float(-np.log(np.maximum(right, np.finfo(np.float32).tiny)).mean())
