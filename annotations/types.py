"""The values that travel: `Sample`, `Poses`, `Masks`, ... Frozen, checked at birth, may be empty.

Everywhere in this project, *keypoints* are float32 `(N, K, 3)`: x, y in pixels of the upright image
(EXIF orientation applied) they came from, and v in [0, 1]. v = 0 means missing, and then
x = y = 0. Labels use 1 for a visible joint and 0.5 for a labelled but hidden one; predictions store
their confidence in v.
*Boxes* are float32 `(N, 4)`: x1, y1, x2, y2 in pixels. Values are always finite; N may be 0.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pose_activity.annotations.parts import PartScheme, check_ids
from pose_activity.annotations.skeleton import Skeleton

SPLITS = ("train", "val", "test")
LEARNED_FROM = ("train", "val")  # the splits that a training reads; "test" is for the report alone


@dataclass(frozen=True, eq=False)
class Sample:
    """What a data set says about one image.

    Attributes:
        image: Path of the picture.
        size: (width, height) in pixels of the upright picture; None while no file was looked at.
        skeleton: Names the K joints.
        boxes: `(N, 4)` float32 xyxy pixels; all zero where a person has no box yet.
        keypoints: `(N, K, 3)` float32, see the module's header.
        head_sizes: `(N,)` float32 pixels, PCKh's unit of length; 0 where unknown.
        activity: Class name or None.
        group: Pictures of one group (video, scene) are never on both sides of a split; or None.
        split: "train", "val", "test" or None.
        activities: N class names or None, one per person; None where the data set has none by
            person, or if there is nobody (an empty tuple becomes None).
    """

    image: Path
    size: tuple[int, int] | None
    skeleton: Skeleton
    boxes: np.ndarray
    keypoints: np.ndarray
    head_sizes: np.ndarray
    activity: str | None = None
    group: str | None = None
    split: str | None = None
    activities: tuple[str | None, ...] | None = None

    def __post_init__(self) -> None:
        _check_people(self.image, self.skeleton, self.boxes, self.keypoints)
        _check_array(self.image, "head_sizes", self.head_sizes, (len(self.boxes),))
        if self.activities is not None and len(self.activities) != len(self.boxes):
            raise ValueError(
                f"{self.image}: activities must name one per person, {len(self.boxes)} in all. "
                f"Received: {self.activities}"
            )
        if not self.activities:
            object.__setattr__(self, "activities", None)

    def take(self, people: Any) -> "Sample":
        """Returns the sample with some of its people: a slice, an index list or a bool mask."""
        chosen = np.arange(len(self.boxes))[people]
        return replace(
            self,
            boxes=self.boxes[chosen],
            keypoints=self.keypoints[chosen],
            head_sizes=self.head_sizes[chosen],
            activities=self.activities and tuple(self.activities[i] for i in chosen),
        )


@dataclass(frozen=True, eq=False)
class Poses:
    """What stage 1 says about one image.

    Attributes:
        image: Path of the picture.
        size: (width, height) in pixels of the upright picture.
        skeleton: Names the K joints.
        boxes: `(N, 4)` float32 xyxy pixels.
        scores: `(N,)` float32 in [0, 1], falling.
        keypoints: `(N, K, 3)` float32, see the module's header.
    """

    image: Path
    size: tuple[int, int]
    skeleton: Skeleton
    boxes: np.ndarray
    scores: np.ndarray
    keypoints: np.ndarray

    def __post_init__(self) -> None:
        _check_people(self.image, self.skeleton, self.boxes, self.keypoints)
        _check_array(self.image, "scores", self.scores, (len(self.boxes),))


@dataclass(frozen=True, eq=False)
class Masks:
    """Which part of a body each pixel of one image shows: a label, or what a network says.

    Attributes:
        ids: `(H, W)` uint8 class numbers of `scheme`, or `IGNORE` where nothing is known.
        scheme: Names the classes.
    """

    ids: np.ndarray
    scheme: PartScheme

    def __post_init__(self) -> None:
        if self.ids.ndim != 2:
            raise ValueError(f"Masks must be (height, width). Received: {self.ids.shape}")
        check_ids("Masks", self.ids, self.scheme)


@dataclass(frozen=True)
class PartSample:
    """What a data set says about the body parts in one image.

    Attributes:
        image: Path of the picture, or of a clip's archive (`.npz`) that holds it.
        mask: Path of the file with the mask: a PNG of class numbers once it was cleaned.
        scheme: The classes of the mask.
        size: (width, height) in pixels of the upright picture; None while no file was looked at.
        frame: Of the archive, from 0; None: the picture is a file of its own.
        group: Images of one group (person, clip, scene) are never on both sides of a split.
        split: "train", "val", "test" or None.
    """

    image: Path
    mask: Path
    scheme: PartScheme
    size: tuple[int, int] | None = None
    frame: int | None = None
    group: str | None = None
    split: str | None = None

    @property
    def source(self) -> Path:
        """What names the image among those of its data set: its path, of a frame `CLIP/NUMBER`."""
        return self.image if self.frame is None else self.image / f"{self.frame:05d}"


@dataclass(frozen=True)
class Rejection:
    """Why the cleaner left an image, or one person in it, out.

    Attributes:
        image: Path of the picture.
        rule: Name of the cleaner's rule.
        detail: One sentence for a person.
    """

    image: Path
    rule: str
    detail: str


def no_people(skeleton: Skeleton) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns boxes `(0, 4)`, keypoints `(0, K, 3)` and a `(0,)` vector, all float32."""
    return (
        np.zeros((0, 4), np.float32),
        np.zeros((0, len(skeleton), 3), np.float32),
        np.zeros(0, np.float32),
    )


def check_keypoints(where: Path | str, keypoints: np.ndarray, shape: tuple[int, ...]) -> None:
    """Refuses what breaks the rules of the module's header; `where` begins the message.

    Raises:
        ValueError: not float32 `shape`, not finite, v outside [0, 1], or a missing joint that is
            somewhere.
    """
    _check_array(where, "keypoints", keypoints, shape)
    v = keypoints[..., 2]
    if v.size and (v.min() < 0 or v.max() > 1):
        raise ValueError(f"{where}: keypoint visibility must be in [0, 1]. Received: {v}")
    if np.any(keypoints[..., :2][v == 0]):
        raise ValueError(f"{where}: a missing keypoint (v = 0) must have x = y = 0.")


def _check_people(
    image: Path, skeleton: Skeleton, boxes: np.ndarray, keypoints: np.ndarray
) -> None:
    _check_array(image, "boxes", boxes, (len(boxes), 4))
    check_keypoints(image, keypoints, (len(boxes), len(skeleton), 3))


def _check_array(where: Path | str, name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if array.dtype != np.float32 or array.shape != shape:
        raise ValueError(
            f"{where}: {name} must be float32 {shape}. Received: {array.dtype} {array.shape}"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{where}: {name} must be finite. Received: {array}")
