"""What is asked of teams and what they have, per region: the ledger by the region of the postcode.

A team of several regions counts in each for the work and the files that it has there, and its capacity is divided over
them in proportion to the work of the first year. So regions sum to teams, and a team is as busy in each of its regions.

Belongs here: that table. Does not belong here: what follows from it for waiting, lending or recruiting (``capacity``),
finished work (`finished`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from allocation.contract.vocabulary import PROFESSIONS
from allocation.layers.work import SPECIAL
from allocation.outcome.ledger import LAYER, ledger
from allocation.outcome.solved import Solved, regions_of_teams

PLACE = [*LAYER, "region"]
AMOUNTS = [
    "files_held", "planned_clients", "hours_verzekeringsarts", "hours_other", "inflow_hours", "held_hours",
    "queue_hours", "recurring_hours",
]  # fmt: skip
CAPACITY = ["capacity_hours_verzekeringsarts", "capacity_hours_other"]


def region_ledger(
    routed: pd.DataFrame, files: pd.DataFrame, norms: pd.DataFrame, solved: Sequence[Solved], regions: pd.Series
) -> pd.DataFrame:
    """``ledger.ledger`` per region of the postcode.

    Parameters
    ----------
    routed, files, norms : as for ``ledger``. regions : region number, indexed by pc4.
    """
    return ledger(routed.assign(region=routed["pc4"].map(regions)), files, norms, solved, by=["region"])


def region_capacity(
    rows: pd.DataFrame,
    load: pd.DataFrame,
    solved: Sequence[Solved],
    areas: pd.DataFrame,
    teams: pd.DataFrame,
    recurring: frozenset[str],
) -> pd.DataFrame:
    """Asked, held and available per team, layer and region; without the special teams, which serve the country.

    Parameters
    ----------
    rows : as ``region_ledger`` gives it. load : table ``team_load``. teams : the teams in force, with their district.
    recurring : products whose files are no queue.

    Returns
    -------
    PLACE, district (missing where not known), AMOUNTS (clients; hours a year, ``held_hours`` and ``queue_hours`` in
    files) and CAPACITY (hours a year).
    """
    returns = rows["product"].isin(recurring)
    counted = rows.assign(
        queue_hours=rows["held_hours"].where(~returns, 0.0),
        recurring_hours=rows["hours_verzekeringsarts"].where(returns, 0.0),
    )
    sums = counted.groupby(PLACE)[AMOUNTS].sum().reset_index()
    named = {"client_line": "layer_line", "arbeidsmarktregio_nr": "region"}
    places = regions_of_teams(solved, areas).rename(columns=named)
    table = places.merge(sums, on=PLACE, how="outer").fillna(dict.fromkeys(AMOUNTS, 0.0))
    of_team = load[load["kind"] != SPECIAL].rename(columns=named)[[*LAYER, *CAPACITY]]
    table = pd.concat([table, _of_idle(of_team, table, teams)], ignore_index=True).merge(of_team, on=LAYER)
    total, regions = (table.groupby(LAYER)["hours_verzekeringsarts"].transform(how) for how in ("sum", "size"))
    part = np.where(total > 0, table["hours_verzekeringsarts"] / total.where(total > 0, 1.0), 1.0 / regions)
    for name in CAPACITY:
        table[name] *= part
    district = teams.drop_duplicates("team_id").set_index("team_id")["district"]
    return table.assign(district=table["team_id"].map(district).astype(object)).astype({"region": "int64"})


def _of_idle(of_team: pd.DataFrame, table: pd.DataFrame, teams: pd.DataFrame) -> pd.DataFrame:
    """A row of nothing in each of its regions for a team that has hours, and neither a postcode nor a file."""
    known = pd.MultiIndex.from_frame(table[LAYER])
    idle = of_team.loc[~pd.MultiIndex.from_frame(of_team[LAYER]).isin(known), LAYER]
    regions = teams.drop_duplicates("team_id").set_index("team_id")["regions"]
    rows = idle.assign(region=idle["team_id"].map(regions)).explode("region").dropna(subset=["region"])
    return rows.assign(**dict.fromkeys(AMOUNTS, 0.0)).astype({"region": "int64"})


NODE = ["arbeidsmarktregio_nr", "district", "law_domain"]
"""A row of the capacity advice, beside the profession; ``district`` is an empty text where none is given."""
ASKED = ["asked_hours", "inflow_hours", "recurring_hours", "queue_hours"]


def region_work(
    rows: pd.DataFrame, capacity: pd.DataFrame, norms: pd.DataFrame, recurring: frozenset[str]
) -> pd.DataFrame:
    """What is asked and waits per NODE, profession and product.

    Parameters
    ----------
    rows : as ``region_ledger`` gives it. capacity : as ``region_capacity`` gives it.
    norms : as ``layers.work.product_norms`` gives it. recurring : products whose files are no queue.

    Returns
    -------
    NODE, profession (of ``PROFESSIONS``), product, priority, clients (planned, a year), and ASKED: hours a year that
    are planned, come in, come back; hours in files that wait.
    """
    mine = rows.merge(capacity[[*PLACE, "district"]], on=PLACE)
    mine = mine.rename(columns={"region": "arbeidsmarktregio_nr"}).assign(district=mine["district"].fillna(""))
    key = [*NODE, "product", "priority"]
    sums = mine.groupby(key)[["files_held", "inflow_clients", "planned_clients"]].sum().reset_index()
    returns = sums["product"].isin(recurring)
    frames = []
    for profession in PROFESSIONS:
        each = sums["product"].map(norms[f"hours_{profession}"]).astype("float64")
        frames.append(
            sums[key].assign(
                profession=profession,
                clients=sums["planned_clients"],
                asked_hours=sums["planned_clients"] * each,
                inflow_hours=sums["inflow_clients"] * each,
                recurring_hours=(sums["planned_clients"] * each).where(returns, 0.0),
                queue_hours=(sums["files_held"] * each).where(~returns, 0.0),
            )
        )
    return pd.concat(frames, ignore_index=True)


def region_supply(capacity: pd.DataFrame, teams: pd.DataFrame, productive_hours_per_fte: float) -> pd.DataFrame:
    """What there is per NODE and profession: available_hours (a year) and fte_hours, those of one FTE more.

    Parameters
    ----------
    capacity : as ``region_capacity`` gives it. teams : the teams in force.
    """
    named = capacity.rename(columns={"region": "arbeidsmarktregio_nr"}).assign(district=capacity["district"].fillna(""))
    productivity = named["team_id"].map(teams.drop_duplicates("team_id").set_index("team_id")["productivity"])
    frames = []
    for profession in PROFESSIONS:
        hours = named[f"capacity_hours_{profession}"]
        sums = named[NODE].assign(available_hours=hours, present=hours / productivity)
        table = sums.groupby(NODE)[["available_hours", "present"]].sum().reset_index()
        present = table.pop("present")
        mean = (table["available_hours"] / present.where(present > 0)).fillna(1.0)
        frames.append(table.assign(profession=profession, fte_hours=productive_hours_per_fte * mean))
    return pd.concat(frames, ignore_index=True)


def region_offices(capacity: pd.DataFrame, teams: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """The offices of the teams of every NODE: NODE, office_pc4, x_m, y_m."""
    seat = teams.drop_duplicates("team_id").set_index("team_id")["office_pc4"]
    named = capacity.rename(columns={"region": "arbeidsmarktregio_nr"}).assign(district=capacity["district"].fillna(""))
    table = named[NODE].assign(office_pc4=named["team_id"].map(seat)).drop_duplicates()
    places = areas.drop_duplicates("pc4").set_index("pc4")[["x_m", "y_m"]].astype("float64")
    return table.join(places, on="office_pc4").sort_values([*NODE, "office_pc4"], ignore_index=True)
