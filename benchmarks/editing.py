"""How fast a change by hand is judged, in a day of so many tickets: what a coordinator waits for when they let go of a visit."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from data_models.case import Case
from data_models.case_files import parse_plan, plan_json
from optimizer.editing import Away, Desk, Forbid, LeaveOut, ManualChange, Move, Overtime, Pin, PutIn, Release, State, Swap
from optimizer.published import promises

PROMISE_MS = 150.0
CHANGES = 130


def changes(state: State, rng: random.Random) -> Iterator[ManualChange]:
    """One change of each kind, chosen at random among those that the plan has something for: half of them will break a rule."""
    case, told = state.case, promises(state.plan)
    ticket, other = rng.sample(sorted(told), 2)
    crew = told[ticket].technicians
    home = case.technician_by_id[crew[0]].station
    near = [who.id for who in case.technicians if who.station == home and who.id not in crew]
    at = told[ticket].start + timedelta(minutes=rng.randint(-60, 60))
    if near:
        colleague = rng.choice(near)
        yield Move(ticket, colleague, crew[0], not_before=at)
        yield Move(ticket, colleague, crew[0])
        yield Move(ticket, colleague, crew[0], position=0)
    yield Move(ticket, not_before=at)
    yield Swap(ticket, other)
    yield Pin(ticket, crew)
    yield Pin(ticket, (), at, at + timedelta(minutes=60))
    yield Release(ticket)
    yield Forbid(ticket, crew[0])
    yield Away(crew[0], at, at + timedelta(minutes=120))
    yield Overtime(crew[0], 0, 60)
    yield LeaveOut(ticket)
    if state.plan.unassigned:
        yield PutIn(rng.choice(state.plan.unassigned).ticket)


def edited(case: Case, solve: Callable[[Case], str]) -> tuple[list[float], int]:
    """Milliseconds of CPU for each change, reading the plan and writing it included, the quickest first; and how many were refused.

    Parameters
    ----------
    solve
        Gives the JSON of a plan for the case.
    """
    desk, rng = Desk(case), random.Random(1)
    text = solve(case)
    state = desk.begin(parse_plan(text))
    spent: list[float] = []
    refused = 0
    while len(spent) < CHANGES:
        possible = list(changes(state, rng))
        change = possible[len(spent) % len(possible)]
        began = time.process_time()
        found = desk.apply(State(state.base, state.changes, parse_plan(text)), change)
        after = plan_json(found.state.plan)
        spent.append(1000 * (time.process_time() - began))
        refused += not found.accepted
        if found.accepted:
            state, text = found.state, after
    return sorted(spent), refused
