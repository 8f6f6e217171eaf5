"""What a user names into pictures."""

from pathlib import Path

import pytest

from inference.sources import find_sources


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.jpg", "a.PNG", "sub dir/ü.jpeg", "notes.md", ".hidden.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "list.txt").write_text("b.jpg\n\n  sub dir/ü.jpeg\ngone.jpg\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["."], ["a.PNG", "b.jpg", "sub dir/ü.jpeg"]),
        (["b.jpg", "a.PNG", "b.jpg"], ["b.jpg", "a.PNG"]),
        (["*.jpg"], ["b.jpg"]),
        (["**/*.jp*g"], ["b.jpg", "sub dir/ü.jpeg"]),
        (["list.txt"], ["b.jpg", "sub dir/ü.jpeg", "gone.jpg"]),
        (["notes.md"], ["notes.md"]),
    ],
)
def test_expansion(folder: Path, names: list[str], expected: list[str]) -> None:
    assert [str(path) for path in find_sources(names)] == expected


@pytest.mark.parametrize("name", ["gone", "*.gif", "empty"])
def test_nothing_there(folder: Path, name: str) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="No picture there"):
        find_sources(["b.jpg", name])
