"""The texts of notices in each language: read, and checked when they are read, so that no mistake shows up at night.

A file `zh.toml` or `en.toml` has a table for each template with `title`, `body` and, for lists, a line for each entry. `{name}` stands
for a field; `WORDS` are told in the language's own words. A company's files in a folder of its own may replace single templates.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from string import Formatter
from typing import Any, Literal, get_args

from config.notice_settings import Language
from config.toml_files import read_toml
from data_models.errors import BadInput

Kind = Literal["text", "number", "time", "day", "word", "clock", "address"]
Fields = Mapping[str, Kind]

TEXT_DIR = Path(__file__).parent / "notices"
LANGUAGES: tuple[Language, ...] = get_args(Language)
LONGEST_VALUE = 200
"""Longer texts of users are cut here: a notice is no report."""

WORDS = frozenset(
    {
        *("technician", "coordinator", "customer"),
        *("contact", "diagnosis", "on_site", "solution", "closing", "call_back", "handled_again"),
        *("open", "planned", "under_way", "done", "cancelled", "reopened"),
        *("last_plan_stands", "emergencies_sent"),
    }
)
"""What fields of kind `word` may hold: audiences, clocks, ticket states, and how an automatic fallback ended.

Those of kind `clock` hold the title of a policy's own clock as well.
"""


@dataclass(frozen=True)
class Contract:
    """The fields that a template is given and must show, and its lists: those of each entry. An empty list shows nothing.

    Lists that are `optional` may be left out by a text: they came later than the texts of companies.
    """

    fields: Fields
    lists: Mapping[str, Fields] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()


_TICKET: Fields = {"ticket": "text", "site": "text"}
_LINK: Mapping[str, Fields] = {"link": {"address": "address"}}
CONTRACTS: Mapping[str, Contract] = {
    "plan_published_technician": Contract(
        {"day": "day", "technician": "text"}, {"visits": {"starts": "time", **_TICKET}, "free": {"technician": "text"}}
    ),
    "plan_published_coordinator": Contract(
        {
            "plan": "number",
            "day": "day",
            "planned": "number",
            "unplanned": "number",
            "added": "number",
            "dropped": "number",
            "moved": "number",
        }
    ),
    "emergency_opened": Contract(
        {**_TICKET, "title": "text", "due": "time"}, {"answers": {"technician": "text", "arrives": "time", "chance": "number"}}
    ),
    "clock_at_risk": Contract({**_TICKET, "clock": "clock", "due": "time", "expected": "time"}),
    "clock_due_soon": Contract({**_TICKET, "clock": "clock", "due": "time"}),
    "clock_missed": Contract({**_TICKET, "clock": "clock", "due": "time", "step": "number"}),
    "ticket_reopened": Contract({**_TICKET, "score": "number", "below": "number"}, {"promised": {"due": "time"}}),
    "approval_waiting": Contract({"plan": "number", "made": "time", "until": "time", "emergencies": "number"}),
    "fallback_happened": Contract({"plan": "number", "at": "time", "outcome": "word"}),
    "ticket_state": Contract({**_TICKET, "state": "word"}, {"expected": {"arrives": "time"}, **_LINK}, frozenset(_LINK)),
    "satisfaction_asked": Contract({**_TICKET, "closed": "time"}, _LINK, frozenset(_LINK)),
    "webhook_disabled": Contract({"webhook": "number", "host": "text", "since": "time", "reason": "text"}),
    "notice_failed": Contract({"notice": "text", "template": "text", "audience": "word", "reason": "text"}),
}
"""What each template is given. A file must have them all, show every field and name no other."""


@dataclass(frozen=True)
class Template:
    """The texts of a notice in one language; `lines` holds the text of an entry for each list."""

    title: str
    body: str
    lines: Mapping[str, str]


@dataclass(frozen=True)
class Texts:
    """All templates of a language, and its words."""

    templates: Mapping[str, Template]
    words: Mapping[str, str]


def load_texts(folder: Path | None = None) -> dict[Language, Texts]:
    """The texts of every language; single templates and words replaced by those of the files in `folder`, if given.

    Raises
    ------
    BadInput
        A template is missing or not known, or a text lacks a field or names one that it is not given; all mistakes are named.
    """
    if folder is not None and not folder.is_dir():
        raise BadInput(f"notices.template_dir {folder} is not a folder; name the folder that holds your zh.toml and en.toml")
    problems: list[str] = []
    read = {language: _read(language, folder, problems) for language in LANGUAGES}
    if problems:
        raise BadInput(*problems)
    return read


def payload_problems(template: str, payload: Mapping[str, Any]) -> tuple[str, ...]:
    """What is wrong with the values for a template: nothing for values that `render` can show."""
    if template not in CONTRACTS:
        return (f"template {template} is not known; {_meant(template, CONTRACTS)}",)
    contract = CONTRACTS[template]
    wanted = {*contract.fields, *contract.lists}
    problems = [f"template {template}: field {name} is missing; give it" for name in sorted(wanted - payload.keys())]
    problems += [f"template {template}: field {name} is not shown; leave it out" for name in sorted(payload.keys() - wanted)]
    problems += _value_problems(template, contract.fields, payload)
    for name, fields in contract.lists.items():
        for entry in payload.get(name, ()):
            if entry.keys() != fields.keys():
                problems.append(f"template {template}: an entry of {name} has {sorted(entry)}; give {sorted(fields)}")
            problems += _value_problems(f"{template}.{name}", fields, entry)
    return tuple(problems)


def render(texts: Texts, template: str, payload: Mapping[str, Any], zone: tzinfo) -> tuple[str, str]:
    """Title and body as plain text; times in `zone`. What users wrote stays within its line and holds no control characters."""
    contract, chosen = CONTRACTS[template], texts.templates[template]
    values = _shown(texts, contract.fields, payload, zone)
    for name, fields in contract.lists.items():
        if name not in chosen.lines:
            continue
        # A list that a notice was put without, by an earlier version, is empty.
        entries = [_shown(texts, fields, entry, zone) for entry in payload.get(name, ())]
        values[name] = "\n".join(_filled(chosen.lines[name], entry) for entry in entries)
    body = _filled(chosen.body, values)
    return _filled(chosen.title, values), "\n".join(line.rstrip() for line in body.splitlines() if line.strip())


def one_line(text: str) -> str:
    """A user's text on one line without characters that steer a display, cut to `LONGEST_VALUE`."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return plain if len(plain) <= LONGEST_VALUE else plain[: LONGEST_VALUE - 1] + "…"


