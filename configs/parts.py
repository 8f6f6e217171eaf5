"""What a run on body parts is: frozen sections, read from one YAML file.

Everything is checked in the first second, before any heavy import. A section is a frozen value of
the room that it feeds (its `options.py`), or that function's named arguments.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pose_activity.annotations.parts import SCHEMES
from pose_activity.annotations.readers.name_patterns import compile_pattern
from pose_activity.annotations.readers.registry import PARTS as READERS
from pose_activity.annotations.synthetic.options import DrawnParts
from pose_activity.cache.options import PartsOptions
from pose_activity.configs.pose_model import PoseModel
from pose_activity.configs.sections import (
    ConfigError,
    Count,
    Fraction,
    LocalPath,
    Positive,
    Rate,
    Run,
    Section,
    Split,
    SplitOrGiven,
    Weights,
)
from pose_activity.stage1_parts.models.registry import ModelName
from pose_activity.stage1_parts.options import (
    LossName,
    OptimizerName,
    PartsAugment,
    PartsMonitorName,
)

SchemeName = Literal[tuple(SCHEMES)]  # pyright: ignore[reportInvalidTypeForm]
_OPTIONS = ("masks", "scheme", "colours", "tolerance", "group_pattern", "every")


class PartSet(Section):
    """A data set of images with masks. Relative paths start at the current folder.

    `images` is the folder of the images, or of the whole data set; `masks` that of the masks, of
    format masks alone. `scheme` names the classes of the masks, in the order of their numbers;
    `colours` is a table of colours where masks are coloured, `tolerance` the most that a colour may
    differ from it. `group_pattern` finds in a file's name what must not be split (a person, a
    clip); images in whose name `test_pattern` is found are the test, the others are not. `every`
    takes every so many frames of a clip.
    """

    format: Literal[tuple(READERS)] = "masks"  # pyright: ignore[reportInvalidTypeForm]
    images: LocalPath
    masks: LocalPath | None = None
    scheme: SchemeName = "parts15"  # pyright: ignore[reportInvalidTypeForm]
    colours: LocalPath | None = None
    tolerance: Count = 0
    group_pattern: str | None = None
    test_pattern: str | None = None
    every: Positive = 1

    @model_validator(mode="after")
    def _fits(self) -> "PartSet":
        takes = READERS[self.format].options | ({"masks"} if self.format == "masks" else set())
        given = [n for n in _OPTIONS if getattr(self, n) != type(self).model_fields[n].default]
        if unused := [name for name in given if name not in takes]:
            raise ValueError(f"format {self.format!r} takes no {' and no '.join(unused)}")
        compile_pattern("group_pattern", self.group_pattern, "group")
        compile_pattern("test_pattern", self.test_pattern, None)
        return self

    @property
    def paths(self) -> list[Path]:
        """The folders that are read."""
        return [path for path in (self.images, self.masks) if path is not None]


@dataclass(frozen=True, kw_only=True)
class DrawParts(DrawnParts):
    """Drawn people with their masks, into `folder`."""

    folder: LocalPath


class CleanParts(Section):
    """The cleaner of masks. See `cleaning.parts.clean_parts`."""

    unknown: Literal["neighbours", "ignore"] = "neighbours"
    smallest_island: Fraction = 0.0
    keep_empty: bool = True
    black_background: bool = False


@dataclass(frozen=True)
class PartsCache(PartsOptions):
    """What the network sees and tells apart, and where its tensors are kept.

    `scheme` names its classes; null takes those of the first data set.
    """

    scheme: SchemeName | None = None  # pyright: ignore[reportInvalidTypeForm]
    tensors: Literal["disk", "memory_map"] = "disk"


class PartsStage2(Section):
    """The network. See `stage1_parts.fit.fit`.

    `mirror` is of prediction: the answer is then the mean over a picture and its mirror image,
    which takes twice as long.
    """

    model: ModelName = "lite0_decoder"
    weights: Weights = "imagenet"
    start: LocalPath | None = None
    loss: LossName = "crossentropy"
    optimizer: OptimizerName = "adam"
    learning_rate: Rate = 2e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_epochs: Annotated[float, Field(ge=0)] = 0.5
    backbone_share: Fraction = 0.2
    held_blocks: Count = 0
    weight_decay: Annotated[float, Field(ge=0)] = 0.02
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.99
    batch: Positive = 12
    epochs: Positive = 25
    patience: Positive | None = None
    monitor: PartsMonitorName = "miou"
    augment: PartsAugment | None = PartsAugment()
    mirror: bool = False


class PartsReport(Section):
    """How the network is judged.

    `shown` is how many of the best and of the worst images the page shows; `layers` names
    convolutions of the network whose feature maps it shows, or is a number of them, evenly spread.
    """

    split: Literal["test", "val"] = "test"
    shown: Positive = 6
    layers: Count | tuple[str, ...] = 4


class PartsRun(Run):
    """A whole configuration of a run on body parts.

    `more` are further data sets, which may be labelled at another level. `split: given` keeps the
    splits of the data sets. With `stage1`, each person has a row of their own in predictions, and
    the bones may be a plane.
    """

    draw: DrawParts | None = None
    parts: PartSet
    more: tuple[PartSet, ...] = ()
    clean: CleanParts = CleanParts()
    split: SplitOrGiven = Split()
    stage1: PoseModel | None = None
    cache: PartsCache = PartsCache()
    stage2: PartsStage2 = PartsStage2()
    report: PartsReport = PartsReport()

    def wrong_combinations(self) -> list[str]:
        """Returns a sentence for each pair of settings that do not go together."""
        wrong = []
        if self.draw and (self.parts.format != "masks" or self.parts.images != self.draw.folder):
            wrong.append(
                "draw makes images and masks in draw.folder: set parts.format: masks and "
                "parts.images to that folder"
            )
        if self.cache.needs_poses and self.stage1 is None:
            wrong.append(
                "cache.planes with bones needs a pose model: add the section stage1, such as "
                "stage1: {weights: yolov8n-pose.pt}"
            )
        if self.report.split == "test" and self.split != "given" and not self.split.test:
            wrong.append("report.split 'test' needs split.test > 0")
        return wrong

    @property
    def sets(self) -> tuple[PartSet, ...]:
        """All data sets."""
        return (self.parts, *self.more)

    @property
    def pose_model(self) -> PoseModel:
        """The section `stage1` of a run that has one; raises ValueError for another."""
        if self.stage1 is None:
            raise ValueError("This run has no pose model: add the section stage1.")
        return self.stage1

    @property
    def weights_file(self) -> Path | None:
        """The file that training starts from, if it is the user's own."""
        path = Path(self.stage2.weights)
        return path if path.suffix else None


def check_paths(run: PartsRun, steps: Iterable[str]) -> None:
    """Checks that what the steps read from outside the run folder is there.

    Raises:
        ConfigError: lists every path that is not.
    """
    asked = set(steps)
    wanted: list[tuple[str, Path | None]] = []
    if run.draw is None and asked & {"annotations", "dry_run"}:
        names = ["parts", *(f"more.{i}" for i in range(len(run.more)))]
        for name, one in zip(names, run.sets, strict=True):
            wanted += [
                (f"{name}.{key}", getattr(one, key)) for key in ("images", "masks", "colours")
            ]
    if "stage1" in asked and run.stage1:
        wanted.append(("stage1.graph", run.stage1.graph))
    if "stage2" in asked:
        wanted += [("stage2.weights", run.weights_file), ("stage2.start", run.stage2.start)]
    missing = [
        f"{name}: no such file or folder: {path}"
        for name, path in wanted
        if path is not None and not path.exists()
    ]
    if missing:
        raise ConfigError("\n".join(missing))
