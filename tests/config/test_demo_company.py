"""The demo company goes through the intake without a complaint and holds one of each awkward kind, whatever the day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.demo import words
from config.demo.company import write_company
from data_models.case import great_circle_km
from data_models.domain import CompanyFacts
from data_models.intake.load import import_file
from data_models.store import Store, load_facts, open_store

CHINA = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 3, 2, 8, 0, tzinfo=CHINA)


def loaded(folder: Path, store: Store, at: datetime) -> tuple[int, int, int]:
    """Rows inserted, updated and rejected over all tables."""
    reports = [import_file(store, table, path, now=at) for table, path in write_company(folder, at)]
    return sum(r.inserted for r in reports), sum(r.updated for r in reports), sum(r.rejected for r in reports)


def facts_at(store: Store, at: datetime) -> CompanyFacts:
    with store.reading() as session:
        return load_facts(session, at, timedelta(hours=24))


@pytest.fixture
def demo_store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path / 'demo.sqlite'}") as store:
        assert loaded(tmp_path / "tables", store, AT)[1:] == (0, 0)
        yield store


def test_it_has_the_promised_size(demo_store: Store) -> None:
    facts = facts_at(demo_store, AT)
    assert (len(facts.stations), len(facts.technicians), len(facts.tickets)) == (17, 60, 150)


def test_importing_it_again_changes_nothing(demo_store: Store, tmp_path: Path) -> None:
    assert loaded(tmp_path / "again", demo_store, AT) == (0, 0, 0)


def test_it_can_be_written_again_for_the_next_day(demo_store: Store, tmp_path: Path) -> None:
    tomorrow = AT + timedelta(days=1)
    inserted, _, rejected = loaded(tmp_path / "tomorrow", demo_store, tomorrow)
    assert (inserted, rejected) == (60, 0)  # one more day of shifts
    assert len(facts_at(demo_store, tomorrow).tickets) == 150


@pytest.mark.parametrize("at", [AT, AT.replace(month=7, day=19, hour=14)])
def test_the_same_moment_gives_the_same_files(tmp_path: Path, at: datetime) -> None:
    first, second = write_company(tmp_path / "a", at), write_company(tmp_path / "b", at)
    assert [path.read_bytes() for _, path in first] == [path.read_bytes() for _, path in second]


def test_one_of_each_awkward_kind_is_there(demo_store: Store) -> None:
    facts = facts_at(demo_store, AT)
    sites, tickets = facts.site_by_id, facts.tickets
    assert any(ticket.crew == 2 for ticket in tickets)
    assert any(stock.broken == stock.owned == 1 for station in facts.stations for stock in station.kits)
    assert any(held.expires_on == AT.date() for person in facts.technicians for held in person.skills)
    assert any(ticket.window_start == AT.replace(hour=14) for ticket in tickets)
    assert any(ticket.title == words.HOSTILE_TITLE for ticket in tickets)
    assert any(ticket.title.startswith("=") for ticket in tickets)
    assert {shift.kind for person in facts.technicians for shift in person.shifts} == {"regular", "night", "on_call"}
    out = next(person for person in facts.technicians if person.position is not None)
    assert out.position is not None
    # Becomes free after the shift began: a position from before it would be forgotten.
    assert out.shifts[0].starts_at <= AT < out.position.free_at
    far = [
        ticket
        for ticket in tickets
        if min(great_circle_km(s.lat, s.lon, sites[ticket.site].lat, sites[ticket.site].lon) for s in facts.stations) > 900
    ]
    assert len(far) == 1


def test_most_emergencies_can_be_reached_in_two_hours(demo_store: Store) -> None:
    facts = facts_at(demo_store, AT)
    km_left = [
        (
            min(great_circle_km(s.lat, s.lon, facts.site_by_id[t.site].lat, facts.site_by_id[t.site].lon) for s in facts.stations),
            (t.opened_at + timedelta(hours=2) - AT) / timedelta(hours=1) * 70 / 1.3,
        )
        for t in facts.tickets
        if t.severity == "emergency"
    ]
    assert sum(km <= reach for km, reach in km_left) >= 0.75 * len(km_left) >= 10
