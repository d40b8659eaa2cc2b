"""Words that the demo company is made of: where its stations are, how people, customers and tickets are called."""

from __future__ import annotations

STATION_CITIES = (
    "Shanghai",
    "Suzhou",
    "Nanjing",
    "Hangzhou",
    "Ningbo",
    "Hefei",
    "Jinan",
    "Qingdao",
    "Beijing",
    "Tianjin",
    "Wuhan",
    "Changsha",
    "Guangzhou",
    "Dongguan",
    "Chengdu",
    "Chongqing",
    "Xi’an",
)
"""Cities of the stations as the gazetteer spells them: 17, in seven regions."""

REGIONS = {
    "华东": ("Shanghai", "Suzhou", "Nanjing", "Hangzhou", "Ningbo", "Hefei"),
    "山东": ("Jinan", "Qingdao"),
    "华北": ("Beijing", "Tianjin"),
    "华中": ("Wuhan", "Changsha"),
    "华南": ("Guangzhou", "Dongguan"),
    "西南": ("Chengdu", "Chongqing"),
    "西北": ("Xi’an",),
}

BEYOND_REACH = ("Lhasa", "Kashgar", "Hailar")
"""Cities with a customer that no station reaches within a shift."""

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN_NAMES = ("伟", "芳", "娜", "敏", "静", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "霞", "平", "刚", "桂英")
COMPANY_WORDS = (
    "安泰",
    "恒信",
    "海川",
    "金源",
    "华瑞",
    "东方",
    "新力",
    "永盛",
    "康宁",
    "宏达",
    "博远",
    "天成",
    "正阳",
    "瑞丰",
    "明德",
    "中科",
)

SEGMENTS = (
    ("fuel", ("燃料", "能源", "石化"), 18_000.0),
    ("pharmaceutical", ("制药", "药业", "生物"), 50_000.0),
    ("beverage", ("酒业", "饮品", "食品"), 12_000.0),
)
"""Segment, words for its company names, and what an hour of downtime costs such a customer."""

TITLES = {
    "leak": ("三号储罐法兰渗漏", "卸车软管接头泄漏", "泵房地面有乙醇"),
    "fire-risk": ("罐区静电报警", "呼吸阀阻火器失效", "可燃气体探头超限"),
    "equipment-failure": ("输送泵停机", "计量撬无法启动", "液位计失灵"),
    "purity": ("含水量超标", "纯度低于合同值", "批次浊度异常"),
    "equipment-fault": ("流量计读数漂移", "阀门内漏", "装车臂卡滞"),
    "question": ("储罐巡检咨询", "新罐投用指导", "操作规程培训"),
}
"""Titles by ticket type of the `ethanol` policy."""

HOSTILE_TITLE = '<img src=x onerror=alert(1)> =HYPERLINK("http://127.0.0.1")'
"""What a careless or hostile customer could type: shown as text wherever it appears."""

ON_THE_ROAD = "T-002"
"""Whose day began at a customer's: out with a leak kit when the plan is made."""

ASKED_FOR = "E-0107"
"""The ticket with which the first answer is shown: several people can come, in time and late."""
