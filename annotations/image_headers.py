"""What an image file's header says before any pixel is decoded: kind, size, orientation, length.

The only parser of headers, so that the size from a header and the decoded picture agree, in every
format that OpenCV's wheels decode. Sources: ITU T.81 (JPEG), PNG 3rd edition, TIFF 6.0 and BigTIFF,
RFC 9649 (WebP), GIF89a, ISO/IEC 23008-12 (AVIF), ITU T.800 (JPEG 2000), netpbm's manual pages.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pose_activity.annotations import jpeg

_ORIENTATION = 0x0112
_MOST_PAGES = 10_000
_MOST_PROFILE = 2**20  # bytes of an unpacked EXIF block
_TOO_SHORT = "it ends within its header"


class HeaderError(ValueError):
    """The bytes are not an image of a kind that can be read; the message says why."""


@dataclass(frozen=True)
class Header:
    """What a picture's header says.

    Attributes:
        kind: "jpeg", "png", "bmp", "webp", "tiff", "gif", "avif", "jp2", "pnm", "pfm", "sun" or
            "hdr".
        width: In pixels, as stored.
        height: The same.
        orientation: As in EXIF, 1 to 8: how the stored picture is to be turned.
        length: How many bytes the file must have at least.
        several: Whether it holds more pictures than the first.
        top: The value of white, if the header gives it.
    """

    kind: str
    width: int
    height: int
    orientation: int = 1
    length: int = 0
    several: bool = False
    top: int | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the upright picture."""
        turned = self.orientation >= 5
        return (self.height, self.width) if turned else (self.width, self.height)


def read_header(data: bytes) -> Header:
    """Reads the header of a picture file.

    Args:
        data: The whole file.

    Raises:
        HeaderError: it is not a picture, one of a kind that is not read, or it has no size.
    """
    parse = next((parse for start, parse in _PARSERS if start.match(data)), None)
    if parse is None:
        raise HeaderError(_describe_other(data))
    try:
        header = parse(data)
    except (struct.error, IndexError):
        raise HeaderError(_TOO_SHORT) from None
    if header.width < 1 or header.height < 1:
        raise HeaderError(f"it has {header.width}x{header.height} pixels")
    return header


def is_known(head: bytes) -> bool:
    """Returns whether a file that begins so claims to be a picture of a kind that is read."""
    return any(start.match(head) for start, _ in _PARSERS)


def _describe_other(data: bytes) -> str:
    for start, name in _OTHERS:
        if start.match(data):
            return f"it holds {name}, which is not read. Convert it to JPEG"
    return "its first bytes are of no kind of picture that is read"


def _read_jpeg(data: bytes) -> Header:
    orientation = 1
    for part in jpeg.segments(data):
        if not isinstance(part, jpeg.Segment) or part.marker == jpeg.EOI:
            break
        if part.marker == jpeg.EXIF and orientation == 1:
            orientation = _exif_orientation(data[part.start : part.stop])
        if part.marker in jpeg.SOFS:
            height, width = struct.unpack_from(">HH", data, part.start + 1)
            whole = jpeg.has_end(data)
            length = len(data) if whole else len(data) + 1
            return Header("jpeg", width, height, orientation, length)
    raise HeaderError(_TOO_SHORT)


def _read_png(data: bytes) -> Header:
    width, height = struct.unpack_from(">II", data, 16)
    orientation, frames, position = 0, 1, 8
    while position + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, position)
        body = data[position + 8 : position + 8 + size] if name in _PNG_TEXTS else b""
        position += 12 + size
        if name == b"eXIf":
            orientation = _exif_orientation(body)
        elif name == b"acTL":
            frames = int.from_bytes(body[:4])
        elif name in _PNG_TEXTS and not orientation:
            orientation = _exif_orientation(_raw_profile(name, body))
        if name == b"IEND":
            break
    else:
        position = len(data) + 1  # No end was reached.
    return Header("png", width, height, orientation or 1, position, frames > 1)


_PNG_TEXTS = (b"eXIf", b"acTL", b"tEXt", b"zTXt", b"iTXt")


