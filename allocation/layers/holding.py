"""Who holds the files of existing clients, and which of those a team may keep (R18, R19).

Belongs here: the holder of every file in stock, and why a holder may not keep one. Both depend on the input, the
routing in force and the first day alone, so that they are known before the division is made. Does not belong here:
where the other files go (``outcome.transition``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.config import Config
from allocation.contract.vocabulary import ALL_LINES, KIND_OF, PW, values_of
from allocation.demand.lines import by_line, vangnet_part
from allocation.intake.inputs import Inputs
from allocation.intake.roster import active_locks, active_teams, widened
from allocation.layers.work import SPECIAL, capacity_hours, product_norms, served_by

SEGMENT = ["pc4", "client_group", "pw_client", "law", "line"]
"""What routing decides by; ``line`` is the line that serves the client."""
STOCK_KEY = ["pc4", "product", "client_line", "client_group", "pw_client"]


class Reason(StrEnum):
    """Why a file stays or goes. Sentences are made where they are shown."""

    SAME = "same"
    KEEPS = "keeps"
    POLICY = "policy"
    UNKNOWN = "unknown"
    CENTRAL = "central"
    ENDED = "ended"
    NOT_STARTED = "not_started"
    NO_PHYSICIAN = "no_physician"
    SPECIAL_GROUP = "special_group"
    PW_CLIENT = "pw_client"
    OTHER_CLIENTS = "other_clients"
    LAW = "law"
    LINE = "line"
    REGION = "region"
    BARRED = "barred"


class Member(NamedTuple):
    """A team on the first day; ``served``: region numbers."""

    kind: str
    is_active: bool
    starts_later: bool
    has_hours: bool
    groups: frozenset[str]
    laws: frozenset[str]
    lines: frozenset[str]
    served: frozenset[int]


@dataclass(frozen=True)
class Roster:
    """The teams as they are on the first day, as far as keeping a file depends on it.

    ``teams``: every team that ever was, by team_id. ``bars``: (team_id, pc4, client_line), the line may be ``alle``.
    """

    teams: dict[str, Member]
    bars: frozenset[tuple[str, str, str]]

    @classmethod
    def of(cls, inputs: Inputs, day: date, config: Config) -> Roster:
        """The roster of ``day``."""
        periods = inputs.teams
        active = active_teams(periods, day)
        last = periods.sort_values("valid_from").drop_duplicates("team_id", keep="last")
        rows = pd.concat([active, last[~last["team_id"].isin(active["team_id"])]])
        links = [set(group.dropna().astype(int)) for _, group in inputs.clusters.groupby("cluster")["region"]]
        hours = capacity_hours(active, day, config)["verzekeringsarts"]
        serving = set(active["team_id"])
        teams = {
            str(row.team_id): Member(
                kind=str(row.kind),
                is_active=row.team_id in serving,
                starts_later=bool(row.valid_from > pd.Timestamp(day)),
                has_hours=hours.get(row.team_id, 0.0) > 0,
                groups=values_of(row.client_groups),
                laws=values_of(row.laws),
                lines=values_of(row.client_lines),
                served=frozenset(widened(map(int, row.regions), links)),
            )
            for row in cast("Any", rows.itertuples())
        }
        locks = active_locks(inputs.locks, day)
        bars = locks.loc[locks["kind"] == "bar", ["team_id", "area", "client_line"]].fillna({"client_line": ALL_LINES})
        return cls(teams, frozenset(bars.itertuples(index=False, name=None)))

    def refusal(self, files: pd.DataFrame) -> pd.Series:
        """Why the holder of each file may not keep it; missing where it may.

        Parameters
        ----------
        files : team_id (the holder), pc4, region (number), client_group, law, line, serves (``served_by``).
        """
        found = self.refusal_anywhere(files)
        is_elsewhere = found.isna() & (files["serves"] != SPECIAL) & ~self._serves_region(files)
        found = found.mask(is_elsewhere, Reason.REGION)
        return found.where(found.notna() | ~self.is_barred(files), Reason.BARRED)

    def refusal_anywhere(self, files: pd.DataFrame) -> pd.Series:
        """The same as far as it does not depend on the place: team_id, client_group, law, line, serves."""
        columns = ["team_id", "client_group", "law", "line", "serves"]
        case = files.groupby(columns, dropna=False, sort=False).ngroup()
        cases = files.loc[~case.duplicated(), columns]  # in the order of their numbers
        reasons = np.array([self._of_case(*one) for one in cases.itertuples(index=False, name=None)], dtype=object)
        return pd.Series(reasons[case.to_numpy()], index=files.index, dtype=object)

    def _of_case(self, team_id: str, group: str, law: str, line: str, serves: str) -> Reason | None:
        team = self.teams.get(team_id)
        if team is None:
            return Reason.ENDED
        if not team.is_active:
            return Reason.NOT_STARTED if team.starts_later else Reason.ENDED
        if not team.has_hours:
            return Reason.NO_PHYSICIAN
        if serves == SPECIAL and (team.kind != SPECIAL or group not in team.groups):
            return Reason.SPECIAL_GROUP
        if serves != SPECIAL and team.kind != KIND_OF[serves]:
            return Reason.PW_CLIENT if serves == PW else Reason.OTHER_CLIENTS
        if serves != PW and law not in team.laws:
            return Reason.LAW
        return Reason.LINE if serves != PW and line not in team.lines else None

    def _serves_region(self, files: pd.DataFrame) -> pd.Series:
        """Whether the holder of each file serves its region."""
        pair = files.groupby(["team_id", "region"], dropna=False, sort=False).ngroup()
        pairs = files.loc[~pair.duplicated(), ["team_id", "region"]].itertuples(index=False, name=None)
        serves = np.array([team in self.teams and region in self.teams[team].served for team, region in pairs], bool)
        return pd.Series(serves[pair.to_numpy()], index=files.index)

    def is_barred(self, files: pd.DataFrame) -> pd.Series:
        """Whether a lock keeps the holder from the postcode of each file: team_id, pc4, line."""
        barred = files["pc4"].isin({pc4 for _, pc4, _ in self.bars}).to_numpy(copy=True)
        mine = files[barred]
        cases = zip(mine["team_id"], mine["pc4"], mine["line"], strict=True)
        barred[barred] = [
            (team, pc4, line) in self.bars or (team, pc4, ALL_LINES) in self.bars for team, pc4, line in cases
        ]
        return pd.Series(barred, index=files.index, dtype=bool)


def held_files(
    inputs: Inputs,
    parts: pd.DataFrame,
    regions: pd.Series,
    routing_in_force: pd.DataFrame,
    files_in_force: pd.DataFrame,
    roster: Roster,
    config: Config,
) -> pd.DataFrame:
    """Every file in stock with its holder, in whole clients, and why the holder may not keep it.

    Parameters
    ----------
    parts : as ``demand.lines.line_parts`` gives it. regions : region number, indexed by pc4.
    routing_in_force : table ``routing`` of the day before; empty when nothing is in force.
    files_in_force : table ``files`` of the version of the day before when that began after the stock was counted; else
        empty. A team that had to give a file up then has it no more: it is with the team of ``routing_in_force``.

    Returns
    -------
    STOCK_KEY, law, line (that serves the client), serves (``served_by``), region, team_id (the holder; missing =
    unknown), clients (whole, 0 where files are divided and none is left; sums to the stock), is_central and refusal
    (a ``Reason``; missing where the holder may keep the file, is unknown, or the product is central).
    """
    key = [*STOCK_KEY, "pc4_in_file", "team_id"]
    rows = inputs.stock.groupby(key, dropna=False)["clients"].sum().reset_index()
    rows = rows[rows["clients"] > 0]
    norms = product_norms(inputs.products, config)
    rows = rows.assign(
        law=rows["product"].map(norms["law"]),
        is_central=rows["product"].map(norms["is_central"]).astype(bool),
        region=rows["pc4"].map(regions),
        serves=served_by(rows, config),
    )
    rows["vangnet_part"] = vangnet_part(rows.assign(rate_region=rows["region"].astype(str)), parts)
    rows = rows.assign(row=np.arange(len(rows)))
    rows = whole_clients(by_line(rows), ["row"], ["line"]).drop(columns=["part", "vangnet_part"])
    rows["team_id"] = rows["team_id"].astype(object).mask(_given_up(rows, files_in_force))
    rows = _with_holders(rows, routing_in_force)
    rows = with_refusals(rows, roster)
    columns = [*STOCK_KEY, "law", "line", "serves", "region", "team_id", "is_central", "refusal"]
    return rows.groupby(columns, dropna=False)["clients"].sum().reset_index()


def _given_up(rows: pd.DataFrame, files: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows are of files that table ``files`` takes from the team that the stock names.

    The row that names team and postcode decides, else the one of the team; of a team that has none nothing stayed.
    """
    if files.empty:
        return np.zeros(len(rows), dtype=np.bool_)
    gone = (rows["team_id"].notna() & ~rows["is_central"]).to_numpy(copy=True)
    segment = ["team_id", "law", "line", "client_group", "pw_client"]
    says = files.rename(columns={"team_from": "team_id", "client_line": "line", "pc4": "place"})
    place = rows["pc4_in_file"].where(rows["pc4_in_file"].isin(says["place"].unique()), rows["pc4"])
    asked = rows[segment].assign(place=place)[gone].astype({"team_id": "str"})
    near = asked.merge(says[[*segment, "place", "team_to"]], on=[*segment, "place"], how="left")["team_to"]
    wide = asked.merge(says.loc[says["place"] == "*", [*segment, "team_to"]], on=segment, how="left")["team_to"]
    stays_with = near.where(near.notna(), wide).to_numpy(dtype=object)
    gone[gone] = stays_with != asked["team_id"].to_numpy(dtype=object)
    return gone


