"""A large problem in parts that can be searched side by side: which station belongs to which part, and a part as a problem.

A station is whole within one part, with its people, all their duties and its kits, so that parts share nothing but crews. A crew
whose members are in several parts is kept: each part has its *share* of the visit, at a fixed moment and for just these people.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise

import numpy as np

from optimizer.problem import UNREACHABLE, Bools, Ints, Problem
from optimizer.schedule import crew_duties
from optimizer.search_state import LOCK_PENALTY
from optimizer.solution import Schedule, Solution

_HOMES = 3  # stations that a ticket which is not planned could belong to
_AT_ONCE = 1000  # tickets whose ways to all stations are looked at together


@dataclass(frozen=True)
class Share:
    """What one part has of a visit by a crew of several parts: when it starts, by which duties, and with which kits of theirs."""

    start: int
    duties: tuple[int, ...]
    kits: frozenset[int]


@dataclass(frozen=True, eq=False)
class Part:
    """Some tickets and duties of a problem as a problem of its own.

    Attributes
    ----------
    problem
        The part.
    tickets, duties, kits
        What its tickets, duties and kit types are in the whole problem.
    """

    problem: Problem
    tickets: Ints
    duties: Ints
    kits: Ints

    def inside(self, whole: Solution) -> Solution:
        """The part's share of a solution of the whole."""
        ticket = {t: i for i, t in enumerate(self.tickets.tolist())}
        kit = {k: i for i, k in enumerate(self.kits.tolist())}
        duties = self.duties.tolist()
        return Solution(
            tuple(tuple(ticket[t] for t in whole.routes[d]) for d in duties),
            tuple(frozenset(kit[k] for k in whole.kits[d] if k in kit) for d in duties),
            tuple(whole.wait_until[d] for d in duties),
        )


def restrict(problem: Problem, tickets: Ints, duties: Ints, shares: Mapping[int, Share] | None = None) -> Part:
    """Some tickets and duties of a problem as a problem of its own, in which a route costs what it costs in the whole.

    Parameters
    ----------
    tickets, duties
        Indices, ascending. With a duty, all of its technician; with a kit that two stations' people could want, nothing: kits are
        a station's own, and its stock goes to the part undivided.
    shares
        By ticket, for those whose crew is only partly inside.

    Raises
    ------
    ValueError
        A duty is inside and the same technician's duty before it is not.
    """
    told = [problem.promised[problem.promised_ptr[t] : problem.promised_ptr[t + 1]] for t in tickets]
    stations = np.unique(problem.duty_station[duties])
    technicians = np.unique(np.concatenate([problem.duty_technician[duties], *told]))
    outs = problem.duty_origin[duties][problem.duty_out[duties]]
    locations = np.concatenate([stations, outs, problem.ticket_location[tickets]]).astype(np.int64)
    where = _numbers(locations, len(problem.legs.lat))
    station, person = _numbers(stations, len(problem.station_ids)), _numbers(technicians, len(problem.technician_ids))
    values: dict[str, object] = {}
    for field in fields(problem):
        if field.name.startswith(("ticket_", "duty_")) and field.name != "ticket_ids":
            values[field.name] = getattr(problem, field.name)[tickets if field.name.startswith("ticket_") else duties]
    before = problem.duty_before[duties]
    values["duty_before"] = np.where(before >= 0, _numbers(duties, problem.n_duties)[before], -1)
    if (np.asarray(values["duty_before"])[before >= 0] < 0).any():
        raise ValueError("a duty is in the part, and the same technician's duty before it is not")
    values |= {
        "ticket_location": where[problem.ticket_location[tickets]],
        "duty_technician": person[problem.duty_technician[duties]],
        "duty_station": station[problem.duty_station[duties]],
        "duty_origin": where[problem.duty_origin[duties]],
        "duty_home": where[problem.duty_home[duties]],
        "station_ids": tuple(problem.station_ids[s] for s in stations),
        "technician_ids": tuple(problem.technician_ids[t] for t in technicians),
        "ticket_ids": tuple(problem.ticket_ids[t] for t in tickets),
        "skill_level": problem.skill_level[technicians],
        "allowed": problem.allowed[np.ix_(tickets, technicians)],
        "capable": problem.capable[np.ix_(tickets, technicians)],
    }
    sub = _case_of(problem, stations, technicians, tickets)
    part = replace(problem, case=sub, legs=problem.legs.only(locations), **values, **_ragged(problem, tickets, duties, person))  # type: ignore[arg-type]
    part, kits = _with_own_kits(part, problem, stations, station)
    index = {ticket: i for i, ticket in enumerate(tickets.tolist())}
    inside = {index[ticket]: share for ticket, share in (shares or {}).items()}
    return Part(
        _with_shares(part, inside, _numbers(duties, problem.n_duties), _numbers(kits, len(problem.kit_names))), tickets, duties, kits
    )


