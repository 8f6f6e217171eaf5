"""A JPEG's markers, and whether its compressed data were damaged.

Where bytes in the middle of a JPEG are wrong, libjpeg fills in grey or continues with other colours
and other places; that it warns of it does not get through OpenCV. But a decoder that lost its place
either runs out of data before the picture is full, or has data left when it is. Both are found by
changing bytes that a whole picture does not, or does, depend on, and decoding again:

* Bytes after the data are never checked, unless the decoder ran out of data.
* The last bytes of the data decide the last pixels, unless the decoder was done before them.

So damage is found that moves the end of the data by `_TAIL` bytes or more, of each piece between
restart markers; a progressive file is checked for the first kind only. Source of the format:
ITU T.81, B.1.
"""

import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import NamedTuple

import cv2
import numpy as np

SOI, EOI, SOS, DRI, EXIF = 0xD8, 0xD9, 0xDA, 0xDD, 0xE1
SOFS = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_ONE_SCAN = (0xC0, 0xC1)  # sequential
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_RESTARTS = range(0xD0, 0xD8)
_SEEDS = ((0xB7, 37), (0x6D, 91), (0xDA, 53))
# Not what a decoder makes up, which is zeros; no 0xff among them.
_JUNK = tuple(bytes((i * i * k + first) % 251 for i in range(64)) for first, k in _SEEDS)
_TAIL = 3  # bytes at the end of the data that are changed
_SHORTEST = 8  # bytes of a piece whose end is worth checking
_MASKS = (b"\xff\xff\xff", b"\x5a\xc3\x69", b"\xa7\x1d\xb2", b"\x3c\x96\xe5")
_GREY = 128
_TIFF_BITS, _TIFF_DATA = 136, 144  # where the header ends, and where the data begin
_quiet_lock = Lock()
_quiet_users: list[int] = []


class Segment(NamedTuple):
    """A marker and its content, `data[start:stop]`, without the length."""

    marker: int
    start: int
    stop: int


class Scan(NamedTuple):
    """The compressed data of one scan: its header, and the pieces between restart markers.

    `restarts` are the numbers of these markers.
    """

    header: Segment
    pieces: list[tuple[int, int]]
    restarts: list[int]


