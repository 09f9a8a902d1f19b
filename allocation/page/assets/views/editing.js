// @ts-check
/* Locks, teams, dividing a region anew, and the list of what was changed. */
import { ask } from "../api.js";
import { button, byId, dutchDay, element, fillSelect, nl, percent, shortTeam } from "../dom.js";
import * as state from "../state.js";
import { app, changes, codesChosen, commit, current, during, Failure, question, refresh, regionNr, safely, say,
  step } from "./app.js";
import { showTeam } from "./mapview.js";

// --- locks ---

const LOCK_WORDS = { pin: "vast op", bar: "niet bij", split: "deel naar" };

function lockText(lock) {
  const share = lock.share && lock.share < 1 ? ` (${nl(lock.share * 100)}%)` : "";
  const until = lock.valid_until ? `, tot en met ${dutchDay(lock.valid_until)}` : "";
  const by = `${lock.made_by}, ${dutchDay(lock.made_on)}`;
  return `${lock.pc4} ${LOCK_WORDS[lock.kind]} ${lock.team_id}${share}: ${lock.reason}${until} – ${by} `;
}

function drawLocks() {
  byId("sloten").replaceChildren(...current().locks.map((lock, i) => {
    const item = element("li", lockText(lock));
    const act = () => commit(state.withoutLock(changes(), i), `${lock.pc4} losgemaakt`);
    item.append(button("Maak los", act, { "aria-label": `Maak ${lock.pc4} los` }));
    return item;
  }));
}

/** What every lock of the form has: why, until when, by whom and when. */
const lockFacts = () => ({
  reason: byId("slot-reden").value.trim(), valid_until: byId("slot-eind").value || null,
  made_by: byId("naam").value || "planner", made_on: state.dutchDate(new Date()),
});

/** @param {{ locks?: any[], wrong?: string }} form */
function addLocks({ locks = [], wrong }) {
  if (wrong) throw new Failure(wrong);
  const count = `${locks.length} ${locks.length === 1 ? "vergrendeling" : "vergrendelingen"}`;
  return commit(state.withLocks(changes(), locks), `${count} gezet`);
}

export function wireLocks() {
  byId("slot-soort").addEventListener("change", (event) => {
    byId("slot-tweede-vak").hidden = event.target.value !== "split";
    byId("slot-reeks-vak").hidden = event.target.value !== "pc6";
  });
  byId("slot").addEventListener("submit", safely((event) => {
    event.preventDefault();
    return addLocks(state.locksOf({ kind: byId("slot-soort").value, team: byId("slot-team").value,
      second: byId("slot-tweede").value, codes: codesChosen(), range: byId("slot-reeks").value, made: lockFacts() }));
  }));
  byId("slot-alles").addEventListener("click", safely(() => {
    const id = byId("slot-team").value, team = app.value.teams.findIndex((one) => one.id === id);
    if (!byId("slot-reden").reportValidity()) return;
    const codes = app.all.filter((a) => app.map.plans[app.map.layer][a] === team).map((a) => app.value.areas.pc4[a]);
    return addLocks(state.locksOf({ kind: "pin", team: id, second: "", codes, range: "", made: lockFacts() }));
  }));
  byId("slot-los").addEventListener("click", safely(() => commit({ ...changes(), locks: [] }, "Alles losgemaakt")));
  app.drawn.push(drawLocks);
}

// --- teams ---

/** Load of each team before and after as dots on a line around its own share, with the words for a screen reader. */
function drawChart(rows) {
  const most = Math.max(0.1, ...rows.flatMap((row) => [Math.abs(row.deviation), Math.abs(row.now_deviation)]));
  const at = (share) => `${Math.min(98, Math.max(2, 50 + (share / most) * 46))}%`;
  byId("teamgrafiek").replaceChildren(...rows.map((row) => {
    const item = element("li"), line = element("span", undefined, { class: "lijn", "aria-hidden": "true" });
    const put = (kind, from, to) => {
      const node = element("span", undefined, { class: kind });
      node.style.left = at(from);
      if (to !== undefined) node.style.right = `calc(100% - ${at(to)})`;
      line.append(node);
    };
    const share = (hours) => (row.target > 0 ? hours / row.target - 1 : 0);
    if (row.target > 0) put("reikwijdte", share(row.low), share(row.high));
    put("nu", row.now_deviation);
    put("straks", row.deviation);
    const text = element("span", percent(row.deviation), { class: row.is_within ? "getal" : "getal let-op" });
    text.append(element("span", `, nu ${percent(row.now_deviation)}${row.is_within ? "" : ", buiten tolerantie"}`,
      { class: "onzichtbaar" }));
    const pick = () => {
      showTeam(row.id);
      pickTeam(row.id);
    };
    item.append(button(shortTeam(row.id), pick, { class: "naar-kaart" }), line, text);
    return item;
  }));
}

/** Show the FTE of the chosen team in its field: that of another team never stands there. */
function showFte() {
  const row = app.latest?.teams.find((one) => one.id === byId("fte-team").value);
  byId("fte-waarde").value = row ? state.decimalText(row.fte) : "";
  byId("fte-waarde").dataset.team = row ? row.id : "";
}

function pickTeam(id) {
  byId("fte-team").value = id;
  showFte();
}

const fteText = (team) => `${nl(team.fte, 1)} fte`;

