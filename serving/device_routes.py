"""`/v1/device`: what a browser needs to answer by itself, so that no picture leaves it.

The model's own graphs, what is done around them, and the sample that shows whether the browser
answers as the model does; see `inference.on_device`. The runtime that runs graphs in a browser is
among the page's files where `make web` has put it.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from starlette.responses import FileResponse, JSONResponse, Response

from pose_activity.artifacts.commands import command
from pose_activity.inference import on_device
from pose_activity.serving.page_routes import PAGE
from pose_activity.serving.problems import Problem
from pose_activity.serving.schemas import DeviceModel, problems
from pose_activity.serving.service import Service

RUNTIME = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")  # in page/ort/
NO_RUNTIME = "This installation has no runtime for browsers; `make web` brings it."
router = APIRouter()


@router.get(
    "/v1/device",
    summary="What a browser needs to answer by itself",
    response_model=DeviceModel,
    responses=problems(401, 404),
)
async def read(request: Request) -> Response:
    """Returns what is done around the graphs, and the sample's answers."""
    about, why = offer(request.app.state.service)
    if about is None:
        raise Problem(404, "Browsers cannot answer by themselves here.", why)
    return JSONResponse(about)


@router.get(
    "/v1/device/{name}",
    summary="A graph, or the sample",
    response_class=FileResponse,
    response_model=None,
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "The file"},
        **problems(401, 404),
    },
)
async def read_file(
    request: Request, name: Annotated[str, InPath(description="A file that /v1/device names.")]
) -> Response:
    """Returns one of the named files, and no other."""
    service: Service = request.app.state.service
    about, _ = offer(service)
    if about is None or name not in _files(about):
        raise Problem(404, "A file is one that /v1/device names.", name)
    return FileResponse(service.model / name, headers={"Cache-Control": "private, no-cache"})


def offer(service: Service) -> tuple[dict[str, Any] | None, str]:
    """Returns what /v1/device says, or None and a sentence that says why it says nothing."""
    about = on_device.read(service.model)
    if about is None:
        again = command("train", "package --run RUN --out MODEL")
        return None, f"Only a packaged model has what a browser needs: {again}"
    if why := about.get("why"):
        return None, why
    if not all((PAGE / "ort" / name).is_file() for name in RUNTIME):
        return None, NO_RUNTIME
    return about, ""


def size_of(about: dict[str, Any]) -> int:
    """Returns how many bytes a browser has to load, the runtime not counted."""
    return sum(graph["bytes"] for graph in about["graphs"].values())


def _files(about: dict[str, Any]) -> set[str]:
    return {about["sample"]["file"], *(graph["file"] for graph in about["graphs"].values())}
