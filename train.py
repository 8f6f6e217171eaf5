"""Trains a run, step by step: python train.py all --config configs/demo.yaml.

    annotations  read the labels, mend them, split them     -> RUN/annotations
    stage1       train or fetch the pose model, export it   -> RUN/stage1
    cache        find poses, draw planes, store tensors     -> RUN/cache
    stage2       train the classifier, export it            -> RUN/stage2
    report       classify the test split, write the scores  -> RUN/report

Each step leaves a folder with a manifest, written last. A step whose manifest fits the
configuration and its inputs is skipped; `all` gives each step a process of its own, so that torch
and TensorFlow never meet.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from configs import schema

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # damaged pictures get our message alone
console = Console()
app = typer.Typer(
    help="Trains a two-stage activity classifier.\n\n"
    "Example: python train.py all --config configs/demo.yaml --set stage2.epochs=5",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Config = Annotated[Path, typer.Option(help="A YAML file; see configs/.", show_default=False)]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="Override: --set stage2.epochs=5 (repeatable).")
]
PARITY_IMAGES = 8  # pictures on which an exported graph is compared with its model
Made = tuple[list[Path], dict[str, Any]]  # a step's outputs to vouch for, and counts to show


# --- the steps --------------------------------------------------------------------------------


def make_annotations(run: schema.Run, folder: Path, *, strict: bool) -> Made:
    """Reads, mends and splits the labels."""
    from annotations import images, samples, split
    from annotations.draw_cleaning import cleaning_gallery
    from artifacts.atomic import write_text

    cleaned = clean_labels(run, folder, check_images=True)
    samples.write_rejections(folder / "rejections.csv", cleaned.rejected)
    images.write_image(folder / "cleaning.png", cleaning_gallery(cleaned.cases))
    if strict and cleaned.rejected:
        raise ValueError(f"{len(cleaned.rejected)} rejections, see {folder / 'rejections.csv'}")
    outputs = []
    roles = {"samples.jsonl": run.split, "stage1.jsonl": run.stage1.split}
    for name, sizes in roles.items():
        if sizes:
            kept, notes = split.split(cleaned.kept, **sizes.arguments(), seed=run.seed)
            samples.write_samples(folder / name, kept)
            outputs.append(folder / name)
            _say_notes(notes)
            if run.data.format == "mpii":
                _say_rows(f"average joints per image, {name}", split.average_joints(kept))
    kept = samples.read_samples(folder / "samples.jsonl")
    counts = {}
    for name in split.SPLITS:
        paths = [sample.image for sample in kept if sample.split == name]
        counts[name] = len(paths)
        write_text(folder / f"{name}.txt", "".join(f"{path.as_posix()}\n" for path in paths))
    return outputs, counts


def clean_labels(run: schema.Run, folder: Path, *, check_images: bool) -> Any:
    """Reads and mends the labels, says what was done, and writes `cleaning.json`."""
    from annotations import clean
    from annotations.folder import read_folder
    from annotations.mpii import read_mpii
    from artifacts.atomic import write_json
    from inference.progress import progress_bar

    if run.data.annotations:
        samples = read_mpii(run.data.annotations, run.data.images)
    else:
        samples = read_folder(run.data.images, group_pattern=run.data.group_pattern)
    with progress_bar("cleaning", console) as show:
        cleaned = clean.clean(
            samples,
            **run.clean.arguments(),
            need_keypoints=run.data.format == "mpii",
            check_images=check_images,
            root=run.data.images,
            on_progress=show,
        )
    report = cleaned.report
    write_json(folder / "cleaning.json", report)
    heads = ("entries", "with_keypoints", "with_activity", "kept")
    rows = [(head, report[head]) for head in heads] + [*report["rules"].items()]
    _say_rows("cleaning", [{"rule": name, "count": count} for name, count in rows])
    _say_notes(cleaned.notes)
    return cleaned


def make_stage1(run: schema.Run, folder: Path) -> Made:
    """Trains the pose model, or takes it as it is; exports it and measures it."""
    from annotations.samples import read_samples
    from annotations.skeleton import SKELETONS
    from artifacts.atomic import write_json

    section = run.stage1
    samples = read_samples(run.run_dir / _stage1_samples(run))
    weights, metrics = find_weights(run), {}
    skeleton = SKELETONS[section.skeleton]
    if section.train:
        skeleton = samples[0].skeleton
        weights, metrics = train_poses(run, samples, weights, folder)
    export_poses(run, samples, weights, folder, skeleton)
    if any(len(sample.boxes) for sample in samples):
        metrics |= measure_poses(run, samples, folder)
        write_json(folder / "metrics.json", metrics)
    return [folder / "pose.onnx", folder / "pose.json"], metrics


def train_poses(
    run: schema.Run, samples: Sequence[Any], weights: Path, folder: Path
) -> tuple[Path, dict[str, Any]]:
    """Trains on the samples' joints; returns the best weights and ultralytics' figures."""
    from annotations.skeleton import SKELETONS
    from inference.progress import progress_bar
    from stage1_pose import fit, validate, yolo_dataset

    shutil.rmtree(folder / "dataset", ignore_errors=True)
    section = run.stage1.fit
    data = yolo_dataset.write_yolo(
        samples, folder / "dataset", skeleton=samples[0].skeleton, squash=run.stage1.squash
    )
    with progress_bar("training stage 1", console) as show:
        best = fit.fit(
            data,
            weights,
            folder,
            **section.arguments(),
            seed=run.seed,
            threads=run.threads,
            on_progress=show,
        )
    metrics = validate.validate(
        best,
        data,
        split=_judged(samples),
        image_size=section.image_size,
        pose=section.pose,
        device=section.device,
        threads=run.threads,
    )
    if weights.is_file():  # Fine-tuning can harm: say what it started from.
        export_poses(run, samples, weights, folder / "start", SKELETONS[run.stage1.skeleton])
        metrics["start_pckh50"] = measure_poses(run, samples, folder / "start")["pckh50"]
    return best, metrics


def export_poses(
    run: schema.Run, samples: Sequence[Any], weights: Path, folder: Path, skeleton: Any
) -> None:
    """Exports weights as a graph and compares the two on some of the samples' pictures."""
    from stage1_pose.export import export

    images = [sample.image for sample in samples[:PARITY_IMAGES]]
    size = run.stage1.export_size
    export(weights, folder, size=size, skeleton=skeleton, images=images, threads=run.threads)


