"""A run answers once it is whole and its steps fit each other, and as it was trained to see."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pose_activity.artifacts import manifest
from pose_activity.cache import fingerprint
from pose_activity.cache.fingerprint import FingerprintError
from pose_activity.inference.api import Classifier
from pose_activity.inference.clips.predictor import ClipPredictor
from pose_activity.inference.model_check import UnfinishedError
from pose_activity.inference.package import open_model
from pose_activity.inference.pictures.predictor import PicturePredictor
from tests.commands import call, copy_of
from tests.inference.motion_model import RECIPE, vouch, write_model

STEPS = ("annotations", "stage1", "cache", "stage2")


def load(run: Path) -> tuple[str, ...]:
    return ClipPredictor(run, engine="onnxruntime", threads=1).notes


def begin(run: Path, step: str, **inputs: str) -> Path:
    """Declares a step finished that is empty but for what `inputs` say."""
    manifest.write(run / step, recipe={}, inputs=inputs)
    return run / step


@pytest.mark.parametrize("step", ["stage1", "stage2"])
def test_an_unfinished_step_is_refused(tmp_path: Path, step: str) -> None:
    run = write_model(tmp_path / "run")
    load(run)
    (run / step / "manifest.json").unlink()
    with pytest.raises(UnfinishedError, match=f"Received: '{step}', which is not. Let `train.py"):
        load(run)


@pytest.mark.parametrize("step", ["annotations", "cache"])
def test_a_step_begun_again_is_refused_and_a_lost_one_is_none(tmp_path: Path, step: str) -> None:
    run = write_model(tmp_path / "run")
    (run / step).mkdir()
    with pytest.raises(UnfinishedError, match=f"Received: '{step}', which is not"):
        load(run)
    (run / step).rmdir()
    load(run)


@pytest.mark.parametrize("name", ["stage1/pose.json", "stage2/classifier.json"])
def test_an_altered_result_is_refused(tmp_path: Path, name: str) -> None:
    run = write_model(tmp_path / "run")
    path = run / name
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(UnfinishedError, match=f"{path.name}: altered since it was written"):
        load(run)


def test_steps_that_do_not_fit_each_other_are_refused(tmp_path: Path) -> None:
    run = write_model(tmp_path / "run")
    clips = begin(run, "annotations") / "clips.parquet"
    clips.write_bytes(b"clips")
    begin(run, "cache", clips=manifest.sha256_file(clips))
    load(run)
    clips.write_bytes(b"others")
    with pytest.raises(UnfinishedError, match="'cache', which does not: clips were changed since"):
        load(run)
    shutil.rmtree(run / "annotations")
    load(run)


def test_a_folder_that_learned_from_poses_of_files_needs_no_stage_1(tmp_path: Path) -> None:
    run = write_model(tmp_path / "run")
    path = run / "stage2" / "classifier.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    values["recipe"]["pose"]["sha256"] = ""
    path.write_text(json.dumps(values), encoding="utf-8")
    vouch(run)
    (run / "stage1" / "manifest.json").unlink()
    load(run)


def test_other_drawing_is_refused_and_unknown_one_told(tmp_path: Path) -> None:
    (told,) = load(write_model(tmp_path / "older"))
    assert told.startswith(str(tmp_path / "older")) and "was not checked" in told
    signed = replace(RECIPE, fingerprint=fingerprint.of(RECIPE))
    assert load(write_model(tmp_path / "signed", signed)) == ()
    other = write_model(tmp_path / "other", replace(RECIPE, fingerprint="0" * 64))
    with pytest.raises(FingerprintError, match="the same tensor must be made as in training"):
        load(other)
    (tmp_path / "clip.mp4").touch()
    table = tmp_path / "rows.csv"
    done = call("infer.py", tmp_path / "clip.mp4", "--run", other, "--out", table)
    assert done.returncode == 2 and "the same tensor must be made" in done.stdout
    assert not table.exists()


def change_samples(run: Path) -> None:
    with (run / "annotations" / "samples.jsonl").open("ab") as file:
        file.write(b"\n")
    found = manifest.read(run / "annotations")
    assert found is not None
    files = [run / "annotations" / name for name in found["outputs"]]
    manifest.write(run / "annotations", recipe={}, inputs={}, outputs=files)


def make_the_cache_anew(run: Path) -> None:
    found = manifest.read(run / "cache")
    assert found is not None
    found["counts"]["classes"].reverse()
    (run / "cache" / "manifest.json").write_text(json.dumps(found), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_samples, "'(stage1|cache)', which does not: samples were changed since"),
        (make_the_cache_anew, "'stage2', which does not: the cache was made again since"),
        *(
            (lambda run, step=step: (run / step / "manifest.json").unlink(), f"'{step}', which is")
            for step in STEPS
        ),
    ],
    ids=["samples", "cache", *STEPS],
)
def test_a_real_run_is_refused_where_package_refuses_it(
    tiny_run: Path, tmp_path: Path, change: Callable[[Path], None], message: str
) -> None:
    run = copy_of(tiny_run, tmp_path)  # without its data: what is gone is no reason
    assert PicturePredictor(run, engine="onnxruntime", threads=1).notes == ()
    change(run)
    for use in (PicturePredictor, Classifier):
        with pytest.raises(UnfinishedError, match=message):
            use(run, engine="onnxruntime", threads=1)
    done = call("train.py", "package", "--run", run, "--out", tmp_path / "model")
    assert done.returncode == 2, done.stdout


def test_a_run_and_its_package_know_how_they_draw(tiny_run: Path, tmp_path: Path) -> None:
    done = call("train.py", "package", "--run", tiny_run, "--out", tmp_path / "model")
    assert done.returncode == 0, done.stdout
    for folder in (tiny_run, tmp_path / "model"):
        loaded = PicturePredictor(folder, engine="onnxruntime", threads=1)
        assert loaded.recipe.fingerprint == fingerprint.of(loaded.recipe)
        assert open_model(folder).packaged == (folder != tiny_run)
