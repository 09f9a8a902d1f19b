"""Runs the suites of a gate with Great Expectations, builds its Data Docs and words what failed.

Great Expectations takes seconds to import, so that is done inside functions: importing this package stays cheap.

Belongs here: everything that knows how Great Expectations works. Does not belong here: any rule.
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from expectations.declared import EMPTY, TYPES, column_types, empty_cells, expectations, gx_expectations
from expectations.rules import (
    MOST_EXAMPLES,
    Declared,
    Failure,
    Outcome,
    Place,
    Rule,
    Suites,
)
from expectations.tables import Answer, Tables, write_answers

RESULT_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": MOST_EXAMPLES}

WORDED = {
    "expect_table_columns_to_match_set": ("columns are missing", "kolommen ontbreken"),
    "expect_column_values_to_be_in_set": ("values are not allowed", "waarden zijn niet toegestaan"),
    "expect_column_values_to_be_between": ("values are out of range", "waarden liggen buiten het bereik"),
    "expect_column_values_to_be_unique": ("values occur more than once", "waarden komen vaker voor"),
    "expect_compound_columns_to_be_unique": ("keys occur more than once", "sleutels komen vaker voor"),
}
"""What is true, in English and Dutch, when an expectation from a declaration fails."""


def run(suites: Suites, folder: Path) -> Outcome:
    """Check everything in ``suites``. Data Docs go to ``folder/data_docs/<gate>``.

    The tables that the rules were asked of stay behind in ``folder/<gate>.duckdb`` when something critical failed,
    for whoever has to find out why.
    """
    context, docs = new_context(folder / "data_docs" / suites.gate)
    kept = folder / f"{suites.gate}.duckdb"
    checks = check(context, suites, kept)
    context.build_data_docs()
    for film in docs.parent.glob("static/images/*.gif"):  # 3 MB that no page shows
        film.unlink()
    failed = sorted((failure for check in checks for failure in check), key=_worst_first)
    critical = sum(failure.severity == "critical" for failure in failed)
    if not critical:
        kept.unlink(missing_ok=True)
    statistics = {
        "checks": len(checks),
        "met": sum(not check for check in checks),
        "failed": critical,
        "warnings": len(failed) - critical,
        "tables": len(suites.declared),
    }
    return Outcome(suites.gate, not critical, statistics, tuple(failed), docs)


def get_ready() -> None:
    """Import Great Expectations, which takes seconds, while others work."""
    gx_expectations()


def check(context: Any, suites: Suites, kept: Path) -> list[list[Failure]]:
    """Everything in ``suites``: one list of failures per check, empty when it is met. When a critical one is not, the
    tables that the rules were asked of are kept in the file ``kept``."""
    rules = (TYPES, EMPTY, *suites.rules)
    of_columns = {"column_types": column_types(suites.declared), "empty_cells": empty_cells(suites.declared)}
    checks = [[_missing(name)] for name in suites.missing]
    frames = context.data_sources.add_pandas("tables as they are")
    for declared in suites.declared:
        found = _run_declared(context, frames, declared, suites.gate)
        checks += [_of_declaration(declared, one) for one in found]
    with Tables({**suites.frames, **of_columns}) as tables:
        answers = [tables.answer(rule) for rule in rules]
        checks += [[_broken(a.rule.table, a.rule.name, a.rule.column, a.broken)] for a in answers if a.broken]
        checks += _of_answers(context, [a for a in answers if not a.broken], suites.gate, kept.with_suffix(".sqlite"))
        if any(failure.severity == "critical" for check in checks for failure in check):
            tables.keep(kept)
    return checks


def _of_answers(context: Any, answers: Sequence[Answer], gate: str, path: Path) -> list[list[Failure]]:
    queries = write_answers(answers, path)
    try:
        asked = context.data_sources.add_sqlite(
            "rows that break a rule", connection_string=_address(path), create_temp_table=False
        )
        rules = [answer.rule for answer in answers]
        return [_of_rule(rules, one) for one in _run_rules(context, asked, rules, queries, gate)]
    finally:
        path.unlink()


def _address(path: Path) -> str:
    """The address of a SQLite file, whatever the folders above it are called. Every sign that means something in an
    address, or in a setting of Great Expectations (``$``), is spelled as its number; SQLAlchemy reads it back."""
    return f"sqlite:///{quote(bytes(path.resolve()))}"


def _worst_first(failure: Failure) -> tuple[bool, str]:
    return failure.severity != "critical", failure.table


def new_context(site: Path) -> tuple[Any, Path]:
    """A context in memory whose Data Docs land in ``site``, and the page to open."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read on import: it sends nothing anywhere
    import great_expectations as gx

    for name in ("great_expectations", "great_expectations.data_context.types.base"):  # the latter has its own level
        logging.getLogger(name).setLevel(logging.WARNING)  # not where it keeps its temporary files
    shutil.rmtree(site, ignore_errors=True)
    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    context.variables.data_docs_sites = {
        "local": {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(site.resolve()).replace("$", r"\$"),  # else it is read as a variable
            },
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            # The page of a validation shows its expectations too: a second page of each would say nothing new.
            "site_section_builders": {"expectations": "None", "profiling": "None"},
        }
    }
    return context, site / "index.html"


