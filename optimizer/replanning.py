"""A plan made again while people are at work: as good as it gets, and as little of what people were told changed as that allows.

What is minimised is the cost of the case plus a price of disturbance (`ReplanRules`). The search knows neither promised starts nor a
freeze; it gets a problem that says the same in its own terms (`_in_terms_of_search`), starts from the published plan, and what
it finds is timed by the true rules. Then each change that gains less than its price is undone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np

from data_models.case import Case
from data_models.plan import Plan
from optimizer.difference import Difference, difference
from optimizer.legs import MOST_DENSE
from optimizer.problem import Problem, to_plan
from optimizer.published import Told, crews_of, kept, problem_for, put_back, starts_of
from optimizer.regions import solve as search
from optimizer.result import Result, Stop
from optimizer.schedule import schedule
from optimizer.solution import Schedule, Solution

_STRICT_SHARE = 0.5  # of the search, before emergencies may break the freeze
_TROUBLED = 8  # emergencies that may break it in one re-plan
_WAYS = 3  # of the best ways to serve each of them, whose people are released from it
_ROUNDS = 3  # of looking for changes to undo
_UNDO_SHARE = 0.05  # of the seconds
_FINISH_S = 0.25  # to say what differs
_TRIES = 30  # plans with one change undone that are timed for the reasons
_LEAST_SPAN_S = 1800  # between a promise that counts as moved and `due`: nearer, the cost of being late says enough


@dataclass(frozen=True)
class ReplanRules:
    """What changing a published plan is worth avoiding; with `NO_PRICE` only the cost of the case counts.

    Attributes
    ----------
    technician_price
        Money for each promised visit that other people make than were told, beyond the `change_technician` of the case.
    moved_price
        Money for each promise that is moved by more than `moved_minutes`: later, or earlier where the customer was told a time that was
        soon enough. An emergency, or a visit that was late, may always come earlier.
    freeze_minutes
        A visit that was to begin within so many minutes from now stays with its people and in its place; only an emergency that is
        late or not planned otherwise may change that.
    frozen_price
        Money for each such visit that an emergency changes, on top of the others.
    """

    technician_price: float = 0.0
    moved_price: float = 300.0
    moved_minutes: float = 15.0
    freeze_minutes: float = 60.0
    frozen_price: float = 1000.0

    @property
    def is_free(self) -> bool:
        """Whether no change costs anything."""
        return not (self.technician_price or self.moved_price or self.freeze_minutes > 0)


NO_PRICE = ReplanRules(0.0, 0.0, 15.0, 0.0, 0.0)


@dataclass(frozen=True)
class Disturbance:
    """What people were told and is not so any more, by ticket id, and what that costs by `ReplanRules`."""

    other_people: tuple[str, ...]
    moved: tuple[str, ...]
    frozen: tuple[str, ...]
    price: float


@dataclass(frozen=True)
class Replanned:
    """A plan made again: the solver's result, the plan, what differs from the published one, and how much it disturbs."""

    result: Result
    plan: Plan
    difference: Difference
    disturbance: Disturbance


