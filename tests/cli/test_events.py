"""`aulario events list` and `show`: what happened, page by page, and what became of each event."""

from pathlib import Path

import pytest

from tests.cli.conftest import Command


def _ids(command: Command, *words: str) -> list[str]:
    return [event["id"] for event in command("events", "list", "--json", *words).json]


@pytest.mark.usefixtures("lived")
def test_the_newest_come_first(command: Command) -> None:
    """Events of all services, newest first, each with what every handler that hears it did."""
    events = command("events", "list", "--limit", "500", "--json").json
    assert [event["time"] for event in events] == sorted((event["time"] for event in events), reverse=True)
    assert {event["source"] for event in events} == {
        f"/aulario/{s}" for s in ("identity", "courses", "orders", "payments")
    }
    created = next(event for event in events if event["type"] == "user.created.v1")
    assert [(state["handler"], state["status"]) for state in created["handlers"]] == [
        ("orders.on_user_created", "done")
    ]


@pytest.mark.usefixtures("lived")
def test_pages_follow_one_another(command: Command) -> None:
    """Going on before what a page prints gives every event once, in the same order as one long list."""
    everything = _ids(command, "--limit", "500")
    pages: list[str] = []
    cursor: list[str] = []
    while len(pages) < len(everything):
        pages += _ids(command, "--limit", "20", *cursor)
        out = command("events", "list", "--limit", "20", *cursor).out
        cursor = ["--before", out.partition("--before ")[2].partition("\n")[0].strip()]
    assert pages == everything


@pytest.mark.usefixtures("lived")
def test_events_can_be_chosen(command: Command) -> None:
    """By service, by topic, and by academy under the short name that people know."""
    payments = command("events", "list", "--service", "payments", "--json").json
    assert {event["source"] for event in payments} == {"/aulario/payments"}
    north = command("events", "list", "--tenant", "north", "--topic", "user.created", "--json").json
    assert {event["data"]["email"].partition("@")[2] for event in north} == {"north.example"}
    assert len(north) == 8
    assert command("events", "list", "--tenant", "nowhere").out == "There are no such events.\n"


@pytest.mark.usefixtures("lived")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--service", "forum"], "there is no service 'forum'; there are"),
        (["--before", "yesterday"], "is not what a list printed"),
        (["--limit", "0"], "greater than or equal to 1"),
    ],
)
def test_a_wrong_choice_is_explained(command: Command, words: list[str], said: str) -> None:
    """What cannot be meant is told before anything is read."""
    result = command("events", "list", *words)
    assert result.code == 2
    assert said in " ".join(result.err.replace("│", " ").split())


@pytest.mark.usefixtures("lived")
def test_an_event_is_shown_with_what_it_led_to(command: Command) -> None:
    """One event as CloudEvents JSON, its handlers, and everything later of its request: order, payment, enrolment."""
    (event_id,) = _ids(command, "--topic", "user.created", "--limit", "1")
    shown = command("events", "show", event_id, "--json").json
    assert shown["event"]["specversion"] == "1.0"
    assert shown["event"]["type"] == "user.created.v1"
    assert [state["status"] for state in shown["handlers"]] == ["done"]
    later = [event["type"] for event in shown["later"]]
    assert later == ["order.created.v1", "payment.completed.v1", "order.paid.v1", "student.enrolled.v1"]
    out = command("events", "show", event_id).out
    for word in ('"specversion": "1.0"', "orders.on_user_created", "student.enrolled", "nobody hears"):
        assert word in out


@pytest.mark.usefixtures("lived")
def test_an_unknown_event_is_told(command: Command) -> None:
    """There may have been one: how long events are kept is part of the answer."""
    result = command("events", "show", "nothing")
    assert result.code == 1
    assert result.err == "The event cannot be shown: there is no event nothing; events are kept for 30 days\n"


@pytest.mark.parametrize("words", [["list"], ["show", "x"], ["dead"], ["replay", "--all"]])
def test_no_data_yet_is_told(command: Command, tmp_path: Path, words: list[str]) -> None:
    """Before the first start there is nothing to look at: the error says so, and makes nothing."""
    result = command("events", *words)
    assert result.code == 1
    assert f"there is nothing at {tmp_path / 'data' / 'identity.db'} yet; `aulario up` makes it" in result.err
    assert not (tmp_path / "data").exists()


def test_databases_behind_this_version_are_told(command: Command, lived: Path) -> None:
    """A folder that was not migrated yet is not guessed at."""
    (lived / "orders.db").write_bytes(b"")
    result = command("events", "list")
    assert result.code == 1
    assert "the database of orders is behind this version of Aulario; run: aulario migrate" in result.err


def test_the_catalogue_is_printed_and_written(command: Command, tmp_path: Path) -> None:
    """Who records and who hears each event, on the terminal or as the two generated pages."""
    out = command("events", "catalogue").out
    assert [line.split()[:3] for line in out.splitlines() if line.startswith("user.created.v1")] == [
        ["user.created.v1", "identity", "orders.on_user_created"]
    ]
    assert command("events", "catalogue", "--write", "--to", tmp_path / "docs").code == 0
    assert sorted(path.name for path in (tmp_path / "docs").iterdir()) == ["asyncapi.yaml", "events.md"]
