"""What a run on pictures is: frozen sections, read from one YAML file.

Everything is checked in the first second, before any heavy import, and all mistakes are told at
once. A section is what it feeds takes: a frozen value of the room below (its `options.py`), or that
function's named arguments (a test compares them), so there is no dead knob.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from pose_activity.annotations.cleaning.options import CleanOptions
from pose_activity.annotations.readers.name_patterns import compile_pattern
from pose_activity.annotations.readers.registry import PICTURES as READERS
from pose_activity.annotations.synthetic.options import DrawnPictures
from pose_activity.artifacts.ranges import OutOfRange
from pose_activity.cache.options import PlaneOptions
from pose_activity.configs.reading import check, read_tree
from pose_activity.configs.sections import (
    ConfigError,
    Count,
    Fraction,
    LocalPath,
    PoseSkeleton,
    Positive,
    Run,
    Section,
    Split,
    SplitOrGiven,
    Weights,
)
from pose_activity.stage1_pose.options import PoseFilter, PoseFit
from pose_activity.stage2_classifier.options import (
    FineTune,
    FrozenHead,
    NetworkFit,
    PictureFit,
    UnknownAnswers,
)

STAGE2_WEIGHTS = ("imagenet", "noisy_student", "none")  # anything else is a path
# What a linear classifier on frozen features is made from, of the section stage2.
OF_LINEAR = ("model", "weights", "linear", "unknown_precision", "unknown_min_coverage")


class Data(Section):
    """Where the labelled pictures are. Relative paths start at the current folder.

    `annotations` is MPII's .mat file, a COCO JSON file, the data.yaml of a YOLO set, or a table
    (.csv, .parquet). `images` is the folder that picture names start at; a YOLO set knows its own,
    and needs it only where it was moved. Pictures that look nearly alike are kept on one side of
    the split, unless `near_duplicates` is false.
    """

    format: Literal[tuple(READERS)]  # pyright: ignore[reportInvalidTypeForm]
    images: LocalPath | None = None
    annotations: LocalPath | None = None
    group_pattern: str | None = None
    near_duplicates: bool = True

    @model_validator(mode="after")
    def _fits(self) -> "Data":
        reader = READERS[self.format]
        if reader.file and self.annotations is None:
            raise ValueError(f"format {self.format!r} needs data.annotations, {reader.file}")
        if self.images is None and not reader.knows_images:
            raise ValueError(
                f"format {self.format!r} needs data.images, the folder of the pictures"
            )
        if not reader.file and self.annotations is not None:
            raise ValueError(
                f"format {self.format!r} takes no data.annotations: folder names are activities"
            )
        if self.group_pattern is not None and "group_pattern" not in reader.options:
            where = reader.groups or "it holds no groups"
            raise ValueError(f"format {self.format!r} takes no group_pattern: {where}")
        compile_pattern("group_pattern", self.group_pattern, "group")
        return self

    @property
    def folder(self) -> Path:
        """The pictures' folder: `images`, or that of data.yaml."""
        return self.images or (self.annotations or Path()).parent


@dataclass(frozen=True, kw_only=True)
class Draw(DrawnPictures):
    """A data set that the project draws itself, in MPII's layout, into `folder`."""

    folder: LocalPath


class Stage1(Section):
    """The pose model.

    `train: false` takes `weights` as they are; it is the default where the labels have no joints
    (`data.format` folder or table). `skeleton` names the joints of `weights`. `graph` is the folder
    `stage1` of a finished run, or a packaged model, whose graph is used instead: that needs no
    torch. `parts` is the folder `stage2` of a finished run of the kind parts, or its packaged
    model: the network whose body parts the planes parts and rgb_person show. `split` gives stage 1
    pictures of its own choice of roles; by default a picture keeps its role in both stages.
    `keep_apart` takes these from the pictures that stage 2 holds out neither for val nor for test.
    `resize` writes the training pictures in that (width, height), proportions ignored. `box_margin`
    widens boxes that come from joints (0: as labelled). `unlabelled_people`, whom the start finds,
    are trained on as it finds them, or as background. `on_regression` says what happens if training
    makes the poses worse on val.
    """

    graph: LocalPath | None = None
    parts: LocalPath | None = None
    weights: Weights = "yolov8n-pose.pt"
    train: bool = True
    skeleton: PoseSkeleton = "coco17"
    split: Split | None = None
    keep_apart: bool = True
    resize: tuple[Positive, Positive] | None = None
    box_margin: Fraction = 0.08
    unlabelled_people: Literal["pseudo_label", "background"] = "pseudo_label"
    on_regression: Literal["refuse", "warn"] = "refuse"
    fit: PoseFit = PoseFit()
    export_size: Annotated[int, Field(ge=32, multiple_of=32)] = 640
    predict: PoseFilter = PoseFilter()

    @model_validator(mode="after")
    def _training_keys(self) -> "Stage1":
        if not self.train and (self.split or self.resize):
            raise ValueError("split and resize belong to training: set train: true, or drop them")
        if self.train and self.graph:
            raise ValueError("a graph is used as it is: set train: false, or drop it")
        if not self.train and self.weights.endswith(".yaml"):
            raise ValueError(
                f"weights {self.weights!r} is an untrained architecture: set train: true, or name "
                "trained weights"
            )
        return self


