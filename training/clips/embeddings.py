"""The windows of a cache of clips through its network: vectors, or probabilities."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pose_activity.annotations.clip_files import read_clips
from pose_activity.annotations.readers.feature_table import FeatureTable
from pose_activity.cache.record import Entry
from pose_activity.cache.store import Cache
from pose_activity.cache.windows import CLIPS
from pose_activity.stage2_classifier.predict_sequences import SequenceClassifier
from pose_activity.training import questions
from pose_activity.training.questions import Question

WINDOWS = "windows"  # the question that a report asks
_TOGETHER = 64  # windows in one call
Network = Callable[[np.ndarray], np.ndarray]


def rows_of_clips(entries: Sequence[Entry]) -> dict[Path, list[int]]:
    """Returns, by the clips' names, which of the entries are a clip's windows; in their order."""
    rows: dict[Path, list[int]] = {}
    for row, entry in enumerate(entries):
        rows.setdefault(entry.source, []).append(row)
    return rows


def embed(
    classifier: SequenceClassifier, cache: Cache, entries: Sequence[Entry], title: str
) -> np.ndarray:
    """Returns `(N, D)` float32, a vector for each entry; N is at least 1."""
    return questions.answers("embed", _asking(classifier.embed, cache, entries, title))


def windows_of(network: Network, cache: Cache, split: str) -> Question:
    """Returns the question whose answers are `(N, D)` float32, a row for each window of a split.

    Args:
        network: A `SequenceClassifier`, for probabilities, or its `embed`, for vectors.
        cache: The run's.
        split: With one window at least.
    """
    return _asking(network, cache, cache.of_split(split), f"classifying {split}")


def _asking(network: Network, cache: Cache, entries: Sequence[Entry], title: str) -> Question:
    """An item is a batch: what a network says of a window may depend on who is beside it."""

    def answer(batch: Sequence[Entry]) -> np.ndarray:
        return network(np.stack([cache.load(entry, verify=True).x for entry in batch]))

    starts = range(0, len(entries), _TOGETHER)
    return Question(title, [entries[start : start + _TOGETHER] for start in starts], answer)


def features_of(classifier: SequenceClassifier, cache: Cache) -> FeatureTable:
    """Returns the vectors of all windows, named CLIP#WINDOW, with their scenes."""
    entries = cache.entries
    clips = {clip.name: clip for clip in read_clips(cache.folder / CLIPS)}
    of_entry = [clips[entry.source.as_posix()] for entry in entries]
    return FeatureTable(
        vectors=embed(classifier, cache, entries, "embedding sequences"),
        labels=tuple(str(entry.target) for entry in entries),
        names=tuple(f"{entry.source.as_posix()}#{entry.window}" for entry in entries),
        groups=tuple(clip.group or clip.name for clip in of_entry),
        splits=tuple(entry.split for entry in entries),
    )
