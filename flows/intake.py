"""Bringing the company's tables in: intake with the geocoder and policies that the settings name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from config.policies import load_policies
from data_models.geocoding import AddressGeocoder, offline_geocoder, service_geocoder
from data_models.intake.load import ImportReport, import_file
from data_models.intake.specs import spec_of
from data_models.store import Store

if TYPE_CHECKING:
    from config.settings import Settings


def import_table(
    store: Store,
    settings: Settings,
    table: str,
    path: Path,
    *,
    now: datetime,
    encoding: str | None = None,
    sheet_name: str | None = None,
    datum: str = "WGS-84",
    mapping: Mapping[str, str] | None = None,
    constants: Mapping[str, str] | None = None,
    dry_run: bool = False,
    rejects_path: Path | None = None,
) -> ImportReport:
    """Import one file into one table; the parameters are those of `data_models.intake.load.import_file`. Raises as it does."""
    return import_file(
        store,
        table,
        path,
        now=now,
        encoding=encoding,
        sheet_name=sheet_name,
        datum=datum,
        timezone=settings.timezone,
        mapping=mapping,
        constants=constants,
        policies=set(load_policies(settings.policy_dir)),
        geocoder=chosen_geocoder(settings) if spec_of(table).located else None,
        dry_run=dry_run,
        rejects_path=rejects_path,
    )


def chosen_geocoder(settings: Settings) -> AddressGeocoder:
    """The geocoder of the settings: the offline gazetteer, or a service of geopy. Raises `BadInput` for one that geopy does not know."""
    if settings.geocoder == "gazetteer":
        return offline_geocoder()
    return service_geocoder(
        settings.geocoder,
        settings.geocoder_settings(),
        user_agent=settings.geocoder_user_agent,
        min_delay_s=settings.geocoder_min_delay_s,
    )
