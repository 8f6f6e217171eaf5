"""Drawings: the right pixels change, at any size, and inputs stay as they are."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity.annotations.cleaning.clean import clean
from pose_activity.annotations.cleaning.gallery import cleaning_gallery
from pose_activity.annotations.drawing import (
    cut_to,
    draw_box,
    draw_crosses,
    draw_poses,
    fit,
    gallery,
)
from pose_activity.annotations.images import load_rgb
from pose_activity.annotations.skeleton import MPII16
from pose_activity.annotations.types import Sample

_BLUE, _ORANGE, _GREEN = (0, 190, 255), (255, 120, 30), (140, 235, 90)
_GREY = np.full((140, 100, 3), 128, np.uint8)


def _bone_colour(drawn: np.ndarray, person: np.ndarray, a: str, b: str) -> tuple[int, ...]:
    x, y = (person[MPII16.index(a), :2] + person[MPII16.index(b), :2]) / 2
    return tuple(int(c) for c in drawn[round(float(y)), round(float(x))])


class TestPoses:
    def test_sides_have_their_colours(self, person: np.ndarray):
        large = person * np.array([8, 8, 1], np.float32)
        drawn = draw_poses(np.zeros((1120, 800, 3), np.uint8), MPII16, large[None])
        assert _bone_colour(drawn, large, "left_knee", "left_ankle") == _BLUE
        assert _bone_colour(drawn, large, "right_elbow", "right_wrist") == _ORANGE
        assert _bone_colour(drawn, large, "pelvis", "thorax") == _GREEN

    @pytest.mark.parametrize("size", [(1, 1), (8, 8), (140, 100), (2000, 3000)], ids=str)
    def test_any_size(self, person: np.ndarray, size: tuple[int, int]):
        image = np.full((*size, 3), 128, np.uint8)
        boxes = np.array([[10, 20, 90, 120]], np.float32)
        drawn = draw_poses(image, MPII16, person[None], boxes, ["Übung 日本 with a long name"])
        assert drawn.shape == image.shape and drawn.dtype == np.uint8
        assert (image == 128).all() and (drawn != 128).any()

    def test_lines_grow_with_picture_and_person(self, person: np.ndarray):
        def inked(scale: int) -> float:
            image = np.full((140 * scale, 100 * scale, 3), 128, np.uint8)
            people = person[None] * np.array([scale, scale, 1], np.float32)
            return float((draw_poses(image, MPII16, people) != image).any(-1).mean())

        assert 0.5 < inked(12) / inked(6) < 2

    def test_missing_joints_and_their_bones_are_not_drawn(self, person: np.ndarray):
        head_only = np.zeros_like(person)
        head_only[9] = person[9]
        changed = (draw_poses(_GREY, MPII16, head_only[None]) != _GREY).any(-1)
        y, x = np.nonzero(changed)
        assert np.hypot(x - 50, y - 20).max() < 6

    def test_threshold(self, person: np.ndarray):
        person[:, 2] = 0.3
        assert (draw_poses(_GREY, MPII16, person[None], threshold=0.3) == _GREY).all()
        assert (draw_poses(_GREY, MPII16, person[None], threshold=0.2) != _GREY).any()

    def test_nobody(self):
        nobody = np.zeros((0, 16, 3), np.float32)
        assert (draw_poses(_GREY, MPII16, nobody, np.zeros((0, 4)), []) == _GREY).all()

    def test_labels_in_one_place_do_not_hide_each_other(self):
        ghosts = np.zeros((3, 16, 3), np.float32)
        boxes = np.array([[10, 40, 60, 90], [12, 42, 60, 90], [14, 38, 60, 90]], np.float32)
        alone = draw_poses(_GREY, MPII16, ghosts[:1], boxes[:1], ["aaaa"])
        together = draw_poses(_GREY, MPII16, ghosts, boxes, ["aaaa", "bbbb", "cccc"])
        strip = (slice(28, 40), slice(10, 30))
        assert np.array_equal(together[strip], alone[strip])
        for colour in ((120, 200, 255), (250, 130, 190)):  # the second and third are there too
            assert (together == colour).all(-1).sum() >= 200

    def test_a_person_without_joints_and_box_has_its_label_only(self):
        ghost = np.zeros((1, 16, 3), np.float32)
        drawn = draw_poses(_GREY, MPII16, ghost, np.zeros((1, 4)), ["x"])
        assert (drawn[:12] != 128).any() and (drawn[20:] == 128).all()

    def test_joints_far_outside(self, person: np.ndarray):
        person[10, :2] = -1e7, 1e9
        assert draw_poses(_GREY, MPII16, person[None]).shape == _GREY.shape

    def test_box(self):
        image = np.full((700, 500, 3), 128, np.uint8)
        drawn = draw_box(image, np.array([100, 150, 400, 550]), (255, 0, 0))
        assert (drawn[150, 250] == (255, 0, 0)).all() and (drawn[350, 400] == (255, 0, 0)).all()
        assert (drawn[350, 250] == 128).all() and (image == 128).all()

    def test_crosses_stay_inside(self):
        drawn = draw_crosses(_GREY, np.array([[-500, 70]]), (255, 0, 0))
        y, x = np.nonzero((drawn != 128).any(-1))
        assert x.max() < 16 and 55 < y.min() and y.max() < 85


class TestGallery:
    def test_layout(self):
        tiles = [np.full((h, w, 3), c, np.uint8) for h, w, c in ((50, 50, 250), (10, 90, 200))] * 2
        sheet = gallery(tiles[:3], ["a", "b" * 500, "Größe"], columns=2, tile_size=(80, 60))
        gap, line = 4, 14
        assert sheet.shape == (gap + 2 * (60 + line + gap), gap + 2 * (80 + gap), 3)
        assert (sheet[gap + 30, gap + 40] == 250).all()
        assert (sheet[gap + 30, gap + 80 + gap + 40] == 200).all()

    def test_about_square_by_default(self):
        sheet = gallery([_GREY] * 9, [""] * 9, tile_size=(100, 100), heading="nine")
        assert 0.8 < sheet.shape[0] / sheet.shape[1] < 1.3

    @pytest.mark.parametrize(("tiles", "titles"), [(0, 0), (2, 1)])
    def test_one_title_per_tile(self, tiles: int, titles: int):
        with pytest.raises(ValueError, match=f"Received: {tiles} tiles, {titles} titles"):
            gallery([_GREY] * tiles, ["x"] * titles)

    @pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (60, 80)])
    def test_fit_does_not_stretch(self, shape: tuple[int, int]):
        frame = fit(np.full((*shape, 3), 255, np.uint8), (80, 60))
        assert frame.shape == (60, 80, 3)
        white_h, white_w = (frame == 255).all(-1).any(1).sum(), (frame == 255).all(-1).any(0).sum()
        scale = min(80 / shape[1], 60 / shape[0])
        assert (white_h, white_w) == tuple(max(1, round(side * scale)) for side in shape)


class TestCleaningGallery:
    def test_each_case_is_a_tile(
        self,
        person: np.ndarray,
        make_sample: Callable[..., Sample],
        write_picture: Callable[..., Path],
    ):
        lost = person.copy()
        lost[15] = -30, 70, 1
        (broken := write_picture("broken.jpg")).write_bytes(b"no picture")
        cases = clean(
            [
                make_sample(write_picture("lost.jpg"), lost),
                make_sample(write_picture("far.jpg"), person + np.array([900, 0, 0], np.float32)),
                make_sample(write_picture("lazy.jpg"), person, activity=None),
                make_sample(broken, person),
                make_sample(broken.with_name("absent.jpg"), person),
            ]
        ).cases
        assert {c.rule for c in cases} >= {"negative", "no_visible_joints", "missing_file"}
        sheet = cleaning_gallery(cases, columns=3, tile_size=(400, 300))
        rows, gap, line = -(-len(cases) // 3), 7, 25
        assert sheet.shape == (gap + line + gap + rows * (300 + line + gap), 3 * 407 + gap, 3)
        first = sheet[39:339, 7:407].astype(int)
        assert (np.abs(first - (255, 60, 60)).sum(-1) < 30).any(), "the box before"
        assert (np.abs(first - (60, 230, 110)).sum(-1) < 30).any(), "the box after"

    def test_no_cases(self):
        assert cleaning_gallery([]).ndim == 3

    def test_tile_and_joints_share_their_pixels(
        self, person: np.ndarray, make_sample: Callable[..., Sample], tmp_path: Path
    ):
        # A white dot in the picture lies under the green joint of the tile.
        picture = np.zeros((140, 100, 3), np.uint8)
        cv2.circle(picture, (50, 20), 3, (255, 255, 255), -1)
        sample = make_sample(tmp_path / "dot.png", person)
        cases = clean([sample], read_size=lambda _: (100, 140), check_images=False).cases
        sheet = cleaning_gallery(cases[:1], tile_size=(400, 300), load=lambda _: picture)
        tile = sheet[-300 - 25 - 7 : -25 - 7]
        white = np.argwhere((tile == 255).all(-1)).mean(0)
        joints = np.argwhere(np.abs(tile.astype(int) - _GREEN).sum(-1) < 10)
        assert np.hypot(*(joints - white).T).min() < 4


def test_drawn_poses_lie_on_real_photos(data_dir: Path, mpii_release: list[Sample]):
    folder = data_dir / "mpii" / "images_5"
    for sample in mpii_release:
        if (folder / sample.image).exists():
            image = load_rgb(folder / sample.image)
            changed = draw_poses(image, sample.skeleton, sample.keypoints) != image
            y, x = np.nonzero(changed.any(-1))
            seen = sample.keypoints[0, sample.keypoints[0, :, 2] > 0, :2]
            np.testing.assert_allclose([x.min(), y.min()], seen.min(0), atol=12)
            assert 0 < len(x) < 0.05 * image[..., 0].size


class TestCut:
    PICTURE = np.arange(100 * 200 * 3, dtype=np.uint32).astype(np.uint8).reshape(100, 200, 3)

    @pytest.mark.parametrize(
        ("boxes", "part"),
        [
            ([[50, 40, 90, 60]], (slice(36, 64), slice(46, 94))),
            ([[50, 40, 90, 60], [0, 0, 0, 0]], (slice(36, 64), slice(46, 94))),
            ([[10, 10, 20, 20], [100, 50, 110, 60]], (slice(0, 70), slice(0, 120))),
            ([[-50, -50, 300, 300]], (slice(0, 100), slice(0, 200))),
            ([[0, 0, 0, 0]], (slice(0, 100), slice(0, 200))),
            ([], (slice(0, 100), slice(0, 200))),
        ],
    )
    def test_the_part_around_all_boxes(self, boxes: list[list[float]], part: tuple[slice, slice]):
        array = np.array(boxes, np.float32).reshape(-1, 4)
        np.testing.assert_array_equal(cut_to(self.PICTURE, array, around=0.1), self.PICTURE[part])

    def test_a_box_outside_leaves_at_least_a_pixel(self):
        box = np.array([[900, 900, 901, 901]], np.float32)
        assert cut_to(self.PICTURE, box).size > 0
