"""What a report about scenarios says, in Chinese and in English."""

from __future__ import annotations

from typing import Literal, NamedTuple

Language = Literal["zh", "en"]


class Both(NamedTuple):
    """A text in Chinese and in English."""

    zh: str
    en: str

    def of(self, language: Language) -> str:
        """The text in one of them."""
        return self.en if language == "en" else self.zh


WEEKDAYS = (
    Both("周一", "Mon"),
    Both("周二", "Tue"),
    Both("周三", "Wed"),
    Both("周四", "Thu"),
    Both("周五", "Fri"),
    Both("周六", "Sat"),
    Both("周日", "Sun"),
)

WORDS: dict[str, Both] = {
    "title": Both("服务站布局：方案比较", "Where the next station belongs"),
    "today": Both("现状", "today"),
    "history": Both("历史", "History"),
    "areas": Both("个区域", "areas"),
    "tickets": Both("张工单", "tickets"),
    "replayed_by": Both("派工方式", "dispatched by"),
    "replays": Both("次回放", "replays"),
    "futures": Both("抽样未来", "sampled futures"),
    "policy": Both("服务政策", "service policy"),
    "summary": Both("结论", "What it comes to"),
    "compared": Both("各方案", "Scenarios"),
    "scenario": Both("方案", "Scenario"),
    "by_replay": Both("回放：紧急按时率", "Replay: emergencies in time"),
    "to_today": Both("与现状相差（百分点）", "Points more than today"),
    "by_formula": Both("公式", "Formula"),
    "error": Both("公式误差（百分点）", "Formula off by, points"),
    "customers": Both("覆盖客户增减", "Customers reached, more and fewer"),
    "median": Both("到场用时中位数", "Half on site within"),
    "nine_in_ten": Both("90% 不超过", "9 of 10 within"),
    "costs": Both("年费用", "Cost a year"),
    "stations_cost": Both("服务站与人员", "Stations and people"),
    "running_cost": Both("行车与加班", "Driving and overtime"),
    "failing_cost": Both("超时与未服务", "Late and unserved tickets"),
    "total": Both("合计", "Total"),
    "maps": Both("覆盖变化", "Whom the road reaches"),
    "kept": Both("现在和以后都能按时到达", "reached now and then"),
    "gained": Both("新覆盖", "gained"),
    "lost": Both("不再覆盖", "lost"),
    "white": Both("空白：均不能按时到达", "white spot: reached neither now nor then"),
    "white_now": Both("空白：不能按时到达", "white spot: not reached"),
    "kept_now": Both("能按时到达", "reached"),
    "open": Both("服务站", "station"),
    "opened": Both("新开", "opened"),
    "closed": Both("关闭", "closed"),
    "load": Both("人员外出占当班时间", "out of the hours on duty"),
    "load_key": Both("百分数：人员外出占当班时间", "percentages: hours that people are out, of those on duty"),
    "out_of_sight": Both("个区域在图外", "areas lie outside the map"),
    "more_cost": Both("与现状相差", "More than today"),
    "promise": Both("承诺", "promised"),
    "curves": Both("紧急工单：多少时间内到场", "Emergencies: on site within"),
    "hours": Both("紧急工单：按星期与小时", "Emergencies by hour of the week"),
    "hours_key": Both("数字为工单数，颜色为按时率：", "Numbers are tickets, colours the share in time:"),
    "by_area": Both("紧急工单：按区域", "Emergencies by area"),
    "area_key": Both("大小为工单数，颜色为按时率：", "Size is tickets, colour the share in time:"),
    "in_time": Both("按时", "in time"),
    "loads": Both("各站人员外出占当班时间（回放）", "Share of the hours on duty that people are out (replay)"),
    "station": Both("服务站", "Station"),
    "frontier": Both("覆盖与年费用的有效组合", "Coverage against yearly cost"),
    "frontier_key": Both("每一点都是同等费用下覆盖最多的选址", "Each point is the choice of sites that covers most for its cost"),
    "covered": Both("已覆盖", "covered"),
    "no_emergency": Both("回放中没有紧急工单。", "No emergency was replayed."),
    "how": Both("算法说明", "How this was found"),
    "how_words": Both(
        "每个方案都用实际派工程序回放同一批工单；± 为 95% 置信区间，按周配对。公式只考虑谁在附近、当班、有资格且大概率有空。"
        "地图按道路时间，人员均视为在站待命。",
        "Each scenario replays the same tickets with the dispatcher that plans the day; ± is a 95 % interval, paired by week. The formula "
        "knows who is near, on duty, able and probably not busy. Maps show the drive by road; everybody is taken to be at home and free.",
    ),
}


def said(key: str, language: Language) -> str:
    """A text of the report."""
    return WORDS[key].of(language)
