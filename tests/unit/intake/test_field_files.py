"""Files as people hand them in: each is read as what it means, or refused at the place, never read as something else.

What spreadsheets, exports and copy-and-paste do to a folder, one thing at a time, on the toy country.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from allocation.contract.config import Config
from allocation.contract.errors import InputRefused
from allocation.contract.input_tables import INPUTS
from allocation.intake.inputs import Inputs, load_inputs
from tests.support import toy

Change = Callable[[Path], object]


def frames() -> dict[str, pd.DataFrame]:
    tables = toy.tables()
    tables["locks"] = toy.locks(("1001", "W1", "pin", "", ""), ("1006AA-1006AZ", "W2", "split", "1", ""))
    return tables


def cell(table: str, row: int, column: str, value: str) -> Change:
    def change(folder: Path) -> None:
        frame = frames()[table].astype(object)
        frame.loc[row, column] = value
        frame.to_csv(folder / f"{table}.csv", index=False)

    return change


def every(table: str, column: str, make: Callable[[str], str]) -> Change:
    def change(folder: Path) -> None:
        frame = frames()[table].astype(object)
        frame.assign(**{column: [make(str(value)) for value in frame[column]]}).to_csv(
            folder / f"{table}.csv", index=False
        )

    return change


def text(table: str, make: Callable[[bytes], bytes], name: str = "") -> Change:
    def change(folder: Path) -> None:
        path = folder / f"{table}.csv"
        content = make(path.read_bytes())
        path.unlink()
        (folder / (name or path.name)).write_bytes(content)

    return change


def optional(table: str, column: str, *names: str) -> Change:
    frame = pd.DataFrame({"pc4": [str(1001 + at) for at in range(len(names))], column: names})
    return lambda folder: frame.to_csv(folder / f"{table}.csv", index=False)


def quoted(content: bytes, mark: bytes) -> bytes:
    lines = content.strip().split(b"\n")
    return b"\n".join(b",".join(mark + part + mark for part in line.split(b",")) for line in lines) + b"\n"


def first_row(content: bytes) -> bytes:
    return content.split(b"\n")[1]


SAME: dict[str, Change] = {
    "every cell in quotes": text("stock", lambda b: quoted(b, b'"')),
    "codes with .0": every("stock", "pc4", lambda v: f"{v}.0"),
    "a blank without break behind a code": cell("stock", 0, "pc4", "1001\u00a0"),
    "counts with .0": every("stock", "clients", lambda v: f"{v}.0"),
    "a plus before a number": every("stock", "clients", lambda v: f"+{v}"),
    "a region number with .0": cell("teams", 0, "arbeidsmarktregio", "1.0"),
    "days with midnight": every("teams", "valid_from", lambda v: f"{v} 00:00:00"),
    "the end of a database": every("teams", "valid_to", lambda v: v or "9999-12-31"),
    "an index of pandas": lambda folder: frames()["stock"].to_csv(folder / "stock.csv"),
    "Parquet with an index": lambda folder: (
        (folder / "stock.csv").unlink(), frames()["stock"].set_index("pc4").to_parquet(folder / "stock.parquet")),
    "a copy beside it": lambda folder: (folder / "stock - kopie.csv").write_bytes(b"oud"),
}  # fmt: skip

REFUSED: dict[str, tuple[Change, str, str]] = {
    "Windows-1252": (text("teams", lambda b: b.replace(b"SMC W1", "SMC Sûd".encode("cp1252"))), "teams.csv, row 2", "not UTF-8"),
    "a line for Excel above": (text("teams", lambda b: b"sep=,\n" + b), "teams.csv, row 1", "the header stands in row 2"),
    "semicolons with a line for Excel": (text("teams", lambda b: b"sep=;\n" + b.replace(b",", b";")), "teams.csv, row 1", "separated by ';'"),
    "a title above": (text("stock", lambda b: b"Voorraad per postcode,,,,,,\n\n" + b), "stock.csv, row 1", "the header stands in row 3"),
    "merged cells above": (text("stock", lambda b: b"waar,waar,wat,wat,wat,aantal,wie\n" + b), "stock.csv, row 1", "the header stands in row 2"),
    "a workbook": (text("stock", lambda _: b"PK\x03\x04", "stock.xlsx"), "stock.xlsx", "is it meant to be stock?"),
    "a compressed file": (text("stock", gzip.compress, "stock.csv.gz"), "stock.csv.gz", "is it meant to be stock?"),
    "two files joined": (text("inflow", lambda b: b + b), "inflow.csv, row 290", "the header stands here again"),
    "a total below": (text("stock", lambda b: b + b"Totaal,,,,,48,\n"), "stock.csv, row 26, column reference_date", "'Totaal'"),
    "a note below": (text("stock", lambda b: b + b"Bron: registratie\n"), "stock.csv, row 26", "the row has 1 cells"),
    "single quotes": (text("stock", lambda b: quoted(b, b"'")), "stock.csv, row 1, column pc4", "is \"'pc4'\" meant?"),
    "a unit in the header": (
        text("teams", lambda b: b.replace(b"fte_other", b"fte_other [FTE]", 1)), "teams.csv, row 1, column fte_other", "'fte_other [FTE]' meant?"),
    "a day as a number": (cell("teams", 0, "valid_from", "45292"), "teams.csv, row 2, column valid_from", "'45292'"),
    "a Dutch date": (cell("teams", 0, "valid_from", "1-5-2024"), "teams.csv, row 2, column valid_from", "'1-5-2024'"),
    "a month as Excel shows it": (cell("inflow", 0, "month", "jan-25"), "inflow.csv, row 2, column month", "'jan-25'"),
    "a month without its zero": (cell("inflow", 0, "month", "2025-1"), "inflow.csv, row 2, column month", "'2025-1'"),
    "a code as text of Excel": (cell("stock", 0, "pc4", "'1001"), "stock.csv, row 2, column pc4", "does not exist"),
    "a code with a thousands point": (cell("stock", 0, "pc4", "1.001"), "stock.csv, row 2, column pc4", "'1.001'"),
    "a code with an exponent": (cell("stock", 0, "pc4", "1,00E+03"), "stock.csv, row 2, column pc4", "does not exist"),
    "a code in other digits": (cell("stock", 0, "pc4", "１００１"), "stock.csv, row 2, column pc4", "does not exist"),
    "a thin blank for thousands": (cell("stock", 0, "clients", "1\u2009000"), "stock.csv, row 2, column clients", "not possible"),
    "a blank without break for thousands": (cell("stock", 0, "clients", "1\u00a0000"), "stock.csv, row 2, column clients", "not possible"),
    "a decimal comma in quotes": (cell("products", 0, "hours_other", "2,5"), "products.csv, row 2, column hours_other", "'2,5'"),
    "a percentage": (cell("locks", 1, "share", "100%"), "locks.csv, row 3, column share", "'100%'"),
    "yes and no in Dutch": (
        lambda folder: frames()["stock"].assign(pw_client=["nee", "ja"] * 12).to_csv(folder / "stock.csv", index=False),
        "stock.csv, row 2, column pw_client", "'nee'"),
    "true and false in Dutch": (
        lambda folder: frames()["stock"].assign(pw_client=["ONWAAR", "WAAR"] * 12).to_csv(folder / "stock.csv", index=False),
        "stock.csv, row 2, column pw_client", "'ONWAAR'"),
    "a dash for nothing": (cell("teams", 0, "valid_to", "-"), "teams.csv, row 2, column valid_to", "'-'"),
    "a word for an unknown team": (cell("stock", 0, "team_id", "n.v.t."), "stock.csv, row 2, column team_id", "'n.v.t.'"),
    "a team in small letters": (cell("stock", 0, "team_id", "w1"), "stock.csv, row 2, column team_id", "'w1' is not known"),
    "the same row in other letters": (
        text("stock", lambda b: b + first_row(b).lower() + b"\n"), "stock.csv, row 26, column product", "'wia_ewt'"),
    "the same row with a float": (
        text("stock", lambda b: b + first_row(b).replace(b"1001", b"1001.0") + b"\n"), "stock.csv, row 26", "as an earlier row"),
    "the same row behind a mark": (
        text("stock", lambda b: b + b"\xef\xbb\xbf" + first_row(b) + b"\n"), "stock.csv, row 26", "as an earlier row"),
    "a formula's error in a name": (cell("teams", 0, "name", "#REF!"), "teams.csv, row 2, column name", "'#REF!'"),
    "a formula's error in Dutch": (cell("locks", 0, "reason", "#N/B"), "locks.csv, row 2, column reason", "'#N/B'"),
    "a name in other capitals": (
        optional("care_regions", "care_region", "GGD Toy", "ggd toy"), "care_regions.csv, row 3, column care_region", "differs only in capitals"),
    "laws with a comma": (cell("teams", 0, "laws", "ZW,WIA"), "teams.csv, row 2, column laws", "'ZW,WIA'"),
    "a long dash in a range": (cell("locks", 1, "pc4", "1006AA–1006AZ"), "locks.csv, row 3, column pc4", "no existing postcode or PC6 range"),
}  # fmt: skip


def load(folder: Path) -> Inputs:
    return load_inputs(folder, toy.areas(), Config())


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return load(toy.write(tmp_path_factory.mktemp("good") / "in", frames()))


@pytest.mark.parametrize("name", SAME)
def test_what_means_the_same_is_read_as_the_same(name: str, good: Inputs, tmp_path: Path) -> None:
    folder = toy.write(tmp_path / "in", frames())
    SAME[name](folder)
    found = load(folder)
    for table in INPUTS:
        one, other = (
            getattr(inputs, table.name).drop(columns="row", errors="ignore").reset_index(drop=True)
            for inputs in (good, found)
        )
        pd.testing.assert_frame_equal(one, other, check_dtype=False)


TOGETHER: tuple[tuple[str, ...], ...] = (
    ("Windows-1252", "a title above", "two files joined", "a decimal comma in quotes", "a percentage",
     "a name in other capitals"),
    ("a line for Excel above", "merged cells above", "a month as Excel shows it", "a formula's error in Dutch"),
    ("semicolons with a line for Excel", "a workbook", "a month without its zero"),
    ("a compressed file", "a unit in the header"),
    ("a total below", "a day as a number", "a long dash in a range"),
    ("a note below", "a Dutch date"),
    ("single quotes", "a dash for nothing"),
    ("a code as text of Excel", "a formula's error in a name"),
    ("a code with a thousands point", "laws with a comma"),
)  # fmt: skip
"""Files of which each is refused for the same beside the others: they are put in one folder. The rest is alone."""
FOLDERS = [*TOGETHER, *((name,) for name in REFUSED if not any(name in folder for folder in TOGETHER))]


@pytest.mark.parametrize("names", FOLDERS, ids=lambda names: ", ".join(names))
def test_what_may_mean_something_else_is_refused_at_its_place(names: tuple[str, ...], tmp_path: Path) -> None:
    folder = toy.write(tmp_path / "in", frames())
    for name in names:
        REFUSED[name][0](folder)
    with pytest.raises(InputRefused) as refused:
        load(folder)
    told = [str(problem) for problem in refused.value.problems]
    for name in names:
        _, place, words = REFUSED[name]
        assert any(one.startswith(f"{place}: ") and words in one for one in told), "\n".join([name, *told])


def test_an_accent_apart_is_the_same_letter(tmp_path: Path) -> None:
    """Two programs write â in two ways; two blanks in a name are one."""
    folder = toy.write(tmp_path / "in", frames())
    optional("care_regions", "care_region", "GGD Fryslân", "GGD Frysla\u0302n", "GGD\u00a0 Fryslân")(folder)
    assert set(load(folder).care_regions["care_region"]) == {"GGD Fryslân"}
