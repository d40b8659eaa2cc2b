"""The first answer to a ticket, from a case and a plan as it stands: who can take it, how surely, at what price; without Prefect.

`responding` makes the case and the plan from the store; here everything is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import numpy as np

from data_models.case import Case, Ticket, TravelMatrix
from data_models.context import Context
from data_models.errors import BadInput, NotFound
from data_models.plan import Plan
from flows.experts import Expert, experts_for, people_of_case
from flows.options import must_belong
from flows.planning import TRIPS

if TYPE_CHECKING:
    from optimizer.candidates import Candidate, Ways
    from optimizer.chance_draws import Spread
    from optimizer.explanation import Reason
    from optimizer.problem import Problem
    from optimizer.solution import Schedule, Solution
    from optimizer.standing import Standing

ANSWER_MS = 300.0
"""How long an answer may take: what is left of it when nobody can come in time goes into repairing the plan."""
LEAST_REPAIR_MS = 100.0
"""A repair gets at least so long: the first 20 to 50 ms go into setting up."""
AFTER_REPAIR_MS = 20.0
"""So long it takes to say what a repair found."""
REASONS_MS = 100.0
"""So long it takes to say why nobody can come, which follows where a repair finds nothing and there is no offer either."""
MOST_OFFERS = 10
"""So many offers get their chances; the others are counted."""
WORTH_TELLING_S = 60
"""A visit that a repair begins later by less than this is not named."""

Kind = Literal["open", "planned", "under_way", "closed"]


@dataclass(frozen=True)
class Comer:
    """Who would come, from where and when.

    Attributes
    ----------
    comes_from
        The ticket before, or the name of their station; empty for somebody on the road.
    distance_km, leaves, arrives
        Of the last leg, to this ticket.
    neighbour
        Their station is not the one nearest to the ticket.
    other_region
        The region of their station where it is not the ticket's; empty otherwise.
    """

    technician: str
    name: str
    phone: str
    station: str
    station_name: str
    comes_from: str
    distance_km: float
    leaves: datetime
    arrives: datetime
    neighbour: bool
    other_region: str = ""


@dataclass(frozen=True)
class Delay:
    """A visit that would begin later; the chances are those of being in time, now and then, None where they were not drawn."""

    ticket: str
    minutes: float
    chance_now: float | None = None
    chance_then: float | None = None


@dataclass(frozen=True)
class Offer:
    """One way to serve the ticket besides everything that is planned, each route's order kept.

    Attributes
    ----------
    people
        The crew.
    start, late_minutes
        When work would begin, and how long after `due`; 0 in time.
    chance
        Of beginning by `due` when drives and work stray from the plan; None where it was not drawn.
    added_cost, cost_change
        What serving costs, and that less what leaving the ticket out costs.
    """

    people: tuple[Comer, ...]
    start: datetime
    late_minutes: float
    chance: float | None
    added_cost: float
    cost_change: float
    delays: tuple[Delay, ...]


@dataclass(frozen=True)
class Move:
    """What a repair does to one ticket: who served it and when, who would; nobody: not planned."""

    ticket: str
    before: tuple[str, ...]
    start_before: datetime | None
    after: tuple[str, ...]
    start_after: datetime | None


@dataclass(frozen=True)
class RepairOffer:
    """A plan in which the ticket is served, found by moving others: when it would begin, and everything that changes, it first."""

    start: datetime
    late_minutes: float
    chance: float | None
    cost_change: float
    moves: tuple[Move, ...]


@dataclass(frozen=True)
class Assigned:
    """Who has the ticket already: by plan or on site; `finish` is None where no plan tells.

    `told` says of work under way whether somebody told that it has begun; if not, it has by the plan alone.
    """

    technicians: tuple[str, ...]
    names: tuple[str, ...]
    start: datetime | None
    finish: datetime | None
    chance: float | None = None
    told: bool = False


@dataclass(frozen=True)
class FirstAnswer:
    """Who can take a ticket, at once.

    Attributes
    ----------
    kind
        `open`: nobody has it; `planned`: `assigned` has it, offers are for giving it to others; `under_way`: work has begun;
        `closed`: nothing is to be done.
    plan
        Number of the published plan that this builds on; None without one.
    offers, more
        The best first, by cost; how many others there are.
    experts
        Who can help remotely, the best first, where the policy sends an expert to this severity.
    repair
        Where no offer is in time: what moving others would give, if the time for it sufficed.
    reasons, names
        Why, where nobody can come at all, and the words for ids in them.
    given_up
        Tickets that the plan promises, and that cannot be served any longer as it stands.
    spent_ms
        How long each part of the answer took.
    """

    ticket: str
    kind: Kind
    at: datetime
    severity: str
    where: str
    due: datetime | None
    plan: int | None = None
    state: str = ""
    closed_at: datetime | None = None
    assigned: Assigned | None = None
    offers: tuple[Offer, ...] = ()
    more: int = 0
    experts: tuple[Expert, ...] = ()
    repair: RepairOffer | None = None
    reasons: tuple[Reason, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    given_up: tuple[str, ...] = ()
    currency: str = ""
    spent_ms: Mapping[str, float] = field(default_factory=dict, compare=False)

    @property
    def in_time(self) -> bool:
        """Whether somebody can begin by `due` as the plan stands."""
        return any(offer.late_minutes == 0 for offer in self.offers)


class Watch:
    """How long each part takes, and how much of the whole is left."""

    def __init__(self, clock: Callable[[], float], milliseconds: float) -> None:
        self._clock, self._begun, self._last = clock, clock(), clock()
        self.milliseconds = milliseconds
        self.spent: dict[str, float] = {}

    def lap(self, part: str) -> None:
        """Books the time since the last part to this one."""
        now = self._clock()
        self.spent[part] = self.spent.get(part, 0.0) + 1000 * (now - self._last)
        self._last = now

    @property
    def left_ms(self) -> float:
        """What is left of the whole."""
        return self.milliseconds - 1000 * (self._clock() - self._begun)


@dataclass(frozen=True)
class Surroundings:
    """What a case does not say: regions of stations, names and phones, whose help is asked for.

    Attributes
    ----------
    region, regions
        The ticket's region, and those of stations by id.
    knowers
        Everybody who is in a shift now; None: no expert is sent to this ticket.
    plan
        Number of the published plan.
    whole
        Gives the whole company's case, plan and context where the case at hand is a part of it.
    """

    context: Context = field(default_factory=Context)
    region: str = ""
    regions: Mapping[str, str] = field(default_factory=dict)
    knowers: tuple[Expert, ...] | None = None
    plan: int | None = None
    whole: Callable[[], tuple[Case, Plan, Context]] | None = None


def respond_to_case(
    case: Case,
    plan: Plan,
    ticket: str | Ticket,
    spread: Spread,
    *,
    context: Context | None = None,
    remote_expert: bool = False,
    milliseconds: float = ANSWER_MS,
    clock: Callable[[], float] = time.perf_counter,
) -> FirstAnswer:
    """The first answer from a case and a plan of it alone.

    Parameters
    ----------
    ticket
        Id of a ticket of the case, or a ticket that is not in it yet.
    context
        Names and phones; without, those of the case.
    remote_expert
        Whether an expert is to help with this ticket.

    Raises
    ------
    NotFound
        The case has no such ticket.
    BadInput
        The plan is not of this case; or the new ticket has no place in the case's travel matrix.
    """
    watch = Watch(clock, milliseconds)
    name = ticket if isinstance(ticket, str) else ticket.id
    case = case if isinstance(ticket, str) else with_ticket(case, ticket)
    if name not in case.ticket_by_id:
        raise NotFound(f"ticket {name} is not in {case.name}; give the id of one of its {len(case.tickets)} tickets")
    must_belong(case, plan)
    told = context or Context()
    knowers = tuple(people_of_case(case, plan, told)) if remote_expert else None
    return first_answer(case, plan, name, spread, Surroundings(told, knowers=knowers), watch)


def with_ticket(case: Case, ticket: Ticket) -> Case:
    """The case with a ticket more, or in place of the one with its id. Raises `BadInput` when its place is not in a matrix of the case."""
    travel = case.travel
    if isinstance(travel, TravelMatrix) and (ticket.place is None or not 0 <= ticket.place < len(travel.seconds)):
        raise BadInput(
            f"Ticket {ticket.id}: place {ticket.place} is not in the travel matrix of {len(travel.seconds)} places; add it there"
        )
    return replace(case, tickets=(*(each for each in case.tickets if each.id != ticket.id), ticket))


def first_answer(case: Case, plan: Plan, ticket: str, spread: Spread, around: Surroundings, watch: Watch) -> FirstAnswer:
    """The answer for a ticket of a case; `plan` is what is left of the plan at `case.now`. Raises `BadInput` as `respond_to_case`."""
    from optimizer.candidates import could_be_served, ways
    from optimizer.standing import standing

    stands = standing(case, plan, ticket, trips=TRIPS)
    watch.lap("problem")
    problem = stands.problem
    index = problem.ticket_ids.index(ticket)
    found = ways(problem, stands.schedule, index)
    watch.lap("candidates")
    speaker = _Speaker(problem, index, around, spread)
    shown = found.candidates[:MOST_OFFERS]
    offers = speaker.offers(found, shown)
    assigned = speaker.assigned(stands.schedule)
    watch.lap("chances")
    asked = problem.case.ticket_by_id[ticket]
    told = around.context.tickets.get(ticket)
    answer = FirstAnswer(
        ticket=ticket,
        kind="planned" if assigned else "open",
        at=case.now,
        severity=asked.severity,
        where=" ".join(filter(None, (told.customer, told.site))) if told else "",
        due=asked.due,
        plan=around.plan,
        assigned=assigned,
        offers=offers,
        more=len(found.candidates) - len(shown),
        given_up=stands.given_up,
        currency=told.currency if told else "",
    )
    if around.knowers is not None:
        coming = {who.technician for offer in offers[:1] for who in offer.people} | set(assigned.technicians if assigned else ())
        answer = replace(answer, experts=experts_for(asked, around.knowers, coming))
    if not answer.in_time and assigned is None and asked.due > case.now and could_be_served(problem, index):
        soonest = min((each.start for each in found.candidates), default=None)
        left_ms = watch.left_ms - AFTER_REPAIR_MS - (0.0 if offers else REASONS_MS)
        answer = replace(answer, repair=speaker.repair(stands.schedule, left_ms, soonest))
        watch.lap("repair")
    if not answer.offers and answer.repair is None and assigned is None:
        if around.whole is not None:
            case, plan, context = around.whole()
            stands, around = standing(case, plan, ticket, trips=TRIPS), replace(around, context=context)
        reasons = reasons_of(stands, ticket, around.context)
        answer = replace(answer, reasons=reasons, names=_names_in(reasons, around.context.planning.names))
        watch.lap("reasons")
    return replace(answer, spent_ms=dict(watch.spent))


def reasons_of(stands: Standing, ticket: str, context: Context) -> tuple[Reason, ...]:
    """Why nobody can serve a ticket."""
    from optimizer.explain import explain
    from optimizer.problem import to_plan

    plan = to_plan(stands.problem, stands.schedule)
    explanation = explain(stands.problem.case, plan, context=context.planning, max_remedies=0, tickets={ticket})
    return tuple(reason for each in explanation.tickets for reason in each.reasons)


def _names_in(reasons: Iterable[Reason], names: Mapping[str, str]) -> dict[str, str]:
    """The names that the reasons ask for: an answer needs no others."""
    values = [value for reason in reasons for value in reason.values.values()]
    ids = {item for value in values for item in (value if isinstance(value, tuple) else (value,))}
    return {id: name for id, name in names.items() if id in ids}


class _Speaker:
    """Says what the optimizer found in ids, names, moments and money."""

    def __init__(self, problem: Problem, ticket: int, around: Surroundings, spread: Spread) -> None:
        self.problem, self.tables, self.ticket = problem, problem.tables, ticket
        self.around, self.spread = around, spread
        self.case = problem.case
        to_ticket = problem.legs.between(slice(0, len(problem.station_ids)), np.array([problem.ticket_location[ticket]]))[0][:, 0]
        self.nearest = problem.station_ids[int(to_ticket.argmin())] if len(to_ticket) else ""

    def offers(self, found: Ways, shown: Sequence[Candidate]) -> tuple[Offer, ...]:
        """The candidates as offers."""
        left_out = self.tables.skip[self.ticket] + (self.tables.change[self.ticket] if self.tables.promised[self.ticket] else 0.0)
        delayed = {trip.duty for each in shown if each.delays for trip in each.trips}
        now = self._chances(found.without, delayed)
        return tuple(self._offer(found, each, left_out, now) for each in shown)

    def _offer(self, found: Ways, each: Candidate, left_out: float, now: Mapping[int, float]) -> Offer:
        then = self._chances(found.taken(each), {trip.duty for trip in each.trips})
        return Offer(
            people=tuple(self._comer(each, duty, arrives) for duty, arrives in zip(each.duties, each.arrivals, strict=True)),
            start=self.problem.moment(each.start),
            late_minutes=self._late(each.start),
            chance=then.get(self.ticket),
            added_cost=round(each.cost_change + left_out, 6),  # to the nearest: last digits depend on the rest of the plan
            cost_change=round(each.cost_change, 6),
            delays=tuple(
                Delay(self.problem.ticket_ids[other], seconds / 60, now.get(other), then.get(other)) for other, seconds in each.delays
            ),
        )

    def _chances(self, solution: Solution, duties: Iterable[int]) -> Mapping[int, float]:
        from optimizer.standing import chances_in_time

        chosen = set(duties)
        return chances_in_time(self.problem, solution, chosen, self.spread) if chosen else {}

    def _late(self, start: int) -> float:
        return max(0, start - self.tables.due[self.ticket]) / 60

    def _comer(self, each: Candidate, duty: int, arrives: int) -> Comer:
        row = next(trip.route for trip in each.trips if trip.duty == duty)
        position = row.index(self.ticket)
        tables, problem = self.tables, self.problem
        at = tables.location[row[position - 1]] if position else tables.origin[duty]
        there = tables.location[self.ticket]
        who = self.case.technicians[tables.technician[duty]]
        station = self.case.station_by_id[who.station]
        before = problem.ticket_ids[row[position - 1]] if position else station.name if at < len(problem.station_ids) else ""
        told = self.around.context.technicians.get(who.id)
        region = self.around.regions.get(station.id, "")
        leg = np.array([at, there])
        return Comer(
            technician=who.id,
            name=who.name,
            phone=told.phone if told else "",
            station=station.id,
            station_name=station.name,
            comes_from=before,
            distance_km=float(problem.legs.only(leg).metres()[0, 1]) / 1000,
            leaves=problem.moment(arrives - problem.legs.seconds_of(at, there)),
            arrives=problem.moment(arrives),
            neighbour=station.id != self.nearest,
            other_region=region if region != self.around.region else "",
        )

    def assigned(self, plan: Schedule) -> Assigned | None:
        """Who has the ticket by the plan."""
        duties = [duty for duty, route in enumerate(plan.solution.routes) if self.ticket in route]
        if not duties:
            return None
        start = self._start_of(plan, duties[0], self.ticket)
        people = [self.case.technicians[self.tables.technician[duty]] for duty in duties]
        finish = start + self.tables.service[self.ticket]
        chance = self._chances(plan.solution, duties).get(self.ticket)
        ids, names = tuple(who.id for who in people), tuple(who.name for who in people)
        return Assigned(ids, names, self.problem.moment(start), self.problem.moment(finish), chance)

    def repair(self, plan: Schedule, left_ms: float, soonest: int | None) -> RepairOffer | None:
        """A plan that moves others so that the ticket is begun before `soonest`; None when none was found in the time."""
        from optimizer.candidates import repair
        from optimizer.standing import only_for

        result = repair(self.problem, plan.solution, max(left_ms, LEAST_REPAIR_MS))
        then = only_for(self.problem, plan, result.schedule, self.ticket)
        duties = [duty for duty, route in enumerate(then.solution.routes) if self.ticket in route]
        if not duties:
            return None
        start = self._start_of(then, duties[0], self.ticket)
        if soonest is not None and start > soonest - WORTH_TELLING_S:
            return None
        return RepairOffer(
            start=self.problem.moment(start),
            late_minutes=self._late(start),
            chance=self._chances(then.solution, duties).get(self.ticket),
            cost_change=then.cost - plan.cost,
            moves=self._moves(plan, then),
        )

    def _moves(self, before: Schedule, after: Schedule) -> tuple[Move, ...]:
        was, will = self._visits(before), self._visits(after)
        moves = []
        for ticket in sorted(was.keys() | will.keys(), key=lambda ticket: (ticket != self.ticket, self.problem.ticket_ids[ticket])):
            (people, start), (others, then) = was.get(ticket, ((), None)), will.get(ticket, ((), None))
            later = start is not None and then is not None and then >= start + WORTH_TELLING_S
            if people != others or later:
                moment = self.problem.moment
                first, second = None if start is None else moment(start), None if then is None else moment(then)
                moves.append(Move(self.problem.ticket_ids[ticket], people, first, others, second))
        return tuple(moves)

    def _visits(self, plan: Schedule) -> dict[int, tuple[tuple[str, ...], int]]:
        found: dict[int, tuple[tuple[str, ...], int]] = {}
        for duty, route in enumerate(plan.solution.routes):
            who = self.problem.technician_ids[self.tables.technician[duty]]
            for ticket in route:
                people = found[ticket][0] if ticket in found else ()
                found[ticket] = (tuple(sorted((*people, who))), self._start_of(plan, duty, ticket))
        return found

    @staticmethod
    def _start_of(plan: Schedule, duty: int, ticket: int) -> int:
        timed = plan.timed[duty]
        if timed is None:
            raise RuntimeError(f"duty {duty} serves a ticket and has no times")
        return timed.starts[plan.solution.routes[duty].index(ticket)]
