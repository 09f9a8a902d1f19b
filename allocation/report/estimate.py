"""Where the estimate of the work leans on little, in sentences for planners.

Belongs here: the wording. Does not belong here: which facts there are (``demand.doubts``).
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from allocation.demand.doubts import Doubt
from allocation.report.dutch import number
from allocation.runs import run_files

MOST_POSTCODES = 12


def leans_on_little(folder: Path) -> list[str]:
    """The sentences for a run; none for a run of an earlier release, which did not keep the facts."""
    if not run_files.DOUBTS.exists(folder):
        return []
    return sentences(run_files.DOUBTS.read(folder))


def suspected_breaks(folder: Path) -> list[str]:
    """Of these, the sentences that no interval covers: a level that changed at the end of the history."""
    if not run_files.DOUBTS.exists(folder):
        return []
    facts = run_files.DOUBTS.read(folder)
    return sentences(facts[facts["kind"] == Doubt.BREAK])


def sentences(facts: pd.DataFrame) -> list[str]:
    """One sentence for each fact; one for all restless postcodes together."""
    said = []
    for kind, subject, amount in facts[["kind", "subject", "amount"]].itertuples(index=False, name=None):
        match kind:
            case Doubt.SHORT:
                said.append(
                    f"De instroom beslaat {number(amount)} maanden: of een product groeit of krimpt, is daaruit niet "
                    "af te leiden."
                )
            case Doubt.DIVIDED_OTHERWISE:
                said.append(
                    f"De instroom is in één maand bijna overal anders verdeeld geraakt. De raming steunt op de "
                    f"{number(amount)} maanden daarna."
                )
            case Doubt.BREAK:
                said.append(
                    f"De instroom van {subject} is in het laatste half jaar waarschijnlijk van niveau veranderd (kans "
                    f"{amount:.0%}). De marges dekken dat niet."
                )
            case Doubt.ENDED:
                said.append(f"{subject} komt niet meer binnen; er wordt niets meer van verwacht.")
            case Doubt.STARTED:
                said.append(f"{subject} komt pas {number(amount)} maanden binnen: de raming steunt op weinig.")
    restless = sorted(facts.loc[facts["kind"] == Doubt.RESTLESS, "subject"])
    if restless:
        more = len(restless) - MOST_POSTCODES
        named = ", ".join(restless[:MOST_POSTCODES]) + (f" en nog {number(more)}" if more > 0 else "")
        said.append(
            f"In {number(len(restless))} {'postcode' if len(restless) == 1 else 'postcodes'} verandert de instroom "
            f"veel sneller dan elders (nieuwbouw, samengevoegd): {named}. Die zijn op zichzelf geraamd."
        )
    return said
