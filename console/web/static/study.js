/* A study on the map; on a scenario's page also its changes: each is tried at once, and kept when somebody saves. */

import { ask, toast } from "./asking.js";

const facts = page; // of base_map.js
const { texts } = facts;
facts.base = await (await fetch(facts.baseMap)).json();
const byId = (id) => document.getElementById(id);
const address = location.pathname;

const LOOKS = [
  { radius: 5, color: "#11602f", weight: 1, fillColor: "#2a8a4a", fillOpacity: 0.85 },
  { radius: 6, color: "#b64500", weight: 3, fillColor: "#fff", fillOpacity: 0.9 },
  { radius: 4, color: "#5d6975", weight: 1, fillColor: "#9aa6b2", fillOpacity: 0.8 },
];
const CLASSES = [texts.reached, texts.promisedOnly, texts.beyond];
const map = baseMap("map", [...facts.areas, ...facts.stations].map((item) => item.at));
const renderer = L.canvas({ padding: 0.3, tolerance: 4 });
const areaLayer = L.layerGroup().addTo(map);
const stationLayer = L.layerGroup().addTo(map);
const kindOf = { station: "dot station", candidate: "dot candidate" };
let marks = [];

/** Areas are drawn once; when the reach changes, only the looks of those that differ do. */
function drawAreas(areas, reach, today) {
  if (marks.length !== areas.length) {
    areaLayer.clearLayers();
    marks = areas.map((area) => L.circleMarker(area.at, { renderer, bubblingMouseEvents: true, ...LOOKS[2] }).addTo(areaLayer));
  }
  areas.forEach((area, index) => {
    const [kind, minutes, km] = reach[index];
    const was = today[index];
    const isNew = was && was[0] !== kind && (was[0] === 0 || kind === 0);
    marks[index].setStyle({ ...LOOKS[kind], ...(isNew ? { color: kind === 0 ? "#000" : "#7d0000", weight: 3 } : {}) });
    marks[index].setRadius(LOOKS[kind].radius + (isNew ? 2 : 0));
    const way = minutes === null ? texts.never : `${minutesText(minutes)}, ${Math.round(km)} km`;
    marks[index].bindTooltip(() => element("span", {}, `${area.name || area.id}: ${area.tickets} ${texts.tickets}; ${way}; ${CLASSES[kind]}`));
  });
}

function drawStations(stations, candidates, onStation, onCandidate) {
  stationLayer.clearLayers();
  const add = (item, kind, word, onClick) => {
    const icon = L.divIcon({ className: kindOf[kind], iconSize: [14, 14] });
    const title = `${item.name || item.id} (${word})`;
    const mark = L.marker(item.at, { icon, title, alt: title, keyboard: Boolean(onClick), bubblingMouseEvents: false });
    if (onClick) mark.on("click", () => onClick(item)).on("keypress", (event) => event.originalEvent.key === "Enter" && onClick(item));
    mark.addTo(stationLayer);
    if (!onClick) mark.getElement().removeAttribute("role");
  };
  candidates.forEach((item) => add(item, "candidate", texts.candidate, onCandidate));
  stations.forEach((item) => add(item, "station", texts.open, onStation));
}

if (!facts.scenario) {
  drawAreas(facts.areas, facts.today, []);
  drawStations(facts.stations, facts.candidates);
} else {
  editScenario();
}

