"""Self-contained pages: templates, inlined assets, data that cannot become code, and a policy that lets nothing else in."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup


def asset(name: str) -> str:
    """The text of a file under `maps/assets`."""
    return (files("maps") / "assets" / name).read_text(encoding="utf-8")


def render_page(template: str, *, styles: Sequence[str], scripts: Sequence[str], data: object = None, **facts: Any) -> str:
    """A whole HTML page that asks the network for nothing and runs no code but the scripts named here.

    Parameters
    ----------
    template
        File under `maps/assets`, which gets `policy`, `style`, `scripts`, `data` and all of `facts`; text in `facts` is escaped.
    styles, scripts
        Files under `maps/assets`, inlined in this order. The page's content security policy admits them by their SHA-256 and
        nothing else: no further script, style, image, font, frame, form or connection.
    data
        Anything `json.dumps` takes; it stands in the page as inert JSON.
    """
    style = "\n".join(asset(name) for name in styles)
    # The source map comment would make a browser with open developer tools ask for a file that is not there.
    code = [asset(name).replace("//# sourceMappingURL=leaflet.js.map", "") for name in scripts]
    policy = f"default-src 'none'; script-src {_admitted(code)}; style-src {_admitted([style])}; base-uri 'none'; form-action 'none'"
    environment = Environment(
        autoescape=True, loader=FunctionLoader(asset), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(
        policy=policy,
        style=Markup(style),  # noqa: S704  our own file, not text from outside
        scripts=[Markup(text) for text in code],  # noqa: S704  likewise
        data=inert_json(data),
        **facts,
    )


def inert_json(data: object) -> Markup:
    """JSON that can stand inside a script element: no `<`, `>` or `&`, so that no text can end the element or open a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704  made inert above


def _admitted(texts: Sequence[str]) -> str:
    hashes = [f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in texts]
    return " ".join(hashes) or "'none'"
