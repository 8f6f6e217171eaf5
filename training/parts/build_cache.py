"""The step `cache` of a run on body parts: images and masks are brought to one size and stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pose_activity.annotations.images import ImageError
from pose_activity.annotations.part_files import load_image, load_mask
from pose_activity.annotations.types import Masks, PartSample, Poses
from pose_activity.artifacts.manifest import sha256_file, sha256_json
from pose_activity.artifacts.shards import UNDIVIDED, Shard
from pose_activity.cache import poses
from pose_activity.cache.parts import PartsRecipe, make_example
from pose_activity.cache.record import WHOLE, Arrays, Entry, key_of
from pose_activity.cache.store import StoredTensors
from pose_activity.configs.parts import PartsRun
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage1_pose import predict as stage1
from pose_activity.training.cache_step import build_tensors, merge_tensors
from pose_activity.training.console import console, say_notes
from pose_activity.training.parts import steps
from pose_activity.training.steps import Counts, MadeFrom


@dataclass(frozen=True)
class LabelledImage:
    """A `cache.store.Drawable`: an image, its mask, and who was found in it."""

    sample: PartSample
    poses: Poses | None

    @property
    def entry(self) -> Entry:
        """See `Drawable`."""
        source = self.sample.source
        return Entry(key_of(source), source, None, str(self.sample.split), WHOLE, sha256="")

    @property
    def made_from(self) -> str:
        """See `Drawable`."""
        files = [sha256_file(path) for path in (self.sample.image, self.sample.mask)]
        joints = None if self.poses is None else self.poses.keypoints.tobytes().hex()
        return sha256_json([*files, self.sample.frame, self.sample.scheme.as_json(), joints])

    def draw(self, recipe: PartsRecipe) -> Arrays:
        """See `Drawable`."""
        masks = Masks(load_mask(self.sample), self.sample.scheme)
        return make_example(load_image(self.sample), self.poses, masks, recipe)


class PartsCacheMaker:
    """A `training.cache_step.CacheMaker`; the pose graph is loaded when it is first asked for."""

    def __init__(self, run: PartsRun) -> None:
        self.items = steps.samples_of(run)
        self._run, self._pose = run, pose_loader(run)

    def draw(
        self,
        folder: Path,
        asked: MadeFrom[StoredTensors[PartsRecipe]],
        items: Sequence[PartSample],
        shard: Shard = UNDIVIDED,
    ) -> Counts:
        """Brings every image and its mask to the tensors' size, and stores both."""
        run, recipe = self._run, asked.recipe.recipe
        found = find_poses(run, items, folder, self._pose) if recipe.needs_poses else {}
        sources = [LabelledImage(sample, found.get(sample.source)) for sample in items]
        built, undecodable = build_tensors(
            folder,
            asked,
            sources,
            classes=recipe.scheme.names,
            threads=run.threads,
            shard=shard,
            title="storing tensors",
        )
        say_notes(undecodable.values())
        return {"tensors": len(built.entries), "unreadable": len(undecodable)}

    def merge(
        self, folder: Path, asked: MadeFrom[StoredTensors[PartsRecipe]], parts: Sequence[Path]
    ) -> Counts:
        """See `CacheMaker`."""
        recipe = asked.recipe.recipe
        if recipe.needs_poses:
            source = _source_of(self._run)
            poses.merge(folder / poses.FILE, [part / poses.FILE for part in parts], source=source)
        counted = ("tensors", "unreadable")
        return merge_tensors(folder, asked, parts, classes=recipe.scheme.names, counted=counted)


def pose_loader(run: PartsRun) -> Callable[[], stage1.PosePredictor]:
    """Returns what loads the run's pose graph once, when it is first asked for."""

    @cache
    def load() -> stage1.PosePredictor:
        keep = run.pose_model.predict
        return stage1.load(run.run_dir / "stage1", threads=run.threads, keep=keep)

    return load


def _source_of(run: PartsRun) -> dict[str, Any]:
    """Returns what identifies the run's pose graph and its settings."""
    sidecar = stage1.read_sidecar(run.run_dir / "stage1")
    of_graph = {name: sidecar[name] for name in ("sha256", "size")}
    return of_graph | run.pose_model.predict.arguments()


def find_poses(
    run: PartsRun,
    samples: Sequence[PartSample],
    cache: Path,
    load: Callable[[], stage1.PosePredictor] | None = None,
) -> Mapping[Path, Poses]:
    """Asks stage 1 about the images that the cache's folder does not know; by `PartSample.source`.

    Args:
        run: The whole configuration.
        samples: The images.
        cache: Of the cache.
        load: See `pose_loader`; None loads the graph for this call.

    Raises:
        ValueError: an image cannot be read, or is a frame of an archive.
    """
    archived = next((sample.source for sample in samples if sample.frame is not None), None)
    if archived is not None:
        raise ValueError(
            "A plane of poses needs images in files of their own. Received: a frame of an archive, "
            f"{archived}. Set cache.planes: [rgb]."
        )
    predictor, source = (load or pose_loader(run))(), _source_of(run)
    images = [sample.image for sample in samples]
    with progress_bar("finding poses", console) as show:
        found = poses.find(cache / poses.FILE, images, predictor, source=source, on_progress=show)
    if found.unreadable:
        raise ImageError(next(iter(found.unreadable.values())))
    return found.poses
