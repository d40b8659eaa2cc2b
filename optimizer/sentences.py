"""The sentences of explanations in both languages: why a ticket is not served in time, and what would help.

A sentence is a template over the values of its code; `wording` says how values are shown.
"""

from __future__ import annotations

from collections.abc import Mapping

from optimizer.words import Both

REASONS: Mapping[str, Both] = {
    # Why it cannot be.
    "promise_passed": Both(
        "It was promised for {due_at}, before this plan begins at {now_at}.",
        "承诺到场时间 {due_at} 早于本计划开始的 {now_at}。",
    ),
    "opened_after_due": Both(
        "It was opened at {opened_at}, after the promised {due_at}.",
        "工单受理于 {opened_at}，已晚于承诺到场时间 {due_at}。",
    ),
    "windows_over": Both(
        "Its last access window closed at {end_at}, before this plan begins at {now_at}.",
        "最后一个进场时间窗已于 {end_at} 结束，早于本计划开始的 {now_at}。",
    ),
    "access_never": Both(
        "No access window is open once it may begin.",
        "允许开工之后没有任何可进场的时间窗。",
    ),
    "access_after_due": Both(
        "The customer lets work begin no sooner than {first_at}, after the promised {due_at}.",
        "客户最早允许 {first_at} 开工，晚于承诺到场时间 {due_at}。",
    ),
    "access_too_soon": Both(
        "From the nearest station, {station}, work could begin at {arrive_at}, but no access window is open from then "
        "to the promised {due_at}.",
        "从最近的服务站 {station} 出发，{arrive_at} 可以开工，但从那时到承诺到场时间 {due_at} 没有可进场的时间窗。",
    ),
    "no_stations": Both("There is no station.", "没有服务站。"),
    "no_technicians": Both("There is no technician.", "没有技师。"),
    "no_road": Both(
        "No road leads from any station to the customer and back.",
        "任何服务站与客户之间都没有可往返的道路。",
    ),
    "too_far": Both(
        "The nearest station, {station}, is {drive_minutes} away: nobody could begin before {arrive_at}, and it is promised for {due_at}.",
        "最近的服务站 {station}，车程 {drive_minutes}：{arrive_at} 之前无人能开工，而承诺到场时间为 {due_at}。",
    ),
    "beyond_any_shift": Both(
        "From the nearest station, {station}, going there, working and coming back takes {needed_minutes}; "
        "the longest shift with overtime is {longest_minutes}.",
        "从最近的服务站 {station} 出发，往返加作业共需 {needed_minutes}；最长的班次含加班只有 {longest_minutes}。",
    ),
    "nobody_allowed": Both("Only {only} may go there.", "只允许以下人员前往：{only}。"),
    "everybody_banned": Both(
        "{banned} may not go there, and nobody else is left.",
        "以下人员不得前往：{banned}；此外再无他人。",
    ),
    "only_unfit": Both(
        "Only {only} may go there, and they cannot do it.",
        "只允许以下人员前往：{only}，但他们不能胜任。",
    ),
    "banned_fit": Both(
        "{banned} could do it, but may not go there.",
        "以下人员可以胜任，但不得前往：{banned}。",
    ),
    "skill_missing": Both("Nobody has {skill}.", "没有人具备技能“{skill}”。"),
    "skill_level_missing": Both(
        "Nobody has {skill} at level {least_level}; the best is level {best_level} ({technicians}).",
        "没有人的技能“{skill}”达到 {least_level} 级；最高为 {best_level} 级（{technicians}）。",
    ),
    "certificate_expired": Both(
        "The certificate of {technician} for {skill} (level {had_level}) expired on {expired_on}.",
        "{technician} 的“{skill}”证书（{had_level} 级）已于 {expired_on} 到期。",
    ),
    "skills_apart": Both("Nobody has {skills} together.", "没有人同时具备：{skills}。"),
    "skills_apart_crew": Both(
        "No {crew_count} people have {skills} between them.",
        "没有任何 {crew_count} 人小组合起来具备：{skills}。",
    ),
    "crew_too_few": Both(
        "It needs {crew_count} people, and only {technicians} may go there.",
        "需要 {crew_count} 人，而可以前往的只有：{technicians}。",
    ),
    "kit_unowned": Both("No station owns the kit {kit}.", "没有任何服务站配备器材包“{kit}”。"),
    "kit_elsewhere": Both(
        "The kit {kit} is owned at {stations}; the people who could do the work are at {homes}.",
        "器材包“{kit}”在 {stations}，而能胜任的人员在 {homes}。",
    ),
    "kits_apart": Both(
        "No station of the people who could do the work owns {kits} together.",
        "能胜任的人员所在的服务站，没有一个同时配备：{kits}。",
    ),
    "load_too_heavy": Both(
        "Its load of {load} exceeds every vehicle of the people who could do the work (largest: {largest}).",
        "物料 {load} 超过能胜任的人员的所有车辆的载量（最大 {largest}）。",
    ),
    "too_far_own": Both(
        "The nearest people who fit, {technicians} of {stations}, could begin no sooner than {arrive_at}, and it is promised for {due_at}.",
        "能胜任的人员中最近的 {technicians}（{stations}）最早 {arrive_at} 才能开工，而承诺到场时间为 {due_at}。",
    ),
    "too_far_own_window": Both(
        "The nearest people who fit, {technicians} of {stations}, could be there at {arrive_at}, "
        "and the last access window closes at {end_at}.",
        "能胜任的人员中最近的 {technicians}（{stations}）{arrive_at} 才能到场，而最后一个进场时间窗于 {end_at} 结束。",
    ),
    "no_road_own": Both(
        "No road leads from the people who fit, {technicians} of {stations}, to the customer and back.",
        "能胜任的人员 {technicians}（{stations}）与客户之间没有可往返的道路。",
    ),
    "too_far_own_shift": Both(
        "The nearest people who fit, {technicians} of {stations}, would need {needed_minutes} to go there, work "
        "and come back; the longest shift with overtime is {longest_minutes}.",
        "能胜任的人员中最近的 {technicians}（{stations}）往返加作业共需 {needed_minutes}；最长的班次含加班只有 {longest_minutes}。",
    ),
    "off_duty": Both(
        "The people who could do it in time are off duty then; the first on duty, {technicians}, could begin at {arrive_at}.",
        "能按时到场的人员届时不当班；最早当班的 {technicians} {arrive_at} 才能开工。",
    ),
    "off_duty_all": Both(
        "Nobody who could do it is on duty long enough to go there, work and come back.",
        "能胜任的人员中，没有人的当班时间足够往返并完成作业。",
    ),
    "shift_too_short": Both(
        "{technician} ends at {end_at} with all overtime and would be back at {back_at}.",
        "{technician} 加班全部用上也只到 {end_at}，而回站要到 {back_at}。",
    ),
    "busy": Both(
        "{technician}, if idle, could begin at {arrive_at}, but is busy with {tickets} until {free_at}, "
        "and from there could arrive no sooner than {next_at}.",
        "{technician} 若空闲可在 {arrive_at} 开工，但要忙于 {tickets} 直到 {free_at}，从那里最早 {next_at} 才能到场。",
    ),
    "busy_then": Both(
        "{technician} would have to leave at {leave_at} to begin at {arrive_at}, but is busy with {tickets} until {free_at}.",
        "{technician} 须在 {leave_at} 出发才能于 {arrive_at} 开工，但要忙于 {tickets} 直到 {free_at}。",
    ),
    "busy_more": Both(
        "Besides, {others_count} more could come if they were free.",
        "此外还有 {others_count} 人若有空也可以前往。",
    ),
    "kit_out": Both(
        "{technician} is free, but every kit {kit} of {station} is out with {technicians} until {back_at}.",
        "{technician} 有空，但 {station} 的器材包“{kit}”全部由 {technicians} 带出，{back_at} 才能归还。",
    ),
    "kit_short": Both(
        "The kit {kit} of {station} is in use when it would be needed.",
        "需要时，{station} 的器材包“{kit}”正在使用中。",
    ),
    "crew_apart": Both(
        "It needs {crew_count} people at once, and those who could be there in time are not free together.",
        "需要 {crew_count} 人同时到场，而能按时到场的人没有共同的空闲时间。",
    ),
    "locked_first": Both(
        "{technician} must first do the locked work {tickets}.",
        "{technician} 须先完成已锁定的 {tickets}。",
    ),
    "no_room": Both(
        "{technician} has a gap, but not long enough unless another ticket suffers.",
        "{technician} 有空档，但长度不够，除非影响其他工单。",
    ),
    "costs_more": Both(
        "Work could begin at {start_at} ({technicians}), but that makes the plan {more_cost} dearer.",
        "{start_at} 可以开工（{technicians}），但计划成本会增加 {more_cost}。",
    ),
    "only_late": Both(
        "Without harm to others work could begin at {start_at} at the soonest ({technicians}), {late_minutes} late, "
        "which makes the plan {more_cost} dearer.",
        "在不影响其他工单的前提下，最早 {start_at} 可以开工（{technicians}），迟到 {late_minutes}，计划成本会增加 {more_cost}。",
    ),
    "late_can_improve": Both(
        "Work could begin at {start_at} ({technicians}), {late_minutes} late, and the plan would be {less_cost} cheaper: solve longer.",
        "{start_at} 可以开工（{technicians}），迟到 {late_minutes}，计划成本会减少 {less_cost}：请延长求解时间。",
    ),
    "plan_can_improve": Both(
        "Work could begin at {start_at} ({technicians}), and the plan would be {less_cost} cheaper: solve longer.",
        "{start_at} 可以开工（{technicians}），计划成本会减少 {less_cost}：请延长求解时间。",
    ),
}
"""By `Reason.code`."""

