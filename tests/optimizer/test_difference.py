"""What a new plan changes of a published one, and why: days on a line, every figure worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data_models.case import Case, OutAt
from data_models.plan import Plan
from optimizer.difference import KINDS, difference
from optimizer.problem import build_problem, to_plan
from optimizer.schedule import schedule
from optimizer.solution import Schedule, Solution


def plan_of(case: Case, **routes: str) -> Plan:
    """The plan in which each technician makes the visits of a text of ticket names, as early as possible."""
    problem = build_problem(case)
    index = {name: i for i, name in enumerate(problem.ticket_ids)}
    rows = [() for _ in range(problem.n_duties)]
    for who, tickets in routes.items():
        duty = [problem.technician_ids[t] for t in problem.duty_technician].index(who)
        rows[duty] = tuple(index[name] for name in tickets.split())
    found = schedule(problem, Solution(tuple(rows), (frozenset(),) * len(rows), (0,) * len(rows)))
    assert isinstance(found, Schedule), found
    return to_plan(problem, found)


def trips_of(case: Case, *trips: tuple[str, str, str]) -> Plan:
    """The plan of trips, each as who, tickets, and "kit" where the day's only kind of kit is taken along; as early as possible."""
    problem = build_problem(case, trips=2)
    index = {name: i for i, name in enumerate(problem.ticket_ids)}
    duties = [problem.technician_ids[t] for t in problem.duty_technician]
    rows, kits = [()] * problem.n_duties, [frozenset()] * problem.n_duties
    for who, tickets, kit in trips:
        duty = next(d for d, name in enumerate(duties) if name == who and not rows[d])
        rows[duty] = tuple(index[name] for name in tickets.split())
        kits[duty] = frozenset({0}) if kit else frozenset()
    found = schedule(problem, Solution(tuple(rows), tuple(kits), (0,) * problem.n_duties))
    assert isinstance(found, Schedule), found
    return to_plan(problem, found)


@pytest.fixture
def one_kit(line_day):
    """Station at 0 with one kit; Li and Wang from 08:00 to 16:00; x at 20 needs the kit, a at 30 does not."""
    line_day.station("S", kit=1)
    line_day.technician("Li")
    line_day.technician("Wang")
    line_day.ticket("x", 20, kits=("kit",))
    line_day.ticket("a", 30)
    return line_day


def test_who_drives_home_to_hand_a_kit_over_is_said_to(one_kit):
    before = trips_of(one_kit.case(), ("Li", "x a", "kit"))
    one_kit.ticket("e", 10, kits=("kit",))
    case = urgent(one_kit.case(), "e")
    # Li was to be back at 09:00 + 30 + 30 = 10:00. Now home from x at 08:50 + 20 = 09:10, when Wang sets out; at a at 09:40, not at 09:00.
    found = difference(case, before, trips_of(case, ("Li", "x", "kit"), ("Li", "a", ""), ("Wang", "e", "kit")), tries=0)
    assert {change.ticket: (change.kind, change.minutes) for change in found.changes} == {"e": ("new", None), "a": ("later", 40)}
    (later,) = found.of("later")
    assert later.why == "Li drives home sooner, is back at 09:10, and Wang takes kit on to the emergency e"
    general = difference(
        one_kit.case(), before, trips_of(one_kit.case(), ("Li", "x", "kit"), ("Li", "a", ""), ("Wang", "e", "kit")), tries=0
    )
    assert general.of("later")[0].why == "Li drives home sooner, is back at 09:10, and Wang takes kit on to e"


def test_what_is_given_to_others_so_that_a_kit_comes_home_is_said_to(one_kit):
    before = trips_of(one_kit.case(), ("Li", "x a", "kit"))
    one_kit.ticket("e", 10, kits=("kit",))
    one_kit.technician("Zhao")
    case = one_kit.case()
    found = difference(case, before, trips_of(case, ("Li", "x", "kit"), ("Zhao", "a", ""), ("Wang", "e", "kit")), tries=0)
    assert found.of("moved")[0].why == "Li drives home sooner, is back at 09:10, and Wang takes kit on to e"
    left_out = difference(case, before, trips_of(case, ("Li", "x", "kit"), ("Wang", "e", "kit")), tries=0)
    assert left_out.of("dropped")[0].why == "Li drives home sooner, is back at 09:10, and Wang takes kit on to e"


def test_a_spare_kit_at_the_station_is_no_reason_to_drive_home(one_kit):
    before = trips_of(one_kit.case(), ("Li", "x a", "kit"))
    one_kit.ticket("e", 10, kits=("kit",))
    after = trips_of(one_kit.case(), ("Li", "x", "kit"), ("Li", "a", ""), ("Wang", "e", "kit"))
    one_kit.stations[0] = replace(one_kit.stations[0], kits={"kit": 2})
    assert difference(one_kit.case(), before, after, tries=0).of("later")[0].why == "the visits of Li come in another order"