def _shown(texts: Texts, fields: Fields, values: Mapping[str, Any], zone: tzinfo) -> dict[str, str]:
    return {name: _value(texts, kind, values[name], zone) for name, kind in fields.items()}


def _value(texts: Texts, kind: Kind, value: Any, zone: tzinfo) -> str:
    if kind in ("time", "day"):
        local = datetime.fromisoformat(value).astimezone(zone)
        return f"{local:%Y-%m-%d}" if kind == "day" else f"{local:%m-%d %H:%M}"
    if kind == "word":
        return texts.words[value]
    if kind == "address":
        return str(value)
    return texts.words[value] if kind == "clock" and value in WORDS else one_line(str(value))


def _filled(text: str, values: Mapping[str, str]) -> str:
    # Put together by hand: `str.format` would let a text reach into attributes.
    return "".join(literal + (values[name] if name is not None else "") for literal, name, _, _ in Formatter().parse(text))


def _value_problems(template: str, fields: Fields, values: Mapping[str, Any]) -> list[str]:
    return [
        # Without the value: it may be a customer's, and this may be logged.
        f"template {template}: field {name} is no {kind}; give {_WANTED[kind]}"
        for name, kind in fields.items()
        if name in values and not _fits(kind, values[name])
    ]


_WANTED: Mapping[Kind, str] = {
    "text": "a text",
    "number": "a number",
    "time": "an ISO 8601 time with an offset",
    "day": "an ISO 8601 time with an offset, of which the day is shown",
    "word": "one of the words in config.notices.WORDS",
    "clock": "the name of a clock that config.notices.WORDS has, or the title of another",
    "address": "an address that begins with http, without spaces",
}


def _fits(kind: Kind, value: Any) -> bool:
    if kind == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if kind in ("time", "day"):
        try:
            return datetime.fromisoformat(value).astimezone(UTC) is not None and datetime.fromisoformat(value).tzinfo is not None
        except (ValueError, OverflowError):
            return False
    if kind == "address":
        # Whole or not at all: a link that is cut leads nowhere.
        return re.fullmatch(r"https?://[!-~]{1,2000}", value) is not None
    return kind in ("text", "clock") or value in WORDS


