"""Files into pixels: the one place where a picture is opened.

Out come upright (EXIF orientation applied) `(H, W, 3)` uint8 RGB arrays. Grey, 16-bit, CMYK and
alpha files are converted; files are only ever read. Of a file that holds several pictures (an
animated GIF, the pages of a TIFF) the first is taken.
"""

import os
import stat
from collections.abc import Collection
from pathlib import Path

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "200000000")  # OpenCV reads it once, here

import cv2
import numpy as np

from pose_activity.annotations import jpeg
from pose_activity.annotations.drawing_mark import is_drawing, mark
from pose_activity.annotations.image_headers import Header, HeaderError, read_header
from pose_activity.annotations.palettes import palette_positions
from pose_activity.artifacts.atomic import write_bytes
from pose_activity.artifacts.names import shown

# What OpenCV's wheels decode, whatever the platform.
SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .apng .bmp .dib .webp .tif .tiff .gif .avif .avifs .mpo "
    ".jp2 .j2k .j2c .jpc .jpx .jpf .pbm .pgm .ppm .pnm .pam .pfm .sr .ras .hdr .pic".split()
)
_LIMIT = "OPENCV_IO_MAX_IMAGE_PIXELS"
MOST_PIXELS = int(os.environ[_LIMIT])
_MOST_BYTES = 2**30
_DEEP = ("png", "tiff", "pnm", "pfm", "jp2")  # may have more than 8 bits
_REDUCED = {  # by which number a JPEG's sides are divided while it is decoded
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
}
_OVERSHOOT = 1.02  # of white, where a compression that loses something swings
_DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras and scanners fill


class ImageError(ValueError):
    """A picture cannot be read; the message says which and why."""


class DamagedError(ImageError):
    """A picture can be decoded, but part of its data is lost."""


def load_rgb(path: Path) -> np.ndarray:
    """Reads a picture.

    Args:
        path: An image file.

    Returns:
        `(H, W, 3)` uint8 RGB, upright. More bits become 8, by the range that they fill; alpha is
        dropped, not blended.

    Raises:
        ImageError: missing, empty, truncated, damaged, not an image, not a regular file, or over
            `MOST_PIXELS`.
    """
    return _load(path, thorough=False)


def decode_rgb(data: bytes, name: str, *, longest: int) -> np.ndarray:
    """Decodes a picture that is no file, as `load_rgb` does.

    Args:
        data: Of an image file.
        name: What messages call it.
        longest: Pixels that its longer side may have.

    Returns:
        `(H, W, 3)` uint8 RGB, upright.

    Raises:
        ImageError: as for `load_rgb`, or a longer side.
    """
    header = _check_header(Path(name), data)
    if max(header.size) > longest:
        raise ImageError(
            f"{name}: a side may have {longest:,} pixels. Received: {header.width}x{header.height}"
        )
    return _decode_upright(Path(name), data, header, thorough=False)


def load_small_grey(path: Path, shorter: int) -> np.ndarray:
    """Reads a picture at about a small size, a JPEG several times as fast as `load_rgb`.

    Args:
        path: An image file.
        shorter: The shorter side is at least so many pixels, unless the picture has fewer.

    Returns:
        `(h, w)` uint8 grey, upright.

    Raises:
        ImageError: as for `load_rgb`, but that damage within the data goes unnoticed.
    """
    data, header = _read(path)
    fits = min(header.width, header.height) // max(shorter, 1)
    scale = next((number for number in _REDUCED if number <= fits), 1)
    flags = _REDUCED.get(scale, cv2.IMREAD_GRAYSCALE) | cv2.IMREAD_IGNORE_ORIENTATION
    image = _decode(path, data, flags)
    return image if header.kind == "tiff" else _turn(image, header.orientation)


def load_numbers(path: Path) -> np.ndarray:
    """Reads a mask: a picture whose pixels are numbers, not grey values.

    Args:
        path: A file of a format without loss, such as PNG, with one channel or a palette, whose
            positions are then the numbers.

    Returns:
        `(H, W)` uint8, as stored.

    Raises:
        ImageError: as for `load_rgb`, or it has colours, or numbers above 255.
    """
    data, header = _read(path)
    numbers = _decode(path, data, cv2.IMREAD_UNCHANGED)
    if header.kind == "png" and numbers.ndim == 3:
        numbers = palette_positions(data, numbers)
    if header.kind == "jpeg" or numbers.ndim != 2 or numbers.dtype.kind != "u":
        raise ImageError(
            f"{path}: a mask of class numbers must have one channel of whole numbers, in a format "
            f"without loss such as PNG. Received: {header.kind}, {numbers.shape} {numbers.dtype}"
        )
    if numbers.max() > 255:
        raise ImageError(f"{path}: class numbers must be at most 255. Received: {numbers.max()}")
    return numbers.astype(np.uint8)


def check_image(path: Path) -> tuple[int, int]:
    """Decodes a picture to see whether all of it is there, with more care than `load_rgb` takes.

    Returns:
        (width, height) in pixels of the upright picture.

    Raises:
        ImageError: as for `load_rgb`, or its name is not UTF-8.
    """
    check_name(path)
    height, width = _load(path, thorough=True).shape[:2]
    return width, height


