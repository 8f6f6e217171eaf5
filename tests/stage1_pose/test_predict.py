"""Prediction equals ultralytics', on real photos with the real weights and part by part without."""

import json
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.images import load_rgb
from pose_activity.annotations.skeleton import COCO17, MPII16
from pose_activity.runtime.graph import Graph
from pose_activity.stage1_pose.options import PoseFilter
from pose_activity.stage1_pose.predict import (
    PosePredictor,
    check_joints,
    decode,
    letterbox,
    load,
    suppress,
    to_input,
    to_picture,
)
from tests.forkserver import fresh_process
from tests.stage1_pose.conftest import RunPython

SIZES = [(1, 1), (1, 5000), (5000, 1), (640, 480), (333, 517), (1279, 720), (33, 31), (31, 20000)]


def fake_graph(answer: np.ndarray) -> Graph:
    """A graph that answers every picture with the same `(5 + 3 K, anchors)` array."""
    return Graph(
        Path("fake.onnx"),
        engine="fake",
        precision="f32",
        inputs={"images": (None, 3, None, None)},
        output_shapes=((None, None, None),),
        run=lambda given: (np.repeat(answer[None], len(given["images"]), axis=0),),
    )


def predictor(answer: np.ndarray, size: int = 64) -> PosePredictor:
    return PosePredictor(fake_graph(answer), skeleton=COCO17, size=size, sha256="")


def candidates(count: int, seed: int = 0) -> np.ndarray:
    """Random overlapping people around few places, as a graph would put them out."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(50, 590, (5, 2))
    raw = np.zeros((56, count), np.float32)
    raw[:2] = (places[rng.integers(0, 5, count)] + rng.normal(0, 12, (count, 2))).T
    raw[2:4] = rng.uniform(60, 120, (2, count))
    raw[4] = rng.permutation(np.linspace(0.01, 0.99, count))
    raw[5:] = rng.uniform(0, 1, (51, count)) * np.tile([640, 640, 1], 17)[:, None]
    return raw


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_the_same_people_as_ultralytics_on_real_photos(real_graph: dict, engine: str):
    pytest.importorskip(engine) if engine == "openvino" else None
    pose = load(real_graph["folder"], engine=engine, threads=1)
    found = pose([load_rgb(path) for path in real_graph["photos"]], real_graph["photos"])
    assert sum(len(poses.boxes) for poses in found) >= 12
    for poses, (boxes, scores, keypoints) in zip(found, real_graph["truth"], strict=True):
        np.testing.assert_allclose(poses.boxes, np.reshape(boxes, (-1, 4)), atol=0.01)
        np.testing.assert_allclose(poses.scores, scores, atol=1e-4)
        np.testing.assert_allclose(poses.keypoints[..., :2], np.array(keypoints)[..., :2], atol=0.1)
        np.testing.assert_allclose(poses.keypoints[..., 2], np.array(keypoints)[..., 2], atol=1e-3)


def test_a_batch_equals_one_by_one(real_graph: dict):
    pose = load(real_graph["folder"], threads=1)
    paths = real_graph["photos"][:4]
    images = [load_rgb(path) for path in paths]
    together = pose([*images, images[0]], [*paths, paths[0]])
    for image, path, poses in zip(images, paths, together, strict=False):
        (alone,) = pose([image], [path])
        assert alone.image == poses.image and alone.size == image.shape[1::-1]
        np.testing.assert_allclose(alone.keypoints, poses.keypoints, atol=0.01)


@pytest.mark.parametrize("size", SIZES)
def test_extreme_pictures_have_nobody(real_graph: dict, size: tuple[int, int]):
    pose = load(real_graph["folder"], threads=1)
    image = np.full((*size[::-1], 3), 90, np.uint8)
    (poses,) = pose([image], [Path("x.png")])
    assert poses.size == size and poses.keypoints.shape == (0, 17, 3)


def test_letterbox_and_suppression_equal_ultralytics(run_python: RunPython, tmp_path: Path):
    """Letterboxed pictures, the way back, and NMS of random candidates, without any weights."""
    rng = np.random.default_rng(1)
    for i, (width, height) in enumerate(SIZES):
        np.save(tmp_path / f"{i}.npy", rng.integers(0, 255, (height, width, 3), np.uint8))
    np.save(tmp_path / "raw.npy", candidates(400))
    script = """
