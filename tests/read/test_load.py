from __future__ import annotations

import io
import json
import zipfile
from contextlib import suppress

import numpy as np
import pytest

from sigcli import Sigmoid, gradcheck
from sigcli.errors import SigcliError
from sigcli.layer.passes import backward_pass, forward_pass
from sigcli.read.files import Reference, reference
from sigcli.read.load import load
from sigcli.write import results


def read(path, name: str = "x", *companions: str) -> dict[str, np.ndarray]:
    return dict(load(reference(name, f"@{path}"), companions).arrays)


def arrays(dtype: str) -> list[np.ndarray]:
    rng = np.random.default_rng(14)
    bits = np.dtype(dtype).itemsize * 8
    found = []
    for shape in ((), (1,), (7,), (3, 4), (2, 3, 2), (0,), (0, 3)):
        raw = rng.integers(0, 2**bits, shape, dtype=f"uint{bits}")
        array = np.asarray(raw).view(dtype).reshape(shape)
        found.append(np.where(np.isnan(array), array.dtype.type(np.nan), array))
    return found


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("kind", ["npy", "npz", "json", "csv", "tsv", "plain"])
def test_what_was_written_reads_back_bit_for_bit(tmp_path, kind, dtype):
    # Shape and type too, where the format can carry them.
    for x in arrays(dtype):
        result = forward_pass(x)
        content = results.WRITERS[kind](result)
        path = tmp_path / f"r.{'txt' if kind == 'plain' else kind}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        if kind == "plain" and not x.size:
            with pytest.raises(SigcliError, match="holds no number"):
                read(path)
            continue
        (back,) = read(path).values()
        expected = result.y if kind in ("npy", "plain") else x
        if kind in ("npy", "npz", "json"):
            assert (back.shape, back.dtype) == (expected.shape, expected.dtype)
        elif kind in ("csv", "tsv"):
            shape = {(): (1,), (0, 3): (0,)}.get(x.shape, x.shape)
            assert back.shape == shape
        elif x.ndim == 2:
            assert back.shape == x.shape
        np.testing.assert_array_equal(back.reshape(-1).astype(dtype), expected.reshape(-1))
        assert np.all(np.signbit(back.reshape(-1)) == np.signbit(expected.reshape(-1)))


@pytest.mark.parametrize(
    "change", [np.asfortranarray, *(lambda a, t=t: a.astype(t) for t in (">f8", ">i4", "u1"))]
)
def test_any_order_of_bytes_and_values_is_read_right(tmp_path, change):
    x = change(np.arange(12.0).reshape(3, 4))
    np.save(tmp_path / "x.npy", x)
    back = read(tmp_path / "x.npy")["x"]
    assert back.dtype == np.float64
    np.testing.assert_array_equal(back, np.arange(12.0).reshape(3, 4))


def test_members_are_found_by_name_and_else_must_be_alone(tmp_path):
    path = tmp_path / "run.npz"
    np.savez(path, x=np.array([1.0]), dout=np.array([2.0]), other=np.array([3.0]))
    assert read(path) == {"x": [1.0]}
    assert read(path, "x", "dout", "dx") == {"x": [1.0], "dout": [2.0]}
    assert read(f"{path}:other") == {"x": [3.0]}
    with pytest.raises(SigcliError) as caught:
        read(f"{path}:nope")
    assert str(caught.value) == (
        f"x: '@{path}' has no array named 'nope'; there is 'x', 'dout', 'other'"
    )
    with pytest.raises(SigcliError, match="has no array named 'y'; there is 'x', 'dout', 'other'"):
        read(path, "y")
    np.savez(tmp_path / "one.npz", whatever=np.array([4.0]))
    assert read(tmp_path / "one.npz") == {"x": [4.0]}


def test_a_path_with_a_colon_is_a_path_first(tmp_path):
    (tmp_path / "a:x").write_text("1\n2\n")
    assert read(tmp_path / "a:x")["x"].tolist() == [1, 2]
    assert reference("x", "@run.npz:y") == Reference("x", "run.npz", "y")
    assert reference("x", "-") == Reference("x", "-")


