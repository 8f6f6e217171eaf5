"""A folder per class."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.images import write_drawing
from pose_activity.annotations.readers.folder import read_folder


def _touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_classes_are_the_sub_folders(tmp_path: Path):
    _touch(tmp_path, "tai chi/b.jpg", "tai chi/deep/a.PNG", "Übung/c d.jpeg", "Übung/notes.txt")
    samples = list(read_folder(tmp_path))
    assert [(s.image.relative_to(tmp_path).as_posix(), s.activity) for s in samples] == [
        ("tai chi/b.jpg", "tai chi"),
        ("tai chi/deep/a.PNG", "tai chi"),
        ("Übung/c d.jpeg", "Übung"),
    ]
    assert all(s.size is None and len(s.boxes) == 0 and s.group is None for s in samples)
    assert samples[0].skeleton.name == "coco17"


def test_other_and_hidden_things_are_passed_over(tmp_path: Path):
    _touch(tmp_path, "run/a.jpg", "labels.csv", ".DS_Store", ".git/x.jpg", ".thumb.jpg")
    assert [s.image.name for s in read_folder(tmp_path)] == ["a.jpg"]


def test_groups_from_file_names(tmp_path: Path):
    _touch(tmp_path, "run/v_g03_c01.jpg", "run/v_g03_c02.jpg", "run/other.jpg")
    samples = read_folder(tmp_path, group_pattern=r"_(?P<group>g\d+)_")
    assert [s.group for s in samples] == [None, "g03", "g03"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "must hold one sub-folder per activity.* It holds no sub-folder"),
        (("readme.txt",), "It holds no sub-folder"),
        (
            ("run/a.jpg", *(f"{i}.png" for i in range(7))),
            r"Beside the sub-folders: 0\.png, 1\.png, 2\.png, 3\.png, 4\.png and 2 more\. Move",
        ),
        (("run/a.jpg", "jump/x.txt"), "every class folder must hold .* Empty: jump. Add pictures"),
        (("Run/a.jpg", "run/a.jpg"), "Received: 'Run' and 'run'. Merge or rename them"),
        (("\u00dcb/a.jpg", "U\u0308b/a.jpg"), "differ by more than upper and lower case"),
    ],
    ids=["empty", "no folders", "stray pictures", "empty class", "case", "unicode form"],
)
def test_a_folder_that_cannot_be_read(tmp_path: Path, names: tuple[str, ...], message: str):
    with pytest.raises(ValueError, match=message):
        read_folder(_touch(tmp_path, *names))


def test_what_is_not_read_is_told_and_what_was_drawn_is_left_out(tmp_path: Path):
    _touch(tmp_path, "run/a.jpg", "run/b.gif", "run/deep/c.heic", "sit/d.jpg", "sit/e.CR2")
    _touch(tmp_path, "stray.psd", "sit/notes.txt", "labels.csv")
    write_drawing(tmp_path / "sit" / "holiday.png", np.zeros((8, 8, 3), np.uint8))
    write_drawing(tmp_path / "drawn" / "a-0123.jpg", np.zeros((8, 8, 3), np.uint8))
    unread: list[Path] = []
    samples = read_folder(tmp_path, on_unread=unread.extend)
    assert [s.image.name for s in samples] == ["a.jpg", "b.gif", "d.jpg"]
    assert [path.name for path in unread] == ["stray.psd", "c.heic", "e.CR2"]


def test_a_class_of_files_that_are_not_read_says_so(tmp_path: Path):
    _touch(tmp_path, "run/a.jpg", "sit/b.heic", "sit/c.heic")
    with pytest.raises(ValueError, match="Empty: sit.* 2 files are not read: .heic 2. Convert"):
        read_folder(tmp_path)


def test_no_such_folder(tmp_path: Path):
    with pytest.raises(ValueError, match="absent: there is no such folder. Give the one with"):
        read_folder(tmp_path / "absent")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", r"must be a regular expression \(.*\)\. Received: '\('"),
        (r"g\d+", "must have a group named 'group'.* Received: 'g"),
    ],
)
def test_a_bad_group_pattern(tmp_path: Path, pattern: str, message: str):
    with pytest.raises(ValueError, match=message):
        read_folder(_touch(tmp_path, "run/a.jpg"), group_pattern=pattern)


def test_stanford_40(data_dir: Path):
    samples = list(read_folder(data_dir / "stanford40" / "train"))
    counts = Counter(s.activity for s in samples)
    assert len(counts) == 40 and set(counts.values()) == {50}


@pytest.mark.parametrize(
    "names",
    [
        ("train", "val", "test"),
        ("Training", "VALID", "Testing"),
        ("train_set", "validation-set", "testset"),
        ("train images", "dev", "test_data"),
    ],
)
def test_folders_of_splits(tmp_path: Path, names: tuple[str, str, str]):
    train, val, test = names
    _touch(tmp_path, f"{train}/run/a.jpg", f"{train}/sit/b.jpg", f"{val}/run/deep/c.jpg")
    _touch(tmp_path, f"{test}/sit/d.jpg", "README.txt", ".cache/x.jpg")
    (tmp_path / val / "sit").mkdir()  # a class that this split lacks
    notes: list[str] = []
    samples = list(read_folder(tmp_path, on_note=notes.append))
    assert [(s.image.stem, s.activity, s.split) for s in samples] == [
        ("a", "run", "train"),
        ("b", "sit", "train"),
        ("c", "run", "val"),
        ("d", "sit", "test"),
    ]
    said = f"are taken for the splits: {train} (train), {val} (val), {test} (test)."
    assert len(notes) == 1 and notes[0].endswith(said)


def test_some_splits_alone_and_linked_ones(tmp_path: Path):
    _touch(tmp_path, "store/run/a.jpg", "photos/test/run/b.jpg")
    (tmp_path / "photos/train").symlink_to(tmp_path / "store")
    samples = list(read_folder(tmp_path / "photos"))
    assert [(s.image.stem, s.split) for s in samples] == [("a", "train"), ("b", "test")]


def test_a_class_may_be_called_like_a_split(tmp_path: Path):
    notes: list[str] = []
    _touch(tmp_path, "test/2024/a.jpg", "run/b.jpg", "training/c.jpg")
    samples = list(read_folder(tmp_path, on_note=notes.append))
    assert [(s.activity, s.split) for s in samples] == [
        ("run", None),
        ("test", None),
        ("training", None),
    ]
    assert not notes


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ("train/run/a.jpg", "test/b.jpg"),
            "hold one sub-folder per activity. Without sub-folders: test. Sort their pictures",
        ),
        (("train/a.jpg", "val/b.jpg"), "Without sub-folders: train, val. .* Rename them if"),
        (
            ("train/run/a.jpg", "test/run/b.jpg", "more/c.jpg"),
            "Received: test, train, which hold folders .* beside more. Move these away",
        ),
        (
            ("val/run/a.jpg", "valid/run/b.jpg", "train/run/c.jpg"),
            "each split must have one folder. Received: train, val, valid. Merge",
        ),
        (("train/run/a.jpg", "train/b.jpg"), r"train: pictures must be in .*: b\.jpg. Move"),
        (("train/run/a.jpg", "test/Run/b.jpg"), "Received: 'run' and 'Run'. Merge"),
        (("train/run/a.jpg", "test/sit/b.txt"), "at least one picture. Empty: sit. Add"),
    ],
    ids=["unsorted test", "flat", "others", "twice", "stray", "case", "empty class"],
)
def test_folders_of_splits_that_cannot_be_read(
    tmp_path: Path, names: tuple[str, ...], message: str
):
    with pytest.raises(ValueError, match=message):
        read_folder(_touch(tmp_path, *names))
