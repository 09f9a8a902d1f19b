"""Two divisions beside each other, on the toy country."""

from __future__ import annotations

import pytest

from allocation.page.changes import ChangeSet, TeamChange
from allocation.page.comparing import Side, compare
from allocation.page.whatif import Bench
from allocation.runs.run import Run
from tests.unit.page.test_whatif import move, other, team_of


@pytest.fixture(scope="module")
def bench(run: Run) -> Bench:
    return Bench(run.folder)


def test_what_differs_is_what_was_moved_and_nothing_else(bench: Bench) -> None:
    base, moved = bench.variant(ChangeSet()), bench.variant(move(bench, "1001", "1007"))
    told = compare(Side("A", bench, base), Side("B", bench, moved), "vangnet", None)
    assert told["names"] == ["A", "B"]
    assert [(one["pc4"], one["a"], one["b"], one["layer"]) for one in told["changes"]] == [
        (code, team_of(base, code), other(team_of(base, code)), "ZW en WIA") for code in ("1001", "1007")
    ]
    rows = {one["id"]: one for one in told["teams"]}
    west = rows["W1"]
    part = next(p for p in bench.board.layers if "W1" in p.layer.problem.team_ids)
    hours = part.hours[list(part.layer.parts["pc4"]).index("1001")]
    assert abs(west["hours_b"] - west["hours_a"]) == pytest.approx(hours)
    assert rows["W1"]["areas_a"] + rows["W2"]["areas_a"] == rows["W1"]["areas_b"] + rows["W2"]["areas_b"] == 6
    at = told["pc4"].index("1001")
    assert told["team_ids"][told["plans"][0][0][at]] == team_of(base, "1001")
    assert told["team_ids"][told["plans"][1][0][at]] == team_of(moved, "1001")


def test_turned_round_it_says_the_same_the_other_way(bench: Bench) -> None:
    a = Side("A", bench, bench.variant(ChangeSet()))
    b = Side("B", bench, bench.variant(move(bench, "1005")))
    one, two = compare(a, b, "vangnet", 1), compare(b, a, "vangnet", 1)
    assert [(r["a"], r["b"]) for r in one["changes"]] == [(r["b"], r["a"]) for r in two["changes"]]
    assert [(f["name"], f["a"], f["b"]) for f in one["figures"]] == [
        (f["name"], f["b"], f["a"]) for f in two["figures"]
    ]
    assert compare(a, b, "vangnet", 2)["changes"] == []
    assert compare(a, a, "vangnet", None)["teams"] == []


def test_a_team_that_one_side_lacks_has_nothing_there(bench: Bench) -> None:
    """W2 stops: its postcodes have no team on that side, and its row says nothing on it."""
    stopped = bench.variant(ChangeSet(teams=(TeamChange(team_id="W2", is_closed=True),)))
    base = bench.variant(ChangeSet())
    told = compare(Side("A", bench, base), Side("B", bench, stopped), "vangnet", None)
    row = next(one for one in told["teams"] if one["id"] == "W2")
    assert (row["hours_b"], row["areas_b"]) == (0.0, 0)
    assert row["areas_a"] == sum(team_of(base, code) == "W2" for code in told["pc4"])
    assert {one["b"] for one in told["changes"] if one["a"] == "W2"} == {"geen team"}
