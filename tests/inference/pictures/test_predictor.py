"""Rows per picture and per person, with stages that answer by rule: no training, no graphs."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses
from pose_activity.annotations.videos import Frame
from pose_activity.cache.planes import PoseModelId, Recipe
from pose_activity.inference import predictor as both_stages
from pose_activity.inference.options import OptionError, OutputOptions
from pose_activity.inference.pictures import predictor
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.inference.results import FIRST_ONLY, Result

BOXES = [[4.0, 5.0, 20.0, 45.0], [40.0, 10.0, 60.0, 44.0], [64.0, 8.0, 76.0, 40.0]]
COLOURS = [(200, 20, 20), (20, 200, 20), (20, 20, 200)]


class FakeStage1:
    """Finds as many people as the picture's name says, at `BOXES`."""

    sha256, size = "abc", 640

    def __call__(self, images: Sequence[np.ndarray], paths: Sequence[Path]) -> list[Poses]:
        return [self.answer(*pair) for pair in zip(images, paths, strict=True)]

    def answer(self, image: np.ndarray, path: Path) -> Poses:
        n = int(path.stem[0])
        return Poses(
            image=path,
            size=(image.shape[1], image.shape[0]),
            skeleton=COCO17,
            boxes=np.array(BOXES[:n], np.float32).reshape(n, 4),
            scores=np.ones(n, np.float32),
            keypoints=np.zeros((n, len(COCO17), 3), np.float32),
        )


