"""The rules of the field, one test or more for each, on a country of twelve postcodes (see ``toy``).

West is columns 0 and 1, Oost columns 2 and 3; the division in force gives W1 the south-west, W2 the north-west, O1 the
south-east and O2 the north-east. Work is the same in every postcode, so with equal teams each gets three of the six.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.contract.errors import InputRefused
from allocation.districting import check
from allocation.intake.roster import active_locks
from allocation.layers.splits import split_portions
from tests.support import toy

CONFIG = Config.from_values({"tolerance": 0.1, "solver": {"seconds": 20.0, "iterations": 20_000}})


def configured(**changes: object) -> Config:
    return Config.from_values(CONFIG.model_dump() | changes)


def teams(*changed: dict[str, object], without: tuple[str, ...] = ()) -> pd.DataFrame:
    """The teams of the toy country, some rows changed (by team_id), added or left out."""
    frame = toy.tables()["teams"]
    for row in changed:
        known = frame["team_id"] == row["team_id"]
        frame = pd.concat([frame[~known], pd.DataFrame([row])], ignore_index=True)
    return frame[~frame["team_id"].isin(without)].reset_index(drop=True)


def test_r1_every_area_has_one_region_and_teams_stay_within_theirs(tmp_path: Path) -> None:
    """Also when Oost has a tenth of the capacity: West has ten times as much, and takes nothing of Oost."""
    weak = [toy.team("O1", "2", "1004"), toy.team("O2", "2", "1012")]
    weak = [row | {"fte_verzekeringsarts": "0.1"} for row in weak]
    made = toy.divide(tmp_path, {"teams": teams(*weak)}, configured(weights={"moved": 0.0}))
    for pc4, nr in zip(toy.areas()["pc4"], toy.areas()["arbeidsmarktregio_nr"], strict=True):
        assert made.team_of(pc4) <= ({"W1", "W2"} if nr == 1 else {"O1", "O2"})
        assert len(made.team_of(pc4)) == 1


def test_r1_a_cluster_is_solved_together(tmp_path: Path) -> None:
    """Oost has no team: in a cluster with West, W1 and W2 divide all twelve postcodes, six each."""
    frames = {
        "teams": teams(without=("O1", "O2")),
        "clusters": pd.DataFrame({"cluster": ["Samen", "Samen"], "arbeidsmarktregio": ["1", "Oost"]}),
    }
    made = toy.divide(tmp_path, frames, CONFIG)
    load = made.load.query("law_domain == 'zw_wia' and kind == 'regulier'")
    assert load["cluster"].unique() == ["Samen"]
    assert load["areas"].tolist() == [6, 6]


def test_r2_work_is_in_proportion_to_capacity(tmp_path: Path) -> None:
    """W1 has twice the hours of W2: four postcodes against two."""
    made = toy.divide(tmp_path, {"teams": teams(toy.team("W1", "1", "1001", fte_verzekeringsarts="2.0"))}, CONFIG)
    areas = made.load.set_index(["team_id", "law_domain"])["areas"]
    assert (areas["W1", "zw_wia"], areas["W2", "zw_wia"]) == (4, 2)
    assert made.load["deviation"].abs().max() < 1e-6


def test_r2_another_measure_can_be_balanced_too(tmp_path: Path) -> None:
    made = toy.divide(tmp_path, config=configured(clients_tolerance=0.3))
    assert all(layer.problem.further[0].name == "clients" for layer in made.layers)
    assert all(not check(layer.problem, plan) for layer, plan in zip(made.layers, made.plans, strict=True))


def test_r3_areas_are_contiguous_and_near_the_office(tmp_path: Path) -> None:
    """With only travel counted it is the offices (1001 and 1009) that decide, and not the division in force."""
    only = {"travel": 1.0, "moved": 0.0, "municipality_splits": 0.0, "care_region_splits": 0.0}
    made = toy.divide(tmp_path, config=configured(weights=only))
    assert made.load["pieces"].eq(1).all()
    assert made.team_of("1001") == {"W1"}
    assert made.team_of("1009") == {"W2"}


def test_r3_a_gemeente_is_not_cut_without_need(tmp_path: Path) -> None:
    """With gemeente splits dear and no other cost, each team of West gets one column: a whole gemeente."""
    only = {"travel": 0.0, "moved": 0.0, "municipality_splits": 1.0, "care_region_splits": 0.0}
    made = toy.divide(tmp_path, config=configured(weights=only))
    assert made.regions.query("law_domain == 'zw_wia'")["municipality_splits"].tolist() == [0, 0]


def test_r4_special_groups_go_to_their_own_team_and_are_nobodys_regional_work(tmp_path: Path) -> None:
    frames = toy.tables()
    frames["inflow"].loc[frames["inflow"]["pc4"].eq("1001"), "client_group"] = "klm"
    made = toy.divide(tmp_path, frames, configured(tolerance=0.5))
    assert made.routed("1001", "klm") == {"K1": 1.0}
    assert made.routed("1012", "militair", "ZW") == {"M1": 1.0}
    plain = toy.divide(tmp_path / "plain", config=configured(tolerance=0.5))
    hours = [d.load.query("kind == 'regulier'")["hours_verzekeringsarts"].sum() for d in (made, plain)]
    assert hours[0] < hours[1] - 30


def test_r4_a_special_group_comes_with_its_team_and_its_clients(tmp_path: Path) -> None:
    """No setting and no code names the group; it has its routing, and its files stay with its team."""
    frames = toy.tables()
    brigade = toy.team("B1", "1", "1002", kind="bijzonder", client_groups="brandweer", laws="ZW|WIA|PW")
    frames["inflow"].loc[frames["inflow"]["pc4"].eq("1001"), "client_group"] = "brandweer"
    made = toy.divide(tmp_path, frames | {"teams": teams(brigade)}, configured(tolerance=0.5))
    assert made.routed("1001", "brandweer") == {"B1": 1.0}
    assert made.routed("1012", "brandweer", "ZW") == {"B1": 1.0}
    assert made.routed("1012", "klm", "ZW") == {"K1": 1.0}


def test_r4_several_special_teams_share_by_capacity(tmp_path: Path) -> None:
    second = toy.team(
        "K2", "1", "1001", kind="bijzonder", client_groups="klm", laws="ZW|WIA|PW", fte_verzekeringsarts="3"
    )
    made = toy.divide(tmp_path, {"teams": teams(second)}, CONFIG)
    assert made.routed("1005", "klm") == pytest.approx({"K1": 0.25, "K2": 0.75})


@pytest.mark.parametrize(("special_first", "team"), [(False, "P1"), (True, "L1")])
def test_r4_r5_a_police_officer_with_pw_goes_where_the_configuration_says(
    special_first: bool, team: str, tmp_path: Path
) -> None:
    made = toy.divide(tmp_path, config=configured(special_first=special_first))
    assert made.routed("1003", "politie", "PW") == {team: 1.0}
    assert made.routed("1003", "politie", "WIA") == {"L1": 1.0}


def test_r5_participatiewet_has_its_own_teams_and_division(tmp_path: Path) -> None:
    made = toy.divide(tmp_path, config=CONFIG)
    for pc4 in toy.POSTCODES:
        assert made.routed(pc4, law="PW") == {"P1": 1.0}
        assert made.routed(pc4, law="PW", line="werkgever") == {"P1": 1.0}
    pw_hours = made.load.set_index("team_id").loc["P1", "hours_verzekeringsarts"]
    assert pw_hours == pytest.approx(made.work.query("law == 'PW'")["hours_verzekeringsarts"].sum())


def two_lines() -> pd.DataFrame:
    """West keeps its client lines apart: W1 serves vangnet, W2 werkgever."""
    return teams(
        toy.team("W1", "1", "1001", client_lines="vangnet"),
        toy.team("W2", "1", "1009", client_lines="werkgever", laws="WIA"),
    )


def test_r6_lines_are_divided_apart_where_a_team_serves_one(tmp_path: Path) -> None:
    made = toy.divide(tmp_path, {"teams": two_lines()}, CONFIG)
    assert made.team_of("1005", "vangnet") == {"W1"}
    assert made.team_of("1005", "werkgever") == {"W2"}
    assert made.team_of("1004", "alle") <= {"O1", "O2"}
    assert made.routed("1005", line="werkgever") == {"W2": 1.0}
    assert set(made.regions.query("arbeidsmarktregio == 'West'")["client_line"]) == {"vangnet", "werkgever", "alle"}


def test_r6_a_zw_client_is_always_served_by_the_vangnet_team(tmp_path: Path) -> None:
    made = toy.divide(tmp_path, {"teams": two_lines()}, CONFIG)
    assert made.routed("1005", law="ZW", line="werkgever") == {"W1": 1.0}


def test_r6_a_team_for_both_lines_divides_its_hours(tmp_path: Path) -> None:
    """W1 vangnet, W2 werkgever, W3 both: the two lines ask the same work, so W3 gives each of them half its hours."""
    third = toy.team("W3", "1", "1006")
    made = toy.divide(tmp_path, {"teams": pd.concat([two_lines(), pd.DataFrame([third])])}, configured(tolerance=0.5))
    capacity = made.load.query("team_id == 'W3'")["capacity_hours_verzekeringsarts"]
    assert capacity.tolist() == pytest.approx([600.0, 600.0])


def test_r6_files_counted_for_both_lines_follow_the_lines_as_their_work_does(tmp_path: Path) -> None:
    """Where West counts the line, three in four are vangnet. So of four files in 1001 three go to W1 and one to W2.

    In Oost, where no line is counted, it would be two and two (R15).
    """
    frames = toy.tables() | {"teams": two_lines()}
    counted = frames["inflow"]["product"].eq("WIA_EWT")
    frames["inflow"].loc[counted & frames["inflow"]["pc4"].isin(["1002", "1005", "1006"]), "client_line"] = "vangnet"
    frames["inflow"].loc[counted & frames["inflow"]["pc4"].eq("1009"), "client_line"] = "werkgever"
    here = frames["stock"]["pc4"].eq("1001") & frames["stock"]["product"].eq("WIA_EWT")
    frames["stock"].loc[here, "clients"] = "4"
    made = toy.divide(tmp_path, frames, configured(continuity="move", tolerance=0.9))
    rows = made.transition.query("pc4 == '1001' and product == 'WIA_EWT'")
    assert rows.set_index("team_to")["clients"].to_dict() == {"W1": 3, "W2": 1}


def test_r6_a_team_with_only_zw_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="only ZW"):
        toy.divide(tmp_path, {"teams": teams(toy.team("W1", "1", "1001", laws="ZW"))}, CONFIG)


def one_team_gone() -> pd.DataFrame:
    """W2 has ended: the whole of West goes to W1."""
    return teams(toy.team("W2", "1", "1009", valid_to="2025-12-31"))


def test_r7_clients_stay_unless_their_team_ends(tmp_path: Path) -> None:
    made = toy.divide(tmp_path, {"teams": one_team_gone()}, CONFIG)
    moves = made.transition.query("movement == 'verhuist'")
    assert set(moves["team_from"]) == {"W2"}
    assert set(moves["team_to"]) == {"W1"}
    assert moves["clients"].sum() == 3 * 2
    assert moves["reason"].unique() == ["team beëindigd: dossiers volgen de postcode"]


def test_r7_the_files_of_a_team_that_left_the_list_of_teams_are_told_as_ended(tmp_path: Path) -> None:
    """W2 stands in the division in force and no longer in teams: the transition and ``files`` say the same."""
    made = toy.divide(tmp_path, {"teams": teams(without=("W2",))}, CONFIG)
    assert made.transition.query("team_from == 'W2'")["movement"].unique() == ["verhuist"]
    rows = made.outcome["files"].query("team_from == 'W2'")
    assert len(rows) == 4 * 2 * (2 + 2 + 1)  # groups, lines, and each law with and without PW, PW itself only with
    told = rows[["pc4", "team_to", "movement", "reason"]].drop_duplicates()
    assert told.to_numpy().tolist() == [["*", "*", "verhuist", "team beëindigd: dossiers volgen de postcode"]]


def test_r7_with_policy_move_clients_follow_the_postcode(tmp_path: Path) -> None:
    """W1 doubles and takes a postcode from W2: its two WIA clients move only when the policy says so."""
    larger = {"teams": teams(toy.team("W1", "1", "1001", fte_verzekeringsarts="2.0"))}
    stay = toy.divide(tmp_path / "stay", larger, CONFIG)
    move = toy.divide(tmp_path / "move", larger, configured(continuity="move"))
    assert stay.transition.query("movement == 'verhuist'")["clients"].sum() == 0
    assert move.transition.query("movement == 'verhuist'")["clients"].sum() == 2


@pytest.mark.parametrize("continuity", ["stay", "move"])
def test_r7_the_transition_adds_up_to_the_stock_to_the_client(continuity: str, tmp_path: Path) -> None:
    frames = toy.tables() | {"teams": one_team_gone(), "locks": toy.locks(("1001", "W1", "pin", "", ""))}
    frames["stock"].loc[5, "product"] = "WIA_HERB"
    made = toy.divide(tmp_path, frames, configured(continuity=continuity))
    key = ["pc4", "product", "client_line", "client_group"]
    pd.testing.assert_series_equal(
        made.transition.groupby(key)["clients"].sum(), made.inputs.stock.groupby(key)["clients"].sum()
    )


def test_r7_clients_of_a_split_postcode_move_in_whole_numbers(tmp_path: Path) -> None:
    frames = toy.tables() | {"locks": toy.locks(("1006", "W1", "split", "0.3", ""), ("1006", "W2", "split", "0.7", ""))}
    frames["stock"]["clients"] = "125"
    made = toy.divide(tmp_path, frames, configured(continuity="move", tolerance=0.5))
    rows = made.transition.query("pc4 == '1006' and product == 'WIA_EWT'").groupby("team_to")["clients"].sum()
    assert rows.to_dict() == {"W1": 38, "W2": 87}  # of 62 and 63 on a line: 18.6 and 18.9, 43.4 and 44.1


def test_r8_nothing_moves_when_nothing_changed_and_little_when_little_did(tmp_path: Path) -> None:
    same = toy.divide(tmp_path / "same", config=CONFIG)
    assert len(same.changes) == 0
    other = toy.divide(tmp_path / "other", {"teams": one_team_gone()}, CONFIG)
    assert set(other.changes["team_from"]) == {"W2"}
    assert len(other.changes) == 3


def test_r8_the_price_of_moving_is_the_planners(tmp_path: Path) -> None:
    """The offices of West change places: with moving free the areas follow them, with moving dear they do not."""
    swapped = {"teams": teams(toy.team("W1", "1", "1009"), toy.team("W2", "1", "1001"))}
    free = toy.divide(tmp_path / "free", swapped, configured(weights={"moved": 0.0}))
    dear = toy.divide(tmp_path / "dear", swapped, configured(weights={"moved": 1000.0}))
    assert len(free.changes) > 0
    assert len(dear.changes) == 0


def test_r9_a_barred_team_does_not_get_the_postcode(tmp_path: Path) -> None:
    made = toy.divide(tmp_path, {"locks": toy.locks(("1001", "W1", "bar", "", ""))}, configured(tolerance=0.5))
    assert made.team_of("1001") == {"W2"}
    assert made.load["pieces"].eq(1).all()


def test_r9_a_split_postcode_has_its_shares_in_allocation_and_routing(tmp_path: Path) -> None:
    shares = toy.locks(("1005", "W1", "split", "0.4", ""), ("1005", "W2", "split", "0.6", ""))
    made = toy.divide(tmp_path, {"locks": shares}, configured(tolerance=0.5))
    assert made.routed("1005") == pytest.approx({"W1": 0.4, "W2": 0.6})
    hours = made.load.query("law_domain == 'zw_wia' and kind == 'regulier'")["hours_verzekeringsarts"].sum()
    assert hours == pytest.approx(made.work.query("law == 'WIA'")["hours_verzekeringsarts"].sum())


def test_r9_a_split_at_pc6_routes_the_range_and_leaves_the_rest(tmp_path: Path) -> None:
    """AA-AE are 5 of 676 letter pairs: that part of the postcode's clients goes to W2, the rest stays with W1."""
    split = toy.locks(("1001AA-1001AE", "W2", "split", "1", ""))
    made = toy.divide(tmp_path, {"locks": split}, configured(tolerance=0.5))
    rows = made.routing.query(
        "pc4 == '1001' and client_group == 'regulier' and not pw_client and law == 'WIA' and client_line == 'vangnet'"
    )
    found = {(row.pc6_from, row.pc6_to, row.team_id): row.share for row in rows.itertuples()}
    assert found[("1001AA", "1001AE", "W2")] == pytest.approx(5 / 676)
    assert sum(found.values()) == pytest.approx(1.0)


