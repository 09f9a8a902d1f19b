"""The planners' page inside Airflow's own pages, behind its login.

Airflow does not ask who calls an application of a plugin, so the guard below does: a valid session of a user who may
see plugins, for the page and everything it asks for. Who saves a draft or hands in a proposal must also be allowed to
start the DAG `allocate`; who approves or rejects, to answer what that DAG asks. The whole country is divided anew by
that DAG, started in the name of the one who asks. A decision is the answer that a run waits for: the run of `allocate`
that made the proposal, and for every other proposal one of the DAG `decide`. The application itself is loaded at the
first request: every component of Airflow imports this file, and most never show a page.
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote

from airflow.plugins_manager import AirflowPlugin

from allocation.contract.environment import environment

PREFIX = "/caseload"
DAG, DECIDE = "allocate", "decide"
ASKING = tuple(
    f"/api/{name}"
    for name in (
        "figures",
        "changes",
        "suggestions",
        "recompute",
        "questions",
        "charts",
        "compare",
        "export",
        "v1/lookup/batch",
    )
)
"""Paths that are posted to but change nothing."""
DECIDING = "/api/decision"
ASKED_WITHIN_S = 90
"""How long a decision waits for the question that it answers, when nothing asked it yet."""
SETTLED_S = 15
"""How old a question must be. An answer before the scheduler has noted that the task waits (a second, on a busy machine
more than five, Airflow 3.3) starts the task anew, and is lost: then the page says so, and it is given again."""


class Guarded:
    """The page as an ASGI application for users of this Airflow only."""

    def __init__(self) -> None:
        self._page: Any = None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 4401})
            return
        token = _token(scope)
        user = await _user(token)
        status = 401 if user is None else 200 if _may(user, scope) else 403
        if status != 200:
            await _answer(scope, send, status)
            return
        known = {"planner": str(user.get_name()), "may_plan": _may_plan(user), "may_decide": _may_decide(user)}
        known["country"] = known["approval"] = ThroughDag(scope["app"], token)
        await self._application()(scope | known, receive, send)

    def _application(self) -> Any:
        if self._page is None:
            from allocation.page.app import create_app

            os.umask(0o027)  # proposals that the page makes hold counts of clients: nothing for other users
            var = environment().var.absolute()
            self._page = create_app(environment().store_url(var), var)
        return self._page


LOST = "Airflow heeft het antwoord niet ontvangen en vraagt het opnieuw; geef het nog een keer."
ANOTHER = (
    "De vraag die Airflow onder deze naam stelt, gaat niet over versie {version}; er is niets besloten. Vraag de "
    "beheerder wie de run heeft gestart."
)
NOBODY_WAITS = (
    "In Airflow wacht geen run meer op een besluit over dit voorstel; er is niets besloten. Laat het voorstel opnieuw "
    "maken."
)
LOOKING = "Airflow kijkt net of dit voorstel nog op een besluit wacht; probeer het over een minuut opnieuw."
WAITING, BUSY_STATES = "awaiting_input", ("scheduled", "queued", "running", "restarting", "up_for_retry")
WAITS_AGAIN_S = 1.0
"""Between two looks whether a task waits again, that was woken to see whether its proposal still waits."""
LOOKS = 30
PUBLISHING = "Airflow verwerkt het besluit."


class ThroughDag:
    """Divides the whole country by the DAG, and answers what its runs ask, by Airflow's own REST interface with the
    token of the user.

    The interface is called in this process, so no address of the server is needed, and it decides what the user may.
    """

    def __init__(self, airflow: Any, token: str) -> None:
        self._airflow, self._token = airflow, token

    async def start(self, draft_id: int, reason: str) -> str:
        """Start a run of the DAG from a saved draft; returns the id of the pipeline's run that it makes."""
        if (await self._ask("GET", f"dags/{DAG}"))["is_paused"]:
            _refuse(f"De DAG {DAG} staat op pauze in Airflow; vraag de beheerder hem aan te zetten.")
        asked = {"logical_date": None, "conf": {"draft": draft_id, "reason": reason}}
        made = await self._ask("POST", f"dags/{DAG}/dagRuns", asked)
        return f"{DAG}__{made['dag_run_id']}"

    async def ask(self, run_id: str) -> None:
        """Have a proposal that `allocate` did not make wait for a decision; once for each."""
        if _dag_run(run_id)[0] != DECIDE:
            return
        if (await self._ask("GET", f"dags/{DECIDE}"))["is_paused"]:
            _refuse(f"De DAG {DECIDE} staat op pauze in Airflow; vraag de beheerder hem aan te zetten.")
        asked = {"logical_date": None, "dag_run_id": run_id, "conf": {"run": run_id}}
        await self._ask("POST", f"dags/{DECIDE}/dagRuns", asked, or_status=409)

    async def answer(self, run_id: str, version: int, *, is_approved: bool, remark: str) -> None:
        """Answer the task that asks for approval of ``version``."""
        from allocation.pipeline import alerts

        path = _question_path(run_id)
        asked = await self._ask("GET", path, or_status=404)
        if asked is None and _dag_run(run_id)[0] == DECIDE:
            await self.ask(run_id)
            asked = await self._question(run_id)
        if asked is None:
            _refuse("Airflow vraagt nog niet om een besluit over dit voorstel; probeer het over een minuut opnieuw.")
        if asked["response_received"]:
            _refuse("Over dit voorstel is in Airflow al besloten, of de tijd om te antwoorden is voorbij.")
        age = datetime.now(UTC) - datetime.fromisoformat(asked["created_at"])
        await asyncio.sleep(max(0.0, SETTLED_S - age.total_seconds()))
        asked = await self._waits(path)  # it may have been started anew meanwhile, and about something else
        if asked["subject"] != alerts.question(version):
            _refuse(ANOTHER.format(version=version))
        option = "Approve" if is_approved else "Reject"
        await self._ask("PATCH", path, {"chosen_options": [option], "params_input": {"remark": remark}})

    async def _waits(self, path: str) -> Any:
        """The question, once its task waits for the answer. Airflow keeps that of a task that has ended, and takes
        answers to it, with which nothing happens."""
        from allocation.contract.errors import Refused

        for _ in range(LOOKS):
            asked = await self._ask("GET", path)
            state = asked["task_instance"]["state"]
            if state == WAITING:
                return asked
            if state not in BUSY_STATES:
                _refuse(NOBODY_WAITS)
            await asyncio.sleep(WAITS_AGAIN_S)
        raise Refused(LOOKING)

    async def _question(self, run_id: str) -> Any:
        """The question of a run that has just begun, when it is there; None when it takes too long.

        Refused when the run has failed.
        """
        for _ in range(ASKED_WITHIN_S):
            await asyncio.sleep(1)
            asked = await self._ask("GET", _question_path(run_id), or_status=404)
            if asked is not None:
                return asked
            if failed := await self._failed(run_id):
                _refuse(failed["text"])
        return None

    async def state(self, run_id: str) -> dict[str, Any]:
        """How far a run of ``allocate`` is that has not proposed a version yet."""
        failed = await self._failed(run_id)
        if failed:
            return failed
        path = _path(run_id)
        tasks = (await self._ask("GET", f"{path}/taskInstances?task_id=solve&limit=500"))["task_instances"]
        mine = [one["state"] for one in tasks if one["task_id"] == "solve" and one["map_index"] >= 0]
        done = f": {mine.count('success')} van {len(mine)} regio's en lagen klaar" if mine else ""
        if mine and mine.count("success") == len(mine):
            return {"state": "busy", "text": "Airflow werkt het voorstel af."}
        return {"state": "busy", "text": f"Airflow verdeelt heel Nederland{done}."}

    async def after_answer(self, run_id: str) -> dict[str, Any]:
        """How it goes after an answer, as long as the version is not decided on."""
        question = await self._ask("GET", _question_path(run_id), or_status=404)
        is_lost = question is None or not question["response_received"]
        busy = {"state": "refused", "text": LOST} if is_lost else {"state": "busy", "text": PUBLISHING}
        return await self._failed(run_id) or busy

    async def _failed(self, run_id: str) -> dict[str, Any] | None:
        run = await self._ask("GET", _path(run_id))
        if run["state"] != "failed":
            return None
        why = _refusal(run_id)
        return {"state": "refused", "text": why or f"Het is mislukt; zie run {run['dag_run_id']} in Airflow."}

    async def _ask(self, method: str, path: str, body: Any = None, or_status: int = 0) -> Any:
        """What Airflow answers; None when it answers with ``or_status``. Refused when it refuses."""
        import httpx

        transport = httpx.ASGITransport(app=self._airflow)
        headers = {"Authorization": f"Bearer {self._token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
            answer = await client.request(method, f"/api/v2/{path}", json=body)
        if answer.status_code == or_status:
            return None
        if not answer.is_success:
            told = answer.json().get("detail", answer.text) if answer.content else answer.status_code
            _refuse(f"Airflow weigert dit ({answer.status_code}): {told}")
        return answer.json()


def _dag_run(run_id: str) -> tuple[str, str]:
    """The DAG and its run in which a proposal waits for a decision, as the run of the pipeline recorded it. Its name
    does where it has no folder yet, or was made by an earlier release."""
    from allocation.runs import run, run_files

    if not run_id.startswith(f"{DAG}__"):
        return DECIDE, run_id
    folder = run.run_folder(environment().var.absolute(), run_id)
    recorded = run_files.RUN.read(folder).dag_run if run_files.RUN.exists(folder) else None
    return DAG, recorded or run_id.removeprefix(f"{DAG}__")


def _refusal(run_id: str) -> str:
    """Why a run was refused; empty when it failed otherwise, or nobody kept it."""
    from allocation.runs import run, run_files

    folder = run.run_folder(environment().var.absolute(), run_id)
    return run_files.REFUSAL.read(folder) if run_files.REFUSAL.exists(folder) else ""


def _path(run_id: str) -> str:
    """Where the interface has the DAG run of a run of the pipeline; a name of dots would lead to another place."""
    dag, dag_run = _dag_run(run_id)
    if not dag_run.strip("."):
        _refuse("Deze run bestaat niet.")
    return f"dags/{dag}/dagRuns/{quote(dag_run, safe='')}"


def _question_path(run_id: str) -> str:
    """Where the interface has the question whether to approve a proposal."""
    return f"{_path(run_id)}/taskInstances/approve/-1/hitlDetails"


def _refuse(text: str) -> None:
    from allocation.contract.errors import Refused

    raise Refused(text)


def _token(scope: dict[str, Any]) -> str:
    """Airflow's session cookie, or a bearer token; empty without either."""
    from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN

    headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
    cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE_NAME_JWT_TOKEN)
    kind, _, bearer = headers.get("authorization", "").partition(" ")
    return cookie.value if cookie else bearer if kind.lower() == "bearer" else ""


