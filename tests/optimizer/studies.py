"""Studies small enough to be worked by hand: places on a line, where position is minutes of driving."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from config.policies import load_policy
from data_models.case import Rates, TravelMatrix
from data_models.expected import Area, History, PastTicket
from data_models.policy import ServicePolicy
from data_models.study import TODAY, CrewFacts, DailyShift, Scenario, Study, StudyStation
from optimizer.scenarios import Situation, under

MONDAY = datetime(2025, 3, 3, tzinfo=UTC)
ROUND_THE_CLOCK = (DailyShift("00:00", 24.0),)
POLICY: ServicePolicy = load_policy("ethanol")
"""On site within 2 h of an emergency; an hour's work unless a ticket says otherwise."""


def crew(name: str = "crew", people: int = 1, shifts: tuple[DailyShift, ...] = ROUND_THE_CLOCK, cost: float = 0.0) -> CrewFacts:
    return CrewFacts(name, people, {}, shifts, cost)


def line_study(
    stations: dict[str, int],
    areas: dict[str, int],
    tickets: Sequence[tuple[str, float]],
    *,
    candidates: Sequence[str] = (),
    days: int = 7,
    work: float = 60.0,
    rates: Rates = Rates(),  # noqa: B008 - frozen
    crews: tuple[CrewFacts, ...] | None = None,
) -> Study:
    """Stations and areas by position in minutes; tickets are emergencies as (area, hours after Monday 00:00 UTC)."""
    positions = [*stations.values(), *areas.values()]
    seconds = tuple(tuple(60.0 * abs(a - b) for b in positions) for a in positions)
    metres = tuple(tuple(1000.0 * abs(a - b) for b in positions) for a in positions)
    made = [
        StudyStation(name, name, 0.0, 0.0, {}, (crew(),) if crews is None else crews, 100.0, place=number)
        for number, name in enumerate(stations)
    ]
    places = tuple(Area(name, name, 0.0, 0.0, place=len(stations) + number) for number, name in enumerate(areas))
    past = tuple(PastTicket(area, MONDAY + timedelta(hours=hours), service_minutes=work) for area, hours in tickets)
    return Study(
        "line",
        "UTC",
        "ethanol",
        tuple(station for station in made if station.id not in candidates),
        History(MONDAY, MONDAY + timedelta(days=days), places, past),
        TravelMatrix("matrix", seconds, metres),
        tuple(station for station in made if station.id in candidates),
        rates,
    )


def today(study: Study) -> Situation:
    return under(study, TODAY, POLICY)


def with_changes(study: Study, *changes: object) -> Situation:
    return under(study, Scenario("changed", tuple(changes)), POLICY)  # type: ignore[arg-type]
