"""Recognizes activities with a finished run: python infer.py photos/ clip.mp4 --run runs/NAME."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pose_activity.artifacts.names import shown
from pose_activity.artifacts.remote import require_local
from pose_activity.artifacts.shards import UNDIVIDED, Shard
from pose_activity.artifacts.shards import shards as all_shards
from pose_activity.artifacts.utf8_mode import restart_in_utf8
from pose_activity.runtime.cluster import LOCAL

if TYPE_CHECKING:
    from pose_activity.inference.options import OutputOptions

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "200000000")  # before OpenCV is imported
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # damaged pictures get our message alone
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # and damaged videos
console = Console()


def main(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Images, videos, folders (recursive), globs, .txt files with a name per line, or "
            "camera:0; for clip models pose files too. Or URLs, such as s3://bucket/photos."
        ),
    ],
    run: Annotated[
        str,
        typer.Option("--run", "--model", help="Folder of a run or of a packaged model; or a URL."),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            help="Table to write: .csv, or .jsonl or .parquet with everything; for poses .json "
            "(COCO) too. Default: predictions.csv, or predictions.json with --poses."
        ),
    ] = None,
    draw: Annotated[
        Path | None,
        typer.Option(help="Write copies with skeletons and predictions to this folder."),
    ] = None,
    gallery: Annotated[
        Path | None,
        typer.Option(
            help="Write an HTML page with the images sorted by activity; of clip models a strip of "
            "frames per person."
        ),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Draw where the classifier looked: in the --draw folder, or beside a lone image.",
        ),
    ] = False,
    unknown_below: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Call predictions below this probability unknown "
            "(default: the model's threshold).",
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(min=0.001, help="Frames per second of pose files (default: as in training)."),
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Use every Nth video frame.")] = 1,
    smooth: Annotated[
        float, typer.Option(min=0, help="Average over the last S seconds (0 = off).")
    ] = 0.0,
    per_window: Annotated[
        bool, typer.Option("--per-window", help="Write one row per window (clip models).")
    ] = False,
    engine: Annotated[
        str, typer.Option(help="auto, onnxruntime or openvino; auto: openvino for bf16 and int8.")
    ] = "auto",
    precision: Annotated[
        str, typer.Option(help="f32, or bf16 or int8 where `train.py precision` allows them.")
    ] = "f32",
    threads: Annotated[int | None, typer.Option(help="CPU threads (default: all).")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume: skip rows that are already in --out.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace --out if it exists.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if any image failed, not only if all did.")
    ] = False,
    poses: Annotated[
        bool,
        typer.Option(
            "--poses",
            help="Estimate poses only: people, boxes and joints. --model is a run, a packaged "
            "model, or a folder with pose.onnx and pose.json.",
        ),
    ] = False,
    heatmaps: Annotated[
        bool,
        typer.Option("--heatmaps", help="With --poses and --draw: draw the joints' heatmaps too."),
    ] = False,
    tracks: Annotated[
        Path | None,
        typer.Option(help="Write who was followed, a JSON per video, here (clip models)."),
    ] = None,
    video_format: Annotated[
        str, typer.Option(help="Of drawn videos: webm, which browsers play, or mp4.")
    ] = "webm",
    hide_faces: Annotated[
        bool, typer.Option("--blur-faces", help="Hide faces in what is drawn and in the gallery.")
    ] = False,
    shard: Annotated[
        str | None,
        typer.Option(help="Predict one share of the images: 3/64 is the third of 64."),
    ] = None,
    merge: Annotated[
        int | None, typer.Option(min=1, help="Put so many finished shares together into --out.")
    ] = None,
    executor: Annotated[
        Literal["local", "ray"],
        typer.Option(help="Who does the work: this process, or the workers of a Ray cluster."),
    ] = "local",
    address: Annotated[
        str,
        typer.Option(help="Of the Ray cluster, such as auto; local starts one on this machine."),
    ] = LOCAL,
    shards: Annotated[
        int, typer.Option(min=1, help="Shares for the workers; several for each.")
    ] = 64,
) -> None:
    """Recognize activities in photos, and people or actions in videos.

    One row per image or video frame, or per person if the model was trained that way. A clip model
    names each person in a video: an action, or who it is.

    Ctrl-C finishes the current images and leaves a whole table (exit code 130); --resume continues.

    Example: python infer.py holiday/ 'more/*.jpg' clip.mp4 --run runs/demo --draw drawn/

    Example: python infer.py holiday/ --poses --model runs/demo --out poses.json

    On many machines: --shard 1/64 to --shard 64/64, each a job of its own, then --merge 64. Or
    --executor ray, which does both.
    """
    from pose_activity.inference import table as tables
    from pose_activity.inference.interrupt import GracefulInterrupt
    from pose_activity.inference.kinds import KINDS
    from pose_activity.inference.options import OutputOptions, Session
    from pose_activity.inference.package import kind_of
    from pose_activity.inference.remote import Places
    from pose_activity.inference.shards import Job, table_of
    from pose_activity.runtime.cluster import Cluster, import_ray
    from pose_activity.runtime.progress import progress_bar

    if resume and overwrite:
        raise ValueError("--resume keeps what is in --out and --overwrite does not: leave one out.")
    if video_format not in ("webm", "mp4"):
        raise ValueError(f"--video-format is webm or mp4. Received: {video_format}")
    if sum((shard is not None, merge is not None, executor != "local")) > 1:
        raise ValueError("--shard, --merge and --executor exclude each other: give one of them.")
    share = Shard.parse(shard) if shard else UNDIVIDED
    if executor == "ray":
        import_ray()  # be wrong in the first second
    options = OutputOptions(
        draw,
        gallery,
        explain,
        every,
        smooth,
        per_window,
        heatmaps,
        tracks=tracks,
        video=video_format,
        hide_faces=hide_faces,
    )
    asked = {"unknown_below": unknown_below, "fps": fps}
    given = {name: value for name, value in asked.items() if value is not None}
    given |= {"engine": engine, "precision": precision, "threads": threads}
    for flag, written in (("--draw", draw), ("--gallery", gallery), ("--tracks", tracks)):
        require_local(written, flag)
    with _flags_in_errors():
        places = Places(paths, run)
        model = places.model
        kind = KINDS["poses"] if poses else kind_of(model)
        file = places.table(out or f"predictions{kind.predictor_class.formats[0]}")
        sources = places.find_sources(kind.predictor_class.find_sources, _print_note)
        tables.check_name(file, kind.predictor_class.formats)
        if share == UNDIVIDED:
            tables.check_free(file, resume=resume, overwrite=overwrite)
        if (share, merge, executor) != (UNDIVIDED, None, "local"):
            _refuse_undivided(options, alone=share == UNDIVIDED)
        if executor == "ray" and places.is_remote:
            raise ValueError(
                "--executor ray needs files that all machines share. With URLs, give each job its "
                "--shard."
            )
        predictor = kind.load(model, **given)
        predictor.check(options, sources)
        drawings = kind.drawings(predictor, sources, options)
    for note in predictor.notes:
        _print_note(note)
    whole = table_of(predictor, model, file, sources, options, paths, places.name_of)
    if executor == "ray":
        rows = {"every": every, "smooth": smooth, "per_window": per_window}
        job = Job(paths, str(run), str(file), poses, given, rows)
        with progress_bar(f"predicting {len(sources)} sources in {shards} shards", console) as show:
            job.spread(shards, Cluster(address), on_progress=show)
        merge = shards
    if merge is not None:
        parts = [whole.path(part) for part in all_shards(merge)]
        with _flags_in_errors():
            places.pull(parts)
            merged = whole.merge(merge, overwrite=overwrite)
        where = places.push(file, instead_of=parts)
        _say(f"{merged.total()} rows of {merge} shards in {where}")
        if _failed(merged, strict=strict):
            raise typer.Exit(1)
        return
    if share != UNDIVIDED and not overwrite:
        places.pull([whole.path(share)])
        if whole.is_finished(share):
            _say(f"up to date: {whole.path(share)}")
            return
    counts: Counter[str] = Counter()
    failed_drawings = 0

    def count_undrawn(messages: list[str]) -> int:
        for message in messages:
            console.print(f"[yellow]not drawn:[/] {escape(shown(message))}", soft_wrap=True)
        return len(messages)

    with (
        GracefulInterrupt() as stop,
        whole.begin(share, resume=resume, overwrite=overwrite) as table,
        drawings,
        places.here(share.take(sources)),
        progress_bar("predicting", console) as show,
    ):
        session = Session(
            lambda source, frame: table.has(places.name_of(source), frame),
            stop.until,
            drawings.paint,
            show,
        )
        for answer in predictor.predict(share.take(sources), options, session):
            failed_drawings += count_undrawn(drawings.add(answer))
            for row in map(places.named, answer.rows):
                table.write(row)
                counts[row.group if row.status == "ok" else f"({row.status})"] += 1
                if row.error:
                    console.print(f"[yellow]skipped:[/] {escape(shown(row.error))}", soft_wrap=True)
            for note in answer.notes:
                _print_note(note)
        failed_drawings += count_undrawn(drawings.close())
        table.stopped = stop.asked

    _print_counts(counts, predictor.counted, predictor.unit(options))
    _print_unknown(counts, predictor.unknown_below, file)
    kept = f" ({table.kept} of them from before)" if table.kept else ""
    drawn = f", drawn in {draw}" if draw else ""
    drawn += f", shown in {gallery}" if gallery else ""
    where = places.push(whole.path(share))
    _say(f"{table.counts.total()} rows in {where}{kept}{drawn}")
    if stop.asked:
        option = " with --resume" if share == UNDIVIDED else ""
        console.print(f"[yellow]stopped:[/] the same command{escape(option)} continues")
        raise typer.Exit(130)
    if failed_drawings or _failed(table.counts, strict=strict):
        raise typer.Exit(1)


def _failed(counts: Counter[str], *, strict: bool) -> bool:
    """Tells whether there are errors, and of everything if that is no strict question."""
    return counts["error"] > 0 and (strict or counts["error"] == counts.total())


def _say(text: str) -> None:
    console.print(escape(shown(text)), soft_wrap=True)


def _refuse_undivided(options: "OutputOptions", *, alone: bool) -> None:
    """Refuses what is made of all images together; `alone`: by no job that could draw."""
    from pose_activity.inference.options import OptionError

    whole = ["gallery", *(["draw", "explain", "tracks"] if alone else [])]
    for name in whole:
        if getattr(options, name):
            raise OptionError(
                name, "this is not made here, of a table that others make shares of. Leave it out."
            )


@contextmanager
def _flags_in_errors() -> Iterator[None]:
    """Says which option of this command an error is about; nothing below knows them."""
    from pose_activity.inference.options import OptionError
    from pose_activity.inference.table import TableExistsError

    try:
        yield
    except OptionError as error:
        name = {"hide_faces": "blur-faces"}.get(error.option, error.option.replace("_", "-"))
        raise ValueError(f"--{name}: {error}") from None
    except TableExistsError as error:
        options = "--resume continues it, --overwrite replaces it, --out names another"
        raise ValueError(f"{error}\n{options}") from None


def _print_note(note: str) -> None:
    console.print(f"[yellow]note:[/] {escape(shown(note))}", soft_wrap=True)


def _print_counts(counts: Counter[str], counted: str, unit: str) -> None:
    table = Table(counted, unit)
    for activity, count in counts.most_common():
        table.add_row(escape(activity), str(count))
    console.print(table)


def _print_unknown(counts: Counter[str], below: float, out: Path) -> None:
    from pose_activity.inference.results import UNKNOWN

    if not counts[UNKNOWN]:
        return
    given = sum(count for name, count in counts.items() if not name.startswith("("))
    where = "top3" if out.suffix.lower() == ".csv" else "probabilities"
    text = (
        f"{counts[UNKNOWN]} of {given} answers are {UNKNOWN}: below {below:.2f}, too improbable. "
        f"The column {where} has what is most likely; --unknown-below sets another limit, 0 names "
        "everything"
    )
    console.print(escape(text), soft_wrap=True, highlight=False)


if __name__ == "__main__":
    from pose_activity.terminal import run_program

    restart_in_utf8()
    run_program(lambda: typer.run(main))
