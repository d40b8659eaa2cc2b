"""The days of a history as dispatch cases: who is on duty, what is known, what is left from the day before."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from data_models.case import (
    Case,
    GreatCircle,
    OutAt,
    Rates,
    Shift,
    Station,
    Technician,
    Ticket,
    TravelMatrix,
    great_circle_km,
)
from data_models.expected import Area, PastTicket
from data_models.policy import TicketNeeds, clocks_for, costs_for, needs_for, visit_due
from data_models.study import CrewFacts, DailyShift, StudyStation
from optimizer.legs import UNREACHABLE, legs_of
from optimizer.scenarios import Situation
from optimizer.trips import Located

Table = npt.NDArray[np.float64]
_Placed = TypeVar("_Placed", Station, Ticket, OutAt)

LOOK_AHEAD = timedelta(hours=12)
"""Shifts that begin within this time after a day's end are part of its case, so that its last tickets can be planned."""


@dataclass(frozen=True)
class Cuts:
    """Where days begin and end: at the local hour at which the fewest tickets come in."""

    hour: int
    zone: ZoneInfo

    def days(self, begins_at: datetime, ends_at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The days from `begins_at` until `ends_at`, the first and last perhaps shorter, in UTC."""
        begin = begins_at.astimezone(UTC)
        while begin < ends_at:
            local = begin.astimezone(self.zone)
            end = datetime.combine(local.date(), time(self.hour), self.zone)
            if end <= local:
                end = datetime.combine(local.date() + timedelta(days=1), time(self.hour), self.zone)
            end = min(end.astimezone(UTC), ends_at.astimezone(UTC))
            yield begin, end
            begin = end


def cuts_of(tickets: Sequence[PastTicket], zone: ZoneInfo) -> Cuts:
    """Cuts at the quietest hour, the earliest of several."""
    by_hour = Counter(ticket.opened_at.astimezone(zone).hour for ticket in tickets)
    return Cuts(min(range(24), key=lambda hour: (by_hour[hour], hour)), zone)


@dataclass(frozen=True)
class Days:
    """Makes the case of each day of a situation."""

    situation: Situation

    @cached_property
    def zone(self) -> ZoneInfo:
        """Of the hours that crews keep."""
        return ZoneInfo(self.situation.study.zone)

    def ticket(self, past: PastTicket, name: str) -> Ticket:
        """A ticket of the history as the policy of the situation sees it."""
        area = self._area_by_id[past.site]
        needs = self._needs[past.type, past.product]
        policy = self.situation.policy
        minutes = needs.service_minutes if past.service_minutes is None else past.service_minutes
        clocks = clocks_for(policy, past.severity, area.tier, past.type)
        costs = costs_for(policy, past.severity, area.tier)
        urgent = past.severity == "emergency"  # of other tickets an area says nothing
        return Ticket(
            name,
            area.lat,
            area.lon,
            past.severity,
            area.tier,
            past.opened_at,
            visit_due(policy, clocks, past.opened_at, minutes),
            minutes,
            costs.miss_cost,
            costs.late_cost_per_hour,
            costs.skip_cost,
            skills=dict(area.skills if urgent and area.skills else needs.skills),
            kits=area.kits if urgent and area.kits else needs.kits,
            load=needs.load,
            crew=needs.crew,
            place=self._place[area.id],
        )

    def case(self, begin: datetime, end: datetime, tickets: Sequence[Ticket], out: Mapping[str, OutAt]) -> Case:
        """The case of one day: everybody, those who are not home where they are, with the shifts until `LOOK_AHEAD` after its end."""
        study = self.situation.study
        stations = [self._station(station) for station in study.stations]
        people = [person for station in study.stations for person in self._people(station, begin, end, out)]
        return self._with_matrix(
            Case(f"{begin:%Y-%m-%d}", begin, study.travel, tuple(stations), tuple(people), tuple(tickets), study.rates)
        )

    @cached_property
    def _area_by_id(self) -> dict[str, Area]:
        return {area.id: area for area in self.situation.areas}

    @cached_property
    def _needs(self) -> _NeedsByKind:
        return _NeedsByKind(self)

    @cached_property
    def _located(self) -> tuple[tuple[float, float, int | None], ...]:
        study = self.situation.study
        things: tuple[Located, ...] = (*study.stations, *self.situation.areas)
        return tuple((thing.lat, thing.lon, thing.place) for thing in things)

    @cached_property
    def _place(self) -> dict[str, int | None]:
        """Places of areas in the matrix of the situation; None for all where travel is by great circle."""
        first = len(self.situation.study.stations)
        return {area.id: None if self._seconds is None else first + n for n, area in enumerate(self.situation.areas)}

    @cached_property
    def _seconds(self) -> tuple[Table, Table] | None:
        """Seconds and metres between stations and areas; None where great circles do."""
        study = self.situation.study
        if isinstance(study.travel, GreatCircle) and not self.situation.roads:
            return None
        seconds, metres = _tables(study.travel, self._located)
        factor = np.ones(len(self._located))
        for road in self.situation.roads:
            near = np.array([great_circle_km(lat, lon, road.lat, road.lon) <= road.km for lat, lon, _ in self._located])
            factor[near] = np.maximum(factor[near], math.inf if road.factor is None else road.factor)
        longer = np.maximum(factor[:, None], factor[None, :])
        np.fill_diagonal(longer, 1.0)
        with np.errstate(invalid="ignore"):
            return np.where(np.isinf(longer), math.inf, np.ceil(seconds * longer)), metres

    @cached_property
    def station_seconds(self) -> Table:
        """Drive from each open station to each area, infinite where no road leads: (n_stations, n_areas)."""
        first = len(self.situation.study.stations)
        if self._seconds is not None:
            return self._seconds[0][:first, first:]
        seconds = legs_of(self.situation.study.travel, Rates(), self._located).between(slice(0, first), slice(first, None))[0].astype(float)
        seconds[seconds >= UNREACHABLE] = math.inf
        return seconds

    def _with_matrix(self, case: Case) -> Case:
        """The case with the part of the matrix that it needs."""
        if self._seconds is None:
            return case
        things: tuple[Located, ...] = (*case.stations, *case.tickets, *_outs(case))
        used = sorted({thing.place for thing in things if thing.place is not None})
        number = {place: n for n, place in enumerate(used)}
        seconds, metres = (tuple(map(tuple, table[np.ix_(used, used)].tolist())) for table in self._seconds)

        def at(thing: _Placed) -> _Placed:
            return thing if thing.place is None else replace(thing, place=number[thing.place])

        return replace(
            case,
            travel=TravelMatrix("matrix", seconds, metres),
            stations=tuple(map(at, case.stations)),
            tickets=tuple(map(at, case.tickets)),
            technicians=tuple(replace(who, start=at(who.start)) if who.start else who for who in case.technicians),
        )

    def _station(self, station: StudyStation) -> Station:
        place = None if self._seconds is None else self.situation.study.stations.index(station)
        return Station(station.id, station.name, station.lat, station.lon, dict(station.kits), place)

    def _people(self, station: StudyStation, begin: datetime, end: datetime, out: Mapping[str, OutAt]) -> Iterator[Technician]:
        for crew in station.crews:
            shifts = self._shifts(crew, begin, end)
            for number in range(1, crew.people + 1):
                name = person_name(station.id, crew.id, number)
                if shifts or name in out:
                    yield Technician(name, name, station.id, crew.skills, shifts, crew.capacity, out.get(name))

    def _shifts(self, crew: CrewFacts, begin: datetime, end: datetime) -> tuple[Shift, ...]:
        until = end + LOOK_AHEAD
        found = []
        day = (begin.astimezone(self.zone) - timedelta(days=1)).date()
        while datetime.combine(day, time(0), self.zone) < until:
            for shift in crew.shifts:
                if day.isoweekday() in shift.days:
                    found.append(self._shift(shift, datetime.combine(day, shift.begins_at, self.zone)))
            day += timedelta(days=1)
        return tuple(sorted((s for s in found if s.end > begin and s.start < until), key=lambda s: s.start))

    @staticmethod
    def _shift(shift: DailyShift, local: datetime) -> Shift:
        begins = local.astimezone(UTC)
        return Shift(begins, begins + shift.length, shift.overtime_minutes)


def person_name(station: str, crew: str, number: int) -> str:
    """The id of one of a crew, which `station_of` takes apart."""
    return f"{len(station)}:{station}/{crew}/{number}"


def station_of(technician: str) -> str:
    """The station of somebody with such an id."""
    length, rest = technician.split(":", 1)
    return rest[: int(length)]


class _NeedsByKind(dict[tuple[str, str], TicketNeeds]):
    """What tickets of a type and product need, asked of the policy once."""

    def __init__(self, days: Days) -> None:
        super().__init__()
        self._policy = days.situation.policy

    def __missing__(self, kind: tuple[str, str]) -> TicketNeeds:
        self[kind] = needs_for(self._policy, *kind)
        return self[kind]


def _tables(travel: GreatCircle | TravelMatrix, places: Sequence[tuple[float, float, int | None]]) -> tuple[Table, Table]:
    legs = legs_of(travel, Rates(), places)
    seconds = np.asarray(legs.between()[0], float)
    seconds[seconds >= UNREACHABLE] = math.inf
    return seconds, legs.metres()


def _outs(case: Case) -> Iterator[OutAt]:
    return (who.start for who in case.technicians if who.start is not None)
