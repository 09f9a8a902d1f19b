"""Commands about versions: ``publish``, ``rollback``, ``versions``, ``compare``, ``report`` and ``tidy``."""

from __future__ import annotations

import argparse
import sys

from allocation.cli.arguments import Adder, day, version
from allocation.contract.errors import Refused


def add_commands(add: Adder) -> None:
    """Add these commands, each with its arguments."""
    publish = add("publish", _publish, "put a proposed version in force")
    publish.add_argument("version", type=version)
    publish.add_argument(
        "--valid-from", type=day, metavar="DATE", help="first day in force (default: as planned, else today)"
    )
    publish.add_argument("--remark", default="", help="kept with the approval")
    rollback = add("rollback", _rollback, "put an older version in force again")
    rollback.add_argument("version", type=version)
    rollback.add_argument("--reason", required=True)
    rollback.add_argument("--valid-from", type=day, metavar="DATE")
    add("versions", _versions, "the versions in the store")
    compare = add("compare", _compare, "what changes between two versions, as CSV")
    compare.add_argument("a", type=version)
    compare.add_argument("b", type=version)
    report = add("report", _report, "where the report of a version is")
    report.add_argument("version", type=version)
    tidy = add("tidy", _tidy, "remove old runs, proposals, caches and logs that no version needs")
    tidy.add_argument("--days", type=int, default=90, help="keep what is younger (default 90, at least 15)")
    tidy.add_argument("--runs", type=int, default=10, help="keep so many of the newest runs in any case (default 10)")
    tidy.add_argument("--trial", action="store_true", help="say what would go, remove nothing")


def _publish(asked: argparse.Namespace) -> int:
    import getpass

    from allocation.publication import versions

    approval = {"by": getpass.getuser(), "remark": asked.remark, "decision": "approved"}
    folder = versions.publish(
        asked.version, asked.store, asked.var / "published", valid_from=asked.valid_from, approval=approval
    )
    print(f"version {asked.version} published; files in {folder}")
    return 0


def _rollback(asked: argparse.Namespace) -> int:
    import getpass

    from allocation.publication import versions

    folder = versions.rollback(
        asked.version,
        asked.store,
        asked.var / "published",
        reason=asked.reason,
        by=getpass.getuser(),
        valid_from=asked.valid_from,
    )
    print(f"version {asked.version} in force again; files in {folder}")
    return 0


def _versions(asked: argparse.Namespace) -> int:
    from allocation.publication import reads

    table = reads.versions(asked.store)
    print(table.to_string(index=False) if len(table) else "no versions yet")
    return 0


def _compare(asked: argparse.Namespace) -> int:
    from allocation.publication import reads
    from allocation.publication.table_files import spreadsheet_safe_frame

    found = reads.compare(asked.a, asked.b, asked.store)
    spreadsheet_safe_frame(found).to_csv(sys.stdout, index=False)
    return 0


def _report(asked: argparse.Namespace) -> int:
    from allocation.publication.files import report_of_version

    path = report_of_version(asked.var / "published", asked.version)
    if not path.exists():
        raise Refused(f"version {asked.version} has no report in {asked.var / 'published'}")
    print(path)
    return 0


def _tidy(asked: argparse.Namespace) -> int:
    from allocation.pipeline.tidy import tidy

    removed = tidy(asked.var, asked.store, days=asked.days, runs=asked.runs, is_trial=asked.trial)
    verb = "would be removed" if asked.trial else "removed"
    for name in removed.runs:
        print(f"run {name}")
    for name in removed.proposals:
        print(f"rejected or withdrawn proposal {name}")
    print(f"{len(removed.runs)} run(s) and {removed.files} file(s) {verb}, {removed.bytes / 1e6:.1f} MB")
    return 0
