"""What readers see of a team's files follows from what they see of its products and postcodes, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from allocation.contract.config import Config
from allocation.contract.published_tables import (
    LINE_OUTCOMES,
    TEAM_LEDGER,
    TEAM_LOAD,
)
from allocation.layers.holding import STOCK_KEY
from allocation.outcome.ledger import team_ledger
from allocation.outcome.seen import (
    BALANCE,
    ledger_seen,
    ledger_shown,
    line_outcomes_seen,
    load_seen,
    region_ledger_seen,
    region_summary_seen,
    team_ledger_seen,
    team_network_seen,
    with_stock_seen,
)
from allocation.publication import small_counts
from tests.support import toy
from tests.support.examples import examples

APART = [column.name for column in TEAM_LOAD.columns if column.is_seen_apart]
NORMS = pd.DataFrame(
    {"planned_stock_share": [0.5, 0.25], "hours_verzekeringsarts": [4.0, 3.0], "hours_other": [6.0, 1.0]},
    index=["EWT", "RIV"],
)


def klm(tmp_path: Path, *cells: tuple[str, str, int]) -> tuple[pd.Series, pd.Series]:
    """The row of the team for klm as it is, and as readers see it, where these are its files: pc4, product, clients."""
    rows = [("2025-12-31", pc4, product, "vangnet", "klm", str(clients), "") for pc4, product, clients in cells]
    given_ = toy.tables()["stock"]
    stock = pd.concat([given_, pd.DataFrame(rows, columns=given_.columns)], ignore_index=True)
    more = [(month, pc4, "ZW_EZWB", "vangnet", "regulier", "1") for month in toy.MONTHS for pc4 in toy.POSTCODES]
    inflow = toy.tables()["inflow"]
    inflow = pd.concat([inflow, pd.DataFrame(more, columns=inflow.columns)], ignore_index=True)
    made = toy.divide(tmp_path, {"stock": stock, "inflow": inflow})
    seen = small_counts.shown(TEAM_LOAD, made.load, made.outcome["team_load_seen"])
    exact, shown = (table.set_index("team_id").loc["K1", APART] for table in (made.load, seen))
    return exact, shown


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # The mean of 4 x 4 and 1 x 3 hours is 3.8, and of 3 x 4 and 2 x 3 it is 3.6.
        ([("1001", "WIA_EWT", 4), ("1006", "ZW_EZWB", 1)], [("1001", "WIA_EWT", 3), ("1006", "ZW_EZWB", 2)]),
        # Two cells of which a total of 8, shown as 10, tells each.
        ([("1001", "WIA_EWT", 4), ("1002", "WIA_EWT", 4)], [("1001", "WIA_EWT", 3), ("1002", "WIA_EWT", 4)]),
        # Two products of at most 4, of which a total of 8 tells each.
        (
            [("1001", "WIA_EWT", 2), ("1002", "WIA_EWT", 2), ("1001", "ZW_EZWB", 2), ("1002", "ZW_EZWB", 2)],
            [("1001", "WIA_EWT", 1), ("1002", "WIA_EWT", 2), ("1001", "ZW_EZWB", 2), ("1002", "ZW_EZWB", 2)],
        ),
    ],
)
def test_a_reader_cannot_tell_one_hidden_count_from_another(
    tmp_path: Path, one: list[tuple[str, str, int]], other: list[tuple[str, str, int]]
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (exact, shown), (exact_of_other, shown_of_other) = klm(tmp_path / "a", *one), klm(tmp_path / "b", *other)
    assert exact["files_held_hours_verzekeringsarts"] != exact_of_other["files_held_hours_verzekeringsarts"]
    pd.testing.assert_series_equal(shown, shown_of_other)


def test_it_adds_up_by_hand(tmp_path: Path) -> None:
    """7 and 12 files of 4 hours, 3 of 3 hours: transition shows 5, 10 and nothing, so the ledger shows 15 and nothing.
    The hidden cell counts as ``hidden(0, 1)``."""
    _, shown = klm(tmp_path, ("1001", "WIA_EWT", 7), ("1002", "WIA_EWT", 12), ("1006", "ZW_EZWB", 3))
    assert shown["files_held"] == 15
    assert shown["files_held_hours_verzekeringsarts"] == 15 * 4
    assert shown["stock_clients"] == 15  # 5 + 10 + 2.1, in steps of 5
    assert shown["stock_hours_verzekeringsarts"] == pytest.approx(5 * 4 + 10 * 4 + hidden(0, 1) * 3)


def test_a_hidden_cell_counts_as_the_estimate_of_its_like(tmp_path: Path) -> None:
    """8 files, and 1, 1 and 2: one of four cells is shown."""
    few = [("1001", "WIA_EWT", 8), ("1002", "WIA_EWT", 1), ("1003", "WIA_EWT", 1), ("1006", "WIA_EWT", 2)]
    _, shown = klm(tmp_path, *few)
    assert shown["stock_hours_verzekeringsarts"] == pytest.approx((10 + 3 * hidden(1, 4)) * 4)
    assert shown["files_held"] == 15, "10 and 3 times 2.13"


def hidden(shown: int, cells_: int) -> float:
    """What each hidden one counts as, where ``shown`` of the cells of a team and product are shown."""
    q = ((shown + 0.5) / (cells_ + 1)) ** 0.25
    return (1 + 2 * q + 3 * q**2 + 4 * q**3) / (1 + q + q**2 + q**3)


cells = st.lists(st.tuples(st.sampled_from(["EWT", "RIV"]), st.integers(1, 9)), min_size=1, max_size=8)


@given(cells, st.lists(st.integers(1, 4), min_size=8, max_size=8))
@example([("EWT", 4), ("RIV", 1)], [3, 2, 1, 1, 1, 1, 1, 1])
@settings(max_examples=examples(15), deadline=None)
def test_what_is_the_same_to_readers_is_the_same_in_sum(one: list[tuple[str, int]], hidden: list[int]) -> None:
    """Two countries that differ only in hidden cells."""
    other = [
        (product, clients if clients >= 5 else instead)
        for (product, clients), instead in zip(one, hidden[: len(one)], strict=True)
    ]
    tables = [_tables(world) for world in (one, other)]
    cells = [moves.assign(seen=small_counts.clients_seen(moves)) for _, moves in tables]
    shown = [ledger_shown(team_ledger(rows), moves) for (rows, _), moves in zip(tables, cells, strict=True)]
    seen = [
        ledger_seen(rows, one, NORMS)[["files_held", "held_hours"]]
        for (rows, _), one in zip(tables, shown, strict=True)
    ]
    pd.testing.assert_frame_equal(*seen)
    routed = tables[0][1][STOCK_KEY].assign(stock_clients=0, inflow_clients=0.5)
    pd.testing.assert_frame_equal(*(with_stock_seen(routed, one, NORMS) for one in cells))
    pd.testing.assert_frame_equal(*(team_ledger_seen(one, NORMS) for one in shown))
    regions = pd.Series({pc4: 1 + int(pc4) % 2 for pc4 in routed["pc4"]})
    places = (
        tables[0][0]
        .assign(law_domain="zw_wia", layer_line="alle")
        .merge(pd.DataFrame({"region": [1, 2], "part": [0.25, 0.75]}), how="cross")
    )
    worlds = zip(tables, shown, cells, strict=True)
    made = (
        region_ledger_seen(
            # what the files of the region are exactly is not looked at
            places.assign(files_held=moves["clients"].sum()),
            ledger_seen(rows.assign(law_domain="zw_wia", layer_line="alle"), one, NORMS),
            seen_,
            regions,
            NORMS,
        ).drop(columns="part")
        for (rows, moves), one, seen_ in worlds
    )
    pd.testing.assert_frame_equal(*made)


def _tables(world: list[tuple[str, int]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The ledger of one team, and its cells of ``transition``, each in a postcode of its own."""
    moves = pd.DataFrame(world, columns=["product", "clients"]).assign(
        pc4=[str(1000 + at) for at in range(len(world))], client_line="vangnet", client_group="klm", pw_client=False,
        team_to="K1",
    )  # fmt: skip
    rows = moves.groupby("product", as_index=False)["clients"].sum().rename(columns={"clients": "files_held"})
    named = ("inflow_clients", "planned_clients", "stock_clients", "hours_verzekeringsarts", "hours_other")
    amounts = dict.fromkeys(named, 0.0)
    return rows.assign(team_id="K1", line="vangnet", **amounts), moves


