"""YOLO pose data sets that others made: their layouts, their labels, and what may be wrong."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from pose_activity.annotations.cleaning.clean import clean
from pose_activity.annotations.readers.yolo import read_yolo
from pose_activity.annotations.readers.yolo_files import label_of
from pose_activity.annotations.skeleton import COCO17
from tests.stage1_pose.conftest import RunPython

# Class, box, and three joints: visible, hidden, missing.
LINE = "0 0.5 0.5 0.4 0.6 0.25 0.5 2 0.75 0.5 1 0 0 0\n"
OTHER = LINE.replace("0 0.5", "1 0.5", 1)
KEYS = {"kpt_shape": [3, 3], "names": {0: "person"}}


def make_set(root: Path, labels: dict[str, str | None]) -> Path:
    """Draws `images/NAME.jpg` of 40 x 20 pixels for each name, with its label if not None."""
    for name, label in labels.items():
        image = root / "images" / f"{name}.jpg"
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(cv2.imencode(".jpg", np.full((20, 40, 3), 90, np.uint8))[1].tobytes())
        if label is not None:
            text = root / "labels" / f"{name}.txt"
            text.parent.mkdir(parents=True, exist_ok=True)
            text.write_text(label, encoding="utf-8")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    names = {"train/a": LINE, "train/b": LINE * 2, "val/c": "", "val/d": None}
    return make_set(tmp_path / "set", names)


def write(path: Path, /, **keys: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        yaml.safe_dump({**KEYS, "train": "images/train", "val": "images/val", **keys}),
        encoding="utf-8",
    )
    return path


def found(data: Path, root: Path | None = None) -> list[tuple[str | None, str]]:
    return [(sample.split, sample.image.stem) for sample in read_yolo(data, root)]


USUAL = [("train", "a"), ("train", "b"), ("val", "c"), ("val", "d")]


def test_what_a_line_means(root: Path):
    a, b, c, d = read_yolo(write(root / "data.yaml"))
    assert a.size == (40, 20) and a.activity is None and a.activities is None
    np.testing.assert_allclose(a.boxes, [[12, 4, 28, 16]])
    np.testing.assert_allclose(a.keypoints, [[[10, 10, 1], [30, 10, 0.5], [0, 0, 0]]])
    assert (len(b.boxes), len(c.boxes), len(d.boxes)) == (2, 0, 0)
    assert a.skeleton.joints == ("kpt_0", "kpt_1", "kpt_2") and not a.skeleton.bones


@pytest.mark.parametrize("kind", ["beside", "absolute", "relative", "roboflow", "lists", "texts"])
def test_where_things_may_lie(root: Path, kind: str, tmp_path: Path):
    if kind == "beside":
        data = write(root / "data.yaml")
    elif kind == "absolute":
        data = write(tmp_path / "else/x.yaml", path=str(root))
    elif kind == "relative":
        data = write(tmp_path / "else/x.yaml", path="../set")
    elif kind == "roboflow":
        data = write(root / "data.yaml", train="../images/train", val="../images/val")
    elif kind == "lists":
        data = write(
            root / "data.yaml", train=["images/train"], val=None, validation=["images/val"]
        )
    else:
        (root / "train.txt").write_text(
            "./images/train/a.jpg\nimages/train/b.jpg\n\n", encoding="utf-8"
        )
        (root / "val.txt").write_text(
            "".join(f"{root}/images/val/{n}.jpg\n" for n in "cd"), encoding="utf-8"
        )
        data = write(root / "data.yaml", train="train.txt", val="val.txt")
    assert found(data) == USUAL


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ({"path": "/home/x/set"}, "path"),
        ({"train": "/home/x/set/images/train", "val": "/home/x/set/images/val"}, "train"),
        ({"train": "train.txt"}, "train"),
    ],
)
def test_paths_of_another_machine(root: Path, keys: dict, key: str):
    (root / "train.txt").write_text(
        "/home/x/images/train/a.jpg\n/home/x/images/train/b.jpg\n", encoding="utf-8"
    )
    data = write(root / "data.yaml", **keys)
    with pytest.raises(ValueError, match=f"the key `{key}` .*Set data.images to the folder of the"):
        found(data)
    assert found(data, root) == USUAL


def test_ultralytics_reads_the_same(root: Path, run_python: RunPython):
    pairs = make_set(root, {"train/e": "1 0.5 0.5 0.2 0.2 0.4 0.4 -0.005 0.3 0.6 0.6\n"})
    for name in ("a", "b"):
        (root / f"labels/train/{name}.txt").write_text(
            "0 .5 .5 .2 .4 .1 .2 .3 .4 -.001 -.001\n", encoding="utf-8"
        )
    data = write(pairs / "data.yaml", kpt_shape=[3, 2], names=["run", "sit"], flip_idx=[0, 2, 1])
    names = ["/a/images/b/c.jpg", "/images/images/x.y.png", "/a/photos/c.jpg", "/images/a/c.JPG"]
    script = """
