"""A run on videos, by hand-made graphs: what training sees of a video, inference sees too."""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pose_activity.annotations.clip_files import read_clips
from pose_activity.artifacts import manifest
from pose_activity.artifacts.removal import remove_tree
from pose_activity.artifacts.shards import shards
from pose_activity.cache.sequence import prepare
from pose_activity.cache.store import open_cache
from pose_activity.configs import sections
from pose_activity.configs.clips import ClipRun
from pose_activity.inference.clips.predictor import ClipPredictor
from pose_activity.stage1_pose.track_video import clip_of_video, track_video
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training import kinds
from pose_activity.training.clips import build_cache, embeddings
from pose_activity.training.clips.steps import step_names
from pose_activity.training.package import make_package
from pose_activity.training.shards import collect, make_part
from pose_activity.training.status import step_statuses
from pose_activity.training.steps import run_step, steps_of
from tests.folder_content import content_of
from tests.inference.motion_model import RECIPE, picture, write_film, write_model

CONFIG = """
run_dir: {folder}/run
threads: 1
clips: {{format: videos, path: {folder}/videos}}
split: {{train: 6, val: 0, test: 5}}
stage1: {{graph: {folder}/model/stage1}}
sequence: {{skeleton: coco17, frames: 10, windows: sliding, stride: 5, centre: clip}}
stage2: {{encoder: {folder}/model, linear: {{kind: logistic}}}}
"""
DAMAGED = "left/damaged.avi"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> ClipRun:
    """A finished run on ten videos of a rectangle that goes left or right, and a damaged one."""
    folder = tmp_path_factory.mktemp("videos")
    write_model(folder / "model")
    for label, step in (("right", 3), ("left", -3)):
        (folder / "videos" / label).mkdir(parents=True)
        for i in range(5):
            begin = 10 + i if step > 0 else 130 - i
            frames = [picture(red=(begin + step * t, 20 + i)) for t in range(20)]
            write_film(folder / "videos" / label / f"{i}.avi", frames)
    (folder / "videos" / DAMAGED).write_bytes(b"no video")
    (folder / "x.yaml").write_text(CONFIG.format(folder=folder), encoding="utf-8")
    return make(load(folder))


def load(folder: Path, *settings: str) -> ClipRun:
    run = kinds.load(folder / "x.yaml", settings)
    assert isinstance(run, ClipRun)
    return run


def make(run: ClipRun, *steps: str) -> ClipRun:
    for step in steps or step_names(run):
        run_step(run, step)
    return run


def test_every_step_is_done_and_fits_the_others(run: ClipRun) -> None:
    assert {one.step: one.state for one in step_statuses(run)} == dict.fromkeys(
        sections.STEPS, "done"
    )


def test_a_damaged_video_is_named_and_the_others_are_used(run: ClipRun) -> None:
    text = (run.run_dir / "cache" / "left_out.csv").read_text(encoding="utf-8")
    assert DAMAGED in text and "not one frame can be decoded" in text
    assert len(read_clips(run.run_dir / "cache" / "clips.parquet")) == 10


def test_inference_answers_as_the_report_does(run: ClipRun, tmp_path: Path) -> None:
    answers = Predictions.read(run.run_dir / "report" / "predictions.parquet")
    make_package(run, tmp_path / "model")
    with pytest.raises(ValueError, match="poses of its own stage 1, and goes with no other"):
        make_package(run, tmp_path / "other", stage1=run.run_dir)
    for model in (run.run_dir, tmp_path / "model"):
        pipeline = ClipPredictor(model, engine="onnxruntime", threads=1)
        assert pipeline.classes == answers.classes == ("left", "right")
        videos = [run.clips.path / image for image in answers.images]
        for answer, expected in zip(pipeline.answers(videos), answers.probabilities, strict=True):
            (row,) = answer.rows
            assert row.probabilities is not None
            np.testing.assert_allclose(row.probabilities, expected, atol=1e-6)
    assert (answers.guesses == answers.labels).all()


def test_inference_sees_the_joint_maps_that_training_saw(run: ClipRun, tmp_path: Path) -> None:
    maps = replace(RECIPE, kind="maps", width=12, height=16)
    write_model(tmp_path / "model", maps)
    settings = "sequence={kind: maps, skeleton: coco17, frames: 10, windows: sliding, stride: 5, "
    settings += f"centre: {maps.centre}, scale: {maps.scale}, width: 12, height: 16}}"
    places = (f"run_dir={tmp_path / 'run'}", f"stage2.encoder={tmp_path / 'model'}")
    asked = make(load(run.run_dir.parent, settings, *places))
    cache = open_cache(asked.run_dir / "cache")
    pipeline = ClipPredictor(asked.run_dir, engine="onnxruntime", threads=1)
    assert pipeline.pose is not None
    for entry in cache.of_split("test"):
        watched = track_video(
            asked.clips.path / entry.source, pipeline.pose, tracking=pipeline.tracking
        )
        cut = prepare(watched.clip_of(watched.tracks[0]), pipeline.recipe)
        stored = cache.load(entry).x
        assert stored.shape == (10, 16, 12, 17) and stored.dtype == np.uint8 and stored.any()
        np.testing.assert_array_equal(cut.tensor(entry.window), stored)
    answers = Predictions.read(asked.run_dir / "report" / "predictions.parquet")
    (answer,) = pipeline.answers([asked.clips.path / answers.images[0]])
    (row,) = answer.rows
    assert row.probabilities is not None
    np.testing.assert_allclose(row.probabilities, answers.probabilities[0], atol=1e-6)


