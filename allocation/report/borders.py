"""The borders that maps draw: those of the areas, simplified, as arcs. Made once per edition of the boundaries.

Belongs here: making, keeping and reading them. Does not belong here: the arcs themselves (``topology``), what is drawn
with them (``map``).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np

from allocation import storage
from allocation.report.topology import Topology, build
from allocation.runs import run_files

TOLERANCE_M = 100.0


def keep_borders(run_folder: Path, cache: Path, fingerprint: str) -> None:
    """Put the borders of an edition into the folder of a run that has its areas; from ``cache`` where they lie there.

    ``fingerprint``: of the edition, so that another one never gets them.
    """
    kept = cache / f"borders-{fingerprint[:12]}"
    if not run_files.BORDERS.exists(kept):
        run_files.BORDERS.write(kept, _made(run_folder).to_arrays())
    shutil.copyfile(run_files.BORDERS.fetched(kept), run_files.BORDERS.path(run_folder))
    storage.send(run_files.BORDERS.path(run_folder))


def borders(run_folder: Path) -> Topology:
    """The borders of the areas of a run, in the order of their pc4; made anew for a run that does not have them."""
    if run_files.BORDERS.exists(run_folder):
        return Topology.of_arrays(run_files.BORDERS.read(run_folder))
    return _made(run_folder)


def _made(run_folder: Path) -> Topology:
    import geodata

    areas = gpd.read_parquet(run_files.AREAS.fetched(run_folder), columns=["pc4", "geometry"])
    areas = areas.sort_values("pc4", ignore_index=True)
    return build(np.asarray(geodata.simplify(areas, TOLERANCE_M)))