function drawTeamChanges() {
  const { teams, new_teams } = current();
  const item = (id, text) => {
    const node = element("li", `${text} `);
    node.append(button("Verwijder", () => commit(state.withoutTeam(changes(), id), `${id} als voorheen`),
      { "aria-label": `Verwijder de wijziging van ${id}` }));
    return node;
  };
  byId("teamlijst").replaceChildren(
    ...teams.map((team) => item(team.team_id, `${team.team_id}: ${team.is_closed ? "stopt" : fteText(team)}`)),
    ...new_teams.map((team) => item(team.team_id, `${team.team_id} (nieuw, ${fteText(team)})`)));
}

const changeTeam = (change, text) => commit(state.withTeam(changes(), change), `${change.team_id}: ${text}`);

/** What a field says. @param {string} id */
function fteIn(id) {
  const { fte, wrong } = state.typedFte(byId(id).value);
  if (wrong) throw new Failure(wrong);
  return fte;
}

function newTeam(event) {
  event.preventDefault();
  const office = app.value.teams[Number(byId("nieuw-kantoor").value)];
  const team = { team_id: byId("nieuw-code").value.trim(), name: byId("nieuw-naam").value.trim(), office: office.office,
    office_pc4: app.value.areas.pc4[office.at], region: Number(byId("nieuw-regio").value),
    kind: byId("nieuw-soort").value, fte: fteIn("nieuw-fte") };
  const next = { ...changes(), new_teams: [...changes().new_teams, team] };
  return commit(next, `${team.team_id} toegevoegd; kies Herbereken om het gebied te geven`);
}

export function wireTeams() {
  const { value } = app;
  byId("fte-team").addEventListener("change", showFte);
  byId("fte").addEventListener("submit", safely((event) => {
    event.preventDefault();
    const team_id = byId("fte-team").value;
    if (byId("fte-waarde").dataset.team !== team_id) return showFte();
    const fte = fteIn("fte-waarde");
    return changeTeam({ team_id, fte, is_closed: false }, `${nl(fte, 1)} fte`);
  }));
  byId("sluit-team").addEventListener("click", safely(
    () => changeTeam({ team_id: byId("fte-team").value, fte: null, is_closed: true }, "stopt")));
  byId("nieuw-team").addEventListener("submit", safely(newTeam));
  const offices = new Map(value.teams.map((team, t) => [team.office, t]).filter(([, t]) => value.teams[t].at >= 0));
  const byName = [...offices].sort((a, b) => a[0].localeCompare(b[0], "nl"));
  fillSelect(byId("nieuw-kantoor"), byName.map(([name, t]) => [t, name]));
  fillSelect(byId("nieuw-regio"), value.regions.map((name, r) => [value.region_nrs[r], name]));
  app.drawn.push((answer) => {
    drawChart(answer.teams);
    drawTeamChanges();
    showFte();
  });
}

// --- dividing anew ---

async function recompute() {
  const began = performance.now(), areas = app.map.plans[app.map.layer].slice();
  let next = null;
  await during("De regio wordt opnieuw verdeeld…", async () => {
    next = await ask("api/recompute", question({ changes: changes(), keeps: byId("houd").checked }));
  });
  if (!next) return;
  await commit(next, "Regio opnieuw verdeeld");
  const moved = app.map.plans[app.map.layer].filter((team, a) => team !== areas[a]).length;
  const worst = Math.max(0, ...app.latest.teams.map((row) => Math.abs(row.deviation)));
  const seconds = nl((performance.now() - began) / 1000, 1);
  const effect = `${nl(moved)} gebieden verhuisd, grootste afwijking ${nl(worst * 100, 1)}%`;
  say(`Regio opnieuw verdeeld in ${seconds} s: ${effect}.`, true);
}

const MOST_STEPS_SHOWN = 12;

function drawHistory() {
  const { past, changes: now } = app.history, all = state.steps(app.history);
  byId("geschiedenis").replaceChildren(...(all.length < 2 ? [] : all.slice(0, MOST_STEPS_SHOWN).map(({ text, by }) => {
    const item = element("li", by ? undefined : text, by ? {} : { "aria-current": "step" });
    const go = safely(() => step((history) => state.stepped(history, by), `Teruggezet naar: ${text}.`));
    if (by) item.append(button(text, go, { class: "naar-kaart", title: `Ga naar de stand na: ${text}` }));
    return item;
  })));
  byId("stand").textContent = state.isEmpty(now) ? "Nog geen wijzigingen." : `${state.summary(now)}.`;
  byId("terug").disabled = !past.length;
  byId("opnieuw").disabled = !app.history.future.length;
  byId("leeg").disabled = state.isEmpty(now);
  const isCountry = regionNr() === null;
  byId("herbereken").disabled = isCountry || !app.mayPlan;
  byId("herbereken-uitleg").hidden = !isCountry;
}

const TYPING = "input:not([type=radio]):not([type=checkbox]), textarea";

export function wireHistory() {
  const back = safely(() => step(state.undone, "Ongedaan gemaakt."));
  const again = safely(() => step(state.redone, "Opnieuw toegepast."));
  byId("terug").addEventListener("click", back);
  byId("status-terug").addEventListener("click", back);
  byId("opnieuw").addEventListener("click", again);
  byId("leeg").addEventListener("click", safely(() => commit(state.EMPTY, "Alle wijzigingen teruggedraaid")));
  byId("herbereken").addEventListener("click", safely(recompute));
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target), key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || target.matches(TYPING)) return;
    if (key === "z" && !event.shiftKey) back(null);
    else if (key === "y" || (key === "z" && event.shiftKey)) again(null);
    else return;
    event.preventDefault();
  });
  app.drawn.push(drawHistory);
}

export { refresh };
