// @ts-check
/* Elements, Dutch numbers and dates, announcements: what every script of the page and the report needs. */

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/**
 * @param {string} tag
 * @param {string | null} [text]
 * @param {Record<string, string | number>} [attributes]
 * @returns {any}
 */
export function element(tag, text, attributes = {}) {
  const node = document.createElement(tag);
  if (text !== undefined && text !== null) node.textContent = text;
  for (const [name, content] of Object.entries(attributes)) node.setAttribute(name, String(content));
  return node;
}

/** @param {string} text @param {(event: Event) => void} act @param {Record<string, string>} [attributes] */
export function button(text, act, attributes = {}) {
  const node = element("button", text, { type: "button", ...attributes });
  node.addEventListener("click", act);
  return node;
}

/** @param {number | null | undefined} number @param {number} [decimals] */
export function nl(number, decimals = 0) {
  if (number === null || number === undefined || Number.isNaN(number)) return "–";
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return number.toLocaleString("nl-NL", digits).replace("-", "−");
}

/** A share as a percentage with its sign: 0.049 -> "+4,9%". @param {number} share */
export const percent = (share) => `${share > 0.0005 ? "+" : ""}${nl(share * 100, 1)}%`;

/** @param {number} count @param {string} one @param {string} more */
export const several = (count, one, more) => `${nl(count)} ${count === 1 ? one : more}`;

const DAY = /** @type {const} */ ({ day: "numeric", month: "long", year: "numeric" });
const MOMENT = /** @type {const} */ ({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** An ISO date in words: 2026-11-22 -> "22 november 2026". @param {string | null} text */
export const dutchDay = (text) => (text ? new Date(`${text}T12:00:00`).toLocaleDateString("nl-NL", DAY) : "");

/** An ISO time on the clock of the Netherlands. @param {string} text */
export function dutchMoment(text) {
  return new Date(text).toLocaleString("nl-NL", { ...MOMENT, timeZone: "Europe/Amsterdam" });
}

/** @param {string} id */
export const shortTeam = (id) => id.replace(/^SMC-/, "");

/** Say something to who cannot see the screen. @param {string} text */
export function announce(text) {
  const place = byId("melding");
  if (!place) return;
  place.textContent = "";
  setTimeout(() => { place.textContent = text; }, 50);
}

/** Options of a select; what was chosen stays chosen while it is there. @param {any} select @param {any[]} options */
export function fillSelect(select, options) {
  const wanted = select.value, before = [...select.options].map((option) => option.value).join();
  if (before === options.map(([key]) => String(key)).join()) return;
  select.replaceChildren(...options.map(([key, text]) => element("option", text, { value: key })));
  if (options.some(([key]) => String(key) === wanted)) select.value = wanted;
}

/** Terms with their meaning, for a `dl`. @param {[string, string][]} facts */
export const described = (facts) => facts.flatMap(([name, text]) => [element("dt", name), element("dd", text)]);

/** The card beside the pointer. @param {any} tip @param {any} map @param {[string, string][]} facts */
export function showTip(tip, map, facts, x, y) {
  tip.hidden = !facts.length;
  if (!facts.length) return;
  tip.replaceChildren(...facts.map(([name, text]) => {
    const row = element("div");
    row.append(element("b", `${name}: `), text);
    return row;
  }));
  const { clientWidth: width, clientHeight: height } = map.canvas;
  tip.style.left = `${x > width * 0.55 ? Math.max(0, x - tip.offsetWidth - 12) : x + 16}px`;
  tip.style.top = `${Math.max(0, y > height * 0.6 ? y - tip.offsetHeight - 12 : y + 16)}px`;
}
