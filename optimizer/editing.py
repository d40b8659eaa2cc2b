"""A plan changed by hand: each change is tried at once, judged by every rule, and taken whole or not at all.

`manual` has the changes as facts. What a change fixes goes into the case as far as the format of cases can say it (`edited_case`), the
routes follow (`edited_routes`), and everything is timed anew; what was put off on purpose stays so (`edited_times`). A change that breaks a
rule is timed all the same, so that the judge can say in words, with times, what stands against it; the state then stays as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import islice

import numpy as np

from data_models.case import Case
from data_models.plan import Plan
from optimizer.changes import apply_change
from optimizer.check import Violation, check
from optimizer.edited_case import edited_case, in_shifts_of
from optimizer.edited_routes import MOST_WAYS, exchanged, fitting, let_go, placed
from optimizer.edited_rules import must_suit, pins_dropped, refused_at_once
from optimizer.edited_times import as_it_would_be, held_starts, holding, named
from optimizer.explanation import Remedy
from optimizer.insertion import insert_best
from optimizer.legs import MOST_DENSE
from optimizer.manual import (
    Away,
    Fixed,
    Forbid,
    Improve,
    LeaveOut,
    ManualChange,
    Move,
    Overtime,
    Pin,
    PutIn,
    Release,
    Swap,
    TakeRemedy,
    fixed_by,
    technicians_of,
    tickets_of,
)
from optimizer.problem import Problem, build_problem, from_plan, to_plan
from optimizer.published import Promise, kept, promises, starts_of, without
from optimizer.remedies import plan_with_remedy
from optimizer.schedule import carried, crew_duties, schedule
from optimizer.score import Cost, Score, score
from optimizer.solution import Broken, Schedule, Solution

__all__ = [
    "Away",
    "Desk",
    "Forbid",
    "Improve",
    "LeaveOut",
    "ManualChange",
    "Move",
    "Outcome",
    "Overtime",
    "Pin",
    "PutIn",
    "Release",
    "State",
    "Swap",
    "TakeRemedy",
]

MOST_WAITS = 3
"""Returns of a kit that somebody with a changed route may wait for, in place of making others wait."""

TRIPS = 2
"""Trips of one shift that may be planned by hand, where a second one can pay."""


@dataclass(frozen=True)
class State:
    """A plan in the hands of a coordinator: the case that it was made for, what was changed since, in order, and the plan now."""

    base: Case
    changes: tuple[ManualChange, ...]
    plan: Plan

    @cached_property
    def case(self) -> Case:
        """The case with the changes in it."""
        return edited_case(self.base, self.changes)

    @cached_property
    def score(self) -> Score:
        """What the plan costs, by the case with the changes."""
        return score(self.case, self.plan)

    @property
    def fixed(self) -> Fixed:
        """What the changes fix of tickets."""
        return fixed_by(self.changes)


@dataclass(frozen=True)
class Shifted:
    """A visit that begins at another time than before: minutes later, or earlier when negative."""

    ticket: str
    minutes: float


@dataclass(frozen=True)
class Outcome:
    """What a change does, or why it is refused.

    Attributes
    ----------
    state
        With the change; as it was when the change is refused.
    violations
        The rules that the change would break; empty when it was taken.
    tried
        The plan with the change, also when it is refused: what a page may show as it would be; None where it has no times.
    cost_change
        By term and in total, from the state before to the plan that was tried; empty without times.
    became_late, became_in_time
        Tickets planned before and after that were in time and are late now, and the other way round.
    left_out, taken_in
        Tickets that are not planned any more, and those that are planned now.
    shifted
        Other visits, not named by the change, whose work begins at another time.
    """

    state: State
    violations: tuple[Violation, ...]
    tried: Plan | None
    cost_change: Mapping[str, float]
    became_late: tuple[str, ...] = ()
    became_in_time: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    taken_in: tuple[str, ...] = ()
    shifted: tuple[Shifted, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the change was taken."""
        return not self.violations


