"""Setting aside rows that name what the store does not hold, and shifts that overlap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from data_models import tables
from data_models.intake.checks import overlaps
from data_models.intake.columns import TableSpec
from data_models.intake.rows import Draft, Problem, problem_of
from data_models.intake.specs import spec_of
from data_models.intake.stored import StoredRow, known_ids


def without_lost_references(
    session: Session, file: str, spec: TableSpec, drafts: Sequence[Draft], policies: Collection[str] | None
) -> tuple[list[Draft], list[Problem]]:
    """The drafts whose references all exist, and the problems of the others."""
    lost: dict[int, list[Problem]] = defaultdict(list)
    for column in spec.columns:
        if not column.refers_to:
            continue
        named = {draft.row.number: _names(draft.values.get(column.stored_as)) for draft in drafts}
        known = known_ids(session, spec_of(column.refers_to).model, (name for names in named.values() for name in names))
        for draft in drafts:
            for name in named[draft.row.number]:
                if name not in known:
                    message = f"no such id among {column.refers_to}; mend it, or import {column.refers_to} first"
                    lost[draft.row.number].append(problem_of(file, spec, draft, column.stored_as, message))
    if spec.name == "contacts":
        _check_contact_sites(session, file, spec, drafts, lost)
    if spec.name == "contracts" and policies is not None:
        for draft in drafts:
            if draft.values["policy"] not in policies:
                message = f"no such policy; allowed are {', '.join(sorted(policies))}"
                lost[draft.row.number].append(problem_of(file, spec, draft, "policy", message))
    return [draft for draft in drafts if draft.row.number not in lost], [problem for found in lost.values() for problem in found]


def without_overlaps(
    file: str, spec: TableSpec, drafts: Sequence[Draft], stored: Mapping[tuple[Any, ...], StoredRow]
) -> tuple[list[Draft], list[Problem]]:
    """The shifts that overlap no other of their technician, stored or new, and the problems of the others."""
    spells: dict[str, list[tuple[Any, Any, Draft | None]]] = defaultdict(list)
    replaced = {draft.key(spec) for draft in drafts}
    for draft in drafts:
        spells[draft.values["technician_id"]].append((draft.values["starts_at"], draft.values["ends_at"], draft))
    for key, row in stored.items():
        if key not in replaced and row["technician_id"] in spells:
            spells[row["technician_id"]].append((row["starts_at"], row["ends_at"], None))
    problems: dict[int, Problem] = {}
    for group in spells.values():
        for position, other_starts in overlaps((starts, ends, draft is not None) for starts, ends, draft in group):
            overlapping = group[position][2]
            if overlapping is not None:
                message = f"overlaps the shift of the same technician that starts {other_starts:%Y-%m-%d %H:%M} UTC; correct one of them"
                problems[overlapping.row.number] = problem_of(file, spec, overlapping, "starts_at", message)
    return [draft for draft in drafts if draft.row.number not in problems], list(problems.values())


def _check_contact_sites(session: Session, file: str, spec: TableSpec, drafts: Sequence[Draft], lost: dict[int, list[Problem]]) -> None:
    sites = [site for draft in drafts for site in _names(draft.values.get("site_id"))]
    owners = known_ids(session, tables.Site, sites, also="customer_id")
    for draft in drafts:
        owner = owners.get(draft.values.get("site_id") or "")
        if owner is not None and owner != draft.values["customer_id"]:
            message = f"belongs to customer {owner!r}, not {draft.values['customer_id']!r}; correct one of them"
            lost[draft.row.number].append(problem_of(file, spec, draft, "site_id", message))


def _names(value: Any) -> Sequence[str]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
