"""The input folder -> typed frames, or a list of everything that is wrong with it.

Belongs here: reading the input files (``input_tables.INPUTS``) and every check that needs only the files themselves,
the list of postcodes and the configuration. All problems are collected; nothing is repaired silently.
Does not belong here: what the counts mean for teams (``demand``), and statistical checks (``expectations``).
"""

from __future__ import annotations

import codecs
import hashlib
import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from allocation.contract import input_tables, schema, vocabulary
from allocation.contract.config import Config
from allocation.contract.errors import InputRefused, Problem
from allocation.contract.schema import Table
from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES, PW_LAW
from allocation.intake.locks import Served, contradictions
from allocation.intake.offices import DOUBT_COLUMNS, office_doubts
from allocation.intake.roster import KINDS_WITH_AREA, able_teams, active_locks, join_regions, why_unable
from allocation.runs.run_files import FrameFile

log = logging.getLogger(__name__)

MOST_PER_CHECK = 20
"""Problems listed per check; the rest is counted in one closing line."""
MONTHS_NEEDED = 12
STAND_IN_SHARE = 0.05
"""More clients than this at postcodes that only have a stand-in means that the counts are of another edition."""
WHOLE_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]00:00(:00(\.0+)?)?)?")
"""A day; without month or day it is no date, and pandas would take the first. Midnight is what Parquet may add."""
PC4 = re.compile(r"[1-9][0-9]{3}")
LOCK_AREA = re.compile(r"(?P<pc4>[1-9][0-9]{3})(?:(?P<first>[A-Z]{2})(?:-(?P=pc4)(?P<last>[A-Z]{2}))?)?")

REPLACED_COLUMNS = ("pc4", "stand_in", "detail", "action")
FULL_COLUMNS = ("pc4", "pc6", "inhabitants")

Mask = "pd.Series[bool]"


@dataclass(frozen=True)
class Inputs:
    """The checked input: one typed frame per file; an absent optional file is an empty frame.

    ``inflow.pw_client`` and ``stock.pw_client`` are boolean in every row.
    Added to the contract's columns: ``teams.regions`` and ``clusters.region`` (region numbers), ``locks.area``
    (the PC4 of the lock), ``locks.pc6_from``/``pc6_to``, ``stock.pc4_in_file`` (before it was replaced), and ``row``
    (spreadsheet row) in the planners' files.
    ``replaced``: postcodes without an area: pc4, stand_in, and detail and action in Dutch for the report.
    ``office_doubts``: what may be a typing error in an office, as ``offices.office_doubts`` gives it.
    ``full_postcodes``: pc4, pc6, inhabitants (missing = not published) of areas that are split at PC6, where known.
    """

    inflow: pd.DataFrame
    stock: pd.DataFrame
    products: pd.DataFrame
    teams: pd.DataFrame
    clusters: pd.DataFrame
    locks: pd.DataFrame
    care_regions: pd.DataFrame
    current: pd.DataFrame
    replaced: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(REPLACED_COLUMNS), dtype=object))
    office_doubts: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(DOUBT_COLUMNS), dtype=object))
    full_postcodes: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(FULL_COLUMNS), dtype=object))

    @property
    def reference_date(self) -> date:
        """The date of the stock count."""
        return pd.Timestamp(self.stock["reference_date"].iloc[0]).date()

    def planning_date(self, config: Config, today: date) -> date:
        """The first day of the new division: as configured, else today, but never before the stock was counted."""
        return config.valid_from or max(today, self.reference_date)

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for one in fields(self):
            getattr(self, one.name).to_parquet(folder / f"{one.name}.parquet", index=False)

    @classmethod
    def read(cls, folder: Path) -> Inputs:
        """Inverse of ``write``. What was written before a column existed gets it as an input without it would."""
        frames = {f.name: FrameFile(f"{f.name}.parquet", "inputs").read(folder) for f in fields(cls)}
        laws = dict(zip(frames["products"]["product"], frames["products"]["law"], strict=True))
        for table in (input_tables.INFLOW, input_tables.STOCK):
            if "pw_client" not in frames[table.name]:
                frames[table.name]["pw_client"] = frames[table.name]["product"].map(laws) == PW_LAW
        for table in input_tables.INPUTS:
            for column in table.columns:
                if column.optional and column.name not in frames[table.name]:
                    frames[table.name][column.name] = None
        return cls(**frames)


