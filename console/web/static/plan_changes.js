/* Changes of a draft: what buttons and bars ask for, what is asked back first, the effect in words, and the reason it is kept with. */

import { ask, offerLogin, toast } from "./asking.js";

const byId = (id) => document.getElementById(id);
const QUARTER = 900;
const BETWEEN = IN_CHINESE ? "、" : ", ";

/** Runs a request; what goes wrong is told, and a lost session offers the login beside the page, which stays as it is. */
export async function attempt(request, onConflict = () => {}) {
  try {
    return await request();
  } catch (error) {
    if (error.status === 401) offerLogin();
    else toast(error.message, "failure");
    if (error.status === 409) await onConflict();
    return null;
  }
}

/** What a coordinator can do to the draft of `facts`; `reload` draws the page as the draft is after a change. */
export function planChanges(facts, reload) {
  const address = `/plans/${facts.plan}`;
  const { texts } = facts;
  const dialog = byId("change-dialog");
  const moment = (seconds) => new Date((facts.epoch + seconds) * 1000).toISOString();
  const personName = (id) => facts.technicians.find((each) => each.id === id)?.name || id;
  const ticketName = (id) => [facts.tickets.find((ticket) => ticket.id === id)?.customer, id].filter(Boolean).join(" ");
  const crewOf = (ticket) => (ticket.visits || []).map((visit) => facts.technicians[visit.technician].id);
  const post = (what, body) => ask(`${address}/${what}`, { method: "POST", body });

  /** A request that changes the draft: then everything is drawn as it is now. */
  async function act(request) {
    const done = await attempt(request, reload);
    if (done) await reload();
    return done;
  }

  /** Asks what a change would do, and keeps it when the coordinator says why. */
  async function propose(change) {
    const outcome = await attempt(() => post("changes/try", { change }), reload);
    if (outcome) showOutcome(change, outcome);
  }

  function effects(outcome) {
    const named = (text, ids) => ids.length && `${ids.map(ticketName).join(BETWEEN)}${IN_CHINESE ? "：" : ": "}${text}`;
    return [
      outcome.cost ? `${texts.cost} ${outcome.cost > 0 ? "+" : "−"}${Math.abs(outcome.cost).toLocaleString()}` : "",
      named(texts.becomesLate, outcome.becameLate),
      named(texts.becomesInTime, outcome.becameInTime),
      named(texts.leftOut, outcome.leftOut),
      named(texts.takenIn, outcome.takenIn),
      outcome.shifted ? `${texts.shifted}${IN_CHINESE ? "：" : ": "}${outcome.shifted}` : "",
    ].filter(Boolean);
  }

  const subject = (change) => (change.ticket ? ticketName(change.ticket) : personName(change.technician));
  const cancel = (said) => element("button", { type: "button", on: { click: () => dialog.close() } }, said);

  function open(...content) {
    dialog.replaceChildren(...content);
    if (!dialog.open) dialog.showModal();
    dialog.querySelector("select, input, button.primary, button")?.focus();
  }

  function showOutcome(change, outcome) {
    const lines = outcome.accepted ? effects(outcome) : outcome.violations;
    const list = element("ul", { class: outcome.accepted ? "effects" : "violations" }, (lines.length ? lines : [texts.noEffect]).map((line) => element("li", {}, line)));
    const title = element("h2", { id: "change-title" }, outcome.accepted ? subject(change) : texts.refused);
    if (!outcome.accepted) {
      open(title, list, element("div", { class: "buttons" }, cancel(texts.close)));
      return;
    }
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
      element("div", { class: "buttons" }, cancel(texts.cancel), keep),
    );
    form.addEventListener("change", () => (note.required = new FormData(form).get("reason") === "other"));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      keep.disabled = true;
      const body = { change, seen: facts.seen, reason: new FormData(form).get("reason"), note: note.value };
      const kept = await act(() => post("changes", body));
      keep.disabled = false;
      if (kept?.accepted === false) showOutcome(change, kept); // somebody else's change came between
      else if (kept) dialog.close();
    });
    open(form);
    keep.focus();
  }

  /** Asks for what a button does not say by itself; `make` gives the change from the answers. */
  function askFor(title, fields, make) {
    const rows = fields.flatMap(({ name, label, options, ...attributes }) => {
      const id = `ask-${name}`;
      const input = options
        ? element("select", { id, name, ...attributes }, options.map(([value, said]) => element("option", { value }, said)))
        : element("input", { id, name, ...attributes });
      return [element("label", { for: id }, label), input];
    });
    const form = element(
      "form",
      { method: "dialog" },
      element("h2", { id: "change-title" }, title), rows,
      element("div", { class: "buttons" }, cancel(texts.cancel), element("button", { class: "primary" }, texts.tryIt)),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      propose(make(Object.fromEntries(new FormData(form))));
    });
    open(form);
  }

  /* Local times of the company, as fields for date and time have them. */
  const local = (seconds) => new Date((facts.epoch + facts.offset + seconds) * 1000).toISOString().slice(0, 16);
  const fromLocal = (text) => moment(Date.parse(`${text}Z`) / 1000 - facts.epoch - facts.offset);
  const away = ([lat, lon], to) => (lat - to[0]) ** 2 + ((lon - to[1]) * Math.cos((lat * Math.PI) / 180)) ** 2;
  const nearest = (things, place, from) => [...things].sort((a, b) => away(place(a), from) - away(place(b), from));

  function askMove(ticket) {
    const crew = crewOf(ticket);
    const home = (who) => facts.stations[who.station]?.at || ticket.at;
    const others = nearest(facts.technicians.filter((who) => !crew.includes(who.id)), home, ticket.at);
    const people = others.map((who) => [who.id, [who.name || who.id, facts.stations[who.station]?.name].filter(Boolean).join(" · ")]);
    const fields = [
      { name: "technician", label: texts.to, options: [["", texts.stay], ...people] },
      { name: "start", label: texts.notBefore, type: "datetime-local" },
    ];
    if (crew.length > 1) fields.splice(1, 0, { name: "instead_of", label: texts.insteadOf, options: crew.map((id) => [id, personName(id)]) });
    askFor(`${texts.move}: ${ticketName(ticket.id)}`, fields, ({ technician, instead_of, start }) => ({
      kind: "move",
      ticket: ticket.id,
      ...(technician && { technician }),
      ...(technician && instead_of && { instead_of }),
      ...(start && { not_before: fromLocal(start) }),
    }));
  }

  function askSwap(ticket) {
    const others = nearest(facts.tickets.filter((other) => other !== ticket && other.visits), (other) => other.at, ticket.at);
    const options = others.map((other) => [
      other.id,
      `${ticketName(other.id)} · ${clock(other.visits[0].start)} ${crewOf(other).map(personName).join(BETWEEN)}`,
    ]);
    const fields = [{ name: "other", label: texts.swapWith, options, size: Math.min(8, Math.max(2, options.length)), required: true }];
    askFor(`${texts.swap}: ${ticketName(ticket.id)}`, fields, ({ other }) => ({ kind: "swap", ticket: ticket.id, other }));
  }

  function askPin(ticket) {
    const fields = [
      { name: "start", label: texts.from, type: "datetime-local", value: local(ticket.visits[0].start) },
      { name: "end", label: texts.until, type: "datetime-local" },
    ];
    askFor(`${texts.pinTime}: ${ticketName(ticket.id)}`, fields, ({ start, end }) => ({
      kind: "pin",
      ticket: ticket.id,
      technicians: crewOf(ticket),
      ...(start && { start: fromLocal(start) }),
      ...(end && { end: fromLocal(end) }),
    }));
  }

  function askAway(technician) {
    const { shifts } = facts.technicians.find((each) => each.id === technician);
    const [begin, end] = shifts.find(([, finish]) => finish > facts.now) || [facts.now, facts.now + 4 * 3600];
    const first = Math.ceil(Math.max(begin, facts.now) / QUARTER) * QUARTER;
    const fields = [
      { name: "start", label: texts.from, type: "datetime-local", required: true, value: local(first) },
      { name: "end", label: texts.until, type: "datetime-local", required: true, value: local(Math.max(end, first + QUARTER)) },
    ];
    const make = ({ start, end: until }) => ({ kind: "away", technician, start: fromLocal(start), end: fromLocal(until) });
    askFor(`${texts.away}: ${personName(technician)}`, fields, make);
  }

  function askOvertime(technician) {
    const { shifts } = facts.technicians.find((each) => each.id === technician);
    const options = shifts.map(([start, end], number) => [number, `${clock(start, true)}–${clock(end)}`]);
    const fields = [
      { name: "shift", label: texts.shift, options },
      { name: "minutes", label: texts.minutes, type: "number", min: 5, max: 720, step: 5, value: 60, required: true },
    ];
    const make = ({ shift, minutes }) => ({ kind: "overtime", technician, shift: Number(shift), minutes: Number(minutes) });
    askFor(`${texts.overtime}: ${personName(technician)}`, fields, make);
  }

  /** What a button in the pane asks for; `ticket` is the chosen one, if any. */
  function press({ dataset: { change: kind, technician, facts: given } }, ticket) {
    const asking = { move: askMove, swap: askSwap, pin_time: askPin, away: () => askAway(technician), overtime: () => askOvertime(technician) }[kind];
    if (asking) asking(ticket);
    else if (kind === "given") propose(JSON.parse(given));
    else if (kind === "pin") propose({ kind, ticket: ticket.id, technicians: crewOf(ticket) });
    else if (kind === "forbid") propose({ kind, ticket: ticket.id, technician });
    else propose({ kind, ticket: ticket.id });
  }

  /** A bar was dropped: another person, another time, or both. A few minutes sideways on the way to another row mean nothing. */
  function drop(bar) {
    const [, index, technician] = bar.id.split("-").map(Number);
    const ticket = facts.tickets[index];
    const visit = ticket.visits.find((each) => each.technician === technician);
    const start = Math.round(bar.start.getTime() / 1000) - facts.epoch;
    const sideways = Math.abs(start - visit.start) >= (bar.group === technician ? 60 : QUARTER);
    const change = { kind: "move", ticket: ticket.id };
    if (bar.group !== technician) change.technician = facts.technicians[bar.group].id;
    if (bar.group !== technician && ticket.visits.length > 1) change.instead_of = facts.technicians[technician].id;
    if (sideways) change.not_before = moment(start);
    if (change.technician || sideways) propose(change);
  }

  const step = (what) => () => act(() => post(what, { seen: facts.seen }));
  async function improve() {
    const note = toast(texts.improving);
    const button = document.querySelector("[data-do='improve']");
    if (button) button.disabled = true;
    const found = await act(() => post("improve", { seen: facts.seen }));
    note.remove();
    if (button) button.disabled = false;
    if (found) toast(found.cost ? `${texts.better} −${Math.abs(found.cost).toLocaleString()}` : texts.noBetter);
  }

  return { press, drop, buttons: { undo: step("undo"), redo: step("redo"), improve } };
}
