/* The plan page: map, timeline and list show the same tickets; what is chosen in one is chosen in all. */

import { ask, offerLogin, toast } from "./asking.js";
import { attempt, planChanges } from "./plan_changes.js";
import { planList } from "./plan_list.js";
import { planMap } from "./plan_map.js";
import { planTimeline } from "./plan_timeline.js";

const facts = page; // of base_map.js: what the page was sent with; kept up to date by `reload`
const byId = (id) => document.getElementById(id);
const pane = byId("detail");
facts.base = await (await fetch(facts.baseMap)).json();

let chosen = null; // the index of a ticket
let shown = ""; // the address of what the pane shows
const changes = planChanges(facts, reload);
const map = planMap(facts, choose);
const timeline = planTimeline(facts, { choose, choosePerson, drop: changes.drop });
const list = planList(facts, choose);

function choose(index, from) {
  unmark();
  chosen = index;
  map.mark(index, true);
  if (from !== "map" && from !== "reload") map.show(index);
  timeline.select(index, from !== "timeline" && from !== "reload");
  list.press(index, from !== "list");
  showPane(`/plans/${facts.plan}/tickets/${encodeURIComponent(facts.tickets[index].id)}`);
}

function choosePerson(id) {
  unmark();
  showPane(`/plans/${facts.plan}/technicians/${encodeURIComponent(id)}`);
}

function unmark() {
  if (chosen === null) return;
  map.mark(chosen, false);
  timeline.select(null);
  list.press(null);
  chosen = null;
}

async function showPane(address) {
  if (pane.hidden) {
    pane.hidden = false;
    map.fit();
  }
  const again = address === shown;
  shown = address;
  try {
    const answer = await fetch(address, { headers: { "HX-Request": "true" } });
    if (answer.status === 401) offerLogin();
    if (shown !== address || answer.status === 401) return; // another one was chosen meanwhile
    const content = await answer.text();
    const held = pane.contains(document.activeElement) || (again && document.activeElement === document.body);
    pane.innerHTML = content; // our own template, every value escaped
    if (!again) pane.scrollTop = 0;
    htmx.process(pane);
    if (held) pane.querySelector("h3")?.focus({ preventScroll: true });
  } catch {
    toast(document.body.dataset.offline, "failure");
  }
}

function closePane() {
  if (pane.hidden) return;
  const [was, held] = [chosen, pane.contains(document.activeElement)];
  pane.hidden = true;
  shown = "";
  map.fit();
  unmark();
  if (held && was !== null) list.focus(was);
}

pane.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  if ("close" in button.dataset) closePane();
  else if (button.dataset.change) changes.press(button, chosen === null ? null : facts.tickets[chosen]);
  else if (button.dataset.choose) choose(Number(button.dataset.choose), "pane");
  else if (button.dataset.technician) choosePerson(button.dataset.technician);
});

async function reload() {
  const fresh = await attempt(() => ask(`/plans/${facts.plan}/data?mark=${facts.mark}`));
  if (!fresh?.mark) return; // it is drawn as it is already
  Object.assign(facts, fresh);
  map.draw();
  timeline.draw();
  list.fill();
  byId("figures").innerHTML = fresh.figures; // our own template, every value escaped
  htmx.process(byId("figures"));
  if (chosen !== null) choose(chosen, "reload");
  else if (shown) showPane(shown);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do], [data-open], [data-close-dialog]");
  if (!button) return;
  if (button.dataset.do) changes.buttons[button.dataset.do]();
  else if (button.dataset.open) {
    const dialog = byId(button.dataset.open);
    dialog.showModal();
    dialog.querySelectorAll("[data-load]").forEach((part) => htmx.ajax("GET", part.dataset.load, { target: part, swap: "innerHTML" }));
  } else button.closest("dialog").close();
});

/* What is chosen of a kind of part chooses the kind, and choosing another kind lets it go. */
byId("figures").addEventListener("change", ({ target }) => {
  const form = target.closest("#approve-dialog form");
  if (!form) return;
  if (target.dataset.part) form.elements.part.value = target.dataset.part;
  for (const select of form.querySelectorAll("[data-part]")) if (select.dataset.part !== form.elements.part.value) select.selectedIndex = -1;
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) closePane();
  if (!facts.editable || !(event.ctrlKey || event.metaKey) || event.target.matches("input, textarea, select")) return;
  const wanted = { z: event.shiftKey ? "redo" : "undo", y: "redo" }[event.key.toLowerCase()];
  if (!wanted || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  changes.buttons[wanted]();
});

/** Where a dialog was opened from may have been drawn anew meanwhile: then the pane has the keyboard. */
function leaveDialog() {
  if (document.activeElement === document.body && !pane.hidden) pane.querySelector("h3")?.focus({ preventScroll: true });
  refresh();
}

/* Somebody else, or a run, changed something: the draft as it is now, once no dialog is open. */
let isStale = false;
const refresh = () => {
  if (!isStale || document.querySelector("dialog[open]")) return;
  isStale = false;
  reload();
};
document.addEventListener("news", (event) => {
  const { now, before } = event.detail;
  isStale ||= ["plans", "edits", "marks"].some((kind) => now[kind] !== before[kind]);
  refresh();
});
document.addEventListener("close", leaveDialog, true);
await timeline.drawn;
document.body.dataset.ready = "true";
