"""One published table as files: Parquet, CSV, and CSV that opens right in Dutch Excel; and the lines of a manifest.

Belongs here: the form of a file, safe in a spreadsheet. Does not belong here: which rows (`files`), maps.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from allocation.publication.store import csv_bytes

_FORMULA_STARTS = r"^[\x00-\x20\x85\p{Z}]*[=+\-@＝＋－＠\t\r|%]"
"""A text that starts like this can run as a formula in a spreadsheet; an apostrophe in front makes it a text. The wide
signs are those of East Asian keyboards, which some spreadsheets take for the others."""


MOST_IN_A_SPREADSHEET = 200_000
"""Rows of the longest table that also lands as a file for Dutch Excel: a longer one opens too slowly to be of use."""
MOST_AS_PLAIN_TEXT = 20_000
"""Rows of the longest table whose two texts are files of their own; those of a longer one are in one zip file, which is
a twentieth of their size."""


def write_parquet(folder: Path, name: str, rows: pa.Table) -> list[dict[str, Any]]:
    """The table as Parquet alone; returns its lines of the manifest."""
    path = folder / f"{name}.parquet"
    pq.write_table(rows, path, compression="zstd")
    return [entry(path, name, "parquet", rows.num_rows)]


def write_table(folder: Path, name: str, rows: pa.Table) -> list[dict[str, Any]]:
    """The table as Parquet, as CSV, and for Dutch Excel where it is short enough; returns its lines of the manifest.

    The texts of a table of more than ``MOST_AS_PLAIN_TEXT`` rows are together in ``<table>.csv.zip``.
    """
    entries = write_parquet(folder, name, rows)
    texts = {f"{name}.csv": csv_bytes(spreadsheet_safe(rows))}
    if rows.num_rows <= MOST_IN_A_SPREADSHEET:
        texts[f"{name}.excel.csv"] = _dutch_excel_bytes(rows)
    if rows.num_rows > MOST_AS_PLAIN_TEXT:
        path = folder / f"{name}.csv.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for file, text in texts.items():
                # A name without a time: the same version is the same file.
                packed.writestr(zipfile.ZipInfo(file), text, zipfile.ZIP_DEFLATED)
        return [*entries, entry(path, name, f"zip of {' and '.join(texts)}", rows.num_rows)]
    for file, text in texts.items():
        (folder / file).write_bytes(text)
        kind = "csv" if file == f"{name}.csv" else "csv, semicolon, decimal comma, for Dutch Excel"
        entries.append(entry(folder / file, name, kind, rows.num_rows))
    return entries


def spreadsheet_safe(rows: pa.Table) -> pa.Table:
    """Texts that a spreadsheet would run get an apostrophe in front. Numbers stay numbers: a minus sign is harmless."""
    for position, field in enumerate(rows.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            values = rows.column(position)
            runs = pc.match_substring_regex(values, _FORMULA_STARTS)
            if pc.any(runs).as_py():
                sign, nothing = (pa.scalar(text, field.type) for text in ("'", ""))
                quoted = pc.binary_join_element_wise(sign, values, nothing)
                rows = rows.set_column(position, field.name, pc.if_else(runs, quoted, values))
    return rows


def spreadsheet_safe_frame(rows: pd.DataFrame) -> pd.DataFrame:
    """As ``spreadsheet_safe``, for a table in memory; its columns keep their types where nothing would run."""
    changed = {}
    for name in rows.columns:
        is_text = rows[name].map(lambda value: isinstance(value, str)).astype(bool)
        texts = pa.table({"text": pa.array(rows.loc[is_text, name].tolist(), pa.string())})
        safe = spreadsheet_safe(texts)
        if safe is not texts:
            changed[name] = (
                rows[name].astype(object).mask(is_text, pd.Series(safe["text"].to_pylist(), rows.index[is_text]))
            )
    return rows.assign(**changed)


def _dutch_excel_bytes(rows: pa.Table) -> bytes:
    """Semicolons, decimal commas, WAAR/ONWAAR and a byte-order mark: opens right by double click in Dutch Excel."""
    rows = spreadsheet_safe(rows)
    for position, field in enumerate(rows.schema):
        values = rows.column(position)
        if pa.types.is_floating(field.type):
            values = pc.replace_substring(pc.cast(values, pa.string()), ".", ",")
        elif pa.types.is_boolean(field.type):
            values = pc.if_else(values, "WAAR", "ONWAAR")
        else:
            continue
        rows = rows.set_column(position, field.name, values)
    return b"\xef\xbb\xbf" + csv_bytes(rows, delimiter=";")


def entry(path: Path, table: str | None, kind: str, rows: int | None) -> dict[str, Any]:
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return {
        "file": path.name,
        "table": table,
        "format": kind,
        "rows": rows,
        "bytes": path.stat().st_size,
        "sha256": digest,
    }


def write_manifest(folder: Path, about: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> None:
    text = json.dumps({**about, "files": list(entries)}, indent=2, ensure_ascii=False, default=str)
    (folder / "manifest.json").write_text(text + "\n")
