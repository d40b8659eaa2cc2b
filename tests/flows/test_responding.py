"""The first answer through a real store: who can come as the published plan stands, on days that can be worked out by hand.

Stations and sites lie on the equator. A kilometre takes a minute and costs 1 + 1.2 for the minute and the kilometre.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import optimizer.candidates
from benchmarks.made_cases import NOW as MADE_NOW
from benchmarks.made_cases import SHAPES, make_case
from config.settings import Settings
from data_models import tables
from data_models.case import EARTH_KM
from data_models.domain import TicketFacts
from data_models.errors import BadInput, NotFound
from data_models.store import Store, approve, open_store, publish
from flows import dispatch, responding
from flows.first_answer import respond_to_case
from flows.planning import SearchLimit, judge, solve, spread_of
from flows.responding import Responder, respond

EIGHT = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)  # 08:00 in Shanghai
KM = 360 / (2 * 3.141592653589793 * EARTH_KM)
SETTINGS = Settings(detour=1, speed_kmh=60, timezone="Asia/Shanghai")


def at(minutes: float) -> datetime:
    return EIGHT + timedelta(minutes=minutes)


class Town:
    """Adds to a store; times are minutes after 08:00, places kilometres east."""

    def __init__(self, store: Store, settings: Settings = SETTINGS) -> None:
        self.store, self.settings = store, settings

    def add(self, *rows: Any) -> None:
        with self.store.session() as session:
            session.add_all(rows)

    def station(self, name: str, km: float, region: str = "", **kits: int) -> None:
        owned = [tables.StationKit(kit=kit, owned=count) for kit, count in kits.items()]
        self.add(tables.Station(id=name, name=f"站{name}", lat=0, lon=km * KM, region=region, kits=owned))

    def technician(self, name: str, station: str, *, shift: tuple[float, float] = (0, 600), kind: str = "regular", **skills: int) -> None:
        held = [tables.TechnicianSkill(skill=skill, level=level) for skill, level in skills.items()]
        spell = tables.Shift(starts_at=at(shift[0]), ends_at=at(shift[1]), kind=kind)
        self.add(tables.Technician(id=name, name=f"王{name}", station_id=station, phone="555", skills=held, shifts=[spell]))

    def ticket(self, name: str, km: float, *, due: float = 600, severity: str = "general", region: str = "", **facts: Any) -> None:
        told: dict[str, Any] = {"service_minutes": 30, "crew": 1, "skills": {}, "kits": [], "opened_at": at(0), "type": "other"} | facts
        self.add(tables.Site(id=f"site {name}", customer_id="C", name=f"厂{name}", lat=0, lon=km * KM, region=region))
        self.add(tables.Ticket(id=name, site_id=f"site {name}", severity=severity, due_at=at(due), **told))

    def publish(self, minutes: float = 0, region: str = "") -> int:
        settings = self.settings.model_copy(update={"region": region})
        snapshot = dispatch.make_snapshot(self.store, settings, dispatch.read_facts(self.store, settings, at(minutes)))
        judged = judge(snapshot.case, solve(snapshot.case, SearchLimit(iterations=200), 1, workers=1))
        number = dispatch.keep_draft(self.store, settings, snapshot, judged, seed=1, at=at(minutes))
        with self.store.session() as session:
            approve(session, number, "王敏", at(minutes))
            publish(session, number, "王敏", at(minutes))
        return number

    def respond(self, ticket: str | TicketFacts, minutes: float = 0, **more: Any) -> Any:
        return respond(self.store, self.settings, ticket, at(minutes), **more)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A town with stations A at 0 and B at 100 km, one person each, and no ticket."""
    with open_store(f"sqlite:///{tmp_path / 'town.sqlite'}") as store:
        yield two_stations(Town(store))


def two_stations(town: Town) -> Town:
    town.add(tables.Customer(id="C", name="太湖制药", tier="A"))
    town.station("A", 0)
    town.station("B", 100)
    town.technician("a1", "A")
    town.technician("b1", "B")
    return town


def came(answer: Any) -> list[tuple[str, ...]]:
    return [tuple(who.technician for who in offer.people) for offer in answer.offers]


def minutes_of(moment: datetime) -> float:
    return (moment - EIGHT).total_seconds() / 60


def begins(answer: Any, who: str) -> int:
    return next(round(minutes_of(offer.start)) for offer in answer.offers if offer.people[0].technician == who)


