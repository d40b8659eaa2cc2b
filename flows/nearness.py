"""Who could come to a ticket at all: a bound that leaves nobody out, so that an answer need not look at the whole company."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from data_models.case import EARTH_KM, Ticket
from data_models.store.nearby import Outline

FASTEST_KMH = 120.0
"""No road is driven faster (the legal limit for cars), and none is shorter than the great circle."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pace:
    """How fast anybody gets along at the best, as the crow flies."""

    kmh: float = FASTEST_KMH


def stations_in_reach(outline: Outline, ticket: Ticket, pace: Pace) -> frozenset[str]:
    """The stations of everybody who could go to a ticket and be home in time if they went there from the best place of their day.

    Skills do not count: who has not got them may take over the work of somebody who has. Closed under crews: with someone who is to
    meet others somewhere come the stations of these.
    """
    now = outline.now.timestamp()
    latest: dict[str, float] = {}
    rows: list[tuple[str, float, float, float, float]] = []  # who, from where, since when, until when
    for spell in outline.spells:
        if spell.technician in outline.people:
            one = outline.people[spell.technician]
            home = outline.stations[one.station]
            ends = spell.latest.timestamp()
            latest[spell.technician] = max(ends, latest.get(spell.technician, ends))
            rows.append((spell.technician, home.lat, home.lon, max(now, spell.starts_at.timestamp()), ends))
    places = [(visit.technician, visit.lat, visit.lon) for visit in outline.visits if visit.returns_at > outline.now]
    places += [(out.technician, out.lat, out.lon) for out in outline.out_before]
    places += [(who, *one.told_at) for who, one in outline.people.items() if one.told_at is not None]
    rows += [(who, lat, lon, now, latest[who]) for who, lat, lon in places if who in latest]
    found = {visit.technician for visit in outline.visits if visit.ticket == ticket.id and visit.technician in outline.people}
    if rows:
        homes = [outline.stations[outline.people[row[0]].station] for row in rows]
        lat, lon, since, until = (np.array(column, float) for column in zip(*(row[1:] for row in rows), strict=True))
        there = _km(lat, lon, ticket)
        back = _km(np.array([home.lat for home in homes]), np.array([home.lon for home in homes]), ticket)
        over = np.maximum(since + 3600 * there / pace.kmh, _first_start(ticket, outline.now)) + 60 * ticket.service_minutes
        found |= {row[0] for row, fits in zip(rows, over + 3600 * back / pace.kmh <= until, strict=True) if fits}
    return _with_crews(outline, frozenset(outline.people[who].station for who in found))


def _first_start(ticket: Ticket, now: datetime) -> float:
    moments = [now, ticket.opened_at, *([ticket.not_before] if ticket.not_before else [])]
    if ticket.windows:
        moments.append(min(window.start for window in ticket.windows))
    return max(moments).timestamp()


def _with_crews(outline: Outline, stations: frozenset[str]) -> frozenset[str]:
    crews: dict[str, set[str]] = {}
    for visit in outline.visits:
        if visit.technician in outline.people:
            crews.setdefault(visit.ticket, set()).add(outline.people[visit.technician].station)
    several = [crew for crew in crews.values() if len(crew) > 1]
    found, size = set(stations), -1
    while len(found) > size:
        size = len(found)
        for crew in several:
            if crew & found:
                found |= crew
    return frozenset(found)


def _km(lat: Floats, lon: Floats, ticket: Ticket) -> Floats:
    phi, there = np.radians(lat), math.radians(ticket.lat)
    chord = np.sin((phi - there) / 2) ** 2 + np.cos(phi) * math.cos(there) * np.sin(np.radians(lon - ticket.lon) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.minimum(1.0, np.sqrt(chord))))
