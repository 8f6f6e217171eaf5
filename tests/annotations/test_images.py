"""Every kind of picture that a person may own, against Pillow."""

import hashlib
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from pose_activity.annotations.images import (
    ImageError,
    check_image,
    find_images,
    holds_several,
    load_rgb,
    read_size,
)

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


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("ending", [".png", ".tif", ".jp2", ".pgm"])
def test_16_bits_of_a_low_range_do_not_come_out_black(tmp_path: Path, ending: str, bits: int):
    path = tmp_path / f"deep{ending}"
    white = 2**bits - 1
    deep = np.rint(_GREY * (white / 255)).astype(np.uint16)
    deep[0, 0] = white
    data = cv2.imencode(ending, deep)[1].tobytes()
    path.write_bytes(data.replace(b"65535", b"%d" % white) if ending == ".pgm" else data)
    shown = np.rint(deep * (255 / white)).astype(np.uint8)
    tolerance = 4 if ending == ".jp2" else 1  # OpenCV's are lossy
    _check(path, np.repeat(shown[..., None], 3, axis=2), tolerance)


def test_the_white_of_a_netpbm_file_is_what_it_says(tmp_path: Path):
    path = tmp_path / "dim.pgm"
    for top, kind in ((100, "u1"), (20_000, ">u2")):
        values = (np.arange(48) * top // 100).astype(kind)
        path.write_bytes(b"P5\n# dim\n8 6\n%d\n" % top + values.tobytes())
        shown = np.rint(values.astype(float) * 255 / top).reshape(6, 8, 1)
        _check(path, np.repeat(shown, 3, axis=2), tolerance=1)


@pytest.mark.parametrize("ending", [".pfm", ".tif"])
def test_fractions_are_not_black(tmp_path: Path, ending: str):
    path = tmp_path / f"float{ending}"
    assert cv2.imwrite(str(path), (_SMOOTH[..., ::-1] / 255).astype(np.float32))
    _check(path, _SMOOTH, tolerance=1)


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


_EXIF_TYPES = {"byte": 1, "short": 3, "long": 4}


def _exif(orientation: int, kind: str, order: str = "<") -> bytes:
    """Returns an EXIF block whose orientation has a given type of number."""
    value = {"byte": "Bxxx", "short": "Hxx", "long": "I"}[kind]
    entry = struct.pack(f"{order}HHI{value}", 0x0112, _EXIF_TYPES[kind], 1, orientation)
    start = b"II*\0" if order == "<" else b"MM\0*"
    return start + struct.pack(f"{order}IH", 8, 1) + entry + bytes(4)


def _turned(orientation: int) -> np.ndarray:
    """Returns the picture upright, by the words of the EXIF standard."""
    rows_first = {
        1: _SMOOTH,
        2: _SMOOTH[:, ::-1],
        3: _SMOOTH[::-1, ::-1],
        4: _SMOOTH[::-1],
        5: _SMOOTH.swapaxes(0, 1),
        6: np.rot90(_SMOOTH, -1),
        7: _SMOOTH[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(_SMOOTH),
    }
    return rows_first[orientation]


def _png_with(name: bytes, body: bytes) -> bytes:
    data = cv2.imencode(".png", _SMOOTH[..., ::-1])[1].tobytes()
    chunk = len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")
    return data[:33] + chunk + data[33:]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", _EXIF_TYPES)
@pytest.mark.parametrize("order", "<>")
def test_an_orientation_of_any_type_of_number(
    tmp_path: Path, order: str, kind: str, orientation: int
):
    exif, upright = _exif(orientation, kind, order), _turned(orientation)
    png = tmp_path / "chunk.png"
    png.write_bytes(_png_with(b"eXIf", exif))
    _check(png, upright)
    for name, packed in ((b"tEXt", False), (b"zTXt", True), (b"iTXt", False), (b"iTXt", True)):
        text = b"\nexif\n%8d\n" % (len(exif) + 6) + (b"Exif\0\0" + exif).hex().encode() + b"\n"
        text = zlib.compress(text) if packed else text
        between = {b"tEXt": b"", b"zTXt": b"\0", b"iTXt": bytes([packed, 0, 0, 0])}[name]
        png.write_bytes(_png_with(name, b"Raw profile type exif\0" + between + text))
        _check(png, upright)
    webp = tmp_path / "x.webp"
    Image.fromarray(_SMOOTH).save(webp, lossless=True, exif=b"Exif\0\0" + exif)
    _check(webp, upright)
    jpeg = tmp_path / "x.jpg"
    Image.fromarray(_SMOOTH).save(jpeg)
    stored = load_rgb(jpeg)
    Image.fromarray(_SMOOTH).save(jpeg, exif=b"Exif\0\0" + exif)
    assert (load_rgb(jpeg) == _turn_like(stored, orientation)).all()
    assert read_size(jpeg) == upright.shape[1::-1]


def _turn_like(pixels: np.ndarray, orientation: int) -> np.ndarray:
    index = np.arange(_SMOOTH.shape[0] * _SMOOTH.shape[1]).reshape(_SMOOTH.shape[:2])
    with Image.fromarray(index.astype(np.int32)) as image:
        image.getexif()[0x0112] = orientation
        turned = np.asarray(ImageOps.exif_transpose(image))
    return pixels.reshape(-1, 3)[turned]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", _EXIF_TYPES)
@pytest.mark.parametrize("deep", [False, True])
def test_the_orientation_of_a_tiff(tmp_path: Path, deep: bool, kind: str, orientation: int):
    path = tmp_path / "x.tif"
    pixels = Image.fromarray(_GREY.astype(np.uint16) * 257 if deep else _GREY)
    pixels.save(path, tiffinfo={0x0112: orientation})
    data = bytearray(path.read_bytes())
    at = data.index(struct.pack("<HHI", 0x0112, 3, 1))
    data[at : at + 12] = _exif(orientation, kind)[10:22]
    path.write_bytes(data)
    _check(path, np.repeat(_turned(orientation)[..., :1], 3, axis=2))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_of_an_avif(tmp_path: Path, orientation: int):
    path = tmp_path / "x.avif"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(_SMOOTH).save(path, exif=exif, quality=100)
    _check(path, _pillow(path), tolerance=1)


_ENDINGS = ".jpg .png .bmp .webp .tif .gif .avif .jp2 .ppm .pam .pfm .ras .hdr".split()


def _encode(ending: str) -> bytes:
    pixels = _SMOOTH / 255 if ending in (".hdr", ".pfm") else _SMOOTH
    pixels = pixels[..., ::-1].astype(np.float32 if ending in (".hdr", ".pfm") else np.uint8)
    return cv2.imencode(ending, cv2.resize(pixels, (128, 96)))[1].tobytes()


@pytest.mark.parametrize("ending", [*_ENDINGS, ".jfif", ".jpe", ".j2k", ".apng", ".dib", ".pgm"])
def test_every_ending_that_is_found_is_read(tmp_path: Path, ending: str):
    path = tmp_path / f"x{ending}"
    if ending in _ENDINGS:
        path.write_bytes(_encode(ending))
        expected = np.asarray(cv2.imread(path))[..., ::-1]
    else:
        kinds = {".jfif": "JPEG", ".jpe": "JPEG", ".j2k": "JPEG2000", ".dib": "BMP", ".apng": "PNG"}
        image = Image.fromarray(_SMOOTH if ending != ".pgm" else _GREY)
        image.save(path, kinds.get(ending, "PPM"))
        expected = _pillow(path)
    assert find_images(tmp_path) == [path]
    assert check_image(path) == expected.shape[1::-1]
    _check(path, expected, tolerance=255 if ending == ".pfm" else 0)


@pytest.mark.parametrize("ending", _ENDINGS)
@pytest.mark.parametrize("kept", [1, 12, 40, 0.3, 0.6, 0.9, -30], ids=str)
def test_truncated_files_of_every_kind(tmp_path: Path, ending: str, kept: float):
    path = tmp_path / f"half{ending}"
    data = _encode(ending)
    path.write_bytes(data[: int(kept * len(data)) if isinstance(kept, float) else kept])
    for read in (load_rgb, check_image):
        with pytest.raises(ImageError, match=re.escape(str(path)) + ": (the file is|not a pic)"):
            read(path)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "jpeg"])
