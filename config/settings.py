"""Typed settings: from the environment (`TWOHOUR_…`), then a `twohour.toml`, then the defaults here.

Secrets come from the environment only and are never shown. Load this module where settings are needed, not at the top of a package.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from config.api_settings import ApiSettings, WebhookSettings
from config.cron import parse_cron
from config.notice_settings import NoticeSettings, zone
from config.openid_settings import OpenIdSettings
from config.toml_files import read_toml
from data_models.errors import BadInput

PREFIX = "TWOHOUR_"
FILE = Path("twohour.toml")
_SECRET = frozenset({"api_token", "contact_keys", "database_url", "geocoder_api_key", "link_secret", "readings_token"})


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Price = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class RateSettings(BaseModel):
    """Prices of a plan beside its tickets: per hour and km driven, per hour of overtime, per promised visit that changes hands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    drive_per_hour: Price = 60.0
    drive_per_km: Price = 1.2
    overtime_per_hour: Price = 90.0
    change_technician: Price = 300.0


Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
LogSpread = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]


class UncertaintySettings(BaseModel):
    """How far drives and work stray from plans, the chance to be in time that planning aims at, and below which a visit is marked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    drive_spread: LogSpread = 0.2
    service_spread: LogSpread = 0.3
    correlation: Share = 0.5
    aim: Annotated[float, Field(ge=0.5, le=0.99, allow_inf_nan=False)] | None = None
    doubtful_below: Share = 0.7


class ReplanningSettings(BaseModel):
    """What changing a published plan is worth avoiding: prices beside the cost of the case, and how near a visit is frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    technician_price: Price = 0.0
    moved_price: Price = 300.0
    moved_minutes: Annotated[float, Field(ge=0, le=1440, allow_inf_nan=False)] = 15.0
    freeze_minutes: Annotated[float, Field(ge=0, le=1440, allow_inf_nan=False)] = 60.0
    frozen_price: Price = 1000.0


