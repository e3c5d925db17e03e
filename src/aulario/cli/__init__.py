"""The command line: one file a command, gathered here."""

import typer

from aulario.cli import academy, backup, doctor, events, flows, migrate, restore, up, version

app = typer.Typer(
    name="aulario",
    help="Aulario, the online-learning platform that academies run themselves.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.command("migrate")(migrate.migrate)
app.add_typer(flows.app, name="flows")
app.add_typer(events.app, name="events")
app.command("doctor")(doctor.doctor)
app.command("academy")(academy.academy)
app.command("backup")(backup.backup)
app.command("restore")(restore.restore)
app.command("version")(version.version)


@app.callback()
def common() -> None:
    """Run Aulario. Settings are environment variables that begin with AULARIO_; `aulario doctor` lists them."""
