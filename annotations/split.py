"""Which image is for training, which for choosing, which for the final figures.

Every activity is spread over the three splits in proportion, and a group (a video, a scene) is
never cut: on MPII's sports photos a split that cut clips showed 12 points of accuracy too many.
The result depends on the seed and on the set of samples, not on their order. No picture is opened.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from annotations.types import Sample

SPLITS = ("train", "val", "test")


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

    Returns:
        The samples in their order with `split` set; "train", "val" or "test", or None for those
        that the sizes leave over. And notes: sentences about what the split could not do.

    Raises:
        ValueError: no samples, an image twice, or sizes that are negative, leave train empty or
            ask for more than there is.
    """
    sizes = _sizes(len(samples), train=train, val=val, test=test)
    groups = _groups(samples)
    bins = [_Bin(name, size) for name, size in zip(SPLITS, sizes, strict=True) if size]
    if sum(sizes) < len(samples):
        bins.append(_Bin(None, len(samples) - sum(sizes)))
    chosen = _deal(groups, bins, np.random.default_rng(seed))
    done = [replace(sample, split=chosen[_group_key(sample)]) for sample in samples]
    return done, _notes(done, dict(zip(SPLITS, sizes, strict=True)))


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


def _group_key(sample: Sample) -> tuple[bool, str]:
    # A group that happens to be called like a file stays apart from that file.
    return (True, sample.image.as_posix()) if sample.group is None else (False, sample.group)


def _groups(samples: Sequence[Sample]) -> dict[tuple[bool, str], Counter[str | None]]:
    """Returns activity -> number of images for each group, sorted by name."""
    images = Counter(sample.image for sample in samples)
    image, count = images.most_common(1)[0]
    if count > 1:
        raise ValueError(f"An image must be listed once. Received: {image} {count} times")
    groups: dict[tuple[bool, str], Counter[str | None]] = defaultdict(Counter)
    for sample in samples:
        groups[_group_key(sample)][sample.activity] += 1
    return dict(sorted(groups.items()))


def _deal(
    groups: dict[tuple[bool, str], Counter[str | None]], bins: list[_Bin], rng: np.random.Generator
) -> dict[tuple[bool, str], str | None]:
    total = sum((Counter(group) for group in groups.values()), Counter())
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


def _notes(samples: list[Sample], sizes: dict[str, int]) -> list[str]:
    notes = []
    got = Counter(sample.split for sample in samples)
    for name, size in sizes.items():
        if got[name] != size:
            notes.append(
                f"{name} has {got[name]} images instead of {size}, since no group may be cut."
            )
    if got[None]:
        notes.append(
            f"{got[None]} images are in no split: the sizes ask for {sum(sizes.values())}."
        )
    per_activity: dict[str | None, Counter[str | None]] = defaultdict(Counter)
    for sample in samples:
        per_activity[sample.activity][sample.split] += 1
    for activity, counts in sorted(per_activity.items(), key=lambda item: str(item[0])):
        absent = [name for name, size in sizes.items() if size and not counts[name]]
        if absent:
            notes.append(
                f"The activity {activity!r} ({counts.total()} images) has none in "
                f"{' and '.join(absent)}. Add images, or more groups."
            )
    return notes
