"""Runs on clips: the whole way on made-up walkers, and what else stage 2 can be."""

import csv
import json
import shutil
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from pose_activity.annotations.clip_files import read_clips
from pose_activity.annotations.readers.feature_table import (
    FeatureTable,
    read_features,
    write_features,
)
from pose_activity.annotations.skeleton import COCO17
from pose_activity.artifacts import manifest
from pose_activity.artifacts.removal import remove_tree
from pose_activity.artifacts.shards import shards
from pose_activity.cache.store import open_cache
from pose_activity.configs.clips import ClipRun
from pose_activity.inference.api import predict_action
from pose_activity.inference.clips.predictor import ClipPredictor
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training import kinds
from pose_activity.training.clips import labels as clip_labels
from pose_activity.training.clips import report
from pose_activity.training.clips.steps import step_names
from pose_activity.training.compare import compare
from pose_activity.training.package import make_package
from pose_activity.training.rejections import refuse_rejections
from pose_activity.training.runs import open_run
from pose_activity.training.shards import collect, make_part
from pose_activity.training.status import step_statuses
from pose_activity.training.steps import run_step
from tests.commands import call
from tests.folder_content import content_of
from tests.html_reader import Reader
from tests.inference.motion_model import crossing, write_film, write_model

CONFIG = """
run_dir: {run}
clips:
  format: poses
  path: {data}
  label_pattern: '(?P<label>anna|ben|cora|dora)_'
  fps: 25
split: {{train: 0.5, val: 0.25, test: 0.25}}
sequence: {{skeleton: coco17, frames: 12, windows: sliding, stride: 6}}
stage2: {{model: lstm, options: {{units: 4}}, epochs: 2, batch: 8}}
"""
NOBODY = "anna_9"
MODELS = ("model", "both")
STEPS = ("annotations", "cache", "stage2", "report")


def walk(rng: np.random.Generator, swing: float, frames: int) -> np.ndarray:
    """A body whose hands and feet swing: `(T, 17, 3)` float32 in pixels."""
    joints = np.zeros((frames, 17, 3), np.float32)
    joints[..., :2] = rng.uniform(20, 60, (17, 2)) + 100
    for side, sign in (("left", 1), ("right", -1)):
        for joint, y in (("shoulder", 60), ("hip", 120), ("wrist", 110), ("ankle", 200)):
            joints[:, COCO17.index(f"{side}_{joint}"), :2] = 100 + 10 * sign, y
        phase = np.arange(frames) / 3 + rng.uniform(0, 6)
        joints[:, COCO17.index(f"{side}_ankle"), 0] += sign * swing * np.sin(phase)
    joints[..., 2] = 0.9
    return joints


