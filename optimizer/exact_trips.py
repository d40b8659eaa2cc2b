"""What ties the trips and shifts of a technician together in the exact model: their order, breaks and locked work."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.exact_model import Model


def trips_of(model: Model) -> list[list[int]]:
    """The duties of each shift of a technician, in the order in which they follow each other."""
    tables, groups = model.problem.tables, dict[tuple[int, int], list[int]]()
    for duty in sorted(model.may):
        groups.setdefault((tables.technician[duty], int(model.problem.duty_shift[duty])), []).append(duty)
    return [sorted(group, key=lambda d: (len(_ancestors(model, d)), d)) for group in groups.values()]


def _ancestors(model: Model, duty: int) -> list[int]:
    """The same technician's duties that may still last when this one begins, the nearest first."""
    before, chain = model.problem.tables.before, []
    while before[duty] >= 0:
        duty = before[duty]
        chain.append(duty)
    return chain


def add_breaks(model: Model) -> None:
    """Rule 2: a break that the work of a shift spans is taken, in one spell between two stops beside the drive, or between two trips."""
    for group in trips_of(model):
        breaks = model.problem.tables.breaks[group[0]]
        rests = []
        for number, (opens, closes, length, span_end) in enumerate(breaks):
            if any(model.problem.tables.earliest[d] < opens and model.problem.tables.latest[d] > span_end for d in group):
                rests.append(_add_break(model, group, number, (max(opens, 0), closes, length, span_end)))
        if len(rests) > 1:
            model.cp.add_no_overlap(rests)
        for duty in group if rests else ():
            _add_room_for_breaks(model, duty)


def _add_break(model: Model, group: Sequence[int], number: int, rest: tuple[int, int, int, int]) -> Any:
    cp, (opens, closes, length, span_end) = model.cp, rest
    begin = cp.new_int_var(opens, max(opens, closes), f"break {group[0]} {number}")
    taken = cp.new_bool_var(f"takes break {group[0]} {number}")
    if closes < opens:
        cp.add(taken == 0)  # it cannot begin in any whole second: nobody works across it
    early, late = cp.new_bool_var(""), cp.new_bool_var("")
    for duty in group:
        cp.add(model.depart[duty] >= opens).only_enforce_if(~early, model.used[duty])
        cp.add(model.back[duty] <= span_end).only_enforce_if(~late, model.used[duty])
    cp.add_bool_or(~early, ~late, taken)
    spells = []
    for duty in group:
        for stop in (-1, *model.may[duty]):
            spell = cp.new_bool_var(f"break {number} of {duty} after {stop}")
            model.taken.setdefault(duty, {})[number, stop] = spell
            spells.append(spell)
            cp.add_implication(spell, model.used[duty] if stop < 0 else model.visit[duty, stop])
            free = model.depart[duty] if stop < 0 else model.start[stop] + model.problem.tables.service[stop]
            cp.add(begin >= free).only_enforce_if(spell)
            for (i, j), arc in model.arcs[duty].items():
                if i == stop:
                    until = model.start[j] if j >= 0 else model.back[duty]
                    cp.add(until >= begin + length).only_enforce_if(spell, arc)
    for one, other in pairwise(group):
        spell = cp.new_bool_var(f"break {number} between {one} and {other}")
        spells.append(spell)
        cp.add_implication(spell, model.used[one])
        cp.add_implication(spell, model.used[other])
        cp.add(begin >= model.back[one]).only_enforce_if(spell)
        cp.add(model.depart[other] >= begin + length).only_enforce_if(spell)
    cp.add(sum(spells) == taken)
    return cp.new_optional_fixed_size_interval_var(begin, length, taken, f"rest {group[0]} {number}")


def _add_room_for_breaks(model: Model, duty: int) -> None:
    """The spell in which a break is taken is as long as drive and breaks together."""
    tables = model.problem.tables
    after: dict[int, list[Any]] = {}
    for (number, stop), spell in model.taken.get(duty, {}).items():
        after.setdefault(stop, []).append(tables.breaks[duty][number][2] * spell)
    for (i, j), arc in model.arcs[duty].items():
        here = tables.origin[duty] if i < 0 else tables.location[i]
        there = tables.home[duty] if j < 0 else tables.location[j]
        free = model.depart[duty] if i < 0 else model.start[i] + tables.service[i]
        until = model.back[duty] if j < 0 else model.start[j]
        model.cp.add(until >= free + tables.travel[here][there] + sum(after.get(i, []))).only_enforce_if(arc)


def add_successive_duties(model: Model) -> None:
    """Rule 2: a technician departs no sooner than home from every duty before; a second trip of a shift needs a first.

    Somebody out who only drives home needs none.
    """
    tables, cp = model.problem.tables, model.cp
    for duty in model.may:
        for earlier in _ancestors(model, duty):
            if earlier not in model.may:
                cp.add(model.depart[duty] >= tables.idle_until[earlier]).only_enforce_if(model.used[duty])
                continue
            cp.add(model.depart[duty] >= model.back[earlier]).only_enforce_if(model.used[duty], model.used[earlier])
            if tables.idle_until[earlier] > 0:
                cp.add(model.depart[duty] >= tables.idle_until[earlier]).only_enforce_if(model.used[duty], ~model.used[earlier])
    for group in trips_of(model):
        for one, other in pairwise(group):
            if tables.held[one] is None:
                cp.add_implication(model.used[other], model.used[one])


def ways_home(model: Model) -> dict[int, Any]:
    """Whether somebody out drives home without a visit and makes a further trip from there, by the first duty of the shift."""
    tables, cp, homeward = model.problem.tables, model.cp, dict[int, Any]()
    for duty in model.may:
        first = duty - tables.trip[duty]
        if first == duty or tables.held[first] is None:
            continue
        if first not in homeward:
            homeward[first] = cp.new_bool_var(f"{first} drives home first")
        visits = [model.used[first]] if first in model.may else []
        cp.add_bool_or(homeward[first], ~model.used[duty], *visits)
    return homeward


def add_locked_first(model: Model) -> None:
    """Rule 6, across the trips of a shift; within a trip the circuits see to it."""
    locked = model.problem.tables.locked
    for group in trips_of(model):
        for number, duty in enumerate(group):
            for earlier in group[:number]:
                for t in model.may[duty]:
                    for before in model.may[earlier] if locked[t] else ():
                        if not locked[before]:
                            model.cp.add_implication(model.visit[duty, t], ~model.visit[earlier, before])
