/* The timeline of the plan page: a row for each person, with shifts, drives, breaks and visits, and where visits that change stood before. */

const SEVERITIES = ["emergency", "important", "general"];
const FAR = 3650 * 86400;
const DAY = "M月D日";
const CHINESE_AXIS = {
  minorLabels: { weekday: DAY, day: "D日", week: "w周", month: "M月" },
  majorLabels: { millisecond: DAY, second: DAY, minute: DAY, hour: DAY, weekday: "YYYY年M月", day: "YYYY年M月", week: "YYYY年M月" },
};

/** Draws `facts`; calls `choose` with a ticket's index, `choosePerson` with a technician's, and `drop` with a bar where it was let go. */
export function planTimeline(facts, { choose, choosePerson, drop }) {
  const at = (seconds) => new Date((facts.epoch + seconds) * 1000);
  const items = new vis.DataSet();
  let tellDrawn;
  const drawn = new Promise((done) => (tellDrawn = done));
  const timeline = new vis.Timeline(document.getElementById("timeline"), items, groupsOf(facts, choosePerson), {
    ...options(facts, at, drop),
    onInitialDrawComplete: () => tellDrawn(),
  });

  /** Brings the timeline in step with the plan; bars that stay as they are are not touched. */
  function draw() {
    const wanted = bars(facts, at);
    const known = new Set(wanted.map((bar) => bar.id));
    items.remove(items.getIds().filter((id) => !known.has(id)));
    items.update(wanted.filter((bar) => isNew(items.get(bar.id), bar)));
  }

  // Far from what is in the window, bars are only kept: those that come into it are then drawn together, not measured one by one.
  draw();
  timeline.on("rangechanged", function show() {
    // vis-timeline hides what it drew until the first redraw after this event, which on a small plan nothing else asks for.
    timeline.off("rangechanged", show);
    timeline.redraw();
  });
  timeline.setOptions({ start: at(facts.now - 3600), end: at(facts.now + 12 * 3600) });
  timeline.addCustomTime(at(facts.now), "now");
  timeline.on("select", ({ items: [id] }) => id !== undefined && choose(Number(id.split("-")[1]), "timeline"));
  /** Brings bars into sight, and moves nothing when they are: whoever looks at the morning goes on looking at the morning. */
  function reveal(ids) {
    const seen = new Set(timeline.getVisibleItems());
    if (ids.every((id) => seen.has(id))) return;
    const { start, end } = timeline.getWindow();
    const inWindow = items.get(ids).every((bar) => bar.start < end && bar.end > start);
    timeline.focus(ids, { zoom: false, animation: false });
    if (inWindow) timeline.setWindow(start, end, { animation: false });
  }

  const visitIds = (index) => (facts.tickets[index].visits || []).map((visit) => `visit-${index}-${visit.technician}`);
  return {
    draw,
    drawn,
    select: (index, wanted) => {
      const own = index === null ? [] : visitIds(index);
      timeline.setSelection(own, { focus: false });
      if (wanted && own.length) reveal(own);
    },
  };
}

/** Whether a bar is another than the one that is drawn. */
function isNew(was, bar) {
  if (was === null) return true;
  const same = ["className", "group", "title"].every((name) => was[name] === bar[name]);
  return !same || was.start.getTime() !== bar.start.getTime() || was.end.getTime() !== bar.end.getTime();
}

function groupsOf({ technicians, stations }, choosePerson) {
  const byStation = [...technicians.keys()].sort((a, b) => (technicians[a].station ?? 1e9) - (technicians[b].station ?? 1e9) || a - b);
  return new vis.DataSet(
    byStation.map((index, order) => {
      const { name, id, station } = technicians[index];
      const home = station === undefined || station === null ? "" : stations[station].name || stations[station].id;
      const attributes = { type: "button", class: "person", title: `${id} · ${home}`, on: { click: () => choosePerson(id) } };
      return { id: index, order, content: element("button", attributes, element("b", {}, name || id), element("i", {}, home)) };
    }),
  );
}

function bars(facts, at) {
  return [
    ...facts.technicians.flatMap((technician, index) => shiftBands(at, technician, index)),
    ...facts.trips.flatMap((trip, number) => driveBars(facts, at, trip, number)),
    ...facts.tickets.flatMap((ticket, index) => visitBars(facts, at, ticket, index)),
    ...facts.tickets.flatMap((ticket, index) => formerBars(facts, at, ticket, index)),
  ];
}

function shiftBands(at, technician, index) {
  return technician.shifts.map(([start, end], number) => ({
    id: `shift-${index}-${number}`, type: "background", group: index, start: at(start), end: at(end), className: "shift", content: "",
  }));
}

function driveBars(facts, at, trip, number) {
  const spells = trip.spells.filter(([activity]) => activity === "drive" || activity === "break");
  return spells.map(([activity, start, finish], index) => ({
    id: `way-${number}-${index}`, group: trip.technician, start: at(start), end: at(finish), className: activity, content: "",
    title: `${facts.texts[activity]} ${clock(start)}–${clock(finish)}`, selectable: false, editable: false,
  }));
}

function visitBars(facts, at, ticket, index) {
  const kind = facts.changes[ticket.id] ? `changed ${facts.changes[ticket.id].kind}` : "";
  return (ticket.visits || []).map((visit) => ({
    id: `visit-${index}-${visit.technician}`, group: visit.technician, start: at(visit.start), end: at(visit.finish),
    content: element("span", {}, ticket.customer || ticket.id), title: `${ticket.id} ${clock(visit.start)}–${clock(visit.finish)}`,
    className: `visit of-${index} ${SEVERITIES[ticket.severity]} ${ticket.outcome} ${kind} ${facts.pinned.includes(ticket.id) ? "pinned" : ""}`,
    editable: facts.editable && { updateTime: true, updateGroup: true },
  }));
}

/** Where a visit that changes stood in the published plan. */
function formerBars(facts, at, ticket, index) {
  const change = facts.changes[ticket.id];
  if (!change || change.start === null) return [];
  return change.from.map((technician) => ({
    id: `former-${index}-${technician}`, group: technician, start: at(change.start), end: at(change.start + ticket.service * 60),
    content: "", className: "former", selectable: false, editable: false, title: `${ticket.customer || ticket.id} ${clock(change.start)}`,
  }));
}

function options(facts, at, drop) {
  return {
    stack: false,
    verticalScroll: true,
    zoomKey: "ctrlKey",
    height: "100%",
    start: at(facts.now - FAR),
    end: at(facts.now - FAR + 13 * 3600),
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
      drop(bar);
    },
    moment: (moment) => vis.moment(moment).utcOffset(facts.offset / 60),
  };
}
