"""How what is printed looks, the same in every command."""

import json
import shutil
from datetime import datetime

from rich.console import Console
from rich.filesize import decimal
from rich.syntax import Syntax
from rich.table import Table

__all__ = ["coloured", "console", "decimal", "number", "print_json", "show_json", "table", "when"]

# Ids are there to be copied: where there is no terminal, or a narrow one, a line grows long rather than be cut.
console = Console(highlight=False, soft_wrap=True, width=max(110, shutil.get_terminal_size((160, 24)).columns))

COLOURS = {"done": "green", "ok": "green", "waiting": "yellow", "claimed": "yellow", "dead": "red", "wrong": "bold red"}


def table(*columns: str, title: str | None = None) -> Table:
    """Begin a table without lines."""
    return Table(
        *columns,
        box=None,
        pad_edge=False,
        header_style="dim",
        title=title,
        title_justify="left",
        title_style="bold",
    )


def coloured(word: str, text: str | None = None) -> str:
    """Colour a state's word, or a text that tells of it."""
    colour = COLOURS.get(word)
    return f"[{colour}]{text or word}[/]" if colour else text or word


def when(instant: datetime | str) -> str:
    """Write an instant in this machine's time zone, to the second."""
    moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def print_json(value: object) -> None:
    """Print JSON that a program can read: nothing wrapped, nothing coloured."""
    console.file.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def show_json(value: object) -> None:
    """Print JSON for people: coloured and wrapped where there is a terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    console.print(Syntax(text, "json", background_color="default", word_wrap=True) if console.is_terminal else text)


def number(count: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
