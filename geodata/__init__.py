"""Postcode areas, their borders and their regions. Knows nothing of teams, demand or tables.

Everything public is named here and imported on first use, so that ``import geodata`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geodata.adjacency import bridges_within
    from geodata.boundaries import (
        DEFAULT_CACHE,
        Boundaries,
        load_boundaries,
        load_full_postcodes,
        refresh_boundaries,
    )
    from geodata.check import problems
    from geodata.editions import as_repairs, carry_over, changes_as_repairs, diff, stand_ins, successors
    from geodata.errors import GeodataError
    from geodata.geometry import dissolve, simplify
    from geodata.layer import Edition
    from geodata.repairs import RULES as REPAIR_RULES
    from geodata.repairs import summary as repairs_summary
    from geodata.travel import network_distance_km, straight_distance_km

_HOME = {
    "REPAIR_RULES": ("geodata.repairs", "RULES"),
    "Boundaries": ("geodata.boundaries", "Boundaries"),
    "DEFAULT_CACHE": ("geodata.boundaries", "DEFAULT_CACHE"),
    "Edition": ("geodata.layer", "Edition"),
    "GeodataError": ("geodata.errors", "GeodataError"),
    "as_repairs": ("geodata.editions", "as_repairs"),
    "bridges_within": ("geodata.adjacency", "bridges_within"),
    "carry_over": ("geodata.editions", "carry_over"),
    "changes_as_repairs": ("geodata.editions", "changes_as_repairs"),
    "diff": ("geodata.editions", "diff"),
    "dissolve": ("geodata.geometry", "dissolve"),
    "load_full_postcodes": ("geodata.boundaries", "load_full_postcodes"),
    "network_distance_km": ("geodata.travel", "network_distance_km"),
    "problems": ("geodata.check", "problems"),
    "load_boundaries": ("geodata.boundaries", "load_boundaries"),
    "refresh_boundaries": ("geodata.boundaries", "refresh_boundaries"),
    "repairs_summary": ("geodata.repairs", "summary"),
    "simplify": ("geodata.geometry", "simplify"),
    "stand_ins": ("geodata.editions", "stand_ins"),
    "straight_distance_km": ("geodata.travel", "straight_distance_km"),
    "successors": ("geodata.editions", "successors"),
}

__all__ = [
    "DEFAULT_CACHE",
    "REPAIR_RULES",
    "Boundaries",
    "Edition",
    "GeodataError",
    "as_repairs",
    "bridges_within",
    "carry_over",
    "changes_as_repairs",
    "diff",
    "dissolve",
    "load_boundaries",
    "load_full_postcodes",
    "network_distance_km",
    "problems",
    "refresh_boundaries",
    "repairs_summary",
    "simplify",
    "stand_ins",
    "straight_distance_km",
    "successors",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'geodata' has no attribute {name!r}")
    module, attribute = _HOME[name]
    return getattr(import_module(module), attribute)
