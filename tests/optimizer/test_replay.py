"""Days over again: what happens when tickets appear one by one, worked by hand, and what every replay keeps."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from data_models.case import Rates
from data_models.case_files import plan_json
from data_models.plan import Plan
from optimizer.chance_draws import Spread
from optimizer.check import check
from optimizer.insertion import LocksCannotHold
from optimizer.replay import POLICIES, replay
from optimizer.replay_draws import drawn
from optimizer.result import Stop
from optimizer.score import score
from tests.optimizer.days import random_day

EACH = Stop(iterations=200)


def minutes(day, plan: Plan) -> dict[str, list[tuple[str, float]]]:
    """By technician: (ticket, minutes after 08:00 at which work starts), in order."""
    routes = sorted(plan.routes, key=lambda route: route.depart)
    found: dict[str, list[tuple[str, float]]] = {}
    for route in routes:
        found.setdefault(route.technician, []).extend((s.ticket, (s.start - day.at(0)).total_seconds() / 60) for s in route.stops)
    return found


@pytest.mark.parametrize("policy", POLICIES)
def test_nobody_sets_out_before_a_ticket_is_opened(line_day, policy) -> None:
    # One technician at 0; a ticket at 30 opens at 60 min: there at 60 + 30 = 90, home at 90 + 30 + 30 = 150.
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("x", 30, opened=60)
    plan = replay(line_day.case(), policy, each=EACH).plan
    assert minutes(line_day, plan) == {"A": [("x", 90)]}
    assert plan.routes[0].depart == line_day.at(60)


@pytest.mark.parametrize("policy", POLICIES)
def test_who_is_done_waits_where_they_are_and_is_sent_on_from_there(line_day, policy) -> None:
    # x at 30: there at 30, done at 60. y at 40 opens at 100: 10 min from x, there at 110 (from home it would be 140).
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("x", 30)
    line_day.ticket("y", 40, opened=100)
    assert minutes(line_day, replay(line_day.case(), policy, each=EACH).plan) == {"A": [("x", 30), ("y", 110)]}


@pytest.mark.parametrize("policy", ["triage", "optimize"])
def test_an_emergency_goes_before_what_has_not_begun(line_day, policy) -> None:
    # A drives to x (at 20, due 20) until 20, works until 50; y (at 40, due 480) waits. At 30 the emergency e opens at 10, due 70:
    # from x 10 min, there at 60, in time; y after it at 60 + 30 + 30 = 120.
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("x", 20, due=20)
    line_day.ticket("y", 40, skip_cost=9000.0)
    line_day.ticket("e", 10, opened=30, due=70, late_cost_per_hour=6000.0)
    case = line_day.case()
    case = replace(case, tickets=tuple(replace(t, severity="emergency") if t.id == "e" else t for t in case.tickets))
    assert minutes(line_day, replay(case, policy, each=EACH).plan) == {"A": [("x", 20), ("e", 60), ("y", 120)]}


def test_for_nearest_what_people_were_told_stands(line_day) -> None:
    # The same day: y is told before e, so e comes last: y at 50 + 20 = 70, done at 100, e at 100 + 30 = 130.
    line_day.station("S")
    line_day.technician("A")
    line_day.ticket("x", 20)
    line_day.ticket("y", 40)
    line_day.ticket("e", 10, opened=30, due=70)
    assert minutes(line_day, replay(line_day.case(), "nearest", each=EACH).plan) == {"A": [("x", 20), ("y", 70), ("e", 130)]}


@pytest.mark.parametrize("policy", POLICIES)
def test_the_only_kit_comes_home_before_it_goes_out_again(line_day, policy) -> None:
    # The kit is out with A to x (at 30, done at 60). y at -30 needs it too, only B may go: A leaves x at 60, is home at 90;
    # B departs at 90 and is there at 120.
    line_day.station("S", k=1)
    line_day.technician("A")
    line_day.technician("B")
    line_day.ticket("x", 30, kits=("k",), only=("A",))
    line_day.ticket("y", -30, kits=("k",), only=("B",), opened=40)
    plan = replay(line_day.case(), policy, each=EACH).plan
    assert minutes(line_day, plan) == {"A": [("x", 30)], "B": [("y", 120)]}
    assert check(line_day.case(), plan, replay=True) == ()


@pytest.mark.parametrize("policy", POLICIES)
def test_a_break_that_the_work_spans_is_taken(line_day, policy) -> None:
    # Break of 20 min between 60 and 120. A is at x (at 30) from 30 to 80, and rests there at once: 80 to 100. y opens at 90.
    line_day.station("S")
    line_day.technician("A", breaks=((60, 120, 20),))
    line_day.ticket("x", 30, service=50)
    line_day.ticket("y", 40, opened=90)
    plan = replay(line_day.case(), policy, each=EACH).plan
    assert minutes(line_day, plan) == {"A": [("x", 30), ("y", 110)]}
    assert [(b.start, b.finish) for r in plan.routes for b in r.breaks] == [(line_day.at(80), line_day.at(100))]
    assert check(line_day.case(), plan, replay=True) == ()


@pytest.mark.parametrize("policy", POLICIES)
def test_what_opens_late_changes_nothing_before(line_day, policy) -> None:
    rng = random.Random(5)
    line_day.station("S", k=1)
    for name in "AB":
        line_day.technician(name, skills={"leak": 2})
    for name in "abcdef":
        line_day.ticket(name, rng.randint(-40, 60), opened=rng.randint(0, 120), due=rng.randint(60, 300))
    case = line_day.case()
    opens = line_day.at(130)
    line_day.ticket("late", 10, opened=130)
    more = line_day.case()
    before, after = (replay(c, policy, each=EACH).plan for c in (case, more))

    def begun(plan: Plan, known) -> list[tuple[str, str, object]]:
        stops = [(r.technician, s.ticket, s.start) for r in plan.routes for s in r.stops]
        positions = {t.id: line_day.positions[t.place] for t in known.tickets}
        legs = []
        for route in plan.routes:
            at = 0.0
            for stop in route.stops:
                if stop.arrive - timedelta(minutes=abs(positions[stop.ticket] - at)) < opens:
                    legs.append((route.technician, stop.ticket, stop.start))
                at = positions[stop.ticket]
        return sorted(set(legs) & set(stops))

    assert begun(before, case) == begun(after, more)


@pytest.mark.parametrize("policy", POLICIES)
def test_same_seed_same_day(line_day, policy) -> None:
    random_day(line_day, random.Random(3), tickets="abcdefgh")
    case = appearing(line_day, random.Random(3))
    first, second = (replay(case, policy, each=EACH, seed=7) for _ in range(2))
    assert plan_json(first.plan) == plan_json(second.plan)


@pytest.mark.parametrize("policy", POLICIES)
def test_random_days_keep_every_rule(policy, judge, request) -> None:
    import json

    from data_models.case_files import case_json

    kept = 0
    for number in range(12):
        day = type(request.getfixturevalue("line_day"))()
        rng = random.Random(1000 + number)
        random_day(day, rng, tickets="abcdefgh")
        case = appearing(day, rng)
        for true in (case, drawn(case, Spread(0.3, 0.4), number)):
            try:
                done = replay(case, policy, each=EACH, true=true)
            except LocksCannotHold:
                continue
            assert check(done.true, done.plan, replay=True) == (), (number, true is case)
            verdict = judge(json.loads(case_json(done.true)), json.loads(plan_json(done.plan)), True)
            assert verdict["violations"] == []
            kept += 1
    assert kept >= 12


def test_drawn_days_are_the_same_whoever_decides_and_whatever_else_is_reported(line_day) -> None:
    random_day(line_day, random.Random(1))
    case = line_day.case()
    first, again = drawn(case, Spread(0.2, 0.3), 4), drawn(case, Spread(0.2, 0.3), 4)
    assert first == again != drawn(case, Spread(0.2, 0.3), 5)
    fewer = drawn(replace(case, tickets=case.tickets[:-1]), Spread(0.2, 0.3), 4)
    assert [t.service_minutes for t in fewer.tickets] == [t.service_minutes for t in first.tickets[:-1]]


def test_no_spread_is_the_day_as_planned(line_day) -> None:
    random_day(line_day, random.Random(2), tickets="abcdef")
    case = appearing(line_day, random.Random(2))
    plain, still = replay(case, "insert", each=EACH), replay(case, "insert", each=EACH, true=drawn(case, Spread(0, 0), 1))
    assert score(case, plain.plan).cost.total == pytest.approx(score(case, still.plan).cost.total)


def test_a_day_without_tickets_or_people_is_a_day(line_day) -> None:
    line_day.station("S")
    assert replay(line_day.case(), "optimize", each=EACH).plan.routes == ()
    line_day.ticket("x", 10, opened=5)
    plan = replay(replace(line_day.case(), rates=Rates()), "optimize", each=EACH).plan
    assert [item.ticket for item in plan.unassigned] == ["x"]


def appearing(day, rng: random.Random):
    """The day, with half of its tickets appearing later."""
    case = day.case()
    tickets = []
    for ticket in case.tickets:
        later = timedelta(minutes=rng.randint(1, 150) if rng.random() < 0.5 else 0)
        tickets.append(replace(ticket, opened_at=ticket.opened_at + later, due=ticket.due + later))
    return replace(case, tickets=tuple(tickets))
