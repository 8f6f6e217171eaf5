"""Stage 1's gate, pseudo-labels and warnings, on hand-made poses; and once for real."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pose_activity.annotations.sample_files import write_samples
from pose_activity.annotations.skeleton import COCO17
from pose_activity.annotations.types import Poses, Sample
from pose_activity.cache.poses import Found
from pose_activity.configs.pictures import PictureRun
from pose_activity.training.pictures import seen_poses, stage1
from tests.stage1_pose.conftest import RunPython, drawn_samples, run_python

__all__ = ["run_python"]


def asked(folder: Path, **section: Any) -> PictureRun:
    return PictureRun.model_validate(
        {
            "run_dir": folder,
            "data": {"format": "coco", "images": folder, "annotations": folder / "x.json"},
            "stage1": section,
        }
    )


def labelled(name: str, split: str = "val") -> Sample:
    points = np.ones((1, 17, 3), np.float32)
    points[0, :, :2] = np.random.default_rng(0).uniform(50, 150, (17, 2))
    boxes = np.array([[40, 40, 160, 160]], np.float32)
    heads = np.full(1, 20, np.float32)
    return Sample(Path(name), (400, 200), COCO17, boxes, points, heads, "x", split=split)


def found(sample: Sample, off: float = 0.0, others: int = 0) -> Poses:
    """The labelled person, `off` pixels away, and others beside."""
    steps = np.array([off, *(200.0 + 20 * i for i in range(others))], np.float32)
    move = np.stack([steps, 0 * steps, 0 * steps], axis=1)
    points = sample.keypoints + move[:, None]
    boxes = sample.boxes + np.tile(move[:, :2], 2)
    scores = np.linspace(0.9, 0.8, len(steps)).astype(np.float32)
    return Poses(sample.image, (400, 200), COCO17, boxes, scores, points)


def model_of(monkeypatch: pytest.MonkeyPatch, *, start: float, result: float) -> list[str]:
    """Makes both models find everybody some pixels off; returns the splits that are asked for."""
    splits = []

    def poses_of_split(
        run: PictureRun, samples: Sequence[Sample], folder: Path, split: str
    ) -> tuple[list[Poses], list[Sample]]:
        splits.append(split)
        chosen = [sample for sample in samples if sample.split == split]
        off = start if folder.name == "start" else result
        return [found(sample, off) for sample in chosen], chosen

    monkeypatch.setattr(stage1, "poses_of_split", poses_of_split)
    return splits


SAMPLES = [labelled("a"), labelled("b"), labelled("c", "test"), labelled("d", "train")]


def test_a_worse_result_is_refused_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    splits = model_of(monkeypatch, start=0, result=30)
    with pytest.raises(ValueError) as caught:
        stage1.compare_with_start(asked(tmp_path), SAMPLES, tmp_path / "stage1")
    text = str(caught.value)
    assert text.startswith("Training made the poses worse on val: PCKh@0.5 1.000 -> 0.000, OKS mAP")
    assert f"weights are kept: {tmp_path / 'stage1' / 'best.pt'}" in text
    assert "stage1.train: false" in text and "stage1.on_regression: warn" in text
    assert set(splits) == {"val"}
    printed = " ".join(capsys.readouterr().out.split())
    assert "start and result on 2 pictures of val, 17 joints" in printed
    assert "1.000" in printed and "0.000" in printed


def test_it_is_used_with_a_warning_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    model_of(monkeypatch, start=0, result=30)
    run = asked(tmp_path, on_regression="warn")
    counts = stage1.compare_with_start(run, SAMPLES, tmp_path)
    assert "WARNING: Training made the poses worse on val" in capsys.readouterr().out
    assert counts["compared"]["start"]["pckh50"] == 1
    assert counts["compared"]["result"]["pckh50"] == 0
    assert len(counts["compared"]["falls"]) == 2
    json.dumps(counts)


def test_a_better_result_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model_of(monkeypatch, start=30, result=0)
    counts = stage1.compare_with_start(asked(tmp_path), SAMPLES, tmp_path)["compared"]
    assert (counts["images"], counts["split"], counts["falls"]) == (2, "val", [])


def test_nobody_to_compare_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    model_of(monkeypatch, start=0, result=0)
    assert stage1.compare_with_start(asked(tmp_path), SAMPLES[2:], tmp_path) == {}
    assert "is not compared with its start" in capsys.readouterr().out


def test_people_without_a_label_are_counted_on_train_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    samples = [labelled("a", "train"), labelled("b", "train"), labelled("c"), labelled("d", "test")]
    answers = {s.image: found(s, others=i) for i, s in enumerate(samples)}
    seen = []

    def find_poses(run: PictureRun, images: Sequence[Path], *_: Path) -> Found:
        seen.extend(images)
        return Found({image: answers[image] for image in images})

    monkeypatch.setattr(stage1, "find_poses", find_poses)
    taught, counts = stage1.label_others(asked(tmp_path), samples, tmp_path)
    assert [len(sample.boxes) for sample in taught] == [1, 2, 1, 1]
    assert counts == {"pseudo_labelled": {"people": 1, "pictures": 1}}
    assert [path.name for path in seen] == ["a", "b"]
    assert "1 people in 1 of the 2 training pictures have no label" in capsys.readouterr().out


@pytest.mark.parametrize(("train", "is_told"), [(0.9, True), (0.815, False), (0.7, False)])
def test_better_poses_on_train_are_told(train: float, is_told: bool) -> None:
    metrics = {"split": "test", "pckh50": 0.8, "oks_map": None, "seen": {"n": 200}}
    metrics["seen"] |= {"pckh50": train, "oks_map": 0.5}
    assert seen_poses.seen_rows(metrics) == [("PCKh@0.5", train, 0.8)]
    note = seen_poses.seen_note(metrics)
    assert (note is not None) == is_told
    if note:
        assert "WARNING: Poses are better on 200 pictures" in note and "0.900 and 0.800" in note


MAKE = """
import json, sys
from pathlib import Path
from pose_activity.stage1_pose import ultralytics_env
ultralytics_env.prepare()
import torch
from ultralytics import YOLO
from pose_activity.configs.pictures import PictureRun
from pose_activity.training.pictures.stage1 import make_stage1
folder = Path(sys.argv[1])
torch.manual_seed(0)
YOLO("yolov8n-pose.yaml", task="pose").save(folder / "start.pt")
run = PictureRun.model_validate({
    "run_dir": folder,
    "data": {"format": "coco", "images": folder, "annotations": folder / "x.json"},
    "stage1": {"weights": str(folder / "start.pt"), "export_size": 64, "fit": {
        "epochs": [1], "image_size": 64, "batch": 4, "workers": 0, "device": "cpu", "plots": False
    }},
})
(folder / "stage1").mkdir()
print(json.dumps(make_stage1(run, folder / "stage1")))
"""


def test_the_step_compares_start_and_result_by_itself(
    run_python: RunPython, tmp_path: Path
) -> None:
    samples = [replace(s, skeleton=COCO17) for s in drawn_samples(tmp_path / "in", 12, COCO17)]
    samples[0] = replace(samples[0], split="test")
    write_samples(tmp_path / "annotations" / "samples.jsonl", samples)
    own = {"HOME": str(tmp_path), "MPLCONFIGDIR": str(tmp_path / "mpl")}
    counts = json.loads(run_python(MAKE, tmp_path, **own).splitlines()[-1])
    written = json.loads((tmp_path / "stage1" / "metrics.json").read_text(encoding="utf-8"))
    assert counts == written
    assert counts["compared"]["split"] == "val" and counts["compared"]["images"] == 3
    assert counts["compared"]["start"].keys() == counts["compared"]["result"].keys()
    assert counts["split"] == "test" and counts["seen"]["n"] == 8
    assert counts["pseudo_labelled"] == {"people": 0, "pictures": 0}  # a random start finds nobody
    for name in ("pose.onnx", "start/pose.onnx", "best.pt"):
        assert (tmp_path / "stage1" / name).is_file()
