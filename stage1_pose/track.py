"""People followed over the frames of a video: `Poses` a frame in, `Track`s out; numpy only.

Who is who is decided by similarity: the mean of box overlap (IoU) and joint distance (OKS) between
what is found and where a person's own velocity would have brought them. So two people who cross
keep their numbers. Who then is left over on both sides, is the same person where the joints, most
of them, are close in sizes of the body: a box can be cut to the half of somebody, or widen with a
stride, from one frame to the next, and shoulders and hips are still where they should be.
Knows nothing of files, and nothing of what people look like.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pose_activity.annotations.boxes import iou
from pose_activity.annotations.clips import Clip
from pose_activity.annotations.skeleton import Skeleton
from pose_activity.annotations.types import Poses
from pose_activity.stage1_pose.evaluate import body_areas, oks, pair
from pose_activity.stage1_pose.options import TrackOptions

_SURE = 0.3  # joints of a lower confidence say nothing about who it is
# OKS above which two in one frame are one, found twice. In real videos copies had more than 0.5 and
# people who touch each other less than 0.2.
_SAME = 0.4
_GAIN = 0.1  # share of a surprise that a velocity follows; a higher one forgets who was who
_NEAR = 0.15  # diagonals of the larger box within which the joints of somebody left over must be
_SHARED = 4  # joints that both must have for that
_MEMORY = 5  # sightings of a person that are looked back on


@dataclass(frozen=True, eq=False)
class Track:
    """One person over the frames in which they were found.

    Attributes:
        person: Number, from 0, in the order in which people appear.
        skeleton: Names the K joints.
        frames: `(T,)` int64, rising; frames in which the person was not found are not there.
        boxes: `(T, 4)` float32 xyxy pixels.
        scores: `(T,)` float32 in [0, 1].
        keypoints: `(T, K, 3)` float32 pixels and confidence, as in `Poses`.
    """

    person: int
    skeleton: Skeleton
    frames: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    keypoints: np.ndarray

    def __post_init__(self) -> None:
        shapes = [a.shape for a in (self.frames, self.boxes, self.scores, self.keypoints)]
        count = len(self.frames)
        wanted = [(count,), (count, 4), (count,), (count, len(self.skeleton), 3)]
        if not count or shapes != wanted or (np.diff(self.frames) <= 0).any():
            raise ValueError(
                "A track has at least one frame, in rising order, and a box, a score and joints "
                f"in each. Received: {shapes}"
            )


class _Person:
    """Somebody who is being followed."""

    def __init__(self, poses: Poses, found: int, frame: int) -> None:
        self.frames: list[int] = []
        self.boxes: list[np.ndarray] = []
        self.scores: list[float] = []
        self.keypoints: list[np.ndarray] = []
        self.hits = 0
        self.number: int | None = None  # among those who are followed now
        self._velocity = np.zeros(2)  # pixels per frame
        self.see(poses, found, frame)

    def see(self, poses: Poses, found: int, frame: int) -> None:
        """Takes what was found in a frame as this person."""
        box = poses.boxes[found].copy()  # not a view: the frame's others are let go
        if self.frames:
            # The first steps say all that is known; later ones correct it.
            gain = max(_GAIN, 1 / self.hits)
            surprise = self._moved(box, poses.keypoints[found]) - self._way(frame)
            self._velocity += gain * surprise / (frame - self.frames[-1])
        self.frames.append(frame)
        self.boxes.append(box)
        self.scores.append(float(poses.scores[found]))
        self.keypoints.append(poses.keypoints[found].copy())
        self.hits += 1

    def forget_before(self, frame: int) -> None:
        """Drops sightings before a frame, but for those that are looked back on."""
        old = min(bisect_left(self.frames, frame), len(self.frames) - _MEMORY)
        if old > 0:
            for kept in (self.frames, self.boxes, self.scores, self.keypoints):
                del kept[:old]

    def expected(self, frame: int, sighting: int = -1) -> tuple[np.ndarray, np.ndarray]:
        """Returns box `(4,)` and sure joints `(K, 3)` of a sighting where they should be by now."""
        way = (self._velocity * (frame - self.frames[sighting])).astype(np.float32)
        joints = self.keypoints[sighting] * (self.keypoints[sighting][:, 2:] > _SURE)
        joints[:, :2] += way * (joints[:, 2:] > 0)
        return self.boxes[sighting] + np.tile(way, 2), joints

    def _way(self, frame: int) -> np.ndarray:
        return self._velocity * (frame - self.frames[-1])

    def _moved(self, box: np.ndarray, keypoints: np.ndarray) -> np.ndarray:
        """Returns how far somebody came since the last frame, by the joints that both show."""
        shared = (self.keypoints[-1][:, 2] > _SURE) & (keypoints[:, 2] > _SURE)
        if shared.sum() < _SHARED:  # the box's middle moves also where a part of them is hidden
            return _middle(box) - _middle(self.boxes[-1])
        return np.median(keypoints[shared, :2] - self.keypoints[-1][shared, :2], axis=0)


class Tracker:
    """Follows people from frame to frame: `add` each frame in order, then ask for `tracks`.

    Memory grows with what the tracks hold and nothing else.
    """

    def __init__(self, options: TrackOptions | None = None) -> None:
        """Begins with nobody; None for the usual options."""
        self._options = options or TrackOptions()
        self._ended: list[_Person] = []
        self._going: list[_Person] = []
        self._followed = 0
        self._last: tuple[int, Skeleton] | None = None

    def add(self, poses: Poses, frame: int) -> None:
        """Takes the people of one frame.

        Args:
            poses: Who was found; may be empty.
            frame: Its number; higher than the last one's.

        Raises:
            ValueError: an earlier frame, or another skeleton than before.
        """
        if self._last and (frame <= self._last[0] or poses.skeleton != self._last[1]):
            raise ValueError(
                f"Frames come in rising order and with one skeleton: after {self._last[0]} with "
                f"{self._last[1].name!r}. Received: {frame} with {poses.skeleton.name!r}"
            )
        self._last = (frame, poses.skeleton)
        self._give_up_before(frame - self._options.max_age - 1)
        partner = self._partners(poses, frame)
        for person, found in zip(self._going, partner, strict=True):
            if found >= 0:
                person.see(poses, int(found), frame)
        known = partner[partner >= 0].tolist()
        self._going += [_Person(poses, found, frame) for found in _unknown(poses, known)]

    def tracks(self) -> list[Track]:
        """Returns everybody who was found often enough, in the order in which they appeared."""
        if self._last is None:
            return []
        people = [*self._ended, *filter(self._is_confirmed, self._going)]
        people.sort(key=lambda person: person.frames[0])
        return [_as_track(i, person, self._last[1]) for i, person in enumerate(people)]

    def followed(self) -> list[Track]:
        """Returns who is being followed now and was found often enough.

        Their numbers are those of the order in which that became so; nobody's changes.
        """
        if self._last is None:
            return []
        people = [*filter(self._is_confirmed, self._going)]
        for person in people:
            if person.number is None:
                person.number = self._followed
                self._followed += 1
        return [_as_track(int(p.number or 0), p, self._last[1]) for p in people]

    def forget_before(self, frame: int) -> None:
        """Drops what is older, so that memory does not grow while somebody is followed."""
        self._ended = [person for person in self._ended if person.frames[-1] >= frame]
        for person in self._going:
            person.forget_before(frame)

    def _partners(self, poses: Poses, frame: int) -> np.ndarray:
        """Returns who of those found each person is, -1 for nobody: `(people,)` int."""
        partner = pair(
            _similarity(self._going, poses, frame), at_least=self._options.min_similarity
        )
        left = np.flatnonzero(partner < 0)
        rest = np.setdiff1d(np.arange(len(poses.boxes)), partner)
        if len(left) and len(rest):
            near = _nearness([self._going[i] for i in left], poses, rest, frame)
            again = pair(near)
            partner[left] = np.where(again < 0, -1, rest[again])
        return partner

    def _give_up_before(self, frame: int) -> None:
        lost = [person for person in self._going if person.frames[-1] < frame]
        self._going = [person for person in self._going if person.frames[-1] >= frame]
        self._ended += filter(self._is_confirmed, lost)

    def _is_confirmed(self, person: _Person) -> bool:
        return person.hits >= self._options.min_hits


def track(poses: Iterable[Poses], options: TrackOptions | None = None) -> list[Track]:
    """Follows people over frames numbered from 0.

    Args:
        poses: One a frame, in order.
        options: See `Tracker`.
    """
    tracker = Tracker(options)
    for frame, found in enumerate(poses):
        tracker.add(found, frame)
    return tracker.tracks()


def focus(tracks: Sequence[Track], size: tuple[int, int], *, policy: str = "focus") -> Track | None:
    """Chooses the person whom a video is about.

    Args:
        tracks: Everybody in it.
        size: (width, height) of the picture.
        policy: A key of `POLICIES`.

    Returns:
        One of the tracks, the first of equals; None where there is none.

    Raises:
        ValueError: no such policy.
    """
    if policy not in POLICIES:
        raise ValueError(f"focus must be one of {list(POLICIES)}. Received: {policy!r}")
    return max(tracks, key=lambda track: POLICIES[policy](track, size), default=None)


def in_focus(track: Track, size: tuple[int, int]) -> float:
    """Sum over the frames of size (share of the picture) x score x nearness to its centre."""
    half = np.array(size) / 2
    away = np.linalg.norm((_middle(track.boxes) - half) / half, axis=1) / np.sqrt(2)
    return float((_areas(track) / np.prod(size) * track.scores * (1 - away)).sum())


def longest(track: Track, size: tuple[int, int]) -> float:
    """Number of frames in which the person was found."""
    return len(track.frames)


def largest(track: Track, size: tuple[int, int]) -> float:
    """Median area of the person's box."""
    return float(np.median(_areas(track)))


