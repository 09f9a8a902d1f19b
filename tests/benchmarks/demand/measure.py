"""Scores of the estimate and of its rivals in one generated country."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import xlogy

from allocation.demand.expected import expected_inflow
from allocation.demand.intervals import KEY, sum_interval
from tests.benchmarks.demand import rivals
from tests.benchmarks.demand.worlds import Counts

SCALES = ("area", "team", "region")
SUBJECTS = ("all products", "per product")
RIVALS = ("last 12 months", "all history", "regional rate", "empirical Bayes", "Holt")
LEVEL = 0.8
LEAST_FORECAST = 0.5


def forecasts(counts: Counts) -> pd.DataFrame:
    """One row per cell that occurs anywhere: KEY, area, team, region, ``actual``, the rivals, and the estimate
    (``mean``) with its errors as ``sum_interval`` takes them."""
    inflow, areas = counts.inflow, counts.areas.drop(columns="team")
    estimate = expected_inflow(inflow, areas, counts.exceptional)
    estimate = estimate.rename(columns=lambda name: name.replace("inflow_", "")).rename(columns={"clients": "mean"})
    known = _rivals(inflow, counts.areas)
    table = known.merge(counts.outcome.rename(columns={"clients": "actual"}), on=KEY, how="outer")
    table = table.merge(estimate.drop(columns="rate_region"), on=KEY, how="outer")
    table = table.fillna(dict.fromkeys(table.columns.difference(KEY), 0.0))
    places = counts.areas.set_index("pc4")
    table["area"], table["team"] = table["pc4"], table["pc4"].map(places["team"])
    table["region"] = table["rate_region"] = table["pc4"].map(places["arbeidsmarktregio_nr"].astype(str))
    table["town"] = table["pc4"].map(places["gemeente_code"])
    return table.assign(share=1.0)


def _rivals(inflow: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """The rivals for every area and series (product, line, group) that its region has."""
    names = inflow["month"].sort_values().unique()
    calendar = pd.period_range(names[0], names[-1], freq="M").astype(str)
    wide = inflow.pivot_table(index="month", columns=KEY, values="clients", aggfunc="sum", fill_value=0)
    places = areas.set_index("pc4")
    present = wide.columns.to_frame(index=False).drop(columns="pc4")
    present["region"] = wide.columns.get_level_values("pc4").map(places["arbeidsmarktregio_nr"])
    cells = areas[["pc4", "arbeidsmarktregio_nr"]].rename(columns={"arbeidsmarktregio_nr": "region"})
    cells = cells.merge(present.drop_duplicates(), on="region")
    wide = wide.reindex(index=calendar, columns=pd.MultiIndex.from_frame(cells[KEY]), fill_value=0)
    monthly = wide.to_numpy(dtype=np.float64)
    series = cells.groupby(KEY[1:]).ngroup().to_numpy()
    rate = cells.groupby(["region", *KEY[1:]]).ngroup().to_numpy()
    people = cells["pc4"].map(places["inhabitants"].astype("float64")).to_numpy().clip(1.0)
    values = (
        rivals.last_year(monthly),
        rivals.all_history(monthly),
        rivals.regional(monthly, rate, people),
        rivals.empirical_bayes(monthly, rate, series, people),
        rivals.holt(monthly, rate, series),
    )
    return cells[KEY].assign(**dict(zip(RIVALS, values, strict=True)))


def scores(table: pd.DataFrame) -> pd.DataFrame:
    """Per ``scale`` and ``subject``: mean Poisson deviance per unit of the estimate and of each rival, ``coverage`` of
    the 80% interval and its ``half_width`` as a share of the clients. *Per product*: a unit is a product in a place."""
    found = []
    for scale in SCALES:
        for subject, by in zip(SUBJECTS, ([scale], [scale, "product"]), strict=True):
            sums = table.groupby(by)[["actual", "mean", *RIVALS]].sum()
            interval = sum_interval(table, by, LEVEL, are_counts=True).reindex(sums.index)
            low, high = interval["low"].to_numpy(), interval["high"].to_numpy()
            actual = sums["actual"].to_numpy()
            inside = (actual >= low - 0.5) & (actual <= high + 0.5)
            row = {name: deviance(actual, sums[name].to_numpy()) for name in ("mean", *RIVALS)}
            width = (high - low).sum() / 2 / max(1.0, actual.sum())
            found.append({"scale": scale, "subject": subject, **row, "coverage": inside.mean(), "half_width": width})
    return pd.DataFrame(found)


def deviance(actual: np.ndarray, forecast: np.ndarray) -> float:
    forecast = np.where(forecast > 0, forecast, np.where(actual > 0, LEAST_FORECAST, 1e-12))
    return float(2 * (xlogy(actual, actual / forecast) - actual + forecast).mean())
