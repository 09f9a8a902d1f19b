"""Generated countries in which clients come to be counted in another place; one function each, as in ``scenarios``."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.demand.worlds import World, country

Draw = np.random.Generator


def merged_postcodes(draw: Draw) -> World:
    """After the twelfth month ten areas are counted under their neighbour."""
    world = country(draw)
    gone = draw.choice(np.arange(0, len(world.people), 2), 10, replace=False)
    world.intensity[12:, gone + 1] += world.intensity[12:, gone]
    world.intensity[12:, gone] = 0.0
    return world


def late_merger(draw: Draw) -> World:
    """In the last five months fifteen areas are counted under their neighbour."""
    world = country(draw)
    gone = draw.choice(np.arange(0, len(world.people), 2), 15, replace=False)
    world.intensity[19:, gone + 1] += world.intensity[19:, gone]
    world.intensity[19:, gone] = 0.0
    return world


def gemeenten_merge(draw: Draw) -> World:
    """Eight gemeenten merge with their neighbour in the thirteenth month: for half a year 40% of the clients of both
    are registered at the town hall, and from then on one of the areas of each pair is counted under another."""
    world = country(draw)
    for town in draw.choice(world.region.max() + 1, 8, replace=False) * 10 + draw.integers(0, 4, 8) * 2:
        areas = np.arange(town * 8, town * 8 + 16)
        late = 0.4 * world.intensity[12:18, areas]
        world.intensity[12:18, areas] -= late
        world.intensity[12:18, areas[0]] += late.sum(axis=1)
        gone, under = areas[-1], areas[-2]
        world.intensity[12:, under] += world.intensity[12:, gone]
        world.intensity[12:, gone] = 0.0
    return world
