"""Watching the clocks of tickets: what is watched, and what a look at it leads to. Plain functions that know no Prefect.

Logs name tickets and counts only, never customers or what a notice says.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, cast

from config.policies import load_policies
from data_models.clocks import ClockState
from data_models.escalations import Escalation, escalations_due
from data_models.events import Reopened
from data_models.satisfaction import Reopening, reopening
from data_models.snapshot import Policies
from data_models.store import add_events, ticket_states
from data_models.store.notices import contacts_to_tell, keys_in_outbox
from data_models.store.pages import regions_of
from data_models.store.watched import Closing, Watched, WatchedTickets, guarded, watched_in_store
from data_models.store.webhooks import WebhookKind, has_subscribers, message_id, messages_put, put_message
from flows.customers import customer_link
from flows.notices import NewNotice, SendReport, announce, send_due
from flows.telling import clock_told, lateness_told, satisfaction_asked, ticket_reopened

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from config.settings import Settings
    from data_models.store import Store

ASKED_WITHIN = timedelta(days=1)
"""How long after a closing the customer is still asked how satisfied they are: later, it is history that was brought in."""

MOST_AT_ONCE = 500
"""Notices that are put in one transaction: a flood of them must not keep others from writing."""

BY_POLICY = "policy"

_Contacts = Callable[[str], tuple[str, ...]]
"""The ids of whom to tell at a site."""

_log = logging.getLogger("twohour.watching")


@dataclass(frozen=True)
class WatchReport:
    """What a look at the clocks found and led to: counts of tickets, of clocks and of new notices, tickets reopened, and problems."""

    tickets: int
    at_risk: int
    missed: int
    notices: int
    reopened: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class _ToReopen:
    """A reopening that a closing asks for, and the notice about it."""

    reopening: Reopening
    closing: Closing
    notice: NewNotice

    @property
    def event(self) -> Reopened:
        """The event; its key is made of the ticket and the closing, so that a closing reopens once."""
        key = f"reopened by policy {self.reopening.ticket} {self.closing.event}"
        reason = f"satisfaction {self.reopening.score} is below {self.reopening.below}"
        return Reopened(
            kind="ticket_reopened", at=self.reopening.at, key=key, by=BY_POLICY, ticket=self.reopening.ticket, reason=reason
        )  # fmt: skip


def watched_tickets(session: Session, settings: Settings, now: datetime, settled_since: datetime | None = None) -> WatchedTickets:
    """The tickets of the company that have a clock to watch at `now`, with their clocks, predictions and people.

    Parameters
    ----------
    settled_since
        Also those closed or cancelled since then that have none any more; None leaves them out.

    Raises
    ------
    BadInput
        A policy file has a mistake, or the default policy does not exist. A ticket that cannot be watched is a problem of the result.
    """
    policies = Policies(load_policies(settings.policy_dir), settings.policy)
    return watched_in_store(session, policies, now, region=settings.region, settled_since=settled_since)


def clocks_by_urgency(watched: WatchedTickets, ticket: str | None = None) -> list[tuple[Watched, ClockState]]:
    """The clocks for which there is something to do: at risk before missed, running, paused; within each by time left.

    With `ticket`, all clocks of that one, those that have ended too.
    """
    order = {"at_risk": 0, "missed": 1, "running": 2, "paused": 3, "met": 4, "stopped": 5}
    found = [
        (one, state) for one in watched.tickets for state in one.states if (state.is_open if ticket is None else one.ticket.id == ticket)
    ]
    return sorted(found, key=lambda item: (order[item[1].state], item[1].left, item[1].ticket, item[1].clock, item[1].reopening))


def watch(store: Store, settings: Settings, now: datetime) -> WatchReport:
    """Look at all clocks once and do what they ask for: put escalations into the outbox, reopen what customers are not satisfied with.

    It reads at one unchanging moment, waiting for nobody, and then writes in one transaction, or in several where there is very much to
    tell. A reopening and its notice go together, and all have keys of their own: a look that was killed is made good by the next, and two
    at once do nothing twice.

    Raises
    ------
    BadInput
        As `watched_tickets`.
    Unavailable
        The database does not answer.
    """
    with store.reading() as session:
        watched = watched_tickets(session, settings, now)
        problems = list(watched.problems)
        notices = list(_notices(session, settings, watched.tickets, now, problems))
        reopenings = list(_reopenings(watched.tickets, now, problems))
        messages = _messages(session, watched.tickets)
    new, reopened = 0, list[str]()
    for first in range(0, max(len(notices), 1), MOST_AT_ONCE):
        with store.session() as session:
            part = notices[first : first + MOST_AT_ONCE]
            if not first:
                done = _reopen(session, reopenings, now)
                reopened = [one.reopening.ticket for one in done]
                part += [one.notice for one in done]
                for message in messages:
                    put_message(session, message.kind, message.id, message.region, message.data, now)
            new += announce(session, settings, _not_told(session, settings, part), now)
    states = [state.state for one in watched.tickets for state in one.states if state.is_open]
    for problem in problems:
        _log.error("%s", problem)
    report = WatchReport(len(watched.tickets), states.count("at_risk"), states.count("missed"), new, tuple(reopened), tuple(problems))
    _log.info("%d tickets watched, %d new notices, %d reopened, %d problems", report.tickets, new, len(reopened), len(problems))
    return report


def watch_and_send(store: Store, settings: Settings, now: datetime) -> tuple[WatchReport, SendReport]:
    """Look at all clocks once, then send every notice that is due. Raises as `watch` and `flows.notices.send_due`."""
    report = watch(store, settings, now)
    return report, send_due(store, settings, now)


# --- what is told ---


def _notices(session: Session, settings: Settings, tickets: Iterable[Watched], now: datetime, problems: list[str]) -> Iterator[NewNotice]:
    known: dict[str, tuple[str, ...]] = {}

    def contacts_of(site: str) -> tuple[str, ...]:
        if site not in known:
            known[site] = contacts_to_tell(session, site)
        return known[site]

    for one in tickets:

        def told(one: Watched = one) -> list[NewNotice]:
            due = escalations_due(one.ticket, now, (), one.states)
            link = customer_link(settings, one.ticket.id, now)
            found = [notice for escalation in due for notice in _of_escalation(one, escalation, contacts_of, link)]
            closing = one.closing
            if closing is not None and closing.score is None and now - ASKED_WITHIN < closing.at:
                contacts = contacts_of(one.site)
                found += [satisfaction_asked(contact, one.ticket.id, one.site_name, closing.at, link) for contact in contacts]
            return found

        yield from guarded(one.ticket.id, told, problems) or ()


def _of_escalation(one: Watched, escalation: Escalation, contacts_of: _Contacts, link: str) -> Iterator[NewNotice]:
    """The notices of a step: coordinators' channels stand for regional managers and directors too."""
    urgent = one.ticket.severity == "emergency"
    clock, step = _clock_title(one, escalation), _step_number(one, escalation)
    if {"coordinator", "regional_manager", "director"} & set(escalation.whom):
        yield clock_told(escalation, one.site_name, clock, step, emergency=urgent)
    if "technician" in escalation.whom:
        for person in one.technicians:
            yield clock_told(
                escalation, one.site_name, clock, step, emergency=urgent, audience="technician", recipient=person
            )  # fmt: skip
    if "customer" in escalation.whom and one.state in ("open", "planned", "under_way"):
        state = cast(Literal["open", "planned", "under_way"], one.state)
        for contact in contacts_of(one.site):
            yield lateness_told(escalation, contact, one.site_name, state, emergency=urgent, link=link)


