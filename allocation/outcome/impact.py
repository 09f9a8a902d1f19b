"""What a division means for each division of UWV, beside the other common rule: last digits of the BSN (R13).

The board asked for this analysis when it chose for postcodes. Every figure stands for the division in force (``now``),
for the proposal (``new``), and where it makes sense for clients spread evenly over all teams of their office (``bsn``).

Belongs here: those figures. Does not belong here: making or showing a division.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from allocation.outcome.solved import Solved

DIGITS = 100
"""The last two digits of a BSN: the finest cut in use; the simulation deals these out in equal runs."""


def impact_table(
    solved: Sequence[Solved],
    now: pd.DataFrame,
    changes: pd.DataFrame,
    transition: pd.DataFrame,
    teams: pd.DataFrame,
    areas: pd.DataFrame,
    products: pd.DataFrame,
) -> pd.DataFrame:
    """One row per division and subject: division, subject (Dutch), unit, now, new, bsn (empty where it has no meaning).

    Parameters
    ----------
    solved : the layers with their plans. now : the division in force. teams : every team of the input, also ended ones.
    products : with the ``law`` of each.
    """
    office_of = teams.drop_duplicates("team_id", keep="last").set_index("team_id")["office"]
    units = _units(solved, now, office_of, areas)
    moved = transition[transition["movement"] == "verhuist"]
    moved = moved.assign(law=moved["product"].map(products.set_index("product")["law"].to_dict()))
    rows = [*_smz(units, moved), *_uitkeren(units, moved, changes), *_werkbedrijf(units), *_kens(units, changes, moved)]
    rows += _bezwaar(units, moved, office_of)
    columns = ["division", "subject", "unit", "now", "new", "bsn"]
    return pd.DataFrame(rows, columns=columns).astype({"now": "float64", "new": "float64", "bsn": "float64"})


def _units(solved: Sequence[Solved], now: pd.DataFrame, office_of: pd.Series, areas: pd.DataFrame) -> pd.DataFrame:
    """Every unit of every layer: pc4, gemeente, demand, team and office now and new, km, and what BSN would give."""
    gemeente = areas.set_index("pc4")["gemeente_code"]
    pairs = {(one.layer.law_domain, one.layer.client_line) for one in solved}
    held = {pair: _held(now, *pair) for pair in pairs}
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
        offices = np.asarray([office_of[team] for team in ids], dtype=object)
        size = pd.Series(offices).value_counts()
        frame["office_bsn"] = offices[nearest]
        frame["teams_bsn"] = [int(size[office]) for office in frame["office_bsn"]]
        frames.append(frame)
    units = pd.concat(frames, ignore_index=True)
    units["gemeente"] = units["pc4"].map(gemeente.to_dict())
    units["office_new"], units["office_now"] = units["new"].map(office_of), units["now"].map(office_of)
    return units


def _held(now: pd.DataFrame, law_domain: str, client_line: str) -> dict[str, str]:
    """The team of each pc4 in the division ``now`` for a layer: of its own line where that has one, with most share."""
    rows = now[now["law_domain"] == law_domain]
    rows = rows.assign(own=rows["client_line"] == client_line).sort_values(["own", "share"], ascending=False)
    rows = rows.drop_duplicates("pc4")
    return dict(zip(rows["pc4"], rows["team_id"], strict=True))


def _mean(values: pd.Series, weights: pd.Series) -> float:
    known = values.notna() & (weights > 0)
    return float(np.average(values[known], weights=weights[known])) if known.any() else float("nan")


Row = tuple[str, str, str, float | None, float | None, float | None]


def _smz(units: pd.DataFrame, moved: pd.DataFrame) -> list[Row]:
    km = [_mean(units[f"km_{which}"], units["hours"]) for which in ("now", "new", "bsn")]
    ended = units["now"].notna() & ~units["now"].isin(units["new"])
    fewer = [1 / k for k in units["teams_bsn"]]
    redealt = units["teams_bsn"].map({k: redealt_share(k) for k in units["teams_bsn"].unique()})
    return [
        ("SMZ", "gemiddelde afstand van cliënt tot kantoor", "km", km[0], km[1], km[2]),
        ("SMZ", "werk zonder team in de verdeling van nu (team beëindigd of nieuw gebied)", "uur per jaar",
         float(units.loc[ended | units["now"].isna(), "hours"].sum()), 0.0, None),
        ("SMZ", "dossiers die naar een ander team verhuizen", "cliënten", None, float(moved["clients"].sum()), None),
        ("SMZ", "deel van de cliënten van een kantoor dat van team wisselt als één team stopt", "aandeel",
         None, _mean(pd.Series(fewer, index=units.index), units["hours"]), _mean(redealt, units["hours"])),
    ]  # fmt: skip


def redealt_share(teams: int) -> float:
    """Share of an office's clients that change team when one of ``teams`` stops and BSN digits are dealt out anew.

    The digits 00-99 are dealt in equal runs to the teams, before and after; the middle team stops. With one team all
    clients leave the office: 1.
    """
    if teams == 1:
        return 1.0
    digits = np.arange(DIGITS)
    before = digits * teams // DIGITS
    left = [team for team in range(teams) if team != teams // 2]
    after = np.asarray(left)[digits * (teams - 1) // DIGITS]
    return float((before != after).mean())


def _uitkeren(units: pd.DataFrame, moved: pd.DataFrame, changes: pd.DataFrame) -> list[Row]:
    regular = units[units["law_domain"] == "zw_wia"]
    per_postcode = [regular.groupby("pc4")[which].nunique().mean() for which in ("now", "new")]
    zw = moved[moved["law"] == "ZW"]
    return [
        ("Uitkeren", "teams waarmee één postcode te maken heeft (ZW en WIA)", "teams", float(per_postcode[0]),
         float(per_postcode[1]), _mean(regular["teams_bsn"].astype(float), regular["hours"])),
        ("Uitkeren", "postcodes die naar een andere groep medewerkers verzuimbeheer gaan", "postcodes", None,
         float(changes.loc[changes["law_domain"] == "zw_wia", "pc4"].nunique()), None),
        ("Uitkeren", "ZW-cliënten die een andere medewerker verzuimbeheer krijgen", "cliënten", None,
         float(zw["clients"].sum()), None),
    ]  # fmt: skip


def _werkbedrijf(units: pd.DataFrame) -> list[Row]:
    per_gemeente = {which: units.groupby("gemeente")[which].nunique() for which in ("now", "new")}
    offices = units.drop_duplicates(["gemeente", "office_bsn", "law_domain", "client_line"])
    bsn = offices.groupby("gemeente")["teams_bsn"].sum()
    return [
        ("Werkbedrijf", "teams waarmee een gemeente te maken heeft, gemiddeld", "teams",
         float(per_gemeente["now"].mean()), float(per_gemeente["new"].mean()), float(bsn.mean())),
        ("Werkbedrijf", "teams waarmee een gemeente te maken heeft, meeste", "teams",
         float(per_gemeente["now"].max()), float(per_gemeente["new"].max()), float(bsn.max())),
    ]  # fmt: skip


def _kens(units: pd.DataFrame, changes: pd.DataFrame, moved: pd.DataFrame) -> list[Row]:
    regular = units[units["law_domain"] == "zw_wia"]
    one_answer = [
        float((regular.groupby(["pc4", "client_line"])[which].nunique() == 1).mean()) for which in ("now", "new")
    ]
    return [
        ("K&S", "deel van de postcodes waarvoor de postcode het team bepaalt (ZW en WIA)", "aandeel", one_answer[0],
         one_answer[1], float((regular["teams_bsn"] == 1).mean())),
        ("K&S", "postcodes waarvoor het antwoord verandert", "postcodes", None, float(changes["pc4"].nunique()), None),
        ("K&S", "cliënten die een brief nodig hebben: hun dossier verhuist", "cliënten", None,
         float(moved["clients"].sum()), None),
    ]  # fmt: skip


def _bezwaar(units: pd.DataFrame, moved: pd.DataFrame, office_of: pd.Series) -> list[Row]:
    other = moved["team_from"].map(office_of) != moved["team_to"].map(office_of)
    offices = [float(units.groupby("gemeente")[f"office_{which}"].nunique().mean()) for which in ("now", "new", "bsn")]
    return [
        ("B&B", "dossiers die naar een ander kantoor verhuizen", "cliënten", None,
         float(moved.loc[other & moved["team_from"].notna(), "clients"].sum()), None),
        ("B&B", "kantoren per gemeente, gemiddeld", "kantoren", offices[0], offices[1], offices[2]),
    ]  # fmt: skip
