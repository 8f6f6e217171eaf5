"""A run on body parts up to its cache, and its report of a network made by hand; bad inputs.

The training itself is slow: the tests at the end.
"""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest

from pose_activity.annotations.images import write_image
from pose_activity.annotations.parts import LIP20, PARTS7, PARTS9, PARTS15, PASCAL7, PERSON
from pose_activity.annotations.types import PartSample
from pose_activity.artifacts import manifest
from pose_activity.artifacts.lock import is_locked
from pose_activity.cache.store import open_cache
from pose_activity.configs.sections import ConfigError
from pose_activity.stage1_parts import predict
from pose_activity.training import kinds
from pose_activity.training.own_files import files_of_step
from pose_activity.training.package import make_package
from pose_activity.training.parts import report
from pose_activity.training.parts.feature_maps import draw_maps, feature_maps
from pose_activity.training.parts.judge import common_scheme
from pose_activity.training.parts.labels import draw_data_set
from pose_activity.training.parts.steps import samples_of
from pose_activity.training.steps import run_step, steps_of
from tests.commands import ROOT, call
from tests.inference.parts.parts_model import scene, write_parts

TEXT = """
run_dir: {folder}/run
parts: {{images: {folder}/data, scheme: parts9{more}}}
split: {{train: 4, val: 2, test: 2}}
cache: {{width: 64, height: 48}}
report: {{layers: 0}}
"""


def write_data(folder: Path, count: int = 8) -> None:
    for i in range(count):
        image, mask = scene()
        image = np.roll(image, 3 * i, axis=1)
        write_image(folder / "images" / f"{i}.png", image)
        (folder / "masks").mkdir(exist_ok=True)
        cv2.imwrite(str(folder / "masks" / f"{i}.png"), np.roll(mask, 3 * i, axis=1))


def load(folder: Path, more: str = "", overrides: tuple[str, ...] = ()) -> Any:
    (folder / "x.yaml").write_text(TEXT.format(folder=folder, more=more), encoding="utf-8")
    return kinds.load(folder / "x.yaml", overrides)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data" / "images").mkdir(parents=True)
    write_data(tmp_path / "data")
    return tmp_path


def test_a_run_by_hand(folder: Path) -> None:
    """From masks to a report and a package, with a network that was not trained."""
    run = load(folder)
    for step in ("annotations", "cache"):
        run_step(run, step)
    cache = open_cache(run.run_dir / "cache")
    example = cache.load(cache.of_split("train")[0], verify=True)
    y = np.asarray(example.y)
    assert example.x.shape == (48, 64, 3) and y.shape == (48, 64)
    assert {*np.unique(y)} == {0, 1, PARTS9.index("torso")}
    stage2 = write_parts(run.run_dir / "stage2", cache.recipe)
    outputs = [stage2 / "parts.onnx", stage2 / "parts.json"]
    step = {step.name: step for step in steps_of(run)}["stage2"]
    asked = step.made_from()
    manifest.write(stage2, recipe=asked.recipe, inputs=asked.inputs, outputs=outputs)
    run_step(run, "report")
    found = json.loads((run.run_dir / "report" / "metrics.json").read_text(encoding="utf-8"))
    assert found["miou"] > 0.9 and found["n"] == 2 and found["body_recall"] > 0.9
    with (run.run_dir / "report" / "images.csv").open(encoding="utf-8", newline="") as file:
        assert len([*csv.DictReader(file)]) == 2
    page = (run.run_dir / "report" / "report.html").read_text(encoding="utf-8")
    for said in ("Worst images", "Confusion between parts", "torso", "body recall"):
        assert said in page
    assert report.comparison(run)["miou"] == found["miou"]
    run_step(run, "report")  # up to date
    moved = run.run_dir.rename(folder / "moved")
    assert all(s.mask.is_file() for s in samples_of(run.model_copy(update={"run_dir": moved})))
    make_package(run.model_copy(update={"run_dir": moved}), folder / "model")
    card = (folder / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "mean intersection over union" in card and "parts.onnx" in card
    kept = files_of_step(moved / "annotations", "annotations")
    assert moved / "annotations" / "samples.jsonl" in kept


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("size", "other_size: 1"),
        ("unknown", "unknown_mask: 1"),
        ("missing", "no_mask: 1"),
        ("damaged", "unreadable: 1"),
    ],
)
def test_one_bad_image_is_left_out_and_named(folder: Path, damage: str, said: str) -> None:
    mask, image = folder / "data" / "masks" / "3.png", folder / "data" / "images" / "3.png"
    if damage == "size":
        cv2.imwrite(str(mask), np.ones((50, 128), np.uint8))
    elif damage == "unknown":
        ids = np.full((96, 128), 77, np.uint8)
        ids[:, :13] = 1
        cv2.imwrite(str(mask), ids)  # in 90 % of its pixels
    elif damage == "missing":
        mask.unlink()
    else:
        image.write_bytes(b"no picture")
    run = load(folder, overrides=("split.train=0.6", "split.val=0.2", "split.test=0.2"))
    run_step(run, "annotations")
    rules = json.loads((run.run_dir / "annotations" / "cleaning.json").read_text("utf-8"))["rules"]
    name, count = said.split(": ")
    assert rules[name] == int(count) and len(samples_of(run)) == 7
    assert "3.png" in (run.run_dir / "annotations" / "rejections.csv").read_text("utf-8")


