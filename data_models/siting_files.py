"""Reading and writing siting cases and choices: JSON files as `formats.md` fixes them."""

from __future__ import annotations

from pathlib import Path

from data_models.case_files import document_of, read_file
from data_models.json_files import plain_json
from data_models.reading import Problems, read_fact
from data_models.siting import SitingCase, SitingChoice
from data_models.siting_rules import siting_problems


def parse_siting(text: str | bytes) -> SitingCase:
    """The siting case that a JSON text describes.

    Raises
    ------
    BadInput
        When it is not JSON, not what `formats.md` describes, or contradicts itself; one sentence per problem.
    """
    problems = Problems()
    case = read_fact(SitingCase, document_of(text, "siting-case/1", problems), problems)
    for contradiction in siting_problems(case):
        problems.add(contradiction)
    problems.raise_any()
    return case


def parse_choice(text: str | bytes) -> SitingChoice:
    """The choice that a JSON text describes. What it names need not exist: that is for `siting_check` to say.

    Raises
    ------
    BadInput
        When it is not JSON or not what `formats.md` describes; one sentence per problem.
    """
    problems = Problems()
    return read_fact(SitingChoice, document_of(text, "siting-choice/1", problems), problems)


def read_siting(path: Path) -> SitingCase:
    """The siting case in a file. Raises `BadInput`, each sentence beginning with the file's name."""
    return read_file(path, parse_siting)


def read_choice(path: Path) -> SitingChoice:
    """The choice in a file. Raises `BadInput`, each sentence beginning with the file's name."""
    return read_file(path, parse_choice)


def siting_json(case: SitingCase) -> str:
    """The siting case as JSON text; reading it again gives an equal case."""
    return plain_json(case)


def choice_json(choice: SitingChoice) -> str:
    """The choice as JSON text; reading it again gives an equal choice."""
    return plain_json(choice)
