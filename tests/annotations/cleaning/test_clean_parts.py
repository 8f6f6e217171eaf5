"""The cleaner of part masks: what it keeps, drops, writes and counts."""

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity.annotations.cleaning.part_gallery import part_gallery
from pose_activity.annotations.cleaning.parts import CleanedParts, clean_parts
from pose_activity.annotations.images import load_rgb, write_image
from pose_activity.annotations.part_files import load_image, load_mask, write_archive
from pose_activity.annotations.parts import PARTS9, PARTS15, PASCAL7
from pose_activity.annotations.raw_parts import RawMask, RawParts, numbers_of
from pose_activity.annotations.readers.part_archives import read_part_archives
from pose_activity.annotations.readers.part_folder import read_part_folder
from pose_activity.annotations.types import PartSample

HEIGHT, WIDTH = 30, 40
IDS = np.zeros((HEIGHT, WIDTH), np.uint8)
IDS[5:15, 10:20], IDS[15:25, 10:20] = PARTS15.index("torso"), PARTS15.index("left_thigh")


@pytest.fixture
def picture(tmp_path) -> Path:
    write_image(tmp_path / "a.jpg", np.full((HEIGHT, WIDTH, 3), 120, np.uint8))
    return tmp_path / "a.jpg"


def raw(picture: Path, ids: np.ndarray, **given) -> RawParts:
    sample = PartSample(picture, picture.with_suffix(".png"), PARTS15, group="man01")
    return RawParts(sample, lambda: numbers_of(ids, PARTS15), **given)


def rules(cleaned: CleanedParts) -> dict[str, int]:
    return {rule: count for rule, count in cleaned.report["rules"].items() if count}


def test_a_clean_mask_is_written_as_it_is(picture, tmp_path):
    cleaned = clean_parts([raw(picture, IDS)], folder=tmp_path / "out")
    (sample,) = cleaned.kept
    assert sample.size == (WIDTH, HEIGHT) and sample.group == "man01"
    assert sample.mask == tmp_path / "out/masks/000001-a.png" and sample.image == picture
    assert np.array_equal(load_mask(sample), IDS)
    assert not rules(cleaned) and not cleaned.notes and not cleaned.rejected
    (dry,) = clean_parts([raw(picture, IDS)], folder=None).kept
    assert dry == replace(sample, mask=picture.with_suffix(".png"))


def test_each_rule_counts_and_shows_what_it_did(picture, tmp_path):
    odd = IDS.copy()
    odd[0, :5] = 77  # no class
    speck = IDS.copy()
    speck[2, 2] = 3
    gone = PartSample(tmp_path / "gone.jpg", tmp_path / "gone.png", PARTS15)

    def no_mask() -> RawMask:
        raise ValueError("there is no such mask")

    raws = [
        raw(picture, odd),
        raw(picture, speck),
        raw(picture, np.zeros_like(IDS)),
        raw(picture, np.full_like(IDS, 99)),
        raw(picture, np.kron(IDS, np.ones((2, 2), np.uint8))),
        raw(picture, IDS.T),
        RawParts(gone, lambda: numbers_of(IDS, PARTS15)),
        RawParts(raw(picture, IDS).sample, no_mask),
    ]
    cleaned = clean_parts(
        raws,
        folder=tmp_path / "out",
        smallest_island=0.003,
        unread=[tmp_path / "b.heic"],
        threads=2,
    )
    assert rules(cleaned) == {
        "other_format": 1,
        "unreadable": 1,
        "no_mask": 1,
        "unknown_mask": 1,
        "mixed_colour": 5,
        "other_size": 2,
        "island": 1,
        "no_person": 1,
    }
    assert len(cleaned.kept) == 4 and cleaned.report["entries"] == 8
    assert [load_mask(sample).tolist() for sample in cleaned.kept[:2]] == [IDS.tolist()] * 2
    assert np.array_equal(load_mask(cleaned.kept[3]), IDS)
    details = {rejection.rule: rejection.detail for rejection in cleaned.rejected}
    assert "100% of its mask have colours or numbers that mean nothing" in details["unknown_mask"]
    assert details["other_size"] == "its mask has 30x40 pixels, the upright picture 40x30"
    assert details["no_mask"] == "there is no such mask" and "gone.jpg" in details["unreadable"]
    assert cleaned.notes[-1] == "1 images show nobody, and are kept."
    assert {case.rule for case in cleaned.cases} == {*rules(cleaned)} - {"other_format"}
    drawn = part_gallery(cleaned.cases)
    assert drawn.ndim == 3 and drawn.std() > 10