async def _user(token: str) -> Any:
    """The user of a token; None when it is not valid."""
    from airflow.api_fastapi.app import get_auth_manager
    from jwt.exceptions import InvalidTokenError

    if not token:
        return None
    try:
        return await get_auth_manager().get_user_from_token(token)
    except InvalidTokenError:
        return None


def _may(user: Any, scope: dict[str, Any]) -> bool:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import AccessView

    if not get_auth_manager().is_authorized_view(access_view=AccessView.PLUGINS, user=user):
        return False
    if scope["path"].endswith(DECIDING) and scope["method"] == "POST":
        return _may_decide(user)
    return scope["method"] in ("GET", "HEAD") or scope["path"].endswith(ASKING) or _may_plan(user)


def _may_plan(user: Any) -> bool:
    """Whether a user may start the DAG, and so change anything on the page; others see the edition for readers."""
    return _may_dag(user, "POST", "RUN")


def _may_decide(user: Any) -> bool:
    """Whether a user may answer what the DAG asks, and so approve and reject."""
    return _may_dag(user, "PUT", "HITL_DETAIL")


def _may_dag(user: Any, method: Any, part: str) -> bool:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails

    details, entity = DagDetails(id=DAG), DagAccessEntity[part]
    allowed: bool = get_auth_manager().is_authorized_dag(
        method=method, access_entity=entity, details=details, user=user
    )
    return allowed