def test_tables_give_columns_in_the_shape_of_their_indices(tmp_path):
    x = np.arange(6.0).reshape(2, 3)
    (tmp_path / "b.csv").write_text(results.csv(backward_pass(x, 2 * x)))
    found = read(tmp_path / "b.csv", "x", "dout", "dx")
    np.testing.assert_array_equal(found["x"], x)
    np.testing.assert_array_equal(found["dout"], 2 * x)
    (tmp_path / "own.csv").write_text("i,x\n5,1\n7,2\n")
    assert read(tmp_path / "own.csv")["x"].tolist() == [1, 2]
    assert read(f"{tmp_path}/own.csv:i")["x"].tolist() == [5, 7]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1, 2.5]", [1, 2.5]),
        ("3", 3),
        ('[["NaN", "-Infinity"], [NaN, Infinity]]', [[np.nan, -np.inf], [np.nan, np.inf]]),
        ('{"x": [1, 2]}', [1, 2]),
        ('{"command": "forward", "only": [1]}', [1]),
        ('{"shape": [0, 3], "x": []}', np.empty((0, 3))),
        ("[1e400, -1e-400]", [np.inf, -0.0]),
        (f"[{10**400}]", [np.inf]),
    ],
)
def test_json_is_read(tmp_path, text, expected):
    (tmp_path / "x.json").write_text(text)
    np.testing.assert_array_equal(read(tmp_path / "x.json")["x"], np.array(expected, float))


def test_json_of_a_narrow_pass_is_of_its_type(tmp_path):
    x = np.array([0.1, 1e-40], np.float32)
    (tmp_path / "x.json").write_text(results.json(forward_pass(x)))
    back = read(tmp_path / "x.json")["x"]
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, x)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, true]", "x[1]: 'true' is not a number"),
        ("[[1], [null]]", "x[1][0]: 'null' is not a number"),
        ('["abc"]', "x[0]: '\"abc\"' is not a number"),
        ("[[1, 2], [3]]", "x[1] has the shape (1,) where x[0] has (2,)"),
        ("[1, [2]]", "x[1] has the shape (1,) where x[0] has ()"),
        ('{"a": [1], "b": [2]}', "PATH has no array named 'x'; there is 'a', 'b'"),
        ("{}", "PATH has no array named 'x'; there is nothing"),
        ("[1 2]", "PATH: line 1, column 4: not JSON: Expecting ',' delimiter"),
        ("", "PATH: line 1, column 1: not JSON: Expecting value"),
    ],
)
def test_json_that_is_no_array_is_refused(tmp_path, text, message):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(SigcliError) as caught:
        read(path)
    assert str(caught.value).removeprefix("x: ") == message.replace("PATH", f"'@{path}'")


def test_a_0d_array_that_is_not_finite_is_an_array_like_any(tmp_path):
    for value in (np.nan, np.inf, -np.inf):
        path = tmp_path / "x.json"
        path.write_text(results.json(backward_pass(np.array(value), np.array(-np.inf))))
        found = read(path, "x", "dout", "dx")
        np.testing.assert_array_equal(found["x"], value)
        np.testing.assert_array_equal(found["dout"], -np.inf)
        np.testing.assert_array_equal(found["dx"], np.nan)


@pytest.mark.parametrize("value", ["null", '"oops"', "{}", "true"])
def test_a_member_with_the_name_of_an_array_is_never_passed_over(tmp_path, value):
    (tmp_path / "x.json").write_text(f'{{"x": [1, 2], "dx": {value}}}')
    if value == "true":  # a flag of that name is a flag
        assert list(read(tmp_path / "x.json", "x", "dx")) == ["x"]
        return
    with pytest.raises(SigcliError, match="is not a number"):
        read(tmp_path / "x.json", "x", "dx")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.csv", "x,x\n1,2\n", "PATH has more than one 'x'"),
        ("x.json", '{"x": 1, "x": 2}', "PATH is not JSON: a name stands twice in an object"),
        ("x.json", "[" * 70 + "]" * 70, "more than 64 brackets deep"),
        ("x.json", '{"x": [], "shape": [0, 99999999999999999999]}',
         "(0, 99999999999999999999) is no shape for 0 numbers"),
        ("x.json", '{"x": [], "shape": [0, "a"]}', "(0, a) is no shape for 0 numbers"),
        ("x.tsv", "\t1\n\t2\n", "line 1: an empty field; write nan for a missing number"),
        ("x.txt:x", "1\n2\n", "PATH has no array named 'x'; there is nothing"),
    ],
)  # fmt: skip
def test_what_could_be_read_in_two_ways_is_refused(tmp_path, name, text, message):
    path = tmp_path / name.partition(":")[0]
    path.write_text(text)
    with pytest.raises(SigcliError) as caught:
        read(tmp_path / name)
    assert str(caught.value) == f"x: {message.replace('PATH', repr(f'@{path}'))}"