import json, sys
from pose_activity.stage1_pose import ultralytics_env
ultralytics_env.prepare()
from ultralytics.data.dataset import YOLODataset
from ultralytics.data.utils import check_det_dataset, img2label_paths
print(json.dumps(img2label_paths(sys.argv[2:])))
data = check_det_dataset(sys.argv[1], autodownload=False)
found = YOLODataset(img_path=data["train"], data=data, task="pose", augment=False, imgsz=32)
print(json.dumps([[l["im_file"], l["cls"].ravel().tolist(), l["bboxes"].tolist(),
    l["keypoints"].tolist(), l["shape"]] for l in found.labels]))
"""
    labels, theirs = map(json.loads, run_python(script, data, *names).splitlines()[-2:])
    assert [str(label_of(Path(name))) for name in names] == labels
    ours = [sample for sample in read_yolo(data) if sample.split == "train"]
    assert len(theirs) == len(ours) == 3
    for sample, (file, classes, boxes, joints, shape) in zip(ours, theirs, strict=True):
        assert sample.image.name == Path(file).name and sample.size == (shape[1], shape[0])
        assert sample.activities == tuple(["run", "sit"][int(c)] for c in classes)
        assert sample.activity == ["run", "sit"][int(classes[0])]
        box = np.array(boxes) * [40, 20, 40, 20]
        np.testing.assert_allclose((sample.boxes[:, :2] + sample.boxes[:, 2:]) / 2, box[:, :2])
        points = np.array(joints)
        points = np.where(points[..., 2:] > 0, points * [40, 20, 1], 0)
        np.testing.assert_allclose(sample.keypoints, points, atol=1e-4)
    assert ours[0].skeleton.pairs == (("kpt_1", "kpt_2"),)


def test_class_names_are_activities(root: Path):
    (root / "labels/train/b.txt").write_text(LINE + OTHER, encoding="utf-8")
    a, b, c, _ = read_yolo(write(root / "data.yaml", names=["run", "sit"]))
    assert (a.activity, a.activities) == ("run", ("run",))
    assert (b.activity, b.activities) == (None, ("run", "sit"))
    assert (c.activity, c.activities) == (None, None)


def test_17_joints_are_cocos(tmp_path: Path):
    root = make_set(tmp_path, {"train/a": None, "val/b": "0 .5 .5 .1 .1 " + ".5 .5 2 " * 17})
    flip = [*COCO17.flip_index]
    assert next(read_yolo(write(root / "a.yaml", kpt_shape=[17, 3]))).skeleton is COCO17
    same = write(root / "b.yaml", kpt_shape=[17, 3], flip_idx=flip)
    assert next(read_yolo(same)).skeleton is COCO17
    other = write(root / "c.yaml", kpt_shape=[17, 3], flip_idx=[*range(17)])
    assert next(read_yolo(other)).skeleton.joints[0] == "kpt_0"


def test_an_unreadable_picture_is_left_to_the_cleaner(root: Path):
    (root / "images/train/a.jpg").write_bytes(b"no")
    a = next(read_yolo(write(root / "data.yaml")))
    assert a.size is None and len(a.boxes) == 0


def test_predictions_of_ultralytics_are_labels(root: Path, run_python: RunPython):
    """Its own `save_txt` writes them, its own data set reads them, where it takes the columns."""
    script = """
