"use strict";
(function () {
  const colours = { hub: "#d55e00", keep: "#0072b2", open: "#009e73", close: "#4d4d4d", stay_vacant: "#b3b3b3", not_used: "#e0e0e0" };
  const words = { hub: "shared hub", keep: "kept", open: "opened", close: "closed", stay_vacant: "stays vacant", not_used: "candidate, not used" };
  const holder = document.getElementById("map-data");
  if (holder && window.L) draw(JSON.parse(holder.textContent));

  function draw(data) {
    const map = L.map("map", { crs: L.CRS.Simple, minZoom: -12, zoomSnap: 0.25, attributionControl: false });
    const zones = L.layerGroup(), today = L.layerGroup(), plan = L.layerGroup(), streets = L.layerGroup();
    for (const zone of data.zones) {
      const style = { color: "#8a97a3", weight: 0.6, fillColor: shade(zone.change), fillOpacity: 0.75 };
      const shape = zone.rings.length ? L.polygon(zone.rings.map(ring => [ring]), style)
        : L.circleMarker(zone.at, Object.assign({ radius: 5 }, style));
      shape.bindPopup(() => words_of_zone(zone));
      zones.addLayer(shape);
    }
    for (const ring of data.districts) L.polyline(ring, { color: "#37474f", weight: 1.6, interactive: false }).addTo(map);
    for (const line of data.streets) streets.addLayer(L.polyline(line, { color: "#90a4ae", weight: 0.8, interactive: false }));
    for (const building of data.buildings) {
      plan.addLayer(mark(building, building.decision));
      if (building.was !== "candidate") today.addLayer(mark(building, building.was === "open" ? "keep" : "stay_vacant", building.was));
    }
    const points = data.zones.flatMap(zone => zone.rings.length ? zone.rings.flat() : [zone.at]).concat(data.buildings.map(b => b.at));
    map.fitBounds(L.latLngBounds(points).pad(0.02));
    zones.addTo(map); plan.addTo(map);
    toggle("show-zones", zones); toggle("show-streets", streets);
    if (!data.streets.length) document.getElementById("show-streets").parentElement.hidden = true;
    for (const button of document.querySelectorAll("[data-view]")) {
      button.addEventListener("click", () => {
        const isPlan = button.dataset.view === "plan";
        (isPlan ? today : plan).remove(); (isPlan ? plan : today).addTo(map);
        for (const other of document.querySelectorAll("[data-view]")) other.setAttribute("aria-pressed", String(other === button));
      });
    }
    function toggle(id, layer) {
      const box = document.getElementById(id);
      const set = () => { if (box.checked) { layer.addTo(map); } else { layer.remove(); } };
      box.addEventListener("change", set); set();
    }
  }

  function mark(building, decision, was) {
    const hub = decision === "hub";
    const closed = decision === "close" || decision === "stay_vacant" || decision === "not_used";
    const size = hub ? 18 : closed ? 11 : 13;
    const box = document.createElement("span");
    box.style.cssText = `display:block;width:${size}px;height:${size}px;background:${colours[decision]};border:2px solid ${closed ? "#222" : "#fff"};border-radius:${hub ? "3px" : "50%"};box-shadow:0 0 0 1px #333;opacity:${closed ? 0.8 : 1}`;
    const icon = L.divIcon({ className: "", html: box, iconSize: [size, size] });
    const marker = L.marker(building.at, { icon, title: building.name, alt: `${building.name}: ${was || words[decision]}`, keyboard: true, zIndexOffset: hub ? 1000 : closed ? -500 : 0 });
    marker.bindPopup(() => words_of_building(building));
    return marker;
  }

  function words_of_building(b) {
    const box = document.createElement("div");
    add(box, "h3", b.name);
    add(box, "p", `${b.kind} · ${words[b.decision] || b.decision}`);
    add(box, "p", `Today: ${b.before.join(", ") || "no service"}`);
    add(box, "p", `Plan: ${b.after.join(", ") || "no service"}`);
    if (b.why) add(box, "p", b.why);
    return box;
  }

  function words_of_zone(z) {
    const box = document.createElement("div");
    add(box, "h3", z.name);
    add(box, "p", `${z.population.toLocaleString("en-GB")} residents`);
    const show = value => (value === null ? "out of reach" : `${value.toFixed(1)} minutes`);
    add(box, "p", `Average visit: ${show(z.before)} today, ${show(z.after)} in the plan`);
    return box;
  }

  function add(parent, tag, text) {
    const element = document.createElement(tag);
    element.textContent = text;
    parent.appendChild(element);
  }

  function shade(change) {
    if (change === null) return "#cfd8dc";
    const steps = [[-5, "#1b7837"], [-0.5, "#a6dba0"], [0.5, "#f7f7f7"], [5, "#e6c48a"], [15, "#bf812d"]];
    for (const [limit, colour] of steps) if (change <= limit) return colour;
    return "#8c510a";
  }

  for (const table of document.querySelectorAll("table.data")) {
    table.querySelectorAll("th button").forEach((button, column) => button.addEventListener("click", () => sort(table, column, button)));
  }
  function sort(table, column, button) {
    const body = table.tBodies[0], up = button.dataset.up !== "1";
    button.dataset.up = up ? "1" : "0";
    const key = row => { const cell = row.cells[column]; return cell.dataset.k === undefined ? cell.textContent : Number(cell.dataset.k); };
    const rows = Array.from(body.rows).sort((a, b) => {
      const p = key(a), q = key(b);
      const order = typeof p === "number" && typeof q === "number" ? p - q : String(p).localeCompare(String(q), "en", { numeric: true });
      return up ? order : -order;
    });
    body.append(...rows);
    for (const th of table.querySelectorAll("th")) th.removeAttribute("aria-sort");
    button.closest("th").setAttribute("aria-sort", up ? "ascending" : "descending");
  }
  for (const box of document.querySelectorAll("input[data-table]")) {
    box.addEventListener("input", () => {
      const wanted = box.value.toLowerCase();
      for (const row of document.getElementById(box.dataset.table).tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    });
  }
})();
