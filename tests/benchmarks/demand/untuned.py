"""Generated countries that came after the estimate: what it does there was measured, and it was not changed for them.

One function a scenario: a generator of random numbers -> ``World``. Belongs here: a scenario as long as nothing in
``allocation.demand`` was chosen by looking at its score. Once something is, it moves to ``scenarios``.
"""

from __future__ import annotations

import numpy as np

from tests.benchmarks.demand.worlds import YEAR, World, country, random_walk

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


def late_steps(draw: Draw) -> World:
    """In the last five months of the history two regions have 15% more clients, and they keep them."""
    world = country(draw)
    here = np.isin(world.region, draw.choice(world.region.max() + 1, 2, replace=False))[None, :, None]
    world.intensity = world.intensity * np.where(here & (world.time >= world.months - 5), 1.15, 1.0)
    return world


def agreements(draw: Draw) -> World:
    """Four years of history; every product gets another level every 18 months, 7% up or down, at its own moment."""
    world = country(draw, months=48)
    products = np.unique(world.series["product"], return_inverse=True)[1]
    number = products.max() + 1
    since = (np.arange(len(world.time))[:, None] + draw.integers(0, 18, number)) // 18
    levels = np.exp(draw.normal(0, 0.07, (since.max() + 1, number)))[since, np.arange(number)]
    world.intensity = world.intensity * levels[:, None, products]
    return world


def autumn_rush(draw: Draw) -> World:
    """Four years of history; in two years of three, by chance, products B and F have twice the clients in two months of
    the autumn."""
    world = country(draw, months=48)
    rush = np.ones(len(world.time))
    for year in range(len(rush) // YEAR):
        if draw.uniform() < 2 / 3:
            first = year * YEAR + int(draw.integers(8, 10))
            rush[first : first + 2] = 2.0
    world.intensity = world.intensity * np.where(world.of("BF"), rush[:, None, None], 1.0)
    return world


def many_regions_move(draw: Draw) -> World:
    """1,050 areas in 35 regions, which drift by 5% a year; everything together 2% up or down each year."""
    world = country(draw, areas=1050, regions=35)
    years = np.exp(draw.normal(0, 0.02, len(world.time) // YEAR))
    world.intensity = world.intensity * years[np.arange(len(world.time)) // YEAR][:, None, None]
    world.intensity = world.intensity * random_walk(world, 0.05, "region")
    return world


UNTUNED = (
    part_of_a_year, local_season, bad_months, uneven_registration, lost_regions, law_change, late_steps,
    autumn_rush, many_regions_move, agreements,
)  # fmt: skip
