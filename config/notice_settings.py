"""What an installation says about notices: channels, languages and quiet hours of each audience, and how often sending is tried.

Addresses of channels hold secrets. Settings name the variables of the environment that hold them, never the addresses themselves.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from data_models.errors import BadInput

Audience = Literal["technician", "coordinator", "customer"]
Language = Literal["zh", "en"]

_VARIABLE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]{0,99}")


def zone(name: str) -> str:
    """The name itself, if it is that of a time zone. Raises `ValueError`."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError('give an IANA time zone such as "Asia/Shanghai"') from None
    return name


def _variable(text: str) -> str:
    if not _VARIABLE.fullmatch(text):
        raise ValueError('give "env:" and the name of the variable that holds the address, such as "env:TWOHOUR_CHANNEL_COORDINATOR"')
    return text


Channel = Annotated[str, AfterValidator(_variable)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChannelSettings(_Part):
    """The channels of each audience; a notice goes to all of them, and nowhere where there is none."""

    technician: tuple[Channel, ...] = ()
    coordinator: tuple[Channel, ...] = ()
    customer: tuple[Channel, ...] = ()


class LanguageSettings(_Part):
    """The language of each audience."""

    technician: Language = "zh"
    coordinator: Language = "zh"
    customer: Language = "zh"


class QuietHours(_Part):
    """From `begins` to `ends` by the clock of `timezone`, over midnight where it ends earlier than it begins, notices wait."""

    begins: time
    ends: time
    timezone: Annotated[str, AfterValidator(zone)] = "Asia/Shanghai"
    emergencies_pass: bool = True

    @model_validator(mode="after")
    def _is_a_span(self) -> QuietHours:
        if self.begins == self.ends or self.begins.tzinfo is not None or self.ends.tzinfo is not None:
            raise ValueError('give two different times of the clock, such as begins = "21:00" and ends = "07:30"')
        return self


class QuietSettings(_Part):
    """The quiet hours of each audience; None has none."""

    technician: QuietHours | None = None
    coordinator: QuietHours | None = None
    customer: QuietHours | None = None


class NoticeSettings(_Part):
    """Everything about notices."""

    attempts: Annotated[int, Field(ge=1, le=100)] = 10
    retry_seconds: Annotated[float, Field(ge=1, le=3600, allow_inf_nan=False)] = 30.0
    timeout_seconds: Annotated[float, Field(gt=0, le=15, allow_inf_nan=False)] = 10.0
    channels: ChannelSettings = ChannelSettings()
    languages: LanguageSettings = LanguageSettings()
    recipient_languages: Mapping[str, Language] = {}
    quiet: QuietSettings = QuietSettings()
    template_dir: Path | None = None

    def channels_of(self, audience: Audience) -> tuple[str, ...]:
        """The variables that hold the addresses of an audience's channels, each once."""
        said: tuple[str, ...] = getattr(self.channels, audience)
        return tuple(dict.fromkeys(channel.removeprefix("env:") for channel in said))

    def language_of(self, audience: Audience, recipient: str) -> Language:
        """The language that someone is written to in: their own where it is set, else their audience's."""
        audiences: Language = getattr(self.languages, audience)
        return self.recipient_languages.get(recipient, audiences)

    def quiet_hours_of(self, audience: Audience) -> QuietHours | None:
        """The quiet hours of an audience; None without."""
        quiet: QuietHours | None = getattr(self.quiet, audience)
        return quiet


def first_allowed(quiet: QuietHours | None, at: datetime, *, emergency: bool = False) -> datetime:
    """The first moment from `at` on that is outside of quiet hours; `at` itself for an emergency that passes them."""
    if quiet is None or (emergency and quiet.emergencies_pass):
        return at
    place = ZoneInfo(quiet.timezone)
    local = at.astimezone(place)
    clock = local.time()
    over_midnight = quiet.begins > quiet.ends
    evening = over_midnight and clock >= quiet.begins
    if not evening and not (clock < quiet.ends and (over_midnight or clock >= quiet.begins)):
        return at
    day = local.date() + timedelta(days=1 if evening else 0)
    # Where the clock is set forward over `ends`, the moment that it would have been stands.
    return datetime.combine(day, quiet.ends, place).astimezone(at.tzinfo)


def channel_address(name: str) -> SecretStr:
    """The address of a channel from the environment. Raises `BadInput` when the variable is absent or empty."""
    address = os.environ.get(name, "").strip()
    if not address:
        raise BadInput(f"channel {name}: the variable is not set; set {name} to the channel's address in the environment")
    return SecretStr(address)
