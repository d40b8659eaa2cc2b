"""Each rule of a plan: allowed, exactly at its limit, one second over (which rounding forgives) and two seconds over."""

import copy
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from data_models.case_files import parse_case, parse_plan
from optimizer.check import Violation, check

FIXTURES = Path(__file__).parents[1] / "fixtures"
Json = dict[str, Any]
Edit = Callable[[Json, Json, int], None]


def load(name: str) -> Json:
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))


def violations(edit: Edit, amount: int = 0, *, replay: bool = False) -> list[Violation]:
    """What `check` says of the four-ticket day after an edit of case and plan."""
    case, plan = load("four-ticket-day.json"), load("four-ticket-day-plan.json")
    edit(case, plan, amount)
    return list(check(parse_case(json.dumps(case)), parse_plan(json.dumps(plan)), replay=replay))


def later(time: str, seconds: int) -> str:
    return (datetime.fromisoformat(time) + timedelta(seconds=seconds)).isoformat()


def at(clock: str, seconds: int = 0) -> str:
    return later(f"2026-03-02T{clock}:00+08:00", seconds)


def stop(plan: Json, route: int, number: int) -> Json:
    return plan["routes"][route]["stops"][number]


def unchanged(case: Json, plan: Json, amount: int) -> None:
    pass


def departs_before_now(case: Json, plan: Json, s: int) -> None:
    plan["routes"][0]["depart"] = at("08:00", -s)


def departs_before_the_shift(case: Json, plan: Json, s: int) -> None:
    case["technicians"][1]["shifts"][0]["start"] = at("10:00", s)


def departs_before_being_free_on_the_road(case: Json, plan: Json, s: int) -> None:
    case["technicians"][1]["start"] = {"lat": 30.58, "lon": 114.27, "place": 0, "at": at("10:00", s), "kits": []}


def second_trip_departs_before_the_first_is_back(case: Json, plan: Json, s: int) -> None:
    plan["routes"].append(
        {"technician": "T2", "shift": 0, "kits": [], "depart": at("13:15", -s), "stops": [], "return": at("14:00"), "breaks": []}
    )


def arrives_before_the_drive_allows(case: Json, plan: Json, s: int) -> None:
    stop(plan, 0, 0)["arrive"] = at("08:20", -s)


def the_leg_counts_in_its_own_direction(case: Json, plan: Json, s: int) -> None:
    case["travel"]["seconds"][0][3] = 3600 + s  # Only T2 drives from the station to W3; nobody's way back is this long.


def returns_before_the_drive_allows(case: Json, plan: Json, s: int) -> None:
    plan["routes"][1]["return"] = at("13:15", -s)


def starts_before_arriving(case: Json, plan: Json, s: int) -> None:
    stop(plan, 0, 0)["arrive"] = at("08:20", s)


def starts_before_it_is_opened(case: Json, plan: Json, s: int) -> None:
    case["tickets"][1]["opened_at"] = at("09:35", s)


def starts_before_not_before(case: Json, plan: Json, s: int) -> None:
    case["tickets"][1]["not_before"] = at("09:35", s)


def starts_before_its_window(case: Json, plan: Json, s: int) -> None:
    case["tickets"][1]["windows"] = [{"start": at("08:00"), "end": at("08:30")}, {"start": at("09:35", s), "end": at("12:00")}]


def starts_after_its_window(case: Json, plan: Json, s: int) -> None:
    case["tickets"][1]["windows"] = [{"start": at("08:00"), "end": at("09:35", -s)}, {"start": at("11:00"), "end": at("12:00")}]


def leaves_before_the_work_is_done(case: Json, plan: Json, s: int) -> None:
    stop(plan, 0, 1)["finish"] = at("10:05", -s)


def comes_back_after_shift_and_overtime(case: Json, plan: Json, s: int) -> None:
    case["technicians"][0]["shifts"][0]["end"] = at("12:15", -s)  # With 60 minutes of overtime: 13:15, when T1 is back.


def break_begins_too_early(case: Json, plan: Json, s: int) -> None:
    case["technicians"][0]["shifts"][0]["breaks"][0]["earliest"] = at("10:05", s)


def break_begins_too_late(case: Json, plan: Json, s: int) -> None:
    case["technicians"][0]["shifts"][0]["breaks"][0]["latest"] = at("10:05", -s)


def break_is_too_short(case: Json, plan: Json, s: int) -> None:
    plan["routes"][0]["breaks"][0]["finish"] = at("10:20", -s)


def break_leaves_too_little_for_the_drive(case: Json, plan: Json, s: int) -> None:
    # Between W2 (until 10:05) and W3 (from 11:00) are 55 minutes: 40 to drive, 15 to rest, and no second more.
    plan["routes"][0]["breaks"][0]["finish"] = at("10:20", s)


