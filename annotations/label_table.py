"""What a split, and a list of copies, must know about a data set: `LabelTable`.

Images, clips and rows of features are split by the same arithmetic, which uses nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pose_activity.annotations.clips import Clip
from pose_activity.annotations.types import Sample

Name = Path | str


@dataclass(frozen=True)
class LabelTable:
    """N items of a data set, one in each row.

    Attributes:
        names: N paths of images, or names of clips.
        labels: N class names, or None where an item has none.
        groups: N names, or None: items of one group are never on both sides of a split.
        splits: N times "train", "val", "test" or None.
    """

    names: tuple[Name, ...]
    labels: tuple[str | None, ...]
    groups: tuple[str | None, ...]
    splits: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.names)

    def take(self, rows: Iterable[int]) -> "LabelTable":
        """Returns some of the rows."""
        rows = [*rows]
        return LabelTable(
            names=tuple(self.names[i] for i in rows),
            labels=tuple(self.labels[i] for i in rows),
            groups=tuple(self.groups[i] for i in rows),
            splits=tuple(self.splits[i] for i in rows),
        )

    def with_splits(self, splits: Iterable[str | None]) -> "LabelTable":
        """Returns the same items in other splits, one for each row."""
        return replace(self, splits=tuple(splits))


def table_of_samples(samples: Sequence[Sample]) -> LabelTable:
    """Returns a row for each image, labelled with its own activity."""
    return LabelTable(
        names=tuple(sample.image for sample in samples),
        labels=tuple(sample.activity for sample in samples),
        groups=tuple(sample.group for sample in samples),
        splits=tuple(sample.split for sample in samples),
    )


def table_of_clips(clips: Sequence[Clip]) -> LabelTable:
    """Returns a row for each clip."""
    return LabelTable(
        names=tuple(clip.name for clip in clips),
        labels=tuple(clip.label for clip in clips),
        groups=tuple(clip.group for clip in clips),
        splits=tuple(clip.split for clip in clips),
    )
