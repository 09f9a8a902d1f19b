"""The report that is published, for readers outside Operations: no count of clients under 5 (R14)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from allocation.contract.published_tables import ALLOCATION_CHANGES
from allocation.report import change_sheets, report, team_sheets
from allocation.report.board import Board
from allocation.report.map import map_value, without_small_areas
from allocation.report.report import write_report
from allocation.report.sheet import Cell, Sheet, amount, text
from allocation.runs import run_files
from allocation.runs.run import Run
from tests.support.browser import toy_run
from tests.support.readers_edition import counts_in_text, faults, is_masked, sheets, words_of
from tests.support.report_map import map_of

EDITIONS = ("report.html", "report_readers.html")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy country with few clients: one change of 3 clients a year, one of 30, and a team with 2 in stock."""
    run: Run = toy_run(tmp_path_factory.mktemp("small"))
    outcome = run.folder / "outcome"
    change = dict.fromkeys(ALLOCATION_CHANGES.column_names) | {
        "client_line": "alle", "law_domain": "zw_wia", "team_from": "W1", "team_to": "W2", "share": 1.0,
        "from_version": 1, "version": 2,
    }  # fmt: skip
    areas = pd.read_parquet(outcome / "allocation.parquet")["pc4"].unique()[:2]
    changes = [change | {"pc4": areas[0], "clients": 3.3, "hours": 13.7}]
    changes.append(change | {"pc4": areas[1], "clients": 30.3, "hours": 131.9})
    pd.DataFrame(changes).to_parquet(outcome / "allocation_changes.parquet", index=False)
    seen = [one | {"clients": clients, "hours": None} for one, clients in zip(changes, (None, 30.0), strict=True)]
    pd.DataFrame(seen).to_parquet(outcome / "allocation_changes_seen.parquet", index=False)
    expected = pd.read_parquet(outcome / "expected.parquet")
    expected.loc[expected["pc4"] == areas[0], ["clients_seen", "hours_seen"]] = 3.0, 12.0
    expected.to_parquet(outcome / "expected.parquet", index=False)
    for name, column, value in (("team_load", "stock_clients", 2.0), ("waiting", "stock_clients", 4.0)):
        table = pd.read_parquet(outcome / f"{name}.parquet").astype({column: "float64"})
        table.loc[table.index[0], column] = value
        table.to_parquet(outcome / f"{name}.parquet", index=False)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(report, "map_value", map_with_few)
        write_report(run.folder)
    return run.folder


def map_with_few(folder: Path, board: Board) -> dict[str, Any]:
    """The map, with 3 clients a year in the first postcode."""
    value = map_value(folder, board)
    for layer in value["layers"]:
        layer["clients"][0] = 3.0
    return value


def test_readers_are_not_told_what_input_files_hold_or_where_files_stand(small: Path) -> None:
    """By the SHA-256 of a small file one can guess what is in it; a folder says how a server is built."""
    ours, theirs = ((small / name).read_text(encoding="utf-8") for name in EDITIONS)
    origin = Path(run_files.EDITION.read(small)["origin"])
    sha256 = run_files.INPUT.read(small).sha256["teams.csv"]
    assert (sha256 in ours, sha256 in theirs) == (True, False)
    for text_of_edition in (ours, theirs):
        assert origin.name in text_of_edition
        assert str(origin.parent) not in text_of_edition


def test_readers_get_no_small_count_and_are_told_so(small: Path) -> None:
    ours, theirs = ((small / name).read_text(encoding="utf-8") for name in EDITIONS)
    for gone in (
        "3,3</td>",
        "13,7</td>",
        "33,6</td>",
        "Alleen voor Operations",
        'id="overgang"',
        'id="redenen"',
        "Dossiers die verhuizen</dt>",
    ):  # 33,6: the sum would tell the small one
        assert gone in ours, gone
        assert gone not in theirs, gone
    for exact in ("30,3</td>", "131,9</td>"):
        assert exact in ours, exact
        assert exact not in theirs, exact
    assert "aantallen cliënten zijn veelvouden van 5" in theirs


def test_the_map_of_readers_is_empty_where_few_clients_are(small: Path) -> None:
    ours, theirs = (map_of((small / name).read_text(encoding="utf-8"))["layers"] for name in EDITIONS)
    for own, readers in zip(ours, theirs, strict=True):
        assert (own["clients"][0], readers["clients"][0], readers["hours"][0]) == (3.0, None, None)
        assert [readers[name] for name in ("now", "proposal")] == [own[name] for name in ("now", "proposal")]


@pytest.mark.parametrize(("key", "domain", "line"), [("vangnet", "zw_wia", "alle"), ("pw", "pw", "alle")])
def test_an_area_is_shown_to_readers_as_they_know_its_clients(small: Path, key: str, domain: str, line: str) -> None:
    """Multiples of 5, nothing below 5; hours made anew from the count as shown (4 hours a client), of 50 and more. Not
    of the exact work, which is 99 clients everywhere; a team serves both lines here."""
    board = Board.read(small)
    known = {"clients_seen": [4.9, 5.0, 48.0, 53.0], "hours_seen": [20.0, 20.0, 192.0, 212.0]}
    place = {"client_line": line, "law_domain": domain}
    expected = pd.DataFrame({"pc4": board.areas["pc4"].iloc[:4], **place, "clients": 99.0, "hours": 396.0, **known})
    layer = {"key": key, "clients": [99.0] * len(board.areas), "hours": [396.0] * len(board.areas), "now": [0]}
    (shown,) = without_small_areas({"layers": [layer]}, board, expected)["layers"]
    assert (shown["clients"][:4], shown["hours"][:4]) == ([None, 5.0, 50.0, 55.0], [None, None, None, 220.0])
    assert set(shown["clients"][4:]) == {None}
    assert shown["now"] == [0]
    before = expected.drop(columns=list(known))
    (nothing,) = without_small_areas({"layers": [layer]}, board, before)["layers"]
    assert {*nothing["clients"], *nothing["hours"]} == {None}


