"""What a prediction is asked to do, and how it says that it cannot; values alone."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pose_activity.artifacts.progress import ProgressCallback

NO_TRACKS = "people are followed by models of clips: the rows hold the people of each frame."
NO_FACES = "faces are found by joints of the head, and this model finds no joints. Leave it out."
VideoFormat = Literal["webm", "mp4"]
NO_HEATMAPS = "heatmaps are drawn of plain pose estimation: ask for poses too, or leave it out."


class OptionError(ValueError):
    """An option that a model does not take, or not together with the others.

    Attributes:
        option: Its name: an attribute of `OutputOptions`, or an argument of a predictor.
    """

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


@dataclass(frozen=True)
class OutputOptions:
    """What is wanted in addition to the table.

    Attributes:
        draw: Folder for images and videos with answers drawn; or None.
        gallery: HTML page; or None.
        explain: Whether to draw where the classifier looked.
        every: Use every so many frames of a video.
        smooth: Average over so many seconds of a video; 0: off.
        per_window: Whether there is a row for each window of a clip.
        heatmaps: Whether to draw where joints are likely to be.
        tracks: Folder for files of who was followed through a video; or None.
        video: Of drawn videos: WebM (VP8), which browsers play, or MP4 (MPEG-4 part 2).
        hide_faces: Whether faces are made unrecognizable in what is drawn.
        link: Whether the gallery leads to the originals.
    """

    draw: Path | None = None
    gallery: Path | None = None
    explain: bool = False
    every: int = 1
    smooth: float = 0.0
    per_window: bool = False
    heatmaps: bool = False
    tracks: Path | None = None
    video: VideoFormat = "webm"
    hide_faces: bool = False
    link: bool = True


@dataclass(frozen=True)
class Session:
    """How the caller takes part in a prediction.

    Attributes:
        has: Whether an image, or a frame of a video, has its rows already.
        until: Ends an input early, if a stop is requested.
        paint: Called with an answer and its pixels, in the worker's thread.
        on_progress: Told how far it is.
        on_frame: Told frames done and promised (0: unknown) of the video under way, and its name,
            where the answer about a video comes when it has ended.
    """

    has: Callable[[Path, int | None], bool] = lambda source, frame: False
    until: Callable[[Iterable[Any]], Iterator[Any]] = iter
    paint: Callable[[Any], Any] | None = None
    on_progress: ProgressCallback = lambda done, total, name: None
    on_frame: ProgressCallback = lambda done, total, name: None