def _raw_profile(name: bytes, body: bytes) -> bytes:
    """Returns the EXIF block that ImageMagick writes as a text of hexadecimal digits."""
    key, _, rest = body.partition(b"\0")
    if key not in (b"Raw profile type exif", b"Raw profile type APP1"):
        return b""
    packed = rest[:1] == b"\1" if name == b"iTXt" else name == b"zTXt"
    if name == b"iTXt":
        rest = rest[2:].split(b"\0", 2)[-1]
    elif packed:
        rest = rest[1:]
    try:
        text = zlib.decompressobj().decompress(rest, _MOST_PROFILE) if packed else rest
        return bytes.fromhex("".join(text.decode("ascii").split()[2:]))
    except (zlib.error, ValueError):
        return b""


def _read_bmp(data: bytes) -> Header:
    start, size = struct.unpack_from("<II", data, 10)
    if size == 12:  # OS/2
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        packing = 0
    else:
        width, height, _, bits, packing = struct.unpack_from("<iiHHI", data, 18)
    row = (width * bits + 31) // 32 * 4
    pixels = abs(height) * row if packing in (0, 3) else 1
    return Header("bmp", width, abs(height), length=start + pixels)


def _read_webp(data: bytes) -> Header:
    length = 8 + int.from_bytes(data[4:8], "little")
    size, orientation, frames, position = None, 1, 0, 12
    while position + 8 <= min(length, len(data)):
        name, count = struct.unpack_from("<4sI", data, position)
        body = position + 8
        if name == b"VP8X":
            size = tuple(
                1 + int.from_bytes(data[body + i : body + i + 3], "little") for i in (4, 7)
            )
        elif name == b"VP8L" and size is None:
            bits = int.from_bytes(data[body + 1 : body + 5], "little")
            size = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        elif name == b"VP8 " and size is None:
            wide, high = struct.unpack_from("<HH", data, body + 6)
            size = wide & 0x3FFF, high & 0x3FFF
        elif name == b"EXIF":
            orientation = _exif_orientation(data[body : body + count])
        frames += name == b"ANMF"
        position = body + count + count % 2
    if size is None:
        raise HeaderError(_TOO_SHORT)
    width, height = size
    return Header("webp", width, height, orientation, length, frames > 1)


def _read_gif(data: bytes) -> Header:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    position, frames = 13 + _palette(flags), 0
    while position < len(data) and data[position] != 0x3B:
        if data[position] == 0x2C:
            frames += 1
            position += 10 + _palette(data[position + 9]) + 1
        elif data[position] == 0x21:
            position += 2
        else:
            break
        while position < len(data) and data[position]:
            position += 1 + data[position]
        position += 1
    if not frames:
        raise HeaderError("it holds no picture")
    return Header("gif", width, height, length=position + 1, several=frames > 1)


def _palette(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


class _Tag(NamedTuple):
    """An entry of a TIFF directory: the first value, and all of them if they were asked for."""

    value: int
    read_all: Callable[[], list[int]]


_FORMATS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}


def _directories(data: bytes) -> Iterator[dict[int, _Tag]]:
    """Yields the directories of a TIFF file: tag -> entry, of those with whole numbers."""
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack_from(f"{order}H", data, 2)[0] == 43
    count_format, entry, room, offset_format = ("Q", 20, 8, "Q") if big else ("H", 12, 4, "I")
    position = struct.unpack_from(f"{order}{offset_format}", data, 8 if big else 4)[0]
    seen: set[int] = set()
    while position and position not in seen and len(seen) < _MOST_PAGES:
        seen.add(position)
        (count,) = struct.unpack_from(f"{order}{count_format}", data, position)
        start = position + struct.calcsize(count_format)
        if start + count * entry > len(data):
            raise HeaderError(_TOO_SHORT)
        tags = (_read_tag(data, start + i * entry, order, room) for i in range(count))
        yield {number: tag for number, tag in tags if tag is not None}
        end = start + count * entry
        position = 0
        if end + struct.calcsize(offset_format) <= len(data):
            (position,) = struct.unpack_from(f"{order}{offset_format}", data, end)


def _read_tag(data: bytes, position: int, order: str, room: int) -> tuple[int, _Tag | None]:
    long = f"{order}{'Q' if room == 8 else 'I'}"
    number, kind = struct.unpack_from(f"{order}HH", data, position)
    (count,) = struct.unpack_from(long, data, position + 4)
    place = position + 4 + room
    if kind not in _FORMATS or not count:
        return number, None
    each = struct.calcsize(_FORMATS[kind])
    if count * each > room:
        (place,) = struct.unpack_from(long, data, place)
    if place + count * each > len(data):
        return number, None
    (value,) = struct.unpack_from(f"{order}{_FORMATS[kind]}", data, place)
    return number, _Tag(
        value, lambda: [*struct.unpack_from(f"{order}{count}{_FORMATS[kind]}", data, place)]
    )