def most_joints(track: Track, size: tuple[int, int]) -> float:
    """Sum of the joints' confidences over all frames; the skating project's rule (2020)."""
    return float(track.keypoints[..., 2].sum())


POLICIES: dict[str, Callable[[Track, tuple[int, int]], float]] = {
    "focus": in_focus,
    "longest": longest,
    "largest": largest,
    "most_joints": most_joints,
}


def as_clip(
    track: Track | None,
    *,
    skeleton: Skeleton,
    frames: np.ndarray,
    times: np.ndarray,
    name: str,
    source: Path,
    span: tuple[int, int] | None = None,
) -> Clip:
    """Lays a track out over the frames of a clip, zeros where the person was not found.

    Args:
        track: The person; None: nobody.
        skeleton: Of the joints.
        frames: `(T,)` int, rising: the frames of the clip; what the track has outside is left out.
        times: `(T,)` float64 seconds of these frames.
        name: Of the clip.
        source: The video.
        span: Which of its frames; None: all.
    """
    keypoints = np.zeros((len(frames), len(skeleton), 3), np.float32)
    if track is not None:
        _, rows, found = np.intersect1d(frames, track.frames, return_indices=True)
        keypoints[rows] = track.keypoints[found]
    return Clip(
        name=name,
        source=source,
        span=span,
        skeleton=skeleton,
        keypoints=keypoints,
        times=np.asarray(times, np.float64),
    )


