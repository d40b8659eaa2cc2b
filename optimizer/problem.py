"""A case as a solver sees it: integer seconds, indices, flat arrays. The only place that translates ids and indices."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from data_models.case import Break, Case, Shift, Technician, Ticket, current_shift
from data_models.errors import BadInput
from data_models.plan import BreakTaken, Plan, Route, SolverFacts, Stop, Unassigned
from optimizer.legs import UNREACHABLE as UNREACHABLE
from optimizer.legs import Legs, legs_of
from optimizer.solution import Schedule, Solution, TimedRoute
from optimizer.tables import Tables, tables_of

MOST_BREAKS = 6
"""Breaks of one shift that can be planned around: each may be taken in any spell, and combinations double with every break. A shift
with more is used up to the moment at which the seventh would be needed."""

MOST_TRIPS = 6
"""Trips of one shift that are planned for the sake of loads: each is a duty more to search."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Problem:
    """One case in numbers. All times are whole seconds since `epoch`, so that nothing happens before 0.

    A *duty* is one trip of one technician in one shift that is not over yet: the solver's vehicle. Locations are, in this order, the
    stations, the places where people already out become free (one for each such duty), and the tickets. Ragged facts are
    compressed: the items of row `i` are `x[x_ptr[i]:x_ptr[i + 1]]`.

    Attributes
    ----------
    epoch
        `case.now`, rounded up to a whole second (no work before it).
    legs
        Travel between the locations; `travel_s`, `drive_cost` and `distance_m` have all pairs of it.
    ticket_* : (n_tickets,)
        `location`, `due`, `service_s` int64; `miss_cost`, `late_cost_per_hour`, `skip_cost`, `load`
        float64; `crew` int64; `committed`, `locked` bool.
    window_start, window_end, window_ptr
        Spells in which work may start, clipped to `opened_at` and `not_before`, sorted and merged; a ticket without limits has one that
        never ends, a ticket whose windows are all over has none and cannot be planned.
    need_skill, need_level, need_ptr
        Skills that a ticket asks for and their least level.
    need_kit, need_kit_ptr
        Kits that a ticket asks for.
    promised, promised_ptr
        Technicians who were told to go to a ticket.
    skill_level : (n_technicians, n_skills) int64
        0 where a technician has not got the skill.
    allowed : (n_tickets, n_technicians) bool
        May be in the ticket's crew by `only`, `banned`, a lock, and capacity.
    capable : (n_tickets, n_technicians) bool
        Has every skill that the ticket asks for, alone.
    kit_names, kit_bundles
        A *kit* here is a bundle of types that are alike in everything: needed by the same tickets, owned in the same numbers by every
        station, held by the same people. They are always taken together. Its first name, and all its names.
    stock : (n_stations, n_kits) int64
        Kits that a station owns, of the types that some ticket needs or someone already out holds.
    duty_* : (n_duties,) int64
        `technician`, `shift` (index in the case), `trip` (0 for the first of its shift), `station`, `origin` (location of departure),
        `home` (location), `earliest` departure, `end` (overtime counts from here), `latest` return, `before` (the same technician's
        previous duty when the two could overlap, else -1; a second trip's is the first), `idle_until` (when someone out without a
        route is home with the kits; 0 for others).
        `capacity` float64 (infinite without limit); `out` bool: leaves from where they are, with the kits they hold.
    held_kit, held_kit_ptr
        Kits that a duty that is `out` holds.
    lent_station, lent_kit, lent_until
        Kits out with people who have no duty left, until when.
    break_earliest, break_latest, break_length, break_span_end, break_ptr
        Breaks of a duty: begin between the first two; needed when the work spans `break_earliest` to `break_span_end`.
    """

    case: Case
    epoch: datetime
    station_ids: tuple[str, ...]
    technician_ids: tuple[str, ...]
    ticket_ids: tuple[str, ...]
    skill_names: tuple[str, ...]
    kit_names: tuple[str, ...]
    kit_bundles: tuple[tuple[str, ...], ...]
    legs: Legs
    ticket_location: Ints
    ticket_due: Ints
    ticket_service_s: Ints
    ticket_miss_cost: Floats
    ticket_late_cost_per_hour: Floats
    ticket_skip_cost: Floats
    ticket_load: Floats
    ticket_crew: Ints
    ticket_committed: Bools
    ticket_locked: Bools
    window_ptr: Ints
    window_start: Ints
    window_end: Ints
    need_ptr: Ints
    need_skill: Ints
    need_level: Ints
    need_kit_ptr: Ints
    need_kit: Ints
    promised_ptr: Ints
    promised: Ints
    skill_level: Ints
    allowed: Bools
    capable: Bools
    stock: Ints
    duty_technician: Ints
    duty_shift: Ints
    duty_trip: Ints
    duty_station: Ints
    duty_origin: Ints
    duty_home: Ints
    duty_earliest: Ints
    duty_end: Ints
    duty_latest: Ints
    duty_before: Ints
    duty_idle_until: Ints
    duty_capacity: Floats
    duty_out: Bools
    held_kit_ptr: Ints
    held_kit: Ints
    lent_station: Ints
    lent_kit: Ints
    lent_until: Ints
    break_ptr: Ints
    break_earliest: Ints
    break_latest: Ints
    break_length: Ints
    break_span_end: Ints
    overtime_per_hour: float
    change_technician: float

    @property
    def n_tickets(self) -> int:
        """How many tickets there are."""
        return len(self.ticket_ids)

    @property
    def n_duties(self) -> int:
        """How many duties there are."""
        return len(self.duty_technician)

    def __getstate__(self) -> dict[str, object]:
        """What goes to another process: the facts alone, since whatever is derived from them is large."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def _drives(self) -> tuple[Ints, Floats]:
        return self.legs.between()

    @property
    def travel_s(self) -> Ints:
        """Drive time `[origin, destination]`, rounded up; `UNREACHABLE` where there is no way: (n_locations, n_locations) int64."""
        return self._drives[0]

    @property
    def drive_cost(self) -> Floats:
        """Money for the drive `[origin, destination]`; infinite where there is no way: (n_locations, n_locations) float64."""
        return self._drives[1]

    @cached_property
    def distance_m(self) -> Floats:
        """Road distance `[origin, destination]`, 0 where there is no way: (n_locations, n_locations) float64."""
        return self.legs.metres()

    @cached_property
    def member(self) -> Bools:
        """Who may be one of a ticket's crew: (n_tickets, n_duties) bool. A crew of one must have every skill itself."""
        fit = self.allowed & (self.capable | (self.ticket_crew > 1)[:, None])
        return fit[:, self.duty_technician]

    @cached_property
    def reachable(self) -> Bools:
        """Which duty could serve a ticket if it did nothing else: (n_tickets, n_duties) bool.

        For a crew: could be one of it. Skills, bans, kits, the first and the last window and the shift are looked at; a lower bound,
        since routes, breaks and other people's kits are not.
        """
        place = self.ticket_location
        start = self.duty_earliest[None, :] + self.travel_s[self.duty_origin][:, place].T
        first = np.array([windows[0][0] if windows else 0 for windows in self.tables.windows], np.int64)
        last = np.array([windows[-1][1] if windows else -1 for windows in self.tables.windows], np.int64)
        start = np.maximum(start, first[:, None])
        back = start + self.ticket_service_s[:, None] + self.travel_s[place][:, self.duty_home]
        fit = self.member & (start <= last[:, None]) & (back <= self.duty_latest[None, :])
        tables = self.tables
        for ticket, kits in enumerate(tables.kits):
            if kits and tables.crew[ticket] == 1:
                for duty in np.flatnonzero(fit[ticket]).tolist():
                    held = tables.held[duty]
                    fit[ticket, duty] = all(self.stock[tables.station[duty], k] > 0 for k in kits) if held is None else kits <= held
        return np.asarray(fit)

    @cached_property
    def tables(self) -> Tables:
        """The same facts as Python lists and sets: loops in Python read them several times faster than arrays."""
        return tables_of(self)

    def moment(self, second: int) -> datetime:
        """The moment `second` seconds after `epoch`, in the offset of the case's `now`."""
        return self.epoch + timedelta(seconds=int(second))

    def second(self, moment: datetime) -> int:
        """Seconds since `epoch`, rounded down."""
        return _floor_s(moment, self.epoch)


