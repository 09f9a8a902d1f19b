"""Which mutants there are: the operators, and the faults that were once planted by hand and must always be found.

A mutant is a module's source with one change. Operators are those of cosmic-ray, as far as they make a plausible slip,
and two of our own: a statement left out and a call in a chain left out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray import plugins
from cosmic_ray.mutating import mutate_code

ROOT = Path(__file__).parents[2]
SLIPS = (
    "core/AddNot", "core/NumberReplacer", "core/ReplaceAndWithOr", "core/ReplaceOrWithAnd",
    "core/ZeroIterationForLoop", "core/ReplaceTrueWithFalse", "core/ReplaceFalseWithTrue",
    "core/ReplaceBreakWithContinue", "core/ReplaceContinueWithBreak", "core/ReplaceUnaryOperator_Delete_Invert",
    "core/ReplaceUnaryOperator_Delete_Not", "core/ReplaceUnaryOperator_Delete_USub",
    *(f"core/ReplaceBinaryOperator_{pair}" for pair in (
        "Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "BitAnd_BitOr", "BitOr_BitAnd", "FloorDiv_Mul", "Mod_Mul",
        "Pow_Mul",
    )),
    *(f"core/ReplaceComparisonOperator_{pair}" for pair in (
        "Eq_NotEq", "NotEq_Eq", "Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Lt_Gt", "Gt_Lt", "LtE_GtE", "GtE_LtE",
        "Is_IsNot", "IsNot_Is",
    )),
)  # fmt: skip
CALLS = frozenset({"abs", "clip", "drop_duplicates", "dropna", "fillna", "round", "sort_values", "where"})
"""Calls in a chain that are left out: ``x.clip(lower=0)`` becomes ``x``."""


@dataclass(frozen=True)
class Mutant:
    """One change of one module. ``path``: of the module, from the root. ``name``: operator and which of its places."""

    path: str
    name: str
    line: int
    before: str
    after: str
    source: str

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").replace("/", ".")


NAMED: tuple[tuple[str, str, str, str], ...] = (
    ("a shared team is split evenly between the lines", "allocation/layers/build.py",
     "return (hours * np.where(both, part, 1.0))", "return (hours * np.where(both, 0.5, 1.0))"),
    ("the smallest share is the holder now", "allocation/layers/current.py",
     "ascending=[True, False, True, True]", "ascending=[True, True, True, True]"),
    ("a division with an idle team is carried over", "allocation/layers/layer.py",
     " or len(np.unique(current)) < problem.k", ""),
    ("nobody holds the files of a special group", "allocation/outcome/in_force.py",
     "return routing_of_division(now, inputs.client_groups(config), special, offices, config)",
     "return routing_of_division(now, inputs.client_groups(config), special.iloc[:0], offices, config)"),
    ("a team may keep files of a special group that is not its own", "allocation/layers/holding.py",
     "if serves == SPECIAL and (team.kind != SPECIAL or group not in team.groups):", "if False:"),
    ("a team under its tolerance is within it", "allocation/outcome/team_load.py",
     "is_within_tolerance=deviation.abs() <=", "is_within_tolerance=deviation <="),
    ("what is in force on the eve of the first day does not count", "allocation/publication/proposals.py",
     "version_on(periods, first - _DAY)", "version_on(periods, first)"),
    ("the eve is a day early", "allocation/contract/calendar.py", "timedelta(days=1)", "timedelta(days=2)"),
    ("the eve is the first day", "allocation/contract/calendar.py", "first - timedelta(days=1)", "first"),
    ("ended teams count", "allocation/outcome/assemble.py",
     "return active_teams(self.inputs.teams, self.day)", "return self.inputs.teams"),
    ("a load below its limit is broken by nothing", "allocation/districting/check.py",
     "max(load - high, low - load) / target", "max(load - high, 0.0) / target"),
    ("pieces are called otherwise", "allocation/districting/sentences.py", "pieces.", "parts."),
)  # fmt: skip
"""What it is, the module, the text there, and what stands there instead."""


def named() -> Iterator[Mutant]:
    """The faults planted by hand. Raises ValueError where the text is gone: then the list has to follow the code."""
    for name, path, before, after in NAMED:
        source = (ROOT / path).read_text()
        if source.count(before) != 1:
            raise ValueError(f"{path} has {source.count(before)} times: {before}")
        line = source[: source.index(before)].count("\n") + 1
        yield Mutant(path, name, line, before, after, source.replace(before, after))


def generated(path: str) -> Iterator[Mutant]:
    """Every mutant of a module that the operators make and that changes what runs: annotations do not."""
    source = (ROOT / path).read_text()
    seen = {_what_runs(source)}
    for name, changed in (*_slips(source), *_left_out(source)):
        try:
            runs = _what_runs(changed)
        except SyntaxError:
            continue
        if runs not in seen:
            seen.add(runs)
            yield _mutant(path, name, source, changed)


def _mutant(path: str, name: str, source: str, changed: str) -> Mutant:
    old, new = source.splitlines(), changed.splitlines()
    at = next(
        (i for i, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), min(len(old), len(new)) - 1
    )
    return Mutant(path, name, at + 1, old[at].strip(), new[at].strip(), changed)


def _slips(source: str) -> Iterator[tuple[str, str]]:
    for operator in SLIPS:
        place = 0
        while (changed := mutate_code(source, plugins.get_operator(operator)(), place)) is not None:
            yield f"{operator.removeprefix('core/')} {place}", changed
            place += 1


def _left_out(source: str) -> Iterator[tuple[str, str]]:
    """A statement or a call in a chain left out; the rest of the text stays as it is."""
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def position(line: int, column: int) -> int:
        return starts[line - 1] + column

    def replaced(node: ast.stmt | ast.expr, text: bytes) -> str:
        first = position(node.lineno, node.col_offset)
        last = position(node.end_lineno or node.lineno, node.end_col_offset or 0)
        data = source.encode()
        return (data[:first] + text + data[last:]).decode()

    for place, node in enumerate(ast.walk(ast.parse(source))):
        if _is_act(node):
            yield f"statement left out {place}", replaced(node, b"pass")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS:
            kept = ast.get_source_segment(source, node.func.value)
            if kept is not None:
                yield f"{node.func.attr} left out {place}", replaced(node, kept.encode())


def _is_act(node: ast.AST) -> bool:
    """A statement that can be left out: a call for its effect, an addition to something, a case that ends early, or
    the new value of something that has one."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    if isinstance(node, ast.If):
        return not node.orelse and isinstance(node.body[-1], ast.Return | ast.Raise | ast.Continue)
    return isinstance(node, ast.AugAssign) or (
        isinstance(node, ast.Assign) and all(isinstance(target, ast.Subscript) for target in node.targets)
    )


def _what_runs(source: str) -> str:
    """The program without its annotations: they say nothing to the machine."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)
