"""Trains a run, step by step: python train.py all --config configs/demo.yaml.

    annotations  read the labels, clean them, split them    -> RUN/annotations
    stage1       train or fetch the pose model, export it   -> RUN/stage1
    cache        find poses, draw planes, store tensors     -> RUN/cache
    stage2       train the classifier, export it            -> RUN/stage2
    report       classify the test split, write the scores  -> RUN/report

Each step leaves a folder with a manifest, written last. A step whose manifest matches the
configuration and its inputs is skipped. A stale step runs again, and its old result stays until the
new one is whole. `all` gives each step that may import torch or TensorFlow a process of its own, so
that they never meet, and holds the run's lock from the first step to the last. What a step does is
in `training/`, which is imported only after the configuration was checked.

    compare      put the scores of several configurations into one table
    search       try settings and rank them by their scores on val
    status       show which steps of a run are done, stale or missing, and why
    clean        free disk space: remove what can be made again
    package      copy the model alone into a folder, for prediction elsewhere
    precision    check whether bf16 or int8 gives the same answers
    phone        write the network as a LiteRT file, for a phone
    check-videos find videos that do not show one person well enough to learn from
    label-videos label body parts in videos by bones and silhouettes
    import-clips turn the folders of 3DPeople into one archive per clip
    doctor       check whether this installation works
"""

import os
import shlex
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from pose_activity.artifacts.commands import program
from pose_activity.artifacts.lock import locked
from pose_activity.artifacts.shards import Shard
from pose_activity.artifacts.utf8_mode import restart_in_utf8
from pose_activity.configs import sections
from pose_activity.configs.sections import Run
from pose_activity.runtime import cluster
from pose_activity.terminal import run_program
from pose_activity.training import kinds, processes

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "200000000")  # before OpenCV is imported
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # damaged pictures get our message alone
app = typer.Typer(
    help="Train a two-stage activity classifier.\n\n"
    "Example: python train.py all --config folder --set data.images=photos",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
STEP_COMMAND = [sys.executable, "-m", "pose_activity.train"]  # a step in a process of its own
Config = Annotated[
    Path,
    typer.Option(
        help="A YAML file, or the name of a shipped one, such as folder.", show_default=False
    ),
]
RunFolder = Annotated[Path, typer.Option("--run", help="Folder of a run.", show_default=False)]
ShardOption = Annotated[
    str | None,
    typer.Option("--shard", help="Make one share of the step: 3/64 is the third of 64."),
]
MergeOption = Annotated[
    int | None, typer.Option("--merge", min=1, help="Put so many finished shares together.")
]
ExecutorOption = Annotated[
    Literal["local", "ray"],
    typer.Option(help="Who does the work: this process, or the workers of a Ray cluster."),
]
AddressOption = Annotated[
    str,
    typer.Option(help="Of the Ray cluster, such as auto; local starts one on this machine."),
]
ShardsOption = Annotated[
    int, typer.Option("--shards", min=1, help="Shares for the workers; several for each.")
]
What = Literal["tensors", "logs", "states", "dataset", "search", "all"]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change one setting: --set seed=1 (repeatable)."),
]


@app.command()
def annotations(
    config: Config,
    overrides: Set = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only read and check the labels; open no image.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail if the cleaner rejects anything.")
    ] = False,
) -> None:
    """Read, clean and split the labels."""
    from pose_activity.training.rejections import refuse_rejections

    run = _load(config, overrides, ["dry_run" if dry_run else "annotations"])
    labels = kinds.kind_of(run).module("labels")
    if run.draw:
        labels.draw_data_set(run.draw, run.seed)
    if dry_run:
        labels.try_annotations(run, strict=strict)
        return
    _make(run, "annotations")
    if strict:
        refuse_rejections(run)


@app.command()
def stage1(config: Config, overrides: Set = None) -> None:
    """Train the pose model, or use it as it is, and export it."""
    _make(_load(config, overrides, ["stage1"]), "stage1")


@app.command()
def cache(
    config: Config,
    overrides: Set = None,
    shard: ShardOption = None,
    merge: MergeOption = None,
    executor: ExecutorOption = "local",
    address: AddressOption = cluster.LOCAL,
    shards: ShardsOption = 64,
) -> None:
    """Find the poses, draw the planes and store the tensors.

    On many machines: --shard 1/64 to --shard 64/64, each a job of its own, then --merge 64. Or
    --executor ray, which does both.
    """
    run = _load(config, overrides, ["cache"])
    _make_divided(run, "cache", _parts(shard, merge, executor, address, shards))


