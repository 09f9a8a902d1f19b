"""Postcodes without a surface of their own, in a country of 20 x 20 squares with one or two of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas import GeoDataFrame

from geodata import Boundaries, Edition, GeodataError, boundaries
from geodata.layer import SourceLayer

EDITION = Edition("test", 2020, "none", "drawn", "0", "2026-01-01T00:00:00+00:00")
EAST, NORTH = 136_000, 455_000


def country(broken: dict[str, Any], inhabitants: int = 2555) -> GeoDataFrame:
    """400 squares of 1 km, 3001 to 3400 row by row with 100 people each, and ``broken``: pc4 -> geometry in metres."""
    column, row = np.meshgrid(np.arange(20), np.arange(20))
    x, y = EAST + 1000 * column.ravel(), NORTH + 1000 * row.ravel()
    squares = [*shapely.box(x, y, x + 1000, y + 1000), *broken.values()]
    codes = [*(str(3001 + number) for number in range(400)), *broken]
    people = [100] * 400 + [inhabitants] * len(broken)
    frame = {"pc4": codes, "gemeente_code": "0344", "gemeente_name": "Utrecht", "inhabitants": people}
    return GeoDataFrame(frame, geometry=squares, crs=28992)


def built(broken: dict[str, Any]) -> Boundaries:
    return boundaries.build(SourceLayer(areas=country(broken), edition=EDITION))


def square(x: float, y: float, side: float) -> shapely.Polygon:
    return shapely.box(EAST + x, NORTH + y, EAST + x + side, NORTH + y + side)


FLAT = shapely.Polygon([(EAST + 2500, NORTH + 500)] * 4)


@pytest.mark.parametrize(
    ("shape", "follows", "detail"),
    [
        (square(2500, 500, 2.5), "3003", "6.2 m², onder een ander gebied"),
        (square(2200, 200, 700), "3003", "490000.0 m², onder een ander gebied"),
        (square(2999, 500, 2.5), "3004", "6.2 m², onder een ander gebied"),  # 1 m in 3003, 1.5 m in 3004
        (square(2500, -0.8, 0.8), "3003", "0.6 m², tegen een ander gebied aan"),
        (square(2500, -50.8, 0.8), "3003", "0.6 m², 50 m van het naaste gebied"),
        (FLAT, "3003", "0.0 m², tegen een ander gebied aan"),
        (shapely.Polygon(), "3400", "geen vlak"),
        (None, "3400", "geen vlak"),
    ],
)
def test_it_follows_the_area_that_covers_or_touches_it_and_its_people_count_there(
    shape: Any, follows: str, detail: str
) -> None:
    """3401 is broken. Without any geometry it follows the nearest number, 3400, as a PO box does."""
    found = built({"3401": shape})
    assert len(found.areas) == 400
    assert found.follows.to_dict("records") == [{"pc4": "3401", "follows": follows}]
    people = found.areas.set_index("pc4")["inhabitants"]
    assert people[follows] == 2655
    assert people.sum() == 400 * 100 + 2555
    listed = found.repairs[found.repairs["class"] == "zonder_eigen_vlak"]
    assert listed[["pc4", "detail", "action"]].to_numpy().tolist() == [
        ["3401", f"{detail}; 2555 inwoners", f"volgt {follows}, inwoners daar bijgeteld"]
    ]


def test_the_rest_of_the_country_is_as_without_it() -> None:
    whole, found = built({}), built({"3401": square(2500, 500, 2.5), "3402": square(7000, 7000, 1000)})
    assert whole.follows.empty
    pd.testing.assert_frame_equal(found.edges, whole.edges)
    assert shapely.equals(found.areas.geometry.to_numpy(), whole.areas.geometry.to_numpy()).all()


def test_more_than_half_a_percent_is_refused_and_all_are_named() -> None:
    """Two of 402 are 0.4975%, three of 403 are 0.744%."""
    specks = {
        str(3401 + number): square(1000 * (number % 20) + 500, 1000 * (number // 20) + 500, 2.5) for number in range(30)
    }
    assert len(built(dict(list(specks.items())[:2])).follows) == 2
    with pytest.raises(
        GeodataError, match=r"3 of 403 areas have no surface .* up to 0.5% is repaired: 3401, 3402, 3403\."
    ):
        built(dict(list(specks.items())[:3]))
    with pytest.raises(GeodataError, match=r"3419, 3420 \(\+10 more\)"):
        built(specks)


def test_an_area_wholly_under_another_in_a_small_file_is_refused() -> None:
    with pytest.raises(GeodataError, match=r"1 of 2 areas have no surface .* wholly under other areas.*: 3512"):
        boundaries.build(
            SourceLayer(
                areas=country({})
                .iloc[[0, 1]]
                .assign(pc4=["3511", "3512"], geometry=[square(0, 0, 3000), square(1000, 1000, 1000)]),
                edition=EDITION,
            )
        )
