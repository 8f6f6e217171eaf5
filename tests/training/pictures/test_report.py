"""The page of hand-made runs on pictures: what it shows, leaves out, and that it stays small."""

import base64
import csv
import dataclasses
import json
import os
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pose_activity.annotations.cleaning import clean
from pose_activity.annotations.sample_files import read_samples, write_samples
from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses, Sample, no_people
from pose_activity.artifacts import atomic, manifest
from pose_activity.cache import store
from pose_activity.cache.options import PersonView
from pose_activity.cache.planes import Recipe
from pose_activity.cache.record import by_name
from pose_activity.cache.tensor_spec import TensorSpec
from pose_activity.configs import reading
from pose_activity.configs.pictures import PictureRun, Stage1
from pose_activity.configs.sections import Split
from pose_activity.learning.history import Epoch, History
from pose_activity.stage2_classifier import predict
from pose_activity.stage2_classifier.scores.evaluate import evaluate
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training.pictures import (
    card,
    judge,
    precision,
    report,
    report_labels,
    report_poses,
)
from pose_activity.training.pictures.report_errors import maps_of
from pose_activity.training.report_page import facts, html
from pose_activity.training.report_page.images import Tile
from tests.html_reader import Reader
from tests.inference import view_model

HIDDEN = {"hide_faces": True}
CLASSES = ("reading", "riding_a_<bike>", "walking")


@pytest.fixture
def run(tmp_path: Path) -> PictureRun:
    """A finished run without poses, its folder written by hand: 3 classes, 2 pictures each."""
    folder = tmp_path / "a_run"
    samples = []
    for number in range(6):
        path = tmp_path / "photos" / f"photo_{number}.png"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), np.full((40, 60, 3), 40 * number, np.uint8))
        boxes, keypoints, heads = no_people(COCO17)
        split = "train" if number < 3 else "test"
        activity = CLASSES[number % 3]
        samples.append(
            Sample(path, (60, 40), COCO17, boxes, keypoints, heads, activity, split=split)
        )
    recipe = Recipe(planes=("rgb",), width=32, height=32)
    sources = [TensorSpec(s.image, s.activity or "", s.split or "", None) for s in samples]
    store.build(folder / "cache", sources, recipe=recipe, classes=CLASSES, inputs={})
    write_samples(folder / "annotations" / "samples.jsonl", samples)
    rules = {**dict.fromkeys(clean.RULES, 0), "outside": clean.NOT_CHECKED}
    counts = {"entries": 7, "with_keypoints": 0, "with_activity": 6, "kept": 6}
    _write_json(folder / "annotations" / "cleaning.json", {**counts, "rules": rules})
    _write_json(folder / "versions.json", {"python": "3.11.0", "packages": {"openvino": None}})
    for step, seconds in (("annotations", 2.0), ("stage2", 300.0)):
        (folder / step).mkdir(exist_ok=True)
        manifest.write(folder / step, recipe={}, inputs={}, seconds=seconds)
    asked = PictureRun.model_validate(
        {
            "run_dir": folder,
            "data": {"format": "folder", "images": tmp_path / "photos"},
            "stage1": {"train": False},
            "cache": {"planes": ["rgb"]},
        }
    )
    (folder / "config.yaml").write_text(reading.dump(asked), encoding="utf-8")
    return asked


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def _photos(run: PictureRun) -> list[Path]:
    return sorted((run.run_dir.parent / "photos").iterdir())


def _answers(run: PictureRun, probabilities: np.ndarray, persons: Any = -1) -> Predictions:
    entries = store.open_cache(run.run_dir / "cache").of_split("test")
    return Predictions(
        split="test",
        classes=CLASSES,
        images=tuple(entry.source for entry in entries),
        persons=np.broadcast_to(persons, 3),
        labels=np.arange(3),
        probabilities=probabilities,
    )


def _write(run: PictureRun, answers: Predictions) -> Reader:
    scores = judge.score(answers, 1.0)
    path = run.run_dir / "report" / "report.html"
    cache = store.open_cache(run.run_dir / "cache")
    html.write_page(path, report.page_facts(run, cache, answers, scores, None))
    reader = Reader(path.read_text(encoding="utf-8"))
    reader.assert_whole()
    return reader


