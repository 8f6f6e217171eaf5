"""The extent of a video file by the structure of its container; no frame is decoded.

What a header counts is not a measure: an edit list hides frames that are counted, AVI counts chunks
without a frame, and Matroska gives the length of the longest track, even if that is sound. A file
is incomplete if a size leads beyond its end, or if the walk from one element to the next meets
something else. Knows MP4 and its relatives, AVI, Matroska and WebM, FLV, ASF (WMV), Ogg, MPEG
program and transport streams; about others it says nothing. Files are only read.

Sources: ISO/IEC 14496-12 (MP4), RFC 9559 (Matroska), RFC 3533 (Ogg), ISO/IEC 13818-1 (MPEG).
"""

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

_TAIL = 1 << 17  # bytes at the end in which the last page or packet of a stream begins
_MOST_INDEX = 1 << 28  # bytes of an index that is read at once
_NESTED = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts"}
_TOP = {*_NESTED, b"ftyp", b"styp", b"mdat", b"moof", b"mfra", b"sidx", b"free", b"skip", b"wide"}
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_PACK = 14  # bytes of the head of a pack in a program stream
_PACKETS = ((188, 0), (192, 4), (204, 0))  # of transport streams: size, bytes before the sync byte
_SEGMENT, _CLUSTER, _GROUP = 0x18538067, 0x1F43B675, 0xA0
_INFO, _SCALE, _DURATION = 0x1549A966, 0x2AD7B1, 0x4489
_TRACKS, _TRACK, _NUMBER, _TYPE, _VIDEO = 0x1654AE6B, 0xAE, 0xD7, 0x83, 1
_TIME, _SIMPLE, _BLOCK = 0xE7, 0xA3, 0xA1
_LEVEL1 = {_CLUSTER, _INFO, _TRACKS, 0x114D9B74, 0x1C53BB6B, 0x1254C367, 0x1043A770, 0x1941A469}


@dataclass(frozen=True)
class Extent:
    """The extent of a video.

    Attributes:
        broken: Whether the file ends before its container does, or is damaged in between.
        last: When the last frame should be shown, in seconds from the first; None if unknown.
    """

    broken: bool = False
    last: float | None = None