def test_a_truncated_tiff_of_any_compression(tmp_path: Path, compression: str | None):
    path = tmp_path / "half.tif"
    Image.fromarray(_SMOOTH).save(path, compression=compression)
    _check(path, _pillow(path))
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ImageError, match=r"half\.tif: (the file is truncated|not a pic)"):
        check_image(path)


@pytest.mark.parametrize("ending", ["gif", "tif", "webp", "png"])
def test_a_file_with_several_pictures_gives_the_first(tmp_path: Path, ending: str):
    one, many = tmp_path / f"one.{ending}", tmp_path / f"many.{ending}"
    pages = [Image.fromarray(_SMOOTH), *(Image.fromarray(np.roll(_SMOOTH, i, 1)) for i in (9, 20))]
    options: dict[str, Any] = {"lossless": True} if ending == "webp" else {}
    pages[0].save(one, **options)
    pages[0].save(many, save_all=True, append_images=pages[1:], **options)
    assert not holds_several(one) and holds_several(many)
    off = np.abs(load_rgb(many).astype(int) - load_rgb(one)).mean()
    assert off <= (5 if ending == "gif" else 0)  # a GIF's pictures share their colours


@pytest.mark.parametrize(
    "start, name",
    [
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\0\0\0\x18ftypisom", "a video"),
        (b"IIRO\x08\0\0\0", "a camera's raw picture"),
    ],
)
def test_what_is_not_read_is_called_by_its_name(tmp_path: Path, start: bytes, name: str):
    path = tmp_path / "renamed.jpg"
    path.write_bytes(start + bytes(2000))
    with pytest.raises(ImageError, match=f"it holds {name}, which is not read. Convert it to JPEG"):
        load_rgb(path)


