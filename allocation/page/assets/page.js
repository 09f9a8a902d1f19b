"use strict";
/* The planners' page. State is one change set and its history; the server computes, this shows.
   Every change goes through `commit`; every answer of the server is drawn by `refresh`. */

const byId = (id) => document.getElementById(id);
const run = document.body.dataset.run;
const KEYS = ["vangnet", "werkgever", "pw"];
const EMPTY = { moves: [], locks: [], teams: [], new_teams: [] };
const nl = (number, decimals = 0) => (number === null || number === undefined ? "–"
  : number.toLocaleString("nl-NL", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replace("-", "−"));
const several = (count, one, more) => `${nl(count)} ${count === 1 ? one : more}`;
const percent = (share) => `${share > 0.0005 ? "+" : ""}${nl(share * 100, 1)}%`;

let value, map, nowMap, all, pc4At;
let changes = EMPTY, preview = null, undone = [], done = [], selection = new Set(), latest = null;
let draft = null, serial = 0, saving = null, savedText = JSON.stringify(EMPTY);

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, content] of Object.entries(attributes)) made.setAttribute(name, content);
  return made;
}

function button(text, act, attributes = {}) {
  const made = element("button", text, { type: "button", ...attributes });
  made.addEventListener("click", act);
  return made;
}

async function ask(path, body, method) {
  const options = { headers: { "X-Planner": encodeURIComponent(byId("naam").value || "planner") } };
  if (body !== undefined) Object.assign(options, { method: "POST", body: JSON.stringify(body) });
  if (body !== undefined) options.headers["Content-Type"] = "application/json";
  if (method) options.method = method;
  const response = await fetch(path, options), told = await response.json();
  if (response.ok) return told;
  const error = new Error(typeof told.detail === "string" ? told.detail : "Dit verzoek is niet goed ingevuld.");
  error.latest = told.latest;
  error.status = response.status;
  throw error;
}

function fail(error) {
  byId("fout").textContent = error.message;
  byId("fout").scrollIntoView({ block: "nearest" });
}

const region = () => (byId("regio").value === "" ? null : value.region_nrs[Number(byId("regio").value)]);
const current = () => preview || changes;
const asked = (more = {}) => ({ run, layer: KEYS[map.layer], region: region(), changes: current(), ...more });
const teamText = (t) => (t < 0 ? "geen team" : `${value.teams[t].name} (${value.teams[t].id})`);

// --- from the server to the screen ---

async function refresh() {
  const own = ++serial, began = performance.now();
  let told;
  try {
    told = await ask("api/figures", asked());
  } catch (error) {
    if (own === serial) throw error;
    return;
  }
  if (own !== serial) return;
  latest = told;
  value.teams.length = value.known;
  told.new_teams.forEach((team) => value.teams.push(team));
  told.colours.forEach((colour, t) => { value.teams[t].colour = colour; });
  map.plans = value.layers.map((layer) => layer.proposal.slice());
  told.changed.forEach(([layer, area, team]) => { map.plans[layer][area] = team; });
  map.marked = new Map(current().locks.map((lock) => [pc4At.get(lock.pc4.slice(0, 4)), lock.kind]));
  map.show({});
  showFacts();
  showStrip(told.strip);
  showTeams(told.teams);
  showCuts(told.cuts);
  showLists();
  nameRecompute();
  byId("fout").textContent = "";
  document.documentElement.dataset.took = String(Math.round(performance.now() - began));
  document.documentElement.dataset.serial = String(own);
  clearTimeout(showChanges.timer);
  showChanges.timer = setTimeout(() => showChanges().catch(fail), 400);
}

function showStrip(rows) {
  const table = byId("strook"), head = element("tr"), lines = [["Nu", "now"], ["Voorstel", "proposal"], ["Na uw wijzigingen", "draft"]];
  head.append(element("td"), ...rows.map((row) => element("th", row.name, { scope: "col" })));
  table.tHead.replaceChildren(head);
  table.tBodies[0].replaceChildren(...lines.map(([name, key]) => {
    const line = element("tr");
    line.append(element("th", name, { scope: "row" }), ...rows.map((row) => {
      const cell = element("td", row[key], { class: "getal" });
      if (key === "draft" && row.draft !== row.proposal) cell.className = "getal anders";
      return cell;
    }));
    return line;
  }));
  byId("bereik").textContent = `(${byId("laag").selectedOptions[0].text}, ${byId("regio").selectedOptions[0].text})`;
}

