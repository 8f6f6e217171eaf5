"""`/v1/jobs/ID`: how a video is getting on, its events and its files, and an end to it."""

import asyncio
import mimetypes
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi import Path as InPath
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse

from pose_activity.serving import work
from pose_activity.serving.events import events_of
from pose_activity.serving.jobs import Job, describe
from pose_activity.serving.predictions import JSONL
from pose_activity.serving.problems import Problem
from pose_activity.serving.schemas import JobDetails, problems
from pose_activity.serving.security import GALLERY_POLICY
from pose_activity.serving.service import Service

_PATIENCE = 20.0  # seconds for which a drawing is waited for
_FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": JSONL}
router = APIRouter(prefix="/v1/jobs")
JobId = Annotated[str, InPath(alias="id", pattern="^[0-9a-f]{32}$", description="Of the job.")]


def _found(request: Request, job: str) -> tuple[Service, Job]:
    service: Service = request.app.state.service
    return service, service.jobs.find(job)


def _finished(request: Request, job: str) -> tuple[Service, Job]:
    """Returns a job whose rows are whole.

    Raises:
        Problem: 404 there is none; 409 it has not ended, or not well.
    """
    service, found = _found(request, job)
    if found.state != "done":
        rule = "A job's files are there once it is done."
        raise Problem(409, rule, found.state, found.error or "Wait for the event `done`.")
    return service, found


@router.get(
    "/{id}",
    summary="How a job is getting on",
    response_model=JobDetails,
    responses=problems(401, 404, 422),
)
async def read_job(request: Request, job: JobId) -> Response:
    """Returns its state."""
    service, found = _found(request, job)
    return JSONResponse(describe(service.jobs, found), headers={"Cache-Control": "no-store"})


@router.delete(
    "/{id}",
    status_code=204,
    summary="Stop a job and delete its files",
    response_model=None,
    responses=problems(401, 403, 404, 422),
)
async def delete_job(request: Request, job: JobId) -> Response:
    """Stops the work within a second, and deletes the video and all that was made of it."""
    service: Service = request.app.state.service
    await service.jobs.delete(job)
    return Response(status_code=204)


@router.get(
    "/{id}/events",
    summary="A job's rows and progress as they come",
    response_class=StreamingResponse,
    response_model=None,
    responses={
        200: {
            "description": "Server-sent events: row (with its number as id), progress, and at "
            "last done, failed or cancelled",
            "content": {"text/event-stream": {}},
        },
        **problems(401, 404, 422),
    },
)
async def read_events(
    request: Request,
    job: JobId,
    last_event_id: Annotated[
        int | None, Header(ge=0, le=10**9, description="The last row that came.")
    ] = None,
    after: Annotated[
        int | None, Query(ge=0, le=10**9, description="The same, where no header can be set.")
    ] = None,
) -> Response:
    """Streams events; a client that was cut off names the last row that it has."""
    service, found = _found(request, job)
    last = last_event_id if last_event_id is not None else after
    first = 0 if last is None else last + 1
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    stream = events_of(service, found, first=first)
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


@router.get(
    "/{id}/rows.{ending}",
    summary="The rows, as infer.py writes them",
    response_class=FileResponse,
    response_model=None,
    responses={
        200: {
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                JSONL: {"schema": {"type": "string"}},
            },
            "description": "The table",
        },
        **problems(401, 404, 409, 422),
    },
)
async def read_rows(
    request: Request, job: JobId, ending: Annotated[str, InPath(pattern="^(csv|jsonl)$")]
) -> Response:
    """Returns the table."""
    _, found = _finished(request, job)
    path = found.folder / f"rows.{ending}"
    return FileResponse(path, media_type=_FORMATS[ending], filename=_file_name(found, path))


@router.get(
    "/{id}/tracks.json",
    summary="Who was followed through the video (models of clips)",
    response_class=FileResponse,
    response_model=None,
    responses={
        200: {
            "content": {"application/json": {"schema": {"type": "object"}}},
            "description": "Tracks",
        },
        **problems(401, 404, 409, 422),
    },
)
async def read_tracks(request: Request, job: JobId) -> Response:
    """Returns everybody's boxes and joints."""
    _, found = _finished(request, job)
    path = found.folder / work.TRACKS
    if not path.is_file():
        rule = "People are followed by models of clips."
        raise Problem(404, rule, "a model of pictures", "Its rows hold the people of each frame.")
    return FileResponse(path, media_type="application/json", filename=_file_name(found, path))


@router.get(
    "/{id}/gallery.html",
    summary="The rows as a page",
    response_class=FileResponse,
    response_model=None,
    responses={
        200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "The page"},
        202: {"model": JobDetails, "description": "It is being drawn: ask again"},
        **problems(401, 404, 409, 422, 503),
    },
)
async def read_gallery(request: Request, job: JobId) -> Response:
    """Returns the page; it is made when it is first asked for."""
    return await _drawn(request, job, lambda found: found.folder / work.GALLERY)


@router.get(
    "/{id}/drawn.webm",
    summary="The video with people and answers drawn",
    response_class=FileResponse,
    response_model=None,
    responses={
        200: {
            "content": {"video/webm": {"schema": {"type": "string", "format": "binary"}}},
            "description": "The video, VP8",
        },
        202: {"model": JobDetails, "description": "It is being drawn: ask again"},
        **problems(401, 404, 409, 422, 503),
    },
)
async def read_drawn(request: Request, job: JobId) -> Response:
    """Returns the video; it is made when it is first asked for."""

    def path_of(found: Job) -> Path:
        return next((found.folder / work.DRAWN).glob("*.webm"))

    return await _drawn(request, job, path_of)


async def _drawn(request: Request, job: str, path_of) -> Response:  # noqa: ANN001
    """Returns a drawing; 202 where it takes longer than somebody likes to wait."""
    service, found = _finished(request, job)
    service.draw(found)
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while found.drawing in ("waiting", "running"):
        left = deadline - asyncio.get_running_loop().time()
        if left <= 0 or service.closing.is_set():
            body = describe(service.jobs, found)
            return JSONResponse(body, 202, {"Retry-After": "2", "Cache-Control": "no-store"})
        await found.bell.wait(min(left, 1.0))
    if found.drawing != "done":
        raise Problem(409, "A job's drawings can be made.", str(found.drawing), "See its rows.")
    path = path_of(found)
    kind = mimetypes.guess_type(path.name)[0]
    headers = {"Content-Security-Policy": GALLERY_POLICY}
    return FileResponse(path, media_type=kind, headers=headers)


def _file_name(job: Job, path: Path) -> str:
    """Returns what a browser calls a download."""
    return f"{Path(job.asked.name).stem}.{path.name}"
