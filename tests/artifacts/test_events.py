"""What tensorboard itself reads back; in a child, to keep TensorFlow out of this process."""

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from pose_activity.artifacts.events import EventLog

READ = """
import json, sys, types
sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")  # TensorFlow is not imported
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
log = EventAccumulator(sys.argv[1]).Reload()
scalars = {tag: [[e.step, e.value, e.wall_time] for e in log.Scalars(tag)]
    for tag in log.Tags()["scalars"]}
images = {tag: [[e.step, e.width, e.height] for e in log.Images(tag)]
    for tag in log.Tags()["images"]}
print(json.dumps([scalars, images]))
"""
WRITE = """
import sys
from pathlib import Path
from pose_activity.artifacts.events import EventLog
with EventLog(Path(sys.argv[1])) as log:
    log.scalars(1, {"loss": 0.5})
print(sorted({"torch", "tensorflow", "keras"} & set(sys.modules)))
"""
ROOT = Path(__file__).resolve().parents[2]


def run(script: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes(3 * width)) * height)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def test_tensorboard_reads_what_was_written_once(tmp_path: Path) -> None:
    for _ in range(2):  # the second log replaces the first
        with EventLog(tmp_path) as log:
            log.scalars(1, {"loss/train": 0.5, "loss/val": 0.25}, at=1000.5)
            log.scalars(2, {"loss/train": 0.125}, at=1001)
            log.picture("seen", png(5, 3))
    scalars, images = json.loads(run(READ, tmp_path))
    assert scalars == {
        "loss/train": [[1, 0.5, 1000.5], [2, 0.125, 1001]],
        "loss/val": [[1, 0.25, 1000.5]],
    }
    assert images == {"seen": [[0, 5, 3]]}


def test_every_step_is_on_disk_at_once_and_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with EventLog(tmp_path) as log:
        log.scalars(1, {"loss": 0.5})
        (file,) = tmp_path.glob("events*")
        before = file.stat().st_size
        log.scalars(2, {"loss": 0.5})
        assert file.stat().st_size > before > 0
    assert (tmp_path / "mine.txt").exists()


def test_imports_no_training_library(tmp_path: Path) -> None:
    assert run(WRITE, tmp_path) == "[]"


def test_another_picture_is_refused(tmp_path: Path) -> None:
    with EventLog(tmp_path) as log, pytest.raises(ValueError, match="seen must be a PNG file. Rec"):
        log.picture("seen", b"\xff\xd8jpeg")