import sys
from pathlib import Path
import numpy as np
from pose_activity.stage1_pose import ultralytics_env
ultralytics_env.prepare()
import torch
from ultralytics.data.augment import LetterBox
from ultralytics.utils import nms, ops
work = Path(sys.argv[1])
points = np.array([[5.0, 7.0], [30.5, 61.0], [300.0, 200.0]])
for i in range(int(sys.argv[2])):
    picture = np.load(work / f"{i}.npy")
    boxed = LetterBox(640, auto=True, stride=32)(image=picture)
    back = ops.scale_coords(boxed.shape[:2], torch.tensor(points), picture.shape)
    np.savez(work / f"{i}.npz", boxed=boxed, back=back.numpy())
raw = torch.from_numpy(np.load(work / "raw.npy"))[None]
np.save(work / "kept.npy", nms.non_max_suppression(raw, 0.25, 0.7, nc=1, max_det=300)[0].numpy())
"""
    run_python(script, tmp_path, len(SIZES))
    points = np.array([[5.0, 7.0], [30.5, 61.0], [300.0, 200.0]])
    for i, size in enumerate(SIZES):
        truth = np.load(tmp_path / f"{i}.npz")
        place = letterbox(size, 640)
        ours = to_input(np.load(tmp_path / f"{i}.npy"), place)
        np.testing.assert_array_equal(
            ours, truth["boxed"].transpose(2, 0, 1).astype(np.float32) / 255
        )
        np.testing.assert_allclose(to_picture(points, place, size), truth["back"], rtol=1e-5)
    kept = np.load(tmp_path / "kept.npy")
    boxes, scores, keypoints = decode(candidates(400), confidence=0.25, iou=0.7, max_people=300)
    assert 5 < len(kept) < 300
    np.testing.assert_array_equal(scores, kept[:, 4])
    np.testing.assert_allclose(boxes, kept[:, :4], atol=1e-4)
    np.testing.assert_array_equal(keypoints.reshape(len(kept), -1), kept[:, 6:])


ON_THE_STRIDE = [(461, 300), (1600, 1201), (241, 320), (3264, 2450), (300, 461)]


def test_the_way_back_is_that_of_ultralytics_letterbox(run_python: RunPython, tmp_path: Path):
    """Where a pixel of the input came from says a picture whose values are its own coordinates."""
    script = """
import json, sys
import numpy as np
from pose_activity.stage1_pose import ultralytics_env
ultralytics_env.prepare()
from ultralytics.data.augment import LetterBox
for i, (width, height) in enumerate(json.loads(sys.argv[2])):
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    ramp = np.dstack([x, y, np.ones_like(x)]).astype(np.float32)
    np.save(f"{sys.argv[1]}/{i}.npy", LetterBox(640, auto=True, stride=32)(image=ramp))
