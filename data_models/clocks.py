"""The clocks of a ticket at a moment: running, at risk, met, missed, paused or stopped, as pure functions of facts.

What a ticket has reached is read as it was known at `now`: milestones later than that have not come yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from data_models.calendars import WorkCalendar, add_working_time, working_time_between
from data_models.case import Severity, Tier
from data_models.clock_rules import CALL_BACK, HANDLED_AGAIN
from data_models.policy import Moment, ServicePolicy, Step, clock_items, clocks_for, extra_clocks_for, with_contract
from data_models.promises import Promise, due

State = Literal["running", "at_risk", "met", "missed", "paused", "stopped"]

_URGENCY: dict[State, int] = {"at_risk": 0, "missed": 1, "running": 2, "paused": 3, "met": 4, "stopped": 5}
_NO_TIME = timedelta()


@dataclass(frozen=True)
class Pause:
    """A spell of waiting for a reason that the policy may name; `ends_at` is left out of it, and None while it lasts."""

    begins_at: datetime
    ends_at: datetime | None
    reason: str


@dataclass(frozen=True)
class Reopened:
    """A ticket opened again, and when it was solved and closed after that."""

    at: datetime
    solved_at: datetime | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True)
class Milestones:
    """What a ticket has reached: each the first time that it happened, None where it has not.

    `recorded` holds the moments at which clocks beside the five were kept, by their names.
    """

    assigned_at: datetime | None = None
    contacted_at: datetime | None = None
    diagnosed_at: datetime | None = None
    on_site_at: datetime | None = None
    solved_at: datetime | None = None
    closed_at: datetime | None = None
    cancelled_at: datetime | None = None
    recorded: Mapping[str, datetime] = field(default_factory=dict)
    reopened: tuple[Reopened, ...] = ()
    pauses: tuple[Pause, ...] = ()


@dataclass(frozen=True)
class Prediction:
    """When work is expected to begin and to end, from plan and position; None where nothing is planned."""

    on_site_at: datetime | None = None
    finish_at: datetime | None = None


@dataclass(frozen=True)
class WatchedTicket:
    """A ticket with all that its clocks depend on.

    Parameters
    ----------
    on_site_minutes, late_compensation_per_hour
        What the contract says in place of the policy; None where it says nothing.
    due_at
        The ticket's own promised moment on site; None takes the policy's.
    order_value
        The price of the order that the ticket is about; None when not known.
    """

    id: str
    policy: ServicePolicy
    severity: Severity
    tier: Tier
    opened_at: datetime
    type: str = ""
    source: str = ""
    on_site_minutes: float | None = None
    due_at: datetime | None = None
    milestones: Milestones = Milestones()
    predicted: Prediction = Prediction()
    late_compensation_per_hour: float | None = None
    order_value: float | None = None


@dataclass(frozen=True)
class ClockState:
    """One clock of a ticket at a moment.

    Parameters
    ----------
    clock
        Its name; `reopening` counts from 1 for the clock of a reopening and is 0 otherwise.
    due_at
        When it is due; `promised_at` is that moment without pauses.
    left
        Time from its end (from `now` while it is open) until it is due; negative when late.
    late
        How long after it was due it ended or still runs, without the pauses that stop it; zero unless missed.
    ended_at
        When it was kept or came to nothing; None while there is something to do.
    met_at
        When it was kept, in time or late.
    predicted_at
        When it is expected to be kept, at the earliest.
    """

    ticket: str
    clock: str
    reopening: int
    state: State
    starts_at: datetime
    promised_at: datetime
    due_at: datetime
    left: timedelta
    late: timedelta = _NO_TIME
    ended_at: datetime | None = None
    met_at: datetime | None = None
    predicted_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do for it."""
        return self.ended_at is None


class _Clock(NamedTuple):
    """A promised clock before it runs: from which moment it counts, and what shows that it was kept."""

    name: str
    promise: Promise
    counts_from: Moment
    kept_by: Step | None = None


class _Run(NamedTuple):
    """A clock that has started; `ends_at` is when it comes to nothing without being kept."""

    name: str
    reopening: int
    promise: Promise
    starts_at: datetime
    promised_at: datetime
    kept_at: datetime | None
    ends_at: datetime | None


def clock_states(ticket: WatchedTicket, now: datetime) -> tuple[ClockState, ...]:
    """Every clock of a ticket that has started by `now`: the five, those beside them, and those after closing and reopening.

    A clock that counts from a moment that has not come yet is not among them.

    Notes
    -----
    What comes later shows what came before: a customer was contacted when someone stood there or the matter was solved at the
    latest, it was diagnosed when solved, and solved when closed. Solved before anyone stood there, nobody need come any more: the
    clock on site stops. Cancelling stops every clock that was not missed before. Whoever reads the events clears `cancelled_at`
    when a cancelled ticket comes back.
    """
    return _states(ticket, _promised(ticket), now)


