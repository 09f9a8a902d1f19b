"""Commands that answer who serves a client: ``lookup`` and ``serve``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from allocation.cli.arguments import Adder, day, port
from allocation.contract.errors import Refused

if TYPE_CHECKING:
    from allocation.publication.lookup import LookupTable


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
        until = f" until {found.valid_to}" if found.valid_to else ""
        print(
            f"{area} {found.client_group} {found.law} {found.client_line}: team {found.team_id} ({found.team_name}), "
            f"office {found.office}, share {found.share:.3g}, since {found.since}{until}"
        )
        follows = f"follows postcode {found.follows}, for {found.pc4} has no area of its own; " if found.follows else ""
        print(f"  {follows}rule {found.rule}: {found.reason}")
    return 0


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
