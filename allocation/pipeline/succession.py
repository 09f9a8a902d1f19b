"""Carries the division in force over to a new edition of the boundaries, without losing a client or a file.

Areas appear, vanish, get another number, and move to another gemeente or region, compared with the edition of the
division in force. A new area starts with the team of its place; counts and files of a vanished one go to the area that
lies there now. An area that moved to another region is divided there; its clients keep their team (R7).

Belongs here: which edition is in force, and following postcodes from that edition to the one of the run. Does not
belong here: comparing polygons (``geodata.editions``), or postcodes that never had an area (``inputs``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import pandas as pd

from allocation import storage
from allocation.contract.errors import Refused
from allocation.runs import run_files

if TYPE_CHECKING:
    import geopandas as gpd

    from allocation.runs.run import Run


@dataclass(frozen=True)
class Succession:
    """What became of the areas of the division in force; empty when the edition is the same or nothing is in force.

    ``changes``: change, pc4, old, new, share, as ``geodata.diff`` gives it. ``carried``: pc4 (new), from_pc4 (whose
    place in the division it takes), share. ``followed``: pc4 (gone), successor, share. ``noticed``: the changes in
    words, as rows of the repairs table.
    """

    changes: pd.DataFrame
    carried: pd.DataFrame
    followed: pd.DataFrame
    noticed: pd.DataFrame

    @classmethod
    def between(cls, old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, follows: pd.DataFrame | None = None) -> Succession:
        """From the areas of the division in force, ``old``, to those of the run.

        ``follows`` (pc4, follows): postcodes of the run's edition without a surface of their own; the area that each
        counts for is its successor.
        """
        import geodata

        changes, places = geodata.diff(old, new), geodata.carry_over(old, new)
        followed = geodata.successors(old, new)
        if follows is not None and len(follows):
            heirs = follows.rename(columns={"follows": "successor"}).assign(share=0.0)
            followed = pd.concat([followed, heirs]).drop_duplicates("pc4", keep="last").sort_values("pc4")
            followed = followed.reset_index(drop=True)
        carried = places[~places["pc4"].isin(old["pc4"])].reset_index(drop=True)
        return cls(changes, carried, followed, geodata.changes_as_repairs(changes, carried, followed))

    def write(self, run: Run) -> None:
        """Keep it in the folder of the run."""
        run_files.SUCCESSION.write(run.folder, {field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def read(cls, run: Run) -> Succession:
        """Inverse of ``write``."""
        return cls(**run_files.SUCCESSION.read(run.folder, [field.name for field in fields(cls)]))

    def counted(self) -> dict[str, int]:
        """How many changes of each kind."""
        return {str(kind): int(count) for kind, count in self.changes["change"].value_counts().sort_index().items()}

    def successors(self) -> dict[str, str]:
        """The postcode that lies in the place of each postcode that is gone, by the latter."""
        return dict(zip(self.followed["pc4"], self.followed["successor"], strict=True))

    def carry_over(self, division: pd.DataFrame) -> pd.DataFrame:
        """``division`` (rows by pc4), and for each new postcode the rows of the postcode whose place it takes.

        Rows of postcodes that are gone stay: the changes list them as vanished.
        """
        fresh = self.carried[~self.carried["pc4"].isin(division["pc4"])]
        rows = fresh[["pc4", "from_pc4"]].merge(
            division.rename(columns={"pc4": "from_pc4"}), on="from_pc4", validate="many_to_many"
        )
        return pd.concat([division, rows[division.columns]], ignore_index=True) if len(rows) else division


def areas_in_force(run: Run, version: int | None) -> gpd.GeoDataFrame | None:
    """The areas that the division in force, ``version``, was made with; None when nothing is in force.

    They are those of the published version, unless ``current_boundaries`` names the edition of the file ``current``.
    Raises ``Refused`` when that edition cannot be had, or the version's files are gone.
    """
    import geopandas

    import geodata
    from allocation.publication.files import areas_of_version

    if run.config.current_boundaries:
        try:
            with storage.shared(run.var / "cache") as cache:
                return geodata.load_boundaries(run.config.current_boundaries, cache).areas
        except geodata.GeodataError as error:
            raise Refused(f"current_boundaries: {error}") from error
    if version is None:
        return None
    path = areas_of_version(run.files_dir, version)
    if not path.exists():
        raise Refused(f"version {version} is in force, but its areas are gone: {path} does not exist")
    return geopandas.read_parquet(path)
