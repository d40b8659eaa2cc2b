"""The edge of the front door: what a case or plan file may hold, what each bad one is told."""

import copy
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_models import json_files
from data_models.case import Rates, TravelMatrix
from data_models.case_files import case_json, parse_case, parse_plan, read_case, read_plan, write_file
from data_models.errors import BadInput
from optimizer.check import check

FIXTURES = Path(__file__).parents[1] / "fixtures"
CASE = json.loads((FIXTURES / "four-ticket-day.json").read_text(encoding="utf-8"))
PLAN = json.loads((FIXTURES / "four-ticket-day-plan.json").read_text(encoding="utf-8"))
Json = dict[str, Any]
NAN, INFINITY = math.nan, math.inf


def problems(text: str | bytes, parse: Callable[[str | bytes], object] = parse_case) -> list[str]:
    with pytest.raises(BadInput) as caught:
        parse(text)
    return list(caught.value.problems)


def case_with(edit: Callable[[Json], object]) -> str:
    case = copy.deepcopy(CASE)
    edit(case)
    return json.dumps(case)


def plan_with(edit: Callable[[Json], object]) -> str:
    plan = copy.deepcopy(PLAN)
    edit(plan)
    return json.dumps(plan)


def ticket(**fields: object) -> Callable[[Json], object]:
    return lambda case: case["tickets"][1].update(fields)


def technician(**fields: object) -> Callable[[Json], object]:
    return lambda case: case["technicians"][0].update(fields)


def shift(number: int = 0, **fields: object) -> Callable[[Json], object]:
    return lambda case: case["technicians"][0]["shifts"][number].update(fields)


def committed(**fields: object) -> Callable[[Json], object]:
    return lambda case: case["committed"][1].update(fields)


def travel(**fields: object) -> Callable[[Json], object]:
    return lambda case: case["travel"].update(fields)


def out_with(**fields: object) -> Callable[[Json], object]:
    start = {"lat": 30, "lon": 114, "place": 4, "at": "2026-03-02T08:00:00+08:00", "kits": []}
    return technician(start=start | fields)


def entry(name: str, row: int, column: int, value: float) -> Callable[[Json], object]:
    return lambda case: case["travel"][name][row].__setitem__(column, value)


def appended(collection: str, item: Json) -> Callable[[Json], object]:
    return lambda case: case[collection].append(item)


