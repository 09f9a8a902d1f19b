"""The cells of a table as they stand -> values of the declared types, or a problem for each cell that is none.

Belongs here: what one cell may be, from the declaration of its column alone (type, range, allowed values), and rows
that occur twice. Does not belong here: the form of a file (``reading``), and checks between tables (``checks``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pandas as pd

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
_BLANKS = re.compile(r"[^\S\n\r]+")
AS_FLOAT = re.compile(r"-?[0-9]+\.0", re.ASCII)
"""A code of digits that went through a program which knows empty cells only beside floats."""
INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Characters that no text has: control characters, halves of a surrogate pair."""
MOST_CHARACTERS = 1_000
SHEET_ERROR = re.compile(
    r"#(REF!|N/A|NAME\?|DIV/0!|VALUE!|NUM!|NULL!|VERW!|N/B|NAAM\?|DEEL/0!|WAARDE!|GETAL!|LEEG!)", re.IGNORECASE
)
"""What Excel writes, in English and Dutch, where a formula has no value."""


def as_text(cells: pd.Series) -> pd.Series:
    """Cells as trimmed text, None where empty: the one way in which identifiers, names and codes are read.

    Blanks inside are one blank each, and a letter with its accent is one character, however a program wrote it. Whole
    numbers have no decimals, also where an empty cell elsewhere in the column made them floats.
    """
    given = cells.astype(object)
    codes, values = pd.factorize(given, use_na_sentinel=True)
    texts = [_text(value) for value in values]
    return pd.Series(np.array([*texts, None], dtype=object)[codes], index=cells.index, dtype=object)


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="surrogateescape")
    if isinstance(value, float | np.floating | Decimal) and abs(number := float(value)) < 1e15 and number % 1 == 0:
        value = int(number)
    text = str(value).strip().strip(INVISIBLE).strip()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "  " in text or not text.isascii():
        text = _BLANKS.sub(" ", text)
    if AS_FLOAT.fullmatch(text):
        text = text[:-2]
    return text or None


def where(text: pd.Series, test: Callable[[str], bool]) -> pd.Series:
    """Whether each cell passes ``test``; an empty one does not. Tests each different text once."""
    codes, values = pd.factorize(text, use_na_sentinel=True)
    passed = np.array([*map(test, values), False], dtype=bool)
    return pd.Series(passed[codes], index=text.index)


def _is_unfit(cell: str) -> bool:
    return len(cell) > MOST_CHARACTERS or UNFIT.search(cell) is not None


def shown(value: object) -> str:
    """A cell as the planner wrote it, cut to a length that fits a sentence."""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, np.generic):
        value = value.item()
    text = f"{value:g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 60 else f"{text[:56]}...'"


