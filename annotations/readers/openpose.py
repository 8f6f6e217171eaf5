r"""JSON of OpenPose and AlphaPose in, one `Clip` per video out.

Three layouts are known, and recognised by their content:

- OpenPose: a folder with a file per frame, `NAME_000000000012_keypoints.json`, each
  `{"people": [{"pose_keypoints_2d": [x, y, c, ...]}]}`;
- AlphaPose in OpenPose's manner: one file `{"12.jpg": {"people": [...]}, ...}`;
- AlphaPose's own: one file `[{"image_id": "12.jpg", "keypoints": [x, y, c, ...], "idx": 1}, ...]`.

The number of values gives the skeleton: 17 joints are COCO's, 18 OpenPose's, 25 its BODY_25. The
number that changes from name to name is the frame's, see `annotations.readers.frame_numbers`:
frames that no file and no entry mentions (AlphaPose writes none where it finds nobody) become rows
without a person, so that time stays true.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pose_activity.annotations.clips import Clip, check_names_once, steady_times, with_utf8_names
from pose_activity.annotations.convert import as_keypoints
from pose_activity.annotations.images import find_files
from pose_activity.annotations.readers.folder import class_files
from pose_activity.annotations.readers.link_people import follow_nearest, follow_number
from pose_activity.annotations.readers.name_patterns import read_names
from pose_activity.annotations.readers.openpose_json import (
    Frames,
    Person,
    is_frame_file,
    read_frames,
)
from pose_activity.annotations.skeleton import (
    BODY25,
    COCO17,
    OPENPOSE18,
    Skeleton,
    skeleton_of_size,
)
from pose_activity.annotations.text import preview

_KNOWN = (COCO17, OPENPOSE18, BODY25)
_FEWEST = 3  # frames; in fewer, a file that does not number people shows noise more often

Choose = Callable[[Sequence[np.ndarray]], Sequence[int | None]]
Note = Callable[[str], None]


def read_openpose(
    path: Path,
    *,
    fps: float,
    name: str | None = None,
    choose: Choose | None = None,
    on_note: Note | None = None,
) -> Clip:
    """Reads one video's poses.

    Args:
        path: A folder with a file per frame, or one file; see the module's header.
        fps: Frames per second of the video; the files do not say.
        name: Of the clip; None: `path`'s own.
        choose: Gets all people of each frame, `(N, K, 3)` float32, and says for each frame which
            one the clip follows (None: nobody). None: where the file numbers its people ("idx"),
            the number that is largest and surest in sum, elsewhere `link_people.follow_nearest`.
        on_note: Called with a note on which frames are missing, where several people were seen,
            and what was fixed.

    Returns:
        A clip without label: `source` is `path`, `span` the frames from the first to the last that
        the files mention, `times` count from frame 0. Where nobody was found at all, it has
        OpenPose's 18 joints.

    Raises:
        ValueError: no such file, a damaged one, another layout, a number of joints that is not
            known or changes, frames of several videos, a frame twice, or names without numbers.
    """
    frames = read_frames(path)
    _note_missing(path, frames, on_note)
    return _clip(path, frames, _skeleton(path, frames), fps, name, choose, on_note)


def read_openpose_people(path: Path, *, fps: float, on_note: Note | None = None) -> list[Clip]:
    """Reads the poses of everybody in one video.

    Where the file numbers its people ("idx"), each number is a person. Elsewhere the first is the
    one whom `read_openpose` follows, the next whom it would follow among those who are left, and so
    on; who is seen in fewer than 3 frames is passed over then.

    Args:
        path: A folder with a file per frame, or one file; see the module's header.
        fps: Frames per second of the video; the files do not say.
        on_note: Called with a note on which frames are missing and what was fixed.

    Returns:
        A clip for each person, as of `read_openpose`; one without joints where nobody was found.

    Raises:
        ValueError: see `read_openpose`.
    """
    frames = read_frames(path)
    _note_missing(path, frames, on_note)
    skeleton = _skeleton(path, frames)
    return [
        _clip(path, own, skeleton, fps, f"{path.name}, person {number}", None, on_note)
        for number, own in enumerate(_apart(frames) or [frames])
    ]


def _apart(frames: Frames) -> list[Frames]:
    """Returns the frames of each person alone."""
    tracks = dict.fromkeys(person.track for people in frames.values() for person in people)
    if None not in tracks:
        return [
            {number: [p for p in people if p.track == track] for number, people in frames.items()}
            for track in tracks
        ]
    found: list[Frames] = []
    left = {number: frames[number] for number in sorted(frames)}
    while True:
        joints = [[as_keypoints(p.joints, "") for p in people] for people in left.values()]
        chosen = follow_nearest([np.array(people) for people in joints])
        if not any(index is not None for index in chosen):
            return found
        pairs = list(zip(left.items(), chosen, strict=True))
        own = {n: [] if i is None else [people[i]] for (n, people), i in pairs}
        left = {n: [p for k, p in enumerate(people) if k != i] for (n, people), i in pairs}
        if not found or sum(map(len, own.values())) >= _FEWEST:
            found.append(own)


def _note_missing(path: Path, frames: Frames, on_note: Note | None) -> None:
    first, stop = min(frames), max(frames) + 1
    missing = [str(number) for number in range(first, stop) if number not in frames]
    if on_note and missing:
        on_note(
            f"{path}: {len(missing):,} of {stop - first:,} frames are not mentioned "
            f"({preview(missing)}): rows without a person."
        )


def _clip(
    path: Path,
    frames: Frames,
    skeleton: Skeleton,
    fps: float,
    name: str | None,
    choose: Choose | None,
    on_note: Note | None,
) -> Clip:
    first, stop = min(frames), max(frames) + 1
    people = [frames.get(number, []) for number in range(first, stop)]
    return Clip(
        name=path.name if name is None else name,
        source=path,
        span=(first, stop),
        skeleton=skeleton,
        keypoints=_follow(path, people, skeleton, choose, on_note),
        times=steady_times(stop - first, fps, first=first),
    )


def read_pose_folder(
    folder: Path,
    *,
    fps: float,
    label_pattern: str | None = None,
    group_pattern: str | None = None,
    val_pattern: str | None = None,
    test_pattern: str | None = None,
    choose: Choose | None = None,
    on_note: Note | None = None,
) -> list[Clip]:
    """Reads the poses of many videos: one file each, or one folder with a file per frame.

    They are in one sub-folder per class, `poses/PERSON/*.json` (or `poses/train/PERSON/*.json`, see
    `annotations.readers.folder`), or anywhere below the folder, with the class in their names. A
    clip is named after its file or folder, "anna/walk.json"; the patterns are searched in these
    names, see `annotations.readers.name_patterns`.

    Args:
        folder: The folder.
        fps: Frames per second of the videos.
        label_pattern: With a group `label`; files may then be anywhere. None: the sub-folders are
            the labels.
        group_pattern: With a group `group`.
        val_pattern: Clips of the split val. This and `test_pattern` count more than folders.
        test_pattern: Clips of the split test.
        choose: As in `read_openpose`.
        on_note: As in `read_openpose`; also on where folders are taken for splits.

    Returns:
        Clips of one skeleton, sorted by name.

    Raises:
        ValueError: what `read_openpose` refuses; no files, an empty class folder, files beside the
            class folders, a bad pattern, or clips of several skeletons.
    """
    if label_pattern is None:
        files = class_files(folder, {".json"}, thing="pose file", label="label", on_note=on_note)
        found = {file.path: (file.label, file.split) for file in files}
    elif folder.is_dir():
        found = dict.fromkeys(find_files(folder, {".json"}), (None, None))
    else:
        raise ValueError(f"{folder}: there is no such folder. Give the one with the pose files.")
    clips = {_clip_of(path): says for path, says in found.items()}
    labels = {path: clips[path] for path in with_utf8_names(clips, on_note)}
    if not labels:
        raise ValueError(f"{folder}: must hold .json files of poses. It holds none.")
    names = [path.relative_to(folder).as_posix() for path in labels]
    parts = read_names(
        folder,
        names,
        label_pattern=label_pattern,
        group_pattern=group_pattern,
        val_pattern=val_pattern,
        test_pattern=test_pattern,
        on_note=on_note,
    )
    clips = [
        read_openpose(path, fps=fps, name=name, choose=choose, on_note=on_note)
        for path, name in zip(labels, names, strict=True)
    ]
    clips = [
        replace(clip, label=says.label or label, group=says.group, split=says.split or split)
        for clip, says, (label, split) in zip(clips, parts, labels.values(), strict=True)
    ]
    check_names_once(folder, clips)
    return _one_skeleton(folder, clips)


def _clip_of(path: Path) -> Path:
    """Returns the folder of a file that is one frame; else the file."""
    return path.parent if is_frame_file(path) else path


def _one_skeleton(folder: Path, clips: Sequence[Clip]) -> list[Clip]:
    """Gives clips that show nobody the skeleton of the others."""
    used = {
        clip.skeleton.name: clip.skeleton for clip in clips if clip.skeleton and any(clip.valid)
    }
    if len(used) > 1:
        raise ValueError(
            f"{folder}: all clips must have one skeleton. Received: {preview(sorted(used))}. "
            "Write all of them with one model, or use one folder per model."
        )
    for skeleton in used.values():
        nobody = np.zeros((1, len(skeleton), 3), np.float32)
        clips = [
            clip
            if clip.skeleton is skeleton
            else replace(clip, skeleton=skeleton, keypoints=nobody.repeat(len(clip.valid), axis=0))
            for clip in clips
        ]
    return list(clips)


def _skeleton(path: Path, frames: Frames) -> Skeleton:
    sizes = {len(person.joints) for people in frames.values() for person in people}
    if len(sizes) > 1:
        raise ValueError(
            f"{path}: all people must have the same number of joints. Received: {sorted(sizes)}"
        )
    try:
        return skeleton_of_size(sizes.pop(), _KNOWN) if sizes else OPENPOSE18
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _follow(
    path: Path,
    people: Sequence[list[Person]],
    skeleton: Skeleton,
    choose: Choose | None,
    on_note: Note | None,
) -> np.ndarray:
    """Returns the keypoints `(T, K, 3)` of one of the people."""
    rows = [person.joints for frame in people for person in frame]
    flat = as_keypoints(np.array(rows).reshape(-1, len(skeleton), 3), str(path), on_note)
    joints = np.split(flat, np.cumsum([len(frame) for frame in people])[:-1])
    several = sum(len(frame) > 1 for frame in people)
    tracks = [[person.track for person in frame] for frame in people]
    if choose is None and rows and all(track is not None for frame in tracks for track in frame):
        chosen = follow_number(tracks, joints)
    else:
        chosen = (choose or follow_nearest)(joints)
    keypoints = np.zeros((len(people), len(skeleton), 3), np.float32)
    for row, (found, index) in enumerate(zip(joints, chosen, strict=True)):
        if index is not None:
            keypoints[row] = found[index]
    if on_note and several:
        followed = (keypoints[..., 2] > 0).any(axis=1).sum()
        on_note(
            f"{path}: {several:,} of {len(people):,} frames show several people; one is followed, "
            f"in {followed:,} frames."
        )
    if on_note and not rows:
        on_note(f"{path}: there is no person in any of {len(people):,} frames.")
    return keypoints
