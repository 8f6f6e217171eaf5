"""Who is who over the frames: walkers whose true identity is known, noise and gaps included."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity.annotations.boxes import iou
from pose_activity.annotations.skeleton import COCO17, MPII16, Skeleton
from pose_activity.annotations.synthetic.walkers import crossing
from pose_activity.annotations.types import Poses, no_people
from pose_activity.stage1_pose.options import TrackOptions
from pose_activity.stage1_pose.predict import load
from pose_activity.stage1_pose.track import POLICIES, Track, Tracker, as_clip, focus, track

VIDEO, SIZE = Path("clip.mp4"), (640, 480)
# A standing person of height 1, feet at the origin: nose, eyes, ears, shoulders, ... ankles.
BODY = np.array(
    [
        *[(0.04, -0.93), (0.05, -0.95), (0.03, -0.95), (0.02, -0.94), (0.0, -0.94)],
        *[(0.02, -0.80), (-0.02, -0.80), (0.06, -0.65), (-0.05, -0.65), (0.12, -0.52)],
        *[(-0.09, -0.52), (0.01, -0.50), (-0.01, -0.50), (0.08, -0.27), (-0.05, -0.26)],
        *[(0.10, -0.03), (-0.12, -0.04)],
    ]
)
SWING = np.where(np.arange(17) % 2, 1, -1) * np.maximum(0, BODY[:, 1] + 0.85)


def body(x: float, y: float, height: float, phase: float, direction: float = 1) -> np.ndarray:
    """Returns `(17, 3)` joints of a walker whose feet are at (x, y)."""
    points = BODY.copy()
    points[:, 0] += 0.12 * np.sin(phase) * SWING
    points *= [direction * height, height]
    return np.column_stack([points + (x, y), np.full(17, 0.9)])


def poses_of(people: list[np.ndarray], skeleton: Skeleton = COCO17) -> Poses:
    """Returns people as stage 1 would, in the given order, boxes around their joints."""
    if not people:
        boxes, keypoints, scores = no_people(skeleton)
        return Poses(VIDEO, SIZE, skeleton, boxes, scores, keypoints)
    keypoints = np.stack(people).astype(np.float32)
    keypoints[keypoints[..., 2] == 0] = 0
    boxes = np.zeros((len(people), 4), np.float32)
    for box, joints in zip(boxes, keypoints, strict=True):
        seen = joints[joints[:, 2] > 0, :2]
        box[:] = *(seen.min(0) - 8), *(seen.max(0) + 8)
    scores = np.linspace(0.9, 0.8, len(people), dtype=np.float32)
    return Poses(VIDEO, SIZE, skeleton, boxes, scores, keypoints)


def two_walkers(frame: int, speed: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Returns two who meet at x = 320 in frame 40; the first walks to the right."""
    step = speed * (frame - 40)
    first = body(320 + step, 400, 200, 0.25 * frame)
    second = body(320 - step, 412, 215, 0.23 * frame + 1, direction=-1)
    for person in (first, second):
        person[:, :2] += rng.normal(0, 1.5, (17, 2))
    return [first, second]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("speed", [1.5, 3, 7])
@pytest.mark.parametrize("hidden", [0, 5, 20], ids=lambda n: f"{n}px")
def test_two_who_cross_keep_their_numbers(seed: int, speed: float, hidden: int) -> None:
    rng = np.random.default_rng(seed)
    found, truth = [], []
    for frame in range(80):
        people = two_walkers(frame, speed, rng)
        order = rng.permutation(2).tolist()  # whoever has the higher score comes first
        if abs(speed * (frame - 40)) < hidden:
            order = [1]  # the second hides the first
        found.append(poses_of([people[i] for i in order]))
        truth.append(order)
    tracks = track(found)
    assert len(tracks) == 2
    for one in tracks:
        rights = [
            truth[frame][_nearest(found[frame], keypoints)]
            for frame, keypoints in zip(one.frames, one.keypoints, strict=True)
        ]
        # Just where they hide each other it does not matter who is who; before and after it does.
        apart = np.abs(speed * (one.frames - 40)) > 25
        assert len(set(np.array(rights)[apart].tolist())) == 1


