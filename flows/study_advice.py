"""Advice for a study under a scenario, and for what may come; without Prefect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

from data_models.policy import ServicePolicy
from data_models.study import Scenario, Study
from optimizer.advice import Advice, Future, Option, RobustChoice, advise, robust_choice
from optimizer.advice_words import option_said, robust_said, station_names
from optimizer.scenarios import Situation, under
from optimizer.study_demand import sampled_future
from optimizer.wording import Language, told

AS_IT_IS = "as it is"
ROBUST_SITES = 5
"""So many of the best sites are judged in every future."""


@dataclass(frozen=True)
class Advised:
    """A situation with all that is advised for it; `robust` is None where no future but the history was asked for."""

    situation: Situation
    advice: Advice
    robust: RobustChoice | None


def advise_on(
    study: Study,
    scenario: Scenario,
    service: ServicePolicy,
    *,
    stations: int = 3,
    futures: int = 0,
    also: Sequence[Scenario] = (),
    on_option: Callable[[int, int], None] = lambda _done, _all: None,
) -> Advised:
    """What to change first under a scenario.

    Parameters
    ----------
    stations
        How many sites the sequence of the best ones has.
    futures
        So many are drawn from the history, to find the site that goes wrong least.
    also
        Scenarios that may come true, such as growth or a road that is cut off: futures, too.
    on_option
        Called with the options that are done and all of them, first for the advice, then for the futures.

    Raises
    ------
    BadInput
        A scenario does not fit the study.
    """
    situation = under(study, scenario, service)
    for other in also:
        under(study, Scenario(other.name, (*scenario.changes, *other.changes)), service)
    advice = advise(situation, stations=stations, on_option=on_option)
    coming = [Future("history")] if futures or also else []
    coming += [
        Future(f"future {seed}", sampled_future(study.history, ZoneInfo(study.zone), seed)) for seed in range(1, futures + 1)
    ]  # fmt: skip
    coming += [Future(other.name, changes=other.changes) for other in also]
    if not coming:
        return Advised(situation, advice, None)
    options = [Scenario(AS_IT_IS), *(Scenario(option.station, option.changes) for option in advice.sites[:ROBUST_SITES])]
    return Advised(situation, advice, robust_choice(situation, options, coming, on_option=on_option))


def option_sentence(advised: Advised, option: Option, language: Language = "en") -> str:
    """What an option brings, costs and promises."""
    history = advised.situation.study.history
    names = station_names(advised.situation.study)
    return told(option_said(option, advised.advice.promised_minutes), names, history.begins_at, language)


def robust_sentence(advised: Advised, language: Language = "en") -> str:
    """Which option goes wrong least; empty where no future was asked for."""
    study = advised.situation.study
    return "" if advised.robust is None else told(robust_said(advised.robust), station_names(study), study.history.begins_at, language)


def advice_summary(advised: Advised, language: Language = "en") -> dict[str, Any]:
    """The advice as plain data, each option with its sentence."""
    advice, robust = advised.advice, advised.robust
    lists = {name: getattr(advice, name) for name in ("sites", "sequence", "closures", "people", "kits")}
    return {
        "study": advised.situation.study.name,
        "scenario": advised.situation.scenario.name,
        "promised_minutes": advice.promised_minutes,
        "in_time": dict(advice.in_time),
        **{name: [_plain(advised, option, language) for option in options] for name, options in lists.items()},
        "robust": None
        if robust is None
        else {
            "options": robust.options,
            "futures": robust.futures,
            "yearly_cost": robust.yearly_cost,
            "in_time": robust.in_time.tolist(),
            "regret_points": robust.regret.tolist(),
            "worst_points": robust.worst.tolist(),
            "best": robust.options[robust.best],
            "sentence": robust_sentence(advised, language),
        },
    }


def _plain(advised: Advised, option: Option, language: Language) -> dict[str, Any]:
    return {
        "kind": option.kind,
        "station": option.station,
        "what": option.what,
        "gained": asdict(option.gained),
        "lost": asdict(option.lost),
        "in_time": dict(option.after),
        "points": option.points,
        "yearly_cost": option.yearly_cost,
        "cost_per_point": option.cost_per_point,
        "sentence": option_sentence(advised, option, language),
    }
