"""What another allocation of areas means for each division of UWV, beside the other common rule: BSN digits (R13).

The board asked for this analysis when it chose for postcodes. Every figure stands for the division in force (``now``;
empty where nothing is in force), for the proposal (``new``), and where it makes sense for clients spread evenly over
all teams of their office (``bsn``).

Belongs here: those figures. Does not belong here: making or showing a division.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from allocation.contract.vocabulary import MOVES
from allocation.layers.current import by_line_of, line_hours, main_teams, rows_of_line
from allocation.outcome.offices import Offices
from allocation.outcome.solved import Solved
from allocation.outcome.verzuimbeheer import Verzuimbeheer


def impact_table(
    solved: Sequence[Solved],
    now: pd.DataFrame,
    changes: pd.DataFrame,
    transition: pd.DataFrame,
    teams: pd.DataFrame,
    offices: Offices,
    routing: pd.DataFrame,
    areas: pd.DataFrame,
    products: pd.DataFrame,
    expected: pd.DataFrame,
    uitkeren: Verzuimbeheer,
) -> pd.DataFrame:
    """One row per division and subject: division, subject (Dutch), unit, now, new, bsn (empty where it has no meaning),
    and ``seen``: of a number of clients what the readers' edition rounds, so that no cell of ``transition`` follows.

    Parameters
    ----------
    solved : the layers with their plans. now : the division in force. teams : every team of the input, also ended ones.
    transition : the table, with ``seen`` of ``small_counts.clients_seen``.
    offices : the office of each team now and new. routing : the new one; with the pc4 and team of each row.
    products : with the ``law`` of each. expected : as ``transition.expected_per_area`` gives it.
    uitkeren : the groups of medewerkers verzuimbeheer, now and new.
    """
    last = teams.drop_duplicates("team_id", keep="last").set_index("team_id")
    units = _units(solved, now, last, offices, areas, expected)
    clients = transition.assign(law=transition["product"].map(products.set_index("product")["law"].to_dict()))
    moved = clients[clients["movement"] == MOVES]
    rows = [
        *_smz(units, moved),
        *_uitkeren(units, clients, changes, uitkeren),
        *_werkbedrijf(units),
        *_kens(units, _other_answers(changes, routing, offices), moved),
    ]
    rows += _bezwaar(units, clients, offices)
    columns = ["division", "subject", "unit", "now", "new", "bsn", "seen"]
    table = pd.DataFrame([(*row, None)[: len(columns)] for row in rows], columns=columns)
    return table.astype(dict.fromkeys(columns[3:], "float64"))


def _units(
    solved: Sequence[Solved],
    now: pd.DataFrame,
    last: pd.DataFrame,
    offices: Offices,
    areas: pd.DataFrame,
    expected: pd.DataFrame,
) -> pd.DataFrame:
    """Every unit of every layer: pc4, gemeente, demand, team and office now and new, km, and what BSN would give.

    ``last``: the last period of every team.
    """
    gemeente = areas.set_index("pc4")["gemeente_code"]
    pairs = {(one.layer.law_domain, one.layer.client_line) for one in solved}
    held = {pair: _held(now, *pair, expected, areas, last) for pair in pairs}
    frames = []
    for one in solved:
        problem, ids = one.layer.problem, np.asarray(one.layer.problem.team_ids, dtype=object)
        frame = one.layer.parts[["pc4", "portion"]].assign(
            law_domain=one.layer.law_domain, client_line=one.layer.client_line
        )
        frame["hours"], frame["new"] = problem.demand, ids[one.plan]
        frame["now"] = frame["pc4"].map(held[one.layer.law_domain, one.layer.client_line])
        distance = problem.distance_km
        position = {team: at for at, team in enumerate(problem.team_ids)}
        at_now = frame["now"].map(position).fillna(-1).astype(int).to_numpy()
        every = np.arange(problem.n)
        frame["km_new"] = distance[every, one.plan]
        frame["km_now"] = np.where(at_now >= 0, distance[every, at_now], np.nan)
        nearest = np.where(problem.allowed_mask, distance, np.inf).argmin(axis=1)
        frame["km_bsn"] = distance[every, nearest]
        of_teams = np.asarray([offices.new[team] for team in ids], dtype=object)
        size = pd.Series(of_teams).value_counts()
        frame["office_bsn"] = of_teams[nearest]
        frame["teams_bsn"] = [int(size[office]) for office in frame["office_bsn"]]
        frames.append(frame)
    units = pd.concat(frames, ignore_index=True)
    units["gemeente"] = units["pc4"].map(gemeente.to_dict())
    units["office_new"], units["office_now"] = units["new"].map(offices.new), units["now"].map(offices.now)
    return units


def _held(
    now: pd.DataFrame,
    law_domain: str,
    client_line: str,
    expected: pd.DataFrame,
    areas: pd.DataFrame,
    teams: pd.DataFrame,
) -> dict[str, str]:
    """The team of each pc4 in the division ``now`` for a layer, also one that has ended (``current.main_teams``)."""
    rows = rows_of_line(now[now["law_domain"] == law_domain], client_line)
    rows = by_line_of(rows, client_line, line_hours(expected, law_domain))
    places = areas.set_index("pc4")[["x_m", "y_m"]]
    offices = places.reindex(teams["office_pc4"]).set_axis(teams.index)
    main = main_teams(rows, places.reindex(rows["pc4"].unique()), offices.reindex(rows["team_id"].unique()))
    return {str(pc4): str(team) for pc4, team in main.items()}


def _mean(values: pd.Series, weights: pd.Series) -> float:
    known = values.notna() & (weights > 0)
    return float(np.average(values[known], weights=weights[known])) if known.any() else float("nan")


Row = tuple[str | float | None, ...]
"""The columns of ``impact_table``; the last is left out where a row counts no clients."""


def _clients(division: str, subject: str, cells: pd.DataFrame) -> Row:
    """The row for the clients of so many ``cells`` of ``transition``."""
    return (division, subject, "cliënten", None, float(cells["clients"].sum()), None, float(cells["seen"].sum()))


def _smz(units: pd.DataFrame, moved: pd.DataFrame) -> list[Row]:
    km = [_mean(units[f"km_{which}"], units["hours"]) for which in ("now", "new", "bsn")]
    ended = units["now"].notna() & ~units["now"].isin(units["new"])
    in_force = bool(units["now"].notna().any())
    # One of k teams stops: its part of the clients moves, and no more. With BSN only its digits are dealt out anew.
    stopped = _mean(1 / units["teams_bsn"].astype(float), units["hours"])
    return [
        ("SMZ", "gemiddelde afstand van cliënt tot kantoor", "km", km[0], km[1], km[2]),
        ("SMZ", "werk zonder team in de verdeling van nu (team beëindigd of nieuw gebied)", "uur per jaar",
         float(units.loc[ended | units["now"].isna(), "hours"].sum()) if in_force else None, 0.0, None),
        _clients("SMZ", "dossiers die naar een ander team verhuizen", moved),
        ("SMZ", "deel van de cliënten van een kantoor dat van team wisselt als één team stopt (schatting)", "aandeel",
         None, stopped, stopped),
    ]  # fmt: skip


def _uitkeren(units: pd.DataFrame, clients: pd.DataFrame, changes: pd.DataFrame, uitkeren: Verzuimbeheer) -> list[Row]:
    """Uitkeren works with groups of medewerkers verzuimbeheer: a move within a group is none for them, and a postcode
    that stays with its team may get another group."""
    regular = units[units["law_domain"] == "zw_wia"]
    place = ["pc4", "client_line"]
    sides = {"now": uitkeren.now, "new": uitkeren.new}
    groups = {which: side.of(regular[which], regular["pc4"]) for which, side in sides.items()}
    per_postcode = [regular.assign(group=group).groupby(place)["group"].nunique() for group in groups.values()]
    now = float(per_postcode[0].mean()) if regular["now"].notna().any() else None
    zw = clients[(clients["law"] == "ZW") & clients["team_from"].notna()]
    changed = [
        frame[uitkeren.changes(frame["team_from"], frame["team_to"], frame["pc4"])]
        for frame in (changes[changes["law_domain"] == "zw_wia"], zw)
    ]
    same_team = (regular["now"] == regular["new"]) & uitkeren.changes(regular["now"], regular["new"], regular["pc4"])
    postcodes = set(changed[0]["pc4"]) | set(regular.loc[same_team, "pc4"])
    return [
        ("Uitkeren", "groepen medewerkers verzuimbeheer per postcode en lijn (ZW en WIA)", "groepen", now,
         float(per_postcode[1].mean()), _mean(regular["teams_bsn"].astype(float), regular["hours"])),
        ("Uitkeren", "postcodes die naar een andere groep medewerkers verzuimbeheer gaan", "postcodes", None,
         float(len(postcodes)), None),
        _clients("Uitkeren", "ZW-cliënten die een andere groep medewerkers verzuimbeheer krijgen", changed[1]),
    ]  # fmt: skip


def _if_any(units: pd.DataFrame, value: float) -> float | None:
    """``value`` of now; None where nothing is in force."""
    return float(value) if units["now"].notna().any() else None


def _werkbedrijf(units: pd.DataFrame) -> list[Row]:
    per_gemeente = {which: units.groupby("gemeente")[which].nunique() for which in ("now", "new")}
    offices = units.drop_duplicates(["gemeente", "office_bsn", "law_domain", "client_line"])
    bsn = offices.groupby("gemeente")["teams_bsn"].sum()
    return [
        ("Werkbedrijf", "teams waarmee een gemeente te maken heeft, gemiddeld", "teams",
         _if_any(units, per_gemeente["now"].mean()), float(per_gemeente["new"].mean()), float(bsn.mean())),
        ("Werkbedrijf", "teams waarmee een gemeente te maken heeft, meeste", "teams",
         _if_any(units, per_gemeente["now"].max()), float(per_gemeente["new"].max()), float(bsn.max())),
    ]  # fmt: skip


def _other_answers(changes: pd.DataFrame, routing: pd.DataFrame, offices: Offices) -> set[str]:
    """The postcodes for which K&S tells a client another team or another office."""
    return set(changes["pc4"]) | set(routing.loc[routing["team_id"].isin(offices.moving), "pc4"])


def _kens(units: pd.DataFrame, other_answers: set[str], moved: pd.DataFrame) -> list[Row]:
    regular = units[units["law_domain"] == "zw_wia"]
    one_answer = [
        float((regular.groupby(["pc4", "client_line"])[which].nunique() == 1).mean()) for which in ("now", "new")
    ]
    return [
        ("K&S", "deel van de postcodes waarvoor de postcode het team bepaalt (ZW en WIA)", "aandeel",
         _if_any(regular, one_answer[0]),
         one_answer[1], float((regular["teams_bsn"] == 1).mean())),
        ("K&S", "postcodes waarvoor het antwoord verandert", "postcodes", None, float(len(other_answers)), None),
        _clients("K&S", "cliënten die een brief nodig hebben: hun dossier verhuist", moved),
    ]  # fmt: skip


def _bezwaar(units: pd.DataFrame, clients: pd.DataFrame, offices: Offices) -> list[Row]:
    """A file goes to another office with its team too."""
    held = clients[clients["team_from"].notna()]
    other = held["team_from"].map(offices.now) != held["team_to"].map(offices.new)
    per_gemeente = units.groupby("gemeente")
    many = [float(per_gemeente[f"office_{which}"].nunique().mean()) for which in ("now", "new", "bsn")]
    return [
        _clients("B&B", "dossiers die naar een ander kantoor verhuizen", held[other]),
        ("B&B", "kantoren per gemeente, gemiddeld", "kantoren", _if_any(units, many[0]), many[1], many[2]),
    ]  # fmt: skip
