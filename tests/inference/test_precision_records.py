"""A precision is used only if it was measured with these graphs and changed little."""

from pathlib import Path

import pytest

from pose_activity.inference.precision_records import NAME, Precision, PrecisionError, keep, require

GRAPHS = {"stage1": "a" * 64, "stage2": "b" * 64}
TWINS = {"stage2": "d" * 64}
INT8 = Precision("int8", "int8")


def record(**changes) -> dict:
    return {
        "precision": "int8",
        "engine": "openvino",
        "graphs": GRAPHS,
        "twins": TWINS,
        "passes": True,
        "text": "joints move 0.80 px",
    } | changes


@pytest.mark.parametrize(
    ("text", "stages"),
    [("f32", ("f32", "f32")), ("int8", ("int8", "int8")), ("f32/int8", ("f32", "int8"))],
)
def test_text_both_ways(text: str, stages: tuple[str, str]) -> None:
    found = Precision.parse(text)
    assert (found.stage1, found.stage2) == stages and str(found) == text


@pytest.mark.parametrize("text", ["int4", "f32/int4", "", "f32/int8/f32"])
def test_another_precision(text: str) -> None:
    with pytest.raises(ValueError, match=r"precision must be one of f32, bf16, int8, or stage 1's"):
        Precision.parse(text)


def test_f32_needs_no_record(tmp_path: Path) -> None:
    require(tmp_path, Precision(), engine="openvino", graphs=GRAPHS, twins=TWINS)


def test_a_good_record_allows_it(tmp_path: Path) -> None:
    keep(tmp_path, record())
    require(tmp_path, INT8, engine="openvino", graphs=GRAPHS, twins=TWINS)


def test_a_bad_record_refuses_it_with_its_figures(tmp_path: Path) -> None:
    keep(tmp_path, record(passes=False, text="joints move 6.31 px"))
    with pytest.raises(PrecisionError, match=r"too much on openvino: joints move 6\.31 px\. Take"):
        require(tmp_path, INT8, engine="openvino", graphs=GRAPHS, twins=TWINS)


@pytest.mark.parametrize(
    "other",
    [
        {"engine": "onnxruntime"},
        {"graphs": {**GRAPHS, "stage2": "c" * 64}},
        {"twins": {"stage2": "e" * 64}},  # made again since
        {"precision": "f32/int8"},
    ],
)
def test_what_was_not_measured_is_refused(tmp_path: Path, other: dict) -> None:
    keep(tmp_path, record(**other))
    with pytest.raises(
        PrecisionError, match=r"nobody has compared precision int8 .*precision int8"
    ):
        require(tmp_path, INT8, engine="openvino", graphs=GRAPHS, twins=TWINS)


def test_a_new_record_takes_the_place_of_the_old(tmp_path: Path) -> None:
    keep(tmp_path, record())
    keep(tmp_path, record(engine="onnxruntime"))
    keep(tmp_path, record(passes=False))
    assert (tmp_path / NAME).read_text(encoding="utf-8").count('"passes"') == 2
    with pytest.raises(PrecisionError, match="Take f32"):
        require(tmp_path, INT8, engine="openvino", graphs=GRAPHS, twins=TWINS)


def test_a_damaged_file(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("[{]", encoding="utf-8")
    with pytest.raises(ValueError, match=r"precision\.json is damaged"):
        require(tmp_path, INT8, engine="openvino", graphs=GRAPHS, twins=TWINS)
