"""Channels of notices: addresses as Apprise reads them, and sending that knows whether the receiver took it.

Apprise is extended where it cannot tell or carry enough (see DECISIONS): robots answer 200 also when they refuse, and the Message-ID of an
e-mail must come from the notice's key. Notices are plain text everywhere.
"""

from __future__ import annotations

import hashlib
import logging
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

import httpx
from apprise import AppriseAsset, NotifyFormat
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.email.base import NotifyEmail
from apprise.plugins.email.common import SecureMailMode
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.lark import NotifyLark
from apprise.plugins.wecombot import NotifyWeComBot

from data_models.errors import BadInput

KEY_HEADER = "Idempotency-Key"
"""The header that carries the key of a notice, in e-mails and calls."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_REACHES = ("email", "phone")
_EMAIL = re.compile(r"[^\s,;:<>()\[\]\\\"@]+@[^\s,;:<>()\[\]\\\"@]+")
_PHONE = re.compile(r"\+?[0-9][0-9 ()/-]{4,}")


class NotSent(Exception):
    """The receiver did not take a notice; the reason holds neither customer data nor the address."""


class NoReach(Exception):
    """The channel needs an e-mail address or a telephone number that the recipient does not have."""


@dataclass(frozen=True)
class Message:
    """What goes out: plain text, and the key that lets the receiver drop doubles."""

    key: str
    title: str
    body: str


def send(address: str, message: Message, reach: Mapping[str, str], timeout_s: float) -> None:
    """Send a message to a channel.

    Parameters
    ----------
    address
        Apprise's way of writing it, of one of the `SCHEMES`; `{email}` and `{phone}` in it stand for the recipient's.
    reach
        What is known to reach the recipient by: `email`, `phone`.

    Raises
    ------
    NotSent
        The receiver refused it or did not answer.
    NoReach
        The recipient lacks what the address asks for.
    BadInput
        The address cannot be read.
    """
    with _unlogged():
        channel = _channel(_for_recipient(address, reach))
        channel.deliver(channel.plugin, message, timeout_s)


def scheme_of(address: str) -> str:
    """The kind of a channel, fit to be logged; "unknown" for one that is not carried."""
    scheme = address.partition("://")[0].lower()
    return scheme if scheme in SCHEMES else "unknown"


def check_address(name: str, address: str) -> None:
    """Raises `BadInput`, which names the channel's variable but not the address, for one that could never be sent to."""
    for placeholder in _PLACEHOLDER.findall(address):
        if placeholder not in _REACHES:
            raise BadInput(f"channel {name}: its address has an unknown place for values; known are {{email}} and {{phone}}")
    try:
        with _unlogged():
            _channel(_for_recipient(address, {"email": "someone@example.com", "phone": "13800000000"}))
    except BadInput as error:
        raise BadInput(*(f"channel {name}: {problem}" for problem in error.problems)) from None


def _for_recipient(address: str, reach: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1]
        known = reach.get(name, "").strip()
        # A list of addresses, or one with a part of its own, would reach somebody else.
        good = (_EMAIL if name == "email" else _PHONE).fullmatch(known)
        if not good:
            raise NoReach(f"the recipient has no {'e-mail address' if name == 'email' else 'telephone number'} that can be used; enter it")
        return quote(re.sub(r"[^0-9]", "", known) if name == "phone" else known, safe="")

    return _PLACEHOLDER.sub(value, address)


@dataclass(frozen=True)
class _Channel:
    """An address as Apprise read it, and what sends to it; `plugin` is Any, as Apprise types little."""

    plugin: Any
    deliver: Callable[[Any, Message, float], None]


def _channel(address: str) -> _Channel:
    kind, deliver = SCHEMES.get(address.partition("://")[0].lower(), (None, None))
    if kind is None or deliver is None:
        raise BadInput(f"its scheme is not carried; known are {', '.join(f'{name}://' for name in SCHEMES)}")
    try:
        parts = kind.parse_url(address)
        if not parts:
            raise ValueError
        if parts.pop("format", "text") != "text":
            raise BadInput("its address asks for a format; notices are plain text, leave format out")
        plugin = kind(**parts, asset=_ASSET)
    except (TypeError, ValueError, AttributeError):
        raise BadInput("its address cannot be read; write it as Apprise's pages say for its scheme") from None
    plugin.notify_format = NotifyFormat.TEXT
    return _Channel(plugin, deliver)


_ASSET: Any = AppriseAsset(app_id="twohour", app_desc="twohour", app_url="", interpret_emojis=False, secure_logging=True)


def _with_key(message: Message, most_bytes: int) -> str:
    """Title, body and key as one text that a robot takes: the body is cut where it would be too long, the key never."""
    foot = f"\n— twohour {message.key}"
    text = f"{message.title}\n{message.body}".replace("<", "＜").replace(">", "＞")  # robots read <at …> as a call to people
    room = most_bytes - len(foot.encode())
    raw = text.encode()
    if len(raw) > room:
        text = raw[: room - len("…".encode())].decode(errors="ignore") + "…"
    return text + foot


def _post(url: str, content: Mapping[str, Any], timeout_s: float, params: Mapping[str, str] | None = None) -> None:
    """Call a robot. They answer 200 also when they refuse: only the number in the answer tells."""
    try:
        answer = httpx.post(url, json=content, params=params, timeout=timeout_s)
    except httpx.HTTPError as error:
        raise NotSent(f"no answer ({type(error).__name__})") from None
    if answer.status_code != httpx.codes.OK:
        raise NotSent(f"answered {answer.status_code}")
    try:
        told = answer.json()
        number = next(told[name] for name in ("errcode", "code", "StatusCode") if name in told)
    except (ValueError, TypeError, StopIteration):
        raise NotSent("answered what is no answer of a robot") from None
    if number != 0:
        raise NotSent(f"refused with {number:d}" if isinstance(number, int) else "refused")


