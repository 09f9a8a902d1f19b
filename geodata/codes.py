"""Codes of gemeenten and arbeidsmarktregio's: their form, and whether a code and a name beside it agree.

The reference is the division of 2014 (`reference/`). A code or name that is not in it may be of a later edition and is
kept; a name that the reference knows under another code is a contradiction, and so is one code with two names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from geodata.errors import GeodataError, capped, shown

REFERENCE = Path(__file__).parent / "reference"


def reference() -> pd.DataFrame:
    """The municipalities of 2014: gemeente_code (index), gemeente_name, arbeidsmarktregio_nr, -name, care_region."""
    regions = pd.read_csv(REFERENCE / "arbeidsmarktregios_2014.csv", dtype=str).set_index("gemeentecode")
    ggd = pd.read_csv(REFERENCE / "ggd_regios_2014.csv", dtype=str).set_index("gemeentecode")["ggd_regio"]
    return pd.DataFrame(
        {
            "gemeente_name": regions["gemeente"],
            "arbeidsmarktregio_nr": regions["nr"].astype("int64"),
            "arbeidsmarktregio": regions["arbeidsmarktregio"],
            "care_region": ggd.reindex(regions.index),
        }
    )


def known_gemeenten() -> pd.Series:
    """Code of four digits (index) -> name."""
    return reference()["gemeente_name"]


def known_regions() -> pd.Series:
    """Number as text (index) -> name of the arbeidsmarktregio."""
    table = reference().drop_duplicates("arbeidsmarktregio_nr").sort_values("arbeidsmarktregio_nr")
    return table.set_index(table["arbeidsmarktregio_nr"].astype("str"))["arbeidsmarktregio"]


def gemeente_codes(codes: pd.Series, where: str, areas: pd.Series | None = None) -> pd.Series:
    """Identifiers such as 'GM0344', '344' or '0344' as four digits. Raises GeodataError on what is no such code.

    ``areas``: the postcode of each row, which names the place in the message; without it the row does.
    """
    needed = "a gemeente code of up to four digits, with or without GM"
    return _parsed(codes, r"(?i:GM)?([0-9]{1,4})", where, areas, needed).str.zfill(4)


def region_numbers(codes: pd.Series, where: str, areas: pd.Series | None = None) -> pd.Series:
    """Identifiers such as 'AM14', '14' or '014' as a number in text ('14'); the rest as ``gemeente_codes``."""
    needed = "the number of an arbeidsmarktregio, such as 14 or AM14"
    return _parsed(codes, r"(?i:AM)?0*([1-9][0-9]{0,2})", where, areas, needed)


def _parsed(codes: pd.Series, pattern: str, where: str, areas: pd.Series | None, needed: str) -> pd.Series:
    digits = codes.str.extract(rf"^{pattern}$", expand=False)
    wrong = np.flatnonzero((codes.notna() & digits.isna()).to_numpy())
    if len(wrong):
        place = f"row {wrong[0] + 1}" if areas is None else f"postcode {areas.iloc[wrong[0]]}"
        raise GeodataError(f"{where}, {place}: {shown(codes.iloc[wrong[0]])} is not {needed}.")
    return digits


def folded(names: pd.Series) -> pd.Series:
    """``names`` for comparing: without the difference between capitals and small letters."""
    return names.map(str.casefold, na_action="ignore")


def contradictions(code: pd.Series, name: pd.Series, known: pd.Series) -> list[str]:
    """Where a code and the name beside it cannot both be right, one clause each; ``known`` maps code to name."""
    pairs = pd.DataFrame({"code": code.to_numpy(), "name": name.to_numpy(), "folded": folded(name).to_numpy()})
    pairs = pairs.dropna().drop_duplicates(["code", "folded"])
    clauses = []
    for same, rows in pairs.groupby("code", sort=True):
        if len(rows) > 1:
            clauses.append(f"{same} has {len(rows)} names ({capped(map(shown, rows['name']), 3)})")
    owner = pd.Series(known.index, index=folded(known).to_numpy())
    of_name = pairs["folded"].map(owner)
    for row in pairs[of_name.notna() & (of_name != pairs["code"])].to_dict("records"):
        same = row["code"]
        is_code = f"{same} is {known[same]}" if same in known.index else f"there is no {same}"
        clauses.append(f"{same} stands beside {shown(row['name'])}, which is {owner[row['folded']]} ({is_code})")
    return clauses


def unlisted_names(code: pd.Series, name: pd.Series, kind: Literal["gemeenten", "regions"]) -> list[str]:
    """In Dutch, for the repairs: each code with a name that the list of 2014 has nowhere, once.

    A gemeente whose code is not in that list either is a later one and is left out: there are some dozens of them.
    """
    known, word = (known_gemeenten(), "gemeente") if kind == "gemeenten" else (known_regions(), "arbeidsmarktregio")
    pairs = pd.DataFrame({"code": code.to_numpy(), "name": name.to_numpy()}).dropna().drop_duplicates()
    pairs = pairs[~folded(pairs["name"]).isin(folded(known))].sort_values(["code", "name"])
    pairs["known_as"] = pairs["code"].map(known)
    if kind == "gemeenten":
        pairs = pairs.dropna()
    return [
        f"{word} {row['code']} {shown(row['name'])} staat zo niet in de lijst van 2014"
        + ("" if pd.isna(row["known_as"]) else f": {row['code']} is daar {row['known_as']}")
        for row in pairs.to_dict("records")
    ]
