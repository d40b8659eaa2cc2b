"""What would serve a ticket in time: changes tried from the least effort up, each confirmed by solving again with it.

For each kind of change a few promising ones are tried, the people nearest in time first; the size of a change (minutes of
overtime, the start of a shift) is found by bisection over steps of `STEP_MINUTES`, a test being one `serve_too`. Only the best
of each kind is kept. The bounds below make the work per ticket the same in every run and on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from data_models.case import Case, Technician, Ticket
from data_models.plan import Plan
from optimizer.changes import Effort, apply_change, effort_of
from optimizer.check import check
from optimizer.confirm import Question, Repaired, serve_too
from optimizer.explanation import Change, ChangeKind, PlanningContext, Remedy, said_of_remedy
from optimizer.reach import Assume, Offer, crew_of, demands, is_allowed, legs_of, offers, permitted_starts, soonest
from optimizer.verdict import Fit, Inquiry
from optimizer.wording import told

STEP_MINUTES = 15
"""Overtime, beginnings of shifts and windows are found to this grain; promises to `PROMISE_MINUTES`."""
PROMISE_MINUTES = 5
MOST_OVERTIME_MINUTES = 240
MOST_EARLIER_MINUTES = 480
MOST_WINDOW_MINUTES = 480
MOST_CANDIDATES = 3
"""People or stations tried for each kind of change."""
MOST_STATIONS = 3
"""Stations whose people may be moved in one test."""


@dataclass(frozen=True)
class Search:
    """One ticket's search for remedies."""

    inquiry: Inquiry
    plan: Plan
    effort: Effort

    @property
    def case(self) -> Case:
        """The case as it is."""
        return self.inquiry.case

    @property
    def ticket(self) -> Ticket:
        """The ticket as it is."""
        return self.inquiry.ticket


Tried = tuple[Change, Repaired]
Kind = tuple[ChangeKind, float, Callable[[Search], Iterator[Tried]]]


def room(search: Search, *, in_time: bool) -> Fit | None:
    """What the plan as it is has room for: the cheapest start by `due`, or else the soonest start at all."""
    found = _try(search, Change("replan"), search.ticket.due if in_time else None, soonest_start=not in_time)
    return None if found is None else Fit(found.start.timestamp(), found.technicians, found.cost_change)


def remedies_of(search: Search, in_time: Fit | None, free: Fit | None, most: int) -> tuple[Remedy, ...]:
    """The best confirmed remedies, the least effort first, at most one of a kind.

    Parameters
    ----------
    search
        The ticket and the plan, which keeps every rule.
    in_time, free
        What `room` found.
    most
        How many to return; 0 looks for none.
    """
    found: list[tuple[float, Tried]] = []
    for kind, least_effort, tries in _kinds(search, in_time, free):
        found.sort(key=lambda pair: pair[0])
        if len(found) >= most and (most == 0 or found[most - 1][0] <= least_effort):
            break
        confirmed = ((effort_of(search.case, change, search.effort), (change, repaired)) for change, repaired in tries(search))
        best = min(islice(confirmed, MOST_CANDIDATES), key=lambda pair: pair[0], default=None)
        if best is not None and _keeps_rules(search, best[1]):
            found.append(best)
        if kind == "replan" and best is not None:
            break
    return tuple(_remedy(search, *pair) for pair in sorted(found, key=lambda pair: pair[0])[:most])


def plan_with_remedy(case: Case, plan: Plan, remedy: Remedy, ticket: str) -> Plan | None:
    """The plan that confirmed a remedy, made again; None when case or plan have changed so that it no longer holds."""
    inquiry = Inquiry(case, case.ticket_by_id[ticket], "unplanned", PlanningContext(), legs_of(case, case.ticket_by_id[ticket]), ())
    tried = next(_confirm(Search(inquiry, plan, Effort()), remedy.change), None)
    return None if tried is None else tried[1].plan


def _kinds(search: Search, in_time: Fit | None, free: Fit | None) -> Iterator[Kind]:
    """Kinds of change with the least effort that one can be, in the order of that effort."""
    effort = search.effort
    if in_time is not None:
        yield "replan", 0.0, _replan
        return
    kinds: list[Kind] = [
        ("due", effort.due + effort.due_per_minute, lambda s: _later_promise(s, free)),
    ]
    opens = max(search.case.now, search.ticket.opened_at)
    if opens <= search.ticket.due:
        kinds += [("window", effort.window + effort.window_per_minute * STEP_MINUTES, _window)]
    if search.inquiry.permitted and search.inquiry.permitted[0][0] <= search.inquiry.due:
        kinds += [
            ("overtime", effort.overtime_per_minute * STEP_MINUTES, _overtime),
            ("earlier_shift", effort.earlier_per_minute * STEP_MINUTES, _earlier_shift),
            ("on_call", effort.on_call, _on_call),
            ("allow", effort.allow, _allow),
            ("certificate", effort.certificate, _certificate),
            ("kit", effort.kit, _kit),
            ("skill", effort.skill_per_level, _skill),
            ("technician", effort.technician, _newcomer),
        ]
    yield from sorted(kinds, key=lambda kind: kind[1])


