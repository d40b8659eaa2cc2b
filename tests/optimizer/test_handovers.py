"""Kits that change hands at a station: when one technician can set out only because another came back."""

from __future__ import annotations

import pytest

from data_models.plan import Plan, Route, Stop
from optimizer.handovers import handovers


@pytest.fixture
def station(line_day):
    """One kit at the station; Li, Wang and Zhao; x, a and e, of which x and e need the kit."""
    line_day.station("S", kit=1)
    for name in ("Li", "Wang", "Zhao"):
        line_day.technician(name)
    for name, kits in (("x", ("kit",)), ("a", ()), ("e", ("kit",))):
        line_day.ticket(name, 20, kits=kits)
    return line_day


def route(day, who: str, begin: float, end: float, tickets: str = "", *kits: str) -> Route:
    """A trip from `begin` to `end` minutes after 08:00; when its visits are does not matter here."""
    stops = tuple(Stop(ticket, day.at(begin), day.at(begin), day.at(end)) for ticket in tickets.split())
    return Route(who, 0, day.at(begin), stops, day.at(end), kits)


def plan(*routes: Route) -> Plan:
    return Plan("day", routes)


def test_a_kit_that_comes_home_sooner_and_goes_on_is_handed_over(station):
    before = plan(route(station, "Li", 0, 120, "x a", "kit"))
    after = plan(route(station, "Li", 0, 70, "x", "kit"), route(station, "Li", 70, 160, "a"), route(station, "Wang", 75, 125, "a e", "kit"))
    (found,) = handovers(station.case(), before, after)
    assert (found.kit, found.giver, found.taker, found.back_at) == ("kit", "Li", "Wang", station.at(70))
    # e is the first of Wang's visits that needs it; Li held it for x and a.
    assert (found.ticket, found.tickets, found.held) == ("e", {"a", "e"}, {"x", "a"})
    assert (found.sooner, found.at_once) == (True, False)


@pytest.mark.parametrize(("told", "sooner"), [(69, False), (70, False), (71, True)])
def test_sooner_is_before_it_was_told_to_come_back(station, told, sooner):
    after = plan(route(station, "Li", 0, 70, "x", "kit"), route(station, "Wang", 70, 120, "e", "kit"))
    (found,) = handovers(station.case(), plan(route(station, "Li", 0, told, "x", "kit")), after)
    assert (found.sooner, found.at_once) == (sooner, True)


def test_without_a_trip_before_nothing_comes_back_sooner(station):
    after = plan(route(station, "Li", 0, 70, "x", "kit"), route(station, "Wang", 70, 120, "e", "kit"))
    (found,) = handovers(station.case(), plan(route(station, "Li", 0, 120, "x a")), after)
    assert (found.sooner, found.held) == (False, frozenset())


@pytest.mark.parametrize("owned", [2, 3])
def test_where_another_kit_lies_nobody_hands_one_over(station, owned):
    station.stations[0].kits["kit"] = owned
    after = plan(route(station, "Li", 0, 70, "x", "kit"), route(station, "Wang", 70, 120, "e", "kit"))
    assert handovers(station.case(), plan(), after) == ()


def test_whoever_takes_a_kit_out_again_hands_it_to_nobody(station):
    after = plan(route(station, "Li", 0, 70, "x", "kit"), route(station, "Li", 80, 120, "e", "kit"))
    assert handovers(station.case(), plan(), after) == ()


def test_what_is_held_on_the_road_is_out_from_the_beginning_and_was_taken_from_nobody(station):
    station.stations[0].kits["kit"] = 2
    station.technicians.clear()
    station.technician("Li", out=(20, 60, ("kit",)))
    station.technician("Wang")
    station.technician("Zhao")
    # Li holds one of two kits and goes on at 09:00; Wang brings the other back at 08:40, and Zhao takes that at 08:45.
    after = plan(
        route(station, "Li", 60, 120, "a", "kit"), route(station, "Wang", 0, 40, "x", "kit"), route(station, "Zhao", 45, 100, "e", "kit")
    )
    assert [(each.giver, each.taker) for each in handovers(station.case(), plan(), after)] == [("Wang", "Zhao")]


def test_people_and_tickets_that_the_case_does_not_know_do_no_harm(station):
    after = plan(
        route(station, "Li", 0, 70, "x", "kit"), route(station, "Wang", 70, 120, "gone", "kit"), route(station, "Who", 0, 9, "", "kit")
    )
    assert [each.ticket for each in handovers(station.case(), plan(), after)] == ["gone"]
    assert handovers(station.case(), plan(), plan(route(station, "Li", 0, 70, "", "other"))) == ()
