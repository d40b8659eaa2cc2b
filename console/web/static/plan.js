/* The plan page: map, timeline and list show the same tickets; what is chosen in one is chosen in all. */

import { ask, toast } from "./console.js";

const facts = page; // of base_map.js: what the page was sent with
const { tickets, technicians, trips, stations, texts, changes } = facts;
facts.base = await (await fetch(facts.baseMap)).json();
const SEVERITIES = ["emergency", "important", "general"];
const state = { filter: "all", chosen: null };
const byId = (id) => document.getElementById(id);

/* ---- map ---- */
const map = baseMap("map", [...stations, ...tickets].map((item) => item.at));
const renderer = L.canvas({ padding: 0.3, tolerance: 3 });
for (const line of trips.flatMap(tripLines)) {
  L.setOptions(line, { renderer });
  line.addTo(map);
}
for (const station of stations) {
  new Mark(station.at, { renderer, radius: 6, shape: "triangle", fill: "#41505d", edge: "#fff", fade: 1 })
    .bindTooltip(element("span", {}, station.name || station.id))
    .addTo(map);
}
const shifts = fanOut(tickets);
const marks = tickets.map((ticket, index) => {
  const mark = new Mark(ticket.at, { renderer, shift: shifts[index], radius: 6, ...ticketLook(ticket) });
  return mark.on("click", () => choose(index, "map")).addTo(map);
});
const sizeMarks = () => marks.forEach((mark, index) => mark.setRadius(markRadius(tickets[index].severity, map.getZoom())));
map.on("zoomend", sizeMarks);
sizeMarks();

/* ---- timeline ---- */
const at = (seconds) => new Date((facts.epoch + seconds) * 1000);
const byStation = [...technicians.keys()].sort((a, b) => (technicians[a].station ?? 1e9) - (technicians[b].station ?? 1e9) || a - b);
const groups = new vis.DataSet(
  byStation.map((index, order) => {
    const { name, id, station } = technicians[index];
    const home = station === undefined || station === null ? "" : stations[station].name || stations[station].id;
    return { id: index, order, content: element("span", { class: "person", title: `${id} · ${home}` }, element("b", {}, name || id), element("i", {}, home)) };
  }),
);
const items = new vis.DataSet([...technicians.flatMap(shiftBands), ...trips.flatMap(driveBars), ...tickets.flatMap(visitBars), ...tickets.flatMap(formerBars)]);

function shiftBands(technician, index) {
  return technician.shifts.map(([start, end], number) => ({
    id: `shift-${index}-${number}`, type: "background", group: index, start: at(start), end: at(end), className: "shift", content: "",
  }));
}

function driveBars(trip, number) {
  const bars = trip.spells.filter(([activity]) => activity === "drive" || activity === "break");
  return bars.map(([activity, start, finish], index) => ({
    id: `way-${number}-${index}`, group: trip.technician, start: at(start), end: at(finish), className: activity, content: "",
    title: `${texts[activity]} ${clock(start)}–${clock(finish)}`, selectable: false,
  }));
}

function visitBars(ticket, index) {
  const kind = changes[ticket.id] ? `changed ${changes[ticket.id].kind}` : "";
  return (ticket.visits || []).map((visit) => ({
    id: `visit-${index}-${visit.technician}`, group: visit.technician, start: at(visit.start), end: at(visit.finish),
    content: element("span", {}, ticket.customer || ticket.id), title: `${ticket.id} ${clock(visit.start)}–${clock(visit.finish)}`,
    className: `visit ${SEVERITIES[ticket.severity]} ${ticket.outcome} ${kind}`,
  }));
}

/** Where a visit that changes stood in the published plan. */
function formerBars(ticket, index) {
  const change = changes[ticket.id];
  if (!change || change.start === null) return [];
  return change.from.map((technician) => ({
    id: `former-${index}-${technician}`, group: technician, start: at(change.start), end: at(change.start + ticket.service * 60),
    content: "", className: "former", selectable: false, title: `${ticket.customer || ticket.id} ${clock(change.start)}`,
  }));
}

const day = "M月D日";
const CHINESE_AXIS = {
  minorLabels: { weekday: day, day: "D日", week: "w周", month: "M月" },
  majorLabels: { millisecond: day, second: day, minute: day, hour: day, weekday: "YYYY年M月", day: "YYYY年M月", week: "YYYY年M月" },
};
const timeline = new vis.Timeline(byId("timeline"), items, groups, {
  stack: false,
  verticalScroll: true,
  zoomKey: "ctrlKey",
  height: "100%",
  start: at(facts.now - 3600),
  end: at(facts.now + 12 * 3600),
  zoomMin: 30 * 60000,
  zoomMax: 7 * 86400000,
  margin: { item: 3, axis: 3 },
  orientation: "top",
  showCurrentTime: false,
  tooltip: { followMouse: true },
  ...(IN_CHINESE ? { format: CHINESE_AXIS } : {}),
  xss: { disabled: false },
  moment: (moment) => vis.moment(moment).utcOffset(facts.offset / 60),
});
timeline.on("rangechanged", function show() {
  // vis-timeline hides what it drew until the first redraw after this event, which on a small plan nothing else asks for.
  timeline.off("rangechanged", show);
  timeline.redraw();
});
timeline.addCustomTime(at(facts.now), "now");
timeline.on("select", ({ items: [id] }) => id !== undefined && choose(Number(id.split("-")[1]), "timeline"));

