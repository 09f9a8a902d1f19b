"""How far each postcode lies from each office: through the network, by the user's table, or in a straight line (R26).

Minutes count in the objective as kilometres at the rate of the two limits beyond which a client travels far: 45
minutes are 30 kilometres. So the price of travel means the same whatever the user has.

Belongs here: what a way is, and its place in a problem. Does not belong here: computing kilometres
(``geodata.travel``), or checking the table (``intake``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.vocabulary import FAR_KM, FAR_MINUTES

NETWORK, STRAIGHT, TABLE, MINUTES = "network", "straight", "table", "minutes"
KM_PER_MINUTE = FAR_KM / FAR_MINUTES
COLUMNS = ("pc4", "office_pc4", "km", "minutes", "kind")

Network = Callable[[Sequence[str]], pd.DataFrame]
"""Kilometres through the network: a row per postcode and a column per office asked, infinite where there is no way."""


@dataclass(frozen=True)
class Ways:
    """``kind``: what the kilometres are: ``network``, ``straight``, ``table`` (of the user), or ``minutes`` (of the
    user, as kilometres). ``known``: pc4, office_pc4, km and minutes (each missing where not known). ``network``: for
    offices that are not there yet; None where nobody can tell."""

    kind: str
    known: pd.DataFrame
    network: Network | None = None

    @cached_property
    def _km(self) -> pd.DataFrame:
        """Kilometres, a row per postcode and a column per office: made once for all layers."""
        return self.known.pivot(index="pc4", columns="office_pc4", values="km")

    def table_km(self, areas: pd.DataFrame, pc4: pd.Series, offices: pd.Series) -> NDArray[np.float64] | None:
        """(units, teams) kilometres of each unit to each team's office; None for straight lines.

        Where there is no way (an island of another region) it is the straight line: such a pair is barred, or joined by
        the nearest area. ``areas``: x_m and y_m, indexed by pc4.
        """
        if self.kind == STRAIGHT:
            return None
        asked = list(dict.fromkeys(offices))
        km = self._km
        new = [office for office in asked if office not in km]
        if new and self.network is not None:
            km = km.join(self.network(new), how="outer")
        row, column = km.index.get_indexer(pd.Index(pc4)), km.columns.get_indexer(pd.Index(offices))
        found = km.to_numpy(dtype=np.float64)[np.ix_(row, column)]
        found[row < 0] = found[:, column < 0] = np.nan
        place, office = (areas.loc[codes, ["x_m", "y_m"]].to_numpy(float) for codes in (pc4, offices))
        step = place[:, None, :] - office[None, :, :]
        return np.where(np.isfinite(found), found, np.hypot(step[..., 0], step[..., 1]) / 1000.0)

    def minutes(self, pc4: pd.Series, offices: pd.Series) -> pd.Series:
        """Minutes from each postcode to the office in the same row, missing where not known; indexed like ``pc4``."""
        asked = pd.MultiIndex.from_arrays([pc4, offices])
        table = self.known.set_index(["pc4", "office_pc4"])["minutes"].astype("float64")
        return pd.Series(table.reindex(asked).to_numpy(), index=pc4.index)

    @property
    def frame(self) -> pd.DataFrame:
        """As a table to keep: ``COLUMNS``."""
        return self.known.assign(kind=self.kind)[list(COLUMNS)]

    @classmethod
    def of_frame(cls, frame: pd.DataFrame, kind: str, network: Network | None = None) -> Ways:
        """Inverse of ``frame``; ``kind`` for a table without rows."""
        kinds = frame["kind"].unique()
        return cls(str(kinds[0]) if len(kinds) else kind, frame.drop(columns="kind"), network)


STRAIGHT_LINES = Ways(STRAIGHT, pd.DataFrame(columns=["pc4", "office_pc4", "km", "minutes"], dtype=object))
"""Where nobody asked for anything else."""


def ways(setting: str, travel: pd.DataFrame, offices: Sequence[str], network: Network) -> Ways:
    """The ways to ``offices`` as the setting ``distance`` asks; minutes of the table are known whatever it says.

    Parameters
    ----------
    setting : ``network``, ``straight`` or ``table``. travel : the input table.
    """
    minutes = travel[["pc4", "office_pc4", "km", "minutes"]]
    if setting == STRAIGHT:
        return Ways(STRAIGHT, minutes.assign(km=np.nan), network)
    if setting == TABLE and len(travel):
        has_km = bool(minutes["km"].notna().all())
        km = minutes["km"] if has_km else minutes["minutes"] * KM_PER_MINUTE
        return Ways(TABLE if has_km else MINUTES, minutes.assign(km=km.astype("float64")), None)
    by_office = network(list(dict.fromkeys(offices))).rename_axis("pc4").reset_index()
    long = by_office.melt("pc4", var_name="office_pc4", value_name="km")
    return Ways(NETWORK, long.merge(minutes.drop(columns="km"), on=["pc4", "office_pc4"], how="left"), network)
