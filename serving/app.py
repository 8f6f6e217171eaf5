"""The application: routes, the guard in front of them, and what is common to every answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from pose_activity.serving import (
    device_routes,
    game_routes,
    health,
    job_routes,
    live,
    model_facts,
    openapi,
    page_routes,
    predictions,
    problems,
    source,
)
from pose_activity.serving.metrics import Metrics
from pose_activity.serving.security import Guard
from pose_activity.serving.service import Service

VERSION = "1"
_ROUTERS = (
    page_routes.router,
    model_facts.router,
    device_routes.router,
    predictions.router,
    job_routes.router,
    health.router,
    live.router,
    game_routes.router,
    source.router,
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
        redirect_slashes=False,  # a file would be sent twice
        lifespan=lifespan,
        separate_input_output_schemas=False,
    )
    app.state.service, app.state.metrics = service, Metrics()
    for router in _ROUTERS:
        app.include_router(router)
    app.mount("/page", page_routes.files)
    problems.install(app)
    openapi.describe(app)
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
