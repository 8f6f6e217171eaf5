"""What a server does with a file: rows, and drawings when somebody asks for them.

The same predictors, tables and drawings as `infer.py`, so the same bytes; only the file is called
what its sender calls it. Runs in threads, knows no HTTP.
"""

import base64
import errno
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import cv2

from pose_activity.annotations.videos import Frame
from pose_activity.inference.clips.track_files import write_tracks
from pose_activity.inference.kinds import Kind
from pose_activity.inference.options import OutputOptions, Session
from pose_activity.inference.pictures.explain import explain
from pose_activity.inference.predictor import Predictor
from pose_activity.inference.records import JsonLines
from pose_activity.inference.results import Answer
from pose_activity.inference.table import open_table
from pose_activity.serving.jobs import Job
from pose_activity.serving.problems import Problem
from pose_activity.serving.uploads import disk_full

ROWS_CSV, ROWS_JSONL, TRACKS = "rows.csv", "rows.jsonl", "tracks.json"
GALLERY, DRAWN = "gallery.html", "drawn"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def answer_picture(predictor: Any, path: Path, name: str) -> str:
    """Answers a picture.

    Args:
        predictor: Of images.
        path: The picture.
        name: What its sender calls it.

    Returns:
        What `infer.py` writes as JSON lines.

    Raises:
        Problem: 422, it cannot be read.
    """
    answer = predictor.answer(Frame.of_picture(path))
    rows = named(answer, path, name).rows
    if rows[0].error is not None:
        raise Problem(422, "A picture must be whole.", rows[0].error, "Take another copy of it.")
    lines = JsonLines()
    return "".join(lines.encode(row) for row in rows)


def explain_picture(predictor: Any, path: Path, name: str) -> list[dict[str, Any]]:
    """Answers a picture, and draws for each row where the classifier looked.

    Returns:
        The records; each has `explanation`, a PNG as a data: URL, or None without an answer.
    """
    answer = predictor.answer(Frame.of_picture(path))
    shown = named(answer, path, name)
    if shown.rows[0].error is not None:
        raise Problem(422, "A picture must be whole.", shown.rows[0].error)
    drawn = iter(explain(predictor, shown))
    return [
        {**row.as_record(), "explanation": _as_url(next(drawn)) if row.ranking else None}
        for row in shown.rows
    ]


def _as_url(pixels: Any) -> str:
    data = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes()
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def write_rows(predictor: Predictor, job: Job, *, most_frames: float, most_seconds: float) -> None:
    """Goes through a video and writes its rows as they come.

    Args:
        predictor: Of any kind.
        job: Told of everything, and asked whether to go on.
        most_frames: A longer video ends here, whatever its header said.
        most_seconds: And so does work that takes longer: frames may be larger than the header
            says, and many of them.

    Raises:
        Cancelled: see `Job.check`.
        Problem: the video is too long, or the disk is full.
    """
    started = time.monotonic()

    def tell(done: int, of: int, name: str) -> None:
        if done > most_frames:
            rule = f"A video may have {most_frames:,.0f} frames."
            raise Problem(422, rule, "too long", "Cut it into parts.")
        if time.monotonic() - started > most_seconds:
            rule = f"A video is worked on for {most_seconds:,.0f} s."
            raise Problem(422, rule, "too long", "Cut it into parts.")
        job.tell(done, of)

    options, sources = job.asked.options, [job.source]
    columns = predictor.columns(options, sources)
    with (
        _disk(),
        open_table(job.folder / ROWS_CSV, columns) as csv,
        open_table(job.folder / ROWS_JSONL, columns) as lines,
    ):
        for answer in predictor.predict(sources, options, _session(predictor, tell)):
            if watched := getattr(answer, "watched", None):
                write_tracks(job.folder / TRACKS, watched, name=job.asked.name)
            for row in named(answer, job.source, job.asked.name).rows:
                csv.write(row)
                lines.write(row)
                job.rows += 1
            job.bell.ring()


def draw(predictor: Predictor, kind: Kind, job: Job, *, hide_faces: bool) -> None:
    """Goes through a video once more, for its annotated copy and its gallery.

    Raises:
        Cancelled: see `Job.check`.
        OSError: it could not be drawn.
    """
    options = replace(
        job.asked.options,
        draw=job.folder / DRAWN,
        gallery=job.folder / GALLERY,
        hide_faces=hide_faces,
        link=False,
    )
    drawings = kind.drawings(predictor, [job.source], options)

    def tell(done: int, of: int, name: str) -> None:
        job.tell(done, of)

    session = replace(_session(predictor, tell), paint=drawings.paint)
    with drawings:
        failed = []
        for answer in predictor.predict([job.source], options, session):
            failed += drawings.add(named(answer, job.source, job.asked.name))
        failed += drawings.close()
    if failed:
        raise OSError("; ".join(failed))


def _session(predictor: Predictor, tell: Any) -> Session:
    return Session(on_frame=tell) if predictor.takes == "videos" else Session(on_progress=tell)


def named(answer: Answer, path: Path, name: str) -> Any:
    """Returns an answer whose rows call the file what its sender calls it."""
    rows = [_under_name(row, str(path), name) for row in answer.rows]
    return replace(answer, rows=rows)  # type: ignore[type-var]


def _under_name(row: Any, path: str, name: str) -> Any:
    texts = {
        field.name: value.replace(path, name)
        for field in fields(row)
        if isinstance(value := getattr(row, field.name), str)
    }
    return replace(row, **texts, image=Path(name))


@contextmanager
def _disk() -> Iterator[None]:
    """Says of a full disk what it is."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise disk_full() from None
        raise


def check_options(predictor: Predictor, options: OutputOptions, source: Path) -> None:
    """Refuses what this model cannot do with a file.

    Raises:
        Problem: 422, with the model's own sentence.
    """
    try:
        predictor.check(options, [source])
    except ValueError as error:
        raise Problem(422, str(error)) from None
