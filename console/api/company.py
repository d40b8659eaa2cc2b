"""`/stations` and `/technicians`: who there is and what they have, to be read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import select

from console.api.access import caller_of, must_be_theirs
from console.api.kinds import Short, StationId, TechnicianId
from console.api.other_models import (
    KitTold,
    PositionTold,
    ShiftTold,
    SkillTold,
    StationPage,
    StationTold,
    TechnicianPage,
    TechnicianTold,
)
from console.api.paging import Cursor, Limit, cursor_of, page_of, place_of
from data_models import tables
from data_models.store.pages import shifts_from, stations_page, technicians_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from console.api.service import Api

AHEAD = timedelta(days=7)
"""Shifts are told so far ahead."""


def company_router(api: Api) -> APIRouter:
    """The router of `/stations` and `/technicians`."""
    router = api.router("", "company")

    @router.get("/stations", operation_id="listStations", summary="List stations", response_model=StationPage)
    def list_stations(request: Request, limit: Limit = 50, cursor: Cursor = "") -> StationPage:
        """Stations in use with their kits, by id."""
        after = place_of(cursor, str)
        with api.store.reading() as session:
            rows = stations_page(session, limit + 1, after[0] if after else "", regions=caller_of(request).regions)
            page, more = page_of(rows, limit)
        return StationPage(items=[_station(row) for row in page], next=cursor_of(page[-1].id) if more else None)

    @router.get("/stations/{station_id}", operation_id="readStation", summary="Read a station", response_model=StationTold)
    def read_station(request: Request, station_id: StationId) -> StationTold:
        """A station with its kits."""
        with api.store.reading() as session:
            row = session.scalar(select(tables.Station).where(tables.Station.id == station_id, tables.Station.retired_at.is_(None)))
            must_be_theirs(caller_of(request), None if row is None else row.region, f"Station {station_id}")
            assert row is not None  # noqa: S101  must_be_theirs has raised
            return _station(row)

    @router.get("/technicians", operation_id="listTechnicians", summary="List technicians", response_model=TechnicianPage)
    def list_technicians(
        request: Request,
        station: Annotated[Short, Query(description="Id of their station.")] = "",
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> TechnicianPage:
        """Technicians in use with skills, shifts and where they are, by id."""
        after = place_of(cursor, str)
        with api.store.reading() as session:
            regions = caller_of(request).regions
            rows = technicians_page(session, limit + 1, after[0] if after else "", regions=regions, station=station)
            page, more = page_of(rows, limit)
            return TechnicianPage(items=_technicians(api, session, page), next=cursor_of(page[-1][0].id) if more else None)

    @router.get("/technicians/{technician_id}", operation_id="readTechnician", summary="Read a technician", response_model=TechnicianTold)
    def read_technician(request: Request, technician_id: TechnicianId) -> TechnicianTold:
        """A technician with skills, shifts and where they are."""
        with api.store.reading() as session:
            found = technicians_page(session, 1, technician=technician_id)
            must_be_theirs(caller_of(request), found[0][1] if found else None, f"Technician {technician_id}")
            return _technicians(api, session, found)[0]

    return router


def _station(row: tables.Station) -> StationTold:
    kits = [KitTold(kit=kit.kit, owned=kit.owned, broken=kit.broken) for kit in sorted(row.kits, key=lambda kit: kit.kit)]
    return StationTold(
        id=row.id, name=row.name, region=row.region, address=row.address, lat=row.lat, lon=row.lon, capacity=row.capacity, kits=kits
    )  # fmt: skip


def _technicians(api: Api, session: Session, rows: Sequence[tuple[tables.Technician, str]]) -> list[TechnicianTold]:
    now = api.now()
    shifts = shifts_from(session, [row.id for row, _ in rows], now, now + AHEAD)
    return [_technician(row, region, shifts[row.id]) for row, region in rows]


def _technician(row: tables.Technician, region: str, shifts: Sequence[tables.Shift]) -> TechnicianTold:
    at = row.position
    return TechnicianTold(
        id=row.id,
        name=row.name,
        station=row.station_id,
        region=region,
        capacity=row.capacity,
        skills=[
            SkillTold(skill=one.skill, level=one.level, expires_on=one.expires_on) for one in sorted(row.skills, key=lambda one: one.skill)
        ],
        shifts=[
            ShiftTold(starts_at=one.starts_at, ends_at=one.ends_at, kind=one.kind, overtime_minutes=one.overtime_minutes) for one in shifts
        ],
        position=None if at is None else PositionTold(lat=at.lat, lon=at.lon, free_at=at.free_at, kits=at.kits),
    )
