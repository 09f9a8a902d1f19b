"""Which group of medewerkers verzuimbeheer at Uitkeren a ZW client gets (R27).

Where several groups work with one team, the postcodes of the team are divided over them: whole postcodes, in proportion
to the fte of each group by ZW work (expected verzekeringsarts hours a year of the law ZW), each group in one piece
where that is possible. What is in force stays as long as it keeps these rules; else few postcodes change group.

A group may work with several teams. Groups that have a team in common are divided together, as one problem.

Belongs here: the groups of a day, their division over postcodes, and the group of any client. Does not belong here: how
a problem is solved (`districting`), or which team a client has (`routing`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from allocation.contract.vocabulary import REGULAR_GROUP
from allocation.demand.lines import VANGNET, ZW
from allocation.districting import Problem, Stop, Weights, check, solve
from allocation.intake.roster import active_teams

TOLERANCE = 0.10
"""Part of its share by fte that a group's ZW work may differ: a team has some twenty postcodes, and they stay whole."""
ITERATIONS = 100_000
"""Search effort for each set of groups; a set is a team or a few."""
MOVED_PER_UNIT = 10.0
"""Taking the average postcode from its group weighs as much as so many pairs of neighbours in different groups."""
NO_ROWS = np.zeros(0, dtype=np.int64)
SEGMENT = ["pc4", "client_group", "pw_client"]
NO_GROUPS_IN_FORCE = pd.DataFrame(
    {name: pd.Series(dtype=object) for name in (*SEGMENT, "team_id", "group_code", "share")}
).astype({"share": "float64"})


def groups_on(verzuimbeheer: pd.DataFrame, teams: pd.DataFrame, day: date) -> pd.DataFrame:
    """The groups of ``day`` with their teams: group_code, team_id, fte, last_day (missing = open); a row per pair.

    A team that the input ``verzuimbeheer`` does not name on that day has the group of its ``verzuimbeheer_code``,
    unless that is a group of the input, which says itself with whom it works and until when.

    Parameters
    ----------
    verzuimbeheer : the input table, every period. teams : the teams in force on ``day``.
    """
    names = ["group_code", "team_id", "fte", "last_day"]
    of_day = active_teams(verzuimbeheer, day).rename(columns={"valid_to": "last_day"})
    of_day = of_day.assign(team_id=[text.split("|") for text in of_day["team_id"]]).explode("team_id")[names]
    of_day = of_day[of_day["team_id"].isin(teams["team_id"])]
    code = teams["verzuimbeheer_code"] if "verzuimbeheer_code" in teams else pd.Series(None, index=teams.index)
    by_code = teams.assign(group_code=code)[["group_code", "team_id"]].dropna().drop_duplicates("team_id")
    by_code = by_code[
        ~by_code["team_id"].isin(of_day["team_id"]) & ~by_code["group_code"].isin(verzuimbeheer["group_code"])
    ]
    by_code = by_code.assign(fte=1.0, last_day=pd.Series(pd.NaT, index=by_code.index))
    parts = [part.astype({"fte": "float64", "last_day": "datetime64[ns]"}) for part in (of_day, by_code) if len(part)]
    if not parts:
        return pd.DataFrame(columns=names).astype({"fte": "float64", "last_day": "datetime64[ns]"})
    return pd.concat(parts, ignore_index=True).sort_values(["group_code", "team_id"], ignore_index=True)


@dataclass(frozen=True)
class Groups:
    """Who works with whom on one side of a change: the group of a client with team and postcode.

    ``of_area``: by (team, postcode). ``of_team``: for a client elsewhere, such as one whose file stays with the team
    that had the postcode.
    """

    of_area: dict[tuple[str, str], str]
    of_team: dict[str, str]

    def known(self, team: str, pc4: str) -> str | None:
        """The group of a client; None where none is known."""
        return self.of_area.get((team, pc4), self.of_team.get(team))

    def of(self, team: pd.Series, pc4: pd.Series) -> pd.Series:
        """The group of each client; a team without one counts as a group of its own, no team as none."""
        found = [None if pd.isna(t) else self.known(t, p) or t for t, p in zip(team, pc4, strict=True)]
        return pd.Series(found, index=team.index, dtype=object)


