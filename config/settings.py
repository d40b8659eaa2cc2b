"""Typed settings: from the environment (`TWOHOUR_...`), then `twohour.toml` in the working folder, then the defaults here.

Secrets come only from the environment and are never shown: `Settings.shown` gives what may be kept with a plan.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from data_models.errors import BadInput

SETTINGS_FILE = Path("twohour.toml")
PREFIX = "TWOHOUR_"
SECRETS = frozenset({"database_url", "geocoder_api_key"})
"""Settings that a file may not hold: files get copied, mailed and committed."""

Positive = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
Price = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("not a time zone; give an IANA name such as Asia/Shanghai") from error
    return name


class RateSettings(BaseModel):
    """Prices of driving, overtime and change, in the currency of the policies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    drive_per_hour: Price = 60.0
    drive_per_km: Price = 1.2
    overtime_per_hour: Price = 90.0
    change_technician: Price = 300.0


class Settings(BaseSettings):
    """What one installation sets. Names in the environment: `TWOHOUR_REGION`, `TWOHOUR_RATES__DRIVE_PER_KM`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)

    database_url: SecretStr = SecretStr("sqlite:///twohour.sqlite")
    region: Annotated[str, Field(max_length=64)] = ""
    timezone: Annotated[str, AfterValidator(_known_zone)] = "Asia/Shanghai"
    output_dir: Path = Path("out")

    policy: Annotated[str, Field(min_length=1, max_length=64)] = "ethanol"
    policy_dir: Path | None = None
    rates: RateSettings = RateSettings()
    promise_km: Positive = 300.0
    standard_minutes: Positive = 120.0

    horizon_hours: Annotated[float, Field(gt=0, le=24 * 14)] = 24.0
    solver_seconds: Annotated[float, Field(ge=0, le=86_400)] = 60.0
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1
    morning_cron: str = "0 6 * * *"

    travel_provider: Literal["great_circle", "osrm", "osrm_embedded"] = "great_circle"
    detour: Annotated[float, Field(ge=1, le=10)] = 1.3
    speed_kmh: Annotated[float, Field(gt=0, le=300)] = 70.0
    osrm_url: str | None = None
    osrm_data: Path | None = None
    travel_fallback: bool = False

    geocoder: Annotated[str, Field(min_length=1, max_length=64)] = "gazetteer"
    geocoder_domain: str | None = None
    geocoder_scheme: Literal["http", "https"] = "https"
    geocoder_user_agent: Annotated[str, Field(min_length=1, max_length=200)] = "twohour"
    geocoder_min_delay_s: Annotated[float, Field(ge=0, le=3600)] = 1.0
    geocoder_api_key: SecretStr | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What a caller gives, then the environment, then the file; nothing else."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=SETTINGS_FILE)

    def shown(self) -> dict[str, Any]:
        """The settings without secrets, as plain data."""
        return self.model_dump(mode="json", exclude=set(SECRETS))

    def geocoder_settings(self) -> dict[str, str]:
        """What geopy's geocoder takes: its server, and the key where one is set."""
        given = {"domain": self.geocoder_domain, "scheme": self.geocoder_scheme if self.geocoder_domain else None}
        given["api_key"] = self.geocoder_api_key.get_secret_value() if self.geocoder_api_key else None
        return {name: value for name, value in given.items() if value is not None}


def load_settings() -> Settings:
    """The settings of this process.

    Raises
    ------
    BadInput
        A value is not allowed, a name is not known, or the file holds a secret; the message names variable or key, value and remedy.
    """
    _check_names()
    try:
        return Settings()
    except ValidationError as error:
        raise BadInput(*(_words(dict(item)) for item in error.errors())) from error


def _check_names() -> None:
    """Refuse what pydantic would silently ignore or accept: misspelt variables, and secrets in the file."""
    import tomllib

    names = set(Settings.model_fields)
    known = {f"{PREFIX}{name}".upper() for name in names} | {"TWOHOUR_DEBUG", "TWOHOUR_CHROMIUM"}
    for variable in sorted(os.environ):
        if variable.startswith(PREFIX) and variable.split("__")[0] not in known:
            raise BadInput(f"environment variable {variable} is not known{_nearest(variable, known)}")
    if not SETTINGS_FILE.is_file():
        return
    try:
        given = tomllib.loads(SETTINGS_FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{SETTINGS_FILE}: cannot be read as TOML: {error}") from error
    for secret in sorted(SECRETS & set(given)):
        raise BadInput(f"{SETTINGS_FILE}: {secret} is a secret; set {PREFIX}{secret.upper()} in the environment instead")
    for key in sorted(set(given) - names):
        raise BadInput(f"{SETTINGS_FILE}: {key} is not known{_nearest(key, names)}")


def _nearest(word: str, known: set[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(sorted(known))}"


def _words(item: dict[str, Any]) -> str:
    """One sentence for one refused setting; the value of a secret is not repeated."""
    path = [str(part) for part in item["loc"]]
    variable = PREFIX + "__".join(path).upper()
    value = "" if path and path[0] in SECRETS else f" {str(item['input'])[:80]!r}"
    reason = str(item["msg"]).removeprefix("Value error, ")
    return f"{variable} (or {'.'.join(path)} in {SETTINGS_FILE}):{value}: {reason[:1].lower()}{reason[1:]}"