REMEDIES: Mapping[str, Both] = {
    "change_replan": Both("Plan again: there is room.", "重新排程即可：计划中还有空档。"),
    "change_overtime": Both("{extra_minutes} more overtime for {technician}.", "{technician} 多加班 {extra_minutes}。"),
    "change_earlier_shift": Both("{technician} begins at {start_at}.", "{technician} 提前到 {start_at} 上班。"),
    "change_on_call": Both(
        "{technician} on call from {start_at} to {end_at}.",
        "{technician} 从 {start_at} 到 {end_at} 值班待命。",
    ),
    "change_certificate": Both(
        "Renew the certificate of {technician} for {skill} (level {new_level}).",
        "为 {technician} 续办“{skill}”证书（{new_level} 级）。",
    ),
    "change_allow": Both("Let {technician} go there.", "允许 {technician} 前往。"),
    "change_window": Both("Let work begin from {start_at} to {end_at}.", "允许在 {start_at} 到 {end_at} 之间开工。"),
    "change_due": Both("Promise {end_at} instead.", "承诺到场时间改为 {end_at}。"),
    "change_kit": Both("{more_count} more {kit} at {station}.", "{station} 增配器材包“{kit}” {more_count} 套。"),
    "change_skill": Both(
        "Train {technician} in {skill} to level {new_level}.",
        "培训 {technician}，使“{skill}”达到 {new_level} 级。",
    ),
    "change_technician": Both(
        "One more person at {station} with {skills}, on duty from {start_at} to {end_at}.",
        "{station} 增派一名技师（{skills}），从 {start_at} 到 {end_at} 当班。",
    ),
    "served": Both("Work then begins at {start_at} ({technicians}).", "届时 {start_at} 开工（{technicians}）。"),
}
"""What would help: `change_` and the kind of a `Change`; `served` follows each."""
