"""Boundaries from a file that a planner has: GeoPackage, GeoParquet, GeoJSON or Shapefile.

The spec is a path, optionally followed by ``?name=value&...`` for what cannot be recognised:

    areas.gpkg?layer=pc4&pc4=POSTCODE&gemeente_code=GM&year=2023&crs=28992&regions=regions.gpkg

``layer``: which layer of a GeoPackage; ``year``: the edition; ``crs``: EPSG code when the file names none or a wrong
one; ``regions``, ``gemeenten``: files with polygons of those; any other name: the column that holds that value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl

import geopandas as gpd
import pandas as pd
import pyogrio
from geopandas import GeoDataFrame

from geodata.errors import GeodataError
from geodata.layer import RD_NEW, Edition, SourceLayer, sha256_of

SUFFIXES = (".gpkg", ".parquet", ".geoparquet", ".geojson", ".json", ".shp")
RECOGNISED: Mapping[str, tuple[str, ...]] = {
    "pc4": ("pc4", "pc4code", "pc4_code", "postcode4", "postcode_4", "postcode", "postcodegebied", "postcode_code"),
    "place": ("place", "pc4naam", "plaats", "plaatsnaam", "woonplaats", "woonplaatsnaam"),
    "gemeente_code": ("gemeente_code", "gemcode", "gemeentecode", "gm_code", "gem_code", "gemeente_c"),
    "gemeente_name": ("gemeente_name", "gemnaam", "gemeentenaam", "gm_naam", "gemeente_naam", "gemeente_n", "gemeente"),
    "arbeidsmarktregio_nr": ("arbeidsmarktregio_nr", "arbeidsmarktregio_code", "am_code"),
    "arbeidsmarktregio": ("arbeidsmarktregio", "arbeidsmarktregio_naam", "am_naam"),
    "care_region": ("care_region", "ggd_regio", "ggdregio", "ggd_naam"),
    "inhabitants": ("inhabitants", "inw_t", "aantal_inwoners", "inwoners", "aantal_inw", "inhabitant"),
    "x_m": ("x_m", "xcoord"),
    "y_m": ("y_m", "ycoord"),
}
"""Value -> column names, in lower case, under which it is known; the first that is present counts. A Shapefile keeps
ten characters of a name, so some stand here cut off too."""
ZONE_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "code": ("code", "statcode", "nr", "arbeidsmarktregio_nr", "gemeentecode", "gemeente_code", "gemcode", "gm_code"),
    "name": ("name", "statnaam", "naam", "arbeidsmarktregio", "gemeentenaam", "gemeente_name", "gemnaam", "gm_naam"),
}
SUPPRESSED_BELOW = 0
"""CBS writes a count that it does not publish as a negative number (-99997, -99995): missing, not a count."""

_OTHER_OPTIONS = ("layer", "year", "crs", "regions", "gemeenten")


@dataclass(frozen=True)
class FileSpec:
    """A path with what the person said about it; ``columns`` maps a value of RECOGNISED to a column of the file."""

    path: Path
    layer: str | None = None
    year: int | None = None
    crs: int | None = None
    regions: Path | None = None
    gemeenten: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


def parse(spec: str) -> FileSpec:
    """The file spec in ``spec``. Raises GeodataError on an unknown option, a wrong number or an absent file."""
    name, _, query = spec.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    unknown = set(options) - set(RECOGNISED) - set(_OTHER_OPTIONS)
    if unknown:
        raise GeodataError(
            f"Unknown option '{min(unknown)}' behind {name}; known are {', '.join([*_OTHER_OPTIONS, *RECOGNISED])}."
        )
    for number in ("year", "crs"):
        if number in options and not options[number].isdigit():
            raise GeodataError(f"{number}={options[number]} behind {name} must be a whole number.")
    paths = {key: Path(options[key]) for key in ("regions", "gemeenten") if key in options}
    for path in (Path(name), *paths.values()):
        if not path.is_file():
            raise GeodataError(f"There is no file {path}; boundaries are embedded, pdok, pdok:YEAR or a file.")
        if path.suffix.lower() not in SUFFIXES:
            raise GeodataError(f"{path} is not a file of a known kind; known are {', '.join(SUFFIXES)}.")
    return FileSpec(
        path=Path(name),
        layer=options.get("layer"),
        year=int(options["year"]) if "year" in options else None,
        crs=int(options["crs"]) if "crs" in options else None,
        columns={key: value for key, value in options.items() if key in RECOGNISED},
        **paths,
    )


def checksum(spec: FileSpec) -> str:
    """SHA-256 over the bytes of every file that ``spec`` names; a Shapefile counts with its .dbf, .prj and .cpg."""
    parts: list[Path] = []
    for path in (spec.path, spec.regions, spec.gemeenten):
        if path is None:
            continue
        beside = [path.with_suffix(s) for s in (".dbf", ".prj", ".cpg")] if path.suffix.lower() == ".shp" else []
        parts += [path, *(p for p in beside if p.is_file())]
    return sha256_of(*parts)


def read(spec: FileSpec) -> SourceLayer:
    """The areas in the file, with recognised columns renamed. Raises GeodataError in plain words when it cannot be."""
    frame = _read_frame(spec.path, spec.layer)
    notes: list[dict[str, str]] = []
    frame = _with_crs(frame, spec, notes)
    areas = _renamed(frame, spec)
    return SourceLayer(
        areas=areas,
        edition=Edition(
            source="file",
            year=spec.year or _year(spec.path, frame, notes),
            licence="as agreed with the supplier of the file",
            origin=str(spec.path.resolve()),
            sha256=checksum(spec),
            retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        ),
        regions=_zones(spec.regions),
        gemeenten=_zones(spec.gemeenten),
        notes=tuple(notes),
    )


def _read_frame(path: Path, layer: str | None) -> GeoDataFrame:
    """The features of a file as they are. A GeoPackage with several layers needs ``layer``, or one with postcodes."""
    try:
        if path.suffix.lower() in (".parquet", ".geoparquet"):
            return gpd.read_parquet(path)
        layers = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
        if layer is None and len(layers) > 1:
            layer = _layer_with_postcodes(path, layers)
        if layer is not None and layer not in layers:
            raise GeodataError(f"{path} has no layer '{layer}'; it has {', '.join(layers)}.")
        return gpd.read_file(path, layer=layer or layers[0])
    except (OSError, ValueError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise GeodataError(f"{path} cannot be read as boundaries: {error}") from error


def _layer_with_postcodes(path: Path, layers: list[str]) -> str:
    for name in layers:
        columns = {str(c).lower() for c in pyogrio.read_info(path, layer=name)["fields"]}
        if columns & set(RECOGNISED["pc4"]):
            return name
    raise GeodataError(
        f"{path} has {len(layers)} layers and none with postcodes; name one with ?layer=, of {', '.join(layers)}."
    )


def _with_crs(frame: GeoDataFrame, spec: FileSpec, notes: list[dict[str, str]]) -> GeoDataFrame:
    """``frame`` with the coordinate system that the person named, the file names, or the coordinates show.

    Raises GeodataError when the coordinates plainly are not what the file says.
    """
    looks = _looks_like(frame)
    if spec.crs is not None:
        return frame.set_crs(spec.crs, allow_override=True)
    if frame.crs is None:
        if looks is None:
            raise GeodataError(
                f"{spec.path} names no coordinate system; name it, for example {spec.path.name}?crs={RD_NEW}."
            )
        notes.append(_note(f"het bestand noemt geen coördinatenstelsel; gelezen als EPSG:{looks}"))
        return frame.set_crs(looks)
    if frame.crs.is_geographic and looks == RD_NEW:
        raise GeodataError(
            f"The coordinates in {spec.path} are metres of RD New, but the file says {frame.crs.name}; "
            f"say {spec.path.name}?crs={RD_NEW} when they are."
        )
    return frame


def _looks_like(frame: GeoDataFrame) -> int | None:
    """EPSG code of the system in which the coordinates would be the Netherlands, or None."""
    west, south, east, north = frame.total_bounds
    if west >= 0 and east <= 300_000 and south >= 290_000 and north <= 640_000:
        return RD_NEW
    if west >= 3 and east <= 7.5 and south >= 50.5 and north <= 54:
        return 4326
    return None


def _renamed(frame: GeoDataFrame, spec: FileSpec) -> GeoDataFrame:
    """``frame`` with only the columns of RECOGNISED that it has, under our names, and the geometry."""
    present = {str(column).lower(): str(column) for column in frame.columns}
    chosen: dict[str, str] = {}
    for value, names in RECOGNISED.items():
        named = spec.columns.get(value)
        if named is not None:
            if named.lower() not in present:
                raise GeodataError(f"{spec.path} has no column '{named}'; it has {', '.join(present.values())}.")
            chosen[value] = present[named.lower()]
            continue
        for name in names:
            if name in present:
                chosen[value] = present[name]
                break
    if "pc4" not in chosen:
        raise GeodataError(
            f"{spec.path} has no column that is recognised as the postcode; name it, for example "
            f"{spec.path.name}?pc4=NAME, of {', '.join(c for c in present.values() if c != frame.geometry.name)}."
        )
    columns = {value: frame[column] for value, column in chosen.items()}
    areas = GeoDataFrame(columns, geometry=frame.geometry.to_numpy(), crs=frame.crs)
    if areas["pc4"].astype("str").str.fullmatch(r"\d{4}\s?[A-Za-z]{2}").mean() > 0.5:
        raise GeodataError(f"{spec.path} holds full postcodes (PC6); areas of four digits (PC4) are needed.")
    if "inhabitants" in areas:
        areas["inhabitants"] = _counts(areas["inhabitants"], spec.path)
    return areas


def _counts(column: pd.Series, path: Path) -> pd.Series:
    number = pd.to_numeric(column, errors="coerce")
    number = number.where(number >= SUPPRESSED_BELOW)
    if (number.dropna() % 1 != 0).any():
        raise GeodataError(f"The inhabitants in {path} are not whole numbers.")
    return number.astype("Int64")


def _year(path: Path, frame: GeoDataFrame, notes: list[dict[str, str]]) -> int:
    """The year in column ``jaarcode``, else in the name of the file, else the year of the file's date (noted)."""
    for column in frame.columns:
        if str(column).lower() in ("jaarcode", "jaar") and frame[column].nunique() == 1:
            return int(frame[column].iloc[0])
    in_name = re.findall(r"(?<!\d)((?:19|20)\d{2})(?!\d)", path.stem)
    if in_name:
        return int(in_name[-1])
    year = datetime.fromtimestamp(path.stat().st_mtime, UTC).year
    notes.append(_note(f"het bestand noemt geen jaar; {year} is het jaar van de bestandsdatum"))
    return year


def _zones(path: Path | None) -> GeoDataFrame | None:
    """Polygons with code and name, in RD New, from a file; None when no file is named."""
    if path is None:
        return None
    frame = _read_frame(path, None)
    present = {str(column).lower(): str(column) for column in frame.columns}
    found = {key: next((present[n] for n in names if n in present), None) for key, names in ZONE_COLUMNS.items()}
    if found["code"] is None or found["name"] is None:
        raise GeodataError(
            f"{path} needs a column with the code ({', '.join(ZONE_COLUMNS['code'])}) and one with the name "
            f"({', '.join(ZONE_COLUMNS['name'])}); it has {', '.join(present.values())}."
        )
    if frame.crs is None:
        raise GeodataError(f"{path} names no coordinate system.")
    zones = GeoDataFrame(
        {"code": frame[found["code"]].astype("str"), "name": frame[found["name"]].astype("str")},
        geometry=frame.geometry.to_numpy(),
        crs=frame.crs,
    )
    return zones.to_crs(RD_NEW)


def _note(detail: str) -> dict[str, str]:
    return {"class": "bron", "pc4": "", "detail": detail, "action": "zo gebruikt"}
