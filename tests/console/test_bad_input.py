"""Days that nobody would plan, as files at the command line: a plan that keeps every rule, and reasons; or a message."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from data_models.case_files import read_case, read_plan
from optimizer.check import check

EIGHT = datetime.fromisoformat("2026-03-02T08:00:00+08:00")
Json = dict[str, Any]


def at(hours: float) -> str:
    return (EIGHT + timedelta(hours=hours)).isoformat()


def day(tickets: int = 6, people: int = 3, **of_each: Any) -> Json:
    """A plain day around one station: everything can be done within half an hour's drive."""
    shift = {"start": at(0), "end": at(10), "overtime_minutes": 60}
    return {
        "format": "dispatch-case/1", "name": "a day", "now": at(0),
        "travel": {"kind": "great_circle", "detour": 1.3, "speed_kmh": 70},
        "rates": {"drive_per_hour": 60, "drive_per_km": 1, "overtime_per_hour": 90, "change_technician": 30},
        "stations": [{"id": "S", "name": "S", "lat": 31, "lon": 121, "kits": {}}],
        "technicians": [
            {"id": f"W{number}", "name": "", "station": "S", "skills": {"safety": 2}, "shifts": [dict(shift)]} for number in range(people)
        ],
        "tickets": [
            {
                "id": f"T{number}", "lat": 31 + 0.02 * (number % 7), "lon": 121 + 0.02 * (number % 5), "severity": "general", "tier": "C",
                "opened_at": at(0), "due": at(4), "service_minutes": 30, "miss_cost": 100, "late_cost_per_hour": 10, "skip_cost": 5000,
                **of_each,
            }
            for number in range(tickets)
        ],
        "committed": [],
    }  # fmt: skip


def with_matrix(case: Json, seconds: Callable[[int, int], float], places: int = 0) -> Json:
    """The case on a matrix of travel, a row for each located thing, or `places` rows that they share."""
    located = [*case["stations"], *case["tickets"]]
    size = places or len(located)
    rows = [[seconds(a, b) for b in range(size)] for a in range(size)]
    case["travel"] = {"kind": "matrix", "seconds": rows, "metres": rows}
    for number, thing in enumerate(located):
        thing["place"] = number % size
    return case


def with_shifts(case: Json, *shifts: Json) -> Json:
    for who in case["technicians"]:
        who["shifts"] = list(shifts)
    return case


def with_breaks(count: int, minutes: float, apart: float) -> Json:
    case = day(8, 2)
    for who in case["technicians"]:
        who["shifts"][0]["breaks"] = [
            {"earliest": at(1 + apart * n), "latest": at(1.5 + apart * n), "minutes": minutes} for n in range(count)
        ]
    return case


def with_crews(*sizes: int) -> Json:
    case = day(8, 60)
    for ticket, size in zip(case["tickets"], sizes, strict=False):
        ticket["crew"] = size
    return case


def with_kits(types: int, of_ticket: Callable[[int], list[str]]) -> Json:
    case = day(20, 4)
    case["stations"][0]["kits"] = {f"k{number}": 1 for number in range(types)}
    for number, ticket in enumerate(case["tickets"]):
        ticket["kits"] = of_ticket(number)
    return case


def years_apart() -> Json:
    case = day()
    case["tickets"][0] |= {"not_before": "2190-01-01T00:00:00Z", "due": "2190-01-02T00:00:00Z"}
    case["tickets"][1] |= {"opened_at": "1971-01-01T00:00:00Z", "due": "1971-01-02T00:00:00Z"}  # dearer to serve than to skip
    case["technicians"][0]["shifts"].append({"start": "2190-01-01T00:00:00Z", "end": "2190-01-01T10:00:00Z", "overtime_minutes": 0})
    return case


FAR_SHIFTS = [{"start": at(24 * n), "end": at(24 * n + 9), "overtime_minutes": 0} for n in range(1000)]
CHAINED_SHIFTS = [{"start": at(24 * n), "end": at(24 * n + 9), "overtime_minutes": 24 * 60} for n in range(1000)]
WINDOWS = [{"start": at(n / 60), "end": at((n + 0.3) / 60)} for n in range(1000)]
INF = math.inf

