"""Postcode areas, their borders and their regions. Knows nothing of teams, demand or tables.

Everything public is named here and imported on first use, so that ``import geodata`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geodata.adjacency import bridges_within
    from geodata.boundaries import DEFAULT_CACHE, Boundaries, load_boundaries
    from geodata.errors import GeodataError
    from geodata.geometry import dissolve, simplify
    from geodata.layer import Edition

_HOME = {
    "Boundaries": "geodata.boundaries",
    "DEFAULT_CACHE": "geodata.boundaries",
    "Edition": "geodata.layer",
    "GeodataError": "geodata.errors",
    "bridges_within": "geodata.adjacency",
    "dissolve": "geodata.geometry",
    "load_boundaries": "geodata.boundaries",
    "simplify": "geodata.geometry",
}

__all__ = [
    "DEFAULT_CACHE",
    "Boundaries",
    "Edition",
    "GeodataError",
    "bridges_within",
    "dissolve",
    "load_boundaries",
    "simplify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'geodata' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
