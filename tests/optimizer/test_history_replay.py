"""Histories over again: days worked by hand, what one day leaves to the next, and what a scenario changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from data_models.case import Rates
from data_models.study import CloseStation, DailyShift, OpenStation, SetKits, SetPeople, SlowRoads
from optimizer.history_figures import cost_difference, figures_of, in_time_difference
from optimizer.history_replay import replay_history
from optimizer.result import Stop
from tests.optimizer.studies import MONDAY, crew, line_study, today, with_changes

EACH = Stop(iterations=100)
HOUR = timedelta(hours=1)


def starts(replayed) -> list[tuple[str, float | None]]:
    """(area, hours after Monday 00:00 at which work began) by time of opening."""
    return [(o.area, None if o.started is None else (o.started - MONDAY) / HOUR) for o in replayed.outcomes]


@pytest.mark.parametrize("policy", ["nearest", "insert", "optimize"])
def test_a_person_goes_and_is_home_again(policy) -> None:
    # a at 60 min: opened at 9, there at 10, 1 h of work, home at 12. 2 h of driving, 120 km.
    found = replay_history(today(line_study({"S": 0}, {"a": 60}, [("a", 9)])), policy, each=EACH)
    assert starts(found) == [("a", 10.0)]
    total = found.total
    assert (total.drive_hours, total.drive_km, total.work_hours, total.overtime_hours) == (2.0, 120.0, 1.0, 0.0)
    assert found.outcomes[0].in_time
    assert found.outcomes[0].station == "S"


@pytest.mark.parametrize("policy", ["nearest", "insert", "optimize"])
def test_somebody_out_at_the_end_of_a_day_is_sent_on_from_there(policy) -> None:
    # Days are cut at 00:00, the first hour without tickets. a at 60: opened 22, there 23, done 24. b at 90, opened at 24.5:
    # from a 30 min, there at 25, not 26 as from home. Driven: 60 + 30 + 90 min.
    study = line_study({"S": 0}, {"a": 60, "b": 90}, [("a", 22), ("b", 24.5)], crews=(crew(shifts=(DailyShift("12:00", 24.0),)),))
    found = replay_history(today(study), policy, each=EACH)
    assert starts(found) == [("a", 23.0), ("b", 25.0)]
    assert found.total.drive_hours == 3.0


def test_the_way_home_counts_when_nobody_sends_them_on() -> None:
    # a at 60: opened 22.5, there 23.5, done 24.5, home 25.5, on the next day.
    study = line_study({"S": 0}, {"a": 60}, [("a", 22.5)], crews=(crew(shifts=(DailyShift("12:00", 24.0),)),))
    found = replay_history(today(study), "insert", each=EACH)
    assert (found.total.drive_hours, found.total.work_hours) == (2.0, 1.0)


def test_what_no_shift_can_take_waits_for_the_next_days() -> None:
    # Work from 08:00 to 16:00 on weekdays only. Opened on Saturday at 10 (hour 130): begun on Monday at 08:00 + 30 min.
    weekdays = crew(shifts=(DailyShift("08:00", 8.0, (1, 2, 3, 4, 5)),))
    study = line_study({"S": 0}, {"a": 30}, [("a", 130)], days=14, crews=(weekdays,))
    found = replay_history(today(study), "optimize", each=EACH)
    assert starts(found) == [("a", 24 * 7 + 8.5)]
    assert not found.outcomes[0].in_time


def test_work_goes_on_after_the_end_of_the_history() -> None:
    # Home again before midnight is not possible: set out with the next day's shift, at 24.
    study = line_study({"S": 0}, {"a": 60}, [("a", 23.9)], days=1)
    assert starts(replay_history(today(study), "insert", each=EACH)) == [("a", 25.0)]


def test_overtime_is_what_the_way_home_takes_beyond_the_shift() -> None:
    # 08:00 to 16:00 and 2 h of overtime: opened 14, there 15, done 16, home 17: one hour.
    day = crew(shifts=(DailyShift("08:00", 8.0, overtime_minutes=120.0),))
    found = replay_history(today(line_study({"S": 0}, {"a": 60}, [("a", 14)], crews=(day,))), "insert", each=EACH)
    assert starts(found) == [("a", 15.0)]
    assert found.total.overtime_hours == 1.0


def test_a_station_that_opens_is_there_sooner() -> None:
    # From S at 0 to a at 100: 100 min, there at 10.67. From U at 90: 10 min.
    study = line_study({"S": 0, "U": 90}, {"a": 100}, [("a", 9)], candidates=["U"])
    before = replay_history(today(study), "optimize", each=EACH)
    after = replay_history(with_changes(study, OpenStation("U")), "optimize", each=EACH)
    assert starts(before) == [("a", 9 + 100 / 60)]
    assert starts(after) == [("a", 9 + 10 / 60)]
    assert after.outcomes[0].station == "U"


def test_nobody_comes_where_no_road_leads_or_no_kit_is() -> None:
    study = line_study({"S": 0}, {"a": 60, "b": 30}, [("a", 9), ("b", 10)])
    cut_off = with_changes(study, SlowRoads(0.0, 0.0, 1.0))
    assert starts(replay_history(cut_off, "optimize", each=EACH)) == [("a", None), ("b", None)]
    area = replace(study.history.areas[0], kits=("foam",))
    needs_foam = replace(study, history=replace(study.history, areas=(area, study.history.areas[1])))
    assert starts(replay_history(today(needs_foam), "optimize", each=EACH)) == [("a", None), ("b", 10.5)]
    has_foam = with_changes(needs_foam, SetKits("S", "foam", 1))
    assert starts(replay_history(has_foam, "optimize", each=EACH))[0] == ("a", 10.0)


def test_slow_roads_take_their_factor() -> None:
    study = line_study({"S": 0}, {"a": 60}, [("a", 9)])
    assert starts(replay_history(with_changes(study, SlowRoads(0.0, 0.0, 1.0, 1.5)), "insert", each=EACH)) == [("a", 10.5)]


def test_the_same_seed_gives_the_same_replay() -> None:
    study = line_study({"S": 0, "T": 200}, {"a": 30, "b": 120, "c": 180}, [("abc"[n % 3], n * 1.3) for n in range(100)])
    assert replay_history(today(study), "optimize", each=EACH) == replay_history(today(study), "optimize", each=EACH)


# --- figures ---


def test_figures_of_a_week_worked_by_hand() -> None:
    # One person round the clock. a at 30 at hour 9, in time; b at 150 at hour 33: there at 35.5, late (2 h promised).
    # Driving 1 + 5 = 6 h and 360 km at 10 an hour and 1 a km: 420 a week, x 365.25 / 7 a year. Stations 100 a year.
    study = line_study({"S": 0}, {"a": 30, "b": 150}, [("a", 9), ("b", 33)], rates=Rates(10.0, 1.0))
    situation = today(study)
    found = figures_of(situation, [replay_history(situation, "insert", each=EACH)])
    emergency = found.service["emergency"]
    assert (emergency.tickets, emergency.in_time.value, emergency.not_served) == (2, 0.5, 0)
    assert (emergency.median_minutes, emergency.in_time.half_width) == (90.0, None)
    assert found.cost.driving == pytest.approx(420 * 365.25 / 7)
    assert found.cost.stations == 100.0
    use = found.stations["S"]
    assert use.duty_hours == pytest.approx(24 * 365.25)
    assert use.use == pytest.approx((6 + 2) / (24 * 7))
    assert found.service["general"].in_time.value == 1.0


def test_a_difference_is_that_of_the_shares_and_certain_when_every_week_is_alike() -> None:
    # Each week one ticket in reach of S (30) and one only in reach of U (150): today half in time, with U all of them.
    tickets = [(area, 168 * week + at) for week in range(8) for area, at in (("a", 9), ("b", 33))]
    study = line_study({"S": 0, "U": 160}, {"a": 30, "b": 150}, tickets, candidates=["U"], days=56)
    before = [replay_history(today(study), "insert", each=EACH)]
    after = [replay_history(with_changes(study, OpenStation("U")), "insert", each=EACH)]
    found = in_time_difference(before, after, "emergency")
    assert (found.value, found.half_width) == (0.5, 0.0)
    assert cost_difference(before, after).value < 0
    with pytest.raises(ValueError, match="different seeds"):
        in_time_difference(before, [replace(after[0], seed=2)], "emergency")


def test_weeks_that_differ_make_the_interval_wider() -> None:
    # In time in odd weeks only: share 1/2; each of 8 weeks moves it by +-1/16: 1.96 sqrt(8/7 x 8 / 256) = 0.370.
    tickets = [("a" if week % 2 else "b", 168 * week + 9) for week in range(8)]
    study = line_study({"S": 0}, {"a": 30, "b": 150}, tickets, days=56)
    found = figures_of(today(study), [replay_history(today(study), "insert", each=EACH)]).service["emergency"].in_time
    assert found.value == 0.5
    assert found.half_width == pytest.approx(0.3704, abs=1e-4)


def test_more_people_serve_what_one_cannot() -> None:
    # Five tickets an hour's drive away within three minutes: one person is there at 10 and has time for a second at 11, as it was
    # opened after 9:00; five people are in time for all.
    study = line_study({"S": 0}, {"a": 60}, [("a", 9 + n / 100) for n in range(5)])
    one = replay_history(today(study), "optimize", each=EACH)
    five = replay_history(with_changes(study, SetPeople("S", "crew", 5)), "optimize", each=EACH)
    assert [sum(o.in_time for o in found.outcomes) for found in (one, five)] == [2, 5]


def test_nobody_is_left_after_the_only_station_closes() -> None:
    study = line_study({"S": 0}, {"a": 60}, [("a", 9)])
    found = replay_history(with_changes(study, CloseStation("S")), "optimize", each=EACH)
    assert starts(found) == [("a", None)]
    assert found.outcomes[0].cost > 0
