"""Cases and plans survive a round trip through their files, and nothing that a file can hold breaks the reader or the judges."""

import copy
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_models.case import (
    SEVERITIES,
    TIERS,
    Break,
    Case,
    Commitment,
    GreatCircle,
    OutAt,
    Rates,
    Shift,
    Station,
    Technician,
    Ticket,
    TimeWindow,
    TravelMatrix,
)
from data_models.case_files import case_json, parse_case, parse_plan, plan_json
from data_models.errors import BadInput
from data_models.plan import BreakTaken, Plan, Route, SolverFacts, Stop, Unassigned
from optimizer.check import check
from optimizer.score import score

FIXTURES = Path(__file__).parents[1] / "fixtures"
CASE = json.loads((FIXTURES / "four-ticket-day.json").read_text(encoding="utf-8"))
PLAN = json.loads((FIXTURES / "four-ticket-day-plan.json").read_text(encoding="utf-8"))
Json = dict[str, Any]

# Round trips.

names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
ids = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=5).filter(str.strip)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(1971, 1, 1), datetime(2198, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
moments = st.builds(lambda time, offset: time.astimezone(offset), times, offsets)
money = st.floats(0, 1e12)
minutes = st.floats(0, 500_000)
lats, lons = st.floats(-90, 90), st.floats(-180, 180)
levels = st.dictionaries(ids, st.integers(1, 3), max_size=2)
kit_lists = st.lists(ids, max_size=2, unique=True).map(tuple)


def in_order(first: datetime, second: datetime) -> tuple[datetime, datetime]:
    return min(first, second), max(first, second) + timedelta(seconds=1)


spells = st.builds(in_order, moments, moments)
breaks = st.builds(lambda spell, length: Break(*spell, length), spells, minutes)
shifts = st.builds(lambda spell, extra, rests: Shift(*spell, extra, tuple(rests)), spells, minutes, st.lists(breaks, max_size=2))


stations = st.builds(Station, ids, names, lats, lons, st.dictionaries(ids, st.integers(0, 9), max_size=2), st.just(0))
outs = st.none() | st.builds(OutAt, lats, lons, moments, kit_lists, st.just(0))
rates = st.builds(Rates, money, money, money, money)
matrices = st.sampled_from([0.0, 7.5, math.inf]).map(lambda entry: TravelMatrix("matrix", ((entry,),), ((entry,),)))
travels = st.builds(GreatCircle, st.just("great_circle"), st.floats(1, 2), st.floats(1, 120)) | matrices
windows = st.lists(spells.map(lambda spell: TimeWindow(*spell)), max_size=2).map(tuple)


def some(item: st.SearchStrategy[Any], least: int = 0, key: str = "id") -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(item, min_size=least, max_size=3, unique_by=lambda made: getattr(made, key)).map(tuple)


def tickets_for(people: st.SearchStrategy[tuple[str, ...]]) -> st.SearchStrategy[Ticket]:
    def ticket(spell: tuple[datetime, datetime], costs: tuple[float, float, float], **fields: Any) -> Ticket:
        opened_at, due = spell
        miss, late, skip = costs
        return Ticket(opened_at=opened_at, due=due, miss_cost=miss, late_cost_per_hour=late, skip_cost=skip, place=0, **fields)

    return st.builds(
        ticket,
        spells,
        st.tuples(money, money, money),
        id=ids,
        lat=lats,
        lon=lons,
        severity=st.sampled_from(SEVERITIES),
        tier=st.sampled_from(TIERS),
        service_minutes=minutes,
        skills=levels,
        kits=kit_lists,
        load=money,
        crew=st.integers(1, 3),
        not_before=st.none() | moments,
        windows=windows,
        only=people,
        banned=people,
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    homes = draw(some(stations, least=1))
    station_ids = st.sampled_from([station.id for station in homes])
    work = st.lists(shifts, max_size=1).map(tuple)
    technicians = draw(some(st.builds(Technician, ids, names, station_ids, levels, work, st.none() | money, outs), least=1))
    people = st.lists(st.sampled_from([man.id for man in technicians]), max_size=2, unique=True).map(tuple)
    crews = st.sampled_from([(man.id,) for man in technicians])
    tickets = draw(some(tickets_for(people)))
    promised = st.sampled_from([ticket.id for ticket in tickets]) if tickets else st.nothing()
    committed = draw(some(st.builds(Commitment, promised, crews, st.booleans()), key="ticket")) if tickets else ()
    return Case(draw(names), draw(moments), draw(travels), homes, technicians, tickets, draw(rates), committed)


numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)
solver_facts = st.builds(
    SolverFacts, numbers, numbers, numbers, numbers, st.none() | st.integers(0, 2**62), st.none() | st.integers(0, 2**62)
)
routes = st.builds(
    Route, names, st.integers(-1, 3), moments, st.lists(st.builds(Stop, names, moments, moments, moments), max_size=3).map(tuple), moments,
    kit_lists, st.lists(st.builds(BreakTaken, moments, moments), max_size=2).map(tuple),
)  # fmt: skip
unassigned = st.builds(Unassigned, names, st.lists(names, max_size=2).map(tuple))
plans = st.builds(
    Plan, names, st.lists(routes, max_size=3).map(tuple), st.lists(unassigned, max_size=2).map(tuple), st.none() | solver_facts
)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(cases())
def test_a_case_written_and_read_is_the_same_case(case: Case) -> None:
    assert parse_case(case_json(case)) == case


@settings(max_examples=60)
@given(plans)
def test_a_plan_written_and_read_is_the_same_plan(plan: Plan) -> None:
    assert parse_plan(plan_json(plan)) == plan


# Whatever a file holds, it is read or it is bad input.

numbers_gone_wrong = st.sampled_from([1e308, -1e308, 10**400]) | st.integers(-3, 3) | st.integers() | st.floats()
texts_gone_wrong = st.sampled_from(
    ["", " ", "\0", "\ud800", "W1", "T1", "S1", "=1+1", "<script>", "tomorrow", "2026-03-02T08:00:00", "9999-12-31T23:59:59-12:00"]
)
scalars = st.none() | st.booleans() | numbers_gone_wrong | texts_gone_wrong | st.text(max_size=5)
weird = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "kind", "start", "x"]), inner, max_size=3)
)


