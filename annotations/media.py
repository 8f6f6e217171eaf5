"""What is in a folder: files that are read, pictures and videos that are not, own drawings.

A picture or video is recognised by its name's ending or, if the ending says nothing, by its first
bytes. No pixel is looked at.
"""

from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Literal, NamedTuple

from pose_activity.annotations.drawing_mark import is_drawing
from pose_activity.annotations.images import SUFFIXES, walk_files

Kind = Literal["picture", "video"]
KINDS: tuple[Kind, ...] = ("picture", "video")
# Endings that belong to pictures or videos, whether or not they are read.
_PICTURES = SUFFIXES | frozenset(
    # Of phones, cameras and the web.
    ".heic .heif .hif .avci .jxl .jxr .wdp .hdp .bpg .flif .qoi .jpm .jls "
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .gpr .iiq .k25 .kdc .mef .mos .mrw .nef "
    ".nrw .orf .pef .raf .raw .rw2 .rwl .sr2 .srf .srw .x3f "
    # Of programs.
    ".ai .cur .dcm .dds .emf .eps .exr .fits .ico .icns .mng .pcx .psb .psd .sgi .svg .svgz .tga "
    ".wmf .xbm .xcf .xpm".split()
)
_VIDEOS = frozenset(
    ".3g2 .3gp .amv .asf .avi .avs .divx .dv .f4v .flv .gxf .h264 .h265 .hevc .insv .ivf .m1v .m2t "
    ".m2ts .m2v .m4v .mjpeg .mjpg .mkv .mod .mov .mp4 .mpe .mpeg .mpg .mts .mxf .nut .obu .ogm "
    ".ogv .qt .rm .rmvb .tod .vob .webm .wmv .wtv .xvid .y4m".split()
)
_HEAD = 192  # bytes: two sync bytes of a transport stream are 188 apart
_STARTS: dict[bytes, Kind] = {
    b"\xff\xd8\xff": "picture",
    b"\x89PNG\r\n\x1a\n": "picture",
    b"GIF8": "picture",
    b"II*\0": "picture",
    b"MM\0*": "picture",
    b"\0\0\0\x0cjP  ": "picture",
    b"\0\0\0\x0cJXL ": "picture",
    b"\xff\x4f\xff\x51": "picture",
    b"8BPS": "picture",
    b"#?RADIANCE": "picture",
    b"\x1a\x45\xdf\xa3": "video",
    b"FLV\x01": "video",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "video",
    b"\0\0\x01\xba": "video",
}
_STILL_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")
_SOUND_BRANDS = (b"M4A ", b"M4B ", b"M4P ")


class Media(NamedTuple):
    """What a folder holds, at any depth, sorted.

    Attributes:
        files: Those with one of the endings that were asked for.
        unread: Pictures and videos with another ending.
        drawings: What this project drew; in neither of the others.
    """

    files: list[Path]
    unread: list[Path]
    drawings: list[Path]


def find_media(folder: Path, suffixes: Collection[str], *, kinds: Collection[str] = KINDS) -> Media:
    """Sorts the files below `folder`.

    Linked folders are followed; hidden files and folders are skipped, and so is anything that is
    not a picture or video (texts, tables, `Thumbs.db`).

    Args:
        folder: Any folder.
        suffixes: Endings that the caller reads, in lower case.
        kinds: What the caller calls unread: a reader of pictures does not name videos.
    """
    media = Media([], [], [])
    for path in walk_files(folder):
        wanted = path.suffix.lower() in suffixes
        if not wanted and kind_of(path) not in kinds:
            continue
        if is_drawing(path):
            media.drawings.append(path)
        else:
            (media.files if wanted else media.unread).append(path)
    return media


def kind_of(path: Path) -> Kind | None:
    """Returns what a file is by its ending, else by its first bytes; None: no picture, no video."""
    suffix = path.suffix.lower()
    if suffix in _PICTURES:
        return "picture"
    if suffix in _VIDEOS:
        return "video"
    try:
        with path.open("rb") as file:
            return _kind_of_bytes(file.read(_HEAD))
    except OSError:
        return None


def describe_unread(unread: Collection[Path]) -> str:
    """Returns a sentence that counts files by ending: "40 files are not read: .heic 40. ..."."""
    count = Counter(path.suffix.lower() or "no ending" for path in unread)
    endings = ", ".join(f"{ending} {number:,}" for ending, number in count.most_common())
    kinds = {kind_of(path) for path in unread}
    targets = [name for kind, name in zip(KINDS, ("JPEG", "MP4"), strict=True) if kind in kinds]
    what = "file is" if len(unread) == 1 else "files are"
    whom = "it" if len(unread) == 1 else "them"
    return f"{len(unread):,} {what} not read: {endings}. Convert {whom} to {' or '.join(targets)}."


def _kind_of_bytes(head: bytes) -> Kind | None:
    for start, kind in _STARTS.items():
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"AVI "):
        return "picture" if head[8:12] == b"WEBP" else "video"
    if head[4:8] == b"ftyp" and head[8:12] not in _SOUND_BRANDS:
        return "picture" if head[8:12] in _STILL_BRANDS else "video"
    if head[:1] == b"G" and head[188:189] == b"G":
        return "video"
    return None
