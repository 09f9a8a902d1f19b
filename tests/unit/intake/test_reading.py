"""The form of a file: what is refused, at which row, and what does no harm. Three rows are enough to see each."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from allocation.contract.errors import Problem
from allocation.contract.input_tables import CARE_REGIONS, INPUTS, LOCKS, STOCK
from allocation.contract.schema import Table
from allocation.intake import reading
from allocation.intake.reading import read_folder, read_table
from tests.support import toy
from tests.support.swapping import swapped_with_a_link

GOOD = "pc4,care_region\n1001,Noord\n1002,Zuid\n"


def read(path: Path, table: Table = CARE_REGIONS) -> tuple[pd.DataFrame | None, list[Problem], list[Problem]]:
    remarks: list[Problem] = []
    frame, problems = read_table(path, table, remarks)
    return frame, problems, remarks


def written(folder: Path, content: str | bytes, name: str = "care_regions.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


REFUSED: dict[str, tuple[str | bytes, int | None, str]] = {
    "more cells than the header": (GOOD + "1003,West,3,4\n", 4, "the row has 4 cells, the header 2"),
    "a decimal comma without quotes": (GOOD + "1003,We,st\n", 4, "the row has 3 cells, the header 2"),
    "fewer cells": (GOOD + "1003\n", 4, "the row has 1 cells, the header 2"),
    "fewer cells after a blank line": ("\n" + GOOD + "\n1003\n", 6, "the row has 1 cells"),
    "semicolons": (GOOD.replace(",", ";"), 1, "separated by ';'"),
    "tabs": (GOOD.replace(",", "\t"), 1, "separated by a tab"),
    "an open quote to the end": (GOOD + '1003,"West\n1004,Oost\n', 4, "quotes that do not fit"),
    "two open quotes": (GOOD + '1003,"West\n1004,"Oost\n', 4, "quotes that do not fit"),
    "a quote at the end only": (GOOD + '1003,West"\n', 4, "'West\"' has a quote without a partner"),
    "a line break in a cell": (GOOD + '1003,"We\nst"\n', 4, "a line break in a cell"),
    "a column twice": ("pc4,care_region,PC4\n1001,Noord,1001\n", 1, "the column occurs twice"),
    "a misspelt column": ("pc4,care_regoin\n1001,Noord\n", 1, "is 'care_regoin' meant?"),
    "NUL": (GOOD + "1003,We\0st\n", 4, "a NUL character"),
    "UTF-16": (GOOD.encode("utf-16"), None, "UTF-16"),
    "Latin-1": ("pc4,care_region\n1001,Frysl\xe2n\n".encode("latin-1"), 2, "not UTF-8"),
    "a workbook": (b"PK\x03\x04 and so on", None, "a workbook"),
    "nothing": ("", None, "the file is empty"),
    "blank lines only": ("\n\n", None, "the file is empty"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_form_is_told_once_with_its_row(name: str, tmp_path: Path) -> None:
    content, row, what = REFUSED[name]
    frame, problems, _ = read(written(tmp_path, content))
    assert frame is None
    assert [(p.file, p.row) for p in problems] == [("care_regions.csv", row)]
    assert what in problems[0].what


HARMLESS: dict[str, str | bytes] = {
    "BOM": "\ufeff" + GOOD,
    "commas after the last cell": GOOD.replace("Noord", "Noord,").replace("Zuid", "Zuid,,"),
    "commas after the last cell and the header": GOOD.replace("\n", ",\n"),
    "Windows lines": GOOD.replace("\n", "\r\n"),
    "old Macintosh lines": GOOD.replace("\n", "\r"),
    "no end of line at the end": GOOD.rstrip(),
    "blanks after commas": GOOD.replace(",", ", "),
    "quotes": GOOD.replace("Zuid", '"Zuid"'),
    "capitals in the header": GOOD.replace("pc4", " PC4 "),
    "another order": "care_region,pc4\nNoord,1001\nZuid,1002\n",
    "blank rows of commas": GOOD + ",\n",
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_programs_do_to_a_good_file_changes_nothing(name: str, tmp_path: Path) -> None:
    frame, problems, remarks = read(written(tmp_path, HARMLESS[name]))
    assert (problems, remarks) == ([], [])
    assert frame is not None
    assert frame[["pc4", "care_region", "row"]].to_numpy().tolist() == [["1001", "Noord", 2], ["1002", "Zuid", 3]]


def test_a_column_that_no_table_has_is_told(tmp_path: Path) -> None:
    frame, problems, remarks = read(written(tmp_path, "pc4,care_region,opmerking\n1001,Noord,x\n"))
    assert frame is not None
    assert problems == []
    assert [remark.what for remark in remarks] == ["column 'opmerking' is unknown: it is passed over"]


def test_a_misspelt_optional_column_is_no_missing_column(tmp_path: Path) -> None:
    """Without its holders every file in stock would move."""
    frame = toy.tables()["stock"].rename(columns={"team_id": "teamid"})
    path = tmp_path / "stock.csv"
    frame.to_csv(path, index=False)
    (problem,) = read(path, STOCK)[1]
    assert (problem.row, problem.column) == (1, "team_id")
    assert "'teamid'" in problem.what


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())])
def test_a_long_text_that_returns_in_parquet_is_refused_by_what_it_fills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: pa.DataType
) -> None:
    """It is kept once in the file, which so declares next to nothing: 1,000 cells of 900 bytes fill 900,000."""
    values = {name: pa.array(["x" * (900 if name == "reason" else 1)] * 1000) for name in LOCKS.column_names}
    made = pa.table({name: cells.cast(kind if name == "reason" else pa.string()) for name, cells in values.items()})
    pq.write_table(made, tmp_path / "locks.parquet")
    monkeypatch.setattr(reading, "MOST_BYTES", 200_000)
    (problem,) = read(tmp_path / "locks.parquet", LOCKS)[1]
    assert problem.what == f"the file declares {900_000 + 1000 * (len(LOCKS.column_names) - 1):,} bytes of cells"
    monkeypatch.setattr(reading, "MOST_BYTES", 300_000)
    frame, problems, _ = read(tmp_path / "locks.parquet", LOCKS)
    assert problems == []
    assert frame is not None
    assert frame["reason"].astype(str).str.len().tolist() == [900] * 1000 or kind == pa.binary()


def test_a_parquet_file_is_refused_by_the_rows_it_declares(tmp_path: Path) -> None:
    many = pa.array(["x"] * (LOCKS.most_rows + 1)).dictionary_encode()
    pq.write_table(pa.table(dict.fromkeys(LOCKS.column_names, many)), tmp_path / "locks.parquet")
    (problem,) = read(tmp_path / "locks.parquet", LOCKS)[1]
    assert problem.what == "the file declares 200,001 rows"


def long_cells(count: int, kind: pa.DataType) -> pa.Array:
    """``count`` equal cells of 8,000 bytes each."""
    if pa.types.is_fixed_size_binary(kind):
        return pa.array([b"x" * 8000] * count, kind)
    return pa.ExtensionArray.from_storage(kind, pa.array([[1.0] * 1000] * count, kind.storage_type))


@pytest.mark.parametrize("kind", [pa.binary(8000), pa.fixed_shape_tensor(pa.float64(), [1000])])
def test_cells_of_a_fixed_length_are_not_filled_in(tmp_path: Path, kind: pa.DataType) -> None:
    """Parquet keeps equal ones once, of whatever length: the file is small, and what it declares too."""
    cells = dict.fromkeys(CARE_REGIONS.column_names, pa.array(["x"] * 500)) | {"pc4": long_cells(500, kind)}
    path = tmp_path / "care_regions.parquet"
    pq.write_table(pa.table(cells), path)
    assert path.stat().st_size < 100_000
    (problem,) = read(path)[1]
    assert (problem.column, problem.allowed) == ("pc4", "one plain value per cell")


def test_nested_cells_and_broken_parquet_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"pc4": [["1001"]], "care_region": ["Noord"]}), tmp_path / "care_regions.parquet")
    (problem,) = read(tmp_path / "care_regions.parquet")[1]
    assert problem.column == "pc4"
    (problem,) = read(written(tmp_path, b"PAR1 no", "care_regions.parquet"))[1]
    assert "not readable" in problem.what


FOLDERS: dict[str, tuple[Callable[[Path], object], str | None, str]] = {
    "capitals in a name": (lambda f: (f / "locks.csv").rename(f / "Locks.CSV"), None, ""),
    "a copy beside it": (lambda f: (f / "LOCKS.csv").write_bytes((f / "locks.csv").read_bytes()), "locks", "several"),
    "a misspelt name": (lambda f: (f / "locks.csv").rename(f / "lock.csv"), "lock.csv", "is it meant to be locks?"),
    "a workbook of the name": (lambda f: (f / "locks.csv").rename(f / "locks.xlsx"), "locks.xlsx", "meant to be locks"),
    "a folder of the name": (
        lambda f: ((f / "locks.csv").unlink(), (f / "locks.csv").mkdir()), "locks.csv", "this is a folder"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLDERS)
def test_no_table_vanishes_because_of_its_name(name: str, tmp_path: Path) -> None:
    change, file, what = FOLDERS[name]
    folder = toy.write(tmp_path / "in", {"locks": toy.locks(("1001", "W1", "pin", "", ""))})
    change(folder)
    reading = read_folder(folder)
    if file is None:
        assert reading.problems == []
        assert len(reading.frames["locks"]) == 1
        assert reading.files["locks"] == "Locks.CSV"
    else:
        assert [p.file for p in reading.problems] == [file]
        assert what in reading.problems[0].what


def test_other_files_are_told_and_a_readme_is_not(tmp_path: Path) -> None:
    folder = toy.write(tmp_path / "in")
    for name in ("README.txt", ".hidden", "notities.txt"):
        (folder / name).write_text("x")
    reading = read_folder(folder)
    assert reading.problems == []
    assert [remark.file for remark in reading.remarks] == ["notities.txt"]


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    (problem,) = read_folder(path).problems
    assert "is a file" in problem.what
    assert set(read_folder(path).files) == {table.name for table in INPUTS}


@pytest.mark.skipif(os.geteuid() != 0, reason="only an administrator can make a link for another user")
def test_a_link_of_one_user_to_a_file_of_another_is_not_followed(tmp_path: Path) -> None:
    """Who may only write into the input folder reads nothing else through it; his own files he may link to."""
    target = written(tmp_path, GOOD, "elsewhere.txt")
    link = tmp_path / "care_regions.csv"
    link.symlink_to(target)
    for owner_of_link, owner_of_target, is_read in (
        (0, 0, True),
        (4321, 0, False),
        (4321, 4321, True),
        (0, 4321, True),
    ):
        os.lchown(link, owner_of_link, -1)
        os.chown(target, owner_of_target, -1)
        frame, problems, _ = read(link)
        assert (frame is not None) == is_read
        assert [problem.what for problem in problems] == (
            [] if is_read else ["this is a link to a file of another user"]
        )


@pytest.mark.skipif(os.geteuid() != 0, reason="only an administrator can make a link for another user")
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_link_that_takes_the_place_of_a_table_meanwhile_is_not_read(suffix: str, tmp_path: Path) -> None:
    given, secret = tmp_path / f"care_regions{suffix}", tmp_path / "secret"
    for path, place in ((given, "Noord"), (secret, "geheim")):
        rows = pd.DataFrame({"pc4": ["1001"], "care_region": [place]})
        rows.to_csv(path, index=False) if suffix == ".csv" else rows.to_parquet(path, index=False)
    told = set()
    with swapped_with_a_link(given, secret):
        for _ in range(1000):
            frame, problems, _ = read(given)
            told.add(problems[0].what if frame is None else frame["care_region"].item())
    assert told <= {"Noord", "this is a link to a file of another user"}
