"""What every predictor is: both stages of a model, loaded and checked, and what the engine asks.

A predictor is a pure object: files or frames in, answers out. It says which files it reads, which
options it takes and which columns its rows have; it prints nothing and knows no command line.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from copy import copy
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from pose_activity.artifacts.manifest import sha256_file
from pose_activity.cache.planes import PoseModelId
from pose_activity.inference.model_check import check_model
from pose_activity.inference.options import OutputOptions, Session
from pose_activity.inference.package import open_model
from pose_activity.inference.precision_records import Precision
from pose_activity.inference.results import Answer, Columns, check_unknown
from pose_activity.inference.table import SUFFIXES
from pose_activity.runtime.calibrate import NEVER_UNKNOWN
from pose_activity.runtime.graph import cpu_count
from pose_activity.stage1_pose import predict as stage1
from pose_activity.stage1_pose.options import PoseFilter


class Drawings(Protocol):
    """The drawings of a kind of answers, entered as a context; nothing is raised for a failure.

    It is made before anything is written, and raises `OptionError` for what cannot be drawn.
    """

    def paint(self, answer: Any) -> Any:
        """Draws what needs the pixels of one answer, in any thread; returns its `made`."""
        ...

    def add(self, answer: Any) -> list[str]:
        """Takes an answer, in order; returns what could not be drawn and why."""
        ...

    def close(self) -> list[str]:
        """Finishes current work; returns what could not be drawn and why."""
        ...

    def __enter__(self) -> Any: ...

    def __exit__(self, *raised: Any) -> None: ...


class Predictor(ABC):
    """Answers about files; see the module.

    Attributes:
        takes: What it is about: "pictures" or "videos".
        counted: What rows are counted by, for people to read.
        formats: Endings of the outputs that can hold the rows; the first is the default's.
        engine: That runs the graphs: "openvino" or "onnxruntime".
        precision: Of the stages.
        threads: Images or frames that are worked on side by side.
        pool: Threads of the caller's, to work in; None: own ones for each call.
        notes: What a user should know about the model before trusting it.
        unknown_below: Probability below which answers are called unknown; 0: none is.
        stages: Name -> what was loaded, with `graph` and `sha256`.
    """

    takes: ClassVar[str]
    counted: ClassVar[str] = "activity"
    formats: ClassVar[tuple[str, ...]] = SUFFIXES
    engine: str
    precision: Precision
    threads: int
    pool: Executor | None = None
    notes: tuple[str, ...] = ()
    unknown_below: float = 0.0

    @property
    @abstractmethod
    def stages(self) -> Mapping[str, Any]:
        """The stages that are used, by name."""

    @property
    def graphs(self) -> dict[str, str]:
        """Stage -> sha256 of its f32 graph."""
        return {name: stage.sha256 for name, stage in self.stages.items()}

    @property
    def twins(self) -> dict[str, str]:
        """Stage -> sha256 of the description of its int8 graph, of the stages that run one."""
        asked = {"stage1": self.precision.stage1, "stage2": self.precision.stage2}
        return {
            name: sha256_file(stage.graph.path.with_suffix(".json"))
            for name, stage in self.stages.items()
            if asked[name] == "int8"
        }

    @property
    def calibration(self) -> dict[str, Any]:
        """What decides how sure an answer is, as JSON values."""
        return {}

    @property
    def warnings(self) -> list[str]:
        """Sentences that a reader of the answers has to know."""
        return []

    @staticmethod
    def uses_stage1(stage1_folder: Path, stage2_folder: Path) -> bool:
        """Tells whether a package of these stages holds the pose graph.

        Raises:
            ValueError: a sidecar is damaged.
        """
        return (stage1_folder / stage1.GRAPH).is_file()

    @staticmethod
    @abstractmethod
    def find_sources(names: Sequence[str], on_note: Callable[[str], None]) -> list[Path]:
        """Expands what was named on a command line into the files that this kind reads."""

    @abstractmethod
    def check(self, options: OutputOptions, sources: Sequence[Path]) -> None:
        """Refuses what this model cannot do.

        Raises:
            OptionError: an option.
            ValueError: sources.
        """

    @abstractmethod
    def unit(self, options: OutputOptions) -> str:
        """Returns what a row is about, for people to read."""

    @abstractmethod
    def columns(self, options: OutputOptions, sources: Sequence[Path]) -> Columns:
        """Returns the columns of the rows."""

    @abstractmethod
    def settings(self, options: OutputOptions) -> dict[str, Any]:
        """Returns what changes the rows beside the model; a resumed table must have the same."""

    @abstractmethod
    def predict(
        self, sources: Sequence[Path], options: OutputOptions, session: Session
    ) -> Iterator[Answer]:
        """Yields answers, in order; what cannot be read is a row with its error."""

    @abstractmethod
    def answer_values(self, values: Sequence[Any]) -> Iterator[Answer]:
        """Yields an answer for each path or array.

        Raises:
            TypeError: it is neither, or not what this model is about.
            ImageError: it cannot be read.
            ValueError: an array of another shape or dtype, or a source without an end.
        """


class TwoStagePredictor(Predictor):
    """A predictor with a classifier, which may use the poses of stage 1.

    Attributes:
        classifier: Stage 2.
        recipe: What the classifier sees.
        classes: In the order of the probabilities.
        pose: Stage 1, or None.
        folders: Where the stages are.
    """

    classifier: Any
    recipe: Any
    pose: stage1.PosePredictor | None = None

    def __init__(
        self,
        run: Path,
        load: Callable[..., Any],
        *,
        engine: str,
        precision: str,
        threads: int | None,
        unknown_below: float | None,
    ) -> None:
        """Loads the classifier, and checks that its run is finished and fits together.

        Args:
            run: A run folder with finished stages, or a packaged model.
            load: Stage 2's, for this kind.
            engine: "auto", "onnxruntime" or "openvino".
            precision: Of both stages, one of `runtime.graph.PRECISIONS`; or stage 1's / stage 2's,
                as in "f32/int8".
            threads: Images or frames that are worked on side by side; None: one per CPU.
            unknown_below: Probability below which answers are called `UNKNOWN`, 0 for never; None
                takes what was fitted on the run's validation split, if anything was.

        Raises:
            FileNotFoundError: no model is there, or it is not finished.
            ValueError: a file was altered, the classifier was trained on another pose graph's
                answers, or what `inference.model_check.check_model` refuses.
            PrecisionError: the precision changes the answers too much, or nobody compared it.
        """
        check_unknown(unknown_below)
        self.folders = open_model(run)
        self.threads = cpu_count() if threads is None else threads
        self.precision = Precision.parse(precision)
        self._runtime = {"engine": engine, "threads": self.threads, "streams": self.threads}
        self.classifier = load(
            self.folders.stage2, precision=self.precision.stage2, **self._runtime
        )
        self.recipe = self.classifier.recipe
        self.classes: tuple[str, ...] = self.classifier.classes
        self.engine = self.classifier.graph.engine
        self.notes = check_model(run, self.recipe, packaged=self.folders.packaged)

    def load_pose(self, folder: Path, *, any_graph: bool = False) -> stage1.PosePredictor:
        """Loads the stage 1 whose poses the classifier was trained on.

        Args:
            folder: Of the pose graph.
            any_graph: Whether that of another model will do.

        Raises:
            FileNotFoundError: there is none.
            ValueError: it is damaged, or another one.
        """
        seen: PoseModelId = self.recipe.pose
        pose = stage1.load(
            folder,
            precision=self.precision.stage1,
            keep=PoseFilter(seen.confidence, seen.iou, seen.max_people),
            **self._runtime,
        )
        if not any_graph and (pose.sha256, pose.size) != (seen.sha256, seen.size):
            raise ValueError(
                f"{folder}: the classifier was trained on poses of graph {seen.sha256[:12]} at "
                f"{seen.size} px, but pose.onnx is {pose.sha256[:12]} at {pose.size} px. Run the "
                "steps cache and stage2 of train.py again."
            )
        return pose

    def with_threshold(self, unknown_below: float) -> Self:
        """Returns a predictor of the same graphs that calls less probable answers unknown.

        Raises:
            ValueError: it is not a probability.
        """
        check_unknown(unknown_below)
        other = copy(self)
        other.unknown_below = unknown_below
        return other

    @property
    def stages(self) -> dict[str, Any]:
        """The stages that are used, by name."""
        found = {} if self.pose is None else {"stage1": self.pose}
        return {**found, "stage2": self.classifier}

    @property
    def calibration(self) -> dict[str, Any]:
        """What decides how sure an answer is."""
        return {"temperature": self.classifier.temperature, "unknown_below": self.unknown_below}

    @property
    def warnings(self) -> list[str]:
        """A note if nothing is ever called unknown."""
        return [] if self.unknown_below else [NEVER_UNKNOWN]