def test_without_a_plan_people_come_from_their_stations_the_cheapest_first(town: Town) -> None:
    town.ticket("x", 40, due=55, severity="emergency")
    answer = town.respond("x")
    assert (answer.kind, answer.plan, answer.assigned, answer.in_time) == ("open", None, None, True)
    first, second = answer.offers
    (a1,), (b1,) = first.people, second.people
    assert (a1.technician, a1.name, a1.station_name, a1.neighbour, a1.comes_from) == ("a1", "王a1", "站A", False, "站A")
    assert (minutes_of(a1.arrives), a1.distance_km) == (pytest.approx(40, abs=0.02), pytest.approx(40, abs=0.01))
    assert first.added_cost == pytest.approx(80 * 2.2, abs=0.1)
    assert (b1.technician, b1.neighbour, second.late_minutes) == ("b1", True, pytest.approx(5, abs=0.02))
    # b1 is late by 5 of 60 minutes: in time when the drive takes 8.3 % less than planned, which is 0.43 of a spread of 0.2.
    assert second.chance == pytest.approx(0.33, abs=0.05)
    assert first.chance == pytest.approx(0.94, abs=0.03)  # ln(55 / 40) / 0.2 = 1.59
    assert set(answer.spent_ms) == {"outline", "facts", "snapshot", "problem", "candidates", "chances"}


def test_people_come_from_where_the_plan_has_them_and_keep_what_they_drive_to(town: Town) -> None:
    town.ticket("t", 30)
    number = town.publish()
    town.ticket("x", -40, due=140, severity="emergency", opened_at=at(10))
    answer = town.respond("x", 10)
    assert answer.plan == number
    # a1 is at t from 30 to 60 and then drives 70 km; b1 drives 140 km from minute 10 on.
    assert came(answer) == [("a1",), ("b1",)]
    assert [round(minutes_of(offer.start)) for offer in answer.offers] == [130, 150]
    assert [round(offer.late_minutes) for offer in answer.offers] == [0, 10]
    assert answer.offers[0].delays == answer.offers[1].delays == ()
    assert 0.4 < answer.offers[0].chance < 0.9


def test_who_is_delayed_is_named_with_the_chance_that_it_loses(town: Town) -> None:
    town.ticket("t", 50, due=200, not_before=at(180))
    town.publish()
    town.ticket("x", 20, due=90, severity="emergency", service_minutes=180)
    offer = next(each for each in town.respond("x").offers if each.people[0].technician == "a1")
    # x from 20 to 200, then 30 km: t begins at 230 in place of 180.
    (delay,) = offer.delays
    assert (delay.ticket, round(delay.minutes)) == ("t", 50)
    assert delay.chance_now > 0.9
    assert delay.chance_then < 0.5


def test_a_crew_comes_together_from_both_stations(town: Town) -> None:
    town.ticket("x", 50, due=90, crew=2, severity="emergency")
    answer = town.respond("x")
    assert came(answer) == [("a1", "b1")]
    assert [round(minutes_of(who.arrives)) for who in answer.offers[0].people] == [50, 50]


def test_a_planned_ticket_tells_who_has_it_and_who_else_could(town: Town) -> None:
    town.ticket("t", 30)
    town.publish()
    answer = town.respond("t")
    assert answer.kind == "planned"
    assert (answer.assigned.technicians, answer.assigned.names) == (("a1",), ("王a1",))
    assert round(minutes_of(answer.assigned.start)) == 30
    # At minute 0 a1 sets out: it is locked, and nobody else may be sent.
    assert came(answer) == [("a1",)]
    town.ticket("later", 60, not_before=at(300))
    town.publish()
    assert came(town.respond("later")) == [("a1",), ("b1",)]


def test_a_ticket_on_which_work_has_begun_says_who_is_there(town: Town) -> None:
    town.ticket("t", 30)
    town.publish()
    answer = town.respond("t", 45)
    assert (answer.kind, answer.assigned.technicians, answer.offers) == ("under_way", ("a1",), ())
    assert round(minutes_of(answer.assigned.finish)) == 60


def test_a_closed_ticket_needs_nobody(town: Town) -> None:
    town.ticket("t", 30, state="done", closed_at=at(20))
    answer = town.respond("t", 30)
    assert (answer.kind, answer.state, answer.closed_at, answer.offers) == ("closed", "done", at(20), ())


