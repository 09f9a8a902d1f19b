"""What a planner's change does, on the toy country.

West is the left half; W1 holds the south, W2 the north, or the other way round after dividing::

    1009 1010 | 1011 1012
    1005 1006 | 1007 1008
    1001 1002 | 1003 1004
"""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allocation.contract.errors import Refused
from allocation.layers import solving
from allocation.page import answers, proposing
from allocation.page.changes import ChangeSet, LockChange, Move, NewTeam, TeamChange, apply_to_inputs
from allocation.page.suggestions import cuts, suggestions
from allocation.page.whatif import Bench, Variant
from allocation.runs.run import Run
from tests.support import toy
from tests.support.browser import toy_run

WEST = ["1001", "1002", "1005", "1006", "1009", "1010"]


@pytest.fixture(scope="module")
def bench(run: Run) -> Bench:
    return Bench(run.folder)


def team_of(variant: Variant, pc4: str) -> str:
    """The ZW and WIA team of a postcode."""
    teams = answers.draft_team(variant, "zw_wia", "vangnet")
    return str(variant.board.teams["team_id"].iloc[teams[variant.board.areas["pc4"].tolist().index(pc4)]])


def other(team: str) -> str:
    return {"W1": "W2", "W2": "W1", "O1": "O2", "O2": "O1"}[team]


def move(bench: Bench, *codes: str) -> ChangeSet:
    """Each postcode to the other team of its region."""
    base = bench.variant(ChangeSet())
    return ChangeSet(moves=tuple(Move(layer="vangnet", pc4=c, team_id=other(team_of(base, c))) for c in codes))


def test_no_changes_give_the_proposal(bench: Bench) -> None:
    variant = bench.variant(ChangeSet())
    assert answers.changed(bench, variant) == []
    for row in answers.strip(bench, variant, "vangnet", None):
        assert row["draft"] == row["proposal"]


def test_what_a_planner_types_loses_the_blanks_around_it() -> None:
    """As in an input file: ``W1`` and ``W1 `` would be two teams that look alike."""
    made = {"team_id": " N1 ", "name": " Noord 1", "office": "Noord ", "office_pc4": "1001", "region": 1, "fte": 1.0}
    changes = ChangeSet.model_validate({"new_teams": [made], "teams": [{"team_id": "W1 ", "fte": 2.0}]})
    assert (changes.new_teams[0].team_id, changes.teams[0].team_id) == ("N1", "W1")
    assert (changes.new_teams[0].name, changes.new_teams[0].office) == ("Noord 1", "Noord")
    with pytest.raises(ValueError, match="at least 1"):
        ChangeSet.model_validate({"teams": [{"team_id": "  ", "fte": 2.0}]})


def test_a_move_shifts_the_work_of_the_postcode_and_nothing_else(bench: Bench) -> None:
    changes = move(bench, "1001")
    variant = bench.variant(changes)
    rows = {row["id"]: row for row in answers.team_rows(bench, variant, "vangnet", None)}
    taker = changes.moves[0].team_id
    part = next(p for p in bench.board.layers if taker in p.layer.problem.team_ids)
    hours = part.hours[list(part.layer.parts["pc4"]).index("1001")]
    assert rows[taker]["change"] == pytest.approx(hours)
    assert rows[other(taker)]["change"] == pytest.approx(-hours)
    assert rows["O1"]["change"] == 0
    position = bench.board.areas["pc4"].tolist().index("1001")
    assert {(layer, area) for layer, area, _ in answers.changed(bench, variant)} == {(0, position), (1, position)}


def test_an_area_that_an_edit_cuts_is_named_with_what_comes_loose(bench: Bench) -> None:
    """All of West to W1 but the middle row: W1 is in two pieces, and that is new."""
    base = bench.variant(ChangeSet())
    wanted = dict.fromkeys(WEST, "W1") | {"1005": "W2", "1006": "W2"}
    moves = tuple(Move(layer="vangnet", pc4=c, team_id=t) for c, t in wanted.items() if team_of(base, c) != t)
    found = cuts(bench.variant(ChangeSet(moves=moves)))
    assert [(cut.team_id, cut.pieces, cut.is_new) for cut in found] == [("W1", 2, True)]
    assert found[0].loose in (("1001", "1002"), ("1009", "1010"))


