"""What each step of a run on pictures is made from, and how."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pose_activity.annotations.images import find_images
from pose_activity.annotations.readers.registry import PICTURES as READERS
from pose_activity.annotations.sample_files import digest_of_roles, read_samples
from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.types import LEARNED_FROM, SPLITS
from pose_activity.artifacts.manifest import sha256_file
from pose_activity.artifacts.shards import Shard
from pose_activity.cache.planes import LABELS, PoseModelId, Recipe
from pose_activity.cache.store import open_cache
from pose_activity.configs import sections
from pose_activity.configs.pictures import OF_LINEAR, STAGE2_WEIGHTS, PictureRun, Stage2
from pose_activity.stage1_parts import predict as parts
from pose_activity.stage1_pose.predict import GRAPH, read_sidecar
from pose_activity.training.cache_step import (
    CacheMaker,
    cache_step,
    digest_of_cache,
    make_with,
    shards_with,
)
from pose_activity.training.file_digest import digest_of_files, without_own
from pose_activity.training.lost_images import found_again
from pose_activity.training.own_files import REPORT_PART
from pose_activity.training.pictures.files import FILES
from pose_activity.training.pose_weights import digest_weights
from pose_activity.training.steps import Counts, MadeFrom, Sharding, Step

SAMPLES = "annotations/samples.jsonl"
_Digests = dict[str, Callable[[], str]]


def step_names(run: PictureRun) -> list[str]:
    """Returns the steps that the run needs.

    Without a classifier only the first two; no stage 1 where no plane shows poses, or where they
    are the labels' own.
    """
    if run.stage2 is None:
        return ["annotations", "stage1"]
    unused = set() if run.has_stage1 else {"stage1"}
    return [step for step in sections.STEPS if step not in unused]


def annotations(run: PictureRun, *, remember: bool) -> Step:
    """Returns the step in which labels are read, cleaned and split."""

    def recipe() -> dict[str, Any]:
        config = run.model_dump(mode="json")
        keys = ("data", "draw", "clean", "split", "seed")
        people = "each" if run.cache.people == "each" else "together"
        needs = {"activity_of": people if run.stage2 else None}
        own = {"stage1_split": config["stage1"]["split"]}
        if run.stage1.split:
            own["stage1_keep_apart"] = run.stage1.keep_apart
        return {key: config[key] for key in keys} | own | needs

    def make(folder: Path, asked: MadeFrom) -> Counts:
        from pose_activity.training.pictures.labels import make_annotations

        return make_annotations(run, folder)

    labels = run.data.annotations
    external: _Digests = {"labels": partial(sha256_file, labels)} if labels else {}
    external["images"] = partial(_digest_of_data, run, remember=remember)
    return Step("annotations", recipe, dict, make, FILES["annotations"], external, apart=False)


def stage1(run: PictureRun, *, remember: bool) -> Step:
    """Returns the step in which the pose model is trained, or taken, and exported."""
    roles, section = stage1_roles(run), run.stage1

    def recipe() -> dict[str, Any]:
        taught = {"fit", "box_margin", "unlabelled_people", "on_regression"}
        unused = {"split", "keep_apart", "graph", "parts"} | (set() if section.train else taught)
        unused |= {"weights", "skeleton", "export_size"} if section.graph else set()
        config = section.model_dump(mode="json")
        return {key: value for key, value in config.items() if key not in unused} | _fixed(run)

    def inputs() -> dict[str, str]:
        samples = run.run_dir / stage1_samples(run)
        return {name: digest_of_roles(samples, splits) for name, splits in roles.items()}

    def make(folder: Path, asked: MadeFrom) -> Counts:
        from pose_activity.training.pictures.stage1 import make_stage1

        return make_stage1(run, folder)

    if section.graph:
        external: _Digests = {"graph": partial(sha256_file, section.graph / GRAPH)}
    else:
        weights = partial(digest_weights, section.weights, look_only=not remember)
        external = {"weights": weights}
    if section.parts:
        external["parts"] = partial(sha256_file, section.parts / parts.GRAPH)
    for name, splits in roles.items() if section.train else ():
        images = partial(_digest_of_images, run, stage1_samples(run), splits, remember=remember)
        external[f"{name}_images"] = images
    apart = section.graph is None  # weights are exported by torch
    return Step("stage1", recipe, inputs, make, FILES["stage1"], external, apart=apart)


def cache(run: PictureRun, *, remember: bool) -> Step:
    """Returns the step in which tensors are drawn and stored."""

    def inputs() -> dict[str, str]:
        return {"samples": sha256_file(run.run_dir / SAMPLES)}

    def maker() -> CacheMaker:
        from pose_activity.training.pictures.build_cache import PictureCacheMaker

        return PictureCacheMaker(run)

    images = partial(_digest_of_images, run, SAMPLES, SPLITS, remember=remember)
    return cache_step(
        run.run_dir,
        partial(_tensor_recipe, run),
        inputs,
        make_with(maker),
        tensors=run.cache.tensors,
        files=FILES["cache"],
        external_inputs={"images": images},
        sharding=shards_with(maker, partial(_digests_of_shard, run)),
    )


def stage2(run: PictureRun, *, remember: bool) -> Step:
    """Returns the step in which the classifier is trained and exported."""
    section = run.classifier

    def recipe() -> dict[str, Any]:
        config = run.model_dump(mode="json")["stage2"]
        if section.linear and not section.fine_tune:
            return {key: config[key] for key in OF_LINEAR} | _fixed(run)
        unused = set() if section.fine_tune else {"linear", "fine_tune"}
        return {key: value for key, value in config.items() if key not in unused} | _fixed(run)

    def inputs() -> dict[str, str]:
        return {"tensors": open_cache(run.run_dir / "cache").digest(LEARNED_FROM)}

    def make(folder: Path, asked: MadeFrom, *, finish: bool = False) -> Counts:
        from pose_activity.training.pictures.train import make_stage2

        return make_stage2(run, folder, finish=finish)

    named = section.weights in STAGE2_WEIGHTS
    external = {} if named else {"weights": partial(sha256_file, Path(section.weights))}
    apart = not section.linear or bool(section.fine_tune) or not _is_graph(section)
    return Step("stage2", recipe, inputs, make, FILES["stage2"], external, apart=apart)


def report(run: PictureRun, *, remember: bool) -> Step:
    """Returns the step in which the classifier is judged."""

    def recipe() -> dict[str, Any]:
        asked = run.report.model_dump(mode="json")
        if not run.report.hide_faces:  # as it was before they could be hidden
            del asked["hide_faces"]
        return asked

    def inputs() -> dict[str, str]:
        return {
            "cache": digest_of_cache(run.run_dir),
            "classifier": sha256_file(run.run_dir / "stage2" / "classifier.onnx"),
        }

    def make(folder: Path, asked: MadeFrom, *, parts: Sequence[Path] = ()) -> Counts:
        from pose_activity.training.pictures.report import make_report

        return make_report(run, folder, parts)

    def make_part() -> Callable[[Path, MadeFrom, Shard], Counts]:
        from pose_activity.training.pictures.report import part_maker

        return part_maker(run)

    return Step(
        "report",
        recipe,
        inputs,
        make,
        FILES["report"],
        lost_files=partial(found_again, run.run_dir / "report", partial(shown_images, run)),
        sharding=Sharding(lambda _: {}, make_part, files=REPORT_PART),
        apart=False,
    )


def shown_images(run: PictureRun) -> list[Path]:
    """Returns the images that the report's page may show."""
    return [sample.image for sample in read_samples(run.run_dir / SAMPLES)]


