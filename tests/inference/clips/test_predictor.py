"""People of videos named by how they move, by hand-made graphs: what is right is known by hand."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pose_activity
from pose_activity.annotations.images import ImageError
from pose_activity.annotations.skeleton import custom_skeleton
from pose_activity.annotations.videos import Frame, read_frames, read_header
from pose_activity.cache.sequence import make
from pose_activity.cache.sequence_recipe import SequenceRecipe
from pose_activity.inference.api import Classifier, Prediction, predict_action
from pose_activity.inference.clips.predictor import ClipPredictor
from pose_activity.inference.kinds import KINDS
from pose_activity.inference.options import OutputOptions
from pose_activity.inference.package import files_of, kind_of, write_package
from pose_activity.inference.results import UNKNOWN, Result
from pose_activity.stage1_pose.options import TrackOptions
from pose_activity.stage1_pose.predict import PosePredictor
from pose_activity.stage1_pose.track_video import (
    TRACKING,
    clip_of_video,
    read_tracking,
    track_video,
    write_tracking,
)
from pose_activity.stage2_classifier.vectors import linear
from tests.inference.drawn_videos import encode
from tests.inference.motion_model import (
    CLASSES,
    RECIPE,
    crossing,
    picture,
    vouch,
    write_film,
    write_model,
    write_uneven,
)

RIGHT, LEFT = CLASSES
OPTIONS = {"engine": "onnxruntime", "threads": 1}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "run")


@pytest.fixture(scope="module")
def pipeline(model: Path) -> ClipPredictor:
    return ClipPredictor(model, **OPTIONS)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("films") / "crossing.avi", crossing())


def rows_of(pipeline: ClipPredictor, path: Path, **options) -> list[Result]:
    (answer,) = pipeline.answers([path], **options)
    return answer.rows


def shares_of(row: Result) -> np.ndarray:
    assert row.probabilities is not None
    return row.probabilities


def damaged(film: Path, path: Path) -> Path:
    """Writes the first half of a video's bytes: it ends in the middle of a frame."""
    data = film.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def pose_of(pipeline: ClipPredictor) -> PosePredictor:
    assert pipeline.pose
    return pipeline.pose


def test_two_who_cross_are_one_row_each(pipeline: ClipPredictor, film: Path) -> None:
    first, second = rows_of(pipeline, film)
    assert [(row.person, row.activity, row.status) for row in (first, second)] == [
        (0, RIGHT, "ok"),
        (1, LEFT, "ok"),
    ]
    for row, corner in ((first, (5 + 4 * 14.5, 20)), (second, (125 - 4 * 14.5, 36))):
        assert row.probabilities is not None and row.probabilities.sum() == pytest.approx(1)
        assert row.ranking[0][1] > 0.9 and row.image == film
        assert (row.frame, row.seconds, row.note) == (0, 0.0, None)
        x, y = corner  # of the frame in the middle: the boxes' mean; some lie behind the edge
        assert row.box == pytest.approx([x, y, x + 24, y + 72], abs=3)


def test_the_answer_is_that_of_the_same_clip_in_training(
    pipeline: ClipPredictor, film: Path
) -> None:
    """Poses, clip, windows and their answers' mean, each by the function that training has."""
    clip = clip_of_video(film, None, pose_of(pipeline))
    windows = make(clip, pipeline.recipe)
    expected = pipeline.classifier(windows.tensors).mean(axis=0)
    people = rows_of(pipeline, film)
    assert sum(np.allclose(shares_of(row), expected, atol=1e-6) for row in people) == 1


def test_a_row_for_each_window(pipeline: ClipPredictor, film: Path) -> None:
    rows = rows_of(pipeline, film, per_window=True)
    for person in (0, 1):
        own = [row for row in rows if row.person == person]
        assert [row.frame for row in own] == [0, 5, 10, 15, 20]
        assert [row.seconds for row in own] == pytest.approx([0, 0.5, 1, 1.5, 2])
        assert {row.activity for row in own} == {CLASSES[person]}
    assert rows == sorted(rows, key=lambda row: (row.person, row.frame))
    whole = shares_of(rows_of(pipeline, film)[0])
    shares = [shares_of(row) for row in rows if row.person == 0]
    assert whole == pytest.approx(np.mean(shares, axis=0), abs=1e-6)
    assert rows[1].box == pytest.approx([5 + 4 * 9.5, 20, 5 + 4 * 9.5 + 24, 92], abs=0.1)


