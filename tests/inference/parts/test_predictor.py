"""A model of body parts in use: rows, masks, drawings, the function, the package."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity import load_model
from pose_activity.annotations.drawing_mark import is_drawing
from pose_activity.annotations.faces import hide_faces
from pose_activity.annotations.images import ImageError, load_rgb, write_image
from pose_activity.annotations.parts import PARTS9
from pose_activity.inference import package
from pose_activity.inference.api import Classifier
from pose_activity.inference.kinds import KINDS
from pose_activity.inference.options import OptionError, OutputOptions, Session, VideoFormat
from pose_activity.inference.parts.people import NOBODY, owners
from pose_activity.inference.parts.predictor import PartsPredictor
from pose_activity.inference.parts.rows import rows_of
from tests.inference.drawn_videos import write_video
from tests.inference.fakes import poses_of
from tests.inference.motion_model import picture, vouch
from tests.inference.parts.parts_model import (
    GREY,
    RECIPE,
    scene,
    write_model,
    write_parts,
)

IMAGE, MASK = scene()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("parts") / "run")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    write_image(tmp_path / "photo.png", IMAGE)
    return tmp_path / "photo.png"


def test_the_kind_is_known_by_its_graph(model: Path) -> None:
    assert package.kind_of(model) is KINDS["parts"]


def test_a_picture_has_a_row_with_the_share_of_each_part(model: Path, photo: Path) -> None:
    (answer,) = PartsPredictor(model, engine="onnxruntime").answer_values([photo])
    (row,) = answer.rows
    assert row.status == "ok" and (row.mask == MASK).mean() > 0.97
    body = (row.mask > 0).mean()
    assert row.body == pytest.approx(body)
    torso = (row.mask == PARTS9.index("torso")).mean() / body
    assert row.shares[PARTS9.index("torso")] == pytest.approx(torso)
    assert row.shares.sum() == pytest.approx(1) and 0.5 < row.confidence <= 1
    cells = row.as_columns()
    assert cells["share_torso"] == f"{torso:.4f}" and cells["share_hand"] == "0.0000"
    assert row.as_record()["shares"]["torso"] == pytest.approx(torso)


def test_rare_classes_may_weigh_more(tmp_path: Path, model: Path) -> None:
    """What a faint red is, says the weight; how probable that is, it does not change."""
    faint = np.full((48, 64, 3), (105, 60, 60), np.uint8)  # torso: 4.5, background: 5
    run = write_model(tmp_path / "run")
    heavy = [1.0] * 9
    heavy[PARTS9.index("torso")] = 2.0
    write_parts(run / "stage2", preferred=heavy)
    vouch(run)
    (light,), (weighed,) = (
        next(iter(PartsPredictor(one, engine="onnxruntime").answer_values([faint]))).rows
        for one in (model, run)
    )
    assert light.status == "nobody"
    assert (weighed.mask == PARTS9.index("torso")).all()
    assert weighed.confidence == pytest.approx(1 / (1 + np.exp(0.5)), abs=1e-3)


def test_an_array_and_any_number_of_threads_give_the_same(model: Path) -> None:
    one = PartsPredictor(model, engine="onnxruntime", threads=1)
    two = PartsPredictor(model, engine="onnxruntime", threads=2)
    for first, second in zip(
        one.answer_values([IMAGE] * 3), two.answer_values([IMAGE] * 3), strict=True
    ):
        np.testing.assert_array_equal(first.rows[0].mask, second.rows[0].mask)


def test_a_picture_without_people_is_no_error(model: Path) -> None:
    blank = np.full((40, 60, 3), 90, np.uint8)
    (answer,) = PartsPredictor(model, engine="onnxruntime").answer_values([blank])
    (row,) = answer.rows
    assert (row.status, row.group, row.body, row.confidence) == ("nobody", "nobody", 0, None)
    assert row.as_columns()["share_head"] == "0.0000" and not row.mask.any()


def test_a_picture_in_which_stage_1_finds_nobody(tmp_path: Path) -> None:
    """What the network sees is a row without a person; without anything the row is empty."""
    recipe = replace(RECIPE, planes=("rgb", "bones"))
    run = write_model(tmp_path / "run", pose=True, recipe=recipe)
    predictor = PartsPredictor(run, engine="onnxruntime")
    # Too dark for the pose graph, which asks for half of the colour.
    faint = np.where((MASK == PARTS9.index("torso"))[..., None], (140, 40, 40), GREY)
    blank = np.full((40, 60, 3), GREY, np.uint8)
    rows = [a.rows for a in predictor.answer_values([faint.astype(np.uint8), blank])]
    assert [(row.status, row.person, row.box) for (row,) in rows] == [
        ("ok", None, None),
        ("nobody", None, None),
    ]
    assert rows[0][0].body > 0.1 and rows[1][0].body == 0
    found = load_model(run)(blank)
    assert found.people == () and found.body == 0 and found.confidence is None


def test_a_damaged_picture_is_a_row_with_its_error(model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    (answer,) = PartsPredictor(model, engine="onnxruntime").answer_values([tmp_path / "a.jpg"])
    assert answer.rows[0].status == "error" and answer.rows[0].as_columns()["body"] == ""
    with pytest.raises(ImageError, match="not a picture"):
        load_model(model)(tmp_path / "a.jpg")


def test_each_person_has_a_row_where_there_is_a_pose_model(tmp_path: Path) -> None:
    run = write_model(tmp_path / "run", pose=True)
    image = picture((20, 20), (100, 20))
    (answer,) = PartsPredictor(run, engine="onnxruntime").answer_values([image])
    assert {row.person for row in answer.rows} == {0, 1}
    shown = [max(zip(r.shares, PARTS9.names, strict=True))[1] for r in answer.rows]
    assert {*shown} == {"torso", "head"}
    assert all(max(row.shares) == pytest.approx(1) for row in answer.rows)
    found = load_model(run)(image)
    assert len(found.people) == 2 and found.body == pytest.approx((found.mask > 0).mean())


def test_a_pixel_is_of_the_nearest_skeleton() -> None:
    poses = poses_of(Path("a"), 3)
    body = np.ones((50, 80), bool)
    owner = owners(body, poses)
    for person, (x1, y1, x2, y2) in enumerate(poses.boxes):
        middle = (round((y1 + y2) / 2), round((x1 + x2) / 2))
        assert owner[middle] == person
    assert owner[49, 30] == NOBODY and (owners(~body, poses) == NOBODY).all()
    mask = np.where(body, np.uint8(5), np.uint8(0))
    rows = rows_of(Path("a"), mask, np.ones(mask.shape, np.float32), PARTS9, poses)
    assert [row.person for row in rows] == [0, 1, 2, None]
    assert sum(row.body for row in rows) == pytest.approx(1)


@pytest.mark.parametrize("video_format", ["webm", "mp4"])
def test_copies_masks_and_videos_are_drawn(
    model: Path, photo: Path, tmp_path: Path, video_format: VideoFormat
) -> None:
    video = write_video(tmp_path / "clip.avi", [IMAGE] * 3)
    predictor, out = PartsPredictor(model, engine="onnxruntime"), tmp_path / "drawn"
    options = OutputOptions(draw=out, video=video_format)
    with KINDS["parts"].drawings(predictor, [photo, video], options) as drawings:
        session = Session(paint=drawings.paint)
        answers = [*predictor.predict([photo, video], options, session)]
        assert [m for answer in answers for m in drawings.add(answer)] == []
        assert drawings.close() == []
    assert [answer.frame.number for answer in answers] == [None, 0, 1, 2]
    suffixes = sorted(path.suffix for path in out.iterdir())
    assert suffixes == sorted([".jpg", ".png", f".{video_format}"]) and all(
        map(is_drawing, out.iterdir())
    )
    ids = cv2.imread(str(next(out.glob("*.png"))), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(ids, answers[0].rows[0].mask)


@pytest.mark.parametrize(
    "options",
    [
        {"gallery": Path("x")},
        {"explain": True},
        {"smooth": 1.0},
        {"per_window": True},
        {"heatmaps": True},
        {"tracks": Path("x")},
        {"hide_faces": True},
    ],
)
def test_what_it_cannot_do_is_refused(model: Path, options: dict) -> None:
    with pytest.raises(OptionError) as raised:
        PartsPredictor(model, engine="onnxruntime").check(OutputOptions(**options), [])
    assert [raised.value.option] == [*options]


def test_faces_are_hidden_where_there_is_a_pose_model(tmp_path: Path) -> None:
    predictor = PartsPredictor(write_model(tmp_path / "run", pose=True), engine="onnxruntime")
    image = np.random.default_rng(0).integers(0, 255, (96, 128, 3)).astype(np.uint8)
    image[20:60, 20:36] = picture((20, 20), (100, 20))[20:60, 20:36]
    painted = {}
    for hidden in (False, True):
        folder = tmp_path / str(hidden)
        options = OutputOptions(draw=folder, hide_faces=hidden)
        predictor.check(options, [])
        with KINDS["parts"].drawings(predictor, [], options) as drawings:
            (answer,) = predictor.answer_values([image])
            drawings.paint(replace(answer, pixels=image))
        (copy,) = folder.glob("*.jpg")
        painted[hidden] = load_rgb(copy).astype(int)
    people = answer.rows[0].poses
    without = hide_faces(image, people.skeleton, people.keypoints, people.boxes)
    faces = np.any(without != image, axis=2)
    difference = np.abs(painted[True] - painted[False]).max(axis=2)
    assert (difference[faces] > 20).mean() > 0.4 and difference[~faces].mean() < 5


def test_the_function_picks_the_kind(model: Path) -> None:
    parts = load_model(model, engine="onnxruntime")
    found = parts([IMAGE])[0]
    assert (found.mask == MASK).mean() > 0.97 and found.people == ()
    assert sum(found.shares.values()) == pytest.approx(1)
    painted = found.paint(IMAGE)
    assert painted.shape == IMAGE.shape and (painted != IMAGE).any()
    with pytest.raises(ValueError, match="load_model"):
        Classifier(model)
    with pytest.raises(TypeError, match="path or an array"):
        parts(3)  # type: ignore[call-overload]


def test_a_package_has_graph_and_sidecar(model: Path, tmp_path: Path) -> None:
    files = package.files_of(model)
    assert {path.name for path in files} == {"parts.onnx", "parts.json"}
    package.write_package(tmp_path / "out", files, card="# Parts\n", about={})
    assert package.kind_of(tmp_path / "out") is KINDS["parts"]
    (mask,) = load_model(tmp_path / "out")([IMAGE])
    assert (mask.mask == MASK).mean() > 0.97
    graph = tmp_path / "out" / "parts.onnx"
    graph.write_bytes(graph.read_bytes() + b" ")
    with pytest.raises(ValueError, match="not the graph"):
        load_model(tmp_path / "out")


def test_rows_fit_their_columns(model: Path) -> None:
    predictor = PartsPredictor(model, engine="onnxruntime")
    columns = predictor.columns(OutputOptions(), [])
    (answer,) = predictor.answer_values([IMAGE])
    assert {*columns.text} <= {*answer.rows[0].as_columns()}
    assert [*answer.rows[0].as_record()] == [*columns.fields]