@app.command()
def stage2(
    config: Config,
    overrides: Set = None,
    finish: Annotated[
        bool,
        typer.Option("--finish", help="End a training that was stopped, and keep its best epoch."),
    ] = False,
) -> None:
    """Train the classifier and export it."""
    _make(_load(config, overrides, ["stage2"]), "stage2", finish=finish)


@app.command()
def report(
    config: Config,
    overrides: Set = None,
    shard: ShardOption = None,
    merge: MergeOption = None,
    executor: ExecutorOption = "local",
    address: AddressOption = cluster.LOCAL,
    shards: ShardsOption = 64,
) -> None:
    """Classify the test split and write the scores.

    On many machines as the step cache: --shard, then --merge, or --executor ray.
    """
    run = _load(config, overrides, ["report"])
    if _make_divided(run, "report", _parts(shard, merge, executor, address, shards)):
        kinds.kind_of(run).module("report").say_scores(run)


@app.command(name="all")
def every_step(config: Config, overrides: Set = None) -> None:
    """Run all steps; skip those that are up to date."""
    run_all(config, overrides)


@app.command(name="steps", hidden=True)
def several(names: list[str], config: Config, overrides: Set = None) -> None:
    """Run some steps in this process, as `all` does with those that can share one."""
    commands = {"annotations": annotations, "cache": cache, "stage2": stage2, "report": report}
    commands["stage1"] = stage1
    for name in names:
        commands[name](config, overrides)


