"""The step `annotations` on labels of every format, as train.py calls it."""

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from pose_activity.annotations.readers.coco import read_coco
from pose_activity.annotations.sample_files import read_samples
from pose_activity.annotations.types import Sample
from pose_activity.configs import pictures as picture_config
from pose_activity.training.pictures import stage1_overlap
from pose_activity.training.pictures.labels import make_annotations, try_annotations
from pose_activity.training.pictures.steps import step_names
from pose_activity.training.steps import steps_of

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


def load(tmp_path: Path, data: dict[str, Any], **keys: Any) -> picture_config.PictureRun:
    tree = {"run_dir": str(tmp_path / "run"), "data": data, **keys}
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    return picture_config.load(tmp_path / "x.yaml")


def make(tmp_path: Path, data: dict[str, Any], **keys: Any) -> list[Sample]:
    folder = tmp_path / "run" / "annotations"
    folder.mkdir(parents=True, exist_ok=True)
    make_annotations(load(tmp_path, data, **keys), folder)
    return read_samples(folder / "samples.jsonl")


def table_of(photos: Path, split: Any) -> dict[str, Any]:
    rows = [f"{i}.png,{'run' if i % 2 else 'sit'},{split(i)}\n" for i in range(12)]
    (photos.parent / "x.csv").write_text("image,activity,split\n" + "".join(rows), encoding="utf-8")
    return {"format": "table", "annotations": str(photos.parent / "x.csv"), "images": str(photos)}


def test_near_duplicates_are_one_group_and_on_one_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "photos"
    for i in range(12):
        (folder / "sr"[i % 2]).mkdir(parents=True, exist_ok=True)
        coarse = np.random.default_rng(i).integers(0, 255, (6, 8, 3), np.uint8)
        pixels = cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / "sr"[i % 2] / f"{i}.png"), pixels)
        if i == 4:
            cv2.imwrite(str(folder / "s" / "4 burst.jpg"), pixels[3:-3, 2:-2])
    data = {"format": "folder", "images": str(folder)}
    found = {s.image.name: s for s in make(tmp_path, data, stage1={"train": False})}
    out = capsys.readouterr().out
    assert "copies of other pictures: 0; pictures that look nearly like another one" in out
    assert "4 burst.jpg = 4.png" in out
    burst, whole = found["4 burst.jpg"], found["4.png"]
    assert burst.split == whole.split and burst.group == whole.group == "s/4 burst.jpg"
    assert {s.group for name, s in found.items() if "4" not in name} == {None}
    with (tmp_path / "run/annotations/near_duplicates.csv").open(encoding="utf-8") as file:
        assert [Path(row["image"]).name for row in csv.DictReader(file)] == ["4 burst.jpg", "4.png"]
    apart = make(tmp_path, data | {"near_duplicates": False}, stage1={"train": False})
    assert {s.group for s in apart} == {None}


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
    assert "copies of other pictures: 1 (" in said
    assert "pictures with more than one activity: 1 (" in said
    with (tmp_path / "run/annotations/duplicates.csv").open(encoding="utf-8") as file:
        assert [Path(row["image"]).name for row in csv.DictReader(file)] == ["0.png", "1.png"]


