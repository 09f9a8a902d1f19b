"""Opens a file with polygons: its size, its layer, its coordinate system; the same for every file that a person names.

Belongs here: everything that can be said of such a file without knowing what its columns mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import pyarrow.parquet as pq
import pyogrio
import pyproj.exceptions
from geopandas import GeoDataFrame

from geodata.errors import GeodataError, capped, reason, shown
from geodata.layer import RD_NEW
from geodata.sources.kinds import refuse_another_kind, refuse_unknown_crs, sizes
from geodata.sources.parquet import countable, declared_bytes, each_text_once, written_out_bytes

SUFFIXES = (".gpkg", ".parquet", ".geoparquet", ".geojson", ".json", ".shp")
PARQUET = (".parquet", ".geoparquet")
_JSON = ("GeoJSON", "GeoJSONSeq", "TopoJSON", "ESRIJSON", "JSONFG")
DRIVERS = {".gpkg": ("GPKG",), ".shp": ("ESRI Shapefile",), ".geojson": _JSON, ".json": _JSON}
"""What GDAL may find in a file of each suffix, that begins as such a file does (`kinds`)."""
MOST_FEATURES = 100_000
"""There are some 4,100 postcode areas of four digits; a file that declares more than this is not read."""
MOST_BYTES = 2 * 1024**3
"""A file is read as a whole: GeoJSON up to this size, Parquet up to this size unpacked."""
_AS_LARGE_BESIDE = 8
"""A file of several layers, of which one is read, may have this many times MOST_BYTES."""
_POLYGON_TYPES = ("Polygon", "Unknown", "Collection", "Surface")


@dataclass(frozen=True)
class VectorFile:
    """A file with what the person said about it. ``option`` is what stands before ``layer`` and ``crs`` in the spec.

    ``columns``: per column that must be there, the names in lower case under which it is known. ``words``: what the
    name of the right layer holds, where several would do. ``copy``: what is read in its place; messages name ``path``.
    """

    path: Path
    layer: str | None = None
    crs: int | None = None
    option: str = ""
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    copy: Path | None = None

    @property
    def content(self) -> Path:
        """The file to open."""
        return self.copy or self.path


def existing(path: Path) -> Path:
    """``path``, a file of a known kind. Raises GeodataError when it is not."""
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except OSError as error:
        raise GeodataError(f"There is no file {shown(path)}: {reason(error)}.") from error
    if is_folder:
        raise GeodataError(f"{path} is a folder; a file is needed, of a kind {', '.join(SUFFIXES)}.")
    if not is_file:
        raise GeodataError(f"There is no file {path}; boundaries are embedded, pdok, pdok:YEAR or a file.")
    if path.suffix.lower() not in SUFFIXES:
        raise GeodataError(f"{path} is not a file of a known kind; known are {', '.join(SUFFIXES)}.")
    return path


def sidecars(path: Path) -> list[Path]:
    """The files beside ``path`` that belong to it, in any mixture of capitals, sorted.

    Of a Shapefile they have the same name and another suffix (.dbf, .prj, .cpg, ...); of SQLite, and so of a
    GeoPackage, something behind the whole name (-wal, -shm, -journal).
    """
    return sorted(
        other for other in path.parent.iterdir() if other != path and belongs_to(path, other) and other.is_file()
    )


def belongs_to(path: Path, other: Path) -> bool:
    """Whether ``other``, of which only the name is looked at, is ``path`` or one of its ``sidecars``."""
    name, theirs = path.name.casefold(), other.name.casefold()
    is_part = path.suffix.lower() == ".shp" and other.stem.casefold() == path.stem.casefold()
    is_behind = theirs.startswith(name) and theirs != name
    return other.parent == path.parent and (other == path or is_part or is_behind)


def is_being_written(path: Path) -> bool:
    """Whether another program has changes to ``path`` that are not in the file itself (SQLite's log or journal)."""
    return any(
        other.name.casefold().endswith(("-wal", "-journal")) and other.stat().st_size > 0 for other in sidecars(path)
    )


def read(file: VectorFile, notes: list[dict[str, str]]) -> GeoDataFrame:
    """The features of ``file`` as they are, in the coordinate system that was said, is named, or shows.

    A choice that was made for the person is added to ``notes``. Raises GeodataError, in one sentence, when the file is
    too large, unreadable, without geometry, or does not make clear which layer or coordinate system is meant.
    """
    try:
        frame = _parquet(file) if file.path.suffix.lower() in PARQUET else _features(file, notes)
    except GeodataError:
        raise
    except Exception as error:  # GDAL, Arrow, PROJ and GEOS each raise their own kinds on a file that is not right
        told = GeodataError(str(error).replace(str(file.content.parent), str(file.path.parent)))
        raise GeodataError(
            f"{file.path} cannot be read as boundaries: {reason(told if str(told) else error)}."
        ) from error
    if not isinstance(frame, GeoDataFrame):
        raise GeodataError(f"{file.path} holds a table without geometry; polygons are needed.")
    return _with_crs(frame, file, notes)


def _parquet(file: VectorFile) -> GeoDataFrame:
    if file.layer is not None:
        raise GeodataError(f"{file.path} is Parquet, which has no layers; leave out {file.option}layer.")
    metadata = pq.read_metadata(file.content)
    unpacked = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    _refuse_size(file, metadata.num_rows, unpacked)
    columns = countable(file.content)
    _refuse_size(file, metadata.num_rows, declared_bytes(file.content, columns))
    cells = each_text_once(file.content, columns)
    _refuse_size(file, metadata.num_rows, written_out_bytes(cells))
    if b"geo" not in (metadata.metadata or {}):
        raise GeodataError(f"{file.path} holds a table without geometry (it is no GeoParquet); polygons are needed.")
    return gpd.read_parquet(file.content, columns=columns)


def _features(file: VectorFile, notes: list[dict[str, str]]) -> GeoDataFrame:
    if file.path.suffix.lower() in (".geojson", ".json"):
        _refuse_size(file, 0, file.content.stat().st_size)
    refuse_another_kind(file.content, file.path)
    if file.crs is None:
        refuse_unknown_crs(file.content, file.path)
    layer = _layer(file, notes)
    about = pyogrio.read_info(file.content, layer=layer)
    if about["driver"] not in DRIVERS[file.path.suffix.lower()]:
        raise GeodataError(f"{file.path} is no {file.path.suffix} inside, but what GDAL calls {about['driver']}.")
    _refuse_size(file, int(about["features"]), 0)
    if file.path.suffix.lower() == ".gpkg":
        _refuse_sizes(file, sizes(file.content, layer))
    return gpd.read_file(file.content, layer=layer)


def refuse_to_copy(file: VectorFile, size: int) -> None:
    """Raise GeodataError when a file of ``size`` bytes is more than is read of one of this kind."""
    is_read_whole = file.path.suffix.lower() in (".geojson", ".json")
    _refuse_size(file, 0, size if is_read_whole else size // _AS_LARGE_BESIDE)


def _refuse_size(file: VectorFile, features: int, size: int) -> None:
    if features > MOST_FEATURES:
        raise GeodataError(
            f"{file.path} declares {features} features, more than the {MOST_FEATURES} that are read; "
            "there are some 4,100 postcode areas of four digits."
        )
    if size > MOST_BYTES:
        raise GeodataError(
            f"{file.path} holds {size / 1024**3:.1f} GB, more than the {MOST_BYTES / 1024**3:.0f} GB that are read."
        )


def _refuse_sizes(file: VectorFile, bytes_of_features: Iterable[int]) -> None:
    """As ``_refuse_size``, without counting on after what is too much."""
    size = 0
    for features, its in enumerate(bytes_of_features, start=1):
        size += its
        _refuse_size(file, features, size)


def _layer(file: VectorFile, notes: list[dict[str, str]]) -> str:
    """The layer to read: the one named, else the only one with polygons and the columns that are needed."""
    types = {str(name): kind for name, kind in pyogrio.list_layers(file.content)}
    spatial = [name for name, kind in types.items() if kind is not None]
    if file.layer is not None:
        if file.layer not in types:
            raise GeodataError(f"{file.path} has no layer {shown(file.layer)}; it has {capped(types)}.")
        if file.layer not in spatial:
            raise GeodataError(f"The layer {shown(file.layer)} of {file.path} is a table without geometry.")
        return file.layer
    if not spatial:
        raise GeodataError(f"{file.path} holds a table without geometry; polygons are needed.")
    drawn = [name for name in spatial if any(kind in str(types[name]) for kind in _POLYGON_TYPES)]
    if len(spatial) == 1:
        return spatial[0]
    fitting = [name for name in drawn if _has_columns(file, name)]
    named = [name for name in fitting if any(word in name.casefold() for word in file.words)]
    named = [name for name in named if "label" not in name.casefold()] or named
    chosen = fitting if len(fitting) == 1 else named
    if len(chosen) != 1:
        which = "several layers that would do" if fitting else "no layer with polygons and the columns that are needed"
        raise GeodataError(
            f"{file.path} has {which}; name one with {file.option}layer=, of {capped(fitting or drawn or spatial)}."
        )
    notes.append(note(f"{file.path.name} heeft {len(types)} lagen; gelezen is {chosen[0]}"))
    return chosen[0]


def _has_columns(file: VectorFile, layer: str) -> bool:
    present = {str(column).lower() for column in pyogrio.read_info(file.content, layer=layer)["fields"]}
    return all(present & set(names) for names in file.columns.values())


def _with_crs(frame: GeoDataFrame, file: VectorFile, notes: list[dict[str, str]]) -> GeoDataFrame:
    """``frame`` with the coordinate system that the person named, the file names, or the coordinates show.

    Raises GeodataError when the coordinates plainly are not what the file says, or the named system is unknown.
    """
    looks = _looks_like(frame)
    say = f"{file.option}crs={RD_NEW}" if file.option else f"{file.path.name}?crs={RD_NEW}"
    if file.crs is not None:
        try:
            return frame.set_crs(file.crs, allow_override=True)
        except pyproj.exceptions.CRSError as error:
            raise GeodataError(
                f"There is no coordinate system EPSG:{file.crs} ({file.option}crs={file.crs} for {file.path}); "
                f"{RD_NEW} is RD New, 4326 is WGS 84."
            ) from error
    if frame.crs is None:
        if looks is None:
            raise GeodataError(f"{file.path} names no coordinate system; name it, for example {say}.")
        which = file.path.name if file.option else "het bestand"
        notes.append(note(f"{which} noemt geen coördinatenstelsel; gelezen als EPSG:{looks}"))
        return frame.set_crs(looks)
    if frame.crs.is_geographic and looks == RD_NEW:
        raise GeodataError(
            f"The coordinates in {file.path} are metres of RD New, but the file says {frame.crs.name}; "
            f"say {say} when they are."
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


def note(detail: str) -> dict[str, str]:
    """A row of the repairs table on the source itself."""
    return {"class": "bron", "pc4": "", "detail": detail, "action": "zo gebruikt"}
