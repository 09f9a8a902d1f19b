"""What is possible and may be a mistake between tables is read and told; what contradicts is refused, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.contract.errors import InputRefused
from allocation.intake.inputs import Inputs, load_inputs
from tests.property.test_inputs import frames
from tests.support import toy

TODAY = date(2026, 1, 15)
CONFIG = Config()


def load(folder: Path, tables: dict[str, pd.DataFrame], config: Config = CONFIG) -> Inputs:
    return load_inputs(toy.write(folder, tables), toy.areas(), config, today=TODAY)


def told(folder: Path, tables: dict[str, pd.DataFrame]) -> list[str]:
    """The remarks, as file, row, column: what."""
    remarks = load(folder, tables).remarks
    return [f"{one.file}, {one.row}, {one.column}: {one.what}" for one in remarks.itertuples()]


def refused(folder: Path, tables: dict[str, pd.DataFrame]) -> list[str]:
    with pytest.raises(InputRefused) as caught:
        load(folder, tables)
    return [problem.place_and_what for problem in caught.value.problems]


def cell(table: str, row: int, column: str, value: str) -> dict[str, pd.DataFrame]:
    """The good tables with one cell changed."""
    tables = frames()
    tables[table] = tables[table].astype(object)
    tables[table].loc[row, column] = value
    return tables


def column(table: str, name: str, value: str) -> dict[str, pd.DataFrame]:
    tables = frames()
    return tables | {table: tables[table].assign(**{name: value})}


def of_years(table: str, name: str, years: int) -> dict[str, pd.DataFrame]:
    """The good tables with every month of one in another year, as where the file of another year was given."""
    tables = frames()
    months = tables[table][name]
    return tables | {
        table: tables[table].assign(**{name: (months.str[:4].astype(int) + years).astype(str) + months.str[4:]})
    }


def test_months_to_come_are_refused_once_each(tmp_path: Path) -> None:
    """They cannot have happened, whatever the first day of the division is; the month of today may have begun."""
    config = Config(valid_from=date(2027, 7, 1))
    with pytest.raises(InputRefused) as caught:
        load(tmp_path / "later", of_years("inflow", "month", 3), config)
    first, *_ = caught.value.problems
    assert (first.file, first.row, first.column) == ("inflow.csv", 2, "month")
    assert first.what.startswith("month 2028-01 is still to come")
    assert first.allowed == "at the latest 2026-01"
    now = frames()["inflow"]
    now = pd.concat([now, now[now["month"] == "2025-12"].assign(month="2026-01")])
    assert load(tmp_path / "now", frames() | {"inflow": now}).remarks.empty


def test_the_good_tables_have_no_remark(tmp_path: Path) -> None:
    assert told(tmp_path, frames()) == []


@pytest.mark.parametrize(
    ("tables", "remarks"),
    [
        (cell("current", 0, "team_id", "X9"),
         ["current.csv, 2, team_id: team 'X9' is not in the file teams: it is taken for one that is gone"]),
        (cell("current", 0, "share", "0.5"),
         ["current.csv, 2, share: the shares of a postcode, line and kind of team sum to less than 1"]),
        (cell("completed", 0, "team_id", "W9"),
         ["completed.csv, 2, team_id: team 'W9' is not known: neither in teams nor in the division in force"]),
        (cell("completed", 0, "month", "2023-12"),
         ["completed.csv, 2, month: team 'W1' finished work in 2023-12, before it started"]),
        (column("stock", "reference_date", "2029-12-31"),
         ["stock.csv, 2, reference_date: the stock is of 2029-12-31 (and in 23 more rows)"]),
        (column("stock", "reference_date", "2025-01-14"),
         ["stock.csv, 2, reference_date: the stock is of 2025-01-14 (and in 23 more rows)"]),
        (column("stock", "reference_date", "2025-01-15"), []),
        (of_years("inflow", "month", -11), [
            "inflow.csv, <NA>, month: the last month is 2014-12: nothing is known of those until 2025-12"]),
        (of_years("inflow", "month", -1), [
            "inflow.csv, <NA>, month: the last month is 2024-12: nothing is known of those until 2025-12"]),
        (cell("products", 1, "hours_verzekeringsarts", "0"), []),
        ({**frames(), "products": frames()["products"].assign(
            hours_verzekeringsarts="0", hours_other=["7", "0", "3", "0"])},
         ["products.csv, 3, hours_verzekeringsarts: product 'ZW_EZWB' takes nobody's hours"]),
        (column("inflow", "clients", "0"), ["inflow.csv, <NA>, clients: there is no client in any row"]),
        (column("travel", "km", "0"),
         ["travel.csv, 3, km: 0 km to an office in another postcode (and in 32 more rows)"]),
        (column("teams", "verzuimbeheer_code", "VZB-O"), [
            f"teams.csv, {row}, verzuimbeheer_code: team '{team}' has the code 'VZB-O', and is in VZB-W by the file "
            "verzuimbeheer, which counts" for row, team in ((2, "W1"), (3, "W2"))]),
    ],
)  # fmt: skip
def test_what_may_be_a_mistake_is_told(tmp_path: Path, tables: dict[str, pd.DataFrame], remarks: list[str]) -> None:
    assert told(tmp_path, tables) == remarks


@pytest.mark.parametrize("table", ["current", "care_regions"])
def test_a_table_of_every_postcode_that_was_cut_off_is_told(tmp_path: Path, table: str) -> None:
    tables = frames()
    tables[table] = tables[table][~tables[table]["pc4"].isin(["1011", "1012"])]
    what = "no row for 2 of the 12 postcodes, the first is 1011"
    assert told(tmp_path, tables) == [f"{table}.csv, <NA>, pc4: {what}"]


def without(table: str, gone: Callable[[pd.DataFrame], pd.Series]) -> dict[str, pd.DataFrame]:
    """The good tables, and of one of them not the rows that ``gone`` names."""
    tables = frames()
    return tables | {table: tables[table][~gone(tables[table])]}


OOST = ["1003", "1004", "1007", "1008", "1011", "1012"]


@pytest.mark.parametrize(
    ("tables", "remarks"),
    [
        (without("inflow", lambda rows: rows["pc4"].isin(OOST)),
         ["inflow.csv, <NA>, pc4: no client of region Oost in any month"]),
        (without("stock", lambda rows: rows["pc4"].isin(OOST)), ["stock.csv, <NA>, pc4: no client of region Oost"]),
        (without("inflow", lambda rows: rows["month"].eq("2025-12") & (rows["pc4"] > "1001")),
         ["inflow.csv, <NA>, month: in 2025-12 clients of 1 postcode in region West, where a month usually has 6; and "
          "of 0 in region Oost, usually 6"]),
        (without("inflow", lambda rows: rows["month"].isin(["2025-03", "2025-12"]) & rows["pc4"].isin(OOST)),
         [f"inflow.csv, <NA>, month: in {month} clients of 0 postcodes in region Oost, where a month usually has 6"
          for month in ("2025-03", "2025-12")]),
        (without("inflow", lambda rows: rows["month"].ge("2025-04") & rows["pc4"].isin(OOST)),
         [*(f"inflow.csv, <NA>, month: in 2025-{month:02d} clients of 0 postcodes in region Oost, where a month "
            "usually has 6" for month in range(4, 9)),
          "inflow.csv, <NA>, month: and so in 4 more months, the last is 2025-12"]),
        (without("inflow", lambda rows: rows["month"].eq("2025-12") & rows["pc4"].isin(["1001", "1002", "1003"])), []),
    ],
)  # fmt: skip
def test_counts_that_were_cut_off_are_told(tmp_path: Path, tables: dict[str, pd.DataFrame], remarks: list[str]) -> None:
    assert told(tmp_path, tables) == remarks


def test_a_row_of_nobody_does_not_hide_that_counts_were_cut_off(tmp_path: Path) -> None:
    tables = frames()
    last = tables["inflow"]["month"].eq("2025-12") & tables["inflow"]["pc4"].isin(OOST)
    tables["inflow"].loc[last, "clients"] = "0"
    what = "in 2025-12 clients of 0 postcodes in region Oost, where a month usually has 6"
    assert told(tmp_path, tables) == [f"inflow.csv, <NA>, month: {what}"]


def test_a_month_that_does_not_count_may_be_cut_off(tmp_path: Path) -> None:
    tables = without("inflow", lambda rows: rows["month"].eq("2025-12") & rows["pc4"].isin(OOST))
    config = Config(work={"exceptional_months": ["2025-12"]})
    assert load(tmp_path, tables, config).remarks.empty


def test_few_clients_come_and_go_without_a_word(tmp_path: Path) -> None:
    """In each postcode a client in one month of four, as chance has it: some months have next to none."""
    tables = frames()
    rows = tables["inflow"]
    tables["inflow"] = rows.assign(clients=np.random.default_rng(1).binomial(1, 0.25, len(rows)))
    assert told(tmp_path, tables) == []


def with_twin(**changes: str) -> dict[str, pd.DataFrame]:
    """The good tables, and a team W9 with the name and the office of W1 (which is of row 2, and began in 2024)."""
    tables = frames()
    twin = toy.team("W9", "1", "1001", **({"name": "SMC W1"} | changes))
    return tables | {"teams": pd.concat([tables["teams"], pd.DataFrame([twin])], ignore_index=True)}


def test_two_teams_of_one_day_with_one_name_and_office_are_told(tmp_path: Path) -> None:
    """K&S knows a team by its name and office: of such teams it is told the codes too."""
    what = "team 'W9' has the name 'SMC W1' and the office 'Utrecht' of team 'W1', on the same days"
    (told,) = (one for one in load(tmp_path, with_twin()).remark_sentences() if "SMC W1" in one)
    assert told.startswith(f"teams.csv, row 10, column name: {what}")


@pytest.mark.parametrize(
    "changes",
    [{"name": "SMC W9"}, {"office": "Zeist"}, {"valid_from": "2021-01-01", "valid_to": "2023-12-31"}],
)
def test_a_name_or_an_office_or_a_time_of_its_own_is_enough(tmp_path: Path, changes: dict[str, str]) -> None:
    made = load(tmp_path, with_twin(**changes))
    assert "W9" in set(made.teams["team_id"])
    assert not any("on the same days" in told for told in made.remark_sentences())


def test_an_office_that_no_team_has_is_told(tmp_path: Path) -> None:
    tables = frames()
    tables["travel"] = pd.concat([tables["travel"], tables["travel"].iloc[[0]].assign(office_pc4="1003")])
    what = "no team has its office in 1003: the row is not used"
    assert told(tmp_path, tables) == [f"travel.csv, 38, office_pc4: {what}"]


def test_more_than_the_whole_is_divided_of_one_kind_of_team_only(tmp_path: Path) -> None:
    """1001 is W1's and P1's, who are of two kinds. Half of it for W2 is half too much."""
    tables = frames()
    too_much = tables["current"].iloc[[0]].assign(team_id="W2", share="0.5", client_line="vangnet")
    tables["current"] = pd.concat([tables["current"], too_much])
    what = "the shares of 1001 and teams of kind regulier sum to 1.5"
    assert refused(tmp_path, tables) == [f"current.csv, row 2, column share: {what}"]


@pytest.mark.parametrize(
    ("table", "row", "name", "value", "what"),
    [
        ("verzuimbeheer", 1, "group_code", "vzb-w", "'vzb-w' differs only in capitals from 'VZB-W'"),
        ("products", 3, "product", "Wia_ewt", "'Wia_ewt' differs only in capitals from 'WIA_EWT'"),
        ("teams", 2, "arbeidsmarktregio", "\u00b2", "team O1 has no existing region ('\u00b2')"),
        ("travel", 0, "minutes", "1:05", "'1:05' is not possible"),
        ("locks", 1, "share", "100", "'100' is not possible"),
        ("teams", 0, "team_id", "*", "team '*' has a sign that joins or stands for several teams"),
        ("teams", 0, "team_id", "W|1", "team 'W|1' has a sign that joins or stands for several teams"),
        ("teams", 0, "productivity", "1e-300", "'1e-300' is not possible"),
        ("teams", 0, "productivity", "0.001", "'0.001' is not possible"),
        ("teams", 0, "fte_verzekeringsarts", "0.0000001", "'0.0000001' is not possible"),
        ("teams", 0, "fte_other", "0.0009", "'0.0009' is not possible"),
        ("products", 0, "hours_verzekeringsarts", "0.0000001", "'0.0000001' is not possible"),
        ("locks", 1, "share", "0.000000000001", "'0.000000000001' is not possible"),
        ("verzuimbeheer", 0, "fte", "0.0000001", "'0.0000001' is not possible"),
        ("coverage", 1, "provider", "\u202eGGZ Noord\u200e", "the same pc4, kind, provider as an earlier row"),
    ],
)
def test_one_cause_is_told_once(tmp_path: Path, table: str, row: int, name: str, value: str, what: str) -> None:
    """An identifier that looks like another, and a number that has no form, at their cells and at no other."""
    found = [line for line in refused(tmp_path, cell(table, row, name, value)) if line.startswith(table)]
    assert len(found) == 1
    assert found[0].startswith(f"{table}.csv, row {row + 2}")
    assert found[0].endswith(what)


def test_a_mark_that_nobody_sees_changes_no_code(tmp_path: Path) -> None:
    """A browser puts one where a long code may be broken, a dialogue of Windows before a copied one."""
    found = load(tmp_path, cell("stock", 0, "pc4", "\u202a10\u200b01"))
    assert found.stock["pc4"].iloc[0] == "1001"
    assert found.replaced.empty


@pytest.mark.parametrize("name", ["staff - kopie.csv", "staff (1).csv", "Staff_2026.csv", "staffs.csv"])
def test_a_copy_in_the_place_of_a_file_is_refused(tmp_path: Path, name: str) -> None:
    """Passed over, a whole table would be gone."""
    folder = toy.write(tmp_path, frames())
    (folder / "staff.csv").rename(folder / name)
    with pytest.raises(InputRefused, match=r"no input has this name; is it meant to be staff\?"):
        load_inputs(folder, toy.areas(), Config())


def test_a_link_to_nothing_is_no_folder(tmp_path: Path) -> None:
    folder = toy.write(tmp_path, frames())
    (folder / "staff.csv").unlink()
    (folder / "staff.csv").symlink_to(folder / "nowhere.csv")
    with pytest.raises(InputRefused, match=r"staff\.csv: this leads to no file"):
        load_inputs(folder, toy.areas(), Config())


def test_finished_work_beside_teams_without_a_name_is_no_trouble(tmp_path: Path) -> None:
    """The empty names are told; that nothing is known of the teams' first days breaks no other check."""
    assert any(one.startswith("teams.csv") for one in refused(tmp_path, column("teams", "team_id", "")))
