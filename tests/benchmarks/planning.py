"""What planning takes on the whole country: advice, twelve dates ahead, alternatives of one region.

    python -m tests.benchmarks.planning VAR [--region NAME] [--only advise,plan-ahead,alternatives]

``VAR`` holds a store with a version of the example in force (``caseload run``). Each command is started as a planner
starts it, in a process of its own, and timed from start to end: wall and processor seconds, the processes that it
starts included. The runs that it makes stay in ``VAR``, one proposal too; nothing is published.

Twelve dates: on the first of each of the next twelve months something changes in another region: a team stops, one
starts, one loses half of its physicians, and Twente goes from two client lines to meerwettig. Alternatives: a team of
the region has half of its physicians from today on. What one proposal of that region takes stands beside it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from allocation.contract.calendar import today
from allocation.contract.vocabulary import CLIENT_LINES, SEPARATOR
from allocation.pipeline.advise import run_of_version
from allocation.pipeline.example_input import example_folder
from allocation.report.summary import code_version
from tests.benchmarks.run import machine

DATES = 12
BOTH_LINES_FROM = "9"
"""The region that goes meerwettig: Twente."""
MONTH_OF_BOTH_LINES = 6


class Seconds(NamedTuple):
    """What one command took, the load of the machine when it began, and what it printed."""

    wall: float
    processor: float
    load: float
    printed: str


def timed(store: str, var: Path, command: str, *arguments: str) -> Seconds:
    """Run a command in a process of its own. Raises ``SystemExit`` with its errors."""
    line = [sys.executable, "-m", "allocation", command, *arguments, "--store", store, "--var", str(var)]
    load, began = os.getloadavg()[0], time.perf_counter()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(line, stdout=out, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        out.seek(0), errors.seek(0)
        printed, told = out.read(), errors.read()
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{' '.join(line)}\n{told}")
    return Seconds(wall, usage.ru_utime + usage.ru_stime, load, printed)


def first_days(count: int, after: date) -> list[date]:
    """The first days of the ``count`` months that come."""
    months = [after.year * 12 + after.month + i for i in range(count)]
    return [date(month // 12, month % 12 + 1, 1) for month in months]


def with_dates(teams: pd.DataFrame, days: list[date]) -> pd.DataFrame:
    """The team list, as texts, with one change known on each of ``days``, each in another region."""
    rows = teams.to_dict("records")
    changed: list[dict[str, Any]] = []
    places = _one_of_each_region(rows)
    for number, day in enumerate(days):
        if number == MONTH_OF_BOTH_LINES:
            apart = [row for row in rows if row["arbeidsmarktregio"] == BOTH_LINES_FROM and _is_regular(row)]
            both = {"client_lines": SEPARATOR.join(CLIENT_LINES), "laws": "ZW|WIA"}
            changed += [_from(row, day, **both) for row in apart]
            continue
        row = next(places)
        if number % 3 == 0:
            row["valid_to"] = str(day - timedelta(days=1))
        elif number % 3 == 1:
            changed.append({**row, "team_id": f"{row['team_id']}-NEW", "valid_from": str(day)})
        else:
            changed.append(_from(row, day, fte_verzekeringsarts=f"{float(row['fte_verzekeringsarts']) / 2:g}"))
    return pd.DataFrame([*rows, *changed])


def _one_of_each_region(rows: list[dict[Any, Any]]) -> Iterator[dict[Any, Any]]:
    """The last team of each region with three or more, which are the ones that can do without it; not Twente."""
    of_regions: dict[str, list[dict[Any, Any]]] = {}
    for row in rows:
        if _is_regular(row) and row["arbeidsmarktregio"] != BOTH_LINES_FROM:
            of_regions.setdefault(row["arbeidsmarktregio"], []).append(row)
    lines = SEPARATOR.join(CLIENT_LINES)
    return (of[-1] for of in of_regions.values() if len(of) > 2 and all(row["client_lines"] == lines for row in of))


def _is_regular(row: dict[Any, Any]) -> bool:
    return bool(row["kind"] == "regulier" and row["valid_to"] == "")


def _from(row: dict[Any, Any], day: date, **changes: str) -> dict[Any, Any]:
    """A further period of a team; the one before it ends."""
    row["valid_to"] = str(day - timedelta(days=1))
    return {**row, **changes, "valid_from": str(day), "valid_to": ""}


def halved(teams: pd.DataFrame, region: str) -> pd.DataFrame:
    """The team list with half of the physicians of one team of the region, from today on."""
    rows = teams.to_dict("records")
    row = next(row for row in rows if row["arbeidsmarktregio"] == region and _is_regular(row))
    return pd.DataFrame(
        [*rows, _from(row, today(), fte_verzekeringsarts=f"{float(row['fte_verzekeringsarts']) / 2:g}")]
    )


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.planning", description=__doc__)
    parser.add_argument("var", type=Path)
    parser.add_argument("--region", default="Midden-Utrecht")
    parser.add_argument("--only", default="advise,plan-ahead,alternatives")
    asked = parser.parse_args()
    wanted, store = asked.only.split(","), f"sqlite:///{(asked.var / 'caseload.sqlite').absolute()}"
    run = run_of_version(None, store, asked.var)
    areas = run.areas()
    number = str(areas.loc[areas["arbeidsmarktregio"] == asked.region, "arbeidsmarktregio_nr"].iloc[0])
    days = first_days(DATES, today())
    print(f"{datetime.now(UTC):%Y-%m-%d}, {code_version()}, {machine()}\n")
    print("| what | wall, s | processor, s | load before |\n|---|---:|---:|---:|")

    def row(what: str, took: Seconds) -> None:
        print(f"| {what} | {took.wall:.1f} | {took.processor:.1f} | {took.load:.1f} |", flush=True)

    with tempfile.TemporaryDirectory() as place:
        made = {name: Path(place) / name for name in ("dates", "region")}
        for folder in made.values():
            shutil.copytree(example_folder(run), folder)
        teams = pd.read_csv(made["dates"] / "teams.csv", dtype=str, keep_default_na=False)
        with_dates(teams, days).to_csv(made["dates"] / "teams.csv", index=False)
        halved(teams, number).to_csv(made["region"] / "teams.csv", index=False)
        if "advise" in wanted:
            row("`advise`, the country", timed(store, asked.var, "advise"))
        if "plan-ahead" in wanted:
            until = ("--until", str(days[-1]), "--input", str(made["dates"]))
            ahead = timed(store, asked.var, "plan-ahead", *until)
            row(f"`plan-ahead`, {DATES} dates", ahead)
        if "alternatives" in wanted:
            of_region = ("--input", str(made["region"]), "--regions", asked.region)
            row(f"`alternatives`, {asked.region}", timed(store, asked.var, "alternatives", *of_region))
            row(f"`propose`, {asked.region}", timed(store, asked.var, "propose", *of_region))
    if "plan-ahead" in wanted:
        print(f"\nWhat plan-ahead told:\n\n{ahead.printed}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
