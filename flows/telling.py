"""What is told to whom: the notices of each occasion, and publishing a plan together with its notices.

The functions that give a `NewNotice` are pure; `flows.notices.announce` puts what they give into the outbox.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from data_models.store import plan_by_id, publish, published_plan
from flows.notices import NewNotice, announce, notice_key

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from config.settings import Settings
    from data_models import tables
    from data_models.escalations import Escalation
    from data_models.satisfaction import Reopening
    from flows.dispatch import KeptPlan

VisitsBefore = Mapping[str, Mapping[str, datetime]]
"""By technician: the tickets that they were to visit, and when work was to start."""


@dataclass(frozen=True)
class FirstAnswer:
    """Who could take an emergency, when they would be there, and the chance (0 to 1) to be in time."""

    technician: str
    arrives: datetime
    chance: float


def publish_and_tell(session: Session, settings: Settings, kept: KeptPlan, *, by: str, at: datetime) -> None:
    """Publish an approved plan and put the notices about it into the outbox, in the caller's transaction.

    Told are the technicians whose visits differ from those of the plan before, and the coordinators. Raises as `data_models.store.publish`.
    """
    row = plan_by_id(session, kept.id)
    superseded = published_plan(session, row.region)
    before = {} if superseded is None else _visits_of(superseded)
    publish(session, kept.id, by, at)
    announce(session, settings, plan_published(kept, before, at), at)


def plan_published(kept: KeptPlan, before: VisitsBefore, at: datetime) -> Iterator[NewNotice]:
    """To each technician whose visits changed: their visits; to coordinators: how much changed against the plan before."""
    case, context = kept.judged.case, kept.snapshot.context
    now = _visits(kept)
    emergencies = {ticket.id for ticket in case.tickets if ticket.severity == "emergency"}
    for technician in sorted(now.keys() | before.keys()):
        visits, was = now.get(technician, {}), before.get(technician, {})
        if _to_the_minute(visits) == _to_the_minute(was):
            continue
        name = case.technician_by_id[technician].name if technician in case.technician_by_id else technician
        shown = [
            {"starts": start.isoformat(), "ticket": ticket, "site": context.planning.names.get(ticket, ticket)}
            for ticket, start in sorted(visits.items(), key=lambda item: (item[1], item[0]))
        ]
        yield NewNotice(
            notice_key("plan-published", kept.id, technician),
            "technician",
            technician,
            "plan_published_technician",
            {"day": case.now.isoformat(), "technician": name, "visits": shown, "free": [] if shown else [{"technician": name}]},
            emergency=bool(emergencies & (visits.keys() - was.keys())),
        )
    after, earlier = _by_ticket(now), _by_ticket(before)
    moved = [ticket for ticket in after.keys() & earlier.keys() if after[ticket] != earlier[ticket]]
    yield NewNotice(
        notice_key("plan-published", kept.id),
        "coordinator",
        "",
        "plan_published_coordinator",
        {
            "plan": kept.id,
            "day": case.now.isoformat(),
            "planned": len(after),
            "unplanned": len(kept.judged.plan.unassigned),
            "added": len(after.keys() - earlier.keys()),
            "dropped": len(earlier.keys() - after.keys()),
            "moved": len(moved),
        },
        emergency=bool(emergencies & (after.keys() - earlier.keys())),
    )


def emergency_opened(ticket: str, site: str, title: str, due: datetime, answers: Sequence[FirstAnswer]) -> NewNotice:
    """To coordinators: a new emergency with the first answer, best first; `site` is its name, `due` the promised moment on site."""
    shown = [
        {"technician": answer.technician, "arrives": answer.arrives.isoformat(), "chance": round(100 * answer.chance)} for answer in answers
    ]
    payload = {"ticket": ticket, "site": site, "title": title, "due": due.isoformat(), "answers": shown}
    return NewNotice(notice_key("emergency-opened", ticket), "coordinator", "", "emergency_opened", payload, emergency=True)


def clock_at_risk(ticket: str, site: str, clock: str, due: datetime, expected: datetime, *, emergency: bool) -> NewNotice:
    """To coordinators: a clock will probably be missed. Told once for each promised moment."""
    payload = {"ticket": ticket, "site": site, "clock": clock, "due": due.isoformat(), "expected": expected.isoformat()}
    key = notice_key("clock-at-risk", ticket, clock, f"{due.timestamp():.0f}")
    return NewNotice(key, "coordinator", "", "clock_at_risk", payload, emergency=emergency)


def clock_missed(
    ticket: str,
    site: str,
    clock: str,
    due: datetime,
    step: int,
    *,
    emergency: bool,
    audience: Literal["coordinator", "technician"] = "coordinator",
    recipient: str = "",
) -> NewNotice:
    """To coordinators, or to a technician: a clock was missed; `step` is the step of its escalation, from 1, each told once."""
    payload = {"ticket": ticket, "site": site, "clock": clock, "due": due.isoformat(), "step": step}
    key = notice_key("clock-missed", ticket, clock, f"{due.timestamp():.0f}", step, recipient)
    return NewNotice(key, audience, recipient, "clock_missed", payload, emergency=emergency)


def clock_told(
    escalation: Escalation,
    site: str,
    clock: str,
    step: int,
    *,
    emergency: bool,
    audience: Literal["coordinator", "technician"] = "coordinator",
    recipient: str = "",
) -> NewNotice:
    """To coordinators, or to a technician: an escalation step about a clock that is not kept; each step told once to each of them.

    `clock` is the title of a clock of the policy's own, else its name; `step` counts the steps after a miss from 1.
    """
    state = escalation.state
    payload: dict[str, Any] = {"ticket": escalation.ticket, "site": site, "clock": clock, "due": state.due_at.isoformat()}
    template = "clock_due_soon"
    if state.state == "missed":
        template, payload["step"] = "clock_missed", step
    elif state.predicted_at is not None and state.predicted_at > state.due_at:
        template, payload["expected"] = "clock_at_risk", state.predicted_at.isoformat()
    return NewNotice(_of_step(escalation, audience, recipient), audience, recipient, template, payload, emergency=emergency)


def lateness_told(
    escalation: Escalation, contact: str, site: str, state: Literal["open", "planned", "under_way"], *, emergency: bool, link: str = ""
) -> NewNotice:
    """To a customer's contact: an escalation step of their ticket, as the state that it is in and when somebody is expected, if known."""
    told = ticket_state(
        contact, escalation.ticket, site, state, escalation.due_at, expected=escalation.state.predicted_at, emergency=emergency, link=link
    )
    return replace(told, key=_of_step(escalation, "customer", contact))


