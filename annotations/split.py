"""Which image is for training, which for choosing, which for the final figures.

Every activity is spread over the three splits in proportion, and a group (a video, a scene) is
never cut: on MPII's sports photos a split that cut clips showed 12 points of accuracy too many.
The result depends on the seed and on the set of samples, not on their order. No picture is opened.
A data set's own split can be kept instead (`keep_given`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from annotations.activities import some
from annotations.types import Sample

SPLITS = ("train", "val", "test")
_MOST_NOTES = 5

Key = tuple[bool, str]  # of a group


@dataclass
class _Bin:
    """One split while it is filled; `name` None holds what is left over."""

    name: str | None
    size: int
    taken: int = 0
    per_activity: Counter[str | None] = field(default_factory=Counter)

    def need(self, group: Counter[str | None], share: dict[str | None, Fraction]) -> Fraction:
        """Returns how far the bin still is from its part of the group's activities, at most 1."""
        missing = Fraction(0)
        for activity, count in group.items():
            target = share[activity] * self.size
            missing += count * (target - self.per_activity[activity]) / target
        return missing / group.total()

    def take(self, group: Counter[str | None]) -> None:
        self.taken += group.total()
        self.per_activity.update(group)


def split(
    samples: Sequence[Sample],
    *,
    train: float | int,
    val: float | int,
    test: float | int,
    seed: int,
    together: Iterable[Sequence[Path]] = (),
) -> tuple[list[Sample], list[str]]:
    """Gives every sample its split.

    Groups are dealt in seeded order, large ones first, each to the split that is furthest from its
    share of the group's activities and has room (where none has, to the one with most room left).
    An activity with one group goes to train.

    Args:
        samples: Of one data set. A sample without a group is a group of its own.
        train: A float is a fraction of the samples in [0, 1], an int a number of samples.
        val: As `train`.
        test: As `train`.
        seed: Another seed gives another split.
        together: Sets of images that must not be cut either (copies of one picture); each becomes
            one group with the groups of its images.

    Returns:
        The samples in their order with `split` set; "train", "val" or "test", or None for those
        that the sizes leave over. And notes: sentences about what the split could not do.

    Raises:
        ValueError: no samples, an image twice, or sizes that are negative, leave train empty or
            ask for more than there is.
    """
    sizes = _sizes(len(samples), train=train, val=val, test=test)
    _check_once(samples)
    keys = _keys(samples, together)
    groups = _groups(samples, keys)
    bins = [_Bin(name, size) for name, size in zip(SPLITS, sizes, strict=True) if size]
    if sum(sizes) < len(samples):
        bins.append(_Bin(None, len(samples) - sum(sizes)))
    chosen = _deal(groups, bins, np.random.default_rng(seed))
    done = [replace(s, split=chosen[key]) for s, key in zip(samples, keys, strict=True)]
    wanted: dict[str, int] = dict(zip(SPLITS, sizes, strict=True))
    return done, [
        *_size_notes(done, wanted),
        *_activity_notes(done, [n for n in SPLITS if wanted[n]]),
    ]


def keep_given(samples: Sequence[Sample]) -> list[str]:
    """Looks at the split that a data set brings along.

    Returns:
        Notes: images without a split, groups on both sides, activities missing from a split.

    Raises:
        ValueError: an image twice, no image for train or val, or an unknown name of a split.
    """
    _check_once(samples)
    counts = Counter(sample.split for sample in samples)
    unknown = sorted({*counts} - {*SPLITS, None}, key=str)
    if unknown or not (counts["train"] and counts["val"]):
        raise ValueError(
            f"split: given needs labels that name the split of each image, one of {SPLITS}, with "
            f"some for train and val. Received: {dict(counts)}. Name them, or give sizes: "
            "split: {train: 0.7, val: 0.15, test: 0.15}"
        )
    notes = []
    if counts[None]:
        notes.append(f"{counts[None]:,} images are in no split: their labels name none.")
    sides: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        if sample.group is not None and sample.split is not None:
            sides[sample.group].add(sample.split)
    cut = [repr(group) for group, names in sorted(sides.items()) if len(names) > 1]
    if cut:
        notes.append(
            f"{len(cut):,} groups lie in more than one split ({some(cut)}): scores will look "
            "better than they are. Mend the splits, or give sizes instead of split: given."
        )
    return notes + _activity_notes(samples, [name for name in SPLITS if counts[name]])


def average_joints(samples: Sequence[Sample]) -> list[dict[str, str | float]]:
    """Counts labelled joints.

    Returns:
        One row per joint, and last the row "all joints": `joint`, and for each split that has
        images the average number of joints with v > 0 per image (over all persons in it). Samples
        must share one skeleton; those without a split are left out.
    """
    by_split = {name: [s for s in samples if s.split == name] for name in SPLITS}
    means = {
        name: np.mean([(s.keypoints[..., 2] > 0).sum(0) for s in inside], axis=0)
        for name, inside in by_split.items()
        if inside
    }
    joints = next((sample.skeleton.joints for sample in samples), ())
    rows: list[dict[str, str | float]] = [
        {"joint": joint} | {name: float(mean[k]) for name, mean in means.items()}
        for k, joint in enumerate(joints)
    ]
    return [*rows, {"joint": "all joints"} | {n: float(mean.sum()) for n, mean in means.items()}]