W2, T1 = "tickets[1] (W2): ", "technicians[0] (T1): "
NUMBER, WHOLE, TEXT = "give a finite number", "give a whole number", "give a text in quotes"
TIME = 'give an ISO 8601 time with an offset, e.g. "2026-03-02T08:00:00+08:00"'
BAD_CASES: list[tuple[Callable[[Json], object], str]] = [
    (ticket(due="tomorrow"), f'{W2}due is "tomorrow"; {TIME}'),
    (ticket(due="1700000000"), f'{W2}due is "1700000000"; {TIME}'),
    (ticket(due=1700000000), f"{W2}due is 1700000000; {TIME}"),
    (ticket(due="2026-03-02T08:00:00"), f'{W2}due is "2026-03-02T08:00:00", which has no offset; {TIME}'),
    (ticket(due="0001-01-01T00:00:00+14:00"), f'{W2}due is "0001-01-01T00:00:00+14:00"; give a time from 1970 to 2199'),
    (ticket(due=None), f"{W2}due is null; {TIME}"),
    (ticket(lat="30"), f'{W2}lat is "30"; {NUMBER}'),
    (ticket(lat=True), f"{W2}lat is true; {NUMBER}"),
    (ticket(lat=NAN), f"{W2}lat is NaN; {NUMBER}"),
    (ticket(lon=INFINITY), f"{W2}lon is Infinity; {NUMBER}"),
    (ticket(lat=1e308), f"{W2}lat is 1e+308; give -90 to 90"),
    (ticket(lat=90.0001), f"{W2}lat is 90.0001; give -90 to 90"),
    (ticket(lon=-181), f"{W2}lon is -181; give -180 to 180"),
    (ticket(lat=10**400), f"{W2}lat is a huge whole number; {NUMBER}"),
    (ticket(service_minutes=-1), f"{W2}service_minutes is -1; give 0 to 527,040"),
    (ticket(skip_cost=-0.01), f"{W2}skip_cost is -0.01; give 0 to 1,000,000,000,000"),
    (ticket(miss_cost=1e300), f"{W2}miss_cost is 1e+300; give 0 to 1,000,000,000,000"),
    (ticket(crew=0), f"{W2}crew is 0; give 1 to 1,000"),
    (ticket(crew=1.5), f"{W2}crew is 1.5; {WHOLE}"),
    (ticket(crew=True), f"{W2}crew is true; {WHOLE}"),
    (ticket(crew=10**30), f"{W2}crew is a huge whole number; {WHOLE}"),
    (ticket(severity="urgent"), f'{W2}severity is "urgent"; give one of "emergency", "important", "general"'),
    (ticket(tier=[]), f'{W2}tier is a list of 0; give one of "A", "B", "C"'),
    (ticket(skills={"process": 4}), f'{W2}skill "process" is at level 4; give 1, 2 or 3'),
    (ticket(skills={"process": 0}), f'{W2}skill "process" is at level 0; give 1, 2 or 3'),
    (ticket(skills={"process": "2"}), f'{W2}skills, "process" is "2"; {WHOLE}'),
    (ticket(skills={" ": 1}), f'{W2}a skill is " "; give it a name'),
    (ticket(skills=["process"]), f"{W2}skills is a list of 1; give an object"),
    (ticket(kits="leak"), f'{W2}kits is "leak"; give a list'),
    (ticket(kits=["leak", 3]), f"{W2}kits[1] is 3; {TEXT}"),
    (ticket(kits=["leak", "leak"]), f'{W2}kits names "leak" 2 times; name each type once'),
    (ticket(only=["T7"]), f'{W2}only names "T7", who is no technician of this case; give an id or leave it out'),
    (ticket(banned=["T7"]), f'{W2}banned names "T7", who is no technician of this case; give an id or leave it out'),
    (ticket(place=None), f"{W2}place is missing; with a travel matrix, give the index of its row"),
    (ticket(place=5), f"{W2}place is 5; give the index of one of the matrix's 5 rows, from 0"),
    (ticket(place=-1), f"{W2}place is -1; give the index of one of the matrix's 5 rows, from 0"),
    (ticket(sevrity=1, crew=1), f'{W2}"sevrity" is not a field here; did you mean severity?'),
    (ticket(windows=[{"start": "2026-03-02T10:00:00+08:00", "end": "2026-03-02T09:00:00+08:00"}]),
     f"{W2}windows[0] ends 2026-03-02T09:00:00+08:00, before it starts 2026-03-02T10:00:00+08:00; swap or correct them"),
    (ticket(windows=[{"start": "x"}]), "tickets[1] (W2), windows[0]: end is missing; give it"),
    (ticket(id=""), 'tickets[1]: id is ""; give 1 to 200 characters, not all blank, without control characters'),
    (ticket(id="a\nb"), 'tickets[1]: id is "a\\nb"; give 1 to 200 characters, not all blank, without control characters'),
    (ticket(id="a\0b"), 'tickets[1] (a\\x00b): id is "a\\x00b", which holds a NUL or half a character; remove it'),
    (ticket(id="\ud800"), 'tickets[1] (\\ud800): id is "\\ud800", which holds a NUL or half a character; remove it'),
    (ticket(id="W1"), 'tickets[1]: id "W1" is that of tickets[0] too; give each its own'),
    (lambda case: case["tickets"][1].pop("skip_cost"), f"{W2}skip_cost is missing; give it"),
    (lambda case: case["tickets"].append(7), "tickets[4] is 7; give an object with id, lat, lon, severity, tier, opened_at, due,"),
    (lambda case: case.update(tickets={}), "tickets is an object with 0 fields; give a list"),
    (lambda case: case.update(now="2026-03-02"), f'now is "2026-03-02", which has no offset; {TIME}'),
    (lambda case: case.update(extra=1), '"extra" is not a field here; known are name, now, travel,'),
    (lambda case: case.pop("name"), "name is missing; give it"),
    (lambda case: case.update(name="x" * 10_000_000), f'name is "{"x" * 50}…" (10,000,000 characters); give at most 20,000 characters'),
    (technician(station="S9"), f'{T1}station "S9" is unknown; give the id of one of the 1 stations'),
    (technician(id="T2"), 'technicians[1]: id "T2" is that of technicians[0] too; give each its own'),
    (technician(capacity=-1), f"{T1}capacity is -1; give 0 to 1,000,000,000,000"),
    (technician(shifts=[[]]), f"{T1}shifts[0] is a list of 0; give an object with start, end, overtime_minutes, breaks"),
    (shift(end="2026-03-02T06:00:00+08:00"),
     "technicians[0] (T1), shifts[0]: end 2026-03-02T06:00:00+08:00 is not after start 2026-03-02T06:00:00+08:00; swap or correct them"),
    (shift(overtime_minutes=-5), "technicians[0] (T1), shifts[0]: overtime_minutes is -5; give 0 to 527,040"),
    (lambda case: case["technicians"][0]["shifts"].append({"start": "2026-03-02T12:59:59+08:00", "end": "2026-03-02T20:00:00+08:00"}),
     f"{T1}shifts[1] starts 2026-03-02T12:59:59+08:00, before shifts[0] ends 2026-03-02T13:00:00+08:00; give shifts in order of time"),
    (shift(breaks=[{"earliest": "2026-03-02T10:00:00+08:00", "latest": "2026-03-02T09:00:00+08:00", "minutes": 5}]),
     "technicians[0] (T1), shifts[0], breaks[0]: latest 2026-03-02T09:00:00+08:00 is before earliest 2026-03-02T10:00:00+08:00; swap"),
    (out_with(lat=91), "technicians[0] (T1), start: lat is 91; give -90 to 90"),
    (out_with(place=9), "technicians[0] (T1), start: place is 9; give the index of one of the matrix's 5 rows, from 0"),
    (out_with(kits=["leak", "leak"]), 'technicians[0] (T1), start: kits names "leak" 2 times; name each type once'),
    (lambda case: case["stations"][0]["kits"].update(leak=-1), 'stations[0] (S1): kits has -1 of "leak"; give 0 to 1,000,000'),
    (lambda case: case["stations"].append(case["stations"][0]), 'stations[1]: id "S1" is that of stations[0] too; give each its own'),
    (committed(ticket="W9"), 'committed[1] (W9): ticket "W9" is unknown; give the id of a ticket or leave the promise out'),
    (committed(ticket="W1"), 'committed[1]: ticket "W1" is that of committed[0] too; give each its own'),
    (committed(technicians=["T9"]), 'committed[1] (W2): technicians names "T9", who is unknown; give the id of a technician'),
    (committed(technicians=["T2", "T2"]), 'committed[1] (W2): technicians names "T2" 2 times; name each once'),
    (committed(technicians=[]), "committed[1] (W2): technicians is empty; name whom people were told, or leave the promise out"),
    (committed(locked=1), "committed[1] (W2): locked is 1; give true or false"),
    (lambda case: case["rates"].update(drive_per_km=-1), "rates: drive_per_km is -1; give 0 to 1,000,000,000,000"),
    (lambda case: case["rates"].update(drive_per_mile=1), 'rates: "drive_per_mile" is not a field here; did you mean drive_per_km?'),
    (lambda case: case.update(travel=3), "travel is 3; give an object with kind and what belongs to it"),
    (lambda case: case.update(travel={}), 'travel, kind is null; give one of "great_circle", "matrix"'),
    (lambda case: case.update(travel={"kind": "road"}), 'travel, kind is "road"; give one of "great_circle", "matrix"'),
    (lambda case: case.update(travel={"kind": "great_circle", "detour": 1.3}), "travel: speed_kmh is missing; give it"),
    (lambda case: case.update(travel={"kind": "great_circle", "detour": 0.5, "speed_kmh": 70}), "travel: detour is 0.5; give 1 to 100"),
    (lambda case: case.update(travel={"kind": "great_circle", "detour": 1, "speed_kmh": 0}), "travel: speed_kmh is 0; give 0.1 to 2,000"),
    (travel(detour=1.3), 'travel: "detour" is not a field here; known are kind, seconds, metres'),
    (lambda case: case["travel"]["seconds"][2].pop(), "travel: seconds[2] has 4 entries, but there are 5 places; give a square matrix"),
    (lambda case: case["travel"]["metres"].pop(), "travel: metres has 4 rows, but seconds has 5; give both for the same places"),
    (lambda case: case["travel"]["seconds"].__setitem__(0, 7), "travel: seconds[0] is 7; give a list of numbers"),
    (entry("seconds", 1, 2, -1), "travel: seconds[1] has an entry outside 0 to 1,000,000,000; only an unreachable pair is more: Infinity"),
    (entry("metres", 1, 2, 1e10), "travel: metres[1] has an entry outside 0 to 1,000,000,000; only an unreachable pair is more: Infinity"),
    (entry("seconds", 1, 2, NAN), f"travel: seconds[1][2] is NaN; {NUMBER}"),
    (entry("seconds", 1, 2, INFINITY), "travel: seconds[1][2] is Infinity but metres[1][2] is 15000; give Infinity for both or neither"),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "message"), BAD_CASES, ids=[message[:60] for _, message in BAD_CASES])