def find_weights(run: schema.Run) -> Path:
    """Finds stage 1's weights; downloads the official ones where they are nowhere else."""
    from stage1_pose.export import download
    from stage1_pose.weights import find

    def tell(done: int, total: int, text: str) -> None:
        console.print(text, highlight=False)

    return find(run.stage1.weights, download=download, on_progress=tell)


def measure_poses(run: schema.Run, samples: Sequence[Any], stage1: Path) -> dict[str, Any]:
    """Compares the poses of an exported graph with the labelled joints of the judged split."""
    from stage1_pose.evaluate import pckh

    judged = [s for s in samples if s.split == _judged(samples) and len(s.boxes)]
    found = find_poses(run, [s.image for s in judged], stage1, stage1 / "judged.parquet")
    readable = [sample for sample in judged if sample.image in found.poses]
    scores = pckh([found.poses[sample.image] for sample in readable], readable)
    return {"split": _judged(samples), "n": len(readable), **scores}


def find_poses(run: schema.Run, images: Sequence[Path], stage1: Path, path: Path) -> Any:
    """Asks the graph in folder `stage1` about the pictures that the file `path` does not know."""
    from cache import poses
    from inference.progress import progress_bar
    from stage1_pose import predict

    settings = run.stage1.predict.arguments()
    predictor = predict.load(stage1, threads=run.threads, **settings)
    source = {"sha256": predictor.sha256, **settings}
    with progress_bar("finding poses", console) as show:
        return poses.find(path, images, predictor, source=source, on_progress=show)


