"""Every kind of picture that a person may own, against Pillow."""

import hashlib
import os
import re
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from annotations.images import ImageError, find_images, load_rgb, read_size

_SMOOTH = cv2.resize(
    np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8),
    (64, 48),
    interpolation=cv2.INTER_CUBIC,
)
_GREY = _SMOOTH[..., 0]


def _pillow(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def _check(path: Path, expected: np.ndarray, tolerance: int = 0) -> None:
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    got = load_rgb(path)
    assert got.dtype == np.uint8 and got.shape == expected.shape
    assert np.abs(got.astype(int) - expected).max() <= tolerance
    assert read_size(path) == got.shape[1::-1]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_all_exif_orientations(tmp_path: Path, suffix: str, orientation: int):
    path = tmp_path / f"turned.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(_SMOOTH).save(path, exif=exif, lossless=True)
    _check(path, _pillow(path))


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "CMYK", "RGB"])
def test_colour_modes(tmp_path: Path, mode: str):
    path = tmp_path / ("x.jpg" if mode == "CMYK" else "x.png")
    Image.fromarray(_SMOOTH).convert(mode).save(path)
    _check(path, _pillow(path), tolerance=1)


def test_alpha_is_dropped_not_blended(tmp_path: Path):
    transparent = Image.fromarray(_SMOOTH)
    transparent.putalpha(0)
    transparent.save(tmp_path / "clear.png")
    _check(tmp_path / "clear.png", _SMOOTH)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_become_8(tmp_path: Path, suffix: str):
    deep = tmp_path / f"deep.{suffix}"
    cv2.imwrite(str(deep), _SMOOTH[..., ::-1].astype(np.uint16) * 257)
    _check(deep, _SMOOTH)
    cv2.imwrite(str(deep), _GREY.astype(np.uint16) * 257)
    _check(deep, np.repeat(_GREY[..., None], 3, axis=2))


def test_one_pixel(tmp_path: Path):
    path = tmp_path / "dot.png"
    Image.fromarray(_SMOOTH[:1, :1]).save(path)
    _check(path, _SMOOTH[:1, :1])


@pytest.mark.parametrize("name", ["with space.jpg", "Größe 日本.png", "a#b%20c&d.jpg", "DSC.JPEG"])
def test_names(tmp_path: Path, name: str):
    path = tmp_path / "Übung eins" / name
    path.parent.mkdir()
    Image.fromarray(_SMOOTH).save(path)
    _check(path, _pillow(path))
    assert find_images(tmp_path) == [path]


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("kept", [1, 2, 20, 0.5, -12], ids=str)
def test_truncated_files(tmp_path: Path, suffix: str, kept: float):
    path = tmp_path / f"half.{suffix}"
    Image.fromarray(_SMOOTH).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data)) if isinstance(kept, float) else kept])
    for read in (load_rgb, read_size):
        with pytest.raises(ImageError, match=re.escape(str(path)) + ": (the file is|not a pic)"):
            read(path)


@pytest.mark.parametrize("read", [load_rgb, read_size])
class TestBadFiles:
    def test_empty(self, tmp_path: Path, read):
        path = tmp_path / "empty.jpg"
        path.touch()
        with pytest.raises(ImageError, match=r"empty\.jpg: the file is empty"):
            read(path)

    def test_absent(self, tmp_path: Path, read):
        with pytest.raises(ImageError, match=r"cannot be opened \(No such file"):
            read(tmp_path / "absent.jpg")

    def test_a_folder(self, tmp_path: Path, read):
        with pytest.raises(ImageError, match="cannot be opened"):
            read(tmp_path)

    def test_text(self, tmp_path: Path, read):
        path = tmp_path / "page.jpg"
        path.write_text("<html>404 not found</html>", encoding="utf-8")
        with pytest.raises(ImageError, match=r"page\.jpg: not a picture, or a damaged one"):
            read(path)


def test_what_a_camera_appends_behind_a_jpeg_is_allowed(tmp_path: Path):
    path = tmp_path / "phone.jpg"
    Image.fromarray(_SMOOTH).save(path)
    whole = path.read_bytes()
    film = np.random.default_rng(0).bytes(300_000)
    for trailer in (b"\0" * 1000 + b"MotionPhoto", b"\0" * 100_000, film, b"\xff\xda" + film):
        path.write_bytes(whole + trailer)
        _check(path, _pillow(path))


def test_an_orientation_that_opencv_does_not_see_does_not_turn_the_size(tmp_path: Path):
    path = tmp_path / "xmp.jpg"
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'
    Image.fromarray(_SMOOTH).save(path, xmp=xmp)
    assert read_size(path) == load_rgb(path).shape[1::-1] == (64, 48)


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    path.write_bytes(cv2.imencode(".png", _SMOOTH)[1].tobytes())
    with pytest.raises(ImageError, match=r"/caf\\xe9.png: the file's name is not UTF-8. Rename it"):
        read_size(path)


def test_the_size_of_a_huge_picture_is_read_at_once(tmp_path: Path):
    path = tmp_path / "huge.png"
    path.write_bytes(_png_that_claims(20_000, 20_000))
    limit = Image.MAX_IMAGE_PIXELS
    assert read_size(path) == (20_000, 20_000)
    assert limit == Image.MAX_IMAGE_PIXELS


def test_exif_behind_the_pixels_of_a_png(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    body = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    data = cv2.imencode(".png", _SMOOTH[..., ::-1])[1].tobytes()
    path = tmp_path / "late.png"
    path.write_bytes(data[:-12] + chunk + data[-12:])
    _check(path, np.rot90(_SMOOTH, -1))


def test_more_pixels_than_opencv_decodes_are_refused(tmp_path: Path):
    path = tmp_path / "too_huge.png"
    path.write_bytes(_png_that_claims(40_000, 40_000))
    with pytest.raises(ImageError, match=r"too_huge\.png: .*1600000000 pixels\) exceeds limit"):
        read_size(path)
    with pytest.raises(ImageError, match=r"too_huge\.png: cannot be decoded"):
        load_rgb(path)


@pytest.mark.slow
def test_a_huge_picture_is_read(tmp_path: Path):
    path = tmp_path / "huge.jpg"
    Image.new("L", (15_000, 12_000), 90).save(path)  # Pillow alone would refuse 179 megapixels
    image = load_rgb(path)
    assert image.shape == (12_000, 15_000, 3) and (image[::5000, ::5000] == 90).all()


def test_find_images_passes_over_other_and_hidden_files(tmp_path: Path):
    photos = tmp_path / "photos"
    hidden = (".hidden.jpg", "._b.JPG", "sub/.thumbnails/a.png")
    for name in ("b.JPG", "sub/a.png", "notes.txt", *hidden, "../elsewhere/c.png"):
        (photos / name).parent.mkdir(exist_ok=True, parents=True)
        (photos / name).touch()
    (photos / "folder.jpg").mkdir()
    (photos / "link").symlink_to(tmp_path / "elsewhere")
    (photos / "sub" / "loop").symlink_to(photos)
    found = [path.relative_to(photos).as_posix() for path in find_images(photos)]
    assert found == ["b.JPG", "link/c.png", "sub/a.png"]


def _png_that_claims(width: int, height: int) -> bytes:
    """Returns a small PNG whose header says another size."""
    data = bytearray(cv2.imencode(".png", _SMOOTH)[1].tobytes())
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


def test_a_folder_that_cannot_be_looked_into_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "shut").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    scan = os.scandir

    def refusing(path: str) -> object:
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(ValueError, match="shut: the folder cannot be looked into .Permission den"):
        find_images(tmp_path)
