"""One solve in a process of its own: so that every solver has the same time, memory can be told apart, and no two libraries meet.

    python -m benchmarks.one_run SOLVER SETTING CASE.json SECONDS SEED PLAN.json FACTS.json [INSTANCE]

Reading the case and compiling or importing a solver do not count; building its model does. Timing a peer's sequences anew for the
trajectory comes after its time. With INSTANCE, a VRPTW file, PyVRP solves that and not the case made of it.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.peers import best_plan, deal, unfit
from data_models.case_files import plan_json, read_case, write_file
from data_models.plan import Plan
from optimizer.insertion import schedule_of_nothing
from optimizer.problem import Problem, build_problem, to_plan

PEERS = {"ortools": "benchmarks.peer_ortools", "pyvrp": "benchmarks.peer_pyvrp", "vroom": "benchmarks.peer_vroom"}


def main() -> None:
    """Solves, and writes the plan and what is known about the run."""
    solver, setting, case_file, seconds, seed, plan_file, facts_file, *instance = sys.argv[1:]
    problem = build_problem(read_case(Path(case_file)), trips=2 if solver == "ours" else 1)
    if solver == "ours":
        plan, facts = _ours(problem, float(seconds), int(seed))
    elif solver == "pyvrp" and instance:
        plan, facts = _pyvrp_plain(problem, Path(instance[0]), float(seconds), int(seed))
    else:
        plan, facts = _peer(problem, solver, setting, float(seconds), int(seed))
    facts["megabytes"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    write_file(Path(plan_file), plan_json(plan))
    Path(facts_file).write_text(json.dumps(facts), encoding="utf-8")


def _ours(problem: Problem, seconds: float, seed: int) -> tuple[Plan, dict[str, Any]]:
    from optimizer.result import Stop
    from optimizer.search import make_ready, solve

    make_ready()
    began = time.monotonic()
    result = solve(problem, Stop(seconds=seconds), seed)
    spent = time.monotonic() - began
    return result.plan(), {"spent": spent, "iterations": result.iterations, "trajectory": result.trajectory}


def _peer(problem: Problem, solver: str, setting: str, seconds: float, seed: int) -> tuple[Plan, dict[str, Any]]:
    if not setting.startswith("full") and (why := unfit(problem)):
        raise SystemExit(f"{solver} {setting} cannot express {problem.case.name}: it {why}")
    peer = importlib.import_module(PEERS[solver])
    began = time.monotonic()
    dealt = deal(problem)
    answer = peer.solve(problem, dealt, seconds - (time.monotonic() - began), seed, setting)
    spent = time.monotonic() - began
    best, trajectory = best_plan(problem, answer, dealt)
    facts = {"spent": spent, "iterations": answer.iterations, "trajectory": trajectory, "found": len(answer.found)}
    return to_plan(problem, best or schedule_of_nothing(problem)), facts


def _pyvrp_plain(problem: Problem, instance: Path, seconds: float, seed: int) -> tuple[Plan, dict[str, Any]]:
    from benchmarks.peer_pyvrp import solve_vrptw
    from benchmarks.peers import plan_of
    from benchmarks.vrptw import read_instance

    given = read_instance(instance)
    began = time.monotonic()
    routes, iterations = solve_vrptw(given, seconds, seed)
    spent = time.monotonic() - began
    tickets = [tuple(customer - 1 for customer in route) for route in routes]
    nothing: list[tuple[int, ...]] = [()] * (problem.n_duties - len(tickets))
    schedule = plan_of(problem, tickets + nothing, (frozenset(),) * problem.n_duties)
    return to_plan(problem, schedule), {"spent": spent, "iterations": iterations, "trajectory": [(spent, schedule.cost)]}


if __name__ == "__main__":
    main()
