"""Changes against the division in force: which postcodes change team, which clients stay and which move (R7).

Belongs here: comparing two divisions and following every client in stock. The transition table sums to the stock, to
the client. Does not belong here: what the new division is (``routing``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.config import Config
from allocation.contract.vocabulary import ALL_LINES, CLIENT_LINES, HOLDER_UNKNOWN, LAWS, MOVES, PW, STAYS, ZW_WIA
from allocation.layers.holding import (
    SEGMENT,
    STOCK_KEY,
    Reason,
    Roster,
    follows,
    segment_shares,
    stays,
    whole_clients,
)
from allocation.layers.work import SPECIAL, layer_work, served_by
from allocation.outcome.routing import serving_line

CENTRAL_TEAM = "CENTRAAL"
"""Stands in ``transition`` for the central process (R11): those clients are nobody's caseload."""

REASONS = {
    Reason.SAME: "postcode blijft bij hetzelfde team",
    Reason.KEEPS: "bestaande cliënt houdt zijn team",
    Reason.POLICY: "bestaande cliënten volgen de nieuwe verdeling",
    Reason.UNKNOWN: "onbekend welk team het dossier heeft: dossiers volgen de postcode",
    Reason.CENTRAL: "centraal afgehandeld",
    Reason.ENDED: "team beëindigd: dossiers volgen de postcode",
    Reason.NOT_STARTED: "team nog niet begonnen: dossiers volgen de postcode",
    Reason.NO_PHYSICIAN: "team heeft geen verzekeringsarts: dossiers volgen de postcode",
    Reason.SPECIAL_GROUP: "bijzondere cliëntgroep: eigen SMC",
    Reason.PW_CLIENT: "cliënt van de Participatiewet: eigen SMC",
    Reason.OTHER_CLIENTS: "team is er alleen voor andere cliënten",
    Reason.LAW: "team bedient de wet niet",
    Reason.LINE: "team bedient de cliëntlijn niet",
    Reason.REGION: "postcode ligt buiten de regio van het team",
    Reason.BARRED: "team is uitgesloten van de postcode",
}
"""What a planner and a consumer read of each reason."""


def allocation_changes(
    now: pd.DataFrame, new: pd.DataFrame, work: pd.DataFrame, amounts: Sequence[str] = ("clients", "hours")
) -> pd.DataFrame:
    """Table ``allocation_changes``: shares of postcodes that go from one team to another.

    Parameters
    ----------
    now, new : pc4, client_line, law_domain, team_id, share; shares sum to 1 per postcode, line and domain.
    work : pc4, client_line, law_domain and ``amounts``: expected work a year of the new division's layers.

    Notes
    -----
    What a team keeps is the smaller of its two shares; the rest flows from the teams that lose to the teams that
    gain in proportion. A new postcode has no ``team_from``, a vanished one no ``team_to``.
    """
    now, new = _same_lines(now, new)
    key = ["pc4", "client_line", "law_domain"]
    net = pd.concat([now.assign(share=-now["share"]), new]).groupby([*key, "team_id"], as_index=False)["share"].sum()
    rest = net.groupby(key, as_index=False)["share"].sum()  # of a new or vanished postcode: nobody's
    both = pd.concat([net, rest.assign(team_id=None, share=-rest["share"])], ignore_index=True)
    lost, gained = both[both["share"] < -1e-9], both[both["share"] > 1e-9]
    total = -lost.groupby(key)["share"].transform("sum")
    lost = lost.assign(share=-lost["share"], total=total).rename(columns={"team_id": "team_from"})
    flows = lost.merge(gained.rename(columns={"team_id": "team_to", "share": "gained"}), on=key)
    flows["share"] *= flows["gained"] / flows["total"]
    flows = flows.merge(work[[*key, *amounts]], on=key, how="left").fillna(dict.fromkeys(amounts, 0.0))
    for amount in amounts:
        flows[amount] *= flows["share"]
    columns = [*key, "team_from", "team_to", "share", *amounts]
    table: pd.DataFrame = flows[flows["share"] > 1e-9][columns].sort_values(columns[:5], ignore_index=True)
    return table


