"use strict";

(() => {
  const OUTCOMES = [["in_time", "In time"], ["late", "Late"], ["unplanned", "Unplanned"]];
  const byId = (id) => document.getElementById(id);
  const { tickets, technicians, trips, stations } = page;
  const visitsOf = technicians.map(() => []);
  tickets.forEach((ticket) => (ticket.visits || []).forEach((visit) => visitsOf[visit.technician].push(ticket)));
  const tripsOf = technicians.map((_, index) => trips.filter((trip) => trip.technician === index));

  const shown = { severity: new Set([0, 1, 2]), outcome: new Set(OUTCOMES.map(([key]) => key)), technician: new Set(technicians.keys()) };
  const view = { moment: null, focus: null, tab: "technicians", playing: null };

  /* ---- the map ---- */
  const map = baseMap("map", [...stations, ...tickets].map((item) => item.at));
  const renderer = L.canvas({ padding: 0.3, tolerance: 3 });
  const group = L.layerGroup().addTo(map);
  const lines = trips.map((trip) => tripLines(trip).map((line) => L.setOptions(line, { renderer }) && line));
  const stationMarks = stations.map((station, index) => {
    const mark = new Mark(station.at, { renderer, radius: 6, shape: "triangle", fill: "#41505d", edge: "#fff", fade: 1 });
    return mark.bindTooltip(element("span", {}, station.name || station.id)).bindPopup(() => stationPopup(station, index));
  });
  const shifts = fanOut(tickets);
  const marks = tickets.map((ticket, index) => {
    const mark = new Mark(ticket.at, { renderer, shift: shifts[index], ...ticketLook(ticket) });
    return mark.bindPopup(() => ticketPopup(ticket), { maxWidth: 480, minWidth: 260 });
  });
  const people = technicians.map((technician, index) => {
    const look = { renderer, radius: 7, shape: "square", fill: technician.colour, edge: "#fff", fade: 1, text: "" };
    return new Mark([0, 0], look).bindPopup(() => technicianPopup(technician, activityAt(index)?.activity));
  });

  function activityAt(index) {
    if (view.moment === null) return null;
    for (const trip of tripsOf[index]) {
      const found = whereabouts(trip, view.moment);
      if (found) return found;
    }
    return null;
  }

  /** What a ticket is at the chosen moment: "ahead", "active", "done", "unplanned" or "unknown" (not yet reported). */
  function stateOf(ticket) {
    if (view.moment < ticket.opened) return "unknown";
    if (!ticket.visits) return "unplanned";
    if (view.moment < Math.min(...ticket.visits.map((visit) => visit.start))) return "ahead";
    return view.moment < Math.max(...ticket.visits.map((visit) => visit.finish)) ? "active" : "done";
  }

  const isShown = (ticket) =>
    shown.severity.has(ticket.severity) &&
    shown.outcome.has(ticket.outcome) &&
    (!ticket.visits || ticket.visits.some((visit) => shown.technician.has(visit.technician)));
  const isFocused = (ticket) => view.focus === null || (ticket.visits || []).some((visit) => visit.technician === view.focus);
  const setShown = (layer, wanted) => wanted !== group.hasLayer(layer) && (wanted ? group.addLayer(layer) : group.removeLayer(layer));

  /** Brings every mark and line in step with filters, focus and moment. */
  function draw() {
    const zoom = map.getZoom();
    const tally = { ahead: 0, active: 0, done: 0, unplanned: 0, unknown: 0 };
    trips.forEach((trip, index) => {
      const wanted = shown.technician.has(trip.technician) && trip.stops.some((ticket) => isShown(tickets[ticket]));
      const faint = view.focus !== null && view.focus !== trip.technician;
      lines[index].forEach((line) => {
        setShown(line, wanted);
        line.setStyle({ opacity: faint ? 0.08 : view.focus === trip.technician ? 1 : 0.8 });
      });
    });
    stationMarks.forEach((mark) => setShown(mark, true));
    tickets.forEach((ticket, index) => {
      const mark = marks[index];
      const wanted = isShown(ticket);
      const state = view.moment === null ? null : stateOf(ticket);
      if (wanted && state) tally[state] += 1;
      const fade = !isFocused(ticket) ? 0.12 : state === "done" ? 0.35 : state === "unknown" ? 0.1 : 1;
      mark.setRadius(markRadius(ticket.severity, zoom));
      mark.setStyle({ fade, active: state === "active" });
      setShown(mark, wanted);
    });
    const doing = drawPeople();
    for (const item of byId("list").querySelectorAll("[data-technician]")) {
      item.querySelector("i").textContent = technicianSub(Number(item.dataset.technician));
    }
    byId("state").textContent = view.moment === null ? wholeDayText() : momentText(tally, doing);
  }

  function drawPeople() {
    const doing = { drive: 0, wait: 0, work: 0, break: 0 };
    people.forEach((mark, index) => {
      const found = shown.technician.has(index) ? activityAt(index) : null;
      if (found) {
        doing[found.activity] += 1;
        mark.setLatLng(found.at).setRadius(markRadius(2, map.getZoom()) * 0.85);
        mark.setStyle({ fade: view.focus === null || view.focus === index ? 1 : 0.15 });
      }
      setShown(mark, found !== null && found.activity !== "work");
    });
    return doing;
  }

  function wholeDayText() {
    const count = tickets.filter(isShown).length;
    return `${count} of ${tickets.length} tickets shown. Move the slider to see the day unfold.`;
  }

  function momentText(tally, doing) {
    const parts = [`${tally.done} done`, `${tally.active} under way`, `${tally.ahead} to come`, `${tally.unplanned} unplanned`];
    if (tally.unknown) parts.push(`${tally.unknown} not yet reported`);
    return `${parts.join(" · ")}. ${doing.drive} driving, ${doing.work} at work, ${doing.wait + doing.break} waiting or resting.`;
  }

  map.on("zoomend", draw);

  /* ---- filters ---- */
  function choices(place, kind, entries) {
    for (const [key, name, icon] of entries) {
      const count = tickets.filter((ticket) => ticket[kind] === key).length;
      const box = element("input", { type: "checkbox", checked: true, on: { change: () => toggle(shown[kind], key, box.checked) } });
      box.dataset[kind] = key;
      byId(place).append(element("label", { class: "choice" }, box, icon, name, element("span", { class: "count" }, count)));
    }
  }

  function toggle(set, key, wanted) {
    if (wanted) set.add(key);
    else set.delete(key);
    draw();
  }

  choices("severities", "severity", SEVERITY_NAMES.map((name, index) => [index, name, null]));
  const icons = { in_time: swatch("circle", "#0072b2"), late: swatch("diamond", LATE), unplanned: swatch("cross", "#fff", INK) };
  choices("outcomes", "outcome", OUTCOMES.map(([key, name]) => [key, name, icons[key]]));

  /* ---- lists ---- */
  const searchText = () => byId("search").value.trim().toLocaleLowerCase();
  const holds = (needle, ...texts) => !needle || texts.flat().some((text) => text && String(text).toLocaleLowerCase().includes(needle));

  function technicianMatches(index) {
    const technician = technicians[index];
    const station = stations[technician.station];
    return holds(searchText(), technician.id, technician.name, technician.skills, station && [station.id, station.name]);
  }

  /** Where the technician belongs, and their share of the day or what they do at the chosen moment. */
  function technicianSub(index) {
    const station = stations[technicians[index].station];
    const visits = visitsOf[index].length;
    const share = visits === 1 ? "1 visit" : `${visits} visits`;
    const doing = ACTIVITY_NAMES[activityAt(index)?.activity] || "not out";
    return [station && (station.name || station.id), view.moment === null ? share : doing].filter(Boolean).join(" · ");
  }

  function technicianRow(index) {
    const technician = technicians[index];
    const late = visitsOf[index].filter((ticket) => ticket.outcome === "late").length;
    const name = technician.name || technician.id;
    const box = element("input", { type: "checkbox", checked: shown.technician.has(index), "aria-label": `Show ${name}` });
    box.addEventListener("change", () => toggle(shown.technician, index, box.checked));
    const body = element("span", {}, element("b", {}, name), element("i", {}, technicianSub(index)));
    const row = element("button", { type: "button", class: "row", title: "Show this route alone" }, swatch("line", technician.colour), body);
    if (late) row.append(element("em", {}, `${late} late`));
    row.addEventListener("click", () => focusOn(index));
    const item = element("li", { class: view.focus === index ? "current" : "" }, box, row);
    item.dataset.technician = index;
    return item;
  }

  const shortWhen = (seconds) => when(seconds).replace(/ \d+ \w+/, "");
  const wide = () => map.getSize().x > 700;

  const RANK = { unplanned: 0, late: 1, in_time: 2 };
  const ticketOrder = [...tickets.keys()].sort((a, b) => {
    const [p, q] = [tickets[a], tickets[b]];
    return RANK[p.outcome] - RANK[q.outcome] || (q.doubtful || 0) - (p.doubtful || 0) || p.severity - q.severity || (q.late || 0) - (p.late || 0) || p.due - q.due;
  });

  function ticketRow(index) {
    const ticket = tickets[index];
    const look = ticketLook(ticket);
    const icon = swatch(look.shape, look.fill, look.shape === "cross" ? INK : look.fill);
    const sub = [ticketName(ticket) === ticket.id ? "" : ticket.id, SEVERITY_NAMES[ticket.severity], `due ${shortWhen(ticket.due)}`].filter(Boolean).join(" · ");
    const body = element("span", {}, element("b", {}, ticketName(ticket)), element("i", {}, sub));
    const row = element("button", { type: "button", class: "row" }, icon, body);
    if (ticket.outcome === "late") row.append(element("em", {}, `+${minutesText(ticket.late / 60)}`));
    if (ticket.doubtful) row.append(element("em", { class: "doubtful" }, `${ticket.chance} sure`));
    if (ticket.outcome === "unplanned") row.append(element("em", {}, "unplanned"));
    row.addEventListener("click", () => openTicket(index));
    return element("li", {}, row);
  }

  function ticketMatches(index) {
    const ticket = tickets[index];
    const names = (ticket.visits || []).map((visit) => technicians[visit.technician].name);
    return isShown(ticket) && holds(searchText(), ticket.id, ticket.title, ticket.customer, ticket.site, ticket.product, ticket.skills, ticket.kits, names);
  }

  function fillList() {
    const rows =
      view.tab === "technicians"
        ? [...technicians.keys()].filter(technicianMatches).map(technicianRow)
        : ticketOrder.filter(ticketMatches).map(ticketRow);
    byId("list").replaceChildren(...(rows.length ? rows : [element("li", {}, element("p", { class: "empty" }, "Nothing matches."))]));
  }

  function openTicket(index) {
    closeDrawer();
    const mark = marks[index];
    setShown(mark, true);
    map.setView(mark.getLatLng(), Math.max(map.getZoom(), 7), { animate: false });
    mark.openPopup();
  }

  /** Shows one technician's work alone; the same once more shows everybody again. */
  function focusOn(index) {
    view.focus = view.focus === index ? null : index;
    if (view.focus !== null) {
      shown.technician.add(index);
      const home = stations[technicians[index].station];
      const points = [...visitsOf[index].map((ticket) => ticket.at), ...(home ? [home.at] : [])];
      closeDrawer();
      map.fitBounds(L.latLngBounds(points), { maxZoom: 9, animate: false, paddingTopLeft: [50, 50], paddingBottomRight: [wide() ? 290 : 50, 50] });
    }
    draw();
    fillList();
    byId("list").querySelector(`[data-technician="${index}"] .row`)?.focus();
  }

  function allTechnicians(wanted) {
    const matching = [...technicians.keys()].filter(technicianMatches);
    matching.forEach((index) => (wanted ? shown.technician.add(index) : shown.technician.delete(index)));
    if (!wanted) view.focus = null;
    draw();
    fillList();
  }

  function showTab(name) {
    view.tab = name;
    for (const tab of ["technicians", "tickets"]) byId(`tab-${tab}`).setAttribute("aria-pressed", tab === name);
    byId("all").hidden = byId("none").hidden = name !== "technicians";
    byId("search").placeholder = name === "technicians" ? "Name, station, skill" : "Customer, ticket, skill, kit";
    byId("list").setAttribute("aria-labelledby", `tab-${name}`);
    fillList();
  }

  const closeDrawer = drawer();
  byId("search").addEventListener("input", fillList);
  byId("all").addEventListener("click", () => allTechnicians(true));
  byId("none").addEventListener("click", () => allTechnicians(false));
  byId("tab-technicians").addEventListener("click", () => showTab("technicians"));
  byId("tab-tickets").addEventListener("click", () => showTab("tickets"));
  // The search tells of a change only when it is left, which would replace the row under the mouse between press and release.
  byId("panel").addEventListener("change", (event) => view.tab === "tickets" && event.target !== byId("search") && fillList());
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && view.focus !== null) focusOn(view.focus);
  });

  /* ---- the day ---- */
  const times = trips.flatMap((trip) => trip.spells.flatMap(([, start, finish]) => [start, finish]));
  const first = Math.floor(times.reduce((a, b) => Math.min(a, b), page.now) / 3600) * 3600;
  const last = Math.ceil(times.reduce((a, b) => Math.max(a, b), page.now + 3600) / 3600) * 3600;
  const slider = byId("slider");
  slider.min = first;
  slider.max = last;
  slider.value = first;

  const ticks = () => drawTicks(byId("ticks"), first, last);

  function setMoment(moment) {
    view.moment = moment;
    const text = moment === null ? "Whole day" : clock(moment, true);
    byId("moment").textContent = text;
    slider.setAttribute("aria-valuetext", text);
    byId("whole").setAttribute("aria-pressed", moment === null);
    draw();
  }

  function stop() {
    if (view.playing !== null) cancelAnimationFrame(view.playing);
    view.playing = null;
    byId("play").textContent = "▶ Play";
  }

  /** Runs through the day in about thirty seconds; a frame redraws no sooner than a minute of the day has passed. */
  function play() {
    if (view.playing !== null) return stop();
    if (view.moment === null || view.moment >= last) setMoment(first);
    byId("play").textContent = "❚❚ Pause";
    const speed = (last - first) / 30;
    let before = performance.now();
    const frame = (time) => {
      if ((time - before) * speed > 60000) {
        const moment = Math.min(last, view.moment + ((time - before) / 1000) * speed);
        before = time;
        slider.value = moment;
        setMoment(moment);
        if (moment >= last) return stop();
      }
      view.playing = requestAnimationFrame(frame);
    };
    view.playing = requestAnimationFrame(frame);
  }

  slider.addEventListener("input", () => {
    stop();
    setMoment(Number(slider.value));
  });
  byId("whole").addEventListener("click", () => {
    stop();
    setMoment(null);
  });
  byId("play").addEventListener("click", play);
  window.addEventListener("resize", ticks);

  /* ---- key ---- */
  const key = L.control({ position: "bottomright" });
  key.onAdd = () =>
    element(
      "details",
      { class: "key", open: true },
      element("summary", {}, "Key"),
      element("div", {}, swatch("circle", "#0072b2"), "Visit in time, in its technician's colour"),
      ...(tickets.some((ticket) => ticket.doubtful) ? [element("div", {}, swatch("circle", "#fff", "#0072b2"), "In time, but not sure")] : []),
      element("div", {}, swatch("diamond", LATE), "Visit late"),
      element("div", {}, swatch("cross", "#fff", INK), "Not planned"),
      element("div", {}, swatch("triangle", "#41505d"), "Station"),
      element("div", {}, swatch("square", "#117733"), "Technician on the way"),
      element("div", {}, "Large with a second ring: emergency"),
    );
  key.addTo(map);

  ticks();
  showTab("technicians");
  setMoment(null);
  /* For tests and for the console: what is shown, as facts. */
  window.planMap = {
    map,
    shownTickets: () => tickets.filter((_, index) => group.hasLayer(marks[index])).map((ticket) => ticket.id),
    shownTrips: () => trips.filter((_, index) => group.hasLayer(lines[index][0])).length,
    look: (id) => ({ ...marks[tickets.findIndex((ticket) => ticket.id === id)].options, renderer: undefined }),
    whereIs: (id) => activityAt(technicians.findIndex((technician) => technician.id === id)),
    openTicket: (id) => openTicket(tickets.findIndex((ticket) => ticket.id === id)),
  };
})();