def _is_graph(section: Stage2) -> bool:
    """Whether a frozen backbone is had without Keras; see `frozen.backbone.find`."""
    lite = section.model.startswith("efficientnet_lite")
    return section.weights.endswith(".onnx") or (lite and section.weights == "imagenet")


def _fixed(run: PictureRun) -> dict[str, int]:
    # Another number of threads adds in another order, so it trains other weights.
    return {"seed": run.seed, "threads": run.threads}


def _tensor_recipe(run: PictureRun) -> Recipe:
    recipe = Recipe(**run.cache.arguments("tensors", "poses"))
    if not recipe.needs_poses:
        return recipe
    if run.cache.poses == "labels":
        labelled = read_samples(run.run_dir / SAMPLES)[0].skeleton
        return replace(recipe, pose=PoseModelId(LABELS, skeleton=labelled.name))
    graph = read_sidecar(run.run_dir / "stage1")
    settings = run.stage1.predict.arguments()
    name = Skeleton.from_json(graph["skeleton"]).name
    pose = PoseModelId(sha256=graph["sha256"], size=graph["size"], skeleton=name, **settings)
    found_by = parts.read_sidecar(run.run_dir / "stage1")[1] if recipe.needs_parts else ""
    return replace(recipe, pose=pose, parts=found_by)


def _digest_of_data(run: PictureRun, *, remember: bool) -> str:
    """Returns a digest of the pictures that the step `annotations` may read.

    Any picture in the data folder (and a YOLO set's labels), except those of a run folder inside
    it.
    """
    data = run.data
    files = READERS[data.format].list_files(data.annotations, data.images)
    if files is None:
        if not data.folder.is_dir():
            raise FileNotFoundError(f"data.images: no such folder: {data.folder}")
        files = [*without_own(find_images(data.folder), data.folder, run.run_dir)]
    return digest_of_files(files, run.run_dir, remember=remember)


def _digest_of_images(
    run: PictureRun, samples: str, splits: Collection[str], *, remember: bool
) -> str:
    """Returns a digest of the pictures of some splits that the step `annotations` listed.

    Args:
        run: The whole configuration.
        samples: Where they are listed, in the run folder.
        splits: Roles of the pictures.
        remember: Whether the digests of files are written down in the run folder.

    Raises:
        FileNotFoundError: not one of the pictures is there.
    """
    listed = read_samples(run.run_dir / samples)
    files = [sample.image for sample in listed if sample.split in splits]
    if files and not any(file.is_file() for file in files):
        raise FileNotFoundError(f"data.images: none of {len(files)} pictures is there")
    return digest_of_files(files, run.run_dir, remember=remember)


def _digests_of_shard(run: PictureRun, shard: Shard) -> dict[str, str]:
    """Returns the digest of the pictures of one shard of the cache."""
    files = [sample.image for sample in shard.take(read_samples(run.run_dir / SAMPLES))]
    return {"images": digest_of_files(files, run.run_dir, remember=False)}


def stage1_roles(run: PictureRun) -> dict[str, tuple[str, ...]]:
    """Returns what stage 1 reads: name of an input -> the splits of its pictures.

    What is learned from and what the figures are of are two inputs: pictures of "test" can change
    without another training. Weights that are taken as they are learn from nothing, and where the
    labels have no joints they have no figures either: then it reads no picture.
    """
    if not (run.stage1.train or READERS[run.data.format].has_joints):
        return {}
    learned = {"learned": LEARNED_FROM} if run.stage1.train else {}
    return {**learned, "judged": SPLITS if not run.stage1.train else ("test",)}


def stage1_samples(run: PictureRun) -> str:
    """Returns the path of stage 1's samples in the run folder."""
    return "annotations/stage1.jsonl" if run.stage1.split else SAMPLES