def _read_tiff(data: bytes) -> Header:
    pages = _directories(data)
    first = next(pages, {})
    if 256 not in first or 257 not in first:
        raise HeaderError("it gives no size, or it is truncated")
    preview = 254 in first and first[254].value & 1
    if preview or 50706 in first or data[8:10] == b"CR":
        raise HeaderError("it is a camera's raw file, which is not read. Convert it to JPEG")
    length = 0
    for where, sizes in ((273, 279), (324, 325)):  # strips, tiles
        if where in first and sizes in first:
            pairs = zip(first[where].read_all(), first[sizes].read_all(), strict=False)
            length = max((start + count for start, count in pairs), default=0)
    try:
        several = any(not (254 in page and page[254].value & 1) for page in pages)
    except (HeaderError, struct.error):
        several = False  # Only the first picture is needed.
    orientation = _valid(first[_ORIENTATION].value) if _ORIENTATION in first else 1
    width, height = first[256].value, first[257].value
    return Header("tiff", width, height, orientation, length, several)


def _exif_orientation(block: bytes) -> int:
    """Returns the orientation of an EXIF block, whatever type of number it has; 1: none."""
    block = block.removeprefix(b"Exif\0\0")
    if block[:4] not in (b"II*\0", b"MM\0*"):
        return 1
    try:
        tags = next(_directories(block), {})
    except (HeaderError, struct.error):
        return 1
    return _valid(tags[_ORIENTATION].value) if _ORIENTATION in tags else 1


def _valid(orientation: int) -> int:
    return orientation if 1 <= orientation <= 8 else 1


def _read_avif(data: bytes) -> Header:
    top = {name: (start, stop) for name, start, stop in _boxes(data, 0, len(data))}
    start, stop = top.get(b"meta", (0, 0))
    inner = {name: (a, b) for name, a, b in _boxes(data, start + 4, stop)}
    a, b = inner.get(b"iprp", (0, 0))
    properties = next(((a, b) for name, a, b in _boxes(data, a, b) if name == b"ipco"), (0, 0))
    sizes, turns, mirror = [], 0, None
    for name, a, _ in _boxes(data, *properties):
        if name == b"ispe":
            sizes.append(struct.unpack_from(">II", data, a + 4))
        elif name == b"irot":
            turns = data[a] & 3
        elif name == b"imir":
            mirror = data[a] & 1
    if not sizes:
        raise HeaderError(_TOO_SHORT)
    length = max(stop for name, _, stop in _boxes(data, 0, len(data)))
    width, height = max(sizes)
    orientation = _AVIF_TURNS[turns, mirror]
    return Header("avif", width, height, orientation, length, data[8:12] == b"avis")


# (quarter turns anticlockwise, axis of the mirror that follows) -> orientation as in EXIF.
_AVIF_TURNS = {
    (0, None): 1,
    (1, None): 8,
    (2, None): 3,
    (3, None): 6,
    (0, 0): 4,
    (0, 1): 2,
    (1, 0): 5,
    (1, 1): 7,
    (2, 0): 2,
    (2, 1): 4,
    (3, 0): 7,
    (3, 1): 5,
}


