"""Names activities with a finished run: python infer.py photos/ clip.mp4 --run runs/NAME."""

import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # damaged pictures get our message alone
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # and damaged videos
console = Console()


def main(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Pictures, videos, folders (recursive), globs, .txt files of names, or camera:0."
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
    every: Annotated[int, typer.Option(min=1, help="Of a video, take every so many frames.")] = 1,
    smooth: Annotated[
        float, typer.Option(min=0, help="Of a video, the mean of so many seconds; 0: raw.")
    ] = 0.0,
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
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 if any picture failed, not only if all did.")
    ] = False,
) -> None:
    """Names the activity in each picture, or of each person where the run was trained so.

    Ctrl-C finishes what is under way and leaves a whole table (exit code 130); --resume goes on.

    Example: python infer.py holiday/ 'more/*.jpg' clip.mp4 --run runs/demo --draw drawn/
    """
    from inference import smoothing, sources, writers
    from inference.drawings import Drawings
    from inference.explain import Explanations
    from inference.gallery import Gallery
    from inference.pipeline import Pipeline
    from inference.progress import progress_bar
    from inference.provenance import describe
    from inference.stop import Stop
    from inference.videos import is_video

    named = sources.find_sources(paths)
    writers.check_name(out)
    pipeline = Pipeline(
        run, engine=engine, precision=precision, threads=threads, unknown_below=unknown_below
    )
    by_person = pipeline.recipe.one_by_one
    smoothing.check(smooth, by_person=by_person)
    explanations = Explanations(pipeline, named, draw, wanted=explain)
    options = {"every": every, "smooth": smooth}
    answers: Counter[str] = Counter()
    with (
        Stop() as stop,
        writers.open_table(
            out,
            classes=pipeline.classes,
            joints=pipeline.pose.skeleton.joints if pipeline.pose else (),
            by_person=by_person,
            of_video=any(map(is_video, named)),
            manifest=describe(pipeline, run, options=options, notes={"paths": paths}),
            resume=resume,
        ) as table,
        Drawings(draw, threshold=pipeline.recipe.heatmap.min_confidence, every=every) as drawings,
        Gallery(gallery, pipeline.recipe) as page,
        progress_bar("classifying", console) as show,
    ):
        skip = sources.unless_whole(table.has, every=every) if draw or smooth else table.has
        total = sources.count(named, every=every, skip=skip)
        frames = stop.until(sources.frames(named, every=every, skip=skip))
        pictures = (drawings, page, explanations)
        raw = pipeline.answers(frames, then=lambda answer: [one.paint(answer) for one in pictures])
        steady = smoothing.smooth(raw, window=smooth, classes=pipeline.classes)
        for done, answer in enumerate(steady, 1):
            for row in answer.rows:
                table.write(row)
                answers[row.activity or f"({row.status})"] += 1
            if error := answer.rows[0].error:
                console.print(f"[yellow]skipped:[/] {escape(error)}", soft_wrap=True)
            for one, made in zip(pictures, answer.made, strict=True):
                if undrawn := one.add(replace(answer, made=made)):
                    console.print(f"[yellow]not drawn:[/] {escape(undrawn)}", soft_wrap=True)
            show(done, total, answer.frame.source.name)
        table.stopped = stop.asked

    _print_answers(answers, "people" if by_person else "pictures")
    kept = f" ({table.kept} of them from before)" if table.kept else ""
    drawn = f", drawn in {draw}" if draw else ""
    drawn += f", shown in {gallery}" if gallery else ""
    console.print(escape(f"{table.counts.total()} rows in {out}{kept}{drawn}"), soft_wrap=True)
    if stop.asked:
        console.print("[yellow]stopped:[/] the same command with --resume goes on")
        raise typer.Exit(130)
    failed = table.counts["error"]
    if failed and (strict or failed == table.counts.total()):
        raise typer.Exit(1)


def _print_answers(answers: Counter[str], what: str) -> None:
    table = Table("activity", what)
    for activity, count in answers.most_common():
        table.add_row(escape(activity), str(count))
    console.print(table)


if __name__ == "__main__":
    try:
        typer.run(main)
    except (OSError, ValueError, ImportError) as mistake:
        console.print(f"[red]error:[/] {escape(str(mistake))}", soft_wrap=True, highlight=False)
        sys.exit(2)
