"""What must hold of the demand estimate for any counts."""

from __future__ import annotations

from random import Random

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allocation.demand.expected import expected_inflow
from allocation.demand.intervals import KEY, SHARED, SMALLEST_SHAPE, team_interval
from allocation.demand.shrinkage import Cells, Fit, fit
from tests.support.examples import examples

CALM = settings(max_examples=examples(3), deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no reason to fail."""
COUNTS = st.lists(st.integers(0, 60), min_size=6, max_size=6)
PEOPLE = st.lists(st.integers(200, 20_000), min_size=6, max_size=6)
AREAS = ["1001", "1002", "1003", "1004", "2001", "2002"]
REGIONS = [1, 1, 1, 1, 2, 2]
TOWNS = ["0001", "0001", "0002", "0003", "0004", "0004"]


@st.composite
def histories(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A year of two products and two groups in six areas of two regions; at least one client."""
    people = draw(st.lists(st.one_of(st.none(), st.integers(0, 20_000)), min_size=6, max_size=6))
    areas = pd.DataFrame(
        {"pc4": AREAS, "arbeidsmarktregio_nr": REGIONS, "inhabitants": pd.array(people, dtype="Int64")}
    ).assign(gemeente_code=TOWNS)
    cell = st.tuples(
        st.integers(1, 12), st.sampled_from(AREAS), st.sampled_from("PQ"), st.sampled_from(["regulier", "klm"])
    )
    counts = draw(st.dictionaries(cell, st.integers(1, 30), min_size=1, max_size=40))
    every_month = {(month, "1001", product, "regulier"): 1 for month in range(1, 13) for product in "PQ"}
    rows = [(f"2025-{month:02d}", *rest, "alle", clients) for (month, *rest), clients in (every_month | counts).items()]
    columns = ["month", "pc4", "product", "client_group", "client_line", "clients"]
    return pd.DataFrame(rows, columns=columns), areas


SHARED_PARTS = [f"inflow_{part}" for part in SHARED]


@given(histories())
@CALM
def test_every_products_total_is_kept_and_every_number_is_sane(history: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """One whole year: per product the estimates add up to the clients that came."""
    inflow, areas = history
    found = expected_inflow(inflow, areas)
    came = inflow.groupby("product")["clients"].sum()
    expected = found.groupby("product")["inflow_clients"].sum()
    assert np.allclose(expected, came.loc[expected.index], rtol=0.15), "recent months weigh a little more"
    series = [["rate_region", "product", "client_group"]]
    region = dict(zip(AREAS, map(str, REGIONS), strict=True))
    occurs = inflow.assign(rate_region=inflow["pc4"].map(region))[series[0]].drop_duplicates()
    assert len(found[series[0]].drop_duplicates()) == len(occurs)
    assert not found.duplicated(KEY).any()
    assert np.isfinite(found["inflow_clients"]).all()
    assert (found["inflow_clients"] >= 0).all(), "0: other groups of an institution"
    shared = found[SHARED_PARTS].pow(2).sum(axis=1)
    assert (found["inflow_sd"] ** 2 >= shared + found["inflow_clients"] * (1 - 1e-9)).all()


@given(histories(), st.randoms(use_true_random=False))
@CALM
def test_order_of_rows_does_not_matter(history: tuple[pd.DataFrame, pd.DataFrame], random: Random) -> None:
    inflow, areas = history
    shuffled = [frame.sample(frac=1, random_state=random.randrange(2**32)) for frame in (inflow, areas)]
    one, other = (expected_inflow(*frames).set_index(KEY).sort_index() for frames in ((inflow, areas), shuffled))
    pd.testing.assert_frame_equal(one, other, rtol=1e-6)


@given(histories(), st.integers(2, 20))
@CALM
def test_the_unit_of_inhabitants_does_not_matter(history: tuple[pd.DataFrame, pd.DataFrame], times: int) -> None:
    """All inhabitants so many times as many: rates are lower, the estimates are the same."""
    inflow, areas = history
    areas = areas.assign(inhabitants=areas["inhabitants"].fillna(500).clip(lower=200))
    larger = areas.assign(inhabitants=areas["inhabitants"] * times)
    plain, scaled = (expected_inflow(inflow, places).set_index(KEY).sort_index() for places in (areas, larger))
    pd.testing.assert_frame_equal(plain, scaled, rtol=5e-3, atol=1e-4)


@given(histories())
@CALM
def test_a_product_without_clients_changes_nothing(history: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    inflow, areas = history
    empty = inflow.head(3).assign(product="Z", clients=0)
    plain, more = (expected_inflow(counts, areas) for counts in (inflow, pd.concat([inflow, empty])))
    assert "Z" not in set(more["product"])
    pd.testing.assert_frame_equal(plain.sort_values(KEY, ignore_index=True), more.sort_values(KEY, ignore_index=True))


@given(histories(), st.sampled_from(AREAS), st.randoms(use_true_random=False))
@CALM
def test_splitting_a_postcode_changes_no_total(
    history: tuple[pd.DataFrame, pd.DataFrame], pc4: str, random: Random
) -> None:
    """Half of the inhabitants of an area, and each of its clients by lot, to a new postcode in the same gemeente: the
    country's total per product stays to the client, as it follows from the clients of the country alone."""
    inflow, areas = history
    areas = areas.assign(inhabitants=areas["inhabitants"].fillna(500).clip(lower=200))
    mine = areas["pc4"] == pc4
    half = areas.loc[mine, "inhabitants"] // 2
    new = areas[mine].assign(pc4="9999", inhabitants=half)
    places = pd.concat([areas.assign(inhabitants=areas["inhabitants"].where(~mine, areas["inhabitants"] // 2)), new])
    of_area = inflow["pc4"] == pc4
    gone = inflow["clients"].map(lambda clients: sum(random.random() < 0.5 for _ in range(clients))).where(of_area, 0)
    moved = inflow.assign(pc4="9999", clients=gone)
    parts = pd.concat([inflow.assign(clients=inflow["clients"] - gone), moved[moved["clients"] > 0]])
    parts = parts[parts["clients"] > 0]
    whole, split = (
        expected_inflow(counts, country).groupby("product")["inflow_clients"].sum()
        for counts, country in ((inflow, areas), (parts, places))
    )
    pd.testing.assert_series_equal(whole, split, rtol=1e-9)


@given(COUNTS, PEOPLE)
@CALM
def test_estimate_lies_between_the_region_and_the_areas_own_count(clients: list[int], people: list[int]) -> None:
    """One product and one region: never beyond either of the two (by more than the fit's precision)."""
    if not sum(clients):
        clients[0] = 1
    zeros = np.zeros(6, dtype=np.int64)
    cells = Cells(
        np.array(clients, float), np.array(people, float), np.arange(6), np.arange(6), zeros, zeros, zeros, zeros
    )
    fitted = fit(cells)
    estimate, regional = fitted.estimate(cells), fitted.rate[0] * cells.exposure
    assert (estimate >= np.minimum(cells.clients, regional) * (1 - 1e-3)).all()
    assert (estimate <= np.maximum(cells.clients, regional) * (1 + 1e-3)).all()


@given(COUNTS, PEOPLE, st.floats(0.5, 200), st.floats(1.5, 20))
@CALM
def test_more_history_is_less_shrinkage(clients: list[int], people: list[int], strength: float, longer: float) -> None:
    """The same yearly counts over ``longer`` times the history: closer to the area's own count."""
    zeros = np.zeros(6, dtype=np.int64)
    fitted = Fit(np.array([0.002]), np.zeros(1), np.ones(6), np.zeros(6), 10.0, 10.0, np.array([strength]))
    long = Fit(np.array([0.002 * longer]), np.zeros(1), np.ones(6), np.zeros(6), 10.0, 10.0, np.array([strength]))
    own = np.array(clients, float)
    short_cells = Cells(own, np.array(people, float), np.arange(6), np.arange(6), zeros, zeros, zeros, zeros)
    long_cells = Cells(own * longer, np.array(people, float), np.arange(6), np.arange(6), zeros, zeros, zeros, zeros)
    off_short, off_long = (
        np.abs(fitted.estimate(short_cells) - own),
        np.abs(long.estimate(long_cells) / longer - own),
    )
    assert (off_long <= off_short * (1 + 1e-9)).all()
    assert (off_long < off_short)[off_short > 1e-6].all()


def as_hours(inflow: pd.DataFrame) -> pd.DataFrame:
    """The inflow as work of one hour a client."""
    named = inflow.rename(columns={"inflow_clients": "hours_verzekeringsarts"})
    named = named.rename(columns=lambda name: str(name).replace("inflow_", "hours_"))
    return named.assign(town=named["pc4"].map(dict(zip(AREAS, TOWNS, strict=True))))


@given(histories(), st.floats(0.05, 0.94))
@CALM
def test_interval_surrounds_the_estimate_and_grows_with_its_level(
    history: tuple[pd.DataFrame, pd.DataFrame], level: float
) -> None:
    work = as_hours(expected_inflow(*history)).assign(team_id="A")
    inner, outer = team_interval(work, level=level).loc["A"], team_interval(work, level=level + 0.05).loc["A"]
    assert 0 <= outer["hours_low"] <= inner["hours_low"] < inner["hours_high"] < outer["hours_high"]
    wide = team_interval(work, level=0.8).loc["A"]
    assert wide["hours_low"] <= work["hours_verzekeringsarts"].sum() < wide["hours_high"]


@given(histories())
@CALM
def test_two_teams_together_are_no_more_uncertain_than_the_sum_of_both(
    history: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    """Joining areas can only cancel noise: the width of the whole is at most the sum of the widths of the parts."""
    work = as_hours(expected_inflow(*history))
    work["team_id"] = np.where(work["pc4"].isin(AREAS[:3]), "A", "B")
    sums = work.groupby("team_id")[["hours_verzekeringsarts", "hours_sd"]].sum()
    if (sums["hours_sd"] ** 2 > sums["hours_verzekeringsarts"] ** 2 / SMALLEST_SHAPE).any():
        return  # hardly anything is known of a part: the width of its interval is bounded and no longer its error
    parts, whole = team_interval(work), team_interval(work.assign(team_id="AB"))
    width = [float((one["hours_high"] - one["hours_low"]).sum()) for one in (parts, whole)]
    assert width[1] <= width[0] * 1.01
