"""Events as they are told, in any order and twice: what they mean, what is odd, and that the log alone gives the state."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, delete, select, text, update

from data_models import tables
from data_models.absences import present
from data_models.domain import AbsenceFacts, ShiftFacts
from data_models.errors import BadInput, Conflict
from data_models.event_state import Told, technician_state, ticket_state
from data_models.events import KINDS, OWN_KINDS, Event, read_event, read_events
from data_models.store import Store, add_events, load_facts, rebuild, save_snapshot, ticket_states
from data_models.store.events import derived
from data_models.store.pages import events_page
from tests.data_models.test_store import HOUR, NOW, company, plan, published, snapshot

MINUTE = timedelta(minutes=1)
_keys = count()


def event(kind: str, at: float = 0, **facts: Any) -> Event:
    """An event so many minutes after now."""
    moment = (NOW + at * MINUTE).isoformat()
    return read_event({"kind": kind, "at": moment, "key": f"k{next(_keys)}", "by": "王敏", **facts})


def visit(kind: str, at: float = 0, ticket: str = "E-1", technician: str = "T-1", **facts: Any) -> Event:
    return event(f"technician_{kind}", at, ticket=ticket, technician=technician, **facts)


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with a small company, a kit and a shift for each technician."""
    with store.session() as session:
        company(session)
        session.add(tables.StationKit(station_id="ST-1", kit="leak-kit", owned=2))
        for n in (1, 2):
            session.add(tables.Shift(technician_id=f"T-{n}", starts_at=NOW, ends_at=NOW + 8 * HOUR, overtime_minutes=60))
    return store


def told(store: Store, *events: Event, now: datetime = NOW + 8 * HOUR) -> list[tuple[str, str]]:
    """Verdict and note of each event."""
    with store.session() as session:
        return [(answer.verdict, answer.note) for answer in add_events(session, events, now)]


def state(store: Store, ticket: str = "E-1") -> str:
    with store.reading() as session:
        return session.get_one(tables.Ticket, ticket).state


def everything(store: Store) -> dict[str, str]:
    with store.reading() as session:
        return {name: row for name, row in derived(session).items() if not name.startswith("event_note")}


# --- reading ---


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "ticket_melted"}, 'kind is "ticket_melted"; give one of those that `twohour tell --kinds` lists'),
        ({"kind": "ticket_open"}, "such as ticket_opened"),
        ({"kind": "ticket_known"}, "the store tells that itself; leave it out"),
        ({"kind": 5}, "kind is 5; give one of those"),
        ({"at": "2026-03-02T08:00:00"}, "offset"),
        ({"key": ""}, "give a text of 1 to 200"),
        ({"by": "x" * 101}, "say who"),
        ({"ticket": ""}, "give an id"),
        ({"satisfaction": 6}, "give 1 to 5"),
        ({"satisfaction": "5"}, "satisfaction"),
        ({"mood": "good"}, "mood"),
    ],
)
def test_an_event_that_is_none_is_refused_in_words(change, message):
    document = {"kind": "ticket_closed", "at": NOW.isoformat(), "key": "k", "by": "x", "ticket": "E-1", "satisfaction": 4}
    assert read_event(document).ticket == "E-1"
    with pytest.raises(BadInput, match=message):
        read_event(document | change)


def test_until_lies_after_the_event():
    with pytest.raises(BadInput, match="give a later moment"):
        event("technician_delayed", 10, technician="T-1", until=(NOW + 10 * MINUTE).isoformat())