def sets_out_before_it_is_opened(case: Json, plan: Json, s: int) -> None:
    case["tickets"][0]["opened_at"] = at("08:00", s)


def crew_starts_apart(case: Json, plan: Json, s: int) -> None:
    route = plan["routes"][1]
    route["stops"][0].update(start=at("11:00", s), finish=at("12:00", s))
    route["return"] = at("13:15", s)


TIME_RULES: list[tuple[str, Edit, bool]] = [
    ("depart", departs_before_now, False),
    ("depart", departs_before_the_shift, False),
    ("depart", departs_before_being_free_on_the_road, False),
    ("depart", second_trip_departs_before_the_first_is_back, False),
    ("travel", arrives_before_the_drive_allows, False),
    ("travel", the_leg_counts_in_its_own_direction, False),
    ("travel", returns_before_the_drive_allows, False),
    ("start", starts_before_arriving, False),
    ("start", starts_before_it_is_opened, False),
    ("start", starts_before_not_before, False),
    ("window", starts_before_its_window, False),
    ("window", starts_after_its_window, False),
    ("service", leaves_before_the_work_is_done, False),
    ("shift", comes_back_after_shift_and_overtime, False),
    ("break", break_begins_too_early, False),
    ("break", break_begins_too_late, False),
    ("break", break_is_too_short, False),
    ("break", break_leaves_too_little_for_the_drive, False),
    ("crew", crew_starts_apart, False),
    ("foresight", sets_out_before_it_is_opened, True),
]


def test_the_four_ticket_day_keeps_every_rule() -> None:
    assert violations(unchanged) == []
    assert violations(unchanged, replay=True) == []


@pytest.mark.parametrize("seconds", [-1, 0, 1])
@pytest.mark.parametrize(("rule", "edit", "replay"), TIME_RULES, ids=lambda value: getattr(value, "__name__", None))
def test_a_time_within_at_or_one_second_over_the_limit_is_kept(rule: str, edit: Edit, replay: bool, seconds: int) -> None:
    found = violations(edit, seconds, replay=replay)

    assert found == []


@pytest.mark.parametrize(("rule", "edit", "replay"), TIME_RULES, ids=lambda value: getattr(value, "__name__", None))
def test_a_time_two_seconds_over_the_limit_breaks_its_rule_and_no_other(rule: str, edit: Edit, replay: bool) -> None:
    found = violations(edit, 2, replay=replay)

    assert [violation.rule for violation in found] == [rule]


def test_the_size_of_a_broken_time_rule_is_in_seconds() -> None:
    assert [violation.size for violation in violations(arrives_before_the_drive_allows, 90)] == [90]


def test_nobody_needs_foresight_outside_a_replay() -> None:
    assert violations(sets_out_before_it_is_opened, 600) == []


def test_a_violation_speaks_of_people_and_times() -> None:
    [found] = violations(arrives_before_the_drive_allows, 300)

    assert found.what == "T1 reaches W1 at 08:15; the drive allows 08:20"


def test_a_violation_on_another_day_names_the_day() -> None:
    def tomorrow(case: Json, plan: Json, amount: int) -> None:
        stop(plan, 1, 0)["finish"] = "2026-03-03T00:10:00+08:00"

    [found] = violations(tomorrow)

    assert found.what == "T2 is back at station S1 at 13:15; the drive allows 2026-03-03 01:25"


def test_a_break_that_the_work_does_not_span_is_not_owed() -> None:
    def rests_not(case: Json, plan: Json, amount: int) -> None:
        plan["routes"][0]["breaks"] = []
        case["technicians"][0]["shifts"][0]["breaks"][0].update(earliest=at("08:00", amount), latest=at("08:10", amount))

    assert violations(rests_not, 0) == []  # Departure at 08:00 is not before 08:00.
    assert [violation.rule for violation in violations(rests_not, 1)] == ["break"]


def test_a_break_that_could_follow_the_last_return_is_not_owed() -> None:
    def nearly_done(case: Json, plan: Json, s: int) -> None:
        pause = {"earliest": at("13:00"), "latest": at("13:05", -s), "minutes": 10}  # T2 is back at 13:15.
        case["technicians"][1]["shifts"][0]["breaks"] = [pause]

    assert violations(nearly_done, 0) == []
    assert [violation.rule for violation in violations(nearly_done, 1)] == ["break"]


def test_one_rest_does_not_count_for_two_breaks() -> None:
    def rests_once(case: Json, plan: Json, breaks: int) -> None:
        pause = case["technicians"][0]["shifts"][0]["breaks"][0] | {"minutes": 5}
        case["technicians"][0]["shifts"][0]["breaks"] = [pause] * breaks
        plan["routes"][0]["breaks"][0]["finish"] = at("10:10")

    assert violations(rests_once, 1) == []
    assert [violation.rule for violation in violations(rests_once, 2)] == ["break"]


