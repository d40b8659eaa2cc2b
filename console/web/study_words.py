"""Changes of a scenario in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping

from console.web.texts import Texts
from data_models.study import (
    AddCrew,
    Change,
    CloseStation,
    Growth,
    MoveStation,
    NewCustomer,
    OpenStation,
    SetKits,
    SetPeople,
    SetPromise,
    SlowRoads,
)


def change_words(change: Change, names: Mapping[str, str], texts: Texts) -> str:
    """One change as a sentence; `names` has stations by id. What it says is text, to be escaped like any other."""

    def name(station: str) -> str:
        return names.get(station) or station

    match change:
        case OpenStation(new=new) if new is not None:
            return texts.gettext("new station %(name)s at %(place)s", name=new.name or new.id, place=_place(new.lat, new.lon))
        case OpenStation(station=station):
            return texts.gettext("open %(name)s", name=name(station))
        case CloseStation(station=station, people_to=host) if host:
            return texts.gettext("close %(name)s; its people and kits go to %(host)s", name=name(station), host=name(host))
        case CloseStation(station=station):
            return texts.gettext("close %(name)s", name=name(station))
        case MoveStation():
            return texts.gettext("move %(name)s to %(place)s", name=name(change.station), place=_place(change.lat, change.lon))
        case SetPeople():
            return texts.gettext(
                "%(name)s, crew %(crew)s: %(people)s people", name=name(change.station), crew=change.crew, people=change.people
            )
        case AddCrew():
            crew = change.crew
            return texts.gettext(
                "%(name)s: another crew %(crew)s of %(people)s people", name=name(change.station), crew=crew.id, people=crew.people
            )
        case SetKits():
            return texts.gettext("%(name)s: %(count)s kits %(kit)s", name=name(change.station), count=change.count, kit=change.kit)
        case _:
            return _policy_words(change, texts)


def _policy_words(change: Change, texts: Texts) -> str:
    match change:
        case SetPromise(severity=severity, tier=tier):
            whom = texts.word("severity", severity)
            if tier is not None:
                return texts.gettext(
                    "promise for %(severity)s, tier %(tier)s: %(promise)s", severity=whom, tier=tier, promise=change.on_site
                )
            return texts.gettext("promise for %(severity)s: %(promise)s", severity=whom, promise=change.on_site)
        case Growth(factor=factor):
            parts = (change.region, texts.word("severity", change.severity) if change.severity else "", change.product)
            whom = texts.listed(part for part in parts if part)
            return texts.gettext("tickets × %(factor)s (%(whom)s)", factor=f"{factor:g}", whom=whom or texts.gettext("all"))
        case NewCustomer(area=area):
            return texts.gettext("new customer %(name)s at %(place)s", name=area.name or area.id, place=_place(area.lat, area.lon))
        case SlowRoads(factor=slower):
            place, km = _place(change.lat, change.lon), f"{change.km:g}"
            if slower is None:
                return texts.gettext("no road within %(km)s km of %(place)s", km=km, place=place)
            return texts.gettext(
                "drives within %(km)s km of %(place)s take %(factor)s times as long", km=km, place=place, factor=f"{slower:g}"
            )
        case _:
            return change.kind


def _place(lat: float, lon: float) -> str:
    return f"{lat:.3f}, {lon:.3f}"
