"""What a run is: frozen pydantic models, one a section, read from one YAML file.

Everything is checked in the first second, before any heavy import, and all mistakes are told at
once. The fields of a section are the named arguments of the function that it feeds (a test compares
them), so there is no dead knob. Imports no other room.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

STEPS = ("annotations", "stage1", "cache", "stage2", "report")
STAGE2_WEIGHTS = ("imagenet", "noisy_student", "none")  # anything else is a path

Share = Annotated[int | float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0)]


class ConfigError(ValueError):
    """A configuration is wrong; the message lists every mistake."""


class Section(BaseModel):
    """A part of a configuration: frozen, and no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def arguments(self, *without: str) -> dict[str, Any]:
        """Returns the fields as named arguments, nested sections as they are."""
        return {
            name: getattr(self, name) for name in type(self).model_fields if name not in without
        }


class Data(Section):
    """Where the labelled pictures are. Relative paths start at the current folder.

    `annotations` is MPII's .mat file, a COCO JSON file, the data.yaml of a YOLO set, or a table
    (.csv, .parquet). `images` is the folder that picture names start at; a YOLO set knows its own,
    and needs it only where it was moved.
    """

    format: Literal["mpii", "folder", "coco", "yolo", "table"]
    images: Path | None = None
    annotations: Path | None = None
    group_pattern: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> "Data":
        file = _LABEL_FILES.get(self.format)
        if file and self.annotations is None:
            raise ValueError(f"format {self.format!r} needs data.annotations, {file}")
        if self.images is None and self.format != "yolo":
            raise ValueError(
                f"format {self.format!r} needs data.images, the folder of the pictures"
            )
        if self.format == "folder" and self.annotations is not None:
            raise ValueError(
                "format 'folder' takes no data.annotations: folder names are activities"
            )
        if self.group_pattern is not None:
            if self.format != "folder":
                where = _GROUPS.get(self.format, "it holds no groups")
                raise ValueError(f"format {self.format!r} takes no group_pattern: {where}")
            _check_pattern(self.group_pattern)
        return self

    @property
    def folder(self) -> Path:
        """The pictures' folder: `images`, or that of data.yaml."""
        return self.images or (self.annotations or Path()).parent


_LABEL_FILES = {
    "mpii": "MPII's RELEASE .mat file",
    "coco": "a COCO keypoint .json file",
    "yolo": "the data.yaml of a YOLO pose data set",
    "table": "a .csv or .parquet file with the columns image and activity",
}
_GROUPS = {
    "mpii": "groups come from vididx",
    "coco": "groups come from the key group of an image",
    "table": "groups come from the column group",
}


class Draw(Section):
    """A data set that the project draws itself, in MPII's layout, into `folder`."""

    folder: Path
    images: Positive
    width: Positive = 320
    height: Positive = 240
    faults: bool = True


class Clean(Section):
    """The annotation cleaner."""

    padding: Fraction = 0.1


class Split(Section):
    """Sizes of train, val and test: fractions of all pictures, or counts."""

    train: Share = 0.7
    val: Share = 0.15
    test: Share = 0.15

    @model_validator(mode="after")
    def _one_kind(self) -> "Split":
        sizes = (self.train, self.val, self.test)
        fractions = [size for size in sizes if isinstance(size, float)]
        whole = [size for size in sizes if isinstance(size, int) and size > 0]
        if fractions and whole:
            raise ValueError("give three fractions or three counts, not a mixture")
        if fractions and sum(fractions) > 1 + 1e-9:
            raise ValueError(f"fractions must not sum to more than 1 (they sum to {sum(sizes):g})")
        if not self.train or not self.val:
            raise ValueError("train and val must not be empty")
        return self


def _split_kind(value: Any) -> str:
    return "(given)" if isinstance(value, str) else "(sizes)"


# The tags only tell pydantic which of the two is meant; `_explain` leaves them out.
_SPLIT_TAGS = ("(given)", "(sizes)")
SplitOrGiven = Annotated[
    Annotated[Split, Tag("(sizes)")] | Annotated[Literal["given"], Tag("(given)")],
    Discriminator(_split_kind),
]


class PoseFit(Section):
    """Fine-tuning of stage 1; defaults are the source's. See `stage1_pose.fit.fit`."""

    epochs: tuple[Positive, ...] = (25, 20)
    image_size: Annotated[int, Field(ge=32, multiple_of=32)] = 640
    batch: Positive = 64
    nbs: Positive = 64
    freeze: Count = 21
    optimizer: str = "auto"
    lr0: Rate = 0.01
    lrf: Rate = 0.01
    cos_lr: bool = True
    warmup_epochs: Annotated[float, Field(ge=0)] = 3.0
    pose: Rate = 12.0
    dropout: Fraction = 0.1
    mosaic: Fraction = 0.0
    close_mosaic: Count = 20
    hsv_h: Fraction = 0.02
    hsv_s: Fraction = 0.7
    hsv_v: Fraction = 0.5
    degrees: Annotated[float, Field(ge=0, le=180)] = 0.0
    translate: Fraction = 0.0
    scale: Fraction = 0.0
    fliplr: Fraction = 0.5
    patience: Count = 100
    workers: Count = 8
    cache: Literal["ram", "disk"] | None = None
    device: str | None = None
    amp: bool = False
    plots: bool = True