@dataclass(frozen=True)
class Cache(PlaneOptions):
    """What stage 2 sees, whose poses, and where its tensors are kept. See `cache.store.build`.

    `poses: labels` takes the labels' own people and joints, so that no pose model is needed. It is
    for looking at a classifier alone: new pictures have no labels, so it cannot be used on them.
    """

    tensors: Literal["disk", "memory_map"] = "disk"
    poses: Literal["stage1", "labels"] = "stage1"

    def __post_init__(self) -> None:
        super().__post_init__()
        small = {name for name in ("width", "height") if getattr(self, name) < 32}
        if self.person_view and self.person_view.size < 32:
            small.add("person_view.size")
        if small:
            raise OutOfRange({name: "must be at least 32" for name in small})
        asked = [n for n in ("person", "margin") if getattr(self, n) != getattr(PlaneOptions, n)]
        if asked and not self.one_by_one:
            raise ValueError(f"{' and '.join(asked)}: how one person is shown needs people: each")


@dataclass(frozen=True)
class Stage2(NetworkFit, UnknownAnswers):
    """The classifier.

    With `linear`, the backbone stays as it is and a linear classifier is fitted on its features, in
    seconds; nothing else is trained. `weights` may then be a backbone's graph, an `.onnx` file.

    With `fine_tune` as well, all of it learns from there on; see `fit_views.fit_views`. It takes
    the fields of `PictureFit`; the others of `NetworkFit` are of runs without both.
    """

    model: Literal[
        "efficientnet_lite0",
        "efficientnet_lite1",
        "efficientnet_lite2",
        "efficientnet_b0",
        "efficientnet_b1",
        "efficientnet_b2",
        "efficientnet_b3",
        "efficientnet_v2_b0",
    ] = "efficientnet_lite0"
    weights: Weights = "imagenet"
    linear: FrozenHead | None = None
    fine_tune: FineTune | None = None

    def __post_init__(self) -> None:
        if self.epochs == 0:
            raise OutOfRange({"epochs": "must be at least 1. Received: 0"})
        super().__post_init__()
        if self.weights == "noisy_student" and not self.model.startswith("efficientnet_b"):
            raise ValueError(
                f"weights 'noisy_student' are published for efficientnet_b0 to _b3, not for "
                f"{self.model}: choose one of these, or weights: imagenet"
            )
        if self.linear and self.weights == "none":
            raise ValueError("linear needs the features of a trained network: name its weights")
        if self.linear and self.fine_tune_epochs:
            raise ValueError(
                "linear keeps the network as it is: set fine_tune_epochs: 0, or linear: null"
            )
        if self.weights.endswith(".onnx") and (self.fine_tune or not self.linear):
            raise ValueError(
                f"weights {self.weights!r} is a graph, which cannot be trained: set linear alone, "
                "or name weights"
            )
        if self.linear and self.linear.also:
            if self.fine_tune:
                raise ValueError(
                    "fine_tune trains one network: set linear.also: [], or fine_tune: null"
                )
            if self.model in self.linear.also:
                raise ValueError(f"linear.also names {self.model}, which model is already")
        if self.fine_tune and not self.linear:
            raise ValueError("fine_tune starts from the head of linear: set linear: {} as well")
        if self.fine_tune and self.class_weights:
            raise ValueError("class_weights is for the older recipes: set fine_tune.imbalance")
        if self.linear:
            self._refuse_unused()

    def _refuse_unused(self) -> None:
        """Refuses settings that differ from their defaults and change nothing in this run."""
        used = {*OF_LINEAR, "fine_tune"}
        if self.fine_tune:
            used |= {field.name for field in fields(PictureFit)}
        wrong = [
            field.name
            for field in fields(self)
            if field.name not in used and getattr(self, field.name) != field.default
        ]
        if wrong:
            how = "fine_tune has its own" if self.fine_tune else "linear trains no network"
            rule = f"changes nothing here, since {how}: leave it out, or set linear: null"
            raise OutOfRange({name: f"{rule}. Received: {getattr(self, name)}" for name in wrong})


