"""Whether what happened calls for planning again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.moments import case_at, with_emergency, with_overrun, with_sick, without_ticket
from data_models.case_files import read_case
from optimizer.matters import matters
from optimizer.problem import build_problem
from optimizer.published import promises
from optimizer.regions import solve
from optimizer.replanning import replan
from optimizer.result import Stop

pytestmark = pytest.mark.usefixtures("compiled_search")
CASES = Path(__file__).parents[2].parent / "shared" / "cases"


@pytest.fixture(scope="module")
def day():
    """A day of sixty tickets and its plan, at three moments."""
    if not CASES.is_dir():
        pytest.skip(f"{CASES} is not here")
    case = read_case(CASES / "day-60.json")
    plan = solve(build_problem(case, trips=2), Stop(iterations=2000), 1).plan()
    return case, plan, {hours: case_at(case, plan, case.now + timedelta(hours=hours)) for hours in (1, 2, 4)}


def test_time_going_by_as_planned_is_nothing(day):
    case, plan, moments = day
    before = case
    for moment in moments.values():
        assert matters(before, moment, plan).reasons == ()
        before = moment
    assert not matters(moments[2], moments[2])


def test_a_plan_made_while_people_were_out_is_followed_as_well(day):
    _, plan, moments = day
    before = moments[2]
    again = replan(before, plan, Stop(iterations=500), 1).plan
    for minutes in (20, 40):
        moment = case_at(before, again, before.now + timedelta(minutes=minutes))
        assert any(who.start is not None for who in moment.technicians)
        assert matters(before, moment, again).reasons == ()
        assert replan(moment, again, Stop(iterations=0), 1).difference.changes == ()


def test_each_kind_of_news_matters_and_is_named(day):
    case, plan, moments = day
    before, now = moments[1], moments[2]
    waiting = next(item.ticket for item in now.committed if not item.locked)
    person = next(item.technicians[0] for item in now.committed if not item.locked)
    assert "ticket NEW is new" in matters(before, with_emergency(now, case.tickets[0]), plan).reasons
    assert matters(before, without_ticket(now, waiting), plan).reasons == (f"ticket {waiting} is gone before work on it began",)
    assert f"technician {person} cannot work any more" in matters(before, with_sick(now, person), plan).reasons
    longer = replace(now, tickets=tuple(replace(t, service_minutes=t.service_minutes + 1) for t in now.tickets[:1]) + now.tickets[1:])
    assert f"ticket {now.tickets[0].id}: service minutes changed" in matters(before, longer, plan).reasons
    fewer = replace(now, stations=(replace(now.stations[0], kits={}), *now.stations[1:]))
    assert matters(before, fewer, plan).reasons[0] == f"station {now.stations[0].id}: kits changed"
    assert matters(before, replace(now, rates=replace(now.rates, drive_per_km=9.0)), plan).reasons == ("prices changed",)
    others = tuple(item for item in now.committed if person not in item.technicians)
    without = replace(now, technicians=tuple(t for t in now.technicians if t.id != person), committed=others)
    assert f"technician {person} is gone" in matters(before, without, plan).reasons


def test_shifts_that_come_into_view_are_nothing_and_others_are(line_day):
    line_day.station("S")
    line_day.technician("Li", shifts=[(0, 540)])
    line_day.technician("Wang", shifts=[(0, 540)])
    before = line_day.case()
    view, tomorrow = line_day.at(1440), replace(before.technicians[0].shifts[0], start=line_day.at(1440), end=line_day.at(1980))
    li, wang = before.technicians
    later = replace(before, now=line_day.at(15), technicians=(replace(li, shifts=(*li.shifts, tomorrow)), wang))
    assert matters(before, later, seen_until=view).reasons == ()
    assert matters(before, later).reasons == ("technician Li works other hours",)
    # One that begins a second before the end of what was seen was not there: that is news.
    sooner = replace(tomorrow, start=line_day.at(1440) - timedelta(seconds=1))
    seen = replace(later, technicians=(replace(li, shifts=(*li.shifts, sooner)), wang))
    assert matters(before, seen, seen_until=view).reasons == ("technician Li works other hours",)
    # Whoever comes into view with a first shift is no new technician; whoever has one today is.
    alone = replace(before, technicians=(wang,))
    assert matters(alone, replace(later, technicians=(replace(li, shifts=(tomorrow,)), wang)), seen_until=view).reasons == ()
    assert matters(alone, later, seen_until=view).reasons == ("technician Li is new",)
    # Sick today: tomorrow's shift, which nobody had seen, does not hide it.
    sick = replace(later, technicians=(replace(li, shifts=(tomorrow,)), wang))
    assert matters(before, sick, seen_until=view).reasons == ("technician Li cannot work any more",)


def test_a_delay_matters_as_soon_as_it_moves_a_visit_by_more_than_is_tolerated(line_day):
    line_day.station("S")
    line_day.technician("Li", out=(20, 30, ()))
    line_day.ticket("x", 20)
    line_day.ticket("a", 40, windows=((100, 480),))
    line_day.ticket("b", 60, due=165)
    case = line_day.case()
    morning = replace(case, technicians=(replace(case.technicians[0], start=None),))
    plan = solve(build_problem(morning), Stop(iterations=50), 1).plan()
    # x 08:20 to 08:50, a from 09:40 to 10:10 as the customer opens then, b at 10:30; a waits for 30 minutes after driving for 20.
    assert {name: promise.start for name, promise in promises(plan).items()} == {
        "x": line_day.at(20), "a": line_day.at(100), "b": line_day.at(150),
    }  # fmt: skip
    now = replace(case, now=line_day.at(30), tickets=case.tickets[1:])
    free = replace(now, technicians=(replace(now.technicians[0], start=replace(now.technicians[0].start, at=line_day.at(50))),))
    assert not matters(now, free, plan)
    assert not matters(now, with_overrun(free, "Li", 30), plan)
    assert not matters(now, with_overrun(free, "Li", 45), plan)
    # 46 late: a and b begin 16 late, and b, due at 10:45, is late.
    assert matters(now, with_overrun(free, "Li", 46), plan).reasons == (
        "ticket a begins 16 min later than planned",
        "ticket b begins 16 min later than planned",
    )
    assert matters(now, with_overrun(free, "Li", 46), plan, tolerance_minutes=30).reasons == (
        "ticket b is late by 1 min, which was planned in time",
    )
    assert matters(now, free).reasons == ("technician Li becomes free elsewhere or at another time",)
