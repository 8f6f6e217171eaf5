"""The step `annotations` on labels of every format, as train.py calls it."""

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from annotations.coco import read_coco
from annotations.samples import read_samples
from annotations.types import Sample
from configs import schema
from training.labels import make_annotations
from training.plan import inputs_of, steps_of

CATEGORY = {"id": 1, "name": "person", "keypoints": ["l_hand", "r_hand"], "skeleton": [[1, 2]]}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve pictures of 40 x 30 pixels, of which 0.png and 1.png are the same."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(12):
        pixels = np.full((30, 40, 3), 9 * max(i, 1), np.uint8)
        (folder / f"{i}.png").write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return folder


def load(tmp_path: Path, data: dict[str, Any], **keys: Any) -> schema.Run:
    tree = {"run_dir": str(tmp_path / "run"), "data": data, **keys}
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    return schema.load(tmp_path / "x.yaml")


def make(tmp_path: Path, data: dict[str, Any], **keys: Any) -> list[Sample]:
    folder = tmp_path / "run" / "annotations"
    folder.mkdir(parents=True, exist_ok=True)
    make_annotations(load(tmp_path, data, **keys), folder)
    return read_samples(folder / "samples.jsonl")


def table_of(photos: Path, split: Any) -> dict[str, Any]:
    rows = [f"{i}.png,{'run' if i % 2 else 'sit'},{split(i)}\n" for i in range(12)]
    (photos.parent / "x.csv").write_text("image,activity,split\n" + "".join(rows), encoding="utf-8")
    return {"format": "table", "annotations": str(photos.parent / "x.csv"), "images": str(photos)}


def coco_of(photos: Path) -> dict[str, Any]:
    content = {
        "images": [{"id": i, "file_name": f"{i}.png"} for i in range(12)],
        "annotations": [
            {
                "image_id": i,
                "category_id": 1,
                "bbox": [1, 2, 20, 20],
                "keypoints": [5, 6, 2, 9, 9, 1],
            }
            for i in range(11)
        ],
        "categories": [CATEGORY],
    }
    (photos.parent / "x.json").write_text(json.dumps(content), encoding="utf-8")
    return {"format": "coco", "annotations": str(photos.parent / "x.json"), "images": str(photos)}


SIZES = {"train": 0.5, "val": 0.25, "test": 0.25}


def test_copies_stay_together_and_are_told(
    tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture
):
    data = table_of(photos, lambda i: "")
    kept = make(tmp_path, data, split=SIZES, stage1={"train": False})
    assert kept[0].split == kept[1].split and len(kept) == 12
    said = " ".join(capsys.readouterr().out.split())
    assert "1 pictures are copies of others" in said
    assert "1 pictures have more than one activity" in said
    with (tmp_path / "run/annotations/duplicates.csv").open(encoding="utf-8") as file:
        assert [Path(row["image"]).name for row in csv.DictReader(file)] == ["0.png", "1.png"]


def test_given_splits_are_kept_and_copies_across_them_are_told(
    tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture
):
    data = table_of(photos, lambda i: ("train", "val", "test")[i % 3])
    kept = make(tmp_path, data, split="given", stage1={"train": False})
    assert [s.split for s in kept[:3]] == ["train", "val", "test"]
    assert "WARNING: 1 pictures lie in more than one split" in " ".join(
        capsys.readouterr().out.split()
    )
    make(tmp_path, data, split=SIZES, stage1={"train": False})
    assert "To keep them: split: given" in " ".join(capsys.readouterr().out.split())


def test_a_given_split_without_test(tmp_path: Path, photos: Path):
    data = table_of(photos, lambda i: ("train", "val")[i % 2])
    with pytest.raises(ValueError, match=r"No picture for test in the split .*report.split: val"):
        make(tmp_path, data, split="given", stage1={"train": False})