"""
    run_python(script, tmp_path, json.dumps([*ON_THE_STRIDE, *SIZES[3:6]]))
    for i, size in enumerate([*ON_THE_STRIDE, *SIZES[3:6]]):
        truth = np.load(tmp_path / f"{i}.npy")
        place = letterbox(size, 640)
        assert truth.shape[:2] == place.input_hw
        (x, y), (width, height) = place.offset, place.inner_wh
        inner = np.stack(np.meshgrid(np.arange(x, x + width), np.arange(y, y + height)), axis=-1)
        edge = 8  # there OpenCV repeats the last pixel
        inner = inner[edge:-edge, edge:-edge]
        back = to_picture(inner + np.float32(0.5), place, size)
        came_from = truth[inner[..., 1], inner[..., 0]]
        assert (came_from[..., 2] == 1).all()
        np.testing.assert_allclose(back, came_from[..., :2], atol=0.02 * max(1, size[0] / 640))


def test_suppression_equals_a_slow_double_loop():
    raw = candidates(60, seed=3)
    order = np.argsort(-raw[4])
    low, high = raw[:2] - raw[2:4] / 2, raw[:2] + raw[2:4] / 2
    boxes = np.concatenate([low, high]).T[order]
    kept: list[int] = []
    for i, (x1, y1, x2, y2) in enumerate(boxes):
        for j in kept:
            a1, b1, a2, b2 = boxes[j]
            shared = max(0, min(x2, a2) - max(x1, a1)) * max(0, min(y2, b2) - max(y1, b1))
            if shared / ((x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - shared) > 0.5:
                break
        else:
            kept.append(i)
    assert suppress(boxes, iou=0.5).tolist() == kept
    assert 1 < len(kept) < 60


def test_points_are_clipped_and_missing_ones_are_zero():
    raw = np.zeros((56, 1), np.float32)
    raw[:5, 0] = 32, 32, 100, 20, 0.9
    raw[5:, 0] = np.tile([80, -5, 0.5], 17)
    raw[7, 0] = 0
    (poses,) = predictor(raw)([np.zeros((64, 64, 3), np.uint8)], [Path("x")])
    assert poses.boxes.tolist() == [[0, 22, 64, 42]]
    assert poses.keypoints[0, 0].tolist() == [0, 0, 0]
    assert poses.keypoints[0, 1].tolist() == [64, 0, 0.5]


def test_most_people_and_order():
    keep = PoseFilter(max_people=3)
    pose = PosePredictor(
        fake_graph(candidates(200)), skeleton=COCO17, size=640, sha256="", keep=keep
    )
    (poses,) = pose([np.zeros((640, 640, 3), np.uint8)], [Path("x")])
    assert len(poses.scores) == 3 and (np.diff(poses.scores) < 0).all()


def test_no_pictures_give_no_poses():
    assert predictor(candidates(2))([], []) == []


def test_more_pictures_than_paths():
    with pytest.raises(ValueError, match="a path per image. Received: 1 and 0"):
        predictor(candidates(2))([np.zeros((9, 9, 3), np.uint8)], [])


@pytest.mark.parametrize("wrong", [{"confidence": 1.5}, {"iou": -1}, {"max_people": 0}])
def test_thresholds_out_of_range(wrong: dict):
    with pytest.raises(ValueError, match=rf"{[*wrong][0]} must (lie in \[0, 1\]|be at least 1)"):
        PoseFilter(**wrong)


def test_a_graph_of_another_skeleton():
    check_joints(fake_graph(candidates(9)), COCO17)
    message = "fake.onnx finds 17 joints a person, but its skeleton 'mpii16' has 16"
    with pytest.raises(ValueError, match=message):
        check_joints(fake_graph(candidates(9)), MPII16)


def test_a_folder_without_a_graph(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="Run the stage1 step first"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is damaged"),
        ('{"skeleton": "coco17", "size": 640}', r"is damaged \(KeyError\('sha256'\)"),
        (json.dumps({"skeleton": "dog4", "size": 640, "sha256": "0"}), "is damaged.*dog4"),
    ],
)
def test_a_damaged_sidecar(tmp_path: Path, content: str, message: str):
    (tmp_path / "pose.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        load(tmp_path)


def test_an_altered_graph_is_refused(tmp_path: Path):
    (tmp_path / "pose.json").write_text(
        '{"skeleton": "coco17", "size": 640, "sha256": "0"}', encoding="utf-8"
    )
    (tmp_path / "pose.onnx").write_bytes(b"other")
    with pytest.raises(ValueError, match="was altered after it was exported"):
        load(tmp_path)


def test_prediction_imports_no_training_library(trained: dict, tmp_path: Path):
    script = """
import sys
from pathlib import Path
import numpy as np
from pose_activity.stage1_pose.options import PoseFilter
from pose_activity.stage1_pose.predict import load
load(Path(sys.argv[1]))([np.zeros((50, 70, 3), np.uint8)], [Path("x")])
assert not {"torch", "ultralytics", "tensorflow", "keras"} & set(sys.modules)
"""
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    done = fresh_process(tmp_path / "script.py", trained["work"] / "graph")
    assert done.returncode == 0, done.stderr
