"""Road servers that answer nonsense, too much, too late or never: `Unavailable` that names the server and no secret."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from data_models.datum import Point
from data_models.errors import BadInput, Unavailable
from data_models.travel.osrm_http import OsrmServer
from data_models.travel.provider import matrix

PLACES = [Point(47.0, 9.0), Point(47.0, 9.1)]
WAYPOINTS = [{"distance": 1.5}, {"distance": 2}]
GOOD: dict[str, Any] = {
    "code": "Ok",
    "durations": [[0, 60.2], [None, 0]],
    "distances": [[0, 900.5], [None, 0]],
    "sources": WAYPOINTS,
    "destinations": WAYPOINTS,
}

Reply = Callable[[BaseHTTPRequestHandler], None]


class LocalServer:
    """An HTTP server on loopback that gives the replies in turn, the last one for ever."""

    def __init__(self, *replies: Reply) -> None:
        self.paths: list[str] = []
        self.authorizations: list[str | None] = []
        owner, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with lock:
                    reply = replies[min(len(owner.paths), len(replies) - 1)]
                    owner.paths.append(self.path)
                    owner.authorizations.append(self.headers["Authorization"])
                reply(self)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.address = f"127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def provider(self, attempts: int = 1, timeout_s: float = 20) -> OsrmServer:
        return OsrmServer(f"http://{self.address}", attempts=attempts, backoff_s=0, timeout_s=timeout_s)


@pytest.fixture(autouse=True)
def _no_proxy_to_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def serve() -> Iterator[Callable[..., LocalServer]]:
    running: list[LocalServer] = []

    def start(*replies: Reply) -> LocalServer:
        running.append(LocalServer(*replies))
        return running[-1]

    yield start
    for server in running:
        server.http.shutdown()
        server.http.server_close()


def reply(body: bytes | str, status: int = 200, **headers: str) -> Reply:
    content = body.encode() if isinstance(body, str) else body

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return send


def good(**changes: Any) -> str:
    return json.dumps(GOOD | changes)


def test_a_good_answer_is_read_with_null_as_unreachable(serve: Callable[..., LocalServer]) -> None:
    times = matrix(PLACES, serve(reply(good())).provider())
    assert times.seconds.tolist() == [[0, 61], [np.inf, 0]]
    assert times.metres.tolist() == [[0, 900.5], [np.inf, 0]]


def test_a_small_negative_distance_between_neighbours_is_none(serve: Callable[..., LocalServer]) -> None:
    # A real answer had -0.3 m for two places on one road.
    times = matrix(PLACES, serve(reply(good(durations=[[0, 0], [0, 0]], distances=[[0, -0.3], [-1000, 0]]))).provider())
    assert times.metres.tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("<html>It works!</html>", "not JSON"),
        ("", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        ("[" * 100_000, "not JSON"),
        (good(durations=[[0, float("nan")], [1, 0]]), "not JSON"),
        ("[]", "refused the request with HTTP 200"),
        ('{"code": 7}', "refused"),
        ("{}", "refused"),
        (json.dumps({"code": "Ok"}), "durations is not a table of 2 × 2"),
        (good(durations=[[0, 1]]), "durations is not a table of 2 × 2"),
        (good(distances=[[0, 1], [1]]), "distances is not a table of 2 × 2"),
        (good(durations=[[0, "60"], [1, 0]]), "neither a number nor null"),
        (good(durations=[[0, True], [1, 0]]), "neither a number nor null"),
        (good(durations=[[0, [1]], [1, 0]]), "neither a number nor null"),
        (good(durations=[[0, -1], [1, 0]]), "no travel"),
        (good(durations=[[0, 1e9], [1, 0]]), "no travel"),
        (good(distances=[[0, -1001], [1, 0]]), "no travel"),
        (good().replace("60.2", "1e400"), "no travel"),
        (good(distances=[[0, 10**400], [1, 0]]), "no travel"),
        (good(sources=[]), "sources is not a list of 2 places"),
        (good(destinations=[{}, {}]), "destinations does not say how far"),
        (good(sources=[None, None]), "sources does not say how far"),
        (good(sources=[{"distance": -1}] * 2), "sources does not say how far"),
        (b" " * 200_000, "more than"),
    ],
)
def test_nonsense_is_unavailable_and_says_what_is_wrong(serve: Callable[..., LocalServer], body: bytes | str, says: str) -> None:
    server = serve(reply(body))
    with pytest.raises(Unavailable, match=says) as failure:
        matrix(PLACES, server.provider())
    assert f"Road server http://{server.address} " in str(failure.value)
    assert len(str(failure.value)) < 400


def test_a_bomb_of_compressed_blanks_is_cut_off(serve: Callable[..., LocalServer]) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    with pytest.raises(Unavailable, match="more than"):
        matrix(PLACES, serve(reply(bomb, Content_Encoding="gzip")).provider())


def test_what_osrm_says_is_passed_on_short_and_printable(serve: Callable[..., LocalServer]) -> None:
    body = json.dumps({"code": "InvalidOptions", "message": "\x1b[2J" + "x" * 5000})
    with pytest.raises(Unavailable, match=r"HTTP 400 \(InvalidOptions \[2Jx+\)") as failure:
        matrix(PLACES, serve(reply(body, 400)).provider())
    assert len(str(failure.value)) < 300


def test_a_redirect_is_not_followed(serve: Callable[..., LocalServer]) -> None:
    elsewhere = serve(reply(good()))
    server = serve(reply("", 302, Location=f"http://{elsewhere.address}/"))
    with pytest.raises(Unavailable, match="HTTP 302"):
        matrix(PLACES, server.provider())
    assert elsewhere.paths == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_fails_twice_is_asked_a_third_time(serve: Callable[..., LocalServer], status: int) -> None:
    server = serve(reply("", status), reply("", status), reply(good()))
    assert matrix(PLACES, server.provider(attempts=3)).seconds[0, 1] == 61
    assert len(server.paths) == 3


def test_a_server_that_keeps_failing_is_given_up(serve: Callable[..., LocalServer]) -> None:
    server = serve(reply("", 503))
    with pytest.raises(Unavailable, match="failed 3 times, last with HTTP 503"):
        matrix(PLACES, server.provider(attempts=3))
    assert len(server.paths) == 3


def test_a_refused_request_is_not_sent_again(serve: Callable[..., LocalServer]) -> None:
    server = serve(reply("{}", 400))
    with pytest.raises(Unavailable, match="HTTP 400"):
        matrix(PLACES, server.provider(attempts=3))
    assert len(server.paths) == 1


def test_an_answer_that_breaks_off_is_asked_for_again(serve: Callable[..., LocalServer]) -> None:
    server = serve(reply("{", Content_Length="5000"), reply(good()))
    assert matrix(PLACES, server.provider(attempts=2)).seconds[0, 1] == 61


def test_a_server_that_never_answers_is_given_up(serve: Callable[..., LocalServer]) -> None:
    over = threading.Event()
    server = serve(lambda _: bool(over.wait(30)) and None)
    try:
        with pytest.raises(Unavailable, match="ReadTimeout"):
            matrix(PLACES, server.provider(timeout_s=0.2))
    finally:
        over.set()


def test_a_server_that_drips_its_answer_is_given_up(serve: Callable[..., LocalServer]) -> None:
    over = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "5000")
        handler.end_headers()
        # A byte each 20 ms never lets a read time out; only the limit on the whole answer ends it.
        while not over.wait(0.02):
            try:
                handler.wfile.write(b" ")
            except OSError:
                return

    server = serve(drip)
    try:
        with pytest.raises(Unavailable, match="ReadTimeout"):
            matrix(PLACES, server.provider(timeout_s=0.3))
    finally:
        over.set()


def test_password_and_key_reach_the_server_and_no_message(serve: Callable[..., LocalServer]) -> None:
    server = serve(reply(good()), reply("", 503))
    provider = OsrmServer(f"http://dispatch:hunter%402@{server.address}/roads/?key=s3cret", attempts=1)
    times = matrix(PLACES, provider)
    assert server.authorizations == ["Basic ZGlzcGF0Y2g6aHVudGVyQDI="]  # dispatch:hunter@2
    assert server.paths[0].startswith("/roads/table/v1/driving/9.000000,47.000000;9.100000,47.000000;")
    assert "key=s3cret" in server.paths[0]
    with pytest.raises(Unavailable) as failure:
        matrix(PLACES, provider)
    for shown in (str(failure.value), repr(provider), provider.key, times.source):
        assert "hunter" not in shown
        assert "s3cret" not in shown


@pytest.mark.parametrize(
    "url", ["", "roads.example", "ftp://roads.example", "http://", "http://u:hunter2@:80", "http://roads:99999", "http://[::1"]
)
def test_a_url_that_is_none_is_bad_input_and_not_repeated(url: str) -> None:
    with pytest.raises(BadInput, match="road server's URL") as failure:
        OsrmServer(url)
    assert "hunter2" not in str(failure.value)


def test_settings_out_of_range_are_named() -> None:
    with pytest.raises(BadInput, match="parallel: 0 is below 1"):
        OsrmServer("http://roads", parallel=0)
    with pytest.raises(BadInput, match=r"profile: '\.\./nearest'"):
        OsrmServer("http://roads", profile="../nearest")


def test_a_key_is_never_longer_than_the_store_allows() -> None:
    keys = {OsrmServer(f"http://roads.example/{'x' * 200}/{end}").key for end in "ab"}
    assert len(keys) == 2
    assert max(map(len, keys)) <= 120
