"""One platform for each story, with one academy to tell it in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.platform import Academy, World, running


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as world:
        yield world


@pytest.fixture
async def academy(world: World) -> Academy:
    return await world.open_academy("north")