def test_the_preview_in_a_raw_file_is_not_taken_for_the_picture(tmp_path: Path):
    path = tmp_path / "x.nef"
    Image.fromarray(_SMOOTH).save(path, "TIFF", tiffinfo={254: 1})
    with pytest.raises(ImageError, match="a camera's raw file, which is not read"):
        load_rgb(path)


@pytest.mark.parametrize("read", [load_rgb, read_size, check_image])
class TestNoRegularFiles:
    def _refuses(self, read, path: Path, message: str) -> None:
        said: list[str] = []

        def attempt() -> None:
            try:
                read(path)
            except ImageError as error:
                said.append(str(error))

        thread = threading.Thread(target=attempt, daemon=True)
        thread.start()
        thread.join(5)
        assert said and message in said[0]

    def test_a_named_pipe(self, tmp_path: Path, read):
        os.mkfifo(tmp_path / "pipe.jpg")
        self._refuses(read, tmp_path / "pipe.jpg", "it is not a regular file")

    def test_a_device(self, tmp_path: Path, read):
        (tmp_path / "zero.jpg").symlink_to("/dev/zero")
        self._refuses(read, tmp_path / "zero.jpg", "it is not a regular file")

    def test_a_socket(self, tmp_path: Path, read):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.path.relpath(tmp_path / "s.jpg"))
            self._refuses(read, tmp_path / "s.jpg", "cannot be opened")

    def test_a_sparse_file_of_100_gb(self, tmp_path: Path, read):
        path = tmp_path / "sparse.jpg"
        path.touch()
        os.truncate(path, 10**11)
        self._refuses(read, path, "may have 1,073,741,824 bytes. Received: 100,000,000,000")

    def test_a_name_with_a_zero_byte(self, tmp_path: Path, read):
        self._refuses(read, tmp_path / "a\0.jpg", "cannot be opened")


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    path.write_bytes(cv2.imencode(".png", _SMOOTH)[1].tobytes())
    with pytest.raises(ImageError, match=r"/caf\\xe9.png: the file's name is not UTF-8. Rename it"):
        read_size(path)


def test_the_size_of_a_huge_picture_is_read_at_once(tmp_path: Path):
    path = tmp_path / "huge.png"
    path.write_bytes(_png_that_claims(16_000, 12_000))
    assert read_size(path) == (16_000, 12_000)


