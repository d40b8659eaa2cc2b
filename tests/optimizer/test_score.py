"""What a plan costs, worked out by hand for the four-ticket day."""

import json
from pathlib import Path
from typing import Any

import pytest

from data_models.case_files import parse_case, parse_plan
from optimizer.score import Score, Service, score

FIXTURES = Path(__file__).parents[1] / "fixtures"
Json = dict[str, Any]


@pytest.fixture
def case() -> Json:
    return json.loads((FIXTURES / "four-ticket-day.json").read_text(encoding="utf-8"))


@pytest.fixture
def plan() -> Json:
    return json.loads((FIXTURES / "four-ticket-day-plan.json").read_text(encoding="utf-8"))


def scored(case: Json, plan: Json) -> Score:
    return score(parse_case(json.dumps(case)), parse_plan(json.dumps(plan)))


def test_the_four_ticket_day_costs_what_we_know_by_heart(case: Json, plan: Json) -> None:
    result = scored(case, plan)

    # T1 drives 20 + 15 + 40 + 75 = 150 min, T2 60 + 75 = 135 min: 4.75 h and, at one km a minute, 285 km.
    assert (result.drive_hours, result.drive_km) == (4.75, 285)
    assert result.cost.drive == pytest.approx(4.75 * 60 + 285 * 1.2)  # 627
    # W3 starts at 11:00 and was due at 10:30: 1,500 once and half an hour at 400.
    assert (result.cost.missed, result.cost.late) == (1500, 200)
    # T1 is back at 13:15, the shift ends at 13:00: a quarter of an hour at 90.
    assert (result.overtime_hours, result.cost.overtime) == (0.25, 22.5)
    # W4 is not planned.
    assert result.cost.skipped == 1000
    # W2 was promised with T2 and goes to T1; W3 keeps its two people in another order.
    assert result.cost.changed == 300
    assert result.cost.total == pytest.approx(1000 + 1500 + 200 + 627 + 22.5 + 300)  # 3,649.50


def test_service_is_counted_by_severity(case: Json, plan: Json) -> None:
    assert scored(case, plan).service == {"emergency": Service(1, 1, 1), "important": Service(2, 2, 1), "general": Service(1, 0, 0)}


@pytest.mark.parametrize(("due", "on_time", "late_cost"), [("11:00:01", 2, 0), ("11:00:00", 2, 0), ("10:59:59", 1, 1500 + 400 / 3600)])
def test_a_ticket_is_late_one_second_after_its_due_time_without_forgiveness(
    case: Json, plan: Json, due: str, on_time: int, late_cost: float
) -> None:
    case["tickets"][2]["due"] = f"2026-03-02T{due}+08:00"
    result = scored(case, plan)

    assert result.service["important"].on_time == on_time
    assert result.cost.missed + result.cost.late == pytest.approx(late_cost)


@pytest.mark.parametrize("late_one", [0, 1])
def test_a_crew_is_as_late_as_the_last_of_it(case: Json, plan: Json, late_one: int) -> None:
    plan["routes"][late_one]["stops"][-1]["start"] = "2026-03-02T11:30:00+08:00"

    assert scored(case, plan).cost.late == 400


def test_a_locked_ticket_with_other_people_breaks_a_rule_and_costs_no_change(case: Json, plan: Json) -> None:
    case["committed"][1]["locked"] = True

    assert scored(case, plan).cost.changed == 0


def test_a_promise_that_is_not_planned_counts_as_changed(case: Json, plan: Json) -> None:
    case["committed"].append({"ticket": "W4", "technicians": ["T1"]})

    assert scored(case, plan).cost.changed == 600


def test_overtime_counts_to_the_last_return_of_a_shift_once(case: Json, plan: Json) -> None:
    trip = {"technician": "T1", "shift": 0, "depart": "2026-03-02T13:30:00+08:00", "stops": [], "return": "2026-03-02T13:45:00+08:00"}
    plan["routes"].append(trip)

    assert scored(case, plan).overtime_hours == 0.75


def test_someone_out_without_a_route_drives_home_free_of_charge(case: Json, plan: Json) -> None:
    start = {"lat": 30.9, "lon": 114.1, "place": 4, "at": "2026-03-02T08:00:00+08:00", "kits": []}
    case["technicians"].append(dict(case["technicians"][1], id="T3", start=start))

    assert scored(case, plan).drive_hours == 4.75


def test_the_first_trip_of_someone_out_is_charged_from_where_they_are(case: Json, plan: Json) -> None:
    case["technicians"][1]["start"] = {"lat": 30.9, "lon": 114.1, "place": 4, "at": "2026-03-02T08:00:00+08:00", "kits": []}

    # 25 minutes from W4 in place of 60 from the station.
    assert scored(case, plan).drive_hours == pytest.approx(4.75 - 35 / 60)


def test_someone_out_starts_the_next_shift_at_the_station(case: Json, plan: Json) -> None:
    case["technicians"][1]["start"] = {"lat": 30.9, "lon": 114.1, "place": 4, "at": "2026-03-02T08:00:00+08:00", "kits": []}
    case["technicians"][1]["shifts"].append({"start": "2026-03-03T10:00:00+08:00", "end": "2026-03-03T18:00:00+08:00"})
    plan["routes"][1]["shift"] = 1

    assert scored(case, plan).drive_hours == 4.75


def test_a_leg_without_a_road_costs_without_end_unless_driving_is_free(case: Json, plan: Json) -> None:
    case["travel"]["seconds"][0][1] = case["travel"]["metres"][0][1] = float("inf")
    assert scored(case, plan).cost.total == float("inf")

    case["rates"].update(drive_per_hour=0, drive_per_km=0)
    assert scored(case, plan).cost.drive == 0


def test_absent_rates_are_zero(case: Json, plan: Json) -> None:
    del case["rates"]
    result = scored(case, plan)

    assert (result.cost.drive, result.cost.overtime, result.cost.changed) == (0, 0, 0)


def test_a_great_circle_drive_is_rounded_up_to_whole_seconds(case: Json, plan: Json) -> None:
    # One degree of a meridian is 2π × 6371.0088 / 360 = 111.195 km; × 1.3 at 70 km/h = 7,434.18 s: 7,435 s each way.
    case["travel"] = {"kind": "great_circle", "detour": 1.3, "speed_kmh": 70}
    case["tickets"][0].update(lat=31.58, lon=114.27)
    plan["routes"] = [dict(plan["routes"][0], stops=plan["routes"][0]["stops"][:1])]
    result = scored(case, plan)

    assert result.drive_hours * 3600 == pytest.approx(2 * 7435, abs=1e-6)
    assert result.drive_km == pytest.approx(2 * 1.3 * 111.195, abs=0.001)
