"""Reading policy files: TOML in, a `ServicePolicy` out, and errors that name file, key, value and what is allowed.

A file may start from another with `extends`: tables are merged key by key, everything else is replaced, and so are `skills`,
which are one requirement.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import tomllib
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from data_models.errors import BadInput
from data_models.policy import ServicePolicy
from data_models.policy_rules import contradictions
from data_models.reading import shown

MAX_BYTES = 1_000_000
_NESTED_AT_MOST = 10


@dataclass(frozen=True)
class _Source:
    """One file of a chain of extensions as TOML gave it, nearest first in the chain."""

    path: Path
    content: Mapping[str, Any]


def read_policy(path: Path, presets: Mapping[str, Path]) -> ServicePolicy:
    """The policy in a file.

    Parameters
    ----------
    path
        A TOML file; its name without ending is the policy's name.
    presets
        Files that `extends` may name, by name; a path ending in `.toml`, relative to the file, works too.

    Raises
    ------
    BadInput
        A file of the chain cannot be read, is not TOML, has an unknown key or a value that is not allowed, or contradicts itself.
    """
    chain = _chain(path, presets)
    merged: dict[str, Any] = {}
    for source in reversed(chain):
        merged = _merged(merged, source.content)
    merged.pop("extends", None)
    problems = [
        f"{source.path}: name is not known; the file's own name counts; did you mean title?" for source in chain if "name" in source.content
    ]
    problems += _not_json(chain[0].path, merged)
    if problems:
        raise BadInput(*problems)
    try:
        merged["name"] = path.stem
        # JSON mode, because a list in the file is a tuple in the facts, which strict checking of Python values refuses.
        policy = _adapter().validate_json(json.dumps(merged, default=date.isoformat))
    except ValidationError as error:
        raise BadInput(*dict.fromkeys(_sentence(chain, item) for item in error.errors())) from None
    broken = tuple(f"{_holder(chain, key.split('.')).path}: {key}: {says}" for key, says in contradictions(policy))
    if broken:
        raise BadInput(*broken)
    return policy


@cache
def _adapter() -> TypeAdapter[ServicePolicy]:
    return TypeAdapter(with_config(ConfigDict(extra="forbid", strict=True))(ServicePolicy))


def _chain(path: Path, presets: Mapping[str, Path]) -> Sequence[_Source]:
    chain: list[_Source] = []
    seen: list[Path] = []
    while True:
        content = _read_toml(path)
        if path.resolve() in seen:
            raise BadInput(f"{chain[-1].path}: extends leads back to {path.name}; start from a file that does not start from this one")
        seen.append(path.resolve())
        chain.append(_Source(path, content))
        base = content.get("extends")
        if base is None:
            return chain
        path = _base(path, base, presets)


def _base(path: Path, base: object, presets: Mapping[str, Path]) -> Path:
    if isinstance(base, str) and base in presets:
        return presets[base]
    if isinstance(base, str) and base.endswith(".toml"):
        named = path.parent / base
        if _is_file(named):
            return named
        raise BadInput(f"{path}: extends = {shown(base)}: there is no such file beside it; name one, or a preset: {', '.join(presets)}")
    meant = f"; did you mean {_close(base, presets)}?" if _close(base, presets) else "."
    raise BadInput(f"{path}: extends = {shown_toml(base)} is not a preset{meant} Allowed: {', '.join(presets)}, or a path ending in .toml")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # A name too long, or with a NUL.
        return False


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise BadInput(f"{path} is larger than {MAX_BYTES:,} bytes, too large for a policy; shorten it")
        return tomllib.loads(raw.decode("utf-8-sig").replace("\r\n", "\n"))
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise BadInput(f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8") from None
        if isinstance(error, tomllib.TOMLDecodeError):
            raise BadInput(f"{path} is not TOML: {error}; correct it there") from None
        raise BadInput(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}; give the path of a policy file") from None
    except RecursionError:
        raise BadInput(f"{path} is nested too deeply to be a policy; flatten it") from None


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(base)
    for key, value in over.items():
        held = both.get(key)
        if isinstance(held, dict) and isinstance(value, dict) and key != "skills":
            value = _merged(held, value)
        both[key] = value
    return both


def _not_json(path: Path, value: Any, steps: tuple[str, ...] = ()) -> Iterator[str]:
    """What TOML can hold but no policy may: numbers that are not finite or huge, times, nesting without end."""
    if len(steps) > _NESTED_AT_MOST:
        yield f"{path}: {'.'.join(steps[:3])}… is nested too deeply; flatten it"
    elif isinstance(value, dict):
        for key, held in value.items():
            yield from _not_json(path, held, (*steps, key))
    elif isinstance(value, list):
        for index, held in enumerate(value):
            yield from _not_json(path, held, (*steps, str(index)))
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{path}: {'.'.join(steps)} = {value}; give a finite number"
    elif isinstance(value, int) and abs(value) >= 2**63:
        yield f"{path}: {'.'.join(steps)} is a huge number; give a smaller one"
    elif not isinstance(value, (str, bool, int, float)) and type(value) is not date:
        yield f'{path}: {".".join(steps)} = {value}; write a time of day as text, such as "08:30-17:30"'


# --- messages ---


def _sentence(chain: Sequence[_Source], item: Any) -> str:
    steps = [str(step) for step in item["loc"] if not _is_union_branch(step)]
    if steps and steps[-1] == "[key]":
        steps.pop()
    path = _holder(chain, steps).path
    key = ".".join(steps)
    if item["type"] in ("unexpected_keyword_argument", "extra_forbidden") or item["loc"][-1] == "[key]":
        allowed = _allowed_keys(steps[:-1])
        close = _close(steps[-1], allowed)
        meant = f"did you mean {close}? " if close else ""
        return f"{path}: {key} is not known; {meant}{'Allowed: ' + ', '.join(allowed) if allowed else item['msg']}"
    if item["type"].startswith("missing"):
        return f"{path}: {key} is missing; give it, or start from a preset with extends"
    return f"{path}: {key} = {shown_toml(item['input'])}; {_remedy(item)}"


def _remedy(item: Any) -> str:
    message = str(item["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    message = {"an object": "a table", "a valid array": "a list"}.get(message, message)
    close = _close(item["input"], str(item.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ").split(", "))
    return f"allowed: {message}" + (f"; did you mean {close}?" if close else "")


def shown_toml(value: object) -> str:
    """A value as the file writes it, shortened."""
    if isinstance(value, dict):
        return f"a table with {', '.join(list(value)[:5]) or 'nothing'}"
    return value.isoformat() if isinstance(value, date) else shown(value)


def _is_union_branch(step: object) -> bool:
    """Whether a step of an error's place is pydantic's own name for one of several allowed types."""
    return isinstance(step, str) and (step in ("bool", "int", "float", "str") or step.startswith(("list[", "dict[", "function-")))


def _holder(chain: Sequence[_Source], steps: Sequence[str]) -> _Source:
    """The file that a value comes from: the nearest of the chain that has the key; the first for a key that none has."""
    for source in chain:
        held: Any = source.content
        for step in steps:
            held = held.get(step) if isinstance(held, dict) else None
            if held is None or not isinstance(held, dict):
                break
        if held is not None:
            return source
    return chain[0]


def _close(value: object, known: Mapping[str, object] | Sequence[str]) -> str:
    return next(iter(difflib.get_close_matches(str(value)[:60], list(known), n=1)), "")


def _allowed_keys(steps: Sequence[str]) -> tuple[str, ...]:
    """The keys that the table at `steps` may have; empty where it takes names of the user's own."""
    hint: Any = ServicePolicy
    for step in steps:
        hint = _plain_hint(hint)
        if dataclasses.is_dataclass(hint):
            hint = get_type_hints(hint).get(step)
        elif get_origin(hint) is not None and get_args(hint):
            hint = get_args(hint)[-1]
    hint = _plain_hint(hint)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        names = tuple(field.name for field in dataclasses.fields(hint))
        return ("extends", *(name for name in names if name != "name")) if hint is ServicePolicy else names
    keys = _plain_hint(get_args(hint)[0]) if get_args(hint) else None
    return tuple(get_args(keys)) if get_origin(keys) is Literal else ()


def _plain_hint(hint: Any) -> Any:
    """The type behind `Annotated` and an optional None."""
    while True:
        if get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        elif get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint):
            hint = next(option for option in get_args(hint) if option is not type(None))
        else:
            return hint
