"""What is in force before the first day, as far as the new division depends on it: who holds which file.

Belongs here: joining stock, routing in force and team list. Does not belong here: the rules for a file
(``layers.holding``), or reading what is in force.
"""

from __future__ import annotations

from datetime import date

import pandas as pd

from allocation.contract.config import Config
from allocation.demand.lines import line_parts
from allocation.intake.inputs import Inputs
from allocation.intake.roster import active_teams
from allocation.layers.holding import Roster, held_files
from allocation.layers.work import rate_hours
from allocation.outcome.routing import routing_of_division, special_shares
from allocation.outcome.transition import SEGMENT_NAMES


def files_in_stock(
    inputs: Inputs,
    work: pd.DataFrame,
    areas: pd.DataFrame,
    *,
    now: pd.DataFrame,
    routing_in_force: pd.DataFrame,
    files_in_force: pd.DataFrame,
    day: date,
    eve: date,
    config: Config,
) -> pd.DataFrame:
    """Every file in stock with its holder, and why the holder may not keep it; as ``held_files`` gives it.

    Parameters
    ----------
    now : the division in force (pc4, client_line, law_domain, team_id, share). routing_in_force : table ``routing`` of
        the version in force; empty where ``now`` comes from a file: then it follows from that and the team list.
    files_in_force : table ``files`` of that version when it began after the stock was counted; else empty.
    day : first day of the new division. eve : the day before it, or today: whose teams hold the files.
    """
    if routing_in_force.empty and len(now):
        routing_in_force = _routing_of(now, inputs, eve, config)
    regions = areas.set_index("pc4")["arbeidsmarktregio_nr"].astype("int64")
    parts = line_parts(work, inputs.products)
    return held_files(inputs, parts, regions, routing_in_force, files_in_force, Roster.of(inputs, day, config), config)


def _routing_of(now: pd.DataFrame, inputs: Inputs, eve: date, config: Config) -> pd.DataFrame:
    teams = active_teams(inputs.teams, eve)
    # As the teams were on that day: one that ends with it has hardly an hour in the year ahead, and all of its files.
    hours = rate_hours(teams, config).set_index(teams["team_id"])["verzekeringsarts"]
    special = special_shares(teams, hours)
    offices = inputs.teams.drop_duplicates("team_id", keep="last").set_index("team_id")["office"]
    return routing_of_division(now, inputs.client_groups(config), special, offices, config)


def no_files() -> pd.DataFrame:
    """The table ``files`` where the stock itself says who has a file."""
    return pd.DataFrame({name: pd.Series(dtype=object) for name in ["team_from", *SEGMENT_NAMES, "pc4", "team_to"]})


def no_routing() -> pd.DataFrame:
    """The routing of a day on which nothing is in force."""
    names = ["pc4", "client_group", "pw_client", "law", "client_line", "team_id", "share"]
    return pd.DataFrame({name: pd.Series(dtype=object) for name in names}).astype({"share": "float64"})