def _nearest(poses: Poses, keypoints: np.ndarray) -> int:
    return int(np.abs(poses.keypoints - keypoints).sum((1, 2)).argmin())


def test_drawn_people_who_cross() -> None:
    film = crossing(frames=40, seed=3)
    found = [
        Poses(VIDEO, (160, 160), MPII16, *_boxed(people.astype(np.float32)))
        for people in film.keypoints
    ]
    tracks = track(found)
    assert [len(one.frames) for one in tracks] == [40, 40]
    for one in tracks:
        start = np.abs(film.keypoints[0] - one.keypoints[0]).sum((1, 2)).argmin()
        assert np.array_equal(one.keypoints, film.keypoints[:, start].astype(np.float32))


def _boxed(people: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    low = np.where(people[..., 2:] > 0, people[..., :2], np.inf).min(1)
    high = np.where(people[..., 2:] > 0, people[..., :2], -np.inf).max(1)
    scores = np.full(len(people), 0.9, np.float32)
    return np.hstack([low, high]).astype(np.float32), scores, people


def standing(frames: int, without: tuple[int, ...] = ()) -> list[Poses]:
    """Returns one person who walks slowly, not found in some frames."""
    return [
        poses_of([] if frame in without else [body(200 + 2 * frame, 400, 200, 0.2 * frame)])
        for frame in range(frames)
    ]


def test_gaps_up_to_the_longest_are_bridged() -> None:
    gap = tuple(range(10, 15))
    (one,) = track(standing(30, gap), TrackOptions(max_age=5))
    assert one.frames.tolist() == [n for n in range(30) if n not in gap]
    first, second = track(standing(30, gap), TrackOptions(max_age=4))
    assert (first.frames.tolist(), second.frames.tolist()) == ([*range(10)], [*range(15, 30)])
    assert (first.person, second.person) == (0, 1)


def test_frames_may_be_far_apart() -> None:
    tracker = Tracker(TrackOptions(max_age=30))
    for frame, poses in enumerate(standing(60)):
        if frame % 6 == 0:
            tracker.add(poses, frame)
    (one,) = tracker.tracks()
    assert one.frames.tolist() == [*range(0, 60, 6)]


def test_who_is_found_too_seldom_is_a_mistake() -> None:
    frames = standing(20)
    ghost = body(500, 200, 90, 0)
    for number in (4, 9):
        frames[number] = poses_of([frames[number].keypoints[0], ghost])
    (one,) = track(frames, TrackOptions(min_hits=3))
    assert len(one.frames) == 20
    assert [len(one.frames) for one in track(frames, TrackOptions(min_hits=2))] == [20, 2]
    assert track(frames, TrackOptions(min_hits=21)) == []


def test_who_is_found_twice_is_one_person() -> None:
    frames = []
    for number in range(20):
        person = body(200 + 3 * number, 400, 200, 0.2 * number)
        again = person.copy()
        again[:, :2] += (6, 4)
        frames.append(poses_of([person, again] if number % 2 else [again]))
    (one,) = track(frames)
    assert one.frames.tolist() == [*range(20)]
    # Somebody who stands close by is no copy: other joints.
    beside = [poses_of([body(200, 400, 200, 0), body(240, 410, 190, 2)]) for _ in range(5)]
    assert iou(beside[0].boxes[:1], beside[0].boxes[1:])[0, 0] > 0.2
    assert [len(one.frames) for one in track(beside)] == [5, 5]


def test_somebody_new_is_somebody_else() -> None:
    frames = [poses_of([body(100, 400, 200, 0)])] * 5 + [poses_of([body(500, 400, 200, 0)])] * 5
    assert [one.frames.tolist() for one in track(frames)] == [[*range(5)], [*range(5, 10)]]


def test_nobody() -> None:
    assert track([]) == [] and track([poses_of([])] * 3) == []


def test_joints_without_confidence_leave_the_box() -> None:
    blurred = body(200, 400, 200, 0)
    blurred[:, 2] = 0.1
    (one,) = track([poses_of([blurred])] * 4)
    assert one.frames.tolist() == [0, 1, 2, 3]


def test_what_was_given_is_not_changed() -> None:
    frames = standing(6)
    before = [poses.keypoints.copy() for poses in frames]
    (one,) = track(frames)
    assert all(np.array_equal(a, b.keypoints) for a, b in zip(before, frames, strict=True))
    assert np.array_equal(one.keypoints, np.stack([poses.keypoints[0] for poses in frames]))
    assert one.boxes.dtype == one.scores.dtype == one.keypoints.dtype == np.float32


def made(person: int, boxes: list[list[float]], score: float = 0.9) -> Track:
    count = len(boxes)
    return Track(
        person,
        COCO17,
        np.arange(count),
        np.array(boxes, np.float32),
        np.full(count, score, np.float32),
        np.zeros((count, 17, 3), np.float32),
    )


def test_who_a_video_is_about() -> None:
    middle = made(0, [[40, 30, 60, 70]] * 10)  # 20 x 40, in the centre of 100 x 100
    large = made(1, [[0, 0, 40, 80]] * 3)
    aside = made(2, [[80, 20, 100, 60]] * 30, score=0.2)
    people, size = [middle, large, aside], (100, 100)
    # 10 x 0.08 x 0.9 x 1; the others are 3 x 0.32 x 0.9 x (1 - |(-.6, -.2)| / sqrt 2) and less.
    assert POLICIES["focus"](middle, size) == pytest.approx(0.72)
    away = np.hypot(0.6, 0.2) / np.sqrt(2)
    assert POLICIES["focus"](large, size) == pytest.approx(3 * 0.32 * 0.9 * (1 - away))
    assert focus(people, size) is middle
    assert focus(people, size, policy="longest") is aside
    assert focus(people, size, policy="largest") is large
    assert focus([], size) is None
    with pytest.raises(ValueError, match=r"focus must be one of \['focus', 'longest', 'largest', "):
        focus(people, size, policy="tallest")


def test_a_clip_has_a_row_for_every_frame() -> None:
    (one,) = track(standing(12, without=(4, 5)))
    frames, times = np.arange(2, 15), np.linspace(3, 5, 13)
    clip = as_clip(one, skeleton=COCO17, frames=frames, times=times, name="a", source=VIDEO)
    assert clip.keypoints is not None and clip.times is not None
    assert clip.valid.tolist() == [n < 12 and n not in (4, 5) for n in frames]
    assert not clip.keypoints[~clip.valid].any() and np.array_equal(clip.times, times)
    where = {number: row for row, number in enumerate(one.frames.tolist())}
    for row, number in enumerate(frames.tolist()):
        if number in where:
            assert np.array_equal(clip.keypoints[row], one.keypoints[where[number]])
    nobody = as_clip(None, skeleton=COCO17, frames=frames, times=times, name="a", source=VIDEO)
    assert not nobody.valid.any() and len(nobody.valid) == 13


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"min_similarity": 0.0}, r"min_similarity must lie in \(0, 1\]. Received: 0.0"),
        ({"min_similarity": 1.1}, r"min_similarity must lie in \(0, 1\]. Received: 1.1"),
        ({"min_hits": 0}, "min_hits must be at least 1. Received: 0"),
        ({"max_age": -1}, "max_age must be at least 0. Received: -1"),
    ],
    ids=str,
)
def test_options_outside_their_range(wrong: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrackOptions(**wrong)


def test_frames_come_in_order_and_with_one_skeleton() -> None:
    tracker = Tracker()
    tracker.add(poses_of([]), 3)
    with pytest.raises(ValueError, match="rising order .* after 3 .* Received: 3 with 'coco17'"):
        tracker.add(poses_of([]), 3)
    with pytest.raises(ValueError, match="with one skeleton.* Received: 4 with 'mpii16'"):
        tracker.add(poses_of([], MPII16), 4)


def test_a_track_is_checked() -> None:
    with pytest.raises(ValueError, match="at least one frame, in rising order"):
        made(0, [])


# --- leaps ------------------------------------------------------------------------------------


def halved(person: np.ndarray) -> np.ndarray:
    """Returns what a network makes of somebody whom it sees half of: legs pressed to the hips."""
    half = person.copy()
    end = half[:, 1].min() + 0.55 * np.ptp(half[:, 1])
    below = half[:, 1] > end
    half[below, 1] = end + 0.1 * (half[below, 1] - end)
    return half


@pytest.mark.parametrize("first_half", [10, 11])
def test_a_box_that_leaps_leaves_the_person_who_they_are(first_half: int) -> None:
    """Halves and strides: the box's height and width change twofold from frame to frame."""
    frames = []
    for number in range(30):
        person = body(100 + 12 * number, 400, 250, 0.9 * number)
        if first_half <= number < 14 or number == 20:
            person = halved(person)
        frames.append(poses_of([] if number in (14, 21) else [person]))
    (one,) = track(frames)
    assert one.frames.tolist() == [n for n in range(30) if n not in (14, 21)]


def test_who_comes_where_somebody_left_is_somebody_else() -> None:
    """A body's length away from where the first should be: nobody leaps as far."""
    frames = [poses_of([body(100 + 5 * n, 400, 200, 0.3 * n)]) for n in range(15)]
    frames += [poses_of([body(340 - 5 * n, 400, 200, 0.3 * n)]) for n in range(15)]
    assert [one.frames.tolist() for one in track(frames)] == [[*range(15)], [*range(15, 30)]]


def test_a_leap_steals_nobody_s_number() -> None:
    """Who stands still is not taken for the one beside, of whom the detector lost a frame."""
    frames = []
    for number in range(20):
        left, right = body(200, 400, 200, 0.2 * number), body(260, 400, 200, 0.2 * number)
        frames.append(poses_of([right] if number == 10 else [left, right]))
    first, second = track(frames)
    assert first.frames.tolist() == [n for n in range(20) if n != 10]
    assert second.frames.tolist() == [*range(20)]
    assert abs(np.diff(second.boxes[:, 0])).max() < 20


@pytest.mark.parametrize("name", ["S040_T2_L", pytest.param("S041_T3_R", marks=pytest.mark.slow)])
def test_a_real_walker_is_one_person(real_graph: dict, data_dir: Path, name: str) -> None:
    """Boxes of 86 and then 173 pixels, halves, frames without a find: one person walks there."""
    pose = load(real_graph["folder"], engine="onnxruntime", threads=1)
    frames = list(read_every_frame(data_dir / "clips" / f"{name}.mp4"))
    found = [pose([pixels], [VIDEO])[0] for pixels in frames]
    (one,) = track(found)
    assert len(one.frames) > 0.9 * sum(len(poses.boxes) > 0 for poses in found)


def test_two_real_dancers_stay_two(real_graph: dict, data_dir: Path) -> None:
    pose = load(real_graph["folder"], engine="onnxruntime", threads=1)
    frames = list(read_every_frame(data_dir / "clips" / "demo_skeleton.mp4"))[::2]
    first, second = track([pose([pixels], [VIDEO])[0] for pixels in frames])
    assert min(len(first.frames), len(second.frames)) > 0.9 * len(frames)
    for one in (first, second):  # nobody changes sides at once
        assert np.linalg.norm(np.diff(one.boxes[:, :2], axis=0), axis=1).max() < 250


def read_every_frame(path: Path) -> Iterator[np.ndarray]:
    """Yields RGB frames."""
    capture = cv2.VideoCapture(str(path))
    while True:
        there, pixels = capture.read()
        if not there:
            return
        yield pixels[..., ::-1].copy()
