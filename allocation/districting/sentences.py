"""Broken rules in English sentences, for the command line. Screens and reports make their own, in Dutch."""

from __future__ import annotations

from allocation.districting.check import Kind, Violation


def sentence(broken: Violation) -> str:
    """What is wrong with a plan, in one sentence."""
    where, team = broken.where, broken.team
    match broken.kind:
        case Kind.SHAPE:
            return f"The plan has {broken.amount:.0f} units too many or too few for the problem."
        case Kind.UNASSIGNED:
            return f"Unit {where} has no team."
        case Kind.EMPTY:
            return f"Team {where} has no units."
        case Kind.PIECES:
            return f"The area of team {where} is in {broken.amount + 1:.0f} pieces."
        case Kind.PIN:
            return f"Unit {where} is pinned to team {team} and is not in it."
        case Kind.BAR:
            return f"Unit {where} is in team {team}, which is barred from it."
        case Kind.LOAD | Kind.MEASURE:
            return _load_sentence(broken)


def _load_sentence(broken: Violation) -> str:
    assert broken.load is not None
    assert broken.target is not None
    assert broken.tolerance is not None
    label = "" if broken.measure is None else f" of {broken.measure}"
    part = f"{broken.load / broken.target - 1:+.1%}"
    return (
        f"Team {broken.where}: the load{label} is {broken.load:,.1f}, {part} of its target of {broken.target:,.1f}; "
        f"allowed is {broken.tolerance:.1%}{', just passed' if round(broken.amount, 3) == 0 else ''}."
    )