function numberCell(text, amount, mark) {
  const cell = element("td", text, { class: "getal", "data-v": amount === null ? NaN : amount });
  if (mark) cell.append(" ", element("strong", mark, { class: "let-op" }));
  return cell;
}

function deviationCell(row) {
  const cell = numberCell(percent(row.deviation), row.deviation);
  const bar = element("span", undefined, { class: `balk ${row.deviation > 0 ? "boven" : "onder"}`, "aria-hidden": "true" });
  const filled = element("span");
  filled.style.width = `${Math.min(50, Math.abs(row.deviation) * 500)}%`;
  bar.append(filled);
  cell.append(bar);
  if (!row.is_within) cell.append(" ", element("strong", "buiten tolerantie", { class: "let-op" }));
  return cell;
}

function keepOrder(table, rows) {
  table.tBodies[0].replaceChildren(...rows);
  const headers = [...table.tHead.rows[0].cells], at = headers.findIndex((header) => header.hasAttribute("aria-sort"));
  if (at >= 0) sortTable(table, at, headers[at].getAttribute("aria-sort") === "descending");
  const filter = document.querySelector(`input[data-filter="${table.id}"]`);
  if (filter && filter.value) filterTable(table, filter.value);
}

function showTeams(rows) {
  keepOrder(byId("teams"), rows.map((row) => {
    const line = element("tr"), name = element("th", undefined, { scope: "row" });
    name.append(button(row.id, () => showTeam(row.id), { class: "naar-kaart", title: `Toon ${row.id} op de kaart` }));
    line.append(name, element("td", row.name), element("td", row.office), numberCell(nl(row.fte, 1), row.fte),
      numberCell(nl(row.hours), row.hours), numberCell(nl(row.capacity), row.capacity), numberCell(`${nl(row.load * 100, 1)}%`, row.load),
      numberCell(`${nl(row.low)} tot ${nl(row.high)}`, row.low), deviationCell(row), numberCell(nl(row.change), row.change),
      numberCell(nl(row.areas), row.areas), numberCell(nl(row.pieces), row.pieces, row.pieces > 1 ? "niet aaneengesloten" : ""),
      numberCell(nl(row.travel_km, 1), row.travel_km), numberCell(nl(row.waiting, 1), row.waiting));
    return line;
  }));
  keepOrder(byId("betrokken"), rows.filter((row) => Math.abs(row.hours - row.now_hours) > 0.5 || row.areas !== row.now_areas).map((row) => {
    const line = element("tr");
    line.append(element("th", row.id, { scope: "row" }), element("td", row.name), numberCell(nl(row.now_hours), row.now_hours), numberCell(nl(row.hours), row.hours),
      numberCell(nl(row.hours - row.now_hours), row.hours - row.now_hours), numberCell(nl(row.now_areas), row.now_areas), numberCell(nl(row.areas), row.areas));
    return line;
  }));
}

async function showChanges() {
  const own = serial, rows = await ask("api/changes", asked());
  if (own !== serial) return;
  keepOrder(byId("wijzigingen"), rows.map((row) => {
    const line = element("tr");
    line.append(element("th", row.pc4, { scope: "row" }), ...[row.place, row.layer, row.old, row.new].map((text) => element("td", text)),
      numberCell(nl(row.clients, 1), row.clients), numberCell(nl(row.hours, 1), row.hours), element("td", row.by === "planner" ? "aangepast door u" : row.by));
    return line;
  }));
}