@pytest.fixture(scope="module")
def clip_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `walkers.npz`, `x.yaml` and the finished run `run`."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    swings = {"anna": 5.0, "ben": 20.0, "cora": 40.0, "dora": 60.0}
    clips = {f"{p}_{i}": walk(rng, s, 18 + i) for p, s in swings.items() for i in range(8)}
    clips[NOBODY] = np.zeros((20, 17, 3), np.float32)
    np.savez(folder / "walkers.npz", allow_pickle=False, **clips)
    text = CONFIG.format(run=folder / "run", data=folder / "walkers.npz")
    (folder / "x.yaml").write_text(text, encoding="utf-8")
    for step in STEPS:
        done = call("train.py", step, "--config", folder / "x.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def load(config: Path, *settings: str) -> ClipRun:
    run = kinds.load(config, settings)
    assert isinstance(run, ClipRun)
    return run


def make(run: ClipRun, *steps: str) -> Path:
    """Makes steps (all that need no TensorFlow) in this process."""
    for step in steps or step_names(run):
        run_step(run, step)
    return run.run_dir


def frozen(clip_run: Path, run_dir: Path, *settings: str) -> ClipRun:
    """A run whose network is that of `clip_run`, as it is."""
    stage2 = f"stage2={{encoder: {clip_run / 'run'}, linear: {{kind: logistic}}}}"
    return load(clip_run / "x.yaml", f"run_dir={run_dir}", stage2, *settings)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_step_vouches_for_its_folder(
    clip_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for step in STEPS:
        found = manifest.read(clip_run / "run" / step)
        assert found is not None and found["outputs"], step
        assert manifest.altered(clip_run / "run" / step, found) == []
    assert not (clip_run / "run" / "stage1").exists()
    report_files = manifest.read(clip_run / "run" / "report")
    assert report_files is not None
    listed = {*report_files["outputs"], manifest.NAME}
    assert listed == {path.name for path in (clip_run / "run" / "report").iterdir()}
    assert {"report.md", "report.html", "confusion.png", "curves.png", "per_class.csv"} < listed
    make(load(clip_run / "x.yaml"))
    assert capsys.readouterr().out.count("up to date") == len(STEPS)


def test_every_clip_is_in_the_cache_or_named_with_its_reason(clip_run: Path) -> None:
    clips = read_clips(clip_run / "run" / "annotations" / "clips.parquet")
    cached = {entry.source.as_posix() for entry in open_cache(clip_run / "run" / "cache").entries}
    left_out = rows_of(clip_run / "run" / "cache" / "left_out.csv")
    assert {clip.name for clip in clips} - cached == {NOBODY} == {row["image"] for row in left_out}
    assert left_out[0]["detail"] == "nobody was found in any of its frames"


def test_clips_of_pose_files_are_divided_as_well(clip_run: Path, tmp_path: Path) -> None:
    contents = []
    for name, count in (("whole", None), ("sharded", 40)):  # of which some have no clip
        settings = (f"run_dir={tmp_path / name}", "sequence.tensors=memory_map")
        run = load(clip_run / "x.yaml", *settings)
        make(run, "annotations")
        for shard in shards(count) if count else ():
            make_part(run, "cache", shard)
        run_step(run, "cache", parts=partial(collect, count=count) if count else None)
        contents.append(content_of(run.run_dir / "cache"))
    assert contents[0] == contents[1] and "tensors/train.npy" in contents[0]


def test_an_answer_is_about_a_whole_clip(clip_run: Path) -> None:
    cache = open_cache(clip_run / "run" / "cache")
    answers = Predictions.read(clip_run / "run" / "report" / "predictions.parquet")
    clips = Counter(entry.source for entry in cache.of_split("test"))
    assert set(answers.images) == set(clips) and len(answers.images) == len(clips)
    assert max(clips.values()) > 1, "of several windows"
    metrics = json.loads((clip_run / "run" / "report" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["n"] == len(clips)
    assert metrics["accuracy"] == (answers.guesses == answers.labels).mean()


def page_of(run: Path) -> Reader:
    found = Reader((run / "report" / "report.html").read_text(encoding="utf-8"))
    found.assert_whole()
    return found


def test_the_page_says_what_the_files_say(clip_run: Path) -> None:
    run = clip_run / "run"
    page = page_of(run)
    metrics = json.loads((run / "report" / "metrics.json").read_text(encoding="utf-8"))
    answers = Predictions.read(run / "report" / "predictions.parquet")
    assert f"{100 * metrics['accuracy']:.1f} %accuracy on {metrics['n']} clips" in page.words
    assert f"{100 * metrics['macro_f1']:.1f} %macro F1" in page.words
    for name, row in metrics["per_class"].items():
        assert f"{name} {row['precision']:.2f} {row['recall']:.2f} {row['f1']:.2f}" in page.text
    clips = read_clips(run / "annotations" / "clips.parquet")
    trained = sum(clip.split == "train" for clip in clips)
    assert f"4 classes; {trained} clips in train" in page.text
    wrong = [i for i, right in enumerate(answers.guesses == answers.labels) if not right]
    right = len(answers.labels) - len(wrong)
    strips = [found["src"] for tag, found in page.attributes if tag == "img"]
    assert wrong and len(strips) == min(16, len(wrong)) + min(8, right)  # mistakes, and hits
    assert all(str(source).startswith("data:image/jpeg;base64,") for source in strips)
    for i in wrong[:16]:
        assert answers.images[i].name in page.words
    text = (run / "report" / "report.md").read_text(encoding="utf-8")
    for words in (
        f"--config {run / 'config.yaml'}",
        manifest.sha256_file(clip_run / "walkers.npz"),
    ):
        assert words in page.words and words in text


def test_a_model_of_pose_files_is_packaged_and_answers_as_the_report_does(
    clip_run: Path, tmp_path: Path
) -> None:
    answers = Predictions.read(clip_run / "run" / "report" / "predictions.parquet")
    expected = dict(zip(answers.images, answers.probabilities, strict=True))
    donor = write_model(tmp_path / "donor")
    run = load(clip_run / "x.yaml")
    make_package(run, tmp_path / "model")
    make_package(run, tmp_path / "both", stage1=donor)
    for model in (clip_run / "run", tmp_path / "model", tmp_path / "both"):
        pipeline = ClipPredictor(model, engine="onnxruntime", threads=1)
        assert pipeline.form.fps == 25
        (answer,) = pipeline.answers([clip_run / "walkers.npz"])
        found = {Path(row.image.name): row for row in answer.rows}
        assert len(found) == 33 and found[Path(NOBODY)].status == "nobody"
        for name, shares in expected.items():
            ours = found[name].probabilities
            assert ours is not None
            np.testing.assert_allclose(ours, shares, atol=1e-6)
    names = {model: {path.name for path in (tmp_path / model).iterdir()} for model in MODELS}
    assert names["both"] - names["model"] == {"pose.onnx", "pose.json"}
    card = (tmp_path / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "infer.py poses/" in card and "exported with ultralytics" not in card
    film = write_film(tmp_path / "film.avi", crossing())
    people = predict_action(film, tmp_path / "both")
    assert len(people) == 2 and all(one.probability for one in people)


def test_status_names_what_is_stale(clip_run: Path) -> None:
    found = {one.step: one for one in step_statuses(open_run(clip_run / "run"))}
    assert [found[step].state for step in STEPS] == ["done"] * len(STEPS)
    assert found["stage1"].state == "not needed"
    changed = step_statuses(open_run(clip_run / "run", None, ["sequence.frames=13"]))
    assert [one.state for one in changed if one.step in STEPS] == ["done", *["stale"] * 3]
    assert changed[2].why == ("recipe.frames: 12 -> 13",)


def test_a_frozen_encoder_with_logistic_regression(clip_run: Path, tmp_path: Path) -> None:
    run = make(frozen(clip_run, tmp_path))
    table = read_features(run / "stage2" / "features.parquet")
    train_rows = [i for i, split in enumerate(table.splits or ()) if split == "train"]
    labels = np.array(table.labels)
    expected = OneVsRestClassifier(LogisticRegression(solver="liblinear"))
    expected.fit(table.vectors[train_rows].astype(float), labels[train_rows])
    answers = Predictions.read(run / "report" / "predictions.parquet")
    for image, shares in zip(answers.images, answers.probabilities, strict=True):
        rows = [i for i, clip in enumerate(table.groups or ()) if clip == image.as_posix()]
        windows = expected.predict_proba(table.vectors[rows].astype(float))
        np.testing.assert_allclose(shares, windows.mean(axis=0), atol=1e-5)


def test_an_encoder_of_other_sequences_is_refused(clip_run: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"learned from other sequences \(frames: 12 -> 10\)"):
        make(frozen(clip_run, tmp_path, "sequence.frames=10"))


def test_people_never_seen_are_looked_up_in_a_gallery(clip_run: Path, tmp_path: Path) -> None:
    split = "split={train: 0.4, val: 0.1, test: 0.5, open_set: true}"
    asked = frozen(clip_run, tmp_path, split, "report.gallery=_[0-3]$")
    run = make(asked)
    found = json.loads((run / "report" / "retrieval.json").read_text(encoding="utf-8"))
    assert set(found) == {"rank1", "rank5", "mean_average_precision"}
    assert found["rank5"] >= found["rank1"]
    words = page_of(run).text
    assert "whose names match _[0-3]$; the others are the probes" in words
    for key, title in (("rank1", "rank-1"), ("rank5", "rank-5")):
        assert f"{100 * found[key]:.1f} %{title}" in words
    assert f"mean average precision {100 * found['mean_average_precision']:.1f} %" in words
    clips = read_clips(run / "cache" / "clips.parquet")
    people = {split: {c.label for c in clips if c.split == split} for split in ("train", "test")}
    assert len(people["test"]) == 2 and not people["train"] & people["test"]
    answers = Predictions.read(run / "report" / "predictions.parquet")
    assert set(answers.classes) == people["test"]
    assert not [name for name in answers.images if name.name[-1] in "0123"]

    expected = content_of(run / "report")
    remove_tree(run / "report")
    for shard in shards(2):
        make_part(asked, "report", shard)
    run_step(asked, "report", parts=partial(collect, count=2))
    assert content_of(run / "report") == expected


def test_a_table_of_features_needs_neither_poses_nor_network(
    clip_run: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(1)
    centres, ids = rng.normal(size=(3, 6)), np.arange(60) % 3
    vectors = (centres[ids] + rng.normal(size=(60, 6))).astype(np.float32)
    labels = tuple("abc"[i] for i in ids)
    splits = tuple("test" if i % 4 == 3 else "train" for i in range(60))
    write_features(tmp_path / "f.csv", FeatureTable(vectors, labels, splits=splits))
    (tmp_path / "x.yaml").write_text(
        f"run_dir: {tmp_path / 'run'}\nclips: {{format: features, path: {tmp_path / 'f.csv'}}}\n"
        "split: given\nstage2: {linear: {kind: logistic}}\n",
        encoding="utf-8",
    )
    features = load(tmp_path / "x.yaml")
    make(features)
    learned = np.array(splits) == "train"
    reference = OneVsRestClassifier(LogisticRegression(solver="liblinear"))
    reference.fit(vectors[learned].astype(float), np.array(labels)[learned])
    expected = reference.score(vectors[~learned].astype(float), np.array(labels)[~learned])
    metrics = json.loads((tmp_path / "run" / "report" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["accuracy"] == pytest.approx(expected)
    page = page_of(tmp_path / "run")
    assert f"accuracy on {metrics['n']} vectors" in page.words and "img" not in page.tags
    assert "Stage 1: poses" not in page.words
    compare([load(clip_run / "x.yaml"), features], tmp_path / "table")
    rows = rows_of(tmp_path / "table" / "comparison.csv")
    assert [row["model"] for row in rows] == ["lstm", "logistic"]
    assert [row["poses"] for row in rows] == ["poses: walkers.npz", "features: f.csv"]
    assert rows[1]["accuracy"] == f"{expected:.4f}"
    with pytest.raises(ValueError, match="no model of videos to package"):
        make_package(features, tmp_path / "model")


def test_a_class_that_train_does_not_hold_is_refused(clip_run: Path, tmp_path: Path) -> None:
    given = ("split=given", "clips.test_pattern=dora", f"run_dir={tmp_path}")
    with pytest.raises(ValueError, match=r"test holds classes that train does not: \['dora'\]"):
        make(load(clip_run / "x.yaml", *given), "annotations")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("stage2.model=lstn", "lstn"),
        ("stage2.options={unitz: 3}", "unitz"),
        ("sequence.skeleton=cocoo17", "cocoo17"),
        ("clips.label_pattern=", "walkers.npz: each clip must have .*Set clips.label_pattern"),
        ("report.gallery=nothing", "It is found in 0 of"),
        ("clips.group_pattern=(?P<group>[a-z]+)_", "two scenes or more"),
    ],
)
def test_what_would_fail_late_fails_first(
    clip_run: Path, tmp_path: Path, setting: str, message: str
) -> None:
    unseen = "split={train: 0.4, val: 0.1, test: 0.5, open_set: true}"
    run = load(clip_run / "x.yaml", f"run_dir={tmp_path}", unseen, setting)
    with pytest.raises(ValueError, match=message):
        make(run, "annotations")


def test_rejections_are_written_where_no_split_comes_of_the_rest(
    clip_run: Path, tmp_path: Path
) -> None:
    pattern = "clips.label_pattern=null"
    run = load(clip_run / "x.yaml", f"run_dir={tmp_path / 'run'}", pattern)
    with pytest.raises(ValueError, match="Received: 33 clips without one"):
        make(run, "annotations")
    rows = rows_of(tmp_path / "run" / "annotations" / "rejections.csv")
    assert len(rows) == 33 and {row["rule"] for row in rows} == {"empty_label"}
    with pytest.raises(ValueError, match="33 rejections, see"):
        refuse_rejections(run)


def test_people_never_seen_without_a_gallery(clip_run: Path, tmp_path: Path) -> None:
    split = "split={train: 0.4, val: 0.1, test: 0.5, open_set: true}"
    scenes = r"clips.group_pattern='(?P<group>[a-z]+_[0-2]|[a-z]+)'"
    run = make(frozen(clip_run, tmp_path, split, scenes))
    answers = Predictions.read(run / "report" / "predictions.parquet")
    tested = [c for c in read_clips(run / "cache" / "clips.parquet") if c.split == "test"]
    assert {path.as_posix() for path in answers.images} == {c.name for c in tested} - {NOBODY}
    assert "of people never seen" in (run / "report" / "report.md").read_text(encoding="utf-8")


def test_a_class_whose_clips_became_no_sequence_is_named(clip_run: Path, tmp_path: Path) -> None:
    data = dict(np.load(clip_run / "walkers.npz"))
    data |= {name: 0 * joints for name, joints in data.items() if name.startswith("dora_")}
    data["dora_7"] = np.load(clip_run / "walkers.npz")["dora_7"]
    np.savez(tmp_path / "some.npz", allow_pickle=False, **data)
    given = ("split=given", "clips.test_pattern=_7$", f"clips.path={tmp_path / 'some.npz'}")
    run = load(clip_run / "x.yaml", f"run_dir={tmp_path / 'run'}", *given)
    with pytest.raises(ValueError, match=r"of these not in train: \['dora'\]"):
        make(run, "annotations", "cache")


def test_clips_that_count_nowhere_are_told(clip_run: Path, tmp_path: Path) -> None:
    given = ("split=given", "clips.test_pattern=_[79]$")
    run = frozen(clip_run, tmp_path, *given)
    make(run)
    assert report.left_out(run) == 1, "nobody is in anna_9"
    assert "left out" in (tmp_path / "report" / "report.md").read_text(encoding="utf-8")


def test_a_dry_run_writes_nothing(
    clip_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = load(clip_run / "x.yaml", f"run_dir={tmp_path / 'run'}")
    clip_labels.try_annotations(run, strict=True)
    assert "33 clips" in capsys.readouterr().out
    assert not run.run_dir.exists()


def test_a_changed_encoder_makes_stage_2_stale(clip_run: Path, tmp_path: Path) -> None:
    shutil.copytree(clip_run / "run", tmp_path / "encoder")
    stage2 = f"stage2={{encoder: {tmp_path / 'encoder'}, linear: {{kind: logistic}}}}"
    run = load(clip_run / "x.yaml", f"run_dir={tmp_path / 'run'}", stage2)
    make(run)
    with (tmp_path / "encoder" / "stage2" / "classifier.onnx").open("ab") as file:
        file.write(b"x")
    (found,) = (one for one in step_statuses(run) if one.step == "stage2")
    assert found.state == "stale" and found.why[0].startswith("inputs.encoder")