def test_the_lines_of_a_product_share_what_is_counted_without_a_line() -> None:
    """A has 20 files of vangnet, 10 of werkgever and 40 of `alle`; it gets 30 clients of vangnet and 10 of werkgever.
    Of the ZW, which has no line werkgever, 10 files were counted there. C has files and gets nobody."""
    rows = pd.DataFrame(
        [("A", "EWT", "vangnet", 32.0), ("A", "EWT", "werkgever", 8.0), ("A", "ZW", "vangnet", 0.0),
         ("C", "EWT", "vangnet", 0.0), ("C", "EWT", "werkgever", 0.0)],
        columns=["team_id", "product", "line", "inflow_clients"],
    ).assign(files_held=999, planned_clients=0.0, hours_verzekeringsarts=0.0, hours_other=0.0)  # fmt: skip
    cells = pd.DataFrame(
        [("A", "EWT", "vangnet", 20.0), ("A", "EWT", "werkgever", 10.0), ("A", "EWT", "alle", 30.0),
         ("A", "EWT", "alle", 10.0), ("A", "ZW", "werkgever", 10.0), ("C", "EWT", "alle", 20.0),
         ("CENTRAAL", "EWT", "alle", 500.0)],
        columns=["team_to", "product", "client_line", "seen"],
    )  # fmt: skip
    shown = ledger_shown(team_ledger(rows), cells)
    assert shown["files_held"].tolist() == [50, 20, 10, 10, 10]
    assert shown["inflow_clients"].fillna(0).tolist() == [30, 10, 0, 0, 0]