import json, sys
from pathlib import Path
from pose_activity.stage1_pose import ultralytics_env
ultralytics_env.prepare()
import numpy as np, torch
from ultralytics.data.dataset import YOLODataset
from ultralytics.data.utils import check_det_dataset
from ultralytics.engine.results import Results
root, data = map(Path, sys.argv[1:])
joints = torch.tensor([[[10.0, 5, 0.98], [30, 10, 0.25], [20, 20, 0]]])
for name, tail in {"a": [0.83, 0], "b": [7, 0.83, 0]}.items():
    boxes = torch.tensor([[8.0, 2, 32, 18, *tail]])
    found = Results(np.zeros((20, 40, 3), np.uint8), "x", {0: "person"}, boxes, keypoints=joints)
    label = root / f"labels/train/{name}.txt"
    label.unlink()
    found.save_txt(label, save_conf=name == "b")
(root / "labels/val/c.txt").unlink()
boxes = torch.tensor([[8.0, 2, 32, 18, 5, 0.8, 0]])
Results(np.zeros((20, 40, 3), np.uint8), "x", {0: "person"}, boxes, keypoints=joints).save_txt(
    root / "labels/val/c.txt")
data = check_det_dataset(str(data), autodownload=False)
found = YOLODataset(img_path=data["train"], data=data, task="pose", augment=False, imgsz=32)
print(json.dumps([found.labels[0]["bboxes"].tolist(), found.labels[0]["keypoints"].tolist()]))
"""
    data = write(root / "data.yaml")
    boxes, theirs = json.loads(run_python(script, root, data).splitlines()[-1])
    lengths = [
        len((root / f"labels/{n}.txt").read_text(encoding="utf-8").split())
        for n in ("train/a", "train/b")
    ]
    assert (
        lengths == [14, 16]
        and len((root / "labels/val/c.txt").read_text(encoding="utf-8").split()) == 15
    )
    notes: list[str] = []
    a, b, c, _ = read_yolo(data, on_note=notes.append)
    for sample in (a, b, c):
        np.testing.assert_allclose(sample.boxes, [[8, 2, 32, 18]], atol=1e-3)
        expected = np.array(theirs[0]) * [40, 20, 1]
        np.testing.assert_allclose(
            sample.keypoints[0, :, :2], expected[:, :2] * (expected[:, 2:] > 0)
        )
        assert sample.keypoints[0, :, 2].tolist() == [1, 1, 0], "trained on: v != 0"
    assert np.allclose(boxes, [[0.5, 0.5, 0.6, 0.8]])
    assert len(notes) == 1 and "3 label files hold predictions" in notes[0]


def test_joints_that_a_prediction_put_into_the_corner(root: Path):
    line = LINE.replace(" 2 ", " 0.9 ").replace("0 0 0\n", "0 0 0.31\n")
    (root / "labels/train/a.txt").write_text(line, encoding="utf-8")
    assert next(read_yolo(write(root / "data.yaml"))).keypoints[0, :, 2].tolist() == [1, 1, 0]


@pytest.mark.parametrize("names", [["person"], ["unknown"]])
def test_an_empty_flip_index_is_none(root: Path, names: list[str]):
    a = next(read_yolo(write(root / "data.yaml", flip_idx=[], names=names)))
    assert not a.skeleton.pairs and a.skeleton.joints == ("kpt_0", "kpt_1", "kpt_2")
    seventeen = make_set(root / "more", {"images/x": None, "val/b": "0 .5 .5 .1 .1 " + ".5 " * 51})
    keys = {"kpt_shape": [17, 3], "flip_idx": [], "train": "images/images"}
    assert next(read_yolo(write(seventeen / "data.yaml", **keys))).skeleton is COCO17


@pytest.mark.parametrize("kind", ["keys", "lists", "moved"])
def test_backslashes(root: Path, kind: str):
    if kind == "keys":
        data = write(root / "deep/data.yaml", path="..\\..\\set", train="images\\train")
    elif kind == "lists":
        (root / "train.txt").write_text(
            ".\\images\\train\\a.jpg\nimages\\train\\b.jpg\n", encoding="utf-8"
        )
        data = write(root / "data.yaml", train="train.txt", val=".\\images\\val")
    else:
        (root / "train.txt").write_text(
            "D:\\x\\images\\train\\a.jpg\nD:\\x\\images\\train\\b.jpg\n",
            encoding="utf-8",
        )
        data = write(root / "data.yaml", train="train.txt", val="D:\\x\\images\\val")
    assert found(data, root if kind == "moved" else None) == USUAL


def test_a_line_twice_is_left_to_the_cleaner(root: Path):
    samples = read_yolo(write(root / "data.yaml"))
    done = clean(samples, need_keypoints=False, need_activity="none")
    assert [len(sample.boxes) for sample in done.kept] == [1, 1, 0, 0]
    assert [(r.image.stem, r.rule) for r in done.rejected] == [("b", "duplicate")]


def test_every_wrong_label_file_is_told(root: Path):
    names = [f"train/{i:02}" for i in range(12)]
    make_set(root, {"train/fine": LINE, **dict.fromkeys(names, "0 1 2\n")})
    (root / "labels/train/a.txt").write_bytes(b"\xff\xfe0 .5")
    with pytest.raises(ValueError, match="13 label files hold lines") as told:
        found(write(root / "data.yaml"))
    said = str(told.value).splitlines()
    assert [line.split("/")[-1].split(":")[0] for line in said[1:-1]] == [
        *(f"{i:02}.txt" for i in range(10)),
    ]
    assert said[-1] == "  - and 3 more"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"kpt_shape": [3]}, r"must be \[joints, 2\] or \[joints, 3\]. Received: \[3\]"),
        ({"kpt_shape": [3, 4]}, "kpt_shape must be"),
        ({"names": {1: "a", 2: "b"}}, "names must be numbered from 0 on. Received: {1: 'a'"),
        ({"names": ["Run", "run"]}, "Received: 'Run' and 'run'. Merge or rename"),
        ({"flip_idx": [0, 1]}, r"flip_idx must hold each of 0..2 once.*Received: \[0, 1\]"),
        ({"flip_idx": [1, 2, 0]}, "give every joint back when applied twice"),
        ({"kpt_names": {0: ["a"]}}, r"kpt_names must name 3 joints. Received: \['a'\]"),
        ({"kpt_names": {0: ["a", "a", "b"]}}, "joint names must be unique"),
        ({"train": "images/none"}, "the key `train` names a place that is not here: images/none"),
        ({"train": "labels"}, "the key `train` leads to no picture"),
        ({"train": None}, "Missing: train. Received"),
    ],
)
def test_a_wrong_description_is_told(root: Path, keys: dict, message: str):
    with pytest.raises(ValueError, match=message):
        found(write(root / "data.yaml", **keys))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (LINE.replace("0.25", "250"), r"a.txt: positions are fractions .* Received: \[250.0\]"),
        (LINE.replace("0.25", "nan"), r"positions are fractions .* Received: \[nan\]"),
        (LINE.replace("0.25", "x"), "a line holds numbers only"),
        (LINE.replace(" 2 ", " 3 "), "v is 0, 1 or 2. Received"),
        (OTHER, r"number of its class, 0..0. Received: \[1.0\]"),
        ("0 .5 .5 .1 .1\n", r"a line holds 14 numbers. Received: \[5\]"),
        (LINE.replace("0.4 0.6", "-0.001 0.6"), "a box is not negative. Received: w h"),
        (LINE.replace(" 2 ", " 1.5 "), r"v is 0, 1 or 2. Received: \[0.0, 1.0, 1.5\]"),
        (LINE.replace(" 2 ", " -0.5 "), "v is 0, 1 or 2. Received"),
        (LINE.replace("\n", " 1.5\n"), r"Received after them: \[\[1.5\]\]"),
        (LINE.replace("\n", " 0.5 inf\n"), r"Received after them: \[\[0.5, inf\]\]"),
        (LINE.replace("\n", " 0.5 1 1\n"), r"a line holds 14 numbers. Received: \[17\]"),
    ],
)
def test_a_wrong_label_is_told(root: Path, line: str, message: str):
    (root / "labels/train/a.txt").write_text(line, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        found(write(root / "data.yaml"))


def test_no_label_at_all(tmp_path: Path):
    root = make_set(tmp_path, {"train/a": None, "val/b": None})
    with pytest.raises(ValueError, match=r"no picture has a label file. .*labels.train.a\.txt"):
        found(write(root / "data.yaml"))


def test_no_description(tmp_path: Path):
    with pytest.raises(ValueError, match="no such file. Give the path of the set's data.yaml"):
        found(tmp_path / "data.yaml")
    (tmp_path / "data.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(ValueError, match="not YAML"):
        found(tmp_path / "data.yaml")


ODD = ["no", "on", "12:30", "007", "~", "null", "1_000", "1e3", "2026-11-28"]


@pytest.mark.parametrize("style", ["list", "numbered", "flow"])
def test_class_names_are_those_that_are_written(root: Path, style: str):
    line = {"list": "- {1}", "numbered": "  {0}: {1}", "flow": ""}[style]
    names = "\n".join(line.format(i, name) for i, name in enumerate(ODD))
    names = f"\n{names}\n" if line else f"[{', '.join(ODD)}]\n"
    (root / "labels/train/a.txt").write_text(
        "".join(LINE.replace("0 0.5", f"{i} 0.5", 1) for i in range(len(ODD))), encoding="utf-8"
    )
    (root / "data.yaml").write_text(
        f"train: images/train\nval: images/val\ntest: ~\nkpt_shape: [3, 3]\nnames: {names}",
        encoding="utf-8",
    )
    assert next(read_yolo(root / "data.yaml")).activities == tuple(ODD)


@pytest.mark.parametrize("encoding", ["latin-1", "gbk", "utf-16"])
def test_other_encodings_are_refused(root: Path, encoding: str):
    name = "厨房" if encoding == "gbk" else "Küche"
    text = f"train: images/train\nval: images/val\nkpt_shape: [3, 3]\nnames: [a, {name}]\n"
    (root / "data.yaml").write_text(text, encoding=encoding)
    with pytest.raises(ValueError, match=r"data.yaml(, line 4)?: must be text in UTF-8"):
        found(root / "data.yaml")
    (root / "data.yaml").write_text(text, encoding="utf-8-sig")
    assert found(root / "data.yaml") == USUAL


def test_lists_and_labels_in_another_encoding_are_refused(root: Path):
    (root / "train.txt").write_text("images/train/a.jpg\nKüche.jpg\n", encoding="latin-1")
    data = write(root / "data.yaml", train="train.txt")
    with pytest.raises(ValueError, match=r"train.txt, line 2: must be text in UTF-8"):
        found(data)
    (root / "labels/train/b.txt").write_text(LINE + "ü", encoding="latin-1")
    with pytest.raises(ValueError, match=r"b.txt, line 2: must be text in UTF-8"):
        found(write(root / "data.yaml"))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["run", "walk", "run"], "each class must have a name of its own. Received twice: run"),
        ({0: "run", 1: "run"}, "Received twice: run"),
        ({0: "run", "b": "walk"}, "names must be numbered from 0 on"),
        ("person", "names must be a list of texts, none empty. Received: person"),
        (["run", " "], "none empty"),
        ([["run"], "walk"], "must be a list of texts"),
    ],
)
def test_wrong_class_names_are_refused(root: Path, names: object, message: str):
    with pytest.raises(ValueError, match=message):
        found(write(root / "data.yaml", names=names))


def test_a_number_of_classes_that_is_none_is_refused(root: Path):
    with pytest.raises(ValueError, match="nc must be the number of classes. Received: 'two'"):
        found(write(root / "data.yaml", names=[], nc="two"))


def test_a_key_that_comes_twice_is_refused(root: Path):
    data = write(root / "data.yaml")
    data.write_text(data.read_text(encoding="utf-8") + "names: [a, b]\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a key must be given once. Received: names in the lines"):
        found(data)