def make_cache(run: schema.Run, folder: Path) -> Made:
    """Draws every picture's planes and stores them."""
    from annotations.samples import read_samples
    from cache import store
    from cache.planes import Recipe
    from inference.progress import progress_bar

    recipe = Recipe.from_json(recipe_of(run, "cache"))
    listed = run.run_dir / "annotations" / "samples.jsonl"
    samples = read_samples(listed)
    images = [sample.image for sample in samples]
    poses, unreadable = {}, {}
    if recipe.needs_poses:
        found = find_poses(run, images, run.run_dir / "stage1", folder / "poses.parquet")
        poses, unreadable = found.poses, found.unreadable
    _say_notes(unreadable.values())
    sources = [
        store.Source(s.image, s.activity, s.split, poses.get(s.image))
        for s in samples
        if s.activity and s.split and s.image not in unreadable
    ]
    with progress_bar("drawing planes", console) as show:
        cache = store.build(
            folder,
            sources,
            recipe=recipe,
            classes=_classes(run, {source.label for source in sources}),
            inputs=inputs_of(run, "cache"),
            threads=run.threads,
            on_progress=show,
        )
    return [folder / store.INDEX], {"tensors": len(cache.entries), "unreadable": len(unreadable)}


def _classes(run: schema.Run, labels: set[str]) -> Sequence[str]:
    """Returns MPII's 20 categories for MPII, else what there is, sorted."""
    from annotations.activities import MPII_ACTIVITIES

    real_mpii = run.data.format == "mpii" and not run.draw and labels <= set(MPII_ACTIVITIES)
    return MPII_ACTIVITIES if real_mpii else sorted(labels)


def make_stage2(run: schema.Run, folder: Path) -> Made:
    """Trains the classifier and exports it."""
    import numpy as np

    from artifacts.manifest import StaleError
    from cache.store import open_cache
    from inference.progress import progress_bar
    from stage2_classifier import export, fit

    cache = open_cache(run.run_dir / "cache")
    augment = run.stage2.augment
    with progress_bar("training stage 2", console) as show:

        def train() -> Any:
            return fit.fit(
                cache,
                folder,
                **run.stage2.arguments("augment"),
                augment=augment.arguments() if augment else None,
                seed=run.seed,
                threads=run.threads,
                on_progress=show,
            )

        try:
            history = train()
        except StaleError as stale:
            console.print(f"[yellow]beginning anew:[/] {stale}", soft_wrap=True, highlight=False)
            shutil.rmtree(folder)
            history = train()
    entries = cache.of_split("val")[:PARITY_IMAGES]
    tensors = np.stack([cache.load(entry) for entry in entries])
    export.export(folder, recipe=cache.recipe, classes=cache.classes, tensors=tensors)
    return [folder / "classifier.onnx", folder / "classifier.json"], asdict(history.best)


def make_report(run: schema.Run, folder: Path) -> Made:
    """Classifies the held-out pictures with the exported graph and writes the scores."""
    from artifacts.atomic import write_json
    from cache.store import open_cache
    from stage2_classifier import predict, report
    from stage2_classifier.history import History

    cache = open_cache(run.run_dir / "cache")
    classifier = predict.load(run.run_dir / "stage2", threads=run.threads)
    headline = judge(classifier, cache, run.report.split)
    facts = {}
    if run.report.split == "test":
        chosen_on = judge(classifier, cache, "val")
        write_json(folder / "metrics_val.json", chosen_on.as_json())
        facts["accuracy on val (choices were made there)"] = f"{chosen_on.accuracy:.4f}"
    report.write(
        headline,
        History.read(run.run_dir / "stage2" / "history.csv"),
        folder,
        title=f"Activity classifier: {run.run_dir.name}",
        facts=facts | _facts(run),
    )
    return [folder / "metrics.json"], {"split": headline.split, "accuracy": headline.accuracy}


def judge(classifier: Any, cache: Any, split: str) -> Any:
    """Classifies one split of a cache; returns its `Report`."""
    import numpy as np

    from inference.progress import progress_bar
    from stage2_classifier.evaluate import evaluate

    entries = cache.of_split(split)
    rows = []
    with progress_bar(f"classifying {split}", console) as show:
        for done, entry in enumerate(entries, 1):
            rows.append(classifier(cache.load(entry, verify=True)[None])[0])
            show(done, len(entries), entry.image.name)
    labels = np.array([cache.class_id(entry) for entry in entries])
    return evaluate(np.stack(rows), labels, classes=cache.classes, split=split)