def watch(tickets: Iterable[WatchedTicket], now: datetime) -> tuple[ClockState, ...]:
    """The clocks of many tickets for which there is something to do, most urgent first.

    At risk before missed before running before paused, within each by time left, then by ticket and clock.
    """
    promised: dict[tuple[object, ...], tuple[_Clock, ...]] = {}
    found: list[ClockState] = []
    for ticket in tickets:
        key = (id(ticket.policy), ticket.severity, ticket.tier, ticket.type, ticket.source, ticket.on_site_minutes)
        if key not in promised:
            promised[key] = _promised(ticket)
        found += [state for state in _states(ticket, promised[key], now) if state.ended_at is None]
    return tuple(sorted(found, key=lambda it: (_URGENCY[it.state], it.left, it.ticket, it.clock, it.reopening)))


def _promised(ticket: WatchedTicket) -> tuple[_Clock, ...]:
    policy, of_ticket = ticket.policy, (ticket.severity, ticket.tier, ticket.type, ticket.source)
    clocks = with_contract(clocks_for(policy, *of_ticket), ticket.on_site_minutes)
    if clocks.on_site is None and ticket.due_at is not None:
        clocks = with_contract(clocks, 0)  # The ticket's own moment stands in for its length.
    five = [_Clock(name, promise, "opened") for name, promise in clock_items(clocks) if promise is not None]
    extra = [_Clock(name, rule.within, rule.counts_from, rule.kept_by) for name, rule in extra_clocks_for(policy, *of_ticket).items()]
    call_back = policy.after_closing.call_back
    if call_back is not None and call_back.counts != "nothing":
        extra.append(_Clock(CALL_BACK, call_back, "closed"))
    return (*five, *extra)


def _states(ticket: WatchedTicket, promised: tuple[_Clock, ...], now: datetime) -> tuple[ClockState, ...]:
    if ticket.opened_at > now:
        return ()
    return tuple(_state(ticket, run, now) for run in _runs(ticket, promised, now))


# --- what has started, and what ended it ---


def _runs(ticket: WatchedTicket, promised: tuple[_Clock, ...], now: datetime) -> list[_Run]:
    policy, reached = ticket.policy, ticket.milestones
    assigned, contacted, diagnosed, on_site, solved, closed, cancelled = (
        None if moment is None or moment > now else moment
        for moment in (
            reached.assigned_at,
            reached.contacted_at,
            reached.diagnosed_at,
            reached.on_site_at,
            reached.solved_at,
            reached.closed_at,
            reached.cancelled_at,
        )
    )
    solved = _first(solved, closed)
    visited = on_site if solved is None or on_site is None or on_site <= solved else None
    contacted = _first(contacted, on_site, solved)
    diagnosed = _first(diagnosed, solved)
    starts: dict[str, datetime | None] = {"opened": ticket.opened_at, "assigned": assigned, "on_site": on_site, "closed": closed}
    kept = {"contact": contacted, "diagnosis": diagnosed, "on_site": visited, "solution": solved, "closing": closed}
    steps = {"opened": ticket.opened_at, "contacted": contacted, "diagnosed": diagnosed, "on_site": on_site, "solved": solved}
    steps["closed"] = closed
    runs: list[_Run] = []
    for clock in promised:
        start = starts[clock.counts_from]
        if start is None:
            continue
        kept_at, ends = kept.get(clock.name), cancelled
        if clock.name not in kept:
            recorded = reached.recorded.get(clock.name)
            shown = None if clock.kept_by is None else steps[clock.kept_by]
            kept_at = _first(None if recorded is None or recorded > now else recorded, shown)
        elif clock.name == "on_site" and visited is None:
            ends = _first(solved, cancelled)
        own = ticket.due_at if clock.name == "on_site" else None
        promised_at = own.astimezone(UTC) if own else due(clock.promise, start, policy.calendar)
        promise = Promise(max(own - start, _NO_TIME)) if own else clock.promise
        runs.append(_Run(clock.name, 0, promise, start, promised_at, kept_at, ends))
    return runs + _reopened_runs(ticket, cancelled, now) if reached.reopened else runs


def _reopened_runs(ticket: WatchedTicket, cancelled: datetime | None, now: datetime) -> list[_Run]:
    again, runs = ticket.policy.after_closing.handled_again, []
    if again is not None and again.counts != "nothing":
        for number, reopened in enumerate(ticket.milestones.reopened, start=1):
            if reopened.at <= now:
                kept_at = _first(*(moment for moment in (reopened.solved_at, reopened.closed_at) if moment and moment <= now))
                promised_at = due(again, reopened.at, ticket.policy.calendar)
                runs.append(_Run(HANDLED_AGAIN, number, again, reopened.at, promised_at, kept_at, cancelled))
    return runs


def _first(*moments: datetime | None) -> datetime | None:
    known = [moment for moment in moments if moment is not None]
    return min(known) if known else None


# --- one clock ---


