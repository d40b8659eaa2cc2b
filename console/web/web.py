"""What every page has at hand: the store, the settings, the clock, and how a page is made."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from config.settings import Settings
from console.web.texts import LANGUAGES, Language, Texts, catalog, chosen_language
from data_models.people import Person, may
from data_models.store import Store
from maps.page import inert_json

HERE = Path(__file__).parent
STATIC = HERE / "static"
MAPS = HERE.parents[1] / "maps" / "assets"
LANGUAGE_COOKIE = "language"


@dataclass(frozen=True)
class Web:
    """What pages share. `now` is the clock; `is_safe` says that the console is reached by https only."""

    store: Store
    settings: Settings
    now: Callable[[], datetime]
    is_safe: bool = False
    _environments: dict[Language, Environment] = field(default_factory=dict, repr=False)

    @cached_property
    def zone(self) -> tzinfo:
        """The company's time zone, in which every page tells times."""
        return ZoneInfo(self.settings.timezone)

    def texts(self, request: Request, person: Person | None = None) -> Texts:
        """Texts for whoever sent the request: what they chose, else what their browser asks for."""
        wishes = (request.cookies.get(LANGUAGE_COOKIE, ""), person.language if person is not None else "")
        return Texts(chosen_language(*wishes, accepted=request.headers.get("accept-language", "")), self.zone)

    def page(self, request: Request, template: str, *, status: int = 200, **facts: Any) -> HTMLResponse:
        """A page or a part of one. Text in `facts` is escaped; `facts` may be anything the template shows."""
        person: Person | None = getattr(request.state, "person", None)
        texts = self.texts(request, person)
        html = (
            self._environment(texts.language)
            .get_template(template)
            .render(
                request=request,
                person=person,
                texts=texts,
                language=texts.language,
                languages=LANGUAGES,
                csrf=getattr(request.state, "csrf", ""),
                now=self.now(),
                may=lambda action, region=None: person is not None and may(person, action, region),
                **facts,
            )
        )
        # Pages hold people's names and places: no cache between may keep them.
        return HTMLResponse(html, status, {"Cache-Control": "no-store", "Vary": "Accept-Language, Cookie"})

    def _environment(self, language: Language) -> Environment:
        if language not in self._environments:
            self._environments[language] = _make_environment(Texts(language, self.zone))
        return self._environments[language]


def _make_environment(texts: Texts) -> Environment:
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(HERE / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(texts.gettext, catalog(texts.language).ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {"clock": texts.clock, "day": texts.day, "moment": texts.moment, "number": texts.number, "share": texts.share}
    environment.filters["inert_json"] = inert_json
    environment.filters["word"] = lambda name, kind: texts.word(kind, name)
    environment.filters |= {"told": texts.told, "from_below": texts.from_below, "listed": texts.listed}
    environment.filters["dialled"] = dialled
    environment.globals["static"] = static_address
    return environment


def dialled(phone: str) -> str:
    """What a phone dials for a number as people write it: digits with `+`, `*`, `#`, and after a pause the extension; empty for none."""
    number, _, extension = _EXTENSION.sub(",", phone.casefold(), count=1).partition(",")
    dialled_number, inside = _digits(number), "".join(char for char in extension if char in "0123456789")
    return f"{dialled_number},{inside}" if dialled_number and inside else dialled_number


_EXTENSION = re.compile(r"转|分机|ext\.?|x")


def _digits(phone: str) -> str:
    # Whoever dials with the country's code leaves out the 0 that stands before the area's: +86 (021) is +86 21.
    phone = phone.replace("(0", "(") if phone.lstrip().startswith("+") else phone
    kept = "".join(char for char in phone if char in "0123456789*#" or (char == "+" and phone.lstrip().startswith("+")))
    kept = kept[0] + kept[1:].replace("+", "") if kept else ""
    # An address would take # for its end.
    return kept.replace("#", "%23") if sum(char.isdigit() for char in kept) >= 3 else ""


_digests: dict[str, str] = {}


def static_address(name: str) -> str:
    """The address of a file under `static/` or `maps/assets/`, with a digest of its content, so that browsers may keep it for ever."""
    if name not in _digests:
        folder = STATIC if not name.startswith("maps/") else MAPS
        _digests[name] = hashlib.sha256((folder / name.removeprefix("maps/")).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={_digests[name]}"


def script_texts(texts: Texts, messages: Mapping[str, str]) -> dict[str, str]:
    """Messages for a script by their keys, in the reader's language."""
    return {key: texts.gettext(message) for key, message in messages.items()}
