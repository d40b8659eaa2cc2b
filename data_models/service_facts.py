"""What a service report is made from: tickets with their clocks, people's spells by the published plans, shifts and kits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from data_models.clocks import WatchedTicket


@dataclass(frozen=True)
class ReportTicket:
    """A ticket as a report sees it.

    Parameters
    ----------
    station
        Of whoever arrived first, else of whom a plan sent; "" when nobody was.
    first_visit_at, first_visit_resolved
        When the first visit ended, and whether it settled the matter; None while there was none.
    done_at, cancelled_at, reopened_at
        Every time at which it ceased to wait, one way or the other, and at which it was opened again.
    scores
        When the customer said how satisfied they are, and how much.
    """

    watched: WatchedTicket
    region: str = ""
    station: str = ""
    product: str = ""
    first_visit_at: datetime | None = None
    first_visit_resolved: bool | None = None
    reopened_at: tuple[datetime, ...] = ()
    scores: tuple[tuple[datetime, int], ...] = ()
    done_at: tuple[datetime, ...] = ()
    cancelled_at: tuple[datetime, ...] = ()


@dataclass(frozen=True)
class PlannedSpell:
    """What somebody does by the plan that held when it began; `rest_s` of it is a break."""

    technician: str
    kind: Literal["drive", "work"]
    begins_at: datetime
    ends_at: datetime
    rest_s: float = 0.0


@dataclass(frozen=True)
class KitOut:
    """A kit is out of its station by the plan that held."""

    station: str
    kit: str
    begins_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class ReportShift:
    """A shift of a technician; `away` are the spells in which they were absent."""

    technician: str
    begins_at: datetime
    ends_at: datetime
    break_minutes: float = 0.0
    away: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True)
class OwnedKits:
    """How many kits of a type a station owns, and how many are broken."""

    station: str
    kit: str
    owned: int
    broken: int


@dataclass(frozen=True)
class ServiceFacts:
    """Everything that a report rests on; `stations` gives names, `technicians` the station of each, both by id.

    `elsewhere` names stations beyond, from which somebody came to help.
    """

    tickets: tuple[ReportTicket, ...] = ()
    spells: tuple[PlannedSpell, ...] = ()
    kits_out: tuple[KitOut, ...] = ()
    shifts: tuple[ReportShift, ...] = ()
    kits: tuple[OwnedKits, ...] = ()
    stations: tuple[tuple[str, str], ...] = ()
    technicians: tuple[tuple[str, str], ...] = ()
    elsewhere: tuple[tuple[str, str], ...] = ()
