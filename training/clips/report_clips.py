"""The report's sections about clips: the data, the poses, and strips of frames.

A strip shows some frames of a clip side by side with the person's skeleton: frames of the video
where the clip came from one, else the skeleton alone.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import takewhile

import numpy as np

from pose_activity.annotations import drawing, videos
from pose_activity.annotations.clip_files import read_clips
from pose_activity.annotations.clips import Clip
from pose_activity.annotations.faces import hide_faces as without_faces
from pose_activity.annotations.images import ImageError
from pose_activity.annotations.readers.feature_table import read_features
from pose_activity.artifacts import manifest
from pose_activity.configs.clips import ClipRun
from pose_activity.training.clips import steps
from pose_activity.training.report_page.classes import class_balance, class_blocks
from pose_activity.training.report_page.facts import Block, Prose, Section, pairs
from pose_activity.training.report_page.images import data_uri

_FRAMES = 6  # of a strip
_HEIGHT, _WIDTH = 180, 260  # pixels of one frame in a strip, at most
_MARGIN = 0.1  # around a skeleton, as a share of its longer side


def data_section(run: ClipRun, unit: str, left_out: int) -> Section:
    """Returns what the labels hold.

    Args:
        run: The run.
        unit: What is classified, in the plural.
        left_out: Clips of the reported split that became no sequence.
    """
    counts = (manifest.read(run.run_dir / "annotations") or {"counts": {}})["counts"]
    if run.has_features:
        table = read_features(run.run_dir / "annotations" / steps.FEATURES)
        found = zip(table.labels, table.splits or (), strict=True)
    else:
        clips = read_clips(run.run_dir / "annotations" / steps.CLIPS)
        found = ((str(clip.label), str(clip.split)) for clip in clips)
    used = [(label, split) for label, split in found if split]
    rows = [(f"{unit} with a label and a split", len(used))]
    rows.append((f"{unit} without a label, left out", counts.get("rejected", 0)))
    cached = (manifest.read(run.run_dir / "cache") or {"counts": {}})["counts"]
    if "sequences" in cached:
        rows.append(("sequences cut from them", cached["sequences"]))
        rows.append((f"{unit} without a sequence, left out", cached.get("left_out", 0)))
    notes = []
    if left_out:
        notes.append(
            f"{left_out} {unit} of {run.report.split} are left out of all figures "
            "(`cache/left_out.csv`)."
        )
    balance = class_balance(used, sorted({label for label, _ in used}))
    blocks: list[Block] = [pairs("What was read", rows, "count")]
    return Section("data", "Data", "Data", [*blocks, *class_blocks(balance, unit, *notes)])


def poses_section(run: ClipRun, clips: Sequence[Clip]) -> Section:
    """Returns what stage 1 found in the videos."""
    graph = json.loads((run.run_dir / "stage1" / "pose.json").read_text(encoding="utf-8"))
    model = run.stage1.graph or run.stage1.weights
    seen = np.concatenate([clip.valid for clip in clips] or [np.zeros(0, bool)])
    joints = [
        clip.keypoints[clip.valid, :, 2].ravel() for clip in clips if clip.keypoints is not None
    ]
    confidences = np.concatenate(joints or [np.zeros(0, np.float32)])
    about = (
        f"`{model}` was taken as it is, not trained. It found the person in {int(seen.sum())} of "
        f"{len(seen)} frames at {graph['size']} pixels; the people of videos have no labelled "
        "joints to measure the poses with."
    )
    rows = [("frames in which the person was found", float(seen.mean()) if len(seen) else 0.0)]
    if len(confidences):
        rows.append(("mean confidence of a joint there", float(confidences.mean())))
    blocks: list[Block] = [Prose(about), pairs("Poses", rows, "share")]
    return Section("poses", "Poses", "Stage 1: poses", blocks)


def strip_uri(
    clip: Clip | None, *, of_video: bool, threshold: float, hide_faces: bool = False
) -> str | None:
    """Returns a strip of frames as a `data:` URI; None if nothing can be shown.

    Args:
        clip: With keypoints.
        of_video: Whether its source is a video that they were found in.
        threshold: Joints with v <= `threshold` are left out.
        hide_faces: Whether the person's face is made unrecognizable.
    """
    if clip is None or clip.keypoints is None or clip.skeleton is None or not clip.valid.any():
        return None
    rows = np.flatnonzero(clip.valid)
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, _FRAMES).round().astype(int))]
    frames = list(_video_frames(clip, rows) if of_video else _blank_frames(clip, rows))
    if hide_faces:
        frames = [
            (without_faces(pixels, clip.skeleton, person[None], _box(person)[None]), person)
            for pixels, person in frames
        ]
    drawn = [
        drawing.draw_poses(pixels, clip.skeleton, person[None], threshold=threshold)
        for pixels, person in frames
    ]
    if not drawn:
        return None
    height, width = drawn[0].shape[:2]
    scale = min(_HEIGHT / height, _WIDTH / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    strip = np.concatenate([drawing.fit(frame, size) for frame in drawn], axis=1)
    return data_uri(strip, max(strip.shape[:2]))


def _box(person: np.ndarray) -> np.ndarray:
    """Returns the `(4,)` box around somebody's joints that were found."""
    there = person[person[:, 2] > 0, :2]
    return np.concatenate([there.min(0), there.max(0)]) if len(there) else np.zeros(4, np.float32)


def _video_frames(clip: Clip, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields pixels and joints of some rows; a video that is gone or damaged yields fewer."""
    first = clip.span[0] if clip.span else 0
    wanted = {first + int(row): int(row) for row in rows}
    last = max(wanted)
    frames = videos.read_frames(
        clip.source, skip=lambda number: number is not None and number not in wanted
    )
    try:
        for frame in takewhile(lambda frame: (frame.number or 0) <= last, frames):
            if frame.number in wanted and clip.keypoints is not None:
                yield frame.load(), clip.keypoints[wanted[frame.number]]
                if frame.number == last:
                    return
    except (ImageError, OSError):
        return


def _blank_frames(clip: Clip, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields empty pictures of one size, and the joints of some rows moved into it."""
    points = np.array(clip.keypoints)[rows]
    there = points[..., 2] > 0
    low, high = points[there][:, :2].min(0), points[there][:, :2].max(0)
    size = np.maximum(high - low, 1e-6)
    scale = min(_HEIGHT / size[1], _WIDTH / size[0]) / (1 + 2 * _MARGIN)
    margin = _MARGIN * scale * size.max()
    width, height = np.ceil(size * scale + 2 * margin).astype(int)
    points[there, :2] = (points[there][:, :2] - low) * scale + margin
    for person in points:
        yield np.full((height, width, 3), drawing.EMPTY, np.uint8), person
