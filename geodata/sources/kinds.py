"""What a file that a person names is inside, known before GDAL opens it.

GDAL looks at the content and not at the name: it would follow a list of other files, ask addresses of other machines,
or run a query, for what these lead to. Belongs here: telling that a file is what its suffix says. Does not belong
here: reading it (`vector`).
"""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pyogrio

from geodata.errors import GeodataError

SQLITE, SHAPEFILE = b"SQLite format 3\x00", b"\x00\x00\x27\x0a"
JSON_SUFFIXES = (".geojson", ".json")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_HEAD_BYTES = 65_536
_COMMANDS = b"gdal_streamed_alg"
_ADDRESS = re.compile(rb'"(?:link|url)"|\\u', re.IGNORECASE)
"""Without any of these no coordinate system is named by an address; an escaped sign may hide one."""

pyogrio.set_gdal_config_options({"GDAL_HTTP_PROXY": "http://127.0.0.1:1"})
# GDAL of this process asks nothing of any other machine: what it asks goes to a port on which nobody listens. Pages of
# a service are read by `features`, without GDAL.


def refuse_another_kind(path: Path) -> None:
    """Raise GeodataError when ``path`` does not begin as a file of its suffix does, or names an address to be asked.

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
        raise GeodataError(f"{path} is no {suffix} inside; save it again as GeoPackage, GeoJSON or Shapefile.")
    if suffix in JSON_SUFFIXES:
        _refuse_address(path)


def _refuse_address(path: Path) -> None:
    content = path.read_bytes()
    if not _ADDRESS.search(content):
        return
    hook = partial(_refuse_linked_crs, path)
    try:
        json.loads(content, object_pairs_hook=hook)
    except json.JSONDecodeError:  # a feature on every line, or no JSON at all: GDAL says so
        for line in content.splitlines():
            with suppress(json.JSONDecodeError):
                json.loads(line, object_pairs_hook=hook)


def _refuse_linked_crs(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for name, value in pairs:
        if name.lower() == "crs" and isinstance(value, dict) and str(value.get("type")).lower() in ("link", "url"):
            raise GeodataError(f"{path} names its coordinate system by an address; say it with crs=, or by its code.")
    return dict(pairs)


def queries(path: Path) -> set[str]:
    """The layers of a GeoPackage that are no tables but queries (views): these may never end, and are not read."""
    if path.suffix.lower() != ".gpkg":
        return set()
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'")}
