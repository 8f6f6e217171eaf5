"""Names that are not UTF-8, against what a file system made of them."""

import io
import json
import os
from pathlib import Path

import pytest

from pose_activity.artifacts import atomic
from pose_activity.artifacts.names import in_json, shown, spell_out


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"plain.jpg", "plain.jpg"),
        ("Größe 日本 \U0001f600.jpg".encode(), "Größe 日本 \U0001f600.jpg"),
        (b"caf\xe9.jpg", r"caf\xe9.jpg"),  # Latin-1
        (b"\xb2\xcb\xc6\xd7/a.jpg", r"\xb2\xcb\xc6\xd7/a.jpg"),  # GBK
        (b"half \xf0\x9f.jpg", r"half \xf0\x9f.jpg"),
        (b"\xed\xa0\x80", r"\xed\xa0\x80"),  # a surrogate in what would be UTF-8
    ],
)
def test_bytes_that_are_no_utf8_are_spelled_out(name: bytes, text: str) -> None:
    path = os.fsdecode(name)
    assert shown(Path(path)) == shown(path) == text == shown(text)
    assert shown(path) == name.decode("utf-8", "backslashreplace")
    value = {"name": path, path: [1, '\\ "quoted"']}
    written = in_json(json.dumps(value, ensure_ascii=False)).encode("utf-8")
    assert json.loads(written) == {"name": text, text: [1, '\\ "quoted"']}


def test_windows_names_too() -> None:
    assert shown("\ud83d.jpg \udc12") == r"\ud83d.jpg \udc12"


def test_what_is_written_is_utf8(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    atomic.write_text(tmp_path / "a.txt", f"{name}\n")
    atomic.write_json(tmp_path / "a.json", {"touched": [name]})
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "caf\\xe9\n"
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {
        "touched": ["caf\\xe9"]
    }


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_a_stream_spells_out_what_it_lacks(encoding: str) -> None:
    data = io.BytesIO()
    stream = io.TextIOWrapper(data, encoding=encoding)
    spell_out(stream)
    print("caf\udce9 日", file=stream, flush=True)
    assert data.getvalue().startswith(b"caf\\udce9 ")