def with_refusals(files: pd.DataFrame, roster: Roster) -> pd.DataFrame:
    """``files`` with the column ``refusal`` as ``roster`` has it; for a planner who changes teams or locks, anew."""
    known = files["team_id"].notna() & ~files["is_central"]
    return files.assign(refusal=roster.refusal(files[known]).reindex(files.index))


def _with_holders(rows: pd.DataFrame, routing: pd.DataFrame) -> pd.DataFrame:
    """Give rows without a team the teams of the routing in force, in whole clients by share, where it has any.

    The routing is asked for the postcode as the stock has it: a postcode that is gone still tells which team had it.
    """
    shares = segment_shares(routing)
    known_places = set(shares["pc4"])
    place = rows["pc4_in_file"].where(rows["pc4_in_file"].isin(known_places), rows["pc4"])
    unknown = rows["team_id"].isna() & ~rows["is_central"]
    asked = rows[unknown].drop(columns="team_id").assign(place=place[unknown], row=np.arange(int(unknown.sum())))
    spread = asked.merge(shares.rename(columns={"pc4": "place", "share": "part"}), on=["place", *SEGMENT[1:]])
    without = asked[~asked["row"].isin(spread["row"])].assign(team_id=None)
    found = whole_clients(spread, ["row"], ["team_id"])
    return pd.concat([rows[~unknown], found[rows.columns], without[rows.columns]], ignore_index=True)