def _boxes(data: bytes, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Yields (name, start of the content, end) of the boxes of an ISO file."""
    while start + 8 <= min(stop, len(data)):
        size, name = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            size, head = struct.unpack_from(">Q", data, start + 8)[0], 16
        size = size or stop - start
        if size < head:
            return
        yield name, start + head, start + size
        start += size


def _read_jp2(data: bytes) -> Header:
    siz = data.find(b"\xff\x4f\xff\x51")
    if siz < 0:
        raise HeaderError(_TOO_SHORT)
    right, bottom, left, upper = struct.unpack_from(">IIII", data, siz + 8)
    whole = data.rstrip(b"\0\r\n").endswith(b"\xff\xd9") or data.rfind(b"\xff\xd9") > siz
    return Header("jp2", right - left, bottom - upper, length=len(data) + (not whole))


_PNM_NUMBER = rb"(?:\s|#[^\n]*\n)+(\d+)"


def _read_pnm(data: bytes) -> Header:
    kind = data[1:2]
    needed = 2 if kind in b"14" else 3
    found = re.match(
        rb"P[1-6](?:(?:\s|#[^\n]*\n)+(\d+))" + rb"(?:(?:\s|#[^\n]*\n)+(\d+))" * (needed - 1), data
    )
    if found is None:
        raise HeaderError(_TOO_SHORT)
    width, height, top = (*map(int, found.groups()), 1)[:3]
    row = {b"4": -(-width // 8), b"5": width, b"6": 3 * width}.get(kind, 0)
    row *= 2 if top > 255 else 1
    return Header("pnm", width, height, length=found.end() + 1 + row * height, top=top)


def _read_pam(data: bytes) -> Header:
    head, end, _ = data[:4096].partition(b"ENDHDR\n")
    words = dict(line.split(None, 1) for line in head.split(b"\n")[1:] if len(line.split()) == 2)
    try:
        width, height, depth, top = (
            int(words[key]) for key in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL")
        )
    except (KeyError, ValueError):
        raise HeaderError(_TOO_SHORT) from None
    length = len(head) + len(end) + width * height * depth * (2 if top > 255 else 1)
    return Header("pnm", width, height, length=length, top=top)


def _read_pfm(data: bytes) -> Header:
    found = re.match(rb"P([Ff])\s+(\d+)\s+(\d+)\s+[-+.\deE]+\s", data)
    if found is None:
        raise HeaderError(_TOO_SHORT)
    width, height = int(found[2]), int(found[3])
    planes = 3 if found[1] == b"F" else 1
    return Header("pfm", width, height, length=found.end() + 4 * planes * width * height)


def _read_sun(data: bytes) -> Header:
    width, height, _, length, _, _, palette = struct.unpack_from(">7I", data, 4)
    return Header("sun", width, height, length=32 + palette + length)


def _read_hdr(data: bytes) -> Header:
    found = re.search(rb"\n-Y\s+(\d+)\s+\+X\s+(\d+)\s*\n", data[:65536])
    if found is None:
        raise HeaderError(_TOO_SHORT)
    return Header("hdr", int(found[2]), int(found[1]))


def _starts(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.DOTALL)


_PARSERS: list[tuple[re.Pattern[bytes], Callable[[bytes], Header]]] = [
    (_starts(rb"\xff\xd8"), _read_jpeg),
    (_starts(rb"\x89PNG\r\n\x1a\n"), _read_png),
    (_starts(rb"BM"), _read_bmp),
    (_starts(rb"RIFF....WEBP"), _read_webp),
    (_starts(rb"II[*+]\0|MM\0[*+]"), _read_tiff),
    (_starts(rb"GIF8[79]a"), _read_gif),
    (_starts(rb"....ftypavi[fs]"), _read_avif),
    (_starts(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"), _read_jp2),
    (_starts(rb"P[1-6][\s#]"), _read_pnm),
    (_starts(rb"P7\n"), _read_pam),
    (_starts(rb"P[Ff]\s"), _read_pfm),
    (_starts(rb"\x59\xa6\x6a\x95"), _read_sun),
    (_starts(rb"#\?(RADIANCE|RGBE)"), _read_hdr),
]
_OTHERS = [
    (_starts(rb"....ftyp(hei[cxms]|hev[cxms]|mif1|msf1)"), "HEIC"),
    (_starts(rb"....ftypcrx "), "a camera's raw picture"),
    (_starts(rb"....ftyp|\x1a\x45\xdf\xa3|RIFF....AVI "), "a video"),
    (_starts(rb"\0\0\0\x0cJXL |\xff\x0a"), "JPEG XL"),
    (_starts(rb"8BPS"), "a Photoshop document"),
    (_starts(rb"%PDF"), "a PDF document"),
    (_starts(rb"IIR[OS]|IIU\0|FUJIFILMCCD"), "a camera's raw picture"),
    (_starts(rb"v/1\x01"), "OpenEXR"),
    (_starts(rb"\s*<(\?xml|svg|!DOCTYPE svg)"), "SVG"),
    (_starts(rb"\0\0[\1\2]\0"), "an icon"),
]
