"""The step `cache` of a run on body parts: images and masks are brought to one size and stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pose_activity.annotations.images import ImageError
from pose_activity.annotations.part_files import load_image, load_mask
from pose_activity.annotations.types import Masks, PartSample, Poses
from pose_activity.artifacts.manifest import sha256_file, sha256_json
from pose_activity.cache import poses, store
from pose_activity.cache.parts import PartsRecipe, make_example
from pose_activity.cache.record import WHOLE, Arrays, Entry, key_of
from pose_activity.cache.store import StoredTensors
from pose_activity.configs.parts import PartsRun
from pose_activity.runtime.progress import progress_bar
from pose_activity.stage1_pose import predict as stage1
from pose_activity.training.console import console, say, say_notes
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


def make_cache(run: PartsRun, folder: Path, asked: MadeFrom[StoredTensors[PartsRecipe]]) -> Counts:
    """Brings every image and its mask to the tensors' size, and stores both."""
    recipe = asked.recipe.recipe
    samples = steps.samples_of(run)
    found = find_poses(run, samples, folder) if recipe.needs_poses else {}
    sources = [LabelledImage(sample, found.get(sample.source)) for sample in samples]
    with progress_bar("storing tensors", console) as show:
        cache, undecodable = store.build(
            folder,
            sources,
            recipe=recipe,
            classes=recipe.scheme.names,
            inputs=asked.inputs,
            tensors=asked.recipe.tensors,
            threads=run.threads,
            on_size=say,
            on_progress=show,
        )
    say_notes(undecodable.values())
    return {"tensors": len(cache.entries), "unreadable": len(undecodable)}


def find_poses(run: PartsRun, samples: Sequence[PartSample], cache: Path) -> Mapping[Path, Poses]:
    """Asks stage 1 about the images that the cache's folder does not know; by `PartSample.source`.

    Raises:
        ValueError: an image cannot be read, or is a frame of an archive.
    """
    archived = next((sample.source for sample in samples if sample.frame is not None), None)
    if archived is not None:
        raise ValueError(
            "A plane of poses needs images in files of their own. Received: a frame of an archive, "
            f"{archived}. Set cache.planes: [rgb]."
        )
    keep = run.pose_model.predict
    predictor = stage1.load(run.run_dir / "stage1", threads=run.threads, keep=keep)
    source = {"sha256": predictor.sha256, "size": predictor.size, **keep.arguments()}
    images = [sample.image for sample in samples]
    with progress_bar("finding poses", console) as show:
        found = poses.find(cache / poses.FILE, images, predictor, source=source, on_progress=show)
    if found.unreadable:
        raise ImageError(next(iter(found.unreadable.values())))
    return found.poses
