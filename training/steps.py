"""How steps keep house: what each is made from, whether it is up to date, and who may run."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.markup import escape

from annotations.images import find_images
from annotations.samples import read_samples
from annotations.skeleton import Skeleton
from artifacts import manifest
from artifacts.atomic import write_json, write_text
from artifacts.lock import locked
from artifacts.manifest import sha256_file, sha256_json
from cache.heatmap import Style
from cache.planes import PoseSource, Recipe
from cache.store import INDEX, missing_tensors, open_cache
from configs import schema
from stage1_pose.export import download
from stage1_pose.predict import read_sidecar
from stage1_pose.weights import Download, find
from stage1_pose.yolo_dataset import files_of
from training.say import console
from training.versions import versions

NOT_FINISHED = "not finished"

Made = tuple[list[Path], dict[str, Any]]  # a step's outputs to vouch for, and counts to show


def run_step(run: schema.Run, step: str, make: Callable[[schema.Run, Path], Made]) -> None:
    """Brings one step up to date: skips it, or makes it and vouches for it.

    Args:
        run: The whole configuration.
        step: One of `schema.STEPS`.
        make: Called with the run and the step's folder.

    Raises:
        ValueError: an earlier step is missing or fits another configuration.
        BlockingIOError: another process works on this run.
    """
    steps = steps_of(run)
    console.rule(f"[bold]{step}", align="left")
    if step not in steps:
        console.print("not needed in this run")
        return
    folder = run.run_dir / step
    with locked(run.run_dir):
        require(run, steps[: steps.index(step)])
        outer = {name: digest() for name, digest in sources_of(run, step).items()}
        why = why_stale(run, step, outer) or lost_files(run, step)
        if not why:
            console.print(f"up to date: {folder}", markup=False, highlight=False)
            return
        reasons = escape(f"making {folder}: {'; '.join(why[:3])}")
        console.print(reasons, soft_wrap=True, highlight=False)
        (folder / manifest.NAME).unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        for litter in [*folder.rglob(".tmp-*")]:  # of a killed process
            shutil.rmtree(litter) if litter.is_dir() else litter.unlink(missing_ok=True)
        write_text(run.run_dir / "config.yaml", schema.dump(run))
        write_json(run.run_dir / "versions.json", versions())
        started = time.monotonic()
        outputs, counts = make(run, folder)
        seconds = time.monotonic() - started
        own = manifest.read(folder) or {"counts": {}}  # the cache's, which vouches for itself
        manifest.write(
            folder,
            recipe=recipe_of(run, step),
            inputs=inner_inputs(run, step) | outer,
            outputs=outputs,
            counts=own["counts"] | counts,
            seconds=seconds,
        )
    console.print(f"[green]done[/] in {seconds:.0f} s: {escape(str(folder))}", highlight=False)


def require(run: schema.Run, steps: Sequence[str]) -> None:
    """Refuses to build on an earlier step that is unfinished, or was made from something else.

    What lies outside the run folder (labels, pictures, weights) may be gone by then.
    """
    for step in steps:
        lines = why_stale(run, step, dict.fromkeys(sources_of(run, step)))
        hint = f"Run: python train.py {step} --config ..."
        if lines == [NOT_FINISHED]:
            raise ValueError(f"Step {step!r} is not finished. {hint}")
        if lines:
            raise ValueError(f"Step {step!r} does not fit: {'; '.join(lines)}. {hint}")


def why_stale(run: schema.Run, step: str, outer: Mapping[str, str | None]) -> list[str]:
    """Returns a line for each reason to make a step again; without one its results fit the run.

    Args:
        run: The whole configuration.
        step: One of `steps_of(run)`, the steps before it finished.
        outer: Name -> digest of each of `sources_of(run, step)`; None where it is not compared.

    Raises:
        ValueError: the step's manifest, or what an earlier step left, is damaged.
        FileNotFoundError: what an earlier step should have left is not there.
    """
    folder = run.run_dir / step
    found = manifest.read(folder)
    if found is None:
        return [NOT_FINISHED]
    before = found["inputs"]
    inputs = inner_inputs(run, step) | {
        name: before.get(name, "?") if digest is None else digest for name, digest in outer.items()
    }
    return manifest.why_stale(folder, recipe=recipe_of(run, step), inputs=inputs)


def lost_files(run: schema.Run, step: str) -> list[str]:
    """Returns a line for each file of a finished step that is gone and is made again alone."""
    return missing_tensors(run.run_dir / step) if step == "cache" else []


def steps_of(run: schema.Run) -> list[str]:
    """Returns the steps that a run needs.

    Without a classifier only the first two; no stage 1 where no plane shows poses.
    """
    if run.stage2 is None:
        return ["annotations", "stage1"]
    unused = set() if run.cache.needs_poses or run.stage1.train else {"stage1"}
    return [step for step in schema.STEPS if step not in unused]


def recipe_of(run: schema.Run, step: str) -> dict[str, Any]:
    """Returns everything in the configuration that decides the result of a step, as JSON."""
    config = run.model_dump(mode="json")
    if step == "annotations":
        keys = ("data", "draw", "clean", "split", "seed")
        people = "each" if run.cache.people == "each" else "together"
        needs = {"activity_of": people if run.stage2 else None}
        return {k: config[k] for k in keys} | {"stage1_split": config["stage1"]["split"]} | needs
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
    style = Style(**run.cache.heatmap.arguments())
    recipe = Recipe(**run.cache.arguments("heatmap", "tensors"), heatmap=style)
    if recipe.needs_poses:
        graph = read_sidecar(run.run_dir / "stage1")
        settings = run.stage1.predict.arguments()
        name = Skeleton.from_json(graph["skeleton"]).name
        pose = PoseSource(sha256=graph["sha256"], size=graph["size"], skeleton=name, **settings)
        recipe = replace(recipe, pose=pose)
    return {**recipe.as_json(), "tensors": run.cache.tensors}


def inputs_of(run: schema.Run, step: str) -> dict[str, str]:
    """Returns the digests of everything that a step reads."""
    outer = {name: digest() for name, digest in sources_of(run, step).items()}
    return inner_inputs(run, step) | outer


def sources_of(
    run: schema.Run, step: str, *, download: Download | None = download
) -> dict[str, Callable[[], str]]:
    """Returns, by name, how to take the digest of each thing that a step reads outside the run.

    Taking one raises OSError where the thing is gone. Without `download` none is attempted.
    """
    sources: dict[str, Callable[[], str]] = {}
    labels = run.data.annotations
    if step == "annotations" and labels:
        sources["labels"] = lambda: sha256_file(labels)
    if step == "stage1":
        sources["weights"] = lambda: _digest_weights(find_weights(run, download=download))
    if step == "stage2" and run.classifier.weights not in schema.STAGE2_WEIGHTS:
        sources["weights"] = lambda: sha256_file(Path(run.classifier.weights))
    if step in ("annotations", "cache") or (step == "stage1" and run.stage1.train):
        sources["images"] = lambda: _listing(run, step)
    return sources


def inner_inputs(run: schema.Run, step: str) -> dict[str, str]:
    """Returns the digests of what a step reads inside the run folder."""
    if step == "annotations":
        return {}
    if step in ("stage1", "cache"):
        name = stage1_samples(run) if step == "stage1" else "annotations/samples.jsonl"
        return {"samples": sha256_file(run.run_dir / name)}
    cache = open_cache(run.run_dir / "cache")
    index = sha256_file(cache.folder / INDEX)
    inputs = {"cache": sha256_json([index, cache.recipe.as_json(), cache.classes])}
    if step == "report":
        inputs["classifier"] = sha256_file(run.run_dir / "stage2" / "classifier.onnx")
    return inputs


def find_weights(run: schema.Run, *, download: Download | None = download) -> Path:
    """Finds stage 1's weights; downloads the official ones where they are nowhere else."""

    def tell(done: int, total: int, text: str) -> None:
        console.print(text, highlight=False)

    return find(run.stage1.weights, download=download, on_progress=tell)


