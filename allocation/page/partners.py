"""The partners of each postcode, for the map: where their territories end, and what cutting one costs.

Belongs here: those values. Does not belong here: whom a team works with (``outcome.network``), the cards
(`network_api`), how a share is priced (``districting.coverage``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from allocation.contract.config import ObjectiveWeights
from allocation.districting.coverage import STEPS, levels
from allocation.outcome.network import CARE_REGION, GEMEENTE
from allocation.report.network_sheets import KIND_NAMES


def partner_values(covered: pd.DataFrame, areas: pd.DataFrame, weights: ObjectiveWeights) -> list[dict[str, Any]]:
    """Per kind of partner: ``kind``, its Dutch ``name``, the names of the ``providers``, ``of`` (per area the position
    of the one with the largest share of it, -1 for none) and ``price`` of a further team at one of them.

    Parameters
    ----------
    covered : as ``outcome.network.partners`` gives it. areas : one row per postcode, in the order of the map.
    """
    largest_first = covered.sort_values(["share", "provider"], ascending=[False, True], kind="stable")
    main = largest_first.drop_duplicates(["pc4", "kind"])
    price = prices(weights)
    values = []
    for kind in sorted(main["kind"].unique(), key=lambda kind: (kind not in (GEMEENTE, CARE_REGION), kind)):
        of_kind = main[main["kind"] == kind].set_index("pc4")["provider"]
        names = sorted(of_kind.unique())
        position = of_kind.map({name: at for at, name in enumerate(names)})
        values.append(
            {
                "kind": kind,
                "name": KIND_NAMES.get(kind, kind),
                "providers": names,
                "of": position.reindex(areas["pc4"]).fillna(-1).astype(int).tolist(),
                "price": price.get(kind, 0.0),
            }
        )
    return values


def prices(weights: ObjectiveWeights) -> dict[str, float]:
    """What a further team at a partner costs, by kind."""
    every = weights.model_dump()  # its fields come from the declared terms of the objective
    return {**every["coverage"], GEMEENTE: every["municipality_splits"], CARE_REGION: every["care_region_splits"]}


@dataclass(frozen=True)
class Cut:
    """A partner that works with several teams of a layer. ``price``: what the division pays for the further ones."""

    kind: str
    provider: str
    teams: tuple[str, ...]
    price: float
    codes: tuple[str, ...]


def cuts(covered: pd.DataFrame, plan: pd.Series, price: Mapping[str, float]) -> list[Cut]:
    """The partners that a plan of a layer divides, and what each costs; together the price of these splits in the
    objective, a term of ``districting.coverage`` per partner.

    Parameters
    ----------
    covered : as ``outcome.network.partners`` gives it. plan : team_id of each unit, indexed by its pc4.
    price : as ``prices`` gives it.
    """
    units = plan.rename("team_id").rename_axis("pc4").reset_index()
    rows = units.merge(covered[covered["kind"].map(price).fillna(0.0) > 0], on="pc4")
    rows = rows.assign(part=levels(rows["share"].to_numpy(float)) / STEPS)
    found = []
    for (kind, provider), mine in rows.groupby(["kind", "provider"]):
        of_team = mine.groupby("team_id")["part"].max()
        if len(of_team) > 1:
            paid = price[str(kind)] * float(of_team.sum() - of_team.max())
            codes = tuple(str(code) for code in mine["pc4"].unique())
            found.append(Cut(str(kind), str(provider), tuple(map(str, of_team.index)), paid, codes))
    return found