def test_r9_portions_of_ranges_follow_their_letters() -> None:
    rows = pd.DataFrame(
        {"share": [1.0, 0.5, 0.25], "pc6_from": ["1001AA", "1001BA", None], "pc6_to": ["1001AZ", "1001BZ", None]}
    )
    unknown = pd.DataFrame(columns=["pc4", "pc6", "inhabitants"])
    assert split_portions(rows, unknown).tolist() == pytest.approx([26 / 676, 13 / 676, 0.25])


def test_r9_portions_of_ranges_follow_their_inhabitants_where_these_are_known() -> None:
    """AA and AB hold 40 of the 100 inhabitants counted; a count that is not published is nobody, but not nothing."""
    rows = pd.DataFrame(
        {"share": [1.0, 1.0, 1.0], "pc6_from": ["1001AA", "1001CA", "1002AA"], "pc6_to": ["1001AZ", "1001CZ", "1002AZ"]}
    )
    people = pd.DataFrame(
        {
            "pc4": "1001",
            "pc6": ["1001AA", "1001AB", "1001BA", "1001CA"],
            "inhabitants": pd.array([30, 10, 60, None], dtype="Int64"),
        }
    )
    portions = split_portions(rows, people).tolist()
    assert portions == pytest.approx([0.4, 0.0, 26 / 676], abs=0.03)
    assert 0 < portions[1] < 0.01


