"""A run on the labels' own joints, from drawing to report, and what it refuses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pose_activity.annotations.sample_files import read_samples
from pose_activity.annotations.skeleton import MPII16
from pose_activity.annotations.types import Sample
from pose_activity.cache.planes import LABELS
from pose_activity.cache.store import open_cache
from pose_activity.configs.pictures import PictureRun, load
from pose_activity.inference.model_check import LabelsOnlyError
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.training.package import make_package
from pose_activity.training.pictures.labels import draw_data_set
from pose_activity.training.pictures.poses import poses_of_labels
from pose_activity.training.pictures.report import comparison, say_scores
from pose_activity.training.steps import run_step, steps_of

CONFIG = Path(__file__).parents[3] / "configs" / "demo_quick.yaml"


@pytest.fixture(scope="module")
def quick_run(tmp_path_factory: pytest.TempPathFactory) -> PictureRun:
    """A small demo_quick, finished."""
    folder = tmp_path_factory.mktemp("quick")
    data = folder / "data"
    run = load(
        CONFIG,
        [
            *(f"run_dir={folder / 'run'}", f"draw.folder={data}", "draw.images=60"),
            *("draw.width=96", "draw.height=96", f"data.annotations={data / 'release.mat'}"),
            *(f"data.images={data / 'images'}", "split={train: 0.6, val: 0.2, test: 0.2}"),
            *("cache.width=32", "cache.height=32", "cache.person_view.size=64"),
            *("stage2.linear.C=0.001", "stage2.linear.folds=2"),
        ],
    )
    assert run.draw is not None
    draw_data_set(run.draw, run.seed)
    for step in steps_of(run):
        run_step(run, step.name)
    return run


def test_no_stage_1_is_made_and_the_report_says_so(
    quick_run: PictureRun, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [step.name for step in steps_of(quick_run)] == [
        *("annotations", "cache", "stage2", "report")
    ]
    assert not (quick_run.run_dir / "stage1").exists()
    report = quick_run.run_dir / "report"
    for name in ("report.html", "report.md"):
        assert "the labels' own joints" in (report / name).read_text(encoding="utf-8").replace(
            "&#39;", "'"
        )
    say_scores(quick_run)
    assert "poses: the labels' own joints" in capsys.readouterr().out
    assert comparison(quick_run)["poses"] == "the labels' own joints"


def test_planes_show_the_labelled_joints(quick_run: PictureRun) -> None:
    samples = {s.image: s for s in read_samples(quick_run.run_dir / "annotations/samples.jsonl")}
    cache = open_cache(quick_run.run_dir / "cache")
    view = cache.recipe.person_view
    assert view is not None and (cache.recipe.pose.sha256, cache.recipe.pose.skeleton) == (
        *(LABELS, "mpii16"),
    )
    compared = 0
    for entry in cache.entries:
        sample = samples[entry.source]
        if len(sample.boxes) != 1:
            continue
        x1, y1, x2, y2 = sample.boxes[0]
        side = max(x2 - x1, y2 - y1) * (1 + 2 * view.margin)
        start = np.array([(x1 + x2) / 2, (y1 + y2) / 2]) - side / 2
        shown = sample.keypoints[0, :, 2] >= view.heatmap.min_confidence
        xy = (sample.keypoints[0, shown, :2] - start) * view.size / side
        heatmap = cache.load(entry).x["person"][..., 3]
        for x, y in np.clip(xy.astype(int), 0, view.size - 1):
            assert heatmap[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].max() > 0, entry.source
            compared += 1
    assert compared > 100


def test_new_pictures_are_refused_with_the_next_step(quick_run: PictureRun, tmp_path: Path) -> None:
    expected = "new pictures do not have. Set cache.poses: stage1 and let `train.py all` run again"
    with pytest.raises(LabelsOnlyError, match=expected):
        PicturePredictor(quick_run.run_dir)
    with pytest.raises(LabelsOnlyError, match=expected):
        make_package(quick_run, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_labelled_people_as_if_found() -> None:
    boxes = np.array([[1, 2, 30, 40], [0, 0, 0, 0], [5, 5, 9, 9]], np.float32)
    keypoints = np.zeros((3, len(MPII16), 3), np.float32)
    keypoints[0, 2] = 7, 8, 0.5
    sample = Sample(Path("a.jpg"), (50, 60), MPII16, boxes, keypoints, np.zeros(3, np.float32))
    poses = poses_of_labels(sample)
    assert (poses.image, poses.size, poses.skeleton) == (sample.image, (50, 60), MPII16)
    np.testing.assert_array_equal(poses.boxes, boxes[[0, 2]])
    np.testing.assert_array_equal(poses.keypoints, keypoints[[0, 2]])
    np.testing.assert_array_equal(poses.scores, [1, 1])
    with pytest.raises(ValueError, match="the size of a picture must be known"):
        poses_of_labels(replace(sample, size=None))