def test_windows_are_smoothed_over_the_last_seconds(pipeline: ClipPredictor, film: Path) -> None:
    raw = [shares_of(row) for row in rows_of(pipeline, film, per_window=True)]
    smooth = rows_of(pipeline, film, per_window=True, smooth=1.0)  # two windows, 0.5 s apart
    for i, row in enumerate(smooth):
        first = i % 5 == 0  # of a person: nothing of the other one's counts
        expected = raw[i] if first else np.mean([raw[i - 1], raw[i]], axis=0)
        assert row.probabilities == pytest.approx(expected, abs=1e-6)


def test_nobody_and_nobody_for_a_while(pipeline: ClipPredictor, tmp_path: Path) -> None:
    empty = write_film(tmp_path / "empty.avi", [picture()] * 12)
    (row,) = rows_of(pipeline, empty)
    assert (row.status, row.person, row.error, row.image) == ("nobody", None, None, empty)
    frames = [picture((5 + 4 * i, 20)) for i in range(20)]
    frames[7:12] = [picture()] * 5
    (row,) = rows_of(pipeline, write_film(tmp_path / "away.avi", [picture()] * 4 + frames))
    assert (row.activity, row.frame, row.seconds) == (RIGHT, 4, pytest.approx(0.4))


def test_a_person_seen_too_briefly_is_padded_or_refused(
    pipeline: ClipPredictor, tmp_path: Path
) -> None:
    film = write_film(tmp_path / "short.avi", crossing(6))
    for row in rows_of(pipeline, film):
        assert row.status == "ok" and row.note == "padded: seen for 6 of 10 frames"
    strict = write_model(tmp_path / "strict", replace(RECIPE, short="error"))
    for person, row in enumerate(rows_of(ClipPredictor(strict, **OPTIONS), film)):
        assert (row.status, row.person, row.frame) == ("error", person, 0)
        assert row.error is not None and "at least 10 frames" in row.error
        assert f"short.avi, person {person}" in row.error and "Received: 6" in row.error


def test_a_person_without_sure_joints_is_a_row_that_says_so(film: Path, tmp_path: Path) -> None:
    model = write_model(tmp_path / "run", replace(RECIPE, min_confidence=0.95))  # theirs is 0.9
    rows = rows_of(ClipPredictor(model, **OPTIONS), film)
    assert [(row.person, row.status, row.note) for row in rows] == [
        (person, "nobody", "no joint is sure enough") for person in (0, 1)
    ]


def test_times_are_the_video_s_own(tmp_path: Path) -> None:
    """Half of the frames come in bursts; somebody at a steady pace stays so in true time."""
    milliseconds = [40 * i for i in range(40) if i % 8 < 5]
    frames = [picture((5 + 3 * round(ms / 40), 20)) for ms in milliseconds]
    film = write_uneven(tmp_path / "uneven.mkv", frames, milliseconds)
    model = write_model(tmp_path / "run", replace(RECIPE, rate=25.0))
    pipeline = ClipPredictor(model, **OPTIONS)
    watched = track_video(film, pose_of(pipeline))
    assert watched.times == pytest.approx(np.array(milliseconds) / 1000)
    (track,) = watched.tracks
    windows = make(watched.clip_of(track), pipeline.recipe)
    steps = np.diff(windows.tensors[:, :, 0, 0], axis=1)
    assert steps == pytest.approx(np.full_like(steps, steps.mean()), rel=1e-3)
    (row,) = rows_of(pipeline, film)
    assert row.activity == RIGHT


