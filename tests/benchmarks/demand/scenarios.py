"""What happens in each generated country. One function a scenario: a generator of random numbers -> ``World``.

``BREAKS`` are those that change in the last months of the history: no forecast can follow them, and the estimate is
only asked to say that it suspects a break. Those of ``untuned`` came after the estimate, and it was not
changed for them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from tests.benchmarks.demand import mergers, untuned
from tests.benchmarks.demand.worlds import YEAR, World, between, country, random_walk

Draw = np.random.Generator


def stationary(draw: Draw) -> World:
    return country(draw)


def one_year(draw: Draw) -> World:
    """Only 12 months of history."""
    return country(draw, months=12)


def dip(draw: Draw) -> World:
    """All products 40% lower in months 4 to 8."""
    world = country(draw)
    world.intensity = world.intensity * np.where(between(world, 3, 8), 0.6, 1.0)
    return world


def pilot(draw: Draw) -> World:
    """One product two and a half times as high for half a year."""
    world = country(draw)
    world.intensity = world.intensity * np.where(between(world, 12, 18) & world.of("F"), 2.5, 1.0)
    return world


def step(draw: Draw) -> World:
    """One product 20% higher from the tenth month on, another 20% lower from the fifteenth."""
    world = country(draw)
    up, down = between(world, 9, 999) & world.of("B"), between(world, 14, 999) & world.of("D")
    world.intensity = world.intensity * np.where(up, 1.2, 1.0) * np.where(down, 0.8, 1.0)
    return world


def trend_of_small_product(draw: Draw) -> World:
    """Two small products grow by 5% a year, over three years of history."""
    world = country(draw, months=36)
    world.intensity = world.intensity * np.where(world.of("FH"), 1.05 ** (world.time / YEAR), 1.0)
    return world


def growth_of_all(draw: Draw) -> World:
    """Everything grows by 6% a year."""
    world = country(draw)
    world.intensity = world.intensity * 1.06 ** (world.time / YEAR)
    return world


def region_drift(draw: Draw) -> World:
    """Regions drift, 8% a year."""
    world = country(draw)
    world.intensity = world.intensity * random_walk(world, 0.08, "region")
    return world


def area_drift(draw: Draw) -> World:
    """Areas drift, 15% a year."""
    world = country(draw)
    world.intensity = world.intensity * random_walk(world, 0.15, "area")
    return world


def bursts(draw: Draw) -> World:
    """Clients come in bursts: the counts of an area, product and month are negative binomial."""
    world = country(draw)
    world.burst_variance = 4.0
    return world


def new_housing(draw: Draw) -> World:
    """In 5% of the areas clients grow to two or three times as many over a year and a half, from any month on."""
    world = country(draw)
    chosen = draw.choice(len(world.people), len(world.people) // 20, replace=False)
    start, grows = draw.uniform(0, 24, len(chosen)), draw.uniform(1.0, 2.0, len(chosen))
    progress = np.clip((world.time[:, :, 0] - start) / 18, 0, 1)
    world.intensity[:, chosen] *= (1 + grows * progress)[:, :, None]
    return world


def common_shock(draw: Draw) -> World:
    """All products and areas together, 6% up or down, another draw each year."""
    world = country(draw)
    years = np.exp(draw.normal(0, 0.06, len(world.time) // YEAR + 1))
    world.intensity = world.intensity * years[np.arange(len(world.time)) // YEAR][:, None, None]
    return world


def mild_shock_and_drift(draw: Draw) -> World:
    """3% shock a year; regions drift 3% and areas 6% a year."""
    world = country(draw)
    years = np.exp(draw.normal(0, 0.03, len(world.time) // YEAR + 1))
    world.intensity = world.intensity * years[np.arange(len(world.time)) // YEAR][:, None, None]
    world.intensity = world.intensity * random_walk(world, 0.03, "region") * random_walk(world, 0.06, "area")
    return world


def five_years(draw: Draw) -> World:
    """60 months of history in which regions drift 4%, areas 10% and area x product 8% a year."""
    world = country(draw, months=60)
    cells = draw.normal(0, 0.08 / YEAR**0.5, world.intensity.shape)
    world.intensity = world.intensity * np.exp(np.cumsum(cells, axis=0))
    world.intensity = world.intensity * random_walk(world, 0.04, "region") * random_walk(world, 0.10, "area")
    return world


def registration_change(draw: Draw) -> World:
    """From the thirteenth month on one region no longer tells the lines apart."""
    world = country(draw)

    def recode(frame: pd.DataFrame) -> pd.DataFrame:
        changed = (frame["region"] == 3) & (frame["number"] >= 12)
        frame["client_line"] = frame["client_line"].mask(changed, "alle")
        keys = [name for name in frame.columns if name != "clients"]
        return frame.groupby(keys)["clients"].sum().reset_index()

    world.recode = recode
    return world


def opposite_lines(draw: Draw) -> World:
    """Vangnet grows by 20% a year, werkgever shrinks as much."""
    world = country(draw)
    sign = world.series["client_line"].map({"vangnet": 1.0, "werkgever": -1.0, "alle": 0.0}).to_numpy()
    world.intensity = world.intensity * np.exp(0.18 * sign * (world.time - 12) / YEAR)
    return world


def institutions(draw: Draw) -> World:
    """Ten areas with hardly any inhabitants and ten ordinary ones have 60 clients a year of two products on top."""
    world = country(draw)
    chosen = draw.choice(len(world.people), 20, replace=False)
    small = chosen[:10]
    shrunk = draw.uniform(5, 60, 10).round()
    world.intensity[:, small] *= (shrunk / world.people[small])[:, None]
    world.people[small] = shrunk
    extra = np.where(world.of("BE"), 60 / YEAR / np.array([world.of("B").sum(), world.of("E").sum()]).mean(), 0.0)
    world.intensity[:, chosen] += extra
    return world


def new_product(draw: Draw) -> World:
    """One product starts in the sixteenth month of 24."""
    world = country(draw)
    world.intensity = world.intensity * np.where(between(world, 0, 15) & world.of("G"), 0.0, 1.0)
    return world


def ended_product(draw: Draw) -> World:
    """One product ends after the eighteenth month of 24."""
    world = country(draw)
    world.intensity = world.intensity * np.where(between(world, 18, 999) & world.of("G"), 0.0, 1.0)
    return world


def lag(draw: Draw) -> World:
    """Of the last two months 85% and 50% are registered; nobody says so."""
    world = country(draw)
    world.intensity = world.intensity * np.where(world.time == 22, 0.85, np.where(world.time == 23, 0.5, 1.0))
    return world


def declared_lag(draw: Draw) -> World:
    """The same; planners declare both months incomplete."""
    world = lag(draw)
    world.exceptional = (22, 23)
    return world


def lost_month(draw: Draw) -> World:
    """The seventeenth month was not delivered."""
    world = country(draw)
    world.is_lost = (16,)
    return world


def small_regions(draw: Draw) -> World:
    """35 regions; the smallest product has 50 clients a year in the whole country."""
    world = country(draw, regions=35)
    rare = world.of("H")
    world.intensity[:, :, rare] *= 50 * (world.months / YEAR + 1) / world.intensity[:, :, rare].sum()
    return world


def long_season(draw: Draw) -> World:
    """30 months of history and a season twice as deep."""
    world = country(draw, months=30)
    mean = world.intensity.mean(axis=0)
    world.intensity = mean * (world.intensity / np.where(mean > 0, mean, 1.0)) ** 2
    return world


def break_at_the_end(draw: Draw) -> World:
    """All products 25% higher from the last three months on."""
    world = country(draw)
    world.intensity = world.intensity * np.where(between(world, 21, 999), 1.25, 1.0)
    return world


def backlog(draw: Draw) -> World:
    """In two regions only half of the clients are registered in four months of the second year; the others in the four
    months after these."""
    world = country(draw)
    here = np.isin(world.region, (1, 6))[None, :, None]
    behind, after = between(world, 13, 17) & here, between(world, 17, 21) & here
    late = np.where(behind, 0.5, 0.0) * world.intensity
    world.intensity = world.intensity - late
    world.intensity += np.where(after, np.roll(late, 4, axis=0), 0.0)
    return world


def substitution(draw: Draw) -> World:
    """Clients of product A come to be counted as product B, each region at its own pace of 0 to 30% a year."""
    world = country(draw)
    pace = draw.uniform(0.0, 0.3, world.region.max() + 1)[world.region][None, :, None]
    left = np.exp(-pace * world.time / YEAR)
    gone = np.where(world.of("A"), world.intensity * (1 - left), 0.0)
    into = gone.sum(axis=2, keepdims=True) * world.of("B") / world.of("B").sum()
    world.intensity = world.intensity - gone + into
    return world


def towns_drift(draw: Draw) -> World:
    """Gemeenten drift, 12% a year: whole teams move against their region."""
    world = country(draw)
    towns = np.arange(len(world.people)) // 8
    steps = draw.normal(0, 0.12 / YEAR**0.5, (len(world.time), towns.max() + 1))
    world.intensity = world.intensity * np.exp(np.cumsum(steps, axis=0))[:, towns, None]
    return world


def one_region_grows(draw: Draw) -> World:
    """One region grows by 15% a year, the others stay as they are."""
    world = country(draw)
    here = (world.region == 4)[None, :, None]
    world.intensity = world.intensity * np.where(here, 1.15 ** (world.time / YEAR), 1.0)
    return world


def local_trends(draw: Draw) -> World:
    """Every product drifts in every region by itself, 10% a year."""
    world = country(draw)
    products = pd.factorize(world.series["product"])[0]
    size = (len(world.time), world.region.max() + 1, products.max() + 1)
    walk = np.exp(np.cumsum(draw.normal(0, 0.1 / YEAR**0.5, size), axis=0))
    world.intensity = world.intensity * walk[:, world.region][:, :, products]
    return world


def strike(draw: Draw) -> World:
    """In one region half of the clients stay away for five months, which end three months before the history does."""
    world = country(draw)
    here = (world.region == 2)[None, :, None]
    world.intensity = world.intensity * np.where(between(world, 16, 21) & here, 0.5, 1.0)
    return world


def regime(draw: Draw) -> World:
    """Five years of history; half way every product, every region and every area gets another level."""
    world = country(draw, months=60)
    products = pd.factorize(world.series["product"])[0]
    factor = draw.normal(0, 0.15, products.max() + 1)[products] + draw.normal(0, 0.2, (len(world.people), 1))
    factor = np.exp(factor + draw.normal(0, 0.08, (world.region.max() + 1, 1))[world.region])
    world.intensity = world.intensity * np.where(between(world, 30, 999), factor, 1.0)
    return world


def lag_and_growth(draw: Draw) -> World:
    """Everything grows by 5% a year, and of the last two months 80% and 45% are registered."""
    world = growth_of_all(draw)
    world.intensity = world.intensity * np.where(world.time == 22, 0.8, np.where(world.time == 23, 0.45, 1.0))
    return world


def reclassified(draw: Draw) -> World:
    """From the fourteenth month on a third of product B is counted as C, in every region."""
    world = country(draw)
    gone = np.where(between(world, 13, 999) & world.of("B"), world.intensity / 3, 0.0)
    into = gone.sum(axis=2, keepdims=True) * world.of("C") / world.of("C").sum()
    world.intensity = world.intensity - gone + into
    return world


def few_clients(draw: Draw) -> World:
    """A tenth of the clients: about eight a year in an area."""
    world = country(draw)
    world.intensity = world.intensity * 0.1
    return world


def heavy_tails(draw: Draw) -> World:
    """Needs of areas and cells with a heavy tail (t with 2.5 degrees of freedom, in the log)."""
    world = country(draw)
    need = 0.25 * draw.standard_t(2.5, (len(world.people), 1)) + 0.15 * draw.standard_t(2.5, world.intensity.shape[1:])
    world.intensity = world.intensity * np.exp(np.clip(need, -2.5, 2.5))
    return world


def factories(draw: Draw) -> World:
    """Forty times in three years a factory closes: 15 areas in a row have one and a half times as many clients of three
    products for half a year."""
    world = country(draw)
    for _ in range(40):
        first, month = int(draw.integers(0, len(world.people) - 15)), int(draw.integers(0, len(world.time) - 6))
        some = draw.choice(list("ABCDEFGH"), 3, replace=False)
        block = np.ix_(range(month, month + 6), range(first, first + 15), np.flatnonzero(world.of("".join(some))))
        world.intensity[block] *= 1.5
    return world


def cycles(draw: Draw) -> World:
    """Four years of history; every region goes up and down by 8%, once in three years, each at its own moment."""
    world = country(draw, months=48)
    phase = draw.uniform(0, 2 * np.pi, world.region.max() + 1)[world.region][None, :, None]
    world.intensity = world.intensity * np.exp(0.08 * np.sin(2 * np.pi * world.time / 36 + phase))
    return world


def quiet_then_busy(draw: Draw) -> World:
    """Five areas in a hundred get a home for asylum seekers or a prison: for seven months, anywhere in the three years,
    two products have six times as many clients there."""
    world = country(draw)
    for area in draw.choice(len(world.people), len(world.people) // 20, replace=False):
        month = int(draw.integers(0, len(world.time) - 7))
        world.intensity[np.ix_(range(month, month + 7), [area], np.flatnonzero(world.of("DF")))] *= 6.0
    return world


def growing_newcomer(draw: Draw) -> World:
    """A product starts in the fourth month, has half of its level a year later and nearly all in the planning year;
    regions drift by 4% a year."""
    world = country(draw)
    grown = 1 / (1 + np.exp(-(world.time - 15) / 4))
    start = np.where(world.time >= 3, grown, 0.0)
    world.intensity = world.intensity * np.where(world.of("F"), start, 1.0) * random_walk(world, 0.04, "region")
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


def wobbling_products(draw: Draw) -> World:
    """Three years of history; every year each product is 6% higher or lower by itself, by chance."""
    world = country(draw, months=36)
    products = pd.factorize(world.series["product"])[0]
    levels = np.exp(draw.normal(0, 0.06, (len(world.time) // YEAR, products.max() + 1)))
    world.intensity = world.intensity * levels[np.arange(len(world.time)) // YEAR][:, None, products]
    return world


SCENARIOS: dict[str, Callable[[Draw], World]] = {
    scenario.__name__.replace("_", " "): scenario
    for scenario in (
        stationary, one_year, dip, pilot, step, trend_of_small_product, growth_of_all, region_drift, area_drift, bursts,
        new_housing, common_shock, mild_shock_and_drift, five_years, registration_change, opposite_lines, institutions,
        new_product, ended_product, lag, declared_lag, lost_month, small_regions, mergers.merged_postcodes, long_season,
        break_at_the_end, backlog, substitution, towns_drift, one_region_grows, local_trends, strike, regime,
        lag_and_growth, reclassified, few_clients, heavy_tails, factories,
        untuned.part_of_a_year, untuned.local_season, untuned.bad_months, mergers.late_merger, cycles,
        untuned.uneven_registration, growing_newcomer, quiet_then_busy, untuned.lost_regions,
        untuned.law_change, winter_peaks, mergers.gemeenten_merge, untuned.late_steps, wobbling_products,
        untuned.autumn_rush, untuned.many_regions_move, untuned.agreements,
    )
}  # fmt: skip
OF_THE_COUNTRY = (
    "common shock", "mild shock and drift", "winter peaks", "wobbling products", "autumn rush", "many regions move",
    "agreements",
)  # fmt: skip
"""What happens here is one draw a year for the whole country: it takes three times as many countries."""
BREAKS = ("break at the end",)
UNTUNED = tuple(scenario.__name__.replace("_", " ") for scenario in untuned.UNTUNED)