def _replan(search: Search) -> Iterator[Tried]:
    yield from _confirm(search, Change("replan"))


def _overtime(search: Search) -> Iterator[Tried]:
    longer = _with_overtime(search.case, MOST_OVERTIME_MINUTES)
    for offer in _useful(search, longer, Assume()):
        if offer.shift is not None:
            yield from _least(
                search,
                MOST_OVERTIME_MINUTES,
                lambda minutes, o=offer: Change("overtime", technician=o.technician, shift=o.shift, minutes=minutes),  # type: ignore[misc]
            )


def _earlier_shift(search: Search) -> Iterator[Tried]:
    case = search.case
    for offer in _useful(search, case, Assume(always_on_duty=True)):
        who = case.technician_by_id[offer.technician]
        later = [(shift.start, index) for index, shift in enumerate(who.shifts) if shift.start > case.now]
        if not later or (who.start is not None and who.start.at > case.now):
            continue
        start, index = min(later)
        ends = [shift.end + timedelta(minutes=shift.overtime_minutes) for shift in who.shifts if shift.start < start]
        limit = min((start - max([case.now, *ends])).total_seconds() / 60, MOST_EARLIER_MINUTES)

        def begin(minutes: int, who: Technician = who, index: int = index, start: datetime = start) -> Change:
            return Change("earlier_shift", technician=who.id, shift=index, minutes=minutes, start=start - timedelta(minutes=minutes))

        yield from _least(search, int(limit), begin)


def _on_call(search: Search) -> Iterator[Tried]:
    case, legs = search.case, search.inquiry.legs
    for offer in _useful(search, case, Assume(always_on_duty=True)):
        who = case.technician_by_id[offer.technician]
        start, end = _needed_span(search, legs.there[who.station], legs.back[who.station])
        taken = [(shift.start, shift.end + timedelta(minutes=shift.overtime_minutes)) for shift in who.shifts]
        if any(a < end and start < b for a, b in taken) or (who.start is not None and who.start.at > case.now):
            continue
        yield from _confirm(search, Change("on_call", technician=who.id, start=start, end=end))


def _allow(search: Search) -> Iterator[Tried]:
    for offer in _useful(search, search.case, Assume(anyone_allowed=True)):
        if not is_allowed(search.ticket, offer.technician):
            yield from _confirm(search, Change("allow", technician=offer.technician, ticket=search.ticket.id))


def _window(search: Search) -> Iterator[Tried]:
    """Lets work begin outside its windows (or before `not_before`), as near to one of them as the plan allows."""
    ticket = search.ticket
    opens = max(search.case.now, ticket.opened_at)
    spells = [(window.start, window.end) for window in ticket.windows]
    if not spells and ticket.not_before is not None:
        spells = [(ticket.not_before, ticket.due)]
    for spell in spells[:MOST_CANDIDATES]:

        def wider(minutes: int, spell: tuple[datetime, datetime] = spell) -> Change | None:
            near = timedelta(minutes=minutes)
            start, end = max(opens, spell[0] - near), min(ticket.due, spell[1] + near)
            return Change("window", ticket=ticket.id, minutes=minutes, start=start, end=end) if start <= end else None

        for change, repaired in _least(search, MOST_WINDOW_MINUTES, wider):
            begin = max(opens, _down(repaired.start, STEP_MINUTES))
            end = max(repaired.start, min(ticket.due, begin + timedelta(minutes=STEP_MINUTES)))
            yield from _confirm(search, replace(change, start=begin, end=end))


def _certificate(search: Search) -> Iterator[Tried]:
    for lost in search.inquiry.context.expired:
        who = search.case.technician_by_id.get(lost.technician)
        needed = search.ticket.skills.get(lost.skill, math.inf)
        if who is not None and who.skills.get(lost.skill, 0) < needed <= lost.level:
            yield from _confirm(search, Change("certificate", technician=who.id, skill=lost.skill, level=lost.level))


def _later_promise(search: Search, free: Fit | None) -> Iterator[Tried]:
    if free is not None:
        due = search.ticket.due
        end = _up(datetime.fromtimestamp(free.start, search.case.now.tzinfo), PROMISE_MINUTES)
        minutes = math.ceil((end - due).total_seconds() / 60)
        yield from _confirm(search, Change("due", ticket=search.ticket.id, end=end, minutes=minutes))


