"use strict";
/* Tables that sort and filter, the maps of reach, and the map. No library but Leaflet; no request to anybody. */
(function () {
  document.querySelectorAll("table.data").forEach(function (table) {
    var heads = table.querySelectorAll("thead th");
    heads.forEach(function (head, column) {
      var sorter = head.querySelector("button");
      if (sorter) sorter.addEventListener("click", function () {
        var up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        var body = table.tBodies[0], rows = Array.from(body.rows);
        function key(row) {
          var cell = row.cells[column], v = cell.getAttribute("data-v");
          return v === null ? cell.textContent : v === "" ? null : Number(v);
        }
        rows.sort(function (a, b) {
          var x = key(a), y = key(b);
          if (x === null || x === "") return y === null || y === "" ? 0 : 1; /* missing last */
          if (y === null || y === "") return -1;
          var order = typeof x === "number" && typeof y === "number" ? x - y :
            String(x).localeCompare(String(y), "en", { numeric: true });
          return up ? order : -order;
        });
        rows.forEach(function (row) { body.appendChild(row); });
      });
    });
  });
  document.querySelectorAll("input[data-for]").forEach(function (input) {
    input.addEventListener("input", function () {
      var asked = input.value.trim().toLowerCase();
      Array.from(document.getElementById(input.dataset.for).tBodies[0].rows).forEach(function (row) {
        row.hidden = asked !== "" && row.textContent.toLowerCase().indexOf(asked) < 0;
      });
    });
  });

  var choice = document.getElementById("reach-choice"), store = document.getElementById("reach-data");
  if (choice) {
    var reach = store ? JSON.parse(store.textContent) : null;
    choice.closest("[hidden]").hidden = false;
    choice.addEventListener("change", function () {
      document.querySelectorAll("[data-reach]").forEach(function (part) {
        part.hidden = part.dataset.reach !== choice.value;
      });
      document.querySelectorAll("[data-map]").forEach(function (picture) {
        var seen = reach.views[choice.value][picture.dataset.map];
        picture.querySelectorAll(".zones use").forEach(function (zone, at) {
          zone.setAttribute("fill", reach.colours[parseInt(seen.bands[at], 16)]);
        });
        picture.querySelectorAll(".halo,.dots").forEach(function (path) { path.setAttribute("d", seen.dots); });
        picture.querySelector("desc").textContent = seen.said;
      });
    });
  }

  var holder = document.getElementById("map-data");
  if (!holder || !window.L) return;
  var data = JSON.parse(holder.textContent), view = "change", hidden = {};
  var heavy = data.zones.length + data.streets.length > 3000;
  var map = L.map("map", { preferCanvas: heavy, attributionControl: false, scrollWheelZoom: false,
    zoomSnap: 0.25 });
  map.on("focus", function () { map.scrollWheelZoom.enable(); });
  map.on("blur", function () { map.scrollWheelZoom.disable(); });
  L.control.scale({ imperial: true }).addTo(map);
  ["zones", "streets", "districts", "flows", "buildings"].forEach(function (name, at) {
    map.createPane(name).style.zIndex = 400 + 10 * at;
  });
  var renderers = {};
  function renderer(pane) {
    if (!renderers[pane]) renderers[pane] = heavy ? L.canvas({ pane: pane }) : L.svg({ pane: pane });
    return renderers[pane];
  }

  function text(tag, words) {
    var node = document.createElement(tag);
    node.textContent = words;
    return node;
  }
  function popup(title, facts) {
    var box = document.createElement("div"), list = document.createElement("dl");
    box.appendChild(text("h4", title));
    facts.forEach(function (fact) {
      if (fact[1] === "" || fact[1] === null || fact[1] === undefined) return;
      list.appendChild(text("dt", fact[0]));
      list.appendChild(text("dd", fact[1]));
    });
    box.appendChild(list);
    return box;
  }
  function minutes(v) { return v === null ? "out of reach" : v.toFixed(1) + " minutes"; }
  function signed(v) {
    var size = Math.abs(v).toFixed(1);
    return size === "0.0" ? size : (v > 0 ? "+" : "−") + size;
  }
  function pounds(v) { return v === null ? "" : (v < 0 ? "−£" : "£") + Math.abs(v).toLocaleString("en-GB") + " a year"; }
  function shade(scale, v) {
    if (v === null) return data.missing;
    var at = 0;
    while (at < scale.edges.length && v >= scale.edges[at]) at += 1;
    return scale.colours[at];
  }
  function zoneValue(zone) {
    if (view === "before") return zone.b;
    if (view === "after") return zone.a;
    return zone.a === null || zone.b === null ? null : zone.a - zone.b;
  }
  function zoneStyle(zone) {
    var point = typeof zone.g[0] === "number";
    return { fillColor: shade(view === "change" ? data.change : data.minutes, zoneValue(zone)),
      fillOpacity: 0.78, color: point ? "#777" : "#fff", weight: point ? 0.8 : 0.7 };
  }

  var layers = { zones: L.layerGroup(), streets: L.layerGroup(), districts: L.layerGroup(),
    flows: L.layerGroup(), buildings: L.layerGroup() };
  data.zones.forEach(function (zone) {
    var options = Object.assign({ pane: "zones", renderer: renderer("zones") }, zoneStyle(zone));
    var shape = typeof zone.g[0] === "number"
      ? L.circleMarker(zone.g, Object.assign(options, {
          radius: Math.max(3, Math.min(14, Math.sqrt(zone.p || 0) / 6)) }))
      : L.polygon(zone.g, options);
    shape.zone = zone;
    shape.bindPopup(function () {
      var box = popup(zone.n, [["Residents", (zone.p || 0).toLocaleString("en-GB")],
        ["Today, as sent", minutes(zone.b)], ["In the plan, as sent", minutes(zone.a)],
        ["To the nearest today", minutes(zone.nb)], ["To the nearest in the plan", minutes(zone.na)],
        ["Change", zone.a === null || zone.b === null ? "" :
          signed(zone.a - zone.b) + " minutes"]]);
      if (zone.i && document.getElementById("area-data")) {
        var button = box.appendChild(text("button", "This area in detail"));
        button.type = "button";
        button.addEventListener("click", function () {
          document.dispatchEvent(new CustomEvent("placeopt-area", { detail: zone.i }));
        });
      }
      return box;
    });
    layers.zones.addLayer(shape);
  });
  data.districts.forEach(function (district) {
    L.polygon(district.g, { pane: "districts", renderer: renderer("districts"), fill: false,
      color: "#333", weight: 1.6, interactive: false }).addTo(layers.districts)
      .bindTooltip(document.createTextNode(district.n), { permanent: true, direction: "center",
        className: "district-name", interactive: false });
  });
  if (data.streets.length) {
    L.polyline(data.streets, { pane: "streets", renderer: renderer("streets"), color: "#666",
      weight: 0.7, opacity: 0.6, interactive: false }).addTo(layers.streets);
  }

  function pin(word) {
    var d = data.decisions[word], r = d.radius, c = d.colour, s = 2 * r + 6, m = s / 2, inner = "";
    if (d.shape === "cross") {
      var a = r * 0.8, p = "M" + (m - a) + "," + (m - a) + "L" + (m + a) + "," + (m + a) +
        "M" + (m - a) + "," + (m + a) + "L" + (m + a) + "," + (m - a);
      inner = '<path d="' + p + '" stroke="#fff" stroke-width="5"/><path d="' + p + '" stroke="' + c +
        '" stroke-width="3"/>';
    } else if (d.shape === "square") {
      inner = '<rect x="' + (m - r) + '" y="' + (m - r) + '" width="' + 2 * r + '" height="' + 2 * r +
        '" fill="' + c + '" stroke="#fff" stroke-width="1.6"/>';
    } else if (d.shape === "diamond") {
      inner = '<path d="M' + m + "," + (m - r) + "L" + (m + r) + "," + m + "L" + m + "," + (m + r) +
        "L" + (m - r) + "," + m + 'Z" fill="' + c + '" stroke="#fff" stroke-width="1.6"/>';
    } else {
      var ring = d.shape === "ring";
      inner = '<circle cx="' + m + '" cy="' + m + '" r="' + r + '" fill="' + (ring ? "#ffffffb0" : c) +
        '" stroke="' + (ring ? c : "#fff") + '" stroke-width="1.4"/>';
    }
    return { size: s, html: '<svg width="' + s + '" height="' + s + '" aria-hidden="true">' + inner + "</svg>" };
  }
  function wordOf(b) {
    if (view === "change") return b.d;
    if (view === "before") return b.s === "open" ? "keep" : b.s === "vacant" ? "stay_vacant" : "not_used";
    return b.d === "close" ? null : b.d;
  }
  function labelOf(word) {
    return view !== "change" && word === "keep" ? "Open" : data.decisions[word].label;
  }
  /* Lines of the users of the building chosen: where they go, or where they come from. */
  function drawFlows(at) {
    layers.flows.clearLayers();
    data.flows.forEach(function (flow) {
      if (flow[0] !== at && flow[1] !== at) return;
      var from = data.buildings[flow[0]], to = data.buildings[flow[1]];
      L.polyline([[from.y, from.x], [to.y, to.x]], { pane: "flows", renderer: renderer("flows"),
        className: "flow", color: data.flow, opacity: 0.85, interactive: false,
        weight: Math.max(1.5, Math.min(10, Math.sqrt(flow[2]) / 18)) }).addTo(layers.flows);
      L.circleMarker([to.y, to.x], { pane: "flows", renderer: renderer("flows"), radius: 9,
        color: data.flow, weight: 2, fill: false, interactive: false }).addTo(layers.flows);
    });
  }
  function drawBuildings() {
    layers.buildings.clearLayers();
    var seen = {};
    data.buildings.forEach(function (b, at) {
      var word = wordOf(b);
      if (word === null || !data.decisions[word]) return;
      seen[word] = (seen[word] || 0) + 1;
      if (hidden[word] || (word === "not_used" && hidden[word] === undefined)) return;
      var d = data.decisions[word], marker, said = labelOf(word);
      if (heavy && (word === "keep" || word === "not_used")) {
        marker = L.circleMarker([b.y, b.x], { pane: "buildings", renderer: renderer("buildings"),
          radius: d.radius, fillColor: d.colour, fillOpacity: 1, color: "#fff", weight: 1 });
      } else {
        var p = pin(word);
        marker = L.marker([b.y, b.x], { pane: "buildings", alt: b.n + ": " + said, title: b.n,
          zIndexOffset: word === "keep" ? 0 : 1000,
          icon: L.divIcon({ className: "pin pin-" + word, html: p.html, iconSize: [p.size, p.size] }) });
      }
      marker.bindPopup(function () {
        return popup(b.n, [["Kind", b.k], ["In the plan", b.l], ["Tier", b.t],
          ["Services today", b.was], ["Services in the plan", b.now],
          ["Open, and nobody is sent there", b.idle], ["What ends here", b.ends],
          ["Its users go to", b.go], ["Not served any more", b.lost], ["Minutes added", b.ways],
          ["For whom", b.who], ["Users who come from", b.take], ["Running cost today", pounds(b.rb)],
          ["In the plan", pounds(b.ra)], ["Why", b.w]]);
      }, { maxWidth: 360 });
      marker.on("popupopen", function () { drawFlows(at); });
      marker.on("popupclose", function () { layers.flows.clearLayers(); });
      layers.buildings.addLayer(marker);
    });
    return seen;
  }
  function drawKinds(seen) {
    var box = document.querySelector(".kinds");
    box.replaceChildren();
    Object.keys(data.decisions).reverse().forEach(function (word) {
      if (!seen[word]) return;
      var label = document.createElement("label"), input = document.createElement("input");
      input.type = "checkbox";
      input.checked = !(hidden[word] || (word === "not_used" && hidden[word] === undefined));
      input.addEventListener("change", function () {
        hidden[word] = !input.checked;
        drawBuildings();
      });
      label.appendChild(input);
      label.appendChild(document.createTextNode(" " + labelOf(word).toLowerCase() + " (" + seen[word] + ")"));
      box.appendChild(label);
    });
  }
  function drawLegend(seen) {
    var box = document.getElementById("legend"), scale = view === "change" ? data.change : data.minutes;
    box.replaceChildren(text("strong", view === "change" ? "Minutes gained or lost:" :
      "Mean minutes to the nearest service:"));
    scale.colours.forEach(function (colour, at) {
      var item = document.createElement("span"), patch = document.createElement("i");
      patch.style.background = colour;
      item.appendChild(patch);
      item.appendChild(document.createTextNode(scale.words[at]));
      box.appendChild(item);
    });
    Object.keys(data.decisions).reverse().forEach(function (word) {
      if (!seen[word]) return;
      var item = document.createElement("span");
      item.innerHTML = pin(word).html; /* our own shapes only */
      item.appendChild(document.createTextNode(labelOf(word)));
      box.appendChild(item);
    });
  }
  function draw() {
    layers.zones.eachLayer(function (shape) { shape.setStyle(zoneStyle(shape.zone)); });
    var seen = drawBuildings();
    drawKinds(seen);
    drawLegend(seen);
  }
  document.querySelectorAll("[data-view]").forEach(function (button) {
    button.addEventListener("click", function () {
      view = button.dataset.view;
      document.querySelectorAll("[data-view]").forEach(function (other) {
        other.setAttribute("aria-pressed", String(other === button));
      });
      draw();
    });
  });
  document.querySelectorAll("[data-layer]").forEach(function (box) {
    box.addEventListener("change", function () {
      var layer = layers[box.dataset.layer];
      if (box.checked) layer.addTo(map); else layer.remove();
    });
  });
  var everything = L.featureGroup();
  layers.zones.eachLayer(function (shape) { everything.addLayer(shape); });
  if (!data.zones.length) {
    data.buildings.forEach(function (b) { everything.addLayer(L.circleMarker([b.y, b.x])); });
  }
  var bounds = everything.getBounds();
  map.fitBounds(bounds.isValid() ? bounds.pad(0.02) : [[49.9, -6], [55.8, 1.8]]);
  Object.keys(layers).forEach(function (name) { layers[name].addTo(map); });
  draw();
})();
