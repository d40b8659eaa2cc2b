"""Sentences about plans in both languages: what differs and why, what happened since, which rule is broken.

Parts of a sentence rather than whole ones: they stand in lists and tables, and after a colon.
"""

from __future__ import annotations

from collections.abc import Mapping

from optimizer.words import Both

DIFFERENCES: Mapping[str, Both] = {
    "differs_gone": Both("{who} is not among the people of this plan any more", "{who} 已不在本计划的人员中"),
    "differs_off_duty": Both("{who} is not on duty any more", "{who} 已不当班"),
    "differs_not_allowed": Both("{who} may not go there any more", "{who} 已不得前往"),
    "differs_unskilled": Both("{who} has not got the skills for it any more", "{who} 已不具备所需技能"),
    "differs_takes": Both("{who} now goes to {other} at {start_at}", "{who} 改于 {start_at} 前往 {other}"),
    "differs_takes_emergency": Both("{who} now goes to the emergency {other} at {start_at}", "{who} 改于 {start_at} 前往紧急工单 {other}"),
    "differs_free_late": Both("{who} becomes free only at {free_at}", "{who} 到 {free_at} 才有空"),
    "differs_full": Both("it does not fit into the day of {who} any more", "{who} 当天已排不下"),
    "differs_cheaper": Both("it is better so", "这样更好"),
    "differs_exchange": Both("it is part of a larger exchange", "属于一组更大的调换"),
    "differs_first": Both("{who} goes to {other} first", "{who} 先去 {other}"),
    "differs_first_emergency": Both("{who} goes to the emergency {other} first", "{who} 先去紧急工单 {other}"),
    "differs_after": Both("{who} is at {other} until {finish_at}", "{who} 在 {other} 要到 {finish_at}"),
    "differs_after_emergency": Both("{who} is at the emergency {other} until {finish_at}", "{who} 在紧急工单 {other} 要到 {finish_at}"),
    "differs_hands_over": Both(
        "{who} drives home sooner, is back at {back_at}, and {taker} takes {kit} on to {other}",
        "{who} 提前回站，{back_at} 到站，由 {taker} 带上 {kit} 前往 {other}",
    ),
    "differs_hands_over_emergency": Both(
        "{who} drives home sooner, is back at {back_at}, and {taker} takes {kit} on to the emergency {other}",
        "{who} 提前回站，{back_at} 到站，由 {taker} 带上 {kit} 前往紧急工单 {other}",
    ),
    "differs_waits_for_kit": Both(
        "{who} sets out when {giver} is back with {kit} at {back_at}", "{who} 要等 {giver} 于 {back_at} 带回 {kit} 才出发"
    ),
    "differs_kit_sooner": Both(
        "{giver} brings {kit} back sooner, at {back_at}, for {who}", "{giver} 提前于 {back_at} 带回 {kit}，供 {who} 使用"
    ),
    "differs_waits": Both("the crew waits for {who}", "小组要等 {who}"),
    "differs_no_more": Both("{who} does not go to {other} first any more", "{who} 不再先去 {other}"),
    "differs_no_more_emergency": Both("{who} does not go to the emergency {other} first any more", "{who} 不再先去紧急工单 {other}"),
    "differs_order": Both("the visits of {who} come in another order", "{who} 的上门顺序改变"),
    "differs_new": Both("it is a new {severity} ticket", "这是新的{severity}工单"),
    "differs_room": Both("{who} does not go to {other} any more", "{who} 不再前往 {other}"),
    "differs_room_emergency": Both("{who} does not go to the emergency {other} any more", "{who} 不再前往紧急工单 {other}"),
    "differs_planned": Both("there is room for it now", "现在排得下"),
    "differs_too_dear": Both("serving it costs more than leaving it out", "派工的成本高于不派"),
    "differs_unknown": Both("the case says nothing that explains it", "现有资料无法说明原因"),
    "differs_saves": Both(", which saves {saved_cost}", "，可节省 {saved_cost}"),
}
"""Why a visit is not what people were told; `differs_saves` follows where that was reckoned."""

