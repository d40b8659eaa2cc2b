"""A planner's study: the company as it is, what happened to it, what could be opened, and scenarios that change it.

Facts only, mirroring the files `study/1` and `scenario/1` field by field (docs/studio.md). People are described by crews and the
hours that these keep, not by name: a study asks how many are needed where, not who.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from functools import cached_property
from typing import Literal

from data_models.case import GreatCircle, Rates, Severity, Tier, TravelMatrix
from data_models.expected import Area, History

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


@dataclass(frozen=True)
class DailyShift:
    """Hours that a crew keeps: from `begins` ("HH:MM", local) for `hours`, on days of the week from 1, Monday, to 7."""

    begins: str
    hours: float
    days: tuple[int, ...] = EVERY_DAY
    overtime_minutes: float = 0.0

    @property
    def begins_at(self) -> time:
        """The time of the day at which it begins."""
        return time.fromisoformat(self.begins)

    @property
    def length(self) -> timedelta:
        """How long it lasts, overtime left aside."""
        return timedelta(hours=self.hours)


@dataclass(frozen=True)
class CrewFacts:
    """People of a station with the same skills and hours; `yearly_cost_each` is what one of them costs a year."""

    id: str
    people: int
    skills: Mapping[str, int]
    shifts: tuple[DailyShift, ...]
    yearly_cost_each: float = 0.0
    capacity: float | None = None


@dataclass(frozen=True)
class StudyStation:
    """A station, open or possible; `yearly_cost` is the building's and its kits', without people."""

    id: str
    name: str
    lat: float
    lon: float
    kits: Mapping[str, int] = field(default_factory=dict)
    crews: tuple[CrewFacts, ...] = ()
    yearly_cost: float = 0.0
    region: str = ""
    place: int | None = None

    @property
    def people(self) -> int:
        """How many work here."""
        return sum(crew.people for crew in self.crews)

    @property
    def cost_with_people(self) -> float:
        """What the station costs a year with everybody in it."""
        return self.yearly_cost + sum(crew.people * crew.yearly_cost_each for crew in self.crews)


@dataclass(frozen=True)
class Study:
    """What planners begin with.

    Attributes
    ----------
    stations
        Those that are open today.
    candidates
        Those that could be opened, each with the crews and kits that it would get.
    history
        What happened where; its areas are the demand points.
    policy
        Name of the service policy that says what is promised and what failing costs.
    zone
        IANA name of the time zone of hours and days.
    """

    name: str
    zone: str
    policy: str
    stations: tuple[StudyStation, ...]
    history: History
    travel: GreatCircle | TravelMatrix
    candidates: tuple[StudyStation, ...] = ()
    rates: Rates = Rates()  # noqa: RUF009 - frozen
    format: Literal["study/1"] = "study/1"

    @cached_property
    def station_by_id(self) -> dict[str, StudyStation]:
        """Open stations by id."""
        return {station.id: station for station in self.stations}

    @cached_property
    def candidate_by_id(self) -> dict[str, StudyStation]:
        """Possible stations by id."""
        return {station.id: station for station in self.candidates}

    @cached_property
    def area_by_id(self) -> dict[str, Area]:
        """Areas by id."""
        return {area.id: area for area in self.history.areas}

    @property
    def yearly_cost(self) -> float:
        """What all that is open costs a year."""
        return sum(station.cost_with_people for station in self.stations)


@dataclass(frozen=True)
class OpenStation:
    """A station is opened: a candidate of the study by its id, or a new one in full."""

    station: str = ""
    new: StudyStation | None = None
    kind: Literal["open_station"] = "open_station"


@dataclass(frozen=True)
class CloseStation:
    """A station is closed; its people and kits go to `people_to`, or nowhere."""

    station: str
    people_to: str = ""
    kind: Literal["close_station"] = "close_station"


@dataclass(frozen=True)
class MoveStation:
    """A station moves with all that it has."""

    station: str
    lat: float
    lon: float
    kind: Literal["move_station"] = "move_station"


@dataclass(frozen=True)
class SetPeople:
    """A crew of a station has this many people."""

    station: str
    crew: str
    people: int
    kind: Literal["set_people"] = "set_people"


@dataclass(frozen=True)
class AddCrew:
    """A station gets a crew of its own hours and skills."""

    station: str
    crew: CrewFacts
    kind: Literal["add_crew"] = "add_crew"


@dataclass(frozen=True)
class SetKits:
    """A station owns this many kits of a type."""

    station: str
    kit: str
    count: int
    kind: Literal["set_kits"] = "set_kits"


@dataclass(frozen=True)
class SetPromise:
    """Another promise on site ("1 h", see docs/policies.md) for a severity; for one tier of it, or for all."""

    severity: Severity
    on_site: str
    tier: Tier | None = None
    kind: Literal["promise"] = "promise"


@dataclass(frozen=True)
class Growth:
    """Tickets become `factor` times as many; empty and None are everywhere, of every severity, of every product."""

    factor: float
    region: str = ""
    severity: Severity | None = None
    product: str = ""
    kind: Literal["growth"] = "growth"


@dataclass(frozen=True)
class NewCustomer:
    """A customer where there was none, with so many tickets of each severity a year."""

    area: Area
    per_year: Mapping[str, float]
    kind: Literal["new_customer"] = "new_customer"


@dataclass(frozen=True)
class SlowRoads:
    """Drives that begin or end within `km` of a place take `factor` times as long; None: the place is cut off."""

    lat: float
    lon: float
    km: float
    factor: float | None = None
    kind: Literal["slow_roads"] = "slow_roads"


Change = OpenStation | CloseStation | MoveStation | SetPeople | AddCrew | SetKits | SetPromise | Growth | NewCustomer | SlowRoads


@dataclass(frozen=True)
class Scenario:
    """A named list of changes to what is; none: today."""

    name: str
    changes: tuple[Change, ...] = ()
    note: str = ""
    format: Literal["scenario/1"] = "scenario/1"


TODAY = Scenario("today")
