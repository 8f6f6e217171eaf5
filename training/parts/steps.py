"""What each step of a run on body parts is made from, and how.

The step `stage2` trains the network: of what the run trains it is the last, as in every kind.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pose_activity.annotations.images import walk_files
from pose_activity.annotations.part_files import read_part_samples
from pose_activity.annotations.parts import SCHEMES
from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.types import LEARNED_FROM, PartSample
from pose_activity.artifacts.manifest import sha256_file
from pose_activity.artifacts.shards import Shard
from pose_activity.cache.parts import PartsRecipe
from pose_activity.cache.planes import PoseModelId
from pose_activity.cache.store import open_cache
from pose_activity.configs import sections
from pose_activity.configs.parts import PartsRun
from pose_activity.stage1_parts.predict import GRAPH
from pose_activity.stage1_pose import predict as stage1_pose
from pose_activity.training.cache_step import (
    CacheMaker,
    cache_step,
    digest_of_cache,
    make_with,
    shards_with,
)
from pose_activity.training.file_digest import digest_of_files, without_own
from pose_activity.training.parts.files import FILES
from pose_activity.training.pose_weights import digest_weights
from pose_activity.training.steps import Counts, MadeFrom, Step

SAMPLES = "annotations/samples.jsonl"
_Digests = dict[str, Callable[[], str]]


def step_names(run: PartsRun) -> list[str]:
    """Returns the steps that the run needs: stage 1 only where it is asked for."""
    unused = set() if run.stage1 else {"stage1"}
    return [step for step in sections.STEPS if step not in unused]


def annotations(run: PartsRun, *, remember: bool) -> Step:
    """Returns the step in which masks are read, cleaned and split."""

    def recipe() -> dict[str, Any]:
        config = run.model_dump(mode="json")
        return {key: config[key] for key in ("parts", "more", "draw", "clean", "split", "seed")}

    def make(folder: Path, asked: MadeFrom) -> Counts:
        from pose_activity.training.parts.labels import make_annotations

        return make_annotations(run, folder)

    external: _Digests = {"images": partial(_digest_of_data, run, remember=remember)}
    return Step("annotations", recipe, dict, make, FILES["annotations"], external, apart=False)


def stage1(run: PartsRun, *, remember: bool) -> Step:
    """Returns the step in which the pose model is taken and exported."""
    section = run.pose_model

    def recipe() -> dict[str, Any]:
        keys = ("graph",) if section.graph else ("weights", "skeleton", "export_size")
        config = section.model_dump(mode="json")
        return {key: config[key] for key in keys}

    def make(folder: Path, asked: MadeFrom) -> Counts:
        from pose_activity.training.parts.stage1 import make_stage1

        return make_stage1(run, folder)

    external: _Digests = (
        {"graph": partial(sha256_file, section.graph / stage1_pose.GRAPH)}
        if section.graph
        else {"weights": partial(digest_weights, section.weights, look_only=not remember)}
    )
    apart = section.graph is None  # weights are exported by torch
    return Step("stage1", recipe, dict, make, FILES["stage1"], external, apart=apart)


def cache(run: PartsRun, *, remember: bool) -> Step:
    """Returns the step in which images and masks are brought to one size and stored."""

    def inputs() -> dict[str, str]:
        return {"samples": sha256_file(run.run_dir / SAMPLES)}

    def maker() -> CacheMaker:
        from pose_activity.training.parts.build_cache import PartsCacheMaker

        return PartsCacheMaker(run)

    return cache_step(
        run.run_dir,
        partial(_recipe, run),
        inputs,
        make_with(maker),
        tensors=run.cache.tensors,
        files=FILES["cache"],
        external_inputs={"images": partial(_digest_of_images, run, remember=remember)},
        sharding=shards_with(maker, partial(_digests_of_shard, run)),
    )


def stage2(run: PartsRun, *, remember: bool) -> Step:
    """Returns the step in which the network is trained and exported."""
    section = run.stage2

    def recipe() -> dict[str, Any]:
        # Another number of threads adds in another order, so it trains other weights.
        return section.model_dump(mode="json") | {"seed": run.seed, "threads": run.threads}

    def inputs() -> dict[str, str]:
        return {"tensors": open_cache(run.run_dir / "cache").digest(LEARNED_FROM)}

    def make(folder: Path, asked: MadeFrom, *, finish: bool = False) -> Counts:
        from pose_activity.training.parts.train import make_stage2

        return make_stage2(run, folder, finish=finish)

    own = {"weights": run.weights_file, "start": section.start}
    external: _Digests = {n: partial(sha256_file, path) for n, path in own.items() if path}
    return Step("stage2", recipe, inputs, make, FILES["stage2"], external)


def report(run: PartsRun, *, remember: bool) -> Step:
    """Returns the step in which the network is judged."""

    def recipe() -> dict[str, Any]:
        return run.report.model_dump(mode="json")

    def inputs() -> dict[str, str]:
        return {
            "cache": digest_of_cache(run.run_dir),
            "classifier": sha256_file(run.run_dir / "stage2" / GRAPH),
        }

    def make(folder: Path, asked: MadeFrom) -> Counts:
        from pose_activity.training.parts.report import make_report

        return make_report(run, folder)

    return Step("report", recipe, inputs, make, FILES["report"], apart=False)


def _recipe(run: PartsRun) -> PartsRecipe:
    labelled = tuple(dict.fromkeys(sample.scheme for sample in samples_of(run)))
    scheme = SCHEMES[run.cache.scheme] if run.cache.scheme else labelled[0]
    others = tuple(one for one in labelled if one != scheme)
    view = run.cache.arguments("tensors", "scheme")
    recipe = PartsRecipe(**view, scheme=scheme, labelled=others)
    if not recipe.needs_poses:
        return recipe
    graph = stage1_pose.read_sidecar(run.run_dir / "stage1")
    return replace(
        recipe,
        pose=PoseModelId(
            sha256=graph["sha256"],
            size=graph["size"],
            skeleton=Skeleton.from_json(graph["skeleton"]).name,
            **run.pose_model.predict.arguments(),
        ),
    )


def samples_of(run: PartsRun) -> list[PartSample]:
    """Returns what the step `annotations` kept; the files that it wrote are where they are now."""
    folder = run.run_dir / "annotations"
    return [
        replace(
            sample,
            mask=folder / sample.mask,
            image=folder / sample.image if run.clean.black_background else sample.image,
        )
        for sample in read_part_samples(run.run_dir / SAMPLES)
    ]


def _digest_of_data(run: PartsRun, *, remember: bool) -> str:
    """Returns a digest of the files that the step `annotations` may read."""
    files = []
    for folder in (path for one in run.sets for path in one.paths):
        files += without_own(walk_files(folder), folder, run.run_dir) if folder.is_dir() else []
    files += [one.colours for one in run.sets if one.colours]
    if not files:
        raise FileNotFoundError(
            f"parts.images: no such folder, or an empty one: {run.parts.images}"
        )
    return digest_of_files(sorted({*files}), run.run_dir, remember=remember)


def _digests_of_shard(run: PartsRun, shard: Shard) -> dict[str, str]:
    """Returns the digest of the images and masks of one shard of the cache."""
    samples = shard.take(samples_of(run))
    files = dict.fromkeys(path for sample in samples for path in (sample.image, sample.mask))
    return {"images": digest_of_files(files, run.run_dir, remember=False)}


def _digest_of_images(run: PartsRun, *, remember: bool) -> str:
    """Returns a digest of the images that the step `annotations` listed."""
    samples = samples_of(run)
    files = [*dict.fromkeys(sample.image for sample in samples)]
    if not any(file.is_file() for file in files):
        raise FileNotFoundError(f"parts.images: none of {len(files)} images is there")
    return digest_of_files(files, run.run_dir, remember=remember)
