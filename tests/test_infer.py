"""Classifying pictures with a finished run, in a process without torch and TensorFlow."""

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity.annotations.images import load_rgb, write_image
from pose_activity.annotations.types import Poses
from pose_activity.annotations.videos import Frame
from pose_activity.cache.planes import make
from pose_activity.cache.store import open_cache
from pose_activity.inference.pictures.predictor import PicturePredictor
from pose_activity.inference.results import COLUMNS
from pose_activity.inference.sources import find_sources, frames
from pose_activity.runtime.graph import ENGINES
from tests.commands import ROOT, call
from tests.inference.drawn_videos import coloured, write_video
from tests.inference.motion_model import vouch

PACKAGE = {"pose_activity"}
# The five packages of the extra [infer], and what they in turn depend on.
INFER = {"numpy", "cv2", "onnxruntime", "typer", "rich"}
INFER |= {"pygments", "markdown_it", "mdurl", "shellingham", "click", "colorama", "packaging"}
INFER |= {"typing_extensions", "typing_inspection", "annotated_doc", "annotated_types"}
INFER |= {"pydantic", "pydantic_core", "flatbuffers", "google"}
# Calls infer.py and prints what it imported.
IMPORTED = """
import sys
import typer
from pose_activity import infer
sys.argv[0] = "infer.py"
try:
    typer.run(infer.main)
except SystemExit as stop:
    assert not stop.code, stop.code
print(*sorted({name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names))
"""