def build_problem(case: Case, *, trips: int = 1, plan: Plan | None = None) -> Problem:
    """The case in numbers.

    Every rounding goes to the safe side, said at its line: a plan that keeps the rules in whole seconds keeps them exactly.

    Parameters
    ----------
    case
        A validated case.
    trips
        How many trips of one shift may be planned, where a further trip can pay: for people who are out now, whose vehicle holds
        less than all tickets ask for, or whose station has fewer of a kit than people. With 2 or more, loads that take further trips
        get them, up to `MOST_TRIPS`.
    plan
        A plan that is to be followed, whoever made it: each shift has duties for at least as many trips as it makes there.
    """
    epoch = case.now if case.now.microsecond == 0 else case.now.replace(microsecond=0) + timedelta(seconds=1)  # up: no work before now
    again = _trips_that_may_pay(case, trips) if trips > 1 else {}
    made = Counter((route.technician, route.shift) for route in plan.routes) if plan is not None else Counter()
    duties = [
        (t, k, trip)
        for t, who in enumerate(case.technicians)
        for k in _open_shifts(who, case.now, epoch)
        for trip in range(max(again.get((who.id, k), 1), made[who.id, k]))
    ]
    outs = [t for t, k, trip in duties if trip == 0 and _leaves_from_outside(case.technicians[t], k, case.now)]
    places: list[tuple[float, float, int | None]] = [(s.lat, s.lon, s.place) for s in case.stations]
    places += [(o.lat, o.lon, o.place) for o in (case.technicians[t].start for t in outs) if o is not None]
    places += [(t.lat, t.lon, t.place) for t in case.tickets]
    legs = legs_of(case.travel, case.rates, places)
    bundles = _kit_bundles(case)
    kit_names = [bundle[0] for bundle in bundles]
    skill_names = sorted({s for t in case.tickets for s in t.skills})
    kit_index = {name: i for i, bundle in enumerate(bundles) for name in bundle}
    facts: dict[str, object] = {}
    facts |= _ticket_facts(case, epoch, len(case.stations) + len(outs), kit_index, {name: i for i, name in enumerate(skill_names)})
    facts |= _crew_facts(case, skill_names)
    facts |= _duty_facts(case, epoch, duties, outs, legs, kit_index)
    facts |= _lent_facts(case, epoch, duties, kit_index)
    return Problem(
        case=case,
        epoch=epoch,
        station_ids=tuple(s.id for s in case.stations),
        technician_ids=tuple(t.id for t in case.technicians),
        ticket_ids=tuple(t.id for t in case.tickets),
        skill_names=tuple(skill_names),
        kit_names=tuple(kit_names),
        kit_bundles=bundles,
        legs=legs,
        stock=_stock(case, kit_names),
        overtime_per_hour=case.rates.overtime_per_hour,
        change_technician=case.rates.change_technician,
        **facts,  # type: ignore[arg-type]
    )