def test_only_what_the_kit_was_out_for_is_later_for_its_sake(line_day):
    line_day.station("S", kit=1)
    line_day.technician("Li")
    line_day.technician("Wang")
    line_day.ticket("x", 20, kits=("kit",))
    line_day.ticket("a", 30, windows=((60, 61), (200, 400)))
    line_day.ticket("b", 40)
    before = trips_of(line_day.case(), ("Li", "x a", "kit"), ("Li", "b", ""))
    line_day.ticket("e", 10, kits=("kit",))
    case = line_day.case()
    # Li was back from a at 10:00 and at b at 10:40. Now home at 09:10, at a, which opens again at 11:20, until 11:50, at b at 12:00.
    after = trips_of(case, ("Li", "x", "kit"), ("Wang", "e", "kit"), ("Li", "a b", ""))
    whys = {change.ticket: change.why for change in difference(case, before, after, tries=0).of("later")}
    assert whys == {"a": "Li drives home sooner, is back at 09:10, and Wang takes kit on to e", "b": "Li is at a until 11:50"}


def test_who_waits_for_a_kit_and_who_gets_it_sooner_is_said(one_kit):
    one_kit.ticket("e", 10, kits=("kit",))
    case = one_kit.case()
    first, last = trips_of(case, ("Wang", "e", "kit"), ("Li", "a", "")), trips_of(case, ("Li", "x a", "kit"), ("Wang", "e", "kit"))
    # Wang sets out at 08:00, or when Li comes back from x and a at 10:00: 120 later.
    later = next(change for change in difference(case, first, last, tries=0).changes if change.ticket == "e")
    assert (later.ticket, later.minutes, later.why) == ("e", 120, "Wang sets out when Li is back with kit at 10:00")
    sooner = trips_of(case, ("Li", "x", "kit"), ("Li", "a", ""), ("Wang", "e", "kit"))
    (earlier,) = difference(case, last, sooner, tries=0).of("earlier")
    assert (earlier.ticket, earlier.minutes, earlier.why) == ("e", -50, "Li brings kit back sooner, at 09:10, for Wang")


def test_a_ticket_that_waited_for_a_kit_is_planned_when_it_comes_back_sooner(one_kit):
    one_kit.ticket("e", 10, kits=("kit",))
    case = one_kit.case()
    before = trips_of(case, ("Li", "x a", "kit"))
    found = difference(case, before, trips_of(case, ("Li", "x", "kit"), ("Li", "a", ""), ("Wang", "e", "kit")), tries=0)
    assert found.of("new")[0].why == "Li brings kit back sooner, at 09:10, for Wang"


def urgent(case: Case, *names: str) -> Case:
    return replace(case, tickets=tuple(replace(t, severity="emergency") if t.id in names else t for t in case.tickets))


def kinds(found) -> dict[str, str]:
    return {change.ticket: change.kind for change in found.changes}


def test_a_visit_gives_way_to_an_emergency_and_the_reason_says_what_that_saves(two_people):
    two_people.ticket("W12", 20)
    before = plan_of(two_people.case(), Li="W12")
    two_people.ticket("W99", 20, due=30, only=("Li",))
    two_people.commit("W12", "Li")
    case = urgent(two_people.case(), "W99")
    found = difference(case, before, plan_of(case, Li="W99", Wang="W12"))
    assert kinds(found) == {"W99": "new", "W12": "moved"}
    moved, new = found.of("moved")[0], found.of("new")[0]
    assert (moved.from_technicians, moved.to_technicians, moved.minutes) == (("Li",), ("Wang",), 0)
    # Now both drive 40 and W12 has changed hands (50): 130. With W12 back, Li drives 40 and comes to W99 at 08:50, 20 late: 40 + 100 + 20.
    assert moved.saves == pytest.approx(160 - 130)
    assert moved.why == "Li now goes to the emergency W99 at 08:20, which saves 30"
    # Leaving W99 out costs 1000 and spares the 40 of driving there.
    assert (new.why, new.saves) == ("it is a new emergency ticket, which saves 960", pytest.approx(960))


def test_what_cannot_be_undone_alone_is_undone_with_what_took_its_place(two_people):
    two_people.ticket("W12", 20, windows=((0, 25),))
    before = plan_of(two_people.case(), Li="W12")
    two_people.ticket("W99", 20, windows=((0, 25),), only=("Li",), skip_cost=5000.0)
    case = urgent(two_people.case(), "W99")
    (moved,) = difference(case, before, plan_of(case, Li="W99", Wang="W12")).of("moved")
    # Both must begin by 08:25, so that W12 comes back only with W99 left out: 5000 less the 40 that Wang no longer drives.
    assert moved.saves == pytest.approx(5000 - 40)


