"""Retrieval figures against hand-computed ones and a slow loop."""

import numpy as np
import pytest

from pose_activity.stage2_classifier.scores.retrieval import Retrieval, leave_one_out, retrieve


def at(*degrees: float) -> np.ndarray:
    """Unit vectors in the plane: their distance grows with the angle between them."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_by_hand():
    gallery, people = at(0, 10, 20, 40, 80, 100), list("abbacd")
    # From 1 degree on: a b b a c d, right at places 1 and 4: (1/1 + 2/4) / 2.
    # From 101 degrees on: d c a b b a, b at places 4 and 5: (1/4 + 2/5) / 2.
    found = retrieve(gallery, people, at(1, 101), list("ab"))
    assert found.rank1 == 0.5
    assert found.rank5 == 1.0
    assert found.mean_ap == pytest.approx((0.75 + 0.325) / 2)
    assert (found.probes, found.left_out, found.absent) == (2, 0, ())


def test_the_fifth_counts_and_the_sixth_does_not():
    gallery, people = at(0, 10, 20, 30, 40, 50), list("xxxxab")
    found = retrieve(gallery, people, at(-1, -1), list("ab"))
    assert (found.rank1, found.rank5) == (0.0, 0.5)
    assert found.mean_ap == pytest.approx((1 / 5 + 1 / 6) / 2)


def test_lengths_do_not_count():
    gallery = at(0, 90) * [[1e-200], [1e200]]
    assert retrieve(gallery, ["a", "b"], 3 * at(10), ["a"]).rank1 == 1


def test_people_who_are_not_in_the_gallery_are_counted_and_named():
    found = retrieve(at(0, 90), ["a", "b"], at(1, 2, 3, 89), ["a", "zoe", "yan", "zoe"])
    assert found == Retrieval(1.0, 1.0, 1.0, probes=1, left_out=3, absent=("yan", "zoe"))
    assert found.as_json()["absent"] == ["yan", "zoe"]


def test_ties_are_ordered_against_us_whatever_the_order_of_the_rows():
    everybody_alike = np.ones((4, 3))
    for people in ("abbb", "babb", "bbba"):
        found = retrieve(everybody_alike, list(people), np.ones((1, 3)), ["a"])
        assert found.rank1 == 0
        assert found.mean_ap == 1 / 4


def test_rounding_does_not_part_ties():
    rng = np.random.default_rng(0)
    vector = rng.normal(size=(1, 97)).astype(np.float32)
    gallery = np.concatenate([vector * factor for factor in (1, 3, 7, 0.1)])
    found = retrieve(gallery, list("abbb"), vector * 11, ["a"])
    assert found.mean_ap == 1 / 4


def test_leave_one_out_by_hand():
    # 0: nearest 10 (b), then 25 (a): 1/2. 10: nearest 0 (a), 25 (a), 60 (b): 1/3.
    # 25: nearest 10 (b), 0 (a): 1/2. 60: nearest 25 (a), 10 (b): 1/2.
    found = leave_one_out(at(0, 10, 25, 60), list("abab"))
    assert found.rank1 == 0
    assert found.mean_ap == pytest.approx((1 / 2 + 1 / 3 + 1 / 2 + 1 / 2) / 4)


def test_a_group_does_not_find_itself():
    vectors, people = at(0, 1, 90, 91, 3), list("aabba")
    clips = ["1", "1", "2", "2", "3"]
    found = leave_one_out(vectors, people, groups=clips)
    assert (found.probes, found.left_out, found.absent) == (3, 2, ("b",))
    assert found.rank1 == 1


def slow(vectors, people, groups):
    first, fifth, precisions, left_out = [], [], [], 0
    for i, probe in enumerate(vectors):
        others = []
        for j, other in enumerate(vectors):
            if groups[i] != groups[j]:
                cosine = probe @ other / np.sqrt(probe @ probe) / np.sqrt(other @ other)
                others.append((1 - cosine, people[j] == people[i]))
        if not any(same for _, same in others):
            left_out += 1
            continue
        ranked = [same for _, same in sorted(others)]
        first.append(ranked[0])
        fifth.append(any(ranked[:5]))
        hits = [k for k, same in enumerate(ranked) if same]
        precisions.append(np.mean([(n + 1) / (k + 1) for n, k in enumerate(hits)]))
    return np.mean(first), np.mean(fifth), np.mean(precisions), left_out


@pytest.mark.parametrize("seed", range(3))
def test_equals_a_slow_loop(seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(60, 4)) + 1
    people = [f"person {i}" for i in rng.integers(0, 20, 60)]
    groups = [str(i) for i in rng.integers(0, 30, 60)]
    found = leave_one_out(vectors, people, groups=groups)
    figures = (found.rank1, found.rank5, found.mean_ap, found.left_out)
    assert figures == pytest.approx(slow(vectors, people, groups))
    assert found.probes == 60 - found.left_out


def test_vectors_stay_as_they_were():
    vectors = at(0, 10, 20).astype(np.float32)
    before = vectors.copy()
    leave_one_out(vectors, list("aab"))
    assert (vectors == before).all()


@pytest.mark.parametrize(
    ("gallery", "probes", "match"),
    [
        (np.ones((2, 3)), np.ones((1, 4)), r"one size. Received: \(2, 3\) and \(1, 4\)"),
        (np.ones(2), np.ones((1, 4)), r"gallery must be \(N, D\) with N people. Received: \(2,\)"),
        (np.ones((3, 4)), np.ones((1, 4)), r"gallery must .* Received: \(3, 4\) and 2"),
        (np.eye(2) * [[1], [0]], np.ones((1, 2)), "1 of 2 that are not: rows 1. Leave them out"),
        (np.eye(2), np.array([[np.nan, 1]]), "probes must be finite .* 1 of 1 .* rows 0"),
    ],
)
def test_what_does_not_fit_is_refused(gallery, probes, match):
    with pytest.raises(ValueError, match=match):
        retrieve(gallery, ["a", "b"], probes, ["a"])


def test_nobody_to_find_is_refused():
    with pytest.raises(ValueError, match="2 probes of c, d, none of them there"):
        retrieve(at(0, 1), ["a", "b"], at(2, 3), ["d", "c"])
    with pytest.raises(ValueError, match="one per vector, 2 in all. Received: 1"):
        leave_one_out(at(0, 1), ["a", "a"], groups=["x"])
