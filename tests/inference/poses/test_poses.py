"""Plain pose estimation by the command line, by a hand-made graph that finds rectangles."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer

from pose_activity import infer
from pose_activity.annotations.images import load_rgb
from pose_activity.annotations.readers.coco import read_coco
from pose_activity.annotations.videos import read_header
from pose_activity.inference.poses.predictor import find_stage1
from pose_activity.stage1_pose.estimate import heat_maps, joint_positions, maps_of
from pose_activity.stage1_pose.predict import load
from tests.inference.motion_model import PLACES, SIZE, crossing, picture, write_film, write_model

CORNER = (30, 20)  # of the red rectangle, 24 x 72 pixels


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "run")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of two, one of nobody, a file that is no picture, and a short video."""
    folder = tmp_path_factory.mktemp("inputs")
    for name, pixels in (("a.png", picture(CORNER, (110, 36))), ("b.png", picture())):
        cv2.imwrite(str(folder / name), pixels[..., ::-1])
    (folder / "c.png").write_bytes(b"nothing")
    write_film(folder / "d.avi", crossing(3))
    return folder


def poses(model: Path, *paths: Path, **options) -> int:
    """Calls the command; returns its exit code."""
    names = [*map(str, paths)]
    try:
        infer.main(names, str(model), poses=True, engine="onnxruntime", threads=1, **options)
    except typer.Exit as stop:
        return stop.exit_code
    return 0


def test_a_coco_file_is_read_as_labels(model: Path, inputs: Path, tmp_path: Path) -> None:
    out = tmp_path / "poses.json"
    assert poses(model, inputs, out=out) == 0
    content = json.loads(out.read_text(encoding="utf-8"))
    assert [(image["status"], image.get("frame")) for image in content["images"]] == [
        ("ok", None),
        ("nobody", None),
        ("error", None),
        *(("ok", frame) for frame in range(3)),
    ]
    assert len(content["annotations"]) == 2 * 4
    red = min(content["annotations"][:2], key=lambda person: person["bbox"][0])
    assert red["bbox"] == pytest.approx([*CORNER, 24, 72], abs=1)
    assert red["score"] == pytest.approx(0.9) and set(red["keypoints"][2::3]) == {2}
    assert red["keypoint_scores"] == pytest.approx([0.9] * 17)
    samples = list(read_coco(out, tmp_path))
    assert [len(sample.boxes) for sample in samples] == [2, 0, 0, 2, 2, 2]
    found = samples[0].keypoints[np.argmin(samples[0].boxes[:, 0])]
    assert np.allclose(found[:, :2], CORNER + PLACES * (24, 72), atol=1)


def test_json_lines_hold_the_same_and_a_finished_file_is_resumed(
    model: Path, inputs: Path, tmp_path: Path
) -> None:
    lines, out = tmp_path / "poses.jsonl", tmp_path / "poses.json"
    assert poses(model, inputs, out=lines) == 0
    assert poses(model, inputs / "a.png", inputs / "d.avi", out=out) == 0
    assert poses(model, inputs / "a.png", inputs / "d.avi", inputs, out=out, resume=True) == 0
    records = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    content = json.loads(out.read_text(encoding="utf-8"))
    assert len(content["images"]) == len(records) == 6
    by_name = {image["file_name"]: image["id"] for image in content["images"]}
    for record in records:
        frame = record["frame"]
        name = record["image"] if frame is None else f"{record['image']}#{frame}"
        entries = [e for e in content["annotations"] if e["image_id"] == by_name[name]]
        for person, entry in zip(record["people"] or (), entries, strict=True):
            joints = np.array(list(person["keypoints"].values()))
            assert np.array(entry["keypoints"]).reshape(-1, 3)[:, :2].tolist() == (
                joints[:, :2].tolist()
            )
            x, y, width, height = entry["bbox"]
            assert [x, y, x + width, y + height] == pytest.approx(person["box"])
    table = tmp_path / "poses.csv"
    assert poses(model, inputs, out=table) == 0
    with table.open(newline="", encoding="utf-8") as file:
        assert [row["n_people"] for row in csv.DictReader(file)] == ["2", "0", "", "2", "2", "2"]


def test_drawings_with_and_without_heatmaps(model: Path, inputs: Path, tmp_path: Path) -> None:
    names = (inputs / "a.png", inputs / "d.avi")
    for heatmaps in (False, True):
        drawn = tmp_path / f"drawn {heatmaps}"
        out = tmp_path / f"{heatmaps}.json"
        assert poses(model, *names, out=out, draw=drawn, heatmaps=heatmaps) == 0
        image, film = sorted(drawn.iterdir())
        height, width = load_rgb(image).shape[:2]
        assert (width, height) == (SIZE[0] * (1 + heatmaps), SIZE[1])
        assert read_header(film).frames == 3


def test_maps_of_known_poses_are_those_of_the_picture(model: Path) -> None:
    pose = load(model / "stage1", engine="onnxruntime")
    pixels = picture(CORNER)
    assert np.array_equal(heat_maps(pixels, pose), maps_of(joint_positions(pixels, pose)))


def test_any_folder_with_a_pose_graph_will_do(model: Path, inputs: Path, tmp_path: Path) -> None:
    assert find_stage1(model) == find_stage1(model / "stage1") == model / "stage1"
    assert poses(model / "stage1", inputs / "a.png", out=tmp_path / "a.json") == 0
    with pytest.raises(FileNotFoundError, match=r"There is no pose.onnx in .*, nor in .*stage1"):
        find_stage1(tmp_path)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"gallery": Path("page.html")}, "--gallery: a gallery is sorted by activity"),
        ({"smooth": 1.0}, "--smooth: poses come without probabilities"),
        ({"unknown_below": 0.5}, "--unknown-below: this kind of model does not have it"),
        ({"heatmaps": True}, "--heatmaps: name a folder to draw into"),
        ({"out": Path("rows.xlsx")}, "ends in one of .*json.*Received: rows.xlsx"),
    ],
    ids=str,
)
def test_what_needs_a_classifier_is_refused(
    model: Path, inputs: Path, tmp_path: Path, wish: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        poses(model, inputs, **{"out": tmp_path / "rows.json", **wish})
    assert not list(tmp_path.iterdir())
