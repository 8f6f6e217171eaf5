"""Videos, and runs that are stopped, killed and gone on with, as a user meets them."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from pose_activity.annotations.videos import read_header
from pose_activity.artifacts.manifest import sha256_file
from tests.commands import ROOT, call
from tests.inference.drawn_videos import coloured, write_video

FRAMES = 240


def infer(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return call("infer.py", *arguments)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def long_input(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a picture, a video that takes some seconds, and another picture."""
    folder = tmp_path_factory.mktemp("long")
    first, last = coloured(2)
    write_video(folder / "b.avi", coloured(20) * (FRAMES // 20))
    for name, pixels in (("a.png", first), ("c.png", last)):
        cv2.imwrite(str(folder / name), pixels)
    return folder


@pytest.fixture(scope="module")
def uninterrupted(long_input: Path, tiny_run: Path, tmp_path_factory: pytest.TempPathFactory):
    """The Parquet file of a run that nobody stopped."""
    out = tmp_path_factory.mktemp("whole") / "a.parquet"
    done = infer(long_input, "--run", tiny_run, "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def stop(how: signal.Signals, out: Path, *arguments: str | Path) -> subprocess.Popen[str]:
    """Starts infer.py and sends it a signal when some rows are on the disk."""
    command = [sys.executable, "infer.py", *map(str, arguments), "--out", str(out)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    partial = out.with_name(out.name + ".partial")
    deadline = time.monotonic() + 60
    while not partial.exists() or partial.read_bytes().count(b"\n") < 20:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(how)
    return process


def test_a_stopped_run_leaves_a_whole_table_and_goes_on(
    long_input: Path, tiny_run: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a.parquet"
    process = stop(signal.SIGINT, out, long_input, "--run", tiny_run)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 130 and "the same command with --resume continues" in said
    rows = pq.read_table(out)
    assert 20 <= len(rows) < FRAMES
    assert rows.equals(pq.read_table(uninterrupted).slice(0, len(rows)))
    manifest = json.loads((tmp_path / "a.parquet.manifest.json").read_text(encoding="utf-8"))
    assert (manifest["finished"], manifest["rows"]) == (False, len(rows))
    done = infer(long_input, "--run", tiny_run, "--out", out, "--resume")
    assert done.returncode == 0 and f"({len(rows)} of them from before)" in done.stdout
    assert pq.read_table(out).equals(pq.read_table(uninterrupted))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_killed_run_goes_on(
    long_input: Path, tiny_run: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    out, drawn = tmp_path / "a.csv", tmp_path / "drawn"
    arguments = (long_input, "--run", tiny_run, "--draw", drawn)
    process = stop(signal.SIGKILL, out, *arguments)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL and not out.exists()
    assert not list(drawn.glob("b-*.webm"))
    refused = infer(*arguments, "--out", out, "--resume", "--smooth", "1")
    assert refused.returncode == 2 and "options.smooth: 0.0 -> 1.0" in refused.stdout
    done = infer(*arguments, "--out", out, "--resume")
    assert done.returncode == 0, done.stdout + done.stderr
    whole = pq.read_table(uninterrupted).to_pylist()
    rows = read(out)
    assert [(row["image"], row["frame"], row["activity"]) for row in rows] == [
        (row["image"], "" if row["frame"] is None else str(row["frame"]), row["activity"])
        for row in whole
    ]
    (film,) = drawn.glob("b-*.webm")
    assert read_header(film).frames == FRAMES and len(list(drawn.iterdir())) == 3


def test_a_video_is_a_row_a_frame(tiny_run: Path, tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.avi", coloured(20), fps=10)
    data = clip.read_bytes()
    cut, text = tmp_path / "cut.avi", tmp_path / "text.mp4"
    cut.write_bytes(data[: len(data) // 2])
    text.write_text("no video", encoding="utf-8")
    out = tmp_path / "a.csv"
    arguments = ("--run", tiny_run, "--every", "4", "--smooth", "0.5", "--engine", "onnxruntime")
    done = infer(clip, cut, text, *arguments, "--out", out, "--strict")
    assert done.returncode == 1, done.stdout + done.stderr
    rows = read(out)
    assert list(rows[0])[-2:] == ["frame", "seconds"]
    frames = [(row["frame"], row["seconds"]) for row in rows if row["image"] == str(clip)]
    assert frames == [(str(n), f"{n / 10:.3f}") for n in (0, 4, 8, 12, 16)]
    lost = [row for row in rows if row["image"] == str(cut)]
    assert [row["status"] for row in lost] == ["ok"] * 3 + ["error"]
    assert "its header promises 20 frames" in lost[-1]["error"]
    assert rows[-1]["image"] == str(text) and "not a video" in rows[-1]["error"]
    manifest = json.loads((tmp_path / "a.csv.manifest.json").read_text(encoding="utf-8"))
    assert manifest["counts"] == {"error": 2, "ok": 8} and manifest["finished"]
    made_by = manifest["made_by"]
    assert (made_by["engine"], made_by["options"]) == ("onnxruntime", {"every": 4, "smooth": 0.5})
    for stage, graph in (("stage1", "pose.onnx"), ("stage2", "classifier.onnx")):
        assert made_by[stage]["sha256"] == sha256_file(tiny_run / stage / graph)
        assert made_by[stage]["precision"] == "f32"
    assert {"python", "numpy", "opencv", "onnxruntime"} == set(manifest["versions"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["camera:97"], "There is no camera at camera:97"),
        (["photo.png", "--out", "a.xlsx"], "ends in one of"),
    ],
)
def test_mistakes_are_said_before_any_work(
    tiny_run: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    cv2.imwrite(str(tmp_path / "photo.png"), np.zeros((9, 9, 3), np.uint8))
    command = [sys.executable, str(ROOT / "infer.py"), *arguments, "--run", str(tiny_run)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 2 and message in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]
