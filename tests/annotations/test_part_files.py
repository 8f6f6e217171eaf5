"""Masks, archives of clips and samples as files."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pose_activity.annotations.images import ImageError, load_numbers, write_image
from pose_activity.annotations.part_files import (
    load_image,
    load_mask,
    pack_clips,
    read_part_samples,
    write_archive,
    write_mask,
    write_part_samples,
)
from pose_activity.annotations.parts import IGNORE, PARTS9, PARTS15, PASCAL7, PartScheme
from pose_activity.annotations.types import Masks, PartSample

RNG = np.random.default_rng(0)
IDS = RNG.integers(0, 9, (6, 8), np.uint8)


def test_a_mask_comes_back(tmp_path):
    ids = np.where(IDS == 3, IGNORE, IDS)
    path = tmp_path / "deeper" / "a.png"
    write_mask(path, ids)
    sample = PartSample(tmp_path / "a.jpg", path, PARTS9, (8, 6))
    assert np.array_equal(load_mask(sample), ids)
    with pytest.raises(ValueError, match=r"a\.png: class numbers must be below 7 \(pascal7\)"):
        load_mask(PartSample(tmp_path / "a.jpg", path, PASCAL7))
    with pytest.raises(ValueError, match=r"size of its picture, \(6, 8\). Received: \(8, 6\)"):
        load_mask(PartSample(tmp_path / "a.jpg", path, PARTS9, (6, 8)))


def test_positions_in_a_palette_are_the_numbers(tmp_path):
    colours = RNG.permutation(256)[:27].reshape(9, 3)
    colours[8] = colours[4]  # twice: the first is meant
    image = Image.fromarray(IDS).convert("P")
    image.putdata(IDS.ravel().tolist())
    image.putpalette(colours.astype(np.uint8).tobytes())
    image.save(tmp_path / "a.png")
    assert np.array_equal(load_numbers(tmp_path / "a.png"), np.where(IDS == 8, 4, IDS))


def test_what_is_no_mask_of_numbers(tmp_path):
    write_image(tmp_path / "a.png", np.dstack([IDS, IDS, IDS + 1]))
    with pytest.raises(ImageError, match=r"one channel of whole numbers.*\(6, 8, 3\)"):
        load_numbers(tmp_path / "a.png")
    cv2.imwrite(str(tmp_path / "a.jpg"), IDS)
    with pytest.raises(ImageError, match="without loss such as PNG. Received: jpeg"):
        load_numbers(tmp_path / "a.jpg")
    cv2.imwrite(str(tmp_path / "deep.png"), IDS.astype(np.uint16) * 100)
    with pytest.raises(ImageError, match="at most 255. Received: 800"):
        load_numbers(tmp_path / "deep.png")


def test_an_archive_of_a_clip_and_its_frames(tmp_path):
    images, masks = RNG.integers(0, 255, (3, 4, 5, 3), np.uint8), np.zeros((3, 4, 5), np.uint8)
    path = tmp_path / "man01__walk_camera01.npz"
    write_archive(path, images, masks)
    sample = PartSample(path, path, PARTS15, frame=2)
    assert np.array_equal(load_image(sample), images[2])
    assert sample.source.as_posix().endswith("man01__walk_camera01.npz/00002")
    with pytest.raises(ValueError, match="must hold frame 3, counted from 0. It has 3"):
        load_image(PartSample(path, path, PARTS15, frame=3))


def test_a_published_archive_holds_bgr(tmp_path):
    images = RNG.integers(0, 255, (2, 4, 5, 3), np.uint8)
    path = tmp_path / "woman01__walk_camera01.npz"
    np.savez_compressed(path, images)
    assert np.array_equal(
        load_image(PartSample(path, path, PARTS15, frame=1)), images[1, ..., ::-1]
    )


def test_clips_are_packed(tmp_path):
    samples = []
    for number in range(3):
        image, mask = tmp_path / f"walk/{number}.png", tmp_path / f"masks/{number}.png"
        image.parent.mkdir(exist_ok=True)
        write_image(image, np.dstack([IDS + number] * 3))
        write_mask(mask, IDS)
        samples.append(PartSample(image, mask, PARTS9, (8, 6), group="man01"))
    packed = pack_clips(samples, tmp_path / "clips", clip_of=lambda image: image.parent.name)
    assert [sample.frame for sample in packed] == [0, 1, 2]
    assert {sample.image for sample in packed} == {tmp_path / "clips/walk.npz"}
    assert all(
        np.array_equal(load_image(p), load_image(s)) for p, s in zip(packed, samples, strict=True)
    )
    assert np.array_equal(load_mask(packed[2]), IDS)


def test_what_is_no_archive(tmp_path):
    np.savez(tmp_path / "pickled.npz", images=np.array([{"a": 1}], object))
    np.savez(tmp_path / "other.npz", frames=np.zeros(3))
    np.savez(tmp_path / "grey.npz", images=np.zeros((2, 3, 4), np.uint8))
    (tmp_path / "text.npz").write_text("no archive", encoding="utf-8")
    for name, message in (
        ("pickled", "it holds pickled Python objects, which are never loaded"),
        ("other", "the arrays images and masks, or arr_0: 'arr_0 is not a file in the archive'"),
        ("grey", r"images must be \(frames, height, width, 3\) uint8. Received: \(2, 3, 4\)"),
        ("text", "must be an .npz archive with the arrays images and masks"),
        ("missing", "must be an .npz archive with .*No such file"),
    ):
        path = tmp_path / f"{name}.npz"
        with pytest.raises(ValueError, match=message):
            load_image(PartSample(path, path, PARTS15, frame=0))


def test_samples_come_back(tmp_path):
    own = PartScheme("own", ("none", "top"), (("background",), ("head", "torso")))
    samples = [
        PartSample(Path("a.jpg"), Path("a.png"), PARTS9, (3, 4), group="man01", split="train"),
        PartSample(Path("clip.npz"), Path("m/0.png"), own, None, frame=7),
    ]
    write_part_samples(tmp_path / "samples.jsonl", samples)
    assert read_part_samples(tmp_path / "samples.jsonl") == samples
    (tmp_path / "samples.jsonl").write_text('{"image": "a.jpg"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 1: not a sample \(KeyError\('mask'\)\)"):
        read_part_samples(tmp_path / "samples.jsonl")
    with pytest.raises(ValueError, match="there is no such file. Run the step `annotations`"):
        read_part_samples(tmp_path / "none.jsonl")


def test_masks_are_checked_at_birth():
    assert Masks(np.zeros((0, 3), np.uint8), PARTS9).ids.size == 0
    with pytest.raises(ValueError, match=r"must be \(height, width\). Received: \(2, 2, 3\)"):
        Masks(np.zeros((2, 2, 3), np.uint8), PARTS9)
    with pytest.raises(ValueError, match=r"Received: \[9\]"):
        Masks(np.full((2, 2), 9, np.uint8), PARTS9)
