"""`twohour respond`: the first answer to a ticket from the company's store, in a fraction of a second and without Prefect.

Only those who could come at all are looked at: `nearness` says which stations, `store.nearby` reads what these have promised.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from config.policies import load_policies
from config.settings import Settings
from data_models.case import Case, GreatCircle, Rates, Technician, Ticket, current_shift
from data_models.context import Context
from data_models.domain import CompanyFacts, PromisedVisit, TicketFacts
from data_models.errors import BadInput
from data_models.plan import Plan, Route, Stop
from data_models.snapshot import Policies, Snapshot, take_snapshot
from data_models.store import Store
from data_models.store.changes import ChangeMark
from data_models.store.nearby import (
    AskedTicket,
    Outline,
    as_of,
    facts_around,
    facts_of_ticket,
    read_asked,
    read_outline,
    with_asked,
)
from flows import dispatch
from flows.experts import people_of_outline
from flows.first_answer import ANSWER_MS, Assigned, FirstAnswer, Surroundings, Watch, first_answer
from flows.nearness import FASTEST_KMH, Pace, stations_in_reach
from flows.planning import spread_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

CLOSED = ("done", "cancelled")
KEPT_FOR = timedelta(minutes=10)
"""What was read is used again for so long, however quiet the store is."""


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
    return _Reader(store, settings).answer(ticket, at, Watch(clock, milliseconds))


class Responder:
    """First answers from a process that stays: what the last one read is used again for as long as nobody has changed the store.

    Before each answer the store's change mark is compared (`data_models.store.changes`); a change of any kind, or ten minutes, make
    it read anew. The time of day is never kept: snapshot, problem and the search's memory are those of the very moment asked for.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._mark = ChangeMark(store)
        self._reader = _Reader(store, settings, self._mark)

    def answer(
        self,
        ticket: str | TicketFacts,
        at: datetime,
        *,
        milliseconds: float = ANSWER_MS,
        clock: Callable[[], float] = time.perf_counter,
    ) -> FirstAnswer:
        """As `respond`."""
        return self._reader.answer(ticket, at, Watch(clock, milliseconds))

    def close(self) -> None:
        """Give the connection back that watches the store."""
        self._mark.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


@dataclass
class _Kept:
    """What was read of the store: the outline, and the facts around stations, by these; `whole`: with the people of all others, idle."""

    mark: str
    outline: Outline
    around: dict[frozenset[str], CompanyFacts] = field(default_factory=dict)
    whole: dict[frozenset[str], CompanyFacts] = field(default_factory=dict)

    def read(self, session: Session, stations: frozenset[str], region: str, *, whole: bool = False) -> CompanyFacts:
        """The facts, read when they were not yet."""
        known, outline, wanted = self.around, self.outline, stations
        if whole:
            near = tuple(visit for visit in outline.visits if outline.people[visit.technician].station in stations)
            known, outline, wanted = self.whole, replace(outline, visits=near), frozenset(outline.stations)
        if stations not in known:
            known[stations] = facts_around(session, outline, wanted, region)
        return known[stations]


