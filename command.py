"""The command `pose-activity`: what train.py, infer.py and serve.py do, wherever it is installed.

pose-activity train ...     as python train.py ...
pose-activity predict ...   as python infer.py ...
pose-activity serve ...     as python serve.py ...
pose-activity demo          draws a data set, trains on it twice (quickly, then all), predicts
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from pose_activity import infer, serve, version
from pose_activity.artifacts.commands import install, remember_installed
from pose_activity.artifacts.utf8_mode import restart_in_utf8
from pose_activity.terminal import run_program

app = typer.Typer(
    help="Still image -> pose -> activity, in two stages that you can train.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("predict", no_args_is_help=True)(infer.main)
app.command("serve", no_args_is_help=True)(serve.main)


def demo(
    folder: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("runs/demo"),
) -> None:
    """Run the whole pipeline on a data set that it draws itself, some minutes on 2 CPU cores.

    First trains a classifier on the drawn labels' own joints and leaves its report in
    FOLDER_quick/report/report.html; then both stages, with a report in FOLDER/report/report.html
    and predictions in FOLDER/predictions.csv.
    """
    data, quick = folder / "data", folder.parent / f"{folder.name}_quick"
    settings = [
        f"draw.folder={data}",
        f"data.annotations={data / 'release.mat'}",
        f"data.images={data / 'images'}",
    ]
    from pose_activity.train import run_all

    own = [f"run_dir={quick}", f"stage1.graph={folder / 'stage1'}"]
    run_all(Path("demo_quick"), [*own, *settings])
    report = quick / "report" / "report.html"
    typer.echo(
        f"A first report, on the drawn labels' own joints: {report}. Now the whole pipeline:"
    )
    run_all(Path("demo"), [f"run_dir={folder}", *settings])
    infer.main(
        [str(folder / "annotations" / "test.txt")],
        run=str(folder),
        out=str(folder / "predictions.csv"),
        gallery=folder / "gallery.html",
        overwrite=True,
    )
    typer.echo(f"Open its model in the browser: pose-activity serve --model {folder}")


def needs_training() -> None:
    """Not installed here: needs the extra "train" of this package."""
    raise ImportError(f"Training needs more packages: {install('train')}")


if find_spec("pydantic") and find_spec("yaml"):  # Typer may bring the first alone
    from pose_activity import train

    app.add_typer(train.app, name="train")
    app.command()(demo)
else:
    anything = {"ignore_unknown_options": True, "allow_extra_args": True}
    for name in ("train", "demo"):
        app.command(name, add_help_option=False, context_settings=anything)(needs_training)


@app.callback(invoke_without_command=True)
def about(
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.")
    ] = False,
) -> None:
    """Still image -> pose -> activity, in two stages that you can train."""
    if show_version:
        typer.echo(version.version())
        raise typer.Exit


def main() -> None:
    """Runs the command line; a mistake is one message, not a traceback."""
    remember_installed()
    restart_in_utf8()
    run_program(app)
