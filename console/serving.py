"""`serve` and `up`: the console and the API for people and machines, alone or with the schedules beside them."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.keys import must_have_keys
from data_models.errors import BadInput

if TYPE_CHECKING:
    import uvicorn

    from config.settings import Settings
    from data_models.people import Role
    from data_models.store import Store

Host = Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 for every network.")]
Port = Annotated[int, typer.Option(min=1, max=65535)]
Https = Annotated[bool, typer.Option("--https", help="The console is reached by https only, as behind a proxy: cookies go no other way.")]

LEAST_TOKEN = 16
DEMO_PEOPLE: tuple[tuple[str, str, Role], ...] = (
    ("li", "李娜", "coordinator"),
    ("zhang", "张伟", "planner"),
    ("wang", "王芳", "technician"),
    ("admin", "Admin", "administrator"),
)


def serve(host: Host = "127.0.0.1", port: Port = 8020, https: Https = False) -> None:
    """Serve the console and the API until Ctrl-C."""
    from config.settings import load_settings
    from data_models.store import open_store

    settings = load_settings()
    _must_be_long(settings)
    with open_store(settings.database_url.get_secret_value()) as store:
        must_have_keys(store)
        typer.echo(f"the console is at {_address(host, port)}; {_who_may(store)}; Ctrl-C stops")
        _server(store, settings, host, port, https=https).run()


def up(
    home: Annotated[Path, typer.Option(help="Where the Prefect server keeps its data.")] = Path("out/prefect"),
    host: Host = "127.0.0.1",
    port: Port = 8020,
    https: Https = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="With the demo company, which is made and planned first if it is not there.")
    ] = False,
) -> None:
    """Run console, API, schedules and a Prefect server until Ctrl-C; PREFECT_API_URL names a server that runs already."""
    from config.settings import load_settings
    from data_models.store import open_store
    from flows.stack import prefect_server, server_environment

    if demo:
        from console.demonstration import demo_of_today

        home = demo_of_today(Path("out")) / "prefect"
    settings = load_settings()
    _must_be_long(settings)
    with ExitStack() as running:
        store = running.enter_context(open_store(settings.database_url.get_secret_value()))
        must_have_keys(store)
        if not os.environ.get("PREFECT_API_URL"):
            server = running.enter_context(prefect_server(home))
            os.environ.update(server_environment(home.absolute(), server.api_url))
            # Where the demo was made just now, Prefect was loaded with the address of a server that has stopped since.
            running.enter_context(_known_to_prefect(server.api_url))
            typer.echo(f"Prefect is at {server.api_url}")
        typer.echo(
            f"plan-day runs at {settings.morning_cron} ({settings.timezone}), reoptimize every {settings.automatic.every_minutes} min, "
            "watch-clocks every minute"
        )
        if demo:
            _tell_demo_people(store)
        typer.echo(f"the console is at {_address(host, port)}; {_who_may(store)}; Ctrl-C stops")
        asyncio.run(_all(settings, _server(store, settings, host, port, https=https)))


def _known_to_prefect(api_url: str) -> AbstractContextManager[object]:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    return temporary_settings({PREFECT_API_URL: api_url})


async def _all(settings: Settings, server: uvicorn.Server) -> None:
    """The web server and the schedules; when one ends, so does the other."""
    from flows.deployments import morning_deployment, serve_schedules, watching_deployment
    from flows.through_day import reoptimize_deployment

    every = timedelta(minutes=settings.automatic.every_minutes)
    deployments = (await morning_deployment(settings), await reoptimize_deployment(every), await watching_deployment())
    schedules, web = asyncio.create_task(serve_schedules(*deployments)), asyncio.create_task(server.serve())
    done, others = await asyncio.wait((schedules, web), return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    schedules.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for task in done:
        task.result()


def _server(store: Store, settings: Settings, host: str, port: int, *, https: bool) -> uvicorn.Server:
    import uvicorn

    from console.web.application import make_console
    from optimizer.compiling import make_ready

    # The first who asks who else could go would wait for it, half a minute where nothing is compiled yet.
    threading.Thread(target=make_ready, name="compiling", daemon=True).start()
    console = make_console(store, settings, is_safe=https)
    return uvicorn.Server(
        uvicorn.Config(
            console, host=host, port=port, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=5
        )
    )


def _must_be_long(settings: Settings) -> None:
    given = settings.api_token.get_secret_value()
    if given and len(given) < LEAST_TOKEN:
        raise BadInput(
            f"TWOHOUR_API_TOKEN is shorter than {LEAST_TOKEN} characters; set it to what `openssl rand -hex 32` gives, or make tokens "
            "with `twohour tokens make`"
        )


def _address(host: str, port: int) -> str:
    return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104  compared, not bound


def _who_may(store: Store) -> str:
    from data_models.store.people import list_people

    with store.reading() as session:
        count = sum(disabled is None for _, disabled in list_people(session))
    return f"{count} people may log in" if count else "nobody may log in yet: twohour people add LOGIN --role administrator"


def _tell_demo_people(store: Store) -> None:
    """Make the demo's people, or give them new passwords: they are told here and kept nowhere."""
    from sqlalchemy import select

    from data_models import tables
    from data_models.passwords import new_password
    from data_models.store.people import add_person, list_people, set_password

    typer.echo("log in with one of these; the passwords are new at each start:")
    with store.session() as session:
        known = {person.login for person, _ in list_people(session)}
        planned = session.scalar(select(tables.Route.technician_id).join(tables.Route.visits).limit(1))
        someone = planned or session.scalar(select(tables.Technician.id).order_by(tables.Technician.id).limit(1))
        for login, name, role in DEMO_PEOPLE:
            password = new_password(login)
            if login in known:
                set_password(session, login, password)
            else:
                technician = someone if role == "technician" else None
                add_person(session, login, name, role, datetime.now(UTC), password=password, technician=technician)
            typer.echo(f"  {login:<6} {password}  {role}")
