"""Secrets in files: kept, sealed, and never made worse by a wrong key."""

import asyncio
import stat
from base64 import b64encode
from pathlib import Path

import pytest

from aulario.backends.secrets import SecretsError
from aulario.backends.secrets.file import FileSecrets

OTHER_KEY = b64encode(b"k" * 32).decode()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "secrets"


@pytest.fixture
def secrets(place: Path) -> FileSecrets:
    return FileSecrets(place)


def made(place: Path) -> Path:
    place.mkdir(parents=True)
    return place


def modes(place: Path) -> dict[str, int]:
    """Give the permissions of what is in a directory; nothing where there is none."""
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in place.glob("*")}


@pytest.mark.parametrize("value", [b"", b"s3cret", bytes(range(256)) * 400])
async def test_gives_back_what_was_put(secrets: FileSecrets, place: Path, value: bytes) -> None:
    """A value of any size comes back, and does so after a restart."""
    await secrets.put("gateway.password", value)
    assert await secrets.get("gateway.password") == value
    assert await FileSecrets(place).get("gateway.password") == value


async def test_put_replaces(secrets: FileSecrets) -> None:
    """The last value put is the one there is."""
    await secrets.put("a", b"old")
    await secrets.put("a", b"new")
    assert await secrets.get("a") == b"new"


async def test_reading_nothing_makes_nothing(secrets: FileSecrets, place: Path) -> None:
    """An unknown name is None, an empty store has no names, and neither question leaves a trace."""
    assert await secrets.get("unknown") is None
    assert await secrets.names() == []
    assert modes(place) == modes(place.parent) == {}


async def test_names_are_listed_in_order(secrets: FileSecrets) -> None:
    """Every name, sorted; the master key is not one of them."""
    for name in ("b", "a-1", "c.d_e"):
        await secrets.put(name, b"x")
    assert await secrets.names() == ["a-1", "b", "c.d_e"]


async def test_only_the_owner_can_read(secrets: FileSecrets, place: Path) -> None:
    """Files are 0600 and the directory 0700, even one that was open before; no temporary file stays."""
    made(place).chmod(0o755)
    await secrets.put("a", b"x")
    assert modes(place.parent) == {"secrets": 0o700}
    assert modes(place) == {"a.secret": 0o600, "master.key": 0o600}


async def test_nothing_shows_the_value(secrets: FileSecrets, place: Path) -> None:
    """Neither the files nor the `repr` hold the value or the key, and equal values look different."""
    await secrets.put("a", b"canary-value")
    await secrets.put("b", b"canary-value")
    stored = [(place / name).read_bytes() for name in ("a.secret", "b.secret")]
    assert not any(b"canary" in content for content in stored)
    assert stored[0][24:] != stored[1][24:]
    assert (place / "master.key").read_text().strip() not in repr(secrets)


PATHS = ["", ".", "..", "../a", "a/b", "/etc/passwd", "a\\b", ".hidden"]


@pytest.mark.parametrize("name", [*PATHS, "a\x00", "A", "-x", "ñ", "a\n", "a b", "x" * 101])
async def test_names_are_no_paths(secrets: FileSecrets, place: Path, name: str) -> None:
    """A name that could reach outside, hide or clash is refused by all that take one."""
    for attempt in (secrets.get(name), secrets.put(name, b"x")):
        with pytest.raises(SecretsError, match="cannot name a secret"):
            await attempt
    assert modes(place) == modes(place.parent) == {}


@pytest.mark.parametrize("position", [0, 5, 14, 30, -1])
async def test_an_altered_file_is_refused_and_kept(secrets: FileSecrets, place: Path, position: int) -> None:
    """One changed byte anywhere: the error names the file, and a put does not cover it up."""
    await secrets.put("good", b"fine")
    await secrets.put("bad", b"a value of some length")
    content = bytearray((place / "bad.secret").read_bytes())
    content[position] ^= 1
    (place / "bad.secret").write_bytes(content)
    for attempt in (secrets.get("bad"), secrets.put("bad", b"new")):
        with pytest.raises(SecretsError, match=r"bad\.secret"):
            await attempt
    assert (place / "bad.secret").read_bytes() == bytes(content)
    assert await FileSecrets(place).get("good") == b"fine"


