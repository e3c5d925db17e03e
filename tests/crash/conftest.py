"""What the tests of crashes share: a fresh copy of a seeded installation, and a crowd with its own log."""

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.diary import diary
from tests.crash.installation import Installation, copied, seeded
from tests.crash.traffic import Crowd, Ledger


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Installation:
    assert pytestconfig.cache is not None
    bytecode = pytestconfig.cache.mkdir("bytecode")
    return asyncio.run(seeded(tmp_path_factory.mktemp("template") / "data", bytecode))


@pytest.fixture
def installation(template: Installation, tmp_path: Path) -> Iterator[Installation]:
    """An installation of this test's own; whatever it started is ended by its own process id."""
    made = copied(template, tmp_path / "data")
    yield made
    made.stop_all()


@pytest.fixture
def shelf(template: Installation, tmp_path: Path) -> Iterator[Installation]:
    """An installation of nothing but the diary."""
    (tmp_path / "data").mkdir()
    made = Installation(tmp_path / "data", template.bytecode, services=[diary])
    yield made
    made.stop_all()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.jsonl")


@pytest.fixture
def crowd(installation: Installation, ledger: Ledger) -> Crowd:
    return Crowd(installation, ledger)


@pytest.fixture
def seed() -> int:
    """Give the seed of a random run, and print it; AULARIO_TEST_SEED repeats one."""
    chosen = int(os.environ.get("AULARIO_TEST_SEED", random.SystemRandom().randrange(10**6)))
    print(f"repeat this with AULARIO_TEST_SEED={chosen}")  # noqa: T201 - pytest shows it with the failure
    return chosen
