"""A camera's frames named one by one, by a hand-made model with two views."""

from pathlib import Path

import numpy as np
import pytest

from pose_activity.inference.live import SOURCE, CannotBeLive
from pose_activity.inference.pictures.live import Live
from pose_activity.inference.pictures.predictor import PicturePredictor
from tests.inference.motion_model import picture
from tests.inference.view_model import write_model

RED, BLUE = picture(red=(60, 20)), picture(blue=(60, 20))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> PicturePredictor:
    run = write_model(tmp_path_factory.mktemp("models") / "run")
    return PicturePredictor(run, engine="onnxruntime", threads=1)


def test_the_answer_is_the_mean_of_the_last_second(model: PicturePredictor) -> None:
    (red,), (blue,) = ([a.rows[0] for a in model.answer_values([p])] for p in (RED, BLUE))
    live = Live(model, smooth=1.0)
    said = [live.see(RED if i < 5 else BLUE, i / 4).rows[0] for i in range(10)]
    assert said[4].probabilities == pytest.approx(red.probabilities)
    half = np.mean(
        [red.probabilities, red.probabilities, blue.probabilities, blue.probabilities], 0
    )
    assert said[6].probabilities == pytest.approx(half, abs=1e-6)
    assert (said[9].activity, said[9].frame, said[9].seconds) == ("blue", 9, 2.25)


def test_who_was_found_comes_along(model: PicturePredictor) -> None:
    answer = Live(model).see(RED, 0.0)
    assert answer.fresh and answer.poses is not None and len(answer.poses.boxes) == 1
    assert answer.rows[0].image == SOURCE


def test_poses_alone_are_not_enough(model: PicturePredictor) -> None:
    assert model.pose
    (poses,) = model.pose([RED], [Path("red")])
    with pytest.raises(CannotBeLive, match="needs their pixels"):
        Live(model).see(poses, 0.0)
