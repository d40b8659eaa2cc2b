"""The demo company's year: told without a complaint, of a plausible size and shape, the same again for the same moment."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from config.demo.company import write_company
from config.demo.history import DAYS, TICKETS_PER_DAY, write_day, write_history
from config.policies import load_policies
from data_models.expected import expected_emergencies
from data_models.intake.load import import_file
from data_models.plan import Plan, Route, Stop
from data_models.report_figures import Period, ServiceReport
from data_models.service_report import service_report
from data_models.snapshot import Policies
from data_models.store import Store, open_store
from data_models.store.past import past_emergencies
from data_models.store.reporting import service_facts
from data_models.store.watched import watched_in_store
from flows.events import tell_text

CHINA = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 3, 2, 8, 0, tzinfo=CHINA)
POLICIES = Policies(load_policies(), "ethanol")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def store(folder: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{folder / 'demo.sqlite'}") as store:
        for table, path in write_company(folder / "tables", AT):
            assert import_file(store, table, path, now=AT).rejected == 0
        told = tell_text(store, write_history(folder / "tables", AT).read_bytes(), "test", AT)
        assert set(told.counts) == {"counts"}
        yield store


@pytest.fixture(scope="module")
def events(store: Store, folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "tables" / "history.jsonl").read_text(encoding="utf-8").splitlines()]


def report_of(store: Store, start: datetime, end: datetime) -> ServiceReport:
    with store.reading() as session:
        facts = service_facts(session, POLICIES, start, end, AT)
    return service_report(facts, Period(start, end, AT))


def test_the_same_moment_gives_the_same_events_and_another_seed_others(tmp_path: Path) -> None:
    write_company(tmp_path, AT)
    first, again = write_history(tmp_path, AT).read_bytes(), write_history(tmp_path, AT).read_bytes()
    assert first == again
    assert write_history(tmp_path, AT, seed=2).read_bytes() != first


def test_a_year_of_tickets_is_over_before_the_day_and_no_more_is_open_than_the_tables_say(events: list[dict[str, Any]]) -> None:
    opened = [event for event in events if event["kind"] == "ticket_opened"]
    assert len(opened) == pytest.approx(DAYS * TICKETS_PER_DAY, rel=0.1)
    assert max(event["at"] for event in events) < AT.isoformat()
    ended = {event["ticket"] for event in events if event["kind"] in ("ticket_closed", "ticket_cancelled")}
    assert ended == {event["ticket"] for event in opened}


def test_leaks_come_with_the_heat_and_static_with_the_dry_winter(events: list[dict[str, Any]]) -> None:
    months = {"leak": Counter[int](), "fire-risk": Counter[int]()}
    for event in events:
        if event.get("type") in months and event["kind"] == "ticket_opened":
            months[event["type"]][datetime.fromisoformat(event["at"]).month] += 1
    summer, winter = (6, 7, 8), (12, 1, 2)
    assert sum(months["leak"][m] for m in summer) > 1.5 * sum(months["leak"][m] for m in winter)
    assert sum(months["fire-risk"][m] for m in winter) > 1.5 * sum(months["fire-risk"][m] for m in summer)


def test_emergencies_come_while_tankers_are_unloaded_and_at_some_sites_far_more_often(store: Store) -> None:
    with store.reading() as session:
        found = expected_emergencies(past_emergencies(session, AT, 365), AT, CHINA)
    # 12 of a hundred tickets are emergencies: 1.2 a day, and 17 were opened this morning.
    assert found.per_day == pytest.approx(1.25, abs=0.25)
    by_hour = [sum(area.per_hour[hour] for area in found.areas) for hour in range(24)]
    assert by_hour[9] > 2 * by_hour[3]
    assert max(area.seen for area in found.areas) >= 5


def test_most_promises_were_kept_and_some_were_not(store: Store) -> None:
    report = report_of(store, datetime(2026, 2, 1, tzinfo=CHINA), datetime(2026, 3, 1, tzinfo=CHINA))
    for clock in ("contact", "diagnosis", "on_site", "solution", "closing"):
        share = report.clocks[clock].share
        assert share is not None, clock
        assert 0.6 < share < 1.0, (clock, share)
    assert report.satisfaction.mean == pytest.approx(4.3, abs=0.4)
    assert report.first_visit.share == pytest.approx(0.92, abs=0.06)
    assert report.reopenings >= 1
    assert report.owed.count >= 1


def test_the_morning_opens_with_few_promises_missed(store: Store) -> None:
    with store.reading() as session:
        watched = watched_in_store(session, POLICIES, AT)
    assert watched.problems == ()
    states = Counter(state.state for one in watched.tickets for state in one.states if state.is_open or state.state == "missed")
    open_ones = [one for one in watched.tickets if one.state == "open"]
    assert len(open_ones) == 150
    missed = sum(state.is_open and state.state == "missed" for one in open_ones for state in one.states)
    assert missed <= 8, states
    assert not any(one.closing is not None and one.closing.score is not None and one.closing.score < 3 for one in watched.tickets)


def test_a_day_goes_by_its_plan_until_now_and_the_morning_goes_on_as_it_began(tmp_path: Path) -> None:
    write_company(tmp_path, AT)
    hour = timedelta(hours=1)
    stops = (Stop("E-0001", AT + hour, AT + hour, AT + 2 * hour), Stop("E-0002", AT + 3 * hour, AT + 3 * hour, AT + 4 * hour))
    plan = Plan("demo", (Route("T-001", 0, AT, stops, AT + 5 * hour),))

    def told(now: datetime) -> list[dict[str, Any]]:
        return [json.loads(line) for line in write_day(tmp_path, plan, AT, now).read_text(encoding="utf-8").splitlines()]

    after = [(event["kind"], event["ticket"]) for event in told(AT + 3.5 * hour) if event["kind"].startswith("technician")]
    drives, arrives, finishes = "technician_driving", "technician_arrived", "technician_finished"
    assert after == [(drives, "E-0001"), (arrives, "E-0001"), (finishes, "E-0001"), (drives, "E-0002"), (arrives, "E-0002")]
    assert {event["key"] for event in told(AT + hour)} < {event["key"] for event in told(AT + 9 * hour)}
    morning = [json.loads(line) for line in write_history(tmp_path, AT).read_text(encoding="utf-8").splitlines()]
    keys = [event["key"] for event in (*morning, *told(AT + 9 * hour))]
    assert len(set(keys)) == len(keys)
    assert any(event["kind"] == "ticket_contacted" for event in told(AT + hour))


def test_history_of_a_store_begins_with_its_first_ticket_and_is_a_week_at_least(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'new.sqlite'}") as store:
        for table, path in write_company(tmp_path / "tables", AT):
            import_file(store, table, path, now=AT)
        days = {}
        for asked in (365.0, 2.0):
            with store.reading() as session:
                days[asked] = past_emergencies(session, AT, asked).days
        with store.reading() as session:
            a_month_on = past_emergencies(session, AT + timedelta(days=30), 365.0).days
    assert days == {365.0: 7.0, 2.0: 2.0}
    # The first ticket, of whatever severity, was opened at most 900 minutes before: 0.625 days.
    assert 30 < a_month_on <= 30.625
