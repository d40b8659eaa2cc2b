"""Road travel times from an OSRM server over HTTP (its table service, api v1)."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any, NoReturn
from urllib.parse import SplitResult, unquote, urlsplit

import httpx
import numpy as np

from data_models.datum import Point
from data_models.errors import BadInput, Unavailable
from data_models.travel.osrm_answer import RoadTable, read_table, strand
from data_models.travel.provider import TravelTimes


@dataclass(frozen=True)
class OsrmServer:
    """An OSRM server and how to ask it.

    Parameters
    ----------
    url
        Such as `http://roads.example:5000`; may carry a user and password, or a query with a key. Neither appears in a message.
    profile
        The profile in the request's path; `osrm-routed` answers with the one that its data was made with.
    snap_limit_m
        A place farther than this from any road is unreachable.
    timeout_s
        Longest wait to connect, for the next bytes, and for one whole answer.
    attempts, backoff_s
        How often a block is asked for when the server fails; the wait before the second time, doubled each time.
    parallel
        Requests in flight at once.
    max_table_size
        Origins, and destinations, in one request; the server's `--max-table-size`. At the default a URL stays under 8 KB.
    """

    url: str = field(repr=False)
    profile: str = "driving"
    snap_limit_m: float = 1000.0
    timeout_s: float = 30.0
    attempts: int = 3
    backoff_s: float = 0.5
    parallel: int = 4
    max_table_size: int = 100

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", self.profile):
            raise BadInput(f"profile: {self.profile!r} is not the name of an OSRM profile, such as driving")
        least = {"snap_limit_m": 0, "timeout_s": 0.001, "attempts": 1, "backoff_s": 0, "parallel": 1, "max_table_size": 1}
        wrong = [f"{name}: {getattr(self, name)} is below {low}" for name, low in least.items() if not getattr(self, name) >= low]
        if wrong:
            raise BadInput(*wrong)
        _ = self.name  # Fails now rather than at the first request.

    @cached_property
    def name(self) -> str:
        """The URL without user, password and query: fit for messages."""
        parts = self._parts
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "") + parts.path.rstrip("/")

    @property
    def key(self) -> str:
        """Names the server, the profile and the snapping limit."""
        long = f"osrm {self.name} {self.profile} snap {self.snap_limit_m:g} m"
        return long if len(long) <= 120 else f"{long[:100]} {hashlib.sha256(long.encode()).hexdigest()[:16]}"

    def table(self, origins: Sequence[Point], destinations: Sequence[Point]) -> TravelTimes:
        """Road travel from each origin to each destination.

        Raises
        ------
        Unavailable
            The server does not answer, or its answer is not what OSRM documents.
        """
        size = self.max_table_size
        starts = list(product(range(0, len(origins), size), range(0, len(destinations), size)))
        blocks = [(origins[row : row + size], destinations[column : column + size]) for row, column in starts]
        shape = (len(origins), len(destinations))
        whole = RoadTable(np.empty(shape), np.empty(shape), np.empty(shape[0]), np.empty(shape[1]))
        for (row, column), block in zip(starts, self._ask_all(blocks), strict=True):
            rows, columns = slice(row, row + size), slice(column, column + size)
            whole.seconds[rows, columns], whole.metres[rows, columns] = block.seconds, block.metres
            whole.snap_from_m[rows], whole.snap_to_m[columns] = block.snap_from_m, block.snap_to_m
        notes = strand(whole, origins, destinations, self.snap_limit_m)
        return TravelTimes(whole.seconds, whole.metres, f"roads (OSRM at {self.name}, {self.profile})", notes)

    @cached_property
    def _parts(self) -> SplitResult:
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            # Not shown: it may hold a password.
            raise BadInput("The road server's URL is not of the form http://host:port or https://host")
        return parts

    def _ask_all(self, blocks: Sequence[tuple[Sequence[Point], Sequence[Point]]]) -> list[RoadTable]:
        user = (unquote(self._parts.username), unquote(self._parts.password or "")) if self._parts.username else None
        with httpx.Client(auth=user, timeout=self.timeout_s) as client, ThreadPoolExecutor(self.parallel) as pool:
            futures: list[Future[RoadTable]] = [pool.submit(self._ask, client, *block) for block in blocks]
            try:
                return [future.result() for future in futures]
            except BaseException:
                # A server that failed one block after all attempts is not asked for the rest.
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _ask(self, client: httpx.Client, origins: Sequence[Point], destinations: Sequence[Point]) -> RoadTable:
        request = self._request(client, origins, destinations)
        # A cell takes at most some 20 bytes, a place with its hint and road name some hundreds.
        most_bytes = 100_000 + 100 * len(origins) * len(destinations) + 2_000 * (len(origins) + len(destinations))
        status, body = self._send(client, request, most_bytes)
        try:
            answer = json.loads(body, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise self._unavailable(f"answered HTTP {status} with something that is not JSON: is it an OSRM server?") from None
        if status != httpx.codes.OK or not isinstance(answer, dict) or answer.get("code") != "Ok":
            raise self._unavailable(f"refused the request with HTTP {status}{_reason(answer)}")
        try:
            return read_table(answer, len(origins), len(destinations))
        except ValueError as error:
            raise self._unavailable(f"gave an answer that cannot be used: {error}") from error

    def _request(self, client: httpx.Client, origins: Sequence[Point], destinations: Sequence[Point]) -> httpx.Request:
        places = [*origins, *destinations]
        count = len(places)
        # OSRM keeps six decimals too. Unlimited radiuses: one place off the roads must not fail the whole table.
        coordinates = ";".join(f"{place.lon:.6f},{place.lat:.6f}" for place in places)
        params = {
            "annotations": "duration,distance",
            "generate_hints": "false",
            "radiuses": ";".join(["unlimited"] * count),
            "sources": ";".join(map(str, range(len(origins)))),
            "destinations": ";".join(map(str, range(len(origins), count))),
        }
        query = "&".join([*filter(None, [self._parts.query]), *(f"{name}={value}" for name, value in params.items())])
        return client.build_request("GET", f"{self.name}/table/v1/{self.profile}/{coordinates}?{query}")

    def _send(self, client: httpx.Client, request: httpx.Request, most_bytes: int) -> tuple[int, bytes]:
        """Status and body of the answer; tries again while the server fails."""
        failure = ""
        for attempt in range(self.attempts):
            if attempt:
                time.sleep(self.backoff_s * 2 ** (attempt - 1))
            try:
                status, body = self._send_once(client, request, most_bytes)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                # The kind only: an error's text may hold the URL with its key.
                failure = type(error).__name__
                continue
            if status < httpx.codes.INTERNAL_SERVER_ERROR and status != httpx.codes.TOO_MANY_REQUESTS:
                return status, body
            failure = f"HTTP {status}"
        times = "once" if self.attempts == 1 else f"{self.attempts} times"
        raise self._unavailable(f"failed {times}, last with {failure}: check that it runs and can be reached from here")

    def _send_once(self, client: httpx.Client, request: httpx.Request, most_bytes: int) -> tuple[int, bytes]:
        body = bytearray()
        until = time.monotonic() + self.timeout_s
        response = client.send(request, stream=True)
        try:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > most_bytes:
                    raise self._unavailable(f"sent more than {most_bytes:,} bytes for one table")
                if time.monotonic() > until:
                    raise httpx.ReadTimeout("the answer came too slowly")
        finally:
            response.close()
        return response.status_code, bytes(body)

    def _unavailable(self, what: str) -> Unavailable:
        return Unavailable(f"Road server {self.name} {what}")


def _reason(answer: Any) -> str:
    """OSRM's own code and message, shortened and made printable, with what to do about it."""
    if not isinstance(answer, dict):
        return ""
    said = " ".join(str(answer[name])[:80] for name in ("code", "message") if name in answer)
    remedy = "; start it with a larger --max-table-size or set max_table_size lower" if answer.get("code") == "TooBig" else ""
    return f" ({''.join(char for char in said if char.isprintable())}{remedy})" if said else ""


def _no_constant(name: str) -> NoReturn:
    """Python reads NaN and Infinity as numbers, JSON has no such thing."""
    raise ValueError(f"{name} is not JSON")
