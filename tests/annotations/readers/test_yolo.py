"""What is written reads back; ultralytics' own layout rules; pictures stay as they are."""

import hashlib
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from PIL import Image

from pose_activity.annotations.images import load_rgb, read_size
from pose_activity.annotations.readers.yolo import flip_index, read_yolo, write_yolo
from pose_activity.annotations.skeleton import COCO17, MPII16, Skeleton
from pose_activity.annotations.types import Sample, no_people
from tests.stage1_pose.conftest import drawn_samples


@pytest.mark.parametrize("skeleton", [MPII16, COCO17])
def test_round_trip(tmp_path: Path, skeleton: Skeleton):
    samples = drawn_samples(tmp_path / "in", 8, skeleton)
    samples[2] = replace(
        samples[2],
        **dict(zip(("boxes", "keypoints", "head_sizes"), no_people(skeleton), strict=True)),
    )
    samples[3] = replace(
        samples[3],
        boxes=np.repeat(samples[3].boxes, 3, 0),
        keypoints=np.repeat(samples[3].keypoints, 3, 0),
        head_sizes=np.zeros(3, np.float32),
    )
    back = list(read_yolo(write_yolo(iter(samples), tmp_path / "out", skeleton=skeleton)))
    assert len(back) == len(samples)
    for one, other in zip(samples, back, strict=True):
        assert (one.size, one.split, one.skeleton) == (other.size, other.split, other.skeleton)
        np.testing.assert_allclose(other.boxes, one.boxes, atol=1e-3)
        np.testing.assert_allclose(other.keypoints, one.keypoints, atol=1e-3)
        np.testing.assert_array_equal(other.keypoints[..., 2], one.keypoints[..., 2])
        assert other.image.read_bytes() == one.image.read_bytes()


def test_a_line_is_what_yolo_reads(tmp_path: Path):
    samples = drawn_samples(tmp_path / "in", 4)
    data = write_yolo(samples, tmp_path / "out", skeleton=MPII16)
    (row,) = (
        (tmp_path / "out/labels/train/000000_pose_0_ü.txt").read_text(encoding="utf-8").splitlines()
    )
    numbers = [float(word) for word in row.split()]
    x1, y1, x2, y2 = samples[0].boxes[0]
    assert len(numbers) == 5 + 3 * 16
    hand = [0, (x1 + x2) / 2 / 96, (y1 + y2) / 2 / 72, (x2 - x1) / 96, (y2 - y1) / 72]
    assert numbers[:5] == pytest.approx(hand, abs=1e-6)
    assert numbers[5:8] == [0, 0, 0] and numbers[10] == 1 and numbers[13] == 2
    description = yaml.safe_load(data.read_text(encoding="utf-8"))
    assert description["kpt_shape"] == [16, 3] and description["names"] == {0: "person"}
    assert description["flip_idx"] == [5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10]


def test_pictures_of_one_name_stay_apart_and_unmodified(tmp_path: Path):
    one, two = (drawn_samples(tmp_path / name, 2) for name in "ab")
    before = [hashlib.sha256(s.image.read_bytes()).digest() for s in (*one, *two)]
    write_yolo([*one, *two], tmp_path / "out", skeleton=MPII16)
    assert len(list((tmp_path / "out/images").rglob("*.jpg"))) == 4
    assert [hashlib.sha256(s.image.read_bytes()).digest() for s in (*one, *two)] == before


@pytest.mark.parametrize("resize", [None, (64, 48)])
def test_whoever_writes_into_the_set_reaches_no_original(tmp_path: Path, resize: tuple | None):
    """As ultralytics does: it rewrites a JPEG that does not end with its marker where it lies."""
    (tmp_path / "in").mkdir()
    samples = drawn_samples(tmp_path / "in", 4)
    samples[0].image.write_bytes(samples[0].image.read_bytes() + b"\0\0")
    linked = samples[1].image.with_name("linked.jpg")
    linked.symlink_to(samples[1].image)
    samples[1] = replace(samples[1], image=linked)
    before = [sample.image.read_bytes() for sample in samples]
    write_yolo(samples, tmp_path / "out", skeleton=MPII16, resize=resize)
    for path in (tmp_path / "out/images").rglob("*.jpg"):
        assert not path.is_symlink() and path.stat().st_nlink == 1
        path.write_bytes(b"rewritten")
    assert [sample.image.read_bytes() for sample in samples] == before


@pytest.mark.parametrize("name", ["n" * 251, "ü" * 123, "図" * 83, "😀" * 62])
def test_long_names_fit_with_what_ultralytics_adds(tmp_path: Path, name: str):
    samples = drawn_samples(tmp_path / "in", 4)
    samples[0] = replace(samples[0], image=samples[0].image.rename(tmp_path / f"{name}.jpg"))
    write_yolo(samples, tmp_path / "out", skeleton=MPII16)
    first = min((tmp_path / "out/images/train").iterdir())
    assert first.name.startswith(f"000000_{name[:2].replace('😀', '_')}")
    assert first.read_bytes() == samples[0].image.read_bytes()
    added = len(f".{'0' * 32}")  # ultralytics' name of a restored JPEG, before it is swapped in
    assert len(first.name.encode()) + added <= 143, "eCryptfs' longest name"


