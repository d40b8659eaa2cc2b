"""The words for what is one of a few: severities, states, clocks, roles, rules and the like, in both languages.

`wording.word` looks them up. A word that a company coined itself, such as the title of its own clock, is shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Language = Literal["zh", "en"]

LANGUAGES: tuple[Language, ...] = ("zh", "en")


class Both(NamedTuple):
    """A text in English and in Chinese."""

    en: str
    zh: str

    def of(self, language: Language) -> str:
        """The text in one of them."""
        return self.zh if language == "zh" else self.en


WORDS: Mapping[str, Mapping[str, Both]] = {
    "severity": {
        "emergency": Both("emergency", "紧急"),
        "important": Both("important", "重要"),
        "general": Both("general", "一般"),
    },
    "clock": {
        "contact": Both("contact", "联系客户"),
        "diagnosis": Both("diagnosis", "诊断"),
        "on_site": Both("on site", "到场"),
        "solution": Both("solution", "解决"),
        "closing": Both("closing", "关闭"),
        "call_back": Both("call back", "回访"),
        "handled_again": Both("handled again", "再次处理"),
    },
    "clock_state": {
        "running": Both("running", "计时中"),
        "at_risk": Both("at risk", "有风险"),
        "met": Both("met", "已达成"),
        "missed": Both("missed", "已超时"),
        "paused": Both("paused", "已暂停"),
        "stopped": Both("stopped", "已终止"),
    },
    "step": {
        "opened": Both("opened", "已受理"),
        "contacted": Both("contacted", "已联系客户"),
        "diagnosed": Both("diagnosed", "已诊断"),
        "assigned": Both("assigned", "已派工"),
        "on_site": Both("on site", "已到场"),
        "solved": Both("solved", "已解决"),
        "closed": Both("closed", "已关闭"),
    },
    "ticket_state": {
        "open": Both("open", "待派工"),
        "planned": Both("planned", "已派工"),
        "under_way": Both("under way", "处理中"),
        "done": Both("done", "已完成"),
        "cancelled": Both("cancelled", "已取消"),
        "closed": Both("closed", "已关闭"),
    },
    "plan_state": {
        "draft": Both("draft", "草案"),
        "approved": Both("approved", "已批准"),
        "published": Both("published", "已发布"),
        "rejected": Both("rejected", "已驳回"),
        "superseded": Both("superseded", "已被取代"),
    },
    "status": {"unplanned": Both("not planned", "未派工"), "late": Both("late", "迟到"), "in_time": Both("in time", "按时")},
    "role": {
        "viewer": Both("viewer", "只读用户"),
        "coordinator": Both("coordinator", "调度员"),
        "planner": Both("planner", "规划员"),
        "technician": Both("technician", "技师"),
        "administrator": Both("administrator", "管理员"),
        "regional_manager": Both("regional manager", "区域经理"),
        "director": Both("director", "总监"),
        "customer": Both("customer", "客户"),
    },
    "source": {
        "phone": Both("phone", "电话"),
        "chat": Both("chat", "在线聊天"),
        "email": Both("e-mail", "邮件"),
        "sensor": Both("sensor", "传感器"),
        "web": Both("web", "网页"),
        "file": Both("file", "文件导入"),
    },
    "shift_kind": {"regular": Both("regular", "正班"), "night": Both("night", "夜班"), "on_call": Both("on call", "值班待命")},
    "doing": {"drives": Both("driving", "行驶中"), "works": Both("working", "作业中")},
    "blame": {
        "promise": Both("promise", "承诺时间"),
        "access": Both("access", "进场时间"),
        "distance": Both("distance", "路程"),
        "rules": Both("rules", "人员限制"),
        "skills": Both("skills", "技能"),
        "kits": Both("kits", "器材包"),
        "load": Both("load", "载量"),
        "coverage": Both("coverage", "覆盖"),
        "hours": Both("hours", "班次"),
        "locked": Both("locked work", "锁定的工作"),
        "capacity": Both("capacity", "运力"),
        "cost": Both("cost", "成本"),
        "plan": Both("plan", "计划可改进"),
    },
    "remedy": {
        "replan": Both("plan again", "重新排程"),
        "overtime": Both("overtime", "加班"),
        "earlier_shift": Both("earlier shift", "提前上班"),
        "on_call": Both("on call", "值班待命"),
        "certificate": Both("certificate", "续证"),
        "allow": Both("allow", "放行"),
        "window": Both("access", "放宽进场时间"),
        "due": Both("later promise", "改约"),
        "kit": Both("kit", "增配器材包"),
        "skill": Both("training", "培训"),
        "technician": Both("one more technician", "增派技师"),
    },
    "difference": {
        "new": Both("new", "新增"),
        "dropped": Both("dropped", "移出"),
        "moved": Both("moved", "改派"),
        "later": Both("later", "推迟"),
        "earlier": Both("earlier", "提前"),
    },
    "rule": {
        "unknown": Both("unknown", "未知对象"),
        "forgotten": Both("forgotten", "遗漏"),
        "crew": Both("crew", "小组"),
        "depart": Both("departure", "出发"),
        "shift": Both("shift", "班次"),
        "break": Both("break", "休息"),
        "travel": Both("travel", "行程"),
        "start": Both("start", "开工"),
        "window": Both("time window", "时间窗"),
        "service": Both("service duration", "作业时长"),
        "skill": Both("skill", "技能"),
        "technician": Both("technician", "人员限制"),
        "kit": Both("kit", "器材包"),
        "capacity": Both("capacity", "载量"),
        "locked": Both("locked", "锁定"),
        "foresight": Both("foresight", "未卜先知"),
    },
    "cost": {
        "skipped": Both("not planned", "未派工"),
        "missed": Both("promises missed", "未守承诺"),
        "late": Both("hours late", "迟到"),
        "drive": Both("driving", "行驶"),
        "overtime": Both("overtime", "加班"),
        "changed": Both("changed technicians", "换人"),
        "total": Both("total", "合计"),
    },
    "event": {
        "ticket_opened": Both("ticket opened", "工单受理"),
        "ticket_changed": Both("ticket changed", "工单更改"),
        "ticket_contacted": Both("customer contacted", "已联系客户"),
        "ticket_diagnosed": Both("diagnosed", "已诊断"),
        "ticket_waiting": Both("waiting", "等待中"),
        "ticket_resumed": Both("resumed", "恢复处理"),
        "ticket_solved": Both("solved", "已解决"),
        "ticket_cancelled": Both("ticket cancelled", "工单取消"),
        "ticket_closed": Both("ticket closed", "工单关闭"),
        "ticket_reopened": Both("ticket reopened", "工单重开"),
        "ticket_known": Both("ticket known", "工单已知"),
        "ticket_begun": Both("work begun", "开始作业"),
        "clock_kept": Both("clock kept", "时限达成"),
        "technician_accepted": Both("accepted", "技师接单"),
        "technician_declined": Both("declined", "技师拒单"),
        "technician_driving": Both("on the way", "技师出发"),
        "technician_arrived": Both("arrived", "技师到场"),
        "technician_finished": Both("finished", "技师完工"),
        "technician_delayed": Both("delayed", "技师延误"),
        "technician_home": Both("back at the station", "技师回站"),
        "technician_sick": Both("sick", "技师病假"),
        "technician_back": Both("back on duty", "技师返岗"),
        "vehicle_down": Both("vehicle down", "车辆故障"),
        "kit_broken": Both("kit broken", "器材包损坏"),
        "kit_back": Both("kit back", "器材包恢复"),
        "kit_known": Both("kit known", "器材包已知"),
        "road_factor": Both("slow roads", "道路缓行"),
    },
    "verdict": {
        "counts": Both("kept", "已记录"),
        "flagged": Both("kept, but odd", "已记录，但有疑问"),
        "waits": Both("kept until its ticket is known", "已记录，待工单出现"),
        "merged": Both("told before", "此前已报"),
        "refused": Both("refused", "不予受理"),
        "unreadable": Both("unreadable", "无法读取"),
    },
    "flaw": {
        "late": Both("late", "迟到"),
        "future": Both("from the future", "时间超前"),
        "not a number": Both("not a number", "非数值"),
        "absurd": Both("absurd", "超出常理"),
        "stuck": Both("stuck", "卡死"),
        "silent": Both("silent", "静默"),
    },
    "notice_state": {
        "waiting": Both("waiting", "待发送"),
        "sent": Both("sent", "已发送"),
        "failed": Both("failed", "发送失败"),
        "dropped": Both("dropped", "已丢弃"),
    },
    "reoptimized": {
        "busy": Both("another run is at work", "另一次排程正在进行"),
        "no_plan": Both("no plan is published", "尚无已发布的计划"),
        "nothing_new": Both("nothing new that matters", "没有需要处理的变化"),
        "unchanged": Both("the published plan is still best", "已发布的计划仍是最优"),
        "waits": Both("a draft waits for approval", "草案待批准"),
        "published": Both("published", "已发布"),
    },
    "outcome": {
        "last_plan_stands": Both("the last approved plan stands", "继续执行上一个已批准的计划"),
        "emergencies_sent": Both("emergencies were sent by themselves", "紧急工单已自动派出"),
    },
    "fact": {
        "id": Both("id", "编号"),
        "name": Both("name", "名称"),
        "lat": Both("latitude", "纬度"),
        "lon": Both("longitude", "经度"),
        "severity": Both("severity", "级别"),
        "tier": Both("tier", "客户等级"),
        "opened_at": Both("opened at", "受理时间"),
        "due": Both("due", "承诺到场时间"),
        "service_minutes": Both("service minutes", "作业时长"),
        "miss_cost": Both("miss cost", "超时成本"),
        "late_cost_per_hour": Both("late cost per hour", "每小时迟到成本"),
        "skip_cost": Both("skip cost", "未派工成本"),
        "skills": Both("skills", "技能"),
        "kits": Both("kits", "器材包"),
        "load": Both("load", "物料"),
        "crew": Both("crew", "小组人数"),
        "not_before": Both("not before", "最早开工时间"),
        "windows": Both("windows", "时间窗"),
        "only": Both("only", "指定技师"),
        "banned": Both("banned", "禁派技师"),
        "station": Both("station", "服务站"),
        "capacity": Both("capacity", "载量"),
        "shifts": Both("shifts", "班次"),
        "start": Both("start", "当前位置"),
        "place": Both("place", "地点"),
    },
}
"""By kind, then by name as the code knows it."""
