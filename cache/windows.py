"""Clips into what a cache is built of: a source per window, and a reason per clip without any.

A stored window is, byte for byte, what `cache.sequence.prepare` gives inference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pose_activity.annotations.clips import Clip
from pose_activity.artifacts.manifest import sha256_json
from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.cache.record import WHOLE, Arrays, Entry, X, digest_of, key_of
from pose_activity.cache.sequence import ShortClip, prepare
from pose_activity.cache.sequence_recipe import SequenceRecipe

CLIPS = "clips.parquet"  # in a cache's folder: its clips, see `annotations.clip_files`

# A clip's windows are drawn one after another, by a few threads: normalise the clip once for all.
_prepared = lru_cache(maxsize=8)(prepare)


@dataclass(frozen=True, eq=False)
class ClipWindow:
    """A `cache.store.Drawable`.

    Attributes:
        clip: With keypoints, a label and a split.
        window: Which of the windows that `make` cuts from it.
    """

    clip: Clip
    window: int

    @property
    def entry(self) -> Entry:
        """See `Drawable`."""
        source, label, split = Path(self.clip.name), str(self.clip.label), str(self.clip.split)
        key = key_of(source, window=self.window)
        return Entry(key, source, label, split, WHOLE, sha256="", window=self.window)

    @property
    def made_from(self) -> str:
        """See `Drawable`."""
        joints = {"keypoints": self.clip.keypoints, "times": self.clip.times}
        arrays = {name: array for name, array in joints.items() if array is not None}
        skeleton = self.clip.skeleton and self.clip.skeleton.as_text()
        return sha256_json([digest_of(arrays), skeleton, self.window])

    def draw(self, recipe: SequenceRecipe) -> Arrays:
        """See `Drawable`."""
        return {X: _prepared(self.clip, recipe).tensor(self.window)}


def windows_of(
    clips: Sequence[Clip],
    recipe: SequenceRecipe,
    on_progress: ProgressCallback | None = None,
) -> tuple[list[ClipWindow], dict[str, str]]:
    """Returns the sources of a cache.

    Args:
        clips: With keypoints, a label and a split.
        recipe: What the cache's tensors are.
        on_progress: Called with (done, total, name).

    Returns:
        The windows in the order of the clips and of time; and, by their names, why clips have none.

    Raises:
        ValueError: a clip has no keypoints, label or split, or joints of another skeleton.
    """
    windows, left_out = [], {}
    for done, clip in enumerate(clips, 1):
        if clip.label is None or clip.split is None:
            raise ValueError(
                f"{clip.name}: a clip of a cache must have a label and a split. Received: label "
                f"{clip.label!r}, split {clip.split!r}. Split the labelled clips first."
            )
        try:
            count = len(prepare(clip, recipe).begins)
            windows += [ClipWindow(clip, window) for window in range(count)]
            if not count:
                left_out[clip.name] = "nobody was found in any of its frames"
        except ShortClip as error:
            left_out[clip.name] = str(error)
        if on_progress:
            on_progress(done, len(clips), clip.name)
    return windows, left_out