@dataclass(frozen=True)
class Verzuimbeheer:
    """``routing``: table ``verzuimbeheer_routing``. ``groups``: a row per group, for the report; see ``group_table``.
    ``now``, ``new``: the group of any client in force and proposed. ``works``: per team its groups."""

    routing: pd.DataFrame
    groups: pd.DataFrame
    now: Groups
    new: Groups
    works: dict[str, set[str]]

    def changes(self, team_from: pd.Series, team_to: pd.Series, pc4: pd.Series) -> pd.Series:
        """Whether each client gets another group. Where the group in force is not known, it was one of those that
        work with the team now, or the team counts as a group of its own."""
        found = []
        for old, new, place in zip(team_from, team_to, pc4, strict=True):
            before = None if pd.isna(old) else self.now.known(old, place)
            after = None if pd.isna(new) else self.new.known(new, place) or new
            possible = {before} if before else self.works.get(old, set()) | {old}
            found.append(after not in possible)
        return pd.Series(found, index=pc4.index, dtype=bool)


def verzuimbeheer(
    routing: pd.DataFrame,
    routed: pd.DataFrame,
    groups: pd.DataFrame,
    in_force: pd.DataFrame,
    teams: pd.DataFrame,
    areas: pd.DataFrame,
    edges: pd.DataFrame,
    seed: int,
) -> Verzuimbeheer:
    """Give every postcode of every team its group.

    Parameters
    ----------
    routing : table ``routing``. routed : as ``ledger.routed_work`` gives it. groups : as ``groups_on`` gives it.
    in_force : the groups in force: pc4, client_group, pw_client, team_id, group_code, share; may be empty.
    teams : every team of the input; its ``verzuimbeheer_code`` is the group in force where ``in_force`` has none.
    areas : one row per postcode. edges : neighbouring postcodes a, b.
    """
    rows = routing[(routing["law"] == ZW) & (routing["client_line"] == VANGNET)]
    units = _units(rows, routed, in_force)
    units["group_code"] = _divided(units, groups, areas.set_index("pc4")[["x_m", "y_m"]], edges, seed)
    table = rows.merge(units[["team_id", "pc4", "group_code"]], on=["team_id", "pc4"])
    table["group_code"] = table["group_code"].astype(object).where(table["group_code"].notna(), None)
    names = ["pc4", "pc6_from", "pc6_to", "client_group", "pw_client", "law", "team_id", "group_code", "share"]
    now = _groups(in_force, _codes(teams))
    first = groups.drop_duplicates("team_id")
    of_team = {str(team): str(code) for team, code in zip(first["team_id"], first["group_code"], strict=True)}
    works = {str(team): set(codes) for team, codes in groups.groupby("team_id")["group_code"]}
    kept = {key: group for key, group in now.of_area.items() if group in works.get(key[0], ())}
    new = Groups(kept | _groups(units, {}).of_area, of_team)
    return Verzuimbeheer(table[names].reset_index(drop=True), group_table(units, groups), now, new, works)


def _groups(rows: pd.DataFrame, of_team: dict[str, str]) -> Groups:
    known = rows[rows["group_code"].notna()].drop_duplicates(["team_id", "pc4"])
    return Groups(
        dict(zip(zip(known["team_id"], known["pc4"], strict=True), known["group_code"], strict=True)), of_team
    )


def _codes(teams: pd.DataFrame) -> dict[str, str]:
    if "verzuimbeheer_code" not in teams:
        return {}
    last = teams.drop_duplicates("team_id", keep="last").set_index("team_id")["verzuimbeheer_code"]
    return {str(team): str(code) for team, code in last.dropna().items()}


