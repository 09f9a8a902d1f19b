// @ts-check
/* Choosing postcodes, what they hold, which teams can take them, and trying that out. */
import { ask } from "../api.js";
import { announce, button, byId, described, element, fillSelect, nl, percent, several } from "../dom.js";
import * as state from "../state.js";
import { drawTable, numberCell } from "../tables.js";
import { app, changes, codesChosen, commit, current, Failure, fail, forget, layerKey, question, refresh, safely, say,
  teamText, tryOut } from "./app.js";

/** @param {number} area @returns {[string, string][]} */
export function facts(area) {
  const { areas, gemeenten, regions, layers } = app.value, layer = layers[app.map.layer];
  const clients = layer.clients[area];
  const work = clients === null ? "niet getoond: een klein aantal cliënten"
    : `${nl(layer.hours[area], 1)} uur, ${nl(clients, 1)} cliënten per jaar`;
  return [
    ["Postcode", `${areas.pc4[area]} ${areas.place[area]}`], ["Gemeente", gemeenten[areas.gemeente[area]]],
    ["Regio", regions[areas.region[area]]], ["Nu", teamText(layer.now[area])],
    ["Voorstel", teamText(layer.proposal[area])],
    ["Na uw wijzigingen", teamText(app.map.plans[app.map.layer][area])], ["Verwacht werk", work],
  ];
}

function drawSelection() {
  const { value, map, selection } = app, layer = value.layers[map.layer], areas = [...selection];
  const one = areas.length === 1 ? areas[0] : -1;
  const sum = (key) => areas.reduce((total, a) => total + (layer[key][a] ?? 0), 0);
  byId("gebied").replaceChildren(...(one < 0 ? [] : described(facts(one))));
  byId("keuze").textContent = areas.length > 1
    ? `${nl(areas.length)} postcodes gekozen: ${nl(sum("hours"))} uur, ${nl(sum("clients"))} cliënten per jaar.`
    : "";
  byId("eerste-keer").hidden = !app.mayPlan || areas.length > 0 || app.history.past.length > 0
    || !state.isEmpty(current());
  byId("slot-keuze").textContent = areas.length
    ? `Gekozen: ${codesChosen().slice(0, 6).join(", ")}${areas.length > 6 ? ` en nog ${areas.length - 6}` : ""}.`
    : "Nog geen postcode gekozen; klik op de kaart.";
}

/** @param {number[]} areas @param {boolean} [isMore] */
export function choose(areas, isMore = false) {
  app.selection = new Set(isMore ? [...app.selection, ...areas] : areas);
  app.map.selected = app.selection;
  app.map.draw();
  byId("codes").value = codesChosen().join(" ");
  drawSelection();
  const first = areas.length ? app.map.plans[app.map.layer][areas[0]] : -1;
  if (first >= 0) byId("slot-team").value = app.value.teams[first].id;
  safely(suggest)(null);
}

/** The team, with what goes wrong there. */
function takerCell(row) {
  const cell = element("th", undefined, { scope: "row" }), title = `Bekijk wat er gebeurt bij ${row.team_id}`;
  const wrong = [...(row.is_within ? [] : ["buiten tolerantie"]), ...(row.is_contiguous ? [] : ["breekt een gebied"])];
  cell.append(button(row.team_id, () => look(row.team_id), { class: "naar-kaart", title }));
  cell.append(element("small", wrong.join(", ") || "past", wrong.length ? { class: "let-op" } : {}));
  return cell;
}

const SUGGESTION_COLUMNS = [
  { name: "Team", cell: takerCell },
  { name: "Ruimte (uur)", cell: (row) => numberCell(nl(row.room_hours), row.room_hours) },
  { name: "Afwijking", cell: (row) => numberCell(
    `${percent(row.deviation_before)} → ${percent(row.deviation_after)}`, row.deviation_after) },
  { name: "Gever", cell: (row) => numberCell(percent(row.giver_after), row.giver_after) },
];

let asked = 0;

