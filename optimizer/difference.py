"""What a new plan changes of a published one, visit by visit, and why: what a coordinator reads before letting it out.

Reasons are derived, not remembered: who is gone, who took the place, what comes first now, and what the plan would cost with this one
change undone. They say what is so, not what the search was thinking.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from data_models.case import Case, Ticket
from data_models.errors import BadInput
from data_models.plan import Plan, Stop
from optimizer.explanation import Said, Value
from optimizer.problem import Problem, from_plan
from optimizer.published import Promise, Told, problem_for, promises, put_back, without
from optimizer.schedule import schedule
from optimizer.solution import Schedule
from optimizer.wording import told

Kind = Literal["new", "dropped", "moved", "later", "earlier"]
"""`moved`: other people than were told, at whatever time."""

KINDS: tuple[Kind, ...] = ("new", "dropped", "moved", "later", "earlier")

_TRIES = 60


@dataclass(frozen=True)
class VisitChange:
    """One ticket whose visit is not what people were told.

    Attributes
    ----------
    from_technicians, to_technicians, from_start, to_start
        Who and when, before and after; empty and None where it is not planned.
    code, values, why
        The reason: a code of `wording.SENTENCES`, what it names, and the sentence in English.
    saves
        By how much the plan would be dearer with this change undone (and with it what took the place); None where that was not tried or
        cannot be.
    """

    ticket: str
    kind: Kind
    from_technicians: tuple[str, ...]
    to_technicians: tuple[str, ...]
    from_start: datetime | None
    to_start: datetime | None
    code: str
    values: Mapping[str, Value]
    saves: float | None
    why: str

    @property
    def said(self) -> tuple[Said, ...]:
        """The reason and what the change saves, for `wording.told`."""
        return _said(self.code, self.values, self.saves)

    @property
    def minutes(self) -> float | None:
        """By how much work begins later (earlier: below 0); None where it is not planned before or after."""
        if self.from_start is None or self.to_start is None:
            return None
        return (self.to_start - self.from_start).total_seconds() / 60


@dataclass(frozen=True)
class Difference:
    """Every ticket of a case or of the published plan, in one of these.

    Attributes
    ----------
    changes
        In the order of `KINDS`, and of the case within a kind.
    unchanged
        Same people, start within the tolerance.
    waiting
        Planned neither before nor after.
    gone
        Of the published plan, but not of the case: begun, closed, or another case's.
    """

    case: str
    tolerance_minutes: float
    changes: tuple[VisitChange, ...]
    unchanged: tuple[str, ...]
    waiting: tuple[str, ...]
    gone: tuple[str, ...]

    def of(self, kind: Kind) -> tuple[VisitChange, ...]:
        """The changes of one kind."""
        return tuple(change for change in self.changes if change.kind == kind)


def difference(
    case: Case,
    before: Plan,
    after: Plan,
    *,
    tolerance_minutes: float = 15.0,
    tries: int = _TRIES,
) -> Difference:
    """What `after` changes of `before`, visit by visit, with reasons.

    Parameters
    ----------
    case
        The snapshot that `after` was made for.
    before, after
        Any plans: what they name need not be in the case.
    tolerance_minutes
        A start that moves by no more is unchanged.
    tries
        How many plans with one change undone are timed, to say what the change saves; 0: none.
    """
    told, now = promises(before), promises(after)
    tolerance = timedelta(minutes=tolerance_minutes)
    kinds = {ticket.id: _kind(told.get(ticket.id), now.get(ticket.id), tolerance) for ticket in case.tickets}
    changed = [(kind, ticket) for kind in KINDS for ticket in case.tickets if kinds[ticket.id] == kind]
    reader = _Reader(case, before, after, _Undo(case, before, after, tries))
    return Difference(
        case.name,
        tolerance_minutes,
        tuple(reader.change(ticket, kind) for kind, ticket in changed),
        tuple(ticket.id for ticket in case.tickets if kinds[ticket.id] == "unchanged"),
        tuple(ticket.id for ticket in case.tickets if kinds[ticket.id] == "waiting"),
        tuple(ticket for ticket in told if ticket not in case.ticket_by_id),
    )


def change_of(
    case: Case, before: Plan, after: Plan, ticket: str, *, tolerance_minutes: float = 15.0, tries: int = _TRIES
) -> VisitChange | None:
    """What `after` changes of one ticket's visit, with the reason; None when nothing does. Parameters as of `difference`."""
    told, now = promises(before), promises(after)
    kind = _kind(told.get(ticket), now.get(ticket), timedelta(minutes=tolerance_minutes))
    if kind == "unchanged" or kind == "waiting":
        return None
    return _Reader(case, before, after, _Undo(case, before, after, tries)).change(case.ticket_by_id[ticket], kind)


