"""`aulario doctor`: what is configured, what answers, what is wrong and what to do about it."""

from collections.abc import Iterable, Sequence
from typing import Any

import typer
from pydantic import SecretStr
from rich.markup import escape

from aulario.cli.doctor import checks
from aulario.cli.doctor.finding import Finding
from aulario.cli.failing import explained
from aulario.cli.look import COLOURS, console, number, table
from aulario.cli.opening import Data, configured
from aulario.settings import PREFIX, Settings

MARKS = {"ok": "✓", "note": "•", "wrong": "✗"}
HIDDEN = "*** (set)"


def doctor(data: Data = None) -> None:
    """Check this installation: every setting, the data folder, each database, the secrets, the running platform.

    It changes nothing, may be run at any time, and ends with exit code 1 when something is wrong.
    """
    with explained("The settings are wrong"):
        settings = configured(data)
    console.print(_settings(settings, settings.model_fields_set | ({"data"} if data else set())))
    found = list(checks.all_of(settings))
    console.print(_findings(found))
    wrong = [finding for finding in found if finding.state == "wrong"]
    if wrong:
        console.print(f"\n[bold red]{number(len(wrong), 'thing is', 'things are')} wrong.[/] What to do:")
        for finding in wrong:
            console.print(f"  [red]{MARKS['wrong']}[/] {finding.part}: {escape(finding.remedy)}")
        raise typer.Exit(1)
    console.print("\n[green]Nothing is wrong.[/]")


def _settings(settings: Settings, chosen: Iterable[str]) -> Any:
    rows = table("setting", "value", "", "what it is", title="What is configured")
    for name, field in Settings.model_fields.items():
        value = escape(_written(getattr(settings, name)))
        said = (f"[bold]{value}[/]", "set") if name in chosen else (value, "[dim]default[/]")
        rows.add_row(f"{PREFIX}{name.upper()}", *said, f"[dim]{escape(field.description or '')}[/]")
    return rows


def _written(value: object) -> str:
    """Write a setting as its variable would be written; a secret never."""
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _findings(found: Sequence[Finding]) -> Any:
    rows = table("", "part", "what was found", title="\nWhat answers")
    for finding in found:
        colour = COLOURS.get(finding.state, "yellow")
        rows.add_row(f"[{colour}]{MARKS[finding.state]}[/]", finding.part, escape(finding.text))
    return rows
