"""Commands that answer who serves a client: ``lookup`` and ``serve``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from allocation.cli.arguments import Adder, day, port
from allocation.contract.errors import Refused

if TYPE_CHECKING:
    from allocation.publication.lookup import Answer, LookupTable


ONE_ANSWER = ("pc4", "follows", "client_group", "pw_client", "law", "client_line", "team_id")
"""What an answer of a later version has in common with the one that goes on, with whatever share, as ``since`` has."""


def add_commands(add: Adder) -> None:
    """Add these commands, each with its arguments."""
    lookup = add("lookup", _lookup, "which team serves a postcode, and why")
    lookup.add_argument("postcode", help="PC4 or PC6, in any notation")
    lookup.add_argument("--group", default="regulier")
    lookup.add_argument("--law", choices=("ZW", "WIA", "PW"), help="default: all")
    lookup.add_argument("--line", choices=("vangnet", "werkgever"), help="default: both")
    lookup.add_argument("--on", type=day, metavar="DATE", help="day (default: today)")
    lookup.add_argument("--pw-client", action="store_true", help="who has or had a file under the Participatiewet")
    lookup.add_argument("--file", action="store_true", help="where an existing file goes; needs --law and --line")
    lookup.add_argument("--team", help="with --file: the team that has it (default: the division of the day before)")
    serve = add("serve", _serve, "the planners' page")
    serve.add_argument("--port", type=port, default=8390)


def _lookup(asked: argparse.Namespace) -> int:
    from allocation.publication.lookup import LookupTable

    table = LookupTable(asked.store)
    client = {"group": asked.group, "pw_client": asked.pw_client, "law": asked.law, "line": asked.line, "on": asked.on}
    if asked.file or asked.team:
        return _file(table, asked.postcode, asked.team, client)
    for found in table.find(asked.postcode, **client):
        area = f"{found.pc6_from}-{found.pc6_to[4:]}" if found.pc6_from and found.pc6_to else found.pc4
        last = _last_day(table, asked.postcode, client, found)
        until = f" until {last}" if last else ""
        print(
            f"{area} {found.client_group} {found.law} {found.client_line}: team {found.team_id} ({found.team_name}), "
            f"office {found.office}, share {found.share:.3g}, since {found.since}{until}"
        )
        follows = f"follows postcode {found.follows}, for {found.pc4} has no area of its own; " if found.follows else ""
        print(f"  {follows}rule {found.rule}: {found.reason}")
    return 0


def _last_day(table: LookupTable, postcode: str, client: Mapping[str, Any], now: Answer) -> date | None:
    """The last day on which a client is the team's, over versions that are planned; None = until further notice. It is
    the other end of ``since``: the version itself may end before."""
    from allocation.publication.postcodes import Unanswered

    last = now.valid_to
    while last is not None:
        try:
            later = table.find(postcode, **{**client, "on": last + timedelta(days=1)})
        except Unanswered:  # nothing is planned for then
            break
        same = [one for one in later if all(getattr(one, name) == getattr(now, name) for name in ONE_ANSWER)]
        if not same:
            break
        last = same[0].valid_to
    return last


def _file(table: LookupTable, postcode: str, team: str | None, client: Mapping[str, Any]) -> int:
    from allocation.publication.file_lookup import find_file

    if not (client["law"] and client["line"]):
        raise Refused("Where a file is depends on its law and line; give --law and --line.")
    for found in find_file(table, postcode, team=team, **client):
        holder = f"team {found.team_from}" if found.team_from else "an unknown team"
        print(f"{found.pc4} {found.client_group} {found.law} {found.client_line}, file of {holder}: {found.movement}")
        print(f"  team {' or '.join(found.team_to)} since {found.valid_from}: {found.reason}")
    return 0


def _serve(asked: argparse.Namespace) -> int:
    from allocation.page.app import serve

    serve(asked.store, asked.var, port=asked.port)
    return 0
