// The page's state, tested with node's own runner; started by tests/unit/page/test_assets.py.
import assert from "node:assert/strict";
import test from "node:test";
import * as state from "../../../../allocation/page/assets/state.js";

const move = (pc4, team_id, layer = "vangnet") => ({ layer, pc4, team_id });
const lock = (pc4, kind, team_id, share = null) => ({ pc4, team_id, kind, share });
const isKnown = (code) => ["3511", "3512", "3815"].includes(code);

test("a second move of a postcode replaces the first, in its own layer only", () => {
  const first = state.withMoves(state.EMPTY, [move("3511", "A"), move("3511", "B", "pw"), move("3512", "A")]);
  const then = state.withMoves(first, [move("3511", "C")]);
  assert.deepEqual(then.moves, [move("3511", "B", "pw"), move("3512", "A"), move("3511", "C")]);
  assert.equal(state.EMPTY.moves.length, 0);
});

test("a division that is taken over replaces moves of its own postcodes only", () => {
  const before = { ...state.EMPTY, locks: [lock("3599", "bar", "C")],
    moves: [move("3511", "A"), move("3512", "B"), move("3512", "B", "pw"), move("3800", "D")] };
  const after = state.withDivision(before, [move("3511", "C")], { vangnet: ["3511", "3512"] });
  assert.deepEqual(after.moves, [move("3512", "B", "pw"), move("3800", "D"), move("3511", "C")]);
  assert.deepEqual(after.locks, before.locks);
});

test("undo and redo go step by step, and a new step ends what could be redone", () => {
  const one = state.withMoves(state.EMPTY, [move("3511", "A")]), two = state.withMoves(one, [move("3512", "A")]);
  let history = state.committed(state.committed(state.begun(), one, "eerste"), two, "tweede");
  history = state.undone(history);
  assert.deepEqual([history.changes, history.text], [one, "eerste"]);
  assert.deepEqual(state.redone(history).changes, two);
  assert.equal(state.redone(history).text, "tweede");
  history = state.undone(state.undone(history));
  assert.ok(state.isEmpty(history.changes));
  const other = state.committed(history, two, "anders");
  assert.equal(state.redone(other), other);
});

test("every step is listed by name with how far it is, and can be gone to at once", () => {
  const one = state.withMoves(state.EMPTY, [move("3511", "A")]), two = state.withMoves(one, [move("3512", "A")]);
  const history = state.undone(state.committed(state.committed(state.begun(), one, "eerste"), two, "tweede"));
  assert.deepEqual(state.steps(history), [
    { text: "tweede", by: 1 }, { text: "eerste", by: 0 }, { text: "Begin", by: -1 }]);
  assert.deepEqual(state.stepped(history, 1).changes, two);
  assert.ok(state.isEmpty(state.stepped(history, -1).changes));
  assert.deepEqual(state.stepped(history, -5).changes, state.EMPTY);
  assert.equal(state.stepped(history, 0), history);
});

test("a pin takes the place of moves and other locks of the postcode; bars stay", () => {
  const before = { ...state.EMPTY, moves: [move("3511", "A"), move("3512", "A")],
    locks: [lock("3511", "bar", "C"), lock("3511", "split", "A", 0.5), lock("3511", "split", "B", 0.5)] };
  const after = state.withLocks(before, [lock("3511", "pin", "A")]);
  assert.deepEqual(after.locks, [lock("3511", "bar", "C"), lock("3511", "pin", "A")]);
  assert.deepEqual(after.moves, [move("3512", "A")]);
  assert.deepEqual(state.withoutLock(before, 1).locks, [lock("3511", "bar", "C")]);
});

test("a team that stops gets no moves; a new team goes with its moves and locks", () => {
  const before = { ...state.EMPTY, moves: [move("3511", "A"), move("3512", "B")], locks: [lock("3511", "pin", "N")],
    new_teams: [{ team_id: "N" }] };
  const closed = state.withTeam(before, { team_id: "A", fte: null, is_closed: true });
  assert.deepEqual(closed.moves, [move("3512", "B")]);
  const without = state.withoutTeam(before, "N");
  assert.deepEqual([without.new_teams, without.locks], [[], []]);
  assert.equal(state.withoutTeam(closed, "A").teams.length, 0);
});

test("a range of full postcodes is read as people write it", () => {
  assert.equal(state.pc6Range("1013 aa - ae").text, "1013AA-1013AE");
  assert.equal(state.pc6Range("1013AA-1013AE").text, "1013AA-1013AE");
  assert.equal(state.pc6Range("1013 ab").text, "1013AB");
  for (const typed of ["3815", "1013AA-3815", "1013AA-1014AB", "1013AE-AA", "", "1013A"]) {
    assert.match(state.pc6Range(typed).wrong, /schrijf bijvoorbeeld|kleinste voorop/, typed);
  }
});