def _numbers(chosen: Ints, n: int) -> Ints:
    """The position of each of `n` things among the chosen ones, -1 for the others; the last entry is -1 too, so that -1 stays -1."""
    number = np.full(n + 1, -1, np.int64)
    number[chosen] = np.arange(len(chosen))
    return number


def _case_of(problem: Problem, stations: Ints, technicians: Ints, tickets: Ints) -> object:
    """The part of the case, so that a part can be sent elsewhere without the rest."""
    case = problem.case
    inside = {problem.ticket_ids[t] for t in tickets}
    return replace(
        case,
        stations=tuple(case.stations[s] for s in stations),
        technicians=tuple(case.technicians[t] for t in technicians),
        tickets=tuple(case.tickets[t] for t in tickets),
        committed=tuple(each for each in case.committed if each.ticket in inside),
    )


def _gathered(ptr: Ints, rows: Ints, *columns: Ints) -> tuple[Ints, ...]:
    """Some rows of compressed facts: their new pointers, and their items of each column."""
    items = np.concatenate([np.arange(ptr[row], ptr[row + 1]) for row in rows] or [np.zeros(0, np.int64)]).astype(np.int64)
    lengths = ptr[1:][rows] - ptr[:-1][rows]
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), *(column[items] for column in columns)


def _ragged(p: Problem, tickets: Ints, duties: Ints, person: Ints) -> dict[str, Ints]:
    names = {
        ("window_ptr", "window_start", "window_end"): tickets,
        ("need_ptr", "need_skill", "need_level"): tickets,
        ("need_kit_ptr", "need_kit"): tickets,
        ("promised_ptr", "promised"): tickets,
        ("held_kit_ptr", "held_kit"): duties,
        ("break_ptr", "break_earliest", "break_latest", "break_length", "break_span_end"): duties,
    }
    found: dict[str, Ints] = {}
    for group, rows in names.items():
        ptr, *columns = (getattr(p, name) for name in group)
        found |= dict(zip(group, _gathered(ptr, rows, *columns), strict=True))
    return found | {"promised": person[found["promised"]]}


def _with_own_kits(part: Problem, whole: Problem, stations: Ints, station: Ints) -> tuple[Problem, Ints]:
    """The part with the kits that matter in it alone, and which these are."""
    lent = np.isin(whole.lent_station, stations)
    kits = np.unique(np.concatenate([part.need_kit, part.held_kit, whole.lent_kit[lent]])).astype(np.int64)
    number = _numbers(kits, len(whole.kit_names))
    own = replace(
        part,
        kit_names=tuple(whole.kit_names[k] for k in kits),
        stock=whole.stock[np.ix_(stations, kits)],
        need_kit=number[part.need_kit],
        held_kit=number[part.held_kit],
        lent_station=station[whole.lent_station[lent]],
        lent_kit=number[whole.lent_kit[lent]],
        lent_until=whole.lent_until[lent],
    )
    return own, kits


