"""Chinese and English: texts from catalogs, dates and numbers as people of that language write them, in the company's time zone.

English is what stands in the code; `locale/zh/LC_MESSAGES/messages.po` holds the Chinese. Catalogs are read as they are, without a
build step.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_datetime, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from console.web.from_below import in_chinese
from optimizer import wording
from optimizer.check import Violation
from optimizer.difference import VisitChange
from optimizer.explanation import Reason, Remedy, Said, Value
from optimizer.wording import LANGUAGES as LANGUAGES
from optimizer.wording import Language as Language

_CATALOGS = Path(__file__).parent / "locale"
_LOCALES = {"zh": "zh_CN", "en": "en_GB"}


def marked(message: str) -> str:
    """A message that is told later, such as one of a table: marks it for the catalog, and leaves it as it is."""
    return message


@cache
def catalog(language: Language) -> gettext.NullTranslations:
    """The texts of a language; for English those of the code."""
    file = _CATALOGS / language / "LC_MESSAGES" / "messages.po"
    if not file.exists():
        return gettext.NullTranslations()
    with file.open("rb") as text:
        read = read_po(text, locale=language)
    compiled = BytesIO()
    write_mo(compiled, read)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def chosen_language(*wishes: str, accepted: str = "") -> Language:
    """The first wish that is a language of ours, else the best of an `Accept-Language` header, else English."""
    for wish in wishes:
        if wish in LANGUAGES:
            return wish
    found = negotiate_locale(_in_order(accepted), LANGUAGES, sep="-")
    return "zh" if found == "zh" else "en"


def _in_order(accepted: str) -> Sequence[str]:
    """The languages of an `Accept-Language` header, the most wanted first; what cannot be read is left out."""
    weighed: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted[:200].split(",")):
        name, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((-float(weight or 1), place, name.split("-")[0].lower()))
        except ValueError:
            continue
    return [name for _, _, name in sorted(weighed)]


@dataclass(frozen=True)
class Texts:
    """Texts, dates and numbers for one reader."""

    language: Language
    zone: tzinfo

    @property
    def locale(self) -> Locale:
        """Babel's locale of the language."""
        return Locale.parse(_LOCALES[self.language])

    def gettext(self, message: str, **values: object) -> str:
        """The message in the reader's language, with `%(name)s` filled in."""
        text = catalog(self.language).gettext(message) if message else ""
        return text % values if values else text

    def told(self, fact: Reason | Remedy | VisitChange | Violation, names: Mapping[str, str], now: datetime) -> str:
        """Why, what would help, what changes or which rule is broken; `names` has the words for ids."""
        # What was kept by another version is told as that wrote it where it cannot be read any more.
        otherwise = fact.text if isinstance(fact, Reason | Remedy) else None
        said = tuple(Said(each.code, {name: self._inner(name, value) for name, value in each.values.items()}) for each in fact.said)
        return wording.told(said, names, now.astimezone(self.zone), self.language, otherwise=otherwise)

    def _inner(self, name: str, value: Value) -> Value:
        return self.from_below(value) if name in ("reason", "problem") and isinstance(value, str) else value

    def word(self, kind: str, name: str) -> str:
        """The word for one of a few, such as a severity or a state: `kind` is one of `optimizer.words.WORDS`."""
        return wording.word(kind, name, self.language)

    def listed(self, items: Iterable[str]) -> str:
        """Several things in a row: a, b, c; in Chinese a、b、c."""
        return ("、" if self.language == "zh" else ", ").join(items)

    def from_below(self, text: str) -> str:
        """A problem, a reason of a decision or a note on an event, which the rooms below write in English."""
        return in_chinese(text) if self.language == "zh" else text

    def clock(self, moment: datetime) -> str:
        """The time of day: 08:05."""
        return format_time(moment.astimezone(self.zone), "HH:mm", locale=self.locale)

    def day(self, moment: datetime) -> str:
        """The day: Mon 2 Mar, 3月2日周一."""
        pattern = "M月d日EEE" if self.language == "zh" else "EEE d MMM"
        return format_date(moment.astimezone(self.zone).date(), pattern, locale=self.locale)

    def date(self, moment: datetime) -> str:
        """The day with its year: 2 Mar 2026, 2026年3月2日."""
        return format_date(moment.astimezone(self.zone).date(), "y年M月d日" if self.language == "zh" else "d MMM y", locale=self.locale)

    def moment(self, moment: datetime, now: datetime | None = None) -> str:
        """Day and time; the time alone when it is the day of `now`."""
        if now is not None and moment.astimezone(self.zone).date() == now.astimezone(self.zone).date():
            return self.clock(moment)
        pattern = "M月d日EEE HH:mm" if self.language == "zh" else "EEE d MMM, HH:mm"
        return format_datetime(moment.astimezone(self.zone), pattern, locale=self.locale)

    def number(self, value: float, digits: int = 0) -> str:
        """A number with its thousands parted."""
        return format_decimal(round(value, digits), locale=self.locale)

    def share(self, value: float) -> str:
        """A share as a percentage."""
        return format_percent(value, "#,##0%", locale=self.locale)
