"""What no visitor should send: each is refused with its rule, and nothing of it is left.

After every case there is no file, no more threads and not much more memory than before, and the
next good picture is answered.
"""

import errno
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from pose_activity import Classifier
from pose_activity.annotations import videos
from pose_activity.serving import uploads
from tests.inference.drawn_videos import encode, run_ffmpeg
from tests.inference.motion_model import picture
from tests.serving.running import Running, running
from tests.serving.test_predictions import RED, written
from tests.waiting import wait_for

LIMIT = 300_000  # bytes
VP8 = ("-c:v", "libvpx", "-b:v", "50k", "-deadline", "realtime", "-cpu-used", "8")
MEMORY = 50  # MB
FFCONCAT = b"ffconcat version 1.0\nfile 'secret.mp4'\n"
PLAYLIST = b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n"
SDP = b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"
PROBLEM = {"type", "title", "status", "detail", "rule", "received", "next"}


def resident() -> float:
    """Memory of this process in MB."""
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


def working() -> int:
    """How many threads there are, but for those that the event loop keeps for a while."""
    loops = ("asyncio_", "AnyIO")
    return sum(not thread.name.startswith(loops) for thread in threading.enumerate())


@pytest.fixture(scope="module")
def strict(
    pictures_model: Path, film: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A server that takes small files only."""
    state = tmp_path_factory.mktemp("strict")
    with running(pictures_model, state, max_upload=LIMIT, max_seconds=60, threads=2) as found:
        warm_up(found, film)  # all threads are there
        yield found


def warm_up(server: Running, film: Path) -> None:
    """Lets a server start all of its threads, which stay."""
    sent = server.send(film.read_bytes())
    server.finish(sent)
    server.client.delete(sent.headers["location"])


@pytest.fixture
def unharmed(strict: Running) -> Iterator[Running]:
    """The server, which has to be as before after the test."""
    threads, memory = working(), resident()
    yield strict

    def idle() -> bool:
        taken = (strict.service.pictures.taken, strict.service.jobs.places.taken)
        return not strict.left() and taken == (0, 0) and working() <= threads

    wait_for(idle)
    assert resident() <= memory + MEMORY
    assert strict.send(RED, name="a.png").json()["activity"] == "red"


def refused(answer: httpx.Response, status: int) -> dict:
    """The problem of an answer."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert set(found) == PROBLEM and found["status"] == status and found["rule"]
    assert "/tmp" not in answer.text and "Traceback" not in answer.text
    return found


def png(width: int, height: int) -> bytes:
    """A PNG of that many black pixels in a few kilobytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(height * (width // 8 + 1)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"", 400, "empty body"),
        (b"x", 415, ""),
        (b"just a text that somebody wrote\n" * 40, 415, ""),
        (b"%PDF-1.7\n" + bytes(100), 415, "PDF"),
        (b"PK\x03\x04" + bytes(100), 415, ""),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "SVG"),
        (b"<!DOCTYPE html><script>alert(1)</script>", 415, ""),
        (b"\x7fELF" + bytes(100), 415, ""),
        (FFCONCAT, 415, ""),
        (PLAYLIST, 415, ""),
        (SDP, 415, ""),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), 415, "HEIC"),
        (b"\0\0\0\x18ftypcrx \0\0\0\0" + bytes(100), 415, "raw"),
        (b"https://example.org/photo.jpg", 415, ""),
        (b"file:///etc/passwd", 415, ""),
        (b"\xff\xd8\xff\xe0" + bytes(500), 422, ""),
        (RED[: len(RED) // 2], 422, ""),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 500, 422, ""),
        (b"GIF89a" + b"\xff" * 500, 422, ""),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + b"x" * 500, 422, "cannot be opened"),
        (b"\x1a\x45\xdf\xa3" + b"\x93" * 500, 422, "cannot be opened"),
        (b"RIFF\xff\0\0\0AVI LIST" + b"\xff" * 500, 422, "cannot be opened"),
        (bytes(4) + b"moov" + b"\xff" * 500, 422, "cannot be opened"),
        (b"OggS" + b"\xff" * 500, 422, "cannot be opened"),
    ],
)
def test_what_is_no_picture_and_no_video(
    unharmed: Running, data: bytes, status: int, words: str
) -> None:
    found = refused(unharmed.send(data, name="holiday.mp4"), status)
    assert words in found["detail"]
    if status == 415:
        assert "Convert it to JPEG" in found["next"]


def test_a_decoder_never_sees_a_playlist(
    unharmed: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(videos.cv2, "VideoCapture", None)
    monkeypatch.setattr(cv2, "imdecode", None)
    for data in (FFCONCAT, PLAYLIST, SDP):
        refused(unharmed.send(data, name="clip.mp4"), 415)
    monkeypatch.undo()


@pytest.mark.parametrize("length", [True, False])
def test_too_large(unharmed: Running, length: bool) -> None:
    data = RED + bytes(2 * LIMIT)
    body = data if length else iter([data[i : i + 65536] for i in range(0, len(data), 65536)])
    most = [0]
    watch = threading.Thread(target=largest, args=(unharmed.state, most), daemon=True)
    watch.start()
    answer = unharmed.client.post("/v1/predictions", content=body)
    most.append(-1)
    watch.join()
    assert f"{LIMIT:,} bytes" in refused(answer, 413)["rule"]
    assert most[0] <= LIMIT


def largest(folder: Path, most: list[int]) -> None:
    """Notes how large the files in a folder become, until it is told to end."""
    while most[-1] >= 0:
        with suppress(OSError):  # what is listed may be gone when it is looked at
            for path in folder.rglob("*"):
                most[0] = max(most[0], path.stat().st_size)
        time.sleep(0.001)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (png(20_000, 20_000), "20000x20000"),
        (b"BM" + bytes(16) + struct.pack("<ii", 30_000, 20_000) + bytes(40), "30000x20000"),
    ],
)
def test_bombs_are_not_lit(unharmed: Running, data: bytes, words: str) -> None:
    started = time.process_time()
    found = refused(unharmed.send(data), 422)
    assert time.process_time() - started < 0.2
    assert words in found["received"] and "pixels" in found["rule"]


def patched(data: bytes, *, width: int, height: int) -> bytes:
    """A WebM of 160x120 pixels whose header says something else."""
    for element, value in ((b"\xb0\x81\xa0", width), (b"\xba\x81\x78", height)):
        assert element in data
        data = data.replace(element, element[:1] + b"\x82" + value.to_bytes(2), 1)
    return data


@pytest.fixture(scope="module")
def webm(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("webm") / "a.webm"
    return encode(path, *VP8, seconds=1).read_bytes()


def test_videos_of_large_frames(
    unharmed: Running, webm: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(videos, "MOST_PIXELS", 160 * 120 - 1)
    started = time.process_time()
    found = refused(unharmed.send(webm), 422)
    assert time.process_time() - started < 0.2
    assert "160x120" in found["received"] and "frame" in found["rule"]
    monkeypatch.undo()


def test_a_header_that_promises_large_frames(
    unharmed: Running, webm: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(videos, "MOST_PIXELS", 4_000_000)
    found = refused(unharmed.send(patched(webm, width=8_000, height=8_000)), 422)
    assert "8000x8000" in found["received"]
    monkeypatch.undo()


def test_frames_that_are_larger_than_the_header_says(unharmed: Running, webm: bytes) -> None:
    """They are made as small as the header says."""
    sent = unharmed.send(patched(webm, width=80, height=60))
    assert unharmed.finish(sent)["state"] == "done"
    rows = unharmed.client.get(f"{sent.headers['location']}/rows.jsonl").text.splitlines()
    assert len(rows) == 25 and '"status": "error"' not in "".join(rows)
    unharmed.client.delete(sent.headers["location"])


def test_frames_that_become_larger(unharmed: Running, webm: bytes, tmp_path: Path) -> None:
    (tmp_path / "small.webm").write_bytes(webm)
    encode(tmp_path / "large.webm", *VP8, seconds=0.2, size="640x480")
    parts = tmp_path / "parts.txt"
    parts.write_text("file 'small.webm'\nfile 'large.webm'\n", encoding="utf-8")
    both = tmp_path / "both.webm"
    run_ffmpeg("-f", "concat", "-safe", "0", "-i", parts, "-c", "copy", both)
    sent = unharmed.send(both.read_bytes())
    assert unharmed.finish(sent)["state"] == "done"
    unharmed.client.delete(sent.headers["location"])


def test_a_video_that_takes_too_long(
    unharmed: Running, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pose_activity.serving.service._SLOWEST", 0)
    sent = unharmed.send(film.read_bytes())
    job = unharmed.finish(sent)
    assert job["state"] == "failed" and "too long" in job["error"]
    unharmed.client.delete(sent.headers["location"])


def test_ten_hours_of_one_frame_a_second(unharmed: Running, tmp_path: Path) -> None:
    slow = ("-vf", "setpts=N*18000/TB", "-fps_mode", "passthrough", "-c:v", "mpeg4")
    path = encode(tmp_path / "long.mkv", *slow, seconds=0.12)
    found = refused(unharmed.send(path.read_bytes()), 422)
    assert "60 s" in found["rule"] and int(found["received"].split()[0]) > 3_600


def test_more_frames_than_the_header_promises(
    unharmed: Running, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pose_activity.serving.service._FRAMES_PER_SECOND", 10 / 60)
    sent = unharmed.send(film.read_bytes()[:LIMIT])
    job = unharmed.finish(sent)
    assert job["state"] == "failed" and "A video may have 10 frames." in job["error"]
    assert unharmed.client.get(f"{sent.headers['location']}/rows.csv").status_code == 409
    unharmed.client.delete(sent.headers["location"])


def turned() -> bytes:
    """A JPEG on its side, with the orientation that turns it upright."""
    data = written(".jpg", np.rot90(picture(red=(60, 20))))
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]


def cmyk() -> bytes:
    from PIL import Image

    path = Path("cmyk.jpg")
    Image.fromarray(picture(red=(60, 20))).convert("CMYK").save(path)
    return path.read_bytes()


@pytest.mark.parametrize("kind", ["turned", "cmyk", "deep", "grey", "alpha", "webp", "tiff"])
def test_unusual_pictures_are_answered_as_by_the_function(
    unharmed: Running,
    pictures_model: Path,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    image = cv2.cvtColor(picture(red=(60, 20)), cv2.COLOR_RGB2BGR)
    alpha = cv2.cvtColor(image, cv2.COLOR_BGR2BGRA)
    makers = {
        "turned": turned,
        "cmyk": cmyk,
        "deep": lambda: cv2.imencode(".png", image.astype(np.uint16) * 257)[1].tobytes(),
        "grey": lambda: cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))[1].tobytes(),
        "alpha": lambda: cv2.imencode(".png", alpha)[1].tobytes(),
        "webp": lambda: cv2.imencode(".webp", image)[1].tobytes(),
        "tiff": lambda: cv2.imencode(".tiff", image)[1].tobytes(),
    }
    data = makers[kind]()
    (tmp_path / "same").write_bytes(data)
    wanted = Classifier(pictures_model)("same")
    answer = unharmed.send(data).json()
    assert answer["activity"] == wanted.activity
    found = np.array([answer["probabilities"][name] for name in wanted.probabilities], np.float32)
    assert (found == np.array([*wanted.probabilities.values()], np.float32)).all()


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a\\b.jpg", "b.jpg"),
        ("n" * 300 + ".jpg", "n" * 96 + ".jpg"),
        ("a\0b.jpg", "ab.jpg"),
        ("a\r\nSet-Cookie: x.jpg", "aSet-Cookie_ x.jpg"),
        ("👍 party.jpg", "👍 party.jpg"),
        ("<script>alert(1)</script>.png", "script_.png"),
        ("=HYPERLINK(1)", "HYPERLINK(1)"),
        ("\u202egnp.exe", "gnp.exe"),
        ("...", "picture"),
        ("", "picture"),
    ],
)
def test_names_are_labels_alone(unharmed: Running, name: str, label: str) -> None:
    answer = unharmed.send(RED, name=name)
    assert answer.json()["image"] == label


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"unknown_below": 2}, "unknown_below"),
        ({"every": 0}, "every"),
        ({"smooth": -1}, "smooth"),
        ({"smooth": "nan"}, "smooth"),
        ({"per_window": True}, "windows are for models of clips"),
    ],
)
def test_options_that_do_not_fit(unharmed: Running, query: dict, words: str) -> None:
    assert words in refused(unharmed.send(RED, **query), 422)["detail"]


def test_a_model_of_clips_takes_no_picture(clips_model: Path, film: Path, tmp_path: Path) -> None:
    with running(clips_model, tmp_path) as server:
        assert "it takes videos" in refused(server.send(RED), 422)["rule"]
        answer = server.send(film.read_bytes(), every=2)
        assert "frames as they come" in refused(answer, 422)["detail"]
        assert "explain" in refused(server.send(film.read_bytes(), explain=True), 422)["detail"]


def head_of(length: int) -> bytes:
    text = f"POST /v1/predictions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
    return text.encode()


def test_a_client_that_stops_sending(unharmed: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "SILENCE", 0.3)
    monkeypatch.setattr(uploads, "_LINGER", 0.3)
    with unharmed.connect(head_of(100_000) + RED) as connection:
        started = time.monotonic()
        answer = connection.recv(1000)
        assert answer.startswith(b"HTTP/1.1 408") and time.monotonic() - started < 5
        assert b"nothing for 0.3 s" in answer + connection.recv(1000)


def test_a_client_that_trickles(unharmed: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "SILENCE", 0.2)
    monkeypatch.setattr(uploads, "_LINGER", 0.1)
    with unharmed.connect(head_of(100_000) + RED) as connection:
        for _ in range(40):
            try:
                connection.sendall(b"x")
            except OSError:
                break
            time.sleep(0.05)
        assert connection.recv(1000).startswith(b"HTTP/1.1 408")


def test_a_client_that_vanishes(
    unharmed: Running, film: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with unharmed.connect(head_of(100_000) + RED):
        time.sleep(0.05)
    data = film.read_bytes()
    with unharmed.connect(head_of(len(data)) + data):
        time.sleep(0.2)  # gone without having read the answer
    jobs = unharmed.service.jobs
    wait_for(lambda: jobs.count("done") == 1)  # its job lives on
    (job,) = unharmed.left()
    assert unharmed.client.get(f"/v1/jobs/{job.name}/rows.csv").status_code == 200
    unharmed.client.delete(f"/v1/jobs/{job.name}")
    assert not [record for record in caplog.records if record.exc_info]


def test_many_at_once(pictures_model: Path, tmp_path: Path) -> None:
    """Those that are accepted are all answered; the others are told so at once."""
    with (
        running(pictures_model, tmp_path / "state", queue=2, threads=1) as server,
        ThreadPoolExecutor(3) as pool,
    ):
        held = threading.Event()
        server.service.pool.submit(held.wait, 90)
        accepted = [pool.submit(server.send, RED) for _ in range(3)]
        try:
            wait_for(lambda: len(server.left()) == 3)
            started = time.process_time()
            for _ in range(40):
                answer = server.send(RED)
                assert refused(answer, 503) and answer.headers["retry-after"]
            seconds = time.process_time() - started
            assert len(server.left()) == 3, "who is sent away leaves nothing on the disk"
        finally:
            held.set()
        assert [one.result().json()["activity"] for one in accepted] == ["red"] * 3
    assert seconds / 40 < 0.05, "the client's part of it included"


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk(unharmed: Running, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sends, and whose video is worked on, is told; what was finished before stays."""
    sent = unharmed.send(film.read_bytes())
    unharmed.finish(sent)
    before = unharmed.client.get(f"{sent.headers['location']}/rows.csv").content
    monkeypatch.setattr("pose_activity.serving.work.open_table", full)
    late = unharmed.send(film.read_bytes())
    job = unharmed.finish(late)
    assert (
        job["state"] == "failed" and job["error"] == "The server's disk is full. Try again later."
    )
    monkeypatch.undo()
    again = unharmed.client.get(f"{sent.headers['location']}/rows.csv")
    assert again.content == before
    for job in (sent, late):
        unharmed.client.delete(job.headers["location"])


@pytest.mark.parametrize("function", ["mkdir", "open"])
def test_a_disk_that_is_full_from_the_first_byte(
    unharmed: Running, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads.Path, function, full)
    assert "disk is full" in refused(unharmed.send(RED), 507)["rule"]
    monkeypatch.undo()


def test_a_mistake_of_the_server_says_nothing(
    unharmed: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(unharmed.service.predictor, "answer", fail)
    answer = unharmed.send(RED)
    assert refused(answer, 500) and "secret" not in answer.text
    monkeypatch.undo()
