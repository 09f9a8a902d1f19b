"""What the teams of the example had and did until now: the division in force, their files and their finished work.

All of it is invented. Some products really take other hours than ``products`` says, and every team has another
productivity than ``teams`` says: ``TRUE_HOURS`` and ``true_productivity`` are the truth that the estimates should find.

Belongs here: those three tables. Does not belong here: the rest of the example (`example`), making the division.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from allocation.contract.vocabulary import ALL_LINES, CENTRAL, MONTHS_A_YEAR, PW, ZW_WIA
from allocation.intake.example import PRODUCTS, REFERENCE_DATE, SEED, stream

DIVISION_ITERATIONS = 200_000
"""Search effort for the division in force: enough to be plausible, far from the best."""
COMPLETED_MONTHS = 12
TRUE_HOURS = {"WIA_EWT": 1.15, "ZW_SPREEKUUR": 0.85}
"""Hours that a client really takes, as a factor of those in ``products``; products that are not named take those."""
TRUE_PRODUCTIVITY_SD = 0.10
HOURS_CV = 0.5
"""Standard deviation of the hours of one client, as a part of their mean."""
LEAD_TIME_SD = 0.1
PRODUCTIVE_HOURS = 1200.0
"""Hours a year that one FTE spends on clients: the default of the setting."""
DAYS_A_MONTH = 365 / 12


def write_division(folder: Path, allocation: pd.DataFrame, seed: int = SEED) -> None:
    """Write ``current`` and ``completed``, and say in ``stock`` who holds the files.

    ``allocation``: pc4, client_line, law_domain, team_id, share, of the teams of before.
    """
    current = allocation[["pc4", "client_line", "team_id", "share"]]
    stock, inflow = (pd.read_parquet(folder / f"{name}.parquet") for name in ("stock", "inflow"))
    teams = pd.read_csv(folder / "teams.csv", dtype=str, keep_default_na=False)
    stock["team_id"] = _team_of(stock, allocation, teams)
    inflow["team_id"] = _team_of(inflow, allocation, teams)
    stock.to_parquet(folder / "stock.parquet", index=False)
    make_completed(inflow, stock, teams, seed).to_parquet(folder / "completed.parquet", index=False)
    current.to_csv(folder / "current.csv", index=False)


def _team_of(counts: pd.DataFrame, allocation: pd.DataFrame, teams: pd.DataFrame) -> pd.Series:
    """The team of every row of ``counts``: that with most of the postcode; of a special group its own."""
    key = ["pc4", "law_domain", "client_line"]
    held = allocation.sort_values("share", ascending=False).drop_duplicates(key).set_index(key)["team_id"]
    domain = counts["pw_client"].map({True: PW, False: ZW_WIA})
    by_line = pd.MultiIndex.from_arrays([counts["pc4"], domain, counts["client_line"]])
    both_lines = pd.MultiIndex.from_arrays([counts["pc4"], domain, [ALL_LINES] * len(counts)])
    of_area = held.reindex(both_lines).fillna(held.reindex(by_line).set_axis(both_lines)).to_numpy()
    special = teams[teams["kind"] == "bijzonder"].set_index("client_groups")["team_id"]
    return counts["client_group"].map(special).fillna(pd.Series(of_area, index=counts.index))


def true_productivity(team_id: str, seed: int = SEED) -> float:
    """What a team really does in an hour, as a factor of the productivity in ``teams``."""
    return float(np.exp(stream(seed, "true productivity", team_id).normal(0.0, TRUE_PRODUCTIVITY_SD)))


def make_completed(inflow: pd.DataFrame, stock: pd.DataFrame, teams: pd.DataFrame, seed: int = SEED) -> pd.DataFrame:
    """Table ``completed`` of the last ``COMPLETED_MONTHS``.

    Each team does the same part of everything that is asked of it: what its real hours allow, at most all. ``inflow``
    and ``stock`` with the team of every row; ``teams`` as texts.
    """
    months = pd.period_range(end=pd.Period(REFERENCE_DATE, freq="M"), periods=COMPLETED_MONTHS, freq="M").astype(str)
    key = ["team_id", "product", "client_line"]
    own = [code for code, product in PRODUCTS.items() if product.handled_by != CENTRAL]
    came = inflow[inflow["month"].isin(months) & inflow["product"].isin(own)].groupby(key)["clients"].sum()
    held = stock[stock["product"].isin(own)].groupby(key)["clients"].sum()
    both = pd.concat([came, held], axis=1, keys=["came", "held"]).fillna(0.0).reset_index()
    share = both["product"].map({code: product.planned_stock_share for code, product in PRODUCTS.items()})
    both["asked"] = both["came"] / COMPLETED_MONTHS + share * both["held"] / MONTHS_A_YEAR
    both["hours"] = both["product"].map(
        {code: product.hours_verzekeringsarts * TRUE_HOURS.get(code, 1.0) for code, product in PRODUCTS.items()}
    )
    rows = []
    for team_id, mine in both.groupby("team_id"):
        fte, productivity = teams.loc[teams["team_id"] == team_id, ["fte_verzekeringsarts", "productivity"]].iloc[0]
        really = float(productivity) * true_productivity(str(team_id), seed)
        hours = float(fte) * PRODUCTIVE_HOURS * really / MONTHS_A_YEAR
        part = min(1.0, hours / float((mine["asked"] * mine["hours"]).sum()))
        rows.append(_finished(mine, part, really, months, stream(seed, "completed", str(team_id))))
    return pd.concat(rows, ignore_index=True).sort_values(["month", *key], ignore_index=True)


def _finished(
    mine: pd.DataFrame, part: float, productivity: float, months: pd.Index, draw: np.random.Generator
) -> pd.DataFrame:
    """The rows of one team, without those that have no client."""
    table = mine.merge(pd.DataFrame({"month": months}), how="cross")
    clients = draw.poisson(table["asked"] * part)
    spread = HOURS_CV**2
    each = table["hours"] / productivity
    hours = np.where(clients > 0, draw.gamma(np.maximum(clients, 1) / spread, each * spread), 0.0)
    wait_days = table["held"] / (table["asked"] * part).clip(lower=1e-9) * DAYS_A_MONTH
    lead_time = wait_days.clip(1, 3_000) * np.exp(draw.normal(0.0, LEAD_TIME_SD, len(table)))
    made = table[["month", "team_id", "product", "client_line"]].assign(
        clients=clients, hours_verzekeringsarts=hours.round(1), lead_time_days=lead_time.round(0)
    )
    return made[clients > 0]
