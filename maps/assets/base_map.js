"use strict";

/* What every map page shares: its data, the offline base map, and building elements without ever parsing text as HTML. */

const page = JSON.parse(document.getElementById("data").textContent);

/** An element with attributes and children; strings become text nodes, never markup. */
function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "on") for (const [event, handler] of Object.entries(value)) made.addEventListener(event, handler);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** A rows-of-two definition list; entries whose value is empty are left out. */
function definitions(entries) {
  const rows = entries.filter(([, value]) => value !== "" && value !== null && value !== undefined && value.length !== 0);
  return element("dl", {}, rows.map(([term, value]) => [element("dt", {}, term), element("dd", {}, value)]).flat());
}

/** A small square, circle or diamond of colour, drawn as SVG so that no inline style is needed. */
function swatch(shape, fill, stroke, dash) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "swatch");
  svg.setAttribute("aria-hidden", "true");
  const paths = {
    circle: "M8 1.5a6.5 6.5 0 1 0 .01 0z",
    diamond: "M8 .8 15.2 8 8 15.2.8 8z",
    cross: "M2 2h12v12H2zM5 5l6 6M11 5l-6 6",
    triangle: "M8 1.5 15 14H1z",
    line: "M1 8h14",
    square: "M2 2h12v12H2z",
  };
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", paths[shape]);
  path.setAttribute("fill", shape === "line" ? "none" : fill);
  path.setAttribute("stroke", stroke || fill);
  path.setAttribute("stroke-width", shape === "line" ? "4" : "1.6");
  if (dash) path.setAttribute("stroke-dasharray", dash);
  svg.append(path);
  return svg;
}

const IN_CHINESE = document.documentElement.lang.startsWith("zh");

/** Minutes as "2 h 05 min", in Chinese "2 小时 05 分", up to the whole one. */
function minutesText(minutes) {
  const whole = Math.ceil(minutes);
  if (IN_CHINESE) {
    if (whole < 60) return `${whole} 分钟`;
    const rest = whole % 60 ? ` ${String(whole % 60).padStart(2, "0")} 分` : "";
    return `${Math.floor(whole / 60)} 小时${rest}`;
  }
  const hours = `${Math.floor(whole / 60)} h`;
  if (whole < 60) return `${whole} min`;
  return whole % 60 ? `${hours} ${String(whole % 60).padStart(2, "0")} min` : hours;
}

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A moment in the time zone of the case, whatever zone the reader sits in; `seconds` counts from the page's epoch. */
function clock(seconds, withDay) {
  const moment = new Date((page.epoch + page.offset + seconds) * 1000);
  const time = `${String(moment.getUTCHours()).padStart(2, "0")}:${String(moment.getUTCMinutes()).padStart(2, "0")}`;
  if (withDay && IN_CHINESE) return `${moment.getUTCMonth() + 1}月${moment.getUTCDate()}日 ${time}`;
  return withDay ? `${WEEKDAYS[moment.getUTCDay()]} ${moment.getUTCDate()} ${MONTHS[moment.getUTCMonth()]} ${time}` : time;
}

/** Whole days since 1970 in the time zone of the case. */
function dayOf(seconds) {
  return Math.floor((page.epoch + page.offset + seconds) / 86400);
}

function decodeRing(flat) {
  const ring = [];
  for (let i = 0, lat = 0, lon = 0; i < flat.length; i += 2) {
    lat += flat[i];
    lon += flat[i + 1];
    ring.push([lat / 100, lon / 100]);
  }
  return ring;
}

/** The map with province outlines and city names, fitted to `points`; nothing of it comes from a server. */
function baseMap(id, points) {
  const map = L.map(id, { preferCanvas: true, zoomControl: false, minZoom: 3, maxZoom: 14, zoomSnap: 0.25, wheelPxPerZoomLevel: 90 });
  map.attributionControl.setPrefix("Leaflet");
  map.attributionControl.addAttribution("city names © GeoNames, CC BY 4.0 · outlines china-geojson, MIT");
  L.control.zoom({ position: "topright" }).addTo(map);
  map.createPane("land").classList.add("pane-land");
  map.createPane("names").classList.add("pane-names");
  const landRenderer = L.canvas({ pane: "land", padding: 0.3 });
  const look = { renderer: landRenderer, pane: "land", interactive: false, color: "#c3ccd6", weight: 1, fillColor: "#fcfcfa", fillOpacity: 1 };
  for (const [, rings] of page.base.provinces) for (const ring of rings) L.polygon(decodeRing(ring), look).addTo(map);
  if (points.length) map.fitBounds(L.latLngBounds(points).pad(0.06), { animate: false, maxZoom: 10 });
  else map.setView([34, 108], 4);
  cityNames(map);
  keepPopupsClear(map);
  // Paper has another shape than the screen.
  window.matchMedia("print").addEventListener("change", () => map.invalidateSize({ animate: false }));
  return map;
}

