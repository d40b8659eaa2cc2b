"""From an address to a place: any geopy geocoder, asked within its rate limit, its answers cached, doubts left to a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from data_models.case import great_circle_km
from data_models.datum import Datum, Point, to_wgs84
from data_models.errors import BadInput, Unavailable
from data_models.store.database import Store
from data_models.tables import GeocodedAddress

SAME_PLACE_KM = 5.0
"""Candidates closer together than this name the same place."""
WIDEST_KM = 150.0
"""A candidate that covers more than this, such as a province, does not say where a site is."""
LEAST_CONFIDENCE = 0.7
_GIVE_UP_AFTER = 3
_SHIFTED: Mapping[str, Datum] = {"baidu": "BD-09", "baiduv3": "BD-09"}
_CONFIDENCE: Mapping[str, tuple[str, float]] = {
    "arcgis": ("score", 100.0),
    "baidu": ("confidence", 100.0),
    "baiduv3": ("confidence", 100.0),
    "opencage": ("confidence", 10.0),
}
"""Where these services state how sure they are, and the best figure they give."""


@dataclass(frozen=True)
class Match:
    """A place that an address may mean: WGS-84 degrees, and why it is in doubt (empty when it is not)."""

    label: str
    lat: float
    lon: float
    doubt: str = ""


@dataclass(frozen=True)
class Answer:
    """What is known of an address: the place, or None and why; `matches` are the candidates, best first."""

    query: str
    place: Match | None
    why: str
    matches: Sequence[Match]


@dataclass(frozen=True)
class AddressGeocoder:
    """A geocoder ready for use.

    Parameters
    ----------
    name
        Key of its answers in the cache.
    ask
        Gives geopy locations for an address, best first; raises geopy's errors.
    datum
        What its coordinates are in.
    cached
        Whether answers are worth keeping in the store.
    """

    name: str
    ask: Callable[[str], Sequence[Any]]
    datum: Datum = "WGS-84"
    cached: bool = True


def offline_geocoder() -> AddressGeocoder:
    """The geocoder that needs no network: Chinese cities and counties by name."""
    from data_models.gazetteer.geocoder import GazetteerGeocoder

    gazetteer = GazetteerGeocoder()
    return AddressGeocoder("gazetteer", lambda address: gazetteer.geocode(address, exactly_one=False) or [], cached=False)


def service_geocoder(
    service: str,
    settings: Mapping[str, Any],
    *,
    user_agent: str,
    min_delay_s: float = 1.0,
    timeout_s: float = 10.0,
    datum: Datum | None = None,
    sleep: Callable[[float], None] | None = None,
    clock: Callable[[], float] | None = None,
) -> AddressGeocoder:
    """Any geocoder of geopy, by its name there.

    Parameters
    ----------
    service, settings
        E.g. `nominatim` and `{"domain": "geo.example.com"}`; the settings are what geopy's class takes.
    user_agent
        Who asks; public services refuse anonymous callers.
    min_delay_s
        Least time between two questions.
    timeout_s
        How long to wait for an answer; after two repetitions the address is left to a person.
    datum
        Of the service's coordinates; None: BD-09 for Baidu, else WGS-84.
    sleep, clock
        Stand in for real time in tests.

    Raises
    ------
    BadInput
        geopy knows no such service, or it does not take these settings.
    """
    from geopy.exc import GeocoderNotFound, GeopyError
    from geopy.extra.rate_limiter import RateLimiter
    from geopy.geocoders import get_geocoder_for_service

    try:
        geocoder = get_geocoder_for_service(service)(**{"user_agent": user_agent, "timeout": timeout_s, **settings})
    except GeocoderNotFound as error:
        raise BadInput(f"geocoder {service!r}: geopy knows no such service; see geopy.geocoders for their names") from error
    except (TypeError, ValueError, GeopyError) as error:
        raise BadInput(f"geocoder {service!r}: its settings do not fit ({error}); see geopy.geocoders.{service}") from error
    limited = RateLimiter(geocoder.geocode, min_delay_seconds=min_delay_s, max_retries=2, error_wait_seconds=max(min_delay_s, 1.0))
    limited.swallow_exceptions = False
    if sleep is not None:
        limited._sleep = sleep
    if clock is not None:
        limited._clock = clock
    where = settings.get("domain") or settings.get("host") or ""
    return AddressGeocoder(
        name=f"{service}:{where}"[:120],
        ask=lambda address: limited(address, exactly_one=False) or [],
        datum=datum or _SHIFTED.get(service.lower(), "WGS-84"),
    )


def find_addresses(store: Store, geocoder: AddressGeocoder, addresses: Iterable[str], *, now: datetime, keep: bool) -> dict[str, Answer]:
    """What a geocoder says of each address: from the cache, else asked; each answer is committed as it comes when `keep` is set.

    An address that the service does not answer gets an answer without a place. Errors of the service never end the import:
    after three in a row the rest is not asked any more.
    """
    wanted = list(dict.fromkeys(addresses))
    answers = _cached(store, geocoder, wanted) if geocoder.cached else {}
    failures = 0
    for address in wanted:
        if address in answers:
            continue
        if failures >= _GIVE_UP_AFTER:
            answers[address] = Answer(address, None, f"{geocoder.name} does not answer; import again later, or fill in lat and lon", ())
            continue
        try:
            matches = _ask(geocoder, address)
        except Unavailable as error:
            failures += 1
            answers[address] = Answer(address, None, f"{error}; import again later, or fill in lat and lon", ())
            continue
        failures = 0
        answers[address] = judged(address, matches)
        if geocoder.cached and keep:
            # No transaction is open while a service is asked: it may take its time, and others want to write.
            with store.session() as session:
                session.merge(
                    GeocodedAddress(provider=geocoder.name, query=address, matches=[asdict(match) for match in matches], fetched_at=now)
                )
    return answers


def judged(query: str, matches: Sequence[Match]) -> Answer:
    """The one place that an address can mean, or why a person must decide: none found, several apart, or too coarse."""
    if not matches:
        return Answer(query, None, "not found", ())
    best = matches[0]
    if best.doubt:
        return Answer(query, None, best.doubt, matches)
    if any(great_circle_km(best.lat, best.lon, other.lat, other.lon) > SAME_PLACE_KM for other in matches[1:]):
        return Answer(query, None, "several places fit", matches)
    return Answer(query, best, "", matches)


def _cached(store: Store, geocoder: AddressGeocoder, addresses: Sequence[str]) -> dict[str, Answer]:
    answers: dict[str, Answer] = {}
    for start in range(0, len(addresses), 500):
        chunk = addresses[start : start + 500]
        query = select(GeocodedAddress.query, GeocodedAddress.matches).where(
            GeocodedAddress.provider == geocoder.name, GeocodedAddress.query.in_(chunk)
        )
        with store.reading() as session:
            for address, matches in session.execute(query):
                answers[address] = judged(address, [Match(**match) for match in matches])
    return answers


def _ask(geocoder: AddressGeocoder, address: str) -> list[Match]:
    from geopy.exc import GeopyError

    try:
        return [_match(geocoder, location) for location in geocoder.ask(address)]
    except GeopyError as error:
        raise Unavailable(f"{geocoder.name} did not answer ({type(error).__name__}: {str(error)[:120]})") from error


def _match(geocoder: AddressGeocoder, location: Any) -> Match:
    place = to_wgs84(Point(location.latitude, location.longitude), geocoder.datum)
    raw = location.raw if isinstance(location.raw, dict) else {}
    return Match(str(location.address), place.lat, place.lon, str(raw.get("doubt") or _doubt(geocoder, raw)))


def _doubt(geocoder: AddressGeocoder, raw: Mapping[str, Any]) -> str:
    """Why an online service's candidate does not say where a site is: it covers too much, or the service itself is unsure."""
    try:
        south, north, west, east = (float(edge) for edge in raw.get("boundingbox", ()))
        wide_km = great_circle_km(south, west, north, east)
    except (TypeError, ValueError):
        wide_km = 0.0  # most services state no extent
    if wide_km > WIDEST_KM:
        return f"only an area of {wide_km:.0f} km is recognised"
    field, best = _CONFIDENCE.get(geocoder.name.partition(":")[0].lower(), ("", 1.0))
    sure = raw.get(field)
    if isinstance(sure, int | float) and sure / best < LEAST_CONFIDENCE:
        return f"the service is only {sure / best:.0%} sure"
    return ""
