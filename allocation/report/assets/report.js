"use strict";
/* The report's own wiring: the map's controls, search, and the tables per region that are made when opened. */

const value = JSON.parse(document.getElementById("kaartgegevens").textContent);
const byId = (id) => document.getElementById(id);
const map = new CaseloadMap(byId("kaart"), value);
const all = value.areas.pc4.map((_, a) => a);
const inRegion = (r) => all.filter((a) => value.areas.region[a] === r);
const nl = (number, decimals = 0) => number === null ? "–" : number.toLocaleString("nl-NL", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
const teamName = (t) => (t < 0 ? "geen team" : `${value.teams[t].name} (${value.teams[t].id})`);

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, content] of Object.entries(attributes)) made.setAttribute(name, content);
  return made;
}

function facts(area) {
  const layer = value.layers[map.layer], { areas } = value;
  const shares = layer.splits[area];
  const proposed = shares
    ? shares.map(([t, share]) => `${value.teams[t].id} ${nl(share * 100)}%`).join(", ")
    : teamName(layer.proposal[area]);
  return [
    ["Postcode", `${areas.pc4[area]} ${areas.place[area]}`],
    ["Gemeente", value.gemeenten[areas.gemeente[area]]],
    ["Arbeidsmarktregio", value.regions[areas.region[area]]],
    ["Team in het voorstel", proposed],
    ["Team nu", teamName(layer.now[area])],
    ["Verwacht werk", layer.clients[area] === null ? "niet getoond: een klein aantal cliënten"
      : `${nl(layer.hours[area], 1)} uur en ${nl(layer.clients[area], 1)} cliënten per jaar`],
  ];
}

function tell(area) {
  const place = byId("gebied");
  place.replaceChildren(...facts(area).flatMap(([name, text]) => [element("dt", name), element("dd", text)]));
  map.selected = new Set([area]);
  map.draw();
}

function showTeam(team) {
  const plan = map.mode === "now" ? "now" : "proposal";
  let at = [map.layer, 0, 1, 2].find((l) => value.layers[l][plan].includes(team));
  if (at === undefined) return announce("Dit team heeft geen gebied op de kaart.");
  byId("laag").value = String(at);
  map.show({ layer: at });
  map.zoomTo(all.filter((a) => value.layers[at][plan][a] === team));
  announce(`Kaart ingezoomd op ${teamName(team)}.`);
}

// --- controls ---

byId("laag").addEventListener("change", (event) => map.show({ layer: Number(event.target.value) }));
document.querySelectorAll("input[name=beeld]").forEach((radio) => {
  radio.addEventListener("change", () => map.show({ mode: radio.value }));
});
byId("regio").addEventListener("change", (event) => {
  map.zoomTo(event.target.value === "" ? all : inRegion(Number(event.target.value)));
});
byId("groter").addEventListener("click", () => map.zoomBy(1.5));
byId("kleiner").addEventListener("click", () => map.zoomBy(1 / 1.5));
byId("heel").addEventListener("click", () => { byId("regio").value = ""; map.zoomTo(all); });

map.onHover = (area, x, y) => {
  const tip = byId("tip");
  tip.hidden = area < 0;
  if (area < 0) return;
  tip.replaceChildren(...facts(area).map(([name, text]) => {
    const row = element("div");
    row.append(element("b", `${name}: `), text);
    return row;
  }));
  const wide = map.canvas.clientWidth;
  tip.style.left = `${x > wide * 0.6 ? Math.max(0, x - 330) : x + 16}px`;
  tip.style.top = `${y + 16}px`;
};
map.onPick = (area) => { if (area >= 0) tell(area); };

// --- search ---

function matches(text) {
  const wanted = text.trim().toLowerCase();
  if (wanted.length < 2) return [];
  const areas = all.filter((a) => value.areas.pc4[a].startsWith(wanted.slice(0, 4)) || value.areas.place[a].toLowerCase().includes(wanted));
  const teams = value.teams.map((_, t) => t).filter((t) => `${value.teams[t].id} ${value.teams[t].name} ${value.teams[t].office}`.toLowerCase().includes(wanted));
  return [
    ...areas.slice(0, 8).map((a) => ({ text: `${value.areas.pc4[a]} ${value.areas.place[a]}`, go: () => { map.zoomTo([a]); map.zoomBy(0.35); tell(a); } })),
    ...teams.slice(0, 8).map((t) => ({ text: teamName(t), go: () => showTeam(t) })),
  ];
}

byId("zoek").addEventListener("input", (event) => {
  const found = matches(event.target.value);
  byId("gevonden").replaceChildren(...found.map((one) => {
    const item = element("li"), button = element("button", one.text, { type: "button" });
    button.addEventListener("click", one.go);
    item.append(button);
    return item;
  }));
  if (event.target.value.trim().length >= 2) announce(found.length ? `${found.length} gevonden.` : "Niets gevonden.");
});
byId("zoekformulier").addEventListener("submit", (event) => {
  event.preventDefault();
  const first = matches(byId("zoek").value)[0];
  if (first) first.go();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-team]");
  if (!button) return;
  showTeam(value.teams.findIndex((team) => team.id === button.dataset.team));
  byId("kaart-kop").scrollIntoView({ block: "start" });
});

// --- a table per region, made when it is opened ---

const COLUMNS = ["Postcode", "Plaats", "Gemeente", "Vangnetlijn nu", "Vangnetlijn voorstel", "Werkgeverslijn nu",
  "Werkgeverslijn voorstel", "PW nu", "PW voorstel", "Uren ZW en WIA", "Uren PW"];

function regionTable(region) {
  const table = element("table", undefined, { class: "sortable" }), [vangnet, werkgever, pw] = value.layers;
  table.append(element("caption", `Alle postcodes van ${value.regions[region]}`));
  const head = table.createTHead().insertRow();
  COLUMNS.forEach((name) => {
    const cell = element("th", undefined, { scope: "col", "data-naam": name });
    cell.append(element("button", name, { type: "button" }));
    head.append(cell);
  });
  const body = table.createTBody(), id = (t) => (t < 0 ? "geen" : value.teams[t].id);
  for (const a of inRegion(region)) {
    const row = body.insertRow();
    const lines = value.areas.apart[a] ? [vangnet.hours[a], werkgever.hours[a]] : [vangnet.hours[a]];
    const hours = lines.includes(null) ? null : lines.reduce((sum, one) => sum + one);
    row.append(element("th", value.areas.pc4[a], { scope: "row" }));
    [value.areas.place[a], value.gemeenten[value.areas.gemeente[a]], id(vangnet.now[a]), id(vangnet.proposal[a]),
      id(werkgever.now[a]), id(werkgever.proposal[a]), id(pw.now[a]), id(pw.proposal[a])].forEach((text) => row.append(element("td", text)));
    [hours, pw.hours[a]].forEach((amount) => row.append(element("td", nl(amount, 1), { class: "getal", "data-v": amount ?? "" })));
    if ([vangnet, werkgever, pw].some((layer) => layer.now[a] !== layer.proposal[a])) row.className = "gewijzigd";
  }
  return table;
}

document.querySelectorAll("details[data-region]").forEach((details) => {
  details.addEventListener("toggle", () => {
    const place = details.querySelector(".gebieden");
    if (!details.open || place.firstChild) return;
    const table = regionTable(Number(details.dataset.region));
    place.append(table);
    makeSortable(table);
  });
});
byId("open-alles").addEventListener("click", () => {
  document.querySelectorAll("details[data-region]").forEach((details) => { details.open = true; });
});

prepareTables(document);
document.documentElement.dataset.ready = "ja";
