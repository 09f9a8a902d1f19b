"""The boundaries of one edition as the rest of the program sees them: built once, cached, written and read back."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from geopandas import GeoDataFrame

from geodata import adjacency
from geodata import areas as areas_module
from geodata.errors import GeodataError, reason
from geodata.given_file import Borrowed
from geodata.layer import Edition, SourceLayer, sha256_of
from geodata.repairs import Repairs
from geodata.sources import embedded, files, pdok
from geodata.sources.features import FeatureClient

DEFAULT_CACHE = Path("var") / "cache"
"""The same folder as that of a run below ``var``: one download and one build serve everything."""
CHECKSUMS = "checksums.json"
"""Beside the files of a built edition: what they were when they were written; the cache is used when they still are."""
COMPACT: dict[str, Any] = {"compression": "zstd", "use_dictionary": False}
"""How polygons are written: half the room, because no polygon repeats."""
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Boundaries:
    """One edition: areas, who borders whom, what was repaired, and where it is from.

    ``areas``: one row per pc4, sorted, RangeIndex; a clean coverage in EPSG:28992. Columns: pc4 (text), place,
    gemeente_code (4 digits, text), gemeente_name, arbeidsmarktregio_nr (int), arbeidsmarktregio, care_region
    (nullable), inhabitants (Int64; missing = not published), x_m, y_m (metres, a point inside the area), area_km2,
    is_valid, geometry.
    ``edges``: a, b (pc4, a < b), border_m (metres; 0 for a bridge), kind (border or bridge), reason (why the bridge).
    ``repairs``: class, pc4, detail, action: everything repaired or noticed.
    ``follows``: pc4, follows: postcodes of the source without a surface of their own, and the area that each counts
    for; usually empty.
    """

    areas: GeoDataFrame
    edges: pd.DataFrame
    repairs: pd.DataFrame
    edition: Edition
    follows: pd.DataFrame = field(default_factory=lambda: Repairs().follows())

    def fingerprint(self) -> str:
        """SHA-256 (hex) of the content: areas with their polygons, and edges. When it was retrieved does not count."""
        digest = hashlib.sha256()
        digest.update(pd.DataFrame(self.areas.drop(columns="geometry")).to_csv(index=False).encode())
        digest.update(self.edges.to_csv(index=False).encode())
        if len(self.follows):
            digest.update(self.follows.to_csv(index=False).encode())
        for wkb in shapely.to_wkb(self.areas.geometry.to_numpy()):
            digest.update(wkb)
        return digest.hexdigest()

    def write(self, folder: Path) -> None:
        """Six files in ``folder`` (made when absent): four tables, edition.json and checksums. All or nothing."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            self.areas.to_parquet(fresh / "areas.parquet", index=False, **COMPACT)
            self.edges.to_parquet(fresh / "edges.parquet", index=False)
            self.repairs.to_parquet(fresh / "repairs.parquet", index=False)
            self.follows.to_parquet(fresh / "follows.parquet", index=False)
            (fresh / "edition.json").write_text(json.dumps(asdict(self.edition), indent=1), encoding="utf-8")
            (fresh / CHECKSUMS).write_text(json.dumps(_checksums(fresh), indent=1), encoding="utf-8")
            _replace(fresh, folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    @classmethod
    def read(cls, folder: Path) -> Boundaries:
        """What ``write`` wrote, exactly; of a folder of an earlier release ``follows`` is empty.

        Raises GeodataError when the folder holds no complete edition.
        """
        follows = folder / "follows.parquet"
        try:
            return cls(
                areas=gpd.read_parquet(folder / "areas.parquet"),
                edges=pd.read_parquet(folder / "edges.parquet"),
                repairs=pd.read_parquet(folder / "repairs.parquet"),
                edition=Edition(**json.loads((folder / "edition.json").read_text(encoding="utf-8"))),
                follows=pd.read_parquet(follows) if follows.is_file() else Repairs().follows(),
            )
        except (OSError, ValueError, TypeError) as error:
            raise GeodataError(f"No readable boundaries in {folder}: {error}") from error


def _replace(fresh: Path, folder: Path) -> None:
    """Puts ``fresh`` where ``folder`` is or was; another process that does the same at the same time does no harm."""
    if folder.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
        try:
            folder.rename(old / "gone")
        finally:
            shutil.rmtree(old, ignore_errors=True)
    fresh.chmod(0o755)
    try:
        fresh.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process put its own there in the meantime
            raise


def load_boundaries(
    spec: str = "embedded", cache_dir: Path = DEFAULT_CACHE, progress: Progress | None = None
) -> Boundaries:
    """The boundaries that ``spec`` names, from the cache when they were built before.

    ``spec``: "embedded" (2014, no network); "pdok" or "pdok:2024" (the newest year in the cache, or one year; the
    network is used only when the cache does not have it); a year alone ("2014" is embedded, others PDOK); or a path to
    a GeoPackage, GeoParquet, GeoJSON or Shapefile, see `sources.files` for what may follow it.
    The built result is kept in ``cache_dir`` under a name that follows from source, reference tables and code, so it is
    built anew exactly when one of these changed. Raises GeodataError, in plain words, when it cannot be had.
    """
    say = progress or (lambda _: None)
    kind, year = _kind(spec)
    if kind == "embedded":
        return _cached("embedded", embedded.checksum(), embedded.read, cache_dir, say)
    if kind == "pdok":
        return _pdok(year, cache_dir, say, refresh=False)
    return _from_file(files.parse(spec), spec, cache_dir, say)


def refresh_boundaries(
    spec: str = "pdok", cache_dir: Path = DEFAULT_CACHE, progress: Progress | None = None
) -> Boundaries:
    """Like ``load_boundaries``, but for PDOK always from the network: the newest year there is, or the year named.

    When the download fails the cache is as it was, GeodataError says why, and ``load_boundaries`` still works.
    """
    kind, year = _kind(spec)
    if kind != "pdok":
        return load_boundaries(spec, cache_dir, progress)
    return _pdok(year, cache_dir, progress or (lambda _: None), refresh=True)


def _kind(spec: str) -> tuple[str, int | None]:
    """What ``spec`` asks for: ("embedded", None), ("pdok", year or None), or ("file", None)."""
    if spec in ("embedded", str(embedded.YEAR)):
        return "embedded", None
    if match := re.fullmatch(r"pdok(?::(\d{4}))?|(\d{4})", spec):
        year = match[1] or match[2]
        return "pdok", int(year) if year else None
    if spec.startswith("pdok:"):
        raise GeodataError(f"'{spec}' names no year; write pdok or, for example, pdok:2024.")
    return "file", None


def _pdok(year: int | None, cache_dir: Path, say: Progress, *, refresh: bool) -> Boundaries:
    usable = [y for y in pdok.cached_years(cache_dir) if pdok.checksum(y, cache_dir) is not None]
    if year is None and usable and not refresh:
        year = usable[-1]
    if refresh or year not in usable:
        services = pdok.Services.from_environment()
        with FeatureClient(say=lambda text: say(f"pdok: {text}")) as client:
            year = year or pdok.newest_year(services, client, datetime.now(UTC).date())
            pdok.download(year, cache_dir, services, client, say)
    assert year is not None
    found = pdok.checksum(year, cache_dir)
    if found is None:
        raise GeodataError(f"The download of PDOK of {year} in {cache_dir} is damaged; remove pdok-{year}.json there.")
    return _cached(f"pdok-{year}-built", found, lambda: pdok.read(year, cache_dir), cache_dir / "built", say)


def load_full_postcodes(
    pc4: Iterable[str], boundaries: Boundaries, cache_dir: Path = DEFAULT_CACHE, progress: Progress | None = None
) -> pd.DataFrame:
    """Full postcodes (PC6) of areas that are split over teams, from PDOK, of the year of ``boundaries``.

    Columns: pc4, pc6, x_m, y_m (metres, a point inside), inhabitants (missing = not published). Areas asked for before
    come from the cache. Raises GeodataError when an area is unknown or PDOK cannot be read.
    """
    say = progress or (lambda _: None)
    wanted = sorted(set(pc4))
    unknown = set(wanted) - set(boundaries.areas["pc4"])
    if unknown:
        raise GeodataError(f"There is no area {min(unknown)} in the boundaries of {boundaries.edition.year}.")
    areas = boundaries.areas[boundaries.areas["pc4"].isin(wanted)]
    cache_dir.mkdir(parents=True, exist_ok=True)
    with FeatureClient(say=lambda text: say(f"pdok: {text}")) as client:
        services = pdok.Services.from_environment()
        return pdok.full_postcodes(areas, boundaries.edition.year, cache_dir, services, client)


def _from_file(wanted: files.FileSpec, spec: str, cache_dir: Path, say: Progress) -> Boundaries:
    """A file, from the cache when nothing of it changed; without the cache when another program is writing to it.

    Raises GeodataError when the file changes while it is read: what was read may be half of one and half of the other.
    """
    try:
        before, in_use = files.state(wanted), files.is_being_written(wanted)
        if in_use:
            say(f"boundaries: another program has {wanted.path.name} open; reading it anew, without the cache")
            return _built(wanted.path.stem, lambda: files.read(wanted, cache_dir), say)
        key = hashlib.sha256(f"{before}\n{spec}".encode(errors="surrogateescape")).hexdigest()
        return _cached(wanted.path.stem, key, lambda: files.read(wanted, cache_dir, before), cache_dir, say)
    except Borrowed as error:
        raise GeodataError(f"{error}; name a file itself.") from error
    except OSError as error:
        raise GeodataError(f"{wanted.path} cannot be read, or {cache_dir} not be written: {reason(error)}.") from error


def _cached(
    name: str, source_sha256: str, read: Callable[[], SourceLayer], cache_dir: Path, say: Progress
) -> Boundaries:
    folder = cache_dir / f"{name}-{_build_key(source_sha256)}"
    if (folder / "edition.json").is_file():
        try:
            if json.loads((folder / CHECKSUMS).read_text(encoding="utf-8")) == _checksums(folder):
                return Boundaries.read(folder)
        except (GeodataError, OSError, ValueError):
            pass
        say(f"boundaries: the cache in {folder} is damaged, building anew")
    boundaries = _built(name, read, say)
    boundaries.write(folder)
    return boundaries


def _checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of a built edition, by name."""
    return {path.name: sha256_of(path) for path in sorted(folder.iterdir()) if path.name != CHECKSUMS}


def _built(name: str, read: Callable[[], SourceLayer], say: Progress) -> Boundaries:
    say(f"boundaries: reading {name}")
    layer = read()
    say(f"boundaries: cleaning {len(layer.areas)} areas")
    return build(layer)


def build(layer: SourceLayer) -> Boundaries:
    """Areas cleaned and joined to their regions, and edges, from what a source handed over."""
    repairs = Repairs(layer.notes)
    areas = areas_module.build(layer, repairs)
    edges = adjacency.build(areas, repairs)
    return Boundaries(areas, edges, repairs.table(), layer.edition, repairs.follows())


def _build_key(source_sha256: str) -> str:
    """Twelve hex digits that change with the source, the reference tables, this package's code and GEOS."""
    package = Path(__file__).parent
    inputs = sorted([*package.rglob("*.py"), *package.glob("reference/*.csv")], key=os.fspath)
    parts = [source_sha256, sha256_of(*inputs), shapely.__version__, shapely.geos_version_string]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
