"""Rules of our own that no linter knows: each finds the lines of a file that break it, and says what that costs."""

import ast
import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from tests.architecture.reading import Source, called

Rule: TypeAlias = Callable[[Source], Iterator[str]]

SHARED_TABLES = {"tenants": "the list of tenants itself"}
"""Tables of services that belong to no tenant, each with its reason."""

REQUIRED = {"__init__", "endpoints", "schemas", "access", "actions", "queries", "models", "migrations"}
OPTIONAL = {"rules", "handlers", "tasks"}

_NO_REASON = re.compile(r"#\s*(noqa(:\s*[A-Z0-9, ]+)?|type:\s*ignore(\[[^\]]*\])?|pragma: no cover)\W*$")


def database_commits(source: Source) -> Iterator[str]:
    """Transactions begin and end in backends/database; a commit elsewhere stores rows without their events."""
    if source.parts[:4] == ("src", "aulario", "backends", "database") or source.parts[0] != "src":
        return
    for call in source.calls():
        statement = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else ""
        ends = re.match(r"(BEGIN|COMMIT|ROLLBACK)\b", str(statement))
        if called(call) in {"commit", "rollback"} or (ends and called(call) in {"run", "execute", "text"}):
            yield source.at(call.lineno, "a transaction is ended outside backends/database")


def unit_of_work_writes(source: Source) -> Iterator[str]:
    """core/unit_of_work.py alone hands work to a database; past it, waiting relays are not woken after a commit."""
    if source.parts == ("src", "aulario", "core", "unit_of_work") or source.parts[0] != "src":
        return
    for call in source.calls():
        if called(call) == "write" and isinstance(call.func, ast.Attribute) and _is_database(call.func.value):
            yield source.at(call.lineno, "a database is written to outside core/unit_of_work.py")


def queries_select(source: Source) -> Iterator[str]:
    """A service selects in queries.py; a SELECT elsewhere escapes whoever reads there what a service can show."""
    if not source.service or "queries" in source.parts:
        return
    for call in source.calls():
        if called(call) == "select":
            yield source.at(call.lineno, "a SELECT outside queries.py")
    for node in source.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match(r"\s*SELECT\s", node.value):
            yield source.at(node.lineno, "a SELECT outside queries.py")


def actions_record(source: Source) -> Iterator[str]:
    """A service records in actions.py; an event recorded elsewhere may tell of a row that was never written."""
    if not source.service or "actions" in source.parts:
        return
    for call in source.calls():
        if called(call) == "record":
            yield source.at(call.lineno, "an event is recorded outside actions.py")


def tables_have_a_tenant(source: Source) -> Iterator[str]:
    """Every table of a service has tenant_id; rows without it are shown to every academy."""
    if not source.service or "models" not in source.parts:
        return
    tenants = {"TenantModel"}
    for model in (node for node in source.tree.body if isinstance(node, ast.ClassDef)):
        fields = {ast.unparse(field.target) for field in model.body if isinstance(field, ast.AnnAssign)}
        if "tenant_id" in fields or tenants & {ast.unparse(base) for base in model.bases}:
            tenants.add(model.name)
        elif (table := _table_name(model)) and table not in SHARED_TABLES:
            yield source.at(model.lineno, f"table {table} has no tenant_id; derive it from TenantModel")


def contents_pages_are_short(source: Source) -> Iterator[str]:
    """A service's __init__.py is a contents page; a longer one has begun to do what its files are for."""
    length = len(source.text.splitlines())
    if source.service and source.path.name == "__init__.py" and len(source.path.parts) == 5 and length > 40:
        yield source.at(1, f"{length} lines, and 40 are held")


def services_keep_apart(source: Source) -> Iterator[str]:
    """A service never names another's package; once it does, the two can no longer be two processes."""
    if not source.service:
        return
    for node in source.imports():
        base = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        names = [f"{base}.{alias.name}".lstrip(".") for alias in node.names]
        others = {name.split(".")[2] for name in names if re.match(r"aulario\.services\.\w", name)} - {source.service}
        if others or (isinstance(node, ast.ImportFrom) and node.level):
            yield source.at(node.lineno, f"{source.service} imports {', '.join(others) or 'by a relative path'}")


def errors_are_not_swallowed(source: Source) -> Iterator[str]:
    """A caught error is acted on or raised; one that is passed over turns a lost event into silence."""
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler) and (_is_idle(node.body) or _is_broad_and_deaf(node)):
            yield source.at(node.lineno, "the error is swallowed")
        elif isinstance(node, ast.Call) and called(node) == "suppress" and any(map(_is_broad, node.args)):
            yield source.at(node.lineno, "every error is swallowed")


def tests_do_not_sleep(source: Source) -> Iterator[str]:
    """A test waits for what it expects; one that sleeps is slow on a fast machine and wrong on a slow one."""
    for call in source.calls() if source.parts[0] == "tests" else ():
        yields = call.args and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0
        if called(call) == "sleep" and not yields:
            yield source.at(call.lineno, "a timed sleep in a test")


def tests_say_what_they_show(source: Source) -> Iterator[str]:
    """A test's docstring states the behaviour; without it nobody can tell a broken promise from a changed detail."""
    for function in source.functions() if source.parts[0] == "tests" else ():
        if function.name.startswith("test_") and not ast.get_docstring(function):
            yield source.at(function.lineno, f"{function.name} does not say what it shows")


def exemptions_have_a_reason(source: Source) -> Iterator[str]:
    """A silenced check says why on its line; without it nobody dares to remove it, or to trust it."""
    for line, comment in source.comments():
        if _NO_REASON.search(comment):
            yield source.at(line, f"no reason after {comment}")


RULES: tuple[Rule, ...] = (
    database_commits,
    unit_of_work_writes,
    queries_select,
    actions_record,
    tables_have_a_tenant,
    contents_pages_are_short,
    services_keep_apart,
    errors_are_not_swallowed,
    tests_do_not_sleep,
    tests_say_what_they_show,
    exemptions_have_a_reason,
)


def service_files(service: str, names: set[str]) -> Iterator[str]:
    """Every service folder holds the same names; who knows one service must find their way in all."""
    yield from (f"services/{service}: {name} is missing" for name in sorted(REQUIRED - names))
    yield from (f"services/{service}: no service has a {name}" for name in sorted(names - REQUIRED - OPTIONAL))


def _is_database(receiver: ast.expr) -> bool:
    return ast.unparse(receiver).rpartition(".")[2].strip("_") in {"database", "db"}


def _table_name(model: ast.ClassDef) -> str | None:
    for node in model.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__tablename__":
            return str(ast.literal_eval(node.value))
    return None


def _is_idle(body: list[ast.stmt]) -> bool:
    return all(
        isinstance(node, ast.Pass | ast.Continue)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in body
    )


def _is_broad(caught: ast.expr | None) -> bool:
    return caught is None or ast.unparse(caught) in {"Exception", "BaseException"}


def _is_broad_and_deaf(handler: ast.ExceptHandler) -> bool:
    """Tell whether it catches everything and neither raises, nor looks at the error, nor logs it with its trace."""
    inside = [node for statement in handler.body for node in ast.walk(statement)]
    looks = any(isinstance(node, ast.Name) and node.id == handler.name for node in inside)
    logs = any(isinstance(node, ast.Call) and called(node) == "exception" for node in inside)
    return _is_broad(handler.type) and not (looks or logs or any(isinstance(node, ast.Raise) for node in inside))