def _facts(run: schema.Run) -> dict[str, str]:
    """Returns rows for the report's first table: stage 1's figures and what each step took."""
    from artifacts import manifest

    facts = {"classifier": f"{run.stage2.model}, planes {' + '.join(run.cache.planes)}"}
    scores = run.run_dir / "stage1" / "metrics.json"
    if scores.exists():
        values = json.loads(scores.read_text())
        names = {"pose_map50": "pose mAP50", "box_map50": "box mAP50", "pckh50": "PCKh@0.5"}
        names["start_pckh50"] = "PCKh@0.5 before training"
        known = {text: values[key] for key, text in names.items() if key in values}
        facts |= {f"stage 1 {text}": f"{value:.4f}" for text, value in known.items()}
    for step in steps_of(run)[:-1]:
        found = manifest.read(run.run_dir / step)
        facts[f"minutes for {step}"] = f"{found['seconds'] / 60:.1f}" if found else "?"
    return facts


STEPS: dict[str, Callable[..., Made]] = {
    "annotations": make_annotations,
    "stage1": make_stage1,
    "cache": make_cache,
    "stage2": make_stage2,
    "report": make_report,
}


# --- what a step is made from -----------------------------------------------------------------


def recipe_of(run: schema.Run, step: str) -> dict[str, Any]:
    """Returns everything in the configuration that decides the result of a step, as JSON."""
    config = run.model_dump(mode="json")
    if step == "annotations":
        keys = ("data", "draw", "clean", "split", "seed")
        return {key: config[key] for key in keys} | {"stage1_split": config["stage1"]["split"]}
    if step == "stage1":
        unused = {"predict", "split"} | (set() if run.stage1.train else {"fit"})
        return {k: v for k, v in config["stage1"].items() if k not in unused} | _fixed(run)
    if step == "cache":
        return _cache_recipe(run)
    if step == "stage2":
        return config["stage2"] | _fixed(run)
    return config["report"]


def _fixed(run: schema.Run) -> dict[str, int]:
    # Another number of threads adds in another order, so it trains other weights.
    return {"seed": run.seed, "threads": run.threads}


def _cache_recipe(run: schema.Run) -> dict[str, Any]:
    from cache.heatmap import Style
    from cache.planes import PoseSource, Recipe
    from stage1_pose.predict import read_sidecar

    style = Style(**run.cache.heatmap.arguments())
    recipe = Recipe(**run.cache.arguments("heatmap"), heatmap=style)
    if recipe.needs_poses:
        graph = read_sidecar(run.run_dir / "stage1")
        settings = run.stage1.predict.arguments()
        pose = PoseSource(sha256=graph["sha256"], skeleton=graph["skeleton"], **settings)
        recipe = replace(recipe, pose=pose)
    return recipe.as_json()


def inputs_of(run: schema.Run, step: str) -> dict[str, str]:
    """Returns the digests of all files that a step reads."""
    from artifacts.manifest import sha256_file

    labels = run.data.annotations
    if step == "annotations":
        inputs = {"images": _listing(run.data.images)}
        return inputs | ({"labels": sha256_file(labels)} if labels else {})
    if step == "stage1":
        weights = find_weights(run)
        return {
            "samples": sha256_file(run.run_dir / _stage1_samples(run)),
            "weights": sha256_file(weights) if weights.is_file() else weights.name,
            "images": _listing(run.data.images) if run.stage1.train else "",
        }
    if step == "cache":
        samples = run.run_dir / "annotations" / "samples.jsonl"
        return {"samples": sha256_file(samples), "images": _listing(run.data.images)}
    inputs = {"cache": sha256_file(run.run_dir / "cache" / "index.parquet")}
    if step == "report":
        inputs["classifier"] = sha256_file(run.run_dir / "stage2" / "classifier.onnx")
    return inputs


