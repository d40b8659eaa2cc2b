"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const { stations, technicians, demand, skills, kits, reach_s: reach, air_m: air } = page;
  const KINDS = {
    reached: { name: "Reached in time by road", look: { shape: "circle", fill: "#0072b2", edge: "#fff" }, radius: 4.5 },
    broken: { name: "Inside the promise, not reached by road", look: { shape: "diamond", fill: LATE, edge: "#fff" }, radius: 5.5 },
    neither: { name: "Outside both", look: { shape: "cross", fill: "#fff", edge: INK }, radius: 5.5 },
  };
  const view = { kinds: [], nearest: [], able: [] };

  /* ---- choices ---- */
  const options = (place, entries) => place.append(...entries.map(([value, name]) => element("option", { value }, name)));
  options(byId("skill"), [["", "any"], ...skills.map((name, index) => [index, name])]);
  options(byId("kit"), [["", "none needed"], ...kits.map((name, index) => [index, name])]);
  const standards = [...new Set([30, 60, 90, 120, 180, 240, 360, 480, 1440, page.standard_s / 60])].sort((a, b) => a - b);
  options(byId("standard"), standards.map((minutes) => [minutes * 60, `${minutesText(minutes)}${minutes * 60 === page.standard_s ? " (promised)" : ""}`]));
  byId("standard").value = page.standard_s;

  const shiftTimes = technicians.flatMap((technician) => technician.shifts.flat());
  const first = Math.floor(shiftTimes.reduce((a, b) => Math.min(a, b), 0) / 3600) * 3600;
  const last = Math.ceil(shiftTimes.reduce((a, b) => Math.max(a, b), first + 86400) / 3600) * 3600;
  const slider = byId("slider");
  slider.max = (last - first) / 3600;
  slider.value = Math.max(0, Math.round(-first / 3600));

  const chosen = () => ({
    skill: byId("skill").value === "" ? null : Number(byId("skill").value),
    level: Number(byId("level").value),
    kit: byId("kit").value === "" ? null : Number(byId("kit").value),
    moment: byId("by-hour").checked ? first + Number(slider.value) * 3600 : null,
    standard: Number(byId("standard").value),
  });

  const canGo = (technician, { skill, level, moment }) =>
    (skill === null || technician.skills[skill] >= level) &&
    (moment === null || technician.shifts.some(([start, end]) => start <= moment && moment < end));

  /** Which stations can send somebody, with the kit, at the hour. */
  function ableStations(choice) {
    const counts = stations.map(() => 0);
    for (const technician of technicians) if (canGo(technician, choice)) counts[technician.station] += 1;
    return counts.map((count, index) => (choice.kit === null || stations[index].kits[choice.kit] > 0 ? count : 0));
  }

  /** The promise is drawn around every station; the road is driven only from those that can send somebody. */
  function compute() {
    const choice = chosen();
    view.able = ableStations(choice);
    view.kinds = [];
    view.nearest = [];
    demand.forEach((_, point) => {
      let nearest = null;
      let promised = false;
      stations.forEach((__, station) => {
        promised ||= air[station][point] <= page.promise_m;
        const seconds = reach[station][point];
        if (view.able[station] && seconds >= 0 && (nearest === null || seconds < reach[nearest][point])) nearest = station;
      });
      const reached = nearest !== null && reach[nearest][point] <= choice.standard;
      view.nearest.push(nearest);
      view.kinds.push({ kind: reached ? "reached" : promised ? "broken" : "neither", promised });
    });
  }

  function counts() {
    const total = { promised: 0, reached: 0, broken: 0, neither: 0 };
    for (const { kind, promised } of view.kinds) {
      total[kind] += 1;
      if (promised) total.promised += 1;
    }
    return total;
  }

  /* ---- the map ---- */
  const map = baseMap("map", [...stations.map((station) => station.at), ...demand.map(([, , lat, lon]) => [lat, lon])]);
  map.createPane("circles").style.zIndex = 350;
  const circleRenderer = L.canvas({ pane: "circles", padding: 0.3 });
  const renderer = L.canvas({ padding: 0.3, tolerance: 3 });
  const circles = L.layerGroup().addTo(map);
  const around = (station, radius, look) => L.circle(station.at, { radius, renderer: circleRenderer, pane: "circles", interactive: false, ...look });
  const marks = demand.map(([, , lat, lon], index) => {
    const mark = new Mark([lat, lon], { renderer, radius: 5, fade: 1, ...KINDS.reached.look });
    return mark.bindPopup(() => customerPopup(index), { maxWidth: 320, minWidth: 230 }).addTo(map);
  });
  const stationMarks = stations.map((station, index) => {
    const mark = new Mark(station.at, { renderer, radius: 8, shape: "triangle", fill: "#1c2733", edge: "#fff", fade: 1 });
    return mark.bindTooltip(element("span", {}, station.name || station.id)).bindPopup(() => stationPopup(index)).addTo(map);
  });

  function customerPopup(index) {
    const [id, name, , , tier] = demand[index];
    const { kind, promised } = view.kinds[index];
    const station = view.nearest[index];
    const look = KINDS[kind].look;
    const verdict = element("p", { class: `verdict ${kind === "broken" ? "late" : ""}` }, swatch(look.shape, look.fill, look.edge === "#fff" ? look.fill : look.edge), KINDS[kind].name);
    return element("div", {}, element("h3", {}, name || id), element("p", { class: "sub" }, [id, tier && `tier ${tier}`].filter(Boolean).join(" · ")), verdict,
      definitions([
        ["Nearest able station", station === null ? "none at this choice" : stations[station].name || stations[station].id],
        ["By road", station === null ? "" : minutesText(reach[station][index] / 60)],
        ["As the crow flies", station === null ? "" : `${(air[station][index] / 1000).toFixed(0)} km`],
        ["Promise", promised ? "inside a promised circle" : "outside every promised circle"],
      ]));
  }

  function stationPopup(index) {
    const station = stations[index];
    return element("div", {}, element("h3", {}, station.name || station.id), element("p", { class: "sub" }, `Station ${station.id}`),
      definitions([
        ["Can go now", view.able[index] ? `${view.able[index]} of its people` : "nobody at this choice"],
        ["Kits", kits.map((kit, position) => [station.kits[position], kit]).filter(([count]) => count).map(([count, kit]) => `${count} × ${kit}`).join(", ")],
      ]));
  }

  function drawCircles(standard) {
    circles.clearLayers();
    stations.forEach((station, index) => {
      const able = view.able[index] > 0;
      if (byId("show-promise").checked) circles.addLayer(around(station, page.promise_m, { color: "#8a6d1b", weight: 1, dashArray: "6 5", fill: false, opacity: 0.75 }));
      if (byId("show-road").checked && able && page.reach_m_per_s) {
        circles.addLayer(around(station, standard * page.reach_m_per_s, { color: "#0072b2", weight: 1.2, fillColor: "#0072b2", fillOpacity: 0.09 }));
      }
    });
  }

  const share = (count) => [`${count} `, element("small", {}, `${((100 * count) / demand.length).toFixed(1)} %`)];

  function update() {
    compute();
    const choice = chosen();
    const total = counts();
    for (const name of ["promised", "reached", "broken", "neither"]) byId(name).replaceChildren(...share(total[name]));
    byId("reached-name").textContent = `Reached by road in ${minutesText(choice.standard / 60)}`;
    slider.disabled = choice.moment === null;
    byId("moment").textContent = choice.moment === null ? "Any hour" : clock(choice.moment, true);
    slider.setAttribute("aria-valuetext", byId("moment").textContent);
    byId("level").disabled = choice.skill === null;
    const able = view.able.filter((count) => count > 0).length;
    const people = view.able.reduce((a, b) => a + b, 0);
    byId("state").textContent = `${able} of ${stations.length} stations can send somebody (${people} people), everybody taken to be free and at home.`;
    marks.forEach((mark, index) => {
      const { look, radius } = KINDS[view.kinds[index].kind];
      mark.setRadius(radius).setStyle(look);
    });
    stationMarks.forEach((mark, index) => mark.setStyle({ fade: view.able[index] ? 1 : 0.35 }).bringToFront());
    drawCircles(choice.standard);
    fillList();
  }

  /* ---- the list ---- */
  function listed() {
    const which = byId("which").value;
    const needle = byId("search").value.trim().toLocaleLowerCase();
    const fits = (kind) => (which === "outside" ? kind !== "reached" : kind === which);
    const found = [...demand.keys()].filter((index) => fits(view.kinds[index].kind) && (!needle || `${demand[index][0]} ${demand[index][1]}`.toLocaleLowerCase().includes(needle)));
    const seconds = (index) => (view.nearest[index] === null ? Infinity : reach[view.nearest[index]][index]);
    const order = (a, b) => (demand[a][4] || "Z").localeCompare(demand[b][4] || "Z") || (seconds(a) === seconds(b) ? a - b : seconds(a) - seconds(b));
    return found.sort(order);
  }

  function customerRow(index) {
    const [id, name, , , tier] = demand[index];
    const look = KINDS[view.kinds[index].kind].look;
    const station = view.nearest[index];
    const how = station === null ? "no able station" : `${minutesText(reach[station][index] / 60)} from ${stations[station].name || stations[station].id}`;
    const body = element("span", {}, element("b", {}, name || id), element("i", {}, [tier && `tier ${tier}`, how].filter(Boolean).join(" · ")));
    const row = element("button", { type: "button", class: "row" }, swatch(look.shape, look.fill, look.shape === "cross" ? INK : look.fill), body);
    row.addEventListener("click", () => {
      closeDrawer();
      map.setView(marks[index].getLatLng(), Math.max(map.getZoom(), 7), { animate: false });
      marks[index].openPopup();
    });
    return element("li", {}, row);
  }

  function fillList() {
    const found = listed();
    byId("list-name").textContent = `${found.length} ${found.length === 1 ? "customer" : "customers"}: ${byId("which").selectedOptions[0].textContent.toLowerCase()}`;
    byId("list").replaceChildren(...(found.length ? found.map(customerRow) : [element("li", {}, element("p", { class: "empty" }, "No customer here."))]));
  }

  const closeDrawer = drawer();
  for (const id of ["skill", "level", "kit", "standard", "by-hour", "show-promise", "show-road"]) byId(id).addEventListener("change", update);
  slider.addEventListener("input", update);
  byId("search").addEventListener("input", fillList);
  byId("which").addEventListener("change", fillList);
  byId("road-choice").hidden = !page.reach_m_per_s;

  const key = L.control({ position: "bottomright" });
  key.onAdd = () =>
    element("details", { class: "key", open: true }, element("summary", {}, "Key"),
      Object.values(KINDS).map(({ name, look }) => element("div", {}, swatch(look.shape, look.fill, look.shape === "cross" ? INK : look.fill), name)),
      element("div", {}, swatch("triangle", INK), "Station (pale: can send nobody)"),
      element("div", {}, swatch("line", "#8a6d1b", "#8a6d1b", "4 3"), "Promised circle"),
      page.reach_m_per_s ? element("div", {}, swatch("line", "#0072b2"), "Reach by road in the time") : null);
  key.addTo(map);

  const ticks = () => drawTicks(byId("ticks"), first, last);
  window.addEventListener("resize", ticks);
  ticks();
  update();
  window.coverageMap = { map, counts, kinds: () => view.kinds.map(({ kind }) => kind) };
})();
