"""What the command line says of itself."""

import re

import pytest

from aulario import __version__
from tests.cli.conftest import Command

COMMANDS = ["up", "migrate", "doctor", "backup", "restore", "version"]
EVENTS = ["list", "show", "dead", "replay", "catalogue"]


@pytest.mark.parametrize("words", [*([word] for word in COMMANDS), *(["events", word] for word in EVENTS)])
def test_every_command_explains_itself(command: Command, words: list[str]) -> None:
    """Each has a page of help whose first sentence says what it does, and says it of every option too."""
    result = command(*words, "--help")
    assert result.code == 0
    assert re.search(r"^ [A-Z][^\n]+", result.out, re.MULTILINE)
    undescribed = re.findall(r"│ +\*? +--\S+ +<\w+> +│", result.out)
    assert not undescribed


def test_the_help_lists_every_command(command: Command) -> None:
    """Who knows none of the commands finds all of them, and completion for their shell."""
    out = command("--help").out
    for name in [*COMMANDS, "events", "--install-completion"]:
        assert name in out
    for name in EVENTS:
        assert name in command("events", "--help").out


def test_the_version_names_what_it_stands_on(command: Command) -> None:
    """What a bug report needs: Aulario, Python, SQLite and the machine."""
    out = command("version").out
    assert out.startswith(f"aulario {__version__}\n")
    assert re.search(r"python 3\.\d+\.\d+, SQLite 3\.\d+", out)
