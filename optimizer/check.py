"""Does a plan keep every rule? An independent judge, which shares nothing with the solvers whose plans it judges.

One function a rule, in the order of the rules in the file formats. Times may be rounded to whole seconds by whoever wrote
the plan, so every rule about time forgives `SLACK_S`; rules about people, kits and loads forgive nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from data_models.case import Case, Ticket, current_shift
from data_models.plan import Plan
from optimizer.trips import Duty, Trip, Visit, drive, duties, strays

Rule = Literal[
    "unknown", "forgotten", "crew", "depart", "shift", "break", "travel", "start", "window", "service",
    "skill", "technician", "kit", "capacity", "locked", "foresight",
]  # fmt: skip

SLACK_S = 1.0
"""Seconds that a rule about time forgives: one second over is still kept, two are not."""


@dataclass(frozen=True)
class Violation:
    """A broken rule: `what` tells a coordinator, `size` is by how much in seconds, people, kits or units of load.

    `ticket` and `technician` are whom it is about, None where it is about none, or several.
    """

    rule: Rule
    what: str
    size: float = 1.0
    ticket: str | None = None
    technician: str | None = None


def check(case: Case, plan: Plan, *, replay: bool = False) -> tuple[Violation, ...]:
    """Every rule that a plan breaks; empty for a plan that may be published.

    Parameters
    ----------
    case, plan
        A validated case, and any plan that could be parsed: what it names need not exist.
    replay
        Also forbid setting out towards a ticket before it was opened (rule 7).
    """
    work, say = duties(case, plan), _Clock(case.now)
    teams = _teams(work)
    return (
        *_unknown(case, plan, work),
        *_forgotten(case, plan, teams),
        *_crews(case, teams, say),
        *(violation for duty in work for violation in _duty_rules(case, duty, say, replay=replay)),
        *_stock(case, work),
        *_locked_teams(case, teams),
    )


def _duty_rules(case: Case, duty: Duty, say: _Clock, *, replay: bool) -> Iterator[Violation]:
    yield from _departures(case, duty, say)
    yield from _shift_end(duty, say)
    yield from _breaks(duty, say)
    yield from _locked_first(case, duty)
    for trip in duty.trips:
        yield from _fetched(duty, trip)
        yield from _capacity(duty, trip)
        yield from _way_home(duty, trip, say)
        for visit in trip.visits:
            yield from _visit_times(duty, visit, say)
            yield from _window(visit, say)
            yield from _allowed(duty, visit)
            if replay:
                yield from _foresight(duty, visit, say)


@dataclass(frozen=True)
class _Clock:
    """Writes moments as a coordinator reads them: in the case's own offset, with the day where it is not today."""

    now: datetime

    def __call__(self, moment: float) -> str:
        if not math.isfinite(moment):
            return "never (no road)"
        time = datetime.fromtimestamp(moment, self.now.tzinfo)
        seconds = ":%S" if time.second or time.microsecond else ""
        day = "" if time.date() == self.now.date() else "%Y-%m-%d "
        return time.strftime(f"{day}%H:%M{seconds}")


# Rule 1: every ticket once, with its crew together.


def _unknown(case: Case, plan: Plan, work: Iterable[Duty]) -> Iterator[Violation]:
    for route in strays(case, plan):
        who = case.technician_by_id.get(route.technician)
        owns = "the case does not know" if who is None else f"has {len(who.shifts)} shifts"
        yield Violation("unknown", f"A route is for technician {route.technician}, shift {route.shift}: {owns}")
    for duty in work:
        for name in (name for trip in duty.trips for name in trip.unknown):
            yield Violation(
                "unknown", f"{duty.technician.id} visits ticket {name}, which the case does not know", 1.0, name, duty.technician.id
            )
    for name in sorted({entry.ticket for entry in plan.unassigned} - case.ticket_by_id.keys()):
        yield Violation("unknown", f"Ticket {name} is listed as unassigned, but the case does not know it", 1.0, name)


def _forgotten(case: Case, plan: Plan, planned: Container[str]) -> Iterator[Violation]:
    unassigned = {entry.ticket for entry in plan.unassigned}
    for name in case.ticket_by_id:
        if name in planned and name in unassigned:
            yield Violation("forgotten", f"{name} is planned and also listed as unassigned", 1.0, name)
        elif name not in planned and name not in unassigned:
            yield Violation("forgotten", f"{name} is neither planned nor listed as unassigned", 1.0, name)