def test_a_file_is_read_line_by_line_and_bad_lines_are_named():
    good = '{"kind": "ticket_contacted", "at": "2026-03-02T08:00:00Z", "key": "%s", "ticket": "E-1"}'
    events, wrong = read_events(
        "\n".join([good % "a", "", "{nonsense", good % "b", '{"kind": 5}', "[1]", '{"kind": "ticket_waiting"}']), default_by="desk"
    )
    assert [one.key for one in events] == ["a", "b"]
    assert {one.by for one in events} == {"desk"}
    assert [sentence.split(":")[0] for sentence in wrong] == ["line 3", "line 5", "line 6", "line 7"]
    assert wrong[0].endswith("write one JSON object on each line")
    assert wrong[3].count(" is missing; give it") == 4  # at, key, ticket and reason: all in one text
    twice = '{"kind": "ticket_contacted", "at": "2026-03-02T08:00:00Z", "key": "a", "key": "b", "ticket": "E-1"}'
    assert "stands in it more than once" in read_events(twice, default_by="desk")[1][0]
    assert [one.key for one in read_events(f"[{good % 'c'}]", default_by="desk")[0]] == ["c"]


def test_the_examples_in_the_documentation_are_events_and_it_tells_every_kind():
    text = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
    examples = [line for line in text.splitlines() if line.startswith("    {")]
    events, wrong = read_events("\n".join(examples), default_by="desk")
    assert (len(events), wrong) == (3, [])
    assert [kind for kind in (*KINDS, *OWN_KINDS) if f"`{kind}`" not in text] == []


# --- what events mean ---


def test_a_day_of_one_ticket(filled):
    assert told(filled, event("ticket_contacted", 1, ticket="E-1")) == [("counts", "")]
    assert told(filled, visit("accepted", 2), visit("driving", 3), visit("arrived", 33)) == [("counts", "")] * 3
    assert state(filled) == "under_way"
    assert told(filled, visit("finished", 90), event("ticket_closed", 100, ticket="E-1", satisfaction=4)) == [("counts", "")] * 2
    assert state(filled) == "done"
    with filled.reading() as session:
        found = ticket_states(session, ["E-1"])["E-1"]
        ticket = session.get_one(tables.Ticket, "E-1")
    assert found.on_site_at == NOW + 33 * MINUTE
    assert (found.resolved_at_first_visit, found.satisfaction) == (True, 4)
    assert ticket.closed_at == NOW + 90 * MINUTE


def test_a_crew_is_on_site_when_the_last_of_it_arrives_and_done_when_the_last_leaves(filled):
    told(filled, event("ticket_changed", 0, ticket="E-1", crew=2), visit("driving", 1), visit("driving", 1, technician="T-2"))
    told(filled, visit("arrived", 20))
    with filled.reading() as session:
        assert ticket_states(session, ["E-1"])["E-1"].on_site_at is None
    told(filled, visit("arrived", 25, technician="T-2"), visit("finished", 80))
    assert state(filled) == "under_way"
    told(filled, visit("finished", 85, technician="T-2"))
    assert state(filled) == "done"
    with filled.reading() as session:
        assert ticket_states(session, ["E-1"])["E-1"].on_site_at == NOW + 25 * MINUTE


def test_what_is_not_resolved_waits_for_another_visit(filled):
    told(filled, visit("driving"), visit("arrived", 5), visit("finished", 10, result="unresolved"))
    assert state(filled) == "open"
    told(filled, visit("driving", 11), visit("arrived", 15), visit("finished", 20))
    with filled.reading() as session:
        found = ticket_states(session, ["E-1"])["E-1"]
    assert (found.state, found.visits, found.resolved_at_first_visit) == ("done", 2, False)


def test_what_is_odd_is_kept_and_flagged_and_counts_where_the_sense_is_clear(filled):
    assert told(filled, visit("arrived", 1)) == [("flagged", "T-1 arrived without having set out")]
    assert state(filled) == "under_way"
    assert told(filled, visit("arrived", 2, "E-2")) == [("flagged", "T-1 arrived without having set out")]
    assert told(filled, event("ticket_cancelled", 3, ticket="E-1"), visit("driving", 4)) == [
        ("counts", ""),
        ("flagged", "the ticket was cancelled already"),
    ]
    assert told(filled, event("ticket_reopened", 5, ticket="E-2")) == [("flagged", "the ticket was not closed")]
    assert told(filled, event("ticket_resumed", 5, ticket="E-2")) == [("flagged", "the ticket did not wait")]
    assert told(filled, event("technician_back", 6, technician="T-2")) == [("flagged", "was not absent")]
    assert state(filled) == "cancelled"


