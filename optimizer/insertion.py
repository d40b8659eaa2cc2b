"""Cheapest feasible insertion: one ticket into a schedule, and whole days from nothing.

`insert_best` answers "what would it cost to serve this one too, leaving the order of the others as it is?". `construct` plans
a day by regret insertion (Potvin and Rousseau 1993, doi 10.1016/0377-2217(93)90221-8) with the true cost, and keeps locks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, permutations, product

import numpy as np

from data_models.errors import Infeasible
from optimizer.problem import Problem
from optimizer.schedule import (
    Spell,
    carried,
    crew_duties,
    earlier_trips,
    free_from,
    next_duty,
    previous_duty,
    propagate,
    schedule,
    schedule_of,
    spells_out,
    synchronise,
    takes_kits,
    trips_of_shift,
)
from optimizer.solution import Broken, Schedule, Solution, TimedRoute, empty_solution

_CREW_CANDIDATES = 8  # technicians looked at per crew, and as many again per skill that the crew must bring
_CREW_CHOICES = 60  # crews timed exactly per ticket


class LocksCannotHold(Infeasible):
    """Locked tickets that cannot all stay with their technicians.

    Parameters
    ----------
    tickets
        Ids of locked tickets that contradict each other: any of them given up would let the others hold. Or of one that cannot be
        kept by itself.
    why
        What stands against that one; empty where no single rule does.
    """

    def __init__(self, tickets: Sequence[str], why: str = "") -> None:
        names, rules = ", ".join(tickets), "within skills, kits, windows and shifts"
        super().__init__(
            f"Locked tickets {names}: cannot be kept together with their technicians {rules}; "
            "unlock one of them, or change who is committed to it"
            if len(tickets) > 1
            else f"Locked ticket {names}: {why or f'cannot be kept with its technicians {rules}'}; "
            "unlock it, or change who is committed to it"
        )
        self.tickets = tuple(tickets)


@dataclass(frozen=True)
class Inserted:
    """A schedule with one ticket more, and by how much its cost grew (negative when serving it is cheaper than skipping it)."""

    schedule: Schedule
    cost_change: float


@dataclass(frozen=True)
class Move:
    """A feasible change of some routes; `delta` is the change of their cost alone."""

    delta: float
    routes: Mapping[int, tuple[int, ...]]
    kits: Mapping[int, frozenset[int]]
    timed: Mapping[int, TimedRoute]


class Draft:
    """A plan in the making; its routes are always timed and feasible."""

    def __init__(self, problem: Problem, start: Schedule) -> None:
        self.problem, self.tables = problem, problem.tables
        self.routes: list[tuple[int, ...]] = list(start.solution.routes)
        self.kits: list[frozenset[int]] = list(start.solution.kits)
        self.wait = list(start.solution.wait_until)
        self.timed: dict[int, TimedRoute] = {d: route for d, route in enumerate(start.timed) if route is not None}
        self.crews = crew_duties(self.tables, self.routes)
        self.spells = spells_out(problem, self.kits, self.timed)

    def apply(self, move: Move) -> None:
        """Carry out a move that was found on this very draft."""
        for duty, route in move.routes.items():
            self.routes[duty] = route
        for duty, kits in move.kits.items():
            self.kits[duty] = kits
        self.timed.update(move.timed)
        self.crews = crew_duties(self.tables, self.routes)
        self.spells = spells_out(self.problem, self.kits, self.timed)

    def solution(self) -> Solution:
        """The decisions so far."""
        return Solution(tuple(self.routes), tuple(self.kits), tuple(self.wait))


def insert_best(problem: Problem, start: Schedule, ticket: int, *, technicians: Collection[int] | None = None) -> Inserted | None:
    """The cheapest feasible insertion of one unplanned ticket, the order of all other visits kept.

    Parameters
    ----------
    problem, start
        A schedule of this problem that does not plan `ticket`.
    ticket
        Index of the ticket.
    technicians
        Indices of those who may go; None: everyone whom the problem allows.

    Returns
    -------
    Inserted or None
        None when no place was found. For a single technician all places are tried; for a crew the most promising crews.
    """
    fit = problem.reachable[ticket]
    if technicians is not None:
        fit = fit & np.isin(problem.duty_technician, list(technicians))
    return insert_among(problem, start, ticket, np.flatnonzero(fit).tolist())


def insert_among(problem: Problem, start: Schedule, ticket: int, duties: Sequence[int]) -> Inserted | None:
    """As `insert_best`, for those of these duties who may go: whether each could reach the ticket at all is not worked out beforehand."""
    draft = Draft(problem, start)
    move = best_move(draft, ticket, [duty for duty in duties if problem.member[ticket, duty]])
    if move is None:
        return None
    draft.apply(move)
    done = schedule(problem, draft.solution())
    return None if isinstance(done, Broken) else Inserted(done, done.cost - start.cost)


def construct(problem: Problem, *, start: Solution | None = None) -> Schedule:
    """A feasible day: locked work, then, from the better of two beginnings, everything else by regret insertion.

    One beginning keeps what people were told, as far as it fits; the other starts afresh. Whatever costs more to serve than to
    skip is left out.

    Parameters
    ----------
    start
        A solution to begin with in place of these; it must be feasible, else it is ignored.

    Raises
    ------
    LocksCannotHold
        No way was found to keep all locked tickets with their technicians.
    """
    given = schedule_of(problem, start)
    if given is not None:
        return _fill(problem, given)
    locked = place_locked(problem)
    fresh = _fill(problem, locked)
    if not (problem.ticket_committed & ~problem.ticket_locked).any():
        return fresh
    kept = _fill(problem, _keep_promises(problem, locked))
    return min(kept, fresh, key=lambda s: s.cost)


def best_move(draft: Draft, ticket: int, duties: Sequence[int]) -> Move | None:
    """The cheapest feasible way to put a ticket into the routes of these duties, or of a crew among them; None: there is none.

    No second trip is begun here: the compiled search does that.
    """
    duties = [duty for duty in duties if draft.tables.trip[duty] == 0 or duty in draft.timed]
    if draft.tables.crew[ticket] > 1:
        return _best_crew(draft, ticket, duties)
    best: Move | None = None
    for duty in duties:
        best = _best_in_route(draft, ticket, duty, best)
    return best


def _positions(draft: Draft, ticket: int, duty: int) -> range:
    """Where the ticket may stand in a route: locked ones come first."""
    tables, route, locked = draft.tables, draft.routes[duty], draft.tables.locked
    first = sum(locked[t] for t in route)
    shift = trips_of_shift(tables, duty)
    others = range(shift.start, duty) if locked[ticket] else range(duty + 1, shift.stop)
    if any(locked[t] != locked[ticket] for d in others for t in draft.routes[d]):
        return range(0)  # it would stand before a locked ticket of a later trip, or, locked, behind one that is not
    return range(first + 1) if locked[ticket] else range(first, len(route) + 1)


def _change_cost(draft: Draft, ticket: int, duties: Iterable[int]) -> float:
    """What it costs to send these rather than those who were told, compared with sending those."""
    technicians = {draft.tables.technician[d] for d in duties}
    return draft.tables.change[ticket] if technicians != draft.tables.promised[ticket] else 0.0


def _best_in_route(draft: Draft, ticket: int, duty: int, best: Move | None) -> Move | None:
    """The better of `best` and the cheapest insertion of a single technician's ticket into one route."""
    tables, route = draft.tables, draft.routes[duty]
    if sum(tables.load[t] for t in route) + tables.load[ticket] > tables.capacity[duty]:
        return best
    kits = draft.kits[duty] | (tables.kits[ticket] if tables.held[duty] is None else frozenset())
    change = _change_cost(draft, ticket, (duty,))
    stops = [tables.origin[duty], *(tables.location[t] for t in route), tables.home[duty]]
    drive, here = tables.drive_cost, tables.location[ticket]
    for at in _positions(draft, ticket, duty):
        detour = drive[stops[at]][here] + drive[here][stops[at + 1]] - (drive[stops[at]][stops[at + 1]] if route else 0.0)
        if best is not None and detour + change >= best.delta and tables.travel[stops[at]][stops[at + 1]] < 10**9:
            continue
        move = timed_move(draft, {duty: (*route[:at], ticket, *route[at:])}, {duty: kits}, change)
        if move is not None and (best is None or move.delta < best.delta):
            best = move
    return best


