"""Remedies: one hand-worked day for each kind of change, and what must hold for every remedy on any day.

Hand-worked days lie on one road as in `test_explain`: positions are minutes of driving, times are minutes after 08:00.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import TypeAdapter

from data_models.case import Case, Commitment, GreatCircle, OutAt, Rates, Shift, Station, Technician, Ticket, TimeWindow, TravelMatrix
from data_models.case_files import read_case
from data_models.errors import NotFound
from data_models.plan import Plan, Route, Stop, Unassigned
from optimizer.changes import Effort
from optimizer.check import check
from optimizer.explain import (
    Change,
    ExpiredCertificate,
    Explanation,
    PlanningContext,
    Remedy,
    apply_change,
    apply_remedy,
    explain,
    plan_with_remedy,
)
from optimizer.insertion import construct
from optimizer.problem import build_problem, to_plan
from optimizer.score import score

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CASES = Path(__file__).parents[3] / "shared" / "cases"


def at(minutes: float) -> datetime:
    """The moment so many minutes after 08:00."""
    return NOW + timedelta(minutes=minutes)


def person(name: str, home: str = "S", **more: Any) -> Technician:
    values: dict[str, Any] = {"skills": {"leak": 2}, "shifts": (Shift(at(0), at(480)),)} | more
    return Technician(name, name, home, **values)


def ticket(name: str, place: int, due: float, **more: Any) -> Ticket:
    values: dict[str, Any] = {"service_minutes": 30, "skills": {"leak": 1}, "opened_at": at(-10)}
    values |= {"miss_cost": 1000, "late_cost_per_hour": 100, "skip_cost": 5000} | more
    return Ticket(name, 0.0, 0.0, "emergency", "A", due=at(due), place=place, **values)


def road(
    people: list[Technician], tickets: list[Ticket], *, kits: dict[str, int] | None = None, other: int | None = None, **more: Any
) -> Case:
    """A case on one road: station S at minute 500, and R at `other` if given; only the places that are used are in the matrix."""
    stations = [Station("S", "S", 0.0, 0.0, kits or {}, 500)] + ([Station("R", "R", 0.0, 0.0, {}, other)] if other is not None else [])
    places = sorted({500, *(each.place or 0 for each in tickets), *([other] if other is not None else [])})
    row = {place: index for index, place in enumerate(places)}
    seconds = tuple(tuple(60.0 * abs(a - b) for b in places) for a in places)
    metres = tuple(tuple(1000.0 * abs(a - b) for b in places) for a in places)
    moved = tuple(replace(each, place=row[each.place or 0]) for each in stations)
    located = tuple(replace(each, place=row[each.place or 0]) for each in tickets)
    rates = Rates(drive_per_hour=60, overtime_per_hour=90)
    return Case("road", NOW, TravelMatrix("matrix", seconds, metres), moved, tuple(people), located, rates, **more)


def trip(who: str, stops: list[tuple[str, float]], returns: float, kits: tuple[str, ...] = (), depart: float = 0) -> Route:
    """A route; stops are (ticket, start), each of 30 minutes."""
    return Route(who, 0, at(depart), tuple(Stop(t, at(s), at(s), at(s + 30)) for t, s in stops), at(returns), kits)


def plan_of(case: Case, *routes: Route) -> Plan:
    seen = {stop.ticket for route in routes for stop in route.stops}
    plan = Plan(case.name, routes, tuple(Unassigned(each.id) for each in case.tickets if each.id not in seen))
    assert check(case, plan) == ()
    return plan


def remedies(case: Case, *routes: Route, context: PlanningContext | None = None, most: int = 9) -> dict[str, Remedy]:
    """Confirmed remedies for ticket X by kind; each is confirmed once more here."""
    plan = plan_of(case, *routes)
    explanation = explain(case, plan, context=context, max_remedies=most)
    assert_confirmed(case, plan, explanation)
    found = next(each for each in explanation.tickets if each.ticket == "X")
    efforts = [remedy.effort for remedy in found.remedies]
    assert efforts == sorted(efforts)
    return {remedy.change.kind: remedy for remedy in found.remedies}


def assert_confirmed(case: Case, plan: Plan, explanation: Explanation) -> None:
    """Every remedy, applied: no rule broken, the ticket in time, no other ticket later or dropped, the cost as said."""
    before = starts(plan)
    for each in explanation.tickets:
        for remedy in each.remedies:
            changed, better = apply_remedy(case, remedy), plan_with_remedy(case, plan, remedy, each.ticket)
            assert better is not None
            assert check(changed, better) == ()
            after, tickets = starts(better), changed.ticket_by_id
            assert after[each.ticket] == remedy.start <= tickets[each.ticket].due
            assert all(after[name] <= max(start, tickets[name].due) for name, start in before.items() if name != each.ticket)
            assert score(changed, better).cost.total - score(case, plan).cost.total == pytest.approx(remedy.cost_change, abs=0.01)


def starts(plan: Plan) -> dict[str, datetime]:
    return {stop.ticket: stop.start for route in plan.routes for stop in route.stops}


def test_room_in_the_plan_is_the_smallest_remedy_and_the_only_one() -> None:
    found = remedies(road([person("A")], [ticket("X", 440, 90)]))
    assert list(found) == ["replan"]
    assert found["replan"].effort == 0
    assert found["replan"].cost_change == -5000 + 120


def test_overtime_is_as_little_as_does_it_in_steps_of_a_quarter_hour() -> None:
    # 60 out, 30 work, 60 back: back at 150. The shift ends at 110 with 10 of overtime: 30 more are needed.
    case = road([person("A", shifts=(Shift(at(0), at(110), 10),))], [ticket("X", 440, 90)])
    change = remedies(case)["overtime"].change
    assert (change.technician, change.shift, change.minutes) == ("A", 0, 30)
    # Fifteen are one step, and enough for 15.
    assert remedies(replace(case, technicians=(person("A", shifts=(Shift(at(0), at(125), 10),)),)))["overtime"].change.minutes == 15
    # One minute less of shift and 31 are needed: 45.
    case = road([person("A", shifts=(Shift(at(0), at(109), 10),))], [ticket("X", 440, 90)])
    assert remedies(case)["overtime"].change.minutes == 45


def test_overtime_is_not_offered_where_it_would_exceed_four_hours() -> None:
    # Back at 300 + 30 + 300 = 630; the shift ends at 390 and 240 do it, at 389 they do not.
    longer = person("B", shifts=(Shift(at(-720), at(-10)),))
    assert remedies(road([person("A", shifts=(Shift(at(0), at(390)),)), longer], [ticket("X", 200, 310)]))["overtime"].change.minutes == 240
    assert "overtime" not in remedies(road([person("A", shifts=(Shift(at(0), at(389)),)), longer], [ticket("X", 200, 310)]))


def test_a_shift_that_begins_earlier() -> None:
    # The shift begins at 120 and X is 60 away, due 100: it has to begin at 40, in quarter hours 90 sooner, at 30.
    case = road([person("A", shifts=(Shift(at(120), at(600)),))], [ticket("X", 440, 100)])
    remedy = remedies(case, trip("A", [("X", 180)], 270, depart=120))["earlier_shift"]
    assert remedy.change.start == at(30)
    assert (remedy.start, remedy.effort) == (at(90), 90 * 1.5)


def test_someone_on_call() -> None:
    # A's shift is over at 0; B keeps the longest shift at 8 hours but has no skill. 60 out, 30 work, 60 back.
    people = [person("A", shifts=(Shift(at(-480), at(0)),)), person("B", skills={})]
    remedy = remedies(road(people, [ticket("X", 440, 90)]))["on_call"]
    assert (remedy.change.technician, remedy.change.start, remedy.change.end) == ("A", at(0), at(150))
    assert remedy.text == "A on call from 08:00 to 10:30. Work then begins at 09:00 (A)."


def test_a_certificate_renewed() -> None:
    context = PlanningContext(expired=(ExpiredCertificate("A", "static", 2, date(2026, 3, 1)),))
    change = remedies(road([person("A")], [ticket("X", 440, 90, skills={"static": 2})]), context=context)["certificate"].change
    assert (change.technician, change.skill, change.level) == ("A", "static", 2)


def test_someone_allowed_who_was_banned() -> None:
    assert remedies(road([person("A")], [ticket("X", 440, 90, banned=("A",))]))["allow"].change.technician == "A"


def test_someone_added_to_those_who_alone_may_go() -> None:
    case = road([person("A"), person("B", skills={})], [ticket("X", 440, 90, only=("B",))])
    assert remedies(case)["allow"].change.technician == "A"


def test_a_window_widened_to_the_quarter_hours_around_the_start() -> None:
    # Open from 120 on, promised for 100: A could begin from 60 on; 30 minutes wider is the least, 90 to 100.
    case = road([person("A")], [ticket("X", 440, 100, windows=(TimeWindow(at(120), at(180)),))])
    change = remedies(case, trip("A", [("X", 120)], 210, depart=60))["window"].change
    assert (change.start, change.end) == (at(90), at(100))


def test_not_before_moved_when_there_is_no_window() -> None:
    case = road([person("A")], [ticket("X", 440, 100, not_before=at(120))])
    remedy = remedies(case, trip("A", [("X", 120)], 210, depart=60))["window"]
    assert remedy.start == at(90)
    assert apply_remedy(case, remedy).ticket_by_id["X"].not_before == at(90)


def test_the_earliest_possible_promise_is_rounded_up_to_five_minutes() -> None:
    # A is at Y until 90, then 121 minutes to X: 211, promised as 215. Promised for 90: 125 later.
    case = road([person("A")], [ticket("X", 439, 90), ticket("Y", 560, 60)])
    remedy = remedies(case, trip("A", [("Y", 60), ("X", 211)], 302))["due"]
    assert (remedy.change.end, remedy.start, remedy.effort) == (at(215), at(211), 240 + 125)
    # 1000 for being late, and 121 minutes at 100 an hour.
    assert remedy.cost_change == pytest.approx(-1000 - 100 * 121 / 60, abs=0.01)


def test_one_more_kit() -> None:
    tickets = [ticket("X", 440, 90, kits=("purity",)), ticket("Y", 560, 60, kits=("purity",))]
    case = road([person("A"), person("B")], tickets, kits={"purity": 1})
    remedy = remedies(case, trip("A", [("Y", 60)], 150, ("purity",)))["kit"]
    assert (remedy.change.station, remedy.change.kit, remedy.technicians) == ("S", "purity", ("B",))
    assert apply_remedy(case, remedy).station_by_id["S"].kits == {"purity": 2}


def test_a_skill_learnt_at_the_level_that_is_needed() -> None:
    # B needs one level more, C two: B is the smaller change.
    people = [person("C", skills={"leak": 1}), person("B", skills={"leak": 2})]
    remedy = remedies(road(people, [ticket("X", 440, 90, skills={"leak": 3})]))["skill"]
    assert (remedy.change.technician, remedy.change.level, remedy.effort) == ("B", 3, 1920)


def test_one_more_person_at_the_nearest_station() -> None:
    # B of R is 200 away and S, 60 away, has nobody.
    case = road([person("B", "R")], [ticket("X", 440, 90)], other=640)
    change = remedies(case, trip("B", [("X", 200)], 430))["technician"].change
    assert (change.station, change.skills, change.start, change.end) == ("S", {"leak": 1}, at(0), at(150))


def test_a_crew_is_completed_by_one_person_on_call() -> None:
    people = [person("A"), person("B", shifts=(Shift(at(-480), at(0)),))]
    remedy = remedies(road(people, [ticket("X", 440, 90, crew=2)]))["on_call"]
    assert (remedy.change.technician, remedy.technicians) == ("B", ("A", "B"))


def test_a_remedy_that_would_make_another_ticket_late_is_none() -> None:
    # A could serve X first and be in time there, but Y, due at 60, would suffer.
    case = road([person("A")], [ticket("X", 440, 90), ticket("Y", 560, 60)])
    route = trip("A", [("Y", 60), ("X", 210)], 300)
    assert "replan" not in remedies(case, route)
    assert [each.verdict.blame for each in explain(case, plan_of(case, route)).tickets] == ["capacity"]


def test_room_that_would_make_another_ticket_late_is_no_room() -> None:
    # X first, from 30 to 60, would have Y begin at 100 instead of 10, its due time.
    case = road([person("A")], [ticket("X", 470, 45), ticket("Y", 510, 10)])
    explanation = explain(case, plan_of(case, trip("A", [("Y", 10), ("X", 80)], 140)))
    assert explanation.tickets[0].verdict.blame == "capacity"
    assert explanation.tickets[0].earliest_at == at(80)


def test_the_earliest_start_is_the_soonest_and_not_the_cheapest() -> None:
    # A of S is there at 60; B of R is nearer, but on duty from 60 on and there at 110. Being later costs nothing here.
    people = [person("A"), person("B", "R", shifts=(Shift(at(60), at(540)),))]
    case = road(people, [ticket("X", 440, 30, late_cost_per_hour=0)], other=390)
    assert explain(case, plan_of(case)).tickets[0].earliest_at == at(60)


def test_kits_of_people_who_are_left_alone_are_not_there_to_take() -> None:
    # A's two trips keep the only kit; B could come, but has none.
    kit = ("purity",)
    tickets = [ticket("X", 440, 400, kits=kit), ticket("Y", 560, 100, kits=kit), ticket("Z", 560, 400, kits=kit)]
    case = road([person("A"), person("B")], tickets, kits={"purity": 1})
    routes = (trip("A", [("Y", 60)], 150, kit), trip("A", [("Z", 210)], 300, kit, depart=150))
    found = explain(case, plan_of(case, *routes)).tickets[0]
    assert (found.verdict.blame, found.earliest_at) == ("capacity", None)
    assert [remedy.change.kind for remedy in found.remedies] == ["kit"]


def test_a_ticket_that_is_late_anyway_may_not_become_later() -> None:
    # Y is late already (due 50, starts 60); it must not start after 60 for X's sake.
    case = road([person("A")], [ticket("X", 440, 90), ticket("Y", 560, 50)])
    assert "replan" not in remedies(case, trip("A", [("Y", 60), ("X", 210)], 300))


def test_room_before_a_ticket_that_can_wait_until_its_due_time_is_used() -> None:
    # Y may start at 210 at the latest: X at 60, back over S to Y at 60 + 30 + 120 = 210. One second sooner and there is no room.
    case = road([person("A")], [ticket("X", 440, 90), ticket("Y", 560, 210)])
    assert remedies(case, trip("A", [("Y", 60), ("X", 210)], 300))["replan"].start == at(60)
    tight = replace(case, tickets=(case.tickets[0], replace(case.tickets[1], due=at(210 - 1 / 60))))
    assert "replan" not in remedies(tight, trip("A", [("Y", 60), ("X", 210)], 300))


def test_at_most_as_many_remedies_as_asked_for_and_the_smallest_of_them() -> None:
    tickets = [ticket("X", 440, 90, kits=("purity",)), ticket("Y", 560, 60, kits=("purity",))]
    case = road([person("A"), person("B")], tickets, kits={"purity": 1})
    all_of_them = remedies(case, trip("A", [("Y", 60)], 150, ("purity",)))
    assert len(all_of_them) > 1
    assert remedies(case, trip("A", [("Y", 60)], 150, ("purity",)), most=1) == dict(list(all_of_them.items())[:1])
    assert remedies(case, trip("A", [("Y", 60)], 150, ("purity",)), most=0) == {}


def test_another_notion_of_effort_gives_another_order() -> None:
    people = [person("A", shifts=(Shift(at(120), at(600)),)), person("B")]
    case = road(people, [ticket("X", 440, 90, skills={"leak": 2}), ticket("Y", 560, 60)])
    plan = plan_of(case, trip("B", [("Y", 60)], 150))
    dear = explain(case, plan, effort=Effort(earlier_per_minute=1000.0), max_remedies=1).tickets[0].remedies[0]
    cheap = explain(case, plan, max_remedies=1).tickets[0].remedies[0]
    assert (cheap.change.kind, dear.change.kind) == ("earlier_shift", "due")


def test_a_committed_crew_that_must_stay_together_is_not_torn_apart() -> None:
    # Y, locked, is served by A of S and B of R together; X near S may only fit after it.
    tickets = [ticket("X", 440, 400), ticket("Y", 560, 200, crew=2)]
    case = road([person("A"), person("B", "R")], tickets, other=660, committed=(Commitment("Y", ("A", "B"), True),))
    routes = (trip("A", [("Y", 100)], 190, depart=40), trip("B", [("Y", 100)], 230, depart=0))
    remedy = remedies(case, *routes)["replan"]
    assert remedy.start == at(250)


def test_a_kit_that_the_other_half_of_a_crew_brings_is_not_asked_of_this_half() -> None:
    # B of R brings the kit for Y; S has none. A, back from Y at 190, goes on to X by 250.
    tickets = [ticket("X", 440, 400), ticket("Y", 560, 200, crew=2, kits=("purity",))]
    case = road([person("A"), person("B", "R", skills={})], tickets, other=660)
    case = replace(case, stations=(case.stations[0], replace(case.stations[1], kits={"purity": 1})))
    routes = (trip("A", [("Y", 100)], 190, depart=40), trip("B", [("Y", 100)], 230, ("purity",)))
    assert remedies(case, *routes)["replan"].technicians == ("A",)


def test_a_station_of_someone_with_two_trips_in_a_shift_is_left_alone() -> None:
    case = road([person("A"), person("B")], [ticket("X", 440, 400), ticket("Y", 560, 100), ticket("Z", 560, 400)])
    routes = (trip("A", [("Y", 60)], 150), trip("A", [("Z", 210)], 300, depart=150))
    assert remedies(case, *routes)["replan"].technicians == ("B",)


@pytest.mark.parametrize(
    "change",
    [
        Change("overtime", technician="Q", shift=0, minutes=15),
        Change("overtime", technician="A", shift=7, minutes=15),
        Change("kit", station="Q", kit="purity", count=1),
        Change("due", ticket="Q", end=at(10)),
    ],
)
def test_a_change_of_something_unknown_is_refused_by_name(change: Change) -> None:
    with pytest.raises(NotFound, match=r"Q|7"):
        apply_change(road([person("A")], [ticket("X", 440, 90)]), change)


def test_an_explanation_survives_being_written_as_json() -> None:
    adapter = TypeAdapter(Explanation)
    case = road([person("A", shifts=(Shift(at(0), at(110), 10),))], [ticket("X", 440, 90)])
    explanation = explain(case, plan_of(case))
    assert adapter.validate_json(adapter.dump_json(explanation)) == explanation


def random_case(seed: int) -> tuple[Case, PlanningContext]:
    """A day of 4 stations, 9 people and 22 tickets with crews, kits, windows, people out, locks and expired certificates."""
    random = Random(seed)
    skills, kits = ("leak", "gas", "safety"), ("purity", "static")

    def somewhere() -> tuple[float, float]:
        return round(30 + random.random() * 2, 4), round(118 + random.random() * 2, 4)

    stations = tuple(Station(f"S{i}", f"S{i}", *somewhere(), {kit: random.randint(0, 1) for kit in kits}) for i in range(4))
    people = []
    for i in range(9):
        start = random.choice((-120, 0, 0, 60, 240))
        is_out = random.random() < 0.2 and start <= 0
        out = OutAt(*somewhere(), at(random.randint(0, 60)), random.choice(((), ("purity",)))) if is_out else None
        have = {skill: random.randint(1, 3) for skill in random.sample(skills, 2)}
        home = stations[random.randrange(4)]
        others = sum(who.start is not None and who.station == home.id for who in people)
        if out is not None and home.kits.get("purity", 0) <= others:
            out = replace(out, kits=())
        shifts = (Shift(at(start), at(start + 480), random.choice((0, 60))),)
        people.append(Technician(f"T{i}", f"T{i}", home.id, have, shifts, random.choice((None, 5.0)), out))
    tickets = []
    for i in range(22):
        due = random.choice((60, 120, 240, 400))
        more: dict[str, Any] = {"windows": (TimeWindow(at(due - 60), at(due + 120)),)} if random.random() < 0.2 else {}
        tickets.append(
            Ticket(
                f"W{i}", *somewhere(), "emergency", "A", at(-30), at(due), random.choice((30, 60)), 1000, 200, 8000,
                {random.choice(skills): random.randint(1, 2)}, random.choice(((), (), ("purity",), ("static",))),
                load=random.choice((0, 3)), crew=random.choice((1, 1, 1, 2)), **more,
            )
        )  # fmt: skip
    lost = ((who.id, skill) for who in people for skill in skills if skill not in who.skills)
    context = PlanningContext(tuple(ExpiredCertificate(who, skill, 2, date(2026, 3, 1)) for who, skill in lost))
    rates = Rates(60, 1.2, 90, 300)
    return Case(f"random-{seed}", NOW, GreatCircle("great_circle", 1.3, 70), stations, tuple(people), tuple(tickets), rates), context


def constructed(case: Case) -> Plan:
    """The plan that plain insertion makes of a case."""
    problem = build_problem(case)
    return to_plan(problem, construct(problem))


@cache
def explained(seed: int) -> tuple[Case, Plan, Explanation]:
    """A random day, its plan and the explanation."""
    case, context = random_case(seed)
    plan = constructed(case)
    return case, plan, explain(case, plan, context=context)


@pytest.mark.parametrize("seed", range(8))
def test_every_remedy_of_a_random_day_holds_when_it_is_applied(seed: int) -> None:
    case, plan, explanation = explained(seed)
    assert check(case, plan) == ()
    assert explanation.tickets
    assert_confirmed(case, plan, explanation)
    assert all(each.reasons for each in explanation.tickets)


def test_the_random_days_show_most_kinds_of_remedy() -> None:
    kinds = {r.change.kind for seed in range(8) for each in explained(seed)[2].tickets for r in each.remedies}
    assert kinds >= {"overtime", "earlier_shift", "due", "on_call", "certificate", "kit", "technician"}


@pytest.mark.parametrize("seed", range(40))
def test_no_day_is_too_odd_to_be_explained(seed: int) -> None:
    """No people, no shifts, shifts that are over, crews larger than the company, one-way roads and places without any."""
    random = Random(seed)
    case, context = random_case(seed)
    people = random.sample(case.technicians, random.choice((0, 1, 4)))
    if random.random() < 0.4:
        people = [replace(who, shifts=() if random.random() < 0.5 else (Shift(at(-600), at(-60)),)) for who in people]
    tickets = [replace(each, crew=random.choice((1, 1, 2, 3)), not_before=at(random.choice((-10, 100)))) for each in case.tickets[:6]]
    outs = [who.start for who in people if who.start is not None]
    size = len(case.stations) + len(outs) + len(tickets)
    legs = (600.0, 3600.5, 14400.0, float("inf"))
    seconds = tuple(tuple(0.0 if a == b else random.choice(legs) for b in range(size)) for a in range(size))
    place = iter(range(size))
    stations = tuple(replace(each, place=next(place)) for each in case.stations)
    people = [who if who.start is None else replace(who, start=replace(who.start, place=next(place))) for who in people]
    tickets = [replace(each, place=next(place)) for each in tickets]
    travel = TravelMatrix("matrix", seconds, seconds)
    odd = replace(case, travel=travel, stations=stations, technicians=tuple(people), tickets=tuple(tickets))
    plan = constructed(odd)
    explanation = explain(odd, plan, context=context)
    assert_confirmed(odd, plan, explanation)
    assert all(each.reasons for each in explanation.tickets)


@pytest.mark.parametrize("name", ["day-60", *(pytest.param(name, marks=pytest.mark.long) for name in ("midday-150", "three-days-300"))])
def test_every_remedy_of_a_shared_case_holds_when_it_is_applied(name: str) -> None:
    path = CASES / f"{name}.json"
    assert path.exists(), f"{path} is missing: this test reads the shared cases beside the repository"
    case = read_case(path)
    plan = constructed(case)
    explanation = explain(case, plan)
    late = {each.id for each in case.tickets if starts(plan).get(each.id, datetime.max.replace(tzinfo=UTC)) > each.due}
    assert {each.ticket for each in explanation.tickets} == late
    assert all(each.reasons for each in explanation.tickets)
    assert_confirmed(case, plan, explanation)
    assert json.loads(TypeAdapter(Explanation).dump_json(explanation))["case"] == case.name
