"""In which gemeente, arbeidsmarktregio and care region (GGD-regio) an area lies, and how that was decided.

The best information that an edition has decides, per column: the source's own column, then a layer that came with the
source by largest overlap, then the municipality code in the reference tables of 2014, then the edition of 2014 itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from geopandas import GeoDataFrame

from geodata import codes
from geodata.codes import reference
from geodata.errors import GeodataError, capped, shown
from geodata.identifiers import identifiers
from geodata.layer import SourceLayer
from geodata.repairs import Repairs
from geodata.zones import by_surface, crossing, overlap_shares


def assign(areas: GeoDataFrame, layer: SourceLayer, repairs: Repairs) -> GeoDataFrame:
    """``areas`` with gemeente_code, gemeente_name, arbeidsmarktregio_nr, arbeidsmarktregio and care_region.

    Areas that cross a border of a region layer are listed with their shares. Raises GeodataError when a source names
    a region that does not exist.
    """
    table = reference()
    areas = _gemeente(areas, layer, table, repairs)
    areas = _region(areas, layer, table, repairs)
    areas = _care_region(areas, layer, table, repairs)
    areas = _from_example(areas, table, repairs)
    _note_other_regions(areas, table, repairs)
    return areas


def _gemeente(areas: GeoDataFrame, layer: SourceLayer, table: pd.DataFrame, repairs: Repairs) -> GeoDataFrame:
    """Code and name from the source's own columns, each completed by the other, else from a layer of gemeenten."""
    own = {"gemeente_code", "gemeente_name"} & set(areas.columns)
    if own:
        return _gemeente_as_named(areas, layer.edition.origin, table, repairs)
    if layer.gemeenten is not None:
        zones = layer.gemeenten
        chosen = by_surface(overlap_shares(areas, zones), areas, zones, "gemeenten", repairs)
        code, name = (zones[column].to_numpy()[chosen] for column in ("code", "name"))
        return areas.assign(gemeente_code=code, gemeente_name=name)
    return areas


def _gemeente_as_named(areas: GeoDataFrame, origin: str, table: pd.DataFrame, repairs: Repairs) -> GeoDataFrame:
    """Raises GeodataError where a code is none, or contradicts the name beside it.

    Listed are an unknown name alone, and an unknown name of a code that has another one in the list of 2014.
    """
    known = table["gemeente_name"]
    empty = pd.Series(None, index=areas.index, dtype="str")
    code = codes.gemeente_codes(areas.get("gemeente_code", empty), f"{origin}, gemeente_code", areas["pc4"])
    name = areas.get("gemeente_name", empty)
    _refuse(codes.contradictions(code, name, known), origin)
    for detail in codes.unlisted_names(code, name, "gemeenten"):
        repairs.add("bron", "", detail, "zo gebruikt")
    by_name = codes.folded(name).map(pd.Series(known.index, index=codes.folded(known).to_numpy()))
    for pc4, unknown in areas["pc4"][code.isna() & name.notna() & by_name.isna()].items():
        detail = f"gemeente {shown(name[pc4])} staat niet in de lijst van 2014 en heeft geen code"
        repairs.add("bron", unknown, detail, "gemeente afgeleid")
    code = code.fillna(by_name)
    # A name without a code would stand beside the code that is derived for it below.
    name = _one_spelling(code, name.where(code.notna()), "gemeente", repairs).fillna(code.map(known)).fillna(code)
    return areas.assign(gemeente_code=code, gemeente_name=name)


def _one_spelling(code: pd.Series, name: pd.Series, kind: str, repairs: Repairs) -> pd.Series:
    """``name`` in one of its spellings per code: the most frequent, and of those with capitals before without.

    Without contradictions they differ in capitals and signs only. What is spelled otherwise is listed.
    """
    spelled = {of: names.mode().iloc[0] for of, names in name.groupby(code) if names.notna().any()}
    one = code.map(pd.Series(spelled, dtype="str")).astype("str").where(name.notna())
    others = pd.DataFrame({"code": code, "name": name, "one": one})[name.notna() & (name != one)]
    for row in others.drop_duplicates().to_dict("records"):
        detail = f"{kind} {row['code']} heet ook {shown(row['name'])}"
        repairs.add("bron", "", detail, f"overal {row['one']}")
    return one


def _refuse(clauses: list[str], origin: str) -> None:
    if clauses:
        raise GeodataError(f"{origin}: a code contradicts a name: {capped(clauses, 5)}.")


