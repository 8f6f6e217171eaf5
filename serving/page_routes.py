"""`GET /` and `/page/`: the page, which asks no other host for anything; and the examples.

The page is files beside this one, without a build step.
"""

import mimetypes
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from pose_activity.annotations import images, videos
from pose_activity.serving.problems import Problem
from pose_activity.serving.schemas import Examples, problems
from pose_activity.serving.service import Service

PAGE = Path(__file__).with_name("page")
_INDEX = PAGE / "index.html"
for _kind, _ending in (
    ("text/javascript", ".js"),
    ("text/javascript", ".mjs"),
    ("application/wasm", ".wasm"),
    ("application/octet-stream", ".onnx"),
    ("video/webm", ".webm"),
    ("application/manifest+json", ".webmanifest"),
):
    mimetypes.add_type(_kind, _ending)  # the same on every machine, whatever its registry says
files = StaticFiles(directory=PAGE, check_dir=False)
router = APIRouter()


@router.get("/", include_in_schema=False)
async def index() -> Response:
    """Returns the page."""
    if not _INDEX.is_file():
        raise Problem(404, "This installation has no page.", next="See /openapi.json.")
    return FileResponse(_INDEX, media_type="text/html", headers={"Cache-Control": "no-cache"})


@router.get(
    "/v1/examples",
    summary="Files that visitors may try",
    response_model=Examples,
    responses=problems(401),
)
async def list_examples(request: Request) -> Response:
    """Returns their names."""
    return JSONResponse({"examples": [path.name for path in _examples(request)]})


@router.get(
    "/v1/examples/{name}",
    summary="A file that visitors may try",
    response_class=FileResponse,
    response_model=None,
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "The file"},
        **problems(401, 404, 422),
    },
)
async def read_example(
    request: Request, name: Annotated[str, InPath(description="One of the list.")]
) -> Response:
    """Returns one of the listed files, and no other."""
    for path in _examples(request):
        if path.name == name:
            return FileResponse(path, media_type=mimetypes.guess_type(path.name)[0])
    raise Problem(404, "An example is one of /v1/examples.", name)


def _examples(request: Request) -> list[Path]:
    service: Service = request.app.state.service
    folder = service.options.examples
    if folder is None:
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and (images.is_image(path) or videos.is_video(path))
    )