def test_r14_what_is_small_is_left_out() -> None:
    """P: seven files in as many postcodes; Q: three; R: ten, of two layers, which the ledger shows as one."""
    one = {"team_id": "A", "law_domain": "zw_wia", "layer_line": "alle", "line": "vangnet", "files_held": 5.0}
    one |= {"held_hours": 20.0, "inflow_clients": 13.0, "inflow_hours": 26.0, "planned_clients": 14.0}
    one |= {"hours_verzekeringsarts": 56.0, "hours_other": 0.0, "stock_clients": 6.0}
    few = {"files_held": 3.0, "held_hours": 12.0, "inflow_clients": 2.0, "inflow_hours": 4.0}
    changes = [{"product": "P", "files_held": 7.0, "held_hours": 28.0}, {"product": "Q"} | few, {"product": "R"}]
    rows = pd.DataFrame([one | change for change in (*changes, {"product": "R", "law_domain": "pw"})])
    cell = {"team_to": "A", "client_line": "vangnet", "client_group": "regulier", "pw_client": False}
    counts = [("P", 1)] * 7 + [("Q", 3), ("R", 11)]
    cells = [cell | {"pc4": str(at), "product": name, "clients": n} for at, (name, n) in enumerate(counts)]
    norms = pd.DataFrame(
        {"planned_stock_share": 0.2, "hours_verzekeringsarts": 4.0, "hours_other": 1.0}, index=["P", "Q", "R"]
    )
    moves = pd.DataFrame(cells)
    shown = ledger_shown(team_ledger(rows), moves.assign(seen=small_counts.clients_seen(moves)))
    seen = ledger_seen(rows, shown, norms)
    assert seen["files_held"].tolist() == [10.0, 0.0, 0.0, 0.0], "7 x 26/15 and 2.1"
    assert seen["held_hours"].tolist() == [40.0, 0.0, 0.0, 0.0]
    assert seen["inflow_clients"].tolist() == [15.0, 0.0, 0.0, 0.0]
    assert seen["inflow_hours"].tolist() == [60.0, 0.0, 0.0, 0.0]
    assert seen["hours_verzekeringsarts"].tolist() == [(15 + 0.2 * 10) * 4, 0.0, 0.0, 0.0]
    assert seen["structural_clients"].tolist() == [15 + 0.2 * 6, 0.2 * 6, 0.2 * 6, 0.2 * 6], "inflow as it is shown"
    assert seen["structural_hours_verzekeringsarts"].tolist()[0] == (15 + 0.2 * 6) * 4
    planned = team_ledger_seen(shown, norms).set_index("product")
    # P: 15 + a fifth of 10; Q: nothing is shown; R: 25 (of 13 and 13) + a fifth of 10
    assert planned["planned_clients"].fillna(0).to_dict() == {"P": 15.0, "Q": 0.0, "R": 25.0}
    assert planned["hours_verzekeringsarts"].fillna(0).to_dict() == {"P": 60.0, "Q": 0.0, "R": 100.0}
    assert planned["hours_other"].fillna(0).to_dict() == {"P": 15.0, "Q": 0.0, "R": 25.0}


