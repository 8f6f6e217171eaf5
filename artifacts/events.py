"""TensorBoard event files: scalars and images, step by step.

Written with tensorboard's own records, which import neither torch nor TensorFlow. Knows nothing of
trainings. Watch a folder with: tensorboard --logdir FOLDER
"""

import struct
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

# Their classes are made when they are imported, out of a type checker's sight.
_events: Any = event_pb2
_summaries: Any = summary_pb2

_PREFIX = "events.out.tfevents."
_RGB = 3


class EventLog:
    """Writes one event file; every event is on disk when its method returns.

    Opening replaces the logs that are in the folder: to resume interrupted work, first write again
    what was done before, so that no step is missing or there twice.
    """

    def __init__(self, folder: Path) -> None:
        """Begins a new file.

        Args:
            folder: Made if it is not there; older event files in it are removed, nothing else.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{_PREFIX}*"):
            old.unlink()
        # tensorboard orders the files of a folder by their names.
        self._records = RecordWriter((folder / f"{_PREFIX}{time.time_ns():020d}").open("wb"))
        self._write(_events.Event(wall_time=time.time(), file_version="brain.Event:2"))

    def scalars(self, step: int, values: Mapping[str, float], *, at: float | None = None) -> None:
        """Writes numbers of one step.

        Args:
            step: An epoch, for example; the horizontal axis.
            values: Name -> number; names with the same part before a "/" are shown together.
            at: Seconds since 1970 when it happened; None for now.
        """
        parts = [_summaries.Summary.Value(tag=k, simple_value=v) for k, v in values.items()]
        self._summary(step, parts, at)

    def picture(self, name: str, png: bytes, *, step: int = 0) -> None:
        """Writes the bytes of a PNG file.

        Raises:
            ValueError: the bytes are not a PNG file.
        """
        if png[:8] != b"\x89PNG\r\n\x1a\n" or len(png) < 24:
            raise ValueError(f"{name} must be a PNG file. Received: {png[:8]!r}...")
        width, height = struct.unpack(">II", png[16:24])
        image = _summaries.Summary.Image(
            width=width, height=height, colorspace=_RGB, encoded_image_string=png
        )
        self._summary(step, [_summaries.Summary.Value(tag=name, image=image)], None)

    def __enter__(self) -> "EventLog":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._records.close()

    def _summary(self, step: int, parts: list, at: float | None) -> None:
        now = time.time() if at is None else at
        summary = _summaries.Summary(value=parts)
        self._write(_events.Event(wall_time=now, step=step, summary=summary))

    def _write(self, event: Any) -> None:
        self._records.write(event.SerializeToString())
        self._records.flush()