def test_a_bad_case_is_told_its_item_field_value_and_remedy(edit: Callable[[Json], object], message: str) -> None:
    found = problems(case_with(edit))

    assert any(problem.startswith(message) for problem in found), found
    assert all("\n" not in problem and len(problem) < 400 for problem in found)


BAD_TEXTS: list[tuple[str | bytes, str]] = [
    ("", "the file is not JSON: "),
    ("{", "the file is not JSON: "),
    ('{"format": "dispatch-case/1"} x', "the file is not JSON: "),
    ("[]", 'the file holds a list of 0; give an object whose format is "dispatch-case/1"'),
    ("null", 'the file holds null; give an object whose format is "dispatch-case/1"'),
    ("{}", 'format is missing; give "dispatch-case/1"'),
    (json.dumps(PLAN), 'format is "dispatch-plan/1"; give "dispatch-case/1"'),
    ('{"format": {}}', 'format is an object with 0 fields; give "dispatch-case/1"'),
    ("[" * 100_000, "the file is nested too deeply"),
    ('{"a":' * 100_000, "the file is nested too deeply"),
    (b'{"format": "\xff"}', "the file is not UTF-8 at byte 12; save it as UTF-8"),
    ("北".encode("gb18030"), "the file is not UTF-8 at byte 0; save it as UTF-8"),
    (json.dumps(CASE).encode("utf-16"), "the file is not UTF-8 at byte 0; save it as UTF-8"),
    ("9" * 10_000, "the file is not JSON: "),
]