class Desk:
    """Where changes to plans of one case are tried. It keeps nothing but drives between places, which take longest to work out."""

    def __init__(self, base: Case, *, trips: int = TRIPS) -> None:
        self.base, self.trips = base, trips
        self._like: Problem | None = None

    def begin(self, plan: Plan, changes: Iterable[ManualChange] = ()) -> State:
        """A plan of the case to be changed, `changes` made to the case before already."""
        return State(self.base, tuple(changes), plan)

    def apply(self, state: State, change: ManualChange) -> Outcome:
        """Try a change: the state with it, or the reasons why not.

        Raises
        ------
        NotFound
            The change names a ticket, technician or shift that the case has not got.
        BadInput
            The change contradicts itself, or does not suit how its ticket is planned.
        """
        must_suit(state.case, state.plan, change)
        refused = refused_at_once(state.base, state.changes, change)
        if refused:
            return Outcome(state, refused, None, {})
        after = State(state.base, (*state.changes, change), state.plan)
        found = _Trial(self, state, after.case, change).found()
        if isinstance(found, Violation):
            return Outcome(state, (found,), None, {})
        plan, broken = found
        tried = replace(after, plan=plan)
        tried.__dict__["case"] = after.case
        return outcome_of(state, tried, change, broken)

    def problem(self, case: Case, plan: Plan) -> Problem:
        """The case in numbers, with duties for the trips of a plan; drives are shared where the places are the same."""
        problem = build_problem(case, trips=self.trips, plan=plan)
        like, legs = self._like, problem.legs
        same = like is not None and all(_alike(getattr(like.legs, f.name), getattr(legs, f.name)) for f in fields(legs))
        if like is not None and same and len(legs.lat) <= MOST_DENSE:
            problem.__dict__["_drives"] = like._drives
            tables = replace(problem.tables, travel=like.tables.travel, drive_cost=like.tables.drive_cost)
            problem.__dict__["tables"] = tables
        else:
            self._like = problem
        return problem

    def held(self, state: State, but: Collection[str] = ()) -> tuple[Problem, Solution]:
        """The state in numbers, in which nothing begins earlier that was put off on purpose, `but` these tickets; and its decisions."""
        return held_problem(self, state.case, state.plan, but)


def held_problem(desk: Desk, case: Case, plan: Plan, but: Collection[str] = ()) -> tuple[Problem, Solution]:
    """As `Desk.held`, for a plan in the shifts of the case."""
    problem = desk.problem(case, plan)
    solution = from_plan(problem, plan)
    index = {name: t for t, name in enumerate(problem.ticket_ids)}
    return holding(problem, held_starts(problem, plan, solution, [index[name] for name in but if name in index])), solution


