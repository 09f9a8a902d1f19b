"""A disk that is full while the GeoPackage is written: the plain error of the system, whatever GDAL made of it.

Plain, it is told in one sentence on the command line, and tried again by the DAG as any OSError.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from allocation.publication import files, geopackage, outcome_folder
from tests.support import faults
from tests.support.outcomes import Country, write_outcome

MEGABYTE = 1 << 20
HOLDS = {"version": 1, "valid_from": None, "valid_to": None}


@pytest.fixture(scope="module")
def proposal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("full")
    outcome = outcome_folder.read_outcome(write_outcome(place / "outcome", Country()))
    return files.write_proposal(place, 1, outcome)


@pytest.mark.skipif(os.geteuid() != 0, reason="a disk of one megabyte can only be mounted by root")
@pytest.mark.parametrize("room_kb", [0, 50, 120])
def test_a_full_disk_is_told_as_it_is(proposal: Path, room_kb: int) -> None:
    """Without room GDAL cannot make its tables; with some it finds a table gone, or a row refused."""
    with faults.small_disk(1) as disk:
        (disk / "filler").write_bytes(bytes(MEGABYTE - room_kb * 1024))
        with pytest.raises(OSError, match="No space left on device") as full:
            geopackage.write_geopackage(disk, proposal, HOLDS)
        assert (full.value.errno, full.value.filename) == (errno.ENOSPC, str(disk))
        (disk / "filler").unlink()
        (disk / "areas.gpkg").unlink(missing_ok=True)
        assert geopackage.write_geopackage(disk, proposal, HOLDS)["file"] == "areas.gpkg"
