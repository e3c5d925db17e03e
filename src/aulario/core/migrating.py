"""Brings a service's database to the schema this program was written for; refuses one written for a newer program."""

import logging
from collections.abc import Mapping
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from aulario.backends.database import DatabaseError

CORE = Path(__file__).parent / "migrations"

# It tells at each look what kind of database it sees; what was run is told by whoever asked for it.
logging.getLogger("alembic").setLevel(logging.WARNING)


class SchemaError(DatabaseError):
    """The database's schema is not one this program can work with; nothing was changed."""


def migrate(engine: Engine, service: str, migrations: Path) -> list[str]:
    """Run what is missing of the core's chain and of the service's; gives the revisions that were run."""
    done: list[str] = []
    with engine.connect() as connection:
        for chain, path in ((f"{service}_schema", migrations), ("core_schema", CORE)):
            _refuse_newer(connection, service, chain, path)
        for chain, path in (("core_schema", CORE), (f"{service}_schema", migrations)):
            done += _upgrade(connection, chain, path)
    return done


def pending(engine: Engine, service: str, migrations: Path) -> list[str]:
    """Give the chains that are not at their newest revision; raises SchemaError for one that is ahead."""
    behind = []
    with engine.connect() as connection:
        for chain, path in (("core_schema", CORE), (f"{service}_schema", migrations)):
            _refuse_newer(connection, service, chain, path)
            if _current(connection, chain) != _scripts(path).get_current_head():
                behind.append(chain)
    return behind


def revisions(engine: Engine, service: str) -> dict[str, str | None]:
    """Give the revision each chain of a service's database stands at."""
    with engine.connect() as connection:
        return {chain: _current(connection, chain) for chain in ("core_schema", f"{service}_schema")}


def refuse_unknown(service: str, migrations: Path, stated: Mapping[str, str | None]) -> None:
    """Raise SchemaError when what `revisions` gave elsewhere is not known to this program."""
    for chain, path in (("core_schema", CORE), (f"{service}_schema", migrations)):
        if (current := stated.get(chain)) is not None and current not in _known(path):
            raise _newer(service, current)


def _upgrade(connection: Connection, chain: str, path: Path) -> list[str]:
    scripts = _scripts(path)
    if _current(connection, chain) == scripts.get_current_head():
        return []
    done: list[str] = []

    def steps(revision: tuple[str, ...], _: MigrationContext) -> list[object]:
        found = scripts._upgrade_revs("head", revision)  # type: ignore[arg-type]  # noqa: SLF001 - as alembic.command does
        done.extend(f"{chain} {step.revision.revision}" for step in found)
        return list(found)

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection, version_table=chain, render_as_batch=True, transaction_per_migration=True)
        # AUTOCOMMIT is what the engine runs with, so the transaction is opened by hand: all of a chain, or nothing.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            environment.run_migrations()
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")
    return done


def _refuse_newer(connection: Connection, service: str, chain: str, path: Path) -> None:
    current = _current(connection, chain)
    if current is not None and current not in _known(path):
        raise _newer(service, current)


def _newer(service: str, revision: str) -> SchemaError:
    return SchemaError(
        f"the database of {service} has schema {revision}, which this version of Aulario does not know; "
        "it was made by a newer one. Nothing was changed: run that newer version, or restore an older backup."
    )


def _known(path: Path) -> set[str]:
    return {script.revision for script in _scripts(path).walk_revisions()}


def _current(connection: Connection, chain: str) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": chain}).get_current_revision()


def _scripts(path: Path) -> ScriptDirectory:
    return ScriptDirectory(str(path), version_locations=[str(path)])