@dataclass
class _Team:
    """Who comes to one ticket, when each starts, and the kits that they bring together."""

    ticket: Ticket
    members: list[str] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    kits: set[str] = field(default_factory=set)


def _teams(work: Iterable[Duty]) -> dict[str, _Team]:
    teams: dict[str, _Team] = {}
    for duty in work:
        for trip in duty.trips:
            for visit in trip.visits:
                team = teams.setdefault(visit.ticket.id, _Team(visit.ticket))
                team.members.append(duty.technician.id)
                team.starts.append(visit.start)
                team.kits |= trip.kits
    return teams


def _crews(case: Case, teams: Mapping[str, _Team], say: _Clock) -> Iterator[Violation]:
    for team in teams.values():
        yield from _crew_size(team)
        yield from _crew_together(team, say)
        yield from _skills(case, team)
        yield from _kits_at_hand(team)


def _crew_size(team: _Team) -> Iterator[Violation]:
    people, needed = len(set(team.members)), team.ticket.crew
    if people != len(team.members) or people != needed:
        who = ", ".join(team.members)
        # A person who comes twice breaks the rule even where the head count is right: that counts as one.
        yield Violation("crew", f"{team.ticket.id} needs {needed} different people, gets {who}", abs(people - needed) or 1, team.ticket.id)


def _crew_together(team: _Team, say: _Clock) -> Iterator[Violation]:
    first, last = min(team.starts), max(team.starts)
    if last - first > SLACK_S:
        yield Violation(
            "crew", f"The crew of {team.ticket.id} does not start together: {say(first)} and {say(last)}", ticket=team.ticket.id
        )


# Rule 2: a shift begins, pauses and ends in time.


def _departures(case: Case, duty: Duty, say: _Clock) -> Iterator[Violation]:
    free = max(case.now.timestamp(), duty.shift.start.timestamp())
    for trip in duty.trips:
        if trip.out is not None:
            free = max(free, trip.out.at.timestamp())
        if free - trip.depart > SLACK_S:
            yield Violation(
                "depart",
                f"{duty.technician.id} departs at {say(trip.depart)}, is free at {say(free)}",
                free - trip.depart,
                technician=duty.technician.id,
            )
        free = trip.returns


def _shift_end(duty: Duty, say: _Clock) -> Iterator[Violation]:
    latest = duty.end + 60 * duty.shift.overtime_minutes
    if duty.returns - latest > SLACK_S:
        what = f"{duty.technician.id} is back at {say(duty.returns)}; shift and overtime end at {say(latest)}"
        yield Violation("shift", what, duty.returns - latest, technician=duty.technician.id)


def _breaks(duty: Duty, say: _Clock) -> Iterator[Violation]:
    taken = sorted((rest.start.timestamp(), rest.finish.timestamp()) for trip in duty.trips for rest in trip.route.breaks)
    spells = _spells(duty)
    for due in duty.shift.breaks:
        earliest, latest, length = due.earliest.timestamp(), due.latest.timestamp(), 60 * due.minutes
        if duty.trips[0].depart >= earliest or duty.returns <= latest + length:
            continue  # The work does not span it.
        in_time = ((a, b) for a, b in taken if earliest - SLACK_S <= a <= latest + SLACK_S and b - a >= length - SLACK_S)
        rest = next(in_time, None)
        if rest is None:
            what = f"{duty.technician.id} works through the break of {due.minutes:g} min between {say(earliest)} and {say(latest)}"
            yield Violation("break", what, technician=duty.technician.id)
            continue
        taken.remove(rest)
        spell = next((spell for spell in spells if spell.has_room(*rest)), None)
        if spell is None:
            what = f"{duty.technician.id} rests from {say(rest[0])} to {say(rest[1])}, when work or driving leaves no room for it"
            yield Violation("break", what, rest[1] - rest[0], technician=duty.technician.id)
        else:
            spell.room -= rest[1] - rest[0]