def _similarity(people: Sequence[_Person], poses: Poses, frame: int) -> np.ndarray:
    """Returns how like each person everybody found is, `(people, found)` in [0, 1]."""
    if not people:
        return np.zeros((0, len(poses.boxes)))
    expected = [person.expected(frame) for person in people]
    boxes, joints = (np.stack(parts) for parts in zip(*expected, strict=True))
    close = _oks(boxes, joints, poses)
    overlap = iou(boxes, poses.boxes)
    has_joints = np.any(joints[..., 2] > 0, axis=1)
    return np.where(has_joints[:, None], (overlap + close) / 2, overlap)


def _nearness(people: Sequence[_Person], poses: Poses, found: np.ndarray, frame: int) -> np.ndarray:
    """Returns how near each person some of those found are, `(people, found)` in [0, 1].

    1 where the joints are where they should, 0 from `_NEAR` on: the median, so that a leg taken for
    the other one does not count. The best of the last sightings counts, for the very last one may
    have been of half the person only, with all joints pressed into that half.
    """
    near = np.zeros((len(people), len(found)))
    for row, person in zip(near, people, strict=True):
        for sighting in range(-min(len(person.frames), _MEMORY), 0):
            box, joints = person.expected(frame, sighting)
            for column, other in enumerate(found):
                size = max(_diagonal(box), _diagonal(poses.boxes[other]))
                away = _apart(joints, poses.keypoints[other]) / (_NEAR * size)
                row[column] = max(row[column], 1 - away)
    return near


def _apart(joints: np.ndarray, others: np.ndarray) -> float:
    """Returns the median distance of two people's sure joints `(K, 3)`; infinite with too few."""
    seen = (joints[:, 2] > _SURE) & (others[:, 2] > _SURE)
    if seen.sum() < _SHARED:
        return np.inf
    return float(np.median(np.linalg.norm(joints[seen, :2] - others[seen, :2], axis=1)))


def _unknown(poses: Poses, known: Sequence[int]) -> list[int]:
    """Returns who is found beside the known ones, and is none of these, or each other, again."""
    everybody = range(len(poses.boxes))
    if len(known) == len(everybody):
        return []
    joints = poses.keypoints * (poses.keypoints[..., 2:] > _SURE)
    close = _oks(poses.boxes, joints, poses)
    close = np.maximum(close, close.T)
    new: list[int] = []
    for found in everybody:  # by falling score
        others = [*known, *new]
        if found not in known and not (close[found, others] > _SAME).any():
            new.append(found)
    return new


def _oks(boxes: np.ndarray, joints: np.ndarray, poses: Poses) -> np.ndarray:
    """Returns the OKS of people, as they are expected, with those found."""
    names, areas = poses.skeleton.joints, body_areas(boxes, joints)
    return oks(joints, poses.keypoints, joints=names, areas=areas)


def _as_track(number: int, person: _Person, skeleton: Skeleton) -> Track:
    return Track(
        number,
        skeleton,
        np.array(person.frames, np.int64),
        np.stack(person.boxes),
        np.array(person.scores, np.float32),
        np.stack(person.keypoints),
    )


def _middle(boxes: np.ndarray) -> np.ndarray:
    return (boxes[..., :2] + boxes[..., 2:]) / 2


def _diagonal(box: np.ndarray) -> float:
    return max(float(np.linalg.norm(box[2:] - box[:2])), 1.0)


def _areas(track: Track) -> np.ndarray:
    return (track.boxes[:, 2:] - track.boxes[:, :2]).prod(axis=1)
