"""Makes of plans and exceptions which team serves whom: the allocation table and the total routing table.

Belongs here: joining the layers' plans with special groups (R4), Participatiewet (R5), lines (R6) and splits (R9).
Does not belong here: looking a client up in a published table (``lookup``), or making the plans (``districting``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.config import Config
from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES, LAWS, ZW_WIA, values_of
from allocation.demand.lines import VANGNET, ZW
from allocation.layers.layer import Layer
from allocation.layers.work import SPECIAL, served_by

Plan = NDArray[np.int64]

AREA = ["pc4", "pc6_from", "pc6_to"]


def assigned_parts(layers: Sequence[Layer], plans: Sequence[Plan]) -> pd.DataFrame:
    """Every part of every layer with its team: pc4, pc6_from, pc6_to, client_line, law_domain, cluster, team_id, share,
    lock, reason. Parts of a postcode that got the same team at the same precision are one row."""
    frames = []
    for layer, plan in zip(layers, plans, strict=True):
        teams = np.asarray(layer.problem.team_ids, dtype=object)
        frames.append(
            layer.parts.drop(columns=["unit", "team_id"]).assign(
                client_line=layer.client_line,
                law_domain=layer.law_domain,
                cluster=layer.cluster,
                team_id=teams[plan],
                single=layer.problem.k == 1,
            )
        )
    parts = pd.concat(frames, ignore_index=True).rename(columns={"portion": "share"})
    return parts[parts["share"] > 0].reset_index(drop=True)


def allocation_table(parts: pd.DataFrame) -> pd.DataFrame:
    """Table ``allocation``: the share of each team per postcode, line and law domain; shares sum to 1."""
    key = ["pc4", "client_line", "law_domain", "team_id"]
    return parts.groupby(key)["share"].sum().reset_index().sort_values(key, ignore_index=True)


def reason_table(parts: pd.DataFrame) -> pd.DataFrame:
    """Table ``allocation_reason``: the rule that decided, per postcode, line and law domain."""
    rule = (
        parts["lock"].astype(object).where(parts["lock"].notna(), np.where(parts["single"], "enig_team", "verdeling"))
    )
    told = {
        "verdeling": "verdeling naar werk en capaciteit binnen de regio",
        "enig_team": "het enige team van de regio voor deze wet en lijn",
    }
    table = parts.assign(rule=rule, reason=parts["reason"].where(parts["reason"].notna(), rule.map(told)))
    rank = table["rule"].map({"pin": 0, "split": 1, "verdeling": 2, "enig_team": 3})
    key = ["pc4", "client_line", "law_domain"]
    table = table.assign(rank=rank).sort_values([*key, "rank"]).drop_duplicates(key)
    return table[[*key, "rule", "reason"]].reset_index(drop=True)


def routing_table(
    parts: pd.DataFrame, groups: Iterable[str], special: pd.DataFrame, offices: pd.Series, config: Config
) -> pd.DataFrame:
    """Table ``routing``: for every postcode, client group, PW client, law and line the shares of the teams sum to 1.

    ``share`` is the part of the postcode's clients that a row serves. A row with a PC6 range serves that range; the
    row without one serves the rest of the postcode, so the longest match decides for a full postcode.

    Parameters
    ----------
    parts : as ``assigned_parts`` gives them. groups : the client groups. special : as ``special_shares`` gives it.
    offices : the office of each team, indexed by team_id.
    """
    return routing_of_segments(parts, served_segments(groups, config), special, offices)


def served_segments(groups: Iterable[str], config: Config) -> pd.DataFrame:
    """Who serves each kind of client, the same in every postcode: client_group, pw_client, law, client_line; ``domain``
    of the teams, and which of them: of ``serving`` line (empty: of both), of special ``group`` (empty: of none)."""
    segments = pd.DataFrame(
        product(groups, (False, True), LAWS, CLIENT_LINES),
        columns=["client_group", "pw_client", "law", "client_line"],
    )
    # A client with a file under the Participatiewet is a PW client, also where a consumer does not say so.
    serves = served_by(segments.assign(pw_client=segments["pw_client"] | (segments["law"] == "PW")), config)
    is_special = serves == SPECIAL
    by_law = [serving_line(law, line) for law, line in zip(segments["law"], segments["client_line"], strict=True)]
    return segments.assign(
        domain=serves,
        serving=np.select([is_special, serves == ZW_WIA], ["", by_law], segments["client_line"]),
        group=segments["client_group"].where(is_special, ""),
    )


def routing_of_segments(
    parts: pd.DataFrame, segments: pd.DataFrame, special: pd.DataFrame, offices: pd.Series
) -> pd.DataFrame:
    """Table ``routing``; ``segments`` as ``served_segments`` gives them, the others as for ``routing_table``."""
    held = [_per_line(parts).rename(columns={"law_domain": "domain"}).assign(group="")]
    if (segments["domain"] == SPECIAL).any() and len(special):  # they have every postcode and both lines
        theirs = special.rename(columns={"client_group": "group"}).merge(parts["pc4"].drop_duplicates(), how="cross")
        held.append(theirs.assign(domain=SPECIAL, client_line=""))
    teams = pd.concat(held, ignore_index=True).rename(columns={"client_line": "serving"})
    table = segments.merge(teams, on=["domain", "serving", "group"])
    table["office"] = table["team_id"].map(offices)
    key = [*AREA, "client_group", "pw_client", "law", "client_line", "team_id"]
    table = table[[*key, "share", "office"]].astype({"pc6_from": object, "pc6_to": object})
    table[["pc6_from", "pc6_to"]] = table[["pc6_from", "pc6_to"]].where(table[["pc6_from", "pc6_to"]].notna(), None)
    in_order: pd.DataFrame = table.sort_values(key, ignore_index=True)
    return in_order


def routing_of_division(
    division: pd.DataFrame, groups: Iterable[str], special: pd.DataFrame, offices: pd.Series, config: Config
) -> pd.DataFrame:
    """Table ``routing`` of a division that was given without one.

    Parameters
    ----------
    division : pc4, client_line, law_domain, team_id, share. groups, special, offices : as for ``routing_table``.
    """
    parts = division.assign(pc6_from=None, pc6_to=None).astype({"pc6_from": object, "pc6_to": object})
    return routing_table(parts, groups, special, offices, config)


def serving_line(law: str, line: str) -> str:
    """The line whose team serves a client. ZW clients have no employer (R16): the vangnet team serves them all."""
    return VANGNET if law == ZW else line


def special_shares(teams: pd.DataFrame, hours: pd.Series) -> pd.DataFrame:
    """Client group, team and share for the special groups: by capacity where a group has several teams (R4).

    Parameters
    ----------
    teams : the teams in force. hours : verzekeringsarts hours a year, indexed by team_id.
    """
    rows = teams[teams["kind"] == SPECIAL]
    rows = rows.assign(
        hours=rows["team_id"].map(hours).astype("float64"),  # without special teams it would be a column of texts
        client_group=rows["client_groups"].map(lambda cell: sorted(values_of(cell))),
    )
    rows = rows.explode("client_group")[["client_group", "team_id", "hours"]]
    rows["share"] = rows["hours"] / rows.groupby("client_group")["hours"].transform("sum")
    return rows.loc[rows["share"] > 0, ["client_group", "team_id", "share"]].reset_index(drop=True)


def _per_line(parts: pd.DataFrame) -> pd.DataFrame:
    """Rows per client line: those of line ``alle`` stand for both."""
    is_both = parts["client_line"] == ALL_LINES
    frame = pd.concat([parts[~is_both], *(parts[is_both].assign(client_line=line) for line in CLIENT_LINES)])
    key = [*AREA, "law_domain", "client_line", "team_id"]
    return frame.groupby(key, dropna=False)["share"].sum().reset_index()