@pytest.mark.parametrize(
    ("text", "member", "expected"),
    [
        ("color,x\n#ff0000,1.5\nred,2\n", "x", [1.5, 2]),
        ("name,x\na#1,1\nb,2 # a comment\n", "x", [1, 2]),
        ("name,x\n# a comment\na,1\n", "x", [1]),
        ("# a comment\n#,with,commas\nname,x\na,1\n", "x", [1]),
        ("1,2 # one\n3,4\n", "", [[1, 2], [3, 4]]),
        ('name,x\n"a, b",1\n', "x", [1]),
    ],
)
def test_a_number_sign_is_a_comment_only_where_it_is_no_word(tmp_path, text, member, expected):
    (tmp_path / "x.csv").write_text(text)
    name = f"{tmp_path}/x.csv:{member}" if member else tmp_path / "x.csv"
    assert read(name)["x"].tolist() == expected


def test_a_table_with_empty_words_is_read_back(tmp_path):
    check = gradcheck(Sigmoid(), [1.0, -800.0])
    for kind in ("csv", "tsv"):
        (tmp_path / f"r.{kind}").write_text(results.WRITERS[kind](check))
        assert read(tmp_path / f"r.{kind}")["x"].tolist() == [1, -800]


def test_whole_numbers_that_float64_does_not_hold_are_noted(tmp_path):
    np.save(tmp_path / "x.npy", np.array([1, 2**53 + 1]))
    assert load(reference("x", f"@{tmp_path}/x.npy")).notes == [
        "x: 9007199254740993 becomes 9007199254740992, the nearest float64"
    ]
    np.save(tmp_path / "x.npy", np.array([2**64 - 1], np.uint64))
    assert len(load(reference("x", f"@{tmp_path}/x.npy")).notes) == 1
    np.save(tmp_path / "x.npy", np.array([2**53, 2**60, -(2**62)]))
    assert load(reference("x", f"@{tmp_path}/x.npy")).notes == []


def test_what_a_narrow_record_cannot_hold_is_noted(tmp_path):
    (tmp_path / "x.json").write_text('{"x": [1e39, 2], "dtype": "float32"}')
    assert load(reference("x", f"@{tmp_path}/x.json")).notes == [
        "x[0]: 1e+39 is beyond float32 and becomes inf"
    ]


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, '{"x": ' + "9" * 5000 + "}", "\xff"])
def test_hostile_json_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(SigcliError) as caught:
        read(path)
    assert len(caught.value.lines()) == 1


@pytest.mark.parametrize("text", ["[[1. 2.]\n [3. 4.]]", "array([[1, 2],\n       [3, 4]])",
                                  "[[1, 2], [3, 4]]", "1 2\n3 4\n"])  # fmt: skip
def test_text_without_a_known_suffix_is_known_by_its_start(tmp_path, text):
    (tmp_path / "x").write_text(text)
    assert read(tmp_path / "x")["x"].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("kind", ["npy", "npz", "json"])
def test_other_kinds_without_a_suffix_are_known_by_their_start(tmp_path, kind):
    content = results.WRITERS[kind](forward_pass(np.zeros(2)))
    (tmp_path / "x").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert read(tmp_path / "x")["x"].size == 2


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (np.array([None]), "object"),
        (np.array(["a"]), "<U1"),
        (np.array([1j]), "complex128"),
        (np.array([True]), "bool"),
        (np.zeros(1, [("a", "f8")]), "[('a', '<f8')]"),
        (np.zeros(1, "longdouble"), "float128"),
    ],
)
def test_arrays_that_hold_no_numbers_are_refused_by_name(tmp_path, array, kind):
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    np.savez(tmp_path / "x.npz", allow_pickle=True, x=array)
    for name in ("x.npy", "x.npz"):
        with pytest.raises(SigcliError) as caught:
            read(tmp_path / name)
        assert str(caught.value) == (
            f"x: an array of {kind} cannot be used; expected integers, float16, float32 or float64"
        )


