"""Finished work beside the plan, on the toy country: sums that can be made on paper.

W1 has three postcodes of West until now, so three WIA_EWT a month come in for it, and it holds six. P1 serves West and
Oost alike. Stock and inflow end with December 2025.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.contract.config import Config
from allocation.contract.input_tables import COMPLETED
from allocation.layers.work import product_norms, recurring_products
from allocation.outcome import finished
from allocation.outcome.finished import PlanInForce
from tests.support import toy
from tests.support.examples import examples

ROWS = [
    ("2025-11", "W1", "WIA_EWT", "alle", "4", "18", "100"),
    ("2025-12", "W1", "WIA_EWT", "alle", "6", "30", "50"),
    ("2025-12", "O1", "WIA_EWT", "alle", "3", "", ""),
    ("2025-12", "P1", "PW_ABA", "vangnet", "8", "16", "30"),
    ("2025-12", "K1", "WIA_EWT", "vangnet", "2", "9", "70"),
    ("2025-12", "W1", "WIA_HERB", "alle", "9", "9", "9"),
]
LEDGER = pd.DataFrame(
    [("W1", "vangnet", 24.0, 30.0), ("W1", "werkgever", 12.0, 12.0), ("W2", "vangnet", 36.0, 60.0)],
    columns=["team_id", "client_line", "inflow_clients", "planned_clients"],
).assign(product="WIA_EWT")
LOAD = pd.DataFrame(
    {"team_id": ["W1", "W2"], "law_domain": "zw_wia", "client_line": "alle", "waiting_months": [3.0, 0]}
)


def divided(folder: Path, plan: PlanInForce | None = None) -> toy.Division:
    teams = toy.tables()["teams"].assign(district=["Noord", "Noord", "Oost", "Oost", "", "", "", ""])
    completed = pd.DataFrame(ROWS, columns=list(COMPLETED.column_names))
    return toy.divide(folder, {"completed": completed, "teams": teams}, plan_in_force=plan)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> toy.Division:
    return divided(tmp_path_factory.mktemp("finished"))


def of_team(table: pd.DataFrame, team: str) -> pd.DataFrame:
    return table[table["team_id"] == team].set_index("month")


def test_month_by_month_of_a_team(made: toy.Division) -> None:
    """The stock of six at the end of December was nine at the end of November: three came in and six were finished."""
    rows = of_team(made.outcome["finished_months"], "W1")
    assert rows["inflow_clients"].tolist() == [3.0, 3.0]
    assert rows["finished_clients"].tolist() == [4.0, 6.0]
    assert rows["finished_hours"].tolist() == [16.0, 24.0]
    assert rows["worked_hours"].tolist() == [18.0, 30.0]
    assert rows["lead_time_days"].tolist() == [100.0, 50.0]
    assert rows["stock_clients"].tolist() == [9.0, 6.0]
    assert rows["finished_planned_clients"].isna().all()
    assert set(rows["district"]) == {"Noord"}


def test_a_team_that_finished_nothing_has_its_inflow_and_stock(made: toy.Division) -> None:
    rows = of_team(made.outcome["finished_months"], "O2")
    assert rows["finished_clients"].tolist() == [0.0, 0.0]
    assert rows["inflow_clients"].tolist() == [3.0, 3.0]
    assert rows["stock_clients"].tolist() == [3.0, 6.0]
    assert rows["worked_hours"].isna().all()


def outcomes(made: toy.Division) -> pd.DataFrame:
    return made.outcome["line_outcomes"].set_index(["arbeidsmarktregio_nr", "law_domain"])


def test_the_lines_of_regions_without_a_plan(made: toy.Division) -> None:
    """Both months. West: (72 + half of 12) x 4 = 312 hours asked, 2,400 available, 48 hours held: 0.24 months. P1:
    half of its hours and of its eight clients in each region, of whom four tell no lead time."""
    table = outcomes(made)
    assert (table["months"] == 2).all()
    west = table.loc[(1, "zw_wia")]
    assert west["district"] == "Noord"
    assert west["asked_hours_verzekeringsarts"] == pytest.approx(312)
    assert west["available_hours_verzekeringsarts"] == pytest.approx(2400)
    assert west["planned_clients"] == pytest.approx(78)
    assert west["files_held"] == 12
    assert west["waiting_months"] == pytest.approx(48 / 200)
    assert west["projected_waiting_months"] == 0.0
    assert west["finished_clients"] == 10.0
    assert west["lead_time_days"] == pytest.approx(70)
    assert table.loc[(2, "zw_wia"), "finished_clients"] == 3.0
    assert pd.isna(table.loc[(2, "zw_wia"), "lead_time_days"])
    for nr in (1, 2):
        assert table.loc[(nr, "pw"), "available_hours_verzekeringsarts"] == pytest.approx(600)
        assert table.loc[(nr, "pw"), "finished_clients"] == pytest.approx(4.0)
        assert pd.isna(table.loc[(nr, "pw"), "lead_time_days"])
        assert table.loc[(nr, "pw"), "district"] is None


def test_beside_the_plan_only_the_months_that_it_planned_count(tmp_path: Path) -> None:
    """In force since 1 December: of W1 (30 + 12) / 12 = 3.5 clients were planned, of W2 5; of the others nothing."""
    made = divided(tmp_path, PlanInForce(LEDGER, LOAD, date(2025, 12, 1)))
    rows = of_team(made.outcome["finished_months"], "W1")
    assert rows["finished_planned_clients"].tolist()[1] == pytest.approx(3.5)
    assert rows["inflow_planned_clients"].tolist()[1] == pytest.approx(3.0)
    assert rows["lead_time_planned_days"].tolist()[1] == pytest.approx(3 * 365 / 12)
    assert rows["finished_planned_clients"].isna().tolist() == [True, False]
    table = outcomes(made)
    assert (table["months"] == 1).all()
    assert table.loc[(1, "zw_wia"), "finished_clients"] == 6.0
    assert table.loc[(1, "zw_wia"), "finished_planned_clients"] == pytest.approx(8.5)
    assert pd.isna(table.loc[(2, "zw_wia"), "finished_planned_clients"])


def test_r14_readers_see_the_plan_that_they_saw(tmp_path: Path) -> None:
    """Of W1 they saw 140 on the one line and nothing on the other, of W2 120: 260 / 12 = 21.7 clients, so 20."""
    seen = LEDGER[["team_id", "product", "client_line"]].assign(planned_clients=[140.0, None, 120.0])
    told = {}
    for name, known in (("seen", seen), ("unknown", None)):
        (tmp_path / name).mkdir()
        made = divided(tmp_path / name, PlanInForce(LEDGER, LOAD, date(2025, 12, 1), known))
        assert outcomes(made).loc[(1, "zw_wia"), "finished_planned_clients"] == pytest.approx(8.5)
        apart = made.outcome["line_outcomes_seen"].set_index(["arbeidsmarktregio_nr", "law_domain"])
        told[name] = apart.loc[(1, "zw_wia"), "finished_planned_clients"]
        assert pd.isna(apart.loc[(2, "zw_wia"), "finished_planned_clients"])
    assert told["seen"] == 20.0
    assert pd.isna(told["unknown"]), "of a version of before it was kept"


def test_a_plan_that_begins_within_a_month_did_not_plan_it(tmp_path: Path) -> None:
    made = divided(tmp_path, PlanInForce(LEDGER, LOAD, date(2025, 12, 2)))
    assert made.outcome["finished_months"]["finished_planned_clients"].isna().all()


def test_without_the_file_there_is_the_rest_of_the_table(tmp_path: Path) -> None:
    made = toy.divide(tmp_path)
    assert made.outcome["finished_months"].empty
    assert made.outcome["norm_estimates"].empty
    table = made.outcome["line_outcomes"]
    assert table["finished_clients"].isna().all()
    assert (table["months"] == 0).all()
    assert table["asked_hours_verzekeringsarts"].sum() == pytest.approx(2 * 312 + 2 * 156)


finished_rows = st.lists(
    st.tuples(
        st.sampled_from(toy.MONTHS), st.sampled_from(["W1", "W2", "O1", "O2", "P1", "K1", "GONE"]),
        st.integers(0, 20), st.one_of(st.none(), st.integers(1, 200)),
    ),
    max_size=12, unique_by=lambda row: row[:2],
)  # fmt: skip


@given(finished_rows)
@settings(deadline=None, max_examples=examples(5))
def test_every_finished_client_is_in_one_team_and_of_divided_teams_in_one_region(
    made: toy.Division, rows: list[tuple[str, str, int, int | None]]
) -> None:
    completed = pd.DataFrame(rows, columns=["month", "team_id", "clients", "lead_time_days"]).assign(
        product=lambda table: table["team_id"].map({"P1": "PW_ABA"}).fillna("WIA_EWT"), client_line="vangnet",
        hours_verzekeringsarts=None,
    )  # fmt: skip
    old = made.inputs.teams[made.inputs.teams["team_id"] == "O2"].assign(
        team_id="GONE", valid_to=pd.Timestamp("2025-11-30")
    )
    inputs = replace(made.inputs, completed=completed, teams=pd.concat([made.inputs.teams, old], ignore_index=True))
    norms, recurring = product_norms(inputs.products, Config()), recurring_products(inputs.inflow, inputs.stock)
    held = made.transition.rename(columns={"team_from": "team_id"}).assign(
        serves=made.transition["product"].map({"PW_ABA": "pw"}).fillna("zw_wia"), line="vangnet", is_central=False
    )
    months = finished.finished_months(
        inputs, made.work, held, made.routing, norms, made.solved, recurring, None, Config()
    )
    assert months["finished_clients"].sum() == completed["clients"].sum()
    capacity = pd.DataFrame(
        [(team, "zw_wia", "alle", region, None, 0.0) for team, region in
         (("W1", 1), ("W2", 1), ("O1", 2), ("O2", 2))] + [("P1", "pw", "alle", nr, None, 5.0 * nr) for nr in (1, 2)],
        columns=["team_id", "law_domain", "layer_line", "region", "district", "hours_verzekeringsarts"],
    )  # fmt: skip
    parts = finished.region_parts(capacity, inputs.teams)
    renamed = capacity.rename(columns={"layer_line": "client_line", "region": "arbeidsmarktregio_nr"})
    of_regions = finished._finished_of_regions(months, parts, renamed)
    divided_teams = completed.loc[completed["team_id"] != "K1", "clients"].sum()
    assert of_regions["finished_clients"].sum() == pytest.approx(divided_teams)
    of_p1 = of_regions[of_regions["law_domain"] == "pw"].set_index("arbeidsmarktregio_nr")["finished_clients"]
    if of_p1.sum() > 0:
        assert of_p1[2] / of_p1[1] == pytest.approx(2.0)


def test_work_of_teams_that_ended_counts_for_a_line_and_district_that_the_region_has() -> None:
    """Region 1 has two lines in district Noord, and its PW team is of district Oost; ended teams had both lines, and
    another district."""
    columns = ["arbeidsmarktregio_nr", "district", "law_domain", "client_line"]
    rows = pd.DataFrame(
        [(1, "Noord", "zw_wia", "vangnet"), (1, "Noord", "zw_wia", "werkgever"), (1, "Oost", "pw", "alle")],
        columns=columns,
    )
    done = [("OLD", "zw_wia", "alle", "Zuid", 7.0), ("V", "zw_wia", "vangnet", "Noord", 5.0),
            ("OLDPW", "pw", "vangnet", "Noord", 3.0)]  # fmt: skip
    months = pd.DataFrame(done, columns=[*finished.UNIT, "district", "finished_clients"]).assign(
        month="2025-12", finished_planned_clients=np.nan, lead_time_days=20.0
    )
    parts = months[finished.UNIT].assign(region=1, part=1.0)
    found = finished._finished_of_regions(months, parts, rows).set_index(columns)
    assert found["finished_clients"].to_dict() == {
        (1, "Noord", "zw_wia", "vangnet"): 12.0,
        (1, "Oost", "pw", "alle"): 3.0,
    }