def test_times_that_do_not_rise_are_made_to(
    pipeline: ClipPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = [0.0, 0.04, 0.04, 0.08, 0.02, 0.12]

    def read(source: Path, *, every: int, skip) -> Iterator[Frame]:
        for i, seconds in enumerate(times):
            yield Frame(source, lambda i=i: picture((5 + 4 * i, 20)), i, seconds)

    monkeypatch.setattr("pose_activity.annotations.videos.read_frames", read)
    watched = track_video(Path("a.avi"), pose_of(pipeline))
    assert watched.times == pytest.approx([0, 0.04, 0.041, 0.08, 0.081, 0.12])


def test_what_a_damaged_video_has_lost_is_a_row(
    pipeline: ClipPredictor, film: Path, tmp_path: Path
) -> None:
    cut = damaged(film, tmp_path / "cut.avi")
    *people, lost = rows_of(pipeline, cut)
    assert [row.activity for row in people] == [RIGHT, LEFT]
    assert (lost.status, lost.person) == ("error", None)
    assert lost.error is not None and "promises 30 frames" in lost.error
    (tmp_path / "text.mp4").write_bytes(b"no video at all")
    (tmp_path / "empty.mp4").write_bytes(b"")
    none = "not one frame can be decoded"
    said = {"text.mp4": none, "empty.mp4": none, "gone.mp4": "there is no such file"}
    for name, message in said.items():
        (row,) = rows_of(pipeline, tmp_path / name)
        assert row.status == "error" and message in str(row.error)


def test_a_range_up_to_frames_that_a_header_counts_and_nobody_can_show(
    pipeline: ClipPredictor, tmp_path: Path
) -> None:
    packed = encode(tmp_path / "packed.avi", "-c:v", "libxvid", "-bf", "2", seconds=1)
    assert len(list(read_frames(packed))) < read_header(packed).frames == 25
    clip = clip_of_video(packed, (5, 25), pose_of(pipeline))
    assert clip.keypoints is not None and 15 <= len(clip.keypoints) < 20
    with pytest.raises(ImageError, match="frames 5 to 26 were asked for"):
        clip_of_video(packed, (5, 26), pose_of(pipeline))


def test_a_picture_is_no_video(pipeline: ClipPredictor, tmp_path: Path, film: Path) -> None:
    photo, clip = pipeline.answers([tmp_path / "photo.jpg", film])
    assert [row.status for row in photo.rows] == ["error"] and len(clip.rows) == 2
    assert photo.rows[0].error == (
        f"{tmp_path / 'photo.jpg'}: no video and no pose file, and this model names people by how "
        "they move. Name a video, such as an .mp4"
    )


def test_the_answer_does_not_depend_on_threads(model: Path, film: Path) -> None:
    first, second = (
        rows_of(ClipPredictor(model, engine="onnxruntime", threads=n), film) for n in (1, 3)
    )
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(shares_of(a), shares_of(b))


def test_people_and_windows_have_thresholds_of_their_own(film: Path, tmp_path: Path) -> None:
    of_clips = {"temperature": 0.5, "unknown_below": 0.3, "fitted_on": 40}
    model = write_model(tmp_path / "run", unknown_below=0.9999, of_clips=of_clips)
    pipeline = ClipPredictor(model, **OPTIONS)
    people, windows = rows_of(pipeline, film), rows_of(pipeline, film, per_window=True)
    assert [row.activity for row in people] == [RIGHT, LEFT]
    assert {row.activity for row in windows} == {UNKNOWN}
    mean = np.mean([shares_of(row) for row in windows if row.person == 0], axis=0)
    expected = mean**2 / (mean**2).sum()  # the temperature of clips
    assert shares_of(people[0]) == pytest.approx(expected, abs=1e-6)
    asked = ClipPredictor(model, unknown_below=0.0, **OPTIONS)
    assert {row.activity for row in rows_of(asked, film, per_window=True)} == {RIGHT, LEFT}


@pytest.mark.parametrize(("frames", "sure"), [(4, False), (5, True)])
def test_nobody_seen_for_a_fraction_of_a_window_is_named(
    pipeline: ClipPredictor, model: Path, tmp_path: Path, frames: int, sure: bool
) -> None:
    """A window has 10 frames, and half of them is enough."""
    film = write_film(tmp_path / "brief.avi", [picture()] * 3 + crossing(frames))
    for row in rows_of(pipeline, film) + rows_of(pipeline, film, per_window=True):
        assert row.status == "ok" and (row.activity != UNKNOWN) == sure and len(row.ranking) == 2
        assert row.note == (
            "padded: seen for 5 of 10 frames"
            if sure
            else "seen in 4 of the 10 frames of a window: too few for a sure answer"
        )
    asked = ClipPredictor(model, unknown_below=0.0, **OPTIONS)  # every answer is wanted
    assert UNKNOWN not in {row.activity for row in rows_of(asked, film)}


def test_frames_between_two_sightings_are_not_seen(pipeline: ClipPredictor, tmp_path: Path) -> None:
    frames = [picture((5 + 4 * i, 20)) for i in range(20)]
    frames[2:18] = [picture()] * 16
    (row,) = rows_of(pipeline, write_film(tmp_path / "gap.avi", frames))
    assert row.activity == UNKNOWN and "seen in 2 of the 10 frames" in str(row.note)


@pytest.mark.parametrize(("least", "named"), [(0.3, True), (0.31, False)])
def test_a_model_that_knows_padded_windows_says_how_little_will_do(
    tmp_path: Path, least: float, named: bool
) -> None:
    pipeline = ClipPredictor(write_model(tmp_path / "run", least_seen=least), **OPTIONS)
    film = write_film(tmp_path / "brief.avi", crossing(3))
    assert {row.activity for row in rows_of(pipeline, film)} == (
        {RIGHT, LEFT} if named else {UNKNOWN}
    )


def test_three_frames_stretched_over_a_window_stay_three(tmp_path: Path) -> None:
    model = write_model(tmp_path / "run", replace(RECIPE, windows="whole"))
    pipeline = ClipPredictor(model, **OPTIONS)
    for frames, activities in ((3, {UNKNOWN}), (6, {RIGHT, LEFT})):
        film = write_film(tmp_path / f"{frames}.avi", crossing(frames))
        assert {row.activity for row in rows_of(pipeline, film)} == activities


def test_unknown(model: Path, film: Path, tmp_path: Path) -> None:
    strict = ClipPredictor(model, unknown_below=1.0, **OPTIONS)
    assert {row.activity for row in rows_of(strict, film)} == {UNKNOWN}
    fitted = write_model(tmp_path / "run", unknown_below=0.75)
    assert ClipPredictor(fitted, **OPTIONS).unknown_below == 0.75
    with pytest.raises(ValueError, match=r"unknown_below must lie in \[0, 1\]. Received: 2"):
        ClipPredictor(model, unknown_below=2.0)


@pytest.mark.parametrize(
    ("recipe", "every", "allowed"),
    [
        (RECIPE, 2, False),
        (RECIPE, 1, True),
        (replace(RECIPE, rate=10.0), 2, True),
        (replace(RECIPE, windows="whole"), 2, True),
    ],
)
def test_frames_are_left_out_only_where_time_is_kept(
    tmp_path: Path, film: Path, recipe: SequenceRecipe, every: int, allowed: bool
) -> None:
    pipeline = ClipPredictor(write_model(tmp_path / "run", recipe), **OPTIONS)
    if not allowed:
        with pytest.raises(ValueError, match="people would move 2 times as fast: leave it out"):
            pipeline.check(OutputOptions(every=every), [])
        return
    pipeline.check(OutputOptions(every=every), [])
    rows = rows_of(pipeline, film, every=every)
    assert [row.activity for row in rows] == [RIGHT, LEFT]


def test_smoothing_needs_windows(pipeline: ClipPredictor) -> None:
    with pytest.raises(ValueError, match="already is the mean of all their windows: leave it out"):
        pipeline.check(OutputOptions(smooth=2.0), [])
    with pytest.raises(ValueError, match="0 seconds or more. Received: -1"):
        pipeline.check(OutputOptions(per_window=True, smooth=-1), [])


def test_a_linear_classifier_answers_in_the_network_s_place(model: Path, film: Path) -> None:
    folder = write_model(model.parent / "linear")
    machine = linear.Linear(
        ("lefty", "middle", "righty"),
        [
            linear.Member(
                mean=np.zeros(2),
                scale=np.ones(2),
                weights=np.array([[-3.0, 3.0], [0, 0], [3.0, -3.0]]),
                bias=np.zeros(3),
            )
        ],
    )
    linear.save(folder / "stage2", machine)
    pipeline = ClipPredictor(folder, **OPTIONS)
    assert pipeline.classes == machine.classes and pipeline.linear_sha256 is not None
    first, second = rows_of(pipeline, film)
    assert (first.activity, second.activity) == ("righty", "lefty")
    # The vectors have length 1: (1, -1) / sqrt 2, so the margins are 3 sqrt 2, 0 and -3 sqrt 2.
    margins = np.exp(3 * np.sqrt(2) * np.array([-1, 0, 1]))
    assert first.probabilities == pytest.approx(margins / margins.sum(), abs=1e-5)


def test_models_that_cannot_look_at_videos(tmp_path: Path, model: Path) -> None:
    foreign = write_model(tmp_path / "foreign")
    sidecar = foreign / "stage2" / "classifier.json"
    value = json.loads(sidecar.read_text(encoding="utf-8"))
    value["recipe"]["pose"]["sha256"] = "0" * 64
    sidecar.write_text(json.dumps(value), encoding="utf-8")
    vouch(foreign)
    with pytest.raises(ValueError, match="was trained on poses of graph 000000000000 at 160 px"):
        ClipPredictor(foreign, **OPTIONS)
    dog = custom_skeleton("dog", [f"joint_{i}" for i in range(17)], [])
    pose = {**value["recipe"]["pose"], "sha256": ""}
    value["recipe"] |= {"skeleton": dog.as_text(), "pose": pose}
    sidecar.write_text(json.dumps(value), encoding="utf-8")
    vouch(foreign)
    with pytest.raises(ValueError, match="joints of 'dog-.*', which stage 1's 'coco17'"):
        ClipPredictor(foreign, **OPTIONS)
    value["recipe"]["skeleton"] = "coco17"
    sidecar.write_text(json.dumps(value), encoding="utf-8")
    vouch(foreign)
    pose = ClipPredictor(foreign, **OPTIONS).pose
    assert pose is not None and pose.skeleton.name == "coco17"


# --- clips for training -----------------------------------------------------------------------


def test_a_clip_for_training(pipeline: ClipPredictor, film: Path) -> None:
    told = []
    clip = clip_of_video(
        film, (10, 20), pose_of(pipeline), on_progress=lambda *said: told.append(said)
    )
    assert clip.keypoints is not None and clip.times is not None and clip.skeleton is not None
    assert clip.keypoints.shape == (10, 17, 3) and clip.valid.all()
    assert clip.times == pytest.approx(np.arange(10, 20) / 10)
    assert (clip.name, clip.source, clip.span) == ("crossing.avi", film, (10, 20))
    assert told[-1] == (10, 10, "crossing.avi")
    again = clip_of_video(film, (10, 20), pose_of(pipeline), workers=3)
    assert again.keypoints is not None and np.array_equal(again.keypoints, clip.keypoints)


def test_frames_without_the_person_stay_as_rows_of_zeros(
    pipeline: ClipPredictor, tmp_path: Path
) -> None:
    frames = [picture()] * 3 + [picture((5 + 4 * i, 20)) for i in range(6)] + [picture()] * 2
    film = write_film(tmp_path / "a.avi", frames)
    clip = clip_of_video(film, None, pose_of(pipeline))
    assert clip.valid.tolist() == [False] * 3 + [True] * 6 + [False] * 2
    nobody = clip_of_video(film, (0, 3), pose_of(pipeline))
    assert nobody.keypoints is not None
    assert nobody.keypoints.shape == (3, 17, 3) and not nobody.keypoints.any()


def test_a_clip_that_cannot_be_read_whole_is_refused(
    pipeline: ClipPredictor, film: Path, tmp_path: Path
) -> None:
    cut = damaged(film, tmp_path / "cut.avi")
    with pytest.raises(ImageError, match="promises 30 frames"):
        clip_of_video(cut, None, pose_of(pipeline))
    assert clip_of_video(cut, (2, 8), pose_of(pipeline)).valid.all()  # the damage lies behind it
    for span in ((25, 31), (40, 50)):
        with pytest.raises(ImageError, match=f"frames {span[0]} to {span[1]} were asked for"):
            clip_of_video(film, span, pose_of(pipeline))
    with pytest.raises(ValueError, match="focus must be one of"):
        clip_of_video(film, None, pose_of(pipeline), policy="oldest")


def test_people_are_followed_as_in_training(tmp_path: Path, film: Path) -> None:
    model = write_model(tmp_path / "run")
    assert read_tracking(model / "stage1") is ClipPredictor(model, **OPTIONS).tracking is None
    write_tracking(model / "stage1", TrackOptions(min_hits=31))
    pipeline = ClipPredictor(model, **OPTIONS)
    assert pipeline.tracking == TrackOptions(0.2, 31, 30)
    assert [row.status for row in rows_of(pipeline, film)] == ["nobody"]
    for text in ("{", '{"speed": 3}', '{"max_age": -1}', "[]"):
        (model / "stage1" / TRACKING).write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"track.json is damaged .* Run the stage1 step again"):
            read_tracking(model / "stage1")
    old = '{"least_likeness": 0.2, "confirm_after": 31, "max_gap": 30}'
    (model / "stage1" / TRACKING).write_text(old, encoding="utf-8")
    assert read_tracking(model / "stage1") == pipeline.tracking