def spots(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON value."""
    if not isinstance(value, (dict, list)):
        return []
    keys = list(value) if isinstance(value, dict) else range(len(value))
    return [(value, key) for key in keys] + [spot for key in keys for spot in spots(value[key])]


@st.composite
def damaged(draw: st.DrawFn, document: Json) -> Json:
    """A valid document with one to three places dropped, replaced, added to, repeated or exchanged."""
    changed = {"document": copy.deepcopy(document)}
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(spots(changed)))
        change = draw(st.sampled_from(["drop", "replace", "replace", "add", "repeat", "exchange"]))
        if change == "drop" and container is not changed:
            del container[key]
        elif change == "add" and isinstance(container[key], dict):
            container[key][draw(st.sampled_from(["extra", "place", "start", "windows", "breaks", "capacity"]))] = draw(weird)
        elif change == "repeat" and isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
        elif change == "exchange":
            other, there = draw(st.sampled_from(spots(changed)))
            container[key] = copy.deepcopy(other[there])
        else:
            container[key] = draw(weird)
    return changed["document"]


def read_or_refused(parse: Callable[[str], Any], document: object) -> Any:
    """The fact, or None when it was refused with at least one sentence; anything else escapes."""
    try:
        return parse(json.dumps(document))
    except BadInput as error:
        problems = error.problems
    assert problems
    assert all(problem.isprintable() for problem in problems)
    return None


GREAT_CIRCLE_CASE = CASE | {"travel": {"kind": "great_circle", "detour": 1.3, "speed_kmh": 70}}


@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(damaged(CASE) | damaged(GREAT_CIRCLE_CASE), damaged(PLAN) | st.just(PLAN), st.booleans())
def test_a_damaged_file_is_refused_or_judged_but_never_breaks_anything(case: object, plan: object, replay: bool) -> None:
    facts, planned = read_or_refused(parse_case, case), read_or_refused(parse_plan, plan)

    for known in (facts, parse_case(json.dumps(CASE))):
        if known is not None and planned is not None:
            assert all(violation.what for violation in check(known, planned, replay=replay))
            assert not math.isnan(score(known, planned).cost.total)
    if facts is not None:
        assert parse_case(case_json(facts)) == facts


@settings(max_examples=100)
@given(st.text(max_size=40) | st.binary(max_size=40) | weird.map(json.dumps))
def test_any_text_is_refused(text: str | bytes) -> None:
    for parse in (parse_case, parse_plan):
        with pytest.raises(BadInput):
            parse(text)