def load_inputs(
    folder: Path,
    areas: pd.DataFrame,
    config: Config,
    followed: Mapping[str, str] = MappingProxyType({}),
    today: date | None = None,
    teams_in_force: Collection[str] = (),
) -> Inputs:
    """Read and check the input folder.

    Parameters
    ----------
    folder : one file per table of ``input_tables.INPUTS``, as CSV or Parquet.
    areas : one row per existing postcode; needs ``pc4``, ``arbeidsmarktregio_nr`` and ``arbeidsmarktregio``.
    followed : postcodes of an older edition that are gone -> the postcode in their place.
    today : teams and locks are checked for the planning date that follows from it; None = the day of the stock.
    teams_in_force : teams of the division in force: they may hold files though ``teams`` no longer names them.

    Raises
    ------
    InputRefused
        Listing every problem found, with file, row and column.
    """
    problems: list[Problem] = []
    frames: dict[str, pd.DataFrame] = {}
    files: dict[str, str] = {}
    for table in input_tables.INPUTS:
        frame, files[table.name], found = _read_table(folder, table)
        problems += found
        if frame is not None:
            frames[table.name] = frame
    replaced = _replace_postcodes(frames, areas, config, followed)
    _fill_pw_client(frames)
    for table in input_tables.INPUTS:
        if table.name in frames:
            problems += (typed := _Typing(table, files[table.name], frames[table.name])).problems
            frames[table.name] = typed.frame
    missing = [t.name for t in input_tables.INPUTS if t.name not in frames]
    checks = _CrossChecks(frames, files, areas, config, followed, today, teams_in_force)
    problems += checks.run(without=missing)
    problems += _too_many_stand_ins(frames, files, replaced)
    if problems:
        raise InputRefused(problems)
    doubts = _doubts_of_offices(frames, areas, config, replaced)
    return Inputs(
        **{
            name: frame.drop(columns="row") if name in ("inflow", "stock", "care_regions") else frame
            for name, frame in frames.items()
        },
        replaced=replaced[list(REPLACED_COLUMNS)],
        office_doubts=doubts,
    )


def _fill_pw_client(frames: dict[str, pd.DataFrame]) -> None:
    """Write ``true`` or ``false`` into the empty cells of ``pw_client``: a product of the PW has PW clients only."""
    if "products" not in frames:
        return
    named = frames["products"][["product", "law"]].astype("string").apply(lambda texts: texts.str.strip())
    of_pw = set(named.loc[(named["law"] == PW_LAW).fillna(False), "product"].dropna())
    for name in ("inflow", "stock"):
        if name in frames:
            frame = frames[name]
            given = frame["pw_client"].astype("string").str.strip()
            implied = {code: "true" if str(code).strip() in of_pw else "false" for code in frame["product"].unique()}
            is_empty = (given.isna() | (given == "")).fillna(True).astype(bool)
            frame["pw_client"] = given.where(~is_empty, frame["product"].map(implied).astype("string"))


def _doubts_of_offices(
    frames: dict[str, pd.DataFrame], areas: pd.DataFrame, config: Config, replaced: pd.DataFrame
) -> pd.DataFrame:
    unasked = replaced[~replaced["pc4"].isin(list(config.replaced_postcodes))]
    doubts = office_doubts(frames["teams"], areas, dict(zip(unasked["pc4"], unasked["stand_in"], strict=True)))
    frames["teams"] = frames["teams"].drop(columns="office_in_file")
    return doubts


def _replace_postcodes(
    frames: dict[str, pd.DataFrame], areas: pd.DataFrame, config: Config, followed: Mapping[str, str]
) -> pd.DataFrame:
    """Give postcodes without an area the one that they count for, in ``frames`` itself; returns what was replaced.

    First as the configuration says, then the successor in the edition in use, then the nearest number (PO boxes and new
    streets: ``geodata.stand_ins``). What none of these knows is left for the checks to refuse. An office gets the
    place of its stand-in; a care region of a postcode without an area is of no use and left out.
    """
    import geodata

    written = {  # as it stands in the file -> the postcode, for the few that occur
        (table, column): {code: str(code).strip() for code in frames[table][column].dropna().unique()}
        for table, column in (("inflow", "pc4"), ("stock", "pc4"), ("teams", "office_pc4"), ("care_regions", "pc4"))
        if table in frames
    }
    used = {code for codes in written.values() for code in codes.values()}
    agreed = {code: to for code, to in config.replaced_postcodes.items() if code in used}
    without = used - set(areas["pc4"]) - set(agreed)
    heirs = {code: followed[code] for code in without if code in followed}
    near = geodata.stand_ins(areas["pc4"], without - set(heirs)).dropna(subset=["stand_in"]) if without else None
    rows = [[code, to, "vervangen volgens de instellingen", f"volgt {to}", False] for code, to in agreed.items()]
    rows += [[code, to, "heeft geen eigen vlak in deze editie", f"volgt {to}", False] for code, to in heirs.items()]
    if near is not None:
        rows += [[*row, True] for row in near[list(REPLACED_COLUMNS)].to_numpy().tolist()]
    replaced = pd.DataFrame(rows, columns=[*REPLACED_COLUMNS, "is_guess"]).sort_values("pc4", ignore_index=True)
    stand_in = dict(zip(replaced["pc4"], replaced["stand_in"], strict=True))
    for (table, column), codes in written.items():
        given = frames[table][column]
        new = given.map({code: stand_in[pc4] for code, pc4 in codes.items() if pc4 in stand_in})
        if table == "stock":
            frames[table]["pc4_in_file"] = given.map(codes).astype(object)
        if table == "teams":
            frames[table]["office_in_file"] = given.map(codes).astype(object)
        if table in ("inflow", "stock"):
            frames[table]["replaced"] = new.notna()
        if table == "care_regions":
            frames[table] = frames[table][new.isna()].reset_index(drop=True)
        else:
            frames[table][column] = given.where(new.isna(), new)
    return replaced


