"""The description of the API by the OpenAPI specification: complete, so that clients can be made from it and tests can doubt it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from console.api.access import NEEDS
from console.api.problems import (
    BAD_INPUT,
    CHANGED,
    CONFLICT,
    FAULT,
    MEDIA_TYPE,
    NOT_ADMITTED,
    NOT_ALLOWED,
    NOT_FOUND,
    NOT_JSON,
    NOT_JSON_TYPE,
    TOO_LARGE,
    TOO_MANY,
    UNAVAILABLE,
    Kind,
)
from console.web.visitors import SESSION_COOKIE

ABOUT = """Push tickets, pull plans, decide about drafts, tell what happens, and be told.

Show a token with each request: `Authorization: Bearer TOKEN`. `twohour tokens make` makes one with scopes and, where wanted, regions.
Times are ISO 8601 with an offset. Lists come page by page: ask again with `cursor` as `next` says. What changes something may carry an
`Idempotency-Key`, so that it can be sent again. Errors are problem details (RFC 9457) with a `type` that stays."""

_TAGS = {
    "tickets": "What customers report: pushed by the company's own ids, read with clocks.",
    "plans": "What people are told to do, what is proposed, and decisions about it.",
    "company": "Stations and technicians, to be read.",
    "events": "What happens during the day.",
    "readings": "What sensors measured.",
    "audit": "Who did what.",
    "webhooks": "Which other systems are told what.",
}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Stays the same for the same kind of problem."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What it was this time, and what helps."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["where", "says"],
                "properties": {"where": {"type": "string"}, "says": {"type": "string"}},
            },
        },
    },
    "example": {
        "type": "urn:twohour:problem:conflict", "title": CONFLICT.title, "status": 409,
        "detail": "Plan 12 is published: 王敏 (2026-03-02 00:15 UTC) published it",
    },
}  # fmt: skip


def describe(application: FastAPI) -> None:
    """Let an application describe itself completely."""
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(_described(application))
        return made

    application.openapi = openapi  # type: ignore[method-assign]


def _described(application: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title="twohour",
        version=version("twohour"),
        description=ABOUT,
        routes=application.routes,
        tags=[{"name": name, "description": says} for name, says in _TAGS.items()],
        servers=[{"url": "/api"}],
    )
    parts = found.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    parts["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token of `twohour tokens make`."},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": SESSION_COOKIE,
            "description": "Pages of the console; what changes something also sends the header X-CSRF-Token.",
        },
    }
    for operations in found["paths"].values():
        for method, operation in operations.items():
            _complete(method, operation)
    return found


def _complete(method: str, operation: dict[str, Any]) -> None:
    scope = NEEDS[operation["operationId"]]
    operation["security"] = [{"token": []}, {"session": []}]
    operation["description"] = f"{operation['description']}\n\nScope: `{scope}`."
    kinds = [NOT_ADMITTED, NOT_ALLOWED, BAD_INPUT, TOO_MANY, FAULT, UNAVAILABLE]
    named = {parameter["name"] for parameter in operation.get("parameters", ())}
    if method != "get":
        kinds += [NOT_JSON, TOO_LARGE, NOT_JSON_TYPE, CONFLICT]
    if any(parameter["in"] == "path" for parameter in operation.get("parameters", ())) or operation["operationId"] == "readPublishedPlan":
        kinds.append(NOT_FOUND)
    if operation["operationId"] in ("readPlanDifference", "answerTicket"):
        kinds.append(CONFLICT)
    if "If-Match" in named:
        kinds.append(CHANGED)
    operation["responses"].pop("422", None)
    for kind in sorted(kinds, key=lambda kind: kind.status):
        operation["responses"][str(kind.status)] = _response(kind)


def _response(kind: Kind) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": kind.title,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if kind in (TOO_MANY, UNAVAILABLE):
        answer["headers"] = {"Retry-After": {"schema": {"type": "string"}, "description": "Seconds to wait."}}
    return answer