def test_what_does_not_exist_or_opens_later_is_refused(town: Town) -> None:
    with pytest.raises(NotFound, match=r"ticket T-\? is not in the store; check its id"):
        town.respond("T-?")
    town.ticket("x", 30, opened_at=at(60))
    with pytest.raises(BadInput, match=r"ticket x opens at 2026-03-02T09:00:00\+08:00, after 2026-03-02T08:00:00\+08:00"):
        town.respond("x")


def test_facts_that_are_not_stored_are_answered_alike(town: Town) -> None:
    town.ticket("x", 40, due=55, severity="emergency")
    stored = town.respond("x")
    facts = TicketFacts("y", "site x", "emergency", "other", at(0), due_at=at(55), service_minutes=30, crew=1, skills={}, kits=())
    answer = town.respond(facts)
    assert came(answer) == came(stored) == [("a1",), ("b1",)]
    assert [each.added_cost for each in answer.offers] == [each.added_cost for each in stored.offers]
    with pytest.raises(NotFound, match="Ticket y: site nowhere is not in the store"):
        town.respond(replace(facts, site="nowhere"))


def test_a_case_and_a_plan_alone_give_the_same_answer(town: Town) -> None:
    town.ticket("t", 30)
    number = town.publish()
    kept = dispatch.read_plan(town.store, number)
    case, plan = kept.judged.case, kept.judged.plan
    town.ticket("x", 40, due=140, severity="emergency")
    spread = spread_of(SETTINGS.uncertainty)
    new = replace(case.tickets[0], id="x", lon=40 * KM, due=at(140), severity="emergency")
    answer = respond_to_case(case, plan, new, spread, remote_expert=True)
    assert came(answer) == [("a1",), ("b1",)]
    # a1 has not set out: to x first, and to t on the way home.
    assert [round(minutes_of(offer.start)) for offer in answer.offers] == [40, 60]
    assert [delay.ticket for delay in answer.offers[0].delays] == ["t"]
    assert answer.experts == ()  # nobody has any skill
    assert respond_to_case(case, plan, "t", spread).assigned.technicians == ("a1",)  # type: ignore[union-attr]
    with pytest.raises(NotFound, match="ticket y is not in"):
        respond_to_case(case, plan, "y", spread)
    with pytest.raises(BadInput, match="does not belong to case"):
        respond_to_case(replace(case, technicians=()), plan, "t", spread)


def test_people_of_other_regions_come_too_and_keep_what_their_region_has_promised(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'town.sqlite'}") as store:
        town = Town(store, SETTINGS.model_copy(update={"region": "east"}))
        town.add(tables.Customer(id="C", name="太湖制药", tier="A"))
        town.station("A", 0, "east")
        town.station("B", 100, "west")
        town.technician("a1", "A", rare=1)
        town.technician("b1", "B")
        town.ticket("e", 10, region="east")
        town.ticket("w", 90, region="west")
        east, west = town.publish(region="east"), town.publish(region="west")
        assert east != west
        town.ticket("x", 50, due=90, severity="emergency", region="east", opened_at=at(5))
        answer = town.respond("x", 5)
        assert answer.plan == east
        # b1 is at w from 10 to 40 and drives 40 km; a1 is at e from 10 to 40 and drives 40 km: both begin at 80.
        assert {offer.people[0].technician: offer.people[0].other_region for offer in answer.offers} == {"a1": "", "b1": "west"}
        assert [round(minutes_of(offer.start)) for offer in answer.offers] == [80, 80]


def test_an_expert_helps_with_emergencies_where_the_policy_says_so_busy_or_not(town: Town) -> None:
    town.technician("b2", "B", kind="on_call", process=3)
    town.technician("b3", "B", process=3)
    town.technician("b4", "B", shift=(300, 600), process=3)
    town.ticket("t", 100, only=["b3"])
    town.publish()
    town.ticket("x", 40, due=120, severity="emergency", skills={"process": 2}, opened_at=at(5))
    answer = town.respond("x", 5)
    # Both who know the process could also drive there; the one who is not sent is asked, then nobody else is left: b4 is not on duty.
    assert came(answer)[0] == ("b2",)
    assert [(each.technician, each.is_expert, each.busy and each.busy.how) for each in answer.experts] == [("b3", True, "works")]
    town.add(tables.Absence(technician_id="b3", begins_at=at(4), ends_at=None, kind="sick"))
    assert [each.technician for each in town.respond("x", 5).experts] == []
    town.ticket("calm", 40, skills={"process": 2})
    assert town.respond("calm", 5).experts == ()