class _Trial:
    """One change being tried."""

    def __init__(self, desk: Desk, state: State, case: Case, change: ManualChange) -> None:
        self.state, self.case, self.change = state, case, change
        plan = in_shifts_of(state.plan, state.case, case) if isinstance(change, Away | Overtime | TakeRemedy) else state.plan
        helped = _with_remedy(state, case, change) if isinstance(change, TakeRemedy) else plan
        self.helps, plan = helped is not None, helped or plan
        self.problem, self.solution = held_problem(desk, case, plan, tickets_of(change))
        self.index = {name: t for t, name in enumerate(self.problem.ticket_ids)}
        self.person = {name: w for w, name in enumerate(self.problem.technician_ids)}
        self.starts = {self.index[stop.ticket]: self.problem.second(stop.start) for route in state.plan.routes for stop in route.stops}

    def found(self) -> tuple[Plan, tuple[Violation, ...]] | Violation:
        """The plan with the change, and rules that no other judge names; one violation alone where the plan has no times."""
        if isinstance(self.change, TakeRemedy) and not self.helps:
            what = f"the change does not serve {self.change.ticket} in time any more: the plan was changed since it was found"
            return Violation("forgotten", what, ticket=self.change.ticket)
        best: Schedule | None = None
        first: tuple[Solution, Broken] | None = None
        for solution in self._ways():
            for patient in self._patient(solution):
                timed = schedule(self.problem, patient)
                if isinstance(timed, Broken):
                    first = first or (patient, timed)
                elif best is None or self._rank(timed) < self._rank(best):
                    best = timed
        if best is not None:
            return self._plan(best), ()
        if first is None:
            return self._no_room()
        solution, broken = first
        loose = as_it_would_be(self.problem, solution)
        if isinstance(loose, Broken):
            return named(self.problem, solution, loose, None)
        return self._plan(loose), (named(self.problem, solution, broken, loose),)

    def _patient(self, solution: Solution) -> Iterator[Solution]:
        """The solution, and the same with whoever has got a visit waiting until others bring back the kit for it."""
        yield solution
        was, tables, duties = self.solution, self.problem.tables, range(self.problem.n_duties)
        gaining = [d for d in duties if set(solution.routes[d]) - set(was.routes[d])]
        out = [(tables.station[d], kit, d) for d in duties if solution.routes[d] for kit in carried(tables, d, solution.kits[d])]
        scarce = []
        for duty, kit in ((d, kit) for d in gaining for kit in solution.kits[d]):
            those = [d for station, name, d in out if (station, name) == (tables.station[duty], kit) and d not in gaining]
            if those and len(those) >= self.problem.stock[tables.station[duty], kit]:
                scarce.append((duty, those))
        loose = as_it_would_be(self.problem, solution) if scarce else None
        if not isinstance(loose, Schedule):
            return
        for duty, those in scarce:
            for back in sorted({timed.returns for o in those if (timed := loose.timed[o]) is not None})[:MOST_WAITS]:
                yield replace(solution, wait_until=tuple(back if d == duty else w for d, w in enumerate(solution.wait_until)))

    def _rank(self, timed: Schedule) -> tuple[float, int]:
        """Cost, and how many visits that the change does not name begin later than before."""
        own = {self.index[name] for name in tickets_of(self.change)}
        later = sum(start > self.starts.get(t, start) for t, start in starts_of(timed).items() if t not in own)
        return round(timed.cost, 2), later

    def _plan(self, timed: Schedule) -> Plan:
        reasons = {each.ticket: each.reasons for each in self.state.plan.unassigned}
        return to_plan(self.problem, timed, reasons=reasons)

    def _no_room(self) -> Violation:
        name = tickets_of(self.change)[0]
        people = ", ".join(technicians_of(self.change))
        who = f"{people} {'has' if ',' not in people else 'have'}" if people and not isinstance(self.change, Forbid) else "nobody has"
        return Violation("forgotten", f"{name} cannot be planned: {who} room for it as the plan stands", ticket=name)

    def _ways(self) -> Iterator[Solution]:
        """What the change may make of the routes."""
        problem, solution, change = self.problem, self.solution, self.change
        match change:
            case Swap():
                yield exchanged(problem, solution, self.index[change.ticket], self.index[change.other])
            case LeaveOut():
                yield self._without(change.ticket)
            case Release():
                yield let_go(solution, self._duties(change.ticket))
            case Overtime() | TakeRemedy() | Improve():
                yield solution
            case Away():
                yield self._after_absence(change.technician)
            case Forbid():
                yield from self._after_ban(change)
            case Move() | PutIn():
                yield from self._put(change, self._crew_of(change))
            case Pin():
                yield from self._pinned(change)

    def _duties(self, ticket: str) -> list[int]:
        return crew_duties(self.problem.tables, self.solution.routes).get(self.index[ticket], [])

    def _without(self, ticket: str) -> Solution:
        return let_go(without(self.problem, self.solution, self.index[ticket]), self._duties(ticket))

    def _crew_of(self, change: Move | PutIn) -> tuple[str, ...]:
        """Who goes after the change; empty: whoever is cheapest."""
        if isinstance(change, PutIn):
            return change.technicians
        if change.crew:
            return change.crew
        now = promises(self.state.plan)[change.ticket].technicians
        if change.technician is None or change.technician in now:
            return now
        instead = change.instead_of or (now[0] if len(now) == 1 else None)
        return tuple(change.technician if name == instead else name for name in now)

    def _put(self, change: Move | PutIn, crew: tuple[str, ...]) -> Iterator[Solution]:
        problem, ticket = self.problem, self.index[change.ticket]
        left = self._without(change.ticket)
        people = [self.person[name] for name in crew]
        open_place = change.not_before is None and change.position is None
        if open_place and change.shift is None:
            cheapest = self._cheapest(left, ticket, people)
            if cheapest is not None:
                yield cheapest
                return
        if not crew:
            return
        most = 1 if open_place and change.shift is None else MOST_WAYS  # where nothing fits, one way shows why
        not_before = None if change.not_before is None else max(0, problem.second(change.not_before))
        starts = {t: start for t, start in self.starts.items() if t != ticket}
        if isinstance(change, Move) and len(crew) > 1 and not open_place:
            yield from islice(self._crew_put(change, left, ticket, people, starts, not_before), MOST_WAYS)
            return
        ways = placed(problem, left, ticket, people, starts, not_before=not_before, position=change.position, shift=change.shift)
        yield from islice(ways, most)

    def _crew_put(
        self, change: Move, left: Solution, ticket: int, people: list[int], starts: Mapping[int, int], not_before: int | None
    ) -> Iterator[Solution]:
        """A crew of which one person's place is said: the others keep theirs, or go by time."""
        who = self.person[change.technician] if change.technician is not None else people[0]
        others = [w for w in people if w != who]
        moment = self.starts.get(ticket, 0) if not_before is None else not_before
        for first in placed(self.problem, left, ticket, others, starts, not_before=moment):
            yield from placed(
                self.problem, first, ticket, [who], starts, not_before=not_before, position=change.position, shift=change.shift
            )

    def _cheapest(self, left: Solution, ticket: int, people: Sequence[int]) -> Solution | None:
        mine = [d for d, w in enumerate(self.problem.tables.technician) if w in people]
        start = schedule(self.problem, let_go(left, mine))
        if isinstance(start, Broken):
            return None
        found = insert_best(self.problem, start, ticket, technicians=people or None)
        return None if found is None else found.schedule.solution

    def _pinned(self, change: Pin) -> Iterator[Solution]:
        ticket, told = self.index[change.ticket], promises(self.state.plan).get(change.ticket)
        crew = change.technicians or (told.technicians if told else ())
        if told is not None and set(crew) == set(told.technicians):
            stays = let_go(self.solution, self._duties(change.ticket))
            if isinstance(schedule(self.problem, stays), Schedule):
                yield stays
                return
        cheapest = self._cheapest(self._without(change.ticket), ticket, [self.person[name] for name in crew])
        if cheapest is not None:
            yield cheapest
        elif told is not None and set(crew) == set(told.technicians):
            yield self.solution
        elif crew:
            people = [self.person[name] for name in crew]
            yield from islice(placed(self.problem, self._without(change.ticket), ticket, people, self.starts), 1)

    def _after_ban(self, change: Forbid) -> Iterator[Solution]:
        told = promises(self.state.plan).get(change.ticket)
        if told is None or change.technician not in told.technicians:
            yield self.solution
            return
        left = self._without(change.ticket)
        yield self._cheapest(left, self.index[change.ticket], ()) or left

    def _after_absence(self, technician: str) -> Solution:
        who = self.person[technician]
        problem, solution = self.problem, self.solution
        mine = [d for d, w in enumerate(problem.tables.technician) if w == who]
        for ticket, duties in crew_duties(problem.tables, solution.routes).items():
            if len(duties) < problem.tables.crew[ticket]:  # they were of its crew, in a shift that is gone
                solution = let_go(without(problem, solution, ticket), duties)
        fits = let_go(fitting(problem, solution, mine), mine)
        timed = schedule(problem, fits)
        if isinstance(timed, Broken):
            less = kept(problem, fits)
            return fits if less is None else self._made_later(less, technician)
        return self._made_later(timed, technician)

    def _made_later(self, timed: Schedule, technician: str) -> Solution:
        """With what an absence took out of the day of the technician's visits put back for the same people, where they have room."""
        planned = starts_of(timed)
        for name, told in promises(self.state.plan).items():
            ticket = self.index[name]
            if technician in told.technicians and ticket not in planned:
                found = insert_best(self.problem, timed, ticket, technicians=[self.person[who] for who in told.technicians])
                timed = timed if found is None else found.schedule
        return timed.solution


