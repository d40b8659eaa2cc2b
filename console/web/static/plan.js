/* The plan page: map, timeline and list show the same tickets; what is chosen in one is chosen in all. */

import { ask, toast } from "./console.js";

const facts = page; // of base_map.js: what the page was sent with; kept up to date by `reload`
const { technicians, stations, texts } = facts;
let { tickets, trips, changes } = facts;
facts.base = await (await fetch(facts.baseMap)).json();
const SEVERITIES = ["emergency", "important", "general"];
const state = { filter: "all", chosen: null };
const byId = (id) => document.getElementById(id);

/* ---- map ---- */
const map = baseMap("map", [...stations, ...tickets].map((item) => item.at));
const renderer = L.canvas({ padding: 0.3, tolerance: 3 });
const routes = L.layerGroup().addTo(map);
for (const station of stations) {
  new Mark(station.at, { renderer, radius: 6, shape: "triangle", fill: "#41505d", edge: "#fff", fade: 1 })
    .bindTooltip(element("span", {}, station.name || station.id))
    .addTo(map);
}
let marks = [];

function drawMap() {
  routes.clearLayers();
  for (const line of trips.flatMap(tripLines)) {
    L.setOptions(line, { renderer });
    routes.addLayer(line);
  }
  const shifts = fanOut(tickets);
  marks = tickets.map((ticket, index) => {
    const mark = new Mark(ticket.at, { renderer, shift: shifts[index], radius: markRadius(ticket.severity, map.getZoom()), ...ticketLook(ticket) });
    routes.addLayer(mark.on("click", () => choose(index, "map")));
    return mark;
  });
}
drawMap();
map.on("zoomend", () => marks.forEach((mark, index) => mark.setRadius(markRadius(tickets[index].severity, map.getZoom()))));

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
const items = new vis.DataSet();
const bars = () => [...technicians.flatMap(shiftBands), ...trips.flatMap(driveBars), ...tickets.flatMap(visitBars), ...tickets.flatMap(formerBars)];