def _units(rows: pd.DataFrame, routed: pd.DataFrame, in_force: pd.DataFrame) -> pd.DataFrame:
    """What is divided: a row per team and postcode, with its ZW work (hours, clients a year) and its group now."""
    order = rows.assign(other=rows["client_group"] != REGULAR_GROUP).sort_values(
        ["team_id", "pc4", "other", "client_group", "pw_client"]
    )
    units = order.drop_duplicates(["team_id", "pc4"])[["team_id", *SEGMENT]].reset_index(drop=True)
    work = routed[routed["law"] == ZW]
    amounts = {"hours": "hours_verzekeringsarts", "clients": "planned_clients"}
    sums = work[["team_id", "pc4"]].assign(**{new: work[old] * work["share"] for new, old in amounts.items()})
    sums = sums.groupby(["team_id", "pc4"])[list(amounts)].sum().reset_index()
    units = units.merge(sums, on=["team_id", "pc4"], how="left").fillna({"hours": 0.0, "clients": 0.0})
    held = in_force[in_force["group_code"].notna()].rename(columns={"team_id": "team_now", "group_code": "now"})
    both = units[["team_id", *SEGMENT]].merge(held[[*SEGMENT, "team_now", "now", "share"]], on=SEGMENT)
    both = both.assign(own=both["team_id"] == both["team_now"])
    both = both.sort_values(["own", "share", "now"], ascending=[False, False, True])
    best = both.drop_duplicates(["team_id", "pc4"])[["team_id", "pc4", "now"]]
    return units.merge(best, on=["team_id", "pc4"], how="left")


def _divided(
    units: pd.DataFrame, groups: pd.DataFrame, places: pd.DataFrame, edges: pd.DataFrame, seed: int
) -> pd.Series:
    """The group of each unit; None where no group works with the team."""
    found = pd.Series(None, index=units.index, dtype=object)
    fte = groups.drop_duplicates("group_code").set_index("group_code")["fte"]
    works = set(zip(groups["team_id"], groups["group_code"], strict=True))
    of_team = units.groupby("team_id").indices
    borders = _Borders.of(places.index, edges)
    for codes, teams in _together(groups):
        rows = _rows_of(of_team, teams)
        if not len(rows):
            continue
        mine = units.iloc[rows]
        mask = np.array([[(team, code) in works for code in codes] for team in mine["team_id"]])
        if (mask.sum(axis=1) == 1).all():
            plan = mask.argmax(axis=1)
        else:
            plan = _plan(_problem(mine, codes, fte.loc[codes].to_numpy(float), mask, places, borders), seed)
        found.iloc[rows] = np.asarray(codes, dtype=object)[plan]
    return found


def _rows_of(of_team: Mapping[Hashable, Any], teams: list[str]) -> NDArray[np.int64]:
    """The places of all units of ``teams``, in order."""
    return np.sort(np.concatenate([of_team.get(team, NO_ROWS) for team in teams]))