function showCuts(cuts) {
  const part = (title, list) => {
    if (!list.length) return [];
    const items = element("ul");
    list.forEach((cut) => items.append(element("li", `${cut.team_id}: ${cut.pieces} delen; los ${cut.loose.length > 1 ? "liggen" : "ligt"} ${cut.loose.slice(0, 8).join(", ")}${cut.loose.length > 8 ? ` en nog ${cut.loose.length - 8}` : ""}`)));
    return [element("h3", title), items];
  };
  const fresh = cuts.filter((cut) => cut.is_new), old = cuts.filter((cut) => !cut.is_new);
  byId("stukken").className = fresh.length ? "waarschuwing" : "";
  byId("stukken").replaceChildren(...part("Door uw wijziging niet meer aaneengesloten", fresh), ...part("Was al niet aaneengesloten", old));
}

function showLists() {
  const { locks, teams, new_teams, moves } = current(), names = { pin: "vast op", bar: "niet bij", split: "deel naar" };
  byId("aantal-sloten").textContent = nl(locks.length);
  byId("sloten").replaceChildren(...locks.map((lock, i) => {
    const item = element("li", `${lock.pc4} ${names[lock.kind]} ${lock.team_id}${lock.share && lock.share < 1 ? ` (${nl(lock.share * 100)}%)` : ""}: ${lock.reason}${lock.valid_until ? `, tot en met ${dutchDay(lock.valid_until)}` : ""} – ${lock.made_by}, ${dutchDay(lock.made_on)} `);
    item.append(button("Maak los", () => unlock(i), { "aria-label": `Maak ${lock.pc4} los` }));
    return item;
  }));
  byId("aantal-teams").textContent = nl(teams.length + new_teams.length);
  byId("teamlijst").replaceChildren(
    ...teams.map((team, i) => listed(`${team.team_id}: ${team.is_closed ? "stopt" : `${nl(team.fte, 1)} fte`} `, () => commit({ teams: teams.filter((_, j) => j !== i) }, "Teamwijziging teruggedraaid."))),
    ...new_teams.map((team, i) => listed(`${team.team_id} (nieuw, ${nl(team.fte, 1)} fte) `, () => commit({ new_teams: new_teams.filter((_, j) => j !== i), moves: moves.filter((move) => move.team_id !== team.team_id) }, "Nieuw team verwijderd."))));
  byId("stand").textContent = moves.length || locks.length || teams.length || new_teams.length
    ? `${several(moves.length, "verplaatsing", "verplaatsingen")}, ${several(locks.length, "vergrendeling", "vergrendelingen")}, ${several(teams.length + new_teams.length, "teamwijziging", "teamwijzigingen")}.` : "Nog geen wijzigingen.";
  byId("terug").disabled = !done.length;
  byId("opnieuw").disabled = !undone.length;
  byId("leeg").disabled = JSON.stringify(changes) === JSON.stringify(EMPTY);
  const own = latest ? latest.teams.map((row) => row.id) : [];
  for (const id of ["ander", "slot-team", "slot-tweede", "fte-team"]) fillSelect(byId(id), own.map((team) => [team, team]));
}

/* 2026-11-22 -> 22-11-2026 */
const dutchDay = (text) => (text ? text.split("-").reverse().join("-") : "");

function listed(text, act) {
  const item = element("li", text);
  item.append(button("Verwijder", act));
  return item;
}

function fillSelect(select, options) {
  const wanted = select.value;
  if ([...select.options].map((one) => one.value).join() === options.map(([key]) => String(key)).join()) return;
  select.replaceChildren(...options.map(([key, text]) => element("option", text, { value: key })));
  if (options.some(([key]) => String(key) === wanted)) select.value = wanted;
}

// --- changes ---

async function commit(parts, text) {
  const before = changes;
  preview = null;
  byId("voorbeeld").hidden = true;
  changes = { ...changes, ...parts };
  try {
    await refresh();
  } catch (error) {
    changes = before;
    await refresh();
    return fail(error);
  }
  done.push(before);
  undone = [];
  showLists();
  announce(text);
  keep();
}

async function step(from, to, text) {
  if (!from.length) return;
  preview = null;
  byId("voorbeeld").hidden = true;
  to.push(changes);
  changes = from.pop();
  await refresh();
  announce(text);
  keep();
}

