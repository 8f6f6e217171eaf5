"""What a file that somebody sends is: a picture or a video that may be looked into, or refused.

The first bytes decide, never a name or a header of HTTP; what does not begin like a picture or a
video is never given to a decoder. Sizes are compared with the limits before anything is decoded.
"""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pose_activity.annotations import videos
from pose_activity.annotations.containers import examine
from pose_activity.annotations.image_headers import HeaderError, is_known, read_header
from pose_activity.annotations.images import MOST_PIXELS
from pose_activity.serving.problems import Problem

HEAD = 16 * 1024  # bytes by which a file is recognised: some begin with text
_LONGEST_NAME = 100  # characters
_FORBIDDEN = re.compile(r'[<>:"|?*\\/\0]')
_SYNC, _PACKET = b"G", 188  # of MPEG transport streams
_BOXES = {b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}
_STILL = re.compile(rb"(hei[cxms]|hev[cxms]|mif1|msf1|avi[fs]|crx |M4[ABP] )")
_READ = (
    "A file is a JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF, or a video (MP4, MOV, WebM, MKV, AVI)."
)
_ON_PHONES = "Convert it to JPEG. On an iPhone: Settings, Camera, Formats, Most Compatible."


@dataclass(frozen=True)
class Claim:
    """What a file says it is, by its first bytes.

    Attributes:
        kind: Picture or video.
        suffix: Ending of such files.
    """

    kind: Literal["picture", "video"]
    suffix: str


def recognise(head: bytes) -> Claim:
    """Returns what a file is by its first bytes.

    Args:
        head: `HEAD` bytes, or all of a shorter file.

    Raises:
        Problem: 400 if there are none; 415 if it is something else.
    """
    if not head:
        raise Problem(
            400, "The body of the request is the file.", "an empty body", "Send its bytes."
        )
    if suffix := _container(head):
        return Claim("video", suffix)
    if is_known(head):
        return Claim("picture", ".image")
    try:
        read_header(head)
    except HeaderError as error:
        why = str(error)
    else:
        why = "nothing that is read"
    raise Problem(415, _READ, why, _ON_PHONES if "HEIC" in why else "Convert it to JPEG or MP4.")


def _container(head: bytes) -> str | None:
    """Returns the ending of videos in a container, whatever FFmpeg would make of it."""
    if head[4:8] in _BOXES and not (head[4:8] == b"ftyp" and _STILL.match(head[8:12])):
        return ".mp4"
    starts = {
        b"\x1a\x45\xdf\xa3": ".mkv",
        b"FLV\x01": ".flv",
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": ".wmv",
        b"OggS": ".ogv",
        b"\0\0\x01\xba": ".mpg",
    }
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return ".avi"
    if head[:1] == _SYNC and not head[: 4 * _PACKET : _PACKET].strip(_SYNC):
        return ".ts" if len(head) > _PACKET else None
    return next((ending for start, ending in starts.items() if head.startswith(start)), None)


def check_picture(path: Path) -> None:
    """Looks at a picture's header.

    Raises:
        Problem: 422 if it is damaged, or has too many pixels.
    """
    try:
        header = read_header(path.read_bytes())
    except HeaderError as error:
        rule = "A picture must be whole."
        raise Problem(422, rule, str(error), "Take another copy of it.") from None
    if header.width * header.height > MOST_PIXELS:
        size = f"{header.width}x{header.height}"
        rule = f"A picture may have {MOST_PIXELS:,} pixels."
        raise Problem(422, rule, size, "Make it smaller.")


def check_video(path: Path, *, most_seconds: float) -> None:
    """Looks at a video's header and container; no frame is decoded.

    Raises:
        Problem: 422 if it cannot be opened, is too long, or its frames are too large.
    """
    header = videos.read_header(path)
    width, height = header.size
    if not width * height:
        raise Problem(
            422, "A video must be whole.", "one that cannot be opened", "Take another copy."
        )
    if width * height > videos.MOST_PIXELS:
        raise Problem(
            422,
            f"A frame of a video may have {videos.MOST_PIXELS:,} pixels.",
            f"{width}x{height}",
            "Make it smaller.",
        )
    promised = header.frames / header.fps if header.fps else 0.0
    seconds = max(promised, examine(path).last or 0.0)
    if seconds > most_seconds:
        raise Problem(
            422, f"A video may last {most_seconds:g} s.", f"{seconds:.0f} s", "Cut it into parts."
        )


def clean_name(name: str | None, claim: Claim) -> str:
    """Returns a label for a file: what was sent as its name, harmless as a name and in a table.

    No folders, no control characters, nothing that spreadsheets take for a formula.
    """
    sent = unicodedata.normalize("NFC", name or "").replace("\0", "")
    kept = (
        "_" if _FORBIDDEN.match(c) else " " if unicodedata.category(c)[0] == "Z" else c
        for c in sent.replace("\\", "/").rpartition("/")[2]
        if unicodedata.category(c)[0] != "C"
    )
    name = re.sub(r"\s+", " ", "".join(kept)).strip().lstrip(".=+-@ ")
    if len(name) > _LONGEST_NAME:
        stem, dot, ending = name.rpartition(".")
        ending = dot + ending if stem and len(ending) <= 5 else ""
        name = name[: _LONGEST_NAME - len(ending)] + ending
    return name or ("picture" if claim.kind == "picture" else "video")
