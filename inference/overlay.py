"""Answers onto a picture: skeletons, boxes, and the most probable activities as bars.

In come `(H, W, 3)` uint8 RGB pixels and the rows about them; a picture of the same size goes out.
Knows nothing of files.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from pose_activity.annotations.drawing import draw_poses, draw_text, text_width
from pose_activity.annotations.faces import hide_faces
from pose_activity.inference.results import FrameResult, Result
from pose_activity.stage1_pose.track import Track

_INK = (255, 255, 255)
_FIRST, _OTHERS = (28, 120, 214), (92, 104, 120)  # bars
_SHADE = 0.35  # what is left of the picture's light below the bars


def without_faces(answer: FrameResult) -> FrameResult:
    """Returns an answer whose pixels show no face of anybody who was found."""
    poses = answer.rows[0].poses
    if answer.pixels is None or poses is None:
        return answer
    hidden = hide_faces(answer.pixels, poses.skeleton, poses.keypoints, poses.boxes)
    return replace(answer, pixels=hidden)


def paint_people(image: np.ndarray, rows: Sequence[Result], *, threshold: float) -> np.ndarray:
    """Returns the picture with the skeletons and boxes of everybody in it.

    If rows are about single persons, each has its answer at its box, and a bar along the box's
    lower edge whose length is the answer's probability.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        rows: All rows of the picture, without an error.
        threshold: Joints with a lower confidence are left out.
    """
    poses = rows[0].poses
    if poses is None:
        return image.copy()
    labels = [_label(row) for row in rows if row.person is not None]
    image = draw_poses(
        image, poses.skeleton, poses.keypoints, poses.boxes, labels or None, threshold=threshold
    )
    for row in rows:
        if row.box is not None and row.ranking:
            _draw_meter(image, row.box, row.ranking[0][1])
    return image


def paint_tracks(
    image: np.ndarray,
    people: Sequence[tuple[Track, Result]],
    frame: int,
    *,
    threshold: float,
) -> np.ndarray:
    """Returns a frame of a video with the people who were found in it.

    Each has the track's number and the answer at its box, and a bar as in `paint_people`; colours
    stay with the person.

    Args:
        image: `(H, W, 3)` uint8 RGB.
        people: Everybody in the video, always in the same order, each with the current answer.
        frame: The frame's number.
        threshold: Joints with a lower confidence are left out.
    """
    if not people:
        return image.copy()
    skeleton = people[0][0].skeleton
    keypoints = np.zeros((len(people), len(skeleton), 3), np.float32)
    boxes, labels = np.zeros((len(people), 4), np.float32), [""] * len(people)
    for i, (track, row) in enumerate(people):
        at = int(np.searchsorted(track.frames, frame))
        if at < len(track.frames) and track.frames[at] == frame:
            keypoints[i], boxes[i] = track.keypoints[at], track.boxes[at]
            labels[i] = f"#{track.person} {_label(row) if row.ranking else ''}".rstrip()
    image = draw_poses(image, skeleton, keypoints, boxes, labels, threshold=threshold)
    for label, box, (_, row) in zip(labels, boxes, people, strict=True):
        if label and row.ranking:
            _draw_meter(image, box, row.ranking[0][1])
    return image


def paint_answer(image: np.ndarray, row: Result) -> np.ndarray:
    """Returns the picture with the answer about the whole of it, in its lower left corner.

    Each of the most probable activities has a line whose bar is as long as it is probable; a row
    without an answer gets the text that nobody was found.
    """
    image = image.copy()
    height, width = image.shape[:2]
    line = int(np.clip(min(height, width) / 16, 12, 64))
    texts = [(name, share) for name, share in row.ranking] or [("nobody found", 0.0)]
    known = bool(row.ranking) and row.activity == row.ranking[0][0]
    if row.ranking and not known:
        texts[0] = (f"{row.activity}: {row.ranking[0][0]}?", row.ranking[0][1])
    texts = texts[: max(1, int(height * 0.25) // line)]
    right = min(width, 15 * line)
    for i, (name, share) in enumerate(texts):
        y = max(0, height - (len(texts) - i) * line)
        patch = image[y : y + line, :right]
        patch[:] = patch * _SHADE
        bar = patch[line // 12 : line - line // 12, : round(share * right)]
        bar[:] = bar * 0.2 + np.array(_FIRST if known and i == 0 else _OTHERS) * 0.8
        indent, figure = line // 3, f"{share:.0%}" if row.ranking else ""
        length = text_width(figure, line)
        end = right - indent - length
        draw_text(image, figure, (end, y), line, length, _INK)
        draw_text(image, name, (indent, y), line, max(0, end - 2 * indent), _INK)
    return image


def _label(row: Result) -> str:
    return f"{row.activity} {row.ranking[0][1]:.0%}"


def _draw_meter(image: np.ndarray, box: np.ndarray, share: float) -> None:
    """Draws a bar along the lower edge of an xyxy box, in place."""
    x1, _, x2, y2 = (round(float(value)) for value in box)
    thick = max(2, min(image.shape[:2]) // 100)
    top = min(y2, image.shape[0]) - thick
    cv2.rectangle(image, (x1, top), (x2, top + thick - 1), (24, 26, 30), cv2.FILLED)
    end = x1 + round(share * (x2 - x1))
    cv2.rectangle(image, (x1, top), (end, top + thick - 1), _INK, cv2.FILLED)
