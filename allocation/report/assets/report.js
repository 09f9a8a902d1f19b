// @ts-check
/* The report's own wiring: the map's controls, search, and the tables per region that are made when opened. */
import { announce, button, byId, described, element, nl, showTip } from "./dom.js";
import { CaseloadMap } from "./map/map.js";
import { drawTable, numberCell, prepareTables } from "./tables.js";

/** What `report.packed` wrote. */
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const opened = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(opened).text());
}

const value = await unpacked(byId("kaartgegevens").textContent);
const map = new CaseloadMap(byId("kaart"), value);
const all = value.areas.pc4.map((_, a) => a);
const inRegion = (r) => all.filter((a) => value.areas.region[a] === r);
const teamName = (t) => (t < 0 ? "geen team" : `${value.teams[t].name} (${value.teams[t].id})`);

/** @returns {[string, string][]} */
function facts(area) {
  const layer = value.layers[map.layer], { areas } = value, shares = layer.splits[area];
  const proposed = shares
    ? shares.map(([t, share]) => `${value.teams[t].id} ${nl(share * 100)}%`).join(", ")
    : teamName(layer.proposal[area]);
  const work = layer.clients[area] === null ? "niet getoond: een klein aantal cliënten"
    : `${nl(layer.hours[area], 1)} uur en ${nl(layer.clients[area], 1)} cliënten per jaar`;
  return [
    ["Postcode", `${areas.pc4[area]} ${areas.place[area]}`], ["Gemeente", value.gemeenten[areas.gemeente[area]]],
    ["Arbeidsmarktregio", value.regions[areas.region[area]]], ["Team in het voorstel", proposed],
    ["Team nu", teamName(layer.now[area])], ["Verwacht werk", work],
  ];
}

function choose(area) {
  byId("gebied").replaceChildren(...described(facts(area)));
  map.selected = new Set([area]);
  map.draw();
}

function showTeam(team) {
  const plan = map.mode === "now" ? "now" : "proposal";
  const at = [map.layer, 0, 1, 2].find((l) => value.layers[l][plan].includes(team));
  if (at === undefined) return announce("Dit team heeft geen gebied op de kaart.");
  byId("laag").value = String(at);
  map.show({ layer: at });
  map.zoomTo(all.filter((a) => value.layers[at][plan][a] === team));
  announce(`Kaart ingezoomd op ${teamName(team)}.`);
}

// --- page one: both maps of where most changes ---

function drawDecision() {
  const place = /** @type {HTMLElement} */ (document.querySelector(".bladkaarten"));
  const region = place.dataset.region === undefined ? -1 : Number(place.dataset.region);
  const areas = region < 0 ? all : inRegion(region);
  const changed = value.layers.map((layer) => areas.filter((a) => layer.now[a] !== layer.proposal[a]).length);
  const layer = changed.indexOf(Math.max(...changed));
  for (const [id, mode] of [["kaart-nu-blad", "now"], ["kaart-voorstel-blad", "proposal"]]) {
    if (!byId(id)) continue;
    const twin = new CaseloadMap(byId(id), value, map);
    twin.hatchesChanges = mode === "proposal";
    twin.namesChanges = true;
    twin.show({ mode, layer, region });
    twin.zoomTo(areas);
  }
}

// --- controls ---

function showRegion(position) {
  map.show({ region: position });
  map.zoomTo(position < 0 ? all : inRegion(position));
}

byId("laag").addEventListener("change", (event) => map.show({ layer: Number(event.target.value) }));
document.querySelectorAll("input[name=beeld]").forEach((node) => {
  const radio = /** @type {HTMLInputElement} */ (node);
  radio.addEventListener("change", () => map.show({ mode: radio.value }));
});
byId("regio").addEventListener("change", ({ target }) => showRegion(target.value === "" ? -1 : Number(target.value)));
byId("groter").addEventListener("click", () => map.zoomBy(1.5));
byId("kleiner").addEventListener("click", () => map.zoomBy(1 / 1.5));
byId("heel").addEventListener("click", () => {
  byId("regio").value = "";
  showRegion(-1);
});
map.onHover = (area, x, y) => showTip(byId("tip"), map, area < 0 ? [] : facts(area), x, y);
map.onPick = (area) => { if (area >= 0) choose(area); };

// --- search ---

