"""What files hold: ``.npy``, ``.npz``, ``.json``, ``.csv``, ``.tsv``, and text.

The suffix decides, and for a file with none of these, and for standard input, its first bytes.
Nothing that a file holds is ever executed: ``.npy`` data are numbers or are refused.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from ..errors import FileError, NumberError, SigcliError, quoted
from .files import opened, shown
from .text import BOM, BY_DIGITS, MAX_DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from .files import Reference

    Array = NDArray[np.floating[Any]]

TEXTS = ("", ".csv", ".tsv", ".txt")  # what may hold lines of numbers
DELIMITERS = {".csv": ",", ".tsv": "\t"}
KINDS = (".npy", ".npz", ".csv", ".tsv", ".txt", ".json")
_NPY_MAGIC = b"\x93NUMPY"
_ZIP_MAGIC = b"PK"
_NAMES = ("x", "y", "dout", "dx")  # of arrays that commands take
_AXES = ("i", "j", "k", "l", "m", "n")  # columns that say where a row belongs


@dataclass(frozen=True)
class Loaded:
    """What was read of a file.

    Attributes
    ----------
    arrays : dict of str to ndarray
        By the names of what they are for.
    notes : list of str
        What could not be kept.
    units : dict of str to ndarray
        The units of the last digits of those of `BY_DIGITS` that were text; others are exact.
    """

    arrays: Mapping[str, Array]
    notes: list[str] = field(default_factory=list)
    units: Mapping[str, Array] = field(default_factory=dict)


class Members:
    """The names in a file, and which of them are to be read."""

    def __init__(self, reference: Reference, companions: Collection[str] = ()) -> None:
        self.reference = reference
        self.companions = companions

    def alone(self) -> None:
        """Raise an error if a member is meant where there are no names."""
        if self.reference.member:
            self.chosen([])

    def chosen(self, names: Sequence[str]) -> dict[str, str]:
        """Return the members of `names` to be read, by what they are for.

        Raises
        ------
        FileError
            If there is none of the array's name, and not just one.
        """
        wanted = self.reference.member or self.reference.name
        if wanted not in names:
            if len(names) != 1 or self.reference.member:
                there = ", ".join(map(quoted, names)) or "nothing"
                raise FileError(
                    f"{self.reference.name}: {shown(self.reference.path)} has no array named "
                    f"{quoted(wanted)}; there is {there}"
                )
            wanted = names[0]
        if list(names).count(wanted) > 1:
            raise FileError(
                f"{self.reference.name}: {shown(self.reference.path)} has more than one "
                f"{quoted(wanted)}"
            )
        found = {name: name for name in self.companions if name in names}
        return {**found, self.reference.name: wanted}


def load(reference: Reference, companions: Collection[str] = ()) -> Loaded:
    """Read the array that `reference` means, and those of `companions` that lie beside it.

    Returns
    -------
    Loaded
        The array by the name of what it is for, and the companions by theirs.

    Raises
    ------
    FileError
        If the file cannot be read, is not what it should be, or has no such array.
    NumberError
        If it is text that holds something else than numbers.
    """
    members = Members(reference, companions)
    with opened(reference) as file:
        kind = suffix(reference)
        if kind in ("", ".txt"):
            kind = sniffed(file.read(64))
            file.seek(0)
        if kind == ".npy":
            members.alone()
            notes: list[str] = []
            array = _read_npy(reference, file, _size(file), notes)
            return Loaded({reference.name: array}, notes)
        if kind == ".npz":
            return read_npz(members, file)
        text = file.read()
    if kind == ".json":
        return _read_json(members, text)
    return _read_text(members, text, DELIMITERS.get(kind))


def suffix(reference: Reference) -> str:
    """Return the suffix of a file if it says how to read it, else an empty string."""
    found = Path(reference.path).suffix.lower()
    return found if found in KINDS else ""


def sniffed(start: bytes) -> str:
    """Return the suffix that a file with these first bytes would deserve."""
    if start.startswith(_NPY_MAGIC):
        return ".npy"
    if start.startswith(_ZIP_MAGIC):
        return ".npz"
    start = start.removeprefix(BOM).lstrip()
    if start.startswith(b"{"):
        return ".json"
    return ".array" if start.startswith((b"[", b"array(", b"np.", b"numpy.")) else ".txt"


def _size(file: IO[bytes]) -> int:
    """Return how many bytes are left in `file`."""
    here = file.tell()
    size = file.seek(0, os.SEEK_END) - here
    file.seek(here)
    return size


@dataclass(frozen=True)
class Header:
    """What an ``.npy`` file says of its data.

    Attributes
    ----------
    shape : tuple of int
        Of the array.
    fortran : bool
        Whether the first index varies fastest.
    dtype : dtype
        Of one value, in the file's byte order.
    """

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]

    @property
    def count(self) -> int:
        """The number of values."""
        return prod(self.shape)


def npy_header(reference: Reference, file: IO[bytes], size: int) -> Header:
    """Read the header of an ``.npy`` file of `size` bytes; `file` then stands at the data.

    Raises
    ------
    FileError
        If it is no header, or promises more data than there are.
    DtypeError
        If the data are no real numbers of at most 64 bits.
    """
    import numpy as np
    from numpy.lib import format as npy

    from .convert import real

    start = file.tell()
    where = f"{reference.name}: {shown(reference.path)}"
    try:
        version = npy.read_magic(file)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that Python 2 wrote it is no fault
            shape, fortran, dtype = read(file)
    except Exception as error:  # whatever ast and tokenize find wrong with it
        raise FileError(f"{where} is no .npy file: its header cannot be read") from error
    real(reference.name, np.empty(0, dtype))
    header = Header(shape, fortran, dtype)
    left = size - (file.tell() - start)
    if not all(type(length) is int for length in shape) or len(shape) > MAX_DIMENSIONS:
        raise FileError(f"{where} is no .npy file: its header gives no shape")
    if min(shape, default=0) < 0 or header.count * dtype.itemsize > left:
        raise FileError(
            f"{where} is cut off: its header promises {header.count} values of {dtype.itemsize} "
            f"bytes, and {left} bytes follow"
        )
    return header


def _read_npy(reference: Reference, file: IO[bytes], size: int, notes: list[str]) -> Array:
    import numpy as np

    from .convert import inexact, real

    header = npy_header(reference, file, size)
    size = header.count * header.dtype.itemsize
    data = file.read(size)
    if len(data) < size:
        raise FileError(f"{reference.name}: {shown(reference.path)} is cut off")
    values = np.frombuffer(data, header.dtype)
    notes += inexact(reference.name, values)
    return _shaped(
        reference.name,
        real(reference.name, values),
        header.shape,
        order="F" if header.fortran else "C",
    )


def read_npz(members: Members, file: IO[bytes]) -> Loaded:
    """Read members of an archive, each only as far as its header says that it goes."""
    from zipfile import ZipFile

    where = f"{members.reference.name}: {shown(members.reference.path)}"
    try:
        with ZipFile(file) as archive:
            infos = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            arrays, notes = {}, list[str]()
            for name, member in members.chosen(list(infos)).items():
                with archive.open(infos[member]) as data:
                    arrays[name] = _read_npy(
                        members.reference, data, infos[member].file_size, notes
                    )
            return Loaded(arrays, notes)
    except (SigcliError, MemoryError):
        raise
    except Exception as error:  # whatever zipfile and the decompressors find wrong with it
        raise FileError(f"{where} is no .npz file: {error}") from None


def _read_json(members: Members, text: bytes) -> Loaded:
    """Read a JSON array, or members of a JSON object such as sigcli prints."""
    import json

    reference = members.reference
    where = f"{reference.name}: {shown(reference.path)}"
    try:
        value = json.loads(text.decode("utf-8-sig"), object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise FileError(
            f"{where}: line {error.lineno}, column {error.colno}: not JSON: {error.msg}"
        ) from None
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise FileError(f"{where} is not JSON: {error}") from None
    if not isinstance(value, dict):
        members.alone()
        return Loaded({reference.name: _from_lists(reference.name, value, {}, [])})
    names = [name for name, member in value.items() if _may_be_array(name, member)]
    notes: list[str] = []
    chosen = members.chosen(names).items()
    return Loaded({n: _from_lists(n, value[m], value, notes) for n, m in chosen}, notes)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object in which no name stands twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return found


def _may_be_array(name: str, member: Any) -> bool:
    """Whether a member of an object is numbers, or should be by its name."""
    if name in ("shape", "rtol") or isinstance(member, bool):
        return False
    return name in _NAMES or isinstance(member, list | float | int) or _is_word(member)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and value in _WORDS


def _from_lists(name: str, value: Any, record: dict[str, Any], notes: list[str]) -> Array:
    """Return nested lists as an array, of the type and empty shape that the `record` names."""
    import numpy as np

    from .convert import converted

    flat: list[float] = []
    shape = _flatten(name, value, flat)
    whole = record.get("shape")
    if not flat and isinstance(whole, list) and 0 in whole:
        shape = tuple(whole)
    array: Array = _shaped(name, np.array(flat, np.float64), shape)
    if record.get("dtype") in ("float16", "float32"):
        array, lost = converted(name, array, record["dtype"])
        notes += lost
    return array


def _shaped(
    name: str, values: Array, shape: tuple[int, ...], order: Literal["C", "F"] = "C"
) -> Array:
    """Return `values` in a shape that a file claims."""
    try:
        return values.reshape(shape, order=order)
    except (ValueError, TypeError, OverflowError):
        sizes = ", ".join(map(str, shape[:8])) + (", …" if len(shape) > 8 else "")
        raise FileError(f"{name}: ({sizes}) is no shape for {values.size} numbers") from None


_WORDS = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}


def _flatten(place: str, value: Any, flat: list[float], depth: int = 0) -> tuple[int, ...]:
    """Append the numbers of nested lists to `flat` and return their shape."""
    if not isinstance(value, list):
        flat.append(_json_number(place, value))
        return ()
    if depth >= MAX_DIMENSIONS:
        raise FileError(f"{place.partition('[')[0]}: more than {MAX_DIMENSIONS} brackets deep")
    first: tuple[int, ...] = ()
    for index, item in enumerate(value):
        if type(item) is float:  # the common case, kept short
            flat.append(item)
            shape: tuple[int, ...] = ()
        else:
            shape = _flatten(f"{place}[{index}]", item, flat, depth + 1)
        if not index:
            first = shape
        elif shape != first:
            raise FileError(f"{place}[{index}] has the shape {shape} where {place}[0] has {first}")
    return (len(value), *first)


def _json_number(place: str, value: Any) -> float:
    if _is_word(value):
        return float(_WORDS[value])
    if isinstance(value, dict):  # perhaps too deep to be shown
        raise FileError(f"{place}: an object is not a number")
    if isinstance(value, bool) or not isinstance(value, int | float):
        import json

        shown = quoted(json.dumps(value, ensure_ascii=False))
        raise FileError(f"{place}: {shown} is not a number")
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _read_text(members: Members, text: bytes, delimiter: str | None) -> Loaded:
    """Read lines of numbers, or an array in brackets as NumPy or JSON writes it."""
    if sniffed(text[:64]) != ".array":
        return _read_lines(members, text, delimiter)
    members.alone()
    return _read_json(members, text) if b'"' in text else _read_brackets(members, text)


def _read_brackets(members: Members, text: bytes) -> Loaded:
    from .convert import converted, to_array, units
    from .text import read_text

    name = members.reference.name
    typed = read_text(name, text.decode("utf-8-sig", "replace"))
    array, notes = converted(name, to_array(typed), typed.dtype)
    good_to = {name: units(typed)} if name in BY_DIGITS else {}
    return Loaded({name: array}, typed.notes + notes, good_to)


def _read_lines(members: Members, text: bytes, delimiter: str | None) -> Loaded:
    from .lines import Lines

    reference = members.reference
    lines = Lines(reference.name, delimiter)
    rows = lines.read(text)
    if lines.header:
        lines.check_rows(len(rows), reference.member or reference.name)
        columns = _columns(lines.header, rows)
        chosen = members.chosen([name for name in lines.header if name in columns])
        for member in chosen.values():
            lines.check(member)
        arrays = {name: columns[member] for name, member in chosen.items()}
    else:
        members.alone()
        if not rows.size:
            raise NumberError(f"{reference.name}: {shown(reference.path)} holds no number")
        chosen = {reference.name: ""}
        arrays = {reference.name: rows.reshape(-1) if 1 in rows.shape else rows}
    units = {
        name: lines.units(text, member).reshape(arrays[name].shape)
        for name, member in chosen.items()
        if name in BY_DIGITS
    }
    return Loaded(arrays, lines.notes, units)


def _columns(header: list[str], rows: Array) -> dict[str, Array]:
    """Return the columns of a table by name, in the shape that index columns give them."""
    import numpy as np

    if header[0] == "index":
        return {name: rows[:, at] for at, name in enumerate(header) if at}
    count = 0
    while count < min(len(header), len(_AXES)) and header[count] == _AXES[count]:
        count += 1
    index, shape = rows[:, :count], None
    if count and rows.size and np.all(index >= 0) and np.all(index < len(rows)):
        shape = tuple(int(size) + 1 for size in index.max(axis=0))
        if prod(shape) != len(rows) or not np.array_equal(
            index, np.indices(shape).reshape(count, -1).T
        ):
            shape = None
    return {
        name: rows[:, at].reshape(shape or -1)
        for at, name in enumerate(header)
        if at >= count or not shape
    }
