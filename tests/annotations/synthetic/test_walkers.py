"""Drawn walkers: their movement against geometry, their videos against the truth beside them."""

import hashlib
from dataclasses import fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from pose_activity.annotations.clip_files import read_clips
from pose_activity.annotations.clips import Clip
from pose_activity.annotations.readers.video_folder import read_video_folder
from pose_activity.annotations.skeleton import MPII16
from pose_activity.annotations.synthetic import walkers
from pose_activity.annotations.synthetic.gait import BONES, RANGES, Gait, body, gaits, on_a_day
from pose_activity.annotations.synthetic.options import DrawnWalkers
from pose_activity.annotations.synthetic.walkers import TRUTH, VIDEOS, Film, crossing, walk

SIZE = (96, 96)
PHASES = range(0, 360, 15)


SMALL: dict[str, Any] = {"people": 2, "clips": 1, "frames": 1, "size": SIZE, "fps": 25.0, "seed": 0}


def write(folder: Path, **changed: Any) -> Path:
    options = {**SMALL, **changed}
    others = {name: options.pop(name) for name in ("seed", "on_progress") if name in options}
    return walkers.write(folder, DrawnWalkers(**options), **others)


@pytest.fixture
def gait() -> Gait:
    return gaits(1, np.random.default_rng(5))[0]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("drawn"), clips=2, frames=6, seed=1)


def length(points: dict[str, np.ndarray], one: str, other: str) -> float:
    return float(np.linalg.norm(points[one] - points[other]))


def of(keypoints: np.ndarray, joint: str) -> np.ndarray:
    return keypoints[..., MPII16.index(joint), :]


def pixels(path: Path) -> list[np.ndarray]:
    capture, frames = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        frames.append(read[1])
    capture.release()
    return frames


# --- gait -------------------------------------------------------------------------------------


def test_every_number_of_a_gait_has_a_range() -> None:
    assert list(RANGES) == [field.name for field in fields(Gait)]
    assert all(low < high for low, high in RANGES.values())


def test_no_two_people_share_a_part_of_a_range() -> None:
    people = gaits(8, np.random.default_rng(0))
    for name, (low, high) in RANGES.items():
        shares = [(getattr(gait, name) - low) / (high - low) for gait in people]
        assert sorted(int(8 * share) for share in shares) == list(range(8))


def test_a_day_changes_the_movement_and_no_bone(gait: Gait) -> None:
    days = [on_a_day(gait, np.random.default_rng(seed)) for seed in range(200)]
    for name, (low, high) in RANGES.items():
        moved = np.array([getattr(day, name) - getattr(gait, name) for day in days])
        expected = 0 if name in BONES else 0.05 * (high - low)
        assert np.isclose(moved.std(), expected, rtol=0.15)


@pytest.mark.parametrize("phase", PHASES)
def test_bones_keep_their_lengths(gait: Gait, phase: float) -> None:
    points = body(gait, phase)
    for side in ("left", "right"):
        for bone, ends in {
            "upper_arm": ("shoulder", "elbow"),
            "forearm": ("elbow", "wrist"),
            "thigh": ("hip", "knee"),
            "shin": ("knee", "ankle"),
        }.items():
            one, other = (f"{side}_{end}" for end in ends)
            assert np.isclose(length(points, one, other), getattr(gait, bone))
    assert np.isclose(length(points, "left_hip", "right_hip"), 2 * gait.hip)
    assert np.isclose(length(points, "pelvis", "thorax"), gait.torso)


@pytest.mark.parametrize("phase", PHASES)
def test_half_a_stride_later_left_and_right_have_changed_places(gait: Gait, phase: float) -> None:
    now, later = body(gait, phase), body(gait, phase + 180)
    for joint, other in zip(MPII16.joints, MPII16.flip_index, strict=True):
        assert np.allclose(now[joint] * (-1, 1, 1), later[MPII16.joints[other]])


def test_somebody_always_stands_on_the_ground(gait: Gait) -> None:
    lowest = [
        min(points[name][1] for name in MPII16.joints)
        for points in (body(gait, phase) for phase in PHASES)
    ]
    assert np.isclose(min(lowest), 0)
    assert np.isclose(max(lowest), gait.bounce)


def test_arms_swing_against_the_legs(gait: Gait) -> None:
    bodies = [body(gait, phase) for phase in PHASES]
    leg, arm = (
        [points[joint][2] - points[root][2] for points in bodies]
        for joint, root in (("left_ankle", "left_hip"), ("left_elbow", "left_shoulder"))
    )
    assert np.corrcoef(leg, arm)[0, 1] < -0.7


