/* The map of the plan page: stations, routes, and a mark for each ticket, all on one canvas. */

/** Draws `facts` on the map; `choose` is called with the index of a ticket that is clicked. */
export function planMap(facts, choose) {
  const map = baseMap("map", [...facts.stations, ...facts.tickets].map((item) => item.at));
  const renderer = L.canvas({ padding: 0.3, tolerance: 3 });
  const routes = L.layerGroup().addTo(map);
  let marks = [];
  for (const station of facts.stations) {
    new Mark(station.at, { renderer, radius: 6, shape: "triangle", fill: "#41505d", edge: "#fff", fade: 1 })
      .bindTooltip(element("span", {}, station.name || station.id))
      .addTo(map);
  }

  function draw() {
    routes.clearLayers();
    for (const line of facts.trips.flatMap(tripLines)) {
      L.setOptions(line, { renderer });
      routes.addLayer(line);
    }
    const shifts = fanOut(facts.tickets);
    marks = facts.tickets.map((ticket, index) => {
      const mark = new Mark(ticket.at, { renderer, shift: shifts[index], radius: markRadius(ticket.severity, map.getZoom()), ...ticketLook(ticket) });
      routes.addLayer(mark.on("click", () => choose(index, "map")));
      return mark;
    });
  }

  draw();
  map.on("zoomend", () => marks.forEach((mark, index) => mark.setRadius(markRadius(facts.tickets[index].severity, map.getZoom()))));
  return {
    draw,
    mark: (index, active) => marks[index].setStyle({ active }),
    show(index) {
      const place = marks[index].getLatLng();
      if (map.getZoom() >= 7 && map.getBounds().pad(-0.1).contains(place)) return;
      map.setView(place, Math.max(map.getZoom(), 7), { animate: false });
    },
    fit: () => map.invalidateSize({ animate: false }),
  };
}
