// @ts-check
/* The decision: what the change means, from which day and why; handing it in, and dividing the whole country. */
import { ask } from "../api.js";
import { byId, element, nl, several } from "../dom.js";
import * as state from "../state.js";
import { app, changes, Failure, question, safely, say } from "./app.js";
import { save, store } from "./drafts.js";

const POLL_MS = 700;
const LOOK_EVERY_MS = 15000;

const shortened = (names) => names.slice(0, 8).join(", ") + (names.length > 8 ? ` en nog ${names.length - 8}` : "");

function drawDecision(answer) {
  const item = (text) => element("li", text), { teams, new_teams, locks } = changes();
  const changed = (team) => (team.is_closed ? "stopt" : `krijgt ${nl(team.fte, 1)} fte`);
  const started = (team) => `${team.team_id} (${team.name}) start in ${team.office} met ${nl(team.fte, 1)} fte`;
  const lines = [
    ...teams.map((team) => item(`${team.team_id} ${changed(team)}`)),
    ...new_teams.map((team) => item(started(team))),
    ...(locks.length ? [item(several(locks.length, "vergrendeling", "vergrendelingen"))] : []),
    ...answer.strip.filter((row) => row.is_main)
      .map((row) => item(`${row.name}: ${row.draft}, zonder wijziging ${row.now}`)),
  ];
  byId("besluit").replaceChildren(...lines);
  const outside = answer.teams.filter((row) => !row.is_within).map((row) => row.id);
  const cut = answer.cuts.filter((one) => one.is_new).map((one) => one.team_id), place = byId("let-op");
  const warnings = [
    ...(outside.length ? [`Buiten tolerantie: ${shortened(outside)}.`] : []),
    ...(cut.length ? [`Niet meer aaneengesloten: ${cut.join(", ")}.`] : []),
    ...(answer.without_team ? [`${several(answer.without_team, "gebied heeft", "gebieden hebben")} geen team: `
      + "kies Herbereken of wijs ze toe."] : []),
  ];
  place.className = warnings.length ? "waarschuwing" : "";
  place.replaceChildren(...warnings.map((text) => element("p", text)));
  const isEmpty = state.isEmpty(changes()), submit = byId("dien-in").querySelector("button");
  submit.disabled = isEmpty || !app.mayPlan;
  submit.title = isEmpty ? "Er zijn nog geen wijzigingen om in te dienen." : "";
}

async function submit(event) {
  event.preventDefault();
  const reason = byId("dien-reden").value.trim(), valid_from = byId("dien-datum").value || null;
  if (!reason) throw new Failure("Geef een reden: de goedkeurder leest die als eerste.");
  byId("dien-stand").textContent = "Wordt ingediend…";
  const { task } = await ask("api/submit", question({ changes: changes(), reason, valid_from, seen: app.seen }));
  await follow(`api/tasks/${task}`, byId("dien-stand"));
  await lookInForce();
}

async function divideCountry() {
  await save();
  if (!store.draft) throw new Failure("Er zijn nog geen wijzigingen; een nieuwe verdeling begint met een run.");
  const reason = `heel Nederland herberekend vanaf "${store.draft.name}"`.slice(0, 500);
  byId("herbereken-land").disabled = true;
  try {
    const { task } = await ask("api/country", { draft_id: store.draft.draft_id, reason });
    await follow(`api/country/${encodeURIComponent(task)}`, byId("herbereken-stand"));
  } finally {
    byId("herbereken-land").disabled = false;
  }
}

/** Say how work beside the page goes, until it is done or refused; returns how it ended.
 * @param {string} path @param {HTMLElement} place */
export async function ended(path, place) {
  let answer = { state: "busy", text: "" };
  delete place.dataset.state;
  while (answer.state === "busy") {
    await new Promise((go) => { setTimeout(go, POLL_MS); });
    answer = await ask(path);
    if (place.textContent !== answer.text) {
      place.textContent = answer.text;
      say(answer.text.split("\n")[0]);
    }
  }
  place.dataset.state = answer.state;
  place.className = answer.state === "done" ? "goed" : "waarschuwing";
  return answer;
}

/* The same of a proposal that is being made, with the way to it. */
async function follow(path, place) {
  if ((await ended(path, place)).state !== "done") return;
  const link = element("a", "Open de nieuwe versie", { href: "./" });
  place.append(" De goedkeurder kan hem nu bekijken en publiceren. ", link);
}

/** Say above the map that another version came into force than this page compares with: what is changed here cannot be
 * handed in. The way to that version takes the draft along. */
async function lookInForce() {
  const { version, run } = await ask("api/in-force"), place = byId("ingehaald");
  place.hidden = !state.isOvertaken(app, { version, run });
  if (place.hidden) return;
  const kept = store.draft, words = `Open versie ${version}${kept ? " met uw concept" : ""}`;
  const href = `?run=${encodeURIComponent(run ?? "")}${kept ? state.linkTo({ concept: kept.draft_id }) : ""}`;
  if (place.querySelector("a")?.getAttribute("href") === href) return;
  place.replaceChildren(`Nu geldt versie ${version}; daarmee is deze verdeling niet vergeleken. `
    + "Wat u hier wijzigt, kan niet worden ingediend. ", element("a", words, { href }));
}

export function wireDeciding() {
  const look = () => lookInForce().catch(() => {});
  look();
  setInterval(look, LOOK_EVERY_MS);
  byId("dien-in").addEventListener("submit", safely(submit));
  byId("herbereken-land").addEventListener("click", safely(divideCountry));
  byId("dien-datum").min = state.dutchDate(new Date());
  app.drawn.push(drawDecision);
}
