// @ts-check
/* Look-up for K&S: type a postcode, press Enter, read the team. */
import { byId, dutchDay, element } from "./dom.js";

const RULES = {
  bijzondere_groep: "bijzondere groep: landelijk één team", pin: "vastgezet", split: "postcode is gesplitst",
  enig_team: "enige team van de regio", verdeling: "verdeling op postcode",
};
const LINES = { vangnet: "vangnetlijn", werkgever: "werkgeverslijn" };
const PLAIN_RULES = ["verdeling", "enig_team"];

const REFUSED = {
  not_a_postcode: (typed) => `"${typed}" is geen postcode. Typ vier cijfers, of vier cijfers en twee letters: 1013 AA.`,
  unknown_postcode: (typed) => `Postcode ${typed} komt op deze dag in de verdeling niet voor. Controleer het nummer.`,
  unknown_group: () => "Deze cliëntgroep komt op deze dag in de verdeling niet voor.",
  nothing_in_force: () => "Op deze dag geldt geen verdeling.",
};
const AWAY = "Geen verbinding met de server; probeer het straks opnieuw.";

/* Lines and laws with the same answer are one row: K&S reads one line, not six. */
function grouped(answers) {
  const rows = new Map();
  for (const one of answers) {
    const key = [one.team_id, one.share, one.pc6_from, one.pc6_to, one.rule, one.reason].join("|");
    if (!rows.has(key)) rows.set(key, { ...one, laws: new Map() });
    const { laws } = rows.get(key);
    laws.set(one.law, [...(laws.get(one.law) || []), one.client_line]);
  }
  return [...rows.values()];
}

const lawText = (laws) => [...laws].map(([law, lines]) => (
  lines.length > 1 ? law : `${law} (${LINES[lines[0]]})`)).join(", ");

function partText(one) {
  if (one.pc6_from) return `${one.pc6_from} tot en met ${one.pc6_to}`;
  return one.share < 1 ? `${Math.round(one.share * 100)}%` : "hele postcode";
}

function whyText(one) {
  const follows = one.follows ? `volgt postcode ${one.follows}: geen eigen vlak; ` : "";
  const reason = one.reason && !PLAIN_RULES.includes(one.rule) ? `: ${one.reason}` : "";
  return follows + RULES[one.rule] + reason;
}

/** Header and cell of each column. @type {[string, (one: any) => string][]} */
const ANSWER_COLUMNS = [
  ["Wet", (one) => lawText(one.laws)],
  ["Team", (one) => `${one.team_name || ""} (${one.team_id})`],
  ["Kantoor", (one) => one.office],
  ["Deel", partText],
  ["Sinds", (one) => dutchDay(one.since)],
  ["Waarom", whyText],
];

function answerTable(answers, caption) {
  const table = element("table"), head = table.createTHead().insertRow(), body = table.createTBody();
  table.append(element("caption", caption));
  ANSWER_COLUMNS.forEach(([name]) => head.append(element("th", name, { scope: "col" })));
  for (const one of grouped(answers)) {
    const row = body.insertRow();
    ANSWER_COLUMNS.forEach(([, cell], i) => row.append(element(i ? "td" : "th", cell(one), i ? {} : { scope: "row" })));
  }
  const frame = element("div", undefined, { class: "rol", role: "region", "aria-label": caption, tabindex: "0" });
  frame.append(table);
  return frame;
}

function shown(found) {
  const { postcode, follows } = found.answers[0], warning = (text) => element("p", text, { class: "waarschuwing" });
  const parts = follows ? [warning(`Postcode ${postcode} heeft geen eigen vlak (postbus of nieuwe straat) en volgt `
    + `postcode ${follows}. Klopt het nummer?`)] : [];
  parts.push(answerTable(found.answers, `Postcode ${postcode} op ${dutchDay(found.on)}`));
  for (const { answers, valid_from } of found.later) {
    parts.push(answers.length ? answerTable(answers, `Vanaf ${dutchDay(valid_from)} wordt het`)
      : warning(`Vanaf ${dutchDay(valid_from)} bestaat deze postcode niet meer in de verdeling.`));
  }
  if (!found.later.length) parts.push(element("p", "Er is geen wijziging gepland voor deze postcode."));
  return parts;
}

async function find(event) {
  event.preventDefault();
  const query = new URLSearchParams({ postcode: byId("postcode").value, group: byId("groep").value });
  if (byId("pw").checked) query.set("pw_client", "true");
  if (byId("wet").value) query.set("law", byId("wet").value);
  if (byId("dag").value) query.set("on", byId("dag").value);
  byId("fout").textContent = "";
  const response = await fetch(`api/v1/lookup?${query}`).catch(() => null);
  const found = response ? await response.json().catch(() => null) : null;
  if (response?.ok && found) byId("antwoord").replaceChildren(...shown(found));
  else {
    const unclear = () => "Deze vraag is niet te beantwoorden: controleer postcode en datum.";
    const away = !found || response?.status === 503;
    byId("antwoord").replaceChildren();
    byId("fout").textContent = away ? AWAY : (REFUSED[found.reason] || unclear)(byId("postcode").value.trim());
  }
  byId("postcode").select();
}

byId("vraag").addEventListener("submit", find);
