"""A camera over a WebSocket: the newest frame in, what it shows out; pictures are never stored.

The client sends one frame and waits for its answer before it sends the next; what comes all the
same replaces the frame that waits. A frame is a header (`_HEADER`: number, width, height, seconds)
and either a JPEG, then width and height are 0, or, where the client finds the joints itself, so
many float32: per person a box (4), a score, and x, y, confidence of each joint, in pixels of a
picture of that size. Answers are JSON.
"""

import asyncio
import json
import struct
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from pose_activity.annotations.images import ImageError, decode_rgb
from pose_activity.annotations.types import Poses
from pose_activity.inference.live import SOURCE, CannotBeLive, LiveAnswer, LiveSession
from pose_activity.inference.results import people_of
from pose_activity.serving.security import PROTOCOL

MOST_SESSIONS = 4
IDLE = 60.0  # seconds without a frame after which a camera is taken for forgotten
MOST_BYTES = 2_000_000  # of a frame
MOST_SIDE = 4_096  # pixels of a frame's longer side
_MOST_PEOPLE = 100
_HEADER = struct.Struct("<IHHd")
_TRY_LATER, _REFUSED, _GOING_AWAY, _ENDED = 1013, 1008, 1001, 1000
router = APIRouter()


class FrameError(ValueError):
    """A frame that cannot be read; the next one may be better."""


@dataclass
class Newest:
    """The one frame that waits for its turn, and how many a newer one replaced."""

    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    frame: bytes | None = None
    replaced: int = 0

    def put(self, frame: bytes) -> None:
        """Takes a frame in place of the one that waits."""
        self.replaced += self.frame is not None
        self.frame = frame
        self.arrived.set()

    async def take(self) -> bytes:
        """Waits for a frame."""
        await self.arrived.wait()
        self.arrived.clear()
        frame, self.frame = self.frame, None
        if frame is None:
            raise RuntimeError("a frame arrived and is not there")
        return frame


@router.websocket("/v1/live")
async def watch(websocket: WebSocket) -> None:
    """Answers a camera's frames until it is turned off."""
    service = websocket.app.state.service
    offered = websocket.scope["subprotocols"]  # the token, which was checked, is another of them
    await websocket.accept(subprotocol=PROTOCOL if PROTOCOL in offered else None)
    if service.watching >= MOST_SESSIONS:
        said = f"{MOST_SESSIONS} cameras are watched at a time. Try again soon."
        await _refuse(websocket, said, _TRY_LATER)
        return
    service.watching += 1
    try:
        await _serve(websocket, service)
    except WebSocketDisconnect:
        pass
    finally:
        service.watching -= 1


async def _serve(websocket: WebSocket, service: Any) -> None:
    try:
        if service.kind.live is None:
            raise CannotBeLive("This kind of model does not answer cameras.")
        live: LiveSession = service.kind.live(service.predictor)
    except CannotBeLive as error:
        await _refuse(websocket, str(error), _REFUSED)
        return
    await websocket.send_json({"type": "hello", **facts(service)})
    newest = Newest()
    tasks = {
        asyncio.create_task(_listen(websocket, newest)),
        asyncio.create_task(_answer_all(websocket, service, live, newest)),
        asyncio.create_task(service.closing.wait()),
    }
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await end(tasks)
    if service.closing.is_set():
        await websocket.close(_GOING_AWAY, "The server ends.")


async def end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancels tasks and waits until they have ended, whatever they raise.

    Not by `asyncio.gather`: cancelled meanwhile, it raises an error of its own, which the
    cancel scope around a connection does not know as the one it sent.
    """
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # seen, so that nobody warns of it


def facts(service: Any) -> dict[str, Any]:
    """Returns what a camera's page has to know about the model, as JSON values."""
    pose = service.predictor.pose
    return {
        "graphs": service.predictor.graphs,
        "longest_side": pose.size if pose else max(service.predictor.recipe.shape[:2]),
        "joints": list(pose.skeleton.joints) if pose else [],
    }


async def _listen(websocket: WebSocket, newest: Newest) -> None:
    """Keeps the newest frame; ends with the connection, or ends it after a long silence."""
    while True:
        try:
            message = await asyncio.wait_for(websocket.receive(), IDLE)
        except TimeoutError:
            await websocket.close(_ENDED, f"No frame came for {IDLE:g} s.")
            return
        if message["type"] == "websocket.disconnect":
            return
        newest.put(message.get("bytes") or b"")


