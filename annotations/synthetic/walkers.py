"""Draws videos of people walking, each with a gait of their own: a data set to identify them by.

Out come `videos/PERSON/clip_NN.mp4` and `truth.parquet`, the true joints as `Clip`s. Nothing but
gait and proportions distinguish the people: every clip has other clothes, another scene,
direction, view, distance and moment of the stride. The camera turns with the walker, so nobody
leaves the picture. The same seed draws the same. Gaits come from `annotations.synthetic.gait`, the
colours from `render.py` and `backgrounds.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pose_activity.annotations.clip_files import write_clips
from pose_activity.annotations.clips import Clip
from pose_activity.annotations.skeleton import MPII16
from pose_activity.annotations.synthetic.backgrounds import SCENES, ZOOM, Colour, develop
from pose_activity.annotations.synthetic.body import Points, turn
from pose_activity.annotations.synthetic.gait import Gait, body, gaits, on_a_day
from pose_activity.annotations.synthetic.options import DrawnWalkers
from pose_activity.annotations.synthetic.render import draw_ground, draw_person, seen, wardrobe
from pose_activity.artifacts.atomic import replacing
from pose_activity.artifacts.progress import ProgressCallback

VIDEOS, TRUTH = "videos", "truth.parquet"
_CODEC = "mp4v"  # MPEG-4 part 2: OpenCV's own FFmpeg writes and reads it everywhere
_YAW = (58.0, 82.0)  # degrees from the front
_TALL = (0.64, 0.82)  # standing heights, in heights of the picture


@dataclass(frozen=True, eq=False)
class Film:
    """A drawn video and its true poses.

    Attributes:
        frames: T pictures, `(height, width, 3)` uint8 RGB.
        keypoints: `(T, N, 16, 3)` float32, MPII16 in pixels, the same N people in every frame;
            v is 1 for a joint that can be seen, 0.5 for a hidden one and 0 (x = y = 0) outside the
            picture.
        times: `(T,)` float64, seconds.
    """

    frames: list[np.ndarray]
    keypoints: np.ndarray
    times: np.ndarray


@dataclass(frozen=True, eq=False)
class _Walker:
    """Somebody on the way, as one camera sees them; canvas pixels.

    Attributes:
        gait: How they walk.
        wear: Colours by part.
        yaw: See `annotations.synthetic.body.turn`.
        phase: Where in the stride they begin, in degrees.
        heights: `(T,)` standing height.
        feet: `(T, 2)` x and y of the ground under the pelvis.
    """

    gait: Gait
    wear: dict[str, Colour]
    yaw: float
    phase: float
    heights: np.ndarray
    feet: np.ndarray


def write(
    folder: Path,
    asked: DrawnWalkers,
    *,
    seed: int,
    on_progress: ProgressCallback | None = None,
) -> Path:
    """Draws the data set.

    Args:
        folder: Gets `videos/` and, last, `truth.parquet`; what else is in it stays.
        asked: How many, and how they are filmed.
        seed: Decides everything else.
        on_progress: Called with (done, total, text).

    Returns:
        `folder`.

    Raises:
        RuntimeError: OpenCV cannot write the videos.
    """
    truth = []
    film_as = {"frames": asked.frames, "size": asked.size, "fps": asked.fps}
    for person, gait in enumerate(gaits(asked.people, np.random.default_rng([seed, 0]))):
        label = f"person{person + 1:02d}"
        for number in range(asked.clips):
            name = f"{label}/clip_{number + 1:02d}.mp4"
            rng = np.random.default_rng([seed, 1, person, number])
            film = walk(on_a_day(gait, rng), **film_as, rng=rng)
            path = folder / VIDEOS / name
            _write_video(path, film.frames, asked.fps)
            truth.append(
                Clip(
                    name=name,
                    source=path,
                    label=label,
                    skeleton=MPII16,
                    keypoints=film.keypoints[:, 0],
                    times=film.times,
                )
            )
            if on_progress:
                on_progress(len(truth), asked.people * asked.clips, name)
    write_clips(folder / TRUTH, truth)
    return folder


def walk(
    gait: Gait, *, frames: int, size: tuple[int, int], fps: float, rng: np.random.Generator
) -> Film:
    """Films one walker from the side; the camera turns with them.

    Args:
        gait: How they walk.
        frames: How many, T.
        size: (width, height) in pixels.
        fps: Frames per second.
        rng: Decides all but the gait.
    """
    width, height = size[0] * ZOOM, size[1] * ZOOM
    direction = rng.choice((-1.0, 1.0))
    yaw = direction * rng.uniform(*_YAW)
    heights = height * rng.uniform(*_TALL) * np.linspace(1, rng.uniform(0.94, 1.06), frames)
    start, end = width * rng.uniform(0.4, 0.6, 2)
    x = np.linspace(start, end, frames)
    ground = height * rng.uniform(0.91, 0.96)
    path = _advance(gait, heights, yaw, fps)
    offsets = (path - x).round().astype(int)
    offsets -= offsets.min()
    walker = _Walker(
        gait=gait,
        wear=wardrobe(rng),
        yaw=yaw,
        phase=rng.uniform(0, 360),
        heights=heights,
        feet=np.column_stack([x, np.full(frames, ground)]),
    )
    backdrop = _backdrop((height, width + int(offsets.max())), rng)
    return _film([walker], backdrop, offsets, size=size, fps=fps, rng=rng)


def crossing(
    *,
    frames: int = 40,
    size: tuple[int, int] = (160, 160),
    fps: float = 25.0,
    seed: int = 0,
) -> Film:
    """Films two people who pass each other in the middle of the picture and of the film.

    The camera stands still. Person 0 walks to the right, and behind person 1, who walks to the
    left and hides them for a while.

    Args:
        frames: How many, T.
        size: (width, height) in pixels: even numbers, each at least 64.
        fps: Frames per second.
        seed: Decides everything.

    Raises:
        ValueError: too few or too small.
    """
    DrawnWalkers(frames=frames, size=size, fps=fps)  # refuses what cannot be drawn
    rng = np.random.default_rng([seed, 2])
    width, height = size[0] * ZOOM, size[1] * ZOOM
    walkers = []
    for gait, direction, tall, ground in zip(
        gaits(2, rng), (1.0, -1.0), (0.58, 0.64), (0.87, 0.94), strict=True
    ):
        yaw = direction * rng.uniform(65, 80)
        heights = np.full(frames, tall * height)
        path = _advance(gait, heights, yaw, fps)
        x = width / 2 + path - path[-1] / 2
        feet = np.column_stack([x, np.full(frames, ground * height)])
        walkers.append(_Walker(gait, wardrobe(rng), yaw, rng.uniform(0, 360), heights, feet))
    backdrop = _backdrop((height, width), rng)
    return _film(walkers, backdrop, np.zeros(frames, int), size=size, fps=fps, rng=rng)


# --- one film ---------------------------------------------------------------------------------


def _advance(gait: Gait, heights: np.ndarray, yaw: float, fps: float) -> np.ndarray:
    """Returns how far a person has walked by each frame: `(T,)` canvas pixels to the right."""
    steps = gait.speed * heights * np.sin(np.radians(yaw)) / fps
    return np.concatenate([[0], np.cumsum(steps)[:-1]])


def _backdrop(shape_hw: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    canvas = np.zeros((*shape_hw, 3), np.uint8)
    horizon = round(shape_hw[0] * rng.uniform(0.4, 0.62))
    SCENES[rng.integers(len(SCENES))](canvas, horizon, rng)
    return canvas


def _film(
    walkers: Sequence[_Walker],
    backdrop: np.ndarray,
    offsets: np.ndarray,
    *,
    size: tuple[int, int],
    fps: float,
    rng: np.random.Generator,
) -> Film:
    """Draws the walkers, from the hindmost on, before the part of the backdrop that is in view."""
    brightness, width = rng.uniform(0.85, 1.1), size[0] * ZOOM
    frames, keypoints = [], []
    for frame, offset in enumerate(offsets.tolist()):
        canvas = backdrop[:, offset : offset + width].copy()
        owner = np.full(canvas.shape[:2], -1, np.int16)
        bodies = [_place(walker, frame, fps) for walker in walkers]
        for points, walker in zip(bodies, walkers, strict=True):
            draw_ground(canvas, points, "walking", walker.wear)
        for number, (points, walker) in enumerate(zip(bodies, walkers, strict=True)):
            draw_person(canvas, owner, number, points, walker.wear)
        keypoints.append([_joints(points, owner, i) for i, points in enumerate(bodies)])
        picture = develop(canvas, size, brightness=brightness, rng=rng)
        frames.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    times = np.arange(len(frames)) / fps
    return Film(frames, np.array(keypoints, np.float32), times)


def _place(walker: _Walker, frame: int, fps: float) -> Points:
    """Puts a walker into a frame, in canvas pixels; "scale" is the standing height."""
    phase = walker.phase + 360 * walker.gait.cadence * frame / fps
    scale = walker.heights[frame]
    view = turn(body(walker.gait, phase), yaw=walker.yaw)
    placed = {name: point * scale + (*walker.feet[frame], 0) for name, point in view.items()}
    return {**placed, "scale": np.array(scale)}


def _joints(points: Points, owner: np.ndarray, number: int) -> np.ndarray:
    """Reads a person's joints off the body: `(16, 3)`, v as in `Film`."""
    xy = np.array([points[name][:2] for name in MPII16.joints])
    limit = np.array(owner.shape[::-1])
    inside = np.all((xy >= 0) & (xy < limit), axis=1)
    held = {name: np.clip(points[name][:2], 0, limit - 1) for name in MPII16.joints}
    v = np.where(seen(held, owner, number), 1.0, 0.5)
    return np.column_stack([xy / ZOOM, v]) * inside[:, None]


def _write_video(path: Path, frames: Sequence[np.ndarray], fps: float) -> None:
    height, width = frames[0].shape[:2]
    with replacing(path) as temporary:
        writer = cv2.VideoWriter(
            str(temporary), cv2.VideoWriter.fourcc(*_CODEC), fps, (width, height)
        )
        if not writer.isOpened():
            raise RuntimeError(
                f"{path}: this OpenCV cannot write {_CODEC} videos. Install its package from the "
                "index (opencv-python-headless), which brings FFmpeg."
            )
        for frame in frames:
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        writer.release()
