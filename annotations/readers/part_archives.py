"""Clips with their part masks as `.npz` archives: this project's own, and the published ones.

This project's hold `images` `(T, H, W, 3)` uint8 RGB and `masks` `(T, H, W)` uint8 (see
`part_files`). The published skating project wrote two per clip and camera, with the one array
`arr_0` each: `rgb/woman01__01_01_walk_camera01.npz` (BGR, as OpenCV reads pictures) and
`masks/` of the same name. Pickled objects are never loaded.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from pose_activity.annotations.images import find_files
from pose_activity.annotations.part_files import load_clip_images, load_clip_masks
from pose_activity.annotations.parts import PARTS15, PartScheme
from pose_activity.annotations.raw_parts import RawMask, RawParts, numbers_of
from pose_activity.annotations.readers.name_patterns import compile_pattern, find_part
from pose_activity.annotations.readers.people3d import split_of
from pose_activity.annotations.text import preview
from pose_activity.annotations.types import PartSample

_IMAGES, _MASKS = "rgb", "masks"
_PERSON = re.compile(r"(?P<person>[^_]*\d+)__")


def read_part_archives(
    folder: Path,
    *,
    scheme: PartScheme = PARTS15,
    group_pattern: str | None = None,
    every: int = 1,
    on_note: Callable[[str], None] | None = None,
) -> Iterator[RawParts]:
    r"""Reads a folder of archives.

    Args:
        folder: Holds `.npz` files, or `rgb/` and `masks/` with files of the same names.
        scheme: The classes of the masks.
        group_pattern: Regular expression with a named group `group`, searched in each file name.
            None: the person of `woman01__...`, else the file.
        every: Takes every so many frames of a clip; neighbours look alike.
        on_note: Called with a note on archives of images without masks.

    Returns:
        One item per frame that is taken, clip by clip. Of names as 3DPeople's, characters 34 to 40
        have the split "test", the others "train".

    Raises:
        ValueError: no folder, no archives in it, one that is damaged, holds pickled objects or
            other arrays, or has another number of masks than of images.
    """
    pattern = compile_pattern("group_pattern", group_pattern, "group")
    published = (folder / _MASKS).is_dir()
    masks = (
        find_files(folder / _MASKS if published else folder, {".npz"}) if folder.is_dir() else []
    )
    if not masks:
        raise ValueError(
            f"{folder}: must hold .npz archives of clips, or {_IMAGES}/ and {_MASKS}/ with "
            "archives of the same names. It holds none."
        )
    archives = {path: folder / _IMAGES / path.name if published else path for path in masks}
    if published and on_note:
        alone = sorted(
            {p.name for p in find_files(folder / _IMAGES, {".npz"})} - {p.name for p in masks}
        )
        if alone:
            on_note(f"{folder}: {len(alone):,} archives have no masks: {preview(alone)}.")
    for mask, image in archives.items():
        yield from _frames(mask, image, scheme, pattern, max(1, every))


def _frames(
    mask: Path, image: Path, scheme: PartScheme, pattern: re.Pattern[str] | None, every: int
) -> Iterator[RawParts]:
    frames, pictures = len(load_clip_masks(mask)), len(load_clip_images(image))
    if frames != pictures:
        raise ValueError(
            f"{mask}: must have a mask per image. It has {frames} masks; {image.name} has "
            f"{pictures} images."
        )
    person = find_part(_PERSON, "person", mask.stem)
    group = find_part(pattern, "group", mask.name) if pattern else person or mask.stem
    for frame in range(0, frames, every):
        sample = PartSample(
            image, mask, scheme, frame=frame, group=group, split=person and split_of(person)
        )
        yield RawParts(sample, partial(_read_mask, mask, frame, scheme))


def _read_mask(path: Path, frame: int, scheme: PartScheme) -> RawMask:
    return numbers_of(load_clip_masks(path)[frame], scheme)
