"use strict";
/* Look-up for K&S: type a postcode, press Enter, read the team. */

const byId = (id) => document.getElementById(id);
const RULES = { bijzondere_groep: "bijzondere groep: landelijk één team", pin: "vastgezet", split: "postcode is gesplitst",
  enig_team: "enige team van de regio", verdeling: "verdeling op postcode" };
const LINES = { vangnet: "vangnetlijn", werkgever: "werkgeverslijn" };
const day = (text) => new Date(`${text}T12:00:00`).toLocaleDateString("nl-NL", { day: "numeric", month: "long", year: "numeric" });

const REFUSED = {
  not_a_postcode: (asked) => `"${asked}" is geen postcode. Typ vier cijfers, of vier cijfers en twee letters: 1013 AA.`,
  unknown_postcode: (asked) => `Postcode ${asked} komt op deze dag in de verdeling niet voor. Controleer het nummer.`,
  unknown_group: () => "Deze cliëntgroep komt op deze dag in de verdeling niet voor.",
  nothing_in_force: () => "Op deze dag geldt geen verdeling.",
};

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = text;
  for (const [name, content] of Object.entries(attributes)) made.setAttribute(name, content);
  return made;
}

/* Lines and laws with the same answer are one row: K&S reads one line, not six. */
function grouped(answers) {
  const rows = new Map();
  for (const one of answers) {
    const key = [one.team_id, one.share, one.pc6_from, one.pc6_to, one.rule, one.reason].join("|");
    if (!rows.has(key)) rows.set(key, { ...one, laws: new Map() });
    const laws = rows.get(key).laws;
    laws.set(one.law, [...(laws.get(one.law) || []), one.client_line]);
  }
  return [...rows.values()];
}

const lawText = (laws) => [...laws].map(([law, lines]) => (lines.length > 1 ? law : `${law} (${LINES[lines[0]]})`)).join(", ");

function table(answers, caption) {
  const made = element("table");
  made.append(element("caption", caption));
  const head = made.createTHead().insertRow();
  ["Wet", "Team", "Kantoor", "Deel", "Sinds", "Waarom"].forEach((name) => head.append(element("th", name, { scope: "col" })));
  const body = made.createTBody();
  for (const one of grouped(answers)) {
    const row = body.insertRow();
    row.append(element("th", lawText(one.laws), { scope: "row" }));
    const range = one.pc6_from ? `${one.pc6_from} tot en met ${one.pc6_to}` : one.share < 1 ? `${Math.round(one.share * 100)}%` : "hele postcode";
    [`${one.team_name || ""} (${one.team_id})`, one.office, range, day(one.since),
      (one.follows ? `volgt postcode ${one.follows}: geen eigen vlak; ` : "") + RULES[one.rule] + (one.reason && one.rule !== "verdeling" && one.rule !== "enig_team" ? `: ${one.reason}` : "")].forEach((text) => row.append(element("td", text)));
  }
  const frame = element("div", undefined, { class: "rol", role: "region", "aria-label": caption, tabindex: "0" });
  frame.append(made);
  return frame;
}

byId("vraag").addEventListener("submit", async (event) => {
  event.preventDefault();
  const query = new URLSearchParams({ postcode: byId("postcode").value, group: byId("groep").value });
  if (byId("wet").value) query.set("law", byId("wet").value);
  if (byId("dag").value) query.set("on", byId("dag").value);
  byId("fout").textContent = "";
  const response = await fetch(`api/v1/lookup?${query}`), found = await response.json();
  if (!response.ok) {
    byId("antwoord").replaceChildren();
    const say = REFUSED[found.reason] || (() => "Deze vraag is niet te beantwoorden: controleer postcode en datum.");
    byId("fout").textContent = say(byId("postcode").value.trim());
    byId("postcode").select();
    return;
  }
  const { postcode, follows } = found.answers[0], parts = [];
  if (follows) parts.push(element("p", `Postcode ${postcode} heeft geen eigen vlak (postbus of nieuwe straat) en volgt postcode ${follows}. Klopt het nummer?`, { class: "waarschuwing" }));
  parts.push(table(found.answers, `Postcode ${postcode} op ${day(found.on)}`));
  for (const one of found.later) {
    if (one.answers.length) parts.push(table(one.answers, `Vanaf ${day(one.valid_from)} wordt het`));
    else parts.push(element("p", `Vanaf ${day(one.valid_from)} bestaat deze postcode niet meer in de verdeling.`, { class: "waarschuwing" }));
  }
  if (!found.later.length) parts.push(element("p", "Er is geen wijziging gepland voor deze postcode."));
  byId("antwoord").replaceChildren(...parts);
  byId("postcode").select();
});