def _too_many_stand_ins(
    frames: dict[str, pd.DataFrame], files: Mapping[str, str], replaced: pd.DataFrame
) -> list[Problem]:
    """A problem when more than STAND_IN_SHARE of the clients in stock got a postcode by the nearest number."""
    if "stock" not in frames or not replaced["is_guess"].any():
        return []
    stock = frames["stock"]
    guessed = stock["pc4_in_file"].isin(replaced.loc[replaced["is_guess"], "pc4"])
    part = stock.loc[guessed, "clients"].sum() / max(stock["clients"].sum(), 1)
    if part <= STAND_IN_SHARE:
        return []
    first = stock.loc[guessed, "pc4_in_file"].min()
    what = f"{part:.1%} of the clients have a postcode without an area, the first is {first}"
    allowed = f"at most {STAND_IN_SHARE:.0%}; boundaries of the edition of the counts, or lines in replaced_postcodes"
    return [Problem(files["stock"], None, "pc4", what, allowed)]


def fingerprints(folder: Path) -> dict[str, str]:
    """SHA-256 of every input file that is there, by file name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(_existing(folder))}


def _existing(folder: Path) -> Iterable[Path]:
    names = {f"{t.name}{suffix}" for t in input_tables.INPUTS for suffix in (".csv", ".parquet")}
    return (path for path in folder.iterdir() if path.name in names) if folder.is_dir() else ()


def _read_table(folder: Path, table: Table) -> tuple[pd.DataFrame | None, str, list[Problem]]:
    """All columns as text (CSV) or as stored (Parquet), with ``row``. An absent optional table is an empty frame."""
    candidates = [folder / f"{table.name}{suffix}" for suffix in (".csv", ".parquet")]
    present = [path for path in candidates if path.is_file()]
    if not present:
        empty = pd.DataFrame({name: pd.Series(dtype=object) for name in (*table.column_names, "row")})
        if table.optional:
            return empty, f"{table.name}.csv", []
        what = "the file is missing" if folder.is_dir() else f"the folder {folder} is missing"
        return None, table.name, [Problem(f"{table.name}.csv", None, None, what, "a CSV or Parquet file of this name")]
    name = present[0].name
    if len(present) > 1:
        return None, name, [Problem(table.name, None, None, "both a CSV and a Parquet file", "one of the two")]
    try:
        frame = _read_file(present[0])
    except UnicodeDecodeError:
        row = _first_line_not_utf8(present[0])
        return None, name, [Problem(name, row, None, "a character that is not UTF-8", "CSV in UTF-8")]
    except (ValueError, OSError) as error:  # pandas and pyarrow raise subclasses of these for unreadable files
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return None, name, [Problem(name, None, None, f"not readable ({reason})", "CSV (UTF-8, comma) or Parquet")]
    wrong = _header_problems(frame, table, name)
    if wrong:
        return None, name, wrong
    extra = [c for c in frame.columns if c not in (*table.column_names, "row")]
    if extra:
        log.warning("%s: columns ignored: %s", name, ", ".join(map(str, extra)))
    for column in table.columns:
        if column.name not in frame:
            frame[column.name] = None
    frame = frame[[*table.column_names, "row"]].copy()
    return frame, name, []


def _header_problems(frame: pd.DataFrame, table: Table, name: str) -> list[Problem]:
    """Wrong separator, missing columns, or no rows at all in a file that must have some."""
    columns = f"columns {', '.join(table.column_names)}"
    given = frame.columns.drop("row")
    if len(given) == 1 and ";" in str(given[0]):
        return [Problem(name, 1, None, "the columns are separated by ';', must be ','", columns)]
    absent = [c.name for c in table.columns if not c.optional and c.name not in given]
    if absent:
        return [Problem(name, 1, column, "the column is missing", columns) for column in absent]
    if frame.empty and not table.optional:
        return [Problem(name, None, None, "the file has a header but no rows", "at least one row")]
    return []


def _read_file(path: Path) -> pd.DataFrame:
    """The file with ``row``: the header is row 1, and blank lines count."""
    if path.suffix == ".parquet":
        stored = pq.read_table(path).to_pandas()
        return stored.assign(row=np.arange(2, len(stored) + 2))  # type: ignore[no-any-return]
    above = _blank_lines_above(path)
    frame = pd.read_csv(
        path, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True,
        skip_blank_lines=False, skiprows=above,
    )  # fmt: skip
    blank = (frame.isna() | (frame == "")).all(axis=1)
    return frame.assign(row=np.arange(2 + above, len(frame) + 2 + above))[~blank].reset_index(drop=True)


def _blank_lines_above(path: Path) -> int:
    """How many blank lines stand above the header."""
    with path.open("rb") as lines:
        return next((at for at, line in enumerate(lines) if line.removeprefix(codecs.BOM_UTF8).strip()), 0)


def _first_line_not_utf8(path: Path) -> int:
    content = path.read_bytes()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return content.count(b"\n", 0, error.start) + 1
    return 1


def _listed(mask: pd.Series, rows: pd.Series, make: Callable[[int, int], Problem], file: str) -> list[Problem]:
    """One problem per row where ``mask`` holds, at most ``MOST_PER_CHECK``, then how many more.

    ``make(position, row)`` gets the position in the frame and the spreadsheet row.
    """
    positions = np.flatnonzero(mask.to_numpy(dtype=bool))
    problems = [make(int(at), int(rows.iloc[at])) for at in positions[:MOST_PER_CHECK]]
    if len(positions) > MOST_PER_CHECK:
        last = problems[-1]
        more = f"+{len(positions) - MOST_PER_CHECK} more rows with the same problem"
        problems.append(Problem(file, None, last.column, more, last.allowed))
    return problems


class _Typing:
    """Turns one table's texts into the declared types; ``problems`` lists every cell that is not possible."""

    def __init__(self, table: Table, file: str, frame: pd.DataFrame) -> None:
        self.table, self.file, self.frame = table, file, frame
        self.problems: list[Problem] = []
        for column in table.columns:
            raw = frame[column.name]
            text = raw.astype("string").str.strip()
            empty = raw.isna() | (text == "").fillna(True)
            if not column.nullable and not column.optional:
                self._report(empty, column.name, "it is empty", column.meaning)
            self._convert(column, raw, text, empty.astype(bool))
        self._unique()

    def _report(self, mask: pd.Series, column: str | None, what: str | None, allowed: str) -> None:
        def make(at: int, row: int) -> Problem:
            value = self.frame[column].iloc[at] if column else None
            return Problem(self.file, row, column, what or f"{_shown(value)} is not possible", allowed)

        self.problems += _listed(mask, self.frame["row"], make, self.file)

    def _convert(self, column: schema.Column, raw: pd.Series, text: pd.Series, empty: pd.Series) -> None:
        name = column.name
        if column.type in ("integer", "number"):
            numbers = pd.to_numeric(raw.where(~empty), errors="coerce").astype("float64")
            wrong = ~empty & ~np.isfinite(numbers)
            allowed = f"a number, {column.meaning}"
            if column.type == "integer":
                wrong |= ~empty & ((numbers < 0) | (numbers != np.floor(numbers)))
                allowed = f"a whole number of at least 0: {column.meaning}"
            self._report(wrong, name, None, allowed)
            is_whole = column.type == "integer" and not (wrong | empty).any()
            self.frame[name] = numbers.astype("int64") if is_whole else numbers
        elif column.type == "date":
            whole = text.where(~empty & text.str.fullmatch(WHOLE_DATE.pattern).fillna(False))
            dates = pd.to_datetime(raw if raw.dtype.kind == "M" else whole, format="ISO8601", errors="coerce")
            self._report(~empty & dates.isna(), name, None, f"a date, YYYY-MM-DD: {column.meaning}")
            self.frame[name] = dates
        elif column.type == "boolean":
            lower = text.str.lower()
            wrong = ~empty & ~lower.isin(["true", "false"])
            self._report(wrong, name, None, f"true or false: {column.meaning}")
            is_known = not (wrong | empty).any()
            self.frame[name] = (lower == "true").astype(bool) if is_known else lower.astype(object).where(~empty, None)
        else:
            self._report(
                ~empty & ~text.isin(column.allowed) if column.allowed else empty & False,
                name,
                None,
                f"one of {', '.join(column.allowed)}",
            )
            self.frame[name] = text.astype(object).where(~empty, None)

    def _unique(self) -> None:
        rows = self.frame
        if "replaced" in rows:  # two postcodes may count for one: their rows are added up later
            rows = rows[~rows.pop("replaced").astype(bool)]
        double = rows.duplicated(list(self.table.key), keep="first").reindex(self.frame.index, fill_value=False)
        self._report(double, None, f"the same {', '.join(self.table.key)} as an earlier row", "each once")


