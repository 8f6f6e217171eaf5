"""Readers of part masks, on small data sets written in the formats."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from pose_activity.annotations.images import write_image
from pose_activity.annotations.part_files import load_image, write_archive, write_mask
from pose_activity.annotations.parts import PARTS9, PARTS15, PASCAL7, UNKNOWN
from pose_activity.annotations.readers.part_archives import read_part_archives
from pose_activity.annotations.readers.part_folder import read_part_folder
from pose_activity.annotations.readers.people3d import clip_name, read_people3d

RNG = np.random.default_rng(0)
IDS = RNG.integers(0, 15, (6, 8), np.uint8)
COLOURS = np.array(PARTS15.colours, np.uint8)


def image_at(path: Path, value: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, np.full((6, 8, 3), value, np.uint8))
    return path


def one(raws):
    (raw,) = raws
    return raw


# --- a folder of images and one of masks ------------------------------------------------------


@pytest.mark.parametrize("ending", ["png", "npy", "mat"])
def test_numbers_in_each_format(tmp_path, ending):
    image_at(tmp_path / "images/deeper/a.jpg")
    mask = tmp_path / f"masks/deeper/a.{ending}"
    mask.parent.mkdir(parents=True)
    if ending == "png":
        write_mask(mask, IDS)
    elif ending == "npy":
        np.save(mask, IDS.astype(np.int64))
    else:
        savemat(mask, {"label": IDS.astype(float), "note": "who knows"})
    raw = one(read_part_folder(tmp_path))
    assert raw.sample.image.name == "a.jpg" and raw.sample.scheme == PARTS15
    assert np.array_equal(raw.read_mask().ids, IDS)


def test_numbers_that_are_no_classes_are_unknown(tmp_path):
    image_at(tmp_path / "images/a.jpg")
    write_mask(tmp_path / "masks/a.png", IDS)
    ids = one(read_part_folder(tmp_path, scheme=PASCAL7)).read_mask().ids
    assert np.array_equal(ids, np.where(IDS < 7, IDS, UNKNOWN))


def test_colours_need_a_table(tmp_path):
    image_at(tmp_path / "i/a.jpg")
    (tmp_path / "m").mkdir()
    write_image(tmp_path / "m/a.png", COLOURS[IDS])
    with pytest.raises(ValueError, match="one channel of whole numbers"):
        one(read_part_folder(tmp_path / "i", tmp_path / "m")).read_mask()
    rows = [
        f"{n},{r},{g},{b}\n" for n, (r, g, b) in zip(PARTS15.names, PARTS15.colours, strict=True)
    ]
    (tmp_path / "colours.csv").write_text("".join(rows), encoding="utf-8")
    raws = read_part_folder(tmp_path / "i", tmp_path / "m", colours=tmp_path / "colours.csv")
    raw = one(raws).read_mask()
    assert np.array_equal(raw.ids, IDS) and raw.image is not None and raw.table is not None


def test_splits_groups_and_what_is_alone(tmp_path):
    for name in ("train/man1_0", "train/man1_1", "val/man2_0", "test/man3_0"):
        image_at(tmp_path / f"images/{name}.jpg")
    for name in ("train/man1_0", "val/man2_0", "test/man3_0", "test/alone"):
        write_mask(tmp_path / f"masks/{name}.png", IDS)
    notes = []
    raws = [*read_part_folder(tmp_path, group_pattern="(?P<group>man[0-9])", on_note=notes.append)]
    assert [raw.sample.split for raw in raws] == ["test", "train", "train", "val"]
    assert [raw.sample.group for raw in raws] == ["man3", "man1", "man1", "man2"]
    assert notes == [f"{tmp_path / 'masks'}: 1 masks have no image: alone.png."]
    with pytest.raises(ValueError, match="man1_1.png: there is no such mask. Add it, or remove"):
        raws[2].read_mask()


def test_folders_that_do_not_fit(tmp_path):
    image_at(tmp_path / "images/a.jpg")
    with pytest.raises(ValueError, match="masks: there is no such folder"):
        list(read_part_folder(tmp_path))
    write_mask(tmp_path / "masks/b.png", IDS)
    with pytest.raises(ValueError, match="called like the images in .* such as a.png. It holds: b"):
        list(read_part_folder(tmp_path))
    write_mask(tmp_path / "masks/a.png", IDS)
    np.save(tmp_path / "masks/a.npy", IDS)
    with pytest.raises(ValueError, match="an image must have one mask. Received: a.npy and a.png"):
        list(read_part_folder(tmp_path))


def test_arrays_that_are_no_masks(tmp_path):
    image_at(tmp_path / "images/a.jpg")
    (tmp_path / "masks").mkdir()
    for array, message in (
        (np.zeros((2, 3, 4), np.uint8), r"\(height, width\) of whole numbers.*\(2, 3, 4\) uint8"),
        (np.full((2, 2), 0.5), "whole numbers of 0 to 255"),
        (np.full((2, 2), -1), "whole numbers of 0 to 255"),
        (np.array([{}], object), "a pickled or damaged one"),
    ):
        np.save(tmp_path / "masks/a.npy", array)
        with pytest.raises(ValueError, match=message):
            one(read_part_folder(tmp_path)).read_mask()
    os.remove(tmp_path / "masks/a.npy")
    savemat(tmp_path / "masks/a.mat", {"one": IDS, "two": IDS})
    with pytest.raises(ValueError, match="must hold one array of class numbers.*one, two"):
        one(read_part_folder(tmp_path)).read_mask()


# --- 3DPeople ---------------------------------------------------------------------------------


@pytest.fixture
def people3d(tmp_path):
    for person, action in (("woman33", "01_walk"), ("man34", "02_04_jump")):
        for camera in ("camera01", "camera02"):
            for number in (1, 2):
                clip = f"{person}/{action}/{camera}"
                image_at(tmp_path / f"rgb/{clip}/skin08_top70/{number:04d}.jpg")
                for kind, colours in (("body", COLOURS[IDS]), ("clothes", COLOURS[IDS // 8])):
                    path = tmp_path / f"segmentation_{kind}/{clip}/{number:04d}.png"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    write_image(path, colours)
    return tmp_path


def test_3dpeople_by_person_with_its_official_test(people3d):
    raws = [*read_people3d(people3d)]
    assert len(raws) == 8 and {raw.sample.group for raw in raws} == {"woman33", "man34"}
    assert all((raw.sample.split == "test") == (raw.sample.group == "man34") for raw in raws)
    assert np.array_equal(raws[0].read_mask().ids, IDS)
    assert raws[0].read_person and np.array_equal(raws[0].read_person(), IDS >= 8)
    assert clip_name(raws[0].sample.image) == "man34__02_04_jump_camera01"
    assert len([*read_people3d(people3d, every=2)]) == 4


def test_3dpeople_with_the_other_colours_of_the_left_leg(people3d):
    path = people3d / "colours.csv"
    swap = {12: 13, 13: 12}
    rows = [
        f"{name},{','.join(map(str, PARTS15.colours[swap.get(number, number)]))}\n"
        for number, name in enumerate(PARTS15.names)
    ]
    path.write_text("".join(rows), encoding="utf-8")
    ids = next(read_people3d(people3d, colours=path)).read_mask().ids
    assert np.array_equal(ids, np.array([*range(12), 13, 12, 14])[IDS])


def test_what_is_not_3dpeople(tmp_path, people3d):
    with pytest.raises(ValueError, match="must hold the folders rgb and segmentation_body"):
        list(read_people3d(people3d / "rgb"))
    image_at(people3d / "rgb/flat.jpg")
    notes = []
    assert len([*read_people3d(people3d, on_note=notes.append)]) == 8
    assert notes == ["1 images are in no clip's folder: flat.jpg."]


# --- archives ---------------------------------------------------------------------------------


def test_own_archives(tmp_path):
    images, masks = RNG.integers(0, 255, (3, 6, 8, 3), np.uint8), np.stack([IDS, IDS, IDS // 2])
    write_archive(tmp_path / "woman33__walk_camera01.npz", images, masks)
    write_archive(tmp_path / "skater.npz", images[:1], masks[:1])
    raws = [*read_part_archives(tmp_path, scheme=PARTS15)]
    assert [raw.sample.group for raw in raws] == ["skater", *["woman33"] * 3]
    assert [raw.sample.split for raw in raws] == [None, *["train"] * 3]
    assert np.array_equal(raws[3].read_mask().ids, IDS // 2)
    assert np.array_equal(load_image(raws[3].sample), images[2])
    assert [raw.sample.frame for raw in read_part_archives(tmp_path, every=2)] == [0, 0, 2]


def test_published_archives(tmp_path):
    images = RNG.integers(0, 255, (2, 6, 8, 3), np.uint8)
    for folder, array in (("rgb", images[..., ::-1]), ("masks", np.stack([IDS % 9] * 2))):
        (tmp_path / folder).mkdir()
        np.savez_compressed(tmp_path / folder / "man40__05_run_camera02.npz", array)
    raws = [*read_part_archives(tmp_path, scheme=PARTS9)]
    assert np.array_equal(load_image(raws[1].sample), images[1])
    assert np.array_equal(raws[1].read_mask().ids, IDS % 9)
    assert raws[0].sample.group == "man40" and raws[0].sample.split == "test"


def test_archives_that_are_none(tmp_path):
    with pytest.raises(ValueError, match="must hold .npz archives of clips"):
        list(read_part_archives(tmp_path))
    np.savez(tmp_path / "a.npz", masks=np.array([{}], object))
    with pytest.raises(
        ValueError, match=r"a\.npz: .*pickled Python objects, which are never loaded"
    ):
        list(read_part_archives(tmp_path))
    write_archive(
        tmp_path / "a.npz", np.zeros((2, 6, 8, 3), np.uint8), np.zeros((3, 6, 8), np.uint8)
    )
    with pytest.raises(ValueError, match="must have a mask per image. It has 3 masks; a.npz has 2"):
        list(read_part_archives(tmp_path))


def test_a_mask_of_one_colour_channel_with_a_table(tmp_path):
    image_at(tmp_path / "images/a.jpg")
    (tmp_path / "masks").mkdir()
    cv2.imwrite(str(tmp_path / "masks/a.png"), np.where(IDS > 7, 200, 0).astype(np.uint8))
    (tmp_path / "c.csv").write_text("bg,0,0,0\nhead,200,200,200\n", encoding="utf-8")
    ids = one(read_part_folder(tmp_path, colours=tmp_path / "c.csv")).read_mask().ids
    assert np.array_equal(ids, IDS > 7)
