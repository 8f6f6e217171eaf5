"""3DPeople (Pumarola et al., ICCV 2019) as it is published: rendered people with their body parts.

    rgb/woman17/02_04_jump/camera01/TEXTURES/0001.jpg
    segmentation_body/woman17/02_04_jump/camera01/0001.png       colours of body parts
    segmentation_clothes/woman17/02_04_jump/camera01/0001.png    grey 153 where nobody is
    skeleton/woman17/02_04_jump/camera01/0001.txt                not read here

A group is a person: cameras and actions of one are never on two sides of a split. Its official
test is the characters 34 to 40 of each sex.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from pose_activity.annotations.colour_table import read_colour_table, table_of
from pose_activity.annotations.images import find_files, load_rgb
from pose_activity.annotations.parts import PARTS15
from pose_activity.annotations.raw_parts import RawParts, read_colours
from pose_activity.annotations.text import preview
from pose_activity.annotations.types import PartSample

IMAGES, BODY, CLOTHES = "rgb", "segmentation_body", "segmentation_clothes"
_PERSON = re.compile(r"(man|woman)(\d+)", re.IGNORECASE)
_TEST = range(34, 41)
_NOBODY = 153  # each channel


def read_people3d(
    folder: Path,
    *,
    colours: Path | None = None,
    tolerance: int = 0,
    every: int = 1,
    on_note: Callable[[str], None] | None = None,
) -> Iterator[RawParts]:
    """Reads the data set.

    Args:
        folder: Holds `rgb/` and `segmentation_body/`.
        colours: A colour table's file, where the data set's own colours are not the usual ones:
            its two published sources swap those of the left thigh and lower leg.
        tolerance: Of colours, see `ColourTable.decode`.
        every: Takes every so many frames of a clip; neighbours look alike.
        on_note: Called with a note on images that are not in a clip's folder.

    Returns:
        One item per image, sorted by path; characters 34 to 40 have the split "test".

    Raises:
        ValueError: folders are missing, there are no images in them, or a bad colour table.
    """
    for name in (IMAGES, BODY):
        if not (folder / name).is_dir():
            raise ValueError(
                f"{folder}: must hold the folders {IMAGES} and {BODY} of 3DPeople. Missing: {name}"
            )
    table = table_of(PARTS15) if colours is None else read_colour_table(colours, PARTS15)
    images = find_files(folder / IMAGES, {".jpg", ".jpeg", ".png"})
    clips: dict[Path, list[Path]] = {}
    stray = []
    for image in images:
        parts = image.relative_to(folder / IMAGES).parts
        if len(parts) < 4:
            stray.append(image.name)
            continue
        clips.setdefault(Path(*parts[:3]), []).append(image)
    if not clips:
        raise ValueError(
            f"{folder / IMAGES}: must hold PERSON/ACTION/CAMERA/TEXTURES/0001.jpg. "
            f"It holds: {preview([str(path.relative_to(folder)) for path in images[:3]])}"
        )
    if stray and on_note:
        on_note(f"{len(stray):,} images are in no clip's folder: {preview(stray)}.")
    for clip, frames in clips.items():
        has_clothes = (folder / CLOTHES / clip).is_dir()
        for image in frames[:: max(1, every)]:
            mask = folder / BODY / clip / f"{image.stem}.png"
            clothes = folder / CLOTHES / clip / f"{image.stem}.png"
            person = clip.parts[0]
            yield RawParts(
                PartSample(image, mask, PARTS15, group=person, split=split_of(person)),
                partial(read_colours, mask, table, tolerance),
                partial(_read_person, clothes) if has_clothes else None,
            )


def split_of(person: str) -> str | None:
    """Returns "test" for a person of the official test, "train" for others, None if unknown."""
    match = _PERSON.match(person)
    return match and ("test" if int(match[2]) in _TEST else "train")


def clip_name(image: Path) -> str:
    """Returns what an image's clip is called in an archive: `woman17__02_04_jump_camera01`."""
    person, action, camera = image.parts[-5:-2]
    return f"{person}__{action}_{camera}"


def _read_person(path: Path) -> np.ndarray:
    return np.any(load_rgb(path) != _NOBODY, axis=2)
