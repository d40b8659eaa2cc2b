"use strict";

/* Marks drawn on one canvas, so that a thousand of them cost one element. Each kind is told by its shape, not by colour alone. */

const LATE = "#d55e00";
const INK = "#1c2733";

/** A mark of `options.shape` with text in it; `options.shift` moves marks that share one place apart, in pixels. */
const Mark = L.CircleMarker.extend({
  _project() {
    L.CircleMarker.prototype._project.call(this);
    const [x, y] = this.options.shift || [0, 0];
    this._point = this._point.add([x * this._radius, y * this._radius]);
    this._updateBounds();
  },
  _updatePath() {
    const renderer = this._renderer;
    if (renderer._drawing && !this._empty()) drawMark(renderer._ctx, this._point, this._radius, this.options);
  },
});

function outline(context, shape, x, y, r) {
  context.beginPath();
  if (shape === "circle") context.arc(x, y, r, 0, 2 * Math.PI);
  else if (shape === "diamond") polygon(context, [[x, y - r * 1.3], [x + r * 1.3, y], [x, y + r * 1.3], [x - r * 1.3, y]]);
  else if (shape === "triangle") polygon(context, [[x, y - r * 1.15], [x + r * 1.1, y + r * 0.8], [x - r * 1.1, y + r * 0.8]]);
  else polygon(context, [[x - r, y - r], [x + r, y - r], [x + r, y + r], [x - r, y + r]]);
}

function polygon(context, corners) {
  corners.forEach(([x, y], index) => (index ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.closePath();
}

function drawMark(context, point, r, look) {
  const { x, y } = point;
  context.save();
  context.globalAlpha = look.fade;
  context.setLineDash([]);
  if (look.ringed || look.active) {
    const small = r < 7;
    outline(context, look.shape, x, y, r + (look.active ? (small ? 3 : 5) : small ? 2 : 3));
    context.lineWidth = look.active ? (small ? 2 : 3) : 1.3;
    context.strokeStyle = INK;
    context.stroke();
  }
  outline(context, look.shape, x, y, r);
  context.fillStyle = look.fill;
  context.fill();
  context.lineWidth = look.second ? 3 : 1.3;
  context.strokeStyle = look.second || look.edge;
  context.stroke();
  if (look.shape === "cross") drawCross(context, x, y, r * 0.5);
  else if (look.text && r >= 6.5) {
    context.fillStyle = look.ink;
    context.font = `600 ${Math.round(Math.min(13, r * 1.25))}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(look.text, x, y + 0.5);
  }
  context.restore();
}

function drawCross(context, x, y, r) {
  context.beginPath();
  context.moveTo(x - r, y - r);
  context.lineTo(x + r, y + r);
  context.moveTo(x + r, y - r);
  context.lineTo(x - r, y + r);
  context.lineWidth = 2;
  context.strokeStyle = INK;
  context.stroke();
}

/** How a ticket looks when nothing is dimmed. */
function ticketLook(ticket) {
  const first = ticket.visits && page.technicians[ticket.visits[0].technician];
  const other = ticket.visits && ticket.visits.find((visit) => visit.technician !== ticket.visits[0].technician);
  const look = { shape: "circle", fill: first && first.colour, edge: "#fff", ink: "#fff", fade: 1, ringed: ticket.severity === 0, active: false };
  look.text = first ? String(ticket.visits[0].number) : "";
  look.second = other ? page.technicians[other.technician].colour : null;
  if (ticket.doubtful) Object.assign(look, { fill: "#fff", ink: INK, second: look.second || look.fill });
  if (ticket.outcome === "late") Object.assign(look, { shape: "diamond", fill: LATE, edge: look.fill, second: null });
  if (ticket.outcome === "unplanned") Object.assign(look, { shape: "cross", fill: "#fff", edge: INK });
  return look;
}

/** Pixel shifts, in radii, for marks at one place: the first stays, the others stand around it. */
function fanOut(items) {
  const crowd = new Map();
  return items.map((item) => {
    const key = item.at.map((degrees) => degrees.toFixed(4)).join();
    const nth = crowd.get(key) || 0;
    crowd.set(key, nth + 1);
    const ring = Math.ceil(nth / 6);
    const angle = (nth * Math.PI) / 3;
    return nth ? [2.1 * ring * Math.cos(angle), 2.1 * ring * Math.sin(angle)] : [0, 0];
  });
}

/** Radius in pixels by severity (0 is an emergency) and zoom. */
function markRadius(severity, zoom) {
  return Math.max(3.2, Math.min(1, 0.45 + (zoom - 4) / 5) * [10.5, 9, 8][severity]);
}

/** Where a trip's technician is at a moment, and what they do; null before departure and after return. */
function whereabouts(trip, moment) {
  let [lat, lon] = trip.from;
  for (const [activity, start, finish, toLat, toLon] of trip.spells) {
    if (moment < start) return null;
    if (moment < finish) {
      const share = activity === "drive" ? (moment - start) / (finish - start) : 1;
      return { activity, at: [lat + share * (toLat - lat), lon + share * (toLon - lon)] };
    }
    [lat, lon] = [toLat, toLon];
  }
  return null;
}

/** The lines of a trip: towards the customers, and the way home. */
function tripLines(trip) {
  const legs = [trip.from];
  for (const [activity, , , lat, lon] of trip.spells) if (activity === "drive") legs.push([lat, lon]);
  const lastWork = trip.spells.map(([activity]) => activity).lastIndexOf("work");
  const home = trip.spells.slice(lastWork + 1).filter(([activity]) => activity === "drive").length;
  const turn = legs.length - home;
  const colour = page.technicians[trip.technician].colour;
  const look = { color: colour, weight: 2.2, opacity: 0.8, interactive: false, smoothFactor: 1.2 };
  return [
    L.polyline(legs.slice(0, turn), look),
    L.polyline(legs.slice(Math.max(0, turn - 1)), { ...look, weight: 1.2, dashArray: "2 5" }),
  ];
}