def _kit(search: Search) -> Iterator[Tried]:
    seen: set[tuple[str, str]] = set()
    for offer in _useful(search, search.case, Assume(any_kit=True), several=True):
        station = search.case.technician_by_id[offer.technician].station
        for kit in search.ticket.kits:
            if (station, kit) not in seen and len(seen) < 2 * MOST_CANDIDATES:
                seen.add((station, kit))
                yield from _confirm(search, Change("kit", station=station, kit=kit, count=1))


def _skill(search: Search) -> Iterator[Tried]:
    ticket, case = search.ticket, search.case
    lacking: list[tuple[int, Change]] = []
    for offer in _useful(search, case, Assume(any_skill=True), several=True):
        who = case.technician_by_id[offer.technician]
        short = [(name, level) for name, level in ticket.skills.items() if who.skills.get(name, 0) < level]
        if short and (ticket.crew > 1 or len(short) == 1):
            for name, level in short:
                change = Change("skill", technician=who.id, skill=name, level=level)
                lacking.append((level - who.skills.get(name, 0), change))
    for _, change in sorted(lacking, key=lambda pair: pair[0])[: 2 * MOST_CANDIDATES]:
        yield from _confirm(search, change)


def _newcomer(search: Search) -> Iterator[Tried]:
    case, legs = search.case, search.inquiry.legs
    tried = 0
    for station in sorted(case.stations, key=lambda each: legs.there[each.id]):
        if math.isinf(legs.there[station.id] + legs.back[station.id]) or tried >= MOST_CANDIDATES:
            return
        if search.ticket.crew == 1 and any(station.kits.get(kit, 0) == 0 for kit in search.ticket.kits):
            continue
        tried += 1
        start, end = _needed_span(search, legs.there[station.id], legs.back[station.id])
        name = f"new-{station.id}"
        while name in case.technician_by_id:
            name += "+"
        yield from _confirm(
            search, Change("technician", technician=name, station=station.id, skills=dict(search.ticket.skills), start=start, end=end)
        )


def _needed_span(search: Search, there: float, back: float) -> tuple[datetime, datetime]:
    """The shift that serves the ticket as soon as may be, rounded outwards, never before `now`."""
    inquiry, now = search.inquiry, search.case.now
    start = soonest(inquiry.permitted, now.timestamp() + there) or now.timestamp() + there
    leave = datetime.fromtimestamp(start - there, now.tzinfo)
    home = datetime.fromtimestamp(start + 60 * search.ticket.service_minutes + back, now.tzinfo)
    return max(now, _down(leave, STEP_MINUTES)), _up(home, STEP_MINUTES)


def _least(search: Search, most_minutes: int, make: Callable[[int], Change | None]) -> Iterator[Tried]:
    """The smallest number of steps for which the change works, by bisection; nothing when the most does not."""
    low, high = 0, most_minutes // STEP_MINUTES
    best = next(_confirm(search, make(high * STEP_MINUTES)), None) if high > 0 else None
    while best is not None and high - low > 1:
        middle = (low + high) // 2
        smaller = next(_confirm(search, make(middle * STEP_MINUTES)), None)
        if smaller is None:
            low = middle
        else:
            best, high = smaller, middle
    if best is not None:
        yield best


def _confirm(search: Search, change: Change | None) -> Iterator[Tried]:
    """The change with the plan that serves the ticket in time under it; nothing when there is none."""
    if change is None:
        return
    changed = apply_change(search.case, change)
    found = _as_planned(search, changed) or _try(search, change, changed.ticket_by_id[search.ticket.id].due, changed=changed)
    if found is not None:
        yield change, found


def _as_planned(search: Search, changed: Case) -> Repaired | None:
    """The plan as it is, when the change alone puts the ticket in time: a later promise for a visit that is planned."""
    name, ticket = search.ticket.id, search.ticket
    visits = [(route.technician, stop.start) for route in search.plan.routes for stop in route.stops if stop.ticket == name]
    start = max((moment for _, moment in visits), default=None)
    if start is None or start > changed.ticket_by_id[name].due:
        return None
    late_h = max(0.0, (start - ticket.due).total_seconds() / 3600)
    saved = ticket.miss_cost + ticket.late_cost_per_hour * late_h if late_h > 0 else 0.0
    return Repaired(search.plan, start, tuple(sorted(who for who, _ in visits)), -saved)


