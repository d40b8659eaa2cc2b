"""Several searches that exchange: repeatable, whatever the clock did; one alone is as before."""

from __future__ import annotations

import random

import pytest

from optimizer import exchange
from optimizer.exchange import share_best, share_present, team_of
from optimizer.problem import build_problem
from optimizer.result import Stop
from optimizer.schedule import schedule
from optimizer.search import begin, solve


def busy_day(day, rng: random.Random) -> None:
    """Fourteen tickets, one crew and one scarce kit among them, for three technicians: more than fit."""
    day.station("S", k=1)
    for name in "ABC":
        day.technician(name, shifts=((0, rng.randint(200, 300)),), overtime=60)
    for number in range(14):
        more: dict = {"crew": 2} if number == 0 else {}
        more |= {"kits": ("k",)} if number % 5 == 1 else {}
        day.ticket(f"t{number}", rng.randint(-60, 60), due=rng.randint(20, 240), skip_cost=rng.choice([90, 150]), **more)


@pytest.fixture
def problem(line_day):
    busy_day(line_day, random.Random(3))
    return build_problem(line_day.case())


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_seed_iterations_and_workers_repeat_a_run_however_the_clock_ran(problem, workers):
    ticks = iter(range(10**9))
    by_clock = solve(problem, Stop(seconds=1.0), 3, workers=workers, clock=lambda: next(ticks) * 0.003)
    assert by_clock.iterations > 2000  # more than the first cycle of temperatures
    by_count = solve(problem, Stop(iterations=by_clock.iterations), 3, workers=workers)
    assert by_count.schedule == by_clock.schedule
    assert by_count.iterations == by_clock.iterations


def test_steps_of_any_length_lead_to_the_same_place(problem):
    ends = []
    for step in (7, 1000, 9000):
        with team_of(problem, begin(problem, None, 5), 5, 2) as team:
            team.cool(problem, 4000)
            while team.done < 9000:
                team.advance(min(9000, team.done + step))
            ends.append([(each.best(), each.state.rows.tolist(), each.state.level.tolist()) for each in team.members])
    assert ends[0] == ends[1] == ends[2]


def test_the_first_worker_meets_the_others_and_is_changed_by_them(problem):
    alone, among = begin(problem, None, 5), begin(problem, None, 5)
    with team_of(problem, alone, 5, 1) as one, team_of(problem, among, 5, 3) as three:
        for team in (one, three):
            team.cool(problem, 2000)
            team.advance(1000)
    assert alone.state.random[0] != among.state.random[0]


def test_they_meet_sixteen_times_in_a_cycle_and_share_the_best_at_its_end(problem, monkeypatch):
    met = []
    with team_of(problem, begin(problem, None, 1), 1, 2) as team:
        monkeypatch.setattr(exchange, "share_best", lambda _: met.append(("best", team.done)))
        monkeypatch.setattr(exchange, "share_present", lambda _: met.append(("present", team.done)))
        team.cool(problem, 3200)
        team.advance(3700)
    # The first cycle has 3,200 iterations, the next an eighth of them.
    ends = [200 * i for i in range(1, 17)] + [3200 + 25 * i for i in range(1, 17)] + [3600 + 25 * i for i in range(1, 5)]
    assert met == [("best" if end in (3200, 3600) else "present", end) for end in ends]


def test_sharing_the_best_gives_it_to_all(problem):
    from optimizer import search_kernel as kernel

    with team_of(problem, begin(problem, None, 1), 1, 3) as team:
        team.advance(40)
        bests = [each.best() for each in team.members]
        assert len(set(bests)) > 1
        cheapest = float(min(each.state.level[kernel.BEST] for each in team.members))
        share_best(team.members)
        assert [float(each.state.level[kernel.BEST]) for each in team.members] == [cheapest] * 3
        assert [schedule(problem, each.best()).cost for each in team.members] == [pytest.approx(cheapest)] * 3


def test_the_dearest_goes_on_from_where_the_cheapest_is(problem):
    from optimizer import search_kernel as kernel

    with team_of(problem, begin(problem, None, 2), 2, 3) as team:
        team.cool(problem, 2000)
        team.advance(130)
        costs = [float(each.state.level[kernel.TOTAL]) for each in team.members]
        assert costs.count(max(costs)) == 1
        assert costs.count(min(costs)) < 3
        bests = [each.best() for each in team.members]
        share_present(team.members)
        after = [float(each.state.level[kernel.TOTAL]) for each in team.members]
        assert after[costs.index(max(costs))] == pytest.approx(min(costs))
        assert [after[i] for i in range(3) if costs[i] != max(costs)] == [cost for cost in costs if cost != max(costs)]
        assert [each.best() for each in team.members] == bests


def test_more_workers_are_never_worse_than_their_start(problem):
    start = solve(problem, Stop(iterations=3000), 1)
    again = solve(problem, Stop(iterations=200), 2, start=start.schedule.solution, workers=2)
    assert again.cost <= start.cost