def test_a_killed_cache_step_watches_no_clip_twice(run: ClipRun) -> None:
    cache = run.run_dir / "cache"
    before = {path: path.stat().st_mtime_ns for path in (cache / "watched").iterdir()}
    (cache / manifest.NAME).unlink()
    lost = next(path for path in before if path.suffix == ".parquet")
    lost.unlink()
    make(run, "cache")
    after = {path: path.stat().st_mtime_ns for path in (cache / "watched").iterdir()}
    assert before.keys() == after.keys()
    assert [path for path in before if before[path] != after[path]] == [lost]


def test_other_ranges_of_a_video_are_watched_anew(run: ClipRun, tmp_path: Path) -> None:
    folder, ranges = run.run_dir.parent, tmp_path / "ranges.txt"
    settings = (f"run_dir={tmp_path / 'run'}", f"clips.ranges={ranges}")
    lengths = []
    for line in ("left/0  frames  1-12", "left/0  frames  3-18"):
        ranges.write_text(line, encoding="utf-8")
        make(load(folder, *settings), "annotations", "stage1", "cache")
        found = {c.name: c for c in read_clips(tmp_path / "run" / "cache" / "clips.parquet")}
        clip = found["left/0_0"]
        assert clip.keypoints is not None and clip.times is not None
        lengths.append((len(clip.keypoints), round(float(clip.times[0]), 1)))
    assert lengths == [(12, 0.0), (16, 0.2)]


def test_shards_of_the_videos_are_the_step_as_a_whole(
    run: ClipRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def follow(path: Path, *args: Any, **named: Any) -> Any:
        seen.append(path.name)
        return clip_of_video(path, *args, **named)

    monkeypatch.setattr(build_cache, "clip_of_video", follow)
    folder, place = run.run_dir.parent, f"run_dir={tmp_path / 'run'}"
    sharded = make(load(folder, place), "annotations", "stage1")
    for shard in shards(3):
        make_part(sharded, "cache", shard)
        make_part(sharded, "cache", shard)  # finished: nothing is done
    run_step(sharded, "cache", parts=partial(collect, count=3))
    assert sorted(seen) == sorted(path.name for path in run.clips.path.rglob("*.avi"))
    assert content_of(sharded.run_dir / "cache") == content_of(run.run_dir / "cache")

    shorter = load(folder, place, "sequence.frames=8")
    seen.clear()
    for shard in shards(2):
        make_part(shorter, "cache", shard)
    run_step(shorter, "cache", parts=partial(collect, count=2))
    assert seen == [DAMAGED.split("/")[1]]  # the others were seen before


def test_a_report_is_divided_into_batches_of_windows(
    run: ClipRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "_TOGETHER", 2)
    folder = run.run_dir / "report"
    remove_tree(folder)
    run_step(run, "report")
    expected = content_of(folder)
    remove_tree(folder)
    for shard in shards(9):  # of which some have no batch
        make_part(run, "report", shard)
    assert 1 < len([*folder.glob("parts/*/windows.npy")]) < 9
    run_step(run, "report", parts=partial(collect, count=9))
    assert content_of(folder) == expected


def test_shards_with_too_few_classes_are_refused_when_they_are_merged(
    run: ClipRun, tmp_path: Path
) -> None:
    settings = (f"run_dir={tmp_path / 'run'}", "sequence.short=error", "sequence.frames=99")
    sharded = make(load(run.run_dir.parent, *settings), "annotations", "stage1")
    for shard in shards(2):
        make_part(sharded, "cache", shard)
    with pytest.raises(ValueError, match="0 classes in train, .*11 clips became no sequence"):
        run_step(sharded, "cache", parts=partial(collect, count=2))


@pytest.mark.parametrize("run_dir", ["", "videos/run", "elsewhere"])
def test_the_run_may_lie_around_its_clips_or_among_them(
    run: ClipRun, tmp_path: Path, run_dir: str
) -> None:
    shutil.copytree(run.clips.path, tmp_path / "videos")
    clips = f"clips.path={tmp_path / 'videos'}"
    asked = load(run.run_dir.parent, f"run_dir={tmp_path / run_dir}", clips)
    digest = steps_of(asked)[0].external_inputs["clips"]
    before = digest()
    (tmp_path / "videos" / ".thumbnail").touch()
    if run_dir:
        (tmp_path / run_dir).mkdir(parents=True, exist_ok=True)
        (tmp_path / run_dir / "config.yaml").touch()
    assert digest() == before
    (tmp_path / "videos" / "left" / "new.avi").touch()
    assert digest() != before


def test_following_people_otherwise_makes_the_cache_again(run: ClipRun) -> None:
    changed = load(run.run_dir.parent, "track.max_age=5")
    states = {one.step: one.state for one in step_statuses(changed)}
    assert (states["annotations"], states["stage1"], states["cache"]) == ("done", "stale", "stale")
    changed = load(run.run_dir.parent, "track.policy=longest")
    states = {one.step: one.state for one in step_statuses(changed)}
    assert (states["stage1"], states["cache"]) == ("done", "stale")
