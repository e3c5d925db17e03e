"""Settings: each has a default that runs, and one that is wrong is named with what was expected."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from aulario.settings import Settings, SettingsError, load

WRONG = [
    ("AULARIO_PORT", "eighty", "valid integer"),
    ("AULARIO_PORT", "70000", "less than or equal to 65535"),
    ("AULARIO_DATABASE", "mysql:", "'sqlite:'"),
    ("AULARIO_DURABILITY", "some", "'full' or 'normal'"),
    ("AULARIO_BROKER", "kafka:", "'local:'"),
    ("AULARIO_CACHE", "redis:", "'memory:'"),
    ("AULARIO_SECRETS", "vault:", "'file:'"),
    ("AULARIO_TRACES", "jaeger:", "'local:' or 'off:'"),
    ("AULARIO_TRACES_PER_SECOND", "-1", "greater than or equal to 0"),
    ("AULARIO_SIMULATED_RATE", "101", "less than or equal to 100"),
    ("AULARIO_ACCOUNT_RATE", "many", "match pattern"),
    ("AULARIO_ADDRESS_RATE", "0/minute", "match pattern"),
    ("AULARIO_MAX_BODY", "10", "greater than or equal to 1024"),
    ("AULARIO_TRUSTED_HOPS", "10.0.0.0/99", "not a valid IPv4 network"),
    ("AULARIO_DEMO", "perhaps", "valid boolean"),
    ("AULARIO_GRACE", "301", "less than or equal to 300"),
    ("AULARIO_LOG", "xml", "'auto', 'json' or 'pretty'"),
    ("AULARIO_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
]


def test_the_defaults_run_everything() -> None:
    """Without any setting there is a whole platform in one process, on loopback, losing nothing to a power cut."""
    settings = load({})
    assert (settings.host, settings.port, settings.durability) == ("127.0.0.1", 8000, "full")
    assert ip_network("127.0.0.0/8") in settings.trusted_hops


def test_every_setting_says_what_it_is_for() -> None:
    """The list of settings is its own documentation."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(("name", "value", "expected"), WRONG)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str) -> None:
    """The message has the setting, what it was set to, what was expected and what the setting is for."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load()
    message = str(caught.value)
    assert message.startswith(f"{name} is '{value}': ")
    assert expected in message
    assert message.endswith(f"({Settings.model_fields[name.removeprefix('AULARIO_').lower()].description}).")


def test_all_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody mends one setting only to hear of the next."""
    monkeypatch.setenv("AULARIO_PORT", "x")
    monkeypatch.setenv("AULARIO_GRACE", "x")
    with pytest.raises(SettingsError) as caught:
        load()
    assert [line.partition(" ")[0] for line in str(caught.value).splitlines()] == ["AULARIO_PORT", "AULARIO_GRACE"]


@pytest.mark.parametrize(
    ("wrong", "meant"), [("AULARIO_PROT", "AULARIO_PORT"), ("AULARIO_DATABSE", "AULARIO_DATABASE")]
)
def test_a_misspelt_setting_is_recognised(wrong: str, meant: str) -> None:
    """One that does not exist would be ignored in silence; it stops the start, and the near one is suggested."""
    with pytest.raises(SettingsError, match=f"{wrong} is no setting. Is {meant} meant?"):
        load({wrong: "1"})


def test_a_setting_like_no_other_is_refused_too() -> None:
    """With nothing near, all are listed."""
    with pytest.raises(SettingsError, match=r"AULARIO_ZZZZ is no setting. There are: .*AULARIO_PORT"):
        load({"AULARIO_ZZZZ": "1", "PATH": "/bin"})


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Typed, lists comma separated, and an empty one is as good as none."""
    monkeypatch.setenv("AULARIO_DATA", "/srv/aulario")
    monkeypatch.setenv("AULARIO_TRUSTED_HOPS", "10.0.0.0/8, 192.168.0.0/16")
    monkeypatch.setenv("AULARIO_PORT", "")
    settings = load()
    assert settings.data == Path("/srv/aulario")
    assert settings.trusted_hops == (ip_network("10.0.0.0/8"), ip_network("192.168.0.0/16"))
    assert settings.port == 8000


def test_a_key_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings can be logged."""
    monkeypatch.setenv("AULARIO_SECRETS_KEY", "aHVudGVyMg==")
    assert "aHVudGVyMg" not in repr(load())
