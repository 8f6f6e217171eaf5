"""The kinds of models that are served: a line for each, and nothing else knows them all.

A kind is a folder beside this file with a `predictor.py` (files or frames in, answers out), a
`draw.py` (what is drawn of them) and, if it watches cameras, a `live.py` (one frame after another
in, answers out) and an `on_device.py` (what a browser needs to watch by itself). It is imported
when a model of the kind is used, for a quick start.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pose_activity.inference.options import OptionError
from pose_activity.stage1_parts import predict as parts
from pose_activity.stage1_pose.track_video import TRACKING
from pose_activity.stage2_classifier import sidecar
from pose_activity.stage2_classifier.vectors import linear

if TYPE_CHECKING:
    from pose_activity.inference.live import LiveSession
    from pose_activity.inference.predictor import Drawings, Predictor

POSE_FILES = "pose_files.json"  # see `inference.clips.pose_files`


@dataclass(frozen=True)
class Kind:
    """Where a kind is.

    Attributes:
        folder: Its name in `inference/`.
        predictor: Name of the class in its `predictor.py`.
        files: What its models may have in addition to the graphs and their sidecars.
        watches: Whether it has a `live.py` and an `on_device.py`.
        graph: Name of the file that stage 2 of its models exports; its sidecar is beside it.
        function: Name of the class in its `api.py`, the model as a Python function; None: the
            engine's `Classifier`.
    """

    folder: str
    predictor: str
    files: tuple[str, ...] = ()
    watches: bool = True
    graph: str = sidecar.GRAPH
    function: str | None = None

    @property
    def predictor_class(self) -> "type[Predictor]":
        """The class of its models."""
        module = import_module(f"{__package__}.{self.folder}.predictor")
        return getattr(module, self.predictor)

    @property
    def function_class(self) -> "Callable[..., Any]":
        """What makes a Python function of a model's folder."""
        if self.function is None:
            return import_module(f"{__package__}.api").Classifier
        return getattr(import_module(f"{__package__}.{self.folder}.api"), self.function)

    @property
    def drawings(self) -> "Callable[..., Drawings]":
        """What makes drawings: takes a predictor, its sources and `OutputOptions`."""
        return import_module(f"{__package__}.{self.folder}.draw").Drawings

    @property
    def live(self) -> "type[LiveSession] | None":
        """What answers a camera's frames; None: this kind does not."""
        return import_module(f"{__package__}.{self.folder}.live").Live if self.watches else None

    @property
    def on_device(self) -> Any:
        """The module with `describe` and `expect` for browsers; None: there is none."""
        return import_module(f"{__package__}.{self.folder}.on_device") if self.watches else None

    def load(self, model: Path, **options: Any) -> "Predictor":
        """Loads a model.

        Args:
            model: A run folder or a packaged model.
            **options: Arguments of the predictor.

        Raises:
            OptionError: one that this kind does not take.
            FileNotFoundError: see the predictor, and so `ValueError`.
        """
        load: Any = self.predictor_class
        for name in options.keys() - signature(load).parameters.keys():
            raise OptionError(name, "this kind of model does not have it. Leave it out.")
        return load(model, **options)


_CLIP_FILES = (linear.SIDECAR, linear.NUMBERS, POSE_FILES, TRACKING)
_PARTS_FILES = (parts.GRAPH, parts.SIDECAR)  # of planes that show body parts
KINDS = {  # what a model's sidecar calls a kind
    "picture": Kind("pictures", "PicturePredictor", _PARTS_FILES),
    "sequence": Kind("clips", "ClipPredictor", _CLIP_FILES),
    "parts": Kind(
        "parts", "PartsPredictor", watches=False, graph=parts.GRAPH, function="BodyParts"
    ),
    # Of any model with stage 1, where it is asked for:
    "poses": Kind("poses", "PosesPredictor", watches=False),
}
