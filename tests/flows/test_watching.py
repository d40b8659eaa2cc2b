"""Clocks over the real store: what they say by plan, position and log, and that a look at them does each thing once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from config.notice_settings import NoticeSettings
from config.settings import Settings
from data_models import tables
from data_models.clocks import ClockState
from data_models.compensation import compensation_owed
from data_models.events import Event, read_event
from data_models.store import Store, add_events
from data_models.store.watched import WatchedTickets
from flows import watching
from flows.watching import WatchReport, clocks_by_urgency, watch, watched_tickets
from tests.data_models.test_store import HOUR, NOW, company, plan, published

MINUTE = timedelta(minutes=1)
POLICY = """
extends = "ethanol"
title = "Test"
[clocks.emergency]
contact = "none"
diagnosis = "none"
on_site = "2 h"
solution = "8 h"
closing = "24 h"
A = { contact = "none", diagnosis = "none", on_site = "2 h", solution = "8 h", closing = "24 h" }
[extra_clocks.report]
title = "安全报告"
within = "72 h"
counts_from = "closed"
[after_closing]
call_back = "24 h"
reopen_below = 3
handled_again = "2 d"
[compensation]
per_hour = 100
[escalations]
at_risk = { when = "at_risk", whom = ["coordinator", "technician"], clocks = ["on_site"], severities = [] }
reminder = { when = "none", whom = ["technician"] }
overdue = { when = "0 min", whom = ["coordinator"], clocks = ["on_site"] }
delay = { when = "0 min", whom = ["customer"], clocks = ["on_site"] }
still_overdue = { when = "+30 min", whom = ["director"], clocks = ["on_site"], severities = [], again = "30 min", times = 2 }
long_overdue = { when = "none", whom = ["director"] }
"""
CHANNELS = {"coordinator": ["env:HOOK"], "technician": ["env:HOOK"], "customer": ["env:MAIL"]}


SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What only reads is the same on both databases."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with one policy, whose promise on site is two hours, and a channel for everybody."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "test.toml").write_text(POLICY, encoding="utf-8")
    notices = NoticeSettings.model_validate({"channels": CHANNELS, "languages": {"coordinator": "en", "technician": "en"}})
    return Settings(policy_dir=tmp_path / "policies", policy="test", notices=notices)


@pytest.fixture
def day(store: Store) -> Store:
    """E-1 and E-2, opened an hour ago and due in an hour; T-1 is to be at E-1 in one hour, just in time, and at E-2 in two."""
    with store.session() as session:
        company(session, tickets=2)
        session.flush()
        session.add(tables.Contact(id="K-1", customer_id="C-1", site_id="S-1", name="赵"))
        published(session, plan("E-1", "E-2"))
    return store


def event(kind: str, at: datetime, **facts: Any) -> Event:
    key = f"{kind} {at:%d %H:%M} {facts.get('ticket', '')} {facts.get('technician', '')}"
    return read_event({"kind": kind, "at": at.isoformat(), "key": key, "by": "王敏", **facts})


def tell(store: Store, *events: Event, now: datetime = NOW) -> list[tuple[str, str]]:
    with store.session() as session:
        return [(answer.verdict, answer.note) for answer in add_events(session, events, now)]


def close(store: Store, at: datetime, satisfaction: int | None = None, ticket: str = "E-1") -> None:
    said = {} if satisfaction is None else {"satisfaction": satisfaction}
    assert tell(store, event("ticket_closed", at, ticket=ticket, **said), now=at) == [("counts", "")]


def look(store: Store, settings: Settings, now: datetime = NOW, **how: Any) -> WatchedTickets:
    with store.reading() as session:
        return watched_tickets(session, settings, now, **how)


def clock(store: Store, settings: Settings, ticket: str, name: str, now: datetime = NOW) -> ClockState:
    found = clocks_by_urgency(look(store, settings, now), ticket)
    return next(state for _, state in found if state.clock == name)


def outbox(store: Store, template: str = "") -> list[tuple[str, str, dict[str, Any]]]:
    """Audience, recipient and payload of each notice, in the order in which they were put."""
    with store.reading() as session:
        rows = session.scalars(select(tables.Notice).order_by(tables.Notice.id)).all()
        return [(row.audience, row.recipient_id, row.payload) for row in rows if template in ("", row.template)]


# --- what clocks say ---


@SQLITE
def test_a_clock_is_at_risk_as_soon_as_the_plan_lets_expect_it_late(day: Store, settings: Settings) -> None:
    first, second = clock(day, settings, "E-1", "on_site"), clock(day, settings, "E-2", "on_site")
    assert (first.state, first.predicted_at, first.due_at) == ("running", NOW + HOUR, NOW + HOUR)
    assert (second.state, second.predicted_at) == ("at_risk", NOW + 2 * HOUR)


@SQLITE
def test_whoever_is_held_up_arrives_later_at_every_visit(day: Store, settings: Settings) -> None:
    until = (NOW + 30 * MINUTE).isoformat()
    tell(day, event("technician_delayed", NOW, technician="T-1", until=until))
    # Left at 08:30 in place of 08:00: there at 09:30, done at 10:10 in place of 09:40, at the next at 10:30.
    assert clock(day, settings, "E-1", "on_site").predicted_at == NOW + 90 * MINUTE
    assert clock(day, settings, "E-1", "solution").predicted_at == NOW + 130 * MINUTE
    assert clock(day, settings, "E-2", "on_site").predicted_at == NOW + 150 * MINUTE


@SQLITE
def test_the_moment_that_a_driver_expects_is_the_one_of_arrival(day: Store, settings: Settings) -> None:
    tell(day, event("technician_driving", NOW, ticket="E-1", technician="T-1", expected_at=(NOW + 61 * MINUTE).isoformat()))
    found = clock(day, settings, "E-1", "on_site")
    assert (found.state, found.predicted_at) == ("at_risk", NOW + 61 * MINUTE)


@SQLITE
def test_nobody_is_expected_from_somebody_who_is_away_until_nobody_knows_when(day: Store, settings: Settings) -> None:
    tell(day, event("technician_sick", NOW, technician="T-1"))
    assert clock(day, settings, "E-1", "on_site").predicted_at is None
    tell(day, event("technician_back", NOW + 20 * MINUTE, technician="T-1"), now=NOW + 20 * MINUTE)
    assert clock(day, settings, "E-1", "on_site", NOW + 20 * MINUTE).predicted_at == NOW + HOUR


@SQLITE
def test_clocks_are_met_by_what_was_told(day: Store, settings: Settings) -> None:
    visit = {"ticket": "E-1", "technician": "T-1"}
    told = [event("technician_driving", NOW, **visit), event("technician_arrived", NOW + HOUR, **visit, service_minutes=50)]
    tell(day, *told, now=NOW + HOUR)
    on_site = clock(day, settings, "E-1", "on_site", NOW + HOUR)
    assert (on_site.state, on_site.met_at) == ("met", NOW + HOUR)
    assert clock(day, settings, "E-1", "solution", NOW + HOUR).predicted_at == NOW + 110 * MINUTE
    tell(day, event("technician_finished", NOW + 2 * HOUR, **visit), now=NOW + 2 * HOUR)
    assert clock(day, settings, "E-1", "solution", NOW + 2 * HOUR).state == "met"
    assert clock(day, settings, "E-1", "closing", NOW + 2 * HOUR).state == "running"


@SQLITE
def test_a_closed_ticket_is_watched_until_its_last_clock_was_kept(day: Store, settings: Settings) -> None:
    close(day, NOW, 5)
    # The customer was spoken to; the report counts from closing and waits for its record.
    assert clock(day, settings, "E-1", "call_back").state == "met"
    report = clock(day, settings, "E-1", "report")
    assert (report.state, report.due_at) == ("running", NOW + 72 * HOUR)
    assert tell(day, event("clock_kept", NOW + HOUR, ticket="E-1", clock="report"), now=NOW + HOUR) == [("counts", "")]
    later = look(day, settings, NOW + 2 * HOUR)
    assert [state.clock for one in later.tickets for state in one.states if one.ticket.id == "E-1" and state.is_open] == []


@SQLITE
def test_what_was_settled_long_ago_is_not_watched_but_can_be_asked_for(day: Store, settings: Settings) -> None:
    close(day, NOW, 5)
    much_later = NOW + timedelta(days=40)
    assert [one.ticket.id for one in look(day, settings, much_later).tickets] == ["E-2"]
    assert len(look(day, settings, much_later, settled_since=NOW).tickets) == 2


# --- what they lead to ---


def test_a_step_goes_out_once_and_again_after_its_interval(day: Store, settings: Settings) -> None:
    assert watch(day, settings, NOW).notices == 2
    assert outbox(day)[0] == (
        "coordinator",
        "",
        {
            "ticket": "E-2",
            "site": "一厂",
            "clock": "on_site",
            "due": (NOW + HOUR).isoformat(),
            "expected": (NOW + 2 * HOUR).isoformat(),
        },
    )
    assert [who[:2] for who in outbox(day, "clock_at_risk")] == [("coordinator", ""), ("technician", "T-1")]
    assert watch(day, settings, NOW + MINUTE).notices == 0
    late = NOW + HOUR + timedelta(seconds=1)
    assert watch(day, settings, late).notices == 4
    assert [who[:2] for who in outbox(day, "ticket_state")] == [("customer", "K-1")] * 2
    counts = [watch(day, settings, late + minutes * MINUTE).notices for minutes in (29, 30, 45, 60, 75, 600)]
    # Two tickets: the director's step after half an hour and once again, by the channel of coordinators.
    assert counts == [0, 2, 0, 2, 0, 0]
    assert {payload["step"] for _, _, payload in outbox(day, "clock_missed")} == {1, 2}


def test_an_unhappy_customer_reopens_a_ticket_once_with_a_clock_of_its_own(day: Store, settings: Settings) -> None:
    close(day, NOW, 2)
    report = watch(day, settings, NOW + MINUTE)
    assert report.reopened == ("E-1",)
    assert watch(day, settings, NOW + 2 * MINUTE).reopened == ()
    again = clock(day, settings, "E-1", "handled_again", NOW + 2 * MINUTE)
    assert (again.state, again.due_at) == ("running", NOW + MINUTE + 48 * HOUR)
    told = outbox(day, "ticket_reopened")
    assert [(who, payload["ticket"], payload["score"], payload["below"]) for who, _, payload in told] == [("coordinator", "E-1", 2, 3)]
    with day.reading() as session:
        row = session.scalars(select(tables.Event).where(tables.Event.kind == "ticket_reopened")).one()
        assert (row.by, session.get_one(tables.Ticket, "E-1").state) == ("policy", "planned")
    close(day, NOW + HOUR, 1)
    assert watch(day, settings, NOW + HOUR).reopened == ("E-1",)


@SQLITE
def test_satisfaction_at_the_limit_reopens_nothing_and_silence_is_asked(day: Store, settings: Settings) -> None:
    close(day, NOW, 3)
    close(day, NOW, ticket="E-2")
    assert watch(day, settings, NOW).reopened == ()
    assert watch(day, settings, NOW + MINUTE).notices == 0
    assert [(who, payload["ticket"]) for _, who, payload in outbox(day, "satisfaction_asked")] == [("K-1", "E-2")]
    # What the customer answers comes as a closing told again, which reopens as the first would have.
    tell(day, event("ticket_closed", NOW + HOUR, ticket="E-2", satisfaction=1), now=NOW + HOUR)
    assert watch(day, settings, NOW + HOUR).reopened == ("E-2",)


@SQLITE
def test_what_somebody_opened_again_by_hand_is_not_opened_twice(day: Store, settings: Settings) -> None:
    close(day, NOW, 1)
    tell(day, event("ticket_reopened", NOW + MINUTE, ticket="E-1"), now=NOW + MINUTE)
    assert watch(day, settings, NOW + 2 * MINUTE).reopened == ()


@SQLITE
def test_a_flood_is_put_in_parts_and_nothing_of_it_is_left_out(day: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    close(day, NOW, 1)
    monkeypatch.setattr(watching, "MOST_AT_ONCE", 1)
    report = watch(day, settings, NOW)
    assert (report.reopened, report.notices, len(outbox(day))) == (("E-1",), 3, 3)


def test_two_watchers_at_once_do_nothing_twice(day: Store, settings: Settings) -> None:
    close(day, NOW, 1)
    both, reports = threading.Barrier(4), list[WatchReport]()

    def run(number: int) -> None:
        both.wait()
        reports.append(watch(day, settings, NOW + number * timedelta(seconds=1)))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.reopened for report in reports if report.reopened] == [("E-1",)]
    assert len(outbox(day, "ticket_reopened")) == 1
    assert len(outbox(day, "clock_at_risk")) == 2


@SQLITE
def test_a_look_that_dies_leaves_nothing_half_and_the_next_makes_it_good(
    day: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(day, NOW, 1)

    def dies(*_: Any) -> int:
        raise SystemExit(9)

    with monkeypatch.context() as patched:
        patched.setattr(watching, "announce", dies)
        with pytest.raises(SystemExit):
            watch(day, settings, NOW)
    assert outbox(day) == []
    report = watch(day, settings, NOW)
    assert (report.reopened, report.notices) == (("E-1",), 3)


def test_a_bad_ticket_is_named_and_does_not_stop_the_others(day: Store, settings: Settings) -> None:
    with day.session() as session:
        last = datetime(9999, 12, 31, 23, 50, tzinfo=UTC)
        session.execute(update(tables.Ticket).where(tables.Ticket.id == "E-1").values(due_at=last))
        session.add(tables.Customer(id="C-2", name="c", tier="A"))
        session.flush()
        session.add(tables.Site(id="S-2", customer_id="C-2", name="s", lat=31.6, lon=120.4))
        session.add(tables.Contract(id="V-9", customer_id="C-2", policy="gone", starts_on=NOW.date()))
        session.flush()
        session.add(tables.Ticket(id="E-9", site_id="S-2", severity="general", type="leak", opened_at=NOW))
    report = watch(day, settings, NOW)
    assert report.notices == 2
    problems = sorted(report.problems)
    assert len(problems) == 2
    assert problems[0].startswith("Ticket E-1: its clocks cannot be reckoned")
    assert problems[1].startswith("Ticket E-9: Contract V-9: policy gone does not exist; known are")


@SQLITE
def test_what_is_owed_stays_listed_when_a_ticket_is_settled(day: Store, settings: Settings) -> None:
    visit = {"ticket": "E-1", "technician": "T-1"}
    arrived = event("technician_arrived", NOW + 3 * HOUR, **visit)
    tell(day, arrived, event("technician_finished", NOW + 4 * HOUR, **visit), now=NOW + 4 * HOUR)
    close(day, NOW + 4 * HOUR, 5)
    tell(day, event("clock_kept", NOW + 4 * HOUR, ticket="E-1", clock="report"), now=NOW + 4 * HOUR)
    watched = look(day, settings, NOW + 5 * HOUR, settled_since=NOW)
    owed = compensation_owed([one.ticket for one in watched.tickets], NOW + 5 * HOUR)
    # Two hours late and settled; the other ticket four hours late and still open, at 100 an hour.
    assert [(one.ticket, one.amount, one.is_final) for one in owed.owed] == [("E-1", 200.0, True), ("E-2", 400.0, False)]
