"""Importing a file: its good rows go into the store in one transaction, its bad rows into a rejects file, and a report says it all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from data_models.datum import DATUMS, Datum
from data_models.errors import BadInput
from data_models.geocoding import AddressGeocoder, Answer, find_addresses
from data_models.intake.checks import check_row
from data_models.intake.columns import TableSpec
from data_models.intake.header import bind_header
from data_models.intake.placing import Doubtful, Placed, addresses_to_geocode, place_drafts
from data_models.intake.readers import read_sheet
from data_models.intake.references import without_lost_references, without_overlaps
from data_models.intake.rejects import write_rejects
from data_models.intake.rows import Draft, Problem, parse_rows, problem_of, without_duplicates
from data_models.intake.specs import spec_of
from data_models.intake.stored import StoredRow, defaults, primary_key, stored_rows, write_rows
from data_models.intake.values import Clock
from data_models.store.database import Store


@dataclass(frozen=True)
class Change:
    """What an update changes: in which row of the file, of which stored thing, which column, from what to what."""

    row: int
    key: str
    column: str
    old: Any
    new: Any


@dataclass(frozen=True)
class ImportReport:
    """What an import did, or would do on a dry run.

    Parameters
    ----------
    rows
        Data rows in the file: `inserted` + `updated` + `unchanged` + `rejected`.
    changes
        What each updated row changes.
    problems
        Why rows were set aside; a row may have several.
    doubtful
        Addresses that a person must decide; their rows are among the rejected.
    placed
        Where addresses were put by geocoding.
    notices
        What was assumed or left out, one sentence each.
    rejects_path
        The rejects file, None when none was written.
    """

    table: str
    file: str
    encoding: str
    dry_run: bool
    rows: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    changes: Sequence[Change]
    problems: Sequence[Problem]
    doubtful: Sequence[Doubtful]
    placed: Sequence[Placed]
    notices: Sequence[str]
    rejects_path: Path | None


def import_file(
    store: Store,
    table: str,
    path: Path,
    *,
    now: datetime,
    encoding: str | None = None,
    sheet_name: str | None = None,
    datum: str = "WGS-84",
    timezone: str = "Asia/Shanghai",
    mapping: Mapping[str, str] | None = None,
    constants: Mapping[str, str] | None = None,
    policies: Collection[str] | None = None,
    geocoder: AddressGeocoder | None = None,
    dry_run: bool = False,
    rejects_path: Path | None = None,
) -> ImportReport:
    """Imports a CSV or XLSX file into a table in one transaction: all good rows or, when anything fails, none.

    Parameters
    ----------
    now
        Moment that rows taken out of use get.
    encoding, sheet_name
        See `readers.read_sheet`.
    datum
        What the file's lat and lon are in.
    timezone
        IANA name of the zone of times without an offset.
    mapping, constants
        See `header.bind_header`.
    policies
        Names that a contract's policy may have; None: any.
    geocoder
        Finds addresses without coordinates; None: such rows are set aside.
    dry_run
        Nothing is written, neither to the store nor a rejects file.
    rejects_path
        Where rows with problems are set aside; None: they are only reported.

    Raises
    ------
    BadInput
        The file as a whole cannot be used; nothing is written.
    Conflict
        Something else wrote the same rows at the same time; nothing is written.
    """
    spec = spec_of(table)
    sheet = read_sheet(path, encoding, sheet_name)
    if rejects_path is not None and rejects_path.resolve() == path.resolve():
        raise BadInput(f"{rejects_path.name}: the rejects file would replace the file that is read; name another")
    binding = bind_header(spec, sheet, mapping or {}, constants or {})
    clock, file_datum = Clock(_zone(timezone)), _datum(datum)
    drafts, problems = parse_rows(sheet, binding, clock)
    drafts, repeated = without_duplicates(sheet.file, spec, drafts)
    problems += repeated

    keys = [draft.key(spec) for draft in drafts]
    answers: dict[str, Answer] = {}
    if geocoder is not None and spec.located:
        with store.reading() as session:
            wanted = addresses_to_geocode(spec, drafts, stored_rows(session, spec, keys))
        answers = find_addresses(store, geocoder, wanted, now=now, keep=not dry_run)
    with store.reading() if dry_run else store.session() as session:
        stored = stored_rows(session, spec, keys)
        placing = place_drafts(sheet.file, spec, drafts, stored, file_datum, answers)
        drafts, lost = without_lost_references(session, sheet.file, spec, placing.drafts, policies)
        problems += [*placing.problems, *lost]
        drafts, unsound = _sound(sheet.file, spec, drafts, stored)
        problems += unsound
        if spec.name == "shifts":
            drafts, overlapping = without_overlaps(sheet.file, spec, drafts, stored)
            problems += overlapping
        inserts, updates, changes = _differences(spec, drafts, stored, now)
        by_row = _by_row(problems)
        set_aside = rejects_path if by_row and not dry_run else None
        if not dry_run:
            write_rows(session, spec, inserts, updates)
        if set_aside is not None:
            write_rejects(set_aside, sheet, binding, by_row)
    return ImportReport(
        table=table,
        file=sheet.file,
        encoding=sheet.encoding,
        dry_run=dry_run,
        rows=len(sheet.rows),
        inserted=len(inserts),
        updated=len(updates),
        unchanged=len(drafts) - len(inserts) - len(updates),
        rejected=len(by_row),
        changes=changes,
        problems=sorted(problems, key=lambda problem: problem.row),
        doubtful=placing.doubtful,
        placed=[placed for placed in placing.placed if placed.row not in by_row],
        notices=_notices(spec, clock, binding.skipped, drafts, stored),
        rejects_path=set_aside,
    )


def _sound(
    file: str, spec: TableSpec, drafts: Sequence[Draft], stored: Mapping[tuple[Any, ...], StoredRow]
) -> tuple[list[Draft], list[Problem]]:
    kept: list[Draft] = []
    problems: list[Problem] = []
    for draft in drafts:
        known = stored.get(draft.key(spec))
        found = check_row(spec.name, defaults(spec, draft.values) if known is None else known | _updating(spec, draft))
        problems += [problem_of(file, spec, draft, attribute, message) for attribute, message in found]
        if not found:
            kept.append(draft)
    return kept, problems


def _updating(spec: TableSpec, draft: Draft) -> StoredRow:
    """The values of a draft that an update takes over: not those whose emptiness keeps what is stored."""
    keeps = {column.stored_as: column.empty for column in spec.columns if column.empty_keeps}
    return {name: value for name, value in draft.values.items() if not (name in keeps and value == keeps[name])}


def _differences(
    spec: TableSpec, drafts: Sequence[Draft], stored: Mapping[tuple[Any, ...], StoredRow], now: datetime
) -> tuple[list[StoredRow], list[StoredRow], list[Change]]:
    inserts: list[StoredRow] = []
    updates: list[StoredRow] = []
    changes: list[Change] = []
    identity = primary_key(spec.model)
    for draft in drafts:
        known = stored.get(draft.key(spec))
        if known is None:
            row = defaults(spec, draft.values)
            if "retired_at" in row:
                row["retired_at"] = now if row["retired_at"] else None
            inserts.append(row)
            continue
        new = _updating(spec, draft)
        if "retired_at" in new:
            new["retired_at"] = (known["retired_at"] or now) if new["retired_at"] else None
        differing = {name: value for name, value in new.items() if value != known[name]}
        if differing:
            updates.append({name: known[name] for name in identity} | differing)
            key = " ".join(str(part) for part in draft.key(spec))
            changes += [Change(draft.row.number, key, spec.column(name).name, known[name], value) for name, value in differing.items()]
    return inserts, updates, changes


def _notices(
    spec: TableSpec, clock: Clock, skipped: Sequence[str], drafts: Sequence[Draft], stored: Mapping[tuple[Any, ...], StoredRow]
) -> list[str]:
    notices = []
    if clock.assumed:
        notices.append(f"{clock.assumed:,} times had no offset and were taken as {clock.zone.key}")
    if skipped:
        notices.append(f"columns left out: {', '.join(skipped)}")
    known = [stored[draft.key(spec)] for draft in drafts if draft.key(spec) in stored and draft.values.get("retired_at") is None]
    retired = sum(row.get("retired_at") is not None for row in known)
    if retired:
        notices.append(f"{retired:,} rows are of {spec.name} taken out of use and stay so; write no under retired to bring them back")
    return notices


def _by_row(problems: Sequence[Problem]) -> dict[int, list[Problem]]:
    rows: dict[int, list[Problem]] = defaultdict(list)
    for problem in problems:
        rows[problem.row].append(problem)
    return rows


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise BadInput(f"timezone {name!r}: not known; write an IANA name such as Asia/Shanghai") from error


def _datum(name: str) -> Datum:
    for datum in DATUMS:
        if datum.replace("-", "").casefold() == name.replace("-", "").replace("_", "").casefold():
            return datum
    raise BadInput(f"datum {name!r}: not known; allowed are {', '.join(DATUMS)}")
