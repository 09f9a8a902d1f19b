"""Changes against the division in force: which postcodes change team, which clients stay and which move (R7).

Belongs here: comparing two divisions and following every client in stock. The transition table sums to the stock, to
the client. Does not belong here: what the new division is (``routing``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocation.contract.config import Config
from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES, PW, REGULAR_GROUP, ZW_WIA
from allocation.layers.work import layer_work

CENTRAL_TEAM = "CENTRAAL"
"""Stands in ``transition`` for the central process (R11): those clients are nobody's caseload."""

REASONS = {
    "same": "postcode blijft bij hetzelfde team",
    "keeps": "bestaande cliënt houdt zijn team",
    "ended": "team beëindigd: dossiers volgen de postcode",
    "policy": "bestaande cliënten volgen de nieuwe verdeling",
    "unknown": "nog geen team: dossiers volgen de postcode",
    "special": "bijzondere cliëntgroep: eigen SMC",
    "central": "centraal afgehandeld",
}


def allocation_changes(now: pd.DataFrame, new: pd.DataFrame, work: pd.DataFrame) -> pd.DataFrame:
    """Table ``allocation_changes``: shares of postcodes that go from one team to another.

    Parameters
    ----------
    now, new : pc4, client_line, law_domain, team_id, share; shares sum to 1 per postcode, line and domain.
    work : pc4, client_line, law_domain, clients, hours: expected work a year of the new division's layers.

    Notes
    -----
    What a team keeps is the smaller of its two shares; the rest flows from the teams that lose to the teams that
    gain in proportion. A new postcode has no ``team_from``, a vanished one no ``team_to``.
    """
    now, new = _same_lines(now, new)
    key = ["pc4", "client_line", "law_domain"]
    both = now.merge(new, on=[*key, "team_id"], how="outer", suffixes=("_now", "_new")).fillna(
        {"share_now": 0.0, "share_new": 0.0}
    )
    both["lost"] = (both["share_now"] - both["share_new"]).clip(lower=0.0)
    both["gained"] = (both["share_new"] - both["share_now"]).clip(lower=0.0)
    lost = _with_balance(both, key, "lost", "gained").rename(columns={"team_id": "team_from"})
    gained = _with_balance(both, key, "gained", "lost").rename(columns={"team_id": "team_to"})
    flows = lost[[*key, "team_from", "lost"]].merge(gained[[*key, "team_to", "gained"]], on=key)
    total = flows.drop_duplicates([*key, "team_from"]).groupby(key)["lost"].sum()
    flows["share"] = flows["lost"] * flows["gained"] / flows.set_index(key).index.map(total.to_dict())
    flows = flows.merge(work, on=key, how="left").fillna({"clients": 0.0, "hours": 0.0})
    flows["clients"] *= flows["share"]
    flows["hours"] *= flows["share"]
    columns = [*key, "team_from", "team_to", "share", "clients", "hours"]
    return flows[flows["share"] > 1e-9][columns].sort_values(columns[:5], ignore_index=True)


def _with_balance(both: pd.DataFrame, key: list[str], column: str, other: str) -> pd.DataFrame:
    """Rows with a positive ``column``, plus one without a team where the other side has more (new or vanished area)."""
    sums = both.groupby(key, as_index=False)[[column, other]].sum()
    short = sums[sums[other] - sums[column] > 1e-9].assign(team_id=None)
    short[column] = short[other] - short[column]
    return pd.concat([both[both[column] > 1e-9], short[[*key, "team_id", column]]], ignore_index=True)


