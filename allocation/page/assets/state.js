// @ts-check
/* What a planner changed, as plain values: change set, history, ranges of full postcodes, locks, the link to a view.
   Pure: no element, no server, no clock that was not given. Tested with node (tests/unit/page/assets). */

/** @typedef {{ layer: string, pc4: string, team_id: string }} Move */
/** @typedef {{ pc4: string, team_id: string, kind: string, share: number | null, client_line: string | null,
 *   reason: string, valid_until: string | null, made_by: string, made_on: string }} Lock */
/** @typedef {{ moves: Move[], locks: Lock[], teams: any[], new_teams: any[] }} Changes */
/** @typedef {{ changes: Changes, text: string }} Step */
/** @typedef {{ past: Step[], changes: Changes, text: string, future: Step[] }} History */

export const LAYERS = ["vangnet", "werkgever", "pw"];

/** @type {Changes} */
export const EMPTY = { moves: [], locks: [], teams: [], new_teams: [] };

/** @param {Changes} changes */
export const isEmpty = (changes) => !Object.keys(EMPTY).some((part) => changes[part].length);

/** @param {unknown} a @param {unknown} b */
export const isSame = (a, b) => JSON.stringify(a) === JSON.stringify(b);

const MOST_STEPS = 100;

// --- history: every step has a name ---

/** @param {Changes} [changes] @returns {History} */
export const begun = (changes = EMPTY) => ({ past: [], changes, text: "", future: [] });

/** @param {History} history @param {Changes} changes @param {string} text @returns {History} */
export function committed(history, changes, text) {
  const before = { changes: history.changes, text: history.text };
  return { past: [...history.past, before].slice(-MOST_STEPS), changes, text, future: [] };
}

/** @param {History} history @returns {History} */
export function undone(history) {
  const last = history.past.at(-1);
  if (!last) return history;
  const now = { changes: history.changes, text: history.text };
  return { past: history.past.slice(0, -1), ...last, future: [now, ...history.future] };
}

/** @param {History} history @returns {History} */
export function redone(history) {
  const [next, ...later] = history.future;
  if (!next) return history;
  return { past: [...history.past, { changes: history.changes, text: history.text }], ...next, future: later };
}

/** The history some steps further: undone for a number below nothing. @param {History} history @param {number} count */
export function stepped(history, count) {
  let now = history;
  for (let i = 0; i < Math.abs(count); i += 1) now = count < 0 ? undone(now) : redone(now);
  return now;
}

/** Every step by name, the last one first; `by` is how far it is from now, as `stepped` takes it.
 * @param {History} history @returns {{ text: string, by: number }[]} */
export function steps({ past, text, future }) {
  const names = [...past.map((one) => one.text), text, ...future.map((one) => one.text)];
  return names.map((name, i) => ({ text: name || "Begin", by: i - past.length })).reverse();
}

// --- changes ---

/** The change set with these postcodes moved; an earlier move of one of them is replaced.
 * @param {Changes} changes @param {Move[]} moves @returns {Changes} */
export function withMoves(changes, moves) {
  const moved = new Set(moves.map((move) => `${move.layer} ${move.pc4}`));
  const kept = changes.moves.filter((move) => !moved.has(`${move.layer} ${move.pc4}`));
  return { ...changes, moves: [...kept, ...moves] };
}

/** The change set with the division of some postcodes taken over: other moves of these go, all else stays.
 * @param {Changes} changes @param {Move[]} moves
 * @param {Record<string, string[]>} covered the postcodes that were divided, by layer @returns {Changes} */
export function withDivision(changes, moves, covered) {
  const divided = new Map(Object.entries(covered).map(([layer, codes]) => [layer, new Set(codes)]));
  const kept = changes.moves.filter((move) => !divided.get(move.layer)?.has(move.pc4));
  return { ...changes, moves: [...kept, ...moves] };
}

/** The change set with these locks: a pin or split of a postcode replaces an earlier one and any move of it.
 * @param {Changes} changes @param {Lock[]} locks @returns {Changes} */
export function withLocks(changes, locks) {
  const fixed = new Set(locks.filter((lock) => lock.kind !== "bar").map((lock) => lock.pc4));
  const bars = new Set(locks.filter((lock) => lock.kind === "bar").map((lock) => `${lock.pc4} ${lock.team_id}`));
  const kept = changes.locks.filter((lock) => (lock.kind === "bar"
    ? !bars.has(`${lock.pc4} ${lock.team_id}`) : !fixed.has(lock.pc4)));
  return { ...changes, locks: [...kept, ...locks], moves: changes.moves.filter((move) => !fixed.has(move.pc4)) };
}