def _region(areas: GeoDataFrame, layer: SourceLayer, table: pd.DataFrame, repairs: Repairs) -> GeoDataFrame:
    if {"arbeidsmarktregio_nr", "arbeidsmarktregio"} & set(areas.columns):
        return _region_of_gemeente(_region_as_named(areas, layer.edition.origin, repairs), table, repairs)
    if layer.regions is not None:
        return _region_by_overlap(areas, layer.regions, layer.pc6, repairs)
    if "gemeente_code" in areas:
        code = areas["gemeente_code"]
        return areas.assign(
            arbeidsmarktregio_nr=code.map(table["arbeidsmarktregio_nr"]),
            arbeidsmarktregio=code.map(table["arbeidsmarktregio"]),
        )
    return areas


def _region_of_gemeente(areas: GeoDataFrame, table: pd.DataFrame, repairs: Repairs) -> GeoDataFrame:
    """``areas`` with the region of their gemeente where their own is missing; each is listed."""
    if "gemeente_code" not in areas:
        return areas
    code, number, name = areas["gemeente_code"], areas["arbeidsmarktregio_nr"], areas["arbeidsmarktregio"]
    filled = number.isna() & code.isin(table.index)
    for pc4, gemeente in zip(areas["pc4"][filled], code[filled], strict=True):
        action = f"{table['arbeidsmarktregio'][gemeente]}, de regio van gemeente {gemeente}"
        repairs.add("regio_afgeleid", pc4, "geen regio in de bron", action)
    return areas.assign(
        arbeidsmarktregio_nr=number.where(~filled, code.map(table["arbeidsmarktregio_nr"])),
        arbeidsmarktregio=name.where(~filled, code.map(table["arbeidsmarktregio"])),
    )


def _region_as_named(areas: GeoDataFrame, origin: str, repairs: Repairs) -> GeoDataFrame:
    """Number and name of the region from the source's own columns, each completed by the other.

    Raises GeodataError on a number that is none or contradicts its name, and on a number or name that stands alone and
    is unknown. A number and a name that both are unknown are of a later division, and listed.
    """
    known = codes.known_regions()
    empty = pd.Series(None, index=areas.index, dtype="str")
    cells = areas.get("arbeidsmarktregio_nr", empty)
    where = f"{origin}, arbeidsmarktregio_nr"
    number = codes.region_numbers(identifiers(cells, where), where, areas["pc4"])
    name = areas.get("arbeidsmarktregio", empty)
    by_name = codes.folded(name).map(pd.Series(known.index, index=codes.folded(known).to_numpy()))
    is_wrong = number.notna() & ~number.isin(known.index) & (by_name.notna() | name.isna())
    for pc4, wrong in zip(areas["pc4"][is_wrong].head(1), number[is_wrong].head(1), strict=True):
        known_to = known.index.astype(int).max()
        raise GeodataError(f"{where}, postcode {pc4}: {wrong} is no arbeidsmarktregio; known are 1 to {known_to}.")
    for wrong in name[number.isna() & name.notna() & by_name.isna()].head(1):
        raise GeodataError(f"{shown(wrong)} is no arbeidsmarktregio; the column must hold one of {', '.join(known)}.")
    _refuse(codes.contradictions(number, name, known), origin)
    number = number.fillna(by_name)
    for detail in codes.unlisted_names(number, name, "regions"):
        repairs.add("bron", "", detail, "zo gebruikt")
    name = _one_spelling(number, name, "arbeidsmarktregio", repairs).fillna(number.map(known))
    return areas.assign(arbeidsmarktregio_nr=pd.to_numeric(number), arbeidsmarktregio=name)


def _region_by_overlap(
    areas: GeoDataFrame, regions: GeoDataFrame, pc6: pd.DataFrame | None, repairs: Repairs
) -> GeoDataFrame:
    """The region with most of the area; where an area crosses a border and PC6 counts are known, with most people."""
    shares = overlap_shares(areas, regions)
    chosen = by_surface(shares, areas, regions, "regions", repairs)
    names = regions["name"].to_numpy()
    across = crossing(shares).sort_values(["area", "share"], ascending=[True, False])
    for position in across["area"].drop_duplicates().to_numpy():
        parts = across[across["area"] == position]
        surface = zip(parts["zone"], parts["share"], strict=True)
        text = " | ".join(f"{names[zone]} {share:.0%}" for zone, share in surface)
        people = _people_per_zone(areas.geometry.iloc[position], regions, pc6)
        how = "meeste vlak"
        if people.sum() > 0:
            chosen[position] = int(np.argmax(people))
            lived_in = [zone for zone in np.argsort(-people) if people[zone] > 0]
            text += "; inwoners: " + " | ".join(f"{names[zone]} {people[zone] / people.sum():.0%}" for zone in lived_in)
            how = "meeste inwoners"
        repairs.add("regiogrens", areas["pc4"].iloc[position], text, f"naar {names[chosen[position]]}: {how}")
    number = regions["code"].astype("int64").to_numpy()
    return areas.assign(arbeidsmarktregio_nr=number[chosen], arbeidsmarktregio=names[chosen])