@pytest.mark.parametrize("ending", [".gif", ".jfif", ".jp2", ".ppm", ".avif", ".tif", ".strange"])
def test_what_ultralytics_would_pass_over_becomes_a_png(tmp_path: Path, ending: str):
    samples = drawn_samples(tmp_path / "in", 4)
    strange = samples[0].image.with_suffix(ending)
    image = cv2.imread(str(samples[0].image))
    assert image is not None
    kind = {".jfif": ".jpg", ".strange": ".bmp"}.get(ending, ending)
    data = cv2.imencode(kind, image)[1]
    strange.write_bytes(data.tobytes())
    samples[0] = replace(samples[0], image=strange)
    write_yolo(samples, tmp_path / "out", skeleton=MPII16)
    written = tmp_path / "out/images/train/000000_pose_0_ü.png"
    with Image.open(written) as image:
        assert (np.asarray(image) == load_rgb(strange)).all()


def test_squashed_copies_keep_the_labels_fractions(tmp_path: Path):
    samples = drawn_samples(tmp_path / "in", 4)
    data = write_yolo(samples, tmp_path / "out", skeleton=MPII16, resize=(64, 96))
    for one, other in zip(samples, read_yolo(data), strict=True):
        assert other.size == (64, 96)
        scale = np.array([64 / 96, 96 / 72, 1], np.float32)
        np.testing.assert_allclose(other.keypoints, one.keypoints * scale, atol=1e-3)


def test_an_exif_turned_picture_is_labelled_upright(tmp_path: Path):
    samples = drawn_samples(tmp_path / "in", 4)
    picture = Image.new("RGB", (72, 96))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(samples[0].image, exif=exif)
    assert read_size(samples[0].image) == (96, 72)
    data = write_yolo(samples, tmp_path / "out", skeleton=MPII16)
    back = next(read_yolo(data))
    assert back.size == (96, 72)
    np.testing.assert_allclose(back.keypoints, samples[0].keypoints, atol=1e-3)


def broken(sample: Sample, **changes: object) -> Sample:
    return replace(sample, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": None}, "YOLO needs a known size, a split"),
        ({"split": None}, "Received: .*None, 'mpii16'"),
        ({"size": (40, 40)}, "be in the picture of 40x40. Clean the samples first"),
        ({"boxes": np.zeros((1, 4), np.float32)}, "boxes must have an area"),
        ({"keypoints": np.full((1, 16, 3), 0.7, np.float32)}, "v is 0, 0.5 or 1. Received"),
    ],
)
def test_samples_that_yolo_cannot_hold(tmp_path: Path, changes: dict, message: str):
    samples = drawn_samples(tmp_path / "in", 4)
    with pytest.raises(ValueError, match=message):
        write_yolo([broken(samples[0], **changes)], tmp_path / "out", skeleton=MPII16)
    assert not (tmp_path / "out/data.yaml").exists()


def test_train_and_val_are_needed(tmp_path: Path):
    samples = drawn_samples(tmp_path / "in", 4)[:2]
    with pytest.raises(ValueError, match="train and val. Received: {'train': 2}"):
        write_yolo(samples, tmp_path / "out", skeleton=MPII16)


def test_a_used_folder_is_refused(tmp_path: Path):
    with pytest.raises(FileExistsError, match="new or empty folder"):
        write_yolo(drawn_samples(tmp_path, 4), tmp_path, skeleton=MPII16)


def test_flip_index_must_be_an_involution():
    wrong = Skeleton("wrong", ("a", "b", "c"), (("a", "b"), ("b", "c")), ())
    with pytest.raises(ValueError, match="Mirroring skeleton 'wrong' twice"):
        flip_index(wrong)


def test_reading_foreign_or_damaged_files(tmp_path: Path):
    data = write_yolo(drawn_samples(tmp_path / "in", 4), tmp_path / "out", skeleton=MPII16)
    next((tmp_path / "out/labels/train").iterdir()).write_text("0 0.5 0.5 1 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a line holds 53 numbers. Received: \[5\]"):
        list(read_yolo(data))
    description = yaml.safe_load(data.read_text(encoding="utf-8"))
    data.write_text(yaml.safe_dump({**description, "kpt_names": {0: ["tail"]}}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"kpt_names must name 16 joints. Received: \['tail'\]"):
        next(read_yolo(data))
    data.write_text("train: images/train", encoding="utf-8")
    with pytest.raises(ValueError, match="Missing: kpt_shape, names. Received: \\['train'\\]"):
        next(read_yolo(data))
