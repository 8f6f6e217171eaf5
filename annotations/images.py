"""Files into pixels: the one place where a picture is opened.

Out come upright (EXIF orientation applied) `(H, W, 3)` uint8 RGB arrays. Grey, 16-bit, CMYK and
alpha files are converted; files are only ever read.
"""

import os
import re
import warnings
from collections.abc import Callable, Collection
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import cv2
import numpy as np

from annotations.products import is_product, mark
from artifacts.atomic import write_bytes
from artifacts.names import shown

if TYPE_CHECKING:
    from PIL import Image

# What OpenCV's wheels decode, whatever the platform.
SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .apng .bmp .dib .webp .tif .tiff .gif .avif .avifs .mpo "
    ".jp2 .j2k .j2c .jpc .jpx .jpf .pbm .pgm .ppm .pnm .pam .pfm .sr .ras .hdr .pic".split()
)
_TAIL = 65536
_JPEG, _JPEG_SCAN, _JPEG_END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
_PNG, _PNG_END = b"\x89P", b"IEND"
# In compressed data 0xff is followed by 0 (stuffing) or by a restart marker.
_JPEG_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
_MOST_PIXELS = 2**30
_XMP = ("xmp", "XML:com.adobe.xmp")
_PILLOW = Lock()


class ImageError(ValueError):
    """A picture cannot be read; the message says which and why."""


def load_rgb(path: Path) -> np.ndarray:
    """Reads a picture.

    Args:
        path: An image file.

    Returns:
        `(H, W, 3)` uint8 RGB, upright. 16 bits become 8; alpha is dropped, not blended.

    Raises:
        ImageError: missing, empty, truncated or no picture, or over OpenCV's limit of 2**30 pixels.
    """
    data = _read_bytes(path)
    _check_complete(path, data[:2], data[-_TAIL:], lambda: data)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ImageError(f"{path}: cannot be decoded ({error.err})") from None
    if image is None:
        raise ImageError(f"{path}: not a picture, or a damaged one ({len(data)} bytes)")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def read_size(path: Path) -> tuple[int, int]:
    """Returns (width, height) in pixels of the upright picture, from its header alone.

    Raises:
        ImageError: missing, empty, truncated or no picture, or over OpenCV's limit of 2**30 pixels.
    """
    from PIL import Image

    if shown(path) != str(path):
        raise ImageError(f"{shown(path)}: the file's name is not UTF-8. Rename it")
    head, tail = _read_ends(path)
    _check_complete(path, head, tail, lambda: _read_bytes(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with _open_header(path) as image:
                width, height = image.size
                # Its own method decodes a whole PNG to look for EXIF behind the pixels.
                late = b"eXIf" in tail
                for name in _XMP:  # OpenCV does not look there.
                    image.info.pop(name, None)
                exif = image.getexif() if late else Image.Image.getexif(image)
                turned = exif.get(0x0112, 1) in (5, 6, 7, 8)
                if image.format == "TIFF":  # Of these Pillow turns the size by itself.
                    width, height = image.tag_v2[256], image.tag_v2[257]  # type: ignore[attr-defined]
    except (OSError, ValueError, KeyError, SyntaxError, Image.DecompressionBombError) as error:
        raise ImageError(f"{path}: not a picture, or a damaged one ({error})") from None
    return (height, width) if turned else (width, height)


def _open_header(path: Path) -> "Image.Image":
    """Opens a picture without decoding it, up to the number of pixels that OpenCV decodes."""
    from PIL import Image

    with _PILLOW:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = _MOST_PIXELS // 2  # Pillow refuses twice this number.
        try:
            return Image.open(path)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def check_picture(array: np.ndarray) -> np.ndarray:
    """Returns an array that somebody handed over as a picture, contiguous.

    Raises:
        ValueError: it is not `(H, W, 3)` uint8, or empty.
    """
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or not array.size:
        raise ValueError(
            "A picture as an array must be (H, W, 3) uint8 RGB. "
            f"Received: {array.shape} {array.dtype}"
        )
    return np.ascontiguousarray(array)


def write_image(path: Path, image: np.ndarray) -> None:
    """Writes `(H, W, 3)` uint8 RGB in the format of `path`'s suffix, whole or not at all."""
    write_bytes(path, _encode(path.suffix, image))


def is_image(path: Path) -> bool:
    """Tells whether the name looks like a picture's; hidden files do not."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def write_drawing(path: Path, image: np.ndarray) -> None:
    """Writes a JPEG or PNG that `find_images` leaves out: it shows answers, it is no input."""
    write_bytes(path, mark(_encode(path.suffix, image)))


def find_images(folder: Path) -> list[Path]:
    """Returns all pictures below `folder`, sorted, without what this project drew."""
    return [path for path in find_files(folder, SUFFIXES) if not is_product(path)]


def find_files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """Returns all files below `folder` with one of some suffixes, sorted; hidden ones are not.

    Linked folders are followed, hidden ones (`.thumbnails`) are passed over.
    """
    return [path for path in walk_files(folder) if path.suffix.lower() in suffixes]


def walk_files(folder: Path) -> list[Path]:
    """Returns all regular files below `folder`, as `find_files` does.

    Raises:
        ValueError: a folder inside cannot be looked into; its files would be missing in silence.
    """
    found, seen = [], set()
    for name, folders, files in os.walk(folder, followlinks=True, onerror=_refuse_folder):
        here = os.path.realpath(name)
        folders[:] = [] if here in seen else [f for f in folders if not f.startswith(".")]
        if here not in seen:
            found += [Path(name, file) for file in files if not file.startswith(".")]
        seen.add(here)
    return sorted(path for path in found if path.is_file())


def _refuse_folder(error: OSError) -> None:
    raise ValueError(
        f"{error.filename}: the folder cannot be looked into ({error.strerror}). Change its "
        "permissions, or move it away."
    )


def _encode(suffix: str, image: np.ndarray) -> bytes:
    return cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: cannot be opened ({error.strerror})") from None


def _read_ends(path: Path) -> tuple[bytes, bytes]:
    try:
        with path.open("rb") as file:
            head = file.read(2)
            file.seek(max(0, path.stat().st_size - _TAIL))
            return head, file.read()
    except OSError as error:
        raise ImageError(f"{path}: cannot be opened ({error.strerror})") from None


def _check_complete(path: Path, head: bytes, tail: bytes, whole: Callable[[], bytes]) -> None:
    """Refuses empty and truncated files: decoders would fill what is missing with grey.

    What a camera appends behind the picture is allowed. The tail decides where it can: compressed
    data never holds a JPEG's end marker. Elsewhere, `whole` reads all bytes.
    """
    if not head:
        raise ImageError(f"{path}: the file is empty")
    if head == _JPEG:
        complete = tail.rfind(_JPEG_END) > tail.rfind(_JPEG_SCAN) or _has_jpeg_end(whole())
    elif head == _PNG:
        complete = _PNG_END in tail or _PNG_END in whole()
    else:
        return
    if not complete:
        raise ImageError(f"{path}: the file is truncated (its end marker is missing)")


def _has_jpeg_end(data: bytes) -> bool:
    """Walks from marker to marker up to the end of the first picture in a JPEG file."""
    position = 2
    while found := _JPEG_MARKER.search(data, position):
        if found[0][-1:] == _JPEG_END[1:]:
            return True
        length = int.from_bytes(data[found.end() : found.end() + 2])
        position = found.end() + length
    return False