@pytest.mark.parametrize(("text", "message"), BAD_TEXTS, ids=[message for _, message in BAD_TEXTS])
def test_what_is_no_case_at_all_is_said_in_one_sentence(text: str | bytes, message: str) -> None:
    [problem] = problems(text)

    assert problem.startswith(message)


def test_a_key_that_stands_twice_is_named_with_its_object() -> None:
    text = json.dumps(CASE).replace('"id": "W2"', '"id": "W2", "lat": 1')

    assert problems(text) == ['an object (W2): "lat" stands in it more than once; keep one']


def test_many_problems_are_told_as_twenty_and_a_number() -> None:
    found = problems(case_with(lambda case: case.update(tickets=[1] * 50)))

    assert len(found) == 21
    assert found[-1] == "and 30 more problems"


def test_a_flood_of_problems_is_cut_off() -> None:
    found = problems(case_with(lambda case: case.update(tickets=[1] * 100_000)))

    assert found[-1] == "and 10,000 or more problems"


def test_a_text_may_have_twenty_thousand_characters_and_not_one_more() -> None:
    assert len(parse_case(case_with(lambda case: case.update(name="x" * 20_000))).name) == 20_000
    assert len(problems(case_with(lambda case: case.update(name="x" * 20_001)))) == 1


def test_absent_fields_that_have_defaults_are_forgiven() -> None:
    def bare(case: Json) -> None:
        del case["committed"], case["rates"], case["stations"][0]["kits"], case["technicians"][0]["skills"]
        del case["technicians"][0]["shifts"][0]["overtime_minutes"], case["technicians"][0]["shifts"][0]["breaks"]
        del case["tickets"][1]["windows"], case["tickets"][1]["load"], case["tickets"][1]["banned"]

    case = parse_case(case_with(bare))

    assert (case.committed, case.rates, case.stations[0].kits, case.technicians[0].skills) == ((), Rates(), {}, {})


def test_a_byte_order_mark_is_forgiven() -> None:
    text = json.dumps(CASE)

    assert parse_case(b"\xef\xbb\xbf" + text.encode()) == parse_case("\ufeff" + text) == parse_case(text)


def test_an_infinite_entry_in_both_matrices_is_an_unreachable_pair() -> None:
    case = parse_case(case_with(lambda case: [entry(name, 1, 2, INFINITY)(case) for name in ("seconds", "metres")]))

    assert isinstance(case.travel, TravelMatrix)
    assert case.travel.seconds[1][2] == INFINITY
    assert parse_case(case_json(case)) == case


