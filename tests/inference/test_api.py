"""The three lines: the same answers as the command line's, from paths, arrays and lists."""

import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import pose_activity
from pose_activity.annotations.images import ImageError, load_rgb
from pose_activity.annotations.videos import Frame
from pose_activity.cache.store import open_cache
from pose_activity.inference.api import Classifier, Prediction
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.inference.results import UNKNOWN, FrameResult, Result
from tests.commands import ROOT
from tests.inference.fakes import BOXES, CLASSES, answered, nobody


@pytest.fixture(scope="module")
def classify(tiny_run: Path) -> Classifier:
    return Classifier(tiny_run, engine="onnxruntime", threads=2)


@pytest.fixture
def pictures(tiny_run: Path) -> list[Path]:
    return [entry.source for entry in open_cache(tiny_run / "cache").entries[:3]]


def test_the_room_s_face() -> None:
    assert pose_activity.Classifier is Classifier and pose_activity.Prediction is Prediction
    with pytest.raises(AttributeError, match="no attribute 'Classifierr'"):
        _ = pose_activity.Classifierr
    code = "import sys, inference; assert not {'numpy', 'cv2'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_same_answer_by_every_way(classify: Classifier, pictures: list[Path]) -> None:
    for path in pictures:
        row = classify.pipeline.answer(Frame.of_picture(path)).rows[0]
        assert row.probabilities is not None
        for found in (classify(path), classify(str(path)), classify(load_rgb(path))):
            assert found.activity == row.activity and found.people == ()
            values = [found.probabilities[name] for name in classify.pipeline.classes]
            assert values == row.probabilities.tolist()
            assert list(found.probabilities.values()) == sorted(values, reverse=True)
            assert found.probability == max(values)
    many = classify([pictures[0], load_rgb(pictures[1]), str(pictures[2])])
    assert [one.probabilities for one in many] == [classify(p).probabilities for p in pictures]
    assert classify([]) == []


def test_unknown(tiny_run: Path, pictures: list[Path]) -> None:
    strict = Classifier(tiny_run, engine="onnxruntime", threads=1, unknown_below=1.0)
    found = strict(pictures[0])
    assert found.activity == UNKNOWN and found.probability == max(found.probabilities.values())
    with pytest.raises(ValueError, match=r"unknown_below must lie in \[0, 1\]. Received: 2"):
        Classifier(tiny_run, unknown_below=2.0)


class Told:
    """A pipeline that says what a test tells it to."""

    classes = CLASSES

    def __init__(self, rows: list[Result]) -> None:
        self._rows = rows

    def answer_values(self, values: list[str]) -> list[FrameResult]:
        return [FrameResult(Frame.of_picture(Path(value)), self._rows) for value in values]


def told(*rows: Result) -> Prediction:
    classify = Classifier.__new__(Classifier)
    classify.pipeline = cast(PicturePredictor, Told(list(rows)))
    return classify("a.jpg")


def test_each_person_and_the_surest_of_them() -> None:
    shares = [(0.5, 0.3, 0.2), (0.1, 0.8, 0.1)]
    found = told(*(answered("a.jpg", share, people=2, person=i) for i, share in enumerate(shares)))
    assert [one.activity for one in found.people] == ["walk", "run"]
    assert (found.activity, found.person) == ("run", 1)
    assert found.poses is not None and np.array_equal(found.poses.boxes, BOXES[:2])


def test_nobody() -> None:
    found = told(nobody("a.jpg"))
    assert (found.activity, found.probability, found.people) == (None, None, ())
    assert found.probabilities == {} and found.poses is not None


def test_what_is_no_picture(classify: Classifier, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be opened"):
        classify(tmp_path / "nowhere.jpg")
    with pytest.raises(TypeError, match="A picture is a path or an array. Received: int"):
        classify(cast(Any, 3))
    with pytest.raises(TypeError, match="A picture is a path or an array. Received: int"):
        classify(cast(Any, [3]))


@pytest.mark.parametrize(
    "array",
    [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8, 3), np.float32)],
    ids=["grey", "alpha", "float"],
)
def test_other_arrays_are_refused(classify: Classifier, array: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"must be \(H, W, 3\) uint8 RGB. Received: \(8, 8"):
        classify(array)
