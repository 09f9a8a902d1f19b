// @ts-check
/* The map's controls: region, layer, what is shown and by which colour, search, comparing, the legend. */
import { announce, button, byId, described, element, nl, percent, showTip } from "../dom.js";
import { CaseloadMap } from "../map/map.js";
import { isDark, teamColour } from "../map/paint.js";
import * as state from "../state.js";
import { app, current, look, teamText } from "./app.js";
import { choose, facts } from "./choosing.js";
import { remember } from "./session.js";

const inRegion = () => (app.map.region < 0 ? app.all : app.all.filter((a) => app.map.isInside(a)));

/** Five steps around or up from nothing: colours of a measure, for light and dark. */
const SCALES = {
  deviation: { text: "belasting ten opzichte van het eigen deel", hues: [250, 250, 0, 60, 40],
    steps: [-0.1, -0.03, 0.03, 0.1], shown: (v) => percent(v) },
  waiting: { text: "wachttijd in maanden", hues: [150, 150, 150, 150, 150], shown: (v) => nl(v, 1) },
  uncertainty: { text: "onzekerheid: half 80%-interval tegenover het werk", hues: [70, 70, 70, 70, 70],
    shown: (v) => `${nl(v * 100, 1)}%`, of: (row) => (row.hours > 0 ? (row.high - row.low) / 2 / row.hours : null) },
  lock_age: { text: "leeftijd van de vergrendeling", hues: [20, 20, 20, 20, 20], steps: [30, 90, 180, 365],
    shown: (v) => `${nl(v)} dagen`, ofArea: true },
  travel_km: { text: "afstand tot kantoor in km", hues: [300, 300, 300, 300, 300], shown: (v) => nl(v, 1) },
};
const LIGHTNESS = { light: [0.93, 0.86, 0.78, 0.69, 0.6], dark: [0.27, 0.34, 0.42, 0.5, 0.58] };

function shadeOf(name, step) {
  const isAround = name === "deviation", theme = isDark() ? "dark" : "light";
  const far = isAround ? Math.abs(step - 2) * 2 : step, chroma = isAround && step === 2 ? 0.01 : 0.04 + 0.02 * far;
  return `oklch(${LIGHTNESS[theme][far]} ${chroma} ${SCALES[name].hues[step]})`;
}

/** Colours of the teams by a measure: fixed steps, else fifths of what there is. */
function shades(name, rows) {
  const scale = SCALES[name], measured = (row) => (scale.of ? scale.of(row) : row[name]);
  const values = rows.map(measured).filter((v) => v !== null).sort((a, b) => a - b);
  const steps = scale.steps || [0.2, 0.4, 0.6, 0.8].map((part) => values[Math.floor(part * (values.length - 1))]);
  const stepOf = (v) => steps.filter((edge) => v > edge).length;
  const known = rows.filter((row) => measured(row) !== null);
  return { shades: new Map(known.map((row) => [row.id, shadeOf(name, stepOf(measured(row)))])), steps };
}

/** Colours of postcodes by the age of their lock; what has no lock has no colour. */
function agesOfLocks() {
  const { steps } = SCALES.lock_age, ages = state.lockAges(current().locks, state.dutchDate(new Date()));
  return new Map([...ages].map(([code, age]) => [app.pc4At.get(code),
    shadeOf("lock_age", steps.filter((edge) => age > edge).length)]));
}

/** The kind of partner of which the borders are shown, and what a cut costs in a division. */
function partnerSign() {
  const kind = app.value.partners.find((one) => one.of === app.map.partner);
  if (!kind) return [];
  const price = kind.price > 0 ? `een extra team kost ${nl(kind.price, 2)}` : "zonder prijs in de verdeling";
  return [element("li", `┅ grens van ${kind.name}: ${price}`)];
}

function drawLegend(rows) {
  const { map } = app, scale = SCALES[map.colour], place = byId("legenda");
  const swatch = (colour, text) => {
    const item = element("li"), box = element("span", undefined, { class: "staal", "aria-hidden": "true" });
    box.style.background = colour;
    item.append(box, text);
    return item;
  };
  const signs = [element("li", "▣ kantoor"), element("li", "▬ grens van de regio"), ...partnerSign()];
  if (!scale) {
    map.shades = map.areaShades = null;
    const first = map.value.teams.slice(0, 2).map((team) => teamColour(map, team));
    place.replaceChildren(...(map.colour === "changes" || map.mode === "changes"
      ? [element("li", "▨ wisselt van team")] : [swatch(first[0], "elk team een eigen kleur")]), ...signs);
    return;
  }
  map.areaShades = scale.ofArea ? agesOfLocks() : null;
  const made = scale.ofArea ? { shades: null, steps: scale.steps } : shades(map.colour, rows);
  map.shades = made.shades;
  const edge = (i) => (i === 0 ? `tot ${scale.shown(made.steps[0])}` : `vanaf ${scale.shown(made.steps[i - 1])}`);
  place.replaceChildren(element("li", scale.text, { class: "kop" }),
    ...[0, 1, 2, 3, 4].map((i) => swatch(shadeOf(map.colour, i), edge(i))), ...signs);
}

export function showTeam(id) {
  const team = app.value.teams.findIndex((one) => one.id === id);
  const areas = app.all.filter((a) => app.map.teamOf(a) === team);
  if (!areas.length) return announce("Dit team heeft geen gebied in deze laag.");
  if (byId("tabellen").getAttribute("aria-expanded") === "true") byId("tabellen").click();
  app.map.zoomTo(areas);
  announce(`Kaart ingezoomd op ${id}.`);
}

