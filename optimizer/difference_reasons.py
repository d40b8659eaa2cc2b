"""Why a visit is not what people were told: read from both plans, and from what the new one would cost with the change undone.

One reason a visit, the first that holds: who cannot come any more, what took the place, what comes first now, a kit that changes hands,
who is free late; then what is merely cheaper.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from data_models.case import Case, Ticket
from data_models.errors import BadInput
from data_models.plan import Plan, Stop
from optimizer.explanation import Value
from optimizer.handovers import Handover, handovers
from optimizer.problem import Problem, from_plan
from optimizer.published import Told, problem_for, promises, put_back, without
from optimizer.schedule import schedule
from optimizer.solution import Schedule

Kind = Literal["new", "dropped", "moved", "later", "earlier"]
"""`moved`: other people than were told, at whatever time."""


@dataclass(frozen=True)
class Why:
    """A reason: its code without `differs_`, the values of its sentence, and what the change saves."""

    code: str
    values: Mapping[str, Value] = field(default_factory=dict)
    saves: float | None = None


class Reasons:
    """Both plans side by side: by ticket what was and is promised, by technician the visits in order.

    Parameters
    ----------
    tries
        How many plans with one change undone are timed; 0: none.
    """

    def __init__(self, case: Case, before: Plan, after: Plan, tries: int) -> None:
        self.case, self.undo = case, _Undo(case, before, after, tries)
        self.told, self.now = promises(before), promises(after)
        self.route_before, self.route_after = _visits(before), _visits(after)
        self.handovers = handovers(case, before, after)
        self.known_before = frozenset(self.told) | {item.ticket for item in before.unassigned}

    def why(self, ticket: Ticket, kind: Kind) -> Why:
        """The reason of a change."""
        match kind:
            case "new":
                return self._why_new(ticket)
            case "dropped":
                return self._why_dropped(ticket)
            case "moved":
                return self._why_moved(ticket)
            case "later":
                return self._why_later(ticket)
            case "earlier":
                return self._why_earlier(ticket)

    # --- reasons ---

    def _why_moved(self, ticket: Ticket) -> Why:
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
        given = self._hands_over(lost, ticket.id)
        if given is not None:
            return replace(given, saves=alone)
        late = next((why for who in lost if (why := self._free_late(who, ticket.id))), None)
        if late is not None:
            return replace(late, saves=alone)
        if alone is None:
            return Why("full", {"who": tuple(lost)}) if self.undo.plan is not None else Why("exchange")
        return Why("cheaper", saves=alone) if alone > 0 else Why("exchange")

    def _why_dropped(self, ticket: Ticket) -> Why:
        crew = self.told[ticket.id].technicians
        cannot = next((why for who in crew if (why := self._cannot(who, ticket))), None)
        if cannot is not None:
            return cannot
        alone = self.undo.dearer(ticket.id)
        if alone is not None and alone > 0:
            return Why("too_dear", saves=alone)
        taken = self._taken(crew, ticket.id)
        if taken is not None:
            who, stop = taken
            return self._about("takes", who, stop.ticket, self.undo.dearer(ticket.id, stop.ticket), start_at=stop.start)
        given = self._hands_over(crew, ticket.id)
        if given is not None:
            return given
        return next((why for who in crew if (why := self._free_late(who, ticket.id))), Why("full", {"who": tuple(crew)}))

    def _why_new(self, ticket: Ticket) -> Why:
        saves = self.undo.left_out(ticket.id)
        if ticket.id not in self.known_before:
            return Why("new", {"severity": ticket.severity}, saves)
        brought = self._brought(ticket.id)
        if brought is not None and brought.sooner and brought.kit in ticket.kits:
            return replace(self._kit("kit_sooner", brought), saves=saves)
        for who in self.now[ticket.id].technicians:
            freed = [stop for stop in self.route_before.get(who, ()) if who not in self._crew(stop.ticket) and stop.start > self.case.now]
            near = min(freed, key=lambda stop: abs(stop.start - self.now[ticket.id].start), default=None)
            if near is not None:
                return self._about("room", who, near.ticket, saves)
        return Why("planned", saves=saves)

    def _why_later(self, ticket: Ticket) -> Why:
        crew = self._last_of(ticket.id)
        for who in crew:
            ahead, first = self._before(self.route_before, who, ticket.id), self._before(self.route_after, who, ticket.id)
            more = [stop for stop in first if stop.ticket not in {each.ticket for each in ahead}]
            if more:
                stop = min(more, key=lambda stop: (not self._urgent(stop.ticket), stop.ticket in self.told, stop.start))
                return self._about("first", who, stop.ticket, self.undo.left_out(stop.ticket))
            tied = self._hands_over((who,), ticket.id) or self._waits_for_kit(who, ticket.id)
            if tied is not None:
                return tied
            late = self._free_late(who, ticket.id) if not first else None
            if late is not None:
                return late
            if first and first[-1].finish > max(
                (stop.finish for stop in ahead if stop.ticket == first[-1].ticket), default=first[-1].finish
            ):
                return self._about("after", who, first[-1].ticket, finish_at=first[-1].finish)
        if len(crew) < len(self.now[ticket.id].technicians):
            return Why("waits", {"who": tuple(crew)})
        return Why("order", {"who": tuple(crew)}) if crew else Why("unknown")

    def _why_earlier(self, ticket: Ticket) -> Why:
        for who in self.now[ticket.id].technicians:
            first = {stop.ticket for stop in self._before(self.route_after, who, ticket.id)}
            less = [
                stop for stop in self._before(self.route_before, who, ticket.id) if stop.ticket not in first and stop.start > self.case.now
            ]
            if less:
                return self._about("no_more", who, less[-1].ticket)
        brought = self._brought(ticket.id)
        if brought is not None and brought.sooner:
            return self._kit("kit_sooner", brought)
        for who in self.now[ticket.id].technicians:
            first_stops = self._before(self.route_after, who, ticket.id)
            if first_stops and first_stops[-1].ticket in self.told:
                return self._about("after", who, first_stops[-1].ticket, finish_at=first_stops[-1].finish)
        return Why("order", {"who": self.now[ticket.id].technicians})

    # --- facts ---

    def _cannot(self, who: str, ticket: Ticket) -> Why | None:
        """Why somebody who was told to go there cannot, whatever the plan."""
        person = self.case.technician_by_id.get(who)
        values: dict[str, Value] = {"who": who}
        if person is None:
            return Why("gone", values)
        if not any(shift.end > self.case.now for shift in person.shifts):
            return Why("off_duty", values)
        if who in ticket.banned or (ticket.only and who not in ticket.only):
            return Why("not_allowed", values)
        if ticket.crew == 1 and any(person.skills.get(skill, 0) < level for skill, level in ticket.skills.items()):
            return Why("unskilled", values)
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

    def _free_late(self, who: str, ticket: str) -> Why | None:
        """Whether somebody on the road becomes free only when the published plan had them on the way to the ticket already."""
        person, ahead = self.case.technician_by_id.get(who), self._before(self.route_before, who, ticket)
        leaves = ahead[-1].finish if ahead else None
        if person is None or person.start is None or leaves is None or person.start.at <= leaves:
            return None
        return Why("free_late", {"who": who, "free_at": self._moment(person.start.at)})

    def _hands_over(self, people: Iterable[str], ticket: str) -> Why | None:
        """Whether one of these people drives home sooner than was told, on the trip that the ticket was part of, to hand a kit over."""
        for each in self.handovers:
            if each.giver in people and each.sooner and ticket in each.held:
                more: dict[str, Value] = {"kit": each.kit, "taker": each.taker}
                why = self._about("hands_over", each.giver, each.ticket, back_at=each.back_at)
                return replace(why, values={**why.values, **more})
        return None

    def _waits_for_kit(self, who: str, ticket: str) -> Why | None:
        """Whether somebody sets out to a ticket only when another has brought a kit back."""
        brought = self._brought(ticket)
        return self._kit("waits_for_kit", brought) if brought is not None and brought.taker == who and brought.at_once else None

    def _brought(self, ticket: str) -> Handover | None:
        """The handover without which whoever goes to a ticket could not set out."""
        return next((each for each in self.handovers if ticket in each.tickets), None)

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

    def _about(self, code: str, who: str, ticket: str, saves: float | None = None, **moments: datetime) -> Why:
        """A reason that names another visit; an emergency has a sentence of its own."""
        values = {"who": who, "other": ticket, **{name: self._moment(at) for name, at in moments.items()}}
        return Why(f"{code}_emergency" if self._urgent(ticket) else code, values, saves)

    def _kit(self, code: Literal["kit_sooner", "waits_for_kit"], found: Handover) -> Why:
        return Why(code, {"who": found.taker, "kit": found.kit, "giver": found.giver, "back_at": self._moment(found.back_at)})

    def _moment(self, at: datetime) -> str:
        return at.astimezone(self.case.now.tzinfo).isoformat()


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


def _visits(plan: Plan) -> dict[str, tuple[Stop, ...]]:
    """Each technician's visits, in order."""
    routes: dict[str, tuple[Stop, ...]] = {}
    for route in sorted(plan.routes, key=lambda route: (route.depart, route.returns)):
        routes[route.technician] = (*routes.get(route.technician, ()), *route.stops)
    return routes
