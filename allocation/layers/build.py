"""Takes special groups, Participatiewet and client lines apart; builds one districting problem per cluster and layer.

A *layer* is a law domain with a client line: ZW and WIA together (line ``alle``, or ``vangnet`` and ``werkgever``
apart where teams of the region serve one line only), and the Participatiewet. A *cluster* is a set of regions solved
together. A *part* is what one team or several teams get of a postcode: the whole of it, or a share when it is split.

Belongs here: which work, areas and teams make up each problem. Does not belong here: solving it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.config import Config
from allocation.contract.errors import InputRefused
from allocation.contract.errors import Problem as InputProblem
from allocation.contract.vocabulary import ALL_LINES, CENTRAL, CLIENT_LINES, KIND_OF, LAW_DOMAINS, PW, values_of
from allocation.districting import Measure, Problem, Weights
from allocation.districting.coverage import groupings_of, named
from allocation.intake.inputs import Inputs
from allocation.intake.roster import active_locks, active_teams, divided_lines, join_regions, widened
from allocation.intake.setting_checks import regions_by_name, unknown_regions
from allocation.layers.country import HOURS, NOBODY, Country
from allocation.layers.current import compared_with
from allocation.layers.layer import Layer
from allocation.layers.splits import split_portions
from allocation.layers.ways import STRAIGHT_LINES, Ways
from allocation.layers.work import capacity_hours

BridgesWithin = Callable[[pd.Series], pd.DataFrame]
"""Extra edges (a, b, border_m) that connect each group of postcodes; from ``geodata.bridges_within``."""


def build_layers(
    inputs: Inputs,
    work: pd.DataFrame,
    areas: pd.DataFrame,
    edges: pd.DataFrame,
    bridges: BridgesWithin,
    config: Config,
    day: date,
    held: pd.DataFrame | None = None,
    ways: Ways = STRAIGHT_LINES,
    places: pd.DataFrame | None = None,
) -> list[Layer]:
    """Every districting problem of the run, in a fixed order.

    Parameters
    ----------
    work : as ``demand.expected.expected_work`` gives it.
    areas, edges : one row per postcode; neighbouring pairs (a, b, border_m).
    day : first day of the new division; teams and locks of that day count.
    held : as ``holding.held_files`` gives it; needed where the balance counts the files that teams hold.
    ways : how far each postcode lies from each office.
    places : where every postcode lies, for an office may lie outside ``areas``; None = all of them are in ``areas``.

    Raises
    ------
    InputRefused
        When a lock names a team that does not serve that postcode, or a law domain has no work at all.
    """
    builder = _Builder(inputs, work, areas, edges, bridges, config, day, held, ways, places)
    layers = [layer for domain in LAW_DOMAINS for layer in builder.layers(domain)]
    builder.refuse_no_work({layer.law_domain for layer in layers})
    builder.refuse_locks_without_effect()
    if builder.problems:
        raise InputRefused(builder.problems)
    return layers


def wanted_regions(config: Config, areas: pd.DataFrame) -> set[int]:
    """The numbers of the regions that are to be divided. Raises ``InputRefused`` when one does not exist."""
    if unknown := unknown_regions(config, areas):
        raise InputRefused(unknown)
    by_name = regions_by_name(areas)
    return {by_name[name.casefold()] for name in config.regions} or set(by_name.values())


NO_WORK = {
    NOBODY: ("inflow.csv", "clients", "no client of {}", "clients of ZW and WIA, and of the Participatiewet"),
    HOURS: ("products.csv", "hours_verzekeringsarts", "no client of {} takes hours of a verzekeringsarts",
            "hours above 0 for the products of which clients come in or are in stock"),
    CENTRAL: ("products.csv", "handled_by", "every client of {} has a product that is handled centrally",
              "team for the products that the teams handle"),
}  # fmt: skip
"""File, column, what is wrong and what is allowed, by why there is no work."""


class _Builder:
    def __init__(
        self,
        inputs: Inputs,
        work: pd.DataFrame,
        areas: pd.DataFrame,
        edges: pd.DataFrame,
        bridges: BridgesWithin,
        config: Config,
        day: date,
        held: pd.DataFrame | None,
        ways: Ways,
        places: pd.DataFrame | None,
    ) -> None:
        self.edges, self.bridges, self.config = edges, bridges, config
        self.country = Country(inputs, work, held, config)
        hours = capacity_hours(inputs.teams, day, config)
        self.capacity, self.capacity_other = hours["verzekeringsarts"], hours["other"]
        self.areas = areas.set_index("pc4", drop=False).sort_index()
        first = self.areas.drop_duplicates("arbeidsmarktregio_nr")
        self.region_name = dict(zip(first["arbeidsmarktregio_nr"].astype(int), first["arbeidsmarktregio"], strict=True))
        self.places = self.areas if places is None else places.set_index("pc4")
        self.clusters = inputs.clusters
        self.teams = active_teams(inputs.teams, day)
        self.locks = active_locks(inputs.locks, day)
        self.current = inputs.current
        self.full_postcodes, self.ways = inputs.full_postcodes, ways
        self.coverage = inputs.coverage[["pc4", "kind", "provider", "share"]]
        self.coverage_at = self.areas.index.get_indexer(pd.Index(self.coverage["pc4"]))
        care = inputs.care_regions.set_index("pc4")["care_region"]
        self.care_region = care if len(care) else self.areas["care_region"]
        self.problems: list[InputProblem] = []
        self.used_locks: set[int] = set()

    def refuse_no_work(self, domains: Collection[str]) -> None:
        """Note each law domain without any work: a plan of nothing deviates by 0% whatever it is."""
        for domain in (one for one in LAW_DOMAINS if one in domains):
            why = self.country.why_no_work(domain)
            if why is not None:
                file, column, what, allowed = NO_WORK[why]
                what = what.format("the Participatiewet" if domain == PW else "ZW and WIA")
                told = f"{what}: the teams have nothing to divide"
                self.problems.append(InputProblem(file, None, column, told, allowed))

    def refuse_locks_without_effect(self) -> None:
        """Note each pin or split that no layer could use as a problem: its team does not serve the postcode or line."""
        for lock in self.locks[self.locks["kind"] != "bar"].itertuples():
            if lock.row not in self.used_locks:
                self._refuse_lock(str(lock.area), str(lock.team_id), "the team does not serve this postcode and line")

    def layers(self, domain: str) -> Iterable[Layer]:
        teams = self.teams[self.teams["kind"] == KIND_OF[domain]]
        named = [
            (str(name), set(group.dropna().astype(int))) for name, group in self.clusters.groupby("cluster")["region"]
        ]
        links = [members for _, members in named]
        regions = [int(nr) for nr in self.areas["arbeidsmarktregio_nr"].unique()]
        joined = join_regions(regions, links + teams["regions"].tolist())
        pairs = self._pairs(joined)
        for members in joined:
            mine = teams[teams["regions"].map(lambda numbers, m=members: bool(set(numbers) & m))]
            mine = mine.assign(served=mine["regions"].map(lambda numbers, m=members: widened(numbers, links) & m))
            for line in divided_lines(mine, KIND_OF[domain]):
                layer = self._layer(self._name(members, named), domain, line, members, mine, pairs)
                if layer is not None:
                    yield layer

    def _coverage(self, pc4: pd.Series) -> tuple[dict[str, NDArray[np.int64]], dict[str, float]]:
        """The groupings of the partners that cover the units, and the price of a split in each."""
        codes: dict[str, NDArray[np.int64]] = {}
        prices: dict[str, float] = {}
        if not self.config.weights.coverage:
            return codes, prices
        units = pd.DataFrame({"pc4": pc4.to_numpy(), "unit": np.arange(len(pc4))})
        rows = units.merge(self.coverage[self._is_covered(pc4)], on="pc4")
        for kind, price in self.config.weights.coverage.items():
            mine = rows[rows["kind"] == kind]
            provider = pd.factorize(mine["provider"], sort=True)[0].astype(np.int64)
            parts = groupings_of(len(units), mine["unit"].to_numpy(np.int64), provider, mine["share"].to_numpy(float))
            for name, (group, part) in named(kind, parts).items():
                codes[name], prices[name] = group, price * part
        return codes, prices

    def _is_covered(self, pc4: pd.Series) -> NDArray[np.bool_]:
        """Which rows of ``coverage`` are of these postcodes."""
        mine = np.zeros(len(self.areas) + 1, dtype=np.bool_)  # the last: of a postcode without an area
        mine[self.areas.index.get_indexer(pd.Index(pc4))] = True
        mine[-1] = False
        return mine[self.coverage_at]

    def _pairs(self, clusters: list[set[int]]) -> pd.DataFrame:
        """Neighbours a, b (positions in ``areas``) with border_m: those of the country, and the bridges that each of
        these clusters needs to be one piece."""
        number = {nr: i for i, members in enumerate(clusters) for nr in members}
        bridges = self.bridges(self.areas["arbeidsmarktregio_nr"].map(number))
        pairs = pd.concat([self.edges, bridges])[["a", "b", "border_m"]].drop_duplicates(["a", "b"])
        ends = {name: self.areas.index.get_indexer(pd.Index(pairs[name])) for name in ("a", "b")}
        return pairs.assign(**ends).query("a >= 0 and b >= 0")

    def _base_load(self, domain: str, line: str, teams: pd.DataFrame) -> NDArray[np.float64] | None:
        """(k,) the balanced hours in files that stay with each team; None where the balance does not count files."""
        hours = self.country.base_hours(domain, line)
        return None if hours is None else hours.reindex(teams["team_id"], fill_value=0.0).to_numpy(dtype=np.float64)

    def _name(self, members: set[int], named: list[tuple[str, set[int]]]) -> str:
        for name, regions in named:
            if regions == members:
                return name
        return " + ".join(str(self.region_name[nr]) for nr in sorted(members))

    def _layer(
        self, cluster: str, domain: str, line: str, members: set[int], teams: pd.DataFrame, neighbours: pd.DataFrame
    ) -> Layer | None:
        areas = self.areas[self.areas["arbeidsmarktregio_nr"].isin(members)]
        clients = self.country.clients(domain, line).reindex(areas.index, fill_value=0.0)
        balanced = self.country.balanced(domain, line).reindex(areas.index, fill_value=0.0)
        capacity = self._capacity(teams, domain, line, members)
        serving = teams[capacity > 0].sort_values("team_id")
        if serving.empty:
            self._refuse_no_team(cluster, domain, line)
            return None
        self._refuse_missing_laws(serving, domain, line)
        capacity = capacity[serving.index]
        parts = self._parts(areas, serving, line)
        at = areas.loc[parts["pc4"]]
        portion = parts["portion"].to_numpy()
        clients = clients.loc[parts["pc4"]].to_numpy() * portion
        pairs = self._edges(neighbours, areas, parts)
        offices = self.places.loc[serving["office_pc4"], ["x_m", "y_m"]].to_numpy(float)
        groupings, prices = self._coverage(parts["pc4"])
        weights = Weights(**self.config.weights.model_dump(exclude={"coverage"}), groupings=prices)
        allowed, fixed = self._allowed(serving, at, parts, line)
        further = self._further(clients, domain, line, parts, serving, capacity)
        problem = Problem(
            unit_ids=tuple(parts["unit"]),
            team_ids=tuple(serving["team_id"]),
            xy_m=at[["x_m", "y_m"]].to_numpy(float),
            demand=balanced.loc[parts["pc4"]].to_numpy() * portion,
            edges=pairs[["a", "b"]].to_numpy(np.int64),
            border_m=pairs["border_m"].to_numpy(float),
            capacity=capacity.to_numpy(float),
            tolerance=self.config.tolerance,
            weights=weights,
            office_xy_m=offices,
            distance_table_km=self.ways.table_km(self.places, parts["pc4"], serving["office_pc4"]),
            municipality=pd.factorize(at["gemeente_code"], sort=True)[0].astype(np.int64),
            groupings=groupings,
            care_region=pd.factorize(self.care_region.reindex(at.index).fillna(""), sort=True)[0].astype(np.int64),
            fixed=fixed,
            allowed=allowed,
            further=further,
            base_load=self._base_load(domain, line, serving),
        )
        layer = Layer(cluster, domain, line, tuple(sorted(members)), problem, parts)
        return compared_with(layer, self.current, self.country.line_hours(domain))

    def _capacity(self, teams: pd.DataFrame, domain: str, line: str, members: set[int]) -> pd.Series:
        """Hours a year per team for this layer (R12). A team that serves both lines where others serve one divides
        its hours so that both lines get the same load per hour of capacity, as far as it can. Readers see the capacity
        as it is, so it is made of work as they know it (R14)."""
        hours = teams["team_id"].map(self.capacity).fillna(0.0)
        if line == ALL_LINES:
            return hours
        serves = {
            name: teams["client_lines"].map(lambda cell, one=name: one in values_of(cell)) for name in CLIENT_LINES
        }
        both = serves[CLIENT_LINES[0]] & serves[CLIENT_LINES[1]]
        has_work = np.zeros(len(self.areas) + 1, dtype=np.bool_)  # the last: of work without an area
        has_work[self.country.place(domain, line, self.areas.index)] = True
        is_member = has_work & np.append(self.areas["arbeidsmarktregio_nr"].isin(members), False)
        asked = {}
        for name in CLIENT_LINES:
            hours_of_rows = self.country.work(domain, name)["known_hours"]
            asked[name] = float(hours_of_rows[is_member[self.country.place(domain, name, self.areas.index)]].sum())
        other = next(name for name in CLIENT_LINES if name != line)
        alone = float(hours[serves[line] & ~both].sum())
        load = (asked[line] + asked[other]) / max(float(hours.sum()), 1e-9)
        part = np.clip((asked[line] / max(load, 1e-9) - alone) / max(float(hours[both].sum()), 1e-9), 0.0, 1.0)
        return (hours * np.where(both, part, 1.0)).where(serves[line], 0.0)

    def _further(
        self, clients: NDArray[np.float64], domain: str, line: str, parts: pd.DataFrame, teams: pd.DataFrame,
        capacity: pd.Series,
    ) -> tuple[Measure, ...]:  # fmt: skip
        """What is balanced beside the work of verzekeringsartsen. ``clients`` (n,) of each unit; ``capacity`` of each
        of ``teams`` in this layer: the other members of a team divide their hours over its layers as it does."""
        measures = []
        if self.config.clients_tolerance is not None:
            measures.append(Measure("clients", clients, capacity.to_numpy(), self.config.clients_tolerance))
        if self.config.other_tolerance is not None:
            of_area = self.country.hours_other(domain, line)
            hours = parts["pc4"].map(of_area).fillna(0.0).to_numpy(float) * parts["portion"].to_numpy(float)
            whole = teams["team_id"].map(self.capacity)
            other = teams["team_id"].map(self.capacity_other) * capacity / whole
            without = teams[~(other > 0)]
            for team_id, row in zip(without["team_id"], without["row"], strict=True):
                what = f"team {team_id} has no other members, and their hours are to be balanced (other_tolerance)"
                problem = InputProblem(
                    "teams.csv", int(row), "fte_other", what, "above 0, or no setting other_tolerance"
                )
                self.problems += [] if problem in self.problems else [problem]
            if hours.sum() > 0 and (other > 0).all():
                measures.append(Measure("hours_other", hours, other.to_numpy(float), self.config.other_tolerance))
        return tuple(measures)

    def _parts(self, areas: pd.DataFrame, teams: pd.DataFrame, line: str) -> pd.DataFrame:
        """The units: each whole postcode; of a split one each part, fixed to its team, and the rest."""
        mine = self.locks[self.locks["area"].isin(areas.index) & self.locks["team_id"].isin(teams["team_id"])]
        mine = mine[mine["client_line"].isna() | (mine["client_line"] == line) | (line == ALL_LINES)]
        if mine.empty:
            return pd.DataFrame(
                {"unit": areas.index, "pc4": areas.index, **dict.fromkeys(("pc6_from", "pc6_to")), "portion": 1.0,
                 **dict.fromkeys(("lock", "reason", "team_id"))}
            ).astype({"unit": object, "pc4": object})  # fmt: skip
        self.used_locks |= set(mine["row"])
        splits = mine[mine["kind"] == "split"].assign(lock="split").drop_duplicates(["pc4", "team_id"])
        splits["portion"] = split_portions(splits, self.full_postcodes)
        splits["unit"] = splits["pc4"].str.replace(" ", "") + "#" + splits["team_id"]
        rest = 1 - splits.groupby("area")["portion"].sum().reindex(areas.index, fill_value=0.0)
        whole = areas.index.isin(splits.loc[splits["pc6_from"].isna(), "area"])
        pins = mine[mine["kind"] == "pin"].assign(lock="pin").drop_duplicates("area").set_index("area")
        plain = pd.DataFrame({"unit": areas.index, "area": areas.index, "portion": rest.clip(lower=0.0)})[~whole]
        plain = plain.reset_index(drop=True).join(pins[["lock", "reason", "team_id"]], on="area")
        columns = ["unit", "area", "pc6_from", "pc6_to", "portion", "lock", "reason", "team_id"]
        parts = pd.concat([plain, splits], ignore_index=True) if len(splits) else plain
        parts = parts.reindex(columns=columns)
        texts = [name for name in columns if name != "portion"]
        parts[texts] = parts[texts].astype(object).where(parts[texts].notna(), None)
        parts = parts.drop(columns="pc4", errors="ignore").rename(columns={"area": "pc4"})
        return parts.sort_values(["pc4", "unit"], ignore_index=True)

    def _edges(self, pairs: pd.DataFrame, areas: pd.DataFrame, parts: pd.DataFrame) -> pd.DataFrame:
        """Neighbouring units by position. Parts of one postcode are neighbours, and have all its neighbours."""
        is_member = self.areas.index.isin(areas.index)
        pairs = pairs[is_member[pairs["a"]] & is_member[pairs["b"]]]
        area = self.areas.index.get_indexer(pd.Index(parts["pc4"]))
        if parts["pc4"].is_unique:
            at = np.full(len(self.areas), -1)
            at[area] = np.arange(len(parts))
            return pairs.assign(a=at[pairs["a"]], b=at[pairs["b"]]).reset_index(drop=True)
        units = pd.DataFrame({"area": area, "at": np.arange(len(parts))})
        pairs = pairs.merge(units, left_on="a", right_on="area").merge(
            units, left_on="b", right_on="area", suffixes=("", "_b")
        )
        pairs = pairs[["at", "at_b", "border_m"]].set_axis(["a", "b", "border_m"], axis=1)
        same = units.merge(units, on="area", suffixes=("", "_b"))
        same = same.loc[same["at"] < same["at_b"], ["at", "at_b"]].set_axis(["a", "b"], axis=1).assign(border_m=0.0)
        return pd.concat([pairs, same], ignore_index=True)

    def _allowed(
        self, teams: pd.DataFrame, at: pd.DataFrame, parts: pd.DataFrame, line: str
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which team may have which unit (n, k), by region (R1) and bars (R9); to which team a unit is fixed (n,)."""
        region = at["arbeidsmarktregio_nr"].to_numpy()
        allowed = np.column_stack([np.isin(region, sorted(served)) for served in teams["served"]])
        position = {team: i for i, team in enumerate(teams["team_id"])}
        bars = self.locks[
            (self.locks["kind"] == "bar")
            & (self.locks["client_line"].isna() | (self.locks["client_line"] == line) | (line == ALL_LINES))
        ]
        for team_id, area in zip(bars["team_id"], bars["area"], strict=True):
            if team_id in position:
                allowed[(parts["pc4"] == area).to_numpy(), position[team_id]] = False
        fixed = np.array([position.get(team, -1) for team in parts["team_id"]], dtype=np.int64)
        held = np.flatnonzero(fixed >= 0)
        for unit in held[~allowed[held, fixed[held]]]:
            row = parts.iloc[unit]
            self._refuse_lock(
                str(row["pc4"]), str(row["team_id"]), "the team does not serve this postcode (region or bar)"
            )
        for unit in np.flatnonzero(~allowed.any(axis=1)):
            self._refuse_lock(
                str(parts["pc4"].iloc[unit]), None, "every team of the region is barred from this postcode"
            )
            allowed[unit] = True  # refused in the end; until then the other problems can still be found
        allowed[held, fixed[held]] = True
        return allowed, fixed

    def _refuse_no_team(self, cluster: str, domain: str, line: str) -> None:
        served = f"of kind {KIND_OF[domain]}" + ("" if line == ALL_LINES else f" for line {line}")
        what = f"region {cluster} has no team {served} with capacity on the first day of the division"
        allowed = "a team for every region, or a cluster with a region that has one"
        self.problems.append(InputProblem("teams.csv", None, "arbeidsmarktregio", what, allowed))

    def _refuse_missing_laws(self, teams: pd.DataFrame, domain: str, line: str) -> None:
        """Note teams that do not serve a law which routing brings them: the ZW goes to the lines vangnet and alle."""
        needed = {"PW"} if domain == PW else {"WIA"} if line == "werkgever" else {"ZW", "WIA"}
        for team_id, laws, row in zip(teams["team_id"], teams["laws"], teams["row"], strict=True):
            missing = needed - values_of(laws)
            if missing:
                what = f"team {team_id} does not serve {', '.join(sorted(missing))}, which its area needs"
                allowed = f"{'|'.join(sorted(needed))} for a team of line {line}"
                problem = InputProblem("teams.csv", int(row), "laws", what, allowed)
                self.problems += [] if problem in self.problems else [problem]

    def _refuse_lock(self, pc4: str, team: str | None, what: str) -> None:
        rows = self.locks[(self.locks["area"] == pc4) & (team is None or self.locks["team_id"] == team)]
        row = int(rows["row"].iloc[0]) if len(rows) else None
        problem = InputProblem(
            "locks.csv",
            row,
            "team_id",
            f"{pc4}, {team or 'all teams'}: {what}",
            "a team that serves the postcode's region and is not barred",
        )
        if problem not in self.problems:
            self.problems.append(problem)
