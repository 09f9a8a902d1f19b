"""Approving and rejecting a proposal: what it does to whom, whether it can be decided on, and the act itself.

Alone, the page publishes with the function that the command line uses. Behind a scheduler a run of it waits for an
answer; then the page passes the answer on, and that run publishes: the page has no right to.

Belongs here: the decision. Does not belong here: how a version is put in force, who may decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool

from allocation.contract.errors import NoRight, Passing, Refused, Unusable
from allocation.page.desk import STATES, Desk
from allocation.page.requests import AskedRun, DecisionOrder
from allocation.page.who import Approver, DeskOf, MayDecide, MayPlan
from allocation.publication import files, reads, versions
from allocation.report import account_sheets, dutch
from allocation.report.decision import decision
from allocation.report.frames import Frames
from allocation.runs.run import Run

NO_RIGHTS = (
    "Deze pagina heeft in de database geen recht om te publiceren; laat de beheerder versie {version} publiceren."
)
OVERTAKEN = (
    "Sinds dit voorstel is gemaakt, is er een andere versie gepubliceerd of teruggezet; de wijzigingen en verhuizingen "
    "kloppen niet meer. Laat het voorstel opnieuw maken."
)
SEEN_BEFORE = (
    "U zag versie {seen}; de run die haar maakte, is opnieuw gedaan en stelt nu versie {version} voor. Laad de pagina "
    "opnieuw en kijk wat die verandert."
)
ANOTHER_DAY = (
    "Versie {version} is opnieuw voorgesteld, nu met {day} als ingangsdatum; daarover wordt hier niet besloten. Kies "
    "de versie opnieuw in de lijst."
)
WITHDRAWN = "Versie {version} is ingetrokken: een nieuwer voorstel kwam ervoor in de plaats. Er is niets besloten."
UNDECIDED = "Over versie {version} is nog niet besloten."
BUSY = "De versie wordt gepubliceerd."


class Approval(Protocol):
    """Who passes an answer on to a run that waits for it; put into the scope as ``approval`` by a server around this
    application that has a scheduler."""

    async def ask(self, run_id: str) -> None:
        """See that a run waits for the decision on a proposal; the planners are told. Once for each proposal."""

    async def answer(self, run_id: str, version: int, *, is_approved: bool, remark: str) -> None:
        """Pass the answer on with the rights of the one who asks. Refused when the question is about another version
        than the one that was looked at."""

    async def after_answer(self, run_id: str) -> dict[str, Any]:
        """How it goes as long as the version is not decided: ``state`` (busy or refused), ``text`` in Dutch."""


async def laid_before(passes_on: Approval, desk: Desk, version: int) -> dict[str, Any]:
    """See that a version that was handed in is laid before an approver; what to tell when that is not possible yet."""
    run_id = await run_in_threadpool(desk.waiting_run, version)
    if run_id is None:
        return {}
    try:
        await passes_on.ask(run_id)
    except Refused as refused:
        return {"text": f"De versie is ingediend, maar nog niet voorgelegd. {refused}"}
    return {}


def summary(desk: Desk, run_id: str, *, for_readers: bool) -> dict[str, Any]:
    """What a proposal does to whom: the words and figures of page one of its report."""
    opened = desk.opened(run_id)
    frames = Frames.read(opened.bench.folder, opened.bench.board)
    regions = opened.value["regions"]
    if for_readers:
        told = decision(frames.for_readers(), regions)
    else:
        told = decision(frames, regions).with_found(account_sheets.gates(frames.folder))
    return {
        "lines": [told.summary, f"Ingangsdatum: {told.first_day}.", *told.movements],
        "figures": [{"name": one.name, "proposal": one.proposal, "now": one.now} for one in told.figures],
        "regions": [{"name": row[0].text, "layer": row[1].text, "areas": row[2].text} for row in told.regions.rows],
        "warnings": told.warnings,
        "more_warnings": told.more_warnings,
    }


def version_row(desk: Desk, run_id: str) -> Mapping[str, Any]:
    """What the store knows of the version of a run. Raises Refused when there is none."""
    known = reads.versions(desk.store_url)
    own = known[known["version"] == desk.version_of(run_id)]
    if own.empty:
        raise Refused("Van deze run is geen versie voorgesteld.")
    return {str(name): value for name, value in own.iloc[0].items()}


def asking_run(desk: Desk, run_id: str, version: int) -> str:
    """The run that asks for the decision on the version of a run: another one, where that proposed the same anew."""
    return desk.waiting_run(version) or run_id


def obstacle(desk: Desk, run_id: str, *, is_approved: bool) -> str:
    """Why a proposal cannot be decided on, in a sentence; empty when it can. The store has the last word."""
    row = version_row(desk, run_id)
    version, status = int(row["version"]), str(row["status"])
    if status != "proposed":
        return f"Versie {version} is al {STATES.get(status, status)}."
    asking = asking_run(desk, run_id, version)
    if asking != run_id and not desk.asks_for_one_day(run_id, asking):
        return ANOTHER_DAY.format(
            version=version, day=dutch.planned_day(Run.open(desk.folder(asking)).config.valid_from)
        )
    if not is_approved:
        return ""
    based_on = Run.open(desk.folder(asking)).in_force().timeline_act
    if based_on is not None and reads.timeline_act(desk.store_url) > based_on:
        return OVERTAKEN
    day, spans = reads.first_day(desk.store_url, version), files.team_periods(desk.var / "published", version)
    there = {team for team, begins, ends in spans if begins <= day and (ends is None or ends >= day)}
    gone = sorted({team for team, _, _ in spans} - there)
    if gone:
        verb = "bestaan" if len(gone) > 1 else "bestaat"
        return f"Op {dutch.day(day)} {verb} {', '.join(gone[:10])} niet; laat voor die dag een voorstel maken."
    return ""


def publish_in(var: Path, store_url: str, version: int, act: int | None, by: str, remark: str) -> dict[str, Any]:
    """Put a version in force, in a process of its own, as long as ``act`` proposed it last; how that ended."""
    approval = {"by": by, "remark": remark, "decision": "approved", "at": datetime.now(UTC).isoformat()}
    try:
        versions.publish(version, store_url, var / "published", approval=approval, act=act)
    except NoRight as error:  # a role of the database that may only propose
        raise Refused(NO_RIGHTS.format(version=version)) from error
    except (Passing, Unusable):
        raise
    except Refused as refused:
        raise Refused(f"Publiceren is geweigerd; er is niets gewijzigd. De opslag zegt: {refused}") from refused
    return decided(version, store_url)


def decided(version: int, store_url: str) -> dict[str, Any]:
    """A version that was decided on: approved from which day, or rejected. Busy as long as it was not."""
    known = reads.versions(store_url)
    rows = known[known["version"] == version]
    status = str(rows["status"].iloc[0])
    if status == "proposed":
        return {"state": "busy", "text": BUSY}
    if status == "withdrawn":
        return {"state": "refused", "text": WITHDRAWN.format(version=version)}
    if status == "rejected":
        return {"state": "done", "version": version, "text": f"Versie {version} is afgewezen; er verandert niets."}
    begins = [day for day in rows["valid_from"] if isinstance(day, date)]
    since = f" en geldt vanaf {dutch.day(max(begins))}" if begins else ""
    later = dutch.planned_later(reads.planned_after(store_url, version, max(begins))) if begins else ""
    text = f"Versie {version} is goedgekeurd{since}. {later}"
    return {"state": "done", "version": version, "text": text.strip()}


def check_order(desk: Desk, order: DecisionOrder) -> None:
    """Raise ``Refused`` where the run proposes another version than was seen, or this one cannot be decided on."""
    version = int(version_row(desk, order.run)["version"])
    if version != order.version:
        raise Refused(SEEN_BEFORE.format(seen=order.version, version=version))
    why_not = obstacle(desk, order.run, is_approved=order.is_approved)
    if why_not:
        raise Refused(why_not)


def decide(desk: Desk, order: DecisionOrder, by: str) -> str:
    """Approve (in a process beside this one) or reject (at once), without a scheduler; returns the task's name, empty
    when it is done."""
    version, act = order.version, desk.asked_about(order.version)
    if order.is_approved:
        what = (desk.var, desk.store_url, version, act, by, order.remark)
        return desk.tasks.start(publish_in, *what, by=by, busy=BUSY)
    try:
        versions.reject(version, desk.store_url, {"by": by, "remark": order.remark, "decision": "rejected",
                                                  "at": datetime.now(UTC).isoformat()}, act=act)  # fmt: skip
    except NoRight as error:
        raise Refused(NO_RIGHTS.format(version=version)) from error
    return ""


def add_deciding(app: FastAPI) -> None:
    """The endpoints of the decision."""

    @app.get("/api/decision", include_in_schema=False)
    def about(run: AskedRun, desk: DeskOf, may_plan: MayPlan, may_decide: MayDecide) -> dict[str, Any]:
        row = version_row(desk, run)
        told = summary(desk, run, for_readers=not may_plan)
        open_to = may_decide and row["status"] == "proposed"
        version, first = int(row["version"]), reads.first_day(desk.store_url, int(row["version"]))
        facts = {"version": version, "status": str(row["status"]), "may_decide": may_decide}
        facts["first_day"] = dutch.day(first)
        later = reads.planned_after(desk.store_url, version, first) if open_to else []
        facts["planned"] = dutch.planned_later(later)
        return told | facts | {"obstacle": obstacle(desk, run, is_approved=True) if open_to else ""}

    @app.post("/api/decision", include_in_schema=False)
    async def decision_made(order: DecisionOrder, request: Request, desk: DeskOf, by: Approver) -> dict[str, str]:
        await run_in_threadpool(check_order, desk, order)
        passes_on: Approval | None = request.scope.get("approval")
        if passes_on:
            asking = await run_in_threadpool(asking_run, desk, order.run, order.version)
            await passes_on.answer(asking, order.version, is_approved=order.is_approved, remark=order.remark)
            return {"task": ""}
        return {"task": await run_in_threadpool(decide, desk, order, by)}

    @app.get("/api/decision/state", include_in_schema=False)
    async def decision_state(run: AskedRun, request: Request, desk: DeskOf, task: str = "") -> dict[str, Any]:
        if task:
            return desk.tasks.state(task)
        version = int((await run_in_threadpool(version_row, desk, run))["version"])
        told = await run_in_threadpool(decided, version, desk.store_url)
        passes_on: Approval | None = request.scope.get("approval")
        if told["state"] != "busy":
            return told
        if not passes_on:  # a decision that is being carried out has a task
            return {"state": "refused", "text": UNDECIDED.format(version=version)}
        return await passes_on.after_answer(await run_in_threadpool(asking_run, desk, run, version))
