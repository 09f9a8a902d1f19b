// @ts-check
/* Alternatives of the region on the screen: found beside the page, shown in a chart, one of them taken over. */
import { ask } from "../api.js";
import { button, byId, element } from "../dom.js";
import { drawTable, numberCell } from "../tables.js";
import { app, commit, changes, Failure, question, safely, say } from "./app.js";
import { drawing } from "./charts.js";
import { ended } from "./deciding.js";
import { withDivision } from "../state.js";

/** Put an alternative in the draft: its moves take the place of yours in its region.
 * @param {string} name @param {any} made @param {{region: string, covers: Record<string, string[]>}} found */
async function takeOver(name, made, { region, covers }) {
  await commit(withDivision(changes(), made.moves, covers), `alternatief ${name} van ${region} overgenomen`);
  say(`Alternatief ${name} van ${region} staat in uw concept: bekijk, vergelijk en dien in zoals elk ander concept. ` +
    "Wat u buiten die regio had verplaatst, blijft.", true);
}

function drawAlternatives(found) {
  const table = element("table", undefined, { id: "tabel-alternatieven" });
  table.append(element("caption", found.title, { class: "onzichtbaar" }));
  const cells = found.columns.map((name, i) => ({ name, cell: ({ row }) => {
    const told = row[i].mark ? `${row[i].text} (${row[i].mark})` : row[i].text;
    return row[i].value === null ? told : numberCell(told, row[i].value);
  } }));
  const rows = found.rows.map((row, at) => ({ row, name: row[0].text, made: found.changes[at] }));
  const take = { name: "Concept", cell: ({ name, made }) => {
    const cell = element("td");
    cell.append(button("Neem over", safely(() => takeOver(name, made, found)), { "aria-label": `Neem ${name} over` }));
    return cell;
  } };
  drawTable(table, [cells[0], take, ...cells.slice(1)], rows);
  const roll = (name) => element("div", undefined, { class: "rol", role: "region", "aria-label": name, tabindex: "0" });
  const chart = roll("Grafiek van de alternatieven"), figures = roll(found.title);
  chart.append(drawing(found.svg));
  figures.append(table);
  byId("alternatieven").replaceChildren(element("p", `Alternatieven van ${found.region}`), chart, figures);
}

async function find() {
  const { region } = question();
  if (region === null) throw new Failure("Kies eerst een regio: alternatieven zijn er per regio.");
  const place = byId("alternatief-stand"), start = /** @type {HTMLButtonElement} */ (byId("zoek-alternatieven"));
  start.disabled = true;
  byId("alternatieven").replaceChildren();
  place.textContent = "Alternatieven worden gezocht…";
  try {
    const { task } = await ask("api/alternatives", question());
    const answer = await ended(`api/tasks/${task}`, place);
    if (answer.state !== "done") return;
    const run = encodeURIComponent(app.run), found = encodeURIComponent(answer.run);
    drawAlternatives(await ask(`api/alternatives?run=${run}&found=${found}`));
  } finally {
    start.disabled = false;
  }
}

export function wireAlternatives() {
  if (app.mayPlan) byId("zoek-alternatieven").addEventListener("click", safely(find));
}
