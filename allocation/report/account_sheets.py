"""Accounting for a run: what the checks found, what was repaired, which files and settings were used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from allocation.report import dutch
from allocation.report.dutch import number
from allocation.report.sheet import Column, Sheet, amount, records, text, text_of
from allocation.runs import run_files


@dataclass(frozen=True)
class Gate:
    """Outcome of one gate of the validation."""

    name: str
    success: bool
    checks: int
    met: int
    failed: Sequence[dict[str, Any]]


def gates(folder: Path) -> list[Gate]:
    """What the expectations found; empty when the run was not validated."""
    told = run_files.VALIDATION.read(folder) if run_files.VALIDATION.exists(folder) else {}
    names = {"inputs": "Invoer", "input": "Invoer", "outcome": "Uitkomst"}
    return [
        Gate(names.get(name, name), part["success"], int(part["statistics"]["checks"]), int(part["statistics"]["met"]),
             part["failed"])
        for name, part in told.items()
        if isinstance(part, dict)
    ]  # fmt: skip


def finding(failed: dict[str, Any], most: int = 3) -> str:
    """What a check found, in Dutch, with examples."""
    examples = "; ".join(dutch.examples(failed, most))
    return f"{failed['sentence_nl']}{': ' if examples else ''}{examples}"


REPAIR_COLUMNS = (
    Column("Soort", lambda row: text(row.kind.replace("_", " "))),
    Column("Wat er is gedaan", lambda row: text(row.action)),
    Column("Aantal", lambda row: amount(row[3])),
)
NAMED_COLUMNS = (
    Column("Soort", lambda row: text(row["class"].replace("_", " "))),
    Column("Postcode", lambda row: text(row["pc4"])),
    Column("Bijzonderheid", lambda row: text(row["detail"])),
    Column("Wat er is gedaan", lambda row: text(row["action"])),
)
CROSSING_COLUMNS = (
    text_of("Postcode", "a"),
    text_of("Met postcode", "b"),
    Column("Verbinding", lambda row: text(dutch.crossing(row.reason))),
)


def repair_sheets(folder: Path) -> list[Sheet]:
    """Repairs of boundaries: counts per class, the ones of small classes by name; and the bridges."""
    repairs = _repairs(folder)
    counts = repairs.rename(columns={"class": "kind"}).value_counts(["kind", "action"]).reset_index(name="count")
    small = repairs[repairs.groupby("class")["class"].transform("size") <= 200]
    edges = run_files.EDGES.read(folder)
    bridges = records(edges[edges["kind"] == "bridge"])
    return [
        Sheet.of("herstel", "Herstelde grenzen en bijzonderheden, geteld", REPAIR_COLUMNS, records(counts)),
        Sheet.of("herstel-namen", "Bijzonderheden per postcode (soorten met hoogstens 200 gevallen)", NAMED_COLUMNS,
                 small.to_dict("records")),
        Sheet.of("verbindingen", "Verbindingen over water: gebieden die als buren gelden zonder gedeelde grens",
                 CROSSING_COLUMNS, bridges),
    ]  # fmt: skip


def _repairs(folder: Path) -> pd.DataFrame:
    """What was repaired in the boundaries, what changed since the edition in force, and postcodes without an area."""
    replaced = run_files.INPUT_TABLES.table("replaced").read(folder).assign(**{"class": "zonder_vlak"})
    frames = [run_files.REPAIRS.read(folder)]
    frames.append(run_files.SUCCESSION.table("noticed").read(folder))
    return pd.concat([*frames, replaced[frames[0].columns]], ignore_index=True)


def _pair_columns(first: str, second: str) -> tuple[Column, Column]:
    return Column(first, lambda pair: text(pair[0])), Column(second, lambda pair: text(pair[1]))


def counted_when(folder: Path) -> str:
    """Which months and which day were counted, and which year of capacity (``work.capacity_hours``)."""
    months = run_files.INPUT_TABLES.table("inflow").read_columns(folder, ["month"])["month"]
    stock = run_files.INPUT_TABLES.table("stock").read_columns(folder, ["reference_date"])["reference_date"]
    first, last = (dutch.month(month) for month in (months.min(), months.max()))
    day = dutch.day(run_files.LAYERS.read(folder).day)
    return (
        f"De instroom loopt van {first} tot en met {last}; de voorraad is geteld op {dutch.day(stock.max())}. De "
        f"capaciteit is die van het jaar vanaf {day}: een team dat daarin begint, stopt of van fte verandert, telt "
        "voor de maanden dat het werkt."
    )


def fingerprint_sheet(folder: Path, *, for_readers: bool) -> Sheet:
    """Every input with its SHA-256; ``for_readers`` without the files of the input folder: who guesses what is in a
    small one (`staff`, which is never published) can tell by its SHA-256 that he guessed well."""
    rows = [] if for_readers else sorted(run_files.INPUT.read(folder).sha256.items())
    rows.append(("grenzen", run_files.BOUNDARIES.read(folder).fingerprint))
    return Sheet.of("bestanden", "Gebruikte bestanden met hun SHA-256", _pair_columns("Bestand", "SHA-256"), rows)


def origin(edition: Mapping[str, Any]) -> str:
    """Where the boundaries come from: of a file its name, for a folder says how a server is built."""
    return Path(edition["origin"]).name if edition.get("source") == "file" else str(edition["origin"])


def setting_sheet(config: dict[str, Any]) -> Sheet:
    """The configuration in full, one setting a row."""
    rows = [(name, _setting(value)) for name, value in _flat(config)]
    return Sheet.of("instellingen", "Instellingen van deze run", _pair_columns("Instelling", "Waarde"), rows)


def _flat(values: dict[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _setting(value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, bool):
        return "ja" if value else "nee"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return number(value, 0 if float(value).is_integer() else 3) if isinstance(value, int | float) else str(value)
