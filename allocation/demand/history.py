"""The inflow and the areas as arrays: cells, months, exposure.

Belongs here: codes, the calendar, which months count, recency weights, institutions. Does not belong here: any estimate
(``shrinkage``, ``trend``, ``drift``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from allocation.demand.intervals import KEY, SERIES
from allocation.demand.registration import as_registered_now
from allocation.demand.shrinkage import Cells, Codes, Floats, sum_by

FULL_MONTHS, MEMORY_MONTHS = 24, 24.0
"""For the shares of places, months before the last ``FULL_MONTHS`` count less: 1/e per ``MEMORY_MONTHS`` earlier."""
OUT_OF_PROPORTION, OUT_OF_PROPORTION_CLIENTS = 5.0, 24.0
"""An area with more clients than both 5 x what its inhabitants explain and 24: an institution or postbox addresses."""
APART, APART_CLIENTS = 4.0, 24.0
"""A product of which an area has more clients than both 4 x what its inhabitants and its other products explain and 24:
an institution for that product, which is estimated by its own count."""


@dataclass(frozen=True)
class History:
    """The inflow as arrays.

    ``cells``: clients weighted by recency. ``monthly`` (months, streams): clients of the country per product and line,
    with ``product_of_stream``; ``of_area`` (areas, months x streams): the same by area; ``stream`` per cell.
    ``counts`` (areas, products, months). ``delivered`` (months,): False where the counts are missing or declared
    exceptional. ``recency`` (months,): weight of each month. ``is_apart`` per cell: see ``APART``.
    ``region`` and ``town`` (gemeente in its region) per area.
    ``rates``: one row per code ``Cells.rate``. ``months_before``: months that were not used, for everything was divided
    otherwise then (``regime``).
    """

    cells: Cells
    monthly: Floats
    of_area: csr_array
    product_of_stream: Codes
    stream: Codes
    counts: Floats
    delivered: NDArray[np.bool_]
    recency: Floats
    is_apart: NDArray[np.bool_]
    region: Codes
    town: Codes
    pc4: NDArray[np.object_]
    rates: pd.DataFrame
    products: NDArray[np.object_]
    months_before: int = 0

    @classmethod
    def of(cls, inflow: pd.DataFrame, areas: pd.DataFrame, exceptional: Sequence[str] = ()) -> History:
        """Raises ValueError when ``inflow`` has postcodes that ``areas`` lacks."""
        areas = areas.sort_values("pc4")
        pc4, region = areas["pc4"].to_numpy(dtype=object), areas["arbeidsmarktregio_nr"].to_numpy(dtype=np.int64)
        rows, delivered = _rows(inflow, exceptional)
        area = pd.Index(pc4).get_indexer(rows["pc4"])
        if (area < 0).any():
            raise ValueError("inflow holds postcodes that the areas do not have")
        months = len(delivered)
        rows = as_registered_now(rows.assign(area=area, region=region[area]), months)
        area, month = rows["area"].to_numpy(), rows["number"].to_numpy()
        clients = rows["clients"].to_numpy(dtype=np.float64)
        series, series_names = _codes(rows[SERIES])
        stream_of_series, stream_names = _codes(series_names[["product", "client_line"]])
        product_of_series, products = pd.factorize(series_names["product"], sort=True)
        product_of_stream = pd.Index(products).get_indexer(stream_names["product"])
        stream, size_of_month = stream_of_series[series], (months, len(stream_names))
        monthly = _sums(month, stream, clients, size_of_month)
        of_area = coo_array((clients, (area, month * size_of_month[1] + stream)), (len(pc4), monthly.size)).tocsr()
        product = product_of_series[series]
        size = (len(pc4), len(products), months)
        counts = sum_by((area * size[1] + product) * months + month, clients, int(np.prod(size))).reshape(size)
        people = areas["inhabitants"].to_numpy(dtype=np.float64, na_value=0.0)
        exposure, apart = exposure_and_apart(people, counts.sum(axis=2))
        recency = np.exp(-(np.arange(months)[::-1] - FULL_MONTHS + 1).clip(0) / MEMORY_MONTHS) * delivered
        weight = recency[:, None] * _information_factor(recency, counts.sum(axis=0).T)
        weighted = _sums(area, series, clients * weight[month, product], (len(pc4), len(series_names)))
        # the region's rates that occur: one code per region, product, line and group with a client
        present = np.zeros((int(region.max()) + 1, len(series_names)), dtype=bool)
        present[region[area[clients > 0]], series[clients > 0]] = True
        rate_of = np.full(present.shape, -1)
        rate_of[present] = np.arange(present.sum())
        used = np.flatnonzero(exposure > 0)
        at, of_series = np.nonzero(present[region[used]])
        cell_area = used[at]
        rates = series_names.iloc[np.nonzero(present)[1]].reset_index(drop=True)
        rates.insert(0, "rate_region", np.nonzero(present)[0].astype(str).astype(object))
        town = _codes(areas[["arbeidsmarktregio_nr", "gemeente_code"]])[0]
        cells = Cells(
            clients=weighted[cell_area, of_series],
            exposure=exposure[cell_area],
            area=cell_area,
            town=town[cell_area],
            region=region[cell_area],
            product=product_of_series[of_series],
            rate=rate_of[region[cell_area], of_series],
            series=of_series,
        )
        return cls(
            cells, monthly, of_area, product_of_stream, stream_of_series[of_series], counts, delivered, recency,
            apart[cell_area, cells.product], region, town, pc4, rates, np.asarray(products, dtype=object),
        )  # fmt: skip

    def monthly_without(self, areas: NDArray[np.bool_]) -> Floats:
        """``monthly`` without the clients of these ``areas`` (areas,)."""
        left_out = np.asarray(self.of_area.T @ areas.astype(np.float64)).reshape(self.monthly.shape)
        return np.asarray((self.monthly - left_out).clip(min=0.0))

    def keys(self) -> pd.DataFrame:
        """KEY and rate_region of every cell."""
        frame = self.rates.iloc[self.cells.rate].reset_index(drop=True)
        frame.insert(0, "pc4", self.pc4[self.cells.area])
        return frame[[*KEY, "rate_region"]]


def _rows(inflow: pd.DataFrame, exceptional: Sequence[str]) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Inflow with ``number`` (of the month, 0 = first; exceptional months left out), and which months count."""
    if "pw_client" not in inflow:  # counts that do not tell are those of clients without a PW file
        inflow = inflow.assign(pw_client=False)
    names = sorted(inflow["month"].unique())
    calendar = pd.period_range(names[0], names[-1], freq="M").astype(str)
    delivered = np.isin(calendar, names) & ~np.isin(calendar, list(exceptional))
    rows = inflow.assign(number=pd.Index(calendar).get_indexer(inflow["month"]))
    rows = rows[delivered[rows["number"].to_numpy()]]
    with_clients = np.bincount(rows["number"], rows["clients"], len(calendar)) > 0
    return rows.drop(columns="month"), delivered & with_clients


