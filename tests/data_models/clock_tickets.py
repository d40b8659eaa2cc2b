"""A policy with a promise of each kind, and tickets under it, for the tests of clocks and what follows from them."""

from __future__ import annotations

from datetime import datetime, timedelta

from data_models.calendars import WorkCalendar
from data_models.clock_rules import EscalationStep, PauseRule, WarningRule, parse_step_moment
from data_models.clocks import ClockState, WatchedTicket, clock_states
from data_models.policy import AfterClosing, ClockTable, CostRules, ExtraClock, ServicePolicy, SeverityClocks, SeverityCosts
from data_models.promises import parse_promise

SECOND = timedelta(seconds=1)


def at(text: str) -> datetime:
    """A moment of March 2026 in Shanghai: "02 10:00" is Monday the second."""
    return datetime.fromisoformat(f"2026-03-{text.replace(' ', 'T')}+08:00")


OPENED = at("02 10:00")
"""A Monday morning; hours of work are 08:30 to 17:30, Monday to Friday."""

POLICY = ServicePolicy(
    name="test",
    clocks=ClockTable(
        emergency=SeverityClocks(
            contact=parse_promise("10 min"), on_site=parse_promise("2 h"), solution=parse_promise("8 h"), closing=parse_promise("24 h")
        ),
        important=SeverityClocks(contact=parse_promise("1 h"), diagnosis=parse_promise("2 h"), solution=parse_promise("8 working h")),
        general=SeverityClocks(closing=parse_promise("3 working days")),
    ),
    costs=CostRules(emergency=SeverityCosts(), important=SeverityCosts(), general=SeverityCosts()),
    calendar=WorkCalendar(holidays="none"),
    pauses={
        "customer": PauseRule(("solution", "closing", "handled_again")),
        "storm": PauseRule(("on_site", "solution"), ("emergency", "important", "general")),
    },
    warning=WarningRule(share=0.25, time=parse_promise("1 h")),
)


def with_steps(**steps: EscalationStep) -> ServicePolicy:
    """The policy with these escalation steps."""
    return changed(escalations=steps)


def step(when: str, *whom: str, **said: object) -> EscalationStep:
    """An escalation step; without roles it is for the coordinator."""
    return EscalationStep(parse_step_moment(when), whom or ("coordinator",), **said)  # type: ignore[arg-type]


def changed(**said: object) -> ServicePolicy:
    """The policy with some of its parts replaced."""
    return ServicePolicy(**{**vars(POLICY), **said})  # type: ignore[arg-type]


def ticket(severity: str = "emergency", policy: ServicePolicy = POLICY, **said: object) -> WatchedTicket:
    """A ticket of tier B, opened on Monday at ten unless said."""
    return WatchedTicket("T-17", policy, severity, "B", **{"opened_at": OPENED, **said})  # type: ignore[arg-type]


def clock(one: WatchedTicket, name: str, now: datetime, reopening: int = 0) -> ClockState:
    """One clock of a ticket."""
    return next(state for state in clock_states(one, now) if (state.clock, state.reopening) == (name, reopening))


EXTRA = {
    "numbered": ExtraClock(parse_promise("10 min"), kept_by="opened"),
    "call": ExtraClock(parse_promise("2 h"), counts_from="assigned", kept_by="on_site"),
    "told": ExtraClock(parse_promise("2 h")),
}
AFTER = AfterClosing(call_back=parse_promise("24 h"), reopen_below=3, handled_again=parse_promise("3 working days"))
