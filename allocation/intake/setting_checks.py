"""Checks of the settings against the areas: postcodes and regions that a setting names.

Belongs here: what follows from the boundaries in use. Does not belong here: what a setting may be by itself
(``contract.config``), or names of the input in settings (``inputs``, ``network_checks``).
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from allocation.contract.config import Config
from allocation.contract.errors import Problem
from allocation.intake.checks import PC4

SETTINGS = "configuration"


def regions_by_name(areas: pd.DataFrame) -> dict[str, int]:
    """The number of every region by what it may be called: its name in lower case, or its number."""
    names = areas.drop_duplicates("arbeidsmarktregio_nr").set_index("arbeidsmarktregio")["arbeidsmarktregio_nr"]
    by_name = {str(name).casefold(): int(nr) for name, nr in names.items()}
    return by_name | {str(nr): nr for nr in by_name.values()}


def unknown_regions(config: Config, areas: pd.DataFrame) -> list[Problem]:
    """A problem for each region of the setting ``regions`` that there is not."""
    known = regions_by_name(areas)
    allowed = "numbers or names of arbeidsmarktregio's"
    return [
        Problem(SETTINGS, None, "regions", f"{name!r} does not exist", allowed)
        for name in config.regions
        if name.casefold() not in known
    ]


def wrong_replacements(config: Config, areas: pd.DataFrame) -> dict[str, list[Problem]]:
    """What is wrong with each line of ``replaced_postcodes``, by its postcode; only lines with which something is.

    A postcode with an area is routed as itself: counted at another, its work would be planned where its clients are
    not sent. A postcode without one can hold no work.
    """
    with_area = set(areas["pc4"])
    found = {code: _of_line(code, to, with_area) for code, to in config.replaced_postcodes.items()}
    return {code: problems for code, problems in found.items() if problems}


def _of_line(code: str, to: str, with_area: set[str]) -> list[Problem]:
    setting, problems = f"replaced_postcodes.{code}", []
    if code in with_area:
        what = f"postcode {code} has an area, and routing sends its clients there"
        problems.append(Problem(SETTINGS, None, setting, what, "a postcode without an area; leave the line out"))
    elif not PC4.fullmatch(code):
        problems.append(Problem(SETTINGS, None, setting, f"{code!r} is not a postcode", "four digits, such as 1013"))
    if to not in with_area:
        allowed = f"one of the {len(with_area)} postcodes of the boundaries in use"
        problems.append(Problem(SETTINGS, None, setting, f"postcode {to!r} has no area to count for", allowed))
    return problems


def setting_problems(config: Config, areas: pd.DataFrame) -> list[Problem]:
    """Every problem of the settings with these areas."""
    wrong: Mapping[str, list[Problem]] = wrong_replacements(config, areas)
    return [*(problem for of_line in wrong.values() for problem in of_line), *unknown_regions(config, areas)]
