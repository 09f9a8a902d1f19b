"""CSV files read cell by cell: text, names and plain numbers, or a fault with file, row and column.

Knows nothing of what the columns mean. Nothing doubtful is guessed: what is not plain is a fault, what is plain and
unusual a remark.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from allocation.districting.problem import Floats

LARGEST_FILE = 2**30  # bytes
SHOWN = 10  # faults of one kind in one file before the rest is only counted
PLAIN = re.compile(r"[0-9.+\-eE \t]*")
THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")
BLANK = re.compile(r"\s")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\ufffe\uffff]")


@dataclass
class Findings:
    """What is wrong (``faults``) and what is unusual but possible (``remarks``), as sentences with their place."""

    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def capped(self, sentences: Sequence[str], what: str) -> None:
        """Add sentences of one kind: the first ones, and how many more there are of ``what``."""
        self.faults += sentences[:SHOWN]
        if len(sentences) > SHOWN:
            self.faults.append(f"{what}: {len(sentences) - SHOWN} more faults of this kind.")


@dataclass(frozen=True)
class Range:
    """Plausible values of a number, and its unit as it stands behind a number."""

    least: float
    most: float
    unit: str
    smallest: float = 0.0  # least size of a value other than 0

    @property
    def rule(self) -> str:
        return f"a plain number from {self.least:g} to {self.most:g}{self.unit} is needed"

    def holds(self, values: Floats) -> bool:
        """Whether every value is within the range; not a number never is."""
        size = np.abs(values)
        return bool(((values >= self.least) & (values <= self.most) & ((size >= self.smallest) | (size == 0))).all())


def name_of(text: str) -> str:
    """A name as it is compared: without blanks around it, one blank inside, composed accents."""
    plain = " ".join(text.split())
    return plain if plain.isascii() else unicodedata.normalize("NFC", plain)


def meant(name: str, known: Iterable[str]) -> str:
    """What was probably meant by an unknown name, as the end of a sentence; empty when nothing is like it."""
    by_fold = {one.casefold(): one for one in known}
    like = difflib.get_close_matches(name.casefold(), by_fold, 1, 0.75)
    return f"; was {by_fold[like[0]]} meant?" if like else ""


def shown(text: str) -> str:
    """A cell as part of a sentence: short, and without characters that a terminal obeys."""
    short = text if len(text) <= 60 else f"{text[:57]}..."
    return "'" + "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in short) + "'"


def read_text(path: Path, findings: Findings) -> str | None:
    """The text of a file in UTF-8, with or without a byte order mark; None, and a fault, when it has none."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            findings.faults.append(f"{path.name}: is larger than {LARGEST_FILE // 2**20} MB.")
            return None
        data = path.read_bytes()
    except OSError as error:
        other = meant(path.name, _names_in(path.parent)) if isinstance(error, FileNotFoundError) else ""
        findings.faults.append(f"{path.name}: cannot be read ({error.strerror}){other or '.'}")
        return None
    except ValueError as error:  # a NUL in the path
        findings.faults.append(f"{path.name}: cannot be read ({error}).")
        return None
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        findings.faults.append(f"{path.name}: is in UTF-16; UTF-8 is needed.")
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        findings.faults.append(f"{path.name}, row {row}: has a character that is not in UTF-8.")
        return None
    if (control := CONTROL.search(text)) is not None:
        row = text[: control.start()].count("\n") + 1
        findings.faults.append(f"{path.name}, row {row}: has a control character {shown(control.group())}.")
        return None
    return text


def _names_in(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir()]
    except OSError:
        return []


class Table:
    """One CSV file by column; every fault goes to ``findings``.

    needed, optional  the columns that are known; others are faults unless ``more`` is True, and then only those that
                      look like a known one
    """

    def __init__(
        self,
        path: Path,
        needed: tuple[str, ...],
        findings: Findings,
        optional: tuple[str, ...] = (),
        more: bool = False,
    ) -> None:
        self.name, self.findings = path.name, findings
        self.rows = 0
        self.cells: dict[str, list[str]] = {}
        self._line: list[int] | None = None  # of each row, where lines are empty
        text = read_text(path, findings)
        if text is None:
            return
        if not text.strip():
            findings.faults.append(f"{self.name}: is empty; needed are the columns {', '.join(needed)}.")
            return
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            columns = [name_of(cell) for cell in next(reader)]
            if not self._header_is_known(columns, needed, optional, more):
                return
            cells = self._by_column(reader, len(columns))
        except csv.Error as error:
            why = "an open quote" if "unexpected end" in str(error) else str(error)
            findings.faults.append(f"{self.name}, row {reader.line_num}: is not CSV ({why}).")
            return
        if cells is not None:
            self.cells = dict(zip(columns, cells, strict=True))
            self.rows = len(cells[0])

    def _header_is_known(
        self, columns: list[str], needed: tuple[str, ...], optional: tuple[str, ...], more: bool
    ) -> bool:
        if not columns:
            self.findings.faults.append(f"{self.name}, row 1: is empty; the header is needed there.")
            return False
        if len(columns) == 1 and ";" in columns[0]:
            self.findings.faults.append(f"{self.name}, row 1: columns are separated by semicolons; commas are needed.")
            return False
        known = (*needed, *optional)
        faults = []
        for at, column in enumerate(columns):
            where = f"{self.name}, column {column or at + 1}"
            if not column:
                faults.append(f"{where}: has no name in the header.")
            elif column in columns[:at]:
                faults.append(f"{where}: occurs more than once.")
            elif column not in known:
                hint = meant(column, [name for name in known if name not in columns])
                if hint or not more:
                    faults.append(f"{where}: is not known{hint or '; known are ' + ', '.join(known) + '.'}")
        missing = [column for column in needed if column not in columns]
        faults += [f"{self.name}, column {c}: is missing; needed are {', '.join(needed)}." for c in missing]
        self.findings.faults += faults
        return not faults

    def _by_column(self, reader: Any, width: int) -> list[list[str]] | None:
        """The cells of each column, lines without any text left out; None when a line has another number of cells.

        Some lines at a time: a list that is kept for each of a million lines makes the garbage collector take most of
        the time.
        """
        columns: list[list[str]] = [[] for _ in range(width)]
        faults: list[str] = []
        lines: list[int] = []
        rows, is_even = 1, True

        def filled() -> Iterable[list[str]]:
            nonlocal rows, is_even
            for cells in reader:
                rows += 1
                if not cells:
                    is_even = False
                    continue
                if len(cells) != width:
                    faults.append(self._width_fault(reader.line_num, cells, width))
                    continue
                lines.append(reader.line_num)
                yield cells

        source = iter(filled())
        while some := list(islice(source, 10_000)):
            for column, cells in zip(columns, zip(*some, strict=True), strict=True):
                column.extend(cells)
        if reader.line_num != rows:
            is_even = False
            faults += self._broken_cells(columns, lines)
        faults += self._half_quoted(columns, lines)
        self.findings.capped(faults, self.name)
        self._line = None if is_even else lines
        return None if faults else columns

    def _width_fault(self, line: int, cells: list[str], width: int) -> str:
        where = f"{self.name}, row {line}"
        if len(cells) == 1 and not cells[0].strip():
            return f"{where}: has blanks only."
        why = ""
        if len(cells) > width:
            why = (
                "; the last is empty."
                if not cells[-1].strip()
                else "; a decimal comma, or text with a comma, unquoted?"
            )
        return f"{where}: has {len(cells)} cells where the header has {width}{why or '.'}"

    def _broken_cells(self, columns: list[list[str]], lines: list[int]) -> list[str]:
        """A line break within quotes is nearly always an open quote that has swallowed rows."""
        return [
            f"{self.name}, row {line}: a cell holds a line break; is a quote open?"
            for line, cells in zip(lines, zip(*columns, strict=True), strict=True)
            if any("\n" in cell or "\r" in cell for cell in cells)
        ]

    def _half_quoted(self, columns: list[list[str]], lines: list[int]) -> list[str]:
        """A quote at one side of a name makes another name of it."""
        return [
            f"{self.name}, row {line}: {cell!r} has a quote without a partner."
            for column in columns
            if '"' in "".join(column)
            for line, cell in zip(lines, column, strict=True)
            if cell.count('"') % 2
        ]

    def has(self, *columns: str) -> bool:
        return all(c in self.cells for c in columns)

    def row(self, at: int) -> int:
        """Row ``at`` (from 0) as a person counts: the header is row 1."""
        return at + 2 if self._line is None else self._line[at]

    def text(self, column: str) -> list[str]:
        """The names in a column; none when the file could not be read."""
        cells = self.cells.get(column, [])
        together = "".join(cells)
        if together.isascii() and not BLANK.search(together):
            return cells
        name = {cell: name_of(cell) for cell in set(cells)}
        return [name[cell] for cell in cells]

    def place(self, at: int, column: str) -> str:
        return f"{self.name}, row {self.row(at)}, column {column}"

    def faults(self, column: str, found: Iterable[tuple[int, str]]) -> None:
        """A fault for each (row, sentence) of a column."""
        sentences = [f"{self.place(at, column)}: {text}" for at, text in found]
        self.findings.capped(sentences, f"{self.name}, column {column}")

    def each(self, column: str, read: Callable[[str], Any], rule: str) -> list[Any]:
        """One value per row; what ``read`` refuses is a fault that states the rule, and is None."""
        cells = self.text(column)
        try:
            return [read(text) for text in cells]
        except (ValueError, KeyError):  # again, to name every fault
            out: list[Any] = []
        wrong = []
        for at, text in enumerate(cells):
            try:
                out.append(read(text))
            except (ValueError, KeyError):
                wrong.append((at, f"{shown(text)} is not allowed; {rule}."))
                out.append(None)
        self.faults(column, wrong)
        return out

    def numbers(self, column: str, allowed: Range) -> Floats:
        """(rows,) plain numbers within a range; 0 where there is a fault."""
        cells = self.cells.get(column, [])
        try:
            if PLAIN.fullmatch("".join(cells)):
                found = np.array([float(cell) for cell in cells], dtype=np.float64)
                if allowed.holds(found):
                    self._remark_thousands(column, cells)
                    return found
        except (ValueError, OverflowError):
            pass  # the faults are named below

        def number(text: str) -> float:
            if not PLAIN.fullmatch(text) or not allowed.holds(np.array([float(text)])):
                raise ValueError(text)
            return float(text)

        values = self.each(column, number, allowed.rule)
        return np.array([0.0 if v is None else v for v in values], dtype=np.float64)

    def _remark_thousands(self, column: str, cells: list[str]) -> None:
        """``1.200`` between whole numbers may be meant as twelve hundred."""
        if not cells or not any(len(cell) > 4 and cell[-4] == "." for cell in cells[:100_000]):
            return
        fractions = [cell.strip() for cell in cells if "." in cell]
        if len(fractions) < len(cells) and all(THOUSANDS.fullmatch(cell) for cell in fractions):
            at = next(i for i, cell in enumerate(cells) if "." in cell)
            self.findings.remarks.append(
                f"{self.place(at, column)}: {shown(cells[at])} between whole numbers is read as {float(cells[at]):g}, "
                "not as thousands."
            )

    def names(self, column: str) -> tuple[str, ...]:
        """The names in a column, each once and none empty."""
        values = self.text(column)
        if all(values) and len(set(values)) == len(values):
            return tuple(values)
        first: dict[str, int] = {}
        wrong = []
        for at, value in enumerate(values):
            if not value:
                wrong.append((at, "'' is not allowed; a name is needed."))
            elif first.setdefault(value, at) != at:
                wrong.append((at, f"{shown(value)} occurs more than once (row {self.row(first[value])})."))
        self.faults(column, wrong)
        return tuple(values)
