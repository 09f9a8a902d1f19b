"""Boundaries from a file that a planner has: GeoPackage, GeoParquet, GeoJSON or Shapefile.

The spec is a path, optionally followed by ``?name=value&...`` for what cannot be recognised:

    areas.gpkg?layer=pc4&pc4=POSTCODE&gemeente_code=GM&year=2023&crs=28992&regions=all.gpkg&regions_layer=am_2023

``layer``: which layer of a GeoPackage; ``year``: the edition; ``crs``: EPSG code when the file names none or a wrong
one; ``regions``, ``gemeenten``, ``care_regions``: files with polygons of those, each with a ``_layer`` and a ``_crs``
of its own; any other name: the column that holds that value.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl

from geopandas import GeoDataFrame

from geodata import zones
from geodata.errors import GeodataError, shown
from geodata.layer import Edition, SourceLayer, sha256_of
from geodata.sources import vector
from geodata.sources.columns import FIRST_YEAR, RECOGNISED, ZONE_COLUMNS, areas_of, last_year, year_of, zones_of
from geodata.sources.vector import VectorFile

_WORDS = {
    "": ("pc4", "postcode4"),
    "regions": ("arbeidsmarkt",),
    "gemeenten": ("gemeente",),
    "care_regions": ("ggd", "zorg"),
}
"""What the name of the right layer holds: of the file itself (''), and of each second file."""
_SECOND = ("regions", "gemeenten", "care_regions")
_OTHER_OPTIONS = ("layer", "year", "crs", *(f"{kind}{part}" for kind in _SECOND for part in ("", "_layer", "_crs")))


@dataclass(frozen=True)
class FileSpec:
    """A file with what the person said about it; ``columns`` maps a value of RECOGNISED to a column of the file.

    ``second``: the files with zones, by kind (a key of ``zones.KINDS``).
    """

    main: VectorFile
    year: int | None = None
    second: Mapping[str, VectorFile] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The file with the postcode areas."""
        return self.main.path

    def paths(self) -> Iterator[Path]:
        """Every file that is read, with what lies beside it and belongs to it."""
        for file in (self.main, *self.second.values()):
            yield file.path
            yield from vector.sidecars(file.path)


def parse(spec: str) -> FileSpec:
    """The file spec in ``spec``. Raises GeodataError on an unknown option, a wrong number or an absent file."""
    name, _, query = spec.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) < len(pairs):
        raise GeodataError(f"An option stands twice behind {name}: {', '.join(key for key, _ in pairs)}.")
    unknown = set(options) - set(RECOGNISED) - set(_OTHER_OPTIONS)
    if unknown:
        raise GeodataError(
            f"Unknown option {shown(min(unknown))} behind {name}; known are "
            f"{', '.join([*_OTHER_OPTIONS, *RECOGNISED])}."
        )
    year = _number(options, "year", name)
    if year is not None and not FIRST_YEAR <= year <= last_year():
        raise GeodataError(f"year={year} behind {name} is no year of an edition, {FIRST_YEAR} to {last_year()}.")
    for kind in _SECOND:
        for part in ("layer", "crs"):
            if f"{kind}_{part}" in options and kind not in options:
                raise GeodataError(f"{kind}_{part} behind {name} needs a file, {kind}=PATH.")
    columns = {key: value for key, value in options.items() if key in RECOGNISED}
    postcode = (columns["pc4"].lower(),) if "pc4" in columns else RECOGNISED["pc4"]
    second = {k: _file(Path(options[k]), k, options, name, ZONE_COLUMNS) for k in _SECOND if k in options}
    return FileSpec(
        main=_file(Path(name), "", options, name, {"pc4": postcode}),
        year=year,
        second=second,
        columns=columns,
    )


def _file(
    path: Path, kind: str, options: Mapping[str, str], name: str, columns: Mapping[str, tuple[str, ...]]
) -> VectorFile:
    option = f"{kind}_" if kind else ""
    return VectorFile(
        path=vector.existing(path),
        layer=options.get(f"{option}layer"),
        crs=_number(options, f"{option}crs", name),
        option=option,
        columns=columns,
        words=_WORDS[kind],
    )


def _number(options: Mapping[str, str], key: str, name: str) -> int | None:
    if key in options and not re.fullmatch(r"[0-9]{1,9}", options[key]):
        raise GeodataError(f"{key}={options[key]} behind {name} must be a whole number.")
    return int(options[key]) if key in options else None


def checksum(spec: FileSpec) -> str:
    """SHA-256 over the bytes of every file that ``spec`` names and of every file that belongs to one of those.

    Not over SQLite's index of its log (-shm): it holds nothing of the file, and reading changes it.
    """
    return sha256_of(*(path for path in spec.paths() if not path.name.casefold().endswith("-shm")))


def state(spec: FileSpec) -> str:
    """SHA-256 that changes with every file of ``spec``: its place, its time and its bytes."""
    digest = hashlib.sha256()
    for path in spec.paths():
        facts = path.stat()
        digest.update(f"{path.resolve()}\n{facts.st_size} {facts.st_mtime_ns}\n".encode(errors="surrogateescape"))
        digest.update(sha256_of(path).encode())
    return digest.hexdigest()


def is_being_written(spec: FileSpec) -> bool:
    """Whether a file of ``spec`` has changes that another program has not yet written into it."""
    return any(vector.is_being_written(file.path) for file in (spec.main, *spec.second.values()))


def read(spec: FileSpec) -> SourceLayer:
    """The areas in the file, with recognised columns renamed. Raises GeodataError in plain words when it cannot be."""
    notes: list[dict[str, str]] = []
    frame = vector.read(spec.main, notes)
    areas = areas_of(frame, spec.path, spec.columns, notes)
    edition = Edition(
        source="file",
        year=spec.year or year_of(frame, spec.path, notes),
        licence="as agreed with the supplier of the file",
        origin=str(spec.path.resolve()),
        sha256=checksum(spec),
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    second = {kind: _zones(kind, file, notes) for kind, file in spec.second.items()}
    return SourceLayer(areas=areas, edition=edition, notes=tuple(notes), **second)


def _zones(kind: str, file: VectorFile, notes: list[dict[str, str]]) -> GeoDataFrame:
    """Polygons with code and name, in RD New, from a second file."""
    return zones.clean(zones_of(vector.read(file, notes), file.path), kind, str(file.path), notes)
