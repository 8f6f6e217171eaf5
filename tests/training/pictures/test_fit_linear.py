"""A whole run by stage2.linear from graphs that are there, with the packages of [quick] alone."""

import csv
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from packaging.requirements import Requirement

from pose_activity.cache.record import stack
from pose_activity.cache.store import open_cache
from pose_activity.configs.pictures import load
from pose_activity.runtime import calibrate
from pose_activity.stage2_classifier import predict
from pose_activity.stage2_classifier.frozen import features, fit, head
from pose_activity.stage2_classifier.frozen.layout import Layout
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training.pictures.fit_linear import find_backbone
from tests.inference.motion_model import write_pose
from tests.stage2_classifier.frozen.fakes import write_backbone

ROOT = Path(__file__).resolve().parents[3]
COLOURS = {"blue": (200, 60, 60), "green": (60, 200, 60), "grey": (120, 120, 120)}
IMPORTED_AS = {"ultralytics-opencv-headless": "ultralytics"}
TRAIN = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ModuleNotFoundError(f"{{name}} is blocked", name=name)

sys.meta_path.insert(0, Blocker())
from pose_activity import train
from pose_activity.annotations.cleaning import inspected
from pose_activity.cache.tensor_spec import TensorSpec
from pose_activity.stage1_pose.predict import PosePredictor
from pose_activity.stage2_classifier.frozen import features

counts = dict.fromkeys(("checked", "posed", "drawn", "vectors"), 0)

def counted(name, call, number=lambda *given: 1):
    def count(*given, **named):
        counts[name] += number(*given)
        return call(*given, **named)
    return count

inspected.check_image = counted("checked", inspected.check_image)
posed = counted("posed", PosePredictor.__call__, lambda _, images, paths: len(images))
PosePredictor.__call__ = posed
TensorSpec.draw = counted("drawn", TensorSpec.draw)
features.vector = counted("vectors", features.vector)
for step in ("annotations", "stage1", "cache", "stage2", "report"):
    train.app([step, "--config", {config!r}], standalone_mode=False)
loaded = [name for name in {blocked} if name in sys.modules]
assert not loaded, loaded
print(*(f"{{name}}={{count}}" for name, count in counts.items()))
"""
CONFIG = """
run_dir: {folder}/run
data: {{format: folder, images: {folder}/photos, near_duplicates: false}}
split: {{train: 0.6, val: 0.2, test: 0.2}}
stage1: {{train: false, graph: {folder}/stage1}}
cache: {{planes: [rgb], width: 64, height: 48, person_view: {{size: 32, joints: true}}}}
stage2: {{weights: {folder}/backbone.onnx, linear: {{folds: 3}}}}
"""


def not_in_quick() -> list[str]:
    """Returns the modules that training may import and the extra [quick] does not bring."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    names = {extra: {Requirement(line).name for line in extras[extra]} for extra in extras}
    others = names["train"] - names["quick"] - {project["name"]}
    # scikit-learn looks whether pandas is there, and needs cloudpickle by joblib.
    return sorted(IMPORTED_AS.get(name, name) for name in others - {"pandas", "cloudpickle"})


def draw(folder: Path, numbers: range) -> None:
    rng = np.random.default_rng(numbers.start)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in numbers:
            picture = np.clip(rng.normal(colour, 25, (96, 128, 3)), 0, 255).astype(np.uint8)
            picture[20:80, 30:60] = (0, 0, 250)
            cv2.imwrite(str(folder / name / f"{number}.png"), picture)


def train(folder: Path, config: str = "config.yaml") -> str:
    program = TRAIN.format(blocked=not_in_quick(), config=str(folder / config))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, encoding="utf-8", cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return " ".join(done.stdout.split())


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, list[str]]:
    """A run that was trained, again with more pictures, and again with another split."""
    folder = tmp_path_factory.mktemp("quick")
    write_pose(folder / "stage1")
    write_backbone(folder / "backbone.onnx")
    (folder / "config.yaml").write_text(CONFIG.format(folder=folder), encoding="utf-8")
    draw(folder / "photos", range(10))
    said = [train(folder)]
    draw(folder / "photos", range(10, 12))
    said.append(train(folder))
    shutil.copytree(folder / "run", folder / "other")
    config = CONFIG.replace("/run\n", "/other\n").replace("0.6, val: 0.2", "0.5, val: 0.3")
    (folder / "other.yaml").write_text(config.format(folder=folder), encoding="utf-8")
    return folder, [*said, train(folder, "other.yaml")]