def _of_step(escalation: Escalation, audience: str, recipient: str) -> str:
    return notice_key("clock", escalation.key, audience, recipient)


def ticket_reopened(reopening: Reopening, site: str, closing: int, *, emergency: bool) -> NewNotice:
    """To coordinators: a ticket is open again, as the satisfaction told at a closing (its number in the log) asks for."""
    promised = [] if reopening.due_at is None else [{"due": reopening.due_at.isoformat()}]
    payload = {"ticket": reopening.ticket, "site": site, "score": reopening.score, "below": reopening.below, "promised": promised}
    key = notice_key("ticket-reopened", reopening.ticket, closing)
    return NewNotice(key, "coordinator", "", "ticket_reopened", payload, emergency=emergency)


def approval_waiting(plan: int, made: datetime, until: datetime, emergencies: int) -> NewNotice:
    """To coordinators: a draft waits for approval until a time, with so many emergencies in it."""
    payload = {"plan": plan, "made": made.isoformat(), "until": until.isoformat(), "emergencies": emergencies}
    return NewNotice(notice_key("approval-waiting", plan), "coordinator", "", "approval_waiting", payload, emergency=emergencies > 0)


def fallback_happened(plan: int, at: datetime, outcome: Literal["last_plan_stands", "emergencies_sent"]) -> NewNotice:
    """To coordinators: nobody approved a plan in time, and what was done instead. Passes quiet hours."""
    payload = {"plan": plan, "at": at.isoformat(), "outcome": outcome}
    return NewNotice(notice_key("fallback", plan), "coordinator", "", "fallback_happened", payload, emergency=True)


def ticket_state(
    contact: str,
    ticket: str,
    site: str,
    state: Literal["open", "planned", "under_way", "done", "cancelled", "reopened"],
    at: datetime,
    *,
    expected: datetime | None = None,
    emergency: bool = False,
    link: str = "",
) -> NewNotice:
    """To a customer's contact: what became of a ticket at `at`, when somebody is expected, if known, and the link to look again."""
    shown: list[dict[str, Any]] = [] if expected is None else [{"arrives": expected.isoformat()}]
    payload = {"ticket": ticket, "site": site, "state": state, "expected": shown, "link": _link(link)}
    key = notice_key("ticket-state", ticket, state, f"{at.timestamp():.0f}", contact)
    return NewNotice(key, "customer", contact, "ticket_state", payload, emergency=emergency)


def satisfaction_asked(contact: str, ticket: str, site: str, closed: datetime, link: str = "") -> NewNotice:
    """To a customer's contact: how satisfied they are with a ticket that was closed. Asked once for each closing."""
    payload = {"ticket": ticket, "site": site, "closed": closed.isoformat(), "link": _link(link)}
    key = notice_key("satisfaction", ticket, f"{closed.timestamp():.0f}", contact)
    return NewNotice(key, "customer", contact, "satisfaction_asked", payload)


def _link(address: str) -> list[dict[str, str]]:
    return [{"address": address}] if address else []


def _visits(kept: KeptPlan) -> dict[str, dict[str, datetime]]:
    visits: dict[str, dict[str, datetime]] = {}
    for route in kept.judged.plan.routes:
        visits.setdefault(route.technician, {}).update({stop.ticket: stop.start for stop in route.stops})
    return visits


def _visits_of(plan: tables.Plan) -> dict[str, dict[str, datetime]]:
    visits: dict[str, dict[str, datetime]] = {}
    for route in plan.routes:
        visits.setdefault(route.technician_id, {}).update({visit.ticket_id: visit.starts_at for visit in route.visits})
    return visits


def _to_the_minute(visits: Mapping[str, datetime]) -> dict[str, int]:
    # Texts show whole minutes, cut: what they would show alike is no change.
    return {ticket: int(start.timestamp() // 60) for ticket, start in visits.items()}


def _by_ticket(visits: VisitsBefore) -> dict[str, set[tuple[str, int]]]:
    found: dict[str, set[tuple[str, int]]] = {}
    for technician, theirs in visits.items():
        for ticket, minute in _to_the_minute(theirs).items():
            found.setdefault(ticket, set()).add((technician, minute))
    return found
