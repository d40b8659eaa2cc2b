"""Part of a draft put into what people were told: routes, emergencies, crews across the border, and what is dropped."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_models.case_files import case_json, plan_json
from optimizer.check import check
from optimizer.choosing import NOTHING_TOLD, chosen_emergencies, chosen_routes
from optimizer.insertion import construct
from optimizer.problem import build_problem, to_plan
from optimizer.published import promises
from optimizer.rechecking import recheck
from tests.optimizer.conftest import LineDay
from tests.optimizer.days import random_day
from tests.optimizer.test_difference import plan_of, urgent


@pytest.fixture
def four(two_people) -> LineDay:
    for name, position in (("A", 10), ("B", 20), ("C", 30), ("D", 40)):
        two_people.ticket(name, position)
    return two_people


def who(plan) -> dict[str, tuple[str, ...]]:
    return {ticket: promise.technicians for ticket, promise in promises(plan).items()}


def test_a_chosen_route_takes_its_tickets_from_the_others(four):
    case = four.case()
    told, draft = plan_of(case, Li="A B", Wang="C D"), plan_of(case, Li="B", Wang="A C D")
    found = chosen_routes(case, told, draft, ["Wang"])
    assert found.plan is not None
    assert who(found.plan) == {"A": ("Wang",), "B": ("Li",), "C": ("Wang",), "D": ("Wang",)}
    assert (found.taken, found.dropped, found.waiting) == (("A",), (), ())
    # Wang passes A anyway; Li still drives to B: nothing is gained or lost.
    assert found.cost_change["total"] == 0
    # Li alone: A has gone to Wang, who is not chosen, so that nobody serves it: 1000.
    other = chosen_routes(case, told, draft, ["Li"])
    assert who(other.plan) == {"B": ("Li",), "C": ("Wang",), "D": ("Wang",)}
    assert (other.dropped, other.waiting, other.cost_change["total"]) == (("A",), ("A",), 1000)


def test_all_routes_are_the_whole_draft_and_none_of_a_stranger_is_what_was_told(four):
    case = four.case()
    told, draft = plan_of(case, Li="A B", Wang="C D"), plan_of(case, Li="B D", Wang="A C")
    assert who(chosen_routes(case, told, draft, ["Li", "Wang"]).plan) == who(draft)
    assert who(chosen_routes(case, told, draft, []).plan) == who(told)
    assert who(chosen_routes(case, NOTHING_TOLD, draft, ["Li"]).plan) == {"B": ("Li",), "D": ("Li",)}


def test_people_who_are_not_chosen_come_when_they_were_told(four):
    case = four.case()
    told = plan_of(case, Li="A B", Wang="C D")
    draft = plan_of(case, Li="B", Wang="A C D")
    found = chosen_routes(case, told, draft, ["Wang"])
    # Without A Li could be at B at 08:20; the customer was told 08:50.
    assert promises(found.plan)["B"].start == promises(told)["B"].start


def test_a_crew_of_which_one_is_not_chosen_is_refused_by_name(two_people):
    two_people.ticket("A", 10, crew=2)
    two_people.ticket("B", 20)
    case = two_people.case()
    told, draft = plan_of(case, Li="B"), plan_of(case, Li="A B", Wang="A")
    found = chosen_routes(case, told, draft, ["Li"])
    assert found.plan is None
    assert [(v.rule, v.ticket, v.what) for v in found.violations] == [
        ("crew", "A", "A is planned for a crew of which Wang would not be approved; approve their routes too")
    ]
    # The same crew as was told stays together.
    same = chosen_routes(case, plan_of(case, Li="A", Wang="A"), draft, ["Li"])
    assert who(same.plan) == {"A": ("Li", "Wang"), "B": ("Li",)}


def test_emergencies_alone_go_out_beside_what_people_were_told(four):
    four.ticket("E", 5)
    case = urgent(four.case(), "E")
    told = plan_of(case, Li="A B", Wang="C")
    draft = plan_of(case, Li="E B A", Wang="C D")
    found = chosen_emergencies(case, told, draft)
    assert who(found.plan) == {"A": ("Li",), "B": ("Li",), "C": ("Wang",), "E": ("Li",)}
    assert (found.taken, found.dropped, found.waiting) == (("E",), (), ("D",))
    # On the way: no more driving, 1000 saved.
    assert found.cost_change["skipped"] == -1000


def test_an_emergency_without_room_is_refused_by_name(four):
    four.technicians.pop()
    four.technicians[0] = four.technicians[0].__class__("Li", "Li", "S", {}, (replace(four.technicians[0].shifts[0], end=LineDay.at(100)),))
    four.ticket("E", 20)
    case = urgent(four.case(), "E")
    found = chosen_emergencies(case, plan_of(case, Li="A B"), plan_of(case, Li="E A"))
    # Two visits and 40 minutes of driving fill the 100 minutes.
    assert found.plan is None
    assert [(v.ticket, v.what) for v in found.violations] == [
        ("E", "Li cannot serve E beside what people were told; approve their whole routes")
    ]
    assert who(chosen_routes(case, plan_of(case, Li="A B"), plan_of(case, Li="E A"), ["Li"]).plan) == {"E": ("Li",), "A": ("Li",)}


@settings(max_examples=80)
@given(seed=st.integers(0, 5000), chosen=st.sets(st.sampled_from("ABC")))
def test_whatever_is_chosen_keeps_every_rule_and_serves_a_ticket_once(judge, seed, chosen):
    line = LineDay()
    random_day(line, random.Random(seed), "abcde")
    case = line.case()
    problem = build_problem(case, trips=2)
    draft = to_plan(problem, construct(problem))
    # What was told: the same day before two of its tickets were known.
    earlier = replace(case, tickets=case.tickets[1:4])
    known = build_problem(earlier, trips=2)
    told = to_plan(known, construct(known))
    for found in (chosen_routes(case, told, draft, chosen), chosen_emergencies(urgent(case, "a"), told, draft)):
        if found.plan is None:
            assert found.violations
            continue
        assert not check(case, found.plan)
        assert judge(json.loads(case_json(case)), json.loads(plan_json(found.plan)))["violations"] == []
        now = promises(found.plan)
        assert set(found.dropped) == {name for name in promises(told) if name not in now and name in case.ticket_by_id}
        assert not set(found.taken) & set(found.dropped)


def test_a_plan_is_held_against_the_case_of_now(four):
    case = four.case()
    plan = plan_of(case, Li="A B", Wang="C D")
    assert recheck(case, plan).holds
    # 20 minutes later nobody has left; A would begin at 08:30 in place of 08:10.
    later = replace(case, now=case.now + timedelta(minutes=20))
    found = recheck(later, plan)
    assert found.holds
    assert {each.ticket: each.minutes for each in found.later} == dict.fromkeys("ABCD", 20)
    assert recheck(later, plan, tolerance_minutes=20).later == ()
    closed = replace(case, tickets=case.tickets[1:])
    assert (recheck(closed, plan).gone, recheck(closed, plan).holds) == (("A",), False)
    ill = replace(case, technicians=case.technicians[:1])
    assert recheck(ill, plan).lost == ("C", "D")
    # Begun by the plan that people follow, and by the same people: under way, not gone.
    at_nine = replace(closed, now=case.now + timedelta(minutes=30))
    assert recheck(at_nine, plan, followed=plan).gone == ()
    due = replace(case, tickets=(replace(case.tickets[0], due=LineDay.at(10)), *case.tickets[1:]))
    assert recheck(due, plan).became_late == ()
    assert recheck(replace(due, now=case.now + timedelta(minutes=1)), plan).became_late == ("A",)