def replan(
    case: Case,
    before: Plan,
    stop: Stop,
    seed: int,
    rules: ReplanRules | None = None,
    *,
    trips: int = 2,
    workers: int = 1,
    clock: Callable[[], float] = time.monotonic,
) -> Replanned:
    """The plan of a case at a later moment than `before` was made for, never dearer than keeping that plan, price of disturbance counted.

    Parameters
    ----------
    case
        The snapshot at the moment: people where they are, work under way locked, promised visits committed.
    before
        The published plan. What the case does not know any more is left out of it.
    stop
        Seconds are those of the whole call, iterations those of the search.
    seed
        The same seed, workers and number of iterations give the same plan.
    rules
        The price of changes; None for the defaults.
    trips
        As `build_problem` takes them.

    Raises
    ------
    LocksCannotHold
        Locked tickets contradict each other.
    """
    began = clock()
    rules = rules or ReplanRules()
    problem, told = problem_for(case, before, trips=trips)
    again = _Again(problem, told, rules)
    end = None if stop.seconds is None else began + stop.seconds - _FINISH_S

    def left(share: float, done: int) -> Stop:
        steps = None if stop.iterations is None else round(share * (stop.iterations - done))
        if not stop.seconds or end is None:
            return replace(stop, iterations=steps)
        rest = end - clock() - (0 if rules.is_free else _UNDO_SHARE * stop.seconds)
        return replace(stop, seconds=max(0.01, share * rest), iterations=steps)

    found, best = again.searched(left, seed, workers, clock)
    if not rules.is_free:
        best = again.undone(best, lambda: end is not None and clock() > end)
    result = replace(
        found,
        problem=again.held,
        schedule=best,
        cost=best.cost,
        seconds=clock() - began,
        trajectory=(*found.trajectory[:1], (clock() - began, best.cost)),
        status="start" if again.start is not None and best.solution == again.start.solution else "improved",
        bound=None,
    )
    # Two searches and what was undone are not repeated by the number of their iterations, but by the number that was asked for.
    plan = to_plan(again.held, best, solver=replace(result.facts, iterations=None if stop.seconds else stop.iterations))
    told_apart = difference(case, before, plan, tolerance_minutes=rules.moved_minutes, tries=_TRIES)
    return Replanned(result, plan, told_apart, again.disturbance(best))