def timed_move(draft: Draft, routes: Mapping[int, tuple[int, ...]], kits: Mapping[int, frozenset[int]], change: float = 0.0) -> Move | None:
    """The move that replaces these routes, with the times of every route that they touch; None when it breaks a rule."""
    tables = draft.tables
    touched = _touched(draft, routes)
    timed: dict[int, TimedRoute] | Broken
    if len(touched) == 1:
        (duty,) = touched
        free, earlier = free_from(tables, duty, draft.wait, draft.timed), earlier_trips(tables, duty, draft.timed)
        single = propagate(tables, duty, routes[duty], free, {}, earlier)
        if single is None:
            return None
        timed = {duty: single}
    else:
        after = draft.routes.copy()
        for duty, route in routes.items():
            after[duty] = route
        timed = synchronise(tables, after, draft.wait, sorted(touched), draft.crews)
        if isinstance(timed, Broken):
            return None
    if not all(_kits_fit(draft, duty, kits.get(duty, draft.kits[duty]), timed) for duty in timed):
        return None
    before = sum(draft.timed[d].cost for d in timed if d in draft.timed)
    return Move(sum(route.cost for route in timed.values()) - before + change, routes, kits, timed)


def _touched(draft: Draft, routes: Mapping[int, tuple[int, ...]]) -> set[int]:
    """Duties whose times may depend on these new routes: through crews, and through the same technician's next duty."""
    tables, touched, todo = draft.tables, set(routes), list(routes)
    while todo:
        duty = todo.pop()
        linked = [*previous_duty(tables, duty, draft.timed), *next_duty(tables, duty, draft.timed)]
        for ticket in routes.get(duty, draft.routes[duty]):
            if tables.crew[ticket] > 1:
                linked += draft.crews.get(ticket, ())
        new = [d for d in linked if d not in touched]
        touched.update(new)
        todo += new
    return touched


