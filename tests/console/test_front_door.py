"""`twohour solve` and `twohour check` as a user or a program calls them: files in, exit status and files out."""

from __future__ import annotations

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from console import cli
from data_models.case import Case
from data_models.case_files import plan_json, read_case, read_plan, write_file
from data_models.plan import Plan
from optimizer.check import check
from optimizer.problem import build_problem, to_plan
from optimizer.schedule import schedule
from optimizer.score import score
from optimizer.solution import Schedule, Solution

FOUR_TICKETS = Path(__file__).parents[1] / "fixtures" / "four-ticket-day.json"
SHARED_CASES = Path(__file__).parents[3] / "shared" / "cases"
HEAVY = {"ortools", "numba", "prefect", "pandas", "numpy", "pydantic", "sqlalchemy", "jinja2", "httpx"}


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, console.cli; print(sorted(set(sys.modules) & set(sys.argv[1:])))"
    done = subprocess.run([sys.executable, "-c", code, *HEAVY], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(cli.app, ["--help"])
    assert shown.exit_code == 0
    for command in (
        "demo",
        "import",
        "plan",
        "solve",
        "check",
        "prove",
        "candidates",
        "locate",
        "export",
        "approve",
        "publish",
        "respond",
        "show",
        "doctor",
    ):
        assert command in shown.output


def test_solve_writes_a_plan_that_check_accepts(tmp_path: Path, twohour: Any) -> None:
    out = tmp_path / "plan.json"
    solved = twohour("solve", FOUR_TICKETS, "--iterations", 20, "--seed", 3, "--out", out, "--json")
    assert solved.status == 0, solved.err
    case, plan = read_case(FOUR_TICKETS), read_plan(out)
    assert check(case, plan) == ()
    assert json.loads(solved.out)["cost"]["total"] == pytest.approx(score(case, plan).cost.total, abs=0.01)
    assert twohour("check", FOUR_TICKETS, out).status == 0


def test_same_seed_and_iterations_write_the_same_routes(tmp_path: Path, twohour: Any) -> None:
    plans = []
    for name in ("a.json", "b.json"):
        assert twohour("solve", FOUR_TICKETS, "--iterations", 20, "--seed", 3, "--out", tmp_path / name).status == 0
        plans.append(read_plan(tmp_path / name))
    assert plans[0].routes == plans[1].routes


def test_what_seconds_gave_iterations_give_again(tmp_path: Path, twohour: Any) -> None:
    timed, counted = tmp_path / "timed.json", tmp_path / "counted.json"
    assert twohour("solve", FOUR_TICKETS, "--seconds", 1, "--seed", 5, "--out", timed).status == 0
    facts = read_plan(timed).solver
    assert facts is not None
    assert twohour("solve", FOUR_TICKETS, "--iterations", facts.iterations, "--seed", 5, "--out", counted).status == 0
    assert read_plan(timed).routes == read_plan(counted).routes


def test_the_reference_solver_writes_a_plan_that_check_accepts_and_iterations_repeat(tmp_path: Path, twohour: Any) -> None:
    timed, counted = tmp_path / "timed.json", tmp_path / "counted.json"
    solved = twohour("solve", FOUR_TICKETS, "--solver", "routing", "--seconds", 1, "--seed", 3, "--out", timed)
    assert solved.status == 0, solved.err
    assert twohour("check", FOUR_TICKETS, timed).status == 0
    facts = read_plan(timed).solver
    assert facts is not None
    assert facts.iterations
    again = twohour("solve", FOUR_TICKETS, "--solver", "routing", "--iterations", facts.iterations, "--seed", 3, "--out", counted)
    assert again.status == 0, again.err
    assert read_plan(timed).routes == read_plan(counted).routes


def test_check_tells_how_sure_a_plan_is_by_the_settings(tmp_path: Path, twohour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "plan.json"
    assert twohour("solve", FOUR_TICKETS, "--iterations", 20, "--out", out).status == 0
    monkeypatch.setenv("TWOHOUR_UNCERTAINTY__DOUBTFUL_BELOW", "1")
    judged = json.loads(twohour("check", FOUR_TICKETS, out, "--json").out)
    told = judged["chances"]
    assert {item["ticket"] for item in told["tickets"]} == {stop.ticket for route in read_plan(out).routes for stop in route.stops}
    assert all(0 <= item["in_time"] <= 1 for item in told["tickets"])
    assert told["expected_cost"] > judged["cost"]["total"] * 0.9
    shown = twohour("check", FOUR_TICKETS, out).out
    assert "expected in time" in shown
    assert "Planned in time, but not sure to be" in shown
    monkeypatch.setenv("TWOHOUR_UNCERTAINTY__DRIVE_SPREAD", "0")
    monkeypatch.setenv("TWOHOUR_UNCERTAINTY__SERVICE_SPREAD", "0")
    certain = json.loads(twohour("check", FOUR_TICKETS, out, "--json").out)
    assert certain["chances"]["expected_in_time"] == {severity: row["on_time"] for severity, row in certain["service"].items()}
    assert certain["chances"]["expected_cost"] == pytest.approx(certain["cost"]["total"], abs=0.01)
    assert certain["chances"]["doubtful"] == []


def test_a_plan_that_breaks_a_rule_has_no_chances(tmp_path: Path, twohour: Any) -> None:
    out = tmp_path / "plan.json"
    out.write_text('{"format": "dispatch-plan/1", "case": "x", "routes": [], "unassigned": []}', encoding="utf-8")
    assert json.loads(twohour("check", FOUR_TICKETS, out, "--json").out)["chances"] is None


def test_solve_for_sure_keeps_the_rules_and_repeats(tmp_path: Path, twohour: Any) -> None:
    plans = []
    for name in ("a.json", "b.json"):
        solved = twohour("solve", FOUR_TICKETS, "--iterations", 20, "--sure", 0.9, "--out", tmp_path / name, "--json")
        assert solved.status == 0, solved.err
        plans.append(read_plan(tmp_path / name))
    case = read_case(FOUR_TICKETS)
    assert plans[0].routes == plans[1].routes
    assert check(case, plans[0]) == ()
    assert plans[0].solver is not None
    assert plans[0].solver.cost == pytest.approx(score(case, plans[0]).cost.total)


def test_what_is_proven_with_a_margin_is_proven_of_the_true_case(tmp_path: Path, twohour: Any) -> None:
    solved = {}
    for name, words in (("true", ()), ("sure", ("--sure", 0.95))):
        assert twohour("solve", FOUR_TICKETS, "--seconds", 2, *words, "--out", tmp_path / name).status == 0
        solved[name] = read_plan(tmp_path / name).solver
    assert solved["true"].gap == pytest.approx(0, abs=1e-6)
    assert 0 < solved["sure"].bound <= solved["true"].cost + 0.01
    assert solved["sure"].gap == pytest.approx(1 - solved["sure"].bound / solved["sure"].cost, abs=1e-6)


def only_locked_work(case: Case) -> Plan:
    """A plan that keeps every rule and plans nothing that it need not."""
    problem = build_problem(case)
    first = {who: duty for duty, who in reversed(list(enumerate(problem.tables.technician)))}
    routes: list[tuple[int, ...]] = [()] * problem.n_duties
    kits: list[frozenset[int]] = [frozenset()] * problem.n_duties
    for ticket, locked in enumerate(problem.tables.locked):
        for who in problem.tables.promised[ticket] if locked else ():
            routes[first[who]] += (ticket,)
            kits[first[who]] |= problem.tables.kits[ticket]
    poor = schedule(problem, Solution(tuple(routes), tuple(kits), (0,) * problem.n_duties))
    assert isinstance(poor, Schedule), poor
    return to_plan(problem, poor)


def test_prove_finds_a_cheaper_plan_and_says_how_good_it_is(tmp_path: Path, twohour: Any) -> None:
    given, best, out = (tmp_path / name for name in ("given.json", "best.json", "out.json"))
    assert twohour("solve", FOUR_TICKETS, "--iterations", 100, "--out", best).status == 0
    write_file(given, plan_json(only_locked_work(read_case(FOUR_TICKETS))))
    told = twohour("prove", FOUR_TICKETS, given, "--seconds", 4, "--out", out, "--json")
    assert told.status == 0, told.err
    case, found = read_case(FOUR_TICKETS), read_plan(out)
    assert check(case, found) == ()
    cheapest = score(case, read_plan(best)).cost.total
    assert found.solver.bound <= cheapest + 0.01 <= score(case, found).cost.total + 0.02
    assert score(case, found).cost.total == pytest.approx(cheapest, abs=0.01)
    assert found.solver.iterations is None
    assert json.loads(told.out)["solver"]["bound"] == found.solver.bound
    assert json.loads(told.out)["cost_before"] == pytest.approx(score(case, read_plan(given)).cost.total, abs=0.01)


def test_prove_leaves_the_best_plan_as_it_is(tmp_path: Path, twohour: Any) -> None:
    best, out = tmp_path / "best.json", tmp_path / "out.json"
    assert twohour("solve", FOUR_TICKETS, "--iterations", 100, "--out", best).status == 0
    told = twohour("prove", FOUR_TICKETS, best, "--seconds", 3, "--out", out)
    assert told.status == 0, told.err
    assert "no plan of this case costs less" in told.out
    assert (read_plan(out).routes, read_plan(out).unassigned) == (read_plan(best).routes, read_plan(best).unassigned)
    assert twohour("prove", FOUR_TICKETS, best, "--seconds", 0).status == 0  # nothing written, something proven


@pytest.mark.parametrize(("bound", "said"), [(1e9, "the claim is false"), (1.0, "the file claims that no plan costs less than 1;")])
def test_check_believes_no_bound_of_a_file(tmp_path: Path, twohour: Any, bound: float, said: str) -> None:
    plan, out = json.loads(FOUR_TICKETS.with_name("four-ticket-day-plan.json").read_text(encoding="utf-8")), tmp_path / "plan.json"
    out.write_text(json.dumps(plan | {"solver": {"cost": 1.0, "bound": bound}, "case": "another"}), encoding="utf-8")
    told = twohour("check", FOUR_TICKETS, out)
    assert said in " ".join(told.out.split())
    assert "proven" not in told.out
    assert "the plan says that it is one of another" in told.out
    proven = twohour("prove", FOUR_TICKETS, out, "--seconds", 0, "--out", out, "--json")
    assert proven.status == 0
    facts = read_plan(out).solver
    assert facts.cost == pytest.approx(score(read_case(FOUR_TICKETS), read_plan(out)).cost.total)
    assert facts.bound <= facts.cost


def test_prove_refuses_a_plan_that_breaks_a_rule(tmp_path: Path, twohour: Any) -> None:
    given = tmp_path / "given.json"
    given.write_text('{"format": "dispatch-plan/1", "case": "x", "routes": [], "unassigned": []}', encoding="utf-8")
    told = twohour("prove", FOUR_TICKETS, given, "--out", tmp_path / "out.json")
    assert told.status == 1
    assert "forgotten" in told.err
    assert not (tmp_path / "out.json").exists()


def test_a_broken_rule_gives_status_1_and_names_it(tmp_path: Path, twohour: Any) -> None:
    out = tmp_path / "plan.json"
    assert twohour("solve", FOUR_TICKETS, "--iterations", 5, "--out", out).status == 0
    plan = json.loads(out.read_text(encoding="utf-8"))
    dropped = plan["routes"][0]["stops"][0]["ticket"]
    plan["unassigned"].append({"ticket": dropped, "reasons": []})
    out.write_text(json.dumps(plan), encoding="utf-8")
    judged = twohour("check", FOUR_TICKETS, out)
    assert judged.status == 1
    assert "forgotten" in judged.out
    assert dropped in judged.out


@pytest.mark.parametrize(
    "words",
    [
        ("solve", "absent.json", "--out", "x.json"),
        ("check", "absent.json", "absent.json"),
        ("solve", str(FOUR_TICKETS)),
        ("solve", str(FOUR_TICKETS), "--out", "no/such/folder/plan.json"),
        ("solve", str(FOUR_TICKETS), "--out", "plan.json", "--seconds", "-1"),
        ("solve", str(FOUR_TICKETS), "--out", "plan.json", "--sure", "1"),
        ("prove", str(FOUR_TICKETS), "missing.json"),
        ("prove", str(FOUR_TICKETS), str(FOUR_TICKETS)),
        ("prove", str(FOUR_TICKETS), str(FOUR_TICKETS.with_name("four-ticket-day-plan.json")), "--seconds", "-1"),
        ("solve", str(FOUR_TICKETS), "--out", "plan.json", "--seconds", "nan"),
        ("solve", str(FOUR_TICKETS), "--out", "plan.json", "--seconds", "1e308"),
        ("solve", str(FOUR_TICKETS), "--out", "plan.json", "--iterations", "many"),
        ("solve", str(FOUR_TICKETS), "--out", "plan.json", "--solver", "oracle"),
        ("fly",),
    ],
)
def test_bad_words_give_status_2_and_a_message_and_write_nothing(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, twohour: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = twohour(*words)
    assert answer.status == 2
    assert answer.err.strip()
    assert "Traceback" not in answer.err
    assert list(tmp_path.iterdir()) == []


def test_a_plan_never_replaces_its_case(tmp_path: Path, twohour: Any) -> None:
    case_file = tmp_path / "case.json"
    case_file.write_bytes(FOUR_TICKETS.read_bytes())
    assert twohour("solve", case_file, "--iterations", 1, "--out", tmp_path / "." / "case.json").status == 2
    assert case_file.read_bytes() == FOUR_TICKETS.read_bytes()


WEIRD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=20),
    st.just("<script>alert(1)</script>"),
    st.just("2026-03-02T25:00:00+08:00"),
    st.builds(list),
    st.builds(dict),
    st.builds(lambda: [[[]]]),
)


@st.composite
def spoilt(draw: st.DrawFn, whole: dict[str, Any]) -> str:
    """The JSON text of `whole` with one to three of its values replaced, dropped or added to, or cut short."""
    value = deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        here: Any = value
        while True:
            keys = list(here) if isinstance(here, dict) else list(range(len(here)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(here[key], dict | list) and draw(st.booleans()):
                here = here[key]
                continue
            match draw(st.sampled_from(["replace", "drop", "add"])):
                case "replace":
                    here[key] = draw(WEIRD)
                case "drop":
                    del here[key]
                case _ if isinstance(here, dict):
                    here[draw(st.text(max_size=5))] = draw(WEIRD)
                case _:
                    here.append(draw(WEIRD))
            break
    text = json.dumps(value)
    return text[: draw(st.integers(0, len(text)))] if draw(st.integers(0, 9)) == 0 else text


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_spoilt_files_never_give_a_traceback(data: st.DataObject, tmp_path: Path, twohour: Any) -> None:
    whole = json.loads(FOUR_TICKETS.read_text(encoding="utf-8"))
    case_file, plan_file, out = tmp_path / "case.json", tmp_path / "plan.json", tmp_path / "out.json"
    case_file.write_text(data.draw(spoilt(whole)), encoding="utf-8")
    plan = {"format": "dispatch-plan/1", "case": whole["name"], "routes": [], "unassigned": [{"ticket": "T1", "reasons": ["x"]}]}
    plan_file.write_text(data.draw(spoilt(plan)), encoding="utf-8")
    for words in (
        ("solve", case_file, "--iterations", 1, "--out", out),
        ("check", case_file, plan_file),
        ("check", FOUR_TICKETS, plan_file),
    ):
        out.unlink(missing_ok=True)
        answer = twohour(*words)
        assert answer.status in (0, 1, 2), (words, answer.err)
        assert "Traceback" not in answer.err
        assert answer.status != 2 or (answer.err.strip() and not out.exists())


@pytest.mark.skipif(not SHARED_CASES.is_dir(), reason="the cases of ../shared/cases are not here")
@pytest.mark.parametrize("name", ["day-60", "midday-150"])
def test_shared_cases_are_solved_within_every_rule(name: str, tmp_path: Path, twohour: Any) -> None:
    out = tmp_path / "plan.json"
    answer = twohour("solve", SHARED_CASES / f"{name}.json", "--seconds", 3, "--out", out)
    assert answer.status == 0, answer.out + answer.err
    judge = SHARED_CASES.parent / "tools" / "score_plan.py"
    judged = subprocess.run([sys.executable, judge, SHARED_CASES / f"{name}.json", out], capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_locks_that_contradict_each_other_give_status_1_and_are_named(tmp_path: Path, twohour: Any) -> None:
    case = json.loads(FOUR_TICKETS.read_text(encoding="utf-8"))
    # T2 has no `electrical`, so that W4 cannot stay with them.
    case["committed"].append({"ticket": "W4", "technicians": ["T2"], "locked": True})
    (tmp_path / "case.json").write_text(json.dumps(case), encoding="utf-8")
    answer = twohour("solve", tmp_path / "case.json", "--iterations", 5, "--out", tmp_path / "plan.json")
    assert answer.status == 1
    assert "W4" in answer.err
    assert "locked" in answer.err.lower()
    assert not (tmp_path / "plan.json").exists()


def test_check_gives_one_json_object(tmp_path: Path, twohour: Any) -> None:
    out = tmp_path / "plan.json"
    assert twohour("solve", FOUR_TICKETS, "--iterations", 5, "--out", out).status == 0
    judged = twohour("check", FOUR_TICKETS, out, "--json")
    assert json.loads(judged.out)["violations"] == []
    plan = json.loads(out.read_text(encoding="utf-8"))
    plan["routes"] = []
    out.write_text(json.dumps(plan), encoding="utf-8")
    broken = twohour("check", FOUR_TICKETS, out, "--json")
    assert broken.status == 1
    assert {violation["rule"] for violation in json.loads(broken.out)["violations"]} == {"forgotten", "locked"}


def test_a_plan_of_things_that_the_case_has_not_is_judged_not_crashed_on(tmp_path: Path, twohour: Any) -> None:
    out = tmp_path / "plan.json"
    assert twohour("solve", FOUR_TICKETS, "--iterations", 5, "--out", out).status == 0
    out.write_text(out.read_text(encoding="utf-8").replace('"T1"', '"T-unknown"').replace('"W2"', '"W-unknown"'), encoding="utf-8")
    for words in (("check", FOUR_TICKETS, out), ("check", FOUR_TICKETS, out, "--json")):
        answer = twohour(*words)
        assert answer.status == 1, answer.err
        assert "unknown" in answer.out


def test_an_old_plan_stays_when_the_new_case_is_bad(tmp_path: Path, twohour: Any) -> None:
    (tmp_path / "plan.json").write_text("yesterday's", encoding="utf-8")
    (tmp_path / "case.json").write_text("{}", encoding="utf-8")
    assert twohour("solve", tmp_path / "case.json", "--out", tmp_path / "plan.json").status == 2
    assert (tmp_path / "plan.json").read_text(encoding="utf-8") == "yesterday's"


@pytest.fixture
def solved(tmp_path: Path, twohour: Any) -> Path:
    """A plan for the four tickets."""
    out = tmp_path / "plan.json"
    assert twohour("solve", FOUR_TICKETS, "--iterations", 500, "--out", out).status == 0
    return out


def test_candidates_name_who_could_come_when_at_what_cost_and_whom_it_delays(solved: Path, twohour: Any) -> None:
    answer = twohour("candidates", FOUR_TICKETS, solved, "--ticket", "W2", "--json")
    assert answer.status == 0, answer.err
    said = json.loads(answer.out)
    case, plan = read_case(FOUR_TICKETS), read_plan(solved)
    assert [each["cost_change"] for each in said["candidates"]] == sorted(each["cost_change"] for each in said["candidates"])
    best = said["candidates"][0]
    # The plan is as good as it gets, so that the ticket goes back to where it was, at its share of the plan's cost.
    there = {(route.technician, stop.start.isoformat()) for route in plan.routes for stop in route.stops if stop.ticket == "W2"}
    assert {(who, best["start"]) for who in best["technicians"]} == there
    left_out = case.ticket_by_id["W2"].skip_cost + case.rates.change_technician  # it was promised to somebody
    assert best["added_cost"] == pytest.approx(best["cost_change"] + left_out)
    shown = twohour("candidates", FOUR_TICKETS, solved, "--ticket", "W2")
    assert all(name in shown.out for name in best["technicians"])
    assert "added cost" in shown.out


def test_candidates_of_a_ticket_that_nobody_can_take_are_none(solved: Path, tmp_path: Path, twohour: Any) -> None:
    case = json.loads(FOUR_TICKETS.read_text(encoding="utf-8"))
    case["tickets"].append({**case["tickets"][0], "id": "W9", "skills": {"unheard-of": 3}, "crew": 1})
    (tmp_path / "more.json").write_text(json.dumps(case), encoding="utf-8")
    answer = twohour("candidates", tmp_path / "more.json", solved, "--ticket", "W9")
    assert (answer.status, "nobody can take W9" in answer.out) == (1, True)
    assert json.loads(twohour("candidates", tmp_path / "more.json", solved, "--ticket", "W9", "--json").out)["candidates"] == []


def test_candidates_for_what_does_not_exist_or_does_not_fit_are_refused(solved: Path, tmp_path: Path, twohour: Any) -> None:
    unknown = twohour("candidates", FOUR_TICKETS, solved, "--ticket", "W-none")
    assert (unknown.status, "W-none" in unknown.err) == (2, True)
    other = tmp_path / "other.json"
    other.write_text(solved.read_text(encoding="utf-8").replace('"T1"', '"T-unknown"'), encoding="utf-8")
    stranger = twohour("candidates", FOUR_TICKETS, other, "--ticket", "W2")
    assert (stranger.status, "T-unknown" in stranger.err) == (2, True)
    plan = json.loads(solved.read_text(encoding="utf-8"))
    for route in plan["routes"]:
        route["stops"] *= 20
    other.write_text(json.dumps(plan), encoding="utf-8")
    broken = twohour("candidates", FOUR_TICKETS, other, "--ticket", "W2")
    assert (broken.status, "cannot be carried out" in broken.err) == (1, True)


def test_what_was_proven_is_told(twohour, tmp_path: Path) -> None:
    done = twohour("solve", FOUR_TICKETS, "--iterations", 100, "--out", tmp_path / "plan.json")
    assert "proven: no plan of this case costs less" in done.out
    plan = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    (tmp_path / "plan.json").write_text(json.dumps(plan | {"solver": None}), encoding="utf-8")
    told = twohour("prove", FOUR_TICKETS, tmp_path / "plan.json", "--seconds", 0).out
    assert "no cheaper plan was found" in told