async def _answer_all(
    websocket: WebSocket, service: Any, live: LiveSession, newest: Newest
) -> None:
    while True:
        frame = await newest.take()
        started = time.perf_counter()
        try:
            said = await service.in_pool(_see, live, frame, service.predictor.pose)
        except (FrameError, ImageError, CannotBeLive) as error:
            said = {"type": "problem", "detail": str(error), "number": _number(frame)}
        said["ms"] = round(1000 * (time.perf_counter() - started), 1)
        await websocket.send_text(json.dumps(said, ensure_ascii=False))


def _see(live: LiveSession, frame: bytes, pose: Any) -> dict[str, Any]:
    """Answers a frame, in a thread of the graphs."""
    number, seconds, seen = read_frame(frame, pose)
    answer = live.see(seen, seconds)
    size = seen.size if isinstance(seen, Poses) else (seen.shape[1], seen.shape[0])
    return as_json(answer, number, size)


def as_json(answer: LiveAnswer, number: int, size: tuple[int, int]) -> dict[str, Any]:
    """Returns the message about a frame; people are there once, not in each row."""
    rows = [{**row.as_record(), "people": None} for row in answer.rows]
    return {
        "type": "answer",
        "number": number,
        "size": list(size),
        "fresh": answer.fresh,
        "rows": rows,
        "people": None if answer.poses is None else people_of(answer.poses),
    }


def read_frame(frame: bytes, pose: Any) -> tuple[int, float, np.ndarray | Poses]:
    """Returns a frame's number, its seconds, and its pixels or the people in it.

    Args:
        frame: As it came.
        pose: Stage 1, which says what joints a person has; or None.

    Raises:
        FrameError: it is too short, too large, or no JPEG.
        ImageError: the JPEG is damaged.
    """
    if not _HEADER.size < len(frame) <= _HEADER.size + MOST_BYTES:
        raise FrameError(
            f"A frame is a header of {_HEADER.size} bytes and up to {MOST_BYTES:,} more. "
            f"Received: {len(frame):,} bytes."
        )
    number, width, height, seconds = _HEADER.unpack_from(frame)
    if not 0 <= seconds < 1e9:  # and so no NaN
        raise FrameError(f"A frame's time is in seconds from 0 on. Received: {seconds}.")
    payload = memoryview(frame)[_HEADER.size :]
    if width and height:
        return number, seconds, _read_people(payload, (width, height), pose)
    if bytes(payload[:3]) != b"\xff\xd8\xff":
        raise FrameError("A frame's picture is a JPEG. Received: something else.")
    return number, seconds, decode_rgb(bytes(payload), "the frame", longest=MOST_SIDE)


def _read_people(payload: memoryview, size: tuple[int, int], pose: Any) -> Poses:
    if pose is None:
        raise FrameError("This model finds no people, so it takes pictures. Received: joints.")
    joints = len(pose.skeleton)
    of_one = 5 + 3 * joints
    if len(payload) % (4 * of_one) or len(payload) > 4 * of_one * _MOST_PEOPLE:
        raise FrameError(
            f"People are {of_one} float32 each, at most {_MOST_PEOPLE} of them: a box, a score and "
            f"{joints} joints. Received: {len(payload)} bytes."
        )
    values = np.frombuffer(payload, "<f4").reshape(-1, of_one)
    if not np.isfinite(values).all():
        raise FrameError("Joints are finite numbers. Received: others.")
    keypoints = values[:, 5:].reshape(-1, joints, 3).copy()
    keypoints[..., 2] = np.clip(keypoints[..., 2], 0, 1)
    keypoints[keypoints[..., 2] == 0] = 0
    boxes, scores = values[:, :4].copy(), np.clip(values[:, 4], 0, 1)
    return Poses(SOURCE, size, pose.skeleton, boxes, scores, keypoints)


def _number(frame: bytes) -> int | None:
    return _HEADER.unpack_from(frame)[0] if len(frame) >= _HEADER.size else None


async def _refuse(websocket: WebSocket, why: str, code: int) -> None:
    await websocket.send_json({"type": "problem", "detail": why, "number": None})
    await websocket.close(code, "See the problem.")
