"""Draws a small MPII-shaped data set: people whose pose is known, because it came first.

Out come `images/*.jpg`, `release.mat` (MPII's official RELEASE layout) and `faults.json` (which
file names carry which injected fault). Two pictures in a row make a clip: same scene, clothes and
activity, another pose. The same seed draws the same bytes.
The bodies come from `annotations.synthetic.body`, the colours from `render.py` and
`backgrounds.py`.
"""

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.io import savemat

from pose_activity.annotations.skeleton import MPII16
from pose_activity.annotations.synthetic.backgrounds import SCENES, ZOOM, develop
from pose_activity.annotations.synthetic.body import ACTIVITIES, HEAD, Points, place, turn, view
from pose_activity.annotations.synthetic.gait import body, gaits
from pose_activity.annotations.synthetic.options import DrawnPictures
from pose_activity.annotations.synthetic.render import draw_ground, draw_person, seen, wardrobe
from pose_activity.artifacts.atomic import write_bytes, write_json
from pose_activity.artifacts.progress import ProgressCallback

_CLIP = 2  # pictures of one clip
_WALKING = "walking"
_ACT_IDS = {name: number for number, name in enumerate((*ACTIVITIES, _WALKING), 1)}

# Fault -> number of pictures that carry it. A picture carries at most one.
FAULTS = {
    "negative_joint": 2,
    "outside_joint": 2,
    "no_annorect": 2,
    "empty_annopoints": 2,
    "no_activity": 2,
    "no_head_top": 2,
    "no_ankles": 2,
    "empty_file": 1,
    "truncated_file": 1,
    "missing_file": 1,
}


@dataclass(eq=False)
class _Person:
    """A drawn person: `(16, 3)` joints x, y, visible (1 or 0); NaN where the label is left out."""

    joints: np.ndarray
    height: float


@dataclass(eq=False)
class _Record:
    """One picture's label, before it becomes MATLAB structs."""

    name: str
    clip: int
    activity: str | None
    people: list[_Person] = field(default_factory=list)
    annorect: bool = True
    annopoints: bool = True


def write(
    folder: Path,
    asked: DrawnPictures,
    *,
    seed: int,
    on_progress: ProgressCallback | None = None,
) -> Path:
    """Draws the data set.

    Args:
        folder: Gets `images/`, `faults.json` and, last, `release.mat`.
        asked: Of how many pictures, and which.
        seed: Decides everything else.
        on_progress: Called with (done, total, text).

    Returns:
        Path of `release.mat`.

    Raises:
        ValueError: there are fewer pictures than faults.
    """
    images, size = asked.images, (asked.width, asked.height)
    least = sum(FAULTS.values())
    if asked.faults and images < least:
        raise ValueError(
            f"A drawn data set with faults needs images >= {least} (one per fault). "
            f"Received: images={images}"
        )
    (folder / "images").mkdir(parents=True, exist_ok=True)
    chosen = _choose_faults(images, seed) if asked.faults else {}
    records = []
    for index in range(images):
        image, record = _picture(index, size, asked.walking, seed)
        _write_image(folder / "images" / record.name, image, chosen.get(index))
        _spoil_label(record, chosen.get(index), size)
        records.append(record)
        if on_progress:
            on_progress(index + 1, images, record.name)
    names = {fault: [] for fault in FAULTS}
    for index, fault in sorted(chosen.items()):
        names[fault].append(records[index].name)
    write_json(folder / "faults.json", names)
    write_bytes(folder / "release.mat", _release(records))
    return folder / "release.mat"


# --- faults -----------------------------------------------------------------------------------


def _choose_faults(images: int, seed: int) -> dict[int, str]:
    kinds = [fault for fault, count in FAULTS.items() for _ in range(count)]
    order = np.random.default_rng([seed, 2]).permutation(images)
    return dict(zip(order.tolist(), kinds, strict=False))


