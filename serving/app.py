"""The application: routes, the guard in front of them, and what is common to every answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from pose_activity.serving import (
    game_routes,
    health,
    job_routes,
    live,
    model_facts,
    page_routes,
    predictions,
    problems,
)
from pose_activity.serving.metrics import Metrics
from pose_activity.serving.schemas import ProblemDetails
from pose_activity.serving.security import Guard
from pose_activity.serving.service import Service

VERSION = "1"
_ROUTERS = (
    page_routes.router,
    model_facts.router,
    predictions.router,
    job_routes.router,
    health.router,
    live.router,
    game_routes.router,
)
_ABOUT = "What a picture or a video shows, by the model that is served here."


def create_app(service: Service) -> FastAPI:
    """Returns the application of a service, which it enters and leaves."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with service:
            app.state.metrics.watch(service)
            yield

    app = FastAPI(
        title="pose-activity",
        version=VERSION,
        description=_ABOUT,
        license_info={"name": model_facts.LICENCE, "identifier": model_facts.LICENCE},
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        separate_input_output_schemas=False,
    )
    app.state.service, app.state.metrics = service, Metrics()
    for router in _ROUTERS:
        app.include_router(router)
    app.mount("/page", page_routes.files)
    problems.install(app)
    _describe(app)
    if service.options.cors:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=service.options.cors,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
            expose_headers=["Location", "Retry-After"],
        )
    app.add_middleware(Guard, options=service.options)
    app.add_middleware(app.state.metrics.counting)
    return app


def _describe(app: FastAPI) -> None:
    """Adds to the description what no route has a model of."""
    of_routes = app.openapi

    def openapi() -> dict:
        if app.openapi_schema is None:
            found = of_routes()
            schemas = found.setdefault("components", {}).setdefault("schemas", {})
            schemas["ProblemDetails"] = ProblemDetails.model_json_schema()
            for name in ("HTTPValidationError", "ValidationError"):  # ours are problems
                schemas.pop(name, None)
            found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            found["security"] = [{"token": []}, {}]
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = openapi