def _kits_fit(draft: Draft, duty: int, taken: frozenset[int], timed: Mapping[int, TimedRoute]) -> bool:
    """Whether the station has the kits of this duty while it is out, beside those of others at their present or new times."""
    tables, route = draft.tables, timed[duty]
    takes = takes_kits(tables, duty)
    for kit in carried(tables, duty, taken):
        key = (tables.station[duty], kit)
        spells: list[Spell] = [(route.depart if takes else 0, route.returns, duty)]
        for spell in draft.spells.get(key, ()):
            moved = timed.get(spell[2])
            if moved is not None and spell[2] != duty:
                spells.append((moved.depart if takes_kits(tables, spell[2]) else 0, moved.returns, spell[2]))
            elif spell[2] != duty:
                spells.append(spell)
        owned = draft.problem.stock[key]
        if len(spells) > owned and any(
            takes_kits(tables, taker) and sum(s[0] <= begin < s[1] for s in spells) > owned for begin, _, taker in spells
        ):
            return False
    return True


def _best_crew(draft: Draft, ticket: int, duties: Sequence[int]) -> Move | None:
    """The cheapest move among the most promising crews of a ticket that needs several people."""
    best: Move | None = None
    for crew in _crews(draft, ticket, duties):
        for kits in dealt(draft, ticket, crew):
            move = _join(draft, ticket, crew, kits)
            if move is not None:
                best = move if best is None or move.delta < best.delta else best
                break
    return best


