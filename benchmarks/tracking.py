"""Who is who over the frames: our tracker beside ByteTrack and BoT-SORT, fed the same detections.

    pip install --no-deps trackeval==1.3.0 lapx==0.11.1
    python benchmarks/tracking.py [--data FOLDER] [--out FILE.json]

(`--no-deps`, for trackeval asks for a second OpenCV.) Two drawn people pass each other, at three
paces. What a pose network makes of them is imitated, with what it does to real walkers: joints
that tremble, boxes cut to the upper half with the legs pressed into it, the same person found
twice, people who are not found for a while, nobody found where most of a body is hidden. `crossing`
is these films; in `vanishing` each person is away once, for up to 20 frames; in `leaving` one walks
out, and another comes in from where the first went.

Scores are TrackEval's, over all films of a kind: HOTA and IDF1, in percent; `people` is how many
were told apart, beside how many there are. BoT-SORT runs without images, so without its guess at
the camera's motion. With --data, the numbers given to the real clips S040 and S041, one walker
each, are counted; its folder holds the pose weights too. Takes two minutes.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import numpy as np
import typer
import yaml
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pose_activity.annotations.boxes import iou  # noqa: E402
from pose_activity.annotations.skeleton import MPII16  # noqa: E402
from pose_activity.annotations.synthetic.walkers import crossing  # noqa: E402
from pose_activity.annotations.types import Poses, no_people  # noqa: E402
from pose_activity.stage1_pose.track import track  # noqa: E402

SIZE, FRAMES, FILMS, RATES = (320, 160), 75, 8, (10.0, 15.0, 25.0)
VIDEO = Path("drawn.mp4")
CLIPS = ("S040_T2_L", "S041_T3_R")
LEAST_INSIDE = 0.3  # share of the joints: who shows fewer has left the picture
HIDDEN = 0.6  # share of the joints: nobody is found where more are hidden
AWAY = (4, 20)  # frames
NOISE = 0.008  # of the height, a joint's
CUT, TWICE, MISSED = 0.12, 0.08, 0.03  # how often, of the people in a frame

console = Console()

Numbers = list[np.ndarray]  # a frame: whose number each found person got, -1 for nobody's


def main(
    data: Annotated[Path | None, typer.Option(help="Folder of clips/ and weights/.")] = None,
    out: Annotated[Path, typer.Option()] = HERE / "results" / "tracking.json",
) -> None:
    """Measures all trackers on all kinds of films."""
    results: dict[str, Any] = {"command": "python benchmarks/tracking.py", "films": {}}
    for kind in KINDS:
        films = [KINDS[kind](fps, seed) for fps in RATES for seed in range(FILMS)]
        results["films"][kind] = {
            name: scores(films, [tracker([moment.found for moment in film]) for film in films])
            for name, tracker in TRACKERS.items()
        }
        console.print(as_table(kind, results["films"][kind]))
    if data is not None:
        results["clips"] = of_clips(data)
        console.print_json(data=results["clips"])
    out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


# --- films ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Moment:
    """A frame.

    Attributes:
        people: `(N,)` int, the numbers of those who are there.
        boxes: `(N, 4)` float32 xyxy, true ones.
        found: What stage 1 might say.
    """

    people: np.ndarray
    boxes: np.ndarray
    found: Poses


Film = list[Moment]


def passing(fps: float, seed: int) -> Film:
    """Two who pass each other, the hindmost hidden for a while."""
    people = crossing(frames=FRAMES, size=SIZE, fps=fps, seed=seed).keypoints
    return _watched(people, np.ones(people.shape[:2], bool), seed)


def vanishing(fps: float, seed: int) -> Film:
    """The same, and each is away once, somewhere."""
    people = crossing(frames=FRAMES, size=SIZE, fps=fps, seed=seed).keypoints
    rng = np.random.default_rng([seed, 1])
    there = np.ones(people.shape[:2], bool)
    for person in range(people.shape[1]):
        length = int(rng.integers(*AWAY))
        start = int(rng.integers(5, FRAMES - 5 - length))
        there[start : start + length, person] = False
    return _watched(people, there, seed)


def leaving(fps: float, seed: int) -> Film:
    """One walks out of the picture; soon another comes in from that side."""
    people = crossing(frames=FRAMES, size=SIZE, fps=fps, seed=seed).keypoints.copy()
    inside = people[..., 2] > 0
    middle = (people[..., 0] * inside).sum(axis=2) / np.maximum(inside.sum(axis=2), 1)
    rng = np.random.default_rng([seed, 2])
    turn = FRAMES // 2
    for person, when in ((0, turn - 2), (1, turn + int(rng.integers(2, 15)))):
        shift = SIZE[0] - middle[when, person]
        people[:, person, :, 0] += shift * (people[:, person, :, 2] > 0)
    outside = (people[..., 0] < 0) | (people[..., 0] >= SIZE[0])
    people[outside] = 0
    people[..., 2] = people[..., 2] > 0  # they do not hide each other
    return _watched(people, np.ones(people.shape[:2], bool), seed)


KINDS: dict[str, Callable[[float, int], Film]] = {
    "crossing": passing,
    "vanishing": vanishing,
    "leaving": leaving,
}


def _watched(people: np.ndarray, there: np.ndarray, seed: int) -> Film:
    """Returns what a network might find of `(T, N, 16, 3)` people where they are `there`."""
    rng = np.random.default_rng([seed, 3])
    there = there & ((people[..., 2] > 0).mean(axis=2) > LEAST_INSIDE)
    film = []
    for joints, present in zip(people, there, strict=True):
        found = []
        for person in np.flatnonzero(present):
            shown = joints[person, joints[person, :, 2] > 0]
            hidden = (shown[:, 2] < 1).mean() if len(shown) else 1.0
            if hidden <= HIDDEN and rng.uniform() >= MISSED:
                found += _found(joints[person], rng)
        film.append(Moment(np.flatnonzero(present), boxes_of(joints[present]), _poses(found, rng)))
    return film


def _found(joints: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Returns one person as found: once, cut, or twice."""
    seen = joints[:, 2] > 0
    height = np.ptp(joints[seen, 1])
    one = joints.copy()
    one[seen, :2] += rng.normal(0, NOISE * height, (seen.sum(), 2))
    one[seen, 2] = np.where(joints[seen, 2] == 1, rng.uniform(0.5, 1, seen.sum()), 0.2)
    half = one.copy()
    end = one[seen, 1].min() + 0.55 * height
    below = seen & (one[:, 1] > end)
    half[below, 1] = end + 0.1 * (one[below, 1] - end)
    half[below, 2] = rng.uniform(0.1, 0.6, below.sum())
    draw = rng.uniform()
    if draw < CUT:
        return [half]
    return [one, half] if draw < CUT + TWICE else [one]


