"""Wrong labels are found, by hand and among labels that were spoilt on purpose."""

import numpy as np

from pose_activity.stage2_classifier.scores.label_noise import Suspect, find_suspects


def test_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9], [0.4, 0.6]])
    labels = np.array([0, 0, 0, 1, 1])
    # On average 0.6 for the first class, 0.75 for the second.
    assert find_suspects(probabilities, labels) == [Suspect(2, 0, 1, 0.2, 0.8)]
    assert find_suspects(np.zeros((0, 2)), np.zeros(0, int)) == []


def test_a_class_of_which_nobody_is_sure_is_not_suspected() -> None:
    """All examples of class 1 look a little more like 0, but less than those of class 0 do."""
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.6, 0.4]] * 10)
    assert find_suspects(probabilities, np.repeat([0, 1], 10)) == []


def test_spoilt_labels_are_most_of_those_found() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(10, size=1000)
    scores = rng.normal(0, 1, (1000, 10))
    scores[np.arange(1000), truth] += 4
    probabilities = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    labels = truth.copy()
    spoilt = rng.choice(1000, 50, replace=False)
    labels[spoilt] = (truth[spoilt] + rng.integers(1, 10, 50)) % 10
    found = find_suspects(probabilities, labels)
    right = {suspect.row for suspect in found} & {*spoilt.tolist()}
    assert len(right) > 30 and len(right) / len(found) > 0.8
    first = found[:30]
    assert all(suspect.row in spoilt for suspect in first)
    assert [s.probability for s in first] == sorted(s.probability for s in first)
    assert np.mean([s.suggested == truth[s.row] for s in first]) > 0.9
