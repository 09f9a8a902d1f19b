"""One districting problem of the run, and what its units and teams stand for.

Belongs here: what a layer is, and keeping it as files. Does not belong here: making one (`build`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.vocabulary import ALL_LINES, PW, ZW_WIA
from allocation.districting import Measure, Problem, Weights
from allocation.runs import run_files

ARRAYS = (
    "xy_m", "demand", "edges", "border_m", "capacity", "office_xy_m", "current", "municipality", "care_region",
    "fixed", "allowed", "base_load", "distance_table_km", "kept", "apart",
)  # fmt: skip
"""The array fields of a ``Problem``, as kept on disk."""
GROUPING = "grouping:"
"""Before the name of each further grouping there."""


def arrays_of(problem: Problem) -> dict[str, NDArray[Any]]:
    """The arrays that a problem has, with its groupings and further measures, by their names on disk."""
    arrays = {name: getattr(problem, name) for name in ARRAYS if getattr(problem, name) is not None}
    arrays |= {f"{GROUPING}{name}": codes for name, codes in problem.groupings.items()}
    for measure in problem.further:
        arrays |= {f"{measure.name}:amount": measure.amount, f"{measure.name}:capacity": measure.capacity}
    return arrays


@dataclass(frozen=True)
class Layer:
    """One cluster and layer: the problem, and what its units and teams stand for.

    ``parts``: one row per unit, in the problem's order: unit, pc4, pc6_from, pc6_to (empty unless a PC6 split),
    portion (share of the postcode's work, 0 to 1), lock (``pin``, ``split`` or empty) and reason.
    """

    cluster: str
    law_domain: str
    client_line: str
    regions: tuple[int, ...]
    problem: Problem
    parts: pd.DataFrame

    @property
    def key(self) -> str:
        """Name that may serve as a file name."""
        regions = "-".join(f"{nr:02d}" for nr in self.regions)
        return f"{regions}_{self.law_domain}_{self.client_line}"

    @property
    def label(self) -> str:
        """Name for people: region or cluster, then the layer."""
        layer = {ZW_WIA: "", PW: " PW"}[self.law_domain]
        return f"{self.cluster}{layer}" + ("" if self.client_line == ALL_LINES else f" {self.client_line}")

    def write(self, folder: Path) -> None:
        """Keep the layer as files, without pickles: another process or machine can go on with it."""
        problem = self.problem
        run_files.PROBLEM.write(folder, arrays_of(problem))
        run_files.PARTS.write(folder, self.parts)
        told = {
            "cluster": self.cluster,
            "law_domain": self.law_domain,
            "client_line": self.client_line,
            "regions": list(self.regions),
            "unit_ids": list(problem.unit_ids),
            "team_ids": list(problem.team_ids),
            "tolerance": problem.tolerance,
            "weights": asdict(problem.weights),
            "further": {measure.name: measure.tolerance for measure in problem.further},
        }
        run_files.LAYER.write(folder, told)

    @classmethod
    def read(cls, folder: Path) -> Layer:
        """Inverse of ``write``."""
        told, arrays = run_files.LAYER.read(folder), run_files.PROBLEM.read(folder)
        further = tuple(
            Measure(name, arrays[f"{name}:amount"], arrays[f"{name}:capacity"], tolerance)
            for name, tolerance in told["further"].items()
        )
        problem = Problem(
            unit_ids=tuple(told["unit_ids"]),
            team_ids=tuple(told["team_ids"]),
            tolerance=told["tolerance"],
            weights=Weights(**told["weights"]),
            groupings={name.removeprefix(GROUPING): a for name, a in arrays.items() if name.startswith(GROUPING)},
            further=further,
            **{name: array for name, array in arrays.items() if name in ARRAYS},
        )
        parts = run_files.PARTS.read(folder)
        return cls(told["cluster"], told["law_domain"], told["client_line"], tuple(told["regions"]), problem, parts)


def can_carry_over(layer: Layer) -> bool:
    """Whether the division in force still serves every unit by a team that is there and may."""
    current, problem = layer.problem.current, layer.problem
    if current is None or (current < 0).any() or len(np.unique(current)) < problem.k:
        return False
    return bool(problem.allowed_mask[np.arange(problem.n), current].all())
