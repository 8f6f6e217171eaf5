r"""A folder of videos in, one `Clip` per video, or per piece of it, out; without keypoints.

Videos are in one sub-folder per class, `videos/PERSON/*.mp4` or `videos/ACTION/*.mp4` (or
`videos/train/ACTION/*.mp4`, see `annotations.readers.folder`), or anywhere below the folder, with
the class in their names. No video is opened here: whether one is damaged
stage 1 finds out.

Which pieces of the videos are clips a text file may say, one line per video: its name, the word
"frames", and ranges that count frames from 1 and include both ends. So does KTH's 00sequences.txt:

    person01_walking_d1  frames  1-75, 152-225, 325-400, 480-555
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pose_activity.annotations.clips import Clip, check_names_once, with_utf8_names
from pose_activity.annotations.images import find_files
from pose_activity.annotations.media import describe_unread, find_media
from pose_activity.annotations.readers.folder import class_files
from pose_activity.annotations.readers.name_patterns import read_names
from pose_activity.annotations.readers.split_lists import read_split_lists, splits_of
from pose_activity.annotations.text import preview
from pose_activity.annotations.videos import SUFFIXES
from pose_activity.artifacts.text import read_utf8

_LINE = re.compile(r"\s*(\S(?:.*\S)?)\s+frames\s+(\d.*?)\s*")
_RANGE = re.compile(r"(\d+)\s*-\s*(\d+)")

Spans = Mapping[str, Sequence[tuple[int, int]]]


def read_video_folder(
    videos: Path,
    *,
    label_pattern: str | None = None,
    group_pattern: str | None = None,
    val_pattern: str | None = None,
    test_pattern: str | None = None,
    ranges: Path | None = None,
    lists: Path | None = None,
    fold: int = 1,
    on_note: Callable[[str], None] | None = None,
) -> list[Clip]:
    """Reads a folder of videos.

    A clip is named after its file, "anna/walk.mp4", or, where it is a piece of it, after the name
    in the text file and its number from 0, "anna/walk_0". The patterns are searched in these names,
    see `annotations.readers.name_patterns`.

    Args:
        videos: The folder; hidden files, those with other suffixes and what this project drew are
            passed over.
        label_pattern: With a group `label`; videos may then be anywhere. None: the sub-folders
            are the labels.
        group_pattern: With a group `group`: clips of one group stay on one side of a split. None,
            or not found in a name: the pieces of one video are a group.
        val_pattern: Clips of the split val. This and `test_pattern` count more than folders.
        test_pattern: Clips of the split test.
        ranges: The text file with frame ranges; a line fits the video that has its name, or the
            name with "_" and more behind it. None: each video is one clip.
        lists: A folder of text files that say which video is of which split, see
            `annotations.readers.split_lists`; counts more than folders.
        fold: Which of the lists' divisions, from 1.
        on_note: Called with a note on which files are not read or own drawings, which videos have
            no line and are taken whole, how many lines no video, which lines were not understood,
            which videos are in no list, and where folders are taken for splits.

    Returns:
        Clips sorted by path and piece; `skeleton`, `keypoints` and `times` are None.

    Raises:
        ValueError: no such folder or file, no videos, an empty class folder, videos beside the
            class folders, a bad pattern or line, a line that fits two videos, names that come
            twice, or what `split_lists` refuses.
    """
    clips = _find(videos, label_pattern is None, on_note)
    if ranges is not None:
        clips = _cut(videos, clips, read_ranges(ranges, on_note=on_note), on_note)
    check_names_once(videos, clips)
    parts = read_names(
        videos,
        [clip.name for clip in clips],
        label_pattern=label_pattern,
        group_pattern=group_pattern,
        val_pattern=val_pattern,
        test_pattern=test_pattern,
        on_note=on_note,
    )
    clips = [
        replace(
            clip,
            label=says.label or clip.label,
            group=says.group or clip.group,
            split=says.split or clip.split,
        )
        for clip, says in zip(clips, parts, strict=True)
    ]
    if lists is None:
        return clips
    named = [(clip.source.relative_to(videos).as_posix(), clip.label) for clip in clips]
    splits = splits_of(lists, read_split_lists(lists, fold=fold), named, on_note)
    return [replace(clip, split=split) for clip, split in zip(clips, splits, strict=True)]


def read_ranges(
    path: Path, *, on_note: Callable[[str], None] | None = None
) -> dict[str, list[tuple[int, int]]]:
    """Reads a text file of frame ranges; see the module's header.

    Args:
        path: The file, in UTF-8. Of lines without ranges, those that are empty or begin with "#"
            mean nothing.
        on_note: Called with a note on which other lines are passed over, since they have no ranges.

    Returns:
        Name -> frames [first, stop), counted from 0.

    Raises:
        ValueError: no such file, no text, a range that is none or ends before it begins, a name
            twice, or not one line with ranges.
    """
    spans: dict[str, list[tuple[int, int]]] = {}
    passed = []
    for number, line in enumerate(read_utf8(path).splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            if line.strip() and not line.lstrip().startswith("#"):
                passed.append(f"line {number} {line.strip()!r}")
            continue
        name, ranges = match[1], [_RANGE.fullmatch(text.strip()) for text in match[2].split(",")]
        pieces = [(int(found[1]) - 1, int(found[2])) for found in ranges if found]
        if len(pieces) < len(ranges) or any(not 0 <= first < stop for first, stop in pieces):
            raise ValueError(
                f"{path}, line {number}: ranges must be FIRST-LAST, with 1 <= FIRST <= LAST, and "
                f"commas between them. Received: {line.strip()!r}"
            )
        if name in spans:
            raise ValueError(f"{path}, line {number}: {name!r} must have one line. It has two.")
        spans[name] = pieces
    if not spans:
        raise ValueError(
            f"{path}: must hold lines like 'NAME frames 1-75, 152-225'. It holds none."
        )
    if on_note and passed:
        on_note(f"{path}: lines without frame ranges are passed over: {preview(passed)}.")
    return spans


def _find(
    videos: Path, folders_are_labels: bool, on_note: Callable[[str], None] | None
) -> list[Clip]:
    """Returns a clip for each video, with its label and split if the sub-folders give them."""
    if folders_are_labels:
        files = class_files(videos, SUFFIXES, thing="video", label="label", on_note=on_note)
        found = {file.path: (file.label, file.split) for file in files}
    else:
        if not videos.is_dir():
            raise ValueError(f"{videos}: there is no such folder. Give the one with the videos.")
        found = dict.fromkeys(find_files(videos, SUFFIXES), (None, None))
        if not found:
            raise ValueError(
                f"{videos}: must hold videos, such as .mp4, .avi or .mkv. It holds none."
            )
    media = find_media(videos, SUFFIXES, kinds=("video",))
    if on_note and media.unread:
        on_note(f"{videos}: {describe_unread(media.unread)}")
    if on_note and media.drawings:
        names = preview([path.name for path in media.drawings])
        on_note(f"{videos}: drawn by this project and left out: {names}.")
    for path in media.drawings:
        found.pop(path, None)
    return [
        Clip(
            name=path.relative_to(videos).as_posix(),
            source=path,
            label=found[path][0],
            split=found[path][1],
        )
        for path in with_utf8_names(found, on_note)
    ]


def _cut(
    videos: Path, clips: Sequence[Clip], spans: Spans, on_note: Callable[[str], None] | None
) -> list[Clip]:
    """Cuts videos into the pieces that `spans` names; those without a line stay whole."""
    lines = {clip.name: _line_of(Path(clip.name).with_suffix(""), spans) for clip in clips}
    _check_lines(videos, lines)
    pieces = []
    for clip in clips:
        line = lines[clip.name]
        if line is None:
            pieces.append(clip)
            continue
        stem = Path(clip.name).with_name(Path(line).name).as_posix()
        pieces += [
            replace(clip, name=f"{stem}_{i}", span=span, group=clip.name)
            for i, span in enumerate(spans[line])
        ]
    whole = [name for name, line in lines.items() if line is None]
    if on_note and whole:
        on_note(f"{videos}: videos without frame ranges are taken whole: {preview(whole)}.")
    unused = len({*spans} - {*lines.values()})
    if on_note and unused:
        on_note(f"{videos}: {unused:,} of {len(spans):,} lines with frame ranges name no video.")
    return pieces


def _line_of(video: Path, spans: Spans) -> str | None:
    """Returns the longest name in `spans` that a video's is, or begins with, its folder or not."""
    stems = (video.as_posix(), video.name)
    fitting = [name for name in spans if any(s == name or s.startswith(f"{name}_") for s in stems)]
    return max(fitting, key=len, default=None)


def _check_lines(videos: Path, lines: Mapping[str, str | None]) -> None:
    """Refuses ranges that fit no video at all, or two of them."""
    takers: dict[str, list[str]] = {}
    for name, line in lines.items():
        if line is not None:
            takers.setdefault(line, []).append(name)
    twice = [f"{line!r}: {preview(names)}" for line, names in takers.items() if len(names) > 1]
    if twice or not takers:
        raise ValueError(
            f"{videos}: a line with frame ranges must name one video. "
            + (f"Received several for {preview(twice)}" if twice else "None of them names any.")
        )