test("typed postcodes: the reason names what does not exist", () => {
  assert.deepEqual(state.typedCodes("3511, 3512;3511", isKnown).codes, ["3511", "3512"]);
  assert.deepEqual(state.typedCodes("3815 AB", isKnown).codes, ["3815"]);
  assert.match(state.typedCodes("9999AA", isKnown).wrong, /^Postcode 9999 bestaat niet/);
  assert.match(state.typedCodes("0000 3511 12", isKnown).wrong, /0000, 12/);
});

test("a split needs two teams, a lock a postcode", () => {
  const form = { kind: "split", team: "A", second: "A", codes: ["3511"], range: "", made: { reason: "r" } };
  assert.match(state.locksOf(form).wrong, /verschillende teams/);
  assert.deepEqual(state.locksOf({ ...form, second: "B" }).locks.map((one) => [one.team_id, one.share]),
    [["A", 0.5], ["B", 0.5]]);
  assert.match(state.locksOf({ ...form, kind: "pin", codes: [] }).wrong, /Kies eerst/);
  assert.match(state.locksOf({ ...form, kind: "pc6", range: "3815" }).wrong, /geen volledige postcode/);
});

test("the day is that of the Netherlands, also when it is still yesterday in UTC", () => {
  assert.equal(state.dutchDate(new Date("2026-11-25T23:30:00Z")), "2026-11-26");
  assert.equal(state.dutchDate(new Date("2026-07-01T21:59:00Z")), "2026-07-01");
});

test("two saves in flight make one draft, and the last change is the one that is kept", async () => {
  const sent = [];
  let answer;
  const first = new Promise((go) => { answer = go; });
  const saver = state.saver(async (draft, changes) => {
    sent.push([draft?.draft_id ?? null, draft?.revision ?? 0, changes.moves.length]);
    if (sent.length === 1) await first;
    return { draft_id: 7, revision: (draft?.revision ?? 0) + 1, content: changes };
  });
  const one = state.withMoves(state.EMPTY, [move("3511", "A")]), two = state.withMoves(one, [move("3512", "A")]);
  const both = [saver.save(one), saver.save(two)];
  answer();
  await Promise.all(both);
  assert.deepEqual(sent, [[null, 0, 1], [7, 1, 2]]);
  assert.ok(saver.isSaved(two));
});

test("a save that fails does not stop the next", async () => {
  let isAway = true;
  const saver = state.saver(async (draft, content) => {
    if (isAway) throw new Error("weg");
    return { draft_id: 1, revision: 1, content };
  });
  const one = state.withMoves(state.EMPTY, [move("3511", "A")]);
  await assert.rejects(saver.save(one), /weg/);
  isAway = false;
  assert.equal((await saver.save(one)).draft_id, 1);
});

test("a link holds draft, region, layer and view, and nothing else is read from it", () => {
  const place = { concept: 3, regio: 14, laag: "pw", beeld: "now" };
  assert.deepEqual(state.placeOf(state.linkTo(place)), place);
  assert.equal(state.linkTo({ concept: undefined, laag: "" }), "");
  assert.deepEqual(state.placeOf("#regio=14x&concept=-1&iets=1"), {});
});

test("a page is overtaken when another version is in force than it compares with or shows", () => {
  const page = { run: "een", seen: 1 };
  assert.ok(state.isOvertaken(page, { version: 2, run: "twee" }));
  assert.ok(!state.isOvertaken(page, { version: 1, run: "nul" }));
  assert.ok(!state.isOvertaken(page, { version: 2, run: "een" }), "its own version: what was shown is now so");
  assert.ok(!state.isOvertaken(page, { version: null, run: null }));
});

test("a number is read with a comma or a point, and anything else is refused", () => {
  for (const [typed, fte] of [["1,5", 1.5], ["1.5", 1.5], [" 12 ", 12], ["0,1", 0.1], ["3,125", 3.125], ["100", 100]]) {
    assert.deepEqual(state.typedFte(typed), { fte });
  }
  for (const typed of ["", "1,5,0", "1.000", "1e1", "-1", "0", "0,05", "101", "een", "1 5", "NaN", ",5"]) {
    assert.match(state.typedFte(typed).wrong ?? "", /is geen aantal fte/, typed);
  }
  assert.equal(state.decimalText(1.75), "1,75");
});