def _clock_title(one: Watched, escalation: Escalation) -> str:
    clock = escalation.state.clock
    rule = one.ticket.policy.extra_clocks.get(clock)
    return rule.title or clock if rule is not None else clock


def _step_number(one: Watched, escalation: Escalation) -> int:
    """Which of the steps from the due moment on it is, by their order in time, from 1."""
    steps = one.ticket.policy.escalations
    later = sorted({step.when.after for step in steps.values() if step.when.kind == "relative" and step.when.after >= timedelta()})
    after = steps[escalation.step].when.after
    return later.index(after) + 1 if steps[escalation.step].when.kind == "relative" and after in later else 1


def _not_told(session: Session, settings: Settings, notices: Sequence[NewNotice]) -> list[NewNotice]:
    """Those that the outbox does not hold yet, by whatever channel."""
    keys = {notice.key: [f"{notice.key}@{channel}" for channel in settings.notices.channels_of(notice.audience)] for notice in notices}
    known = keys_in_outbox(session, [key for several in keys.values() for key in several])
    return [notice for notice in notices if not known.intersection(keys[notice.key])]


# --- what other systems are told ---


@dataclass(frozen=True)
class _Message:
    kind: WebhookKind
    id: str
    region: str
    data: Mapping[str, Any]


def _messages(session: Session, tickets: Iterable[Watched]) -> list[_Message]:
    """Of each clock that is at risk or missed one message, until its due moment changes; without those that are in the outbox."""
    kinds: Mapping[str, WebhookKind] = {"at_risk": "ticket.at_risk", "missed": "ticket.missed"}
    if not has_subscribers(session, *kinds.values()):
        return []
    found = [(one, state) for one in tickets for state in one.states if state.is_open and state.state in kinds]
    regions = regions_of(session, sites=sorted({one.site for one, _ in found}))
    messages = [
        _Message(
            kinds[state.state],
            message_id(kinds[state.state], state.ticket, state.clock, state.reopening, state.due_at.isoformat()),
            regions.get(f"site {one.site}", ""),
            {
                "ticket": state.ticket,
                "site": one.site,
                "severity": one.ticket.severity,
                "state": one.state,
                "clock": state.clock,
                "due_at": state.due_at.isoformat(),
                "expected_at": None if state.predicted_at is None else state.predicted_at.isoformat(),
            },
        )
        for one, state in found
    ]
    known = messages_put(session, [message.id for message in messages])
    return [message for message in messages if message.id not in known]


# --- what is opened again ---


def _reopenings(tickets: Iterable[Watched], now: datetime, problems: list[str]) -> Iterator[_ToReopen]:
    for one in tickets:
        closing = one.closing
        if closing is None or closing.score is None:
            continue

        def asked(one: Watched = one, closing: Closing = closing) -> _ToReopen | None:
            # Never before the closing, which another clock may have told a little ahead of ours.
            found = reopening(one.ticket.policy, one.ticket.id, closing.score, max(now, closing.at))
            if found is None:
                return None
            notice = ticket_reopened(found, one.site_name, closing.event, emergency=one.ticket.severity == "emergency")
            return _ToReopen(found, closing, notice)

        found = guarded(one.ticket.id, asked, problems)
        if found is not None:
            yield found


def _reopen(session: Session, reopenings: Sequence[_ToReopen], now: datetime) -> list[_ToReopen]:
    """Log the reopenings; gives those that nobody made since the tickets were read."""
    states = ticket_states(session, sorted(one.reopening.ticket for one in reopenings)) if reopenings else {}
    wanted = [one for one in reopenings if states[one.reopening.ticket].state == "done"]
    answers = add_events(session, [one.event for one in wanted], now) if wanted else []
    return [one for one, answer in zip(wanted, answers, strict=True) if answer.number is not None]
