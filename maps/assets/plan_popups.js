"use strict";

/* What a mark says when it is opened. */

const SEVERITY_NAMES = ["Emergency", "Important", "General"];
const DOUBT = "#8a5a00";
const ACTIVITY_NAMES = { drive: "driving", wait: "waiting", work: "at work", break: "on a break" };

/** A moment, with its day when that is not the day of the plan. */
function when(seconds) {
  return clock(seconds, dayOf(seconds) !== dayOf(page.now));
}

function verdict(ticket) {
  if (ticket.outcome === "unplanned") return element("p", { class: "verdict" }, swatch("cross", "#fff", INK), "Not planned");
  if (ticket.outcome === "late") return element("p", { class: "verdict late" }, swatch("diamond", LATE), `Late by ${minutesText(ticket.late / 60)}`);
  const spare = (ticket.due - Math.max(...ticket.visits.map((visit) => visit.start))) / 60;
  if (ticket.doubtful) return element("p", { class: "verdict doubtful" }, swatch("circle", "#fff", DOUBT), `Not sure: in time by ${minutesText(spare)} if all goes as planned`);
  return element("p", { class: "verdict" }, swatch("circle", "#0b6e4f"), `In time, ${minutesText(spare)} to spare`);
}

function visitText(visit) {
  const technician = page.technicians[visit.technician];
  const waits = visit.start > visit.arrive ? `, starts ${when(visit.start)}` : "";
  const times = `${when(visit.arrive)} on site${waits}, done ${when(visit.finish)}`;
  return element("div", {}, element("b", {}, `${technician.name || technician.id}, stop ${visit.number}`), element("br"), times);
}

function ticketName(ticket) {
  return ticket.customer || ticket.title || ticket.id;
}

/** A short heading with its lines; nothing without lines. */
function listed(heading, lines) {
  return lines.length ? [element("h4", {}, heading), element("ul", {}, lines.map((line) => element("li", {}, line)))] : [];
}

/** Everything known about a ticket, what matters most first. */
function ticketPopup(ticket) {
  const sub = [ticketName(ticket) === ticket.id ? "" : ticket.id, SEVERITY_NAMES[ticket.severity], ticket.tier && `tier ${ticket.tier}`].filter(Boolean).join(" · ");
  const why = [...(ticket.blame ? [`To blame: ${ticket.blame}`] : []), ...(ticket.reasons || [])];
  const help = ticket.remedies || [];
  return element(
    "div",
    {},
    element("h3", {}, ticketName(ticket)),
    element("p", { class: "sub" }, sub),
    verdict(ticket),
    definitions([
      ["Due on site", when(ticket.due)],
      ["In time", ticket.chance && `with a chance of ${ticket.chance}`],
      ["On site", ticket.arriveBy === undefined ? "" : `by ${when(ticket.arriveBy)} on 9 days of 10`],
      ["Visit", (ticket.visits || []).map(visitText)],
      ["Report", ticket.customer ? ticket.title : ""],
    ]),
    ...listed("Why", why),
    ...listed("What would help", help),
    definitions([
      ["Product", ticket.product],
      ["Site", ticket.site],
      ["Address", ticket.address],
      ["Contact", [ticket.contact, ticket.phone].filter(Boolean).join(", ")],
      ["Reported", when(ticket.opened)],
      ...(ticket.clocks || []).map(([name, moment]) => [`${name.charAt(0).toUpperCase()}${name.slice(1)} due`, when(moment)]),
      ["Window", (ticket.windows || []).map(([from, to]) => `${when(from)} to ${when(to)}`).join(", ")],
      ["Work", minutesText(ticket.service || 0)],
      ["Skills", (ticket.skills || []).join(", ")],
      ["Kits", (ticket.kits || []).join(", ")],
      ["Crew", ticket.crew ? `${ticket.crew} people together` : ""],
      ["Note", ticket.note],
    ]),
  );
}

function stationPopup(station, index) {
  const people = page.technicians.filter((technician) => technician.station === index);
  return element(
    "div",
    {},
    element("h3", {}, station.name || station.id),
    element("p", { class: "sub" }, `Station ${station.id}`),
    definitions([
      ["Kits", station.kits.join(", ")],
      ["Technicians", people.length ? `${people.length}: ${people.map((technician) => technician.name || technician.id).join(", ")}` : "none"],
    ]),
  );
}

function technicianPopup(technician, activity) {
  return element(
    "div",
    {},
    element("h3", {}, technician.name || technician.id),
    element("p", { class: "sub" }, [technician.id, ACTIVITY_NAMES[activity]].filter(Boolean).join(" · ")),
    definitions([
      ["Skills", technician.skills.join(", ")],
      ["Shift", technician.shifts.map(([from, to]) => `${when(from)} to ${when(to)}`).join(", ")],
    ]),
  );
}
