"""Reading and writing dispatch cases and plans: JSON files as `formats.md` fixes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from data_models.case import Case
from data_models.errors import BadInput
from data_models.plan import Plan

_STRICT = ConfigDict(extra="forbid", strict=True)
_case_adapter: TypeAdapter[Case] = TypeAdapter(with_config(_STRICT)(Case))
_plan_adapter: TypeAdapter[Plan] = TypeAdapter(with_config(_STRICT)(Plan))


def parse_case(text: str | bytes) -> Case:
    """The case that a JSON text describes. Raises `BadInput` when it is not what `formats.md` describes."""
    return _parse(_case_adapter, text)


def parse_plan(text: str | bytes) -> Plan:
    """The plan that a JSON text describes. Raises `BadInput` when it is not what `formats.md` describes."""
    return _parse(_plan_adapter, text)


def read_case(path: Path) -> Case:
    """The case in a file. Raises `BadInput`."""
    return parse_case(path.read_bytes())


def read_plan(path: Path) -> Plan:
    """The plan in a file. Raises `BadInput`."""
    return parse_plan(path.read_bytes())


def case_json(case: Case) -> str:
    """The case as JSON text; reading it again gives an equal case."""
    return _case_adapter.dump_json(case, indent=1, exclude_defaults=True, by_alias=True).decode()


def plan_json(plan: Plan) -> str:
    """The plan as JSON text; reading it again gives an equal plan."""
    return _plan_adapter.dump_json(plan, indent=1, exclude_none=True, by_alias=True).decode()


def _parse(adapter: TypeAdapter[Any], text: str | bytes) -> Any:
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        raise BadInput(*(f"{item['loc']}: {item['msg']}" for item in error.errors())) from error
