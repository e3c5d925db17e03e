"""What the documents speak of is there: the files they link to, the commands they name, the settings they list."""

import re
from collections.abc import Iterator

import pytest
import typer

from aulario.cli import app
from aulario.settings import PREFIX, Settings
from tests.architecture.reading import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
COMMANDS = typer.main.get_command(app)

# Written apart, or this file would hold what it looks for.
ELSEWHERE = ("/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "../sha" + "red", "TO" + "DO", "FIX" + "ME")

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
COMMAND = re.compile(r"(?<![\w/.-])(?:\.venv/bin/)?aulario (\w[\w-]*)(?: ([a-z]+))?([^`|\n]*)")
OPTION = re.compile(r"--[a-z][a-z-]+")


def anchors(text: str) -> set[str]:
    """Give the anchors of a page's headings, as they are made where repositories are shown."""
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(FENCED.sub("", text)))
    return {heading.strip().replace(" ", "-") for heading in words}


def missing_links(name: str, text: str) -> Iterator[str]:
    for link in LINK.findall(FENCED.sub("", text)):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (ROOT / name).parent / path if path else ROOT / name
        if not target.exists() or (anchor and anchor not in anchors(target.read_text("utf-8") if path else text)):
            yield link


def missing_commands(text: str) -> Iterator[str]:
    """Find commands and options that the command line does not have."""
    for found in COMMAND.finditer(text):
        command = _under(COMMANDS, found[1])
        if command is not None and hasattr(command, "commands") and found[2]:
            command = _under(command, found[2])
        options = [option for part in getattr(command, "params", ()) for option in part.opts] + ["--help"]
        if command is None or set(OPTION.findall(found[3])) - set(options):
            yield found[0]


def _under(group: object, name: str) -> object:
    commands: dict[str, object] = getattr(group, "commands", {})
    return commands.get(name)


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    """A reader who follows a link within the project finds what was meant, down to the heading."""
    assert not list(missing_links(name, (ROOT / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", NAMES)
def test_commands_are_there(name: str) -> None:
    """What a reader copies into a terminal is understood."""
    assert not list(missing_commands((ROOT / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", NAMES)
def test_pages_speak_of_this_project_only(name: str) -> None:
    """No page names a folder of the machine it was written on, or what is still to be written."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not [word for word in ELSEWHERE if word in text]


def test_every_setting_is_listed() -> None:
    """Each has its line in the table, in the words it is explained with everywhere."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    lines = [line.split(" | ") for line in page.splitlines() if line.startswith(f"| `{PREFIX}")]
    listed = {cells[0].strip("| `"): cells[2].removesuffix(" |") for cells in lines}
    assert listed == {f"{PREFIX}{name.upper()}": field.description for name, field in Settings.model_fields.items()}


def test_the_front_page_shows_the_flow_as_it_is_drawn() -> None:
    """README.md holds the very picture that a run of the welcome flow was drawn as."""
    picture = FENCED.findall((ROOT / "docs" / "flows" / "welcome.md").read_text(encoding="utf-8"))[0]
    assert picture in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_decision_has_its_number() -> None:
    """They count on without a gap, and each is titled by its number."""
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for number, page in enumerate(pages, 1):
        assert page.read_text(encoding="utf-8").startswith(f"# {number}. ")


def test_what_is_missing_is_found() -> None:
    """A page with a dead link, a dead anchor, an unknown command and an unknown option, beside right ones."""
    text = "# A title\n[a](LICENSE) [b](#a-title) [c](gone.md) [d](#gone) [e](https://example.com)\n"
    assert list(missing_links("README.md", text)) == ["gone.md", "#gone"]
    text = "`aulario up --port 1` `aulario events list --json` `aulario fly` `aulario events eat` `aulario up --fast`"
    assert [found.split()[1:] for found in missing_commands(text)] == [["fly"], ["events", "eat"], ["up", "--fast"]]
