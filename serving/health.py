"""`/healthz`, `/readyz` and `/metrics`: whether the server lives, and whether it takes work."""

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import PlainTextResponse, Response

from pose_activity.serving.problems import Problem
from pose_activity.serving.schemas import problems
from pose_activity.serving.service import Service

ROOM = 10**9  # bytes of disk that are free, for a server that takes work
router = APIRouter()


@router.get("/healthz", summary="Whether the server lives", response_class=PlainTextResponse)
async def healthz() -> Response:
    """Says so, without looking at anything."""
    return PlainTextResponse("ok\n")


@router.get(
    "/readyz",
    summary="Whether the server takes work",
    response_class=PlainTextResponse,
    responses=problems(401, 503),
)
async def readyz(request: Request) -> Response:
    """Looks at the queues and the disk; the model is loaded before the port opens."""
    service: Service = request.app.state.service
    if not (service.pictures.are_free and service.jobs.places.are_free):
        raise Problem(503, "A ready server has room in its queue.", "a full one")
    if (free := service.free_disk()) < ROOM:
        raise Problem(503, f"A ready server has {ROOM:,} bytes of disk.", f"{free:,}")
    return PlainTextResponse("ready\n")


@router.get(
    "/metrics",
    summary="Counts for Prometheus",
    response_class=PlainTextResponse,
    responses=problems(401),
)
async def metrics(request: Request) -> Response:
    """Returns them as text."""
    text = generate_latest(request.app.state.metrics.registry)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})
