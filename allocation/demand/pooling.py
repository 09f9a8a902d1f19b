"""Products and lines that take clients from each other: which of them have a total that goes its own, calmer way?

When clients of one product come to be counted as another's, each of the two changes, and in each region at another
pace or from another mix; their sum does not. A region's sum is then forecast by the course of the sum, not by adding up
two courses.

What tells so is the change between the halves of the history. Of n clients of a member (a stream, or a pool) in a
region a part p should be in the second half; d = (second half) - n p has variance n p (1 - p) by chance, and on top
kappa (n p (1 - p))^2 where regions change by themselves with relative variance kappa (method of moments, as in
``dispersion``). For members that are to be joined two descriptions of the region's sum are compared::

    apart     T1 = sum of d, each by its own course;  V1 = sum of the variances of the members
    together  T2 = d of the sum, by the course of the sum;  V2 = its variance, at most V1

by the log likelihood ratio of normal errors, ``sum over regions (log(V1 / V2) + T1^2 / V1 - T2^2 / V2) / 2``: members
of which one grows where the other shrinks have a sum that varies less than its parts say. From streams that all go by
themselves, the products that gain most are joined, again and again; every step is weighed against the one before.

Belongs here: finding the pools. Does not belong here: what they do to the estimate (``totals``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from allocation.demand.drift import noise_of

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
LOG_PRIOR_ODDS = 2.5
"""Log odds, before the counts are seen, that products are not to be joined."""
LEAST_WEIGHT = 0.02


@dataclass(frozen=True)
class Pooled:
    """``pool`` (streams,): the code of the pool of each; a stream of its own is a pool of one. ``weight``: the
    probability of this description, all that are kept add up to 1."""

    pool: Codes
    weight: float


@dataclass(frozen=True)
class _Member:
    """``counted`` and ``due`` (2, regions): clients per half of the history, and expected by the country's course."""

    counted: Floats
    due: Floats

    def change(self, own: Floats) -> tuple[Floats, Floats]:
        """Per region: clients of the second half more than its part, and the variance of that by chance, in regions
        that change by the factor ``own`` (2, regions)."""
        due = self.due * own
        total, clients = due.sum(axis=0), self.counted.sum(axis=0)
        part = np.divide(due[1], total, out=np.full_like(total, 0.5), where=total > 1e-9)
        return self.counted[1] - clients * part, clients * part * (1 - part)


def pooled(counts: Floats, expected: Floats, product: Codes) -> tuple[Pooled, ...]:
    """The descriptions that are at all probable.

    Parameters
    ----------
    counts, expected : (periods, regions, streams), clients; ``expected`` by the courses that the streams have in the
        country. product : (streams,), whole products are joined, or the lines of one.
    """
    late = np.arange(len(counts)) >= len(counts) / 2
    halves = [np.stack([part[~late].sum(axis=0), part[late].sum(axis=0)]) for part in (counts, expected)]
    pool = np.arange(counts.shape[2], dtype=np.int64)
    members = {int(s): _Member(halves[0][:, :, s], halves[1][:, :, s]) for s in pool if halves[1][:, :, s].any()}
    whole = _Member(halves[0].sum(axis=2), halves[1].sum(axis=2))
    found, log_odds = [pool], [0.0]
    while len(members) > 1:
        joins = _joins(members, pool, product)
        gains = [_gain([members[m] for m in join], whole) for join in joins]
        best = int(np.argmax(gains))
        if gains[best] <= 0:
            break
        chosen = joins[best]
        pool = np.where(np.isin(pool, chosen), chosen[0], pool)
        members[chosen[0]] = _joined([members[m] for m in chosen])
        for gone in chosen[1:]:
            del members[gone]
        found.append(pool)
        log_odds.append(log_odds[-1] + gains[best] - LOG_PRIOR_ODDS)
    weight = np.exp(np.array(log_odds) - max(log_odds))
    weight = np.where(weight / weight.sum() >= LEAST_WEIGHT, weight, 0.0)
    return tuple(Pooled(p, float(w)) for p, w in zip(found, weight / weight.sum(), strict=True) if w > 0)