def test_exif_behind_the_pixels_of_a_png(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    body = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    data = cv2.imencode(".png", _SMOOTH[..., ::-1])[1].tobytes()
    path = tmp_path / "late.png"
    path.write_bytes(data[:-12] + chunk + data[-12:])
    _check(path, np.rot90(_SMOOTH, -1))


@pytest.mark.parametrize("read", [load_rgb, read_size, check_image])
@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp", ".jpg", ".gif", ".webp", ".ppm"])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, ending: str, read):
    path = tmp_path / f"bomb{ending}"
    path.write_bytes(_claims(ending, 40_000 if ending not in (".webp",) else 16_000))
    before = time.process_time()
    message = rf"bomb\{ending}: a picture may have 200,000,000 pixels. Received: (40|16)000x"
    with pytest.raises(ImageError, match=message):
        read(path)
    assert time.process_time() - before < 0.5


def test_opencv_has_the_same_limit_and_the_environment_sets_both(tmp_path: Path):
    path = tmp_path / "small.png"
    Image.fromarray(_SMOOTH).save(path)
    code = (
        "import sys; from pathlib import Path\n"
        "from pose_activity.annotations import images; import cv2\n"
        "assert images.MOST_PIXELS == int(sys.argv[2])\n"
        "data = Path(sys.argv[1]).read_bytes()\n"
        "try: images.load_rgb(Path(sys.argv[1])); print('read')\n"
        "except images.ImageError as error: print(error)\n"
        "try: print(cv2.imread(sys.argv[1]) is not None)\n"
        "except cv2.error as error: print('OpenCV refuses it')\n"
    )
    clean = {k: v for k, v in os.environ.items() if k != "OPENCV_IO_MAX_IMAGE_PIXELS"}
    for limit, says in (("1000", "64x48"), (None, "read")):
        env = clean | ({"OPENCV_IO_MAX_IMAGE_PIXELS": limit} if limit else {})
        done = subprocess.run(
            [sys.executable, "-c", code, str(path), limit or "200000000"],
            env=env,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        assert says in done.stdout.splitlines()[0]
        assert ("True" in done.stdout) == (limit is None)


@pytest.mark.slow
def test_a_huge_picture_is_read(tmp_path: Path):
    path = tmp_path / "huge.jpg"
    Image.new("L", (15_000, 12_000), 90).save(path)  # Pillow alone would refuse 179 megapixels
    image = load_rgb(path)
    assert image.shape == (12_000, 15_000, 3) and (image[::5000, ::5000] == 90).all()


def test_reading_a_small_picture_sets_little_aside(tmp_path: Path):
    """Where memory is counted as it is asked for (ulimit -v, strict overcommit), that matters."""
    Image.fromarray(_SMOOTH).save(tmp_path / "a.png")
    load_rgb(tmp_path / "a.png")
    tracemalloc.start()
    load_rgb(tmp_path / "a.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


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


def _claims(ending: str, side: int) -> bytes:
    """Returns a small file whose header says another size."""
    if ending == ".png":
        return _png_that_claims(side, side)
    data = bytearray(cv2.imencode(ending, _SMOOTH)[1].tobytes())
    if ending == ".jpg":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = side.to_bytes(2, "big") * 2
    elif ending == ".bmp":
        data[18:26] = side.to_bytes(4, "little") * 2
    elif ending == ".gif":
        data[6:10] = side.to_bytes(2, "little") * 2
    elif ending == ".webp":
        size = (side - 1).to_bytes(3, "little") * 2
        data[12:12] = b"VP8X" + (10).to_bytes(4, "little") + bytes(4) + size
        data[4:8] = (len(data) - 8).to_bytes(4, "little")
    elif ending == ".ppm":
        data = data.replace(b"64 48", b"%d %d" % (side, side))
    else:
        for tag in (256, 257):
            at = data.index(tag.to_bytes(2, "little"), int.from_bytes(data[4:8], "little"))
            data[at + 2 : at + 12] = struct.pack("<HII", 4, 1, side)
    return bytes(data)


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