def _read(language: Language, folder: Path | None, problems: list[str]) -> Texts:
    tables: dict[str, Any] = {}
    origin: dict[str, Path] = {}
    words: dict[str, str] = {}
    for path in (TEXT_DIR / f"{language}.toml", *([folder / f"{language}.toml"] if folder is not None else [])):
        if path.parent == folder and not path.exists():
            continue
        content = read_toml(path, "put the texts of notices there")
        own_words = content.pop("words", {})
        problems += [f"{path}: words.{name} is not known; {_meant(name, WORDS)}" for name in sorted(own_words.keys() - WORDS)]
        words |= {name: str(text) for name, text in own_words.items()}
        for name, table in content.items():
            if name not in CONTRACTS:
                problems.append(f"{path}: template {name} is not known; {_meant(name, CONTRACTS)}")
            tables[name], origin[name] = table, path
    shipped = TEXT_DIR / f"{language}.toml"
    problems += [f"{shipped}: words.{name} is missing; add it" for name in sorted(WORDS - words.keys())]
    problems += [f"{shipped}: template {name} is missing; add it" for name in sorted(CONTRACTS.keys() - tables.keys())]
    found = {}
    for name in [name for name in tables if name in CONTRACTS]:
        where = f"{origin[name]}: {name}"
        mistakes = list(_mistakes(where, CONTRACTS[name], tables[name]))
        problems += mistakes
        if not mistakes:
            found[name] = Template(tables[name]["title"], tables[name]["body"], tables[name].get("lines", {}))
    return Texts(found, words)


def _mistakes(where: str, contract: Contract, table: Any) -> Iterator[str]:
    if not isinstance(table, dict) or not isinstance(table.get("lines", {}), dict):
        yield f"{where} is no table; give title, body and, for lists, lines"
        return
    lines = table.get("lines", {})
    texts = {"title": table.get("title"), "body": table.get("body"), **{f"lines.{name}": text for name, text in lines.items()}}
    for name in sorted(table.keys() - {"title", "body", "lines"}):
        yield f"{where}.{name} is not known; known are title, body, lines"
    for name in sorted(lines.keys() - contract.lists.keys()):
        yield f"{where}.lines.{name} is not a list of this template; its lists are {', '.join(contract.lists) or 'none'}"
    shown = {name for name in contract.lists if name not in contract.optional or f"{{{name}}}" in str(table.get("body"))}
    for name in sorted(shown - lines.keys()):
        yield f"{where}.lines.{name} is missing; add the text of one entry"
    used: dict[str, set[str]] = {}
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            yield f"{where}.{name} is {text!r}; give a text"
            continue
        names, problem = _names(text)
        used[name] = names
        if problem:
            yield f"{where}.{name}: {problem}"
    if {"title", "body"} <= used.keys():
        yield from _differing(f"{where}.title", used["title"], contract.fields, must_show_all=False)
        yield from _differing(f"{where} (title and body)", used["title"] | (used["body"] - contract.lists.keys()), contract.fields)
        for name in sorted((shown | lines.keys() & contract.lists.keys()) - used["body"]):
            yield f"{where}.body lacks {{{name}}}; add it"
    for name in sorted(contract.lists.keys() & lines.keys()):
        yield from _differing(f"{where}.lines.{name}", used.get(f"lines.{name}", set()), contract.lists[name])


def _differing(where: str, used: set[str], fields: Fields, *, must_show_all: bool = True) -> Iterator[str]:
    for name in sorted(used - fields.keys()):
        yield f"{where} names {{{name}}}, which it is not given; {_meant(name, fields)}"
    if must_show_all:
        for name in sorted(fields.keys() - used):
            yield f"{where} lacks {{{name}}}; add it"


def _names(text: str) -> tuple[set[str], str]:
    """The fields that a text names, and what is wrong with how it names them ("" for nothing)."""
    names: set[str] = set()
    try:
        for _, name, form, conversion in Formatter().parse(text):
            if name is None:
                continue
            if form or conversion or not name.isidentifier():
                return names, f"{{{name}…}} is not a plain field; write {{name}}, and {{{{ for a brace"
            names.add(name)
    except ValueError as error:
        return names, f"{error}; write {{name}}, and {{{{ for a brace"
    return names, ""


def _meant(name: str, known: Mapping[str, object] | frozenset[str]) -> str:
    meant = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {meant[0]}?" if meant else f"known are {', '.join(sorted(known))}"
