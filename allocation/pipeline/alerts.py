"""What people read when the pipeline needs them: an alert, a proposal to decide on, the record of the decision.

Belongs here: words. Does not belong here: when or through which channel they are sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from allocation.contract.errors import InputRefused, Passing, Refused
from allocation.contract.vocabulary import SMALLEST_SHOWN_COUNT
from allocation.report import dutch
from allocation.report.moves import office_move
from allocation.runs.run_files import Unchanged
from expectations import inputs
from expectations.rules import MOST_EXAMPLES

HOURS_STEP = 25
"""Hours of a team as readers of the published tables see them too."""
SHOWN = 20
"""The most problems that one alert lists; the run's log has all of them."""


def failure(
    error: BaseException | str | None, dag_id: str, task_id: str, label: str | None, run_id: str
) -> dict[str, Any]:
    """An alert for a task that failed for good: what failed, why, and what to do."""
    step = f"{dag_id} / {task_id}" + (f" / {label}" if label else "")
    if isinstance(error, InputRefused):
        lines = [str(problem) for problem in error.problems[:SHOWN]]
        more = len(error.problems) - SHOWN
        what = f"{len(error.problems)} problem(s) in the input"
        todo = "Correct the rows above and start the DAG again; nothing was published."
    elif isinstance(error, Passing):
        lines, more, what = [str(error)], 0, "the store is away or full, also after trying again"
        todo = "Look at the database; once it is back, clear the task to go on from there."
    elif isinstance(error, Refused):
        lines, more, what = str(error).splitlines()[:SHOWN], len(str(error).splitlines()) - SHOWN, "refused"
        todo = "See what is refused above; nothing was published."
    else:
        lines, more, what = [f"{type(error).__name__}: {error}"], 0, "a fault in the program or its surroundings"
        todo = "Read the task's log; once the cause is gone, clear the task to go on from there."
    if more > 0:
        lines.append(f"+{more} more")
    return {"step": step, "run_id": run_id, "what": what, "details": lines, "remedy": todo}


def late(what: str, dag_id: str, run_id: str) -> dict[str, Any]:
    """An alert for a run that is not finished in time."""
    todo = "Look which task is running or waiting; the runbook says what each of them may wait for."
    return {"step": dag_id, "run_id": run_id, "what": "not finished in time", "details": [what], "remedy": todo}


def waiting(told: str, dag_id: str, run_id: str, address: str) -> dict[str, Any]:
    """A notice, in Dutch, that a proposal waits for a planner. ``told``: as ``proposal`` gives it."""
    lines = [line.strip("| ").replace(" | ", ": ") for line in told.splitlines() if line and not line.startswith("|-")]
    todo = f"Bekijk het voorstel en keur het goed of af: {address}"
    what = "een voorstel wacht op goedkeuring"
    return {"step": dag_id, "run_id": run_id, "what": what, "details": [x for x in lines if x], "remedy": todo}


def withdrawn(versions: Sequence[int], newer: int, dag_id: str, run_id: str) -> dict[str, Any]:
    """A notice, in Dutch, that proposals which waited were withdrawn because a newer one takes their place."""
    lines = [f"Voorstel {version} is ingetrokken: voorstel {newer} komt ervoor in de plaats." for version in versions]
    todo = f"Besluit over voorstel {newer}; over de ingetrokken voorstellen hoeft niets meer te worden besloten."
    return {"step": dag_id, "run_id": run_id, "what": "voorstel ingetrokken", "details": lines, "remedy": todo}


def planned(told: str, plan: str, address: str) -> dict[str, Any]:
    """A notice, in Dutch, of a plan for the dates that are known. ``told``: as ``report.calendar.calendar_text``."""
    todo = f"Bekijk het plan: {address}. Is een stap goedgekeurd, laat een beheerder dan DAG plan_ahead starten met de "
    todo += "naam van dit plan."
    lines = told.splitlines()
    more = len(lines) - SHOWN
    shown = [*lines[:SHOWN], *([f"en nog {more} regels"] if more > 0 else [])]
    return {"step": "plan_ahead", "run_id": plan, "what": f"plan {plan}", "details": shown, "remedy": todo}


def plan_is_done(plan: str) -> dict[str, Any]:
    """A notice, in Dutch, that nothing of a plan is left to propose."""
    todo = "Er is niets te doen; voor latere data maakt u een nieuw plan."
    what = f"elke stap van plan {plan} is gepubliceerd"
    return {"step": "plan_ahead", "run_id": plan, "what": what, "details": [], "remedy": todo}


def unchanged(found: Unchanged) -> str:
    """Why a run ended before a decision, in Dutch."""
    state = "van kracht is" if found.is_in_force else "op een besluit wacht"
    same = {
        "input": f"invoer, gebieden en instellingen zijn die van versie {found.version}, die {state}",
        "outcome": f"elke cliënt houdt het team van versie {found.version}, die {state}",
    }
    return f"Geen wijziging: {same[found.what]}. Er is geen voorstel gemaakt."


