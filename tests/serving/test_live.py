"""A camera over a WebSocket: what it is told, what is refused, and that pictures are let go."""

import asyncio
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import anyio
import cv2
import numpy as np
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from pose_activity.inference.live import SOURCE
from pose_activity.inference.package import kind_of
from pose_activity.serving import live
from tests.inference import motion_model, view_model
from tests.inference.motion_model import RECIPE, SIZE, crossing, picture

RED = picture(red=(60, 20))


def serve(model: Path) -> TestClient:
    """Returns a client of an application with a model and the route; entered, it has one loop."""
    kind = kind_of(model)

    async def in_pool(work, *values):
        return await asyncio.to_thread(work, *values)

    app = FastAPI()
    app.include_router(live.router)
    app.state.service = SimpleNamespace(
        kind=kind,
        predictor=kind.load(model, engine="onnxruntime", threads=1),
        watching=0,
        closing=asyncio.Event(),
        in_pool=in_pool,
    )
    return TestClient(app)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with serve(view_model.write_model(tmp_path_factory.mktemp("models") / "run")) as client:
        yield client


@pytest.fixture(scope="module")
def motion(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    recipe = replace(RECIPE, rate=10.0)
    run = motion_model.write_model(tmp_path_factory.mktemp("models") / "run", recipe)
    with serve(run) as client:
        yield client


@pytest.fixture
def camera(pictures: TestClient) -> Iterator[WebSocketTestSession]:
    with pictures.websocket_connect("/v1/live") as socket:
        assert socket.receive_json()["type"] == "hello"
        yield socket


def frame(payload: bytes, number: int = 0, seconds: float = 0.0, size=(0, 0)) -> bytes:
    return struct.pack("<IHHd", number, *size, seconds) + payload


def jpeg(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def ask(socket: WebSocketTestSession, data: bytes) -> dict:
    socket.send_bytes(data)
    return socket.receive_json()


def test_a_page_is_told_what_the_model_wants(pictures: TestClient) -> None:
    with pictures.websocket_connect("/v1/live") as socket:
        hello = socket.receive_json()
    predictor = pictures.app.state.service.predictor  # type: ignore[attr-defined]
    assert hello["graphs"] == predictor.graphs and set(hello["graphs"]) == {"stage1", "stage2"}
    assert hello["longest_side"] == SIZE[0] and len(hello["joints"]) == 17


def test_a_frame_is_named_with_its_people(camera: WebSocketTestSession) -> None:
    said = ask(camera, frame(jpeg(RED), number=7, seconds=1.5))
    (row,) = said["rows"]
    assert (said["type"], said["number"], said["size"], said["fresh"]) == (
        "answer",
        7,
        [*SIZE],
        True,
    )
    assert (row["image"], row["activity"], row["seconds"]) == (str(SOURCE), "red", 1.5)
    (person,) = said["people"]
    assert person["box"] == pytest.approx([60, 20, 84, 92], abs=3)
    assert said["ms"] > 0


def test_joints_alone_are_enough_for_a_model_of_motion(motion: TestClient) -> None:
    """Pictures need not leave the visitor's device; the answers are those of pictures."""
    pose = motion.app.state.service.predictor.pose  # type: ignore[attr-defined]
    frames = crossing()
    with motion.websocket_connect("/v1/live") as socket:
        socket.receive_json()
        for i, poses in enumerate(pose(frames, [SOURCE] * len(frames))):
            people = [
                np.concatenate([box, [score], joints.ravel()])
                for box, score, joints in zip(
                    poses.boxes, poses.scores, poses.keypoints, strict=True
                )
            ]
            payload = np.array(people, "<f4").tobytes()
            said = ask(socket, frame(payload, i, i / 10, SIZE))
    assert {(row["person"], row["activity"]) for row in said["rows"]} == {
        (0, "to the right"),
        (1, "to the left"),
    }


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "A frame is a header of 16 bytes"),
        (frame(b""), "A frame is a header of 16 bytes"),
        (frame(bytes(live.MOST_BYTES + 1)), "up to 2,000,000 more"),
        (frame(b"\x89PNG\r\n\x1a\n"), "is a JPEG"),
        (frame(b"ffconcat version 1.0\nfile 'secret.mp4'"), "is a JPEG"),
        (frame(jpeg(RED)[:400]), "the frame"),
        (frame(jpeg(RED), seconds=float("nan")), "in seconds from 0 on"),
        (frame(jpeg(RED), seconds=-1), "in seconds from 0 on"),
        (frame(b"123", size=SIZE), "56 float32 each"),
        (frame(np.full(56, np.nan, "<f4").tobytes(), size=SIZE), "finite numbers"),
        (frame(np.zeros(56, "<f4").tobytes(), size=SIZE), "needs their pixels"),
    ],
)
def test_what_is_no_frame_is_said_and_the_next_one_answered(
    camera: WebSocketTestSession, data: bytes, why: str
) -> None:
    said = ask(camera, data)
    assert said["type"] == "problem" and why in said["detail"]
    assert ask(camera, frame(jpeg(RED)))["rows"][0]["activity"] == "red"


def test_a_header_that_promises_too_much_is_refused_before_it_is_decoded(
    camera: WebSocketTestSession,
) -> None:
    data = bytearray(jpeg(RED))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 5000, 5000)
    said = ask(camera, frame(bytes(data)))
    assert "a side may have 4,096 pixels. Received: 5000x5000" in said["detail"]


def test_one_camera_too_many_is_sent_away(pictures: TestClient) -> None:
    service = pictures.app.state.service  # type: ignore[attr-defined]
    assert service.watching == 0  # all that were there before have gone
    service.watching = live.MOST_SESSIONS
    try:
        with pictures.websocket_connect("/v1/live") as socket:
            assert "4 cameras" in socket.receive_json()["detail"]
            with pytest.raises(WebSocketDisconnect) as closed:
                socket.receive_json()
        assert closed.value.code == 1013
    finally:
        service.watching = 0


def test_a_model_that_cannot_be_live_says_so(tmp_path: Path) -> None:
    run = motion_model.write_model(tmp_path / "run")
    with serve(run) as client, client.websocket_connect("/v1/live") as socket:
        assert "trained with sequence.rate" in socket.receive_json()["detail"]
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()


def test_a_camera_that_was_forgotten_is_let_go(
    pictures: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "IDLE", 0.05)
    with pictures.websocket_connect("/v1/live") as socket:
        socket.receive_json()
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert (closed.value.code, closed.value.reason) == (1000, "No frame came for 0.05 s.")


def test_a_connection_cancelled_while_its_tasks_end_is_cancelled_as_it_was_asked() -> None:
    """A scope takes back the cancellation that it sent, and no other."""

    async def run() -> None:
        tasks = [asyncio.create_task(asyncio.sleep(60)) for _ in range(2)]
        await asyncio.sleep(0)
        with anyio.CancelScope() as scope:
            asyncio.get_running_loop().call_soon(scope.cancel)
            await live.end(tasks)
        assert scope.cancelled_caught and all(task.cancelled() for task in tasks)

    asyncio.run(run())


def test_only_the_newest_frame_waits() -> None:
    async def run() -> None:
        newest = live.Newest()
        for data in (b"1", b"2", b"3"):
            newest.put(data)
        assert (await newest.take(), newest.replaced) == (b"3", 2)

    asyncio.run(run())
