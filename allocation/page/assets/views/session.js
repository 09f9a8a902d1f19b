// @ts-check
/* What a reload and a link keep: region, layer, what is shown, the draft, and the steps that can be undone. */
import { byId } from "../dom.js";
import * as state from "../state.js";
import { app, regionNr } from "./app.js";

const key = () => `caseload ${app.run}`;
let draftId = 0, comparing = "";

/** What is compared, for the link; empty when nothing is. @param {string} link */
export const compareLink = (link) => { comparing = link; };

/** Put the view in the address and the history in this window's memory. @param {any} [draft] */
export function remember(draft) {
  if (draft !== undefined) draftId = draft ? draft.draft_id : 0;
  const place = { concept: draftId || undefined, regio: regionNr() ?? undefined,
    laag: app.map.layer ? state.LAYERS[app.map.layer] : undefined,
    beeld: app.map.mode === "proposal" ? undefined : app.map.mode,
    kleur: app.map.colour === "team" ? undefined : app.map.colour, vergelijk: comparing || undefined };
  history.replaceState(null, "", `${location.pathname}${location.search}${state.linkTo(place)}`);
  try {
    sessionStorage.setItem(key(), JSON.stringify({ draftId, history: app.history }));
  } catch { /* a full or forbidden memory costs the undo list after a reload, nothing else */ }
}

/** The history of this window before the reload; null when it is of another draft. @param {number | undefined} id */
export function remembered(id) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key()) || "null");
    return kept && kept.draftId === (id ?? 0) ? kept.history : null;
  } catch {
    return null;
  }
}

/** Set the controls as the link says; returns the place. */
export function applyLink() {
  const place = state.placeOf(location.hash), layer = state.LAYERS.indexOf(place.laag ?? "");
  const region = app.value.region_nrs.indexOf(place.regio);
  const has = (select, wanted) => [...byId(select).options].some((option) => option.value === wanted);
  if (layer > 0) {
    byId("laag").value = String(layer);
    app.map.layer = app.nowMap.layer = layer;
  }
  if (region >= 0) byId("regio").value = String(region);
  if (has("beeld", place.beeld)) byId("beeld").value = app.map.mode = /** @type {string} */ (place.beeld);
  if (has("kleur", place.kleur)) byId("kleur").value = app.map.colour = /** @type {string} */ (place.kleur);
  return { ...place, position: region };
}