def drifted(
    outside: Sequence[Mapping[str, Any]], run_id: str, finished: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """An alert for teams that get or finish more or less than planned.

    ``outside``: rows of ``drift.team_drift``; ``finished``: rows of ``drift.finished_drift``. It goes to a chat and by
    mail, to more people than Operations: counts of clients are multiples of 5, and hours of 25, so that they do not
    tell one client (R14).
    """
    lines = [
        f"{row['team_id']}: {_clients(row['clients_came'])} clients came in, planned "
        f"{_clients(row['clients_planned'])} (band {_clients(row['low'])} to {_clients(row['high'])})"
        for row in outside[:SHOWN]
    ]
    lines += [f"+{len(outside) - SHOWN} more"] * (len(outside) > SHOWN)
    lines += [
        f"{row['team_id']}: {_hours(row['hours_finished'])} hours of work finished, planned "
        f"{_hours(row['hours_planned'])} (band {_hours(row['low'])} to {_hours(row['high'])})"
        for row in finished[:SHOWN]
    ]
    lines += [f"+{len(finished) - SHOWN} more"] * (len(finished) > SHOWN)
    todo = "Consider a new division: start DAG allocate. The version in force stays as it is until one is approved."
    if finished:
        todo += " Where finished work differs, the report of the next run says which productivity or hours are off."
    teams = {row["team_id"] for row in [*outside, *finished]}
    what = f"{len(teams)} team(s) outside the planned band"
    return {"step": "drift", "run_id": run_id, "what": what, "details": lines, "remedy": todo}


def _clients(count: float) -> str:
    few = 0.5 <= count < SMALLEST_SHOWN_COUNT
    return f"under {SMALLEST_SHOWN_COUNT}" if few else f"about {_nearest(count, SMALLEST_SHOWN_COUNT)}"


def _hours(hours: float) -> str:
    return f"about {_nearest(hours, HOURS_STEP)}"


def _nearest(amount: float, step: int) -> str:
    return f"{step * int(amount / step + 0.5):,}"


def text(alert: Mapping[str, Any]) -> str:
    """An alert as lines for a message."""
    head = f"{alert['step']}: {alert['what']} (run {alert['run_id']})"
    return "\n".join([head, *alert["details"], f"What to do: {alert['remedy']}"])


def question(version: int) -> str:
    """What a planner is asked, in Dutch. The page knows by it which proposal a question is about: the name of the run
    that asks is chosen by whoever starts it."""
    return f"Versie {version}, een nieuwe verdeling van de postcodes: goedkeuren?"


def proposal(figures: Mapping[str, Any]) -> str:
    """What the planner reads before deciding, in Dutch Markdown. ``figures``: of ``report.summary.summary``.

    It is handed on between tasks, sent to a chat and shown by Airflow to more people than Operations: no small count of
    clients is in it, nor a total that tells one. The exact ones are in the report and on the page.
    """
    roughly = figures["clients_roughly"]
    outside = _literal(", ".join(figures["teams_outside_tolerance"])) or "geen"
    offices = "; ".join(office_move(**one) for one in figures["office_moves"])
    taken_back = ", al eerder gepubliceerd: een beheerder kan haar terugzetten" if figures["is_taken_back"] else ""
    rows = [
        ("Versie", f"{figures['version']}{taken_back}"),
        ("Ingangsdatum", figures["first_day"]),
        ("Regio's, teams, postcodegebieden", f"{figures['regions']}, {figures['teams']}, {figures['areas']}"),
        ("Grootste afwijking van de norm", _percent(figures["worst_deviation"])),
        ("Gemiddelde afwijking", _percent(figures["mean_deviation"])),
        ("Teams buiten de tolerantie", outside),
        ("Postcodes die van team wisselen", figures["areas_moved"]),
        *([("Teams die van kantoor verhuizen", _literal(offices))] if offices else []),
        ("Cliënten die verhuizen", f"{roughly['moved']} van {roughly['in_stock']}"),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    notes = "".join(_note(warning) for warning in figures["warnings"])
    if figures["planned"]:
        notes = f"Let op: {figures['planned']}\n\n{notes}"
    return f"| | |\n|---|---|\n{table}\n\n{figures['moves_roughly']}\n\n{notes}Verslag: {figures['report']}\n"


def _note(warning: Mapping[str, Any]) -> str:
    """A warning in Dutch; what changes on a known day is listed with its date and names."""
    note = f"Let op: {warning['sentence_nl']} ({warning['how_many']} keer).\n\n"
    if warning["expectation"] not in inputs.LISTED:
        return note
    return note + "".join(f"- {_literal(place)}\n" for place in dutch.examples(warning, MOST_EXAMPLES)) + "\n"


def _literal(text: str) -> str:
    """A text of the input as Markdown that shows it: a name may be no link, no picture and no cell of the table."""
    return re.sub(r"([\\\[\]|<`*])", r"\\\1", text)


def _percent(share: float) -> str:
    """In whole percents, as the published tables round a deviation: a tenth of a team's work may be one client."""
    return f"{100 * share:.0f}%"


def approval(answer: Mapping[str, Any] | None) -> dict[str, Any]:
    """The decision as it is kept with the version: who (``by``), ``remark``, ``decision`` and when (``at``).

    ``decision``: approved, rejected, or withdrawn when a newer proposal took its place before anybody decided.

    ``answer``: what the approval task handed on. Raises ``Refused`` when there is none: a task that was marked
    successful by hand is no approval.
    """
    if not answer:
        raise Refused("No decision of a planner is recorded for this proposal; nothing was published.")
    person = answer.get("responded_by_user") or {}
    return {
        "by": person.get("name") or person.get("id") or "no answer in time",
        "remark": (answer.get("params_input") or {}).get("remark", ""),
        "decision": _decision(answer),
        "at": str(answer["responded_at"]),
    }


def _decision(answer: Mapping[str, Any]) -> str:
    if answer.get("withdrawn"):
        return "withdrawn"
    return "approved" if answer["chosen_options"] == ["Approve"] else "rejected"
