"""COCO keypoint files: a round trip, a reading by hand, and everything that may be wrong."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pose_activity.annotations.readers.coco import read_coco, write_coco
from pose_activity.annotations.skeleton import COCO17, MPII16, OPENPOSE18, Skeleton, custom_skeleton
from pose_activity.annotations.types import Sample

DOG = custom_skeleton("dog", ["nose", "left ear", "right ear", "tail"], [("nose", "tail")])


def assert_equal(one: Sample, two: Sample) -> None:
    for field in fields(Sample):
        a, b = getattr(one, field.name), getattr(two, field.name)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        else:
            assert a == b and type(a) is type(b), field.name


def random_sample(image: Path, skeleton: Skeleton, people: int, **facts: Any) -> Sample:
    rng = np.random.default_rng(people)
    points = rng.uniform(-5, 640, (people, len(skeleton), 3)).astype(np.float32)
    points[..., 2] = rng.choice([0, 0.5, 1], points.shape[:2])
    points[points[..., 2] == 0] = 0
    corners = rng.uniform(0, 300, (people, 2))
    boxes = np.hstack([corners, corners + rng.uniform(1, 300, (people, 2))]).astype(np.float32)
    heads = rng.uniform(0, 90, people).astype(np.float32)
    heads[::2] = 0
    return Sample(image, (640, 480), skeleton, boxes, points, heads, **facts)


@pytest.mark.parametrize("skeleton", [MPII16, COCO17, OPENPOSE18, DOG], ids=lambda s: s.name)
def test_round_trip(tmp_path: Path, skeleton: Skeleton):
    root = tmp_path / "photos"
    some = random_sample(root / "deep/a b.jpg", skeleton, 3, activity="run", group="g", split="val")
    samples = [
        some,
        replace(some, image=root / "Größe.jpg", activities=("run", None, "sit"), activity=None),
        replace(some, image=root / "same.jpg", activities=("run", "run", "run"), activity=None),
        replace(some, image=root / "no.jpg", activities=(None, None, None), size=None),
        random_sample(Path("/else/where.jpg"), skeleton, 0),
        replace(some, image=root / "boxless.jpg", boxes=np.zeros((3, 4), np.float32)),
    ]
    write_coco(tmp_path / "x.json", samples, root=root)
    back = list(read_coco(tmp_path / "x.json", root))
    assert len(back) == len(samples)
    for one, two in zip(samples, back, strict=True):
        assert_equal(one, two)
    names = [
        image["file_name"]
        for image in json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))["images"]
    ]
    assert names[0] == "deep/a b.jpg" and names[4] == "/else/where.jpg"


def test_what_is_written_is_coco(tmp_path: Path):
    """Read by hand, by the words of cocodataset.org/#format-data."""
    sample = random_sample(Path("a.jpg"), COCO17, 2, activity="run")
    write_coco(tmp_path / "x.json", [sample])
    content = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    (image,), (category,) = content["images"], content["categories"]
    assert (image["id"], image["file_name"], image["width"], image["height"]) == (
        1,
        "a.jpg",
        640,
        480,
    )
    assert category["name"] == "person" and category["keypoints"][5] == "left_shoulder"
    assert [6, 8] in category["skeleton"], "left shoulder to left elbow, counted from 1"
    for person, entry in enumerate(content["annotations"]):
        assert (entry["id"], entry["image_id"], entry["category_id"], entry["iscrowd"]) == (
            person + 1,
            1,
            1,
            0,
        )
        x, y, width, height = entry["bbox"]
        assert [x, y, x + width, y + height] == pytest.approx(sample.boxes[person], abs=1e-4)
        assert entry["area"] == pytest.approx(width * height)
        triples = [entry["keypoints"][i : i + 3] for i in range(0, 51, 3)]
        for (x, y, v), (px, py, pv) in zip(triples, sample.keypoints[person], strict=True):
            assert (x, y) == pytest.approx((px, py), abs=1e-4)
            assert type(v) is int and v == {0: 0, 0.5: 1, 1: 2}[float(pv)]
        assert entry["num_keypoints"] == int((sample.keypoints[person, :, 2] > 0).sum())


