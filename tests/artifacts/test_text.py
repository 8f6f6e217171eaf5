"""Text files are UTF-8, or refused with the line."""

from pathlib import Path

import pytest

from pose_activity.artifacts.text import read_utf8


def test_a_byte_order_mark_is_dropped_and_line_ends_stay(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbfK\xc3\xbcche\r\n")
    assert read_utf8(tmp_path / "x") == "Küche\r\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("a\nKüche".encode("latin-1"), "x, line 2: .* 0xfc after 'K'. Save the file as UTF-8"),
        ("厨房\n".encode("gbk"), "x, line 1: .* 0xb3 after ''"),
        ("a\n".encode("utf-16"), "x: must be text in UTF-8. Received: UTF-16"),
    ],
)
def test_other_encodings_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(ValueError, match=message):
        read_utf8(tmp_path / "x")


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no/x: cannot be opened .No such file"):
        read_utf8(tmp_path / "no" / "x")
    with pytest.raises(ValueError, match="cannot be opened .Is a directory"):
        read_utf8(tmp_path)
