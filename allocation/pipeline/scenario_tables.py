"""What a scenario changes in the tables of an input folder: counts, products, and capacity from a date on.

Places are those of the input: a region by number or name; a district stands for the regions of its regular teams.

Belongs here: these changes, on tables of texts. Does not belong here: reading and writing them (`scenario`).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from allocation.contract import input_tables
from allocation.contract.errors import Problem

Tables = dict[str, pd.DataFrame]


class Row(BaseModel):
    """A row of a scenario file, about a place or everywhere; names that it does not know are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    region: str | None = None
    district: str | None = None


class Demand(Row):
    """Other counts: ``inflow`` and ``stock`` multiply those of a product, region or district; none of them: all."""

    product: str | None = None
    inflow: float = Field(1.0, ge=0, le=20)
    stock: float = Field(1.0, ge=0, le=20)


class Capacity(Row):
    """Other capacity from ``first`` (in the file: ``from``) on, up to and including ``until``: of a team, or of each
    team of an office, region or district; none of them: every team."""

    team_id: str | None = None
    office: str | None = None
    first: date = Field(alias="from")
    until: date | None = None
    fte: float = Field(0.0, ge=-100, le=100)
    fte_factor: float = Field(1.0, ge=0, le=10)
    productivity_factor: float = Field(1.0, gt=0, le=5)

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Capacity:
        if self.until is not None and self.until < self.first:
            raise ValueError("until: a day from `from` on")
        return self


@dataclass(frozen=True)
class Places:
    """Which regions (numbers) a name of a region or district stands for, and the region of each postcode."""

    regions: Mapping[str, int]
    districts: Mapping[str, frozenset[int]]
    region_of: Mapping[str, int]

    @classmethod
    def of(cls, teams: pd.DataFrame, areas: pd.DataFrame | None) -> Places:
        """``teams``: the input. ``areas``: pc4, arbeidsmarktregio_nr, arbeidsmarktregio; None: no place is known."""
        if areas is None:
            return cls({}, {}, {})
        numbers = areas["arbeidsmarktregio_nr"].astype(int)
        regions = dict(zip(areas["arbeidsmarktregio"].astype(str).str.casefold(), numbers, strict=True))
        regions |= {str(nr): nr for nr in numbers.unique()}
        districts: dict[str, set[int]] = {}
        if "district" in teams:
            regular = teams[teams["kind"].astype(str).str.strip() == "regulier"]
            for district, named in zip(regular["district"], regular["arbeidsmarktregio"], strict=True):
                if isinstance(district, str) and district.strip():
                    known = {regions.get(one.strip().casefold()) for one in str(named).split("|")}
                    districts.setdefault(district.strip().casefold(), set()).update(
                        nr for nr in known if nr is not None
                    )
        frozen = {name: frozenset(found) for name, found in districts.items()}
        return cls(regions, frozen, dict(zip(areas["pc4"].astype(str), numbers, strict=True)))

    def numbers(self, region: str | None, district: str | None) -> set[int] | None:
        """The regions that both names leave; None when neither is given."""
        if region is None and district is None:
            return None
        every = set(self.region_of.values())
        by_region = every if region is None else {self.regions[region.strip().casefold()]}
        return by_region & (every if district is None else set(self.districts[district.strip().casefold()]))


def problems_of(
    demand: Sequence[Demand], products: Sequence[Mapping[str, Any]], capacity: Sequence[Capacity], tables: Tables,
    places: Places, name: str,
) -> list[Problem]:  # fmt: skip
    """Every name that the rows of a scenario use and the input does not have."""
    problems: list[Problem] = []

    def refuse(
        group: str, at: int, column: str, value: Any, known: Sequence[str], what: str = "does not exist"
    ) -> None:
        near = difflib.get_close_matches(str(value).casefold(), known, n=3) or list(known)[:10]
        allowed = ", ".join(near) or "none: the input has none"
        problems.append(Problem(f"scenario {name}", at, f"{group}.{column}", f"{value!r} {what}", allowed))

    known_products = sorted(set(tables["products"]["product"].astype(str))) if "products" in tables else []
    placed: tuple[tuple[str, Sequence[Row]], ...] = (("demand", demand), ("capacity", capacity))
    for group, rows in placed:
        for at, row in enumerate(rows, start=1):
            if row.region is not None and row.region.strip().casefold() not in places.regions:
                refuse(group, at, "region", row.region, sorted(places.regions))
            if row.district is not None and row.district.strip().casefold() not in places.districts:
                refuse(group, at, "district", row.district, sorted(places.districts))
    for at, one in enumerate(demand, start=1):
        if one.product is not None and one.product not in known_products:
            refuse("demand", at, "product", one.product, known_products)
    for at, changes in enumerate(products, start=1):
        if str(changes.get("product")) not in known_products:
            refuse("product", at, "product", changes.get("product"), known_products)
        for column in set(changes) - set(input_tables.PRODUCTS.column_names):
            refuse(
                "product", at, column, column, sorted(input_tables.PRODUCTS.column_names), "is no column of products"
            )
    for column in ("team_id", "office"):
        known = sorted(set(tables["teams"][column].astype(str)))
        for at, row in enumerate(capacity, start=1):
            value = getattr(row, column)
            if value is not None and value not in known:
                refuse("capacity", at, column, value, known)
    return problems


