"""What was found out about image files: the same as by looking again, and without looking again."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity.annotations.cleaning import inspected
from pose_activity.annotations.cleaning.inspected import Inspected
from pose_activity.annotations.cleaning.near_duplicates import hash_picture
from pose_activity.annotations.images import DamagedError, ImageError, check_image
from pose_activity.artifacts.manifest import sha256_file


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Two pictures, and one that shows nothing."""
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (40, 50 + i, 3), np.uint8) for i in range(2)]
    pictures.append(np.full((20, 30, 3), 7, np.uint8))
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for path, picture in zip(paths, pictures, strict=True):
        cv2.imwrite(str(path), picture)
    return paths


def look(found: Inspected, photos: list[Path]) -> list[tuple]:
    return [(found.size(path), found.hash(path)) for path in photos]


def no_more_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("check_image", "hash_picture"):
        monkeypatch.setattr(inspected, name, lambda path: pytest.fail(f"{path} was decoded"))


def test_what_is_known_is_what_looking_says(
    photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "images.parquet"
    expected = [(check_image(path), hash_picture(path)) for path in photos]
    first = inspected.read(memory, sha256_file)
    assert look(first, photos) == expected and expected[2][1] is None
    first.write(memory)
    written = memory.read_bytes()
    no_more_looking(monkeypatch)
    renamed = [path.rename(path.with_name(f"new_{path.name}")) for path in photos]
    again = inspected.read(memory, sha256_file)
    assert look(again, renamed) == expected
    again.write(memory)
    assert memory.read_bytes() == written


def test_a_picture_that_changed_is_looked_at_and_one_that_is_gone_is_forgotten(
    photos: list[Path], tmp_path: Path
) -> None:
    memory = tmp_path / "images.parquet"
    first = inspected.read(memory, sha256_file)
    look(first, photos)
    first.write(memory)
    cv2.imwrite(str(photos[0]), np.zeros((8, 9, 3), np.uint8))
    again = inspected.read(memory, sha256_file)
    assert look(again, photos[:2]) == [
        ((9, 8), None),
        (first.size(photos[1]), first.hash(photos[1])),
    ]
    again.write(memory)
    assert {*inspected.read(memory, sha256_file).sizes} == {*map(sha256_file, photos[:2])}


def test_a_damaged_picture_is_refused_each_time(photos: list[Path], tmp_path: Path) -> None:
    whole = photos[0].read_bytes()
    photos[0].write_bytes(whole[: len(whole) // 2])
    found = Inspected(sha256_file)
    for _ in range(2):
        with pytest.raises((ImageError, DamagedError)):
            found.size(photos[0])
    found.hash(photos[0])
    found.write(tmp_path / "images.parquet")
    assert inspected.read(tmp_path / "images.parquet", sha256_file).sizes == {}
    with pytest.raises(ImageError, match="no such file|cannot be opened|missing"):
        found.size(tmp_path / "absent.png")


def test_a_name_that_is_not_utf8_is_refused_though_the_content_is_known(
    photos: list[Path], tmp_path: Path
) -> None:
    found = Inspected(sha256_file)
    found.size(photos[0])
    other = tmp_path / "caf\udce9.png"
    other.write_bytes(photos[0].read_bytes())
    with pytest.raises(ImageError, match="not UTF-8"):
        found.size(other)


@pytest.mark.parametrize("content", [b"", b"no table"])
def test_a_damaged_memory_is_an_empty_one(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "images.parquet").write_bytes(content)
    assert inspected.read(tmp_path / "images.parquet", sha256_file).sizes == {}
