"""What is in force when a run starts: asked of the store once, then frames of the run like any other input.

"Now", which the new division is compared with, is the version in force. The file ``current`` of the input counts only
as long as the store has no version in force, or when the settings say ``current = "file"``.

Belongs here: reading the store, and the choice of what "now" is. Does not belong here: what follows from it
(``outcome``), or putting a version in force (``publication``).
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from allocation.contract import calendar, input_tables
from allocation.contract.errors import Refused
from allocation.contract.published_tables import ROUTING
from allocation.contract.vocabulary import PW, ZW_WIA
from allocation.intake.inputs import Inputs
from allocation.outcome.finished import PlanInForce
from allocation.outcome.in_force import no_files
from allocation.outcome.verzuimbeheer import NO_GROUPS_IN_FORCE
from allocation.pipeline.problems import no_division
from allocation.pipeline.succession import Succession
from allocation.runs import run_files
from allocation.runs.run import Run
from allocation.runs.run_files import InForce

TABLES = ("allocation", "routing", "team", "team_load", "team_ledger", "team_ledger_seen", "verzuimbeheer_routing")
"""The published tables of the version in force that a run needs."""
DIVISION_COLUMNS = [*input_tables.CURRENT.column_names, "law_domain"]


def read_store(run: Run, eve: date | None = None) -> InForce:
    """Keep what is in force on ``eve`` (of the run's division): the version, since when, and its ``TABLES``.

    Raises ``Refused`` for a first day that is past.
    """
    from allocation.publication import reads

    if run.config.valid_from is not None:
        reads.check_first_day(run.store, run.config.valid_from)  # else an approver would find out
    act = reads.timeline_act(run.store)  # first: what changes after it is noticed by ``propose``
    eve = eve or run.eve
    version = reads.current_version(run.store, eve)
    if version is None:
        found = InForce(timeline_act=act)
    else:
        made_by = str(_of_version(run, "runs", version).iloc[0]["run_id"])
        found = InForce(timeline_act=act, version=version, since=_since(run, eve), run_id=made_by)
        tables = {name: _of_version(run, name, version) for name in TABLES}
        run_files.IN_FORCE_TABLES.write(run.folder, tables)
    run.write(run_files.IN_FORCE, found)
    return found


def refuse_overtaken(run: Run, store: str, made_beside: int | None, first: date | None, *, again: str) -> None:
    """Refuse a plan that was made beside version ``made_beside`` and would take over, on ``first`` (None = today), from
    a version with another division: what that one changed would be changed back, and nobody would be asked.

    A version with the same division, such as one with newer counts, is no other. ``again``: what to do instead.
    """
    from allocation.publication import reads

    eve = calendar.eve_of(first, calendar.today())
    version = reads.current_version(store, eve)
    if version == made_beside:
        return
    both = [_division_of(run, store, one) for one in (version, made_beside)]
    if both[0].equals(both[1]):
        return
    beside = "no version" if made_beside is None else f"version {made_beside}"
    raise Refused(
        f"Version {version} is in force on {eve}, and run {run.run_id} was made beside {beside}: "
        f"what was changed in between would be undone. {again}"
    )


def _division_of(run: Run, store: str, version: int | None) -> pd.DataFrame:
    from allocation.publication import reads

    if version is None:
        return no_division()
    table = reads.read_table("allocation", store, version=version, files_dir=run.files_dir)[DIVISION_COLUMNS]
    return table.sort_values(DIVISION_COLUMNS, ignore_index=True)


def _of_version(run: Run, name: str, version: int) -> pd.DataFrame:
    from allocation.publication import reads

    return reads.read_table(name, run.store, version=version, files_dir=run.files_dir)


def _since(run: Run, eve: date) -> date:
    """The first day of the version that is in force on the eve."""
    from allocation.publication import reads

    known = reads.versions(run.store)
    began: date = known.loc[known["valid_from"] <= eve, "valid_from"].max()
    return began


def plan_in_force(run: Run) -> PlanInForce | None:
    """What the version in force planned; None where there is none, or where the run began before that was kept."""
    found = run.in_force()
    ledger = run_files.IN_FORCE_TABLES.table("team_ledger")
    if found.version is None or found.since is None or not run.has(ledger):
        return None
    load = run.read(run_files.IN_FORCE_TABLES.table("team_load"))
    seen = run_files.IN_FORCE_TABLES.table("team_ledger_seen")
    return PlanInForce(run.read(ledger), load, found.since, run.read(seen) if run.has(seen) else None)


def uses_file(run: Run, inputs: Inputs) -> bool:
    """Whether "now" is the file ``current`` of the input."""
    return bool(len(inputs.current)) and (run.in_force().version is None or run.config.current == "file")


def from_version(run: Run, inputs: Inputs) -> int | None:
    """The version that is "now"; None when that is the file ``current``, or when nothing is in force."""
    return None if uses_file(run, inputs) else run.in_force().version


def write_now(run: Run, inputs: Inputs, followed: Succession) -> None:
    """Keep the division and the routing that the new ones are compared with, in the postcodes of this run's edition.

    Postcodes that are gone stay in them: the changes list them as vanished.
    """
    allocation, routing = run.in_force_table("allocation"), run.in_force_table("routing")
    published = no_division() if allocation is None else followed.carry_over(allocation[DIVISION_COLUMNS])
    no_routing = pd.DataFrame({name: pd.Series(dtype=object) for name in ROUTING.column_names})
    if uses_file(run, inputs):
        now, beside, routed = followed.carry_over(_of_file(inputs)), published, no_routing
    else:
        now, beside = published, no_division()
        routed = no_routing if routing is None else followed.carry_over(routing)
    groups = run.in_force_table("verzuimbeheer_routing")
    grouped = NO_GROUPS_IN_FORCE if groups is None or routed is no_routing else followed.carry_over(groups)
    run.write(run_files.GROUPS_IN_FORCE, grouped)
    run.write(run_files.DIVISION_IN_FORCE, now)
    run.write(run_files.PUBLISHED_DIVISION, beside)
    run.write(run_files.ROUTING_IN_FORCE, routed)
    run.write(run_files.FILES_IN_FORCE, _files(run, inputs))


def _files(run: Run, inputs: Inputs) -> pd.DataFrame:
    """Table ``files`` of the version in force when that began after the stock was counted: then it has moved files of
    the teams that the stock names. A version does not change, so the store may be asked for it now."""
    found = run.in_force()
    counted = pd.Timestamp(inputs.stock["reference_date"].max())
    if found.version is None or found.since is None or uses_file(run, inputs) or counted >= pd.Timestamp(found.since):
        return no_files()
    return _of_version(run, "files", found.version)[no_files().columns]


def _of_file(inputs: Inputs) -> pd.DataFrame:
    """The file ``current`` as a division: the kind of a team tells the law domain."""
    kind = inputs.teams.drop_duplicates("team_id").set_index("team_id")["kind"]
    is_pw = inputs.current["team_id"].map(kind).eq("participatiewet")
    return inputs.current.assign(law_domain=np.where(is_pw, PW, ZW_WIA))[DIVISION_COLUMNS]
