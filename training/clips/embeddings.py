"""The windows of a cache of clips through its network: vectors, or probabilities."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pose_activity.annotations.clip_files import read_clips
from pose_activity.annotations.readers.feature_table import FeatureTable
from pose_activity.cache.record import Entry
from pose_activity.cache.store import Cache
from pose_activity.cache.windows import CLIPS
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage2_classifier.predict_sequences import SequenceClassifier
from pose_activity.training.console import console

_TOGETHER = 64  # windows in one call


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
    return _through(classifier.embed, cache, entries, title)


def classify(
    classifier: SequenceClassifier, cache: Cache, entries: Sequence[Entry], title: str
) -> np.ndarray:
    """Returns `(N, classes)` float32, probabilities for each entry; N is at least 1."""
    return _through(classifier, cache, entries, title)


def _through(
    network: Callable[[np.ndarray], np.ndarray],
    cache: Cache,
    entries: Sequence[Entry],
    title: str,
) -> np.ndarray:
    found = []
    with progress_bar(title, console) as show:
        for start in range(0, len(entries), _TOGETHER):
            part = entries[start : start + _TOGETHER]
            found.append(network(np.stack([cache.load(entry, verify=True).x for entry in part])))
            show(start + len(part), len(entries), part[-1].source.as_posix())
    return np.concatenate(found)


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
