"""`aulario events catalogue`: every event there is, who records it and who hears it."""

from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer

from aulario import __version__, topology
from aulario.cli.failing import explained
from aulario.cli.look import console, table
from aulario.contracts import documents, released
from aulario.contracts.catalogue import events


def catalogue(
    folder: Annotated[Path, typer.Option("--to", help="The folder that --write writes to.")] = Path("docs"),
    *,
    write: Annotated[bool, typer.Option("--write", help="Write events.md and asyncapi.yaml.")] = False,
) -> None:
    """Print every event, who records it and who hears it; or write the pages that are generated from the contracts.

    --write also promises the shapes of events that are new, in contracts/released.json; what was promised before stays.
    """
    if not write:
        _show()
        return
    with explained("The pages were not written"):
        if broken := released.breaks(released.released(), released.today()):
            message = "released events changed otherwise than by an optional field:\n" + "\n".join(broken)
            raise OSError(message)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages().items():
            (folder / name).write_text(text, encoding="utf-8")
            console.print(f"wrote {folder / name}")
        for name in released.release():
            console.print(f"promised the shape of {name}")


def pages() -> dict[str, str]:
    """Give the text of each generated page by its file's name."""
    heard = hearers()
    return {"events.md": documents.page(heard), "asyncapi.yaml": documents.asyncapi(heard, __version__)}


def hearers() -> documents.Hearers:
    """Give the handlers of each topic, from the services' own declarations."""
    found: dict[str, list[str]] = defaultdict(list)
    for service in topology.SERVICES:
        for name, handler in service.named_handlers().items():
            found[handler.topic].append(name)
    return found


def _show() -> None:
    heard = hearers()
    rows = table("event", "recorded by", "heard by", "what happened")
    for service, shapes in events().items():
        for shape in shapes:
            rows.add_row(shape.type, service, "\n".join(heard.get(shape.topic(), ())), (shape.__doc__ or "").strip())
    console.print(rows)