/**
 * Popups move the map until they lie clear of its edges and of what floats over it: beside zoom and key. A narrow map has no room
 * beside them, so there the zoom buttons make way (`reading`) until the popup is closed.
 */
function keepPopupsClear(map) {
  const place = map.getContainer();
  const [topLeft, bottomRight] = [L.point(4, 4), L.point(4, 24)]; // changed in place: every popup of the page has these two
  L.Popup.mergeOptions({ autoPanPaddingTopLeft: topLeft, autoPanPaddingBottomRight: bottomRight });
  function measure() {
    const boxes = [place, ...place.querySelectorAll(".leaflet-control-zoom, .key")].map((each) => each.getBoundingClientRect());
    const aside = Math.max(...boxes.slice(1).map((box) => box.width && boxes[0].right - box.left));
    bottomRight.x = boxes[0].width > 700 ? aside + 8 : 4;
  }
  map.on("resize", measure);
  map.on("popupopen popupclose", (event) => place.classList.toggle("reading", event.type === "popupopen"));
  place.addEventListener("toggle", measure, true); // the key, when it is put in place and when it is folded
  measure();
}

/** City names that never overlap each other, the more important first. */
function cityNames(map) {
  const group = L.layerGroup().addTo(map);
  function place() {
    group.clearLayers();
    const size = map.getSize();
    const taken = [];
    for (const [name, lat, lon, tier] of page.base.cities) {
      if (tier && tier > map.getZoom() - 4.5) continue;
      const at = map.latLngToContainerPoint([lat, lon]);
      if (at.x < 0 || at.y < 0 || at.x > size.x || at.y > size.y) continue;
      const width = 13 * name.length + 10;
      const box = [at.x - 6, at.y - 9, at.x + width, at.y + 9];
      if (taken.some((other) => box[0] < other[2] + 24 && other[0] < box[2] + 24 && box[1] < other[3] + 10 && other[1] < box[3] + 10)) continue;
      taken.push(box);
      const icon = L.divIcon({ className: "city", html: element("span", {}, name), iconSize: null });
      L.marker([lat, lon], { icon, pane: "names", interactive: false, keyboard: false }).addTo(group);
    }
  }
  map.on("moveend zoomend resize", place);
  place();
}

/** Hour marks under a slider that runs from `first` to `last` (seconds since the epoch), as many as fit. */
function drawTicks(place, first, last) {
  const hours = (last - first) / 3600;
  const step = [1, 2, 3, 4, 6, 12, 24, 48, 96].find((candidate) => (hours / candidate) * 46 <= place.clientWidth) || 168;
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const startHour = Math.floor((page.epoch + page.offset + first) / 3600) % 24;
  for (let hour = (step - (startHour % step)) % step; hour <= hours; hour += step) {
    const at = first + hour * 3600;
    const text = document.createElementNS(space, "text");
    text.setAttribute("x", `${(hour / hours) * 100}%`);
    text.setAttribute("y", "11");
    text.textContent = clock(at) === "00:00" && hour ? clock(at, true).slice(0, -6) : clock(at);
    svg.append(text);
  }
  place.replaceChildren(svg);
}

/** Makes the button of a small screen open and close the panel; returns what closes it. */
function drawer() {
  const [panel, button] = [document.getElementById("panel"), document.getElementById("drawer")];
  const close = () => {
    panel.classList.remove("open");
    button.setAttribute("aria-expanded", "false");
  };
  button.addEventListener("click", () => button.setAttribute("aria-expanded", panel.classList.toggle("open")));
  document.addEventListener("keydown", (event) => event.key === "Escape" && close());
  return close;
}