def _same_lines(now: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both divisions in the same lines: where one has a postcode by line, ``alle`` of the other becomes two rows."""
    places = [division["pc4"] + " " + division["law_domain"] for division in (now, new)]
    by_line = {
        place
        for division, of in zip((now, new), places, strict=True)
        for place in of[division["client_line"] != ALL_LINES]
    }

    def written_out(division: pd.DataFrame, of: pd.Series) -> pd.DataFrame:
        out = division["client_line"].eq(ALL_LINES) & of.isin(by_line)
        if not out.any():
            return division
        both = [division[out].assign(client_line=line) for line in CLIENT_LINES]
        return pd.concat([division[~out], *both], ignore_index=True)

    return written_out(now, places[0]), written_out(new, places[1])


def placed_files(held: pd.DataFrame, routing: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Every file with the team that will have it: the holder where it stays, else the teams of its postcode.

    Parameters
    ----------
    held : as ``layers.holding.held_files`` gives it. routing : table ``routing`` of the new division.

    Returns
    -------
    The rows of ``held`` (team_id is the holder until now), in whole clients, with team_to and ``why`` (a ``Reason``).
    """
    keeps, follow = stays(held, config), held[follows(held, config)]
    unknown = follow["team_id"].isna()
    follow = follow.assign(why=follow["refusal"].where(follow["refusal"].notna(), Reason.POLICY))
    follow.loc[unknown, "why"] = Reason.UNKNOWN
    follow = follow.assign(row=np.arange(len(follow)))
    shares = segment_shares(routing).rename(columns={"team_id": "team_to", "share": "part"})
    moved = whole_clients(follow.merge(shares, on=SEGMENT), ["row"], ["team_to"]).drop(columns=["row", "part"])
    kept = held[keeps].assign(team_to=held.loc[keeps, "team_id"], why=Reason.KEEPS)
    at_centre = held[held["is_central"]].assign(team_id=CENTRAL_TEAM, team_to=CENTRAL_TEAM, why=Reason.CENTRAL)
    files = pd.concat([kept, moved, at_centre], ignore_index=True)
    same = files["team_id"].eq(files["team_to"]) & ~files["why"].isin([Reason.CENTRAL, Reason.KEEPS])
    files.loc[same, "why"] = Reason.SAME
    return files


def transition_table(files: pd.DataFrame) -> pd.DataFrame:
    """Table ``transition``: every client in stock, from the team that has the file to the team that will have it.

    It sums to the stock, to the client. ``files``: as ``placed_files`` gives it.
    """
    table = files.rename(columns={"team_id": "team_from"})
    table = table.assign(movement=movement(table["team_from"], table["team_to"]), reason=table["why"].map(REASONS))
    columns = [*STOCK_KEY, "team_from", "team_to", "clients", "movement", "reason"]
    table = table.groupby([c for c in columns if c != "clients"], dropna=False)["clients"].sum().reset_index()
    return table[columns].astype({"clients": "int64"}).sort_values(columns[:7], ignore_index=True)


def movement(team_from: pd.Series, team_to: pd.Series) -> NDArray[np.object_]:
    """``onbekend`` where nobody is known to have the file (R18: no move, no letter); else ``blijft`` or
    ``verhuist``."""
    known = np.where(team_from.eq(team_to), STAYS, MOVES)
    return np.where(team_from.isna(), HOLDER_UNKNOWN, known).astype(object)


def files_table(
    roster: Roster, groups: Iterable[str], holders: Iterable[str], areas: pd.DataFrame, config: Config
) -> pd.DataFrame:
    """Table ``files``: what happens to an existing file, for every holder a consumer may know. No counts.

    The row that names most decides: first that of the team and the postcode, then that of the team with ``*`` for the
    postcode, then the row with ``*`` for both. ``team_to`` is ``*`` where the file goes to the team of ``routing`` for
    that postcode; when that is the same team, the client stays.

    Parameters
    ----------
    roster : of the first day. groups : the client groups. areas : pc4 and arbeidsmarktregio_nr.
    holders : team_ids that have files or had postcodes until now; who is no longer in the roster has ended.

    Returns
    -------
    team_from, law, client_line, client_group, pw_client, pc4, team_to, movement, reason.
    """
    segments = pd.DataFrame(
        product(LAWS, CLIENT_LINES, groups, (False, True)),
        columns=["law", "client_line", "client_group", "pw_client"],
    )
    segments = segments[segments["pw_client"] | (segments["law"] != "PW")]
    line = [serving_line(*pair) for pair in segments[["law", "client_line"]].itertuples(index=False, name=None)]
    segments = segments.assign(line=line, serves=served_by(segments, config))
    cases = segments.merge(pd.DataFrame({"team_id": sorted({*roster.teams, *holders})}), how="cross").assign(pc4="*")
    cases["why"] = roster.refusal_anywhere(cases)
    places = areas[["pc4"]].assign(region=areas["arbeidsmarktregio_nr"].astype(int))
    served = _served_regions(roster, set(places["region"]))
    in_regions = served["team_id"].value_counts()
    refused, kept = cases[cases["why"].notna()], cases[cases["why"].isna()]
    wide, near = kept[kept["serves"] == SPECIAL], kept[kept["serves"] != SPECIAL]
    somewhere = near[near["team_id"].isin(in_regions.index)]
    serves_all = in_regions.index[in_regions == places["region"].nunique()]
    elsewhere = near[~near["team_id"].isin(serves_all)].assign(why=Reason.REGION)
    if config.continuity == "stay":
        placed = somewhere.drop(columns="pc4").merge(served, on="team_id").merge(places, on="region")
        stay = pd.concat([wide, placed], ignore_index=True)
        barred = roster.is_barred(stay)  # all else that a file can be refused for holds for the whole region
        stay = stay.assign(team_to=stay["team_id"].mask(barred, "*"), why=np.where(barred, Reason.BARRED, Reason.KEEPS))
    else:
        stay, follows = kept[:0], pd.concat([wide, somewhere]).assign(why=Reason.POLICY)
        refused = pd.concat([refused, follows])
    refused = pd.concat([refused, elsewhere]).drop_duplicates(["team_id", *SEGMENT_NAMES]).assign(team_to="*")
    unknown = segments.assign(team_id="*", pc4="*", team_to="*", why=Reason.UNKNOWN)
    table = pd.concat([stay, refused, unknown], ignore_index=True).rename(columns={"team_id": "team_from"})
    table = table.assign(
        movement=np.where(
            table["why"] == Reason.KEEPS, STAYS, np.where(table["why"] == Reason.UNKNOWN, HOLDER_UNKNOWN, MOVES)
        ),
        reason=table["why"].map(REASONS),
    )
    key = ["team_from", *SEGMENT_NAMES, "pc4"]
    return table[[*key, "team_to", "movement", "reason"]].sort_values(key, ignore_index=True)


SEGMENT_NAMES = ["law", "client_line", "client_group", "pw_client"]


def _served_regions(roster: Roster, regions: set[int]) -> pd.DataFrame:
    """team_id, region: which of ``regions`` each team serves."""
    pairs = [(team, nr) for team, member in roster.teams.items() for nr in sorted(member.served & regions)]
    return pd.DataFrame(pairs, columns=["team_id", "region"])


def expected_per_area(work: pd.DataFrame, allocation: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Table ``expected``: clients and hours a year per pc4, client_line and law_domain, for each line there is.

    Every postcode has both lines and ``alle``, whatever the lines of its division, so that a change can be weighed
    against a division with other lines.
    """
    frames, amounts = [], ["planned_clients", "hours_verzekeringsarts"]
    for domain in (ZW_WIA, PW):
        for line in (ALL_LINES, *CLIENT_LINES):
            rows = layer_work(work, domain, line, config, ("pc4", *amounts))
            sums = rows.groupby("pc4", as_index=False)[amounts].sum()
            every = pd.DataFrame({"pc4": allocation["pc4"].unique()}).merge(sums, on="pc4", how="left").fillna(0.0)
            frames.append(every.assign(client_line=line, law_domain=domain))
    table = pd.concat(frames, ignore_index=True)
    table = table.rename(columns={"planned_clients": "clients", "hours_verzekeringsarts": "hours"})
    return table[["pc4", "client_line", "law_domain", "clients", "hours"]].sort_values(
        ["pc4", "client_line", "law_domain"], ignore_index=True
    )
