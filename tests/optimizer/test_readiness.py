"""Readiness: days on a line, positions in minutes of driving, with the arithmetic in comments; the promise is 60 minutes unless said."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, timedelta
from itertools import product

import pytest

from data_models.errors import BadInput
from data_models.expected import Area, ExpectedArea, ExpectedEmergencies
from data_models.plan import BreakTaken, Plan, Route, Stop
from optimizer.readiness import busy_share, choose, readiness, stand_by

NOTHING = Plan("line day", ())
PROMISE = 60


class Areas:
    """Areas on the line of a day, each with a rate per hour that is the same all day."""

    def __init__(self, day) -> None:
        self.day, self.list = day, []

    def add(self, name, position, rate=1.0, skills=None, kits=()) -> None:
        area = Area(name, name, 0.0, 0.0, "", skills or {}, tuple(kits), self.day.place(position))
        self.list.append(ExpectedArea(area, (rate,) * 24, (0.0,) * 24))

    def expected(self) -> ExpectedEmergencies:
        return ExpectedEmergencies(tuple(self.list), UTC)


@pytest.fixture
def areas(line_day) -> Areas:
    return Areas(line_day)


def trip(day, who, ticket, *, depart, arrive, start, finish, returns, kits=(), breaks=(), shift=0) -> Route:
    at = day.at
    rests = tuple(BreakTaken(at(a), at(b)) for a, b in breaks)
    return Route(who, shift, at(depart), (Stop(ticket, at(arrive), at(start), at(finish)),), at(returns), tuple(kits), rests)


def coverage(day, areas, plan=NOTHING, hours=1, busy=0.5, **more):
    return readiness(day.case(), plan, areas.expected(), promise_minutes=PROMISE, hours=hours, busy=busy, **more)


def test_all_idle_at_home_is_the_coverage_of_the_stations(line_day, areas) -> None:
    # S at 0 has two, T at 100 has one. Within 60: near (50) by S's two and T's one (50), far (150) by T's one, lost (300) by nobody.
    # q = 1/2: near 1 - 1/8, far 1 - 1/2, lost 0. Rates 1, 2, 1: within (1 + 2) / 4, covered (7/8 + 2 × 1/2) / 4.
    line_day.station("S")
    line_day.station("T", 100)
    for name, home in (("a", "S"), ("b", "S"), ("c", "T")):
        line_day.technician(name, home)
    areas.add("near", 50)
    areas.add("far", 150, 2.0)
    areas.add("lost", 300)
    found = coverage(line_day, areas)
    assert found.covered.tolist() == [[7 / 8, 1 / 2, 0]]
    hour = found.hours[0]
    assert (hour.within, hour.covered, hour.emergencies, hour.free) == (3 / 4, (7 / 8 + 1) / 4, 4, 3)
    assert (hour.within_at_home, hour.covered_at_home) == (hour.within, hour.covered)
    assert hour.barest is not None
    assert hour.barest.area == "lost"
    assert hour.loses_most is None


@pytest.mark.parametrize(("position", "within"), [(60, 1), (60.02, 0)])
def test_exactly_at_the_promise_counts_and_a_second_over_does_not(line_day, areas, position, within) -> None:
    line_day.station("S")
    line_day.technician("a")
    areas.add("x", position)
    assert coverage(line_day, areas).hours[0].within == within


def test_a_day_of_one_visit_by_the_quarter(line_day, areas) -> None:
    # S at 0, the ticket and the area at 60. Leaves at 60, there at 120, works until 180, home at 240.
    # 08:00 to 08:45: at home, 60 away: yes. 09:00, 09:15 …: on the way, free at 180 at the site, which is the area itself: in time
    # from 120 on, so not at 60, 75, 90, 105. From 120 on until 180: waits at most 60. On the way home from 180 on: turning back
    # after k minutes takes k: 0, 15, 30, 45. From 240 on at home.
    line_day.station("S")
    line_day.technician("a")
    line_day.ticket("t", 60, service=60)
    areas.add("x", 60)
    plan = Plan("line day", (trip(line_day, "a", "t", depart=60, arrive=120, start=120, finish=180, returns=240),))
    found = coverage(line_day, areas, plan, hours=5)
    assert [hour.within for hour in found.hours] == [1, 0, 1, 1, 1]
    assert [hour.free for hour in found.hours] == [1, 0, 0, 1, 1]
    assert found.lost == {"x": pytest.approx(0.5)}
    assert found.hours[1].loses_most is not None
    # Busy from 60 to 180 of a shift of 480 minutes: 1/4.
    assert busy_share(line_day.case(), plan) == pytest.approx(1 / 4)


def test_waiting_at_a_site_is_free_and_resting_is_not(line_day, areas) -> None:
    # At the site (60) from 60 on, works from 120 to 150; rests from 60 to 105: free there at 105 and 115, that is the third hour's …
    # the second hour: at 60 waits 45 for the end of the rest, area at 80 is 20 away: 65 > 60. At 75: 30 + 20. At 90 and 105: yes.
    line_day.station("S")
    line_day.technician("a", breaks=((60, 60, 45),))
    line_day.ticket("t", 60)
    areas.add("x", 80)
    route = trip(line_day, "a", "t", depart=0, arrive=60, start=120, finish=150, returns=210, breaks=((60, 105),))
    found = coverage(line_day, areas, Plan("line day", (route,)), hours=2)
    assert found.hours[1].within == 3 / 4
    assert found.hours[1].free == 1 / 4


def test_a_kit_that_is_out_is_missed_until_it_is_back(line_day, areas) -> None:
    # a takes the only kit from 0 to 120 (40 there, 40 of work, 40 back); b stays at home without one. The area (10) wants the kit.
    # a on the way: free at 80 at 40, 30 from the area: in time when 80 - t + 30 ≤ 60, so from 50 on. At 80 turning back takes
    # k + 30, from home 120 - t + 10 ≤ 50: always. b gets the kit at 120 only.
    line_day.station("S", k=1)
    line_day.technician("a")
    line_day.technician("b")
    line_day.ticket("t", 40, service=40, kits=("k",))
    areas.add("x", 10, kits=("k",))
    plan = Plan("line day", (trip(line_day, "a", "t", depart=0, arrive=40, start=40, finish=80, returns=120, kits=("k",)),))
    found = coverage(line_day, areas, plan, hours=3)
    assert [hour.within for hour in found.hours] == [0, 1, 1]
    # One kit serves one person, however many wait: 1 - q, not 1 - q².
    assert found.covered[2, 0] == 1 / 2


def test_skills_have_to_be_held_at_their_level(line_day, areas) -> None:
    line_day.station("S")
    line_day.technician("a", skills={"leak": 1})
    line_day.technician("b", skills={"leak": 2})
    for level in (1, 2, 3):
        areas.add(f"x{level}", 10, skills={"leak": level})
    assert coverage(line_day, areas).covered.tolist() == [[3 / 4, 1 / 2, 0]]


def test_nobody_answers_after_the_end_of_shift_and_overtime(line_day, areas) -> None:
    # The shift ends at 60, overtime 20: from 40 away the last start is at 40, so of 0, 15, 30, 45 three.
    line_day.station("S")
    line_day.technician("a", shifts=((0, 60),), overtime=20)
    areas.add("x", 40)
    assert coverage(line_day, areas, hours=2).hours[0].within == 3 / 4
    assert coverage(line_day, areas, hours=2).hours[1].within == 0


def test_a_shift_that_begins_soon_counts_with_the_wait(line_day, areas) -> None:
    # On duty from 60, 30 away: in time from 30 on.
    line_day.station("S")
    line_day.technician("a", shifts=((60, 480),))
    areas.add("x", 30)
    assert coverage(line_day, areas).hours[0].within == 1 / 2


def test_somebody_out_without_a_route_is_free_where_they_become_free(line_day, areas) -> None:
    # Out at 90 until 30, with the kit; the area is there: in time from the start (waits 30), turning back after 30: t - 30.
    line_day.station("S", k=1)
    line_day.technician("a", out=(90, 30, ("k",)))
    areas.add("x", 90, kits=("k",))
    found = coverage(line_day, areas, hours=2)
    assert [hour.within for hour in found.hours] == [1, 3 / 4]  # 60, 75, 90 within, 105 not


@pytest.mark.parametrize(("busy", "covered"), [(0.0, 1.0), (1.0, 0.0), (0.25, 1 - 0.25**2)])
def test_the_ends_of_the_probability_to_be_busy(line_day, areas, busy, covered) -> None:
    line_day.station("S")
    line_day.technician("a")
    line_day.technician("b")
    areas.add("x", 10)
    areas.add("lost", 200, 0.0)
    hour = coverage(line_day, areas, busy=busy).hours[0]
    assert (hour.within, hour.covered) == (1, covered)


def test_nothing_to_look_at_gives_an_answer(line_day, areas) -> None:
    empty = coverage(line_day, areas)
    assert (empty.hours[0].within, empty.hours[0].barest, empty.emergencies) == (None, None, 0)
    assert stand_by(line_day.case(), NOTHING, areas.expected(), line_day.at(0)).suggestions == ()
    areas.add("x", 10)
    bare = coverage(line_day, areas, busy=None)
    assert (bare.hours[0].within, bare.busy) == (0, 0)
    line_day.station("S")
    assert stand_by(line_day.case(), NOTHING, areas.expected(), line_day.at(0)).after == 0


def random_line(day, areas, rng) -> Plan:
    for name in "STU":
        day.station(name, rng.randint(0, 200), k=rng.choice([0, 1, 2]))
    routes = []
    for number in range(4):
        name, home = f"p{number}", rng.choice(day.stations)
        day.technician(name, home.id, skills={"leak": rng.randint(0, 2)}, shifts=((rng.choice([0, 45]), rng.choice([90, 480])),))
        position = rng.randint(0, 200)
        far = abs(position - day.positions[home.place])
        day.ticket(name, position)
        if rng.random() < 0.4:
            begin, kits = rng.randint(45, 60), ("k",) if rng.random() < 0.5 and home.kits["k"] else ()
            there = begin + far
            routes.append(
                trip(day, name, name, depart=begin, arrive=there, start=there, finish=there + 30, returns=there + 30 + far, kits=kits)
            )
    for number in range(5):
        kits, skills = ("k",) if rng.random() < 0.4 else (), {"leak": 1} if rng.random() < 0.4 else {}
        areas.add(f"x{number}", rng.randint(0, 200), rng.choice([0.5, 1, 2]), skills, kits)
    return Plan("line day", tuple(routes))


@pytest.mark.parametrize("seed", range(15))
def test_one_more_free_person_never_lowers_coverage(line_day, areas, seed) -> None:
    rng = random.Random(seed)
    plan = random_line(line_day, areas, rng)
    before = coverage(line_day, areas, plan, hours=6, busy=0.4)
    line_day.technician("one more", rng.choice("STU"), skills={"leak": rng.randint(0, 2)})
    after = coverage(line_day, areas, plan, hours=6, busy=0.4)
    assert (after.covered >= before.covered - 1e-12).all()


def test_stand_by_sends_the_second_to_where_nobody_is(line_day, areas) -> None:
    # a and b wait at S (0); x at 10 with 1 an hour, y at 100 with 1. Nobody reaches y from S. q = 1/4: before (1 - 1/16) + 0.
    # b at y: 3/4 + 3/4. The move gains 12/16 - 3/16 = 9/16. From y to x is 90: no place reaches both.
    line_day.station("S")
    line_day.technician("a")
    line_day.technician("b")
    areas.add("x", 10)
    areas.add("y", 100)
    found = stand_by(line_day.case(), NOTHING, areas.expected(), line_day.at(0), promise_minutes=PROMISE, busy=0.25)
    (one,) = found.suggestions
    assert (found.before, found.after) == (15 / 16, 24 / 16)
    assert (one.technician, one.place, one.gain, one.drive_s, one.cost) == ("b", "y", pytest.approx(9 / 16), 6000, pytest.approx(100))
    # Once both stand apart a further gain is 3/16 for each at either place: 24/16 + 2 × 3/16.
    assert found.at_most == pytest.approx(30 / 16)


@pytest.mark.parametrize(("most", "moved"), [(100, 1), (99.98, 0)])
def test_nobody_is_sent_further_than_allowed(line_day, areas, most, moved) -> None:
    line_day.station("S")
    line_day.technician("a")
    areas.add("x", 100)
    found = stand_by(
        line_day.case(), NOTHING, areas.expected(), line_day.at(0), promise_minutes=PROMISE, busy=0.25, most_drive_minutes=most
    )
    assert len(found.suggestions) == moved


@pytest.mark.parametrize("seed", range(20))
def test_greedy_keeps_its_guarantee_and_its_bound_against_all_placings(line_day, areas, seed) -> None:
    """All placings of up to four who wait, judged by `readiness` of a case in which they live where they stand."""
    rng = random.Random(seed)
    for name in "ST":
        line_day.station(name, rng.randint(0, 200))
    for number in range(rng.randint(1, 4)):
        line_day.technician(f"p{number}", rng.choice("ST"))
    for number in range(3):
        areas.add(f"x{number}", rng.randint(0, 200), rng.choice([0.5, 1, 2]))
    case, expected = line_day.case(), areas.expected()
    found = stand_by(case, NOTHING, expected, line_day.at(0), promise_minutes=PROMISE, busy=0.4, most_drive_minutes=1000)
    spots = [(s.id, line_day.positions[s.place]) for s in case.stations] + [
        (e.area.id, line_day.positions[e.area.place]) for e in expected.areas
    ]

    def answered(placing) -> float:
        counts = [sum(abs(spot - line_day.positions[e.area.place]) <= PROMISE for _, spot in placing) for e in expected.areas]
        return sum(e.per_hour[8] * (1 - 0.4**n) for e, n in zip(expected.areas, counts, strict=True))

    best = max(answered(placing) for placing in product(spots, repeat=len(case.technicians)))
    home = {t.id: next(s for s in spots if s[0] == t.station) for t in case.technicians}
    moved = home | {one.technician: next(s for s in spots if s[0] == one.place) for one in found.suggestions}
    assert found.before == pytest.approx(answered(home.values()))
    assert found.after == pytest.approx(answered(moved.values()))
    assert found.guarantee * best - 1e-9 <= found.after <= best + 1e-9
    assert best <= found.at_most + 1e-9
    assert found.after >= found.before


@pytest.mark.parametrize("seed", range(10))
def test_stand_by_starts_from_what_readiness_says(line_day, areas, seed) -> None:
    plan = random_line(line_day, areas, random.Random(seed))
    case, expected = replace(line_day.case(), now=line_day.at(45)), areas.expected()
    found = stand_by(case, plan, expected, case.now, promise_minutes=PROMISE, busy=0.4)
    # Of the hour of 08:45 only that moment is left to look at.
    assert found.before == pytest.approx(readiness(case, plan, expected, promise_minutes=PROMISE, hours=1, busy=0.4).answered)


def test_choose_weighs_cost_against_readiness(line_day, areas) -> None:
    # The visit costs 2 × 100 of driving; leaving it out 1000. With the only person gone for 230 minutes readiness falls.
    line_day.station("S")
    line_day.technician("a")
    line_day.ticket("t", 100)
    areas.add("x", -10)
    route = trip(line_day, "a", "t", depart=0, arrive=100, start=100, finish=130, returns=230)
    plans = (NOTHING, Plan("line day", (route,)))
    cheap = choose(line_day.case(), plans, areas.expected(), 0.0, promise_minutes=PROMISE, hours=8)
    assert (cheap.index, cheap.costs) == (1, (1000, 200))
    ready = choose(line_day.case(), plans, areas.expected(), 1000.0, promise_minutes=PROMISE, hours=8)
    assert ready.index == 0
    assert ready.answered[0] > ready.answered[1]


def test_what_is_out_of_range_is_named(line_day, areas) -> None:
    line_day.station("S")
    line_day.technician("a")
    areas.add("x", 10)
    case, expected = line_day.case(), areas.expected()
    for more in ({"promise_minutes": 0}, {"busy": 1.5}, {"hours": 0}):
        with pytest.raises(BadInput, match=r"give a number"):
            readiness(case, NOTHING, expected, **more)
    with pytest.raises(BadInput, match="Technician z is not in the case"):
        stand_by(case, NOTHING, expected, case.now, ["z"])
    with pytest.raises(BadInput, match="Technician a does not wait"):
        stand_by(case, NOTHING, expected, case.now - timedelta(hours=1), ["a"])
    with pytest.raises(BadInput, match="There is no plan"):
        choose(case, (), expected, 1.0)
    nowhere = ExpectedEmergencies((ExpectedArea(Area("x", "x", 0, 0), (1.0,) * 24, (0.0,) * 24),), UTC)
    with pytest.raises(BadInput, match="Area x: place is None"):
        readiness(case, NOTHING, nowhere)
