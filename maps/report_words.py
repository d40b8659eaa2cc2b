"""What a service report says, in Chinese and in English."""

from __future__ import annotations

from typing import Literal

Language = Literal["zh", "en"]

WORDS: dict[str, tuple[str, str]] = {
    "title": ("服务报告", "Service report"),
    "whole": ("全公司", "The whole company"),
    "as_known": ("数据截至", "As known on"),
    "opened": ("新开工单", "Tickets opened"),
    "done": ("已完成", "Done"),
    "cancelled": ("已取消", "Cancelled"),
    "open_at_end": ("期末未结", "Open at the end"),
    "kept": ("按时达成", "Promises kept"),
    "in_time": ("按时率", "In time"),
    "kept_words": ("按时", "kept in time"),
    "missed_words": ("超时", "missed"),
    "by_clock": ("各时限按时率", "In time, by clock"),
    "course": ("走势：到期时限", "Promises that fell due"),
    "times": ("响应与解决用时", "Response and solution times"),
    "response": ("首次响应", "Response"),
    "arrival": ("到场", "On site"),
    "solution_time": ("解决", "Solution"),
    "median": ("中位数", "Median"),
    "p90": ("90% 不超过", "9 of 10 within"),
    "count": ("工单数", "Tickets"),
    "quality": ("质量与满意度", "Quality and satisfaction"),
    "first_visit": ("首次上门解决", "Resolved at first visit"),
    "reopenings": ("重开次数", "Reopenings"),
    "reopened": ("完成后又重开", "Done, then reopened"),
    "satisfaction": ("平均满意度", "Mean satisfaction"),
    "answers": ("评价份数：", "answers: "),
    "score": ("评分", "Score"),
    "groups": ("按组别", "By group"),
    "severity": ("级别", "Severity"),
    "tier": ("客户等级", "Tier"),
    "region": ("地区", "Region"),
    "station": ("服务站", "Station"),
    "product": ("产品", "Product"),
    "people": ("人员使用（按已发布计划）", "Use of people, by the published plans"),
    "on_shift": ("当班", "On shift"),
    "sent_out": ("出勤", "Sent out"),
    "shift_h": ("当班小时", "Hours on shift"),
    "work_h": ("作业小时", "Hours at work"),
    "drive_h": ("行车小时", "Hours driving"),
    "overtime_h": ("加班小时", "Hours of overtime"),
    "busy": ("忙碌率", "Busy"),
    "everybody": ("合计", "Everybody"),
    "kits": ("器材包使用（按已发布计划）", "Use of kits, by the published plans"),
    "kit": ("器材包", "Kit"),
    "owned": ("拥有", "Owned"),
    "broken": ("故障（目前）", "Broken now"),
    "uses": ("外出次数", "Times out"),
    "out_h": ("外出小时", "Hours out"),
    "used": ("使用率", "Used"),
    "owed": ("应付赔偿", "Compensation owed"),
    "owed_count": ("项", "items"),
    "unknown": ("项金额未知（缺订单价格）", "without a known amount (the order's price is missing)"),
    "growing": ("项仍在增加", "still growing"),
    "worst": ("问题最大的三处", "What went wrong most"),
    "missed": ("超时", "Missed"),
    "missed_sheet": ("超时明细", "Missed"),
    "beyond": ("比公司平均多", "beyond the company's share"),
    "late_median": ("超时中位数", "median lateness"),
    "still_open": ("仍未达成", "still open"),
    "nothing_missed": ("没有超时。", "Nothing was missed."),
    "nothing_due": ("本期没有到期的时限。", "No promise fell due in this period."),
    "nothing": ("无", "none"),
    "no_station": ("未派人", "nobody sent"),
    "not_said": ("未注明", "not said"),
    "ticket": ("工单", "Ticket"),
    "clock": ("时限", "Clock"),
    "due": ("应于", "Due"),
    "late_h": ("超时小时", "Hours late"),
    "amount": ("金额", "Amount"),
    "currency": ("币种", "Currency"),
    "why": ("算法", "How"),
    "what": ("项目", "What"),
    "value": ("数值", "Value"),
    "of": ("共", "Of"),
    "stopped": ("中止的时限（不计入）", "Clocks that came to nothing (in no share)"),
    "yes": ("是", "yes"),
    "note": (
        "一切按发生之日计；时限按到期之日计，无论是否达成。尚未到期的不计入。人员与器材按当时有效的已发布计划计算，并非实测。",
        "Everything counts on the day on which it happened, a clock on the day on which it fell due, kept or not; what is not due yet is "
        "in no share. Use of people and kits is that of the published plan that held at the time, not measured.",
    ),
    "emergency": ("紧急", "Emergency"),
    "important": ("重要", "Important"),
    "general": ("一般", "General"),
    "contact": ("联系", "Contact"),
    "diagnosis": ("诊断", "Diagnosis"),
    "on_site": ("到场", "On site"),
    "solution": ("解决", "Solution"),
    "closing": ("关闭", "Closing"),
    "call_back": ("回访", "Call back"),
    "handled_again": ("重开处理", "Handled again"),
}


def word(key: str, language: Language) -> str:
    """What something is called; a name that is not ours, such as that of a company's own clock, as it stands."""
    pair = WORDS.get(key)
    return pair[language == "en"] if pair else key.replace("_", " ")


def named(dimension: str, id_: str, name: str, language: Language) -> str:
    """What a group is called; only severities are words of ours."""
    if not id_:
        return word("no_station" if dimension == "station" else "not_said", language)
    return word(id_, language) if dimension == "severity" else name


def span_words(seconds: float | None, language: Language) -> str:
    """A length of time for people: to the minute below two days, to a tenth of a day beyond."""
    if seconds is None:
        return "–"
    minutes = round(seconds / 60)  # to the nearest minute
    if minutes >= 2 * 24 * 60:
        return f"{minutes / 1440:.1f} {'天' if language == 'zh' else 'd'}"
    hours, rest = divmod(minutes, 60)
    if language == "zh":
        return f"{hours} 小时 {rest} 分" if hours else f"{rest} 分"
    return f"{hours} h {rest:02} min" if hours else f"{rest} min"


def share_words(n: int, of: int, language: Language) -> str:
    """ "12 of 15", or nothing of nothing."""
    return "–" if not of else f"{n:,} / {of:,}" if language == "zh" else f"{n:,} of {of:,}"
