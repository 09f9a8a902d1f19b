"""The command line: ``caseload ...``. Exit codes: 0 done, 1 refused (nothing published), 2 wrong usage.

Belongs here: arguments, progress and messages. Does not belong here: any rule of the field.
Imports stand inside the commands: ``caseload solve`` and ``caseload lookup`` must start at once.
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allocation.contract.errors import InputRefused, Refused

if TYPE_CHECKING:
    from allocation.publication.lookup import LookupTable

MOST_SECONDS = 24 * 3600
Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    os.umask(0o027)  # runs and published files hold counts of clients: nothing for other users of the machine
    asked = _parser().parse_args(arguments)
    if getattr(asked, "store", "") is None:
        from allocation.publication.store import default_store_url

        asked.store = default_store_url(asked.var)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
    command: Command = asked.command
    try:
        return command(asked)
    except InputRefused as refused:
        for problem in refused.problems:
            print(problem, file=sys.stderr)
        print(f"refused: {len(refused.problems)} problem(s); nothing was published", file=sys.stderr)
        return 1
    except Refused as refused:
        print(f"refused: {refused}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # files are written whole and the store knows transactions: nothing is left half
        print("stopped; what was not published yet is not published", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output stopped reading, as `head` does
        sys.stderr.close()
        return 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        place = error.filename or getattr(asked, "var", "the disk")
        print(f"refused: no space left on {place}; make room and try again", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="caseload", description="Divide postcode areas over SMC teams and publish who serves whom."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = _Adder(commands)
    run = add("run", _run, "the whole pipeline without a scheduler")
    run.add_argument(
        "--publish",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="put the outcome in force (default), or leave it a proposal",
    )
    _run_arguments(run)
    _run_arguments(add("propose", _propose, "the same, and leave the outcome a proposal"))
    scenario = add("scenario", _scenario, "what if: a scenario beside the division in force; nothing is published")
    scenario.add_argument("scenarios", type=Path, nargs="+", metavar="FILE", help="TOML, see examples/scenarios")
    _run_arguments(scenario)
    publish = add("publish", _publish, "put a proposed version in force")
    publish.add_argument("version", type=int)
    publish.add_argument(
        "--valid-from", type=_day, metavar="DATE", help="first day in force (default: as planned, else today)"
    )
    publish.add_argument("--remark", default="", help="kept with the approval")
    rollback = add("rollback", _rollback, "put an older version in force again")
    rollback.add_argument("version", type=int)
    rollback.add_argument("--reason", required=True)
    rollback.add_argument("--valid-from", type=_day, metavar="DATE")
    add("versions", _versions, "the versions in the store")
    compare = add("compare", _compare, "what changes between two versions, as CSV")
    compare.add_argument("a", type=int)
    compare.add_argument("b", type=int)
    lookup = add("lookup", _lookup, "which team serves a postcode, and why")
    lookup.add_argument("postcode", help="PC4 or PC6, in any notation")
    lookup.add_argument("--group", default="regulier")
    lookup.add_argument("--law", choices=("ZW", "WIA", "PW"), help="default: all")
    lookup.add_argument("--line", choices=("vangnet", "werkgever"), help="default: both")
    lookup.add_argument("--on", type=_day, metavar="DATE", help="day (default: today)")
    lookup.add_argument("--pw-client", action="store_true", help="who has or had a file under the Participatiewet")
    lookup.add_argument("--file", action="store_true", help="where an existing file goes; needs --law and --line")
    lookup.add_argument("--team", help="with --file: the team that has it (default: the division of the day before)")
    validate = add("validate", _validate, "all input checks, nothing else", has_store=False)
    validate.add_argument("--input", type=Path, required=True, metavar="DIR")
    validate.add_argument("--boundaries", default="embedded")
    validate.add_argument("--config", type=Path, metavar="FILE")
    report = add("report", _report, "where the report of a version is")
    report.add_argument("version", type=int)
    serve = add("serve", _serve, "the planners' page")
    serve.add_argument("--port", type=int, default=8390)
    boundaries = add("boundaries", _boundaries, "what changed between two editions of the boundaries", has_store=False)
    boundaries.add_argument("action", choices=("diff",))
    boundaries.add_argument("old", help="embedded, pdok:YEAR, a YEAR or a file")
    boundaries.add_argument("new", help="the same")
    tidy = add("tidy", _tidy, "remove old runs and logs that no version needs")
    tidy.add_argument("--days", type=int, default=90, help="keep what is younger (default 90, at least 15)")
    tidy.add_argument("--runs", type=int, default=10, help="keep so many of the newest runs in any case (default 10)")
    tidy.add_argument("--trial", action="store_true", help="say what would go, remove nothing")
    example = add("example", _example, "write the embedded example input, to start your own from", has_store=False)
    example.add_argument("--out", type=Path, required=True, metavar="DIR")
    solve = add("solve", _solve, "divide one bare districting instance", has_store=False)
    solve.add_argument("instance", type=Path, metavar="DIR")
    solve.add_argument("--out", type=Path, required=True, metavar="FILE")
    solve.add_argument("--seconds", type=_seconds, default=10.0)
    solve.add_argument("--seed", type=_seed, default=1)
    solve.add_argument(
        "--certify", type=_spare_seconds, default=0.0, metavar="SECONDS", help="extra time for the proven bound"
    )
    return parser


class _Adder:
    """Adds sub-commands; nearly all take ``--store``."""

    def __init__(self, commands: Any) -> None:
        self.commands = commands

    def __call__(self, name: str, command: Command, told: str, *, has_store: bool = True) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = self.commands.add_parser(name, help=told, description=told)
        parser.set_defaults(command=command)
        if has_store:
            parser.add_argument(
                "--store",
                metavar="URL",
                help="database, SQLAlchemy form (default: CASELOAD_STORE, or the embedded file in the folder --var)",
            )
            parser.add_argument(
                "--var",
                type=Path,
                default=Path("var"),
                metavar="DIR",
                help="folder of runs, caches and published files",
            )
        return parser


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", type=Path, metavar="DIR", help="input folder (default: the embedded example)")
    parser.add_argument("--boundaries", default="embedded", help="embedded, pdok[:YEAR] or a file")
    parser.add_argument(
        "--regions", metavar="NAMES", help="numbers or names, comma-separated: divide these, carry the others over"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML with settings that differ from the defaults")
    parser.add_argument(
        "--seconds", type=_seconds, help="search so long per cluster and layer (default: a fixed, repeatable effort)"
    )
    parser.add_argument(
        "--valid-from", type=_day, metavar="DATE", help="first day of the new division (default: today)"
    )
    parser.add_argument("--reason", help="why this run is made; kept with the version")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date, YYYY-MM-DD") from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0, up to {MOST_SECONDS}")
    return seconds


def _spare_seconds(text: str) -> float:
    return 0.0 if text.strip() == "0" else _seconds(text)


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0, of at most 18 digits")
    return int(text)


def _configuration(asked: argparse.Namespace) -> Any:
    from allocation.contract.config import Config

    config = Config.from_file(asked.config)
    changes: dict[str, Any] = {}
    if asked.regions:
        changes["regions"] = tuple(name.strip() for name in asked.regions.split(","))
    if asked.valid_from:
        changes["valid_from"] = asked.valid_from
    if asked.reason:
        changes["reason"] = asked.reason
    changes["solver"] = config.solver.lasting(asked.seconds).model_dump()
    return Config.from_values(config.model_dump() | changes, "command line")


def _start(asked: argparse.Namespace) -> Any:
    from allocation.runs.run import Run

    return Run.start(
        input_dir=asked.input,
        boundaries=asked.boundaries,
        store=asked.store,
        config=_configuration(asked),
        var=asked.var,
    )


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)


def _progress_ends() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)


def _run(asked: argparse.Namespace) -> int:
    from allocation.pipeline import run_all
    from allocation.report import summary

    run = _start(asked)
    run_all.run_all(run, until="publication" if asked.publish else "proposal", progress=_progress)
    _progress_ends()
    print(summary.summary_text(summary.summary(run)))
    return 0


def _propose(asked: argparse.Namespace) -> int:
    asked.publish = False
    return _run(asked)


def _scenario(asked: argparse.Namespace) -> int:
    from allocation.pipeline import run_scenario
    from allocation.pipeline.scenario import Scenario, side_by_side

    asked_for = [Scenario.from_file(path) for path in asked.scenarios]
    compared, reports = {}, []
    for scenario in asked_for:
        run = _start(asked)
        compared[scenario.name], report = run_scenario.run_scenario(scenario, run, _progress)
        _progress_ends()
        reports.append(f"report of {scenario.name}: {report}")
    print("beside the division in force (base):")
    print(side_by_side(compared).to_string(index=False, float_format="{:,.3f}".format))
    print("\n".join(reports))
    return 0


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
    from allocation.publication import versions

    table = versions.versions(asked.store)
    print(table.to_string(index=False) if len(table) else "no versions yet")
    return 0


def _compare(asked: argparse.Namespace) -> int:
    from allocation.publication import versions

    versions.compare(asked.a, asked.b, asked.store).to_csv(sys.stdout, index=False)
    return 0


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


def _validate(asked: argparse.Namespace) -> int:
    import geodata
    from allocation.contract.config import Config
    from allocation.pipeline import steps

    config = Config.from_file(asked.config)
    try:
        boundaries = geodata.load_boundaries(asked.boundaries)
    except geodata.GeodataError as error:
        raise Refused(str(error)) from error
    for doubt in steps.validate_folder(asked.input, boundaries, config):
        print(f"look at: {doubt}")
    print(f"{asked.input}: no problems found")
    return 0


def _boundaries(asked: argparse.Namespace) -> int:
    import geodata

    try:
        old, new = (geodata.load_boundaries(spec).areas for spec in (asked.old, asked.new))
    except geodata.GeodataError as error:
        raise Refused(str(error)) from error
    geodata.diff(old, new).to_csv(sys.stdout, index=False)
    return 0


def _report(asked: argparse.Namespace) -> int:
    from allocation.publication.files import report_of_version

    path = report_of_version(asked.var / "published", asked.version)
    if not path.exists():
        raise Refused(f"version {asked.version} has no report in {asked.var / 'published'}")
    print(path)
    return 0


def _serve(asked: argparse.Namespace) -> int:
    from allocation.page.app import serve

    serve(asked.store, asked.var, port=asked.port)
    return 0


def _tidy(asked: argparse.Namespace) -> int:
    from allocation.pipeline.tidy import tidy

    removed = tidy(asked.var, asked.store, days=asked.days, runs=asked.runs, is_trial=asked.trial)
    verb = "would be removed" if asked.trial else "removed"
    for name in removed.runs:
        print(f"run {name}")
    print(f"{len(removed.runs)} run(s) and {removed.files} file(s) {verb}, {removed.bytes / 1e6:.1f} MB")
    return 0


def _example(asked: argparse.Namespace) -> int:
    import shutil

    from allocation.contract.config import Config
    from allocation.pipeline import example_input, steps
    from allocation.publication.store import default_store_url
    from allocation.runs.run import VAR, Run

    if asked.out.exists():
        raise Refused(f"{asked.out} exists already; give a new folder")
    store = default_store_url(VAR)
    run = Run.start(input_dir=None, boundaries="embedded", store=store, config=Config())
    steps.prepare_boundaries(run)
    shutil.copytree(example_input.example_folder(run), asked.out)
    print(f"example input in {asked.out}; start with teams.csv")
    return 0


def _solve(asked: argparse.Namespace) -> int:
    from allocation.districting import Params, ProblemError, Stop, read_instance, sentence, solve, write_plan

    if (why := _unwritable(asked.out, asked.instance)) is not None:
        print(f"--out {asked.out}: {why}", file=sys.stderr)
        return 2
    remarks: list[str] = []
    try:
        problem = read_instance(asked.instance, remarks)
    except ProblemError as error:
        for text in error.sentences:
            print(text, file=sys.stderr)
        return 1
    for remark in remarks:
        print(f"look at: {remark}", file=sys.stderr)
    result = solve(problem, Stop(seconds=asked.seconds), asked.seed, Params(certify_seconds=asked.certify))
    try:
        write_plan(problem, result.plan, asked.out)
    except OSError as error:
        print(f"--out {asked.out}: cannot be written ({error.strerror})", file=sys.stderr)
        return 1
    bound = "none" if result.lower_bound is None else f"{result.lower_bound:.6f}"
    bound += "" if result.gap is None else f" (gap {result.gap:.3%})"
    ended = f"{result.stopped_because} after {result.seconds:.1f} s, {result.iterations} iterations"
    print(f"objective {result.objective:.6f}, bound {bound}, {ended}")
    for violation in result.violations:
        print(sentence(violation), file=sys.stderr)
    if result.proof:
        print(result.proof, file=sys.stderr)
    if not result.is_feasible:
        print("the hard rules are not all met; the least bad plan found was written", file=sys.stderr)
    return 0 if result.is_feasible else 1


def _unwritable(path: Path, instance: Path) -> str | None:
    """Why a plan cannot be written there, known before the search; None when it can."""
    from allocation.districting.instance import FILES

    if path.is_dir():
        return "is a folder; the name of a file is needed"
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist"
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return "is not writable"
    if path.resolve().parent == instance.resolve() and path.name in FILES:
        return "is a file of the instance; give another name"
    return None