def _same_lines(now: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both divisions in the same lines: where one of them divides a postcode by line, the other is written out too."""
    key = ["pc4", "law_domain"]
    either = pd.concat([now, new])
    by_line = either[either["client_line"] != ALL_LINES].set_index(key).index.unique()

    def written_out(division: pd.DataFrame) -> pd.DataFrame:
        out = division["client_line"].eq(ALL_LINES) & division.set_index(key).index.isin(by_line)
        both = [division[out].assign(client_line=line) for line in CLIENT_LINES]
        return pd.concat([division[~out], *both], ignore_index=True)

    return written_out(now), written_out(new)


def transition_table(
    stock: pd.DataFrame,
    now: pd.DataFrame,
    routing: pd.DataFrame,
    products: pd.DataFrame,
    active: set[str],
    line_shares: pd.Series,
    config: Config,
) -> pd.DataFrame:
    """Table ``transition``: every client in stock, from the team that has the file to the team that will have it.

    Parameters
    ----------
    stock : as in the input; ``team_id`` where the file says who holds the dossiers.
    now : the division in force (pc4, client_line, law_domain, team_id, share), for rows without ``team_id``.
    routing : as ``routing.routing_table`` gives it.
    products : with ``law`` and ``handled_by``; ``active`` : ids of the teams in force.
    line_shares : as ``layers.line_shares`` gives it: how clients counted for line ``alle`` fall over the lines where
        these have teams of their own.
    """
    key = ["pc4", "product", "client_line", "client_group"]
    rows = stock.groupby([*key, "pc4_in_file", "team_id"], dropna=False)["clients"].sum().reset_index()
    rows = rows[rows["clients"] > 0].merge(products[["product", "law", "handled_by"]], on="product")
    central = rows["handled_by"] == "central"
    rows = rows.assign(law_domain=np.where(rows["law"] == "PW", PW, ZW_WIA))
    rows["team_from"] = _holders(rows, now)
    known = rows["team_from"].notna()
    stays = known & rows["team_from"].isin(active) & (config.continuity == "stay")
    follow = rows[~stays & ~central]
    moved = _follow_postcode(follow, routing, line_shares)
    moved["reason"] = np.where(
        moved["team_from"].isna(), "unknown", np.where(moved["team_from"].isin(active), "policy", "ended")
    )
    moved.loc[moved["client_group"] != REGULAR_GROUP, "reason"] = "special"
    kept = rows[stays & ~central].assign(reason="keeps")
    kept["team_to"] = kept["team_from"]
    at_centre = rows[central].assign(team_from=CENTRAL_TEAM, team_to=CENTRAL_TEAM, reason="central")
    table = pd.concat([kept, moved, at_centre], ignore_index=True)
    same = (table["team_from"] == table["team_to"]) & (table["reason"] != "central")
    table.loc[same & (table["reason"] != "keeps"), "reason"] = "same"
    table["movement"] = np.where(table["team_from"] == table["team_to"], "blijft", "verhuist")
    table["reason"] = table["reason"].map(REASONS)
    columns = [*key, "team_from", "team_to", "clients", "movement", "reason"]
    table = table.groupby([c for c in columns if c != "clients"], dropna=False)["clients"].sum().reset_index()
    return table[columns].astype({"clients": "int64"}).sort_values(columns[:6], ignore_index=True)


def _holders(rows: pd.DataFrame, now: pd.DataFrame) -> pd.Series:
    """Who holds each row's files: the team the stock names, else the team with the largest share of the postcode.

    That is the postcode as the file has it: one that is gone still tells which team had it.
    """
    known = rows["pc4_in_file"].isin(now["pc4"])
    places = rows[["law_domain", "client_line"]].assign(pc4=rows["pc4_in_file"].where(known, rows["pc4"]))
    largest = now.sort_values(["share", "team_id"], ascending=[False, True])
    by_postcode = pd.Series(None, index=rows.index, dtype=object)
    for key in (["pc4", "law_domain", "client_line"], ["pc4", "law_domain"]):
        held = largest.drop_duplicates(key).set_index(key)["team_id"].to_dict()
        found = pd.Series(pd.MultiIndex.from_frame(places[key]).map(held), index=rows.index)
        by_postcode = by_postcode.where(by_postcode.notna(), found)
    by_postcode = by_postcode.where(rows["client_group"] == REGULAR_GROUP, None)
    return rows["team_id"].where(rows["team_id"].notna(), by_postcode).astype(object)


def _follow_postcode(rows: pd.DataFrame, routing: pd.DataFrame, line_shares: pd.Series) -> pd.DataFrame:
    """Each row's clients over the teams of its postcode, in whole clients by largest remainder."""
    whole = routing.groupby(["pc4", "client_group", "law", "client_line", "team_id"])["share"].sum().reset_index()
    whole = whole.rename(columns={"team_id": "team_to", "client_line": "line"})
    rows = rows.assign(row=np.arange(len(rows)))
    spread = by_line(rows, line_shares).merge(whole, on=["pc4", "client_group", "law", "line"])
    parts = (spread["part"] * spread["share"]).groupby([spread["row"], spread["team_to"]]).sum().rename("part")
    spread = rows.merge(parts.reset_index(), on="row")
    exact = spread["clients"] * spread["part"]
    floor = np.floor(exact + 1e-9)
    spread["left"] = exact - floor
    spread["clients_to"] = floor
    short = spread["clients"] - spread.groupby("row")["clients_to"].transform("sum")
    spread = spread.assign(short=short).sort_values(["row", "left", "team_to"], ascending=[True, False, True])
    rank = spread.groupby("row").cumcount()
    spread["clients"] = (spread["clients_to"] + (rank < spread["short"])).astype("int64")
    return spread.loc[spread["clients"] > 0].drop(columns=["row", "part", "left", "clients_to", "short"])


def by_line(rows: pd.DataFrame, line_shares: pd.Series) -> pd.DataFrame:
    """``rows`` per client line: ``line`` and ``part``, 1 for a row of that line, and its share for one of ``alle``."""
    frames = []
    for line in CLIENT_LINES:
        share = rows["product"].map(line_shares.xs(line, level=1).to_dict()).astype(float).fillna(1 / len(CLIENT_LINES))
        part = share.where(rows["client_line"] == ALL_LINES, rows["client_line"].eq(line).astype(float))
        frames.append(rows.assign(line=line, part=part))
    return pd.concat(frames).query("part > 0")


def expected_per_area(work: pd.DataFrame, allocation: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Table ``expected``: clients and hours a year per pc4, client_line and law_domain, for each line there is.

    Every postcode has both lines and ``alle``, whatever the lines of its division, so that a change can be weighed
    against a division with other lines.
    """
    frames = []
    for domain in (ZW_WIA, PW):
        for line in (ALL_LINES, *CLIENT_LINES):
            rows = layer_work(work, domain, line, config)
            sums = rows.groupby("pc4", as_index=False)[["planned_clients", "hours_verzekeringsarts"]].sum()
            every = pd.DataFrame({"pc4": allocation["pc4"].unique()}).merge(sums, on="pc4", how="left").fillna(0.0)
            frames.append(every.assign(client_line=line, law_domain=domain))
    table = pd.concat(frames, ignore_index=True)
    table = table.rename(columns={"planned_clients": "clients", "hours_verzekeringsarts": "hours"})
    return table[["pc4", "client_line", "law_domain", "clients", "hours"]].sort_values(
        ["pc4", "client_line", "law_domain"], ignore_index=True
    )
