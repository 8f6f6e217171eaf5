"""What a package holds for browsers."""

import json
from pathlib import Path

import cv2
import onnx
import pytest

from pose_activity.annotations.videos import Frame
from pose_activity.inference import on_device as names
from pose_activity.inference.kinds import KINDS
from pose_activity.inference.on_device import CannotBeOnDevice
from pose_activity.inference.package import PackageError, open_model
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.training import on_device
from tests.inference import device_model, motion_model, view_model


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return device_model.package_colours(tmp_path_factory.mktemp("colours"))


def test_the_sample_is_what_the_model_says_of_it(colours: Path) -> None:
    about = json.loads((colours / names.NAME).read_text(encoding="utf-8"))
    sheet = cv2.imread(str(colours / names.SAMPLE))
    assert sheet is not None and len(about["sample"]["pictures"]) == 12
    predictor = PicturePredictor(colours, engine="onnxruntime", threads=1)
    for part in about["sample"]["pictures"]:
        x, y, width, height = part["place"]
        pixels = sheet[y : y + height, x : x + width, ::-1].copy()
        (row,) = predictor.answer(Frame(Path("x"), lambda p=pixels: p)).rows
        assert part["activities"] == [row.ranking[0][0]]
        assert row.poses is not None and len(part["people"]) == len(row.poses.boxes)


def test_the_graphs_are_the_models(colours: Path) -> None:
    about = names.read(colours)
    assert about is not None and about["pose"]["size"] == motion_model.SIZE[0]
    listed = json.loads((colours / "model.json").read_text(encoding="utf-8"))["files"]
    for graph in about["graphs"].values():
        assert graph["sha256"] == listed[graph["file"]]
        assert graph["bytes"] == (colours / graph["file"]).stat().st_size
    assert about["shapes"] == {"picture": [24, 32, 3], "person": [16, 16, 3], "found": [1]}


def test_a_model_of_motion_gives_its_stage_1_alone(tmp_path: Path) -> None:
    about = names.read(device_model.package_walkers(tmp_path))
    assert about is not None and about["graphs"].keys() == {"pose"} and about["recipe"] is None


def test_an_altered_sample_is_refused(tmp_path: Path) -> None:
    model = device_model.package_colours(tmp_path)
    (model / names.SAMPLE).write_bytes(b"another one")
    with pytest.raises(PackageError, match="altered"):
        open_model(model)


def test_a_model_that_cannot_be_live_says_why(tmp_path: Path) -> None:
    run = motion_model.write_model(tmp_path / "run")
    kind = KINDS["sequence"]
    (tmp_path / "made").mkdir()
    made = on_device.write(tmp_path / "made", kind.load(run, threads=1), kind)
    assert made == [tmp_path / "made" / names.NAME]
    assert "sequence.rate" in str(names.read(tmp_path / "made"))


def test_a_model_without_clear_answers_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, kind = view_model.write_model(tmp_path / "run"), KINDS["picture"]
    monkeypatch.setattr(on_device, "_TRIES", 5)
    (tmp_path / "made").mkdir()
    with device_model.pictures_of_rectangles():
        on_device.write(tmp_path / "made", kind.load(run, threads=1), kind)
    assert "of 5 the model has a clear answer for 5" in str(names.read(tmp_path / "made"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"opset": 23}, "opset 23"),
        ({"domain": "com.example"}, "operators that browsers lack: .'com.example'"),
        ({}, None),
    ],
)
def test_graphs_that_browsers_do_not_run_are_refused(
    tmp_path: Path, change: dict[str, object], message: str | None
) -> None:
    node = onnx.helper.make_node("Relu", ["x"], ["y"], domain=str(change.get("domain", "")))
    values = [onnx.helper.make_tensor_value_info(name, 1, [1]) for name in "xy"]
    graph = onnx.helper.make_graph([node], "g", values[:1], values[1:])
    opsets = [onnx.helper.make_opsetid("", int(str(change.get("opset", 17))))]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets), str(tmp_path / "g.onnx"))
    if message is None:
        on_device.check_graph(tmp_path / "g.onnx")
        return
    with pytest.raises(CannotBeOnDevice, match=message):
        on_device.check_graph(tmp_path / "g.onnx")


def test_a_graph_too_large_for_a_browser_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_device, "_MOST_BYTES", 1_000)
    (tmp_path / "g.onnx").write_bytes(b"x" * 2_000)
    with pytest.raises(CannotBeOnDevice, match=r"g\.onnx has 0 MB"):
        on_device.check_graph(tmp_path / "g.onnx")