def test_colours_that_are_in_no_table(picture, tmp_path):
    """In 90 % of the pixels: the rest says nothing about them."""
    rows = [f"{n},{r},{g},{b}\n" for n, (r, g, b) in zip(PARTS9.names, PARTS9.colours, strict=True)]
    (tmp_path / "colours.csv").write_text("".join(rows), encoding="utf-8")
    image = np.full((HEIGHT, WIDTH, 3), (9, 201, 77), np.uint8)
    image[:, : WIDTH // 10] = PARTS9.colours[3]
    for place, pixels in (("images", image), ("masks", image)):
        write_image(tmp_path / place / "a.png", pixels)
    raws = read_part_folder(tmp_path, scheme=PARTS9, colours=tmp_path / "colours.csv")
    cleaned = clean_parts(raws, folder=tmp_path / "out")
    (rejection,) = cleaned.rejected
    assert rejection.rule == "unknown_mask" and not cleaned.kept
    assert "90% of its mask have colours or numbers that mean nothing" in rejection.detail
    assert "Check the colour table" in rejection.detail


def test_what_the_caller_may_choose(picture, tmp_path):
    empty = raw(picture, np.zeros_like(IDS))
    cleaned = clean_parts([empty], folder=tmp_path, keep_empty=False)
    assert not cleaned.kept and cleaned.rejected[0].rule == "no_person" and not cleaned.notes
    odd = np.where(np.arange(WIDTH) < 3, np.uint8(77), IDS)
    (sample,) = clean_parts([raw(picture, odd)], folder=tmp_path / "o", unknown="ignore").kept
    assert (load_mask(sample)[:, :3] == 255).all()


def test_backgrounds_are_painted_black(picture, tmp_path):
    person = IDS > 8  # less than the parts: what the clothes' mask says decides
    raws = [raw(picture, IDS, read_person=lambda: person), raw(picture, IDS)]
    cleaned = clean_parts(raws, folder=tmp_path / "out", black_background=True)
    for sample, shown in zip(cleaned.kept, (person, IDS > 0), strict=True):
        assert sample.image.parent == tmp_path / "out/images" and np.array_equal(
            load_mask(sample), IDS
        )
        image = load_image(sample)
        assert (image[~shown] == 0).all() and (image[shown] > 90).all()
    assert rules(cleaned)["background"] == 2 and load_rgb(picture).min() > 90


def test_swapped_legs_are_noted(picture, tmp_path):
    ids = IDS.copy()
    ids[15:20, 10:20], ids[20:25, 10:20] = 13, 12  # lower leg above thigh
    cleaned = clean_parts([raw(picture, ids)] * 2, folder=None)
    assert rules(cleaned) == {"upside_down_legs": 2}
    assert cleaned.notes == [
        "In 2 of 2 masks with legs the thighs are below the lower legs: their colours or numbers "
        "seem to be swapped. Correct the colour table."
    ]


def test_frames_of_an_archive(tmp_path):
    images = np.full((2, HEIGHT, WIDTH, 3), 80, np.uint8)
    write_archive(tmp_path / "man01__walk_camera01.npz", images, np.stack([IDS, IDS // 2]))
    cleaned = clean_parts(read_part_archives(tmp_path), folder=tmp_path / "out")
    assert [
        np.array_equal(load_mask(s), i) for s, i in zip(cleaned.kept, (IDS, IDS // 2), strict=True)
    ]
    assert cleaned.kept[1].frame == 1 and cleaned.kept[1].mask.name == "000002-00001.png"
    assert load_image(cleaned.kept[1]).mean() == 80


# --- real masks, where they are ---------------------------------------------------------------


@pytest.fixture
def real() -> Path:
    folder = os.environ.get("POSE_ACTIVITY_DATA")
    if not folder or not (Path(folder) / "parts").is_dir():
        pytest.skip("POSE_ACTIVITY_DATA names no folder with parts/")
    return Path(folder) / "parts"


@pytest.mark.parametrize(
    ("name", "scheme", "images"),
    [("pascal_person_part", PASCAL7, 1716), ("freiburg_sitting", PARTS15, 151)],
)
def test_real_photos_need_no_fixing(real, name, scheme, images):
    raws = list(read_part_folder(real / name, scheme=scheme))
    assert len(raws) == images
    cleaned = clean_parts(raws[:: len(raws) // 12], folder=None)
    # Somebody's thighs are below somebody else's lower legs.
    assert len(cleaned.kept) >= 12 and {*rules(cleaned)} <= {"upside_down_legs"}
    assert not cleaned.notes


def test_shown_panels_lose_their_mixed_colours(real, tmp_path):
    """Colour panels that went through a video: every pixel gets one of the nine classes."""
    table = tmp_path / "colours.csv"
    table.write_text(
        "background,0,0,0\nhead,0,64,128\nupper_arm,128,0,128\nforearm,255,128,128\n"
        "hand,128,128,255\ntorso,255,0,0\nthigh,0,128,128\nlower_leg,0,128,0\nfoot,0,0,128\n",
        encoding="utf-8",
    )
    panels = real / "people3d_panels"
    raws = read_part_folder(
        panels / "masks_as_shown",
        panels / "masks_as_shown",
        scheme=PARTS9,
        colours=table,
        tolerance=30,
    )
    cleaned = clean_parts(raws, folder=tmp_path / "out", cases_per_rule=14)
    assert len(cleaned.kept) == 14 and rules(cleaned)["mixed_colour"] > 14 * 500
    for sample in cleaned.kept:
        ids = load_mask(sample)
        decoded = load_mask(replace(sample, mask=panels / "masks" / sample.image.name))
        assert ids.max() < 9
        # The decoded masks have holes and rims, so only what is inside a part must agree.
        inside = [
            cv2.erode((decoded == part).astype(np.uint8), np.ones((3, 3))) for part in range(9)
        ]
        where = np.any(inside[1:], axis=0)
        assert where.sum() > 500 and np.mean(ids[where] == decoded[where]) > 0.98