def _trips_that_may_pay(case: Case, trips: int) -> dict[tuple[str, int], int]:
    """Shifts in which a further trip can pay, by technician's id and number, and how many trips each may have.

    Somebody out goes home first. That must be possible as soon as they are free and without a break on the way.
    """
    people = Counter(who.station for who in case.technicians)
    wanted = {kit for ticket in case.tickets for kit in ticket.kits}
    scarce = {s.id for s in case.stations if any(0 < s.kits.get(kit, 0) < people[s.id] for kit in wanted)}
    load = sum(ticket.load for ticket in case.tickets)
    room = sum(math.inf if who.capacity is None else who.capacity for who in case.technicians)
    loaded = sum(ticket.load > 0 for ticket in case.tickets)
    # Twice as many as full vehicles would make: work lies nearer to some than to others.
    filled = min(math.ceil(2 * load / room), loaded, MOST_TRIPS) if 0 < room < 2 * load else 0
    found: dict[tuple[str, int], int] = {}
    for who in case.technicians:
        by_load = filled if who.capacity is not None and who.capacity < load else 0
        for number, shift in enumerate(who.shifts):
            away = _leaves_from_outside(who, number, case.now)
            ready = not away or (who.start is not None and who.start.at >= shift.start and not shift.breaks)
            if ready and (who.station in scarce or by_load or away):
                found[who.id, number] = max(trips, by_load)
    return found


