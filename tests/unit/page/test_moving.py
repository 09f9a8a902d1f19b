"""What moves on the page is what the outcome's tables say, to the postcode and the client."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from allocation.outcome.routing import allocation_table, assigned_parts, routing_table
from allocation.outcome.transition import allocation_changes, placed_files, transition_table
from allocation.page import answers
from allocation.page.changes import ChangeSet, LockChange, Move, TeamChange
from allocation.page.moving import CHANGE, KEY, files_that_move, moving
from allocation.page.whatif import Bench, Variant
from allocation.runs.run import Run
from tests.support import toy
from tests.support.browser import toy_run

OF_O2 = ("1007", "1011", "1012")
OTHER = {"W1": "W2", "W2": "W1", "O1": "O2", "O2": "O1"}


@pytest.fixture(scope="module")
def bench(run: Run) -> Bench:
    return Bench(run.folder)


def moves(bench: Bench, *codes: str) -> tuple[Move, ...]:
    """Each postcode to the other team of its region."""
    base = bench.variant_unchanged
    teams = answers.draft_team(base, "zw_wia", "vangnet")
    ids, at = base.board.teams["team_id"].tolist(), base.board.areas["pc4"].tolist()
    return tuple(Move(layer="vangnet", pc4=c, team_id=OTHER[ids[teams[at.index(c)]]]) for c in codes)


def over_the_country(bench: Bench, variant: Variant) -> pd.DataFrame:
    """The table made at once for all layers, as a run makes it."""
    layers = [part.layer for part in variant.board.layers]
    new = allocation_table(assigned_parts(layers, variant.plans))[KEY]
    return allocation_changes(bench.in_force[KEY], new, bench.expected)[CHANGE]


def ordered(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(CHANGE[:5], ignore_index=True)[CHANGE]


def test_the_proposal_is_counted_by_its_own_tables(bench: Bench, run: Run) -> None:
    changes, transition = run.frame("allocation_changes"), run.frame("transition")
    told = {domain: moving(bench, bench.variant_unchanged, domain, line, None)
            for domain, line in (("zw_wia", "vangnet"), ("pw", "alle"))}  # fmt: skip
    files = transition.loc[transition["movement"] == "verhuist", "clients"].sum()
    assert sum(one.files or 0 for one in told.values()) == files
    in_layer = changes[(changes["law_domain"] == "zw_wia") & changes["client_line"].isin(["vangnet", "alle"])]
    assert told["zw_wia"].areas == in_layer["pc4"].nunique()
    assert told["zw_wia"].clients == pytest.approx(in_layer["clients"].sum())


def test_under_changes_the_table_is_the_one_of_the_whole_country(bench: Bench) -> None:
    """Two regions are touched by moves, one by a split; the rows of the others are those of the run."""
    halves = tuple(LockChange(pc4="1005", team_id=t, kind="split", share=0.5, reason="r") for t in ("W1", "W2"))
    for changes in (ChangeSet(moves=moves(bench, "1001", "1003", "1007")), ChangeSet(locks=halves)):
        variant = bench.variant(changes)
        expected = ordered(over_the_country(bench, variant))
        assert len(expected) > 0
        pd.testing.assert_frame_equal(ordered(bench.changes_of(variant)), expected, check_dtype=False)


def test_the_list_and_the_figure_count_the_same(bench: Bench) -> None:
    variant = bench.variant(ChangeSet(moves=moves(bench, "1001", "1003")))
    rows = answers.change_rows(bench, variant, "vangnet", None)
    figures = {row["name"]: row["draft"] for row in answers.strip(bench, variant, "vangnet", None)}
    assert figures["Postcodes die wisselen"] == str(len({row["pc4"] for row in rows})) == "2"
    hidden = answers.strip(bench, variant, "vangnet", None, for_readers=True)
    assert {row["draft"] for row in hidden if row["name"].startswith("Cliënten")} == {"–"}


def placed_anew(bench: Bench, variant: Variant) -> pd.DataFrame:
    """The rows of table ``transition`` that move, made at once for the whole country, as a run makes it."""
    offices = variant.board.teams.drop_duplicates("team_id").set_index("team_id")["office"]
    parts = assigned_parts([part.layer for part in variant.board.layers], variant.plans)
    groups = bench.inputs.client_groups(bench.config)
    routed = routing_table(parts, groups, bench.special_shares, offices, bench.config)
    return files_that_move(transition_table(placed_files(variant.held, routed, bench.config)))


def summed(table: pd.DataFrame) -> pd.DataFrame:
    return table.groupby(["pc4", "product", "pw_client"])["clients"].sum().reset_index()


def test_files_that_move_under_a_draft_are_those_of_a_run_of_it(bench: Bench) -> None:
    """Moves of postcodes; a team that stops, whose files go to its neighbour; a bar, which takes files away."""
    barred = LockChange(pc4="1001", team_id="W1", kind="bar", reason="r")
    closed = TeamChange(team_id="O2", is_closed=True)
    for changes in (
        ChangeSet(moves=moves(bench, "1001", "1003", "1007")),
        ChangeSet(locks=(barred,)),
        ChangeSet(teams=(closed,), moves=tuple(Move(layer="vangnet", pc4=pc4, team_id="O1") for pc4 in OF_O2)),
    ):
        variant = bench.variant(changes)
        pd.testing.assert_frame_equal(summed(bench.moved_files_of(variant)), summed(placed_anew(bench, variant)))
        rows = {row["name"]: row["draft"] for row in answers.strip(bench, variant, "vangnet", None)}
        table = bench.moved_files_of(variant)
        mine = table[~table["pw_client"] & (table["product"] != "PW_ABA")]
        assert rows["Dossiers die verhuizen"] == str(mine["clients"].sum())


@pytest.mark.heavy
def test_few_files_are_few_of_all_that_there_are(tmp_path: Path) -> None:
    """Three files of W1 and four of which nobody is known to have them are seven: those three are shared out over the
    teams of a split postcode, and do not all go to one of them. The policy is that files follow the division."""
    stock = toy.tables()["stock"]
    mine = stock[stock["product"].eq("WIA_EWT") & stock["pc4"].isin(["1001", "1002", "1005", "1006", "1009", "1010"])]
    both = [mine.assign(clients="3", team_id="W1"), mine.assign(clients="4", team_id="")]
    tables = {"stock": pd.concat(both, ignore_index=True), "current": toy.tables()["current"].iloc[:0]}
    bench = Bench(toy_run(tmp_path, tables, continuity="move", tolerance=0.9).folder)
    for pc4 in sorted(set(mine["pc4"])):
        locks = tuple(LockChange(pc4=pc4, team_id=t, kind="split", share=0.5, reason="r") for t in ("W1", "W2"))
        variant = bench.variant(ChangeSet(locks=locks))
        told, anew = (summed(one) for one in (bench.moved_files_of(variant), placed_anew(bench, variant)))
        pd.testing.assert_frame_equal(told, anew)


def test_without_a_change_the_files_are_those_of_the_run(bench: Bench) -> None:
    assert bench.moved_files_of(bench.variant_unchanged) is bench.moved_files
