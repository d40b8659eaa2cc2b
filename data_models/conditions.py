"""Conditions on sensor readings as a policy writes them: "moisture > 0.5 % for 10 min"."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import PlainValidator

from data_models.units import in_base, misfit, unit_named

Comparison = Literal[">", ">=", "<", "<="]

_QUANTITY = r"[^\W\d][\w-]{0,63}"
_CONDITION = re.compile(
    rf"({_QUANTITY})\s*(>=|<=|>|<|≥|≤)\s*([+-]?\d{{1,15}}(?:\.\d{{1,15}})?)(?:(?:\s+(?!for\b)|(?=[%‰°℃]))([^\s\d]\S{{0,15}}))?(?:\s+for\s+(\S.*))?"
)
_LENGTH = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?(s|min|h|d)", re.ASCII)
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_LONGEST = timedelta(days=366)


@dataclass(frozen=True)
class Condition:
    """A quantity beyond a limit, for some time: `lasting` is 0 where one reading is enough."""

    quantity: str
    comparison: Comparison
    limit: float
    unit: str
    lasting: timedelta = timedelta()

    @property
    def upwards(self) -> bool:
        """Whether it is high values that meet it."""
        return self.comparison[0] == ">"

    @property
    def base_limit(self) -> float:
        """The limit in the base unit of its dimension."""
        return in_base(self.limit, unit_named(self.unit))


def parse_condition(text: object) -> Condition:
    """The condition that a text states. Raises `ValueError` naming what is allowed."""
    allowed = 'a condition is like "moisture > 0.5 %" or "pressure < 1.5 MPa for 10 min", with one of >, >=, <, <='
    if not isinstance(text, str):
        raise ValueError(allowed)
    match = _CONDITION.fullmatch(text.strip())
    if match is None:
        raise ValueError(allowed)
    quantity, sign, limit, unit, lasting = match.groups()
    comparison: Comparison = {"≥": ">=", "≤": "<="}.get(sign, sign)  # type: ignore[assignment]
    wrong = misfit(quantity, unit or "")
    if wrong:
        raise ValueError(wrong)
    return Condition(quantity, comparison, float(limit), unit or "", parse_length(lasting) if lasting else timedelta())


def parse_length(text: object) -> timedelta:
    """The length of time that a text like "10 min" states. Raises `ValueError` naming what is allowed."""
    match = _LENGTH.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError('a length of time is like "30 s", "10 min", "2 h" or "1 d"')
    length = timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
    if length > _LONGEST:
        raise ValueError(f"a length of time is at most {_LONGEST.days} d")
    return length


def condition_text(condition: Condition) -> str:
    """The condition as it is written in a policy file; `parse_condition` gives it back."""
    unit = f" {condition.unit}" if condition.unit else ""
    lasting = f" for {length_text(condition.lasting)}" if condition.lasting else ""
    return f"{condition.quantity} {condition.comparison} {_number(condition.limit)}{unit}{lasting}"


def length_text(length: timedelta) -> str:
    """The length of time as it is written in a policy file."""
    seconds = length.total_seconds()
    unit = next(unit for unit in ("d", "h", "min", "s") if seconds % _SECONDS[unit] == 0 or unit == "s")
    return f"{seconds / _SECONDS[unit]:.12g} {unit}"


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def opposed(when: Condition, clears: Condition) -> str:
    """Why `clears` cannot end what `when` began, with the remedy; empty when it can."""
    if clears.quantity != when.quantity:
        return f"is about {clears.quantity}, but when is about {when.quantity}; name the same quantity"
    if unit_named(clears.unit).dimension != unit_named(when.unit).dimension:
        return f'is in "{clears.unit}", which does not convert to "{when.unit}"; use one unit'
    if clears.lasting:
        return "has a for; a single reading clears, so remove it"
    if clears.upwards == when.upwards:
        return f"points the same way as when; it must lie on the other side of {_number(when.limit)} {when.unit}".rstrip()
    beyond = clears.base_limit - when.base_limit if when.upwards else when.base_limit - clears.base_limit
    both_at_limit = beyond == 0 and "=" in when.comparison and "=" in clears.comparison
    if beyond > 0 or both_at_limit or not math.isfinite(beyond):
        return f"overlaps with when; it must lie on the other side of {_number(when.limit)} {when.unit}".rstrip()
    return ""


ConditionText = Annotated[Condition, PlainValidator(parse_condition)]
"""A `Condition` that a policy file writes as text."""

LengthText = Annotated[timedelta, PlainValidator(parse_length)]
"""A length of time that a policy file writes as text."""
