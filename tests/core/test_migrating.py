"""Databases are brought up to date whole, or left as they were."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from aulario import topology
from aulario.backends.database.sqlite import open_engine
from aulario.core.migrating import SchemaError, migrate, pending
from aulario.core.service import Service

REVISION = '''"""{name}."""

from alembic import op

revision = "{number}"
down_revision = {down}


def upgrade() -> None:
    op.execute("CREATE TABLE {name} (id TEXT)")
    {more}


def downgrade() -> None:
    op.execute("DROP TABLE {name}")
'''


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    engine = open_engine(path)
    yield engine
    engine.dispose()


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """A service's migrations, of one revision."""
    (tmp_path / "migrations").mkdir()
    add(tmp_path / "migrations", 1, "goods")
    return tmp_path / "migrations"


def add(chain: Path, number: int, name: str, more: str = "") -> None:
    down = repr(f"{number - 1:04}") if number > 1 else None
    text = REVISION.format(number=f"{number:04}", down=down, name=name, more=more)
    (chain / f"{number:04}_create_{name}.py").write_text(text)


def schema(path: Path) -> list[str]:
    """Give what the file holds of tables, and at which revisions it stands."""
    with sqlite3.connect(path) as driver:
        names = [row[0] for row in driver.execute("SELECT name FROM sqlite_master ORDER BY name")]
        revisions = [
            f"{name} at {row[0]}"
            for name in names
            if name.endswith("_schema")
            for row in driver.execute(f"SELECT version_num FROM {name}")  # noqa: S608 - names out of the file we made
        ]
    driver.close()
    return names + revisions


def test_an_empty_file_becomes_a_database(engine: Engine, chain: Path, path: Path) -> None:
    """The core's tables and the service's, each chain at its newest revision."""
    assert migrate(engine, "shop", chain) == ["core_schema 0001", "shop_schema 0001"]
    found = schema(path)
    assert {"outbox", "due_events", "inbox", "positions", "idempotency", "goods"} <= set(found)
    assert found[-2:] == ["core_schema at 0001", "shop_schema at 0001"]


def test_what_is_up_to_date_is_left_alone(engine: Engine, chain: Path, path: Path) -> None:
    """A second start runs nothing and writes nothing."""
    migrate(engine, "shop", chain)
    with sqlite3.connect(path) as driver:
        before = driver.execute("PRAGMA data_version").fetchone()
        assert migrate(engine, "shop", chain) == []
        assert driver.execute("PRAGMA data_version").fetchone() == before
    driver.close()
    assert pending(engine, "shop", chain) == []


def test_only_what_is_missing_is_run(engine: Engine, chain: Path, path: Path) -> None:
    """An older database keeps its rows and is given what came since."""
    migrate(engine, "shop", chain)
    with engine.connect() as connection:
        connection.exec_driver_sql("INSERT INTO goods VALUES ('kept')")
    add(chain, 2, "prices")
    add(chain, 3, "offers")
    assert pending(engine, "shop", chain) == ["shop_schema"]
    assert migrate(engine, "shop", chain) == ["shop_schema 0002", "shop_schema 0003"]
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT id FROM goods").scalar() == "kept"
    assert {"prices", "offers"} <= set(schema(path))


def test_a_newer_database_is_refused(engine: Engine, chain: Path, path: Path) -> None:
    """One that a newer program made is not touched, and the message says what to do."""
    migrate(engine, "shop", chain)
    with engine.connect() as connection:
        connection.exec_driver_sql("UPDATE shop_schema SET version_num = '0099'")
    before = schema(path)
    with pytest.raises(SchemaError, match=r"shop has schema 0099.*newer.*Nothing was changed.*restore an older"):
        migrate(engine, "shop", chain)
    with pytest.raises(SchemaError):
        pending(engine, "shop", chain)
    assert schema(path) == before


def test_a_newer_core_is_refused_before_the_service_changes(engine: Engine, chain: Path, path: Path) -> None:
    """Both chains are looked at before either is run."""
    migrate(engine, "shop", chain)
    add(chain, 2, "prices")
    with engine.connect() as connection:
        connection.exec_driver_sql("UPDATE core_schema SET version_num = '0099'")
    with pytest.raises(SchemaError, match="0099"):
        migrate(engine, "shop", chain)
    assert "prices" not in schema(path)


def test_a_migration_that_fails_leaves_nothing(engine: Engine, chain: Path, path: Path) -> None:
    """Neither its own half nor the revisions of the same run before it; repaired, it runs from where it was."""
    migrate(engine, "shop", chain)
    before = schema(path)
    add(chain, 2, "prices")
    add(chain, 3, "offers", 'op.execute("CREATE TABLE goods (id TEXT)")')
    with pytest.raises(OperationalError, match="goods already exists"):
        migrate(engine, "shop", chain)
    assert schema(path) == before
    (chain / "0003_create_offers.py").unlink()
    add(chain, 3, "offers")
    assert migrate(engine, "shop", chain) == ["shop_schema 0002", "shop_schema 0003"]


@pytest.mark.parametrize("service", topology.SERVICES, ids=lambda service: service.name)
def test_migrations_make_what_models_say(engine: Engine, service: Service) -> None:
    """Each service's tables have, after its migrations, the columns that its models read and write."""
    migrate(engine, service.name, service.migrations)
    with engine.connect() as connection:
        for table in service.tables.sorted_tables:
            rows = connection.exec_driver_sql(f"PRAGMA table_info({table.name})").all()
            assert {row[1]: bool(row[3]) for row in rows} == {
                column.name: not column.nullable for column in table.columns
            }