class PosePredict(Section):
    """What stage 1's answers are filtered by. See `stage1_pose.predict.load`."""

    confidence: Fraction = 0.25
    iou: Fraction = 0.7
    max_people: Positive = 300


class Stage1(Section):
    """The pose model.

    `train: false` takes `weights` as they are, and `skeleton` names their joints. `split` gives
    stage 1 pictures of its own choice of roles; by default a picture keeps its role in both stages.
    `squash` writes the training pictures in that (width, height), proportions ignored.
    """

    weights: str = "yolov8n-pose.pt"
    train: bool = True
    skeleton: Literal["mpii16", "coco17", "openpose18"] = "coco17"
    split: Split | None = None
    squash: tuple[Positive, Positive] | None = None
    fit: PoseFit = PoseFit()
    export_size: Annotated[int, Field(ge=32, multiple_of=32)] = 640
    predict: PosePredict = PosePredict()

    @model_validator(mode="after")
    def _training_keys(self) -> "Stage1":
        if not self.train and (self.split or self.squash):
            raise ValueError("split and squash belong to training: set train: true, or drop them")
        if not self.train and self.weights.endswith(".yaml"):
            raise ValueError(
                f"weights {self.weights!r} is an untrained architecture: set train: true, or name "
                "trained weights"
            )
        return self


class Heatmap(Section):
    """How people are drawn. See `cache.heatmap.Style`."""

    style: Literal["skeleton", "gaussian"] = "skeleton"
    bone_value: Annotated[int, Field(ge=0, le=255)] = 190
    joint_value: Annotated[int, Field(ge=0, le=255)] = 250
    bone_width: Positive = 4
    joint_radius: Count = 4
    sigma: Rate = 8.0
    min_confidence: Fraction = 0.25


class Cache(Section):
    """What stage 2 sees, and where it lies. See `cache.planes.Recipe` and `cache.store.build`."""

    planes: tuple[Literal["rgb", "heatmap"], ...] = ("rgb", "heatmap")
    width: Annotated[int, Field(ge=32)] = 640
    height: Annotated[int, Field(ge=32)] = 480
    resize: Literal["stretch", "letterbox"] = "stretch"
    people: Literal["centre_and_farthest", "centre", "largest", "top_score", "all", "each"] = (
        "centre_and_farthest"
    )
    person: Literal["crop", "mask"] = "crop"
    margin: Annotated[float, Field(ge=0, le=10)] = 0.2
    heatmap: Heatmap = Heatmap()
    tensors: Literal["disk", "memory_map", "on_the_fly"] = "disk"

    @model_validator(mode="after")
    def _planes(self) -> "Cache":
        if not self.planes or len(set(self.planes)) != len(self.planes):
            raise ValueError("planes must name at least one plane, and none twice")
        fields = type(self).model_fields
        asked = [n for n in ("person", "margin") if getattr(self, n) != fields[n].default]
        if asked and self.people != "each":
            raise ValueError(f"{' and '.join(asked)}: how one person is shown needs people: each")
        return self

    @property
    def needs_poses(self) -> bool:
        """Whether stage 1 has to find people."""
        return "heatmap" in self.planes or self.people == "each"


class Augment(Section):
    """What training tensors go through. See `stage2_classifier.augment.build`."""

    flip: Fraction = 0.5
    rotate: Annotated[float, Field(ge=0, le=180)] = 10.0
    translate: Fraction = 0.05
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.1
    hue: Fraction = 0.02
    saturation: Fraction = 0.2
    value: Fraction = 0.1
    brightness: Fraction = 0.1
    contrast: Fraction = 0.1
    shear: Annotated[float, Field(ge=0, lt=90)] = 0.0
    perspective: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    grayscale: Fraction = 0.0
    blur: Annotated[float, Field(ge=0)] = 0.0
    noise: Fraction = 0.0
    compression: Fraction = 0.0
    holes: Count = 0
    hole_size: Annotated[float, Field(gt=0, le=1)] = 0.2
    heatmap_dropout: Fraction = 0.0


