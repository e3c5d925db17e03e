"""Ready or not: each part says what is wrong with it, or nothing."""

import pytest

from aulario.core.errors import Unavailable
from aulario.core.health import Health
from aulario.core.unit_of_work import Store


async def sound() -> str | None:
    return None


async def broken() -> str | None:
    return "the storage refused: SQLITE_IOERR"


@pytest.fixture
def health(store: Store) -> Health:
    health = Health()
    health.checks |= {"writer": store.database.check, "cache": sound}
    health.state = "ready"
    return health


async def test_ready_names_its_parts(health: Health) -> None:
    """A whole process is ready, and says which parts were looked at."""
    assert await health.check() == {"status": "ready", "writer": "ready", "cache": "ready"}


@pytest.mark.parametrize("state", ["starting", "draining", "stopping"])
async def test_only_a_started_process_is_ready(health: Health, state: str) -> None:
    """Before the start and from the drain on, no traffic is wanted, however sound the parts are."""
    health.state = state
    with pytest.raises(Unavailable, match=state):
        await health.check()


async def test_a_part_that_cannot_serve_is_named(health: Health) -> None:
    """The answer is 503 with the part and its fault, and without the sound ones."""
    health.checks["writer"] = broken
    with pytest.raises(Unavailable) as caught:
        await health.check()
    assert caught.value.extras["parts"] == {"writer": "the storage refused: SQLITE_IOERR"}
    assert caught.value.status == 503
