"""The sentences of studies in both languages: what an option or a scenario brings, what it costs, what the replay and the formula say."""

from __future__ import annotations

from collections.abc import Mapping

from optimizer.words import Both

STUDIES: Mapping[str, Both] = {
    # What it changes on the road.
    "study_reach_gained": Both(
        "{subject} covers {gained_count} customers more within {promise_minutes}",
        "{subject}：{promise_minutes}内多覆盖 {gained_count} 家客户",
    ),
    "study_reach_more": Both(
        "{subject}: {gained_count} customers more within {promise_minutes}",
        "{subject}：{promise_minutes}内多覆盖 {gained_count} 家客户",
    ),
    "study_reach_lost": Both(
        "{subject}: {lost_count} customers fewer within {promise_minutes}",
        "{subject}：{promise_minutes}内少覆盖 {lost_count} 家客户",
    ),
    "study_reach_both": Both(
        "{subject}: {gained_count} customers more within {promise_minutes}, {lost_count} fewer",
        "{subject}：{promise_minutes}内多覆盖 {gained_count} 家客户，少覆盖 {lost_count} 家",
    ),
    "study_reach_same": Both(
        "{subject}: the same customers within {promise_minutes}",
        "{subject}：{promise_minutes}内覆盖的客户不变",
    ),
    "study_person_more": Both("One more of crew {crew} at {subject}", "{subject}的班组 {crew} 增加一人"),
    "study_kit_more": Both("One more {kit} at {subject}", "{subject}增加一套 {kit}"),
    # What it costs.
    "study_costs_more": Both(", for {year_money} a year", "，每年 {year_money}"),
    "study_costs_less": Both(", and saves {year_money} a year", "，每年节省 {year_money}"),
    "study_costs_same": Both(", at the same cost of stations and people", "，服务站与人员费用不变"),
    # What comes of it.
    "study_replayed": Both(
        "; replay: emergencies in time from {before_share} to {after_share}",
        "；回放：紧急工单按时率 {before_share} → {after_share}",
    ),
    "study_replayed_within": Both(
        "; replay: emergencies in time from {before_share} to {after_share} (+/- {width_points})",
        "；回放：紧急工单按时率 {before_share} → {after_share}（± {width_points}）",
    ),
    "study_promised": Both("; formula: {after_share}.", "；公式：{after_share}。"),
    "study_expected": Both(
        "; formula: emergencies in time from {before_share} to {after_share}.",
        "；公式：紧急工单按时率 {before_share} → {after_share}。",
    ),
    # How far the formula is from the replay.
    "study_formula_off": Both(
        "The formula is {most_points} points off the replay at most, for {scenario}.",
        "公式与回放最多相差 {most_points} 个百分点（{scenario}）。",
    ),
    "study_formula_thin": Both(
        "The replay itself is only known to +/- {width_points}: the history is thin.",
        "回放本身的误差为 ± {width_points}：历史数据较少。",
    ),
    "study_formula_far": Both(
        "More than {limit_points} points: trust the replay, and look at the shares by area before trusting the formula's order of sites.",
        "超过 {limit_points} 个百分点：以回放为准；采用公式给出的站点排序之前，请先核对各区域的按时率。",
    ),
    # What goes wrong least.
    "study_robust": Both(
        "{option} goes wrong least: at worst {worst_points} points behind the best choice, in {future}.",
        "“{option}”最稳妥：最坏情况下（{future}）比最佳选择低 {worst_points} 个百分点。",
    ),
    "study_robust_always": Both(
        "{option} is the best choice in every one of {future_count} futures.", "“{option}”在全部 {future_count} 种未来中均为最佳。"
    ),
}