def _with_remedy(state: State, case: Case, change: TakeRemedy) -> Plan | None:
    """The plan with a remedy's ticket in time, in the shifts of `case`; None when the change does not serve it any more."""
    remedy = Remedy(change.change, state.case.now, (), 0.0, 0.0, "")
    found = plan_with_remedy(state.case, state.plan, remedy, change.ticket)
    return None if found is None else in_shifts_of(found, apply_change(state.case, change.change), case)


def outcome_of(state: State, after: State, change: ManualChange, broken: tuple[Violation, ...] = ()) -> Outcome:
    """What a change does that leads from a state to another, which the judge looks at.

    Parameters
    ----------
    broken
        Rules that are named when the judge, who forgives a second, and the pins have nothing against it.
    """
    violations = tuple(_distinct((*check(after.case, after.plan), *pins_dropped(state.changes, change, after.plan)))) or broken
    before, now = promises(state.plan), promises(after.plan)
    both = [ticket.id for ticket in after.case.tickets if ticket.id in before and ticket.id in now]

    def late(of: State, told: Mapping[str, Promise], ticket: str) -> bool:
        return told[ticket].start > of.case.ticket_by_id[ticket].due

    was = {ticket: late(state, before, ticket) for ticket in both}
    is_late = {ticket: late(after, now, ticket) for ticket in both}
    minutes = {ticket: (now[ticket].start - before[ticket].start).total_seconds() / 60 for ticket in both}
    own = tickets_of(change)
    return Outcome(
        state=state if violations else after,
        violations=violations,
        tried=after.plan,
        cost_change=cost_change(state.score.cost, after.score.cost),
        became_late=tuple(ticket for ticket in both if is_late[ticket] and not was[ticket]),
        became_in_time=tuple(ticket for ticket in both if was[ticket] and not is_late[ticket]),
        left_out=tuple(ticket.id for ticket in after.case.tickets if ticket.id in before and ticket.id not in now),
        taken_in=tuple(ticket.id for ticket in after.case.tickets if ticket.id in now and ticket.id not in before),
        shifted=tuple(Shifted(ticket, by) for ticket, by in minutes.items() if by and ticket not in own),
    )


def cost_change(before: Cost, after: Cost) -> dict[str, float]:
    """By how much each term of the cost, and the `total`, is higher after than before; rounded to cents."""
    terms = [*(field.name for field in fields(Cost)), "total"]
    return {term: round(getattr(after, term) - getattr(before, term), 2) for term in terms}


def _distinct(violations: Iterable[Violation]) -> Iterator[Violation]:
    """Each sentence once: what a whole crew does wrong is found at each of them."""
    yield from {violation.what: violation for violation in violations}.values()


def _alike(one: object, other: object) -> bool:
    return np.array_equal(one, other) if isinstance(one, np.ndarray) and isinstance(other, np.ndarray) else one == other
