"""How much memory a Parquet file fills, known before it is filled.

Parquet keeps a text (or a geometry) that returns in a column once, however long it is, so a file of some kilobytes that
declares next to nothing may fill any memory when each cell is written out. Belongs here: reading such columns as they
lie in the file, and counting. Does not belong here: how much is allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


def each_text_once(path: Path, columns: Sequence[str]) -> pa.Table:
    """The ``columns`` of a file, those of texts or bytes as dictionaries."""
    with pq.ParquetFile(path) as stored:
        schema = stored.schema_arrow
    texts = [name for name in columns if _is_text(schema.field(name).type)]
    with pq.ParquetFile(path, read_dictionary=texts) as stored:
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
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(is_so(kind) for is_so in kinds)
