"""Expected service by formula: cases worked by hand, and that the replay with the dispatcher agrees."""

from __future__ import annotations

import random

import numpy as np
import pytest

from data_models.study import CloseStation, DailyShift, Growth, OpenStation, SetPeople
from optimizer.expected_service import expected_service, solved
from optimizer.history_replay import replay_history
from optimizer.hypercube import all_out, larson
from optimizer.result import Stop
from optimizer.study_rates import rates_of
from tests.optimizer.studies import crew, line_study, today, with_changes


def poisson_tickets(seed: int, areas: str, days: int, per_day: float) -> list[tuple[str, float]]:
    chance = random.Random(seed)
    found, at = [], chance.expovariate(per_day / 24)
    while at < 24 * days:
        found.append((chance.choice(areas), at))
        at += chance.expovariate(per_day / 24)
    return found


def test_one_person_is_busy_as_long_as_the_work_takes() -> None:
    # A ticket every 13 h, at all hours of the day, each 30 + 60 + 30 min: busy 2/13 of the time. Whoever asks then is in time when no
    # more than 120 - 30 of the 120 min are left: 3/4. In time 11/13 + 2/13 x 3/4 = 12.5/13, but for the change of shifts at midnight.
    study = line_study({"S": 0}, {"a": 30}, [("a", 13.0 * n) for n in range(240)], days=130)
    found = expected_service(today(study))
    assert found.busy["S"] == pytest.approx(2 / 13, rel=0.01)
    assert found.in_time["emergency"] == pytest.approx(12.5 / 13, abs=0.006)
    assert found.in_time["general"] == 1.0


def test_out_of_reach_is_late_and_a_station_there_changes_that() -> None:
    tickets = [(area, 24.0 * n + hour) for n in range(50) for area, hour in (("a", 3), ("b", 15))]
    study = line_study({"S": 0, "U": 310}, {"a": 20, "b": 300}, tickets, candidates=["U"], days=50)
    before, after = expected_service(today(study)), expected_service(with_changes(study, OpenStation("U")))
    assert before.by_area.round(2).tolist() == pytest.approx([0.98, 0.0], abs=0.06)
    assert after.by_area.round(2).tolist() == pytest.approx([1.0, 1.0], abs=0.06)


def test_who_is_off_duty_comes_when_the_shift_begins() -> None:
    # On duty from 08:00 to 16:00, a at 30 min: in time when opened from 06:30 on (two hours before 08:30), late between 14:00, from when
    # on 30 + 60 + 30 min do not fit any more, and 06:30. Hours are judged at their middle: of 24 those from 6:30 to 13:30, eight.
    day = (DailyShift("08:00", 8.0),)
    study = line_study({"S": 0}, {"a": 30}, [("a", 25.0 * n) for n in range(24)], days=26, crews=(crew(shifts=day),))
    by_hour = expected_service(today(study)).by_hour[:24]
    assert [hour for hour in range(24) if by_hour[hour] > 0.5] == [6, 7, 8, 9, 10, 11, 12, 13]
    assert by_hour[[0, 5, 14, 23]].tolist() == [0.0, 0.0, 0.0, 0.0]


def test_weekends_without_shifts_count_by_hour_of_the_week() -> None:
    weekdays = (DailyShift("00:00", 24.0, (1, 2, 3, 4, 5)),)
    study = line_study({"S": 0}, {"a": 30}, [("a", 25.0 * n) for n in range(24)], days=26, crews=(crew(shifts=weekdays),))
    by_hour = expected_service(today(study)).by_hour
    assert by_hour[12] > 0.9
    assert by_hour[24 * 5 + 12] == 0.0


def test_more_people_and_more_tickets_move_it_the_right_way() -> None:
    study = line_study({"S": 0}, {"a": 60}, [("a", 4.0 * n) for n in range(600)], days=100)
    one, three = expected_service(today(study)), expected_service(with_changes(study, SetPeople("S", "crew", 3)))
    grown = expected_service(with_changes(study, Growth(1.4)))
    assert grown.in_time["emergency"] < one.in_time["emergency"] < three.in_time["emergency"]
    assert three.busy["S"] == pytest.approx(one.busy["S"] / 3, rel=0.02)


