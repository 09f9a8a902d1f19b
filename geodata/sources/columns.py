"""Which columns of a file hold what: recognised by name or named by the person, and read as what they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from geopandas import GeoDataFrame

from geodata.errors import GeodataError, capped, shown
from geodata.identifiers import counts, identifiers, metres
from geodata.sources.vector import note

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
YEAR_COLUMNS = ("jaarcode", "jaar")
FIRST_YEAR = 1977
"""The Netherlands has postcodes since this year."""


def last_year() -> int:
    """The last year that an edition can be of: they are published after it, and may be prepared for the next."""
    return datetime.now(UTC).year + 1


def _present(frame: GeoDataFrame, path: Path) -> dict[str, str]:
    """Name in lower case -> column. Raises GeodataError on names that differ only in capitals: which one is meant?"""
    names = [str(column) for column in frame.columns if column != frame.geometry.name]
    lower = [name.lower() for name in names]
    twice = sorted({name for name in names if lower.count(name.lower()) > 1})
    if twice:
        raise GeodataError(f"{path} has columns that differ only in capitals: {capped(twice)}.")
    return dict(zip(lower, names, strict=True))


def areas_of(frame: GeoDataFrame, path: Path, named: Mapping[str, str], notes: list[dict[str, str]]) -> GeoDataFrame:
    """``frame`` with only the columns of RECOGNISED that it has, under our names, as text, counts or metres.

    ``named``: value of RECOGNISED -> column that the person says it is in. Raises GeodataError with the row of a cell
    that cannot be what its column holds.
    """
    present = _present(frame, path)
    chosen: dict[str, str] = {}
    for value, recognised in RECOGNISED.items():
        names = recognised
        if value in named:
            if named[value].lower() not in present:
                raise GeodataError(f"{path} has no column {shown(named[value])}; it has {capped(present.values())}.")
            names = (named[value].lower(),)
        found = next((present[name] for name in names if name in present), None)
        if found is not None:
            chosen[value] = found
    if "pc4" not in chosen:
        raise GeodataError(
            f"{path} has no column that is recognised as the postcode; name it, for example "
            f"{path.name}?pc4=NAME, of {capped(present.values())}."
        )
    columns: dict[str, pd.Series] = {}
    for value, column in chosen.items():
        where = f"{path}, column {column}"
        if value == "inhabitants":
            columns[value], grouped = counts(frame[column], where)
            if grouped:
                notes.append(note(f"kolom {column}: {grouped} aantallen met een punt of spatie voor de duizendtallen"))
        elif value in ("x_m", "y_m"):
            columns[value] = metres(frame[column], where)
        else:
            columns[value] = identifiers(frame[column], where)
    areas = GeoDataFrame(columns, geometry=frame.geometry.to_numpy(), crs=frame.crs)
    if areas["pc4"].str.fullmatch(r"[0-9]{4} ?[A-Za-z]{2}").fillna(False).mean() > 0.5:
        raise GeodataError(f"{path} holds full postcodes (PC6); areas of four digits (PC4) are needed.")
    return areas


def zones_of(frame: GeoDataFrame, path: Path) -> GeoDataFrame:
    """Code, name and geometry of the zones in ``frame``. Raises GeodataError when it has no such columns."""
    present = _present(frame, path)
    found = {key: next((present[n] for n in names if n in present), None) for key, names in ZONE_COLUMNS.items()}
    if found["code"] is None or found["name"] is None:
        raise GeodataError(
            f"{path} needs a column with the code ({', '.join(ZONE_COLUMNS['code'])}) and one with the name "
            f"({', '.join(ZONE_COLUMNS['name'])}); it has {capped(present.values())}."
        )
    columns = {key: frame[column].to_numpy() for key, column in found.items()}
    return GeoDataFrame(columns, geometry=frame.geometry.to_numpy(), crs=frame.crs)


def year_of(frame: GeoDataFrame, path: Path, notes: list[dict[str, str]]) -> int:
    """The year in a column of YEAR_COLUMNS, else in the name of the file, else the year of the file's date (noted).

    Raises GeodataError when the column holds several years, or something that is no year.
    """
    present = _present(frame, path)
    for name in YEAR_COLUMNS:
        if name in present:
            cells = frame[present[name]].dropna().drop_duplicates()
            years = sorted({_year(cell, f"{path}, column {present[name]}") for cell in cells if str(cell).strip()})
            if len(years) > 1:
                raise GeodataError(f"{path} holds areas of several years ({capped(years)}); one edition is needed.")
            if years:
                if any(isinstance(cell, date | np.datetime64) for cell in cells):
                    notes.append(note(f"kolom {present[name]} is een datum; het jaar is {years[0]}"))
                return years[0]
    in_name = re.findall(r"(?<![0-9])((?:19|20)[0-9]{2})(?![0-9])", path.stem)
    if in_name and FIRST_YEAR <= int(in_name[-1]) <= last_year():
        return int(in_name[-1])
    year = datetime.fromtimestamp(path.stat().st_mtime, UTC).year
    notes.append(note(f"het bestand noemt geen jaar; {year} is het jaar van de bestandsdatum"))
    return year


def _year(cell: object, where: str) -> int:
    """The year that a cell names: a number, text, or a date."""
    if isinstance(cell, date):
        text: str | None = str(cell.year)
    else:
        text = identifiers(pd.Series([cell], dtype=object), where).iloc[0]
        text = text.partition("-")[0] if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*", str(text)) else text
    if text is None or not re.fullmatch(r"[0-9]{4}", str(text)) or not FIRST_YEAR <= int(text) <= last_year():
        raise GeodataError(
            f"{where}: {shown(cell)} is no year of an edition, {FIRST_YEAR} to {last_year()}; "
            f"correct the column, or say the year behind the path, such as ?year={last_year() - 2}."
        )
    return int(text)
