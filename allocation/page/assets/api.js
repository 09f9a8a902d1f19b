// @ts-check
/* Questions to the server: JSON over HTTP, every failure one Dutch sentence. */
import { byId } from "./dom.js";

const AWAY = "Geen verbinding met de server. Uw laatste handeling is niet verwerkt; probeer het straks opnieuw.";
const STRANGE = "De server gaf een onverwacht antwoord. Uw laatste handeling is niet verwerkt.";

/** What went wrong, in a sentence; with the status, and what the other saved where two clashed. */
export class Failure extends Error {
  /** @param {string} text @param {number} [status] @param {any} [latest] */
  constructor(text, status = 0, latest = null) {
    super(text);
    this.status = status;
    this.latest = latest;
  }
}

/** @param {string} path @param {any} [body] @param {string} [method] @returns {Promise<any>} */
export async function ask(path, body, method) {
  const headers = { "X-Planner": encodeURIComponent(byId("naam")?.value || "") };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const options = { method: method ?? (body === undefined ? "GET" : "POST"), headers };
  const content = body === undefined ? undefined : JSON.stringify(body);
  const response = await fetch(path, { ...options, body: content }).catch(() => { throw new Failure(AWAY); });
  const answer = await response.json().catch(() => { throw new Failure(STRANGE, response.status); });
  if (response.ok) return answer;
  const text = typeof answer.detail === "string" ? answer.detail : "Dit verzoek is niet goed ingevuld.";
  throw new Failure(text, response.status, answer.latest);
}
