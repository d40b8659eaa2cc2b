"""The store on both databases: what it keeps, what it refuses, and that publishing is all or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

from data_models import tables
from data_models.case import Case, GreatCircle, OutAt, Shift, Station, Technician
from data_models.case_files import parse_plan
from data_models.context import BeingServed, Context, TicketContext
from data_models.domain import KitStock, OutBefore, ShiftFacts, SkillHeld
from data_models.errors import BadInput, Conflict, NotFound, Unavailable
from data_models.plan import Plan, Route, Stop, Unassigned
from data_models.snapshot import Snapshot
from data_models.store import (
    Store,
    approve,
    latest_plan,
    list_plans,
    load_facts,
    open_store,
    plan_by_id,
    plan_versions,
    publish,
    published_plan,
    reject,
    save_plan,
    save_snapshot,
    snapshot_of,
)

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def company(session: Session, tickets: int = 3) -> None:
    """One customer with one site, one station with two technicians, and open tickets E-1, E-2, …"""
    session.add_all([tables.Customer(id="C-1", name="华东制药", tier="A"), tables.Station(id="ST-1", name="无锡站", lat=31.5, lon=120.3)])
    session.flush()
    session.add(tables.Site(id="S-1", customer_id="C-1", name="一厂", lat=31.6, lon=120.4, region="华东"))
    session.add_all(tables.Technician(id=f"T-{n}", name=f"李{n}", station_id="ST-1") for n in (1, 2))
    session.flush()
    session.add_all(
        tables.Ticket(id=f"E-{n}", site_id="S-1", severity="emergency", type="leak", opened_at=NOW - HOUR) for n in range(1, tickets + 1)
    )


def plan(*planned: str, left_out: tuple[str, ...] = (), technician: str = "T-1") -> Plan:
    """A plan named "day" in which one technician serves the tickets one after the other."""
    stops = tuple(
        Stop(ticket, NOW + n * HOUR, NOW + n * HOUR, NOW + (n + 1) * HOUR - timedelta(minutes=20)) for n, ticket in enumerate(planned, 1)
    )
    routes = (Route(technician, 0, NOW, stops, NOW + 9 * HOUR, kits=("leak-kit",)),) if planned else ()
    return Plan("day", routes, tuple(Unassigned(ticket, ("no one has the skill",)) for ticket in left_out))


def snapshot(name: str = "day") -> Snapshot:
    case = Case(name, NOW, GreatCircle("great_circle", 1.3, 70.0), (), (), ())
    return Snapshot(case, Context(tickets={"E-1": TicketContext(customer="华东制药", clocks={"on_site": NOW + HOUR})}))


def keep(
    session: Session, made: Plan, *, violations: int = 0, created_at: datetime = NOW, region: str = "", of: Snapshot | None = None
) -> int:
    kept = save_snapshot(session, of or snapshot())
    return save_plan(
        session, kept.id, made, created_at=created_at, seed=1, iterations=500, violations=violations, region=region, score={"total": 12.5}
    ).id


def published(session: Session, made: Plan, **options: Any) -> int:
    plan_id = keep(session, made, **options)
    approve(session, plan_id, "王敏", NOW)
    publish(session, plan_id, "王敏", NOW)
    return plan_id


def states(store: Store) -> dict[str, str]:
    with store.reading() as session:
        return {row.id: row.state for row in session.execute(select(tables.Ticket.id, tables.Ticket.state))}


# --- opening ---


def test_an_error_inside_a_session_leaves_nothing_behind(store: Store) -> None:
    def write_halfway() -> None:
        with store.session() as session:
            company(session)
            session.flush()
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        write_halfway()
    assert states(store) == {}


def test_what_was_kept_is_there_when_opened_again(database_url: str) -> None:
    with open_store(database_url) as first, first.session() as session:
        company(session)
    with open_store(database_url) as second:
        assert states(second) == {"E-1": "open", "E-2": "open", "E-3": "open"}


def test_a_reader_sees_one_moment_and_waits_for_no_writer(store: Store) -> None:
    with store.session() as session:
        company(session)
    with store.reading() as reader:
        before = reader.scalars(select(tables.Customer.name)).all()
        with store.session() as writer:
            writer.execute(update(tables.Customer).values(name="改名"))
        assert reader.scalars(select(tables.Customer.name)).all() == before


def test_a_url_of_another_database_is_refused_with_the_remedy() -> None:
    for url in ("mysql://host/x", "no url", "sqlite://", "sqlite:///:memory:"):
        with pytest.raises(BadInput, match="sqlite"):
            open_store(url)


def test_a_database_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1") as caught:
        open_store("postgresql://someone:open-sesame@127.0.0.1:9/nothing?connect_timeout=2")
    assert "open-sesame" not in str(caught.value)


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(Unavailable, match=r"store\.sqlite"):
        open_store(f"sqlite:///{tmp_path / 'store.sqlite'}")


def test_a_time_without_offset_is_refused(store: Store) -> None:
    with pytest.raises(StatementError, match="without an offset"), store.session() as session:
        session.add(tables.Snapshot(taken_at=datetime(2026, 3, 2), digest="", case_json="", context_json=""))  # noqa: DTZ001


def test_times_come_back_in_utc_whatever_the_offset(store: Store) -> None:
    from zoneinfo import ZoneInfo

    with store.session() as session:
        company(session, tickets=0)
        opened = datetime(2026, 3, 2, 16, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
        session.add(tables.Ticket(id="E-1", site_id="S-1", severity="general", type="question", opened_at=opened))
    with store.reading() as session:
        found = session.scalars(select(tables.Ticket.opened_at)).one()
    assert (found, found.utcoffset()) == (datetime(2026, 3, 2, 8, 0, tzinfo=UTC), timedelta(0))


# --- nothing is deleted that a plan refers to ---


@pytest.mark.parametrize(
    "model", [tables.Ticket, tables.Technician, tables.Station, tables.Site, tables.Customer, tables.Snapshot, tables.Plan]
)
def test_nothing_that_a_plan_refers_to_can_be_deleted(store: Store, model: type[tables.Base]) -> None:
    with store.session() as session:
        company(session, tickets=1)
        keep(session, plan("E-1"))
    with pytest.raises(Conflict, match="refuses"), store.session() as session:
        session.execute(delete(model))


def test_a_ticket_that_a_plan_leaves_out_cannot_be_deleted_either(store: Store) -> None:
    with store.session() as session:
        company(session, tickets=1)
        keep(session, plan(left_out=("E-1",)))
        session.execute(delete(tables.TicketClock))
    with pytest.raises(Conflict, match="refuses"), store.session() as session:
        session.execute(delete(tables.Ticket))


def test_a_plan_cannot_be_deleted_through_its_object(store: Store) -> None:
    with store.session() as session:
        company(session, tickets=1)
        plan_id = keep(session, plan("E-1"))
    with pytest.raises((Conflict, AssertionError)), store.session() as session:
        session.delete(plan_by_id(session, plan_id))


# --- plans ---


def test_a_plan_comes_back_as_it_was_made(store: Store) -> None:
    made = plan("E-1", "E-2", left_out=("E-3",))
    with store.session() as session:
        company(session)
        plan_id = keep(session, made)
    with store.reading() as session:
        kept = plan_by_id(session, plan_id)
        assert parse_plan(kept.plan_json) == made
        assert [(visit.ticket_id, visit.starts_at) for visit in kept.routes[0].visits] == [("E-1", NOW + HOUR), ("E-2", NOW + 2 * HOUR)]
        assert [(item.ticket_id, item.reasons) for item in kept.unassigned] == [("E-3", ["no one has the skill"])]
        assert (kept.seed, kept.iterations, kept.score, kept.state) == (1, 500, {"total": 12.5}, "draft")
        assert snapshot_of(kept) == snapshot()
        assert snapshot_of(kept).digest == kept.snapshot.digest


def test_the_same_snapshot_is_kept_once(store: Store) -> None:
    with store.session() as session:
        company(session)
        assert save_snapshot(session, snapshot()).id == save_snapshot(session, snapshot()).id
        assert save_snapshot(session, snapshot("another")).id != save_snapshot(session, snapshot()).id


def test_clocks_are_kept_with_the_snapshot_and_a_met_one_stays(store: Store) -> None:
    with store.session() as session:
        company(session)
        session.add(tables.TicketClock(ticket_id="E-1", clock="contact", due_at=NOW, met_at=NOW))
        session.add(tables.TicketClock(ticket_id="E-1", clock="closing", due_at=NOW))
        save_snapshot(session, snapshot())
    with store.reading() as session:
        clocks = {row.clock: (row.due_at, row.met_at) for row in session.scalars(select(tables.TicketClock))}
    assert clocks == {"contact": (NOW, NOW), "on_site": (NOW + HOUR, None)}


def test_versions_count_per_name_and_the_latest_is_found(store: Store) -> None:
    with store.session() as session:
        company(session)
        first, second = keep(session, plan("E-1")), keep(session, plan("E-2"))
    with store.reading() as session:
        assert [(item.id, item.version) for item in plan_versions(session, "day")] == [(first, 1), (second, 2)]
        assert [item.id for item in list_plans(session)] == [second, first]
        latest = latest_plan(session)
        assert latest is not None
        assert latest.id == second
        assert published_plan(session) is None


def test_a_plan_that_does_not_exist_is_named(store: Store) -> None:
    with store.session() as session:
        for action in (lambda: plan_by_id(session, 77), lambda: approve(session, 77, "x", NOW), lambda: publish(session, 77, "x", NOW)):
            with pytest.raises(NotFound, match="Plan 77"):
                action()


def test_a_plan_that_breaks_a_rule_can_be_kept_and_rejected_but_never_approved(store: Store) -> None:
    with store.session() as session:
        company(session)
        plan_id = keep(session, plan("E-1"), violations=2)
    with pytest.raises(Conflict, match=f"Plan {plan_id} breaks 2 rules"), store.session() as session:
        approve(session, plan_id, "王敏", NOW)
    with store.session() as session:
        assert reject(session, plan_id, "王敏", NOW, reason="未达标").state == "rejected"


@pytest.mark.parametrize("state", ["approved", "published", "superseded"])
def test_the_database_itself_refuses_a_plan_with_violations(store: Store, state: str) -> None:
    with store.session() as session:
        company(session)
        plan_id = keep(session, plan("E-1"), violations=1)
    with pytest.raises(IntegrityError), store.engine.begin() as connection:
        connection.execute(text("UPDATE plan SET state = :state WHERE id = :id"), {"state": state, "id": plan_id})


def test_the_database_itself_refuses_two_published_plans_of_a_region(store: Store) -> None:
    with store.session() as session:
        company(session)
        keep(session, plan("E-1"))
        keep(session, plan("E-2"))
        keep(session, plan("E-3"), region="华东")
    with pytest.raises(IntegrityError), store.engine.begin() as connection:
        connection.execute(text("UPDATE plan SET state = 'published'"))
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE plan SET state = 'published' WHERE version <> 2"))


def test_publishing_needs_approval_first(store: Store) -> None:
    with store.session() as session:
        company(session)
        plan_id = keep(session, plan("E-1"))
    with pytest.raises(Conflict, match="approve it first"), store.session() as session:
        publish(session, plan_id, "王敏", NOW)


def test_publishing_supersedes_and_moves_tickets_there_and_back(store: Store) -> None:
    with store.session() as session:
        company(session, tickets=5)
        session.execute(update(tables.Ticket).where(tables.Ticket.id == "E-4").values(state="planned"))
        first = published(session, plan("E-1", "E-2", "E-5"))
    assert states(store) == {"E-1": "planned", "E-2": "planned", "E-3": "open", "E-4": "planned", "E-5": "planned"}
    with store.session() as session:
        session.execute(update(tables.Ticket).where(tables.Ticket.id == "E-5").values(state="under_way"))
        second = published(session, plan("E-2", "E-3", left_out=("E-1",)), created_at=NOW + HOUR)
    assert states(store) == {"E-1": "open", "E-2": "planned", "E-3": "planned", "E-4": "planned", "E-5": "under_way"}
    with store.reading() as session:
        assert plan_by_id(session, first).state == "superseded"
        current = published_plan(session)
        assert current is not None
        assert current.id == second
        assert [item.decision for item in current.approvals] == ["approved", "published"]


def test_publishing_marks_what_the_plan_leaves_to_people_at_work_as_under_way(store: Store) -> None:
    served = tuple(BeingServed(f"E-{n}", "by_plan", ("T-1",), NOW + 3 * HOUR) for n in (1, 3, 4))
    with store.session() as session:
        company(session, tickets=4)
        published(session, plan("E-1", "E-2", "E-4"))
        session.execute(update(tables.Ticket).where(tables.Ticket.id == "E-4").values(state="done"))
        published(session, plan("E-2"), created_at=NOW + HOUR, of=Snapshot(snapshot().case, Context(being_served=served)))
    assert states(store) == {"E-1": "under_way", "E-2": "planned", "E-3": "under_way", "E-4": "done"}
    with store.session() as session:
        assert load_facts(session, NOW + 2 * HOUR, DAY).served_before == served
        published(session, plan("E-2"), created_at=NOW + 2 * HOUR)
    assert states(store)["E-1"] == "under_way"


def test_a_plan_made_before_the_published_one_was_published_is_refused(store: Store) -> None:
    with store.session() as session:
        company(session)
        published(session, plan("E-1"))
        old = keep(session, plan("E-2"), created_at=NOW - HOUR)
        approve(session, old, "李强", NOW)
    with pytest.raises(Conflict, match="plan again"), store.session() as session:
        publish(session, old, "李强", NOW)


def test_the_second_of_two_people_is_told_who_was_first(store: Store) -> None:
    with store.session() as session:
        company(session)
        plan_id = keep(session, plan("E-1"))
    with store.reading() as session:
        seen = plan_by_id(session, plan_id).row_version
    with store.session() as session:
        approve(session, plan_id, "王敏", NOW, seen=seen)
    with pytest.raises(Conflict, match=r"王敏 \(2026-03-02 08:00 UTC\) approved"), store.session() as session:
        approve(session, plan_id, "李强", NOW, seen=seen)
    with pytest.raises(Conflict, match=r"王敏.*look again"), store.session() as session:
        reject(session, plan_id, "李强", NOW, seen=seen)


def test_of_many_people_who_approve_at_once_exactly_one_succeeds(store: Store) -> None:
    with store.session() as session:
        company(session)
        plan_id = keep(session, plan("E-1"))
    begin, results = threading.Barrier(4), []

    def decide(name: str) -> None:
        begin.wait(10)
        try:
            with store.session() as session:
                approve(session, plan_id, name, NOW)
            results.append(name)
        except Conflict as error:
            results.append(error)

    threads = [threading.Thread(target=decide, args=(f"P{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    winners = [item for item in results if isinstance(item, str)]
    assert len(winners) == 1
    assert [winners[0] in str(item) for item in results if isinstance(item, Conflict)] == [True] * 3


def test_of_two_plans_published_at_once_one_is_published_in_the_end(store: Store) -> None:
    with store.session() as session:
        company(session)
        ids = [keep(session, plan(ticket)) for ticket in ("E-1", "E-2")]
        for plan_id in ids:
            approve(session, plan_id, "王敏", NOW)
    begin, refused = threading.Barrier(2), []

    def decide(plan_id: int) -> None:
        begin.wait(10)
        try:
            with store.session() as session:
                publish(session, plan_id, f"P{plan_id}", NOW + HOUR)
        except Conflict as error:
            refused.append(error)

    threads = [threading.Thread(target=decide, args=(plan_id,)) for plan_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ["plan again, so that what was promised" in str(error) for error in refused] == [True]
    with store.reading() as session:
        assert sorted(item.state for item in list_plans(session)) == ["approved", "published"]
    assert sorted(states(store).values()) == ["open", "open", "planned"]


# --- a kill in the middle ---

PUBLISH_AND_STOP = r"""
import sys
from datetime import UTC, datetime
from sqlalchemy import event
from data_models.store import open_store, publish

