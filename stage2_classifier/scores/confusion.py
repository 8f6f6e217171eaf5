"""Which classes are taken for one another, and the order in which to look at them.

In comes the `confusion` of a `Report` (true class -> predicted class -> count), out go class names,
small `(C, C)` int matrices (rows true, columns predicted) and permutations. Knows nothing of
pictures, files or drawings.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

Confusion = Mapping[str, Mapping[str, int]]


def confused_pairs(confusion: Confusion) -> list[tuple[str, str, int]]:
    """Returns (true, taken for, count) of every mistake, the most frequent first."""
    pairs = [
        (true, taken, count)
        for true, row in confusion.items()
        for taken, count in row.items()
        if true != taken
    ]
    return sorted(pairs, key=lambda pair: -pair[2])


def most_mistaken(confusion: Confusion, classes: Sequence[str], limit: int) -> list[str]:
    """Returns the `limit` classes with the most mistakes, in the order of `classes`.

    A mistake counts for both: the class that was there and the one that was named. Between equals
    the class that occurs more often comes first, then the one that is listed first.
    """
    mistakes: Counter[str] = Counter()
    for true, taken, count in confused_pairs(confusion):
        mistakes[true] += count
        mistakes[taken] += count
    support = {true: sum(row.values()) for true, row in confusion.items()}
    ranked = sorted(classes, key=lambda name: (-mistakes[name], -support.get(name, 0)))
    chosen = set(ranked[:limit])
    return [name for name in classes if name in chosen]


def count_matrix(confusion: Confusion, classes: Sequence[str]) -> np.ndarray:
    """Returns the `(C, C)` int counts among some of the classes, C = len(classes)."""
    place = {name: i for i, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), int)
    for true in place.keys() & confusion.keys():
        for taken in place.keys() & confusion[true].keys():
            counts[place[true], place[taken]] = confusion[true][taken]
    return counts


def similarity_order(counts: np.ndarray) -> np.ndarray:
    """Orders classes so that those taken for one another are neighbours.

    The similarity of two classes is the mean of the two shares in which one was taken for the
    other. Average-linkage clustering, with leaves ordered so that neighbours are as similar as the
    tree allows. Source: Bar-Joseph, Gifford and Jaakkola, Bioinformatics 17 (2001), as in scipy.
    Classes that were never mixed up come last, as they came.

    Args:
        counts: `(C, C)` int, rows true.

    Returns:
        `(C,)` int: a permutation of 0..C-1.
    """
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    similarity = (shares + shares.T) / 2
    np.fill_diagonal(similarity, 0)
    mixed = similarity.any(1)
    alone, together = np.flatnonzero(~mixed), np.flatnonzero(mixed)
    if len(together) > 2:
        distance = 1 - similarity[np.ix_(together, together)]
        np.fill_diagonal(distance, 0)
        tree = linkage(squareform(distance), "average", optimal_ordering=True)
        together = together[leaves_list(tree)]
    return np.concatenate([together, alone])