def examine(path: Path) -> Extent:
    """Returns a video's extent; `Extent()` for other containers and for what is not a file."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(16)
            for knows, look in _CONTAINERS:
                if knows(head):
                    return look(file, size)
            return _transport_stream(file, size)
    except (OSError, struct.error, OverflowError, MemoryError, ValueError, IndexError):
        return Extent()


def _at(file: BinaryIO, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)


def _tail(file: BinaryIO, size: int) -> tuple[bytes, int]:
    """Returns the last bytes of a file, and their position."""
    start = max(0, size - _TAIL)
    return _at(file, start, _TAIL), start


# MP4, MOV, M4V, 3GP: boxes in boxes; the index `moov` gives the time of each sample.


def _mp4(file: BinaryIO, size: int) -> Extent:
    broken, last, position = False, None, 0
    while position + 8 <= size:
        length, kind = struct.unpack(">I4s", _at(file, position, 8))
        head = 8
        if length == 1:
            (length,), head = struct.unpack(">Q", _at(file, position + 8, 8)), 16
        length = length or size - position  # 0: up to the end
        if kind not in _TOP and not kind.isalnum() or length < head:
            break  # data that were appended to the file
        broken |= position + length > size and kind in _TOP
        if kind == b"moov" and position + length <= size and length < _MOST_INDEX:
            last = _last_sample(_at(file, position + head, length - head))
        position += length
    return Extent(broken, last)


def _last_sample(moov: bytes) -> float | None:
    """Returns when the last sample of the video is decoded, by the edit list; None: fragments."""
    tracks: list[dict[bytes, bytes]] = []
    movie: dict[bytes, bytes] = {}
    for kind, body in _boxes(moov):
        if kind == b"trak":
            tracks.append({})
        holder = tracks[-1] if tracks and kind != b"mvhd" else movie
        holder.setdefault(kind, body)  # QuickTime has a second `hdlr`, of the data
    tracks = [track for track in tracks if track.get(b"hdlr", b"")[8:12] == b"vide"]
    found = [(times, track) for track in tracks if (times := _runs(track))[1].sum()]
    if not found:
        return None
    (starts, counts, steps), track = max(found, key=lambda one: one[0][1].sum())
    scale, movie_scale = _timescale(track[b"mdhd"]), _timescale(movie[b"mvhd"])
    begin, end, before = 0.0, np.inf, 0.0
    shown = [edit for edit in _edits(track.get(b"elst", b"")) if edit[0] and edit[1] >= 0]
    if shown:
        before = sum(duration for duration, _ in shown[:-1]) / movie_scale
        duration, begin = shown[-1]
        end = begin + duration * scale / movie_scale
    run = max(int(np.searchsorted(starts, end)) - 1, 0)
    inside = (min(end, 2**62) - starts[run] - 1) // max(int(steps[run]), 1)
    time = starts[run] + min(max(int(inside), 0), int(counts[run]) - 1) * steps[run]
    return before + max(float(time - begin), 0.0) / scale


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        length = length or len(data) - position
        if length < 8:
            return
        body = data[position + 8 : position + length]
        yield kind, body
        if kind in _NESTED:
            yield from _boxes(body)
        position += length


def _runs(track: dict[bytes, bytes]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns a track's samples in runs of equal steps: first time, count and step, `(R,)` each."""
    table = np.frombuffer(track.get(b"stts", b"")[8:], ">u4")
    counts, steps = table[: len(table) // 2 * 2].reshape(-1, 2).T.astype(np.int64)
    counts, steps = counts[counts > 0], steps[counts > 0]
    return np.cumsum(counts * steps) - counts * steps, counts, steps


def _timescale(header: bytes) -> int:
    """Returns the ticks per second of `mvhd` or `mdhd`."""
    return max(struct.unpack_from(">I", header, 20 if header[0] else 12)[0], 1)


def _edits(table: bytes) -> list[tuple[int, int]]:
    """Returns (duration in the movie's ticks, first time in the media's) of an edit list."""
    if not table:
        return []
    form = ">Qqi" if table[0] else ">Iii"
    whole = len(table[8:]) // struct.calcsize(form) * struct.calcsize(form)
    return [edit[:2] for edit in struct.iter_unpack(form, table[8 : 8 + whole])]


# AVI: RIFF lists one behind the other; the video's header counts chunks.


def _avi(file: BinaryIO, size: int) -> Extent:
    position = 0
    while _at(file, position, 4) == b"RIFF":
        (length,) = struct.unpack("<I", _at(file, position + 4, 4))
        position += 8 + length
        if length < 4:  # never filled in
            break
    head = _at(file, 0, 1 << 16)
    header = head.find(b"strh")
    while header >= 0 and head[header + 8 : header + 12] != b"vids":
        header = head.find(b"strh", header + 4)
    last = None
    if header >= 0:
        scale, rate, _, frames = struct.unpack_from("<4I", head, header + 28)
        if frames and rate and frames * 8 <= size:  # a chunk has a head of 8 bytes
            last = (frames - 1) * scale / rate
    return Extent(position > size + 1, last)


# Matroska and WebM: elements in elements; blocks have times.


class _Element(NamedTuple):
    kind: int
    start: int  # of its body
    stop: int | None  # None: unknown, up to the next of its level


def _matroska(file: BinaryIO, size: int) -> Extent:
    head = _element(file, 0, size)
    segment = head and _element(file, head.stop or 0, size, whole=False)
    if segment is None or segment.kind != _SEGMENT:
        return Extent()
    end = segment.stop or size
    walk = _Walk(file, min(end, size))
    broken = not walk.level(segment.start) or end > size
    return Extent(broken, walk.promised if broken else walk.last)


class _Walk:
    """From one element of a segment to the next; what it learns of the video's times."""

    def __init__(self, file: BinaryIO, end: int) -> None:
        self._file, self._end = file, end
        self._scale, self._duration = 1_000_000, 0.0
        self._videos: set[int] = set()
        self._cluster = 0
        self._first, self._latest = 0, None

    @property
    def last(self) -> float | None:
        """When the last block of the video is shown, in seconds from the first."""
        return None if self._latest is None else (self._latest - self._first) * self._scale / 1e9

    @property
    def promised(self) -> float | None:
        """The length of all tracks together by the header, in seconds."""
        return self._duration * self._scale / 1e9 or None

    def level(self, position: int) -> bool:
        """Goes through the elements from here on; returns whether each follows the one before."""
        while position < self._end:
            element = _element(self._file, position, self._end)
            if element is None:
                return False
            if element.kind in (_CLUSTER, _GROUP, _TRACKS, _TRACK, _INFO, _SEGMENT):
                position = element.start  # its children come next, on the same road
                continue
            self._learn(element)
            position = element.stop or self._end
        return position == self._end

    def _learn(self, element: _Element) -> None:
        kind, start, stop = element
        if kind in (_SIMPLE, _BLOCK):
            data = _at(self._file, start, 12)
            track, used = _vint(data)
            if track in self._videos:
                time = self._cluster + struct.unpack_from(">h", data, used)[0]
                if self._latest is None:
                    self._first = self._latest = time
                self._first, self._latest = min(self._first, time), max(self._latest, time)
        elif kind in (_TIME, _SCALE, _NUMBER, _TYPE, _DURATION) and stop and stop - start <= 8:
            self._note(kind, _at(self._file, start, stop - start))

    def _note(self, kind: int, data: bytes) -> None:
        value = int.from_bytes(data)
        if kind == _TIME:
            self._cluster = value
        elif kind == _SCALE:
            self._scale = value
        elif kind == _NUMBER:
            self._number = value
        elif kind == _TYPE and value == _VIDEO:  # behind the number in every track
            self._videos.add(self._number)
        elif kind == _DURATION:
            (self._duration,) = struct.unpack(">f" if len(data) == 4 else ">d", data)


def _element(file: BinaryIO, position: int, end: int, *, whole: bool = True) -> _Element | None:
    """Returns the element at a position; None: there is none, or not all of it."""
    data = _at(file, position, 12)
    length = 9 - data[0].bit_length() if data and data[0] >= 0x10 else 0
    if not length or len(data) <= length:
        return None
    size, used = _vint(data[length:])
    start = position + length + used
    if not used or start > end:
        return None
    if size == (1 << 7 * used) - 1:
        return _Element(int.from_bytes(data[:length]), start, None)
    if whole and start + size > end:
        return None
    return _Element(int.from_bytes(data[:length]), start, start + size)


def _vint(data: bytes) -> tuple[int, int]:
    """Returns a number of variable length and its bytes; 0 bytes if it is not one."""
    used = 9 - data[0].bit_length() if data and data[0] else 0
    if not used or len(data) < used:
        return 0, 0
    return int.from_bytes(data[:used]) & ((1 << 7 * used) - 1), used


# The others: whether what comes last is all there.


def _flv(file: BinaryIO, size: int) -> Extent:
    """After each tag its size is repeated."""
    (length,) = struct.unpack(">I", _at(file, size - 4, 4))
    tag = _at(file, size - 4 - length, 4) if length <= size - 4 else b""
    whole = tag[:1] in (b"\x08", b"\x09", b"\x12") and int.from_bytes(tag[1:]) + 11 == length
    return Extent(not whole)


def _asf(file: BinaryIO, size: int) -> Extent:
    (header,) = struct.unpack("<Q", _at(file, 16, 8))
    (data,) = struct.unpack("<Q", _at(file, header + 16, 8))  # 0: broadcast
    return Extent(header + data > size)


def _ogg(file: BinaryIO, size: int) -> Extent:
    data, start = _tail(file, size)
    page = data.rfind(b"OggS")
    if page < 0 or page + 27 > len(data):
        return Extent(True)
    segments = data[page + 27 : page + 27 + data[page + 26]]
    return Extent(start + page + 27 + data[page + 26] + sum(segments) > size)


def _program_stream(file: BinaryIO, size: int) -> Extent:
    data, _ = _tail(file, size)
    position = len(data)
    while (position := data.rfind(b"\0\0\1", 0, position)) >= 0:
        if data[position + 3 : position + 4] > b"\xbb" and position + 6 <= len(data):
            (length,) = struct.unpack_from(">H", data, position + 4)
            behind = data[position + 6 + length :]
            torn = 0 < len(behind) < _PACK and behind != b"\0\0\1\xb9"  # the end of a program
            return Extent(torn or position + 6 + length > len(data))
    return Extent()


def _transport_stream(file: BinaryIO, size: int) -> Extent:
    head = _at(file, 0, 5 * 204)
    for packet, before in _PACKETS:
        for offset in range(before, before + packet):
            syncs = head[offset::packet]
            if len(syncs) >= 4 and not syncs.strip(b"G"):
                return Extent((size - offset + before) % packet > 0)
    return Extent()


_CONTAINERS: tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO, int], Extent]], ...] = (
    (lambda head: head[4:8] in _TOP, _mp4),
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"AVI ", _avi),
    (lambda head: head[:4] == b"\x1a\x45\xdf\xa3", _matroska),
    (lambda head: head[:3] == b"FLV", _flv),
    (lambda head: head == _ASF, _asf),
    (lambda head: head[:4] == b"OggS", _ogg),
    (lambda head: head[:4] == b"\0\0\1\xba", _program_stream),
)
