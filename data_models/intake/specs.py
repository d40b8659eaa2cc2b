"""The tables that can be imported, column by column. `docs/import.md` and the templates are written from this page."""

from __future__ import annotations

from dataclasses import replace

from data_models import tables
from data_models.errors import BadInput
from data_models.intake.columns import Column, TableSpec

_YES = dict.fromkeys(("yes", "y", "true", "1", "是", "对"), "yes")
_NO = dict.fromkeys(("no", "n", "false", "0", "否", "不"), "no")
FLAGS = _YES | _NO

RETIRED = Column(
    "retired",
    "flag",
    "yes takes it out of use, no brings it back, empty leaves it as it is; nothing is ever deleted",
    "no",
    ("停用", "已停用"),
    attribute="retired_at",
    choices=FLAGS,
    empty_keeps=True,
)
NAME = Column("name", "text", "what people call it", "无锡滨湖工厂", ("名称", "姓名"), required=True)
ADDRESS = Column(
    "address",
    "text",
    "postal address; geocoded where lat and lon are empty",
    "江苏省无锡市滨湖区蠡湖大道1号",
    ("地址", "详细地址"),
    longest=400,
    empty="",
)
REGION = Column("region", "text", "region for grouping", "华东", ("区域", "大区"), longest=64, empty="")
LAT = Column(
    "lat",
    "number",
    "latitude in degrees, in the datum named at import",
    "31.5689",
    ("latitude", "纬度"),
    least=-90,
    most=90,
    empty_keeps=True,
)
LON = Column(
    "lon", "number", "longitude in degrees", "120.2886", ("lng", "long", "longitude", "经度"), least=-180, most=180, empty_keeps=True
)
PHONE = Column("phone", "text", "telephone number", "+86 510 8888 0001", ("电话", "手机", "联系电话", "mobile"), longest=64, empty="")


def _id(example: str, *aliases: str) -> Column:
    return Column("id", "id", "your own id for it; the same id again is an update", example, aliases, required=True, longest=64)


def _reference(name: str, table: str, example: str, *aliases: str, required: bool = True) -> Column:
    return Column(
        name,
        "id",
        f"id of the {name}",
        example,
        (f"{name}_id", *aliases),
        attribute=f"{name}_id",
        required=required,
        longest=64,
        refers_to=table,
    )


