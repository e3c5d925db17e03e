"""`aulario events`: what happened, what became of it, and trying again what failed."""

import typer

from aulario.cli.events import catalogue, dead, listing, replay, show

app = typer.Typer(
    help="Look at events, at what became of them, and try again what failed.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.command("list")(listing.list_events)
app.command("show")(show.show)
app.command("dead")(dead.dead)
app.command("replay")(replay.replay)
app.command("catalogue")(catalogue.catalogue)