class Report(Section):
    """Which split the headline figures are of.

    `input_images` of its pictures, at most, are classified again without each input, to see what
    that is worth; 0: none. `hide_faces` makes faces unrecognizable in the page's pictures, of the
    people whom stage 1 found, and leaves out pictures that were drawn before: of the cleaner, of
    augmentations, and of where the classifier looked.
    """

    split: Literal["val", "test"] = "test"
    input_images: Count = 200
    hide_faces: bool = False


class PictureRun(Run):
    """A whole configuration.

    `split: given` keeps the splits that the labels name. `stage2: null` trains stage 1 alone.
    """

    draw: Draw | None = None
    data: Data
    clean: CleanOptions = CleanOptions()
    split: SplitOrGiven = Split()
    stage1: Stage1 = Stage1()
    cache: Cache = Cache()
    stage2: Stage2 | None = Stage2()
    report: Report = Report()

    @model_validator(mode="before")
    @classmethod
    def _train_on_joints_alone(cls, tree: Any) -> Any:
        """Without joints to train on, stage 1 is taken as it is unless something else is asked."""
        data, stage1 = (tree.get(name, {}) for name in ("data", "stage1"))
        if not isinstance(data, dict) or not isinstance(stage1, dict):
            return tree
        reader = READERS.get(str(data.get("format")))
        train = reader is None or reader.has_joints
        return {**tree, "stage1": {"train": train, **stage1}}

    def wrong_combinations(self) -> list[str]:
        """Returns a sentence for each pair of settings that do not go together."""
        wrong = []
        format_, reader = self.data.format, READERS[self.data.format]
        if not reader.has_joints and self.stage1.train:
            wrong.append(
                f"data.format {format_!r} has no joints to train stage 1 on: set stage1.train: "
                "false"
            )
        if not reader.has_joints and self.cache.poses == "labels":
            wrong.append(
                f"cache.poses: labels needs labelled joints, and data.format {format_!r} has none: "
                "set cache.poses: stage1"
            )
        if self.split == "given" and not reader.has_splits:
            wrong.append(f"data.format {format_!r} names no splits: give sizes, not split: given")
        if self.stage2 is None and not self.stage1.train:
            wrong.append("stage1.train: false and stage2: null leave nothing to train: set one")
        if self.draw and format_ != "mpii":
            wrong.append("draw makes a data set in MPII's layout: set data.format: mpii")
        if self.stage1.train and self.stage1.weights.endswith(".yaml") and self.stage1.fit.freeze:
            wrong.append("stage1.fit.freeze of untrained weights keeps them random: set it to 0")
        if self.report.hide_faces and not self.cache.needs_poses:
            wrong.append(
                "report.hide_faces finds faces by poses: give the classifier some, or set it to "
                "false"
            )
        if self.stage2:
            wrong += self._wrong_in_stage2(self.stage2)
            wrong += self._wrong_in_parts()
        return wrong

    def _wrong_in_parts(self) -> list[str]:
        if not self.cache.needs_parts:
            unused = "stage1.parts is for cache.planes parts or rgb_person: add one, or drop it"
            return [unused] if self.stage1.parts else []
        wrong = []
        if not self.stage1.parts:
            wrong.append(
                "cache.planes parts and rgb_person need stage1.parts, the folder of a parts "
                "network: set it"
            )
        if self.cache.poses == "labels":
            wrong.append("cache.planes parts and rgb_person need cache.poses: stage1")
        return wrong

    def _wrong_in_stage2(self, stage2: Stage2) -> list[str]:
        wrong = []
        tuned = stage2.linear or stage2.train_adapter or stage2.fine_tune_epochs > 0
        if not tuned and "heatmap" in self.cache.planes and "rgb" in self.cache.planes:
            wrong.append(
                "an adapter that is never trained ignores the heatmap: set stage2.train_adapter: "
                "true, or fine_tune_epochs > 0"
            )
        augment = stage2.augment
        views = (self.cache, self.cache.person_view)
        drawn = [{*view.planes} for view in views if view and "heatmap" in view.planes]
        if augment and augment.heatmap_dropout and (not drawn or {"heatmap"} in drawn):
            wrong.append(
                "stage2.augment.heatmap_dropout needs cache.planes: [rgb, heatmap], or such a "
                "cache.person_view, and no view that is a heatmap alone"
            )
        if self.cache.person_view and not stage2.linear:
            wrong.append("cache.person_view needs stage2.linear, with or without fine_tune: set it")
        if self.cache.person_view and self.cache.person_view.joints and stage2.fine_tune:
            wrong.append(
                "cache.person_view.joints is for stage2.linear alone: a network that is trained "
                "does not read them. Drop it, or stage2.fine_tune"
            )
        if not tuned and stage2.adapter_start == "random":
            wrong.append("a random adapter must be trained: set stage2.train_adapter: true")
        if self.report.split == "test" and self.split != "given" and not self.split.test:
            wrong.append("report.split 'test' needs split.test > 0")
        return wrong

    @property
    def has_stage1(self) -> bool:
        """Whether a pose model is trained or asked."""
        asked = self.cache.poses == "stage1" and self.cache.needs_poses
        trained = self.cache.poses == "stage1" and self.stage1.train
        return self.stage2 is None or asked or trained

    @property
    def classifier(self) -> Stage2:
        """The section `stage2` of a run that has one; raises ValueError for another."""
        if self.stage2 is None:
            raise ValueError("This run trains stage 1 alone (stage2: null): it has no classifier.")
        return self.stage2