def _together(groups: pd.DataFrame) -> list[tuple[list[str], list[str]]]:
    """Groups that have a team in common, directly or by others, with all their teams; in order of the first code."""
    group, codes = pd.factorize(groups["group_code"], sort=True)
    team, names = pd.factorize(groups["team_id"], sort=True)
    size = len(codes) + len(names)
    if not size:
        return []
    graph = coo_array((np.ones(len(group)), (group, len(codes) + team)), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    found = dict.fromkeys(label[: len(codes)])
    return [
        (list(codes[label[: len(codes)] == one]), list(names[label[len(codes) :] == one])) for one in found
    ]  # fmt: skip


def _problem(
    units: pd.DataFrame,
    codes: list[str],
    fte: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    places: pd.DataFrame,
    borders: _Borders,
) -> Problem:
    hours = units["hours"].to_numpy(float)
    xy_m = places.loc[units["pc4"]].to_numpy(float)
    position = {code: at for at, code in enumerate(codes)}
    current = np.array([position.get(code, -1) for code in units["now"]])
    return Problem(
        unit_ids=tuple(units["team_id"] + "/" + units["pc4"]),
        team_ids=tuple(codes),
        xy_m=xy_m,
        demand=hours if hours.sum() > 0 else np.ones(len(units)),
        edges=(pairs := _neighbours(units["pc4"], borders, xy_m)),
        border_m=np.zeros(len(pairs)),
        capacity=fte,
        tolerance=TOLERANCE,
        weights=Weights(travel=0.0, cut_edges=1.0, moved=MOVED_PER_UNIT * len(units)),
        current=current,
        allowed=allowed,
    )


def _plan(problem: Problem, seed: int) -> NDArray[np.int64]:
    """What is in force where that keeps the rules, else the best division found."""
    assert problem.current is not None
    if (problem.current >= 0).all() and not check(problem, problem.current):
        return problem.current
    return solve(problem, Stop(seconds=None, iterations=ITERATIONS), seed).plan


@dataclass(frozen=True)
class _Borders:
    """Neighbouring postcodes by their numbers in ``pc4``: ``a`` and ``b``, as long as there are borders."""

    pc4: pd.Index
    a: NDArray[np.int64]
    b: NDArray[np.int64]

    @classmethod
    def of(cls, pc4: pd.Index, edges: pd.DataFrame) -> _Borders:
        return cls(pc4, pc4.get_indexer(pd.Index(edges["a"])), pc4.get_indexer(pd.Index(edges["b"])))

    def within(self, numbers: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        """The borders of which both sides are among ``numbers``."""
        is_here = np.zeros(len(self.pc4) + 1, dtype=bool)  # the last: of a side that is no area
        is_here[numbers] = True
        here = is_here[self.a] & is_here[self.b]
        return zip(self.a[here].tolist(), self.b[here].tolist(), strict=True)


def _neighbours(pc4: pd.Series, borders: _Borders, xy_m: NDArray[np.float64]) -> NDArray[np.int64]:
    """Pairs of units in one postcode or in neighbouring ones; what then is apart is joined where it is nearest."""
    numbers = borders.pc4.get_indexer(pd.Index(pc4))
    units: dict[int, list[int]] = {}
    for unit, number in enumerate(numbers.tolist()):
        units.setdefault(number, []).append(unit)
    found = [(one, other) for one, at in enumerate(numbers.tolist()) for other in units[at] if one < other]
    found += [pair for a, b in borders.within(numbers) for pair in product(units[a], units[b])]
    pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
    while True:
        graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(pc4), len(pc4)))
        count, label = connected_components(graph, directed=False)
        if count == 1:
            return pairs
        loose = label == np.bincount(label).argmin()
        apart = cdist(xy_m[loose], xy_m[~loose])
        one, other = divmod(int(apart.argmin()), apart.shape[1])
        bridge = [np.flatnonzero(loose)[one], np.flatnonzero(~loose)[other]]
        pairs = np.vstack([pairs, bridge])


def group_table(units: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """A row per group: group_code, teams (joined by |), fte, areas, hours and clients (ZW, a year), target_hours (its
    share by fte of the work that its set of groups has), deviation, areas_changed (had another group), last_day."""
    once = groups.drop_duplicates("group_code").set_index("group_code")
    teams_of = groups.groupby("group_code")["team_id"].agg("|".join)
    hours, clients, pc4 = units["hours"].to_numpy(float), units["clients"].to_numpy(float), units["pc4"].to_numpy()
    of_team, of_group = units.groupby("team_id").indices, units.groupby("group_code").indices
    is_changed = (units["now"].notna() & (units["now"] != units["group_code"])).to_numpy()
    rows = []
    for codes, teams in _together(groups):
        together = hours[_rows_of(of_team, teams)].sum()
        fte = [float(each) for each in once["fte"].loc[codes]]
        for code, each in zip(codes, fte, strict=True):
            own = of_group.get(code, NO_ROWS)
            target, work = float(together) * each / sum(fte), float(hours[own].sum())
            rows.append({
                "group_code": code,
                "teams": teams_of[code],
                "fte": each,
                "areas": len(set(pc4[own])),
                "hours": work,
                "clients": float(clients[own].sum()),
                "target_hours": target,
                "deviation": (work - target) / target if target > 0 else 0.0,
                "areas_changed": int(is_changed[own].sum()),
                "last_day": once["last_day"].loc[code],
            })  # fmt: skip
    columns = ["group_code", "teams", "fte", "areas", "hours", "clients", "target_hours", "deviation", "areas_changed",
               "last_day"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).astype({"last_day": "datetime64[ns]"})
