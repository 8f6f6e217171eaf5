"""`/v1/model`: what answers here, and what it takes."""

import re
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from pose_activity import version
from pose_activity.annotations import videos
from pose_activity.annotations.images import MOST_PIXELS
from pose_activity.inference.package import NAME, read_model
from pose_activity.serving import device_routes
from pose_activity.serving.schemas import ModelDetails, problems
from pose_activity.serving.service import Service

LICENCE = "AGPL-3.0-or-later"
_PERSON = re.compile(r"(person|subject|people|id|p|s)[ _-]?\d+")  # a data set's name of somebody
router = APIRouter()


@router.get("/v1/model", summary="The model", response_model=ModelDetails, responses=problems(401))
async def read(request: Request) -> Response:
    """Returns names, digests and limits."""
    return JSONResponse(facts_of(request.app.state.service))


def facts_of(service: Service) -> dict[str, Any]:
    """Returns what a client should know about the model, as JSON values."""
    predictor, options = service.predictor, service.options
    pose = predictor.pose
    skeleton = pose.skeleton if pose else None
    about = read_model(service.model) if (service.model / NAME).is_file() else {}
    device, why_not = device_routes.offer(service)
    one_by_one = predictor.takes == "videos" or predictor.recipe.one_by_one
    return {
        "name": about.get("name", service.model.resolve().name),
        "kind": service.kind.folder,
        "takes": predictor.takes,
        "rows": "person" if one_by_one else "picture",
        "identifies_people": _identifies(about),
        "hides_faces": options.hide_faces,
        "classes": list(predictor.classes),
        "joints": list(skeleton.joints) if skeleton else [],
        "bones": [list(bone) for bone in skeleton.bones] if skeleton else [],
        "unknown_below": predictor.unknown_below,
        "digests": predictor.graphs,
        "engine": predictor.engine,
        "precision": str(predictor.precision),
        "notes": [*predictor.notes, *predictor.warnings],
        "licence": LICENCE,
        "source_url": options.source_url,
        "version": version.version(),
        "limits": {
            "bytes": options.max_upload,
            "seconds": options.max_seconds,
            "picture_pixels": MOST_PIXELS,
            "frame_pixels": videos.MOST_PIXELS,
            "queue": options.queue,
            "keep_seconds": options.keep,
        },
        "on_device": {
            "offered": device is not None,
            "why_not": why_not or None,
            "bytes": device and device_routes.size_of(device),
        },
    }


def _identifies(about: dict[str, Any]) -> bool:
    """Returns whether the classes are people: by how it was scored, or by their names."""
    classes = about.get("data", {}).get("classes", {})
    named = bool(classes) and all(_PERSON.fullmatch(name.lower()) for name in classes)
    return named or any("rank" in score for score in about.get("scores", {}))