def _with_shares(part: Problem, shares: Mapping[int, Share], duty: Ints, kit: Ints) -> Problem:
    """The part with visits that others share: fixed in time and people, without the needs that the crew as a whole meets."""
    if not shares:
        return part
    crew, miss, late = part.ticket_crew.copy(), part.ticket_miss_cost.copy(), part.ticket_late_cost_per_hour.copy()
    skip, told, allowed, capable = part.ticket_skip_cost.copy(), part.ticket_committed.copy(), part.allowed.copy(), part.capable.copy()
    for ticket, share in shares.items():
        inside = len(share.duties)
        miss[ticket] *= inside / crew[ticket]  # lateness is paid by each of a crew alike
        late[ticket] *= inside / crew[ticket]
        crew[ticket], skip[ticket], told[ticket] = inside, LOCK_PENALTY, False
        allowed[ticket], capable[ticket] = False, True
        allowed[ticket, part.duty_technician[duty[list(share.duties)]]] = True
    windows = _replaced(part.window_ptr, {t: [(s.start, s.start)] for t, s in shares.items()}, part.window_start, part.window_end)
    needs = _replaced(part.need_ptr, {t: [] for t in shares}, part.need_skill, part.need_level)
    kits = _replaced(part.need_kit_ptr, {t: [(int(kit[k]),) for k in sorted(s.kits)] for t, s in shares.items()}, part.need_kit)
    promised = _replaced(part.promised_ptr, {t: [] for t in shares}, part.promised)
    return replace(
        part,
        ticket_crew=crew, ticket_miss_cost=miss, ticket_late_cost_per_hour=late, ticket_skip_cost=skip, ticket_committed=told,
        allowed=allowed, capable=capable,
        window_ptr=windows[0], window_start=windows[1], window_end=windows[2],
        need_ptr=needs[0], need_skill=needs[1], need_level=needs[2],
        need_kit_ptr=kits[0], need_kit=kits[1], promised_ptr=promised[0], promised=promised[1],
    )  # fmt: skip


def _replaced(ptr: Ints, instead: Mapping[int, Sequence[tuple[int, ...]]], *columns: Ints) -> tuple[Ints, ...]:
    """Compressed facts with the items of some rows replaced."""
    rows = [list(zip(*(c[a:b].tolist() for c in columns), strict=True)) for a, b in pairwise(ptr.tolist())]
    for row, items in instead.items():
        rows[row] = list(items)
    new_ptr = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
    return new_ptr, *(np.array([item[c] for row in rows for item in row], np.int64) for c in range(len(columns)))


def homes_of(problem: Problem) -> Ints:
    """The stations that would reach each ticket soonest of those with somebody and the kits for it: (n_tickets, at most 3) int64.

    Nearest first; where there are fewer, the first again; where there are none, the nearest with a duty. Hours and other work are not
    looked at.
    """
    staffed = np.unique(problem.duty_station)
    by_station = np.argsort(problem.duty_station, kind="stable")
    first = np.searchsorted(problem.duty_station[by_station], staffed)
    people = problem.duty_technician[by_station]
    homes = np.empty((problem.n_tickets, min(_HOMES, len(staffed))), np.int64)
    for begin in range(0, problem.n_tickets, _AT_ONCE):
        some = np.arange(begin, min(begin + _AT_ONCE, problem.n_tickets))
        fit = problem.allowed[some] & (problem.capable[some] | (problem.ticket_crew[some] > 1)[:, None])
        able: Bools = np.logical_or.reduceat(fit[:, people], first, axis=1)
        able &= _has_kits(problem, some, staffed)
        away = problem.legs.between(staffed, problem.ticket_location[some])[0].T
        order = np.argsort(np.where(able, away, away + 2 * UNREACHABLE), axis=1, kind="stable")
        nearest = order[:, : homes.shape[1]]
        homes[some] = staffed[np.where(np.take_along_axis(able, nearest, axis=1), nearest, nearest[:, :1])]
    return homes


def _has_kits(problem: Problem, tickets: Ints, stations: Ints) -> Bools:
    """Whether a station owns every kit that a ticket for one person needs: (., .) bool. A crew may bring them from several."""
    owned = problem.stock[stations] > 0
    enough = np.ones((len(tickets), len(stations)), bool)
    for row, ticket in enumerate(tickets):
        kits = problem.need_kit[problem.need_kit_ptr[ticket] : problem.need_kit_ptr[ticket + 1]]
        if len(kits) and problem.ticket_crew[ticket] == 1:
            enough[row] = owned[:, kits].all(axis=1)
    return enough


