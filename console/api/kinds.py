"""Kinds of values that the API takes, each with its limits: what is outside of them is refused before anything is looked at."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, StringConstraints, WithJsonSchema

_MOMENT = (
    r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
    r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])$"
)
_READ = re.compile(_MOMENT.replace("2[0-8]", "2[0-9]|3[01]"))
_LINE = r"^[^\x00-\x1f\x7f]*$"
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"


MOMENT = {"type": "string", "format": "date-time", "pattern": _MOMENT}
"""A moment in the description: days 1 to 28 only, which every month has; others are taken where the month has them."""


def _moment(value: Any) -> datetime:
    if not isinstance(value, str) or not _READ.fullmatch(value):
        raise ValueError("give a moment of this century with an offset, such as 2026-03-02T08:15:00+08:00")
    return datetime.fromisoformat(value)


def _whole(value: Any) -> Any:
    # 18.0 is a whole number by JSON.
    return int(value) if isinstance(value, float) and value.is_integer() else value


Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema(MOMENT)]
"""An aware moment."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_LINE)]
Line = Annotated[str, StringConstraints(max_length=200, pattern=_LINE)]
Short = Annotated[str, StringConstraints(max_length=64, pattern=_LINE)]
Reason = Annotated[str, StringConstraints(max_length=500, pattern=_LINE)]
Text = Annotated[str, StringConstraints(max_length=20_000, pattern=_TEXT)]
Crew = Annotated[int, Strict(), Field(ge=1, le=20), BeforeValidator(_whole)]
Flag = Annotated[bool, Strict()]
Number = Annotated[float, Strict()]
Level = Annotated[int, Strict(), Field(ge=1, le=3), BeforeValidator(_whole)]
Levels = Annotated[
    dict[Id, Level],
    Field(max_length=50),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": 50,
            "propertyNames": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": _LINE},
            "additionalProperties": {"type": "integer", "minimum": 1, "maximum": 3},
            "description": "Skills, each with its least level.",
        }
    ),
]

LARGEST = 2**31 - 1
PlanNumber = Annotated[int, Path(ge=1, le=LARGEST, description="Number of the plan.")]
WebhookNumber = Annotated[int, Path(ge=1, le=LARGEST, description="Number of the webhook.")]
TicketId = Annotated[str, Path(min_length=1, max_length=64, pattern=_LINE, description="The company's own id of the ticket.")]
StationId = Annotated[str, Path(min_length=1, max_length=64, pattern=_LINE, description="The company's own id of the station.")]
TechnicianId = Annotated[str, Path(min_length=1, max_length=64, pattern=_LINE, description="The company's own id of the technician.")]


class Asked(BaseModel):
    """What is sent: nothing that the description does not name."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Told(BaseModel):
    """What is answered."""

    model_config = ConfigDict(frozen=True)
