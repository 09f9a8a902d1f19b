"""How much memory a Parquet file fills, known before it is filled.

Parquet keeps a text (or a geometry) that returns in a column once, however long it is, so a file of some kilobytes that
declares next to nothing may fill any memory when each cell is written out. So may cells of a fixed length, and lists of
numbers: their count stands in the file. Belongs here: reading such columns as they lie in the file, and counting. Does
not belong here: how much is allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

WIDTHS = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 12}
"""Bytes of a value by the type that Parquet gives it."""


def countable(path: Path) -> list[str]:
    """The columns of which ``declared_bytes`` and ``written_out_bytes`` tell what they fill: not texts in lists, and
    not what Arrow makes of a column by a type of its own."""
    return [field.name for field in pq.read_schema(path) if field.name and _is_countable(field.type)]


def _is_countable(kind: pa.DataType, *, in_list: bool = False) -> bool:
    if isinstance(kind, pa.BaseExtensionType):
        return False
    if pa.types.is_dictionary(kind):
        return not in_list and _is_countable(kind.value_type)
    if pa.types.is_nested(kind):
        return all(_is_countable(kind.field(at).type, in_list=True) for at in range(kind.num_fields))
    return not (in_list and _is_text(kind))


def declared_bytes(path: Path, columns: Sequence[str]) -> int:
    """Bytes of the values of fixed length in ``columns``, also in lists, as many as the file says that there are."""
    with pq.ParquetFile(path) as stored:
        about, size = stored.metadata, 0
        for at in range(about.num_columns):
            leaf = stored.schema.column(at)
            if any(leaf.path == name or leaf.path.startswith(f"{name}.") for name in columns):
                width = (
                    leaf.length if leaf.physical_type == "FIXED_LEN_BYTE_ARRAY" else WIDTHS.get(leaf.physical_type, 0)
                )
                groups = range(about.num_row_groups)
                size += width * sum(about.row_group(group).column(at).num_values for group in groups)
        return size


def each_text_once(file: Path | pa.Buffer, columns: Sequence[str]) -> pa.Table:
    """The ``columns`` of a file, or of its bytes, those of texts or bytes as dictionaries."""
    with pq.ParquetFile(file) as stored:
        schema = stored.schema_arrow
    texts = [name for name in columns if _is_text(schema.field(name).type)]
    with pq.ParquetFile(file, read_dictionary=texts) as stored:
        return stored.read(columns=list(columns))


def written_out_bytes(cells: pa.Table) -> int:
    """Bytes of the texts of ``each_text_once``, each as often as it returns."""
    size = 0
    for column in cells.columns:
        is_counted = pa.types.is_dictionary(column.type) and _is_text(column.type.value_type)
        for chunk in column.chunks if is_counted else []:
            size += pc.sum(pc.binary_length(chunk.dictionary).take(chunk.indices)).as_py() or 0
    return size


def _is_text(kind: pa.DataType) -> bool:
    kinds = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view")
    return any(getattr(pa.types, f"is_{name}")(kind) for name in kinds)
