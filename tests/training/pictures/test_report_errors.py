"""Where a classifier of pictures fails, by hand."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses
from pose_activity.stage2_classifier.scores.predictions import Predictions
from pose_activity.training.pictures import report_errors
from pose_activity.training.report_page import facts

IMAGES = tuple(Path(f"{name}.jpg") for name in "abcd")
PREDICTIONS = Predictions(
    split="test",
    classes=("sit", "walk"),
    images=IMAGES,
    persons=np.full(4, -1),
    labels=np.array([0, 0, 1, 0]),
    probabilities=np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9]], np.float32),
)


def _poses(*heights: float, confidence: float = 0.9) -> Poses:
    boxes = np.array([[0, 0, 10, height] for height in heights], np.float32).reshape(-1, 4)
    keypoints = np.ones((len(heights), 17, 3), np.float32)
    keypoints[..., 2] = confidence
    return Poses(IMAGES[0], (60, 40), COCO17, boxes, np.ones(len(heights), np.float32), keypoints)


POSES = {
    IMAGES[0]: _poses(),
    IMAGES[1]: _poses(8, confidence=0.4),
    IMAGES[2]: _poses(25, 9),
    IMAGES[3]: _poses(38, 5, 6, 7, 8),
}


def _shares(rows: list[report_errors.Row]) -> list[tuple[str, int, float]]:
    return [row[:3] for row in rows]


def test_by_people() -> None:
    rows = report_errors.by_people(PREDICTIONS, POSES)
    assert _shares(rows) == [
        ("nobody", 1, 1.0),
        ("one person", 1, 1.0),
        ("two people", 1, 1.0),
        ("three or more", 1, 0.0),
    ]
    assert rows[0][3] == "21 % to 100 %", "Wilson's, of one picture"
    unread = {image: poses for image, poses in POSES.items() if image != IMAGES[0]}
    assert "nobody" not in [row[0] for row in report_errors.by_people(PREDICTIONS, unread)]


def test_by_height_and_confidence_of_the_most_prominent_person() -> None:
    assert _shares(report_errors.by_height(PREDICTIONS, POSES)) == [
        ("below a quarter of the picture", 1, 1.0),
        ("half to three quarters", 1, 1.0),
        ("above three quarters", 1, 0.0),
    ]
    rows = report_errors.by_confidence(PREDICTIONS, POSES)
    assert _shares(rows) == [("0.25 to 0.5", 1, 1.0), ("above", 2, 0.5)]
    one_by_one = dataclasses.replace(PREDICTIONS, persons=np.array([-1, 0, 1, 2]))
    assert _shares(report_errors.by_height(one_by_one, POSES)) == [
        ("below a quarter of the picture", 3, pytest.approx(2 / 3))
    ]
    blocks = report_errors.breakdown_blocks(one_by_one, POSES)
    assert [b.text for b in blocks if isinstance(b, facts.Heading)] == [
        "Accuracy by the height of the person",
        "Accuracy by the confidence of the pose",
    ]


def test_suspects_of_several_splits(tmp_path: Path) -> None:
    val = dataclasses.replace(PREDICTIONS, split="val", images=tuple(map(Path, "wxyz")))
    found = report_errors.label_suspects([PREDICTIONS, val])
    assert [(s.image.name, s.split, s.label, s.suggested) for s in found] == [
        ("d.jpg", "test", "sit", "walk"),
        ("z", "val", "sit", "walk"),
    ]
    report_errors.write_suspects(tmp_path / "x.csv", found)
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    assert rows[0] == {
        "image": "d.jpg",
        "person": "-1",
        "split": "test",
        "label": "sit",
        "probability": "0.1000",
        "suggested": "walk",
        "its probability": "0.9000",
    }
    section = report_errors.suspects_section(found, 8, lambda path, person: None)
    about, tiles = section.blocks
    assert isinstance(about, facts.Prose) and about.text.startswith("2 of 8 held-out labels")
    assert isinstance(tiles, facts.Tiles) and tiles.tiles[0].title == "sit, or walk?"
    none = report_errors.suspects_section([], 8, lambda path, person: None)
    assert none.blocks == [facts.Prose("None was found.")]


def test_one_map_is_beside_the_picture_and_several_are_below() -> None:
    drawn, square = np.zeros((100, 50, 3), np.uint8), np.ones((28, 28, 3), np.uint8)
    beside = report_errors.with_maps(drawn, [square])
    assert beside.shape == (280, 140 + 280, 3) and beside[:, 140:].all()
    below = report_errors.with_maps(drawn, [square, square])
    assert below.shape == (2 * 560 + 280, 2 * 280, 3) and below[-280:].all()
