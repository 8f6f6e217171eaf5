"""A report that shards have answered for is, byte for byte, the one of the undivided step."""

import json
from functools import partial
from typing import Any

import numpy as np
import pytest

from pose_activity.artifacts.removal import remove_tree
from pose_activity.artifacts.shards import PartsMissingError, Shard, shards
from pose_activity.cache.store import open_cache
from pose_activity.configs.pictures import PictureRun, load
from pose_activity.stage2_classifier.frozen import features
from pose_activity.training.pictures import answers, judge_features, report
from pose_activity.training.shards import collect, make_part
from pose_activity.training.steps import run_step
from tests.folder_content import content_of
from tests.inference.motion_model import write_pose
from tests.stage2_classifier.frozen.fakes import write_backbone
from tests.training.pictures.test_fit_linear import CONFIG, draw

STEPS = ("annotations", "stage1", "cache", "stage2")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> PictureRun:
    """A run up to its classifier: a linear head, which is a graph too."""
    folder = tmp_path_factory.mktemp("answers")
    write_pose(folder / "stage1")
    write_backbone(folder / "backbone.onnx")
    (folder / "config.yaml").write_text(CONFIG.format(folder=folder), encoding="utf-8")
    draw(folder / "photos", range(10))
    run = load(folder / "config.yaml")
    for step in STEPS:
        run_step(run, step)
    return run


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the classifier be one without features and folds, as a trained network is."""
    for module in (answers, judge_features):
        monkeypatch.setattr(module, "is_head", lambda _: False)
    monkeypatch.setattr(answers, "HELD_OUT", "absent")
    monkeypatch.setattr(report, "_by_folds", lambda *_: None)


def whole(run: PictureRun) -> dict[str, bytes]:
    remove_tree(run.run_dir / "report")
    run_step(run, "report")
    return content_of(run.run_dir / "report")


def merged(run: PictureRun, count: int) -> dict[str, bytes]:
    remove_tree(run.run_dir / "report")
    for shard in shards(count):
        make_part(run, "report", shard)
        make_part(run, "report", shard)  # finished: nothing is asked
    run_step(run, "report", parts=partial(collect, count=count))
    return content_of(run.run_dir / "report")


def test_features_are_computed_by_shards(run: PictureRun, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = run.run_dir / "cache" / features.FILE
    before = kept.read_bytes()
    expected, with_test = whole(run), kept.read_bytes()
    kept.write_bytes(before)
    seen, vector = [], features.vector

    def count(arrays: Any, *given: Any) -> np.ndarray:
        seen.append(arrays)
        return vector(arrays, *given)

    monkeypatch.setattr(features, "vector", count)
    assert merged(run, 4) == expected
    assert kept.read_bytes() == with_test
    tested = len(open_cache(run.run_dir / "cache").of_split("test"))
    assert len(seen) == tested + 1  # and that of a picture which shows nothing
    seen.clear()
    remove_tree(run.run_dir / "report")
    make_part(run, "report", Shard(1, 1))
    assert not seen  # the features are there


@pytest.mark.usefixtures("network")
def test_a_network_is_asked_by_shards(run: PictureRun, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = whole(run)
    calls, ask = [], answers.predict.Classifier.__call__

    def count(self: Any, planes: Any) -> np.ndarray:
        calls.append(planes)
        return ask(self, planes)

    monkeypatch.setattr(answers.predict.Classifier, "__call__", count)
    assert merged(run, 20) == expected  # some shards have no picture
    splits = [len(open_cache(run.run_dir / "cache").of_split(name)) for name in ("test", "val")]
    inputs = len(answers.input_worth.parts_of(open_cache(run.run_dir / "cache").recipe))
    assert len(calls) == splits[0] * (1 + 2 * inputs) + splits[1]  # each once


def test_parts_of_another_classifier_are_refused(run: PictureRun) -> None:
    remove_tree(run.run_dir / "report")
    with pytest.raises(PartsMissingError, match="Missing: 1, 2"):
        run_step(run, "report", parts=partial(collect, count=2))
    changed = load(run.run_dir.parent / "config.yaml", ["report.input_images=3"])
    make_part(run, "report", Shard(1, 2))
    make_part(changed, "report", Shard(2, 2))
    with pytest.raises(ValueError, match=r"does not fit.*input_images.*Make shard 2/2 again"):
        run_step(run, "report", parts=partial(collect, count=2))


def test_an_older_report_is_replaced(run: PictureRun) -> None:
    whole(run)
    changed = load(run.run_dir.parent / "config.yaml", ["report.input_images=3"])
    for shard in shards(2):
        make_part(changed, "report", shard)
    run_step(changed, "report", parts=partial(collect, count=2))
    metrics = json.loads((run.run_dir / "report" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["inputs"]["n"] == 3
    assert not (run.run_dir / "report" / "parts").exists()