def _listing(folder: Path) -> str:
    """Returns a digest of the names, sizes and times of all pictures below a folder."""
    from annotations.images import find_images
    from artifacts.manifest import sha256_json

    stats = ((path, path.stat()) for path in find_images(folder))
    return sha256_json([[path.as_posix(), s.st_size, s.st_mtime_ns] for path, s in stats])


def _stage1_samples(run: schema.Run) -> str:
    return f"annotations/{'stage1' if run.stage1.split else 'samples'}.jsonl"


def _judged(samples: Sequence[Any]) -> str:
    """Returns the split that stage 1's figures are of: test, or val where there is no test."""
    return "test" if any(sample.split == "test" for sample in samples) else "val"


def steps_of(run: schema.Run) -> list[str]:
    """Returns the steps that a run needs: no stage 1 where no plane shows poses."""
    unused = {"stage1"} if "heatmap" not in run.cache.planes and not run.stage1.train else set()
    return [step for step in STEPS if step not in unused]


# --- running them -----------------------------------------------------------------------------


def run_step(run: schema.Run, step: str, **options: Any) -> None:
    """Brings one step up to date: skips it, or makes it and vouches for it."""
    from artifacts import manifest
    from artifacts.atomic import write_json, write_text
    from artifacts.lock import locked

    steps = steps_of(run)
    console.rule(f"[bold]{step}", align="left")
    if step not in steps:
        console.print("not needed: no plane shows poses")
        return
    folder = run.run_dir / step
    with locked(run.run_dir):
        if run.draw and step == "annotations":
            draw_data_set(run.draw, run.seed)
        require(run, steps[: steps.index(step)])
        asked = {"recipe": recipe_of(run, step), "inputs": inputs_of(run, step)}
        why = manifest.why_stale(folder, **asked)
        if not why:
            console.print(f"up to date: {folder}")
            return
        console.print(f"making {folder}: {'; '.join(why[:3])}", soft_wrap=True, highlight=False)
        (folder / manifest.NAME).unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        write_text(run.run_dir / "config.yaml", schema.dump(run))
        write_json(run.run_dir / "versions.json", versions())
        started = time.monotonic()
        outputs, counts = STEPS[step](run, folder, **options)
        seconds = time.monotonic() - started
        if manifest.read(folder) is None:  # The cache vouches for itself.
            manifest.write(folder, **asked, outputs=outputs, counts=counts, seconds=seconds)
    console.print(f"[green]done[/] in {seconds:.0f} s: {folder}", highlight=False)


def require(run: schema.Run, steps: Sequence[str]) -> None:
    """Refuses to build on an earlier step that is unfinished or fits another configuration."""
    from artifacts import manifest

    for step in steps:
        found = manifest.read(run.run_dir / step)
        hint = f"Run: python train.py {step} --config ..."
        if found is None:
            raise ValueError(f"Step {step!r} is not finished. {hint}")
        lines = manifest.differences(found["recipe"], recipe_of(run, step), "recipe.")
        lines += manifest.altered(run.run_dir / step, found)
        if lines:
            raise ValueError(f"Step {step!r} does not fit: {'; '.join(lines)}. {hint}")


def draw_data_set(draw: schema.Draw, seed: int) -> None:
    """Draws the data set of the `draw` section, unless it is there already."""
    from annotations import synthetic
    from artifacts import manifest
    from inference.progress import progress_bar

    recipe = {**draw.model_dump(mode="json"), "seed": seed}
    if not manifest.why_stale(draw.folder, recipe=recipe, inputs={}):
        return
    shutil.rmtree(draw.folder, ignore_errors=True)
    size = (draw.width, draw.height)
    with progress_bar("drawing", console) as show:
        labels = synthetic.write(
            draw.folder,
            images=draw.images,
            size=size,
            faults=draw.faults,
            seed=seed,
            on_progress=show,
        )
    manifest.write(draw.folder, recipe=recipe, inputs={}, outputs=[labels])


