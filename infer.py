"""Names activities with a finished run: python infer.py photos/ clip.mp4 --run runs/NAME.

With a run on clips, each person in a video by how they move.
"""

import os
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pose_activity.artifacts.names import shown
from pose_activity.artifacts.utf8_mode import restart_in_utf8

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "200000000")  # before OpenCV is imported
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # damaged pictures get our message alone
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # and damaged videos
console = Console()


def main(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Pictures, videos, folders (recursive), globs, .txt files of names, or camera:0; "
            "for a model of motion pose files too."
        ),
    ],
    run: Annotated[
        Path, typer.Option("--run", "--model", help="Folder of a run or of a packaged model.")
    ],
    out: Annotated[
        Path, typer.Option(help="Table to write: .csv, or .jsonl or .parquet with everything.")
    ] = Path("predictions.csv"),
    draw: Annotated[
        Path | None, typer.Option(help="Folder for copies with skeletons and answers drawn.")
    ] = None,
    gallery: Annotated[
        Path | None, typer.Option(help="HTML page to write: the pictures, sorted by activity.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Draw where the classifier looked; see --draw.")
    ] = False,
    unknown_below: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Call answers below this probability unknown; default: the model's."
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(min=0.001, help="Of pose files, frames a second; default: as in training."),
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Of a video, take every so many frames.")] = 1,
    smooth: Annotated[
        float, typer.Option(min=0, help="Of a video, the mean of so many seconds; 0: raw.")
    ] = 0.0,
    per_window: Annotated[
        bool, typer.Option("--per-window", help="Of motion, a row for each window of a person.")
    ] = False,
    engine: Annotated[
        str, typer.Option(help="auto, onnxruntime or openvino; auto takes openvino if it is there.")
    ] = "auto",
    precision: Annotated[
        str, typer.Option(help="f32, or bf16 or int8 where `train.py precision` allows them.")
    ] = "f32",
    threads: Annotated[int | None, typer.Option(help="CPU threads; default: all.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with --out: what it holds is not done again.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Begin --out anew where it is there already.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 if any picture failed, not only if all did.")
    ] = False,
) -> None:
    """Names the activity in each picture, or of each person where the run was trained so.

    A run on clips names each person in a video: an action, or who it is.

    Ctrl-C finishes what is under way and leaves a whole table (exit code 130); --resume goes on.

    Example: python infer.py holiday/ 'more/*.jpg' clip.mp4 --run runs/demo --draw drawn/
    """
    from pose_activity.inference import sources
    from pose_activity.inference import table as tables
    from pose_activity.inference.clips import pose_files
    from pose_activity.inference.interrupt import GracefulInterrupt
    from pose_activity.inference.package import kind_of
    from pose_activity.inference.provenance import describe
    from pose_activity.inference.tasks import OutputOptions, open_task
    from pose_activity.runtime.progress import progress_bar

    if resume and overwrite:
        raise ValueError("--resume keeps what is in --out and --overwrite does not: leave one out.")
    poses, others = pose_files.find(paths) if kind_of(run) == "sequence" else ([], paths)
    named = poses + (sources.find_sources(others, on_note=_print_note) if others else [])
    tables.check_name(out)
    _check_free(out, resume=resume, overwrite=overwrite)
    wishes = OutputOptions(draw, gallery, explain, every, smooth, per_window)
    options: dict[str, Any] = {"engine": engine, "precision": precision, "threads": threads}
    if fps is not None:
        options["fps"] = fps
    task = open_task(run, named, wishes, unknown_below=unknown_below, **options)
    for note in task.pipeline.notes:
        console.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True, highlight=False)
    made_by = describe(task.pipeline, run, options=task.options, notes={"paths": paths})
    answers: Counter[str] = Counter()
    failed_drawings = 0
    with (
        GracefulInterrupt() as stop,
        tables.open_table(
            out, **task.columns, manifest=made_by, resume=resume, overwrite=overwrite
        ) as table,
        task,
        progress_bar("classifying", console) as show,
    ):
        for rows, undrawn in task.answers(table, stop, show):
            for row in rows:
                table.write(row)
                answers[row.activity or f"({row.status})"] += 1
                if row.error:
                    console.print(f"[yellow]skipped:[/] {escape(shown(row.error))}", soft_wrap=True)
            failed_drawings += len(undrawn)
            for message in undrawn:
                console.print(f"[yellow]not drawn:[/] {escape(shown(message))}", soft_wrap=True)
        table.stopped = stop.asked

    _print_answers(answers, task.unit)
    _print_unknown(answers, task.pipeline.unknown_below, out)
    kept = f" ({table.kept} of them from before)" if table.kept else ""
    drawn = f", drawn in {draw}" if draw else ""
    drawn += f", shown in {gallery}" if gallery else ""
    summary = shown(f"{table.counts.total()} rows in {out}{kept}{drawn}")
    console.print(escape(summary), soft_wrap=True)
    if stop.asked:
        console.print("[yellow]stopped:[/] the same command with --resume goes on")
        raise typer.Exit(130)
    failed = table.counts["error"]
    if failed_drawings or (failed and (strict or failed == table.counts.total())):
        raise typer.Exit(1)


def _check_free(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuses a table that is there, with the options that say what to do about it."""
    from pose_activity.inference import table as tables

    try:
        tables.check_free(out, resume=resume, overwrite=overwrite)
    except tables.TableExistsError as error:
        options = "--resume goes on with it, --overwrite begins anew, --out names another"
        raise ValueError(f"{error}\n{options}") from None


def _print_note(note: str) -> None:
    console.print(f"[yellow]note:[/] {escape(shown(note))}", soft_wrap=True)


def _print_answers(answers: Counter[str], what: str) -> None:
    table = Table("activity", what)
    for activity, count in answers.most_common():
        table.add_row(escape(activity), str(count))
    console.print(table)


def _print_unknown(answers: Counter[str], below: float, out: Path) -> None:
    from pose_activity.inference.results import UNKNOWN

    if not answers[UNKNOWN]:
        return
    given = sum(count for name, count in answers.items() if not name.startswith("("))
    where = "top3" if out.suffix.lower() == ".csv" else "probabilities"
    text = (
        f"{answers[UNKNOWN]} of {given} answers are {UNKNOWN}: below {below:.2f}, too improbable. "
        f"The column {where} has what is most likely; --unknown-below sets another limit, 0 names "
        "everything"
    )
    console.print(escape(text), soft_wrap=True, highlight=False)


if __name__ == "__main__":
    from pose_activity.inference.output import run_program

    restart_in_utf8()
    run_program(lambda: typer.run(main))
