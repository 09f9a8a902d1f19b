"""The readers' edition of the whole example: no table counts clients but as the published tables do."""

from __future__ import annotations

import pytest

from allocation.contract.published_tables import TEAM_LEDGER
from allocation.contract.vocabulary import ALL_LINES
from allocation.publication import small_counts
from allocation.runs import run_files
from allocation.runs.run import Run
from tests.support.readers_edition import faults, sheets

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900)]


def test_no_column_of_the_example_holds_an_exact_count(country: Run) -> None:
    assert faults(sheets(country.folder)) == []


def test_waiting_per_product_tells_no_more_than_the_ledger(country: Run) -> None:
    """Of a team: its stock is the sum of what table `team_ledger` shows of it."""
    ledger, apart, seen = (
        country.read(run_files.OUTCOME.table(name)) for name in ("team_ledger", "team_ledger_seen", "waiting_seen")
    )
    shown = small_counts.shown(TEAM_LEDGER, ledger, apart).fillna({"files_held": 0})
    by_line = shown.set_index(["team_id", "product", "client_line"])["files_held"]
    both = shown.groupby(["team_id", "product"])["files_held"].sum()
    rows = (
        seen[seen["level"] == "team"]
        .groupby(["team_id", "client_line", "product"], as_index=False)["stock_clients"]
        .sum()
    )
    told = [
        both.get((row.team_id, row.product), 0)
        if row.client_line == ALL_LINES
        else by_line.get((row.team_id, row.product, row.client_line), 0)
        for row in rows.itertuples()
    ]
    assert len(rows) > 1000
    assert rows["stock_clients"].tolist() == told