def test_without_a_station_nothing_is_in_time() -> None:
    study = line_study({"S": 0, "U": 0}, {"a": 60}, [("a", 9)], candidates=["S", "U"])
    assert expected_service(today(study)).in_time["emergency"] == 0.0


def test_larsons_factor_is_that_of_the_queue_with_two_servers() -> None:
    # M/M/2 with rho = 1/2: P0 = 1/3, P1 = 1/3, P(both busy) = 1/3. The first asked is busy and the second idle: P1 / 2 = 1/6.
    # Independent servers: 1/2 x 1/2 = 1/4, so Q = 2/3. The first is idle: P0 + P1 / 2 = 1/2, as it would be: Q = 1.
    assert larson(2, 0.5, 3).tolist() == pytest.approx([1.0, 2 / 3, 1.0])


def test_kits_are_all_out_as_erlang_says() -> None:
    # Load 1: one kit is out 1 / 2 of the time, two are both out 1 / 5.
    assert all_out(np.array([1.0, 2.0, 0.0]), np.array([1.0, 1.0, 1.0])).tolist() == pytest.approx([0.5, 0.2, 1.0])


def test_rates_are_those_of_the_history_and_grow_with_it() -> None:
    # 60 of 90 tickets in a, in 90 days.
    study = line_study({"S": 0}, {"a": 10, "b": 20}, [("a" if n % 3 else "b", 24.0 * n + 9) for n in range(90)], days=90)
    rates = rates_of(today(study))
    assert rates.per_year.sum() == pytest.approx(365.25, rel=0.01)
    assert rates.per_year[0, 0] / rates.per_year[0, 1] == pytest.approx(2, rel=0.1)
    assert rates.hours.sum(axis=1).tolist() == pytest.approx([1.0])
    assert rates.hours[0].argmax() % 24 == 9
    assert rates_of(with_changes(study, Growth(2.0))).per_year.sum() == pytest.approx(2 * rates.per_year.sum())


@pytest.mark.parametrize(("per_day", "people"), [(4.0, 1), (10.0, 2)])
def test_the_replay_with_the_dispatcher_agrees_within_three_points(per_day, people) -> None:
    # Two stations and five areas around them, busy 30 % of the time and more; 2.5 points is two standard errors of 1,200 tickets and more.
    positions = {"a": 20, "b": 50, "c": 90, "d": 120, "e": 150}
    days = round(1500 / per_day)
    crews = (crew(people=people),)
    study = line_study({"S": 40, "T": 130}, positions, poisson_tickets(5, "abcde", days, per_day), days=days, work=60.0, crews=crews)
    found = expected_service(today(study))
    replayed = replay_history(today(study), "insert", each=Stop(iterations=0))
    share = sum(outcome.in_time for outcome in replayed.outcomes) / len(replayed.outcomes)
    assert found.in_time["emergency"] == pytest.approx(share, abs=0.03)


def test_what_was_found_for_a_situation_much_like_it_changes_the_time_and_not_the_answer() -> None:
    positions = {"a": 20, "b": 50, "c": 90, "d": 120, "e": 150}
    tickets = poisson_tickets(5, "abcde", 200, 12.0)
    study = line_study({"S": 40, "T": 130, "U": 90}, positions, tickets, candidates=["U"], days=200, crews=(crew(people=2),))
    base = solved(today(study))
    for change in (SetPeople("S", "crew", 3), OpenStation("U"), CloseStation("T"), Growth(1.3), SetPeople("S", "crew", 0)):
        alone, shared = expected_service(with_changes(study, change)), solved(with_changes(study, change), near=base)
        assert shared.service.in_time["emergency"] == pytest.approx(alone.in_time["emergency"], abs=3e-4)
        assert shared.service.by_area == pytest.approx(alone.by_area, abs=1e-3)
    more = solved(with_changes(study, SetPeople("S", "crew", 3)), base.model.rates, near=base)
    assert more.model.choices is base.model.choices
    assert solved(with_changes(study, OpenStation("U")), base.model.rates, near=base).model.choices is not base.model.choices