def _poses(found: Sequence[np.ndarray], rng: np.random.Generator) -> Poses:
    if not found:
        boxes, keypoints, scores = no_people(MPII16)
        return Poses(VIDEO, SIZE, MPII16, boxes, scores, keypoints)
    scores = np.sort(rng.uniform(0.3, 0.9, len(found)).astype(np.float32))[::-1]
    keypoints = np.stack([found[i] for i in rng.permutation(len(found))]).astype(np.float32)
    return Poses(VIDEO, SIZE, MPII16, boxes_of(keypoints), scores.copy(), keypoints)


def boxes_of(people: np.ndarray) -> np.ndarray:
    """Returns `(N, 4)` float32 xyxy boxes of `(N, K, 3)` joints, a tenth higher than those."""
    low = np.where(people[..., 2:] > 0, people[..., :2], np.inf).min(axis=1, initial=np.inf)
    high = np.where(people[..., 2:] > 0, people[..., :2], -np.inf).max(axis=1, initial=-np.inf)
    edge = 0.05 * (high[:, 1:] - low[:, 1:])
    return np.hstack([low - edge, high + edge]).astype(np.float32).reshape(-1, 4)


# --- trackers ---------------------------------------------------------------------------------


def ours(found: Sequence[Poses]) -> Numbers:
    """The numbers of `stage1_pose.track`."""
    numbers = [np.full(len(poses.boxes), -1) for poses in found]
    for one in track(found):
        for frame, box in zip(one.frames, one.boxes, strict=True):
            (where,) = np.flatnonzero((found[frame].boxes == box).all(axis=1))[:1]
            numbers[frame][where] = one.person
    return numbers