/** Brings the timeline in step with the plan; bars that stay as they are are not touched. */
function drawTimeline() {
  const wanted = new Map(bars().map((bar) => [bar.id, bar]));
  items.remove(items.getIds().filter((id) => !wanted.has(id)));
  items.update([...wanted.values()]);
}
drawTimeline();

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
    className: `visit ${SEVERITIES[ticket.severity]} ${ticket.outcome} ${kind} ${facts.pinned.includes(ticket.id) ? "pinned" : ""}`,
    editable: facts.editable && { updateTime: true, updateGroup: true },
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
  editable: { updateTime: facts.editable, updateGroup: facts.editable, add: false, remove: false, overrideItems: false },
  itemsAlwaysDraggable: { item: facts.editable, range: false },
  snap: (moment) => new Date(Math.round(moment / 300000) * 300000),
  onMove: (bar, done) => {
    done(null); // the bar goes where the server says
    drag(bar);
  },
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
const inOrder = () =>
  [...tickets.keys()].sort((a, b) => {
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
  const rows = inOrder().filter(isWanted).map(ticketRow);
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
  const own = (ticket.visits || []).map((visit) => `visit-${index}-${visit.technician}`);
  timeline.setSelection(own, { focus: false });
  if (from !== "timeline" && own.length) timeline.focus(own, { zoom: false, animation: false });
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
    for (const button of byId("detail").querySelectorAll("[data-change]")) button.addEventListener("click", () => propose(changeOf(button, ticket)));
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

/* ---- changing ---- */
const moment = (seconds) => new Date((facts.epoch + seconds) * 1000).toISOString();

/** What a button in the detail pane asks for. */
function changeOf(button, ticket) {
  const people = (ticket.visits || []).map((visit) => technicians[visit.technician].id);
  const kind = button.dataset.change;
  if (kind === "remedy") return JSON.parse(button.dataset.remedy);
  const change = { kind, ticket: ticket.id };
  if (kind === "pin") change.technicians = people;
  if (kind === "forbid") change.technician = people[0];
  return change;
}

/** A bar was dropped: another person, another time, or both. A few minutes sideways on the way to another row mean nothing. */
function drag(bar) {
  const [, index, technician] = bar.id.split("-").map(Number);
  const ticket = tickets[index];
  const visit = ticket.visits.find((each) => each.technician === technician);
  const start = Math.round(bar.start.getTime() / 1000) - facts.epoch;
  const sideways = Math.abs(start - visit.start) >= (bar.group === technician ? 60 : 900);
  const change = { kind: "move", ticket: ticket.id };
  if (bar.group !== technician) change.technician = technicians[bar.group].id;
  if (bar.group !== technician && ticket.visits.length > 1) change.instead_of = technicians[technician].id;
  if (sideways) change.not_before = moment(start);
  if (change.technician || sideways) propose(change);
}

/** Asks what a change would do, and keeps it when the coordinator says why. */
async function propose(change) {
  const outcome = await attempt(() => ask(`/plans/${facts.plan}/changes/try`, { method: "POST", body: { change } }));
  if (outcome) showDialog(change, outcome);
}

function effects(outcome) {
  const named = (text, ids) => ids.length && `${ids.map(nameOf).join(", ")}: ${text}`;
  return [
    outcome.cost ? `${texts.cost} ${outcome.cost > 0 ? "+" : "−"}${Math.abs(outcome.cost).toLocaleString()}` : "",
    named(texts.becomesLate, outcome.becameLate),
    named(texts.becomesInTime, outcome.becameInTime),
    named(texts.leftOut, outcome.leftOut),
    named(texts.takenIn, outcome.takenIn),
    outcome.shifted ? `${outcome.shifted} ${texts.shifted}` : "",
  ].filter(Boolean);
}

const nameOf = (id) => tickets.find((ticket) => ticket.id === id)?.customer || id;

function showDialog(change, outcome) {
  const dialog = byId("change-dialog");
  const lines = outcome.accepted ? effects(outcome) : outcome.violations;
  const list = element("ul", { class: outcome.accepted ? "effects" : "violations" }, (lines.length ? lines : [texts.noEffect]).map((line) => element("li", {}, line)));
  const title = element("h2", { id: "change-title" }, outcome.accepted ? nameOf(change.ticket) || texts.why : texts.refused);
  const cancel = element("button", { type: "button", on: { click: () => dialog.close() } }, outcome.accepted ? texts.cancel : texts.close);
  if (!outcome.accepted) {
    dialog.replaceChildren(title, list, element("div", { class: "buttons" }, cancel));
  } else {
    const choices = Object.entries(facts.reasons).map(([code, said], index) =>
      element("label", { class: "reason" }, element("input", { type: "radio", name: "reason", value: code, required: true, checked: index === 0 }), said),
    );
    const note = element("input", { id: "change-note", name: "note", maxlength: 500 });
    const keep = element("button", { class: "primary" }, texts.keep);
    const form = element(
      "form",
      { method: "dialog" },
      title, list, element("fieldset", {}, element("legend", {}, texts.why), choices),
      element("label", { for: "change-note" }, texts.note), note,
      element("div", { class: "buttons" }, cancel, keep),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const body = { change, seen: facts.seen, reason: new FormData(form).get("reason"), note: note.value };
      act(() => ask(`/plans/${facts.plan}/changes`, { method: "POST", body })).then((kept) => kept && dialog.close());
    });
    dialog.replaceChildren(form);
  }
  dialog.showModal();
}

/** Runs a request; what goes wrong is told, and a lost session offers the login beside the page, which stays as it is. */
async function attempt(request) {
  try {
    return await request();
  } catch (error) {
    if (error.status === 401) {
      const note = toast(texts.loginAgain, "failure");
      note.addEventListener("click", () => window.open("/login?next=/logged-in", "_blank", "noopener"));
    } else {
      toast(error.message, "failure");
      if (error.status === 409) await reload();
    }
    return null;
  }
}

/** A request that changes the draft: then everything is drawn as it is now. */
async function act(request) {
  const done = await attempt(request);
  if (done) await reload();
  return done;
}

async function reload() {
  const fresh = await attempt(() => ask(`/plans/${facts.plan}/data`));
  if (!fresh) return;
  Object.assign(facts, fresh);
  ({ tickets, trips, changes } = facts);
  drawMap();
  drawTimeline();
  fillList();
  byId("figures").innerHTML = fresh.figures; // our own template, every value escaped
  htmx.process(byId("figures"));
  if (state.chosen !== null) choose(state.chosen, "reload");
}

const BUTTONS = {
  undo: () => act(() => ask(`/plans/${facts.plan}/undo`, { method: "POST", body: { seen: facts.seen } })),
  redo: () => act(() => ask(`/plans/${facts.plan}/redo`, { method: "POST", body: { seen: facts.seen } })),
  improve: async () => {
    const note = toast(texts.improving);
    const found = await act(() => ask(`/plans/${facts.plan}/improve`, { method: "POST", body: { seen: facts.seen } }));
    note.remove();
    if (found) toast(found.cost ? `${texts.better} −${Math.abs(found.cost).toLocaleString()}` : texts.noBetter);
  },
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do], [data-open], [data-close-dialog]");
  if (!button) return;
  if (button.dataset.do) BUTTONS[button.dataset.do]();
  else if (button.dataset.open) {
    byId(button.dataset.open).showModal();
    byId(button.dataset.open).dispatchEvent(new Event("opened"));
  } else button.closest("dialog").close();
});

document.addEventListener("keydown", (event) => {
  if (!facts.editable || !(event.ctrlKey || event.metaKey) || event.target.matches("input, textarea")) return;
  const wanted = { z: "undo", y: "redo" }[event.key.toLowerCase()];
  if (!wanted) return;
  event.preventDefault();
  BUTTONS[wanted]();
});

/* Somebody else, or a run, changed something: the draft as it is now, unless a dialog is open. */
document.addEventListener("news", (event) => {
  const { now, before } = event.detail;
  if (["plans", "edits", "marks"].some((kind) => now[kind] !== before[kind]) && !document.querySelector("dialog[open]")) reload();
});