def test_r9_a_pc6_split_takes_the_work_of_those_who_live_there(tmp_path: Path) -> None:
    """Half of the inhabitants of 1001 live in AA-AE: W2 gets half of its work, not 5 of 676 parts."""
    people = pd.DataFrame({"pc4": "1001", "pc6": ["1001AB", "1001XX"], "inhabitants": [500, 500]})
    split = toy.locks(("1001AA-1001AE", "W2", "split", "1", ""))
    made = toy.divide(tmp_path, {"locks": split}, configured(tolerance=0.9), full_postcodes=people)
    rows = made.routing.query(
        "pc4 == '1001' and client_group == 'regulier' and not pw_client and law == 'WIA' and client_line == 'vangnet'"
    )
    assert rows.set_index("pc6_from")["share"]["1001AA"] == pytest.approx(0.5, abs=0.01)


def test_r10_a_pin_holds_until_its_end_date(tmp_path: Path) -> None:
    pin = toy.locks(("1002", "W2", "pin", "", "")).assign(valid_until="2026-06-30")
    made = toy.divide(tmp_path, {"locks": pin}, configured(tolerance=0.5))
    assert made.team_of("1002") == {"W2"}
    assert active_locks(made.inputs.locks, date(2026, 6, 30))["team_id"].tolist() == ["W2"]
    assert active_locks(made.inputs.locks, date(2026, 7, 1)).empty


