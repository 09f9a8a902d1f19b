// @ts-check
/* What the parts of the page share: the map, what is chosen, the history of changes; and the one way to change it.
   Every change goes through `commit`, every answer of the server is drawn by `refresh`. */
import { ask, Failure } from "../api.js";
import { announce, byId } from "../dom.js";
import * as state from "../state.js";

/** The page's state. Parts draw themselves when `refresh` calls them. */
export const app = {
  run: /** @type {string} */ (document.body.dataset.run),
  /** The version that is "now" on this page, 0 for none. */
  seen: Number(document.body.dataset.seen),
  mayPlan: document.body.dataset.mayPlan === "ja",
  /** @type {any} */ value: null,
  /** @type {any} */ map: null,
  /** @type {any} */ nowMap: null,
  /** @type {number[]} */ all: [],
  /** @type {Map<string, number>} */ pc4At: new Map(),
  /** @type {Set<number>} */ selection: new Set(),
  history: state.begun(),
  /** @type {any} */ preview: null,
  /** @type {any} */ latest: null,
  /** @type {((answer: any) => void)[]} */ drawn: [],
  /** @type {() => void} */ keep: () => {},
};

export const changes = () => app.history.changes;
export const current = () => app.preview || changes();
export const regionNr = () => (app.map.region < 0 ? null : app.value.region_nrs[app.map.region]);
export const layerKey = () => state.LAYERS[app.map.layer];
export const teamText = (t) => (t < 0 ? "geen team" : `${app.value.teams[t].name} (${app.value.teams[t].id})`);
export const codesChosen = () => [...app.selection].map((a) => app.value.areas.pc4[a]).sort();

export const question = (more = {}) => (
  { run: app.run, layer: layerKey(), region: regionNr(), changes: current(), ...more });

// --- saying what goes on ---

let busy = 0;

/** The line at the bottom. @param {string} text @param {boolean} [canUndo] */
export function say(text, canUndo = false) {
  byId("status").textContent = text;
  byId("status-terug").hidden = !canUndo;
}

const FAILED = "Niet gelukt: zie de melding boven de kaart.";

/** @param {any} error */
export function fail(error) {
  byId("fout").textContent = error.message;
  say(FAILED);
}

/** The message goes, and the line that points at it. */
export function forget() {
  byId("fout").textContent = "";
  if (byId("status").textContent === FAILED) say("");
}

/** Do something that takes time: the page shows it, and takes no second order meanwhile. Failures are shown.
 * @param {string} text @param {() => Promise<any>} act */
export async function during(text, act) {
  if (busy) {
    say("Even geduld: de vorige handeling loopt nog.");
    return;
  }
  busy += 1;
  document.body.classList.add("bezig");
  byId("inhoud").setAttribute("aria-busy", "true");
  say(text);
  forget();
  try {
    await act();
  } catch (error) {
    fail(error);
  } finally {
    busy -= 1;
    document.body.classList.remove("bezig");
    byId("inhoud").removeAttribute("aria-busy");
  }
}

/** A listener whose failure is shown, never lost. @param {(event: any) => any} act */
export const safely = (act) => async (event) => {
  try {
    await act(event);
  } catch (error) {
    fail(error);
  }
};

// --- from the server to the screen ---

let serial = 0;

/** Figures and map of what is on the screen now. An answer to an older question is dropped; returns whether this one
 * was drawn. */
export async function refresh() {
  const own = ++serial, began = performance.now(), answer = await ask("api/figures", question());
  if (own !== serial) return false;
  app.latest = answer;
  const { value, map } = app;
  value.teams.length = value.known;
  value.teams.push(...answer.new_teams);
  answer.colours.forEach((colour, t) => { value.teams[t].colour = colour; });
  map.plans = value.layers.map((layer) => layer.proposal.slice());
  answer.changed.forEach(([layer, area, team]) => { map.plans[layer][area] = team; });
  map.marked = new Map(current().locks.map((lock) => [app.pc4At.get(lock.pc4.slice(0, 4)), lock.kind]));
  app.drawn.forEach((draw) => draw(answer));
  map.show({});
  app.nowMap.show({});
  document.documentElement.dataset.took = String(Math.round(performance.now() - began));
  document.documentElement.dataset.serial = String(own);
  byId("cijferstrook").classList.remove("oud");
  return true;
}

/** Show another layer or region, also while something else is counted: old figures never stand under a new heading.
 * @param {string} text */
export async function look(text) {
  byId("cijferstrook").classList.add("oud");
  say(text);
  try {
    if (await refresh()) say("Cijfers bijgewerkt.");
  } catch (error) {
    fail(error);
  }
}

/** Make a change: checked and counted by the server first, and taken back when it refuses.
 * @param {state.Changes} next @param {string} text */
export function commit(next, text) {
  return during(`${text}: rekent…`, async () => {
    const before = app.history;
    app.preview = null;
    app.history = state.committed(before, next, text);
    try {
      await refresh();
    } catch (error) {
      app.history = before;
      if (/** @type {any} */ (error).status) await refresh();
      throw error;
    }
    announce(text);
    say(`${text}.`, true);
    app.keep();
  });
}

/** @param {(history: state.History) => state.History} turn @param {string} text */
export function step(turn, text) {
  const next = turn(app.history);
  if (next === app.history) return say("Er is niets om ongedaan te maken of opnieuw te doen.");
  return during(text, async () => {
    const before = app.history;
    app.preview = null;
    app.history = next;
    try {
      await refresh();
    } catch (error) {
      app.history = before;
      throw error;
    }
    announce(text);
    say(text);
    app.keep();
  });
}

/** Try a change without making it: map and figures show it. Returns whether the server took it.
 * @param {state.Changes} next @param {string} text */
export async function tryOut(next, text) {
  let isTaken = false;
  await during(`${text}: rekent…`, async () => {
    app.preview = next;
    try {
      await refresh();
      isTaken = true;
    } catch (error) {
      app.preview = null;
      if (/** @type {any} */ (error).status) await refresh();
      throw error;
    }
    say(`${text}: voorbeeld, nog niet toegepast.`);
  });
  return isTaken;
}

export { Failure };
