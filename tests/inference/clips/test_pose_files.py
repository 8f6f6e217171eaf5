"""Pose files in, a row per person out: against the same walkers in a video."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.clip_files import write_clips
from pose_activity.annotations.clips import Clip, steady_times
from pose_activity.annotations.images import ImageError
from pose_activity.annotations.readers.pose_files import PoseFormat
from pose_activity.annotations.skeleton import COCO17
from pose_activity.inference.api import Classifier, predict_action
from pose_activity.inference.clips.pose_files import find, see_people, write_format
from pose_activity.inference.clips.predictor import ClipPredictor
from tests.inference.motion_model import CLASSES, PLACES, crossing, vouch, write_film, write_model

RIGHT, LEFT = CLASSES
OPTIONS = {"engine": "onnxruntime", "threads": 1}


def walkers(frames: int = 30) -> np.ndarray:
    """Returns the joints `(2, T, 17, 3)` of the two in `crossing`."""
    t = np.arange(frames)[:, None]
    corners = np.stack([np.hstack([5 + 4 * t, 0 * t + 20]), np.hstack([125 - 4 * t, 0 * t + 36])])
    places = corners[:, :, None] + PLACES * (24, 72)
    return np.concatenate([places, np.full((2, frames, 17, 1), 0.9)], axis=-1)


def openpose(folder: Path) -> Path:
    for number, people in enumerate(walkers().swapaxes(0, 1)):
        listed = [{"pose_keypoints_2d": one.ravel().tolist()} for one in people]
        path = folder / "walk" / f"walk_{number:012}_keypoints.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"people": listed}), encoding="utf-8")
    return folder / "walk"


def alphapose(folder: Path) -> Path:
    entries = [
        {"image_id": f"{number}.jpg", "keypoints": one.ravel().tolist(), "idx": 7 - person}
        for number, people in enumerate(walkers().swapaxes(0, 1))
        for person, one in enumerate(people)
    ]
    (folder / "walk.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder / "walk.json"


def archive(folder: Path) -> Path:
    one, other = walkers()
    np.savez(folder / "walk.npz", anna=one, ben=other)
    return folder / "walk.npz"


def flat_archive(folder: Path) -> Path:
    poses = walkers().reshape(-1, 17, 3)
    parts = {"poses": poses, "lengths": np.array([30, 30]), "labels": np.array([0, 1])}
    empty = {"poses": poses[:0], "lengths": np.zeros(0, int), "labels": np.zeros(0, int)}
    arrays = {f"a_train_{name}": part for name, part in parts.items()}
    np.savez(folder / "flat.npz", **arrays, **{f"a_test_{k}": v for k, v in empty.items()})
    return folder / "flat.npz"


def parquet(folder: Path) -> Path:
    clips = [
        Clip(
            name,
            Path("walk.mp4"),
            skeleton=COCO17,
            keypoints=one.astype(np.float32),
            times=steady_times(30, 10),
        )
        for name, one in zip(("p/anna", "p/ben"), walkers(), strict=True)
    ]
    write_clips(folder / "walk.parquet", clips)
    return folder / "walk.parquet"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was trained from pose files: no stage 1."""
    run = write_model(tmp_path_factory.mktemp("models") / "run")
    path = run / "stage2" / "classifier.json"
    value = json.loads(path.read_text(encoding="utf-8"))
    value["recipe"]["pose"]["sha256"] = ""
    path.write_text(json.dumps(value), encoding="utf-8")
    write_format(run / "stage2", PoseFormat(fps=10))
    vouch(run)
    shutil.rmtree(run / "stage1")
    return run


@pytest.mark.parametrize(
    ("write", "names"),
    [
        (openpose, ("walk", "walk")),
        (alphapose, ("walk.json", "walk.json")),
        (archive, ("walk.npz/anna", "walk.npz/ben")),
        (flat_archive, ("flat.npz/a/train/0000", "flat.npz/a/train/0001")),
        (parquet, ("walk.parquet/p/anna", "walk.parquet/p/ben")),
    ],
)
def test_every_format_says_what_the_video_does(
    model: Path, tmp_path: Path, write: Callable[[Path], Path], names: tuple[str, str]
) -> None:
    film = write_film(tmp_path / "film.avi", crossing(), fps=10)
    (seen,) = ClipPredictor(write_model(tmp_path / "whole"), **OPTIONS).answers([film])
    path = write(tmp_path)
    (answer,) = ClipPredictor(model, **OPTIONS).answers([path])
    assert [row.image for row in answer.rows] == [tmp_path / name for name in names]
    assert [row.person for row in answer.rows] == [0, 1]
    said = {row.activity: row for row in answer.rows}
    assert set(said) == {RIGHT, LEFT}
    for row in seen.rows:
        ours = said[row.activity]
        assert row.probabilities is not None and ours.probabilities is not None
        # The film has whole pixels.
        np.testing.assert_allclose(ours.probabilities, row.probabilities, atol=0.02)
        assert ours.status == "ok" and ours.frame == 0 and ours.seconds == 0.0
        assert ours.box is not None and row.box is not None
        np.testing.assert_allclose(ours.box, row.box, atol=4)  # around joints, not around people
    people = predict_action(path, Classifier(model, **OPTIONS))
    assert [one.activity for one in people] == [row.activity for row in answer.rows]


