// @ts-check
/* The planners' page: puts its parts together and starts them. */
import { ask } from "./api.js";
import { byId } from "./dom.js";
import * as state from "./state.js";
import { prepareTables } from "./tables.js";
import { app, commit, fail, refresh, say } from "./views/app.js";
import { wireApproving } from "./views/approving.js";
import { wireChoosing } from "./views/choosing.js";
import { openComparison, wireComparing } from "./views/comparing.js";
import { wireDeciding } from "./views/deciding.js";
import { list, open, wireDrafts } from "./views/drafts.js";
import { wireHistory, wireLocks, wireTeams } from "./views/editing.js";
import { wireFigures } from "./views/figures.js";
import { wireAlternatives } from "./views/alternatives.js";
import { wireFiles } from "./views/files.js";
import { showRegion, wireMap } from "./views/mapview.js";
import { wireQuestions } from "./views/questions.js";
import { applyLink, remembered } from "./views/session.js";
import { wireTabs } from "./views/tabs.js";

function wireName() {
  const field = byId("naam");
  if (!field.readOnly) {
    field.value = localStorage.getItem("naam") || "";
    field.addEventListener("change", () => localStorage.setItem("naam", field.value));
  }
  byId("versie").addEventListener("change", (event) => {
    if (event.target.value !== app.run) leaveFor(`?run=${encodeURIComponent(event.target.value)}`);
  });
}

/** From ready to left the page takes orders; what is typed before or after that would be lost without a word.
 * @param {boolean} isOpen */
function takeOrders(isOpen) {
  byId("inhoud").inert = !isOpen;
  if (isOpen) document.documentElement.dataset.ready = "ja";
  else delete document.documentElement.dataset.ready;
}

let isLeft = false;

/** @param {string} address */
function leaveFor(address) {
  isLeft = true;
  takeOrders(false);
  say("De andere versie wordt geopend…");
  location.href = address;
}

/** A link names a draft of another run: without a run in it the draft is opened where it was made, as the one who gave
 * the link saw it; with one, its changes are tried on this run. @param {number} id */
async function bring(id) {
  if (!app.mayPlan) return false;
  const draft = await ask(`api/drafts/${id}`).catch(() => null);
  if (!draft || draft.run_id === app.run) return false;
  if (new URLSearchParams(location.search).has("run")) {
    await commit({ ...state.EMPTY, ...draft.content }, `Concept "${draft.name}" meegenomen naar deze versie`);
  } else leaveFor(`?run=${encodeURIComponent(draft.run_id)}${location.hash}`);
  return true;
}

async function start() {
  wireTabs();
  wireName();
  say("De kaart wordt geladen…");
  app.value = await ask(`api/map?run=${encodeURIComponent(app.run)}`);
  app.value.known = app.value.teams.length;
  app.all = app.value.areas.pc4.map((_, a) => a);
  app.pc4At = new Map(app.value.areas.pc4.map((code, a) => [code, a]));
  wireMap();
  wireChoosing();
  wireFigures();
  wireLocks();
  wireTeams();
  wireHistory();
  wireDrafts();
  wireDeciding();
  wireQuestions();
  wireComparing();
  wireFiles();
  wireAlternatives();
  wireApproving();
  prepareTables(document);
  const place = applyLink();
  if (place.position >= 0) showRegion(place.position);
  const drafts = await list(), draft = drafts.find((one) => one.draft_id === place.concept);
  if (draft) await open(draft, remembered(draft.draft_id));
  else await refresh();
  const isBrought = !draft && place.concept ? await bring(place.concept) : false;
  await openComparison(place.vergelijk);
  if (!draft && !isBrought && !place.vergelijk) say("Gereed. Kies een regio of klik op een postcode.");
  if (!isLeft) takeOrders(true);
}

window.addEventListener("pageshow", (event) => {
  if (!event.persisted || !app.map) return;
  isLeft = false;
  takeOrders(true);
});

/** For tests and for who looks under the bonnet: the state of the page. */
Object.assign(window, { caseload: app });

start().catch(fail);
