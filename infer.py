"""Classifies pictures with a finished run: python infer.py photos/ --run runs/NAME."""

import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from inference.pipeline import Row

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # damaged pictures get our message alone
console = Console()


def main(
    paths: Annotated[
        list[str],
        typer.Argument(help="Pictures, folders (recursive), globs, or .txt files of paths."),
    ],
    run: Annotated[Path, typer.Option(help="Folder of a finished training run.")],
    out: Annotated[Path, typer.Option(help="CSV file to write.")] = Path("predictions.csv"),
    draw: Annotated[
        Path | None, typer.Option(help="Folder for copies with skeletons and answers drawn.")
    ] = None,
    engine: Annotated[
        str, typer.Option(help="auto, onnxruntime or openvino; auto takes openvino if it is there.")
    ] = "auto",
    threads: Annotated[int | None, typer.Option(help="CPU threads; default: all.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Pictures per call of a graph.")] = 8,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 if any picture failed, not only if all did.")
    ] = False,
) -> None:
    """Names the activity in each picture.

    Example: python infer.py holiday/ 'more/*.jpg' --run runs/demo --draw drawn/
    """
    from inference import writers
    from inference.pipeline import Pipeline
    from inference.progress import progress_bar
    from inference.sources import find_sources

    images = find_sources(paths)
    pipeline = Pipeline(run, engine=engine, threads=threads)
    answers: Counter[str] = Counter()
    failed = 0
    with writers.CsvWriter(out) as table, progress_bar("classifying", console) as show:
        for done, row in enumerate(pipeline.rows(images, batch=batch), 1):
            table.write(row)
            if row.error is not None:
                failed += 1
                console.print(f"[yellow]skipped:[/] {escape(row.error)}", soft_wrap=True)
            else:
                answers[row.ranking[0][0]] += 1
                if draw:
                    _draw(row, draw, pipeline.recipe.heatmap.min_confidence)
            show(done, len(images), row.image.name)

    _print_answers(answers, failed)
    console.print(f"{len(images)} rows in {out}" + (f", pictures in {draw}" if draw else ""))
    if failed and (strict or failed == len(images)):
        raise typer.Exit(1)


def _draw(row: "Row", folder: Path, threshold: float) -> None:
    from inference import writers

    try:
        writers.draw(row, folder, threshold=threshold)
    except (OSError, ValueError) as error:  # the answers matter more
        console.print(f"[yellow]not drawn:[/] {escape(str(error))}", soft_wrap=True)


def _print_answers(answers: Counter[str], failed: int) -> None:
    table = Table("activity", "pictures")
    for activity, count in answers.most_common():
        table.add_row(activity, str(count))
    if failed:
        table.add_row("[yellow](error)[/]", str(failed))
    console.print(table)


if __name__ == "__main__":
    try:
        typer.run(main)
    except (OSError, ValueError, ImportError) as mistake:
        console.print(f"[red]error:[/] {escape(str(mistake))}", soft_wrap=True, highlight=False)
        sys.exit(2)
