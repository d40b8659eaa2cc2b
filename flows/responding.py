"""`twohour respond`: the first answer to a ticket from the company's store, in a fraction of a second and without Prefect.

Only those who could come at all are looked at: `nearness` says which stations, `store.nearby` reads what these have promised.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from config.policies import load_policies
from config.settings import Settings
from data_models.case import Case, GreatCircle, Rates, Technician, Ticket, current_shift
from data_models.domain import CompanyFacts, PromisedVisit, TicketFacts
from data_models.errors import BadInput
from data_models.plan import Plan, Route, Stop
from data_models.snapshot import Policies, Snapshot, take_snapshot
from data_models.store import Store
from data_models.store.nearby import AskedTicket, Outline, facts_around, facts_of_ticket, read_asked, read_outline
from flows import dispatch
from flows.experts import people_of_outline
from flows.first_answer import ANSWER_MS, Assigned, FirstAnswer, Surroundings, Watch, first_answer
from flows.nearness import FASTEST_KMH, Pace, stations_in_reach
from flows.planning import spread_of

CLOSED = ("done", "cancelled")


def respond(
    store: Store,
    settings: Settings,
    ticket: str | TicketFacts,
    at: datetime,
    *,
    milliseconds: float = ANSWER_MS,
    clock: Callable[[], float] = time.perf_counter,
) -> FirstAnswer:
    """Who can take a ticket as the published plan stands at `at`: the best first, with chances, costs and delays.

    Parameters
    ----------
    ticket
        Id of a ticket of the store, or the facts of one that is not stored yet, at a site that is.
    at
        Aware. Nobody sets out before it.
    milliseconds
        What is left of them goes into repairing the plan, where nobody can come in time otherwise.

    Raises
    ------
    NotFound
        The store has no such ticket, or not its site.
    BadInput
        The ticket opens after `at`, or a contract names a policy that does not exist.
    Unavailable
        The database does not answer; or the road server does not, and no fallback is configured.
    """
    watch = Watch(clock, milliseconds)
    now = at.astimezone(ZoneInfo(settings.timezone))
    with store.reading() as session:
        if isinstance(ticket, TicketFacts):
            asked = AskedTicket(ticket, ticket.state, None, facts_of_ticket(session, ticket, now))
        else:
            asked = read_asked(session, ticket, now)
        if asked.ticket.opened_at > now:
            opens = asked.ticket.opened_at.astimezone(now.tzinfo)
            raise BadInput(f"ticket {asked.ticket.id} opens at {opens.isoformat()}, after {now.isoformat()}; ask as of then or later")
        policies = Policies(load_policies(settings.policy_dir), settings.policy)
        alone = _alone(settings, policies, asked)
        if asked.state in CLOSED:
            return _settled(asked, alone, now, "closed", None)
        outline = read_outline(session, now, timedelta(hours=settings.horizon_hours), now.date())
        watch.lap("outline")
        need = alone.case.tickets[0]
        stations = stations_in_reach(outline, need, _pace(settings))
        facts = facts_around(session, asked.alone, outline, stations or frozenset(outline.stations), settings.region)
    watch.lap("facts")
    snapshot = dispatch.make_snapshot(store, settings, facts)
    watch.lap("snapshot")
    served = next((each for each in snapshot.context.being_served if each.ticket == need.id), None)
    if served is not None:
        names = tuple(outline.people[who].name if who in outline.people else who for who in served.technicians)
        return _settled(asked, alone, now, "under_way", Assigned(served.technicians, names, None, served.expected_finish))
    policy = policies.by_name[alone.context.tickets[need.id].policy]
    around = Surroundings(
        context=snapshot.context,
        region=asked.alone.sites[0].region,
        regions={station.id: station.region for station in outline.stations.values()},
        knowers=tuple(people_of_outline(outline)) if need.severity in policy.remote_expert else None,
        plan=facts.published_plan,
    )
    plan = plan_that_is_left(snapshot.case, facts)
    answer = first_answer(snapshot.case, plan, need.id, spread_of(settings.uncertainty), around, watch)
    return answer


def _alone(settings: Settings, policies: Policies, asked: AskedTicket) -> Snapshot:
    """The ticket as its policy has it, with nobody to serve it: what it needs, and its context."""
    open_now = replace(asked.alone, tickets=(replace(asked.ticket, state="open"),))
    return take_snapshot(
        open_now,
        policies,
        rates=Rates(**settings.rates.model_dump()),
        travel=GreatCircle("great_circle", settings.detour, settings.speed_kmh),
    )


def _pace(settings: Settings) -> Pace:
    estimate = settings.speed_kmh / settings.detour
    return Pace(estimate if settings.travel_provider == "great_circle" else max(FASTEST_KMH, estimate))


def plan_that_is_left(case: Case, facts: CompanyFacts) -> Plan:
    """What is left of the published plan at `case.now`: visits of tickets that wait, by routes of people who are there.

    Somebody out whose next route begins at the station goes home first, which is an empty route.
    """
    goes_on = {out.technician for out in facts.out_before if out.home_at is None}
    by_route: dict[tuple[str, datetime, tuple[str, ...]], list[PromisedVisit]] = {}
    for visit in facts.promised:
        by_route.setdefault((visit.technician, visit.returns_at, visit.kits), []).append(visit)
    begun = {visit.technician for visit in facts.promised if visit.leaves_at <= case.now}
    routes: list[Route] = []
    for (who, returns, kits), visits in by_route.items():
        person = case.technician_by_id.get(who)
        stops = tuple(
            Stop(visit.ticket, visit.arrives_at, visit.starts_at, visit.finishes_at) for visit in visits if visit.ticket in case.ticket_by_id
        )
        departs = min(visit.leaves_at for visit in visits)
        shift = _shift_of(person, departs) if person is not None else None
        if person is None or shift is None or not stops:
            continue
        routes.append(Route(who, shift, max(departs, case.now), stops, returns, kits))
        home_first = departs > case.now and (who in begun or who not in goes_on)
        if person.start is not None and home_first and shift == current_shift(person, case.now):
            routes.append(Route(who, shift, case.now, (), case.now))
    return Plan(case.name, tuple(dict.fromkeys(routes)))


def _shift_of(person: Technician, departs: datetime) -> int | None:
    """The number of the shift in which somebody sets out at a moment; None when it is not among theirs any more."""
    fitting = [
        number
        for number, shift in enumerate(person.shifts)
        if shift.start <= departs <= shift.end + timedelta(minutes=shift.overtime_minutes)
    ]
    return fitting[-1] if fitting else None


def _settled(asked: AskedTicket, alone: Snapshot, now: datetime, kind: str, assigned: Assigned | None) -> FirstAnswer:
    """The answer for a ticket that waits for nobody."""
    ticket: Ticket = alone.case.tickets[0]
    told = alone.context.tickets[ticket.id]
    return FirstAnswer(
        ticket=ticket.id,
        kind="closed" if kind == "closed" else "under_way",
        at=now,
        severity=ticket.severity,
        where=" ".join(filter(None, (told.customer, told.site))),
        due=ticket.due,
        state=asked.state,
        closed_at=asked.closed_at,
        assigned=assigned,
    )
