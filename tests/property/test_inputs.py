"""A good input folder, damaged as people and programs do, is refused with a place, or means the same, or is told.

Each damage is of a kind that public reports of this work describe. Never a traceback; never another meaning without a
word. Short by default; ``CASELOAD_FUZZ_EXAMPLES=20000`` goes on for hours, ``make fuzz`` for an hour.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allocation.contract.config import Config
from allocation.contract.errors import InputRefused
from allocation.contract.input_tables import INPUTS
from allocation.intake.inputs import Inputs, load_inputs
from tests.support import toy

EXAMPLES = int(os.environ.get("CASELOAD_FUZZ_EXAMPLES", "6"))
pytestmark = pytest.mark.timeout(0)
"""An hour by hand is longer than a test may last."""
TABLES = tuple(table.name for table in INPUTS)
ODD = (
    "", " ", "1.000", "1,5", "1e30", "1e-3", "-1", "0", "95", "95%", "nan", "NULL", "TRUE", "1", "1.0", "0.5", "999999",
    "é", "\u00a0", "\ufeffx", "a\tb", "a\x00b", "=1+1", "2024-01-01", "0001-01-01", "9999-12-31", "2025-13", "2025-02",
    "1001", " 1001 ", "1001.0", "1001AA", "W1", "w1", "W1 ", "alle", "vangnet", "vangnet|werkgever", "vangnet|vangnet",
    "|", "ZW", "PW", "1|2", "1|", "West", "'", '"', "x" * 2000, "9" * 400, "٣",
)  # fmt: skip

Damage = Callable[[bytes, st.DataObject], bytes]


@pytest.fixture(scope="module")
def good() -> Inputs:
    with tempfile.TemporaryDirectory() as folder:
        return load_inputs(written(Path(folder)), toy.areas(), Config())


ROWS = {
    "care_regions": [(pc4, "GGD West" if at % 4 < 2 else "GGD Oost") for at, pc4 in enumerate(toy.POSTCODES)],
    "coverage": [
        ("1001", "ggz", "GGZ Noord", "0.7", "multidisciplinair team", "loket@ggz.example"),
        ("1001", "ggz", "GGZ Zuid", "0.3", "", ""),
        ("1002", "wsp", "WSP West", "", "centrale contactpersoon", ""),
    ],
    "travel": [(pc4, office, str(7 + 3 * at), f"{2 + 1.5 * at:g}")
               for office in ("1001", "1009", "1006") for at, pc4 in enumerate(toy.POSTCODES)],
    "staff": [("1001", "W1", "2"), ("1002", "W1", "1"), ("1009", "W2", "3")],
    "completed": [
        ("2025-11", "W1", "WIA_EWT", "alle", "12", "50.5", "91"),
        ("2025-12", "W1", "WIA_EWT", "vangnet", "0", "2", ""),
        ("2025-12", "P1", "PW_ABA", "vangnet", "7", "", "40"),
    ],
    "verzuimbeheer": [
        ("VZB-W", "W1|W2", "3.5", "2024-01-01", ""),
        ("VZB-O", "O1", "1.5", "2024-01-01", "2026-12-31"),
        ("VZB-O", "O1|O2", "2.5", "2027-01-01", ""),
    ],
}  # fmt: skip
"""Good rows of the tables that the toy country has not."""


def frames() -> dict[str, pd.DataFrame]:
    """A good row or more of every table, as texts."""
    tables = toy.tables()
    tables["locks"] = toy.locks(("1001", "W1", "pin", "", ""), ("1006AA-1006AZ", "W2", "split", "1", ""))
    tables["clusters"] = pd.DataFrame({"cluster": ["Alles"], "arbeidsmarktregio": ["1"]})
    for table in INPUTS:
        if table.name in ROWS:
            tables[table.name] = pd.DataFrame(ROWS[table.name], columns=list(table.column_names))
    return tables


def written(folder: Path) -> Path:
    return toy.write(folder, frames())


def load(folder: Path) -> Inputs | None:
    """None when it is refused; then every problem must name a file and be no longer than a screen."""
    try:
        return load_inputs(folder, toy.areas(), Config())
    except InputRefused as refused:
        problems = refused.problems
    assert problems
    for problem in problems:
        assert problem.file
        assert problem.what
        assert problem.allowed
        assert len(str(problem)) < 2_000, str(problem)
    return None


def difference(one: Inputs, other: Inputs) -> str | None:
    """The first table that differs, the row numbers apart; None when both mean the same."""
    for table in INPUTS:
        a, b = (
            getattr(inputs, table.name).drop(columns="row", errors="ignore").reset_index(drop=True)
            for inputs in (one, other)
        )
        try:
            pd.testing.assert_frame_equal(a, b, check_dtype=False)
        except AssertionError:
            return table.name
    return None


FORMS: dict[str, Damage] = {
    "BOM": lambda text, _: b"\xef\xbb\xbf" + text,
    "Windows lines": lambda text, _: text.replace(b"\n", b"\r\n"),
    "old lines": lambda text, _: text.replace(b"\n", b"\r"),
    "blank lines": lambda text, data: _insert(text, data, b"\n\n"),
    "trailing commas": lambda text, _: text.replace(b"\n", b",\n"),
    "trailing comma of a row": lambda text, data: _insert(text, data, b",", at_line_end=True),
    "semicolons": lambda text, _: text.replace(b",", b";"),
    "an open quote": lambda text, data: _insert(text, data, b'"'),
    "a quote anywhere": lambda text, data: _anywhere(text, data, b'"'),
    "a comma anywhere": lambda text, data: _anywhere(text, data, b","),
    "a line break anywhere": lambda text, data: _anywhere(text, data, b"\n"),
    "a byte anywhere": lambda text, data: _anywhere(text, data, bytes([data.draw(st.integers(0, 255))])),
    "cut off": lambda text, data: text[: data.draw(st.integers(0, len(text)))],
    "UTF-16": lambda text, _: text.decode().encode("utf-16"),
    "blanks after commas": lambda text, _: text.replace(b",", b", "),
    "capitals in the header": lambda text, _: text.split(b"\n", 1)[0].upper() + b"\n" + text.split(b"\n", 1)[1],
    "nothing": lambda _text, _: b"",
    "a row twice": lambda text, data: _row(text, data, lambda row: [row, row]),
    "the header again": lambda text, data: _insert(text, data, text.split(b"\n", 1)[0] + b"\n", after_header=True),
    "a title above the header": lambda text, _: b"Opgave van 1 januari\n" + text,
    "a misspelt column": lambda text, data: _header(text, data, lambda name: name[:2] + name[3:]),
    "a column twice": lambda text, data: _header(text, data, lambda name: name + b"," + name),
    "every cell between quotes": lambda text, _: b'"' + text.rstrip().replace(b",", b'","').replace(
        b"\n", b'"\n"') + b'"\n',
    "blanks at line ends": lambda text, _: text.replace(b"\n", b"  \n"),
    "rows turned": lambda text, _: b"\n".join(
        [text.split(b"\n")[0], *reversed(text.rstrip().split(b"\n")[1:]), b""]),
}  # fmt: skip
REFUSED = {"a row twice", "the header again", "a title above the header", "a column twice"}
SAME = {"BOM", "Windows lines", "old lines", "blank lines", "trailing commas", "trailing comma of a row",
        "blanks after commas", "capitals in the header", "every cell between quotes",
        "blanks at line ends"}  # fmt: skip


def _lines(text: bytes, data: st.DataObject) -> tuple[list[bytes], int]:
    lines = text.split(b"\n")
    return lines, data.draw(st.integers(0, len(lines) - 2), label="line")


def _row(text: bytes, data: st.DataObject, make: Callable[[bytes], list[bytes]]) -> bytes:
    """One row below the header made into others."""
    lines, at = _lines(text, data)
    at = max(at, 1)
    return b"\n".join([*lines[:at], *make(lines[at]), *lines[at + 1 :]])


def _header(text: bytes, data: st.DataObject, make: Callable[[bytes], bytes]) -> bytes:
    """One name of the header made into another."""
    header, rest = text.split(b"\n", 1)
    names = header.split(b",")
    at = data.draw(st.integers(0, len(names) - 1), label="column")
    names[at] = make(names[at])
    return b",".join(names) + b"\n" + rest


def _insert(
    text: bytes, data: st.DataObject, what: bytes, *, at_line_end: bool = False, after_header: bool = False
) -> bytes:
    lines, at = _lines(text, data)
    at = max(at, 1) if after_header else at
    lines[at] = lines[at] + what if at_line_end else what + lines[at]
    return b"\n".join(lines)


def _anywhere(text: bytes, data: st.DataObject, what: bytes) -> bytes:
    at = data.draw(st.integers(0, len(text)), label="at")
    return text[:at] + what + text[at:]


FUZZ = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], print_blob=True
)


@FUZZ
@given(table=st.sampled_from(TABLES), form=st.sampled_from(sorted(FORMS)), data=st.data())
def test_a_damaged_file_is_refused_or_means_the_same(table: str, form: str, data: st.DataObject, good: Inputs) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder)) / f"{table}.csv"
        path.write_bytes(FORMS[form](path.read_bytes(), data))
        found = load(Path(folder))
        if form in SAME:
            assert found is not None, f"{form} of {table} is refused"
            assert difference(good, found) is None
        assert found is None or form not in REFUSED, f"{form} of {table} is taken"


@FUZZ
@given(table=st.sampled_from(TABLES), value=st.sampled_from(ODD) | st.text(max_size=12), data=st.data())
def test_an_odd_cell_is_refused_or_is_the_cell_that_is_read(
    table: str, value: str, data: st.DataObject, good: Inputs
) -> None:
    """Whatever else the cell changes, no other table changes with it."""
    with tempfile.TemporaryDirectory() as folder:
        tables = frames()
        frame = tables[table].astype(object)
        row = data.draw(st.integers(0, len(frame) - 1), label="row")
        column = data.draw(st.sampled_from(list(frame.columns)), label="column")
        before = frame.loc[row, column]
        frame.loc[row, column] = value
        written(Path(folder))
        try:
            frame.to_csv(Path(folder) / f"{table}.csv", index=False)
        except UnicodeEncodeError:  # half a surrogate pair: no program writes it as UTF-8
            return
        found = load(Path(folder))
        if found is None:
            return
        changed = difference(good, found)
        if value.strip() == str(before).strip():
            assert changed is None
        assert changed in (None, table) or table in ("products", "teams"), changed


def whole(cells: pd.Series) -> pd.Series:
    """As integers. Raises ValueError where one is none: a program that cuts 0.9 to 0 has changed the file."""
    numbers = pd.to_numeric(cells)
    integers = numbers.astype("int64")
    if (integers != numbers).any():
        raise ValueError("not whole")
    return integers


TYPES: dict[str, Callable[[pd.Series], pa.Array]] = {
    "text": lambda cells: pa.array([c or None for c in cells.astype(str)], pa.string()),
    "floats with an empty cell": lambda cells: pa.array(pd.to_numeric(cells).tolist(), pa.float64()),
    "integers": lambda cells: pa.array(whole(cells).tolist(), pa.int64()),
    "small integers": lambda cells: pa.array(whole(cells).tolist(), pa.int16()),
    "decimals": lambda cells: pa.array(pd.to_numeric(cells).tolist(), pa.float64()).cast(pa.decimal128(38, 6)),
    "dictionary": lambda cells: pa.array([c or None for c in cells.astype(str)], pa.string()).dictionary_encode(),
    "bytes": lambda cells: pa.array([c.encode() or None for c in cells.astype(str)], pa.binary()),
    "date": lambda cells: pa.array([pd.Timestamp(c).date() if c else None for c in cells], pa.date32()),
    "moment": lambda cells: pa.array([pd.Timestamp(c) if c else None for c in cells], pa.timestamp("us")),
    "moment with a zone": lambda cells: pa.array(
        [pd.Timestamp(c, tz="Europe/Amsterdam") if c else None for c in cells], pa.timestamp("us", "Europe/Amsterdam")
    ),
    "days as a spreadsheet counts them": lambda cells: pa.array(
        [(pd.Timestamp(c) - pd.Timestamp("1899-12-30")).days if c else None for c in cells], pa.int32()
    ),
    "truth": lambda cells: pa.array([True] * len(cells)),
    "ones": lambda cells: pa.array([1] * len(cells)),
    "one moment": lambda cells: pa.array([pd.Timestamp("2025-01-01")] * len(cells), pa.timestamp("ns")),
    "a length of time": lambda cells: pa.array([1] * len(cells), pa.duration("s")),
    "nothing": lambda cells: pa.nulls(len(cells)),
    "lists": lambda cells: pa.array([[c] for c in cells.astype(str)]),
}
OTHER_VALUES = {"truth", "nothing", "ones", "one moment", "a length of time"}
"""These replace what stands in the cells: it is enough that nothing breaks."""


@FUZZ
@given(table=st.sampled_from(TABLES), kind=st.sampled_from(sorted(TYPES)), data=st.data())
def test_a_column_of_another_type_is_refused_or_means_the_same(
    table: str, kind: str, data: st.DataObject, good: Inputs
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written(Path(folder))
        frame = frames()[table]
        column = data.draw(st.sampled_from(list(frame.columns)), label="column")
        arrays = {name: TYPES["text"](frame[name]) for name in frame.columns}
        try:
            arrays[column] = TYPES[kind](frame[column])
        except (ValueError, TypeError, OverflowError, pa.ArrowException):  # these cells cannot be of that type
            return
        (Path(folder) / f"{table}.csv").unlink()
        pq.write_table(pa.table(arrays), Path(folder) / f"{table}.parquet")
        found = load(Path(folder))
        if found is not None and kind not in OTHER_VALUES:
            assert difference(good, found) is None
