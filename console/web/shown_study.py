"""Studies as pages show them: read once, whom their stations reach, and what a scenario changes in figures and words."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from threading import Lock
from typing import Any

from fastapi import HTTPException

from config.policies import load_policy
from console.web.study_words import change_words
from console.web.texts import Texts
from console.web.web import Web
from data_models.candidate_sites import usual_crews, usual_kits
from data_models.case import SEVERITIES, GreatCircle
from data_models.people import Person, may
from data_models.policy import ServicePolicy
from data_models.store.scenarios import StudyMark, kept_study, study_mark
from data_models.study import TODAY, Scenario, Study, StudyStation
from optimizer.area_reach import AreaReach, Reach, reach_of
from optimizer.expected_service import ExpectedService, expected_service
from optimizer.scenarios import Situation, under

_KEPT = 4
_PEOPLE = 4  # of a station that is put on the map, half by day and half by night, as `twohour study` gives candidates
_LISTED = 200


@dataclass(frozen=True)
class ShownStudy:
    """A kept study with its policy. What today's stations reach is worked out once."""

    mark: StudyMark
    study: Study
    policy: ServicePolicy

    @cached_property
    def today(self) -> Situation:
        """The company as it is."""
        return under(self.study, TODAY, self.policy)

    @cached_property
    def reach_today(self) -> Reach:
        """Whom today's stations reach."""
        return reach_of(self.today)

    @cached_property
    def expected_today(self) -> ExpectedService:
        """What the formula promises with today's stations."""
        return expected_service(self.today)


class ShownStudies:
    """The studies that were looked at last, read: a study is never changed while it is kept under its number and moment."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._read: OrderedDict[StudyMark, ShownStudy] = OrderedDict()
        self._lock = Lock()

    def of(self, person: Person, number: int) -> ShownStudy:
        """The study of a number.

        Raises
        ------
        NotFound
            There is none.
        HTTPException
            404: it has stations in regions that are not the person's.
        """
        with self._web.store.reading() as session:
            mark = study_mark(session, number)
            with self._lock:
                shown = self._read.get(mark)
            if shown is None:
                study = kept_study(session, mark.name)
                shown = ShownStudy(mark, study, load_policy(study.policy, self._web.settings.policy_dir))
        with self._lock:
            self._read[mark] = shown
            self._read.move_to_end(mark)
            while len(self._read) > _KEPT:
                self._read.popitem(last=False)
        if not may_study(person, shown.study):
            raise HTTPException(404, "this does not exist, or belongs to another region")
        return shown


def may_study(person: Person, study: Study) -> bool:
    """Whether all of a study's stations and areas are in regions where a person may study."""
    places = {*(station.region for station in study.stations), *(area.region for area in study.history.areas)}
    return all(may(person, "study", region) for region in places or {""})


def map_facts(shown: ShownStudy) -> dict[str, Any]:
    """What the script draws of a study whatever the scenario: areas, candidates, and what a new station would get."""
    reach = shown.reach_today
    return {
        "areas": [
            {"id": each.area.id, "name": each.area.name, "at": [each.area.lat, each.area.lon], "tickets": each.tickets}
            for each in reach.areas
        ],
        "candidates": [_place(station) for station in shown.study.candidates],
        "like": asdict(_like(shown)),
        "canPlace": isinstance(shown.study.travel, GreatCircle),
        "today": reach_facts(reach),
        "stations": [_station(station) for station in shown.study.stations],
    }


def reach_facts(reach: Reach) -> list[list[Any]]:
    """By area: 0 reached by road in time, 1 within the radius only, 2 beyond; minutes and km to the nearest station, None for never."""
    return [
        [0 if reach.covers(area, by_road=True) else 1 if reach.covers(area, by_road=False) else 2, _finite(area.minutes), _finite(area.km)]
        for area in reach.areas
    ]


