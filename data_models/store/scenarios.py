"""Studies and scenarios by name: kept, copied, changed, removed. Nothing here touches what the company's day rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from data_models import tables
from data_models.errors import BadInput, Conflict, NotFound
from data_models.study import TODAY, Scenario, Study
from data_models.study_files import parse_scenario, parse_study, scenario_json, study_json

MOST_NAME = 200


@dataclass(frozen=True)
class StudyMark:
    """What tells a kept study from every other: a study is never changed, but may be removed, and another kept under its name."""

    id: int
    name: str
    by: str
    at: datetime


@dataclass(frozen=True)
class KeptScenario:
    """A scenario with the version that was read, and who changed it last."""

    id: int
    study: str
    scenario: Scenario
    version: int
    by: str
    at: datetime


def keep_study(session: Session, study: Study, by: str, at: datetime) -> None:
    """Keep a study under its name. Raises `Conflict` where there is another one of that name, `BadInput` for a name that is too long."""
    _must_be_a_name("study", study.name)
    text = study_json(study)
    row = session.scalar(select(tables.StoredStudy).where(tables.StoredStudy.name == study.name))
    if row is not None:
        if row.study_json != text:
            raise Conflict(f"study {study.name} is kept already, and is another one; give this one a name of its own")
        return
    session.add(tables.StoredStudy(name=study.name, study_json=text, by=by, at=at))
    session.flush()


def kept_studies(session: Session) -> Sequence[str]:
    """The names of all studies, the newest first."""
    return session.scalars(select(tables.StoredStudy.name).order_by(tables.StoredStudy.at.desc(), tables.StoredStudy.id.desc())).all()


def kept_study(session: Session, name: str) -> Study:
    """The study of a name. Raises `NotFound`."""
    return parse_study(_study(session, name).study_json)


def study_marks(session: Session) -> tuple[StudyMark, ...]:
    """All studies, the newest first, without what they hold."""
    row = tables.StoredStudy
    found = session.execute(select(row.id, row.name, row.by, row.at).order_by(row.at.desc(), row.id.desc()))
    return tuple(StudyMark(*facts) for facts in found)


def study_mark(session: Session, number: int) -> StudyMark:
    """The study of a number. Raises `NotFound`."""
    row = tables.StoredStudy
    found = session.execute(select(row.id, row.name, row.by, row.at).where(row.id == number)).one_or_none()
    if found is None:
        raise NotFound(f"study {number} does not exist")
    return StudyMark(*found)


def remove_study(session: Session, name: str) -> None:
    """Remove a study with its scenarios. Raises `NotFound`."""
    row = _study(session, name)
    for scenario in session.scalars(select(tables.StoredScenario).where(tables.StoredScenario.study_id == row.id)):
        session.delete(scenario)
    session.flush()
    session.delete(row)
    session.flush()


def keep_scenario(session: Session, study: str, scenario: Scenario, by: str, at: datetime, *, seen: int | None = None) -> KeptScenario:
    """Keep a scenario under its name.

    Parameters
    ----------
    seen
        The version that was changed; None for a new one.

    Raises
    ------
    NotFound
        There is no such study.
    Conflict
        A new scenario has the name of another, or somebody has changed it since the version that was seen: the message names who.
    BadInput
        The name is too long, or that of the company as it is.
    """
    _must_be_a_scenario_name(scenario.name)
    owner = _study(session, study)
    row = session.scalar(_rows(owner.id).where(tables.StoredScenario.name == scenario.name).with_for_update())
    if row is None:
        if seen is not None:
            raise Conflict(f"scenario {scenario.name} was removed meanwhile; keep it as a new one")
        row = tables.StoredScenario(study_id=owner.id, name=scenario.name, scenario_json=scenario_json(scenario), version=1, by=by, at=at)
        session.add(row)
    elif seen is None:
        raise _taken(row)
    else:
        _must_be_seen(row, seen)
        row.scenario_json, row.version, row.by, row.at = scenario_json(scenario), row.version + 1, by, at
    session.flush()
    return _kept(row, study)


def copy_scenario(session: Session, study: str, name: str, new: str, by: str, at: datetime) -> KeptScenario:
    """Keep a copy of a scenario under another name. Raises `NotFound`, `Conflict`, `BadInput` as `keep_scenario` does."""
    return keep_scenario(session, study, replace(kept_scenario(session, study, name).scenario, name=new), by, at)


def rename_scenario(session: Session, study: str, name: str, new: str, by: str, at: datetime, *, seen: int) -> KeptScenario:
    """Give a scenario another name; its number stays.

    Raises
    ------
    NotFound
        There is no such scenario.
    Conflict
        Another one has that name, or somebody has changed this one since the version that was seen.
    BadInput
        The name is too long, or that of the company as it is.
    """
    _must_be_free(session, study, new)
    row = session.scalar(_rows(_study(session, study).id).where(tables.StoredScenario.name == name).with_for_update())
    if row is None:
        raise NotFound(f"scenario {name[:MOST_NAME]} of study {study} does not exist")
    _must_be_seen(row, seen)
    renamed = replace(parse_scenario(row.scenario_json), name=new)
    row.name, row.scenario_json, row.version, row.by, row.at = new, scenario_json(renamed), row.version + 1, by, at
    session.flush()
    return _kept(row, study)


def kept_scenarios(session: Session, study: str) -> tuple[KeptScenario, ...]:
    """The scenarios of a study by name. Raises `NotFound` where there is no such study."""
    rows = session.scalars(_rows(_study(session, study).id).order_by(tables.StoredScenario.name))
    return tuple(_kept(row, study) for row in rows)


def kept_scenario(session: Session, study: str, name: str) -> KeptScenario:
    """A scenario by name. Raises `NotFound`."""
    return _kept(_scenario(session, study, name), study)


def remove_scenario(session: Session, study: str, name: str) -> None:
    """Remove a scenario. Raises `NotFound`."""
    session.delete(_scenario(session, study, name))
    session.flush()


def _study(session: Session, name: str) -> tables.StoredStudy:
    row = session.scalar(select(tables.StoredStudy).where(tables.StoredStudy.name == name))
    if row is None:
        raise NotFound(f"study {name[:MOST_NAME]} does not exist; kept are {', '.join(kept_studies(session)[:10]) or 'none'}")
    return row


def _scenario(session: Session, study: str, name: str) -> tables.StoredScenario:
    row = session.scalar(_rows(_study(session, study).id).where(tables.StoredScenario.name == name))
    if row is None:
        raise NotFound(f"scenario {name[:MOST_NAME]} of study {study} does not exist")
    return row


def _rows(study: int) -> Select[tuple[tables.StoredScenario]]:
    return select(tables.StoredScenario).where(tables.StoredScenario.study_id == study)


def _kept(row: tables.StoredScenario, study: str) -> KeptScenario:
    return KeptScenario(row.id, study, parse_scenario(row.scenario_json), row.version, row.by, row.at)


def _must_be_seen(row: tables.StoredScenario, seen: int) -> None:
    if row.version != seen:
        raise Conflict(f"scenario {row.name} was changed by {row.by} meanwhile; look at it again")


def _must_be_free(session: Session, study: str, name: str) -> None:
    _must_be_a_scenario_name(name)
    other = session.scalar(_rows(_study(session, study).id).where(tables.StoredScenario.name == name))
    if other is not None:
        raise _taken(other)


def _taken(row: tables.StoredScenario) -> Conflict:
    return Conflict(f"scenario {row.name} is kept already, by {row.by}; give this one another name, or change that one")


def _must_be_a_scenario_name(name: str) -> None:
    _must_be_a_name("scenario", name)
    if name == TODAY.name:
        raise BadInput(f"scenario {name} is the company as it is; give what differs another name")


def _must_be_a_name(what: str, name: str) -> None:
    if not name.strip() or len(name) > MOST_NAME or not name.isprintable():
        raise BadInput(f"{what}: the name has {len(name)} characters; give 1 to {MOST_NAME} that can be printed")