def check_name(path: Path) -> None:
    """Raises ImageError where a picture's name is not UTF-8."""
    if shown(path) != str(path):
        raise ImageError(f"{shown(path)}: the file's name is not UTF-8. Rename it")


def read_size(path: Path) -> tuple[int, int]:
    """Returns (width, height) in pixels of the upright picture, from its header alone.

    Raises:
        ImageError: missing, empty, truncated, not an image, not a regular file, over `MOST_PIXELS`,
            or its name is not UTF-8.
    """
    check_name(path)
    return _read(path)[1].size


def holds_several(path: Path) -> bool:
    """Returns whether a file holds more than one picture; False if it cannot be read."""
    try:
        return _read(path)[1].several
    except ImageError:
        return False


def check_picture(array: np.ndarray) -> np.ndarray:
    """Checks an array that a caller gave as a picture, and returns it contiguous.

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
    """Returns whether the name looks like a picture's; hidden files do not."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def write_drawing(path: Path, image: np.ndarray) -> None:
    """Writes a JPEG or PNG that `find_images` skips: a drawing of results is not an input."""
    write_bytes(path, mark(_encode(path.suffix, image)))


def find_images(folder: Path) -> list[Path]:
    """Returns all pictures below `folder`, sorted, without what this project drew."""
    return [path for path in find_files(folder, SUFFIXES) if not is_drawing(path)]


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


def _decode(path: Path, data: bytes, flags: int) -> np.ndarray:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f"{path}: cannot be decoded ({error.err})") from None
    if image is None:
        raise ImageError(f"{path}: not a picture, or a damaged one ({len(data)} bytes)")
    return image


def _load(path: Path, *, thorough: bool) -> np.ndarray:
    data, header = _read(path)
    return _decode_upright(path, data, header, thorough=thorough)


def _decode_upright(path: Path, data: bytes, header: Header, *, thorough: bool) -> np.ndarray:
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    if header.kind in _DEEP:
        flags |= cv2.IMREAD_ANYDEPTH
    image = _decode(path, data, flags)
    if header.kind == "jpeg" and jpeg.is_damaged(data, image, thorough=thorough):
        raise DamagedError(
            f"{path}: the JPEG is damaged: a part of its data is lost, and the decoder made it up. "
            "Take another copy of the file"
        )
    image = cv2.cvtColor(_to_8_bits(image, header.top), cv2.COLOR_BGR2RGB)
    if header.kind != "tiff":  # Those libtiff turns.
        image = _turn(image, header.orientation)
    if image.shape[1::-1] != header.size:
        width, height = header.size
        raise ImageError(
            f"{path}: not a picture, or a damaged one: its header says {width}x{height} pixels, "
            f"and {image.shape[1]}x{image.shape[0]} were decoded"
        )
    return image


def _read(path: Path) -> tuple[bytes, Header]:
    """Reads a file and its header, and refuses a file that is too large or incomplete."""
    data = _read_bytes(path)
    return data, _check_header(path, data)


def _check_header(path: Path, data: bytes) -> Header:
    try:
        header = read_header(data)
    except HeaderError as error:
        raise ImageError(f"{path}: not a picture, or a damaged one: {error}") from None
    if header.width * header.height > MOST_PIXELS:
        raise ImageError(
            f"{path}: a picture may have {MOST_PIXELS:,} pixels. Received: {header.width}x"
            f"{header.height}. Make it smaller, or set the environment variable {_LIMIT}"
        )
    if len(data) < header.length:
        raise ImageError(f"{path}: the file is truncated (its end is missing)")
    return header


def _read_bytes(path: Path) -> bytes:
    try:
        # Without O_NONBLOCK a named pipe would wait for somebody to write into it.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(path, flags), "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise ImageError(f"{path}: cannot be opened (it is not a regular file)")
            if facts.st_size > _MOST_BYTES:
                raise ImageError(
                    f"{path}: a picture's file may have {_MOST_BYTES:,} bytes. "
                    f"Received: {facts.st_size:,}. Store it compressed or make it smaller"
                )
            data = file.read(facts.st_size)  # which is all that is set aside for them
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        reason = error.strerror if isinstance(error, OSError) else error
        raise ImageError(f"{path}: cannot be opened ({reason})") from None
    if not data:
        raise ImageError(f"{path}: the file is empty")
    return data


def _to_8_bits(image: np.ndarray, top: int | None) -> np.ndarray:
    """Scales what has more than 8 bits to uint8.

    White is `top`, where the file says it; else the most that the fewest bits of `_DEPTHS` that
    hold the largest value can say. Fractions up to 1 are taken as such.
    """
    if image.dtype == np.uint8 and top in (None, 255):
        return image
    if image.dtype.kind == "f":
        image = np.nan_to_num(image, nan=0.0, posinf=0.0, neginf=0.0)
    largest = float(image.max())
    if top is None:
        fits = (2**bits - 1 for bits in _DEPTHS if largest <= _OVERSHOOT * (2**bits - 1))
        top = 1 if image.dtype.kind == "f" and largest <= 1 else next(fits, 0)
    scaled = image * (np.float32(255) / np.float32(top or largest))
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)


def _turn(image: np.ndarray, orientation: int) -> np.ndarray:
    """Returns a picture upright, given its orientation as in EXIF."""
    if orientation in (5, 6, 7, 8):
        image = cv2.transpose(image)
    code = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return image if code is None else cv2.flip(image, code)
