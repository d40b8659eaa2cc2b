"""`python -m console.web.extract`: the Chinese catalog brought up to date with what the pages say.

New messages are added without a text, those that nobody says any more are dropped, texts that stand are kept. With `--check` nothing is
written. Status 1 when something is left to do.

Messages are those of `_("…")` and `{% trans %}` in templates, of `gettext`, `ngettext` and `marked` in Python, and the tables that are
given to `script_texts` or looked into by `gettext`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from data_models.errors import BadInput, TwohourError

HERE = Path(__file__).parent
CATALOG = HERE / "locale" / "zh" / "LC_MESSAGES" / "messages.po"
_OWN = frozenset({"texts.py", "web.py", "extract.py"})
"""They hand messages on and have none of their own."""

_HEADER = r"""# Chinese of the pages. English is what stands in templates and pages; `python -m console.web.extract` brings this up to date.
msgid ""
msgstr ""
"Language: zh\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: nplurals=1; plural=0;\n"

"""

Message = str | tuple[str, str]
"""A message, or one for one and one for many."""


def said_by_pages(folder: Path = HERE) -> Catalog:
    """Every message of the templates, pages and scripts below a folder, with the file that says it.

    Raises
    ------
    BadInput
        A message is put together from parts, so that no catalog can have it.
    """
    catalog = Catalog(locale="zh", domain="messages")
    for path in sorted(folder.rglob("*.jinja")):
        for message in _of_template(path):
            _add(catalog, message, path.relative_to(folder))
    for path in sorted(folder.rglob("*.py")):
        if path.name not in _OWN:
            for message in _of_page(path):
                _add(catalog, message, path.relative_to(folder))
    return catalog


def read_catalog(path: Path = CATALOG) -> Catalog:
    """The catalog as it stands; an empty one where there is no file."""
    if not path.exists():
        return Catalog(locale="zh")
    with path.open("rb") as file:
        return read_po(file, locale="zh")


def renewed(kept: Catalog, said: Catalog) -> Catalog:
    """What is said, with the Chinese that was kept for it."""
    catalog = Catalog(locale="zh")
    for message in said:
        if message.id:
            known = kept.get(message.id)
            text = known.string if known is not None else ("",) if message.pluralizable else ""
            catalog.add(message.id, text, locations=message.locations)
    return catalog


def left_to_do(kept: Catalog, said: Catalog) -> tuple[str, ...]:
    """What a catalog lacks, has too much, or has wrong, in sentences; nothing when it is complete."""
    problems = []
    for message in said:
        known = kept.get(message.id) if message.id else None
        if not message.id:
            continue
        if known is None or not all(_texts_of(known.string)):
            problems.append(f"{_where(message)}: {_first(message.id)!r} has no Chinese")
        elif known.fuzzy:
            problems.append(f"{_first(message.id)!r} is fuzzy: look at its Chinese and take the mark away")
        elif any(_placeholders(text) != _placeholders(_texts_of(message.id)[-1]) for text in _texts_of(known.string)):
            problems.append(f"{_first(message.id)!r}: its Chinese fills in other values")
    stale = (message for message in kept if message.id and said.get(message.id) is None)
    return (*problems, *(f"{_first(message.id)!r} is said by no page any more" for message in stale))


def catalog_text(catalog: Catalog) -> bytes:
    """A catalog as a file: in the order of the messages, without dates and line numbers, so that two branches merge."""
    text = BytesIO()
    write_po(text, catalog, width=0, omit_header=True, sort_output=True, include_lineno=False)
    return _HEADER.encode() + text.getvalue()


def main(arguments: Iterable[str]) -> int:
    """Renew the catalog, or with `--check` only look; gives the exit status."""
    try:
        said = said_by_pages()
    except TwohourError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    kept = read_catalog()
    if "--check" not in arguments:
        kept = renewed(kept, said)
        CATALOG.parent.mkdir(parents=True, exist_ok=True)
        CATALOG.write_bytes(catalog_text(kept))
    problems = left_to_do(kept, said)
    sys.stdout.write("".join(f"{problem}\n" for problem in problems) or "every message has its Chinese\n")
    return 1 if problems else 0


def _add(catalog: Catalog, message: Message, path: Path) -> None:
    catalog.add(message, locations=[(path.as_posix(), 0)])


def _of_template(path: Path) -> Iterator[Message]:
    with path.open("rb") as file:
        options: dict[str, Any] = {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true", "silent": "false"}
        for _line, function, found, _comments in babel_extract(file, ("_", "gettext", "ngettext"), (), options):
            texts = [text for text in ((found,) if isinstance(found, str) else found or ()) if text]
            if function == "ngettext" and len(texts) > 1:
                yield texts[0], texts[1]
            elif texts:
                yield texts[0]


def _of_page(path: Path) -> Iterator[Message]:
    module = ast.parse(path.read_text(encoding="utf-8"))
    tables = {
        target.id: statement.value
        for statement in module.body
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None
        for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if isinstance(target, ast.Name)
    }
    tables |= _walked(module, tables)
    for call in (node for node in ast.walk(module) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""
        try:
            if name in ("gettext", "marked") and call.args:
                yield from _messages(call.args[0], tables)
            elif name == "ngettext" and len(call.args) > 1:
                yield from zip(_messages(call.args[0], tables), _messages(call.args[1], tables), strict=True)
            elif name == "script_texts" and len(call.args) > 1:
                yield from _messages(call.args[1], tables)
        except ValueError as error:
            raise BadInput(f"{path.name} line {call.lineno}: {error}") from None


def _walked(module: ast.Module, tables: dict[str, ast.expr]) -> dict[str, ast.expr]:
    """What names stand for while a table is walked through: `said` in `for key, said in TABLE.items()`."""
    found: dict[str, ast.expr] = {}
    for loop in (node for node in ast.walk(module) if isinstance(node, ast.comprehension | ast.For)):
        match loop.iter:
            case ast.Call(func=ast.Attribute(attr="items" | "values", value=ast.Name(id=name))) | ast.Name(id=name) if name in tables:
                last = loop.target.elts[-1] if isinstance(loop.target, ast.Tuple) else loop.target
                if isinstance(last, ast.Name):
                    found[last.id] = tables[name]
    return found


def _messages(node: ast.expr, tables: dict[str, ast.expr]) -> Iterator[str]:
    """The messages that an expression may be; what another line must have `marked` gives none."""
    match node:
        case ast.Constant(value=str(text)):
            if text:
                yield text
        case ast.Name(id=name) if name in tables:
            yield from _messages(tables[name], {other: table for other, table in tables.items() if other != name})
        case ast.Dict(values=values):
            for value in values:
                yield from _messages(value, tables)
        case ast.Tuple(elts=items) | ast.List(elts=items):
            for item in items:
                yield from _messages(item, tables)
        case ast.IfExp(body=one, orelse=other):
            yield from _messages(one, tables)
            yield from _messages(other, tables)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            yield from _messages(left, tables)
            yield from _messages(right, tables)
        case ast.Subscript(value=table):
            yield from _messages(table, tables)
        case ast.Call(func=ast.Attribute(attr="get", value=table)):
            yield from _messages(table, tables)
        case ast.JoinedStr() | ast.BinOp():
            raise ValueError("a message is put together here; write it whole, with %(name)s for what is filled in")
        case _:
            return


def _texts_of(texts: Any) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def _first(message: Any) -> str:
    return _texts_of(message)[0]


def _where(message: Any) -> str:
    return ", ".join(file for file, _ in message.locations)


def _placeholders(text: str) -> frozenset[str]:
    """The names of `%(name)s` in a text."""
    return frozenset(part.split(")")[0] for part in text.split("%(")[1:])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
