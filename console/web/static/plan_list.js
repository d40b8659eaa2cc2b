/* The list of the plan page: tickets with what presses most on top, searched and filtered. */

const SEVERITIES = ["emergency", "important", "general"];
const RANK = { unplanned: 0, late: 1, in_time: 2 };
const BETWEEN = IN_CHINESE ? "、" : ", ";

/** Fills the list from `facts`; `choose` is called with a ticket's index. */
export function planList(facts, choose) {
  const [list, search] = [document.getElementById("tickets"), document.getElementById("search")];
  let [filter, pressed] = ["all", null];
  const chanceOf = ({ chance = "" }) => chance.replace(/^(over|under)/, (word) => facts.texts[word]);
  const nameOf = ({ technician }) => facts.technicians[technician].name || facts.technicians[technician].id;

  function isWanted(index) {
    const ticket = facts.tickets[index];
    if (filter === "changes" && !facts.changes[ticket.id]) return false;
    if (filter === "trouble" && ticket.outcome === "in_time") return false;
    if (filter === "emergency" && ticket.severity !== 0) return false;
    const needle = search.value.trim().toLocaleLowerCase();
    if (!needle) return true;
    const texts = [ticket.id, ticket.customer, ticket.title, ...(ticket.visits || []).map(nameOf)];
    return texts.some((text) => text && text.toLocaleLowerCase().includes(needle));
  }

  function inOrder() {
    const { tickets } = facts;
    const rank = (a, b) => RANK[tickets[a].outcome] - RANK[tickets[b].outcome] || tickets[a].severity - tickets[b].severity;
    return [...tickets.keys()].filter(isWanted).sort((a, b) => rank(a, b) || tickets[a].due - tickets[b].due);
  }

  function row(index) {
    const { texts, tickets } = facts;
    const ticket = tickets[index];
    const look = ticketLook(ticket);
    const who = (ticket.visits || []).map(nameOf).join(BETWEEN);
    const sub = [ticket.id, texts[SEVERITIES[ticket.severity]], ticket.tier, `${texts.due} ${clock(ticket.due, dayOf(ticket.due) !== dayOf(facts.now))}`].filter(Boolean).join(" · ");
    const outcome = { late: `+${minutesText(ticket.late / 60)}`, unplanned: texts.unplanned }[ticket.outcome] || chanceOf(ticket);
    const button = element(
      "button",
      { type: "button", class: "row", "aria-pressed": pressed === index, on: { click: () => choose(index, "list") } },
      swatch(look.shape, look.fill, look.shape === "cross" ? INK : look.second || look.fill),
      element(
        "span",
        {},
        element("span", { class: "first" }, element("b", {}, ticket.customer || ticket.id), element("em", { class: ticket.outcome }, outcome)),
        element("i", {}, sub),
        who && element("i", {}, who),
      ),
    );
    button.dataset.ticket = index;
    return element("li", {}, button);
  }

  function fill() {
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.ticket : undefined;
    const rows = inOrder().map(row);
    list.replaceChildren(...(rows.length ? rows : [element("li", { class: "empty" }, facts.texts.nothing)]));
    if (focused !== undefined) list.querySelector(`[data-ticket="${focused}"]`)?.focus({ preventScroll: true });
  }

  search.addEventListener("input", fill);
  document.querySelectorAll("[data-filter]").forEach((button) =>
    button.addEventListener("click", () => {
      filter = button.dataset.filter;
      document.querySelectorAll("[data-filter]").forEach((each) => each.setAttribute("aria-pressed", each === button));
      fill();
    }),
  );
  fill();
  const found = (index) => list.querySelector(`[data-ticket="${index}"]`);
  return {
    fill,
    press(index, reveal) {
      if (pressed !== null) found(pressed)?.setAttribute("aria-pressed", false);
      pressed = index;
      if (index === null) return;
      found(index)?.setAttribute("aria-pressed", true);
      if (reveal) found(index)?.scrollIntoView({ block: "nearest" });
    },
    focus: (index) => found(index)?.focus(),
  };
}