def test_r10_a_pin_to_a_team_of_another_region_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"locks.csv, row 2.*1001, O1"):
        toy.divide(tmp_path, {"locks": toy.locks(("1001", "O1", "pin", "", ""))}, CONFIG)


def test_r11_a_central_product_is_nobodys_load_and_its_clients_stay(tmp_path: Path) -> None:
    frames = toy.tables()
    frames["stock"]["product"] = frames["stock"]["product"].replace("WIA_EWT", "WIA_HERB")
    central = toy.divide(tmp_path / "central", frames, CONFIG)
    nothing = {"stock": frames["stock"][frames["stock"]["product"] == "PW_ABA"]}
    without = toy.divide(tmp_path / "without", nothing, CONFIG).load.query("kind == 'regulier'")
    hours = central.load.query("kind == 'regulier'")["hours_verzekeringsarts"]
    assert hours.to_numpy() == pytest.approx(without["hours_verzekeringsarts"].to_numpy())
    held = central.transition.query("product == 'WIA_HERB'")
    assert held["team_to"].unique() == ["CENTRAAL"]
    assert held["clients"].sum() == 24


def test_r11_waiting_time_is_stock_hours_over_monthly_capacity(tmp_path: Path) -> None:
    """W1: three postcodes x 2 clients x 4 hours = 24 hours in stock; 1 FTE x 1200 hours / 12 = 100 hours a month."""
    made = toy.divide(tmp_path, config=CONFIG)
    assert made.load.set_index("team_id").loc["W1", "waiting_months"] == pytest.approx(0.24)


