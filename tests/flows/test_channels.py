"""Channels: what reaches a robot, a mailbox and a web hook, that refusals are noticed, and that nothing is logged."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.lark import NotifyLark
from apprise.plugins.wecombot import NotifyWeComBot

from data_models.errors import BadInput
from flows.channels import Message, NoReach, NotSent, check_address, scheme_of, send
from tests.receivers import Calls, MailBox, free_port, mail_server, web_server

SAID = Message("plan-published:7:T-1@CHANNEL", "标题 <b>", "第一行 <at user_id=all> & *bold*\n第二行")
ROBOTS = ("wecombot://sekret-key", "dingtalk://sekretkey", "feishu://sekret-key", "lark://sekret-key")


@pytest.fixture(scope="module")
def web() -> Iterator[Calls]:
    with web_server() as calls:
        yield calls


@pytest.fixture(scope="module")
def mail() -> Iterator[MailBox]:
    with mail_server() as box:
        yield box


@pytest.fixture(autouse=True)
def _robots_answer_here(web: Calls, mail: MailBox, monkeypatch: pytest.MonkeyPatch) -> None:
    web.got.clear()
    mail.mails.clear()
    web.status, web.answer, mail.refuse = 200, {"errcode": 0}, ""
    here = f"http://127.0.0.1:{web.port}"
    monkeypatch.setattr(NotifyWeComBot, "notify_url", here + "/wecom?key={key}")
    monkeypatch.setattr(NotifyDingTalk, "notify_url", here + "/dingtalk?access_token={token}")
    monkeypatch.setattr(NotifyFeishu, "notify_url", here + "/feishu/{token}/")
    monkeypatch.setattr(NotifyLark, "notify_url", here + "/lark/")


def test_each_robot_gets_plain_text_that_calls_nobody_and_ends_with_the_key(web: Calls) -> None:
    for address in ROBOTS:
        send(address, SAID, {}, 5)
    texts = [str(body.get("text") or body["content"]) for _, _, body in web.got]
    assert [path for path, _, _ in web.got] == [
        "/wecom?key=sekret-key",
        "/dingtalk?access_token=sekretkey",
        "/feishu/sekret-key",
        "/lark/sekret-key",
    ]
    for said in texts:
        assert "＜at user_id=all＞" in said
        assert "<" not in said
        assert "— twohour plan-published:7:T-1@CHANNEL" in said


@pytest.mark.parametrize("address", ROBOTS)
@pytest.mark.parametrize("answer", [{"errcode": 45009, "errmsg": "sekret"}, {"code": 19001}, {}, [1], "x"])
def test_a_robot_that_answers_200_but_refuses_has_not_taken_it(web: Calls, address: str, answer: object) -> None:
    web.answer = answer
    with pytest.raises(NotSent) as raised:
        send(address, SAID, {}, 5)
    assert "sekret" not in str(raised.value)


def test_the_signature_of_dingtalk_arrives_as_it_was_made(web: Calls) -> None:
    send("dingtalk://secret9@sekretkey/{phone}", SAID, {"phone": "+86 138-0000-0000"}, 5)
    path, _, body = web.got[0]
    query = parse_qs(urlsplit(path).query)
    stamp = query["timestamp"][0]
    assert query["sign"] == [base64.b64encode(hmac.new(b"secret9", f"{stamp}\nsecret9".encode(), hashlib.sha256).digest()).decode()]
    assert body["at"] == {"atMobiles": ["8613800000000"], "isAtAll": False}


def test_a_text_too_long_for_a_robot_is_cut_and_keeps_its_key(web: Calls) -> None:
    send("wecombot://sekret", Message("k", "标题", "很" * 3000), {}, 5)
    text = web.got[0][2]["text"]["content"]
    assert len(text.encode()) <= 2048
    assert text.endswith("很…\n— twohour k")


def test_a_web_hook_gets_the_key_as_header_and_field(web: Calls) -> None:
    send(f"json://user:sekret@127.0.0.1:{web.port}/hook?+X-Own=1", SAID, {}, 5)
    path, headers, body = web.got[0]
    assert path == "/hook"
    assert headers["Idempotency-Key"] == body["key"] == SAID.key
    assert headers["X-Own"] == "1"
    assert (body["title"], body["message"]) == (SAID.title, SAID.body)
    web.status = 503
    with pytest.raises(NotSent, match="answered 503"):
        send(f"json://127.0.0.1:{web.port}/", SAID, {}, 5)
    with pytest.raises(NotSent, match="no answer"):
        send(f"json://127.0.0.1:{free_port()}/", SAID, {}, 5)


def test_a_mail_is_plain_text_and_its_message_id_is_the_same_each_time(mail: MailBox) -> None:
    address = f"mailto://127.0.0.1:{mail.port}?from=plan@example.com&to={{email}}&mode=insecure"
    for reach in ("a@example.com", "a@example.com", "b@example.com"):
        send(address, SAID, {"email": reach}, 5)
    (to, first), (_, again), (_, other) = mail.mails
    assert to == ["a@example.com"]
    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]
    assert len(first.get_all("Message-ID", [])) == 1
    assert first["Idempotency-Key"] == SAID.key
    assert first["Subject"] == SAID.title
    assert first.get_content_type() == "text/plain"
    assert first.get_content().splitlines() == SAID.body.splitlines()
    mail.refuse = "550 sekret"
    with pytest.raises(NotSent, match="refused the recipient with 550") as raised:
        send(address, SAID, {"email": "a@example.com"}, 5)
    assert "sekret" not in str(raised.value)
    with pytest.raises(NotSent, match="no answer of the mail server"):
        send(f"mailto://127.0.0.1:{free_port()}?from=a@b.cd&to=c@d.ef&mode=insecure", SAID, {}, 5)


@pytest.mark.parametrize(
    "known", ["", "no mail", "a@b.cd,e@f.gh", "a@b.cd?bcc=e@f.gh&x=@y", "A <a@b.cd>", "a@b.cd\r\nBcc: e@f.gh", "a:b@c.de"]
)
def test_an_address_that_would_reach_others_is_not_used(mail: MailBox, known: str) -> None:
    with pytest.raises(NoReach, match="the recipient has no e-mail address that can be used"):
        send(f"mailto://127.0.0.1:{mail.port}?from=p@example.com&to={{email}}&mode=insecure", SAID, {"email": known}, 5)
    assert mail.mails == []


def test_a_recipient_cannot_add_recipients(mail: MailBox) -> None:
    send(f"mailto://127.0.0.1:{mail.port}?from=p@example.com&to={{email}}&mode=insecure", SAID, {"email": "a&bcc=e%2Cx@b.cd"}, 5)
    assert [to for to, _ in mail.mails] in ([["a&bcc=e%2Cx@b.cd"]], [["a&bcc=e,x@b.cd"]])


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("slack://sekret/a/b", "channel C: its scheme is not carried; known are wecombot://"),
        ("sekret", "its scheme is not carried"),
        ("wecombot://", "its address cannot be read"),
        ("dingtalk://se-kret", "its address cannot be read"),
        ("json://host/?format=html", "notices are plain text, leave format out"),
        ("json://host/{name}", "has an unknown place for values; known are {email} and {phone}"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_without_showing_it(address: str, says: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(BadInput) as raised:
        check_address("C", address)
    assert says in str(raised.value)
    assert "kret" not in str(raised.value) + caplog.text


def test_good_addresses_pass() -> None:
    for address in (*ROBOTS, "mailtos://u:p@example.com?to={email}", "jsons://h/{phone}"):
        check_address("C", address)
    assert scheme_of("WeComBot://x") == "wecombot"
    assert scheme_of("sekret") == "unknown"


def test_nothing_of_a_message_or_an_address_is_logged(web: Calls, mail: MailBox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(1)
    everywhere = (
        *ROBOTS,
        f"json://u:sekret@127.0.0.1:{web.port}/sekret",
        f"mailto://127.0.0.1:{mail.port}?from=p@ex.com&to=sekret@ex.com&mode=insecure",
    )
    for address in everywhere:
        send(address, SAID, {}, 5)
    web.status, mail.refuse = 500, "550 no"
    for address in everywhere:
        with pytest.raises(NotSent):
            send(address, SAID, {}, 5)
    assert not [word for word in ("sekret", "标题", "第一行", "127.0.0.1") if word in caplog.text]
    logging.getLogger("apprise").warning("others may still log")
    assert "others may still log" in caplog.text
