"""Colours into class numbers."""

import numpy as np
import pytest

from pose_activity.annotations.colour_table import read_colour_table, table_of
from pose_activity.annotations.parts import IGNORE, PARTS9, PARTS15, UNKNOWN


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_colours_of_a_scheme():
    ids = np.arange(15, dtype=np.uint8).reshape(3, 5)
    image = np.array(PARTS15.colours, np.uint8)[ids]
    table = table_of(PARTS15)
    assert np.array_equal(table.decode(image), ids)
    image[0, 0] = 153, 153, 150
    assert table.decode(image)[0, 0] == UNKNOWN
    assert np.array_equal(table.decode(image, tolerance=3), ids)


def test_a_file_with_short_names_and_what_is_ignored(tmp_path):
    text = (
        "name,red,green,blue\nbg,0,0,0\nl_thigh,0,0,128\nleft_lower_leg,0,128,128\nignore,1,2,3\n"
    )
    table = read_colour_table(write(tmp_path / "swapped.csv", text), PARTS15)
    image = np.array([[[0, 0, 128], [0, 128, 128], [1, 2, 3], [9, 9, 9]]], np.uint8)
    assert table.decode(image).tolist() == [[12, 13, IGNORE, UNKNOWN]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "head,1,2,3\ntorso,1,2,3\n",
            "line 2: each colour must be there once. Received: 1,2,3 for",
        ),
        ("tail,1,2,3\n", r"line 1: must name a class of 'parts9' \(background, head.*'tail'"),
        ("l_thigh,1,2,3\n", "must name a class of 'parts9'"),
        ("head,1,2\n", "line 1: must be a name and three numbers.*Received: 'head,1,2'"),
        ("head,1,2,256\n", "three numbers of 0 to 255"),
        ("", "must have at least one colour"),
    ],
)
def test_what_is_no_table(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_colour_table(write(tmp_path / "colours.csv", text), PARTS9)


def test_a_missing_table(tmp_path):
    with pytest.raises(ValueError, match="cannot be read as a colour table"):
        read_colour_table(tmp_path / "none.csv", PARTS9)
