"""From facts to a case: a small company known by heart, and what each fact does to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from data_models.case import Case, Commitment, OutAt, TimeWindow, TravelMatrix
from data_models.case_files import case_json, parse_case
from data_models.context import BeingServed, BrokenKits, Context, ExpiredCertificate, context_json, read_context
from data_models.domain import (
    CompanyFacts,
    ContactFacts,
    ContractFacts,
    CustomerFacts,
    KitStock,
    OutBefore,
    PositionFacts,
    PromisedVisit,
    ShiftFacts,
    SiteFacts,
    SkillHeld,
    StationFacts,
    TechnicianFacts,
    TicketFacts,
)
from data_models.errors import BadInput
from data_models.policy import (
    Clocks,
    ClockTable,
    CostRules,
    Needs,
    ServicePolicy,
    SeverityClocks,
    SeverityCosts,
    TicketType,
)
from data_models.promises import Promise
from data_models.snapshot import Policies, Snapshot, case_places, take_snapshot, with_matrix

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 09:00 in China
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def promise(hours: float) -> Promise:
    return Promise(timedelta(hours=hours))


ETHANOL = ServicePolicy(
    name="ethanol",
    clocks=ClockTable(
        emergency=SeverityClocks(contact=promise(1 / 6), on_site=promise(2)),
        important=SeverityClocks(on_site=promise(8), A=Clocks(on_site=promise(4))),
        general=SeverityClocks(closing=promise(72)),
    ),
    costs=CostRules(
        emergency=SeverityCosts(miss=1000.0, late_per_hour=100.0, skip=9000.0, downtime_share=0.5),
        important=SeverityCosts(),
        general=SeverityCosts(),
        downtime_per_hour=400.0,
    ),
    defaults=Needs(service_minutes=60.0),
    ticket_types={
        "leak": TicketType(service_minutes=90.0, crew=2, skills={"safety": 2, "process": 1}, kits=("leak-kit",), load=3.0),
    },
)
STRICT = replace(ETHANOL, name="strict", clocks=replace(ETHANOL.clocks, emergency=SeverityClocks(on_site=promise(1))))
POLICIES = Policies({"ethanol": ETHANOL, "strict": STRICT}, "ethanol")

TICKET = TicketFacts("E-1", "S-1", "emergency", "leak", NOW - HOUR, title="三号储罐渗漏")
SHIFT = ShiftFacts(NOW - HOUR, NOW + 8 * HOUR, 60.0, break_earliest=NOW + 3 * HOUR, break_latest=NOW + 4 * HOUR, break_minutes=30.0)
PERSON = TechnicianFacts("T-1", "李强", "ST-1", (SkillHeld("safety", 3),), (SHIFT,), phone="139")
OTHER = TechnicianFacts("T-2", "赵静", "ST-1", (), (SHIFT,))
COMPANY = CompanyFacts(
    now=NOW,
    until=NOW + 24 * HOUR,
    customers=(CustomerFacts("C-1", "华东制药", "A"),),
    sites=(SiteFacts("S-1", "C-1", "一厂", 31.6, 120.4, "湖滨路1号", "华东"),),
    contacts=(ContactFacts("P-1", "C-1", "总机", phone="100"), ContactFacts("P-2", "C-1", "王敏", "S-1", phone="101")),
    stations=(StationFacts("ST-1", "无锡站", 31.5, 120.3, kits=(KitStock("leak-kit", 2, 1),)),),
    technicians=(PERSON, OTHER),
    tickets=(TICKET,),
)


def snapshot(facts: CompanyFacts = COMPANY) -> Snapshot:
    return take_snapshot(facts, POLICIES)


def with_ticket(**changes: object) -> Case:
    return snapshot(replace(COMPANY, tickets=(replace(TICKET, **changes),))).case  # type: ignore[arg-type]


def with_contract(**terms: object) -> Case:
    contract = replace(ContractFacts("K-1", "C-1", "ethanol", date(2026, 1, 1)), **terms)  # type: ignore[arg-type]
    return snapshot(replace(COMPANY, contracts=(contract,))).case


def with_person(**changes: object) -> Snapshot:
    return snapshot(replace(COMPANY, technicians=(replace(PERSON, **changes), OTHER)))  # type: ignore[arg-type]


# --- needs, clocks and costs ---


def test_a_ticket_gets_its_needs_clocks_and_costs_from_the_policy() -> None:
    made = snapshot().case.tickets[0]
    assert made.due == NOW + HOUR
    assert (made.service_minutes, made.crew, made.kits, made.load) == (90.0, 2, ("leak-kit",), 3.0)
    assert made.skills == {"process": 1, "safety": 2}
    # 100 an hour and half of the policy's downtime of 400; 24 such hours and the miss cost less than the skip of 9000.
    assert (made.miss_cost, made.late_cost_per_hour, made.skip_cost) == (1000.0, 300.0, 9000.0)


def test_what_the_ticket_says_itself_wins_over_the_policy() -> None:
    made = with_ticket(due_at=NOW + 5 * HOUR, service_minutes=10.0, crew=1, skills={}, kits=(), load=1.0).tickets[0]
    assert (made.due, made.service_minutes, made.crew, made.skills, made.kits, made.load) == (NOW + 5 * HOUR, 10.0, 1, {}, (), 1.0)


def test_a_customers_downtime_wins_over_the_policys_even_when_it_is_nothing() -> None:
    for downtime, late in ((1000.0, 600.0), (0.0, 100.0)):
        facts = replace(COMPANY, customers=(CustomerFacts("C-1", "华东制药", "A", downtime_cost_per_hour=downtime),))
        assert snapshot(facts).case.tickets[0].late_cost_per_hour == late


def test_a_contract_changes_policy_promise_and_compensation() -> None:
    assert with_contract(policy="strict").tickets[0].due == NOW
    assert with_contract(on_site_minutes=30.0).tickets[0].due == NOW - HOUR / 2
    assert with_contract(late_compensation_per_hour=50.0).tickets[0].late_cost_per_hour == 350.0


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "holds"),
    [
        (date(2026, 3, 2), None, True),  # the ticket was opened on 2 March, 08:00 in China
        (date(2026, 3, 3), None, False),
        (date(2026, 1, 1), date(2026, 3, 2), True),
        (date(2026, 1, 1), date(2026, 3, 1), False),
    ],
)
def test_a_contract_holds_from_its_first_day_to_its_last(starts_on: date, ends_on: date | None, holds: bool) -> None:
    due = with_contract(policy="strict", starts_on=starts_on, ends_on=ends_on).tickets[0].due
    assert due == (NOW if holds else NOW + HOUR)


def test_a_policy_that_does_not_exist_is_named_with_its_contract() -> None:
    with pytest.raises(BadInput, match="Contract K-1: policy steel does not exist; known are ethanol, strict"):
        with_contract(policy="steel")


def test_windows_open_to_one_side_limit_that_side_only() -> None:
    both = with_ticket(window_start=NOW, window_end=NOW + HOUR).tickets[0]
    assert (both.not_before, both.windows) == (None, (TimeWindow(NOW, NOW + HOUR),))
    begin = with_ticket(window_start=NOW + HOUR, not_before=NOW).tickets[0]
    assert (begin.not_before, begin.windows) == (NOW + HOUR, ())
    end = with_ticket(window_end=NOW + HOUR).tickets[0]
    assert (end.not_before, end.windows) == (None, (TimeWindow(NOW - HOUR, NOW + HOUR),))


def test_when_nobody_is_left_of_those_who_may_come_nobody_may() -> None:
    some = with_ticket(only=("T-2", "T-9"), banned=("T-8", "T-1")).tickets[0]
    assert (some.only, some.banned) == (("T-2",), ("T-1",))
    none = with_ticket(only=("T-9",)).tickets[0]
    assert (none.only, none.banned) == ((), ("T-1", "T-2"))


# --- people and kits ---


@pytest.mark.parametrize(
    ("expires_on", "valid"),
    [(None, True), (date(2026, 3, 3), True), (date(2026, 3, 2), False), (date(2026, 2, 1), False)],
)
def test_a_certificate_is_absent_from_the_day_it_expires_on(expires_on: date | None, valid: bool) -> None:
    made = with_person(skills=(SkillHeld("safety", 3, expires_on),))
    assert made.case.technicians[0].skills == ({"safety": 3} if valid else {})
    assert made.context.expired == (() if valid or expires_on is None else (ExpiredCertificate("T-1", "safety", 3, expires_on),))


@pytest.mark.parametrize(("seconds", "valid"), [(0, True), (1, False)])
def test_a_certificate_must_outlast_the_overtime_of_a_night_shift(seconds: int, valid: bool) -> None:
    # Overtime until midnight in China, 16:00 UTC, and one second longer.
    night = ShiftFacts(NOW, datetime(2026, 3, 2, 15, 0, seconds, tzinfo=UTC), 60.0, "night")
    made = with_person(skills=(SkillHeld("safety", 3, date(2026, 3, 3)),), shifts=(night,))
    assert ("safety" in made.case.technicians[0].skills) is valid


def test_broken_kits_do_not_count_and_are_told() -> None:
    made = snapshot()
    assert made.case.stations[0].kits == {"leak-kit": 1}
    assert made.context.broken_kits == (BrokenKits("ST-1", "leak-kit", 1),)


@pytest.mark.parametrize(("held", "kits"), [(("leak-kit",), {"leak-kit": 1}), (("borrowed",), {"leak-kit": 1, "borrowed": 1})])
def test_what_somebody_is_out_with_is_there_whatever_was_counted(held: tuple[str, ...], kits: dict[str, int]) -> None:
    assert with_person(position=PositionFacts(31.7, 120.5, NOW + HOUR, held)).case.stations[0].kits == kits


def test_a_broken_kit_that_somebody_carries_is_not_planned_with() -> None:
    station = replace(COMPANY.stations[0], kits=(KitStock("leak-kit", 1, 1),))
    person = replace(COMPANY.technicians[0], position=PositionFacts(31.7, 120.5, NOW + HOUR, ("leak-kit", "other")))
    case = snapshot(replace(COMPANY, stations=(station,), technicians=(person,))).case
    assert case.stations[0].kits == {"leak-kit": 0, "other": 1}
    assert case.technicians[0].start == OutAt(31.7, 120.5, NOW + HOUR, ("other",))


@pytest.mark.parametrize(("broken", "with_kit"), [(0, ["T-1", "T-2"]), (1, ["T-2"]), (2, [])])
def test_of_two_that_are_out_with_the_same_kit_those_free_last_are_taken_to_have_the_broken_one(broken: int, with_kit: list[str]) -> None:
    station = replace(COMPANY.stations[0], kits=(KitStock("leak-kit", 2, broken),))
    first = replace(COMPANY.technicians[0], position=PositionFacts(31.7, 120.5, NOW + 2 * HOUR, ("leak-kit",)))
    second = replace(first, id="T-2", position=PositionFacts(31.7, 120.5, NOW + HOUR, ("leak-kit",)))
    case = snapshot(replace(COMPANY, stations=(station,), technicians=(first, second))).case
    assert [who.id for who in case.technicians if who.start is not None and who.start.kits] == with_kit
    assert case.stations[0].kits == {"leak-kit": 2 - broken}


def test_shifts_keep_their_kind_overtime_and_break() -> None:
    made = with_person(shifts=(SHIFT, ShiftFacts(NOW + 10 * HOUR, NOW + 20 * HOUR, 0.0, "on_call")))
    first, second = made.case.technicians[0].shifts
    assert (first.overtime_minutes, first.breaks[0].minutes, first.breaks[0].latest) == (60.0, 30.0, NOW + 4 * HOUR)
    assert second.breaks == ()
    assert made.context.technicians["T-1"].shift_kinds == ("regular", "on_call")


def test_a_reported_position_is_where_someone_becomes_free() -> None:
    made = with_person(position=PositionFacts(31.7, 120.5, NOW + HOUR, ("leak-kit",)))
    assert made.case.technicians[0].start == OutAt(31.7, 120.5, NOW + HOUR, ("leak-kit",))
    past = with_person(position=PositionFacts(31.7, 120.5, NOW - MINUTE))
    assert past.case.technicians[0].start == OutAt(31.7, 120.5, NOW)


def test_a_position_from_before_the_shift_is_forgotten() -> None:
    assert with_person(position=PositionFacts(31.7, 120.5, NOW - 2 * HOUR)).case.technicians[0].start is None


# --- the published plan ---


def promised(ticket: str, leaves: float, starts: float, finishes: float, technician: str = "T-1") -> PromisedVisit:
    """A visit of a route home at +6 h; moments in hours from now."""
    moments = [NOW + timedelta(hours=hours) for hours in (leaves, starts, starts, finishes, 6)]
    return PromisedVisit(ticket, technician, *moments, lat=31.6, lon=120.4, kits=("leak-kit",))


def under_plan(*visits: PromisedVisit, tickets: tuple[TicketFacts, ...] = (replace(TICKET, state="planned"),)) -> Snapshot:
    in_order = replace(COMPANY.stations[0], kits=(KitStock("leak-kit", 2, 0),))
    return snapshot(replace(COMPANY, stations=(in_order,), promised=visits, published_plan=7, tickets=tickets))


@pytest.mark.parametrize(("leaves", "locked"), [(1 / 3600, False), (0.0, True), (-0.5, True)])
def test_a_promised_visit_is_committed_and_locked_once_the_drive_has_begun(leaves: float, locked: bool) -> None:
    made = under_plan(promised("E-1", leaves, 1, 2), promised("E-1", 0.5, 1, 2, "T-2"))
    assert made.case.committed == (Commitment("E-1", ("T-1", "T-2"), locked),)
    assert made.context.follows_plan == 7


@pytest.mark.parametrize(("leaves", "arrives", "free"), [(0.0, 1.0, 1.0), (-1.0, 0.0, 0.0), (-2.0, -0.5, 0.0)])
def test_someone_driving_to_a_visit_or_waiting_there_is_free_at_its_site_from_arrival(leaves: float, arrives: float, free: float) -> None:
    on_the_way = replace(promised("E-1", leaves, 1.5, 2), arrives_at=NOW + arrives * HOUR)
    for visits in ((on_the_way,), (promised("E-0", -4, -3, leaves), on_the_way)):
        made = under_plan(*visits)
        assert made.case.technicians[0].start == OutAt(31.6, 120.4, NOW + free * HOUR, ("leak-kit",))
        assert made.case.committed == (Commitment("E-1", ("T-1",), locked=True),)


def test_one_second_before_setting_out_someone_is_at_the_station() -> None:
    assert under_plan(promised("E-1", 1 / 3600, 1, 2)).case.technicians[0].start is None


def test_a_crew_driving_to_a_visit_is_there_at_the_arrival_of_each() -> None:
    second = replace(promised("E-1", -0.5, 1, 2, "T-2"), arrives_at=NOW + HOUR / 2)
    first, other = under_plan(promised("E-1", -0.5, 1, 2), second).case.technicians
    assert first.start is not None
    assert other.start is not None
    assert (first.start.at, other.start.at) == (NOW + HOUR, NOW + HOUR / 2)


def test_what_someone_does_before_meeting_a_crew_that_has_set_out_is_locked_too() -> None:
    """T-1 drives to E-1 already; T-2 serves E-2 before they meet there and E-3 afterwards."""
    visits = (
        promised("E-1", -0.5, 3, 4),
        promised("E-2", 0.5, 1, 2, "T-2"),
        promised("E-1", 2, 3, 4, "T-2"),
        promised("E-3", 4, 5, 6, "T-2"),
    )
    tickets = tuple(replace(TICKET, id=f"E-{n}", state="planned") for n in (1, 2, 3))
    made = under_plan(*visits, tickets=tickets)
    assert {item.ticket: item.locked for item in made.case.committed} == {"E-1": True, "E-2": True, "E-3": False}


@pytest.mark.parametrize(("kits", "locked"), [(("leak-kit",), True), (("leak-kit", "meter"), False)])
def test_a_crew_is_not_locked_when_someone_has_to_fetch_other_kits_first(kits: tuple[str, ...], locked: bool) -> None:
    """T-1 drives to E-1; T-2 is on the way home and sets out for E-1 on a second trip with `kits`."""
    first = replace(promised("E-0", -3, -2, -0.5, "T-2"), returns_at=NOW + HOUR / 2)
    made = under_plan(promised("E-1", -0.5, 3, 4), first, replace(promised("E-1", 1, 3, 4, "T-2"), kits=kits))
    assert made.case.committed == (Commitment("E-1", ("T-1", "T-2"), locked),)


def test_on_the_way_home_someone_left_the_last_visit_when_it_was_finished() -> None:
    made = under_plan(promised("E-1", -3, -2, -0.5))
    assert made.case.technicians[0].start == OutAt(31.6, 120.4, NOW - HOUR / 2, ("leak-kit",))
    assert under_plan(replace(promised("E-1", -3, -2, -0.5), returns_at=NOW)).case.technicians[0].start is None


def test_nobody_drives_to_a_ticket_that_was_closed_before_its_visit() -> None:
    assert under_plan(promised("E-0", -0.5, 1, 2)).case.technicians[0].start is None


@pytest.mark.parametrize(
    ("free", "home", "at"),
    [
        (1.0, 2.0, 1.0),  # still working where the plan before had them
        (-1.0, 1 / 3600, -1.0),  # on the way home, since when is kept: another plan makes the way no longer
        (-1.0, 0.0, None),  # at home this second
        (1.0, None, 1.0),  # their route sets out from there,
        (-1.0, None, 0.0),  # and they wait for that
    ],
)
def test_someone_out_when_the_published_plan_was_made_is_still_there(free: float, home: float | None, at: float | None) -> None:
    out = OutBefore("T-1", 31.7, 120.5, NOW + free * HOUR, None if home is None else NOW + home * HOUR, ("leak-kit",))
    made = snapshot(replace(COMPANY, out_before=(out,)))
    assert made.case.technicians[0].start == (None if at is None else OutAt(31.7, 120.5, NOW + at * HOUR, ("leak-kit",)))


@pytest.mark.parametrize(("leaves", "lat"), [(0.0, 31.6), (1 / 3600, 31.7)])
def test_who_was_out_is_elsewhere_once_set_out_on_a_visit(leaves: float, lat: float) -> None:
    facts = replace(COMPANY, out_before=(OutBefore("T-1", 31.7, 120.5, NOW - HOUR, None),), promised=(promised("E-1", leaves, 1, 2),))
    start = snapshot(facts).case.technicians[0].start
    assert start is not None
    assert start.lat == lat


@pytest.mark.parametrize(("free", "lat"), [(-0.5, 31.6), (-0.4, 31.7)])
def test_a_reported_position_holds_until_a_drive_of_the_plan_begins_after_it(free: float, lat: float) -> None:
    person = replace(PERSON, position=PositionFacts(31.7, 120.5, NOW + free * HOUR))
    start = snapshot(replace(COMPANY, technicians=(person, OTHER), promised=(promised("E-1", -0.5, 1, 2),))).case.technicians[0].start
    assert start is not None
    assert start.lat == lat


def test_who_serves_a_ticket_under_way_is_known_from_the_plan_before() -> None:
    before = BeingServed("E-1", "by_plan", ("T-1",), NOW + HOUR)
    made = snapshot(replace(COMPANY, served_before=(before,), tickets=(replace(TICKET, state="under_way"),)))
    assert made.context.being_served == (before,)


def test_a_visit_that_has_begun_by_plan_is_not_planned_again_and_holds_its_crew() -> None:
    made = under_plan(promised("E-1", -1, 0, 1.5))
    assert made.case.tickets == ()
    assert made.case.committed == ()
    assert made.context.being_served == (BeingServed("E-1", "by_plan", ("T-1",), NOW + 1.5 * HOUR),)
    assert made.case.technicians[0].start == OutAt(31.6, 120.4, NOW + 1.5 * HOUR, ("leak-kit",))


def test_a_ticket_reported_under_way_is_not_planned_again() -> None:
    made = under_plan(tickets=(replace(TICKET, state="under_way"),))
    assert made.case.tickets == ()
    assert made.context.being_served == (BeingServed("E-1", "reported"),)


def test_a_ticket_closed_early_sets_its_technician_free_where_they_are() -> None:
    made = under_plan(promised("E-0", -2, -1, 1), promised("E-1", 1, 2, 3))
    assert made.case.technicians[0].start == OutAt(31.6, 120.4, NOW, ("leak-kit",))
    assert made.case.committed == (Commitment("E-1", ("T-1",), False),)


def test_a_promise_of_someone_who_left_is_no_commitment() -> None:
    assert under_plan(promised("E-1", 1, 2, 3, "T-9")).case.committed == ()


# --- context, order, files ---


def test_the_context_tells_whom_to_call_and_what_is_promised() -> None:
    told = snapshot().context.tickets["E-1"]
    assert (told.customer, told.site, told.address, told.title) == ("华东制药", "一厂", "湖滨路1号", "三号储罐渗漏")
    assert (told.contact, told.phone) == ("王敏", "101")
    assert told.clocks == {"contact": NOW - HOUR + 10 * MINUTE, "on_site": NOW + HOUR}
    assert snapshot().context.planning.names == {"E-1": "一厂", "T-1": "李强", "T-2": "赵静"}


def test_case_and_context_come_back_from_their_files() -> None:
    made = under_plan(promised("E-1", -1, 1, 2))
    assert parse_case(made.case_json) == made.case
    assert read_context(made.context_json) == made.context
    assert read_context(context_json(Context())) == Context()
    with pytest.raises(BadInput, match="colour"):
        read_context('{"colour": "red"}')


def test_the_same_facts_give_the_same_digest_and_another_fact_another() -> None:
    assert snapshot().digest == snapshot().digest
    assert snapshot(replace(COMPANY, now=NOW + MINUTE)).digest != snapshot().digest
    assert with_person(phone="138").digest != snapshot().digest


def test_a_matrix_gives_every_located_thing_its_place() -> None:
    made = with_person(position=PositionFacts(31.7, 120.5, NOW + HOUR))
    assert [(place.lat, place.lon) for place in case_places(made.case)] == [(31.5, 120.3), (31.7, 120.5), (31.6, 120.4)]
    numbers = tuple(tuple(float(10 * i + j) if i != j else 0.0 for j in range(3)) for i in range(3))
    placed = with_matrix(made, TravelMatrix("matrix", numbers, numbers), "a road server", ("one note",))
    start = placed.case.technicians[0].start
    assert start is not None
    assert (placed.case.stations[0].place, start.place, placed.case.tickets[0].place) == (0, 1, 2)
    assert (placed.context.travel_source, placed.context.travel_notes) == ("a road server", ("one note",))
    assert parse_case(case_json(placed.case)) == placed.case


@pytest.mark.parametrize(
    ("leaves", "home", "place", "at"), [(1, 2, (31.7, 120.5), 0), (-1, 2, None, 2), (0, 1, None, 1), (-2, 0, None, None)]
)
def test_who_drives_home_for_another_trip_is_free_at_the_station(
    leaves: float, home: float, place: tuple[float, float] | None, at: float | None
) -> None:
    out = OutBefore("T-1", 31.7, 120.5, NOW - HOUR, NOW + home * HOUR, ("leak-kit",), NOW + leaves * HOUR)
    snapshot = take_snapshot(replace(COMPANY, out_before=(out,)), POLICIES)
    start = snapshot.case.technician_by_id["T-1"].start
    station = snapshot.case.station_by_id[snapshot.case.technician_by_id["T-1"].station]
    if at is None:
        assert start is None
    else:
        assert start is not None
        assert (start.lat, start.lon) == (place or (station.lat, station.lon))
        assert start.at == NOW + at * HOUR
