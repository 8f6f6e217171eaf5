"""The tree of 15 parts and its merges."""

from itertools import product

import numpy as np
import pytest

from pose_activity.annotations.parts import (
    IGNORE,
    LIP20,
    LIP_GROUPS,
    NEIGHBOURS,
    PARTS7,
    PARTS9,
    PARTS15,
    PASCAL7,
    PERSON,
    SCHEMES,
    TREE,
    PartScheme,
    hop_distances,
    merge,
    merge_probabilities,
    merge_table,
    swap_sides,
)

RNG = np.random.default_rng(0)


def test_numbers_and_colours_are_those_of_3dpeople():
    assert PARTS15.names[:5] == (
        "background",
        "head",
        "right_upper_arm",
        "right_forearm",
        "right_hand",
    )
    assert PARTS15.index("torso") == 8 and PARTS15.index("left_foot") == 14
    assert PARTS15.colours[0] == (153, 153, 153) and PARTS15.colours[14] == (255, 128, 0)
    assert len(set(PARTS15.colours)) == 15
    assert all(len(set(scheme.colours)) == len(scheme) for scheme in (PARTS9, PARTS7, PASCAL7))


def test_merging_by_hand():
    # background, head, right hand, left forearm, torso, right foot, left lower leg, nothing known
    ids = np.array([0, 1, 4, 6, 8, 11, 13, IGNORE], np.uint8)
    assert merge(ids, PARTS15, PARTS9).tolist() == [0, 1, 4, 3, 5, 8, 7, IGNORE]
    assert merge(ids, PARTS15, PASCAL7).tolist() == [0, 1, 4, 4, 2, 6, 6, IGNORE]
    assert merge(ids, PARTS15, PERSON).tolist() == [0, 1, 1, 1, 1, 1, 1, IGNORE]


@pytest.mark.parametrize("target", [PARTS7, PASCAL7, LIP_GROUPS, PERSON])
def test_two_steps_of_a_merge_are_one(target):
    ids = np.arange(15, dtype=np.uint8)
    nine = merge(ids, PARTS15, PARTS9)
    assert np.array_equal(merge(nine, PARTS9, target), merge(ids, PARTS15, target))
    p = RNG.dirichlet(np.ones(15), size=(2, 3))
    two_steps = merge_probabilities(merge_probabilities(p, PARTS15, PARTS9), PARTS9, target)
    assert np.allclose(two_steps, merge_probabilities(p, PARTS15, target))
    assert np.allclose(two_steps.sum(-1), 1)


def test_probabilities_are_summed_as_a_slow_loop_sums_them():
    p = RNG.dirichlet(np.ones(15), size=4).astype(np.float32)
    expected = np.zeros((4, len(LIP20)))
    for row, (column, parts) in product(range(4), enumerate(LIP20.members)):
        expected[row, column] = sum(p[row, TREE.index(part)] for part in parts)
    merged = merge_probabilities(p, PARTS15, LIP20)
    assert merged.dtype == np.float32 and np.allclose(merged, expected, atol=1e-6)


def test_what_overlaps_or_is_finer_cannot_be_merged_into():
    with pytest.raises(ValueError, match="within one class there. Not so: head, "):
        merge_table(PARTS15, LIP20)
    with pytest.raises(ValueError, match="'parts7' cannot be merged into 'parts9'.*lower_arm"):
        merge_table(PARTS7, PARTS9)
    with pytest.raises(ValueError, match=r"below 7 \(pascal7\).*Received: \[9\]"):
        merge(np.array([9], np.uint8), PASCAL7, PERSON)
    with pytest.raises(ValueError, match="must be uint8. Received: int64"):
        merge(np.array([1]), PASCAL7, PERSON)


def test_sides_change_places():
    ids = np.array([0, 1, 2, 7, 8, 14, IGNORE], np.uint8)
    assert swap_sides(ids, PARTS15).tolist() == [0, 1, 5, 4, 8, 11, IGNORE]
    assert np.array_equal(swap_sides(ids[:5], PARTS9), ids[:5])
    assert len(PARTS15.pairs) == 6 and ("left_hand", "right_hand") in PARTS15.pairs
    assert not PASCAL7.pairs and len(LIP20.pairs) == 3
    for scheme in SCHEMES.values():
        flip = np.array(scheme.flip_index)
        assert np.array_equal(flip[flip], np.arange(len(scheme)))


def test_hops_of_nine_parts_by_hand():
    hops = hop_distances(PARTS9)
    named = {
        ("head", "torso"): 1,
        ("hand", "foot"): 6,
        ("hand", "head"): 4,
        ("thigh", "foot"): 2,
        ("upper_arm", "thigh"): 2,
    }
    for (a, b), steps in named.items():
        assert hops[PARTS9.index(a), PARTS9.index(b)] == steps
    assert not hops[0].any() and not np.diagonal(hops).any() and np.array_equal(hops, hops.T)


@pytest.mark.parametrize("scheme", [PARTS15, PARTS9, PASCAL7])
def test_hops_are_shortest_paths(scheme):
    """Floyd and Warshall, slowly."""
    far = np.full((len(scheme), len(scheme)), 99)
    np.fill_diagonal(far, 0)
    holder = {part: i for i, parts in enumerate(scheme.members) for part in parts}
    for a, b in NEIGHBOURS:
        if holder[a] != holder[b]:
            far[holder[a], holder[b]] = far[holder[b], holder[a]] = 1
    for k, i, j in product(range(len(scheme)), repeat=3):
        far[i, j] = min(far[i, j], far[i, k] + far[k, j])
    assert np.array_equal(hop_distances(scheme)[1:, 1:], far[1:, 1:])


@pytest.mark.parametrize("scheme", [*SCHEMES.values()])
def test_json_both_ways(scheme):
    assert PartScheme.from_json(scheme.as_json()) == scheme


def test_own_lists_both_ways_and_what_they_may_not_be():
    own = PartScheme("own", ("none", "top"), (("background",), ("head", "torso")))
    assert PartScheme.from_json(own.as_json()) == own
    with pytest.raises(ValueError, match=r"Unknown: \['tail'\]"):
        PartScheme("own", ("none", "tail"), (("background",), ("tail",)))
    with pytest.raises(ValueError, match="none twice"):
        PartScheme("own", ("a", "a"), (("background",), ("head",)))
    with pytest.raises(ValueError, match="class 0 must be the background"):
        PartScheme("own", ("head", "none"), (("head",), ("background",)))
    with pytest.raises(ValueError, match=r"one of \['parts15', .* Received: 'coco'"):
        PartScheme.from_json("coco")
