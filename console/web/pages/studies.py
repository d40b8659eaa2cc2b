"""The planner's studio: kept studies, and one of them on the map with its scenarios."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from starlette.datastructures import UploadFile

from config.policies import load_policy
from console.web.shown_study import ShownStudies, figures_of, map_facts, may_study
from console.web.visitors import must, person_of
from console.web.web import Web, script_texts
from data_models.candidate_sites import cities_above, usual_crews, usual_kits
from data_models.case import GreatCircle, Rates
from data_models.errors import BadInput, Conflict, NotFound, TwohourError
from data_models.people import Person
from data_models.store.scenarios import keep_study, kept_scenarios, kept_study, remove_study, study_mark, study_marks
from data_models.store.studies import study_of_company
from data_models.study import Study, StudyStation
from data_models.study_files import parse_study, study_json
from data_models.study_rules import study_problems

MOST_BYTES = 32 * 1024 * 1024
"""Of an upload: a study of 100,000 tickets has about 10 MB."""

MAP_TEXTS = {
    "tickets": "tickets",
    "reached": "reached by road in time",
    "promisedOnly": "promised but not reached",
    "beyond": "beyond the promise",
    "open": "open station",
    "candidate": "candidate",
    "never": "no station",
    "remove": "Remove",
    "gained": "Gained",
    "lost": "Lost",
    "areas": "areas",
    "nothing": "Nothing changes yet.",
    "saved": "Saved.",
    "newStation": "new station",
    "same": "The same areas are reached as today.",
    "loginAgain": "Your session is over. Log in in the new tab, then repeat: nothing you did is lost.",
}


def small_enough(request: Request) -> None:
    """Raises `HTTPException` 411 and 413 before a body is read: whoever sends one must say how long it is, and it must not be too long."""
    if "transfer-encoding" in request.headers:
        raise HTTPException(411, "say how long what you send is")
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MOST_BYTES:
        raise HTTPException(413, f"this has {length[:20]} bytes; send at most {MOST_BYTES}")


def studies_router(web: Web, visitor: Callable[[Request], Awaitable[Person]], studies: ShownStudies) -> APIRouter:
    """`/studies` and `/studies/{number}`."""
    router = APIRouter(dependencies=[Depends(small_enough), Depends(must(visitor, "study"))])

    @router.get("/studies")
    def show_studies(request: Request) -> Response:
        return _list(web, studies, request)

    @router.post("/studies/upload")
    async def upload(request: Request) -> Response:
        form = await request.form()
        file = form.get("file")
        text = await file.read() if isinstance(file, UploadFile) else b""
        return await run_in_threadpool(_kept, web, studies, request, lambda: parse_study(text))

    @router.post("/studies/company")
    def make_one(
        request: Request,
        days: Annotated[float, Form(ge=1, le=3660)] = 365,
        cities: Annotated[int, Form(ge=15_000, le=100_000_000)] = 1_000_000,
        people: Annotated[int, Form(ge=1, le=200)] = 4,
        person_cost: Annotated[float, Form(ge=0, le=1e12)] = 200_000,
        station_cost: Annotated[float, Form(ge=0, le=1e12)] = 500_000,
        name: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        def made() -> Study:
            return _study_of_company(web, days, cities, people, person_cost, station_cost, name.strip())

        return _kept(web, studies, request, made)

    @router.get("/studies/{number}")
    def show_study(request: Request, number: int) -> Response:
        shown, texts = studies.of(person_of(request), number), web.texts(request, person_of(request))
        with web.store.reading() as session:
            scenarios = kept_scenarios(session, shown.mark.name)
        facts = map_facts(shown) | {"baseMap": "/map/base", "texts": script_texts(texts, MAP_TEXTS)}
        figures = figures_of(shown, shown.today, shown.reach_today, texts)
        return web.page(request, "study.jinja", facts=facts, shown=shown, reach=shown.reach_today, scenarios=scenarios, figures=figures)

    @router.get("/studies/{number}/file")
    def download(request: Request, number: int) -> Response:
        shown = studies.of(person_of(request), number)
        return as_file(study_json(shown.study), shown.mark.name)

    @router.post("/studies/{number}/remove")
    def remove(request: Request, number: int) -> Response:
        shown = studies.of(person_of(request), number)
        with web.store.session() as session:
            remove_study(session, study_mark(session, shown.mark.id).name)
        return RedirectResponse("/studies", 303)

    return router


def as_file(text: str, name: str) -> Response:
    """A JSON text to be saved under a name that anybody may have chosen."""
    safe = quote("".join(sign if sign.isalnum() or sign in " ,-_" else "_" for sign in name)[:80])
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{safe}.json", "Cache-Control": "no-store"}
    return Response(text, media_type="application/json", headers=headers)


def _list(web: Web, studies: ShownStudies, request: Request, problems: tuple[str, ...] = (), status: int = 200) -> Response:
    person = person_of(request)
    with web.store.reading() as session:
        marks = study_marks(session)
        if person.regions:
            marks = tuple(mark for mark in marks if may_study(person, kept_study(session, mark.name)))
    texts = web.texts(request, person)
    return web.page(request, "studies.jinja", status=status, studies=marks, problems=[texts.from_below(problem) for problem in problems])


def _kept(web: Web, studies: ShownStudies, request: Request, made: Callable[[], Study]) -> Response:
    """Keep a study and go to it; what is wrong with it is told on the page where it was asked for."""
    person = person_of(request)
    try:
        study = made()
        load_policy(study.policy, web.settings.policy_dir)
        if not may_study(person, study):
            raise BadInput("the study has stations or areas outside your regions; give one of your regions alone")
        with web.store.session() as session:
            keep_study(session, study, person.name, web.now())
            number = next(mark.id for mark in study_marks(session) if mark.name == study.name)
    except (BadInput, Conflict, NotFound) as error:
        return _list(web, studies, request, _sentences(error), 409 if isinstance(error, Conflict) else 422)
    return RedirectResponse(f"/studies/{number}", 303)


def _sentences(error: TwohourError) -> tuple[str, ...]:
    found: Any = error.problems if isinstance(error, BadInput) else (str(error),)
    return tuple(found[:20])


def _study_of_company(web: Web, days: float, cities: int, people: int, person_cost: float, station_cost: float, name: str) -> Study:
    from dataclasses import replace

    settings = web.settings
    service = load_policy(settings.policy, settings.policy_dir)
    with web.store.reading() as session:
        made = study_of_company(
            session,
            web.now(),
            days=days,
            zone=settings.timezone,
            policy=settings.policy,
            travel=GreatCircle("great_circle", settings.detour, settings.speed_kmh),
            rates=Rates(**settings.rates.model_dump()),
            region=settings.region,
            name=name,
            person_cost=person_cost,
            station_cost=station_cost,
        )
    like = StudyStation("", "", 0.0, 0.0, usual_kits(service), usual_crews(service, people, person_cost), station_cost)
    whole = replace(made, candidates=cities_above(cities, made.history.areas, like, made.stations))
    problems = study_problems(whole)
    if problems:
        raise BadInput(*problems)
    return whole
