"""Small days at random, and their cheapest plans by looking at all of them."""

from __future__ import annotations

import random
from itertools import combinations, permutations, product

from optimizer.insertion import schedule_of_nothing
from optimizer.problem import Problem
from optimizer.schedule import schedule
from optimizer.solution import Schedule, Solution


def random_day(day, rng: random.Random, tickets: str = "abcd") -> None:
    """A few tickets, three technicians: a crew, a scarce kit, windows, breaks, a promise, loads, someone out; not all every time."""
    day.station("S", k=1)
    owned = rng.choice([0, 1])
    day.station("T", 90, k=owned)
    for number, name in enumerate("ABC"):
        breaks = ((rng.randint(60, 120), rng.randint(120, 160), 20),) if rng.random() < 0.4 else ()
        station = "ST"[rng.random() < 0.4]
        holds = ["k"] if rng.random() < 0.5 and (owned or station == "S") else []
        out = (rng.randint(0, 90), rng.randint(0, 60), holds) if number == 1 and rng.random() < 0.3 else None
        shifts = [(rng.choice([0, 0, 60]), rng.randint(150, 300))]
        if rng.random() < 0.3:
            shifts.append((shifts[0][1] + rng.randint(0, 30), shifts[0][1] + 150))
        day.technician(
            name, station, shifts=shifts, overtime=rng.choice([0, 60]), breaks=breaks, out=out,
            skills={"leak": rng.randint(1, 3)}, capacity=rng.choice([None, 2]),
        )  # fmt: skip
    for number, name in enumerate(tickets):
        more: dict = {"crew": 2} if number == 0 or rng.random() < 0.2 else {}
        more |= {"kits": ("k",)} if rng.random() < 0.4 else {}
        more |= {"load": 1.0} if rng.random() < 0.5 else {}
        more |= {"skills": {"leak": rng.randint(1, 3)}} if rng.random() < 0.6 else {}
        begin = rng.randint(0, 150)
        more |= {"windows": ((begin, begin + 40), (begin + 80, begin + 120))} if rng.random() < 0.3 else {}
        due, service, skip = rng.randint(20, 200), rng.randint(10, 40), rng.choice([150, 400])
        day.ticket(name, rng.randint(0, 100), due=due, service=service, skip_cost=skip, **more)
    day.commit("b", rng.choice("ABC"))


def cheapest(problem: Problem) -> float:
    """The cost of the best plan, by looking at every assignment, order and way to deal kits."""
    tables, duties = problem.tables, range(problem.n_duties)
    fit = problem.reachable
    crews = [[(), *combinations([d for d in duties if fit[t, d]], tables.crew[t])] for t in range(problem.n_tickets)]
    best = schedule_of_nothing(problem).cost
    for choice in product(*crews):
        rows = [[t for t, crew in enumerate(choice) if d in crew] for d in duties]
        needs = [frozenset(k for t in row if tables.crew[t] == 1 for k in tables.kits[t]) for row in rows]
        needs = [k if tables.held[d] is None else frozenset() for d, k in enumerate(needs)]
        shared = [(t, k) for t, crew in enumerate(choice) if len(crew) > 1 for k in tables.kits[t]]
        for bearers in product(*([None, *choice[t]] for t, _ in shared)):
            kits = [needs[d] | {k for (_, k), bearer in zip(shared, bearers, strict=True) if bearer == d} for d in duties]
            if any(kits[d] and (tables.held[d] is not None) for d in duties):
                continue
            for order in product(*(permutations(row) for row in rows)):
                found = schedule(problem, Solution(tuple(order), tuple(kits), (0,) * problem.n_duties))
                best = min(best, found.cost) if isinstance(found, Schedule) else best
    return best