NEWS: Mapping[str, Both] = {
    "news_ticket_new": Both("ticket {ticket} is new", "新工单 {ticket}"),
    "news_ticket_gone": Both("ticket {ticket} is gone before work on it began", "工单 {ticket} 尚未开工即已撤销"),
    "news_ticket_changed": Both("ticket {ticket}: {facts} changed", "工单 {ticket} 有更改：{facts}"),
    "news_technician_new": Both("technician {technician} is new", "新增技师 {technician}"),
    "news_technician_gone": Both("technician {technician} is gone", "技师 {technician} 已不在"),
    "news_technician_shifts": Both("technician {technician} works other hours", "技师 {technician} 的班次有变"),
    "news_technician_off": Both("technician {technician} cannot work any more", "技师 {technician} 已不能上班"),
    "news_technician_changed": Both("technician {technician}: {facts} changed", "技师 {technician} 有更改：{facts}"),
    "news_technician_elsewhere": Both(
        "technician {technician} becomes free elsewhere or at another time", "技师 {technician} 空闲的地点或时间有变"
    ),
    "news_station_new": Both("station {station} is new", "新增服务站 {station}"),
    "news_station_gone": Both("station {station} is gone", "服务站 {station} 已撤销"),
    "news_station_changed": Both("station {station}: {facts} changed", "服务站 {station} 有更改：{facts}"),
    "news_travel": Both("travel times changed", "行程时间有变"),
    "news_rates": Both("prices changed", "价格有变"),
    "news_promised": Both("ticket {ticket} is promised to {technicians}", "工单 {ticket} 已另行承诺由 {technicians} 前往"),
    "news_plan_broken": Both("the plan cannot be followed any more: {problem}", "计划已无法继续执行：{problem}"),
    "news_plan_over": Both("the plan cannot be followed any more", "计划已无法继续执行"),
    "news_unserved": Both("ticket {ticket} cannot be served as planned any more", "工单 {ticket} 已无法按计划上门"),
    "news_delayed": Both("ticket {ticket} begins {late_minutes} later than planned", "工单 {ticket} 比计划晚 {late_minutes} 开工"),
    "news_late": Both(
        "ticket {ticket} is late by {late_minutes}, which was planned in time", "工单 {ticket} 原计划按时，现将迟到 {late_minutes}"
    ),
}
"""What happened between two snapshots that a plan could answer to."""

