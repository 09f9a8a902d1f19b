"""The official boundaries: CBS Postcode4 and CBS Gebiedsindelingen, served by PDOK as OGC API Features (CC BY 4.0).

One download per year is kept as GeoParquet with a manifest (year, addresses, time, checksums, licence); every later run
reads that and needs no network. A download that fails leaves the one before as it was.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame
from shapely.geometry import shape

from geodata import zones
from geodata.errors import GeodataError
from geodata.identifiers import counts
from geodata.layer import RD_NEW, Edition, SourceLayer, extent, in_netherlands, sha256_of
from geodata.sources.features import FeatureClient
from geodata.sources.vector import note
from geodata.zones import crossing, overlap_shares

LIVE = "https://api.pdok.nl/cbs"
LICENCE = "CC BY 4.0, CBS/PDOK"
CRS = f"http://www.opengis.net/def/crs/EPSG/0/{RD_NEW}"
PAGE_LIMIT = 1000
HISTORIC_UNTIL = 2015
"""Up to this year the region layers stand in the service of historic divisions."""
LEAST_KM2 = 30_000
"""The land of the Netherlands is 33,500 km²; a layer that covers less than this is not whole."""
ZONE_LAYERS = {"gemeenten": "gemeente", "regions": "arbeidsmarktregio", "care_regions": "ggdregio"}
"""Kind of a layer (``zones.KINDS``) -> its name at PDOK."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Services:
    """Addresses of the services, without /collections."""

    postcode4: str
    postcode6: str
    areas: str
    historic_areas: str

    @classmethod
    def at(cls, root: str) -> Services:
        """The services as PDOK lays them out under ``root``."""
        return cls(
            postcode4=f"{root}/postcode4/ogc/v1",
            postcode6=f"{root}/postcode6/ogc/v1",
            areas=f"{root}/gebiedsindelingen/ogc/v1",
            historic_areas=f"{root}/gebiedsindelingen-historisch/ogc/v1",
        )

    @classmethod
    def from_environment(cls) -> Services:
        """PDOK, or a mirror of it when GEODATA_PDOK_URL names one."""
        return cls.at(os.environ.get("GEODATA_PDOK_URL", LIVE).rstrip("/"))


def cached_years(cache_dir: Path) -> list[int]:
    """Years of which a whole download is in the cache, oldest first."""
    found = (re.fullmatch(r"pdok-(\d{4})\.json", path.name) for path in cache_dir.glob("pdok-*.json"))
    return sorted(int(match[1]) for match in found if match)


def newest_year(services: Services, client: FeatureClient, today: date) -> int:
    """The newest year of which PDOK has postcode areas; it publishes a year or so late."""
    for year in range(today.year, today.year - 5, -1):
        query = {"jaarcode": str(year), "limit": "1", "f": "json"}
        page = client.document(f"{services.postcode4}/collections/postcode4/items", **query)
        if page and page.get("features"):
            return year
    raise GeodataError(f"{services.postcode4} has no postcode areas of the last five years.")


def checksum(year: int, cache_dir: Path) -> str | None:
    """SHA-256 of the cached download of ``year``; None when there is none, or its files are not what was written."""
    manifest = _manifest(year, cache_dir)
    if manifest is None:
        return None
    folder = cache_dir / manifest["folder"]
    for name, expected in manifest["files"].items():
        if not (folder / name).is_file() or sha256_of(folder / name) != expected:
            return None
    return str(manifest["edition"]["sha256"])


def read(year: int, cache_dir: Path) -> SourceLayer:
    """The cached download of ``year``. Raises GeodataError when there is none."""
    manifest = _manifest(year, cache_dir)
    if manifest is None:
        raise GeodataError(f"The boundaries of PDOK of {year} are not in {cache_dir}.")
    folder, notes = cache_dir / manifest["folder"], list(manifest["notes"])
    layers = {
        kind: zones.clean(gpd.read_parquet(folder / f"{name}.parquet"), kind, f"PDOK, {name} of {year}", notes)
        for kind, name in ZONE_LAYERS.items()
        if kind != "care_regions" or (folder / f"{name}.parquet").is_file()
    }
    return SourceLayer(
        areas=gpd.read_parquet(folder / "postcode4.parquet"),
        edition=Edition(**manifest["edition"]),
        pc6=pd.read_parquet(folder / "postcode6.parquet"),
        notes=tuple(notes),
        **layers,
    )


def _manifest(year: int, cache_dir: Path) -> dict[str, Any] | None:
    path = cache_dir / f"pdok-{year}.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest


def download(year: int, cache_dir: Path, services: Services, client: FeatureClient, say: Progress) -> None:
    """Everything of ``year`` into the cache. Raises GeodataError, with the cache as it was, when anything fails.

    The files go to a folder of their own; only when all are there does the small manifest point to it.
    """
    cache_dir.mkdir(parents=True, exist_ok=True)
    partial = cache_dir / f"pdok-{year}-partial"
    notes: list[dict[str, str]] = []
    tables = _layers(year, services, client, partial, notes, say)
    with tempfile.TemporaryDirectory(prefix=f".pdok-{year}-", dir=cache_dir) as scratch:
        fresh = Path(scratch) / "tables"
        fresh.mkdir()
        for name, table in tables.items():
            table.to_parquet(fresh / f"{name}.parquet", index=False)
        written = sorted(fresh.iterdir())
        edition = Edition(
            source="pdok",
            year=year,
            licence=LICENCE,
            origin=f"{services.postcode4} and {_areas_service(year, services)}, jaarcode {year}",
            sha256=sha256_of(*written),
            retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        manifest = {
            "edition": asdict(edition),
            "folder": f"pdok-{year}-{edition.sha256[:12]}",
            "files": {path.name: sha256_of(path) for path in written},
            "notes": notes,
        }
        _put_in_place(fresh, manifest, cache_dir)
    shutil.rmtree(partial, ignore_errors=True)


def _put_in_place(fresh: Path, manifest: dict[str, Any], cache_dir: Path) -> None:
    """Moves the tables to their folder, points the manifest at it in one step, removes what it pointed at before."""
    year, folder = manifest["edition"]["year"], cache_dir / manifest["folder"]
    if checksum(year, cache_dir) != manifest["edition"]["sha256"]:
        shutil.rmtree(folder, ignore_errors=True)  # left by a crash, or damaged
        fresh.rename(folder)
    pointer = cache_dir / f".pdok-{year}.json.tmp"
    pointer.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    pointer.replace(cache_dir / f"pdok-{year}.json")
    for old in cache_dir.glob(f"pdok-{year}-*"):
        if old not in (folder, cache_dir / f"pdok-{year}-partial"):
            shutil.rmtree(old, ignore_errors=True)


def _areas_service(year: int, services: Services) -> str:
    return services.historic_areas if year <= HISTORIC_UNTIL else services.areas


def _layers(
    year: int, services: Services, client: FeatureClient, partial: Path, notes: list[dict[str, str]], say: Progress
) -> dict[str, GeoDataFrame | pd.DataFrame]:
    """The tables of one download, by the name of their file."""
    say(f"pdok: postcode areas of {year}")
    query = _query(year)
    url = f"{services.postcode4}/collections/postcode4/items"
    found = client.items(url, query, ("postcode", "aantal_inwoners"), partial)
    if not found:
        raise GeodataError(f"PDOK has no postcode areas of {year}.")
    areas = _whole(_frame(found, {"postcode": "pc4", "aantal_inwoners": "inhabitants"}), f"postcode areas of {year}")
    areas = areas.assign(inhabitants=counts(areas["inhabitants"], f"PDOK, aantal_inwoners of {year}")[0])
    tables: dict[str, GeoDataFrame | pd.DataFrame] = {"postcode4": areas}
    for name in ZONE_LAYERS.values():
        say(f"pdok: {name} of {year}")
        layer = _zone_layer(name, year, services, client, partial)
        if layer is not None:
            tables[name] = layer
        elif name == "ggdregio":
            notes.append(note(f"PDOK heeft geen GGD-regio's van {year}"))
        else:
            raise GeodataError(f"PDOK has no layer of {name} of {year}.")
    say(f"pdok: full postcodes of areas that cross a region border, {year}")
    tables["postcode6"] = _points_at_borders(areas, tables["arbeidsmarktregio"], year, services, client, partial, notes)
    return tables


def _query(year: int) -> dict[str, str]:
    return {"jaarcode": str(year), "limit": str(PAGE_LIMIT), "crs": CRS, "f": "json"}


def _zone_layer(name: str, year: int, services: Services, client: FeatureClient, partial: Path) -> GeoDataFrame | None:
    """A generalised layer of CBS Gebiedsindelingen: code, name, geometry; None when there is none of that year."""
    service = _areas_service(year, services)
    listed = client.document(f"{service}/collections", f="json") or {}
    names = [str(collection.get("id", "")) for collection in listed.get("collections", [])]
    wanted = next((n for n in names if n.replace("_", "").replace("-", "") == f"{name}gegeneraliseerd"), None)
    if wanted is None:
        return None
    url = f"{service}/collections/{wanted}/items"
    found = client.items(url, _query(year), ("statcode", "statnaam"), partial)
    if not found:
        return None
    return _whole(_frame(found, {"statcode": "code", "statnaam": "name"}), f"{name} of {year}")


def _points_at_borders(
    areas: GeoDataFrame,
    regions: GeoDataFrame,
    year: int,
    services: Services,
    client: FeatureClient,
    partial: Path,
    notes: list[dict[str, str]],
) -> pd.DataFrame:
    """Full postcodes as points with inhabitants (pc6, x_m, y_m, inhabitants), around areas that cross a border only."""
    empty = pd.DataFrame({"pc6": [], "x_m": [], "y_m": [], "inhabitants": []})
    empty = empty.astype({"pc6": "str", "x_m": "float64", "y_m": "float64", "inhabitants": "Int64"})
    valid = areas.set_geometry(gpd.GeoSeries(shapely.make_valid(areas.geometry.to_numpy()), crs=areas.crs))
    across = crossing(overlap_shares(valid, regions))["area"].unique()
    if not len(across):
        return empty
    if client.document(f"{services.postcode6}/collections/postcode6", f="json") is None:
        notes.append(note(f"PDOK heeft geen PC6-aantallen van {year}; grensgebieden naar het meeste vlak"))
        return empty
    pieces = [fetch_pc6(areas.geometry.iloc[position].bounds, year, services, client, partial) for position in across]
    return pd.concat([empty, *pieces], ignore_index=True).drop_duplicates("pc6", ignore_index=True)


def fetch_pc6(
    bounds: tuple[float, float, float, float], year: int, services: Services, client: FeatureClient, partial: Path
) -> pd.DataFrame:
    """Full postcodes within ``bounds`` (RD New, metres) as points: pc6, x_m, y_m, inhabitants (may be missing)."""
    box = ",".join(f"{value:.1f}" for value in bounds)
    query = _query(year) | {"bbox": box, "bbox-crs": CRS}
    url = f"{services.postcode6}/collections/postcode6/items"
    found = client.items(url, query, ("aantal_inwoners",), partial)
    for feature in found:
        own = feature["properties"]
        own["pc6"] = own.get("postcode6", own.get("postcode"))
    frame = _frame(found, {"pc6": "pc6", "aantal_inwoners": "inhabitants"})
    points = shapely.get_coordinates(shapely.point_on_surface(frame.geometry.to_numpy()))
    return pd.DataFrame(
        {
            "pc6": frame["pc6"].astype("str").str.replace(" ", "", regex=False),
            "x_m": points[:, 0],
            "y_m": points[:, 1],
            "inhabitants": counts(frame["inhabitants"], f"PDOK, PC6, aantal_inwoners of {year}")[0],
        }
    )


def full_postcodes(
    areas: GeoDataFrame, year: int, cache_dir: Path, services: Services, client: FeatureClient
) -> pd.DataFrame:
    """The full postcodes in ``areas`` (rows with pc4 and geometry) as points: pc4, pc6, x_m, y_m, inhabitants.

    Asked for area by area and kept per area; an area in the cache needs no network.
    """
    pieces = []
    for pc4, polygon in zip(areas["pc4"], areas.geometry, strict=True):
        kept = cache_dir / f"pc6-{year}-{pc4}.parquet"
        if not kept.is_file():
            partial = cache_dir / f"pc6-{year}-{pc4}-partial"
            found = fetch_pc6(polygon.bounds, year, services, client, partial)
            fresh = kept.with_suffix(".tmp")
            found[found["pc6"].str.startswith(pc4)].sort_values("pc6").to_parquet(fresh, index=False)
            fresh.replace(kept)
            shutil.rmtree(partial, ignore_errors=True)
        pieces.append(pd.read_parquet(kept).assign(pc4=pc4))
    columns = ["pc4", "pc6", "x_m", "y_m", "inhabitants"]
    return pd.concat(pieces, ignore_index=True)[columns] if pieces else pd.DataFrame(columns=columns)


def _frame(features: list[dict[str, Any]], columns: dict[str, str]) -> GeoDataFrame:
    """Features as a frame in RD New with the properties ``columns`` (name in the source -> our name).

    Raises GeodataError when a geometry cannot be read.
    """
    try:
        shapes = np.array([shape(feature["geometry"]) for feature in features], dtype=object)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError) as error:
        raise GeodataError(f"PDOK sent a geometry that cannot be read: {error}.") from error
    values = {ours: [feature["properties"][theirs] for feature in features] for theirs, ours in columns.items()}
    return GeoDataFrame(pd.DataFrame(values), geometry=shapes, crs=RD_NEW)


def _whole(layer: GeoDataFrame, name: str) -> GeoDataFrame:
    """``layer`` when it lies in, and covers, the Netherlands. Raises GeodataError otherwise."""
    if not in_netherlands(layer):
        raise GeodataError(f"The {name} do not lie in the Netherlands in RD New: {extent(layer)}.")
    covered_km2 = shapely.area(layer.geometry.to_numpy()).sum() / 1e6
    if covered_km2 < LEAST_KM2:
        raise GeodataError(f"The {name} cover {covered_km2:.0f} km², less than the country: the download is not whole.")
    return layer
