"""Commands about what a run starts from: ``validate``, ``boundaries`` and ``example``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from allocation.cli.arguments import Adder, boundaries_argument, first_day_argument, var_argument
from allocation.contract.errors import Refused


def add_commands(add: Adder) -> None:
    """Add these commands, each with its arguments."""
    validate = add("validate", _validate, "all input checks, nothing else", has_store=False)
    validate.add_argument("--input", type=Path, metavar="DIR", help="input folder (default: CASELOAD_INPUT)")
    boundaries_argument(validate)
    var_argument(validate)
    validate.add_argument("--config", type=Path, metavar="FILE")
    first_day_argument(validate)
    boundaries = add("boundaries", _boundaries, "what changed between two editions of the boundaries", has_store=False)
    boundaries.add_argument("action", choices=("diff",))
    boundaries.add_argument("old", help="embedded, pdok:YEAR, a YEAR or a file")
    boundaries.add_argument("new", help="the same")
    var_argument(boundaries)
    example = add("example", _example, "write the embedded example input, to start your own from", has_store=False)
    example.add_argument("--out", type=Path, required=True, metavar="DIR")
    var_argument(example)


def _validate(asked: argparse.Namespace) -> int:
    import geodata
    from allocation.contract.config import Config
    from allocation.pipeline import steps

    if asked.input is None:
        raise Refused("Which input folder? Name it with --input, or in CASELOAD_INPUT.")
    config = Config.from_file(asked.config)
    if asked.valid_from:
        config = config.model_copy(update={"valid_from": asked.valid_from})
    try:
        boundaries = geodata.load_boundaries(asked.boundaries, asked.var / "cache")
    except geodata.GeodataError as error:
        raise Refused(str(error)) from error
    for doubt in steps.validate_folder(asked.input, boundaries, config):
        print(f"look at: {doubt}")
    print(f"{asked.input}: no problems found")
    return 0


def _boundaries(asked: argparse.Namespace) -> int:
    import geodata
    from allocation.publication.table_files import spreadsheet_safe_frame

    try:
        old, new = (geodata.load_boundaries(spec, asked.var / "cache").areas for spec in (asked.old, asked.new))
    except geodata.GeodataError as error:
        raise Refused(str(error)) from error
    spreadsheet_safe_frame(geodata.diff(old, new)).to_csv(sys.stdout, index=False)
    return 0


def _example(asked: argparse.Namespace) -> int:
    import shutil

    from allocation.contract.config import Config
    from allocation.contract.environment import environment
    from allocation.pipeline import example_input, steps
    from allocation.runs.run import Run

    if asked.out.exists():
        raise Refused(f"{asked.out} exists already; give a new folder")
    store = environment().store_url(asked.var)
    run = Run.start(input_dir=None, boundaries="embedded", store=store, config=Config(), var=asked.var)
    steps.prepare_boundaries(run)
    shutil.copytree(example_input.example_folder(run), asked.out)
    print(f"example input in {asked.out}; start with teams.csv")
    return 0
