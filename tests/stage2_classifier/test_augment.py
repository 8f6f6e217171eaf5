"""RGB and heatmap move together; colours change in RGB only."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17
from pose_activity.cache.heatmap import draw
from pose_activity.cache.options import Style
from pose_activity.cache.planes import View
from pose_activity.stage2_classifier import augment
from pose_activity.stage2_classifier.options import Augment

STILL: dict[str, Any] = {
    "flip": 0.0,
    "rotate": 0.0,
    "translate": 0.0,
    "scale": 0.0,
    "hue": 0.0,
    "saturation": 0.0,
    "value": 0.0,
    "brightness": 0.0,
    "contrast": 0.0,
}


def still(**knobs: Any) -> Augment:
    """Nothing but what is named."""
    return Augment(**{**STILL, **knobs})


SIZE = (120, 160)
BOTH = ("rgb", "heatmap")


@pytest.fixture
def keypoints() -> np.ndarray:
    rng = np.random.default_rng(3)
    points = np.ones((2, len(COCO17), 3), np.float32)
    points[..., :2] = rng.uniform((30, 30), (130, 90), (2, len(COCO17), 2))
    return points


def _tensor(keypoints: np.ndarray, style: Style) -> np.ndarray:
    rgb = np.random.default_rng(0).integers(40, 200, (*SIZE, 3), dtype=np.uint8)
    return np.dstack([rgb, draw(keypoints, COCO17, SIZE, style)])


def test_nothing_asked_nothing_changed(keypoints):
    tensor = _tensor(keypoints, Style())
    assert np.array_equal(augment.build(BOTH, still())(tensor, 5), tensor)


@pytest.mark.parametrize("style", ["skeleton", "gaussian"])
def test_a_flipped_heatmap_is_the_heatmap_of_flipped_joints(keypoints, style):
    # LINE_8 and the 1/16 pixel grid are not symmetric: edges of lines may move by one pixel, so the
    # skeleton is compared by overlap; blobs are equal but for rounding.
    drawn = Style(style=style, sigma=4.0)
    flipped = augment.build(BOTH, still(flip=1.0))(_tensor(keypoints, drawn), 0)[..., 3]
    mirrored = keypoints[:, COCO17.flip_index].copy()
    mirrored[..., 0] = SIZE[1] - 1 - mirrored[..., 0]
    expected = draw(mirrored, COCO17, SIZE, drawn)
    unflipped = draw(keypoints, COCO17, SIZE, drawn)
    if style == "gaussian":
        assert np.abs(flipped.astype(int) - expected).max() <= 3
    assert _overlap(flipped, expected) > 0.9
    assert _overlap(flipped, unflipped) < 0.6


def test_rgb_flips_with_the_heatmap(keypoints):
    tensor = _tensor(keypoints, Style())
    flipped = augment.build(BOTH, still(flip=1.0))(tensor, 0)
    assert np.array_equal(flipped, tensor[:, ::-1])


def test_all_planes_of_bodies_move_together():
    """Parts as masks; the two pictures with the same changes of colours."""
    planes = ("rgb", "parts", "heatmap", "rgb_person")
    rgb = np.random.default_rng(0).integers(40, 200, (*SIZE, 3), dtype=np.uint8)
    shown = np.zeros((*SIZE, 1), np.uint8)
    shown[30:90, 40:100] = 1
    parts = np.arange(10, 70, 10, dtype=np.uint8) * shown
    tensor = np.concatenate([rgb, parts, shown * 200, rgb * shown], axis=2)
    flipped = augment.build(planes, still(flip=1.0))(tensor, 0)
    assert np.array_equal(flipped, tensor[:, ::-1])
    moved = augment.build(planes, still(rotate=20.0, scale=0.2, brightness=0.3))(tensor, 4)
    inside = moved[..., 9] == 200
    assert inside.sum() > 1000
    assert np.mean((moved[..., 3:9] == np.arange(10, 70, 10))[inside]) > 0.95
    assert np.mean(moved[..., :3][inside] == moved[..., 10:][inside]) > 0.95
    alone = augment.build(("parts",), still(flip=1.0))(parts, 0)
    assert np.array_equal(alone, parts[:, ::-1])


def test_rgb_and_heatmap_move_together():
    # One bright square in all planes: after any move, all planes must still agree.
    tensor = np.zeros((*SIZE, 4), np.uint8)
    tensor[40:70, 60:110] = 250
    change = augment.build(BOTH, still(flip=0.5, rotate=25.0, translate=0.1, scale=0.2))
    places = set()
    for seed in range(8):
        moved = change(tensor, seed)
        rgb = moved[..., 0] > 180  # what comes in from outside is grey 114
        heatmap = moved[..., 3] > 180
        assert _overlap(rgb, heatmap) > 0.97
        places.add(tuple(np.argwhere(heatmap).mean(0).round().tolist()))
    assert len(places) > 4


@pytest.mark.parametrize("knob", ["shear", "perspective"])
def test_slanted_planes_agree(knob):
    tensor = np.zeros((*SIZE, 4), np.uint8)
    tensor[40:70, 60:110] = 250
    change = augment.build(BOTH, still(**{knob: {"shear": 20.0, "perspective": 0.1}[knob]}))
    for seed in range(4):
        moved = change(tensor, seed)
        assert _overlap(moved[..., 0] > 180, moved[..., 3] > 180) > 0.95
        assert _overlap(moved[..., 3] > 180, tensor[..., 3] > 180) < 0.98


@pytest.mark.parametrize(
    ("knobs", "unit", "largest"),
    [
        ({"rotate": 20.0}, "rotation", 20.0),
        ({"shear": 15.0}, "shear", 15.0),
        ({"scale": 0.2}, "scale", 0.2),
        ({"translate": 0.1}, "shift", 0.1),
    ],
)
def test_units_of_the_moves(knobs, unit, largest):
    """Three blobs tell the affine map, by hand arithmetic on their centres of mass."""
    before = np.array([[60, 40], [100, 50], [70, 80]], np.float32)
    blobs = [np.ones((1, len(COCO17), 3), np.float32) for _ in before]
    for blob, point in zip(blobs, before, strict=True):
        blob[..., :2] = point
    style = Style(style="gaussian", sigma=2.0)
    planes = [draw(blob, COCO17, SIZE, style) for blob in blobs]
    change = augment.build(("heatmap",), still(**knobs))
    seen = []
    for seed in range(40):
        moved = np.array([_centre(change(plane[..., None], seed)) for plane in planes])
        matrix = np.linalg.solve(np.c_[before, np.ones(3)], moved).T
        seen.append(_measure(matrix)[unit])
    assert 0.7 * largest < max(np.abs(seen)) < 1.1 * largest
    assert min(seen) < 0 < max(seen)


def _centre(plane: np.ndarray) -> tuple[float, float]:
    y, x = np.indices(plane.shape[:2])
    mass = plane[..., 0].astype(float)
    return float((x * mass).sum() / mass.sum()), float((y * mass).sum() / mass.sum())


def _measure(matrix: np.ndarray) -> dict[str, float]:
    (a, b), (c, d) = matrix[:, :2]
    middle = np.array([(SIZE[1] - 1) / 2, (SIZE[0] - 1) / 2])
    shift = matrix[:, :2] @ middle + matrix[:, 2] - middle
    return {
        "rotation": float(np.degrees(np.arctan2(c, a))),
        "shear": float(np.degrees(np.arctan2(b, d))),
        "scale": float(np.sqrt(a * d - b * c) - 1),
        "shift": float(shift[0] / SIZE[1]),
    }


@pytest.mark.parametrize(
    "knobs",
    [{"grayscale": 1.0}, {"blur": 3.0}, {"noise": 0.2}, {"compression": 0.9}, {"holes": 5}],
    ids=lambda knobs: next(iter(knobs)),
)
def test_looks_change_rgb_alone(keypoints, knobs):
    tensor = _tensor(keypoints, Style())
    change = augment.build(BOTH, still(**knobs))
    changed = [change(tensor, seed) for seed in range(6)]
    assert all(np.array_equal(c[..., 3], tensor[..., 3]) for c in changed)
    assert any(not np.array_equal(c[..., :3], tensor[..., :3]) for c in changed)
    assert np.array_equal(changed[2], change(tensor, 2))


def test_grayscale_makes_three_equal_channels(keypoints):
    grey = augment.build(BOTH, still(grayscale=1.0))(_tensor(keypoints, Style()), 0)
    assert (grey[..., 0] == grey[..., 1]).all() and (grey[..., 0] == grey[..., 2]).all()


def test_noise_has_at_most_the_asked_deviation():
    tensor = np.full((*SIZE, 3), 128, np.uint8)
    change = augment.build(("rgb",), still(noise=0.1))
    deviations = [(change(tensor, seed) - 128.0).std() / 255 for seed in range(30)]
    assert 0.08 < max(deviations) < 0.103 and min(deviations) < 0.03


def test_holes_are_grey_and_of_the_asked_size():
    tensor = np.full((*SIZE, 3), 250, np.uint8)
    change = augment.build(("rgb",), still(holes=1, hole_size=0.4))
    shares = [float((change(tensor, seed) == 114).all(-1).mean()) for seed in range(60)]
    assert 0.3 < np.mean(np.array(shares) == 0) < 0.7  # none or one, as likely
    assert all(0.03 < share <= 0.4**2 for share in shares if share)


def test_a_dropped_heatmap_is_blank_and_changes_nothing_else(keypoints):
    tensor = _tensor(keypoints, Style())
    kept, dropped = (augment.build(BOTH, Augment(heatmap_dropout=p)) for p in (0.0, 0.5))
    blank = 0
    for seed in range(40):
        a, b = kept(tensor, seed), dropped(tensor, seed)
        assert np.array_equal(a[..., :3], b[..., :3])
        blank += not b[..., 3].any()
        assert not b[..., 3].any() or np.array_equal(a[..., 3], b[..., 3])
    assert 12 <= blank <= 28


def test_what_comes_in_from_outside_is_grey_and_no_heatmap():
    tensor = np.full((*SIZE, 4), 200, np.uint8)
    moved = augment.build(BOTH, still(rotate=45.0))(tensor, 1)
    corners = moved[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners[:, :3] == 114).all() and (corners[:, 3] == 0).all()


def test_colours_leave_the_heatmap_alone(keypoints):
    tensor = _tensor(keypoints, Style())
    colours = {"hue": 0.1, "saturation": 0.5, "value": 0.3, "brightness": 0.3, "contrast": 0.3}
    changed = augment.build(BOTH, still(**colours))(tensor, 3)
    assert np.array_equal(changed[..., 3], tensor[..., 3])
    assert (changed[..., :3] != tensor[..., :3]).mean() > 0.5


@pytest.mark.parametrize(
    "planes", [("rgb",), ("heatmap",), ("rgb", "heatmap"), ("heatmap", "rgb")], ids="+".join
)
def test_any_planes(planes):
    channels = sum({"rgb": 3, "heatmap": 1}[plane] for plane in planes)
    tensor = np.random.default_rng(0).integers(0, 256, (*SIZE, channels), dtype=np.uint8)
    before = tensor.copy()
    change = augment.build(planes)
    changed = change(tensor, 1)
    assert changed.shape == tensor.shape and changed.dtype == np.uint8
    assert np.array_equal(tensor, before)
    assert not np.array_equal(changed, tensor)


def test_the_order_of_planes_does_not_matter(keypoints):
    tensor = _tensor(keypoints, Style())
    turned = augment.build(("heatmap", "rgb"))(np.roll(tensor, 1, axis=2), 9)
    assert np.array_equal(np.roll(turned, -1, axis=2), augment.build(BOTH)(tensor, 9))


def test_the_seed_decides(keypoints):
    tensor, first, second = _tensor(keypoints, Style()), augment.build(BOTH), augment.build(BOTH)
    first(tensor, 1)
    assert np.array_equal(first(tensor, 7), second(tensor, 7))
    assert not np.array_equal(first(tensor, 7), first(tensor, 8))


@pytest.mark.parametrize("strength", [0.1, 0.5])
def test_drawn_changes_keep_rgb_and_heatmap_together(strength):
    tensor = np.zeros((*SIZE, 4), np.uint8)
    tensor[..., :3] = 114  # as what comes in from outside
    tensor[40:70, 60:110] = 250
    change = augment.build(BOTH, still(random_changes=2, random_strength=strength))
    changed = [change(tensor, seed) for seed in range(30)]
    assert np.array_equal(changed[4], change(tensor, 4))
    moved = [not np.array_equal(c[..., 3], tensor[..., 3]) for c in changed]
    assert any(moved) and not all(moved)  # a list of moves and looks
    for each in changed:
        red, heat = each[..., 0].astype(int), each[..., 3]
        middle = (np.median(red[heat > 200]) + np.median(red[heat < 50])) / 2
        assert _overlap(red > middle, heat > 125) > 0.85


def test_views_are_changed_each_in_its_own_way(keypoints):
    tensor = _tensor(keypoints, Style())
    views = {name: View(BOTH, SIZE[1], SIZE[0], Style()) for name in ("picture", "person")}
    found = np.ones(1, np.uint8)
    x = {"picture": tensor, "person": tensor, "found": found}
    changed = augment.build_views(views)(x, 3)
    assert [*changed] == [*x] and changed["found"] is found
    assert not np.array_equal(changed["picture"], changed["person"])
    again = augment.build_views(views)(x, 3)
    assert all(np.array_equal(changed[name], again[name]) for name in x)


def test_one_view_is_an_array(keypoints):
    tensor = _tensor(keypoints, Style())
    views = {"x": View(BOTH, SIZE[1], SIZE[0], Style())}
    assert np.array_equal(augment.build_views(views)(tensor, 3), augment.build(BOTH)(tensor, 3))


def test_brings_no_torch_along():
    script = (
        "import sys; from pose_activity.stage2_classifier import augment; augment.build(('rgb',)); "
    )
    script += "print(sorted({'torch', 'tensorflow', 'keras'} & set(sys.modules)))"
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    assert run.stdout.strip() == "[]"


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Sum of the minima over the sum of the maxima: intersection over union for masks."""
    return float(np.minimum(a, b).sum() / np.maximum(a, b).sum())