class Stage2(Section):
    """The classifier. See `stage2_classifier.fit.fit`."""

    model: Literal[
        "efficientnet_lite0",
        "efficientnet_b0",
        "efficientnet_b1",
        "efficientnet_b2",
        "efficientnet_b3",
        "efficientnet_v2_b0",
    ] = "efficientnet_lite0"
    weights: str = "imagenet"
    adapter_start: Literal["identity", "random"] = "identity"
    train_adapter: bool = True
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    batch: Positive = 32
    epochs: Positive = 25
    learning_rate: Rate = 1e-3
    fine_tune_epochs: Count = 0
    fine_tune_learning_rate: Rate = 1e-4
    fine_tune_layers: Positive | None = None
    patience: Positive = 5
    class_weights: bool = False
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    unknown_precision: Fraction = 0.9
    augment: Augment | None = Augment()

    @model_validator(mode="after")
    def _published(self) -> "Stage2":
        if self.weights == "noisy_student" and not self.model.startswith("efficientnet_b"):
            raise ValueError(
                f"weights 'noisy_student' are published for efficientnet_b0 to _b3, not for "
                f"{self.model}: choose one of these, or weights: imagenet"
            )
        return self


class Report(Section):
    """Which split the headline figures are of."""

    split: Literal["val", "test"] = "test"


class Run(Section):
    """A whole configuration.

    `split: given` keeps the splits that the labels name. `stage2: null` trains stage 1 alone.
    """

    run_dir: Path
    seed: Count = 0
    threads: Positive = 2
    draw: Draw | None = None
    data: Data
    clean: Clean = Clean()
    split: SplitOrGiven = Split()
    stage1: Stage1 = Stage1()
    cache: Cache = Cache()
    stage2: Stage2 | None = Stage2()
    report: Report = Report()

    @model_validator(mode="after")
    def _combinations(self) -> "Run":
        wrong = []
        format_, jointless = self.data.format, ("folder", "table")
        if format_ in jointless and self.stage1.train:
            wrong.append(
                f"data.format {format_!r} has no joints to train stage 1 on: set stage1.train: "
                "false"
            )
        if self.split == "given" and format_ in ("mpii", "folder"):
            wrong.append(f"data.format {format_!r} names no splits: give sizes, not split: given")
        if self.stage2 is None and not self.stage1.train:
            wrong.append("stage1.train: false and stage2: null leave nothing to train: set one")
        if self.draw and self.data.format != "mpii":
            wrong.append("draw makes a data set in MPII's layout: set data.format: mpii")
        if self.stage1.train and self.stage1.weights.endswith(".yaml") and self.stage1.fit.freeze:
            wrong.append("stage1.fit.freeze of untrained weights keeps them random: set it to 0")
        if self.stage2:
            wrong += self._wrong_in_stage2(self.stage2)
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def _wrong_in_stage2(self, stage2: Stage2) -> list[str]:
        wrong = []
        tuned = stage2.train_adapter or stage2.fine_tune_epochs > 0
        if not tuned and "heatmap" in self.cache.planes and "rgb" in self.cache.planes:
            wrong.append(
                "an adapter that is never trained ignores the heatmap: set stage2.train_adapter: "
                "true, or fine_tune_epochs > 0"
            )
        augment = stage2.augment
        if augment and augment.heatmap_dropout and set(self.cache.planes) != {"rgb", "heatmap"}:
            wrong.append("stage2.augment.heatmap_dropout needs cache.planes: [rgb, heatmap]")
        if not tuned and stage2.adapter_start == "random":
            wrong.append("a random adapter must be trained: set stage2.train_adapter: true")
        if self.report.split == "test" and self.split != "given" and not self.split.test:
            wrong.append("report.split 'test' needs split.test > 0")
        return wrong

    @property
    def classifier(self) -> Stage2:
        """The section `stage2` of a run that has one; raises ValueError for another."""
        if self.stage2 is None:
            raise ValueError("This run trains stage 1 alone (stage2: null): it has no classifier.")
        return self.stage2


