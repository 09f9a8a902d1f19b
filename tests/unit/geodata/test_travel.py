"""Ways between areas: a detour that can be computed by hand, then the rules of a distance, then the real country."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from geopandas import GeoDataFrame
from shapely import Polygon

from geodata import Boundaries, GeodataError, adjacency, network_distance_km, straight_distance_km
from geodata.travel import crossings_on_way, largest_detours

Toy = Callable[..., GeoDataFrame]


def with_points(areas: GeoDataFrame) -> GeoDataFrame:
    centre = areas.geometry.centroid
    return areas.assign(x_m=centre.x, y_m=centre.y)


def edges_of(areas: GeoDataFrame, *bridges: tuple[str, str]) -> pd.DataFrame:
    rows = [{"a": a, "b": b, "border_m": 0.0, "kind": "bridge", "reason": "drawn"} for a, b in bridges]
    return pd.concat([adjacency.shared_borders(areas), pd.DataFrame(rows)], ignore_index=True)


@pytest.fixture
def fjord(toy: Toy) -> GeoDataFrame:
    """Two arms with 2 km of water between them, joined in the west by 1001; squares of a kilometre, 1001 is 4 high.

    1001 1002 1003 1004      the points inside lie at x = 0.5, 1.5, 2.5, 3.5 and y = 3.5
    1001   ~    ~    ~
    1001   ~    ~    ~
    1001 1005 1006 1007      and y = 0.5; that of 1001 at (0.5, 2)
    """
    return with_points(
        toy(
            p1001=Polygon([(0, 0), (1, 0), (1, 1), (1, 3), (1, 4), (0, 4)]),
            **{f"p100{2 + x}": (1 + x, 3, 2 + x, 4) for x in range(3)},
            **{f"p100{5 + x}": (1 + x, 0, 2 + x, 1) for x in range(3)},
        )
    )


def test_the_way_goes_round_the_water_from_border_to_border(fjord: GeoDataFrame) -> None:
    """1004 to 1007: 3.5 - 1 = 2.5 km along the arm to the border with 1001 at (1, 3.5), down 3 km to (1, 0.5), back."""
    found = network_distance_km(fjord, edges_of(fjord), ["1004", "1001"])
    by_code = dict(zip(fjord["pc4"], found[0], strict=True))
    assert by_code["1004"] == 0
    assert by_code["1003"] == pytest.approx(1.0)
    assert by_code["1007"] == pytest.approx(2.5 + 3.0 + 2.5)
    assert by_code["1001"] == pytest.approx(2.5 + np.hypot(0.5, 1.5))  # from (1, 3.5) to (0.5, 2)
    assert found[1, 3] == pytest.approx(by_code["1001"])
    assert straight_distance_km(fjord, ["1004"])[0, 6] == pytest.approx(3.0)


def test_a_bridge_over_the_water_shortens_it(fjord: GeoDataFrame) -> None:
    """From the point inside 1004 to its corner on the shore, 2 km over the bridge, and from the corner below on."""
    found = network_distance_km(fjord, edges_of(fjord, ("1004", "1007")), ["1004"])
    assert found[0, 6] == pytest.approx(2.0 + 2 * np.hypot(0.5, 0.5))
    assert found[0, 5] < network_distance_km(fjord, edges_of(fjord), ["1004"])[0, 5]


def test_a_bridge_of_two_kilometres_saves_a_detour_of_forty(toy: Toy) -> None:
    """Two shores of 20 km, joined by 1003 at the far end; people live at the near one, where each has a head of land.

    From (0.5, 0.5) to (3.5, 0.5) is 3 km as the crow flies. Round the water it is up to the middle of 1003's border
    at (0.4, 20), 3.2 km across, and down again. The bridge leads from head to head, 2 km, from and to a corner of each.
    """
    west = Polygon([(0, 0), (1, 0), (1, 1), (0.8, 1), (0.8, 20), (0, 20)])
    east = Polygon([(3, 0), (4, 0), (4, 20), (3.2, 20), (3.2, 1), (3, 1)])
    end = Polygon([(0, 20), (0.8, 20), (3.2, 20), (4, 20), (4, 21), (0, 21)])
    areas = toy(p1001=west, p1002=east, p1003=end)
    areas = areas.assign(x_m=[150_500.0, 153_500.0, 152_000.0], y_m=[450_500.0, 450_500.0, 470_500.0])
    way = network_distance_km(areas, edges_of(areas), ["1001"])[0, 1]
    over = network_distance_km(areas, edges_of(areas, ("1001", "1002")), ["1001"])[0, 1]
    assert straight_distance_km(areas, ["1001"])[0, 1] == pytest.approx(3.0)
    assert way == pytest.approx(2 * np.hypot(0.1, 19.5) + 3.2)
    assert over == pytest.approx(2.0 + 2 * np.hypot(0.5, 0.5))


def test_a_crossing_is_as_long_as_its_list_says(toy: Toy, tmp_path: Path) -> None:
    """Ellewoutsdijk (4437) - Terneuzen (4542), 4 km apart here: the tunnel of 6.6 km and the way to its two ends."""
    areas = with_points(toy(p4437=(0, 5, 1, 6), p4542=(0, 0, 1, 1)))
    bridges = adjacency.listed_bridges(areas["pc4"])
    assert network_distance_km(areas, bridges, ["4437"])[0, 1] == pytest.approx(0.5 + 6.6 + 0.5, abs=0.5)
    listed = tmp_path / "bridges.csv"
    listed.write_text("pc4_a,pc4_b,kind,reason,km\n4437,4542,tunnel,x,long\n")
    with pytest.raises(GeodataError, match=r"bridges.csv has a length \(km\) that is no number above 0"):
        adjacency.listed_crossings_km(bridges, listed)


def test_a_main_road_serves_travel_and_makes_no_neighbours(toy: Toy) -> None:
    """Zierikzee (4301) and Colijnsplaat (4486), 1 km apart here, where the Zeelandbrug is 5 km."""
    areas = with_points(toy(p4301=(0, 2, 1, 3), p4486=(0, 0, 1, 1)))
    none = adjacency.shared_borders(areas)
    assert none.empty
    assert network_distance_km(areas, none, ["4301"])[0, 1] == pytest.approx(0.5 + 5.0 + 0.5, abs=0.5)


def test_what_cannot_be_reached_is_infinitely_far_and_what_is_unknown_is_refused(toy: Toy) -> None:
    areas = with_points(toy(p1001=(0, 0, 1, 1), p1002=(3, 0, 4, 1)))
    found = network_distance_km(areas, adjacency.shared_borders(areas), ["1002", "1001", "1002"])
    assert found.tolist() == [[np.inf, 0.0], [0.0, np.inf], [np.inf, 0.0]]
    with pytest.raises(GeodataError, match="There is no area 9999"):
        network_distance_km(areas, adjacency.shared_borders(areas), ["9999"])


@pytest.mark.heavy
def test_it_is_a_distance_on_the_real_country(embedded: Boundaries) -> None:
    """0 to itself, the same both ways, no shorter by a third area, never below the straight line, all reachable."""
    areas = embedded.areas
    codes = list(areas["pc4"].iloc[::101])
    at = areas.index[::101]
    found = network_distance_km(areas, embedded.edges, codes)
    assert np.isfinite(found).all()
    among = found[:, at]
    assert (np.diag(among) == 0).all()
    assert among == pytest.approx(among.T, abs=1e-6)
    assert (found >= straight_distance_km(areas, codes) - 1e-9).all()
    for middle in range(len(codes)):
        assert (among <= among[:, [middle]] + among[[middle], :] + 1e-6).all()


@pytest.mark.heavy
def test_the_crossings_on_a_way_are_named(fjord: GeoDataFrame, embedded: Boundaries) -> None:
    """From Oost-Terschelling to Hollum one goes by the mainland: two ferries and, over land, no bridge of the lists."""
    assert crossings_on_way(fjord, edges_of(fjord), "1004", "1007") == []
    bridge = edges_of(fjord, ("1004", "1007"))
    assert crossings_on_way(fjord, bridge, "1004", "1007") == ["drawn"]
    assert crossings_on_way(fjord, bridge, "1007", "1003") == ["drawn"]
    way = crossings_on_way(embedded.areas, embedded.edges, "8897", "9161")
    assert way == ["veer: Harlingen - Terschelling", "veer: Holwerd - Ameland (Nes)"]


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("a", "b", "least_km", "most_km"),
    [
        ("4414", "4588", 45, 60),  # Waarde - Walsoorden, 6 km over the Westerschelde: round by the tunnel
        ("4381", "4511", 5, 12),  # Vlissingen - Breskens: the ferry
        ("1779", "8752", 20, 35),  # Den Oever - Kornwerderzand: the Afsluitdijk
        ("8881", "9161", 80, 110),  # Terschelling - Ameland, 20 km apart: by two ferries
        ("1362", "1399", 2, 6),  # Almere Poort - Muiderberg: the Hollandse Brug
        ("4251", "4926", 10, 40),  # Werkendam - Lage Zwaluwe, over the Biesbosch: no way through
    ],
)
def test_known_ways_of_the_country(embedded: Boundaries, a: str, b: str, least_km: float, most_km: float) -> None:
    column = int(np.flatnonzero(embedded.areas["pc4"] == b)[0])
    assert least_km < network_distance_km(embedded.areas, embedded.edges, [a])[0, column] < most_km


@pytest.mark.heavy
def test_two_hundred_offices_over_the_country_are_one_table(embedded: Boundaries) -> None:
    codes = list(embedded.areas["pc4"].sample(200, random_state=1))
    table = network_distance_km(embedded.areas, embedded.edges, codes)
    assert table.shape == (200, 4044)
    assert np.isfinite(table).all()


def test_the_largest_detours_are_listed_once_each(fjord: GeoDataFrame) -> None:
    found = largest_detours(fjord, edges_of(fjord), count=5, least_km=2.5, apart_km=1.5)
    assert found[["a", "b"]].iloc[0].tolist() == ["1004", "1007"]
    assert found["ratio"].iloc[0] == pytest.approx(8.0 / 3.0)
    assert found["ratio"].is_monotonic_decreasing
    assert not found.duplicated(["a", "b"]).any()