WRONG_ONCE = np.array([[0.6, 0.3, 0.1], [0.9, 0.05, 0.05], [0.1, 0.2, 0.7]], np.float32)


def test_a_run_without_poses_shows_what_it_has(run: PictureRun) -> None:
    metrics = {"loss": 2.0, "accuracy": 0.3, "val_loss": 1.5, "val_accuracy": 0.5}
    history = History((Epoch(0, "head", 1e-3, metrics, 60.0),))
    history.write(run.run_dir / "stage2" / "history.csv")
    found = _write(run, _answers(run, WRONG_ONCE))
    for text in (
        "66.7 %",
        "accuracy on 3 pictures of the split test; 95 % interval ",
        "the pictures were drawn anew a thousand times",
        "Precision over recall",
        "The labels have no joints.",
        "not checked",
        "riding_a_<bike>",
        "1 of 1 wrong predictions",
        "2 of 2 right predictions, the least confident first",
        "Labels to look at",
        "reading (0.90)true class: riding_a_<bike> (0.05)photo_4.png",
        "1 epoch in 1.0 minutes",
        "planes rgb",
        "5.0 min",
        "not installed",
    ):
        assert text in found.words, text
    assert "Stage 1: poses" not in found.words and "bike" not in found.tags
    assert found.tags.count("img") == 3, "a mistake, and two right answers"


def test_pictures_that_stage_1_has_seen_are_told(run: PictureRun) -> None:
    folder = run.run_dir / "annotations"
    kept = read_samples(folder / "samples.jsonl")
    own = [
        dataclasses.replace(s, split="train" if s.image.stem != "photo_5" else "val") for s in kept
    ]
    write_samples(folder / "stage1.jsonl", own)
    stage1 = Stage1(split=Split(), keep_apart=False)
    answers = _answers(run, np.eye(3)[[0, 1, 2]])
    found = _write(run.model_copy(update={"stage1": stage1}), answers)
    note = "Stage 1 has seen 3 of the 3 pictures of test: it was trained on 2 and its epochs were"
    assert note in found.words and "Stage 1 has seen" not in _write(run, answers).words


def test_stage_1_beside_its_start_and_on_what_it_has_seen(run: PictureRun) -> None:
    figures = {"pckh50": 0.8, "oks_map": 0.7}
    metrics = {
        "split": "test",
        "pckh50": 0.75,
        "oks_map": 0.6,
        "pckh50_per_joint": {"left_knee": 0.25},
        "pckh50_derived_per_joint": {"pelvis": 0.5},
        "seen": {"n": 200, "pckh50": 0.95, "oks_map": None},
        "compared": {
            "images": 40,
            "split": "val",
            "joints": ["left_knee", "nose"],
            "start": figures,
            "result": figures | {"oks_map": 0.65},
            "falls": ["OKS mAP 0.700 -> 0.650"],
        },
    }
    blocks = report_poses.compared_blocks(metrics)
    texts = [block.text for block in blocks if isinstance(block, facts.Prose)]
    assert "the same 40 pictures of val, on the 2 joints" in texts[0]
    assert texts[1] == "Training made the poses worse: OKS mAP 0.700 -> 0.650."
    tables = [block for block in blocks if isinstance(block, facts.Table)]
    assert tables[0].rows == [("PCKh@0.5", 0.8, 0.8), ("OKS mAP", 0.7, 0.65)]
    seen = report_poses.seen_blocks(run, metrics)
    assert [b.rows for b in seen if isinstance(b, facts.Table)] == [[("PCKh@0.5", 0.95, 0.75)]]
    assert any("WARNING" in block.text for block in seen if isinstance(block, facts.Prose))
    assert report_poses.joint_rows(metrics) == [("pelvis (derived)", 0.5), ("left_knee", 0.25)]
    assert report_poses.compared_blocks({}) == [] and report_poses.seen_blocks(run, {}) == []


