"""The cells of a table as they stand -> values of the declared types, or a problem for each cell that is none.

Belongs here: what one cell may be, from the declaration of its column alone (type, range, allowed values), and rows
that occur twice. Does not belong here: the form of a file (``reading``), and checks between tables (``checks``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract import calendar
from allocation.contract.errors import Problem
from allocation.contract.schema import Column, Table, bounds
from allocation.intake.listing import listed

PLAIN_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e-[0-9]{1,3})?", re.IGNORECASE | re.ASCII)
"""A point for decimals and nothing for thousands. Programs write very small shares with a negative exponent."""
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+(\.0*)?", re.ASCII)
THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+", re.ASCII)
"""May be a number with decimals or thousands with points: no program that writes whole numbers gives three decimals."""
WHOLE_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]00:00(:00(\.0+)?)?)?", re.ASCII)
"""A day; without month or day it is no date, and pandas would take the first. Midnight is what Parquet may add."""
FIRST_DAY, LAST_DAY = pd.Timestamp(calendar.FIRST_DAY), pd.Timestamp(calendar.LAST_DAY)
OPEN_END = "9999-12-31"
"""What databases write for a last day that is not known."""
LOCAL_ZONE = "Europe/Amsterdam"
STORED_AS = {"text": "", "integer": "iuf", "number": "iuf", "date": "M", "boolean": "b", "timestamp": "M", "json": ""}
"""Type of a column -> the kinds of arrays (NumPy's letters) that hold its values already; others are read as text."""
_BLANKS = re.compile(r"[^\S\n\r]+")
_LINE_BREAKS = re.compile(r"[ \t]*[\n\r][ \t\n\r]*")
AS_FLOAT = re.compile(r"-?[0-9]+\.0", re.ASCII)
"""A code of digits that went through a program which knows empty cells only beside floats."""
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that no text has: control characters, halves of a surrogate pair."""
MOST_CHARACTERS = 1_000
SHEET_ERROR = re.compile(
    r"#(REF!|N/A|NAME\?|DIV/0!|VALUE!|NUM!|NULL!|VERW!|N/B|NAAM\?|DEEL/0!|WAARDE!|GETAL!|LEEG!)", re.IGNORECASE
)
"""What Excel writes, in English and Dutch, where a formula has no value."""


Mask = NDArray[np.bool_]
"""Which rows of a table."""


def as_text(cells: pd.Series) -> pd.Series:
    """Cells as trimmed text, None where empty: the one way in which identifiers, names and codes are read.

    Blanks inside are one blank each, and a letter with its accent is one character, however a program wrote it; marks
    that nobody sees, such as the direction of writing that comes with a copied text, are left out. Whole numbers have
    no decimals, also where an empty cell elsewhere in the column made them floats.
    """
    given = Different(cells if cells.dtype == "str" else cells.astype(object))
    return given.each(np.array([*map(_text, given.values), None], dtype=object))


class Different:
    """A column by its different cells, so that each of them is looked at once, however many rows have it."""

    def __init__(self, cells: pd.Series) -> None:
        self.index = cells.index
        self.codes, self.values = pd.factorize(cells, use_na_sentinel=True)

    def each(self, values: NDArray[Any]) -> pd.Series:
        """What stands in ``values`` for each row: one for each different cell, and one more for empty cells."""
        return pd.Series(values[self.codes], index=self.index, dtype=values.dtype)

    def empty(self) -> Mask:
        return np.asarray(self.codes < 0)

    def where(self, test: Callable[[str], bool]) -> Mask:
        """Whether each cell passes ``test``; an empty one does not."""
        return np.array([*map(test, self.values), False], dtype=bool)[self.codes]


def where(text: pd.Series, test: Callable[[str], bool]) -> pd.Series:
    """Whether each cell passes ``test``; an empty one does not. Tests each different text once."""
    return pd.Series(Different(text).where(test), index=text.index)


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="surrogateescape")
    if isinstance(value, float | np.floating | Decimal) and abs(number := float(value)) < 1e15 and number % 1 == 0:
        value = int(number)
    text = str(value).strip()
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) != "Cf").strip()
    if "  " in text or not text.isascii():
        text = _BLANKS.sub(" ", text)
    if "\n" in text or "\r" in text:  # of Parquet; in CSV a row is a line
        text = _LINE_BREAKS.sub(" ", text)
    if AS_FLOAT.fullmatch(text):
        text = text[:-2]
    return text or None


def _is_long(cell: str) -> bool:
    return len(cell) > MOST_CHARACTERS


def _has_unfit(cell: str) -> bool:
    return UNFIT.search(cell) is not None


def shown(value: object) -> str:
    """A cell as the planner wrote it, cut to a length that fits a sentence."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return "an empty cell"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, np.generic):
        value = value.item()
    text = f"{value:g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 60 else f"{text[:56]}...'"


def _may_be_thousands(column: Column, cell: str) -> bool:
    if not THOUSANDS.fullmatch(cell):
        return False
    return column.type == "integer" or column.most is None or float(cell.replace(".", "")) <= column.most


class Typing:
    """Turns one table's cells into the declared types; those of type text have been through ``as_text``.

    ``problems`` lists every cell that is not possible, ``remarks`` every number that is possible and unusual.
    """

    def __init__(self, table: Table, file: str, frame: pd.DataFrame) -> None:
        self.table, self.file, self.frame = table, file, frame
        self.problems: list[Problem] = []
        self.remarks: list[Problem] = []
        self._codes: dict[str, NDArray[np.intp]] = {}
        for column in table.columns:
            raw = frame[column.name]
            is_typed = raw.dtype.kind in STORED_AS[column.type]
            cells = Different(raw if is_typed or column.type == "text" else as_text(raw))
            self._convert(column, raw, cells, is_typed=is_typed)
        self._unique()

    def _report(self, mask: Mask, column: str | None, what: str | None, allowed: str) -> None:
        if not mask.any():
            return
        values = self.frame[column].copy() if column else None

        def make(at: int, row: int) -> Problem:
            told = what if what or values is None else f"{shown(values.iloc[at])} is not possible"
            return Problem(self.file, row, column, str(told), allowed)

        self.problems += listed(mask, self.frame["row"], make, self.file)

    def _convert(self, column: Column, raw: pd.Series, cells: Different, *, is_typed: bool) -> None:
        """Writes the values of the column's type into the frame; a cell that is none is empty there, and a problem."""
        empty = cells.empty()
        if not column.nullable and not column.optional:
            self._report(empty, column.name, "it is empty", column.meaning)
        if is_typed:
            unfit = np.zeros(len(raw), dtype=np.bool_)
        else:
            hidden, long = cells.where(_has_unfit), cells.where(_is_long)
            self._report(hidden, column.name, "it holds a control character", "plain text")
            self._report(long & ~hidden, column.name, f"it has over {MOST_CHARACTERS:,} characters", "a shorter text")
            unfit = hidden | long
        if column.type in ("integer", "number"):
            numbers = np.asarray(raw.astype("float64"), np.float64) if is_typed else self._numbers(column, cells)
            self._number(column, numbers, empty | unfit)
        elif column.type == "date":
            self._date(column, raw if is_typed else None, cells, empty | unfit)
        elif column.type == "boolean":
            if not is_typed:
                self._boolean(column, cells, empty | unfit)
        else:
            self._codes[column.name] = cells.codes
            failed = cells.where(lambda cell: SHEET_ERROR.fullmatch(cell) is not None)
            self._report(failed, column.name, None, f"a value, not the error of a formula: {column.meaning}")
            if column.is_name:
                self._one_spelling(column.name, raw, cells)
            if column.allowed:
                wrong = cells.where(lambda cell: cell not in column.allowed) & ~unfit
                self._report(wrong, column.name, None, f"one of {', '.join(column.allowed)}")

    def _boolean(self, column: Column, cells: Different, passed: Mask) -> None:
        wrong = cells.where(lambda cell: cell.casefold() not in ("true", "false")) & ~passed
        self._report(wrong, column.name, None, f"true or false: {column.meaning}")
        lower = cells.each(np.array([*(cell.casefold() for cell in cells.values), None], dtype=object))
        self.frame[column.name] = lower if (wrong | passed).any() else (lower == "true").astype(bool)

    @staticmethod
    def _numbers(column: Column, cells: Different) -> NDArray[np.float64]:
        """The numbers that stand in texts; missing where a text is none, or may mean another one by a thousand."""
        form = WHOLE_NUMBER if column.type == "integer" else PLAIN_NUMBER
        plain = [
            cell if form.fullmatch(cell) and not _may_be_thousands(column, cell) else None for cell in cells.values
        ]
        numbers = pd.to_numeric(pd.Series([*plain, None], dtype=object)).to_numpy(dtype=np.float64)
        return np.asarray(numbers[cells.codes])

    def _number(self, column: Column, numbers: NDArray[np.float64], passed: Mask) -> None:
        """Numbers of a range. A cell that may mean another number by a thousand is a problem, never a guess."""
        name, is_whole = column.name, column.type == "integer"
        kind = "a whole number" if is_whole else "a number with a point for decimals"
        allowed = ", ".join(part for part in (kind, bounds(column), column.meaning) if part)
        wrong = ~passed & ~(np.isfinite(numbers) & (numbers == np.floor(numbers)) if is_whole else np.isfinite(numbers))
        numbers = np.where(wrong | passed, np.nan, numbers)
        if column.least is not None:
            wrong |= (numbers <= column.least) if column.is_above_least else (numbers < column.least)
        if column.finest is not None:
            wrong |= (numbers != column.least) & (numbers < column.finest)
        if column.most is not None:
            wrong |= numbers > column.most
        self._report(wrong, name, None, allowed)
        if column.usual:
            self._unusual(name, numbers, wrong, *column.usual)
        is_complete = is_whole and not (wrong | np.isnan(numbers)).any()
        self.frame[name] = numbers.astype("int64") if is_complete else numbers

    def _unusual(self, name: str, numbers: NDArray[np.float64], wrong: Mask, low: float, high: float) -> None:
        def make(at: int, row: int) -> Problem:
            what = f"{shown(float(numbers[at]))} is unusual for {name}"
            return Problem(self.file, row, name, what, f"usual: {low:g} to {high:g}")

        odd = ~wrong & ((numbers < low) | (numbers > high))
        self.remarks += listed(odd, self.frame["row"], make, self.file)

    def _date(self, column: Column, moments: pd.Series | None, cells: Different, passed: Mask) -> None:
        """Days, from moments or from texts. A moment with a time zone is the day that it is here; an end in the year
        9999 is an open end."""
        if moments is None:
            whole = [cell[:10] if WHOLE_DATE.fullmatch(cell) else None for cell in cells.values]
            read = pd.to_datetime(pd.Series([*whole, None], dtype=object), format="%Y-%m-%d", errors="coerce")
            days = cells.each(read.to_numpy())
            is_open = cells.where(lambda cell: column.nullable and cell.startswith(OPEN_END))
        else:
            if isinstance(moments.dtype, pd.DatetimeTZDtype):
                moments = moments.dt.tz_convert(LOCAL_ZONE).dt.tz_localize(None)
            days = moments.dt.normalize()
            is_open = (days.dt.strftime("%Y-%m-%d").eq(OPEN_END) & column.nullable).to_numpy(dtype=np.bool_)
        wrong = ~passed & ~is_open & ~days.between(FIRST_DAY, LAST_DAY).to_numpy(dtype=np.bool_)
        allowed = f"a date from {FIRST_DAY.year} to {LAST_DAY.year}, YYYY-MM-DD: {column.meaning}"
        self._report(wrong, column.name, None, allowed)
        self.frame[column.name] = days.where(~wrong & ~passed & ~is_open).astype("datetime64[us]")

    def _one_spelling(self, column: str, names: pd.Series, cells: Different) -> None:
        """Of names that differ in capitals only each row with another spelling than the first."""
        if len({name.casefold() for name in cells.values}) == len(cells.values):
            return
        folded = names.str.casefold()
        first = folded.map(names.groupby(folded).first())

        def problem(at: int, row: int) -> Problem:
            what = f"{shown(names.iloc[at])} differs only in capitals from {shown(first.iloc[at])}"
            return Problem(self.file, row, column, what, "one spelling per name")

        self.problems += listed(names.notna() & (names != first), self.frame["row"], problem, self.file)

    def _unique(self) -> None:
        """Rows with the key of an earlier one. Those of a replaced postcode may: they are added up later."""
        counted = np.ones(len(self.frame), dtype=bool)
        if "replaced" in self.frame:
            counted = ~self.frame.pop("replaced").to_numpy(dtype=bool)
        key, most = np.zeros(len(self.frame), dtype=np.int64), 1
        for name in self.table.key:
            codes = self._codes[name] if name in self._codes else Different(self.frame[name]).codes
            different = int(codes.max(initial=-1)) + 2
            if most * different > np.iinfo(np.int64).max:
                key, most = pd.factorize(key)[0], len(key)
            key, most = key * different + codes + 1, most * different
        double = np.zeros(len(self.frame), dtype=np.bool_)
        double[counted] = pd.Series(key[counted]).duplicated().to_numpy()
        self._report(double, None, f"the same {', '.join(self.table.key)} as an earlier row", "each once")