function editScenario() {
  const study = address.split("/").slice(0, 3).join("/");
  const scenario = facts.scenario;
  let { seen, now } = facts;
  let kept = JSON.stringify(scenario.changes);
  let number = 0; // of the last question: an answer that comes late must not overwrite a newer one

  const isDirty = () => JSON.stringify(scenario.changes) !== kept;
  const complain = (error) => {
    byId("problem").textContent = error.message;
    byId("problem").hidden = false;
    if (error.status === 401) {
      toast(texts.loginAgain, "failure");
      window.open("/login?next=/logged-in", "_blank", "noopener");
    }
  };

  /** Tries these changes; where they do not fit, all stays as it was and the reason is told. */
  async function change(changes) {
    const mine = ++number;
    try {
      const told = await ask(`${study}/reach`, { method: "POST", body: { scenario: { ...scenario, changes } } });
      if (mine !== number) return;
      scenario.changes = changes;
      now = told;
      byId("problem").hidden = true;
      draw();
    } catch (error) {
      if (mine === number) complain(error);
    }
  }
  const add = (one) => change([...scenario.changes, one]);

  function put(lat, lon, name) {
    if (!facts.canPlace) return;
    const taken = new Set([...now.stations, ...now.closed].map((station) => station.id));
    let index = 1;
    while (taken.has(`N-${index}`)) index += 1;
    const round = (value) => Math.round(value * 1e5) / 1e5;
    add({ kind: "open_station", new: { ...facts.like, id: `N-${index}`, name: name || `${texts.newStation} ${index}`, lat: round(lat), lon: round(lon) } });
  }

  function draw() {
    drawAreas([...facts.areas, ...now.newAreas], now.reach, facts.today);
    drawStations(now.stations, now.closed, chooseStation, (item) => add({ kind: "open_station", station: item.id }));
    byId("figures").replaceChildren(...now.figures.map(figure));
    byId("expected").replaceChildren(); // it was for other changes
    byId("changes").replaceChildren(
      ...now.words.map((words, index) =>
        element("li", {}, words, element("button", { type: "button", "aria-label": `${texts.remove}: ${words}`, on: { click: () => change(scenario.changes.filter((_, at) => at !== index)) } }, "×")),
      ),
    );
    byId("effect").replaceChildren(...effect());
    byId("unsaved").hidden = !isDirty();
    choices(byId("open-station"), now.closed);
    choices(byId("station"), now.stations);
    choices(byId("people-to"), now.stations, byId("people-to").options[0]);
    ofStation();
  }

  function figure({ name, value, delta }) {
    return element("div", {}, element("dt", {}, name), element("dd", {}, value, delta && element("small", {}, ` ${delta}`)));
  }

  function effect() {
    if (!scenario.changes.length) return [element("p", { class: "hint" }, texts.nothing)];
    const told = ["gained", "lost"].filter((kind) => now[`${kind}Areas`]).flatMap((kind) => [
      element("p", { class: kind }, `${texts[kind]}: ${now[`${kind}Areas`]} ${texts.areas}, ${now[`${kind}Tickets`]} ${texts.tickets}`),
      element("ul", { tabindex: "0" }, now[kind].map((area) => element("li", {}, `${area.name || area.id} (${area.tickets})`))),
    ]);
    return told.length ? told : [element("p", { class: "hint" }, texts.same)];
  }

  function choices(select, items, first) {
    const before = select.value;
    select.replaceChildren(...(first ? [first] : []), ...items.map((item) => element("option", { value: item.id }, item.name || item.id)));
    if ([...select.options].some((option) => option.value === before)) select.value = before;
  }

  const chosen = () => now.stations.find((station) => station.id === byId("station").value);

  function ofStation() {
    const station = chosen();
    choices(byId("crew"), (station?.crews || []).map((crew) => ({ id: crew.id, name: `${crew.id} (${crew.people})` })));
    const kits = Object.entries(station?.kits || {});
    byId("kits").replaceChildren(...kits.map(([kit, count]) => element("option", { value: kit }, String(count))));
  }

  function chooseStation(item) {
    byId("station").value = item.id;
    byId("station").closest("details").open = true;
    ofStation();
    byId("station").focus();
  }

  function on(form, make) {
    byId(form).addEventListener("submit", (event) => {
      event.preventDefault();
      make();
    });
  }
  const number_ = (id) => Number(byId(id).value);
  on("put-form", () => put(number_("put-lat"), number_("put-lon"), byId("put-name").value.trim()));
  on("open-form", () => add({ kind: "open_station", station: byId("open-station").value }));
  on("people-form", () => add({ kind: "set_people", station: chosen().id, crew: byId("crew").value, people: number_("people") }));
  on("kits-form", () => add({ kind: "set_kits", station: chosen().id, kit: byId("kit").value.trim(), count: number_("kit-count") }));
  on("move-form", () => add({ kind: "move_station", station: chosen().id, lat: number_("move-lat"), lon: number_("move-lon") }));
  on("close-form", () => add({ kind: "close_station", station: chosen().id, people_to: byId("people-to").value }));
  on("growth-form", () => add({ kind: "growth", factor: number_("factor") }));
  on("promise-form", () => add({ kind: "promise", severity: byId("severity").value, on_site: byId("on-site").value.trim() }));
  byId("station").addEventListener("change", ofStation);
  if (!facts.canPlace) for (const id of ["put-form", "move-form"]) byId(id).hidden = true;
  map.on("click", (event) => put(event.latlng.lat, event.latlng.lng));

  byId("expect").addEventListener("click", async ({ target }) => {
    const mine = number;
    target.disabled = true;
    try {
      const { figures } = await ask(`${study}/formula`, { method: "POST", body: { scenario } });
      if (mine === number) byId("expected").replaceChildren(...figures.map(figure));
    } catch (error) {
      complain(error);
    } finally {
      target.disabled = false;
    }
  });

  byId("save").addEventListener("click", async () => {
    const sent = JSON.stringify(scenario.changes);
    try {
      ({ seen } = await ask(address, { method: "POST", body: { changed: scenario, seen } }));
      kept = sent;
      byId("unsaved").hidden = !isDirty();
      byId("problem").hidden = true;
      toast(texts.saved);
    } catch (error) {
      complain(error);
    }
  });
  window.addEventListener("beforeunload", (event) => isDirty() && event.preventDefault());
  draw();
}