class _Reader:
    """Reads what an answer needs, as little as may be."""

    def __init__(self, store: Store, settings: Settings, mark: ChangeMark | None = None) -> None:
        self.store, self.settings, self.mark = store, settings, mark
        self.zone = ZoneInfo(settings.timezone)
        self.horizon = timedelta(hours=settings.horizon_hours)
        self.policies = Policies(load_policies(settings.policy_dir), settings.policy)
        self.kept: _Kept | None = None

    def answer(self, ticket: str | TicketFacts, at: datetime, watch: Watch) -> FirstAnswer:
        """The answer; raises as `respond`."""
        now = at.astimezone(self.zone)
        mark = self.mark.now() if self.mark is not None else ""  # before reading: what is written meanwhile is read next time
        with self.store.reading() as session:
            asked = _asked(session, ticket, now)
            alone = self._alone(asked)
            if asked.state in CLOSED:
                return _settled(asked, alone, now, "closed", None)
            kept = self._outline(session, now, mark)
            watch.lap("outline")
            need = alone.case.tickets[0]
            stations = stations_in_reach(replace(kept.outline, now=now), need, _pace(self.settings))
            # Where nobody is in reach, the reasons are wanted.
            read = kept.read(session, stations, self.settings.region, whole=not stations)
        facts, outline = as_of(read, kept.outline, now, now + self.horizon)
        watch.lap("facts")
        snapshot = dispatch.make_snapshot(self.store, self.settings, with_asked(facts, asked.alone))
        watch.lap("snapshot")
        served = next((each for each in snapshot.context.being_served if each.ticket == need.id), None)
        if served is not None:
            names = tuple(outline.people[who].name if who in outline.people else who for who in served.technicians)
            return _settled(
                asked,
                alone,
                now,
                "under_way",
                Assigned(served.technicians, names, None, served.expected_finish, told=served.how == "reported"),
            )
        policy = self.policies.by_name[alone.context.tickets[need.id].policy]
        around = Surroundings(
            context=snapshot.context,
            region=asked.alone.sites[0].region,
            regions={station.id: station.region for station in outline.stations.values()},
            knowers=tuple(people_of_outline(outline)) if need.severity in policy.remote_expert else None,
            plan=facts.published_plan,
            # Where everybody is in reach, or nobody, the whole company is at hand.
            whole=partial(self._whole, kept, stations, asked, now) if stations and stations != outline.stations.keys() else None,
        )
        plan = plan_that_is_left(snapshot.case, facts)
        return first_answer(snapshot.case, plan, need.id, spread_of(self.settings.uncertainty), around, watch)

    def _whole(self, kept: _Kept, stations: frozenset[str], asked: AskedTicket, now: datetime) -> tuple[Case, Plan, Context]:
        """The whole company, since what is said of why nobody can come must hold for everybody; who is out of reach may as well be idle."""
        with self.store.reading() as session:
            read = kept.read(session, stations, self.settings.region, whole=True)
        facts, _ = as_of(read, kept.outline, now, now + self.horizon)
        snapshot = dispatch.make_snapshot(self.store, self.settings, with_asked(facts, asked.alone))
        return snapshot.case, plan_that_is_left(snapshot.case, facts), snapshot.context

    def _outline(self, session: Session, now: datetime, mark: str) -> _Kept:
        """The company in outline, as it was read last while that holds."""
        kept = self.kept
        if kept is not None and kept.mark == mark and _is_fresh(kept.outline.now, now):
            return kept
        longer = self.horizon if self.mark is None else self.horizon + KEPT_FOR
        self.kept = _Kept(mark, read_outline(session, now, longer, now.date()))
        return self.kept

    def _alone(self, asked: AskedTicket) -> Snapshot:
        """The ticket as its policy has it, with nobody to serve it: what it needs, and its context."""
        settings = self.settings
        return take_snapshot(
            replace(asked.alone, tickets=(replace(asked.ticket, state="open"),)),
            self.policies,
            rates=Rates(**settings.rates.model_dump()),
            travel=GreatCircle("great_circle", settings.detour, settings.speed_kmh),
        )


def _is_fresh(read_at: datetime, now: datetime) -> bool:
    return read_at <= now <= read_at + KEPT_FOR and read_at.date() == now.date()  # certificates end with a day


def _asked(session: Session, ticket: str | TicketFacts, now: datetime) -> AskedTicket:
    """The ticket with its customer. Raises `NotFound`, and `BadInput` when it opens later."""
    if isinstance(ticket, TicketFacts):
        asked = AskedTicket(ticket, ticket.state, None, facts_of_ticket(session, ticket, now))
    else:
        asked = read_asked(session, ticket, now)
    if asked.ticket.opened_at > now:
        opens = asked.ticket.opened_at.astimezone(now.tzinfo)
        raise BadInput(f"ticket {asked.ticket.id} opens at {opens.isoformat()}, after {now.isoformat()}; ask as of then or later")
    return asked


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
            Stop(visit.ticket, visit.arrives_at, visit.starts_at, visit.finishes_at)
            for visit in visits
            if visit.ticket in case.ticket_by_id
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
