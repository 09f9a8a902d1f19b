// @ts-check
/* Native tables: a column is a header with its cell; sorted by a button in each header, filtered, saved as CSV. */
import { announce, byId, element } from "./dom.js";

const collator = new Intl.Collator("nl", { numeric: true, sensitivity: "base" });

/**
 * A column: its header, and what it shows of a row: a text, a node, or a number with its text.
 * @typedef {{ name: string, cell: (row: any) => any }} Column
 */

/** A cell with a number: the text is shown, the amount sorts. @param {string} text @param {number | null} amount */
export function numberCell(text, amount, mark = "") {
  const cell = element("td", text, { class: "getal", "data-v": amount ?? NaN });
  if (mark) cell.append(" ", element("strong", mark, { class: "let-op" }));
  return cell;
}

/** Rows of a table; the first column names the row. @param {Column[]} columns @param {any[]} rows */
function drawRows(columns, rows) {
  return rows.map((row) => {
    const line = element("tr");
    columns.forEach(({ cell }, i) => {
      const content = cell(row);
      if (content instanceof HTMLTableCellElement) return line.append(content);
      const node = i === 0 ? element("th", undefined, { scope: "row" }) : element("td");
      node.append(content ?? "");
      line.append(node);
    });
    return line;
  });
}

/** Fill a table; order and filter that a user chose stay. @param {any} table @param {Column[]} columns */
export function drawTable(table, columns, rows) {
  if (!table.tHead?.rows.length) {
    const head = (table.tHead || table.createTHead()).insertRow();
    columns.forEach(({ name }) => {
      const cell = element("th", undefined, { scope: "col", "data-naam": name });
      cell.append(element("button", name, { type: "button" }));
      head.append(cell);
    });
    makeSortable(table);
  }
  const body = table.tBodies[0] || table.createTBody();
  body.replaceChildren(...drawRows(columns, rows));
  const headers = [...table.tHead.rows[0].cells], at = headers.findIndex((header) => header.hasAttribute("aria-sort"));
  if (at >= 0) sortTable(table, at, headers[at].getAttribute("aria-sort") === "descending");
  const filter = /** @type {HTMLInputElement | null} */ (document.querySelector(`input[data-filter="${table.id}"]`));
  if (filter?.value) filterTable(table, filter.value);
}

/** @param {any} cell */
function cellValue(cell) {
  return cell.dataset.v === undefined ? cell.textContent.trim() : Number(cell.dataset.v);
}

/** @param {any} table @param {number} column @param {boolean} isDown */
function sortTable(table, column, isDown) {
  const body = table.tBodies[0], rows = [...body.rows];
  const compare = (a, b) => {
    const x = cellValue(a.cells[column]), y = cellValue(b.cells[column]);
    if (typeof x === "number" && typeof y === "number") {
      if (Number.isNaN(x)) return Number.isNaN(y) ? 0 : 1;
      return Number.isNaN(y) ? -1 : (isDown ? y - x : x - y);
    }
    return isDown ? collator.compare(y, x) : collator.compare(x, y);
  };
  const order = rows.map((row, i) => ({ row, i })).sort((a, b) => compare(a.row, b.row) || a.i - b.i);
  order.forEach(({ row }) => body.append(row));
}

/** @param {any} table */
export function makeSortable(table) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    const sorter = header.querySelector("button");
    if (!sorter) return;
    sorter.addEventListener("click", () => {
      const isDown = header.getAttribute("aria-sort") === "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", isDown ? "descending" : "ascending");
      sortTable(table, column, isDown);
      announce(`Gesorteerd op ${sorter.textContent.trim()}, ${isDown ? "aflopend" : "oplopend"}.`);
    });
  });
}

/** @param {any} table @param {string} text */
function filterTable(table, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of table.tBodies[0].rows) {
    const content = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => content.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  return shown;
}

const FORMULA = /^[\s\u0000-\u001f\u0085]*[=+@＝＋－＠|%-]/;

/** A cell for a spreadsheet: a decimal comma, and nothing that it would compute. @param {any} cell */
function csvCell(cell) {
  const isText = cell.dataset.v === undefined;
  const text = isText ? cell.textContent.trim().replace(/\s+/g, " ") : cell.dataset.v.replace(".", ",");
  return `"${(isText && FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}

/** @param {any} table @param {string} name */
function saveCsv(table, name) {
  const rows = [...table.rows].filter((row) => !row.hidden).map((row) => [...row.cells].map(csvCell).join(";"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`\ufeff${rows.join("\r\n")}`], { type: "text/csv" }));
  link.download = `${name}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Wire what stands in the page already: sorting, filters, CSV. @param {Document} root */
export function prepareTables(root) {
  root.querySelectorAll("table.sortable").forEach((table) => {
    if (/** @type {any} */ (table).tHead?.rows.length) makeSortable(table);
  });
  root.querySelectorAll("input[data-filter]").forEach((input) => {
    const field = /** @type {any} */ (input), table = byId(field.dataset.filter);
    field.addEventListener("input", () => announce(`${filterTable(table, field.value)} rijen.`));
  });
  root.querySelectorAll("button[data-csv]").forEach((node) => {
    const name = /** @type {any} */ (node).dataset.csv;
    node.addEventListener("click", () => saveCsv(byId(name), name));
  });
}
