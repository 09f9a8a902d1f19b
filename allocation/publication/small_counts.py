"""What readers outside operations see of a column, so that no count of persons under 5 can be worked out (R14).

Belongs here: the rule per column (declared in `allocation.contract`) for tables in memory: files, reports. Does not
belong here: the same rule as SQL for the views (`small_counts_sql`; a property test holds the two together), and
which tables go out.

The rule. A count of persons is shown as a multiple of 5, and not at all below 5. A figure that would tell the count
(hours, months of waiting) is made anew from the count as shown: times the mean per client, to two digits. So two
versions that differ by a few clients show the same or differ by 5, whichever columns are subtracted. Other figures
over clients (deviation, kilometres, objective) are rounded coarser than one client moves them.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from allocation.contract.published_tables import TRANSITION
from allocation.contract.schema import MEANS_FROM, Column, Table
from allocation.contract.vocabulary import SMALLEST_SHOWN_COUNT

Floats = NDArray[np.float64]


def described(column: Column) -> str:
    """What readers see instead of the value; empty where they see the value itself."""
    if column.is_seen_apart:
        return "made of what readers see, or in steps in which no client shows; empty where that is nothing"
    if column.counts_persons:
        told = f"multiple of {SMALLEST_SHOWN_COUNT}; empty under {SMALLEST_SHOWN_COUNT}"
        parts = ", ".join(f"`{name}`" for name in column.hidden_with)
        return f"{told}, also where another row with the same {parts} is" if parts else told
    if column.told_by:
        return f"{column.told_by} as shown times the mean per client; empty under {column.told_from} {column.told_by}"
    if column.rounded_to:
        told = f"rounded to {column.rounded_to:g}"
        return f"{told}; empty under {MEANS_FROM} {column.mean_of}" if column.mean_of else told
    if column.shown_keys is not None:
        return f"only {', '.join(column.shown_keys)}" if column.shown_keys else "empty object"
    return ""


def may_be_hidden(column: Column) -> bool:
    return column.counts_persons or bool(column.told_by) or column.is_seen_apart


def shown(table: Table, rows: pd.DataFrame, apart: pd.DataFrame | None = None) -> pd.DataFrame:
    """``rows`` of a published table as readers see them; columns that are not declared stay as they are.

    ``apart``: the table ``seen_apart`` of the same outcome. Columns that are kept there are empty without it, and in
    rows that it does not have.
    """
    declared = [c for c in table.columns if c.is_protected and c.name in rows.columns]
    seen = rows.assign(**{c.name: _shown(c, rows) for c in declared if not c.is_seen_apart})
    kept = [c for c in declared if c.is_seen_apart]
    if not kept:
        return seen
    key = [name for name in table.key if name != "version"]
    if apart is None or apart.empty:
        apart, rows = pd.DataFrame(columns=[*key, *(c.name for c in kept)]), rows.reindex(columns=key)
    found = apart[[c.name for c in kept]].set_axis(_places(table, apart, key))
    found = found.reindex(_places(table, rows, key)).set_axis(rows.index)
    kinds = {c.name: "Int64" if c.type == "integer" else "float64" for c in kept}
    return seen.assign(**{name: pd.to_numeric(found[name]).astype(kind) for name, kind in kinds.items()})  # type: ignore[call-overload]


def _places(table: Table, rows: pd.DataFrame, key: list[str]) -> pd.MultiIndex:
    """The key of each row; a part that may be empty (a postcode that no team had) is a text then, to be found by."""
    empty = {name: "" for name in key if table.column(name).nullable}
    parts = rows[key].astype(dict.fromkeys(empty, object)).fillna(empty) if empty else rows[key]
    return pd.MultiIndex.from_frame(parts)


def clients_seen(transition: pd.DataFrame) -> Floats:
    """The clients of each row of table `transition` as far as its readers know: what a row shows, and for a hidden one
    an estimate from the rows of its team and product.

    A hidden row has few clients, most often 1 to 4. Where many rows of a team and product show a count, those
    that do not are larger on average. So they get the mean of 1 to 4 clients in the geometric distribution that has as
    many of 5 and more as are shown: P(n) is in proportion to q ** (n - 1), and q ** 4 is the part that is shown, with
    half a row more that is and half a row that is not (the prior of Jeffreys, for teams with a few rows). It is made of
    what is seen alone, so no sum of it tells a hidden count.
    """
    seen = _shown(TRANSITION.column("clients"), transition).astype("float64")
    rows = seen.notna().groupby([transition["team_to"], transition["product"]])
    part = ((rows.transform("sum") + 0.5) / (rows.transform("size") + 1)).to_numpy(np.float64)
    hidden = np.arange(1, SMALLEST_SHOWN_COUNT)
    weights = part[:, None] ** ((hidden - 1) / (SMALLEST_SHOWN_COUNT - 1))
    means: Floats = (weights * hidden).sum(axis=1) / weights.sum(axis=1)
    return np.where(seen.isna(), means, seen.fillna(0.0))


def _shown(column: Column, rows: pd.DataFrame) -> Any:
    if column.shown_keys is not None:
        return [_keys_of(value, column.shown_keys) for value in rows[column.name]]
    values = rows[column.name].to_numpy(dtype=np.float64, na_value=np.nan)
    if column.counts_persons:
        counts = shown_counts(values)
        if column.hidden_with:
            parts = pd.Series(counts, index=rows.index).isna().groupby([rows[name] for name in column.hidden_with])
            counts = np.where(parts.transform("any"), np.nan, counts)
        return pd.Series(counts, index=rows.index).astype("Int64" if column.type == "integer" else "float64")
    if column.told_by:
        counts = rows[column.told_by].to_numpy(dtype=np.float64, na_value=np.nan)
        return of_shown_counts(values, np.where(counts >= column.told_from, counts, np.nan))
    rounded = _nearest_multiple(values, column.rounded_to)
    if column.mean_of:
        rounded[~(rows[column.mean_of].to_numpy(dtype=np.float64, na_value=np.nan) >= MEANS_FROM)] = np.nan
    return rounded


def of_shown_counts(values: Floats, counts: Floats) -> Floats:
    """Figures that would tell ``counts`` of persons: made anew of these as shown, times the mean, to two digits."""
    shown = shown_counts(counts)
    means = np.divide(values, counts, out=np.full(len(values), np.nan), where=~np.isnan(shown))
    rounded: Floats = np.array([float(f"{mean:.1e}") for mean in means])
    return shown * rounded


TARGET_STEP = 25.0
"""Hours a year in which targets, and deviations from them, are told: more than one client asks."""


def balance_shown(target: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """Targets (hours a year) and deviations from them (parts) of teams, as readers see them.

    The target that is shown tells the step of its deviation: else that would tell the target.
    """
    seen = _nearest_multiple(target, TARGET_STEP)
    return seen, parts_shown(deviation, seen)


def parts_shown(parts: Floats, of: Floats) -> Floats:
    """Parts of so many hours a year, as readers see them: in hundredths, or of less than 2,500 hours in as many
    hundredths as ``TARGET_STEP`` is of them."""
    hundredths = np.ceil(100 * TARGET_STEP / np.maximum(of, TARGET_STEP) - 1e-9)
    steps = np.maximum(hundredths, 1.0) / 100
    return np.round(np.round(parts / steps) * steps, 2)


def shown_counts(counts: Floats) -> Floats:
    """Counts of persons as readers see them: multiples of 5, missing under 5."""
    is_shown = np.nan_to_num(counts) >= SMALLEST_SHOWN_COUNT
    return np.where(is_shown, _nearest_multiple(counts, SMALLEST_SHOWN_COUNT), np.nan)


def known_counts(counts: Floats) -> Floats:
    """Counts of persons as far as their readers know them: as shown, and 2.5 for one of 1 to 4.

    What follows from these tells nothing beside them, however exactly it is told: the spread of line `alle`, the hours
    of a team that serves both lines.
    """
    hidden = np.where(counts > 0, SMALLEST_SHOWN_COUNT / 2, 0.0)
    seen = shown_counts(counts)
    return np.where(np.isnan(seen), hidden, seen)


def _nearest_multiple(values: Floats, step: float) -> Floats:
    rounded: Floats = np.where(values < 0, -step, step) * np.floor(np.abs(values) / step + 0.5)
    return rounded


def _keys_of(value: object, keys: tuple[str, ...]) -> object:
    """Of a JSON object its ``keys``; in the form in which it came (text or object)."""
    whole = json.loads(value) if isinstance(value, str) else value
    kept = {key: whole.get(key) if isinstance(whole, dict) else None for key in keys}
    return json.dumps(kept) if isinstance(value, str) else kept


def shown_rows(table: Table, rows: pa.Table, apart: pa.Table | None = None) -> pa.Table:
    """As ``shown``, for Arrow tables; the types stay."""
    protected = [c for c in table.columns if c.is_protected]
    if not protected or not rows.num_rows:
        return rows
    needed = {name for c in protected for name in (c.name, c.told_by) if name}
    needed |= {name for name in table.key if name in rows.column_names}
    visible = shown(table, rows.select(sorted(needed)).to_pandas(), None if apart is None else apart.to_pandas())
    for column in protected:
        position = rows.column_names.index(column.name)
        field = rows.schema.field(position)
        values = pa.Array.from_pandas(visible[column.name], type=field.type)
        rows = rows.set_column(position, pa.field(field.name, field.type), values)
    return rows
