"""Boundaries from a file that a planner has: GeoPackage, GeoParquet, GeoJSON or Shapefile.

The spec is a path, optionally followed by ``?name=value&...`` for what cannot be recognised:

    areas.gpkg?layer=pc4&pc4=POSTCODE&gemeente_code=GM&year=2023&crs=28992&regions=all.gpkg&regions_layer=am_2023

``layer``: which layer of a GeoPackage; ``year``: the edition; ``crs``: EPSG code when the file names none or a wrong
one; ``regions``, ``gemeenten``, ``care_regions``: files with polygons of those, each with a ``_layer`` and a ``_crs``
of its own; any other name: the column that holds that value.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qsl

from geopandas import GeoDataFrame

from geodata import zones
from geodata.errors import GeodataError, shown
from geodata.given_file import open_given
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
            yield from _parts(file)


def named(spec: str) -> list[Path]:
    """The files that ``spec`` names, whether they are there or not, without a look at what else it says."""
    name, _, query = spec.partition("?")
    second = [value for key, value in parse_qsl(query) if key in _SECOND]
    return [Path(os.path.abspath(one)) for one in (name, *second)]  # noqa: PTH100 - the names, not what links lead to


def _parts(file: VectorFile) -> Iterator[Path]:
    """A file and what belongs to it. Not SQLite's index of its log (-shm): it holds nothing of the file, and reading
    changes it."""
    yield file.path
    yield from (path for path in vector.sidecars(file.path) if not path.name.casefold().endswith("-shm"))


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


def state(spec: FileSpec) -> str:
    """SHA-256 that changes with every file of ``spec``: its place, its time and its bytes."""
    digest = hashlib.sha256()
    for path in spec.paths():
        with open_given(path.parent, path.name) as file:
            facts = os.fstat(file.fileno())
            digest.update(_line_of(path, facts, hashlib.file_digest(file, "sha256").hexdigest()))
    return digest.hexdigest()


def _line_of(path: Path, facts: os.stat_result, sha256: str) -> bytes:
    return f"{path.resolve()}\n{facts.st_size} {facts.st_mtime_ns}\n{sha256}".encode(errors="surrogateescape")


@dataclass(frozen=True)
class Copies:
    """A spec of which every file was copied into a folder of our own: nobody changes it between a look and a reading.

    ``sha256``: over the bytes of every file, one after the other; ``state``: that of the files when they were copied.
    """

    spec: FileSpec
    sha256: str
    state: str


@contextmanager
def copied(spec: FileSpec, folder: Path | None = None) -> Iterator[Copies]:
    """The files of ``spec``, copied into ``folder`` while in use: GDAL and SQLite open a file by name, more than once.

    Raises OSError, and GeodataError when a file changes meanwhile or is larger than what is read.
    """
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".reading-", dir=folder) as place:
        copies: list[Path] = []
        state = hashlib.sha256()
        files = []
        for at, file in enumerate((spec.main, *spec.second.values())):
            own = Path(place) / str(at)
            for path, facts in _copy(file, own).items():
                copies.append(own / path.name)
                state.update(_line_of(path, facts, sha256_of(copies[-1])))
            files.append(replace(file, copy=own / file.path.name))
        second = dict(zip(spec.second, files[1:], strict=True))
        yield Copies(replace(spec, main=files[0], second=second), sha256_of(*copies), state.hexdigest())


def _copy(file: VectorFile, folder: Path) -> dict[Path, os.stat_result]:
    """Copy a file and what belongs to it into ``folder``; returns what each was like. All of them at one moment: when
    one changes meanwhile it is refused."""
    folder.mkdir()
    with ExitStack() as stack:
        opened = {path: stack.enter_context(open_given(path.parent, path.name)) for path in _parts(file)}
        facts = {path: os.fstat(given.fileno()) for path, given in opened.items()}
        for path, given in opened.items():
            vector.refuse_to_copy(file, facts[path].st_size)
            with (folder / path.name).open("xb") as copy:
                shutil.copyfileobj(given, copy, 1 << 20)
        is_as_it_was = all(_moment(os.fstat(given.fileno())) == _moment(facts[path]) for path, given in opened.items())
        if not is_as_it_was or list(opened) != list(_parts(file)):
            raise changed(file.path)
    return facts


def _moment(facts: os.stat_result) -> tuple[int, int]:
    return facts.st_size, facts.st_mtime_ns


def changed(path: Path) -> GeodataError:
    """What was read may be half of one file and half of another."""
    return GeodataError(f"{path} changed while it was read; try again when nobody writes to it.")


def is_being_written(spec: FileSpec) -> bool:
    """Whether a file of ``spec`` has changes that another program has not yet written into it."""
    return any(vector.is_being_written(file.path) for file in (spec.main, *spec.second.values()))


def read(spec: FileSpec, folder: Path | None = None, state_before: str | None = None) -> SourceLayer:
    """The areas in the file, with recognised columns renamed. Raises GeodataError in plain words when it cannot be.

    ``folder``: where it is copied to while it is read. ``state_before``: what ``state`` must still be.
    """
    with copied(spec, folder) as copies:
        if state_before not in (None, copies.state):
            raise changed(spec.path)
        return _read(copies)


def _read(copies: Copies) -> SourceLayer:
    spec = copies.spec
    notes: list[dict[str, str]] = []
    frame = vector.read(spec.main, notes)
    areas = areas_of(frame, spec.path, spec.columns, notes)
    edition = Edition(
        source="file",
        year=spec.year or year_of(frame, spec.path, notes),
        licence="as agreed with the supplier of the file",
        origin=str(spec.path.resolve()),
        sha256=copies.sha256,
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    second = {kind: _zones(kind, file, notes) for kind, file in spec.second.items()}
    return SourceLayer(areas=areas, edition=edition, notes=tuple(notes), **second)


def _zones(kind: str, file: VectorFile, notes: list[dict[str, str]]) -> GeoDataFrame:
    """Polygons with code and name, in RD New, from a second file."""
    return zones.clean(zones_of(vector.read(file, notes), file.path), kind, str(file.path), notes)