@dataclass
class _Spell:
    """Time between two visits or two trips; `room` is what of it is needed neither for driving nor for breaks found so far."""

    begin: float
    end: float
    room: float

    def has_room(self, start: float, finish: float) -> bool:
        """Whether a break fits in beside the driving."""
        return self.begin - SLACK_S <= start and finish <= self.end + SLACK_S and self.room >= finish - start - SLACK_S


def _spells(duty: Duty) -> list[_Spell]:
    spells: list[_Spell] = []
    back: float | None = None
    for trip in duty.trips:
        if back is not None:
            spells.append(_Spell(back, trip.depart, trip.depart - back))
        spells += [_Spell(visit.free, visit.start, visit.start - visit.free - visit.leg.seconds) for visit in trip.visits]
        spells.append(_Spell(trip.last_finish, trip.returns, trip.returns - trip.last_finish - trip.home.seconds))
        back = trip.returns
    return spells


# Rule 3: drives take their time, work begins when it may and takes its time.


def _visit_times(duty: Duty, visit: Visit, say: _Clock) -> Iterator[Violation]:
    who, ticket = duty.technician.id, visit.ticket
    soonest = visit.free + visit.leg.seconds
    if soonest - visit.arrive > SLACK_S:
        what = f"{who} reaches {ticket.id} at {say(visit.arrive)}; the drive allows {say(soonest)}"
        yield Violation("travel", what, soonest - visit.arrive, ticket.id, who)
    if visit.arrive - visit.start > SLACK_S:
        what = f"{who} starts {ticket.id} at {say(visit.start)}, before arriving at {say(visit.arrive)}"
        yield Violation("start", what, visit.arrive - visit.start, ticket.id, who)
    opens = max(ticket.opened_at, ticket.not_before or ticket.opened_at).timestamp()
    if opens - visit.start > SLACK_S:
        what = f"{who} starts {ticket.id} at {say(visit.start)}; it may not begin before {say(opens)}"
        yield Violation("start", what, opens - visit.start, ticket.id, who)
    done = visit.start + 60 * ticket.service_minutes
    if done - visit.finish > SLACK_S:
        what = f"{who} leaves {ticket.id} at {say(visit.finish)}; the work lasts until {say(done)}"
        yield Violation("service", what, done - visit.finish, ticket.id, who)


def _way_home(duty: Duty, trip: Trip, say: _Clock) -> Iterator[Violation]:
    soonest = trip.last_finish + trip.home.seconds
    if soonest - trip.returns > SLACK_S:
        what = f"{duty.technician.id} is back at station {duty.technician.station} at {say(trip.returns)}; the drive allows {say(soonest)}"
        yield Violation("travel", what, soonest - trip.returns, technician=duty.technician.id)


def _window(visit: Visit, say: _Clock) -> Iterator[Violation]:
    windows = [(window.start.timestamp(), window.end.timestamp()) for window in visit.ticket.windows]
    if windows and not any(begin - SLACK_S <= visit.start <= end + SLACK_S for begin, end in windows):
        access = ", ".join(f"{say(begin)} to {say(end)}" for begin, end in windows)
        yield Violation("window", f"{visit.ticket.id} starts at {say(visit.start)}; access only {access}", ticket=visit.ticket.id)


# Rule 4: the right people.


def _skills(case: Case, team: _Team) -> Iterator[Violation]:
    for skill, level in team.ticket.skills.items():
        best = max(case.technician_by_id[who].skills.get(skill, 0) for who in team.members)
        if best < level:
            what = f"{team.ticket.id} needs {skill} at level {level}; {', '.join(team.members)} reach {best or 'none'}"
            yield Violation("skill", what, ticket=team.ticket.id)


def _allowed(duty: Duty, visit: Visit) -> Iterator[Violation]:
    who, ticket = duty.technician.id, visit.ticket
    if ticket.only and who not in ticket.only:
        yield Violation("technician", f"{who} is not among those allowed at {ticket.id}: {', '.join(ticket.only)}", 1.0, ticket.id, who)
    if who in ticket.banned:
        yield Violation("technician", f"{who} is banned at {ticket.id}", 1.0, ticket.id, who)


# Rule 5: kits are there, and no more are out than the station owns.