function matches(text) {
  const wanted = text.trim().toLowerCase(), { areas, gemeenten, teams } = value;
  if (wanted.length < 2) return [];
  const has = (a) => areas.pc4[a].startsWith(wanted.slice(0, 4)) || areas.place[a].toLowerCase().includes(wanted);
  const named = (t) => `${teams[t].id} ${teams[t].name} ${teams[t].office}`.toLowerCase().includes(wanted);
  const toArea = (a) => () => {
    map.zoomTo([a]);
    map.zoomBy(0.35);
    choose(a);
  };
  const towns = gemeenten.map((name, g) => ({ name, g })).filter(({ name }) => name.toLowerCase().includes(wanted));
  return [
    ...all.filter(has).slice(0, 8).map((a) => ({ text: `${areas.pc4[a]} ${areas.place[a]}`, go: toArea(a) })),
    ...towns.slice(0, 4).map(({ name, g }) => (
      { text: `gemeente ${name}`, go: () => map.zoomTo(all.filter((a) => areas.gemeente[a] === g)) })),
    ...teams.map((_, t) => t).filter(named).slice(0, 8).map((t) => ({ text: teamName(t), go: () => showTeam(t) })),
  ];
}

byId("zoek").addEventListener("input", (event) => {
  const found = matches(event.target.value);
  byId("gevonden").replaceChildren(...found.map(({ text, go }) => {
    const item = element("li");
    item.append(button(text, go));
    return item;
  }));
  if (event.target.value.trim().length >= 2) announce(found.length ? `${found.length} gevonden.` : "Niets gevonden.");
});
byId("zoekformulier").addEventListener("submit", (event) => {
  event.preventDefault();
  const [first] = matches(byId("zoek").value);
  if (first) first.go();
});
document.addEventListener("click", (event) => {
  const target = /** @type {HTMLElement} */ (event.target), opener = target.closest("button[data-team]");
  if (!opener) return;
  const id = /** @type {HTMLElement} */ (opener).dataset.team;
  showTeam(value.teams.findIndex((team) => team.id === id));
  byId("kaart-kop").scrollIntoView({ block: "start" });
});

// --- a table per region, made when it is opened ---

const [vangnet, werkgever, pw] = value.layers;
const idOf = (t) => (t < 0 ? "geen" : value.teams[t].id);
const held = (name, layer, plan) => ({ name, cell: (a) => idOf(layer[plan][a]) });
const hoursCell = (amount) => numberCell(nl(amount, 1), amount);

function hoursOfLines(a) {
  const lines = value.areas.apart[a] ? [vangnet.hours[a], werkgever.hours[a]] : [vangnet.hours[a]];
  return lines.includes(null) ? null : lines.reduce((sum, one) => sum + one);
}

const AREA_COLUMNS = [
  { name: "Postcode", cell: (a) => value.areas.pc4[a] },
  { name: "Plaats", cell: (a) => value.areas.place[a] },
  { name: "Gemeente", cell: (a) => value.gemeenten[value.areas.gemeente[a]] },
  held("Vangnetlijn nu", vangnet, "now"),
  held("Vangnetlijn voorstel", vangnet, "proposal"),
  held("Werkgeverslijn nu", werkgever, "now"),
  held("Werkgeverslijn voorstel", werkgever, "proposal"),
  held("PW nu", pw, "now"),
  held("PW voorstel", pw, "proposal"),
  { name: "Uren ZW en WIA", cell: (a) => hoursCell(hoursOfLines(a)) },
  { name: "Uren PW", cell: (a) => hoursCell(pw.hours[a]) },
];

function regionTable(region) {
  const table = element("table", undefined, { class: "sortable" });
  table.append(element("caption", `Alle postcodes van ${value.regions[region]}`));
  drawTable(table, AREA_COLUMNS, inRegion(region));
  inRegion(region).forEach((a, i) => {
    const isOther = value.layers.some((layer) => layer.now[a] !== layer.proposal[a]);
    table.tBodies[0].rows[i].className = isOther ? "gewijzigd" : "";
  });
  return table;
}

document.querySelectorAll("details[data-region]").forEach((node) => {
  const details = /** @type {HTMLDetailsElement} */ (node);
  details.addEventListener("toggle", () => {
    const place = /** @type {HTMLElement} */ (details.querySelector(".gebieden"));
    if (details.open && !place.firstChild) place.append(regionTable(Number(details.dataset.region)));
  });
});
function openFor(hash) {
  const target = hash.length > 1 ? byId(decodeURIComponent(hash.slice(1))) : null;
  for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
  if (target) target.scrollIntoView();
}

window.addEventListener("hashchange", () => openFor(location.hash));
byId("open-bijlagen").addEventListener("click", () => {
  document.querySelectorAll("details.bijlage").forEach((node) => {
    /** @type {HTMLDetailsElement} */ (node).open = true;
  });
});
byId("open-alles").addEventListener("click", () => {
  document.querySelectorAll("details[data-region]").forEach((node) => {
    /** @type {HTMLDetailsElement} */ (node).open = true;
  });
});

prepareTables(document);
drawDecision();
openFor(location.hash);
/** For tests: the map. */
Object.assign(window, { caseload: { map, value } });
document.documentElement.dataset.ready = "ja";
