"""Where capacity is short, in cases that can be checked on paper, and what advice must never do.

The plain case: a horizon of twelve months; region 1 has 1,000 hours a year, 1,000 hours in files that wait and 1,000
that come in; region 2 has 1,400 hours, none that wait and 1,000 that come in. Projected: 12 and 0 months.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from allocation.contract.config import Advice, Config
from allocation.outcome.capacity import best_places, capacity_advice
from allocation.outcome.lending import Regions, lending
from tests.support import toy

AREAS = pd.DataFrame({"pc4": ["1001", "1002", "1003"], "arbeidsmarktregio_nr": [1, 2, 3]}).assign(
    arbeidsmarktregio=["West", "Oost", "Noord"]
)


def regions(*rows: tuple[float, float, float], km: list[list[float]] | None = None) -> Regions:
    """Rows of (queue, asked, available)."""
    queue, asked, available = np.array(rows, dtype=np.float64).T
    away = np.full((len(rows), len(rows)), 10.0) * (1 - np.eye(len(rows))) if km is None else np.array(km, dtype=float)
    return Regions(queue, asked, available, away)


PLAIN = regions((1000, 1000, 1000), (0, 1000, 1400))


def test_the_hours_that_a_waiting_time_needs() -> None:
    """Of six months: (12 x 1000 + 1000 x 12) / 18 = 1,333 hours for region 1, 12,000 / 18 = 667 for region 2. With
    those 1,333 hours 1000 + 1000 - 1333 = 667 are left, which is six months of 111."""
    assert PLAIN.needed(6.0, 12) == pytest.approx([24000 / 18, 12000 / 18])
    assert pytest.approx(6.0) == (1000 + 1000 - 24000 / 18) / (24000 / 18 / 12)


def test_lending_between_two_regions_on_paper() -> None:
    """Under nine months region 1 needs 24,000 / 21 = 1,142.86 hours: 142.86 over ten kilometres."""
    found = lending(PLAIN, 9.0, 12, most_share=0.5, most_km=50)
    assert found.flows[1, 0] == pytest.approx(24000 / 21 - 1000)
    assert found.flows[0, 1] == 0.0
    assert found.cost == pytest.approx(10 * (24000 / 21 - 1000), rel=1e-6)
    assert found.level == 9.0
    assert found.is_proven


def test_the_least_that_lending_can_reach() -> None:
    """Region 2 lends at most a tenth, 140 hours: 24,000 / (12 + x) = 1,140, so x = 9.0526, rounded up to 9.06."""
    found = lending(PLAIN, None, 12, most_share=0.1, most_km=50)
    assert found.level == pytest.approx(9.06)
    assert found.flows[1, 0] == pytest.approx(24000 / 21.06 - 1000)


def test_more_than_can_be_reached_is_told_and_the_least_is_given() -> None:
    assert lending(PLAIN, 3.0, 12, most_share=0.1, most_km=50).level == pytest.approx(9.06)


def test_too_far_is_too_far() -> None:
    found = lending(PLAIN, None, 12, most_share=0.5, most_km=5)
    assert found.flows.sum() == 0.0


def test_a_region_that_nobody_is_near_keeps_its_wait_and_lets_the_others_lend() -> None:
    """Region 3 waits 24 months, 90 km away. The others are helped as if it were not there; it lends nothing."""
    far = [[0, 10, 90], [10, 0, 90], [90, 90, 0]]
    found = lending(regions((1000, 1000, 1000), (0, 1000, 1400), (1000, 2000, 1000), km=far), None, 12, 0.1, 50)
    assert found.level == pytest.approx(9.06)
    assert found.flows[1, 0] == pytest.approx(24000 / 21.06 - 1000)
    assert found.flows[2].sum() == found.flows[:, 2].sum() == 0.0


def test_a_nearer_region_lends_first_and_hours_pass_through_only_when_that_is_cheaper() -> None:
    """Region 1 needs 142.86 hours. Region 3 lies at 4 km and may lend 100; the rest comes from region 2 at 10 km."""
    far = [[0, 10, 4], [10, 0, 20], [4, 20, 0]]
    found = lending(regions((1000, 1000, 1000), (0, 1000, 1400), (0, 500, 1000), km=far), 9.0, 12, 0.1, 50)
    assert found.flows[2, 0] == pytest.approx(100)
    assert found.flows[1, 0] == pytest.approx(24000 / 21 - 1100)


def table(*rows: tuple[int, str, int, float, float, float]) -> pd.DataFrame:
    """Rows of (region, product, priority, queue, inflow, asked)."""
    columns = ["arbeidsmarktregio_nr", "product", "priority", "queue_hours", "inflow_hours", "asked_hours"]
    made = pd.DataFrame(list(rows), columns=columns)
    return made.assign(
        district="", law_domain="zw_wia", profession="verzekeringsarts", recurring_hours=0.0, clients=1.0
    )


def supply(*rows: tuple[int, float]) -> pd.DataFrame:
    made = pd.DataFrame(list(rows), columns=["arbeidsmarktregio_nr", "available_hours"])
    return made.assign(district="", law_domain="zw_wia", profession="verzekeringsarts", fte_hours=100.0)


def offices(*km: float) -> pd.DataFrame:
    made = pd.DataFrame({"arbeidsmarktregio_nr": range(1, 1 + len(km)), "x_m": [1000 * x for x in km]})
    return made.assign(district="", law_domain="zw_wia", office_pc4="1001", y_m=0.0)


WORK = table((1, "EWT", 1, 800, 700, 1000), (1, "MON", 4, 200, 300, 300), (2, "EWT", 1, 0, 1000, 1000))
SUPPLY = supply((1, 1000.0), (2, 1400.0))


def advised(**changes: Any) -> pd.DataFrame:
    config = Config(advice=Advice(**({"fte": 3, "lending_share": 0.5} | changes)))
    return capacity_advice(WORK, SUPPLY, offices(0, 10), AREAS, config).set_index("arbeidsmarktregio_nr")


def test_the_advice_of_two_regions_on_paper() -> None:
    """Region 1: 2,000 hours asked until the horizon, 1,000 there. EWT has 1,500 of them: two thirds. One FTE is 100
    hours: 2,000 - 1,100 = 900 left, 900 / 91.67 = 9.82 months instead of 12."""
    found = advised(months=9.0)
    assert found["waiting_months"].tolist() == pytest.approx([12.0, 0.0])
    assert found["projected_waiting_months"].tolist() == pytest.approx([12.0, 0.0])
    assert found.loc[1, "fte_value_months"] == pytest.approx(12 - 900 / (1100 / 12))
    assert found["fte_placed"].tolist() == [3, 0]
    assert json.loads(found.loc[1, "reached"]) == [
        {"priority": 1, "products": ["EWT"], "part": 0.6667}, {"priority": 4, "products": ["MON"], "part": 0.0},
    ]  # fmt: skip
    assert found.loc[1, "first_priority_short"] == 1
    assert pd.isna(found.loc[2, "first_priority_short"])
    assert found["borrowed_hours"].tolist() == pytest.approx([24000 / 21 - 1000, 0.0])
    assert found["lent_hours"].tolist() == pytest.approx([0.0, 24000 / 21 - 1000])
    assert json.loads(found.loc[1, "loans"]) == [{"from_nr": 2, "district": "", "hours": 142.9, "km": 10.0}]
    assert found["waiting_after_lending_months"].tolist() == pytest.approx([9.0, 0.0])
    assert found["is_lending_proven"].all()
    assert found["arbeidsmarktregio"].tolist() == ["West", "Oost"]


def test_a_region_without_an_hour_is_told_and_gets_the_first_fte() -> None:
    config = Config(advice=Advice(fte=1))
    found = capacity_advice(WORK, supply((1, 1000.0), (2, 0.0)), offices(0, 900), AREAS, config)
    assert pd.isna(found["projected_waiting_months"].iloc[1])
    assert found["fte_placed"].tolist() == [0, 1]
    assert pd.isna(found["waiting_after_lending_months"].iloc[1])
    near = capacity_advice(WORK, supply((1, 1000.0), (2, 0.0)), offices(0, 5), AREAS, config)
    assert near["borrowed_hours"].iloc[1] == pytest.approx(100.0, rel=0.01)  # a tenth of region 1


amounts = st.floats(0, 5000)
places = st.lists(
    st.tuples(amounts, amounts, st.floats(100, 4000), st.floats(0, 60), st.floats(0, 60)), min_size=1, max_size=6
)


@example([(0.0, 0.0, 100.0, 0.0, 0.0), (0.0, 0.0, 100.0, 0.0, 0.0), (0.0, 200.0, 100.0, 0.0, 0.0)], None, 1.0, 0.0)
@given(places, st.one_of(st.none(), st.floats(0, 24)), st.floats(0, 1), st.floats(0, 80))
@settings(deadline=None, max_examples=80)
def test_lending_never_worsens_what_it_promises_to_mend(
    rows: list[tuple[float, ...]], months: float | None, share: float, most_km: float
) -> None:
    """The longest wait is never longer than before, nobody lends more than allowed or over a longer way, hours are
    neither made nor lost, and the cost is proven."""
    xy = np.array([row[3:] for row in rows])
    km = np.sqrt(((xy[:, None, :] - xy[None, :, :]) ** 2).sum(axis=2))
    given_ = regions(*(row[:3] for row in rows), km=km.tolist())  # type: ignore[arg-type]
    found = lending(given_, months, 12, share, most_km)
    after = given_.available - found.flows.sum(axis=1) + found.flows.sum(axis=0)

    def waits(hours: np.ndarray) -> np.ndarray:
        """Months; 0 where nothing is left to wait for, also of a region that has lent all its hours."""
        left = np.maximum(0, given_.queue + given_.asked - hours)
        return np.divide(left, hours / 12, out=np.zeros_like(left), where=left > 1e-6)  # hours; less is rounding

    assert after.sum() == pytest.approx(given_.available.sum())
    assert (found.flows.sum(axis=1) <= share * given_.available + 1e-4).all()
    assert found.flows[km > most_km].sum() == 0.0
    assert found.is_proven
    if np.isfinite(found.level):
        is_alone = ~((km <= most_km) & ~np.eye(len(rows), dtype=bool)).any(axis=0)
        assert (waits(after)[~is_alone] <= found.level + 1e-3).all()
        assert (waits(after)[is_alone] <= np.maximum(waits(given_.available), found.level)[is_alone] + 1e-3).all()
        assert found.level <= max(waits(given_.available).max(), months or 0.0) + 0.02
        if months is not None and waits(given_.available).max() <= months:
            assert found.flows.sum() == 0.0


@given(st.lists(st.tuples(amounts, amounts, st.floats(50, 3000)), min_size=1, max_size=4), st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_the_places_of_fte_are_the_best_for_the_longest_wait(rows: list[tuple[float, ...]], fte: int) -> None:
    """Against every way of giving them out."""
    made = pd.DataFrame(rows, columns=["queue_hours", "inflow_hours", "available_hours"]).assign(
        profession="verzekeringsarts", recurring_hours=0.0, fte_hours=100.0
    )
    config = Config(advice=Advice(fte=fte))
    placed = best_places(made, config)

    def longest(extra: Any) -> float:
        hours = made["available_hours"] + 100 * np.array(extra)
        return float((np.maximum(0, made["queue_hours"] + made["inflow_hours"] - hours) / (hours / 12)).max())

    ways = [way for way in itertools.product(range(fte + 1), repeat=len(rows)) if sum(way) <= fte]
    assert placed.sum() <= fte
    assert longest(placed) == pytest.approx(min(map(longest, ways)), abs=1e-9)


def test_the_toy_country_sums_to_its_teams(tmp_path_factory: pytest.TempPathFactory) -> None:
    """West and Oost have 312 hours of physicians asked of 2,400 each, and 78 x 6 = 468 of others of 4,800; P1 half of
    its 312 of 1,200 in each."""
    made = toy.divide(tmp_path_factory.mktemp("advice"))
    found = made.outcome["capacity_advice"].set_index(["law_domain", "profession", "arbeidsmarktregio_nr"])
    assert found.loc[("zw_wia", "verzekeringsarts", 1), ["asked_hours", "available_hours"]].tolist() == pytest.approx(
        [312, 2400]
    )
    assert found.loc[("zw_wia", "other", 2), ["asked_hours", "available_hours"]].tolist() == pytest.approx([468, 4800])
    assert found.loc[("pw", "verzekeringsarts", 1), ["asked_hours", "available_hours"]].tolist() == pytest.approx(
        [156, 600]
    )
    assert (found["fte_placed"] == 0).all()  # nobody would wait at the horizon
    assert (found["lent_hours"] == 0).all()
    divided = made.load[made.load["kind"] != "bijzonder"]
    for profession in ("verzekeringsarts", "other"):
        mine = found.xs(profession, level="profession")
        assert mine["available_hours"].sum() == pytest.approx(divided[f"capacity_hours_{profession}"].sum())
        assert mine["asked_hours"].sum() == pytest.approx(divided[f"first_year_hours_{profession}"].sum())