def _run_declared(context: Any, source: Any, declared: Declared, gate: str) -> Sequence[Any]:
    import great_expectations as gx

    name = declared.name
    batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all rows")
    suite = context.suites.add(gx.ExpectationSuite(name=f"{name} as declared", expectations=expectations(declared)))
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
    known = [column for column in declared.key if column in declared.frame]
    batch_parameters, run_id = {"dataframe": declared.frame.reset_index(drop=True)}, gx.RunIdentifier(run_name=gate)
    result = definition.run(batch_parameters=batch_parameters, result_format="BASIC", run_id=run_id)
    if not result.success:  # finding the places takes far longer than finding that there are any
        places = RESULT_FORMAT | {"unexpected_index_column_names": known}
        result = definition.run(batch_parameters=batch_parameters, result_format=places, run_id=run_id)
    return list(result.results)


def _run_rules(
    context: Any, source: Any, rules: Sequence[Rule], queries: Mapping[str, str], gate: str
) -> Sequence[Any]:
    """All rules between tables, each by its query of ``queries``: the rows that DuckDB found.

    COMPLETE is what makes Great Expectations keep the rows that a query returns (at most 200).

    It wants to see ``{batch}`` in every query, and puts a derived table there with or without a name of its own, as it
    sees fit. Rules read tables by name, so it gets its way in a comment.
    """
    import great_expectations as gx

    asset = source.add_table_asset("rules between tables", table_name=f"rows_of_{rules[0].name}")
    batch = asset.add_batch_definition_whole_table("all rows")
    made = [
        gx_expectations().UnexpectedRowsExpectation(
            unexpected_rows_query=f"/* of {{batch}} */ {queries[rule.name].strip()}",
            severity=rule.severity,
            description=f"{rule.table}: never that {rule.says}",
            meta={"rule": rule.name},
        )
        for rule in rules
    ]
    suite = context.suites.add(gx.ExpectationSuite(name="rules between tables", expectations=made))
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name="rules between tables", data=batch, suite=suite)
    )
    return list(definition.run(result_format="COMPLETE", run_id=gx.RunIdentifier(run_name=gate)).results)


def _missing(table: str) -> Failure:
    return Failure(
        table, "table_exists", None, 1, ({"table": table},), "critical", "the table is missing", "de tabel ontbreekt"
    )


def _raised(result: Any) -> str | None:
    """The first line of what an expectation broke down on. Great Expectations keeps it in one of two shapes."""
    info = result.exception_info or {}
    for one in [info, *(value for value in info.values() if isinstance(value, Mapping))]:
        if one.get("raised_exception"):
            return str(one.get("exception_message")).strip().splitlines()[0]
    return None


def _broken(table: str, name: str, column: str | None, why: str) -> Failure:
    return Failure(
        table,
        name,
        column,
        1,
        ({"reason": why},),
        "critical",
        "the check itself broke down",
        "de controle zelf liep vast",
    )


def _of_declaration(declared: Declared, result: Any) -> list[Failure]:
    if result.success:
        return []
    config, table = result.expectation_config, declared.name
    column = config.kwargs.get("column")
    if why := _raised(result):
        return [_broken(table, config.type, column, why)]
    english, dutch = WORDED[config.type]
    if config.type == "expect_table_columns_to_match_set":
        gone = result.result["details"]["mismatched"]["missing"]
        return [
            Failure(
                table,
                config.type,
                gone[0],
                len(gone),
                as_places({"column": name} for name in gone),
                "critical",
                english,
                dutch,
            )
        ]
    how_many = int(result.result["unexpected_count"])
    places = as_places(result.result.get("partial_unexpected_index_list") or ())
    if config.type == "expect_compound_columns_to_be_unique":
        column = ", ".join(declared.key)
    return [Failure(table, config.type, column, how_many, places, "critical", english, dutch)]


def _of_rule(rules: Sequence[Rule], result: Any) -> list[Failure]:
    """The rules on columns have one failure per column, named after that column's table; any other rule has one."""
    if result.success:
        return []
    name = result.expectation_config.meta["rule"]
    rule = next(rule for rule in rules if rule.name == name)
    if why := _raised(result):
        return [_broken(rule.table, rule.name, rule.column, why)]
    how_many = int(result.result["observed_value"])
    rows = result.result["details"]["unexpected_rows"]
    if rule is TYPES:
        return [
            Failure(row["table_name"], rule.name, row["column_name"], 1,
                    ({"declared": row["declared"], "found": row["found"]},), rule.severity, rule.says, rule.zegt)
            for row in rows
        ]  # fmt: skip
    if rule is EMPTY:
        return [
            Failure(row["table_name"], rule.name, row["column_name"], row["how_many"],
                    as_places(json.loads(row["places"])), rule.severity, rule.says, rule.zegt)
            for row in rows
        ]  # fmt: skip
    return [Failure(rule.table, rule.name, rule.column, how_many, as_places(rows), rule.severity, rule.says, rule.zegt)]


def as_places(rows: Iterable[Mapping[str, Any]]) -> tuple[Place, ...]:
    """The first ``MOST_EXAMPLES`` rows as text; an empty cell is left out, a float is rounded for reading."""
    return tuple(
        {str(name): _text(value) for name, value in row.items() if not _is_empty(value)}
        for row in islice(rows, MOST_EXAMPLES)
    )


def _is_empty(value: Any) -> bool:
    return value is None or value != value


def _text(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6g}"
    return str(value)
