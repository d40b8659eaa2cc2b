"""Reading and writing studies and scenarios: `study/1` and `scenario/1` files as docs/studio.md describes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from data_models.errors import BadInput
from data_models.json_files import load_json, plain_json, read_bytes
from data_models.reading import Problems, read_fact, shown
from data_models.study import Scenario, Study
from data_models.study_rules import scenario_problems, study_problems

_Fact = TypeVar("_Fact", Study, Scenario)


def parse_study(text: str | bytes) -> Study:
    """The study that a JSON text describes.

    Raises
    ------
    BadInput
        When it is not JSON, no `study/1`, or contradicts itself; one sentence per problem.
    """
    return _parsed(text, Study, "study/1", study_problems)


def parse_scenario(text: str | bytes) -> Scenario:
    """The scenario that a JSON text describes; whether it fits a study is for `optimizer.scenarios.under` to say. Raises `BadInput`."""
    return _parsed(text, Scenario, "scenario/1", scenario_problems)


def read_study(path: Path) -> Study:
    """The study in a file. Raises `BadInput`, each sentence beginning with the file's name."""
    return _read(path, parse_study)


def read_scenario(path: Path) -> Scenario:
    """The scenario in a file. Raises `BadInput`, each sentence beginning with the file's name."""
    return _read(path, parse_scenario)


def study_json(study: Study) -> str:
    """The study as JSON text; reading it again gives an equal study."""
    return plain_json(study)


def scenario_json(scenario: Scenario) -> str:
    """The scenario as JSON text; reading it again gives an equal scenario."""
    return plain_json(scenario)


def _parsed(text: str | bytes, kind: type[_Fact], expected: str, contradictions: Callable[[Any], list[str]]) -> _Fact:
    problems = Problems()
    document = load_json(text, problems)
    found = document.get("format") if isinstance(document, dict) else document
    if not isinstance(document, dict) or found != expected:
        raise BadInput(f"format is {shown(found)}; give {shown(expected)}")
    fact = read_fact(kind, document, problems)
    for sentence in contradictions(fact):
        problems.add(sentence)
    problems.raise_any()
    return fact


def _read(path: Path, parse: Callable[[bytes], _Fact]) -> _Fact:
    try:
        return parse(read_bytes(path))
    except BadInput as error:
        raise BadInput(*(f"{path}: {sentence}" for sentence in error.problems)) from error