def _digest_weights(weights: Path) -> str:
    return sha256_file(weights) if weights.is_file() else weights.name


def _listing(run: schema.Run, step: str) -> str:
    """Returns a digest of names, sizes and times of the pictures that a step reads.

    The step `annotations` may read any picture in the data folder (and a YOLO set's labels), but
    not the run's own where the run lies in there; later steps read what it listed, wherever it is.
    """
    data = run.data
    if step != "annotations":
        name = stage1_samples(run) if step == "stage1" else "annotations/samples.jsonl"
        files = [sample.image for sample in read_samples(run.run_dir / name)]
        if not any(file.is_file() for file in files):
            raise FileNotFoundError(f"data.images: none of {len(files)} pictures is there")
    elif data.format == "yolo" and data.annotations:
        files = files_of(data.annotations, data.images)
    elif data.folder.is_dir():
        inside = run.run_dir.resolve().is_relative_to(data.folder.resolve())
        own = run.run_dir.resolve() if inside else None
        found = find_images(data.folder)
        files = [file for file in found if not (own and file.resolve().is_relative_to(own))]
    else:
        raise FileNotFoundError(f"data.images: no such folder: {data.folder}")
    stats = ((path, path.stat()) for path in files if path.is_file())
    return sha256_json([[path.as_posix(), s.st_size, s.st_mtime_ns] for path, s in stats])


def stage1_samples(run: schema.Run) -> str:
    """Returns where stage 1's samples lie in the run folder."""
    return f"annotations/{'stage1' if run.stage1.split else 'samples'}.jsonl"
