"""Sentences and words in Chinese and English for what is kept as codes and values: the one place where they are put into words.

The end of a value's name says how it is shown: `_at` a clock time (with the day when it is not today), `_time` the same to the second and
"" for never, `_spans` times from and to, `_minutes` a duration, `_cost` money, `_money` money in millions (in Chinese in ten thousands),
`_share` a percentage, `_points` percentage points, `_level` and `_count` numbers; a tuple is a list of names; anything else an id, shown by
its name when the context knows one.

The templates are in `sentences` and `sentences_of_plans`, the words in `words`. Nothing here is escaped: that is for whoever shows it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from string import Formatter
from unicodedata import east_asian_width

from optimizer.explanation import Said, Value
from optimizer.sentences import REASONS, REMEDIES
from optimizer.sentences_of_plans import DIFFERENCES, NEWS, VIOLATIONS
from optimizer.sentences_of_studies import STUDIES
from optimizer.words import LANGUAGES, WORDS, Both, Language

__all__ = ["LANGUAGES", "SENTENCES", "Language", "Said", "clock", "duration", "sentence", "told", "word"]

SENTENCES: Mapping[str, Both] = {**REASONS, **REMEDIES, **DIFFERENCES, **NEWS, **VIOLATIONS, **STUDIES}
"""By code, each in both languages with the same placeholders."""

_COUNTED = {
    **dict.fromkeys(("technicians", "only", "banned", "who", "sent"), "人"),
    **dict.fromkeys(("stations", "homes"), "个服务站"),
    "tickets": "张工单",
}
"""What Chinese counts a list that is cut in; others in `项`."""

_NONE = {"skills": Both("no particular skill", "技能不限"), "kits": Both("no kit", "无"), "facts": Both("nothing", "无")}
_NOBODY = Both("nobody", "无人")
_MOST_LISTED = 4


def sentence(code: str, values: Mapping[str, Value], names: Mapping[str, str], now: datetime, language: Language = "en") -> str:
    """The sentence of a code.

    Parameters
    ----------
    code
        A key of `SENTENCES`.
    values
        What fills its template; moments are ISO 8601 texts.
    names
        Words to show in place of ids; an id without one is shown as it is.
    now
        The day that needs no date, and the offset that clocks are shown in.

    Raises
    ------
    KeyError
        The code is not known, or a value of its template is missing.
    """
    shown = {key: _shown(key, value, names, now, language) for key, value in values.items()}
    template = SENTENCES[code].of(language)
    return _filled_chinese(template, shown) if language == "zh" else template.format_map(shown)


def told(said: Iterable[Said], names: Mapping[str, str], now: datetime, language: Language = "en", *, otherwise: str | None = None) -> str:
    """The sentences of a fact in a row: of a reason, remedy, change of a visit, violation or piece of news, each of which has `said`.

    Parameters
    ----------
    names, now
        As of `sentence`.
    otherwise
        Told in place of sentences that another version kept and this one cannot read: the fact's English text.

    Raises
    ------
    KeyError, ValueError, TypeError
        As `sentence`, or a value is not what its name says; never where `otherwise` is given.
    """
    try:
        parts = [sentence(each.code, each.values, names, now, language) for each in said]
    except (KeyError, ValueError, TypeError):
        if otherwise is None:
            raise
        return otherwise
    text = ""
    for part in parts:
        # Chinese needs no space between sentences, and none stands before a comma.
        text += part if not text or language == "zh" or part[:1] in ",;" else f" {part}"
    return text


def word(kind: str, name: str, language: Language = "en") -> str:
    """The word for one of a few, such as a severity: `kind` is one of `words.WORDS`; a name that it has not got is shown as it is."""
    known = WORDS[kind].get(name)
    return name if known is None else known.of(language)


def clock(moment: datetime, now: datetime, language: Language = "en") -> str:
    """A time of day, rounded up to the minute (nobody is promised sooner), with the date when it is not the day of `now`."""
    local = _local(moment, now)
    if local.second or local.microsecond:
        local = local.replace(second=0, microsecond=0)
        with suppress(OverflowError, ValueError):  # nothing comes after the last minute that there is
            local = datetime.fromtimestamp(local.timestamp() + 60, local.tzinfo)
    return f"{_day(local, now, language)}{local:%H:%M}"


def duration(minutes: float, language: Language = "en") -> str:
    """Minutes as hours and minutes, rounded to the nearest minute; what rounds to none is less than a minute."""
    chinese = language == "zh"
    if not math.isfinite(minutes):
        return "∞"
    if 0 < minutes <= 0.5:
        return "不到 1 分钟" if chinese else "less than a minute"
    hours, rest = divmod(round(minutes), 60)
    if chinese:
        return f"{hours} 小时 {rest:02} 分" if hours and rest else f"{hours} 小时" if hours else f"{rest} 分钟"
    return f"{hours} h {rest} min" if hours and rest else f"{hours} h" if hours else f"{rest} min"


def _money(value: float, language: Language) -> str:
    """An amount to two digits after the point of a million, and to ten thousand in Chinese, where less is told in full."""
    if abs(value) < 10_000:
        return f"{value:,.0f}"
    return f"{value / 10_000:,.0f} 万" if language == "zh" else f"{value / 1e6:,.2f} M"


def _filled_chinese(template: str, shown: Mapping[str, str]) -> str:
    """The template filled in; a space beside a value stays only where letters or digits meet Chinese, as is usual in print."""
    parts = [(literal, "" if name is None else shown[name]) for literal, name, _, _ in Formatter().parse(template)]
    text = before = ""
    for literal, value in parts:
        if literal[:1] == " " and _is_wide(before[-1:]) and _is_wide(literal[1:2] or value[:1]):
            literal = literal[1:]
        if literal[-1:] == " " and _is_wide(value[:1]) and _is_wide(literal[-2:-1]):
            literal = literal[:-1]
        text, before = f"{text}{literal}{value}", value
    return text


def _is_wide(char: str) -> bool:
    return bool(char) and east_asian_width(char) in "WF"


def _shown(key: str, value: Value, names: Mapping[str, str], now: datetime, language: Language) -> str:
    if isinstance(value, tuple | list):
        return _listed(key, list(value), names, now, language)
    if isinstance(value, str):
        if key.endswith("_at"):
            return clock(datetime.fromisoformat(value), now, language)
        if key.endswith("_time"):
            return _exact(value, now, language)
        return word("severity", value, language) if key == "severity" else names.get(value, value)
    if key.endswith("_minutes"):
        return duration(value, language)
    if key.endswith("_cost"):
        return f"{value:,.0f}"
    if key.endswith("_money"):
        return _money(value, language)
    if key.endswith("_share"):
        return f"{100 * value:.1f} %"
    if key.endswith("_points"):
        return f"{value:.1f}"
    return str(value) if isinstance(value, int) else f"{value:g}"


def _listed(key: str, items: list[str], names: Mapping[str, str], now: datetime, language: Language) -> str:
    """A list in words: the first few, and how many more; times from and to, all of them."""
    chinese = language == "zh"
    if key.endswith("_spans"):
        spans = [[_exact(end, now, language) for end in item.split("/")] for item in items]
        return ("、" if chinese else ", ").join((" 到 " if chinese else " to ").join(span) for span in spans)
    if not items:
        return _NONE.get(key, _NOBODY).of(language)
    words = [_item(key, item, names, language) for item in items]
    if chinese:
        rest = f" 等 {len(words)} {_COUNTED.get(key, '项')}" if len(words) > _MOST_LISTED else ""
        return "、".join(words[: _MOST_LISTED - 1] if rest else words) + rest
    if len(words) > _MOST_LISTED:
        words = [*words[: _MOST_LISTED - 1], f"{len(words) - _MOST_LISTED + 1} more"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _item(key: str, item: str, names: Mapping[str, str], language: Language) -> str:
    if key == "facts":
        return word("fact", item, language)
    skill, _, level = item.rpartition(" ")
    if key == "skills" and skill and level.isdecimal():
        return f"“{names.get(skill, skill)}” {level} 级" if language == "zh" else f"{names.get(skill, skill)} {level}"
    return names.get(item, item)


def _exact(text: str, now: datetime, language: Language) -> str:
    """A moment with its seconds where it has some; "" is a moment that never comes, since no road leads there."""
    if not text:
        return "永不（没有道路）" if language == "zh" else "never (no road)"
    local = _local(datetime.fromisoformat(text), now)
    seconds = f":{local:%S}" if local.second or local.microsecond else ""
    return f"{_day(local, now, language)}{local:%H:%M}{seconds}"


def _local(moment: datetime, now: datetime) -> datetime:
    try:
        return moment.astimezone(now.tzinfo)
    except OverflowError:  # the first and the last day that there is
        return moment


def _day(local: datetime, now: datetime, language: Language) -> str:
    if local.date() == now.date():
        return ""
    if language == "en":
        return f"{local:%Y-%m-%d} "
    year = "" if local.year == now.year else f"{local.year}年"
    return f"{year}{local.month}月{local.day}日 "
