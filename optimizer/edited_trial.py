"""One change by hand being tried: the ways it leaves open, timed, and where none holds, what stands against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from data_models.case import Case
from data_models.plan import Plan
from optimizer.changes import apply_change
from optimizer.check import Violation
from optimizer.edited_case import in_shifts_of
from optimizer.edited_routes import MOST_WAYS, exchanged, fitting, let_go, placed
from optimizer.edited_rules import by_hand
from optimizer.edited_state import Numbers, State
from optimizer.edited_times import as_it_would_be, named
from optimizer.explanation import Remedy, Value
from optimizer.insertion import insert_among
from optimizer.manual import (
    Away,
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
    technicians_of,
    tickets_of,
)
from optimizer.problem import to_plan
from optimizer.published import kept, promises, starts_of, without
from optimizer.remedies import plan_with_remedy
from optimizer.schedule import carried, crew_duties, schedule
from optimizer.solution import Broken, Schedule, Solution

MOST_WAITS = 3
"""Returns of a kit that somebody with a changed route may wait for, in place of making others wait."""


class Trial:
    """One change of a state being tried: `found` gives the plan with it, or what stands against it."""

    def __init__(self, numbers: Numbers, state: State, case: Case, change: ManualChange) -> None:
        self.state, self.case, self.change = state, case, change
        plan = in_shifts_of(state.plan, state.case, case) if isinstance(change, Away | Overtime | TakeRemedy) else state.plan
        helped = _with_remedy(state, case, change) if isinstance(change, TakeRemedy) else plan
        self.helps, plan = helped is not None, helped or plan
        self.problem, self.solution = numbers.held(case, plan, tickets_of(change))
        self.index = {name: t for t, name in enumerate(self.problem.ticket_ids)}
        self.person = {name: w for w, name in enumerate(self.problem.technician_ids)}
        self.starts = {self.index[stop.ticket]: self.problem.second(stop.start) for route in state.plan.routes for stop in route.stops}

    def found(self) -> tuple[Plan, tuple[Violation, ...]] | Violation:
        """The plan with the change, and rules that no other judge names; one violation alone where the plan has no times."""
        if isinstance(self.change, TakeRemedy) and not self.helps:
            return by_hand(self.case.now, "forgotten", "hand_helps_no_more", {"ticket": self.change.ticket})
        best: Schedule | None = None
        first: tuple[Solution, Broken] | None = None
        for solution, timed in self._timed_ways():
            if isinstance(timed, Broken):
                first = first or (solution, timed)
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

    def _timed_ways(self) -> Iterator[tuple[Solution, Schedule | Broken]]:
        for way in self._ways():
            if isinstance(way, Schedule):
                yield way.solution, way
            else:
                yield from ((patient, schedule(self.problem, patient)) for patient in self._patient(way))

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
        people = () if isinstance(self.change, Forbid) else tuple(technicians_of(self.change))
        values: dict[str, Value] = {"ticket": name, "technicians": people} if people else {"ticket": name}
        return by_hand(self.case.now, "forgotten", "hand_no_room_for" if people else "hand_no_room", values)

    def _ways(self) -> Iterator[Solution | Schedule]:
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

    def _put(self, change: Move | PutIn, crew: tuple[str, ...]) -> Iterator[Solution | Schedule]:
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

    def _cheapest(self, left: Solution, ticket: int, people: Sequence[int]) -> Schedule | None:
        """The cheapest way to have the ticket served by these people, by whomever when none is named."""
        problem = self.problem
        mine = [d for d, w in enumerate(problem.tables.technician) if w in people]
        start = schedule(problem, let_go(left, mine))
        if isinstance(start, Broken):
            return None
        found = insert_among(problem, start, ticket, mine if people else self._in_reach(ticket))
        return None if found is None else found.schedule

    def _in_reach(self, ticket: int) -> list[int]:
        """Duties that could serve a ticket if they did nothing else, whoever may; `Problem.reachable` works it out for all tickets."""
        tables, here = self.problem.tables, self.problem.tables.location[ticket]
        work = tables.service[ticket]
        return [
            d
            for d, (leave, latest) in enumerate(zip(tables.earliest, tables.latest, strict=True))
            if leave + tables.travel[tables.origin[d]][here] + work + tables.travel[here][tables.home[d]] <= latest
        ]

    def _pinned(self, change: Pin) -> Iterator[Solution | Schedule]:
        ticket, told = self.index[change.ticket], promises(self.state.plan).get(change.ticket)
        crew = change.technicians or (told.technicians if told else ())
        if told is not None and set(crew) == set(told.technicians):
            stays = schedule(self.problem, let_go(self.solution, self._duties(change.ticket)))
            if isinstance(stays, Schedule):
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

    def _after_ban(self, change: Forbid) -> Iterator[Solution | Schedule]:
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
                people = {self.person[who] for who in told.technicians}
                duties = [d for d, w in enumerate(self.problem.tables.technician) if w in people]
                found = insert_among(self.problem, timed, ticket, duties)
                timed = timed if found is None else found.schedule
        return timed.solution


def _with_remedy(state: State, case: Case, change: TakeRemedy) -> Plan | None:
    """The plan with a remedy's ticket in time, in the shifts of `case`; None when the change does not serve it any more."""
    remedy = Remedy(change.change, state.case.now, (), 0.0, 0.0, "")
    found = plan_with_remedy(state.case, state.plan, remedy, change.ticket)
    return None if found is None else in_shifts_of(found, apply_change(state.case, change.change), case)