def test_where_nobody_can_the_reasons_hold_for_the_whole_company(town: Town) -> None:
    town.technician("b2", "B", rare=1)
    town.ticket("far", 900, due=120, severity="emergency")
    town.ticket("rare", 40, due=90, severity="emergency", skills={"rare": 2})
    far, rare = town.respond("far"), town.respond("rare")
    assert (far.offers, far.repair, rare.offers) == ((), None, ())
    assert any("nearest station" in reason.text for reason in far.reasons), far.reasons
    assert any("rare" in reason.text for reason in rare.reasons), rare.reasons


def test_what_nobody_could_serve_is_not_searched_for_and_those_at_hand_are_not_read_twice(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("read twice")

    monkeypatch.setattr(responding._Reader, "_whole", never)
    town.technician("b2", "B", rare=1)
    town.ticket("rare", 40, due=200, severity="emergency", crew=2, skills={"rare": 2})
    answer = town.respond("rare")
    assert (answer.offers, answer.repair) == ((), None)
    assert any("rare" in reason.text for reason in answer.reasons), answer.reasons
    assert "repair" not in answer.spent_ms


@pytest.mark.parametrize(("due", "others", "left_ms"), [(20, 0, 280), (95, 1, 180)])
def test_a_repair_leaves_time_for_what_is_said_after_it(
    town: Town, monkeypatch: pytest.MonkeyPatch, due: float, others: int, left_ms: float
) -> None:
    given: list[float] = []
    real = optimizer.candidates.repair

    def noting(problem: Any, plan: Any, milliseconds: float) -> Any:
        given.append(milliseconds)
        return real(problem, plan, 1.0)

    monkeypatch.setattr(optimizer.candidates, "repair", noting)
    for who in ("a1", "b1"):
        town.add(tables.TechnicianSkill(technician_id=who, skill="calm", level=1))
    town.add(tables.TechnicianSkill(technician_id="a1", skill="leak", level=1))
    if others:
        # The only one who knows leaks is elsewhere in the only window: nobody can come as the plan stands.
        town.ticket("t", 48, due=95, window_start=at(90), window_end=at(95), skills={"calm": 1}, only=["a1"])
        town.publish()
    window = {"window_start": at(90), "window_end": at(95)} if others else {}
    town.ticket("x", 30, due=due, severity="emergency", skills={"leak": 1}, **window)
    # A clock that stands still: nothing of the 300 ms is spent. 20 are kept for saying what was found, 100 for reasons.
    answer = responding.respond(town.store, town.settings, "x", at(0), clock=lambda: 0.0)
    assert bool(answer.offers) == (not others)
    assert given == [left_ms]


def test_where_nobody_can_as_the_plan_stands_moving_another_visit_may_help(town: Town) -> None:
    for who in ("a1", "b1"):
        town.add(tables.TechnicianSkill(technician_id=who, skill="calm", level=1))
    town.add(tables.TechnicianSkill(technician_id="a1", skill="leak", level=1))
    town.ticket("t", 48, due=95, window_start=at(90), window_end=at(95), skills={"calm": 1})
    town.publish()
    assert town.respond("t").assigned.technicians == ("a1",)
    town.ticket("x", 30, due=95, window_start=at(90), window_end=at(95), severity="emergency", skills={"leak": 1})
    answer = town.respond("x", milliseconds=2000)
    assert answer.offers == ()
    assert answer.reasons == ()
    assert [(move.ticket, move.before, move.after) for move in answer.repair.moves] == [("x", (), ("a1",)), ("t", ("a1",), ("b1",))]
    assert answer.repair.late_minutes == 0


def test_what_the_plan_cannot_keep_any_more_is_told(town: Town) -> None:
    town.ticket("t", 60, due=120, window_start=at(100), window_end=at(110), only=["a1"])
    town.publish()
    # a1 is told to be free 300 km away at minute 20, and gets to t by minute 260.
    town.add(tables.Position(technician_id="a1", lat=0, lon=-200 * KM, free_at=at(20), kits=[]))
    town.ticket("x", 40, due=120, severity="emergency", opened_at=at(20))
    answer = town.respond("x", 20)
    assert answer.given_up == ("t",)
    assert came(answer)[0] == ("b1",)


def test_a_responder_reads_again_only_what_may_have_changed(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.ticket("t", 30)
    town.publish()
    town.ticket("x", 40, due=90, severity="emergency", opened_at=at(1))
    read = []
    truly = responding.read_outline
    monkeypatch.setattr(responding, "read_outline", lambda *words: read.append(words) or truly(*words))
    with Responder(town.store, SETTINGS) as responder:
        for minutes in (2, 3, 5):
            assert responder.answer("x", at(minutes)) == town.respond("x", minutes)
        assert len(read) == 1 + 3  # once for itself, each time for `respond`
        responder.answer("x", at(60))
        assert len(read) == 5  # what was read half an hour ago is too old


def test_a_responder_notices_plans_facts_and_positions_whoever_wrote_them(store: Store) -> None:
    town = two_stations(Town(store))
    town.ticket("t", 30)
    town.ticket("x", 40, due=90, severity="emergency")
    with Responder(store, SETTINGS) as responder:
        assert responder.answer("x", at(2)).plan is None
        number = town.publish()
        assert responder.answer("x", at(2)).plan == number
        before = responder.answer("x", at(2))
        town.add(tables.Position(technician_id="b1", lat=0, lon=45 * KM, free_at=at(2), kits=[]))
        after = responder.answer("x", at(2))
        assert [begins(before, "b1"), begins(after, "b1")] == [62, 7]
        with store.session() as session:
            ticket = session.get(tables.Ticket, "t")
            assert ticket is not None
            ticket.state = "cancelled"
        assert responder.answer("t", at(2)).kind == "closed"
        assert responder.answer("x", at(2)) == respond(store, SETTINGS, "x", at(2))


def test_looking_at_those_in_reach_only_leaves_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.first_answer import fill

    case = make_case(replace(SHAPES["usual"], tickets=60), 3)
    moment = MADE_NOW + timedelta(minutes=90)
    settings = Settings()
    with open_store(f"sqlite:///{tmp_path / 'made.sqlite'}") as store:
        fill(store, settings, case, 0.5)
        asked = [ticket.id for ticket in case.tickets[:16]]
        near = [respond(store, settings, name, moment, milliseconds=0) for name in asked]
        monkeypatch.setattr(responding, "stations_in_reach", lambda outline, *_: frozenset(outline.stations))
        every = [respond(store, settings, name, moment, milliseconds=0) for name in asked]
    assert sum(bool(answer.offers) for answer in every) > 8
    for one, other in zip(near, every, strict=True):
        for field in ("kind", "assigned", "offers", "more", "experts"):
            assert getattr(one, field) == getattr(other, field), one.ticket


def test_a_hindrance_on_the_road_makes_everybody_later_until_it_is_over(town: Town) -> None:
    town.ticket("x", 40, due=120, severity="emergency")
    told = {"lat": 0.0, "lon": 40 * KM, "km": 5.0, "factor": 2.0, "until": at(8).isoformat()}
    event = {"key": "snow", "kind": "road_factor", "at": at(0), "arrived_at": at(0), "by": "王敏", "details": told}
    town.add(tables.Event(**event))
    assert begins(town.respond("x", 2), "a1") == 2 + 80
    with Responder(town.store, SETTINGS) as responder:
        assert begins(responder.answer("x", at(2)), "a1") == 2 + 80
        assert begins(responder.answer("x", at(9)), "a1") == 9 + 40


def test_certificates_that_are_over_do_not_count(town: Town) -> None:
    town.add(tables.TechnicianSkill(technician_id="a1", skill="leak", level=1, expires_on=date(2026, 3, 2)))
    town.add(tables.TechnicianSkill(technician_id="b1", skill="leak", level=1, expires_on=date(2026, 3, 4)))
    town.ticket("x", 40, due=120, severity="emergency", skills={"leak": 1})
    assert came(town.respond("x")) == [("b1",)]


def test_an_answer_does_without_prefect(town: Town) -> None:
    town.ticket("x", 40, due=90, severity="emergency")
    code = (
        "import sys; from console import answering; from flows.responding import Responder; from console.cli import main\n"
        "try: main()\nfinally: print(sorted(name for name in sys.modules if name.split('.')[0] == 'prefect'))"
    )
    words = [sys.executable, "-c", code, "respond", "x", "--at", EIGHT.isoformat()]
    environment = {**os.environ, "TWOHOUR_DATABASE_URL": town.store.place, "TWOHOUR_DETOUR": "1", "TWOHOUR_SPEED_KMH": "60"}
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    assert "王a1 (a1)" in done.stdout
    assert done.stdout.strip().endswith("[]")