def test_what_cannot_be_is_refused_and_not_kept(filled):
    opened = {"site": "nowhere", "severity": "general", "type": "leak"}
    assert told(
        filled,
        event("ticket_contacted", 8 * 60 + 6, ticket="E-1"),
        visit("driving", technician="T-9"),
        event("ticket_opened", ticket="N-1", **opened),
        event("kit_broken", station="ST-1", kit="gc-ms"),
        event("kit_broken", station="ST-1", kit="leak-kit", count=3),
        event("kit_back", station="ST-1", kit="leak-kit", count=3),
    ) == [
        ("refused", f"it happens at {(NOW + 486 * MINUTE).isoformat()}, after now; set the clock that told it"),
        ("refused", "there is no technician T-9"),
        ("refused", "there is no site nowhere; import it first"),
        ("refused", "station ST-1 owns no kit gc-ms"),
        ("refused", "station ST-1 owns 2 of kit leak-kit, not 3; give a count of at most 2"),
        ("refused", "station ST-1 owns 2 of kit leak-kit, not 3; give a count of at most 2"),
    ]
    assert told(filled, event("ticket_contacted", 8 * 60 + 5, ticket="E-1")) == [("counts", "")]
    with filled.reading() as session:
        assert {row.kind for row, _ in events_page(session, 50)} == {"ticket_contacted"}
        assert {row.kind for row, _ in events_page(session, 50, own=True)} == {"ticket_contacted", "ticket_known"}


def test_told_twice_is_merged_and_a_stolen_key_is_refused(filled):
    first = visit("arrived", 1)
    assert told(filled, visit("driving"), first, first)[1:] == [("counts", ""), ("merged", "told before")]
    assert told(filled, first) == [("merged", "told before")]
    thief = read_event({"kind": "ticket_cancelled", "at": NOW.isoformat(), "key": first.key, "by": "x", "ticket": "E-1"})
    assert told(filled, thief) == [("refused", "the key was used by another event; give each its own")]


def test_what_comes_before_its_ticket_counts_once_it_is_opened(filled):
    assert told(filled, visit("driving", 3, "N-1"), visit("arrived", 9, "N-1"))[0][0] == "waits"
    assert told(filled, event("ticket_opened", 1, ticket="N-1", site="S-1", severity="emergency", type="leak")) == [("counts", "")]
    assert state(filled, "N-1") == "under_way"
    with filled.reading() as session:
        assert [note for _, note in events_page(session, 50, ticket="N-1")] == ["", "", ""]
        assert session.get_one(tables.Position, "T-1").free_at == NOW + 69 * MINUTE  # an hour of work, since nobody says


def test_the_published_plan_tells_kits_and_length_of_a_visit_and_its_ticket_waits_as_planned(filled):
    with filled.session() as session:
        published(session, plan("E-1"))
    told(filled, event("ticket_contacted", 1, ticket="E-1"))
    assert state(filled) == "planned"
    told(filled, visit("driving", 2), visit("arrived", 60))
    with filled.reading() as session:
        position = session.get_one(tables.Position, "T-1")
    assert (position.free_at, position.kits, position.lat) == (NOW + 100 * MINUTE, ["leak-kit"], 31.6)


def test_kits_break_and_come_back_within_what_is_owned(filled):
    broken = {"station": "ST-1", "kit": "leak-kit"}
    assert told(filled, event("kit_broken", 1, **broken, count=2)) == [("counts", "")]
    assert told(filled, event("kit_broken", 2, **broken)) == [("flagged", "the station owns 2, all were broken already")]
    told(filled, event("kit_back", 3, **broken))
    with filled.reading() as session:
        assert session.get_one(tables.StationKit, ("ST-1", "leak-kit")).broken == 1


