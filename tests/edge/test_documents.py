"""The page that describes every address: whole, from here alone, and as closed as it can be."""

import re

from tests.platform import World


async def test_the_first_address_leads_to_the_page(world: World) -> None:
    """Whoever opens the printed address sees what there is."""
    answer = await world.client().get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")


async def test_the_page_needs_nothing_from_elsewhere(world: World) -> None:
    """Every file it names is served here, and its policy lets it load nothing else."""
    page = await world.client().get("/docs")
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) == 5
    for address in named:
        assert address.startswith("/")
        assert (await world.client().get(address)).status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http" not in page.headers["content-security-policy"]


async def test_the_page_serves_its_own_files_only(world: World) -> None:
    """A name that is none of its files, tricks with folders among them, is refused."""
    for name in ("core.py", "..%2f__init__.py", "%2e%2e/core.py"):
        assert (await world.client().get(f"/docs/{name}")).status_code in {404, 422}
