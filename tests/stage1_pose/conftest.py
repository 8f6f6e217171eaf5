"""A drawn data set, and one training of it in a process of its own: torch never enters this one."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity.annotations.readers.yolo import write_yolo
from pose_activity.annotations.skeleton import COCO17, MPII16, Skeleton
from pose_activity.annotations.types import Sample
from tests.forkserver import server

RunPython = Callable[..., str]

TRAIN = """
import hashlib, json, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from pose_activity.annotations.skeleton import MPII16
from pose_activity.stage1_pose import ultralytics_env
from pose_activity.stage1_pose.fit import fit
from pose_activity.stage1_pose.options import PoseFit
from pose_activity.stage1_pose.validate import validate
from pose_activity.stage1_pose.export import export
ultralytics_env.prepare()
import torch
from ultralytics import YOLO

work, data = Path(sys.argv[1]), Path(sys.argv[2])
torch.set_num_threads(2)
start = work / "start.pt"
torch.manual_seed(0)
YOLO("yolov8n-pose.yaml", task="pose").save(start)
told = []
def tell(*now):
    told.append(now)
twice = PoseFit((1, 1), image_size=64, batch=4, workers=0, device="cpu", freeze=21, plots=False)
best = fit(data, start, work / "fit", twice, threads=2, logs=work / "logs", on_progress=tell)
fit(data, start, work / "again", replace(twice, epochs=(1,)), threads=2)
again, when = [], best.stat().st_mtime_ns
same = fit(data, start, work / "fit", twice, threads=2, logs=work / "logs",
    on_progress=lambda *now: again.append(now))
third = {"same": same.stat().st_mtime_ns == when, "told": again}

def state(path):
    return {k: v.float() for k, v in YOLO(path).model.state_dict().items()}

before, after = state(start), state(best)
first, twin = (state(work / run / "round1/weights/last.pt") for run in ("fit", "again"))
layer = lambda key: int(key.split(".")[1])
same = lambda a, b: torch.equal(a.half(), b.half())
sidecar = export(best, work / "graph", size=64, skeleton=MPII16, images=[data.parent / p for p in
    sorted(str(q.relative_to(data.parent)) for q in (data.parent / "images/val").iterdir())[:2]])
print(json.dumps({
    "frozen_moved": [k for k in before if layer(k) < 21 and not same(before[k], after[k])],
    "frozen": [k for k in before if layer(k) < 21],
    "free_moved": sum(layer(k) == 21 and not same(before[k], after[k]) for k in before),
    "differing": [k for k in first if not torch.equal(first[k], twin[k])],
    "scores": validate(best, data, split="val", image_size=64, device="cpu"),
    "told": told,
    "third": third,
    "sidecar": sidecar,
}))
"""


@pytest.fixture(scope="session")
def run_python(tmp_path_factory: pytest.TempPathFactory) -> RunPython:
    """Runs a script's text in a process of its own, with torch at hand; returns what it prints."""
    scripts = tmp_path_factory.mktemp("scripts")

    def run(script: str, *arguments: object, **environment: str) -> str:
        path = scripts / "script.py"
        path.write_text(script, encoding="utf-8")
        done = server("torch").run(path, *arguments, **environment)
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    return run


def drawn_samples(folder: Path, count: int, skeleton: Skeleton = MPII16) -> list[Sample]:
    """Draws blobs with joints at random places; the last quarter is val."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for i in range(count):
        picture = np.full((72, 96, 3), 60, np.uint8)
        points = np.ones((1, len(skeleton), 3), np.float32)
        points[0, :, :2] = rng.uniform((10, 10), (86, 62), (len(skeleton), 2)).astype(np.float32)
        points[0, 0], points[0, 1, 2] = 0, 0.5
        for x, y, _ in points[0, 1:]:
            cv2.circle(picture, (int(x), int(y)), 3, (200, 180, 90), -1)
        path = folder / f"pose {i} ü.jpg"
        cv2.imwrite(str(path), picture)
        seen = points[0, 1:, :2]
        box = np.concatenate([seen.min(0), seen.max(0)])[None]
        split = "val" if i >= count * 3 // 4 else "train"
        heads = np.full(1, 10, np.float32)
        samples.append(Sample(path, (96, 72), skeleton, box, points, heads, "x", None, split))
    return samples


@pytest.fixture(scope="session")
def assets() -> list[Path]:
    """The two photos inside the ultralytics package, found without importing it."""
    spec = importlib.util.find_spec("ultralytics")
    assert spec is not None and spec.submodule_search_locations
    return sorted((Path(spec.submodule_search_locations[0]) / "assets").glob("*.jpg"))


@pytest.fixture(scope="session")
def trained(run_python: RunPython, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What TRAIN found out; `work` is the folder in which it wrote, `home` its home folder."""
    work = tmp_path_factory.mktemp("trained")
    home = work / "home"
    home.mkdir()
    data = write_yolo(drawn_samples(work / "in", 16), work / "yolo", skeleton=MPII16)
    printed = run_python(TRAIN, work, data, HOME=str(home), MPLCONFIGDIR=str(work / "mpl"))
    return {**json.loads(printed.splitlines()[-1]), "work": work, "home": home, "printed": printed}


@pytest.fixture(scope="session")
def real_graph(
    run_python: RunPython,
    data_dir: Path,
    assets: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict:
    """The pretrained weights, exported with ultralytics' own answers beside: `folder`, `truth`."""
    folder = tmp_path_factory.mktemp("real")
    photos = [*assets, *sorted((data_dir / "mpii" / "images_5").glob("*.jpg"))]
    script = """
import json, sys
from pathlib import Path
from pose_activity.annotations.skeleton import COCO17
from pose_activity.stage1_pose.export import export
weights, folder, *photos = map(Path, sys.argv[1:])
export(weights, folder, size=640, skeleton=COCO17, images=photos[:1], threads=2)
from ultralytics import YOLO
model = YOLO(weights)
print(json.dumps([[r.boxes.xyxy.tolist(), r.boxes.conf.tolist(), r.keypoints.data.tolist()]
    for r in (model.predict(photo, imgsz=640, verbose=False)[0] for photo in photos)]))
"""
    printed = run_python(script, data_dir / "weights" / "yolov8n-pose.pt", folder, *photos)
    return {"folder": folder, "photos": photos, "truth": json.loads(printed.splitlines()[-1])}


@pytest.fixture
def coco() -> Skeleton:
    return COCO17