def _sizes(n: int, **wanted: float | int) -> list[int]:
    """Turns fractions and counts into counts; fractions that sum to 1 leave nothing over."""
    if not n:
        raise ValueError("There are no samples to split. Look at what the cleaner rejected.")
    for name, size in wanted.items():
        bad = isinstance(size, bool) or not np.isfinite(size) or size < 0
        if bad or (isinstance(size, float) and size > 1):
            raise ValueError(
                f"{name} must be a fraction in [0, 1] (a float) or a number of images (an int). "
                f"Received: {size!r}"
            )
    fractions = [size if isinstance(size, float) else 0.0 for size in wanted.values()]
    edges = [round(n * edge) for edge in np.cumsum([0.0, *fractions])]
    sizes = [
        edges[i + 1] - edges[i] if isinstance(size, float) else size
        for i, size in enumerate(wanted.values())
    ]
    if not sizes[0] or sum(sizes) > n:
        raise ValueError(
            f"train must not be empty, and train + val + test must not exceed the {n} images. "
            f"Received: {wanted} = {sizes} images"
        )
    return sizes


def _check_once(samples: Sequence[Sample]) -> None:
    image, count = Counter(sample.image for sample in samples).most_common(1)[0]
    if count > 1:
        raise ValueError(f"An image must be listed once. Received: {image} {count} times")


def _keys(samples: Sequence[Sample], together: Iterable[Sequence[Path]]) -> list[Key]:
    """Returns each sample's group; groups that `together` ties bear the first one's name."""
    # A group that happens to be called like a file stays apart from that file.
    keys = [(s.group is None, s.group or s.image.as_posix()) for s in samples]
    key_of = {sample.image: key for sample, key in zip(samples, keys, strict=True)}
    parent: dict[Key, Key] = {}

    def root(key: Key) -> Key:
        while key in parent:
            key = parent[key]
        return key

    for images in together:
        roots = sorted({root(key_of[image]) for image in images if image in key_of})
        for key in roots[1:]:
            parent[key] = roots[0]
    return [root(key) for key in keys]


def _stratum(sample: Sample) -> str | None:
    """Returns what a sample is counted as: its activity, else that of a person in it."""
    return sample.activity or next(filter(None, sample.activities or ()), None)


def _groups(samples: Sequence[Sample], keys: Sequence[Key]) -> dict[Key, Counter[str | None]]:
    """Returns activity -> number of images for each group, sorted by name."""
    groups: dict[Key, Counter[str | None]] = defaultdict(Counter)
    for sample, key in zip(samples, keys, strict=True):
        groups[key][_stratum(sample)] += 1
    return dict(sorted(groups.items()))


def _deal(
    groups: dict[Key, Counter[str | None]], bins: list[_Bin], rng: np.random.Generator
) -> dict[Key, str | None]:
    total: Counter[str | None] = Counter()
    for group in groups.values():
        total.update(group)
    share = {activity: Fraction(count, total.total()) for activity, count in total.items()}
    spread = Counter(activity for group in groups.values() for activity in group)
    keys = list(groups)
    order = [keys[i] for i in rng.permutation(len(keys))]
    lonely = {key for key in keys if any(spread[activity] == 1 for activity in groups[key])}
    chosen = {}
    for key in sorted(order, key=lambda k: (k not in lonely, -groups[k].total())):
        group = groups[key]
        roomy = [b for b in bins if b.taken + group.total() <= b.size]
        if key in lonely:
            best = bins[0]
        elif roomy:
            best = max(roomy, key=lambda b: b.need(group, share))
        else:
            best = max(bins, key=lambda b: (b.size - b.taken, -b.taken))
        best.take(group)
        chosen[key] = best.name
    return chosen


def _size_notes(samples: Sequence[Sample], sizes: Mapping[str, int]) -> list[str]:
    got = Counter(sample.split for sample in samples)
    notes = [
        f"{name} has {got[name]} images instead of {size}, since no group may be cut."
        for name, size in sizes.items()
        if got[name] != size
    ]
    if got[None]:
        notes.append(
            f"{got[None]} images are in no split: the sizes ask for {sum(sizes.values())}."
        )
    return notes


def _activity_notes(samples: Sequence[Sample], splits: Sequence[str]) -> list[str]:
    """Names the activities that are missing from a split: each, or how many where many are."""
    per_activity: dict[str | None, Counter[str | None]] = defaultdict(Counter)
    for sample in samples:
        per_activity[_stratum(sample)][sample.split] += 1
    per_activity.pop(None, None)
    missing = [
        (activity, counts.total(), [name for name in splits if not counts[name]])
        for activity, counts in sorted(per_activity.items(), key=lambda item: str(item[0]))
        if not all(counts[name] for name in splits)
    ]
    if len(missing) > _MOST_NOTES:
        names = some([repr(activity) for activity, _, _ in missing])
        return [
            f"{len(missing):,} activities have no image in one split or another: {names}. "
            "Add images, or more groups."
        ]
    return [
        f"The activity {activity!r} ({count} images) has none in {' and '.join(absent)}. "
        "Add images, or more groups."
        for activity, count, absent in missing
    ]
