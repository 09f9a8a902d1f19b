"""The partners of each postcode, for the map: where their territories end, and what cutting one costs.

Belongs here: that value. Does not belong here: whom a team works with (``outcome.network``), the cards (`network_api`).
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from allocation.contract.config import ObjectiveWeights
from allocation.intake.inputs import Inputs
from allocation.outcome.network import CARE_REGION, GEMEENTE, partners
from allocation.report.network_sheets import KIND_NAMES


def partner_values(inputs: Inputs, areas: pd.DataFrame, weights: ObjectiveWeights) -> list[dict[str, Any]]:
    """Per kind of partner: ``kind``, its Dutch ``name``, the names of the ``providers``, ``of`` (per area the position
    of the one with the largest share of it, -1 for none) and ``price`` of a further team at one of them.

    Parameters
    ----------
    areas : one row per postcode, in the order of the map: pc4, gemeente_name, care_region.
    """
    covered = partners(inputs, areas).sort_values(["share", "provider"], ascending=[False, True], kind="stable")
    main = covered.drop_duplicates(["pc4", "kind"])
    prices = weights.model_dump()
    own = {GEMEENTE: prices["municipality_splits"], CARE_REGION: prices["care_region_splits"]}
    values = []
    for kind in sorted(main["kind"].unique(), key=lambda kind: (kind not in own, kind)):
        of_kind = main[main["kind"] == kind].set_index("pc4")["provider"]
        names = sorted(of_kind.unique())
        position = of_kind.map({name: at for at, name in enumerate(names)})
        values.append(
            {
                "kind": kind,
                "name": KIND_NAMES.get(kind, kind),
                "providers": names,
                "of": position.reindex(areas["pc4"]).fillna(-1).astype(int).tolist(),
                "price": own.get(kind, prices["coverage"].get(kind, 0.0)),
            }
        )
    return values
