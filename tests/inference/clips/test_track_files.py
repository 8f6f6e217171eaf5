"""Files of who was followed: what is read back is what was seen."""

import json
from pathlib import Path

import numpy as np
import pytest

from pose_activity import infer
from pose_activity.inference.clips.predictor import ClipPredictor
from pose_activity.inference.clips.track_files import tracks_name
from tests.inference import motion_model, view_model
from tests.inference.motion_model import crossing, write_film


def test_tracks_of_a_video(tmp_path: Path) -> None:
    model = motion_model.write_model(tmp_path / "model")
    film = write_film(tmp_path / "film.avi", crossing())
    infer.main(
        [str(film)],
        run=str(model),
        out=str(tmp_path / "a.csv"),
        tracks=tmp_path / "tracks",
        threads=1,
    )
    (path,) = (tmp_path / "tracks").iterdir()
    assert path.name == tracks_name(film)
    found = json.loads(path.read_text(encoding="utf-8"))
    assert (found["video"], found["size"], found["frames"]) == (
        "film.avi",
        [160, 128],
        [*range(30)],
    )
    assert found["seconds"] == pytest.approx([i / 10 for i in range(30)])
    (answer,) = ClipPredictor(model, threads=1).answers([film])
    assert len(found["people"]) == len(answer.tracks) == 2
    for person, track in zip(found["people"], answer.tracks, strict=True):
        assert person["frames"] == track.frames.tolist()
        for name in ("boxes", "scores", "keypoints"):
            assert (np.array(person[name], np.float32) == getattr(track, name)).all(), name


def test_a_model_of_pictures_follows_nobody(tmp_path: Path) -> None:
    model = view_model.write_model(tmp_path / "model")
    film = write_film(tmp_path / "film.avi", crossing(2))
    with pytest.raises(ValueError, match="--tracks: people are followed by models of clips"):
        infer.main([str(film)], run=str(model), out=str(tmp_path / "a.csv"), tracks=tmp_path)
