"""What readers outside operations see of a column, as SQL for the views of both stores (R14).

Belongs here: the rule of `small_counts` in SQL; a property test holds the two together. It stands apart so that a
look-up does not wait for pandas.
"""

from __future__ import annotations

from allocation.contract.schema import MEANS_FROM, Column, Table
from allocation.contract.vocabulary import SMALLEST_SHOWN_COUNT


def as_sql(column: Column, dialect: str) -> str:
    """The SQL expression of what readers see of a column of the rows ``r``. What is kept apart stands in a row ``s``
    beside it (``joined``)."""
    if column.is_seen_apart:
        return f"s.{column.name}"
    value = f"r.{column.name}"
    if column.shown_keys is not None:
        return _some_keys(value, column.shown_keys, dialect)
    if column.counts_persons:
        shown = _multiple(value, str(SMALLEST_SHOWN_COUNT), dialect)
        kind = "integer" if column.type == "integer" else "double precision"
        parts = ", ".join(f"r.{name}" for name in ("version", *column.hidden_with))
        least = f"min({value}) OVER (PARTITION BY {parts})" if column.hidden_with else value
        return f"CASE WHEN {least} >= {SMALLEST_SHOWN_COUNT} THEN CAST({shown} AS {kind}) END"
    if column.told_by:
        count = f"r.{column.told_by}"
        shown = _multiple(count, str(SMALLEST_SHOWN_COUNT), dialect)
        mean = _two_digits(f"({value} / {count})", dialect)
        return f"CASE WHEN {count} >= {column.told_from} THEN {shown} * {mean} END"
    if column.rounded_to:
        rounded = _multiple(value, repr(column.rounded_to), dialect)
        return f"CASE WHEN r.{column.mean_of} >= {MEANS_FROM} THEN {rounded} END" if column.mean_of else rounded
    return value


def joined(table: Table, published: str) -> str:
    """What the view of ``table`` joins as ``s``: what readers see of it and is kept apart. ``published``: keeps rows
    ``s`` of proposals out."""
    same = " AND ".join(_is_same(table.column(name)) for name in table.key)
    return f"LEFT JOIN {seen_apart(table)}_rows s ON {published} AND s.version = r.version AND {same}"


def _is_same(part: Column) -> str:
    """Whether rows ``r`` and ``s`` have the same in a part of the key, which may be empty."""
    r, s = (f"coalesce({row}.{part.name}, '')" if part.nullable else f"{row}.{part.name}" for row in "rs")
    return f"{s} = {r}"


def seen_apart(table: Table) -> str:
    """The name of the table with what readers see of ``table`` and is kept apart."""
    return f"{table.name}_seen"


def _multiple(value: str, step: str, dialect: str) -> str:
    """The nearest multiple of ``step``; halves away from 0."""
    whole = f"abs({value}) / CAST({step} AS double precision) + 0.5"
    whole = f"floor({whole})" if dialect == "postgresql" else f"CAST({whole} AS integer)"
    return f"(CASE WHEN {value} < 0 THEN -{step} ELSE {step} END * {whole})"


def _two_digits(value: str, dialect: str) -> str:
    if dialect == "postgresql":
        return f"CAST(to_char(CAST({value} AS double precision), '9.9EEEE') AS double precision)"
    return f"CAST(printf('%.1e', {value}) AS REAL)"


def _some_keys(value: str, keys: tuple[str, ...], dialect: str) -> str:
    if dialect == "postgresql":
        pairs = ", ".join(f"'{key}', {value} -> '{key}'" for key in keys)
        return f"jsonb_build_object({pairs})"
    pairs = ", ".join(f"'{key}', json({value} -> '{key}')" for key in keys)
    return f"json_object({pairs})"
