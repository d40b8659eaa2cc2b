"""A study as a scenario makes it: pure, and nothing of the study itself is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from data_models.case import TIERS, TravelMatrix
from data_models.errors import BadInput
from data_models.expected import Area
from data_models.policy import Clocks, ClockTable, ServicePolicy, SeverityClocks
from data_models.promises import parse_promise
from data_models.reading import shown
from data_models.study import (
    AddCrew,
    Change,
    CloseStation,
    Growth,
    MoveStation,
    NewCustomer,
    OpenStation,
    Scenario,
    SetKits,
    SetPeople,
    SetPromise,
    SlowRoads,
    Study,
    StudyStation,
)


@dataclass(frozen=True)
class Situation:
    """What is open, promised and to be expected under a scenario.

    Attributes
    ----------
    study
        With the stations that are open then; those that are not are its candidates.
    growth, new_customers
        How demand differs from the history; `optimizer.study_demand` draws tickets by them.
    roads
        Where drives take longer, or nobody can drive.
    """

    scenario: Scenario
    study: Study
    policy: ServicePolicy
    growth: tuple[Growth, ...] = ()
    new_customers: tuple[NewCustomer, ...] = ()
    roads: tuple[SlowRoads, ...] = ()

    @property
    def areas(self) -> tuple[Area, ...]:
        """Demand points, new customers among them."""
        return (*self.study.history.areas, *(new.area for new in self.new_customers))


def under(study: Study, scenario: Scenario, policy: ServicePolicy) -> Situation:
    """The study with the scenario's changes, made in their order.

    Raises
    ------
    BadInput
        A change names what is not there, or opens what is: one sentence each, with its index.
    """
    situation = Situation(scenario, study, policy)
    problems = []
    for index, change in enumerate(scenario.changes):
        try:
            situation = _APPLY[type(change)](situation, change)
        except BadInput as error:
            problems += [f"scenario {shown(scenario.name)}, changes[{index}] ({change.kind}): {sentence}" for sentence in error.problems]
    if problems:
        raise BadInput(*problems)
    return situation


def _open(situation: Situation, change: OpenStation) -> Situation:
    study = situation.study
    if change.new is not None:
        if change.new.id in study.station_by_id or change.new.id in study.candidate_by_id:
            raise BadInput(f"new station {shown(change.new.id)} has the id of another; give one of its own")
        _must_have_a_place(study, change.new)
        return _with_stations(situation, (*study.stations, change.new))
    if change.station in study.station_by_id:
        raise BadInput(f"station {shown(change.station)} is open already; leave the change out")
    if change.station not in study.candidate_by_id:
        raise BadInput(f"station {shown(change.station)} is no candidate; known are {_listed(study.candidate_by_id)}")
    left = tuple(station for station in study.candidates if station.id != change.station)
    opened = (*study.stations, study.candidate_by_id[change.station])
    return replace(situation, study=replace(study, stations=opened, candidates=left))


def _close(situation: Situation, change: CloseStation) -> Situation:
    closed = _station(situation, change.station)
    stations = tuple(station for station in situation.study.stations if station.id != closed.id)
    if change.people_to:
        if change.people_to == closed.id:
            raise BadInput(f"people_to is {shown(closed.id)}, the station that is closed; name another")
        host = _station(situation, change.people_to)
        taken = {crew.id for crew in host.crews}
        moved = tuple(replace(crew, id=f"{closed.id}/{crew.id}" if crew.id in taken else crew.id) for crew in closed.crews)
        kits = {kit: host.kits.get(kit, 0) + closed.kits.get(kit, 0) for kit in sorted({*host.kits, *closed.kits})}
        joined = replace(host, crews=(*host.crews, *moved), kits=kits)
        stations = tuple(joined if station.id == host.id else station for station in stations)
    return replace(situation, study=replace(situation.study, stations=stations, candidates=(*situation.study.candidates, closed)))


def _move(situation: Situation, change: MoveStation) -> Situation:
    if isinstance(situation.study.travel, TravelMatrix):
        raise BadInput("a station cannot be moved where travel is a matrix, which knows nothing of the new place; open a candidate instead")
    return _changed(situation, replace(_station(situation, change.station), lat=change.lat, lon=change.lon))


def _set_people(situation: Situation, change: SetPeople) -> Situation:
    station = _station(situation, change.station)
    if change.crew not in {crew.id for crew in station.crews}:
        raise BadInput(f"crew {shown(change.crew)} is not at {shown(station.id)}; known are {_listed(crew.id for crew in station.crews)}")
    crews = tuple(replace(crew, people=change.people) if crew.id == change.crew else crew for crew in station.crews)
    return _changed(situation, replace(station, crews=crews))


def _add_crew(situation: Situation, change: AddCrew) -> Situation:
    station = _station(situation, change.station)
    if change.crew.id in {crew.id for crew in station.crews}:
        raise BadInput(f"crew {shown(change.crew.id)} is at {shown(station.id)} already; give another id, or use set_people")
    return _changed(situation, replace(station, crews=(*station.crews, change.crew)))


def _set_kits(situation: Situation, change: SetKits) -> Situation:
    station = _station(situation, change.station)
    return _changed(situation, replace(station, kits={**station.kits, change.kit: change.count}))


def _promise(situation: Situation, change: SetPromise) -> Situation:
    promise = parse_promise(change.on_site)
    table: ClockTable = situation.policy.clocks
    of_severity: SeverityClocks = getattr(table, change.severity)
    cells: dict[str, Clocks] = {tier: replace(getattr(of_severity, tier), on_site=promise) for tier in TIERS if change.tier in (None, tier)}
    changed = replace(of_severity, **cells, **({"on_site": promise} if change.tier is None else {}))  # type: ignore[arg-type]
    return replace(situation, policy=replace(situation.policy, clocks=replace(table, **{change.severity: changed})))


def _grow(situation: Situation, change: Growth) -> Situation:
    return replace(situation, growth=(*situation.growth, change))


def _new_customer(situation: Situation, change: NewCustomer) -> Situation:
    if change.area.id in {area.id for area in situation.areas}:
        raise BadInput(f"area {shown(change.area.id)} is there already; give another id, or use growth")
    _must_have_a_place(situation.study, change.area)
    return replace(situation, new_customers=(*situation.new_customers, change))


def _slow_roads(situation: Situation, change: SlowRoads) -> Situation:
    return replace(situation, roads=(*situation.roads, change))


def _station(situation: Situation, name: str) -> StudyStation:
    if name not in situation.study.station_by_id:
        raise BadInput(f"station {shown(name)} is not open; open are {_listed(situation.study.station_by_id)}")
    return situation.study.station_by_id[name]


def _changed(situation: Situation, station: StudyStation) -> Situation:
    return _with_stations(situation, tuple(station if other.id == station.id else other for other in situation.study.stations))


def _with_stations(situation: Situation, stations: tuple[StudyStation, ...]) -> Situation:
    return replace(situation, study=replace(situation.study, stations=stations))


def _must_have_a_place(study: Study, thing: StudyStation | Area) -> None:
    if isinstance(study.travel, TravelMatrix) and (thing.place is None or not 0 <= thing.place < len(study.travel.seconds)):
        raise BadInput(f"{shown(thing.id)}: place is {shown(thing.place)}; give its row in the travel matrix")


def _listed(names: Iterable[str]) -> str:
    found = [shown(name) for name in names]
    return ", ".join(found[:20]) + (f" and {len(found) - 20} more" if len(found) > 20 else "") if found else "none"


_APPLY: Mapping[type[Change], Callable[..., Situation]] = {
    OpenStation: _open,
    CloseStation: _close,
    MoveStation: _move,
    SetPeople: _set_people,
    AddCrew: _add_crew,
    SetKits: _set_kits,
    SetPromise: _promise,
    Growth: _grow,
    NewCustomer: _new_customer,
    SlowRoads: _slow_roads,
}