def _kit_bundles(case: Case) -> tuple[tuple[str, ...], ...]:
    """The kit types that some ticket needs or someone already out holds, those together that nothing tells apart; sorted."""
    users: dict[str, list[int]] = {}
    for index, ticket in enumerate(case.tickets):
        for kit in ticket.kits:
            users.setdefault(kit, []).append(index)
    for index, who in enumerate(case.technicians):
        for kit in dict.fromkeys(who.start.kits) if who.start else ():
            users.setdefault(kit, []).append(~index)  # below zero, unlike any ticket's
    alike: dict[tuple[tuple[int, ...], ...], list[str]] = {}
    for kit in sorted(users):
        owned = tuple(station.kits.get(kit, 0) for station in case.stations)
        alike.setdefault((tuple(users[kit]), owned), []).append(kit)
    return tuple(sorted(tuple(bundle) for bundle in alike.values()))


def _stock(case: Case, kit_names: Sequence[str]) -> Ints:
    owned = [[station.kits.get(kit, 0) for kit in kit_names] for station in case.stations]
    return np.array(owned, np.int64).reshape(len(case.stations), len(kit_names))


_SECOND = timedelta(seconds=1)
_END_OF_CALENDAR = datetime.max.replace(tzinfo=UTC) - timedelta(days=2)


def _floor_s(moment: datetime, epoch: datetime) -> int:
    return (moment - epoch) // _SECOND


def _ceil_s(moment: datetime, epoch: datetime) -> int:
    return -((epoch - moment) // _SECOND)


def _length_s(minutes: float) -> int:
    """A duration in seconds, rounded up: work is never cut short. More than a calendar holds counts as `UNREACHABLE`."""
    return min(math.ceil(min(60 * minutes, float(UNREACHABLE))), UNREACHABLE)


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, np.int64)


def _compressed(rows: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    """Row pointers (n_rows + 1,) and the rows one after the other."""
    return np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64), _ints(item for row in rows for item in row)