def test_one_mask_without_anybody_is_kept_and_counted(folder: Path) -> None:
    cv2.imwrite(str(folder / "data" / "masks" / "3.png"), np.zeros((96, 128), np.uint8))
    run = load(folder)
    run_step(run, "annotations")
    rules = json.loads((run.run_dir / "annotations" / "cleaning.json").read_text("utf-8"))["rules"]
    assert rules["no_person"] == 1 and len(samples_of(run)) == 8


def test_masks_without_anybody_are_refused(folder: Path) -> None:
    for path in (folder / "data" / "masks").iterdir():
        cv2.imwrite(str(path), np.zeros((96, 128), np.uint8))
    with pytest.raises(ValueError, match="Nobody is in any of the 2 masks of test"):
        run_step(load(folder), "annotations")


def test_no_usable_image_says_why(folder: Path) -> None:
    for path in (folder / "data" / "masks").iterdir():
        cv2.imwrite(str(path), np.full((96, 128), 99, np.uint8))
    with pytest.raises(ValueError, match=r"Not one of the 8 images.*unknown_mask: 8.*parts9"):
        run_step(load(folder), "annotations")


def test_a_colour_table_with_a_colour_twice(folder: Path) -> None:
    table = "name,red,green,blue\nbackground,0,0,0\nhead,1,2,3\ntorso,1,2,3\n"
    (folder / "c.csv").write_text(table, encoding="utf-8")
    with pytest.raises(ValueError, match="head.*torso|torso.*head"):
        run_step(load(folder, f", colours: {folder}/c.csv"), "annotations")


def test_archives_with_pickled_objects_are_never_loaded(folder: Path) -> None:
    np.savez(folder / "data" / "a.npz", images=np.array([{}], object), masks=np.array([{}], object))
    with pytest.raises(ValueError, match="pickled"):
        run_step(load(folder, ", format: archives"), "annotations")