class Typing:
    """Turns one table's cells into the declared types; those of type text have been through ``as_text``.

    ``problems`` lists every cell that is not possible, ``remarks`` every number that is possible and unusual.
    """

    def __init__(self, table: Table, file: str, frame: pd.DataFrame) -> None:
        self.table, self.file, self.frame = table, file, frame
        self.problems: list[Problem] = []
        self.remarks: list[Problem] = []
        for column in table.columns:
            raw = frame[column.name]
            text = raw if column.type == "text" or raw.dtype.kind in "iufM" else as_text(raw)
            empty = text.isna()
            if not column.nullable and not column.optional:
                self._report(empty, column.name, "it is empty", column.meaning)
            unfit = where(text, _is_unfit) if text.dtype == object else empty & False
            self._report(unfit, column.name, "a control character, or a very long text", "plain text")
            if column.type == "text":
                failed = where(text, lambda cell: SHEET_ERROR.fullmatch(cell) is not None)
                self._report(failed, column.name, None, f"a value, not the error of a formula: {column.meaning}")
            self._convert(column, raw, text, empty, unfit)
        self._unique()

    def _report(self, mask: pd.Series, column: str | None, what: str | None, allowed: str) -> None:
        values = self.frame[column].copy() if column else None

        def make(at: int, row: int) -> Problem:
            told = what if what or values is None else f"{shown(values.iloc[at])} is not possible"
            return Problem(self.file, row, column, str(told), allowed)

        self.problems += listed(mask, self.frame["row"], make, self.file)

    def _convert(self, column: Column, raw: pd.Series, text: pd.Series, empty: pd.Series, unfit: pd.Series) -> None:
        if column.type in ("integer", "number"):
            self._number(column, raw, text, empty | unfit)
        elif column.type == "date":
            self._date(column, raw, text, empty | unfit)
        elif column.type == "boolean":
            lower = text.str.lower()
            wrong = ~empty & ~unfit & ~lower.isin(["true", "false"])
            self._report(wrong, column.name, None, f"true or false: {column.meaning}")
            is_known = not (wrong | empty | unfit).any()
            self.frame[column.name] = (lower == "true").astype(bool) if is_known else lower
        else:
            self.frame[column.name] = text
            if column.is_name:
                self._one_spelling(column.name, text)
            if column.allowed:
                wrong = ~empty & ~unfit & ~text.isin(column.allowed)
                self._report(wrong, column.name, None, f"one of {', '.join(column.allowed)}")

    def _number(self, column: Column, raw: pd.Series, text: pd.Series, passed: pd.Series) -> None:
        """Numbers of a range. A cell that may mean another number by a thousand is a problem, never a guess."""
        name, is_whole = column.name, column.type == "integer"
        kind = "a whole number" if is_whole else "a number with a point for decimals"
        allowed = ", ".join(part for part in (kind, bounds(column), column.meaning) if part)
        if raw.dtype.kind in "iuf":
            numbers = raw.astype("float64").where(~passed)
            wrong = ~passed & (~np.isfinite(numbers) | (is_whole & (numbers % 1 != 0)))
        else:
            form = WHOLE_NUMBER if is_whole else PLAIN_NUMBER
            fits = where(text, lambda cell: form.fullmatch(cell) is not None)
            numbers = pd.to_numeric(text.where(fits & ~passed), errors="coerce").astype("float64")
            wrong = ~passed & ~(fits & np.isfinite(numbers))
            wrong |= ~passed & self._may_be_thousands(column, text)
        numbers = numbers.where(~wrong)
        if column.least is not None:
            wrong |= (numbers <= column.least) if column.is_above_least else (numbers < column.least)
        if column.most is not None:
            wrong |= numbers > column.most
        self._report(wrong, name, None, allowed)
        if column.usual:
            low, high = column.usual
            odd = ~wrong & numbers.notna() & ~numbers.between(low, high)
            what = f"{{}} is unusual for {name}"
            self.remarks += listed(
                odd,
                self.frame["row"],
                lambda at, row: Problem(
                    self.file, row, name, what.format(shown(numbers.iloc[at])), f"usual: {low:g} to {high:g}"
                ),
                self.file,
            )
        is_complete = is_whole and not (wrong | numbers.isna()).any()
        self.frame[name] = numbers.astype("int64") if is_complete else numbers

    def _may_be_thousands(self, column: Column, text: pd.Series) -> pd.Series:
        def doubtful(cell: str) -> bool:
            if not THOUSANDS.fullmatch(cell):
                return False
            return column.type == "integer" or column.most is None or float(cell.replace(".", "")) <= column.most

        return where(text, doubtful)

    def _date(self, column: Column, raw: pd.Series, text: pd.Series, passed: pd.Series) -> None:
        """Days. A moment with a time zone is the day that it is here; an end in the year 9999 is an open end."""
        if isinstance(raw.dtype, pd.DatetimeTZDtype):
            days = raw.dt.tz_convert(LOCAL_ZONE).dt.tz_localize(None).dt.normalize()
        elif raw.dtype.kind == "M":
            days = raw.dt.normalize()
        else:
            whole = text.astype("string").where(where(text, lambda cell: WHOLE_DATE.fullmatch(cell) is not None))
            days = pd.to_datetime(whole.str[:10], format="%Y-%m-%d", errors="coerce")
        ends = days.dt.strftime("%Y-%m-%d") if text.dtype.kind == "M" else text
        is_open = where(ends, lambda cell: column.nullable and cell.startswith(OPEN_END))
        wrong = ~passed & ~is_open & ~days.between(FIRST_DAY, LAST_DAY)
        allowed = f"a date from {FIRST_DAY.year} to {LAST_DAY.year}, YYYY-MM-DD: {column.meaning}"
        self._report(wrong, column.name, None, allowed)
        self.frame[column.name] = days.where(~wrong & ~passed & ~is_open).astype("datetime64[us]")

    def _one_spelling(self, column: str, names: pd.Series) -> None:
        """Of names that differ in capitals only each row with another spelling than the first."""
        folded = names.str.casefold()
        first = folded.map(names.groupby(folded).first())

        def problem(at: int, row: int) -> Problem:
            what = f"{shown(names.iloc[at])} differs only in capitals from {shown(first.iloc[at])}"
            return Problem(self.file, row, column, what, "one spelling per name")

        self.problems += listed(names.notna() & (names != first), self.frame["row"], problem, self.file)

    def _unique(self) -> None:
        rows = self.frame
        if "replaced" in rows:  # two postcodes may count for one: their rows are added up later
            rows = rows[~rows.pop("replaced").astype(bool)]
        double = rows.duplicated(list(self.table.key), keep="first").reindex(self.frame.index, fill_value=False)
        self._report(double, None, f"the same {', '.join(self.table.key)} as an earlier row", "each once")
