"""RGB and heatmap move together; colours change in RGB only."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from annotations.skeleton import COCO17
from cache.heatmap import Style, draw
from stage2_classifier import augment

STILL = {
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
    assert np.array_equal(augment.build(BOTH, **STILL)(tensor, 5), tensor)


@pytest.mark.parametrize("style", ["skeleton", "gaussian"])
def test_a_flipped_heatmap_is_the_heatmap_of_flipped_joints(keypoints, style):
    # LINE_8 and the 1/16 pixel grid are not symmetric: edges of lines may move by one pixel, so the
    # skeleton is compared by overlap; blobs are equal but for rounding.
    drawn = Style(style=style, sigma=4.0)
    flipped = augment.build(BOTH, **{**STILL, "flip": 1.0})(_tensor(keypoints, drawn), 0)[..., 3]
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
    flipped = augment.build(BOTH, **{**STILL, "flip": 1.0})(tensor, 0)
    assert np.array_equal(flipped, tensor[:, ::-1])


def test_rgb_and_heatmap_move_together():
    # One bright square in all planes: after any move, all planes must still agree.
    tensor = np.zeros((*SIZE, 4), np.uint8)
    tensor[40:70, 60:110] = 250
    change = augment.build(
        BOTH, **{**STILL, "flip": 0.5, "rotate": 25.0, "translate": 0.1, "scale": 0.2}
    )
    places = set()
    for seed in range(8):
        moved = change(tensor, seed)
        rgb = moved[..., 0] > 180  # what comes in from outside is grey 114
        heatmap = moved[..., 3] > 180
        assert _overlap(rgb, heatmap) > 0.97
        places.add(tuple(np.argwhere(heatmap).mean(0).round().tolist()))
    assert len(places) > 4


def test_what_comes_in_from_outside_is_grey_and_no_heatmap():
    tensor = np.full((*SIZE, 4), 200, np.uint8)
    moved = augment.build(BOTH, **{**STILL, "rotate": 45.0})(tensor, 1)
    corners = moved[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners[:, :3] == 114).all() and (corners[:, 3] == 0).all()


def test_colours_leave_the_heatmap_alone(keypoints):
    tensor = _tensor(keypoints, Style())
    colours = {"hue": 0.1, "saturation": 0.5, "value": 0.3, "brightness": 0.3, "contrast": 0.3}
    changed = augment.build(BOTH, **{**STILL, **colours})(tensor, 3)
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


def test_brings_no_torch_along():
    script = "import sys; from stage2_classifier import augment; augment.build(('rgb',)); "
    script += "print(sorted({'torch', 'tensorflow', 'keras'} & set(sys.modules)))"
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Sum of the minima over the sum of the maxima: intersection over union for masks."""
    return float(np.minimum(a, b).sum() / np.maximum(a, b).sum())