def load(path: Path, overrides: Sequence[str] = ()) -> Run:
    """Reads a configuration.

    Args:
        path: A YAML file.
        overrides: `key=value` with dots in the key and YAML in the value: `stage2.epochs=5`.

    Raises:
        ConfigError: it cannot be read or is wrong; lists every mistake, with a suggestion where a
            key is nearly right.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path} must hold keys and values. Received: {type(tree).__name__}")
    mistakes = [line for item in overrides if (line := _override(tree, item))]
    mistakes += _mistakes(tree)
    if mistakes:
        raise ConfigError(f"{path}:\n" + "\n".join(f"  - {line}" for line in mistakes))
    return Run.model_validate(tree)


def check_paths(run: Run, steps: Iterable[str]) -> None:
    """Checks that what the steps read from outside the run folder is there.

    The step "dry_run" reads labels alone.

    Raises:
        ConfigError: lists every path that is not.
    """
    missing = []
    asked = set(steps)
    labels, images = run.data.annotations, run.data.folder
    reads_images = {"annotations", "cache"} | ({"stage1"} if run.stage1.train else set())
    if run.draw is None or "annotations" not in asked:
        if labels and {"annotations", "dry_run"} & asked and not labels.is_file():
            missing.append(f"data.annotations: no such file: {labels}")
        # A YOLO set's own reader tells which key of data.yaml leads nowhere.
        known = images.is_dir() or run.data.images is None
        if not known and (reads_images & asked or ("dry_run" in asked and not labels)):
            missing.append(f"data.images: no such folder: {images}")
    if run.data.format == "folder" and "annotations" in asked and run.draw is None:
        if run.run_dir.resolve().is_relative_to(images.resolve()):
            missing.append(
                f"run_dir must not lie in data.images: {run.run_dir} would be an activity"
            )
    for step, weights, names in (
        ("stage1", run.stage1.weights, ()),
        ("stage2", run.stage2.weights if run.stage2 else "none", STAGE2_WEIGHTS),
    ):
        # A bare name of stage 1 may be found in a folder, or downloaded.
        is_name = weights in names or (step == "stage1" and Path(weights).name == weights)
        if step in asked and not is_name and not Path(weights).is_file():
            missing.append(f"{step}.weights: no such file: {weights}")
    if missing:
        raise ConfigError("\n".join(missing))


def dump(run: Run) -> str:
    """Returns the configuration as YAML with every default written out; `load` reads it back."""
    return yaml.safe_dump(run.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _mistakes(tree: dict[str, Any]) -> list[str]:
    """Returns every mistake. Keys that are wrong by themselves are dropped and the rest is judged.

    (pydantic judges combinations only where each key is right.)
    """
    tree, lines, dropped = deepcopy(tree), [], set()
    while True:
        try:
            Run.model_validate(tree)
            return lines
        except ValidationError as error:
            found = [detail for detail in error.errors() if detail["loc"] not in dropped]
        lines += [line for detail in found if (line := _explain(detail)) not in lines]
        wrong = {d["loc"] for d in found if d["type"] not in ("missing", "value_error")}
        if not wrong:
            return lines
        for loc in wrong:
            _drop(tree, _plain(loc))
        dropped |= wrong


def _plain(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Returns a place in the tree without the tags that pydantic adds."""
    return tuple(part for part in loc if part not in _SPLIT_TAGS)


def _drop(tree: Any, loc: tuple[int | str, ...]) -> None:
    """Removes what lies at `loc`; of a list that holds it, the whole list."""
    for depth, part in enumerate(loc):
        inner = tree.get(part) if isinstance(tree, dict) else None
        if depth == len(loc) - 1 or not isinstance(inner, dict):
            if isinstance(tree, dict):
                tree.pop(part, None)
            return
        tree = inner


def _override(tree: dict[str, Any], item: str) -> str | None:
    key, equals, value = item.partition("=")
    if not equals or not all(key.split(".")):
        return f"--set wants key=value. Received: {item!r}"
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError as error:
        return f"--set {key}: the value is not YAML: {error}"
    *parents, leaf = key.split(".")
    for parent in parents:
        if tree.get(parent) is None:
            tree[parent] = {}
        tree = tree[parent]
        if not isinstance(tree, dict):
            return f"--set {key}: {parent!r} is a value, not a section"
    tree[leaf] = parsed
    return None


def _explain(detail: Any) -> str:
    loc = _plain(detail["loc"])
    where = ".".join(str(part) for part in loc)
    if detail["type"] == "extra_forbidden":
        known = _fields_at(loc[:-1])
        close = difflib.get_close_matches(str(loc[-1]), known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else f" Known keys: {', '.join(known)}"
        return f"{where}: unknown key.{hint}"
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] in ("missing", "value_error"):
        return f"{where}: {message}" if where else message
    return f"{where}: {message}. Received: {detail['input']!r}"


def _fields_at(loc: Sequence[Any]) -> list[str]:
    section: Any = Run
    for part in loc:
        kinds = _kinds(section.model_fields[part].annotation)
        section = next(k for k in kinds if isinstance(k, type) and issubclass(k, Section))
    return list(section.model_fields)


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yields an annotation and everything that it is made of."""
    yield annotation
    for part in get_args(annotation):
        yield from _kinds(part)


def _check_pattern(pattern: str) -> None:
    try:
        groups = re.compile(pattern).groupindex
    except re.error as error:
        raise ValueError(f"group_pattern {pattern!r} is no regular expression: {error}") from None
    if "group" not in groups:
        raise ValueError(
            f"group_pattern {pattern!r} must name a part (?P<group>...), "
            "for example '(?P<group>.+)_[0-9]+'"
        )
