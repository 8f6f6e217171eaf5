"""People named while they move, by the hand-made model whose answers are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.skeleton import MPII16
from pose_activity.annotations.types import Poses, no_people
from pose_activity.cache.sequence import make
from pose_activity.inference.clips.live import HORIZON, Live
from pose_activity.inference.clips.predictor import ClipPredictor
from pose_activity.inference.live import SOURCE, CannotBeLive, LiveAnswer
from pose_activity.inference.results import UNKNOWN
from pose_activity.stage1_pose.track_video import clip_of_video
from tests.inference.motion_model import CLASSES, RECIPE, SIZE, crossing, picture, write_film
from tests.inference.motion_model import write_model as write

RIGHT, LEFT = CLASSES
RATE = 10
LIVE = replace(RECIPE, rate=float(RATE))  # a window of one second
WINDOW = LIVE.frames / RATE


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ClipPredictor:
    run = write(tmp_path_factory.mktemp("models") / "run", LIVE)
    return ClipPredictor(run, engine="onnxruntime", threads=1)


def watch(live: Live, frames, rate: float = RATE, *, since: float = 0.0) -> list[LiveAnswer]:
    return [live.see(frame, since + i / rate) for i, frame in enumerate(frames)]


def walking(count: int) -> list[np.ndarray]:
    """Returns somebody who walks to the right for ever, from the left again and again."""
    return [picture((5 + 2 * (i % 60), 20)) for i in range(count)]


def test_two_who_cross_are_named_while_they_do(model: ClipPredictor) -> None:
    said = watch(Live(model), crossing())
    for answer in said[15:]:
        assert {(row.person, row.activity) for row in answer.rows} == {(0, RIGHT), (1, LEFT)}
    row = said[20].rows[0]
    assert (row.image, row.frame, row.seconds, row.note) == (SOURCE, 60, 2.0, None)
    assert row.box == pytest.approx([5 + 80, 20, 5 + 104, 92], abs=3)


def test_nothing_is_sure_before_a_window_is_full(model: ClipPredictor) -> None:
    said = watch(Live(model, every=0), crossing())
    assert [row.note for row in said[5].rows] == ["0.5 of 1.0 s seen"] * 2
    assert {row.activity for answer in said[3:9] for row in answer.rows} == {UNKNOWN}
    assert said[5].rows[0].ranking  # but what it might be stands there
    assert {row.note for row in said[12].rows} == {None}


def test_an_answer_every_half_second_and_boxes_in_between(model: ClipPredictor) -> None:
    said = watch(Live(model, every=0.5), crossing())
    assert [i for i, answer in enumerate(said) if answer.fresh] == [0, 5, 10, 15, 20, 25]
    boxes = [answer.rows[0].as_record()["box"] for answer in said[10:14]]
    assert boxes[0][0] < boxes[1][0] < boxes[2][0] < boxes[3][0]


def test_the_last_window_is_what_training_would_see_of_these_frames(
    model: ClipPredictor, tmp_path: Path
) -> None:
    frames = [picture((5 + 4 * i, 20)) for i in range(20)]
    said = watch(Live(model, every=0), frames)[-1].rows[0]
    assert model.pose
    clip = clip_of_video(write_film(tmp_path / "film.avi", frames), None, model.pose)
    windows = make(clip, model.recipe)
    expected = model.classifier(windows.tensors[-1:])[0]
    assert said.probabilities == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("rate", [5, 15, 30])
def test_the_rate_of_the_camera_does_not_matter(model: ClipPredictor, rate: int) -> None:
    frames = [picture((5 + round(40 * i / rate), 20)) for i in range(int(2.5 * rate))]
    (row,) = watch(Live(model, every=0), frames, rate)[-1].rows
    assert (row.person, row.activity) == (0, RIGHT)


def test_poses_alone_give_the_same_answer(model: ClipPredictor) -> None:
    """Where a browser finds the joints, pictures need not be sent."""
    assert model.pose
    frames = crossing()
    poses = model.pose(frames, [SOURCE] * len(frames))
    of_pixels, of_poses = watch(Live(model), frames), watch(Live(model), poses)
    for one, other in zip(of_pixels, of_poses, strict=True):
        assert [row.as_record() for row in one.rows] == [row.as_record() for row in other.rows]


def test_who_leaves_is_gone_and_who_comes_is_somebody_new(model: ClipPredictor) -> None:
    live = Live(model)
    watch(live, walking(20))
    gone = watch(live, [picture()] * 20, since=2.0)
    statuses = [row.status for answer in gone for row in answer.rows]
    assert statuses == ["ok"] * 5 + ["nobody"] * 15  # hidden for a moment, then away
    back = watch(live, walking(20), since=4.0)
    assert back[-1].rows[0].person == 1


def test_a_camera_that_stalls_is_no_error(model: ClipPredictor) -> None:
    live = Live(model)
    watch(live, walking(20))
    (row,) = watch(live, walking(20), since=60.0)[-1].rows
    assert row.activity == RIGHT
    live.see(picture((5, 20)), 61.9)  # a clock that stands still


def test_an_hour_leaves_no_more_behind_than_a_minute(model: ClipPredictor) -> None:
    assert model.pose
    live = Live(model, every=30)
    steps = model.pose(walking(60), [SOURCE] * 60)
    held = []
    for i in range(2 * 3600):
        live.see(steps[i % 60], i / 2)
        if i % 120 == 119:
            (track,) = live._tracker.followed()
            held.append((len(live._frames), len(track.frames), len(live._tracker._ended)))
    assert max(held) == held[0] == (int(2 * HORIZON * WINDOW) + 1, 5, 0)


def test_models_that_cannot_be_live_say_so(tmp_path: Path) -> None:
    as_they_come = ClipPredictor(write(tmp_path / "run"), engine="onnxruntime", threads=1)
    with pytest.raises(CannotBeLive, match="trained with sequence.rate.*This one: rate None"):
        Live(as_they_come)


def test_other_joints_are_refused(model: ClipPredictor) -> None:
    boxes, keypoints, scores = no_people(MPII16)
    live = Live(model)
    live.see(picture(), 0.0)
    with pytest.raises(CannotBeLive, match="one skeleton"):
        live.see(Poses(SOURCE, SIZE, MPII16, boxes, scores, keypoints), 0.1)