def npy(header: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header.encode() + data


HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s,)}\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy(HEADER % 3, b"\0" * 8), "is cut off: its header promises 3 values of 8 bytes, "
                                     "and 8 bytes follow"),
        (npy(HEADER % 10**18), "is cut off: its header promises 1000000000000000000 values of 8 "
                               "bytes, and 0 bytes follow"),
        (npy(HEADER % -3), "is cut off: its header promises -3 values of 8 bytes, "
                           "and 0 bytes follow"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (True,)}\n", b"\0" * 8),
         "is no .npy file: its header gives no shape"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1," * 70 + ")}\n", b"\0" * 8),
         "is no .npy file: its header gives no shape"),
        (npy("nonsense"), "is no .npy file: its header cannot be read"),
        (npy("__import__('os').system('touch /tmp/owned')"),
         "is no .npy file: its header cannot be read"),
        (npy(HEADER % 1, b"\0" * 8, b"\x09\x00"), "is no .npy file: its header cannot be read"),
        (b"\x93NUMPY", "is no .npy file: its header cannot be read"),
        (b"", "is no .npy file: its header cannot be read"),
        (b"1 2 3", "is no .npy file: its header cannot be read"),
    ],
)  # fmt: skip
def test_a_damaged_npy_file_is_refused(tmp_path, content, message):
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    with pytest.raises(SigcliError) as caught:
        read(path)
    assert str(caught.value) == f"x: '@{path}' {message}"


def test_a_damaged_npz_file_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    whole = results.npz(forward_pass(np.arange(100.0)))
    for content in (b"", b"PK", whole[: len(whole) // 2], whole[:-1], b"PK\x03\x04" + b"\0" * 99):
        path.write_bytes(content)
        with pytest.raises(SigcliError, match=r"is no \.npz file"):
            read(path)


def test_a_member_that_holds_less_than_it_promises_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy(HEADER % 10**12, b"\0" * 80))
    with pytest.raises(SigcliError, match="promises 1000000000000 values"):
        read(tmp_path / "x.npz")


def test_pickles_are_never_read(tmp_path, monkeypatch):
    class Evil:
        def __reduce__(self):
            return (print, ("owned",))

    np.save(tmp_path / "x.npy", np.array([Evil()]), allow_pickle=True)
    monkeypatch.setattr("pickle.load", lambda *a, **k: pytest.fail("unpickled"))
    with pytest.raises(SigcliError, match="an array of object cannot be used"):
        read(tmp_path / "x.npy")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda p: None, "no such file"),
        (lambda p: p.mkdir(), "expected a file, this is a folder"),
        (lambda p: p.symlink_to(p), "Too many levels of symbolic links"),
    ],
)
def test_a_file_that_cannot_be_opened_says_why(tmp_path, make, reason):
    path = tmp_path / "x.csv"
    make(path)
    with pytest.raises(SigcliError) as caught:
        read(path)
    assert str(caught.value) == f"x: '@{path}': {reason}"


def test_mutated_files_are_read_or_refused_but_never_crash(tmp_path):
    rng = np.random.default_rng(15)
    result = backward_pass(np.arange(6.0).reshape(2, 3), np.ones((2, 3)))
    for kind in ("npy", "npz", "json", "csv", "tsv", "plain"):
        content = results.WRITERS[kind](result)
        whole = content if isinstance(content, bytes) else content.encode()
        path = tmp_path / f"x.{'txt' if kind == 'plain' else kind}"
        for _ in range(150):
            damaged = bytearray(whole)
            for _ in range(rng.integers(1, 6)):
                damaged[rng.integers(len(damaged))] = rng.integers(256)
            path.write_bytes(damaged[: rng.integers(1, len(damaged) + 1)])
            with suppress(SigcliError):  # and nothing else
                assert all(array.dtype.kind == "f" for array in read(path).values())


def test_what_the_archive_and_json_hold_is_all_there_is():
    result = backward_pass(np.ones(2), np.ones(2))
    with np.load(io.BytesIO(results.npz(result))) as archive:
        assert list(archive) == ["x", "y", "dout", "dx"]
    assert json.loads(results.json(result))["command"] == "backward"
