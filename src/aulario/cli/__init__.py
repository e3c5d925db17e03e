"""The command line: one file a command, gathered here."""

import typer

from aulario.cli import up

app = typer.Typer(
    name="aulario",
    help="Aulario, the online-learning platform that academies run themselves.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)


@app.callback()
def common() -> None:
    """Run Aulario. Settings are environment variables that begin with AULARIO_; `aulario doctor` lists them."""