def test_stage_1_alone_needs_no_activities(tmp_path: Path, photos: Path):
    kept = make(tmp_path, coco_of(photos), split=SIZES, stage2=None)
    assert len(kept) == 12 and kept[0].skeleton.name.startswith("person-")
    assert steps_of(load(tmp_path, coco_of(photos), stage2=None)) == ["annotations", "stage1"]
    with pytest.raises(ValueError, match=r"empty_activity: 12\)\..*alone, set stage2: null"):
        make(tmp_path, coco_of(photos), split=SIZES)


def test_what_was_cleaned_leaves_as_coco(tmp_path: Path, photos: Path):
    kept = make(tmp_path, coco_of(photos), split=SIZES, stage2=None)
    back = list(read_coco(tmp_path / "run/annotations/cleaned.coco.json", photos))
    for one, two in zip(kept, back, strict=True):
        assert (one.image, one.split, one.skeleton) == (two.image, two.split, two.skeleton)
        np.testing.assert_array_equal(one.keypoints, two.keypoints)
        np.testing.assert_array_equal(one.boxes, two.boxes)


def test_a_yolo_set_knows_its_pictures(tmp_path: Path, photos: Path):
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    for split in ("train", "val"):
        (tmp_path / "images" / split).mkdir()
        for i in range(4, 7):
            picture = photos / f"{i + 3 * (split == 'val')}.png"
            picture.rename(tmp_path / "images" / split / picture.name)
    label = tmp_path / "labels/train/4.txt"
    label.parent.mkdir()
    label.write_text("0 .5 .5 .5 .5 .4 .4 2 .6 .6 1\n", encoding="utf-8")
    keys = {"train": "images/train", "val": "images/val", "kpt_shape": [2, 3], "names": ["person"]}
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(keys), encoding="utf-8")
    data = {"format": "yolo", "annotations": str(tmp_path / "data.yaml")}
    kept = make(tmp_path, data, split="given", stage2=None)
    assert [len(s.boxes) for s in kept] == [1, 0, 0, 0, 0, 0]
    run = load(tmp_path, data, split="given", stage2=None)
    before = inputs_of(run, "annotations")
    label.write_text("", encoding="utf-8")
    assert before != inputs_of(run, "annotations"), "a changed label makes the step stale"


def test_nothing_that_can_be_used(tmp_path: Path, photos: Path):
    data = {**table_of(photos, lambda i: ""), "images": str(tmp_path)}
    with pytest.raises(ValueError, match=r"missing_file: 12.*0\.png: there is no .*images right\?"):
        make(tmp_path, data, stage1={"train": False})


def test_a_single_activity_is_refused(tmp_path: Path, photos: Path):
    lines = [f"{path.name},photos" for path in sorted(photos.glob("*.png"))]
    table = tmp_path / "one.csv"
    table.write_text("\n".join(["image,activity", *lines]) + "\n", encoding="utf-8")
    data = {"format": "table", "annotations": str(table), "images": str(photos)}
    with pytest.raises(ValueError, match=r"at least two activities. Received: \['photos'\]"):
        make(tmp_path, data, split=SIZES, stage1={"train": False})


def test_the_runs_own_pictures_are_no_input(tmp_path: Path, photos: Path):
    data = {**table_of(photos, lambda i: ""), "images": str(photos)}
    run = load(tmp_path, data, stage1={"train": False})
    run = run.model_copy(update={"run_dir": photos / "run"})
    before = inputs_of(run, "annotations")
    (photos / "run").mkdir()
    (photos / "run" / "cleaning.png").write_bytes((photos / "0.png").read_bytes())
    assert inputs_of(run, "annotations") == before
    (photos / "0.png").write_bytes(b"another picture")
    assert inputs_of(run, "annotations") != before


def test_a_run_among_the_photos_is_refused(tmp_path: Path, photos: Path):
    run = load(tmp_path, {"format": "folder", "images": str(photos)}, stage1={"train": False})
    run = run.model_copy(update={"run_dir": photos / "run"})
    with pytest.raises(ValueError, match=r"run_dir must not lie in data\.images"):
        schema.check_paths(run, ["annotations"])
