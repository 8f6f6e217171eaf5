"""What a server says is what `infer.py` writes about the same file."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from pose_activity import infer
from tests.inference.motion_model import picture
from tests.serving.running import Running


def written(suffix: str, pixels: np.ndarray) -> bytes:
    return cv2.imencode(suffix, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].tobytes()


RED = written(".png", picture(red=(60, 20)))


def infer_on(
    model: Path, name: str, data: bytes, ending: str, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> bytes:
    """Bytes that infer.py writes about a file in the folder where it is called."""
    monkeypatch.chdir(folder)
    (folder / name).write_bytes(data)
    infer.main([name], run=str(model), out=f"rows{ending}", threads=2)
    return (folder / f"rows{ending}").read_bytes()


def test_a_picture_is_answered_at_once(
    server: Running, pictures_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = server.send(RED, name="red.png")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["activity"] == "red"
    line = infer_on(pictures_model, "red.png", RED, ".jsonl", monkeypatch, tmp_path)
    assert answer.content == line
    assert not server.left()