def segment_shares(routing: pd.DataFrame) -> pd.DataFrame:
    """The share of each team in a segment, over PC6 ranges and the rest of the postcode: SEGMENT, team_id, share.

    ``routing`` : table ``routing``.
    """
    named = routing.rename(columns={"client_line": "line"})
    return named.groupby([*SEGMENT, "team_id"])["share"].sum().reset_index()


def whole_clients(rows: pd.DataFrame, unit: Sequence[str], order: Sequence[str]) -> pd.DataFrame:
    """``rows`` with ``clients`` x ``part`` in whole clients, by largest remainder within each ``unit``.

    The parts of a unit sum to 1 and its rows repeat its clients; the whole clients sum to those. ``order`` breaks ties.
    Rows that get no client stay: which rows there are would tell how many clients the others have (R14).
    """
    exact = rows["clients"] * rows["part"]
    floor = np.floor(exact + 1e-9)
    short = rows["clients"] - floor.groupby([rows[name] for name in unit]).transform("sum")
    rows = rows.assign(floor=floor, left=(exact - floor).round(9), short=short)  # equal remainders differ in floats
    rows = rows.sort_values([*unit, "left", *order], ascending=[*(True for _ in unit), False, *(True for _ in order)])
    rank = rows.groupby(list(unit)).cumcount()
    rows["clients"] = (rows["floor"] + (rank < rows["short"].round())).astype("int64")
    return rows.drop(columns=["floor", "left", "short"])


def stays(files: pd.DataFrame, config: Config) -> NDArray[np.bool_]:
    """Which rows of ``held_files`` stay with their holder under the run's policy."""
    kept = files["team_id"].notna() & files["refusal"].isna() & ~files["is_central"]
    return (kept & (config.continuity == "stay")).to_numpy()


def follows(files: pd.DataFrame, config: Config) -> NDArray[np.bool_]:
    """Which rows of ``held_files`` go to the teams of their postcode: those that do not stay and are not done
    centrally."""
    return np.asarray(~stays(files, config) & ~files["is_central"].to_numpy(dtype=np.bool_))