def test_nothing_is_written_of_what_coco_cannot_hold(tmp_path: Path):
    samples = [random_sample(Path(s.name), s, 1) for s in (COCO17, DOG)]
    with pytest.raises(
        ValueError, match=r"a COCO file has one skeleton. Received: \['coco17', 'dog"
    ):
        write_coco(tmp_path / "x.json", samples)
    points = np.full((1, 17, 3), 0.3, np.float32)
    with pytest.raises(ValueError, match="a label's v is 0, 0.5 or 1. Received"):
        write_coco(
            tmp_path / "x.json", [replace(random_sample(Path("a"), COCO17, 1), keypoints=points)]
        )
    assert not (tmp_path / "x.json").exists()


def content() -> dict[str, list[dict[str, Any]]]:
    """A small file: a picture with two people, one without."""
    person = {"image_id": 7, "category_id": 3, "bbox": [10, 20, 30, 40], "num_keypoints": 2}
    return {
        "images": [
            {"id": 7, "file_name": "a.jpg", "width": 64, "height": 48, "activity": "run"},
            {"id": 8, "file_name": "b.jpg", "group": 5, "split": "test"},
        ],
        "annotations": [
            {**person, "keypoints": [11, 21, 2, 12, 22, 1, 5, 5, 0, 0, 0, 0]},
            {"image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4]},
        ],
        "categories": [
            {
                "id": 3,
                "name": "dog",
                "keypoints": ["nose", "left ear", "right ear", "tail"],
                "skeleton": [[1, 4]],
            },
            {"id": 4, "name": "kite"},
        ],
    }


def read(tmp_path: Path, value: Any, notes: list[str] | None = None) -> list[Sample]:
    path = tmp_path / "x.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    tell: Callable[[str], None] = (notes if notes is not None else []).append
    return list(read_coco(path, Path("photos"), on_note=tell))


def test_joints_count_more_than_their_number(tmp_path: Path):
    value, notes = content(), []
    first, second = value["annotations"]
    first["num_keypoints"] = 0
    second |= {"num_keypoints": 0, "keypoints": [0] * 12}
    sample = read(tmp_path, value, notes)[0]
    np.testing.assert_array_equal(sample.keypoints[0, :2], [[11, 21, 1], [12, 22, 0.5]])
    assert not sample.keypoints[1].any()
    assert any(note.startswith("1 annotations say num_keypoints: 0 but hold") for note in notes)
    second["keypoints"] = [0, 0, 0]  # too few, but nobody's
    assert not read(tmp_path, value)[0].keypoints[1].any()


@pytest.mark.parametrize(
    ("key", "numbers"),
    [
        ("keypoints", [0.2, 0.3, 2, 0.21, 0.34, 1, 0, 0, 0, 0, 0, 0]),
        ("keypoints", [0.2, 1.02, 2, -0.01, 0.34, 1, 0, 0, 0, 0, 0, 0]),
        ("bbox", [0.1, 0.2, 0.3, 0.4]),
        ("bbox", [0, 0, 1, 1]),
    ],
)
def test_fractions_are_no_pixels(tmp_path: Path, key: str, numbers: list[float]):
    value = content()
    value["annotations"][0][key] = numbers
    message = rf"annotations\[0\]: `{key}` must be in pixels. Received: .*Multiply x by"
    with pytest.raises(ValueError, match=message):
        read(tmp_path, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_id": [7]}, r"annotations\[0\]: there is no image with the id \[7\]"),
        ({"category_id": {}}, "there is no category with the id {}"),
        ({"bbox": [1e300, 2, 3, 4]}, "`bbox` must hold finite numbers"),
        ({"keypoints": [10**400, *[1] * 11]}, "`keypoints` must hold finite numbers"),
    ],
)
def test_values_of_other_kinds(tmp_path: Path, change: dict[str, Any], message: str):
    value = content()
    value["annotations"][0] |= change
    with pytest.raises(ValueError, match=message):
        read(tmp_path, value)


def test_one_joint_may_be_in_the_corner(tmp_path: Path):
    value = content()
    value["annotations"][0]["keypoints"] = [0.5, 0.5, 2, *[0] * 9]
    assert read(tmp_path, value)[0].keypoints[0, 0].tolist() == [0.5, 0.5, 1]