export async function suggest() {
  const place = byId("suggesties"), own = ++asked;
  place.hidden = true;
  if (!app.selection.size || !app.mayPlan) return;
  const postcodes = codesChosen().slice(0, 500);
  const rows = await ask("api/suggestions", question({ postcodes, changes: changes() }));
  if (own !== asked) return;
  place.hidden = false;
  drawTable(place.querySelector("table"), SUGGESTION_COLUMNS, rows);
  const what = postcodes.length === 1 ? "deze postcode" : "deze postcodes";
  announce(rows.length ? `${several(rows.length, "team kan", "teams kunnen")} ${what} overnemen.`
    : "Er grenst geen ander team aan deze postcodes.");
}

/* Where both client lines have the same teams, a move in one is a move in the other. */
const layerOf = (area) => (app.map.layer === 1 && !app.value.areas.apart[area] ? "vangnet" : layerKey());

function moved(team) {
  const move = (a) => ({ layer: layerOf(a), pc4: app.value.areas.pc4[a], team_id: team });
  return state.withMoves(changes(), [...app.selection].map(move));
}

async function look(team) {
  if (!app.selection.size) return;
  const codes = codesChosen(), what = codes.length === 1 ? `postcode ${codes[0]}` : `${codes.length} postcodes`;
  const next = moved(team);
  if (!await tryOut(next, `${what} naar ${team}`)) return;
  byId("voorbeeld-tekst").textContent = `Voorbeeld: ${what} naar ${team}. De cijfers en de kaart tonen het al; `
    + "toegepast is het nog niet.";
  byId("voorbeeld").hidden = false;
  byId("toepassen").onclick = safely(async () => {
    await commit(next, `${what} naar ${team}`);
    await suggest();
  });
  byId("toepassen").focus();
  announce(byId("voorbeeld-tekst").textContent);
}

async function cancel() {
  app.preview = null;
  await refresh();
  announce("Voorbeeld geannuleerd.");
  say("Voorbeeld geannuleerd.");
}

function drawCuts(cuts) {
  const part = (title, list) => {
    if (!list.length) return [];
    const items = element("ul");
    list.forEach(({ team_id, pieces, loose }) => {
      const more = loose.length > 8 ? ` en nog ${loose.length - 8}` : "", verb = loose.length > 1 ? "liggen" : "ligt";
      items.append(element("li", `${team_id}: ${pieces} delen; los ${verb} ${loose.slice(0, 8).join(", ")}${more}`));
    });
    return [element("h3", title), items];
  };
  const fresh = cuts.filter((cut) => cut.is_new), old = cuts.filter((cut) => !cut.is_new), place = byId("stukken");
  place.className = fresh.length ? "waarschuwing" : "";
  place.replaceChildren(...part("Door uw wijziging niet meer aaneengesloten", fresh));
  if (!old.length) return;
  const known = element("details");
  const title = element("summary", `Was al niet aaneengesloten (${old.length})`);
  known.append(title, ...part("Zonder uw wijzigingen al zo", old));
  place.append(known);
}

export function wireChoosing() {
  byId("kies").addEventListener("submit", safely((event) => {
    event.preventDefault();
    forget();
    const { codes, wrong } = state.typedCodes(byId("codes").value, (code) => app.pc4At.has(code));
    if (wrong) throw new Failure(wrong);
    choose(codes.map((code) => /** @type {number} */ (app.pc4At.get(code))));
    if (!codes.length) return;
    app.map.zoomTo([...app.selection]);
    app.map.zoomBy(0.3);
  }));
  byId("wis").addEventListener("click", () => {
    forget();
    choose([]);
  });
  byId("ander-bekijk").addEventListener("click", safely(() => look(byId("ander").value)));
  byId("annuleren").addEventListener("click", () => cancel().catch(fail));
  app.drawn.push((answer) => {
    byId("voorbeeld").hidden = !app.preview;
    drawSelection();
    drawCuts(answer.cuts);
    const own = answer.teams.map((row) => [row.id, row.id]);
    for (const id of ["ander", "slot-team", "slot-tweede", "fte-team"]) fillSelect(byId(id), own);
  });
}

export { current };
