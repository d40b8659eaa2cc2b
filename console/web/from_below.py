"""Chinese for what the rooms below wrote in English: problems, reasons of decisions that nobody made, and what is odd about an event.

Such a text is known by its template: where one fits, what fills it is put into the Chinese one. A text that none fits is shown as it is,
so that nothing is lost when a message is reworded; a test holds the templates and the sources together.
"""

from __future__ import annotations

from string import Formatter

from optimizer.wording import word
from optimizer.words import WORDS, Both

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
    Both(
        "Plan {plan} has {count} changes that are not finished, the last by {by}; finish them, or undo them first",
        "计划 {plan} 有 {count} 处改动尚未完成，最后一处由 {by} 所做；请先完成或撤销",
    ),
    Both("Plan {plan} cannot go out in part: {why}", "计划 {plan} 不能部分发布：{why}"),
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
    # Changes by hand.
    Both(
        "Plan {plan} has no changes to finish; approve it as it is, or change something first",
        "计划 {plan} 没有可完成的改动；请直接批准，或先作改动",
    ),
    Both("Plan {plan} has no change left to undo", "计划 {plan} 没有可撤销的改动"),
    Both("Plan {plan} has no change to make again", "计划 {plan} 没有可重做的改动"),
    Both(
        "Plan {plan} is {state} and cannot be changed any more: {by} ({at} UTC) {decision} it ({reason})",
        "计划 {plan} 的状态是“{state}”，不能再改：{by} 于 {at} UTC {decision}（{reason}）",
    ),
    Both(
        "Plan {plan} is {state} and cannot be changed any more: {by} ({at} UTC) {decision} it",
        "计划 {plan} 的状态是“{state}”，不能再改：{by} 于 {at} UTC {decision}",
    ),
    Both("Plan {plan} is {state} and cannot be changed any more", "计划 {plan} 的状态是“{state}”，不能再改"),
    Both("Plan {plan} was changed after you looked at it: {who}; look again", "您查看之后计划 {plan} 已有改动：{who}；请重新查看"),
    Both("it has no changes", "其中已无改动"),
    Both("{by} ({at} UTC) made change {number}, {edit}", "{by}（{at} UTC）作了第 {number} 处改动：{edit}"),
    Both("{by} ({at} UTC) undid change {number}, {edit}", "{by}（{at} UTC）撤销了第 {number} 处改动：{edit}"),
    Both("{by} ({at} UTC) redid change {number}, {edit}", "{by}（{at} UTC）重做了第 {number} 处改动：{edit}"),
    # The studio.
    Both(
        "scenario {name} is kept already, by {by}; give this one another name, or change that one",
        "方案 {name} 已由 {by} 保存；请另取名称，或修改那一个",
    ),
    Both("scenario {name} was changed by {by} meanwhile; look at it again", "方案 {name} 期间已由 {by} 改动；请重新查看"),
    Both("scenario {name} was removed meanwhile; keep it as a new one", "方案 {name} 期间已被删除；请另存为新方案"),
    Both("scenario {name} is the company as it is; give what differs another name", "方案 {name} 指公司现状；请为有改动的方案另取名称"),
    Both("study {name} is kept already, and is another one; give this one a name of its own", "研究 {name} 已存在且内容不同；请另取名称"),
    Both("study {name} does not exist; kept are {others}", "研究 {name} 不存在；已有：{others}"),
    Both("study {number} does not exist", "研究 {number} 不存在"),
    Both("this scenario does not exist, or somebody has removed it", "此方案不存在，或已被删除"),
    Both(
        "{what}: the name has {count} characters; give 1 to {most} that can be printed",
        "{what}：名称有 {count} 个字符；请给 1 到 {most} 个可显示的字符",
    ),
    Both("scenario {name}, changes[{index}] ({kind}): {problem}", "方案 {name}，第 {index} 处改动（{kind}）：{problem}"),
    Both("changes[{index}] ({kind}): {problem}", "第 {index} 处改动（{kind}）：{problem}"),
    Both("station {name} is open already; leave the change out", "服务站 {name} 已启用；请去掉此改动"),
    Both("station {name} is no candidate; known are {others}", "服务站 {name} 不是候选站；已有：{others}"),
    Both("station {name} is not open; open are {others}", "服务站 {name} 未启用；已启用：{others}"),
    Both("new station {name} has the id of another; give one of its own", "新站 {name} 与其他站编号相同；请另取编号"),
    Both("people_to is {name}, the station that is closed; name another", "people_to 是被关闭的服务站 {name}；请选择其他站"),
    Both("crew {crew} is not at {station}; known are {others}", "班组 {crew} 不在 {station}；已有：{others}"),
    Both("people is {count}; give 0 to {most}", "人数为 {count}；请给 0 到 {most}"),
    Both("count is {count}; give 0 or more", "数量为 {count}；请给 0 或以上"),
    Both("factor is {factor}; give 0 to {most}, where 1 is as many as today", "倍数为 {factor}；请给 0 到 {most}，1 表示与现在相同"),
    Both("on_site is {text}; {problem}", "到场时限为 {text}；{problem}"),
    Both('on_site is "none"; give how soon somebody must be there', "到场时限为“none”；请说明多久内须到场"),
    Both("format is {found}; give {wanted}", "格式为 {found}；应为 {wanted}"),
    Both("stations and candidates are both empty; give at least one station", "服务站和候选站都为空；请至少给一个"),
    Both(
        "No ticket was opened in the {days} days before {moment}; name more days, or import the company's past",
        "{moment} 之前 {days} 天内没有工单；请给更多天数，或导入历史工单",
    ),
    Both(
        "the study has stations or areas outside your regions; give one of your regions alone",
        "该研究含有您区域之外的服务站或地点；请只用您的区域",
    ),
    Both("say how long what you send is", "请说明所发送内容的长度"),
    Both("this has {count} bytes; send at most {most}", "共 {count} 字节；最多 {most}"),
    Both("edited into plan {plan}", "已修改为计划 {plan}"),
    Both("reason other needs a note that says why", "选择“其他”时须填写说明"),
    Both(
        "the note has {count} characters; give at most {most}, without control characters",
        "说明有 {count} 个字符；最多 {most} 个，且不得含控制字符",
    ),
    Both("reason {reason} is not in the list; give one of {reasons}", "原因 {reason} 不在列表中；请选择其一：{reasons}"),
    Both(
        "the plan's case has no ticket {name}; reload the page and choose one that it shows", "计划中没有工单 {name}；请重新载入页面后再选"
    ),
    Both(
        "the plan's case has no technician {name}; reload the page and choose one that it shows",
        "计划中没有技师 {name}；请重新载入页面后再选",
    ),
    Both(
        "the plan's case has no {kind} {name}; reload the page and choose one that it shows",
        "计划中没有 {kind} {name}；请重新载入页面后再选",
    ),
    Both(
        "the case has no technician {name}; give the id of one of the {count} technicians",
        "案例中没有技师 {name}；请从 {count} 名技师中选择",
    ),
    Both("time without an offset: {time}; write it as {example}", "时间缺少时区：{time}；请写成 {example}"),
    Both("{ticket} cannot be swapped with itself; choose two tickets", "{ticket} 不能与自身对调；请选择两张工单"),
    Both(
        "{ticket} and {other} cannot be swapped: both must be planned; put the unplanned one in first",
        "{ticket} 与 {other} 不能对调：两张都须已派工；请先把未派工的排进计划",
    ),
    Both("{ticket} is not planned and cannot be left out", "{ticket} 未派工，无法移出"),
    Both("{ticket} is planned already; move it instead", "{ticket} 已派工；请改为移动"),
    Both("{ticket} is not planned and cannot be moved; put it in instead", "{ticket} 未派工，无法移动；请改为排进计划"),
    Both(
        "{technician} cannot be away until {end}, before {start}; swap or correct them",
        "{technician} 的缺勤结束 {end} 早于开始 {start}；请更正",
    ),
    Both("technician {technician} has no shift {shift}; give 0 to {most}", "技师 {technician} 没有第 {shift} 班；请给 0 到 {most}"),
    Both("overtime of {minutes} minutes for {technician}; give 1 to {most}", "{technician} 加班 {minutes} 分钟；请给 1 到 {most}"),
    Both(
        "{ticket}: this remedy ({kind}) cannot be applied to a plan; it has to be arranged first",
        "{ticket}：这项补救（{kind}）不能直接用于计划；须先作安排",
    ),
    Both("a plan is improved by the search, not at the desk", "改进计划由求解完成，不在此处进行"),
    Both("position {position} is below 0; give 0 for the first visit of the shift", "位置 {position} 小于 0；班次的第一次上门为 0"),
    Both(
        "{ticket} is served by {crew}; say whom of them {technician} replaces",
        "{ticket} 由 {crew} 上门；请说明 {technician} 替换其中哪一位",
    ),
    Both("{technician} does not go to {ticket}; it is served by {crew}", "{technician} 不去 {ticket}；由 {crew} 上门"),
    Both("{ticket} needs {count} different people, not {people}", "{ticket} 需要 {count} 名不同的技师，而不是 {people}"),
    Both("nothing is said about {ticket}; give technicians, a time, or both", "没有说明 {ticket} 固定什么；请给技师、时间，或两者"),
    Both("{ticket} is pinned until {end}, before {start}; swap or correct them", "{ticket} 固定的结束 {end} 早于开始 {start}；请更正"),
    Both(
        "{ticket}: name the whole crew, or one who comes and whom they replace, not both",
        "{ticket}：请给出整个小组，或给出替换者与被替换者，不能两者都给",
    ),
    Both("Agree another time with the customer first, and record it at the ticket.", "请先与客户另约时间，并登记在工单上。"),
    Both("Renew the certificate first, and record it at the technician.", "请先更新证书，并登记在技师名下。"),
    Both("Training comes first, and takes longer than this plan.", "须先培训，用时超出本计划。"),
    Both("There is nobody of the kind: find somebody, and enter them as a technician.", "没有这样的人员：请物色人选，并录入为技师。"),
    # Parts of a draft, and a second look before approving.
    Both(
        "Plan {plan} does not fit what happened since it was made: {what}; plan again",
        "计划 {plan} 与其做出之后发生的情况不符：{what}；请重新排程",
    ),
    Both("ticket {ticket} does not wait for this visit any more", "工单 {ticket} 已不需要这次上门"),
    Both("ticket {ticket} cannot be served as the plan says any more", "工单 {ticket} 已无法按计划上门"),
    Both("and {count} more", "另有 {count} 项"),
    Both("Plan {plan} was changed after you looked at it; look again", "您查看之后计划 {plan} 已有改动；请重新查看"),
    Both("Another plan was published while you looked at plan {plan}; look again", "您查看计划 {plan} 期间已发布另一个计划；请重新查看"),
    Both(
        "Plan {plan} was made before plan {other} was published; plan again, so that what was promised with it counts",
        "计划 {plan} 做于计划 {other} 发布之前；请重新排程，以计入其中已作的承诺",
    ),
    Both("the plan has no technician {name}; choose from those that it shows", "计划中没有技师 {name}；请从显示的技师中选择"),
    Both("nobody of the plan is in region {name}; choose one of its regions", "计划中没有人属于区域 {name}；请从其区域中选择"),
    # Why visits cannot follow each other.
    Both("The route of {who} is too long for its shift, windows or breaks", "{who} 的路线超出班次、时间窗或休息的限制"),
    Both("The route of {who} waits for crews that wait for it", "{who} 的路线与小组互相等待"),
    Both("The route of {who} is overloaded", "{who} 的路线超载"),
    Both("The route of {who} has something before a locked ticket", "{who} 的路线在已锁定的工单之前还有别的上门"),
    Both("{who} is out and cannot fetch kits", "{who} 已在外，无法去取器材包"),
    Both("Kits cannot be shared in time: every departure waits for another", "器材包周转不开：各次出发互相等待"),
    Both("Ticket {ticket} is locked but not planned", "工单 {ticket} 已锁定却未派工"),
    Both("Ticket {ticket}: needs {count} different technicians, gets {given}", "工单 {ticket}：需要 {count} 名不同的技师，实际 {given} 名"),
    Both("Ticket {ticket}: somebody in its crew is not allowed there", "工单 {ticket}：小组中有人不得前往"),
    Both("Ticket {ticket}: nobody in its crew has a skill that it needs", "工单 {ticket}：小组中无人具备所需技能"),
    Both("Ticket {ticket}: is locked and must keep its crew", "工单 {ticket}：已锁定，小组不得更换"),
    Both("Ticket {ticket}: its crew lacks a kit", "工单 {ticket}：小组缺少器材包"),
    Both(
        "Station {station} owns {count} of kit {kit}, {most} are wanted at once",
        "服务站 {station} 有器材包“{kit}” {count} 套，却同时需要 {most} 套",
    ),
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
    Both("Technician {technician} is not in plan {plan}", "计划 {plan} 中没有技师 {technician}"),
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
    Both("a rejection needs a reason: say what is wrong with the plan", "驳回须说明原因：请写明计划有什么问题"),
    # People, passwords, tokens, the audit trail, keys.
    Both("choose a password of your own first", "请先设一个自己的密码"),
    Both("login {login}: give 1 to 64 characters without spaces", "用户名 {login}：须为 1 至 64 个字符，不含空格"),
    Both("role {role}: is none; known are {roles}", "没有“{role}”这个角色；可用的有 {roles}"),
    Both(
        "region {name}: no station or site is in it; choose one of those that are shown", "区域 {name} 中没有服务站或厂区；请选择列出的区域"
    ),
    Both("language {name}: is none; known are zh and en, or nothing for what the browser asks for", "没有语言 {name}；可用 zh、en，或留空"),
    Both("{login}: an administrator's role holds everywhere; leave the regions out", "{login}：管理员角色在各区域都有效，不要选区域"),
    Both("{login}: a technician's account names the technician; add --technician ID", "{login}：技术员账户须指明是哪位技术员"),
    Both("technician {name} does not exist; import technicians first, or name another", "没有技术员 {name}；请先导入技术员，或另选一位"),
    Both("{login} exists already; choose another login, or change that one", "用户名 {login} 已存在；请另选一个，或修改原有账户"),
    Both("{login} is the last administrator; make somebody else one first", "{login} 是最后一位管理员；请先指定另一位管理员"),
    Both("{login} is nobody; `twohour people list` shows who there is", "没有用户 {login}"),
    Both("person {number} does not exist; `twohour people list` shows who there is", "没有编号为 {number} 的人员"),
    Both("the password has {count} characters; give {least} to {most}", "密码有 {count} 个字符；须为 {least} 至 {most} 个"),
    Both("the password contains the login; choose another", "密码中含有用户名；请另选一个"),
    Both("the password repeats too few characters; choose another", "密码中不同的字符太少；请另选一个"),
    Both("scopes none: choose from {scopes}", "没有选用途；可选 {scopes}"),
    Both("scopes {unknown}: choose from {scopes}", "没有用途 {unknown}；可选 {scopes}"),
    Both("a token needs a name that says which machine has it", "令牌须有名称，写明由哪台机器使用"),
    Both("token {number} does not exist; `twohour tokens list` shows those that do", "没有令牌 {number}"),
    Both("entry {number} is missing before entry {other}", "第 {other} 条之前缺少第 {number} 条"),
    Both("entry {number} does not follow from entry {other}", "第 {number} 条与第 {other} 条不相接"),
    Both("entry {number} ({action} by {by}) is not what was written", "第 {number} 条（{by}：{action}）与当初写入的不符"),
    Both(
        "{of} is sealed with key {key}, which TWOHOUR_CONTACT_KEYS does not hold: add {key_}:… to it, where that key is kept",
        "{of} 用密钥 {key} 加密，TWOHOUR_CONTACT_KEYS 中没有该密钥：请把保存的 {key_} 加进去",
    ),
    Both(
        "{of} does not open with key {key} of TWOHOUR_CONTACT_KEYS: the key is another one than that which sealed it, or the row was "
        "changed from outside; put the right key under {key_}, or bring the row in again from its source",
        "{of} 用 TWOHOUR_CONTACT_KEYS 中的密钥 {key} 打不开：密钥不是加密时的那一个，或该行被外部改过；"
        "请换上正确的密钥 {key_}，或重新导入该行",
    ),
    # What the audit trail says was done.
    Both("plan approved", "批准计划"),
    Both("plan published", "发布计划"),
    Both(
        "{login} is an administrator here, and the provider does not say so; log in with the password",
        "{login} 在此处是管理员，但身份提供方未予确认；请用密码登录",
    ),
    Both("plan edited", "修改计划"),
    Both("edit undone", "撤销改动"),
    Both("edit redone", "重做改动"),
    Both("plan rejected", "驳回计划"),
    Both("person added", "添加人员"),
    Both("person changed", "修改人员"),
    Both("person shut out", "停用人员"),
    Both("person let in again", "重新启用人员"),
    Both("person linked to OpenID", "人员关联 OpenID"),
    Both("person added by OpenID", "由 OpenID 添加人员"),
    Both("person changed by OpenID", "由 OpenID 修改人员"),
    Both("password changed", "修改密码"),
    Both("password reset", "重设密码"),
    Both("logged in", "登录"),
    Both("logged out everywhere", "在所有地方退出"),
    Both("token made", "新建令牌"),
    Both("token revoked", "吊销令牌"),
    Both("contact data sealed anew", "联系人数据重新加密"),
    # Login by OpenID Connect.
    Both("too many attempts: wait a minute, then try again", "尝试次数过多：请等一分钟再试"),
    Both(
        "this way to log in was used before, took too long, or was begun in another browser; begin again",
        "这次登录已用过、用时过长，或在别的浏览器中开始；请重新开始",
    ),
    Both("another provider answered; begin again", "回应的是另一个身份提供方；请重新开始"),
    Both("the provider did not let you in", "身份提供方未让您登录"),
    Both(
        "the provider refuses the code: it was used before, is too old, or is not ours",
        "身份提供方不接受该代码：已用过、已过期，或不属于本系统",
    ),
    Both("the provider's token is not to be believed: {reason}", "身份提供方的令牌不可信：{reason}"),
    Both("the provider's name for this person is too long to be kept", "身份提供方给出的人员标识过长"),
    Both("the provider names no region of ours in {claim} for {login}", "身份提供方在 {claim} 中没有为 {login} 给出本系统的区域"),
    Both("the provider names no role of ours in {claim} for {login}", "身份提供方在 {claim} 中没有为 {login} 给出本系统的角色"),
    Both("{login} is shut out; an administrator may let them in again", "{login} 已停用；管理员可重新启用"),
    Both(
        "{login} belongs to somebody else at the provider; an administrator may shut that account out",
        "{login} 在身份提供方属于另一个人；管理员可停用该账户",
    ),
    Both("{login} is nobody here; an administrator may add them", "这里没有 {login} 的账户；管理员可以添加"),
    Both("the OpenID provider {issuer} does not answer: {problem}", "身份提供方 {issuer} 没有响应：{problem}"),
    Both(
        "the OpenID provider calls itself {name}, not {issuer}; set TWOHOUR_OPENID__ISSUER to it",
        "身份提供方自称 {name}，而非 {issuer}；请把 TWOHOUR_OPENID__ISSUER 设为前者",
    ),
    Both("the OpenID provider {issuer} names no {name} that may be used", "身份提供方 {issuer} 没有给出可用的 {name}"),
    Both("the OpenID provider answers {status} where its {what} should be", "身份提供方在应给出 {what} 处回应 {status}"),
    Both("something went wrong on our side; nothing was changed", "系统出错；没有任何更改"),
    # Technicians' phones, photos, customers' links.
    Both("the phone's clock was wrong: it said {at}", "手机时钟不准：显示为 {at}"),
    Both("told before", "此前已上报"),
    Both("a phone tells {kinds}; this is none of them", "手机只能上报 {kinds}；收到的不在其中"),
    Both(
        "key is not 8 to 64 letters, digits and hyphens; make one for each thing that is told",
        "key 须为 8 到 64 个字母、数字或连字符；每次上报各用一个",
    ),
    Both("the key was used by another event; give each its own", "此 key 已用于另一事件；请各用一个"),
    Both("declining needs a reason: say why you cannot take it", "谢绝须说明原因：请写明为什么不能接"),
    Both("{name} has {count} characters; give at most {most}", "{name} 有 {count} 个字符；最多 {most} 个"),
    Both("{name} is no time with an offset, such as {example}", "{name} 不是带时区的时间，例如 {example}"),
    Both("Ticket {ticket} is no visit of yours, or does not exist", "工单 {ticket} 不是您的上门，或不存在"),
    Both("Ticket {ticket} has {count} photos, which is the most", "工单 {ticket} 已有 {count} 张照片，不能再加"),
    Both("Photo {number} does not exist", "照片 {number} 不存在"),
    Both("the photo is empty; take it again", "照片是空的；请重新拍摄"),
    Both("the photo has {count} bytes; send at most {most}", "照片有 {count} 字节；最多 {most}"),
    Both("the photo is larger than {most} bytes; send a smaller one", "照片超过 {most} 字节；请发送较小的"),
    Both("the photo has more than {most} pixels; send a smaller one", "照片超过 {most} 像素；请发送较小的"),
    Both("the photo has {width} × {height} pixels; send one of at most {most} in all", "照片有 {width} × {height} 像素；总数最多 {most}"),
    Both("this is no photo; send a JPEG, PNG or WebP picture", "这不是照片；请发送 JPEG、PNG 或 WebP 图片"),
    Both("the photo is broken or incomplete; take it again", "照片已损坏或不完整；请重新拍摄"),
    Both("{login} ({role}) is no technician", "{login}（{role}）不是技师"),
    Both("this is larger than {most} bytes; say less", "超过 {most} 字节；请缩短"),
    Both("this is no event; load the page again", "这不是事件；请重新载入页面"),
    Both("open the link itself", "请直接打开链接"),
)
"""The first that fits is taken."""