VIOLATIONS: Mapping[str, Both] = {
    "rule_unknown_technician": Both(
        "A route is for technician {technician}, whom the case does not know", "有一条路线属于技师 {technician}，但案例中没有此人"
    ),
    "rule_unknown_shift": Both(
        "A route is for shift {shift} of technician {technician}: has {shift_count} shifts",
        "有一条路线属于技师 {technician} 的第 {shift} 班（从 0 起），但其只有 {shift_count} 个班次",
    ),
    "rule_unknown_visit": Both(
        "{technician} visits ticket {ticket}, which the case does not know", "{technician} 前往工单 {ticket}，但案例中没有该工单"
    ),
    "rule_unknown_unassigned": Both(
        "Ticket {ticket} is listed as unassigned, but the case does not know it", "工单 {ticket} 列为未派工，但案例中没有该工单"
    ),
    "rule_planned_and_unassigned": Both("{ticket} is planned and also listed as unassigned", "{ticket} 已派工，却又列为未派工"),
    "rule_forgotten": Both("{ticket} is neither planned nor listed as unassigned", "{ticket} 既未派工，也未列为未派工"),
    "rule_crew_size": Both(
        "{ticket} needs {crew_count} different people, gets {technicians}",
        "{ticket} 需要 {crew_count} 名不同的技师，实际派了 {technicians}",
    ),
    "rule_crew_apart": Both(
        "The crew of {ticket} does not start together: {first_time} and {last_time}",
        "{ticket} 的小组未同时开工：{first_time} 与 {last_time}",
    ),
    "rule_depart": Both(
        "{technician} departs at {depart_time}, is free at {free_time}", "{technician} {depart_time} 出发，但 {free_time} 才有空"
    ),
    "rule_shift": Both(
        "{technician} is back at {back_time}; shift and overtime end at {end_time}",
        "{technician} {back_time} 才回站；班次加上加班到 {end_time} 为止",
    ),
    "rule_break": Both(
        "{technician} works through the break of {break_minutes} between {earliest_time} and {latest_time}",
        "{technician} 没有休息：须在 {earliest_time} 到 {latest_time} 之间开始休息 {break_minutes}",
    ),
    "rule_break_room": Both(
        "{technician} rests from {begin_time} to {end_time}, when work or driving leaves no room for it",
        "{technician} 的休息 {begin_time} 到 {end_time} 与作业或行驶冲突",
    ),
    "rule_travel": Both(
        "{technician} reaches {ticket} at {arrive_time}; the drive allows {soonest_time}",
        "{technician} {arrive_time} 到达 {ticket}；按车程最早 {soonest_time}",
    ),
    "rule_travel_home": Both(
        "{technician} is back at station {station} at {back_time}; the drive allows {soonest_time}",
        "{technician} {back_time} 回到服务站 {station}；按车程最早 {soonest_time}",
    ),
    "rule_start_before_arriving": Both(
        "{technician} starts {ticket} at {start_time}, before arriving at {arrive_time}",
        "{technician} {start_time} 在 {ticket} 开工，早于到场的 {arrive_time}",
    ),
    "rule_start_too_soon": Both(
        "{technician} starts {ticket} at {start_time}; it may not begin before {opens_time}",
        "{technician} {start_time} 在 {ticket} 开工；{opens_time} 之前不得开工",
    ),
    "rule_service": Both(
        "{technician} leaves {ticket} at {finish_time}; the work lasts until {done_time}",
        "{technician} {finish_time} 离开 {ticket}；作业要到 {done_time} 才完成",
    ),
    "rule_window": Both(
        "{ticket} starts at {start_time}; access only {access_spans}", "{ticket} {start_time} 开工；只允许进场的时间：{access_spans}"
    ),
    "rule_skill": Both(
        "{ticket} needs {skill} at level {least_level}; {technicians} reach {best_level}",
        "{ticket} 需要“{skill}” {least_level} 级；{technicians} 只有 {best_level} 级",
    ),
    "rule_skill_none": Both(
        "{ticket} needs {skill} at level {least_level}; {technicians} reach none",
        "{ticket} 需要“{skill}” {least_level} 级；{technicians} 不具备该技能",
    ),
    "rule_not_allowed": Both(
        "{technician} is not among those allowed at {ticket}: {only}", "{technician} 不在 {ticket} 的指定人员之内：{only}"
    ),
    "rule_banned": Both("{technician} is banned at {ticket}", "{technician} 不得前往 {ticket}"),
    "rule_kit_not_carried": Both(
        "{ticket} needs {kits}, which {technicians} do not carry", "{ticket} 需要器材包 {kits}，而 {technicians} 没有携带"
    ),
    "rule_kit_not_fetched": Both(
        "{technician} is already out without {kits} and cannot fetch it on this trip",
        "{technician} 已在外，未带器材包 {kits}，这趟无法去取",
    ),
    "rule_kit_stock": Both(
        "Station {station} owns {owned_count} {kit} and lends {lent_count} at once",
        "服务站 {station} 有器材包“{kit}” {owned_count} 套，却同时借出 {lent_count} 套",
    ),
    "rule_capacity": Both(
        "{technician} carries {load} on one trip; the vehicle holds {capacity}", "{technician} 一趟携带物料 {load}；车辆载量为 {capacity}"
    ),
    "rule_locked_first": Both(
        "{ticket} is locked, so {technician} must visit it before {other}", "{ticket} 已锁定，{technician} 须先去那里，再去 {other}"
    ),
    "rule_locked_team": Both(
        "{ticket} is locked to {technicians}; the plan sends {sent}", "{ticket} 已锁定由 {technicians} 前往；计划派的是 {sent}"
    ),
    "hand_pinned": Both(
        "{ticket} is pinned and would not be planned any more; release it first", "{ticket} 已固定，改动后将排不进计划；请先解除固定"
    ),
    "hand_pinned_to": Both(
        "{ticket} is pinned to {technicians} and would not be planned any more; release it first",
        "{ticket} 已固定给 {technicians}，改动后将排不进计划；请先解除固定",
    ),
    "hand_pin_outside": Both(
        "{ticket} is pinned outside its access: only {access_spans}", "{ticket} 固定在允许进场的时间之外：只允许 {access_spans}"
    ),
    "hand_helps_no_more": Both(
        "the change does not serve {ticket} in time any more: the plan was changed since it was found",
        "这项改动已不能让 {ticket} 按时到场：提出之后计划又变了",
    ),
    "hand_no_room": Both("{ticket} cannot be planned: nobody has room for it as the plan stands", "{ticket} 排不进去：按现有计划无人有空"),
    "hand_no_room_for": Both(
        "{ticket} cannot be planned: {technicians} without room for it as the plan stands",
        "{ticket} 排不进去：按现有计划 {technicians} 没有空",
    ),
    "hand_no_times": Both("the visits cannot follow each other in time ({reason})", "这些上门时间排不通（{reason}）"),
    "part_told_impossible": Both(
        "what people were told cannot be carried out any more; approve the whole plan", "已告知各人的安排已无法执行；请批准整份计划"
    ),
    "part_no_room": Both(
        "{technicians} cannot serve {ticket} beside what people were told; approve their whole routes",
        "{technicians} 在已告知的安排之外排不下 {ticket}；请批准其整条路线",
    ),
    "part_split_crew": Both(
        "{ticket} is planned for a crew of which {technicians} would not be approved; approve their routes too",
        "{ticket} 需要多人同去，其中 {technicians} 不在批准之列；请一并批准其路线",
    ),
    "rule_foresight": Both(
        "{technician} sets out for {ticket} at {leave_time}; it is opened at {opened_time}",
        "{technician} {leave_time} 出发前往 {ticket}；该工单 {opened_time} 才受理",
    ),
}
"""What a coordinator reads of a broken rule: `check.Violation.code`."""
