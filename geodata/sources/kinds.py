"""What a file that a person names is inside, known before GDAL opens it.

GDAL looks at the content and not at the name: it would follow a list of other files, ask addresses of other machines,
or run a query, for what these lead to. Belongs here: telling that a file is what its suffix says. Does not belong
here: reading it (`vector`).
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import pyogrio
from pyproj import CRS
from pyproj.exceptions import CRSError

from geodata.errors import GeodataError, shown

SQLITE, SHAPEFILE = b"SQLite format 3\x00", b"\x00\x00\x27\x0a"
JSON_SUFFIXES = (".geojson", ".json")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_HEAD_BYTES = 65_536
_TABLE = re.compile(r"CREATE TABLE ")
_INDEX_OF_PLACES = re.compile(
    r'CREATE VIRTUAL TABLE ("rtree_([^"]|"")*"|rtree_\w+)\s+USING\s+"?rtree"?\s*\(', re.IGNORECASE
)
"""As SQLite itself writes the beginnings down; the second is the index that GDAL makes of a layer."""
_GENERATED = (2, 3)
"""What SQLite says of a column that is computed: when it is read, or when it was written."""
_MOST_SECONDS = 300.0
"""So long may what we ask of a GeoPackage ourselves take."""
_STEPS_BETWEEN_LOOKS = 10_000
_MOST_BYTES_OF_A_DECLARATION, _MOST_STEPS = 1_000_000, 10_000
_MOST_BYTES_OF_A_CELL = 100_000_000
_COMMANDS = b"gdal_streamed_alg"
_ADDRESS = re.compile(rb'"(?:link|url)"|\\u', re.IGNORECASE)
"""Without any of these no coordinate system is named by an address; an escaped sign may hide one."""
_CRS = re.compile(rb'"crs"\s*:\s*(\{[^{}]{0,500}\{[^{}]{0,500}\}[^{}]{0,500}\})')

pyogrio.set_gdal_config_options({"GDAL_HTTP_PROXY": "http://127.0.0.1:1"})
# GDAL of this process asks nothing of any other machine: what it asks goes to a port on which nobody listens. Pages of
# a service are read by `features`, without GDAL.


def refuse_another_kind(path: Path, called: Path) -> None:
    """Raise GeodataError when ``path`` does not begin as a file of its suffix does, or names an address to be asked.

    ``called``: what a person calls the file.
    Parquet is read without GDAL, and says itself what it is.
    """
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if suffix == ".gpkg":
        is_so = head.startswith(SQLITE)
    elif suffix == ".shp":
        is_so = head.startswith(SHAPEFILE)
    elif suffix in JSON_SUFFIXES:
        is_so = head.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(b"{") and _COMMANDS not in head
    else:
        return
    if not is_so:
        raise GeodataError(f"{called} is no {suffix} inside; save it again as GeoPackage, GeoJSON or Shapefile.")
    if suffix in JSON_SUFFIXES:
        _refuse_address(path, called)
    if suffix == ".gpkg":
        _refuse_pages_in_a_round(path, called, _values_only(path, called))


def refuse_unknown_crs(path: Path, called: Path) -> None:
    """Raise GeodataError for a GeoJSON in a coordinate system that there is not: GDAL would take it for degrees."""
    if path.suffix.lower() not in JSON_SUFFIXES:
        return
    for found in _CRS.finditer(path.read_bytes()):
        with suppress(json.JSONDecodeError):
            crs = json.loads(found[1])
            name = crs["properties"].get("name") if isinstance(crs.get("properties"), dict) else None
            if crs.get("type") == "name" and not _is_known(name):
                raise GeodataError(
                    f"{called} names the coordinate system {shown(str(name))}, which there is not; say it with crs=."
                )


def _is_known(crs: object) -> bool:
    try:
        return isinstance(crs, str) and CRS.from_user_input(crs) is not None
    except CRSError:
        return False


def _refuse_address(path: Path, called: Path) -> None:
    content = path.read_bytes()
    if not _ADDRESS.search(content):
        return
    hook = partial(_refuse_linked_crs, called)
    try:
        json.loads(content, object_pairs_hook=hook)
    except json.JSONDecodeError:  # a feature on every line, or no JSON at all: GDAL says so
        for line in content.splitlines():
            with suppress(json.JSONDecodeError):
                json.loads(line, object_pairs_hook=hook)


def _refuse_linked_crs(called: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for name, value in pairs:
        if name.lower() == "crs" and isinstance(value, dict) and str(value.get("type")).lower() in ("link", "url"):
            raise GeodataError(f"{called} names its coordinate system by an address; say it with crs=, or by its code.")
    return dict(pairs)


def _values_only(path: Path, called: Path) -> list[str]:
    """The tables of a GeoPackage. Raises GeodataError when anything in it is computed as it is read: that may take for
    ever, in a loop that nothing interrupts.

    GDAL reads lists of its own (`gpkg_contents`, ...) and a row of every query before anybody can name a layer, so that
    no table is let through. Indexes, triggers and checks are computed when a file is written, which we never do.
    """
    with _opened(path) as database:
        _compute_nothing(database)
        listed = database.execute("SELECT type, name, rootpage, sql FROM sqlite_master").fetchall()
        entries = [entry for entry in listed if entry[0] not in ("index", "trigger")]
        tables = []
        for kind, name, page, text in entries:
            if kind == "table" and page and _TABLE.match(str(text)):
                tables.append(str(name))
            elif kind != "table" or page or not _INDEX_OF_PLACES.match(str(text)):
                raise GeodataError(
                    f"The table {shown(name)} of {called} is a query; save the layer with the areas as a GeoPackage of "
                    "its own."
                )
        for table in tables:
            for column, hidden in database.execute("SELECT name, hidden FROM pragma_table_xinfo(?)", (table,)):
                if hidden in _GENERATED:
                    raise GeodataError(
                        f"The column {shown(column)} of the table {shown(table)} of {called} is a formula; save the "
                        "layer with the areas as a GeoPackage of its own, with values."
                    )
    return tables


def _refuse_pages_in_a_round(path: Path, called: Path, tables: list[str]) -> None:
    """Raise GeodataError when the pages of a table are not a tree: one that leads back to the same pages never ends.

    What SQLite has to say of the values (an empty cell that must not be) is passed over.
    """
    with _opened(path) as database:
        database.execute("PRAGMA ignore_check_constraints = ON")
        for table in tables:
            for (said,) in database.execute(f"PRAGMA quick_check({_quoted(table)})"):
                if str(said).startswith("*** in database"):
                    raise GeodataError(
                        f"The table {shown(table)} of {called} is damaged; save the layer with the areas as a "
                        "GeoPackage of its own."
                    )


def sizes(path: Path, layer: str) -> Iterator[int]:
    """Of a layer of a GeoPackage, the bytes of each feature as it is read.

    The number of features that the file tells need not be so, nor does the size of the file bound what is read: a
    column that was added later has its value once, for all rows.
    """
    with _opened(path) as database:
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_BYTES_OF_A_CELL)
        columns = [name for (name,) in database.execute("SELECT name FROM pragma_table_info(?)", (layer,))]
        cells = " + ".join(f"COALESCE(LENGTH(CAST({_quoted(name)} AS BLOB)), 0)" for name in columns)
        for (size,) in database.execute(f"SELECT {cells or 0} FROM {_quoted(layer)}"):
            yield int(size)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A GeoPackage, for questions of our own, which end after a while: SQLite looks at the clock between its steps."""
    end = time.monotonic() + _MOST_SECONDS
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        database.set_progress_handler(lambda: time.monotonic() > end, _STEPS_BETWEEN_LOOKS)
        try:
            yield database
        except MemoryError as error:  # more steps than SQLITE_LIMIT_VDBE_OP
            raise GeodataError(
                f"{path.name} has formulas of formulas; save the layer with the areas as a GeoPackage of its own."
            ) from error
        except sqlite3.OperationalError as error:
            if time.monotonic() <= end:
                raise
            raise GeodataError(
                f"{path.name} takes more than {_MOST_SECONDS:.0f} seconds to look through; save the layer with the "
                "areas as a GeoPackage of its own."
            ) from error


def _compute_nothing(database: sqlite3.Connection) -> None:
    """No step of this connection can be long, even one in a formula of the file.

    SQLite reads the statistics in a file before it answers anything, and their columns may be formulas (it does without
    the statistics then). So there is no function to call, no long text, and no formula that fills up with others.
    """
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_BYTES_OF_A_DECLARATION)
    database.setlimit(sqlite3.SQLITE_LIMIT_VDBE_OP, _MOST_STEPS)
    for name in _functions():
        database.create_function(name, -1, _refuse_to_compute, deterministic=True)


@cache
def _functions() -> frozenset[str]:
    """The names of all functions of SQLite."""
    with closing(sqlite3.connect(":memory:")) as database:
        return frozenset(str(name) for (name,) in database.execute("SELECT name FROM pragma_function_list"))


def _refuse_to_compute(*_: object) -> None:
    raise ValueError("nothing is computed here")
