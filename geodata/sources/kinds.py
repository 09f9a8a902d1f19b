"""What a file that a person names is inside, known before GDAL opens it.

GDAL looks at the content and not at the name: it would follow a list of other files, ask addresses of other machines,
or run a query, for what these lead to. Belongs here: telling that a file is what its suffix says. Does not belong
here: reading it (`vector`).
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pyogrio

from geodata.errors import GeodataError

SQLITE, SHAPEFILE = b"SQLite format 3\x00", b"\x00\x00\x27\x0a"
JSON_SUFFIXES = (".geojson", ".json")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_HEAD_BYTES = 65_536
_IS_NO_TABLE = "type = 'view' OR (type = 'table' AND rootpage = 0)"
"""Views, and virtual tables: these have no rows of their own in the file."""
_MOST_BYTES_OF_A_CELL = 100_000_000
_HIDDEN = 1
"""What SQLite says of a column of a virtual table that is no column of its rows."""
_COMMANDS = b"gdal_streamed_alg"
_ADDRESS = re.compile(rb'"(?:link|url)"|\\u', re.IGNORECASE)
"""Without any of these no coordinate system is named by an address; an escaped sign may hide one."""

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
        _refuse_queries_instead_of_lists(path, called)


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


def queries(path: Path) -> set[str]:
    """What is no table in a GeoPackage but a query (a view): it may never end, and is not read."""
    if path.suffix.lower() != ".gpkg":
        return set()
    with _opened(path) as database:
        return {str(name) for (name,) in database.execute(f"SELECT name FROM sqlite_master WHERE {_IS_NO_TABLE}")}


def _refuse_queries_instead_of_lists(path: Path, called: Path) -> None:
    """GDAL reads the lists of a GeoPackage (of layers, of coordinate systems) before anybody can name a layer."""
    asked = sorted(name for name in queries(path) if name.casefold().startswith(("gpkg_", "ogr_")))
    if asked:
        raise GeodataError(f"The table {asked[0]} of {called} is a query; save the file again as GeoPackage.")


def sizes(path: Path, layer: str) -> Iterator[int]:
    """Of a layer of a GeoPackage, the bytes of each feature as it is read.

    The number of features that the file tells need not be so, nor does the size of the file bound what is read: a
    column that was added later has its value once, for all rows.
    """
    with _opened(path) as database:
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_BYTES_OF_A_CELL)
        columns = [name for _, name, *_, hidden in database.execute("SELECT * FROM pragma_table_xinfo(?)", (layer,))
                   if hidden != _HIDDEN]  # fmt: skip
        cells = " + ".join(f"COALESCE(LENGTH(CAST({_quoted(name)} AS BLOB)), 0)" for name in columns)
        for (size,) in database.execute(f"SELECT {cells or 0} FROM {_quoted(layer)}"):
            yield int(size)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        yield database
