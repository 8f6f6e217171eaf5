"""A folder per class."""

from collections import Counter
from pathlib import Path

import pytest

from annotations.folder import read_folder


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
