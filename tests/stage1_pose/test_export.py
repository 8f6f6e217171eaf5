"""The exported graph vouches for itself, and a graph that finds something else is refused."""

import json
from pathlib import Path

import cv2
import pytest

from pose_activity.annotations.images import load_rgb, write_image
from pose_activity.annotations.skeleton import COCO17
from pose_activity.artifacts.manifest import sha256_file
from pose_activity.stage1_pose.export import export
from pose_activity.stage1_pose.predict import read_sidecar
from tests.stage1_pose.conftest import RunPython


def test_the_sidecar_describes_graph_and_weights(trained: dict):
    sidecar = read_sidecar(trained["work"] / "graph")
    assert sidecar == trained["sidecar"]
    assert (sidecar["skeleton"], sidecar["size"], sidecar["source"]) == ("mpii16", 64, "best.pt")
    assert sidecar["sha256"] == sha256_file(trained["work"] / "graph" / "pose.onnx")
    assert sidecar["weights_sha256"] == sha256_file(trained["work"] / "fit" / "best.pt")
    assert sidecar["parity_images"] == 2
    left = sorted(path.name for path in (trained["work"] / "graph").iterdir())
    assert left == ["pose.json", "pose.onnx"]


def test_parity_on_real_photos_is_recorded(real_graph: dict):
    sidecar = read_sidecar(real_graph["folder"])
    assert sidecar["parity_px"] <= 0.1
    assert sidecar["parity_people"] >= 3


SIZES = [(461, 300), (1600, 1201), (241, 320), (3264, 2450), (300, 461), (500, 333), (97, 4001)]


def test_parity_at_sizes_whose_short_side_falls_on_the_stride(
    run_python: RunPython, data_dir: Path, real_graph: dict, tmp_path: Path
):
    """There ultralytics' way back is not its letterbox's: a picture of 461x300 is off by 0.6 px."""
    photos = [tmp_path / f"{width}x{height}.png" for width, height in SIZES]
    for path, size in zip(photos, SIZES, strict=True):
        write_image(path, cv2.resize(load_rgb(real_graph["photos"][0]), size))
    script = """
import json, sys
from pathlib import Path
from pose_activity.stage1_pose import ultralytics_env
ultralytics_env.prepare()
from pose_activity.stage1_pose.export import measure_parity
from pose_activity.stage1_pose.predict import load
from ultralytics import YOLO
weights, folder, *photos = map(Path, sys.argv[1:])
print(json.dumps(measure_parity(YOLO(weights), load(folder, threads=2), photos)))
"""
    weights = data_dir / "weights" / "yolov8n-pose.pt"
    printed = run_python(script, weights, real_graph["folder"], *photos)
    found = json.loads(printed.splitlines()[-1])
    assert found["parity_px"] < 0.02 and found["parity_people"] >= 15
    assert found["parity_images"] == len(SIZES)


def test_parity_and_skeleton_errors(
    run_python: RunPython, data_dir: Path, real_graph: dict, tmp_path: Path
):
    """A graph of other weights, and a skeleton that the weights do not have, are both refused."""
    script = """
import sys
from pathlib import Path
from pose_activity.annotations.skeleton import MPII16
from pose_activity.stage1_pose import ultralytics_env
ultralytics_env.prepare()
from pose_activity.stage1_pose.export import ParityError, export, measure_parity
from pose_activity.stage1_pose.predict import load
from ultralytics import YOLO
weights, photo, folder, work = map(Path, sys.argv[1:])

def refusal(call, error):
    try:
        call()
    except error as caught:
        return str(caught)
    raise AssertionError("accepted")

def compare(prefix, change):
    model = YOLO(weights)
    for name, parameter in model.model.named_parameters():
        if name.startswith(prefix):
            change(parameter.data)
    return lambda: measure_parity(model, load(folder, threads=2), [photo])

print(refusal(lambda: export(weights, work, size=64, skeleton=MPII16, images=[photo]), ValueError))
print(refusal(compare("model.22.cv4", lambda values: values.mul_(1.02)), ParityError))
print(refusal(compare("model.22.cv3", lambda values: values.mul_(0).sub_(9)), ParityError))
"""
    weights = data_dir / "weights" / "yolov8n-pose.pt"
    printed = run_python(script, weights, real_graph["photos"][0], real_graph["folder"], tmp_path)
    wrong_skeleton, moved, nobody = printed.splitlines()
    assert "must have the 16 joints of skeleton 'mpii16'" in wrong_skeleton
    assert "must agree within 0.1 px of the graph's input. Received:" in moved
    assert "must find the same people" in nobody


def test_the_download_is_tried_and_its_failure_told(run_python: RunPython, tmp_path: Path):
    """Up to the network, which is made to fail; nothing is installed or written elsewhere."""
    script = """
import sys
from pathlib import Path
from pose_activity.annotations.images import load_rgb, write_image
from pose_activity.annotations.skeleton import COCO17
from pose_activity.stage1_pose import ultralytics_env
ultralytics_env.prepare()
from ultralytics.utils import downloads
def fail(url, file, **options):
    assert url.endswith("yolov8n-pose.pt") and "ultralytics/assets" in url, url
    raise ConnectionError("no network here")
downloads.safe_download = fail
from pose_activity.stage1_pose.export import export
try:
    export("yolov8n-pose.pt", Path(sys.argv[1]), size=64, skeleton=COCO17, images=[Path("x")])
except FileNotFoundError as error:
    print(error)
"""
    printed = run_python(
        script, tmp_path / "out", POSE_ACTIVITY_WEIGHTS=str(tmp_path / "w"), HOME=str(tmp_path)
    )
    assert "POSE_ACTIVITY_WEIGHTS" in printed and "ConnectionError: no network here" in printed


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": 100}, "multiple of 32. Received: 100"),
        ({"images": []}, "compares graph and weights on pictures"),
        ({"pose_weights": "yolov8n-pose.yaml"}, r"Only trained weights \(\.pt\)"),
    ],
)
def test_wrong_arguments(tmp_path: Path, wrong: dict, message: str):
    settings = {"pose_weights": "x.pt", "size": 64, "images": [Path("x.jpg")], **wrong}
    with pytest.raises(ValueError, match=message):
        export(folder=tmp_path, skeleton=COCO17, **settings)
