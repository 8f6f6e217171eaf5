"""Groups dealt to train, val and test: the arithmetic behind `annotations.splitting.split`.

Knows samples only by their name, label and group. No file is opened.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from pose_activity.annotations.text import preview
from pose_activity.annotations.types import SPLITS, Sample

_MOST_NOTES = 5

Key = tuple[bool, str]  # of a group


@dataclass(frozen=True)
class Nouns:
    """What is split, and what it is counted by, for the notes."""

    one: str
    many: str
    label: str
    labels: str


PICTURES = Nouns("image", "images", "activity", "activities")
CLIPS = Nouns("clip", "clips", "label", "labels")


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


def allocate(
    samples: Sequence[Sample],
    words: Nouns,
    seed: int,
    together: Iterable[Sequence[Path]] = (),
    **wanted: float | int,
) -> tuple[list[Sample], list[str]]:
    """Deals the groups of samples to train, val and test, whose sizes are `wanted`.

    Returns:
        The samples in their order with `split` set, and notes; see
        `annotations.splitting.split.split`.
    """
    sizes = _sizes(len(samples), words, **wanted)
    _check_once(samples, words)
    keys = keys_of(samples, together)
    groups = _groups(samples, keys)
    bins = [_Bin(name, size) for name, size in zip(SPLITS, sizes, strict=True) if size]
    if sum(sizes) < len(samples):
        bins.append(_Bin(None, len(samples) - sum(sizes)))
    chosen = _deal_groups(groups, bins, np.random.default_rng(seed))
    done = [replace(s, split=chosen[key]) for s, key in zip(samples, keys, strict=True)]
    counts: dict[str, int] = dict(zip(SPLITS, sizes, strict=True))
    return done, [
        *_size_notes(done, counts, words),
        *_label_notes(done, [n for n in SPLITS if counts[n]], words),
    ]


def notes_of_given(samples: Sequence[Sample], words: Nouns, needed: Sequence[str]) -> list[str]:
    """Returns the notes on a split that the samples bring along; `needed` must not be empty."""
    _check_once(samples, words)
    counts = Counter(sample.split for sample in samples)
    unknown = sorted({*counts} - {*SPLITS, None}, key=str)
    if unknown or not all(counts[name] for name in needed):
        raise ValueError(
            f"split: given needs labels that name the split of each {words.one}, one of {SPLITS}, "
            f"with some for {' and '.join(needed)}. Received: {dict(counts)}. Name them, or give "
            "sizes: split: {train: 0.7, val: 0.15, test: 0.15}"
        )
    notes = []
    if counts[None]:
        notes.append(f"{counts[None]:,} {words.many} are in no split: their labels name none.")
    sides: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        if sample.group is not None and sample.split is not None:
            sides[sample.group].add(sample.split)
    cut = [repr(group) for group, names in sorted(sides.items()) if len(names) > 1]
    if cut:
        notes.append(
            f"{len(cut):,} groups lie in more than one split ({preview(cut)}): scores will look "
            "better than they are. Mend the splits, or give sizes instead of split: given."
        )
    return notes + _label_notes(samples, [name for name in SPLITS if counts[name]], words)


def fill_from_train(
    samples: Sequence[Sample],
    words: Nouns,
    seed: int,
    together: Iterable[Sequence[Path]] = (),
    **wanted: float | int,
) -> tuple[list[Sample], list[str]]:
    """Takes the splits that the samples do not bring along from train, in the sizes `wanted`.

    Returns:
        The samples in their order with `split` set, and notes; see
        `annotations.splitting.split.fill_given`.
    """
    notes = notes_of_given(samples, words, ("train",))
    given = {sample.split for sample in samples}
    lacking = {n: size for n, size in wanted.items() if n not in given and size}
    if not lacking:
        return [*samples], notes
    pool = [sample for sample in samples if sample.split == "train"]
    whole = sum([wanted["train"], *lacking.values()])
    sizes = {n: size / whole if isinstance(size, float) else size for n, size in lacking.items()}
    left = 1.0 if isinstance(wanted["train"], float) else len(pool)
    rest = {"train": left - sum(sizes.values())} | dict.fromkeys(("val", "test"), 0) | sizes
    done, more = allocate(pool, words, seed, together, **rest)
    split_of = {sample.image: sample.split for sample in done}
    counts = Counter(split_of.values())
    taken = " and ".join(f"{counts[name]:,} for {name}" for name in lacking)
    told = f"There is no given {' and no '.join(lacking)}: of the {len(pool):,} {words.many} of "
    notes.append(f"{told}train, {taken} were taken.")
    filled = [replace(sample, split=split_of.get(sample.image, sample.split)) for sample in samples]
    return filled, notes + more


def _sizes(n: int, words: Nouns, **wanted: float | int) -> list[int]:
    """Turns fractions and counts into counts; fractions that sum to 1 leave nothing over."""
    if not n:
        raise ValueError(
            f"There are no {words.many} to split. Look at what was read, and what was rejected."
        )
    for name, size in wanted.items():
        bad = isinstance(size, bool) or not np.isfinite(size) or size < 0
        if bad or (isinstance(size, float) and size > 1):
            raise ValueError(
                f"{name} must be a fraction in [0, 1] (a float) or a number of {words.many} (an "
                f"int). Received: {size!r}"
            )
    fractions = [size if isinstance(size, float) else 0.0 for size in wanted.values()]
    edges = [round(n * edge) for edge in np.cumsum([0.0, *fractions])]
    sizes = [
        edges[i + 1] - edges[i] if isinstance(size, float) else size
        for i, size in enumerate(wanted.values())
    ]
    if not sizes[0] or sum(sizes) > n:
        raise ValueError(
            "train must not be empty, and train + val + test must not exceed the "
            f"{n} {words.many}. Received: {wanted} = {sizes} {words.many}"
        )
    return sizes


def _check_once(samples: Sequence[Sample], words: Nouns) -> None:
    for image, count in Counter(sample.image for sample in samples).most_common(1):
        if count > 1:
            raise ValueError(
                f"Each {words.one} must be listed once. Received: {image} {count} times"
            )


def keys_of(samples: Sequence[Sample], together: Iterable[Sequence[Path]]) -> list[Key]:
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


def activity_of(sample: Sample) -> str | None:
    """Returns what a sample is counted as: its activity, else that of a person in it."""
    return sample.activity or next(filter(None, sample.activities or ()), None)


def _groups(samples: Sequence[Sample], keys: Sequence[Key]) -> dict[Key, Counter[str | None]]:
    """Returns activity -> number of images for each group, sorted by name."""
    groups: dict[Key, Counter[str | None]] = defaultdict(Counter)
    for sample, key in zip(samples, keys, strict=True):
        groups[key][activity_of(sample)] += 1
    return dict(sorted(groups.items()))


def _deal_groups(
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


def _size_notes(samples: Sequence[Sample], sizes: Mapping[str, int], words: Nouns) -> list[str]:
    got = Counter(sample.split for sample in samples)
    notes = [
        f"{name} has {got[name]} {words.many} instead of {size}, since no group may be cut."
        for name, size in sizes.items()
        if got[name] != size
    ]
    if got[None]:
        notes.append(
            f"{got[None]} {words.many} are in no split: the sizes ask for {sum(sizes.values())}."
        )
    return notes


def _label_notes(samples: Sequence[Sample], splits: Sequence[str], words: Nouns) -> list[str]:
    """Names the activities that are missing from a split: each, or how many where many are."""
    per_activity: dict[str | None, Counter[str | None]] = defaultdict(Counter)
    for sample in samples:
        per_activity[activity_of(sample)][sample.split] += 1
    per_activity.pop(None, None)
    missing = [
        (activity, counts.total(), [name for name in splits if not counts[name]])
        for activity, counts in sorted(per_activity.items(), key=lambda item: str(item[0]))
        if not all(counts[name] for name in splits)
    ]
    if len(missing) > _MOST_NOTES:
        names = preview([repr(activity) for activity, _, _ in missing])
        return [
            f"{len(missing):,} {words.labels} have no {words.one} in one split or another: "
            f"{names}. Add {words.many}, or more groups."
        ]
    return [
        f"The {words.label} {activity!r} ({count} {words.many}) has none in "
        f"{' and '.join(absent)}. Add {words.many}, or more groups."
        for activity, count, absent in missing
    ]
