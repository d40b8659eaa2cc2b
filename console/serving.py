"""`serve`: the API until Ctrl-C."""

from __future__ import annotations

from typing import Annotated

import typer

from data_models.errors import BadInput

LEAST_TOKEN = 16


def serve(
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 for every network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8020,
) -> None:
    """Serve the API until Ctrl-C: events come in here. TWOHOUR_API_TOKEN is what callers must show."""
    import uvicorn

    from config.settings import load_settings
    from console.api import make_api
    from data_models.store import open_store

    settings = load_settings()
    if len(settings.api_token.get_secret_value()) < LEAST_TOKEN:
        raise BadInput(
            f"TWOHOUR_API_TOKEN is not set or shorter than {LEAST_TOKEN} characters; "
            "set it in the environment, such as to what `openssl rand -hex 32` gives"
        )
    with open_store(settings.database_url.get_secret_value()) as store:
        uvicorn.run(make_api(store, settings), host=host, port=port, log_level="warning", access_log=False, server_header=False)