# --- counts ----------------------------------------------------------------------------------------------------------


def with_demand(
    tables: Tables, demand: Sequence[Demand], products: Sequence[Mapping[str, Any]], places: Places
) -> Tables:
    """``tables`` with the counts and products of a scenario.

    Counts stay whole: the sum per product, month and reference date is that of the factor, rounded, and what is rounded
    is spread over the postcodes in their order.
    """
    changed = dict(tables)
    if products:
        changed["products"] = _with_products(tables["products"], products)
    for name, order in (("inflow", ["month"]), ("stock", ["reference_date"])):
        if name in tables:
            changed[name] = _with_counts(tables[name], demand, name, order, places)
    return changed


def _with_products(table: pd.DataFrame, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    table = table.copy()
    for row in rows:
        mine = table["product"].astype(str) == str(row["product"])
        for column, value in row.items():
            if column not in table:
                table[column] = ""
            table.loc[mine, column] = str(value)
    return table


def _with_counts(
    table: pd.DataFrame, demand: Sequence[Demand], name: str, order: list[str], places: Places
) -> pd.DataFrame:
    clients = pd.to_numeric(table["clients"], errors="coerce")
    factor = pd.Series(1.0, index=table.index)
    region = table["pc4"].astype(str).map(dict(places.region_of))
    for row in demand:
        mine = pd.Series(True, index=table.index)
        if row.product is not None:
            mine &= table["product"].astype(str) == row.product
        numbers = places.numbers(row.region, row.district)
        if numbers is not None:
            mine &= region.isin(numbers)
        factor = factor.where(~mine, factor * float(getattr(row, name)))
    asked = factor.ne(1.0) & clients.notna()
    if not asked.any():
        return table
    rows = table[asked].assign(exact=clients[asked] * factor[asked], factor=factor[asked])
    group = ["product", "factor", *order]
    rows = rows.sort_values([*group, "pc4"], kind="stable")
    so_far = rows.groupby(group)["exact"].cumsum().round()
    before = so_far.groupby([rows[column] for column in group]).shift().fillna(0.0)
    table = table.copy()
    table.loc[rows.index, "clients"] = [str(int(value)) for value in so_far - before]
    return table


# --- capacity --------------------------------------------------------------------------------------------------------


def with_capacity(teams: pd.DataFrame, rows: Sequence[Capacity], places: Places) -> pd.DataFrame:
    """``teams`` (texts, one row per period) with other fte and productivity from the dates of ``rows`` on.

    A period that a date falls in becomes two. Changes add up; an fte is at least 0.
    """
    periods = teams.to_dict("records")
    for row in rows:
        cut: list[dict[Any, Any]] = []
        for period in periods:
            cut += _pieces(period, row) if _is_meant(period, row, places) else [period]
        periods = cut
    return pd.DataFrame(periods, columns=teams.columns)


def _is_meant(period: Mapping[Any, Any], row: Capacity, places: Places) -> bool:
    if row.team_id is not None and str(period["team_id"]) != row.team_id:
        return False
    if row.office is not None and str(period["office"]) != row.office:
        return False
    if (
        row.district is not None
        and str(period.get("district") or "").strip().casefold() != row.district.strip().casefold()
    ):
        return False
    if row.region is None:
        return True
    served = {places.regions.get(one.strip().casefold()) for one in str(period["arbeidsmarktregio"]).split("|")}
    return places.regions[row.region.strip().casefold()] in served


def _pieces(period: dict[Any, Any], row: Capacity) -> list[dict[Any, Any]]:
    """The period before, within and after the change, as far as there is one."""
    begins, ends = _day(period["valid_from"]), _day(period["valid_to"])
    first = row.first if begins is None else max(begins, row.first)
    last = row.until if ends is None else ends if row.until is None else min(ends, row.until)
    if last is not None and first > last:
        return [period]
    changed = period | {
        "fte_verzekeringsarts": _number(max(0.0, float(period["fte_verzekeringsarts"]) * row.fte_factor + row.fte)),
        "productivity": _number(float(period["productivity"]) * row.productivity_factor),
    }
    pieces = []
    if begins is None or begins < first:
        pieces.append(period | {"valid_to": str(first - timedelta(days=1))})
        changed["valid_from"] = str(first)
    changed["valid_to"] = "" if last is None else str(last)
    pieces.append(changed)
    if last is not None and (ends is None or last < ends):
        pieces.append(period | {"valid_from": str(last + timedelta(days=1))})
    return pieces


def _day(value: Any) -> date | None:
    return None if value is None or value != value or not str(value).strip() else pd.Timestamp(str(value)).date()


def _number(value: float) -> str:
    return f"{np.round(value, 6):.10g}"
