"""Training keeps what it should keep; all from one training in another process."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pose_activity.annotations.readers.yolo import write_yolo
from pose_activity.annotations.skeleton import MPII16
from pose_activity.artifacts.manifest import sha256_file
from pose_activity.stage1_pose.fit import clear, fit, is_fitted, pictures_digest
from pose_activity.stage1_pose.options import PoseFit
from tests.stage1_pose.conftest import RunPython, drawn_samples

READ_EVENTS = Path(__file__).resolve().parents[1] / "read_events.py"


def rows(table: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))


def test_frozen_weights_did_not_move(trained: dict):
    assert any("running_mean" in key for key in trained["frozen"])
    assert trained["frozen_moved"] == []
    assert trained["free_moved"] > 0


def test_training_twice_gives_the_same_weights(trained: dict):
    assert trained["differing"] == []


def test_tables_and_best_weights_are_kept(trained: dict):
    out = trained["work"] / "fit"
    assert (out / "best.pt").is_file()
    for number in (1, 2):
        folder = out / f"round{number}"
        assert len(rows(folder / "results.csv")) == 1
        assert (folder / "weights" / "last.pt").is_file()


def test_the_second_round_starts_from_the_first_ones_last_weights(trained: dict):
    settings = (trained["work"] / "fit" / "round2" / "args.yaml").read_text(encoding="utf-8")
    assert "round1/weights/last.pt" in settings


def test_progress_counts_over_all_rounds(trained: dict):
    counts = [(done, total) for done, total, _ in trained["told"]]
    assert (1, 2) in counts and counts[-1] == (2, 2)
    assert trained["told"][-1][2].startswith("round 2: pose mAP50")
    steps = [(done, text) for done, _, text in trained["told"] if "step 1/" in text]
    assert [done for done, _ in steps] == [0, 1]  # epochs that are whole
    assert steps[1][1].startswith("round 2: epoch 1, step 1/")


def test_nothing_is_left_in_the_home_folder(trained: dict):
    assert list(trained["home"].rglob("*")) == []


def test_the_log_tells_every_epoch_of_results_csv_once(trained: dict):
    command = [sys.executable, READ_EVENTS, trained["work"] / "logs"]
    log = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    tables = [rows(trained["work"] / f"fit/round{number}/results.csv")[0] for number in (1, 2)]
    assert set(log) == set(tables[0]) - {"epoch", "time"}
    for name, events in log.items():
        assert [step for step, _ in events] == [1, 2]
        told = [float(table[name]) for table in tables]
        assert [value for _, value in events] == pytest.approx(told, rel=1e-5, nan_ok=True)
    assert not list((trained["work"] / "fit").rglob("*tfevents*"))  # ultralytics' own stays off


@pytest.mark.slow
def test_plots_are_drawn_without_a_download(run_python: RunPython, trained: dict, tmp_path: Path):
    script = """
import sys
from pathlib import Path
from pose_activity.stage1_pose.fit import fit
from pose_activity.stage1_pose.options import PoseFit
data, start, out = map(Path, sys.argv[1:])
fit(data, start, out, PoseFit((1,), image_size=64, batch=4, workers=0, device="cpu"))
"""
    home, work = tmp_path / "home", trained["work"]
    home.mkdir()
    own = {"HOME": str(home), "MPLCONFIGDIR": str(tmp_path / "mpl")}
    run_python(script, work / "yolo/data.yaml", work / "start.pt", tmp_path / "fit", **own)
    assert (tmp_path / "fit" / "round1" / "results.png").is_file()
    assert list(home.rglob("*")) == []


def test_validation_equals_the_trainers_own(trained: dict):
    (row,) = rows(trained["work"] / "fit/round2/results.csv")
    scores = trained["scores"]
    assert set(scores) == {"box_map50", "box_map50_95", "pose_map50", "pose_map50_95", "pose_loss"}
    assert scores["pose_loss"] == pytest.approx(float(row["val/pose_loss"]), rel=0.02)
    assert scores["pose_map50"] == pytest.approx(float(row["metrics/mAP50(P)"]), abs=0.01)


def test_what_a_killed_run_left_is_removed(tmp_path: Path):
    (tmp_path / "round1" / "weights").mkdir(parents=True)
    (tmp_path / "round1" / "weights" / "last.pt").write_bytes(b"half")
    (tmp_path / "best.pt").write_bytes(b"older, and good until there is another")
    (tmp_path / "mine.txt").write_text("kept", encoding="utf-8")
    clear(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.pt", "mine.txt"]


def test_the_same_training_is_not_done_twice(trained: dict):
    assert trained["third"] == {"same": True, "told": [[2, 2, "round 2: trained before"]]}


@pytest.mark.parametrize("changed", ["epochs", "start", "pictures"])
def test_another_training_is(tmp_path: Path, changed: str):
    asked = {"epochs": [1, 2], "start": "0", "pictures": "1", "lr0": 0.01}
    (tmp_path / "best.pt").write_bytes(b"weights")
    digest = sha256_file(tmp_path / "best.pt")
    note = json.dumps({"asked": asked, "sha256": digest})
    (tmp_path / "fitted.json").write_text(note, encoding="utf-8")
    assert is_fitted(tmp_path, asked)
    assert not is_fitted(tmp_path, {**asked, changed: "other"})
    (tmp_path / "best.pt").write_bytes(b"others")
    assert not is_fitted(tmp_path, asked)


@pytest.mark.parametrize("note", ["", "{", "[]", "{}"])
def test_a_damaged_note_vouches_for_nothing(tmp_path: Path, note: str):
    (tmp_path / "best.pt").write_bytes(b"weights")
    assert not is_fitted(tmp_path, {})
    (tmp_path / "fitted.json").write_text(note, encoding="utf-8")
    assert not is_fitted(tmp_path, {})


def test_what_is_trained_on_is_known_by_its_content(tmp_path: Path):
    """Names and times do not count, and a picture of the test split is not trained on."""
    samples = drawn_samples(tmp_path / "in", 8)
    samples[0] = replace(samples[0], split="test")

    def digest(name: str) -> str:
        return pictures_digest(write_yolo(samples, tmp_path / name, skeleton=MPII16))

    before = digest("a")
    os.utime(samples[1].image)
    assert digest("b") == before
    samples[0].image.write_bytes(samples[2].image.read_bytes())
    assert digest("c") == before
    samples[1].image.write_bytes(samples[2].image.read_bytes())
    assert digest("d") != before


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": ()}, "epochs must be one number per round. Received: none"),
        ({"epochs": (3, 0)}, r"epochs must be at least 1. Received: \(3, 0\)"),
        ({"image_size": 100}, "image_size must be a multiple of 32. Received: 100"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict, message: str):
    with pytest.raises(ValueError, match=message):
        PoseFit(**wrong)


def test_a_missing_data_set_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"data\.yaml\. Write it first"):
        fit(tmp_path / "data.yaml", "yolov8n-pose.yaml", tmp_path)
