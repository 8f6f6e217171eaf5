"""Damage in a JPEG, against what libjpeg says of the same bytes on its standard error."""

import io
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from pose_activity.annotations.images import DamagedError, ImageError, check_image, load_rgb
from pose_activity.annotations.jpeg import is_damaged

_PHOTO = np.clip(
    cv2.resize(
        np.random.default_rng(0).integers(0, 255, (20, 27, 3), np.uint8),
        (403, 301),
        interpolation=cv2.INTER_CUBIC,
    )
    + np.random.default_rng(1).normal(0, 9, (301, 403, 3)),
    0,
    255,
).astype(np.uint8)
_KINDS: dict[str, dict[str, Any]] = {
    "4:2:0": {"subsampling": 2},
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "grey": {},
    "own tables": {"optimize": True},
    "restarts": {"restart_marker_blocks": 7},
    "row restarts": {"restart_marker_rows": 1},
    "progressive": {"progressive": True},
    "CMYK": {},
}
# Decodes files of one folder after the other; libjpeg's warnings follow the name.
_DECODE = """
import sys, cv2
for name in sys.argv[1:]:
    print(name, file=sys.stderr, flush=True)
    cv2.imread(name)
"""


def _encode(kind: str) -> bytes:
    image = Image.fromarray(_PHOTO)
    image = image.convert({"grey": "L", "CMYK": "CMYK"}.get(kind, "RGB"))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88, **_KINDS[kind])
    return out.getvalue()


def _decode(data: bytes) -> np.ndarray | None:
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    return cv2.imdecode(np.frombuffer(data, np.uint8), flags)


def _damage(data: bytes, how: str, random_: random.Random) -> bytes:
    start = data.rindex(b"\xff\xda") + 100
    at = random_.randrange(start + (len(data) - start) // 5, start + (len(data) - start) // 2)
    count = random_.choice([1, 4, 16, 64, 400])
    if how == "zeros":
        return data[:at] + bytes(count) + data[at + count :]
    if how == "lost":
        return data[:at] + data[at + count :]
    if how == "flip":
        return data[:at] + bytes([data[at] ^ 1 << random_.randrange(8)]) + data[at + 1 :]
    return data[:at] + random_.randbytes(count) + data[at + count :]


def _warned(folder: Path, files: dict[str, bytes]) -> dict[str, str]:
    """Returns what libjpeg says of each file, in a process of its own."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    command = [sys.executable, "-c", _DECODE, *files]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=True)
    said, name = dict.fromkeys(files, ""), ""
    for line in done.stderr.splitlines():
        if line in files:
            name = line
        elif line.startswith("Corrupt JPEG data"):
            said[name] = line
    return said


@pytest.mark.parametrize("kind", _KINDS)
def test_a_whole_picture_is_not_damaged(kind: str):
    data = _encode(kind)
    image = _decode(data)
    assert image is not None and not is_damaged(data, image, thorough=True)


@pytest.mark.parametrize("kind", ["4:2:0", "4:4:4", "4:2:2", "grey", "own tables"])
def test_damage_that_the_decoder_warns_of_is_found(tmp_path: Path, kind: str):
    whole, random_ = _encode(kind), random.Random(0)
    ways = ("noise", "zeros", "lost", "flip")
    files = {f"{i}.jpg": _damage(whole, ways[i % 4], random_) for i in range(48)}
    said = _warned(tmp_path, files)
    found = {}
    for name, data in files.items():
        image = _decode(data)
        found[name] = image is None or is_damaged(data, image, thorough=True)
    # Up to three bytes too many, or a code that is none and yet ends in its place, go unnoticed.
    sure = {name for name, text in said.items() if "premature" in text}
    sure |= {name for name, text in said.items() if "extran" in text and int(text.split()[3]) > 3}
    assert len(sure) >= 15
    assert sum(found[name] for name in sure) >= 0.9 * len(sure)  # some shift the end by a bit
    assert not [name for name, text in said.items() if not text and found[name]]


@pytest.mark.parametrize("kind", ["restarts", "row restarts", "progressive", "CMYK"])
def test_lost_data_are_found_in_other_kinds(kind: str):
    whole, random_ = _encode(kind), random.Random(1)
    found = []
    for _ in range(12):
        at = random_.randrange(len(whole) // 3, len(whole) // 2)
        data = whole[:at] + whole[at + 500 :]
        image = _decode(data)
        found.append(image is None or is_damaged(data, image, thorough=True))
    assert sum(found) >= 11


def test_the_error_says_what_is_wrong_in_training_and_prediction(tmp_path: Path):
    path = tmp_path / "half_grey.jpg"
    data = _encode("4:2:0")
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes(400) + data[middle + 400 :])
    for read in (load_rgb, check_image):
        with pytest.raises(DamagedError, match=r"half_grey\.jpg: the JPEG is damaged: a part of"):
            read(path)


def test_checks_in_many_threads_say_nothing_and_leave_the_log_as_it_was(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    path = tmp_path / "fine.jpg"
    path.write_bytes(_encode("4:2:0"))
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_WARNING)
    try:
        with ThreadPoolExecutor(8) as pool:
            pictures = list(pool.map(load_rgb, [path] * 64))
        assert cv2.utils.logging.getLogLevel() == cv2.utils.logging.LOG_LEVEL_WARNING
    finally:
        cv2.utils.logging.setLogLevel(level)
    assert all((picture == pictures[0]).all() for picture in pictures)
    assert capfd.readouterr().err == ""


def test_nonsense_is_no_crash():
    image = np.zeros((8, 8, 3), np.uint8)
    whole = _encode("4:2:0")
    for data in (b"\xff\xd8", b"\xff\xd8\xff\xc0\0\x04", b"\xff\xd8" + bytes(99), whole[:300]):
        assert not is_damaged(data, image, thorough=True)


def test_no_real_photo_is_called_damaged(data_dir: Path):
    photos = sorted((data_dir / "stanford40").rglob("*.jpg"))[::40]
    photos += sorted((data_dir / "mpii").rglob("*.jpg"))[::20]
    assert len(photos) > 50
    refused = []
    for photo in photos:
        try:
            check_image(photo)
        except ImageError as error:
            refused.append(str(error))
    assert not refused
