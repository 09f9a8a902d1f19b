"""Generators of inflow unlike the embedded example: what really happened is known.

Belongs here: the country of the generators and how it changes. Does not belong here: forecasts and scores.

The country: 800 areas in 10 regions, ten towns a region, teams of 20 areas in a row; 8 products, half of them counted
in two lines, about 67,000 clients a year. Needs are lognormal, so no estimator here has the generator's own
distribution. Each world multiplies the intensity of some months, areas or products, then counts are drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
YEAR = 12
FIRST_YEAR = 2021
CLIENTS_PER_INHABITANT = 0.0187
PRODUCTS = {"A": 0.38, "B": 0.18, "C": 0.125, "D": 0.125, "E": 0.06, "F": 0.055, "G": 0.045, "H": 0.03}
"""Share of all clients."""
TWO_LINES = "ACEG"


@dataclass
class World:
    """Intensities (months + 12, areas, series): expected clients; the last 12 months are the year to be forecast."""

    draw: np.random.Generator
    months: int
    intensity: Floats
    series: pd.DataFrame
    region: NDArray[np.int64]
    people: Floats
    burst_variance: float = 0.0
    exceptional: tuple[int, ...] = ()
    is_lost: tuple[int, ...] = ()
    recode: Callable[[pd.DataFrame], pd.DataFrame] | None = field(default=None)

    @property
    def time(self) -> Floats:
        """Months since the first, (months + 12, 1, 1)."""
        return np.arange(self.months + YEAR, dtype=np.float64)[:, None, None]

    def of(self, products: str) -> NDArray[np.bool_]:
        return np.asarray(self.series["product"].isin(list(products)))


@dataclass(frozen=True)
class Counts:
    """``inflow``: history as ``expected_inflow`` takes it. ``outcome``: KEY and ``clients`` of the year after it.
    ``exceptional``: months (YYYY-MM) that planners know to be incomplete. ``areas`` has a column ``team``."""

    inflow: pd.DataFrame
    outcome: pd.DataFrame
    areas: pd.DataFrame
    exceptional: tuple[str, ...]


def country(draw: np.random.Generator, months: int = 24, areas: int = 800, regions: int = 10) -> World:
    """A stationary country: rates that differ by region, town, area and cell, and a season per product."""
    lines = [(p, line) for p in PRODUCTS for line in (("vangnet", "werkgever") if p in TWO_LINES else ("alle",))]
    series = pd.DataFrame(lines, columns=["product", "client_line"])
    region = np.arange(areas) * regions // areas
    town = np.arange(areas) // 8
    people = np.round(np.exp(draw.normal(8.2, 0.7, areas)))
    share = series["product"].map(PRODUCTS).to_numpy() * np.where(series["client_line"] == "alle", 1.0, 0.5)
    rate = CLIENTS_PER_INHABITANT / YEAR * share * np.exp(draw.normal(0, 0.12, (regions, len(series))))
    rate = rate * np.exp(draw.normal(0, 0.1, (regions, 1)))
    need = np.exp(draw.normal(0, 0.15, town.max() + 1)[town] + draw.normal(0, 0.25, areas))
    cell = np.exp(draw.normal(0, 0.2, (areas, len(series))))
    season = np.exp(draw.normal(0, 0.06, (YEAR, len(PRODUCTS))))
    of_series = season[:, pd.factorize(series["product"])[0]]
    base = people[:, None] * rate[region] * need[:, None] * cell
    calendar = np.arange(months + YEAR) % YEAR
    return World(draw, months, base[None] * of_series[calendar][:, None, :], series, region, people)


def counts(world: World) -> Counts:
    """Draw the months, and hand them over as a history and the outcome of the year after it."""
    intensity, draw = world.intensity, world.draw
    if world.burst_variance:
        shape = 1 / world.burst_variance
        intensity = intensity * draw.gamma(shape, 1 / shape, intensity.shape)
    drawn = draw.poisson(intensity)
    month, area, series = np.nonzero(drawn)
    names = np.array([f"{FIRST_YEAR + m // YEAR}-{m % YEAR + 1:02d}" for m in range(len(drawn))], dtype=object)
    pc4 = np.array([str(1000 + a) for a in range(drawn.shape[1])], dtype=object)
    frame = pd.DataFrame({"month": names[month], "pc4": pc4[area], "clients": drawn[month, area, series]})
    frame = frame.assign(
        **{name: world.series[name].to_numpy()[series] for name in world.series},
        client_group="regulier",
        pw_client=False,
    )
    frame["number"], frame["region"] = month, world.region[area]
    if world.recode:
        frame = world.recode(frame)
    past = frame["number"] < world.months
    history = frame[past & ~frame["number"].isin(world.is_lost)]
    columns = ["pc4", "product", "client_line", "client_group", "pw_client"]
    people = pd.Series(world.people).astype("int64").astype("Int64")
    areas = pd.DataFrame({"pc4": pc4, "arbeidsmarktregio_nr": world.region + 1, "inhabitants": people})
    areas["gemeente_code"] = [f"{a // 8:04d}" for a in range(len(pc4))]
    areas["team"] = [f"{r}-{a // 20}" for a, r in enumerate(world.region)]
    return Counts(
        history[["month", *columns, "clients"]].reset_index(drop=True),
        frame[~past].groupby(columns)["clients"].sum().reset_index(),
        areas,
        tuple(names[list(world.exceptional)]),
    )


def random_walk(world: World, yearly_sd: float, of: str) -> Floats:
    """Factor (months + 12, areas, 1) of a random walk in the log with mean 1, per ``region`` or ``area``."""
    units = world.region.max() + 1 if of == "region" else len(world.region)
    steps = world.draw.normal(0, yearly_sd / YEAR**0.5, (len(world.time), units))
    walk = np.exp(np.cumsum(steps - yearly_sd**2 / YEAR / 2, axis=0))
    return walk[:, world.region, None] if of == "region" else walk[:, :, None]


def between(world: World, first: int, end: int) -> NDArray[np.bool_]:
    return (world.time >= first) & (world.time < end)
