"""Postcodes of the counts that have no area: which one they count for.

Belongs here: that replacement, and how much of it is a guess. Does not belong here: which number is near
(``geodata.stand_ins``), or what became of a postcode between two editions (``geodata.diff``).
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from allocation.contract.config import Config
from allocation.contract.errors import Problem

STAND_IN_SHARE = 0.05
"""More clients than this at postcodes that only have a stand-in means that the counts are of another edition."""
REPLACED_COLUMNS = ("pc4", "stand_in", "detail", "action")


AREAS_ONLY = (("care_regions", "pc4"), ("coverage", "pc4"), ("travel", "pc4"), ("staff", "pc4"))
"""Tables that tell something of areas: rows of a postcode without one are left out."""


def replace_postcodes(
    frames: dict[str, pd.DataFrame], areas: pd.DataFrame, config: Config, followed: Mapping[str, str]
) -> pd.DataFrame:
    """Give postcodes without an area the one that they count for, in ``frames`` itself; returns what was replaced.

    First as the configuration says, then the successor in the edition in use, then the nearest number (PO boxes and new
    streets: ``geodata.stand_ins``). What none of these knows is left for the checks to refuse. An office gets the
    place of its stand-in; the care region or partner of a postcode without an area is of no use and left out.
    """
    import geodata

    written = {
        (table, column): set(frames[table][column].dropna().unique())
        for table, column in (
            ("inflow", "pc4"),
            ("stock", "pc4"),
            ("teams", "office_pc4"),
            ("travel", "office_pc4"),
            *AREAS_ONLY,
        )
        if table in frames
    }
    used = set().union(*written.values())
    agreed = _agreed(config, areas, used)
    without = used - set(areas["pc4"]) - set(agreed)
    heirs = {code: followed[code] for code in without if code in followed}
    near = geodata.stand_ins(areas["pc4"], without - set(heirs)).dropna(subset=["stand_in"]) if without else None
    rows = [[code, to, "vervangen volgens de instellingen", f"volgt {to}", False] for code, to in agreed.items()]
    rows += [[code, to, "heeft geen eigen vlak in deze editie", f"volgt {to}", False] for code, to in heirs.items()]
    if near is not None:
        rows += [[*row, True] for row in near[list(REPLACED_COLUMNS)].to_numpy().tolist()]
    replaced = pd.DataFrame(rows, columns=[*REPLACED_COLUMNS, "is_guess"]).sort_values("pc4", ignore_index=True)
    stand_in = dict(zip(replaced["pc4"], replaced["stand_in"], strict=True))
    for table, column in written:
        given = frames[table][column]
        is_replaced = given.isin(list(stand_in))
        if table == "stock":
            frames[table]["pc4_in_file"] = given
        if table == "teams":
            frames[table]["office_in_file"] = given
        if table in ("inflow", "stock"):
            frames[table]["replaced"] = is_replaced
        if (table, column) in AREAS_ONLY:
            frames[table] = frames[table][~is_replaced].reset_index(drop=True)
        elif is_replaced.any():
            frames[table][column] = given.where(~is_replaced, given.map(stand_in))
    return replaced


def _agreed(config: Config, areas: pd.DataFrame, used: set[str]) -> dict[str, str]:
    """The setting, for the postcodes in use that have no area. A line whose other postcode cannot be counted for is
    refused (``setting_checks``): here it stands for any area, so that the rows with it are not told beside it."""
    with_area, somewhere = set(areas["pc4"]), str(next(iter(areas["pc4"]), ""))
    return {
        code: to if to in with_area else somewhere
        for code, to in config.replaced_postcodes.items()
        if code in used and code not in with_area
    }


def too_many_stand_ins(
    frames: dict[str, pd.DataFrame], files: Mapping[str, str], replaced: pd.DataFrame
) -> list[Problem]:
    """A problem when more than STAND_IN_SHARE of the clients in stock got a postcode by the nearest number."""
    if "stock" not in frames or not replaced["is_guess"].any():
        return []
    stock = frames["stock"]
    guessed = stock["pc4_in_file"].isin(replaced.loc[replaced["is_guess"], "pc4"])
    part = stock.loc[guessed, "clients"].sum() / max(stock["clients"].sum(), 1)
    if part <= STAND_IN_SHARE:
        return []
    first = stock.loc[guessed, "pc4_in_file"].min()
    what = f"{part:.1%} of the clients have a postcode without an area, the first is {first}"
    allowed = f"at most {STAND_IN_SHARE:.0%}; boundaries of the edition of the counts, or lines in replaced_postcodes"
    return [Problem(files["stock"], None, "pc4", what, allowed)]
