"""The model of work told once more in slow, plain loops: nothing here comes from the product but its tables.

For tests that compare what the product says with what its own published tables and the input add up to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import floor
from typing import Any

import pandas as pd

from tests.support.toy import Division

CENTRE = "CENTRAAL"
Shares = dict[str, float]


def none_if_missing(value: Any) -> Any:
    return None if pd.isna(value) else value


def in_whole(clients: int, parts: Mapping[str, float]) -> dict[str, int]:
    """``clients`` by ``parts`` in whole numbers: the largest remainders get what is left, ties by name."""
    got = {name: floor(clients * part + 1e-9) for name, part in parts.items()}
    order = sorted(parts, key=lambda name: (-round(clients * parts[name] - got[name], 9), name))
    for name in order[: clients - sum(got.values())]:
        got[name] += 1
    return got


def routed(routing: pd.DataFrame) -> dict[tuple[str, str, bool, str, str], Shares]:
    """(pc4, client_group, pw_client, law, client_line) -> the share of each team."""
    shares: dict[tuple[str, str, bool, str, str], Shares] = defaultdict(lambda: defaultdict(float))
    for row in routing.itertuples():
        shares[row.pc4, row.client_group, bool(row.pw_client), row.law, row.client_line][row.team_id] += row.share
    return shares


def lines_of(row: Any, vangnet_part: float) -> Shares:
    """The lines that serve a row of counts, with their parts. ZW is on the vangnetlijn."""
    if row.law == "ZW" or row.client_line == "vangnet":
        return {"vangnet": 1.0}
    if row.client_line == "werkgever":
        return {"werkgever": 1.0}
    return {line: part for line, part in (("vangnet", vangnet_part), ("werkgever", 1 - vangnet_part)) if part > 0}


def what_files_say(files: pd.DataFrame) -> dict[tuple[Any, ...], tuple[str, str]]:
    """Table ``files`` by its key: (team_to, movement)."""
    key = ["team_from", "law", "client_line", "client_group", "pw_client", "pc4"]
    rows = {tuple(row[name] for name in key): (row["team_to"], row["movement"]) for row in files.to_dict("records")}
    assert len(rows) == len(files), "a key of files is there twice"
    return rows


def decide(
    rows: Mapping[tuple[Any, ...], tuple[str, str]], team: str | None, segment: tuple[Any, ...], pc4: str
) -> Any:
    """The row of ``files`` that decides: of the team and the postcode, else of the team, else of anybody."""
    for key in ((team or "*", *segment, pc4), (team or "*", *segment, "*"), ("*", *segment, "*")):
        if key in rows:
            return rows[key]
    raise AssertionError(f"files say nothing of {team}, {segment}, {pc4}")


def transition(
    made: Division, in_force: Mapping[tuple[str, str, bool, str, str], Shares]
) -> dict[tuple[Any, ...], int]:
    """What becomes of the stock by table ``files`` and ``routing``: (pc4, product, client_line, client_group,
    pw_client, team_from, team_to, movement) -> clients.

    ``in_force``: the routing of the day before, as ``routed`` gives it: who holds what is counted without a team.
    """
    law = made.inputs.products.set_index("product")["law"].to_dict()
    central = set(made.inputs.products.loc[made.inputs.products["handled_by"] == "central", "product"])
    region = made.work.drop_duplicates("pc4").set_index("pc4")["rate_region"].to_dict()
    part_of = {
        (row.rate_region, row.product): row.vangnet_part
        for row in made.work.itertuples()
        if row.client_line == "alle"
    }  # fmt: skip
    counted: dict[tuple[Any, ...], int] = defaultdict(int)
    for row in made.inputs.stock.itertuples():
        key = (row.pc4, row.product, row.client_line, row.client_group, bool(row.pw_client))
        counted[(*key, none_if_missing(row.team_id))] += int(row.clients)
    held: dict[tuple[Any, ...], int] = defaultdict(int)
    moved: dict[tuple[Any, ...], int] = defaultdict(int)
    for (pc4, product, counted_line, group, pw, team), clients in counted.items():
        row = pd.Series({"law": law[product], "client_line": counted_line})
        if not clients:
            continue
        if product in central:
            moved[pc4, product, counted_line, group, pw, CENTRE, CENTRE, "blijft"] += clients
            continue
        lines = lines_of(row, part_of.get((region[pc4], product), 0.5))
        for line, number in in_whole(clients, lines).items():
            known = in_force.get((pc4, group, pw, law[product], line))
            given = in_whole(number, known) if team is None and known else {team: number}
            for holder, files in given.items():
                held[pc4, product, counted_line, group, pw, line, holder] += files
    says, shares = what_files_say(made.outcome["files"]), routed(made.routing)
    for (pc4, product, counted_line, group, pw, line, holder), clients in held.items():
        to, movement = decide(says, holder, (law[product], line, group, pw), pc4)
        parts = shares[pc4, group, pw, law[product], line]
        goes = {to: clients} if to != "*" else in_whole(clients, parts)
        for team, number in goes.items():
            kind = movement if holder is None else "blijft" if holder == team else "verhuist"
            moved[pc4, product, counted_line, group, pw, holder, team, kind] += number
    return dict(moved)


def transition_of(made: Division) -> dict[tuple[Any, ...], int]:
    """Table ``transition`` in the form of ``transition``."""
    found: dict[tuple[Any, ...], int] = defaultdict(int)
    for row in made.transition.itertuples():
        key = (row.pc4, row.product, row.client_line, row.client_group, bool(row.pw_client))
        found[(*key, none_if_missing(row.team_from), row.team_to, row.movement)] += row.clients
    return dict(found)


def routing_of_now(now: pd.DataFrame, special: Mapping[str, Shares], groups: Iterable[str]) -> dict[Any, Shares]:
    """The routing of a division (pc4, client_line, law_domain, team_id, share), as ``routed`` gives it.

    ``special``: by special group the share of each team. PW clients are the PW team's, of special groups too.
    """
    shares: dict[Any, Shares] = defaultdict(lambda: defaultdict(float))
    for group in groups:
        for row in now.itertuples():
            for line in ("vangnet", "werkgever"):
                for law in ("ZW", "WIA", "PW"):
                    wanted = "vangnet" if law == "ZW" and row.law_domain == "zw_wia" else line
                    pw_cases = [True] if row.law_domain == "pw" else [False] if law != "PW" else []
                    if law == "PW" and row.law_domain == "pw":
                        pw_cases = [False, True]
                    for pw in pw_cases if row.client_line in ("alle", wanted) else []:
                        if pw or law == "PW" or group not in special:
                            shares[row.pc4, group, pw, law, line][row.team_id] += row.share
        for pc4 in now["pc4"].unique() if group in special else []:
            for line in ("vangnet", "werkgever"):
                for law in ("ZW", "WIA"):
                    shares[pc4, group, False, law, line] = dict(special[group])
    return shares
