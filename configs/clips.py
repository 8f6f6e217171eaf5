"""What a run on clips is: the sections of gait identification and action recognition.

A configuration with the key `clips` (instead of `data`) is one. As in `pictures`, a section is a
frozen value of the room that it is for, or the named arguments of a function there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Tag, model_validator

from pose_activity.annotations.readers.name_patterns import compile_pattern
from pose_activity.annotations.readers.registry import CLIPS as READERS
from pose_activity.annotations.readers.registry import PATTERNS
from pose_activity.annotations.synthetic.options import DrawnWalkers
from pose_activity.artifacts.ranges import Range
from pose_activity.cache.options import SequenceOptions
from pose_activity.configs.pose_model import PoseModel
from pose_activity.configs.sections import (
    ConfigError,
    Fraction,
    LocalPath,
    Positive,
    Rate,
    Run,
    Section,
    Split,
    split_kind,
)
from pose_activity.stage1_pose.options import TrackOptions
from pose_activity.stage2_classifier.options import LinearOptions, SequenceFit, UnknownAnswers


@dataclass(frozen=True, kw_only=True)
class DrawWalkers(DrawnWalkers):
    """Drawn people who walk, into `folder`; one alone could not be told from others."""

    folder: LocalPath
    people: Annotated[int, Range(2)] = 8


class Clips(Section):
    """Where the clips are. Relative paths start at the current folder.

    `path` is a folder with a folder of videos per class or person (`videos`), a folder of
    OpenPose's or AlphaPose's JSON files (`openpose`), an archive of pose sequences (`poses`, .npz),
    Penn Action's folder of labels (`penn_action`), or a table of features (`features`, .csv,
    .parquet). `ranges` is a text file of frame ranges in videos; `lists` a folder of text files
    that say which video is of which split, and `fold` which of their divisions is taken (see
    `readers.split_lists`); `prefix` names one of several splits of an archive. The patterns are
    searched in the names of the clips.
    """

    format: Literal[tuple(READERS)]  # pyright: ignore[reportInvalidTypeForm]
    path: LocalPath
    label_pattern: str | None = None
    group_pattern: str | None = None
    val_pattern: str | None = None
    test_pattern: str | None = None
    ranges: LocalPath | None = None
    lists: LocalPath | None = None
    fold: Positive = 1
    prefix: str | None = None
    skeleton: str | None = None
    fps: Rate = 25.0
    min_score: Fraction = 0.0

    @model_validator(mode="after")
    def _fits(self) -> "Clips":
        fields = type(self).model_fields
        given = {n for n in fields if getattr(self, n) != fields[n].default} - {"format", "path"}
        unused = sorted(given - READERS[self.format].options)
        if unused:
            raise ValueError(f"format {self.format!r} takes no {', '.join(unused)}: drop it")
        if self.prefix is not None and given & {*PATTERNS, "min_score"}:
            raise ValueError(
                "an archive with a prefix gives labels and splits itself: drop the patterns and "
                "min_score"
            )
        if self.lists is not None and (self.val_pattern or self.test_pattern):
            raise ValueError("lists name the splits: drop val_pattern and test_pattern")
        if self.lists is None and self.fold != 1:
            raise ValueError("fold is one of the divisions in lists: name the folder of the lists")
        for name in ("label", "group"):
            compile_pattern(f"{name}_pattern", getattr(self, f"{name}_pattern"), name)
        for name in ("val_pattern", "test_pattern"):
            compile_pattern(name, getattr(self, name), None)
        return self


class ClipSplit(Split):
    """Sizes of train, val and test. Without val, all epochs are trained and the last one kept.

    `open_set` makes test of people (labels) that training never sees.
    """

    needs_val: ClassVar[bool] = False
    open_set: bool = False


ClipSplitOrGiven = Annotated[
    Annotated[ClipSplit, Tag("(sizes)")] | Annotated[Literal["given"], Tag("(given)")],
    Discriminator(split_kind),
]


@dataclass(frozen=True)
class Track(TrackOptions):
    """How people are followed, and whom a training clip is about: see `track.POLICIES`."""

    policy: Literal["focus", "longest", "largest", "most_joints"] = "focus"


@dataclass(frozen=True)
class Sequence(SequenceOptions):
    """What stage 2 sees of a clip, and where its tensors are kept. See `cache.store.build`."""

    tensors: Literal["disk", "memory_map"] = "disk"


@dataclass(frozen=True)
class SequenceStage2(SequenceFit, UnknownAnswers):
    """The classifier of clips.

    `encoder` names a finished run of clips whose network is used as it is, frozen, for its vectors
    alone; only `linear` is then trained. `linear` classifies instead of the network's own head.
    """

    encoder: LocalPath | None = None
    linear: LinearOptions | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.encoder is not None and self.linear is None:
            raise ValueError("encoder gives vectors alone: add linear, the classifier on them")


class ClipReport(Section):
    """The split of the headline figures, and how people never seen are identified.

    `gallery` is a regular expression: the clips of the test split whose name it is found in are
    the gallery, the others the probes. Without it each clip is compared with all others. With
    `split: given` a gallery says that the people of test are not among those of training.
    `probes` is another: the probes are then only those other clips in whose name it is found.
    `hide_faces` makes the faces of those who are followed unrecognizable in the page's pictures.
    """

    split: Literal["val", "test"] = "test"
    gallery: str | None = None
    probes: str | None = None
    hide_faces: bool = False

    @model_validator(mode="after")
    def _patterns(self) -> "ClipReport":
        for name in ("gallery", "probes"):
            compile_pattern(name, getattr(self, name), None)
        if self.probes is not None and self.gallery is None:
            raise ValueError("probes are looked up in a gallery: set gallery, too")
        return self


class ClipRun(Run):
    """A whole configuration of a run on clips. `split: given` keeps the splits of the labels."""

    draw: DrawWalkers | None = None
    clips: Clips
    split: ClipSplitOrGiven = ClipSplit()
    stage1: PoseModel = PoseModel()
    track: Track = Track()
    sequence: Sequence = Sequence()
    stage2: SequenceStage2 = SequenceStage2()
    report: ClipReport = ClipReport()

    def wrong_combinations(self) -> list[str]:
        """Returns a sentence for each pair of settings that do not go together."""
        wrong = []
        if self.draw and self.clips.format != "videos":
            wrong.append("draw makes videos: set clips.format: videos")
        if self.has_features and not self.stage2.linear:
            wrong.append("clips.format 'features' needs stage2.linear, the classifier on them")
        if self.has_features and self.open_set:
            wrong.append("clips.format 'features' takes no split.open_set: it has no network")
        if self.has_features and self.stage2.encoder:
            wrong.append("clips.format 'features' takes no stage2.encoder: drop it")
        if self.report.gallery is not None and not self.open_set:
            wrong.append(
                "report.gallery is for people never seen: set split.open_set: true, or split: given"
            )
        if self.open_set and self.report.split != "test":
            wrong.append("split.open_set makes test of people never seen: set report.split: test")
        sizes = self.split
        if not isinstance(sizes, str) and not getattr(sizes, self.report.split):
            wrong.append(f"report.split {self.report.split!r} needs split.{self.report.split} > 0")
        return wrong

    @property
    def has_videos(self) -> bool:
        """Whether stage 1 has to find the poses."""
        return self.clips.format == "videos"

    @property
    def has_features(self) -> bool:
        """Whether the labels are vectors instead of clips."""
        return self.clips.format == "features"

    @property
    def classifier_name(self) -> str:
        """The classifier's readable name: "lstm", "lstm + svm", "runs/x + logistic", "lda"."""
        network = [] if self.has_features else [str(self.stage2.encoder or self.stage2.model)]
        return " + ".join(network + ([self.stage2.linear.kind] if self.stage2.linear else []))

    @property
    def open_set(self) -> bool:
        """Whether the people of test are those that training never sees."""
        if isinstance(self.split, str):
            return self.report.gallery is not None
        return self.split.open_set


def check_paths(run: ClipRun, steps: Iterable[str]) -> None:
    """Checks that what the steps read from outside the run folder is there.

    Raises:
        ConfigError: lists every path that is not.
    """
    asked = set(steps)
    wanted: list[tuple[str, Path | None]] = []
    if run.draw is None and asked & {"annotations", "dry_run"}:
        names = ("path", "ranges", "lists")
        wanted += [(f"clips.{name}", getattr(run.clips, name)) for name in names]
    if "stage1" in asked and run.has_videos:
        wanted.append(("stage1.graph", run.stage1.graph))
    if "stage2" in asked:
        wanted.append(("stage2.encoder", run.stage2.encoder))
    missing = [
        f"{name}: no such file or folder: {path}"
        for name, path in wanted
        if path is not None and not path.exists()
    ]
    if missing:
        raise ConfigError("\n".join(missing))
