"""The description of the interface (OpenAPI 3.1), whose committed copy is docs/openapi.json."""

from typing import Any

from fastapi import FastAPI

from pose_activity.serving.schemas import ProblemDetails

_REPLACED = ("HTTPValidationError", "ValidationError")  # FastAPI's; ours are problems


def describe(app: FastAPI) -> None:
    """Lets an application add to its description what no route has a model of."""
    of_routes = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = of_routes()
            parts = found.setdefault("components", {})
            schemas = parts.setdefault("schemas", {})
            schemas["ProblemDetails"] = ProblemDetails.model_json_schema()
            for name in _REPLACED:
                schemas.pop(name, None)
            for path in found["paths"].values():
                for method in path.values():
                    for parameter in method.get("parameters", ()):
                        parameter["schema"] = _never_null(parameter["schema"])
            parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            found["security"] = [{"token": []}, {}]  # one, or where there is no token none
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = openapi


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Returns the schema of a parameter, which is left out and never null."""
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    for one in schema.get("anyOf", ()):
        rest |= {} if one == {"type": "null"} else one
    return rest
