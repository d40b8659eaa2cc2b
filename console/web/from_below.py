"""Chinese for what the rooms below wrote in English: problems, reasons of decisions that nobody made, and what is odd about an event.

Such a text is known by its template: where one fits, what fills it is put into the Chinese one. A text that none fits is shown as it is,
so that nothing is lost when a message is reworded; a test holds the templates and the sources together.
"""

from __future__ import annotations

from string import Formatter

from optimizer.wording import word
from optimizer.words import Both

TEMPLATES: tuple[Both, ...] = (
    # Plans: two coordinators, states, stale drafts.
    Both("Plan {plan} cannot be {wanted}: {who} it already; approve it first", "计划 {plan} 不能{wanted}：{who}；请先批准"),
    Both("Plan {plan} cannot be {wanted}: {who} it already; it is {state}", "计划 {plan} 不能{wanted}：{who}；它现在的状态是“{state}”"),
    Both("Plan {plan} was changed after you looked at it ({who} it); look again", "您查看之后计划 {plan} 已有改动（{who}）；请重新查看"),
    Both(
        "Plan {plan} was made at {made} UTC, before {who} plan {other}; plan again, so that what was promised with it counts",
        "计划 {plan} 做于 {made} UTC，早于计划 {other}（{who}）；请重新排程，以计入其中已作的承诺",
    ),
    Both(
        "Plan {plan} breaks {count} rules and stays a draft; mend it or plan again",
        "计划 {plan} 违反 {count} 条规则，仍为草案；请改正或重新排程",
    ),
    Both("Plan {plan} does not exist; `twohour show` lists those that do", "计划 {plan} 不存在"),
    Both("the plan is a {state}, nobody has approved", "计划是“{state}”，无人批准"),
    Both("{by} ({at} UTC) approved", "{by} 已批准（{at} UTC）"),
    Both("{by} ({at} UTC) published", "{by} 已发布（{at} UTC）"),
    Both("{by} ({at} UTC) rejected", "{by} 已驳回（{at} UTC）"),
    Both(
        "someone else changed this in the meantime; look again and repeat what still applies",
        "期间已有他人改动；请重新查看，再做仍需要做的",
    ),
    Both("the database {place} refuses a change that would break its rules: {problem}", "数据库 {place} 拒绝违反其规则的更改：{problem}"),
    Both("the database {place} does not answer: {problem}", "数据库 {place} 没有响应：{problem}"),
    # Reasons of what twohour decides by itself.
    Both("nobody decided in time; emergencies go out", "无人按时决定；紧急工单先行派出"),
    Both("nobody decided in time; the last approved plan stands", "无人按时决定；继续执行上一个已批准的计划"),
    Both("by itself: additions", "自动发布：只有新增"),
    Both("by itself: emergencies", "自动发布：只有紧急工单"),
    Both("by itself: small", "自动发布：改动很少"),
    Both("by itself: {goes_out}", "自动发布：{goes_out}"),
    Both("overtaken by plan {plan}", "已被计划 {plan} 取代"),
    Both("sent to {ticket}: {technicians}", "派往 {ticket}：{technicians}"),
    Both("satisfaction {score} is below {below}", "满意度 {score} 低于 {below}"),
    # What is odd about an event.
    Both("the ticket was open already", "工单此前已受理"),
    Both("the ticket is not known yet; this counts once it is opened", "工单尚未受理；受理后即计入"),
    Both("the ticket was not closed", "工单并未关闭"),
    Both("the ticket was cancelled already", "工单此前已取消"),
    Both("the ticket was done already", "工单此前已完成"),
    Both("the ticket waits already", "工单已在等待"),
    Both("the ticket did not wait", "工单并未等待"),
    Both("{technician} arrived without having set out", "{technician} 未出发即到场"),
    Both("{technician} finished without having arrived", "{technician} 未到场即完工"),
    Both("the ticket was settled already", "工单此前已结案"),
    Both("the ticket was cancelled", "工单已取消"),
    Both("settled while somebody was at work there", "结案时仍有人在现场作业"),
    Both("absent already", "此前已缺勤"),
    Both("was not absent", "并未缺勤"),
    Both("had not finished at {ticket}", "在 {ticket} 尚未完工"),
    Both("the station owns {count}, all were broken already", "服务站共有 {count} 套，此前已全部损坏"),
    Both("the station owns {count}, none was broken already", "服务站共有 {count} 套，此前并无损坏"),
    # Requests that are refused.
    Both("{login} ({role}) may not do this", "{login}（{role}）无权进行此操作"),
    Both("Ticket {ticket} is not in plan {plan}", "计划 {plan} 中没有工单 {ticket}"),
    Both("{login} ({role}) may not send anybody", "{login}（{role}）无权派人"),
    Both("Ticket {ticket} does not exist, or belongs to another region", "工单 {ticket} 不存在，或属于其他区域"),
    Both("Ticket {ticket} is not open any more; look again", "工单 {ticket} 已不在待派工状态；请重新查看"),
    Both(
        "Ticket {ticket}: {technicians} cannot take it as things are now; ask for a new answer",
        "工单 {ticket}：{technicians} 目前已不能前往；请重新获取答复",
    ),
    Both("Plan {plan} was published since this answer was given; ask for a new one", "给出答复之后计划 {plan} 已发布；请重新获取答复"),
    Both("this does not exist, or belongs to another region", "不存在，或属于其他区域"),
    Both("there is no such page", "没有这个页面"),
    Both(
        "this page is too old or was opened elsewhere: load it again and repeat what you did",
        "页面已过期或在别处打开：请重新载入，再操作一次",
    ),
    Both("log in from our own page", "请从本站页面登录"),
    Both("log in again", "请重新登录"),
    Both("something went wrong on our side; nothing was changed", "系统出错；没有任何更改"),
)
"""The first that fits is taken."""