def test_names_with_backslashes(tmp_path: Path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/a.jpg").touch()
    value = content()
    value["images"][0]["file_name"] = "deep\\a.jpg"
    (tmp_path / "x.json").write_text(json.dumps(value), encoding="utf-8")
    assert next(read_coco(tmp_path / "x.json", tmp_path)).image == tmp_path / "deep/a.jpg"


def test_what_is_read(tmp_path: Path):
    notes: list[str] = []
    value = content()
    value["annotations"] += [
        {"image_id": 8, "category_id": 4, "bbox": [0, 0, 1, 1]},
        {
            "image_id": 8,
            "category_id": 3,
            "iscrowd": 1,
            "bbox": [0, 0, 1, 1],
            "keypoints": [0] * 12,
        },
    ]
    a, b = read(tmp_path, value, notes)
    assert a.image == Path("photos/a.jpg") and a.size == (64, 48) and a.activity == "run"
    assert a.skeleton == DOG and a.skeleton.pairs == (("left ear", "right ear"),)
    assert a.boxes.tolist() == [[10, 20, 40, 60], [1, 2, 4, 6]]
    assert a.keypoints[0].tolist() == [[11, 21, 1], [12, 22, 0.5], [0, 0, 0], [0, 0, 0]]
    assert not a.keypoints[1].any() and a.activities is None
    assert (b.size, b.group, b.split, len(b.boxes), b.activity) == (None, "5", "test", 0, None)
    said = "\n".join(notes)
    assert "1 annotations are of categories without joints (ids [4]): left out" in said
    assert "1 annotations are of crowds (iscrowd): left out" in said
    assert "1 people have a box but no joints" in said


@pytest.mark.parametrize(
    ("image", "people", "expected"),
    [
        ({}, ["run", "run"], ("run", ("run", "run"))),
        ({}, ["run", "sit"], (None, ("run", "sit"))),
        ({"activity": None}, ["run", "run"], (None, ("run", "run"))),
        ({"activity": "game"}, ["run", None], ("game", ("run", None))),
    ],
)
def test_activities_of_people(tmp_path: Path, image: dict, people: list, expected: tuple):
    value = content()
    value["images"][0] = {"id": 7, "file_name": "a.jpg", **image}
    for entry, activity in zip(value["annotations"], people, strict=True):
        entry["activity"] = activity
    sample = read(tmp_path, value)[0]
    assert (sample.activity, sample.activities) == expected


def test_categories_may_be_activities(tmp_path: Path):
    value = content()
    value["categories"][1] = {**value["categories"][0], "id": 4, "name": "sleeping"}
    value["annotations"][1]["category_id"] = 4
    assert read(tmp_path, value)[0].activities == ("dog", "sleeping")


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"id": 4, "name": "dog"}, "categories: the name 'dog' comes 2 times"),
        ({"id": 3, "name": "cat"}, "categories: the id '3' comes 2 times"),
    ],
)
def test_two_categories_are_told_apart(tmp_path: Path, second: dict, message: str):
    value = content()
    value["categories"].append({**value["categories"][0], **second})
    with pytest.raises(ValueError, match=message):
        read(tmp_path, value)


def test_known_skeletons_are_known_by_their_joints(tmp_path: Path):
    value = content()
    names = [joint.replace("_", " ").title() for joint in COCO17.joints]
    value["categories"][0] |= {"keypoints": names, "skeleton": []}
    value["annotations"] = []
    assert read(tmp_path, value)[0].skeleton is COCO17


def test_joints_without_sides_are_said(tmp_path: Path):
    value, notes = content(), []
    value["categories"][0]["keypoints"] = ["a", "b", "c", "d"]
    read(tmp_path, value, notes)
    assert "pictures are not mirrored" in " ".join(notes)


