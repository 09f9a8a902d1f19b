"""How well the estimate of ``demand`` predicts: the last year of the history is held out and forecast from the rest.

Belongs here: the comparison with two simple forecasts, and the table of it in ``docs/demand.md``.
Does not belong here: the estimate itself.

``python -m allocation.demand.backtest`` measures it on the embedded example and prints the table; ``--write`` puts it
in the document as well, ``--input DIR`` takes another input folder.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import xlogy

from allocation.contract.config import Config
from allocation.contract.errors import Refused
from allocation.contract.vocabulary import REGULAR_GROUP
from allocation.demand.expected import expected_inflow
from allocation.demand.intervals import INTERVAL, KEY, SERIES, sum_interval
from allocation.intake.example import SEED, TEAM_INHABITANTS, write_example
from allocation.intake.inputs import load_inputs
from geodata import DEFAULT_CACHE, load_boundaries

HELD_OUT_MONTHS = 12
LEAST_FORECAST = 0.5
"""A forecast of exactly 0 clients counts as half a client a year: otherwise one client makes its deviance infinite."""
FORECASTS = ("estimate", "raw", "regional")
ALL_PRODUCTS = "all products"
DOCUMENT = Path("docs") / "demand.md"
MARKS = ("<!-- backtest: begin -->", "<!-- backtest: end -->")


def hold_out(inflow: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The history without its last 12 months, and those months. Refused below 24 months."""
    months = sorted(inflow["month"].unique())
    if len(months) < 2 * HELD_OUT_MONTHS:
        raise Refused(f"A backtest needs at least {2 * HELD_OUT_MONTHS} months of inflow; there are {len(months)}.")
    late = inflow["month"].isin(months[-HELD_OUT_MONTHS:])
    return inflow[~late], inflow[late]