# --- the function and the package -------------------------------------------------------------


def test_predict_action(model: Path, film: Path, tmp_path: Path) -> None:
    assert pose_activity.predict_action is predict_action
    classify = Classifier(model, **OPTIONS)
    people = predict_action(film, classify)
    assert [(one.person, one.activity, one.note) for one in people] == [
        (0, RIGHT, None),
        (1, LEFT, None),
    ]
    first = rows_of(classify.pipeline, film)[0]
    assert list(people[0].probabilities.values()) == sorted(shares_of(first).tolist())[::-1]
    assert [one.activity for one in predict_action(str(film), model)] == [RIGHT, LEFT]
    surest, empty = classify([film, write_film(tmp_path / "empty.avi", [picture()] * 4)])
    assert [one.activity for one in surest.people] == [RIGHT, LEFT]
    assert surest.probability == max(one.probability or 0 for one in people)
    assert (empty.activity, empty.people) == (None, ())
    assert predict_action(tmp_path / "empty.avi", classify) == []


def test_what_predict_action_says_of_bad_input(model: Path, film: Path, tmp_path: Path) -> None:
    classify = Classifier(model, **OPTIONS)
    found: Prediction = classify(damaged(film, tmp_path / "cut.avi"))
    assert len(found.people) == 2 and "promises 30 frames" in str(found.note)
    with pytest.raises(ImageError, match="there is no such file"):
        predict_action(tmp_path / "gone.mp4", classify)
    with pytest.raises(ImageError, match="photo.jpg: no video and no pose file, and this"):
        classify("photo.jpg")
    with pytest.raises(TypeError, match="takes the paths of videos. Received: ndarray"):
        classify(picture())
    with pytest.raises(ValueError, match="record it first. Received: camera:0"):
        classify("camera:0")