def broken(**changes: Any) -> dict:
    """The small file with `key_index__field=value` set; a value of None deletes the field."""
    value = content()
    for place, new in changes.items():
        where, name = place.split("__")
        key, index = where.rsplit("_", 1)
        entry = value[key][int(index)]
        entry.pop(name, None)
        if new is not None:
            entry[name] = new
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{", r"x\.json: not a JSON file, or a damaged one"),
        ("[1]", "Missing: images, annotations, categories. Received"),
        (
            '{"images": [], "info": 1}',
            r"Missing: annotations, categories. Received: \['images', 'info'",
        ),
        ('{"images": [1], "annotations": [], "categories": []}', r"others: \['images\[0\]'\]"),
        (
            broken(images_0__id=None, images_1__file_name=None),
            r"(?s)\[0\]: missing keys: id.*\[1\]: missing keys: file_name",
        ),
        (
            broken(annotations_0__image_id=None, annotations_0__category_id=None),
            r"annotations\[0\]: missing keys: image_id, category_id",
        ),
        (broken(annotations_0__image_id=99), r"annotations\[0\]: there is no image with the id 99"),
        (broken(annotations_0__category_id=99), "there is no category with the id 99"),
        (
            broken(annotations_0__image_id=[7]),
            r"annotations\[0\]: there is no image with the id \[7\]",
        ),
        (
            broken(annotations_0__keypoints=[1, 2, 2]),
            "`keypoints` must hold 12 numbers. Received: 3",
        ),
        (
            broken(annotations_0__keypoints=[float("nan")] * 12),
            "`keypoints` must hold finite numbers",
        ),
        (broken(annotations_0__keypoints=["1"] * 12), "`keypoints` must hold finite numbers"),
        (
            broken(annotations_0__keypoints=[1, 1, 7] * 4),
            r"a joint's v is 0, 1 or 2. Received: \[7.0\]",
        ),
        (broken(annotations_0__bbox=[1, 2, 3]), "`bbox` must hold 4 numbers. Received: 3"),
        (broken(annotations_0__bbox=[1, 2, 3, float("inf")]), "`bbox` must hold finite numbers"),
        (broken(annotations_0__activity=3), "`activity` must be a text. Received: 3"),
        (broken(images_0__activity=3), r"images\[0\]: `activity` must be a text"),
        (broken(images_1__id=7), "images: the id 7 comes 2 times"),
        (broken(images_1__file_name="a.jpg"), "images: the file_name 'a.jpg' comes 2 times"),
        (
            broken(images_1__split="dev"),
            r"`split` must be one of \('train', 'val', 'test'\). Received: 'dev'",
        ),
        (
            broken(images_0__activity="Run", images_1__activity="run"),
            "'Run' and 'run'. Merge or rename",
        ),
        (broken(categories_0__keypoints=None), "no category lists its `keypoints`"),
        (broken(categories_0__name=None), r"categories\[0\]: missing keys: name"),
        (
            broken(categories_0__keypoints=["a", "a", "b", "c"]),
            r"categories\[0\]: .*joint names must be unique",
        ),
        (
            broken(categories_0__skeleton=[[0, 1]]),
            r"`skeleton` counts joints from 1 to 4. Received: \[\[0, 1\]\]",
        ),
        (
            broken(categories_1__keypoints=["x"]),
            r"must have the same ones. Received: \[\['nose', .*\['x'\]\]",
        ),
    ],
    ids=str,
)
def test_what_is_wrong_is_told(tmp_path: Path, value: Any, message: str):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, value)


def test_all_mistakes_are_counted(tmp_path: Path):
    value = content()
    value["annotations"] = [{"image_id": 99, "category_id": 3}] * 1234
    with pytest.raises(ValueError, match=r"(?s)1,234 mistakes in this COCO file.*and 1,224 more$"):
        read(tmp_path, value)


def test_no_file(tmp_path: Path):
    with pytest.raises(ValueError, match="no such file. Give the path of a COCO JSON file"):
        read_coco(tmp_path / "absent.json", tmp_path)


def test_real_labels_come_back(tmp_path: Path, data_dir: Path, mpii_release: list[Sample]):
    photos = data_dir / "mpii" / "images_5"
    names = {path.name for path in photos.glob("*.jpg")}
    known = [sample for sample in mpii_release if sample.image.name in names]
    samples = [replace(sample, image=photos / sample.image) for sample in known]
    write_coco(tmp_path / "x.json", samples, root=photos)
    back = list(read_coco(tmp_path / "x.json", photos))
    assert len(back) == 5
    for one, two in zip(samples, back, strict=True):
        assert_equal(one, two)


def test_a_byte_order_mark_is_passed_over(tmp_path: Path):
    path = tmp_path / "bom.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(content()).encode())
    assert len(list(read_coco(path, tmp_path))) == len(content()["images"])