DAYS: dict[str, tuple[Json, int]] = {
    "nothing at all": (day(0, 0), 0),
    "no tickets": (day(0), 0),
    "no technicians": (day(5, 0), 0),
    "no stations": ({**day(5, 0), "stations": []}, 0),
    "no shifts": (with_shifts(day()), 0),
    "shifts that are over": (with_shifts(day(), {"start": at(-24), "end": at(-14), "overtime_minutes": 0}), 0),
    "work that outlasts every shift": (day(service_minutes=5000), 0),
    "windows that are over": (day(windows=[{"start": at(-9), "end": at(-8)}]), 0),
    "nobody may": (day(only=["W0"], banned=["W0"]), 0),
    "a skill that nobody has": (day(skills={"rare": 3}), 0),
    "thousands of skills": (day(skills={f"skill {n}": 1 for n in range(3000)}), 0),
    "times years apart": (years_apart(), 5),
    "a ticket promised long ago": (day(due="1971-01-01T00:00:00Z", late_cost_per_hour=0.001), 6),
    "no way anywhere": (with_matrix(day(), lambda a, b: 0.0 if a == b else INF), 0),
    "no way even to stay": (with_matrix(day(), lambda a, b: INF), 0),
    "no way back": (with_matrix(day(), lambda a, b: INF if a > b else 600.0), 0),
    "no way to some": (with_matrix(day(), lambda a, b: INF if 2 in (a, b) and a != b else 600.0 * (a != b)), 5),
    "everything at one place": (with_matrix(day(30), lambda a, b: 0.0, places=1), 30),
    "no distances": (with_matrix(day(30), lambda a, b: 0.0), 30),
    "nothing costs anything": ({**day(skip_cost=0, miss_cost=0, late_cost_per_hour=0), "rates": {}}, -1),
    "the dearest day": (day(skip_cost=10**12, miss_cost=10**12, late_cost_per_hour=10**12), 6),
    "no service": (day(100, 1, service_minutes=0), 100),
    "a thousand shifts": (with_shifts(day(30, 1), *FAR_SHIFTS), 30),
    "a thousand shifts whose overtime overlaps": (with_shifts(day(30, 1), *CHAINED_SHIFTS), 30),
    "a thousand windows": (day(windows=WINDOWS), 6),
    "breaks one after the other": (with_breaks(6, 10, 1), 8),
    "breaks at the same time": (with_breaks(6, 1, 0), -1),
    "breaks of no length": (with_breaks(5, 0, 0), 8),
    "breaks that outlast the shift": (with_breaks(3, 900, 0.5), -1),
    "five hundred breaks": (with_breaks(500, 1, 1 / 60), -1),
    "large crews": (with_crews(50, 60, 61, 1000), -1),
    "crews for everything": (day(12, 4, crew=2), 12),
    "ten thousand kit types": (with_kits(10_000, lambda n: [f"k{(n * 450 + i) % 10_000}" for i in range(600)]), 20),
    "ten thousand kit types, one for each": (with_kits(10_000, lambda n: [f"k{n}"]), 20),
    "kits that nobody owns": (with_kits(0, lambda n: [f"k{n}"]), 0),
    "loads that no vehicle holds": (
        {**day(load=5), "technicians": [{**who, "capacity": 1} for who in day()["technicians"]]}, 0
    ),
    "people who are free after their shift": (
        {**day(), "technicians": [{**who, "start": {"lat": 31, "lon": 121, "at": at(60), "kits": []}} for who in day()["technicians"]]}, 0
    ),
}  # fmt: skip
"""Cases by what is odd about them, with the number of tickets that a plan serves; -1: not the point."""


REFERENCE_TOO = ("nothing at all", "no tickets", "no technicians", "no shifts", "nobody may", "no way anywhere", "no way to some")