class AutomaticSettings(BaseModel):
    """What goes out without a person when plans are made again through the day, and what happens when nobody decides in time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    goes_out: Literal["nothing", "additions", "emergencies", "small"] = "nothing"
    most_changes: Annotated[int, Field(ge=1, le=10_000)] = 5
    approval_minutes: Annotated[float, Field(gt=0, le=1440, allow_inf_nan=False)] = 30.0
    fallback: Literal["stand", "emergencies"] = "stand"
    every_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    search_seconds: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = 10.0


PARTS: Mapping[str, type[BaseModel]] = {
    "rates": RateSettings,
    "uncertainty": UncertaintySettings,
    "replanning": ReplanningSettings,
    "automatic": AutomaticSettings,
    "notices": NoticeSettings,
    "api": ApiSettings,
    "webhooks": WebhookSettings,
    "openid": OpenIdSettings,
}
"""Settings that are tables of the file."""


LEAST_SECRET = 32


def _long_or_empty(secret: SecretStr) -> SecretStr:
    if 0 < len(secret.get_secret_value()) < LEAST_SECRET:
        raise ValueError(f"give at least {LEAST_SECRET} characters, such as `openssl rand -hex 32` makes")
    return secret


class Settings(BaseSettings):
    """Everything that an installation can set; `docs/settings.md` says what each does."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)

    database_url: SecretStr = SecretStr("sqlite:///out/twohour.sqlite")
    output_dir: Path = Path("out")
    timezone: Annotated[str, AfterValidator(zone)] = "Asia/Shanghai"
    region: Annotated[str, Field(max_length=64)] = ""

    policy: Annotated[str, Field(min_length=1)] = "ethanol"
    policy_dir: Path | None = None
    promise_km: Positive = 300.0
    standard_minutes: Positive = 120.0

    travel_provider: Literal["great_circle", "osrm", "osrm_embedded"] = "great_circle"
    detour: Annotated[float, Field(ge=1, le=10, allow_inf_nan=False)] = 1.3
    speed_kmh: Annotated[float, Field(gt=0, le=300, allow_inf_nan=False)] = 70.0
    osrm_url: Annotated[str, Field(pattern="^(https?://.+)?$")] = ""
    osrm_data: Path | None = None
    travel_fallback: bool = False

    geocoder: Annotated[str, Field(min_length=1)] = "gazetteer"
    geocoder_domain: str = ""
    geocoder_api_key: SecretStr = SecretStr("")
    geocoder_user_agent: Annotated[str, Field(min_length=1)] = "twohour"
    geocoder_min_delay_s: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 1.0

    api_token: SecretStr = SecretStr("")
    public_url: Annotated[str, Field(pattern="^(https?://[^\\s/]+[^\\s]*)?$", max_length=300)] = ""
    link_secret: Annotated[SecretStr, AfterValidator(_long_or_empty)] = SecretStr("")
    link_days: Annotated[float, Field(gt=0, le=365, allow_inf_nan=False)] = 14.0
    contact_keys: SecretStr = SecretStr("")

    horizon_hours: Annotated[float, Field(gt=0, le=24 * 31, allow_inf_nan=False)] = 24.0
    solver_seconds: Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)] = 30.0
    solver_iterations: Annotated[int, Field(ge=0)] | None = None
    solver_workers: Annotated[int, Field(ge=1, le=64)] = 2
    dask_scheduler: Annotated[str, Field(pattern="^((tcp|tls|ucx|ws|wss)://.+)?$")] = ""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1
    morning_cron: Annotated[str, AfterValidator(parse_cron)] = "30 6 * * *"
    reading_days: Annotated[int, Field(ge=1, le=3650)] = 90
    readings_token: SecretStr = SecretStr("")
    rates: RateSettings = RateSettings()
    uncertainty: UncertaintySettings = UncertaintySettings()
    notices: NoticeSettings = NoticeSettings()
    openid: OpenIdSettings = OpenIdSettings()
    replanning: ReplanningSettings = ReplanningSettings()
    automatic: AutomaticSettings = AutomaticSettings()
    api: ApiSettings = ApiSettings()
    webhooks: WebhookSettings = WebhookSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment over what is passed in, which `load_settings` takes from the file."""
        return env_settings, init_settings

    def geocoder_settings(self) -> dict[str, str]:
        """What the geocoder of geopy takes beside its name; holds the key, so it is not for showing."""
        said = {"domain": self.geocoder_domain, "api_key": self.geocoder_api_key.get_secret_value()}
        return {name: value for name, value in said.items() if value}

    def shown(self) -> dict[str, Any]:
        """The settings as plain JSON values without secrets: what a plan remembers."""
        return self.model_dump(mode="json", exclude=set(_SECRET))


def load_settings(file: Path | None = None) -> Settings:
    """The settings of this installation.

    Parameters
    ----------
    file
        A TOML file, which must exist; None reads `twohour.toml` in the current folder if there is one.

    Raises
    ------
    BadInput
        A setting is unknown or not what is allowed; each sentence names its variable or its file and key.
    """
    path = FILE if file is None else file
    in_file = read_toml(path, "name a settings file that can") if file is not None or path.exists() else {}
    problems = [*_misspelt_variables(os.environ), *_file_problems(path, in_file)]
    if problems:
        raise BadInput(*problems)
    try:
        return Settings(**in_file)
    except ValidationError as error:
        raise BadInput(*(_sentence(path, item) for item in error.errors())) from None
    except SettingsError as error:
        raise BadInput(_unreadable(error)) from None


def _file_problems(path: Path, in_file: Mapping[str, Any]) -> Iterator[str]:
    for key in in_file:
        if key not in Settings.model_fields:
            yield f"{path}: {key} is not a setting; {_meant(key, Settings.model_fields)}"
    for key in ("geocoder_api_key", "api_token", "readings_token", "link_secret", "contact_keys"):
        if key in in_file:
            yield f"{path}: {key} is a secret; set {PREFIX}{key.upper()} in the environment instead"
    openid = in_file.get("openid")
    if isinstance(openid, dict) and "client_secret" in openid:
        yield f"{path}: openid.client_secret is a secret; set {PREFIX}OPENID__CLIENT_SECRET in the environment instead"
    url = in_file.get("database_url")
    if isinstance(url, str) and "@" in url and ":" in url.partition("://")[2].rpartition("@")[0]:
        yield f"{path}: database_url holds a password; set {PREFIX}DATABASE_URL in the environment instead"


def _misspelt_variables(environment: Mapping[str, str]) -> Iterator[str]:
    """Variables that look like one of ours but are not; those unlike any may belong to something else."""
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    for name in environment:
        if name.startswith(PREFIX) and name.partition("__")[0] not in known:
            meant = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
            if meant:
                yield f"{name} is not a setting; did you mean {meant[0]}?"


def _sentence(path: Path, item: Any) -> str:
    keys = [str(step) for step in item["loc"]]
    variables = [PREFIX + "__".join(keys[:count]).upper() for count in range(len(keys), 0, -1)]
    source = next((name for name in variables if name in os.environ), f"{path}: {'.'.join(keys)}")
    if keys[0] in _SECRET:
        return f"{source}: its value is a secret and not shown; {_allowed(item)}"
    if keys[:2] == ["notices", "channels"] and item["type"] != "extra_forbidden":
        return f"{source}: its value may hold a secret and is not shown; {_allowed(item)}"
    if keys == ["openid", "client_secret"]:
        return f"{source}: its value is a secret and not shown; {_allowed(item)}"
    if keys == ["openid"] and item["type"] == "value_error":
        return f"{PREFIX}OPENID or {path}: {_allowed(item)}"
    if item["type"] == "extra_forbidden":
        return f"{source}: {'.'.join(keys)} is not a setting; {_meant(keys[-1], _known_beside(keys))}"
    return f"{source} is {item['input']!r}; {_allowed(item)}"


def _known_beside(keys: list[str]) -> Mapping[str, object]:
    """The settings of the part that holds the last of these keys."""
    part: type[BaseModel] = PARTS[keys[0]]
    for key in keys[1:-1]:
        field = part.model_fields.get(key)
        kinds = () if field is None else (field.annotation, *get_args(field.annotation))
        part = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), part)
    return part.model_fields


def _allowed(item: Any) -> str:
    message = str(item["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
    return message if message.startswith("give ") else f"allowed: {message}"


def _meant(key: str, known: Mapping[str, object]) -> str:
    meant = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {meant[0]}?" if meant else f"known are {', '.join(known)}"


def _unreadable(error: SettingsError) -> str:
    name = next((name for name in PARTS if f'"{name}"' in str(error)), "rates")
    part, example = next(iter(PARTS[name].model_fields.items()))
    variable = f"{PREFIX}{name.upper()}"
    return f"{variable} cannot be read; give its parts one by one, such as {variable}__{part.upper()}={example.default or '…'}"
