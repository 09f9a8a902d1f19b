"""The GeoPackage of a version: areas of teams and postcode areas, ready for QGIS.

Belongs here: layers, their columns and styles. Does not belong here: other files (`table_files`).
"""

from __future__ import annotations

import colorsys
import errno
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray
from shapely.errors import GEOSException

from allocation.publication.outcome_folder import read_parquet
from allocation.publication.table_files import entry

_NO_MOMENT = "2000-01-01T00:00:00"
SIMPLER_THAN_M = 10.0
"""Details of borders smaller than a triangle of this side (Visvalingam-Whyatt) are left out of the maps of readers:
less than half the room, and neighbours still touch. The store and the proposal have the borders whole."""
_PROBE_BYTES = 1 << 20


def write_geopackage(folder: Path, source: Path, holds: Mapping[str, Any]) -> dict[str, Any]:
    """One GeoPackage: `team_areas` (dissolved) and `postcode_areas` (with the teams that serve them), with styles.

    ``source`` is the folder of the proposal; ``holds`` (version, valid_from, valid_to) stands with every area.
    Raises OSError when the disk is full.
    """
    areas = gpd.read_parquet(source / "areas.parquet")
    areas = areas.set_geometry(shapely.coverage_simplify(areas.geometry.to_numpy(), SIMPLER_THAN_M), crs=areas.crs)
    allocation = read_parquet(source / "allocation.parquet").to_pandas()
    teams = read_parquet(source / "team.parquet").to_pandas()[["team_id", "name", "office", "kind"]]
    path = folder / "areas.gpkg"
    layers = {"team_areas": team_areas(areas, allocation, teams), "postcode_areas": postcode_areas(areas, allocation)}
    with _told_when_full(folder, (source / "areas.parquet").stat().st_size):
        _write_layers(path, layers, holds)
        _write_styles(path, sorted(allocation["team_id"].unique()))
    return entry(path, "areas", "geopackage", len(areas))


@contextmanager
def _told_when_full(folder: Path, size: int) -> Iterator[None]:
    """Raise the plain OSError of a full disk where GDAL or SQLite failed for that reason: what they say depends on the
    statement at which they noticed. ``size`` (bytes): what has to fit at least."""
    try:
        yield
    except (RuntimeError, sqlite3.Error) as error:  # pyogrio's errors are RuntimeErrors
        probe = folder / ".room"
        try:
            with probe.open("wb", buffering=0) as file:
                for _ in range(1 + 2 * size // _PROBE_BYTES):
                    if file.write(bytes(_PROBE_BYTES)) < _PROBE_BYTES:
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
        except OSError as full:
            raise OSError(full.errno, full.strerror, str(folder)) from error
        finally:
            probe.unlink(missing_ok=True)
        raise


def _write_layers(path: Path, layers: Mapping[str, gpd.GeoDataFrame], holds: Mapping[str, Any]) -> None:
    # Without this GDAL writes the time of writing into the file, and the same version would differ each time.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{_NO_MOMENT}.000Z"})
    try:
        for number, (name, layer) in enumerate(layers.items()):
            held = {column: [None if day is None else str(day)] * len(layer) for column, day in holds.items()}
            held["version"] = [holds["version"]] * len(layer)
            pyogrio.write_dataframe(layer.assign(**held), path, layer=name, driver="GPKG", append=number > 0)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _write_styles(path: Path, team_ids: list[str]) -> None:
    """The table `layer_styles`, in which QGIS looks for the default style of a layer."""
    styles = {"team_areas": _style_of_teams(team_ids), "postcode_areas": _style(_renderer_of_outlines())}
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), "
            "f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), "
            "styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), "
            "update_time DATETIME)"
        )
        for layer, style in styles.items():
            database.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
                "styleName, styleQML, styleSLD, useAsDefault, description, owner, update_time) "
                "VALUES ('', '', ?, 'geom', ?, ?, '', 1, ?, '', ?)",
                (layer, layer, style, "teams" if layer == "team_areas" else "postcodes", f"{_NO_MOMENT}.000Z"),
            )
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?)",
            (f"{_NO_MOMENT}.000Z",),
        )


def _style(renderer: ElementTree.Element) -> str:
    root = ElementTree.Element("qgis", version="3.34", styleCategories="Symbology")
    root.append(renderer)
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + ElementTree.tostring(
        root, encoding="unicode"
    )


