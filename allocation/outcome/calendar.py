"""A sequence of dated divisions as tables: what changes on which date, who moves, and what looking ahead saves.

Belongs here: those figures. Does not belong here: the search (``layers.sequence``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from allocation.districting import check
from allocation.layers.layer import Layer
from allocation.layers.moving import division_of
from allocation.layers.sequence import Found, Stage
from allocation.outcome.transition import allocation_changes

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Solution:
    """The stages of one set of layers, with what was found for them."""

    stages: tuple[Stage, ...]
    found: Found


def tables(
    layers: Mapping[date, Sequence[Layer]],
    solutions: Sequence[Solution],
    events: pd.DataFrame,
    later: pd.DataFrame,
    before: pd.DataFrame,
    expected: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Every table of a calendar by name.

    ``events``: what is known to change (``intake.known_dates``). ``steps``: ``step_table``. ``moves``: day and the
    columns of ``allocation_changes``. ``plans``: day, layer, unit, team_id. ``warnings``: what changes while a step
    is in force and has no step of its own: day (of the step), on, change, team_id, pc4. ``returns``: postcodes that
    come back to a team that they left before: pc4, client_line, law_domain, team_id, left, back.

    Parameters
    ----------
    later : what is known to change after the last date, within a year of it.
    before, expected : as for ``layers.sequence.Calendar``.
    """
    plans = _plans(solutions)
    moves = _moves(solutions, list(layers), before, expected)
    steps = step_table(list(layers), solutions, moves)
    return {
        "events": events,
        "steps": steps,
        "plans": plans,
        "moves": moves,
        "warnings": _warnings(steps, events, later),
        "returns": returns(moves),
    }


def _plans(solutions: Sequence[Solution]) -> pd.DataFrame:
    frames = [
        pd.DataFrame(
            {
                "day": stage.day,
                "layer": layer.key,
                "unit": layer.problem.unit_ids,
                "team_id": np.asarray(layer.problem.team_ids, dtype=object)[plans[layer.key]],
            }
        )
        for one in solutions
        for stage, plans in zip(one.stages, one.found.best.plans, strict=True)
        for layer in stage.layers
    ]
    return pd.concat(frames, ignore_index=True)


def _moves(
    solutions: Sequence[Solution], days: Sequence[date], before: pd.DataFrame, expected: pd.DataFrame
) -> pd.DataFrame:
    """``allocation_changes`` from each date to the next, the first from the division in force."""
    frames = []
    division = before
    for at, day in enumerate(days):
        new = pd.concat(
            [
                division_of(layer, one.found.best.plans[at][layer.key])
                for one in solutions
                for layer in one.stages[at].layers
            ],
            ignore_index=True,
        )
        frames.append(allocation_changes(division, new, expected).assign(day=day))
        division = new
    moves = pd.concat(frames, ignore_index=True)
    return moves[["day", *(name for name in moves.columns if name != "day")]]


def step_table(days: Sequence[date], solutions: Sequence[Solution], moves: pd.DataFrame) -> pd.DataFrame:
    """One row per date: day, valid_to (missing for the last), is_solved (whether its division differs from the one
    before), regions (names of the layers divided anew, joined by ``|``), areas_moved, clients_moved (a year),
    clients_by_date (that solving date by date moves), least_clients (in the first row: fewer no sequence can move in
    all), deviation (the largest, as a share of the target) and is_allowed (no rule is broken)."""
    by_day = moves.groupby("day").agg(areas_moved=("pc4", "nunique"), clients_moved=("clients", "sum"))
    rows = []
    for at, day in enumerate(days):
        anew = [one for one in solutions if one.found.solved[at]]
        deviations, allowed = [0.0], True
        for one in solutions:
            for layer in one.stages[at].layers:
                plan, problem = one.found.best.plans[at][layer.key], layer.problem
                load = np.bincount(plan, problem.demand, problem.k) + problem.base
                off = np.abs(load - problem.target) / np.where(problem.target > 0, problem.target, 1.0)
                deviations.append(float(off.max()))
                allowed = allowed and not check(problem, plan)
        rows.append(
            {
                "day": day,
                "valid_to": days[at + 1] - DAY if at + 1 < len(days) else None,
                "is_solved": bool(len(moves[moves["day"] == day])) or bool(anew),
                "regions": "|".join(sorted({layer.label for one in anew for layer in one.stages[at].layers})),
                "areas_moved": int(by_day["areas_moved"].get(day, 0)),
                "clients_moved": float(by_day["clients_moved"].get(day, 0.0)),
                "clients_by_date": sum(one.found.by_date.moved[at] for one in solutions),
                "least_clients": sum(one.found.least for one in solutions) if at == 0 else np.nan,
                "deviation": max(deviations),
                "is_allowed": allowed,
            }
        )
    return pd.DataFrame(rows)


def _warnings(steps: pd.DataFrame, events: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame:
    """What changes while a step is in force: dates that have no version of their own, and those after the last."""
    own = steps.loc[steps["is_solved"], "day"].tolist()
    rows = []
    for event in pd.concat([events, later], ignore_index=True).to_dict("records"):
        in_force = [day for day in own if day <= event["day"]]
        if in_force and in_force[-1] < event["day"]:
            rows.append(
                {"day": in_force[-1], "on": event["day"], **{n: event[n] for n in ("change", "team_id", "pc4")}}
            )
    return pd.DataFrame(rows, columns=["day", "on", "change", "team_id", "pc4"])


def returns(moves: pd.DataFrame) -> pd.DataFrame:
    """Postcodes that go back to a team that they left earlier in the sequence."""
    place = ["pc4", "client_line", "law_domain"]
    left = moves.rename(columns={"team_from": "team_id", "day": "left"})[[*place, "team_id", "left"]].dropna()
    back = moves.rename(columns={"team_to": "team_id", "day": "back"})[[*place, "team_id", "back"]].dropna()
    both = left.merge(back, on=[*place, "team_id"])
    return both[both["back"] > both["left"]].sort_values([*place, "left"], ignore_index=True)