def load(path: Path, overrides: Sequence[str] = ()) -> PictureRun:
    """Reads the configuration of a run on pictures.

    Args:
        path: A YAML file.
        overrides: `key=value` with dots in the key: `stage2.epochs=5`; see `configs.reading`.

    Raises:
        ConfigError: it cannot be read or is wrong; lists every mistake, with a suggestion where a
            key is nearly right.
    """
    return check(path, read_tree(path), overrides, PictureRun)


def check_paths(run: PictureRun, steps: Iterable[str]) -> None:
    """Checks that what the steps read from outside the run folder is there.

    The step "dry_run" reads labels alone.

    Raises:
        ConfigError: lists every path that is not.
    """
    missing = []
    asked = set(steps) - (set() if run.has_stage1 else {"stage1"})
    labels, images = run.data.annotations, run.data.folder
    reads_images = {"annotations", "cache"} | ({"stage1"} if run.stage1.train else set())
    if run.draw is None or "annotations" not in asked:
        if labels and {"annotations", "dry_run"} & asked and not labels.is_file():
            missing.append(f"data.annotations: no such file: {labels}")
        # A YOLO set's own reader tells which key of data.yaml leads nowhere.
        known = images.is_dir() or run.data.images is None
        if not known and (reads_images & asked or ("dry_run" in asked and not labels)):
            missing.append(f"data.images: no such folder: {images}")
    if not labels and "annotations" in asked and run.draw is None:
        if run.run_dir.resolve().is_relative_to(images.resolve()):
            missing.append(
                f"run_dir must not lie in data.images: {run.run_dir} would be an activity"
            )
    for step, weights, names in (
        ("stage1", run.stage1.weights, ()),
        ("stage2", run.stage2.weights if run.stage2 else "none", STAGE2_WEIGHTS),
    ):
        # A bare name of stage 1 may be found in a folder, or downloaded.
        unused = step == "stage1" and run.stage1.graph is not None
        is_name = unused or weights in names or (step == "stage1" and Path(weights).name == weights)
        if step in asked and not is_name and not Path(weights).is_file():
            missing.append(f"{step}.weights: no such file: {weights}")
    if "stage1" in asked and run.stage1.graph and not run.stage1.graph.is_dir():
        missing.append(f"stage1.graph: no such folder: {run.stage1.graph}")
    if "stage1" in asked and run.stage1.parts and not run.stage1.parts.is_dir():
        missing.append(f"stage1.parts: no such folder: {run.stage1.parts}")
    if missing:
        raise ConfigError("\n".join(missing))