def _try(
    search: Search, change: Change, latest: datetime | None, *, changed: Case | None = None, soonest_start: bool = False
) -> Repaired | None:
    case = apply_change(search.case, change) if changed is None else changed
    question = _question(search, case, change, latest, soonest_start)
    return None if question is None else serve_too(search.case, case, search.plan, question)


def _question(search: Search, case: Case, change: Change, latest: datetime | None, soonest_start: bool) -> Question | None:
    """Whom to ask: those who idle could begin by `latest`, of the few stations nearest in time; with the changed person for sure."""
    ticket = case.ticket_by_id[search.ticket.id]
    spells, limit = permitted_starts(case, ticket), math.inf if latest is None else latest.timestamp()
    needed = demands(ticket, Assume())
    ready: list[tuple[float, Offer]] = []
    for offer in offers(case, ticket, search.inquiry.legs, Assume()):
        start = soonest(spells, offer.earliest)
        if start is not None and start <= min(limit, offer.latest) and (ticket.crew > 1 or needed <= offer.covers):
            ready.append((start, offer))
    if crew_of(ticket, [offer for _, offer in ready], Assume()) is None:
        return None
    ready.sort(key=lambda pair: (pair[0], pair[1].technician))
    only_one = change.technician is not None and ticket.crew == 1
    homes: dict[str, None] = {}
    if change.technician is not None:
        homes[case.technician_by_id[change.technician].station] = None
    if change.station is not None:
        homes[change.station] = None
    if not only_one and (change.kind != "kit" or ticket.crew > 1):
        for _, offer in ready:
            if len(homes) < MOST_STATIONS:
                homes[case.technician_by_id[offer.technician].station] = None
    among = {offer.technician for _, offer in ready if case.technician_by_id[offer.technician].station in homes}
    if only_one and change.technician is not None:
        among &= {change.technician}
    return Question(ticket.id, frozenset(among), frozenset(homes), latest, soonest_start) if among else None


def _useful(search: Search, case: Case, assume: Assume, *, several: bool = False) -> list[Offer]:
    """The first people who, idle and under the assumptions, could begin by `due`; the soonest first, one offer each."""
    ticket, needed = search.ticket, demands(search.ticket, assume)
    ready: dict[str, tuple[float, Offer]] = {}
    for offer in offers(case, ticket, search.inquiry.legs, assume):
        start = soonest(search.inquiry.permitted, offer.earliest)
        fits = needed <= offer.covers if ticket.crew == 1 else True
        if start is not None and start <= min(search.inquiry.due, offer.latest) and fits:
            ready[offer.technician] = min(ready.get(offer.technician, (math.inf, offer)), (start, offer), key=lambda pair: pair[0])
    soonest_first = sorted(ready.values(), key=lambda pair: (pair[0], pair[1].technician))
    return [offer for _, offer in soonest_first][: (4 if several else 2) * MOST_CANDIDATES]


def _with_overtime(case: Case, minutes: int) -> Case:
    def longer(who: Technician) -> Technician:
        return replace(who, shifts=tuple(replace(s, overtime_minutes=s.overtime_minutes + minutes) for s in who.shifts))

    return replace(case, technicians=tuple(longer(who) for who in case.technicians))


def _keeps_rules(search: Search, tried: Tried) -> bool:
    """The last word: the independent judge finds nothing in the whole plan under the changed case, and nobody else is served worse."""
    change, repaired = tried
    case = apply_change(search.case, change)
    if check(case, repaired.plan):
        return False
    before, after = _starts(search.plan), _starts(repaired.plan)
    worse = [n for n, s in before.items() if n != search.ticket.id and (n not in after or after[n] > max(s, case.ticket_by_id[n].due))]
    return not worse and after[search.ticket.id] <= case.ticket_by_id[search.ticket.id].due


def _starts(plan: Plan) -> dict[str, datetime]:
    return {stop.ticket: stop.start for route in plan.routes for stop in route.stops}


def _remedy(search: Search, effort: float, tried: Tried) -> Remedy:
    change, repaired = tried
    said = said_of_remedy(change, repaired.start, repaired.technicians)
    text = told(said, search.inquiry.context.names, search.case.now)
    return Remedy(change, repaired.start, repaired.technicians, effort, round(repaired.cost_change, 2), text)


def _down(moment: datetime, minutes: int) -> datetime:
    """Rounded down to a multiple of `minutes` since the epoch."""
    step = 60 * minutes
    return datetime.fromtimestamp(moment.timestamp() // step * step, moment.tzinfo)


def _up(moment: datetime, minutes: int) -> datetime:
    """Rounded up to a multiple of `minutes` since the epoch."""
    step = 60 * minutes
    return datetime.fromtimestamp(-(-moment.timestamp() // step) * step, moment.tzinfo)