def test_the_standing_foot_hardly_slides() -> None:
    """From foot ahead to foot behind the body passes over it at the speed that it is moved by."""
    for gait in gaits(8, np.random.default_rng(1)):
        ahead, behind = (
            body(gait, phase)["left_ankle"][2] - body(gait, phase)["pelvis"][2]
            for phase in (0, 180)
        )
        assert np.isclose(2 * gait.cadence * (ahead - behind), gait.speed, rtol=0.15)


# --- films ------------------------------------------------------------------------------------


def test_videos_are_as_long_and_as_large_as_asked(drawn: Path) -> None:
    files = sorted((drawn / VIDEOS).rglob("*.*"))
    assert [path.relative_to(drawn / VIDEOS).as_posix() for path in files] == [
        f"person0{person}/clip_0{clip}.mp4" for person in (1, 2) for clip in (1, 2)
    ]
    for path in files:
        capture = cv2.VideoCapture(str(path))
        assert capture.get(cv2.CAP_PROP_FPS) == 25
        assert [frame.shape for frame in pixels(path)] == [(96, 96, 3)] * 6


def test_the_truth_is_that_of_the_videos(drawn: Path) -> None:
    truth, read = read_clips(drawn / TRUTH), read_video_folder(drawn / VIDEOS)
    assert [(c.name, c.source, c.label) for c in truth] == [
        (c.name, c.source, c.label) for c in read
    ]
    for clip in truth:
        assert clip.keypoints is not None and clip.times is not None
        assert np.allclose(clip.times, np.arange(6) / 25)
        assert (clip.keypoints[..., 2] > 0).all(), "nobody leaves the picture"


def test_coding_hardly_changes_the_pictures(tmp_path: Path, gait: Gait) -> None:
    film = walk(gait, frames=4, size=SIZE, fps=25, rng=np.random.default_rng(0))
    walkers._write_video(tmp_path / "clip.mp4", film.frames, 25)
    for drawn, read in zip(film.frames, pixels(tmp_path / "clip.mp4"), strict=True):
        assert np.abs(drawn.astype(float) - read[..., ::-1]).mean() < 6


def test_equal_seeds_give_equal_bytes(tmp_path: Path) -> None:
    for name, seed, clips in (("a", 1, 1), ("b", 1, 2), ("c", 2, 1)):
        write(tmp_path / name, clips=clips, frames=3, seed=seed)
    a, b, c = (
        {
            path.relative_to(tmp_path / name): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (tmp_path / name / VIDEOS).rglob("*.mp4")
        }
        for name in "abc"
    )
    assert a.items() < b.items(), "a clip does not depend on how many follow"
    assert not a.items() & c.items()


def test_joints_lie_on_what_was_drawn(monkeypatch: pytest.MonkeyPatch, gait: Gait) -> None:
    """Green sleeves, red forearms and so on: each visible joint's pixel has its part's hue."""
    colours = {"sleeve": "green", "shirt": "green", "forearm": "red", "skin": "red"}
    colours |= {"thigh": "blue", "shin": "blue", "shoes": "blue", "hair": "red"}
    bgr = {"blue": (255, 0, 0), "green": (0, 255, 0), "red": (0, 0, 255)}
    wear = {part: bgr[colour] for part, colour in colours.items()} | {"stool": (0, 0, 0)}
    monkeypatch.setattr(walkers, "wardrobe", lambda rng: wear)
    expected = {"knee": 2, "shoulder": 1, "wrist": 0}
    film = walk(gait, frames=12, size=(160, 160), fps=12, rng=np.random.default_rng(2))
    checked = 0
    for frame, keypoints in zip(film.frames, film.keypoints[:, 0], strict=True):
        for index, (x, y, v) in enumerate(keypoints):
            part = MPII16.joints[index].rpartition("_")[2]
            if v == 1 and part in expected:
                spot = frame[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].mean((0, 1))
                checked += 1
                assert spot.argmax() == expected[part], (MPII16.joints[index], spot)
    assert checked > 40


def knees_point(keypoints: np.ndarray) -> float:
    """Returns the side, -1 or 1, to which the knees of `(T, 16, 3)` are bent."""
    bends = [
        of(keypoints, f"{side}_knee")
        - (of(keypoints, f"{side}_hip") + of(keypoints, f"{side}_ankle")) / 2
        for side in ("left", "right")
    ]
    return float(np.sign(np.mean(bends, axis=(0, 1))[0]))


def test_some_walk_to_the_left_and_some_to_the_right(gait: Gait) -> None:
    films = [
        walk(gait, frames=8, size=SIZE, fps=8, rng=np.random.default_rng(seed)) for seed in range(4)
    ]
    assert {knees_point(film.keypoints[:, 0]) for film in films} == {-1, 1}


