"""Two academies in one installation, each with a person of every role."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.platform import Academy, World, done, running


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with running(tmp_path_factory.mktemp("data"), traces_per_second=10_000) as world:
        yield world


@pytest.fixture(scope="module")
async def ours(world: World) -> Academy:
    return await world.open_academy("ours")


@pytest.fixture(scope="module")
async def theirs(world: World) -> Academy:
    return await world.open_academy("theirs", language="es")


@pytest.fixture(scope="module")
async def description(world: World) -> Any:
    """Give the OpenAPI description that the platform publishes."""
    return done(await world.client().get("/openapi.json"))