def test_a_break_may_be_taken_at_the_station_between_two_trips() -> None:
    def rests_at_the_station(case: Json, plan: Json, minutes: int) -> None:
        pause = {"earliest": at("13:00"), "latest": at("14:00"), "minutes": 30}
        case["technicians"][1]["shifts"][0]["breaks"] = [pause]
        second_trip_departs_before_the_first_is_back(case, plan, -60 * minutes)
        plan["routes"][2]["breaks"] = [{"start": at("13:15"), "finish": at("13:45")}]
        plan["routes"][2]["return"] = at("15:00")

    assert violations(rests_at_the_station, 30) == []
    assert [violation.rule for violation in violations(rests_at_the_station, 29)] == ["break"]


def test_two_breaks_cannot_share_one_spell() -> None:
    def two_breaks(case: Json, plan: Json, amount: int) -> None:
        breaks = case["technicians"][0]["shifts"][0]["breaks"]
        breaks.append(copy.deepcopy(breaks[0]))
        plan["routes"][0]["breaks"] *= 2

    assert [violation.rule for violation in violations(two_breaks)] == ["break"]


def ticket(case: Json, number: int, **fields: object) -> None:
    case["tickets"][number - 1].update(fields)


def promise(case: Json, name: str, technician: str) -> None:
    """One locked promise in place of all others."""
    case["committed"] = [{"ticket": name, "technicians": [technician], "locked": True}]


def another_route(plan: Json, **fields: object) -> None:
    plan["routes"].append(plan["routes"][1] | fields)


BROKEN: dict[str, tuple[str, float, Callable[[Json, Json], Any]]] = {
    "unassigned ticket unknown": ("unknown", 1, lambda case, plan: plan["unassigned"].append({"ticket": "W9"})),
    "technician unknown": ("unknown", 1, lambda case, plan: another_route(plan, technician="T9")),
    "shift unknown": ("unknown", 1, lambda case, plan: another_route(plan, shift=1)),
    "shift negative": ("unknown", 1, lambda case, plan: another_route(plan, shift=-1)),
    "stop unknown": ("unknown", 1, lambda case, plan: plan["routes"][0]["stops"].insert(0, stop(plan, 0, 0) | {"ticket": "W9"})),
    "neither planned nor unassigned": ("forgotten", 1, lambda case, plan: plan["unassigned"].clear()),
    "planned and unassigned": ("forgotten", 1, lambda case, plan: plan["unassigned"].append({"ticket": "W2"})),
    "one person too few": ("crew", 1, lambda case, plan: ticket(case, 3, crew=3)),
    "one person too many": ("crew", 1, lambda case, plan: ticket(case, 3, crew=1)),
    "level too high": ("skill", 1, lambda case, plan: ticket(case, 1, skills={"process": 3})),
    "level too high for the whole crew": ("skill", 1, lambda case, plan: ticket(case, 3, skills={"process": 3})),
    "skill that nobody has": ("skill", 1, lambda case, plan: ticket(case, 1, skills={"electrical": 1})),
    "one of the crew not allowed": ("technician", 1, lambda case, plan: ticket(case, 3, only=["T2"])),
    "one of the crew banned": ("technician", 1, lambda case, plan: ticket(case, 3, banned=["T1"])),
    "kit left at home": ("kit", 1, lambda case, plan: plan["routes"][0].update(kits=["purity"])),
    "kit not owned": ("kit", 1, lambda case, plan: case["stations"][0].update(kits={"leak": 0})),
    "kit lent twice at once": ("kit", 1, lambda case, plan: plan["routes"][1].update(kits=["leak"])),
    "too much on board": ("capacity", 0.5, lambda case, plan: case["technicians"][0].update(capacity=4.5)),
    "locked to another": ("locked", 1, lambda case, plan: promise(case, "W1", "T2")),
    "locked comes second": ("locked", 1, lambda case, plan: promise(case, "W2", "T1")),
    "locked and not planned": ("locked", 1, lambda case, plan: promise(case, "W4", "T1")),
}


@pytest.mark.parametrize(("rule", "size", "edit"), BROKEN.values(), ids=BROKEN)
def test_a_broken_rule_about_people_kits_and_promises_is_found(rule: str, size: float, edit: Callable[[Json, Json], Any]) -> None:
    found = violations(lambda case, plan, _: edit(case, plan))

    assert [(violation.rule, violation.size) for violation in found] == [(rule, pytest.approx(size))]


