"""One platform a file, with one academy in it."""

from collections.abc import AsyncIterator

import pytest

from tests.platform import Academy, World, running


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with running(tmp_path_factory.mktemp("data"), traces_per_second=10_000) as world:
        yield world


@pytest.fixture(scope="module")
async def academy(world: World) -> Academy:
    return await world.open_academy("north")