def _people_per_zone(area: Any, zones: GeoDataFrame, pc6: pd.DataFrame | None) -> npt.NDArray[np.float64]:
    """Inhabitants of the area per zone, counted by the points of its full postcodes; zeros when there is no count."""
    people = np.zeros(len(zones))
    if pc6 is None or pc6.empty:
        return people
    within = pc6[shapely.contains_xy(area, pc6["x_m"], pc6["y_m"])]
    for position, zone in enumerate(zones.geometry):
        inside = shapely.contains_xy(zone, within["x_m"], within["y_m"])
        people[position] = within["inhabitants"][inside].fillna(0).sum()
    return people


def _care_region(areas: GeoDataFrame, layer: SourceLayer, table: pd.DataFrame, repairs: Repairs) -> GeoDataFrame:
    if "care_region" in areas:
        return areas
    if layer.care_regions is not None:
        zones = layer.care_regions
        chosen = by_surface(overlap_shares(areas, zones), areas, zones, "care_regions", repairs)
        return areas.assign(care_region=zones["name"].to_numpy()[chosen])
    if "gemeente_code" in areas:
        return areas.assign(care_region=areas["gemeente_code"].map(table["care_region"]))
    return areas


def _from_example(areas: GeoDataFrame, table: pd.DataFrame, repairs: Repairs) -> GeoDataFrame:
    """Fills what is still unknown from the edition of 2014: the same postcode, else the area nearest to it."""
    columns = ["gemeente_code", "gemeente_name", "arbeidsmarktregio_nr", "arbeidsmarktregio", "care_region"]
    areas = areas.assign(**{name: None for name in columns if name not in areas})
    needed = columns[:-1]  # a care region may stay unknown, but comes along where the rest does
    without = areas[needed].isna().any(axis=1).to_numpy()
    if not without.any():
        return areas
    from geodata.sources import embedded  # a source; read only when this last resort is needed

    example = embedded.read().areas
    positions = pd.Series(np.arange(len(example)), index=example["pc4"])
    match = positions.reindex(areas["pc4"][without]).to_numpy(copy=True)
    unmatched = np.isnan(match)
    points = shapely.point_on_surface(areas.geometry.to_numpy()[without][unmatched])
    match[unmatched] = shapely.STRtree(example.geometry.to_numpy()).nearest(points)
    code = example["gemeente_code"].to_numpy()[match.astype(np.int64)]
    derived = table.loc[code].assign(gemeente_code=code).set_axis(areas.index[without])
    had = areas[without]
    for name in columns:
        areas[name] = areas[name].astype(object).where(areas[name].notna(), derived[name])
    for before, after in zip(had.to_dict("records"), areas[without].to_dict("records"), strict=True):
        detail, given = _what_was_missing(before, after)
        repairs.add("regio_afgeleid", str(after["pc4"]), detail, f"{given}, als in 2014")
    return areas


def _note_other_regions(areas: GeoDataFrame, table: pd.DataFrame, repairs: Repairs) -> None:
    """Lists each gemeente that lies in another region than in 2014: its region changed, or the codes were mixed up."""
    then = areas["gemeente_code"].map(table["arbeidsmarktregio_nr"])
    moved = areas[then.notna() & (then != areas["arbeidsmarktregio_nr"])]
    moved = moved.assign(then=moved["gemeente_code"].map(table["arbeidsmarktregio"]))
    named = ["gemeente_code", "gemeente_name", "arbeidsmarktregio", "then"]
    for row in moved[named].value_counts().sort_index().reset_index().to_dict("records"):
        detail = f"gemeente {row['gemeente_code']} {row['gemeente_name']}: in 2014 {row['then']}"
        repairs.add("regio_veranderd", "", detail, f"{row['count']} gebieden in {row['arbeidsmarktregio']}")


def _what_was_missing(before: dict[Any, Any], after: dict[Any, Any]) -> tuple[str, str]:
    """Of an area before and after it got what it lacked: what it lacked, and what it got, in Dutch."""
    no_region, no_gemeente = pd.isna(before["arbeidsmarktregio"]), pd.isna(before["gemeente_code"])
    if not no_gemeente:
        return f"gemeente {before['gemeente_code']} staat niet in de lijst van 2014", str(after["arbeidsmarktregio"])
    if not no_region:
        return "geen gemeente in de bron", f"gemeente {after['gemeente_name']}"
    return "geen regio of gemeente in de bron", str(after["arbeidsmarktregio"])