def _information_factor(recency: Floats, monthly: Floats) -> Floats:
    """Per product: what weighted counts are multiplied by, so that their variance equals their mean again as of plain
    counts: sum(w L) / sum(w^2 L), with L the product's clients in the country per month."""
    once, twice = recency @ monthly, recency**2 @ monthly
    return np.where(once > 0, once / np.where(once > 0, twice, 1.0), 1.0)


def exposure_and_apart(people: Floats, clients: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Exposure per area, and which products of which areas are an institution's.

    Parameters
    ----------
    people : (areas,), 0 = unknown. clients : (areas, products), of the whole history.

    Returns
    -------
    ``exposure`` (areas,): inhabitants. Where these are unknown, or out of all proportion to the clients, the number of
    inhabitants that explains the middle one of the products (median, weighted by what each product can say).
    ``apart`` (areas, products).
    """
    known = people > 0
    total = clients[known].sum(axis=0)
    rate = total / max(1.0, float(people.sum()))
    rate = np.where(rate > 0, rate, clients.sum(axis=0) / max(1.0, float(people.sum())))
    implied = clients / np.where(rate > 0, rate, 1.0)
    middle = _weighted_median(implied, rate)
    explained = people * rate.sum()
    odd = ~known | (clients.sum(axis=1) > np.maximum(OUT_OF_PROPORTION * explained, OUT_OF_PROPORTION_CLIENTS))
    exposure = np.where(odd, np.maximum(people, middle), people)
    # unknown inhabitants, and clients of few products only: as many as explain one client in all
    exposure = np.where((exposure <= 0) & (clients.sum(axis=1) > 0), 1 / max(float(rate.sum()), 1e-12), exposure)
    need = np.maximum(1.0, middle / np.maximum(exposure, 1e-12))
    expected = (exposure * need)[:, None] * rate
    return exposure, clients > np.maximum(APART * expected, APART_CLIENTS)


def _weighted_median(values: Floats, weights: Floats) -> Floats:
    """Per row of ``values`` (rows, columns), with the same ``weights`` (columns,) for all."""
    order = np.argsort(values, axis=1, kind="stable")
    cumulative = np.cumsum(weights[order], axis=1)
    at = (cumulative >= cumulative[:, -1:] / 2).argmax(axis=1)
    return np.asarray(np.take_along_axis(np.take_along_axis(values, order, 1), at[:, None], 1)[:, 0])


def _codes(frame: pd.DataFrame) -> tuple[Codes, pd.DataFrame]:
    """A code per row, and the distinct rows in the order of their codes (sorted)."""
    code = np.zeros(len(frame), dtype=np.int64)
    for column in frame.columns:
        part, names = pd.factorize(frame[column], sort=True)
        code = code * len(names) + part
    _, first, code = np.unique(code, return_index=True, return_inverse=True)
    return code, frame.iloc[first].reset_index(drop=True)


def _sums(row: Codes, column: Codes, values: Floats, shape: tuple[int, int]) -> Floats:
    return sum_by(row * shape[1] + column, values, shape[0] * shape[1]).reshape(shape)
