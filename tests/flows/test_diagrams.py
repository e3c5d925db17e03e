"""The pages of the flows are drawn from real runs, and a fresh run draws the same."""

from pathlib import Path

import httpx
import pytest

from aulario.app import Platform
from aulario.demo import ACADEMIES, people_of, seed
from aulario.flows import FLOWS
from aulario.flows.drawing import as_page
from aulario.flows.playing import played
from aulario.flows.stage import FlowError, Login
from aulario.settings import Settings

PAGES = Path(__file__).parents[2] / "docs" / "flows"


@pytest.mark.parametrize("name", FLOWS)
async def test_a_fresh_run_draws_the_page_that_is_committed(name: str, tmp_path: Path) -> None:
    """Whoever changes who talks to whom must draw the page anew: aulario flows run NAME --write docs/flows."""
    told: list[str] = []
    async with Platform(Settings(data=tmp_path, simulated_rate=100)) as platform:
        demo = await seed(platform)
        assert demo is not None
        admin = next(person for person in people_of(ACADEMIES[0]) if person.role == "admin")
        login = Login(admin.academy, admin.email, demo.password)
        transport = httpx.ASGITransport(platform.web, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            diagram = await played(FLOWS[name], client, login, told.append)
    flow = FLOWS[name]
    assert as_page(flow.title, flow.story, diagram) == (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert told


async def test_a_story_that_stops_says_where(tmp_path: Path) -> None:
    """A refusal ends a flow with the problem that was answered, its status and its request id."""
    async with Platform(Settings(data=tmp_path)) as platform:
        transport = httpx.ASGITransport(platform.web, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            with pytest.raises(FlowError, match=r"POST /api/auth/login: 401 .*request"):
                await played(FLOWS["welcome"], client, Login("north", "ada@north.example", "wrong"), print)
