"""The planners' page inside Airflow's own pages, behind its login.

Airflow does not ask who calls an application of a plugin, so the guard below does: a valid session of a user who may
see plugins, for the page and everything it asks for. Who saves a draft or hands in a proposal must also be allowed to
start the DAG `allocate`. The application itself is loaded at the first request: every component of Airflow imports
this file, and most never show a page.
"""

from __future__ import annotations

import os
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/caseload"
ASKING = ("/api/figures", "/api/changes", "/api/suggestions", "/api/recompute")
"""Paths that are posted to but change nothing."""


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
        user = await _user(scope)
        status = 401 if user is None else 200 if _may(user, scope) else 403
        if status != 200:
            await _answer(send, status)
            return
        await self._application()(dict(scope, planner=str(user.get_name())), receive, send)

    def _application(self) -> Any:
        if self._page is None:
            from allocation.report import create_app

            var = Path(os.environ.get("CASELOAD_VAR", "var")).absolute()
            store = os.environ.get("CASELOAD_STORE") or f"sqlite:///{var / 'caseload.sqlite'}"
            self._page = create_app(store, var)
        return self._page


async def _user(scope: dict[str, Any]) -> Any:
    """The user of Airflow's session cookie or bearer token; None without a valid one."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
    from jwt.exceptions import InvalidTokenError

    headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
    cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE_NAME_JWT_TOKEN)
    kind, _, bearer = headers.get("authorization", "").partition(" ")
    token = cookie.value if cookie else bearer if kind.lower() == "bearer" else ""
    if not token:
        return None
    try:
        return await get_auth_manager().get_user_from_token(token)
    except InvalidTokenError:
        return None


def _may(user: Any, scope: dict[str, Any]) -> bool:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity, DagDetails

    manager = get_auth_manager()
    if not manager.is_authorized_view(access_view=AccessView.PLUGINS, user=user):
        return False
    if scope["method"] in ("GET", "HEAD") or scope["path"].endswith(ASKING):
        return True
    details = DagDetails(id="allocate")
    return manager.is_authorized_dag(method="POST", access_entity=DagAccessEntity.RUN, details=details, user=user)


async def _answer(send: Any, status: int) -> None:
    text = {401: "Log eerst in bij Airflow.", 403: "U mag dit niet; vraag de beheerder om rechten."}[status]
    headers = [(b"content-type", b"application/json; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f'{{"detail": "{text}"}}'.encode()})


class CaseloadPage(AirflowPlugin):
    """Puts the page in the menu."""

    name = "caseload_page"
    fastapi_apps = [{"app": Guarded(), "url_prefix": PREFIX, "name": "Caseloadverdeling"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {"name": "Caseloadverdeling", "href": f"{PREFIX}/", "destination": "nav", "url_route": "caseload"}
    ]