/* Where both client lines have the same teams, a move in one is a move in the other. */
function layerOf(area) {
  return map.layer === 1 && !value.areas.apart[area] ? "vangnet" : KEYS[map.layer];
}

function withMoves(team) {
  const fresh = [...selection].map((a) => ({ layer: layerOf(a), pc4: value.areas.pc4[a], team_id: team }));
  const same = new Set(fresh.map((move) => `${move.layer} ${move.pc4}`));
  return [...changes.moves.filter((move) => !same.has(`${move.layer} ${move.pc4}`)), ...fresh];
}

async function look(team) {
  if (!selection.size) return;
  preview = { ...changes, moves: withMoves(team) };
  try {
    await refresh();
  } catch (error) {
    preview = null;
    await refresh();
    return fail(error);
  }
  byId("voorbeeld-tekst").textContent = `Voorbeeld: ${selection.size === 1 ? `postcode ${value.areas.pc4[[...selection][0]]}` : `${selection.size} postcodes`} naar ${team}. De cijfers en de kaart tonen het al; toegepast is het nog niet.`;
  byId("voorbeeld").hidden = false;
  byId("toepassen").onclick = () => commit({ moves: withMoves(team) }, `Toegewezen aan ${team}.`).then(suggest);
  byId("toepassen").focus();
  announce(byId("voorbeeld-tekst").textContent);
}

async function cancel() {
  preview = null;
  byId("voorbeeld").hidden = true;
  await refresh();
  announce("Voorbeeld geannuleerd.");
}

// --- choosing ---

function choose(areas, isMore) {
  selection = new Set(isMore ? [...selection, ...areas] : areas);
  map.selected = selection;
  map.draw();
  byId("codes").value = [...selection].map((a) => value.areas.pc4[a]).sort().join(" ");
  showFacts();
  suggest().catch(fail);
}

function showFacts() {
  const one = selection.size === 1 ? [...selection][0] : -1;
  byId("gebied").replaceChildren(...(one < 0 ? [] : facts(one).flatMap(([name, text]) => [element("dt", name), element("dd", text)])));
}

async function suggest() {
  const place = byId("suggesties");
  place.hidden = true;
  if (!selection.size) return;
  const wanted = [...selection].map((a) => value.areas.pc4[a]).slice(0, 500);
  const rows = await ask("api/suggestions", asked({ postcodes: wanted, changes }));
  place.hidden = false;
  place.querySelector("tbody").replaceChildren(...rows.map((row) => {
    const line = element("tr"), name = element("th", undefined, { scope: "row" });
    name.append(button(row.team_id, () => look(row.team_id).catch(fail), { class: "naar-kaart", title: `Bekijk wat er gebeurt bij ${row.team_id}` }));
    line.append(name, numberCell(nl(row.room_hours), row.room_hours), numberCell(`${percent(row.deviation_before)} → ${percent(row.deviation_after)}`, row.deviation_after),
      numberCell(`${nl(row.giver_after * 100, 1)}%`, row.giver_after), element("td", [row.is_within ? "" : "buiten tolerantie", row.is_contiguous ? "" : "breekt een gebied"].filter(Boolean).join(", ") || "past"));
    return line;
  }));
  announce(rows.length ? `${several(rows.length, "team kan", "teams kunnen")} ${selection.size === 1 ? "deze postcode" : "deze postcodes"} overnemen.` : "Er grenst geen ander team aan deze postcodes.");
}

function facts(area) {
  const layer = value.layers[map.layer], { areas } = value;
  return [
    ["Postcode", `${areas.pc4[area]} ${areas.place[area]}`], ["Gemeente", value.gemeenten[areas.gemeente[area]]],
    ["Regio", value.regions[areas.region[area]]], ["Nu", teamText(layer.now[area])], ["Voorstel", teamText(layer.proposal[area])],
    ["Na uw wijzigingen", teamText(map.plans[map.layer][area])],
    ["Verwacht werk", `${nl(layer.hours[area], 1)} uur, ${nl(layer.clients[area], 1)} cliënten per jaar`],
  ];
}