@pytest.mark.parametrize(("name", "solver"), [*((name, "search") for name in DAYS), *((name, "routing") for name in REFERENCE_TOO)])
def test_odd_days_get_a_plan_that_keeps_every_rule_and_reasons(name: str, solver: str, tmp_path: Path, twohour: Any) -> None:
    case, served = DAYS[name]
    (tmp_path / "case.json").write_text(json.dumps(case), encoding="utf-8")
    answer = twohour("solve", tmp_path / "case.json", "--iterations", 300, "--solver", solver, "--out", tmp_path / "plan.json")
    assert answer.status == 0, answer.out + answer.err
    plan = read_plan(tmp_path / "plan.json")
    assert check(read_case(tmp_path / "case.json"), plan) == ()
    assert all(item.reasons for item in plan.unassigned)
    assert served in (-1, len(case["tickets"]) - len(plan.unassigned))


REFUSED: dict[str, tuple[Json, str]] = {
    "a number that is none": (day(1, service_minutes=math.nan), "service_minutes is NaN"),
    "a negative duration": (day(1, service_minutes=-5), "service_minutes is -5"),
    "a crew of nobody": (day(1, crew=0), "crew is 0"),
    "a time beyond the calendars": (day(1, due="9990-01-01T00:00:00Z"), "due is"),
    "a leg that takes longer than decades": (with_matrix(day(1), lambda a, b: 10.0**10 * (a != b)), "only an unreachable pair is more"),
    "a negative leg": (with_matrix(day(1), lambda a, b: -1.0), "outside 0 to"),
    "a matrix too small": ({**day(1), "travel": {"kind": "matrix", "seconds": [], "metres": []}}, "place is missing"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_format_forbids_is_refused_by_name(name: str, tmp_path: Path, twohour: Any) -> None:
    case, message = REFUSED[name]
    (tmp_path / "case.json").write_text(json.dumps(case), encoding="utf-8")
    answer = twohour("solve", tmp_path / "case.json", "--iterations", 1, "--out", tmp_path / "plan.json")
    assert (answer.status, message in answer.err) == (2, True), answer.err
    assert not (tmp_path / "plan.json").exists()


@pytest.mark.parametrize("solver", ["search", "routing"])
def test_two_locks_that_cannot_both_be_kept_are_named_and_no_others(solver: str, tmp_path: Path, twohour: Any) -> None:
    case = day(8)
    case["committed"] = [{"ticket": f"T{number}", "technicians": ["W0"], "locked": True} for number in range(6)]
    for number in (2, 4):  # half an hour of work each, and both must begin at ten
        case["tickets"][number]["windows"] = [{"start": at(2), "end": at(2.1)}]
    (tmp_path / "case.json").write_text(json.dumps(case), encoding="utf-8")
    answer = twohour("solve", tmp_path / "case.json", "--iterations", 300, "--solver", solver, "--out", tmp_path / "plan.json")
    assert answer.status == 1
    assert "Locked tickets T2, T4" in answer.err
    assert not (tmp_path / "plan.json").exists()


def test_people_who_hold_more_than_their_station_owns_break_the_rule_whatever_is_planned(tmp_path: Path, twohour: Any) -> None:
    # They hold the kit from now until they are home, so that no plan keeps the rule: it is written, and the status says so.
    case = day()
    for who in case["technicians"][:2]:
        who["start"] = {"lat": 31.1, "lon": 121, "at": at(0), "kits": ["leak"]}
    case["stations"][0]["kits"] = {"leak": 1}
    (tmp_path / "case.json").write_text(json.dumps(case), encoding="utf-8")
    answer = twohour("solve", tmp_path / "case.json", "--iterations", 300, "--out", tmp_path / "plan.json")
    assert answer.status == 1
    assert "owns 1 leak and lends 2 at once" in answer.out
    case["stations"][0]["kits"] = {"leak": 2}
    (tmp_path / "case.json").write_text(json.dumps(case), encoding="utf-8")
    assert twohour("solve", tmp_path / "case.json", "--iterations", 300, "--out", tmp_path / "plan.json").status == 0