/* ---- list ---- */
const RANK = { unplanned: 0, late: 1, in_time: 2 };
const order = [...tickets.keys()].sort((a, b) => {
  const [p, q] = [tickets[a], tickets[b]];
  return RANK[p.outcome] - RANK[q.outcome] || p.severity - q.severity || p.due - q.due;
});

function isWanted(index) {
  const ticket = tickets[index];
  if (state.filter === "changes" && !changes[ticket.id]) return false;
  if (state.filter === "trouble" && ticket.outcome === "in_time") return false;
  if (state.filter === "emergency" && ticket.severity !== 0) return false;
  const needle = byId("search").value.trim().toLocaleLowerCase();
  const people = (ticket.visits || []).map((visit) => technicians[visit.technician].name);
  return !needle || [ticket.id, ticket.customer, ticket.title, ...people].some((text) => text && text.toLocaleLowerCase().includes(needle));
}

function ticketRow(index) {
  const ticket = tickets[index];
  const look = ticketLook(ticket);
  const who = (ticket.visits || []).map((visit) => technicians[visit.technician].name || technicians[visit.technician].id).join(IN_CHINESE ? "、" : ", ");
  const sub = [ticket.id, texts[SEVERITIES[ticket.severity]], ticket.tier, `${texts.due} ${clock(ticket.due)}`].filter(Boolean).join(" · ");
  const outcome = { late: `+${minutesText(ticket.late / 60)}`, unplanned: texts.unplanned }[ticket.outcome] || ticket.chance || "";
  const row = element(
    "button",
    { type: "button", class: "row", "aria-pressed": state.chosen === index },
    swatch(look.shape, look.fill, look.shape === "cross" ? INK : look.fill),
    element(
      "span",
      {},
      element("span", { class: "first" }, element("b", {}, ticket.customer || ticket.id), element("em", { class: ticket.outcome }, outcome)),
      element("i", {}, sub),
      who && element("i", {}, who),
    ),
  );
  row.addEventListener("click", () => choose(index, "list"));
  row.dataset.ticket = index;
  return element("li", {}, row);
}

function fillList() {
  const rows = order.filter(isWanted).map(ticketRow);
  byId("tickets").replaceChildren(...(rows.length ? rows : [element("li", { class: "empty" }, texts.nothing)]));
}

byId("search").addEventListener("input", fillList);
for (const button of document.querySelectorAll("[data-filter]")) {
  button.addEventListener("click", () => {
    state.filter = button.dataset.filter;
    document.querySelectorAll("[data-filter]").forEach((each) => each.setAttribute("aria-pressed", each === button));
    fillList();
  });
}
fillList();

/* ---- choosing ---- */
function choose(index, from) {
  const before = state.chosen;
  state.chosen = index;
  if (before !== null) marks[before].setStyle({ active: false });
  const ticket = tickets[index];
  marks[index].setStyle({ active: true });
  if (from !== "map") map.setView(marks[index].getLatLng(), Math.max(map.getZoom(), 7), { animate: false });
  const bars = (ticket.visits || []).map((visit) => `visit-${index}-${visit.technician}`);
  timeline.setSelection(bars, { focus: false });
  if (from !== "timeline" && bars.length) timeline.focus(bars, { zoom: false, animation: false });
  for (const row of byId("tickets").querySelectorAll("[data-ticket]")) {
    const isChosen = Number(row.dataset.ticket) === index;
    row.setAttribute("aria-pressed", isChosen);
    if (isChosen && from !== "list") row.scrollIntoView({ block: "nearest" });
  }
  showDetail(ticket);
}

async function showDetail(ticket) {
  if (byId("detail").hidden) {
    byId("detail").hidden = false;
    map.invalidateSize({ animate: false });
  }
  try {
    const answer = await fetch(`/plans/${facts.plan}/tickets/${encodeURIComponent(ticket.id)}`, { headers: { "HX-Request": "true" } });
    byId("detail").innerHTML = await answer.text(); // our own template, every value escaped
    htmx.process(byId("detail"));
    byId("detail").querySelector("[data-close]").addEventListener("click", closeDetail);
  } catch (error) {
    toast(error.message, "failure");
  }
}

function closeDetail() {
  byId("detail").hidden = true;
  map.invalidateSize({ animate: false });
  if (state.chosen === null) return;
  marks[state.chosen].setStyle({ active: false });
  byId("tickets").querySelector(`[data-ticket="${state.chosen}"]`)?.setAttribute("aria-pressed", false);
  timeline.setSelection([]);
  state.chosen = null;
}

document.addEventListener("keydown", (event) => event.key === "Escape" && closeDetail());