def test_without_mistakes_history_and_pictures(run: PictureRun) -> None:
    found = _write(run, _answers(run, np.eye(3, dtype=np.float32)))
    assert "No prediction was wrong." in found.words and "minutes. Kept" not in found.words
    for path in _photos(run):
        path.unlink()
    found = _write(run, _answers(run, WRONG_ONCE))
    assert "the picture cannot be read" in found.words and "img" not in found.tags


def test_augmentations_are_shown_when_they_are_there(run: PictureRun) -> None:
    picture = np.zeros((20, 30, 3), np.uint8)
    cv2.imwrite(str(run.run_dir / "stage2" / "augmentations.png"), picture)
    assert "augmentations" in _write(run, _answers(run, np.eye(3, dtype=np.float32))).words


def test_people_are_counted_and_named(run: PictureRun, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = _answers(run, WRONG_ONCE, np.array([0, 2, 1]))
    boxes = np.array([[0, 0, 9, 9], [5, 5, 50, 30], [20, 5, 40, 35]], np.float32)
    keypoints = np.zeros((3, 17, 3), np.float32)
    scores = np.ones(3, np.float32)
    poses = {i: Poses(i, (60, 40), COCO17, boxes, scores, keypoints) for i in answers.images}
    monkeypatch.setattr(report, "_find_poses", lambda *_: poses)
    found = _write(run, answers)
    assert "accuracy on 3 persons of the split test" in found.words
    assert "accuracy on 3 persons of the split test; 95 % interval" in found.words
    assert "person 3 in the picture" in found.words


def _found(people: int, image: Path) -> Poses:
    boxes, keypoints = np.zeros((people, 4), np.float32), np.zeros((people, 17, 3), np.float32)
    keypoints[...] = [30, 20, 0.9]
    return Poses(image, (60, 40), COCO17, boxes, np.ones(people, np.float32), keypoints)


def test_stage_1_with_curves_joints_and_extremes(
    run: PictureRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = _photos(run)[:3]
    labels = [_labelled(image) for image in images]
    found = [_found(1, images[0]), _found(0, images[1]), _found(1, images[2])]
    monkeypatch.setattr(report_poses, "judged_poses", lambda *_: (found, labels))
    folder = run.run_dir / "stage1"
    metrics = {"split": "test", "n": 3, "n_people": 3, "n_joints": 51, "pckh50": 0.66}
    metrics |= {"pose_map50": 0.5, "pckh50_per_joint": {"left_knee": 0.25, "nose": 0.75}}
    _write_json(folder / "metrics.json", metrics)
    for round_, rows in ((1, 2), (2, 1)):
        (folder / f"round{round_}").mkdir()
        with (folder / f"round{round_}" / "results.csv").open(
            "w", newline="", encoding="utf-8"
        ) as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", " train/pose_loss", "val/pose_loss", "metrics/mAP50(P)"])
            writer.writerows([epoch + 1, 8.0, 9.0, 0.5] for epoch in range(rows))
    stage1 = run.stage1.model_copy(update={"train": True})
    blocks = report_poses.poses_section(run.model_copy(update={"stage1": stage1})).blocks
    text = "Measured on 3 pictures of test, with 3 people and 51 joints."
    assert isinstance(blocks[0], facts.Prose) and blocks[0].text.endswith(text)
    (charts,) = (block for block in blocks if isinstance(block, facts.Charts))
    titles = ("Pose loss", "On the validation pictures")  # no column of the boxes' loss
    assert [title in curve for title, curve in zip(titles, charts.drawn, strict=True)] == [
        True,
        True,
    ]
    (both,) = (block for block in blocks if isinstance(block, facts.SideBySide))
    scores, joints = (b for group in both.groups for b in group if isinstance(b, facts.Table))
    assert [*scores.rows] == [("PCKh@0.5", 0.66), ("pose mAP50", 0.5)]
    assert [row[:2] for row in joints.rows] == [("nose", 0.75), ("left knee", 0.25)]
    best, worst = (block.tiles for block in blocks if isinstance(block, facts.Tiles))
    assert [tile.file for tile in best] == ["photo_0.png", "photo_2.png"]
    assert [(tile.file, tile.title) for tile in worst] == [("photo_1.png", "OKS 0.00, PCKh 0.00")]


def _labelled(image: Path) -> Sample:
    keypoints = np.ones((1, 17, 3), np.float32) * np.array([30, 20, 1], np.float32)
    box = np.array([[10, 10, 50, 30]], np.float32)
    return Sample(image, (60, 40), COCO17, box, keypoints, np.full(1, 9, np.float32), split="test")


def test_joints_are_counted_by_picture() -> None:
    samples = [_labelled(Path("a")), _labelled(Path("b"))]
    both = report_labels.joint_blocks(samples)[-1]
    assert isinstance(both, facts.SideBySide)
    (table,) = both.groups[1]
    assert isinstance(table, facts.Table)
    assert [column.name for column in table.columns] == ["joint", "test"]
    assert table.rows[0] == ("nose", "1.00") and table.rows[-1] == ("all joints", "17.00")


def test_every_rule_of_the_cleaner_is_explained() -> None:
    assert set(report_labels.RULES) == set(clean.RULES)


def test_ten_thousand_classes_stay_usable(run: PictureRun) -> None:
    classes = tuple(f"class {i}" for i in range(10_000))
    answers = _answers(run, WRONG_ONCE)
    few = evaluate(WRONG_ONCE, answers.labels, classes=CLASSES, split="test")
    row = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 2}
    taken = {name: {classes[i - 1]: 1, name: 1} for i, name in enumerate(classes)}
    scores = dataclasses.replace(few, confusion=taken, per_class=dict.fromkeys(classes, row))
    cache = store.open_cache(run.run_dir / "cache")
    entries = tuple(dataclasses.replace(cache.entries[0], target=name) for name in classes)
    many = dataclasses.replace(cache, classes=classes, entries=entries)
    path = run.run_dir / "report.html"
    started = time.process_time()
    html.write_page(path, report.page_facts(run, many, answers, scores, None))
    assert time.process_time() - started < 10
    assert path.stat().st_size < 500_000
    words = Reader(path.read_text(encoding="utf-8")).words
    assert "The 60 of 10000 classes" in words and "The 200 of 10000 classes" in words
    assert "The 200 most frequent are shown" in words and "per_class.csv" in words


def test_names_that_are_not_utf8_leave_the_page_whole(run: PictureRun) -> None:
    path = run.run_dir / "annotations" / "cleaning.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    touched = {"unreadable": [os.fsdecode(b"caf\xe9.jpg")]}
    atomic.write_json(path, {**found, "touched": touched})
    assert "66.7 %" in _write(run, _answers(run, WRONG_ONCE)).words


def test_two_views_are_classified_and_shown(run: PictureRun, tmp_path: Path) -> None:
    """Somebody in the second of three pictures; the person's view is beside the picture."""
    folder = run.run_dir / "views"
    samples = read_samples(run.run_dir / "annotations" / "samples.jsonl")[3:]
    sources = [
        TensorSpec(s.image, s.activity or "", "test", _standing(n == 1, s.image))
        for n, s in enumerate(samples)
    ]
    store.build(folder, sources, recipe=view_model.RECIPE, classes=CLASSES, inputs={})
    cache = store.open_cache(folder)
    classifier = predict.load(view_model.write_classifier(tmp_path / "stage2"), threads=1)
    answers = judge.classify(classifier, cache, "test")
    for entry, row in zip(cache.entries, answers.probabilities, strict=True):
        batch = {name: array[None] for name, array in cache.load(entry).x.items()}
        assert np.array_equal(classifier(batch)[0], row)
    assert answers.probabilities.argmax(1).tolist()[::2] == [2, 2]  # nobody
    scores = evaluate(answers.probabilities, answers.labels, classes=CLASSES, split="test")
    section = {"planes": ["rgb"], "person_view": {"size": 48}}
    shown = {"cache": section, "stage2": {"linear": {}}}
    asked = PictureRun.model_validate({**run.model_dump(), **shown})
    poses = {source.image: source.poses for source in sources}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "_find_poses", lambda *_: poses)
        patch.setattr(report, "poses_section", lambda _: facts.Section("poses", "", "", []))
        found = report.page_facts(asked, cache, answers, scores, None)
        looked = report.page_facts(
            asked,
            cache,
            answers,
            scores,
            None,
            maps_of=lambda row: maps_of(classifier, cache, row, "test"),
        )
        noise = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
        patch.setattr(report, "try_load", lambda _: noise)
        shy = asked.model_copy(update={"report": asked.report.model_copy(update=HIDDEN)})
        seen = report.page_facts(asked, cache, answers, scores, None)
        hidden = report.page_facts(shy, cache, answers, scores, None, maps_of=lambda _: [noise])
    seen, hidden = ({tile.file: tile.source for tile in _tiles(page)} for page in (seen, hidden))
    changed = [file for file, picture in seen.items() if hidden[file] != picture]
    assert changed == ["photo_4.png"], "where somebody is; and no maps beside"
    assert found.subtitle.endswith("planes rgb, the person's rgb at 48 pixels")
    blocks = [block for section in found.sections for block in section.blocks]
    wide = {tile.file: _shape(tile.source) for tile in _tiles(found)}
    assert len(wide) == 3, "mistakes and hits"
    with_maps = {tile.file: _shape(tile.source) for tile in _tiles(looked)}
    sides = [view.width / view.height for view in view_model.RECIPE.views.values()]
    height, width = with_maps["photo_4.png"][:2]
    assert width / height == pytest.approx(
        sum(sides) / (sum(sides) * 40 / 102 + 1),
        rel=0.02,  # below the picture, of its width
    )
    assert wide["photo_4.png"] == (40, 102) and wide.get("photo_3.png", (40, 60)) == (40, 60)
    text = "with the people that the classifier was shown, and the person's view beside the"
    assert any(isinstance(block, facts.Prose) and text in block.text for block in blocks)


