// @ts-check
/* A division made elsewhere: read from a file as a step of yours, and written in the same form. */
import { ask, fetchFile } from "../api.js";
import { byId, element } from "../dom.js";
import { app, changes, commit, current, during, Failure, safely, say } from "./app.js";

const MOST_BYTES = 4_000_000;

async function bringIn(event) {
  event.preventDefault();
  const [file] = byId("inlees-bestand").files;
  if (!file) throw new Failure("Kies eerst een bestand: CSV (pc4,team) of GeoJSON.");
  if (file.size > MOST_BYTES) throw new Failure("Dit bestand is te groot: hoogstens 4 MB; vereenvoudig de grenzen.");
  const content = await file.text();
  /** @type {any} */ let told = null;
  await during(`${file.name} wordt gelezen…`, async () => {
    told = await ask("api/import", { run: app.run, content, changes: { ...changes(), moves: [] } });
  });
  if (!told) return;
  await commit({ ...changes(), moves: told.changes.moves }, `${file.name.slice(0, 60)} ingelezen`);
  byId("inlees-stand").textContent = `${told.moved} verschillen met het voorstel. ${told.told} Bekijk, vergelijk en `
    + "dien in zoals elk ander concept.";
  byId("inlees").reset();
}

/** @param {"csv" | "geojson"} form */
async function writeOut(form) {
  say("Het bestand wordt gemaakt…");
  const blob = await fetchFile("api/export", { run: app.run, changes: current(), form });
  const address = URL.createObjectURL(blob), link = element("a", "", { href: address, download: `verdeling.${form}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  say(`De verdeling staat in verdeling.${form}.`);
}

export function wireFiles() {
  if (app.mayPlan) byId("inlees").addEventListener("submit", safely(bringIn));
  byId("schrijf-csv").addEventListener("click", safely(() => writeOut("csv")));
  byId("schrijf-geojson").addEventListener("click", safely(() => writeOut("geojson")));
}
