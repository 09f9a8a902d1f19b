"""A good input folder, damaged as people and programs do, is refused with a place, or means the same, or is told.

Each damage is of a kind that public reports of this work describe. Never a traceback; never another meaning without a
word. Short by default; ``CASELOAD_FUZZ_EXAMPLES=20000`` goes on for hours.
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

EXAMPLES = int(os.environ.get("CASELOAD_FUZZ_EXAMPLES", "25"))
pytestmark = pytest.mark.timeout(0)
"""An hour by hand is longer than a test may last."""
TABLES = ("inflow", "stock", "products", "teams", "current", "locks", "clusters")
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


def frames() -> dict[str, pd.DataFrame]:
    tables = toy.tables()
    tables["locks"] = toy.locks(("1001", "W1", "pin", "", ""), ("1006AA-1006AZ", "W2", "split", "1", ""))
    tables["clusters"] = pd.DataFrame({"cluster": ["Alles"], "arbeidsmarktregio": ["1"]})
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
}
SAME = {"BOM", "Windows lines", "old lines", "blank lines", "trailing commas", "trailing comma of a row",
        "blanks after commas", "capitals in the header"}  # fmt: skip


def _lines(text: bytes, data: st.DataObject) -> tuple[list[bytes], int]:
    lines = text.split(b"\n")
    return lines, data.draw(st.integers(0, len(lines) - 2), label="line")


def _insert(text: bytes, data: st.DataObject, what: bytes, *, at_line_end: bool = False) -> bytes:
    lines, at = _lines(text, data)
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
    "truth": lambda cells: pa.array([True] * len(cells)),
    "nothing": lambda cells: pa.nulls(len(cells)),
    "lists": lambda cells: pa.array([[c] for c in cells.astype(str)]),
}


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
        if found is not None and kind not in ("truth", "nothing"):
            assert difference(good, found) is None