def test_suggestions_say_what_would_happen(bench: Bench) -> None:
    """The one neighbour in the region; what it promises is what the move then does."""
    variant = bench.variant(ChangeSet())
    border = next(c for c in WEST if len(suggestions(variant, "vangnet", [c])) == 1)
    only = suggestions(variant, "vangnet", [border])[0]
    assert only.team_id == other(team_of(variant, border))
    rows = {r["id"]: r for r in answers.team_rows(bench, bench.variant(move(bench, border)), "vangnet", None)}
    assert only.deviation_after == pytest.approx(rows[only.team_id]["deviation"])
    assert only.giver_after == pytest.approx(rows[other(only.team_id)]["deviation"])
    assert only.giver_after < 0  # it gives work away: the sign had been lost


def locked(*locks: tuple[str, str, str, float | None, str | None]) -> ChangeSet:
    """Locks as (pc4, team, kind, share, line)."""
    names = ("pc4", "team_id", "kind", "share", "client_line")
    return ChangeSet.model_validate(
        {"locks": [dict(zip(names, one, strict=True)) | {"reason": "afspraak"} for one in locks]}
    )


def until(last: str) -> ChangeSet:
    """A pin with this last day."""
    lock = {"pc4": "1001", "team_id": "W1", "kind": "pin", "reason": "afspraak", "valid_until": last}
    return ChangeSet.model_validate({"locks": [lock]})


HALVES = (("1001", "W1", "split", 0.5, None), ("1001", "W2", "split", 0.5, None))