ALLOWED: dict[str, Callable[[Json, Json], Any]] = {
    "the crew has the skills together": lambda case, plan: ticket(case, 3, skills={"process": 2, "safety": 3}),
    "everyone of the crew allowed": lambda case, plan: ticket(case, 3, only=["T1", "T2"]),
    "one of the crew brings the kit": lambda case, plan: ticket(case, 3, kits=["leak"]),
    "no limit of load": lambda case, plan: case["technicians"][0].pop("capacity"),
    "locked comes first": lambda case, plan: promise(case, "W1", "T1"),
}


@pytest.mark.parametrize("edit", ALLOWED.values(), ids=ALLOWED)
def test_what_the_rules_allow_is_no_violation(edit: Callable[[Json, Json], Any]) -> None:
    assert violations(lambda case, plan, _: edit(case, plan)) == []


@pytest.mark.parametrize("crew", [1, 2])
def test_a_person_who_comes_twice_is_one_visit_too_many_for_one_and_no_crew_of_two(crew: int) -> None:
    def comes_twice(case: Json, plan: Json, amount: int) -> None:
        ticket(case, 3, crew=crew)
        plan["routes"][1]["technician"] = "T1"

    assert "crew" in [violation.rule for violation in violations(comes_twice)]


def test_trips_are_judged_in_the_order_of_their_departures_not_of_the_file() -> None:
    def second_trip_listed_first(case: Json, plan: Json, amount: int) -> None:
        second_trip_departs_before_the_first_is_back(case, plan, 0)
        plan["routes"].reverse()

    assert violations(second_trip_listed_first) == []


def test_a_kit_can_be_lent_again_the_moment_it_is_back_and_not_a_second_before() -> None:
    def second_trip_takes_the_kit(case: Json, plan: Json, s: int) -> None:
        second_trip_departs_before_the_first_is_back(case, plan, 0)
        plan["routes"][2]["kits"] = ["leak"]  # T1 brings it back at 13:15, when T2 departs with it.
        plan["routes"][0]["return"] = at("13:15", s)

    assert violations(second_trip_takes_the_kit, 0) == []
    assert [violation.rule for violation in violations(second_trip_takes_the_kit, 1)] == ["kit"]


def out_with_the_leak_kit(case: Json, plan: Json, minutes: int) -> None:
    """T2, free at W4 at 08:00 + `minutes`, drives the only leak kit home in 45 minutes; T1 departs with it at 09:00."""
    case["technicians"][1]["start"] = {"lat": 30.9, "lon": 114.1, "place": 4, "at": at("08:00", 60 * minutes), "kits": ["leak"]}
    case["tickets"][2]["crew"] = 1
    case["tickets"][2]["skills"] = {}
    case["committed"] = []
    plan["routes"] = [
        {"technician": "T1", "shift": 0, "kits": ["leak"], "depart": at("09:00"), "stops": [], "return": at("09:30"), "breaks": []}
    ]
    plan["unassigned"] = [{"ticket": name} for name in ("W1", "W2", "W3", "W4")]


def test_someone_out_without_a_route_holds_kits_until_home() -> None:
    assert violations(out_with_the_leak_kit, 15) == []  # Home at 09:00, when T1 takes it.
    [found] = violations(out_with_the_leak_kit, 16)

    assert (found.rule, found.size) == ("kit", 1)


def test_someone_out_holds_kits_from_now_and_not_from_departure() -> None:
    def departs_at_ten(case: Json, plan: Json, minutes: int) -> None:
        out_with_the_leak_kit(case, plan, 0)
        plan["routes"][0].update(depart=at("08:00"))
        plan["routes"][0]["return"] = at("08:30")  # T1 is back with a kit long before T2 sets out with another.
        plan["routes"].append({"technician": "T2", "shift": 0, "depart": at("10:00"), "stops": [], "return": at("10:45")})

    assert [violation.rule for violation in violations(departs_at_ten)] == ["kit"]


def test_someone_out_cannot_fetch_a_kit_on_the_first_trip_but_on_the_second() -> None:
    def out_without_kits(case: Json, plan: Json, amount: int) -> None:
        departs_before_being_free_on_the_road(case, plan, 0)
        second_trip_departs_before_the_first_is_back(case, plan, 0)
        plan["routes"][1 + amount]["kits"] = ["purity"]

    assert [violation.rule for violation in violations(out_without_kits, 0)] == ["kit"]
    assert violations(out_without_kits, 1) == []


def test_a_leg_without_a_road_is_never_driven() -> None:
    def no_road(case: Json, plan: Json, amount: int) -> None:
        case["travel"]["seconds"][0][1] = case["travel"]["metres"][0][1] = float("inf")

    [found] = violations(no_road)

    assert (found.rule, found.size) == ("travel", float("inf"))
    assert "no road" in found.what
