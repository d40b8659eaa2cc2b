"""What a policy says about clocks that run: what pauses them, when to warn, whom to tell, and what being late pays.

The dataclasses mirror sections of a policy file, as those of `policy` do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, PlainValidator

from data_models.case import Severity, Tier
from data_models.limits import Amount, Name, Share
from data_models.promises import PromiseText, parse_promise

CALL_BACK = "call_back"
"""The clock of `after_closing.call_back`; it counts from closing."""

HANDLED_AGAIN = "handled_again"
"""The clock of `after_closing.handled_again`; it counts from a reopening."""

Role = Literal["technician", "coordinator", "regional_manager", "director", "customer"]

STEP_FORMS = '"-15 min" (before due), "0 min", "+30 min", "+2 h" (after due), "at_risk", or "none"'
"""What the `when` of an escalation step may look like, for messages."""


@dataclass(frozen=True)
class PauseRule:
    """Clocks that stand still while a ticket waits for this reason. Emergencies run on unless `severities` names them."""

    clocks: tuple[Name, ...]
    severities: tuple[Severity, ...] = ("important", "general")
    title: str = ""


@dataclass(frozen=True)
class WarningRule:
    """A clock without a prediction is at risk when less is left than `share` of it, or than `time`: the smaller of those given."""

    share: Share | None = None
    time: PromiseText | None = None


@dataclass(frozen=True)
class StepMoment:
    """When an escalation step is due: `after` the clock's due moment (before it when negative), or as soon as it is at risk.

    `nothing` is the step withdrawn: it overrules an inherited one.
    """

    kind: Literal["relative", "at_risk", "nothing"]
    after: timedelta = timedelta()


def parse_step_moment(text: object) -> StepMoment:
    """The moment that a text like "-15 min" or "at_risk" states. Raises `ValueError` naming what is allowed."""
    if text == "none":
        return StepMoment("nothing")
    if text == "at_risk":
        return StepMoment("at_risk")
    match = re.fullmatch(r"([-+]?) ?(\d.*)", text.strip()) if isinstance(text, str) else None
    try:
        length = parse_promise(match.group(2)) if match else None
    except ValueError:
        length = None
    if match is None or length is None or length.counts != "elapsed" or (length.length and not match.group(1)):
        raise ValueError(f"a step is one of: {STEP_FORMS}")
    return StepMoment("relative", -length.length if match.group(1) == "-" else length.length)


@dataclass(frozen=True)
class EscalationStep:
    """Whom to tell about a clock that is not kept yet, and when; for tickets and clocks that match every list that is not empty.

    With `again` the step repeats at that interval until it went out `times` times in all.
    """

    when: Annotated[StepMoment, PlainValidator(parse_step_moment)]
    whom: tuple[Role, ...]
    clocks: tuple[Name, ...] = ()
    again: PromiseText | None = None
    times: Annotated[int, Field(ge=1, le=100)] = 1
    severities: tuple[Severity, ...] = ()
    tiers: tuple[Tier, ...] = ()
    title: str = ""


@dataclass(frozen=True)
class CompensationRule:
    """What a missed clock pays beside `costs.price_share_per_hour_late`, unless the contract says its own amount per hour.

    Without `clocks` it is the clock that a visit is due by: on_site, without it solution, without it closing.
    `cap` and `cap_share` (of the order's price) limit what one clock of a ticket pays; `hours` tells how a part of an hour counts.
    """

    clocks: tuple[Name, ...] = ()
    per_hour: Amount = 0.0
    cap: Amount | None = None
    cap_share: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    hours: Literal["exact", "begun", "whole"] = "exact"