/** The change set without one lock; of a split all shares go. @param {Changes} changes @param {number} position */
export function withoutLock(changes, position) {
  const lock = changes.locks[position];
  const isPart = (other, i) => i === position || (lock.kind === "split" && other.kind === "split"
    && other.pc4 === lock.pc4);
  return { ...changes, locks: changes.locks.filter((other, i) => !isPart(other, i)) };
}

/** The change set with another FTE for a team, or its end; nobody moves to a team that stops.
 * @param {Changes} changes @param {{ team_id: string, fte: number | null, is_closed: boolean }} change */
export function withTeam(changes, change) {
  const teams = [...changes.teams.filter((team) => team.team_id !== change.team_id), change];
  const moves = change.is_closed ? changes.moves.filter((move) => move.team_id !== change.team_id) : changes.moves;
  return { ...changes, teams, moves };
}

/** The change set without what was changed of a team, or without a new team and its moves and locks.
 * @param {Changes} changes @param {string} id */
export function withoutTeam(changes, id) {
  const isNew = changes.new_teams.some((team) => team.team_id === id), own = (part) => isNew && part.team_id === id;
  return {
    moves: changes.moves.filter((move) => !own(move)), locks: changes.locks.filter((lock) => !own(lock)),
    teams: changes.teams.filter((team) => team.team_id !== id),
    new_teams: changes.new_teams.filter((team) => team.team_id !== id),
  };
}

// --- what a planner types ---

/** A number with a comma or a point before its decimals; NaN for anything else. Read here, for a browser that is not
 * Dutch drops the comma of a number field: 1,5 became 15. A point before three digits may mean thousands: no number.
 * @param {string} typed */
export function decimal(typed) {
  const text = typed.trim();
  return /^[0-9]+([.,][0-9]+)?$/.test(text) && !/\.[0-9]{3}$/.test(text) ? Number(text.replace(",", ".")) : NaN;
}

/** A number as `decimal` reads it back. @param {number} value */
export const decimalText = (value) => String(value).replace(".", ",");

const LEAST_FTE = 0.1, MOST_FTE = 100;

/** The FTE of a team; { wrong } with a sentence. @param {string} typed @returns {{ fte: number, wrong?: string }} */
export function typedFte(typed) {
  const fte = decimal(typed);
  if (fte >= LEAST_FTE && fte <= MOST_FTE) return { fte };
  const bounds = `${decimalText(LEAST_FTE)} tot en met ${MOST_FTE}`;
  const wrong = `"${typed.trim()}" is geen aantal fte; typ een getal van ${bounds}, bijvoorbeeld 1,5.`;
  return { fte: NaN, wrong };
}

const PC6 = /^[1-9][0-9]{3}[A-Z]{2}$/;

/** "1013 aa - ae" -> { text: "1013AA-1013AE" }; else { wrong } with a sentence. @param {string} typed */
export function pc6Range(typed) {
  const [first, end = ""] = typed.toUpperCase().replace(/\s/g, "").split(/[-–]/);
  const last = /^[A-Z]{2}$/.test(end) ? first.slice(0, 4) + end : end;
  const example = "schrijf bijvoorbeeld 1013AA-1013AE";
  if (!PC6.test(first) || (last && !PC6.test(last))) {
    return { wrong: `"${typed.trim()}" is geen volledige postcode; ${example}.` };
  }
  if (last && last.slice(0, 4) !== first.slice(0, 4)) {
    return { wrong: `${first} en ${last} liggen niet in dezelfde postcode van vier cijfers; ${example}.` };
  }
  if (last && last < first) return { wrong: `${first} komt na ${last}; zet de kleinste voorop.` };
  return { text: last && last !== first ? `${first}-${last}` : first };
}

/** Postcodes that were typed: four digits; of a full postcode its first four. @param {string} typed */
export function typedCodes(typed, isKnown) {
  const words = typed.toUpperCase().replace(/([1-9][0-9]{3})\s+([A-Z]{2})\b/g, "$1$2").split(/[\s,;]+/).filter(Boolean);
  const code = (word) => (/^[0-9]{4}([A-Z]{2})?$/.test(word) ? word.slice(0, 4) : word);
  const codes = [...new Set(words.map(code))], unknown = codes.filter((one) => !isKnown(one));
  if (!unknown.length) return { codes };
  const which = unknown.length > 1 ? `Deze postcodes bestaan niet: ${unknown.join(", ")}.`
    : `Postcode ${unknown[0]} bestaat niet.`;
  return { codes: [], wrong: `${which} Typ vier cijfers, bijvoorbeeld 3511.` };
}

