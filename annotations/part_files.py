"""Images with their body parts as files: masks as PNG of class numbers, samples as JSON lines.

A mask file has one channel of uint8: `PartSample.scheme`'s numbers, 255 where nothing is known. A
clip's archive is a compressed `.npz` of the arrays `images` `(T, H, W, 3)` uint8 RGB and `masks`
`(T, H, W)` uint8; nothing in it is unpickled.
"""

import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pose_activity.annotations import sample_lines
from pose_activity.annotations.images import load_numbers, load_rgb
from pose_activity.annotations.parts import PartScheme, check_ids
from pose_activity.annotations.types import PartSample
from pose_activity.artifacts.atomic import replacing, write_bytes
from pose_activity.artifacts.progress import ProgressCallback

IMAGES, MASKS = "images", "masks"
PUBLISHED = "arr_0"  # the one array of an archive of the published skating project; images are BGR
_BROKEN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


def load_image(sample: PartSample) -> np.ndarray:
    """Returns a sample's picture, `(H, W, 3)` uint8 RGB.

    Raises:
        ImageError: it cannot be read; see `images.load_rgb`.
        ValueError: its archive cannot be read, or has no such frame.
    """
    if sample.frame is None:
        return load_rgb(sample.image)
    images = load_clip_images(sample.image)
    if not sample.frame < len(images):
        raise ValueError(
            f"{sample.image}: must hold frame {sample.frame}, counted from 0. It has {len(images)}."
        )
    return images[sample.frame]


def load_mask(sample: PartSample) -> np.ndarray:
    """Returns a cleaned sample's mask, `(H, W)` uint8; see `types.Masks`.

    Raises:
        ImageError: its file cannot be read.
        ValueError: its numbers are no classes of the sample's, or its size is not the picture's.
    """
    if sample.mask.suffix == ".npz":
        ids = load_clip_masks(sample.mask)[sample.frame or 0]
    else:
        ids = load_numbers(sample.mask)
    check_ids(sample.mask, ids, sample.scheme)
    if sample.size is not None and ids.shape[::-1] != sample.size:
        raise ValueError(
            f"{sample.mask}: must have the size of its picture, {sample.size}. "
            f"Received: {ids.shape[::-1]}. Run the step `annotations` again."
        )
    return ids


def write_mask(path: Path, ids: np.ndarray) -> None:
    """Writes class numbers, `(H, W)` uint8, as a PNG file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, cv2.imencode(".png", ids)[1].tobytes())


def write_archive(path: Path, images: np.ndarray, masks: np.ndarray) -> None:
    """Writes a clip, `(T, H, W, 3)` and `(T, H, W)` uint8, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, images=images, masks=masks)


def pack_clips(
    samples: Iterable[PartSample],
    folder: Path,
    *,
    clip_of: Callable[[Path], str],
    on_progress: ProgressCallback | None = None,
) -> list[PartSample]:
    """Writes one archive per clip, of pictures and masks that are files of their own.

    Args:
        samples: Cleaned. All of a clip have one size, scheme, group and split.
        folder: Gets `CLIP.npz`.
        clip_of: Returns the name of a picture's clip from its path.
        on_progress: Called with (clips done, total, name).

    Returns:
        The same samples as frames of these archives.
    """
    clips: dict[str, list[PartSample]] = {}
    for sample in samples:
        clips.setdefault(clip_of(sample.image), []).append(sample)
    packed = []
    for done, (name, frames) in enumerate(clips.items(), 1):
        path = folder / f"{name}.npz"
        images = np.stack([load_image(sample) for sample in frames])
        write_archive(path, images, np.stack([load_mask(sample) for sample in frames]))
        packed += [
            replace(sample, image=path, mask=path, frame=frame)
            for frame, sample in enumerate(frames)
        ]
        if on_progress:
            on_progress(done, len(clips), name)
    return packed


@lru_cache(maxsize=2)  # the frames of a clip are read one after the other
def load_clip_images(path: Path) -> np.ndarray:
    """Returns the pictures of an archive, `(T, H, W, 3)` uint8 RGB, which are not to be changed.

    Raises:
        ValueError: the file is missing or damaged, holds pickled objects, or no such array.
    """
    name, images = _load_array(path, IMAGES)
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"{path}: {name} must be (frames, height, width, 3) uint8. "
            f"Received: {images.shape} {images.dtype}"
        )
    return images if name == IMAGES else images[..., ::-1]


@lru_cache(maxsize=2)
def load_clip_masks(path: Path) -> np.ndarray:
    """Returns the masks of an archive, `(T, H, W)` uint8; as `load_clip_images`."""
    name, masks = _load_array(path, MASKS)
    if masks.ndim != 3 or masks.dtype != np.uint8:
        raise ValueError(
            f"{path}: {name} must be (frames, height, width) uint8 class numbers. "
            f"Received: {masks.shape} {masks.dtype}"
        )
    return masks


def _load_array(path: Path, name: str) -> tuple[str, np.ndarray]:
    """Returns an array of an archive, or the only one of a published archive, and its name."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            name = name if name in arrays.files else PUBLISHED
            return name, arrays[name]
    except _BROKEN as error:
        pickled = "pickle" in str(error).lower()
        why = "it holds pickled Python objects, which are never loaded" if pickled else f"{error}"
        raise ValueError(
            f"{path}: must be an .npz archive with the arrays {IMAGES} and {MASKS}, or "
            f"{PUBLISHED}: {why}."
        ) from None


def write_part_samples(path: Path, samples: Iterable[PartSample]) -> None:
    """Writes samples as JSON lines to `path`, whole or not at all."""
    sample_lines.write(path, samples, _to_json)


def read_part_samples(path: Path) -> list[PartSample]:
    """Reads what `write_part_samples` wrote.

    Raises:
        ValueError: the file is missing, or a line is not a sample.
    """
    return sample_lines.read(path, _from_json)


def _to_json(sample: PartSample) -> dict[str, Any]:
    return {
        "image": str(sample.image),
        "mask": str(sample.mask),
        "scheme": sample.scheme.as_json(),
        "size": sample.size,
        "frame": sample.frame,
        "group": sample.group,
        "split": sample.split,
    }


def _from_json(value: dict[str, Any]) -> PartSample:
    return PartSample(
        image=Path(value["image"]),
        mask=Path(value["mask"]),
        scheme=PartScheme.from_json(value["scheme"]),
        size=None if value["size"] is None else (int(value["size"][0]), int(value["size"][1])),
        frame=value["frame"],
        group=value["group"],
        split=value["split"],
    )