def _joins(members: dict[int, _Member], pool: Codes, product: Codes) -> list[list[int]]:
    """What may be joined: all that is left apart of one product, or of two."""
    of_product = {int(p): {int(m) for m in pool[product == p] if int(m) in members} for p in np.unique(product)}
    pairs = [{p} for p in of_product] + [{p, q} for p, q in combinations(of_product, 2)]
    joins = {tuple(sorted(set().union(*(of_product[p] for p in pair)))) for pair in pairs}
    return [list(join) for join in sorted(joins) if len(join) > 1]


def _joined(members: Sequence[_Member]) -> _Member:
    """The sum: every region's clients expected, spread over the halves as the country has them."""
    counted, due = np.sum([m.counted for m in members], axis=0), np.sum([m.due for m in members], axis=0)
    course = counted.sum(axis=1) / max(float(counted.sum()), 1e-12)
    return _Member(counted, course[:, None] * due.sum(axis=0))


def _gain(members: Sequence[_Member], whole: _Member) -> float:
    """Log likelihood ratio of the members together against apart, in regions that do what their other clients do."""
    rest = [of_all - np.sum([getattr(m, name) for m in members], axis=0)
            for name, of_all in (("counted", whole.counted), ("due", whole.due))]  # fmt: skip
    own = own_course(rest[0].clip(min=0.0), rest[1].clip(min=0.0))
    changes = [member.change(own) for member in members]
    apart = np.sum([d for d, _ in changes], axis=0)
    of_apart = np.sum([chance + _own_variance(d, chance) * chance**2 for d, chance in changes], axis=0)
    together, chance = _joined(members).change(own)
    of_together = np.minimum(chance + _own_variance(together, chance) * chance**2, np.maximum(of_apart, chance))
    some = (of_apart > 1e-9) & (of_together > 1e-9)
    v1, v2 = of_apart[some], of_together[some]
    return float((np.log(v1 / v2) + apart[some] ** 2 / v1 - together[some] ** 2 / v2).sum() / 2)


def _own_variance(change: Floats, chance: Floats) -> float:
    """Relative variance of the changes of regions beyond chance (method of moments)."""
    return max(0.0, float((change**2 - chance).sum()) / max(float((chance**2).sum()), 1e-12))


def own_course(counts: Floats, expected: Floats, beyond: float | None = None) -> Floats:
    """(periods, units) clients of a unit against what was expected, as far as these differ by more than chance: what
    all that it consists of has in common.

    ``beyond``: the relative variance of what they have in common; default: of all beyond chance (method of moments).
    """
    some = expected > 1e-9
    ratio, chance = noise_of(counts, expected)
    if beyond is None:
        squares = ((ratio - 1) ** 2 * expected - 1)[some]
        beyond = max(0.0, float(squares.sum() / expected[some].sum())) if some.any() else 0.0
    return np.where(some, 1 + (ratio - 1) * beyond / np.maximum(beyond + chance, 1e-12), 1.0)


def by_pools(part: Floats, regional: Floats, pools: tuple[Pooled, ...]) -> Floats:
    """(periods, regions) what is expected of a region's clients when pools go by their own course.

    ``part`` (periods, streams): of each stream's clients, what the country has in each period. ``regional`` (regions,
    streams): clients of the history.
    """
    of_country = part * regional.sum(axis=0)
    expected = np.zeros((len(part), len(regional)))
    for pooled in pools:
        for pool in np.unique(pooled.pool):
            members = pooled.pool == pool
            course = of_country[:, members].sum(axis=1)
            expected += pooled.weight * np.outer(
                course / max(float(course.sum()), 1e-12), regional[:, members].sum(axis=1)
            )
    return expected
