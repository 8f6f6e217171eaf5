"""Near-duplicates of photos: found, grouped before the split, and no others."""

from collections.abc import Callable
from pathlib import Path

import cv2
import imagehash
import numpy as np
from PIL import Image

from pose_activity.annotations.cleaning.near_duplicates import (
    crossing_notes,
    describe_counts,
    find_near_duplicates,
    hash_picture,
    near_pairs,
)
from pose_activity.annotations.label_table import table_of_samples
from pose_activity.annotations.splitting.split import with_groups_of
from pose_activity.annotations.types import Sample

Make = Callable[..., Sample]


def picture(seed: int) -> np.ndarray:
    """A scene of smooth blobs, `(240, 320, 3)` uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (6, 8, 3), np.uint8)
    return cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_CUBIC)


def write(folder: Path, name: str, image: np.ndarray) -> Path:
    cv2.imwrite(str(folder / name), image)
    return folder / name


def test_copies_of_another_size_format_or_light_are_found(tmp_path: Path) -> None:
    for i in range(12):
        write(tmp_path, f"{i:02}.png", picture(i))
    first = picture(3)
    write(tmp_path, "03 small.jpg", cv2.resize(first, (160, 120), interpolation=cv2.INTER_AREA))
    write(tmp_path, "03 squashed.png", cv2.resize(first, (640, 640)))
    write(tmp_path, "03 bright.jpg", np.clip(first * 1.2 + 8, 0, 255).astype(np.uint8))
    write(tmp_path, "07 cut.png", picture(7)[4:-4, 5:-5])
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    paths = [*tmp_path.iterdir()]
    found = find_near_duplicates(paths, threads=2)
    assert [[path.name for path in same] for same in found] == [
        ["03 bright.jpg", "03 small.jpg", "03 squashed.png", "03.png"],
        ["07 cut.png", "07.png"],
    ]
    assert find_near_duplicates(paths[::-1]) == found, "neither order nor threads matter"


def test_plain_pictures_are_not_alike(tmp_path: Path) -> None:
    paths = [write(tmp_path, f"{i}.png", np.full((30, 40, 3), 9 * i, np.uint8)) for i in range(5)]
    assert find_near_duplicates(paths) == []


def test_the_hashes_are_imagehashs(tmp_path: Path) -> None:
    path = write(tmp_path, "a.png", picture(0))
    grey = cv2.imread(str(path), cv2.IMREAD_REDUCED_GRAYSCALE_2)
    assert grey is not None
    picture_ = Image.fromarray(grey)
    expected = int(str(imagehash.phash(picture_)), 16), int(str(imagehash.dhash(picture_)), 16)
    assert hash_picture(path) == expected


def test_pairs_against_a_slow_loop() -> None:
    rng = np.random.default_rng(0)
    base = rng.integers(0, 2**63, (30, 2), np.uint64)
    flips = [int(rng.integers(0, 2, 64) @ (1 << np.arange(64, dtype=object))) for _ in range(40)]
    few = [f & g & h for f, g, h in zip(flips, flips[1:], flips[2:], strict=False)]
    other = [[int(a) ^ few[i], int(b) ^ few[-i]] for i, (a, b) in enumerate(base)]
    hashes = np.concatenate([base, np.array(other, np.uint64)])
    expected = [
        (i, j)
        for i in range(len(hashes))
        for j in range(i + 1, len(hashes))
        if (int(hashes[i, 0]) ^ int(hashes[j, 0])).bit_count() <= 12
        and (int(hashes[i, 1]) ^ int(hashes[j, 1])).bit_count() <= 12
    ]
    assert sorted(near_pairs(hashes)) == expected and 0 < len(expected) < 30


def test_what_a_person_is_told(make_sample: Make) -> None:
    one, two = Path("a/1.jpg"), Path("a/2.jpg")
    assert describe_counts([], []) == "copies of other pictures: 0; none look nearly alike."
    assert "were not looked for (data.near_duplicates)" in describe_counts([], None)
    text = describe_counts([[one, two]], [[one, two]])
    assert text.startswith(
        "copies of other pictures: 1; pictures that look nearly like another one"
    )
    assert ": 2 (1.jpg = 2.jpg). Each set is on one side of the split." in text
    samples = [make_sample("x.jpg", split="train"), make_sample("y.jpg", split="test")]
    near = [[sample.image for sample in samples]]
    (note,) = crossing_notes(near, table_of_samples(samples))
    assert "1 sets of pictures that look nearly alike are in more than one split" in note
    assert "x.jpg (train) = y.jpg (test)" in note
    together = [samples[0], make_sample("y.jpg", split="train")]
    assert crossing_notes(near, table_of_samples(together)) == []


def test_sets_become_groups_for_later_steps(make_sample: Make) -> None:
    groups = {"a": None, "b": None, "c": "kitchen", "d": "hall", "e": None, "f": "kitchen"}
    samples = [make_sample(f"root/{name}.jpg", group=group) for name, group in groups.items()]
    a, b, c, d, e, _ = (sample.image for sample in samples)

    def grouped(*together: list[Path]) -> list[str | None]:
        done = with_groups_of(samples, together, root=Path("root"))
        return [sample.group for sample in done]

    assert grouped([a, b], [d, e]) == ["a.jpg", "a.jpg", "kitchen", "hall", "hall", "kitchen"]
    assert grouped([c, d]) == [None, None, "hall", "hall", None, "hall"]
    assert grouped() == [*groups.values()]


def test_photos_of_20_categories_are_all_different(data_dir: Path) -> None:
    photos = sorted((data_dir / "mpii" / "images_79").glob("*/*"))
    assert len(photos) == 79 and find_near_duplicates(photos, threads=2) == []


def test_two_shots_of_one_moment(data_dir: Path) -> None:
    folder = data_dir / "stanford40" / "train" / "applauding"
    found = find_near_duplicates(folder.iterdir(), threads=2)
    assert [[path.stem for path in same] for same in found] == [
        ["applauding_195", "applauding_211"]
    ]
