"""Kits in the exact model: who brings them, and how many are out at any moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.exact_model import Key, Model


def add_kits(model: Model) -> None:
    """Rule 5: a ticket's kits are among those that its crew carries."""
    tables = model.problem.tables
    for ticket in model.tickets:
        for kit in sorted(tables.kits[ticket]):
            bearers = []
            for duty in model.duties(ticket):
                visit, held = model.visit[duty, ticket], tables.held[duty]
                if held is not None and kit in held:
                    bearers.append(visit)
                elif held is None and model.problem.stock[tables.station[duty], kit] > 0:
                    if (duty, kit) not in model.carry:
                        model.carry[duty, kit] = model.cp.new_bool_var(f"carry {duty} {kit}")
                        model.cp.add_implication(model.carry[duty, kit], model.used[duty])
                    brings = visit
                    if tables.crew[ticket] > 1:
                        brings = model.brings[duty, ticket, kit] = model.cp.new_bool_var("")
                        model.cp.add_implication(brings, visit)
                    model.cp.add_implication(brings, model.carry[duty, kit])
                    bearers.append(brings)
            model.cp.add(sum(bearers) >= model.planned[ticket])


def add_stock(model: Model) -> None:
    """Rule 5: whenever somebody departs with a kit, those that are out then are no more than the station owns."""
    tables = model.problem.tables
    takers: dict[Key, list[int]] = {}
    for duty, kit in model.carry:
        takers.setdefault((tables.station[duty], kit), []).append(duty)
    for (station, kit), duties in takers.items():
        holders = _holders(model, station, kit)
        owned = int(model.problem.stock[station, kit])
        if len(duties) + len(holders) > owned:
            _add_stock_of(model, kit, owned, duties, holders)


def _holders(model: Model, station: int, kit: int) -> list[Any]:
    """When each kit that is out from the beginning comes home: numbers, or variables where a route decides it."""
    problem, tables, cp = model.problem, model.problem.tables, model.cp
    rows = zip(problem.lent_station.tolist(), problem.lent_kit.tolist(), problem.lent_until.tolist(), strict=True)
    until: list[Any] = [back for home, its_kit, back in rows if (home, its_kit) == (station, kit)]
    for duty, held in enumerate(tables.held):
        if tables.station[duty] != station or kit not in (held or ()):
            continue
        idle = tables.idle_until[duty]
        if duty not in model.may:
            until.append(idle)
            continue
        home = cp.new_int_var(0, max(idle, tables.latest[duty], 0), f"kit {kit} back with {duty}")
        cp.add(home == model.back[duty]).only_enforce_if(model.used[duty])
        cp.add(home == idle).only_enforce_if(~model.used[duty])
        until.append(home)
    return until


def _add_stock_of(model: Model, kit: int, owned: int, takers: Sequence[int], holders: Sequence[Any]) -> None:
    cp, excess = model.cp, len(holders) - owned
    spells = []
    for duty in takers:
        size = cp.new_int_var(0, max(0, model.problem.tables.latest[duty] - model.problem.tables.earliest[duty]), "")
        spells.append(cp.new_optional_interval_var(model.depart[duty], size, model.back[duty], model.carry[duty, kit], ""))
    # A station that has lent more than it owns breaks no rule until somebody departs: the excess must be home by then.
    gone = [cp.new_bool_var("") for _ in holders] if excess > 0 else []
    if gone:
        cp.add(sum(gone) == excess)
    for number, until in enumerate(holders):
        if gone:
            spells.append(cp.new_optional_interval_var(0, until, until, ~gone[number], ""))
        else:
            spells.append(cp.new_interval_var(0, until, until, ""))
        for duty in takers if gone else ():
            cp.add(model.depart[duty] >= until).only_enforce_if(gone[number], model.carry[duty, kit])
    cp.add_cumulative(spells, [1] * len(spells), owned)
