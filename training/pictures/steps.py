"""What each step of a run on pictures is made from."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pose_activity.annotations.images import find_images
from pose_activity.annotations.readers.yolo import files_of
from pose_activity.annotations.sample_files import digest_of_roles, read_samples
from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.types import SPLITS
from pose_activity.artifacts.manifest import sha256_file, sha256_json
from pose_activity.cache import fingerprint
from pose_activity.cache.heatmap import Style
from pose_activity.cache.planes import PoseModelId, Recipe
from pose_activity.cache.record import INDEX
from pose_activity.cache.store import missing_tensors, open_cache
from pose_activity.configs import sections
from pose_activity.configs.pictures import STAGE2_WEIGHTS, PictureRun
from pose_activity.learning.history import LEARNED_FROM
from pose_activity.stage1_pose.predict import read_sidecar
from pose_activity.stage1_pose.weights import Download
from pose_activity.training.file_digest import digest_of_files, without_own
from pose_activity.training.pose_weights import digest_weights, find_weights


@dataclass(frozen=True)
class PicturePlan:
    """See `training.plan.Plan`.

    Attributes:
        run: The whole configuration.
    """

    run: PictureRun

    def steps(self) -> list[str]:
        """Returns the steps that a run needs.

        Without a classifier only the first two; no stage 1 where no plane shows poses.
        """
        if self.run.stage2 is None:
            return ["annotations", "stage1"]
        unused = set() if self.run.cache.needs_poses or self.run.stage1.train else {"stage1"}
        return [step for step in sections.STEPS if step not in unused]

    def recipe(self, step: str) -> dict[str, Any]:
        """Returns everything in the configuration that decides the result of a step, as JSON."""
        run = self.run
        config = run.model_dump(mode="json")
        if step == "annotations":
            keys = ("data", "draw", "clean", "split", "seed")
            people = "each" if run.cache.people == "each" else "together"
            needs = {"activity_of": people if run.stage2 else None}
            own = {"stage1_split": config["stage1"]["split"]}
            if run.stage1.split:
                own["stage1_keep_apart"] = run.stage1.keep_apart
            return {k: config[k] for k in keys} | own | needs
        if step == "stage1":
            unused = {"split", "keep_apart"} | (set() if run.stage1.train else {"fit"})
            return {k: v for k, v in config["stage1"].items() if k not in unused} | _fixed(run)
        if step == "cache":
            return _cache_recipe(run)
        if step == "stage2":
            return config["stage2"] | _fixed(run)
        return config["report"]

    def sources(self, step: str, *, download: Download | None) -> dict[str, Callable[[], str]]:
        """Returns, by name, how to take the digest of each thing that a step reads outside the run.

        Taking one raises OSError where the thing is gone. Without `download` none is attempted,
        and nothing is written.
        """
        run, sources = self.run, dict[str, Callable[[], str]]()
        labels = run.data.annotations
        if step == "annotations" and labels:
            sources["labels"] = lambda: sha256_file(labels)
        if step == "stage1":
            sources["weights"] = lambda: digest_weights(
                find_weights(run.stage1.weights, download=download)
            )
        if step == "stage2" and run.classifier.weights not in STAGE2_WEIGHTS:
            sources["weights"] = lambda: sha256_file(Path(run.classifier.weights))
        remember = download is not None
        if step == "annotations":
            sources["images"] = lambda: _digest_of_data(run, remember)
        if step == "cache":
            sources["images"] = lambda: digest_of_images(run, step, SPLITS, remember=remember)
        if step == "stage1" and run.stage1.train:
            for name, splits in stage1_roles(run).items():
                sources[f"{name}_images"] = partial(
                    digest_of_images, run, step, splits, remember=remember
                )
        return sources

    def inner_inputs(self, step: str) -> dict[str, str]:
        """Returns the digests of what a step reads inside the run folder."""
        run = self.run
        if step == "annotations":
            return {}
        if step == "stage1":
            samples = run.run_dir / stage1_samples(run)
            roles = stage1_roles(run)
            return {name: digest_of_roles(samples, splits) for name, splits in roles.items()}
        if step == "cache":
            return {"samples": sha256_file(run.run_dir / "annotations/samples.jsonl")}
        cache = open_cache(run.run_dir / "cache")
        if step == "stage2":
            return {"tensors": cache.digest(LEARNED_FROM)}
        index = sha256_file(cache.folder / INDEX)
        return {
            "cache": sha256_json([index, cache.recipe.as_json(), cache.classes]),
            "classifier": sha256_file(run.run_dir / "stage2" / "classifier.onnx"),
        }

    def lost_files(self, step: str) -> list[str]:
        """Returns a line for each file of a finished step that is gone and is made again alone."""
        return missing_tensors(self.run.run_dir / step) if step == "cache" else []


def _fixed(run: PictureRun) -> dict[str, int]:
    # Another number of threads adds in another order, so it trains other weights.
    return {"seed": run.seed, "threads": run.threads}


def _cache_recipe(run: PictureRun) -> dict[str, Any]:
    style = Style(**run.cache.heatmap.arguments())
    recipe = Recipe(**run.cache.arguments("heatmap", "tensors"), heatmap=style)
    if recipe.needs_poses:
        graph = read_sidecar(run.run_dir / "stage1")
        settings = run.stage1.predict.arguments()
        name = Skeleton.from_json(graph["skeleton"]).name
        pose = PoseModelId(sha256=graph["sha256"], size=graph["size"], skeleton=name, **settings)
        recipe = replace(recipe, pose=pose)
    recipe = fingerprint.sign(recipe, run.run_dir / "cache")
    return {**recipe.as_json(), "tensors": run.cache.tensors}


def _digest_of_data(run: PictureRun, remember: bool) -> str:
    """Returns a digest of the pictures that the step `annotations` may read.

    Any picture in the data folder (and a YOLO set's labels), but not the run's own where the run
    lies in there.
    """
    data = run.data
    if data.format == "yolo" and data.annotations:
        files = files_of(data.annotations, data.images)
    elif data.folder.is_dir():
        files = [*without_own(find_images(data.folder), data.folder, run.run_dir)]
    else:
        raise FileNotFoundError(f"data.images: no such folder: {data.folder}")
    return digest_of_files(files, run.run_dir, remember=remember)


def digest_of_images(run: PictureRun, step: str, splits: Collection[str], *, remember: bool) -> str:
    """Returns a digest of the pictures of some splits that the step `annotations` listed.

    Args:
        run: The whole configuration.
        step: "stage1", which may have a split of its own, or "cache".
        splits: Roles of the pictures.
        remember: Whether the digests of files are written down in the run folder.

    Raises:
        FileNotFoundError: not one of the pictures is there.
    """
    name = stage1_samples(run) if step == "stage1" else "annotations/samples.jsonl"
    samples = read_samples(run.run_dir / name)
    files = [sample.image for sample in samples if sample.split in splits]
    if files and not any(file.is_file() for file in files):
        raise FileNotFoundError(f"data.images: none of {len(files)} pictures is there")
    return digest_of_files(files, run.run_dir, remember=remember)


def stage1_roles(run: PictureRun) -> dict[str, tuple[str, ...]]:
    """Returns what stage 1 reads: name of an input -> the splits of its pictures.

    What is learned from and what the figures are of are two inputs: pictures of "test" can change
    without another training. Weights that are taken as they are learn from nothing.
    """
    learned = {"learned": LEARNED_FROM} if run.stage1.train else {}
    return {**learned, "judged": SPLITS if not run.stage1.train else ("test",)}


def stage1_samples(run: PictureRun) -> str:
    """Returns where stage 1's samples lie in the run folder."""
    return f"annotations/{'stage1' if run.stage1.split else 'samples'}.jsonl"