def divide(problem: Problem, present: Schedule | None, homes: Ints, most: int, chance: random.Random) -> list[Part]:
    """The problem in parts of about `most` tickets, whose borders lie elsewhere each time.

    Stations are cut in two again and again, between two of them that chance picks, so that about the same work lies on each side. A
    planned ticket goes where those who visit it are, another to one of its home stations, the first when there is no plan yet; stations
    whose people share a locked ticket stay together.

    Parameters
    ----------
    present
        The plan to keep, None when there is none.
    homes : (n_tickets, .)
        As `homes_of` gives them.
    """
    crews = {} if present is None else crew_duties(problem.tables, present.solution.routes)
    columns = [0 if present is None else chance.randrange(homes.shape[1]) for _ in range(problem.n_tickets)]
    home = homes[np.arange(problem.n_tickets), columns]
    visited = [(ticket, duty) for ticket, duties in crews.items() for duty in duties]
    loose = np.array([ticket for ticket in range(problem.n_tickets) if ticket not in crews], np.int64)
    work = np.bincount(home[loose], minlength=len(problem.station_ids)).astype(float)
    np.add.at(work, problem.duty_station[np.array([duty for _, duty in visited], np.int64)], 1.0)
    atoms = _atoms(problem)
    heads = np.array([stations[0] for stations in atoms], np.int64)
    ways = problem.legs.between(heads, heads)[0]
    weights = np.array([work[stations].sum() for stations in atoms])
    count = max(1, round(weights.sum() / most * chance.uniform(1.0, 1.25)))
    region = np.full(len(problem.station_ids), -1, np.int64)
    groups = _cut(list(range(len(atoms))), weights, ways + ways.T, count, chance)
    for number, group in enumerate(groups):
        for atom in group:
            region[atoms[atom]] = number
    of_duty = region[problem.duty_station]
    tickets: list[set[int]] = [set() for _ in groups]
    for ticket in loose.tolist():
        tickets[region[home[ticket]]].add(ticket)
    for ticket, duty in visited:
        tickets[of_duty[duty]].add(ticket)
    parts = []
    for number, names in enumerate(tickets):
        if not names:
            continue
        shares = _shares(problem, present, crews, names, of_duty, number)
        parts.append(restrict(problem, np.array(sorted(names), np.int64), np.flatnonzero(of_duty == number), shares))
    return parts


def _shares(
    problem: Problem, present: Schedule | None, crews: Mapping[int, Sequence[int]], tickets: set[int], of_duty: Ints, number: int
) -> dict[int, Share]:
    """The shares of a part in crews that are not all in it."""
    shares: dict[int, Share] = {}
    for ticket in sorted(tickets):
        crew = crews.get(ticket, ())
        inside = tuple(duty for duty in crew if of_duty[duty] == number)
        if present is None or len(inside) == len(crew):
            continue
        timed = present.timed[inside[0]]
        assert timed is not None  # noqa: S101  # whoever is in a crew has a route
        start = timed.starts[present.solution.routes[inside[0]].index(ticket)]
        tables = problem.tables
        brought = frozenset[int]().union(*(present.solution.kits[d] if tables.held[d] is None else tables.held[d] or () for d in inside))
        shares[ticket] = Share(start, inside, tables.kits[ticket] & brought)
    return shares


def _atoms(problem: Problem) -> list[Ints]:
    """Stations that stay together, of those with a duty: each alone, but for those whose people share a locked ticket."""
    head = np.arange(len(problem.station_ids))
    station = {int(t): int(s) for t, s in zip(problem.duty_technician, problem.duty_station, strict=True)}
    for ticket in np.flatnonzero(problem.ticket_locked):
        crew = problem.promised[problem.promised_ptr[ticket] : problem.promised_ptr[ticket + 1]].tolist()
        joined = [head[station[t]] for t in crew if t in station]
        for other in joined[1:]:
            head[head == other] = head[joined[0]]
    staffed = np.unique(problem.duty_station)
    return [staffed[head[staffed] == each] for each in np.unique(head[staffed])]


def _cut(atoms: list[int], weight: np.ndarray, apart: Ints, count: int, chance: random.Random) -> list[list[int]]:
    """The atoms in `count` groups of about the same weight, fewer where there are fewer atoms."""
    if count == 1 or len(atoms) == 1:
        return [atoms]
    a = chance.choice(atoms)
    b = max(atoms, key=lambda x: (apart[a, x], x))
    order = sorted(atoms, key=lambda x: (apart[a, x] - apart[b, x], x))
    left = count // 2 if chance.random() < 0.5 else -(-count // 2)
    reached = np.cumsum(weight[order])
    at = int(np.searchsorted(reached, reached[-1] * left / count)) + 1
    at = min(max(at, 1), len(order) - 1)
    return [*_cut(order[:at], weight, apart, left, chance), *_cut(order[at:], weight, apart, count - left, chance)]