def _style_of_teams(team_ids: list[str]) -> str:
    """A colour per team: hues a golden section apart, so that neighbours in the list differ."""
    renderer = ElementTree.Element("renderer-v2", type="categorizedSymbol", attr="team_id")
    categories = ElementTree.SubElement(renderer, "categories")
    symbols = ElementTree.SubElement(renderer, "symbols")
    for number, team in enumerate(team_ids):
        ElementTree.SubElement(categories, "category", symbol=str(number), value=team, label=team, render="true")
        red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(number * 0.618034 % 1, 0.7, 0.55))
        symbols.append(_symbol(str(number), f"{red},{green},{blue},255"))
    return _style(renderer)


def _renderer_of_outlines() -> ElementTree.Element:
    renderer = ElementTree.Element("renderer-v2", type="singleSymbol")
    ElementTree.SubElement(renderer, "symbols").append(_symbol("0", "255,255,255,0"))
    return renderer


def _symbol(name: str, fill: str) -> ElementTree.Element:
    symbol = ElementTree.Element("symbol", type="fill", name=name, alpha="1")
    layer = ElementTree.SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1"})
    options = ElementTree.SubElement(layer, "Option", type="Map")
    for key, value in {
        "color": fill,
        "outline_color": "80,80,80,255",
        "outline_width": "0.2",
        "style": "solid",
    }.items():
        ElementTree.SubElement(options, "Option", type="QString", name=key, value=value)
    return symbol


def team_areas(areas: gpd.GeoDataFrame, allocation: pd.DataFrame, teams: pd.DataFrame) -> gpd.GeoDataFrame:
    """One row per team, law domain and client line: its postcode areas dissolved into one (multi)polygon.

    Columns: team_id, name, office, kind, law_domain, client_line, areas, geometry. A split postcode counts for each
    team that has a share of it.
    """
    layer = ["law_domain", "client_line", "team_id"]
    pieces = allocation[["pc4", *layer]].sort_values([*layer, "pc4"], ignore_index=True)
    shapes = areas.set_index("pc4").geometry.reindex(pieces["pc4"]).to_numpy()
    starts = np.flatnonzero(~pieces.duplicated(layer).to_numpy())
    built = pieces.loc[starts, layer].reset_index(drop=True)
    built["areas"] = np.diff([*starts, len(pieces)])
    built = built.merge(teams, on="team_id", how="left")
    dissolved = [_dissolved(group) for group in np.split(shapes, starts[1:])]
    columns = ["team_id", "name", "office", "kind", *layer[:2], "areas"]
    return gpd.GeoDataFrame(built[columns], geometry=_as_multi(dissolved), crs=areas.crs)


def _dissolved(shapes: NDArray[Any]) -> Any:
    """The union. Clean areas share their borders exactly, which is fast; others are united the slow way."""
    with suppress(GEOSException):
        united = shapely.coverage_union_all(shapes)
        if united.is_valid:
            return united
    return shapely.union_all(shapes)


def _as_multi(shapes: Iterable[Any]) -> list[Any]:
    return [shapely.MultiPolygon([shape]) if shape.geom_type == "Polygon" else shape for shape in shapes]


def postcode_areas(areas: gpd.GeoDataFrame, allocation: pd.DataFrame) -> gpd.GeoDataFrame:
    """``areas`` with one text column per layer, such as ``team_zw_wia_alle``: its teams, joined by |, largest first."""
    ordered = allocation.sort_values(["share", "team_id"], ascending=[False, True], kind="stable")
    layer = "team_" + ordered["law_domain"] + "_" + ordered["client_line"]
    named = pd.DataFrame({"pc4": ordered["pc4"], "layer": layer, "teams": ordered["team_id"]})
    is_shared = named.duplicated(["pc4", "layer"], keep=False)
    joined = named[is_shared].groupby(["pc4", "layer"], as_index=False)["teams"].agg("|".join)
    wide = pd.concat([named[~is_shared], joined]).pivot(index="pc4", columns="layer", values="teams")
    built = areas.merge(wide, left_on="pc4", right_index=True, how="left")
    return gpd.GeoDataFrame(built.drop(columns="geometry"), geometry=_as_multi(built.geometry), crs=areas.crs)
