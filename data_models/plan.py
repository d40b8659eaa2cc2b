"""A dispatch plan as facts: the dataclasses mirror `dispatch-plan/1` field by field."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from data_models.reading import Alias


@dataclass(frozen=True)
class Stop:
    """One visit within a route: arrival, start of work (waiting lies between) and finish."""

    ticket: str
    arrive: datetime
    start: datetime
    finish: datetime


@dataclass(frozen=True)
class BreakTaken:
    """When a technician rests."""

    start: datetime
    finish: datetime


@dataclass(frozen=True)
class Route:
    """One trip of a technician: from the station (or from where they are) and back to the station."""

    technician: str
    shift: int
    depart: datetime
    stops: tuple[Stop, ...]
    returns: Annotated[datetime, Alias("return")]
    kits: tuple[str, ...] = ()
    breaks: tuple[BreakTaken, ...] = ()


@dataclass(frozen=True)
class Unassigned:
    """A ticket that is not planned, with the reasons in words."""

    ticket: str
    reasons: tuple[str, ...] = ()


PROVEN = 1e-6
"""A gap, relative to the cost, up to which a plan counts as proven optimal: amounts are rounded."""


@dataclass(frozen=True)
class SolverFacts:
    """What the solver knows about its own work; None where it does not."""

    cost: float | None = None
    bound: float | None = None
    gap: float | None = None
    seconds: float | None = None
    iterations: int | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Plan:
    """Who goes where and when; every ticket of the case is in a route or in `unassigned`."""

    case: str
    routes: tuple[Route, ...]
    unassigned: tuple[Unassigned, ...] = ()
    solver: SolverFacts | None = None
    format: Literal["dispatch-plan/1"] = "dispatch-plan/1"