def test_given_splits_are_kept_and_copies_across_them_are_told(
    tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture
):
    data = table_of(photos, lambda i: ("train", "val", "test")[i % 3])
    kept = make(tmp_path, data, split="given", stage1={"train": False})
    assert [s.split for s in kept[:3]] == ["train", "val", "test"]
    assert "WARNING: pictures in more than one split: 1 (" in " ".join(
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
    assert step_names(load(tmp_path, coco_of(photos), stage2=None)) == ["annotations", "stage1"]
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
    before = steps_of(run)[0].made_from()
    label.write_text("", encoding="utf-8")
    assert before != steps_of(run)[0].made_from(), "a changed label makes the step stale"


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
    before = steps_of(run)[0].made_from()
    (photos / "run").mkdir()
    (photos / "run" / "cleaning.png").write_bytes((photos / "0.png").read_bytes())
    assert steps_of(run)[0].made_from() == before
    (photos / "0.png").write_bytes(b"another picture")
    assert steps_of(run)[0].made_from() != before


def test_a_run_among_the_photos_is_refused(tmp_path: Path, photos: Path):
    run = load(tmp_path, {"format": "folder", "images": str(photos)}, stage1={"train": False})
    run = run.model_copy(update={"run_dir": photos / "run"})
    with pytest.raises(ValueError, match=r"run_dir must not lie in data\.images"):
        picture_config.check_paths(run, ["annotations"])


def folder_of(photos: Path, *splits: str) -> dict[str, Any]:
    """Moves the twelve pictures into `sorted/SPLIT/ACTIVITY`."""
    for i in range(12):
        place = photos.parent / "sorted" / splits[i % len(splits)] / ("run", "sit")[i // 6]
        place.mkdir(parents=True, exist_ok=True)
        (photos / f"{i}.png").rename(place / f"{i}.png")
    return {"format": "folder", "images": str(photos.parent / "sorted")}


@pytest.mark.parametrize("split", ["given", SIZES])
def test_folders_called_like_splits_are_the_splits(
    tmp_path: Path, photos: Path, split: Any, capsys: pytest.CaptureFixture
):
    data = folder_of(photos, "Train", "valid", "test")
    kept = make(tmp_path, data, split=split, stage1={"train": False})
    roles = {s.image.stem: (s.activity, s.split) for s in kept}
    names = ("train", "val", "test")
    assert roles == {str(i): (("run", "sit")[i // 6], names[i % 3]) for i in range(12)}
    said = capsys.readouterr().out
    assert "taken for the splits: Train (train), valid (val), test (test)" in said
    assert "WARNING: pictures in more than one split: 1 (" in said.replace("\n", " ")
    rows = [line.replace("\u2502", " ").split() for line in said.splitlines()]
    assert ["activity", "pictures", "train", "val", "test"] in [
        [cell for cell in row if cell.isalpha()] for row in rows
    ]
    assert ["run", "6", "2", "2", "2"] in rows and ["sit", "6", "2", "2", "2"] in rows


def test_a_split_without_a_folder_is_taken_from_train(
    tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture
):
    data = folder_of(photos, "train", "train", "test")
    kept = make(tmp_path, data, split=SIZES, stage1={"train": False})
    counts = {name: [s.image.stem for s in kept if s.split == name] for name in ("train", "val")}
    assert sorted(len(stems) for stems in counts.values()) == [3, 5], "SIZES: a third of 8"
    assert {s.image.stem for s in kept if s.split == "test"} == {"2", "5", "8", "11"}
    said = " ".join(capsys.readouterr().out.split())
    assert "There is no given val: of the 8 images of train, 3 for val were taken." in said
    with pytest.raises(ValueError, match="with some for train and val. Received"):
        make(tmp_path, data, split="given", stage1={"train": False})


def test_activities_are_always_printed(tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture):
    data = table_of(photos, lambda i: "")
    try_annotations(load(tmp_path, data, stage1={"train": False}), strict=False)
    rows = [line.replace("\u2502", " ").split() for line in capsys.readouterr().out.splitlines()]
    assert ["run", "6"] in rows and ["sit", "6"] in rows


def test_stage_1_gets_nothing_that_stage_2_holds_out(
    tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture
):
    for i in range(40):
        pixels = np.full((30, 40, 3), 5 * i, np.uint8)
        (photos / f"{i}.png").write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    data = coco_of(photos)
    content = json.loads(Path(data["annotations"]).read_text(encoding="utf-8"))
    content["images"] = [
        {"id": i, "file_name": f"{i}.png", "activity": ("run", "sit")[i % 2]} for i in range(40)
    ]
    Path(data["annotations"]).write_text(json.dumps(content), encoding="utf-8")
    own = {"train": 0.4, "val": 0.6, "test": 0.0}
    for apart in (True, False):
        stage1 = {"split": own, "keep_apart": apart}
        kept = make(tmp_path, data, split=SIZES, stage1=stage1)
        run = load(tmp_path, data, split=SIZES, stage1=stage1)
        held = {s.image for s in kept if s.split in ("val", "test")}
        samples = read_samples(tmp_path / "run/annotations/stage1.jsonl")
        seen = {s.image for s in samples if s.split in ("train", "val")}
        said = " ".join(capsys.readouterr().out.split())
        if apart:
            assert len(held) == 20 and len(samples) == 20 and not held & seen
            assert "WARNING: Stage 1" not in said and stage1_overlap.seen_note(run, "test") is None
        else:
            in_test = [
                s for s in samples if s.image in {k.image for k in kept if k.split == "test"}
            ]
            train, val = (sum(s.split == name for s in in_test) for name in ("train", "val"))
            note = (
                f"Stage 1 has seen 10 of the 10 pictures of test: it was trained on {train} and "
                f"its epochs were chosen by {val}."
            )
            assert train and val and len(seen) == 40
            assert (
                f"WARNING: {note}" in said
                and "WARNING: Stage 1 has seen 10 of the 10 pictures of val" in said
            )
            assert stage1_overlap.seen_note(run, "test") == note
    whole = load(tmp_path, data, split=SIZES)
    assert stage1_overlap.seen_note(whole, "test") is None


def test_too_many_pictures_for_stage_1(tmp_path: Path, photos: Path):
    sizes = {"train": 9, "val": 2, "test": 0}
    content = coco_of(photos)
    text = Path(content["annotations"]).read_text(encoding="utf-8")
    for i in range(12):
        text = text.replace(
            f'"file_name": "{i}.png"', f'"file_name": "{i}.png", "activity": "{i % 2}"'
        )
    Path(content["annotations"]).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"stage1.split: .*keep_apart: false"):
        make(tmp_path, content, split=SIZES, stage1={"split": sizes})