def test_later_visits_name_what_comes_first_now_and_those_within_the_tolerance_are_unchanged(two_people):
    two_people.ticket("a", 20)
    two_people.ticket("b", 30)
    before = plan_of(two_people.case(), Li="a b")
    two_people.ticket("c", 20, service=16, only=("Li",))
    case = two_people.case()
    # c takes 16 minutes at a's place: both begin 16 later, one more than is tolerated. Leaving c out costs 1000 and spares no driving.
    found = difference(case, before, plan_of(case, Li="c a b"))
    assert kinds(found) == {"c": "new", "a": "later", "b": "later"}
    assert [change.minutes for change in found.of("later")] == [16, 16]
    assert [change.why for change in found.of("later")] == 2 * ["Li goes to c first, which saves 1,000"]
    assert difference(case, before, plan_of(case, Li="c a b"), tolerance_minutes=16).unchanged == ("a", "b")


def test_a_cancelled_visit_lets_the_next_come_earlier_and_is_gone(two_people):
    two_people.ticket("a", 20)
    two_people.ticket("b", 30)
    before = plan_of(two_people.case(), Li="a b")
    two_people.tickets.pop(0)
    case = two_people.case()
    found = difference(case, before, plan_of(case, Li="b"))
    # b began at 20 + 30 + 10 = 60 minutes and now at 30.
    assert (kinds(found), found.gone) == ({"b": "earlier"}, ("a",))
    assert (found.changes[0].minutes, found.changes[0].why) == (-30, "Li does not go to a first any more")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda case: replace(case, technicians=case.technicians[1:]), "Li is not among the people of this plan any more"),
        (
            lambda case: replace(case, technicians=(replace(case.technicians[0], shifts=()), case.technicians[1])),
            "Li is not on duty any more",
        ),
        (lambda case: replace(case, tickets=(replace(case.tickets[0], banned=("Li",)),)), "Li may not go there any more"),
        (lambda case: replace(case, tickets=(replace(case.tickets[0], skills={"leak": 2}),)), "Li has not got the skills for it any more"),
    ],
)
def test_people_who_cannot_come_any_more_are_the_reason(two_people, change, why):
    two_people.ticket("a", 20)
    before = plan_of(two_people.case(), Li="a")
    two_people.technicians[1] = replace(two_people.technicians[1], skills={"leak": 2})
    case = change(two_people.case())
    (moved,) = difference(case, before, plan_of(case, Wang="a")).changes
    assert (moved.kind, moved.why) == ("moved", why)


def test_who_becomes_free_late_comes_late(two_people):
    two_people.ticket("x", 20, service=10)
    two_people.ticket("a", 30)
    before = plan_of(two_people.case(), Li="x a")
    case = two_people.case()
    li = replace(case.technicians[0], start=OutAt(0.0, 0.0, two_people.at(60), (), case.tickets[0].place))
    case = replace(case, technicians=(li, case.technicians[1]), tickets=case.tickets[1:])
    (later,) = difference(case, before, plan_of(case, Li="a")).changes
    # Planned to leave x at 08:30 and to begin at 08:40; free at 09:00, there at 09:10.
    assert (later.kind, later.minutes, later.why) == ("later", 30, "Li becomes free only at 09:00")


def test_what_is_left_out_says_what_serving_it_would_cost(two_people):
    two_people.ticket("a", 60, skip_cost=100.0)
    case = two_people.case()
    (dropped,) = difference(case, plan_of(case, Li="a"), plan_of(case)).changes
    # Driving there and back costs 120, leaving it out 100.
    assert (dropped.kind, dropped.saves) == ("dropped", pytest.approx(20))
    assert dropped.why == "serving it costs more than leaving it out, which saves 20"


def test_every_ticket_is_told_once_and_plans_of_other_cases_do_no_harm(two_people):
    for name, place in (("a", 10), ("b", 20), ("c", 30), ("d", 40)):
        two_people.ticket(name, place)
    case = two_people.case()
    before, after = plan_of(case, Li="a b c"), plan_of(case, Li="a c", Wang="d")
    found = difference(case, before, after)
    told = [change.ticket for change in found.changes]
    assert sorted([*told, *found.unchanged, *found.waiting]) == ["a", "b", "c", "d"]
    assert [KINDS.index(change.kind) for change in found.changes] == sorted(KINDS.index(change.kind) for change in found.changes)
    foreign = replace(before, routes=tuple(replace(route, technician="Zhao", shift=7) for route in before.routes))
    strange = replace(
        foreign, routes=tuple(replace(r, stops=tuple(replace(s, ticket=f"x{s.ticket}") for s in r.stops)) for r in before.routes)
    )
    assert difference(case, foreign, after).of("moved")[0].why == "Zhao is not among the people of this plan any more"
    assert {change.kind for change in difference(case, strange, after).changes} == {"new"}
    assert difference(case, strange, after).gone == ("xa", "xb", "xc")
    assert {change.kind for change in difference(case, before, foreign).changes} == {"moved"}
    assert difference(case, before, before, tries=0).changes == ()