class _Again:
    """One plan being made again: the true problem, the same with promised starts held, and the best schedule so far."""

    def __init__(self, problem: Problem, told: Told, rules: ReplanRules) -> None:
        self.problem, self.told, self.rules = problem, told, rules
        self.tolerance_s = round(60 * rules.moved_minutes)
        self.frozen = frozenset(t for t, start in told.starts.items() if _is_frozen(problem, told, t, start, rules))
        self.held = problem if rules.is_free or not rules.moved_price else _held(problem, told, self.tolerance_s)
        self.start = kept(self.held, told.solution, locked=self.frozen)
        # What cannot be kept as it was told is not worth keeping with the same people.
        lost = self.frozen if self.start is None else self._changes(self.start)[2]
        self.frozen = self.frozen.difference(lost)

    def disturbance(self, plan: Schedule) -> Disturbance:
        """What a schedule changes of what people were told."""
        others, moved, frozen = self._changes(plan)
        names = self.problem.ticket_ids
        return Disturbance(
            tuple(names[t] for t in others),
            tuple(names[t] for t in moved),
            tuple(names[t] for t in frozen),
            self._price(len(others), len(moved), len(frozen)),
        )

    def total(self, plan: Schedule) -> float:
        """Cost of the case and price of disturbance together."""
        return plan.cost + self._price(*map(len, self._changes(plan)))

    def _price(self, others: int, moved: int, frozen: int) -> float:
        rules = self.rules
        return others * rules.technician_price + moved * rules.moved_price + frozen * rules.frozen_price

    def _changes(self, plan: Schedule) -> tuple[list[int], list[int], list[int]]:
        starts, crews = starts_of(plan), crews_of(self.problem, plan.solution)
        told = self.told
        others = [t for t, crew in told.crews.items() if crews.get(t) != crew]
        moved = [t for t, start in told.starts.items() if self._is_moved(t, start, starts.get(t))]
        changed = {*others, *moved}
        return others, moved, [t for t in self.frozen if t in changed]

    def _is_moved(self, ticket: int, told: int, start: int | None) -> bool:
        if start is None or start > told + self.tolerance_s:
            return True
        return start < told - self.tolerance_s and may_be_held(self.problem, ticket, told)

    # --- searching ---

    def searched(self, left: Callable[[float, int], Stop], seed: int, workers: int, clock: Callable[[], float]) -> tuple[Result, Schedule]:
        """Search with the freeze kept, and where an emergency suffers from it, once more without it for those whom that helps.

        Gives the account of the search and the best schedule, timed and priced by the case.
        """

        def run(problem: Problem, start: Schedule | None, share: float, done: int = 0) -> Result:
            first = None if start is None else start.solution
            return search(problem, left(share, done), seed, start=first, workers=workers, clock=clock)

        if self.rules.is_free:
            found = run(self.problem, self.start, 1.0)
            return found, found.schedule
        troubled = self._troubled(self.start) if self.frozen else []
        found = run(self._terms(self.frozen, self.start), self.start, _STRICT_SHARE if troubled else 1.0)
        best = self._cheapest(found, self.start)
        if not troubled:
            return found, best
        released = self._released(best, [t for t in troubled if t in self._troubled(best)])
        again = run(self._terms(self.frozen - released, best), best, 1.0, found.iterations)
        other = self._cheapest(again, best)
        account = replace(again, iterations=found.iterations + again.iterations, rejected=found.rejected + again.rejected)
        return account, best if self._unjustified(other) else other

    def _terms(self, frozen: frozenset[int], start: Schedule | None) -> Problem:
        locked = frozen if start is None else frozen & _foremost(self.problem, start.solution, frozen)
        terms = _in_terms_of_search(self.held, self.told, self.rules, locked, self.tolerance_s)
        if start is None or isinstance(schedule(terms, start.solution), Schedule):
            return terms
        return _in_terms_of_search(self.held, self.told, self.rules, (), self.tolerance_s)

    def _cheapest(self, result: Result, other: Schedule | None) -> Schedule:
        found = schedule(self.held, result.schedule.solution)
        options = [each for each in (other, found) if isinstance(each, Schedule)]
        if not options:
            raise RuntimeError("the search's plan does not hold by the rules of the case")
        return min(options, key=self.total)

    def _troubled(self, plan: Schedule | None) -> list[int]:
        """Emergencies that are not planned, or late and later than people were told."""
        starts = starts_of(plan) if plan is not None else {}
        due, tickets = self.problem.tables.due, self.problem.case.tickets
        late = {t for t, start in starts.items() if start > max(due[t], self.told.starts.get(t, 0) + self.tolerance_s)}
        urgent = [t for t in range(self.problem.n_tickets) if tickets[t].severity == "emergency" and (t not in starts or t in late)]
        return [t for t in urgent if self.problem.reachable[t].any()]

    def _released(self, plan: Schedule, troubled: list[int]) -> frozenset[int]:
        """Frozen visits of those who could best serve the emergencies, were it not for the freeze."""
        from optimizer.candidates import candidates

        released: set[int] = set()
        for ticket in troubled[:_TROUBLED]:
            for way in candidates(self.held, plan, ticket)[:_WAYS]:
                released.update(t for duty in way.duties for t in plan.solution.routes[duty] if t in self.frozen)
            released |= {ticket} & self.frozen
        return frozenset(released)

    def _unjustified(self, plan: Schedule) -> list[int]:
        """Frozen visits that are changed although nobody of their crew has got an emergency for it, and they are none themselves."""
        problem, crews = self.problem, crews_of(self.problem, plan.solution)
        urgent = {t for t in range(problem.n_tickets) if problem.case.tickets[t].severity == "emergency"}
        busy = {w for t, crew in crews.items() if t in urgent for w in crew - self.told.crews.get(t, frozenset())}
        _, _, frozen = self._changes(plan)
        unkept = set(self._changes(self.start)[2]) if self.start is not None else set()
        return [t for t in frozen if t not in urgent and t not in unkept and not self.told.crews[t] & busy]

    # --- undoing ---

    def undone(self, plan: Schedule, over: Callable[[], bool]) -> Schedule:
        """The schedule without the changes that gain less than they cost: each is tried undone by itself."""
        best, total = plan, self.total(plan)
        for _ in range(_ROUNDS):
            others, moved, _ = self._changes(best)
            improved = False
            for ticket in dict.fromkeys([*others, *moved]):
                for solution in put_back(self.problem, best.solution, self.told, ticket):
                    if over():
                        return best
                    found = schedule(self.held, solution)
                    if isinstance(found, Schedule) and self.total(found) < total - 1e-6:
                        best, total, improved = found, self.total(found), True
                        break
            if not improved:
                return best
        return best


def may_be_held(problem: Problem, ticket: int, told: int) -> bool:
    """Whether coming earlier than told is of no use to the customer: no emergency, and soon enough."""
    return told <= problem.tables.due[ticket] and problem.case.tickets[ticket].severity != "emergency"