def _write_image(path: Path, image: np.ndarray, fault: str | None) -> None:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
    if fault == "missing_file":
        path.unlink(missing_ok=True)  # an earlier run with another seed may have written it
    elif fault == "empty_file":
        path.write_bytes(b"")
    else:
        path.write_bytes(data[: len(data) // 2] if fault == "truncated_file" else data)


def _spoil_label(record: _Record, fault: str | None, size: tuple[int, int]) -> None:
    joints = record.people[0].joints
    if fault == "negative_joint":
        joints[MPII16.index("right_wrist"), 0] = -7
    elif fault == "outside_joint":
        joints[MPII16.index("left_elbow"), :2] = size[0] + 5, size[1] + 9
    elif fault == "no_annorect":
        record.annorect = False
    elif fault == "empty_annopoints":
        record.annopoints = False
    elif fault == "no_activity":
        record.activity = None
    elif fault == "no_head_top":
        joints[MPII16.index("head_top")] = np.nan
    elif fault == "no_ankles":
        joints[[MPII16.index("left_ankle"), MPII16.index("right_ankle")]] = np.nan


# --- one picture ------------------------------------------------------------------------------


def _picture(
    index: int, size: tuple[int, int], walking: bool, seed: int
) -> tuple[np.ndarray, _Record]:
    """Draws picture `index`: `(h, w, 3)` uint8 BGR and its label with every joint."""
    clip = index // _CLIP
    scene, rng = np.random.default_rng([seed, 0, clip]), np.random.default_rng([seed, 1, index])
    activity = _WALKING if walking else ACTIVITIES[clip % len(ACTIVITIES)]
    width, height = size
    canvas = np.zeros((height * ZOOM, width * ZOOM, 3), np.uint8)
    horizon = round(canvas.shape[0] * scene.uniform(0.4, 0.62))
    SCENES[scene.integers(len(SCENES))](canvas, horizon, scene)
    count = 1 + (scene.random() < 0.25)
    wardrobes = [wardrobe(scene) for _ in range(count)]
    bodies = [
        place(_look(activity, rng), slot, count, horizon, canvas.shape[:2], rng)
        for slot in range(count)
    ]
    owner = np.full(canvas.shape[:2], -1, np.int16)
    for points, wear in zip(bodies, wardrobes, strict=True):
        draw_ground(canvas, points, activity, wear)
    for number, (points, wear) in enumerate(zip(bodies, wardrobes, strict=True)):
        draw_person(canvas, owner, number, points, wear)
    people = [_label(points, owner, number) for number, points in enumerate(bodies)]
    record = _Record(f"{index + 1:09d}.jpg", clip + 1, activity, people)
    return develop(canvas, size, brightness=rng.uniform(0.85, 1.1), rng=rng), record


def _look(activity: str, rng: np.random.Generator) -> Points:
    """Returns a body as the picture shows it, in standing heights."""
    if activity != _WALKING:
        return view(activity, rng)
    yaw = rng.choice((-1, 1)) * rng.uniform(45, 90)
    walker = body(gaits(8, rng)[0], rng.uniform(0, 360))
    return turn(walker, yaw=yaw, roll=rng.normal(0, 4))


def _label(points: Points, owner: np.ndarray, number: int) -> _Person:
    """Reads a person's joints off the body."""
    xy = np.array([points[name][:2] for name in MPII16.joints]) / ZOOM
    joints = np.column_stack([xy.round(2), seen(points, owner, number)])
    return _Person(joints, float(points["scale"]) / ZOOM)


# --- MPII's file ------------------------------------------------------------------------------


def _release(records: list[_Record]) -> bytes:
    """Returns a .mat file; its header's date is replaced, since equal seeds give equal bytes."""
    annolist = _structs([_annotation(record) for record in records])
    acts = _structs([_act(record.activity) for record in records]).T
    singles = np.empty((len(records), 1), object)
    for index, record in enumerate(records):
        lone = record.annorect and len(record.people) == 1
        singles[index, 0] = np.ones((1, 1)) if lone else np.zeros((0, 0))
    release = {
        "annolist": annolist,
        "img_train": np.ones((1, len(records))),
        "version": "drawn",
        "single_person": singles,
        "act": acts,
    }
    file = BytesIO()
    savemat(file, {"RELEASE": release}, do_compression=True)
    return b"MATLAB 5.0 MAT-file, drawn".ljust(116) + file.getvalue()[116:]


def _annotation(record: _Record) -> dict[str, Any]:
    people = [_annorect(person, record.annopoints) for person in record.people]
    return {
        "image": _structs([{"name": record.name}]),
        "annorect": _structs(people) if record.annorect else np.zeros((0, 0)),
        "frame_sec": 0.0,
        "vididx": float(record.clip),
    }


def _annorect(person: _Person, annopoints: bool) -> dict[str, Any]:
    x1, y1, x2, y2 = _head_box(person)
    known = np.flatnonzero(np.isfinite(person.joints[:, 0]))
    points = _structs([_point(int(index), *person.joints[index]) for index in known])
    middle = np.nanmean(person.joints[:, :2], axis=0)
    return {
        **{"x1": x1, "y1": y1, "x2": x2, "y2": y2},
        "annopoints": _structs([{"point": points}]) if annopoints else np.zeros((0, 0)),
        "scale": person.height / 200,  # MPII: "person scale w.r.t. 200 px height"
        "objpos": _structs([{"x": float(middle[0]), "y": float(middle[1])}]),
    }


def _point(index: int, x: float, y: float, visible: float) -> dict[str, Any]:
    """Writes a joint as the official file does: flags are text or numbers, the head has none."""
    flag: Any = str(int(visible)) if index % 2 else int(visible)
    head = MPII16.joints[index] in ("upper_neck", "head_top")
    return {"x": x, "y": y, "id": index, "is_visible": np.zeros((0, 0)) if head else flag}


def _head_box(person: _Person) -> tuple[float, float, float, float]:
    """Returns x1, y1, x2, y2 in pixels, around the neck-to-top line."""
    neck = person.joints[MPII16.index("upper_neck"), :2]
    top = person.joints[MPII16.index("head_top"), :2]
    middle = (neck + top) / 2 if np.isfinite(top).all() else neck
    reach = HEAD * person.height / 0.8 / 8**0.5  # MPII: neck to top is 0.8 of the diagonal
    x1, y1, x2, y2 = np.concatenate([middle - reach, middle + reach]).tolist()
    return x1, y1, x2, y2


def _act(activity: str | None) -> dict[str, Any]:
    if activity is None:
        return {"act_name": np.zeros((0, 0)), "cat_name": np.zeros((0, 0)), "act_id": -1}
    return {"act_name": activity, "cat_name": activity, "act_id": _ACT_IDS[activity]}


def _structs(rows: list[dict[str, Any]]) -> np.ndarray:
    """Makes a 1xN MATLAB struct array."""
    table = np.empty((1, len(rows)), [(name, object) for name in rows[0]])
    for index, row in enumerate(rows):
        for name, value in row.items():
            table[name][0, index] = value
    return table