_WANTED = {"approved": "批准", "published": "发布", "rejected": "驳回"}
_LONGEST = 2000
_DEPTH = 2
"""What fills a template may be one of ours again: who approved it."""


def in_chinese(text: str) -> str:
    """The text in Chinese where a template fits, of several parted by `; ` each by itself; else as it is."""
    if len(text) > _LONGEST:
        return text
    parts = [_translated(part, _DEPTH) for part in text.split("; ")]
    told = [part for part in parts if part is not None]
    return "；".join(told) if len(told) == len(parts) else _translated(text, _DEPTH) or text


def _translated(text: str, depth: int) -> str | None:
    for both in TEMPLATES:
        values = _values(both.en, text)
        if values is not None:
            return both.zh.format_map({name: _filling(name, value, depth - 1) for name, value in values.items()})
    return None


def _filling(name: str, value: str, depth: int) -> str:
    if name == "wanted":
        return _WANTED.get(value, value)
    if name in ("state", "role"):
        return word("plan_state" if name == "state" else name, value, "zh")
    return (_translated(value, depth) if depth > 0 else None) or value


def _values(template: str, text: str) -> dict[str, str] | None:
    """What fills a template to make a text; None when nothing does. One pass over the text, which may hold words of users."""
    parts = list(Formatter().parse(template))
    names = [name for _, name, _, _ in parts if name is not None]
    first, *literals = [literal for literal, _, _, _ in parts] + ([""] if parts[-1][1] is not None else [])
    if not names:
        return {} if text == first else None
    last = literals[-1]
    if not text.startswith(first) or not text.endswith(last):
        return None
    at, end, values = len(first), len(text) - len(last), {}
    for name, literal in zip(names[:-1], literals[:-1], strict=True):
        found = text.find(literal, at, end)
        if found <= at:
            return None
        values[name], at = text[at:found], found + len(literal)
    values[names[-1]] = text[at:end]
    return values if at < end else None
