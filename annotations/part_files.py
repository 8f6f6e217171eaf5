"""Images with their body parts as files: masks as PNG of class numbers, samples as JSON lines.

A mask file has one channel of uint8: `PartSample.scheme`'s numbers, 255 where nothing is known. A
clip's archive is a compressed `.npz` of the arrays `images` `(T, H, W, 3)` uint8 RGB and `masks`
`(T, H, W)` uint8; nothing in it is unpickled.
"""

import json
import zipfile
import zlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pose_activity.annotations.images import load_numbers, load_rgb
from pose_activity.annotations.parts import PartScheme, check_ids
from pose_activity.annotations.types import PartSample
from pose_activity.artifacts.atomic import replacing, write_bytes

_BROKEN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


def load_image(sample: PartSample) -> np.ndarray:
    """Returns a sample's picture, `(H, W, 3)` uint8 RGB.

    Raises:
        ImageError: it cannot be read; see `images.load_rgb`.
        ValueError: its archive cannot be read, or has no such frame.
    """
    if sample.frame is None:
        return load_rgb(sample.image)
    images = load_arrays(sample.image, "images")["images"]
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


@lru_cache(maxsize=4)  # the frames of a clip are read one after the other
def load_arrays(path: Path, *names: str) -> dict[str, np.ndarray]:
    """Reads arrays of an `.npz` file, which are not to be changed.

    Raises:
        ValueError: the file is missing or damaged, holds Python objects, or no array so named.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names}
    except _BROKEN as error:
        pickled = "pickle" in str(error).lower()
        why = "it holds pickled Python objects, which are never loaded" if pickled else f"{error}"
        raise ValueError(
            f"{path}: must be an .npz file with the arrays {', '.join(names)}: {why}."
        ) from None


def write_part_samples(path: Path, samples: Iterable[PartSample]) -> None:
    """Writes samples as JSON lines to `path`, whole or not at all."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for sample in samples:
            # ASCII with escapes also carries file names that are not valid Unicode.
            file.write(json.dumps(_to_json(sample)) + "\n")


def read_part_samples(path: Path) -> list[PartSample]:
    """Reads what `write_part_samples` wrote.

    Raises:
        ValueError: the file is missing, or a line is not a sample.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file. Run the step `annotations` first.")
    samples = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                samples.append(_from_json(json.loads(line)))
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(
                    f"{path}, line {number}: not a sample ({error!r}). "
                    "Delete the file and run the step `annotations` again."
                ) from None
    return samples


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
