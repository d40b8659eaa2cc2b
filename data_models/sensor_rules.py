"""The sensor rules of a policy, made ready for every reading: limits in base units, times in microseconds."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from data_models.conditions import Condition
from data_models.policy import SensorRule, ServicePolicy
from data_models.units import unit_named

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


@dataclass(frozen=True, slots=True)
class WatchedRule:
    """A rule with its limits in base units and its times in microseconds."""

    name: str
    quantity: str
    dimension: str
    meets: Callable[[float, float], bool]
    limit: float
    clears: Callable[[float, float], bool]
    clear_limit: float
    lasting: int
    gap: int
    quiet: int
    again_after: int
    sites: frozenset[str]
    products: frozenset[str]


@dataclass(frozen=True, slots=True)
class SensorRules:
    """The sensor rules of a policy and its limits, in microseconds, made by `sensor_rules`."""

    rules: tuple[WatchedRule, ...]
    horizon: int
    ahead: int
    stuck_readings: int
    stuck_after: int
    silent_after: int
    ticket_within: int


def sensor_rules(policy: ServicePolicy) -> SensorRules:
    """The rules of a policy, made ready for `take`."""
    limits = policy.sensors
    return SensorRules(
        tuple(_watched(name, rule, _micros(limits.longest_gap)) for name, rule in policy.sensor_rules.items()),
        _micros(limits.horizon),
        _micros(limits.ahead),
        limits.stuck_readings,
        _micros(limits.stuck_after),
        _micros(limits.silent_after),
        _micros(limits.ticket_within),
    )


def _watched(name: str, rule: SensorRule, gap: int) -> WatchedRule:
    when = rule.when
    clears = rule.clears or _contrary(when)
    return WatchedRule(
        name,
        when.quantity,
        unit_named(when.unit).dimension,
        _COMPARE[when.comparison],
        when.base_limit,
        _COMPARE[clears.comparison],
        clears.base_limit,
        _micros(when.lasting),
        gap,
        _micros(rule.quiet),
        _micros(rule.again_after),
        frozenset(rule.sites),
        frozenset(rule.products),
    )


def _contrary(when: Condition) -> Condition:
    contrary: Any = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}[when.comparison]
    return Condition(when.quantity, contrary, when.limit, when.unit)


def _micros(length: timedelta) -> int:
    return length // timedelta(microseconds=1)