class FakeStage2:
    """Names the strongest colour of a tensor, and remembers how many came at once."""

    classes = ("red", "green", "blue")

    graph = SimpleNamespace(engine="rule")
    sha256, unknown_below = "def", None

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.batches: list[int] = []

    def __call__(self, planes: np.ndarray) -> np.ndarray:
        assert planes.dtype == np.uint8 and planes.shape[1:] == self.recipe.shape
        self.batches.append(len(planes))
        means = planes[..., :3].mean((1, 2))
        return (means / means.sum(1, keepdims=True)).astype(np.float32)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Pictures with 2, 0, 3 people in three colours, and one that cannot be read."""
    paths = [tmp_path / name for name in ("2.png", "0.png", "broken.png", "3.png")]
    for path in paths:
        canvas = np.full((50, 80, 3), 90, np.uint8)
        for (x1, y1, x2, y2), colour in zip(BOXES, COLOURS, strict=True):
            canvas[int(y1) : int(y2), int(x1) : int(x2)] = colour
        cv2.imwrite(str(path), canvas[..., ::-1])
    paths[2].write_bytes(b"no picture")
    return paths


def loaded(monkeypatch: pytest.MonkeyPatch, recipe: Recipe) -> tuple[PicturePredictor, FakeStage2]:
    classifier = FakeStage2(recipe)
    modules = {
        "stage1": SimpleNamespace(load=lambda *_, **__: FakeStage1()),
        "stage2": SimpleNamespace(load=lambda *_, **__: classifier),
        "open_model": lambda run: SimpleNamespace(stage1=run, stage2=run, packaged=True),
    }
    for name, module in modules.items():
        monkeypatch.setattr(predictor if name == "stage2" else both_stages, name, module)
    return PicturePredictor(Path("run")), classifier


def rows_of(pipe: PicturePredictor, pictures: Sequence[Path]) -> list[Result]:
    answers = pipe.answers(map(Frame.of_picture, pictures))
    return [row for answer in answers for row in answer.rows]


def each(person: str) -> Recipe:
    return Recipe(
        width=32,
        height=48,
        people="each",
        person=person,  # pyright: ignore[reportArgumentType]
        margin=0.0,
        pose=PoseModelId("abc"),
    )


@pytest.mark.parametrize("person", ["crop", "mask"])
def test_each_person_is_a_row(
    monkeypatch: pytest.MonkeyPatch, pictures: list[Path], person: str
) -> None:
    pipe, classifier = loaded(monkeypatch, each(person))
    rows = rows_of(pipe, pictures)
    facts = [(row.image.name, row.status, row.person) for row in rows]
    assert facts == [
        ("2.png", "ok", 0),
        ("2.png", "ok", 1),
        ("0.png", "nobody", None),
        ("broken.png", "error", None),
        ("3.png", "ok", 0),
        ("3.png", "ok", 1),
        ("3.png", "ok", 2),
    ]
    answers = [row.ranking[0][0] for row in rows if row.ranking]
    assert answers == ["red", "green", "red", "green", "blue"]
    for row in rows:
        expected = None if row.person is None else BOXES[row.person]
        assert (None if row.box is None else row.box.tolist()) == expected
        assert (row.probabilities is None) == (row.status != "ok")
    assert set(classifier.batches) == {1}


def test_a_whole_picture_is_a_row(monkeypatch: pytest.MonkeyPatch, pictures: list[Path]) -> None:
    recipe = Recipe(width=32, height=48, pose=PoseModelId("abc"))
    pipe, _ = loaded(monkeypatch, recipe)
    rows = rows_of(pipe, pictures)
    assert [(row.image, row.status) for row in rows] == [
        (image, "error" if image.stem == "broken" else "ok") for image in pictures
    ]
    assert all(row.person is None and row.box is None for row in rows)


def test_a_picture_that_is_named_twice_is_answered_twice(
    monkeypatch: pytest.MonkeyPatch, pictures: list[Path]
) -> None:
    pipe, _ = loaded(monkeypatch, each("crop"))
    rows = rows_of(pipe, [pictures[2], pictures[2], pictures[0], pictures[0]])
    assert [row.status for row in rows] == ["error"] * 2 + ["ok"] * 4


def test_only_the_first_of_several_pictures_is_answered_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, pictures: list[Path]
) -> None:
    pipe, _ = loaded(monkeypatch, each("crop"))
    waving = pictures[0].with_name("1.gif")
    first, *rest = [Image.fromarray(np.full((50, 80, 3), v, np.uint8)) for v in (90, 200, 20)]
    first.save(waving, save_all=True, append_images=rest)
    rows = rows_of(pipe, [waving, pictures[0]])
    assert [row.note for row in rows] == [FIRST_ONLY, None, None]


def test_a_damaged_or_endless_picture_is_a_row(
    monkeypatch: pytest.MonkeyPatch, pictures: list[Path], tmp_path: Path
) -> None:
    pipe, _ = loaded(monkeypatch, each("crop"))
    photo = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    data = cv2.imencode(".jpg", cv2.GaussianBlur(photo, (5, 5), 1))[1].tobytes()
    half, zero, heic = (tmp_path / name for name in ("half.jpg", "zero.jpg", "phone.heic"))
    half.write_bytes(data[: len(data) // 2] + bytes(300) + data[len(data) // 2 + 300 :])
    zero.symlink_to("/dev/zero")
    heic.write_bytes(b"\0\0\0\x18ftypheic" + bytes(500))
    rows = rows_of(pipe, [half, zero, heic, pictures[0]])
    assert [row.status for row in rows] == ["error"] * 3 + ["ok"] * 2
    said = [row.error or "" for row in rows]
    assert "the JPEG is damaged" in said[0] and "not a regular file" in said[1]
    assert "it holds HEIC, which is not read. Convert it to JPEG" in said[2]


def test_options_that_pictures_do_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe, _ = loaded(monkeypatch, each("crop"))
    for options, message in (
        (OutputOptions(smooth=2.5), "each person's activity.*Received: 2.5"),
        (OutputOptions(per_window=True), "windows are for models of clips, which name people by"),
        (OutputOptions(heatmaps=True), "heatmaps are drawn of plain pose estimation"),
    ):
        with pytest.raises(OptionError, match=message):
            pipe.check(options, [])
    pipe.check(OutputOptions(every=3), [])
    whole, _ = loaded(monkeypatch, Recipe(width=32, height=48, pose=PoseModelId("abc")))
    whole.check(OutputOptions(smooth=2.5), [])