def test_clients_that_move_in_a_region_are_counted_of_what_is_shown() -> None:
    """Region 1: 12 (shown as 10) and 4 of vangnet move to A, and 30 stay. Region 2: 2 move to P, of another law
    domain. Each hidden one is taken for 2."""
    cells = pd.DataFrame(
        [("1001", "vangnet", "A", "verhuist", 10.0), ("1002", "werkgever", "A", "verhuist", 2.0),
         ("1001", "vangnet", "A", "blijft", 30.0), ("2001", "vangnet", "P", "verhuist", 2.0)],
        columns=["pc4", "client_line", "team_to", "movement", "seen"],
    )  # fmt: skip
    load = pd.DataFrame({"team_id": ["A", "B", "P"], "law_domain": ["zw_wia", "zw_wia", "pw"]})
    load["client_line"], load["capacity_hours_verzekeringsarts"] = "vangnet", [1200.0, 2400.0, 600.0]
    held = load.assign(files_held_hours_verzekeringsarts=[150.0, None, None], deviation=0.0)
    places = load[["team_id", "law_domain", "client_line"]].assign(arbeidsmarktregio_nr=[1, 1, 2])
    areas = pd.DataFrame({"pc4": ["1001", "1002", "2001"], "arbeidsmarktregio_nr": [1, 1, 2]})
    keys = [(1, "zw_wia", "alle"), (1, "zw_wia", "vangnet"), (2, "pw", "alle"), (2, "zw_wia", "alle")]
    regions = pd.DataFrame(keys, columns=["arbeidsmarktregio_nr", "law_domain", "client_line"])
    seen = region_summary_seen(regions, cells, load, held, places, areas)
    assert seen["clients_moved"].fillna(0).tolist() == [10, 10, 0, 0]


