"""What moves on the page is what the outcome's tables say, to the postcode and the client."""

from __future__ import annotations

import pandas as pd
import pytest

from allocation.outcome.routing import allocation_table, assigned_parts
from allocation.outcome.transition import allocation_changes
from allocation.page import answers
from allocation.page.changes import ChangeSet, LockChange, Move
from allocation.page.moving import CHANGE, KEY, moving
from allocation.page.whatif import Bench, Variant
from allocation.runs.run import Run

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
    assert figures["Dossiers die verhuizen"] == "–"  # only a run can tell: files follow more than the postcode
    hidden = answers.strip(bench, variant, "vangnet", None, for_readers=True)
    assert {row["draft"] for row in hidden if row["name"].startswith("Cliënten")} == {"–"}
