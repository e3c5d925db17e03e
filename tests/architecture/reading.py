"""Reads the code as the checks of this folder see it: paths, syntax trees, comments and docstrings."""

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path, PurePosixPath
from typing import TypeAlias, TypeGuard

ROOT = Path(__file__).parents[2]

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file; `path` is relative to the project root."""

    path: PurePosixPath
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    @property
    def parts(self) -> tuple[str, ...]:
        """Folders and name, without the suffix."""
        return self.path.with_suffix("").parts

    @property
    def service(self) -> str | None:
        """The service whose folder holds this file."""
        return self.parts[3] if self.parts[:3] == ("src", "aulario", "services") and len(self.parts) > 4 else None

    def calls(self) -> Iterator[ast.Call]:
        return (node for node in self.nodes if isinstance(node, ast.Call))

    def functions(self) -> Iterator[Function]:
        return (node for node in self.nodes if isinstance(node, Function))

    def imports(self, within: ast.AST | None = None) -> Iterator[ast.Import | ast.ImportFrom]:
        nodes = self.nodes if within is None else ast.walk(within)
        return (node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))

    def docstrings(self) -> list[ast.stmt]:
        """Give what Python calls docstrings: those of modules, classes and functions."""
        documented = (node for node in self.nodes if isinstance(node, ast.Module | ast.ClassDef | Function))
        return [node.body[0] for node in documented if ast.get_docstring(node, clean=False) is not None]

    def remarks(self) -> list[ast.stmt]:
        """Give the bare strings under attributes, which say of them what a comment would."""
        docstrings = set(self.docstrings())
        return [node for node in self.nodes if _is_text(node) and node not in docstrings]

    def comments(self) -> Iterator[tuple[int, str]]:
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string

    def at(self, line: int, message: str) -> str:
        return f"{self.path}:{line}: {message}"


def _is_text(node: ast.AST) -> TypeGuard[ast.stmt]:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def called(call: ast.Call) -> str:
    """Give the last name of what is called: `record` for `uow.record(...)`."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Give the files under some folders, without migrations: those are generated, then kept as they ran."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    relative = ((path, PurePosixPath(path.relative_to(ROOT).as_posix())) for path in paths)
    return tuple(Source(name, path.read_text()) for path, name in relative if "migrations" not in name.parts)
