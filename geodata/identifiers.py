"""Identifiers and counts as text: the one place that reads a code, a name or a whole number from a cell.

A cell comes as its source stores it: text with blanks around it (CBS pads codes), whole numbers, whole numbers that
became floats because a cell beside them is empty, decimals, or bytes.
"""

from __future__ import annotations

import decimal
import math
import re
import unicodedata
from typing import Any

import numpy as np
import pandas as pd

from geodata.errors import GeodataError, shown

UNPUBLISHED_TO = -99_990
"""CBS writes -99997 (0 to 4, or suppressed) and -99995 (not published): missing, neither a count nor nobody."""
MOST_INHABITANTS = 1_000_000
"""No postcode area has more; the largest has some 30,000."""

_WHOLE_FLOAT = re.compile(r"([0-9]{1,15})\.00?")
_COUNT = re.compile(r"-?[0-9]{1,9}")
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}([. ])[0-9]{3}(?:\1[0-9]{3})*")


def identifiers(column: pd.Series, where: str) -> pd.Series:
    """``column`` as text, missing where a cell is empty; on the same index.

    A letter with its accent is one character, however a program wrote it. Blanks around the text, no-break spaces and
    marks without width included, are taken off and those inside are made one; a whole float is the whole number that it
    was (3511.0 is '3511').
    Raises GeodataError, with ``where`` and the row (the first is 1), on a control character or a lone surrogate.
    """
    cells = [_identifier(cell, where, row) for row, cell in enumerate(column.array, start=1)]
    return pd.Series(cells, index=column.index, name=column.name, dtype="str")


def _identifier(cell: Any, where: str, row: int) -> str | None:
    if isinstance(cell, bytes):
        try:
            cell = cell.decode("utf-8")
        except UnicodeDecodeError as error:
            raise GeodataError(f"{where}, row {row}: bytes that are not text in UTF-8.") from error
    if not isinstance(cell, str):
        if cell is None or (pd.api.types.is_scalar(cell) and pd.isna(cell)):
            return None
        if isinstance(cell, float | np.floating | decimal.Decimal) and math.isfinite(cell) and cell == int(cell):
            return str(int(cell))
        cell = str(cell)
    text = " ".join(unicodedata.normalize("NFC", cell).split())
    kinds = [unicodedata.category(character) for character in text]
    if "Cc" in kinds or "Cs" in kinds:
        raise GeodataError(f"{where}, row {row}: {shown(text)} holds a character that is not text.")
    if "Cf" in kinds:
        text = "".join(character for character, kind in zip(text, kinds, strict=True) if kind != "Cf").strip()
    match = _WHOLE_FLOAT.fullmatch(text)
    return (match[1] if match else text) or None


def counts(column: pd.Series, where: str) -> tuple[pd.Series, int]:
    """``column`` as whole numbers (Int64, missing where not published), and how many had points or blanks in them.

    A point or blank before each three digits is a thousands separator: '1.000' is 1000, never 1.
    Raises GeodataError with the row of the first cell that is no count of people.
    """
    texts = identifiers(column, where)
    values: list[int | None] = []
    grouped = 0
    for row, text in enumerate(texts.array, start=1):
        if pd.isna(text):
            values.append(None)
            continue
        has_thousands = _THOUSANDS.fullmatch(text) is not None
        grouped += has_thousands
        digits = text.replace(".", "").replace(" ", "") if has_thousands else text
        number = int(digits) if _COUNT.fullmatch(digits) else None
        if number is None or not (0 <= number <= MOST_INHABITANTS or number <= UNPUBLISHED_TO):
            raise GeodataError(
                f"{where}, row {row}: {shown(text)} is no count; a whole number from 0 to {MOST_INHABITANTS} is needed "
                "(or the -99997 and -99995 of CBS)."
            )
        values.append(number if number >= 0 else None)
    return pd.Series(values, index=column.index, name=column.name, dtype="Int64"), grouped


def metres(column: pd.Series, where: str) -> pd.Series:
    """``column`` as coordinates (floats, missing where empty). Raises GeodataError with the row of what is none."""
    texts = identifiers(column, where)
    values = pd.to_numeric(texts, errors="coerce").astype("float64")
    wrong = np.flatnonzero(texts.notna().to_numpy() & ~np.isfinite(values.to_numpy()))
    if len(wrong):
        text = shown(texts.iloc[wrong[0]])
        raise GeodataError(f"{where}, row {wrong[0] + 1}: {text} is no coordinate; a plain number is needed.")
    return values