def test_r12_capacity_is_fte_times_productive_hours_times_productivity(tmp_path: Path) -> None:
    changed = teams(toy.team("W1", "1", "1001", fte_verzekeringsarts="2.5", productivity="0.8"))
    made = toy.divide(tmp_path, {"teams": changed}, configured(work={"productive_hours_per_fte": 1000.0}))
    assert made.load.set_index("team_id").loc["W1", "capacity_hours_verzekeringsarts"] == pytest.approx(2000.0)


def test_r13_growth_and_a_changed_norm_raise_the_expected_work(tmp_path: Path) -> None:
    plain = toy.divide(tmp_path / "plain", config=CONFIG).work.set_index(["pc4", "product"])
    work = {"growth": {"*": 0.25}, "hours_factor": {"PW_ABA": 2.0}}
    changed = toy.divide(tmp_path / "more", config=configured(work=work)).work.set_index(["pc4", "product"])
    assert (changed["inflow_clients"] / plain["inflow_clients"]).to_numpy() == pytest.approx(1.25)
    stock_part = 0.5 * 2
    assert changed.loc[("1001", "PW_ABA"), "hours_verzekeringsarts"] == pytest.approx(
        2 * 2 * (1.25 * plain.loc[("1001", "PW_ABA"), "inflow_clients"] + stock_part)
    )


