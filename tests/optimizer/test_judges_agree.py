"""Our judges against `score_plan.py`, which shares no line with them: on whole plans, and on hundreds broken on purpose."""

import copy
import importlib.util
import json
import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from data_models.case import SEVERITIES, Case, Technician, Ticket
from data_models.case_files import parse_case, parse_plan, plan_json
from data_models.errors import BadInput
from data_models.plan import BreakTaken, Plan, Route, Stop, Unassigned
from optimizer.check import check
from optimizer.score import score
from optimizer.trips import drive

SHARED = Path(__file__).parents[3] / "shared"
SCORE_PLAN = SHARED / "tools" / "score_plan.py"
FIXTURES = Path(__file__).parents[1] / "fixtures"
CASES = ["day-60", "day-200", "day-600", "midday-150", "replay-120", "three-days-300"]
Json = dict[str, Any]
Judge = Callable[[Json, Json, bool], Json]


@pytest.fixture(scope="module")
def judge() -> Judge:
    if not SCORE_PLAN.exists():
        pytest.skip("../shared/tools/score_plan.py is not there: the agreement of the judges is not tested")
    spec = importlib.util.spec_from_file_location("score_plan", SCORE_PLAN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.judge


def assert_agreement(judge: Judge, case: Json, plan: Json, *, replay: bool) -> set[str] | None:
    """Same rules broken by as much, same cost and service. Returns the broken rules; None for a case that contradicts itself."""
    try:
        facts = parse_case(json.dumps(case))
    except BadInput:
        return None
    planned = parse_plan(json.dumps(plan))
    theirs, found, result = judge(case, plan, replay), check(facts, planned, replay=replay), score(facts, planned)

    assert Counter(violation.rule for violation in found) == Counter(breach["rule"] for breach in theirs["violations"])
    sizes = sorted((violation.rule, violation.size) for violation in found)
    for (_, mine), (_, other) in zip(sizes, sorted((breach["rule"], breach["size"]) for breach in theirs["violations"]), strict=True):
        assert mine == pytest.approx(other, abs=0.051)
    for term, amount in theirs["cost"].items():
        assert getattr(result.cost, term) == pytest.approx(amount, abs=0.01), term
    for severity in SEVERITIES:
        row = theirs["service"]["by_severity"].get(severity, {"tickets": 0, "planned": 0, "on_time": 0})
        assert vars(result.service[severity]) == row
    for figure in ("drive_hours", "drive_km", "overtime_hours"):
        assert getattr(result, figure) == pytest.approx(theirs["service"][figure], abs=0.051)
    return {violation.rule for violation in found}


# A simple builder of plans that keep every rule: one technician after the other takes what is best reached next.


class Stock:
    """Kits left at each station; a kit is dealt once and for the whole case, so that it can never be lent twice."""

    def __init__(self, case: Case) -> None:
        self.left = {station.id: Counter(station.kits) for station in case.stations}
        for technician in case.technicians:
            self.left[technician.station].subtract(technician.start.kits if technician.start else ())

    def take(self, station: str, kits: set[str]) -> bool:
        if any(self.left[station][kit] < 1 for kit in kits):
            return False
        self.left[station].subtract(kits)
        return True


class Tour:
    """The trip of one technician in one shift while it is being built."""

    def __init__(self, case: Case, technician: Technician, index: int) -> None:
        self.case, self.technician, self.index, self.shift = case, technician, index, technician.shifts[index]
        is_current = index == next((i for i, shift in enumerate(technician.shifts) if shift.end > case.now), None)
        self.out = technician.start if is_current else None
        self.home = case.station_by_id[technician.station]
        self.at: Any = self.out or self.home
        self.clock = max(case.now, self.shift.start, *([self.out.at] if self.out else []))
        self.depart = self.clock
        self.kits = set(self.out.kits) if self.out else set()
        self.breaks: list[BreakTaken] = []
        self.owed = [pause for pause in self.shift.breaks if self.clock < pause.earliest]
        self.stops: list[Stop] = []
        self.load = 0.0

    def times(self, ticket: Ticket, not_before: datetime | None = None) -> tuple[Stop, datetime, list[BreakTaken]] | None:
        """The visit, the return home after it and the breaks taken before it; None when some rule forbids it."""
        if (ticket.only and self.technician.id not in ticket.only) or self.technician.id in ticket.banned:
            return None
        if self.technician.capacity is not None and self.load + ticket.load > self.technician.capacity:
            return None
        leg, home = drive(self.case.travel, self.at, ticket).seconds, drive(self.case.travel, ticket, self.home).seconds
        if math.isinf(leg + home):
            return None
        clock, rests, owed = self.clock, list[BreakTaken](), list(self.owed)
        while True:
            arrive = clock + timedelta(seconds=leg)
            start = max(arrive, ticket.opened_at, ticket.not_before or arrive, not_before or arrive)
            access = sorted(max(start, window.start) for window in ticket.windows if max(start, window.start) <= window.end)
            if ticket.windows and not access:
                return None
            start = access[0] if access else start
            finish = start + timedelta(minutes=ticket.service_minutes)
            if not owed or finish <= owed[0].latest:
                break
            begin = max(clock, owed[0].earliest)
            clock = begin + timedelta(minutes=owed[0].minutes)
            rests.append(BreakTaken(begin, clock))
            owed.pop(0)
        back = finish + timedelta(seconds=home)
        for pause in owed:
            back = max(back, pause.earliest + timedelta(seconds=home)) + timedelta(minutes=pause.minutes)
        if back > self.shift.end + timedelta(minutes=self.shift.overtime_minutes):
            return None
        return Stop(ticket.id, arrive, start, finish), back, rests

    def add(self, ticket: Ticket, not_before: datetime | None = None) -> None:
        visit = self.times(ticket, not_before)
        assert visit is not None
        self.stops.append(visit[0])
        self.breaks += visit[2]
        self.owed = self.owed[len(visit[2]) :]
        self.at, self.clock, self.load = ticket, visit[0].finish, self.load + ticket.load

    def has_kits(self, ticket: Ticket, stock: Stock) -> bool:
        """Whether the kits are on board, or could be taken and now are."""
        missing = set(ticket.kits) - self.kits
        if missing and (self.out is not None or not stock.take(self.technician.station, missing)):
            return False
        self.kits |= missing
        return True

    def route(self) -> Route:
        clock = self.clock
        for pause in self.owed:
            begin = max(clock, pause.earliest)
            clock = begin + timedelta(minutes=pause.minutes)
            self.breaks.append(BreakTaken(begin, clock))
        back = clock + timedelta(seconds=drive(self.case.travel, self.at, self.home).seconds)
        names = (self.technician.id, self.index)
        return Route(*names, self.depart, tuple(self.stops), back, tuple(sorted(self.kits)), tuple(self.breaks))


def skilled(tours: list[Tour], ticket: Ticket) -> bool:
    return all(max(tour.technician.skills.get(skill, 0) for tour in tours) >= level for skill, level in ticket.skills.items())


def valid_plan(case: Case) -> Plan:
    """A plan that keeps every rule: what is locked, then crews, then the earliest due of the others."""
    stock, done = Stock(case), set[str]()
    tours = [Tour(case, man, index) for man in case.technicians for index, shift in enumerate(man.shifts) if shift.end > case.now]

    def place(ticket: Ticket, crew: list[Tour]) -> None:
        visits = [tour.times(ticket) for tour in crew]
        if ticket.id in done or not skilled(crew, ticket) or any(visit is None for visit in visits):
            return
        together = max(visit[0].start for visit in visits if visit is not None)
        again = [tour.times(ticket, together) for tour in crew]
        if len({visit[0].start for visit in again if visit is not None}) != 1 or None in again:
            return
        if crew[0].has_kits(ticket, stock):
            done.add(ticket.id)
            for tour in crew:
                tour.add(ticket, together)

    for promise in case.committed:
        if promise.locked:
            place(case.ticket_by_id[promise.ticket], [next(t for t in tours if t.technician.id == who) for who in promise.technicians])
    locked = {promise.ticket for promise in case.committed if promise.locked}
    for ticket in sorted(case.tickets, key=lambda ticket: (ticket.crew == 1, ticket.due)):
        near = sorted(tours, key=lambda tour: (len(tour.stops), drive(case.travel, tour.at, ticket).seconds))[:40]
        for tour in near if ticket.id not in locked else []:
            crew = [tour, *[other for other in near if other.technician is not tour.technician][: ticket.crew - 1]]
            if len(crew) == ticket.crew:
                place(ticket, crew)
    routes = tuple(tour.route() for tour in tours if tour.stops)
    return Plan(case.name, routes, tuple(Unassigned(ticket.id) for ticket in case.tickets if ticket.id not in done))


# Mutations: each changes one thing, to the limit of a rule or over it by a second, two, or much.

OVER = (0, 1, 2, 61)
Mutation = Callable[[random.Random, Json, Json], None]


def moved(time: str, seconds: float) -> str:
    return (datetime.fromisoformat(time) + timedelta(seconds=seconds)).isoformat()


def any_route(rng: random.Random, plan: Json) -> Json:
    return rng.choice([route for route in plan["routes"] if route["stops"]] or [{"stops": [], "breaks": []}])


def any_stop(rng: random.Random, case: Json, plan: Json) -> tuple[Json, Json]:
    """A stop of the plan and its ticket."""
    tickets = {ticket["id"]: ticket for ticket in case["tickets"]}
    stop = rng.choice([stop for route in plan["routes"] for stop in route["stops"] if stop["ticket"] in tickets])
    return stop, tickets[stop["ticket"]]


def owner(case: Json, route: Json) -> Json:
    return next((man for man in case["technicians"] if man["id"] == route.get("technician")), case["technicians"][0])


def shift_a_time_of_a_stop(rng: random.Random, case: Json, plan: Json) -> None:
    stop, _ = any_stop(rng, case, plan)
    field = rng.choice(["arrive", "start", "finish"])
    stop[field] = moved(stop[field], rng.choice([1, -1]) * rng.choice(OVER))


def shift_departure(rng: random.Random, case: Json, plan: Json) -> None:
    route = any_route(rng, plan)
    route["depart"] = moved(route["depart"], rng.choice([1, -1]) * rng.choice(OVER))


def shift_return(rng: random.Random, case: Json, plan: Json) -> None:
    route = any_route(rng, plan)
    route["return"] = moved(route["return"], rng.choice([1, -1]) * rng.choice(OVER))


def limit_shift(rng: random.Random, case: Json, plan: Json) -> None:
    route = any_route(rng, plan)
    shift = owner(case, route)["shifts"][route["shift"]]
    overtime = rng.choice([0, 15])
    shift.update(overtime_minutes=overtime, end=moved(route["return"], -60 * overtime - rng.choice(OVER)))


def start_shift_later(rng: random.Random, case: Json, plan: Json) -> None:
    route = any_route(rng, plan)
    owner(case, route)["shifts"][route["shift"]]["start"] = moved(route["depart"], rng.choice(OVER))


def limit_window(rng: random.Random, case: Json, plan: Json) -> None:
    stop, ticket = any_stop(rng, case, plan)
    over, start = rng.choice(OVER), stop["start"]
    early, late = [moved(start, over), moved(start, 7200)], [moved(start, -7200), moved(start, -over)]
    ticket["windows"] = [dict(zip(("start", "end"), rng.choice([early, late]), strict=True))]


def limit_opening(rng: random.Random, case: Json, plan: Json) -> None:
    stop, ticket = any_stop(rng, case, plan)
    ticket["opened_at"] = moved(stop[rng.choice(["start", "arrive"])], rng.choice([-3000, -600, *OVER]))
    ticket["due"] = max(ticket["due"], ticket["opened_at"])


def limit_not_before(rng: random.Random, case: Json, plan: Json) -> None:
    stop, ticket = any_stop(rng, case, plan)
    ticket["not_before"] = moved(stop["start"], rng.choice(OVER))


def limit_capacity(rng: random.Random, case: Json, plan: Json) -> None:
    route = any_route(rng, plan)
    on_board = [ticket for ticket in case["tickets"] if ticket["id"] in {stop["ticket"] for stop in route["stops"]}]
    for ticket in on_board:
        ticket["load"] = rng.choice([1, 2, 0.1])
    owner(case, route)["capacity"] = max(0.0, sum(ticket["load"] for ticket in on_board) - rng.choice([0, 0.5]))


def raise_skill(rng: random.Random, case: Json, plan: Json) -> None:
    _, ticket = any_stop(rng, case, plan)
    ticket["skills"] = {rng.choice(["process", "safety", "equipment", "made-up"]): rng.choice([1, 2, 3])}


def limit_people(rng: random.Random, case: Json, plan: Json) -> None:
    _, ticket = any_stop(rng, case, plan)
    ticket[rng.choice(["only", "banned"])] = [man["id"] for man in rng.sample(case["technicians"], 2)]


def change_crew(rng: random.Random, case: Json, plan: Json) -> None:
    any_stop(rng, case, plan)[1]["crew"] = rng.choice([1, 2, 3])


def repeat_a_stop(rng: random.Random, case: Json, plan: Json) -> None:
    stop, _ = any_stop(rng, case, plan)
    any_route(rng, plan)["stops"].append(copy.deepcopy(stop))


def drop_a_stop(rng: random.Random, case: Json, plan: Json) -> None:
    stops = any_route(rng, plan)["stops"]
    stops.pop(rng.randrange(len(stops)))


def change_stock(rng: random.Random, case: Json, plan: Json) -> None:
    station = rng.choice(case["stations"])
    kits = station.setdefault("kits", {})
    kit = rng.choice(sorted(kits) or ["leak"])
    kits[kit] = rng.choice([0, max(0, kits.get(kit, 0) - 1)])


def change_kits(rng: random.Random, case: Json, plan: Json) -> None:
    route = any_route(rng, plan)
    route["kits"] = rng.choice([[], [*route.get("kits", []), "leak"], ["leak", "purity", "static"]])


def ask_for_kits(rng: random.Random, case: Json, plan: Json) -> None:
    any_stop(rng, case, plan)[1]["kits"] = rng.choice([["leak"], ["leak", "made-up"], []])


def forget(rng: random.Random, case: Json, plan: Json) -> None:
    if plan["unassigned"]:
        plan["unassigned"].pop(rng.randrange(len(plan["unassigned"])))


def unassign_what_is_planned(rng: random.Random, case: Json, plan: Json) -> None:
    plan["unassigned"].append({"ticket": any_stop(rng, case, plan)[0]["ticket"]})


def name_the_unknown(rng: random.Random, case: Json, plan: Json) -> None:
    change = rng.choice(["ticket", "unassigned", "technician", "shift"])
    if change == "ticket":
        any_stop(rng, case, plan)[0]["ticket"] = "nowhere"
    elif change == "unassigned":
        plan["unassigned"] += [{"ticket": "nowhere"}] * 2
    else:
        any_route(rng, plan).update({"technician": "nobody"} if change == "technician" else {"shift": rng.choice([-1, 99])})


def promise(rng: random.Random, case: Json, plan: Json) -> None:
    ticket = rng.choice(case["tickets"])["id"]
    case["committed"] = [entry for entry in case.get("committed", []) if entry["ticket"] != ticket]
    who = [man["id"] for man in rng.sample(case["technicians"], rng.choice([1, 2]))]
    case["committed"].append({"ticket": ticket, "technicians": who, "locked": rng.random() < 0.5})


def lock_what_is_planned(rng: random.Random, case: Json, plan: Json) -> None:
    route = any_route(rng, plan)
    ticket = rng.choice(route["stops"])["ticket"]
    case["committed"] = [entry for entry in case.get("committed", []) if entry["ticket"] != ticket]
    case["committed"].append({"ticket": ticket, "technicians": [route["technician"]], "locked": True})


def change_a_break(rng: random.Random, case: Json, plan: Json) -> None:
    resting = [route for route in plan["routes"] if route.get("breaks")]
    if not resting:
        return owe_a_break(rng, case, plan)
    pause = rng.choice(rng.choice(resting)["breaks"])
    field, over = rng.choice(["start", "finish"]), rng.choice([1, -1]) * rng.choice(OVER)
    pause[field] = moved(pause[field], over)
    return None


def owe_a_break(rng: random.Random, case: Json, plan: Json) -> None:
    route = any_route(rng, plan)
    stop, length = rng.choice(route["stops"]), rng.choice([0, 5, 30])
    begin = moved(stop["finish"], rng.choice([0, 1, 2, -1, -2, 600]))
    pause = {"earliest": moved(begin, -rng.choice([0, 900])), "latest": moved(begin, rng.choice([0, 900])), "minutes": length}
    owner(case, route)["shifts"][route["shift"]].setdefault("breaks", []).append(pause)
    if rng.random() < 0.8:
        route.setdefault("breaks", []).append({"start": begin, "finish": moved(begin, 60 * length + rng.choice([0, -1, -2, 1]))})
        if rng.random() < 0.6:  # Make room, so that the break is at its limit and not hopeless.
            push_on(route, route["stops"].index(stop) + 1, 60 * length + rng.choice([600, 601, 602, 599, 598]))


def push_on(route: Json, number: int, seconds: float) -> None:
    for stop in route["stops"][number:]:
        stop.update({field: moved(stop[field], seconds) for field in ("arrive", "start", "finish")})
    route["return"] = moved(route["return"], seconds)


def swap_stops(rng: random.Random, case: Json, plan: Json) -> None:
    rng.shuffle(any_route(rng, plan)["stops"])


def swap_people(rng: random.Random, case: Json, plan: Json) -> None:
    any_route(rng, plan)["technician"] = any_route(rng, plan)["technician"]


def split_into_two_trips(rng: random.Random, case: Json, plan: Json) -> None:
    route = any_route(rng, plan)
    cut = rng.randrange(len(route["stops"]))
    second = copy.deepcopy(route) | {"stops": route["stops"][cut:], "breaks": []}
    route["stops"] = route["stops"][:cut]
    seam = rng.choice([route["depart"], *(stop["finish"] for stop in route["stops"])])
    route["return"], second["depart"] = moved(seam, 1800), moved(seam, 1800 - rng.choice(OVER))
    plan["routes"].append(second)


def send_out(rng: random.Random, case: Json, plan: Json) -> None:
    man, site = owner(case, any_route(rng, plan)) if rng.random() < 0.7 else rng.choice(case["technicians"]), rng.choice(case["tickets"])
    start = {"at": moved(case["now"], rng.choice([-3600, 0, 1, 2, 1800])), "kits": rng.choice([[], ["leak"], ["leak", "purity"]])}
    man["start"] = start | {field: site[field] for field in ("lat", "lon", "place") if field in site}


def drop_a_route(rng: random.Random, case: Json, plan: Json) -> None:
    plan["routes"].remove(any_route(rng, plan))


def close_a_road(rng: random.Random, case: Json, plan: Json) -> None:
    if case["travel"]["kind"] == "matrix":
        a, b = rng.sample(range(len(case["travel"]["seconds"])), 2)
        case["travel"]["seconds"][a][b] = case["travel"]["metres"][a][b] = math.inf


def advance_now(rng: random.Random, case: Json, plan: Json) -> None:
    case["now"] = moved(any_route(rng, plan)["depart"], rng.choice([*OVER, 7200, 86400]))


MUTATIONS: list[Mutation] = [
    shift_a_time_of_a_stop, shift_departure, shift_return, limit_shift, start_shift_later, limit_window, limit_opening, limit_not_before,
    limit_capacity, raise_skill, limit_people, change_crew, repeat_a_stop, drop_a_stop, change_stock, change_kits, ask_for_kits, forget,
    unassign_what_is_planned, name_the_unknown, promise, lock_what_is_planned, change_a_break, owe_a_break, swap_stops, swap_people,
    split_into_two_trips, send_out, drop_a_route, close_a_road, advance_now,
]  # fmt: skip
RULES = {
    "unknown", "forgotten", "crew", "depart", "shift", "break", "travel", "start", "window", "service",
    "skill", "technician", "kit", "capacity", "locked", "foresight",
}  # fmt: skip


def broken(case: Json, plan: Json, times: int) -> Iterator[tuple[Json, Json]]:
    """Every mutation `times` times, alone and then with others."""
    case_text, plan_text = json.dumps(case), json.dumps(plan)
    for number in range(times):
        for mutation in MUTATIONS:
            rng = random.Random(f"{case['name']} {mutation.__name__} {number}")
            changed_case, changed_plan = json.loads(case_text), json.loads(plan_text)
            for change in [mutation, *rng.sample(MUTATIONS, number % 3)]:
                try:
                    change(rng, changed_case, changed_plan)
                except (IndexError, KeyError):  # An earlier mutation took away what this one needs.
                    continue
            yield changed_case, changed_plan


def shared_case(name: str) -> Json:
    path = SHARED / "cases" / f"{name}.json"
    if not path.exists():
        pytest.skip("../shared/cases is not there: the judges are compared on the four-ticket day only")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_judges_agree_on_a_valid_plan_of_each_shared_case(judge: Judge, name: str) -> None:
    case = shared_case(name)
    plan = json.loads(plan_json(valid_plan(parse_case(json.dumps(case)))))

    assert len(plan["unassigned"]) < len(case["tickets"]) / 2
    assert assert_agreement(judge, case, plan, replay=False) in (set(), {"locked"})  # The builder gives up some locked visits.
    assert_agreement(judge, case, plan, replay=True)


@pytest.mark.parametrize("name", CASES)
def test_judges_agree_on_plans_of_shared_cases_broken_on_purpose(judge: Judge, name: str) -> None:
    case = shared_case(name)
    plan = json.loads(plan_json(valid_plan(parse_case(json.dumps(case)))))
    times = 3 if len(case["tickets"]) <= 120 else 1

    seen = [assert_agreement(judge, *files, replay=True) for files in broken(case, plan, times)]

    assert len(seen) - seen.count(None) >= 25 * times


def test_judges_agree_on_the_four_ticket_day_broken_in_every_rule(judge: Judge) -> None:
    case = json.loads((FIXTURES / "four-ticket-day.json").read_text(encoding="utf-8"))
    plan = json.loads((FIXTURES / "four-ticket-day-plan.json").read_text(encoding="utf-8"))

    judged = [assert_agreement(judge, *files, replay=True) for files in broken(case, plan, 40)]
    seen = [rules for rules in judged if rules is not None]

    assert len(seen) >= 1000
    assert set().union(*seen) == RULES
    assert set() in seen  # Some stay at the limit and break nothing.