_KINDS = {"state": "plan_state", "decision": "plan_state", "role": "role"}
_WANTED = {"approved": "批准", "published": "发布", "rejected": "驳回"}
_LONGEST = 2000
_DEPTH = 2
"""What fills a template may be one of ours again: who approved it."""


def in_chinese(text: str) -> str:
    """The text in Chinese where a template fits, of several parted by `; ` each by itself; else as it is."""
    return text if len(text) > _LONGEST else _in_parts(text, _DEPTH) or text


def _in_parts(text: str, depth: int) -> str | None:
    parts = [_translated(part, depth) for part in text.split("; ")]
    told = [part for part in parts if part is not None]
    return "；".join(told) if len(told) == len(parts) else _translated(text, depth)


def _translated(text: str, depth: int) -> str | None:
    for both in TEMPLATES:
        values = _values(both.en, text)
        if values is not None:
            return both.zh.format_map({name: _filling(name, value, depth - 1) for name, value in values.items()})
    return None


def _filling(name: str, value: str, depth: int) -> str:
    if name == "wanted":
        return _WANTED.get(value, value)
    if name in _KINDS:
        return word(_KINDS[name], value, "zh")
    if name == "edit":  # "leave out W1"
        kind = next((kind for kind in WORDS["edit"] if f"{value} ".startswith(f"{kind.replace('_', ' ')} ")), "")
        return f"{word('edit', kind, 'zh')}{value[len(kind) :]}" if kind else value
    return (_in_parts(value, depth) if depth > 0 else None) or value


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
