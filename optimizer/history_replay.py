"""A history over again with the real dispatcher: day by day, each beginning with what the day before left.

A day is replayed by `optimizer.replay` until everything that it knows of is done. What nobody had set out for when the day ended is
taken back and decided anew on the next one, with what that one brings; what had begun stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from data_models.case import Case, OutAt, Severity, Ticket, Tier
from data_models.expected import PastTicket
from optimizer.day_end import DayEnd, Effort, Out, day_end
from optimizer.replay import replay
from optimizer.replay_policies import Policy
from optimizer.result import Stop
from optimizer.scenarios import Situation
from optimizer.study_days import Days, cuts_of, station_of
from optimizer.study_demand import tickets_under

GIVEN_UP_AFTER = timedelta(days=7)
"""A ticket that nobody was sent to for so long after it was due counts as not served."""

RUN_OUT = timedelta(days=14)
"""For so long after the history's end work on its tickets goes on, so that the last ones count like all others."""


@dataclass(frozen=True)
class Outcome:
    """What became of one ticket: `started` is None, and `station` empty, when nobody came."""

    area: str
    severity: Severity
    tier: Tier
    opened_at: datetime
    due: datetime
    started: datetime | None
    station: str
    cost: float

    @property
    def in_time(self) -> bool:
        """Whether work began by the promised moment."""
        return self.started is not None and self.started <= self.due


@dataclass(frozen=True)
class HistoryReplayed:
    """A history as it would have gone: outcomes by time of opening, effort by station."""

    scenario: str
    policy: Policy
    seed: int
    begins_at: datetime
    ends_at: datetime
    outcomes: tuple[Outcome, ...]
    effort: Mapping[str, Effort]
    format: Literal["history-replay/1"] = "history-replay/1"

    @property
    def total(self) -> Effort:
        """The effort of all stations."""
        return sum(self.effort.values(), Effort())

    @property
    def failing_cost(self) -> float:
        """What late and unserved tickets cost."""
        return sum(outcome.cost for outcome in self.outcomes)


@dataclass
class _Book:
    """What is known of a replay under way, tickets by name and people by id."""

    tickets: Mapping[str, Ticket]
    started: dict[str, datetime] = field(default_factory=dict)
    crews: dict[str, tuple[str, ...]] = field(default_factory=dict)
    effort: dict[str, Effort] = field(default_factory=dict)
    out: dict[str, Out] = field(default_factory=dict)
    at: dict[str, OutAt] = field(default_factory=dict)


def replay_history(
    situation: Situation,
    policy: Policy,
    *,
    each: Stop,
    seed: int = 1,
    tickets: Sequence[PastTicket] | None = None,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> HistoryReplayed:
    """The history of a situation, as its dispatcher would have served it.

    Parameters
    ----------
    policy
        See `optimizer.replay_policies.decide`.
    each
        When the search of one decision stops; with iterations the same seed gives the same replay.
    seed
        Of the draws of demand and of the search.
    tickets
        In place of what `tickets_under` draws by the seed, by time.
    on_progress
        Called with the days that are done and all of them.
    """
    history, days = situation.study.history, Days(situation)
    asked = tickets_under(situation, seed) if tickets is None else tickets
    made = {f"{number:06d}": days.ticket(past, f"{number:06d}") for number, past in enumerate(asked)}
    book = _Book(made)
    can_do = _Able(situation)
    to_come = [ticket for ticket in made.values() if can_do(ticket)]
    waiting: list[Ticket] = []
    spans = list(cuts_of(history.tickets, days.zone).days(history.begins_at, history.ends_at + RUN_OUT))
    for number, (begin, end) in enumerate(spans):
        if begin >= history.ends_at and not waiting:
            break
        opened = sum(ticket.opened_at < end for ticket in to_come)
        waiting, to_come = [*waiting, *to_come[:opened]], to_come[opened:]
        if waiting or book.out:
            case = days.case(begin, end, waiting, book.at)
            _close(book, case, day_end(case, replay(case, policy, each=each, seed=seed).plan, end))
        waiting = [t for t in waiting if t.id not in book.started and t.due + GIVEN_UP_AFTER > end]
        on_progress(number + 1, len(spans))
    for who, out in book.out.items():
        _add(book.effort, who, out.homeward)
    outcomes = tuple(_outcome(made[name], past, book) for name, past in zip(made, asked, strict=True))
    return HistoryReplayed(situation.scenario.name, policy, seed, history.begins_at, history.ends_at, outcomes, _by_station(book.effort))


def _close(book: _Book, case: Case, end: DayEnd) -> None:
    """Writes down what stands of a day."""
    book.started |= end.started
    book.crews |= end.crews
    for who, effort in end.effort.items():
        _add(book.effort, who, effort)
    book.at = {who: _place(book, who, out) for who, out in end.out.items()}
    book.out = end.out


def _place(book: _Book, who: str, out: Out) -> OutAt:
    if out.ticket is None:
        return book.at[who]
    ticket = book.tickets[out.ticket]
    return OutAt(ticket.lat, ticket.lon, out.free_at, out.kits, ticket.place)


def _outcome(ticket: Ticket, past: PastTicket, book: _Book) -> Outcome:
    started = book.started.get(ticket.id)
    station = station_of(book.crews[ticket.id][0]) if started is not None else ""
    late_hours = 0.0 if started is None else max(0.0, (started - ticket.due) / timedelta(hours=1))
    cost = ticket.skip_cost if started is None else ticket.miss_cost + ticket.late_cost_per_hour * late_hours if late_hours else 0.0
    return Outcome(past.site, ticket.severity, ticket.tier, ticket.opened_at, ticket.due, started, station, cost)


class _Able:
    """Whether anybody of a situation could do a ticket at all: nobody need look at it each day otherwise."""

    def __init__(self, situation: Situation) -> None:
        self._crews = [
            (crew.skills, {kit for kit, count in station.kits.items() if count > 0}, crew.capacity)
            for station in situation.study.stations
            for crew in station.crews
            if crew.people and crew.shifts
        ]

    def __call__(self, ticket: Ticket) -> bool:
        if ticket.crew > 1:
            held = {(skill, level) for skills, _, _ in self._crews for skill, has in skills.items() for level in range(1, has + 1)}
            return set(ticket.skills.items()) <= held and set(ticket.kits) <= {kit for _, kits, _ in self._crews for kit in kits}
        return any(
            all(skills.get(skill, 0) >= level for skill, level in ticket.skills.items())
            and set(ticket.kits) <= kits
            and (capacity is None or capacity >= ticket.load)
            for skills, kits, capacity in self._crews
        )


def _by_station(effort: Mapping[str, Effort]) -> dict[str, Effort]:
    found: dict[str, Effort] = {}
    for who, done in sorted(effort.items()):
        _add(found, station_of(who), done)
    return found


def _add(efforts: dict[str, Effort], who: str, effort: Effort) -> None:
    efforts[who] = efforts.get(who, Effort()) + effort
