"""Advice in sentences, as codes with values that `optimizer.wording` puts into Chinese or English."""

from __future__ import annotations

from collections.abc import Mapping

from data_models.study import Study
from optimizer.advice import Option, RobustChoice
from optimizer.explanation import Said, Value
from optimizer.history_figures import Estimate


def option_said(option: Option, promised: float) -> tuple[Said, ...]:
    """What an option brings, what it costs and what the formula promises."""
    if option.kind == "person":
        lead = Said("study_person_more", {"subject": option.station, "crew": option.what})
    elif option.kind == "kit":
        lead = Said("study_kit_more", {"subject": option.station, "kit": option.what})
    else:
        lead = reach_said(option.station, option.gained.customers, option.lost.customers, promised)
    shares = {"before_share": option.before["emergency"], "after_share": option.after["emergency"]}
    cost = () if option.kind == "kit" else (cost_said(option.yearly_cost),)
    return lead, *cost, Said("study_expected", shares)


def scenario_said(
    name: str,
    gained: int,
    lost: int,
    promised: float,
    yearly_cost: float,
    replayed: tuple[float, float],
    difference: Estimate,
    formula: float,
    *,
    is_site: bool = False,
) -> tuple[Said, ...]:
    """What a replayed scenario brings beside today.

    Parameters
    ----------
    gained, lost
        Customers within the promised minutes by road.
    yearly_cost
        Of stations and people, beside today's.
    replayed
        Share of emergencies in time today, and under the scenario.
    difference
        Of the two, with its interval.
    formula
        The share that the formula promised.
    is_site
        Whether `name` is that of a station that opens, which is all that the scenario changes.
    """
    shares: dict[str, float] = {"before_share": replayed[0], "after_share": replayed[1]}
    if difference.half_width is None:
        tail = Said("study_replayed", {**shares})
    else:
        tail = Said("study_replayed_within", {**shares, "width_points": 100 * difference.half_width})
    return (
        reach_said(name, gained, lost, promised, is_site=is_site),
        cost_said(yearly_cost),
        tail,
        Said("study_promised", {"after_share": formula}),
    )


def reach_said(subject: str, gained: int, lost: int, promised: float, *, is_site: bool = True) -> Said:
    """Whom the road reaches in time, and whom no longer; only a site covers customers, a scenario has them."""
    facts: dict[str, Value] = {"subject": subject, "promise_minutes": promised}
    if gained and lost:
        return Said("study_reach_both", {**facts, "gained_count": gained, "lost_count": lost})
    if gained:
        return Said("study_reach_gained" if is_site else "study_reach_more", {**facts, "gained_count": gained})
    return Said("study_reach_lost", {**facts, "lost_count": lost}) if lost else Said("study_reach_same", facts)


def cost_said(yearly_cost: float) -> Said:
    """What stations and people cost more, or less."""
    if round(yearly_cost) == 0:
        return Said("study_costs_same", {})
    return Said("study_costs_more" if yearly_cost > 0 else "study_costs_less", {"year_money": abs(yearly_cost)})


def robust_said(choice: RobustChoice) -> tuple[Said, ...]:
    """Which option goes wrong least, and when it does so most."""
    best = choice.options[choice.best]
    if choice.worst[choice.best] <= 0:
        return (Said("study_robust_always", {"option": best, "future_count": len(choice.futures)}),)
    future = choice.futures[int(choice.regret[choice.best].argmax())]
    return (Said("study_robust", {"option": best, "worst_points": float(choice.worst[choice.best]), "future": future}),)


FORMULA_WITHIN = 3.0
"""Points by which the formula may be off the replay before its reader is warned."""


def formula_said(errors: Mapping[str, tuple[float, float | None]]) -> tuple[Said, ...]:
    """How far the formula is from the replay at most, and whether that is more than chance; nothing without a scenario.

    Parameters
    ----------
    errors
        Points by which the formula is above the replay, and half the width of the replay's interval in points, by scenario.
    """
    if not errors:
        return ()
    name = max(errors, key=lambda key: abs(errors[key][0]))
    error, half_width = errors[name]
    off = Said("study_formula_off", {"most_points": abs(error), "scenario": name})
    if abs(error) <= FORMULA_WITHIN:
        return (off,)
    if half_width is not None and abs(error) <= half_width:
        return off, Said("study_formula_thin", {"width_points": half_width})
    return off, Said("study_formula_far", {"limit_points": FORMULA_WITHIN})


def station_names(study: Study) -> dict[str, str]:
    """What stations and candidates are called, by id, for `wording.told`."""
    return {station.id: station.name for station in (*study.stations, *study.candidates)}