function showTeam(id) {
  const team = value.teams.findIndex((one) => one.id === id), areas = all.filter((a) => map.teamOf(a) === team);
  if (!areas.length) return announce("Dit team heeft geen gebied in deze laag.");
  map.zoomTo(areas);
  byId("kaart-kop").scrollIntoView({ block: "start" });
  announce(`Kaart ingezoomd op ${id}.`);
}

function matches(text) {
  const wanted = text.trim().toLowerCase();
  if (wanted.length < 2) return [];
  const areas = all.filter((a) => value.areas.pc4[a].startsWith(wanted.slice(0, 4)) || value.areas.place[a].toLowerCase().includes(wanted));
  const teams = value.teams.filter((team) => `${team.id} ${team.name} ${team.office}`.toLowerCase().includes(wanted));
  return [...areas.slice(0, 6).map((a) => ({ text: `${value.areas.pc4[a]} ${value.areas.place[a]}`, go: () => { map.zoomTo([a]); map.zoomBy(0.3); choose([a]); } })),
    ...teams.slice(0, 6).map((team) => ({ text: `${team.name} (${team.id})`, go: () => showTeam(team.id) }))];
}

// --- locks, teams ---

function newLock(pc4, team, kind, share) {
  return { pc4, team_id: team, kind, share: share || null, client_line: null, reason: byId("slot-reden").value.trim(),
    valid_until: byId("slot-eind").value || null, made_by: byId("naam").value || "planner", made_on: new Date().toISOString().slice(0, 10) };
}

/* "1013 aa - 1013 ae" and "1013AA-AE" -> "1013AA-1013AE"; the server says what is wrong with anything else. */
function pc6Range(text) {
  const [first, last] = text.toUpperCase().replace(/\s/g, "").split(/[-–]/);
  return last ? `${first}-${last.length === 2 ? first.slice(0, 4) + last : last}` : first;
}

function addLocks(fresh) {
  const replaced = new Set(fresh.filter((lock) => lock.kind !== "bar").map((lock) => lock.pc4));
  const kept = changes.locks.filter((lock) => !replaced.has(lock.pc4) || lock.kind === "bar");
  const moves = changes.moves.filter((move) => !replaced.has(move.pc4));
  return commit({ locks: [...kept, ...fresh], moves }, `${several(fresh.length, "vergrendeling", "vergrendelingen")} gezet.`);
}

function unlock(i) {
  const lock = changes.locks[i];
  const locks = changes.locks.filter((one, j) => (lock.kind === "split" ? one.pc4 !== lock.pc4 || one.kind !== "split" : j !== i));
  commit({ locks }, `${lock.pc4} losgemaakt.`);
}

function wireLocks() {
  byId("slot-soort").addEventListener("change", (event) => {
    byId("slot-tweede-vak").hidden = event.target.value !== "split";
    byId("slot-reeks-vak").hidden = event.target.value !== "pc6";
  });
  byId("slot").addEventListener("submit", (event) => {
    event.preventDefault();
    if (byId("slot-soort").value === "pc6") return addLocks([newLock(pc6Range(byId("slot-reeks").value), byId("slot-team").value, "split", 1)]);
    if (!selection.size) return fail(new Error("Kies eerst een of meer postcodes."));
    const kind = byId("slot-soort").value, team = byId("slot-team").value, codes = [...selection].map((a) => value.areas.pc4[a]);
    const fresh = kind === "split" ? codes.flatMap((pc4) => [newLock(pc4, team, kind, 0.5), newLock(pc4, byId("slot-tweede").value, kind, 0.5)])
      : codes.map((pc4) => newLock(pc4, team, kind));
    addLocks(fresh);
  });
  byId("slot-alles").addEventListener("click", () => {
    const id = byId("slot-team").value, team = value.teams.findIndex((one) => one.id === id);
    if (!byId("slot-reden").reportValidity()) return;
    addLocks(all.filter((a) => map.plans[map.layer][a] === team).map((a) => newLock(value.areas.pc4[a], id, "pin")));
  });
  byId("slot-los").addEventListener("click", () => commit({ locks: [] }, "Alles is los."));
}