/** What a text finds: postcodes and places, gemeenten, teams and offices. @param {string} text */
export function matches(text) {
  const wanted = text.trim().toLowerCase(), { areas, gemeenten, teams } = app.value;
  if (wanted.length < 2) return [];
  const isCode = /^[0-9]{2,4}([a-z]{2})?$/.test(wanted.replace(/\s/g, ""));
  const has = (a) => (isCode ? areas.pc4[a].startsWith(wanted.slice(0, 4))
    : areas.place[a].toLowerCase().includes(wanted));
  const toAreas = (found, isChosen) => () => {
    app.map.zoomTo(found);
    if (found.length === 1) app.map.zoomBy(0.3);
    if (isChosen) choose(found);
  };
  const towns = gemeenten.map((name, g) => ({ name, g })).filter(({ name }) => name.toLowerCase().includes(wanted));
  const ofTown = (g) => app.all.filter((a) => areas.gemeente[a] === g);
  const named = (team) => `${team.id} ${team.name} ${team.office}`.toLowerCase().includes(wanted);
  return [
    ...towns.slice(0, 4).map(({ name, g }) => ({ text: `gemeente ${name}`, go: toAreas(ofTown(g), true) })),
    ...app.all.filter(has).slice(0, 6).map((a) => (
      { text: `${areas.pc4[a]} ${areas.place[a]}`, go: toAreas([a], true) })),
    ...teams.filter(named).slice(0, 5).map((team) => (
      { text: `${team.name} (${team.id})`, go: () => showTeam(team.id) })),
  ];
}

function wireSearch() {
  const close = () => byId("gevonden").replaceChildren();
  byId("zoek").addEventListener("input", (event) => {
    const found = matches(event.target.value);
    byId("gevonden").replaceChildren(...found.map(({ text, go }) => {
      const item = element("li");
      item.append(button(text, () => { go(); close(); }));
      return item;
    }));
    if (event.target.value.trim().length > 1) announce(`${found.length} gevonden.`);
  });
  byId("zoekformulier").addEventListener("submit", (event) => {
    event.preventDefault();
    const [first] = matches(byId("zoek").value);
    close();
    if (first) first.go();
    else announce("Niets gevonden.");
  });
  byId("zoekformulier").addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
}

/** Show a region (position, -1 the country) and zoom to it. */
export function showRegion(position) {
  app.map.show({ region: position });
  app.nowMap.show({ region: position });
  app.map.zoomTo(inRegion());
}

function wireView() {
  const { map, nowMap } = app;
  byId("laag").addEventListener("change", (event) => {
    map.show({ layer: Number(event.target.value) });
    nowMap.show({ layer: Number(event.target.value) });
    choose([]);
    remember();
    look("Andere laag: rekent…");
  });
  byId("regio").addEventListener("change", (event) => {
    showRegion(event.target.value === "" ? -1 : Number(event.target.value));
    remember();
    look("Andere regio: rekent…");
  });
  byId("beeld").addEventListener("change", (event) => {
    map.show({ mode: event.target.value });
    remember();
    drawLegend(app.latest.teams);
  });
  byId("kleur").addEventListener("change", (event) => {
    map.show({ colour: event.target.value });
    remember();
    drawLegend(app.latest.teams);
    map.draw();
  });
  byId("partners").append(...app.value.partners.map((one) => element("option", one.name, { value: one.kind })));
  byId("partners").addEventListener("change", (event) => {
    const kind = app.value.partners.find((one) => one.kind === event.target.value);
    map.show({ partner: kind ? kind.of : null });
    drawLegend(app.latest.teams);
  });
  byId("groter").addEventListener("click", () => map.zoomBy(1.5));
  byId("kleiner").addEventListener("click", () => map.zoomBy(1 / 1.5));
  byId("heel").addEventListener("click", () => map.zoomTo(inRegion()));
  const wayToChoose = (isLassoing, isBrushing) => {
    Object.assign(map, { isLassoing, isBrushing });
    byId("lasso").setAttribute("aria-pressed", String(isLassoing));
    byId("penseel").setAttribute("aria-pressed", String(isBrushing));
  };
  byId("lasso").addEventListener("click", () => wayToChoose(!map.isLassoing, false));
  byId("penseel").addEventListener("click", () => wayToChoose(false, !map.isBrushing));
  byId("vergelijk").addEventListener("click", () => {
    const isOn = byId("vergelijk").getAttribute("aria-pressed") !== "true";
    byId("vergelijk").setAttribute("aria-pressed", String(isOn));
    byId("nu-bak").hidden = !isOn;
    byId("vergelijking").hidden = !isOn;
    document.querySelector(".kaarten")?.classList.toggle("twee", isOn);
    map.onView = isOn ? () => nowMap.follow(map) : () => {};
    map.zoomTo(inRegion());
  });
}

export function wireMap() {
  const { value } = app;
  app.map = new CaseloadMap(byId("kaart"), value);
  app.nowMap = new CaseloadMap(byId("kaart-nu"), value, app.map);
  app.nowMap.mode = "now";
  byId("regio").append(...value.regions.map((name, r) => element("option", name, { value: r })));
  app.map.onPick = (area, isMore) => { if (area >= 0) choose([area], isMore); };
  app.map.onLasso = (areas, isMore) => choose(areas, isMore);
  app.map.onHover = (area, x, y) => showTip(byId("tip"), app.map, area < 0 ? [] : facts(area), x, y);
  if (matchMedia("(min-width: 64rem)").matches) byId("kaart").dataset.wheel = "ja";
  wireView();
  wireSearch();
  app.drawn.push((answer) => drawLegend(answer.teams));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (app.latest) drawLegend(app.latest.teams);
  });
}

export { described, teamText };
