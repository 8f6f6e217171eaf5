"""What a cache of images is built from: an image, or a person in it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pose_activity.annotations.images import load_rgb
from pose_activity.annotations.types import Poses
from pose_activity.artifacts.manifest import sha256_file, sha256_json
from pose_activity.cache.part_maps import PartMaps
from pose_activity.cache.planes import Recipe, make_arrays
from pose_activity.cache.record import WHOLE, Arrays, Entry, key_of


@dataclass(frozen=True)
class TensorSpec:
    """A `cache.store.Drawable`.

    Attributes:
        image: The image.
        label: Activity.
        split: "train", "val" or "test".
        poses: What stage 1 found; None if no plane needs poses.
        person: Whom the tensor shows, an index into `poses`; None: the whole image.
        find_parts: Finds the parts of bodies in the image's pixels; None if no plane needs them.
            The recipe names its graph.
    """

    image: Path
    label: str
    split: str
    poses: Poses | None
    person: int | None = None
    find_parts: Callable[[np.ndarray, Poses | None], PartMaps] | None = None

    @property
    def entry(self) -> Entry:
        """See `Drawable`."""
        person = WHOLE if self.person is None else self.person
        key = key_of(self.image, person)
        return Entry(key, self.image, self.label, self.split, person, sha256="")

    @property
    def made_from(self) -> str:
        """See `Drawable`."""
        content = sha256_file(self.image) if self.image.is_file() else ""
        return sha256_json([content, _digest(self.poses), self.person])

    def draw(self, recipe: Recipe) -> Arrays:
        """See `Drawable`."""
        image = load_rgb(self.image)
        parts = self.find_parts(image, self.poses) if self.find_parts else None
        return make_arrays(image, self.poses, recipe, self.person, parts)


def _digest(poses: Poses | None) -> str:
    if poses is None:
        return ""
    digest = hashlib.sha256(repr((poses.size, poses.skeleton.as_text())).encode())
    for array in (poses.boxes, poses.scores, poses.keypoints):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