def _state(ticket: WatchedTicket, run: _Run, now: datetime) -> ClockState:
    calendar = ticket.policy.calendar
    kept_at = run.kept_at if run.ends_at is None or run.kept_at is None or run.kept_at <= run.ends_at else None
    ended_at = kept_at or run.ends_at
    end = ended_at or now
    pauses = _pauses(ticket, run, end) if ticket.milestones.pauses else ()
    due_at = _moved(run.promise, run.promised_at, pauses, calendar) if pauses else run.promised_at
    expected = None if ended_at else _expected(ticket, run, now)
    state: State
    if end > due_at:
        state = "missed"
    elif ended_at is not None:
        state = "met" if kept_at else "stopped"
    elif now < due_at and _waits(ticket, run.name, now):
        state = "paused"
    else:
        state = "at_risk" if _at_risk(ticket, run, due_at, expected, now) else "running"
    late = _NO_TIME
    if state == "missed":
        late = end - due_at
        for begun, until in pauses:
            late -= max(until - max(begun, due_at), _NO_TIME)
    return ClockState(
        ticket.id,
        run.name,
        run.reopening,
        state,
        run.starts_at,
        run.promised_at,
        due_at,
        due_at - end,
        late,
        ended_at,
        kept_at,
        expected,
    )


def _expected(ticket: WatchedTicket, run: _Run, now: datetime) -> datetime | None:
    """When a clock is expected to be kept, at the earliest; a prediction that has passed says nothing."""
    on_site, finish = ticket.predicted.on_site_at, ticket.predicted.finish_at
    by_clock = {"on_site": on_site, "solution": finish or on_site, "closing": finish or on_site, HANDLED_AGAIN: finish or on_site}
    expected = by_clock.get(run.name)
    return None if expected is None or expected < now else expected


def _at_risk(ticket: WatchedTicket, run: _Run, due_at: datetime, expected: datetime | None, now: datetime) -> bool:
    if expected is not None and expected > due_at:
        return True
    # Being closed needs more than finished work, so that a prediction in time does not speak for it.
    whole = ticket.predicted.on_site_at if run.name == "on_site" else ticket.predicted.finish_at
    if expected is not None and expected == whole and run.name != "closing":
        return False
    warn = _warning_time(ticket.policy, run.promise)
    if warn is None:
        return False
    if due_at - now < warn:
        return True
    # Of a promise in working time, the time left is working time too: a Friday evening leaves less than a Monday morning.
    return run.promise.counts != "elapsed" and add_working_time(ticket.policy.calendar, now, warn) > due_at


def _warning_time(policy: ServicePolicy, promise: Promise) -> timedelta | None:
    rule = policy.warning
    length = promise.length
    if promise.counts == "working_days":
        length = promise.length.days * timedelta(minutes=sum(spell.closes - spell.opens for spell in policy.calendar.hours))
    limits: list[timedelta] = [] if rule.share is None else [rule.share * length]
    if rule.time is not None and rule.time.counts != "nothing":
        limits.append(rule.time.length)
    return min(limits) if limits else None


# --- pauses ---


def _stops(ticket: WatchedTicket, reason: str, clock: str) -> bool:
    rule = ticket.policy.pauses.get(reason)
    return rule is not None and clock in rule.clocks and ticket.severity in rule.severities


def _waits(ticket: WatchedTicket, clock: str, now: datetime) -> bool:
    return any(
        pause.begins_at <= now and (pause.ends_at is None or pause.ends_at > now) and _stops(ticket, pause.reason, clock)
        for pause in ticket.milestones.pauses
    )


def _pauses(ticket: WatchedTicket, run: _Run, end: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """The spells in which a clock stands still, from when it counts until `end`, in order and without overlap."""
    begins = run.starts_at
    if run.promise.counts == "working_days" and run.promise.length:
        # The day itself does not count, and waiting on it takes nothing away.
        zone = ZoneInfo(ticket.policy.calendar.timezone)
        begins = datetime.combine(begins.astimezone(zone).date() + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)
    spells: list[tuple[datetime, datetime]] = []
    for pause in sorted(ticket.milestones.pauses, key=lambda pause: pause.begins_at):
        begun, until = max(pause.begins_at, begins), end if pause.ends_at is None else min(pause.ends_at, end)
        if until < begun or not _stops(ticket, pause.reason, run.name):
            continue
        if spells and begun <= spells[-1][1]:
            spells[-1] = (spells[-1][0], max(spells[-1][1], until))
        else:
            spells.append((begun, until))
    return tuple(spells)


def _moved(promise: Promise, due_at: datetime, pauses: tuple[tuple[datetime, datetime], ...], calendar: WorkCalendar) -> datetime:
    """The due moment after pauses: each that began before it puts it off by its length, in what the promise counts."""
    for begun, until in pauses:
        if begun >= due_at:
            break
        if promise.counts == "elapsed":
            due_at += until - begun
        else:
            due_at = add_working_time(calendar, due_at, working_time_between(calendar, begun, until))
    return due_at