def scenario_facts(shown: ShownStudy, scenario: Scenario, texts: Texts) -> dict[str, Any]:
    """Whom a scenario's stations reach, whom it gains and loses, its figures beside today's, and its changes in words.

    Raises
    ------
    BadInput
        A change does not fit the study.
    """
    situation = under(shown.study, scenario, shown.policy)
    reach, before = reach_of(situation), {area.area.id: area for area in shown.reach_today.areas}
    gained: list[AreaReach] = []
    lost: list[AreaReach] = []
    for area in reach.areas:
        is_reached = reach.covers(area, by_road=True)
        was_reached = area.area.id in before and shown.reach_today.covers(before[area.area.id], by_road=True)
        if is_reached != was_reached:
            (gained if is_reached else lost).append(area)
    new = situation.areas[len(shown.study.history.areas) :]
    return {
        "reach": reach_facts(reach),
        "newAreas": [{"id": area.id, "name": area.name, "at": [area.lat, area.lon], "tickets": 0} for area in new],
        "stations": [_station(station) for station in situation.study.stations],
        "closed": [_place(station) for station in situation.study.candidates],
        "words": words_of(shown, scenario, texts),
        "figures": figures_of(shown, situation, reach, texts),
        "gained": [{"id": each.area.id, "name": each.area.name, "tickets": each.tickets} for each in _most(gained)],
        "lost": [{"id": each.area.id, "name": each.area.name, "tickets": each.tickets} for each in _most(lost)],
        "gainedTickets": sum(each.tickets for each in gained),
        "lostTickets": sum(each.tickets for each in lost),
        "gainedAreas": len(gained),
        "lostAreas": len(lost),
    }


def figures_of(shown: ShownStudy, situation: Situation, reach: Reach, texts: Texts) -> list[dict[str, str]]:
    """The figures on top, each with its difference to today where there is one."""
    was, now, then = shown.study, situation.study, shown.reach_today
    shares = [(reach.share(by_road=way), then.share(by_road=way)) for way in (False, True)]
    names = (
        texts.gettext("Tickets within %(km)s km", km=texts.number(reach.promised_km)),
        texts.gettext("Tickets within %(minutes)s min by road", minutes=texts.number(reach.minutes)),
    )
    people, people_were = (sum(station.people for station in study.stations) for study in (now, was))
    found = [_figure(texts, name, 100 * share, 100 * before, "%", 1) for name, (share, before) in zip(names, shares, strict=True)]
    return [
        *found,
        _figure(texts, texts.gettext("Stations"), len(now.stations), len(was.stations)),
        _figure(texts, texts.gettext("People"), people, people_were),
        _figure(texts, texts.gettext("Cost a year"), now.yearly_cost, was.yearly_cost),
    ]


def formula_figures(shown: ShownStudy, scenario: Scenario, texts: Texts) -> list[dict[str, str]]:
    """Expected shares in time by formula, by severity, each with its difference to today. Raises `BadInput` where a change does not fit."""
    now = expected_service(under(shown.study, scenario, shown.policy))
    before = shown.expected_today
    return [
        _figure(texts, texts.word("severity", severity), 100 * now.in_time[severity], 100 * before.in_time[severity], "%", 1)
        for severity in SEVERITIES
    ]


def words_of(shown: ShownStudy, scenario: Scenario, texts: Texts) -> list[str]:
    """Its changes in words; names of stations are those of the study and of the scenario's own."""
    names: Mapping[str, str] = {station.id: station.name for station in (*shown.study.stations, *shown.study.candidates)} | {
        change.new.id: change.new.name for change in scenario.changes if change.kind == "open_station" and change.new is not None
    }
    return [change_words(change, names, texts) for change in scenario.changes]


def _like(shown: ShownStudy) -> StudyStation:
    """What a station on the map gets: as a candidate where there is one, else usual crews at what people and stations cost today."""
    if shown.study.candidates:
        return replace(shown.study.candidates[0], id="", name="", lat=0.0, lon=0.0, region="", place=None)
    stations = shown.study.stations
    crews = [crew for station in stations for crew in station.crews if crew.people]
    people = sum(crew.people for crew in crews)
    each = sum(crew.people * crew.yearly_cost_each for crew in crews) / people if people else 0.0
    cost = sum(station.yearly_cost for station in stations) / len(stations) if stations else 0.0
    return StudyStation("", "", 0.0, 0.0, usual_kits(shown.policy), usual_crews(shown.policy, _PEOPLE, each), cost)


def _place(station: StudyStation) -> dict[str, Any]:
    return {"id": station.id, "name": station.name, "at": [station.lat, station.lon]}


def _station(station: StudyStation) -> dict[str, Any]:
    crews = [{"id": crew.id, "people": crew.people} for crew in station.crews]
    return _place(station) | {"crews": crews, "kits": dict(station.kits), "people": station.people}


def _figure(texts: Texts, name: str, now: float, before: float, unit: str = "", digits: int = 0) -> dict[str, str]:
    difference = round(now - before, digits)
    sign = "+" if difference > 0 else "−"
    return {
        "name": name,
        "value": texts.number(now, digits) + unit,
        "delta": sign + texts.number(abs(difference), digits) if difference else "",
    }


def _most(areas: list[AreaReach]) -> list[AreaReach]:
    return sorted(areas, key=lambda each: (-each.tickets, each.area.id))[:_LISTED]


def _finite(value: float) -> float | None:
    return round(value, 1) if value < 1e9 else None
