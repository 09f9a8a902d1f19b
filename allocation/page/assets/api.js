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

/** @param {string} path @param {any} [body] @param {string} [method] */
async function send(path, body, method) {
  /** @type {Record<string, string>} */
  const headers = { "X-Planner": encodeURIComponent(byId("naam")?.value || "") };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const options = { method: method ?? (body === undefined ? "GET" : "POST"), headers };
  const content = body === undefined ? undefined : JSON.stringify(body);
  return fetch(path, { ...options, body: content }).catch(() => { throw new Failure(AWAY); });
}

/** @param {string} path @param {any} [body] @param {string} [method] @returns {Promise<any>} */
export async function ask(path, body, method) {
  const response = await send(path, body, method);
  const answer = await response.json().catch(() => { throw new Failure(STRANGE, response.status); });
  if (response.ok) return answer;
  throw failureOf(answer, response);
}

/** A file that the server makes. @param {string} path @param {any} body @returns {Promise<Blob>} */
export async function fetchFile(path, body) {
  const response = await send(path, body, "POST");
  if (response.ok) return response.blob();
  throw failureOf(await response.json().catch(() => ({ detail: STRANGE })), response);
}

/** @param {any} answer @param {Response} response */
function failureOf(answer, response) {
  const text = typeof answer.detail === "string" ? answer.detail : "Dit verzoek is niet goed ingevuld.";
  return new Failure(text, response.status, answer.latest);
}