def test_the_figures_of_a_region_are_made_of_what_its_teams_show() -> None:
    """A shows 150 hours and has 100 a month, B shows none and has 200: 150 / 300. Of P nothing is shown. The line
    werkgever has no team. And so with the deviations that they show, -0.06 and 0.02."""
    keys = [(1, "zw_wia", "vangnet"), (1, "zw_wia", "werkgever"), (2, "pw", "alle")]
    regions = pd.DataFrame(keys, columns=["arbeidsmarktregio_nr", "law_domain", "client_line"])
    load = pd.DataFrame(
        [("A", "zw_wia", "vangnet", 1200.0, 150.0), ("B", "zw_wia", "vangnet", 2400.0, None),
         ("P", "pw", "alle", 600.0, None)],
        columns=["team_id", "law_domain", "client_line", "capacity_hours_verzekeringsarts",
                 "files_held_hours_verzekeringsarts"],
    )  # fmt: skip
    load["deviation"] = [-0.06, 0.02, 0.0]
    places = load[["team_id", "law_domain", "client_line"]].assign(arbeidsmarktregio_nr=[1, 1, 2])
    areas = pd.DataFrame({"pc4": ["1001"], "arbeidsmarktregio_nr": [1]})
    cells = pd.DataFrame(columns=["pc4", "client_line", "team_to", "movement", "seen"])
    seen = region_summary_seen(regions, cells, load, load, places, areas)
    assert seen["waiting_months"].fillna(-1).tolist() == [0.5, -1, -1]
    assert seen["mean_deviation"].fillna(-1).tolist() == pytest.approx([0.04, -1, 0.0])
    assert seen["max_deviation"].fillna(-1).tolist() == [0.06, -1, 0.0]


def test_the_files_of_a_team_of_two_regions_are_divided_as_its_postcodes_show() -> None:
    """A has 40 files and 100 clients a year: of its cells 30 clients show in region 1 and 10 in region 2, of the inflow
    comes a fifth in region 1. B is in region 1 only; C shows no cell, so its 6 files are divided in equal parts."""
    layer = {"law_domain": "zw_wia", "layer_line": "alle", "product": "EWT", "line": "vangnet"}
    ledger = pd.DataFrame(
        {"team_id": ["A", "B", "C"], "files_held": [40.0, 5.0, 6.0], "inflow_clients": [100.0, 20.0, 0.0]}
    )
    rows = pd.DataFrame(
        [("A", 1, 18.0), ("A", 2, 72.0), ("B", 1, 21.0), ("C", 1, 0.0), ("C", 2, 0.0)],
        columns=["team_id", "region", "inflow_clients"],
    ).assign(files_held=1000.0, **layer)  # fmt: skip
    cells = pd.DataFrame(
        [("1001", "A", 25.0), ("1002", "A", 5.0), ("2001", "A", 10.0), ("1001", "B", 5.0)],
        columns=["pc4", "team_to", "seen"],
    ).assign(product="EWT")  # fmt: skip
    regions = pd.Series({"1001": 1, "1002": 1, "2001": 2})
    seen = region_ledger_seen(rows, ledger.assign(**layer), cells, regions, NORMS)
    assert seen["files_held"].tolist() == [30.0, 10.0, 5.0, 3.0, 3.0]
    assert seen["inflow_clients"].tolist() == [20.0, 80.0, 20.0, 0.0, 0.0]
    assert seen["planned_clients"].tolist() == [20 + 15, 80 + 5, 20 + 2.5, 1.5, 1.5]
    assert seen["held_hours"].tolist() == [120.0, 40.0, 20.0, 12.0, 12.0]
    assert seen["hours_other"].tolist() == [210.0, 510.0, 135.0, 9.0, 9.0]