def test_r14_no_input_or_published_column_can_hold_a_person() -> None:
    from allocation.contract import input_tables, published_tables

    names = {c.name for table in (*input_tables.INPUTS, *published_tables.PUBLISHED) for c in table.columns}
    assert not names & {"bsn", "birth_date", "geboortedatum", "client_id", "client_name", "address", "huisnummer"}


def test_routing_is_total_and_unambiguous(tmp_path: Path) -> None:
    locks = toy.locks(
        ("1001AA-1001AE", "W2", "split", "1", ""),
        ("1006", "W1", "split", "0.5", ""),
        ("1006", "W2", "split", "0.5", ""),
    )
    made = toy.divide(tmp_path, {"teams": two_lines().assign(), "locks": locks.iloc[:0]}, CONFIG)
    split = toy.divide(tmp_path / "split", {"locks": locks}, configured(tolerance=0.5))
    for division in (made, split):
        sums = division.routing.groupby(["pc4", "client_group", "pw_client", "law", "client_line"])["share"].sum()
        assert len(sums) == 12 * 4 * 2 * 3 * 2
        assert sums.to_numpy() == pytest.approx(1.0)


def test_r20_balance_can_be_on_waiting_time_instead_of_load(tmp_path: Path) -> None:
    """Files follow the postcode, and the horizon is a month: of each postcode 1 client of 4 hours comes in.

    1001 has 13 files, 52 + 4 = 56 hours; the other five of West have 2 files, 8 + 4 = 12. So W1 has 1001 alone.
    """
    frames = toy.tables()
    frames["stock"].loc[frames["stock"]["pc4"].eq("1001") & frames["stock"]["product"].eq("WIA_EWT"), "clients"] = "13"
    config = configured(balance="waiting_time", continuity="move", horizon_months=1)
    load = toy.divide(tmp_path, frames, config).load
    load = load[load["team_id"].isin(["W1", "W2"])].set_index("team_id")
    assert load["areas"].to_dict() == {"W1": 1, "W2": 5}
    assert load["waiting_months"].to_dict() == pytest.approx({"W1": 0.52, "W2": 0.4})
    assert load["deviation"].to_dict() == pytest.approx({"W1": 56 / 58 - 1, "W2": 60 / 58 - 1}, abs=1e-3)


