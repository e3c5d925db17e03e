"""Measures the shape of code, in the figures that ARCHITECTURE speaks of."""

import ast
import math
from collections.abc import Iterable

from tests.architecture.reading import Function, Source


def percentile(values: Iterable[int], percent: int) -> int:
    """Give the smallest value that `percent` of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]


def lines(source: Source) -> int:
    return len(source.text.splitlines())


def function_lines(source: Source) -> dict[str, int]:
    """Measure functions from `def` to their last line; a Protocol's `...` is a declaration and not counted."""
    return {
        source.at(function.lineno, function.name): _span(function)
        for function in source.functions()
        if not _is_declaration(function)
    }


def parameters(source: Source) -> dict[str, int]:
    """Count what a caller must know of; `self` and `cls` are not the caller's business."""
    return {source.at(function.lineno, function.name): _parameters(function) for function in source.functions()}


def comment_lines(source: Source) -> int:
    """Count lines that hold a comment, and lines of strings that stand under an attribute as its comment."""
    return len({line for line, _ in source.comments()}) + len(_lines_of(source.remarks()))


def docstring_lines(source: Source) -> int:
    return len(_lines_of(source.docstrings()))


def code_lines(source: Source) -> int:
    """Count lines that are not blank, not only a comment, and not part of a docstring or remark."""
    text = _lines_of([*source.docstrings(), *source.remarks()])
    written = {number: line.strip() for number, line in enumerate(source.text.splitlines(), 1)}
    return sum(1 for number, line in written.items() if line and not line.startswith("#") and number not in text)


def one_line_docstrings(source: Source) -> int:
    return sum(1 for docstring in source.docstrings() if _span(docstring) == 1)


def imported_modules(source: Source) -> set[str]:
    names: set[str] = set()
    for node in source.imports():
        names |= {node.module or "."} if isinstance(node, ast.ImportFrom) else {alias.name for alias in node.names}
    return names


def late_imports(source: Source) -> list[str]:
    """Find imports inside functions."""
    return [
        source.at(node.lineno, f"{function.name} imports when it runs")
        for function in source.functions()
        for node in source.imports(function)
    ]


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _lines_of(nodes: Iterable[ast.stmt]) -> set[int]:
    return {line for node in nodes for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


def _is_declaration(function: Function) -> bool:
    last = function.body[-1]
    return isinstance(last, ast.Expr) and isinstance(last.value, ast.Constant) and last.value.value is Ellipsis


def _parameters(function: Function) -> int:
    arguments = function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))