def _is_frozen(problem: Problem, told: Told, ticket: int, start: int, rules: ReplanRules) -> bool:
    """Whether a visit begins within the freeze, with the whole crew that was told, and that crew is the one committed."""
    promised = problem.tables.promised[ticket]
    stays = told.whole(problem, ticket) and promised in (frozenset(), told.crews[ticket])
    return stays and 0 <= start <= 60 * rules.freeze_minutes and any(ticket in route for route in told.solution.routes)


def _foremost(problem: Problem, solution: Solution, frozen: Collection[int]) -> frozenset[int]:
    """Those of `frozen` with nothing before them, in any route of their crew, that is neither locked nor one of them.

    What is locked comes first in a route, so that the others cannot be locked for a search that starts from this solution.
    """
    left = set(frozen)
    while True:
        behind: set[int] = set()
        held_up = False
        for duty, route in enumerate(solution.routes):
            held_up = held_up and problem.tables.trip[duty] > 0
            for ticket in route:
                held_up = held_up or not (problem.tables.locked[ticket] or ticket in left)
                if held_up and ticket in left:
                    behind.add(ticket)
        if not behind:
            return frozenset(left)
        left -= behind


def alike(problem: Problem, **changes: object) -> Problem:
    """The problem with other facts about its tickets; the drives, which take longest to work out, are shared."""
    other = replace(problem, **changes)  # type: ignore[arg-type]
    if len(problem.legs.lat) <= MOST_DENSE:
        other.__dict__["_drives"] = problem._drives
    return other


def _held(problem: Problem, told: Told, tolerance_s: int) -> Problem:
    """The problem in which no visit begins earlier than people were told, beyond the tolerance, where that is of no use to them."""
    hold = {t: start - tolerance_s for t, start in told.starts.items() if start > tolerance_s and may_be_held(problem, t, start)}
    windows = [
        [(max(opens, hold.get(t, opens)), closes) for opens, closes in spells if closes >= hold.get(t, opens)] or spells
        for t, spells in enumerate(problem.tables.windows)
    ]
    flat = [window for spells in windows for window in spells]
    return alike(
        problem,
        window_ptr=np.cumsum([0, *map(len, windows)], dtype=np.int64),
        window_start=np.array([opens for opens, _ in flat], np.int64),
        window_end=np.array([closes for _, closes in flat], np.int64),
    )


def _in_terms_of_search(held: Problem, told: Told, rules: ReplanRules, frozen: Collection[int], tolerance_s: int) -> Problem:
    """A problem whose cost is, as nearly as the search can count, the cost of the case and the price of disturbance.

    Frozen visits are locked. Everything promised is committed, at the price of both. A promise that is not late falls due when it counts
    as moved, at the price of moving it; up to the true `due` the cost grows to that of missing it. Where `due` is near or past, or
    moving costs more than missing, the true cost stands.
    """
    tables, n = held.tables, held.n_tickets
    crews = [tables.promised[t] if tables.promised[t] else told.crews.get(t, frozenset()) for t in range(n)]
    locked, allowed = held.ticket_locked.copy(), held.allowed.copy()
    for t in frozen:
        if crews[t] == told.crews[t]:
            locked[t] = True
            allowed[t] &= np.isin(np.arange(allowed.shape[1]), sorted(crews[t]))
    due, miss, late = held.ticket_due.copy(), held.ticket_miss_cost.copy(), held.ticket_late_cost_per_hour.copy()
    end = int(held.duty_latest.max(initial=0))
    for t, start in told.starts.items():
        moved = start + tolerance_s
        if rules.moved_price and due[t] - moved >= _LEAST_SPAN_S:
            if due[t] < end:
                late[t] = max(late[t], 3600 * max(0.0, miss[t] - rules.moved_price) / (due[t] - moved))
            due[t], miss[t] = moved, rules.moved_price
    return alike(
        held,
        ticket_locked=locked,
        allowed=allowed,
        ticket_committed=np.array([bool(crew) for crew in crews], bool),
        promised_ptr=np.cumsum([0, *map(len, crews)], dtype=np.int64),
        promised=np.array([w for crew in crews for w in sorted(crew)], np.int64),
        change_technician=held.change_technician + rules.technician_price,
        ticket_due=due,
        ticket_miss_cost=miss,
        ticket_late_cost_per_hour=late,
    )
