"""People in front of a camera named by how they move, a few times a second, while they move.

Stage 1 finds them, a tracker that forgets follows them, and the last window of each is named. What
is remembered is `HORIZON` windows of joints.
"""

from collections import deque
from dataclasses import replace
from typing import Protocol

import numpy as np

from pose_activity.annotations.clips import Clip
from pose_activity.annotations.types import Poses
from pose_activity.cache.sequence_recipe import SequenceRecipe
from pose_activity.inference.live import SOURCE, CannotBeLive, LiveAnswer
from pose_activity.inference.results import Result
from pose_activity.stage1_pose.options import TrackOptions
from pose_activity.stage1_pose.predict import PosePredictor
from pose_activity.stage1_pose.track import Track, Tracker, as_clip

HORIZON = 2  # windows; where a body is and how large, is measured over them
_RATE = 30  # frames a second that the tracker counts, whatever the camera's: its patience is frames
_HIDDEN = _RATE // 2  # frames for which somebody who is not found is still shown where they were

NO_STAGE_1 = (
    "This model was trained on poses from files: it has no stage 1 that finds people in a camera's "
    "frames. Package it with the stage 1 of another run."
)


class NamesWindows(Protocol):
    """What is asked of a `ClipPredictor`."""

    recipe: SequenceRecipe
    pose: PosePredictor | None
    tracking: TrackOptions | None

    def name_latest(self, clip: Clip, row: Result) -> Result:
        """Names a person by the last window of a clip."""
        ...


class Live:
    """See `inference.live.LiveSession`."""

    def __init__(self, predictor: NamesWindows, *, every: float = 0.5) -> None:
        """Begins.

        Args:
            predictor: Is shared: many may watch with one model.
            every: Seconds between two answers.

        Raises:
            CannotBeLive: the model takes frames as they come, or whole clips.
        """
        self._window = window_of(predictor.recipe)
        self._predictor = predictor
        self._every = every
        self._tracker = Tracker(predictor.tracking)
        self._frames: deque[tuple[int, float]] = deque()  # number and seconds
        self._answered = -np.inf
        self._rows: dict[int, Result] = {}

    def see(self, seen: np.ndarray | Poses, seconds: float) -> LiveAnswer:
        """Answers one frame; see `LiveSession`."""
        poses = seen if isinstance(seen, Poses) else self._find(seen)
        number = self._take(poses, seconds)
        followed = self._tracker.followed()
        here = [track for track in followed if number - track.frames[-1] <= _HIDDEN]
        fresh = seconds - self._answered >= self._every
        if fresh:
            self._answered = seconds
            self._rows = {track.person: self._name(track) for track in followed}
        rows = [self._row(track, number, seconds) for track in here]
        nobody = Result(SOURCE, poses=poses, frame=number, seconds=seconds)
        return LiveAnswer(rows or [nobody], poses, fresh)

    def _find(self, pixels: np.ndarray) -> Poses:
        if self._predictor.pose is None:
            raise CannotBeLive(NO_STAGE_1)
        return self._predictor.pose([pixels], [SOURCE])[0]

    def _take(self, poses: Poses, seconds: float) -> int:
        """Follows who is in a frame, forgets what is too old; returns the frame's number."""
        last, before = self._frames[-1] if self._frames else (-1, -np.inf)
        number = max(round(seconds * _RATE), last + 1)
        try:
            self._tracker.add(poses, number)
        except ValueError as error:
            raise CannotBeLive(str(error)) from None
        self._frames.append((number, max(seconds, np.nextafter(before, np.inf))))
        while self._frames[0][1] < seconds - HORIZON * self._window:
            self._frames.popleft()
        self._tracker.forget_before(self._frames[0][0])
        return number

    def _name(self, track: Track) -> Result:
        frames = [frame for frame in self._frames if frame[0] >= track.frames[0]]
        clip = as_clip(
            track,
            skeleton=track.skeleton,
            frames=np.array([number for number, _ in frames]),
            times=np.array([seconds for _, seconds in frames]),
            name=f"person {track.person}",
            source=SOURCE,
        )
        return self._predictor.name_latest(clip, Result(SOURCE, person=track.person))

    def _row(self, track: Track, number: int, seconds: float) -> Result:
        """Returns what is known of a person by now, and where they are in this frame."""
        known = self._rows.get(track.person, Result(SOURCE, person=track.person))
        return replace(known, box=track.boxes[-1], frame=number, seconds=seconds)


def window_of(recipe: SequenceRecipe) -> float:
    """Returns how many seconds a window is.

    Raises:
        CannotBeLive: the model's windows are no stretch of time that has just passed.
    """
    if recipe.rate is None or recipe.windows != "sliding":
        raise CannotBeLive(
            "A model for a camera takes windows of some seconds: it is trained with sequence.rate, "
            "a number of frames a second, and sequence.windows: sliding, as configs/gait.yaml is. "
            f"This one: rate {recipe.rate}, windows {recipe.windows!r}."
        )
    return recipe.frames / recipe.rate