def test_whoever_is_absent_has_no_shift_until_back(filled):
    told(
        filled,
        event("technician_sick", 60, technician="T-1"),
        event("vehicle_down", 60, technician="T-2", until=(NOW + 2 * HOUR).isoformat()),
    )
    with filled.reading() as session:
        people = load_facts(session, NOW + HOUR, 24 * HOUR).technicians
    assert people[0].shifts == ()
    assert [(s.starts_at, s.ends_at) for s in people[1].shifts][-1:] == [(NOW + 2 * HOUR, NOW + 8 * HOUR)]
    told(filled, event("technician_back", 180, technician="T-1"))
    with filled.reading() as session:
        people = load_facts(session, NOW + HOUR, 24 * HOUR).technicians
    assert [(s.starts_at, s.ends_at) for s in people[0].shifts][-1:] == [(NOW + 3 * HOUR, NOW + 8 * HOUR)]


@pytest.mark.parametrize(
    ("begin", "end", "left"),
    [
        (-2, -1, [(0, 8)]),
        (-1, 0, [(0, 8)]),
        (-1, 1, [(1, 8)]),
        (2, 3, [(0, 2), (3, 8)]),
        (7, 9, [(0, 7)]),
        (0, 8, []),
        (8, 9, [(0, 8)]),
        (1, None, [(0, 1)]),
        (-1, None, []),
    ],
)
def test_an_absence_leaves_what_it_does_not_cover(begin, end, left):
    shift = ShiftFacts(NOW, NOW + 8 * HOUR, 60.0, break_earliest=NOW + 4 * HOUR, break_latest=NOW + 5 * HOUR, break_minutes=30)
    absence = AbsenceFacts(NOW + begin * HOUR, None if end is None else NOW + end * HOUR, "technician_sick")
    found = present([shift], [absence])
    assert [((s.starts_at - NOW) / HOUR, (s.ends_at - NOW) / HOUR) for s in found] == left
    assert all((s.break_minutes is not None) == (s.starts_at <= NOW + 4 * HOUR and s.ends_at >= NOW + 5 * HOUR) for s in found)
    assert all(s.overtime_minutes == (60 if s.ends_at == NOW + 8 * HOUR else 0) for s in found)


# --- the log ---


def test_the_database_itself_keeps_the_log(filled):
    told(filled, event("ticket_contacted", 1, ticket="E-1"))
    for statement in (update(tables.Event).values(by="x"), delete(tables.Event)):
        with pytest.raises(Conflict), filled.session() as session:
            session.execute(statement)


def random_events(chance: Any, number: int) -> list[Event]:
    """Events of three known tickets and an unknown one, which is opened sometime."""
    kinds = ["ticket_contacted", "ticket_cancelled", "ticket_reopened", "ticket_resumed", "ticket_solved", "ticket_closed"]
    made = [event("ticket_opened", 30, ticket="N-1", site="S-1", severity="general", type="leak", crew=2)]
    for _ in range(number):
        ticket, who = chance.choice(["E-1", "E-2", "N-1"]), chance.choice(["T-1", "T-2"])
        choices = [
            lambda at, t=ticket: event(chance.choice(kinds), at, ticket=t),
            lambda at, t=ticket: event("ticket_waiting", at, ticket=t, reason="customer"),
            lambda at, t=ticket, w=who: visit(chance.choice(["driving", "arrived", "finished", "declined", "accepted"]), at, t, w),
            lambda at, w=who: event(
                chance.choice(["technician_sick", "technician_back", "technician_home", "vehicle_down"]), at, technician=w
            ),
            lambda at, w=who: event("technician_delayed", at, technician=w, until=(NOW + (at + 20) * MINUTE).isoformat()),
            lambda at: event(chance.choice(["kit_broken", "kit_back"]), at, station="ST-1", kit="leak-kit"),
        ]
        made.append(chance.choice(choices)(chance.randrange(400)))
    return made