def test_the_test_set_by_a_pattern(folder: Path) -> None:
    run = load(folder, ", test_pattern: '^[67]'")
    run_step(run, "annotations")
    test = [sample.image.stem for sample in samples_of(run) if sample.split == "test"]
    assert sorted(test) == ["6", "7"]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("cache.planes=[rgb, bones]",), "add the section stage1"),
        (("parts.format=people3d", "parts.masks=x"), "takes no masks"),
        (("parts.every=2",), "takes no every"),
        (("split.test=0",), "report.split 'test' needs split.test > 0"),
        (("stage2.los=dice",), "Did you mean 'loss'"),
        (("cache.scheme=parts8",), "parts7"),
    ],
)
def test_wrong_settings_are_said_at_once(folder: Path, overrides: tuple, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        load(folder, overrides=overrides)


def test_missing_folders_are_said_before_anything(folder: Path) -> None:
    run = load(folder, f", masks: {folder}/nowhere")
    with pytest.raises(ConfigError, match=r"parts\.masks: no such file or folder"):
        kinds.check_paths(run, ["annotations"])


def test_drawn_people_are_drawn_once(folder: Path) -> None:
    texts = ("draw.folder", "parts.images")
    settings = [f"{name}={folder}/drawn" for name in texts]
    settings += ["draw.images=3", "draw.width=64", "draw.height=64", "parts.scheme=parts15"]
    run = load(folder, overrides=tuple(settings))
    for _ in range(2):
        draw_data_set(run.draw, run.seed)
    assert len([*(folder / "drawn" / "masks").iterdir()]) == 3


def test_scores_are_of_classes_that_labels_and_network_share() -> None:
    def of(*schemes):
        return [PartSample(Path(str(i)), Path("m"), one) for i, one in enumerate(schemes)]

    assert common_scheme(PARTS15, of(PASCAL7)) == PASCAL7
    assert common_scheme(PARTS9, of(PARTS15)) == PARTS9
    assert common_scheme(PARTS15, of(PARTS9, PARTS7)) == PARTS7
    assert common_scheme(PARTS15, of(LIP20)) == PERSON


def test_feature_maps_of_a_graph(tmp_path: Path) -> None:
    text = """
<ir_version: 8, opset_import: ["" : 17]>
net (float[B,8,8,3] planes) => (float[B,2,8,8] out) {
    weights = Constant <value = float[2,3,1,1] {1, 0, 0, 0, 0, 1}> ()
    second = Constant <value = float[2,2,1,1] {1, 1, 1, -1}> ()
    turned = Transpose <perm = [0, 3, 1, 2]> (planes)
    early = Conv (turned, weights)
    out = Conv (early, second)
}
"""
    onnx.save(onnx.parser.parse_model(text), str(tmp_path / "parts.onnx"))
    planes = np.random.default_rng(0).integers(0, 255, (8, 8, 3)).astype(np.uint8)
    ((name, maps),) = feature_maps(tmp_path / "parts.onnx", planes, ("early",))
    assert name == "early"
    np.testing.assert_allclose(maps, planes[..., [0, 2]].transpose(2, 0, 1), atol=1e-3)
    assert [name for name, _ in feature_maps(tmp_path / "parts.onnx", planes, 2)] == [
        "early",
        "out",
    ]
    assert draw_maps(maps).shape == (100, 200, 3)
    with pytest.raises(ValueError, match=r"\['middle'\].*early"):
        feature_maps(tmp_path / "parts.onnx", planes, ("middle",))


@pytest.mark.slow
def test_a_whole_run(folder: Path) -> None:
    """As a user calls it, with a small network from nothing; then a prediction."""
    load(folder)
    small = ["stage2.model=unet", "stage2.weights=none", "stage2.epochs=2", "stage2.batch=2"]
    settings = [part for item in small for part in ("--set", item)]
    done = call("train.py", "all", "--config", folder / "x.yaml", *settings)
    assert done.returncode == 0, done.stdout + done.stderr
    run = folder / "run"
    out = folder / "rows.csv"
    images = folder / "data" / "images"
    done = call("infer.py", images, "--run", run, "--out", out, "--draw", folder / "drawn")
    assert done.returncode == 0, done.stdout + done.stderr
    with out.open(encoding="utf-8", newline="") as file:
        assert len([*csv.DictReader(file)]) == 8
    assert len([*(folder / "drawn").glob("*.png")]) == 8
    shutil.rmtree(run / "report")
    done = call("train.py", "status", "--run", run)
    assert "report" in done.stdout and done.returncode == 1


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_a_training_that_is_stopped_and_killed_ends_as_an_undisturbed_one(folder: Path) -> None:
    small = ("stage2.model=unet", "stage2.weights=none", "stage2.epochs=8", "stage2.batch=2")
    runs = {name: f"run_dir={folder}/{name}" for name in ("whole", "disturbed")}
    for place in runs.values():
        run = load(folder, overrides=(*small, place))
        for step in ("annotations", "cache"):
            run_step(run, step)

    def command(name: str) -> list[str]:
        settings = [part for item in (*small, runs[name]) for part in ("--set", item)]
        return [sys.executable, "train.py", "stage2", "--config", str(folder / "x.yaml"), *settings]

    assert subprocess.run(command("whole"), cwd=ROOT, capture_output=True).returncode == 0
    disturbed = folder / "disturbed"
    for whole_epochs, name in ((1, "SIGTERM"), (3, "SIGKILL")):
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        start = {"cwd": ROOT, "start_new_session": True, **pipes}
        with subprocess.Popen(command("disturbed"), **start) as process:
            end = time.monotonic() + 240
            while _epochs_of(disturbed) < whole_epochs:
                assert process.poll() is None and time.monotonic() < end
                time.sleep(0.05)
            os.killpg(process.pid, getattr(signal, name))
            process.wait(60)
        assert process.returncode == (143 if name == "SIGTERM" else -signal.SIGKILL)
        assert not (disturbed / "stage2" / "parts.onnx").exists()
        assert whole_epochs <= _epochs_of(disturbed) < 8
        while is_locked(disturbed):
            assert time.monotonic() < end
            time.sleep(0.05)
    assert subprocess.run(command("disturbed"), cwd=ROOT, capture_output=True).returncode == 0
    rows = []
    for name in runs:
        with (folder / name / "stage2" / "history.csv").open(encoding="utf-8", newline="") as file:
            rows.append([{**row, "seconds": ""} for row in csv.DictReader(file)])
    assert rows[0] == rows[1] and len(rows[0]) == 8
    pixels = np.random.default_rng(0).integers(0, 255, (1, 48, 64, 3)).astype(np.uint8)
    one, other = (predict.load(folder / name / "stage2", threads=1)(pixels) for name in runs)
    np.testing.assert_allclose(one, other, atol=1e-6)


def _epochs_of(run: Path) -> int:
    """Returns how many whole epochs an unfinished training has."""
    found = [*(run / "stage2").rglob("history.csv")]
    return len(found[0].read_text(encoding="utf-8").splitlines()) - 1 if found else 0
