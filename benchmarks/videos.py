"""Following people through a video: ours beside `yolo pose track`, same file and same weights.

    pip install --no-deps lapx==0.11.1
    python benchmarks/videos.py VIDEO... [--weights yolov8n-pose.pt] [--rounds 3] [--out FILE.json]

Ours is what training and inference do with a video (`stage1_pose.track_video`): frames decoded
ahead of several workers, each with the exported graph, and the tracker in order behind them. Theirs
is `YOLO(WEIGHTS).track(VIDEO, stream=True)`, which is what `yolo pose track` runs, without writing
a drawn video. Each is a process of its own, in turns (A B A B); start-up is not counted, for both.
Printed and written: frames per second, and the ratio of each round.
"""

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.inference import python  # noqa: E402

EXPORT = """
import sys
from pathlib import Path
import cv2
from pose_activity.annotations.skeleton import COCO17
from pose_activity.stage1_pose.export import export
weights, folder, video = sys.argv[1:]
frame = Path(folder) / "frame.png"
cv2.imwrite(str(frame), cv2.VideoCapture(video).read()[1])
export(weights, Path(folder), size=640, skeleton=COCO17, images=[frame])
"""
OURS = """
import json, sys, time
from pathlib import Path
from pose_activity.stage1_pose import predict
from pose_activity.stage1_pose.track_video import track_video
folder, threads, *files = sys.argv[1:]
pose = predict.load(Path(folder), threads=int(threads), streams=int(threads))
pose([__import__("numpy").zeros((480, 640, 3), "uint8")], [Path("first")])
started, frames, people = time.perf_counter(), 0, []
for file in files:
    seen = track_video(Path(file), pose, workers=int(threads))
    frames += len(seen.frames)
    people.append(len(seen.tracks))
print(json.dumps({"frames": frames, "seconds": time.perf_counter() - started, "people": people}))
"""
THEIRS = """
import json, os, sys, time
os.environ.update(YOLO_AUTOINSTALL="False", YOLO_OFFLINE="True")
import numpy as np
from ultralytics import YOLO
weights, *files = sys.argv[1:]
model = YOLO(weights)
model(np.zeros((480, 640, 3), np.uint8), verbose=False)
started, frames, people = time.perf_counter(), 0, []
for file in files:
    seen = set()
    for result in model.track(file, stream=True, verbose=False, persist=False):
        frames += 1
        seen |= set() if result.boxes.id is None else set(result.boxes.id.int().tolist())
    people.append(len(seen))
print(json.dumps({"frames": frames, "seconds": time.perf_counter() - started, "people": people}))
"""
say = Console().print


def main(
    videos: Annotated[list[Path], typer.Argument(help="Videos of people.")],
    weights: Annotated[Path, typer.Option()] = Path("yolov8n-pose.pt"),
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    threads: Annotated[int, typer.Option(min=1)] = os.cpu_count() or 1,
    out: Annotated[Path, typer.Option()] = HERE / "results" / "videos.json",
) -> None:
    """Measures in turns, prints, and writes the figures."""
    files = [str(path.resolve()) for path in videos]
    start = str(weights.resolve())
    load = os.getloadavg()[0]
    ours, theirs, ratios = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        python(["-c", EXPORT, start, folder, files[0]], work)
        for _ in range(rounds):
            ours += python(["-c", OURS, folder, str(threads), *files], work)
            theirs += python(["-c", THEIRS, start, *files], work)
            ratios.append(rate(ours[-1]) / rate(theirs[-1]))
            say(f"ours {rate(ours[-1]):.1f} frames/s, theirs {rate(theirs[-1]):.1f}")
    result = {
        "command": "python benchmarks/videos.py",
        "videos": [path.name for path in videos],
        "video_ratio": round(statistics.median(ratios), 3),
        "lowest_and_highest": [round(min(ratios), 3), round(max(ratios), 3)],
        "ours": {**ours[-1], "frames_per_s": round(statistics.median(map(rate, ours)), 2)},
        "theirs": {**theirs[-1], "frames_per_s": round(statistics.median(map(rate, theirs)), 2)},
        "rounds": rounds,
        "threads": threads,
        "load_before": round(load, 2),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    low, high = result["lowest_and_highest"]
    say(f"video_ratio: {result['video_ratio']} ({low} to {high}); load before: {load:.2f}")


def rate(facts: dict) -> float:
    """Returns frames per second."""
    return facts["frames"] / facts["seconds"]


if __name__ == "__main__":
    typer.run(main)
