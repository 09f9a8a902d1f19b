"""The borders of an edition, made once."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
from shapely.geometry import box

from allocation.report.borders import borders, keep_borders
from allocation.runs import run_files


def run_with(folder: Path, *widths_m: int) -> Path:
    """The folder of a run with areas side by side, each so wide and 1 km high, the last one first."""
    edges = np.cumsum([0, *widths_m])
    shapes = [box(int(a), 0, int(b), 1000) for a, b in pairwise(edges)]
    frame = gpd.GeoDataFrame({"pc4": [str(1000 + i) for i in range(len(shapes))]}, geometry=shapes, crs=28992)
    path = run_files.AREAS.path(folder)
    path.parent.mkdir(parents=True)
    frame.iloc[::-1].to_parquet(path, index=False)
    return folder


def test_borders_are_made_once_per_edition(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    one, other = run_with(tmp_path / "one", 1000, 3000), run_with(tmp_path / "other", 2000, 2000, 500)
    keep_borders(one, cache, "a" * 64)
    keep_borders(other, cache, "b" * 64)
    assert [len(borders(folder).rings) for folder in (one, other)] == [2, 3]

    again = run_with(tmp_path / "again", 1000, 3000)
    run_files.AREAS.path(again).unlink()  # not asked any more: they lie in the cache
    keep_borders(again, cache, "a" * 64)
    assert borders(again).rings == borders(one).rings
    assert sorted(path.name for path in cache.iterdir()) == ["borders-aaaaaaaaaaaa", "borders-bbbbbbbbbbbb"]


def test_a_run_of_before_they_were_kept_has_them_made(tmp_path: Path) -> None:
    """Two areas: three arcs, of which one is between the first area and the second."""
    made = borders(run_with(tmp_path / "run", 1000, 3000))
    assert len(made.arcs) == 3
    assert [0, 1] in [sorted(sides) for sides in made.sides.tolist()]