def theirs(kind: str) -> Callable[[Sequence[Poses]], Numbers]:
    """Returns one of ultralytics' trackers with its own settings."""

    def follow(found: Sequence[Poses]) -> Numbers:
        from pose_activity.stage1_pose import ultralytics_env

        ultralytics_env.prepare()
        import ultralytics
        from ultralytics.engine.results import Boxes
        from ultralytics.trackers import BOTSORT, BYTETracker

        folder = Path(ultralytics.__file__).parent / "cfg" / "trackers"
        settings = yaml.safe_load((folder / f"{kind}.yaml").read_text(encoding="utf-8"))
        settings["gmc_method"] = "none"
        make = {"botsort": BOTSORT, "bytetrack": BYTETracker}[kind]
        tracker = make(SimpleNamespace(**settings))
        numbers = []
        for poses in found:
            rows = np.column_stack([poses.boxes, poses.scores, np.zeros(len(poses.boxes))])
            boxes = Boxes(rows.astype(np.float32), (poses.size[1], poses.size[0]))
            answers = tracker.update(boxes, np.zeros((*poses.size[::-1], 3), np.uint8))
            frame = np.full(len(poses.boxes), -1)
            for row in answers:
                frame[int(row[7])] = int(row[4])
            numbers.append(frame)
        return numbers

    return follow


TRACKERS: dict[str, Callable[[Sequence[Poses]], Numbers]] = {
    "ours": ours,
    "bytetrack": theirs("bytetrack"),
    "botsort": theirs("botsort"),
}


# --- scores -----------------------------------------------------------------------------------


def scores(films: Sequence[Film], answers: Sequence[Numbers]) -> dict[str, Any]:
    """Returns TrackEval's scores over all films: those of their sums, as it combines sequences."""
    from trackeval.metrics import HOTA, Identity  # pyright: ignore[reportMissingImports]

    data = [_for_trackeval(film, numbers) for film, numbers in zip(films, answers, strict=True)]
    found = {}
    for name, metric in (("HOTA", HOTA({})), ("IDF1", Identity({"PRINT_CONFIG": False}))):
        each = {str(i): metric.eval_sequence(one) for i, one in enumerate(data)}
        found[name] = round(100 * float(np.mean(metric.combine_sequences(each)[name])), 1)
    return {
        **found,
        "people": sum(one["num_tracker_ids"] for one in data),
        "true_people": sum(one["num_gt_ids"] for one in data),
    }


def _for_trackeval(film: Film, numbers: Numbers) -> dict[str, Any]:
    names = sorted({int(n) for frame in numbers for n in frame if n >= 0})
    told, alike = [], []
    for moment, frame in zip(film, numbers, strict=True):
        kept = np.flatnonzero(frame >= 0)
        told.append(np.array([names.index(int(frame[i])) for i in kept], int))
        alike.append(iou(moment.boxes, moment.found.boxes[kept]).astype(float))
    return {
        "gt_ids": [moment.people for moment in film],
        "tracker_ids": told,
        "similarity_scores": alike,
        "num_gt_ids": len({int(n) for moment in film for n in moment.people}),
        "num_tracker_ids": len(names),
        "num_gt_dets": sum(len(moment.people) for moment in film),
        "num_tracker_dets": sum(map(len, told)),
    }


def as_table(kind: str, results: dict[str, Any]) -> Table:
    """Returns a table of one kind of films."""
    columns = ("HOTA", "IDF1", "people", "true_people")
    table = Table("tracker", *columns, title=kind)
    for name, row in results.items():
        table.add_row(name, *(str(row[column]) for column in columns))
    return table


def of_clips(data: Path) -> dict[str, dict[str, int]]:
    """Counts the people whom each tracker sees in real clips of one walker."""
    return {
        name: {
            tracker: len({int(n) for frame in follow(found) for n in frame if n >= 0})
            for tracker, follow in TRACKERS.items()
        }
        for name, found in _poses_of_clips(data).items()
    }


def _poses_of_clips(data: Path) -> dict[str, list[Poses]]:
    from pose_activity.annotations.skeleton import COCO17
    from pose_activity.annotations.videos import read_frames
    from pose_activity.stage1_pose.export import export
    from pose_activity.stage1_pose.predict import load

    with tempfile.TemporaryDirectory() as name:
        photos = sorted((data / "mpii" / "images_5").glob("*.jpg"))[:1]
        weights = data / "weights" / "yolov8n-pose.pt"
        export(weights, Path(name), size=640, skeleton=COCO17, images=photos)
        pose = load(Path(name))
        return {
            clip: [
                pose([frame.load()], [frame.source])[0]
                for frame in read_frames(data / "clips" / f"{clip}.mp4")
            ]
            for clip in CLIPS
        }


if __name__ == "__main__":
    typer.run(main)
