"""What an installation says about the API and about telling other systems."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Host = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[^\s/:@\[\]]+$")]


class ApiSettings(BaseModel):
    """How much a caller may ask, and how long answers to requests with a key are kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 600
    strangers_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 60
    key_hours: Annotated[float, Field(ge=1, le=24 * 90, allow_inf_nan=False)] = 48.0


class WebhookSettings(BaseModel):
    """Where messages may go, and how long it is tried to deliver them.

    `hosts` may be reached by plain http and on private addresses too; all others by https on public addresses only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    hosts: tuple[Host, ...] = ()
    attempts: Annotated[int, Field(ge=1, le=100)] = 24
    first_wait_seconds: Annotated[float, Field(ge=1, le=3600, allow_inf_nan=False)] = 10.0
    longest_wait_hours: Annotated[float, Field(gt=0, le=48, allow_inf_nan=False)] = 6.0
    answer_seconds: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)] = 10.0
    disable_hours: Annotated[float, Field(gt=0, le=24 * 30, allow_inf_nan=False)] = 72.0
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 30
