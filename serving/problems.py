"""Errors as clients get them: `application/problem+json` (RFC 9457), no paths, no tracebacks.

A problem states the rule, shows what came, and offers the next step.
"""

import http
import json
import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pose_activity.artifacts.names import shown

MEDIA_TYPE = "application/problem+json"
_LONGEST = 300  # characters of what came
log = logging.getLogger("pose_activity.serving")


class Problem(Exception):
    """A request that is refused.

    Attributes:
        status: Of HTTP.
        rule: What is allowed.
        received: What came.
        next: What to do about it.
        headers: More headers of the answer.
    """

    def __init__(
        self,
        status: int,
        rule: str,
        received: str = "",
        next: str = "",
        *,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(rule)
        self.status, self.rule, self.received, self.next = status, rule, received, next
        self.headers = headers or {}

    def as_json(self) -> dict[str, Any]:
        """Returns the members of a problem."""
        received = shown(self.received)[:_LONGEST]
        parts = (self.rule, f"Received: {received}." if received else "", self.next)
        return {
            "type": "about:blank",
            "title": http.HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": " ".join(filter(None, parts)),
            "rule": self.rule,
            "received": received or None,
            "next": self.next or None,
        }

    def as_response(self) -> Response:
        """Returns the answer."""
        body = json.dumps(self.as_json(), ensure_ascii=False)
        return Response(body, self.status, headers=self.headers, media_type=MEDIA_TYPE)


def unknown_job() -> Problem:
    """Returns the answer about a job that is not there."""
    return Problem(
        404,
        "A job is there until its time is over or it is deleted.",
        next="Send the file again.",
    )


def install(app: FastAPI) -> None:
    """Lets an application answer with problems whatever goes wrong."""
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_middleware(_catching)


async def _answer_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):
        raise error
    return error.as_response()


async def _answer_invalid(request: Request, error: Exception) -> Response:
    """Answers a parameter of another type or range."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    name = "body" if first["type"] == "json_invalid" else str(first["loc"][-1])
    return Problem(
        422, f"{name}: {first['msg']}.", repr(first.get("input")), "See /openapi.json."
    ).as_response()


async def _answer_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    rules = {
        400: "A body is JSON, as /openapi.json says.",
        404: "The paths of this server are listed in /openapi.json.",
        405: "Each path takes the methods that /openapi.json lists.",
    }
    rule = rules.get(error.status_code, str(error.detail))
    received = f"{request.method} {request.url.path}"
    headers = dict(error.headers or {})
    if error.status_code == 405:
        # Starlette names the methods of the first route of this path, and there may be more.
        pattern = getattr(request.scope.get("route"), "path", None)
        methods = request.app.openapi()["paths"].get(pattern, {})
        headers["Allow"] = ", ".join(sorted(map(str.upper, methods))) or headers.get("allow", "GET")
    return Problem(error.status_code, rule, received, headers=headers).as_response()


def _catching(app: ASGIApp) -> ASGIApp:
    """Returns an application whose mistakes are in the log, and told to clients as such."""

    async def catch(scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def send_noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await app(scope, receive, send_noting)
        except Exception:
            if begun or scope["type"] != "http":
                raise
            log.exception("%s %s failed", scope["method"], scope["path"])
            problem = Problem(500, "The server made a mistake.", next="Its log says which.")
            await problem.as_response()(scope, receive, send)

    return catch
