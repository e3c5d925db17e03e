"""Our own rules hold over all code, and each is shown a line it must refuse and one it must let pass."""

from collections.abc import Iterable
from pathlib import PurePosixPath

import pytest

from tests.architecture import rules
from tests.architecture.reading import ROOT, Source, sources
from tests.architecture.rules import RULES, Rule

ORDERS = "src/aulario/services/orders/"

# rule, where it is tried, what it refuses, what it lets pass
EXAMPLES: tuple[tuple[Rule, str, str, str], ...] = (
    (rules.database_commits, "src/aulario/core/relay.py", "session.commit()", "store.write(steps)"),
    (rules.database_commits, "src/aulario/cli/backup.py", "driver.execute('BEGIN')", "driver.execute('PRAGMA x')"),
    (rules.unit_of_work_writes, "src/aulario/core/relay.py", "self.database.write(steps)", "stdout.write('read me')"),
    (rules.queries_select, ORDERS + "actions.py", "select(Order)", "queries.order(uow, id)"),
    (rules.queries_select, ORDERS + "access.py", "text('SELECT 1')", "text('Select a course')"),
    (rules.actions_record, ORDERS + "handlers.py", "uow.record(OrderPaid())", "actions.settle(uow, event)"),
    (
        rules.tables_have_a_tenant,
        ORDERS + "models.py",
        "class Order(Model):\n    __tablename__ = 'orders'",
        "class Base(TenantModel):\n    metadata = M\nclass Order(Base):\n    __tablename__ = 'orders'",
    ),
    (rules.contents_pages_are_short, ORDERS + "__init__.py", "x = 1\n" * 41, "x = 1\n" * 40),
    (
        rules.services_keep_apart,
        ORDERS + "handlers.py",
        "from aulario.services import payments",
        "from aulario.services.orders import actions",
    ),
    (rules.services_keep_apart, ORDERS + "handlers.py", "from . import actions", "import aulario.contracts.payments"),
    (
        rules.errors_are_not_swallowed,
        "bench/chains.py",
        "try: f()\nexcept KeyError: pass",
        "try: f()\nexcept KeyError: g()",
    ),
    (
        rules.errors_are_not_swallowed,
        "src/aulario/core/relay.py",
        "try: f()\nexcept Exception: g()",
        "try: f()\nexcept Exception as error: g(error)",
    ),
    (rules.errors_are_not_swallowed, "src/aulario/app.py", "suppress(Exception)", "suppress(FileNotFoundError)"),
    (rules.tests_do_not_sleep, "tests/core/test_relay.py", "time.sleep(0.1)", "asyncio.sleep(0)"),
    (
        rules.tests_say_what_they_show,
        "tests/core/test_relay.py",
        "def test_order(): ...",
        "def test_order():\n    '''Events of one key arrive in order.'''",
    ),
    (rules.exemptions_have_a_reason, "src/aulario/app.py", "x = 1  # noqa: E501", "x = 1  # noqa: E501 - a URL"),
    (
        rules.exemptions_have_a_reason,
        "src/aulario/app.py",
        "x = 1  # type: ignore[a]",
        "x = 1  # type: ignore[a]  # why",
    ),
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_code_keeps_the_rule(rule: Rule) -> None:
    """No file of the package, the tests or the benches breaks one of our rules."""
    broken = [place for source in sources("src", "tests", "bench") for place in rule(source)]
    assert not broken, f"{rule.__doc__}\n" + "\n".join(broken)


@pytest.mark.parametrize(("rule", "path", "bad", "good"), EXAMPLES)
def test_rule_tells_good_from_bad(rule: Rule, path: str, bad: str, good: str) -> None:
    """A rule names the file and line that breaks it, and nothing else."""

    def broken(text: str) -> Iterable[str]:
        return list(rule(Source(PurePosixPath(path), text)))

    assert [place.startswith(f"{path}:") for place in broken(bad)] == [True]
    assert broken(good) == []


def test_every_rule_has_examples() -> None:
    """A rule that was never seen to refuse anything protects nothing."""
    assert {rule for rule, *_ in EXAMPLES} == set(RULES)


def test_service_folders_look_alike() -> None:
    """Every service folder holds the same file names."""
    folders = [path for path in (ROOT / "src/aulario/services").glob("*") if (path / "__init__.py").exists()]
    broken = [
        place
        for folder in folders
        for place in rules.service_files(folder.name, {path.stem for path in folder.iterdir()} - {"__pycache__"})
    ]
    assert not broken, "\n".join(broken)


def test_service_file_names_are_told_apart() -> None:
    """A missing file and a strange one are both named; an optional one is neither."""
    names = rules.REQUIRED - {"access"} | {"handlers", "utils"}
    assert list(rules.service_files("orders", names)) == [
        "services/orders: access is missing",
        "services/orders: no service has a utils",
    ]