@pytest.mark.parametrize(
    ("exact", "seen", "shown"), [(42, 42, "40"), (5, 6, "5"), (7, 8, "10"), (3, 3, "–"), (0, 0, "–")]
)
def test_a_figure_of_a_division_is_shown_as_in_the_published_tables(
    tmp_path: Path, exact: float, seen: float, shown: str
) -> None:
    """``seen``: as ``clients_seen`` makes it of its cells; a run of before it was kept tells readers no count."""
    (tmp_path / "outcome").mkdir()
    impact = {"division": "Uitkeren", "subject": "brieven", "unit": "cliënten", "now": 3.0, "new": exact, "bsn": None}
    work = {
        "division": "SMZ",
        "subject": "werk zonder team",
        "unit": "uur per jaar",
        "now": 1234.0,
        "new": 0.0,
        "bsn": None,
    }

    def texts(*, for_readers: bool) -> list[list[str]]:
        sheet = change_sheets.impact_sheet(tmp_path, for_readers=for_readers)
        return [[cell.text for cell in row[3:]] for row in sheet.rows]

    pd.DataFrame([impact | {"seen": seen}, work]).to_parquet(tmp_path / "outcome" / "impact.parquet")
    assert texts(for_readers=False) == [["3", str(exact), "–"], ["1.234", "0", "–"]]
    assert texts(for_readers=True) == [["–", shown, "–"], ["1.250", "0", "–"]]
    pd.DataFrame([impact, work]).to_parquet(tmp_path / "outcome" / "impact.parquet")
    assert texts(for_readers=True)[0] == ["–", "–", "–"]


def test_no_table_counts_clients_but_as_the_published_tables(small: Path) -> None:
    """Every column of every table: one that is new has to be listed with what it counts."""
    theirs = sheets(small)
    assert {"teams", "regios", "wachttijd-product", "wijzigingen", "gevolgen"} <= {one.name for one in theirs}
    assert faults(theirs) == []
    page = (small / EDITIONS[1]).read_text(encoding="utf-8")
    assert counts_in_text(words_of(page)) == []
    clients = [count for layer in map_of(page)["layers"] for count in layer["clients"] if count is not None]
    assert clients
    assert [count for count in clients if count % 5 or count < 5] == []


def test_a_column_that_nobody_listed_and_a_count_that_is_exact_are_faults() -> None:
    """The test above can fail."""

    first = {"teams": {"Team": "A"}, "gevolgen": {"Divisie": "K&S", "Onderwerp": "brieven", "Eenheid": "cliënten"}}

    def found(name: str, header: str, cell: Cell) -> list[str]:
        row = [*(Cell(one) for one in first[name].values()), cell]
        return faults([Sheet(name, "", (*first[name], header), [row])])

    assert found("teams", "Dossiers van vroeger", amount(5)) == ["teams: column 'Dossiers van vroeger' is not listed"]
    assert found("teams", "Dossiers", amount(89)) == ["teams, A: Dossiers is 89 (89.0)"]
    assert found("gevolgen", "Voorstel", amount(0)) == ["gevolgen, K&S: Voorstel is 0 (0.0)"]
    assert found("teams", "Dossiers", amount(1090)) == found("teams", "Dossiers", text(None)) == []
    assert [is_masked(one) for one in (Cell("3"), Cell("5", 4.9), Cell("5,0", 5.0), Cell("5,2", 5.0))] == [
        False, False, True, False,
    ]  # fmt: skip
    assert counts_in_text("ongeveer 1.005 cliënten; 12 dossiers verhuizen, 1 dossier blijft") == [
        "12 dossiers",
        "1 dossier",
    ]


@pytest.mark.parametrize("edition", EDITIONS)
def test_behind_a_figure_stands_none_that_is_more_exact(small: Path, edition: str) -> None:
    """What sorts a column goes out with the file, and "Bewaar als CSV" writes it."""
    values = re.findall(r'data-v="([^"]*)"', (small / edition).read_text(encoding="utf-8"))
    assert len(values) > 100
    assert [value for value in values if len(value.partition(".")[2]) > 3] == []


def test_readers_see_no_hours_of_files_and_months_of_what_they_see(small: Path) -> None:
    board = Board.read(small)
    assert "Zonder wijziging bij geen team (uur in dossiers)" in team_sheets.waiting_sheet(board).columns
    assert not [name for name in team_sheets.waiting_sheet(board, for_readers=True).columns if "uur" in name]
    months = [cell.value for row in team_sheets.runoff_sheet(small, for_readers=True).rows for cell in row[2:-1]]
    assert months
    table = run_files.OUTCOME.table("team_months_seen").read(small)
    table = table[table["month"].isin((1, 6, 12, 24))].sort_values(["team_id", "month"], kind="stable")
    asked = (table["old_hours"] + table["new_hours"]) / table["capacity_hours"]
    assert months == pytest.approx(asked.tolist(), abs=5e-4)
