// @ts-check
/* Goedkeuren en Afwijzen: what the proposal that is shown does to whom, and the decision, asked twice. */
import { ask } from "../api.js";
import { button, byId, element } from "../dom.js";
import { app, during, fail, safely, say } from "./app.js";

const POLL_MS = 700;
const UNTIL_A_NEW_ONE = "Daarna verandert alleen een nieuwe versie dat.";

/** @param {any} told of the server */
function drawConsequences(told) {
  const without = (now) => now ? `, zonder wijziging ${now}` : "";
  const figures = told.figures.map((one) => `${one.name}: ${one.proposal}${without(one.now)}`);
  const regions = told.regions.map((one) => `${one.name}, ${one.layer}: ${one.areas} postcodes wisselen`);
  const items = (texts) => texts.map((text) => element("li", text)), more = told.more_warnings;
  byId("gevolgen").replaceChildren(...items(told.lines));
  byId("gevolg-cijfers").querySelector("ul").replaceChildren(...items([...figures, ...regions]));
  const place = byId("gevolg-let-op");
  const texts = [...told.warnings, ...(more ? [`En nog ${more}: zie het rapport.`] : [])];
  place.hidden = !texts.length;
  place.open = texts.length === 1;
  place.querySelector("summary").textContent = `Waar op te letten (${told.warnings.length + more})`;
  place.querySelector("ul").replaceChildren(...items(texts));
}

/** Ask once more, in the page itself: what will happen, from which day.
 * @param {any} told @param {boolean} isApproved */
function askAgain(told, isApproved) {
  const place = byId("beslis-zeker"), verb = isApproved ? "goedkeuren" : "afwijzen";
  const text = isApproved
    ? `Versie ${told.version} gaat gelden vanaf ${told.first_day}. ${told.planned || UNTIL_A_NEW_ONE}`
    : `Versie ${told.version} wordt afgewezen; er verandert niets. Een nieuw voorstel kan altijd.`;
  const yes = button(`Ja, ${verb}`, safely(() => decide(told.version, isApproved)), { class: "hoofd" });
  const line = element("div", undefined, { class: "rij" });
  line.append(yes, button("Nee", () => { place.hidden = true; }));
  place.replaceChildren(element("p", text), line);
  place.hidden = false;
  yes.focus();
}

/** @param {number} version @param {boolean} isApproved */
async function decide(version, isApproved) {
  byId("beslis-zeker").hidden = true;
  await during("Het besluit wordt verwerkt…", async () => {
    const remark = byId("beslis-opmerking").value.trim();
    const order = { run: app.run, version, is_approved: isApproved, remark };
    const { task } = await ask("api/decision", order);
    const query = new URLSearchParams({ run: app.run, task }), place = byId("beslis-stand");
    let told = { state: "busy", text: "" };
    while (told.state === "busy") {
      told = await ask(`api/decision/state?${query}`);
      place.textContent = told.text;
      say(told.text);
      if (told.state === "busy") await new Promise((go) => { setTimeout(go, POLL_MS); });
    }
    place.dataset.state = told.state;
    place.className = told.state === "done" ? "goed" : "waarschuwing";
    if (told.state !== "done") return;
    byId("beslis").hidden = true;
    place.append(" ", element("a", "Toon de nieuwe stand", { href: location.pathname + location.search }));
  });
}

export function wireApproving() {
  if (!byId("goedkeuring")) return;
  ask(`api/decision?run=${encodeURIComponent(app.run)}`).then((told) => {
    drawConsequences(told);
    byId("goedkeuring").dataset.klaar = "ja";
    if (!byId("beslis")) return;
    byId("keur-goed").disabled = Boolean(told.obstacle);
    const caution = told.obstacle || told.planned;
    byId("beslis-stand").textContent = caution;
    byId("beslis-stand").className = caution ? "waarschuwing" : "";
    byId("keur-goed").addEventListener("click", () => askAgain(told, true));
    byId("wijs-af").addEventListener("click", () => askAgain(told, false));
  }).catch(fail);
}
