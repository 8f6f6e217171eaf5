"""The frame of the sequence benchmark: results are added, never lost, and summed up."""

import json

import pytest
import typer

from benchmarks.sequences import FLOORS, as_table, merge, summary


def test_results_are_added_to_those_that_are_there(tmp_path):
    out = tmp_path / "new" / "sequences.json"
    merge(out, {"jhmdb": {"mean": 0.5}, "g3d": {"mean": 0.1, "old": 1}})
    merge(out, {"g3d": {"mean": 0.9}})
    assert json.loads(out.read_text(encoding="utf-8")) == {
        "jhmdb": {"mean": 0.5},
        "g3d": {"mean": 0.9},
    }


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_file_that_holds_something_else_is_kept(tmp_path, text):
    out = tmp_path / "sequences.json"
    out.write_text(text, encoding="utf-8")
    with pytest.raises(typer.BadParameter, match="holds no results"):
        merge(out, {"g3d": {"mean": 0.9}})
    assert out.read_text(encoding="utf-8") == text


def test_mean_and_spread_over_the_seeds():
    found = summary({"seeds": [0.5, 0.75, 0.25], "looks": 1}, "python x.py")
    assert found["mean"] == 0.5
    assert found["spread"] == 0.5
    assert (found["command"], found["looks"]) == ("python x.py", 1)


def test_the_table_says_which_floors_are_reached():
    floor = FLOORS["g3d"][0]
    results = {
        "g3d": summary(
            {"seeds": [floor], "cv5_reference": 0.8, "cv5_ours_seeds": [0.7], "cv5_ours": 0.7}, ""
        ),
        "jhmdb": summary({"seeds": [0.1]}, ""),
    }
    table = as_table(results)
    said = [list(column.cells) for column in table.columns]
    assert said[0] == ["g3d", "g3d, 5-fold", "jhmdb"]
    assert said[4] == ["reached", "below", "below"]
