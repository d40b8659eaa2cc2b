"""Readiness as a use case: what a plan leaves for emergencies, of files or of the store, with where people who wait would best stand."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from data_models.case import Case, TravelMatrix
from data_models.datum import Point
from data_models.errors import BadInput, NotFound
from data_models.expected import ExpectedEmergencies, expected_emergencies
from data_models.plan import Plan
from data_models.snapshot import case_places
from data_models.store import Store, latest_plan, published_plan
from data_models.store.past import past_emergencies
from flows.dispatch import read_plan, travel_provider
from optimizer.readiness import Readiness, StandBy, readiness, stand_by

if TYPE_CHECKING:
    from config.settings import Settings
    from data_models.travel.provider import TravelProvider

HISTORY_DAYS = 365.0


@dataclass(frozen=True, eq=False)
class Prepared:
    """Readiness of a plan with a stand-by answer for each hour in which somebody waits; `plan` is its number in the store."""

    case: Case
    expected: ExpectedEmergencies
    readiness: Readiness
    stand_by: tuple[StandBy, ...]
    plan: int | None = None


def prepared(
    case: Case,
    plan: Plan,
    expected: ExpectedEmergencies,
    *,
    promise_minutes: float,
    hours: int = 24,
    busy: float | None = None,
    number: int | None = None,
) -> Prepared:
    """Readiness hour by hour, and stand-by suggestions for each. Raises as `optimizer.readiness.readiness`."""
    found = readiness(case, plan, expected, promise_minutes=promise_minutes, hours=hours, busy=busy)
    moments = [hour.begins_at for hour in found.hours]
    places = tuple(stand_by(case, plan, expected, at, promise_minutes=promise_minutes, busy=found.busy) for at in moments)
    return Prepared(case, expected, found, places, number)


def plan_readiness(
    store: Store,
    settings: Settings,
    number: int | None = None,
    *,
    days: float = HISTORY_DAYS,
    promise_minutes: float | None = None,
    hours: int = 24,
    busy: float | None = None,
) -> Prepared:
    """Readiness of a kept plan, by default the published one or else the one made last, with the store's history before it.

    Parameters
    ----------
    days
        How far back the history reaches.
    promise_minutes
        None: the settings' `standard_minutes`.

    Raises
    ------
    NotFound
        There is no such plan, or none at all.
    Unavailable
        The case has road times and the road server does not answer.
    """
    region = settings.region
    if number is None:
        with store.reading() as session:
            row = published_plan(session, region) or latest_plan(session, region)
            number = None if row is None else row.id
        if number is None:
            raise NotFound("there is no plan yet; make one with: twohour plan")
    kept = read_plan(store, number)
    case = kept.snapshot.case
    with store.reading() as session:
        history = past_emergencies(session, case.now.astimezone(UTC), days, region)
    expected = expected_emergencies(history, case.now, ZoneInfo(settings.timezone), region)
    if isinstance(case.travel, TravelMatrix):
        case, expected = with_area_travel(case, expected, travel_provider(store, settings))
    promise = settings.standard_minutes if promise_minutes is None else promise_minutes
    return prepared(case, kept.judged.plan, expected, promise_minutes=promise, hours=hours, busy=busy, number=number)


def with_area_travel(case: Case, expected: ExpectedEmergencies, provider: TravelProvider) -> tuple[Case, ExpectedEmergencies]:
    """A case whose matrix also leads to the areas, and the areas with their places in it; drives from an area home are not asked for."""
    given = case.travel
    places = case_places(case)
    if not isinstance(given, TravelMatrix) or len(given.seconds) != len(places):
        raise BadInput(f"Case {case.name}: its travel matrix is not one of its own places; plan again to get one that is")
    if not expected.areas:
        return case, expected
    points = [Point(each.area.lat, each.area.lon) for each in expected.areas]
    times = provider.table([*places, *points], points)
    n, none = len(places), (math.inf,) * len(places)
    seconds, metres = times.seconds.tolist(), times.metres.tolist()
    wide = TravelMatrix(
        "matrix",
        tuple((*(given.seconds[i] if i < n else none), *row) for i, row in enumerate(seconds)),
        tuple((*(given.metres[i] if i < n else none), *row) for i, row in enumerate(metres)),
    )
    areas = tuple(replace(each, area=replace(each.area, place=n + i)) for i, each in enumerate(expected.areas))
    return replace(case, travel=wide), replace(expected, areas=areas)


def readiness_facts(found: Prepared) -> dict[str, Any]:
    """All of it as plain values, for JSON."""
    ready, expected = found.readiness, found.expected
    lost = ready.lost
    return {
        "plan": found.plan,
        "case": found.case.name,
        "promise_minutes": ready.promise_minutes,
        "busy": ready.busy,
        "emergencies": ready.emergencies,
        "answered": ready.answered,
        "history": {
            "days": expected.days,
            "emergencies": expected.seen,
            "per_day": expected.per_day,
            "spread_per_day": expected.spread_per_day,
        },
        "hours": [_hour(found, index) for index in range(len(ready.hours))],
        "areas": [
            {
                "id": each.area.id,
                "name": each.area.name,
                "seen": each.seen,
                "per_day": math.fsum(each.per_hour),
                "spread_per_day": math.fsum(each.spread_per_hour),
                "emergencies": float(ready.rate[:, column].sum()),
                "answered": float((ready.rate[:, column] * ready.covered[:, column]).sum()),
                "lost": lost[each.area.id],
            }
            for column, each in enumerate(expected.areas)
        ],
    }


def _hour(found: Prepared, index: int) -> dict[str, Any]:
    facts = asdict(found.readiness.hours[index])
    places = asdict(found.stand_by[index])
    return {**facts, "stand_by": {name: value for name, value in places.items() if name != "at"}}
