"""MPII's configurations, from labels to report, on drawn pictures with MPII's names and imbalance.

Whoever has MPII's pictures runs both files unchanged: here, sizes, counts and epochs are smaller.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from pose_activity.annotations.synthetic import pictures
from pose_activity.annotations.synthetic.options import DrawnPictures
from tests.commands import call

# How many pictures a category has in a miniature: MPII's largest has 75 times its smallest.
CATEGORIES = {
    "sports": 45,
    "occupation": 6,
    "conditioning exercise": 4,
    "home activities": 4,
    "lawn and garden": 3,
    "home repair": 3,
    "water activities": 3,
    "miscellaneous": 3,
    "winter activities": 3,
    "fishing and hunting": 3,
    "dancing": 3,
    "walking": 3,
    "music playing": 3,
    "bicycling": 3,
    "running": 3,
    "inactivity quiet/light": 3,
    "religious activities": 3,
    "self care": 3,
    "transportation": 3,
    "volunteer activities": 1,
}
pytestmark = pytest.mark.slow
COUNT = sum(CATEGORIES.values())
SMALL = (
    "split={train: 0.55, val: 0.225, test: 0.225}",
    "cache.width=64",
    "cache.height=48",
    "stage2.batch=16",
    "threads=2",
)


@pytest.fixture(autouse=True)
def weights(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets both start from the pretrained pose model, as they say."""
    monkeypatch.setenv("POSE_ACTIVITY_WEIGHTS", str(data_dir / "weights"))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `images/` and `release.mat` in MPII's layout."""
    folder = tmp_path_factory.mktemp("mpii")
    asked = DrawnPictures(images=COUNT, width=96, height=72, faults=False)
    path = pictures.write(folder, asked, seed=0)
    release = loadmat(path)["RELEASE"]
    names = [name for name, count in CATEGORIES.items() for _ in range(count)]
    for act, name in zip(release["act"][0, 0][:, 0], names, strict=True):
        act["cat_name"] = np.array([name])
    savemat(path, {"RELEASE": release}, do_compression=True)
    return folder


def test_ours(drawn: Path, tmp_path: Path) -> None:
    report = _train(
        "mpii_best",
        drawn,
        tmp_path,
        "stage1.export_size=128",
        "cache.person_view.size=64",
        "stage2.fine_tune.small_epochs=1",
        "stage2.fine_tune.epochs=1",
    )
    assert any("heatmap" in row["part"] for row in report["inputs"]["rows"])


def test_published(drawn: Path, tmp_path: Path) -> None:
    _train(
        "mpii",
        drawn,
        tmp_path,
        "stage1.split={train: 24, val: 8, test: 0}",
        "stage1.fit.epochs=[1, 1]",
        "stage1.fit.image_size=64",
        "stage1.fit.batch=8",
        "stage1.fit.workers=0",
        "stage1.export_size=64",
        "stage2.weights=none",
        "stage2.epochs=1",
    )


def _train(config: str, drawn: Path, folder: Path, *changes: str) -> dict:
    """Runs a configuration; returns its scores, which are of each category that was held out."""
    data = (f"data.annotations={drawn / 'release.mat'}", f"data.images={drawn / 'images'}")
    changed = (f"run_dir={folder / 'run'}", *data, *SMALL, *changes)
    settings = [part for item in changed for part in ("--set", item)]
    done = call("train.py", "all", "--config", f"configs/{config}.yaml", *settings)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((folder / "run" / "report" / "metrics.json").read_text("utf-8"))
    assert {*report["per_class"]} <= {*CATEGORIES} and report["n"] > COUNT / 6
    assert (folder / "run" / "report" / "report.html").is_file()
    return report