def _planning_day(frames: Mapping[str, pd.DataFrame], config: Config, today: date | None) -> date | None:
    """As ``Inputs.planning_date``, of input that may be wrong; None when it does not follow."""
    counted = frames["stock"]["reference_date"].dropna() if "stock" in frames else pd.Series(dtype=object)
    known = [pd.Timestamp(counted.iloc[0]).date()] if len(counted) else []
    known += [today] if today else []
    return config.valid_from or max(known, default=None)


class _CrossChecks:
    """Checks between files. Each method is one rule; a file that could not be read is skipped."""

    def __init__(
        self,
        frames: dict[str, pd.DataFrame],
        files: Mapping[str, str],
        areas: pd.DataFrame,
        config: Config,
        followed: Mapping[str, str],
        today: date | None,
        teams_in_force: Collection[str],
    ) -> None:
        self.teams_in_force = set(teams_in_force)
        self.day = _planning_day(frames, config, today)
        self.frames, self.files, self.config, self.followed = frames, files, config, followed
        self.pc4 = set(areas["pc4"])
        self.region_of = dict(zip(areas["pc4"], areas["arbeidsmarktregio_nr"], strict=True))
        names = areas.drop_duplicates("arbeidsmarktregio_nr")
        self.region_name = dict(zip(names["arbeidsmarktregio_nr"].astype(int), names["arbeidsmarktregio"], strict=True))
        self.problems: list[Problem] = []

    def run(self, without: list[str]) -> list[Problem]:
        rules: list[tuple[Callable[[], None], tuple[str, ...]]] = [
            (self._postcodes, ()),
            (self._products, ("products",)),
            (self._counts, ("products",)),
            (self._pw_clients, ("products",)),
            (self._holders, ("stock", "teams", "current")),
            (self._months, ("inflow",)),
            (self._one_reference_date, ("stock",)),
            (self._teams, ("teams",)),
            (self._clusters, ("clusters",)),
            (self._locks, ("teams", "locks", "clusters")),
            (self._current, ("current",)),
            (self._special_teams, ("teams", "stock")),
            (self._every_region_served, ("teams", "clusters", "stock")),
        ]
        for rule, needs in rules:
            if not set(needs) & set(without):
                rule()
        return self.problems

    def _add(
        self, table: str, mask: pd.Series, column: str | None, what: Callable[[int], str] | str, allowed: str
    ) -> None:
        frame = self.frames[table]

        def make(at: int, row: int) -> Problem:
            return Problem(self.files[table], row, column, what if isinstance(what, str) else what(at), allowed)

        self.problems += _listed(mask, frame["row"], make, self.files[table])

    def _value(self, table: str, column: str) -> Callable[[int], str]:
        return lambda at: f"{_shown(self.frames[table][column].iloc[at])} is not possible"

    def _postcodes(self) -> None:
        allowed = f"one of the {len(self.pc4)} postcodes of the boundaries in use, or a line in replaced_postcodes"
        for table, column in (
            ("inflow", "pc4"),
            ("stock", "pc4"),
            ("care_regions", "pc4"),
            ("teams", "office_pc4"),
        ):
            if table in self.frames:
                values = self.frames[table][column]
                self._add(
                    table,
                    values.notna() & ~values.isin(self.pc4),
                    column,
                    _told(values, "postcode {!r} does not exist"),
                    allowed,
                )

    def _products(self) -> None:
        products = self.frames["products"]
        bad_lines = products["client_lines"].map(lambda text: not _is_subset(text, CLIENT_LINES))
        self._add(
            "products",
            bad_lines,
            "client_lines",
            self._value("products", "client_lines"),
            "vangnet, werkgever or vangnet|werkgever",
        )
        for column in ("hours_verzekeringsarts", "hours_other"):
            self._add("products", products[column] < 0, column, self._value("products", column), "hours of at least 0")
        self._add(
            "products",
            (products["law"] == "ZW") & (products["client_lines"] == "werkgever"),
            "client_lines",
            lambda at: f"product {products['product'].iloc[at]!r} of the ZW is for the werkgeverslijn only",
            "vangnet: clients of the ZW belong to the vangnetlijn",
        )
        share = products["planned_stock_share"]
        self._add(
            "products",
            ~share.between(0, 1),
            "planned_stock_share",
            self._value("products", "planned_stock_share"),
            "a share from 0 to 1",
        )

    def _counts(self) -> None:
        products = self.frames["products"].drop_duplicates("product").set_index("product")
        groups = self.config.client_groups
        for table in ("inflow", "stock"):
            if table not in self.frames:
                continue
            frame = self.frames[table]
            self._add(
                table,
                ~frame["product"].isin(products.index),
                "product",
                self._value(table, "product"),
                "a product of the file products",
            )
            self._add(
                table,
                ~frame["client_group"].isin(groups),
                "client_group",
                self._value(table, "client_group"),
                f"one of {', '.join(groups)}",
            )
            lines = frame["product"].map(products["client_lines"]).fillna("|".join(CLIENT_LINES))
            combos = pd.Series(list(zip(lines, frame["client_line"], strict=True)))
            fits = {combo: combo[1] in (*str(combo[0]).split("|"), ALL_LINES, None) for combo in combos.unique()}
            self._add(
                table,
                ~combos.map(fits).astype(bool),
                "client_line",
                lambda at, f=frame: (
                    f"line {f['client_line'].iloc[at]!r} does not belong to product {f['product'].iloc[at]!r}"
                ),  # type: ignore[misc]
                "the lines of the product, or alle",
            )

    def _pw_clients(self) -> None:
        """Who has a file of the Participatiewet is a PW client (R17)."""
        of_pw = set(self.frames["products"].loc[self.frames["products"]["law"] == PW_LAW, "product"])
        for table in ("inflow", "stock"):
            if table not in self.frames:
                continue
            frame = self.frames[table]
            denied = frame["pw_client"].isin([False, "false"]) & frame["product"].isin(of_pw)
            self._add(
                table,
                denied,
                "pw_client",
                _told(frame["product"], "product {!r} is of the PW, so its client cannot be no PW client"),
                "true, or empty",
            )

    def _holders(self) -> None:
        """A team that holds files is or was a team: of the list, or of the division in force (R18)."""
        stock, known = self.frames["stock"], {*self.frames["teams"]["team_id"], *self.frames["current"]["team_id"]}
        self._add(
            "stock",
            stock["team_id"].notna() & ~stock["team_id"].isin(known | self.teams_in_force),
            "team_id",
            _told(stock["team_id"], "team {!r} is not known: neither in teams nor in the division in force"),
            "a team of the file teams (one that has ended too) or of the division in force, or empty: not known",
        )

    def _months(self) -> None:
        months = self.frames["inflow"]["month"]
        good = months.astype("string").str.fullmatch(r"\d{4}-(0[1-9]|1[0-2])").fillna(False).astype(bool)
        self._add("inflow", ~good & months.notna(), "month", self._value("inflow", "month"), "a month, YYYY-MM")
        present = sorted(months[good].unique())
        if not present:
            return
        expected = pd.period_range(present[0], present[-1], freq="M").astype(str)
        gone = sorted(set(expected) - set(present))
        if gone:
            self.problems.append(
                Problem(
                    self.files["inflow"],
                    None,
                    "month",
                    f"no rows for {', '.join(gone)}",
                    "every month between the first and the last",
                )
            )
        if len(expected) < MONTHS_NEEDED:
            self.problems.append(
                Problem(
                    self.files["inflow"],
                    None,
                    "month",
                    f"{len(expected)} months of history",
                    f"at least {MONTHS_NEEDED}",
                )
            )

    def _one_reference_date(self) -> None:
        dates = self.frames["stock"]["reference_date"]
        if dates.notna().any():
            self._add(
                "stock",
                dates.notna() & (dates != dates.dropna().iloc[0]),
                "reference_date",
                self._value("stock", "reference_date"),
                "the same date in every row",
            )

    def _regions(self, text: object) -> list[int | None]:
        """Region numbers of ``15`` or ``Midden-Utrecht`` or ``15|16``; None for one that does not exist."""
        by_name = {name.casefold(): nr for nr, name in self.region_name.items()}
        parts = [part.strip() for part in str(text or "").split("|")]
        return [int(p) if p.isdigit() and int(p) in self.region_name else by_name.get(p.casefold()) for p in parts]

    def _teams(self) -> None:
        teams = self.frames["teams"]
        regions = teams["arbeidsmarktregio"].map(self._regions)
        teams["regions"] = regions.map(lambda numbers: [n for n in numbers if n is not None])
        special = teams["kind"] == "bijzonder"
        self._add(
            "teams",
            regions.map(lambda numbers: None in numbers) & ~special,
            "arbeidsmarktregio",
            lambda at: (
                f"team {teams['team_id'].iloc[at]} has no existing region ({teams['arbeidsmarktregio'].iloc[at]!r})"
            ),
            "numbers or names of arbeidsmarktregio's, joined by |",
        )
        self._one_spelling(teams["team_id"])
        for column, allowed in (("client_lines", CLIENT_LINES), ("laws", vocabulary.LAWS)):
            wrong = teams[column].map(lambda text, ok=allowed: not _is_subset(text, ok))
            self._add("teams", wrong, column, self._value("teams", column), f"{', '.join(allowed)}, joined by |")
        self._add(
            "teams",
            teams["laws"].eq("ZW"),
            "laws",
            lambda at: f"team {teams['team_id'].iloc[at]} serves only ZW",
            "ZW|WIA, WIA or PW: a team with only ZW clients is not allowed",
        )
        pw_law = teams["laws"].map(lambda text: "PW" in str(text).split("|"))
        self._add(
            "teams",
            (teams["kind"] == "participatiewet") & ~pw_law,
            "laws",
            self._value("teams", "laws"),
            "PW for a team of kind participatiewet",
        )
        self._add(
            "teams",
            (teams["kind"] == "regulier") & pw_law,
            "laws",
            self._value("teams", "laws"),
            "ZW and WIA for a team of kind regulier: PW has its own teams",
        )
        wrong_groups = special & ~teams["client_groups"].map(lambda text: _is_subset(text, self.config.special_groups))
        self._add(
            "teams",
            wrong_groups,
            "client_groups",
            self._value("teams", "client_groups"),
            f"{', '.join(self.config.special_groups)}, joined by |",
        )
        for column in ("fte_verzekeringsarts", "fte_other"):
            self._add("teams", teams[column] < 0, column, self._value("teams", column), "0 or more")
        self._add("teams", teams["productivity"] <= 0, "productivity", self._value("teams", "productivity"), "above 0")
        self._add(
            "teams",
            teams["valid_to"] < teams["valid_from"],
            "valid_to",
            self._value("teams", "valid_to"),
            "a date on or after valid_from",
        )
        self._overlapping_validity(teams)

    def _special_teams(self) -> None:
        """A special team gets every client of its groups: it must serve their laws, and both lines (R4)."""
        if self.day is None:
            return
        teams = self.frames["teams"]
        routed = {"ZW", "WIA", PW_LAW} if self.config.special_first else {"ZW", "WIA"}
        gets_clients = (teams["kind"] == "bijzonder") & teams.index.isin(able_teams(teams, self.day).index)
        for column, needed in (("laws", routed), ("client_lines", set(CLIENT_LINES))):
            missing = teams[column].map(lambda text, n=needed: "|".join(sorted(n - set(str(text or "").split("|")))))
            told = teams["team_id"].astype(str) + " does not serve " + missing + ", which clients of its groups need"
            allowed = "|".join(sorted(needed))
            self._add("teams", gets_clients & (missing != ""), column, _told(told, "special team {}"), allowed)

    def _one_spelling(self, team_id: pd.Series) -> None:
        """Codes that differ only in capitals are one team to a person and two to a database."""
        first = team_id.groupby(team_id.str.casefold()).transform("first")
        self._add(
            "teams",
            team_id.notna() & (team_id != first),
            "team_id",
            lambda at: f"team {team_id.iloc[at]!r} differs only in capitals from {first.iloc[at]!r}",
            "one spelling per team, and codes that differ in more than capitals",
        )

    def _overlapping_validity(self, teams: pd.DataFrame) -> None:
        ordered = teams.sort_values(["team_id", "valid_from"], kind="stable")
        end = ordered.groupby("team_id")["valid_to"].shift().fillna(pd.Timestamp.max.normalize())
        overlap = ordered["team_id"].duplicated() & (ordered["valid_from"] <= end)
        self._add(
            "teams",
            overlap.reindex(teams.index),
            "valid_from",
            lambda at: f"team {teams['team_id'].iloc[at]} is valid twice from {teams['valid_from'].iloc[at]:%Y-%m-%d}",
            "periods of one team that do not overlap",
        )

    def _clusters(self) -> None:
        clusters = self.frames["clusters"]
        numbers = clusters["arbeidsmarktregio"].map(
            lambda text: self._regions(text)[0] if text and "|" not in str(text) else None
        )
        clusters["region"] = numbers.astype("Int64")
        self._add(
            "clusters",
            numbers.isna(),
            "arbeidsmarktregio",
            self._value("clusters", "arbeidsmarktregio"),
            "the number or name of one arbeidsmarktregio",
        )
        self._add(
            "clusters",
            clusters["region"].duplicated() & numbers.notna(),
            "arbeidsmarktregio",
            lambda at: f"region {clusters['arbeidsmarktregio'].iloc[at]!r} stands in more than one row",
            "each region in one cluster",
        )

    def _locks(self) -> None:
        locks, teams = self.frames["locks"], self.frames["teams"]
        parts = (
            locks["pc4"]
            .astype("string")
            .str.replace(" ", "")
            .str.upper()
            .str.extract(f"^{LOCK_AREA.pattern}$".replace("(?P=pc4)", r"\1"))
        )
        locks["area"] = parts["pc4"].astype(object)
        locks["pc6_from"] = (parts["pc4"] + parts["first"]).astype(object)
        locks["pc6_to"] = (parts["pc4"] + parts["last"].fillna(parts["first"])).astype(object)
        at_pc6 = locks["pc6_from"].notna()
        wrong = (
            ~locks["area"].isin(self.pc4) | (at_pc6 & (locks["pc6_to"] < locks["pc6_from"]).fillna(True))
            if len(locks)
            else locks["area"].isna()
        )
        self._add(
            "locks",
            wrong,
            "pc4",
            lambda at: (
                f"{locks['pc4'].iloc[at]!r} is no existing postcode or PC6 range{self._heir(locks['area'].iloc[at])}"
            ),
            "a postcode; for split also 1013AA or 1013AA-1013AE",
        )
        self._add(
            "locks",
            at_pc6 & (locks["kind"] != "split"),
            "pc4",
            self._value("locks", "pc4"),
            "a four-digit postcode: only a split may name PC6",
        )
        kind_of = teams.drop_duplicates("team_id").set_index("team_id")["kind"]
        known = locks["team_id"].isin(kind_of.index)
        self._add(
            "locks",
            ~known,
            "team_id",
            lambda at: f"team {locks['team_id'].iloc[at]!r} does not exist",
            "a team of the file teams",
        )
        self._add(
            "locks",
            known & (locks["team_id"].map(kind_of) == "bijzonder"),
            "team_id",
            self._value("locks", "team_id"),
            "a team that has an area: regulier or participatiewet",
        )
        locks = locks.assign(team_kind=locks["team_id"].map(kind_of))
        in_force = active_locks(locks, self.day) if self.day else locks
        self._shares(locks, locks.index.isin(in_force.index))
        self._overlapping_ranges(in_force)
        usable = in_force[in_force["area"].isin(self.pc4) & in_force["team_kind"].isin(KINDS_WITH_AREA)]
        self.problems += contradictions(usable, self.files["locks"])
        if self.day:
            served = Served(teams, self.frames["clusters"], self.region_of, self.region_name, self.day)
            self.problems += served.problems(usable, self.files["locks"])

    def _heir(self, pc4: object) -> str:
        return f"; {self.followed[str(pc4)]} is in its place now" if pc4 in self.followed else ""

    def _shares(self, locks: pd.DataFrame, in_force: NDArray[np.bool_]) -> None:
        split = locks["kind"] == "split"
        self._add(
            "locks",
            split & ~locks["share"].between(0, 1, inclusive="right"),
            "share",
            self._value("locks", "share"),
            "above 0 and at most 1 for a split",
        )
        self._add(
            "locks", ~split & locks["share"].notna(), "share", self._value("locks", "share"), "empty for pin and bar"
        )
        split &= in_force
        key = ["pc4", "client_line", "team_kind"]
        keyed = locks[split].assign(**{name: locks[name].fillna("") for name in key})
        total = keyed.groupby(key)["share"].transform("sum").reindex(locks.index, fill_value=0.0)
        first = split & ~keyed.duplicated(key).reindex(locks.index, fill_value=True)
        self._add(
            "locks",
            first & ((total - 1).abs() > 1e-6),
            "share",
            lambda at: f"the shares of {locks['pc4'].iloc[at]} sum to {total.iloc[at]:g}",
            "shares that sum to 1 per postcode and line",
        )

    def _overlapping_ranges(self, locks: pd.DataFrame) -> None:
        """Two different PC6 ranges of one postcode and line may not share a full postcode: who would serve it?"""
        at_pc6 = locks[(locks["kind"] == "split") & locks["pc6_from"].notna()]
        ranges = at_pc6.drop_duplicates(["pc6_from", "pc6_to", "client_line", "team_kind"]).sort_values(
            "pc6_from", kind="stable"
        )
        both = ranges.merge(ranges, on=["area", "team_kind"], suffixes=("", "_b"))
        same_line = (
            both["client_line"].isna() | both["client_line_b"].isna() | (both["client_line"] == both["client_line_b"])
        )
        clash = (both["row"] < both["row_b"]) & same_line
        clash &= (both["pc6_from"] <= both["pc6_to_b"]) & (both["pc6_from_b"] <= both["pc6_to"])
        clash &= (both["pc6_from"] != both["pc6_from_b"]) | (both["pc6_to"] != both["pc6_to_b"])
        for row in both[clash].itertuples():
            what = f"{row.pc4_b} and {row.pc4} (row {row.row}) overlap"
            self.problems.append(
                Problem(self.files["locks"], int(str(row.row_b)), "pc4", what, "ranges that do not overlap")
            )

    def _current(self) -> None:
        """The division in force may know postcodes that the boundaries no longer have: they are listed as changes."""
        current = self.frames["current"]
        if current.empty:
            return
        pc4 = current["pc4"].astype("string")
        is_code = pc4.str.fullmatch(PC4.pattern).fillna(False).astype(bool)
        self._add("current", ~is_code & pc4.notna(), "pc4", self._value("current", "pc4"), "four digits")
        gone = sorted(set(pc4[is_code]) - self.pc4)
        if gone:
            log.warning("current: %d postcodes have no area any more: %s", len(gone), ", ".join(gone[:MOST_PER_CHECK]))
        self._add(
            "current",
            ~current["share"].between(0, 1, inclusive="right"),
            "share",
            self._value("current", "share"),
            "above 0 and at most 1",
        )

    def _every_region_served(self) -> None:
        """R1: each region has a team for each line and for PW, alone or through its cluster; each group has a team."""
        teams = self.frames["teams"]
        if self.day is None:
            return
        able = able_teams(teams, self.day)
        wanted = [("regulier", line) for line in CLIENT_LINES] + [("participatiewet", None)]
        for kind, line in wanted:
            serving = _listing(able[able["kind"] == kind], "client_lines", line)
            served = {nr for numbers in serving["regions"] for nr in numbers}
            for members in self._joined_regions(serving):
                if not members & served:
                    self._unserved(members, kind, line)
        for group in self.config.special_groups:
            if _listing(able, "client_groups", group).empty:
                unable = self._unable(_listing(teams, "client_groups", group))
                what = f"no team for client group {group!r}{unable}"
                allowed = "at least one team of kind bijzonder with verzekeringsartsen for each special group"
                self.problems.append(Problem(self.files["teams"], None, "client_groups", what, allowed))

    def _unserved(self, members: set[int], kind: str, line: str | None) -> None:
        names = ", ".join(self.region_name[nr] for nr in sorted(members))
        served = f"of kind {kind}" + (f" for line {line}" if line else "")
        teams = self.frames["teams"]
        here = teams["regions"].map(lambda numbers: bool(members & set(numbers))).astype(bool)
        unable = self._unable(_listing(teams[here & (teams["kind"] == kind)], "client_lines", line))
        what = f"region {names} has no team {served}{unable}"
        allowed = "a team for every region, or a cluster with a region that has one"
        self.problems.append(Problem(self.files["teams"], None, "arbeidsmarktregio", what, allowed))

    def _unable(self, teams: pd.DataFrame) -> str:
        """Why the teams that are listed do not count, between brackets."""
        assert self.day is not None
        told = [f"{team_id} {why_unable(periods, self.day)}" for team_id, periods in teams.groupby("team_id")]
        return f" ({'; '.join(told)})" if told else ""

    def _joined_regions(self, serving: pd.DataFrame) -> list[set[int]]:
        """Regions that are served together: by cluster, or by a team that serves several."""
        clusters = self.frames["clusters"].dropna(subset=["region"])
        links = [list(group.astype(int)) for _, group in clusters.groupby("cluster")["region"]]
        return join_regions(self.region_name, [*links, *serving["regions"]])


def _shown(value: object) -> str:
    """A cell as the planner wrote it: numbers and days without the names of their types."""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    return f"{value:g}" if isinstance(value, float | np.floating) else repr(value)


def _told(values: pd.Series, text: str) -> Callable[[int], str]:
    """What is wrong with the value at a position."""
    return lambda at: text.format(values.iloc[at])


def _listing(teams: pd.DataFrame, column: str, wanted: str | None) -> pd.DataFrame:
    """The teams whose ``column``, joined by |, has ``wanted``; all of them for None."""
    if wanted is None:
        return teams
    return teams[teams[column].map(lambda text: wanted in str(text).split("|")).astype(bool)]


def _is_subset(text: object, allowed: Iterable[str]) -> bool:
    parts = str(text or "").split("|")
    return bool(parts) and set(parts) <= set(allowed) and len(parts) == len(set(parts))
