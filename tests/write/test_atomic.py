from __future__ import annotations

import os
import stat
import threading

import pytest

from sigcli.errors import FileError
from sigcli.write.atomic import beside, created, replacing


def write(path, content: bytes = b"new") -> None:
    with replacing(str(path)) as file:
        file.write(content)


def test_a_new_file_has_the_mode_that_any_would(tmp_path):
    old = os.umask(0o027)
    try:
        write(tmp_path / "f")
    finally:
        os.umask(old)
    assert (tmp_path / "f").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["f"]


def test_an_old_file_is_replaced_and_its_mode_kept(tmp_path):
    (tmp_path / "f").write_bytes(b"old")
    (tmp_path / "f").chmod(0o604)
    write(tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o604


def test_symbolic_links_are_followed(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("made")
    write(tmp_path / "link")
    write(tmp_path / "dangling")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == (tmp_path / "made").read_bytes() == b"new"


def test_a_failure_midway_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "f").write_bytes(b"old")

    def fail() -> None:
        with replacing(str(tmp_path / "f")) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (tmp_path / "f").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f"]


def test_what_is_no_regular_file_is_written_straight(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    found = []
    reader = threading.Thread(target=lambda: found.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write(tmp_path / "pipe")
    reader.join(timeout=10)
    assert found == [b"new"]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "expected a file, this is a folder"),
        ("nowhere/f", "no such folder"),
        ("file/f", "Not a directory"),
        ("n" * 300, "File name too long"),
    ],
)
def test_what_cannot_be_written_says_why(tmp_path, name, reason):
    (tmp_path / "file").write_text("")
    path = tmp_path / name if name else tmp_path
    with pytest.raises(FileError) as caught:
        write(path)
    assert str(caught.value) == f"--output: '{path}': {reason}"


def test_a_full_disk_leaves_the_old_file():
    with pytest.raises(FileError) as caught:
        write("/dev/full", b"x" * 100_000)
    assert str(caught.value) == "--output: '/dev/full': No space left on device"


def test_the_temporary_file_is_new_and_for_its_owner_alone(tmp_path):
    """A link of the same name is not followed; the mode is that of the old file only at the end."""
    name = beside(str(tmp_path / "y.npy"))
    os.symlink(tmp_path / "victim", name)
    with pytest.raises(FileExistsError), created(name, 0o644):
        pass
    assert not (tmp_path / "victim").exists()
