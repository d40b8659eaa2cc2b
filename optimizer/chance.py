"""How sure a plan is: the chance that each visit is in time when drives and work take longer or shorter than planned.

Every drive and every piece of work takes its planned time multiplied by a lognormal factor, whose median is 1: half of them are
longer, half are shorter, and few are much longer. Lognormal because that fits repair times (MIL-HDBK-338B, section 5.6.2.1) and travel
times; the median, because that is what plans are made of: a visit that is planned to start just at its due moment then has
one chance in two. Legs of one technician in one shift depend on each other, as measured for ambulances in Toronto (Westgate, Woodard,
Matteson and Henderson 2016, doi 10.1016/j.ejor.2016.01.004): who is slow in the morning's snow is slow all morning.

A plan is followed as it stands: nobody changes routes, nobody departs before the planned moment, everything else happens as soon as it may.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from data_models.case import SEVERITIES, Severity
from data_models.plan import Plan
from optimizer.chance_draws import Draws, Spread
from optimizer.chance_trips import PlannedTrip, planned_trips
from optimizer.problem import Problem, to_plan
from optimizer.solution import Schedule

Floats = NDArray[np.float64]

SAMPLES = 1000
"""Days drawn unless said: the standard error of a chance is then at most 1.6 points."""

LIKELY = 0.9
"""An arrival "by" a moment means: so sure."""


@dataclass(frozen=True, eq=False)
class Sampled:
    """What happens to a plan on each of many days. All times are seconds since the problem's epoch.

    Attributes
    ----------
    start_s, arrive_s : (n_tickets, n_samples) float64
        When work starts, infinite when no window was left for it; and when the last of the crew arrives. Both NaN where a
        ticket is not planned.
    cost : (n_samples,) float64
        Money, in the terms of `score`; work for which no window was left costs as much as a ticket that is not planned.
    """

    start_s: Floats
    arrive_s: Floats
    cost: Floats


@dataclass(frozen=True)
class TicketChance:
    """How sure one planned ticket is.

    Attributes
    ----------
    in_time
        Chance that work starts by `due`, 0 to 1.
    late_minutes
        Expected lateness, of the days on which work starts at all.
    arrive_by
        When the last of the crew has arrived on nine days of ten.
    closed
        Chance that they come when the last time window is over.
    """

    ticket: str
    in_time: float
    late_minutes: float
    arrive_by: datetime
    closed: float


@dataclass(frozen=True)
class Chances:
    """How sure a plan is.

    Attributes
    ----------
    tickets
        Planned tickets by id, in the order of the case.
    expected_in_time
        How many tickets of each severity start in time on average.
    expected_cost
        What the plan costs on average, in the terms of `score`.
    """

    tickets: Mapping[str, TicketChance]
    expected_in_time: Mapping[Severity, float]
    expected_cost: float
    samples: int
    spread: Spread


def chances(problem: Problem, plan: Plan | Schedule, spread: Spread, *, samples: int = SAMPLES, seed: int = 1) -> Chances:
    """How sure a plan is, from `samples` drawn days.

    The same seed draws the same days: each factor belongs to a ticket and a technician, so that plans of the same case are compared on
    equal days, and what they share does not blur what tells them apart.

    Parameters
    ----------
    problem
        The case in numbers; margins on its due moments would show here, so give the true one.
    plan
        A plan that keeps the rules, whoever made it, or a schedule of the problem.

    Raises
    ------
    BadInput
        The plan names a technician, shift or ticket that the problem has not got.
    """
    return summary(problem, sample(problem, plan, spread, samples=samples, seed=seed), spread)


def sample(problem: Problem, plan: Plan | Schedule, spread: Spread, *, samples: int = SAMPLES, seed: int = 1) -> Sampled:
    """What happens on each drawn day; arguments and errors are those of `chances`."""
    trips = planned_trips(problem, to_plan(problem, plan) if isinstance(plan, Schedule) else plan)
    run = _Run(problem, trips, Draws(problem, spread, samples, seed))
    run.follow()
    return Sampled(run.start, run.arrive, run.cost())


def summary(problem: Problem, sampled: Sampled, spread: Spread) -> Chances:
    """Chances from drawn days."""
    n_samples = sampled.start_s.shape[1]
    rank = math.ceil(LIKELY * n_samples) - 1  # up: of nine days in ten or a few more
    end_of_calendar = problem.second(datetime.max.replace(tzinfo=UTC) - timedelta(days=2))
    tickets: dict[str, TicketChance] = {}
    expected = dict.fromkeys(SEVERITIES, 0.0)
    for row, (name, due) in enumerate(zip(problem.ticket_ids, problem.ticket_due.tolist(), strict=True)):
        start = sampled.start_s[row]
        if math.isnan(start[0]):
            continue
        in_time = float(np.count_nonzero(start <= due)) / n_samples
        served = start[np.isfinite(start)]
        late = float(np.maximum(served - due, 0.0).mean()) / 60 if len(served) else 0.0
        by = min(math.ceil(np.partition(sampled.arrive_s[row], rank)[rank]), end_of_calendar)  # up: arrived by then
        tickets[name] = TicketChance(name, in_time, late, problem.moment(by), (n_samples - len(served)) / n_samples)
        expected[problem.case.tickets[row].severity] += in_time
    return Chances(tickets, expected, float(sampled.cost.mean()), n_samples, spread)


class _Run:
    """All drawn days at once: each quantity is a vector over them. Trips are followed such that whoever waits comes last."""

    def __init__(self, problem: Problem, trips: tuple[PlannedTrip, ...], draws: Draws) -> None:
        self.problem, self.tables, self.trips, self.draws = problem, problem.tables, trips, draws
        shape = (problem.n_tickets, draws.samples)
        self.start, self.arrive = np.full(shape, np.nan), np.full(shape, np.nan)
        self.returns: list[Floats | None] = [None] * len(trips)
        self.clock: list[Floats] = [np.zeros(0)] * len(trips)
        self.at = [trip.origin for trip in trips]
        self.done = [0] * len(trips)  # visits behind each trip
        self.meeting: dict[int, list[int]] = {}  # trips that are at a crew's ticket and wait
        self.crew: dict[int, list[int]] = {}
        for number, trip in enumerate(trips):
            for ticket in trip.route:
                self.crew.setdefault(ticket, []).append(number)
        self.drive_more = np.zeros(draws.samples)  # seconds of driving beyond the planned

    def follow(self) -> None:
        """Follow every trip to its return."""
        missing = [len(trip.after) for trip in self.trips]
        free = [number for number, count in enumerate(missing) if count == 0]
        followers: dict[int, list[int]] = {}
        for number, trip in enumerate(self.trips):
            for earlier in trip.after:
                followers.setdefault(earlier, []).append(number)
        for number in free:
            self._depart(number)
        left = set(range(len(self.trips)))
        while left:
            while free:
                number = free.pop()
                released = self._advance(number)
                free += released
                if self.returns[number] is not None:
                    left.discard(number)
                    for later in followers.get(number, ()):
                        missing[later] -= 1
                        if missing[later] == 0 and not len(self.clock[later]):
                            self._depart(later)
                            free.append(later)
            if left:
                free += self._untangle(left)

    def _untangle(self, left: set[int]) -> list[int]:
        """Trips that can go on although each waits for another, as crews do that meet twice without work or driving in between.

        The planned times say who is first: those who are there begin, whoever comes later joins in.
        """
        if self.meeting:
            ticket = min(self.meeting, key=lambda t: min(self.trips[n].starts[self.done[n]] for n in self.meeting[t]))
            return self._begin(ticket, self.meeting.pop(ticket))
        number = min((n for n in left if not len(self.clock[n])), key=lambda n: self.trips[n].depart)
        self._depart(number)
        return [number]

    def _depart(self, number: int) -> None:
        trip = self.trips[number]
        clock = np.full(self.draws.samples, float(trip.depart))
        for earlier in trip.after:
            back = self.returns[earlier]
            clock = clock if back is None else np.maximum(clock, back)
        self.clock[number] = clock

    def _advance(self, number: int) -> list[int]:
        """Follow one trip until it is home or must wait for a crew; the trips that can go on because of it."""
        trip = self.trips[number]
        while self.done[number] < len(trip.route):
            ticket = trip.route[self.done[number]]
            here = self.tables.location[ticket]
            ready = self._drive(number, here, self.problem.ticket_ids[ticket])
            self.clock[number] = ready
            self.at[number] = here
            begun = not math.isnan(self.start[ticket, 0])
            self.arrive[ticket] = np.fmax(self.arrive[ticket], ready)
            if begun:  # by a crew that could not wait
                self._work(number, ticket, np.maximum(self.start[ticket], ready))
                continue
            waiting = self.meeting.setdefault(ticket, [])
            waiting.append(number)
            if len(waiting) < len(self.crew[ticket]):
                return []
            others = self._begin(ticket, self.meeting.pop(ticket))
            if len(others) > 1:
                return others
        self.returns[number] = self._drive(number, trip.home, "")
        return []

    def _begin(self, ticket: int, crew: list[int]) -> list[int]:
        """Start the work of a crew that is complete."""
        ready = self.clock[crew[0]]
        for number in crew[1:]:
            ready = np.maximum(ready, self.clock[number])
        self.start[ticket] = start = self._in_window(ticket, ready)
        for number in crew:
            self.clock[number] = ready  # whoever finds a window closed leaves when the last has come
            self._work(number, ticket, start)
        return crew

    def _work(self, number: int, ticket: int, start: Floats) -> None:
        """Serve a ticket, or leave at once where its windows are over."""
        people = [self.trips[n].technician for n in self.crew[ticket]]
        finish = start + self.tables.service[ticket] * self.draws.service(ticket, people)
        self.clock[number] = np.where(np.isfinite(finish), finish, self.clock[number])
        self.done[number] += 1

    def _in_window(self, ticket: int, ready: Floats) -> Floats:
        """The earliest moments from `ready` on that lie in a window; infinite where none is left."""
        start = np.full(len(ready), np.inf)
        for opens, closes in reversed(self.tables.windows[ticket]):
            start = np.where(ready <= closes, np.maximum(ready, opens), start)
        return start

    def _drive(self, number: int, there: int, name: str) -> Floats:
        """When a trip reaches its next place, with the breaks that it takes on the way; these begin late rather than never."""
        trip = self.trips[number]
        planned = self.tables.travel[self.at[number]][there]
        drive = planned * self.draws.drive(trip.technician, trip.shift, name)
        self.drive_more += drive - planned
        clock = self.clock[number]
        reached = clock + drive
        rested = clock
        for opens, length in trip.rests[self.done[number]]:
            rested = np.maximum(rested, opens) + length
            reached = np.maximum(reached + length, rested)
        return reached

    def cost(self) -> Floats:
        """Money on each day: (n_samples,)."""
        tables, problem = self.tables, self.problem
        total = np.full(self.draws.samples, math.fsum(skip for t, skip in enumerate(tables.skip) if t not in self.crew))
        total += self.drive_more * problem.case.rates.drive_per_hour / 3600
        for ticket, crew in self.crew.items():
            late = self.start[ticket] - tables.due[ticket]
            finite = np.where(np.isfinite(late), late, 0.0)
            charged = np.where(finite > 0, tables.miss[ticket] + tables.late_per_s[ticket] * finite, 0.0)
            total += np.where(np.isfinite(late), charged, tables.skip[ticket])
            if {self.trips[n].technician for n in crew} != tables.promised[ticket]:
                total += tables.change[ticket]
        total += sum(tables.change[t] for t, told in enumerate(tables.promised) if told and t not in self.crew)
        for trip, returns in zip(self.trips, self.returns, strict=True):
            stops = [trip.origin, *(tables.location[t] for t in trip.route), trip.home]
            total += sum(tables.drive_cost[a][b] for a, b in pairwise(stops))
            if trip.last and returns is not None:
                total += np.maximum(0.0, returns - trip.end) * tables.overtime_per_s
        return total
