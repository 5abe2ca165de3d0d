"use strict";
/* My area: today's places and the plan's of one zone, from the data in this file. */
(function () {
  var store = document.getElementById("area-data"), input = document.getElementById("area-input");
  if (!store || !input) return;
  var data = JSON.parse(store.textContent), box = document.getElementById("area-answer");
  var NEAR_M = 5000, MOST_NEAR = 6;
  input.closest("[hidden]").hidden = false;

  function node(tag, words, parent, attributes) {
    var made = document.createElement(tag);
    if (words !== undefined && words !== null) made.textContent = words;
    Object.keys(attributes || {}).forEach(function (name) { made.setAttribute(name, attributes[name]); });
    if (parent) parent.appendChild(made);
    return made;
  }
  function label(zone) { return zone[1] === zone[0] ? zone[0] : zone[1] + " (" + zone[0] + ")"; }
  var labels = data.zones.map(label), list = document.getElementById("area-list");
  labels.forEach(function (words, at) {
    node("option", data.zones[at][2], list, { value: words });
  });

  function found(asked) {
    var wanted = asked.trim().toLowerCase(), hits = [];
    if (!wanted) return hits;
    data.zones.forEach(function (zone, at) {
      var names = [zone[0].toLowerCase(), zone[1].toLowerCase(), labels[at].toLowerCase()];
      if (names.indexOf(wanted) >= 0) hits.unshift(at);
      else if (names[2].indexOf(wanted) >= 0) hits.push(at);
    });
    var exact = hits.filter(function (at) {
      return labels[at].toLowerCase() === wanted || data.zones[at][0].toLowerCase() === wanted;
    });
    return exact.length ? exact.slice(0, 1) : hits;
  }
  function minutes(v) { return v === null ? "not in reach" : v.toFixed(1) + " min"; }
  /* Means over the places, by share; null where one is out of reach. */
  function mean(places, mode) {
    var total = 0, weight = 0;
    for (var n = 0; n < places.length; n += 1) {
      if (places[n][2 + mode] === null) return null;
      total += places[n][1] * places[n][2 + mode];
      weight += places[n][1];
    }
    return weight ? total / weight : null;
  }
  function named(places) {
    if (!places.length) return "nowhere: not served";
    return places.map(function (place) {
      var name = data.buildings[place[0]][0];
      return places.length > 1 || place[1] < 99 ? name + " " + place[1] + " %" : name;
    }).join("; ");
  }
  function same(a, b) {
    return a.length === b.length && a.every(function (place, n) {
      return place[0] === b[n][0] && Math.abs(place[1] - b[n][1]) < 1;
    });
  }
  function added(before, after, mode) {
    var was = mean(before, mode), now = mean(after, mode);
    if (was === null) return now === null ? "" : "now in reach";
    if (now === null) return "no longer in reach";
    var change = now - was;
    return Math.abs(change) < 0.05 ? "as today" :
      Math.abs(change).toFixed(1) + (change > 0 ? " longer" : " shorter");
  }
  function row(body, words, places, first, span, beside) {
    var line = node("tr", null, body, first ? { "class": "first" } : {});
    if (first) node("th", first, line, { scope: "rowgroup", rowspan: span });
    node("th", words, line, { scope: "row", "class": "when" });
    node("td", named(places), line);
    data.modes.forEach(function (way, mode) {
      var cell = node("td", null, line, { "class": "num", "data-way": capital(way) });
      if (places.length) cell.appendChild(document.createTextNode(minutes(mean(places, mode))));
      if (beside) {
        var change = added(beside, places, mode);
        if (change && change !== "as today") node("span", change, cell, { "class": "added" });
      }
    });
  }
  function capital(words) { return words.charAt(0).toUpperCase() + words.slice(1); }
  function services(at) {
    var wrap = node("div", null, box, { "class": "scroll whole", tabindex: "0", role: "region",
      "aria-label": "Places of each service" });
    var table = node("table", null, wrap, { "class": "data area" });
    node("caption", "Places and minutes of each service, today and in the plan", table);
    var head = node("tr", null, node("thead", null, table));
    ["Service", "When", "Place"].concat(data.modes.map(capital)).forEach(function (words, n) {
      node("th", words, head, { scope: "col", "class": n > 2 ? "num plain" : "plain" });
    });
    data.rows[at].forEach(function (entry) {
      var body = node("tbody", null, table), name = data.services[entry[0]];
      if (same(entry[1], entry[2])) row(body, "As today", entry[2], name, 1);
      else {
        row(body, "Today", entry[1], name, 2);
        row(body, "The plan", entry[2], null, 0, entry[1]);
      }
    });
  }
  function ends(building) {
    return building[3].map(function (end) { return data.services[end[0]] + " (" + end[1] + ")"; }).join(", ");
  }
  function near(at) {
    var zone = data.zones[at], used = {};
    data.rows[at].forEach(function (entry) {
      entry[1].forEach(function (place) {
        data.buildings[place[0]][3].forEach(function (end) {
          if (end[0] === entry[0]) (used[place[0]] = used[place[0]] || []).push(data.services[entry[0]]);
        });
      });
    });
    var all = data.buildings.map(function (building, n) {
      var far = zone[3] === null || building[1] === null ? Infinity :
        Math.hypot(zone[3] - building[1], zone[4] - building[2]);
      return { n: n, far: far, used: used[n] || [] };
    }).filter(function (b) {
      return data.buildings[b.n][3].length && (b.used.length || b.far <= NEAR_M);
    });
    all.sort(function (a, b) { return (b.used.length > 0) - (a.used.length > 0) || a.far - b.far; });
    var most = all.filter(function (b) { return b.used.length; }).length;
    var shown = all.slice(0, Math.max(most, MOST_NEAR));
    node("h4", "What closes near by", box);
    if (!shown.length) {
      node("p", "Nothing that this area uses closes, nor anything within 5 km.", box);
      return;
    }
    var items = node("ul", null, box);
    shown.forEach(function (b) {
      var building = data.buildings[b.n], item = node("li", null, items);
      node("strong", building[0], item);
      var words = isFinite(b.far) ? ", " + (b.far / 1000).toFixed(1) + " km away" : "";
      words += building[4] ? ", closes: " : ", stays open but loses: ";
      words += ends(building) + ".";
      if (b.used.length) words += " This area uses it today for " + b.used.join(", ") + ".";
      item.appendChild(document.createTextNode(words));
    });
    if (all.length > shown.length) node("p", (all.length - shown.length) + " more within 5 km.", box,
      { "class": "note" });
  }
  function show(at) {
    var zone = data.zones[at], moved = data.rows[at].filter(function (entry) {
      return !same(entry[1], entry[2]);
    }).length;
    box.replaceChildren();
    node("h3", label(zone), box);
    node("p", (zone[2] ? zone[2] + ". " : "") + zone[5].toLocaleString("en-GB") + " residents. " +
      (moved ? moved + " of " + data.rows[at].length + (moved === 1 ? " services changes" : " services change") +
        " place." : "Every service stays where it is used today."), box);
    services(at);
    near(at);
  }
  function ask() {
    var hits = found(input.value);
    if (hits.length === 1) show(hits[0]);
    else {
      box.replaceChildren();
      if (!input.value.trim()) return;
      node("p", hits.length ? hits.length + " areas have this in their name; pick one:" :
        "No area has this name or id.", box);
      var items = node("ul", null, box, { "class": "hits" });
      hits.slice(0, 12).forEach(function (at) {
        node("button", labels[at] + (data.zones[at][2] ? ", " + data.zones[at][2] : ""),
          node("li", null, items), { type: "button" }).addEventListener("click", function () {
          input.value = labels[at];
          show(at);
          input.focus();
        });
      });
    }
  }
  input.addEventListener("input", ask);
  document.addEventListener("placeopt-area", function (event) {
    var at = data.zones.findIndex(function (zone) { return zone[0] === event.detail; });
    if (at < 0) return;
    input.value = labels[at];
    show(at);
    document.getElementById("my-area").scrollIntoView();
    input.focus({ preventScroll: true });
  });
  if (/^#area=/.test(location.hash)) {
    input.value = decodeURIComponent(location.hash.slice(6));
    ask();
  }
})();
