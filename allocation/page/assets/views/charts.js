// @ts-check
/* The charts that the server draws, for the region that is chosen: each with its sentence and its numbers. */
import { ask } from "../api.js";
import { byId, element } from "../dom.js";
import { drawTable, numberCell } from "../tables.js";
import { question, say } from "./app.js";

let asked = 0;

/** A chart of the server as an element. @param {string} svg */
export function drawing(svg) {
  const place = element("div", undefined, { class: "tekening" });
  place.append(document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true));
  return place;
}

/** @param {any} one a chart of the server */
function drawChart(one) {
  const figure = element("figure", undefined, { class: "grafiek" });
  const details = element("details");
  const table = element("table", undefined, { class: "sortable", id: `tabel-${one.name}` });
  table.append(element("caption", one.title, { class: "onzichtbaar" }));
  drawTable(table, one.columns.map((name, i) => ({ name, cell: (row) => (
    row[i].value === null ? row[i].text : numberCell(row[i].text, row[i].value)) })), one.rows);
  const roll = element("div", undefined, { class: "rol", role: "region", "aria-label": one.title, tabindex: "0" });
  roll.append(table);
  details.append(element("summary", "Als tabel"), roll);
  figure.append(element("h3", one.title), drawing(one.svg), element("figcaption", one.told), details);
  return figure;
}

export async function drawCharts() {
  const own = ++asked, place = byId("tekeningen");
  place.setAttribute("aria-busy", "true");
  say("Grafieken worden getekend…");
  const drawn = await ask("api/charts", question());
  if (own !== asked) return;
  place.replaceChildren(...drawn.map(drawChart));
  place.removeAttribute("aria-busy");
  place.dataset.klaar = String(own);
  byId("grafiek-bereik").textContent = `(${byId("regio").selectedOptions[0].text})`;
  say("Grafieken bijgewerkt.");
}