function changeTeam(change) {
  return commit({ teams: [...changes.teams.filter((team) => team.team_id !== change.team_id), change],
    moves: change.is_closed ? changes.moves.filter((move) => move.team_id !== change.team_id) : changes.moves }, `Team ${change.team_id} gewijzigd.`);
}

function wireTeams() {
  byId("fte-team").addEventListener("change", () => {
    const row = latest.teams.find((one) => one.id === byId("fte-team").value);
    if (row) byId("fte-waarde").value = row.fte;
  });
  byId("fte").addEventListener("submit", (event) => {
    event.preventDefault();
    if (byId("fte-waarde").value) changeTeam({ team_id: byId("fte-team").value, fte: Number(byId("fte-waarde").value), is_closed: false });
  });
  byId("sluit-team").addEventListener("click", () => changeTeam({ team_id: byId("fte-team").value, fte: null, is_closed: true }));
  byId("nieuw-team").addEventListener("submit", (event) => {
    event.preventDefault();
    const office = value.teams[Number(byId("nieuw-kantoor").value)];
    commit({ new_teams: [...changes.new_teams, { team_id: byId("nieuw-code").value.trim(), name: byId("nieuw-naam").value.trim(), office: office.office,
      office_pc4: value.areas.pc4[office.at], region: Number(byId("nieuw-regio").value), kind: byId("nieuw-soort").value, fte: Number(byId("nieuw-fte").value) }] },
    "Team toegevoegd; kies Herbereken om het gebied te geven.");
  });
  const offices = new Map(value.teams.map((team, t) => [team.office, t]).filter(([, t]) => value.teams[t].at >= 0));
  fillSelect(byId("nieuw-kantoor"), [...offices].sort((a, b) => dutch.compare(a[0], b[0])).map(([name, t]) => [t, name]));
  fillSelect(byId("nieuw-regio"), value.regions.map((name, r) => [value.region_nrs[r], name]));
}

/* A region comes back into this draft; the country becomes a proposal of its own, which takes minutes. */
async function recompute() {
  const place = byId("herbereken"), isCountry = region() === null;
  place.disabled = true;
  place.textContent = "Bezig met herberekenen…";
  announce("Bezig met herberekenen.");
  try {
    await (isCountry ? recomputeCountry() : recomputeRegion());
  } catch (error) {
    fail(error);
  } finally {
    place.disabled = false;
    nameRecompute();
  }
}

async function recomputeRegion() {
  const made = await ask("api/recompute", asked({ changes, keeps: byId("houd").checked }));
  await commit(made, "De regio is opnieuw verdeeld.");
}

async function recomputeCountry() {
  await save();
  const { task } = await ask("api/country", { draft_id: draft.draft_id, reason: `heel Nederland herberekend vanaf "${draft.name}"` });
  await follow(`api/country/${encodeURIComponent(task)}`, byId("herbereken-stand"));
}

function nameRecompute() {
  if (byId("herbereken").disabled) return;
  byId("herbereken").textContent = region() === null ? "Herbereken heel Nederland" : "Herbereken deze regio";
  byId("houd").disabled = region() === null;
}

// --- drafts: kept in the store after every change ---

function keep() {
  clearTimeout(saving);
  if (JSON.stringify(changes) !== savedText) saving = setTimeout(() => save().catch(overtaken), 700);
}