def test_it_needs_no_training_library_and_learns(trained: tuple[Path, list[str]]) -> None:
    folder, _ = trained
    assert {"torch", "tensorflow", "ultralytics"} < {*not_in_quick()}
    metrics = json.loads((folder / "run/report/metrics.json").read_text(encoding="utf-8"))
    assert metrics["accuracy"] > 0.8
    about = json.loads((folder / "run/stage2/classifier.json").read_text(encoding="utf-8"))
    assert about["parity"] <= 1e-5 and about["fitted_on"] == 29


def test_more_pictures_are_looked_at_alone(trained: tuple[Path, list[str]]) -> None:
    """A vector more is of the picture that shows nothing."""
    _, (first, second, _) = trained
    assert "held-out pictures changed" not in first
    assert "answers to held-out pictures changed" in second
    assert "checked=30 posed=30 drawn=30 vectors=31" in first
    assert "checked=6 posed=6 drawn=6 vectors=7" in second


def test_another_split_looks_at_no_picture(trained: tuple[Path, list[str]]) -> None:
    _, (*_, third) = trained
    assert "checked=0 posed=0 drawn=0 vectors=1" in third


def test_changed_answers_are_listed(trained: tuple[Path, list[str]]) -> None:
    folder, _ = trained
    with (folder / "run/stage2/changed_answers.csv").open(encoding="utf-8") as file:
        assert next(csv.reader(file)) == ["image", "person", "label", "before", "after"]


def test_val_is_judged_by_a_head_that_did_not_learn_from_it(
    trained: tuple[Path, list[str]],
) -> None:
    """And the exported one did: it is what `fit_head` finds on train and val together."""
    folder, _ = trained
    run = load(folder / "config.yaml")
    cache, stage2 = open_cache(folder / "run/cache"), folder / "run/stage2"
    entries = [*cache.of_split("train"), *cache.of_split("val")]
    ids = np.array([cache.class_id(entry) for entry in entries])
    vectors = features.find(
        cache.folder / features.FILE,
        cache,
        [features.Wanted(entry) for entry in entries],
        backbone=folder / "backbone.onnx",
        threads=1,
    )
    chosen = json.loads((stage2 / "manifest.json").read_text(encoding="utf-8"))["counts"]
    everything = fit.fit_head(
        vectors,
        ids,
        classes=len(cache.classes),
        joints=Layout.of(cache.recipe).joints,
        C=chosen["C"],
        joint_weight=chosen["joint_weight"],
    )
    exported = predict.load(stage2, threads=1)
    batch = stack([cache.load(entry).x for entry in entries])
    expected = calibrate.apply(everything.probabilities(vectors), exported.temperature)
    np.testing.assert_allclose(exported(batch), expected, atol=1e-4)

    apart = head.load(stage2).probabilities(vectors)
    told = Predictions.read(stage2 / "held_out.parquet").probabilities
    val = len(cache.of_split("val"))
    np.testing.assert_allclose(told[-val:], apart[-val:], atol=1e-6)
    assert np.abs(apart - everything.probabilities(vectors)).max() > 1e-4
    found = json.loads((folder / "run/report/metrics_val.json").read_text(encoding="utf-8"))
    assert found["n"] == val and run.report.split == "test"


def test_features_of_several_networks_stand_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    config = CONFIG.replace("{{folds: 3}}", "{{also: [efficientnet_lite1]}}")
    config = config.replace("weights: {folder}/backbone.onnx", "weights: imagenet")
    (tmp_path / "config.yaml").write_text(config.format(folder=tmp_path), encoding="utf-8")
    graph = onnx.load(find_backbone(load(tmp_path / "config.yaml"))).graph
    assert graph.output[0].type.tensor_type.shape.dim[3].dim_value == 2 * 1280