@settings(max_examples=25)
@given(st.randoms(use_true_random=False), st.integers(1, 30))
def test_any_order_any_batches_and_a_rebuild_give_the_same_state(chance, number):
    events = random_events(chance, number)
    seen = []
    for turn in range(2):
        with Store(create_engine("sqlite://")) as store:
            tables.Base.metadata.create_all(store.engine)
            with store.session() as session:
                company(session)
                session.add(tables.StationKit(station_id="ST-1", kit="leak-kit", owned=2))
            left = list(events)
            if turn:
                chance.shuffle(left)
            while left:
                size = chance.randrange(1, 6)
                told(store, *left[:size], *(chance.sample(events, 1) if turn and not left[size:] else ()))
                left = left[size:]
            seen.append(everything(store))
            with store.session() as session:
                before = derived(session)
                rebuild(session)
                assert derived(session) == before
    assert seen[0] == seen[1]


def test_folding_needs_no_database():
    opened = event("ticket_opened", 0, ticket="N", site="S", severity="general", type="leak")
    found, notes = ticket_state([Told(2, visit("arrived", 5, "N")), Told(1, opened)])
    assert (found.state, notes[1].verdict, notes[2].verdict) == ("under_way", "counts", "flagged")
    person, notes = technician_state([Told(1, visit("arrived", 5, "N"))])
    assert (person.position, notes[1].verdict) == (None, "waits")


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from data_models.store import open_store, add_events
from data_models.events import read_events
with open_store(sys.argv[1]) as store:
    for line in sys.stdin.read().splitlines():
        with store.session() as session:
            add_events(session, read_events(line)[0], datetime(2026, 3, 3, tzinfo=UTC))
            if '"die"' in line:
                os.kill(os.getpid(), signal.SIGKILL)
        print("kept", flush=True)
"""


def test_killed_before_the_answer_nothing_is_half_kept_and_telling_again_is_safe(filled):
    if filled.engine.url.database in (None, ":memory:"):
        pytest.skip("a database that ends with its process")
    line = (
        '{{"kind": "technician_driving", "at": "2026-03-02T08:0{n}:00Z", "key": "{key}", "by": "x", "ticket": "E-1", "technician": "T-1"}}'
    )
    lines = [line.format(n=1, key="one"), line.format(n=2, key="die"), line.format(n=3, key="three")]
    url = filled.engine.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, url], input="\n".join(lines), capture_output=True, text=True, check=False, env=os.environ
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "kept\n"), done.stderr
    with filled.reading() as session:
        assert set(session.scalars(select(tables.Event.key).where(tables.Event.by == "x"))) == {"one"}
    assert [verdict for verdict, _ in told(filled, *read_events("\n".join(lines))[0])] == ["merged", "counts", "counts"]
    with filled.session() as session:
        assert (
            session.scalar(
                text(
                    "select count(*) from event where by = 'x'"
                    if session.get_bind().dialect.name == "sqlite"
                    else "select count(*) from event where \"by\" = 'x'"
                )
            )
            == 3
        )


def test_clocks_are_met_by_what_is_told(filled):
    with filled.session() as session:
        session.add(tables.TicketClock(ticket_id="E-1", clock="on_site", due_at=NOW + HOUR))
    told(filled, visit("driving"), visit("arrived", 33))
    with filled.reading() as session:
        assert session.get_one(tables.TicketClock, ("E-1", "on_site")).met_at == datetime(2026, 3, 2, 8, 33, tzinfo=UTC)


def test_a_clock_that_comes_with_a_plan_is_met_by_what_was_told_before_it(filled):
    told(filled, visit("driving"), visit("arrived", 33))
    with filled.session() as session:
        save_snapshot(session, snapshot())
    with filled.session() as session:
        assert session.get_one(tables.TicketClock, ("E-1", "on_site")).met_at == NOW + 33 * MINUTE
        before = derived(session)
        rebuild(session)
        assert derived(session) == before
