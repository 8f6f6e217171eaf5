"""`POST /v1/predictions`: a picture is answered at once, a video becomes a job."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from pose_activity.inference.options import OutputOptions
from pose_activity.serving import files, work
from pose_activity.serving.files import Claim
from pose_activity.serving.jobs import Asked, describe
from pose_activity.serving.problems import Problem
from pose_activity.serving.schemas import JobDetails, Record, problems
from pose_activity.serving.service import Service
from pose_activity.serving.uploads import Refusal, Upload, receive

JSONL = "application/jsonl"
_RECORD = {"schema": {"$ref": "#/components/schemas/Record"}}
_ONE = "The row, as infer.py writes it; as JSON lines where the model names each person"
router = APIRouter()


@router.post(
    "/v1/predictions",
    status_code=200,
    summary="Name what a picture or a video shows",
    response_model=None,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The file itself, not a form.",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        }
    },
    responses={
        200: {"model": Record, "description": _ONE, "content": {JSONL: _RECORD}},
        202: {
            "model": JobDetails,
            "description": "A video: the job",
            "headers": {"Location": {"schema": {"type": "string"}, "description": "The job."}},
        },
        **problems(400, 401, 403, 408, 413, 415, 422, 503, 507),
    },
)
async def predict(
    request: Request,
    name: Annotated[str | None, Query(description="What the file is called.")] = None,
    unknown_below: Annotated[
        float | None,
        Query(ge=0, le=1, description="Call less probable answers unknown; default: the model's."),
    ] = None,
    every: Annotated[int, Query(ge=1, le=1000, description="Use every Nth frame.")] = 1,
    smooth: Annotated[
        float, Query(ge=0, le=3600, description="Average over the last S seconds; 0: off.")
    ] = 0.0,
    per_window: Annotated[bool, Query(description="A row per window (models of clips).")] = False,
    explain: Annotated[
        bool, Query(description="Draw where the classifier looked (pictures).")
    ] = False,
) -> Response:
    """Answers a picture at once, and makes a job of a video.

    The body of the request is the file itself.
    """
    service: Service = request.app.state.service
    options = OutputOptions(every=every, smooth=smooth, per_window=per_window, explain=explain)
    taken: list[Any] = []

    def take_place(claim: Claim) -> None:
        places = service.pictures if claim.kind == "picture" else service.jobs.places
        places.take()
        taken.append(places)

    with service.jobs.new_folder() as folder:
        try:
            most = service.options.max_upload
            upload = await receive(request, folder, most=most, on_claim=take_place)
            asked = Asked(files.clean_name(name, upload.claim), options, unknown_below)
            if upload.claim.kind == "picture":
                return await _answer(service, upload, asked)
            await asyncio.to_thread(_check_video, service, upload.path, options)
            job = service.start(upload.path, asked)
            taken.clear()  # its place is the job's now
            return JSONResponse(
                describe(service.jobs, job), 202, {"Location": f"/v1/jobs/{job.id}"}
            )
        except Problem as problem:
            return Refusal(problem)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        finally:
            for places in taken:
                places.give_back()


async def _answer(service: Service, upload: Upload, asked: Asked) -> Response:
    """Answers a picture in the threads of the graphs."""
    predictor = service.asked_below(asked.unknown_below)
    if predictor.takes != "pictures":
        rule = "This model names people by how they move: it takes videos."
        raise Problem(422, rule, "a picture", "Send a video.")
    given = (predictor, upload.path, asked.name)
    if asked.options.explain:
        records = await service.in_pool(_explain, *given, asked.options)
        return _as_lines([json.dumps(record, ensure_ascii=False) + "\n" for record in records])
    text = await service.in_pool(_read, *given, asked.options)
    return _as_lines(text.splitlines(keepends=True))


def _as_lines(lines: list[str]) -> Response:
    """Returns rows; several are JSON lines, one alone is JSON as well."""
    return Response("".join(lines), media_type="application/json" if len(lines) == 1 else JSONL)


def _read(predictor: Any, path: Path, name: str, options: OutputOptions) -> str:
    files.check_picture(path)
    work.check_options(predictor, options, path)
    return work.answer_picture(predictor, path, name)


def _explain(predictor: Any, path: Path, name: str, options: OutputOptions) -> list[dict[str, Any]]:
    files.check_picture(path)
    work.check_options(predictor, options, path)
    return work.explain_picture(predictor, path, name)


def _check_video(service: Service, path: Path, options: OutputOptions) -> None:
    if options.explain:
        rule = "Explanations are drawn of pictures."
        raise Problem(422, rule, "explain=true with a video", "Leave it out.")
    work.check_options(service.predictor, options, path)
    files.check_video(path, most_seconds=service.options.max_seconds)
