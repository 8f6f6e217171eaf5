"""How steps keep house: what each is made from, whether it is up to date, and who may run."""

import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from annotations.images import find_images
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
from stage1_pose.weights import find
from training.say import console

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
        console.print("not needed: no plane shows poses")
        return
    folder = run.run_dir / step
    with locked(run.run_dir):
        require(run, steps[: steps.index(step)])
        asked = {"recipe": recipe_of(run, step), "inputs": inputs_of(run, step)}
        why = manifest.why_stale(folder, **asked)
        if step == "cache" and not why:
            why = missing_tensors(folder)
        if not why:
            console.print(f"up to date: {folder}")
            return
        console.print(f"making {folder}: {'; '.join(why[:3])}", soft_wrap=True, highlight=False)
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
        counts = own["counts"] | counts
        manifest.write(folder, **asked, outputs=outputs, counts=counts, seconds=seconds)
    console.print(f"[green]done[/] in {seconds:.0f} s: {folder}", highlight=False)


def require(run: schema.Run, steps: Sequence[str]) -> None:
    """Refuses to build on an earlier step that is unfinished, or was made from something else.

    What lies outside the run folder (labels, pictures, weights) may be gone by then.
    """
    for step in steps:
        found = manifest.read(run.run_dir / step)
        hint = f"Run: python train.py {step} --config ..."
        if found is None:
            raise ValueError(f"Step {step!r} is not finished. {hint}")
        lines = manifest.differences(found["recipe"], recipe_of(run, step), "recipe.")
        for name, digest in inner_inputs(run, step).items():
            lines += manifest.differences(found["inputs"].get(name), digest, f"inputs.{name}.")
        lines += manifest.altered(run.run_dir / step, found)
        if lines:
            raise ValueError(f"Step {step!r} does not fit: {'; '.join(lines)}. {hint}")


def steps_of(run: schema.Run) -> list[str]:
    """Returns the steps that a run needs: no stage 1 where no plane shows poses."""
    unused = {"stage1"} if "heatmap" not in run.cache.planes and not run.stage1.train else set()
    return [step for step in schema.STEPS if step not in unused]


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
    style = Style(**run.cache.heatmap.arguments())
    recipe = Recipe(**run.cache.arguments("heatmap"), heatmap=style)
    if recipe.needs_poses:
        graph = read_sidecar(run.run_dir / "stage1")
        settings = run.stage1.predict.arguments()
        known = {key: graph[key] for key in ("sha256", "size", "skeleton")}
        pose = PoseSource(**known, **settings)
        recipe = replace(recipe, pose=pose)
    return recipe.as_json()


def inputs_of(run: schema.Run, step: str) -> dict[str, str]:
    """Returns the digests of everything that a step reads."""
    inputs = inner_inputs(run, step)
    if step == "annotations" and run.data.annotations:
        inputs["labels"] = sha256_file(run.data.annotations)
    if step == "stage1":
        weights = find_weights(run)
        inputs["weights"] = sha256_file(weights) if weights.is_file() else weights.name
    if step in ("annotations", "cache") or (step == "stage1" and run.stage1.train):
        inputs["images"] = _listing(run.data.images)
    return inputs


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


def find_weights(run: schema.Run) -> Path:
    """Finds stage 1's weights; downloads the official ones where they are nowhere else."""

    def tell(done: int, total: int, text: str) -> None:
        console.print(text, highlight=False)

    return find(run.stage1.weights, download=download, on_progress=tell)


def _listing(folder: Path) -> str:
    """Returns a digest of the names, sizes and times of all pictures below a folder."""
    if not folder.is_dir():
        raise FileNotFoundError(f"data.images: no such folder: {folder}")
    stats = ((path, path.stat()) for path in find_images(folder))
    return sha256_json([[path.as_posix(), s.st_size, s.st_mtime_ns] for path, s in stats])


def stage1_samples(run: schema.Run) -> str:
    """Returns where stage 1's samples lie in the run folder."""
    return f"annotations/{'stage1' if run.stage1.split else 'samples'}.jsonl"


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