async function save(name) {
  const text = JSON.stringify(changes), isNew = !draft || name;
  const now = new Date().toLocaleString("nl-NL", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  draft = await ask("api/drafts", { run, name: name || (draft ? draft.name : `Concept van ${byId("naam").value || "planner"}, ${now}`), changes,
    draft_id: isNew ? null : draft.draft_id, revision: isNew ? 0 : draft.revision });
  savedText = text;
  await listDrafts();
}

function overtaken(error) {
  if (error.status === 409) {
    error.message += " Uw wijzigingen staan nog op deze pagina: bewaar ze als nieuw concept, of open dat van de ander.";
    byId("concepten").open = true;
    draft = draft && { ...draft, isOvertaken: true };
  }
  fail(error);
}

async function open(one) {
  done = []; undone = []; preview = null;
  changes = { ...EMPTY, ...one.content };
  draft = one;
  savedText = JSON.stringify(changes);
  await refresh();
  await listDrafts();
  announce(`Concept ${one.name} geopend.`);
}

async function listDrafts() {
  const rows = await ask(`api/drafts?run=${encodeURIComponent(run)}`);
  const mine = draft && rows.find((one) => one.draft_id === draft.draft_id);
  const isBehind = mine && mine.revision > draft.revision;
  byId("concept-nu").textContent = !draft ? "Elke wijziging wordt vanzelf bewaard als concept."
    : isBehind ? `Let op: ${mine.saved_by} heeft "${draft.name}" intussen gewijzigd.` : `Bewaard als "${draft.name}".`;
  byId("conceptlijst").replaceChildren(...rows.map((one) => {
    const item = element("li", `${one.name} – ${one.saved_by}, ${new Date(one.saved_at).toLocaleString("nl-NL", { dateStyle: "short", timeStyle: "short" })} `);
    item.append(button("Open", () => open(one).catch(fail), { "aria-label": `Open ${one.name}` }), button("Verwijder", async () => {
      await ask(`api/drafts/${one.draft_id}?revision=${one.revision}`, undefined, "DELETE").catch(fail);
      if (draft && draft.draft_id === one.draft_id) draft = null;
      await listDrafts();
    }, { "aria-label": `Verwijder ${one.name}` }));
    return item;
  }));
}

// --- proposing ---

async function submit(event) {
  event.preventDefault();
  const { task } = await ask("api/submit", asked({ changes, reason: byId("dien-reden").value }));
  await follow(`api/tasks/${task}`, byId("dien-stand"));
}

/* Tell how a proposal that is being made goes, until there is a version or it is refused. */
async function follow(path, place) {
  let told = { state: "busy" };
  delete place.dataset.state;
  while (told.state === "busy") {
    await new Promise((go) => { setTimeout(go, 700); });
    told = await ask(path);
    if (place.textContent !== told.text) place.textContent = told.text;
  }
  place.dataset.state = told.state;
  if (told.state === "done") {
    place.append(" De goedkeurder kan hem nu bekijken en publiceren. ", element("a", "Open de nieuwe versie", { href: "./" }));
  }
}

// --- start ---

function fitRegion() {
  const r = byId("regio").value;
  map.zoomTo(r === "" ? all : all.filter((a) => value.areas.region[a] === Number(r)));
}

function wireMap() {
  byId("laag").addEventListener("change", (event) => {
    const layer = Number(event.target.value);
    map.show({ layer });
    nowMap.show({ layer });
    choose([]);
    refresh().catch(fail);
  });
  document.querySelectorAll("input[name=beeld]").forEach((radio) => radio.addEventListener("change", () => map.show({ mode: radio.value })));
  byId("regio").addEventListener("change", () => {
    fitRegion();
    refresh().catch(fail);
  });
  byId("groter").addEventListener("click", () => map.zoomBy(1.5));
  byId("kleiner").addEventListener("click", () => map.zoomBy(1 / 1.5));
  byId("heel").addEventListener("click", () => map.zoomTo(all));
  byId("lasso").addEventListener("click", (event) => {
    map.isLassoing = !map.isLassoing;
    event.target.setAttribute("aria-pressed", String(map.isLassoing));
  });
  byId("vergelijk").addEventListener("click", (event) => {
    const isOn = event.target.getAttribute("aria-pressed") !== "true";
    event.target.setAttribute("aria-pressed", String(isOn));
    byId("nu-bak").hidden = !isOn;
    byId("vergelijking").hidden = !isOn;
    document.querySelector(".kaarten").classList.toggle("twee", isOn);
    map.onView = isOn ? () => nowMap.follow(map) : () => {};
    fitRegion();
  });
  map.onPick = (area, isMore) => { if (area >= 0) choose([area], isMore); };
  map.onLasso = (areas, isMore) => choose(areas, isMore);
  map.onHover = (area, x, y) => {
    const tip = byId("tip");
    tip.hidden = area < 0;
    if (area < 0) return;
    tip.replaceChildren(...facts(area).map(([name, text]) => { const row = element("div"); row.append(element("b", `${name}: `), text); return row; }));
    tip.style.left = `${x > map.canvas.clientWidth * 0.55 ? Math.max(0, x - 330) : x + 16}px`;
    tip.style.top = `${y + 16}px`;
  };
}

function wireForms() {
  byId("kies").addEventListener("submit", (event) => {
    event.preventDefault();
    const codes = byId("codes").value.split(/[\s,;]+/).filter(Boolean), unknown = codes.filter((code) => !pc4At.has(code));
    if (unknown.length) return fail(new Error(`Deze postcodes bestaan niet: ${unknown.join(", ")}.`));
    choose(codes.map((code) => pc4At.get(code)));
    if (codes.length) map.zoomTo([...selection]);
    if (codes.length) map.zoomBy(0.3);
  });
  byId("wis").addEventListener("click", () => choose([]));
  byId("ander-bekijk").addEventListener("click", () => look(byId("ander").value).catch(fail));
  byId("annuleren").addEventListener("click", () => cancel().catch(fail));
  byId("terug").addEventListener("click", () => step(done, undone, "Ongedaan gemaakt.").catch(fail));
  byId("opnieuw").addEventListener("click", () => step(undone, done, "Opnieuw toegepast.").catch(fail));
  byId("leeg").addEventListener("click", () => commit(EMPTY, "Alle wijzigingen zijn teruggedraaid."));
  byId("herbereken").addEventListener("click", recompute);
  byId("bewaar").addEventListener("submit", (event) => {
    event.preventDefault();
    save(byId("concept-naam").value.trim() || undefined).catch(fail);
  });
  byId("dien-in").addEventListener("submit", (event) => submit(event).catch(fail));
  byId("versie").addEventListener("change", (event) => { location.search = `?run=${encodeURIComponent(event.target.value)}`; });
  byId("zoek").addEventListener("input", (event) => {
    const found = matches(event.target.value);
    byId("gevonden").replaceChildren(...found.map((one) => { const item = element("li"); item.append(button(one.text, one.go)); return item; }));
    if (event.target.value.trim().length > 1) announce(`${found.length} gevonden.`);
  });
  byId("zoekformulier").addEventListener("submit", (event) => {
    event.preventDefault();
    const [first] = matches(byId("zoek").value);
    if (first) first.go();
  });
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.target.matches("input, select")) return;
    if (event.key === "z" && !event.shiftKey) byId("terug").click();
    else if (event.key === "y" || (event.key === "z" && event.shiftKey)) byId("opnieuw").click();
    else return;
    event.preventDefault();
  });
  if (!byId("naam").readOnly) {
    byId("naam").value = localStorage.getItem("naam") || "";
    byId("naam").addEventListener("change", () => localStorage.setItem("naam", byId("naam").value));
  }
}

async function start() {
  value = await ask(`api/map?run=${encodeURIComponent(run)}`);
  value.known = value.teams.length;
  all = value.areas.pc4.map((_, a) => a);
  pc4At = new Map(value.areas.pc4.map((code, a) => [code, a]));
  map = new CaseloadMap(byId("kaart"), value);
  nowMap = new CaseloadMap(byId("kaart-nu"), value);
  nowMap.mode = "now";
  byId("regio").append(...value.regions.map((name, r) => element("option", name, { value: r })));
  wireMap();
  wireForms();
  wireLocks();
  wireTeams();
  prepareTables(document);
  await refresh();
  await listDrafts();
  setInterval(() => listDrafts().catch(() => {}), 15000);
  document.documentElement.dataset.ready = "ja";
}

start().catch(fail);