@pytest.mark.parametrize("length", [0, 3, 11, 12, 20, 24, 30])
async def test_a_cut_file_is_refused(secrets: FileSecrets, place: Path, length: int) -> None:
    """A file that lost its end is refused, wherever it was cut."""
    await secrets.put("a", b"a value of some length")
    path = place / "a.secret"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(SecretsError, match=r"a\.secret"):
        await secrets.get("a")


async def test_files_cannot_be_swapped(secrets: FileSecrets, place: Path) -> None:
    """A secret moved under another name is not taken for that other one."""
    await secrets.put("acme.gateway", b"acme")
    await secrets.put("zeta.gateway", b"zeta")
    (place / "acme.gateway.secret").write_bytes((place / "zeta.gateway.secret").read_bytes())
    with pytest.raises(SecretsError, match=r"acme\.gateway\.secret was altered, or is a copy"):
        await secrets.get("acme.gateway")


async def test_a_wrong_key_reads_and_writes_nothing(secrets: FileSecrets, place: Path) -> None:
    """Under another master key every call says so, new names included, and the right key finds all as it was."""
    await secrets.put("a", b"x")
    wrong = FileSecrets(place, OTHER_KEY)
    for attempt in (wrong.get("a"), wrong.put("a", b"y"), wrong.put("new", b"y")):
        with pytest.raises(SecretsError, match=r"a\.secret was written under another master key"):
            await attempt
    assert await secrets.names() == ["a"]
    assert await FileSecrets(place).get("a") == b"x"


async def test_a_lost_key_is_not_replaced(secrets: FileSecrets, place: Path) -> None:
    """When secrets are there and the key is not, it is missed, not made anew."""
    await secrets.put("a", b"x")
    (place / "master.key").unlink()
    with pytest.raises(SecretsError, match=r"master\.key is missing but 1 secrets need it"):
        await FileSecrets(place).put("b", b"y")
    assert not (place / "master.key").exists()


async def test_a_given_key_leaves_no_key_file(place: Path) -> None:
    """With the key from a setting, nothing that opens the store lies beside it."""
    await FileSecrets(place, OTHER_KEY).put("a", b"x")
    assert list(modes(place)) == ["a.secret"]
    assert await FileSecrets(place, OTHER_KEY).get("a") == b"x"


@pytest.mark.parametrize("key", ["", "short", "not base64 !", b64encode(b"k" * 31).decode(), "ñ" * 44])
async def test_a_key_must_be_32_bytes(place: Path, key: str) -> None:
    """A malformed key is refused by the setting and by the file, without being shown."""
    with pytest.raises(SecretsError, match="the master key setting is not 32 bytes"):
        FileSecrets(place, key)
    (made(place) / "master.key").write_text(key, encoding="utf-8")
    with pytest.raises(SecretsError, match=r"master\.key is not 32 bytes"):
        await FileSecrets(place).put("a", b"x")


async def test_processes_that_start_together_share_one_key(place: Path) -> None:
    """Several first uses at once end with one master key, and each reads what another wrote."""
    await asyncio.gather(*(FileSecrets(place).put(f"s{number}", b"x") for number in range(8)))
    assert [await FileSecrets(place).get(f"s{number}") for number in range(8)] == [b"x"] * 8


async def test_a_failing_disk_is_a_clear_error(place: Path) -> None:
    """What the system refuses is told with the path, as an error of the store."""
    (made(place.parent) / place.name).write_text("a file where the directory should be")
    with pytest.raises(SecretsError, match="secrets: "):
        await FileSecrets(place).put("a", b"x")
