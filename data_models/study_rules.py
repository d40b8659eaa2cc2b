"""What a study and a scenario must keep beyond the types of their fields; each broken rule is a sentence with its remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import time
from zoneinfo import ZoneInfo

from data_models.case import SEVERITIES, GreatCircle
from data_models.expected import Area, history_problems
from data_models.promises import parse_promise
from data_models.reading import shown
from data_models.study import (
    AddCrew,
    Change,
    CrewFacts,
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

MOST_PEOPLE = 1000
MOST_GROWTH = 100.0


def study_problems(study: Study) -> list[str]:
    """What is wrong with a study; nothing when it may be trusted."""
    return list(_study(study))


def scenario_problems(scenario: Scenario) -> list[str]:
    """What is wrong with a scenario, whatever study it is for."""
    found = [] if scenario.name.strip() else [f"name is {shown(scenario.name)}; give the scenario a name"]
    for index, change in enumerate(scenario.changes):
        found += [f"changes[{index}] ({change.kind}): {sentence}" for sentence in _change(change)]
    return found


def _study(study: Study) -> Iterator[str]:
    try:
        ZoneInfo(study.zone)
    except (KeyError, OSError, ValueError):
        yield f'zone is {shown(study.zone)}; give an IANA name such as "Asia/Shanghai"'
    if not study.stations and not study.candidates:
        yield "stations and candidates are both empty; give at least one station"
    stations = (*study.stations, *study.candidates)
    for name, times in Counter(station.id for station in stations).items():
        if times > 1:
            yield f"station {shown(name)} stands among stations and candidates {times} times; keep one"
    for station in stations:
        yield from (f"station {shown(station.id)}: {sentence}" for sentence in _station(station))
    yield from history_problems(study.history)
    yield from _places(study)


def _places(study: Study) -> Iterator[str]:
    """Great circles need a speed; with a matrix, everything has a place in it."""
    if isinstance(study.travel, GreatCircle):
        if study.travel.speed_kmh <= 0 or study.travel.detour < 1:
            yield f"travel has speed_kmh {study.travel.speed_kmh:g} and detour {study.travel.detour:g}; give above 0 and at least 1"
        return
    size = len(study.travel.seconds)
    if any(len(row) != size for row in study.travel.seconds) or [len(row) for row in study.travel.metres] != [size] * size:
        yield f"travel is no square matrix of seconds and one of metres for {size} places; give both whole"
    located: Iterable[StudyStation | Area] = (*study.stations, *study.candidates, *study.history.areas)
    for thing in located:
        if thing.place is None or not 0 <= thing.place < size:
            yield f"{shown(thing.id)}: place is {shown(thing.place)}; with a travel matrix give its row, 0 to {size - 1}"


def _station(station: StudyStation) -> Iterator[str]:
    if not (abs(station.lat) <= 90 and abs(station.lon) <= 180):
        yield f"lies at {station.lat}, {station.lon}; give degrees of latitude and longitude"
    if station.yearly_cost < 0:
        yield f"yearly_cost is {station.yearly_cost:g}; give 0 or more"
    for kit, count in station.kits.items():
        if count < 0:
            yield f"kits of {shown(kit)} are {count}; give 0 or more"
    for name, times in Counter(crew.id for crew in station.crews).items():
        if times > 1:
            yield f"crew {shown(name)} stands in it {times} times; keep one"
    for crew in station.crews:
        yield from (f"crew {shown(crew.id)}: {sentence}" for sentence in _crew(crew))


def _crew(crew: CrewFacts) -> Iterator[str]:
    if not 0 <= crew.people <= MOST_PEOPLE:
        yield f"people is {crew.people}; give 0 to {MOST_PEOPLE}"
    if crew.yearly_cost_each < 0:
        yield f"yearly_cost_each is {crew.yearly_cost_each:g}; give 0 or more"
    for skill, level in crew.skills.items():
        if level not in (1, 2, 3):
            yield f"skill {shown(skill)} is {level}; give a level from 1 to 3"
    for shift in crew.shifts:
        try:
            time.fromisoformat(shift.begins)
        except ValueError:
            yield f'a shift begins at {shown(shift.begins)}; give a time such as "08:00"'
        if not 0 < shift.hours <= 24:
            yield f"a shift lasts {shift.hours:g} hours; give more than 0 and at most 24"
        if not shift.days or any(day not in range(1, 8) for day in shift.days):
            yield f"a shift has days {list(shift.days)}; give numbers from 1, Monday, to 7, Sunday"
        if shift.overtime_minutes < 0:
            yield f"a shift has {shift.overtime_minutes:g} minutes of overtime; give 0 or more"


def _change(change: Change) -> Iterator[str]:
    match change:
        case OpenStation(station=name, new=new):
            if bool(name) == (new is not None):
                yield "give either station, the id of a candidate, or new, a whole station"
            if new is not None:
                yield from _station(new)
        case MoveStation(lat=lat, lon=lon) if not (abs(lat) <= 90 and abs(lon) <= 180):
            yield f"moves to {lat}, {lon}; give degrees of latitude and longitude"
        case SetPeople(people=people) if not 0 <= people <= MOST_PEOPLE:
            yield f"people is {people}; give 0 to {MOST_PEOPLE}"
        case AddCrew(crew=crew):
            yield from _crew(crew)
        case SetKits(count=count) if count < 0:
            yield f"count is {count}; give 0 or more"
        case SetPromise(on_site=text):
            yield from _promise(text)
        case Growth(factor=factor) if not 0 <= factor <= MOST_GROWTH:
            yield f"factor is {factor:g}; give 0 to {MOST_GROWTH:g}, where 1 is as many as today"
        case NewCustomer(area=area, per_year=per_year):
            if not (abs(area.lat) <= 90 and abs(area.lon) <= 180):
                yield f"area {shown(area.id)} lies at {area.lat}, {area.lon}; give degrees of latitude and longitude"
            for severity, tickets in per_year.items():
                if severity not in SEVERITIES or not 0 <= tickets <= 1e6:
                    yield f"per_year of {shown(severity)} is {tickets:g}; give {', '.join(SEVERITIES)} and 0 or more"
        case SlowRoads(km=km, factor=slower):
            if km <= 0 or (slower is not None and slower <= 0):
                yield f"km is {km:g} and factor {shown(slower)}; give both above 0, or no factor where nobody can drive"


def _promise(text: str) -> Iterator[str]:
    try:
        if parse_promise(text).counts == "nothing":
            yield 'on_site is "none"; give how soon somebody must be there'
    except ValueError as error:
        yield f"on_site is {shown(text)}; {error}"
