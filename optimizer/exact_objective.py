"""The cost of a plan in the exact model, and the routes that duties may take: what both say of it from below.

Objective: sum of skip[t] (1 - p[t]) + miss[t] late[t] + rate[t] lateness[t] + drive a + overtime + change (1 - kept[t]), with the letters
of `exact_model`. With x[d, r] for each route r that duty d may take, of least cost c[d, r]: sum over r of x[d, r] = used[d], and

    lateness[t] >= sum of lateness that t has in r, x[d, r];  back[d] >= sum of back[r] x[d, r];  cost >= sum of c[d, r] x[d, r] + skips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ortools.sat.python import cp_model

from optimizer.exact_trips import trips_of, ways_home

if TYPE_CHECKING:
    from optimizer.exact_model import Key, Model


@dataclass(frozen=True)
class Choice:
    """A route that one duty may take, and what it takes at least, alone on its day: breaks, kits and crews can only add to it.

    `cost` and `drive` are whole units of money; `starts` reads `[position in the route]`; `length` is of drives and services alone.
    """

    route: tuple[int, ...]
    cost: int
    drive: int
    starts: tuple[int, ...]
    back: int
    length: int


def add_objective(model: Model) -> None:
    """The cost of the plan, tickets left out of the model included."""
    tables, prices, cp, terms = model.problem.tables, model.prices, model.cp, model.terms
    for ticket, skip in enumerate(prices.skip):
        terms.append(skip * (1 - model.planned[ticket]) if ticket in model.planned else skip)
        if prices.change[ticket]:
            terms.append(_change(model, ticket))
    for ticket in model.tickets:
        _add_lateness(model, ticket)
    for duty, arcs in model.arcs.items():
        for (i, j), arc in arcs.items():
            here = tables.origin[duty] if i < 0 else tables.location[i]
            there = tables.home[duty] if j < 0 else tables.location[j]
            terms.append(int(prices.drive[here, there]) * arc)
    for first, homeward in ways_home(model).items():
        terms.append(int(prices.drive[tables.origin[first], tables.home[first]]) * homeward)
    for group in trips_of(model) if prices.overtime_per_s else ():
        end, latest = tables.end[group[0]], max(tables.latest[d] for d in group)
        if latest > end:
            over = cp.new_int_var(0, latest - end, f"overtime {group[0]}")
            for duty in group:
                cp.add(over >= model.back[duty] - end).only_enforce_if(model.used[duty])
            terms.append(prices.overtime_per_s * over)
    cp.minimize(model.cost)


def _change(model: Model, ticket: int) -> Any:
    """What it costs when the technicians of a ticket are others than those who were told."""
    tables, change = model.problem.tables, model.prices.change[ticket]
    told = tables.promised[ticket]
    if not told:
        return change * model.planned[ticket] if ticket in model.planned else 0
    if len(told) != tables.crew[ticket] or ticket not in model.planned:
        return change
    kept = model.cp.new_bool_var(f"kept {ticket}")
    for who in told:
        theirs = [model.visit[d, ticket] for d in model.duties(ticket) if tables.technician[d] == who]
        model.cp.add(sum(theirs) >= kept)
    return change * (1 - kept)


def _add_lateness(model: Model, ticket: int) -> None:
    """Lateness and its price; zero for a ticket that is not planned, whose start is then anything."""
    tables, prices, cp = model.problem.tables, model.prices, model.cp
    due, start, planned = tables.due[ticket], model.start[ticket], model.planned[ticket]
    latest = max((tables.latest[d] for d in model.duties(ticket)), default=0)
    if latest <= due or not (prices.miss[ticket] or prices.late_per_s[ticket]):
        return
    late = model.late[ticket] = cp.new_bool_var(f"late {ticket}")
    hours = model.lateness[ticket] = cp.new_int_var(0, latest - due, f"lateness {ticket}")
    cp.add(start <= due).only_enforce_if(~late, planned)
    cp.add(hours >= start - due).only_enforce_if(planned)
    model.terms += [prices.miss[ticket] * late, prices.late_per_s[ticket] * hours]


def add_choices(model: Model, choices: Mapping[int, Sequence[Choice]]) -> None:
    """Each duty takes exactly one of its routes or none, and nothing is sooner or cheaper than the routes are at least.

    The sum of those least costs is a bound that the circuits alone do not see: lateness and driving of a whole route at once.
    """
    cp, tables, floor = model.cp, model.problem.tables, list[Any]()
    sooner: dict[int, list[Any]] = {t: [] for t in model.tickets}  # lateness of tickets for one technician
    for duty, options in choices.items():
        takes = [(cp.new_bool_var(f"{duty} takes {o.route}"), o) for o in options]
        model.takes[duty] = takes
        cp.add(sum(x for x, _ in takes) == model.used[duty])
        ways: dict[Key, list[Any]] = {}
        for x, option in takes:
            for way in pairwise((-1, *option.route, -1)):
                ways.setdefault(way, []).append(x)
        for way, arc in model.arcs[duty].items():
            cp.add(sum(ways.get(way, [])) == arc)
        for ticket in model.may[duty]:
            cp.add(sum(x for x, o in takes if ticket in o.route) == model.visit[duty, ticket])
            late = _lateness_terms(model, ticket, takes)
            if tables.crew[ticket] == 1:
                sooner[ticket] += late
            elif late:
                cp.add(model.lateness[ticket] >= sum(late))
        back = sum(o.back * x for x, o in takes)
        cp.add(model.back[duty] >= back)
        cp.add(model.back[duty] - model.depart[duty] >= sum(o.length * x for x, o in takes)).only_enforce_if(model.used[duty])
        floor += [o.cost * x for x, o in takes]
    for ticket, late in sooner.items():
        if late:
            cp.add(model.lateness[ticket] >= sum(late))
    for ticket, skip in enumerate(model.prices.skip):
        idle = skip + (model.prices.change[ticket] if tables.promised[ticket] else 0)
        floor.append(idle * (1 - model.planned[ticket]) if ticket in model.planned else idle)
    cp.add(model.cost >= cp_model.LinearExpr.sum(floor))


def _lateness_terms(model: Model, ticket: int, takes: Sequence[tuple[Any, Choice]]) -> list[Any]:
    """How late each of a duty's routes is at a ticket at least; whoever is late at all is late for sure."""
    terms, due = [], model.problem.tables.due[ticket]
    for x, option in takes:
        if ticket in option.route and (late := option.starts[option.route.index(ticket)] - due) > 0 and ticket in model.late:
            model.cp.add_implication(x, model.late[ticket])
            terms.append(late * x)
    return terms