def versions() -> dict[str, Any]:
    """Returns what could explain a difference between two machines."""
    names = ("numpy", "opencv-python-headless", "torch", "ultralytics-opencv-headless")
    names += ("tensorflow", "keras", "albumentations", "onnx", "onnxruntime", "openvino")
    git = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        commit = subprocess.run(git, capture_output=True, text=True).stdout.strip() or None
    except OSError:
        commit = None
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "git_commit": commit,
        "packages": {name: _version(name) for name in names},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _say_rows(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table(*rows[0], title=title, title_justify="left")
    for row in rows:
        values = (f"{v:.2f}" if isinstance(v, float) else str(v) for v in row.values())
        table.add_row(*values)
    console.print(table)


def _say_scores(run: schema.Run) -> None:
    """Prints the headline figures and where the report lies."""
    folder = run.run_dir / "report"
    metrics = json.loads((folder / "metrics.json").read_text())
    names = ("accuracy", "top3_accuracy", "weighted_precision", "weighted_recall", "macro_f1")
    rows = [{"figure": name, metrics["split"]: f"{metrics[name]:.4f}"} for name in names]
    stage1 = run.run_dir / "stage1" / "metrics.json"
    if stage1.exists():
        poses = json.loads(stage1.read_text())
        shown = [name for name in ("pose_map50", "box_map50", "pckh50") if name in poses]
        rows += [{"figure": f"stage 1 {k}", metrics["split"]: f"{poses[k]:.4f}"} for k in shown]
    _say_rows(f"{run.run_dir.name}: {metrics['n']} pictures", rows)
    console.print(f"report: {folder / 'report.md'}", highlight=False, soft_wrap=True)


def _say_notes(notes: Any) -> None:
    for note in notes:
        console.print(f"[yellow]note:[/] {note}", soft_wrap=True, highlight=False)


# --- the command line -------------------------------------------------------------------------


def _load(config: Path, overrides: list[str] | None, steps: Sequence[str]) -> schema.Run:
    run = schema.load(config, overrides or ())
    schema.check_paths(run, steps)
    return run


@app.command()
def annotations(
    config: Config,
    overrides: Set = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only read and check labels; needs no pictures.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail if the cleaner rejects anything.")
    ] = False,
) -> None:
    """Reads, mends and splits the labels."""
    if dry_run:
        run = _load(config, overrides, ["dry_run"])
        if run.draw:
            draw_data_set(run.draw, run.seed)
        clean_labels(run, run.run_dir / "annotations", check_images=False)
    else:
        run_step(_load(config, overrides, ["annotations"]), "annotations", strict=strict)


@app.command()
def stage1(config: Config, overrides: Set = None) -> None:
    """Trains the pose model, or takes it as it is; exports it."""
    run_step(_load(config, overrides, ["stage1"]), "stage1")


@app.command()
def cache(config: Config, overrides: Set = None) -> None:
    """Finds poses, draws planes, stores tensors."""
    run_step(_load(config, overrides, ["cache"]), "cache")


@app.command()
def stage2(config: Config, overrides: Set = None) -> None:
    """Trains the classifier and exports it."""
    run_step(_load(config, overrides, ["stage2"]), "stage2")


@app.command()
def report(config: Config, overrides: Set = None) -> None:
    """Classifies the test split and writes the scores."""
    run = _load(config, overrides, ["report"])
    run_step(run, "report")
    _say_scores(run)


@app.command(name="all")
def every_step(config: Config, overrides: Set = None) -> None:
    """Runs all steps, each in a process of its own; finished ones are skipped."""
    run = _load(config, overrides, list(STEPS))
    settings = [part for item in overrides or () for part in ("--set", item)]
    for step in steps_of(run):
        command = [sys.executable, __file__, step, "--config", str(config), *settings]
        code = subprocess.run(command).returncode
        if code:
            raise typer.Exit(code)


def main() -> None:
    """Runs the command line; a mistake is one message, not a traceback."""
    try:
        app()
    except (ValueError, FileNotFoundError, BlockingIOError) as error:
        console.print(f"[red]error:[/] {error}", soft_wrap=True, highlight=False)
        sys.exit(2)


if __name__ == "__main__":
    main()