url, plan_id, moment = sys.argv[1], int(sys.argv[2]), sys.argv[3]

def stop(*_):
    print("here", flush=True)
    sys.stdin.read()

store = open_store(url)
if moment == "after commit":
    with store.session() as session:
        publish(session, plan_id, "王敏", datetime(2026, 3, 2, 10, tzinfo=UTC))
    stop()
with store.session() as session:
    if moment == "before commit":
        event.listen(store.engine, "commit", stop)
        publish(session, plan_id, "王敏", datetime(2026, 3, 2, 10, tzinfo=UTC))
    else:
        reached = lambda sql: sql.replace('"', "").startswith(moment)
        event.listen(store.engine, "after_cursor_execute", lambda c, cursor, sql, *_: reached(sql) and stop())
        publish(session, plan_id, "王敏", datetime(2026, 3, 2, 10, tzinfo=UTC))
"""


@contextmanager
def stopped_in(moment: str, url: str, plan_id: int) -> Iterator[None]:
    """A process that publishes a plan, stops at `moment`, and is killed there at the end of the block."""
    child = subprocess.Popen(
        [sys.executable, "-c", PUBLISH_AND_STOP, url, str(plan_id), moment],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == b"here\n"
        yield
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    assert child.returncode == -signal.SIGKILL


@pytest.mark.parametrize("moment", ["UPDATE plan SET state", "UPDATE ticket", "before commit", "after commit"])
def test_a_kill_in_the_middle_of_publishing_leaves_the_old_plan_or_the_new_one(database_url: str, moment: str) -> None:
    with open_store(database_url) as store, store.session() as session:
        company(session)
        old = published(session, plan("E-1"))
        new = keep(session, plan("E-2"), created_at=NOW + HOUR)
        approve(session, new, "王敏", NOW + HOUR)
    with stopped_in(moment, database_url, new):
        pass
    done = moment == "after commit"
    with open_store(database_url) as store:
        with store.reading() as session:
            current = published_plan(session)
            assert current is not None
            assert current.id == (new if done else old)
            assert plan_by_id(session, old).state == ("superseded" if done else "published")
            assert plan_by_id(session, new).state == ("published" if done else "approved")
        assert states(store) == {"E-1": "open" if done else "planned", "E-2": "planned" if done else "open", "E-3": "open"}
        if not done:
            # The kill left no lock behind either.
            with store.session() as session:
                publish(session, new, "王敏", NOW + 2 * HOUR)


# --- facts ---


def test_facts_hold_the_company_in_use_and_the_shifts_of_the_horizon(store: Store) -> None:
    with store.session() as session:
        company(session, tickets=1)
        session.add_all(
            [
                tables.StationKit(station_id="ST-1", kit="leak-kit", owned=2, broken=1),
                tables.TechnicianSkill(technician_id="T-1", skill="gas", level=2, expires_on=date(2026, 3, 2)),
                # Over for an hour, overtime still running; over with its overtime; of tomorrow; beyond the horizon.
                tables.Shift(technician_id="T-1", starts_at=NOW - 10 * HOUR, ends_at=NOW - HOUR, overtime_minutes=90, kind="night"),
                tables.Shift(technician_id="T-2", starts_at=NOW - 10 * HOUR, ends_at=NOW - HOUR, overtime_minutes=60),
                tables.Shift(technician_id="T-2", starts_at=NOW + 20 * HOUR, ends_at=NOW + 29 * HOUR, kind="on_call"),
                tables.Shift(technician_id="T-2", starts_at=NOW + DAY, ends_at=NOW + 33 * HOUR),
                tables.Technician(id="T-3", name="退休", station_id="ST-1", retired_at=NOW),
                tables.Ticket(id="E-8", site_id="S-1", severity="general", type="question", opened_at=NOW + HOUR),
                tables.Ticket(id="E-9", site_id="S-1", severity="general", type="question", opened_at=NOW - DAY, state="done"),
                tables.Contact(id="P-2", customer_id="C-1", name="赵静"),
                tables.Contract(id="K-1", customer_id="C-1", policy="ethanol", starts_on=date(2026, 1, 1)),
            ]
        )
    with store.reading() as session:
        facts = load_facts(session, NOW, DAY)
    assert [ticket.id for ticket in facts.tickets] == ["E-1"]
    assert [site.id for site in facts.sites] == ["S-1"]
    assert [customer.name for customer in facts.customers] == ["华东制药"]
    assert facts.stations[0].kits == (KitStock("leak-kit", 2, 1),)
    assert [person.id for person in facts.technicians] == ["T-1", "T-2"]
    assert facts.technicians[0].skills == (SkillHeld("gas", 2, date(2026, 3, 2)),)
    assert facts.technicians[0].shifts == (ShiftFacts(NOW - 10 * HOUR, NOW - HOUR, 90.0, "night"),)
    assert facts.technicians[1].shifts == (ShiftFacts(NOW + 20 * HOUR, NOW + 29 * HOUR, 0.0, "on_call"),)
    assert [contract.policy for contract in facts.contracts] == ["ethanol"]
    assert [contact.name for contact in facts.contacts] == ["赵静"]


def test_facts_of_a_region_hold_its_own_stations_people_and_tickets(store: Store) -> None:
    with store.session() as session:
        company(session, tickets=1)
        session.execute(update(tables.Station).values(region="华东"))
        session.add(tables.Station(id="ST-2", name="成都站", lat=30.6, lon=104.0, region="西南"))
        session.flush()
        session.add(tables.Technician(id="T-9", name="周", station_id="ST-2"))
        session.add(tables.Site(id="S-2", customer_id="C-1", name="二厂", lat=30.7, lon=104.1, region="西南"))
        session.flush()
        session.add(tables.Ticket(id="E-2", site_id="S-2", severity="general", type="question", opened_at=NOW))
    with store.reading() as session:
        facts = load_facts(session, NOW, DAY, region="西南")
    assert ([s.id for s in facts.stations], [p.id for p in facts.technicians], [t.id for t in facts.tickets]) == (
        ["ST-2"],
        ["T-9"],
        ["E-2"],
    )


def test_facts_tell_what_the_published_plan_promised(store: Store) -> None:
    with store.session() as session:
        company(session)
        plan_id = published(session, plan("E-1", "E-2"))
        keep(session, plan("E-3"))
    with store.reading() as session:
        facts = load_facts(session, NOW, DAY)
    assert facts.published_plan == plan_id
    assert [(visit.ticket, visit.technician, visit.leaves_at, visit.lat) for visit in facts.promised] == [
        ("E-1", "T-1", NOW, 31.6),
        ("E-2", "T-1", NOW + 2 * HOUR - timedelta(minutes=20), 31.6),
    ]
    assert facts.promised[0].kits == ("leak-kit",)
    assert facts.promised[0].returns_at == NOW + 9 * HOUR


def test_facts_tell_who_was_out_when_the_published_plan_was_made(store: Store) -> None:
    """T-1 has a route in the current shift and waits for it; T-2, free at a point 0.1 degrees north of home, drives home."""
    shift = Shift(NOW - HOUR, NOW + 9 * HOUR)
    out = OutAt(31.6, 120.3, NOW + HOUR, ("leak-kit",))
    people = tuple(Technician(f"T-{n}", f"李{n}", "ST-1", {}, (shift,), start=out) for n in (1, 2))
    case = Case("day", NOW, GreatCircle("great_circle", 1.3, 70.0), (Station("ST-1", "无锡站", 31.5, 120.3),), people, ())
    with store.session() as session:
        company(session)
        published(session, plan("E-1"), of=Snapshot(case, Context()))
    with store.reading() as session:
        found = load_facts(session, NOW, DAY).out_before
    # 0.1 degrees are 11.12 km, 14.46 km by road, 743.4 s at 70 km/h: up to 744.
    home = NOW + HOUR + timedelta(seconds=744)
    assert found == (
        OutBefore("T-1", 31.6, 120.3, NOW + HOUR, None, ("leak-kit",)),
        OutBefore("T-2", 31.6, 120.3, NOW + HOUR, home, ("leak-kit",)),
    )


# --- round trip ---

WORDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)
IDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=64)
NUMBERS = st.floats(0, 1e12, allow_nan=False)
# Offsets, not zones: where clocks change, Python finds a moment unequal to itself in UTC.
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2199, 1, 1), timezones=OFFSETS)  # noqa: DTZ001 - Hypothesis adds the zone
MAYBE_IDS = st.none() | st.lists(IDS, max_size=4)
TICKETS = st.fixed_dictionaries(
    {
        "id": IDS,
        "severity": st.sampled_from(["emergency", "important", "general"]),
        "type": WORDS,
        "title": WORDS,
        "description": WORDS,
        "opened_at": MOMENTS,
        "due_at": st.none() | MOMENTS,
        "not_before": st.none() | MOMENTS,
        "service_minutes": st.none() | NUMBERS,
        "crew": st.none() | st.integers(1, 10),
        "load": NUMBERS,
        "skills": st.none() | st.dictionaries(IDS, st.integers(1, 3), max_size=4),
        "kits": MAYBE_IDS,
        "only": MAYBE_IDS,
        "banned": MAYBE_IDS,
    }
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(TICKETS, max_size=5, unique_by=lambda row: row["id"]))
def test_whatever_a_ticket_holds_comes_back_unchanged(store: Store, rows: list[dict[str, Any]]) -> None:
    with store.session() as session:
        for model in (tables.Ticket, tables.Technician, tables.Site, tables.Station, tables.Customer):
            session.execute(delete(model))
        company(session, tickets=0)
        session.add_all(tables.Ticket(site_id="S-1", **row) for row in rows)
    with store.reading() as session:
        found = {row.id: row for row in session.scalars(select(tables.Ticket))}
        assert found.keys() == {row["id"] for row in rows}
        for row in rows:
            assert {name: getattr(found[row["id"]], name) for name in row} == row
