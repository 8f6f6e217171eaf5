"""Drawn people with their body parts."""

import cv2
import numpy as np
import pytest

from pose_activity.annotations.images import load_numbers, load_rgb
from pose_activity.annotations.part_files import load_mask
from pose_activity.annotations.parts import PARTS15
from pose_activity.annotations.synthetic import parts
from pose_activity.annotations.synthetic.body import place, view
from pose_activity.annotations.synthetic.options import DrawnParts
from pose_activity.annotations.synthetic.render import draw_person, parts_shown, wardrobe
from pose_activity.annotations.types import PartSample

SIZE = 96, 72


def asked(images: int) -> DrawnParts:
    return DrawnParts(images=images, width=SIZE[0], height=SIZE[1])


def test_a_part_is_where_its_joints_are():
    """The middle of a bone shows the part of that name and side."""
    rng = np.random.default_rng(1)
    points = place(view("star jump", rng), 0, 1, 200, (400, 400), rng)
    owner = np.full((400, 400), -1, np.int16)
    draw_person(np.zeros((400, 400, 3), np.uint8), owner, 3, points, wardrobe(rng))
    ids = parts_shown(owner)
    bones = {"upper_arm": "shoulder elbow", "forearm": "elbow wrist", "hand": "wrist wrist"}
    bones |= {"thigh": "hip knee", "lower_leg": "knee ankle", "foot": "toe toe"}
    shown = {
        f"{side}_{limb}": ids[y, x]
        for side in ("left", "right")
        for limb, ends in bones.items()
        for x, y in [np.mean([points[f"{side}_{end}"][:2] for end in ends.split()], 0).astype(int)]
    }
    assert {PARTS15.names[number]: number for number in shown.values()} == shown
    x, y = points["face"][:2].astype(int)
    assert ids[y, x] == PARTS15.index("head")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return parts.write(tmp_path_factory.mktemp("drawn"), asked(24), seed=3)


def test_images_and_masks_go_together(folder):
    images = sorted((folder / "images").iterdir())
    assert len(images) == 24 and load_rgb(images[0]).shape == (72, 96, 3)
    masks = [
        load_mask(PartSample(p, folder / "masks" / f"{p.stem}.png", PARTS15, SIZE)) for p in images
    ]
    share = np.bincount(np.concatenate([mask.ravel() for mask in masks]), minlength=15) / 24 / 6912
    assert len(share) == 15 and share.min() > 5e-4 and 0.6 < share[0] < 0.95
    # Somebody is in nearly every picture, and what is drawn differs from what is behind.
    assert sum(mask.any() for mask in masks) > 20
    edges = [cv2.Canny(load_rgb(p), 60, 120) > 0 for p in images]
    outline = [
        cv2.morphologyEx((m > 0).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3))) > 0
        for m in masks
    ]
    at_outlines = np.mean(np.concatenate([e[o] for e, o in zip(edges, outline, strict=True)]))
    assert at_outlines > 3 * np.mean(edges)


def test_a_seed_draws_the_same_bytes(folder, tmp_path):
    parts.write(tmp_path, asked(2), seed=3)
    for name in ("images/000002.jpg", "masks/000002.png"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    parts.write(tmp_path, asked(1), seed=4)
    assert load_numbers(tmp_path / "masks/000001.png").shape == (72, 96)
    assert (tmp_path / "images/000001.jpg").read_bytes() != (
        folder / "images/000001.jpg"
    ).read_bytes()


def test_too_few_or_too_small():
    message = "images must be at least 1. Received: 0; height must be at least 64. Received: 63"
    with pytest.raises(ValueError, match=message):
        DrawnParts(images=0, height=63)