def test_a_region_with_few_files_is_told_no_waiting_time() -> None:
    """The first has 12 files and 23 clients a year, the second 4 files and 3."""
    table = pd.DataFrame({
        "arbeidsmarktregio_nr": [1, 2], "arbeidsmarktregio": ["West", "Oost"], "district": ["Midden", None],
        "law_domain": "zw_wia", "client_line": "alle", "asked_hours_verzekeringsarts": [92.0, 12.0],
        "available_hours_verzekeringsarts": [100.0, 10.0], "planned_clients": [23.0, 3.0], "files_held": [12, 4],
        "finished_clients": [9.0, 3.0], "lead_time_days": [70.4, None],
        "waiting_months": [2.5, 3.0], "projected_waiting_months": [1.5, 2.0], "finished_planned_clients": [11.0, 2.0],
    })  # fmt: skip
    seen = line_outcomes_seen(table)
    assert seen["planned_clients"].fillna(0).tolist() == [25.0, 0.0]
    assert seen["files_held"].fillna(0).tolist() == [10, 0]
    assert seen["asked_hours_verzekeringsarts"].fillna(-1).tolist() == [92.0, -1.0]
    assert seen["finished_planned_clients"].fillna(-1).tolist() == [10.0, -1.0]
    assert seen["finished_clients"].fillna(-1).tolist() == [10.0, -1.0]
    assert seen["lead_time_days"].fillna(-1).tolist() == [70.0, -1.0]
    assert seen["available_hours_verzekeringsarts"].tolist() == [100.0, 10.0]
    assert seen["waiting_months"].fillna(-1).tolist() == [2.5, -1.0]
    assert seen["projected_waiting_months"].fillna(-1).tolist() == [1.5, -1.0]
    told = small_counts.shown(LINE_OUTCOMES, table, seen)
    assert told["files_held"].fillna(0).tolist() == [10, 0], "also where a district is not given"
    assert told["waiting_months"].fillna(-1).tolist() == [2.5, -1.0]


def test_whom_a_team_works_with_is_told_where_clients_are() -> None:
    """Shares are of what is shown: of A 10 and 40 of 50, of Zuid 40 and 20 of 60."""
    network = pd.DataFrame({
        "team_id": ["A", "A", "B", "B"], "kind": "ggz", "provider": ["Noord", "Zuid", "Noord", "Zuid"],
        "clients_per_year": [12.4, 38.1, 4.9, 20.2], "team_share": [0.246, 0.754, 0.195, 0.805],
        "provider_share": [0.717, 0.654, 0.283, 0.346],
    })  # fmt: skip
    seen = team_network_seen(network)
    assert seen["clients_per_year"].fillna(0).tolist() == [10.0, 40.0, 0.0, 20.0]
    assert seen["team_share"].fillna(0).tolist() == [0.2, 0.8, 0.0, 1.0]
    assert seen["provider_share"].fillna(0).tolist() == [1.0, 40 / 60, 0.0, 20 / 60]


def test_without_what_is_kept_apart_readers_see_nothing() -> None:
    """Of a version of before it was kept, and of a row that it lacks."""
    load = pd.DataFrame({
        "team_id": ["A", "B"], "law_domain": "zw_wia", "client_line": "alle", "files_held": [40, 50],
        "waiting_months": [1.0, 2.0],
    })  # fmt: skip
    assert small_counts.shown(TEAM_LOAD, load)[["files_held", "waiting_months"]].isna().all(axis=None)
    apart = load.iloc[:1].assign(files_held=35, waiting_months=0.9)
    seen = small_counts.shown(TEAM_LOAD, load, apart)
    assert seen["files_held"].tolist()[0] == 35
    assert seen["waiting_months"].tolist()[0] == 0.9
    assert seen.loc[1, ["files_held", "waiting_months"]].isna().all()


def test_a_team_without_files_shows_none() -> None:
    load = pd.DataFrame({
        "team_id": ["A"], "law_domain": "zw_wia", "client_line": "alle", "stock_clients": [4],
        "stock_hours_verzekeringsarts": [16.0], "files_held": [0], "files_held_hours_verzekeringsarts": [0.0],
        "first_year_hours_verzekeringsarts": [9.0], "first_year_hours_other": [2.0], "waiting_months": [0.0],
        "projected_waiting_months": [0.0], "clients_per_year": [4.0], "hours_verzekeringsarts": [9.0],
        "hours_other": [2.0], "hours_low": [8.0], "hours_high": [10.0], "target_hours": [9.0], "deviation": [0.0],
    })  # fmt: skip
    seen = load_seen(load, load)
    assert seen[[name for name in APART if name not in BALANCE]].isna().all(axis=None)
    assert seen[list(BALANCE)].to_numpy().tolist() == [[0.0, 0.0]]


