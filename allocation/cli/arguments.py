"""Arguments that several commands share, and what a value of each may be."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from allocation.contract.calendar import FIRST_DAY, LAST_DAY, day_of
from allocation.contract.errors import Refused
from allocation.contract.plain_text import is_readable

MOST_SECONDS = 24 * 3600
LAST_PORT = 65_535
MOST_DIGITS = 9
Command = Callable[[argparse.Namespace], int]


class Adder:
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
            var_argument(parser)
        return parser


def var_argument(parser: argparse.ArgumentParser) -> None:
    """``--var``: also of a command without a store, for its caches."""
    parser.add_argument(
        "--var",
        type=Path,
        default=Path(os.environ.get("CASELOAD_VAR") or "var"),
        metavar="DIR",
        help="folder of runs, caches and published files (default: CASELOAD_VAR, or var)",
    )


def check_texts(asked: argparse.Namespace) -> None:
    """Refuse a text or path that no screen can show: the record, the report and the files would have it."""
    for name, value in vars(asked).items():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str | Path) and not is_readable(str(text), also="\n\t"):
                raise Refused(
                    f"The argument {name.replace('_', '-')} holds a sign that cannot be shown; write it plainly."
                )


def boundaries_argument(parser: argparse.ArgumentParser) -> None:
    """``--boundaries``; left out it is as the environment says (``cli.main``)."""
    told = "embedded, pdok[:YEAR] or a file (default: CASELOAD_BOUNDARIES, or embedded)"
    parser.add_argument("--boundaries", help=told)


def run_arguments(parser: argparse.ArgumentParser) -> None:
    help_input = "input folder (default: CASELOAD_INPUT, or the embedded example)"
    parser.add_argument("--input", type=Path, metavar="DIR", help=help_input)
    boundaries_argument(parser)
    parser.add_argument(
        "--regions", metavar="NAMES", help="numbers or names, comma-separated: divide these, carry the others over"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML with settings that differ from the defaults")
    parser.add_argument(
        "--seconds",
        type=seconds_above_zero,
        help="search so long per cluster and layer (default: a fixed, repeatable effort)",
    )
    first_day_argument(parser)
    parser.add_argument("--reason", help="why this run is made; kept with the version")


def first_day_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--valid-from", type=day, metavar="DATE", help="first day of the new division (default: today)")


def day(text: str) -> date:
    try:
        found = day_of(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date, YYYY-MM-DD") from None
    if not FIRST_DAY <= found <= LAST_DAY:
        raise argparse.ArgumentTypeError(f"{text} is not a day from {FIRST_DAY.year} to {LAST_DAY.year}")
    return found


def seconds_above_zero(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0, up to {MOST_SECONDS}")
    return seconds


def seconds_from_zero(text: str) -> float:
    return 0.0 if text.strip() == "0" else seconds_above_zero(text)


def port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:6]) <= LAST_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 1 to {LAST_PORT}")
    return int(text)


def version(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of a version")
    return int(text)


def seed(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0, of at most 18 digits")
    return int(text)