async def _answer(scope: dict[str, Any], send: Any, status: int) -> None:
    """Refuse: in JSON to a script, as a page with the way to the login to a person."""
    text = {401: "Log eerst in bij Airflow.", 403: "U mag dit niet; vraag de beheerder om rechten."}[status]
    kind, body = "application/json", f'{{"detail": "{text}"}}'
    if any(name == b"accept" and b"text/html" in value for name, value in scope["headers"]):
        way = '<p><a href="../auth/login?next=caseload/" target="_top">Inloggen</a></p>' if status == 401 else ""
        kind = "text/html"
        body = f'<!DOCTYPE html><html lang="nl"><title>Caseloadverdeling</title><h1>{text}</h1>{way}</html>'
    headers = {"content-type": f"{kind}; charset=utf-8", "cache-control": "no-store", "referrer-policy": "same-origin",
               "x-content-type-options": "nosniff"}  # fmt: skip
    await send({"type": "http.response.start", "status": status,
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()]})  # fmt: skip
    await send({"type": "http.response.body", "body": body.encode()})


class CaseloadPage(AirflowPlugin):
    """Puts the page in the menu."""

    name = "caseload_page"
    fastapi_apps = [{"app": Guarded(), "url_prefix": PREFIX, "name": "Caseloadverdeling"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {"name": "Caseloadverdeling", "href": f"{PREFIX}/", "destination": "nav", "url_route": "caseload"}
    ]