/** The locks of the form; { wrong } with a sentence where they cannot be.
 * @param {{ kind: string, team: string, second: string, codes: string[], range: string, made: Partial<Lock> }} form */
export function locksOf({ kind, team, second, codes, range, made }) {
  const lock = (pc4, team_id, sort, share) => ({ pc4, team_id, kind: sort, share, client_line: null, ...made });
  if (!team) return { wrong: "Kies een team." };
  if (kind === "pc6") {
    const read = pc6Range(range);
    return read.wrong ? { wrong: read.wrong } : { locks: [lock(read.text, team, "split", 1)] };
  }
  if (!codes.length) return { wrong: "Kies eerst een of meer postcodes." };
  if (kind !== "split") return { locks: codes.map((pc4) => lock(pc4, team, kind, null)) };
  if (team === second) return { wrong: "Splitsen kan alleen over twee verschillende teams." };
  return { locks: codes.flatMap((pc4) => [lock(pc4, team, "split", 0.5), lock(pc4, second, "split", 0.5)]) };
}

/** Whole days from one ISO date to another. @param {string} from @param {string} to */
export const daysBetween = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000);

/** How old the locks of each postcode are, in days; of several the oldest counts. @param {Lock[]} locks
 * @param {string} today @returns {Map<string, number>} */
export function lockAges(locks, today) {
  const ages = new Map();
  for (const { pc4, made_on } of locks) {
    const area = pc4.slice(0, 4), age = made_on ? Math.max(0, daysBetween(made_on, today)) : 0;
    ages.set(area, Math.max(age, ages.get(area) ?? 0));
  }
  return ages;
}

/** The day in the Netherlands at a moment: "2026-11-25". @param {Date} moment */
export const dutchDate = (moment) => new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Amsterdam" }).format(moment);

// --- saving: one at a time, so that two changes in a row never make two drafts ---

/**
 * Keeps what is given to `save`, one request after the other, each on the draft that the one before it gave back.
 * @param {(draft: any, changes: Changes, name?: string) => Promise<any>} send
 */
export function saver(send) {
  let draft = null, line = Promise.resolve(), saved = EMPTY;
  return {
    get draft() { return draft; },
    isSaved: (changes) => isSame(changes, saved),
    open(opened) {
      draft = opened;
      saved = opened ? { ...EMPTY, ...opened.content } : EMPTY;
    },
    save(changes, name) {
      const next = line.then(async () => {
        if (!name && isSame(changes, saved)) return draft;
        draft = await send(draft, changes, name);
        saved = changes;
        return draft;
      });
      line = next.catch(() => null);
      return next;
    },
  };
}

// --- what is in force ---

/** Whether another version is in force than a page compares with, or than it shows.
 * @param {{ run: string, seen: number }} page @param {{ version: number | null, run: string | null }} now */
export const isOvertaken = (page, now) => Boolean(now.version) && now.version !== page.seen && now.run !== page.run;

// --- the link: draft, region, layer and what is shown ---

/** @typedef {{ concept?: number, regio?: number, laag?: string, beeld?: string, kleur?: string,
 *   vergelijk?: string }} Place */

/** @param {string} hash @returns {Place} */
export function placeOf(hash) {
  const asked = new URLSearchParams(hash.replace(/^#/, "")), place = {};
  for (const name of ["concept", "regio"]) {
    if (/^[0-9]{1,9}$/.test(asked.get(name) ?? "")) place[name] = Number(asked.get(name));
  }
  for (const name of ["laag", "beeld", "kleur", "vergelijk"]) if (asked.get(name)) place[name] = asked.get(name);
  return place;
}

/** @param {Place} place */
export function linkTo(place) {
  const filled = Object.entries(place).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return filled.length ? `#${new URLSearchParams(filled.map(([name, value]) => [name, String(value)]))}` : "";
}

/** In words: "2 verplaatsingen, 1 vergrendeling". @param {Changes} changes */
export function summary(changes) {
  const count = (n, one, more) => (n ? [`${n.toLocaleString("nl-NL")} ${n === 1 ? one : more}`] : []);
  return [
    ...count(changes.moves.length, "verplaatsing", "verplaatsingen"),
    ...count(changes.locks.length, "vergrendeling", "vergrendelingen"),
    ...count(changes.teams.length + changes.new_teams.length, "teamwijziging", "teamwijzigingen"),
  ].join(", ");
}