class _Frame(NamedTuple):
    """What the picture's header says; `start` is where."""

    start: int
    marker: int
    width: int
    height: int
    sampling: list[tuple[int, int]]  # horizontal, vertical; of each component

    @property
    def block(self) -> tuple[int, int]:
        """(width, height) in pixels of what is coded together."""
        if len(self.sampling) == 1:
            return 8, 8
        return 8 * max(h for h, _ in self.sampling), 8 * max(v for _, v in self.sampling)

    @property
    def across(self) -> int:
        """Number of blocks in a row."""
        return -(-self.width // self.block[0])

    @property
    def down(self) -> int:
        """Number of rows of blocks."""
        return -(-self.height // self.block[1])

    def place(self, number: int) -> tuple[slice, slice]:
        """Returns where in the picture a block is."""
        (wide, high), (y, x) = self.block, divmod(number, self.across)
        return np.s_[y * high : (y + 1) * high, x * wide : (x + 1) * wide]


_Places = Mapping[tuple[int, int], tuple[slice, slice]]  # piece -> where its last block is


def segments(data: bytes) -> Iterator[Segment | Scan]:
    """Yields the parts of the first picture in a JPEG file, up to its end marker or what is there.

    Nothing is decoded, and nothing is raised for data that make no sense.
    """
    position = 2
    while found := _MARKER.search(data, position):
        marker, start = found[0][1], found.end()
        if marker == EOI:
            yield Segment(EOI, start, start)
            return
        if marker in _RESTARTS or marker in (0x01, SOI):  # without a content
            position = start
            continue
        position = start + int.from_bytes(data[start : start + 2])
        segment = Segment(marker, start + 2, min(position, len(data)))
        if marker == SOS:
            scan, position = _read_scan(data, segment, position)
            yield scan
        else:
            yield segment


def has_end(data: bytes) -> bool:
    """Returns whether the first picture in a JPEG file reaches its end marker."""
    return any(isinstance(part, Segment) and part.marker == EOI for part in segments(data))


def is_damaged(data: bytes, image: np.ndarray, *, thorough: bool) -> bool:
    """Returns whether a decoder lost its place in the compressed data.

    Args:
        data: A JPEG file.
        image: `(H, W, 3)` uint8 BGR, what OpenCV decoded it to, not turned.
        thorough: Whether a picture is decoded twice more instead of once, which also finds data
            that end within the last block.
    """
    parts = list(segments(data))
    scans = [part for part in parts if isinstance(part, Scan)]
    frames = [p for p in parts if isinstance(p, Segment) and p.marker in SOFS]
    if not frames or not scans:
        return False
    frame = _read_frame(data, frames[0])
    single = len(scans) == 1 and frame.marker in _ONE_SCAN
    interval = _restart_interval(data, parts)
    with _quiet():
        if not _is_suspect(data, image, frame, scans, single, interval, thorough):
            return False
        if single:  # The end may decide pixels beyond the edge only: let them be seen.
            data, frame = _fill_up(data, frame)
        whole = _decode(data, frame)
        if whole is None:
            return False
        if _ran_out(data, whole, frame, scans):
            return True
        return single and (
            _lacks_restarts(frame, scans[0], interval)
            or bool(_where_done(data, whole, frame, scans[0], interval, _MASKS))
        )


def _is_suspect(
    data: bytes,
    image: np.ndarray,
    frame: _Frame,
    scans: Sequence[Scan],
    single: bool,
    interval: int,
    thorough: bool,
) -> bool:
    """Looks for damage at the price of one more decoding of most pictures, two if thorough."""
    if single and interval and _lacks_restarts(frame, scans[0], interval):
        return True
    # A sequential decoder fills what is missing with grey.
    if (image[-1, -1] == _GREY).all():
        return True
    needed = thorough or interval or not single
    if needed and _ran_out(data, image, frame, scans, _JUNK[:1]):
        return True
    return single and bool(_where_done(data, image, frame, scans[0], interval, _MASKS[:1]))


def _ran_out(
    data: bytes,
    image: np.ndarray,
    frame: _Frame,
    scans: Sequence[Scan],
    junks: Sequence[bytes] = _JUNK,
) -> bool:
    """Returns whether the bytes after the compressed data make a difference."""
    for junk in junks:
        longer, position = [], 0
        for stop in (stop for scan in scans for _, stop in scan.pieces):
            longer += [data[position:stop], junk]
            position = stop
        probe = _decode(b"".join([*longer, data[position:]]), frame)
        if probe is None:
            return False
        if not np.array_equal(probe, image):
            return True
    return False


def _lacks_restarts(frame: _Frame, scan: Scan, interval: int) -> bool:
    """Returns whether a restart marker is missing, or out of its turn."""
    if not interval:
        return False
    due = -(-frame.across * frame.down // interval) - 1
    return scan.restarts[:due] != [number % 8 for number in range(due)]


def _where_done(
    data: bytes,
    image: np.ndarray,
    frame: _Frame,
    scan: Scan,
    interval: int,
    masks: Sequence[bytes],
) -> _Places:
    """Returns the pieces whose last bytes make no difference to their last pixels."""
    count = frame.across * frame.down
    interval = interval or count
    if len(scan.pieces) != -(-count // interval):
        return {}
    places = {
        piece: frame.place(min(number * interval, count) - 1)
        for number, piece in enumerate(scan.pieces, 1)
        if piece[1] - piece[0] >= _SHORTEST
    }
    return _unchanged(data, image, frame, places, masks)


def _unchanged(
    data: bytes, image: np.ndarray, frame: _Frame, places: _Places, masks: Sequence[bytes]
) -> _Places:
    """Returns which pieces' places look the same whatever the pieces' last bytes are."""
    for mask in masks:
        probe = _decode(_change_ends(data, places, mask), frame)
        if probe is None or probe.shape != image.shape:
            return {}
        places = {p: at for p, at in places.items() if np.array_equal(probe[at], image[at])}
        if not places:
            break
    return places


def _fill_up(data: bytes, frame: _Frame) -> tuple[bytes, _Frame]:
    """Returns the file with a size that ends where its last blocks do."""
    width, height = frame.across * frame.block[0], frame.down * frame.block[1]
    if max(width, height) > 0xFFFF:
        return data, frame
    size = struct.pack(">HH", height, width)
    full = frame._replace(width=width, height=height)
    return data[: frame.start + 1] + size + data[frame.start + 5 :], full


def _change_ends(data: bytes, pieces: Iterable[tuple[int, int]], mask: bytes) -> bytes:
    changed = bytearray(data)
    for _, stop in pieces:
        for i in range(_TAIL):
            byte = changed[stop - _TAIL + i] ^ mask[i]
            changed[stop - _TAIL + i] = min(byte, 0xFE)  # no marker
    return bytes(changed)


def _restart_interval(data: bytes, parts: Sequence[Segment | Scan]) -> int:
    """Returns how many blocks a piece has; 0: there is one piece."""
    found = [p for p in parts if isinstance(p, Segment) and p.marker == DRI]
    return int.from_bytes(data[found[-1].start : found[-1].stop]) if found else 0


def _decode(data: bytes, frame: _Frame) -> np.ndarray | None:
    """Decodes a JPEG as the only strip of a TIFF file: libtiff's warnings can be silenced."""
    count = len(frame.sampling)
    horizontal, vertical = frame.sampling[0] if count > 1 else (1, 1)
    tags = [
        (256, 4, 1, frame.width),
        (257, 4, 1, frame.height),
        (258, 3, count, 8 if count == 1 else _TIFF_BITS),
        (259, 3, 1, 7),  # compression: JPEG
        (262, 3, 1, {1: 1, 3: 6, 4: 5}.get(count, 6)),  # grey, YCbCr or CMYK
        (273, 4, 1, _TIFF_DATA),
        (277, 3, 1, count),
        (278, 4, 1, frame.height),
        (279, 4, 1, len(data)),
        (530, 3, 2, horizontal | vertical << 16),
    ]
    head = struct.pack("<4sIH", b"II*\0", 8, len(tags))
    head += b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    head = head.ljust(_TIFF_BITS, b"\0") + struct.pack("<4H", 8, 8, 8, 8)
    file = np.frombuffer(head + data, np.uint8)
    try:
        return cv2.imdecode(file, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences OpenCV's log, in all threads, while a changed file is decoded in one."""
    logging = cv2.utils.logging
    with _quiet_lock:
        _quiet_users.append(logging.setLogLevel(logging.LOG_LEVEL_SILENT))
    try:
        yield
    finally:
        with _quiet_lock:
            level = _quiet_users[0]
            _quiet_users.pop()
            if not _quiet_users:
                logging.setLogLevel(level)


def _read_scan(data: bytes, header: Segment, start: int) -> tuple[Scan, int]:
    """Returns the scan whose compressed data are at `start`, and where the next marker is."""
    scan = Scan(header, [], [])
    for found in _MARKER.finditer(data, start):
        scan.pieces.append((start, found.start()))
        if found[0][1] not in _RESTARTS:
            return scan, found.start()
        scan.restarts.append(found[0][1] - _RESTARTS[0])
        start = found.end()
    scan.pieces.append((start, len(data)))
    return scan, len(data)


def _read_frame(data: bytes, segment: Segment) -> _Frame:
    _, height, width, count = struct.unpack_from(">BHHB", data, segment.start)
    pairs = [data[segment.start + 7 + 3 * i] for i in range(count)]
    sampling = [(pair >> 4, pair & 15) for pair in pairs]
    return _Frame(segment.start, segment.marker, width, height, sampling)
