"""A folder of images and one of masks: `masks/DEEPER/NAME.png` belongs to `images/DEEPER/NAME.jpg`.

A mask is a picture or array of class numbers (.png with one channel or a palette, .npy, .mat), or a
picture of colours with a table of what they mean. Where the images' folder has `train`, `val` and
`test` in it, they are the splits.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from pose_activity.annotations.colour_table import ColourTable, read_colour_table
from pose_activity.annotations.images import SUFFIXES
from pose_activity.annotations.media import find_media
from pose_activity.annotations.parts import PARTS15, PartScheme
from pose_activity.annotations.raw_parts import (
    RawMask,
    RawParts,
    numbers_of,
    read_colours,
    read_numbers,
)
from pose_activity.annotations.readers.matlab import load_mat
from pose_activity.annotations.readers.name_patterns import compile_pattern, find_part
from pose_activity.annotations.text import preview
from pose_activity.annotations.types import SPLITS, PartSample

IMAGES, MASKS = "images", "masks"
_ARRAYS = (".npy", ".mat")


def read_part_folder(
    images: Path,
    masks: Path | None = None,
    *,
    scheme: PartScheme = PARTS15,
    colours: Path | None = None,
    tolerance: int = 0,
    group_pattern: str | None = None,
    on_note: Callable[[str], None] | None = None,
    on_unread: Callable[[Sequence[Path]], None] = lambda paths: None,
) -> Iterator[RawParts]:
    """Reads a folder of images and one of masks.

    Args:
        images: The folder of the images; without `masks` one that holds `images/` and `masks/`.
        masks: The folder of the masks.
        scheme: The classes of the masks.
        colours: A colour table's file (see `colour_table`); None: masks hold class numbers.
        tolerance: Of colours, see `ColourTable.decode`.
        group_pattern: Regular expression with a named group `group`, searched in each file name;
            images with the same text there stay on one side of a split. A name that does not match
            is a group of its own.
        on_note: Called with a note on masks without an image.
        on_unread: Called with the pictures of a kind that is not read.

    Returns:
        One item per image, sorted by path. That of an image without a mask raises when its mask is
        read.

    Raises:
        ValueError: a folder is missing, no image has a mask, masks that differ in their ending
            alone, a bad pattern or a bad colour table.
    """
    pattern = compile_pattern("group_pattern", group_pattern, "group")
    if masks is None:
        images, masks = images / IMAGES, images / MASKS
    for folder in (images, masks):
        if not folder.is_dir():
            raise ValueError(
                f"{folder}: there is no such folder. Give the folder of the images and that of the "
                f"masks, or one that holds {IMAGES}/ and {MASKS}/."
            )
    table = None if colours is None else read_colour_table(colours, scheme)
    media = find_media(images, SUFFIXES, kinds=("picture",))
    on_unread(media.unread)
    by_name = _masks_by_name(masks)
    names = [path.relative_to(images).with_suffix("") for path in media.files]
    beside = [path.name for name, path in by_name.items() if name not in {*names}]
    if len(beside) == len(by_name):
        raise ValueError(
            f"{masks}: must hold masks that are called like the images in {images}, such as "
            f"{preview([f'{name.as_posix()}.png' for name in names[:2]])}. It holds: "
            f"{preview(beside)}"
        )
    if beside and on_note:
        on_note(f"{masks}: {len(beside):,} masks have no image: {preview(beside)}.")
    for name, image in zip(names, media.files, strict=True):
        mask = by_name.get(name, masks / f"{name.as_posix()}.png")
        split = name.parts[0] if name.parts[0] in SPLITS and len(name.parts) > 1 else None
        group = find_part(pattern, "group", image.name)
        sample = PartSample(image, mask, scheme, group=group, split=split)
        yield RawParts(sample, partial(read_mask_file, mask, scheme, table, tolerance))


def read_mask_file(
    path: Path, scheme: PartScheme, table: ColourTable | None, tolerance: int = 0
) -> RawMask:
    """Reads one mask of any of the formats.

    Raises:
        ValueError: the file is missing or cannot be read, or is no mask.
    """
    if not path.exists():
        raise ValueError(f"{path}: there is no such mask. Add it, or remove its image.")
    suffix = path.suffix.lower()
    if suffix in _ARRAYS:
        return numbers_of(
            _check(path, _load_npy(path) if suffix == ".npy" else _load(path)), scheme
        )
    if table is not None:
        return read_colours(path, table, tolerance)
    return read_numbers(path, scheme)


def _masks_by_name(folder: Path) -> dict[Path, Path]:
    """Returns name -> file, without the ending."""
    found: dict[Path, Path] = {}
    for path in find_media(folder, SUFFIXES | {*_ARRAYS}, kinds=("picture",)).files:
        name = path.relative_to(folder).with_suffix("")
        if name in found:
            raise ValueError(
                f"{folder}: an image must have one mask. Received: {found[name].name} and "
                f"{path.name}. Remove one of them."
            )
        found[name] = path
    return found


def _load_npy(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(
            f"{path}: not a NumPy array, or a pickled or damaged one ({error})."
        ) from None


def _load(path: Path) -> np.ndarray:
    """Returns the one array of a MATLAB file that may be a mask."""
    variables = load_mat(path, None)
    arrays = {
        name: value
        for name, value in variables.items()
        if isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind in "uif"
    }
    if len(arrays) != 1:
        raise ValueError(
            f"{path}: must hold one array of class numbers, (height, width). It holds: "
            f"{preview([*arrays]) if arrays else 'none'}"
        )
    return next(iter(arrays.values()))


def _check(path: Path, array: np.ndarray) -> np.ndarray:
    """Returns an array as uint8, `(h, w)`."""
    whole = array.dtype.kind in "uib" or (array.dtype.kind == "f" and np.all(array == array // 1))
    if array.ndim != 2 or not array.size or not whole or array.min() < 0 or array.max() > 255:
        raise ValueError(
            f"{path}: a mask must be (height, width) of whole numbers of 0 to 255. "
            f"Received: {array.shape} {array.dtype}"
        )
    return array.astype(np.uint8)
