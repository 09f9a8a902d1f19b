// @ts-check
/* Comparing any two of versions, proposals and drafts: both maps, what differs hatched, and the tables. */
import { ask } from "../api.js";
import { announce, byId, element, fillSelect, nl, percent, several } from "../dom.js";
import { drawTable, numberCell } from "../tables.js";
import { app, current, layerKey, look, regionNr, safely, say } from "./app.js";
import { compareLink, remember } from "./session.js";

const SCREEN = "nu";

/** @param {string} chosen a value of the selects */
function sideOf(chosen) {
  if (chosen === SCREEN) return { run: app.run, changes: current() };
  const id = chosen.slice(2);
  return chosen.startsWith("d:") ? { run: app.run, draft_id: Number(id) } : { run: id };
}

/** What can be compared: what is on the screen, versions, drafts. @param {any[]} drafts */
export function offerSides(drafts) {
  const versions = [...byId("versie").options].map((one) => [`v:${one.value}`, `versie ${one.text}`.slice(0, 70)]);
  const kept = drafts.map((one) => [`d:${one.draft_id}`, `concept ${one.name}`]);
  const all = [...versions, ...kept, [SCREEN, "wat nu op het scherm staat"]];
  const before = byId("vergelijk-b").value;
  fillSelect(byId("vergelijk-a"), all);
  fillSelect(byId("vergelijk-b"), all);
  if (!before) byId("vergelijk-b").value = SCREEN;
}

const TEAM_COLUMNS = [
  { name: "Team", cell: (row) => row.id },
  { name: "Uren A", cell: (row) => numberCell(nl(row.hours_a), row.hours_a) },
  { name: "Uren B", cell: (row) => numberCell(nl(row.hours_b), row.hours_b) },
  { name: "Afwijking A", cell: (row) => numberCell(percent(row.deviation_a), row.deviation_a) },
  { name: "Afwijking B", cell: (row) => numberCell(percent(row.deviation_b), row.deviation_b) },
  { name: "Gebieden A", cell: (row) => numberCell(nl(row.areas_a), row.areas_a) },
  { name: "Gebieden B", cell: (row) => numberCell(nl(row.areas_b), row.areas_b) },
];
const CHANGE_COLUMNS = [
  { name: "Postcode", cell: (row) => row.pc4 }, { name: "Plaats", cell: (row) => row.place },
  { name: "Laag", cell: (row) => row.layer }, { name: "Team A", cell: (row) => row.a },
  { name: "Team B", cell: (row) => row.b },
];
const FIGURE_COLUMNS = [
  { name: "Cijfer", cell: (row) => row.name }, { name: "A", cell: (row) => row.a }, { name: "B", cell: (row) => row.b },
];

/** The plans of the answer as positions on the map; teams that it does not know are added to it. */
function onMap(answer) {
  const { value } = app, known = new Map(value.teams.map((team, t) => [team.id, t]));
  answer.team_ids.forEach((id, i) => {
    if (known.has(id)) return;
    known.set(id, value.teams.length);
    value.teams.push({ id, name: id, kind: "", office: "", at: -1, colour: i % value.palette.light.length });
  });
  const at = answer.pc4.map((code) => app.pc4At.get(code));
  return answer.plans.map((side) => side.map((plan) => {
    const own = app.all.map(() => -1);
    plan.forEach((team, i) => { if (team >= 0 && at[i] !== undefined) own[at[i]] = known.get(answer.team_ids[team]); });
    return own;
  }));
}

function drawDifference(answer) {
  const [a, b] = answer.names, plans = onMap(answer);
  app.map.show({ compared: plans, hatchesChanges: true });
  app.nowMap.show({ compared: plans, hatchesChanges: true });
  byId("bijschrift-nu").textContent = `A: ${a}`;
  byId("bijschrift").textContent = `B: ${b}`;
  byId("vergelijk-kop-tekst").textContent = `${a} tegenover ${b}`;
  drawTable(byId("vergelijk-cijfers"), FIGURE_COLUMNS, answer.figures);
  drawTable(byId("vergelijk-teams"), TEAM_COLUMNS, answer.teams);
  drawTable(byId("vergelijk-verschil"), CHANGE_COLUMNS, answer.changes);
  const count = new Set(answer.changes.map((row) => row.pc4)).size;
  const found = count ? several(count, "postcode verschilt", "postcodes verschillen") : "Geen verschil";
  const text = `A: ${a}, B: ${b}. ${found}.`;
  byId("vergelijk-uitkomst").textContent = text;
  return text;
}

let asked = 0;

/** Compare the two that are chosen; asked again when layer, region or changes differ. */
async function compareChosen() {
  const own = ++asked, [a, b] = ["vergelijk-a", "vergelijk-b"].map((id) => byId(id).value);
  const answer = await ask("api/compare", { a: sideOf(a), b: sideOf(b), layer: layerKey(), region: regionNr() });
  if (own !== asked) return;
  compareLink(`${a}~${b}`);
  document.body.classList.add("vergelijkt");
  if (byId("vergelijk").getAttribute("aria-pressed") !== "true") byId("vergelijk").click();
  byId("vergelijk-twee").hidden = byId("vergelijk-stop").hidden = false;
  const text = drawDifference(answer);
  remember();
  announce(text);
  say(text);
}

async function stop() {
  asked += 1;
  compareLink("");
  document.body.classList.remove("vergelijkt");
  byId("vergelijk-twee").hidden = byId("vergelijk-stop").hidden = true;
  byId("vergelijk-uitkomst").textContent = "";
  byId("bijschrift-nu").textContent = "Nu";
  byId("bijschrift").textContent = "Met uw wijzigingen";
  for (const map of [app.map, app.nowMap]) map.show({ compared: null, hatchesChanges: false });
  if (byId("vergelijk").getAttribute("aria-pressed") === "true") byId("vergelijk").click();
  remember();
  await look("Vergelijking gesloten: rekent…");
}

/** Open the comparison that a link names. @param {string | undefined} link */
export async function openComparison(link) {
  const chosen = (link ?? "").split("~");
  const isOffered = (one) => [...byId("vergelijk-a").options].some((option) => option.value === one);
  if (chosen.length !== 2 || !chosen.every(isOffered)) return;
  [byId("vergelijk-a").value, byId("vergelijk-b").value] = chosen;
  await compareChosen();
}

export function wireComparing() {
  byId("vergelijk-vraag").addEventListener("submit", safely((event) => {
    event.preventDefault();
    return compareChosen();
  }));
  byId("vergelijk-stop").addEventListener("click", safely(stop));
  byId("vergelijk-tabellen").addEventListener("click", () => byId("tabellen").click());
  app.drawn.push(() => { if (document.body.classList.contains("vergelijkt")) safely(compareChosen)(null); });
}