def forecasts(known: pd.DataFrame, held_out: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """One row per pc4, product, line and group that is forecast or occurred.

    Returns
    -------
    KEY, rate_region, town, share (1), team (a pretended team, see ``pretended_teams``); clients of the held-out year:
    ``actual``, and as forecast by ``estimate`` (with its errors, see ``intervals``), ``raw`` (the 12
    months before) and ``regional`` (inhabitants x the region's rate in those 12 months).
    """
    ours = expected_inflow(known, areas).rename(columns=lambda name: name.replace("inflow_", ""))
    ours = ours.rename(columns={"clients": "estimate"}).drop(columns="rate_region")
    before = known[known["month"].isin(sorted(known["month"].unique())[-HELD_OUT_MONTHS:])]
    table = ours.merge(_year(before, "raw"), on=KEY, how="outer").merge(_year(held_out, "actual"), on=KEY, how="outer")
    table = table.fillna(dict.fromkeys(table.columns.difference(KEY), 0.0))
    places = areas.set_index("pc4")
    region, people = places["arbeidsmarktregio_nr"], places["inhabitants"].astype("float64").fillna(0.0)
    table["rate_region"] = table["pc4"].map(region.astype(str))
    table["town"] = table["pc4"].map(places["gemeente_code"].astype(str))
    in_region = table.groupby(["rate_region", *SERIES])["raw"].transform("sum")
    table["regional"] = in_region * table["pc4"].map(people / people.groupby(region).transform("sum"))
    table["team"], table["share"] = table["pc4"].map(pretended_teams(areas)), 1.0
    return table


def _year(inflow: pd.DataFrame, name: str) -> pd.DataFrame:
    return inflow.groupby(KEY)["clients"].sum().astype("float64").rename(name).reset_index()


def pretended_teams(areas: pd.DataFrame) -> pd.Series:
    """A team-sized group (text) per pc4: postcodes in order, about 93,000 inhabitants each, within one region."""
    ordered = areas.sort_values("pc4")
    region, people = ordered["arbeidsmarktregio_nr"], ordered["inhabitants"].astype("float64").fillna(0.0)
    in_region = people.groupby(region).transform("sum").clip(lower=1.0)
    teams = (in_region / TEAM_INHABITANTS).round().clip(lower=1)
    before = (people.groupby(region).cumsum() - people) / in_region
    number = np.minimum(np.floor(before * teams), teams - 1).astype("int64")
    return pd.Series((region.astype(str) + "-" + number.astype(str)).to_numpy(), index=ordered["pc4"])


def scores(table: pd.DataFrame) -> pd.DataFrame:
    """How far each forecast was off, per scale and subject.

    Returns
    -------
    One row per ``scale`` (postcode, team) and ``subject`` (a product, all products, a special group) with ``units``,
    ``clients`` and, per forecast, ``deviance_*`` (mean Poisson deviance, 2 (y ln(y/f) - y + f)) and ``wmae_*`` (sum
    of |y - f| / sum of y); ``coverage``: part of the units whose outcome fell in the 80% interval of the estimate.
    """
    special = table[table["client_group"] != REGULAR_GROUP]
    subjects = {str(name): rows for name, rows in table.groupby("product")}
    subjects[ALL_PRODUCTS] = table
    subjects |= {f"group {name}": rows for name, rows in special.groupby("client_group")}
    found = [
        {"scale": scale, "subject": subject, **_score(rows, column)}
        for scale, column in (("postcode", "pc4"), ("team", "team"))
        for subject, rows in subjects.items()
    ]
    return pd.DataFrame(found)


def _score(rows: pd.DataFrame, unit: str) -> dict[str, float]:
    sums = rows.groupby(unit)[["actual", *FORECASTS]].sum()
    actual = sums["actual"].to_numpy()
    result: dict[str, float] = {"units": len(sums), "clients": actual.sum()}
    for name in FORECASTS:
        forecast = sums[name].to_numpy()
        result[f"wmae_{name}"] = float(np.abs(actual - forecast).sum() / actual.sum())
        forecast = np.where(forecast > 0, forecast, LEAST_FORECAST)
        result[f"deviance_{name}"] = float(2 * (xlogy(actual, actual / forecast) - actual + forecast).mean())
    interval = sum_interval(rows.rename(columns={"estimate": "mean"}), [unit], INTERVAL, are_counts=True)
    interval = interval.reindex(sums.index)
    inside = (actual >= interval["low"] - 0.5) & (actual <= interval["high"] + 0.5)  # counts are whole numbers
    return {**result, "coverage": float(inside.mean())}


def as_markdown(found: pd.DataFrame) -> str:
    """The scores as two Markdown tables, one per scale."""
    lines = []
    for scale, rows in found.groupby("scale", sort=False):
        units = int(rows["units"].max())
        lines += [
            f"**Per {scale}** ({units:,} units)",
            "",
            "| subject | clients | deviance: estimate | 12 months | regional rate | wMAE: estimate | 12 months "
            "| regional rate | in 80% interval |",
            "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        ]
        for row in rows.to_dict("records"):
            deviances = " | ".join(f"{row[f'deviance_{name}']:.3f}" for name in FORECASTS)
            errors = " | ".join(f"{100 * row[f'wmae_{name}']:.1f}%" for name in FORECASTS)
            lines.append(
                f"| {row['subject']} | {row['clients']:,.0f} | {deviances} | {errors} | {100 * row['coverage']:.0f}% |"
            )
        lines.append("")
    return "\n".join(lines)


def is_best(found: pd.DataFrame) -> pd.Series:
    """Whether the estimate has the lowest deviance of the three forecasts, per row of ``scores``."""
    others = found[[f"deviance_{name}" for name in FORECASTS if name != "estimate"]].min(axis=1)
    return found["deviance_estimate"] < others


def measure(inflow: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """``scores`` of the last year of ``inflow``, forecast from what came before."""
    return scores(forecasts(*hold_out(inflow), areas))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m allocation.demand.backtest", description=__doc__)
    parser.add_argument("--input", type=Path, help="input folder; default: the embedded example")
    parser.add_argument("--seeds", type=int, default=5, help="number of draws of the example (default 5)")
    parser.add_argument("--write", action="store_true", help=f"put the table in {DOCUMENT}")
    chosen = parser.parse_args(arguments)
    areas = load_boundaries("embedded", DEFAULT_CACHE).areas
    try:
        if chosen.input:
            text = as_markdown(measure(load_inputs(chosen.input, areas, Config()).inflow, areas))
        else:
            text = example_report(areas, range(SEED, SEED + chosen.seeds))
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    print(text)
    if chosen.write:
        write_table(DOCUMENT, text)
    return 0


def example_report(areas: pd.DataFrame, seeds: Sequence[int]) -> str:
    """The scores on the example of the first seed, how often the estimate won over all seeds, and on what machine."""
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            inflow = pd.read_parquet(write_example(Path(folder) / str(seed), areas, seed) / "inflow.parquet")
            tables.append(measure(inflow, areas))
    lines = [
        _origin(seeds[0]),
        "",
        as_markdown(tables[0]),
        f"Lowest deviance over seeds {seeds[0]} to {seeds[-1]}:",
        "",
    ]
    together = pd.concat([table.assign(seed=seed) for table, seed in zip(tables, seeds, strict=True)])
    for scale, rows in together.groupby("scale", sort=False):
        lost = rows[~is_best(rows)]
        names = ", ".join(f"{row.subject} of {row.seed}" for row in lost.itertuples())
        inside = rows.loc[rows["subject"] == ALL_PRODUCTS, "coverage"]
        lines.append(
            f"- per {scale}: the estimate in {len(rows) - len(lost)} of {len(rows)} rows like those above"
            + (f" (not: {names})" if len(lost) else "")
            + f"; all products together in the 80% interval: {100 * inside.min():.0f}% to {100 * inside.max():.0f}%"
        )
    return "\n".join(lines) + "\n"


def _origin(seed: int) -> str:
    """Date, code, seed and machine of a measurement."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"Measured {date.today().isoformat()}, commit {commit.stdout.strip() or 'unknown'}, embedded example with seed "
        f"{seed}, Python {platform.python_version()}, {os.cpu_count()} cores, {memory:.0f} GB."
    )


def write_table(document: Path, text: str, marks: tuple[str, str] = MARKS) -> None:
    """Replace what stands between ``marks`` in ``document``. Raises ValueError when they are not there."""
    content = document.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(marks[0])}.*{re.escape(marks[1])}", re.DOTALL)
    if not pattern.search(content):
        raise ValueError(f"{document} has no place for the table: {marks[0]} ... {marks[1]}")
    fresh = f"{marks[0]}\n\n{text.strip()}\n\n{marks[1]}"
    document.write_text(pattern.sub(lambda _: fresh, content), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
