"""What `infer.py` does with a model: a task for models of pictures, another for those of motion.

A task checks what was asked for, says which columns its table has, and gives rows. Knows nothing
of command lines and prints nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from pose_activity.artifacts.progress import ProgressCallback
from pose_activity.inference.interrupt import GracefulInterrupt
from pose_activity.inference.package import kind_of
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.inference.results import Result
from pose_activity.inference.table import Table

if TYPE_CHECKING:
    from pose_activity.inference.clips.predictor import ClipPredictor


@dataclass(frozen=True)
class OutputOptions:
    """What is asked for beside the table.

    Attributes:
        draw: Folder for pictures and videos with answers drawn; or None.
        gallery: HTML page; or None.
        explain: Whether to draw where the classifier looked.
        every: Of a video, take every so many frames.
        smooth: Of a video, the mean of so many seconds; 0: raw.
        per_window: Whether motion has an answer for each window.
    """

    draw: Path | None = None
    gallery: Path | None = None
    explain: bool = False
    every: int = 1
    smooth: float = 0.0
    per_window: bool = False


class Task(Protocol):
    """Answers about what was named. Entered once the table is open; what it draws is whole then.

    Attributes:
        unit: What a row is about, for people to read.
        columns: Arguments of `writers.open_table`.
        options: What changes the rows beside the model; a resumed table must have the same.
    """

    unit: str
    columns: dict[str, Any]
    options: dict[str, Any]

    @property
    def pipeline(self) -> "PicturePredictor | ClipPredictor":
        """Both stages."""
        ...

    def __enter__(self) -> "Task": ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def answers(
        self, table: Table, stop: GracefulInterrupt, show: ProgressCallback
    ) -> Iterator[tuple[list[Result], list[str]]]:
        """Yields rows that belong together, and what could not be drawn of them.

        Args:
            table: What it has is not done again.
            stop: Ends the input.
            show: Told how far it is.
        """
        ...


def open_task(run: Path, named: Sequence[Path], wishes: OutputOptions, **options: Any) -> Task:
    """Loads a model and checks what is asked of it.

    Args:
        run: A run folder or a packaged model, of either kind.
        named: Pictures, videos and cameras.
        wishes: See `OutputOptions`.
        **options: Of `PicturePredictor` and `ClipPredictor`.

    Raises:
        ValueError: something that this kind of model cannot do; what the pipelines raise.
        FileNotFoundError: what the pipelines raise.
    """
    if kind_of(run) == "sequence":  # each kind loads what it needs, for a quick start
        from pose_activity.inference.clips.task import ClipTask

        return ClipTask(run, named, wishes, **options)  # type: ignore[arg-type]
    if options.pop("fps", None) is not None:
        raise ValueError(
            "--fps is for models that name people by how they move, of pose files; this one names "
            "pictures. Leave it out."
        )
    from pose_activity.inference.pictures.task import PictureTask

    return PictureTask(run, named, wishes, **options)  # type: ignore[arg-type]
