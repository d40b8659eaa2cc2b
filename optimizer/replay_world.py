"""What happens on a replayed day: where everybody is, what has begun, and what they do of what they were told.

A visit has begun when the first of its crew sets out for it; from then on it stands. Everybody sets out as late as costs nothing,
and who has nothing to do stays where the last visit was until the way home is due, so that both can still be sent elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from data_models.case import Break, Case, Shift, Technician, current_shift
from data_models.plan import BreakTaken, Plan, Route, Stop, Unassigned
from optimizer.legs import UNREACHABLE, legs_of
from optimizer.trips import Located

NEVER = UNREACHABLE

_TRY_AGAIN_S = 300
_MOST_TRIES = 5
"""A visit that cannot begin as told, because drives or work took longer, is decided again after `_TRY_AGAIN_S`, so many times."""

Spell = tuple[int, int]


_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Order:
    """One visit that somebody was told to make and has not set out for.

    Attributes
    ----------
    ticket, begin
        Index of the ticket; when to set out, or to rest first.
    rests
        Breaks between the previous visit and this one.
    opens
        Shift and kits of the trip that this visit is the first of; None: the trip under way goes on.
    rests_before
        Breaks on the way home of the trip before, where this visit opens a new one.
    """

    ticket: int
    begin: int
    rests: tuple[Spell, ...] = ()
    opens: tuple[int, tuple[str, ...]] | None = None
    rests_before: tuple[Spell, ...] = ()


@dataclass
class Trip:
    """One trip as it happened so far; `depart` is None until somebody who was out already sets out."""

    shift: int
    kits: tuple[str, ...]
    depart: int | None = None
    stops: list[tuple[int, int, int, int]] = field(default_factory=list)  # ticket, arrive, start, finish
    breaks: list[Spell] = field(default_factory=list)
    returns: int = NEVER


@dataclass
class Person:
    """Where somebody is or will be free, and what they did.

    `told` is (begin, expected begin, planned length) of the work under way: what others can know of its end.
    `rest` is a break that is due in the spell that begins when they are free.
    """

    who: Technician
    at: int
    free: int = 0
    away: bool = False
    shift: int = -1
    trip: Trip | None = None
    load: float = 0.0
    told: tuple[int, int, int] | None = None
    rest: Spell | None = None
    trips: list[Trip] = field(default_factory=list)
    began: dict[int, int] = field(default_factory=dict)
    rested: dict[int, set[int]] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)

    def expected_free(self, now: int) -> int:
        """When they will be free, as far as that can be known now."""
        if self.told is None or now >= self.free:
            return max(now, self.free)
        begin, expected, length = self.told
        return max(now + 1, (begin if now >= begin else max(now, expected)) + length)


class World:
    """The day under way. Times are whole seconds since `epoch`; places are stations, then starts of people, then tickets.

    Parameters
    ----------
    case
        What is known of the day, ticket by ticket as they appear.
    true
        The same day with the drives and the work that it really takes; may be `case` itself.
    """

    def __init__(self, case: Case, true: Case) -> None:
        self.case, self.true, self.drawn = case, true, true is not case
        self.epoch = case.now if case.now.microsecond == 0 else case.now.replace(microsecond=0) + timedelta(seconds=1)
        self.tickets = case.tickets
        self.opened = [self.second(t.opened_at) for t in case.tickets]
        self.station = {s.id: i for i, s in enumerate(case.stations)}
        self.first_ticket = len(case.stations) + sum(who.start is not None for who in case.technicians)
        self.places = _places(case)
        self.planned_s = legs_of(case.travel, case.rates, self.places).between()[0]
        self.true_s = legs_of(true.travel, true.rates, _places(true)).between()[0] if self.drawn else self.planned_s
        self.service = [_length_s(t.service_minutes) for t in case.tickets]
        self.true_service = [_length_s(t.service_minutes) for t in true.tickets]
        self.windows = [[(self.second(w.start), self.second_down(w.end)) for w in t.windows] for t in case.tickets]
        self.begun: set[int] = set()
        self.tries: dict[int, int] = {}
        self.wakes: list[int] = []
        self.people: list[Person] = []
        out = len(case.stations)
        for who in case.technicians:
            person = Person(who, self.station[who.station])
            if who.start is not None:
                person.at, person.free, out = out, max(0, self.second(who.start.at)), out + 1
                shift = current_shift(who, case.now)
                person.away, person.trip = True, Trip(-1 if shift is None else shift, who.start.kits)
                person.shift = person.trip.shift
                if shift is not None:
                    person.free = max(person.free, self.second(who.shifts[shift].start))
                else:
                    self._go_home(person, person.free)
            self.people.append(person)

    def second(self, moment: datetime) -> int:
        """Seconds since `epoch`, rounded up: nothing happens too soon."""
        return -((self.epoch - moment) // _SECOND)

    def second_down(self, moment: datetime) -> int:
        """Seconds since `epoch`, rounded down: nothing happens too late."""
        return (moment - self.epoch) // _SECOND

    def moment(self, second: int) -> datetime:
        """The moment so many seconds after `epoch`."""
        return self.epoch + timedelta(seconds=second)

    def latest(self, shift: Shift) -> int:
        """The last permitted return of a shift."""
        return math.floor((shift.end - self.epoch) / timedelta(seconds=1) + 60 * min(shift.overtime_minutes, 1e9))

    def known(self, now: int) -> list[int]:
        """Tickets that were opened and for which nobody has set out."""
        return [t for t, opened in enumerate(self.opened) if opened <= now and t not in self.begun]

    def pending_breaks(self, person: Person) -> list[tuple[int, Break]]:
        """Breaks of the shift under way that its work spans unless it is over in time, and that are not taken yet."""
        began = person.began.get(person.shift)
        if began is None:
            return []
        rested = person.rested.get(person.shift, set())
        breaks = enumerate(person.who.shifts[person.shift].breaks)
        return sorted(((n, b) for n, b in breaks if n not in rested and began < self.second(b.earliest)), key=lambda item: item[1].earliest)

    def until(self, person: Person, free: int) -> tuple[int, int]:
        """End and latest return of the shift under way for somebody free at `free`; sooner where a break was missed."""
        shift = person.who.shifts[person.shift]
        end, latest = self.second_down(shift.end), self.latest(shift)
        for _, pause in self.pending_breaks(person):
            if not self.can_rest(person, pause, free) and self.rest_on_the_way(person, pause, free) is None:
                latest = min(latest, self.second_down(pause.latest) + math.floor(60 * pause.minutes))
        return min(end, latest), latest

    def can_rest(self, person: Person, pause: Break, free: int) -> bool:
        """Whether a break still fits in for somebody free at `free`, before the way home."""
        begin = max(free, self.second(pause.earliest))
        over = begin + _length_s(pause.minutes) + self._way_home(person)
        return begin <= self.second_down(pause.latest) and over <= self.latest(person.who.shifts[person.shift])

    def rest_on_the_way(self, person: Person, pause: Break, free: int) -> Spell | None:
        """The break on the way home of somebody who leaves at `free`; None where it is not due or not possible."""
        drive, length = self._way_home(person), _length_s(pause.minutes)
        begin, latest = max(free, self.second(pause.earliest)), self.second_down(pause.latest)
        if not person.away or begin > latest or free + drive <= latest + math.floor(60 * pause.minutes):
            return None
        over = max(begin, free + drive) + length
        return (begin, begin + length) if over <= self.latest(person.who.shifts[person.shift]) else None

    def advance(self, now: int, until: int) -> None:
        """Everything that is begun from `now` until just before `until`, by the orders that people have."""
        while True:
            action = min(self._actions(now), default=None)
            if action is None or action[0] >= until:
                return
            moment, index, what = action
            person = self.people[index]
            now = max(now, moment)
            if what == "rest":
                self._rest(person, moment)
            elif what == "home":
                self._go_home(person, moment)
            elif not self._set_out(person.orders[0].ticket, moment):
                self.wakes.append(now + _TRY_AGAIN_S)

    def next_wake(self, now: int) -> int:
        """The next moment after `now` at which something is to be decided beside new tickets; NEVER when there is none."""
        moments = [wake for wake in self.wakes if wake > now]
        for person in self.people:
            moments += [at for _, pause in self.pending_breaks(person) if (at := self.second(pause.earliest)) > now]
            if self.drawn and person.free > now:
                moments.append(person.free)
        return min(moments, default=NEVER)

    def _actions(self, now: int) -> Iterator[tuple[int, int, str]]:
        for index, person in enumerate(self.people):
            if person.shift < 0 and not person.orders:
                continue
            if person.rest is not None:
                yield max(person.rest[0], person.free), index, "rest"
                continue
            if not person.orders:
                pause = self._break_before_home(person)
                if pause is not None:
                    yield pause, index, "rest"
                    continue
            if person.away and (not person.orders or person.orders[0].opens is not None):
                yield max(now, self._time_to_go(person, now)), index, "home"
            elif person.orders:
                yield max(now, person.free, person.orders[0].begin), index, "visit"

    def _break_before_home(self, person: Person) -> int | None:
        """When somebody with nothing more to do takes a break that is due."""
        for _, pause in self.pending_breaks(person):
            if self.can_rest(person, pause, person.free):
                begin = max(person.free, self.second(pause.earliest))
                if not person.away or self._time_to_go(person, person.free) >= begin:
                    return begin
                back = max(person.free, self._time_to_go(person, person.free)) + int(self.true_s[person.at, self._home(person)])
                if back > self.second_down(pause.latest) + math.floor(60 * pause.minutes):
                    return begin
        return None

    def _time_to_go(self, person: Person, now: int) -> int:
        """When somebody away with no more visits on this trip leaves for home: as late as delays nothing."""
        drive = self._way_home(person)
        back, _ = self.until(person, person.free)
        pending = self.pending_breaks(person)
        if any(not self.can_rest(person, b, person.free) and self.rest_on_the_way(person, b, person.free) for _, b in pending):
            return person.free
        if person.orders:
            order = person.orders[0]
            if order.rests_before:
                return person.free
            back = min(back, order.begin)
        if person.trip is not None:
            for kit in person.trip.kits:
                back = min(back, self._wanted_at(person.who.station, kit, now))
        return max(person.free, back - drive)

    def _wanted_at(self, station: str, kit: str, now: int) -> int:
        """When a station's people are told to take a kit that is not there now; NEVER when there is enough."""
        spare = self.case.station_by_id[station].kits.get(kit, 0) - self._out(station, kit, now)
        takes = sorted(
            order.begin for p in self.people if p.who.station == station for order in p.orders if order.opens and kit in order.opens[1]
        )
        return takes[max(0, spare)] if len(takes) > max(0, spare) else NEVER

    def _out(self, station: str, kit: str, moment: int) -> int:
        """How many of a kit are not at the station at a moment, as far as returns are known."""
        trips = (trip for p in self.people if p.who.station == station for trip in (*p.trips, *((p.trip,) if p.trip else ())))
        return sum(kit in trip.kits and trip.returns > moment for trip in trips)

    def _home(self, person: Person) -> int:
        return self.station[person.who.station]

    def _rest(self, person: Person, moment: int) -> None:
        """Takes the break that is due, from `moment` on."""
        if person.rest is not None:
            length, person.rest = person.rest[1] - person.rest[0], None
        else:
            pending = [b for _, b in self.pending_breaks(person) if self.can_rest(person, b, person.free)]
            length = _length_s(pending[0].minutes)
        self._took_break(person, (moment, moment + length))
        person.free, person.told = moment + length, None

    def _took_break(self, person: Person, spell: Spell) -> None:
        trip = person.trip if person.trip is not None else person.trips[-1]
        trip.breaks.append(spell)
        for number, pause in self.pending_breaks(person):
            fits = self.second(pause.earliest) <= spell[0] <= self.second_down(pause.latest)
            if fits and spell[1] - spell[0] >= _length_s(pause.minutes):
                person.rested.setdefault(person.shift, set()).add(number)
                return

    def _go_home(self, person: Person, moment: int, rests: Sequence[Spell] = ()) -> None:
        """Leaves for home at `moment`, which ends the trip."""
        leave = max(person.free, moment)
        if not rests and person.shift >= 0:
            rests = [r for _, b in self.pending_breaks(person)[:1] if (r := self.rest_on_the_way(person, b, leave)) is not None]
        for spell in rests:
            self._took_break(person, (max(spell[0], leave), max(spell[0], leave) + spell[1] - spell[0]))
        home = self._home(person)
        taken = person.trip.breaks[-len(rests) :] if rests and person.trip else []
        returns = leave + int(self.true_s[person.at, home]) + sum(b - a for a, b in taken)
        returns = max(returns, taken[-1][1] if taken else 0)
        if person.trip is not None:
            person.trip.returns = returns
            person.trip.depart = leave if person.trip.depart is None else person.trip.depart
            person.trips.append(person.trip)
        person.trip, person.away, person.at, person.free, person.told, person.load = None, False, home, returns, None, 0.0

    def _members(self, ticket: int) -> list[Person]:
        return [p for p in self.people if any(order.ticket == ticket for order in p.orders)]

    def _set_out(self, ticket: int, moment: int) -> bool:
        """Begins a visit with everything that its crew does before; False when it cannot be, and is to be decided again."""
        members = self._members(ticket)
        for person in members:
            while person.orders and person.orders[0].ticket != ticket:
                if not self._set_out(person.orders[0].ticket, moment) and person.orders and person.orders[0].ticket != ticket:
                    return False
        if any(not p.orders or p.orders[0].ticket != ticket for p in members) or len(members) != self.tickets[ticket].crew:
            return self._put_off(ticket)
        for person in members:
            if person.away and person.orders[0].opens is not None:
                order = person.orders[0]
                self._go_home(person, min(self._time_to_go(person, moment), max(person.free, order.begin)), order.rests_before)
        legs = [self._leg(person) for person in members]
        start = self._first_start(ticket, max(ready for _, _, ready, _ in legs))
        finish = start + self.true_service[ticket]
        if start >= NEVER or not all(self._can_end(p, leg, finish, ticket) for p, leg in zip(members, legs, strict=True)):
            return self._put_off(ticket)
        expected = max(leg[3] for leg in legs)
        for person, (depart, arrive, _, _) in zip(members, legs, strict=True):
            self._visit(person, depart, arrive, start, finish)
            person.told = (start, self._first_start(ticket, expected), self.service[ticket])
        self.begun.add(ticket)
        return True

    def _leg(self, person: Person) -> tuple[int, int, int, int]:
        """When somebody departs for their first order, arrives, could begin work, and is expected to be able to."""
        order = person.orders[0]
        there = self.first_ticket + order.ticket
        depart = max(person.free, order.begin, self.opened[order.ticket])
        if order.opens is not None:
            depart = max([depart, *(self._fetched(person, kit, depart) for kit in order.opens[1])])
        drive, rests = int(self.true_s[person.at, there]), sum(b - a for a, b in order.rests)
        planned = depart + int(self.planned_s[person.at, there]) + rests
        begin, ready = depart, depart + drive + rests
        if order.rests:
            begin = max(order.rests[0][0], depart)
            ready = max(ready, order.rests[-1][1])
        arrive = depart + drive if order.rests and begin >= depart + drive else ready
        return depart, arrive, ready, max(planned, order.rests[-1][1] if order.rests else 0)

    def _fetched(self, person: Person, kit: str, depart: int) -> int:
        """When a kit is at the station for a departure at `depart`: whoever has it is sent home in time."""
        station = person.who.station
        owned = self.case.station_by_id[station].kits.get(kit, 0)
        while self._out(station, kit, depart) >= owned:
            holders = [p for p in self.people if p is not person and p.who.station == station and p.trip and kit in p.trip.kits and p.away]
            ends = [(self._trip_over(p), i, p) for i, p in enumerate(holders)]
            soon = min(ends, default=None, key=lambda e: e[:2])
            if soon is None or soon[0] > depart:
                back = [t.returns for p in self.people if p.who.station == station for t in p.trips if kit in t.kits and t.returns > depart]
                options = sorted([*back, *([soon[0]] if soon else [])])
                if not options:
                    return NEVER
                if soon is None or options[0] < soon[0]:
                    depart = options[0]
                    continue
                depart = soon[0]
            holder = soon[2]
            while holder.orders and holder.orders[0].opens is None:
                if not self._set_out(holder.orders[0].ticket, holder.free) and holder.orders and holder.orders[0].opens is None:
                    return NEVER
            self._go_home(holder, min(self._time_to_go(holder, holder.free), max(holder.free, depart - self._way_home(holder))))
        return depart

    def _way_home(self, person: Person) -> int:
        return int(self.true_s[person.at, self._home(person)])

    def _trip_over(self, person: Person) -> int:
        """When somebody away can be home at the earliest after what is left of the trip, about."""
        at, clock = person.at, person.free
        for order in person.orders:
            if order.opens is not None:
                break
            there = self.first_ticket + order.ticket
            clock = self._first_start(order.ticket, max(clock, order.begin) + int(self.planned_s[at, there])) + self.service[order.ticket]
            at = there
        return clock + int(self.planned_s[at, self._home(person)])

    def _first_start(self, ticket: int, ready: int) -> int:
        facts = self.tickets[ticket]
        ready = max(ready, self.opened[ticket], 0 if facts.not_before is None else self.second(facts.not_before))
        if not facts.windows:
            return ready
        return min((max(ready, a) for a, b in self.windows[ticket] if max(ready, a) <= b), default=NEVER)

    def _can_end(self, person: Person, leg: tuple[int, int, int, int], finish: int, ticket: int) -> bool:
        """Whether somebody gets home by the rules after a visit that really ends at `finish`."""
        order = person.orders[0]
        shift = person.who.shifts[person.shift if order.opens is None else order.opens[0]]
        drive = int(self.true_s[self.first_ticket + ticket, self._home(person)])
        latest = self.latest(shift)
        began = person.began.get(person.shift if order.opens is None else order.opens[0], leg[0])
        for pause in shift.breaks:
            begins, ends, length = self.second(pause.earliest), self.second_down(pause.latest), _length_s(pause.minutes)
            taken = any(begins <= a <= ends for a, _ in order.rests) or any(
                begins <= a <= ends for t in (*person.trips, *((person.trip,) if person.trip else ())) for a, _ in t.breaks
            )
            rested = max(begins, finish + drive) + length if max(begins, finish) <= ends else NEVER
            if began < begins and not taken and rested > latest:
                latest = min(latest, ends + length)
        return finish + drive <= latest and leg[0] < NEVER

    def _visit(self, person: Person, depart: int, arrive: int, start: int, finish: int) -> None:
        order = person.orders.pop(0)
        if order.opens is not None:
            person.trip, person.shift, person.away = Trip(*order.opens), order.opens[0], True
        trip = person.trip
        if trip is None:
            raise RuntimeError(f"{person.who.id} is sent to {self.tickets[order.ticket].id} on a trip that is over")
        if trip.depart is None:
            trip.depart = depart
            person.began.setdefault(trip.shift, depart)
        for spell in order.rests:
            begin = max(spell[0], depart)
            self._took_break(person, (begin, begin + spell[1] - spell[0]))
        # Who needs no break on the way sets out so late that work begins upon arrival.
        trip.stops.append((order.ticket, arrive, start, finish))
        person.at, person.free, person.rest = self.first_ticket + order.ticket, finish, None
        person.load += self.tickets[order.ticket].load

    def _put_off(self, ticket: int) -> bool:
        """Takes a visit out of all orders; False. It is decided again unless that was done often."""
        for person in self._members(ticket):
            orders = person.orders
            at = next(i for i, order in enumerate(orders) if order.ticket == ticket)
            dropped = orders.pop(at)
            if dropped.opens is not None and at < len(orders) and orders[at].opens is None:
                following = orders[at]
                orders[at] = Order(following.ticket, following.begin, following.rests, dropped.opens, dropped.rests_before)
        self.tries[ticket] = self.tries.get(ticket, 0) + 1
        if self.tries[ticket] >= _MOST_TRIES:
            self.begun.add(ticket)  # given up
        return False

    def plan(self) -> Plan:
        """What really happened."""
        routes = [self._route(p, trip) for p in self.people for n, trip in enumerate(p.trips) if _counts(p.trips, n)]
        served = {stop.ticket for route in routes for stop in route.stops}
        left = tuple(Unassigned(t.id) for t in self.tickets if t.id not in served)
        return Plan(self.case.name, tuple(routes), left)

    def _route(self, person: Person, trip: Trip) -> Route:
        moment = self.moment
        return Route(
            person.who.id,
            trip.shift,
            moment(trip.depart or 0),
            tuple(Stop(self.tickets[t].id, moment(arrive), moment(start), moment(finish)) for t, arrive, start, finish in trip.stops),
            moment(trip.returns),
            tuple(sorted(set(trip.kits))),
            tuple(BreakTaken(moment(a), moment(b)) for a, b in sorted(trip.breaks)),
        )


def _places(case: Case) -> list[tuple[float, float, int | None]]:
    """Where stations, people who are out, and tickets are."""
    starts = [who.start for who in case.technicians if who.start is not None]
    located: list[Located] = [*case.stations, *starts, *case.tickets]
    return [(x.lat, x.lon, x.place) for x in located]


def _counts(trips: Sequence[Trip], number: int) -> bool:
    """Whether a trip is told: it has visits, or is the way home of somebody out who went again from there."""
    trip = trips[number]
    return trip.shift >= 0 and (bool(trip.stops) or any(t.shift == trip.shift and t.stops for t in trips[number + 1 :]))


def _length_s(minutes: float) -> int:
    """A duration in seconds, rounded up: work is never cut short."""
    return min(math.ceil(min(60 * minutes, float(UNREACHABLE))), UNREACHABLE)
