"use strict";
/* Native tables: sort by a button in each header, filter by text, save as CSV. Works on any table.sortable. */

const announce = (text) => {
  const place = document.getElementById("melding");
  if (place) { place.textContent = ""; setTimeout(() => { place.textContent = text; }, 50); }
};

const dutch = new Intl.Collator("nl", { numeric: true, sensitivity: "base" });

function cellValue(cell) {
  return cell.dataset.v === undefined ? cell.textContent.trim() : Number(cell.dataset.v);
}

function sortTable(table, column, isDown) {
  const body = table.tBodies[0], rows = [...body.rows];
  const compare = (a, b) => {
    const x = cellValue(a.cells[column]), y = cellValue(b.cells[column]);
    if (typeof x === "number" && typeof y === "number") {
      if (Number.isNaN(x)) return Number.isNaN(y) ? 0 : 1;
      return Number.isNaN(y) ? -1 : (isDown ? y - x : x - y);
    }
    return isDown ? dutch.compare(y, x) : dutch.compare(x, y);
  };
  rows.map((row, i) => [row, i]).sort((a, b) => compare(a[0], b[0]) || a[1] - b[1]).forEach(([row]) => body.append(row));
}

function makeSortable(table) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    const button = header.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const isDown = header.getAttribute("aria-sort") === "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", isDown ? "descending" : "ascending");
      sortTable(table, column, isDown);
      announce(`Gesorteerd op ${button.textContent.trim()}, ${isDown ? "aflopend" : "oplopend"}.`);
    });
  });
}

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

function saveCsv(table, name) {
  const text = (cell) => {
    const value = cell.dataset.v === undefined ? cell.textContent.trim().replace(/\s+/g, " ") : cell.dataset.v.replace(".", ",");
    return `"${(/^[\s\u0000-\u001f\u0085]*[=+@-]/.test(value) && cell.dataset.v === undefined ? "'" + value : value).replaceAll('"', '""')}"`;
  };
  const rows = [...table.rows].filter((row) => !row.hidden).map((row) => [...row.cells].map(text).join(";"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff" + rows.join("\r\n")], { type: "text/csv" }));
  link.download = `${name}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function prepareTables(root) {
  root.querySelectorAll("table.sortable").forEach(makeSortable);
  root.querySelectorAll("input[data-filter]").forEach((input) => {
    const table = document.getElementById(input.dataset.filter);
    input.addEventListener("input", () => announce(`${filterTable(table, input.value)} rijen.`));
  });
  root.querySelectorAll("button[data-csv]").forEach((button) => {
    button.addEventListener("click", () => saveCsv(document.getElementById(button.dataset.csv), button.dataset.csv));
  });
}