def test_a_packaged_model_of_motion(model: Path, film: Path, tmp_path: Path) -> None:
    run = write_model(tmp_path / "run")
    write_tracking(run / "stage1", TrackOptions(max_age=20))
    assert kind_of(run) is KINDS["sequence"]
    names = {path.name for path in files_of(run)}
    assert names == {"pose.onnx", "pose.json", "track.json", "classifier.onnx", "classifier.json"}
    linear.save(
        run / "stage2",
        linear.Linear(("a", "b"), [linear.Member(np.zeros(2), np.ones(2), np.eye(2), np.zeros(2))]),
    )
    assert {path.name for path in files_of(run)} == names | {linear.NUMBERS, linear.SIDECAR}
    out = tmp_path / "packed"
    write_package(out, files_of(run), card="# a\n", about={})
    assert kind_of(out) is KINDS["sequence"]
    before, after = (ClipPredictor(folder, **OPTIONS) for folder in (run, out))
    assert after.tracking == TrackOptions(max_age=20) and after.classes == ("a", "b")
    for one, other in zip(rows_of(before, film), rows_of(after, film), strict=True):
        assert np.array_equal(shares_of(one), shares_of(other))
    for name in (TRACKING, linear.SIDECAR, linear.NUMBERS):
        kept = (out / name).read_bytes()
        (out / name).write_bytes(kept + b" ")
        with pytest.raises(ValueError, match=f"{name} was altered after it was packaged"):
            ClipPredictor(out, **OPTIONS)
        (out / name).write_bytes(kept)


def test_a_model_of_an_unknown_kind(tmp_path: Path) -> None:
    run = write_model(tmp_path / "run", kind="smell")
    with pytest.raises(ValueError, match="classifier.json is damaged .*kind 'smell'"):
        kind_of(run)
    (run / "stage2" / "classifier.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="classifier.json is damaged"):
        kind_of(run)
    (run / "stage2" / "classifier.json").unlink()
    with pytest.raises(FileNotFoundError, match="classifier.json is missing. Train the run first"):
        kind_of(run)
