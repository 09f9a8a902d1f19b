"""The command line: ``caseload ...``. Exit codes: 0 done, 1 refused (nothing published), 2 wrong usage.

Belongs here: arguments, progress and messages, one module a family of commands. Does not belong here: any rule of
the field.
Imports stand inside the commands: ``caseload solve`` and ``caseload lookup`` must start at once.
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import select
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from allocation.cli import advising, asking, bare_instance, dividing, importing, planning, preparing, publishing
from allocation.cli.arguments import Adder, Command, check_texts
from allocation.cli.progress import plain
from allocation.contract.errors import InputRefused, Refused

PROCESS_GONE = (
    "a process beside this one ended before its work was done ({}); it was killed, or memory ran out: try again"
)
STOPPED = (
    "stopped; nothing is half published: `caseload versions` says what is, and `caseload tidy` brings files up to it"
)
FAMILIES = (dividing, planning, publishing, importing, asking, advising, preparing, bare_instance)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    os.umask(0o027)  # runs and published files hold counts of clients: nothing for other users of the machine
    sys.stdout, sys.stderr = plain(sys.stdout), plain(sys.stderr)
    asked = parser().parse_args(arguments)
    if "var" in asked and os.environ.get("CASELOAD_FILES"):
        os.environ["CASELOAD_VAR"] = str(asked.var)  # for the storage, here and in every process that is started
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
    command: Command = asked.command
    try:
        check_texts(asked)
        _fill_in(asked)
        code = command(asked)
        sys.stdout.flush()  # else Python does so when it ends, and prints a traceback
        return code
    except InputRefused as refused:
        for problem in refused.problems:
            print(problem, file=sys.stderr)
        print(f"refused: {len(refused.problems)} problem(s); nothing was published", file=sys.stderr)
        return 1
    except Refused as refused:
        print(f"refused: {refused}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # files are written whole and the store knows transactions: nothing is left half
        print(STOPPED, file=sys.stderr)
        return 130
    except BrokenPipeError as error:
        if not _is_unread(sys.stdout):
            print(f"refused: {PROCESS_GONE.format(error.strerror)}", file=sys.stderr)
            return 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python still writes when it ends
        return 0
    except OSError as error:
        told = _told(error, asked)
        if told is None:
            raise
        print(f"refused: {told}", file=sys.stderr)
        return 1


def _is_unread(output: TextIO) -> bool:
    """Whether who read our output has stopped, as ``head`` does."""
    try:
        pipe = select.poll()
        pipe.register(output.fileno(), 0)
    except (OSError, ValueError):  # no file of the system, or closed
        return False
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in pipe.poll(0))


def _fill_in(asked: argparse.Namespace) -> None:
    """What was not named is as the environment says, as in the DAGs: store, input folder, boundaries."""
    if None not in (getattr(asked, name, "") for name in ("store", "input", "boundaries")):
        return
    from allocation.contract.environment import environment

    known = environment()
    if getattr(asked, "store", "") is None:
        asked.store = known.store_url(asked.var)
    if getattr(asked, "input", "") is None:
        asked.input = known.input_folder(asked.var)
    if getattr(asked, "boundaries", "") is None:
        asked.boundaries = known.boundaries


def _told(error: OSError, asked: argparse.Namespace) -> str | None:
    """What a person can do about an error of a file; None when the file is none of those that he named."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space left on {error.filename or getattr(asked, 'var', 'the disk')}; make room and try again"
    named = [path.absolute() for path in vars(asked).values() if isinstance(path, Path)]
    at = Path(os.fsdecode(error.filename)).absolute() if isinstance(error.filename, str | bytes | Path) else None
    if at is None or not any(at.is_relative_to(path) or path.is_relative_to(at) for path in named):
        return None
    return f"{at}: {error.strerror}; give a place where this can be read and written"


def parser() -> argparse.ArgumentParser:
    """Every command with its arguments."""
    whole = argparse.ArgumentParser(
        prog="caseload", description="Divide postcode areas over SMC teams and publish who serves whom."
    )
    add = Adder(whole.add_subparsers(required=True, metavar="COMMAND"))
    for family in FAMILIES:
        family.add_commands(add)
    return whole
