"""A name is the same text in every locale, in every output, and printing it never fails."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity.artifacts.names import shown
from tests.commands import ROOT

LATIN = "de_DE.ISO-8859-1"


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a Latin-1 locale, made from glibc's sources."""
    folder = tmp_path_factory.mktemp("locales")
    if shutil.which("localedef"):
        command = ["localedef", "-f", "ISO-8859-1", "-i", "de_DE", str(folder / LATIN)]
        subprocess.run(command, capture_output=True)
    return folder


def run_under(name: str, locales: Path, *command: str | Path) -> bytes:
    """Runs a script in a locale that Python is kept from leaving; returns what it printed."""
    if name == LATIN and not (locales / LATIN).is_dir():
        pytest.skip("localedef cannot make a Latin-1 locale here")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONIOENCODING"}
    environment |= {"LOCPATH": str(locales), "LC_ALL": name}
    environment |= {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, env=environment
    )
    assert done.returncode == 0 and b"Traceback" not in done.stderr, done.stderr
    return done.stdout


def draw(folder: Path) -> Path:
    """Draws noise of two classes, one of whose names is not ASCII."""
    rng = np.random.default_rng(0)
    for name in ("Küche", "Bad"):
        (folder / name).mkdir(parents=True)
        for i in range(10):
            noise = rng.integers(0, 255, (40, 40, 3), np.uint8)
            (folder / name / f"ü{i}.png").write_bytes(cv2.imencode(".png", noise)[1].tobytes())
    return folder


def label(name: str, locales: Path, photos: Path, run: Path) -> list[bytes]:
    """Reads the labels of a folder in a locale; returns what was written."""
    settings = [f"data.images={photos}", f"run_dir={run}"]
    options = [part for setting in settings for part in ("--set", setting)]
    run_under(name, locales, "train.py", "annotations", "--config", "configs/folder.yaml", *options)
    files = ("samples.jsonl", "cleaned.coco.json", "train.txt", "cleaning.json")
    return [(run / "annotations" / file).read_bytes() for file in files]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def in_utf8(locales: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """What the labels of `photos` are in the locale C.UTF-8."""
    return label("C.UTF-8", locales, photos, tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize("name", ["C", LATIN])
def test_a_folder_is_one_class_in_every_locale(
    name: str, locales: Path, photos: Path, in_utf8: list[bytes], tmp_path: Path
) -> None:
    assert label(name, locales, photos, tmp_path / "run") == in_utf8
    assert rb'"activity": "K\u00fcche"' in in_utf8[0]
    assert "Küche/ü".encode() in in_utf8[2]


@pytest.mark.parametrize("name", ["C", LATIN])
def test_answers_name_files_in_every_locale(
    name: str, locales: Path, tiny_run: Path, tmp_path: Path
) -> None:
    photos, out = draw(tmp_path / "photos"), tmp_path / "ü.csv"
    (photos / "Bad" / "kaputt ü.png").write_bytes(b"no picture")
    said = run_under(name, locales, "infer.py", photos, "--run", tiny_run, "--out", out)
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["image"] for row in rows} == {shown(path) for path in photos.rglob("*.png")}
    assert ("ü" if name == LATIN else "\\xfc").encode("latin-1") + b".png" in said