TABLES: tuple[TableSpec, ...] = (
    TableSpec(
        "customers",
        ("customer", "客户"),
        tables.Customer,
        ("id",),
        "Who buys the product and reports tickets.",
        (
            _id("C-001", "customer_id", "customer", "客户编号", "客户编码", "客户id"),
            replace(NAME, aliases=("customer_name", "客户名称", "名称"), example="太湖制药有限公司"),
            Column(
                "tier",
                "choice",
                "importance: A is served first",
                "A",
                ("客户等级", "等级", "级别"),
                required=True,
                choices={"a": "A", "b": "B", "c": "C"},
            ),
            Column("segment", "text", "industry", "pharmaceutical", ("行业", "客户行业"), longest=64, empty=""),
            Column(
                "downtime_cost_per_hour",
                "number",
                "what an hour of a stopped line costs the customer; empty: what the policy says",
                "50000",
                ("停机损失", "每小时停机损失"),
                least=0,
            ),
            Column("yearly_tonnes", "number", "volume in tonnes a year", "1200", ("年用量", "年采购量"), least=0),
            Column("customer_since", "date", "first delivery", "2019-05-01", ("合作开始", "合作起始日期")),
            RETIRED,
        ),
    ),
    TableSpec(
        "sites",
        ("site", "站点", "客户现场", "现场", "客户地点"),
        tables.Site,
        ("id",),
        "A place of a customer where work is done.",
        (
            _id("S-001", "site_id", "现场编号", "地点编号"),
            _reference("customer", "customers", "C-001", "客户编号", "客户编码"),
            replace(NAME, aliases=("site_name", "现场名称", "地点名称", "名称")),
            ADDRESS,
            REGION,
            LAT,
            LON,
            RETIRED,
        ),
        located=True,
    ),
    TableSpec(
        "contacts",
        ("contact", "联系人"),
        tables.Contact,
        ("id",),
        "A person at a customer who is called.",
        (
            _id("P-001", "contact_id", "联系人编号"),
            _reference("customer", "customers", "C-001", "客户编号", "客户编码"),
            _reference("site", "sites", "S-001", "现场编号", "地点编号", required=False),
            replace(NAME, aliases=("contact_name", "联系人姓名", "姓名", "名称"), example="王敏"),
            Column("role", "text", "what the person does", "shift leader", ("职务", "岗位"), longest=100, empty=""),
            PHONE,
            Column("email", "text", "mail address", "wang.min@example.com", ("邮箱", "电子邮件", "e-mail"), empty=""),
            RETIRED,
        ),
    ),
    TableSpec(
        "contracts",
        ("contract", "合同"),
        tables.Contract,
        ("id",),
        "Which service policy holds for a customer, from when to when.",
        (
            _id("K-001", "contract_id", "合同编号"),
            _reference("customer", "customers", "C-001", "客户编号", "客户编码"),
            Column("policy", "text", "name of the policy file without .toml", "ethanol", ("服务政策", "政策"), required=True, longest=64),
            Column("starts_on", "date", "first day it holds", "2026-01-01", ("开始日期", "生效日期"), required=True),
            Column("ends_on", "date", "last day it holds; empty: until further notice", "2026-12-31", ("结束日期", "到期日期")),
            Column(
                "on_site_minutes", "number", "promise on site where it differs from the policy", "120", ("到场时限",), least=1, most=525600
            ),
            Column("late_compensation_per_hour", "number", "what an hour late costs under the contract", "2000", ("超时赔偿",), least=0),
            RETIRED,
        ),
    ),
    TableSpec(
        "stations",
        ("station", "服务站", "网点", "服务中心"),
        tables.Station,
        ("id",),
        "A service station, where technicians and kits are based.",
        (
            _id("ST-WX", "station_id", "服务站编号", "网点编号"),
            replace(NAME, aliases=("station_name", "服务站名称", "网点名称", "名称"), example="无锡服务中心"),
            REGION,
            ADDRESS,
            LAT,
            LON,
            Column(
                "capacity",
                "integer",
                "how many technicians it can house; empty: no limit",
                "6",
                ("容量", "可容纳人数"),
                least=0,
                most=100000,
            ),
            RETIRED,
        ),
        located=True,
    ),
    TableSpec(
        "kits",
        ("kit", "station_kits", "工具包", "应急包"),
        tables.StationKit,
        ("station_id", "kit"),
        "How many kits of a type a station owns.",
        (
            _reference("station", "stations", "ST-WX", "服务站编号", "网点编号"),
            Column("kit", "id", "type of kit", "leak-kit", ("kit_type", "工具包", "应急包", "工具包类型"), required=True, longest=64),
            Column("owned", "integer", "how many it owns", "2", ("count", "数量", "拥有数量"), required=True, least=0, most=100000),
            Column("broken", "integer", "how many of these are out of order", "0", ("故障数量", "损坏数量"), least=0, most=100000, empty=0),
        ),
    ),
    TableSpec(
        "technicians",
        ("technician", "技术员", "技师", "工程师"),
        tables.Technician,
        ("id",),
        "A person who drives and works.",
        (
            _id("T-001", "technician_id", "技术员编号", "工号", "员工编号"),
            replace(NAME, aliases=("technician_name", "技术员姓名", "姓名", "名称"), example="李强"),
            _reference("station", "stations", "ST-WX", "服务站编号", "网点编号"),
            PHONE,
            Column(
                "capacity",
                "number",
                "units of material the vehicle holds per trip; empty: no limit",
                "10",
                ("载量", "车辆容量"),
                least=0,
                most=1e9,
            ),
            RETIRED,
        ),
    ),
    TableSpec(
        "skills",
        ("skill", "technician_skills", "技能"),
        tables.TechnicianSkill,
        ("technician_id", "skill"),
        "A skill of a technician.",
        (
            _reference("technician", "technicians", "T-001", "技术员编号", "工号", "员工编号"),
            Column("skill", "id", "name of the skill", "leak-sealing", ("技能", "技能名称"), required=True, longest=64),
            Column("level", "integer", "1 junior, 2 middle, 3 senior", "2", ("等级", "技能等级", "级别"), required=True, least=1, most=3),
            Column("certificate", "text", "number of the certificate", "TZ-2024-118", ("证书", "证书编号"), longest=100, empty=""),
            Column(
                "expires_on", "date", "from this day on the skill counts as absent; empty: never", "2027-06-30", ("到期日期", "有效期至")
            ),
        ),
    ),
    TableSpec(
        "shifts",
        ("shift", "班次", "排班"),
        tables.Shift,
        ("technician_id", "starts_at"),
        "A spell of work of a technician.",
        (
            _reference("technician", "technicians", "T-001", "技术员编号", "工号", "员工编号"),
            Column("starts_at", "time", "begin of the shift", "2026-03-02 08:00", ("start", "开始时间", "上班时间"), required=True),
            Column("ends_at", "time", "end of the shift", "2026-03-02 17:00", ("end", "结束时间", "下班时间"), required=True),
            Column(
                "overtime_minutes", "number", "how much longer it may get", "120", ("可加班分钟", "加班分钟"), least=0, most=1440, empty=0.0
            ),
            Column(
                "kind",
                "choice",
                "what kind of shift it is",
                "regular",
                ("班次类型", "类型"),
                empty="regular",
                choices={
                    "regular": "regular",
                    "night": "night",
                    "on_call": "on_call",
                    "on call": "on_call",
                    "白班": "regular",
                    "夜班": "night",
                    "值班": "on_call",
                    "待命": "on_call",
                },
            ),
            Column("break_earliest", "time", "earliest begin of the break", "2026-03-02 11:30", ("最早休息时间",)),
            Column("break_latest", "time", "latest begin of the break", "2026-03-02 13:00", ("最晚休息时间",)),
            Column("break_minutes", "number", "length of the break", "30", ("休息分钟",), least=1, most=720),
        ),
    ),
    TableSpec(
        "tickets",
        ("ticket", "工单"),
        tables.Ticket,
        ("id",),
        "What a customer reported. Empty service_minutes, crew, skills and kits follow policy.",
        (
            _id("E-0001", "ticket_id", "工单编号", "工单号"),
            _reference("site", "sites", "S-001", "现场编号", "地点编号"),
            Column(
                "severity",
                "choice",
                "how bad it is",
                "emergency",
                ("严重程度", "紧急程度"),
                required=True,
                choices={
                    "emergency": "emergency",
                    "important": "important",
                    "general": "general",
                    "紧急": "emergency",
                    "重要": "important",
                    "一般": "general",
                    "普通": "general",
                },
            ),
            Column(
                "type",
                "text",
                "type of ticket, as the policy names it",
                "leak",
                ("ticket_type", "工单类型", "故障类型"),
                required=True,
                longest=64,
            ),
            Column("product", "text", "product concerned", "ethanol", ("产品",), longest=64, empty=""),
            Column(
                "source",
                "choice",
                "how it came in",
                "phone",
                ("来源",),
                empty="file",
                choices={word: word for word in ("phone", "chat", "email", "sensor", "web", "file")}
                | {"电话": "phone", "在线": "chat", "邮件": "email", "传感器": "sensor", "网页": "web", "文件": "file"},
            ),
            Column("title", "text", "in one line", "三号储罐法兰渗漏", ("标题", "主题"), empty=""),
            Column(
                "description", "long_text", "the whole story", "闻到气味,已疏散", ("描述", "详情", "问题描述"), longest=20_000, empty=""
            ),
            Column(
                "state",
                "choice",
                "open, done or cancelled; open never changes the state of a ticket that is known already",
                "open",
                ("状态",),
                empty="open",
                empty_keeps=True,
                choices={
                    "open": "open",
                    "done": "done",
                    "cancelled": "cancelled",
                    "待处理": "open",
                    "已完成": "done",
                    "已取消": "cancelled",
                },
            ),
            Column(
                "opened_at",
                "time",
                "when it was opened; the clocks start here",
                "2026-03-02 08:15",
                ("打开时间", "报修时间", "创建时间"),
                required=True,
            ),
            Column("closed_at", "time", "when it was closed", "2026-03-02 12:40", ("关闭时间",), empty_keeps=True),
            Column(
                "due_at",
                "time",
                "promised moment on site, where it is not what policy says",
                "2026-03-02 10:15",
                ("due", "应到时间", "承诺到场时间"),
            ),
            Column("not_before", "time", "no work before", "2026-03-02 09:00", ("最早开始",)),
            Column("window_start", "time", "work may begin from", "2026-03-02 09:00", ("窗口开始",)),
            Column("window_end", "time", "work may begin until", "2026-03-02 11:00", ("窗口结束",)),
            Column("service_minutes", "number", "service duration", "90", ("服务时长", "服务分钟"), least=1, most=10080),
            Column("crew", "integer", "how many people are needed together", "1", ("人数", "所需人数"), least=1, most=20),
            Column("load", "number", "units of material it takes", "0", ("物料", "载荷"), least=0, most=1e9, empty=0.0),
            Column(
                "skills",
                "levels",
                "skills needed, each with its least level",
                "leak-sealing:2; gas-safety:1",
                ("所需技能",),
                least=1,
                most=3,
            ),
            Column("kits", "list", "types of kit needed", "leak-kit; gc-ms", ("所需工具包",)),
            Column("only", "list", "only these technicians may come", "T-001; T-002", ("指定技术员",), refers_to="technicians"),
            Column("banned", "list", "these technicians may not come", "T-009", ("禁止技术员",), refers_to="technicians"),
        ),
    ),
    TableSpec(
        "positions",
        ("position", "位置"),
        tables.Position,
        ("technician_id",),
        "Where a technician already on the road becomes free.",
        (
            _reference("technician", "technicians", "T-001", "技术员编号", "工号", "员工编号"),
            replace(LAT, required=True),
            replace(LON, required=True),
            Column("free_at", "time", "when the technician becomes free there", "2026-03-02 10:30", ("空闲时间",), required=True),
            Column("kits", "list", "types of kit carried", "leak-kit", ("携带工具包",), empty=()),
        ),
    ),
)


def spec_of(table: str) -> TableSpec:
    """The columns of an import table. Raises `BadInput` when there is no such table."""
    for spec in TABLES:
        if table == spec.name:
            return spec
    raise BadInput(f"table {table!r}: not known; allowed are {', '.join(spec.name for spec in TABLES)}")