def _crews(draft: Draft, ticket: int, duties: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Crews with all skills, in the order of what their members would cost one by one."""
    tables, problem = draft.tables, draft.problem
    alone = {d: move.delta for d in duties if (move := _join(draft, ticket, (d,), {})) is not None}
    ranked = sorted(alone, key=lambda d: (alone[d], d))
    chosen = set(ranked[: _CREW_CANDIDATES + tables.crew[ticket]])
    for skill, level in tables.needs[ticket]:
        able = [d for d in ranked if problem.skill_level[tables.technician[d], skill] >= level]
        chosen.update(able[:_CREW_CANDIDATES])
    pool = [d for d in ranked if d in chosen]
    groups = islice(combinations(pool, tables.crew[ticket]), 20_000)
    fit = [g for g in groups if is_crew(draft, ticket, g)]
    yield from sorted(fit, key=lambda g: (sum(alone[d] for d in g), g))[:_CREW_CHOICES]


def is_crew(draft: Draft, ticket: int, duties: Sequence[int]) -> bool:
    """Whether these are different people who bring every skill between them, and all those whom a lock names."""
    tables, level = draft.tables, draft.problem.skill_level
    people = {tables.technician[d] for d in duties}
    able = all(any(level[w, skill] >= least for w in people) for skill, least in tables.needs[ticket])
    return len(people) == tables.crew[ticket] and able and (not tables.locked[ticket] or people == tables.promised[ticket])


def dealt(draft: Draft, ticket: int, crew: Sequence[int]) -> Iterator[dict[int, frozenset[int]]]:
    """Ways to deal the ticket's kits among its crew: new kit sets by duty. Kits that somebody has anyway are not dealt again."""
    tables = draft.tables
    have = frozenset[int]().union(*(carried(tables, d, draft.kits[d]) for d in crew))
    missing = sorted(tables.kits[ticket] - have)
    bearers = [[d for d in crew if takes_kits(tables, d) and draft.problem.stock[tables.station[d], kit] > 0] for kit in missing]
    for choice in islice(product(*bearers), _CREW_CHOICES):
        yield {d: draft.kits[d] | {k for k, bearer in zip(missing, choice, strict=True) if bearer == d} for d in set(choice)}


def _join(draft: Draft, ticket: int, crew: Sequence[int], kits: Mapping[int, frozenset[int]]) -> Move | None:
    """The cheapest way to put the ticket into the routes of all these duties, one after the other, each at its best place.

    With fewer duties than the ticket needs, the answer is what those would cost alone.
    """
    tables = draft.tables
    routes: dict[int, tuple[int, ...]] = {}
    move: Move | None = None
    crews = dict(draft.crews)
    change = _change_cost(draft, ticket, crew) if len(crew) == tables.crew[ticket] else 0.0
    for number, duty in enumerate(crew):
        if sum(tables.load[t] for t in draft.routes[duty]) + tables.load[ticket] > tables.capacity[duty]:
            return None
        draft.crews[ticket] = list(crew[: number + 1])
        found = []
        for at in _positions(draft, ticket, duty):
            route = draft.routes[duty]
            option = timed_move(draft, routes | {duty: (*route[:at], ticket, *route[at:])}, kits, change)
            found += [(option.delta, at, option)] if option is not None else []
        if not found:
            draft.crews = crews
            return None
        _, _, move = min(found, key=lambda f: f[:2])
        routes = dict(move.routes)
    draft.crews = crews
    return move


def place_locked(problem: Problem) -> Schedule:
    """The locked tickets with their technicians and nothing else: by insertion in several orders, else decided exactly."""
    locked = [t for t in range(problem.n_tickets) if problem.tables.locked[t]]
    odd = [t for t in locked if len(problem.tables.promised[t]) != problem.tables.crew[t]]
    if odd:
        raise LocksCannotHold([problem.ticket_ids[t] for t in odd], _why_not_alone(problem, odd[0]) if len(odd) == 1 else "")
    placed, failed = _keep_together(problem, locked)
    if placed is not None:
        return _finished(problem, placed)
    from optimizer.locks import Kept, keep_locks  # loads OR-Tools, which hardly any day needs here

    found = keep_locks(problem)
    if isinstance(found, Kept):
        return found.schedule
    tickets = found.tickets if found else failed
    raise LocksCannotHold([problem.ticket_ids[t] for t in tickets], _why_not_alone(problem, tickets[0]) if len(tickets) == 1 else "")


def _why_not_alone(problem: Problem, ticket: int) -> str:
    """The rule that keeps a locked ticket from its technicians whatever the times; empty when no single one does."""
    tables = problem.tables
    crew = sorted(tables.promised[ticket])
    names = ", ".join(problem.technician_ids[who] for who in crew)
    if len(crew) != tables.crew[ticket]:
        return f"needs {tables.crew[ticket]} people and is committed to {names or 'nobody'}"
    barred = [problem.technician_ids[who] for who in crew if not problem.allowed[ticket, who]]
    if barred:
        return f"is committed to {', '.join(barred)}, who may not go there"
    for skill, level in tables.needs[ticket]:
        if max(problem.skill_level[who, skill] for who in crew) < level:
            return f"needs {problem.skill_names[skill]} at level {level}, which {names} cannot do"
    return ""


def _keep_together(problem: Problem, locked: Sequence[int]) -> tuple[Draft | None, list[int]]:
    """These locked tickets with their technicians; None, and the fewest for which no place was found, when no order of them works."""
    tables, fit = problem.tables, problem.reachable
    ranked = sorted(locked, key=lambda t: (-tables.crew[t], tables.due[t], t))
    orders = [ranked, locked, ranked[::-1], *islice(permutations(ranked), 1, 120)] if len(locked) <= 8 else [ranked, locked, ranked[::-1]]
    fewest = list(locked)
    for order in orders:
        draft, failed = Draft(problem, schedule_of_nothing(problem)), []
        for ticket in order:
            move = best_move(draft, ticket, np.flatnonzero(fit[ticket]).tolist())
            if move is None:
                failed.append(ticket)
            else:
                draft.apply(move)
        if not failed:
            return draft, []
        fewest = min(fewest, failed, key=len)
    return None, fewest


def schedule_of_nothing(problem: Problem) -> Schedule:
    """The day on which nobody goes anywhere and everything is skipped, locked tickets included."""
    tables = problem.tables
    cost = sum(tables.skip) + sum(change for t, change in enumerate(tables.change) if tables.promised[t])
    return Schedule(empty_solution(problem.n_duties), (None,) * problem.n_duties, cost)


def _keep_promises(problem: Problem, start: Schedule) -> Schedule:
    """Adds every promised visit to the very technicians that were told, where that is feasible."""
    tables, fit = problem.tables, problem.reachable
    draft = Draft(problem, start)
    told = [t for t in range(problem.n_tickets) if problem.ticket_committed[t] and not tables.locked[t]]
    for ticket in sorted(told, key=lambda t: (-tables.crew[t], tables.due[t], t)):
        theirs = fit[ticket] & np.isin(problem.duty_technician, sorted(tables.promised[ticket]))
        move = best_move(draft, ticket, np.flatnonzero(theirs).tolist()) if len(tables.promised[ticket]) == tables.crew[ticket] else None
        if move is not None:
            draft.apply(move)
    return _finished(problem, draft)


def _finished(problem: Problem, draft: Draft) -> Schedule:
    """The draft timed anew by the one function that knows every rule."""
    done = schedule(problem, draft.solution())
    if isinstance(done, Broken):
        raise RuntimeError(f"insertion and schedule disagree: {done.reason}")
    return done


def _fill(problem: Problem, start: Schedule) -> Schedule:
    """Inserts what is worth serving: crews by what skipping them costs, then single visits by regret."""
    tables, fit = problem.tables, problem.reachable
    draft = Draft(problem, start)
    left = [t for t in range(problem.n_tickets) if t not in draft.crews]
    for ticket in sorted((t for t in left if tables.crew[t] > 1), key=lambda t: (-tables.skip[t], tables.due[t], t)):
        move = best_move(draft, ticket, np.flatnonzero(fit[ticket]).tolist())
        if move is not None and move.delta < tables.skip[ticket] + tables.change[ticket]:
            draft.apply(move)
    _insert_by_regret(draft, {t: np.flatnonzero(fit[t]).tolist() for t in left if tables.crew[t] == 1})
    return _finished(problem, draft)


def _insert_by_regret(draft: Draft, candidates: Mapping[int, Sequence[int]]) -> None:
    """Inserts the ticket that loses most by waiting, again and again, until none is worth inserting.

    The cheapest move per (ticket, duty) is remembered until one of the routes that it touches changes.
    """
    tables = draft.tables
    moves: dict[int, dict[int, Move]] = {t: {} for t in candidates}
    for ticket, duties in candidates.items():
        for duty in duties:
            _remember(draft, moves[ticket], ticket, duty)
    while moves:
        ticket = max(moves, key=lambda t: (_regret(tables.skip[t] + tables.change[t], moves[t]), -t))
        if not moves[ticket]:
            del moves[ticket]
            continue
        duty = min(moves[ticket], key=lambda d: (moves[ticket][d].delta, d))
        move = _best_in_route(draft, ticket, duty, None)  # kits may have gone since it was found
        if move is None or move.delta > moves[ticket][duty].delta + 1e-6:
            _remember(draft, moves[ticket], ticket, duty)
            continue
        if move.delta >= tables.skip[ticket] + tables.change[ticket]:
            del moves[ticket]
            continue
        draft.apply(move)
        del moves[ticket]
        for other, known in moves.items():
            for touched in move.timed:
                if touched in known:
                    _remember(draft, known, other, touched)


def _remember(draft: Draft, known: dict[int, Move], ticket: int, duty: int) -> None:
    move = _best_in_route(draft, ticket, duty, None)
    known.pop(duty, None)
    if move is not None:
        known[duty] = move


def _regret(skip: float, moves: Mapping[int, Move]) -> float:
    """How much dearer the second and third best places (or skipping) are than the best; below zero when skipping is best."""
    costs = sorted([*(m.delta for m in moves.values()), skip, skip, skip])[:3]
    return costs[1] + costs[2] - 2 * costs[0] if moves and costs[0] < skip else -1.0
