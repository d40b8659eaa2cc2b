"""Who may log in: administrators list, add, change and shut out people here, give them passwords and end their sessions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.web.visitors import must, person_of
from console.web.web import Web
from data_models import tables
from data_models.errors import BadInput, Conflict
from data_models.passwords import new_password
from data_models.people import ROLES, Person, Role
from data_models.store.audit import write_audit
from data_models.store.people import (
    add_person,
    change_person,
    disable_person,
    enable_person,
    end_sessions,
    known_regions,
    list_people,
    person_by_id,
    sessions_of,
    set_password,
)

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
_Text = Annotated[str, Form(max_length=200)]


@dataclass(frozen=True)
class Given:
    """What stands in the form of a person."""

    login: str = ""
    name: str = ""
    role: str = "viewer"
    regions: tuple[str, ...] = ()
    technician: str = ""
    language: str = ""


def people_router(web: Web, visitor: Callable[[Request], Awaitable[Person]]) -> APIRouter:
    """`/people` and one page for each person."""
    router = APIRouter(dependencies=[Depends(must(visitor, "administer"))])

    @router.get("/people")
    def show_people(request: Request) -> Response:
        return _list(web, request, Given())

    @router.post("/people")
    def add(request: Request, given: Annotated[Given, Depends(_given)]) -> Response:
        password, now, by = new_password(given.login), web.now(), person_of(request)
        try:
            with web.store.session() as session:
                _must_be_known(session, given.regions, ())
                added = add_person(
                    session, given.login, given.name, _role(given.role), now,
                    password=password, regions=given.regions, technician=given.technician or None, must_change=True,
                )  # fmt: skip
                if given.language:
                    added = change_person(session, added.login, **_facts(replace(given, name=added.name)))
                write_audit(session, by.login, "person added", added.login, now, {"role": added.role, "regions": list(added.regions)})
        except (BadInput, Conflict) as error:
            return _list(web, request, given, failure=str(error), status=409 if isinstance(error, Conflict) else 422)
        return _one(web, request, added.id, password=password)

    @router.get("/people/{person_id}")
    def show_person(request: Request, person_id: Number) -> Response:
        return _one(web, request, person_id)

    @router.post("/people/{person_id}")
    def change(request: Request, person_id: Number, given: Annotated[Given, Depends(_given)]) -> Response:
        now, by = web.now(), person_of(request)
        try:
            with web.store.session() as session:
                before, _ = person_by_id(session, person_id)
                _must_be_known(session, given.regions, before.regions)
                after = change_person(session, before.login, **_facts(given))
                changes = _changes(before, after)
                if changes:
                    write_audit(session, by.login, "person changed", after.login, now, changes)
        except (BadInput, Conflict) as error:
            return _one(web, request, person_id, given, failure=str(error), status=409 if isinstance(error, Conflict) else 422)
        return RedirectResponse(f"/people/{person_id}", 303)

    @router.post("/people/{person_id}/password")
    def reset_password(request: Request, person_id: Number) -> Response:
        with web.store.session() as session:
            person, _ = person_by_id(session, person_id)
            password = new_password(person.login)
            set_password(session, person.login, password, must_change=True)
            write_audit(session, person_of(request).login, "password reset", person.login, web.now())
        return _one(web, request, person_id, password=password)

    @router.post("/people/{person_id}/disable")
    def disable(request: Request, person_id: Number) -> Response:
        return _done(web, request, person_id, "person shut out", lambda session, login: disable_person(session, login, web.now()))

    @router.post("/people/{person_id}/enable")
    def enable(request: Request, person_id: Number) -> Response:
        return _done(web, request, person_id, "person let in again", enable_person)

    @router.post("/people/{person_id}/log-out")
    def log_out(request: Request, person_id: Number) -> Response:
        return _done(web, request, person_id, "logged out everywhere", lambda session, _: end_sessions(session, person_id))

    return router


def _given(
    login: _Text = "",
    name: _Text = "",
    role: _Text = "viewer",
    regions: Annotated[list[str] | None, Form()] = None,
    technician: _Text = "",
    language: Annotated[str, Form(max_length=8)] = "",
) -> Given:
    return Given(login, name, role, tuple(regions or ()), technician, language)


def _facts(given: Given) -> dict[str, Any]:
    """What `change_person` takes."""
    technician = given.technician or None
    return {
        "name": given.name, "role": _role(given.role), "regions": given.regions, "technician": technician, "language": given.language,
    }  # fmt: skip


def _role(role: str) -> Role:
    found = next((known for known in ROLES if known == role), None)
    if found is None:
        raise BadInput(f"role {role}: is none; known are {', '.join(ROLES)}")
    return found


def _must_be_known(session: Session, regions: tuple[str, ...], held: tuple[str, ...]) -> None:
    unknown = sorted(set(regions) - set(known_regions(session)) - set(held))
    if unknown:
        raise BadInput(f"region {unknown[0]}: no station or site is in it; choose one of those that are shown")


def _changes(before: Person, after: Person) -> dict[str, Any]:
    """What an audit entry tells of a change: each fact that is another now, with both values."""
    names = ("name", "role", "regions", "technician", "language")
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in names}
    return {name: [_plain(old), _plain(new)] for name, (old, new) in pairs.items() if old != new}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _done(web: Web, request: Request, person_id: int, action: str, do: Callable[[Session, str], None]) -> Response:
    """Do something to a person, write it down, and show them."""
    with web.store.session() as session:
        person, _ = person_by_id(session, person_id)
        do(session, person.login)
        write_audit(session, person_of(request).login, action, person.login, web.now())
    return RedirectResponse(f"/people/{person_id}", 303)


def _list(web: Web, request: Request, given: Given, *, failure: str = "", status: int = 200) -> Response:
    with web.store.reading() as session:
        people = list_people(session)
        choices = _choices(session)
    return web.page(request, "people.jinja", status=status, people=people, given=given, failure=failure, **choices)


def _one(
    web: Web, request: Request, person_id: int, given: Given | None = None, *, password: str = "", failure: str = "", status: int = 200
) -> Response:
    with web.store.reading() as session:
        someone, disabled_at = person_by_id(session, person_id)
        sessions = sessions_of(session, person_id, web.now())
        choices = _choices(session, someone.regions)
    held = Given(someone.login, someone.name, someone.role, someone.regions, someone.technician or "", someone.language)
    facts = {"someone": someone, "disabled_at": disabled_at, "sessions": sessions, "password": password}
    given = replace(given, login=someone.login) if given is not None else held
    return web.page(request, "person.jinja", status=status, given=given, failure=failure, **facts, **choices)


def _choices(session: Session, held: tuple[str, ...] = ()) -> dict[str, Any]:
    technician = tables.Technician
    names = session.execute(select(technician.id, technician.name).where(technician.retired_at.is_(None)).order_by(technician.id)).all()
    return {"roles": ROLES, "regions": sorted({*known_regions(session), *held}), "technicians": names}
