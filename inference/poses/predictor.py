"""Images and video frames in, people and their joints out: stage 1 alone.

It serves any folder with a pose graph: a run, a packaged model, or pose.onnx and pose.json alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pose_activity.annotations.images import ImageError
from pose_activity.annotations.types import Poses
from pose_activity.annotations.videos import Frame
from pose_activity.artifacts.names import shown
from pose_activity.inference import package
from pose_activity.inference.frame_predictor import FramePredictor
from pose_activity.inference.options import NO_TRACKS, OptionError, OutputOptions
from pose_activity.inference.precision_records import Precision, require
from pose_activity.inference.results import Columns, FrameResult, people_of, people_type
from pose_activity.runtime.graph import cpu_count
from pose_activity.stage1_pose import predict as stage1

COLUMNS = ("image", "status", "n_people", "error", "frame", "seconds")
_NOT_ASKED = {
    "gallery": "a gallery is sorted by activity, and plain pose estimation names none.",
    "explain": "poses come without a classifier to explain.",
    "smooth": "poses come without probabilities to average.",
    "per_window": "windows are for models of clips.",
    "tracks": NO_TRACKS,
}


@dataclass(frozen=True, eq=False)
class PoseResult:
    """The people of one image or frame; a row as in `results.Row`.

    Attributes:
        image: The image or video.
        poses: Who was found; None on error.
        error: Why there is no answer; None if there is one.
        frame: Number of the frame in a video, from 0; None for an image.
        seconds: From the video's beginning; None for an image.
    """

    image: Path
    poses: Poses | None = None
    error: str | None = None
    frame: int | None = None
    seconds: float | None = None

    @property
    def status(self) -> str:
        """Whether anybody was found: "ok", "nobody" or "error"."""
        if self.poses is None:
            return "error"
        return "ok" if len(self.poses.boxes) else "nobody"

    @property
    def group(self) -> str:
        """How many people there are."""
        n = 0 if self.poses is None else len(self.poses.boxes)
        return "1 person" if n == 1 else f"{n} people"

    def as_columns(self) -> dict[str, str]:
        """Returns how many people there are; the joints need another format than CSV."""
        return {
            "image": shown(self.image),
            "status": self.status,
            "n_people": "" if self.poses is None else str(len(self.poses.boxes)),
            "error": shown(self.error or ""),
            "frame": "" if self.frame is None else str(self.frame),
            "seconds": "" if self.seconds is None else f"{self.seconds:.3f}",
        }

    def as_record(self) -> dict[str, Any]:
        """Returns JSON values: `size` is (width, height) in pixels; `people` see `people_of`."""
        return {
            "image": shown(self.image),
            "frame": self.frame,
            "seconds": None if self.seconds is None else round(self.seconds, 6),
            "status": self.status,
            "size": None if self.poses is None else list(self.poses.size),
            "people": None if self.poses is None else people_of(self.poses),
            "error": self.error,
        }


class PosesPredictor(FramePredictor):
    """Stage 1 of a model.

    Attributes:
        pose: The loaded pose graph.
    """

    counted = "found"
    formats = (".json", ".jsonl", ".parquet", ".csv")

    def __init__(
        self,
        model: Path,
        *,
        engine: str = "auto",
        precision: str = "f32",
        threads: int | None = None,
    ) -> None:
        """Loads the pose graph.

        Args:
            model: A run folder, a packaged model, or a folder with pose.onnx and pose.json.
            engine: "auto", "onnxruntime" or "openvino".
            precision: See `inference.predictor.TwoStagePredictor`.
            threads: Images that are worked on side by side; None: one per CPU.

        Raises:
            FileNotFoundError: the pose graph is missing.
            ValueError: a file was altered.
            PrecisionError: nobody compared the precision with f32.
        """
        self.threads = cpu_count() if threads is None else threads
        self.precision = Precision.parse(precision)
        self.pose = stage1.load(
            find_stage1(model),
            engine=engine,
            precision=self.precision.stage1,
            threads=self.threads,
            streams=self.threads,
        )
        self.engine = self.pose.graph.engine
        require(model, self.precision, engine=self.engine, graphs=self.graphs, twins=self.twins)

    @property
    def stages(self) -> dict[str, Any]:
        """Stage 1 alone."""
        return {"stage1": self.pose}

    def check(self, options: OutputOptions, named: Sequence[Path]) -> None:
        """Refuses what needs a classifier."""
        for name, why in _NOT_ASKED.items():
            if getattr(options, name):
                raise OptionError(name, f"{why} Leave it out.")
        if options.heatmaps and options.draw is None:
            raise OptionError("heatmaps", "name a folder to draw into.")

    def unit(self, options: OutputOptions) -> str:
        """Returns "images"."""
        return "images"

    def columns(self, options: OutputOptions, named: Sequence[Path]) -> Columns:
        """Returns the columns, with the skeleton."""
        skeleton = self.pose.skeleton
        fields = {
            "image": "string",
            "frame": "int64",
            "seconds": "float64",
            "status": "string",
            "size": ["int32"],
            "people": people_type(skeleton.joints),
            "error": "string",
        }
        return Columns(COLUMNS, fields, skeleton=skeleton)

    def answer(self, frame: Frame) -> FrameResult:
        """Answers one frame, in the calling thread."""
        place = {"frame": frame.number, "seconds": frame.seconds}
        try:
            pixels = frame.load()
        except ImageError as error:
            return FrameResult(frame, [PoseResult(frame.source, error=str(error), **place)])
        poses = self.pose([pixels], [frame.source])[0]
        return FrameResult(frame, [PoseResult(frame.source, poses, **place)], pixels)


def find_stage1(model: Path) -> Path:
    """Returns the folder of a model's pose graph.

    Raises:
        FileNotFoundError: there is none.
        PackageError: a file of a package was altered.
    """
    if (model / package.NAME).is_file():
        package.open_model(model)
    for folder in (model, model / "stage1"):
        if (folder / stage1.GRAPH).is_file():
            return folder
    raise FileNotFoundError(
        f"There is no {stage1.GRAPH} in {model}, nor in {model / 'stage1'}. Name a run whose step "
        f"stage1 is finished, a packaged model that uses poses, or a folder with {stage1.GRAPH} "
        f"and {stage1.SIDECAR}."
    )