def infer(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return call("infer.py", *arguments)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Readable pictures of all kinds and three that are not."""
    folder = tmp_path / "my photos é"
    folder.mkdir()
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (60, 80, 3), np.uint8)
    kinds = {
        "plain.jpg": picture,
        "grey.png": picture[..., 0],
        "alpha.png": np.dstack([picture, picture[..., 0]]),
        "16 bit.png": picture.astype(np.uint16) * 257,
        "one pixel.png": picture[:1, :1],
        "deeper/line.png": np.repeat(picture[:1], 1, axis=0),
    }
    for name, pixels in kinds.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(cv2.imencode(Path(name).suffix, pixels)[1].tobytes())
    whole = cv2.imencode(".jpg", picture)[1].tobytes()
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_bytes(b"no picture at all")
    return folder


def test_every_picture_is_a_row(tiny_run: Path, photos: Path, tmp_path: Path) -> None:
    digests = {p: hashlib.sha256(p.read_bytes()).digest() for p in photos.rglob("*.*")}
    out, drawn = tmp_path / "out" / "rows.csv", tmp_path / "drawn"
    options = ("--draw", drawn, "--unknown-below", "0")
    done = infer(photos, "--run", tiny_run, "--out", out, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {Path(row["image"]).name: row for row in read(out)}
    assert tuple(next(iter(rows.values()))) == COLUMNS
    assert len(rows) == 9
    for name in ("empty.jpg", "truncated.jpg", "text.jpg"):
        assert rows[name]["status"] == "error" and rows[name]["activity"] == ""
    assert "is empty" in rows["empty.jpg"]["error"]
    assert "is truncated" in rows["truncated.jpg"]["error"]
    assert "not a picture" in rows["text.jpg"]["error"]
    classes = set(open_cache(tiny_run / "cache").classes)
    for name in ("plain.jpg", "grey.png", "alpha.png", "16 bit.png", "one pixel.png", "line.png"):
        row = rows[name]
        assert (row["status"], row["error"]) == ("ok", "")
        top = [part.rsplit(":", 1) for part in row["top3"].split("|")]
        assert [top[0][0], f"{float(top[0][1]):.4f}"] == [row["activity"], row["probability"]]
        assert len(top) == 3 and {activity for activity, _ in top} <= classes
        assert int(row["n_people"]) >= 0
    assert len(list(drawn.glob("*.jpg"))) == 6
    assert digests == {p: hashlib.sha256(p.read_bytes()).digest() for p in photos.rglob("*.*")}


@pytest.mark.skipif(os.name == "nt", reason="names there are Unicode")
def test_names_that_are_not_utf8_are_rows_like_others(tiny_run: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "rows.jsonl"
    picture = cv2.imencode(".jpg", np.full((40, 60, 3), 90, np.uint8))[1].tobytes()
    files = {b"a.jpg": picture, b"caf\xe9.jpg": picture, b"d\xe9/x.jpg": picture}
    files |= {b"no\xff.jpg": b"no picture", b"v\xff.mp4": b"no video"}
    for name, content in files.items():
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    command = [sys.executable, "infer.py", folder, "--run", tiny_run, "--out", out, "--explain"]
    command += ["--draw", tmp_path / "drawn", "--gallery", tmp_path / "page.html"]
    strict = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}  # as in a terminal
    done = subprocess.run(command, cwd=ROOT, env=strict, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    found = {row["image"].removeprefix(f"{folder}/"): row["status"] for row in rows}
    assert found == {
        "a.jpg": "ok",
        r"caf\xe9.jpg": "ok",
        r"d\xe9/x.jpg": "ok",
        r"no\xff.jpg": "error",
        r"v\xff.mp4": "error",
    }
    assert r"no\xff.jpg: not a picture" in done.stdout
    assert r"caf\xe9.jpg" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert len(list((tmp_path / "drawn").glob("*"))) == 6


def test_strict_and_all_failed(tiny_run: Path, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    assert infer(photos, "--run", tiny_run, "--out", out, "--strict").returncode == 1
    assert len(read(out)) == 9
    again = [photos / "empty.jpg", "--run", tiny_run, "--out", out]
    refused = infer(*again)
    assert refused.returncode == 2 and "rows.csv is there already" in refused.stdout
    assert "--overwrite" in refused.stdout and len(read(out)) == 9
    assert infer(*again, "--overwrite").returncode == 1
    assert read(out)[0]["status"] == "error"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["nowhere.jpg"], "No picture or video there: nowhere.jpg"),
        (["*.nothing"], "No picture or video there"),
    ],
)
def test_names_that_give_nothing(
    tiny_run: Path, tmp_path: Path, names: list[str], message: str
) -> None:
    done = infer(*names, "--run", tiny_run, "--out", tmp_path / "rows.csv")
    assert done.returncode == 2 and message in done.stdout
    assert not (tmp_path / "rows.csv").exists()


def test_an_unfinished_run_is_named(tmp_path: Path, photos: Path) -> None:
    done = infer(photos, "--run", tmp_path / "nothing", "--out", tmp_path / "rows.csv")
    assert done.returncode == 2 and "is missing" in done.stdout


def test_an_unwritable_output_is_named(tiny_run: Path, photos: Path) -> None:
    out = photos / "plain.jpg" / "rows.csv"
    done = infer(photos, "--run", tiny_run, "--out", out)
    assert done.returncode == 2 and "error:" in done.stdout and "plain.jpg" in done.stdout


def test_no_more_is_imported_than_the_extra_infer_brings(
    tiny_run: Path, photos: Path, tmp_path: Path
) -> None:
    out, page = tmp_path / "rows.csv", tmp_path / "page.html"
    arguments = [photos / "plain.jpg", "--run", tiny_run, "--out", out, "--gallery", page]
    arguments += ["--draw", tmp_path / "drawn", "--explain", "--engine", "onnxruntime"]
    command = [sys.executable, "-c", IMPORTED, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert read(out)[0]["status"] == "ok" and page.exists()
    taken = {name for name in done.stdout.splitlines()[-1].split() if not name.startswith("_")}
    assert "cv2" in taken and not taken - PACKAGE - INFER, taken - PACKAGE - INFER


def test_inference_builds_the_tensor_that_training_saw(tiny_run: Path) -> None:
    cache = open_cache(tiny_run / "cache")
    pipeline = PicturePredictor(tiny_run)
    entries = cache.entries[:6]
    answers = pipeline.answers(Frame.of_picture(entry.source) for entry in entries)
    rows = [row for answer in answers for row in answer.rows]
    assert [row.image for row in rows] == [entry.source for entry in entries]
    for entry, row in zip(entries, rows, strict=True):
        assert isinstance(row.poses, Poses) and row.probabilities is not None
        tensor = make(load_rgb(entry.source), row.poses, pipeline.recipe)
        assert np.array_equal(tensor, cache.load(entry).x)
        alone = pipeline.classifier(tensor[None])[0]
        assert np.array_equal(row.probabilities, alone)
        assert row.probabilities.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_picture_has_one_answer(tiny_run: Path, tmp_path: Path, engine: str) -> None:
    pytest.importorskip(engine)
    pictures = [np.ascontiguousarray(load_rgb(path)) for path in drawn_pictures(tiny_run)[:4]]
    pictures += coloured(3, pictures[0].shape[1::-1])
    for i, pixels in enumerate(pictures):
        write_image(tmp_path / "folder" / f"{i}.png", pixels)
    clip = write_video(tmp_path / "clip.avi", pictures)  # loses nothing
    answers = []
    for threads in (1, 2):
        pipeline = PicturePredictor(tiny_run, engine=engine, threads=threads)
        for source in (tmp_path / "folder", clip):
            answers.append(list(pipeline.answers(frames(find_sources([str(source)])))))
        answers.append([pipeline.answer(frame) for frame in frames([clip])])
        alone = (frames([tmp_path / "folder" / f"{i}.png"]) for i in range(len(pictures)))
        answers.append([answer for one in alone for answer in pipeline.answers(one)])
    first, *others = [[answer.rows[0] for answer in group] for group in answers]
    assert len(first) == len(pictures)
    for group in others:
        for row, same in zip(first, group, strict=True):
            assert row.poses is not None and same.poses is not None
            assert np.array_equal(row.poses.keypoints, same.poses.keypoints)
            assert row.probabilities is not None
            assert np.array_equal(row.probabilities, same.probabilities)  # the same bits


def drawn_pictures(run: Path) -> list[Path]:
    return [entry.source for entry in open_cache(run / "cache").entries]


def test_a_foreign_pose_graph_is_refused(tiny_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    for step in ("stage1", "stage2"):
        shutil.copytree(tiny_run / step, run / step)
    sidecar = run / "stage2" / "classifier.json"
    value = json.loads(sidecar.read_text(encoding="utf-8"))
    value["recipe"]["pose"]["sha256"] = "0" * 64
    sidecar.write_text(json.dumps(value), encoding="utf-8")
    vouch(run)
    with pytest.raises(ValueError, match="was trained on poses of graph 000000000000 at 64 px"):
        PicturePredictor(run)
