"""Archives: whole or not there, and believed only when every sum agrees."""

import io
import json
import stat
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aulario.kit import archive
from aulario.kit.archive import MANIFEST, ArchiveError


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of two files, one of them in a folder."""
    folder = tmp_path_factory.mktemp("packed")
    (folder / "a.db").write_bytes(bytes(range(256)) * 40)
    (folder / "b.secret").write_bytes(b"sealed")
    target = folder / "all.tar.gz"
    archive.pack(target, {"a.db": folder / "a.db", "secrets/b.secret": folder / "b.secret"}, {"format": 1})
    return target


def _written(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write an archive as somebody else might."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_what_was_packed_comes_back(packed: Path, tmp_path: Path) -> None:
    """Files come back under their names, for their owner alone, and so does what was said about them."""
    about = archive.verify(packed)
    assert about["format"] == 1
    assert about["files"]["secrets/b.secret"]["bytes"] == 6
    archive.unpack(packed, tmp_path)
    assert (tmp_path / "a.db").read_bytes() == bytes(range(256)) * 40
    assert (tmp_path / "secrets/b.secret").read_bytes() == b"sealed"
    assert stat.S_IMODE((tmp_path / "a.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(packed.stat().st_mode) == 0o600


def test_nothing_is_replaced_unless_asked_for(tmp_path: Path) -> None:
    """A name that is taken is refused, and the file there stays as it was."""
    target = tmp_path / "all.tar.gz"
    target.write_bytes(b"precious")
    with pytest.raises(ArchiveError, match="exists"):
        archive.pack(target, {}, {})
    assert target.read_bytes() == b"precious"
    archive.pack(target, {}, {}, replace=True)
    assert archive.verify(target)["files"] == {}


def test_a_failed_packing_leaves_nothing(tmp_path: Path) -> None:
    """When a file cannot be read there is no archive, and no half of one."""
    with pytest.raises(FileNotFoundError):
        archive.pack(tmp_path / "all.tar.gz", {"a": tmp_path / "missing"}, {})
    assert list(tmp_path.iterdir()) == []


@given(st.data())
def test_damage_is_seen(packed: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """An archive with a changed byte, or cut short, is refused; or the change was in nothing that matters."""
    content = packed.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    mask = data.draw(st.integers(0, 255))
    copy = tmp_path_factory.mktemp("damaged") / "all.tar.gz"
    copy.write_bytes(content[:place] + (bytes([content[place] ^ mask]) + content[place + 1 :] if mask else b""))
    try:
        found = archive.verify(copy)
    except ArchiveError:
        return
    assert found == archive.verify(packed)


@pytest.mark.parametrize("name", ["../up", "/etc/passwd", "a/../../b", ".hidden", "a//b", ""])
def test_no_name_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    """An archive whose manifest names another place is refused as a whole."""
    manifest = json.dumps({"files": {name: {"bytes": 1, "sha256": ""}}}).encode()
    with pytest.raises(ArchiveError, match="no name for a file"):
        archive.verify(_written(tmp_path / "all.tar.gz", {MANIFEST: manifest, "x": b"x"}))


def test_what_is_missing_or_too_much_is_named(tmp_path: Path) -> None:
    """Files and manifest must agree exactly; what is no archive at all is told as that."""
    manifest = json.dumps({"files": {"a": {"bytes": 1, "sha256": ""}}}).encode()
    with pytest.raises(ArchiveError, match="a is missing"):
        archive.verify(_written(tmp_path / "less.tar.gz", {MANIFEST: manifest}))
    with pytest.raises(ArchiveError, match="more is not what was packed"):
        archive.verify(_written(tmp_path / "more.tar.gz", {MANIFEST: b'{"files": {}}', "more": b"x"}))
    with pytest.raises(ArchiveError, match="it has no manifest"):
        archive.verify(_written(tmp_path / "other.tar.gz", {"a": b"x"}))
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ArchiveError, match="cannot be believed"):
        archive.verify(tmp_path / "text")
