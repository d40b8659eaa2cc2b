"""Scenarios of a study: kept, copied, renamed, shared as files; and the page on which a planner puts a station by a click."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Form, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile

from console.web.pages.studies import MAP_TEXTS, as_file, small_enough
from console.web.shown_study import ShownStudies, ShownStudy, formula_figures, map_facts, scenario_facts
from console.web.visitors import must, person_of
from console.web.web import Web, script_texts
from data_models.case import SEVERITIES
from data_models.people import Person
from data_models.store.scenarios import KeptScenario, copy_scenario, keep_scenario, kept_scenarios, remove_scenario, rename_scenario
from data_models.study import Scenario
from data_models.study_files import parse_scenario, scenario_json
from optimizer.scenarios import under

_Name = Annotated[str, Form(max_length=200)]


def study_scenarios_router(web: Web, visitor: Callable[[Request], Awaitable[Person]], studies: ShownStudies) -> APIRouter:
    """`/studies/{number}/scenarios` and what is done to one."""
    guards = [Depends(small_enough), Depends(must(visitor, "study"))]
    router = APIRouter(prefix="/studies/{number}", dependencies=guards)
    _add_pages(router, web, studies)
    _add_deeds(router, web, studies)
    return router


def _add_pages(router: APIRouter, web: Web, studies: ShownStudies) -> None:
    @router.get("/scenarios/{scenario}")
    def show_scenario(request: Request, number: int, scenario: int) -> Response:
        shown, texts = studies.of(person_of(request), number), web.texts(request, person_of(request))
        kept = _looked_up(web, shown, scenario)
        facts = map_facts(shown) | {
            "baseMap": "/map/base",
            "texts": script_texts(texts, MAP_TEXTS),
            "scenario": {"changes": []} | json.loads(scenario_json(kept.scenario)),  # a file leaves out what is empty
            "seen": kept.version,
            "now": scenario_facts(shown, kept.scenario, texts),
        }
        severities = [(severity, texts.word("severity", severity)) for severity in SEVERITIES]
        return web.page(request, "scenario.jinja", facts=facts, shown=shown, kept=kept, severities=severities)

    @router.get("/scenarios/{scenario}/file")
    def download(request: Request, number: int, scenario: int) -> Response:
        kept = _looked_up(web, studies.of(person_of(request), number), scenario)
        return as_file(scenario_json(kept.scenario), kept.scenario.name)

    @router.post("/reach")
    def try_changes(request: Request, number: int, scenario: Annotated[dict[str, Any], Body(embed=True)]) -> Response:
        """What changes would do; nothing is kept."""
        shown, person = studies.of(person_of(request), number), person_of(request)
        return JSONResponse(scenario_facts(shown, _read(scenario), web.texts(request, person)), headers={"Cache-Control": "no-store"})

    @router.post("/formula")
    def expect(request: Request, number: int, scenario: Annotated[dict[str, Any], Body(embed=True)]) -> Response:
        """What the formula promises: seconds of work, so that it is done when somebody asks."""
        shown, person = studies.of(person_of(request), number), person_of(request)
        figures = formula_figures(shown, _read(scenario), web.texts(request, person))
        return JSONResponse({"figures": figures}, headers={"Cache-Control": "no-store"})


def _add_deeds(router: APIRouter, web: Web, studies: ShownStudies) -> None:
    def done(request: Request, number: int, deed: Callable[[Session, str, str], object]) -> Response:
        shown, person = studies.of(person_of(request), number), person_of(request)
        with web.store.session() as session:
            made = deed(session, shown.mark.name, person.name)
        way = f"/scenarios/{made.id}" if isinstance(made, KeptScenario) else ""
        return RedirectResponse(f"/studies/{shown.mark.id}{way}", 303)

    @router.post("/scenarios")
    def make_new(request: Request, number: int, name: _Name) -> Response:
        return done(request, number, lambda session, study, by: keep_scenario(session, study, Scenario(name.strip()), by, web.now()))

    @router.post("/scenarios/upload")
    async def upload(request: Request, number: int) -> Response:
        file = (await request.form()).get("file")
        text = await file.read() if isinstance(file, UploadFile) else b""

        def keep() -> Response:
            shown, made = studies.of(person_of(request), number), parse_scenario(text)
            under(shown.study, made, shown.policy)
            return done(request, number, lambda session, study, by: keep_scenario(session, study, made, by, web.now()))

        return await run_in_threadpool(keep)

    @router.post("/scenarios/{scenario}")
    def save(
        request: Request,
        number: int,
        scenario: int,
        changed: Annotated[dict[str, Any], Body()],
        seen: Annotated[int, Body()],
    ) -> Response:
        """Keep the changes, unless somebody else was first."""
        shown, person = studies.of(person_of(request), number), person_of(request)
        kept = _looked_up(web, shown, scenario)
        made = replace(_read(changed), name=kept.scenario.name)
        under(shown.study, made, shown.policy)
        with web.store.session() as session:
            again = keep_scenario(session, shown.mark.name, made, person.name, web.now(), seen=seen)
        return JSONResponse({"seen": again.version})

    @router.post("/scenarios/{scenario}/copy")
    def copy(request: Request, number: int, scenario: int, name: _Name) -> Response:
        def deed(session: Session, study: str, by: str) -> object:
            return copy_scenario(session, study, _of(session, study, scenario).scenario.name, name.strip(), by, web.now())

        return done(request, number, deed)

    @router.post("/scenarios/{scenario}/rename")
    def rename(request: Request, number: int, scenario: int, name: _Name, seen: Annotated[int, Form()]) -> Response:
        def deed(session: Session, study: str, by: str) -> object:
            return rename_scenario(session, study, _of(session, study, scenario).scenario.name, name.strip(), by, web.now(), seen=seen)

        return done(request, number, deed)

    @router.post("/scenarios/{scenario}/remove")
    def remove(request: Request, number: int, scenario: int) -> Response:
        return done(
            request, number, lambda session, study, _by: remove_scenario(session, study, _of(session, study, scenario).scenario.name)
        )


def _looked_up(web: Web, shown: ShownStudy, number: int) -> KeptScenario:
    with web.store.reading() as session:
        return _of(session, shown.mark.name, number)


def _of(session: Session, study: str, number: int) -> KeptScenario:
    """The scenario of a number, if it is of this study."""
    found = next((kept for kept in kept_scenarios(session, study) if kept.id == number), None)
    if found is None:
        raise HTTPException(404, "this scenario does not exist, or somebody has removed it")
    return found


def _read(facts: dict[str, Any]) -> Scenario:
    return parse_scenario(json.dumps(facts))
