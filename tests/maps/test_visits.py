from dataclasses import replace
from itertools import pairwise

import pytest

from data_models.case import Case, OutAt, TravelMatrix
from data_models.errors import BadInput
from data_models.plan import Plan, Route, Stop
from maps.visits import Place, TicketLabel, chance_words, drive, expected_in_time, severity_figures, ticket_outcomes, trips


def test_spells_fill_a_trip_from_departure_to_return_without_a_gap(small_case: Case, small_plan: Plan) -> None:
    for journey in trips(small_case, small_plan):
        spells = journey.spells
        assert spells[0].start == journey.route.depart
        assert spells[-1].finish == journey.route.returns
        assert all(one.finish == other.start and one.destination == other.origin for one, other in pairwise(spells))
        assert all(spell.finish > spell.start for spell in spells)


def test_a_break_on_the_way_splits_the_drive_where_the_technician_is_by_then(small_case: Case, small_plan: Plan) -> None:
    journey = trips(small_case, small_plan)[0]
    home = [spell for spell in journey.spells if spell.start >= journey.visits[-1].finish]
    # 32.5 to 31.0 is 1.5 h of driving and half an hour of break in the 2 h from 11:45 to 13:45: half an hour drives to 32.0.
    assert [spell.activity for spell in home] == ["drive", "break", "drive"]
    assert home[0].destination.lat == pytest.approx(32.0, abs=1e-3)
    assert home[-1].destination.lat == 31.0


def test_a_technician_waits_before_a_drive_that_need_not_begin_yet(small_case: Case, small_plan: Plan) -> None:
    journey = trips(small_case, small_plan)[0]
    between = [spell for spell in journey.spells if journey.visits[0].finish <= spell.start < journey.visits[1].start]
    # 09:30 to 10:45 has room for the hour's drive and a quarter of an hour of waiting before it.
    assert [spell.activity for spell in between] == ["wait", "drive"]
    assert (between[0].finish - between[0].start).total_seconds() == pytest.approx(900, abs=2)
    assert between[0].origin == between[0].destination


def test_visits_are_numbered_by_technician_across_trips(small_case: Case) -> None:
    first = Route("T1", 0, small_case.now, (Stop("W1", small_case.now, small_case.now, small_case.now),), small_case.now)
    later = small_case.tickets[0].due
    second = Route("T1", 0, later, (Stop("W2", later, later, later),), later)
    journeys = trips(small_case, Plan("small day", (second, first)))
    assert [[visit.number for visit in journey.visits] for journey in journeys] == [[1], [2]]


def test_a_crew_ticket_is_late_by_its_common_start_and_figures_add_up(small_case: Case, small_plan: Plan) -> None:
    outcomes = {item.ticket.id: item for item in ticket_outcomes(small_case, small_plan, trips(small_case, small_plan))}
    assert {id: item.outcome for id, item in outcomes.items()} == {"W1": "in_time", "W2": "late", "W3": "in_time", "W4": "unplanned"}
    assert outcomes["W2"].late_s == 1800
    assert {visit.technician for visit in outcomes["W2"].visits} == {"T1", "T2"}
    figures = severity_figures(tuple(outcomes.values()))
    assert [(f.severity, f.total, f.in_time, f.late, f.unplanned) for f in figures] == [
        ("emergency", 2, 1, 0, 1),
        ("important", 1, 0, 1, 0),
        ("general", 1, 1, 0, 0),
    ]


@pytest.mark.parametrize(("start_s", "outcome"), [(0, "in_time"), (1, "late")])
def test_a_start_at_the_due_moment_is_in_time_and_a_second_after_is_late(small_case: Case, start_s: int, outcome: str) -> None:
    ticket = replace(small_case.tickets[0], due=small_case.now)
    case = replace(small_case, tickets=(ticket,))
    start = small_case.now.replace(second=start_s)
    plan = Plan("small day", (Route("T1", 0, start, (Stop("W1", start, start, start),), start),))
    assert ticket_outcomes(case, plan, trips(case, plan))[0].outcome == outcome


def test_only_the_first_trip_of_the_running_shift_begins_where_the_technician_is(small_case: Case, small_plan: Plan) -> None:
    out = replace(small_case.technicians[0], start=OutAt(30.0, 119.0, small_case.now))
    case = replace(small_case, technicians=(out, *small_case.technicians[1:]))
    later = replace(small_plan.routes[1], depart=small_plan.routes[1].returns)
    journeys = trips(case, replace(small_plan, routes=(*small_plan.routes, later)))
    assert [(journey.origin.lat, journey.from_station) for journey in journeys] == [(30.0, False), (31.0, True), (32.0, True)]


def test_a_ticket_that_the_plan_forgets_is_shown_as_unplanned(small_case: Case) -> None:
    outcomes = ticket_outcomes(small_case, Plan("small day", ()), ())
    assert {item.outcome for item in outcomes} == {"unplanned"}
    assert outcomes[0].reasons == ("not mentioned in the plan",)


def test_a_plan_of_another_case_is_refused_by_name(small_case: Case, small_plan: Plan) -> None:
    with pytest.raises(BadInput, match="ticket W2 is not in the case"):
        trips(replace(small_case, tickets=small_case.tickets[:1]), small_plan)
    with pytest.raises(BadInput, match="technician T2 is not in the case"):
        trips(replace(small_case, technicians=small_case.technicians[:1]), small_plan)


def test_a_matrix_is_read_from_origin_to_destination() -> None:
    travel = TravelMatrix("matrix", ((0.0, 10.0), (20.0, 0.0)), ((0.0, 1000.0), (2000.0, 0.0)))
    assert drive(travel, Place(0, 0, 0), Place(0, 0, 1)) == (10.0, 1.0)
    assert drive(travel, Place(0, 0, 1), Place(0, 0, 0)) == (20.0, 2.0)
    with pytest.raises(BadInput, match="no `place`"):
        drive(travel, Place(0, 0, 1), Place(0, 0))


@pytest.mark.parametrize(
    ("chance", "words"),
    [(0, "0 %"), (0.001, "under 1 %"), (0.006, "1 %"), (0.625, "62 %"), (0.994, "99 %"), (0.996, "over 99 %"), (1, "100 %")],
)
def test_only_what_is_certain_is_told_as_certain(chance: float, words: str) -> None:
    assert chance_words(chance) == words


def test_expected_numbers_are_sums_of_chances(small_case: Case, small_plan: Plan) -> None:
    outcomes = ticket_outcomes(small_case, small_plan, trips(small_case, small_plan))
    labels = {"W1": TicketLabel(chance=0.5), "W3": TicketLabel(chance=0.25), "W4": TicketLabel()}
    assert expected_in_time(outcomes, labels) == {"emergency": 0.5, "important": 0, "general": 0.25}
    assert expected_in_time(outcomes, {"W1": TicketLabel()}) == {}