@pytest.fixture(scope="module")
def meeting() -> Film:
    return crossing(frames=40, size=SIZE, seed=3)


def test_two_people_cross(meeting: Film) -> None:
    x = of(meeting.keypoints, "pelvis")[..., 0]
    assert (np.diff(x[:, 0]) > 0).all() and (np.diff(x[:, 1]) < 0).all()
    assert knees_point(meeting.keypoints[:, 0]) == 1 and knees_point(meeting.keypoints[:, 1]) == -1
    gap = x[:, 1] - x[:, 0]
    assert gap[0] > SIZE[0] / 3 and gap[-1] < -SIZE[0] / 3
    assert 15 <= np.abs(gap).argmin() < 25


def test_who_is_behind_is_hidden_where_they_cross(meeting: Film) -> None:
    v = meeting.keypoints[..., 2]
    met = np.abs(np.diff(of(meeting.keypoints, "pelvis")[..., 0], axis=1)[:, 0]) < 4
    assert (v[met, 0] == 0.5).mean() > 0.6
    assert (v[met, 1] == 0.5).mean() < 0.5


def test_joints_outside_the_picture_are_missing() -> None:
    film = crossing(frames=24, fps=4, size=SIZE, seed=3)
    xy, v = film.keypoints[..., :2], film.keypoints[..., 2]
    assert (v[12] > 0).all() and (v[[0, -1]] == 0).all()
    assert (xy[v == 0] == 0).all()
    assert (xy >= 0).all() and (xy < SIZE).all()


def moments(clip: np.ndarray) -> np.ndarray:
    """Where and how large somebody is in the picture: `(T, 16, 3)` -> `(8,)`."""
    xy = clip[..., :2]
    return np.ravel([xy.mean((0, 1)), xy.std(1).mean(0), xy[0].mean(0), xy[-1].mean(0)])


def movement(clip: np.ndarray) -> np.ndarray:
    """Means and deviations of the distances between joints, in lengths of the torso."""
    xy = clip[..., :2].astype(float)
    gaps = np.linalg.norm(xy[:, :, None] - xy[:, None], axis=3)
    gaps /= np.median(gaps[:, MPII16.index("thorax"), MPII16.index("pelvis")])
    one, other = np.triu_indices(len(MPII16), 1)
    return np.concatenate([gaps.mean(0)[one, other], gaps.std(0)[one, other]])


@pytest.mark.slow
def test_gait_tells_people_apart_and_neither_place_nor_colour(tmp_path: Path) -> None:
    write(tmp_path, people=6, clips=8, frames=30, size=(64, 64), fps=15)
    truth: list[Clip] = read_clips(tmp_path / TRUTH)
    labels = [clip.label for clip in truth]
    joints = [clip.keypoints for clip in truth if clip.keypoints is not None]
    colours = [np.mean(pixels(clip.source), axis=0).reshape(16, 4, 16, 4, 3) for clip in truth]

    def score(features: list[np.ndarray]) -> float:
        model = make_pipeline(StandardScaler(), SVC(C=10))
        folds = StratifiedKFold(4, shuffle=True, random_state=0)
        return float(cross_val_score(model, np.array(features), labels, cv=folds).mean())

    assert score([movement(clip) for clip in joints]) > 0.95
    assert score([moments(clip) for clip in joints]) < 0.5
    assert score([tone.mean((1, 3)).ravel() for tone in colours]) < 0.4


# --- what is refused --------------------------------------------------------------------------


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []

    def note(*step: object) -> None:
        told.append(step)  # type: ignore[arg-type]

    assert write(tmp_path, on_progress=note) == tmp_path
    assert told == [(1, 2, "person01/clip_01.mp4"), (2, 2, "person02/clip_01.mp4")]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"people": 0}, "people must be at least 1. Received: 0"),
        ({"clips": 0}, "clips must be at least 1. Received: 0"),
        ({"frames": 0}, "frames must be at least 1. Received: 0"),
        ({"size": (62, 64)}, r"size must be .* at least 64. Received: \(62, 64\)"),
        ({"size": (64, 65)}, r"size must be two even numbers.* Received: \(64, 65\)"),
        ({"fps": 0}, "fps must be above 0. Received: 0"),
    ],
)
def test_too_little_is_refused(tmp_path: Path, wrong: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write(tmp_path / "new", **wrong)
    assert not (tmp_path / "new").exists()
    if not {"people", "clips"} & wrong.keys():
        with pytest.raises(ValueError, match=message):
            crossing(**wrong)


def test_an_opencv_without_the_codec_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(walkers, "_CODEC", "none")
    with pytest.raises(RuntimeError, match="cannot write none videos. Install"):
        write(tmp_path)
    assert not list(tmp_path.rglob("*.mp4"))
