"""Reading and writing dispatch cases and plans: JSON files as `formats.md` fixes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from data_models.case import Case
from data_models.case_rules import case_problems
from data_models.errors import BadInput
from data_models.json_files import load_json, plain_json, read_bytes, write_file
from data_models.plan import Plan
from data_models.reading import Problems, read_fact, shown

__all__ = ["case_json", "document_of", "parse_case", "parse_plan", "plan_json", "read_case", "read_file", "read_plan", "write_file"]

_Fact = TypeVar("_Fact")


def parse_case(text: str | bytes) -> Case:
    """The case that a JSON text describes.

    Raises
    ------
    BadInput
        When it is not JSON, not what `formats.md` describes, or contradicts itself; one sentence per problem.
    """
    problems = Problems()
    document = document_of(text, "dispatch-case/1", problems)
    technicians = document.get("technicians")
    for technician in technicians if isinstance(technicians, list) else ():
        if isinstance(technician, dict):
            technician.setdefault("skills", {})  # Someone without skills may still drive and carry.
    case = read_fact(Case, document, problems)
    for contradiction in case_problems(case):
        problems.add(contradiction)
    problems.raise_any()
    return case


def parse_plan(text: str | bytes) -> Plan:
    """The plan that a JSON text describes. What it names need not exist: that is for `check` to say.

    Raises
    ------
    BadInput
        When it is not JSON or not what `formats.md` describes; one sentence per problem.
    """
    problems = Problems()
    return read_fact(Plan, document_of(text, "dispatch-plan/1", problems), problems)


def read_case(path: Path) -> Case:
    """The case in a file. Raises `BadInput`, each sentence beginning with the file's name."""
    return read_file(path, parse_case)


def read_plan(path: Path) -> Plan:
    """The plan in a file. Raises `BadInput`, each sentence beginning with the file's name."""
    return read_file(path, parse_plan)


def case_json(case: Case) -> str:
    """The case as JSON text; reading it again gives an equal case."""
    return plain_json(case)


def plan_json(plan: Plan) -> str:
    """The plan as JSON text; reading it again gives an equal plan."""
    return plain_json(plan)


def document_of(text: str | bytes, expected: str, problems: Problems) -> dict[str, Any]:
    """The outermost object, whose `format` says that it is what we expect: else the other problems would be noise."""
    document = load_json(text, problems)
    if not isinstance(document, dict):
        raise BadInput(f"the file holds {shown(document)}; give an object whose format is {shown(expected)}")
    if "format" not in document:
        raise BadInput(f"format is missing; give {shown(expected)}")
    if document["format"] != expected:
        raise BadInput(f"format is {shown(document['format'])}; give {shown(expected)}")
    return document


def read_file(path: Path, parse: Callable[[bytes], _Fact]) -> _Fact:
    """What `parse` makes of a file. Raises `BadInput`, each sentence beginning with the file's name."""
    content = read_bytes(path)
    try:
        return parse(content)
    except BadInput as error:
        raise BadInput(*(f"{shown(path.name)[1:-1]}: {problem}" for problem in error.problems)) from error
