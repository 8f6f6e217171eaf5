"""Tables in Markdown."""

from pose_activity.artifacts.markdown import table


def test_any_cell_stays_one_cell() -> None:
    rows = [("a|b", 1), ("two\nlines", None)]
    assert table(("name", ""), rows) == (
        "| name |  |\n| --- | --- |\n| a\\|b | 1 |\n| two lines | None |\n"
    )
