"""What goes wrong, told as problem details (RFC 9457): one stable `type` for each kind of thing, never a trace of the program."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Response

from data_models.errors import BadInput, Conflict, Infeasible, NotFound, TwohourError, Unavailable

TYPE = "urn:twohour:problem:"
MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its status, the end of its type, and what it is in a few words."""

    status: int
    slug: str
    title: str


NOT_JSON = Kind(400, "not-json", "The body is not JSON")
NOT_ADMITTED = Kind(401, "not-admitted", "Not admitted")
NOT_ALLOWED = Kind(403, "not-allowed", "Not allowed")
NOT_FOUND = Kind(404, "not-found", "Not found")
METHOD_NOT_ALLOWED = Kind(405, "method-not-allowed", "Method not allowed")
CONFLICT = Kind(409, "conflict", "Conflict with what is so")
CHANGED = Kind(412, "changed-meanwhile", "Changed meanwhile")
TOO_LARGE = Kind(413, "too-large", "Too large")
NOT_JSON_TYPE = Kind(415, "unsupported-media-type", "Unsupported media type")
BAD_INPUT = Kind(422, "bad-input", "Bad input")
KEY_REUSED = Kind(422, "key-reused", "Idempotency key used by another request")
TOO_MANY = Kind(429, "too-many-requests", "Too many requests")
FAULT = Kind(500, "fault", "A fault of twohour")
UNAVAILABLE = Kind(503, "unavailable", "Unavailable")

KINDS: tuple[Kind, ...] = (
    NOT_JSON, NOT_ADMITTED, NOT_ALLOWED, NOT_FOUND, METHOD_NOT_ALLOWED, CONFLICT, CHANGED, TOO_LARGE, NOT_JSON_TYPE, BAD_INPUT, KEY_REUSED,
    TOO_MANY, FAULT, UNAVAILABLE,
)  # fmt: skip
"""All of them; docs/api.md says what each means and what to do."""

_OF_ERROR: tuple[tuple[type[TwohourError], Kind], ...] = (
    (NotFound, NOT_FOUND),
    (Conflict, CONFLICT),
    (Infeasible, CONFLICT),
    (BadInput, BAD_INPUT),
    (Unavailable, UNAVAILABLE),
)


class Problem(Exception):
    """An answer of this kind in the making; `more` are further members of the answer."""

    def __init__(self, kind: Kind, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.headers, self.more = kind, detail, dict(headers or {}), more

    def answer(self) -> Response:
        """The answer."""
        return told(self.kind, self.detail, self.headers, **self.more)


def told(kind: Kind, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """An answer that tells a problem."""
    content = {"type": TYPE + kind.slug, "title": kind.title, "status": kind.status, "detail": detail} | more
    # ASCII: what somebody sent comes back here, whatever it holds.
    return Response(json.dumps(content, ensure_ascii=True), kind.status, dict(headers or {}), MEDIA_TYPE)


def kind_of(error: TwohourError) -> Kind:
    """The kind of problem that an error of ours is."""
    return next((kind for known, kind in _OF_ERROR if isinstance(error, known)), FAULT)


def told_by_validation(errors: Sequence[Mapping[str, Any]]) -> Response:
    """An answer to values that are not what the description says: one entry each, by where it stands. Values are not repeated."""
    wrong = [{"where": ".".join(map(str, error["loc"])), "says": _says(error)} for error in errors[:20]]
    if any(error["type"] == "json_invalid" for error in errors):
        return told(NOT_JSON, f"the body is not JSON: {wrong[0]['says']}")
    detail = "; ".join(f"{one['where']}: {one['says']}" for one in wrong[:5])
    return told(BAD_INPUT, detail, errors=wrong)


def _says(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "there is no such field; leave it out"
    return str(error["msg"]).removeprefix("Value error, ")
