"""The command line with a model of motion: tables, drawn videos, stopping and going on."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import typer

from pose_activity import infer
from pose_activity.annotations.videos import read_frames, read_header
from pose_activity.inference.clips import predictor
from tests.commands import ROOT
from tests.inference.clips.test_pose_files import archive
from tests.inference.drawn_videos import largest_file
from tests.inference.motion_model import (
    CLASSES,
    RECIPE,
    crossing,
    picture,
    write_film,
    write_model,
)
from tests.test_infer import IMPORTED, INFER, PACKAGE

RIGHT, LEFT = CLASSES
COLUMNS = "image status activity probability top3 n_people error person box frame seconds note"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "run")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two who cross; somebody alone; nobody."""
    folder = tmp_path_factory.mktemp("films")
    alone = [picture(None, (125 - 4 * i, 36)) for i in range(12)]
    return [
        write_film(folder / "a crossing.avi", crossing()),
        write_film(folder / "b alone.avi", alone),
        write_film(folder / "c nobody.avi", [picture()] * 5),
    ]


def name(model: Path, *paths: Path, out: Path, **options) -> int:
    """Calls the command; returns its exit code."""
    try:
        infer.main(
            [*map(str, paths)], str(model), str(out), engine="onnxruntime", threads=1, **options
        )
    except typer.Exit as stop:
        return stop.exit_code
    return 0


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def said(rows: list[dict[str, str]]) -> list[tuple[str, str, str, str]]:
    return [(Path(r["image"]).stem, r["status"], r["person"], r["activity"]) for r in rows]


WHOLE = [
    ("a crossing", "ok", "0", RIGHT),
    ("a crossing", "ok", "1", LEFT),
    ("b alone", "ok", "0", LEFT),
    ("c nobody", "nobody", "", ""),
]