def test_r20_balance_of_the_first_year_counts_the_files_that_a_team_holds(tmp_path: Path) -> None:
    """W1 holds 50 + 2 + 2 files, W2 2 + 2 + 2, of which half is planned; 48 hours a year come in from each postcode.

    W1: 54 x 2 = 108 hours of files, W2 12; with two postcodes W1 has 108 + 96 = 204 of the 408 hours.
    """
    frames = toy.tables()
    frames["stock"].loc[frames["stock"]["pc4"].eq("1001") & frames["stock"]["product"].eq("WIA_EWT"), "clients"] = "50"
    load = toy.divide(tmp_path, frames, configured(balance="first_year")).load
    load = load[load["team_id"].isin(["W1", "W2"])].set_index("team_id")
    assert load["areas"].to_dict() == {"W1": 2, "W2": 4}
    assert load["files_held"].to_dict() == {"W1": 54, "W2": 6}
    assert load["deviation"].to_dict() == pytest.approx({"W1": 0.0, "W2": 0.0}, abs=1e-3)


def test_a_new_edition_lists_what_appeared_and_vanished_and_carries_the_rest_over(tmp_path: Path) -> None:
    """The division in force knows 1099 (gone) instead of 1001 (new): both are listed, the other eleven stay."""
    frames = toy.tables()
    frames["current"]["pc4"] = frames["current"]["pc4"].replace("1001", "1099")
    made = toy.divide(tmp_path, frames, CONFIG)
    changes = made.changes.set_index(["pc4", "law_domain"])
    assert changes.loc[("1001", "zw_wia"), "team_to"] == "W1"
    assert pd.isna(changes.loc[("1001", "zw_wia"), "team_from"])
    assert changes.loc[("1099", "zw_wia"), "team_from"] == "W1"
    assert pd.isna(changes.loc[("1099", "zw_wia"), "team_to"])
    assert set(made.changes["pc4"]) == {"1001", "1099"}


def test_r6_a_team_without_zw_cannot_serve_a_fully_meerwettig_region(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"teams.csv, row \d+, column laws: team W1 does not serve ZW"):
        toy.divide(tmp_path, {"teams": teams(toy.team("W1", "1", "1001", laws="WIA"))}, CONFIG)


@pytest.mark.parametrize("names", [("W1", "W2"), ("W2", "W1")])
def test_r24_two_lines_become_one_and_the_team_with_most_of_the_work_has_the_postcode_now(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    """West counts three in four clients as vangnet, so the team of that line has most of the work of every postcode.

    It does not depend on how the two teams are called.
    """
    vangnet, werkgever = names
    frames = toy.tables()
    counted = frames["inflow"]["product"].eq("WIA_EWT")
    frames["inflow"].loc[counted & frames["inflow"]["pc4"].isin(["1001", "1002", "1005"]), "client_line"] = "vangnet"
    frames["inflow"].loc[counted & frames["inflow"]["pc4"].eq("1006"), "client_line"] = "werkgever"
    west = ["1001", "1002", "1005", "1006", "1009", "1010"]
    rows = [(pc4, line, team, "1") for pc4 in west for line, team in (("vangnet", vangnet), ("werkgever", werkgever))]
    now = frames["current"][~frames["current"]["team_id"].isin(["W1", "W2"])]
    frames["current"] = pd.concat([now, pd.DataFrame(rows, columns=now.columns)], ignore_index=True)
    layer = next(one for one in toy.divide(tmp_path, frames, CONFIG).layers if "W1" in one.problem.team_ids)
    position = layer.problem.team_ids.index(vangnet)
    held = dict(zip(layer.parts["pc4"], layer.problem.current == position, strict=True))
    assert held == dict.fromkeys(west, True) | {"1006": False}