def started(code: str) -> NewTeam:
    return NewTeam(team_id=code, name="Nieuw", office="Westerstad", office_pc4="1001", region=1, fte=1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (ChangeSet(moves=(Move(layer="vangnet", pc4="9999", team_id="W1"),)), "9999 bestaat niet"),
        (ChangeSet(moves=(Move(layer="vangnet", pc4="1001", team_id="O1"),)), "O1 werkt niet in West"),
        (ChangeSet(teams=(TeamChange(team_id="X9", fte=1),)), "X9 bestaat niet"),
        (ChangeSet(locks=(LockChange(pc4="1001", team_id="X9", kind="pin", reason="r"),)), "X9 bestaat niet"),
        (ChangeSet(locks=(LockChange(pc4="1001", team_id="W1", kind="split", share=0.5, reason="r"),)), "50%"),
        (ChangeSet(locks=(LockChange(pc4="1001", team_id="O1", kind="pin", reason="r"),)), "O1 kan postcode 1001 niet"),
        (ChangeSet(locks=(LockChange(pc4="1001AE-1001AA", team_id="W1", kind="split", share=1, reason="r"),)), "reeks"),
        (ChangeSet(locks=(LockChange(pc4="1001-AB", team_id="W1", kind="split", share=1, reason="r"),)), "geen reeks"),
        (ChangeSet(locks=(LockChange(pc4="1001AA", team_id="W1", kind="pin", reason="r"),)), "alleen splitsen"),
        (ChangeSet(locks=tuple(LockChange(pc4=pc4, team_id="W1", kind="split", share=1, reason="r")
                               for pc4 in ("1001AA-1001CZ", "1001CA"))), "overlapt"),
        (ChangeSet(teams=tuple(TeamChange(team_id=t, is_closed=True) for t in ("W1", "W2"))), "West geen team"),
        (locked(("1001", "W1", "pin", None, None), *HALVES), "1001 is vastgezet en ook gesplitst"),
        (locked(("1001", "W1", "pin", None, None), ("1001", "W2", "pin", None, "vangnet")), "op twee teams vastgezet"),
        (locked(("1001", "W1", "pin", None, None), ("1001", "W1", "bar", None, None)), "uitgesloten van postcode 1001"),
        (locked(*HALVES, ("1001AA-1001AE", "W1", "split", 1.0, None)), "in haar geheel gesplitst"),
        (locked(("1001", "W2", "pin", 0.5, None)), "heeft een aandeel"),
        (locked(("1001", "W1", "split", None, None)), "heeft geen aandeel"),
        (locked(("1001", "W1", "split", 1e-300, None), ("1001", "W2", "split", 1, None)), "van 0,001 tot en met 1"),
        (locked(("1001", "W1", "split", 0.0009, None), ("1001", "W2", "split", 1, None)), "W1 in .* te klein"),
        (until("1989-12-31"), "31 december 1989. ligt niet tussen 1990 en 2100"),
        (until("2101-01-01"), "1 januari 2101. ligt niet tussen 1990 en 2100; laat hem leeg"),
        (ChangeSet(teams=(TeamChange(team_id="W1", fte=1), TeamChange(team_id="W1", fte=2))), "W1 is twee keer"),
        (locked(("1001", "W1", "bar", None, None), ("1001", "W2", "bar", None, None)), "alle teams uitgesloten"),
        (locked(("1001", "W1", "pin", None, "vangnet")), "voor een lijn kan niet"),
        (ChangeSet(teams=(TeamChange(team_id="K1", is_closed=True),)), "klm geen team"),
        (ChangeSet(new_teams=(started("A|B"),)), "bevat"),
        (ChangeSet(new_teams=(started("*"),)), "bevat"),
        (ChangeSet(new_teams=(started("w1"),)), "verschilt alleen in hoofdletters van W1"),
        (ChangeSet(new_teams=(started("N1"), started("n1"))), "verschilt alleen in hoofdletters van N1"),
        (ChangeSet(new_teams=(started("N1"), started("N1"))), "al een team met de code N1"),
        (ChangeSet(new_teams=(started("\u0420\u0031"),)), "op een gewone letter lijkt"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_a_sentence(bench: Bench, changes: ChangeSet, words: str) -> None:
    with pytest.raises(Refused, match=words):
        bench.variant(changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (locked(*HALVES), "1001 is vastgezet en ook gesplitst"),
        (locked(("1001", "W1", "pin", None, None)), "op twee teams vastgezet"),
        (locked(("1002", "W2", "split", 0.5, None), ("1002", "W1", "split", 0.5, None)), "tellen op tot 200%"),
        (ChangeSet(teams=(TeamChange(team_id="W2", is_closed=True),)), "W2 werkt op de eerste dag niet"),
    ],
)
def test_a_draft_that_contradicts_a_lock_of_the_input_is_refused(
    tmp_path: Path, changes: ChangeSet, words: str
) -> None:
    """The rules of intake hold for both together; handed in as well, for a change set is tried there again."""
    own = toy.locks(
        ("1001", "W2", "pin", "", ""), ("1002", "W1", "split", "0.5", ""), ("1002", "W2", "split", "0.5", "")
    )
    bench = Bench(toy_run(tmp_path / "var", {"locks": own}).folder)
    with pytest.raises(Refused, match=f"{words}.*De invoer"):
        bench.variant(changes)
    bench.variant(locked(("1003", "O1", "bar", None, None)))


def test_a_pinned_postcode_stays_and_a_barred_one_is_not_taken(bench: Bench) -> None:
    base = bench.variant(ChangeSet())
    own = team_of(base, "1001")
    pinned = LockChange(pc4="1001", team_id=own, kind="pin", reason="pand", made_by="A", made_on=date(2026, 1, 1))
    with pytest.raises(Refused, match="vergrendeld"):
        bench.variant(ChangeSet(locks=(pinned,), moves=move(bench, "1001").moves))
    barred = LockChange(pc4="1001", team_id=other(own), kind="bar", reason="staf")
    with pytest.raises(Refused, match="mag niet werken"):
        bench.variant(ChangeSet(locks=(barred,), moves=move(bench, "1001").moves))


def test_a_split_divides_the_work_of_the_postcode(bench: Bench) -> None:
    base = bench.variant(ChangeSet())
    own = team_of(base, "1001")
    halves = tuple(LockChange(pc4="1001", team_id=t, kind="split", share=0.5, reason="staf") for t in (own, other(own)))
    rows = {r["id"]: r for r in answers.team_rows(bench, bench.variant(ChangeSet(locks=halves)), "vangnet", None)}
    whole = {r["id"]: r for r in answers.team_rows(bench, bench.variant(move(bench, "1001")), "vangnet", None)}
    assert rows[other(own)]["change"] == pytest.approx(whole[other(own)]["change"] / 2)


def test_a_range_of_full_postcodes_takes_its_part_of_the_work_along(bench: Bench) -> None:
    """AA to AZ are 26 of the 26 x 26 letter pairs; the rest of the postcode stays and can still be moved."""
    base = bench.variant(ChangeSet())
    own = team_of(base, "1001")
    part = LockChange(pc4="1001AA-1001AZ", team_id=other(own), kind="split", share=1.0, reason="staf woont daar")
    variant = bench.variant(ChangeSet(locks=(part,)))
    rows = {r["id"]: r for r in answers.team_rows(bench, variant, "vangnet", None)}
    whole = {r["id"]: r for r in answers.team_rows(bench, bench.variant(move(bench, "1001")), "vangnet", None)}
    assert rows[other(own)]["change"] == pytest.approx(whole[other(own)]["change"] / 26)
    assert team_of(variant, "1001") == own
    both = ChangeSet(locks=(part,), moves=move(bench, "1001").moves)
    assert team_of(bench.variant(both), "1001") == other(own)


def test_the_list_of_changes_is_that_of_the_layer_and_region_asked_for(bench: Bench) -> None:
    """The toy's proposal is the division in force; one postcode in West and one in Oost are moved."""
    variant = bench.variant(move(bench, "1001", "1003"))
    west = answers.change_rows(bench, variant, "vangnet", 1)
    assert [(row["pc4"], row["layer"], row["by"]) for row in west] == [("1001", "ZW en WIA", "planner")]
    assert [row["pc4"] for row in answers.change_rows(bench, variant, "vangnet", None)] == ["1001", "1003"]
    assert answers.change_rows(bench, variant, "pw", None) == []
    split = LockChange(
        pc4="1001", team_id=other(team_of(bench.variant(ChangeSet()), "1001")), kind="pin", reason="pand"
    )
    pinned = answers.change_rows(bench, bench.variant(ChangeSet(locks=(split,))), "vangnet", 1)
    assert [(row["pc4"], row["by"]) for row in pinned] == [("1001", "vastgezet: pand")]


def test_more_fte_gives_a_team_a_larger_share_to_fill(bench: Bench) -> None:
    rows = {r["id"]: r for r in answers.team_rows(bench, bench.variant(ChangeSet()), "vangnet", None)}
    grown = bench.variant(ChangeSet(teams=(TeamChange(team_id="W1", fte=2 * rows["W1"]["fte"]),)))
    after = {r["id"]: r for r in answers.team_rows(bench, grown, "vangnet", None)}
    assert after["W1"]["capacity"] == pytest.approx(2 * rows["W1"]["capacity"])
    assert after["W1"]["deviation"] < rows["W1"]["deviation"]
    assert after["O1"] == rows["O1"]


PERIODS = [("2020-01-01", "2024-12-31", 3.0), ("2025-01-01", "2026-12-31", 2.0), ("2027-01-01", None, 1.0)]


def periods_of(bench: Bench, change: TeamChange) -> list[tuple[str, str | None, float]]:
    """The periods of W1 after ``change`` on 1 July 2026: before it had the three of ``PERIODS``."""
    first = bench.inputs.teams[bench.inputs.teams["team_id"] == "W1"].iloc[0]
    rows = [
        first.to_dict()
        | {
            "valid_from": pd.Timestamp(a),
            "valid_to": pd.NaT if b is None else pd.Timestamp(b),
            "fte_verzekeringsarts": fte,
        }
        for a, b, fte in PERIODS
    ]
    inputs = dataclasses.replace(bench.inputs, teams=pd.DataFrame(rows))
    after = apply_to_inputs(inputs, ChangeSet(teams=(change,)), date(2026, 7, 1)).teams
    return [
        (f"{t.valid_from:%Y-%m-%d}", None if pd.isna(t.valid_to) else f"{t.valid_to:%Y-%m-%d}", t.fte_verzekeringsarts)
        for t in after.itertuples()
    ]


@pytest.mark.heavy
@pytest.mark.parametrize("balance", [pytest.param("first_year", marks=pytest.mark.heavy), "waiting_time"])
def test_a_balance_that_counts_files_counts_them_under_a_draft_too(tmp_path: Path, balance: str) -> None:
    """Another FTE builds the layers anew: with the same hours per postcode as the run had."""
    bench = Bench(toy_run(tmp_path / "var", tolerance=0.9, balance=balance).folder)
    variant = bench.variant(ChangeSet(teams=(TeamChange(team_id="W1", fte=3.0),)))
    before, after = (
        next(b.layer.problem for b in board.layers if "W1" in b.layer.problem.team_ids)
        for board in (bench.board, variant.board)
    )
    assert after.demand == pytest.approx(before.demand)
    assert after.capacity[0] != before.capacity[0]


def test_another_fte_changes_the_period_in_force_and_no_other(bench: Bench) -> None:
    was, now, planned = PERIODS
    assert periods_of(bench, TeamChange(team_id="W1", fte=9)) == [was, (now[0], now[1], 9.0), planned]


def test_a_team_that_stops_keeps_its_past_and_has_no_future(bench: Bench) -> None:
    """Every period had been given the same last day, so that they overlapped and the input was refused."""
    was, now, _ = PERIODS
    closed = periods_of(bench, TeamChange(team_id="W1", is_closed=True))
    assert closed == [was, (now[0], "2026-06-30", now[2])]


def test_a_closed_team_leaves_areas_that_recompute_gives_to_the_other(bench: Bench) -> None:
    changes = ChangeSet(teams=(TeamChange(team_id="W1", is_closed=True),))
    variant = bench.variant(changes)
    without = sum(int((plan < 0).sum()) for plan in variant.plans)
    assert without > 0
    done = proposing.recompute(bench, changes, "vangnet", 1, keeps=True, solve=_solve(bench))
    assert all((plan >= 0).all() for plan in bench.variant(done).plans)
    assert {team_of(bench.variant(done), pc4) for pc4 in WEST} == {"W2"}


def test_a_new_team_gets_its_part_from_recompute_and_moves_stay_where_asked(bench: Bench) -> None:
    new = NewTeam(team_id="W3", name="Nieuw", office="Utrecht", office_pc4="1006", region=1, fte=1.0)
    held = ChangeSet(moves=move(bench, "1001").moves, new_teams=(new,))
    done = proposing.recompute(bench, held, "vangnet", 1, keeps=True, solve=_solve(bench))
    variant = bench.variant(done)
    rows = {r["id"]: r for r in answers.team_rows(bench, variant, "vangnet", 1)}
    assert rows["W3"]["areas"] == 2
    assert team_of(variant, "1001") == held.moves[0].team_id
    assert rows["W3"]["pieces"] == 1


def office_in_the_other_region(var: Path, distance: str = "network") -> Run:
    """The two regions apart, in the Participatiewet too; W1 serves West from 1003 in Oost."""
    teams = toy.tables()["teams"]
    teams.loc[teams["team_id"] == "W1", "office_pc4"] = "1003"
    of_east = teams[teams["team_id"] == "P1"].assign(team_id="P2", name="SMC P2", arbeidsmarktregio="2")
    teams.loc[teams["team_id"] == "P1", "arbeidsmarktregio"] = "1"
    changed = {"teams": pd.concat([teams, of_east], ignore_index=True)}
    return toy_run(var, changed, tolerance=0.9, distance=distance)


@pytest.mark.heavy
@pytest.mark.parametrize("distance", [pytest.param("straight", marks=pytest.mark.heavy), "network"])
def test_an_office_may_lie_outside_the_region_of_its_team(tmp_path: Path, distance: str) -> None:
    """Only West is divided anew: for a lock there, and for a team that is new."""
    bench = Bench(office_in_the_other_region(tmp_path / "var", distance).folder)
    barred = LockChange(pc4="1002", team_id="W2", kind="bar", reason="staf")
    new = started("N1").model_copy(update={"office_pc4": "1003"})
    for changes, team in ((ChangeSet(locks=(barred,)), "W1"), (ChangeSet(new_teams=(new,)), "N1")):
        boards = bench.variant(changes).board.layers
        (west,) = (part.layer.problem for part in boards if "W1" in part.layer.problem.team_ids)
        assert west.distance_to_m(west.team_ids.index(team))[west.unit_ids.index("1001")] == pytest.approx(2000)


def _solve(bench: Bench) -> proposing.Solve:
    return lambda layer, _: np.asarray(solving.solve_problem(layer, bench.config)["plan"])
