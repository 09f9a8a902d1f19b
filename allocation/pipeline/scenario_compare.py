"""The outcome of a scenario beside the division in force: for the country, and per region and district.

Belongs here: these figures. Does not belong here: what a scenario is (`scenario`), running it (`run_scenario`).
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from allocation.contract.vocabulary import MONTHS_A_YEAR, MOVES


def compare_with_base(
    base: Mapping[str, pd.DataFrame], found: Mapping[str, pd.DataFrame], areas_moved: int
) -> pd.DataFrame:
    """Figures of the scenario beside those of the division in force: measure, base, scenario.

    ``base`` and ``found``: tables ``team_load``, ``region_summary`` and ``transition`` of the two, by name. The clients
    that move under ``base`` are those that moved, or are still to move, when it came into force.
    """
    before, after = _figures(base), _figures(found)
    rows = [(name, before[name], after[name]) for name in before]
    rows += [("areas that change team", 0.0, float(areas_moved))]
    return pd.DataFrame(rows, columns=["measure", "base", "scenario"])


def _figures(tables_: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    teams, regions, moves = tables_["team_load"], tables_["region_summary"], tables_["transition"]
    divided = teams[teams["kind"] != "bijzonder"]
    hours, capacity = teams["hours_verzekeringsarts"].sum(), teams["capacity_hours_verzekeringsarts"].sum()
    waiting = regions["waiting_months"].dropna()
    return {
        "teams": float(teams["team_id"].nunique()),
        "verzekeringsarts hours asked a year": float(hours),
        "verzekeringsarts hours available a year": float(capacity),
        "asked / available": float(hours / capacity),
        "mean deviation from the target load": float(divided["deviation"].abs().mean()),
        "largest deviation from the target load": float(divided["deviation"].abs().max()),
        "mean distance to the office, km": float(
            (divided["travel_km"] * divided["hours_verzekeringsarts"]).sum() / divided["hours_verzekeringsarts"].sum()
        ),
        "further teams in a gemeente": float(regions["municipality_splits"].sum()),
        "further teams in a care region": float(regions["care_region_splits"].sum()),
        "mean waiting time, months": float(waiting.mean()),
        "difference in waiting time between regions, months": float(waiting.max() - waiting.min()),
        "clients that move": float(moves.loc[moves["movement"] == MOVES, "clients"].sum()),
    }


def side_by_side(compared: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The outcomes of ``compare_with_base``, by name of the scenario, as one table: measure, base, one column each."""
    first = next(iter(compared.values()))
    return first[["measure", "base"]].assign(**{name: table["scenario"] for name, table in compared.items()})


def places_beside(
    base: Mapping[str, pd.DataFrame], found: Mapping[str, pd.DataFrame], districts: pd.Series
) -> pd.DataFrame:
    """Work against capacity and waiting time per cluster of regions and per district, of the scenario and of the base.

    Parameters
    ----------
    base, found : with the table ``team_load`` of the two. districts : district of each team, indexed by team_id;
        missing where none is given.

    Returns
    -------
    level (``regio`` or ``district``), name, base_asked and scenario_asked (hours of verzekeringsartsen asked /
    available), base_waiting and scenario_waiting (months of the files held); missing where the base has none.
    """
    frames = []
    for which, tables_ in (("base", base), ("scenario", found)):
        load = tables_["team_load"]
        load = load[load["kind"] != "bijzonder"].assign(
            district=lambda rows: rows["team_id"].map(districts.to_dict()).astype(object)
        )
        for level, column in (("regio", "cluster"), ("district", "district")):
            sums = (
                load.dropna(subset=[column])
                .groupby(column)[
                    ["hours_verzekeringsarts", "capacity_hours_verzekeringsarts", "files_held_hours_verzekeringsarts"]
                ]
                .sum()
            )
            capacity = sums["capacity_hours_verzekeringsarts"].where(sums["capacity_hours_verzekeringsarts"] > 0)
            frames.append(
                pd.DataFrame(
                    {
                        "which": which,
                        "level": level,
                        "name": sums.index.astype(str),
                        "asked": (sums["hours_verzekeringsarts"] / capacity).to_numpy(),
                        "waiting": (sums["files_held_hours_verzekeringsarts"] / capacity * MONTHS_A_YEAR).to_numpy(),
                    }
                )
            )
    every, key = pd.concat(frames), ["level", "name"]
    sides = [
        every[every["which"] == which].drop(columns="which").set_index(key).add_prefix(f"{which}_")
        for which in ("base", "scenario")
    ]
    both = sides[0].join(sides[1], how="outer").reset_index()
    columns = [*key, "base_asked", "scenario_asked", "base_waiting", "scenario_waiting"]
    return both[columns].sort_values(key, ignore_index=True)
