"""JSON files at the front door: loaded with suspicion, written all or nothing.

Nothing that a file can contain raises anything but `BadInput`; `reading` then makes facts of what was loaded.
"""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from data_models.errors import BadInput
from data_models.reading import Problems, Where, key_of, shown

MAX_BYTES = 500_000_000

_ALWAYS = frozenset({"format", "kind", "kits", "overtime_minutes", "committed", "locked", "unassigned", "reasons"})
"""Fields that `formats.md` does not call optional, though we read a file without them: always written."""


def read_bytes(path: Path) -> bytes:
    """The bytes of a file. Raises `BadInput` when it cannot be read or is larger than `MAX_BYTES`."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"{shown(str(path))[1:-1]} cannot be read: {reason}; give the path of a file that can") from error
    if len(content) > MAX_BYTES:
        raise BadInput(f"{path} is larger than {MAX_BYTES:,} bytes; split it")
    return content


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file all or nothing: whoever reads `path` sees what was there before, or all of `content`; text as UTF-8.

    Raises `BadInput` when the place cannot be written to; nothing is left behind then.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():  # A pipe or a device such as /dev/stdout must not be replaced by a file.
        _written(path, path, content)
        return
    draft = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        _written(draft, path, content)
        draft.replace(path)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}; give a path that can") from error
    finally:
        draft.unlink(missing_ok=True)


def must_take_files(folder: Path) -> None:
    """Raises `BadInput` when no file can be made in a folder: better said before long work than after it."""
    trial = folder / f".{secrets.token_hex(6)}.tmp"
    try:
        _written(trial, trial, b"")
    except BadInput as error:
        reason = getattr(error.__cause__, "strerror", "")
        raise BadInput(f"{folder} takes no files: {reason}; name another folder") from error
    finally:
        trial.unlink(missing_ok=True)


def _written(target: Path, path: Path, content: str | bytes) -> None:
    try:
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}; give a path in a folder that exists and can be written to") from error


def load_json(text: str | bytes, problems: Problems, *, name: str = "the file", remedy: str = "give a JSON file") -> Any:
    """What a JSON text holds; `name` and `remedy` stand in what is said when it is none.

    Raises `BadInput` when it is no JSON; a key that stands twice in an object goes to `problems`.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        item = dict(pairs)
        if len(item) < len(pairs):
            twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
            problems.add(Where().into("an object", item).says(f"{shown(twice)} stands in it more than once; keep one"))
        return item

    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        return json.loads(decoded, object_pairs_hook=once)
    except UnicodeDecodeError as error:
        raise BadInput(f"{name} is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except RecursionError as error:
        raise BadInput(f"{name} is nested too deeply to be one of ours; flatten it") from error
    except ValueError as error:
        raise BadInput(f"{name} is not JSON: {error}; {remedy}") from error


def plain_json(fact: Any) -> str:
    """A fact as JSON text, indented by one, innermost lists and objects on a line of their own.

    Optional fields that have their default value are left out. `format` comes first, the rest in the order of the dataclass.
    """
    return _lines(_plain(fact), 0) + "\n"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = sorted(dataclasses.fields(value), key=lambda entry: entry.name != "format")
        held = [(entry, getattr(value, entry.name)) for entry in fields]
        return {
            key_of(type(value), entry.name): _plain(held) for entry, held in held if entry.name in _ALWAYS or not _is_default(entry, held)
        }
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(entry) for entry in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _is_default(entry: dataclasses.Field[Any], value: object) -> bool:
    if entry.default_factory is not dataclasses.MISSING:
        return bool(value == entry.default_factory())
    return entry.default is not dataclasses.MISSING and bool(value == entry.default)


def _lines(value: Any, depth: int) -> str:
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if not any(isinstance(part, (dict, list)) and part for part in parts):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        rows = [f"{json.dumps(key, ensure_ascii=False)}: {_lines(part, depth + 1)}" for key, part in value.items()]
    else:
        rows = [_lines(part, depth + 1) for part in parts]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    indent = "\n" + " " * (depth + 1)
    return opening + indent + f",{indent}".join(rows) + "\n" + " " * depth + closing