def test_shifts_may_touch_and_names_may_hold_any_script_and_markup() -> None:
    def odd(case: Json) -> None:
        case["technicians"][0]["name"] = "<b>张伟</b> 🧪 o'Brien"
        case["technicians"][0]["shifts"].append({"start": "2026-03-02T13:00:00+08:00", "end": "2026-03-02T20:00:00+08:00"})

    assert len(parse_case(case_with(odd)).technicians[0].shifts) == 2


BAD_PLANS: list[tuple[Callable[[Json], object], str]] = [
    (lambda plan: plan["routes"][0].update({"return": "late"}), f'routes[0] (T1): return is "late"; {TIME}'),
    (lambda plan: plan["routes"][0].pop("return"), "routes[0] (T1): return is missing; give it"),
    (lambda plan: plan["routes"][0].update(returns=1), 'routes[0] (T1): "returns" is not a field here; did you mean return?'),
    (lambda plan: plan["routes"][0].update(shift="0"), f'routes[0] (T1): shift is "0"; {WHOLE}'),
    (lambda plan: plan["routes"][0]["stops"][1].update(arrive=None), f"routes[0] (T1), stops[1] (W2): arrive is null; {TIME}"),
    (lambda plan: plan.update(solver={"cost": NAN}), f"solver: cost is NaN; {NUMBER}"),
    (lambda plan: plan["unassigned"].append("W4"), 'unassigned[1] is "W4"; give an object with ticket, reasons'),
    (lambda plan: plan.pop("routes"), "routes is missing; give it"),
]


@pytest.mark.parametrize(("edit", "message"), BAD_PLANS, ids=[message[:60] for _, message in BAD_PLANS])
def test_a_bad_plan_is_told_its_item_field_value_and_remedy(edit: Callable[[Json], object], message: str) -> None:
    assert problems(plan_with(edit), parse_plan) == [message]


def test_a_plan_may_name_what_its_case_does_not_know() -> None:
    plan = parse_plan(plan_with(lambda plan: plan["routes"][0].update(technician="T9", shift=-3)))

    assert "unknown" in {violation.rule for violation in check(parse_case(json.dumps(CASE)), plan)}


# Files.


def test_a_file_is_read_and_its_name_stands_before_each_problem(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    write_file(good, json.dumps(PLAN))
    write_file(bad, case_with(ticket(lat=99)))

    assert read_plan(good).case == "four-ticket-day"
    with pytest.raises(BadInput) as caught:
        read_case(bad)
    assert caught.value.problems == ("bad.json: tickets[1] (W2): lat is 99; give -90 to 90",)


def test_a_file_that_cannot_be_read_is_bad_input(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.json", tmp_path, Path("nul\0name")):
        with pytest.raises(BadInput, match="cannot be read"):
            read_case(path)


def test_a_file_beyond_the_size_limit_is_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.json"
    path.write_text(" " * 101)
    monkeypatch.setattr(json_files, "MAX_BYTES", 100)

    with pytest.raises(BadInput, match="larger than 100 bytes"):
        read_case(path)


def test_writing_replaces_a_file_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_file(path, "old")
    write_file(path, "新")

    assert path.read_text(encoding="utf-8") == "新"
    assert os.listdir(tmp_path) == ["plan.json"]  # noqa: PTH208


def test_a_write_that_fails_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_file(path, "old")

    with pytest.raises(UnicodeEncodeError):
        write_file(path, "\ud800")
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["plan.json"]  # noqa: PTH208


def test_a_place_that_cannot_be_written_is_bad_input(tmp_path: Path) -> None:
    for path in (tmp_path / "no" / "plan.json", tmp_path):
        with pytest.raises(BadInput, match="cannot be written"):
            write_file(path, "text")


def test_a_link_is_followed_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    write_file(tmp_path / "link.json", "text")

    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text(encoding="utf-8") == "text"


def test_a_case_is_written_as_people_can_read_it() -> None:
    text = case_json(parse_case(json.dumps(CASE)))

    assert text == (FIXTURES / "four-ticket-day.json").read_text(encoding="utf-8")
    assert text.startswith('{\n "format": "dispatch-case/1",\n "name": "four-ticket-day",\n')
    assert "\n   [0.0, 1200.0, 1800.0, 3600.0, 2700.0],\n" in text
