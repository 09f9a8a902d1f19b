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


def late_merger(draw: Draw) -> World:
    """In the last five months fifteen areas are counted under their neighbour."""
    world = country(draw)
    gone = draw.choice(np.arange(0, len(world.people), 2), 15, replace=False)
    world.intensity[19:, gone + 1] += world.intensity[19:, gone]
    world.intensity[19:, gone] = 0.0
    return world


def uneven_registration(draw: Draw) -> World:
    """Regions register in waves: each month of each region is 15% higher or lower, by chance."""
    world = country(draw)
    waves = draw.gamma(1 / 0.15**2, 0.15**2, (len(world.time), world.region.max() + 1))
    world.intensity = world.intensity * waves[:, world.region, None]
    return world


def growing_newcomer(draw: Draw) -> World:
    """A product starts in the fourth month, has half of its level a year later and nearly all in the planning year;
    regions drift by 4% a year."""
    world = country(draw)
    grown = 1 / (1 + np.exp(-(world.time - 15) / 4))
    start = np.where(world.time >= 3, grown, 0.0)
    world.intensity = world.intensity * np.where(world.of("F"), start, 1.0) * random_walk(world, 0.04, "region")
    return world


def lost_regions(draw: Draw) -> World:
    """Four regions did not deliver one month, each another; the last but one of the history among them."""
    world = country(draw)
    for region, month in zip(draw.choice(world.region.max() + 1, 4, replace=False), (5, 11, 17, 22), strict=True):
        world.intensity[month, world.region == region] = 0.0
    return world


UNTUNED = (
    part_of_a_year, local_season, bad_months, late_merger, uneven_registration, growing_newcomer, lost_regions,
)  # fmt: skip
