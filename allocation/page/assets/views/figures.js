// @ts-check
/* The five figures above the map, all figures, and the tables of teams and changes. */
import { ask } from "../api.js";
import { button, byId, element, nl, percent } from "../dom.js";
import { drawTable, numberCell } from "../tables.js";
import { app, question, safely } from "./app.js";
import { drawCharts } from "./charts.js";
import { showTeam } from "./mapview.js";

const COLUMNS = [["Nu", "now"], ["Voorstel", "proposal"], ["Na uw wijzigingen", "draft"]];

function deviationCell(row) {
  const cell = numberCell(percent(row.deviation), row.deviation);
  if (!row.is_within) cell.append(" ", element("strong", "buiten tolerantie", { class: "let-op" }));
  return cell;
}

function teamCell(row) {
  return button(row.id, () => showTeam(row.id), { class: "naar-kaart", title: `Toon ${row.id} op de kaart` });
}

const amount = (name, key, decimals = 0) => (
  { name, cell: (row) => numberCell(nl(row[key], decimals), row[key]) });

const TEAM_COLUMNS = [
  { name: "Team", cell: teamCell },
  { name: "Naam", cell: (row) => row.name },
  { name: "Kantoor", cell: (row) => row.office },
  amount("Fte", "fte", 1),
  amount("Werk (uur)", "hours"),
  amount("Capaciteit (uur)", "capacity"),
  { name: "Belasting", cell: (row) => numberCell(`${nl(row.load * 100, 1)}%`, row.load) },
  { name: "80%-interval", cell: (row) => numberCell(`${nl(row.low)} tot ${nl(row.high)}`, row.low) },
  { name: "Afwijking van het eigen deel", cell: deviationCell },
  amount("Verandering (uur)", "change"),
  amount("Gebieden", "areas"),
  { name: "Delen", cell: (row) => numberCell(nl(row.pieces), row.pieces, row.pieces > 1 ? "niet aaneengesloten" : "") },
  amount("Afstand (km)", "travel_km", 1),
  amount("Wachttijd (maanden)", "waiting", 1),
];

const COMPARED_COLUMNS = [
  { name: "Team", cell: (row) => row.id },
  { name: "Naam", cell: (row) => row.name },
  amount("Uren nu", "now_hours"),
  amount("Uren na uw wijzigingen", "hours"),
  { name: "Verschil (uur)", cell: (row) => numberCell(nl(row.hours - row.now_hours), row.hours - row.now_hours) },
  amount("Gebieden nu", "now_areas"),
  amount("Gebieden straks", "areas"),
];

const CHANGE_COLUMNS = [
  { name: "Postcode", cell: (row) => row.pc4 },
  { name: "Plaats", cell: (row) => row.place },
  { name: "Laag", cell: (row) => row.layer },
  { name: "Team nu", cell: (row) => row.old },
  { name: "Team straks", cell: (row) => row.new },
  amount("Cliënten per jaar", "clients", 1),
  amount("Uren per jaar", "hours", 1),
  { name: "Reden", cell: (row) => (row.by === "planner" ? "aangepast door u" : row.by) },
];

/** The strip: what it is now, what is proposed, what your changes make of it. */
function drawStrip(rows) {
  byId("kern").replaceChildren(...rows.filter((row) => row.is_main).map((row) => {
    const card = element("div"), values = element("dd");
    values.append(element("b", row.draft));
    if (row.draft !== row.proposal) values.append(element("span", `voorstel ${row.proposal}`));
    if (row.now) values.append(element("span", `nu ${row.now}`));
    if (row.note) values.append(element("small", row.note));
    card.append(element("dt", row.name, row.about ? { title: row.about } : {}), values);
    card.classList.toggle("anders", row.draft !== row.proposal);
    return card;
  }));
  const head = element("tr");
  head.append(element("td"), ...rows.map((row) => element("th", row.name, { scope: "col" })));
  byId("strook").tHead.replaceChildren(head);
  byId("strook").tBodies[0].replaceChildren(...COLUMNS.map(([name, key]) => {
    const line = element("tr"), isOther = (row) => key === "draft" && row.draft !== row.proposal;
    line.append(element("th", name, { scope: "row" }),
      ...rows.map((row) => element("td", row[key], { class: isOther(row) ? "getal anders" : "getal" })));
    return line;
  }));
  byId("bereik").textContent = `(${byId("laag").selectedOptions[0].text}, ${byId("regio").selectedOptions[0].text})`;
}

const isTouched = (row) => Math.abs(row.hours - row.now_hours) > 0.5 || row.areas !== row.now_areas;

let waiting = 0, asked = 0;

async function drawChanges() {
  const own = ++asked, rows = await ask("api/changes", question());
  if (own === asked) drawTable(byId("wijzigingen"), CHANGE_COLUMNS, rows);
}

const SHEETS = [["alle-cijfers", "cijferblad"], ["tabellen", "tabelblad"], ["grafieken", "grafiekblad"]];

/** A sheet over the map, opened and closed by its button. */
function wireSheet(opener, sheet) {
  byId(opener).addEventListener("click", () => {
    const isOpen = byId(opener).getAttribute("aria-expanded") !== "true";
    for (const [other, place] of SHEETS) {
      byId(other).setAttribute("aria-expanded", String(isOpen && other === opener));
      byId(place).hidden = !(isOpen && other === opener);
    }
    if (isOpen && sheet === "tabelblad") safely(drawChanges)(null);
    if (isOpen && sheet === "grafiekblad") safely(drawCharts)(null);
  });
}

export function wireFigures() {
  wireSheet("alle-cijfers", "cijferblad");
  wireSheet("tabellen", "tabelblad");
  wireSheet("grafieken", "grafiekblad");
  document.addEventListener("keydown", (event) => {
    const open = SHEETS.map(([opener]) => byId(opener)).find((one) => one.getAttribute("aria-expanded") === "true");
    if (event.key === "Escape" && open) open.click();
  });
  app.drawn.push((answer) => {
    drawStrip(answer.strip);
    drawTable(byId("teams"), TEAM_COLUMNS, answer.teams);
    drawTable(byId("betrokken"), COMPARED_COLUMNS, answer.teams.filter(isTouched));
    clearTimeout(waiting);
    if (!byId("tabelblad").hidden) waiting = window.setTimeout(safely(drawChanges), 300, null);
    if (!byId("grafiekblad").hidden) waiting = window.setTimeout(safely(drawCharts), 300, null);
  });
}