@app.command()
def compare(
    configs: Annotated[
        list[Path],
        typer.Option(
            "--config",
            help="A YAML file, or the name of a shipped one (repeatable).",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write the table to.")] = Path(
        "runs/comparison"
    ),
    overrides: Set = None,
) -> None:
    """Run all steps of several configurations and put their scores into one table."""
    runs = [run_all(config, overrides) for config in configs]
    from pose_activity.training.compare import compare

    compare(runs, out)


@app.command()
def search(
    config: Config,
    trials: Annotated[
        int, typer.Option(min=1, help="Number of trials in all; those of an earlier call count.")
    ] = 20,
    overrides: Set = None,
    executor: ExecutorOption = "local",
    address: AddressOption = cluster.LOCAL,
    at_once: Annotated[
        int, typer.Option("--at-once", min=1, help="Trials that a Ray cluster makes at a time.")
    ] = 4,
) -> None:
    """Try the settings that the section `search` names; rank them by their scores on val.

    Never looks at the test split. Stopped or killed, the same command resumes. Exit with 1 if no
    trial is done.
    """
    from pose_activity.training import search as searching

    rounds = None
    if executor == "ray":
        from pose_activity.training.search_on_cluster import on_cluster

        cluster.import_ray()  # be wrong in the first second
        rounds = partial(on_cluster, address=address)
    try:
        best = searching.search(
            config,
            overrides or (),
            trials=trials,
            program=STEP_COMMAND,
            rounds=rounds,
            at_once=at_once,
        )
    except searching.Stopped as stop:
        Console().print("stopped: the same command resumes the search.", highlight=False)
        raise typer.Exit(stop.code) from None
    if best is None:
        raise typer.Exit(1)
    command = shlex.join([*program("train"), "all", "--config", str(best)])
    text = f"To train with them, and judge that on the test split: {command}"
    Console().print(text, markup=False, highlight=False, soft_wrap=True)


@app.command()
def status(
    run: RunFolder,
    config: Annotated[
        Path | None,
        typer.Option(help="Compare with this file instead of the run's own configuration."),
    ] = None,
    overrides: Set = None,
) -> None:
    """Show which steps are done, stale or missing, and why; exit with 1 unless all are done.

    Write nothing. Labels, pictures and weights that are gone are not compared.
    """
    from pose_activity.training import runs
    from pose_activity.training import status as steps_status

    asked = runs.open_run(run, config, overrides or ())
    raise typer.Exit(0 if steps_status.show(asked) else 1)


@app.command()
def clean(
    run: RunFolder,
    what: Annotated[
        What | None, typer.Option(help="What to remove. Without it, show the sizes.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Free disk space: remove what train.py wrote and can make again.

    Keep scores, graphs and the configuration, unless --what is all.
    """
    from pose_activity.training import clean as cleaning

    cleaning.clean(run, what, agree=lambda question: yes or typer.confirm(question))


@app.command()
def package(
    run: RunFolder,
    out: Annotated[Path, typer.Option(help="A new folder, or an older package to replace.")],
    stage1: Annotated[
        Path | None,
        typer.Option(
            help="For a run on pose files: a run or package whose stage 1 is added, for videos."
        ),
    ] = None,
) -> None:
    """Copy what prediction needs into one folder, with a model card and checksums.

    The folder works where only the extra "infer" is installed: infer.py --model FOLDER
    """
    from pose_activity.training import runs
    from pose_activity.training.package import make_package

    make_package(runs.open_run(run), out, stage1=stage1)


@app.command()
def phone(
    run: RunFolder,
    out: Annotated[Path, typer.Option(help="The folder that gets the two files.")],
) -> None:
    """Write the network as a LiteRT file (.tflite) for phones, compared with Keras first.

    Needs the extra "phone". Runs on pictures whose stage 2 is one Keras network, and body parts.
    """
    from pose_activity.training import runs
    from pose_activity.training.phone import write_phone

    write_phone(runs.open_run(run), out)


@app.command()
def precision(
    wanted: Annotated[
        str, typer.Argument(help="bf16 or int8, or one for each stage, such as f32/int8.")
    ],
    run: RunFolder,
    engine: Annotated[str, typer.Option(help="auto, openvino or onnxruntime.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="CPU threads (default: all).")] = None,
) -> None:
    """Compare a faster precision with f32 on validation pictures; make the int8 graphs.

    infer.py --precision accepts it only if the predictions stay the same. Exit with 1 if they do
    not.
    """
    from pose_activity.training import runs

    opened = runs.open_run(run)
    measure = kinds.module_for(opened, "precision").try_precision
    passes = measure(opened, wanted, engine=engine, threads=threads)
    raise typer.Exit(0 if passes else 1)


@app.command(name="check-videos")
def check_videos(
    paths: Annotated[list[Path], typer.Argument(help="Videos, or folders of them.")],
    model: Annotated[
        Path, typer.Option(help="A run, a packaged model, or a folder with pose.onnx.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the table and the page.")] = Path(
        "runs/checked_videos"
    ),
    least_sum: Annotated[
        float, typer.Option(min=0, help="A frame counts if its joints' confidences sum to this.")
    ] = 8.0,
    least_frames: Annotated[
        int, typer.Option(min=1, help="A video is usable with so many such frames in a row.")
    ] = 30,
    focus: Annotated[
        str, typer.Option(help="Who is in focus: most_joints, focus, longest or largest.")
    ] = "most_joints",
    parts: Annotated[
        Path | None,
        typer.Option(help="A model of body parts: joints are compared with the part they lie on."),
    ] = None,
    cut: Annotated[
        bool,
        typer.Option("--cut", help="Write usable videos without frames that lack the person."),
    ] = False,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
) -> None:
    """Find videos that do not show one person well enough to learn from.

    Example: python train.py check-videos clips/ --model runs/demo --out checked/
    """
    from pose_activity.inference.package import kind_of
    from pose_activity.inference.poses.predictor import PosesPredictor
    from pose_activity.training.check_videos import check_videos

    pose = PosesPredictor(model, threads=threads).pose
    compare = None
    if parts is not None:
        compare = getattr(kind_of(parts).load(parts, threads=threads), "compare_joints", None)
        if compare is None:
            raise ValueError(f"--parts must be a model of body parts. Received: {parts}")
    check_videos(
        paths,
        pose,
        out,
        policy=focus,
        least=least_sum,
        frames=least_frames,
        compare=compare,
        cut=cut,
        threads=threads,
    )


@app.command(name="label-videos")
def label_videos(
    paths: Annotated[list[Path], typer.Argument(help="Videos, or folders of them.")],
    model: Annotated[
        Path, typer.Option(help="A run, a packaged model, or a folder with pose.onnx.")
    ],
    bodypix: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="BodyPix' ONNX file: silhouettes.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for images/ and masks/.")],
    every: Annotated[int, typer.Option(min=1, help="Use every Nth frame.")] = 10,
    least: Annotated[
        float, typer.Option(min=0, max=1, help="Share of a silhouette that must have a part.")
    ] = 0.5,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
) -> None:
    """Label the body parts in unlabelled videos by bones, where a silhouette agrees with them.

    Example: python train.py label-videos clips/ --model runs/demo --bodypix FILE --out data/taught
    """
    from pose_activity.inference.poses.predictor import PosesPredictor
    from pose_activity.stage1_parts.untrained import BodyPix
    from pose_activity.training.label_videos import label_videos

    pose, parts = PosesPredictor(model, threads=threads).pose, BodyPix(bodypix, threads=threads)
    label_videos(paths, pose, lambda image: 1 - parts(image)[..., 0], out, every=every, least=least)


@app.command(name="import-clips")
def import_clips(
    source: Annotated[Path, typer.Argument(help="The folder of 3DPeople.")],
    out: Annotated[Path, typer.Argument(help="Folder for the archives.")],
    colours: Annotated[
        Path | None, typer.Option(help="A table of colours (CSV: name,red,green,blue).")
    ] = None,
    tolerance: Annotated[
        int, typer.Option(min=0, help="How far a colour may be from one of the table.")
    ] = 0,
    every: Annotated[int, typer.Option(min=1, help="Take every Nth frame.")] = 1,
    black_background: Annotated[
        bool, typer.Option("--black-background", help="Paint everything but the person black.")
    ] = False,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
) -> None:
    """Turn the folders of 3DPeople into one clean archive per clip, for `format: archives`.

    Example: python train.py import-clips 3DPeople/ data/people3d/
    """
    from pose_activity.training.import_clips import import_clips

    import_clips(
        source,
        out,
        colours=colours,
        tolerance=tolerance,
        every=every,
        black_background=black_background,
        threads=threads,
    )


@app.command()
def doctor() -> None:
    """Check packages, engines, GPUs, weights, disk and memory, and run a self-test (15 seconds).

    Exit with 1 if something that is needed does not work.
    """
    from pose_activity.training import doctor as examination

    raise typer.Exit(0 if examination.show() else 1)


def _load(config: Path, overrides: list[str] | None, steps: Sequence[str]) -> Run:
    run = kinds.load(config, overrides or ())
    kinds.check_paths(run, steps)
    return run


def run_all(config: Path, overrides: list[str] | None) -> Run:
    """Runs all steps of a configuration, those of torch or TensorFlow each in its own process.

    Args:
        config: See `configs.loading.find`.
        overrides: `key=value` each.

    Returns:
        The configuration.
    """
    run = _load(config, overrides, sections.STEPS)
    from pose_activity.training.steps import in_processes, steps_of

    settings = [part for item in overrides or () for part in ("--set", item)]
    with locked(run.run_dir) as lock:
        for group in in_processes(steps_of(run)):
            names = [step.name for step in group]
            called = names if len(names) == 1 else ["steps", *names]
            command = [*STEP_COMMAND, *called, "--config", str(config), *settings]
            code = processes.call(command, lock=lock)
            if code:
                raise typer.Exit(code)
    return run


def _parts(shard: str | None, merge: int | None, executor: str, address: str, count: int) -> Any:
    """Returns the one shard to make, or what gives a step's parts; None: it is made as a whole."""
    if sum((shard is not None, merge is not None, executor != "local")) > 1:
        raise ValueError("--shard, --merge and --executor exclude each other: give one of them.")
    if shard is not None:
        return Shard.parse(shard)
    from pose_activity.training import shards

    if merge is not None:
        return partial(shards.collect, count=merge)
    if executor == "ray":
        cluster.import_ray()  # be wrong in the first second
        return partial(shards.spread, count=count, cluster=cluster.Cluster(address))
    return None


def _make_divided(run: Run, step: str, parts: Any) -> bool:
    """Makes one part of a step, or all of it by `parts`; returns whether it is whole now."""
    if isinstance(parts, Shard):
        _make_part(run, step, parts)
        return False
    _make(run, step, parts=parts)
    return True


def _make_part(run: Run, step: str, shard: Shard) -> None:
    """Makes one part of a step."""
    from pose_activity.training.shards import make_part

    processes.stop_on_signals()
    try:
        make_part(run, step, shard)
    except processes.Interruption as stop:
        _say_stopped(step)
        raise typer.Exit(stop.code) from None


def _make(run: Run, step: str, **options: Any) -> None:
    """Brings one step up to date; its options are those of its `make`."""
    processes.stop_on_signals()
    processes.follow_parent()
    try:
        from pose_activity.training.steps import run_step

        run_step(run, step, **options)
    except processes.Interruption as stop:
        _say_stopped(step)
        raise typer.Exit(stop.code) from None


def _say_stopped(step: str) -> None:
    """Prints what the same command does next, and how to keep the result so far."""
    again = {
        "stage1": "resumes after the last whole epoch",
        "cache": "resumes it",
        "stage2": "resumes after the last whole epoch",
    }
    text = f"stopped: the same command {again.get(step, 'restarts this step')}."
    if step == "stage2":
        options = [part for part in sys.argv[2:] if part not in ("--finish", *sections.STEPS)]
        command = shlex.join([*program("train"), "stage2", *options, "--finish"])
        text += f"\nTo keep the best epoch so far and end the training: {command}"
    Console().print(text, markup=False, highlight=False, soft_wrap=True)


def main() -> None:
    """Runs the command line of train.py."""
    run_program(app)


if __name__ == "__main__":
    restart_in_utf8()
    main()