def latest_return(shift: Shift, epoch: datetime) -> int:
    """Shift end plus overtime, rounded down, and never past what a calendar can hold."""
    overtime = min(60 * shift.overtime_minutes, float(UNREACHABLE))
    exact = (shift.end - epoch) / _SECOND + overtime
    return min(math.floor(exact), (_END_OF_CALENDAR - epoch) // _SECOND)


def _leaves_from_outside(who: Technician, shift: int, now: datetime) -> bool:
    return who.start is not None and shift == current_shift(who, now)


def _open_shifts(who: Technician, now: datetime, epoch: datetime) -> list[int]:
    """Shifts in which the technician could still return after `now`, in the order of their starts.

    The overtime of a shift that is over is left out for someone already out: they belong to a later shift and are not home.
    """
    kept = [k for k, shift in enumerate(who.shifts) if latest_return(shift, epoch) > 0]
    if who.start is not None:
        kept = [k for k in kept if who.shifts[k].end > now]
    return sorted(kept, key=lambda k: (who.shifts[k].start, k))


def _windows(ticket: Ticket, epoch: datetime) -> list[tuple[int, int]]:
    """When work may start: windows clipped to the earliest start, sorted, touching ones merged."""
    return merged(rounded_windows(ticket, epoch)) if ticket.windows else [(_earliest(ticket, epoch), UNREACHABLE)]


def rounded_windows(ticket: Ticket, epoch: datetime) -> list[tuple[int, int]]:
    """Each window clipped to the earliest start, rounded inwards: inside for sure. It ends before it starts where nothing is left."""
    earliest = _earliest(ticket, epoch)
    return [(max(_ceil_s(w.start, epoch), earliest), _floor_s(w.end, epoch)) for w in ticket.windows]


def merged(spells: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spells of whole seconds, both ends included: sorted, those that overlap or touch as one, empty ones left out."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spells):
        if end < start:
            continue
        if found and start <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _earliest(ticket: Ticket, epoch: datetime) -> int:
    """First second in which work may start, rounded up, never before 0."""
    return max(0, *(_ceil_s(m, epoch) for m in (ticket.opened_at, ticket.not_before) if m is not None))


def _ticket_facts(
    case: Case, epoch: datetime, first_location: int, kits: Mapping[str, int], skills: Mapping[str, int]
) -> dict[str, object]:
    tickets = case.tickets
    technician = {t.id: i for i, t in enumerate(case.technicians)}
    windows = [_windows(t, epoch) for t in tickets]
    told = [case.commitment_by_ticket.get(t.id) for t in tickets]
    window_ptr, _ = _compressed([[0] * len(w) for w in windows])
    need_ptr, need_skill = _compressed([[skills[s] for s in t.skills] for t in tickets])
    need_kit_ptr, need_kit = _compressed([sorted({kits[k] for k in t.kits}) for t in tickets])
    promised_ptr, promised = _compressed([sorted({technician[w] for w in c.technicians}) if c else [] for c in told])

    def money(value: Callable[[Ticket], float]) -> Floats:
        return np.array([value(t) for t in tickets], float)

    return {
        "ticket_location": np.arange(first_location, first_location + len(tickets), dtype=np.int64),
        # Down: a whole second is after the exact moment exactly when it is after the moment rounded down.
        "ticket_due": _ints(_floor_s(t.due, epoch) for t in tickets),
        "ticket_service_s": _ints(_length_s(t.service_minutes) for t in tickets),
        "ticket_miss_cost": money(lambda t: t.miss_cost),
        "ticket_late_cost_per_hour": money(lambda t: t.late_cost_per_hour),
        "ticket_skip_cost": money(lambda t: t.skip_cost),
        "ticket_load": money(lambda t: t.load),
        "ticket_crew": _ints(t.crew for t in tickets),
        "ticket_committed": np.array([c is not None for c in told], bool),
        "ticket_locked": np.array([c is not None and c.locked for c in told], bool),
        "window_ptr": window_ptr,
        "window_start": _ints(start for row in windows for start, _ in row),
        "window_end": _ints(end for row in windows for _, end in row),
        "need_ptr": need_ptr,
        "need_skill": need_skill,
        "need_level": _ints(level for t in tickets for level in t.skills.values()),
        "need_kit_ptr": need_kit_ptr,
        "need_kit": need_kit,
        "promised_ptr": promised_ptr,
        "promised": promised,
    }


def _crew_facts(case: Case, skill_names: Sequence[str]) -> dict[str, object]:
    people, n = case.technicians, len(case.technicians)
    level = np.array([[who.skills.get(s, 0) for s in skill_names] for who in people], np.int64).reshape(n, len(skill_names))
    column = {name: i for i, name in enumerate(skill_names)}
    index = {who.id: i for i, who in enumerate(people)}
    capacity = np.array([math.inf if who.capacity is None else who.capacity for who in people])
    allowed = np.ones((len(case.tickets), n), bool)
    capable = np.ones((len(case.tickets), n), bool)
    for row, ticket in enumerate(case.tickets):
        told = case.commitment_by_ticket.get(ticket.id)
        groups = [ticket.only] if ticket.only else []
        groups += [told.technicians] if told is not None and told.locked else []
        for group in groups:
            inside = np.zeros(n, bool)
            inside[[index[w] for w in group]] = True
            allowed[row] &= inside
        allowed[row, [index[w] for w in ticket.banned]] = False
        allowed[row] &= capacity >= ticket.load
        for skill, least in ticket.skills.items():
            capable[row] &= level[:, column[skill]] >= least
    return {"skill_level": level, "allowed": allowed, "capable": capable}


def _duty_facts(
    case: Case, epoch: datetime, duties: Sequence[tuple[int, int, int]], outs: Sequence[int], legs: Legs, kits: Mapping[str, int]
) -> dict[str, object]:
    station = {s.id: i for i, s in enumerate(case.stations)}
    people = [case.technicians[t] for t, _, _ in duties]
    shifts = [case.technicians[t].shifts[k] for t, k, _ in duties]
    out = [trip == 0 and _leaves_from_outside(who, k, case.now) for who, (_, k, trip) in zip(people, duties, strict=True)]
    place_of_out = {t: len(case.stations) + i for i, t in enumerate(outs)}
    home = [station[who.station] for who in people]
    origin = [place_of_out[t] if away else home[d] for d, ((t, _, _), away) in enumerate(zip(duties, out, strict=True))]
    earliest = [max(0, _ceil_s(s.start, epoch)) for s in shifts]
    idle_until = [0] * len(duties)
    for d, who in enumerate(people):
        if out[d] and who.start is not None:
            free = _ceil_s(who.start.at, epoch)
            earliest[d] = max(earliest[d], free)
            idle_until[d] = max(0, free + legs.seconds_of(origin[d], home[d]))
    breaks, free_of_more = zip(*(_breaks(s, epoch) for s in shifts), strict=True) if shifts else ((), ())
    latest = [min(latest_return(s, epoch), until) for s, until in zip(shifts, free_of_more, strict=True)]
    before = [-1] * len(duties)
    busy_until = 0  # by the earlier trips of the same shift
    for d in range(1, len(duties)):
        busy_until = max(latest[d - 1], idle_until[d - 1], busy_until if duties[d - 1][2] else 0)
        if duties[d][0] == duties[d - 1][0] and (duties[d][2] > 0 or busy_until > earliest[d]):
            before[d] = d - 1
    break_ptr, _ = _compressed([[0] * len(b) for b in breaks])
    flat = [b for row in breaks for b in row]
    bags = [who.start.kits if away and who.start is not None else () for who, away in zip(people, out, strict=True)]
    held_ptr, held = _compressed([sorted({kits[k] for k in bag}) for bag in bags])
    return {
        "duty_technician": _ints(t for t, _, _ in duties),
        "duty_shift": _ints(k for _, k, _ in duties),
        "duty_trip": _ints(trip for _, _, trip in duties),
        "duty_station": _ints(home),
        "duty_origin": _ints(origin),
        "duty_home": _ints(home),
        "duty_earliest": _ints(earliest),
        "duty_end": _ints(_floor_s(s.end, epoch) for s in shifts),  # down: overtime is never counted too low
        "duty_latest": _ints(latest),
        "duty_before": _ints(before),
        "duty_idle_until": _ints(idle_until),
        "duty_capacity": np.array([math.inf if who.capacity is None else who.capacity for who in people], float),
        "duty_out": np.array(out, bool),
        "held_kit_ptr": held_ptr,
        "held_kit": held,
        "break_ptr": break_ptr,
        "break_earliest": _ints(_ceil_s(b.earliest, epoch) for b in flat),  # up: not before it may begin
        "break_latest": _ints(_floor_s(b.latest, epoch) for b in flat),  # down: not after it must begin
        "break_length": _ints(_length_s(b.minutes) for b in flat),
        "break_span_end": _ints(_span_end(b, epoch) for b in flat),
    }


def _breaks(shift: Shift, epoch: datetime) -> tuple[list[Break], int]:
    """The breaks to plan around, by when they may begin, and until when no other is needed: work that is over by then spans none."""
    if not shift.breaks:
        return [], UNREACHABLE
    by_end = sorted(shift.breaks, key=lambda b: (_span_end(b, epoch), b.earliest))
    until = _span_end(by_end[MOST_BREAKS], epoch) if len(by_end) > MOST_BREAKS else UNREACHABLE
    return sorted(by_end[:MOST_BREAKS], key=lambda b: b.earliest), until


def _span_end(pause: Break, epoch: datetime) -> int:
    """Work that lasts until after this spans the break; rounded down: rather rest than not."""
    return _floor_s(pause.latest, epoch) + math.floor(60 * pause.minutes)


def _lent_facts(case: Case, epoch: datetime, duties: Sequence[tuple[int, int, int]], kits: Mapping[str, int]) -> dict[str, object]:
    """Kits of people who are out although none of their shifts is open: they drive home when free."""
    station = {s.id: i for i, s in enumerate(case.stations)}
    on_duty = {t for t, k, _ in duties if _leaves_from_outside(case.technicians[t], k, case.now)}
    rows: list[tuple[int, int, int]] = []
    for t, who in enumerate(case.technicians):
        if who.start is None or t in on_duty:
            continue
        base = case.stations[station[who.station]]
        way = legs_of(case.travel, case.rates, [(who.start.lat, who.start.lon, who.start.place), (base.lat, base.lon, base.place)])
        drive = way.seconds_of(0, 1)
        until = max(0, _ceil_s(who.start.at, epoch) + drive)
        rows += [(station[who.station], kit, until) for kit in sorted({kits[k] for k in who.start.kits})]
    return {
        "lent_station": _ints(row[0] for row in rows),
        "lent_kit": _ints(row[1] for row in rows),
        "lent_until": _ints(row[2] for row in rows),
    }


def to_plan(
    problem: Problem, schedule: Schedule, *, reasons: Mapping[str, tuple[str, ...]] | None = None, solver: SolverFacts | None = None
) -> Plan:
    """A schedule as a plan in the case's own words and offset.

    Parameters
    ----------
    reasons
        Why tickets are not planned, by ticket id; a ticket that is missing gets none.
    solver
        What the solver knows about its work.
    """
    solution = schedule.solution
    routes = [_to_route(problem, solution, duty, timed) for duty, timed in enumerate(schedule.timed) if timed is not None]
    planned = {ticket for route in solution.routes for ticket in route}
    left = [name for ticket, name in enumerate(problem.ticket_ids) if ticket not in planned]
    unassigned = tuple(Unassigned(name, (reasons or {}).get(name, ())) for name in left)
    return Plan(problem.case.name, tuple(routes), unassigned, solver)


def _to_route(problem: Problem, solution: Solution, duty: int, timed: TimedRoute) -> Route:
    tables, moment = problem.tables, problem.moment
    held = tables.held[duty]
    return Route(
        technician=problem.technician_ids[tables.technician[duty]],
        shift=int(problem.duty_shift[duty]),
        depart=moment(timed.depart),
        stops=tuple(
            Stop(problem.ticket_ids[t], moment(arrive), moment(start), moment(start + tables.service[t]))
            for t, arrive, start in zip(solution.routes[duty], timed.arrives, timed.starts, strict=True)
        ),
        returns=moment(timed.returns),
        kits=tuple(sorted(name for k in (solution.kits[duty] if held is None else held) for name in problem.kit_bundles[k])),
        breaks=tuple(BreakTaken(moment(start), moment(finish)) for start, finish in timed.breaks),
    )


def from_plan(problem: Problem, plan: Plan) -> Solution:
    """The decisions that a plan holds, without its times; a route that waits at its station for a kit keeps waiting.

    Raises
    ------
    BadInput
        The plan names a technician, shift, ticket or kit that the problem has not got, or holds more trips in a shift than the
        problem has duties for (see `build_problem`).
    """
    ticket = {name: i for i, name in enumerate(problem.ticket_ids)}
    technicians = [problem.technician_ids[t] for t in problem.duty_technician.tolist()]
    keys = zip(technicians, problem.duty_shift.tolist(), problem.duty_trip.tolist(), strict=True)
    duty_of = {key: d for d, key in enumerate(keys)}
    routes: list[tuple[int, ...]] = [()] * problem.n_duties
    carried: list[frozenset[str]] = [frozenset()] * problem.n_duties
    departs = [0] * problem.n_duties
    trips: Counter[tuple[str, int]] = Counter()
    for route in sorted(plan.routes, key=lambda route: (route.depart, route.returns)):
        duty = duty_of.get((route.technician, route.shift, trips[route.technician, route.shift]))
        trips[route.technician, route.shift] += 1
        unknown = [stop.ticket for stop in route.stops if stop.ticket not in ticket]
        if duty is None or unknown:
            what = "is over, unknown or already used" if duty is None else f"visits unknown tickets {unknown}"
            raise BadInput(f"Route of technician {route.technician} in shift {route.shift} {what}: it cannot be followed")
        routes[duty] = tuple(ticket[stop.ticket] for stop in route.stops)
        if problem.tables.held[duty] is None:
            carried[duty] = frozenset(route.kits)
            departs[duty] = max(0, problem.second(route.depart))
    kits = _bundled(problem, routes, carried)
    wait = tuple(depart if bundles else 0 for depart, bundles in zip(departs, kits, strict=True))
    return Solution(tuple(routes), kits, wait)


def _bundled(problem: Problem, routes: Sequence[Sequence[int]], carried: Sequence[frozenset[str]]) -> tuple[frozenset[int], ...]:
    """The kits of each duty that carries whole bundles; of a crew that shares a bundle out, the first to carry a part takes it whole."""
    tables, n_kits = problem.tables, len(problem.kit_bundles)
    kits = [frozenset(k for k in range(n_kits) if names and names.issuperset(problem.kit_bundles[k])) for names in carried]
    crews: dict[int, list[int]] = {}
    for duty, route in enumerate(routes):
        for ticket in route:
            if tables.crew[ticket] > 1 and tables.kits[ticket]:
                crews.setdefault(ticket, []).append(duty)
    for ticket, duties in crews.items():
        for kit in sorted(tables.kits[ticket]):
            if not any(kit in kits[d] or kit in (tables.held[d] or ()) for d in duties):
                bearer = next((d for d in duties if carried[d].intersection(problem.kit_bundles[kit])), None)
                if bearer is not None:
                    kits[bearer] |= {kit}
    return tuple(kits)
