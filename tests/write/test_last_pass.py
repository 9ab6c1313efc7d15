from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from sigcli.errors import MemoryFileError
from sigcli.write import last_pass

X = np.array([24.0, 32.0, 5.0])


@pytest.fixture
def state(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "state" / "pass.npz"
    monkeypatch.setenv("SIGCLI_STATE", str(path))
    return path


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"HOME": "/h"}, "/h/.local/state/sigcli/last.npz"),
        ({"HOME": "/h", "XDG_STATE_HOME": "/s"}, "/s/sigcli/last.npz"),
        ({"HOME": "/h", "XDG_STATE_HOME": "not/absolute"}, "/h/.local/state/sigcli/last.npz"),
        ({"HOME": "/h", "SIGCLI_STATE": "/f.npz"}, "/f.npz"),
        ({"HOME": "/h", "SIGCLI_STATE": ""}, None),
        ({"HOME": ""}, None),
        ({}, None),
    ],
)
def test_where_the_memory_lies(monkeypatch, settings, expected):
    for name in ("HOME", "XDG_STATE_HOME", "SIGCLI_STATE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    found = last_pass.place()
    assert (None if found is None else str(found)) == expected


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_a_pass_is_recalled_as_it_was(state, dtype, shape):
    x = np.random.default_rng(1).normal(size=shape).astype(dtype)
    last_pass.remember(x)
    last = last_pass.recall()
    assert (last.x.shape, last.x.dtype) == (x.shape, x.dtype)
    np.testing.assert_array_equal(last.x, x)
    assert 0 <= last.age < 60


def test_nothing_is_recalled_before_the_first_pass(state):
    assert last_pass.recall() is None


def test_only_the_owner_may_read_it(state):
    last_pass.remember(X)
    assert state.stat().st_mode & 0o777 == 0o600
    assert os.listdir(state.parent) == [state.name]


def test_a_later_pass_replaces_an_earlier_one(state):
    last_pass.remember(X)
    last_pass.remember(X[:1])
    assert last_pass.recall().x.tolist() == [24]


def test_a_large_pass_clears_the_one_before(state):
    last_pass.remember(X)
    last_pass.remember(np.zeros(last_pass.MOST_VALUES + 1))
    assert last_pass.recall() is None
    last_pass.remember(np.zeros(last_pass.MOST_VALUES))
    assert last_pass.recall().x.size == last_pass.MOST_VALUES


@pytest.mark.parametrize(
    "content", [b"", b"precious", b"PK\x03\x04 some other archive", b"\0" * 99]
)
def test_a_file_that_is_not_ours_is_neither_overwritten_nor_believed(state, content):
    state.parent.mkdir()
    state.write_bytes(content)
    last_pass.remember(X)
    last_pass.forget()
    assert state.read_bytes() == content
    with pytest.raises(MemoryFileError) as caught:
        last_pass.recall()
    assert str(caught.value) == (
        f"the last pass in '{state}' is none of sigcli's, and is left alone; give X"
    )


def test_another_archive_of_numpy_s_is_not_ours(state):
    state.parent.mkdir()
    np.savez(state, x=X)
    before = state.read_bytes()
    last_pass.remember(X * 2)
    assert state.read_bytes() == before


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda p: p.symlink_to(p)])
def test_what_is_no_file_is_left_alone(state, make):
    state.parent.mkdir()
    make(state)
    last_pass.remember(X)
    last_pass.forget()
    assert os.path.lexists(state)
    with pytest.raises(MemoryFileError):
        last_pass.recall()


def test_a_damaged_memory_says_so_and_is_replaced_by_the_next_pass(state):
    last_pass.remember(X)
    whole = state.read_bytes()
    state.write_bytes(whole[:-40])
    with pytest.raises(MemoryFileError) as caught:
        last_pass.recall()
    assert str(caught.value) == f"the last pass in '{state}' is damaged; remove it, or give X"
    last_pass.remember(X)
    assert last_pass.recall().x.tolist() == X.tolist()


def test_a_damaged_memory_never_gives_other_numbers(state):
    last_pass.remember(X)
    whole = state.read_bytes()
    rng = np.random.default_rng(2)
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.integers(len(damaged))] ^= 1 << rng.integers(8)
        state.write_bytes(damaged)
        try:
            last = last_pass.recall()
        except MemoryFileError:
            continue
        np.testing.assert_array_equal(last.x, X)


def test_where_a_pass_cannot_be_remembered_the_one_before_is_forgotten(state, monkeypatch):
    last_pass.remember(X)

    def full(path, x):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(last_pass, "_write", full)
    last_pass.remember(X[:1])
    assert last_pass.recall() is None


def test_where_the_one_before_cannot_be_removed_either_it_is_refused(state, monkeypatch):
    last_pass.remember(X)
    real = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path) != state.parent and real(path, mode)
    )
    with pytest.raises(MemoryFileError) as caught:
        last_pass.recall()
    assert str(caught.value) == (
        f"the last pass in '{state}' may be an older one, since it cannot be replaced; give X"
    )


def test_a_folder_that_cannot_be_made_breaks_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SIGCLI_STATE", str(tmp_path / "file" / "x.npz"))
    last_pass.remember(X)
    last_pass.forget()
    assert last_pass.recall() is None


def test_many_processes_share_it_and_each_reads_one_complete_pass(program, state):
    hook = (
        "import os, numpy as np\nfrom sigcli.write import last_pass\n"
        "n = os.getpid() % 1000\n"
        "for _ in range(20):\n"
        "    last_pass.remember(np.full(1000 + n, float(n)))\n"
        "    x = last_pass.recall().x\n"
        "    assert x.size == 1000 + x[0] and (x == x[0]).all()\n"
    )
    assert {ran.code for ran in program.together([("--version",)] * 8, hook=hook)} == {0}
    assert os.listdir(state.parent) == [state.name]


def test_its_age_is_that_of_the_pass(state):
    last_pass.remember(X)
    os.utime(state, (time.time() - 90, time.time() - 90))
    assert 89 < last_pass.recall().age < 120
