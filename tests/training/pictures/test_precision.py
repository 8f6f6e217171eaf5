"""Where int8 changes too much, more of the graph stays f32: of the stage at fault, step by step."""

import json
from pathlib import Path
from types import SimpleNamespace

from pose_activity.inference.precision_check import LEAST_PICTURES
from pose_activity.training.pictures import precision
from pose_activity.training.pictures.precision import LADDERS, climb


def test_the_first_stage_at_fault_that_can_climb_does() -> None:
    kept = {stage: ladder[0] for stage, ladder in LADDERS.items()}
    assert climb(kept, ["stage2", "stage1"]) == {**kept, "stage2": LADDERS["stage2"][1]}
    assert climb(kept, ["stage1"]) == {**kept, "stage1": LADDERS["stage1"][1]}
    spent = {**kept, "stage2": LADDERS["stage2"][-1]}
    assert climb(spent, ["stage2", "stage1"]) == {**spent, "stage1": LADDERS["stage1"][1]}


def test_a_search_ends_where_no_step_is_left_or_no_stage_is_int8() -> None:
    top = {stage: ladder[-1] for stage, ladder in LADDERS.items()}
    assert climb(top, ["stage2", "stage1"]) is None
    assert climb({}, ["stage1"]) is None and climb(top, []) is None


def test_each_step_keeps_more_than_the_one_before() -> None:
    for ladder in LADDERS.values():
        for before, after in zip(ladder, ladder[1:], strict=False):
            assert after != before and all(b <= a for b, a in zip(before, after, strict=True))


def test_training_pictures_fill_up_a_small_validation_split(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    for split, count in (("val", 30), ("train", 300)):
        text = "".join(f"{split}{i}.jpg\n" for i in range(count))
        (tmp_path / "annotations" / f"{split}.txt").write_text(text, encoding="utf-8")
    images = precision._compared(SimpleNamespace(run_dir=tmp_path))  # type: ignore[arg-type]
    assert len(set(images)) == len(images) == LEAST_PICTURES
    assert [image.name[:3] for image in images].count("val") == 30


def test_what_was_tried_counts_for_the_same_graphs_and_engine(tmp_path: Path) -> None:
    step = {"kept": {"stage1": [0, 4]}, "passes": False, "text": "moved"}
    record = {"precision": "int8", "engine": "openvino", "graphs": {"stage1": "a"}, **step}
    text = json.dumps([{**record, "tried": [step]}])
    (tmp_path / "precision.json").write_text(text, encoding="utf-8")
    run, plain = SimpleNamespace(run_dir=tmp_path), SimpleNamespace(engine="openvino", graphs={})
    assert precision._tried(run, "int8", plain) == []  # type: ignore[arg-type]
    plain.graphs = {"stage1": "a"}
    (found,) = precision._tried(run, "int8", plain)  # type: ignore[arg-type]
    assert found["kept"] == {"stage1": (0, 4)}