def test_the_interval_is_that_of_the_hours_that_are_shown() -> None:
    """Made of what is seen 72 to 92 around 80 hours; that of the exact hours, 90 to 115, tells nothing about it."""
    exact = pd.DataFrame(
        {"hours_verzekeringsarts": [100.0], "hours_low": [90.0], "hours_high": [115.0], "deviation": [0.0]}
    )
    load = pd.DataFrame(
        {name: [0.0] for name in APART} | {"team_id": ["A"], "law_domain": ["zw_wia"], "client_line": ["alle"]}
    )
    made = load.assign(clients_per_year=21.0, hours_verzekeringsarts=80.0, hours_low=72.0, hours_high=92.0)
    seen = load_seen(made, exact).iloc[0]
    assert (seen["clients_per_year"], seen["hours_low"], seen["hours_high"]) == (20.0, 72.0, 92.0)


def of_two_regions(folder: Path, west: int, east: int) -> toy.Division:
    """X serves both regions, is barred from every postcode, and has ``west`` files in 1001 and ``east`` in 1003."""
    folder.mkdir()
    frames = toy.tables()
    team = frames["teams"][frames["teams"]["team_id"] == "W1"].assign(
        team_id="X", name="SMC X", arbeidsmarktregio="1|2"
    )
    rows = [("2025-12-31", pc4, "WIA_EWT", "vangnet", "regulier", str(clients), "X")
            for pc4, clients in (("1001", west), ("1003", east))]  # fmt: skip
    stock = pd.concat([frames["stock"], pd.DataFrame(rows, columns=frames["stock"].columns)], ignore_index=True)
    pinned = {"1001": "W1", "1003": "O1"}
    locks = toy.locks(
        *((pc4, pinned.get(pc4, "X"), "pin" if pc4 in pinned else "bar", "", "") for pc4 in toy.POSTCODES)
    )
    teams = pd.concat([frames["teams"], team], ignore_index=True)
    config = Config.from_values({"tolerance": 0.99})
    return toy.divide(folder, {"teams": teams, "stock": stock, "locks": locks}, config)


@pytest.mark.heavy
def test_a_team_without_postcodes_does_not_tell_its_files_by_its_hours_and_months(tmp_path: Path) -> None:
    """1 and 4 files, or 4 and 1: its 1,200 hours are divided over the regions by what readers see of them."""
    one, other = (of_two_regions(tmp_path / name, *files) for name, files in (("a", (1, 4)), ("b", (4, 1))))
    assert "X" not in set(one.outcome["allocation"]["team_id"])
    exact = [made.outcome["line_outcomes"]["available_hours_verzekeringsarts"].tolist() for made in (one, other)]
    assert exact[0] != exact[1]
    for table in (LINE_OUTCOMES, TEAM_LEDGER, TEAM_LOAD):
        name, columns = table.name, [*table.key, *(c.name for c in table.columns if c.is_seen_apart)]
        shown = [small_counts.shown(table, made.outcome[name], made.outcome[f"{name}_seen"]) for made in (one, other)]
        columns = [c for c in columns if c in shown[0]]
        pd.testing.assert_frame_equal(*(rows[columns] for rows in shown))
    months = [made.outcome["team_months_seen"] for made in (one, other)]
    pd.testing.assert_frame_equal(*months)


def test_the_target_of_a_special_team_is_made_of_what_is_seen(tmp_path: Path) -> None:
    """It is its own work: of twelve cells of one client each it told that no cell has two."""
    targets = []
    for name, clients in (("a", 1), ("b", 3)):
        (tmp_path / name).mkdir()
        exact, shown = klm(tmp_path / name, *((pc4, "WIA_EWT", clients) for pc4 in toy.POSTCODES))
        targets.append((exact["target_hours"], shown["target_hours"]))
    assert targets[0][0] != targets[1][0]
    assert targets[0][1] == targets[1][1]
