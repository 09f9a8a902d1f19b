"""Figures of the whole country by law domain and client line, from which each layer takes its part.

Belongs here: computing each of them once. Does not belong here: how one is computed (``work``, ``balance``), which
areas and teams make up a layer (``build``).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocation.contract.config import Config
from allocation.contract.vocabulary import ALL_LINES, CENTRAL, CLIENT_LINES
from allocation.intake.inputs import Inputs
from allocation.layers.balance import base_hours, hours_per_area
from allocation.layers.work import layer_work, product_norms, recurring_products, served_by

T = TypeVar("T")
NOBODY, HOURS = "nobody", "hours"
"""Beside ``CENTRAL``: why a law domain has no work."""
WORK_COLUMNS = ("pc4", "planned_clients", "hours_verzekeringsarts", "hours_other", "known_hours")


class Country:
    """``work``: as ``demand.expected.expected_work`` gives it. ``held``: as ``holding.held_files`` gives it; needed
    where the balance counts the files that teams hold."""

    def __init__(self, inputs: Inputs, work: pd.DataFrame, held: pd.DataFrame | None, config: Config) -> None:
        if held is None and config.balance != "load":
            raise ValueError(f"balance {config.balance} needs the files that teams hold")
        self._every_work, self._config = work, config
        self._files = pd.DataFrame() if held is None else held
        self._norms = product_norms(inputs.products, config)
        self._recurring = recurring_products(inputs.inflow, inputs.stock)
        self._known: dict[Hashable, Any] = {}

    def _once(self, name: Hashable, make: Callable[[], T]) -> T:
        if name not in self._known:
            self._known[name] = make()
        found: T = self._known[name]
        return found

    def work(self, domain: str, line: str) -> pd.DataFrame:
        """``work.layer_work`` of every postcode: ``WORK_COLUMNS``."""
        return self._once(
            ("work", domain, line), lambda: layer_work(self._every_work, domain, line, self._config, WORK_COLUMNS)
        )

    def why_no_work(self, domain: str) -> str | None:
        """Why the teams of a law domain have nothing to divide: nobody has a client, all products are ``central``, or
        no client takes ``hours``. None: there is work."""
        if self.work(domain, ALL_LINES)["hours_verzekeringsarts"].sum() > 0:
            return None
        clients = self._every_work["planned_clients"].where(served_by(self._every_work, self._config) == domain)
        if not clients.sum() > 0:
            return NOBODY
        return HOURS if self.work(domain, ALL_LINES)["planned_clients"].sum() > 0 else CENTRAL

    def place(self, domain: str, line: str, areas: pd.Index) -> NDArray[np.int64]:
        """The position among ``areas`` (always the same ones) of the postcode of each row of ``work``, -1 for none."""
        return self._once(
            ("place", domain, line), lambda: areas.get_indexer(pd.Index(self.work(domain, line)["pc4"])).astype(int)
        )

    def clients(self, domain: str, line: str) -> pd.Series:
        """Planned clients a year, by pc4."""
        return self._once(
            ("clients", domain, line), lambda: self.work(domain, line).groupby("pc4")["planned_clients"].sum()
        )

    def hours_other(self, domain: str, line: str) -> pd.Series:
        """Hours of other professions a year, by pc4."""
        return self._once(("other", domain, line), lambda: self.work(domain, line).groupby("pc4")["hours_other"].sum())

    def balanced(self, domain: str, line: str) -> pd.Series:
        """``balance.hours_per_area``: the hours that are balanced, by pc4."""
        what = (self._norms, self._recurring, domain, line, self._config)
        return self._once(("balanced", domain, line), lambda: hours_per_area(self._every_work, self._files, *what))

    def base_hours(self, domain: str, line: str) -> pd.Series | None:
        """``balance.base_hours``: the balanced hours in files that stay, by team; None where files do not count."""
        what = (self._norms, self._recurring, domain, line, self._config)
        return self._once(("base", domain, line), lambda: base_hours(self._files, *what))

    def line_hours(self, domain: str) -> pd.Series:
        """Hours a year indexed by pc4 and client line."""

        def make() -> pd.Series:
            of_line = {
                name: self.work(domain, name).groupby("pc4")["hours_verzekeringsarts"].sum() for name in CLIENT_LINES
            }
            hours: pd.Series = pd.concat(of_line).swaplevel()
            return hours

        return self._once(("lines", domain), make)
