"""The order of classes, against brute force."""

from itertools import pairwise, permutations

import numpy as np
import pytest

from pose_activity.stage2_classifier.scores.confusion import (
    confused_pairs,
    count_matrix,
    most_mistaken,
    similarity_order,
)

CONFUSION = {
    "run": {"run": 8, "walk": 2},
    "sit": {"sit": 5},
    "walk": {"run": 1, "walk": 4, "sit": 1},
}


def test_pairs_come_with_the_most_frequent_first():
    assert confused_pairs(CONFUSION) == [("run", "walk", 2), ("walk", "run", 1), ("walk", "sit", 1)]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(1, ["walk"]), (2, ["run", "walk"]), (9, ["fly", "run", "sit", "walk"])],
)
def test_the_most_mistaken_keep_their_order(limit: int, expected: list[str]):
    # Mistakes: walk 2 + 1 + 1, run 2 + 1, sit 1, fly never came.
    assert most_mistaken(CONFUSION, ["fly", "run", "sit", "walk"], limit) == expected


def test_counts_among_some_classes():
    assert count_matrix(CONFUSION, ["walk", "fly", "run"]).tolist() == [
        [4, 0, 1],
        [0, 0, 0],
        [2, 0, 8],
    ]


def test_blocks_that_are_mixed_up_stand_together():
    rng = np.random.default_rng(0)
    block = np.repeat(np.arange(4), 5)
    counts = np.where(block[:, None] == block, 6, 0) + np.diag(np.full(20, 30))
    shuffle = rng.permutation(20)
    order = similarity_order(counts[np.ix_(shuffle, shuffle)])
    assert sorted(order) == list(range(20))
    found = block[shuffle][order]
    assert sum(a != b for a, b in pairwise(found)) == 3


def test_a_chain_is_ordered_as_brute_force_does():
    rng = np.random.default_rng(1)
    chain = 40 * np.eye(6, dtype=int)
    for a, b in pairwise(range(6)):
        chain[a, b] = chain[b, a] = 10
    shuffle = rng.permutation(6)
    counts = chain[np.ix_(shuffle, shuffle)]
    shares = counts / counts.sum(1, keepdims=True)

    def nearness(order) -> float:
        return sum(shares[a, b] + shares[b, a] for a, b in pairwise(order))

    best = max(nearness(order) for order in permutations(range(6)))
    assert nearness(similarity_order(counts)) == pytest.approx(best)


@pytest.mark.parametrize("counts", [np.eye(3, dtype=int), np.zeros((2, 2), int), np.eye(1)])
def test_without_mistakes_the_order_stays(counts):
    assert similarity_order(counts).tolist() == list(range(len(counts)))
