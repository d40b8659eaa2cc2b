"""The studio measured: a year of 6,000 tickets and 20 stations replayed, advice on it, and the formula beside the replay.

`python -m benchmarks.studio [--optimize] [STUDY.json …]`: CPU seconds of one process. Without files the made year alone is judged; each
study that is given is replayed with `nearest` as it is, and the formula's error is told in points.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from config.policies import load_policy
from data_models.candidate_sites import cities_above, usual_crews, usual_kits
from data_models.case import GreatCircle, Rates
from data_models.expected import Area, History, PastTicket
from data_models.study import TODAY, Growth, Scenario, Study, StudyStation
from data_models.study_files import read_study
from optimizer.advice import advise
from optimizer.compiling import make_ready
from optimizer.expected_service import expected_service
from optimizer.history_figures import figures_of
from optimizer.history_replay import HistoryReplayed, replay_history
from optimizer.replay_policies import Policy
from optimizer.result import Stop
from optimizer.scenarios import under

STATIONS, AREAS, TICKETS = 20, 500, 6000
ITERATIONS = 300
POLICY = load_policy("ethanol")
_CENTRES = [(31.2, 121.5), (30.6, 114.3), (39.9, 116.4), (23.1, 113.3), (34.3, 108.9), (30.7, 104.1)]
_Found = TypeVar("_Found")


def made_year(seed: int = 1) -> Study:
    """A year of tickets around six cities, with a station in each of twenty large cities near them; the same for the same seed."""
    chance = random.Random(seed)
    areas = []
    for number in range(AREAS):
        lat, lon = chance.choice(_CENTRES)
        areas.append(Area(f"A{number:03}", f"A{number:03}", lat + chance.gauss(0, 1.1), lon + chance.gauss(0, 1.3)))
    like = StudyStation("", "", 0.0, 0.0, usual_kits(POLICY), usual_crews(POLICY, 4, 200_000.0), 500_000.0)
    cities = cities_above(1_500_000, areas, like, ())
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    # Types of what the policy asks kits and skills for, more of the daily than of the urgent ones.
    kinds = [
        ("emergency", "leak"), ("emergency", "equipment-failure"), ("important", "equipment-fault"), ("important", "purity"),
        ("general", "question"),
    ]  # fmt: skip
    tickets = [
        PastTicket(chance.choice(areas).id, begin + timedelta(days=365 * chance.random()), severity, kind, "ethanol")
        for severity, kind in chance.choices(kinds, (2, 1, 2, 1, 2), k=TICKETS)
    ]  # fmt: skip
    history = History(begin, begin + timedelta(days=365), tuple(areas), tuple(sorted(tickets, key=lambda ticket: ticket.opened_at)))
    travel = GreatCircle("great_circle", 1.3, 70.0)
    return Study("made year", "Asia/Shanghai", "ethanol", cities[:STATIONS], history, travel, cities[STATIONS : STATIONS + 15], Rates())


def replayed(study: Study, scenario: Scenario, policy: Policy) -> HistoryReplayed:
    """The history under a scenario, replayed once."""
    return replay_history(under(study, scenario, load_policy(study.policy)), policy, each=Stop(iterations=ITERATIONS))


def error_points(study: Study, scenario: Scenario, found: HistoryReplayed) -> str:
    """Emergencies in time by replay and by formula, and how far they are apart."""
    situation = under(study, scenario, load_policy(study.policy))
    share = figures_of(situation, [found]).service["emergency"].in_time
    formula = expected_service(situation).in_time["emergency"]
    width = "" if share.half_width is None else f" ± {100 * share.half_width:.1f}"
    return f"replay {share.value:.1%}{width}, formula {formula:.1%}: {100 * (formula - share.value):+.1f} points"


def _timed(call: Callable[[], _Found]) -> tuple[_Found, float]:
    begin = time.process_time()
    found = call()
    return found, time.process_time() - begin


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("studies", nargs="*", type=Path)
    asked.add_argument("--optimize", action="store_true", help="replay the made year with optimize, too: minutes")
    options = asked.parse_args()
    make_ready()
    year = made_year()
    people = sum(station.people for station in year.stations)
    print(f"{year.name}: {len(year.stations)} stations, {people} people, {len(year.history.tickets)} tickets")
    policies: tuple[Policy, ...] = ("nearest", "optimize") if options.optimize else ("nearest",)
    for policy in policies:
        found, seconds = _timed(lambda policy=policy: replayed(year, TODAY, policy))  # type: ignore[misc]
        print(f"  {policy}: {seconds:.1f} CPU seconds; {error_points(year, TODAY, found)}", flush=True)
    advice, seconds = _timed(lambda: advise(under(year, TODAY, POLICY)))
    options_count = len(advice.sites) + len(advice.closures) + len(advice.people) + len(advice.kits)
    print(f"  advice on {options_count} options: {seconds:.1f} CPU seconds", flush=True)
    for path in options.studies:
        study = read_study(path)
        for scenario in (TODAY, Scenario("three times the tickets", (Growth(3.0),))):
            found, seconds = _timed(lambda study=study, scenario=scenario: replayed(study, scenario, "nearest"))  # type: ignore[misc]
            print(f"{path.name}, {scenario.name}: nearest in {seconds:.1f} CPU seconds; {error_points(study, scenario, found)}", flush=True)


if __name__ == "__main__":
    main()
