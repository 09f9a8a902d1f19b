// @ts-check
/* Vragen: what planners ask first, answered for what is on the screen; a row shows its place on the map. */
import { ask } from "../api.js";
import { button, byId, element } from "../dom.js";
import { app, look, question, safely } from "./app.js";
import { choose } from "./choosing.js";
import { showRegion, showTeam } from "./mapview.js";
import { remember } from "./session.js";
import * as state from "../state.js";

let asked = 0, isBehind = true;

/** Show where an answer is: its layer, and then its team, region or postcodes. @param {any} answer */
async function show(answer) {
  const layer = state.LAYERS.indexOf(answer.layer), { map, nowMap } = app;
  if (layer >= 0 && layer !== map.layer) {
    byId("laag").value = String(layer);
    map.show({ layer });
    nowMap.show({ layer });
    await look("Andere laag: rekent…");
  }
  if (answer.team) showTeam(answer.team);
  const areas = answer.codes.map((code) => app.pc4At.get(code)).filter((a) => a !== undefined);
  if (areas.length) {
    choose(areas);
    map.zoomTo(areas);
    map.zoomBy(areas.length === 1 ? 0.3 : 0.8);
  }
  const region = app.value.region_nrs.indexOf(answer.region);
  if (region >= 0) {
    byId("regio").value = String(region);
    showRegion(region);
    await look("Andere regio: rekent…");
  }
  remember();
}

/** @param {any} one a question with its answers */
function drawQuestion(one) {
  const part = element("details"), table = element("table"), body = element("tbody"), head = element("tr");
  part.append(element("summary", one.title), element("p", one.about, { class: "zacht" }));
  part.dataset.vraag = one.key;
  part.open = Boolean(byId("vragen").querySelector(`[data-vraag="${one.key}"][open]`)) || one.key === "overbelast";
  if (!one.answers.length) return part;
  head.append(...one.columns.map((name) => element("th", name, { scope: "col" })));
  table.append(element("caption", one.title, { class: "onzichtbaar" }), element("thead"), body);
  table.tHead.append(head);
  body.append(...one.answers.map((answer) => {
    const row = element("tr"), cell = element("th", undefined, { scope: "row" });
    cell.append(button(answer.name, safely(() => show(answer)), { class: "naar-kaart",
      title: `Toon ${answer.name} op de kaart` }));
    row.append(cell, ...answer.cells.map((text) => element("td", text)));
    return row;
  }));
  const roll = element("div", undefined, { class: "rol", role: "region", "aria-label": one.title, tabindex: "0" });
  roll.append(table);
  part.append(roll);
  return part;
}

async function drawQuestions() {
  const own = ++asked, place = byId("vragen");
  isBehind = false;
  place.setAttribute("aria-busy", "true");
  const answers = await ask("api/questions", question());
  if (own !== asked) return;
  place.replaceChildren(...answers.map(drawQuestion));
  place.removeAttribute("aria-busy");
  place.dataset.klaar = String(own);
}

export function wireQuestions() {
  const part = byId("tab-vragen"), refreshed = safely(drawQuestions);
  new MutationObserver(() => { if (!part.hidden && isBehind) refreshed(null); })
    .observe(part, { attributes: true, attributeFilter: ["hidden"] });
  app.drawn.push(() => {
    isBehind = true;
    if (!part.hidden) refreshed(null);
  });
}
