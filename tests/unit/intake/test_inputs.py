"""Bad input: every problem has one line with file, row, column and what is allowed, all in one go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.contract.errors import InputRefused, Problem
from allocation.intake.checks import InForceNames
from allocation.intake.inputs import Inputs, load_inputs
from allocation.intake.listing import MOST_PER_CHECK
from allocation.intake.offices import sentences
from allocation.intake.roster import join_regions
from tests.support import toy

Frames = dict[str, pd.DataFrame]


def load(folder: Path, today: date | None = None) -> tuple[Problem, ...]:
    """The problems of the input in ``folder``; none when it is accepted."""
    try:
        load_inputs(folder, toy.areas(), Config(), today=today)
    except InputRefused as refused:
        return refused.problems
    return ()


def cell(table: str, row: int, column: str, value: str) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        frames[table].loc[row, column] = value

    return change


def add(table: str, frame: pd.DataFrame) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        frames[table] = pd.concat([frames[table], frame], ignore_index=True)

    return change


def drop(table: str, column: str) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        frames[table] = frames[table].drop(columns=column)

    return change


def without_team(team_id: str) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        frames["teams"] = frames["teams"][frames["teams"]["team_id"] != team_id].reset_index(drop=True)

    return change


BAD: dict[str, tuple[Callable[[Frames], None], tuple[str, int | None, str | None], str]] = {
    "missing column": (drop("inflow", "product"), ("inflow.csv", 1, "product"), "the column is missing"),
    "postcode that does not exist": (cell("inflow", 3, "pc4", "9999"), ("inflow.csv", 5, "pc4"), "'9999' does not exist"),
    "office at no postcode": (cell("teams", 0, "office_pc4", "0101"), ("teams.csv", 2, "office_pc4"), "'0101'"),
    "negative clients": (cell("inflow", 0, "clients", "-1"), ("inflow.csv", 2, "clients"), "-1"),
    "fractional clients": (cell("stock", 1, "clients", "1.5"), ("stock.csv", 3, "clients"), "1.5"),
    "no number": (cell("stock", 1, "clients", "veel"), ("stock.csv", 3, "clients"), "veel"),
    "empty cell": (cell("stock", 1, "product", ""), ("stock.csv", 3, "product"), "empty"),
    "unknown product": (cell("stock", 1, "product", "WIA"), ("stock.csv", 3, "product"), "'WIA'"),
    "unknown group": (cell("stock", 1, "client_group", "brandweer"), ("stock.csv", 3, "client_group"), "brandweer"),
    "line of another product": (cell("inflow", 1, "client_line", "werkgever"), ("inflow.csv", 3, "client_line"), "PW_ABA"),
    "not a month": (cell("inflow", 0, "month", "2025-13"), ("inflow.csv", 2, "month"), "2025-13"),
    "two reference dates": (cell("stock", 4, "reference_date", "2025-11-30"), ("stock.csv", 6, "reference_date"), "2025-11-30"),
    "another date in the first row": (cell("stock", 0, "reference_date", "2025-11-30"), ("stock.csv", 2, "reference_date"), "2025-11-30"),
    "ended lock of a team that is gone": (
        add("locks", toy.locks(("1001", "WEG", "pin", "", "")).assign(valid_until="2025-06-30")), ("locks.csv", 2, "team_id"),
        "'WEG' does not exist (the lock ended on 2025-06-30)"),
    "no date": (cell("teams", 0, "valid_from", "1 mei"), ("teams.csv", 2, "valid_from"), "1 mei"),
    "a month as a date": (cell("teams", 0, "valid_from", "2024-01"), ("teams.csv", 2, "valid_from"), "2024-01"),
    "a year as a date": (cell("teams", 1, "valid_to", "2026"), ("teams.csv", 3, "valid_to"), "2026"),
    "codes that differ in capitals": (
        add("teams", pd.DataFrame([toy.team("w1", "1", "1001")])), ("teams.csv", 10, "team_id"), "'w1' differs only in capitals from 'W1'"),
    "a code that looks like another": (
        add("teams", pd.DataFrame([toy.team("W\u0410", "1", "1001")])), ("teams.csv", 10, "team_id"), "cyrillic capital letter a"),
    "no teams at all": (
        lambda frames: frames.__setitem__("teams", frames["teams"].head(0)), ("teams.csv", None, None), "no rows"),
    "team without a region": (cell("teams", 0, "arbeidsmarktregio", "Noord"), ("teams.csv", 2, "arbeidsmarktregio"), "team W1"),
    "region without a team": (
        lambda frames: (without_team("O1")(frames), without_team("O2")(frames), None)[-1],
        ("teams.csv", None, "arbeidsmarktregio"), "region Oost has no team of kind regulier"),
    "no PW team": (without_team("P1"), ("teams.csv", None, "arbeidsmarktregio"), "kind participatiewet"),
    "clients of a group without a team": (
        lambda frames: (without_team("K1")(frames), cell("stock", 2, "client_group", "klm")(frames)),
        ("stock.csv", 4, "client_group"), "'klm'"),
    "ZW-only team": (cell("teams", 1, "laws", "ZW"), ("teams.csv", 3, "laws"), "only ZW"),
    "regular team for PW": (cell("teams", 1, "laws", "ZW|WIA|PW"), ("teams.csv", 3, "laws"), "ZW|WIA|PW"),
    "overlapping validity": (
        add("teams", pd.DataFrame([toy.team("W1", "1", "1001", valid_from="2025-06-01")])),
        ("teams.csv", 10, "valid_from"), "valid twice"),
    "ends before it starts": (cell("teams", 0, "valid_to", "2023-01-01"), ("teams.csv", 2, "valid_to"), "2023"),
    "no productivity": (cell("teams", 0, "productivity", "0"), ("teams.csv", 2, "productivity"), "0"),
    "share above 1": (cell("products", 0, "planned_stock_share", "1.2"), ("products.csv", 2, "planned_stock_share"), "1.2"),
    "lock on an unknown team": (add("locks", toy.locks(("1001", "X9", "pin", "", ""))), ("locks.csv", 2, "team_id"), "'X9'"),
    "lock on a special team": (add("locks", toy.locks(("1001", "M1", "pin", "", ""))), ("locks.csv", 2, "team_id"), "M1"),
    "lock on no postcode": (add("locks", toy.locks(("9999", "W1", "pin", "", ""))), ("locks.csv", 2, "pc4"), "9999"),
    "pin at PC6": (add("locks", toy.locks(("1001AA", "W1", "pin", "", ""))), ("locks.csv", 2, "pc4"), "1001AA"),
    "PC6 range backwards": (add("locks", toy.locks(("1001AE-1001AA", "W1", "split", "1", ""))), ("locks.csv", 2, "pc4"), "AE"),
    "overlapping PC6 ranges": (
        add("locks", toy.locks(("1001AA-1001AZ", "W1", "split", "1", ""), ("1001AM-1001BC", "W2", "split", "1", ""))),
        ("locks.csv", 3, "pc4"),
        "overlap",
    ),
    "split that does not sum to 1": (
        add("locks", toy.locks(("1001", "W1", "split", "0.5", ""), ("1001", "W2", "split", "0.4", ""))),
        ("locks.csv", 2, "share"), "sum to 0.9"),
    "two pins": (
        add("locks", toy.locks(("1001", "W1", "pin", "", ""), ("1001", "W2", "pin", "", ""))),
        ("locks.csv", 3, "team_id"), "pinned to W1 and to W2"),
    "pinned and barred": (
        add("locks", toy.locks(("1001", "W1", "pin", "", ""), ("1001", "W1", "bar", "", ""))),
        ("locks.csv", 2, "kind"), "barred"),
    "region in two clusters": (
        add("clusters", pd.DataFrame({"cluster": ["A", "B"], "arbeidsmarktregio": ["1", "West"]})),
        ("clusters.csv", 3, "arbeidsmarktregio"), "more than one row"),
    "PW client that is neither": (
        lambda frames: frames["stock"].__setitem__("pw_client", ["", "ja"] * 12), ("stock.csv", 3, "pw_client"), "'ja'"),
    "PW file of no PW client": (
        lambda frames: frames["inflow"].__setitem__("pw_client", "false"), ("inflow.csv", 3, "pw_client"), "'PW_ABA' is of the PW"),
    "ZW for the werkgeverslijn only": (
        cell("products", 1, "client_lines", "werkgever"), ("products.csv", 3, "client_lines"), "'ZW_EZWB'"),
    "files of a team that never was": (cell("stock", 2, "team_id", "X9"), ("stock.csv", 4, "team_id"), "'X9' is not known"),
    "special team without a law": (cell("teams", 5, "laws", "WIA|PW"), ("teams.csv", 7, "laws"), "M1 does not serve ZW"),
    "special team without a line": (
        cell("teams", 6, "client_lines", "werkgever"), ("teams.csv", 8, "client_lines"), "K1 does not serve vangnet"),
    "the same row once its PW client is filled in": (
        lambda frames: frames.__setitem__("stock", pd.concat(
            [frames["stock"], frames["stock"].head(2)]).assign(pw_client=[""] * 24 + ["false", "true"])),
        ("stock.csv", 26, None), "the same reference_date"),
    "doubled row": (
        lambda frames: frames.__setitem__("products", pd.concat([frames["products"], frames["products"].head(1)])),
        ("products.csv", 6, None), "the same product"),
}  # fmt: skip


TOGETHER: tuple[tuple[str, ...], ...] = (
    ("missing column", "office at no postcode", "fractional clients", "empty cell", "unknown group", "two reference dates",
     "no date", "a year as a date"),
    ("postcode that does not exist", "negative clients", "no number", "unknown product", "line of another product",
     "not a month", "a month as a date", "codes that differ in capitals"),
    ("a code that looks like another", "team without a region", "ZW-only team", "ends before it starts", "no productivity",
     "share above 1", "lock on a special team", "region in two clusters"),
    ("no teams at all", "PW client that is neither", "PW file of no PW client", "ZW for the werkgeverslijn only",
     "doubled row"),
    ("region without a team", "no PW team", "clients of a group without a team", "regular team for PW",
     "lock on an unknown team", "files of a team that never was", "the same row once its PW client is filled in"),
    ("overlapping validity", "lock on no postcode", "special team without a law", "special team without a line"),
)  # fmt: skip
"""Bad input of which each has its own problems, the same beside the others: they are put in one folder. The rest is alone."""
FOLDERS = [*TOGETHER, *((name,) for name in BAD if not any(name in folder for folder in TOGETHER))]


@pytest.mark.parametrize("names", FOLDERS, ids=lambda names: ", ".join(names))
def test_each_bad_input_is_named_with_file_row_and_column(names: tuple[str, ...], tmp_path: Path) -> None:
    frames = toy.tables()
    for name in names:
        BAD[name][0](frames)
    problems = load(toy.write(tmp_path, frames))
    for name in names:
        _, (file, row, column), told = BAD[name]
        found = [p for p in problems if (p.file, p.row, p.column) == (file, row, column)]
        assert found, "\n".join([name, *map(str, problems)]) if problems else "accepted"
        assert any(told in p.what for p in found), name
    assert all(p.allowed for p in problems)


@pytest.mark.parametrize(
    ("config", "in_force"),
    [
        (Config(special_groups=("militair", "klm", "politie")), InForceNames()),
        (Config(), InForceNames(groups=frozenset({"regulier", "klm"}))),
    ],
    ids=["named by the settings", "served until now"],
)
def test_a_group_that_loses_its_team_is_told(config: Config, in_force: InForceNames, tmp_path: Path) -> None:
    folder = toy.write(tmp_path, {"teams": toy.tables()["teams"].query("team_id != 'K1'")})
    with pytest.raises(InputRefused) as refused:
        load_inputs(folder, toy.areas(), config, in_force=in_force)
    assert [(p.file, p.column, p.what) for p in refused.value.problems] == [
        ("teams.csv", "client_groups", "no team for client group 'klm'")
    ]


def test_the_intact_input_is_accepted(tmp_path: Path) -> None:
    assert load(toy.write(tmp_path)) == ()


def test_a_client_of_a_pw_product_is_a_pw_client_and_others_are_as_the_file_says(tmp_path: Path) -> None:
    frames = toy.tables()
    loaded = load_inputs(toy.write(tmp_path / "absent", frames), toy.areas(), Config())
    for counts in (loaded.inflow, loaded.stock):
        assert counts["pw_client"].dtype == bool
        assert counts.groupby("product")["pw_client"].agg(["min", "max"]).to_dict("index") == {
            "PW_ABA": {"min": True, "max": True},
            "WIA_EWT": {"min": False, "max": False},
        }
    frames["stock"]["pw_client"] = ["true", ""] + ["False", "TRUE"] * 11
    loaded = load_inputs(toy.write(tmp_path / "given", frames), toy.areas(), Config())
    assert loaded.stock["pw_client"].tolist() == [True, True] + [False, True] * 11


def test_pw_client_is_part_of_the_key(tmp_path: Path) -> None:
    frames = toy.tables()
    twice = pd.concat([frames["stock"], frames["stock"].head(1)], ignore_index=True)
    frames["stock"] = twice.assign(pw_client=[""] * 24 + ["true"])
    assert load_inputs(toy.write(tmp_path, frames), toy.areas(), Config()).stock["clients"].sum() == 50


def test_what_was_written_before_a_column_existed_is_read_with_it(tmp_path: Path) -> None:
    loaded = load_inputs(toy.write(tmp_path / "in"), toy.areas(), Config())
    loaded.write(tmp_path / "kept")
    for name, column in (("stock", "pw_client"), ("inflow", "pw_client"), ("teams", "district")):
        pd.read_parquet(tmp_path / f"kept/{name}.parquet").drop(columns=column).to_parquet(
            tmp_path / f"kept/{name}.parquet"
        )
    again = Inputs.read(tmp_path / "kept")
    pd.testing.assert_series_equal(again.stock["pw_client"], loaded.stock["pw_client"])
    assert again.teams["district"].isna().all()


def test_a_team_that_only_the_division_in_force_knows_may_hold_files(tmp_path: Path) -> None:
    """Its row is gone from the list: its files move. As the file `current` knows it, or the version in force."""
    frames = toy.tables()
    frames["stock"].loc[2, "team_id"] = "OLD"
    folder = toy.write(tmp_path / "store", frames)
    assert len(load(folder)) == 1
    loaded = load_inputs(folder, toy.areas(), Config(), in_force=InForceNames(teams=frozenset({"OLD"})))
    assert loaded.stock["team_id"].dropna().tolist() == ["OLD"]
    frames["current"].loc[0, "team_id"] = "OLD"
    assert load(toy.write(tmp_path / "file", frames)) == ()


def test_special_teams_need_the_pw_only_when_its_clients_come_to_them(tmp_path: Path) -> None:
    frames = toy.tables()
    frames["teams"].loc[5, "laws"] = "ZW|WIA"
    folder = toy.write(tmp_path, frames)
    assert load(folder) == ()
    with pytest.raises(InputRefused, match="M1 does not serve PW"):
        load_inputs(folder, toy.areas(), Config(special_first=True))


def test_all_problems_come_in_one_go(tmp_path: Path) -> None:
    frames = toy.tables()
    for name in ("negative clients", "ZW-only team", "lock on an unknown team", "unknown product"):
        BAD[name][0](frames)
    files = {problem.file for problem in load(toy.write(tmp_path, frames))}
    assert {"inflow.csv", "teams.csv", "locks.csv", "stock.csv"} <= files


def test_a_missing_file_and_a_missing_folder_are_named(tmp_path: Path) -> None:
    folder = toy.write(tmp_path / "in")
    (folder / "stock.csv").unlink()
    assert [(p.file, p.row) for p in load(folder)] == [("stock.csv", None)]
    assert "is missing" in str(load(tmp_path / "none")[0])


def test_the_same_cause_in_many_rows_is_one_line(tmp_path: Path) -> None:
    frames = toy.tables()
    frames["inflow"]["clients"] = "-1"
    (problem,) = load(toy.write(tmp_path, frames))
    assert problem.what == f"'-1' is not possible (and in {len(frames['inflow']) - 1} more rows)"
    assert problem.row == 2


def test_long_lists_are_cut_and_counted(tmp_path: Path) -> None:
    frames = toy.tables()
    frames["inflow"]["clients"] = [f"-{row}" for row in range(1, 289)]
    problems = load(toy.write(tmp_path, frames))
    assert len(problems) == MOST_PER_CHECK + 1
    assert problems[-1].what == f"+{288 - MOST_PER_CHECK} more rows like these"


def test_history_needs_twelve_months_without_gaps(tmp_path: Path) -> None:
    frames = toy.tables()
    frames["inflow"] = frames["inflow"][~frames["inflow"]["month"].isin(["2025-01", "2025-06"])]
    told = " / ".join(p.what for p in load(toy.write(tmp_path, frames)))
    assert "no rows for 2025-06" in told
    assert "11 months" in told


def test_parquet_and_csv_give_the_same(tmp_path: Path) -> None:
    frames = toy.tables()
    as_csv = load_inputs(toy.write(tmp_path / "csv", frames), toy.areas(), Config())
    folder = toy.write(tmp_path / "parquet", frames)
    typed = pd.read_csv(folder / "inflow.csv", dtype={"pc4": str})
    typed.to_parquet(folder / "inflow.parquet")
    (folder / "inflow.csv").unlink()
    as_parquet = load_inputs(folder, toy.areas(), Config())
    pd.testing.assert_frame_equal(as_csv.inflow, as_parquet.inflow, check_dtype=False)


def test_a_special_excel_start_mark_and_extra_columns_do_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = toy.write(tmp_path)
    text = (folder / "teams.csv").read_text()
    first, _, rest = text.partition("\n")
    lines = [line + ",opmerking" for line in rest.splitlines()]
    (folder / "teams.csv").write_bytes(("\ufeff" + first + ",notitie\n" + "\n".join(lines)).encode())
    assert load(folder) == ()
    assert "notitie" in caplog.text


LINE = "a lock for line vangnet alone is not possible"
LOCKED: dict[str, tuple[list[tuple[str, str, str, str, str]], int, str, str]] = {
    "pin to a team of another region": ([("1001", "O1", "pin", "", "")], 2, "team_id", "does not serve region West"),
    "split to a team of another region": ([("1001", "O1", "split", "1", "")], 2, "team_id", "does not serve region West"),
    "pin to a team that has ended": ([("1001", "OLD", "pin", "", "")], 2, "team_id", "has ended on 2026-02-01"),
    "pin to a team that has not started": ([("1001", "NEW", "pin", "", "")], 2, "team_id", "has not started on 2026-02-01"),
    "pin to a team without capacity": ([("1001", "NUL", "pin", "", "")], 2, "team_id", "has no verzekeringsarts"),
    "the only team barred": ([("1005", "P1", "bar", "", "")], 2, "team_id", "1005: every team that may serve it is barred (P1)"),
    "all teams barred": ([("1005", "W1", "bar", "", ""), ("1005", "W2", "bar", "", "")], 3, "team_id", "is barred (W1, W2)"),
    "pin for one line": ([("1001", "W1", "pin", "", "vangnet")], 2, "client_line", f"{LINE}, for every team of region West"),
    "bar for one line": ([("1001", "W1", "bar", "", "vangnet")], 2, "client_line", LINE),
    "pin of a PW team for one line": ([("1001", "P1", "pin", "", "vangnet")], 2, "client_line", "Participatiewet is not divided"),
    "shares per line": (
        [("1001", "W1", "split", "0.5", "vangnet"), ("1001", "W2", "split", "0.5", "vangnet"),
         ("1001", "W1", "split", "0.2", "werkgever"), ("1001", "W2", "split", "0.8", "werkgever")], 2, "client_line", LINE),
    "pinned and split": (
        [("1001", "W1", "pin", "", ""), ("1001", "W1", "split", "0.5", ""), ("1001", "W2", "split", "0.5", "")],
        3, "kind", "both pinned and split (rows 2 and 3)"),
    "split as a whole and by PC6": (
        [("1001", "W1", "split", "0.5", ""), ("1001", "W2", "split", "0.5", ""), ("1001AA", "W2", "split", "1", "")],
        4, "pc4", "split as a whole and by PC6"),
    "split for all lines and for one": (
        [("1001", "W1", "split", "1", ""), ("1001", "W1", "split", "1", "vangnet")], 3, "client_line", "for every line and for one"),
    "PC6 split to a barred team": (
        [("1001AA", "W1", "split", "1", ""), ("1001", "W1", "bar", "", "")], 2, "kind", "barred from 1001 in row 3"),
}  # fmt: skip


def more_teams() -> dict[str, pd.DataFrame]:
    """The toy input with a team that has ended, one that starts later and one without verzekeringsartsen."""
    frames = toy.tables()
    extra = [
        toy.team("OLD", "1", "1001", valid_to="2025-12-31"),
        toy.team("NEW", "1", "1001", valid_from="2028-01-01"),
        toy.team("NUL", "1", "1001", fte_verzekeringsarts="0"),
    ]
    frames["teams"] = pd.concat([frames["teams"], pd.DataFrame(extra)], ignore_index=True)
    return frames


@pytest.mark.parametrize("name", LOCKED)
def test_a_lock_that_cannot_hold_is_refused_before_anything_is_solved(name: str, tmp_path: Path) -> None:
    rows, row, column, told = LOCKED[name]
    problems = load(toy.write(tmp_path, more_teams() | {"locks": toy.locks(*rows)}), date(2026, 2, 1))
    found = [p for p in problems if (p.file, p.row, p.column) == ("locks.csv", row, column)]
    assert any(told in p.what for p in found), "\n".join(map(str, problems)) or "accepted"


def by_line() -> pd.DataFrame:
    """W1 serves vangnet and W2 werkgever: West is divided by line."""
    teams = toy.tables()["teams"]
    teams.loc[teams["team_id"] == "W1", "client_lines"] = "vangnet"
    teams.loc[teams["team_id"] == "W2", ["client_lines", "laws"]] = ["werkgever", "WIA"]
    return teams


@pytest.mark.parametrize(
    "locks",
    [
        toy.locks(("1001", "W1", "pin", "", ""), ("1001", "W2", "pin", "", "")).assign(valid_until=["2026-01-31", ""]),
        toy.locks(("1001", "W1", "split", "0.5", ""), ("1001", "W2", "split", "1", "")).assign(
            valid_until=["2026-01-31", ""]
        ),
        toy.locks(("1001", "W1", "pin", "", "vangnet"), ("1001", "W1", "pin", "", "werkgever")),
        toy.locks(("1001", "W2", "pin", "", ""), ("1001AA", "W1", "split", "1", "")),
        toy.locks(("1001", "W1", "pin", "", ""), ("1001", "P1", "split", "1", "")),
        toy.locks(("1001", "OLD", "bar", "", "")),
    ],
    ids=[
        "expired pin",
        "expired split",
        "pin for both lines",
        "pin for the rest",
        "two law domains",
        "bar of the past",
    ],
)
def test_locks_that_can_hold_together_are_accepted(locks: pd.DataFrame, tmp_path: Path) -> None:
    assert load(toy.write(tmp_path, more_teams() | {"locks": locks}), date(2026, 2, 1)) == ()


def test_locks_for_different_lines_do_not_contradict(tmp_path: Path) -> None:
    """W1 is pinned for vangnet and barred for werkgever, which it does not serve; the lock on its line is possible."""
    locks = toy.locks(("1001", "W1", "pin", "", "vangnet"), ("1001", "W1", "bar", "", "werkgever"))
    assert load(toy.write(tmp_path, {"teams": by_line(), "locks": locks})) == ()


def test_a_pin_for_a_line_that_the_team_does_not_serve_is_refused(tmp_path: Path) -> None:
    locks = toy.locks(("1001", "W1", "pin", "", "werkgever"))
    (problem,) = load(toy.write(tmp_path, {"teams": by_line(), "locks": locks}))
    assert (problem.row, problem.what) == (2, "1001, W1: the team does not serve line werkgever")


@pytest.mark.parametrize(
    ("team", "column", "value", "told"),
    [
        ("P1", "valid_from", "2028-01-01", "kind participatiewet (P1 has not started on 2026-02-01"),
        ("P1", "fte_verzekeringsarts", "0", "kind participatiewet (P1 has no verzekeringsarts"),
        ("M1", "fte_verzekeringsarts", "0", "no team for client group 'militair' (M1 has no verzekeringsarts"),
        ("M1", "valid_to", "2026-01-31", "no team for client group 'militair' (M1 has ended on 2026-02-01"),
    ],
)
def test_a_region_or_group_needs_a_team_with_capacity_on_the_first_day(
    team: str, column: str, value: str, told: str, tmp_path: Path
) -> None:
    frames = toy.tables()
    frames["teams"].loc[frames["teams"]["team_id"] == team, column] = value
    problems = load(toy.write(tmp_path, frames), date(2026, 2, 1))
    assert any(told in p.what for p in problems), "\n".join(map(str, problems)) or "accepted"


@pytest.mark.parametrize(("column", "value"), [("valid_from", "2024-01"), ("fte_verzekeringsarts", "veel")])
def test_a_cell_that_cannot_be_read_is_one_problem(column: str, value: str, tmp_path: Path) -> None:
    """Not one more for the region, the lock and the group that need the team."""
    frames = toy.tables() | {"locks": toy.locks(("1001", "P1", "pin", "", ""))}
    frames["teams"].loc[frames["teams"]["team_id"] == "P1", column] = value
    assert [(p.row, p.column) for p in load(toy.write(tmp_path, frames))] == [(6, column)]


def office_warnings(folder: Path, changes: dict[str, dict[str, str]]) -> list[str]:
    """What is said of the offices of the toy country, where every team has the office Dorp at 1001, when some differ."""
    teams = toy.tables()["teams"].assign(office="Dorp", office_pc4="1001")
    for team_id, cells in changes.items():
        teams.loc[teams["team_id"] == team_id, list(cells)] = list(cells.values())
    areas = toy.areas()
    areas.loc[areas["pc4"].eq("1012"), "x_m"] += 60_000.0
    return sentences(load_inputs(toy.write(folder, {"teams": teams}), areas, Config()).office_doubts)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, []),
        ({"W2": {"office": "Drop"}}, ["office_pc4 1001 has several names: Dorp / Drop"]),
        ({"W2": {"office_pc4": "1002"}}, ["office Dorp has several postcodes: 1001 / 1002"]),
        ({"W1": {"office": "Stad", "office_pc4": "1005", "valid_to": "2026-12-31"},
          "W2": {"office": "Stad", "office_pc4": "1006", "valid_from": "2027-01-01"}}, []),
        ({"W2": {"office": "Eiland", "office_pc4": "1020"}},
         ["office_pc4 1020 (W2) has no area of its own; 1012 is used in its place",
          "office Eiland (1012) of W2 lies 62 km outside West"]),
    ],
)  # fmt: skip
def test_an_office_that_looks_like_a_typing_error_is_told_and_not_refused(
    changes: dict[str, dict[str, str]], told: list[str], tmp_path: Path
) -> None:
    assert office_warnings(tmp_path, changes) == told


def test_blank_lines_count_in_the_row_numbers(tmp_path: Path) -> None:
    """One blank line above the header and one below: the first record stands on line 4 of the file."""
    frames = toy.tables()
    frames["teams"].loc[0, "office_pc4"] = "0101"
    folder = toy.write(tmp_path, frames)
    first, _, rest = (folder / "teams.csv").read_text().partition("\n")
    (folder / "teams.csv").write_text(f"\n{first}\n\n{rest}\n\n")
    assert [(p.row, p.column) for p in load(folder)] == [(4, "office_pc4")]


def test_semicolons_are_one_problem_and_not_one_per_column(tmp_path: Path) -> None:
    folder = toy.write(tmp_path)
    toy.tables()["teams"].to_csv(folder / "teams.csv", index=False, sep=";", decimal=",")
    (problem,) = load(folder)
    assert (problem.file, problem.row, problem.what) == (
        "teams.csv", 1, "the columns are separated by ';', must be ','"
    )  # fmt: skip


def test_a_file_that_is_not_utf8_is_named_with_its_line(tmp_path: Path) -> None:
    frames = toy.tables()
    frames["teams"].loc[2, "name"] = "SMC Súdwest"
    folder = toy.write(tmp_path, frames)
    frames["teams"].to_csv(folder / "teams.csv", index=False, encoding="latin-1")
    (problem,) = load(folder)
    assert (problem.file, problem.row, problem.what) == ("teams.csv", 4, "a character that is not UTF-8")


def test_joined_regions_follow_links() -> None:
    """1-2 and 2-3 make one set of 1, 2, 3; 4 stands alone."""
    assert join_regions([1, 2, 3, 4], [[1, 2], [2, 3]]) == [{1, 2, 3}, {4}]


def test_a_postcode_without_an_area_may_count_for_another(tmp_path: Path) -> None:
    frames = toy.tables()
    frames["stock"].loc[frames["stock"]["pc4"].eq("1001"), "pc4"] = "1099"
    config = Config.from_values({"replaced_postcodes": {"1099": "1002"}})
    loaded = load_inputs(toy.write(tmp_path, frames), toy.areas(), config)
    assert loaded.stock.query("pc4 == '1002'")["clients"].sum() == 8
    assert loaded.replaced.to_numpy().tolist() == [["1099", "1002", "vervangen volgens de instellingen", "volgt 1002"]]


def few_at(pc4: str) -> dict[str, pd.DataFrame]:
    """The toy input with one more client in stock, at another postcode, and three new clients there too."""
    frames = toy.tables()
    extra = frames["stock"].iloc[[0]].assign(pc4=pc4, clients="1")
    came = frames["inflow"].iloc[[0]].assign(pc4=pc4, clients="3")
    return {"stock": pd.concat([frames["stock"], extra]), "inflow": pd.concat([frames["inflow"], came])}


def test_a_postcode_without_an_area_follows_the_nearest_number_and_is_listed(tmp_path: Path) -> None:
    """1020 is a PO box: 1012 is the nearest number that shares two digits. Not a client is lost."""
    loaded = load_inputs(toy.write(tmp_path, few_at("1020")), toy.areas(), Config())
    assert loaded.replaced.to_numpy().tolist() == [
        ["1020", "1012", "postbus of nieuwe straat: geen vlak in deze editie", "volgt 1012"]
    ]
    assert loaded.stock["clients"].sum() == 49
    assert loaded.stock.query("pc4 == '1012'")["clients"].sum() == 5
    assert loaded.inflow.query("pc4 == '1012'")["clients"].sum() == 27


def test_many_postcodes_without_an_area_are_another_edition_and_refused(tmp_path: Path) -> None:
    frames = toy.tables()
    frames["stock"]["pc4"] = frames["stock"]["pc4"].replace("1001", "1050")
    (problem,) = load(toy.write(tmp_path, frames))
    assert (problem.file, problem.column) == ("stock.csv", "pc4")
    assert "8.3% of the clients have a postcode without an area, the first is 1050" in str(problem)


def test_a_postcode_that_is_gone_counts_where_its_place_is_now(tmp_path: Path) -> None:
    """However many clients it has: that is no guess. Its care region goes, for it has no area to colour any more."""
    frames = toy.tables()
    for name in ("stock", "inflow"):
        frames[name]["pc4"] = frames[name]["pc4"].replace("1001", "1050")
    frames["care_regions"] = pd.DataFrame({"pc4": ["1050", "1002"], "care_region": ["Noord", "Zuid"]})
    frames["teams"]["office_pc4"] = frames["teams"]["office_pc4"].replace("1001", "1050")
    loaded = load_inputs(toy.write(tmp_path, frames), toy.areas(), Config(), {"1050": "1001"})
    assert loaded.replaced["detail"].tolist() == ["heeft geen eigen vlak in deze editie"]
    assert loaded.stock.query("pc4 == '1001'")["clients"].sum() == 4
    assert loaded.stock.query("pc4 == '1001'")["pc4_in_file"].unique().tolist() == ["1050"]
    assert loaded.care_regions["pc4"].tolist() == ["1002"]
    assert "1050" not in set(loaded.teams["office_pc4"])


def test_a_lock_on_a_postcode_that_is_gone_is_refused_and_names_its_heir(tmp_path: Path) -> None:
    frames = {"locks": toy.locks(("1050", "W1", "pin", "", ""))}
    with pytest.raises(InputRefused, match="'1050' is no existing postcode or PC6 range; 1001 is in its place now"):
        load_inputs(toy.write(tmp_path, frames), toy.areas(), Config(), {"1050": "1001"})


def test_the_division_in_force_may_know_postcodes_that_are_gone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = toy.tables()
    frames["current"].loc[0, "pc4"] = "1099"
    assert load(toy.write(tmp_path, frames)) == ()
    assert "1099" in caplog.text
