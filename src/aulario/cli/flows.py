"""`aulario flows`: lists the stories, plays them against a running system, and draws each from the trace of its run."""

import asyncio
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.syntax import Syntax
from rich.table import Table

from aulario.app import open_secrets
from aulario.cli.failing import explained
from aulario.demo import ACADEMIES, PASSWORD, people_of
from aulario.flows import FLOWS
from aulario.flows.drawing import as_page
from aulario.flows.playing import played
from aulario.flows.stage import Flow, FlowError, Login
from aulario.settings import Settings, load

app = typer.Typer(help="Play the stories that run through the whole system.", no_args_is_help=True)
console = Console(highlight=False)

Name = Annotated[str, typer.Argument(help="Which flow; `aulario flows list` names them.")]
Url = Annotated[str | None, typer.Option(help="Where the platform is; otherwise AULARIO_HOST and AULARIO_PORT.")]
Password = Annotated[str | None, typer.Option(help="The administrator's password; otherwise the demo's is read.")]
Write = Annotated[Path | None, typer.Option(help="Write the page, with its diagram, into this folder.")]


@app.command("list")
def list_flows() -> None:
    """List the flows."""
    table = Table("flow", "story", box=None, pad_edge=False, header_style="dim")
    for flow in FLOWS.values():
        table.add_row(flow.name, flow.title)
    console.print(table)


@app.command("run")
def run(
    name: Name,
    url: Url = None,
    academy: Annotated[str, typer.Option(help="The academy it is played in.")] = ACADEMIES[0].tenant.slug,
    email: Annotated[str | None, typer.Option(help="An administrator of it; otherwise the demo's.")] = None,
    password: Password = None,
    write: Write = None,
) -> None:
    """Play a flow against the running platform, live, and print the diagram drawn from its trace.

    Example: aulario flows run welcome
    """
    with explained("The flow did not run"):
        flow = _found(name)
        settings = load()
        address = url or f"http://{settings.host}:{settings.port}"
        diagram = asyncio.run(_play(flow, address, _login(settings, academy, email, password)))
        if write is not None:
            write.mkdir(parents=True, exist_ok=True)
            (write / f"{flow.name}.md").write_text(as_page(flow.title, flow.story, diagram), encoding="utf-8")
    console.print("\nDrawn from the trace of this run (Mermaid):\n")
    console.print(Syntax(diagram, "text", background_color="default", word_wrap=True))


async def _play(flow: Flow, address: str, login: Login) -> str:
    """Show each step as it happens, with a mark that turns while the next is awaited."""
    console.print(f"[bold]{flow.title}[/] at {address}\n")
    try:
        async with httpx.AsyncClient(base_url=address, timeout=30, trust_env=False) as client:
            with Live(Spinner("dots", "playing"), console=console, transient=True) as live:
                return await played(flow, client, login, lambda text: live.console.print(f"  [green]✓[/] {text}"))
    except httpx.TransportError as error:
        message = f"nothing answers at {address} ({error}); start it with: aulario up"
        raise FlowError(message) from error


def _found(name: str) -> Flow:
    if name not in FLOWS:
        message = f"there is no flow {name!r}; there are: {', '.join(FLOWS)}"
        raise FlowError(message)
    return FLOWS[name]


def _login(settings: Settings, academy: str, email: str | None, password: str | None) -> Login:
    """Give the administrator who plays: the one that was named, or the demo's with the password of this folder."""
    if password is None:
        kept = asyncio.run(open_secrets(settings).get(PASSWORD)) if settings.data.exists() else None
        if kept is None:
            message = f"there is no demo in {settings.data}: name an administrator with --academy, --email, --password"
            raise FlowError(message)
        password = kept.decode()
    demo = {place.tenant.slug: place for place in ACADEMIES}.get(academy)
    if email is None and demo is not None:
        email = next(person.email for person in people_of(demo) if person.role == "admin")
    if email is None:
        message = f"{academy} is no demo academy: name one of its administrators with --email"
        raise FlowError(message)
    return Login(academy, email, password)