def _tiles(page_facts: facts.Facts) -> list[Tile]:
    blocks = (block for section in page_facts.sections for block in section.blocks)
    return [tile for block in blocks if isinstance(block, facts.Tiles) for tile in block.tiles]


def _standing(found: bool, image: Path) -> Poses:
    boxes = np.array([[10, 5, 30, 35]], np.float32)[: int(found)]
    keypoints = np.zeros((len(boxes), 17, 3), np.float32)
    return Poses(image, (60, 40), COCO17, boxes, np.ones(len(boxes), np.float32), keypoints)


def _shape(source: str | None) -> tuple[int, ...]:
    data = base64.b64decode((source or "").partition(",")[2])
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image.shape[:2]


def test_the_card_says_what_a_model_of_two_views_sees() -> None:
    view = PersonView(("rgb", "heatmap"), size=224)
    recipe = Recipe(("rgb",), person_view=view)
    assert card._how(recipe).endswith(
        "the classifier sees rgb at 640x480 pixels and a square around the most prominent person, "
        "rgb + heatmap at 224x224; where nobody is found, the whole picture again."
    )
    assert card._drawn_rows(recipe) == [
        ("person's view", "rgb + heatmap, 224x224, margin 0.125"),
        ("its person", "most prominent"),
        ("its heatmap", "skeleton, joints above 0.25"),
    ]
    assert card._drawn_rows(Recipe()) == [
        ("people shown", "centre and farthest"),
        ("heatmap", "skeleton, joints above 0.25"),
    ]


def test_int8_is_measured_on_arrays_by_name(run: PictureRun) -> None:
    sources = [TensorSpec(_photos(run)[0], "a", "train", _standing(True, Path("a")))]
    for recipe in (Recipe(width=32, height=32), view_model.RECIPE):
        folder = run.run_dir / "cache"
        store.build(folder, sources, recipe=recipe, classes=["a"], inputs={})
        (batch,) = precision._tensor_batches(run)
        shapes = {name: array.shape for name, array in by_name(batch).items()}
        assert shapes == {name: (1, *spec.shape) for name, spec in recipe.arrays.items()}
        assert {array.dtype for array in by_name(batch).values()} == {np.dtype(np.float32)}
