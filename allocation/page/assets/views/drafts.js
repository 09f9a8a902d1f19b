// @ts-check
/* Drafts: kept in the store after every change; what another saved is never overwritten, what you did never lost. */
import { ask } from "../api.js";
import { announce, button, byId, dutchMoment, element, several } from "../dom.js";
import * as state from "../state.js";
import { app, changes, during, fail, refresh, safely, say } from "./app.js";
import { offerSides } from "./comparing.js";
import { remember } from "./session.js";

const SAVE_AFTER_MS = 700;
const LIST_EVERY_MS = 15000;
const who = () => byId("naam").value || "planner";
let timer = 0;

/** @param {any} draft @param {state.Changes} content @param {string} [name] */
function send(draft, content, name) {
  const isNew = !draft || name;
  return ask("api/drafts", { run: app.run, name: name || (draft ? draft.name : freshName()), changes: content,
    draft_id: isNew ? null : draft.draft_id, revision: isNew ? 0 : draft.revision });
}

const freshName = () => `Concept van ${who()}, ${new Date().toLocaleString("nl-NL", { timeZone: "Europe/Amsterdam",
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" })}`;

export const store = state.saver(send);

/** Save now what is on the page. @param {string} [name] */
export async function save(name) {
  clearTimeout(timer);
  byId("bewaard").textContent = "Bewaart…";
  try {
    await store.save(changes(), name);
  } catch (error) {
    byId("bewaard").textContent = "Niet bewaard";
    if (/** @type {any} */ (error).status !== 409) throw error;
    await saveBeside(/** @type {any} */ (error));
  }
  byId("bewaard").textContent = `Bewaard om ${new Date().toLocaleTimeString("nl-NL",
    { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Amsterdam" })}`;
  remember(store.draft);
  await list();
}

/** Someone else saved or removed the draft: yours goes on as a new one beside it. */
async function saveBeside(error) {
  const before = store.draft ? store.draft.name : "concept";
  const name = `${before.slice(0, 40)} – ${who()}, ${new Date().toLocaleTimeString("nl-NL")}`.slice(0, 80);
  await store.save(changes(), name);
  fail(new Error(`${error.message} Uw wijzigingen zijn bewaard als nieuw concept "${store.draft.name}".`));
}

function keep() {
  clearTimeout(timer);
  remember(store.draft);
  if (!app.mayPlan || store.isSaved(changes()) || (!store.draft && state.isEmpty(changes()))) return;
  byId("bewaard").textContent = "Nog niet bewaard";
  timer = window.setTimeout(() => save().catch(fail), SAVE_AFTER_MS);
}

/** @param {any} draft @param {state.History | null} [history] */
export async function open(draft, history) {
  const content = { ...state.EMPTY, ...draft.content };
  await during(`Concept ${draft.name} wordt geopend…`, async () => {
    app.preview = null;
    app.history = history && state.isSame(history.changes, content) ? history : state.begun(content);
    store.open(draft);
    await refresh();
    remember(draft);
    await list();
    announce(`Concept ${draft.name} geopend.`);
    say(`Concept "${draft.name}" geopend.`);
  });
}

/** A second question before a draft goes: whose it is. */
function askToRemove(item, draft) {
  const text = `Verwijder "${draft.name}" van ${draft.saved_by}? Dit kan niet ongedaan worden. `;
  const question = element("span", text, { role: "alert" }), yes = button("Ja, verwijder", safely(async () => {
    const query = new URLSearchParams({ revision: draft.revision, owner: draft.saved_by });
    await ask(`api/drafts/${draft.draft_id}?${query}`, undefined, "DELETE");
    if (store.draft?.draft_id === draft.draft_id) {
      store.open(null);
      remember(null);
    }
    say(`Concept "${draft.name}" verwijderd.`);
    await list();
  }));
  item.append(question, yes, button("Nee", () => safely(list)(null)));
  yes.focus();
}

/** What was remarked on the draft that is open. @param {any} draft */
function drawComments(draft) {
  byId("opmerkingen").hidden = !draft;
  byId("opmerkinglijst").replaceChildren(...(draft?.comments ?? []).map(
    (one) => element("li", `${one.text} – ${one.by}, ${dutchMoment(one.at)}`)));
}

async function remark(event) {
  event.preventDefault();
  if (!store.draft) return;
  const kept = await ask(`api/drafts/${store.draft.draft_id}/comments`, { text: byId("opmerking").value });
  byId("opmerk").reset();
  say("Opmerking geplaatst.");
  drawComments(kept);
}

/** @param {any[]} [known] */
export async function list(known) {
  const rows = known || await ask(`api/drafts?run=${encodeURIComponent(app.run)}`), { draft } = store;
  const mine = draft && rows.find((one) => one.draft_id === draft.draft_id);
  const isBehind = mine && mine.revision > draft.revision;
  byId("concept-nu").textContent = !draft ? "Elke wijziging wordt vanzelf bewaard als concept."
    : isBehind ? `Let op: ${mine.saved_by} heeft "${draft.name}" intussen gewijzigd.` : `Bewaard als "${draft.name}".`;
  offerSides(rows);
  drawComments(mine || draft);
  if (byId("conceptlijst").querySelector("[role=alert]") && known) return rows;
  byId("conceptlijst").replaceChildren(...rows.map((one) => {
    const remarks = one.comments.length ? `, ${several(one.comments.length, "opmerking", "opmerkingen")}` : "";
    const item = element("li", `${one.name} – ${one.saved_by}, ${dutchMoment(one.saved_at)}${remarks} `);
    item.append(button("Open", () => open(one), { "aria-label": `Open ${one.name}` }));
    if (app.mayPlan) {
      item.append(button("Verwijder", () => askToRemove(item, one), { "aria-label": `Verwijder ${one.name}` }));
    }
    return item;
  }));
  return rows;
}

export function wireDrafts() {
  app.keep = keep;
  byId("opmerk").addEventListener("submit", safely(remark));
  byId("bewaar").addEventListener("submit", safely((event) => {
    event.preventDefault();
    return save(byId("concept-naam").value.trim() || undefined);
  }));
  setInterval(() => ask(`api/drafts?run=${encodeURIComponent(app.run)}`).then(list).catch(() => {}), LIST_EVERY_MS);
}