def test_windows_and_times_follow_the_files_rate(model: Path, tmp_path: Path) -> None:
    path = archive(tmp_path)
    for fps, rate in ((None, 10), (25.0, 25)):
        (answer,) = ClipPredictor(model, fps=fps, **OPTIONS).answers([path], per_window=True)
        rows = [row for row in answer.rows if row.person == 0]
        assert [row.frame for row in rows] == [0, 5, 10, 15, 20]
        assert [row.seconds for row in rows] == pytest.approx([n / rate for n in range(0, 21, 5)])


def test_what_cannot_be_used_is_a_row(model: Path, tmp_path: Path) -> None:
    broken, other, nobody = (tmp_path / name for name in ("a.json", "b.npz", "c.json"))
    broken.write_text("no JSON", encoding="utf-8")
    np.savez(other, x=np.zeros((4, 5, 3)))
    nobody.write_text(json.dumps({"0.jpg": {"people": []}}), encoding="utf-8")
    film = write_film(tmp_path / "film.avi", crossing(3))
    files = [broken, other, nobody, film, tmp_path / "gone.json", archive(tmp_path)]
    answers = list(ClipPredictor(model, **OPTIONS).answers(files))
    first = [answer.rows[0] for answer in answers]
    assert [row.status for row in first] == ["error", "error", "nobody", "error", "error", "ok"]
    errors = [row.error or "" for row in first]
    assert "a.json: not JSON" in errors[0] and "b.npz, x: " in errors[1]
    assert "has no stage 1 that finds people. Name pose files, or package the model" in errors[3]
    assert "gone.json: cannot be opened" in errors[4]
    with pytest.raises(ImageError, match="has no stage 1"):
        predict_action(film, Classifier(model, **OPTIONS))


def test_a_stage_1_can_be_added_for_videos(model: Path, tmp_path: Path) -> None:
    donor = write_model(tmp_path / "donor")
    film = write_film(tmp_path / "film.avi", crossing(), fps=10)
    pipeline = ClipPredictor(model, stage1_folder=donor / "stage1", **OPTIONS)
    (answer,) = pipeline.answers([film])
    assert {row.activity for row in answer.rows} == {RIGHT, LEFT}
    assert pipeline.graphs.keys() == {"stage1", "stage2"}


def test_people_without_numbers_are_told_apart(tmp_path: Path) -> None:
    people, _ = see_people(openpose(tmp_path), PoseFormat())
    first, second = (seen.track for seen in people)
    assert first is not None and second is not None
    ways = [np.diff(track.keypoints[..., 0].mean(axis=1)) for track in (first, second)]
    assert sorted(int(way.mean()) for way in ways) == [-4, 4]  # nobody swaps where they cross
    assert all(len(np.unique(np.round(way))) == 1 for way in ways)


def test_what_is_named_is_found(tmp_path: Path) -> None:
    frames, single, named = openpose(tmp_path), alphapose(tmp_path), archive(tmp_path)
    (tmp_path / "rows.csv.manifest.json").write_text("{}", encoding="utf-8")
    everything = sorted([frames, single, named])
    assert sorted(find([str(tmp_path)])[0]) == everything
    assert find([str(tmp_path)])[1] == []
    assert find([str(frames), str(single), str(single)]) == ([frames, single], [])
    assert find(["camera:0", "nowhere.json"]) == ([], ["camera:0", "nowhere.json"])
    (tmp_path / "clip.mp4").touch()
    found, others = find([os.path.join(str(tmp_path), "*")])
    assert sorted(found) == everything
    assert [Path(name).name for name in others] == ["clip.mp4"]
    assert find([str(tmp_path)])[1] == [str(tmp_path)]  # its video is still to be found