def _kind(told: Promise | None, now: Promise | None, tolerance: timedelta) -> Kind | Literal["unchanged", "waiting"]:
    if told is None:
        return "waiting" if now is None else "new"
    if now is None:
        return "dropped"
    if told.technicians != now.technicians:
        return "moved"
    if abs(now.start - told.start) <= tolerance:
        return "unchanged"
    return "later" if now.start > told.start else "earlier"


class _Undo:
    """What the new plan would cost with a change undone, as long as tries are left."""

    def __init__(self, case: Case, before: Plan, after: Plan, tries: int) -> None:
        self.tries = tries
        self.plan = _in_indices(case, before, after) if tries > 0 else None

    def dearer(self, ticket: str, instead_of: str | None = None) -> float | None:
        """By how much the plan is dearer with a ticket back where it was, and `instead_of` left out; None where that cannot be."""
        if self.plan is None or self.tries <= 0:
            return None
        self.tries -= 1
        problem, told, now = self.plan
        index = problem.ticket_ids.index(ticket)
        solution = now.solution
        if instead_of is not None:
            solution = without(problem, solution, problem.ticket_ids.index(instead_of))
        costs = [each.cost for way in put_back(problem, solution, told, index) if isinstance(each := schedule(problem, way), Schedule)]
        return min(costs) - now.cost if costs else None

    def left_out(self, ticket: str) -> float | None:
        """By how much the plan is dearer without serving a ticket; None where that was not tried."""
        if self.plan is None or self.tries <= 0:
            return None
        self.tries -= 1
        problem, _, now = self.plan
        found = schedule(problem, without(problem, now.solution, problem.ticket_ids.index(ticket)))
        return found.cost - now.cost if isinstance(found, Schedule) else None


def _in_indices(case: Case, before: Plan, after: Plan) -> tuple[Problem, Told, Schedule] | None:
    """Both plans in the indices of one problem, the new one timed; None when it does not fit its case."""
    try:
        problem, told = problem_for(case, before, trips=1, after=after)
        now = schedule(problem, from_plan(problem, after))
    except BadInput:
        return None
    return (problem, told, now) if isinstance(now, Schedule) else None


def _said(code: str, values: Mapping[str, Value], saves: float | None) -> tuple[Said, ...]:
    reason = Said(code, values)
    return (reason,) if saves is None or saves < 0.5 else (reason, Said("differs_saves", {"saved_cost": saves}))


@dataclass(frozen=True)
class _Why:
    """A reason: its code without `differs_`, the values of its sentence, and what the change saves."""

    code: str
    values: Mapping[str, Value] = field(default_factory=dict)
    saves: float | None = None