def _kits_at_hand(team: _Team) -> Iterator[Violation]:
    missing = sorted(set(team.ticket.kits) - team.kits)
    if missing:
        yield Violation(
            "kit",
            f"{team.ticket.id} needs {', '.join(missing)}, which {', '.join(team.members)} do not carry",
            len(missing),
            team.ticket.id,
        )


def _fetched(duty: Duty, trip: Trip) -> Iterator[Violation]:
    if trip.out is not None and (extra := sorted(set(trip.route.kits) - trip.kits)):
        yield Violation(
            "kit",
            f"{duty.technician.id} is already out without {', '.join(extra)} and cannot fetch it on this trip",
            technician=duty.technician.id,
        )


def _stock(case: Case, work: Iterable[Duty]) -> Iterator[Violation]:
    for (station, kit), spells in _lendings(case, work).items():
        owned = case.station_by_id[station].kits.get(kit, 0)
        most = _most_at_once(spells)
        if most > owned:
            yield Violation("kit", f"Station {station} owns {owned} {kit} and lends {most} at once", most - owned)


def _lendings(case: Case, work: Iterable[Duty]) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """By station and kit type: from when until when one of them is out."""
    now = case.now.timestamp()
    lent: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    busy = set()
    for duty in work:
        busy.add((duty.technician.id, duty.index))
        for trip in duty.trips:
            since = trip.depart if trip.out is None else now
            for kit in trip.kits:
                lent[duty.technician.station, kit].append((since, trip.returns))
    for technician in case.technicians:
        out = technician.start
        if out is not None and (technician.id, current_shift(technician, case.now)) not in busy:
            back = out.at.timestamp() + drive(case.travel, out, case.station_by_id[technician.station]).seconds
            for kit in set(out.kits):
                lent[technician.station, kit].append((now, back))
    return lent


def _most_at_once(spells: Iterable[tuple[float, float]]) -> int:
    """The largest number of spells that overlap; one that ends when another begins does not overlap it."""
    changes = sorted(change for begin, end in spells if end > begin for change in ((begin, 1), (end, -1)))
    out = most = 0
    for _, change in changes:
        out += change
        most = max(most, out)
    return most


# Rule 6: loads fit, and what is locked stays.


def _capacity(duty: Duty, trip: Trip) -> Iterator[Violation]:
    capacity, load = duty.technician.capacity, 0.0
    for visit in trip.visits:
        load += visit.ticket.load
    if capacity is not None and load > capacity:
        yield Violation(
            "capacity",
            f"{duty.technician.id} carries {load:g} on one trip; the vehicle holds {capacity:g}",
            load - capacity,
            technician=duty.technician.id,
        )


def _locked_first(case: Case, duty: Duty) -> Iterator[Violation]:
    waiting: str | None = None
    for visit in duty.visits:
        if not _is_locked(case, visit.ticket.id):
            waiting = waiting or visit.ticket.id
        elif waiting is not None:
            yield Violation(
                "locked",
                f"{visit.ticket.id} is locked, so {duty.technician.id} must visit it before {waiting}",
                1.0,
                visit.ticket.id,
                duty.technician.id,
            )


def _locked_teams(case: Case, teams: Mapping[str, _Team]) -> Iterator[Violation]:
    for promise in case.committed:
        sent = set(teams[promise.ticket].members) if promise.ticket in teams else set()
        if promise.locked and sent != set(promise.technicians):
            who = ", ".join(sorted(sent)) or "nobody"
            yield Violation(
                "locked", f"{promise.ticket} is locked to {', '.join(promise.technicians)}; the plan sends {who}", ticket=promise.ticket
            )


def _is_locked(case: Case, ticket: str) -> bool:
    promise = case.commitment_by_ticket.get(ticket)
    return promise is not None and promise.locked


# Rule 7: nobody knows a ticket before it is opened.


def _foresight(duty: Duty, visit: Visit, say: _Clock) -> Iterator[Violation]:
    sets_out, opened = visit.arrive - visit.leg.seconds, visit.ticket.opened_at.timestamp()
    if opened - sets_out > SLACK_S:
        what = f"{duty.technician.id} sets out for {visit.ticket.id} at {say(sets_out)}; it is opened at {say(opened)}"
        yield Violation("foresight", what, opened - sets_out, visit.ticket.id, duty.technician.id)
