"""Remembered answers of services outside: travel times and places of addresses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from data_models.tables.base import Base


class TravelTime(Base):
    """What a provider answered for the pairs that begin at one place; `legs` packs the destinations (`travel.cache`)."""

    __tablename__ = "travel_time"

    provider: Mapped[str] = mapped_column(String(120), primary_key=True)
    from_lat_e6: Mapped[int] = mapped_column(primary_key=True)
    from_lon_e6: Mapped[int] = mapped_column(primary_key=True)
    # Measured for 500 places: a row per pair takes 3.9 s to write, 0.9 s to read and 52 MB; packed by origin see DECISIONS.
    legs: Mapped[bytes] = mapped_column(LargeBinary)


class GeocodedAddress(Base):
    """What a geocoder answered for an address; `matches` holds its candidates, best first, none when it knew nothing."""

    __tablename__ = "geocoded_address"

    provider: Mapped[str] = mapped_column(String(120), primary_key=True)
    query: Mapped[str] = mapped_column(String(400), primary_key=True)
    matches: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    fetched_at: Mapped[datetime]
