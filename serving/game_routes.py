"""`/v1/game`: what the game asks, and what showing it was worth. Nothing is remembered."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError
from starlette.responses import JSONResponse, Response

from pose_activity.inference.results import UNKNOWN
from pose_activity.serving import game
from pose_activity.serving.problems import Problem
from pose_activity.serving.schemas import problems

_MOST_ANSWERS = 20_000
_MOST_BYTES = 2_000_000  # of a body
PATIENCE = 10.0  # seconds for all of it


class _InTime(APIRoute):
    """A route whose body is read whole, so it has to come in time."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:
        """Returns what answers, for so long and no longer."""
        answer = super().get_route_handler()

        async def in_time(request: Request) -> Response:
            try:
                async with asyncio.timeout(PATIENCE):
                    return await answer(request)
            except TimeoutError:
                rule = f"A game's messages come within {PATIENCE:g} s."
                raise Problem(408, rule, next="Send it again over a better connection.") from None

        return in_time


router = APIRouter(prefix="/v1/game", route_class=_InTime, max_body_size=_MOST_BYTES)


def _number(value: Any) -> Any:
    """Refuses what pydantic would take for a number: texts and truth values."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError("number", "Input should be a number")
    return value


_NUMBER = BeforeValidator(_number)


class Wish(BaseModel):
    """A game: the same values give the same one."""

    model_config = ConfigDict(extra="forbid")

    seed: Annotated[int, Field(ge=0, lt=2**32), _NUMBER]
    rounds: Annotated[int, Field(ge=1, le=50), _NUMBER] = 6
    seconds: Annotated[float, Field(ge=1, le=60, description="Of a round."), _NUMBER] = 5.0


class Seen(BaseModel):
    """An answer of the model."""

    seconds: Annotated[
        float, Field(ge=0, le=10_000, description="Since the game's beginning."), _NUMBER
    ]
    action: Annotated[str | None, Field(max_length=300, description="null: nobody was there.")]


class Played(Wish):
    """A game that is over."""

    answers: Annotated[list[Seen], Field(max_length=_MOST_ANSWERS)]


@router.post("", summary="Plan a game", responses=problems(400, 401, 403, 408, 413, 422))
async def plan(request: Request, wish: Wish) -> Response:
    """Returns its rounds."""
    prompts = _prompts(request, wish)
    return JSONResponse({"prompts": [vars(prompt) for prompt in prompts]})


@router.post("/score", summary="Judge a game", responses=problems(400, 401, 403, 408, 413, 422))
async def score(request: Request, played: Played) -> Response:
    """Returns its points, 0 to 1000, and each round's."""
    seen = [game.Answer(answer.seconds, answer.action) for answer in played.answers]
    return JSONResponse(game.score(_prompts(request, played), seen, unknown=UNKNOWN).as_json())


def _prompts(request: Request, wish: Wish) -> tuple[game.Prompt, ...]:
    classes: Any = request.app.state.service.predictor.classes
    try:
        return game.plan(classes, seed=wish.seed, rounds=wish.rounds, seconds=wish.seconds)
    except ValueError as error:
        raise Problem(422, "A game takes a model of two actions or more.", str(error)) from None