class _Reader:
    """Both plans side by side: by ticket what was and is promised, by technician the visits in order."""

    def __init__(self, case: Case, before: Plan, after: Plan, undo: _Undo) -> None:
        self.case, self.undo = case, undo
        self.names = _names(case)
        self.told, self.now = promises(before), promises(after)
        self.route_before, self.route_after = _visits(before), _visits(after)
        self.known_before = frozenset(self.told) | {item.ticket for item in before.unassigned}

    def change(self, ticket: Ticket, kind: Kind) -> VisitChange:
        before, now = self.told.get(ticket.id), self.now.get(ticket.id)
        match kind:
            case "new":
                why = self._why_new(ticket)
            case "dropped":
                why = self._why_dropped(ticket)
            case "moved":
                why = self._why_moved(ticket)
            case "later":
                why = self._why_later(ticket)
            case "earlier":
                why = self._why_earlier(ticket)
        code = f"differs_{why.code}"
        return VisitChange(
            ticket.id,
            kind,
            before.technicians if before else (),
            now.technicians if now else (),
            before.start if before else None,
            now.start if now else None,
            code,
            why.values,
            why.saves,
            told(_said(code, why.values, why.saves), self.names, self.case.now),
        )

    # --- reasons ---

    def _why_moved(self, ticket: Ticket) -> _Why:
        lost = [who for who in self.told[ticket.id].technicians if who not in self.now[ticket.id].technicians]
        cannot = next((why for who in lost if (why := self._cannot(who, ticket))), None)
        if cannot is not None:
            return cannot
        alone = self.undo.dearer(ticket.id)
        taken = self._taken(lost, ticket.id)
        if taken is not None and (alone is None or alone > 0):
            who, stop = taken
            saves = alone if alone is not None else self.undo.dearer(ticket.id, stop.ticket)
            return self._about("takes", who, stop.ticket, saves, start_at=stop.start)
        late = next((why for who in lost if (why := self._free_late(who, ticket.id))), None)
        if late is not None:
            return replace(late, saves=alone)
        if alone is None:
            return _Why("full", {"who": tuple(lost)}) if self.undo.plan is not None else _Why("exchange")
        return _Why("cheaper", saves=alone) if alone > 0 else _Why("exchange")

    def _why_dropped(self, ticket: Ticket) -> _Why:
        crew = self.told[ticket.id].technicians
        cannot = next((why for who in crew if (why := self._cannot(who, ticket))), None)
        if cannot is not None:
            return cannot
        alone = self.undo.dearer(ticket.id)
        if alone is not None and alone > 0:
            return _Why("too_dear", saves=alone)
        taken = self._taken(crew, ticket.id)
        if taken is not None:
            who, stop = taken
            return self._about("takes", who, stop.ticket, self.undo.dearer(ticket.id, stop.ticket), start_at=stop.start)
        return next((why for who in crew if (why := self._free_late(who, ticket.id))), _Why("full", {"who": tuple(crew)}))

    def _why_new(self, ticket: Ticket) -> _Why:
        saves = self.undo.left_out(ticket.id)
        if ticket.id not in self.known_before:
            return _Why("new", {"severity": ticket.severity}, saves)
        for who in self.now[ticket.id].technicians:
            freed = [stop for stop in self.route_before.get(who, ()) if who not in self._crew(stop.ticket) and stop.start > self.case.now]
            near = min(freed, key=lambda stop: abs(stop.start - self.now[ticket.id].start), default=None)
            if near is not None:
                return self._about("room", who, near.ticket, saves)
        return _Why("planned", saves=saves)

    def _why_later(self, ticket: Ticket) -> _Why:
        crew = self._last_of(ticket.id)
        for who in crew:
            ahead, first = self._before(self.route_before, who, ticket.id), self._before(self.route_after, who, ticket.id)
            more = [stop for stop in first if stop.ticket not in {each.ticket for each in ahead}]
            if more:
                stop = min(more, key=lambda stop: (not self._urgent(stop.ticket), stop.ticket in self.told, stop.start))
                return self._about("first", who, stop.ticket, self.undo.left_out(stop.ticket))
            late = self._free_late(who, ticket.id) if not first else None
            if late is not None:
                return late
            if first and first[-1].finish > max(
                (stop.finish for stop in ahead if stop.ticket == first[-1].ticket), default=first[-1].finish
            ):
                return self._about("after", who, first[-1].ticket, finish_at=first[-1].finish)
        if len(crew) < len(self.now[ticket.id].technicians):
            return _Why("waits", {"who": tuple(crew)})
        return _Why("order", {"who": tuple(crew)}) if crew else _Why("unknown")

    def _why_earlier(self, ticket: Ticket) -> _Why:
        for who in self.now[ticket.id].technicians:
            first = {stop.ticket for stop in self._before(self.route_after, who, ticket.id)}
            less = [
                stop for stop in self._before(self.route_before, who, ticket.id) if stop.ticket not in first and stop.start > self.case.now
            ]
            if less:
                return self._about("no_more", who, less[-1].ticket)
        for who in self.now[ticket.id].technicians:
            first_stops = self._before(self.route_after, who, ticket.id)
            if first_stops and first_stops[-1].ticket in self.told:
                return self._about("after", who, first_stops[-1].ticket, finish_at=first_stops[-1].finish)
        return _Why("order", {"who": self.now[ticket.id].technicians})

    # --- facts ---

    def _cannot(self, who: str, ticket: Ticket) -> _Why | None:
        """Why somebody who was told to go there cannot, whatever the plan."""
        person = self.case.technician_by_id.get(who)
        values: dict[str, Value] = {"who": who}
        if person is None:
            return _Why("gone", values)
        if not any(shift.end > self.case.now for shift in person.shifts):
            return _Why("off_duty", values)
        if who in ticket.banned or (ticket.only and who not in ticket.only):
            return _Why("not_allowed", values)
        if ticket.crew == 1 and any(person.skills.get(skill, 0) < level for skill, level in ticket.skills.items()):
            return _Why("unskilled", values)
        return None

    def _taken(self, people: Iterable[str], ticket: str) -> tuple[str, Stop] | None:
        """What one of these people does now and did not before: emergencies first, then what is nearest in time to the ticket."""
        at = self.told[ticket].start
        fresh = [
            (who, stop)
            for who in people
            for stop in self.route_after.get(who, ())
            if who not in (self.told[stop.ticket].technicians if stop.ticket in self.told else ())
        ]
        return min(fresh, key=lambda each: (not self._urgent(each[1].ticket), abs(each[1].start - at)), default=None)

    def _free_late(self, who: str, ticket: str) -> _Why | None:
        """Whether somebody on the road becomes free only when the published plan had them on the way to the ticket already."""
        person, ahead = self.case.technician_by_id.get(who), self._before(self.route_before, who, ticket)
        leaves = ahead[-1].finish if ahead else None
        if person is None or person.start is None or leaves is None or person.start.at <= leaves:
            return None
        return _Why("free_late", {"who": who, "free_at": self._moment(person.start.at)})

    def _last_of(self, ticket: str) -> list[str]:
        """Those of the crew who come last: their arrival sets the start."""
        arrivals = {who: stop.arrive for who in self.now[ticket].technicians for stop in self.route_after[who] if stop.ticket == ticket}
        return [who for who, at in arrivals.items() if at == max(arrivals.values())]

    def _before(self, routes: Mapping[str, tuple[Stop, ...]], who: str, ticket: str) -> list[Stop]:
        stops = routes.get(who, ())
        at = next((i for i, stop in enumerate(stops) if stop.ticket == ticket), 0)
        return list(stops[:at])

    def _crew(self, ticket: str) -> tuple[str, ...]:
        return self.now[ticket].technicians if ticket in self.now else ()

    def _urgent(self, ticket: str) -> bool:
        found = self.case.ticket_by_id.get(ticket)
        return found is not None and found.severity == "emergency"

    # --- values ---

    def _about(self, code: str, who: str, ticket: str, saves: float | None = None, **moments: datetime) -> _Why:
        """A reason that names another visit; an emergency has a sentence of its own."""
        values = {"who": who, "other": ticket, **{name: self._moment(at) for name, at in moments.items()}}
        return _Why(f"{code}_emergency" if self._urgent(ticket) else code, values, saves)

    def _moment(self, at: datetime) -> str:
        return at.astimezone(self.case.now.tzinfo).isoformat()


def _names(case: Case) -> dict[str, str]:
    """What technicians are called: by name and id."""
    return {who.id: f"{who.name} ({who.id})" for who in case.technicians if who.name not in ("", who.id)}


def _visits(plan: Plan) -> dict[str, tuple[Stop, ...]]:
    """Each technician's visits, in order."""
    routes: dict[str, tuple[Stop, ...]] = {}
    for route in sorted(plan.routes, key=lambda route: (route.depart, route.returns)):
        routes[route.technician] = (*routes.get(route.technician, ()), *route.stops)
    return routes
