"""Whether boundaries are fit for use: the same check for a test, for a run and for the live service."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from geodata.boundaries import Boundaries
from geodata.layer import RD_NEW, in_netherlands


def problems(boundaries: Boundaries) -> list[str]:
    """What is wrong, one plain sentence each; empty when the boundaries are fit for use.

    Every area once, with a region and a gemeente, valid, without overlap; a point inside; every edge between two areas
    that exist; every region one connected graph of its own.
    """
    areas, edges = boundaries.areas, boundaries.edges
    polygons = areas.geometry.to_numpy()
    found = []
    if areas.crs is None or areas.crs.to_epsg() != RD_NEW or not in_netherlands(areas):
        found.append("The areas do not lie in the Netherlands in RD New.")
    if not areas["pc4"].is_unique or not areas["pc4"].is_monotonic_increasing:
        found.append("The postcodes are not unique and sorted.")
    if not areas["pc4"].str.fullmatch(r"[1-9]\d{3}").all():
        found.append("Not every postcode has four digits.")
    if not areas["gemeente_code"].str.fullmatch(r"\d{4}").all():
        found.append("Not every area has a gemeente.")
    if not (areas["arbeidsmarktregio_nr"] > 0).all() or areas["arbeidsmarktregio"].isna().any():
        found.append("Not every area has an arbeidsmarktregio.")
    if not areas["is_valid"].all() or not shapely.is_valid(polygons).all() or not shapely.coverage_is_valid(polygons):
        found.append("The polygons overlap, do not match, or are invalid.")
    if not shapely.contains_xy(polygons, areas["x_m"], areas["y_m"]).all():
        found.append("Not every point lies inside its area.")
    if not set(edges["a"]) | set(edges["b"]) <= set(areas["pc4"]) or not (edges["a"] < edges["b"]).all():
        found.append("An edge does not join two areas, the lower postcode first.")
        return found
    if edges.duplicated(["a", "b"]).any():
        found.append("A pair of areas has two edges.")
    return found + _unconnected(boundaries)


def _unconnected(boundaries: Boundaries) -> list[str]:
    """A sentence for each region whose own areas are not one connected graph."""
    areas, edges = boundaries.areas, boundaries.edges
    position = pd.Series(np.arange(len(areas)), index=areas["pc4"])
    a, b = position[edges["a"]].to_numpy(), position[edges["b"]].to_numpy()
    region = areas["arbeidsmarktregio_nr"].to_numpy()
    inside = region[a] == region[b]
    graph = coo_matrix((np.ones(inside.sum()), (a[inside], b[inside])), shape=(len(areas), len(areas)))
    piece = pd.Series(connected_components(graph, directed=False)[1]).groupby(areas["arbeidsmarktregio"].to_numpy())
    return [f"The areas of {name} are in {count} pieces." for name, count in piece.nunique().items() if count > 1]