def _to_wecom(robot: Any, message: Message, timeout_s: float) -> None:
    _post(robot.api_url, {"msgtype": "text", "text": {"content": _with_key(message, 2048)}}, timeout_s)


def _to_dingtalk(robot: Any, message: Message, timeout_s: float) -> None:
    params = {"access_token": str(robot.token)}
    if robot.secret:
        stamp, sign = robot.get_signature()
        # Apprise escapes the signature and its client does so once more, so that it never matches.
        params |= {"timestamp": stamp, "sign": unquote(sign)}
    text = {"content": _with_key(message, 18_000)}
    called = {"atMobiles": robot.targets, "isAtAll": False}
    _post(robot.notify_url.partition("?")[0], {"msgtype": "text", "text": text, "at": called}, timeout_s, params)


def _to_feishu(robot: Any, message: Message, timeout_s: float) -> None:
    url = robot.notify_url.format(token=robot.token).rstrip("/")
    _post(url, {"msg_type": "text", "content": {"text": _with_key(message, 18_000)}}, timeout_s)


def _to_lark(robot: Any, message: Message, timeout_s: float) -> None:
    _post(robot.webhook_url, {"msg_type": "text", "content": {"text": _with_key(message, 18_000)}}, timeout_s)


def _to_json(hook: Any, message: Message, timeout_s: float) -> None:
    hook.headers[KEY_HEADER] = message.key
    hook.payload_extras["key"] = message.key
    hook.socket_connect_timeout = hook.socket_read_timeout = timeout_s
    if not hook.send(body=message.body, title=message.title):
        number = next((found[1] for text in _SWALLOWED.get() or () if (found := re.search(r"error=(\d{3})\b", text))), None)
        raise NotSent(f"answered {number}" if number else "no answer")


def _to_mail(mailer: Any, message: Message, timeout_s: float) -> None:
    try:
        mails = list(_mails(mailer, message))
        with _mail_server(mailer, timeout_s) as server:
            for recipients, text in mails:
                server.sendmail(mailer.from_addr[1], recipients, text)
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"the mail server answered {int(error.smtp_code)}") from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = sorted({int(code) for code, _ in error.recipients.values()})
        raise NotSent(f"the mail server refused the recipient with {', '.join(map(str, codes))}") from None
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(f"no answer of the mail server ({type(error).__name__})") from None


def _mail_server(mailer: Any, timeout_s: float) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if not mailer.verify_certificate:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    server: smtplib.SMTP
    if mailer.secure_mode == SecureMailMode.SSL:
        server = smtplib.SMTP_SSL(mailer.smtp_host, mailer.port, timeout=timeout_s, context=context)
    else:
        server = smtplib.SMTP(mailer.smtp_host, mailer.port, timeout=timeout_s)
    try:
        if mailer.secure_mode == SecureMailMode.STARTTLS:
            server.starttls(context=context)
        if mailer.user and mailer.password:
            server.login(mailer.user, mailer.password)
    except BaseException:
        server.close()
        raise
    return server


def _mails(mailer: Any, message: Message) -> Iterator[tuple[list[str], str]]:
    """A mail for each recipient of the address, as Apprise writes it but with a Message-ID that is the same each time."""
    domain = str(mailer.from_addr[1]).rpartition("@")[2] or "localhost"
    for mail in NotifyEmail.prepare_emails(
        subject=message.title,
        body=message.body,
        notify_format=mailer.notify_format,
        from_addr=mailer.from_addr,
        to=mailer.targets,
        cc=mailer.cc,
        bcc=mailer.bcc,
        reply_to=mailer.reply_to,
        smtp_host=mailer.smtp_host,
        headers={"X-Application": "twohour", **mailer.headers, KEY_HEADER: message.key, "Auto-Submitted": "auto-generated"},
        names=mailer.names,
        pgp=mailer.pgp,
        pgp_mode=mailer.pgp_mode,
        tzinfo=mailer.tzinfo,
    ):
        # By recipient: one mailbox may get the same notice by two of them, and these are no doubles.
        digest = hashlib.sha256(f"{message.key}\n{mail.recipient}".encode()).hexdigest()[:32]
        head, gap, rest = mail.body.partition("\n\n")
        head = re.sub(r"(?mi)^Message-ID:.*(?:\n[ \t].*)*", f"Message-ID: <{digest}@{domain}>", head, count=1)
        yield mail.to_addrs, head + gap + rest


SCHEMES: Mapping[str, tuple[Any, Callable[[Any, Message, float], None]]] = {
    "wecombot": (NotifyWeComBot, _to_wecom),
    "dingtalk": (NotifyDingTalk, _to_dingtalk),
    "feishu": (NotifyFeishu, _to_feishu),
    "lark": (NotifyLark, _to_lark),
    "mailto": (NotifyEmail, _to_mail),
    "mailtos": (NotifyEmail, _to_mail),
    "json": (NotifyJSON, _to_json),
    "jsons": (NotifyJSON, _to_json),
}
"""The channels that are carried. Others of Apprise's would each need its own look at markup and at refusals."""

_SWALLOWED: ContextVar[list[str] | None] = ContextVar("swallowed", default=None)
_TALKATIVE = ("apprise", "httpx", "httpcore.connection", "httpcore.http11", "urllib3.connectionpool")


def _is_ours(record: logging.LogRecord) -> bool:
    kept = _SWALLOWED.get()
    if kept is None:
        return True
    kept.append(record.getMessage())
    return False


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keeps what the libraries log within: they name recipients, contents and addresses with their secrets."""
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_is_ours)
    token = _SWALLOWED.set([])
    try:
        yield
    finally:
        _SWALLOWED.reset(token)
