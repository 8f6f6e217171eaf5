"""Stage 1 is asked once per picture, whatever happens to names and runs."""

import shutil
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity.annotations.skeleton import COCO17, Skeleton
from pose_activity.annotations.types import Poses
from pose_activity.cache.poses import find

SOURCE = {"sha256": "abc", "confidence": 0.25}


class FakeStage1:
    """Answers with as many people as the picture's first pixel says, and remembers its calls."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, images: Sequence[np.ndarray], paths: Sequence[Path]) -> list[Poses]:
        self.asked += [path.name for path in paths]
        return [self.answer(*pair) for pair in zip(images, paths, strict=True)]

    def answer(self, image: np.ndarray, path: Path) -> Poses:
        n = int(image[0, 0, 0])
        rng = np.random.default_rng(n)
        return Poses(
            image=path,
            size=(image.shape[1], image.shape[0]),
            skeleton=COCO17,
            boxes=rng.random((n, 4), np.float32),
            scores=rng.random(n, np.float32),
            keypoints=rng.uniform(0.1, 1, (n, 17, 3)).astype(np.float32),
        )


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    made = [tmp_path / f"{n}.png" for n in range(5)]
    for n, path in enumerate(made):
        cv2.imwrite(str(path), np.full((8, 10, 3), n, np.uint8))
    return made


def test_round_trip_and_no_second_question(tmp_path: Path, images: list[Path]) -> None:
    stage1, path = FakeStage1(), tmp_path / "poses.parquet"
    first = find(path, images, stage1, source=SOURCE, batch=2)
    second = find(path, images, stage1, source=SOURCE, batch=2)
    assert stage1.asked == [image.name for image in images]
    for n, image in enumerate(images):
        truth = stage1.answer(np.full((8, 10, 3), n, np.uint8), image)
        for found in (first.poses[image], second.poses[image]):
            assert found.size == (10, 8) and found.image == image
            assert np.array_equal(found.boxes, truth.boxes)
            assert np.array_equal(found.scores, truth.scores)
            assert np.array_equal(found.keypoints, truth.keypoints)


def test_a_moved_picture_keeps_its_poses_a_changed_one_does_not(
    tmp_path: Path, images: list[Path]
) -> None:
    stage1, path = FakeStage1(), tmp_path / "poses.parquet"
    find(path, images, stage1, source=SOURCE)
    moved = tmp_path / "moved.png"
    shutil.move(images[1], moved)
    cv2.imwrite(str(images[2]), np.full((8, 10, 3), 4, np.uint8) + np.uint8(1))
    found = find(path, [moved, images[2]], stage1, source=SOURCE)
    assert stage1.asked[5:] == [images[2].name]
    assert len(found.poses[moved].boxes) == 1 and len(found.poses[images[2]].boxes) == 5


def test_another_graph_asks_again(tmp_path: Path, images: list[Path]) -> None:
    stage1, path = FakeStage1(), tmp_path / "poses.parquet"
    find(path, images, stage1, source=SOURCE)
    find(path, images, stage1, source={**SOURCE, "sha256": "other"})
    assert len(stage1.asked) == 10


def test_unreadable_pictures_are_named_not_lost(tmp_path: Path, images: list[Path]) -> None:
    images[1].write_bytes(b"")
    images[3].unlink()
    found = find(tmp_path / "poses.parquet", images, FakeStage1(), source=SOURCE)
    assert list(found.poses) == [images[0], images[2], images[4]]
    assert "is empty" in found.unreadable[images[1]]
    assert "cannot be opened" in found.unreadable[images[3]]


def test_a_damaged_file_is_named(tmp_path: Path, images: list[Path]) -> None:
    path = tmp_path / "poses.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(ValueError, match="poses.parquet is damaged"):
        find(path, images, FakeStage1(), source=SOURCE)


def test_what_is_held_of_a_picture_is_little_more_than_its_poses(tmp_path: Path) -> None:
    """Asked for and read again; the skeleton is one of a data set's own, whose text is long."""
    own = Skeleton("own", tuple(f"joint {n}" for n in range(17)), (), ())
    images = [tmp_path / f"{n}.png" for n in range(250)]
    for n, image in enumerate(images):
        cv2.imwrite(str(image), np.full((8, 8, 3), n, np.uint8))

    def ask(pixels: Sequence[np.ndarray], paths: Sequence[Path]) -> list[Poses]:
        found = np.ones((2, 4), np.float32), np.ones(2, np.float32), np.ones((2, 17, 3), np.float32)
        return [Poses(path, (8, 8), own, *(a.copy() for a in found)) for path in paths]

    def held(count: int) -> int:
        tracemalloc.start()
        find(tmp_path / f"{count}.parquet", images[:count], ask, source=SOURCE)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    find(tmp_path / "first.parquet", images[:1], ask, source=SOURCE)  # imports
    for _ in ("asked", "read"):
        assert (held(250) - held(50)) / 200 < 2_500
    found = find(tmp_path / "250.parquet", images, ask, source=SOURCE)
    assert {poses.skeleton for poses in found.poses.values()} == {own}
