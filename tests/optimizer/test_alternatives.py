"""Who else could go, what that would cost, and remedies that a click applies: what is shown is what then happens."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from optimizer.alternatives import NOT_BY_A_CLICK, fix_of, fixes, next_best
from optimizer.edited_rules import CLICKABLE
from optimizer.editing import Desk, LeaveOut, Pin
from optimizer.explanation import Change, ChangeKind, Remedy
from optimizer.insertion import construct
from optimizer.problem import build_problem, to_plan
from optimizer.published import promises
from tests.optimizer.conftest import EIGHT, LineDay
from tests.optimizer.days import random_day
from tests.optimizer.test_editing import begun

pytestmark = pytest.mark.usefixtures("compiled_search")


@pytest.fixture
def five(line_day) -> LineDay:
    line_day.station("S")
    for name in ("Li", "Wang", "Zhao", "Sun", "Qian"):
        line_day.technician(name)
    line_day.ticket("A", 10)
    line_day.ticket("B", 20, banned=("Qian",))
    line_day.ticket("C", 30)
    return line_day


def test_the_three_next_best_cost_what_is_said(five):
    desk, state = begun(five, Li="AB", Wang="C")
    # Without B Li drives 20 in place of 40. Wang passes B on the way home: 20 less. Sun or Zhao alone would drive 40: 20 more than now.
    found = next_best(state, "B")
    assert [(each.technicians, each.cost_change) for each in found[:1]] == [(("Wang",), -20)]
    assert {each.technicians for each in found[1:]} == {("Zhao",), ("Sun",)}
    assert [each.cost_change for each in found[1:]] == [20, 20]
    for each in found:
        taken = desk.apply(state, each.change)
        assert taken.cost_change["total"] == each.cost_change
        assert promises(taken.state.plan)["B"].technicians == each.technicians
        assert promises(taken.state.plan)["B"].start == each.start
    assert next_best(state, "Z") == ()


def test_for_a_ticket_left_out_the_best_people_to_put_it_in(five):
    desk, state = begun(five, Li="AB", Wang="C")
    without = desk.apply(state, LeaveOut("B")).state
    found = next_best(without, "B", most=1)
    assert [(each.technicians, each.cost_change) for each in found] == [(("Wang",), -1000)]
    assert desk.apply(without, found[0].change).cost_change["total"] == -1000


def test_nobody_else_when_the_ticket_is_pinned(five):
    desk, state = begun(five, Li="AB", Wang="C")
    assert next_best(desk.apply(state, Pin("B", ("Li",))).state, "B") == ()


@pytest.mark.parametrize("seed", range(12))
def test_applying_an_alternative_of_one_person_costs_what_was_said(seed):
    line = LineDay()
    random_day(line, random.Random(seed), "abcdef")
    case = line.case()
    problem = build_problem(case, trips=2)
    desk = Desk(case)
    state = desk.begin(to_plan(problem, construct(problem)))
    for ticket in case.tickets:
        for each in next_best(state, ticket.id) if ticket.crew == 1 else ():
            taken = desk.apply(state, each.change)
            assert taken.accepted, (ticket.id, each, taken.violations)
            assert taken.cost_change["total"] == pytest.approx(each.cost_change, abs=0.011), (ticket.id, each)


def test_a_fix_is_applied_by_one_change(five):
    short = replace(five.technicians[0].shifts[0], end=LineDay.at(140))
    five.technicians[:] = [replace(who, shifts=(short,)) for who in five.technicians if who.id in ("Li", "Qian")]
    # Li: A 08:10-08:40, C 09:00-09:30, home 10:00. With B half an hour more: ten minutes beyond the end. Qian may not go there.
    desk, state = begun(five, Li="AC")
    found = fixes(state, "B")
    assert found
    for each in found:
        if each.change is None:
            assert each.why_not == NOT_BY_A_CLICK[each.remedy.change.kind]
            continue
        taken = desk.apply(state, each.change)
        assert taken.accepted
        assert promises(taken.state.plan)["B"].start == each.remedy.start
    assert any(each.change is not None for each in found)


@pytest.mark.parametrize("kind", [*CLICKABLE, *NOT_BY_A_CLICK])
def test_every_kind_of_remedy_is_applied_or_says_why_not(kind: ChangeKind):
    fix = fix_of("A", Remedy(Change(kind), EIGHT, (), 0, 0, ""))
    assert (fix.change is None) == (kind not in CLICKABLE) == bool(fix.why_not)