def test_every_person_is_a_row(
    model: Path, films: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "rows.csv"
    assert name(model, films[0].parent, out=out) == 0
    rows = read(out)
    assert list(rows[0]) == COLUMNS.split() and said(rows) == WHOLE
    assert rows[0]["seconds"] == "0.000" and len(rows[0]["box"].split()) == 4
    shown = capsys.readouterr().out
    assert "people" in shown and "4 rows in" in shown
    manifest = json.loads((tmp_path / "rows.csv.manifest.json").read_text(encoding="utf-8"))
    assert manifest["finished"] and manifest["counts"] == {"nobody": 1, "ok": 3}
    assert manifest["made_by"]["options"]["per_window"] is False
    assert ["Nothing is called unknown" in text for text in manifest["warnings"]] == [True]
    assert name(model, films[0].parent, out=tmp_path / "limit.csv", unknown_below=0.1) == 0
    manifest = json.loads((tmp_path / "limit.csv.manifest.json").read_text(encoding="utf-8"))
    assert manifest["warnings"] == []


def test_what_cannot_be_read_is_a_row_and_the_others_go_on(
    model: Path, films: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut, photo = tmp_path / "cut.avi", tmp_path / "photo.jpg"
    cut.write_bytes(films[0].read_bytes()[: films[0].stat().st_size // 2])
    cv2.imwrite(str(photo), picture())
    out = tmp_path / "rows.jsonl"
    assert name(model, cut, photo, films[1], out=out, strict=True) == 1
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["status"] for row in rows] == ["ok", "ok", "error", "error", "ok"]
    assert "promises 30 frames" in rows[2]["error"] and "no video" in rows[3]["error"]
    assert rows[0]["note"] == "padded: seen for 9 of 10 frames" and rows[4]["note"] is None
    text = " ".join(capsys.readouterr().out.split())
    assert text.count("skipped:") == 2 and "promises 30 frames" in text
    assert name(model, photo, out=tmp_path / "none.csv") == 1


def test_drawing_into_the_input_folder_adds_no_input(
    model: Path, films: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    for film in films:
        shutil.copy(film, inputs)
    for number in range(3):
        out = tmp_path / f"{number}.csv"
        assert name(model, inputs, out=out, draw=inputs) == 0
        assert said(read(out)) == WHOLE and len(list(inputs.iterdir())) == 6
        text = " ".join(capsys.readouterr().out.split())
        assert ("Drawn by this project and left out: 3" in text) == (number > 0)


def test_a_video_that_cannot_be_drawn_is_told_and_counts(
    model: Path, films: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, drawn = tmp_path / "rows.csv", tmp_path / "drawn"
    with largest_file(2_000):
        assert name(model, films[0], out=out, draw=drawn) == 1
    assert said(read(out)) == WHOLE[:2] and list(drawn.iterdir()) == []
    text = " ".join(capsys.readouterr().out.split())
    assert "not drawn:" in text and "arrived in the file, so it was removed" in text


def test_the_summary_says_how_many_are_unknown(
    model: Path, films: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for ending, column in (("csv", "top3"), ("jsonl", "probabilities")):
        out = tmp_path / f"rows.{ending}"
        assert name(model, *films, out=out, unknown_below=1.0) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert "3 of 3 answers are unknown: below 1.00" in said
        assert f"The column {column} has what is most likely; --unknown-below sets" in said
    assert name(model, *films, out=tmp_path / "b.csv", unknown_below=0.0) == 0
    assert "unknown" not in capsys.readouterr().out


def test_pose_files_and_videos_side_by_side(
    model: Path, films: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "in", tmp_path / "in" / "rows.csv"
    folder.mkdir()
    path = archive(folder)
    shutil.copy(films[0], folder)
    for options in ({}, {"resume": True}):
        assert name(model, folder, out=out, fps=20.0, **options) == 0
        rows = read(out)
        places = [row["image"].removeprefix(f"{folder}{os.sep}") for row in rows]
        assert places == ["walk.npz/anna", "walk.npz/ben", *["a crossing.avi"] * 2]
        assert [row["activity"] for row in rows] == [RIGHT, LEFT, RIGHT, LEFT]
    assert name(model, path, out=tmp_path / "b.csv", per_window=True, fps=20.0) == 0
    assert [row["seconds"] for row in read(tmp_path / "b.csv")][:3] == ["0.000", "0.250", "0.500"]
    with pytest.raises(ValueError, match="was made in another way .*fps"):
        name(model, path, out=out, fps=25.0, resume=True)


def test_a_row_for_each_window_in_parquet(model: Path, films: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    assert name(model, films[0], out=out, per_window=True, smooth=1.0) == 0
    table = pq.read_table(out).to_pylist()
    assert [(row["person"], row["frame"]) for row in table] == [
        (person, frame) for person in (0, 1) for frame in (0, 5, 10, 15, 20)
    ]
    assert set(table[0]["probabilities"]) == set(CLASSES)


def test_going_on_does_whole_videos(
    model: Path, films: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, watched = tmp_path / "rows.csv", []
    real = predictor.track_video

    def track_video(path, *arguments, **options):
        watched.append(path)
        return real(path, *arguments, **options)

    monkeypatch.setattr(predictor, "track_video", track_video)
    options = {"per_window": True}
    assert name(model, films[0], out=out, **options) == 0
    assert name(model, *films, out=out, resume=True, **options) == 0
    assert watched == films  # each once
    whole = out.read_bytes()
    # Killed in the middle of the first video's rows: it is begun anew, and nothing comes twice.
    manifest = tmp_path / "rows.csv.manifest.json"
    for lines in (3, 7, 12):
        part = b"".join(whole.splitlines(keepends=True)[:lines]) + b"torn"
        (tmp_path / "rows.csv.partial").write_bytes(part)
        (tmp_path / "rows.csv.partial.manifest.json").write_text(
            manifest.read_text(encoding="utf-8"), encoding="utf-8"
        )
        out.unlink()
        assert name(model, *films, out=out, resume=True, **options) == 0
        assert out.read_bytes() == whole
    assert watched[3:] == films + films + films[1:]
    with pytest.raises(ValueError, match="was made in another way .*per_window"):
        name(model, *films, out=out, resume=True)


def test_ctrl_c_finishes_the_video_under_way(
    model: Path, films: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, real = tmp_path / "rows.csv", predictor.track_video

    def track_video(*arguments, **options):
        pressed = signal.getsignal(signal.SIGINT)
        assert callable(pressed)
        pressed(signal.SIGINT, None)  # a real one crashes a process that loaded both engines
        return real(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(predictor, "track_video", track_video)
        assert name(model, *films, out=out) == 130
    assert said(read(out)) == WHOLE[:2]
    assert name(model, *films, out=out, resume=True) == 0
    assert said(read(out)) == WHOLE


def test_a_drawn_video_shows_number_box_and_name(
    model: Path, films: list[Path], tmp_path: Path
) -> None:
    drawn = tmp_path / "drawn"
    assert name(model, *films[:2], out=tmp_path / "rows.csv", draw=drawn) == 0
    first, second = sorted(drawn.iterdir())
    assert first.name.startswith("a_crossing-") and second.name.startswith("b_alone-")
    assert (read_header(first).frames, read_header(first).fps) == (30, pytest.approx(10))
    for frame in read_frames(first):
        number, image = frame.number or 0, frame.load().astype(int)
        if abs(number - 15) < 10:  # they hide each other, or each other's labels
            continue
        for x, y, colour in (
            (5 + 4 * number, 20, (255, 205, 60)),
            (125 - 4 * number, 36, (120, 200, 255)),
        ):
            if 4 < x < 130:
                edge = image[y + 40, x - 2 : x + 3]  # of the box; the codec blurs it
                assert np.abs(edge - colour).max(axis=1).min() < 90


def test_a_damaged_video_is_drawn_as_far_as_it_goes(
    model: Path, films: list[Path], tmp_path: Path
) -> None:
    cut = tmp_path / "cut.avi"
    cut.write_bytes(films[0].read_bytes()[: films[0].stat().st_size // 2])
    assert name(model, cut, out=tmp_path / "rows.csv", draw=tmp_path / "drawn") == 0
    (film,) = (tmp_path / "drawn").iterdir()
    assert read_header(film).frames == 9  # of 30
    (tmp_path / "cut.avi").write_bytes(b"nothing")
    assert name(model, cut, out=tmp_path / "b.csv", draw=tmp_path / "b") == 1
    assert list((tmp_path / "b").iterdir()) == []


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"explain": True}, "--explain: this is drawn of pictures, and this model names people"),
        ({"every": 2}, "--every: .* people would move 2 times as fast: leave it out"),
        ({"smooth": 1.0}, "--smooth: .* leave it out, or ask for a row per window"),
    ],
    ids=str,
)
def test_what_motion_cannot_do_is_said_before_anything_is_written(
    model: Path, films: list[Path], tmp_path: Path, wish: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        name(model, films[0], out=tmp_path / "rows.csv", **wish)
    assert not list(tmp_path.iterdir())


def test_a_camera_needs_a_model_of_the_last_seconds(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pose_activity.annotations.videos.check_camera", lambda path: None)
    with pytest.raises(ValueError, match="A model for a camera takes windows of some seconds"):
        name(model, Path("camera:0"), out=tmp_path / "rows.csv")


def test_a_camera_is_answered_while_it_runs(
    films: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The camera is a film here; a row per person, twice a second, is written as it comes."""
    monkeypatch.setattr("pose_activity.annotations.videos.check_camera", lambda path: None)
    frames = list(read_frames(films[0]))
    monkeypatch.setattr(
        "pose_activity.annotations.videos.read_frames", lambda path, **options: iter(frames)
    )
    live = write_model(tmp_path / "run", replace(RECIPE, rate=10.0))
    out = tmp_path / "rows.csv"
    assert name(live, Path("camera:0"), out=out) == 0
    rows = [row for row in read(out) if float(row["seconds"]) >= 1.5]
    assert [(r["seconds"], r["person"], r["activity"]) for r in rows] == [
        (seconds, person, activity)
        for seconds in ("1.500", "2.000", "2.500")
        for person, activity in (("0", RIGHT), ("1", LEFT))
    ]


def test_what_a_camera_sees_is_not_drawn_of_people_who_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pose_activity.annotations.videos.check_camera", lambda path: None)
    live = write_model(tmp_path / "run", replace(RECIPE, rate=10.0))
    with pytest.raises(ValueError, match="--draw: .*record a video first"):
        name(live, Path("camera:0"), out=tmp_path / "rows.csv", draw=tmp_path / "drawn")


def test_longer_videos_take_no_more_memory_than_their_joints(model: Path, tmp_path: Path) -> None:
    """Pictures are let go: what is kept of a frame is far smaller than its pixels."""
    peaks = []
    pipeline = predictor.ClipPredictor(model, engine="onnxruntime", threads=1)
    for frames in (30, 110):
        film = write_film(
            tmp_path / f"{frames}.avi", [picture((60, 20 + i % 9)) for i in range(frames)]
        )
        tracemalloc.start()
        list(pipeline.answers([film]))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    pixels = picture().nbytes
    assert peaks[1] - peaks[0] < 80 * 0.25 * pixels


def test_no_more_is_imported_than_the_extra_infer_brings(
    model: Path, films: list[Path], tmp_path: Path
) -> None:
    arguments = [films[1], "--run", model, "--out", tmp_path / "rows.csv", "--per-window"]
    arguments += ["--draw", tmp_path / "drawn", "--engine", "onnxruntime"]
    command = [sys.executable, "-c", IMPORTED, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    assert read(tmp_path / "rows.csv")[0]["activity"] == LEFT
    taken = {name for name in done.stdout.splitlines()[-1].split() if not name.startswith("_")}
    assert "cv2" in taken and not taken - PACKAGE - INFER, taken - PACKAGE - INFER
