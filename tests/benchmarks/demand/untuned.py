"""Generated countries that came after the estimate: what it does there was measured, and it was not changed for them.

One function a scenario: a generator of random numbers -> ``World``. Belongs here: a scenario as long as nothing in
``allocation.demand`` was chosen by looking at its score. Once something is, it moves to ``scenarios``.
"""

from __future__ import annotations

import numpy as np

from tests.benchmarks.demand.worlds import YEAR, World, country

Draw = np.random.Generator


def part_of_a_year(draw: Draw) -> World:
    """Twenty months of history, and a season twice as deep."""
    world = country(draw, months=20)
    mean = world.intensity[:YEAR].mean(axis=0)
    world.intensity = mean * (world.intensity / np.where(mean > 0, mean, 1.0)) ** 2
    return world


def local_season(draw: Draw) -> World:
    """Every region has a season of its own on top, the same for all products: 10% up or down a month."""
    world = country(draw)
    season = np.exp(draw.normal(0, 0.1, (YEAR, world.region.max() + 1)))[:, world.region, None]
    world.intensity = world.intensity * season[np.arange(len(world.time)) % YEAR]
    return world


def bad_months(draw: Draw) -> World:
    """In three months, anywhere in the history, between half and one and a half times the clients were counted."""
    world = country(draw)
    chosen = draw.choice(world.months, 3, replace=False)
    world.intensity[chosen] *= draw.uniform(0.5, 1.5, 3)[:, None, None]
    return world


def uneven_registration(draw: Draw) -> World:
    """Regions register in waves: each month of each region is 15% higher or lower, by chance."""
    world = country(draw)
    waves = draw.gamma(1 / 0.15**2, 0.15**2, (len(world.time), world.region.max() + 1))
    world.intensity = world.intensity * waves[:, world.region, None]
    return world


def lost_regions(draw: Draw) -> World:
    """Four regions did not deliver one month, each another; the last but one of the history among them."""
    world = country(draw)
    for region, month in zip(draw.choice(world.region.max() + 1, 4, replace=False), (5, 11, 17, 22), strict=True):
        world.intensity[month, world.region == region] = 0.0
    return world


def law_change(draw: Draw) -> World:
    """From the fifteenth month on, half of product C is counted as D in two of the ten regions."""
    world = country(draw)
    here = np.isin(world.region, (3, 7))[None, :, None] & (world.time >= 14)
    gone = np.where(here & world.of("C"), 0.5 * world.intensity, 0.0)
    into = gone.sum(axis=2, keepdims=True) * world.of("D")
    world.intensity = world.intensity - gone + into
    return world


def winter_peaks(draw: Draw) -> World:
    """Three years of history; two products have a winter peak, each year another height and another first month: on
    average half as many clients again, for three months."""
    world = country(draw, months=36)
    peak = np.ones(len(world.time))
    for year in range(len(peak) // YEAR):
        first, height = int(draw.integers(0, 3)), float(np.exp(draw.normal(np.log(0.5), 0.5)))
        peak[year * YEAR + first : year * YEAR + first + 3] += height * np.array([0.6, 1.0, 0.6])
    world.intensity = world.intensity * np.where(world.of("AE"), peak[:, None, None], 1.0)
    return world


UNTUNED = (
    part_of_a_year, local_season, bad_months, uneven_registration, lost_regions, law_change, winter_peaks,
)  # fmt: skip
